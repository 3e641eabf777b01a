"""What homes can use of their sun, hour by hour, and the size of system that pays.

The load of N homes in an hour is random: a gamma variable with the mean of the hour's profile and a relative spread
c / sqrt(N), so that many homes smooth each other. Own use is the expected lesser of sun and load, in closed form:
E[min(P, L)] = m G(k + 1, P k / m) + P (1 - G(k, P k / m)), with m the mean load, k = N / c2 and G the regularised lower
incomplete gamma function. The one free number, the share of the load that follows the sun (washing by day, working at home, an
electric car), is set so that a known point comes out: the own use of all Dutch homes with panels, which the statistics
give as what they produce less what they feed in. A load of the usual shape reaches it only if perfectly smooth.

References
----------
1. CBS, StatLine 81528NED (delivered and net) and 85005NED (production of homes), 2022-2024 (calibration point).
2. NIST Digital Library of Mathematical Functions, 8.2 (incomplete gamma functions), https://dlmf.nist.gov/8.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammainc

from kansenkaart.errors import ConfigError, InfeasibleError

Doubles = NDArray[np.float64]
# Relative load of a Dutch home at each hour of local time, winter and summer (guess, after the shape of the published
# profiles for small connections: low at night, a small peak at breakfast, a large one from 17 to 22 h).
WINTER = (
    0.66,
    0.58,
    0.55,
    0.54,
    0.55,
    0.62,
    0.80,
    1.02,
    1.06,
    1.04,
    1.04,
    1.06,
    1.10,
    1.06,
    1.02,
    1.05,
    1.22,
    1.55,
    1.70,
    1.66,
    1.55,
    1.40,
    1.15,
    0.86,
)
SUMMER = (
    0.62,
    0.55,
    0.52,
    0.51,
    0.52,
    0.58,
    0.74,
    0.95,
    1.05,
    1.08,
    1.10,
    1.13,
    1.18,
    1.12,
    1.06,
    1.05,
    1.12,
    1.26,
    1.30,
    1.22,
    1.14,
    1.15,
    1.05,
    0.84,
)
YEARLY_SWING = 0.13  # January above, July below the mean (guess)
WEEKEND = 1.03  # load of a Saturday or Sunday against a weekday (guess)
RATIOS = np.geomspace(0.02, 20.0, 61)  # sun over load, both per year, of the table of own use


@dataclass(frozen=True)
class OwnUse:
    """Share of the sun that is used under the roof [1], by the yearly ratio of sun to load; made by ``own_use``."""

    ratio: Doubles
    share: Doubles

    def of(self, sun_kwh: NDArray[Any], *, use_kwh: NDArray[Any]) -> Doubles:
        """Own use [kWh/year] of yearly sums; 0 where there is no sun or no load, NaN where either is unknown."""
        sun, use = np.broadcast_arrays(np.asarray(sun_kwh, float), np.asarray(use_kwh, float))
        none = (sun <= 0) | (use <= 0)
        ratio = np.where(none, 1.0, sun) / np.where(none, 1.0, use)
        share = np.interp(np.log(ratio), np.log(self.ratio), self.share)
        share = np.where(ratio > self.ratio[-1], self.share[-1] * self.ratio[-1] / ratio, share)
        return np.asarray(np.where(none, 0.0, share * sun))


@dataclass(frozen=True)
class Prices:
    """Money of a system: price and export [EUR/kWh], price of the system [EUR/kWp], yearly share of it to pay [1/year]."""

    own_use_eur_per_kwh: float
    export_eur_per_kwh: float
    pitched_eur_per_kwp: float
    flat_eur_per_kwp: float
    annuity: float


def annuity(rate: float, *, years: float, upkeep: float = 0.0) -> float:
    """Yearly payment on a loan of 1, with upkeep as a share of the price [1/year].

    Parameters
    ----------
    rate : float
        Interest [1/year].
    years : float
        Term [year].
    upkeep : float
        Yearly upkeep as a share of the price [1/year].
    """
    if years <= 0:
        raise ConfigError("a life above 0 years", found=str(years), where="annuity")
    return upkeep + (1.0 / years if rate == 0 else rate / (1.0 - (1.0 + rate) ** -years))


def household_profile(times: pd.DatetimeIndex) -> Doubles:
    """Mean load of a home in every hour, as shares that sum to 1 [1].

    Parameters
    ----------
    times : pandas.DatetimeIndex
        Hours with a time zone; read as Dutch local time.

    Raises
    ------
    ConfigError
        If the hours have no time zone.
    """
    if times.tz is None:
        raise ConfigError("hours with a time zone", found="none", where="times")
    local = times.tz_convert("Europe/Amsterdam")
    hour, day = local.hour.to_numpy(), local.day_of_year.to_numpy()
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * (day - 15) / 365.25)  # 1 in the middle of January, 0 in July
    shape = wave * np.array(WINTER)[hour] + (1 - wave) * np.array(SUMMER)[hour]
    load = shape * (1 + YEARLY_SWING * (2 * wave - 1)) * np.where(local.day_of_week.to_numpy() >= 5, WEEKEND, 1.0)
    return np.asarray(load / load.sum())


def own_use_kwh(sun_kwh: Doubles, load_kwh: Doubles, *, homes: float, spread: float) -> float:
    """Own use of a year [kWh/year] of the hourly sun and mean load [kWh] of a number of homes together.

    Parameters
    ----------
    sun_kwh, load_kwh : array
        Hour by hour: the sun of the roof, and the mean load of all homes together [kWh].
    homes : float
        Homes behind the meter [home].
    spread : float
        Spread of one home's load [1].
    """
    shape = homes / spread**2
    mean = np.maximum(load_kwh, 1e-12)
    x = sun_kwh * shape / mean
    return float((mean * gammainc(shape + 1, x) + sun_kwh * (1 - gammainc(shape, x))).sum())


def follow_sun(
    sun_profile: Doubles, load_profile: Doubles, *, share: float, sun_kwh: float, use_kwh: float, spread: float
) -> float:
    """Share of a home's load that follows the sun [1], at which a measured share of its sun is used under the roof.

    Parameters
    ----------
    sun_profile, load_profile : numpy.ndarray
        Shares of the year per hour, each summing to 1.
    share : float
        Measured own use [1], at the yearly sums ``sun_kwh`` and ``use_kwh`` [kWh/year].
    spread : float
        Spread of one home's load in an hour [1].

    Returns
    -------
    float
        0 where the usual shape of the load uses as much or more.

    Raises
    ------
    InfeasibleError
        If even a load that follows the sun by half does not use that much.
    """

    def miss(part: float) -> float:
        load = shifted(load_profile, sun_profile, part) * use_kwh
        return own_use_kwh(sun_profile * sun_kwh, load, homes=1, spread=spread) / sun_kwh - share

    most = 0.5
    if miss(0.0) >= 0:
        return 0.0
    if miss(most) < 0:
        raise InfeasibleError(f"an own use of at most {miss(most) + share:.2f}", found=f"{share:.2f}", where="share")
    return float(brentq(miss, 0.0, most, xtol=1e-6))


def shifted(load_profile: Doubles, sun_profile: Doubles, part: float) -> Doubles:
    """Return a load of which a part [1] follows the sun; shares of the year per hour that sum to 1."""
    return np.asarray((1 - part) * load_profile + part * sun_profile)


def own_use(sun_profile: Doubles, load_profile: Doubles, *, homes: float, spread: float) -> OwnUse:
    """Tabulate own use of a number of homes behind one roof over the ratio of sun to load.

    Parameters
    ----------
    sun_profile, load_profile : array
        Hour by hour, each summing to 1 [1].
    homes : float
        Homes behind the meter [home].
    spread : float
        Spread of one home's load [1].
    """
    shares = [own_use_kwh(sun_profile * r, load_profile, homes=homes, spread=spread) / r for r in RATIOS]
    return OwnUse(RATIOS, np.array(shares))


def balance(sun_kwh: Doubles, load_kwh: Doubles, *, homes: float, spread: float) -> dict[str, float]:
    """Sum a year of hours: ``own_kwh``, ``export_kwh``, ``import_kwh`` [kWh/year], ``own_use_frac``, ``covered_frac`` [1].

    Parameters
    ----------
    sun_kwh, load_kwh : array
        Hour by hour: sun and mean load [kWh].
    homes : float
        Homes behind the meter [home].
    spread : float
        Spread of one home's load [1].
    """
    own, sun, load = own_use_kwh(sun_kwh, load_kwh, homes=homes, spread=spread), sun_kwh.sum(), load_kwh.sum()
    return {
        "own_kwh": own,
        "export_kwh": float(sun - own),
        "import_kwh": float(load - own),
        "own_use_frac": float(own / sun) if sun > 0 else float("nan"),
        "covered_frac": float(own / load) if load > 0 else float("nan"),
    }


def economic_size(
    faces: pd.DataFrame, *, own: OwnUse, prices: Prices, module_kwp: float, steps: int = 400
) -> pd.DataFrame:
    """Find the number of modules with the highest net value a year on each roof, its best face filled first.

    The best face is the one whose module leaves most when all of its sun is used. Each next module then brings no more than
    the one before, so the sum over n modules is concave, and every number up to ``steps`` is tried; of larger roofs as many
    even steps.

    Parameters
    ----------
    faces : pandas.DataFrame
        ``roof`` (any label), ``modules`` that fit [1], ``kwh_per_kwp`` [kWh/kWp/year], ``flat`` (price of a flat roof), and
        ``use_kwh`` of the homes under the roof [kWh/year], the same for all its faces.
    own : OwnUse
        Own use for that number of homes.
    prices : Prices
        Money.
    module_kwp : float
        Power of a module [kWp].
    steps : int
        Sizes tried per roof [1].

    Returns
    -------
    pandas.DataFrame
        By roof: ``modules``, ``kwp``, ``sun_kwh``, ``own_kwh``, ``export_kwh`` [kWh/year], ``net_eur`` [EUR/year]; zero
        modules where none pays, NaN where use, or yield or modules of a face is unknown.
    """
    price = np.where(faces["flat"].to_numpy(bool), prices.flat_eur_per_kwp, prices.pitched_eur_per_kwp) * prices.annuity
    gain = faces["kwh_per_kwp"].to_numpy(float) * prices.own_use_eur_per_kwh - price
    number, roofs = pd.factorize(faces["roof"], sort=True)
    order = np.lexsort((np.arange(len(faces)), -gain, number))
    table = np.column_stack([*(faces[name].to_numpy(float) for name in ("modules", "kwh_per_kwp", "use_kwh")), price])
    parts = np.split(table[order], np.flatnonzero(np.diff(number[order])) + 1) if len(faces) else []
    rows = {
        roof: _best_number(mine, own=own, prices=prices, module_kwp=module_kwp, steps=steps)
        for roof, mine in zip(roofs, parts, strict=True)
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=SIZE_COLUMNS, dtype=float)


SIZE_COLUMNS = ["modules", "kwp", "sun_kwh", "own_kwh", "export_kwh", "net_eur"]


def _best_number(
    faces: NDArray[np.float64], *, own: OwnUse, prices: Prices, module_kwp: float, steps: int
) -> tuple[float, ...]:
    """Try numbers of modules on the faces of one roof, in the order given: modules, yield, use and price of each."""
    modules, yields, use, price = faces.T
    if np.isnan(modules).any() or np.isnan(yields[modules > 0]).any() or np.isnan(use[0]):
        return (np.nan,) * len(SIZE_COLUMNS)
    filled = np.concatenate([[0.0], np.cumsum(modules)])
    total = int(filled[-1])
    tries = np.arange(total + 1.0) if total <= steps else np.round(np.linspace(0, total, steps + 1))
    yields = np.where(modules > 0, yields, 0.0)
    sun = np.interp(tries, filled, np.concatenate([[0.0], np.cumsum(modules * yields)])) * module_kwp
    cost = np.interp(tries, filled, np.concatenate([[0.0], np.cumsum(modules * price)])) * module_kwp
    used = own.of(sun, use_kwh=use[0])
    net = used * prices.own_use_eur_per_kwh + (sun - used) * prices.export_eur_per_kwh - cost
    best = int(net.argmax())
    return tuple(
        map(float, (tries[best], tries[best] * module_kwp, sun[best], used[best], (sun - used)[best], net[best]))
    )
