"""The documentation against the code: every finding has its page, every link leads somewhere, quoted rules and messages exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import heldout.auditing.findings
import heldout.auditing.verdict
from heldout.commands import audit, exits
from heldout.laboratory.kept import read_kept
from heldout.laboratory.study_report import study_report

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "heldout"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SECTIONS = ("What it means", "How it is measured", "When it is wrong", "What to do")


def declared() -> dict[str, tuple[set[str], str]]:
    """{code: (severities, title)} of every `Finding(...)` that the rules can make, read from the source."""
    found = {}
    for node in ast.walk(ast.parse((SOURCE / "auditing" / "findings.py").read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            code, severity, title = node.args[:3]
            words = {part.value for part in ast.walk(severity) if isinstance(part, ast.Constant)}
            found[ast.literal_eval(code)] = (
                words & set(heldout.auditing.findings.SEVERITIES),
                ast.literal_eval(title),
            )
    return found


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    codes = set(declared())
    assert len(codes) > 15
    assert {page.stem for page in (DOCS / "findings").glob("*.md")} == codes
    listed = re.findall(r"\bH\d{3}\b", heldout.auditing.findings.__doc__ or "")
    assert set(listed) == codes


@pytest.mark.parametrize("code", sorted(declared()))
def test_a_finding_page_says_what_the_code_says(code: str) -> None:
    severities, title = declared()[code]
    text = (DOCS / "findings" / f"{code}.md").read_text("utf-8")
    assert text.startswith(f"# {code}: {title}\n")
    said = next(line for line in text.splitlines() if line.startswith("Severity: "))
    assert {word for word in heldout.auditing.findings.SEVERITIES if word in said} == severities
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == list(SECTIONS)
    row = next(line for line in (DOCS / "index.md").read_text("utf-8").splitlines() if f"[{code}]" in line)
    assert title in row
    assert {word for word in heldout.auditing.findings.SEVERITIES if word in row} == severities


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them of plain words."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_resolves(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else (page.parent / path).resolve()
        assert file.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}"


def test_the_site_lists_every_page_once() -> None:
    listed = re.findall(r"([\w/-]+\.md)\s*$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_names_in_the_api_reference_exist() -> None:
    text = (DOCS / "api.md").read_text("utf-8")
    names = re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)
    assert len(names) > 10
    for name in names:
        module, _, attribute = name.rpartition(".")
        if (SOURCE.parent / name.replace(".", "/")).with_suffix(".py").is_file():
            continue
        tree = ast.parse((SOURCE.parent / module.replace(".", "/")).with_suffix(".py").read_text("utf-8"))
        assert attribute in {getattr(node, "name", None) for node in tree.body}, name


@pytest.mark.parametrize("page", ["README.md", "docs/verdicts.md"])
def test_the_quoted_rules_are_those_of_the_code(page: str) -> None:
    doc = heldout.auditing.verdict.__doc__ or ""
    rules = [
        line.strip()
        for line in doc.splitlines()
        if line.startswith("    ") and not line.lstrip().startswith(">>>")
    ]
    starts = [rule for rule in rules if rule.startswith(heldout.auditing.verdict.HEADLINES)]
    assert len(starts) == len(heldout.auditing.verdict.HEADLINES)
    text = (ROOT / page).read_text("utf-8")
    for rule in rules:
        assert rule in text, rule


def messages() -> str:
    """Every string in the source, f-strings with their fields as written, adjacent pieces joined."""
    pieces = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                pieces.append("".join(_piece(part) for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                pieces.append(node.value)
    return "\n".join(pieces)


def _piece(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    return ast.unparse(ast.JoinedStr([part])).removeprefix("f")[1:-1]


def test_quoted_messages_stand_in_the_code() -> None:
    said = messages()
    quoted = re.findall(r"^\| `([^`]+)` \|", (DOCS / "bad-input.md").read_text("utf-8"), re.MULTILINE)
    assert len(quoted) > 40
    assert [part for part in quoted if part not in said] == []


def test_the_readme_names_the_two_commands_and_the_exit_codes() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for name in re.findall(r"make (demo|test)\b", text):
        assert name in targets
    assert {"make demo", "make test"} <= set(re.findall(r"make \w+", text))
    assert audit.FAIL_ON in text
    for code in (
        exits.DONE,
        exits.FOUND,
        exits.USAGE,
        exits.UNDECIDED,
        exits.OUR_ERROR,
        exits.INTERRUPTED,
    ):
        assert f"\n| {code} | " in text


def test_every_example_is_named_in_its_own_command() -> None:
    for path in (ROOT / "examples").glob("*.py"):
        text = path.read_text("utf-8")
        assert f"heldout audit examples/{path.name}:make_subject" in text
        assert "def make_subject() -> heldout.Subject:" in text


def test_every_command_that_is_shown_exists() -> None:
    known = set(re.findall(r'subcommand\("(\w+)"\)', (SOURCE / "cli.py").read_text("utf-8")))
    assert len(known) >= 4
    shown = set()
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            shown |= set(re.findall(r"^heldout (\w+)", block, re.MULTILINE))
    assert shown == known


def test_the_readme_gives_the_verdicts_of_the_kept_runs() -> None:
    said = dict(
        re.findall(
            r"^\| `(\w+)` \| .+ \| (supported|refuted|undecided) \|$",
            (ROOT / "README.md").read_text("utf-8"),
            re.MULTILINE,
        )
    )
    kept = [folder.name for folder in (SOURCE / "studies" / "kept").iterdir() if folder.is_dir()]
    assert said == {name: study_report(read_kept(name), kept=True)["verdict"]["headline"] for name in kept}
