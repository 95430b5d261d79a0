"""The verdict of a run: the study's own rule on the rows of a finished run; undecided until every cell is done."""

from __future__ import annotations

import dataclasses
from typing import cast

from heldout.core.errors import HeldoutError
from heldout.laboratory.study import Figure, Study, Verdict
from heldout.laboratory.study_run import StudyRun


def judged(study: Study, run: StudyRun) -> Verdict:
    """`study.verdict` of the run's rows. Cells may be missing for a reason that has to do with the answer, so a
    run that lacks some keeps its numbers and is undecided. Raises HeldoutError where the study's code fails."""
    missing = run.total - len(run.done)
    if not run.rows:
        why = f"none of its {run.total} cells is finished"
        return Verdict("undecided", "Nothing can be said yet.", (), why)
    found = cast(Verdict, _own(study, "verdict", run))
    if not missing:
        return found
    parts = [f"{len(run.failed)} of {run.total} cells failed"] if run.failed else []
    waiting = missing - len(run.failed)
    parts += [f"{waiting} of {run.total} cells are not finished"] if waiting else []
    why = f"The rule asks for every cell, and {' and '.join(parts)}."
    sentence = "The run is not complete, so its rule gives no answer."
    return dataclasses.replace(found, word="undecided", sentence=sentence, why=why)


def drawn(study: Study, run: StudyRun) -> list[Figure]:
    """`study.figures` of the run's rows; none where there are no rows."""
    return cast(list[Figure], _own(study, "figures", run)) if run.rows else []


def _own(study: Study, part: str, run: StudyRun) -> object:
    try:
        return getattr(study, part)(run.rows)
    except Exception as error:
        where = f"; the rows are kept in {run.folder}" if run.folder else ""
        cause = f"{part}() of the study {run.name} failed ({type(error).__name__}: {error}){where}"
        raise HeldoutError(cause, "mend it and run the same command again") from error
