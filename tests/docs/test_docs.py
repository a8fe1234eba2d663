"""The documents tell the truth about names: problems, links, commands, functions."""

import re
from pathlib import Path

import pytest

from shared.api.problems import PROBLEMS, problem_type

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
PREFIX = "urn:laurel:problem:"


def test_every_problem_is_documented_with_its_status_and_advice() -> None:
    rows = dict(re.findall(r"^\| \d{3} \| `([a-z-]+)` (\|.*\|)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE))
    written = re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|.*\| (.*) \|$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    expected = [(str(status), problem_type(error).removeprefix(PREFIX), advice) for error, (status, advice) in PROBLEMS.items()]
    assert written == expected
    assert len(rows) == len(PROBLEMS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", page.read_text()))
    assert named <= targets


def test_the_floor_plan_names_every_function() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert {name for name in functions if f"  {name}/" not in (ROOT / "README.md").read_text()} == set()
