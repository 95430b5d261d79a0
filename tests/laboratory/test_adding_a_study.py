"""The study of docs/adding-a-study.md, taken out of the page and run as a newcomer would."""

from __future__ import annotations

import json
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-study.md"


def test_the_page_alone_leads_to_a_verdict(bench):
    source = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (bench.folder / "median_or_mean.py").write_text(source.group(1), "utf-8")
    code, said = bench.heldout("study", "median_or_mean.py", "--out", "r", "--json", "s.json")
    assert code == 0, said
    assert "REFUTED" in said
    report = json.loads((bench.folder / "s.json").read_text())
    assert 1.3 < report["comparison"][0]["ours"]["value"] < 1.55
    assert report["rerun"]["command"] == "heldout study median_or_mean.py"
    cell = report["figures"][0]["rows"][0]["cell"]
    again = report["rerun"]["cell"].replace("HASH", cell).split()[1:]
    for word in ("ran in", "was finished already"):
        code, said = bench.heldout(*again)
        assert (code, word in said) == (0, True)


def test_a_cell_of_other_seeds_is_repeated_in_a_folder_of_its_own(bench):
    source = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (bench.folder / "median_or_mean.py").write_text(source.group(1), "utf-8")
    code, said = bench.heldout("study", "median_or_mean.py", "--seeds", "9", "--out", "r", "--json", "s.json")
    assert code == 0, said
    report = json.loads((bench.folder / "s.json").read_text())
    own = {spec for spec, cell in report["cells"].items() if cell["spec"]["seed"] == 1008}
    assert own
    for cell in own:
        again = report["rerun"]["cell"].replace("HASH", cell).split()[1:]
        assert again[-4:] == ["--seeds", "9", "--out", "again"]
        code, said = bench.heldout(*again)
        assert (code, "ran in" in said) == (0, True), said
