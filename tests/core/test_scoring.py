"""Streets and roofs add up to their parts, whatever the order; unknown stays unknown."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point

from kansenkaart.core import scoring
from kansenkaart.wording.nl import codes

LITRES = 60.0
home_rows = st.lists(
    st.tuples(
        st.sampled_from(["Kerkstraat", "Dorpsstraat", "Eind", None]),
        st.sampled_from(["BU01", "BU02", None]),
        st.floats(0.1, 8.0),
    ),
    min_size=1,
    max_size=30,
)


def _homes(rows):
    street, code, people = zip(*rows, strict=True)
    homes = gpd.GeoDataFrame(
        {
            "home_id": [f"h{n}" for n in range(len(rows))],
            "street": pd.Series(street, dtype="object"),
            "buurtcode": pd.Series(code, dtype="object"),
            "people": people,
            "people_basis": "cbs",
            "assigned_by": "address",
        },
        geometry=[Point(200_000 + n, 500_000) for n in range(len(rows))],
        crs="EPSG:28992",
    )
    homes["street_key"] = scoring.key_streets(homes)
    return scoring.add_grey_water(homes, litres_per_person_day=LITRES)


def test_two_homes_by_hand():
    streets = scoring.sum_streets(_homes([("Kerkstraat", "BU01", 2.0), ("Kerkstraat", "BU01", 3.0)]))
    (row,) = streets.to_dict("records")
    assert (row["homes"], row["people"], row["street_key"]) == (2, 5.0, "Kerkstraat|BU01")
    # 5 persons x 60 l/day x 365.25 days / 1000 l/m3 = 109.575 m3/year
    assert row["grey_water_m3_per_year"] == pytest.approx(109.575)


@settings(max_examples=40)
@given(home_rows)
def test_streets_add_up_to_their_homes(rows):
    homes = _homes(rows)
    placed = homes[homes["street"].notna()]
    if placed.empty:
        return
    streets = scoring.sum_streets(homes)
    assert streets["homes"].sum() == len(placed)
    for name in ("people", "grey_water_m3_per_year"):
        of_homes = placed.groupby("street_key")[name].sum()
        assert (streets.set_index("street_key")[name] == of_homes).all()
        assert streets[name].sum() == pytest.approx(placed[name].sum(), rel=1e-12)
    assert streets["street_key"].is_unique
    assert sum(len(one.geoms) if one.geom_type == "MultiPoint" else 1 for one in streets.geometry) == len(placed)


@settings(max_examples=25)
@given(home_rows, st.randoms(use_true_random=False))
def test_the_order_of_homes_does_not_matter(rows, dice):
    homes = _homes(rows)
    if homes["street"].isna().all():
        return
    order = list(range(len(homes)))
    dice.shuffle(order)
    one, other = scoring.sum_streets(homes), scoring.sum_streets(homes.iloc[order])
    pd.testing.assert_frame_equal(
        pd.DataFrame(one).drop(columns="geometry"), pd.DataFrame(other).drop(columns="geometry")
    )
    assert all(a.equals(b) for a, b in zip(one.geometry, other.geometry, strict=True))


def test_a_buurt_without_a_figure_gets_the_norm_and_says_so():
    homes = pd.DataFrame({"buurtcode": ["BU01", "BU02", None]})
    buurt = pd.DataFrame({"buurtcode": ["BU01", "BU02"], "household_size_persons": [1.8, np.nan]})
    out = scoring.add_people(homes, buurt=buurt, household_size_design=2.2, whole_frac=0.9)
    assert out["people"].tolist() == [1.8, 2.2, 2.2]
    assert out["people_basis"].tolist() == ["cbs", "norm", "norm"]
    bare = scoring.add_people(homes, buurt=None, household_size_design=2.2, whole_frac=0.9)
    assert (bare["people"].tolist(), set(bare["people_basis"])) == ([2.2, 2.2, 2.2], {"norm"})


def test_the_inhabitants_of_a_buurt_are_shared_over_its_homes_where_all_of_them_are_here():
    homes = pd.DataFrame({"buurtcode": ["BU01"] * 4 + ["BU02"] * 2 + ["BU03"]})
    buurt = pd.DataFrame(
        {
            "buurtcode": ["BU01", "BU02", "BU03"],
            "household_size_persons": [1.8, 2.5, 3.0],
            "inhabitants": [8.0, 50.0, np.nan],
            "households": [4.4, 20.0, 1.0],
        }
    )
    # BU01: four homes for 4.4 households is 0.91, 8 people; BU02: the study has two homes of twenty; of BU03 CBS counts nobody
    out = scoring.add_people(homes, buurt=buurt, household_size_design=2.2, whole_frac=0.9)
    assert out["people"].tolist() == [2.0] * 4 + [2.5] * 2 + [3.0]
    assert out["people_basis"].tolist() == ["count"] * 4 + ["cbs"] * 3


def test_the_street_comes_from_the_address_then_the_reference_then_the_nearest_line():
    homes = gpd.GeoDataFrame(
        {"street_name": ["Kerkstraat", None, None, None], "street_id": ["0001", "0002", None, None]},
        geometry=[Point(0, 0), Point(0, 0), Point(0, 5), Point(0, 500)],
        crs="EPSG:28992",
    )
    lines = gpd.GeoDataFrame(
        {"street": ["Zuid", "Noord"]},
        geometry=[LineString([(-9, 0), (9, 0)]), LineString([(-9, 10), (9, 10)])],
        crs="EPSG:28992",
    )
    out = scoring.name_streets(homes, lines=lines, reach_m=50)
    # The third home lies 5 m from both lines: the first name in the alphabet counts; the fourth is out of reach.
    assert [None if pd.isna(one) else one for one in out["street"]] == ["Kerkstraat", "0002", "Noord", None]
    assert out["assigned_by"].tolist() == ["address", "reference", "nearest", "none"]
    without = scoring.name_streets(homes, lines=None, reach_m=50)
    assert without["assigned_by"].tolist() == ["address", "reference", "none", "none"]


def test_a_roof_without_any_known_face_is_unknown_not_zero():
    faces = pd.DataFrame(
        {
            "pand_id": ["a", "a", "b"],
            "roof_area_m2": [10.0, 20.0, 5.0],
            "open_sky_kwh_per_year": [100.0, np.nan, np.nan],
            "sun_kwh_per_year": [90.0, np.nan, np.nan],
            "score_basis": ["lod22", "lod22", "lod22"],
        }
    )
    out = scoring.sum_roofs(faces, by="pand_id", names=["roof_area_m2", "open_sky_kwh_per_year", "sun_kwh_per_year"])
    backwards = scoring.sum_roofs(faces[::-1], by="pand_id", names=["roof_area_m2"])
    assert backwards.index.tolist() == sorted(backwards.index) == out.index.tolist()  # whatever the order of the faces
    assert out["roof_area_m2"].tolist() == [30.0, 5.0]
    assert out["faces"].tolist() == [2, 1]
    assert np.isnan(out.loc["b", "open_sky_kwh_per_year"])


def test_a_sum_of_several_bases_has_one_code_of_the_list():
    """Readers met "dsm+lod22+dsm", which no list of codes has: a release of such a buurt broke its own enumeration."""
    faces = pd.DataFrame({"pand_id": list("aab"), "score_basis": ["dsm", "lod22+dsm", "dsm"], "kwh": [1.0, 2.0, 3.0]})
    assert scoring.sum_roofs(faces, by="pand_id", names=["kwh"])["score_basis"].tolist() == [scoring.MIXED, "dsm"]
    part = faces.assign(score_basis=["dsm", None, "dsm"])  # what is unknown is like nothing else
    assert scoring.sum_roofs(part, by="pand_id", names=["kwh"])["score_basis"].tolist() == [scoring.MIXED, "dsm"]
    assert [name for name in ("score_basis", "people_basis", "assigned_by") if scoring.MIXED not in codes(name)] == []


def test_every_column_of_streets_by_hand():
    """Three homes of two bases in one street, one of them assigned otherwise, and a street of another buurt; one without."""
    homes = _homes(
        [
            ("Kerkstraat", "BU02", 2.0),
            ("Kerkstraat", "BU02", 3.0),
            ("Kerkstraat", "BU02", 1.0),
            ("Kerkstraat", None, 4.0),
            (None, "BU02", 9.0),
        ]
    )
    homes["people_basis"] = ["cbs", "norm", "cbs", "norm", "cbs"]
    homes["assigned_by"] = ["address", "nearest", "address", "nearest", "none"]
    streets = scoring.sum_streets(homes)
    year = 365.25 * LITRES / 1000
    assert streets.drop(columns="geometry").astype(object).where(lambda one: one.notna(), None).to_dict("list") == {
        "street_key": ["Kerkstraat|-", "Kerkstraat|BU02"],
        "street": ["Kerkstraat"] * 2,
        "buurtcode": [None, "BU02"],
        "homes": [1, 3],
        "people": [4.0, 6.0],
        "grey_water_m3_per_year": pytest.approx([4 * year, 6 * year]),
        "grey_water_m3_per_year_basis": ["norm", scoring.MIXED],
        "assigned_by": ["nearest", scoring.MIXED],
    }
    assert [one.wkt for one in streets.geometry] == [
        "POINT (200003 500000)",
        "MULTIPOINT ((200000 500000), (200001 500000), (200002 500000))",
    ]


def test_a_buurt_counts_as_whole_from_just_the_share_on_and_without_a_column_of_cbs_nothing_is_shared():
    homes, buurt = (
        pd.DataFrame({"buurtcode": ["BU01"] * 9}),
        {"buurtcode": ["BU01"], "inhabitants": [18.0], "households": [10.0]},
    )
    whole = scoring.add_people(homes, buurt=pd.DataFrame(buurt), household_size_design=2.2, whole_frac=0.9)
    part = scoring.add_people(
        homes, buurt=pd.DataFrame(buurt | {"households": [10.01]}), household_size_design=2.2, whole_frac=0.9
    )
    bare = scoring.add_people(
        homes, buurt=pd.DataFrame({"buurtcode": ["BU01"]}), household_size_design=2.2, whole_frac=0.9
    )
    assert [one["people"].tolist()[0] for one in (whole, part, bare)] == [2.0, 2.2, 2.2]
    assert [one["people_basis"].tolist()[0] for one in (whole, part, bare)] == ["count", "norm", "norm"]


def test_owners_are_corporations_by_their_name_and_an_unknown_one_is_none():
    names = ["Woningstichting De Rij", "WOONCORPORATIE Oost", "Stichting Zon", None]
    assert scoring.is_corporation(pd.Series(names)).tolist() == [True, True, False, False]


def test_counts_that_may_be_unknown_give_plain_numbers_and_text_that_is_no_text_is_taken():
    """CBS counts in whole numbers or says nothing; owners are a column without any word where nobody states one."""
    buurt = pd.DataFrame({"buurtcode": ["BU01", "BU02"], "household_size_persons": [2.5, np.nan]})
    buurt = buurt.assign(
        inhabitants=pd.array([None, 9], dtype="Int64"), households=pd.array([4, 3], dtype="Int64"), other=1
    )
    homes = pd.DataFrame({"buurtcode": ["BU02", "BU01", "BU02", "BU02"]}, index=[3, 2, 1, 0])
    out = scoring.add_people(homes, buurt=buurt, household_size_design=2.2, whole_frac=1.0)
    expected = homes.assign(people=[3.0, 2.5, 3.0, 3.0], people_basis=["count", "cbs", "count", "count"])
    pd.testing.assert_frame_equal(out, expected)
    none = homes.iloc[:0].astype("str")
    empty = scoring.add_people(none, buurt=buurt, household_size_design=2.2, whole_frac=1.0)
    assert (len(empty), empty["people"].dtype) == (0, "float64")
    bare = scoring.add_people(homes, buurt=None, household_size_design=2, whole_frac=1.0)
    pd.testing.assert_frame_equal(bare, homes.assign(people=2.0, people_basis="norm"))
    assert scoring.is_corporation(pd.Series([np.nan, np.nan])).tolist() == [False, False]
    assert scoring.is_corporation(pd.Series([], dtype="object")).dtype == bool


def test_the_nearest_line_is_sought_for_homes_without_an_address_only_and_within_reach():
    """By rows that are numbered otherwise; a home exactly at the reach is on it; without any line nobody is."""
    homes = gpd.GeoDataFrame(
        {"street_name": ["Laan", None, None], "street_id": [None, None, "0003"]},
        geometry=[Point(0, 1), Point(0, 50), Point(0, 1)],
        crs="EPSG:28992",
        index=[5, 7, 9],
    )
    lines = gpd.GeoDataFrame({"street": ["Weg"]}, geometry=[LineString([(-9, 0), (9, 0)])], crs="EPSG:28992")
    for reach, street, how in ((50.0, "Weg", "nearest"), (49.9, None, "none")):
        out = scoring.name_streets(homes, lines=lines, reach_m=reach)
        assert out.index.tolist() == [5, 7, 9]
        assert [None if pd.isna(one) else one for one in out["street"]] == ["Laan", street, "0003"]
        assert out["assigned_by"].tolist() == ["address", how, "reference"]
    assert scoring.name_streets(homes, lines=lines.iloc[:0], reach_m=50)["assigned_by"].tolist()[1] == "none"
    placed = scoring.name_streets(homes.iloc[[0]], lines=lines, reach_m=50)
    assert placed["street"].tolist() == ["Laan"]
    keys = scoring.key_streets(pd.DataFrame({"street": ["Laan", None, "Weg"], "buurtcode": ["BU01", "BU01", None]}))
    assert [None if pd.isna(one) else one for one in keys] == ["Laan|BU01", None, "Weg|-"]


def test_a_street_is_a_table_of_its_own_in_the_order_of_its_key():
    streets = scoring.sum_streets(_homes([("Zuid", "BU02", 2.0), ("Noord", "BU01", 3.0), ("Zuid", "BU02", 1.5)]))
    assert streets.index.tolist() == [0, 1]
    assert streets.columns.tolist() == [
        "street_key",
        "street",
        "buurtcode",
        "homes",
        "people",
        "grey_water_m3_per_year",
        "grey_water_m3_per_year_basis",
        "assigned_by",
        "geometry",
    ]
    assert streets["street_key"].tolist() == ["Noord|BU01", "Zuid|BU02"]
    assert (streets.crs, streets["people"].tolist()) == ("EPSG:28992", [3.0, 3.5])
