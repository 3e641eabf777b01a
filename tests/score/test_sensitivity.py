"""Which inputs carry the doubt, on sums made by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kansenkaart.core.solar.balance import OwnUse
from kansenkaart.score import sensitivity
from kansenkaart.tables.assumptions import default, price_factor
from tests.pinned import require_as_pinned


def test_an_input_without_a_range_does_not_move_and_the_widest_comes_first():
    ranges = {"still": (2.0, 2.0, 2.0), "wide": (0.0, 3.0, 6.0), "narrow": (0.0, 1.0, 2.0)}
    table = sensitivity.shares_of(lambda drawn: drawn["still"] + drawn["wide"] + drawn["narrow"], ranges)
    assert table["input_name"].tolist() == ["wide", "narrow"]
    assert table["first_order_frac"].tolist() == pytest.approx([0.9, 0.1], abs=0.02)


def test_the_sun_of_a_place_is_its_use_and_sales_less_panels_inverter_and_upkeep():
    figures, facts = default(), {"kwp": 10.0, "kwh": 9000.0, "own": 0.4, "land": 0.5}
    curve = OwnUse(ratio=np.array([0.5, 1.0, 2.0]), share=np.array([0.6, 0.4, 0.25]))
    middle = {name: np.array([figures[name].value]) for name in (*sensitivity._SUN, "homes_with_panels")}
    middle |= {"performance_ratio": np.array([1.0]), "roof_power": np.array([1.0])}
    value = {name: figures[name].value for name in sensitivity._SUN}
    rate, life = value["discount_rate_real"] / 100, value["pv_life"]
    one_inverter = value["pv_inverter_price"] / (1 + rate) ** value["pv_inverter_life"]
    price = 10 * (1000 * value["pv_system_price_pitched"] + one_inverter)
    yearly = value["pv_upkeep"] / 100 + rate / (1 - (1 + rate) ** -life)
    earned = 9000 * (0.4 * value["electricity_price_all_in"] + 0.6 * value["export_value_net"])
    made = sensitivity._sun_left(middle, facts=facts, curve=curve, figures=figures)
    assert made == pytest.approx(earned - price * yearly)
    full = middle | {"homes_with_panels": np.array([100.0])}  # where it was guessed, half of the power has its roofs
    left = sensitivity._sun_left(full, facts=facts, curve=curve, figures=figures)
    assert left == pytest.approx(0.5 * (earned - price * yearly))
    twice = middle | {"performance_ratio": np.array([2.0])}  # twice the sun over the same use: a quarter of it is used
    earned = 18000 * (0.25 * value["electricity_price_all_in"] + 0.75 * value["export_value_net"])
    more = sensitivity._sun_left(twice, facts=facts, curve=curve, figures=figures)
    assert more == pytest.approx(earned - price * yearly)


def test_grey_water_in_the_middle_is_the_sum_of_the_table():
    figures = default()
    facts = {
        "homes": 10.0,
        "mixed": 4.0,
        "grey": 500.0,
        "toilet": 200.0,
        "washing": 100.0,
        "garden": 50.0,
        "green": 0.0,
    }
    middle = {name: np.array([figures[name].value]) for name in (*sensitivity._GREY, "yard_paved_share")}
    middle["sewer_saving"] = np.array([700.0])
    made = sensitivity._grey_left(middle, facts=facts, area="yard_paved_share", figures=figures)
    price = figures["drinking_water_price"].value + figures["treatment_cost_running"].value
    price += figures["sewer_pumping_energy"].value * figures["electricity_price_all_in"].value
    rate, years = figures["discount_rate_real"].value / 100, figures["analysis_period"].value
    worth = 350.0 * price * (1 - (1 + rate) ** -years) / rate
    cost = 10 * figures["grey_water_system_cost"].value + 4 * figures["mixed_drains_extra_cost"].value
    assert made == pytest.approx(worth - cost + 700)


def test_a_longer_life_of_a_sewer_makes_saving_and_cost_worth_less():
    figures = default()
    middle = {
        name: np.array([figures[name].value]) for name in ("decoupling_rain_cost", "discount_rate_real", "sewer_life")
    }
    middle |= {"civil_works_index": np.array([1.5]), "sewer_design": np.array([1.0])}
    given = {"saved": np.array([600.0]), "cost": np.array([300.0]), "ahead": np.array([10.0]), "figures": figures}
    assert sensitivity._rain_left(middle, **given) == pytest.approx(600 * 1.5 - 300)
    later = middle | {"sewer_life": middle["sewer_life"] + 5}
    assert sensitivity._rain_left(later, **given) == pytest.approx((600 * 1.5 - 300) / 1.04**5)  # 4 % a year
    due = given | {"ahead": np.array([0.0])}
    assert sensitivity._rain_left(middle | {"sewer_life": np.array([40.0])}, **due) == pytest.approx(
        600.0
    )  # not before now


@pytest.mark.parametrize(
    ("euros", "low", "high", "least", "most"),
    [(0.1, 0.5, 1.25, 0.5, 1.25), (600.0, 0.5, 1.25, 0.5, 1.25), (600.0, 1.5, 0.5, 1, 1)],
)
def test_the_range_of_a_sewers_design_is_what_life_rate_and_index_do_not_account_for(euros, low, high, least, most):
    """Of the low end of a saving the others' share is taken: what is due this year is not discounted."""
    figures = default()
    index = price_factor("civil works", year=2015, level=int(figures["reference_year"].value))
    rate, life = figures["discount_rate_real"], figures["sewer_life"]
    due = figures["reference_year"].value + np.array([0.0, 100.0])
    later = {"low": 100 + life.high - life.value, "": 100.0, "high": 100 + life.low - life.value}
    rates = {"low": rate.high, "": rate.value, "high": rate.low}
    at_once = {"low": (1 + rate.high / 100) ** -(life.high - life.value), "": 1.0, "high": 1.0}
    worth = {end: np.array([at_once[end], (1 + rates[end] / 100) ** -later[end]]) for end in later}
    level = {"low": index[1] / index[0], "": 1.0, "high": index[2] / index[0]}
    own = {"low": low, "": 1.0, "high": high}
    saved = {f"_{end}".rstrip("_"): euros * own[end] * level[end] * worth[end] / worth[""] for end in later}
    street = pd.DataFrame({f"saving_rain_off_eur{end}": values for end, values in saved.items()})
    street = street.assign(net_rain_eur=1.0, cost_rain_eur=300.0, replacement_year=due)
    street.loc[2] = [euros] * 3 + [np.nan, 300.0, np.nan]  # of which nothing is known
    model, ranges = sensitivity._rain(SimpleNamespace(read={"street_water": street}.get), figures)
    assert ranges["sewer_design"] == pytest.approx((least, 1.0, most))  # the middle lies within
    assert ranges["civil_works_index"] == pytest.approx((index[1], index[0], index[2]))
    middle = {name: np.array([one[1]]) for name, one in ranges.items()}
    assert model(middle) == pytest.approx(2 * euros - 2 * 300)


def test_what_moves_each_sum_is_as_it_was():
    """Every input drawn between its bounds, for the sun, grey water with paved yards or with gardens, and rain."""
    figures, random = default(), np.random.default_rng(6)
    curve = OwnUse(ratio=np.array([0.5, 1.0, 2.0]), share=np.array([0.6, 0.4, 0.25]))
    kinds = ("grey", "toilet", "washing", "garden", "green", "homes", "mixed")
    water = dict(zip(kinds, (500.0, 200.0, 100.0, 150.0, 90.0, 10.0, 4.0), strict=True))
    rain = {"saved": np.array([600.0, 90.0]), "cost": np.array([300.0, 40.0]), "ahead": np.array([10.0, 0.0])}

    def drawn(names: tuple[str, ...], **more: tuple[float, float]) -> dict[str, np.ndarray]:
        ends = {name: (figures[name].low, figures[name].high) for name in names} | more
        return {name: random.uniform(low, high, 8) for name, (low, high) in ends.items()}

    sun = drawn((*sensitivity._SUN, "homes_with_panels"), performance_ratio=(0.9, 1.1), roof_power=(0.7, 1.2))
    place = {"kwp": 10.0, "kwh": 9000.0, "own": 0.4}
    made = {
        f"sun.{land}": sensitivity._sun_left(sun, facts=place | {"land": land}, curve=curve, figures=figures)
        for land in (0.0, 0.5)
    }
    for area in ("yard_paved_share", "garden_area_default"):
        inputs = drawn((*sensitivity._GREY, area), sewer_saving=(0.0, 700.0))
        made[area] = sensitivity._grey_left(inputs, facts=water, area=area, figures=figures)
    inputs = drawn(sensitivity._RAIN[:-1], civil_works_index=(0.8, 1.3), sewer_design=(0.5, 1.2))
    made["rain"] = sensitivity._rain_left(inputs, **rain, figures=figures)
    require_as_pinned("sums_drawn", {"sum": pd.DataFrame(made)})
