"""From 1_clean to 2_scored: sun per roof face and pand, grey water per street, counts per buurt."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from kansenkaart.assumptions import Assumptions
from kansenkaart.config import Areas
from kansenkaart.core import buurten, scoring
from kansenkaart.provenance import Tally
from kansenkaart.stages import areas, best_areas, enterprise, sun, water
from kansenkaart.stages.steps import Product, Step
from kansenkaart.store import Store

_USED = (*sun.USED, "street_reach", "water_use_shower", "water_use_bath", "water_use_wash_basin",
         "household_size_design")  # fmt: skip


def steps(store: Store, known: Assumptions, wanted: Areas) -> list[Step]:
    """Return the steps that the tables present allow; what is missing lowers the basis and is left out."""
    figures = {name: known[name].value for name in _USED}
    todo = []
    if store.has("roof_face") and store.has("weather_hourly"):
        inputs = ("roof_face", "pand", "weather_hourly", "dsm")
        todo.append(
            Step("zon", ("roof_face_score",), lambda one: sun.score_roofs(one, known), inputs, parameters=figures)
        )
    if store.has("pand"):
        todo.append(Step("panden", ("pand_score",), _panden, ("pand", "roof_face_score"), parameters=figures))
    if store.has("home"):
        todo.append(Step("straten", ("street_score",), lambda one: _streets(one, known), ("home", "buurt", "street_line"),
                         parameters=figures))  # fmt: skip
    if water.ready(store):
        todo.append(Step("water", water.OUTPUTS, lambda one: water.score_streets(one, known), water.INPUTS,
                         parameters={name: known[name].value for name in water.USED}))  # fmt: skip
    if store.has("buurt"):
        todo.append(Step("buurten", ("buurt_score",), _buurten, ("buurt", "pand", "home", "pand_score", "street_score"),
                         parameters=figures))  # fmt: skip
    if areas.ready(store):
        figures = {**{name: known[name].value for name in areas.USED}, **wanted.model_dump()}
        todo.append(Step("gebieden", areas.OUTPUTS, lambda one: areas.divide(one, wanted, known), areas.INPUTS,
                         parameters=figures))  # fmt: skip
    if best_areas.ready(store):
        figures = {name: known[name].value for name in best_areas.USED}
        todo.append(Step("beste gebieden", best_areas.OUTPUTS, lambda one: best_areas.find(one, wanted, known),
                         best_areas.INPUTS, parameters={**figures, **wanted.model_dump()}))  # fmt: skip
    if enterprise.ready(store):
        todo.append(Step("wijkbedrijf", enterprise.OUTPUTS, lambda one: enterprise.score_cases(one, known), enterprise.INPUTS,
                         parameters={name: known[name].value for name in enterprise.USED}))  # fmt: skip
    return todo


def _read(store: Store, name: str) -> gpd.GeoDataFrame | None:
    return store.read(name) if store.has(name) else None


def _panden(store: Store) -> Sequence[Product]:
    pand, faces = store.read("pand"), _read(store, "roof_face_score")
    names = ["pand_id", "buurtcode", "bouwjaar", "homes", "footprint_area_m2", "roof_area_m2", "faces",
             "open_sky_kwh_per_year", "sun_kwh_per_year", "score_basis", "geometry"]  # fmt: skip
    if faces is None:
        out = pand.assign(
            roof_area_m2=float("nan"), faces=pd.NA, open_sky_kwh_per_year=float("nan"), sun_kwh_per_year=float("nan")
        )
        out["score_basis"] = "footprint"
    else:
        out = pand.merge(scoring.sum_roofs(faces, by="pand_id"), left_on="pand_id", right_index=True, how="left")
        out["score_basis"] = out["score_basis"].fillna("footprint")
    noted = {"pand zonder dakvlakken": int(out["faces"].isna().sum())}
    return [Product("pand_score", out[names], Tally(len(pand), len(out), noted=noted))]


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
    tally = Tally(len(home), len(home) - lost, {"geen straat bekend en geen in de buurt": lost},
                  noted={f"toegewezen door {how}": int(n) for how, n in named["assigned_by"].value_counts().items()})  # fmt: skip
    return [Product("street_score", streets, tally)]


def _buurten(store: Store) -> Sequence[Product]:
    buurt, pand, home = store.read("buurt"), _read(store, "pand"), _read(store, "home")
    out = buurt.merge(buurten.totals(buurt, pand=pand, home=home), on="buurtcode", how="left")
    streets, scored = _read(store, "street_score"), _read(store, "pand_score")
    for name in ("people", "grey_water_m3_per_year"):
        out[name] = float("nan") if streets is None else out["buurtcode"].map(streets.groupby("buurtcode")[name].sum())
    for name in ("roof_area_m2", "open_sky_kwh_per_year", "sun_kwh_per_year"):
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
    from kansenkaart import schemas

    return schemas.get("buurt_score").columns
