"""What fits on roof faces: modules, power, yield with its interval, and the class."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.assumptions import Assumptions
from kansenkaart.core.solar.classes import ClassRule, classify, regional_best, specific_yield
from kansenkaart.core.solar.panels import LayoutRule, Module, lay_out
from kansenkaart.core.solar.priors import INTERVALS, combined_interval
from kansenkaart.core.solar.surface import kernel_table, roof_planes
from kansenkaart.stages.sun_station import Station

MONTHS = tuple(f"yield_fit_kwh_month_{month:02d}" for month in range(1, 13))
COLUMNS = (
    "modules_fit", "kwp_fit", "yield_fit_kwh_per_year", "yield_fit_kwh_per_year_low", "yield_fit_kwh_per_year_high",
    *MONTHS, "sun_class",
)  # fmt: skip
SUN_MONTHS = tuple(f"sun_kwh_per_m2_month_{month:02d}" for month in range(1, 13))
FLAT_BELOW_DEG = LayoutRule.flat_below_deg
USED = (
    "pv_module_power", "pv_module_length", "pv_module_width", "pv_performance_ratio", "pv_min_area", "pv_class_very_good",
    "pv_class_good", "pv_setback_pitched", "pv_setback_flat", "pv_flat_tilt_east_west",
)  # fmt: skip
_PERCENT = 0.01
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
    return regional_best(roof_planes(tilt, azimuth, table=station.table).open_kwh_per_m2[:, 0])


def performance(known: Assumptions) -> tuple[float, float, float]:
    """Return the performance ratio, its low and its high [1]."""
    one = known["pv_performance_ratio"]
    return known.value("pv_performance_ratio", "1"), one.low, one.high


def add_modules(
    faces: gpd.GeoDataFrame, *, blocked: NDArray[np.float64], cell_m: float, station: Station, known: Assumptions
) -> gpd.GeoDataFrame:
    """Lay modules on every face that is worth it (class A, B or C) and give their yield.

    Parameters
    ----------
    faces : GeoDataFrame
        With a plane, ``sun_kwh_per_m2_year``, ``SUN_MONTHS`` and ``free_area_m2``; unknown sun leaves everything unknown.
    blocked : array
        (n, 3) face, x, y [m RD] of cells that carry nothing.
    cell_m : float
        Side of such a cell [m].
    """
    sun = faces["sun_kwh_per_m2_year"].to_numpy(float)
    letter = classify(sun, best_kwh_per_m2=best_of_region(station), area_m2=faces["free_area_m2"].to_numpy(float),
                      rule=class_rule(known))  # fmt: skip
    worth, covered = np.isin(letter, ["A", "B", "C"]), faces["free_area_m2"].eq(0).to_numpy()
    letter[covered] = "-"
    shapes = [_largest(shape) if good else None for shape, good in zip(faces.geometry, worth, strict=True)]
    rule = LayoutRule(
        setback_pitched_m=known.value("pv_setback_pitched", "m"), setback_flat_m=known.value("pv_setback_flat", "m"),
        rack_tilt_deg=known.value("pv_flat_tilt_east_west", "deg"),
    )  # fmt: skip
    laid = lay_out(faces[["tilt_deg", "azimuth_deg"]], polygons=shapes, module=module_of(known), rule=rule,
                   obstacles=blocked, obstacle_size_m=cell_m).faces  # fmt: skip
    unknown = (letter == "?") & ~covered
    kwp = np.where(unknown, np.nan, laid["kwp"].to_numpy(float))
    per_kwp, shares = _per_kwp(faces, laid, station, performance(known)[0])
    kwh = np.where(kwp > 0, kwp * per_kwp, kwp)
    months = np.where(kwp[:, None] > 0, kwh[:, None] * shares, kwp[:, None])
    low, high = bounds_of(faces["score_basis"], known)
    return faces.assign(
        modules_fit=pd.array(np.where(unknown, np.nan, laid["modules"]), dtype="Int64"), kwp_fit=kwp,
        yield_fit_kwh_per_year=kwh, yield_fit_kwh_per_year_low=kwh * low, yield_fit_kwh_per_year_high=kwh * high,
        sun_class=letter, **dict(zip(MONTHS, months.T, strict=True)),
    )  # fmt: skip


def _largest(shape: Any) -> Any:
    """Return the largest part of a face: modules are not laid over a gap."""
    return max(shapely.get_parts(shape).tolist(), key=lambda part: float(part.area))


def _per_kwp(
    faces: pd.DataFrame, laid: pd.DataFrame, station: Station, ratio: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Yield [kWh/kWp/year] and the share of each month in it, (faces,) and (faces, 12).

    Racks on a flat roof stand in planes of their own, east-west ones half in each; the shade is that of the face.
    """
    tilt, azimuth = (laid[f"module_{name}_deg"].to_numpy(float) for name in ("tilt", "azimuth"))
    usable = faces["open_sky_kwh_per_m2_year"].notna().to_numpy()
    lean, facing = (np.where(usable, faces[f"{one}_deg"].to_numpy(float), 0.0) for one in ("tilt", "azimuth"))
    own = open_months(lean, facing, station)
    first, second = (open_months(np.where(usable, tilt, 0.0), turn, station) for turn in (azimuth, azimuth + 180))
    racked = np.where((laid["orientation"] == "east-west").to_numpy()[:, None], (first + second) / 2, first)
    months = faces[list(SUN_MONTHS)].to_numpy(float) * racked / own
    year = faces["sun_kwh_per_m2_year"].to_numpy(float) * racked.sum(axis=1) / own.sum(axis=1)
    total = months.sum(axis=1, keepdims=True)
    return specific_yield(year, performance_ratio=ratio), months / np.where(total > 0, total, 1.0)


def open_months(tilt: NDArray[Any], azimuth: NDArray[Any], station: Station) -> NDArray[np.float64]:
    """Irradiation of open planes month by month, (planes, 12) [kWh/m2]."""
    kernel = kernel_table(station.table, monthly=True)
    return roof_planes(tilt, azimuth, table=station.table, kernel=kernel).open_kwh_per_m2.astype(float)


def bounds_of(basis: pd.Series, known: Assumptions) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 80 % interval of a yield as factors of it [1]: the basis and the performance ratio together."""
    middle, low, high = performance(known)
    pairs = np.array([combined_interval(INTERVALS[one], (low / middle, high / middle)) for one in basis]).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
