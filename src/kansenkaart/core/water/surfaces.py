"""Roofs, yards and public surfaces: which street they front, how much of them is paved, where their rain goes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from kansenkaart.core.water.arrays import Objects, kept, taken
from kansenkaart.core.water.assign import Reach, nearest

COLUMNS = ["surface_id", "kind", "street_id", "area_m2", "paved_m2", "assigned_by", "distance_m", "drains_to"]

# Paved share [1] by BGT fysiek voorkomen; half-paved 50 % as the BGT-inlooptool counts it.
PAVED_FRAC = {
    "gesloten verharding": 1.0,
    "open verharding": 1.0,
    "half verhard": 0.5,
    "onverhard": 0.0,
    "zand": 0.0,
    "groenvoorziening": 0.0,
}


def sample_points(shape: shapely.Geometry, *, step_m: float) -> Objects:
    """Grid points inside a polygon, a step apart [m]; one inner point where the grid misses it.

    Parameters
    ----------
    shape : Geometry
        Polygon or multipolygon [m RD New].
    step_m : float
        Step of the grid [m].
    """
    x0, y0, x1, y1 = shapely.bounds(shape)
    x, y = np.meshgrid(np.arange(x0 + step_m / 2, x1, step_m), np.arange(y0 + step_m / 2, y1, step_m))
    inside = shapely.contains_xy(shape, x.ravel(), y.ravel()) if x.size else np.zeros(0, dtype=bool)
    if not inside.any():
        return np.array([shapely.point_on_surface(shape)], dtype=object)
    return np.asarray(shapely.points(x.ravel()[inside], y.ravel()[inside]))


def sampled(
    shapes: Objects, *, targets: Objects, owners: npt.ArrayLike, reach_m: float, step_m: float
) -> tuple[pd.DataFrame, Objects]:
    """Give each sample point of each polygon the owner of the target nearest to it, and its share of the area.

    Parameters
    ----------
    shapes : array of geometry
        Polygons [m RD New].
    targets : array of geometry
        Streets or panden [m RD New].
    owners : array_like
        Street of each target; None allowed.
    reach_m : float
        Largest distance of a sample point to a target [m].
    step_m : float
        Step of the sample points [m].

    Returns
    -------
    tuple of DataFrame and array of geometry
        Per point `row` (position in `shapes`), `street_id` (None: out of reach), `area_m2`, `distance_m` [m]; and the points.
    """
    clouds = [sample_points(shape, step_m=step_m) for shape in shapes]
    counts = np.array([len(cloud) for cloud in clouds], dtype=np.int64)
    points = np.concatenate(clouds) if clouds else np.empty(0, dtype=object)
    found, away = nearest(points, targets=targets, reach_m=reach_m)
    table = pd.DataFrame(
        {
            "row": np.repeat(np.arange(len(shapes)), counts),
            "street_id": taken(owners, found),
            "area_m2": np.repeat(shapely.area(shapes) / np.maximum(counts, 1), counts),
            "distance_m": away,
        }
    )
    return table, points


def apportion(
    shapes: Objects, *, targets: Objects, owners: npt.ArrayLike, reach_m: float, step_m: float
) -> pd.DataFrame:
    """Part each polygon over the owners of the targets nearest to its sample points; areas conserve.

    Parameters
    ----------
    shapes, targets, owners, reach_m, step_m
        As in `sampled`.

    Returns
    -------
    DataFrame
        `row` (position in `shapes`), `street_id` (None: out of reach), `area_m2`, `distance_m` [m].
    """
    table, _ = sampled(shapes, targets=targets, owners=owners, reach_m=reach_m, step_m=step_m)
    parts = table.groupby(["row", "street_id"], dropna=False, sort=True)
    return parts.agg(area_m2=("area_m2", "sum"), distance_m=("distance_m", "mean")).reset_index()


def assign_surfaces(
    *,
    terrain: gpd.GeoDataFrame,
    pand: gpd.GeoDataFrame,
    pand_street: pd.DataFrame,
    street: gpd.GeoDataFrame,
    reach: Reach,
    yard_paved_frac: float,
) -> pd.DataFrame:
    """Put every square metre of roof, yard and public surface on a street, or list it with the reason.

    Roofs follow their pand; yards follow the panden around them, so a yard between two streets is parted;
    everything else goes to the nearest street. Water is listed and belongs to no street.

    Parameters
    ----------
    terrain : GeoDataFrame
        BGT surfaces: `terrain_id`, `kind`, `function`, `surface`.
    pand : GeoDataFrame
        `pand_id` and polygons.
    pand_street : DataFrame
        From `assign_panden`.
    street : GeoDataFrame
        From `build_streets`.
    reach : Reach
        Distances [m].
    yard_paved_frac : float
        Paved share of a yard [1]; the register does not know it.

    Returns
    -------
    DataFrame
        One row per part: `surface_id`, `kind` (roof, yard, road, green, bare, water), `street_id`, `area_m2`, `paved_m2` [m2],
        `assigned_by`, `distance_m` [m], `drains_to` (sewer, open_water, soil).
    """
    water = terrain.geometry[terrain["kind"] == "waterdeel"].to_numpy()
    land = terrain[~terrain["kind"].eq("pand")].reset_index(drop=True)
    kind = _kinds(land)
    yard = kind == "yard"
    to_pand = (pand.geometry.to_numpy(), pand_street["street_id"].to_numpy(), "pand")
    to_street = (street.geometry.to_numpy(), street["street_id"].to_numpy(), "nearest")
    parts = [
        _roofs(pand, pand_street, water, reach),
        _parts(land[yard], kind[yard], to_pand, reach.yard_m, reach),
        _parts(land[~yard], kind[~yard], to_street, reach.surface_m, reach),
    ]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    _pave(table, land, water, reach, yard_paved_frac)
    return table[COLUMNS]


def _kinds(land: gpd.GeoDataFrame) -> Objects:
    by_kind = {
        "wegdeel": "road",
        "ondersteunendwegdeel": "road",
        "begroeidterreindeel": "green",
        "onbegroeidterreindeel": "bare",
        "waterdeel": "water",
        "ondersteunendwaterdeel": "water",
    }
    kind = land["kind"].map(by_kind).fillna("bare").to_numpy(dtype=object)
    return np.asarray(
        np.where(land["surface"].eq("erf").fillna(False).to_numpy(dtype=bool), "yard", kind), dtype=object
    )


def _roofs(pand: gpd.GeoDataFrame, pand_street: pd.DataFrame, water: Objects, reach: Reach) -> pd.DataFrame:
    area = shapely.area(pand.geometry.to_numpy())
    wet, _ = nearest(pand.geometry.to_numpy(), targets=water, reach_m=reach.pand_water_m)
    return pd.DataFrame(
        {
            "surface_id": pand["pand_id"].to_numpy(),
            "kind": "roof",
            "street_id": pand_street["street_id"].to_numpy(dtype=object),
            "area_m2": area,
            "paved_m2": area,
            "assigned_by": pand_street["assigned_by"].to_numpy(),
            "distance_m": pand_street["distance_m"].to_numpy(),
            "drains_to": np.where(wet >= 0, "open_water", "sewer"),
        }
    )


def _parts(
    land: gpd.GeoDataFrame,
    kind: Objects,
    target: tuple[Objects, Objects, str],
    reach_m: float,
    reach: Reach,
) -> pd.DataFrame:
    shapes, owners, rule = target
    own = land.geometry.to_numpy()
    parts = apportion(own, targets=shapes, owners=owners, reach_m=reach_m, step_m=reach.sample_m)
    row = parts["row"].to_numpy(dtype=np.int64)
    is_water = kind[row] == "water"
    found = parts["street_id"].notna().to_numpy()
    reason = np.where(is_water, "none: water", "none: no street within reach")
    return pd.DataFrame(
        {
            "surface_id": land["terrain_id"].to_numpy()[row],
            "kind": kind[row],
            "street_id": kept(parts["street_id"].to_numpy(dtype=object), ~is_water & found),
            "area_m2": parts["area_m2"].to_numpy(),
            "assigned_by": np.where(found & ~is_water, rule, reason),
            "distance_m": np.where(is_water, np.nan, parts["distance_m"].to_numpy()),
        }
    )


def _pave(table: pd.DataFrame, land: gpd.GeoDataFrame, water: Objects, reach: Reach, yard_paved_frac: float) -> None:
    """Paved area [m2] and where the rain goes, in place: roofs are done, the rest by surface and distance to water."""
    own = land.set_index("terrain_id")
    near, _ = nearest(land.geometry.to_numpy(), targets=water, reach_m=reach.surface_water_m)
    wet = pd.Series(near >= 0, index=own.index)
    frac = own["surface"].map(PAVED_FRAC)
    kind = pd.Series(_kinds(land), index=own.index)
    frac = frac.where(frac.notna(), kind.map({"road": 1.0, "green": 0.0, "bare": 0.0, "water": 0.0}))
    frac = frac.where(kind != "yard", yard_paved_frac).where(kind != "green", 0.0).where(kind != "water", 0.0)
    rest = (table["kind"] != "roof").to_numpy()
    key = table.loc[rest, "surface_id"]
    table.loc[rest, "paved_m2"] = table.loc[rest, "area_m2"].to_numpy() * frac.reindex(key).to_numpy(dtype=float)
    soaks = table["paved_m2"].to_numpy(dtype=float)[rest] <= 0
    to_water = wet.reindex(key).to_numpy(dtype=bool)
    table.loc[rest, "drains_to"] = np.where(soaks, "soil", np.where(to_water, "open_water", "sewer"))
