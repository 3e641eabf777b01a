"""Sun on roof faces: what each receives in a year with the shade around it, what fits on it, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart.assumptions import Assumptions
from kansenkaart.core.solar.surface import STEEPEST_DEG, roof_planes
from kansenkaart.provenance import Tally
from kansenkaart.stages import sun_fit, sun_station
from kansenkaart.stages.steps import Product
from kansenkaart.stages.sun_faces import faces_of
from kansenkaart.stages.sun_sheet import RAISED_CELL_M, Faces, Sheet, height_model, raised
from kansenkaart.stages.sun_station import Station
from kansenkaart.stages.sun_sweep import Swept, sweep
from kansenkaart.store import Store

INPUTS = ("roof_face", "pand", "dsm", *sun_station.INPUTS)
USED = (*sun_station.USED, *sun_fit.USED, "roof_clearance", "roof_observer_raise", "roof_least_cover")
_HOLES = "hole_cells"
_COLUMNS = [
    "face_id", "pand_id", "buurtcode", "tilt_deg", "azimuth_deg", "roof_area_m2", "free_area_m2",
    "open_sky_kwh_per_m2_year", "open_sky_kwh_per_year", "sun_kwh_per_m2_year", "sun_kwh_per_year", "shade_frac",
    *sun_fit.COLUMNS, "score_basis", "geometry",
]  # fmt: skip


def ready(store: Store) -> bool:
    """Tell whether there are roofs to score and weather to score them with."""
    return store.has("weather_hourly") and (store.has("roof_face") or (store.has("dsm") and store.has("pand")))


def score_roofs(store: Store, known: Assumptions) -> Sequence[Product]:
    """Score every roof face; what is unknown stays unknown and lowers the basis."""
    faces, station = faces_of(store), sun_station.station_of(store, known)
    pand = store.read("pand") if store.has("pand") else None
    codes = None if pand is None else pand.set_index("pand_id")["buurtcode"]
    scored = faces.assign(buurtcode=None if codes is None else faces["pand_id"].map(codes), score_basis=faces["basis"])
    scored, blocked = _lit(scored, store, station, known)
    scored = sun_fit.add_modules(scored, blocked=blocked, cell_m=_cell_m(store), station=station, known=known)
    noted = {
        "richting of helling onbekend": int(scored["open_sky_kwh_per_m2_year"].isna().sum()),
        **_strange(faces, codes),
        "dakvlak met cellen zonder hoogte": int(scored[_HOLES].gt(0).sum()),
        **{f"dakvlak op grondslag {name}": int(n) for name, n in scored["score_basis"].value_counts().items()},
        "dakvlak op geen enkele cel van het hoogtemodel": int(scored["sun_kwh_per_year"].isna().sum()),
        **station.notes(),
    }
    return [Product("roof_face_score", scored[_COLUMNS], Tally(len(faces), len(scored), noted=noted))]


def _strange(faces: gpd.GeoDataFrame, codes: pd.Series | None) -> dict[str, int]:
    """Count roofs and footprints that do not belong together, and faces of which nothing can be made."""
    whole = faces.geometry.is_valid  # the two lobes of a face that crosses itself may cancel out
    return {
        "dakvlak zonder pand in de BAG": 0 if codes is None else int((~faces["pand_id"].isin(codes.index)).sum()),
        "pand zonder dakvlak": 0 if codes is None else int((~codes.index.isin(faces["pand_id"])).sum()),
        "dakvlak zonder oppervlakte": int((~faces["roof_area_m2"].gt(0) | (whole & faces.geometry.area.eq(0))).sum()),
        "dakvlak dat zichzelf kruist": int((~whole).sum()),
    }


def _cell_m(store: Store) -> float:
    """Side of a cell of the height model, or of the raised surface where there is none [m]."""
    return height_model(store.path("dsm")).cell_m if store.has("dsm") else RAISED_CELL_M


def _lit(
    faces: gpd.GeoDataFrame, store: Store, station: Station, known: Assumptions
) -> tuple[gpd.GeoDataFrame, NDArray[np.float64]]:
    """Add open and shaded irradiation; a face that the height model does not cover is shaded by its neighbours alone."""
    out = faces.assign(**dict.fromkeys(("open_sky_kwh_per_m2_year", "free_area_m2", "sun_kwh_per_m2_year",
                                        "sun_kwh_per_year", "shade_frac", _HOLES, *sun_fit.SUN_MONTHS), np.nan))  # fmt: skip
    usable = (out["tilt_deg"].le(STEEPEST_DEG) & (out["azimuth_deg"].notna() | out["tilt_deg"].eq(0))).to_numpy()
    part = out[usable].reset_index(drop=True)
    if part.empty:
        return out.assign(open_sky_kwh_per_year=np.nan), np.empty((0, 3))
    planes = roof_planes(part["tilt_deg"].to_numpy(float), part["azimuth_deg"].to_numpy(float), table=station.table)
    part["open_sky_kwh_per_m2_year"] = planes.open_kwh_per_m2[:, 0].astype(float)
    part, blocked = _shaded(part, store, station, known)
    names = [name for name in part.columns if name not in ("geometry", "face_id", "pand_id")]
    rows = out.index[usable]
    for name in names:
        out.loc[rows, name] = part[name].to_numpy()
    blocked[:, 0] = np.flatnonzero(usable)[blocked[:, 0].astype(int)]
    return out.assign(open_sky_kwh_per_year=out["open_sky_kwh_per_m2_year"] * out["roof_area_m2"]), blocked


def _shaded(
    part: gpd.GeoDataFrame, store: Store, station: Station, known: Assumptions
) -> tuple[gpd.GeoDataFrame, NDArray[np.float64]]:
    figures = {
        "clearance_m": known.value("roof_clearance", "m"), "observer_raise_m": known.value("roof_observer_raise", "m"),
    }  # fmt: skip
    left, blocked = np.ones(len(part), bool), np.empty((0, 3))
    if store.has("dsm"):
        sheet = height_model(store.path("dsm"))
        swept = sweep(part, sheet, table=station.table, wanted=left, **figures)
        covered = _covered(part, swept, sheet, known.value("roof_least_cover", "1"))
        part = _put(part, swept, covered)
        part.loc[covered & (part["basis"] == "lod22"), "score_basis"] = "lod22+dsm"
        blocked, left = swept.blocked[covered[swept.blocked[:, 0].astype(int)]], ~covered
    modelled = left & (part["basis"] == "lod22").to_numpy()
    if modelled.any():
        # Only roofs that are modelled can be raised, so no gap is swept between them and a height model elsewhere.
        own = part[part["basis"] == "lod22"]
        swept = sweep(own, raised(Faces(own)), table=station.table, wanted=modelled[own.index], **figures)
        part.loc[own.index] = _put(own, swept, modelled[own.index] & (swept.free > 0))
    return part, blocked


def _covered(part: gpd.GeoDataFrame, swept: Swept, sheet: Sheet, least: float) -> NDArray[np.bool_]:
    cells = part.geometry.area.to_numpy() / sheet.cell_m**2
    return np.asarray((swept.seen / np.maximum(cells, 1) >= least) & (swept.seen > 0))


def _put(part: gpd.GeoDataFrame, swept: Swept, rows: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    """Write the sums of some faces: per square metre, free area and whole face."""
    months = np.where(swept.free[:, None] > 0, swept.energy / np.maximum(swept.free, 1)[:, None], np.nan)
    per_m2 = months.sum(axis=1)
    area = part["roof_area_m2"].to_numpy(float) * swept.free / np.maximum(swept.seen, 1)
    shade = np.clip(1 - per_m2 / part["open_sky_kwh_per_m2_year"].to_numpy(float), 0, 1)
    found = {
        "free_area_m2": area, "sun_kwh_per_m2_year": per_m2, "shade_frac": shade,
        "sun_kwh_per_year": np.where(swept.free == 0, 0.0, per_m2 * area), _HOLES: swept.holes,
        **dict(zip(sun_fit.SUN_MONTHS, months.T, strict=True)),
    }  # fmt: skip
    return part.assign(**{name: np.where(rows, value, part[name]) for name, value in found.items()})
