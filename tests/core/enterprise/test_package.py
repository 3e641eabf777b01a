"""Many places at once equal one case at a time; the package holds what carries itself, and nothing else."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from kansenkaart.core.enterprise.case import PANELS, AreaFacts, Span, case_from, spans_of
from kansenkaart.core.enterprise.cashflow import evaluate_case, payment_keys, sheet_formulas
from kansenkaart.core.enterprise.linear import FIXED, OUTCOMES, names_of, outcomes, units_of
from kansenkaart.core.enterprise.package import (
    fixed_outcomes,
    package_of,
    package_outcomes,
    participation_needed,
    service_results,
    with_package,
)
from kansenkaart.core.enterprise.setting import CRITERIA, _units_drawn, setting_of
from kansenkaart.core.enterprise.solar_rent import MODELS
from kansenkaart.core.enterprise.tracks import compare_tracks
from kansenkaart.core.enterprise.uncertainty import (
    draw,
    draw_facts,
    group_of,
    sobol_shares,
    triangular_at,
    variance_shares,
)
from kansenkaart.tables.assumptions import default, default_services
from tests.core.enterprise.test_cashflow import BILGAARD, CASE
from tests.pinned import require_as_pinned

PLACES = (
    BILGAARD,
    replace(
        BILGAARD,
        homes=100,
        green_m2=np.nan,
        sewer_saving_eur=30000,
        pv_association_systems=3,
        pv_association_kwp=200,
        pv_association_kwh_per_year=170000,
        pv_association_used_kwh_per_year=120000,
    ),
    replace(BILGAARD, pv_corporation_kwp=np.nan, sewer_saving_rain_eur=9e5),
)
FACTS = {name: np.array([getattr(one, name) for one in PLACES], float) for name in asdict(AreaFacts())}
FIRM = OUTCOMES.index("enterprise")
# A package that holds every kind of service, whatever it earns: panels, green, grey water and rain with their sewers.
PACKAGE = (
    *PANELS,
    "green_maintenance",
    "grey_water",
    "rain_decoupling",
    "energy_coach",
)


def terms_of(case, draws):
    spans = spans_of(case, assumptions=default(), services=default_services())
    return draw(case, spans, draws=draws, seed=9)


def test_many_places_equal_one_case_at_a_time_in_every_draw():
    trial = terms_of(CASE, 4)
    together = package_outcomes(units_of(CASE, trial), FACTS, PACKAGE)
    for number, facts in enumerate(PLACES):
        one = with_package(replace(CASE, facts=facts), PACKAGE)
        assert together[:, number] == pytest.approx(outcomes(evaluate_case(one, trial)), rel=1e-9, abs=1e-6)


def test_what_an_area_brings_is_the_sum_of_its_parts_and_a_constant():
    units = units_of(CASE, terms_of(CASE, 6))
    whole = {name: np.array([np.nansum(values)]) for name, values in FACTS.items()}
    parts = package_outcomes(units, FACTS, PACKAGE) - fixed_outcomes(units)[:, None]
    # the third place does not know its panels on a corporation's flats, so they count for nothing there
    whole |= {name: np.array([FACTS[name][:2].sum()]) for name in MODELS["solar_rent_corporation"].needs}
    assert parts.sum(axis=1) + fixed_outcomes(units) == pytest.approx(package_outcomes(units, whole, PACKAGE)[:, 0])


def test_the_mean_over_the_draws_does_not_hang_on_the_ranges_of_facts():
    totals = {name: values[:1] for name, values in FACTS.items()}
    setting = setting_of("long", figures=default(), services=default_services(), totals=totals)
    narrow, wide = (setting.drawn(totals, np.array([half])) for half in (0.0, 0.5))
    middle = package_outcomes(setting.units.mean(), totals, setting.package)[:, :, 0]
    assert narrow.mean(axis=2) == pytest.approx(middle)
    assert wide.mean(axis=2) == pytest.approx(middle)
    if any(name in setting.package for name in PANELS):
        assert wide[FIRM].std() > narrow[FIRM].std()


def test_the_package_is_what_carries_itself_over_all_places():
    units = units_of(CASE, terms_of(CASE, 50))
    chosen = package_of(units, FACTS)
    for one in service_results(units, FACTS, chosen):
        total = float(np.where(one.known, one.enterprise, 0.0).sum())
        assert one.chosen == (total > 0), one.name
        assert not (one.social & (one.enterprise > 0)).any()
        assert np.all(one.local[one.social] > 0)


def test_many_small_roofs_of_a_corporation_take_no_large_one_out_of_the_package():
    """Of 500 kWp on one roof 70 % is used below it, and that earns; 2,000 houses of 0.9 kWp lose more, and stand apart."""
    amounts = {"": (1.0, 500.0, 437_500.0, 306_250.0), "_house": (2000.0, 1800.0, 1_575_000.0, 1_102_500.0)}
    facts = {name: np.zeros(1) for name in FACTS}
    for kind, values in amounts.items():
        needs = MODELS[f"solar_rent_corporation{kind}"].needs
        facts |= {name: np.array([value]) for name, value in zip(needs, values, strict=True)}
    units = units_of(CASE, terms_of(CASE, 50))
    alone = {one.name: one.enterprise[0] for one in service_results(units, facts, ())}
    assert alone["solar_rent_corporation"] > 0 > alone["solar_rent_corporation"] + alone["solar_rent_corporation_house"]
    assert package_of(units, facts) == ("solar_rent_corporation",)


def test_a_service_stays_unknown_where_its_fact_is():
    results = {one.name: one for one in service_results(units_of(CASE), FACTS, ())}
    assert results["green_maintenance"].known.tolist() == [True, False, True]
    assert results["solar_rent_corporation"].known.tolist() == [True, True, False]
    assert results["green_maintenance"].enterprise[1] == 0.0


def test_participation_needed_is_where_the_enterprise_earns_nothing():
    # Dear power on residents' own roofs: panels carry more than overhead, and residents decide one by one.
    case = CASE.with_inputs({"terms.electricity_price_eur_per_kwh": 0.8})

    def kept(share):
        units = units_of(case.with_inputs({"terms.participation_frac": share}))
        return package_outcomes(units, FACTS, ("solar_rent_own",))[FIRM, :, 0]

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
        return package_outcomes(units_of(case), facts, ())[OUTCOMES.index("overhead"), 0, 0]

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


def test_a_unit_worked_out_year_by_year_without_the_model():
    """Buying together, per household: a loop over years for every draw, from the rows of the services to the yearly amount."""
    trial = terms_of(CASE, 20)
    given = {path: np.broadcast_to(values, 20) for path, values in (CASE.inputs() | trial).items()}
    household, enterprise = [], []
    for at in range(20):
        one = {path: float(values[at]) for path, values in given.items()}
        term, own = (
            {path.split(".")[1]: value for path, value in one.items() if path.startswith(f"{name}.")}
            for name in ("terms", "collective_purchase")
        )
        ramp, start = max(int(term["ramp_years"] + 0.5), 1), int(own["start_year"] + 0.5)
        fee = min(
            term["volunteer_fee_eur_per_hour"],
            term["volunteer_fee_max_eur_per_year"] / term["volunteer_hours_per_year"],
        )
        rate, gains = term["discount_real_frac"], [0.0, 0.0]
        for year in range(21):
            share = term["participation_frac"] * own["uptake_frac"] * min(max(year - start, 0) / ramp, 1.0)
            hours = share * own["hours_per_unit"] * term["hours_factor"]
            resident = hours * own["resident_frac"]
            paid, free = resident * (1 - own["volunteer_frac"]), resident * own["volunteer_frac"]
            wage = paid * term["wage_eur_per_hour"]
            led = hours * term["coordination_frac"] * term["outside_rate_eur_per_hour"]
            hired = (hours - resident) * term["outside_rate_eur_per_hour"]
            price = share * own["enterprise_price"]
            worth = (1 + rate) ** -year
            gains[0] += worth * (share * own["present_price"] - price + wage * term["wage_kept_frac"] + free * fee)
            gains[1] += worth * (price - share * own["material_price"] - wage - free * fee - hired - led)
        yearly = rate / (1 - (1 + rate) ** -20)
        household.append(gains[0] * yearly)
        enterprise.append(gains[1] * yearly)
    unit = units_of(CASE, trial).by_name["collective_purchase:households"]
    assert unit[OUTCOMES.index("household")] == pytest.approx(household, rel=1e-9)
    assert unit[FIRM] == pytest.approx(enterprise, rel=1e-9)


def test_what_scores_and_reports_ask_alike_is_worked_out_once_and_other_bounds_or_figures_anew():
    path = "terms.overhead_fixed_eur_per_year"
    asked = {"assumptions": default(), "services": default_services(), "track": "long"}
    spans = spans_of(CASE, **asked)
    wider = spans | {path: Span(spans[path].low, spans[path].high * 2)}
    dearer = CASE.with_inputs({path: CASE.inputs()[path] * 1.01})
    first, *others = (
        _units_drawn(case, tuple(one.items()), 500) for case, one in ((CASE, spans), (CASE, wider), (dearer, spans))
    )
    assert _units_drawn(CASE, tuple(spans_of(CASE, **asked).items()), 500) is first
    for terms, units in others:
        assert terms[path].mean() > first[0][path].mean()
        assert units.by_name[FIXED][FIRM].mean() < first[1].by_name[FIXED][FIRM].mean()


@pytest.mark.parametrize("track", ["short", "long"])
def test_every_payment_and_every_outcome_is_as_it_was(track):
    """Of three places on both tracks: payments by year, what each service leaves, the draws, and what moves the outcome."""
    figures, services = default(), default_services()
    case = case_from(BILGAARD, assumptions=figures, services=services, track=track)
    case = case.with_inputs({"facts.sewer_saving_eur": 20_000.0, "facts.sewer_saving_rain_eur": 9e5})
    spans = spans_of(case, assumptions=figures, services=services, track=track)
    trial = draw(case, spans, draws=4, seed=9)
    rows = {
        name: np.broadcast_to(one, (21, 4))
        for name, one in evaluate_case(with_package(case, names_of(case)), trial).by_row.items()
    }
    flow = pd.DataFrame({name: np.r_[one.sum(axis=1), one[:, 0]] for name, one in rows.items()})
    setting = setting_of(track, figures=figures, services=services, totals=FACTS)
    drawn = setting.drawn(FACTS, np.array([0.1, np.nan, 0.4]))
    tables = {f"outcome.{name}": drawn[number].T for number, name in enumerate(OUTCOMES)}
    for one in service_results(setting.units, FACTS, setting.package):
        tables[f"service.{one.name}"] = np.column_stack([one.parties.T, one.known, one.social, one.local])
    for name, parties in CRITERIA.items():
        tables[name] = np.sum([drawn[OUTCOMES.index(party)].T for party in parties], axis=0)
    tables["moves"] = variance_shares(setting.inputs_drawn(), drawn[FIRM, 0]).round(9)
    tables["facts_drawn"] = pd.DataFrame(draw_facts(("roofs", "water"), draws=12, seed=2))
    tables["span"] = pd.DataFrame(list(spans.values()), index=list(spans))
    tables["each"] = setting.contribution(drawn, FACTS["homes"]).T
    tables["formula"] = pd.DataFrame(sheet_formulas(case))
    tables["payment"] = pd.DataFrame(payment_keys(case))
    tables["sobol"] = np.stack(sobol_shares(lambda q: q[:, 0] * q[:, 1] + q[:, 2] ** 2, 3, draws_log2=6, seed=4))
    tables["needed"] = setting.participation_needed(FACTS)
    of = [(one, members) for one in PLACES for members in (5.0, 25.0, np.nan)]
    ways = [compare_tracks(one, renovation_year=4.0, members=members) for one, members in of]
    tables["tracks"] = pd.DataFrame([(one.better, one.short.fit_frac, one.long.fit_frac, str(one)) for one in ways])
    require_as_pinned(f"enterprise_{track}", tables | {"flow": flow, "trial": pd.DataFrame(trial)})


def test_a_track_fits_from_just_its_bounds_on():
    """Of 100 homes 60 of one owner, 30 on galleries, maintenance in five years, sewers in fifteen, five members, one panel."""
    facts = replace(
        AreaFacts(homes=100, corporation_homes=60, gallery_flats=30, sewer_saving_year=15),
        pv_own_kwp=0.4,
        pv_association_kwp=0.0,
    )
    at = compare_tracks(facts, renovation_year=5.0, members=5.0)
    assert (at.short.fit_frac, at.long.missing, at.long.fit_frac, at.better) == (1.0, ("many_owners",), 0.75, "short")
    less = replace(facts, corporation_homes=59, gallery_flats=29, sewer_saving_year=16, pv_own_kwp=0.0)
    beyond = compare_tracks(less, renovation_year=6.0, members=4.0)
    assert beyond.short.missing == ("large_owner", "renovation_due", "shared_galleries")
    assert beyond.long.missing == ("sewer_replacement_ahead", "members", "roofs_for_panels")
    assert (beyond.short.fit_frac, beyond.long.fit_frac, beyond.better) == (0.0, 0.25, "long")
    blank = compare_tracks(AreaFacts(homes=100), renovation_year=np.nan, members=np.nan)
    assert (blank.better, blank.short.unknown) == ("unknown", ("large_owner", "renovation_due", "shared_galleries"))
    even = replace(less, corporation_homes=60, sewer_saving_year=np.nan, pv_own_kwp=np.nan)
    assert compare_tracks(even, renovation_year=6.0, members=4.0).long.fit_frac == 0.0
    assert compare_tracks(replace(even, gallery_flats=np.nan), renovation_year=np.nan, members=5.0).better == "short"
