"""The JSON of the index page, schema "heldout.studies/1", and the list that `heldout studies` prints.

Reads the studies' own texts and their kept runs; runs nothing and needs no torch.
"""

from __future__ import annotations

from typing import Any

from heldout.laboratory.find_study import find_study, study_names
from heldout.laboratory.judged import judged
from heldout.laboratory.kept import read_kept
from heldout.laboratory.study_report import seeds_of, verdict_json

SCHEMA = "heldout.studies/1"


def index_report() -> dict[str, Any]:
    """One row a study: question, source, and of its kept run the verdict, main number, seeds and cost."""
    from heldout import __version__

    return {
        "schema": SCHEMA,
        "title": "studies",
        "version": __version__,
        "studies": [study_line(name) for name in study_names()],
    }


def study_line(name: str) -> dict[str, Any]:
    """What the index says of one study; `verdict` is None where no full run is kept."""
    study = find_study(name)
    kept = read_kept(name)
    line: dict[str, Any] = {
        "name": name,
        "question": study.QUESTION,
        "claim": study.CLAIM,
        "source": study.SOURCE,
        "published": len(study.PUBLISHED),
        "verdict": None,
    }
    if kept is None:
        return line
    verdict = verdict_json(judged(study, kept))
    return {
        **line,
        "verdict": verdict,
        "effect": verdict["numbers"][0] if verdict["numbers"] else None,
        "seeds": seeds_of(list(kept.spec["cells"].values())),
        "cells": kept.total,
        "seconds": kept.facts.get("seconds"),
        "core_seconds": kept.seconds,
        "machine": kept.facts.get("machine"),
        "finished": kept.facts.get("finished"),
    }
