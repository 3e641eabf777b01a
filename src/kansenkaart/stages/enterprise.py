"""The sums of a wijkbedrijf for every buurt, proposed area and best area, on both tracks, with their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart import schemas
from kansenkaart.assumptions import Assumptions
from kansenkaart.core.enterprise.case import AreaFacts, Case
from kansenkaart.core.enterprise.linear import OUTCOMES, Units, units_of
from kansenkaart.core.enterprise.package import (
    ServiceResult,
    package_outcomes,
    participation_needed,
    service_results,
    with_package,
)
from kansenkaart.core.enterprise.tracks import Comparison
from kansenkaart.core.enterprise.uncertainty import Span, draw, triangular_at
from kansenkaart.provenance import Tally
from kansenkaart.service_table import ServiceRows
from kansenkaart.stages import enterprise_facts as facts_from
from kansenkaart.stages.enterprise_words import basis_nl, compare, missing_nl, results_nl
from kansenkaart.stages.feasibility import case_from, spans_of, term_rows
from kansenkaart.stages.own import services_of
from kansenkaart.stages.steps import Product
from kansenkaart.store import Store

INPUTS = (*facts_from.TABLES, "own_budget")
OUTPUTS = ("enterprise_case",)
TRACKS = ("short", "long")
USED = (
    *facts_from.USED,
    "own_use_range",
    *sorted({row for track in TRACKS for row, _, _ in term_rows(track).values()}),
)
DRAWS, SEED = 500, 20
_POINTS = (None, 0.5, 1.0)
_SHARE = "terms.participation_frac"
_LOW, _HIGH = 0.1, 0.9
SHOWN = {"household": "household_eur_per_year", "enterprise": "enterprise_eur_per_year",
         "roof_owner": "roof_owner_eur_per_year", "municipality": "municipality_eur_per_year"}  # fmt: skip
Array = NDArray[np.float64]
Facts = Mapping[str, Array]


@dataclass(frozen=True)
class Setting:
    """What holds for all places of a study on one track."""

    case: Case
    known: Assumptions
    services: tuple[ServiceRows, ...]
    track: str


def ready(store: Store) -> bool:
    """Tell whether there is any place with homes to sum for."""
    return any(name in schemas.tables() and store.has(name) for name in ("buurt_score", "gebied", "best_area"))


def setting_of(store: Store, known: Assumptions, track: str, facts: pd.DataFrame, places: gpd.GeoDataFrame) -> Setting:
    """Return terms and services of one track; present budgets of the municipality take the place of estimates."""
    services = services_of(store, facts[places["place_kind"].eq("buurt").to_numpy()])
    return Setting(case_from(AreaFacts(), assumptions=known, services=services, track=track), known, services, track)


def score_cases(store: Store, known: Assumptions) -> Sequence[Product]:
    """Make the table ``enterprise_case``: a row per place and track."""
    found = facts_from.places(store)
    facts = facts_from.facts_of(store, found, known)
    rows = [part for track in TRACKS for part in _track_rows(store, known, track, facts, found)]
    noted = {f"{kind} met een zaak": int(n) for kind, n in found["place_kind"].value_counts(sort=False).items()}
    columns = [name for name in schemas.get("enterprise_case").columns if name != "geometry"]
    frame = pd.DataFrame(rows, columns=columns)
    geometry = gpd.GeoSeries(pd.concat([found.geometry] * len(TRACKS), ignore_index=True), crs=found.crs)
    return [
        Product(
            "enterprise_case", gpd.GeoDataFrame(frame, geometry=geometry), Tally(len(found), len(found), noted=noted)
        )
    ]


def _track_rows(
    store: Store, known: Assumptions, track: str, facts: pd.DataFrame, found: gpd.GeoDataFrame
) -> list[dict[str, object]]:
    setting = setting_of(store, known, track, facts, found)
    given, units = as_inputs(facts), _units(setting)
    middle, half, full = (units.part(at, at + 1) for at in range(DRAWS, DRAWS + len(_POINTS)))
    results = service_results(middle, given)
    chosen = {one.name: one.earns for one in results}
    at = {name: package_outcomes(one, given, chosen)[:, :, 0] for name, one in
          {"middle": middle, "half": half, "full": full}.items()}  # fmt: skip
    drawn = package_outcomes(units.part(0, DRAWS), _moved(given, setting.known), chosen)
    columns = _money(at["middle"], drawn) | _work(setting.case, at["middle"])
    firm = OUTCOMES.index("enterprise")
    columns["participation_needed_frac"] = participation_needed(at["half"][firm], at["full"][firm])
    rows = []
    for number, place in enumerate(found.itertuples()):
        rows.append(
            {"case_id": f"{place.place_kind}:{place.place_id}:{track}", "place_kind": place.place_kind,
             "place_id": place.place_id, "place_name": place.place_name, "track": track, "homes": round(place.homes)}
            | {name: float(values[number]) for name, values in columns.items()}
            | _words(results, number, track, facts.iloc[number])
        )  # fmt: skip
    return rows


def as_inputs(facts: pd.DataFrame) -> dict[str, Array]:
    """Return the facts of a case by name, one value per place."""
    names = AreaFacts().__dict__
    return {name: facts[name].to_numpy(float) if name in facts else np.full(len(facts), np.nan) for name in names}


def _units(setting: Setting) -> Units:
    """Return the units of all draws, and after them those of the middle values at the participations of ``_POINTS``."""
    spans = spans_of(setting.case, assumptions=setting.known, services=setting.services, track=setting.track)
    free = {path: span for path, span in spans.items() if not path.startswith("facts.")}
    drawn, middle = draw(setting.case, free, draws=DRAWS, seed=SEED), setting.case.inputs()
    drawn.setdefault(_SHARE, np.full(DRAWS, middle[_SHARE]))
    trial = {path: np.append(values, np.full(len(_POINTS), middle[path])) for path, values in drawn.items()}
    trial[_SHARE][DRAWS:] = [middle[_SHARE] if one is None else one for one in _POINTS]
    return units_of(setting.case, trial)


def _moved(given: Facts, known: Assumptions) -> Facts:
    """Return the facts with the own use of power moved in each draw; it moves in all places together."""
    half = known.value("own_use_range", "1")
    at = np.random.default_rng([SEED, *b"facts.own_use_frac"]).random(DRAWS)
    moved = given["own_use_frac"][:, None] + triangular_at(at, Span(-half, half), middle=0.0)
    return dict(given) | {"own_use_frac": np.clip(moved, 0.0, 1.0)}


def _money(middle: Array, drawn: Array) -> dict[str, Array]:
    out: dict[str, Array] = {}
    for name, column in SHOWN.items():
        at = OUTCOMES.index(name)
        out |= _interval(column, middle[at], drawn[at])
    home, firm = OUTCOMES.index("household"), OUTCOMES.index("enterprise")
    out |= _interval("stays_eur_per_year", middle[home] + middle[firm], drawn[home] + drawn[firm])
    return out | {"earns_keep_frac": (drawn[firm] >= 0).mean(axis=1)}


def _interval(name: str, middle: Array, drawn: Array) -> dict[str, Array]:
    low, high = np.quantile(drawn, [_LOW, _HIGH], axis=1)
    # The chosen value may lie outside the interval where bounds are lopsided: then the interval stretches to hold it.
    return {name: middle, f"{name}_low": np.minimum(low, middle), f"{name}_high": np.maximum(high, middle)}


def _work(case: Case, middle: Array) -> dict[str, Array]:
    at = {name: middle[OUTCOMES.index(name)] for name in OUTCOMES}
    return {
        "paid_jobs": at["paid"] / case.terms.hours_per_job,
        "volunteers": at["volunteer"] / case.terms.volunteer_hours_per_year,
        "investment_eur": at["investment"],
        "overhead_eur_per_year": at["overhead"],
        "overhead_carried_eur_per_year": at["enterprise"] + at["overhead"],
    }


def _words(results: Sequence[ServiceResult], number: int, track: str, facts: pd.Series) -> dict[str, str | None]:
    tracks = compare(facts)
    return {"better_track": tracks.better, "missing_nl": missing_nl(results, number, tracks, track),
            "case_basis": basis_nl(facts), **results_nl(results, number)}  # fmt: skip


@dataclass(frozen=True)
class Survey:
    """All places of a study with their facts, and per track what holds for all of them: looked up once."""

    places: gpd.GeoDataFrame
    facts: pd.DataFrame
    settings: Mapping[str, tuple[Setting, Units]]


def survey_of(store: Store, known: Assumptions) -> Survey:
    """Return all places of a study with their facts."""
    found = facts_from.places(store)
    facts = facts_from.facts_of(store, found, known)
    settings = {track: setting_of(store, known, track, facts, found) for track in TRACKS}
    return Survey(found, facts, {track: (one, units_of(one.case)) for track, one in settings.items()})


def one_place(
    survey: Survey, place: tuple[str, str], track: str
) -> tuple[Setting, Case, tuple[ServiceResult, ...], Comparison]:
    """Return setting, case with its package, services and tracks of a single place.

    Parameters
    ----------
    survey : Survey
        Places and facts of the study.
    place : tuple of (str, str)
        Kind and id.
    track : str
        ``short`` or ``long``.
    """
    at = np.flatnonzero((survey.places["place_kind"] == place[0]) & (survey.places["place_id"] == place[1]))
    setting, units = survey.settings[track]
    mine = survey.facts.iloc[at].reset_index(drop=True)
    results = service_results(units, as_inputs(mine))
    chosen = [one.name for one in results if one.earns[0]]
    numbers = {name: float(mine[name].iloc[0]) for name in AreaFacts().__dict__ if name in mine}
    case = replace(with_package(setting.case, chosen), facts=AreaFacts(**numbers))
    return setting, case, results, compare(mine.iloc[0])
