"""Cumulative irradiance: one small table per weather station that serves every roof, whatever its slope or shade.

For azimuth sector a, V_a(h) [kWh/m2] is the energy that comes from above horizon h, as a vector, so that a plane with
normal n receives n . sum_a V_a(h_a), plus horizon brightening, plus ground reflection. The diffuse sky is that of
Perez et al.: an isotropic dome, a circumsolar part that follows the sun, and a bright band at the horizon.

References
----------
1. Perez, R. et al. (1990), Modeling daylight availability and irradiance components from direct and global
   irradiance, Solar Energy 44(5), https://doi.org/10.1016/0038-092X(90)90055-H.
2. Perez, R. et al. (1987), A new simplified version of the Perez diffuse irradiance model for tilted surfaces,
   Solar Energy 39(3), https://doi.org/10.1016/S0038-092X(87)80031-2 (band of 6.5 deg at the horizon).
3. Anderson, K. et al. (2023), pvlib python: 2023 project update, JOSS 8(92), https://doi.org/10.21105/joss.05994.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib import irradiance as pv
from pvlib.atmosphere import get_relative_airmass

from kansenkaart.core.solar.horizon import azimuths_deg
from kansenkaart.core.solar.weather import (
    MONTHS,
    WEATHER_COLUMNS,
    Site,
    SunPath,
    check_weather,
    day_of_year,
    direction,
    scale_to_monthly,
    sun_path,
)
from kansenkaart.errors import SchemaError

__all__ = ["IrradianceTable", "Site", "cumulative_irradiance", "open_plane_energy", "scale_to_monthly"]

Doubles = NDArray[np.float64]
SECTORS = 360  # sectors of the table [1]
STEP_DEG = 0.5  # height between two rows of the table
BAND_DEG = 6.5  # height of the bright band at the horizon [2]


@dataclass(frozen=True)
class IrradianceTable:
    """Cumulative irradiance of one station, per month.

    Attributes
    ----------
    edges_deg : numpy.ndarray
        Heights h of the horizon, (H,) from 0 to 90 [deg].
    vector : numpy.ndarray
        V_a(h): energy from above h as a vector east, north, up, (12, 360, H, 3) [kWh/m2]; sectors of 1 deg, which
        ``surface.kernel_table`` joins to as many as are wanted.
    dome : numpy.ndarray
        The even part of the sky on a level plane, (12,) [kWh/m2].
    band : numpy.ndarray
        Horizon brightening on a vertical plane under an open sky, (12,) [kWh/m2].
    ground : numpy.ndarray
        Reflected by the ground on a plane that sees nothing else, (12,) [kWh/m2].
    ghi : numpy.ndarray
        Global horizontal irradiation, (12,) [kWh/m2].
    suns : numpy.ndarray
        Beam and circumsolar energy of every lit hour as a vector east, north, up, in order of month, (hours, 3)
        [kWh/m2]: for open planes, hour by hour.
    suns_month : numpy.ndarray
        First hour of each month in ``suns``, (13,).
    """

    edges_deg: Doubles
    vector: NDArray[np.float32]
    dome: Doubles
    band: Doubles
    ground: Doubles
    ghi: Doubles
    suns: NDArray[np.float32]
    suns_month: NDArray[np.int64]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name, ready for a store."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> IrradianceTable:
        """Take back what ``to_arrays`` gave; raises SchemaError if an array is missing."""
        names = [f.name for f in fields(cls)]
        missing = [n for n in names if n not in arrays]
        if missing:
            raise SchemaError(f"the arrays {names}", found=f"no {missing}", where="irradiance table")
        return cls(**{n: np.asarray(arrays[n]) for n in names})


def _perez_parts(hourly: pd.DataFrame, sun: SunPath) -> tuple[Doubles, Doubles, Doubles]:
    """Circumsolar share F1, and isotropic and horizon irradiance of Perez [W/m2], from pvlib's own coefficients.

    A vertical plane that faces the sun receives DHI (1 - F1) / 2 of the dome and DHI F2 of the band.
    """
    zenith, dhi = 90.0 - sun.elevation_deg, hourly["dhi_w_per_m2"].to_numpy(dtype=float)
    parts = pv.perez(
        90.0,
        sun.azimuth_deg,
        dhi,
        hourly["dni_w_per_m2"].to_numpy(dtype=float),
        pv.get_extra_radiation(day_of_year(sun.times)),
        zenith,
        sun.azimuth_deg,
        get_relative_airmass(zenith),
        return_components=True,
    )
    lit = (dhi > 0) & np.isfinite(parts["poa_sky_diffuse"]) & (parts["poa_sky_diffuse"] > 0)
    dome = np.where(lit, 2.0 * parts["poa_isotropic"], 0.0)
    f1 = np.where(lit, 1.0 - dome / np.where(dhi > 0, dhi, 1.0), 0.0)
    return f1, dome, np.where(lit, parts["poa_horizon"], 0.0)


def cumulative_irradiance(hourly: pd.DataFrame, *, site: Site, albedo: float = 0.2) -> IrradianceTable:
    """Build the table of a station from its hours (a typical year, or whole years: the mean year is returned).

    Parameters
    ----------
    hourly : pandas.DataFrame
        ``ghi_w_per_m2``, ``dni_w_per_m2``, ``dhi_w_per_m2``, indexed by hours with a time zone.
    site : Site
        The station.
    albedo : float
        Share of global irradiance that the ground reflects [1]; 0.2 is customary for towns (pvlib: urban 0.14-0.22).

    Returns
    -------
    IrradianceTable
        Per month [kWh/m2]; months are those of the timestamps' own time zone.

    Raises
    ------
    SchemaError
        If ``hourly`` fails ``check_weather``.
    """
    check_weather(hourly)
    sun = sun_path(hourly, site)
    f1, dome, band = _perez_parts(hourly, sun)
    cos_zenith = np.sin(np.radians(sun.elevation_deg))
    dhi, dni = (hourly[c].to_numpy(dtype=float) for c in ("dhi_w_per_m2", "dni_w_per_m2"))
    beam = dni + dhi * f1 / np.maximum(cos_zenith, np.cos(np.radians(85.0)))  # the floor of [1]
    beam = np.where(cos_zenith > 0, beam, 0.0)
    month = pd.DatetimeIndex(hourly.index).month.to_numpy() - 1
    per_year = 1000.0 * max(len(hourly) / 8766.0, 1.0) if len(hourly) > 8784 else 1000.0
    edges = np.arange(0.0, 90.0 + STEP_DEG / 2, STEP_DEG)

    def monthly(power: Doubles) -> Doubles:
        return np.bincount(month, power, MONTHS) / per_year

    vector = _beam_vectors(beam, month, sun, azimuths=SECTORS, edges=edges) / per_year
    vector += monthly(dome)[:, None, None, None] * _dome_vectors(SECTORS, edges)
    ghi = monthly(hourly["ghi_w_per_m2"].to_numpy(dtype=float))
    lit = np.flatnonzero(beam > 0)
    lit = lit[np.argsort(month[lit], kind="stable")]
    suns = (beam[:, None] * direction(sun.azimuth_deg, sun.elevation_deg))[lit].astype(np.float32) / np.float32(
        per_year
    )
    return IrradianceTable(
        edges_deg=edges,
        vector=vector.astype(np.float32),
        dome=monthly(dome),
        band=monthly(band),
        ground=albedo * ghi,
        ghi=ghi,
        suns=suns,
        suns_month=np.searchsorted(month[lit], np.arange(MONTHS + 1)),
    )


def _beam_vectors(beam: Doubles, month: NDArray[Any], sun: SunPath, *, azimuths: int, edges: Doubles) -> Doubles:
    """Directional energy from above each edge, spread over the hour; its upward part is that of the mid-hour."""
    bins = np.zeros((MONTHS, azimuths, edges.size, 3))
    mean_up = sum(w * np.sin(np.radians(e)) for w, (_, e) in zip(sun.weight, sun.places, strict=True))
    lit = beam > 0
    beam = beam * np.sin(np.radians(sun.elevation_deg)) / np.where(lit, mean_up, 1.0)
    for weight, (azimuth, elevation) in zip(sun.weight, sun.places, strict=True):
        up = lit & (weight > 0)
        sector = np.round(azimuth[up] * azimuths / 360.0).astype(int) % azimuths
        level = elevation[up] / STEP_DEG
        lower = np.minimum(level.astype(int), edges.size - 2)
        energy = (weight * beam)[up, None] * direction(azimuth[up], elevation[up])
        np.add.at(bins, (month[up], sector, lower), (1 - level + lower)[:, None] * energy)
        np.add.at(bins, (month[up], sector, lower + 1), (level - lower)[:, None] * energy)
    above = bins[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    # A horizon at an edge hides half of what lies on that edge, except at 0: there it hides nothing.
    above[:, :, 1:] -= 0.5 * bins[:, :, 1:]
    return np.asarray(above)


def _dome_vectors(azimuths: int, edges: Doubles) -> Doubles:
    """Vector of an even dome of 1 W/m2 above each edge, per sector: int over the sector of s dOmega / pi."""
    h, half = np.radians(edges), np.pi / azimuths
    sideways = 0.5 * (np.pi / 2 - h - np.sin(h) * np.cos(h)) * 2.0 * np.sin(half) / np.pi
    upward = 0.5 * np.cos(h) ** 2 * 2.0 * half / np.pi
    a = np.radians(azimuths_deg(azimuths))[:, None]
    return np.stack([np.sin(a) * sideways, np.cos(a) * sideways, np.ones_like(a) * upward], axis=-1)


def open_plane_energy(
    hourly: pd.DataFrame, planes: pd.DataFrame, *, site: Site, albedo: float = 0.2
) -> NDArray[np.float64]:
    """Irradiation of open planes by pvlib, hour by hour: the reference, and the first, unshaded score.

    Parameters
    ----------
    hourly : pandas.DataFrame
        As for ``cumulative_irradiance``.
    planes : pandas.DataFrame
        ``tilt_deg`` (0 = flat) and ``azimuth_deg`` (0 = north, clockwise) of each plane.
    site : Site
        The station.
    albedo : float
        Share that the ground reflects [1].

    Returns
    -------
    numpy.ndarray
        (planes, 12) [kWh/m2 per month].
    """
    check_weather(hourly)
    sun = sun_path(hourly, site)
    month = pd.DatetimeIndex(hourly.index).month.to_numpy() - 1
    ghi, dni, dhi = (hourly[c].to_numpy(dtype=float) for c in WEATHER_COLUMNS)
    dni = np.where(sun.elevation_deg > 0, dni, 0.0)
    zenith, azimuth = 90.0 - sun.elevation_deg, sun.azimuth_deg
    extra, mass = pv.get_extra_radiation(day_of_year(sun.times)), get_relative_airmass(zenith)
    out = np.empty((len(planes), MONTHS))
    for i, (tilt, facing) in enumerate(zip(planes["tilt_deg"], planes["azimuth_deg"], strict=True)):
        total = pv.get_total_irradiance(
            float(tilt),
            float(facing),
            zenith,
            azimuth,
            dni,
            ghi,
            dhi,
            dni_extra=extra,
            airmass=mass,
            albedo=albedo,
            model="perez",
        )["poa_global"]
        out[i] = np.bincount(month, np.nan_to_num(total), MONTHS)
    years = len(hourly) / 8766.0 if len(hourly) > 8784 else 1.0
    return out / (1000.0 * years)
