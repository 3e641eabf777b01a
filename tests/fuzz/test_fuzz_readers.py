"""Readers of publishers' files: whatever stands in a file, a table comes out or an error that says what to do."""

from __future__ import annotations

import numpy as np
import pyogrio
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from kansenkaart.errors import KansenkaartError
from kansenkaart.sources import bag, bag3d, bgt, cbs, cbs_areas, gwsw, knmi, nwb, own, zwolle
from tests.fuzz.conftest import FUZZ
from tests.fuzz.odd import (
    DEEP,
    spoilt,
    spoilt_bytes,
    spoilt_json,
    spoilt_json_lines,
    spoilt_table,
    spoilt_zip,
    survives,
)
from tests.sources.sheets import open_window
from tests.sources.test_field_readers import write_sheet

GEOJSON = {
    "pand": bag.read_pand,
    "verblijfsobject": bag.read_home,
    "buurten": lambda path: cbs_areas.read_buurt(path, year=2025),
    "wegdeel": lambda path: bgt.read_terrain(path, kind="wegdeel"),
    "beheerleiding": gwsw.read_sewer_pipe,
    "beheerput": gwsw.read_sewer_node,
    "nwb": lambda path: nwb.read_street_line(path, form="nwb-gml"),
    "zwolle": zwolle.read_buurt,
}
LIKE_POINTS = {"footprint-shp": ("pand", bag.read_pand), "points-shp": ("verblijfsobject", bag.read_home)}


@pytest.mark.parametrize("name", GEOJSON)
@FUZZ
@given(data=st.data())
def test_features(name, published, desk, data):
    path = desk / f"{name}.geojson"
    path.write_bytes(data.draw(spoilt(published[name])))
    survives(lambda: GEOJSON[name](path))


@pytest.mark.parametrize("form", LIKE_POINTS)
@FUZZ
@given(data=st.data())
def test_shapes_without_a_register(form, published, desk, data):
    name, read = LIKE_POINTS[form]
    path = desk / f"{form}.geojson"
    path.write_bytes(data.draw(spoilt_json(published[name])))
    survives(lambda: read(path, form=form))


@pytest.mark.parametrize("name", [*GEOJSON])
def test_the_seed_itself_is_read(name, published, desk):
    path = desk / f"seed_{name}.geojson"
    path.write_bytes(published[name])
    frame, tally = GEOJSON[name](path)
    assert len(frame) == tally.kept > 0


@FUZZ
@given(data=st.data())
def test_cityjson(published, desk, data):
    path = desk / "one.city.json"
    path.write_bytes(data.draw(spoilt(published["cityjson"])))
    survives(lambda: bag3d.read_roof_face(path))


@FUZZ
@given(data=st.data())
def test_cityjson_sequence(published, desk, data):
    path = desk / "one.city.jsonl"
    path.write_bytes(data.draw(spoilt_json_lines(published["cityjsonseq"])))
    survives(lambda: bag3d.read_roof_face(path))


@FUZZ
@given(data=st.data())
def test_cbs_answers(published, desk, data):
    name = data.draw(st.sampled_from(["TableInfos", "DataProperties", "TypedDataSet"]))
    for one in ("TableInfos", "DataProperties", "TypedDataSet"):
        folder = desk / "kwb" / "86165NED"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{one}.json").write_bytes(data.draw(spoilt(published[one])) if one == name else published[one])
    survives(lambda: cbs.read_kwb(desk / "kwb"))


@pytest.mark.parametrize("name", ["etmgeg", "uurgeg", "epw"])
@FUZZ
@given(data=st.data())
def test_weather(name, published, desk, data):
    path = desk / f"{name}.txt"
    content = data.draw(st.one_of(spoilt_table(published[name], ","), spoilt_bytes(published[name])))
    path.write_bytes(content)
    if name == "etmgeg":
        survives(lambda: knmi.read_weather_daily(path))
    else:
        survives(lambda: knmi.read_weather_hourly(path, form="epw" if name == "epw" else "knmi"))


@FUZZ
@given(data=st.data())
def test_hydx(published, desk, data):
    folder = desk / "hydx"
    folder.mkdir(exist_ok=True)
    chosen = data.draw(st.sampled_from(["knooppunt", "verbinding", "profiel"]))
    for name in ("knooppunt", "verbinding", "profiel"):
        content = data.draw(spoilt_table(published[name], ";")) if name == chosen else published[name]
        (folder / f"{name.capitalize()}.csv").write_bytes(content)
    survives(lambda: gwsw.read_sewer_pipe(folder, form="hydx-csv"))
    survives(lambda: gwsw.read_sewer_node(folder, form="hydx-csv"))


@pytest.mark.parametrize(
    ("name", "shape", "separator"), [("own_panden", own.PANDEN, ";"), ("own_sewers", own.SEWERS, ",")]
)
@FUZZ
@given(data=st.data())
def test_own_tables(name, shape, separator, published, desk, data):
    path = desk / f"{name}.csv"
    path.write_bytes(data.draw(st.one_of(spoilt_table(published[name], separator), spoilt_bytes(published[name]))))
    known = {"0193100000000001", "P"}
    survives(lambda: own.read_own(path, shape=shape, known=known, first_year=1850, last_year=2100))


@pytest.mark.parametrize("rows", ["", "0193100000000001;Corporatie;2031\n"])
def test_own_table_without_rows_or_without_faults(rows, desk):
    path = desk / "own_whole.csv"
    path.write_text("pand_id;owner;maintenance_year\n" + rows, encoding="utf-8")
    read = own.read_own(path, shape=own.PANDEN, known={"0193100000000001"}, first_year=1850, last_year=2100)
    assert len(read.table) == len(read.report) == len(rows.splitlines())


@FUZZ
@given(data=st.data())
def test_own_actuals(published, desk, data):
    path = desk / "own_actuals.csv"
    path.write_bytes(
        data.draw(st.one_of(spoilt_table(published["own_actuals"], ";"), spoilt_bytes(published["own_actuals"])))
    )
    survives(lambda: own.read_own(path, shape=own.ACTUALS, first_year=2020, last_year=2050))


@FUZZ
@given(data=st.data())
def test_own_geopackage(published, desk, data):
    source, path = desk / "own_seed.gpkg", desk / "own.gpkg"
    if not source.exists():
        plain = desk / "own_seed.geojson"
        plain.write_bytes(published["beheerput"])
        pyogrio.write_dataframe(pyogrio.read_dataframe(plain), source)
    path.write_bytes(data.draw(spoilt_bytes(source.read_bytes())))
    survives(lambda: own.read_own(path, shape=own.PANDEN, known=set(), first_year=1850, last_year=2100))


@FUZZ
@given(data=st.data())
def test_workbook(published, desk, data):
    area, book = desk / "buurten.geojson", desk / "book.xlsx"
    area.write_bytes(published["zwolle"])
    book.write_bytes(data.draw(spoilt_zip(published["workbook"])))
    survives(lambda: zwolle.read_buurt(area, cijfers=book))


@FUZZ
@given(data=st.data())
def test_height_sheet(desk, data):
    source, path = desk / "seed.tif", desk / "sheet.tif"
    if not source.exists():
        heights = np.linspace(0, 9, 400, dtype=np.float32).reshape(20, 20)
        write_sheet(heights, rasterio.transform.from_origin(200000, 500020, 0.5, 0.5), path=source)
    path.write_bytes(data.draw(spoilt_bytes(source.read_bytes())))
    survives(lambda: open_window([path], (200000, 500010, 200010, 500020)))


DEEP_JSON = (
    b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":'
    + b"[" * DEEP
    + b"]" * DEEP
    + b"}}]}"
)
LONG_NUMBER = b'{"type":"CityJSON","metadata":{"referenceSystem":"EPSG:7415"},"CityObjects":{"a":' + b"9" * 5000 + b"}}"


@pytest.mark.parametrize("content", [DEEP_JSON, LONG_NUMBER, b"[" * 1_000_000, b"", b"\0" * 100, b"\xff\xfe{"])
@pytest.mark.parametrize("name", [*GEOJSON, "cityjson", "cityjsonseq"])
def test_nesting_and_endless_numbers_are_refused_in_words(name, content, desk):
    path = desk / ("deep.city.jsonl" if name == "cityjsonseq" else "deep.json")
    path.write_bytes(content)
    read = GEOJSON.get(name, bag3d.read_roof_face)
    assert isinstance(survives(lambda: read(path)), KansenkaartError)
