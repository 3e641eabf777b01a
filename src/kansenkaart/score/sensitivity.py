"""Which inputs carry most of the doubt about sun, grey water and rain water in this place.

Each of the three is one sum over the place, of stored scores, made anew for every draw of its inputs between low and high
(triangles around their middle); the shares of its variance are those of Sobol, by Saltelli's pairs of samples. What was
counted of streets and roofs stays as it is: only what is assumed moves. Sizes of systems stay those that pay in the middle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import Span
from kansenkaart.core.enterprise.uncertainty import sobol_shares, triangular_at
from kansenkaart.core.solar.balance import OwnUse, own_use
from kansenkaart.score import panden, roofs, weather
from kansenkaart.tables.assumptions import Assumption, Assumptions, price_factor
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store

Array = NDArray[np.float64]
Ranges = dict[str, tuple[float, float, float]]  # low, middle and high of each input, in its own unit
INPUTS = ("pand_score", "street_water", "street_water_month", *weather.INPUTS)
OUTPUTS = ("sensitivity",)
_SUN = (
    "electricity_price_all_in",
    "export_value_net",
    "pv_system_price_pitched",
    "pv_inverter_price",
    "pv_inverter_life",
    "pv_life",
    "pv_upkeep",
    "pv_degradation",
    "discount_rate_real",
    "self_consumption_reference",
)
_GREY = (
    "drinking_water_price",
    "treatment_cost_running",
    "sewer_pumping_energy",
    "electricity_price_all_in",
    "grey_water_system_cost",
    "mixed_drains_extra_cost",
    "water_use_total",
    "garden_crop_factor",
    "discount_rate_real",
    "analysis_period",
)
_RAIN = ("decoupling_rain_cost", "sewer_life", "discount_rate_real", "reference_year")
_AREA = {"bgt": "yard_paved_share", "per home": "garden_area_default"}
USED = (*weather.USED, *roofs.FIT_USED, *panden.USE_USED, *_SUN, *_GREY, *_RAIN, *_AREA.values())
_DRAWS_LOG2, _SEED = 9, 20260101
_PERCENT, _W_PER_KW, _COST_TABLE_YEAR = 0.01, 1000.0, 2015
Model = Callable[[Mapping[str, Array]], Array]


def ready(store: Store) -> bool:
    """Tell whether there is any score whose inputs can be compared."""
    return (store.has("pand_score") and store.has("weather_hourly")) or store.has("street_water_month")


def score_inputs(store: Store, figures: Assumptions) -> Sequence[Product]:
    """Make the table ``sensitivity``: per score the inputs by their share of its variance, the largest first.

    Parameters
    ----------
    store : Store
        With the scores that `ready` asks for.
    figures : Assumptions
        All figures with their bounds.
    """
    made = []
    if store.has("pand_score") and store.has("weather_hourly"):
        made.append(("sun", *_sun(store, figures)))
    if store.has("street_water_month"):
        made += [("grey", *_grey(store, figures)), ("rain", *_rain(store, figures))]
    parts = [shares_of(model, ranges).assign(score_kind=kind) for kind, model, ranges in made if ranges]
    columns = ["score_kind", "input_name", "first_order_frac", "total_frac"]
    frame = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame({name: [] for name in columns})
    return [Product("sensitivity", frame, Tally(len(frame), len(frame)))]


def shares_of(model: Model, ranges: Ranges) -> pd.DataFrame:
    """Return the shares of the variance of a model that its inputs carry, the largest first.

    Parameters
    ----------
    model : callable
        From inputs by name, an array of draws each, to the outcome of each draw.
    ranges : dict
        Low, middle and high of each input; one without a range does not move.
    """
    moving = {name: one for name, one in ranges.items() if one[0] < one[2]}
    still = {name: np.array([one[1]]) for name, one in ranges.items() if name not in moving}

    def outcome(quantiles: Array) -> Array:
        drawn = {
            name: triangular_at(quantiles[:, n], Span(low, high), middle=middle)
            for n, (name, (low, middle, high)) in enumerate(moving.items())
        }
        return np.broadcast_to(model({**still, **drawn}), len(quantiles))

    first, total = sobol_shares(outcome, len(moving), draws_log2=_DRAWS_LOG2, seed=_SEED)
    frame = pd.DataFrame({"input_name": list(moving), "first_order_frac": first, "total_frac": total})
    return frame.sort_values(["total_frac", "input_name"], ascending=[False, True], ignore_index=True)


def _ranges(figures: Assumptions, names: Sequence[str]) -> Ranges:
    return {name: _range(figures[name]) for name in names}


def _range(row: Assumption) -> tuple[float, float, float]:
    return row.low, row.value, row.high


def _sun(store: Store, figures: Assumptions) -> tuple[Model, Ranges]:
    """Return what the panels that pay leave in a year, on all roofs over homes together."""
    pand = store.read("pand_score")
    pays = pand[pand["kwp_pay"].gt(0) & pand["own_use_pay_frac"].gt(0)]
    if pays.empty:
        return (lambda drawn: np.zeros(1)), {}
    kwp, kwh = float(pays["kwp_pay"].sum()), float(pays["yield_pay_kwh_per_year"].sum())
    own = float((pays["yield_pay_kwh_per_year"] * pays["own_use_pay_frac"]).sum()) / kwh
    sun, load, spread = panden.load_of(weather.station_of(store, figures), figures)
    curve = own_use(sun, load, homes=float(pays["homes"].median()), spread=spread)
    least, most = (float((pays["kwp_pay"] * one).sum()) / kwp for one in roofs.shared_range(pays["score_basis"]))
    low, middle, high = roofs.performance(figures)[1], *roofs.performance(figures)[::2]
    ranges = _ranges(figures, _SUN) | {
        "performance_ratio": (low / middle, 1.0, high / middle),
        "roof_power": (least, 1.0, most),
    }
    land = float(pays.loc[pays["pv_installed_frac_basis"].eq("land"), "kwp_pay"].sum()) / kwp
    if land > 0:
        ranges["homes_with_panels"] = _range(figures["homes_with_panels"])
    facts = {"kwp": kwp, "kwh": kwh, "own": own, "land": land}
    return partial(_sun_left, facts=facts, curve=curve, figures=figures), ranges


def _sun_left(drawn: Mapping[str, Array], *, facts: Mapping[str, float], curve: OwnUse, figures: Assumptions) -> Array:
    """Sum a year of the place [EUR/year]; the use under the roofs is what makes the curve give the own use of the middle."""
    kwp, kwh, own = facts["kwp"], facts["kwh"], facts["own"]
    rate, life = drawn["discount_rate_real"] * _PERCENT, drawn["pv_life"]
    middle_life, middle_loss = figures["pv_life"].value, figures["pv_degradation"].value * _PERCENT
    aged = (1 - drawn["pv_degradation"] * _PERCENT * life / 2) / (1 - middle_loss * middle_life / 2)
    ratio = float(np.exp(np.interp(-own, -curve.share, np.log(curve.ratio))))  # shares fall as the ratio rises
    sun = kwh * drawn["performance_ratio"] * aged
    followed = drawn["self_consumption_reference"] / figures["self_consumption_reference"].value
    used = np.minimum(curve.of(sun, use_kwh=np.asarray(kwh / ratio)) * followed, sun)
    bought = drawn["pv_system_price_pitched"] * _W_PER_KW
    bought = bought + drawn["pv_inverter_price"] / (1 + rate) ** drawn["pv_inverter_life"]
    yearly = drawn["pv_upkeep"] * _PERCENT + rate / (1 - (1 + rate) ** -life)
    worth = used * drawn["electricity_price_all_in"] + (sun - used) * drawn["export_value_net"]
    left = worth - kwp * bought * yearly
    if facts["land"] > 0:
        free = (1 - drawn["homes_with_panels"] * _PERCENT) / (1 - figures["homes_with_panels"].value * _PERCENT)
        left = left * (1 - facts["land"] + facts["land"] * free)
    return np.asarray(left * drawn["roof_power"])


def _grey(store: Store, figures: Assumptions) -> tuple[Model, Ranges]:
    """Return what taking grey water off nets over the analysis period, all streets together and everybody taking part."""
    street, month = store.read("street_water"), store.read("street_water_month")
    homes = float(street["homes"].sum())
    if homes == 0:
        return (lambda drawn: np.zeros(1)), {}
    used = {name: float(month[f"{name}_m3"].sum()) for name in ("grey", "toilet", "washing", "garden", "green")}
    extra = float(street["cost_grey_eur"].sum()) - homes * figures["grey_water_system_cost"].value
    area = "yard_paved_share" if store.has("terrain") else "garden_area_default"
    ranges = _ranges(figures, (*_GREY, area))
    saved = street[street["saving_grey_off_eur"].notna()]
    low, middle, high = (float(saved[f"saving_grey_off_eur{end}"].sum()) for end in ("_low", "", "_high"))
    ranges["sewer_saving"] = (min(low, middle), middle, max(high, middle))
    facts = {**used, "homes": homes, "mixed": extra / figures["mixed_drains_extra_cost"].value}
    return partial(_grey_left, facts=facts, area=area, figures=figures), ranges


def _grey_left(drawn: Mapping[str, Array], *, facts: Mapping[str, float], area: str, figures: Assumptions) -> Array:
    """Sum the place [EUR]: more use brings more water and more to flush, gardens ask by their soft area."""
    use = drawn["water_use_total"] / figures["water_use_total"].value
    paved = area == "yard_paved_share"
    soft = (1 - drawn[area]) / (1 - figures[area].value) if paved else drawn[area] / figures[area].value
    crop = drawn["garden_crop_factor"] / figures["garden_crop_factor"].value
    asked = (facts["toilet"] + facts["washing"]) * use + facts["garden"] * soft * crop + facts["green"] * crop
    reused = np.minimum(asked, facts["grey"] * use)
    pumped = drawn["sewer_pumping_energy"] * drawn["electricity_price_all_in"]
    yearly = reused * (drawn["drinking_water_price"] + drawn["treatment_cost_running"] + pumped)
    rate = drawn["discount_rate_real"] * _PERCENT
    worth = yearly * (1 - (1 + rate) ** -drawn["analysis_period"]) / rate
    cost = facts["homes"] * drawn["grey_water_system_cost"] + facts["mixed"] * drawn["mixed_drains_extra_cost"]
    return np.asarray(worth - cost + drawn["sewer_saving"])


def _rain(store: Store, figures: Assumptions) -> tuple[Model, Ranges]:
    """Return what taking rain off nets when the sewer is replaced, over the streets of which it is known."""
    street = store.read("street_water")
    street = street[street["net_rain_eur"].notna() & street["replacement_year"].notna()]
    if street.empty:
        return (lambda drawn: np.zeros(1)), {}
    now = figures["reference_year"].value
    index = price_factor("civil works", year=_COST_TABLE_YEAR, level=int(now))
    ranges = _ranges(figures, _RAIN[:-1]) | {"civil_works_index": (index[1], index[0], index[2])}
    ahead = street["replacement_year"].to_numpy(float) - now
    rate, life = (_range(figures[name]) for name in ("discount_rate_real", "sewer_life"))
    least = _worth(ahead + life[2] - life[1], rate[2]) / _worth(ahead, rate[1]) * index[1] / index[0]
    most = _worth(ahead + life[0] - life[1], rate[0]) / _worth(ahead, rate[1]) * index[2] / index[0]
    saved = street["saving_rain_off_eur"].to_numpy(float)
    low, high = (street[f"saving_rain_off_eur{end}"].to_numpy(float) for end in ("_low", "_high"))
    total = saved.sum() or 1.0  # where nothing is saved its width counts for nothing
    ranges["sewer_design"] = (min((low / least).sum() / total, 1.0), 1.0, max((high / most).sum() / total, 1.0))
    cost = street["cost_rain_eur"].to_numpy(float)
    return partial(_rain_left, saved=saved / index[0], cost=cost, ahead=ahead, figures=figures), ranges


def _worth(ahead: Array, rate_pct: float) -> Array:
    return np.asarray((1 + rate_pct * _PERCENT) ** -np.maximum(ahead, 0.0))


def _rain_left(drawn: Mapping[str, Array], *, saved: Array, cost: Array, ahead: Array, figures: Assumptions) -> Array:
    """Sum the place [EUR]: saving and cost fall in the year of replacement and are worth less the later that is."""
    rate = 1 + np.atleast_1d(drawn["discount_rate_real"])[:, None] * _PERCENT
    later = np.atleast_1d(drawn["sewer_life"])[:, None] - figures["sewer_life"].value
    then = rate ** -np.maximum(ahead[None, :] + later, 0.0)
    now = _worth(ahead, figures["discount_rate_real"].value)
    gain = (then @ (saved / now)) * drawn["sewer_design"] * drawn["civil_works_index"]
    spent = (then @ (cost / now)) * drawn["decoupling_rain_cost"] / figures["decoupling_rain_cost"].value
    return np.asarray(gain - spent)
