"""No cell of a CSV runs in a spreadsheet, and the page and the program write the same."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kansenkaart.wording import nl
from kansenkaart.wording.nl import csv_cell, csv_text

SCRIPT = Path(nl.__file__).parents[1] / "present" / "assets" / "js" / "10_dom.js"
FORMULA = "cmd|' /C calc'!A0"
BEFORE = [
    "",
    " ",
    "\t",
    "\r",
    "\n",
    "\xa0",
    "\u3000",
    "\u2003",
    "\ufeff",
    "\u200b",
    "\x00",
    "x;",
    "x,",
    "x\t",
    "x|",
    "x\n ",
    '";',
]
SIGNS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫"]
TEXTS = [before + sign + FORMULA for before in BEFORE for sign in SIGNS]
PLAIN = ["Dorpsstraat 1-3", "1990-2000", "a b", 'de "oude" haven', "10 %", "a = b", "noord; zuid", "é", ""]


@pytest.mark.parametrize("text", TEXTS)
def test_a_formula_is_disarmed_whatever_stands_before_it(text):
    cell = csv_cell(text)
    assert cell[0] == cell[-1] == '"'
    for separator in ";,\t|":  # as a spreadsheet with any separator splits it, quotes honoured or not
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(cell, newline=""), delimiter=separator, quoting=quoting):
                for part in row:
                    bare = part.strip('"\t\r\n \xa0\u3000\u2003\ufeff\u200b\x00')
                    assert not bare.startswith(tuple(SIGNS)), (separator, part)


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays_as_it_is(text):
    assert next(csv.reader([csv_cell(text)]), [""]) == [text]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (1, "1"),
        (-2.5, "-2,5"),
        (np.float64(0.25), "0,25"),
        (np.int64(7), "7"),
        (None, ""),
        (pd.NA, ""),
        (float("nan"), ""),
    ],
)
def test_numbers_have_a_decimal_comma_and_unknown_is_empty(value, cell):
    assert csv_cell(value) == cell


def test_a_table_has_a_head_and_lines_of_a_spreadsheet():
    assert csv_text(["a", "b"], [[1, "x"], [None, "=1"]]) == '\ufeff"a";"b"\r\n1;"x"\r\n;"\'=1"\r\n'


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
def test_the_page_writes_the_same_cells():
    source = SCRIPT.read_text("utf-8")
    part = source[source.index("const LIVE") : source.index("/** Lower case without accents")]
    cells = [*TEXTS, *PLAIN, 1, -2.5, None]
    code = f"{part}\nconst cells = {json.dumps(cells)};\nconsole.log(JSON.stringify(cells.map(csvCell)));"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [csv_cell(one) for one in cells]


def test_no_other_module_writes_csv_for_readers():
    package = Path(nl.__file__).parents[1]
    writers = [path.name for path in package.rglob("*.py") if ".to_csv(" in path.read_text("utf-8")]
    assert writers == ["calibration.py"]  # priors: numbers under our own keys, for our own reader
