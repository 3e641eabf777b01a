"""Sun on roof faces: what each receives in a year with the shade around it, what fits on it, and how sure that is."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.core.solar.classes import ClassRule, class_span, classify, specific_yield
from kansenkaart.core.solar.panels import LayoutRule, Module, lay_out
from kansenkaart.core.solar.priors import combined
from kansenkaart.core.solar.surface import STEEPEST_DEG, open_months, roof_planes
from kansenkaart.crs import RD
from kansenkaart.score import weather
from kansenkaart.score.surfaces import (
    KEPT,
    RAISED_CELL_M,
    Faces,
    Sheet,
    Swept,
    find_faces,
    height_model,
    no_faces,
    raised,
    sweep,
)
from kansenkaart.score.weather import Station
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store

YIELD_MONTHS = tuple(f"yield_fit_kwh_month_{month:02d}" for month in range(1, 13))
COLUMNS = (
    "modules_fit",
    "kwp_fit",
    "yield_fit_kwh_per_year",
    "yield_fit_kwh_per_year_low",
    "yield_fit_kwh_per_year_high",
    *YIELD_MONTHS,
    "sun_class",
    "sun_class_span",
)
SUN_MONTHS = tuple(f"sun_kwh_per_m2_month_{month:02d}" for month in range(1, 13))
FLAT_BELOW_DEG = LayoutRule.flat_below_deg
_OF_LIGHT = ("pv_loss_reflection", "pv_loss_temperature", "pv_loss_soiling")
_OF_WIRES = ("pv_loss_mismatch", "pv_loss_wiring", "pv_loss_connections")
_OF_USE = ("pv_loss_first_light", "pv_loss_nameplate", "pv_loss_availability", "pv_loss_inverter")
LOSSES = (*_OF_LIGHT, *_OF_WIRES, *_OF_USE)
FIT_USED = (
    "pv_module_power",
    "pv_module_length",
    "pv_module_width",
    *LOSSES,
    "pv_min_area",
    "pv_class_very_good",
    "pv_class_good",
    "pv_setback_pitched",
    "pv_setback_flat",
    "pv_flat_tilt_east_west",
)
_PERCENT, _W_PER_KW = 0.01, 1000.0
Floats = NDArray[np.float64]
EDGE_M = 0.2  # so much further out may the edges of a face lie that was found [m]
ROOT_PART = 0.5  # of the root of its modules, adds to those in doubt [1]: a quarter to three quarters do alike on places left out
_TILTS_DEG, _AZIMUTHS_DEG = range(0, 61, 5), range(0, 360, 15)  # planes among which the best of the region is sought


def module_of(known: Assumptions) -> Module:
    """Return the module of the assumptions."""
    return Module(
        known.value("pv_module_length", "m"), known.value("pv_module_width", "m"), known.value("pv_module_power", "Wp")
    )


def class_rule(known: Assumptions) -> ClassRule:
    """Return the bounds of the classes."""
    return ClassRule(
        very_good_frac=known.value("pv_class_very_good", "% of regional best") * _PERCENT,
        good_frac=known.value("pv_class_good", "% of regional best") * _PERCENT,
        least_area_m2=known.value("pv_min_area", "m2"),
    )


def best_of_region(station: Station) -> float:
    """Return the irradiation of the best open plane at a station [kWh/m2/year]."""
    tilt, azimuth = (np.ravel(one).astype(float) for one in np.meshgrid(_TILTS_DEG, _AZIMUTHS_DEG))
    return float(roof_planes(tilt, azimuth, table=station.table).open_kwh_per_m2[:, 0].max())


def performance(known: Assumptions) -> tuple[float, float, float]:
    """Return the performance ratio of a new system, its low and its high [1]: what its named losses leave, ageing apart."""
    rows = [known[name] for name in LOSSES]
    kept = [1 - known.value(name, "%") * _PERCENT for name in LOSSES]
    bounds = [
        ((1 - one.high * _PERCENT) / left, (1 - one.low * _PERCENT) / left)
        for one, left in zip(rows, kept, strict=True)
    ]
    middle = np.array([np.prod(kept)])
    low, high = combined(middle, *bounds)
    return float(middle[0]), float(low[0]), float(high[0])


def add_modules(
    faces: gpd.GeoDataFrame,
    *,
    blocked: NDArray[np.float64],
    cell_m: float,
    station: Station,
    known: Assumptions,
    worth: str = "ABC",
) -> gpd.GeoDataFrame:
    """Lay modules on every face that is worth it (class A, B or C) and give their yield.

    ``modules_in_doubt`` on a face that was found are those gained if its edges lay ``EDGE_M`` further out and it were bare.

    Parameters
    ----------
    faces : GeoDataFrame
        With a plane, ``sun_kwh_per_m2_year``, ``SUN_MONTHS`` and ``free_area_m2``; unknown sun leaves everything unknown.
    blocked : array
        (n, 3) face, x, y [m RD] of cells that carry nothing.
    cell_m : float
        Side of such a cell [m].
    worth : str
        Classes that carry modules.
    """
    sun = faces["sun_kwh_per_m2_year"].to_numpy(float)
    bounds: dict[str, Any] = {"best_kwh_per_m2": best_of_region(station), "rule": class_rule(known)}
    bounds["area_m2"] = faces["free_area_m2"].to_numpy(float)
    letter = classify(sun, **bounds)
    span = class_span(sun, basis=faces["score_basis"].to_numpy(object), rules=interval_rules(), **bounds)
    carries, covered = np.isin(letter, list(worth)), faces["free_area_m2"].eq(0).to_numpy()
    laid = _laid(faces, carries, blocked=blocked, cell_m=cell_m, known=known)
    bare = covered | carries & laid["modules"].eq(0).to_numpy()  # no room, or too small or too cut up for a module
    letter[bare] = span[bare] = "-"
    unknown = letter == "?"
    kwp = np.where(unknown, np.nan, laid["kwp"].to_numpy(float))
    doubt = laid["modules_in_doubt"].mask(unknown)
    per_kwp, shares = _per_kwp(faces, laid, station, performance(known)[0])
    kwh = np.where(kwp > 0, kwp * per_kwp, kwp)
    months = np.where(kwp[:, None] > 0, kwh[:, None] * shares, kwp[:, None])
    low, high = yield_bounds(kwh, kwp, *power_bounds(kwp, faces["score_basis"], doubt.to_numpy(float), known), known)
    return faces.assign(
        modules_fit=pd.array(np.where(unknown, np.nan, laid["modules"]), dtype="Int64"),
        modules_in_doubt=doubt.astype("Int64"),
        kwp_fit=kwp,
        yield_fit_kwh_per_year=kwh,
        yield_fit_kwh_per_year_low=low,
        yield_fit_kwh_per_year_high=high,
        sun_class=letter,
        sun_class_span=span,
        **dict(zip(YIELD_MONTHS, months.T, strict=True)),
    )


def _laid(
    faces: gpd.GeoDataFrame, carries: NDArray[np.bool_], *, blocked: NDArray[Any], cell_m: float, known: Assumptions
) -> pd.DataFrame:
    """Lay modules on the faces that carry them, and say how many more those that were found may hold."""
    module, found = module_of(known), faces["basis"].eq("dsm")
    rule, wide = (
        LayoutRule(
            setback_pitched_m=max(known.value("pv_setback_pitched", "m") - out_m, 0.0),
            setback_flat_m=max(known.value("pv_setback_flat", "m") - out_m, 0.0),
            rack_tilt_deg=known.value("pv_flat_tilt_east_west", "deg"),
        )
        for out_m in (0.0, EDGE_M)
    )
    shapes = _largest(faces.geometry.where(carries, None).to_numpy())
    some = [shape if mine else None for shape, mine in zip(shapes, found, strict=True)]
    laid = lay_out(faces, polygons=shapes, module=module, rule=rule, obstacles=blocked, obstacle_size_m=cell_m).faces
    most = lay_out(faces, polygons=some, module=module, rule=wide, obstacle_size_m=cell_m).faces
    return laid.assign(modules_in_doubt=(most["modules"] - laid["modules"]).clip(lower=0).where(found))


def _largest(shapes: NDArray[Any]) -> list[Any]:  # modules are not laid over a gap
    parts, owner = shapely.get_parts(shapes, return_index=True)
    order = np.lexsort((-shapely.area(parts), owner))
    rows, first = np.unique(owner[order], return_index=True)
    out = np.full(len(shapes), None, dtype=object)
    out[rows] = parts[order][first]
    return list(out)


def _per_kwp(
    faces: pd.DataFrame, laid: pd.DataFrame, station: Station, ratio: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Yield [kWh/kWp/year] and the share of each month in it, (faces,) and (faces, 12).

    Racks on a flat roof stand in planes of their own, east-west ones half in each; the shade is that of the face.
    """
    tilt, azimuth = (laid[f"module_{name}_deg"].to_numpy(float) for name in ("tilt", "azimuth"))
    usable = faces["open_sky_kwh_per_m2_year"].notna().to_numpy()
    lean, facing = (np.where(usable, faces[f"{one}_deg"].to_numpy(float), 0.0) for one in ("tilt", "azimuth"))
    own = open_months(lean, facing, station.table)
    first, second = (open_months(np.where(usable, tilt, 0.0), turn, station.table) for turn in (azimuth, azimuth + 180))
    racked = np.where((laid["orientation"] == "east-west").to_numpy()[:, None], (first + second) / 2, first)
    months = faces[list(SUN_MONTHS)].to_numpy(float) * racked / own
    year = faces["sun_kwh_per_m2_year"].to_numpy(float) * racked.sum(axis=1) / own.sum(axis=1)
    total = months.sum(axis=1, keepdims=True)
    return specific_yield(year, performance_ratio=ratio), months / np.where(total > 0, total, 1.0)


def interval_rules() -> pd.DataFrame:
    """Return ``data/roof_intervals.csv`` by basis: how far the power and the sun of a roof, and of a place, may be off."""
    with (files("kansenkaart") / "data" / "roof_intervals.csv").open(encoding="utf-8") as handle:
        return pd.read_csv(handle, index_col="basis")


def doubt_of(kwp: Floats, in_doubt: Floats, module_kwp: float) -> Floats:
    """Return the power that is in doubt on a roof that was found [kWp].

    Parameters
    ----------
    kwp : numpy.ndarray
        Power that fits [kWp].
    in_doubt : numpy.ndarray
        Modules gained if the edges lay ``EDGE_M`` further out and nothing stood on the roof [1].
    module_kwp : float
        Power of a module [kWp].
    """
    return module_kwp * (in_doubt + ROOT_PART * np.sqrt(np.maximum(kwp / module_kwp, 1.0)))


def power_bounds(kwp: Floats, basis: pd.Series, in_doubt: Floats, known: Assumptions) -> tuple[Floats, Floats]:
    """Return the 80 % interval of the power that fits on roofs whose faces are known or were found [kWp].

    Parameters
    ----------
    kwp, in_doubt
        As of `doubt_of`.
    basis : Series
        What each was made from; one without a rule gives NaN.
    known : Assumptions
        For the power of a module.
    """
    rules = interval_rules().reindex(basis)
    doubt = doubt_of(kwp, in_doubt, module_of(known).power_wp / _W_PER_KW)
    low, high = (
        np.where(rules[f"{end}_frac"].notna(), kwp * rules[f"{end}_frac"], kwp + rules[f"{end}_doubts"] * doubt)
        for end in ("low", "high")
    )
    return np.maximum(low, 0.0), high


def yield_bounds(
    kwh: Floats, kwp: Floats, low_kwp: Floats, high_kwp: Floats, known: Assumptions
) -> tuple[Floats, Floats]:
    """Return the 80 % interval of a yield [kWh/year]: of the power that fits and of the performance ratio together."""
    middle, low, high = performance(known)
    some = np.where(kwp > 0, kwp, 1.0)
    return combined(kwh, (low_kwp / some, high_kwp / some), (low / middle, high / middle))


LEAST_FOUND_FRAC = 0.5  # of a footprint: where less of the roof is found, the footprint says more (guess) [1]
YIELDS = tuple(f"yield_fit_kwh_per_year{end}" for end in ("", "_low", "_high"))


def shared_range(basis: pd.Series) -> tuple[Floats, Floats]:
    """Return how far the power on all roofs of a place together may be off (80 %): factors below and above [1].

    Parameters
    ----------
    basis : Series
        ``score_basis`` of panden; of a mix the weakest counts.
    """
    rules = interval_rules()
    rows = rules.reindex(basis.where(basis.isin(rules.index), "lod22"))
    return rows["place_low_frac"].to_numpy(float), rows["place_high_frac"].to_numpy(float)


def sum_bounds(pand: pd.DataFrame, group: pd.Series, known: Assumptions) -> pd.DataFrame:
    """Return the 80 % interval of what the roofs of each group yield together [kWh/year].

    What all roofs of a place share (its kind of roofs, the performance ratio) adds up; what each roof has of its own adds up
    as the root of the sum of squares. One roof keeps its own interval.

    Parameters
    ----------
    pand : DataFrame
        With ``score_basis`` and the yield of all that fits, its low and its high.
    group : Series
        Group of each row; null ones are in none.
    known : Assumptions
        For the performance ratio.
    """
    middle, *ends = (np.asarray(pand[name], float) for name in YIELDS)
    ratio, *bounds = performance(known)
    shared = combined(middle, shared_range(pand["score_basis"]), (bounds[0] / ratio, bounds[1] / ratio))
    key, out = group.to_numpy(), pd.DataFrame()
    total = pd.Series(middle).groupby(key).sum(min_count=1)
    for name, end, of_all, sign in zip(YIELDS[1:], ends, shared, (-1, 1), strict=True):
        joint, whole = np.abs(of_all - middle), np.abs(end - middle)
        own = np.clip(whole**2 - joint**2, 0.0, None)
        joint = np.minimum(joint, whole)
        sums = pd.DataFrame({"joint": joint, "own": own}).groupby(key).sum()
        out[name] = (total + sign * np.sqrt(sums["joint"] ** 2 + sums["own"])).clip(lower=0.0)
    return out


def faces_of(store: Store, hidden: Collection[str] = ()) -> gpd.GeoDataFrame:
    """Return all roof faces that are known or can be found.

    Parameters
    ----------
    store : Store
        Clean tables.
    hidden : collection of str
        Panden whose roof is not looked at: they are scored by their footprint, as anybody could.

    Returns
    -------
    GeoDataFrame
        ``KEPT``; ``basis`` is ``lod22`` or ``dsm``.
    """
    known = store.read("roof_face").assign(basis="lod22", found_frac=1.0)[KEPT] if store.has("roof_face") else None
    if known is not None:
        known = known[~known["pand_id"].astype(str).isin(hidden)].reset_index(drop=True)
    if not (store.has("dsm") and store.has("pand")):
        return known if known is not None else no_faces()
    pand = store.read("pand").loc[lambda one: ~one["pand_id"].astype(str).isin(hidden)]
    bare = pand if known is None else pand[~pand["pand_id"].isin(known["pand_id"])]
    found = find_faces(bare, height_model(store.path("dsm")))
    parts = [one for one in (known, found) if one is not None and len(one)]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=RD) if parts else no_faces()


INPUTS, OUTPUTS = ("roof_face", "pand", "dsm", *weather.INPUTS), ("roof_face_score",)
USED = (*weather.USED, *FIT_USED, "roof_clearance", "roof_observer_raise", "roof_least_cover")
_HOLES = "hole_cells"
_COLUMNS = [
    "face_id",
    "pand_id",
    "buurtcode",
    "tilt_deg",
    "azimuth_deg",
    "roof_area_m2",
    "free_area_m2",
    "open_sky_kwh_per_m2_year",
    "open_sky_kwh_per_year",
    "sun_kwh_per_m2_year",
    "sun_kwh_per_year",
    "shade_frac",
    *COLUMNS,
    "modules_in_doubt",
    "score_basis",
    "geometry",
]


def ready(store: Store) -> bool:
    """Tell whether there are roofs to score and weather to score them with."""
    return store.has("weather_hourly") and (store.has("roof_face") or (store.has("dsm") and store.has("pand")))


def score_roofs(store: Store, known: Assumptions, *, worth: str = "ABC", hidden: Collection[str] = ()) -> list[Product]:
    """Score every roof face; what is unknown stays unknown and lowers the basis.

    A roof that is steep and narrow, or under a tree, and is found for less than half, has no faces: the part says too little of
    the whole, and its pand is estimated by its footprint, with that interval.

    Parameters
    ----------
    store, known
        Clean tables and figures.
    worth : str
        Classes of faces on which modules go.
    hidden : collection of str
        Panden whose roof is not looked at, as in `faces_of`.
    """
    faces, station = faces_of(store, hidden), weather.station_of(store, known)
    part = faces["found_frac"].lt(LEAST_FOUND_FRAC)
    bare, faces = faces.loc[part, "pand_id"].nunique(), faces[~part].reset_index(drop=True)
    pand = store.read("pand") if store.has("pand") else None
    codes = None if pand is None else pand.set_index("pand_id")["buurtcode"]
    scored = faces.assign(buurtcode=None if codes is None else faces["pand_id"].map(codes), score_basis=faces["basis"])
    scored, blocked = _lit(scored, store, station, known)
    scored = add_modules(scored, blocked=blocked, cell_m=_cell_m(store), station=station, known=known, worth=worth)
    noted = {
        "richting of helling onbekend": int(scored["open_sky_kwh_per_m2_year"].isna().sum()),
        **({"pand waarvan minder dan de helft van het dak gevonden is: geschat naar de omtrek": bare} if bare else {}),
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
    out = faces.assign(
        **dict.fromkeys(
            (
                "open_sky_kwh_per_m2_year",
                "free_area_m2",
                "sun_kwh_per_m2_year",
                "sun_kwh_per_year",
                "shade_frac",
                _HOLES,
                *SUN_MONTHS,
            ),
            np.nan,
        )
    )
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
        "clearance_m": known.value("roof_clearance", "m"),
        "observer_raise_m": known.value("roof_observer_raise", "m"),
    }
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
        "free_area_m2": area,
        "sun_kwh_per_m2_year": per_m2,
        "shade_frac": shade,
        "sun_kwh_per_year": np.where(swept.free == 0, 0.0, per_m2 * area),
        _HOLES: swept.holes,
        **dict(zip(SUN_MONTHS, months.T, strict=True)),
    }
    return part.assign(**{name: np.where(rows, value, part[name]) for name, value in found.items()})
