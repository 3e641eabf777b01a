"""Errors, reasons and notes reach people in Dutch: every sentence of the rooms that read files is in the catalogue."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kansenkaart
from kansenkaart.wording.messages import catalogue, error_lines, in_dutch

PACKAGE = Path(kansenkaart.__file__).parent
READERS = [
    *(PACKAGE / "acquire" / f"{one}.py" for one in ("deliveries", "readers", "own_data")),
    PACKAGE / "config.py",
    *(PACKAGE / "sources" / f"{one}.py" for one in ("bag", "bag3d", "bgt", "cbs_areas", "gwsw", "knmi", "nwb", "own")),
    *(PACKAGE / "sources" / "tools" / f"{one}.py" for one in ("rawnames", "cleaning", "layers", "archives")),
]
#: Words that are the same in both languages, or no words: names, numbers and what is filled in whole.
SAME = {"{}", "{} ({})", "relative_level", "bouwjaar", "{} {}", "{}, {}", "{}{}", 'layer = "{}"'}


def _texts(node: ast.expr | None) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return []


def _sentences(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name.endswith("Error") and name != "ValueError":
            wanted = [*node.args[:1], *(one.value for one in node.keywords if one.arg in ("expected", "remedy"))]
        elif name in ("drop", "note", "drop_named") and node.args:
            wanted = [one for one in node.args if isinstance(one, (ast.Constant, ast.JoinedStr, ast.IfExp))]
        else:
            continue
        found |= {text for one in wanted for text in _texts(one)}
    return found - SAME - {""}


@pytest.mark.parametrize("path", READERS, ids=lambda one: one.stem)
def test_every_sentence_has_its_dutch(path):
    missing = sorted(one for one in _sentences(path) if in_dutch(one) == one and catalogue().get(one) != one)
    assert missing == []


def test_holes_are_filled_in_their_order_and_the_longest_sentence_wins():
    assert in_dutch("form auto in the study, read as lvbag-gpkg") == "form auto in de studie, gelezen als lvbag-gpkg"
    assert in_dutch("bouwjaar unknown (placeholder 1005)") == "bouwjaar onbekend (plaatsvervangend jaar 1005)"
    assert in_dutch("left out, no usable geometry: k2") == "weggelaten, geen bruikbare vorm: k2"
    assert in_dutch("iets dat niemand kent") == "iets dat niemand kent"
    assert all(english.count("{}") >= dutch.count("{}") for english, dutch in catalogue().items())


def test_an_error_in_lines():
    lines = error_lines("rows of one station", found="stations 260, 278 in one file", where="etmgeg.txt", remedy="")
    assert lines == [
        "Fout: verwacht: regels van een station",
        "  gevonden: stations 260, 278 in een bestand",
        "  waar: etmgeg.txt",
    ]
