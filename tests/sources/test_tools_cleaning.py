"""What cleaning makes of shapes, ids and cells, and what a sieve counts, by hand: whole outcomes, each limit at the limit."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import wkt

from kansenkaart.errors import CrsError, FormatError, SchemaError
from kansenkaart.sources.tools import cleaning
from kansenkaart.sources.tools.cleaning import (
    Sieve,
    bag_id,
    bag_ids,
    in_rd,
    name_rd,
    placeless,
    polygons_of,
    ring_normals,
    shape_ids,
    typed_numbers,
    unmistakable,
)

#: A corner of the land, and how far from it shapes are drawn [m].
X, Y = 100_000, 450_000


def _at(text: str, x: float = X, y: float = Y) -> shapely.Geometry:
    return shapely.transform(wkt.loads(text), lambda one: np.add(one, (x, y))) if text else None


def _frame(*texts: str, crs: object = 28992, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([_at(one) for one in texts], crs=crs))


def test_polygons_are_flat_and_mended_and_what_has_no_land_is_none():
    given = {
        "POLYGON Z ((0 0 5, 2 0 5, 2 2 5, 0 2 5, 0 0 5))": (4.0, False),
        "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 1, 0 0)), ((5 5, 6 5, 6 6, 5 6, 5 5)))": (2.0, False),
        "POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))": (2.0, True),  # a bow of two triangles
        "POLYGON ((0 0, 4 0, 2 0, 2 2, 0 2, 0 0))": (4.0, True),  # a square with a thorn
        "GEOMETRYCOLLECTION (POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0)), LINESTRING (0 0, 9 9))": (1.0, False),
        "GEOMETRYCOLLECTION (POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0)), POLYGON ((0 0, 2 0, 2 1, 0 1, 0 0)))": (2.0, False),
        "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 0, 9 9))": (None, False),
        "POLYGON ((0 0, 1 1, 2 2, 0 0))": (None, True),  # a line
        "LINESTRING (0 0, 9 9)": (None, False),
        "POINT (0 0)": (None, False),
        "POLYGON EMPTY": (None, False),
        "": (None, False),
    }
    shapes, mended = polygons_of(np.array([_at(one) for one in given], dtype=object))
    assert [(one and one.area, bool(two)) for one, two in zip(shapes, mended, strict=True)] == list(given.values())
    assert all(one is None or (one.is_valid and not one.has_z and "Polygon" in one.geom_type) for one in shapes)


def test_the_vector_of_a_ring_is_its_area_along_its_normal():
    # a square of 2 m lying flat, an L of 3 m2 standing in y-z, the square the other way round
    square = [(5.0, 5.0, 1.0), (7.0, 5.0, 1.0), (7.0, 7.0, 1.0), (5.0, 7.0, 1.0)]
    ell = [(9.0, y, z) for y, z in ((0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 2.0))]
    made = ring_normals(np.array([*square, *ell, *square[::-1]]), np.array([0, 4, 10]))
    np.testing.assert_allclose(made, [(0, 0, 4), (3, 0, 0), (0, 0, -4)], atol=1e-12)
    far = ring_normals(np.array(square) + 1e9, np.array([0]))  # where products of coordinates are not exact
    assert far.tolist() == [[0.0, 0.0, 4.0]]


def test_an_identification_of_the_bag_in_every_spelling():
    full = "0503100000000001"
    given = {full: full, 503100000000001: full, "503100000000001.0": full, f" {full} ": full}
    given |= {f"NL.IMBAG.Pand.{full}": full, f"https://x.nl/pand/{full}/": full, " x": None}
    given |= {"1234567890123": "0001234567890123", "123456789012": None}
    given |= {"05031000000000012": None, "0503100000000001x": None, "٠503100000000001": None, "": None, None: None}
    given |= {pd.NA: None, float("inf"): None, "https://x.nl/pand/abc": None, "0503100000000001.5": None}
    assert {one: bag_id(one) for one in given} == given
    assert [bag_id(kind(503100000000001)) for kind in (float, np.int64, np.float64)] == [full] * 3
    assert bag_id(float("nan")) is None
    assert (
        bag_ids(f"{{{full},'503100000000009'}}") == bag_ids(["503100000000009", full, full]) == [full, full[:-1] + "9"]
    )
    assert bag_ids(np.array([full])) == bag_ids((full, None, "x")) == bag_ids(503100000000001) == [full]
    assert bag_ids(None) == []


def test_a_made_up_identification_is_of_the_shape_alone():
    ring = wkt.loads("POLYGON Z ((0 0 1, 0 1 1, 1 1 1, 1 0 1, 0 0 1))")
    same = wkt.loads("POLYGON ((1 0, 0 0, 0 1, 1 1, 1 0))")
    digest = hashlib.sha256(shapely.to_wkb(shapely.normalize(same))).hexdigest()
    assert shape_ids(np.array([ring, same]), prefix="berth") == [f"berth-{digest[:12]}"] * 2


def test_the_other_cells_decide_what_one_with_two_readings_means_unless_it_is_too_odd():
    cells = ["12.500", "0,5", "€ 1.250,50", "1.250,-", "- 3 kWp", "x", "", "1.2.3"]
    numbers, ambiguous = typed_numbers(pd.Series(cells, index=range(3, 11)), most=12_500)
    assert ambiguous.tolist() == [True, *[False] * 7]  # as much as the most is too odd
    assert numbers.tolist()[1:5] == [0.5, 1250.5, 1250.0, -3.0]
    assert numbers.isna().tolist() == [True, *[False] * 4, True, True, True]
    assert numbers.index.tolist() == list(range(3, 11))
    assert typed_numbers(pd.Series(cells), most=12_500.5)[0].tolist()[0] == 12_500.0
    alone, unsure = typed_numbers(pd.Series(["12.500", "7"]))
    assert (alone.isna().tolist(), unsure.tolist()) == ([True, False], [True, False])
    torn, both = typed_numbers(pd.Series(["0,5", "0.5", "12.500"]))
    assert (torn.tolist()[:2], both.tolist()) == ([0.5, 0.5], [False, False, True])


def test_a_number_that_nobody_typed_means_one_thing():
    given = {"2.125": "2.1250", "-999,999": "-999,9990", "2.1250": "2.1250", "0.125": "0.125", "1234.125": "1234.125"}
    assert {one: unmistakable(one) for one in given} == given


def test_only_coordinates_that_can_be_nothing_else_name_the_system():
    here, there = "POINT (0 0)", "POINT (-99990 -450000)"
    for crs, texts, code, named in (
        (None, [here], 28992, True),
        (4326, [here], 28992, True),
        ("OGC:CRS84", [here], 28992, True),
        (4258, [here], 4258, False),
        (28992, [here], 28992, False),
        (4326, [here, there], 4326, False),
        (None, [""], 28992, False),
        (4326, ["", ""], 4326, False),
        (4326, [], 4326, False),
        (None, [], 28992, False),
    ):
        made, was = name_rd(_frame(*texts, crs=crs))
        assert (made.crs.to_epsg(), was) == (code, named), (crs, texts)
        assert made.geometry.to_list() == [_at(one) for one in texts]
    assert name_rd(_frame(here, there, crs=None))[0].crs is None


def test_a_shape_lies_in_rd_when_all_of_it_does():
    edge = shapely.box(-7_000, 289_000, 300_000, 629_000)
    beyond = [shapely.box(*one) for one in ((-7_001, 3e5, 0, 4e5), (0, 288_999, 1, 4e5), (0, 3e5, 300_001, 4e5))]
    shapes = np.array([edge, *beyond, shapely.box(0, 3e5, 1, 629_001), None, wkt.loads("POINT EMPTY")], dtype=object)
    assert in_rd(shapes).tolist() == [True, *[False] * 6]


def test_a_shape_without_a_place_is_missing_empty_or_has_a_corner_that_is_none():
    with np.errstate(invalid="ignore"):
        lines = [shapely.LineString([(0, 0), one]) for one in ((1, 1), (np.nan, 1), (1, np.inf))]
    shapes = np.array([None, wkt.loads("LINESTRING EMPTY"), *lines], dtype=object)
    assert placeless(shapes).tolist() == [True, True, False, True, True]


def test_a_sieve_counts_each_reason_and_names_the_first_five():
    frame = pd.DataFrame({"x_id": ["a", None, "c", "d", "e", "f", "g"], "name": list("ppqqrrs")}, index=range(9, 16))
    frame.attrs["notes"] = {"seen": 2}
    sieve = Sieve(frame)
    assert (sieve.rows_in, sieve.frame.index.tolist(), sieve.noted) == (7, list(range(7)), {"seen": 2})
    sieve.drop_named([False] * 7, "nothing")
    assert (dict(sieve.left_out), dict(sieve.noted)) == ({}, {"seen": 2})
    sieve.drop_named([True] * 6 + [False], "odd")
    assert dict(sieve.noted) == {"seen": 2, "left out, odd: a, row 2, c, d, e, …": 6}
    assert dict(sieve.left_out) == {"odd": 6}
    assert (sieve.frame["x_id"].tolist(), sieve.frame.index.tolist()) == (["g"], [0])
    sieve.drop([True], "odd")
    sieve.note("seen", 3)
    assert sieve.tally() == cleaning.Tally(7, 0, {"odd": 7}, {**sieve.noted, "seen": 5})
    lost = Sieve(frame)
    lost.frame = lost.frame.iloc[:3]
    with pytest.raises(SchemaError, match="4 rows unaccounted for of 7"):
        lost.tally()


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"name": ["p", "q"]}, ["row 1", "row 2"]),
        ({"name": ["p", "q"], "buurtcode": ["BU1", " "]}, ["BU1", "row 2"]),
        ({"ids": ["p", "q"], "b_id": [7, 8], "a_id": [1, 2]}, ["7", "8"]),
    ],
)
def test_rows_are_named_by_their_id_else_by_their_number(columns, names):
    sieve = Sieve(pd.DataFrame(columns))
    sieve.drop_named([True, True], "odd")
    assert list(sieve.noted) == [f"left out, odd: {', '.join(names)}"]


def test_of_rows_with_one_key_one_stays_and_those_that_differ_are_named():
    frame = _frame(
        *["POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((1 0, 1 1, 0 0, 1 0))"],  # one ring, begun at another corner
        *["POINT (0 0)", "POINT (0 1)"],
        *["POINT (2 2)", "POINT (2 2)", "POINT (3 3)"],
        x_id=["a", "a", "b", "b", "c", "c", "d"],
        year=[1, 1, 1, 1, 1, 2, 1],
    )
    for keep, years in (("first", [1, 1, 1, 1]), ("last", [1, 1, 2, 1])):
        sieve = Sieve(frame)
        sieve.drop_doubles("x_id", "twice", keep=keep)
        assert sieve.frame["x_id"].tolist() == ["a", "b", "c", "d"]
        assert sieve.frame["year"].tolist() == years
        assert dict(sieve.left_out) == {"twice": 3}
        assert dict(sieve.noted) == {f"twice, with other values, the {keep} kept: b, c": 2}
    once = Sieve(pd.DataFrame({"x_id": ["a", "b", "b"], "y": [1, 2, 2]}))
    once.drop_doubles("x_id", "twice")
    assert (dict(once.left_out), dict(once.noted)) == ({"twice": 1}, {})
    plain = Sieve(pd.DataFrame({"x_id": ["b", "b"], "y": [1, 2]}))
    plain.drop_doubles("x_id", "twice")
    assert dict(plain.noted) == {"twice, with other values, the first kept: b": 1}


def test_what_has_ended_by_any_column_goes_and_what_has_no_id_too():
    sieve = Sieve(
        pd.DataFrame(
            {
                "x_id": ["a", "b", None, " d "],
                "ended": ["", "2020-01-01", "", ""],
                "ended_2": [None, None, None, "9999-01-01"],
                "year_ended": ["2020"] * 4,
            }
        )
    )
    sieve.drop_ended("over")
    sieve.identify("x_id")
    assert sieve.frame["x_id"].tolist() == ["a", "d"]
    assert dict(sieve.left_out) == {"over": 1, "no identification": 1}


def test_a_column_of_numbers_may_hold_odd_cells_up_to_half():
    spelled = ["1,5", "x" * 60, None, "-", "NaN", "2"]
    sieve = Sieve(pd.DataFrame({"x_id": list("abcdef"), "n": spelled}))
    made = sieve.numbers("n", "file.csv")
    assert made[made.notna()].to_dict() == {0: 1.5, 5: 2.0}
    assert dict(sieve.noted) == {f"n is no number, unknown (such as '{'x' * 39})": 1}
    half = Sieve(pd.DataFrame({"n": ["1", "x"]}))
    assert half.numbers("n", "file.csv").isna().tolist() == [False, True]
    most = Sieve(pd.DataFrame({"x_id": list("abcd"), "n": ["1", "", "p", "q"]}))
    with pytest.raises(FormatError) as why:
        most.numbers("n", "file.csv")
    assert (why.value.expected, why.value.found, why.value.where) == (
        "numbers in column n",
        "'p'",
        "file.csv, row 2: c",
    )
    assert Sieve(pd.DataFrame({"n": [1.0, np.nan]})).numbers("n", "x").isna().tolist() == [False, True]
    fine = Sieve(pd.DataFrame({"n": ["1", "2"]}))
    assert (fine.numbers("n", "x").tolist(), dict(fine.noted)) == ([1.0, 2.0], {})


def test_rows_left_out_by_name_are_counted_by_name():
    sieve = Sieve(pd.DataFrame({"status": ["p", "q", None, "p", "p"]}))
    sieve.drop_by_name(sieve.frame["status"] != "q", sieve.frame["status"], "status ")
    assert dict(sieve.left_out) == {"status p": 3, "status unknown": 1}
    assert (sieve.frame["status"].tolist(), sieve.frame.index.tolist()) == (["q"], [0])
    sieve.left_out["status q"] = 1
    sieve.drop_by_name([True], sieve.frame["status"], "status ")
    assert sieve.left_out["status q"] == 2


@pytest.mark.parametrize(
    ("low", "high", "kept", "reason"),
    [
        (1.0, 5.0, [1.0, 5.0], "n outside 1 to 5, unknown"),
        (1.0, None, [1.0, 5.0, 5.5, 1e300], "n below 1, unknown"),
        (None, 5.0, [0.5, 1.0, 5.0, -1e300], "n outside -inf to 5, unknown"),
        (None, None, [0.5, 1.0, 5.0, 5.5, -1e300, 1e300], "n outside -inf to inf, unknown"),
    ],
)
def test_values_outside_the_limits_of_their_field_are_unknown(monkeypatch, low, high, kept, reason):
    monkeypatch.setattr(cleaning.fields, "get", lambda _: SimpleNamespace(minimum=low, maximum=high))
    values = [0.5, 1.0, np.nan, 5.0, 5.5, -1e300, 1e300]
    sieve = Sieve(pd.DataFrame({"n": values}))
    sieve.blank_outside("n")
    assert sieve.frame["n"].dropna().tolist() == kept
    assert dict(sieve.noted) == {reason: 6 - len(kept)}


def test_each_kind_of_shape_keeps_its_own_kind_and_the_others_are_named():
    flat = "POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))"
    bow = "POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"
    thin = "POLYGON ((0 0, 1 1, 2 2, 0 0))"
    texts = [flat, bow, thin, "LINESTRING Z (0 0 1, 3 4 1)", "MULTILINESTRING ((0 0, 1 0), (1 0, 2 0))"]
    texts += ["MULTILINESTRING ((0 0, 1 0), (5 5, 5 6))", "LINESTRING (1 1, 1 1)", "POINT Z (1 2 3)"]
    texts += ["MULTIPOINT ((1 1))", "MULTIPOINT ((1 1), (2 2))", ""]
    rows = [str(number) for number in range(1, 12)]
    kept = {
        "polygons": (["1", "2"], {"self-crossing geometry mended": 1}),
        "lines": (["4", "5", "6"], {}),
        "points": (["8", "9"], {}),
    }
    for name, (ids, noted) in kept.items():
        sieve = Sieve(_frame(*texts, x_id=rows))
        getattr(sieve, name)("file")
        assert sieve.frame["x_id"].tolist() == ids
        assert dict(sieve.left_out) == {"no usable geometry": 11 - len(ids)}
        named = [one for one in rows if one not in ids and one != "11"]
        first = {"left out, no usable geometry: 11": 1}
        rest = {f"left out, no usable geometry: {', '.join(named[:5])}, …": len(named)}
        assert {key: count for key, count in sieve.noted.items() if count} == {**first, **noted, **rest}
        assert not sieve.frame.geometry.has_z.any()
        assert (sieve.frame.crs.to_epsg(), sieve.frame.index.tolist()) == (28992, list(range(len(ids))))
        shown = [one.geom_type for one in sieve.frame.geometry]
        if name == "lines":
            assert shown == ["LineString", "LineString", "MultiLineString"]
            assert sieve.frame.geometry.length.tolist() == [5.0, 2.0, 2.0]
        if name == "points":
            assert shown == ["Point", "Point"]
            assert [(one.x - X, one.y - Y) for one in sieve.frame.geometry] == [(1, 2), (1, 1)]


def test_a_few_that_lie_elsewhere_are_left_out_and_half_of_them_are_another_system():
    near, far = "POINT (0 0)", "POINT (900000 0)"
    sieve = Sieve(_frame(near, near, far, crs=None, x_id=list("abc")))
    sieve.points("file")
    assert sieve.frame["x_id"].tolist() == ["a", "b"]
    assert dict(sieve.left_out) == {"outside RD New: coordinates of another system": 1}
    assert dict(sieve.noted) == {
        "left out, outside RD New: coordinates of another system: c": 1,
        "reference system not named, RD New from its coordinates": 2,
    }
    for crs in (28992, None):
        with pytest.raises(CrsError) as why:
            Sieve(_frame(near, far, crs=crs, x_id=list("ab"))).points("file")
        assert why.value.where == "file"
    named = Sieve(_frame(near, crs=28992))
    named.points("file")
    assert {key: count for key, count in named.noted.items() if count} == {}


def test_a_table_of_a_sieve_has_the_columns_and_the_counts_and_says_which_file(tmp_path):
    shape = cleaning.schemas.get("sewer_node")
    sieve = Sieve(_frame("POINT (0 0)", "", node_id=["a", "b"], kind=["put", "put"], more=[1, 2]))
    sieve.points()
    for name in set(shape.columns) - set(sieve.frame.columns):
        sieve.frame[name] = None
    made, tally = sieve.table("sewer_node", tmp_path / "file.gpkg")
    assert (list(made.columns), len(made)) == (list(shape.columns), 1)
    assert (tally.rows_in, tally.kept) == (2, 1)
    sieve.frame["node_id"] = None
    with pytest.raises(SchemaError, match=r"file\.gpkg"):
        sieve.table("sewer_node", tmp_path / "file.gpkg")
