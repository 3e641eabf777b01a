"""Grey water that homes give and the uses that could take it, month by month, with a store between them.

Grey water here is household water (shower, bath, basin); rain water is never counted in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kansenkaart.core.water.arrays import Floats
from kansenkaart.errors import ConfigError, SchemaError

MONTHS = 12
MONTH_DAYS = np.array([31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0])
L_PER_M3 = 1000.0


@dataclass(frozen=True)
class Uses:
    """Water use by purpose [l/person/day]; the defaults are CBS/Vewin Watergebruik Thuis 2021.

    Parameters
    ----------
    shower, bath, wash_basin, washing_machine, toilet : float
        Litres per person and day.
    total : float
        All use together [l/person/day].
    """

    shower: float = 46.2
    bath: float = 5.2
    wash_basin: float = 8.7
    washing_machine: float = 16.9
    toilet: float = 30.2
    total: float = 128.1

    def __post_init__(self) -> None:
        parts = (self.shower, self.bath, self.wash_basin, self.washing_machine, self.toilet)
        if min(parts) < 0 or sum(parts) > self.total:
            raise ConfigError("uses of 0 or more that do not exceed the total", found=str(self), where="Uses")

    def times(self, factor: float) -> Uses:
        """Every use multiplied by one factor [1]."""
        names = ("shower", "bath", "wash_basin", "washing_machine", "toilet", "total")
        return replace(self, **{name: getattr(self, name) * factor for name in names})

    @property
    def grey_l_per_person_day(self) -> float:
        """Light grey water: shower, bath, wash basin [l/person/day]."""
        return self.shower + self.bath + self.wash_basin

    @property
    def grey_frac(self) -> float:
        """Grey share of all household waste water [1]."""
        return self.grey_l_per_person_day / self.total


def monthly(yearly_m3: npt.ArrayLike) -> Floats:
    """Spread an amount that is the same every day over the months: rows by 12 months [m3/month].

    Parameters
    ----------
    yearly_m3 : array_like
        Amount [m3/year]; unknown stays unknown.
    """
    amount = np.atleast_1d(np.asarray(yearly_m3, dtype=float))
    return np.asarray(amount[:, None] * MONTH_DAYS[None, :] / MONTH_DAYS.sum())


def indoor_demand(people: npt.ArrayLike, *, l_per_person_day: float) -> Floats:
    """Demand of a use all year round, toilet or washing machine: streets by 12 months [m3/month].

    Parameters
    ----------
    people : array_like
        Inhabitants [person].
    l_per_person_day : float
        Use [l/person/day].
    """
    return monthly(np.asarray(people, dtype=float) * l_per_person_day * MONTH_DAYS.sum() / L_PER_M3)


def running_deficit(daily: pd.DataFrame, *, crop_factor: float, first_month: int = 4, last_month: int = 9) -> pd.Series:
    """Add up the rain deficit of each season [mm]: D(t) = max(0, D(t-1) + factor x Makkink - rain), from 0 on its first day.

    KNMI, "Neerslagtekort" (definition of the running deficit, 1 April to 30 September).

    Parameters
    ----------
    daily : DataFrame
        `day` (dates), `rain_mm`, `evaporation_mm`; days with an unknown value end in an unknown season.
    crop_factor : float
        Water use of the garden against the reference crop [1].
    first_month, last_month : int
        The season [month].

    Raises
    ------
    SchemaError
        If a column is missing or a day comes twice.
    """
    if missing := {"day", "rain_mm", "evaporation_mm"} - set(daily.columns):
        raise SchemaError(
            "day, rain_mm, evaporation_mm", found=f"a table without {', '.join(sorted(missing))}", where="daily weather"
        )
    if daily["day"].duplicated().any():
        raise SchemaError("each day once", found="days twice", where="daily weather")
    when = pd.DatetimeIndex(pd.to_datetime(daily["day"]))
    need = daily["evaporation_mm"].to_numpy(dtype=float) * crop_factor - daily["rain_mm"].to_numpy(dtype=float)
    season = pd.Series(need, index=when).sort_index()
    months = pd.DatetimeIndex(season.index).month
    season = season[(months >= first_month) & (months <= last_month)]
    return season.groupby(pd.DatetimeIndex(season.index).year, group_keys=False).transform(_walk)


def _walk(need: pd.Series) -> pd.Series:
    # D(t) = S(t) - min(0, min S) with S the running sum: the sum above its lowest point so far.
    total = need.cumsum(skipna=False)
    return total - np.minimum(total.cummin(skipna=False), 0.0)


def garden_demand_mm(
    daily: pd.DataFrame, *, crop_factor: float, first_month: int = 4, last_month: int = 9, quantile: float = 0.5
) -> Floats:
    """Garden water per month [mm/month] in a season of a given dryness.

    The whole season asks the highest running deficit of that quantile among the complete seasons; the months share it as
    they do on average over all complete seasons, by the rain deficit of their dry days. One season would not do: in
    many of them a wet month breaks the deficit off, and a garden would seem to drink nothing in high summer.

    Parameters
    ----------
    daily : DataFrame
        As `running_deficit`.
    crop_factor : float
        Water use of the garden against the reference crop [1].
    first_month, last_month : int
        The season [month].
    quantile : float
        0.5 a median season, 0.9 a dry one [1].

    Raises
    ------
    SchemaError
        If no season is complete.
    """
    deficit = running_deficit(daily, crop_factor=crop_factor, first_month=first_month, last_month=last_month)
    when = pd.DatetimeIndex(deficit.index)
    days = round(float(MONTH_DAYS[first_month - 1 : last_month].sum()))
    whole = deficit.groupby(when.year).agg(lambda values: values.notna().sum()) >= days - 1
    highest = deficit.groupby(when.year).max()[whole]
    if highest.empty:
        raise SchemaError("at least one complete season of weather", found="none", where="daily weather")
    rise = deficit.groupby(when.year).diff().fillna(deficit).clip(lower=0.0)[when.year.isin(highest.index)]
    share = rise.groupby(pd.DatetimeIndex(rise.index).month).sum().reindex(range(first_month, last_month + 1))
    demand = np.zeros(MONTHS)
    total = float(share.sum())
    if total > 0:
        demand[first_month - 1 : last_month] = share.to_numpy() / total * float(highest.quantile(quantile))
    return demand


@dataclass(frozen=True)
class Balance:
    """What becomes of the grey water: rows by 12 months [m3/month].

    Parameters
    ----------
    supply : array
        Grey water of the homes that take part.
    used : dict of str to array
        Water given to each use, in order of preference.
    overflow : array
        Water that stays in the sewer.
    stored_start, stored_end : array
        Content of the store at the start and the end of the year [m3].
    """

    supply: Floats
    used: dict[str, Floats]
    overflow: Floats
    stored_start: Floats
    stored_end: Floats

    @property
    def reused(self) -> Floats:
        """All water that is used [m3/month]."""
        return np.asarray(sum(self.used.values()))


def balance(
    supply_m3: Floats, *, demands: dict[str, Floats], store_m3: npt.ArrayLike, participation: float = 1.0
) -> Balance:
    """Match supply and demand month by month; uses come in the order given, what is left is stored, the rest overflows.

    The year runs twice so that the store starts as it ends. Supply + start = used + overflow + end, to rounding.

    Parameters
    ----------
    supply_m3 : array
        Grey water, rows by 12 months [m3/month].
    demands : dict of str to array
        Demand per use, rows by 12 months [m3/month], in order of preference.
    store_m3 : array_like
        Size of the store of each row [m3].
    participation : float
        Share of homes that takes part [1]; scales supply, demand and store.

    Raises
    ------
    ConfigError
        If the participation lies outside 0-1 or a table has another shape.
    """
    if not 0 <= participation <= 1:
        raise ConfigError("participation between 0 and 1", found=str(participation), where="balance")
    if any(demand.shape != supply_m3.shape for demand in demands.values()) or supply_m3.shape[1] != MONTHS:
        raise ConfigError("supply and demands of rows by 12 months", found=str(supply_m3.shape), where="balance")
    size = np.broadcast_to(np.asarray(store_m3, dtype=float), supply_m3.shape[:1]) * participation
    supply = supply_m3 * participation
    scaled = {name: demand * participation for name, demand in demands.items()}
    content = _year(supply, scaled, size, np.zeros(len(supply)))[2]
    used, overflow, end = _year(supply, scaled, size, content)
    return Balance(supply, used, overflow, content, end)


def _year(
    supply: Floats, demands: dict[str, Floats], size: Floats, start: Floats
) -> tuple[dict[str, Floats], Floats, Floats]:
    used = {name: np.zeros_like(supply) for name in demands}
    overflow = np.zeros_like(supply)
    content = start.copy()
    for month in range(MONTHS):
        content = content + supply[:, month]
        for name, demand in demands.items():
            used[name][:, month] = np.minimum(demand[:, month], content)
            content = content - used[name][:, month]
        overflow[:, month] = np.maximum(content - size, 0.0)
        content = content - overflow[:, month]
    return used, overflow, content
