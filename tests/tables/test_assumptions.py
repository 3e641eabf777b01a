"""Assumptions: one row, one number, with unit, bounds, source and quality; all faults are told at once."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from pydantic import ValidationError

from kansenkaart.config import OwnFigure
from kansenkaart.errors import AssumptionError
from kansenkaart.tables import assumptions
from kansenkaart.tables.assumptions import listed
from kansenkaart.wording.nl import codes, unit_words

HEAD = "name,value,low,high,unit,year,quality,source,note\n"


def test_every_row_of_the_project_holds_together():
    table = assumptions.default()
    for name in table:
        one = table[name]
        assert one.low <= one.value <= one.high
        assert one.quality in assumptions.QUALITIES
        assert one.unit
        assert one.source or one.quality == "guess"


def test_readers_have_a_dutch_name_and_unit_for_every_figure():
    table = assumptions.default()
    assert set(codes("assumption")) == set(table)
    units = {unit_words(table[name].unit) for name in table}
    assert not [one for one in units if re.search(r"[a-z]/[a-z]|home|year|regional|EUR|system|panel\b", one)]


def test_a_figure_is_asked_for_with_its_unit():
    table = assumptions.parse(HEAD + "rain,800,,,mm/year,2020,measured,KNMI,\n", where="proef.csv")
    assert table.value("rain", "mm/year") == 800
    assert (table["rain"].low, table["rain"].high) == (800, 800)  # no range known: the value itself
    with pytest.raises(AssumptionError, match=r"rain \[m/year\]; found mm/year"):
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


def test_money_stands_at_one_price_level_that_is_named():
    text = HEAD + "reference_year,2026,,,year,2026,norm,x,\nold,100,80,120,EUR/home,2019,estimate,x,as read\n"
    text += "fresh,5,,,EUR,2026,norm,x,\nguessed,7,,,EUR,,guess,,\nlength,9,,,m,2015,norm,x,\n"
    text += "decoupling_rain_cost,42,,,EUR/m2,2021,norm,x,\n"
    table = assumptions.at_price_level(assumptions.parse(text, where="proef.csv"))
    # consumer prices 2019 to 2026: 137.6 / 106.1; civil works 2021 to 2026: 216 / 168
    assert table["old"].value == pytest.approx(100 * 137.6 / 106.1)
    assert table["old"].low == pytest.approx(80 * 137.6 / 106.1)
    assert (table["old"].year, table["old"].note) == (2026, "100 at the price level of 2019; as read")
    assert table["decoupling_rain_cost"].value == pytest.approx(42 * 216 / 168)
    assert [table[name].value for name in ("fresh", "guessed", "length")] == [5, 7, 9]


def test_a_price_factor_has_its_spread_and_an_index_its_beginning():
    value, low, high = assumptions.price_factor("civil works", year=2015, level=2026)
    assert value == pytest.approx(216 / 145)
    assert low < value < high
    assert assumptions.price_factor("consumer", year=2026, level=2030) == (1.0, 1.0, 1.0)
    with pytest.raises(AssumptionError, match="price index 'consumer' from 1999 on"):
        assumptions.price_factor("consumer", year=1999, level=2026)


def test_every_amount_of_the_project_stands_at_the_level():
    table = assumptions.default()
    level = table["reference_year"].value
    amounts = [table[name] for name in table if table[name].unit.startswith("EUR")]
    amounts += [one for service in assumptions.default_services() for one in service.figures.values()]
    assert {one.year for one in amounts if one.unit.startswith("EUR") and one.year is not None} >= {level}
    assert all(one.year is None or one.year >= level for one in amounts if one.unit.startswith("EUR"))


def test_a_study_puts_a_figure_in_place_of_ours_and_only_one_of_the_table():
    own = OwnFigure(value=6500.0, low=5000.0, unit="EUR/year", source="raming van de initiatiefgroep")
    table = assumptions.with_own({"enterprise_overhead": own})
    one = table["enterprise_overhead"]
    assert (one.value, one.low, one.high, one.unit) == (6500.0, 5000.0, 6500.0, "EUR/year")
    assert (one.quality, one.source) == ("own", "raming van de initiatiefgroep")
    rest = [name for name in table if table[name] is not assumptions.default()[name]]
    assert rest == ["enterprise_overhead"]
    for name, unit in (("enterprise_overheat", None), ("enterprise_overhead", "EUR"), ("reference_year", None)):
        with pytest.raises(AssumptionError, match=name):
            assumptions.with_own({name: OwnFigure(value=1.0, unit=unit, source="proef")})


@pytest.mark.parametrize("wrong", [{"low": 2.0}, {"high": 0.5}, {"value": math.inf}, {"source": ""}, {"note": "x"}])
def test_a_figure_of_a_study_has_a_source_and_lies_in_its_range(wrong):
    with pytest.raises(ValidationError):
        OwnFigure(**({"value": 1.0, "source": "proef"} | wrong))


@pytest.mark.parametrize("ends", [{"low": 1.0}, {"high": 1.0}, {"low": 1.0, "high": 1.0}, {"low": 0.5, "high": 2.0}])
def test_a_figure_of_a_study_may_stand_at_an_end_of_its_range(ends):
    own = OwnFigure(value=1.0, source="proef", **ends)
    assert {end: getattr(own, end) for end in ends} == ends


def test_a_budget_of_ones_own_sets_both_prices_at_their_old_ratio():
    kept = {one.name: one for one in assumptions.default_services()}
    old = kept["waste"].figures
    assert (old["present_price"].value, old["enterprise_price"].value) == (12, 11)
    driver = kept["waste"].driver

    def priced(service, units, spent=3000.0):
        budgets = pd.DataFrame({"service": ["waste"], "budget_eur_per_year": [spent]})
        (own,) = assumptions.with_budgets([service], budgets, pd.DataFrame({driver: units}))
        return own

    own = priced(kept["waste"], [150.0, 50.0])
    now = {item: own.figures[item] for item in ("present_price", "enterprise_price")}
    # 3,000 euro over 200 homes is 15 a home; 11 to 12 of that is 13.75.
    assert {item: (one.low, one.value, one.high) for item, one in now.items()} == {
        "present_price": (15, 15, 15),
        "enterprise_price": (13.75, 13.75, 13.75),
    }
    assert {one.quality for one in now.values()} == {"measured"}
    assert priced(kept["waste"], [200.0], math.nan) == kept["waste"]
    assert assumptions.with_budgets([kept["waste"]], None, pd.DataFrame()) == (kept["waste"],)
    for units, idle in (([0.0], 0.0), ([200.0, math.nan], math.nan)):  # of one buurt the homes are unknown
        left = priced(kept["waste"], units)
        assert left.figures == old
        assert left.idle_units == pytest.approx(idle, nan_ok=True)
    free = replace(kept["waste"], figures={**old, "present_price": replace(old["present_price"], value=0.0, low=0.0)})
    assert priced(free, [200.0]).figures["enterprise_price"].value == 15


def test_the_first_twenty_faults_are_listed_and_the_rest_counted():
    assert listed(["a", "b" * 400]) == "a; " + "b" * 300
    assert listed(["a"] * 20) == "; ".join(["a"] * 20)
    assert listed(["a"] * 22) == "; ".join(["a"] * 20) + "; and 2 more"
