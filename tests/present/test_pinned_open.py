"""The open layers of a small release and every description of it, whole, as a person read them; one number as it is cited."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from kansenkaart.present import catalog, release
from kansenkaart.present.catalog import Release, ReleaseFile, documents
from kansenkaart.present.mapspec import View
from kansenkaart.present.release import OpenField, OpenLayer, cited, qml, write_layers
from kansenkaart.present.style import LegendClass
from tests.pinned import same_as_pinned

CODES = {"a": ("een", "one"), "b": ("twee", "two")}
FIELDS = (
    OpenField(
        "key", "str", "-", "sleutel", "key", "De sleutel.", "The key.", "register", ("BAG 1",), ("CC0",), required=True
    ),
    OpenField("buurtnaam", "str", "-", "buurt", "name", "De naam.", "The name.", "register", ("BAG 1",)),
    OpenField(
        "sun",
        "float",
        "kWh/year",
        "zon",
        "sun",
        "De zon.",
        "The sun.",
        "calculated",
        ("BAG 1", "KNMI 2"),
        ("CC0", "CC BY 4.0"),
        "basis, other",
        ("sun_low", "sun_high"),
        minimum=0.0,
        maximum=9.5,
    ),
    OpenField("sun_low", "float", "kWh/year", "laag", "low", "Laag.", "Low.", "calculated"),
    OpenField("sun_high", "float", "kWh/year", "hoog", "high", "Hoog.", "High.", "calculated"),
    OpenField("basis", "str", "-", "basis", "basis", "Waarvan.", "From what.", "calculated", codes=CODES),
    OpenField("other", "str", "", "ander", "other", "Ander.", "Other.", "calculated"),
    OpenField("homes", "int", "1", "woningen", "homes", "Woningen.", "Homes.", "calculated", minimum=0.0, maximum=5.0),
    OpenField("year", "int", "1", "jaar", "year", "Jaar.", "Year.", "calculated", minimum=1.0),
    OpenField("ids", "list", "-", "nummers", "ids", "Nummers.", "Ids.", "calculated", codes=CODES),
    OpenField("geometry", "geometry", "-", "vorm", "shape", "Vorm.", "Shape.", "register"),
)
VIEW = View(
    "zon",
    "sun",
    (
        LegendClass("1", "tot 2", "#dcecf1", None, 2.0),
        LegendClass("2", "tot 4", "#62a5bb", 2.0, 4.0),
        LegendClass("3", "veel", "#0b4a61", 4.0, None),
        LegendClass("4", "alles", "#010203"),
    ),
)
KINDS = View("basis", "basis", (LegendClass("A", "een", "#123456", values=("a", "b'")),), note="Let op")
ABOUT = {
    "title": "Proef",
    "version": "3",
    "edition": "intern",
    "moment": "2026-01-02T00:00:00.000Z",
    "as_of": "2019-05-06",
    "crs": "EPSG:28992",
    "extent": [190_000.0, 560_000.0, 190_100.0, 560_200.0],
    "schema_version": "2.0",
    "software": "kansenkaart 1",
    "code": "0123456789abcdef",
    "content": "fedcba9876543210",
    "commit": "abc",
    "empty": ["sewers", "rain"],
    "licences": ["CC BY 4.0", "open government data (CC0)"],
    "sources": [
        {"credit": "(c) KNMI", "edition": "2", "licence": "CC BY 4.0", "role": "weather", "year": 2021},
        {"credit": "BAG", "edition": "1", "licence": "CC0", "role": "home", "year": None},
    ],
}


def layers() -> list[OpenLayer]:
    """Return a layer of shapes with every type of column, one of points, and one without shapes."""
    frame = gpd.GeoDataFrame(
        {
            "key": ["k1", "k2"],
            "buurtnaam": ["Zuid", None],
            "sun": [float("nan"), 3.25],
            "sun_low": [float("nan"), 1.0],
            "sun_high": [float("nan"), 1234.5],
            "basis": ["a", "b"],
            "other": ["x", "y"],
            "homes": [2, 3],
            "year": [1, 2],
            "ids": [["1", "2"], None],
        },
        geometry=[shapely.box(190_000, 560_000, 190_100, 560_100), shapely.box(190_000, 560_100, 190_100, 560_200)],
        crs=28992,
    )
    block = OpenLayer(
        "block_score",
        frame,
        "blokken",
        "blocks",
        "een blok",
        "one block; they do not overlap",
        ("key",),
        FIELDS,
        (("key", "place", "key"),),
        (VIEW, KINDS),
        {"step": "x"},
    )
    points = gpd.GeoDataFrame({"key": ["p"]}, geometry=[shapely.Point(190_050, 560_050)], crs=28992)
    place = OpenLayer(
        "place", points, "plaatsen", "places", "een plaats", "one place", ("key",), (FIELDS[0], FIELDS[-1])
    )
    bridge = pd.DataFrame({"key": ["k1"], "homes": [7]})
    plain = OpenLayer("id_bridge", bridge, "brug", "bridge", "een nummer", "one id", ("key",), (FIELDS[0], FIELDS[7]))
    return [block, place, plain]


def test_what_files_of_open_layers_hold_is_as_it_was_read(tmp_path):
    written = write_layers("proef", tmp_path / "data", layers(), about=ABOUT)
    made = {"files": "\n".join(one.relative_to(tmp_path).as_posix() for one in written)}
    assert {one.name for one in written} == {one.name for one in (tmp_path / "data").iterdir()}
    for path in (one for one in written if one.suffix == ".parquet"):
        schema = pq.read_schema(path)
        parts = [f"{one.name} {one.type} {one.nullable} {_plain(one.metadata)}" for one in schema]
        made[path.stem] = "\n".join([*parts, _plain({b"kansenkaart": schema.metadata[b"kansenkaart"]})])
        chunk = pq.ParquetFile(path).metadata.row_group(0).column(0)
        assert chunk.compression == "ZSTD"
    made["style"] = (tmp_path / "data" / "block_score.qml").read_text("utf-8").strip()
    for shape in ("line", "point"):
        made[f"style of a {shape}"] = qml(KINDS, shape).strip()
    with closing(sqlite3.connect(tmp_path / "data" / "proef.gpkg")) as file:
        for name in (
            "contents",
            "data_columns",
            "data_column_constraints",
            "extensions",
            "metadata",
            "metadata_reference",
        ):
            rows = file.execute(f"SELECT * FROM gpkg_{name} ORDER BY 1, 2, 3").fetchall()  # noqa: S608 - our own names
            made[f"gpkg_{name}"] = "\n".join(str(row).replace("\\n", " / ") for row in rows if "geom" not in row)
        styles = file.execute("SELECT * FROM layer_styles").fetchall()
        made["layer_styles"] = "\n".join(str([len(one) if "<" in str(one) else one for one in row]) for row in styles)
        assert [row[6] for row in styles] == [qml(one, "polygon") for one in (VIEW, KINDS)]
        assert file.execute("SELECT key, ids FROM block_score").fetchall() == [("k1", '["1", "2"]'), ("k2", None)]
        assert file.execute("PRAGMA user_version").fetchone() == (10300,)
    same_as_pinned("pins/open_files.txt", made)
    assert write_layers("leeg", tmp_path / "none" / "data", [], about=ABOUT) == []


def _plain(words) -> str:
    return json.dumps({key.decode(): one.decode() for key, one in (words or {}).items()}, ensure_ascii=False)


def test_each_description_of_a_release_is_as_it_was_read():
    made = documents(_release())
    made["woordenboek.html"] = re.sub(r"(?s)<style>.*?</style>|sha256-[\w+/=]+", "", made["woordenboek.html"])
    made = {
        name: re.sub(r"(\d\.\d{3})\d+", r"\1", re.sub(r"(?m)^#", " #", text).rstrip()) for name, text in made.items()
    }
    same_as_pinned("pins/open_documents.txt", made)


def _release(contact: str = "a@b.nl", **changes) -> Release:
    names = [f"data/{one.name}.parquet" for one in layers()] + ["data/proef.gpkg", "data/a.qml", "SHA256SUMS"]
    files = tuple(ReleaseFile(name, 100 + at, f"{at:064x}") for at, name in enumerate(names))
    return Release("proef", {**ABOUT, **changes}, layers(), files, "Gemeente *Zuid*", contact)


def test_what_a_description_says_otherwise_of_other_releases_is_as_it_was_read():
    """Only the lines that differ from the release above."""
    ways = {
        "public": _release(edition="openbaar"),
        "no edition, a web address": _release("https://b.nl", edition=None, commit="", empty=[]),
        "no contact": _release(""),
        "other licence": _release(licences=["CC BY 4.0", "mine_"]),
        "free": _release(licences=["cited figures", "open government data (CC0)"]),
        "no licence": _release(licences=[]),
        "later": _release(as_of="2027-01-01"),
    }
    usual, made = documents(_release()), {}
    for name, one in ways.items():
        other = documents(one)
        lines = []
        for file in (file for file in other if file not in ("woordenboek.html",)):
            was, now = usual[file].splitlines(), other[file].splitlines()
            lines += [f"{file} - {line.strip()}" for line in was if line not in now]
            lines += [f"{file} + {line.strip()}" for line in now if line not in was]
        made[name] = re.sub(r"(\d\.\d{3})\d+", r"\1", "\n".join(lines))
    same_as_pinned("pins/open_otherwise.txt", made)


def test_files_of_a_release_say_what_they_are():
    said = {
        name: ReleaseFile(name, 1, "").kind for name in ("a.parquet", "b.c/d.gpkg", "e.qml", "f.json", "g.html", "h.md")
    }
    assert [kind for _, kind in said.values()] == ["PARQUET", "GPKG", "XML", "JSON", "HTML", "TXT"]
    assert said["h.md"][0] == "text/plain"


def test_a_number_is_cited_with_all_that_is_known_of_it():
    (layer, *_), row = layers(), layers()[0].frame.iloc[1]
    end = "Proef, edition 3; kansenkaart 1, content fedcba987654."
    sun = "The sun; basis: basis b (two), other y; sources: BAG 1, KNMI 2"
    assert cited("block k2", row, "sun", layer.schema(), ABOUT) == (
        f"sun, block k2: 3.25 kWh/year (80 % interval 1 to 1,234); {sun}; {end}"
    )
    half = row.copy()
    half["sun_low"], half["buurtnaam"], half["basis"] = float("nan"), "Zuid", "c"
    assert cited("b", half, "sun", layer.schema(), {**ABOUT, "title": 5}) == (
        "sun, b (Zuid): 3.25 kWh/year (no interval is given for it); The sun; basis: basis c, other y; "
        f"sources: BAG 1, KNMI 2; 5, edition 3; {end.partition('; ')[2]}"
    )
    none = layer.frame.iloc[0]
    about = {key: one for key, one in ABOUT.items() if key != "version"}
    assert cited("b", none, "sun", layer.schema(), about).startswith(
        "sun, b (Zuid): unknown (no interval is given for it); The sun; basis: basis a (one), other x; "
    )
    one = json.loads(json.dumps(layer.schema()))
    one["fields"][7]["sources"] = []
    assert cited("b", row, "homes", one, about) == (f"homes, b: 3; Homes; sources: ; Proef; {end.partition('; ')[2]}")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x", "x"),
        (3, "3"),
        (999.96, "1000"),
        (0.123456, "0.1235"),
        (1000.4, "1,000"),
        (-1000.6, "-1,001"),
        (12.0, "12"),
    ],
)
def test_a_cited_figure_has_four_digits_or_is_whole(value, said):
    assert release._rounded(value).replace("\N{MINUS SIGN}", "-") == said


def test_the_example_to_cite_has_an_interval_where_any_has():
    (block, place, plain) = layers()
    bare = replace(block, name="aaa", fields=tuple(replace(one, interval=()) for one in block.fields))
    one = replace(_release(), layers=[plain, place, bare, block], about={**ABOUT})
    assert catalog._example(one)[0] == "'block_score', 'k2', 'sun'"
    assert catalog._example(replace(one, layers=[bare, place]))[0] == "'aaa', 'k2', 'sun'"
    assert catalog._example(replace(one, layers=[place, plain])) == ("", "")


def test_signs_that_mean_something_in_markdown_are_kept_as_they_are():
    said = catalog._literal("a_b _c_ *d* [e](f) <g> #h `i` & | ! ~ $ \\ - +")
    assert said == r"a_b \_c\_ \*d\* \[e\](f) \<g\> \#h \`i\` \& \| \! \~ \$ \\ - +"
    assert [catalog._literal(one) for one in ("- a", "+ a", "= a", "a - b")] == [r"\- a", r"\+ a", r"\= a", "a - b"]


def test_bounds_of_a_style_are_half_open_and_of_shapes_the_first_kind_counts():
    rules = [release._rule("c", one) for one in (*VIEW.classes, *KINDS.classes)]
    assert rules == ['"c" < 2.0', '"c" >= 2.0 AND "c" < 4.0', '"c" >= 4.0', '"c" IS NOT NULL', "\"c\" IN ('a', 'b''')"]
    shapes = {
        "polygon": [shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]), shapely.Point(0, 0)],
        "line": [shapely.LineString([(0, 0), (1, 1)]), None],
        "point": [shapely.MultiPoint([(0, 0)])],
    }
    for kind, given in shapes.items():
        assert release._shape(gpd.GeoDataFrame(geometry=given)) == kind
    assert release._shape(gpd.GeoDataFrame(geometry=[None])) == "polygon"
