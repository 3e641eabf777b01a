"""Grey water, gardens and the store between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kansenkaart.core.scoring import add_grey_water
from kansenkaart.core.water.demand import Uses, balance, garden_demand_mm, indoor_demand, monthly, running_deficit
from kansenkaart.errors import ConfigError, SchemaError
from tests.pinned import require_as_pinned


def test_grey_water_of_a_home_by_hand():
    # 2.15 people x (46.2 + 5.2 + 8.7) l x 365.25 days = 47.2 m3 a year; the source says 47 per home.
    homes = add_grey_water(pd.DataFrame({"people": [2.15]}), litres_per_person_day=Uses().grey_l_per_person_day)
    supply = monthly(homes["grey_water_m3_per_year"])
    assert supply.shape == (1, 12)
    assert supply.sum() == pytest.approx(2.15 * 60.1 * 365.25 / 1000)
    assert supply.sum() == pytest.approx(47, abs=0.5)
    assert indoor_demand([2.15], l_per_person_day=60.1) == pytest.approx(supply)


def test_unknown_people_give_unknown_water():
    assert np.isnan(monthly([np.nan])).all()


def test_uses_beyond_the_total_are_refused():
    with pytest.raises(ConfigError):
        Uses(shower=200)


def season(rain, evaporation, year=2021):
    days = pd.date_range(f"{year}-04-01", f"{year}-09-30")
    return pd.DataFrame({"day": days, "rain_mm": rain, "evaporation_mm": evaporation})


def test_a_dry_summer_by_hand():
    # 3 mm a day without rain: April 90, May 93, June 90, July 93, August 93, September 90 mm
    found = garden_demand_mm(season(0.0, 3.0), crop_factor=1.0)
    assert found == pytest.approx([0, 0, 0, 90, 93, 90, 93, 93, 90, 0, 0, 0])
    assert garden_demand_mm(season(0.0, 3.0), crop_factor=0.5).sum() == pytest.approx(549 / 2)


def test_a_garden_drinks_in_high_summer_though_single_years_break_off():
    # Two seasons: one whose deficit ends with a wet June, one with a dry June; each month has dry days in one of them.
    wet = season(0.0, 3.0, year=2021)
    wet.loc[wet["day"].dt.month == 6, "rain_mm"] = 20.0
    dry = season(0.0, 3.0, year=2022)
    found = garden_demand_mm(pd.concat([wet, dry]), crop_factor=1.0)
    assert (found[3:9] > 0).all()
    assert found[[0, 1, 2, 9, 10, 11]].sum() == 0
    # highest deficits: 276 mm (July to September) and 549 mm; half way between them
    assert found.sum() == pytest.approx((276 + 549) / 2)


def test_rain_above_the_need_is_not_saved_up():
    # the running deficit never falls below 0: 5 mm surplus on the first day does not help later
    days = season(0.0, 1.0)
    days.loc[0, "rain_mm"] = 6.0
    deficit = running_deficit(days, crop_factor=1.0)
    assert deficit.iloc[0] == 0
    assert deficit.iloc[1] == 1
    assert garden_demand_mm(season(5.0, 3.0), crop_factor=1.0).sum() == 0


def test_incomplete_seasons_are_not_used():
    with pytest.raises(SchemaError, match="complete"):
        garden_demand_mm(season(0.0, 3.0).iloc[:100], crop_factor=1.0)
    with pytest.raises(SchemaError):
        garden_demand_mm(season(0.0, 3.0).drop(columns="rain_mm"), crop_factor=1.0)
    with pytest.raises(SchemaError, match="twice"):
        running_deficit(pd.concat([season(0.0, 3.0)] * 2), crop_factor=1.0)


def test_balance_by_hand():
    # 10 m3 a month; toilet takes 4; garden wants 20 in July; the store holds 5
    supply, toilet, garden = np.full((1, 12), 10.0), np.full((1, 12), 4.0), np.zeros((1, 12))
    garden[0, 6] = 20.0
    found = balance(supply, demands={"toilet": toilet, "garden": garden}, store_m3=[5.0])
    assert found.used["toilet"].sum() == 48
    assert found.used["garden"].sum() == pytest.approx(5 + 10 - 4)
    assert found.stored_start.tolist() == [5.0]
    assert found.overflow.sum() == pytest.approx(120 - 48 - 11)


def test_wrong_shares_and_shapes_are_refused():
    with pytest.raises(ConfigError):
        balance(np.ones((1, 12)), demands={}, store_m3=0.0, participation=1.2)
    with pytest.raises(ConfigError):
        balance(np.ones((1, 12)), demands={"a": np.ones((2, 12))}, store_m3=0.0)


TABLE = arrays(float, (3, 12), elements=st.floats(0, 100))


@settings(max_examples=50)
@given(TABLE, TABLE, TABLE, arrays(float, 3, elements=st.floats(0, 200)), st.floats(0, 1))
def test_every_litre_is_used_stored_or_overflows(supply, first, second, store, share):
    found = balance(supply, demands={"first": first, "second": second}, store_m3=store, participation=share)
    left = found.stored_start + supply.sum(axis=1) * share
    assert left == pytest.approx((found.reused + found.overflow).sum(axis=1) + found.stored_end, abs=1e-6)
    assert (found.used["first"] <= first * share + 1e-9).all()
    assert (found.stored_end <= store * share + 1e-9).all()


def test_indoor_demand_by_hand():
    assert indoor_demand([1.0], l_per_person_day=30.2).sum() == pytest.approx(30.2 * 365.25 / 1000)


def test_gardens_and_stores_of_made_years_are_as_they_were():
    """Five seasons of showers, one with a gap of five days and one of a day; three streets with little, some and much room."""
    random = np.random.default_rng(3)
    rain = random.gamma(0.3, 6.0, 183 * 5)
    days = pd.concat(
        [season(rain[n::5], random.uniform(0.5, 5.0, 183), year=2018 + n) for n in range(5)], ignore_index=True
    )
    days.loc[400:404, "rain_mm"] = days.loc[700, "evaporation_mm"] = np.nan
    walked = running_deficit(days, crop_factor=0.9)
    gardens = {f"garden.{q}": garden_demand_mm(days, crop_factor=0.9, quantile=q) for q in (0.5, 0.9)}
    demands = {name: random.uniform(0, 8, (3, 12)) for name in ("toilet", "garden")}
    found = balance(random.uniform(0, 12, (3, 12)), demands=demands, store_m3=[0.0, 4.0, 60.0], participation=0.7)
    parts = {name: getattr(found, name) for name in ("supply", "overflow", "reused", "stored_start", "stored_end")}
    require_as_pinned("demand", {"deficit": walked.to_frame(), **gardens, **found.used, **parts})
