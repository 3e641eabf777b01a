"""Surfaces, tiles of 3DBAG and hours of weather, each part on a few cells, shapes or hours whose answer a person works out."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine

from kansenkaart.score import calibration, surfaces, weather
from kansenkaart.score.surfaces import Faces

NAN = np.nan


def _frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=28992)


def test_a_window_may_reach_a_cell_past_its_raster():
    label = np.arange(12, dtype=np.int32).reshape(3, 4)
    assert surfaces._window(label, (slice(1, 3), slice(1, 4))).tolist() == [[5, 6, 7], [9, 10, 11]]
    wide = surfaces._window(label, (slice(-1, 4), slice(-1, 5)))
    assert wide.shape == (5, 6)
    assert wide[1:4, 1:5].tolist() == label.tolist()
    rim = np.ones((5, 6), bool)
    rim[1:4, 1:5] = False
    assert set(wide[rim]) == {-1}
    assert surfaces._window(label, (slice(2, 4), slice(-1, 1))).tolist() == [[-1, 8], [-1, -1]]


def test_of_a_cut_only_polygons_with_an_area_are_roof():
    one, two = shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)
    line = shapely.LineString([(0, 0), (9, 9)])
    assert surfaces._polygons(shapely.GeometryCollection([one, line])).equals(one)
    both = surfaces._polygons(shapely.GeometryCollection([one, two, line]))
    assert (both.geom_type, both.area) == ("MultiPolygon", 2.0)
    assert surfaces._polygons(line).is_empty
    assert surfaces._polygons(shapely.Polygon([(0, 0), (1, 1), (0, 0)])).is_empty
    assert surfaces._polygons(shapely.Polygon()).geom_type == "Polygon"


def test_a_face_of_one_coarse_cell_grows_by_a_cell_within_its_own_footprint():
    label = np.full((4, 5), -1, dtype=np.int32)
    label[1, 1], label[1, 3], label[2, 3] = 0, 1, 1
    found = pd.DataFrame({"building": [1, 0], "a": 0.0, "b": 0.0, "c": [5.0, 6.0]})
    footprints = np.array([shapely.box(6, 2, 8, 5), shapely.box(0, 0, 20, 20)], dtype=object)
    one, two = surfaces._outlines(label, found, Affine(2, 0, 0, 0, -2, 8), footprints)
    assert one.equals(shapely.box(0, 2, 6, 8))  # grown by a cell, which the footprint does not cut here
    assert two.equals(shapely.box(6, 2, 8, 5))


def test_the_eave_of_a_face_is_its_lowest_corner_and_a_level_one_has_the_height_of_its_middle():
    found = pd.DataFrame(
        {"a": [0.5, 0.25], "b": [-1.0, 0.0], "c": [4.0, 2.0], "azimuth_deg": [90.0, NAN], "tilt_deg": [30.0, 2.0]}
    )
    shapes = np.array([shapely.box(10, 20, 14, 22), shapely.box(10, 20, 14, 22)], dtype=object)
    told = surfaces._levelled(found, shapes, (10.0, 20.0))
    # 4 + 0.5 x - y is least at x = 0, y = 2; 2 + x / 4 in the middle, x = 2
    assert told["eave_height_m_nap"].tolist() == [2.0, 2.5]
    assert told["tilt_deg"].tolist() == [30.0, 0.0]
    heights = surfaces._height(found, np.array([[11.0, 23.0], [14.0, 0.0]]), (10.0, 20.0))
    assert heights.tolist() == [4 + 0.5 - 3, 3.0]


def test_a_face_is_drawn_where_it_lies_and_its_plane_is_hung_at_its_lowest_corner():
    """Slopes to the south, the east and level: the corner furthest down the slope is at the eave."""
    frame = _frame(
        [shapely.box(0, 0, 4, 2), shapely.box(10, 0, 14, 2), shapely.box(0, 10, 2, 12)],
        tilt_deg=[45.0, 45.0, 0.0],
        azimuth_deg=[180.0, 90.0, NAN],
        eave_height_m_nap=[3.0, 4.0, 5.0],
    )
    planes = surfaces.planes_of(frame)
    assert planes.eave_m.tolist() == [3.0, 4.0, 5.0]
    assert (planes.low_y_m[0], planes.low_x_m[1]) == (0.0, 14.0)
    faces = Faces(frame)
    place = Affine(1.0, 0, 0.0, 0, -1.0, 12.0)
    label = faces.label((12, 14), place)
    assert {int(one): int((label == one).sum()) for one in np.unique(label)} == {-1: 12 * 14 - 20, 0: 8, 1: 8, 2: 4}
    assert label[10:12, :4].tolist() == [[0] * 4] * 2
    assert label[:2, :2].tolist() == [[2, 2]] * 2
    assert label.dtype == np.int32
    heights = faces.heights(label, place)
    assert heights[10:12, 0].tolist() == pytest.approx([3 + 1.5, 3 + 0.5])  # up from the south edge
    assert heights[11, 10:14].tolist() == pytest.approx([4 + 3.5, 4 + 2.5, 4 + 1.5, 4 + 0.5])  # up from the east edge
    assert heights[0, 0] == 5.0
    assert np.isnan(heights[5, 5])
    assert faces.label((2, 2), Affine(1.0, 0, 500.0, 0, -1.0, 500.0)).tolist() == [[-1, -1]] * 2
    sheet = surfaces.raised(faces)
    assert (sheet.shape, sheet.cell_m) == ((24, 28), 0.5)
    assert tuple(sheet.place)[:6] == (0.5, 0, 0.0, 0, -0.5, 12.0)
    assert tuple(sheet.place_of(SimpleNamespace(col_off=4, row_off=2)))[:6] == (0.5, 0, 2.0, 0, -0.5, 11.0)


def test_a_pand_belongs_to_the_tile_of_its_inner_point_and_outside_the_sheet_to_none(monkeypatch):
    """Tiles of four cells of half a metre on a sheet of six rows and ten columns."""
    monkeypatch.setattr(surfaces, "_TILE", 4)
    seen = []
    monkeypatch.setattr(
        surfaces,
        "_in_tile",
        lambda pand, sheet, tile: seen.append((pand["pand_id"].tolist(), tile)) or surfaces.no_faces(),
    )
    sheet = surfaces.Sheet((6, 10), Affine(0.5, 0, 100.0, 0, -0.5, 200.0), None)
    spots = {
        "a": (100.0, 200.0),  # the corner of the sheet
        "b": (102.0, 199.9),
        "c": (104.9, 197.1),
        "d": (101.9, 198.0),
        "east": (105.0, 199.9),
        "south": (101.0, 197.0),
        "west": (99.9, 199.9),
        "north": (101.0, 200.1),
    }
    pand = _frame([shapely.Point(one) for one in spots.values()], pand_id=list(spots))
    told = surfaces.find_faces(pand, sheet)
    assert seen == [(["a"], 0), (["b"], 1), (["d"], 1_000_000), (["c"], 1_000_002)]
    assert (len(told), told.columns.tolist()) == (0, surfaces.KEPT)
    assert len(surfaces.find_faces(pand.iloc[4:], sheet)) == 0


# Tiles of 3DBAG


def test_panden_of_a_tile_are_buildings_with_a_footprint_and_a_roof(tmp_path):
    """A house of two rooms with a yard, drawn twice; a part; without LoD0; without a roof; one that crosses itself."""

    def ring(west, south, side):
        return [[west, south, 1], [west + side, south, 1], [west + side, south + side, 1], [west, south + side, 1]]

    vertices = [*ring(0, 0, 10), *ring(2, 2, 4), *ring(10, 0, 10), *ring(100, 0, 10)]

    def flat(*boundaries, lod="0"):
        return {"type": "MultiSurface", "lod": lod, "boundaries": [list(one) for one in boundaries]}

    house = [flat([[0, 1, 2, 3], [4, 5, 6, 7]], [[8, 9, 10, 11]]), flat([[12, 13, 14, 15]])]
    one = "NL.IMBAG.Pand.0000000000000001"
    things = {
        "x": {
            "type": "Building",
            "attributes": {"identificatie": one, "oorspronkelijkbouwjaar": 1970},
            "geometry": house,
        },
        "x-0": {"type": "BuildingPart", "geometry": [flat([[0, 1, 2, 3]])]},
        "twice": {"type": "Building", "attributes": {"identificatie": one}, "geometry": house[1:]},
        "NL.IMBAG.Pand.2": {"type": "Building", "geometry": [flat([[0, 2, 1, 3]], lod=0)], "attributes": None},
        "NL.IMBAG.Pand.3": {"type": "Building", "geometry": [flat([[0, 1, 2, 3]], lod="1.2")]},
        "NL.IMBAG.Pand.4": {"type": "Building", "geometry": house},
        "NL.IMBAG.Pand.5": {"type": "Building", "geometry": None},
        "99900000000000000012345": {
            "type": "Building",
            "attributes": {"oorspronkelijkbouwjaar": 1970.5},
            "geometry": house[1:],
        },
    }
    path = tmp_path / "tile.json"
    ids = [f"{n:016d}" for n in (1, 2, 3, 5)] + ["0000000000012345"]
    for grid, scale, shift in (
        (None, 1.0, 0.0),
        ({"scale": [0.5, 0.5, 1.0], "translate": [100.0, 200.0, 0.0]}, 0.5, 100.0),
    ):
        model = {"vertices": vertices, "CityObjects": things} | ({"transform": grid} if grid else {})
        path.write_text(json.dumps(model), "utf-8")
        told = calibration.panden_of(path, pd.DataFrame({"pand_id": ids}))
        assert told["pand_id"].tolist() == [ids[0], ids[1], ids[4]]
        assert told.index.tolist() == [0, 1, 2]
        assert told["bouwjaar"].tolist()[0] == 1970
        assert told["bouwjaar"].isna().tolist() == [False, True, True]  # half a year is none
        assert told["bouwjaar"].dtype == "Int64"
        areas = [200.0 - 16, 50.0, 100.0]
        assert told.geometry.area.tolist() == pytest.approx([one * scale**2 for one in areas])
        assert told["footprint_area_m2"].tolist() == told.geometry.area.tolist()
        assert told.total_bounds[0] == pytest.approx(shift)
        assert told["homes"].tolist() == [1, 1, 1]
        assert set(told["status"]) == {"Pand in gebruik"}
        assert told["buurtcode"].isna().all()
    assert calibration.place_of(path) == "tile"


def test_lessons_leave_out_a_place_with_its_faces(monkeypatch):
    shapes = pd.DataFrame({"place": ["stad", "dorp"], "kwp": [1.0, 2.0]}, index=["p", "q"])
    faces = pd.DataFrame({"pand_id": ["p", "q", "q"], "kwp": [1.0, 1.0, 1.0]})
    monkeypatch.setattr(
        calibration, "fit_priors", lambda rest, faces, sun: (rest.index.tolist(), faces.index.tolist(), sun)
    )
    lessons = calibration.Lessons(shapes, faces, "sun")
    assert lessons.priors() == (["p", "q"], [0, 1, 2], "sun")
    assert lessons.priors(without="stad") == (["q"], [1, 2], "sun")


# Weather


def test_hours_are_told_apart_by_their_values_their_times_their_columns_and_what_goes_with_them():
    index = pd.date_range("2021-01-01", periods=3, freq="h", tz="UTC")
    hours = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0, 0, 1]}, index=index)
    key = weather.key_of(hours, 52.0, None)
    assert len(key) == 64
    assert weather.key_of(hours.set_axis(index.as_unit("s")), 52.0, None) == key  # the same moments
    others = [
        weather.key_of(hours, 52.0, 1),
        weather.key_of(hours.assign(a=[1.0, 2.0, 4.0]), 52.0, None),
        weather.key_of(hours.rename(columns={"a": "c"}), 52.0, None),
        weather.key_of(hours.set_axis(index + pd.Timedelta(minutes=1)), 52.0, None),
    ]
    assert len({key, *others}) == 5


def test_a_station_says_its_clock_and_its_sun_and_whether_they_are_scaled():
    table = SimpleNamespace(ghi=np.array([[500.4, 400.2], [100.0, 0.0]]))
    station = weather.Station(
        pd.DataFrame(index=range(7)), weather.Site(52.0, 5.0, mid_interval_minutes=29.6), table, ""
    )
    clock = "uur waarvan het midden 30 minuten na zijn tijdstip ligt"
    sun = "uur zon van het typische jaar, niet geschaald: samen 1001 kWh/m2 per jaar op een plat vlak"
    assert station.notes() == {clock: 7, sun: 7}
    scaled = dataclasses.replace(station, period="2015-2024", mended=True, said=(("iets", 3),))
    assert scaled.notes() == {
        clock: 7,
        sun.replace("van het typische jaar, niet geschaald", "geschaald naar 2015-2024"): 7,
        "iets": 3,
        "bewaarde tabel van het weerstation beschadigd en opnieuw gemaakt": 1,
    }


def test_gaps_are_filled_with_the_mean_of_that_hour_in_that_month():
    index = pd.DatetimeIndex(
        ["2021-01-01 12:00", "2021-01-02 12:00", "2021-01-03 12:00", "2021-01-03 13:00", "2021-02-01 12:00"]
    )
    said = {}
    told = weather._without_gaps(pd.Series([100.0, NAN, 300.0, 7.0, 5.0], index=index), said)
    assert told.tolist() == [100.0, 200.0, 300.0, 7.0, 5.0]
    assert said == {"uur zonder meting van de zon, gevuld met het gemiddelde van dat uur in die maand": 1}
    assert weather._without_gaps(told, other := {}).equals(told)
    assert other == {}
