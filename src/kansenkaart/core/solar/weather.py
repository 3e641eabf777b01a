"""Hourly weather: what is accepted, where the sun stood, and the correction to a long term."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib import irradiance as pv
from pvlib.solarposition import get_solarposition

from kansenkaart.errors import SchemaError

Doubles = NDArray[np.float64]
WEATHER_COLUMNS = ("ghi_w_per_m2", "dni_w_per_m2", "dhi_w_per_m2")
MONTHS = 12
DAYS_OF_A_YEAR, GAPS_A_YEAR = 365, 6
MONTH_DAYS = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])  # Julian years
SUBSTEPS = 6  # places of the sun within an hour over which its light is spread


@dataclass(frozen=True)
class Site:
    """Where the weather was measured and how its hours are written.

    Attributes
    ----------
    latitude_deg, longitude_deg : float
        WGS84 [deg].
    altitude_m : float
        Above sea level [m].
    mid_interval_minutes : float
        From a timestamp to the middle of its hour [min]: 30 where it marks the start, -30 where it marks the end.
    """

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0
    mid_interval_minutes: float = 30.0


def check_weather(hourly: pd.DataFrame) -> None:
    """Refuse weather without its columns, time zone or values.

    Parameters
    ----------
    hourly : pd.DataFrame
        Radiation [W/m2], temperature [deg C] and wind [m/s] by hour.

    Raises
    ------
    SchemaError
        If a column is missing, the index has no time zone, or a value is missing or negative.
    """
    missing = [c for c in WEATHER_COLUMNS if c not in hourly.columns]
    if missing:
        raise SchemaError(f"hourly weather with {list(WEATHER_COLUMNS)}", found=f"no {missing}", where="weather")
    if not isinstance(hourly.index, pd.DatetimeIndex) or hourly.index.tz is None:
        raise SchemaError("timestamps with a time zone", found=str(hourly.index.dtype), where="weather index")
    values = hourly[list(WEATHER_COLUMNS)].to_numpy(dtype=float)
    bad = int((~(values >= 0)).any(axis=1).sum())
    if bad:
        raise SchemaError(
            "irradiance of 0 or more in every hour",
            found=f"{bad} hours with a missing or negative value",
            where="weather",
            remedy="fill the gaps of the station first",
        )


def sun_position(times: pd.DatetimeIndex, site: Site) -> tuple[Doubles, Doubles]:
    """Azimuth and apparent elevation [deg].

    Parameters
    ----------
    times : pd.DatetimeIndex
        With a time zone.
    site : Site
        The place.
    """
    sun = get_solarposition(times, site.latitude_deg, site.longitude_deg, altitude=site.altitude_m)
    return sun["azimuth"].to_numpy(), sun["apparent_elevation"].to_numpy()


@dataclass(frozen=True)
class SunPath:
    """The sun of every hour: in the middle of the part of the hour that it is up, and spread over that part."""

    times: pd.DatetimeIndex
    azimuth_deg: Doubles
    elevation_deg: Doubles
    places: list[tuple[Doubles, Doubles]]
    weight: Doubles  # (SUBSTEPS, hours), 0 in the dark


def sun_path(hourly: pd.DataFrame, site: Site) -> SunPath:
    """Follow the sun; in the hour of its rise or set its mean place is above the horizon, as its light was.

    Parameters
    ----------
    hourly : pd.DataFrame
        Weather by hour; the path of the last hours asked for is kept.
    site : Site
        The place.
    """
    stamps = pd.DatetimeIndex(hourly.index)
    return _sun_path(stamps.asi8.tobytes(), stamps.unit, stamps.tz, site)


@lru_cache(maxsize=1)
def _sun_path(stamps: bytes, unit: str, zone: Any, site: Site) -> SunPath:
    hours = pd.DatetimeIndex(np.frombuffer(stamps, f"M8[{unit}]"), tz="UTC").tz_convert(zone)
    middle = hours + pd.Timedelta(minutes=site.mid_interval_minutes)
    minutes = (np.arange(SUBSTEPS) + 0.5) * 60.0 / SUBSTEPS - 30.0
    places = [sun_position(middle + pd.Timedelta(minutes=m), site) for m in minutes]
    up = np.stack([elevation > 0 for _, elevation in places])
    weight = up / np.maximum(up.sum(axis=0), 1)
    times = middle + pd.to_timedelta(minutes @ weight, unit="min")
    return SunPath(times, *sun_position(times, site), places, weight)


def direction(azimuth_deg: Doubles, elevation_deg: Doubles) -> Doubles:
    """Return unit vectors east, north, up.

    Parameters
    ----------
    azimuth_deg, elevation_deg : array
        0 = north, clockwise; above the horizon [deg].
    """
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.stack([np.cos(e) * np.sin(a), np.cos(e) * np.cos(a), np.sin(e)], axis=-1)


def scale_to_monthly(hourly: pd.DataFrame, *, monthly_ghi_kwh_per_m2: NDArray[Any]) -> pd.DataFrame:
    """Long-term correction: scale a typical year so that each month has the measured global irradiation.

    All three components get the month's own factor, so the split between beam and diffuse light stays that of the
    typical year.

    Parameters
    ----------
    hourly : pandas.DataFrame
        One year of hours, as for ``cumulative_irradiance``.
    monthly_ghi_kwh_per_m2 : array
        Long-term means of a station, January to December [kWh/m2].

    Returns
    -------
    pandas.DataFrame
        The same hours, scaled.

    Raises
    ------
    SchemaError
        If there are not twelve months of data and targets.
    """
    check_weather(hourly)
    target = np.asarray(monthly_ghi_kwh_per_m2, dtype=float)
    month = pd.DatetimeIndex(hourly.index).month.to_numpy() - 1
    have = np.bincount(month, hourly["ghi_w_per_m2"].to_numpy(dtype=float), MONTHS) / 1000.0
    if target.shape != (MONTHS,) or not (target > 0).all() or not (have > 0).all():
        raise SchemaError(
            "twelve months with sun, and a target above 0 for each",
            found=f"{int((have > 0).sum())} months, targets of shape {target.shape}",
            where="monthly_ghi_kwh_per_m2",
        )
    return hourly[list(WEATHER_COLUMNS)].mul((target / have)[month], axis=0)


@dataclass(frozen=True)
class LongTerm:
    """Mean global irradiation per month, January to December (12,) [kWh/m2], and the years that it is of."""

    kwh_per_m2: Doubles
    first_year: int
    last_year: int


def long_term_months(day: pd.Series, kwh_per_m2: NDArray[Any], *, years: int) -> LongTerm | None:
    """Average the months of the last complete years of a station.

    Parameters
    ----------
    day : pandas.Series
        Days, as timestamps.
    kwh_per_m2 : array
        Global irradiation of each day [kWh/m2]; NaN where unknown.
    years : int
        How many of the last complete years [year]; a year is complete with at most six unknown days.

    Returns
    -------
    LongTerm or None
        None where the station has not one year for each two that are asked for: too few to speak of a long term.
    """
    frame = pd.DataFrame({"year": day.dt.year.to_numpy(), "month": day.dt.month.to_numpy(), "kwh": kwh_per_m2}).dropna()
    complete = frame.groupby("year").size()
    chosen = complete.index[complete >= DAYS_OF_A_YEAR - GAPS_A_YEAR].to_numpy()[-years:]
    if 2 * len(chosen) < years:
        return None
    kept = frame[frame["year"].isin(chosen)]
    means = kept.groupby("month")["kwh"].mean().reindex(range(1, MONTHS + 1)).to_numpy()
    return LongTerm(means * MONTH_DAYS, int(chosen[0]), int(chosen[-1]))


#: Beam light is not told apart when the sun stands lower than this [1]: cosine of 86.3 deg, as pvlib's default.
LEAST_COS_ZENITH = 0.065
TYPICAL_YEAR = 2019  # written on the hours of a typical year: any year without a leap day
CANDIDATES = 3  # months of which the one with the most usual wind is taken, as in ISO 15927-4
LEAST_HOURS_FRAC = 0.98  # of a month must be measured for it to count
_FULL_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def split_global(hourly: pd.DataFrame, *, site: Site) -> pd.DataFrame:
    """Split global radiation into direct and diffuse by Erbs, hour by hour.

    The clearness index is that of the whole hour; the beam shines in the part of it that the sun is up, so that
    GHI = DHI + DNI cos(zenith) holds over the hour. Below ``LEAST_COS_ZENITH`` all light is diffuse.

    Parameters
    ----------
    hourly : pandas.DataFrame
        ``ghi_w_per_m2`` [W/m2], indexed by hours with a time zone.
    site : Site
        The station and its clock.

    Returns
    -------
    pandas.DataFrame
        The same hours with ``dni_w_per_m2`` and ``dhi_w_per_m2`` [W/m2].

    References
    ----------
    1. Erbs, D.G., Klein, S.A. and Duffie, J.A. (1982), Estimation of the diffuse radiation fraction for hourly, daily
       and monthly-average global radiation, Solar Energy 28(4), https://doi.org/10.1016/0038-092X(82)90302-4.
    """
    sun = sun_path(hourly, site)
    ghi = hourly["ghi_w_per_m2"].to_numpy(dtype=float)
    height = np.stack([np.maximum(np.sin(np.radians(elevation)), 0.0) for _, elevation in sun.places])
    zenith = np.degrees(np.arccos(np.clip(height.mean(axis=0), 0.0, 1.0)))
    parts = pv.erbs(ghi, zenith, day_of_year(sun.times), min_cos_zenith=LEAST_COS_ZENITH, max_zenith=90.0)
    lit = (height * sun.weight).sum(axis=0)
    beam = np.where(lit > LEAST_COS_ZENITH, ghi - np.minimum(parts["dhi"], ghi), 0.0)
    dni = np.divide(beam, lit, out=np.zeros_like(beam), where=lit > LEAST_COS_ZENITH)
    return hourly.assign(dni_w_per_m2=dni, dhi_w_per_m2=ghi - beam)


def diffuse_frac(hourly: pd.DataFrame) -> float:
    """Return the share of global radiation that is diffuse over all hours [1].

    Parameters
    ----------
    hourly : pandas.DataFrame
        ``ghi_w_per_m2`` and ``dhi_w_per_m2`` [W/m2].
    """
    total = float(hourly["ghi_w_per_m2"].sum())
    return float(hourly["dhi_w_per_m2"].sum()) / total if total > 0 else float("nan")


@dataclass(frozen=True)
class TypicalYear:
    """A year of hours put together of measured months, and the year that each month is of, January to December."""

    hours: pd.DataFrame
    years: tuple[int, ...]


def typical_year(hourly: pd.DataFrame) -> TypicalYear:
    """Put a typical year together of the months that are most like all years of a station.

    For each month of the calendar: days are compared with those of the same month in all years by the distance between
    their cumulative distributions (Finkelstein and Schafer), for the day's sum of global radiation and its mean
    temperature alike; of the three months with the smallest sum of ranks the one whose mean wind is nearest to the mean
    of all years is taken. Humidity, which ISO 15927-4 has as third, is left out: no roof feels it. Gaps of a month are
    filled with the mean of the same hour of its other days; hours in the first and last night of a month are not blended.

    Parameters
    ----------
    hourly : pandas.DataFrame
        ``ghi_w_per_m2`` [W/m2], ``air_temperature_degc`` [degC] and ``wind_speed_m_per_s`` [m/s], indexed by the hours
        of several years, with a time zone; unknown is NaN.

    Returns
    -------
    TypicalYear
        8,760 hours, written in ``TYPICAL_YEAR``.

    Raises
    ------
    SchemaError
        If some month of the calendar was measured whole in no year.

    References
    ----------
    1. ISO 15927-4:2005, Hygrothermal performance of buildings, Calculation and presentation of climatic data, part 4.
    2. Finkelstein, J.M. and Schafer, R.E. (1971), Improved goodness-of-fit tests, Biometrika 58(3),
       https://doi.org/10.1093/biomet/58.3.641.
    """
    times = pd.DatetimeIndex(hourly.index)
    leap = (times.month == 2) & (times.day == 29)
    frame = hourly[~leap]
    times = pd.DatetimeIndex(frame.index)
    parts, years = [], []
    for month in range(1, MONTHS + 1):
        own = frame[times.month == month]
        year = _most_usual(own, 24 * _FULL_MONTHS[month - 1])
        if year is None:
            raise SchemaError(
                f"month {month} measured for {LEAST_HOURS_FRAC:.0%} in some year",
                found="none",
                where="hourly weather",
                remedy="give more years, or leave the weather to the typical year that is built in",
            )
        parts.append(_filled(own[pd.DatetimeIndex(own.index).year == year]))
        years.append(year)
    whole = pd.concat(parts)
    index = pd.date_range(f"{TYPICAL_YEAR}-01-01", periods=24 * DAYS_OF_A_YEAR, freq="h", tz=times.tz)
    at = pd.DatetimeIndex(whole.index)
    whole = whole.set_axis(pd.DatetimeIndex([one.replace(year=TYPICAL_YEAR) for one in at]), axis=0)
    return TypicalYear(whole.reindex(index).interpolate(limit_direction="both"), tuple(years))


def _most_usual(month: pd.DataFrame, hours: int) -> int | None:
    """Return the year whose month is most like that of all years; None where none was measured whole."""
    times = pd.DatetimeIndex(month.index)
    measured = times.year.to_numpy()[month["ghi_w_per_m2"].notna().to_numpy()]
    numbers, counts = np.unique(measured, return_counts=True)
    years: list[int] = numbers[counts >= LEAST_HOURS_FRAC * hours].tolist()
    if not years:
        return None
    daily = month.groupby(times.date).agg(
        {"ghi_w_per_m2": "sum", "air_temperature_degc": "mean", "wind_speed_m_per_s": "mean"}
    )
    year_of_day = pd.DatetimeIndex(pd.to_datetime(daily.index)).year.to_numpy()
    ranks = np.zeros(len(years))
    for name in ("ghi_w_per_m2", "air_temperature_degc"):
        values = daily[name].to_numpy(dtype=float)
        distance = np.array([_distance(values[year_of_day == year], values) for year in years])
        ranks += distance.argsort(kind="stable").argsort(kind="stable")
    best = ranks.argsort(kind="stable")[:CANDIDATES]
    wind = daily["wind_speed_m_per_s"]
    means = wind.groupby(year_of_day).mean().reindex(years).to_numpy(dtype=float)
    off = np.nan_to_num(np.abs(means - float(wind.mean())))
    return years[int(best[off[best].argmin()])]


def _distance(own: Doubles, every: Doubles) -> float:
    """Mean distance between two cumulative distributions at the values of the first [1]."""
    own, every = np.sort(own[np.isfinite(own)]), np.sort(every[np.isfinite(every)])
    if not own.size:
        return float("inf")
    here = np.searchsorted(own, own, side="right") / own.size
    there = np.searchsorted(every, own, side="right") / every.size
    return float(np.abs(here - there).mean())


def _filled(month: pd.DataFrame) -> pd.DataFrame:
    """Fill gaps with the mean of the same hour of the month's other days."""
    return month.fillna(month.groupby(pd.DatetimeIndex(month.index).hour).transform("mean"))


def day_of_year(times: pd.DatetimeIndex) -> Doubles:
    """Day of the year in UTC [1], 1 = 1 January.

    Parameters
    ----------
    times : pd.DatetimeIndex
        With a time zone.
    """
    return np.asarray(times.tz_convert("UTC").day_of_year, dtype=np.float64)


def closing_minutes(hourly: pd.DataFrame, *, site: Site) -> float:
    """Find where in time the hours of a file really lie: the shift at which GHI = DHI + DNI cos(zenith) closes best.

    Typical years are stitched from sources with clocks of their own; an hour's error moves the sun by 15 deg and gives
    roofs to the east what belongs to the west (10 % on a slope of 35 deg). Use the answer as ``Site.mid_interval_minutes``.

    Parameters
    ----------
    hourly : pandas.DataFrame
        As for ``cumulative_irradiance``; the components must not all come from one of them by this very formula.
    site : Site
        The station; its own ``mid_interval_minutes`` is the answer where no hour has beam irradiance.

    Returns
    -------
    float
        From a timestamp to the middle of its hour [min], from -90 to 120, to 5 minutes.

    Raises
    ------
    SchemaError
        If ``hourly`` fails ``check_weather``.
    """
    check_weather(hourly)
    beam = hourly[hourly["dni_w_per_m2"] > 0]  # without one every clock closes alike
    if beam.empty:
        return site.mid_interval_minutes
    ghi, dni, dhi = (beam[c].to_numpy(dtype=float) for c in WEATHER_COLUMNS)

    def residual(minutes: float) -> float:
        _, elevation = sun_position(pd.DatetimeIndex(beam.index) + pd.Timedelta(minutes=minutes), site)
        return float(np.square(ghi - dhi - dni * np.maximum(np.sin(np.radians(elevation)), 0)).sum())

    coarse = min(np.arange(-90.0, 121.0, 30.0).tolist(), key=residual)
    return float(min(np.arange(coarse - 25, coarse + 26, 5.0).tolist(), key=residual))
