"""What the rows of a study depend on in its own file: `run` and every name of the module that it reaches.

A finished cell counts only while this hash is the same, so that rows of edited code are never mixed with rows of
older code; a new caption, figure or verdict repeats nothing. Private files of the room that it imports
(`heldout.studies._fits`) count as a whole; code of other rooms (tasks, nets) is not followed.

>>> one = "SIZE = 3\\ndef run(cell):\\n    yield {'n': SIZE}\\ndef figures(rows):\\n    return []\\n"
>>> run_source_hash(one) == run_source_hash(one.replace("return []", "return [1]"))
True
>>> run_source_hash(one) == run_source_hash(one.replace("SIZE = 3", "SIZE = 4"))
False
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

from heldout.store.names import HASH_LENGTH


def study_source_hash(path: Path) -> str:
    """`run_source_hash` of a study's file, whose private siblings stand beside it."""
    return run_source_hash(path.read_text("utf-8"), path.parent)


def run_source_hash(source: str, folder: Path | None = None) -> str:
    """First 12 hex digits of blake2b over the syntax of what `run` reaches; comments and layout do not count.

    `folder`: where private siblings are read from.
    """
    defined: dict[str, list[ast.stmt]] = {}
    for statement in ast.parse(source).body:
        for name in _names(statement):
            defined.setdefault(name, []).append(statement)
    reached: set[str] = set()
    waiting = ["run"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in defined:
            continue
        reached.add(name)
        for statement in defined[name]:
            waiting += [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    parts = [statement for name in sorted(reached) for statement in defined[name]]
    text = "\n".join([*map(ast.dump, parts), *(_siblings(parts, folder) if folder else ())])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()[:HASH_LENGTH]


def _siblings(parts: list[ast.stmt], folder: Path) -> list[str]:
    """The syntax of the private files of the room that these statements import."""
    modules = {
        node.module.rpartition(".")[2]
        for statement in parts
        for node in ast.walk(statement)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("heldout.studies._")
    }
    files = [folder / f"{module}.py" for module in sorted(modules)]
    return [ast.dump(ast.parse(file.read_text("utf-8"))) for file in files if file.is_file()]


def _names(statement: ast.stmt) -> list[str]:
    """What a statement of the module's top level defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in statement.names]
    return [
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
