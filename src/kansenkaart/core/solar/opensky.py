"""Irradiation of planes under an open sky: no shade, no horizon; the first score and the yardstick of the shaded one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib import irradiance, location

_HALF_HOUR = pd.Timedelta(minutes=30)
_W_TO_KW = 1e-3
_COLUMNS = ("dni_w_per_m2", "ghi_w_per_m2", "dhi_w_per_m2")


def open_sky_kwh_per_m2(
    weather: pd.DataFrame,
    *,
    tilt_deg: NDArray[np.float64],
    azimuth_deg: NDArray[np.float64],
    latitude_deg: float,
    longitude_deg: float,
    albedo: float,
) -> NDArray[np.float64]:
    """Sum the plane-of-array irradiation of open planes over the hours given.

    The sun stands where it is in the middle of each hour. Beam and circumsolar light, the sky with its brighter horizon
    after Perez [1]_ as pvlib computes it [2]_, and light from the ground with an isotropic share (1 - cos tilt) / 2.

    Parameters
    ----------
    weather : DataFrame
        Hourly means with ``timestamp`` (ISO 8601, UTC, begin of the hour), ``ghi_w_per_m2``, ``dni_w_per_m2`` and
        ``dhi_w_per_m2`` [W/m2].
    tilt_deg, azimuth_deg : array of shape (n,)
        Planes [deg]; an unknown azimuth is only allowed for a flat plane.
    latitude_deg, longitude_deg : float
        Place [deg].
    albedo : float
        Reflection of the ground [1].

    Returns
    -------
    array of shape (n,)
        Irradiation [kWh/m2] over all the hours given; NaN where tilt is unknown, or azimuth of a plane with tilt.

    References
    ----------
    .. [1] Perez et al. (1990), Solar Energy 44(5), 271-289, doi:10.1016/0038-092X(90)90055-H.
    .. [2] Anderson et al. (2023), JOSS 8(92), 5994, doi:10.21105/joss.05994.
    """
    tilt, azimuth = np.asarray(tilt_deg, float), np.asarray(azimuth_deg, float)
    azimuth = np.where(np.isnan(azimuth) & (tilt == 0), 0.0, azimuth)
    times = pd.DatetimeIndex(pd.to_datetime(weather["timestamp"], utc=True)) + _HALF_HOUR
    sun = location.Location(latitude_deg, longitude_deg).get_solarposition(times)
    known = ~np.isnan(tilt) & ~np.isnan(azimuth)
    planes, which = np.unique(np.c_[tilt[known], azimuth[known]], axis=0, return_inverse=True)
    light = {
        **{name.removesuffix("_w_per_m2"): weather[name].to_numpy(float) for name in _COLUMNS},
        "solar_zenith": sun["apparent_zenith"].to_numpy(),
        "solar_azimuth": sun["azimuth"].to_numpy(),
        "dni_extra": irradiance.get_extra_radiation(times).to_numpy(),
    }
    sums = np.array([_plane(plane_tilt, plane_azimuth, light, albedo) for plane_tilt, plane_azimuth in planes])
    out = np.full(tilt.shape, np.nan)
    if known.any():
        out[known] = sums[np.ravel(which)]
    return out


def _plane(tilt: float, azimuth: float, light: dict[str, NDArray[np.float64]], albedo: float) -> float:
    total = irradiance.get_total_irradiance(tilt, azimuth, **light, albedo=albedo, model="perez")
    return float(np.nansum(np.asarray(total["poa_global"])) * _W_TO_KW)
