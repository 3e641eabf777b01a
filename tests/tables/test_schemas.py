"""Tables are checked both ways: columns, types, ranges, keys, geometry and reference system."""

from __future__ import annotations

from importlib.resources import files

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, MultiPoint, Point, Polygon, box

from kansenkaart.errors import CrsError, SchemaError
from kansenkaart.tables import schemas
from tests.tables.test_store import _buurten


def test_a_sound_table_gets_its_columns_in_order():
    frame = _buurten()[sorted(schemas.get("buurt").columns)]
    assert tuple(schemas.conform(frame, "buurt").columns) == schemas.get("buurt").columns


BAD = {
    "column gone": (lambda frame: frame.drop(columns="households"), r"missing \['households'\]"),
    "column too many": (lambda frame: frame.assign(colour="red"), r"unknown \['colour'\]"),
    "text for a number": (lambda frame: frame.assign(households="veel"), "column households"),
    "below the range": (lambda frame: frame.assign(households=-1.0), "households"),
    "key null": (lambda frame: frame.assign(buurtcode=None), "buurtcode"),
    "key twice": (lambda frame: frame.assign(buurtcode="BU01930001"), "buurtcode"),
    "point for an area": (lambda frame: frame.set_geometry([Point(2e5, 5e5)] * 2, crs=frame.crs), "geometry of kind"),
    "geometry null": (
        lambda frame: frame.set_geometry([frame.geometry.iloc[0], None], crs=frame.crs),
        "geometry of kind",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_table_is_refused_with_the_column(name):
    spoil, word = BAD[name]
    with pytest.raises(SchemaError, match=word) as caught:
        schemas.conform(spoil(_buurten()), "buurt", where="proef.gpkg")
    assert "proef.gpkg" in caught.value.where
    assert caught.value.remedy


def test_degrees_are_refused_not_moved():
    with pytest.raises(CrsError):
        schemas.conform(_buurten().to_crs("EPSG:4326"), "buurt")


def test_an_unknown_table_names_the_known_ones():
    with pytest.raises(SchemaError, match="buurt_score"):
        schemas.get("stad")


def test_every_table_has_one_row():
    text = (files("kansenkaart") / "data" / "tables.csv").read_text(encoding="utf-8")
    names = [line.split(",")[0] for line in text.splitlines()]
    assert sorted(names) == sorted(set(names))


def _shapes(*shapes, crs="EPSG:28992", **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)


_LAND, _HERE = box(200_000, 500_000, 200_010, 500_010), Point(200_000, 500_000)
_SLOPES = pd.DataFrame({"tilt_deg": ["0", None, "90"], "roof_area_m2": [0.0, 1.0, np.nan]})
SOUND = {
    "bounds themselves, unknowns, and numbers as text": (
        _SLOPES,
        ("tilt_deg",),
        {"measures": ["tilt_deg", "roof_area_m2"]},
    ),
    "a measure that is not there": (_SLOPES, (), {"measures": ["azimuth_deg"], "figures": ["no_such"]}),
    "a figure has no limits": (_SLOPES.assign(tilt_deg=-1.0), (), {"figures": ["tilt_deg"]}),
    "a key once": (_SLOPES, (), {"key": "tilt_deg"}),
    "land": (_shapes(_LAND), (), {"kinds": schemas.LAND}),
    "a point may lack": (_shapes(_HERE, None, Point()), (), {"kinds": schemas.POINTS}),
}
REFUSED = {
    "no table": ([1.0], (), {}, "a table with columns", "list", "mine"),
    "a column short": (
        _SLOPES,
        ("tilt_deg", "azimuth_deg"),
        {},
        "columns ['tilt_deg', 'azimuth_deg']",
        "no ['azimuth_deg']",
        "mine",
    ),
    "a word": (
        _SLOPES.assign(tilt_deg=["1", "steep" * 20, None]),
        (),
        {"figures": ["tilt_deg"]},
        "numbers",
        "steep" * 16,
        "mine.tilt_deg",
    ),
    "below": (
        _SLOPES.assign(tilt_deg=[5.0, -0.5, -7.0]),
        (),
        {"measures": ["tilt_deg"]},
        "numbers from 0 to 90 deg",
        "-0.5",
        "mine.tilt_deg",
    ),
    "above": (
        _SLOPES.assign(tilt_deg=[5.0, 90.5, 1.0]),
        (),
        {"measures": ["tilt_deg"]},
        "numbers from 0 to 90 deg",
        "90.5",
        "mine.tilt_deg",
    ),
    "no end": (
        _SLOPES.assign(roof_area_m2=-1.0),
        (),
        {"measures": ["roof_area_m2"]},
        "numbers from 0 to inf m2",
        "-1",
        "mine.roof_area_m2",
    ),
    "a key twice": (
        _SLOPES.assign(tilt_deg=[3, 7, 7]),
        (),
        {"key": "tilt_deg"},
        "each tilt_deg once",
        "7 more than once",
        "mine",
    ),
    "no shapes": (
        _SLOPES,
        (),
        {"kinds": schemas.LAND},
        "a GeoDataFrame with shapes",
        "a table without geometry",
        "mine",
    ),
    "shapes not there": (
        gpd.GeoDataFrame({"a": [1]}),
        (),
        {"kinds": schemas.LAND},
        "a GeoDataFrame with shapes",
        "a table without geometry",
        "mine",
    ),
    "land that lacks": (
        _shapes(_LAND, None, Polygon()),
        (),
        {"kinds": schemas.LAND},
        "a Polygon in each row",
        "2 rows without",
        "mine",
    ),
    "a line for land": (
        _shapes(_LAND, LineString([(0, 0), (1, 1)])),
        (),
        {"kinds": schemas.LAND},
        "a Polygon in each row",
        "1 rows without",
        "mine",
    ),
    "points in one": (
        _shapes(MultiPoint([_HERE]), None, _HERE),
        (),
        {"kinds": schemas.POINTS},
        "a Point in each row",
        "1 rows without",
        "mine",
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_frame_of_ones_own_passes(name):
    frame, columns, wanted = SOUND[name]
    schemas.require(frame, "mine", *columns, **wanted)


@pytest.mark.parametrize("name", REFUSED)
def test_a_frame_of_ones_own_is_refused_in_words(name):
    frame, columns, wanted, *words = REFUSED[name]
    with pytest.raises(SchemaError) as caught:
        schemas.require(frame, "mine", *columns, **wanted)
    assert [caught.value.expected, caught.value.found, caught.value.where] == words


def test_a_frame_of_ones_own_in_degrees_is_refused():
    with pytest.raises(CrsError):
        schemas.require(_shapes(Point(6.0, 52.5), crs="EPSG:4326"), "mine")


def test_of_a_table_of_ones_own_columns_that_may_be_empty_may_miss_and_others_are_left_out():
    whole = _buurten().assign(gemeentecode=None, gemeentenaam=None)
    must = [name for name in schemas.get("buurt").columns if name not in schemas.get("buurt").nullable]
    made = schemas.filled(whole[must].assign(colour="red"), "buurt", ("buurt", "home"))
    pd.testing.assert_frame_equal(pd.DataFrame(made), pd.DataFrame(schemas.conform(whole, "buurt")))
    with pytest.raises(SchemaError) as caught:
        schemas.filled(whole.drop(columns="buurtnaam"), "buurt", ("buurt",))
    assert (caught.value.found, caught.value.where) == ("no ['buurtnaam']", "buurt")
    with pytest.raises(SchemaError) as caught:
        schemas.filled(whole, "wijk", ("buurt", "home"))
    assert (caught.value.expected, caught.value.found, caught.value.where) == ("one of buurt, home", "wijk", "table")
