"""How several deliveries of one role become one table, and where a file of a study lies: on frames of a few rows."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from kansenkaart.acquire import deliveries
from kansenkaart.acquire.deliveries import Delivery, Part, deliver, join, raster_step
from kansenkaart.acquire.live import Errand
from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.sources.tools.http import Http
from kansenkaart.tables.provenance import Tally

X, Y = 100_000, 450_000


@pytest.fixture
def keyed(monkeypatch):
    """Let a table have the key of two columns, of which the first names the object."""
    monkeypatch.setattr(deliveries.schemas, "get", lambda table: SimpleNamespace(key=("o", "r")))
    monkeypatch.setattr(deliveries, "_OBJECT", {"thing": ("o",)})


def _thing(name, edition, *rows):
    frame = pd.DataFrame(rows, columns=["o", "r", "v", "w"])
    return Part(name, edition, frame, Tally(len(rows) + 1, len(rows), {"odd": 1}, {"seen": 2}))


@pytest.mark.usefixtures("keyed")
def test_objects_that_differ_come_whole_from_the_newer_file_and_equal_ones_from_the_first():
    old = _thing(
        "old", "2024-01", (1, 1, 1.0, "a"), (1, 2, 1.0, "a"), (2, 1, 2.0, "b"), (3, 1, 3.0, "c"), (5, 1, 9.0, "x")
    )
    new = _thing(
        "new", "2024-02", (1, 1, 1.0, "a"), (2, 1, 2.5, "b"), (3, 1, 3.0, "c"), (4, 1, 4.0, "d"), (5, 1, 9.0, "y")
    )
    told = {"1": "number of parts", "2": "v", "5": "w"}
    assert deliveries._torn(old.frame, new.frame, ["o"], ["o", "r"]).to_dict() == told
    assert deliveries._torn(new.frame, old.frame, ["o"], ["o", "r"]).to_dict() == told
    rows = [(1, 1, 1.0, "a"), (2, 1, 2.5, "b"), (3, 1, 3.0, "c"), (4, 1, 4.0, "d"), (5, 1, 9.0, "y")]
    for parts in ([old, new], [new, old]):
        frame, tally = join("thing", parts)
        assert sorted(frame.itertuples(index=False, name=None)) == rows
        assert frame.index.tolist() == list(range(5))
        assert tally == Tally(
            12,
            5,
            {
                "odd": 2,
                "older than new, which says otherwise: 1, 2, 5": 4,
                "same object in another delivery": 1,
            },
            {"seen": 4},
        )
    assert join("thing", [old]) == (old.frame, old.tally)
    with pytest.raises(FormatError) as why:
        join("thing", [old, _thing("new", "x", (2, 1, 2.5, "b"))])
    assert why.value.found == "2: another v in each file (1 such objects)"
    third = _thing("third", "2024-03", (4, 1, 4.5, "d"), (6, 1, 1.0, "z"))
    frame, tally = join("thing", [old, new, third])
    assert sorted(frame["v"]) == [1.0, 1.0, 2.5, 3.0, 4.5, 9.0]
    apart, _ = join("thing", [_thing("a", "x", (1, 1, 1.0, "a")), _thing("b", "x", (7, 1, 1.0, "a")), _thing("c", "x")])
    assert apart["o"].tolist() == [1, 7]


@pytest.mark.usefixtures("keyed")
def test_a_key_of_two_columns_is_both_together():
    frame = pd.DataFrame({"o": ["a", "a"], "r": [1, 2]})
    assert deliveries._ids(frame, ["o", "r"]).tolist() == ["a\0001", "a\0002"]
    assert deliveries._ids(frame, ["r"]).tolist() == ["1", "2"]
    assert deliveries._shared(frame, frame.iloc[1:], ["o", "r"]).tolist() == [True]
    assert deliveries._shared(frame.iloc[:1], frame, ["o", "r"]).tolist() == [True, False]
    for one, other in ((frame.head(0), frame), (frame, frame.head(0))):
        assert deliveries._shared(one, other, ["o"]).tolist() == [False] * len(other)


def test_a_millimetre_or_a_millionth_is_no_difference():
    def differs(one, other):
        return deliveries._differs(pd.Series(one), pd.Series(other)).tolist()

    assert differs([1.0, 1.0, 1e6, 1e6, np.nan, np.nan], [1.0009, 1.0011, 1e6 + 0.9, 1e6 + 1.1, np.nan, 1]) == [
        *[False, True, False, True, False, True]
    ]
    assert differs([1, 2], [1.0, 2.5]) == [False, True]
    assert differs(["a", None, "", "b"], ["a", "", None, "c"]) == [False, False, False, True]
    assert differs([1, 2], ["1", "3"]) == [False, True]
    assert differs(["1", "3"], [1, 2]) == [False, True]
    assert differs(pd.array([1, None], dtype="Int64"), pd.array([1, 2], dtype="Int64")) == [False, True]
    square = [(0, 0), (0, 1), (1, 1), (1, 0)]
    shapes = [shapely.Polygon(one) for one in (square, square[2:] + square[:2])]
    moved = [shapely.Polygon([(x + by, y) for x, y in square]) for by in (0.0009, 0.0011)]
    assert deliveries._differs(gpd.GeoSeries(shapes[:1] * 3), gpd.GeoSeries([shapes[1], *moved])).tolist() == [
        *[False, False, True]
    ]


def test_an_edition_says_year_month_and_day_as_far_as_it_does():
    given = {
        "2024": (2024,),
        "v21.09.8": (2021, 9, 8),
        "20240506": (2024, 5, 6),
        " 2024-1 ": (2024, 1),
        "v.1999": (1999,),
    }
    given |= {"AHN4": None, "": None, "2024-05-06-07": None, "latest": None}
    assert {one: deliveries._when(one) for one in given} == given
    newer = [("2024-05", "2024-04"), ("2025", "2024-12"), ("2024-05-02", "2024-05-01")]
    assert all(deliveries._newer(*pair) and not deliveries._newer(*pair[::-1]) for pair in newer)
    unsure = [("2024", "2024"), ("2024", "x"), ("x", "2024"), ("2024-05", "2024")]
    assert not any(deliveries._newer(*pair) or deliveries._newer(*pair[::-1]) for pair in unsure)


def _folders(root):
    return Folders(published=root / "data", raw=root / "raw", processed=root / "processed", maps=root / "maps")


def test_a_file_of_a_study_lies_in_its_folder_and_is_hashed_with_what_lies_beside_it(tmp_path, monkeypatch):
    (tmp_path / "data" / "sub").mkdir(parents=True)
    for name in ("a.shp", "a.dbf", "a.txt", "b.dbf"):
        (tmp_path / "data" / "sub" / name).write_text(name)
    one = Source(role="pand", publisher="bag", origin="file", form="x", path="sub/a.shp", edition="2024", year=2023)
    errand = Errand(Study(name="x", title="x", source=(one,)), _folders(tmp_path), Http())
    monkeypatch.setattr(errand, "hash_of", lambda *paths: " ".join(path.name for path in paths))
    made = deliver(one, errand)
    (told,) = made.provenance
    assert made.paths == (tmp_path / "data" / "sub" / "a.shp",)
    assert (told.role, told.publisher, told.edition, told.address, told.sha256, told.year) == (
        *("pand", "bag", "2024", "sub/a.shp", "a.shp a.dbf", 2023),
    )
    monkeypatch.setattr(deliveries, "example_folder", lambda folders, name, edition: tmp_path / "data" / "sub")
    example = one.model_copy(update={"origin": "example", "path": "b.dbf"})
    assert deliver(example, errand).paths == (tmp_path / "data" / "sub" / "b.dbf",)
    with_layer = {"role": "dsm", "layer": "l"}
    assert deliver(example.model_copy(update=with_layer), errand).paths  # only of a file a layer is refused
    for change, expected in (
        ({"path": "../x"}, "a path inside the data folder"),
        (with_layer, "no layer for role dsm"),
        ({"path": "sub/c"}, "the published file for pand"),
        ({"path": "none/deeper/c"}, "the published file for pand"),
    ):
        with pytest.raises(ConfigError) as why:
            deliver(one.model_copy(update=change), errand)
        assert why.value.expected == expected
    assert "in data/ there is sub:" in why.value.remedy
    assert deliver(one.model_copy(update={"layer": "l"}), errand).paths
    monkeypatch.setattr(errand, "fetch", lambda source: ((source.origin,), "told"))
    for origin in ("live", "bulk"):
        assert deliver(one.model_copy(update={"origin": origin}), errand) == Delivery((origin,), ("told",))
    assert deliveries._nearby(tmp_path / "data" / "sub" / "A.SHP", tmp_path / "data") == "in sub/ there is a.shp"
    (tmp_path / "data" / "empty").mkdir()
    assert deliveries._nearby(tmp_path / "data" / "empty" / "a", tmp_path / "data") == "in empty/ there is nothing"


def test_sheets_are_joined_as_far_as_they_reach_where_no_window_is_asked(tmp_path):
    how = {"driver": "GTiff", "width": 4, "height": 2, "count": 1, "dtype": "float32", "crs": 28992, "nodata": -1.0}
    paths = [tmp_path / "b.tif", tmp_path / "a.tif"]
    for path, west, north in zip(paths, (X, X + 6), (Y, Y + 3), strict=True):
        with rasterio.open(path, "w", **how, transform=rasterio.transform.from_origin(west, north, 0.5, 0.5)) as out:
            out.write(np.ones((1, 2, 4), np.float32))
    assert deliveries._extent(paths) == (X, Y - 1, X + 8, Y + 3)
    rows = [Delivery((path,), (SimpleNamespace(address=path.name),)) for path in paths]
    store = SimpleNamespace(path=lambda role: tmp_path / "out" / "deep" / f"{role}.tif")
    whole, cut = raster_step("dsm", rows, None), raster_step("dsm", rows, (X, Y - 1, X + 2, Y))
    assert (whole.name, whole.outputs, whole.inputs) == ("dsm", ("dsm",), ())
    assert whole.parameters == {"bbox_m": [], "order": [1, 0]}
    assert cut.parameters == {"bbox_m": [X, Y - 1, X + 2, Y], "order": [1, 0]}
    for step, bounds in ((whole, (X, Y - 1, X + 8, Y + 3)), (cut, (X, Y - 1, X + 2, Y))):
        (product,) = step.action(store)
        assert product.name == "dsm"
        assert product.content.parent == tmp_path / "out" / "deep"
        assert product.content.name.startswith(".dsm.")
        with rasterio.open(product.content) as sheet:
            assert tuple(sheet.bounds) == bounds
