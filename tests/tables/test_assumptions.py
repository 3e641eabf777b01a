"""Assumptions: one row, one number, with unit, bounds, source and quality; all faults are told at once."""

from __future__ import annotations

import pytest

from kansenkaart.errors import AssumptionError
from kansenkaart.tables import assumptions

HEAD = "name,value,low,high,unit,year,quality,source,note\n"


def test_every_row_of_the_project_holds_together():
    table = assumptions.default()
    for name in table:
        one = table[name]
        assert one.low <= one.value <= one.high
        assert one.quality in assumptions.QUALITIES
        assert one.unit
        assert one.source or one.quality == "guess"


def test_a_figure_is_asked_for_with_its_unit():
    table = assumptions.parse(HEAD + "rain,800,,,mm/year,2020,measured,KNMI,\n", where="proef.csv")
    assert table.value("rain", "mm/year") == 800
    assert (table["rain"].low, table["rain"].high) == (800, 800)  # no range known: the value itself
    with pytest.raises(AssumptionError, match="rain in m/year; found mm/year"):
        table.value("rain", "m/year")
    with pytest.raises(AssumptionError, match="snow"):
        table.value("snow", "mm/year")


BAD = {
    "bounds": ("a,5,6,7,m,2020,norm,x,", "low <= value <= high"),
    "infinite": ("a,inf,,,m,2020,norm,x,", "low <= value <= high"),
    "not a number": ("a,nan,,,m,2020,norm,x,", "low <= value <= high"),
    "text": ("a,veel,,,m,2020,norm,x,", "is not a number"),
    "year": ("a,1,,,m,vorig jaar,norm,x,", "is not a number"),
    "no unit": ("a,1,,,,2020,norm,x,", "no unit or no source"),
    "no source": ("a,1,,,m,2020,norm,,", "no unit or no source"),
    "quality": ("a,1,,,m,2020,sure,x,", "quality 'sure'"),
    "comma in text": ("a,1,,,m,2020,norm,x,y,z", "too many or too few columns"),
    "too short": ("a,1", "too many or too few columns"),
    "twice": ("a,1,,,m,2020,norm,x,\na,2,,,m,2020,norm,x,", "the name stands twice"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_faulty_row_is_named(name):
    rows, word = BAD[name]
    with pytest.raises(AssumptionError, match=word) as caught:
        assumptions.parse(HEAD + rows + "\n", where="proef.csv")
    assert caught.value.where == "proef.csv"


def test_all_faults_are_told_at_once_and_a_guess_needs_no_source():
    with pytest.raises(AssumptionError, match=r"row 2 \(a\).*row 4 \(c\)"):
        assumptions.parse(HEAD + "a,1,,,,2020,norm,x,\nb,1,,,m,,guess,,\nc,x,,,m,2020,norm,x,\n", where="proef.csv")


def test_another_header_is_refused():
    with pytest.raises(AssumptionError, match="restore the header"):
        assumptions.parse("name,value\na,1\n", where="proef.csv")
