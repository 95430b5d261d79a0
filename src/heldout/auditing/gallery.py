"""The examples worth looking at: probably wrong labels and the most memorized, as pictures, rows or text.

>>> png(np.zeros((2, 2)))[:22]
'data:image/png;base64,'
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

from heldout.auditing.suspects import Suspects
from heldout.core.batch import flat
from heldout.core.estimate import Estimate
from heldout.core.subject import Subject
from heldout.measures.memorization import PerExample

MOST = 120
_SIDE = 64


def png(image: np.ndarray) -> str:
    """A data URI of a grey [h w] or colour [h w 3] picture, scaled to its own range."""
    low, high = float(image.min()), float(image.max())
    pixels = np.round((image - low) / (high - low if high > low else 1.0) * 255).astype(np.uint8)
    height, width = pixels.shape[:2]
    raw = b"".join(b"\0" + row.tobytes() for row in pixels.reshape(height, -1))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b"")
    )
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def picture(row: np.ndarray, shape: tuple[int, ...]) -> str | None:
    """The picture of one example [d] of shape (h, w), (c, h, w) or (h, w, c), thinned to at most 64 pixels a side."""
    image = row.reshape(shape)
    if image.ndim == 3:
        image = np.moveaxis(image, 0, -1) if image.shape[0] in (1, 3) else image
        image = image[..., 0] if image.shape[-1] == 1 else image[..., :3]
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[-1] == 3):
        return None
    step = max(1, -(-max(image.shape[:2]) // _SIDE))
    return png(image[::step, ::step])


def gallery(
    subject: Subject,
    found: Suspects | None,
    mem: PerExample | None,
    phi_out: np.ndarray | None,
    name: str,
    conflicting: np.ndarray,
) -> dict[str, Any]:
    """The report's `examples` section: suspects first, then the most memorized, at most MOST."""
    listed = [] if found is None else found.order[: min(found.listed, MOST // 2)].tolist()
    by_memory: list[int] = []
    if mem is not None:
        by_memory = np.argsort(-np.nan_to_num(mem.value, nan=-np.inf))[: MOST - len(listed)].tolist()
    flagged_wrong = set() if found is None else set(found.order[: found.listed].tolist())
    rows = list(dict.fromkeys([*listed, *by_memory]))[:MOST]
    kind = subject.inputs if rows else "none"
    columns, matrix = None, None
    if kind in ("row", "image"):
        matrix = flat(subject.train.x).numpy()
        columns = subject.columns or tuple(f"x{k}" for k in range(matrix.shape[1]))
    if kind == "row" and matrix is not None and matrix.shape[1] > 40:
        columns = columns[:40] if columns else None
    ids = subject.train.ids
    items = []
    for row in rows:
        item: dict[str, Any] = {
            "id": str(row if ids is None else ids[row].item()),
            "given": label_text(subject, float(subject.train.y[row])),
            "likely": None if found is None or found.likely is None else label_text(subject, float(found.likely[row])),
            "memorization": None,
            "out_confidence": None if phi_out is None or subject.task != "classification" else _sigmoid(phi_out[row]),
            "p_value": None if found is None else float(found.p[row]),
            "flags": [flag for flag, on in (
                ("wrong", row in flagged_wrong), ("memorized", row in by_memory[:50]), ("duplicate", bool(conflicting[row])),
            ) if on],
            "image": None, "row": None, "text": None,
        }  # fmt: skip
        if mem is not None and np.isfinite(mem.value[row]) and np.isfinite(mem.stderr[row]):
            value, stderr = float(mem.value[row]), float(mem.stderr[row])
            item["memorization"] = Estimate(
                value,
                value - 1.96 * stderr,
                value + 1.96 * stderr,
                stderr=stderr,
                method=name,
                n=int(mem.outs[row]),
            ).as_json()
        if kind == "image" and matrix is not None and subject.image_shape:
            item["image"] = picture(matrix[row], subject.image_shape)
        elif kind == "row" and matrix is not None:
            item["row"] = [float(v) for v in matrix[row][:40]]
        elif kind == "text" and subject.texts is not None:
            item["text"] = subject.texts[row][:600]
        items.append(item)
    note = "" if found is None else found.note
    return {
        "kind": kind, "columns": None if columns is None or kind != "row" else list(columns),
        "score_name": name, "note": note, "items": items,
    }  # fmt: skip


def label_text(subject: Subject, value: float) -> str:
    """A label as the user knows it."""
    if subject.classes is not None:
        return subject.classes[int(value)]
    return "" if subject.task == "language" else f"{value:.4g}"


def _sigmoid(z: float) -> float | None:
    return None if not np.isfinite(z) else float(1 / (1 + np.exp(-np.clip(z, -500, 500))))
