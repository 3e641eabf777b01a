"""Every line of the threat model names a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = [line for line in (ROOT / "docs" / "threat-model.md").read_text("utf-8").splitlines() if line.startswith("| ")][
    1:
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("|")[2].strip()[:40])
def test_a_line_names_its_test(line):
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == 4
    path, _, name = re.fullmatch(r"`([^`]+)`", cells[3])[1].partition("::")
    text = (ROOT / path).read_text("utf-8")
    assert f"def {name or 'test_'}" in text


def test_who_reports_finds_how():
    assert "Report a vulnerability" in (ROOT / "SECURITY.md").read_text("utf-8")
