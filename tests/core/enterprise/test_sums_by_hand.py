"""The language of the sums, shares of cohorts, draws and packages on the smallest examples, by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kansenkaart.core.enterprise import case as cases
from kansenkaart.core.enterprise import expr, setting
from kansenkaart.core.enterprise.case import AreaFacts, Case, Service, Span, facts_of_row, spans_of, term_rows
from kansenkaart.core.enterprise.expr import (
    Call,
    Expr,
    IfAtLeast,
    IfKnown,
    Input,
    Number,
    Row,
    Scope,
    Year,
    evaluate,
    evaluate_rows,
    floor,
    formula,
    high,
    low,
    nearest,
    total,
)
from kansenkaart.core.enterprise.linear import OUTCOMES, Units, facts_of_service, names_of
from kansenkaart.core.enterprise.package import ServiceResult, drivers_of, participation_needed, with_package
from kansenkaart.core.enterprise.services import share_lines
from kansenkaart.core.enterprise.uncertainty import draw, draw_facts, group_of, triangular_at, variance_shares
from kansenkaart.errors import ConfigError
from kansenkaart.tables.assumptions import default, default_services
from tests.core.enterprise.test_cashflow import CASE

A, B = Input("a"), Input("b")
HISTORY = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])


def _now(node, year=2.0, **inputs):
    given = {name: np.asarray(value) for name, value in ({"a": 6.0, "b": 4.0, "none": np.nan} | inputs).items()}
    return evaluate(node, Scope(given, {"r": HISTORY}, np.asarray(year)))


@pytest.mark.parametrize(
    ("node", "value", "text"),
    [
        (A + B, 10.0, "({input:a}+{input:b})"),
        (A - 1, 5.0, "({input:a}-1.0)"),
        (A * B, 24.0, "({input:a}*{input:b})"),
        (A / B, 1.5, "({input:a}/{input:b})"),
        (A**B, 1296.0, "({input:a}^{input:b})"),
        (A / 0, np.inf, "({input:a}/0.0)"),
        (low(A, B, 5), 4.0, "MIN({input:a},{input:b},5.0)"),
        (high(A, B, 9), 9.0, "MAX({input:a},{input:b},9.0)"),
        (low(A), 6.0, "MIN({input:a})"),
        (floor(B / 3), 1.0, "INT(({input:b}/3.0))"),
        (floor(Number(-0.5)), -1.0, "INT(-0.5)"),
        (nearest(Number(2.5)), 3.0, "INT((((2.5*2.0)+1.0)/2.0))"),
        (nearest(Number(2.49)), 2.0, "INT((((2.49*2.0)+1.0)/2.0))"),
        (total([]), 0.0, "0.0"),
        (total([A, B]), 10.0, "((0.0+{input:a})+{input:b})"),
        (Year(), 2.0, "{year}"),
        (IfAtLeast(A, Number(6.0), A, B), 6.0, "IF({input:a}>=6.0,{input:a},{input:b})"),
        (IfAtLeast(A, Number(6.1), A, B), 4.0, "IF({input:a}>=6.1,{input:a},{input:b})"),
        (IfKnown("a", B), 4.0, "IF(ISNUMBER({input:a}),{input:b},0)"),
        (IfKnown("none", B), 0.0, "IF(ISNUMBER({input:none}),{input:b},0)"),
    ],
)
def test_each_node_has_its_value_and_its_formula(node, value, text):
    assert float(_now(node)) == value
    assert formula(node) == text


def test_a_row_is_looked_at_in_its_year_and_is_nothing_before_the_first():
    assert _now(Row("r")).tolist() == [3.0, 30.0]
    assert _now(Row("r", Number(1.0))).tolist() == [2.0, 20.0]
    assert _now(Row("r", Number(2.0))).tolist() == [1.0, 10.0]
    assert _now(Row("r", Number(3.0))).tolist() == [0.0]
    assert _now(Row("r", A), a=[1.0, 5.0]).tolist() == [2.0, 0.0]  # another lag per draw
    column = np.arange(3.0)[:, None]
    every = Scope({"a": np.asarray(1.0), "b": np.array([0.0, 2.0])}, {"r": HISTORY, "one": HISTORY[:, :1]}, column)
    assert evaluate(Row("r"), every) is HISTORY
    assert evaluate(Row("r", A), every).tolist() == [[0, 0], [1, 10], [2, 20]]
    assert evaluate(Row("one", B), every).tolist() == [[1, 0], [2, 0], [3, 1]]
    assert formula(Row("r")) == "{row:r}"
    assert formula(Row("r", Number(1.0))) == "IF({year}>=1.0,INDEX({range:r},1,MAX({year}-1.0,0)+1),0)"


def test_what_is_no_node_or_not_known_is_refused():
    for call in (lambda: evaluate(Expr(), Scope({}, {}, np.asarray(0.0))), lambda: formula(Expr())):
        with pytest.raises(TypeError, match="Expr"):
            call()
    with pytest.raises(KeyError):
        evaluate_rows([("x", Input("y"))], {}, years=1)
    assert expr.lift(A) is A
    assert expr.lift(3) == Number(3.0)


def test_rows_that_look_back_at_each_other_go_together():
    rows = [
        ("a", frozenset[str]()),
        ("b", frozenset({"c"})),
        ("c", frozenset({"a"})),
        ("d", frozenset({"b", "x"})),
        ("e", frozenset({"g"})),
        ("f", frozenset({"h"})),
        ("g", frozenset()),
        ("h", frozenset()),
    ]
    assert expr._together(rows) == [(0, 0), (1, 2), (3, 3), (4, 7)]
    seen = Call("MAX", (Row("x", Row("y")), IfAtLeast(Row("p"), Row("q"), Row("s"), Row("t")), IfKnown("i", Row("u"))))
    assert expr._looks_at(seen + Row("v") * A) == {"x", "y", "p", "q", "s", "t", "u", "v"}
    found = evaluate_rows([("sum", Row("sum", Number(1.0)) + A), ("plain", Year())], {"a": np.asarray(2.0)}, years=3)
    assert (found["sum"].tolist(), found["plain"].tolist()) == ([[2], [4], [6]], [[0], [1], [2]])


@pytest.mark.parametrize(
    ("ramp", "start", "life", "served", "replaced"),
    [
        (1.0, 0.0, 2.0, [0, 1, 1, 1, 1, 1], [0, 0, 0, 1, 0, 1]),
        (2.0, 1.0, 2.0, [0, 0, 0.5, 1, 1, 1], [0, 0, 0, 0, 0.5, 0.5]),
        (0.0, 0.4, 0.0, [0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1]),  # no ramp and no life are one year
        (2.4, 0.5, 9.0, [0, 0, 0.5, 1, 1, 1], [0] * 6),
    ],
)
def test_shares_are_served_and_replaced_by_cohorts(ramp, start, life, served, replaced):
    lines = share_lines("x", full=Number(1.0), start=Number(start), life=Number(life))
    rows = [(one.name, one.value) for one in lines]
    found = evaluate_rows(rows, {"terms.ramp_years": np.asarray(ramp)}, years=6)
    assert found["x:share"][:, 0].tolist() == served
    assert found["x:new"][:, 0].tolist() == np.diff(served, prepend=0.0).tolist()
    assert found["x:replaced"][:, 0].tolist() == replaced


@pytest.mark.parametrize(
    ("half", "full", "needed"),
    [
        (1.0, 3.0, 0.25),
        (-2.0, 0.0, 1.0),  # just at full participation
        (-2.0, -0.1, np.nan),
        (1.0, 1.1, 0.0),  # on the line from below nothing on
        (1.0, 1.0, 0.0),  # level and not below nothing
        (-1.0, -1.0, np.nan),
        (0.0, 0.0, 0.0),
        (0.0, -1.0, 0.0),  # falls from 1 at none
        (-0.5, -1.0, 0.0),  # from nothing at none
        (-0.6, -1.0, np.nan),
    ],
)
def test_from_which_participation_an_enterprise_earns(half, full, needed):
    found = participation_needed(np.array([half]), np.array([full]))
    assert found == pytest.approx([needed], nan_ok=True)


def test_what_the_firm_loses_and_the_place_gains_is_social_unless_it_is_taken_on():
    parties = np.array([[5.0, 5.0, 5.0, 1.0, 5.0], [-1.0, 0.0, 1.0, -1.0, -1.0], [0.0] * 5, [0.0] * 5])
    known = np.array([True, True, True, True, False])
    one = ServiceResult("x", False, known, parties, ("homes",))
    assert one.enterprise.tolist() == [-1, 0, 1, -1, -1]
    assert one.local.tolist() == [4, 5, 6, 0, 4]
    assert one.social.tolist() == [True, True, False, False, False]
    assert not replace(one, chosen=True).social.any()


def test_a_package_names_services_that_are_there_and_switches_the_others_off():
    made = with_package(CASE, ("waste", "solar_common"))
    assert {one.name for one in made.services if one.chosen == 1.0} == {"waste"}
    assert {one.chosen for one in made.services} == {0.0, 1.0}
    on = {name for name in cases.PANELS if getattr(made.terms, f"{name}_chosen")}
    assert on == {"solar_common"}
    with pytest.raises(ConfigError) as caught:
        with_package(CASE, ("zoo", "waste", "ape"))
    assert (caught.value.found, caught.value.where) == ("ape, zoo", "package")
    with pytest.raises(ConfigError, match=r"found facts\.x, terms\.y; where: case"):
        CASE.with_inputs({"terms.y": 1.0, "facts.x": 1.0})
    assert facts_of_service(CASE, "grey_water") == ("reused_m3_per_year", "sewer_saving_eur")
    assert drivers_of(CASE, "grey_water") == ("reused_m3_per_year",)
    assert drivers_of(CASE, "solar_common") == facts_of_service(CASE, "solar_common")
    assert names_of(CASE)[: len(cases.PANELS)] == cases.PANELS


def _figures(**more):
    figure = SimpleNamespace(value=2.0, low=1.0, high=3.0)
    every = [*cases.TERM_ROWS.values(), *cases.SHORT_ROWS.values()]
    rows = {row: figure for row, _, _ in every} | more

    class Figures(dict):
        def value(self, name, unit):
            return 7.9 if name == "analysis_period" else self[name].value

    return Figures(rows)


def test_a_case_is_put_together_in_the_units_of_the_sums():
    items = [one for one in Service.__dataclass_fields__ if one not in ("name", "payer", "driver", "quick", "chosen")]
    figure = SimpleNamespace(value=5.0, low=4.0, high=4.5)
    rows = [
        SimpleNamespace(name=name, payer="household", driver="homes", track=track, figures=dict.fromkeys(items, figure))
        for name, track in (("fast", "short"), ("slow", "long"))
    ]
    made = cases.case_from(AreaFacts(homes=1.0), assumptions=_figures(), services=rows)
    assert (made.period_years, made.terms.inflation_frac, made.terms.loan_frac) == (7, 0.02, 2.0)
    assert made.terms.pv_price_eur_per_kwp == pytest.approx(2 / 0.435)
    assert [(one.name, one.quick, one.chosen, one.life_years) for one in made.services] == [
        ("fast", True, 1.0, 5.0),
        ("slow", False, 1.0, 5.0),
    ]
    assert [one.name for one in cases.for_track(made, "short").services] == ["fast"]
    assert cases.for_track(made, "long") is made
    spans = spans_of(made, assumptions=_figures(), services=rows, without=("terms.loan_frac",))
    assert spans["terms.inflation_frac"] == Span(0.01, 0.03)
    assert spans["fast.life_years"] == Span(4.0, 5.0)  # stretched to the case's own value
    assert spans["terms.pv_price_eur_per_kwp"].high == pytest.approx(3 / 0.435)
    assert "terms.loan_frac" not in spans
    assert set(spans) == {f"terms.{name}" for name in cases.TERM_ROWS if name != "loan_frac"} | {
        f"{name}.{item}" for name in ("fast", "slow") for item in items
    }
    assert term_rows("short")["ramp_years"][0] == "enterprise_ramp_short"
    assert term_rows("long")["ramp_years"][0] == "enterprise_ramp"
    short = _figures(enterprise_ramp_short=SimpleNamespace(value=2.0, low=-9.0, high=3.0))
    assert spans_of(made, assumptions=short, services=rows, track="short")["terms.ramp_years"].low == -9.0
    facts = facts_of_row({"homes": "3", "green_m2": 4, "other": 5})
    assert (facts.homes, facts.green_m2) == (3.0, 4.0)
    assert np.isnan(facts.households)


def test_every_field_of_a_case_has_a_path_and_takes_another_number():
    small = Case(AreaFacts(homes=2.0), CASE.terms, CASE.services[:1])
    name = CASE.services[0].name
    made = small.with_inputs({"facts.homes": 3.0, "terms.loan_frac": 0.5, f"{name}.chosen": 0.0})
    assert (made.facts.homes, made.terms.loan_frac, made.services[0].chosen) == (3.0, 0.5, 0.0)
    assert (small.period_years, small.panels) == (20, cases.PANELS)
    paths = small.inputs()
    assert len(paths) == len(vars(small.facts)) + len(vars(small.terms)) + 11
    assert {path.split(".")[0] for path in paths} == {"facts", "terms", name}
    assert {paths[f"terms.{one}_chosen"] for one in cases.PANELS} == {1.0}
    assert made.inputs()["facts.homes"] == 3.0


def test_draws_lie_in_equal_steps_repeat_and_leave_out_what_is_known_or_unknown():
    spans = {"terms.loan_frac": Span(0.0, 1.0), "terms.ramp_years": Span(CASE.terms.ramp_years, CASE.terms.ramp_years)}
    spans["facts.green_m2"] = Span(0.0, 1.0)
    blank = CASE.with_inputs({"facts.green_m2": np.nan, "terms.loan_frac": 0.0})
    found = draw(blank, spans, draws=20, seed=3)
    assert list(found) == ["terms.loan_frac"]
    values = found["terms.loan_frac"]
    assert np.array_equal(values[:10], values[10:])
    quantiles = 1 - (1 - values[:10]) ** 2  # a triangle that falls from 0 to 1
    assert sorted((quantiles * 10).astype(int)) == list(range(10))
    for path, span in (
        ("terms.nothing", Span(0, 1)),
        ("terms.loan_frac", Span(0.1, 1)),
        ("terms.loan_frac", Span(-1, -0.1)),
    ):
        with pytest.raises(ConfigError) as caught:
            draw(blank, {path: span}, draws=2, seed=1)
        assert caught.value.where == path
    moved = draw_facts(("x", "y"), draws=8, seed=1)
    assert not np.array_equal(np.abs(moved["x"]), np.abs(moved["y"]))
    assert [len(one) for one in moved.values()] == [8, 8]
    wide = 1 / (1 - np.sqrt(0.2))
    assert triangular_at(np.array([0.1, 0.5, 0.9]), Span(-wide, wide), middle=0.0) == pytest.approx([-1, 0, 1])
    groups = {
        "terms.loan_frac": "terms.loan_frac",
        "terms.loan_rate_frac": "group.prices",
        "facts.hours_per_unit": "facts.hours_per_unit",
        "waste.material_price": "waste.work",
        "waste.chosen": "waste.chosen",
    }
    assert {path: group_of(path) for path in groups} == groups


def test_of_ten_draws_the_lowest_and_highest_two_are_told_and_a_group_counts_once():
    at = np.arange(10.0)
    drawn = {"terms.wage_eur_per_hour": at, "terms.outside_rate_eur_per_hour": -at, "group.roofs": at[::-1] * 0}
    table = variance_shares(drawn, 2 * at + 5)
    assert table["path"].tolist() == ["group.wages", "group.roofs"]
    assert table["share"].to_numpy() == pytest.approx([1.0, 0.0])
    assert table.iloc[0][["at_low_eur", "at_high_eur"]].tolist() == [6.0, 22.0]  # 0 and 1; 8 and 9
    few = variance_shares({"terms.x": np.array([0.0, 1.0, 2.0])}, np.array([7.0, 8.0, 9.0]))
    assert few.iloc[0][["at_low_eur", "at_high_eur"]].tolist() == [7.0, 9.0]  # of fewer than five one


def test_units_facts_and_ranges_of_a_setting():
    units = Units({"x": np.arange(16.0).reshape(8, 2)}, CASE)
    assert (units.draws, units.mean().draws) == (2, 1)
    assert units.mean().by_name["x"][:, 0].tolist() == [0.5 + 2 * n for n in range(8)]
    frame = pd.DataFrame({"homes": [1, 2], "other": [3, 4]})
    made = setting.as_inputs(frame)
    assert made["homes"].tolist() == [1.0, 2.0]
    assert np.isnan(made["green_m2"]).tolist() == [True, True]
    assert list(made) == list(vars(AreaFacts()))
    grouped = [name for names in setting.FACT_GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert set(setting.RANGES) == set(setting.FACT_GROUPS)
    assert setting.CRITERIA["local"] == OUTCOMES[:4]


def test_a_setting_moves_facts_in_their_groups_and_asks_homes_that_take_part(monkeypatch):
    seen = {}

    def outcomes(units, given, package):
        seen.update(given)
        return "outcomes"

    monkeypatch.setattr(setting, "package_outcomes", outcomes)
    moved = {name: np.array([1.0, -1.0]) for name in setting.FACT_GROUPS}
    ranges = {name: 0.1 * (n + 1) for n, name in enumerate(setting.FACT_GROUPS)}
    terms = {"terms.participation_frac": np.array([0.5]), "waste.chosen": np.array([1.0]), "other.x": np.array([2.0])}
    one = setting.Setting(CASE, terms, moved, ranges, Units({}, CASE), ("waste",))
    facts = {name: np.array([10.0, 20.0]) for name in vars(AreaFacts())}
    assert one.drawn(facts, np.array([np.nan, 0.5])) == "outcomes"
    for group, names in setting.FACT_GROUPS.items():
        by = [ranges[group], 0.5 if group == "roofs" else ranges[group]]
        for name in names:
            assert seen[name] == pytest.approx(
                np.array([[10 * (1 + by[0]), 10 * (1 - by[0])], [20 * (1 + by[1]), 20 * (1 - by[1])]])
            )
    drawn = np.zeros((8, 1, 2))
    drawn[OUTCOMES.index("enterprise")] = [[-300.0, 150.0]]
    assert one.contribution(drawn, np.array([100.0])).tolist() == [[6.0, -3.0]]
    used = one.inputs_drawn()
    assert set(used) == {"terms.participation_frac", "waste.chosen", *(f"group.{name}" for name in setting.FACT_GROUPS)}
    assert used["waste.chosen"].tolist() == [1.0, 1.0]


def test_ranges_and_package_of_a_setting_are_those_of_the_figures(monkeypatch):
    monkeypatch.setattr(setting, "DRAWS", 4)
    made = setting.setting_of("short", figures=default(), services=default_services(), package=("waste",))
    assert (made.package, made.units.draws) == (("waste",), 4)
    assert {len(one) for one in made.terms.values()} == {2}
    assert {len(one) for one in made.moved.values()} == {4}
    half = made.units.by_name[next(iter(made.units.by_name))]
    assert np.array_equal(half[:, :2], half[:, 2:])
    assert made.ranges == {group: default()[row].value for group, row in setting.RANGES.items()}
    assert all(one.quick for one in made.case.services)
