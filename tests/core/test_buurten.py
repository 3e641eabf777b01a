"""Things fall in the buurt that holds their inner point, and buurten add up to what lies in them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

from kansenkaart.core import scoring

CRS = "EPSG:28992"
#: Two squares of 10 m side by side.
BUURT = gpd.GeoDataFrame(
    {"buurtcode": ["BU02", "BU01"], "households": [4, 0]}, geometry=[box(10, 0, 20, 10), box(0, 0, 10, 10)], crs=CRS
)


def test_inside_on_the_border_and_outside():
    points = gpd.GeoDataFrame(
        geometry=[Point(5, 5), Point(15, 5), Point(10, 5), Point(99, 5)], crs=CRS, index=[7, 3, 9, 1]
    )
    out = scoring.add_buurtcode(points, buurt=BUURT)
    assert out.index.tolist() == [7, 3, 9, 1]
    assert [None if pd.isna(one) else one for one in out["buurtcode"]] == ["BU01", "BU02", "BU01", None]


def test_what_lies_over_a_border_is_where_its_inner_point_is():
    lands = gpd.GeoDataFrame(geometry=[box(8, 0, 16, 10), box(4, 0, 12, 10)], crs=CRS)
    assert scoring.add_buurtcode(lands, buurt=BUURT)["buurtcode"].tolist() == ["BU02", "BU01"]


def test_inhabitants_are_shared_over_the_homes_of_their_own_buurt_in_whatever_order():
    """Most homes lie in the second buurt of the table, none in the third; of the first half the households are here."""
    home = pd.DataFrame({"buurtcode": ["BU02", "BU02", "BU02", "BU01", None]})
    buurt = pd.DataFrame(
        {
            "buurtcode": ["BU01", "BU02", "BU03"],
            "inhabitants": [8.0, 7.5, 100.0],
            "households": [2.0, 3.0, 40.0],
            "household_size_persons": [1.9, 2.4, 2.2],
        }
    )
    out = scoring.add_people(home, buurt=buurt, household_size_design=2.1, whole_frac=0.75)
    assert out["people"].tolist() == pytest.approx([2.5, 2.5, 2.5, 1.9, 2.1])
    assert out["people_basis"].tolist() == ["count"] * 3 + ["cbs", "norm"]
    whole = scoring.add_people(home, buurt=buurt, household_size_design=2.1, whole_frac=0.5)
    assert whole["people"].tolist() == pytest.approx([2.5, 2.5, 2.5, 8.0, 2.1])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-5, 25), st.floats(-5, 15)), min_size=1, max_size=40))
def test_every_thing_is_in_one_buurt_or_in_none(places):
    points = gpd.GeoDataFrame(geometry=[Point(x, y) for x, y in places], crs=CRS)
    out = scoring.add_buurtcode(points, buurt=BUURT)
    assert len(out) == len(points)
    inside = np.array([0 <= x <= 20 and 0 <= y <= 10 for x, y in places])
    assert (out["buurtcode"].notna().to_numpy() == inside).all()
    counted = scoring.totals(BUURT, pand=out, home=None)
    assert counted["panden"].sum() == inside.sum()
    assert counted["homes"].isna().all()  # a register that is absent is unknown, not zero


def test_totals_by_hand():
    home = pd.DataFrame({"buurtcode": ["BU02"] * 5 + [None]})
    out = scoring.totals(BUURT, pand=None, home=gpd.GeoDataFrame(home)).set_index("buurtcode")
    assert out["homes"].to_dict() == {"BU02": 5, "BU01": 0}
    assert out.loc["BU02", "homes_per_household"] == pytest.approx(5 / 4)
    assert np.isnan(out.loc["BU01", "homes_per_household"])  # no households: no ratio


def test_homes_count_in_their_first_pand():
    pand = gpd.GeoDataFrame({"pand_id": ["a", "b"]}, geometry=[Point(0, 0)] * 2, crs=CRS)
    home = pd.DataFrame({"home_id": ["1", "2", "3"], "pand_id": ["a", "a", None]})
    counted = scoring.add_home_counts(pand, home=home)["homes"]
    assert counted.tolist() == [2, 0]
    assert counted.dtype == "Int64"


def test_statistics_go_first_with_their_year_and_the_rest_stays():
    frame = BUURT.assign(gas=[1.0, 2.0], gas_year=[2020.0, 2020.0])
    told = pd.DataFrame({"buurtcode": ["BU01", "BU02"], "gas": [9.0, np.nan], "gas_year": [2024.0, np.nan]})
    out = scoring.with_statistics(frame, statistics=told)
    assert out["gas"].tolist() == [1.0, 9.0]
    assert out["gas_year"].tolist() == [2020.0, 2024.0]


def test_statistics_leave_the_table_that_they_fill_and_columns_without_a_year_alone():
    """Rows numbered otherwise; one buurt of which nothing is told, and a column that only one of the two tables has."""
    frame = BUURT.assign(gas=[1.0, 2.0], gas_year=[2020.0, 2020.0], bare=[5.0, 6.0]).set_index(pd.Index([8, 4]))
    told = pd.DataFrame({"buurtcode": ["BU01"], "gas": [9.0], "gas_year": [2024.0], "bare": [7.0]})
    told = told.assign(other=[1.0], other_year=[2024.0])
    before = frame.copy()
    out = scoring.with_statistics(frame, statistics=told)
    assert out.columns.tolist() == frame.columns.tolist()
    assert out.index.tolist() == [8, 4]
    assert out[["gas", "gas_year", "bare"]].to_numpy().tolist() == [[1.0, 2020.0, 5.0], [9.0, 2024.0, 6.0]]
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before))


def test_totals_of_both_registers_are_whole_numbers_and_the_ratio_a_plain_one():
    buurt = BUURT.assign(households=pd.array([4, None], dtype="Int64")).set_index(pd.Index([8, 4]))
    pand = gpd.GeoDataFrame({"buurtcode": ["BU01", "BU01", "BU02", "BU09"]})
    home = gpd.GeoDataFrame({"buurtcode": ["BU02", "BU02", "BU02", "BU01"]})
    expected = pd.DataFrame({"buurtcode": ["BU02", "BU01"]}, index=[8, 4])
    expected["panden"] = pd.array([1, 2], dtype="Int64")
    expected["homes"] = pd.array([3, 1], dtype="Int64")
    expected["homes_per_household"] = [0.75, np.nan]
    pd.testing.assert_frame_equal(scoring.totals(buurt, pand=pand, home=home), expected)
    one = scoring.totals(buurt.assign(households=[0, 1]), pand=pand, home=home)["homes_per_household"]
    assert one.tolist() == pytest.approx([np.nan, 1.0], nan_ok=True)  # a single household is enough


def test_where_no_row_lies_in_a_buurt_all_are_unknown_and_no_row_is_none():
    points = gpd.GeoDataFrame(geometry=[Point(99, 5)], crs=CRS)
    assert scoring.add_buurtcode(points, buurt=BUURT)["buurtcode"].isna().tolist() == [True]
    assert scoring.add_buurtcode(points.iloc[:0], buurt=BUURT)["buurtcode"].tolist() == []
