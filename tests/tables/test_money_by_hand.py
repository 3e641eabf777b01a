"""Figures at one price level, their refusals and budgets, by hand on a small index."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from kansenkaart.errors import AssumptionError
from kansenkaart.tables import assumptions
from kansenkaart.tables.assumptions import Assumption, Assumptions


def _one(name="a", value=100.0, low=50.0, high=200.0, unit="EUR/year", year=2020, note=""):
    return Assumption(name, value, low, high, unit, year, "norm", "x", note)


def test_money_of_before_the_level_is_brought_to_it_and_nothing_else_is(monkeypatch):
    index = {2000: _one(value=100.0, low=90.0, high=110.0), 2010: _one(value=150.0, low=140.0, high=160.0)}
    works = {2005: _one(value=1.0, low=1.0, high=1.0), 2010: _one(value=3.0, low=3.0, high=3.0)}
    monkeypatch.setattr(assumptions, "price_indices", lambda: {"consumer": index, "civil works": works})
    factor = assumptions.price_factor
    assert factor("consumer", year=2000, level=2010) == (1.5, 140 / 110, 160 / 90)
    assert factor("consumer", year=2009, level=2015) == (1.5, 140 / 110, 160 / 90)
    assert factor("consumer", year=2000, level=2009) == factor("consumer", year=2010, level=2011) == (1.0, 1.0, 1.0)
    for year, level in ((1999, 2010), (2010, 1999)):
        with pytest.raises(AssumptionError) as caught:
            factor("consumer", year=year, level=level)
        assert caught.value.expected == "a price index 'consumer' from 1999 on"
        assert caught.value.found == "years [2000, 2010]"
    with pytest.raises(AssumptionError, match="found years"):
        factor("gold", year=2000, level=2010)
    table = Assumptions(
        {
            assumptions.LEVEL: _one(assumptions.LEVEL, 2010.0, unit="year", year=None),
            "a": _one("a", year=2000),
            "at": _one("at", year=2010),
            "before": _one("before", year=2009, note="why"),
            "none": _one("none", year=None),
            "other": _one("other", unit="m2", year=2000),
            "decoupling_rain_cost": _one("decoupling_rain_cost", unit="EUR/m2", year=2005),
        }
    )
    made = assumptions.at_price_level(table)
    assert [
        (made[name].value, made[name].low, made[name].high, made[name].year) for name in ("a", "at", "none", "other")
    ] == [
        (150.0, 75.0, 300.0, 2010),
        (100.0, 50.0, 200.0, 2010),
        (100.0, 50.0, 200.0, None),
        (100.0, 50.0, 200.0, 2000),
    ]
    assert (made["a"].note, made["before"].note) == (
        "100 at the price level of 2000",
        "100 at the price level of 2009; why",
    )
    assert made["decoupling_rain_cost"].value == 300.0
    assert assumptions.at_price_level(table, 2005)["a"].value == 100.0  # no row between: both fall on one
    assert assumptions.at_price_level(table, 2000)["a"].year == 2000
    assert (len(made), list(made)) == (7, list(table))


def test_a_figure_of_another_unit_or_name_is_refused_in_words():
    table = Assumptions({"a": _one()})
    assert table.value("a", "EUR/year") == 100.0
    with pytest.raises(AssumptionError, match=r"expected a \[EUR\]; found EUR/year"):
        table.value("a", "EUR")
    with pytest.raises(AssumptionError, match="found b; where: assumptions"):
        table["b"]
    most = csv.field_size_limit(1 << 17)  # a library may have set it otherwise for the whole process
    try:
        with pytest.raises(AssumptionError, match="where: here, line 2;"):
            assumptions.rows_of('a\n"' + "x" * 200_000, where="here")
    finally:
        csv.field_size_limit(most)
    assert assumptions.rows_of("", where="here") == ([], [])


def test_a_budget_for_a_service_that_had_no_price_is_what_the_enterprise_gets(monkeypatch):
    figures = {item: _one(item, value=4.0) for item in assumptions.ITEMS}
    service = assumptions.ServiceRows("waste", "household", "homes", "short", figures)
    facts = pd.DataFrame({"homes": [1.0, 1.0]})
    spent = pd.DataFrame({"service": ["waste", "other"], "budget_eur_per_year": [10.0, np.nan]})
    (made,) = assumptions.with_budgets([service], spent, facts)
    now, paid = made.figures["present_price"], made.figures["enterprise_price"]
    assert (now.value, now.low, now.high, paid.value) == (5.0, 5.0, 5.0, 5.0)
    assert (now.source, now.quality, made.idle_units) == ("eigen begroting over de hele studie", "measured", None)
    assert made.figures["material_price"] is figures["material_price"]
