"""From 1_clean to 2_scored: sun per roof face and pand, grey water per street, counts per buurt."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd

from kansenkaart.config import Areas
from kansenkaart.core import scoring
from kansenkaart.core import scoring as buurten
from kansenkaart.score import areas, best_areas, enterprise, panden, roofs
from kansenkaart.score import streets as water
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product, Step
from kansenkaart.tables.store import Store

_USED = ("street_reach", "water_use_shower", "water_use_bath", "water_use_wash_basin", "household_size_design")


_ROOFS = (
    "roof_area_m2",
    "open_sky_kwh_per_year",
    "sun_kwh_per_year",
    "modules_fit",
    "kwp_fit",
    "yield_fit_kwh_per_year",
    "yield_fit_kwh_per_year_low",
    "yield_fit_kwh_per_year_high",
    "modules_pay",
    "kwp_pay",
    "yield_pay_kwh_per_year",
    "sun_eur_per_year",
    *roofs.MONTHS,
)


def steps(store: Store, known: Assumptions, wanted: Areas) -> list[Step]:
    """Return the steps that the tables present allow; what is missing lowers the basis and is left out."""
    figures = _used(known, _USED)
    todo = []
    if roofs.ready(store):
        todo.append(
            Step(
                "zon",
                ("roof_face_score",),
                lambda one: roofs.score_roofs(one, known),
                roofs.INPUTS,
                parameters=_used(known, roofs.USED),
            )
        )
    if store.has("pand"):
        todo.append(
            Step(
                "panden",
                ("pand_score",),
                lambda one: panden.score_panden(one, known),
                panden.INPUTS,
                parameters=_used(known, panden.USED),
            )
        )
    if store.has("home"):
        todo.append(
            Step(
                "straten",
                ("street_score",),
                lambda one: _streets(one, known),
                ("home", "buurt", "street_line"),
                parameters=figures,
            )
        )
    if water.ready(store):
        todo.append(
            Step(
                "water",
                water.OUTPUTS,
                lambda one: water.score_streets(one, known),
                water.INPUTS,
                parameters=_used(known, water.USED),
            )
        )
    if store.has("buurt"):
        todo.append(
            Step(
                "buurten",
                ("buurt_score",),
                _buurten,
                ("buurt", "pand", "home", "pand_score", "street_score"),
                parameters=figures,
            )
        )
    if areas.ready(store):
        figures = {**_used(known, areas.USED), **wanted.model_dump()}
        todo.append(
            Step(
                "gebieden",
                areas.OUTPUTS,
                lambda one: areas.divide(one, wanted, known),
                areas.INPUTS,
                parameters=figures,
            )
        )
    if best_areas.ready(store):
        todo.append(
            Step(
                "beste gebieden",
                best_areas.OUTPUTS,
                lambda one: best_areas.find(one, wanted, known),
                best_areas.INPUTS,
                parameters={**_used(known, best_areas.USED), **wanted.model_dump()},
            )
        )
    if enterprise.ready(store):
        todo.append(
            Step(
                "wijkbedrijf",
                enterprise.OUTPUTS,
                lambda one: enterprise.score_cases(one, known),
                enterprise.INPUTS,
                parameters=_used(known, enterprise.USED),
            )
        )
    return todo


def _read(store: Store, name: str) -> gpd.GeoDataFrame | None:
    return store.read(name) if store.has(name) else None


def _used(known: Assumptions, names: Sequence[str]) -> dict[str, float]:
    return {name: known[name].value for name in names}


def _streets(store: Store, known: Assumptions) -> Sequence[Product]:
    home, buurt, lines = store.read("home"), _read(store, "buurt"), _read(store, "street_line")
    size = known.value("household_size_design", "person/home")
    litres = sum(known.value(f"water_use_{use}", "l/person/day") for use in ("shower", "bath", "wash_basin"))
    if lines is not None:
        lines = lines[lines["street_name"].notna()].rename(columns={"street_name": "street"})
    named = scoring.name_streets(home, lines=lines, reach_m=known.value("street_reach", "m"))
    if buurt is None:
        peopled = named.assign(people=size, people_basis="norm")
    else:
        peopled = scoring.add_people(named, buurt=buurt, household_size_design=size)
    streets = scoring.score_streets(gpd.GeoDataFrame(peopled), grey=scoring.GreyWater(litres, size))
    lost = int(named["street"].isna().sum())
    tally = Tally(
        len(home),
        len(home) - lost,
        {"geen straat bekend en geen in de buurt": lost},
        noted={f"toegewezen door {how}": int(n) for how, n in named["assigned_by"].value_counts().items()},
    )
    return [Product("street_score", streets, tally)]


def _buurten(store: Store) -> Sequence[Product]:
    buurt, pand, home = store.read("buurt"), _read(store, "pand"), _read(store, "home")
    out = buurt.merge(buurten.totals(buurt, pand=pand, home=home), on="buurtcode", how="left")
    streets, scored = _read(store, "street_score"), _read(store, "pand_score")
    for name in ("people", "grey_water_m3_per_year"):
        out[name] = float("nan") if streets is None else out["buurtcode"].map(streets.groupby("buurtcode")[name].sum())
    for name in _ROOFS:
        sums = None if scored is None else scored.groupby("buurtcode")[name].sum(min_count=1)
        out[name] = float("nan") if sums is None else out["buurtcode"].map(sums)
    basis = (
        None
        if scored is None
        else scored.groupby("buurtcode")["score_basis"].agg(lambda one: "+".join(sorted(set(one))))
    )
    out["score_basis"] = None if basis is None else out["buurtcode"].map(basis)
    names = [name for name in _columns() if name in out.columns]
    return [Product("buurt_score", out[names], Tally(len(buurt), len(out)))]


def _columns() -> Sequence[str]:
    from kansenkaart.tables import schemas

    return schemas.get("buurt_score").columns
