"""Roof faces and height sheets with everything that they can have: what is made of them whole, limits at the limit."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.transform import from_origin

from kansenkaart.errors import CrsError, FetchError, FormatError
from kansenkaart.sources import ahn, bag3d
from kansenkaart.sources.tools.http import Http
from tests.pinned import same_as_pinned
from tests.sources.sheets import open_window
from tests.sources.test_bag3d_reader import PAND, _model
from tests.sources.whole import whole

# --- roof faces -------------------------------------------------------------------------------------------------------


def flat(x: float, wide: float = 4.0, deep: float = 5.0, *heights: float) -> list[Any]:
    """Return the corners of a rectangle, its four heights from the south-west on, against the clock seen from above."""
    low, right, far, left = heights or (5.0,) * 4
    return [(x, 0.0, low), (x + wide, 0.0, right), (x + wide, deep, far), (x, deep, left)]


FACES: dict[str, list[Any]] = {
    "looks south": [flat(0, 4, 5, 3, 3, 8, 8)],
    "looks north, drawn with the clock": [flat(10, 4, 5, 8, 8, 3, 3)[::-1]],
    "looks east": [flat(20, 4, 5, 7, 3, 3, 7)],
    "looks west": [flat(30, 4, 5, 3, 7, 7, 3)],
    "with two holes, of which one is drawn as the rim is": [
        flat(40, 10, 10),
        [(41, 1, 5), (42, 1, 5), (42, 2, 5), (41, 2, 5)],
        [(44, 4, 5), (44, 6, 5), (46, 6, 5), (46, 4, 5)],
    ],
    "rises two millimetres": [flat(60, 4, 5, 5, 5, 5.002, 5.002)],
    "rises three millimetres": [flat(70, 4, 5, 5, 5, 5.003, 5.003)],
    "as low and as high as there is": [flat(80, 4, 5, -10, -10, 400, 400)],
    "a millimetre lower": [flat(90, 4, 5, -10.001, -10.001, 5, 5)],
    "a millimetre higher": [flat(100, 4, 5, 400.001, 400.001, 5, 5)],
    "a square millimetre": [flat(110, 0.001, 0.001)],
    "two square millimetres": [flat(120, 0.001, 0.002)],
    "a wall": [[(130, 0, 0), (135, 0, 0), (135, 0, 3), (130, 0, 3)]],
    "crosses itself on a slope": [[(140, 0, 5), (150, 10, 15), (150, 0, 5), (140, 8, 13)]],
    "no roof": [flat(160)],
    "a hole of two corners": [flat(170, 10, 10), [(171, 1, 5), (172, 1, 5)]],
    "two corners": [[(190, 0, 5), (191, 0, 5)]],
}


def town() -> Any:
    """Return a model of one part with all faces, and buildings with every name and level that others give."""
    model = _model(list(FACES.values()))
    solid = model["CityObjects"][f"{PAND}-0"]["geometry"][0]
    published = [(91, -90), (90, -360), (0, 360), (-1, 361), ("veel", "zuid"), (None, -361), ("12.5", "1e999"), (1, 0)]
    roofs = [{"type": "RoofSurface", "b3_hellingshoek": tilt, "B3-Azimut": turn} for tilt, turn in published]
    solid["semantics"] = {
        "surfaces": [*roofs, {"type": "WallSurface"}, {"type": "+RoofSurface"}],
        "values": [[8 if name == "no roof" else min(at, 7) for at, name in enumerate(FACES)]],
    }
    simple = {"type": "MultiSurface", "lod": "2.2", "boundaries": [solid["boundaries"][0][0]]}
    simple["semantics"] = {"surfaces": [{"type": "ROOFSURFACE"}], "values": [0]}
    twice = {**copy.deepcopy(simple), "boundaries": simple["boundaries"] * 2}
    objects = model["CityObjects"]
    objects[PAND]["attributes"] = {"b3_h_maaiveld": 401, "h_maaiveld": 2}
    objects["x"] = {
        "type": "Building",
        "attributes": {"Pand-ID": 503100000000311.0, "H_Maaiveld": "-1"},
        "geometry": [simple],
    }
    objects["y"] = {"type": "Building", "attributes": {"soort": "schuur"}, "geometry": [simple]}
    objects["z"] = {"type": "Building", "geometry": [{**simple, "lod": "1.2"}], "attributes": {"identificatie": PAND}}
    objects["deel"] = {"type": "BuildingPart", "parents": ["y"], "geometry": [simple]}
    objects["deel"]["attributes"] = {"gml_id": "NL.IMBAG.Pand.0503100000000312"}
    objects["torn"] = {"type": "Building", "geometry": [twice]}
    objects["bare"] = {"type": "Building", "geometry": [{**simple, "semantics": None}]}
    objects["wall"] = {"type": "Building", "geometry": [copy.deepcopy(simple)]}
    objects["wall"]["geometry"][0]["semantics"]["surfaces"][0]["type"] = "WallSurface"
    objects["tree"] = {"type": "SolitaryVegetationObject", "geometry": [simple]}
    objects["NL.IMBAG.Pand.0503100000000313-7"] = {"geometry": [simple]}
    return model


def _written(path: Path, model: Any) -> Path:
    path.write_text(json.dumps(model), "utf-8")
    return path


def test_roof_faces_of_every_shape_height_and_name(tmp_path):
    made = {"a town": whole(bag3d.read_roof_face, _written(tmp_path / "t.city.json", town()))}
    unnamed = {**town(), "metadata": {}}
    made["without a system"] = whole(bag3d.read_roof_face, _written(tmp_path / "u.city.json", unnamed), lod="1.2")
    rough = town()
    rough["transform"]["scale"] = [0.001, 0.001, 0.0101]
    made["rough"] = whole(bag3d.read_roof_face, _written(tmp_path / "r.city.json", rough)).split("noted")[-1]
    strange = town()
    strange["CityObjects"] = {name: strange["CityObjects"][name] for name in ("y", "wall")}
    made["of no name"] = whole(bag3d.read_roof_face, _written(tmp_path / "s.city.json", strange))
    strange["CityObjects"] = {"torn": town()["CityObjects"]["torn"]}
    made["torn"] = whole(bag3d.read_roof_face, _written(tmp_path / "q.city.json", strange))
    same_as_pinned("pins/roofs.txt", made)


@pytest.mark.parametrize(
    ("scale", "corners", "step_m", "noted"),
    [
        (0.001, [[0, 0, 1]], 0.001, 0),
        (0.01, [[0, 0, 1]], 0.01, 0),
        (0.011, [[0, 0, 1]], 0.001, 1),
        (1.0, [[0, 0, 1.5]], 0.001, 0),
        (0.002, [], 0.001, 0),
    ],
)
def test_heights_are_rounded_to_the_scale_of_whole_numbers_else_to_a_millimetre(scale, corners, step_m, noted):
    faces = bag3d._Faces("2.2")
    assert bag3d._rounding_m({"vertices": corners}, np.array([9, 9, scale]), faces) == step_m
    assert len(faces.seen) == noted


@pytest.mark.parametrize(
    ("spelled", "lod"),
    [("2.20", "2.2"), ("LoD 2.0", "2.0"), ("lod2.200", "2.2"), (" 2 ", "2"), ("10", "10"), ("2.02", "2.02")],
)
def test_a_level_of_detail_is_what_it_says(spelled, lod):
    assert bag3d._lod(spelled) == lod


def test_values_of_faces_are_walked_with_their_boundaries_at_any_depth():
    assert list(bag3d._leaves([[1], [2]], [0, 1])) == [([1], 0), ([2], 1)]
    assert list(bag3d._leaves([[[1], [2]], [[3]]], [[0, None], None])) == [([1], 0)]
    assert list(bag3d._leaves([[1]], None)) == []
    assert list(bag3d._leaves([[1]], 3)) == [([[1]], 3)]
    with pytest.raises(ValueError, match="2 boundaries and 1 semantic values"):
        list(bag3d._leaves([[1], [2]], [0]))


def test_a_file_has_so_many_faces_and_no_more(tmp_path, monkeypatch):
    path = _written(tmp_path / "t.city.json", _model([[flat(0)], [flat(10)]]))
    monkeypatch.setattr(bag3d, "MOST_FACES", 2)
    assert len(bag3d.read_roof_face(path)[0]) == 2
    monkeypatch.setattr(bag3d, "MOST_FACES", 1)
    with pytest.raises(FormatError, match="at most 1 roof faces"):
        bag3d.read_roof_face(path)


def test_a_tile_is_known_by_its_first_document(tmp_path):
    bag3d.require_tile(_written(tmp_path / "t.city.json", town()))
    for change, error in (
        ({"metadata": {"referenceSystem": "EPSG:17415"}}, CrsError),
        ({"metadata": {"referenceSystem": "EPSG:74150"}}, CrsError),
        ({"type": "CityJSONFeature"}, FormatError),
        ({"transform": {"scale": [1, 1, 1]}}, FormatError),
    ):
        with pytest.raises(error):
            bag3d.require_tile(_written(tmp_path / "u.city.json", {**town(), **change}))


# --- height sheets ----------------------------------------------------------------------------------------------------

WEST, NORTH = 100_000.0, 450_000.0


def sheet(
    path: Path, cells: Any, *, west: float = WEST, north: float = NORTH, size_m: float = 0.5, **more: Any
) -> Path:
    """Write cells as a sheet with its corner in the north-west."""
    cells = np.asarray(cells, np.float32)
    how = {"crs": "EPSG:28992", "transform": from_origin(west, north, size_m, size_m), "nodata": ahn.NODATA, **more}
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=cells.shape[0], width=cells.shape[1], dtype="float32", **how
    ) as out:
        out.write(cells, 1)
    return path


def test_a_window_over_the_edges_of_three_sheets_is_the_first_height_of_each_cell(tmp_path, monkeypatch):
    one = np.arange(24, dtype=np.float32).reshape(4, 6) + 1
    one[1, 1], one[3, 5] = np.nan, ahn.NODATA
    other = one + 50  # a metre to the east and half a metre to the south
    other[0, 0] = one[1, 2] + 0.009  # as high, within a centimetre
    paths = [
        sheet(tmp_path / "a.tif", one),
        sheet(tmp_path / "b.tif", other, west=WEST + 1, north=NORTH - 0.5),
        sheet(tmp_path / "c.tif", one, west=WEST + 30),
        tmp_path / "gone.tif",
    ]
    window = (WEST + 0.2, NORTH - 2.2, WEST + 4.1, NORTH + 0.6)
    expected = np.full((7, 9), np.nan, np.float32)
    expected[2:6, :6] = one
    expected[5, 5] = np.nan
    part = expected[3:7, 2:8]
    part[np.isnan(part)] = other[np.isnan(part)]
    expected[6, 7] = np.nan  # the filler, and fifty more of it
    for rows in (ahn._STRIP_ROWS, 2, 1):
        monkeypatch.setattr(ahn, "_STRIP_ROWS", rows)
        heights, place, tally = open_window(paths, window)
        np.testing.assert_array_equal(heights, expected)
        assert place == Affine(0.5, 0, WEST, 0, -0.5, NORTH + 1)
        assert (tally.rows_in, tally.kept) == (4, 2)
        assert tally.left_out == {"sheet missing": 1, "sheet outside the window": 1}
        assert tally.noted == {
            "cells without height": int(np.isnan(expected).sum()),
            "cells with another height in b.tif than in an earlier sheet, which counts": 9,
        }
    with pytest.raises(FormatError, match=r"expected at least one AHN sheet; found none; where: gone\.tif, gone\.tif"):
        ahn.join_sheets(paths[3:] * 2, window, path=tmp_path / "x.tif")


def test_a_window_is_written_in_tiles_of_packed_floats(tmp_path):
    cells = np.full((2, 3), 1.5)
    ahn.join_sheets([sheet(tmp_path / "a.tif", cells)], (WEST, NORTH - 1, WEST + 1.5, NORTH), path=tmp_path / "o.tif")
    with rasterio.open(tmp_path / "o.tif") as made:
        assert (made.count, made.dtypes, made.shape, made.nodata) == (1, ("float32",), (2, 3), ahn.NODATA)
        assert (made.profile["tiled"], made.block_shapes, made.crs) == (True, [(256, 256)], "EPSG:28992")
        assert made.tags(ns="IMAGE_STRUCTURE") | {"x": 1} == {
            "COMPRESSION": "DEFLATE",
            "INTERLEAVE": "BAND",
            "PREDICTOR": "3",
            "x": 1,
        }


def test_what_is_no_height_is_unknown_and_counted_where_it_may_be_another_unit(tmp_path):
    north_of_limburg = [[-100, -99.9, 499.9, 500, 99_999, 100_000, np.inf, 2, 3, 4, 5, 6]]
    heights, _, tally = open_window([sheet(tmp_path / "a.tif", north_of_limburg)], (WEST, NORTH - 0.5, WEST + 6, NORTH))
    assert np.flatnonzero(np.isnan(heights[0])).tolist() == [0, 3, 4, 5, 6]
    assert tally.noted == {"cells without height": 5, "cells above 500 m NAP in a.tif: another unit? unknown": 2}


@pytest.mark.parametrize(
    ("cells", "north", "known"),
    [
        ([1, 2, 110, 110], 450_000, 4),
        ([1, 109.9, 110.2, 200], 450_000, 0),  # half of them, and so the median, is higher than the Veluwe
        ([1, 109.7, 110.2, 200], 450_000, 4),
        ([1, 2, 200, 200, 3], 450_000, 5),
        ([200, 200, 200], 420_000.5, 3),
        ([200, 200, 200], 420_001.0, 0),
    ],
)
def test_ground_higher_than_any_of_the_north_is_in_another_unit(cells, north, known, tmp_path):
    path = sheet(tmp_path / "a.tif", [cells], north=north)
    heights, _, tally = open_window([path], (WEST, north - 0.5, WEST + len(cells) / 2, north))
    assert np.isfinite(heights).sum() == known
    assert ("most of a.tif above 110 m NAP, north of Limburg: another unit? unknown" in tally.noted) == (known == 0)


def test_a_window_has_so_many_cells_and_no_more_on_a_grid_of_a_size(tmp_path, monkeypatch):
    path = sheet(tmp_path / "a.tif", np.ones((4, 4)))
    monkeypatch.setattr(ahn, "MOST_CELLS", 24)
    rows, columns, place = ahn._grid(path, (WEST + 1, NORTH - 3, WEST + 3, NORTH))
    assert (rows, columns, place) == (6, 4, Affine(0.5, 0, WEST + 1, 0, -0.5, NORTH))
    assert ahn._grid(path, (WEST - 0.1, NORTH - 0.6, WEST + 0.1, NORTH + 0.1))[:2] == (3, 2)
    with pytest.raises(FormatError, match="a window of at most 24 cells; found 24; where"):
        ahn._grid(path, (WEST + 1, NORTH - 3, WEST + 3.01, NORTH))
    with pytest.raises(FormatError, match="cells of a size, on a grid"):
        ahn._grid(path, (WEST, NORTH - 1, np.inf, NORTH))
    ahn.require_sheet(path)


@pytest.mark.parametrize(
    ("west", "north", "inside"),
    [
        (-10_000, 640_000, True),
        (-10_001, 640_000, False),
        (309_990, 640_000, True),
        (309_991, 640_000, False),
        (0, 640_001, False),
        (0, 280_010, True),
        (0, 280_009, False),
    ],
)
@pytest.mark.parametrize("crs", ["EPSG:28992", None])
def test_a_sheet_lies_where_sheets_of_rd_new_can(west, north, inside, crs, tmp_path):
    path = sheet(tmp_path / "a.tif", np.ones((10, 10)), west=west, north=north, size_m=1, crs=crs)
    with rasterio.open(path) as opened:
        if inside:
            assert ahn._require_rd(opened, path) == (crs is None)
        else:
            with pytest.raises(CrsError, match=f"found bounds {west}, "):
                ahn._require_rd(opened, path)


@pytest.mark.parametrize(
    ("by_m", "fits"), [(0.0, True), (0.0004, True), (0.0006, False), (0.25, False), (-0.0006, False)]
)
@pytest.mark.parametrize("axis", ["west", "north"])
def test_sheets_lie_on_one_grid_within_a_thousandth_of_a_cell(by_m, fits, axis, tmp_path):
    place = {"west": WEST + 1, "north": NORTH - 2}
    path = sheet(tmp_path / "a.tif", np.ones((2, 2)), **{**place, axis: place[axis] + by_m})
    with rasterio.open(path) as opened:
        if fits:
            ahn._require_grid(opened, Affine(0.5, 0, WEST, 0, -0.5, NORTH), path)
        else:
            with pytest.raises(FormatError, match=r"cells of 0\.5 m on the grid of the first sheet"):
                ahn._require_grid(opened, Affine(0.5, 0, WEST, 0, -0.5, NORTH), path)
        with pytest.raises(FormatError, match=r"cells of 0\.5 m from"):
            ahn._require_grid(opened, Affine(0.502, 0, WEST, 0, -0.502, NORTH), path)


def test_the_offset_and_scale_that_a_sheet_states_count_before_its_unit(tmp_path):
    path = sheet(tmp_path / "a.tif", [[100, 200, 300]])
    for scale, offset, unit, said in (
        (0.5, 10, "cm", True),
        (1, 10, "m", True),
        (100, 0, "cm", False),
        (1, 0, "Metres", False),
    ):
        with rasterio.open(path, "r+") as out:
            out.scales, out.offsets, out.units = (scale,), (offset,), (unit,)
        heights, _, tally = open_window([path], (WEST, NORTH - 0.5, WEST + 1.5, NORTH))
        metres = [(one * scale + offset) * (0.01 if unit == "cm" else 1) for one in (100, 200, 300)]
        known = [one if one <= 110 else np.nan for one in metres] if metres[1] <= 110 else [np.nan] * 3
        assert heights[0].tolist() == pytest.approx(known, nan_ok=True)
        assert any("turned into metres" in one for one in tally.noted) == said


def test_a_sheet_without_a_filler_has_0_for_none_where_more_than_a_tenth_is_0(tmp_path):
    cells = np.ones((4, 5))
    cells[0, :2] = 0
    kept, _, told = open_window([sheet(tmp_path / "a.tif", cells, nodata=None)], (WEST, NORTH - 2, WEST + 2.5, NORTH))
    assert (np.isnan(kept).sum(), told.noted) == (0, {"cells without height": 0})
    cells[0, 2] = 0
    path = sheet(tmp_path / "b.tif", cells, nodata=None)
    lost, _, told = open_window([path], (WEST, NORTH - 2, WEST + 2.5, NORTH))
    assert np.isnan(lost).sum() == 3
    assert told.noted["cells of exactly 0 in b.tif, which names no filler: unknown"] == 3


# --- what is fetched of sheets ----------------------------------------------------------------------------------------

AT = "https://x.nl/dsm_05m/kaartbladindex.json"


def entry(name: Any = "01CZ1", url: Any = "a.tif", west: float = 0.0, **more: Any) -> dict[str, Any]:
    ring = [[west, 0], [west + 10, 0], [west + 10, 10], [west, 10]]
    properties = {"kaartbladNr": name, "url": url, **more}
    return {"properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def test_the_sheets_that_touch_a_window_are_those_of_the_index():
    index = {
        "features": [entry(url="b.tif"), entry(), entry(), entry(url="c.tif", west=20), entry(url=None, href="d.tif")]
    }
    found = ahn.sheets_in(index, (9.9, 5, 15, 6), AT)
    assert found == [f"https://x.nl/dsm_05m/{one}.tif" for one in "abd"]
    assert ahn.sheets_in(index, (10, 5, 15, 6), AT) == []  # an edge in common is none
    assert ahn.index_address("https://x.nl/", "dsm") == AT
    assert ahn.index_address("https://x.nl", "dtm") == AT.replace("dsm", "dtm")
    for wrong, said in (
        ([], "a GeoJSON index of sheets"),
        ({"features": {}}, "a GeoJSON index of sheets"),
        ({"features": [entry("1")]}, "kaartbladNr and url"),
        ({"features": [entry("x" * 21)]}, "kaartbladNr and url"),
        ({"features": [entry(url=3)]}, "kaartbladNr and url"),
        ({"features": [{"properties": {"kaartbladNr": "01CZ1", "url": "a"}}]}, "a shape for each sheet"),
        ({"features": [{"properties": []}]}, "kaartbladNr and url"),
        ({"features": [{"properties": [1]}]}, "features with properties"),
        ({"features": ["x"]}, "features with properties"),
        ({"features": [entry(url="https://y.nl/a.tif")]}, "y.nl"),
    ):
        with pytest.raises(FormatError, match=said):
            ahn.sheets_in(wrong, (9.9, 5, 15, 6), AT)


def test_a_part_of_a_sheet_is_read_where_it_is_little_of_a_tiled_one(tmp_path, monkeypatch):
    cells = np.arange(512 * 512, dtype=np.float32).reshape(512, 512)
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    source = sheet(tmp_path / "a.tif", cells, size_m=1, **tiles)
    monkeypatch.setattr(ahn, "RangeFile", lambda *_: source.open("rb"))
    part = tmp_path / "part" / "p.tif"
    part.parent.mkdir()
    box = (WEST + 500, NORTH - 20, WEST + 900, NORTH + 30)
    assert ahn._read_part("https://x.nl/a.tif", part, box, Http())
    with rasterio.open(part) as read:
        assert (read.bounds, read.count) == ((WEST + 500, NORTH - 20, WEST + 512, NORTH), 1)
        assert (read.profile["tiled"], read.block_shapes) == (True, [(256, 256)])
        np.testing.assert_array_equal(read.read(1), cells[:20, 500:])
    half = (WEST, NORTH - 256, WEST + 512, NORTH)
    assert ahn._read_part("https://x.nl/a.tif", part, half, Http())
    assert not ahn._read_part("https://x.nl/a.tif", part, (WEST, NORTH - 256.1, WEST + 512, NORTH), Http())
    source = sheet(tmp_path / "b.tif", cells, size_m=1)
    assert not ahn._read_part("https://x.nl/b.tif", part, box, Http())


def test_a_part_is_named_after_its_window_and_what_is_kept_is_not_asked_again(tmp_path, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(ahn, "download", lambda link, path, **_: asked.append(f"whole {path.name}"))

    def part_of(answer: Any) -> None:
        def read(link: str, part: Path, *_: Any) -> bool:
            asked.append(f"part {part.name}")
            if isinstance(answer, Exception):
                raise answer
            return bool(answer)

        monkeypatch.setattr(ahn, "_read_part", read)

    def ask() -> str:
        return ahn._part_or_sheet("https://x.nl/a/R_1.tif?x=1", tmp_path, (1, 2, 3, 4), Http()).name

    part_of(True)
    assert ask() == "R_1_1_2_3_4.tif"
    for answer in (False, FetchError("x", found="x")):
        part_of(answer)
        assert ask() == "R_1.tif"
    assert asked == ["part R_1_1_2_3_4.tif"] + ["part R_1_1_2_3_4.tif", "whole R_1.tif"] * 2
    (tmp_path / "R_1.tif").touch()
    assert ask() == "R_1.tif"
    assert asked[5:] == ["whole R_1.tif"]  # asked whether it has changed
    (tmp_path / "R_1_1_2_3_4.tif").touch()
    assert ask() == "R_1_1_2_3_4.tif"
    assert len(asked) == 6


def test_a_sheet_outside_a_window_fills_nothing(tmp_path):
    heights = np.full((4, 4), np.nan, np.float32)
    place = Affine(0.5, 0, WEST, 0, -0.5, NORTH)
    for number, (west, north, used) in enumerate(
        [
            (WEST + 2, NORTH, False),
            (WEST + 1.5, NORTH, True),
            (WEST - 1, NORTH, False),
            (WEST - 0.5, NORTH, True),
            (WEST, NORTH - 2, False),
            (WEST, NORTH - 1.5, True),
            (WEST, NORTH + 1, False),
            (WEST, NORTH + 0.5, True),
        ]
    ):
        path = sheet(tmp_path / f"{number}.tif", np.full((2, 2), number), west=west, north=north)
        assert ahn._fill(heights, place, path, Counter()) == used
    expected = np.full((4, 4), np.nan, np.float32)
    expected[:2, 3], expected[:2, 0], expected[3, :2], expected[0, :2] = 1, 3, 5, 7
    expected[0, 0] = 3
    np.testing.assert_array_equal(heights, expected)
