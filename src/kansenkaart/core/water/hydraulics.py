"""Steady flow in circular sewer pipes: capacity, filling, shear stress and the smallest standard diameter.

Slopes are drops per length [1], fillings are water depth over diameter [1]. Unknown input (NaN) gives NaN, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from kansenkaart.errors import ConfigError

Floats = npt.NDArray[np.float64]

GRAVITY_M_PER_S2 = 9.81
WATER_KG_PER_M3 = 1000.0
# Colebrook-White's own constants: Colebrook (1939), J. Inst. Civ. Eng. 11(4), doi:10.1680/ijoti.1939.13150.
_COLEBROOK_ROUGH, _COLEBROOK_SMOOTH = 3.71, 2.51
# Below this filling every flow up to the full capacity has one depth only (the maximum lies at 0.938).
_MONOTONE_FILLING = 0.93
_BISECTIONS = 48

STANDARD_DIAMETERS_MM = (200.0, 250.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0, 1250.0, 1500.0)


@dataclass(frozen=True)
class Friction:
    """How the wall slows the water.

    Parameters
    ----------
    method : {"colebrook", "manning"}
        The law of friction.
    roughness_mm : float
        Colebrook-White roughness k [mm]; 1.5 for a sewer in use (DWA-A 110, "Betriebsrauheit" of normal sewers 0.75-1.5).
    viscosity_m2_per_s : float
        Kinematic viscosity [m2/s]; 1.31e-6 at 10 deg C.
    manning_n : float
        Manning's coefficient [s/m^(1/3)]; 0.013 for sewers (Chow 1959, Open-Channel Hydraulics, table 5-6).
    """

    method: Literal["colebrook", "manning"] = "colebrook"
    roughness_mm: float = 1.5
    viscosity_m2_per_s: float = 1.31e-6
    manning_n: float = 0.013

    def __post_init__(self) -> None:
        if min(self.roughness_mm, self.viscosity_m2_per_s, self.manning_n) <= 0:
            raise ConfigError("friction coefficients above 0", found=str(self), where="Friction")


def wetted_section(filling: npt.ArrayLike, *, diameter_m: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Wetted area [m2] and hydraulic radius [m] of a circular pipe filled to a depth over diameter [1].

    With theta = 2 arccos(1 - 2 h/D): A = D2/8 (theta - sin theta), R = D/4 (1 - sin theta / theta)
    (Chow 1959, table 2-1).

    Parameters
    ----------
    filling : array_like
        Water depth over diameter [1], clipped to 0-1.
    diameter_m : array_like
        Inner diameter [m].
    """
    ratio = np.clip(np.asarray(filling, dtype=float), 0.0, 1.0)
    diameter = np.asarray(diameter_m, dtype=float)
    theta = 2 * np.arccos(1 - 2 * ratio)
    area = diameter**2 / 8 * (theta - np.sin(theta))
    with np.errstate(invalid="ignore", divide="ignore"):
        radius = np.where(theta > 0, diameter / 4 * (1 - np.sin(theta) / theta), 0.0 * diameter)
    return area, radius


def velocity(radius_m: npt.ArrayLike, *, slope: npt.ArrayLike, friction: Friction) -> Floats:
    """Mean velocity [m/s] of uniform flow at a hydraulic radius [m] and slope [1].

    Colebrook-White with D = 4R: v = -2 sqrt(2 g D S) log10(k / (3.71 D) + 2.51 nu / (D sqrt(2 g D S)));
    Manning: v = R^(2/3) S^(1/2) / n. A slope of 0 or less carries nothing: 0 m/s.

    Parameters
    ----------
    radius_m : array_like
        Hydraulic radius [m].
    slope : array_like
        Drop per length [1].
    friction : Friction
        The law and its coefficients.
    """
    radius = np.asarray(radius_m, dtype=float)
    fall = np.asarray(slope, dtype=float)
    moving = (radius > 0) & (fall > 0)
    unknown = np.isnan(radius) | np.isnan(fall)
    safe_radius = np.where(moving, radius, 1.0)
    safe_fall = np.where(moving, fall, 1.0)
    if friction.method == "manning":
        speed = safe_radius ** (2 / 3) * np.sqrt(safe_fall) / friction.manning_n
    else:
        width = 4 * safe_radius
        shear_speed = np.sqrt(2 * GRAVITY_M_PER_S2 * width * safe_fall)
        rough = friction.roughness_mm / 1000 / (_COLEBROOK_ROUGH * width)
        smooth = _COLEBROOK_SMOOTH * friction.viscosity_m2_per_s / (width * shear_speed)
        speed = np.maximum(-2 * shear_speed * np.log10(rough + smooth), 0.0)
    return np.where(unknown, np.nan, np.where(moving, speed, 0.0))


def flow(filling: npt.ArrayLike, *, diameter_mm: npt.ArrayLike, slope: npt.ArrayLike, friction: Friction) -> Floats:
    """Uniform flow [l/s] at a filling [1].

    Parameters
    ----------
    filling : array_like
        Water depth over diameter [1].
    diameter_mm : array_like
        Inner diameter [mm].
    slope : array_like
        Drop per length [1].
    friction : Friction
        The law and its coefficients.
    """
    area, radius = wetted_section(filling, diameter_m=np.asarray(diameter_mm, dtype=float) / 1000)
    return area * velocity(radius, slope=slope, friction=friction) * 1000


def filling_at(
    flow_l_per_s: npt.ArrayLike, *, diameter_mm: npt.ArrayLike, slope: npt.ArrayLike, friction: Friction
) -> Floats:
    """Water depth over diameter [1] at which a flow [l/s] runs uniformly; 1 where the pipe runs full or over.

    Parameters
    ----------
    flow_l_per_s : array_like
        Flow [l/s].
    diameter_mm : array_like
        Inner diameter [mm].
    slope : array_like
        Drop per length [1].
    friction : Friction
        The law and its coefficients.
    """
    wanted, diameter, fall = np.broadcast_arrays(
        np.asarray(flow_l_per_s, dtype=float), np.asarray(diameter_mm, dtype=float), np.asarray(slope, dtype=float)
    )
    low, high = np.zeros(wanted.shape), np.full(wanted.shape, _MONOTONE_FILLING)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = flow(middle, diameter_mm=diameter, slope=fall, friction=friction) >= wanted
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    full = wanted > flow(1.0, diameter_mm=diameter, slope=fall, friction=friction)
    unknown = np.isnan(wanted) | np.isnan(diameter) | np.isnan(fall)
    return np.where(unknown, np.nan, np.where(full, 1.0, np.where(wanted <= 0, 0.0, high)))


def shear_stress(filling: npt.ArrayLike, *, diameter_mm: npt.ArrayLike, slope: npt.ArrayLike) -> Floats:
    """Mean wall shear stress rho g R S [N/m2] at a filling [1]; what keeps a sewer clean (RIONED: 1 to 1.5 N/m2).

    Parameters
    ----------
    filling : array_like
        Water depth over diameter [1].
    diameter_mm : array_like
        Inner diameter [mm].
    slope : array_like
        Drop per length [1].
    """
    _, radius = wetted_section(filling, diameter_m=np.asarray(diameter_mm, dtype=float) / 1000)
    return np.asarray(WATER_KG_PER_M3 * GRAVITY_M_PER_S2 * radius * np.asarray(slope, dtype=float))


def capacity_table(
    slope: npt.ArrayLike, *, filling: npt.ArrayLike, diameters_mm: tuple[float, ...], friction: Friction
) -> Floats:
    """Capacity [l/s] of every pipe (rows) at every standard diameter (columns) for its allowed filling [1].

    Parameters
    ----------
    slope : array_like
        Drop per length of each pipe [1].
    filling : array_like
        Allowed depth over diameter of each pipe [1].
    diameters_mm : tuple of float
        Standard diameters [mm], ascending.
    friction : Friction
        The law and its coefficients.

    Raises
    ------
    ConfigError
        If the diameters do not ascend.
    """
    if list(diameters_mm) != sorted(set(diameters_mm)) or not diameters_mm:
        raise ConfigError("ascending standard diameters [mm]", found=str(diameters_mm), where="diameters_mm")
    fall = np.atleast_1d(np.asarray(slope, dtype=float))[:, None]
    allowed = np.broadcast_to(np.asarray(filling, dtype=float), fall.shape[:1])[:, None]
    return flow(allowed, diameter_mm=np.asarray(diameters_mm)[None, :], slope=fall, friction=friction)


def smallest_diameter(
    flow_l_per_s: npt.ArrayLike,
    *,
    capacity_l_per_s: Floats,
    minimum_mm: npt.ArrayLike,
    diameters_mm: tuple[float, ...],
) -> Floats:
    """Smallest standard diameter [mm] whose capacity carries the flow and that is not below the minimum.

    NaN where flow or slope is unknown, or where even the largest standard diameter is too small.

    Parameters
    ----------
    flow_l_per_s : array_like
        Design flow of each pipe [l/s].
    capacity_l_per_s : array
        From `capacity_table`: pipes by diameters [l/s].
    minimum_mm : array_like
        Smallest diameter that is built [mm].
    diameters_mm : tuple of float
        Standard diameters [mm], ascending.
    """
    wanted = np.atleast_1d(np.asarray(flow_l_per_s, dtype=float))
    floor = np.broadcast_to(np.asarray(minimum_mm, dtype=float), wanted.shape)
    sizes = np.asarray(diameters_mm)
    fits = (capacity_l_per_s >= wanted[:, None]) & (sizes[None, :] >= floor[:, None])
    chosen = sizes[np.argmax(fits, axis=1)]
    return np.where(fits.any(axis=1), chosen, np.nan)
