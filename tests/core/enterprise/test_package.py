"""Many places at once equal one case at a time; the package holds what carries itself, and nothing else."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from kansenkaart.core.enterprise.case import AreaFacts, Span, case_from, spans_of
from kansenkaart.core.enterprise.cashflow import evaluate_case
from kansenkaart.core.enterprise.linear import OUTCOMES, outcomes, units_of
from kansenkaart.core.enterprise.package import package_outcomes, participation_needed, service_results, with_package
from kansenkaart.core.enterprise.uncertainty import draw, group_of, triangular_at
from kansenkaart.tables.assumptions import default, default_services
from tests.core.enterprise.test_cashflow import BILGAARD, CASE

PLACES = (
    BILGAARD,
    replace(
        BILGAARD,
        homes=100,
        green_m2=np.nan,
        sewer_saving_eur=30000,
        sewer_saving_year=7,
        own_use_frac=0.62,
        pv_association_frac=0.4,
        pv_corporation_frac=0.1,
    ),
    replace(BILGAARD, pv_corporation_frac=np.nan, sewer_saving_rain_eur=9e5, sewer_saving_year=25.4),
)
FACTS = {name: np.array([getattr(one, name) for one in PLACES], float) for name in asdict(AreaFacts())}
FIRM = OUTCOMES.index("enterprise")


def chosen_of(case):
    results = service_results(units_of(case), FACTS)
    return results, {one.name: one.earns for one in results}


def test_many_places_equal_one_case_at_a_time_in_every_draw():
    spans = spans_of(CASE, assumptions=default(), services=default_services())
    trial = draw(CASE, {path: one for path, one in spans.items() if not path.startswith("facts.")}, draws=4, seed=9)
    # A package that holds every kind of service, whatever it earns: panels, green, grey water and rain with their sewers.
    names = (
        "solar_rent_own",
        "solar_rent_association",
        "solar_rent_corporation",
        "green_maintenance",
        "grey_water",
        "rain_decoupling",
        "energy_coach",
    )
    chosen = {name: np.array([True, number % 2 == 0, True]) for number, name in enumerate(names)}
    together = package_outcomes(units_of(CASE, trial), FACTS, chosen)
    for number, facts in enumerate(PLACES):
        one = with_package(replace(CASE, facts=facts), [name for name in names if chosen[name][number]])
        assert together[:, number] == pytest.approx(outcomes(evaluate_case(one, trial)), rel=1e-9, abs=1e-6)


def test_the_package_is_the_best_one_of_all():
    results, chosen = chosen_of(CASE)
    units = units_of(CASE)
    best = package_outcomes(units, FACTS, chosen)[FIRM, :, 0]
    for result in results:  # adding or dropping any one service never helps the enterprise
        other = {**chosen, result.name: ~chosen[result.name] & result.known}
        assert np.all(package_outcomes(units, FACTS, other)[FIRM, :, 0] <= best + 1e-9)


def test_unknown_facts_leave_their_service_out_and_are_told():
    results, chosen = chosen_of(CASE)
    told = {one.name: one for one in results}
    assert told["green_maintenance"].known.tolist() == [True, False, True]
    assert not chosen["green_maintenance"][1]
    assert told["solar_rent_corporation"].known.tolist() == [True, True, False]
    assert told["solar_rent_own"].known.tolist() == [True, True, True]
    # Where nothing is known of corporations, their roofs count with the others: all panels are on residents' roofs there.
    assert told["solar_rent_own"].enterprise[2] == pytest.approx(told["solar_rent_own"].enterprise[0] * 330 / 41)


def test_a_social_service_loses_for_the_enterprise_and_gains_for_the_place():
    results, _ = chosen_of(CASE)
    for one in results:
        assert not (one.social & one.earns).any()
        assert np.all(one.local[one.social] > 0)


def test_participation_needed_is_where_the_enterprise_earns_nothing():
    # Dear power on residents' own roofs: panels carry more than overhead, and residents decide one by one.
    case = CASE.with_inputs({"terms.electricity_price_eur_per_kwh": 0.45})
    given = FACTS | {"pv_association_frac": np.zeros(3), "pv_corporation_frac": np.zeros(3)}
    chosen = {one.name: one.earns for one in service_results(units_of(case), given)}

    def kept(share):
        units = units_of(case.with_inputs({"terms.participation_frac": share}))
        return package_outcomes(units, given, chosen)[FIRM, :, 0]

    needed = participation_needed(kept(0.5), kept(1.0))
    found = [number for number in range(len(PLACES)) if 0 < needed[number] <= 1]
    assert found
    for number in found:
        assert kept(float(needed[number]))[number] == pytest.approx(0.0, abs=0.01)
    # rising, level and falling lines by hand: 0 at 1/4; never; always
    assert participation_needed(np.array([1.0, -5, 4]), np.array([3.0, -6, 3])) == pytest.approx(
        [0.25, np.nan, 0], nan_ok=True
    )


def test_overhead_follows_the_size_of_the_enterprise():
    def overhead(homes, share):
        facts = {**FACTS, "homes": np.array([homes] * 3)}
        case = CASE.with_inputs({"terms.participation_frac": share, "terms.coordination_frac": 0.0})
        return package_outcomes(units_of(case), facts, {})[OUTCOMES.index("overhead"), 0, 0]

    fixed = overhead(0.0, 0.35)
    assert overhead(200.0, 0.3) - fixed == pytest.approx(2 * (overhead(100.0, 0.3) - fixed))
    assert overhead(100.0, 0.6) - fixed == pytest.approx(2 * (overhead(100.0, 0.3) - fixed))


def test_short_track_waits_for_no_plans():
    short = case_from(BILGAARD, assumptions=default(), services=default_services(), track="short")
    assert all(one.quick for one in short.services)
    assert short.terms.contracts_frac > CASE.terms.contracts_frac
    assert short.terms.ramp_years < CASE.terms.ramp_years


def test_prices_and_hours_of_one_service_move_together():
    assert group_of("waste.hours_per_unit") == group_of("waste.enterprise_price") != group_of("waste.uptake_frac")
    spans = {"waste.hours_per_unit": Span(0.2, 0.6), "waste.present_price": Span(6, 20)}
    found = draw(CASE, spans, draws=50, seed=1)
    assert np.array_equal(found["waste.hours_per_unit"].argsort(), found["waste.present_price"].argsort())
    # triangle 0-1-3: a third of the area lies left of the peak; the median by hand is 3 - sqrt(3)
    at = triangular_at(np.array([0.0, 1 / 3, 0.5, 1.0]), Span(0, 3), middle=1.0)
    assert at == pytest.approx([0, 1, 3 - 3**0.5, 3])
