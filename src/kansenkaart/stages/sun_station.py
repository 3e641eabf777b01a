"""The weather of a study: a typical year with its clock set right, scaled to the measured sun of the last years."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kansenkaart.assumptions import Assumptions
from kansenkaart.core.solar.irradiance import IrradianceTable, cumulative_irradiance
from kansenkaart.core.solar.weather import WEATHER_COLUMNS, Site, closing_minutes, long_term_months, scale_to_monthly
from kansenkaart.store import Store

INPUTS = ("weather_hourly", "weather_daily")
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
    """

    hours: pd.DataFrame
    site: Site
    table: IrradianceTable
    period: str

    def notes(self) -> dict[str, int]:
        """Say for the lineage which clock was found and how much sun a level square metre gets [kWh/m2/year]."""
        term = f"zon geschaald naar {self.period}" if self.period else "zon van het typische jaar, niet geschaald"
        return {
            "minuten van tijdstip tot midden van het uur": round(self.site.mid_interval_minutes),
            f"{term}; kWh/m2 per jaar op een plat vlak": round(float(self.table.ghi.sum())),
        }


def station_of(store: Store, known: Assumptions) -> Station:
    """Read the weather of a study."""
    raw = store.read("weather_hourly")
    hours = raw[list(WEATHER_COLUMNS)].set_axis(pd.DatetimeIndex(pd.to_datetime(raw["timestamp"], utc=True)))
    site = Site(float(raw["latitude_deg"].iloc[0]), float(raw["longitude_deg"].iloc[0]))
    site = replace(site, mid_interval_minutes=closing_minutes(hours, site=site))
    hours, period = _scaled(hours, store, int(known.value("sun_long_term_years", "year")))
    table = cumulative_irradiance(hours, site=site, albedo=known.value("ground_albedo", "1"))
    return Station(hours, site, table, period)


def _scaled(hours: pd.DataFrame, store: Store, years: int) -> tuple[pd.DataFrame, str]:
    """Scale the months to the last complete years of the daily station, where it has enough of them."""
    daily = store.read("weather_daily") if store.has("weather_daily") else None
    found = None if daily is None else long_term_months(
        pd.to_datetime(daily["day"]), daily["global_radiation_kwh_per_m2"].to_numpy(float, na_value=np.nan), years=years
    )  # fmt: skip
    if found is None:
        return hours, ""
    return scale_to_monthly(hours, monthly_ghi_kwh_per_m2=found.kwh_per_m2), f"{found.first_year}-{found.last_year}"
