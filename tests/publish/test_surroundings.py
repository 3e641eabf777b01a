"""A place beside its surroundings: sums per home and weighed means, by hand."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from kansenkaart.publish.factsheets import compared_with, figure_words, mean_of


def buurten(**more):
    """Draw three buurten of 10 m: two in wijk WK000101 and one in wijk WK000102, all of gemeente GM0001."""
    return gpd.GeoDataFrame(
        {
            "buurtcode": ["BU00010101", "BU00010102", "BU00010201"],
            "buurtnaam": ["Noord", "Zuid", "West"],
            "homes": [100, 300, 600],
            **more,
        },
        geometry=[box(10 * k, 0, 10 * k + 10, 10) for k in range(3)],
        crs=28992,
    )


def test_sums_are_per_home_and_shares_are_weighed_by_homes():
    frame = buurten(grey_water_m3_per_year=[5_000.0, 9_000.0, 36_000.0], corporation_pct=[40.0, 20.0, 10.0])
    place = pd.Series({"homes": 50, "grey_water_m3_per_year": 2_000.0, "geometry": box(12, 0, 22, 10)})
    names, rows = compared_with(place, frame, None)
    # The place lies for 8 of its 10 m in Zuid. Wijk: 14,000 / 400 = 35; gemeente: 50,000 / 1,000 = 50.
    assert names == ("hier", "buurt Zuid", "wijk (2 buurten in de studie)", "gemeente (3 buurten in de studie)")
    found = {one.label: one.texts for one in rows}
    assert found["Grijswater (aanbod) per woning"] == (
        "40 m³ per jaar",
        "30 m³ per jaar",
        "35 m³ per jaar",
        "50 m³ per jaar",
    )
    # 40 % of 100 and 20 % of 300 homes: 25 %; with 10 % of 600: 16 %. The place itself has no such figure.
    assert found["Corporatiewoningen"] == ("onbekend", "20%", "25%", "16%")


def test_unknown_buurten_do_not_count_and_are_no_zero():
    frame = buurten(grey_water_m3_per_year=[5_000.0, None, None])
    assert mean_of(frame, "grey_water_m3_per_year") == 50.0
    assert mean_of(frame.iloc[1:], "grey_water_m3_per_year") is None


def test_what_buurten_lack_comes_from_their_blocks():
    blocks = pd.DataFrame(
        {
            "buurtcode": ["BU00010101", "BU00010101", "BU00010102"],
            "homes": [20, 30, 50],
            "water_eur_per_year": [1_000.0, 2_000.0, 7_000.0],
        }
    )
    place = pd.Series({"homes": 10, "water_eur_per_year": 500.0, "geometry": box(0, 0, 5, 5)})
    _, rows = compared_with(place, buurten(), blocks)
    (row,) = [one for one in rows if one.label.startswith("Opbrengst water")]
    # 500 / 10; 3,000 / 50; 10,000 / 100 for the wijk and for the gemeente.
    assert row.texts == ("50 euro per jaar", "60 euro per jaar", "100 euro per jaar", "100 euro per jaar")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("gas_use_m3_per_home", 780.0, "780 m³ per woning per jaar"),
        ("corporation_frac", 0.071, "7%"),
        ("people", None, "onbekend"),
        ("people", 2.46, "2,5 personen"),
    ],
)
def test_figures_are_said_with_their_unit(name, value, text):
    assert figure_words(name, value) == text
