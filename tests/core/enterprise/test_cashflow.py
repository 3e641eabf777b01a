"""Payments of an enterprise: closed forms, and laws that must hold for any figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.enterprise.case import AreaFacts, Case, Span, case_from, spans_of
from kansenkaart.core.enterprise.cashflow import evaluate_case
from kansenkaart.core.enterprise.expr import IfKnown, Input, Number, Row, Year, evaluate_rows
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.core.enterprise.uncertainty import break_evens, draw, enterprise_value, tornado
from kansenkaart.errors import ConfigError
from kansenkaart.tables.assumptions import default, default_services

BILGAARD = AreaFacts(
    homes=330,
    households=330,
    inhabitants=759,  # 2.3 a home
    people_65_plus=120,
    gallery_flats=194,
    corporation_homes=289,
    owned_homes=41,
    green_m2=16500,
    paved_connected_m2=33000,
    pv_kwp_economic=858,  # six panels of 435 Wp a home
    pv_kwh_per_year=750750,  # at 875 kWh/kWp
    own_use_frac=0.45,
    pv_association_frac=0.0,
    pv_corporation_frac=289 / 330,  # as the homes
    grey_water_m3_per_year=16650,  # 60.1 l a day
    sewer_saving_eur=0,
    sewer_saving_rain_eur=0,
    sewer_saving_year=18,
)
CASE = case_from(BILGAARD, assumptions=default(), services=default_services())
BARE = {
    "terms.participation_frac": 1.0,
    "terms.contracts_frac": 1.0,
    "terms.hours_factor": 1.0,
    "terms.ramp_years": 1.0,
    "terms.inflation_frac": 0.0,
    "terms.overhead_fixed_eur_per_year": 0.0,
    "terms.overhead_home_eur_per_year": 0.0,
    "terms.members_frac": 0.0,
    "terms.loan_frac": 0.0,
}


def only(name: str, facts: AreaFacts) -> Case:
    return replace(CASE, facts=facts, services=tuple(one for one in CASE.services if one.name == name))


def test_one_panel_of_one_kwp() -> None:
    facts = AreaFacts(
        pv_kwp_economic=1, pv_kwh_per_year=1000, own_use_frac=0.5, pv_association_frac=0, pv_corporation_frac=1
    )
    changes = {
        "terms.electricity_price_eur_per_kwh": 0.2,
        "terms.export_value_eur_per_kwh": 0.01,
        "terms.pv_degradation_frac": 0.01,
        "terms.pv_price_eur_per_kwp": 1000.0,
        "terms.pv_upkeep_frac": 0.01,
        "terms.rent_share_frac": 0.8,
        "terms.roof_rent_eur_per_kwp": 3.0,
        "terms.inverter_life_years": 30.0,
    }
    flow = evaluate_case(only("none", facts).with_inputs(BARE | changes))
    # year 1: 500 kWh own x 0.20 = 100 saved, 80 rent; 500 x 0.01 = 5 export; 10 upkeep; 3 roof; 1,000 invested
    assert flow.party("household")[1, 0] == pytest.approx(100 - 80)
    assert flow.party("enterprise")[1, 0] == pytest.approx(80 + 5 - 10 - 3 - 1000)
    assert flow.party("roof_owner")[1, 0] == pytest.approx(3)
    # year 3: the yield has lost 1 % twice: 0.9801
    assert flow.party("enterprise")[3, 0] == pytest.approx(85 * 0.9801 - 13)


def test_one_street_sewer_saving_falls_once_in_its_year() -> None:
    facts = AreaFacts(grey_water_m3_per_year=0, sewer_saving_eur=10000, sewer_saving_year=7)
    changes = {"terms.sewer_pass_on_frac": 0.3, "grey_water.uptake_frac": 1.0, "grey_water.start_year": 0.0}
    flow = evaluate_case(only("grey_water", facts).with_inputs(BARE | changes))
    expected = np.zeros(21)
    expected[7] = 7000.0  # 10,000 less the 30 % passed on
    assert flow.party("municipality")[:, 0] == pytest.approx(expected)
    assert flow.party("enterprise")[7, 0] == pytest.approx(3000.0)


def test_loan_is_paid_back_with_interest() -> None:
    facts = AreaFacts(
        pv_kwp_economic=1, pv_kwh_per_year=0, own_use_frac=0.5, pv_association_frac=0, pv_corporation_frac=0
    )
    loan = {"terms.loan_frac": 1.0, "terms.loan_rate_frac": 0.05, "terms.loan_term_years": 10.0}
    loan |= {"terms.pv_price_eur_per_kwp": 1000.0, "terms.inverter_life_years": 30.0}
    flow = evaluate_case(only("none", facts).with_inputs(BARE | loan))
    paid = flow.by_row["finance:repayment:enterprise>others"][:, 0]
    # drawn in year 1, ten payments of 129.50 from year 2 on, nothing left to settle
    assert paid[2:12] == pytest.approx(np.full(10, 129.504575))
    assert paid[12:] == pytest.approx(np.zeros(9), abs=1e-9)
    assert flow.by_row["loan:debt"][-1, 0] == pytest.approx(0.0, abs=1e-9)


def test_replacement_follows_each_cohort() -> None:
    changes = {"terms.contracts_frac": 1.0, "terms.ramp_years": 2.0, "waste.life_years": 3.0}
    changes |= {"waste.uptake_frac": 1.0, "waste.start_year": 0.0}
    flow = evaluate_case(CASE.with_inputs(changes))
    # halves arrive in years 1 and 2; due again in 4, 5, 7, 8, 10, 11 …
    due = flow.by_row["waste:replaced"][:12, 0]
    assert due == pytest.approx([0, 0, 0, 0, 0.5, 0.5, 0, 0.5, 0.5, 0, 0.5, 0.5])


@settings(derandomize=True, deadline=None, max_examples=10)
@given(
    st.floats(0, 1),
    st.integers(1, 12),
    st.floats(0, 0.08),
    st.floats(0, 0.1),
    st.floats(0, 1e6),
    st.integers(0, 30),
)
def test_parties_sum_to_nothing(
    share: float, ramp: int, inflation: float, rate: float, saving: float, year: int
) -> None:
    changes = {
        "terms.participation_frac": share,
        "terms.ramp_years": float(ramp),
        "terms.inflation_frac": inflation,
        "terms.loan_rate_frac": rate,
        "facts.sewer_saving_eur": saving,
        "facts.sewer_saving_year": float(year),
    }
    flow = evaluate_case(CASE.with_inputs(changes))
    inside = sum(flow.party(name) for name in PARTIES if name != "others")
    assert np.abs(inside + flow.party("others")).max() < 0.005  # to the cent


@settings(derandomize=True, deadline=None, max_examples=8)
@given(st.floats(0.0, 0.6), st.floats(0.0, 0.6), st.floats(0, 1), st.floats(0, 1))
def test_dearer_power_never_lowers_the_households_gain(one: float, two: float, rent: float, share: float) -> None:
    fixed = {"terms.rent_share_frac": rent, "terms.participation_frac": share}
    gains = [
        evaluate_case(CASE.with_inputs(fixed | {"terms.electricity_price_eur_per_kwh": price})).present_value(
            "household"
        )[0]
        for price in sorted((one, two))
    ]
    assert gains[1] >= gains[0] - 1e-6


def test_zero_participation_earns_zero() -> None:
    flow = evaluate_case(CASE.with_inputs({"terms.participation_frac": 0.0}))
    for name in PARTIES:
        assert np.abs(flow.party(name)).max() == 0.0


def test_unknown_is_listed_and_left_out_not_zero() -> None:
    flow = evaluate_case(CASE.with_inputs({"facts.green_m2": np.nan}))
    assert flow.unknown == ("green_maintenance: green_m2",)
    without = replace(CASE, services=tuple(one for one in CASE.services if one.name != "green_maintenance"))
    expected = evaluate_case(without).present_value("enterprise")
    assert flow.present_value("enterprise") == pytest.approx(expected)


def test_volunteer_fee_stops_at_the_yearly_maximum() -> None:
    changes = {"terms.volunteer_fee_eur_per_hour": 50.0, "terms.volunteer_hours_per_year": 250.0}
    changes |= {"terms.inflation_frac": 0.0}
    flow = evaluate_case(CASE.with_inputs(changes))
    hours = flow.by_row["waste:hours_volunteer"][20, 0]
    # 2,200 EUR over 250 hours is 8.80 EUR/h
    assert flow.by_row["waste:fee:enterprise>household"][20, 0] == pytest.approx(hours * 8.8)


def test_draws_are_seeded_and_independent_of_other_inputs() -> None:
    spans = {"terms.wage_eur_per_hour": Span(20, 30), "terms.loan_rate_frac": Span(0.03, 0.07)}
    one, two = draw(CASE, spans, draws=50, seed=1), draw(CASE, spans, draws=50, seed=1)
    alone = draw(CASE, {"terms.wage_eur_per_hour": Span(20, 30)}, draws=50, seed=1)
    assert np.array_equal(one["terms.loan_rate_frac"], two["terms.loan_rate_frac"])
    assert np.array_equal(one["terms.wage_eur_per_hour"], alone["terms.wage_eur_per_hour"])
    with pytest.raises(ConfigError, match="low <= value <= high"):
        draw(CASE, {"terms.wage_eur_per_hour": Span(90, 99)}, draws=5, seed=1)


def test_sample_equals_case_by_case() -> None:
    spans = spans_of(CASE, assumptions=default(), services=default_services())
    trial = draw(CASE, spans, draws=3, seed=4)
    together = evaluate_case(CASE, trial).present_value("enterprise")
    for number in range(3):
        single = CASE.with_inputs({path: float(value[number]) for path, value in trial.items()})
        assert evaluate_case(single).present_value("enterprise")[0] == pytest.approx(together[number])


def test_tornado_and_turning_points_agree_with_single_cases() -> None:
    spans = spans_of(CASE, assumptions=default(), services=default_services())
    table = tornado(CASE, spans)
    at_low = evaluate_case(CASE.with_inputs({table["path"][0]: table["low"][0]}))
    assert table["at_low_eur"][0] == pytest.approx(at_low.present_value("enterprise")[0])
    free = only("none", BILGAARD).with_inputs(
        {"terms.overhead_fixed_eur_per_year": 0.0, "terms.overhead_home_eur_per_year": 0.0}
    )
    turn = float(break_evens(free, {"facts.own_use_frac": Span(0, 1)}, outcome=enterprise_value)["value"].iloc[0])
    found = evaluate_case(free.with_inputs({"facts.own_use_frac": turn})).present_value("enterprise")[0]
    assert found == pytest.approx(0.0, abs=0.01)


def test_rows_over_all_years_at_once_equal_those_that_go_year_by_year() -> None:
    year, rate, wait = Year(), Input("rate"), Input("wait")
    rows = [
        ("grown", Number(100.0) * (rate + 1) ** year),  # looks at nothing: all years at once
        (
            "saved",
            Row("saved", Number(1.0)) * (rate + 1) + Row("debt", Number(1.0)) * 0 + 10,
        ),  # back at itself and a later row
        ("debt", Row("saved") * 2),
        ("waited", Row("grown", wait)),  # another year per draw
        ("known", IfKnown("unknown", Number(5.0))),
    ]
    inputs = {"rate": np.array([0.0, 0.1]), "wait": np.array([1.0, 3.0]), "unknown": np.asarray(np.nan)}
    found = evaluate_rows(rows, inputs, years=4)
    np.testing.assert_allclose(found["grown"][:, 1], [100, 110, 121, 133.1])
    np.testing.assert_allclose(found["saved"], [[10, 10], [20, 21], [30, 33.1], [40, 46.41]])
    np.testing.assert_allclose(found["debt"], 2 * found["saved"])
    np.testing.assert_allclose(found["waited"], [[0, 0], [100, 0], [100, 0], [100, 100]])
    assert (found["known"] == 0).all()
    assert len(found["known"]) == 4
    tied = [*rows[:1], ("tie", Row("last", Number(1.0)) * 0), *rows[1:], ("last", Row("grown") * 0)]
    slow = evaluate_rows(tied, inputs, years=4)  # the last row ties all before it together, year by year
    for name, _ in rows:
        np.testing.assert_allclose(
            np.broadcast_to(found[name], (4, 2)), np.broadcast_to(slow[name], (4, 2)), err_msg=name
        )
