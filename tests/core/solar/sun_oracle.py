"""A slow and plain judge of the sun on roofs: fine ray march over the bilinear surface, then every hour by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from pvlib import irradiance as pv
from pvlib.atmosphere import get_relative_airmass
from pvlib.solarposition import get_solarposition

from kansenkaart.core.solar.weather import Site

RAYS = 360


@njit(cache=True)
def march(z: Any, rows: Any, cols: Any, eye: Any, size: float, reach: float, out: Any) -> None:
    """Slope of the horizon for every cell and ray: steps of an eighth of a cell near by, a quarter further on."""
    height, width = z.shape
    highest = z.max()
    for i in range(rows.size):
        for a in range(out.shape[1]):
            turn = 2 * np.pi * a / out.shape[1]
            dr, dc = -np.cos(turn), np.sin(turn)
            best, d = 0.0, 0.125
            while d * size < reach and highest - eye[i] > best * d * size:  # nothing further on can stand higher
                r, c = rows[i] + d * dr, cols[i] + d * dc
                if r < 0 or c < 0 or r > height - 1.001 or c > width - 1.001:
                    break
                k, m = int(r), int(c)
                f, g = r - k, c - m
                top = (1 - f) * ((1 - g) * z[k, m] + g * z[k, m + 1]) + f * (
                    (1 - g) * z[k + 1, m] + g * z[k + 1, m + 1]
                )
                best = max(best, (top - eye[i]) / (d * size))
                d += 0.125 if d < 16 else 0.25
            out[i, a] = best


def oracle(
    z: NDArray[Any],
    cells: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    normals: NDArray[Any],
    *,
    weather: pd.DataFrame,
    site: Site,
    size: float = 0.5,
    albedo: float = 0.2,
) -> NDArray[np.float64]:
    """Irradiation of the year [kWh/m2] of cells with the given unit normals (east, north, up)."""
    slope = np.zeros((cells[0].size, RAYS))
    march(z.astype(float), cells[0], cells[1], cells[2].astype(float), size, 150.0, slope)
    turn = np.radians(np.arange(RAYS) * 360 / RAYS)
    looks = np.stack([np.sin(turn), np.cos(turn)], axis=1)
    facing = normals[:, :2] @ looks.T
    own = np.where(facing < 0, -facing / normals[:, 2:], 0)
    h = np.arctan(np.maximum(slope, own))
    times = pd.DatetimeIndex(weather.index) + pd.Timedelta(minutes=30)
    sun = get_solarposition(times, site.latitude_deg, site.longitude_deg)
    lit = (sun["apparent_elevation"] > 0).to_numpy()
    sun, data, times = sun[lit], weather[lit], times[lit]
    az, zen = sun["azimuth"].to_numpy(), sun["apparent_zenith"].to_numpy()
    ghi, dni, dhi = (data[f"{k}_w_per_m2"].to_numpy() for k in ("ghi", "dni", "dhi"))
    day = times.tz_convert("UTC").day_of_year.to_numpy()
    extra, mass = pv.get_extra_radiation(day), get_relative_airmass(zen)
    sky = pv.perez(90.0, az, dhi, dni, extra, zen, az, mass, return_components=True)
    dome, band = 2 * sky["poa_isotropic"].sum() / 1000, sky["poa_horizon"].sum() / 1000
    ring = np.where(dhi > 0, 1 - 2 * sky["poa_isotropic"] / np.maximum(dhi, 1e-9), 0)
    beam = (dni + dhi * ring / np.maximum(np.cos(np.radians(zen)), np.cos(np.radians(85)))) / 1000
    e, a = np.radians(90 - zen), np.radians(az)
    s = np.stack([np.cos(e) * np.sin(a), np.cos(e) * np.cos(a), np.sin(e)])
    sector = np.round(az).astype(int) % RAYS
    total = np.array(
        [(beam * np.maximum(n @ s, 0) * (e > hor[sector])).sum() for n, hor in zip(normals, h, strict=True)]
    )
    step = 2 * np.pi / RAYS
    side = 0.5 * (np.pi / 2 - h - np.sin(h) * np.cos(h))
    total += dome / np.pi * step * (facing * side + normals[:, 2:] * 0.5 * np.cos(h) ** 2).sum(axis=1)
    total += band / 2 * step * (np.maximum(facing, 0) * np.clip(1 - np.degrees(h) / 6.5, 0, 1)).sum(axis=1)
    return np.asarray(total + albedo * ghi.sum() / 1000 * (1 - normals[:, 2]) / 2)


def decode_slope(code: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Slope (tangent) [1] of a stored horizon; the highest code is a vertical wall (infinite)."""
    u = np.asarray(code, dtype=np.float64) / 65535.0
    with np.errstate(divide="ignore"):
        return np.asarray(u / (1.0 - u))


def sky_view(horizon_codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Share of an even sky that a level cell sees, the mean of cos2(h) over the azimuths [1]."""
    u = horizon_codes.astype(np.float32) / np.float32(65535.0)
    up = np.float32(1.0) - u
    return np.asarray((up * up / (up * up + u * u)).mean(axis=0), dtype=np.float32)
