"""Writing an audit: the page, the JSON file, the run folder, and the summary a notebook shows."""

from __future__ import annotations

import html
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from heldout.auditing.facts import Facts
from heldout.auditing.look import predictor_hash
from heldout.core.errors import InputError


def save(page: dict[str, Any], path: Path) -> Path:
    """Write `page` as `.html`, `.json` or (a summary) `.md`, whole or not at all. Raises `InputError` for another ending."""
    from heldout.store.atomic import write_atomically

    if path.suffix == ".html":
        from heldout.viewer.report import render_report

        data = render_report(page).encode("utf-8")
    elif path.suffix == ".json":
        data = json.dumps(page, allow_nan=False, indent=1, ensure_ascii=True).encode("ascii")
    elif path.suffix == ".md":
        from heldout.auditing.markdown import card

        data = card(page).encode("utf-8")
    else:
        raise InputError(f"{path.name} ends neither in .html nor in .json or .md", "choose one of them")
    write_atomically(path, data)
    return path


def write_run(facts: Facts, root: str | os.PathLike[str], page: dict[str, Any]) -> None:
    """The run folder: one row a measure, per-example arrays, the report, sealed."""
    from heldout.store.atomic import write_atomically
    from heldout.store.run import create_run

    spec = {
        "kind": "audit",
        "title": page["title"],
        "data_hash": facts.data_hash,
        "budget": page["budget"],
        "model": page["model"],
    }
    if facts.held is not None:
        spec["predictor"] = predictor_hash(facts.held.train, facts.held.test)
    run = create_run(root, facts.subject.name, spec, facts.seed)
    run.note("outcome", page["verdict"]["headline"])
    run.note("seconds", round(page["seconds"], 1))
    run.append([
        {"measure": m["name"], "room": m["room"], "status": m["status"], "cost_seconds": m["cost_seconds"],
         **{key: (m["value"] or {}).get(key) for key in ("value", "low", "high", "n")}}
        for m in page["measures"]
    ])  # fmt: skip
    if facts.memorization is not None:
        run.save_array("memorization", np.stack([facts.memorization.value, facts.memorization.stderr]))
    if facts.suspects is not None:
        run.save_array("wrong_label_p", facts.suspects.p)
    write_atomically(run.path / "report.json", json.dumps(page, allow_nan=False).encode("ascii"))
    run.finish("interrupted" if page["interrupted"] else ("failed" if facts.ledger.failures else "done"))
    run.seal()


def summary_html(page: dict[str, Any]) -> str:
    """A small table for notebooks: headline, sentence, split, findings. No script."""
    verdict = page["verdict"]
    rows = "".join(
        f"<tr><td><b>{html.escape(f['code'])}</b></td><td>{html.escape(f['severity'])}</td><td>{html.escape(f['line'])}</td></tr>"
        for f in page["findings"]
        if not f["muted"]
    )
    bars = ""
    for split in page["split"]:
        parts = [(name, split[name]["value"]) for name in ("chance", "rule", "rote")]
        if all(v is not None for _, v in parts):
            colours = {"chance": "#9a9a9a", "rule": "#2b6cb0", "rote": "#d1600a"}
            cells = "".join(
                f'<span style="display:inline-block;height:14px;width:{max(0.0, v) * 300:.0f}px;background:{colours[name]}" '
                f'title="{name} {v:.3f}"></span>'
                for name, v in parts
            )
            bars += f"<div>{html.escape(split['name'])}: {cells}</div>"
    return (
        f"<div><h3>{html.escape(verdict['headline'].upper())}</h3><p>{html.escape(verdict['sentence'])}</p>{bars}"
        f"<table>{rows}</table></div>"
    )
