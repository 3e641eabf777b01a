"""A release carries what it means: units, words, sources and licences in every file, styles, lasting ids, one row one meaning."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kansenkaart.core.editions import bridge
from kansenkaart.present import catalog
from kansenkaart.present.mapspec import View
from kansenkaart.present.release import ROWS_A_GROUP, OpenField, OpenLayer, qml, write_layers
from kansenkaart.present.style import LegendClass
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.release import _field, lasting_ids, publish_release
from kansenkaart.runs import study as pipeline
from kansenkaart.tables import fields, schemas


@pytest.fixture(scope="module")
def data(finished):
    return finished / "maps" / "proefveld" / "data"


def test_every_field_of_every_file_says_what_it_means(data):
    for path in sorted(data.glob("*.parquet")):
        schema = pq.read_schema(path)
        footer = json.loads(schema.metadata[b"kansenkaart"])
        assert footer["crs"] == "EPSG:28992"
        assert footer["row_en"], path.name
        said = {one["name"]: one for one in footer["schema"]["fields"]}
        for column in schema:
            if column.name == "bbox":
                continue
            words = {key.decode(): value.decode() for key, value in column.metadata.items()}
            assert words["unit"] == fields.get(column.name).unit == said[column.name]["unit"]
            for word in ("title", "title_nl", "description", "description_nl", "origin", "sources", "licences"):
                assert words[word] not in ("", "[]"), (path.name, column.name, word)


def test_an_interval_and_a_basis_are_named_and_defined(data):
    schema = pq.read_schema(data / "pand_score.parquet")
    sun = schema.field("yield_fit_kwh_per_year").metadata
    assert json.loads(sun[b"interval"]) == ["yield_fit_kwh_per_year_low", "yield_fit_kwh_per_year_high"]
    assert sun[b"basis"] == b"score_basis"
    low = schema.field("yield_fit_kwh_per_year_low").metadata[b"description"].decode()
    assert low.startswith("Lower bound of the 80 % interval: one in ten draws lies below it.")
    basis = schema.field("own_use_pay_frac_basis").metadata[b"description"].decode()
    assert basis.startswith("What this was calculated from")


def test_lists_are_lists_texts_are_never_empty_and_codes_are_of_their_list(data):
    for path in sorted(data.glob("*.parquet")):
        frame = pd.read_parquet(path)
        for name in [one for one in frame.columns if one not in ("bbox", "geometry")]:
            one = fields.get(name)
            if one.type == "list":
                assert pq.read_schema(path).field(name).type == pa.list_(pa.string())
            elif one.type == "str":
                assert not frame[name].eq("").any(), (path.name, name)
            if one.codes and one.type == "str":
                known = json.loads(pq.read_schema(path).field(name).metadata[b"codes_nl"])
                assert set(frame[name].dropna()) <= set(known), (path.name, name)
    assert pd.read_parquet(data / "best_area.parquet")["block_ids"].iloc[0][0].isdigit()


def test_no_file_invites_a_double_sum(data, finished):
    stored = pipeline.open_study("proefveld", root=finished).store.read("enterprise_case")
    files = sorted(data.glob("enterprise_case_*.parquet"))
    parts = [gpd.read_parquet(path) for path in files]
    assert sum(map(len, parts)) == len(stored)
    for path, part in zip(files, parts, strict=True):
        assert part[["place_kind", "track"]].drop_duplicates().shape == (1, 2), path.name
        assert part["place_id"].is_unique
        if "_best_" not in path.name:
            assert part.area.sum() == pytest.approx(part.union_all().area)


def test_a_group_holds_ten_thousand_rows_or_all(data, tmp_path):
    assert ROWS_A_GROUP >= 10_000
    for path in data.glob("*.parquet"):
        assert pq.ParquetFile(path).num_row_groups == 1
    shapes = gpd.GeoSeries.from_xy(range(ROWS_A_GROUP + 1), range(ROWS_A_GROUP + 1), crs=28992)
    layer = OpenLayer("x", gpd.GeoDataFrame({"geometry": shapes}), "x", "x", "x", "x", (), ())
    write_layers("x", tmp_path, [layer], about={"moment": "2026-01-02T00:00:00.000Z"})
    assert pq.ParquetFile(tmp_path / "x.parquet").num_row_groups == 2


def test_the_geopackage_has_names_enumerations_metadata_styles_and_a_real_moment(data):
    with closing(sqlite3.connect(data / "proefveld.gpkg")) as file:

        def rows(text):
            return file.execute(text).fetchall()

        layers = {path.stem for path in data.glob("*.parquet")}
        assert {name for (name,) in rows("SELECT table_name FROM gpkg_contents")} == layers | {"layer_styles"}
        named = dict(
            rows("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'pand_score'"),
        )
        assert named["yield_fit_kwh_per_year"] == "stroom van alles wat past [kWh/year]"
        text = rows(
            "SELECT value, description FROM gpkg_data_column_constraints WHERE constraint_name='codes_sun_class'"
        )
        assert ("A", "zeer goed / very good") in text
        scopes = rows("SELECT md_scope, count(*) FROM gpkg_metadata GROUP BY 1 ORDER BY 1")
        assert scopes == [("dataset", 1), ("featureType", len(layers))]
        assert rows("SELECT count(*) FROM layer_styles WHERE useAsDefault")[0][0] == len(list(data.glob("*.qml")))
        moments = {moment for (moment,) in rows("SELECT last_change FROM gpkg_contents")}
        about = json.loads((data / "metadata.json").read_text("utf-8"))
        assert moments == {about["moment"]}
        assert about["moment"] != "2000-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.0, 1.0, "0 – 1"), (0.0, None, "≥ 0"), (None, 2.5, "≤ 2.5"), (None, None, "")],
)
def test_a_column_says_within_which_limits_it_lies(low, high, words):
    one = OpenField("x", "float", "1", "x", "x", "X.", "X.", "calculated", minimum=low, maximum=high)
    assert catalog._limits(one) == words
    given = {"minimum": low, "maximum": high}
    assert one.plain().get("constraints", {}) == {end: value for end, value in given.items() if value is not None}


def test_codes_of_a_list_are_said_beside_the_standard_which_has_no_word_for_them():
    one = OpenField("x", "list", "", "x", "x", "X.", "X.", "calculated", codes={"a": ("een", "one")})
    assert (one.plain().get("categories"), one.plain()["codes_en"]) == (None, {"a": "one"})
    said = replace(one, type="str").plain()
    assert (said["categories"], said.get("codes_en")) == ([{"value": "a", "label": "one"}], None)


@pytest.mark.parametrize(
    ("licences", "name", "place"),
    [
        (["CC BY 4.0", "open government data (CC0)"], "CC-BY-4.0", "CC_BY_4_0"),
        (["EUPL-1.2", "cited figures"], "EUPL-1.2", "EUPL_1_2"),
        (["open government data (CC0)"], "CC0-1.0", "CC0"),
    ],
)
def test_a_release_has_the_licence_that_asks_most_of_its_sources(licences, name, place):
    found = catalog.Release("x", {"licences": licences}, (), (), "p").licence
    assert (found[0], found[2].rpartition("/licence/")[2]) == (name, place)
    assert found[1].startswith("https://")


def test_equal_layers_give_equal_bytes(tmp_path):
    frame = gpd.GeoDataFrame({"homes": [1, 2]}, geometry=gpd.GeoSeries.from_xy([0, 1], [0, 1]), crs=28992)
    one = OpenField("homes", "int", "1", "woningen", "homes", "Woningen.", "Homes.", "calculated")
    layer = OpenLayer(
        "block", frame, "blokken", "blocks", "een blok", "one block", ("homes",), (one,), views=(_view(),)
    )
    written = [
        write_layers("x", tmp_path / name, [layer], about={"moment": "2026-01-02T00:00:00.000Z"}) for name in "ab"
    ]
    assert [one.read_bytes() for one in written[0]] == [one.read_bytes() for one in written[1]]


def _view():
    classes = (
        LegendClass("1", 'tot <2> & "meer"', "#dcecf1", None, 2.0),
        LegendClass("A", "x", "#0b4a61", values=("a'b",)),
    )
    return View("woningen", "homes", classes)


def test_a_style_has_a_rule_for_each_class_and_one_for_the_unknown():
    tree = ElementTree.fromstring(qml(_view(), "polygon").partition("\n")[2])  # noqa: S314 - our own text
    rules = {one.get("label"): one.get("filter") for one in tree.iter("rule")}
    assert rules == {
        '1: tot <2> & "meer"': '"homes" < 2.0',
        "A: x": "\"homes\" IN ('a''b')",
        "onbekend": '"homes" IS NULL',
    }
    colors = [prop.get("v") for prop in tree.iter("prop") if prop.get("k") == "color"]
    assert colors == ["220,236,241,217", "11,74,97,217", "201,206,214,217"]


def test_what_refers_to_a_file_is_in_it(data):
    about = json.loads((data / "metadata.json").read_text("utf-8"))["tables"]
    keys = [(name, key) for name, one in about.items() for key in one["schema"].get("foreignKeys", [])]
    assert ("block", "gebied") in {(name, key["reference"]["resource"]) for name, key in keys}
    for name, key in keys:
        (mine,), (theirs,) = key["fields"], key["reference"]["fields"]
        there = pd.read_parquet(data / f"{key['reference']['resource']}.parquet")[theirs]
        assert pd.read_parquet(data / f"{name}.parquet")[mine].dropna().isin(set(there)).all()


def test_ids_last_while_their_content_does(finished):
    """A block keeps its id in the public edition too, whatever its number; an area's follows from its blocks."""
    store = pipeline.open_study("proefveld", root=finished).store
    whole, public = (lasting_ids(ReaderStore(store, public=one)) for one in (False, True))
    assert whole["gebied"] == public["gebied"]
    assert set(public["block"].values()) <= set(whole["block"].values())
    assert len(set(whole["block"].values())) == len(store.read("block"))


def test_a_bridge_says_what_became_of_each_id():
    old = pd.DataFrame({"home_id": list("abcdefg"), "block": ["p", "p", "q", "q", "r", "r", "s"]})
    new = pd.DataFrame({"home_id": list("abcdefh"), "block": ["p", "p", "q", "t", "r", "r", "u"]})
    new = pd.concat([new, pd.DataFrame({"home_id": ["i"], "block": ["r"]})])
    found = bridge(old, new, "block").drop(columns="place_kind").astype(object).where(lambda one: one.notna(), None)
    assert sorted(map(tuple, found.to_numpy().tolist()), key=str) == [
        ("p", "p", 1.0, "same"),
        ("q", "q", 0.5, "changed"),
        ("q", "t", 0.5, "moved"),
        ("r", "r", 1.0, "changed"),
        ("s", None, 0.0, "gone"),
        (None, "u", None, "new"),
    ]


def test_a_release_after_an_earlier_edition_has_its_bridge(finished, tmp_path):
    place = pipeline.open_study("proefveld", root=finished)
    for name in ("block", "home_area"):
        frame = place.store.read(name)
        frame.assign(block_id=frame["block_id"] + 100).to_parquet(tmp_path / f"{name}.parquet")
    readable = ReaderStore(place.store)
    files, _ = publish_release(readable, place.study, tmp_path / "data", ["block"], themes=(), before=tmp_path)
    assert tmp_path / "data" / "id_bridge.parquet" in files
    made = pd.read_parquet(tmp_path / "data" / "id_bridge.parquet")
    assert set(made["bridge_change"]) == {"same"}
    assert set(made["place_kind"]) == {"block", "gebied"}
    again, _ = publish_release(readable, place.study, tmp_path / "data", ["block"], themes=())
    assert tmp_path / "data" / "id_bridge.parquet" in again


def test_a_layer_without_rows_is_in_no_release_and_is_named(finished, tmp_path):
    place = pipeline.open_study("proefveld", root=finished)
    readable = ReaderStore(place.store)
    read = readable.read
    readable.read = lambda name: read(name).head(0) if name == "pipe_water" else read(name)
    files, layers = publish_release(readable, place.study, tmp_path / "data", ["pipe_water", "block"], themes=())
    assert [one.name for one in layers] == ["block"]
    assert tmp_path / "data" / "pipe_water.parquet" not in files
    about = json.loads((tmp_path / "data" / "metadata.json").read_text("utf-8"))
    assert about["empty"] == ["sewers with diameters before and after"]


def test_a_column_names_the_deliveries_that_it_comes_of_and_no_others():
    """Homes and people owe nothing to the weather, what fits on roofs nothing to statistics; money comes of all."""
    given = {"pand": "BAG", "home": "BAG", "statistics": "CBS", "weather_hourly": "KNMI"}
    deliveries = [{"role": one, "credit": said, "edition": "1", "licence": "x"} for one, said in given.items()]
    names = ["homes", "people", "yield_fit_kwh_per_year", "sun_eur_per_year"]
    frame = pd.DataFrame({name: [1.0] for name in names})
    behind = {name: _field(frame, name, schemas.get("buurt_score"), deliveries).sources for name in names}
    assert behind["homes"] == ("BAG 1",)
    assert behind["people"] == ("BAG 1", "CBS 1")
    assert behind["yield_fit_kwh_per_year"] == ("BAG 1", "KNMI 1")
    assert behind["sun_eur_per_year"] == ("BAG 1", "CBS 1", "KNMI 1")


def test_every_table_says_what_it_is_and_what_it_refers_to():
    for one in schemas.tables().values():
        assert all((one.title_nl, one.title_en, one.row_nl, one.row_en)), one.name
        assert set(one.apart) <= set(one.columns)
        for column, other in one.references:
            assert column in one.columns
            assert len(schemas.get(other).key) == 1
