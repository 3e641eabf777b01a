"""Classes of roofs and faces: the share of what the best place of the region receives.

The rule is that of the Dutch Zonatlas: *very good* from 85 %, *good* from 70 % of the best; what is left is split at 55 %
so that a reader can tell a poor face from a hopeless one. Letters stand next to the words, for maps read without colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart.errors import ConfigError

UNKNOWN = "?"
SMALL = "-"


@dataclass(frozen=True)
class ClassRule:
    """Lower bounds of the classes A, B, C as a share of the regional best [1]; below is D; and the least free area [m2]."""

    very_good_frac: float = 0.85
    good_frac: float = 0.70
    fair_frac: float = 0.55
    least_area_m2: float = 8.0

    def __post_init__(self) -> None:
        """Refuse bounds that do not fall."""
        bounds = (1.0, self.very_good_frac, self.good_frac, self.fair_frac, 0.0)
        if any(a <= b for a, b in pairwise(bounds)):
            raise ConfigError("bounds that fall from 1 to 0", found=str(bounds[1:-1]), where="ClassRule")


def classify(
    kwh_per_m2: NDArray[Any], *, best_kwh_per_m2: float, area_m2: NDArray[Any], rule: ClassRule | None = None
) -> NDArray[Any]:
    """Class letters: A very good, B good, C fair, D poor, - too small, ? unknown.

    Parameters
    ----------
    kwh_per_m2 : numpy.ndarray
        Shaded irradiation of the free area [kWh/m2/year].
    best_kwh_per_m2 : float
        Of the best open plane of the region [kWh/m2/year].
    area_m2 : numpy.ndarray
        Free area [m2].
    rule : ClassRule, optional
        The bounds.

    Raises
    ------
    ConfigError
        If the best is not above 0.
    """
    rule = rule or ClassRule()
    if not best_kwh_per_m2 > 0:
        raise ConfigError("a best irradiation above 0", found=str(best_kwh_per_m2), where="best_kwh_per_m2")
    share = np.asarray(kwh_per_m2, float) / best_kwh_per_m2
    area = np.asarray(area_m2, float)
    bounds = np.array([rule.fair_frac, rule.good_frac, rule.very_good_frac])
    letter = np.array(["D", "C", "B", "A"], dtype=object)[np.searchsorted(bounds, np.nan_to_num(share), side="right")]
    letter[area < rule.least_area_m2] = SMALL
    letter[np.isnan(share) & ~(area < rule.least_area_m2) | np.isnan(area)] = UNKNOWN
    return np.asarray(letter)


def class_span(
    kwh_per_m2: NDArray[Any],
    *,
    basis: NDArray[Any],
    rules: pd.DataFrame,
    best_kwh_per_m2: float,
    area_m2: NDArray[Any],
    rule: ClassRule | None = None,
) -> NDArray[Any]:
    """Classes between which the sun on a face lies: one letter where its interval tells, else the best and the worst (``A-B``).

    Parameters
    ----------
    kwh_per_m2, best_kwh_per_m2, area_m2, rule
        As of :func:`classify`.
    basis : numpy.ndarray
        What each was made from.
    rules : pandas.DataFrame
        ``data/roof_intervals.csv`` by basis: ``sun_low_frac`` and ``sun_high_frac``, the 80 % bounds of the sun on a square
        metre, over that of the middle [1].
    """
    low, high = (
        classify(
            np.asarray(kwh_per_m2, float) * pd.Series(basis).map(rules[f"sun_{end}_frac"]).to_numpy(float),
            best_kwh_per_m2=best_kwh_per_m2,
            area_m2=area_m2,
            rule=rule,
        )
        for end in ("low", "high")
    )
    return np.asarray(np.where(low == high, high, high + "-" + low), dtype=object)


def specific_yield(kwh_per_m2: NDArray[Any], *, performance_ratio: float) -> NDArray[np.float64]:
    """Yield of a system [kWh/kWp/year]: irradiation over the 1 kW/m2 at which modules are rated, times performance [1].

    Parameters
    ----------
    kwh_per_m2 : array
        Irradiation in the plane [kWh/m2/year].
    performance_ratio : float
        Share of it that the system delivers [1].
    """
    if not 0 < performance_ratio <= 1:
        raise ConfigError("a performance ratio above 0, at most 1", found=str(performance_ratio))
    return np.asarray(np.asarray(kwh_per_m2, float) * performance_ratio)


@dataclass(frozen=True)
class Planes:
    """Roof planes as heights over the ground plan; arrays of shape (n,).

    Attributes
    ----------
    tilt_deg, azimuth_deg : numpy.ndarray
        Tilt and direction of steepest descent [deg]; NaN azimuth where flat.
    eave_m, low_x_m, low_y_m : numpy.ndarray
        Lowest height [m NAP] and a point of the face at that height [m RD].
    """

    tilt_deg: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    eave_m: NDArray[np.float64]
    low_x_m: NDArray[np.float64]
    low_y_m: NDArray[np.float64]


def plane_heights(planes: Planes, face: NDArray[Any], *, x_m: NDArray[Any], y_m: NDArray[Any]) -> NDArray[np.float32]:
    """Return the height of the face's plane in each cell.

    Parameters
    ----------
    planes : Planes
        One per face.
    face : numpy.ndarray
        Face of each cell; below 0 where there is none.
    x_m, y_m : numpy.ndarray
        Middle of each cell [m RD], of the shape of ``face``.

    Returns
    -------
    numpy.ndarray
        Height [m NAP], NaN where there is no face.
    """
    out, on = np.full(face.shape, np.nan, np.float32), face >= 0
    which, turn = face[on], np.radians(np.nan_to_num(planes.azimuth_deg))
    run = (planes.low_x_m[which] - x_m[on]) * np.sin(turn)[which]
    run += (planes.low_y_m[which] - y_m[on]) * np.cos(turn)[which]
    out[on] = planes.eave_m[which] + run * np.tan(np.radians(planes.tilt_deg))[which]
    return out


def free_cells(
    face: NDArray[Any], *, plane_m: NDArray[Any], surface_m: NDArray[Any], clearance_m: float
) -> NDArray[np.bool_]:
    """Tell which cells of a face carry nothing: no dormer, chimney, installation or tree above the plane.

    A cell whose surface is unknown is not free: unknown is not empty.

    Parameters
    ----------
    face : numpy.ndarray
        Face of each cell; below 0 where there is none.
    plane_m, surface_m : numpy.ndarray
        Heights of plane and surface [m NAP].
    clearance_m : float
        How far the surface may lie above the plane [m].
    """
    return np.asarray((face >= 0) & (surface_m - plane_m <= clearance_m), dtype=np.bool_)
