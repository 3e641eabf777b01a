"""Roofs of which nothing but the footprint is given, and how far a score may be off for each basis.

The priors were measured on the LoD2.2 roofs of 375 panden in 3DBAG tile 5912, Delft (edition 2021; (c) 3DBAG by tudelft3d
and 3DGI, CC BY 4.0) by ``benchmarks/sun_segmentation.py``: one Dutch town, mostly from before 1945. They are an estimate
elsewhere, and their interval says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.errors import ConfigError

SHED_BELOW_M2 = 30.0
HOUSE_BELOW_M2 = 120.0
OLD_UNTIL = 1945
PLACEHOLDER_UNTIL = 1005  # the BAG writes 1005 where a year is unknown
KINDS = ("shed", "old house", "newer house", "large")


@dataclass(frozen=True)
class RoofPrior:
    """A kind of roof.

    Attributes
    ----------
    flat_frac : float
        Share of the plan area under 10 deg [1].
    tilt_deg : float
        Median tilt of the sloping area [deg].
    kwh_ratio : tuple of float
        10th and 90th percentile of true over estimated open irradiation, pand by pand [1].
    kwp_per_m2 : tuple of float
        Power of the modules that fit per area of roof [kWp/m2]: all together, and the 10th and 90th percentile of a pand.
    """

    flat_frac: float
    tilt_deg: float
    kwh_ratio: tuple[float, float]
    kwp_per_m2: tuple[float, float, float]


PRIORS = {
    "shed": RoofPrior(0.72, 24.0, (0.92, 1.04), (0.004, 0.0, 0.004)),
    "old house": RoofPrior(0.33, 39.0, (0.91, 1.12), (0.042, 0.014, 0.073)),
    "newer house": RoofPrior(0.69, 45.0, (0.84, 1.14), (0.035, 0.0, 0.088)),
    "large": RoofPrior(0.84, 30.0, (0.97, 1.09), (0.086, 0.034, 0.113)),
}

# 80 % interval of a yield per basis, (low, high) as a factor [1].
# lod22+dsm: 36 azimuths and half-metre cells (0.1 %), obstacles that are or are not seen (guess, 5 %).
# lod22: trees and obstacles unseen take away (guess), nothing adds.
# dsm: 80 % of the matched faces in benchmarks/sun_segmentation.py (14 % under at the most, little over).
# footprint: the kind's own kwh_ratio, and unseen shade.
INTERVALS = {"lod22+dsm": (0.95, 1.03), "lod22": (0.80, 1.03), "dsm": (0.92, 1.14)}
UNSEEN_SHADE_MIDDLE = (
    0.92  # factor in the middle: Delft's measured shade takes 3 % (flat) to 13 % (slopes) (guess elsewhere)
)
UNSEEN_SHADE = 0.80  # lowest factor for trees and neighbours that no surface shows (guess, as for lod22)


def kind_of(plan_area_m2: NDArray[Any], bouwjaar: NDArray[Any]) -> NDArray[Any]:
    """Kind of roof by size and year; an unknown year (NaN or the BAG's 1005) counts as newer, the wider interval.

    Parameters
    ----------
    plan_area_m2 : array
        Area of the footprint [m2].
    bouwjaar : array
        Year of building; NaN = unknown.
    """
    old = (bouwjaar <= OLD_UNTIL) & (bouwjaar > PLACEHOLDER_UNTIL)
    kind = np.where(old, "old house", "newer house").astype(object)
    kind[plan_area_m2 >= HOUSE_BELOW_M2] = "large"
    kind[plan_area_m2 < SHED_BELOW_M2] = "shed"
    return kind


def footprint_faces(footprints: Sequence[Any], *, bouwjaar: NDArray[Any]) -> pd.DataFrame:
    """Estimate the faces of roofs from footprints: a flat part and two slopes away from a ridge along the longer side.

    Parameters
    ----------
    footprints : sequence of shapely Polygon
        In RD [m].
    bouwjaar : numpy.ndarray
        Year of building, NaN where unknown.

    Returns
    -------
    pandas.DataFrame
        Three faces each: ``footprint`` (index), ``kind``, ``tilt_deg``, ``azimuth_deg``, ``plan_area_m2``,
        ``roof_area_m2``, ``low`` and ``high``: factors of the 80 % interval [1]; ``kwp_per_m2`` [kWp/m2] with
        ``kwp_low`` and ``kwp_high`` as factors of it [1]. An empty or missing footprint gives
        faces of NaN area.

    Raises
    ------
    ConfigError
        If there is not one year per footprint.
    """
    if len(footprints) != len(bouwjaar):
        raise ConfigError("one bouwjaar per footprint", found=f"{len(bouwjaar)} for {len(footprints)}")
    shapes = np.array([p if p is not None and not p.is_empty else None for p in footprints], dtype=object)
    area = np.where(shapely.is_missing(shapes), np.nan, shapely.area(shapes))
    kind = kind_of(np.nan_to_num(area), np.asarray(bouwjaar, dtype=float))
    prior = [PRIORS[k] for k in kind]
    flat = np.array([p.flat_frac for p in prior])
    tilt = np.array([p.tilt_deg for p in prior])
    ridge = np.array([_long_side_deg(s) for s in shapes])
    slope = (1 - flat) / 2
    nothing = np.zeros_like(tilt)
    columns = {
        "tilt_deg": [nothing, tilt, tilt],
        "azimuth_deg": [np.full_like(tilt, np.nan), (ridge + 90) % 360, (ridge + 270) % 360],
        "plan_area_m2": [area * flat, area * slope, area * slope],
        "roof_area_m2": [area * flat, area * slope / np.cos(np.radians(tilt)), area * slope / np.cos(np.radians(tilt))],
    }
    out = pd.DataFrame({k: np.stack(v, axis=1).ravel() for k, v in columns.items()})
    out.insert(0, "footprint", np.repeat(np.arange(len(area)), 3))
    out.insert(1, "kind", np.repeat(kind, 3))
    low, high = np.array([p.kwh_ratio for p in prior]).reshape(-1, 2).T
    dense, few, many = np.array([p.kwp_per_m2 for p in prior]).reshape(-1, 3).T
    return out.assign(
        low=np.repeat(low * UNSEEN_SHADE, 3),
        high=np.repeat(high, 3),
        kwp_per_m2=np.repeat(dense, 3),
        kwp_low=np.repeat(few / dense, 3),
        kwp_high=np.repeat(many / dense, 3),
    )


def _long_side_deg(shape: Any) -> float:
    """Direction of the longer side of the smallest rectangle around a shape [deg], 0 = north, below 180."""
    if shape is None:
        return float("nan")
    box = np.array(shapely.minimum_rotated_rectangle(shape).exterior.coords)
    sides = np.diff(box[:3], axis=0)
    side = sides[int(np.hypot(*sides[1]) > np.hypot(*sides[0]))]
    return float(np.degrees(np.arctan2(side[0], side[1])) % 180)


def combined_interval(*factors: tuple[float, float]) -> tuple[float, float]:
    """Join intervals that have nothing to do with each other, as (low, high) factors around 1 [1].

    Deviations add up as the root of the sum of their squares, below and above 1 apart.
    """
    low, high = np.array(factors, dtype=float).T
    down, up = np.maximum(1 - low, 0), np.maximum(high - 1, 0)
    return float(max(1 - np.sqrt((down**2).sum()), 0)), float(1 + np.sqrt((up**2).sum()))
