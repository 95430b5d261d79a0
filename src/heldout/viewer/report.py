"""One report as one HTML file: opens from disk, makes no request, runs no script but its own."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

SCHEMAS = (  # as in viewer/src/pages.ts
    "heldout.audit/",
    "heldout.certify/",
    "heldout.calibrate/",
    "heldout.trajectory/",
    "heldout.study/",
    "heldout.studies/",
)
LIMIT_BYTES = 10_000_000


class ReportError(ValueError):
    """The report cannot be written as a page: the message names the cause and the remedy."""


def render_report(report: Mapping[str, Any], *, limit_bytes: int = LIMIT_BYTES) -> str:
    """Write a report (of one of the `SCHEMAS`, such as `heldout.audit/1`) as one HTML document.

    The script, the stylesheet and the data stand in the file. A content security policy forbids everything
    except this one script and stylesheet, known by their SHA-256, and pictures in `data:` form, so the page
    can request nothing. Strings of the report are escaped in the data and shown as text only.

    A page longer than `limit_bytes` (bytes of its UTF-8 form) loses pictures of the gallery, the last ones
    first, and says on the page how many. The report itself is not changed.

    Parameters
    ----------
    report : the report's JSON as nested dicts, lists, strings, finite numbers, booleans and None.
    limit_bytes : what the file may weigh.

    Errors
    ------
    ReportError: another schema; a number that is not finite; a value that is not JSON; a page that is still
    too long without any picture.

    >>> page = render_report({"schema": "heldout.audit/1", "title": "a <b> model", "verdict": {}})
    >>> "default-src 'none'" in page, "a <b> model" in page, "a \\\\u003cb\\\\u003e model" in page
    (True, False, True)
    """
    schema = report.get("schema")
    if not isinstance(schema, str) or not schema.startswith(SCHEMAS):
        known = ", ".join(f"{name}1" for name in SCHEMAS)
        raise ReportError(f"no page draws data of the schema {schema!r}; pass a dict of one of {known}")
    page = _page(report)
    excess = _weight(page) - limit_bytes
    if excess <= 0:
        return page
    lighter = _without_pictures(report, excess, limit_bytes)
    page = _page(lighter) if lighter is not None else page
    weight = _weight(page)
    if weight > limit_bytes:
        raise ReportError(
            f"the page would weigh {_megabytes(weight)} without its pictures, more than the "
            f"{_megabytes(limit_bytes)} allowed; keep fewer scatter points or shorter example texts, "
            "or write only the json"
        )
    return page


def _page(report: Mapping[str, Any]) -> str:
    script, style = _asset("report.js"), _asset("report.css")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    )
    answer = report.get("verdict")
    verdict = answer if isinstance(answer, Mapping) else report  # an audit's headline stands in its verdict
    title = _text(report.get("title"))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>heldout · {title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<noscript><h1>{_text(verdict.get('headline'))}</h1><p>{_text(verdict.get('sentence'))}</p>"
        "<p>The figures and tables are drawn by the script in this file; allow scripts to see them.</p>"
        "</noscript>\n"
        '<div id="page"></div>\n'
        f'<script type="application/json" id="report">{_data(report)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _data(report: Mapping[str, Any]) -> str:
    """The report as JSON that can stand inside a script element: ASCII only, without < > and &."""
    try:
        text = json.dumps(report, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    except ValueError as error:
        place = _not_finite(report, "report")
        cause = f"{place} is not a finite number" if place else str(error)
        raise ReportError(f"{cause}; write null and say why in the status beside it") from error
    except TypeError as error:
        raise ReportError(
            f"the report is not plain JSON ({error}); convert tensors and arrays first"
        ) from error
    # U+2028 and U+2029 are escaped by ensure_ascii already.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _not_finite(value: Any, place: str) -> str | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else place
    if isinstance(value, Mapping):
        inner = ((item, f"{place}.{key}") for key, item in value.items())
    elif isinstance(value, list | tuple):
        inner = ((item, f"{place}[{i}]") for i, item in enumerate(value))
    else:
        return None
    return next((found for item, where in inner if (found := _not_finite(item, where))), None)


def _without_pictures(report: Mapping[str, Any], excess: int, limit_bytes: int) -> dict[str, Any] | None:
    """The report less as many of its last pictures as the excess needs; None where it has no pictures."""
    examples = report.get("examples")
    if not isinstance(examples, Mapping):
        return None
    items = [dict(item) for item in examples.get("items") or []]
    saved = dropped = 0
    spare = 200  # the sentence that says so
    for item in reversed(items):
        if saved >= excess + spare:
            break
        picture = item.get("image")
        if isinstance(picture, str):
            saved += len(picture)
            dropped += 1
            item["image"] = None
    if not dropped:
        return None
    told = {"items": items, "images_dropped": dropped, "size_limit": _megabytes(limit_bytes)}
    return {**report, "examples": {**examples, **told}}


def _text(value: Any) -> str:
    """Text of the report as it may stand in HTML: escaped, without control characters or lone surrogates."""
    text = "" if value is None else str(value)
    return html.escape(re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "\ufffd", text))


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")


def _weight(page: str) -> int:
    return len(page.encode("utf-8"))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.3g} MB"


@functools.cache
def _asset(name: str) -> str:
    source = files("heldout.viewer").joinpath("assets", name)
    text = source.read_text(encoding="utf-8")
    if re.search(r"</(script|style)|<!--|\r", text, re.IGNORECASE):
        raise ReportError(
            f"the built {name} cannot stand inside a page; build the viewer again and check its minifier"
        )
    return text
