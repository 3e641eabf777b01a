"""What a live run is foreseen to ask: every source of the template, boxes that divide a window, and homes by share of land."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from kansenkaart.acquire import forecast
from kansenkaart.acquire.forecast import Homes, boxes, expect, gives_history
from kansenkaart.config import Source
from tests.pinned import same_as_pinned

#: 10 km by 5 km, of which buurten cover two pieces; the third lies outside.
WINDOW = (100_000.0, 450_000.0, 110_000.0, 455_000.0)
HOMES = Homes(
    np.array(
        [
            shapely.box(100_000, 450_000, 102_000, 451_000),
            shapely.box(105_000, 450_000, 106_000, 455_000),
            shapely.box(90_000, 450_000, 91_000, 451_000),
        ]
    ),
    np.array([9000.0, 2500.0, 700.0]),
)


def _source(role, publisher, origin="live", layer=None):
    return Source(role=role, publisher=publisher, origin=origin, form="x", layer=layer, path="x")


SOURCES = [
    _source("buurt", "cbs-gebieden"),
    _source("statistics", "cbs-odata"),
    _source("pand", "bag"),
    _source("home", "bag", "bulk"),
    _source("pand", "bag", "bulk"),
    _source("home", "elders"),
    *(_source("terrain", "bgt", layer=layer) for layer in ("wegdeel", "waterdeel")),
    _source("terrain", "bgt", layer="wegdeel"),
    _source("sewer_pipe", "gwsw"),
    _source("roof_face", "3dbag"),
    _source("dsm", "ahn"),
    _source("dtm", "ahn"),
    _source("weather_daily", "knmi"),
    _source("weather_hourly", "knmi"),
    _source("street_line", "nwb"),
    _source("sewer_node", "gwsw", "file"),
]


def test_what_every_source_will_take_is_foreseen_as_was_read():
    made = {
        name: "\n".join(
            f"{one.source}: {one.requests} requests, {one.received:.12g} bytes, {one.minutes:.9g} min"
            for one in expect(SOURCES, window, homes, pause)
        )
        for name, window, homes, pause in (
            ("with homes", WINDOW, HOMES, 0.2),
            ("without", (0.0, 0.0, 3100.0, 10_000.0), None, 0.0),
        )
    }
    same_as_pinned("pins/forecast.txt", made)


def test_no_homes_at_all_is_a_figure_too():
    raw = gpd.GeoDataFrame({"woningvoorraad": [0, 1], "aantal_huishoudens": [5, 6]}, geometry=list(HOMES.shapes[:2]))
    assert Homes.of(raw).count.tolist() == [0.0, 1.0]


def test_homes_of_a_window_are_those_of_the_land_that_it_has_of_each_buurt():
    # half of the first buurt, and of the second nothing but its border
    assert HOMES.within((100_000.0, 450_000.0, 101_000.0, 452_000.0)) == pytest.approx((4500.0, 1.0, True))
    assert HOMES.within((104_000.0, 450_000.0, 105_000.0, 451_000.0)) == (0.0, 0.0, True)
    assert HOMES.within((107_000.0, 450_000.0, 108_000.0, 451_000.0)) == (0.0, 0.0, False)


def test_boxes_divide_a_window_until_each_holds_few_enough_and_leave_out_what_touches_no_buurt():
    made = boxes(WINDOW, HOMES, "bag", "pand")
    land = shapely.union_all(HOMES.shapes).intersection(shapely.box(*WINDOW))
    assert land.difference(shapely.union_all([shapely.box(*one) for one in made]).buffer(1e-6)).is_empty
    assert len(made) == 9  # of 16: twice four, and one of the quarters without buurten
    for west, south, east, north in made:
        count, area, touched = HOMES.within((west, south, east, north))
        assert touched
        assert count * 1.4 + area * 20 <= 6000  # data/collections.csv
        assert (east - west) / (north - south) == pytest.approx(2.0)
    assert boxes((0.0, 0.0, 1.0, 1.0), HOMES, "bag", "pand") == []


def test_a_box_with_just_as_many_as_it_may_hold_is_not_divided_nor_one_of_the_smallest_size(monkeypatch):
    # without homes 3,000 a km2: 1.4 * 3000 + 20 = 4,220 panden a km2
    monkeypatch.setattr(forecast, "MOST_IN_BOX", 1.2 * 4220.0)
    assert len(boxes((0.0, 0.0, 1200.0, 1000.0), None, "bag", "pand")) == 1
    assert len(boxes((0.0, 0.0, 1200.1, 1000.0), None, "bag", "pand")) == 4
    monkeypatch.setattr(forecast, "MOST_IN_BOX", 1.0)
    assert len(boxes((0.0, 0.0, 250.0, 100.0), None, "bag", "pand")) == 1
    assert len(boxes((0.0, 0.0, 100.0, 251.0), None, "bag", "pand")) == 4
    assert boxes((0.0, 0.0, 400.0, 200.0), None, "x", "y") == [
        (0.0, 0.0, 200.0, 100.0),
        (0.0, 100.0, 200.0, 200.0),
        (200.0, 0.0, 400.0, 100.0),
        (200.0, 100.0, 400.0, 200.0),
    ]


def test_only_the_bgt_gives_its_history_unless_it_is_asked_for_a_moment():
    assert [gives_history("bgt", name) for name in ("wegdeel", "a layer of tomorrow")] == [True, True]
    assert not gives_history("bag", "pand")
    assert not gives_history("gwsw", "beheerput")
    assert not gives_history("elders", "wegdeel")
