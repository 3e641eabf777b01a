"""Payments of an enterprise: closed forms, and laws that must hold for any figures."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.enterprise.case import AreaFacts, Case, Span, case_from, spans_of
from kansenkaart.core.enterprise.cashflow import evaluate_case
from kansenkaart.core.enterprise.expr import IfKnown, Input, Number, Row, Year, evaluate_rows
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.core.enterprise.uncertainty import draw, draw_facts, group_of, sobol_shares, variance_shares
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
    pv_own_systems=41,
    pv_own_kwp=41 * 2.61,  # six panels of 435 Wp a home
    pv_own_kwh_per_year=41 * 2.61 * 875,
    pv_own_used_kwh_per_year=41 * 2.61 * 875 * 0.45,
    pv_association_systems=0,
    pv_association_kwp=0,
    pv_association_kwh_per_year=0,
    pv_association_used_kwh_per_year=0,
    pv_corporation_systems=1,  # one block of 194 flats, and 95 houses
    pv_corporation_kwp=194 * 2.61,
    pv_corporation_kwh_per_year=194 * 2.61 * 875,
    pv_corporation_used_kwh_per_year=194 * 2.61 * 875 * 0.45,
    pv_corporation_house_systems=95,
    pv_corporation_house_kwp=95 * 2.61,
    pv_corporation_house_kwh_per_year=95 * 2.61 * 875,
    pv_corporation_house_used_kwh_per_year=95 * 2.61 * 875 * 0.45,
    reused_m3_per_year=16650,  # 60.1 l a day
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


def one_roof(
    kind: str, *, kwp: float = 1.0, kwh: float = 1000.0, used: float = 500.0, systems: float = 1.0
) -> AreaFacts:
    amounts = {"systems": systems, "kwp": kwp, "kwh_per_year": kwh, "used_kwh_per_year": used}
    return AreaFacts(**{f"pv_{kind}_{name}": value for name, value in amounts.items()})


PLAIN = {
    "terms.electricity_price_eur_per_kwh": 0.2,
    "terms.shared_price_eur_per_kwh": 0.1,
    "terms.export_value_eur_per_kwh": 0.01,
    "terms.pv_degradation_frac": 0.01,
    "terms.pv_price_eur_per_system": 600.0,
    "terms.pv_price_eur_per_kwp": 400.0,
    "terms.pv_upkeep_frac": 0.01,
    "terms.rent_share_frac": 0.8,
    "terms.roof_rent_eur_per_kwp": 3.0,
    "terms.inverter_life_years": 30.0,
    "terms.association_meters_frac": 1.0,
    "terms.association_common_frac": 1.0,
    "terms.association_sharing_frac": 1.0,
    "terms.common_use_frac": 0.25,
}


def test_one_panel_of_one_kwp() -> None:
    flow = evaluate_case(only("none", one_roof("corporation")).with_inputs(BARE | PLAIN))
    # year 1: 500 kWh own x 0.20 = 100 saved, 80 rent; 500 x 0.01 = 5 export; the panel costs 600 + 400 = 1,000, so 10 upkeep;
    # 3 roof
    assert flow.party("household")[1, 0] == pytest.approx(100 - 80)
    assert flow.party("enterprise")[1, 0] == pytest.approx(80 + 5 - 10 - 3 - 1000)
    assert flow.party("roof_owner")[1, 0] == pytest.approx(3)
    # year 3: the yield has lost 1 % twice, and no more: 0.9801
    assert flow.party("enterprise")[3, 0] == pytest.approx(85 * 0.9801 - 13)


@pytest.mark.parametrize(
    ("panels", "saver", "saved", "exported"),
    [
        # behind each meter: 500 kWh at 0.20; behind the common meter: a quarter of 1,000 kWh at 0.20; shared over the grid:
        # 500 kWh at the bare 0.10, since energy tax stays due; what is not used is exported at 0.01
        ("solar_rent_association", "household", 100.0, 5.0),
        ("solar_common", "roof_owner", 50.0, 7.5),
        ("solar_sharing", "household", 50.0, 5.0),
    ],
)
def test_an_association_saves_by_how_it_joins(panels: str, saver: str, saved: float, exported: float) -> None:
    case = replace(only("none", one_roof("association")), panels=(panels,)).with_inputs(BARE | PLAIN)
    flow = evaluate_case(case)
    rent = {"household": 0.0, "roof_owner": 0.0} | {saver: 0.2 * saved}
    assert flow.party("household")[2, 0] == pytest.approx(rent["household"] * 0.99)
    assert flow.party("roof_owner")[2, 0] == pytest.approx(rent["roof_owner"] * 0.99 + 3)
    assert flow.party("enterprise")[2, 0] == pytest.approx((0.8 * saved + exported) * 0.99 - 13)


def test_fixed_price_weighs_on_small_roofs() -> None:
    # Ten panels of 435 Wp on one roof cost 667 + 10 x 325 = 3,917 EUR, three 667 + 975 = 1,642 (Milieu Centraal: 3,900)
    for panels, price in ((10, 3917.0), (3, 1642.0)):
        facts = one_roof("own", kwp=panels * 0.435, kwh=0.0, used=0.0)
        flow = evaluate_case(only("none", facts).with_inputs(BARE))
        assert flow.by_row["solar_rent_own:investment:enterprise>others"][1, 0] == pytest.approx(price)


def test_of_a_wage_the_household_keeps_a_part() -> None:
    changes = {"terms.wage_eur_per_hour": 30.0, "terms.wage_kept_frac": 0.6, "terms.inflation_frac": 0.0}
    flow = evaluate_case(CASE.with_inputs(changes))
    hours = flow.by_row["waste:hours_paid"][20, 0]
    assert flow.by_row["waste:wage:enterprise>household"][20, 0] == pytest.approx(hours * 18)
    assert flow.by_row["waste:wage_tax:enterprise>others"][20, 0] == pytest.approx(hours * 12)


def test_sewer_saving_is_spread_evenly_over_the_period() -> None:
    facts = AreaFacts(reused_m3_per_year=0, sewer_saving_eur=10000)
    changes = {"terms.sewer_pass_on_frac": 0.3, "grey_water.uptake_frac": 1.0, "grey_water.start_year": 0.0}
    flow = evaluate_case(only("grey_water", facts).with_inputs(BARE | changes))
    # 10,000 EUR over 20 years is 500 a year, from year 1 on; 30 % is passed on
    assert flow.party("municipality")[:, 0] == pytest.approx([0.0] + [350.0] * 20)
    assert flow.party("enterprise")[7, 0] == pytest.approx(150.0)


def test_loan_is_paid_back_with_interest() -> None:
    facts = one_roof("own", kwh=0.0, used=0.0, systems=0.0)
    loan = {"terms.loan_frac": 1.0, "terms.loan_rate_frac": 0.05, "terms.loan_term_years": 10.0}
    loan |= {"terms.pv_price_eur_per_kwp": 1000.0, "terms.inverter_life_years": 30.0}
    flow = evaluate_case(only("none", facts).with_inputs(BARE | loan))
    paid = flow.by_row["finance:repayment:enterprise>others"][:, 0]
    # drawn in year 1, ten payments of 129.50 from year 2 on (any annuity table: 0.129505), nothing left to settle
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


@settings(max_examples=10)
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
        "terms.wage_kept_frac": year / 30,
    }
    flow = evaluate_case(CASE.with_inputs(changes))
    inside = sum(flow.party(name) for name in PARTIES if name != "others")
    assert np.abs(inside + flow.party("others")).max() < 0.005  # to the cent


@settings(max_examples=8)
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


def test_draws_are_seeded_grouped_and_mirrored_in_the_facts() -> None:
    spans = {"terms.wage_eur_per_hour": Span(20, 30), "terms.loan_frac": Span(0.6, 1.0)}
    one, two = draw(CASE, spans, draws=50, seed=1), draw(CASE, spans, draws=50, seed=1)
    alone = draw(CASE, {"terms.wage_eur_per_hour": Span(20, 30)}, draws=50, seed=1)
    assert np.array_equal(one["terms.loan_frac"], two["terms.loan_frac"])
    assert np.array_equal(one["terms.wage_eur_per_hour"], alone["terms.wage_eur_per_hour"])
    assert np.array_equal(one["terms.loan_frac"][:25], one["terms.loan_frac"][25:])
    with pytest.raises(ConfigError, match="low <= value <= high"):
        draw(CASE, {"terms.wage_eur_per_hour": Span(90, 99)}, draws=5, seed=1)
    moved = draw_facts(("roofs",), draws=2000, seed=1)["roofs"]
    assert np.array_equal(moved[:1000], -moved[1000:])
    assert np.quantile(moved, [0.1, 0.9]) == pytest.approx([-1, 1], abs=0.02)  # half widths of an 80 % interval
    assert np.abs(moved).max() < 1.81  # so a range of 0.55 never takes away more than there is


def test_what_moves_together_is_drawn_together() -> None:
    together = ("panels", "power", "wages", "organisation", "prices", "participation", "association")
    spans = spans_of(CASE, assumptions=default(), services=default_services())
    drawn = draw(CASE, spans, draws=40, seed=3)
    for name in together:
        paths = [path for path in drawn if group_of(path) == f"group.{name}"]
        assert len(paths) > 1, name
        ranks = {tuple(drawn[path][:20].argsort().tolist()) for path in paths}
        assert len(ranks) == 1, name


def test_sample_equals_case_by_case() -> None:
    spans = spans_of(CASE, assumptions=default(), services=default_services())
    trial = draw(CASE, spans, draws=6, seed=4)
    together = evaluate_case(CASE, trial).present_value("enterprise")
    for number in range(3):
        single = CASE.with_inputs({path: float(value[number]) for path, value in trial.items()})
        assert evaluate_case(single).present_value("enterprise")[0] == pytest.approx(together[number])


def test_variance_is_shared_out_by_what_moves_the_outcome() -> None:
    rng = np.random.default_rng(5)
    one, two = rng.normal(size=4000), rng.normal(size=4000)
    table = variance_shares({"terms.loan_frac": one, "terms.ramp_years": two}, 3 * one + 4 * two + 100)
    # variances 9 and 16 of 25
    assert table["path"].tolist() == ["terms.ramp_years", "terms.loan_frac"]
    assert table["share"].to_numpy() == pytest.approx([0.64, 0.36], abs=0.03)
    assert (table["at_low_eur"] < 100).all()
    assert (table["at_high_eur"] > 100).all()


def test_inputs_that_carry_as_much_stand_in_the_order_of_their_names() -> None:
    drawn = {f"terms.{name}": np.ones(50) for name in ("t2", "t0", "t1")}  # none moves, so none carries anything
    table = variance_shares(drawn, np.arange(50.0))
    assert table["path"].tolist() == ["terms.t0", "terms.t1", "terms.t2"]
    assert table["share"].tolist() == [0.0, 0.0, 0.0]


def test_of_an_outcome_that_does_not_move_no_input_carries_anything() -> None:
    table = variance_shares({"terms.t0": np.arange(50.0)}, np.full(50, 7.0))
    assert table[["share", "at_low_eur", "at_high_eur"]].to_numpy().tolist() == [[0.0, 7.0, 7.0]]


def test_shares_of_the_variance_never_add_to_more_than_all_of_it() -> None:
    rng = np.random.default_rng(11)
    drawn = {f"terms.t{k}": rng.normal(size=60) for k in range(40)}  # few draws: inputs are alike by chance
    outcome = 5 * drawn["terms.t0"] + drawn["terms.t1"]
    shares = variance_shares(drawn, outcome)["share"].to_numpy()
    assert 0.99 < shares.sum() <= 1.0  # squares of the correlations alone: 1.5 and more
    assert shares[:2] == pytest.approx([25 / 26, 1 / 26], abs=0.03)
    assert shares[2:].max() < 0.005  # nothing of these moves the outcome


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


def test_shares_of_variance_are_those_by_hand():
    def linear(quantiles):
        return 3 * quantiles[:, 0] + quantiles[:, 1]

    first, total = sobol_shares(linear, 8, draws_log2=10, seed=1)
    assert first[:2] == pytest.approx([0.9, 0.1], abs=0.01)  # variances 9/12 and 1/12
    assert total[:2] == pytest.approx([0.9, 0.1], abs=0.01)
    assert first[2:].tolist() == total[2:].tolist() == [0.0] * 6  # what does nothing has no share, not even by chance


def test_what_two_inputs_do_only_together_is_in_the_total_alone():
    first, total = sobol_shares(lambda q: (q[:, 0] - 0.5) * (q[:, 1] - 0.5), 2, draws_log2=10, seed=1)
    assert first == pytest.approx([0.0, 0.0], abs=0.02)
    assert total == pytest.approx([1.0, 1.0], abs=0.05)
    again = sobol_shares(lambda q: (q[:, 0] - 0.5) * (q[:, 1] - 0.5), 2, draws_log2=10, seed=1)
    assert again[1].tolist() == total.tolist()


def test_few_draws_that_say_more_than_all_of_the_variance_are_taken_as_all_of_it():
    """One in ten draws counts: of sixteen, those of this seed give 1.40 and 1.10 of the variance."""
    first, total = sobol_shares(lambda q: (q[:, 0] > 0.9) * 1.0, 2, draws_log2=4, seed=1)
    assert first.tolist() == total.tolist() == [1.0, 0.0]


def test_an_outcome_that_does_not_move_has_no_shares():
    first, total = sobol_shares(lambda q: np.ones(len(q)), 2, draws_log2=4, seed=1)
    assert first.tolist() == total.tolist() == [0.0, 0.0]


def test_a_run_that_changes_nothing_does_not_wait_for_the_statistics() -> None:
    code = "import sys; import kansenkaart.runs.study; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
