"""By which reader and form a delivery is read, and how own data are counted and forgotten: each branch, on few bytes."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kansenkaart.acquire import own_data, readers
from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import ConfigError, CrsError, FormatError
from kansenkaart.sources.publishers import delivery
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.store import Lineage, Store


def _source(role, publisher="bag", origin="live", form="x", **more):
    return Source(role=role, publisher=publisher, origin=origin, form=form, path="a", **more)


AUTO = readers.AUTO
FORMS = {
    ("statistics", AUTO, "a.csv"): "statline-csv",
    ("statistics", AUTO, "dir"): "odata-v3",
    ("statistics", "statline-csv", "a.csv"): "statline-csv",
    ("roof_face", AUTO, "a.csv"): "cityjson",
    ("weather_daily", AUTO, "a.csv"): "knmi",
    ("weather_hourly", AUTO, "a.csv"): "by epw",
    ("weather_hourly", "knmi", "a.csv"): "knmi",
    ("sewer_pipe", AUTO, "dir"): "hydx-csv",
    ("sewer_node", AUTO, "A.CSV"): "hydx-csv",
    ("sewer_node", "hydx-csv", "a.gpkg"): "hydx-csv",
    ("sewer_pipe", AUTO, "a.ZIP"): "hydx-csv",
    ("sewer_pipe", AUTO, "a.GPKG.zip"): "by columns",
    ("sewer_pipe", AUTO, "a.gpkg"): "by columns",
    ("sewer_pipe", "gwsw-wfs", "a.csv"): "by columns",
    ("pand", AUTO, "a.csv"): "by columns",
    ("pand", AUTO, "dir"): AUTO,
    ("pand", "footprint-shp", "a.csv"): "footprint-shp",
    ("pand", "lvbag-gpkg", "a.csv"): "by columns",
    ("pand", "none", "a.csv"): "none",
    ("terrain", AUTO, "a.gpkg"): "by columns",
    ("own_pand", AUTO, "a.csv"): AUTO,
}


def test_the_form_is_the_stated_one_the_only_one_or_that_of_the_columns(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "_by_columns", lambda *_: "by columns")
    monkeypatch.setattr(readers.epw, "form_of", lambda path: "by epw")
    (tmp_path / "dir").mkdir()
    for name in ("a.csv", "A.CSV", "a.gpkg", "a.ZIP", "a.GPKG.zip"):
        (tmp_path / name).touch()
    found = {
        (role, form, name): readers._form_of(tmp_path / name, _source(role, form=form), False)
        for role, form, name in FORMS
    }
    assert found == FORMS


def test_columns_name_the_form_and_the_layer_is_the_likely_one(tmp_path, monkeypatch):
    looked = []

    def about(path, expected, *, layer, likely):
        looked.append((layer, likely))
        return gpd.GeoDataFrame({"a": [1], "geometry": [None]})

    monkeypatch.setattr(readers, "about_of", about)
    monkeypatch.setattr(readers, "fits", lambda columns, role, form: (columns, form) == (["a"], "fitting"))
    monkeypatch.setattr(readers, "form_of", lambda columns, role: {"pand": "found"}.get(role))
    monkeypatch.setattr(readers, "nearest_form", lambda columns, role: ("near", ["p", "q"]))
    monkeypatch.setattr(readers.bgt, "likely_layers", lambda layer: (f"likely {layer}",))

    def by(role, form, sure=False):
        return readers._by_columns(tmp_path, _source(role, form=form, layer="l"), sure)

    assert [by("pand", "fitting"), by("pand", "other"), by("home", "other")] == ["fitting", "found", "other"]
    assert [by("pand", AUTO), by("pand", "other", True)] == ["found", "found"]
    assert by("terrain", "fitting") == "fitting"
    assert looked[0] == ("l", readers._LIKELY["pand"])
    assert looked[-1] == (None, ("likely l",))
    for form, sure in ((AUTO, False), ("other", True)):
        with pytest.raises(FormatError) as why:
            by("home", form, sure)
        assert why.value.found == "nearest is near, without p, q; there are a"
        assert why.value.remedy.startswith("rename the columns")
    monkeypatch.setattr(readers, "about_of", lambda *_, **__: gpd.GeoDataFrame({"geometry": [None]}))
    with pytest.raises(FormatError, match=r"there are none.*put the \.dbf"):
        by("home", AUTO)


def test_forms_of_a_role_are_those_of_its_readers_and_of_the_names():
    assert readers.forms_of("weather_daily") == ["knmi"]
    assert readers.forms_of("roof_face") == ["cityjson", "cityjsonseq"]
    assert {"footprint-shp", "lvbag-gpkg", "bgt-gml"} < set(readers.forms_of("pand"))
    assert {"hydx-csv", "almere-gpkg"} < set(readers.forms_of("sewer_node"))
    assert readers.forms_of("street_line") == sorted({*readers.forms("street_line")})
    assert "almere-gpkg" not in readers.forms_of("street_line")
    assert "*" not in {form for role in readers.ROLES_READ for form in readers.forms_of(role)}


def test_an_empty_answer_of_at_most_four_hundred_bytes_is_an_answer(tmp_path):
    path, text = tmp_path / "a.geojson", b'{"features": []}'
    for content, found in {
        text: True,
        text + b" " * (400 - len(text)): True,
        text + b" " * (401 - len(text)): False,
        b'{"features": [1]}': False,
        b'{"a": []}': False,
        b"[]": False,
        b"{": False,
    }.items():
        path.write_bytes(content)
        assert readers._has_no_features(path) is found, content
    path.write_bytes(text)
    assert not readers._has_no_features(path.rename(tmp_path / "a.json"))
    assert not readers._has_no_features(path)
    frame, tally = readers.read(_empty(path), _source("sewer_node", "gwsw"))
    assert (len(frame), frame.crs.to_epsg(), tally) == (
        *(0, 28992),
        Tally(0, 0, {}, {"gwsw heeft hier niets (lege verzameling)": 1}),
    )


def _empty(path):
    path.write_bytes(b'{"features": []}')
    return path


def test_a_delivery_is_settled_and_looked_at_before_it_is_read(tmp_path, monkeypatch):
    looked = []
    for module, name in (
        (readers.ahn, "require_sheet"),
        (readers.gwsw, "require_hydx"),
        (readers.bag3d, "require_tile"),
    ):
        monkeypatch.setattr(module, name, lambda *what, name=name: looked.append(name))
    monkeypatch.setattr(readers, "_require_rd", lambda *_: looked.append("rd"))
    monkeypatch.setattr(readers, "_layer", lambda *_: None)
    monkeypatch.setattr(readers, "_form_of", lambda path, source, sure: source.form)
    seen = {}
    for role, form in (
        ("dsm", "x"),
        ("sewer_pipe", "hydx-csv"),
        ("roof_face", "cityjson"),
        ("pand", "lvbag-gpkg"),
        ("terrain", "ogc-geojson"),
        ("weather_daily", "knmi"),
    ):
        for sure in (True, False):
            looked.clear()
            assert readers.settle(tmp_path, _source(role, form=form), sure=sure).form == form
            seen[role, sure] = [*looked]
    assert {role: names for (role, sure), names in seen.items() if sure} == {
        "dsm": ["require_sheet"],
        "sewer_pipe": ["require_hydx"],
        "roof_face": ["require_tile"],
        "pand": ["rd"],
        "terrain": ["rd"],
        "weather_daily": [],
    }
    assert {role: names for (role, sure), names in seen.items() if not sure} == {
        **{role: [] for role in ("sewer_pipe", "roof_face", "pand", "terrain", "weather_daily")},
        "dsm": ["require_sheet"],
    }
    for role, form in (("pand", "none"), ("own_pand", "own"), ("weather_daily", "epw")):
        with pytest.raises(ConfigError, match="a form of"):
            readers.settle(tmp_path, _source(role, form=form))
    layered = {"form": "hydx-csv", "layer": "l"}
    with pytest.raises(ConfigError, match="no layer for form hydx-csv"):
        readers.settle(tmp_path, _source("sewer_pipe", origin="file", **layered))
    assert readers.settle(tmp_path, _source("sewer_pipe", **layered)).layer == "l"
    readers.settle(tmp_path, _source("pand", origin="file", form="lvbag-gpkg", layer="l"))
    settled = []
    monkeypatch.setattr(readers, "settle", lambda path, source, sure: settled.append((source.role, sure)))
    for role in ("dsm", "pand", "own_pand"):
        readers.require_readable(tmp_path, _source(role))
    readers.require_readable(_empty(tmp_path / "a.geojson"), _source("pand"))
    assert settled == [("dsm", True), ("pand", True)]


def test_a_layer_is_in_rd_or_of_no_named_system_and_touches_the_country(tmp_path):
    here, away = shapely.box(100_000, 450_000, 100_001, 450_001), shapely.box(5, 52, 6, 53)
    for crs, shapes in ((28992, [here]), (None, [here]), (4326, [here, away]), (None, []), (4326, [])):
        readers._require_rd(gpd.GeoDataFrame(geometry=shapes, crs=crs), tmp_path / "f")
    for crs, shapes in ((4326, [away]), (None, [away]), (4258, [here]), (4258, [])):
        with pytest.raises(CrsError, match="f"):
            readers._require_rd(gpd.GeoDataFrame(geometry=shapes, crs=crs), tmp_path / "f")


def test_each_reader_gets_form_layer_shift_and_station(tmp_path, monkeypatch):
    asked, apart = [], []

    def reading(name):
        return lambda path, **how: (asked.append((name, how)), (name, Tally(1, 1, {}, {"a": 1})))[1]

    for module, name in (
        (readers.cbs_areas, "read_buurt"),
        (readers.cbs, "read_kwb"),
        (readers.bag3d, "read_roof_face"),
        (readers.bgt, "read_terrain"),
        (readers.knmi, "read_weather_daily"),
    ):
        monkeypatch.setattr(module, name, reading(name))
    monkeypatch.setattr(
        readers, "aside", lambda call, path, settled: (apart.append(settled.form), call(path, settled))[1]
    )
    monkeypatch.setattr(
        readers, "settle", lambda path, source: source.model_copy(update={"form": source.form.removesuffix("!")})
    )
    for role, form, how, expected in (
        ("buurt", "x", {"year": 2020, "layer": "l"}, ("read_buurt", {"form": "x", "layer": "l", "year": 2020})),
        ("statistics", "odata-v3", {"year": 2020}, ("read_kwb", {})),
        ("statistics", "statline-csv", {"year": 2020}, ("read_kwb", {"year": 2020})),
        ("roof_face", "cityjson", {"layer": "2.2"}, ("read_roof_face", {"lod": "2.2"})),
        ("roof_face", "cityjsonseq", {"layer": "2.2"}, ("read_roof_face", {"lod": "2.2"})),
        ("terrain", "x", {"layer": "wegdeel"}, ("read_terrain", {"form": "x", "kind": "wegdeel"})),
        ("weather_daily", "knmi", {"layer": "278"}, ("read_weather_daily", {"station": None})),
        ("weather_daily", "knmi", {"layer": "278", "origin": "file"}, ("read_weather_daily", {"station": "278"})),
    ):
        frame, tally = readers.read(tmp_path, _source(role, form=form, **how))
        assert (asked[-1], frame, tally.noted) == (expected, expected[0], {"a": 1})
    assert apart == ["statline-csv", "knmi", "knmi"]
    tally = readers.read(tmp_path, _source("terrain", form="x!"))[1]
    assert tally == Tally(1, 1, {}, {"a": 1, "form x! in the study, read as x": 1})
    how = reading("any")
    shifted = _source("sewer_pipe", form="f", layer="l", shift_m=(1.0, 2.0))
    readers._sewer(how)(tmp_path, shifted)
    readers._form(how)(tmp_path, shifted)
    readers._station(how)(tmp_path, shifted)
    readers._station(how)(tmp_path, shifted.model_copy(update={"origin": "file"}))
    assert [one for _, one in asked[-4:]] == [
        {"form": "f", "origin_m": (1.0, 2.0), "layer": "l"},
        {"form": "f", "layer": "l"},
        {"form": "f", "station": None},
        {"form": "f", "station": "l"},
    ]


def test_own_data_are_forgotten_with_all_that_was_made_of_them(tmp_path):
    study = Study(name="x", title="x", source=(_source("pand"),))
    folders = Folders(
        published=tmp_path, raw=tmp_path, processed=tmp_path / "data" / "processed", maps=tmp_path / "maps"
    )
    store = Store(folders.processed / "x")
    told = {role: delivery("bag", role=role, edition="x", address=role, sha256=role) for role in ("own_pand", "pand")}
    store.write("own_pand", readers.empty("own_pand"), Lineage("x", (told["own_pand"],)))
    store.write("pand", readers.empty("pand"), Lineage("x", (told["pand"],)))
    store.write("pand_score", readers.empty("pand_score"), Lineage("x", (told["pand"], told["own_pand"])))
    store.write("own_report", readers.empty("own_report"), Lineage("x", ()))
    editions = tmp_path / "data" / "editions" / "x"
    for name, role in (("1", "own_pand"), ("2", "pand")):
        (editions / name).mkdir(parents=True)
        (editions / name / "edition.json").write_text(json.dumps({"sources": [{"role": role}]}))
    (editions / ".3.part").mkdir()
    (editions / ".4.part").touch()
    (editions / "cijfers.html").touch()
    named = [
        "maps/x",
        "maps/x-intern",
        "maps/x-openbaar",
        "maps/x-oost",
        "uitgaven/x-2025",
        "uitgaven/x-intern-2025-01",
    ]
    named += ["uitgaven/x-oost-2025", "uitgaven/x-25"]
    for name in named:
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "uitgaven" / "x-2026").symlink_to(tmp_path / "maps" / "x-oost")
    (tmp_path / "maps" / "x.txt").touch()
    (store.root / own_data.STATUS).touch()
    gone = own_data.forget(study, folders, "own_pand")
    tables = [one for one in gone if "1_clean" in one or "2_scored" in one]
    assert {one.rpartition("/")[2].split(".")[0] for one in tables} == {"own_pand", "own_report", "pand_score"}
    assert len(tables) == 6
    assert {one for one in gone if one not in tables} == {
        *("data/editions/x/1", "data/editions/x/.3.part", "data/editions/x/cijfers.html"),
        *("maps/x", "maps/x-intern", "maps/x-openbaar", "uitgaven/x-2025", "uitgaven/x-intern-2025-01"),
        f"data/processed/x/{own_data.STATUS}",
    }
    left = {one for one in named if (tmp_path / one).exists()}
    assert left == {"maps/x-oost", "uitgaven/x-oost-2025", "uitgaven/x-25"}
    assert sorted(one.name for one in editions.iterdir()) == [".4.part", "2"]
    assert not any((tmp_path / one).exists() for one in gone)
    assert store.names() == ["pand"]
    assert own_data.forget(study, folders, "own_pand") == []
    with pytest.raises(ConfigError, match="a role of own data"):
        own_data.forget(study, folders, "pand")
    mine = study.model_copy(update={"source": (_source("own_pand", origin="file"),)})
    with pytest.raises(ConfigError, match="a study without a source for own_pand"):
        own_data.forget(mine, folders, "own_pand")


def test_rows_of_ones_own_are_counted_and_shaped():
    report = pd.DataFrame(
        {
            "result": ["matched", "conflict", "matched", "x", "x", "x"],
            "cell": [False, False, False, True, True, True],
            "hint": ["", "", "", "two_readings", "", ""],
        }
    )
    assert own_data._tally(report) == Tally(
        *(3, 2, {"conflict": 1}),
        {"getal met twee lezingen, niet gebruikt": 1, "cel onleesbaar": 2},
    )
    assert own_data._tally(report[1:2]) == Tally(1, 0, {"conflict": 1}, {})
    table = pd.DataFrame({"owner": ["", "A"], "actual_year": [2020.0, 2021.0]}, index=pd.Index(["a", "b"], name="id"))
    shaped = own_data._shaped("own_pand", table)
    assert (shaped["id"].tolist(), shaped["owner"].isna().tolist()) == (["a", "b"], [True, False])
    assert [own_data._shaped(role, table)["actual_year"].dtype.kind for role in ("own_pand", "own_actual")] == [
        "f",
        "i",
    ]
    assert (own_data._PAST, own_data._AHEAD, own_data._ACTUALS_FROM) == (1850, 2100, 2000)
