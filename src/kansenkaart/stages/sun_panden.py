"""Sun per pand: all that fits on its roof, the size that the homes under it can use, and what that leaves in a year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.assumptions import Assumptions
from kansenkaart.core import scoring
from kansenkaart.core.solar.classes import classify, specific_yield
from kansenkaart.core.solar.priors import UNSEEN_SHADE_MIDDLE, combined_interval, footprint_faces
from kansenkaart.provenance import Tally
from kansenkaart.stages import sun_fit, sun_station, sun_use
from kansenkaart.stages.steps import Product
from kansenkaart.stages.sun_fit import FLAT_BELOW_DEG, MONTHS
from kansenkaart.stages.sun_station import Station
from kansenkaart.store import Store

INPUTS = ("pand", "buurt", "roof_face_score", *sun_station.INPUTS)
USED = (*sun_station.USED, *sun_fit.USED, *sun_use.USED)
_SUN = ("roof_area_m2", "free_area_m2", "open_sky_kwh_per_year", "sun_kwh_per_year", "modules_fit", "kwp_fit",
        "yield_fit_kwh_per_year", "yield_fit_kwh_per_year_low", "yield_fit_kwh_per_year_high", *MONTHS)  # fmt: skip
_NAMES = [
    "pand_id", "buurtcode", "bouwjaar", "homes", "footprint_area_m2", "roof_area_m2", "faces", "open_sky_kwh_per_year",
    "sun_kwh_per_year", *sun_fit.COLUMNS, *sun_use.COLUMNS, "score_basis", "geometry",
]  # fmt: skip


def score_panden(store: Store, known: Assumptions) -> Sequence[Product]:
    """Sum the faces of each pand; one without known faces is estimated from its footprint, with a wide interval."""
    pand = store.read("pand")
    faces = store.read("roof_face_score") if store.has("roof_face_score") else None
    station = sun_station.station_of(store, known) if store.has("weather_hourly") else None
    out = pand.assign(**dict.fromkeys(_SUN, np.nan), faces=pd.array([pd.NA] * len(pand), dtype="Int64"), sun_class="?")
    out = out.assign(score_basis="footprint", flat_frac=np.nan)
    if faces is not None:
        out = _with_faces(pand, faces)
    if station is not None:
        out = _estimated(out, station, known)
        out["sun_class"] = _class(out, station, known)
        buurt = store.read("buurt") if store.has("buurt") else None
        out = sun_use.add_use(out, faces=faces, buurt=buurt, station=station, known=known)
    else:
        out = out.assign(**{**dict.fromkeys(sun_use.COLUMNS, np.nan), "own_use_pay_frac_basis": None})
    out["modules_fit"] = out["modules_fit"].round().astype("Int64")
    noted = {f"pand op grondslag {name}": int(n) for name, n in out["score_basis"].value_counts().items()}
    return [Product("pand_score", out[_NAMES], Tally(len(pand), len(out), noted=noted))]


def _with_faces(pand: gpd.GeoDataFrame, faces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    sums = scoring.sum_roofs(faces, by="pand_id", names=_SUN)
    level = faces["kwp_fit"].where(faces["tilt_deg"] < FLAT_BELOW_DEG, 0.0)
    sums["flat_frac"] = level.groupby(faces["pand_id"]).sum() / sums["kwp_fit"].where(sums["kwp_fit"] > 0)
    out = pand.merge(sums, left_on="pand_id", right_index=True, how="left")
    out["score_basis"] = out["score_basis"].fillna("footprint")
    return out.assign(faces=out["faces"].astype("Int64"), modules_fit=out["modules_fit"].astype("Float64"))


def _estimated(pand: gpd.GeoDataFrame, station: Station, known: Assumptions) -> gpd.GeoDataFrame:
    """Estimate the roofs of panden without faces; areas stay unknown, since nobody saw them."""
    bare = pand["score_basis"].eq("footprint").to_numpy()
    if not bare.any():
        return pand
    chosen = pand[bare]
    year = chosen["bouwjaar"].astype("Float64").to_numpy(float, na_value=np.nan)
    faces = footprint_faces(chosen.geometry.to_list(), bouwjaar=year)
    usable = faces["roof_area_m2"].notna()
    faces = faces[usable]
    months = sun_fit.open_months(faces["tilt_deg"].to_numpy(float), faces["azimuth_deg"].to_numpy(float), station)
    found = _footprint_sums(faces.assign(open=months.sum(axis=1), **dict(zip(MONTHS, months.T, strict=True))), known)
    out = pand.copy()
    rows = out.index[bare][found.index.to_numpy()]
    for name in found.columns:
        out.loc[rows, name] = found[name].to_numpy()
    return out


def _footprint_sums(faces: pd.DataFrame, known: Assumptions) -> pd.DataFrame:
    """Per footprint: open sun, and modules on the share of the roof that carries them in towns that were measured."""
    module = sun_fit.module_of(known)
    middle, low, high = sun_fit.performance(known)
    kwp = faces["roof_area_m2"] * faces["kwp_per_m2"]
    per_kwp = specific_yield(faces["open"].to_numpy() * UNSEEN_SHADE_MIDDLE, performance_ratio=middle)
    rows = pd.DataFrame({
        "footprint": faces["footprint"], "open_sky_kwh_per_year": faces["open"] * faces["roof_area_m2"], "kwp_fit": kwp,
        "yield_fit_kwh_per_year": kwp * per_kwp,
    })  # fmt: skip
    shares = faces[list(MONTHS)].div(faces["open"], axis=0).mul(rows["yield_fit_kwh_per_year"], axis=0)
    sums = pd.concat([rows, shares], axis=1).groupby("footprint").sum()
    level = kwp.where(faces["tilt_deg"] < FLAT_BELOW_DEG, 0.0).groupby(faces["footprint"]).sum()
    spread = faces.groupby("footprint")[["low", "high", "kwp_low", "kwp_high"]].first().to_numpy(float)
    bounds = np.array([
        combined_interval((a / UNSEEN_SHADE_MIDDLE, b / UNSEEN_SHADE_MIDDLE), (c, d), (low / middle, high / middle))
        for a, b, c, d in spread
    ]).reshape(-1, 2)  # fmt: skip
    return sums.assign(
        flat_frac=level / sums["kwp_fit"].where(sums["kwp_fit"] > 0),
        modules_fit=(sums["kwp_fit"] * 1000 / module.power_wp).round(),
        yield_fit_kwh_per_year_low=sums["yield_fit_kwh_per_year"] * np.maximum(bounds[:, 0], 0),
        yield_fit_kwh_per_year_high=sums["yield_fit_kwh_per_year"] * bounds[:, 1],
    )


def _class(pand: pd.DataFrame, station: Station, known: Assumptions) -> Any:
    """Class of what fits: the mean sun on its modules against the best plane of the region; - where nothing fits."""
    kwp = pand["kwp_fit"].to_numpy(float)
    per_m2 = np.where(kwp > 0, pand["yield_fit_kwh_per_year"].to_numpy(float) / np.where(kwp > 0, kwp, 1), np.nan)
    rule = sun_fit.class_rule(known)
    size = np.where(np.isnan(kwp), np.nan, np.where(kwp > 0, rule.least_area_m2, 0.0))
    return classify(per_m2 / sun_fit.performance(known)[0], best_kwh_per_m2=sun_fit.best_of_region(station), area_m2=size,
                    rule=rule)  # fmt: skip
