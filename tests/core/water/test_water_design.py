"""Design flows, self-cleansing, costs, and classes by money."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.water.costs import (
    CostTable,
    cost_table,
    grey_cost,
    mixed_drains,
    pipe_cost,
    present_value,
    replacement_year,
    yearly_value,
)
from kansenkaart.core.water.decoupling import (
    discharge_rule,
    grey_reason,
    interval_rules,
    longest,
    pipe_change,
    pipe_savings,
    rain_reason,
    saving_interval,
    weighted,
)
from kansenkaart.core.water.design import (
    DesignRules,
    design_diameters,
    design_slope,
    dry_flow,
    harmon_peak,
    rain_flow,
    scenario_shares,
    self_cleansing,
)
from kansenkaart.core.water.hydraulics import STANDARD_DIAMETERS_MM
from kansenkaart.core.water.sewer import Loads
from kansenkaart.core.water.table import money_class
from kansenkaart.errors import ConfigError, SchemaError
from tests.core.water import water_world
from tests.core.water.water_world import DATA

RULES = DesignRules()
PRICES = replace(water_world.PRICES, price_index=1.0)
TABLE = cost_table(pd.read_csv(DATA / "sewer_costs.csv"))


def load(system, people, paved):
    return pd.DataFrame({"system": system, "people": people, "paved_m2": paved, "length_m": 100.0})


def test_rain_outweighs_grey_water_nearly_two_hundred_times():
    # 2.3 people x 10 l/h = 0.0064 l/s; 200 m2 at 60 l/s/ha = 1.2 l/s
    home = float(dry_flow(2.3, participation=0.0, rules=RULES))
    rain = float(rain_flow(200.0, participation=0.0, rules=RULES))
    assert home == pytest.approx(0.00639, abs=1e-5)
    assert rain == pytest.approx(1.2)
    assert rain / home == pytest.approx(188, abs=1)


def test_grey_off_takes_its_share_and_no_more():
    # 60.1 of 128.1 l: 53.1 % is left
    left = dry_flow(1000.0, participation=1.0, rules=RULES) / dry_flow(1000.0, participation=0.0, rules=RULES)
    assert left == pytest.approx(68.0 / 128.1)
    assert rain_flow(1e4, participation=1.0, rules=RULES) == pytest.approx(15.0)


def test_a_combined_sewer_is_sized_by_rain_and_a_small_foul_sewer_by_its_minimum():
    # combined: 240 l/s of rain + 1.4; 61.4 l/s when rain is off, just within DN300 at 1:250 (61.8 l/s full)
    frame = load(["gemengd", "vuilwater", "vuilwater"], [500.0, 500.0, 9000.0], [40_000.0, 0.0, 0.0])
    found = design_diameters(frame, slope=[0.004, 0.004, 0.004], rules=RULES)
    assert found["diameter_as_is_mm"].tolist() == [600, 200, 300]
    assert found["diameter_grey_off_100_mm"].tolist() == [600, 200, 250]
    assert found["diameter_rain_off_100_mm"].tolist() == [300, 200, 300]


def test_unknown_and_flat_slopes_say_so():
    slope, basis = design_slope([np.nan, 0.004, -0.01, 0.0, 1 / 1000], rules=RULES)
    assert slope.tolist() == [1 / 500, 0.004, 1 / 1000, 1 / 1000, 1 / 1000]
    assert basis.tolist() == ["assumed", "levels", "flat", "flat", "levels"]


def test_self_cleansing_says_which():
    # shear at the dry peak with slope 0.004: few people leave the pipe almost dry; many keep it clean
    frame = load(["vuilwater"] * 3 + ["hemelwater"], [30.0, 2000.0, 3500.0, 0.0], [0.0] * 4)
    before, after = np.array([200.0, 200.0, 250.0, 300.0]), np.array([200.0, 200.0, 200.0, 300.0])
    found = self_cleansing(frame, slope=[0.004] * 4, before_mm=before, after_mm=after, rules=RULES)
    assert found["cleansing"].tolist() == ["silts_already", "clean", "shrinks", "not_foul"]
    frame = load(["vuilwater"], [500.0], [0.0])
    shear = self_cleansing(frame, slope=[0.004], before_mm=before[:1], after_mm=after[:1], rules=RULES)
    limit = float(shear["shear_before_n_per_m2"].iloc[0]) - 0.01
    edge = DesignRules(shear_min_n_per_m2=limit)
    found = self_cleansing(frame, slope=[0.004], before_mm=before[:1], after_mm=after[:1], rules=edge)
    assert found["cleansing"].tolist() == ["keeps_size_may_silt"]


def test_an_unknown_scenario_is_refused():
    with pytest.raises(ConfigError):
        scenario_shares("alles", participation=1.0)
    with pytest.raises(ConfigError):
        DesignRules(grey_frac=1.5)
    with pytest.raises(ConfigError):
        DesignRules(slope_min=0.0)


def test_cost_of_a_metre_by_hand():
    # DN300: 400 + 2320 / 40 = 458; DN250 halfway to DN200 (340 + 1860 / 40 = 386.50): 422.25; below the table as DN200
    cost = pipe_cost([300, 250, 160, np.nan, 1600], table=TABLE, prices=PRICES)
    assert cost[:3] == pytest.approx([458.0, 422.25, 386.5])
    assert np.isnan(cost[3:]).all()
    assert pipe_cost([300], table=TABLE, prices=water_world.PRICES) == pytest.approx([641.2])


def test_a_saving_by_hand():
    # 600 -> 300 over 100 m in 2046 at 4 %: (660 + 4490/40) - (400 + 2320/40) = 314.25; 31,425 / 1.04^20
    design = design_diameters(load(["gemengd"], [500.0], [40_000.0]), slope=[0.004], rules=RULES)
    saved = pipe_savings(design, length_m=[100.0], year=[2046.0], table=TABLE, prices=PRICES)
    assert saved["saving_rain_off_eur"].iloc[0] == pytest.approx(31_425 / 1.04**20)
    assert saved["saving_grey_off_eur"].iloc[0] == 0


def test_the_interval_holds_the_middle():
    frame = load(["gemengd", "vuilwater"], [500.0, 8000.0], [40_000.0, 0.0])
    variants = (RULES, *interval_rules(RULES, slopes=(1 / 250, 1 / 1000), rains_l_per_s_ha=(60.0, 90.0)))
    slope = np.array([np.nan, np.nan])
    span = saving_interval(
        frame, slope=slope, start_year=[1980.0, 1980.0], rules=variants, prices=(PRICES,), table=TABLE
    )
    design = design_diameters(frame, slope=design_slope(slope, rules=RULES)[0], rules=RULES)
    middle = pipe_savings(design, length_m=frame["length_m"], year=[2040.0] * 2, table=TABLE, prices=PRICES)
    for name in span.columns.str.removesuffix("_low").str.removesuffix("_high"):
        assert (span[f"{name}_low"] <= middle[name] + 1e-6).all()
        assert (middle[name] <= span[f"{name}_high"] + 1e-6).all()


def test_a_sewer_is_due_by_its_own_year_and_never_by_the_age_of_the_homes():
    year = replacement_year([1990, np.nan, 1950], prices=PRICES)
    assert year[[0, 2]].tolist() == [2050, 2026]
    assert np.isnan(year[1])


def test_a_pipe_that_stays_as_it_is_saves_nothing_whenever_it_is_due():
    design = pd.DataFrame({"diameter_as_is_mm": [300.0, 300.0], "diameter_both_100_mm": [300.0, 200.0]})
    for part in ("grey_off", "rain_off"):
        design[f"diameter_{part}_100_mm"] = 300.0
    saved = pipe_savings(design, length_m=[100.0, 100.0], year=[np.nan, np.nan], table=TABLE, prices=PRICES)
    assert saved.iloc[0].tolist() == [0.0, 0.0, 0.0]
    assert saved["saving_grey_off_eur"].tolist() == [0.0, 0.0]
    assert np.isnan(saved["saving_both_eur"].iloc[1])


def test_present_value_and_annuity_by_hand():
    assert present_value(100.0, year=2027, prices=PRICES) == pytest.approx(100 / 1.04)
    assert present_value(100.0, year=2020, prices=PRICES) == 100
    assert PRICES.annuity_factor == pytest.approx(13.5903, abs=1e-4)
    assert replace(PRICES, discount_frac=0.0).annuity_factor == 20


def test_costs_and_gains_of_grey_water_by_hand():
    assert grey_cost(10.0, mixed_drain_homes=4.0, prices=PRICES) == 10 * 3500 + 4 * 1500
    found = yearly_value(100.0, kept_out_m3=100.0, prices=PRICES)
    assert {name: round(float(value), 2) for name, value in found.items()} == {
        "drinking_water_eur_per_year": 239.0,
        "treatment_eur_per_year": 10.0,
        "pumping_eur_per_year": 2.6,
    }
    assert mixed_drains([1991, 1992, np.nan]).tolist() == [True, False, True]


def test_wrong_prices_and_tables_are_refused():
    with pytest.raises(ConfigError):
        replace(PRICES, sewer_life_low=90)
    with pytest.raises(SchemaError):
        CostTable((300.0, 200.0), (1.0, 2.0), (1.0, 2.0))
    with pytest.raises(SchemaError):
        cost_table(pd.DataFrame({"diameter_mm": [200]}))


def test_the_forty_metre_rule():
    assert discharge_rule(np.array([0.0, 40.0, 40.1, np.inf, np.nan]), rule_m=40.0).tolist() == [
        "sewer_near",
        "sewer_near",
        "no_sewer_near",
        "no_sewer_near",
        "unknown",
    ]


def test_a_class_says_what_the_interval_can_tell_and_nothing_finer():
    low = pd.Series([1.0, -5.0, -1.0, -9.0, np.nan, -1.0, 0.0])
    high = pd.Series([9.0, 5.0, 1.0, 0.0, 4.0, np.nan, 4.0])
    assert money_class(low, high).tolist() == ["A", "B", "B", "C", "?", "?", "B"]


@settings(max_examples=60)
@given(*(st.floats(-100, 100) for _ in range(4)))
def test_what_overlaps_on_both_sides_of_nil_shares_a_class_and_more_money_never_stands_lower(a, b, c, d):
    low, high = pd.Series([min(a, b), min(c, d)]), pd.Series([max(a, b), max(c, d)])
    one, other = money_class(low, high)
    if (low <= 0).all() and (high > 0).all():
        assert one == other == "B"
    if low[0] >= low[1] and high[0] >= high[1]:
        assert one <= other


def test_few_people_peak_more_sharply_than_many():
    # 1,000 people: 1 + 14 / (4 + 1) = 3.8 times 128.1 l a day; one person nearly 4.5 times
    peak = harmon_peak([1000.0, 1.0, 0.0], total_l_per_person_day=128.1)
    assert peak[0] == pytest.approx(1000 * 128.1 / 86_400 * 3.8)
    assert peak[1] == pytest.approx(128.1 / 86_400 * (1 + 14 / (4 + np.sqrt(0.001))))
    assert peak[2] == 0
    # The flat 10 l/h of the design lies below it for a street, and above it for a great town.
    flat = dry_flow([100.0, 1e7], participation=0.0, rules=RULES)
    sharp = harmon_peak([100.0, 1e7], total_l_per_person_day=128.1)
    assert sharp[0] > flat[0]
    assert sharp[1] < flat[1]


def test_every_standard_diameter_has_its_cost():
    assert set(STANDARD_DIAMETERS_MM) - set(TABLE.diameter_mm) == {250.0}  # between those of 200 and 300


def test_half_a_square_metre_of_paving_has_its_share_and_none_has_none():
    rain = pd.DataFrame({"street_id": ["a", "a", "b"], "combined_m2": [0.1, 0.1, 0.0], "paved_m2": [0.25, 0.25, 0.0]})
    found = Loads(pd.DataFrame(), pd.DataFrame(), rain).combined_frac()
    assert found["a"] == pytest.approx(0.4)
    assert np.isnan(found["b"])


def test_the_first_reason_that_holds_is_told_and_a_euro_is_no_saving():
    grey = pd.DataFrame(
        [
            (0, None, None, np.nan, "no_homes"),
            (1, None, None, np.nan, "no_sewer"),
            (1, "gemengd", True, np.nan, "unknown"),
            (1, "gemengd", True, 1.01, "saves"),
            (1, "gemengd", True, 1.0, "rain_sizes_it"),
            (1, "vuilwater", True, 0.0, "minimum_diameter"),
            (1, "vuilwater", False, 0.0, "same_size"),
            (1, "vuilwater", None, 0.0, "same_size"),
        ],
        columns=["homes", "foul_system", "foul_at_minimum", "saving_grey_off_eur", "told"],
    )
    assert grey_reason(grey).tolist() == grey["told"].tolist()
    rain = pd.DataFrame(
        [
            (None, None, 9.0, np.nan, "no_sewer"),
            ("hemelwater", None, 9.0, np.nan, "already_separate"),
            ("gemengd", None, 0.0, np.nan, "no_paving"),
            ("gemengd", None, 0.5, np.nan, "unknown"),
            ("gemengd", True, 0.5, 1.01, "saves"),
            ("gemengd", True, 0.5, 1.0, "minimum_diameter"),
            ("gemengd", False, 0.5, 0.0, "same_size"),
        ],
        columns=["rain_system", "rain_at_minimum", "paved_sewer_m2", "saving_rain_off_eur", "told"],
    )
    assert rain_reason(rain).tolist() == rain["told"].tolist()


def test_what_makes_a_pipe_smaller_and_what_holds_over_most_of_a_street_by_hand():
    names = [f"diameter_{one}_mm" for one in ("as_is", "grey_off_100", "rain_off_100", "both_100")]
    sizes = [
        (np.nan, 200, 200, 200),
        (300, 250, 250, 250),
        (300, 300, 250, 200),
        (300, 300, 300, 250),
        (300, 300, 300, 300),
    ]
    assert pipe_change(pd.DataFrame(sizes, columns=names)).tolist() == ["unknown", "grey", "rain", "both", "same"]
    pipe = pd.DataFrame(
        {"street_id": list("aaabbc"), "length_m": [10.0, 30, 25, 5, 5, 7], "size": [200.0, 300, 200, 250, 300, np.nan]}
    )
    assert longest(pipe, "size").to_dict() == {
        "a": 200.0,
        "b": 300.0,
    }  # 35 m of 200 against 30 m; of two alike the larger
    # (10 x 200 + 30 x 300 + 25 x 200) / 65; halfway; unknown
    assert weighted(pipe, "size").to_dict() == pytest.approx({"a": 16_000 / 65, "b": 275.0})
