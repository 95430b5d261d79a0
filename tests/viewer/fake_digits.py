"""Small grey pictures of handwritten-looking digits, as real PNG data URIs."""

from __future__ import annotations

import base64
import struct
import zlib
from itertools import pairwise

import numpy as np

STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "0": [[(0.5, 0.12), (0.25, 0.3), (0.22, 0.65), (0.45, 0.88), (0.7, 0.72), (0.75, 0.35), (0.5, 0.12)]],
    "1": [[(0.38, 0.28), (0.55, 0.12), (0.5, 0.88)]],
    "2": [[(0.25, 0.3), (0.42, 0.13), (0.7, 0.25), (0.62, 0.5), (0.24, 0.86), (0.76, 0.84)]],
    "3": [[(0.27, 0.18), (0.68, 0.16), (0.45, 0.45), (0.72, 0.65), (0.55, 0.88), (0.25, 0.8)]],
    "4": [[(0.38, 0.12), (0.24, 0.55), (0.75, 0.52)], [(0.65, 0.2), (0.58, 0.9)]],
    "5": [[(0.72, 0.14), (0.33, 0.15), (0.3, 0.45), (0.62, 0.45), (0.7, 0.7), (0.5, 0.88), (0.25, 0.82)]],
    "6": [[(0.62, 0.1), (0.32, 0.42), (0.28, 0.74), (0.5, 0.89), (0.7, 0.7), (0.55, 0.53), (0.3, 0.66)]],
    "7": [[(0.24, 0.16), (0.75, 0.16), (0.45, 0.88)]],
    "8": [
        [(0.5, 0.48), (0.3, 0.28), (0.5, 0.12), (0.7, 0.28), (0.3, 0.7), (0.5, 0.88), (0.7, 0.7), (0.5, 0.48)]
    ],
    "9": [[(0.68, 0.35), (0.45, 0.48), (0.3, 0.3), (0.5, 0.12), (0.68, 0.3), (0.6, 0.9)]],
}
SIDE = 28


def png(grey: np.ndarray) -> str:
    """A picture [28 28] of uint8 as `data:image/png;base64,...`."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = grey.shape
    lines = b"".join(b"\x00" + row.tobytes() for row in grey)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode("ascii")


def digit(label: str, rng: np.random.Generator) -> str:
    """One digit, drawn with a shaky hand."""
    down, across = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    distance = np.full((SIDE, SIDE), np.inf)
    slant, stretch = rng.normal(0, 0.12), 1 + rng.normal(0, 0.06)
    for stroke in STROKES[label]:
        points = np.array(stroke) + rng.normal(0, 0.025, (len(stroke), 2))
        points = (points - 0.5) * [stretch * 0.8, 0.8] + 0.5
        points[:, 0] += slant * (0.5 - points[:, 1])
        for (x0, y0), (x1, y1) in pairwise(points):
            length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
            t = np.clip(((across - x0) * (x1 - x0) + (down - y0) * (y1 - y0)) / length, 0, 1)
            distance = np.minimum(distance, np.hypot(across - x0 - t * (x1 - x0), down - y0 - t * (y1 - y0)))
    width = 0.035 + 0.01 * rng.random()
    ink = np.clip((width + 0.035 - distance) / 0.035, 0, 1)
    return png((ink * 255).astype(np.uint8))
