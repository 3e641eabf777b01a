"""The weather of a study: a typical year with its clock set right, scaled to the measured sun of the last years."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvlib
from pyproj import Geod

from kansenkaart.core.solar.irradiance import IrradianceTable, cumulative_irradiance
from kansenkaart.core.solar.weather import (
    WEATHER_COLUMNS,
    LongTerm,
    Site,
    closing_minutes,
    diffuse_frac,
    long_term_months,
    scale_to_monthly,
    split_global,
    typical_year,
)
from kansenkaart.errors import SchemaError
from kansenkaart.sources import knmi
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.store import Store, atomic

Made = tuple[float, IrradianceTable]
_FORM = "2"  # of the table and of how it is made: raise it when either changes
_CLOCK = "minutes"
_DAMAGE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, SchemaError)


def key_of(hours: pd.DataFrame, *plain: object) -> str:
    """Return the hash of hours, plain values, and the versions of what works on them."""
    told = hashlib.sha256(repr((_FORM, pvlib.__version__, list(hours.columns), plain)).encode())
    told.update(pd.DatetimeIndex(hours.index).as_unit("ns").asi8.tobytes())
    told.update(np.ascontiguousarray(hours.to_numpy(np.float64)).tobytes())
    return told.hexdigest()


def remembered(folder: Path, key: str, make: Callable[[], Made]) -> tuple[Made, bool]:
    """Take a station's clock [min] and table from a folder, or make and keep them.

    Parameters
    ----------
    folder : Path
        Where they are kept; made when needed.
    key : str
        From ``key_of``.
    make : callable
        Works them out.

    Returns
    -------
    tuple
        The clock and the table, and whether a file was there but damaged.
    """
    path = folder / f"irradiance-{key[:32]}.npz"
    damaged = path.exists()
    if damaged:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                arrays = {name: kept[name] for name in kept.files}
            return (float(arrays[_CLOCK]), IrradianceTable.from_arrays(arrays)), False
        except _DAMAGE:
            pass
    minutes, table = make()
    with atomic(path) as part, part.open("wb") as out:
        named: dict[str, Any] = {_CLOCK: np.array(minutes), **table.to_arrays()}
        np.savez(out, **named)
    return (minutes, table), damaged


INPUTS = ("weather_hourly", "weather_daily")
KEPT = ".kept"  # folder beside the stages: no result, and safe to throw away
USED = ("ground_albedo", "sun_long_term_years")


@dataclass(frozen=True)
class Station:
    """A typical year ready for use.

    Attributes
    ----------
    hours : DataFrame
        Irradiance [W/m2] by hour, scaled; the index has a time zone.
    site : Site
        Place and clock.
    table : IrradianceTable
        Cumulative irradiance.
    period : str
        Years to which the months are scaled, or "" for the typical year as it is.
    mended : bool
        Whether the table that was kept of an earlier run was damaged, and made again.
    said : tuple of (str, int)
        What a reader should know of the hours, and of how many.
    """

    hours: pd.DataFrame
    site: Site
    table: IrradianceTable
    period: str
    mended: bool = False
    said: tuple[tuple[str, int], ...] = ()

    def notes(self) -> dict[str, int]:
        """Say for the lineage, of how many hours, which clock was found and how much sun a level square metre gets."""
        term = f"geschaald naar {self.period}" if self.period else "van het typische jaar, niet geschaald"
        clock = f"uur waarvan het midden {round(self.site.mid_interval_minutes)} minuten na zijn tijdstip ligt"
        sun = f"uur zon {term}: samen {round(float(self.table.ghi.sum()))} kWh/m2 per jaar op een plat vlak"
        return {
            clock: len(self.hours),
            sun: len(self.hours),
            **dict(self.said),
            **({"bewaarde tabel van het weerstation beschadigd en opnieuw gemaakt": 1} if self.mended else {}),
        }


#: A file whose share of diffuse light lies further from what its own global light gives is named [1] (guess).
DIFFUSE_MARGIN = 0.05
#: Days of a station further than this from that of the hours say nothing of its sun [m]: the coast has 6 % more (guess).
SAME_SUN_M = 25_000.0
#: More hours than these are several years, of which a typical one is made [1].
_ONE_YEAR = 8784
_RAW_COLUMNS = (*WEATHER_COLUMNS, "air_temperature_degc", "wind_speed_m_per_s")
#: KNMI writes the hour that ends at HH; the reader writes its beginning [min].
_FROM_START = 30.0


@dataclass(frozen=True)
class _Hours:
    """Hours with all three components [W/m2], the minutes to their middle where that is certain, and what to say."""

    frame: pd.DataFrame
    minutes: float | None
    said: dict[str, int]


def _prepared(raw: pd.DataFrame, site: Site) -> _Hours:
    """Make one year with global, direct and diffuse light of whatever a weather file has."""
    hours = raw.reindex(columns=list(_RAW_COLUMNS)).astype(float)
    hours = hours.set_axis(pd.DatetimeIndex(raw["timestamp"])).sort_index()
    said: dict[str, int] = {}
    lacking = hours[["dni_w_per_m2", "dhi_w_per_m2"]].isna().any(axis=1)
    if len(hours) > _ONE_YEAR:
        measured = pd.DatetimeIndex(hours.index)
        typical = typical_year(hours.drop(columns=["dni_w_per_m2", "dhi_w_per_m2"]) if lacking.any() else hours)
        said[f"maand van het typische jaar: de meest gewone van {measured[0]:%Y} tot en met {measured[-1]:%Y}"] = 12
        hours = typical.hours
    if lacking.any():
        clocked = replace(site, mid_interval_minutes=_FROM_START)
        hours = split_global(hours.assign(ghi_w_per_m2=_without_gaps(hours["ghi_w_per_m2"], said)), site=clocked)
        share = f"{diffuse_frac(hours):.0%}"
        said[f"uur met direct en diffuus licht berekend uit globaal (Erbs): {share} is diffuus"] = len(hours)
        return _Hours(hours[list(WEATHER_COLUMNS)], _FROM_START, said)
    return _Hours(hours[list(WEATHER_COLUMNS)], None, said)


def built_in() -> tuple[pd.DataFrame, Site]:
    """Return the typical year that is built in (De Bilt, KNMI 2011-2024) and its site, for who has no weather.

    Returns
    -------
    hours : DataFrame
        Global, direct and diffuse light [W/m2] of 8,760 hours; direct and diffuse by Erbs.
    site : Site
        The station.
    """
    raw, _, _ = knmi.typical_year()
    latitude, longitude = (float(raw[name].iloc[0]) for name in ("latitude_deg", "longitude_deg"))
    site = Site(latitude, longitude, mid_interval_minutes=_FROM_START)
    return _prepared(raw, site).frame, site


def _without_gaps(ghi: pd.Series[float], said: dict[str, int]) -> pd.Series[float]:
    """Fill unknown hours of sun with the mean of the same hour in the month, and count them."""
    if gaps := int(ghi.isna().sum()):
        said["uur zonder meting van de zon, gevuld met het gemiddelde van dat uur in die maand"] = gaps
    times = pd.DatetimeIndex(ghi.index)
    return ghi.fillna(ghi.groupby([times.month, times.hour]).transform("mean"))


def _diffuse_said(hours: pd.DataFrame, site: Site) -> dict[str, int]:
    """Name a file whose diffuse share differs from what its own global light gives, hour by hour (Erbs)."""
    own, theirs = diffuse_frac(hours), diffuse_frac(split_global(hours, site=site))
    if not abs(own - theirs) > DIFFUSE_MARGIN:
        return {}
    way = "zuiddaken te gunstig, noorddaken te ongunstig" if own < theirs else "zuiddaken te ongunstig"
    return {f"uur van een weerbestand met {own:.0%} diffuus licht, waar {theirs:.0%} volgt (Erbs): {way}": len(hours)}


def station_of(store: Store, known: Assumptions) -> Station:
    """Read the weather of a study; what was worked out of the same weather before is kept in its folder."""
    raw = store.read("weather_hourly")
    site = Site(float(raw["latitude_deg"].iloc[0]), float(raw["longitude_deg"].iloc[0]))
    ready = _prepared(raw, site)
    hours = ready.frame
    term, elsewhere = _long_term(store, int(known.value("sun_long_term_years", "year")), site)
    scaled = hours if term is None else scale_to_monthly(hours, monthly_ghi_kwh_per_m2=term.kwh_per_m2)
    albedo = known.value("ground_albedo", "1")

    def make() -> tuple[float, IrradianceTable]:
        minutes = closing_minutes(hours, site=site) if ready.minutes is None else ready.minutes
        clocked = replace(site, mid_interval_minutes=minutes)
        return minutes, cumulative_irradiance(scaled, site=clocked, albedo=albedo)

    months = None if term is None else term.kwh_per_m2.tolist()
    key = key_of(hours, site.latitude_deg, site.longitude_deg, months, albedo, ready.minutes)
    (minutes, table), mended = remembered(store.root / KEPT, key, make)
    period = "" if term is None else f"{term.first_year}-{term.last_year}"
    site = replace(site, mid_interval_minutes=minutes)
    said = {**ready.said, **elsewhere, **({} if ready.minutes is not None else _diffuse_said(hours, site))}
    return Station(scaled, site, table, period, mended, tuple(said.items()))


def _long_term(store: Store, years: int, site: Site) -> tuple[LongTerm | None, dict[str, int]]:
    """Average the last complete years of the daily station, where it has enough of them and stands where the hours do."""
    if not store.has("weather_daily"):
        return None, {}
    daily = store.read("weather_daily")
    number = str(daily["station"].iloc[0]) if len(daily) else ""
    place = knmi.stations().get(int(number)) if number.isdecimal() else None
    latitude, longitude = place or (site.latitude_deg, site.longitude_deg)  # of no known place: taken at its word
    apart_m = Geod(ellps="GRS80").inv(site.longitude_deg, site.latitude_deg, longitude, latitude)[2]
    if apart_m > SAME_SUN_M:
        return None, {
            f"dag van weerstation {number}, ver van dat van de uren: de zon is er niet naar geschaald": len(daily)
        }
    sun = daily["global_radiation_kwh_per_m2"].to_numpy(float, na_value=np.nan)
    return long_term_months(pd.to_datetime(daily["day"]), sun, years=years), {}
