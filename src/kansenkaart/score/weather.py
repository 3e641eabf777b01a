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

from kansenkaart.core.solar.irradiance import IrradianceTable, cumulative_irradiance
from kansenkaart.core.solar.weather import (
    WEATHER_COLUMNS,
    LongTerm,
    Site,
    closing_minutes,
    long_term_months,
    scale_to_monthly,
)
from kansenkaart.errors import SchemaError
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
    """

    hours: pd.DataFrame
    site: Site
    table: IrradianceTable
    period: str
    mended: bool = False

    def notes(self) -> dict[str, int]:
        """Say for the lineage which clock was found and how much sun a level square metre gets [kWh/m2/year]."""
        term = f"zon geschaald naar {self.period}" if self.period else "zon van het typische jaar, niet geschaald"
        return {
            "minuten van tijdstip tot midden van het uur": round(self.site.mid_interval_minutes),
            f"{term}; kWh/m2 per jaar op een plat vlak": round(float(self.table.ghi.sum())),
            **({"bewaarde tabel van het weerstation beschadigd en opnieuw gemaakt": 1} if self.mended else {}),
        }


def station_of(store: Store, known: Assumptions) -> Station:
    """Read the weather of a study; what was worked out of the same weather before is kept in its folder."""
    raw = store.read("weather_hourly")
    hours = raw[list(WEATHER_COLUMNS)].set_axis(pd.DatetimeIndex(pd.to_datetime(raw["timestamp"], utc=True)))
    site = Site(float(raw["latitude_deg"].iloc[0]), float(raw["longitude_deg"].iloc[0]))
    term = _long_term(store, int(known.value("sun_long_term_years", "year")))
    scaled = hours if term is None else scale_to_monthly(hours, monthly_ghi_kwh_per_m2=term.kwh_per_m2)
    albedo = known.value("ground_albedo", "1")

    def make() -> tuple[float, IrradianceTable]:
        minutes = closing_minutes(hours, site=site)
        clocked = replace(site, mid_interval_minutes=minutes)
        return minutes, cumulative_irradiance(scaled, site=clocked, albedo=albedo)

    months = None if term is None else term.kwh_per_m2.tolist()
    key = key_of(hours, site.latitude_deg, site.longitude_deg, months, albedo)
    (minutes, table), mended = remembered(store.root / KEPT, key, make)
    period = "" if term is None else f"{term.first_year}-{term.last_year}"
    return Station(scaled, replace(site, mid_interval_minutes=minutes), table, period, mended)


def _long_term(store: Store, years: int) -> LongTerm | None:
    """Average the last complete years of the daily station, where it has enough of them."""
    if not store.has("weather_daily"):
        return None
    daily = store.read("weather_daily")
    sun = daily["global_radiation_kwh_per_m2"].to_numpy(float, na_value=np.nan)
    return long_term_months(pd.to_datetime(daily["day"]), sun, years=years)
