"""Which inputs carry the doubt, on sums made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kansenkaart.score import sensitivity
from kansenkaart.tables.assumptions import default


def test_an_input_without_a_range_does_not_move_and_the_widest_comes_first():
    ranges = {"still": (2.0, 2.0, 2.0), "wide": (0.0, 3.0, 6.0), "narrow": (0.0, 1.0, 2.0)}
    table = sensitivity.shares_of(lambda drawn: drawn["still"] + drawn["wide"] + drawn["narrow"], ranges)
    assert table["input_name"].tolist() == ["wide", "narrow"]
    assert table["first_order_frac"].tolist() == pytest.approx([0.9, 0.1], abs=0.02)


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
