"""The Markdown pages: their links and paths lead somewhere, and their lines are not too long."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINE_LIMIT, README_LIMIT = 110, 150
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
PATH = re.compile(r"`((?:service|index_builder|loadtest|bench|chaos|deploy|docs|tests)/[\w./-]*)`")


def _pages() -> list[str]:
    command = ["git", "ls-files", "*.md"]
    return subprocess.check_output(command, cwd=ROOT, text=True).splitlines()


def _prose(page: Path) -> Iterator[str]:
    """The lines outside code blocks."""
    in_code = False
    for line in page.read_text().splitlines():
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code:
            yield line


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = [line.lstrip("# ") for line in _prose(page) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", _pages())
def test_links_lead_to_files_and_headings(page: str) -> None:
    for line in _prose(ROOT / page):
        for target, anchor in LINK.findall(line):
            if target.startswith("http"):
                continue
            file = (ROOT / page).parent / target if target else ROOT / page
            assert file.exists(), target
            assert not anchor or anchor in _anchors(file), f"{target}#{anchor}"


@pytest.mark.parametrize("page", _pages())
def test_paths_in_backticks_exist(page: str) -> None:
    for line in _prose(ROOT / page):
        assert [each for each in PATH.findall(line) if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("page", _pages())
def test_lines_are_not_too_long(page: str) -> None:
    lines = (ROOT / page).read_text().splitlines()
    assert [line for line in lines if len(line) > LINE_LIMIT] == []


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LIMIT
