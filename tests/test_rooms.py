"""The table of rooms: which room may import which, read from the source; and what a light command may not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import heldout

SOURCE = Path(heldout.__file__).parent
MAY = {
    "core": {"core"},
    "stats": {"stats"},
    "codes": {"core", "stats", "codes"},
    "learners": {"core", "codes", "learners"},
    "controls": {"core", "learners", "controls"},
    "measures": {"core", "stats", "codes", "learners", "measures"},
    "certificates": {"core", "stats", "codes", "learners", "certificates"},
    "certifying": {
        "core",
        "stats",
        "codes",
        "learners",
        "controls",
        "measures",
        "certificates",
        "store",
        "auditing",
        "certifying",
    },
    "calibration": {
        "core",
        "stats",
        "learners",
        "controls",
        "measures",
        "certificates",
        "store",
        "calibration",
    },
    "store": {"core", "store"},
    "trajectories": {"core", "stats", "measures", "store", "trajectories"},
    "viewer": {"core", "store", "viewer"},
    "viewing": {"core", "store", "viewer", "laboratory", "viewing"},
    "integrations": {"core", "learners", "controls", "watching", "integrations"},
    "auditing": {
        "core",
        "stats",
        "codes",
        "learners",
        "controls",
        "measures",
        "certificates",
        "store",
        "viewer",
        "auditing",
    },
    "tasks": {"core", "tasks"},
    "nets": {"core", "nets"},
    "laboratory": {"core", "stats", "store", "viewer", "laboratory"},
    "studies": {
        "core",
        "stats",
        "codes",
        "tasks",
        "nets",
        "learners",
        "controls",
        "measures",
        "certificates",
        "store",
        "auditing",
        "certifying",
        "laboratory",
        "studies",
    },
}
MAY["watching"] = {*MAY["auditing"] - {"auditing"}, "watching"}
MAY["commands"] = {*MAY, "commands"}
# The constructors of Subject are doors: they load their integration when called (docs/decisions/0006).
DOORS = {("core", "integrations"), ("integrations", "auditing")}
# One file a thing; shared pieces are named below.
SIBLINGS_APART = {"measures", "controls", "tasks", "nets", "studies"}
SHARED = {
    "controls.control_fit",
    "controls.constant",
    "measures.duplicates",
    "measures.permutation",
    "measures.posterior",
    "tasks.drawn",
    "nets.output_slope",
}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("heldout."):
            found.add(node.module.removeprefix("heldout."))
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("heldout.") for a in node.names if a.name.startswith("heldout.")}
    return found


def test_rooms_import_only_what_the_table_allows() -> None:
    wrong = []
    for room, allowed in MAY.items():
        for path in (SOURCE / room).rglob("*.py"):
            for name in _imports(path):
                other = name.split(".")[0]
                if other in MAY and other not in allowed and (room, other) not in DOORS:
                    wrong.append(f"{room}/{path.name} imports {name}")
    assert wrong == []


def test_siblings_do_not_import_each_other() -> None:
    wrong = []
    for room in SIBLINGS_APART:
        for path in (SOURCE / room).glob("[!_]*.py"):  # a room's __init__ may hand out what its files define
            for name in _imports(path):
                parts = name.split(".")
                mine = f"{room}.{path.stem}"
                if (
                    parts[0] == room
                    and len(parts) > 1
                    and name != mine
                    and not parts[1].startswith("_")  # the private part of one file
                    and f"{room}.{parts[1]}" not in SHARED
                ):
                    wrong.append(f"{mine} imports {name}")
    assert wrong == []


def test_light_commands_load_nothing_heavy() -> None:
    code = (
        "import sys, heldout.cli\n"
        "heldout.cli.run(['--help']); heldout.cli.run(['runs', 'no-such-folder'])\n"
        "heavy = [m for m in ('torch', 'scipy', 'sklearn', 'pandas', 'transformers') if m in sys.modules]\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
