"""The kinds of argument that several commands take, each named in `--help` by what is written there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

Target = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")]
PageFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE.html", help_behavior_hint="")]
NumbersFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint="")]
SummaryFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE.md", help_behavior_hint="")]
