"""The laws of the one formatter: what is written can be read back, and unknown is a word."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kansenkaart.config import packaged_rows
from kansenkaart.wording import nl

SOURCE = Path(nl.__file__).parents[1]
figures = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)


def read_back(text: str) -> float:
    """Read a Dutch number: points between thousands, a comma before decimals, a real minus sign."""
    assert re.fullmatch(r"−?\d{1,3}(\.\d{3})*(,\d+)?", text), text
    return float(text.replace(".", "").replace(",", ".").replace(nl.MINUS, "-"))


@given(figures, st.integers(min_value=0, max_value=3))
def test_a_number_is_rounded_first_and_can_be_read_back(value, decimals):
    text = nl.number(value, decimals)
    back = read_back(text)
    assert back == pytest.approx(round(value, decimals), abs=0.51 * 10.0**-decimals, rel=1e-12)
    assert nl.number(back, decimals) == text  # writing what was read changes nothing
    assert nl.MINUS not in text or back < 0  # a nothing has no sign


@given(figures)
def test_euros_are_rounded_to_their_step_with_the_sign_in_front(value):
    text = nl.euros(value)
    back = read_back(text.replace("€\u00a0", ""))
    assert back % 10 == 0
    assert abs(back - value) <= 5 + 1e-6 * abs(value)


@given(st.integers(min_value=1000, max_value=2999))
def test_a_year_never_has_a_point(year):
    assert nl.year(year) == nl.amount(year, "year") == str(year)


@pytest.mark.parametrize("unknown", [None, math.nan, pd.NA, float("nan")])
@pytest.mark.parametrize("write", [nl.number, nl.year, nl.share, nl.euros, nl.energy])
def test_unknown_is_a_word_and_never_a_zero(write, unknown):
    assert write(unknown) == "onbekend"
    assert nl.amount(unknown, "m3/year") == "onbekend"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (nl.number(1234567.891, 1), "1.234.567,9"),
        (nl.number(-0.4), "0"),
        (nl.number(-1234.5, 1), "−1.234,5"),
        (nl.number(math.inf), "onbekend"),
        (nl.bound(0.25), "0,25"),
        (nl.bound(2.5), "2,5"),
        (nl.bound(1500.0), "1.500"),
        (nl.euros(-1234), "−€\u00a01.230"),
        (nl.euros(-4), "€\u00a00"),
        (nl.share(0.345), "34%"),
        # An interval of 10,127 euro asks for thousands, one of 300 for tens.
        (
            nl.roughly(13_972, 5_569, 15_696),
            ("ongeveer 14.000 euro", "tussen 6.000 en 16.000 euro, in 8 van de 10 berekeningen"),
        ),
        (nl.roughly(-212, -350, -50)[0], "ongeveer −210 euro"),
        (nl.energy(123_456), "123 MWh"),
        (nl.energy(12_345), "12 MWh"),
        (nl.energy(950), "950 kWh"),
        (nl.amount(12.34, "m3/home/year"), "12,3 m³ per woning per jaar"),
        (nl.unit_words("kWh/month"), "kWh per maand"),
        (nl.unit_words("1"), ""),
        (nl.listed(["(c) 3DBAG", "CBS", "CBS"]), "(c) 3DBAG en CBS"),
        (nl.say("score_basis", "footprint"), "omtrek van gebouwen; daken onbekend"),
        (nl.say("score_basis", "a new code"), "a new code"),
    ],
)
def test_by_hand(text, written):
    assert text == written


def test_nothing_else_writes_numbers_for_readers():
    """A thousands separator is asked for in one module only; other rooms call it."""
    asked = re.compile(r"""\{[^{}]*:,[.}0-9]|'\{:,|replace\(["'][.,]["'], ?["'][.,]["']\)""")
    rooms = [SOURCE / name for name in ("publish", "present", "wording", "runs", "acquire", "score")]
    texts = [*(one for room in rooms for one in room.rglob("*.py")), *SOURCE.glob("*.py"), *SOURCE.rglob("*.jinja")]
    others = {
        str(one.relative_to(SOURCE)): found
        for one in texts
        if one.name != "nl.py" and (found := asked.findall(one.read_text(encoding="utf-8")))
    }
    assert not others


def test_a_chance_is_no_more_exact_than_its_draws():
    assert [nl.chance(one) for one in (0.0, 0.004, 0.28, 0.996, 1.0)] == [
        "minder dan 1%",
        "minder dan 1%",
        "28%",
        "meer dan 99%",
        "meer dan 99%",
    ]
    assert nl.chance(float("nan")) == nl.UNKNOWN
    assert [nl.chance(one) for one in (0.01, 0.99)] == ["1%", "99%"]  # the ends themselves are of so many draws


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 straten"), (1, "1 straat"), (2, "2 straten"), (1234, "1.234 straten")]
)
def test_a_count_has_the_word_that_fits_it(count, words):
    assert nl.counted(count, "straat", "straten") == words


def test_every_licence_of_a_publisher_has_a_name_in_dutch():
    given = {row["licence"] for row in packaged_rows("sources.csv")} - {"EUPL-1.2"}
    assert given == set(nl.codes("licence"))
    assert nl.say("licence", "open government data (CC0)") == "open overheidsgegevens (CC0)"
