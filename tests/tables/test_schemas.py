"""Tables are checked both ways: columns, types, ranges, keys, geometry and reference system."""

from __future__ import annotations

from importlib.resources import files

import pytest
from shapely import Point

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
