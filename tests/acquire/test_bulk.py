"""Files of the whole country, played by the example: the window cut from them gives the tables that the services give."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kansenkaart.acquire import steps
from kansenkaart.errors import ConfigError, FetchError, FormatError
from kansenkaart.runs import study as pipeline
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from tests.loopback.server import serve
from tests.runs.places import HTTP, addresses, project, tables, twin_study

BULK = ("pand", "home", "roof_face")
LAYERS = {"pand": "pand", "home": "verblijfsobject"}


def _country(site):
    """Write bag-light and an index with two tiles: that of the example, and one that lies elsewhere."""
    for layer in LAYERS.values():
        frame = gpd.read_file(site / "ogc" / f"{layer}.geojson")
        far = frame.iloc[:3].assign(identificatie=[f"99{n:014d}" for n in range(3)]).translate(30_000, 0)
        other = frame.iloc[:3].assign(identificatie=[f"99{n:014d}" for n in range(3)]).set_geometry(far)
        both = gpd.GeoDataFrame(pd.concat([frame, other], ignore_index=True), crs=28992)
        both.iloc[::-1].to_file(site / "bag-light.gpkg", layer=layer, driver="GPKG")
    header, *rows = (site / "3dbag" / "proefveld.city.jsonl").read_text("utf-8").splitlines()
    whole = json.loads(header)
    for row in map(json.loads, rows):
        start = len(whole["vertices"])
        whole["vertices"] += row["vertices"]
        for name, one in row["CityObjects"].items():
            for shape in one.get("geometry", []):
                shape["boundaries"] = _shifted(shape["boundaries"], start)
            whole["CityObjects"][name] = one
    packed = gzip.compress(json.dumps(whole).encode(), mtime=0)
    (site / "9-444-728.city.json.gz").write_bytes(packed)
    west, south, east, north = gpd.read_file(site / "ogc" / "buurten.geojson").total_bounds
    _index(
        site,
        [shapely.box(west, south, east, north), shapely.box(0, 400_000, 1000, 401_000)],
        [hashlib.sha256(packed).hexdigest(), ""],
    )
    return site


def _shifted(nested, start):
    return nested + start if isinstance(nested, int) else [_shifted(one, start) for one in nested]


def _index(site, shapes, digests, **columns):
    told = {
        "tile_id": ["9/444/728", "9/1/1"],
        "cj_download": ["/9-444-728.city.json.gz", "/none"],
        "cj_sha256": digests,
    }
    frame = gpd.GeoDataFrame({**told, **columns}, geometry=shapes, crs=28992)
    frame.to_file(site / "tile_index.fgb", driver="FlatGeobuf")


def _bulk(study, role, publisher):
    head = f'role = "{role}"\npublisher = "{publisher}"\norigin = '
    return study.replace(f'{head}"live"', f'{head}"bulk"')


@pytest.fixture
def country(published_site, tmp_path, monkeypatch):
    """Serve the example and its files of the whole country; a project whose BAG and roofs come from those."""
    folder = _country(shutil.copytree(published_site, tmp_path / "site"))
    root = project(tmp_path / "project")
    study = twin_study("buurt", "statistics", *BULK)
    for role in BULK:
        publisher = "3dbag" if role == "roof_face" else "bag"
        study = _bulk(study, role, publisher)
    assert study.count('"bulk"') == len(BULK)
    (root / "studies" / "proefveld.toml").write_text(study.replace('"cityjsonseq"', '"cityjson"'), encoding="utf-8")
    with serve(folder) as server:
        for name, value in addresses(server.url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KANSENKAART_BULK_BAG", f"{server.url}/bag-light.gpkg")
        monkeypatch.setenv("KANSENKAART_BULK_3DBAG", f"{server.url}/tile_index.fgb")
        yield server, root


def _opened(root):
    return replace(pipeline.open_study("proefveld", root=root), http=HTTP)


def test_the_window_of_the_country_gives_the_tables_of_the_services(country, tmp_path):
    server, root = country
    place = _opened(root)
    pipeline.run_acquire(place)
    expected = pipeline.open_study("proefveld", root=project(tmp_path / "files", "proefveld"))
    pipeline.run_acquire(expected)
    same, wanted = tables(place), tables(expected)
    for name in ("pand.parquet", "home.parquet", "roof_face.parquet"):
        assert same[name] == wanted[name], name
    for layer in LAYERS.values():  # the country's file runs the other way; what is kept of it has an order of its own
        (cut,) = (root / "data" / "raw" / "bag").rglob(f"{layer}_*.geojson")
        ids = [one["properties"]["identificatie"] for one in json.loads(cut.read_text("utf-8"))["features"]]
        assert ids == sorted(ids)
    kept = sorted(path.name for path in (root / "data" / "raw" / "bag").rglob("*.gpkg"))
    assert kept == ["bag-light.gpkg"]  # two layers, one file
    asked = [one for one in server.asked if one.endswith((".gz", "/none"))]
    assert asked == ["/9-444-728.city.json.gz"]  # the tile elsewhere is not fetched
    server.asked.clear()
    statuses = []
    server.fault = lambda number, path, reply: statuses.append((path, reply.status)) or reply
    assert {one.status for one in pipeline.run_acquire(_opened(root))} == {"unchanged"}
    big = [status for path, status in statuses if path.endswith((".gz", ".gpkg", ".fgb"))]
    assert set(big) <= {200, 304}
    assert big.count(304) >= 3  # each file asked for on the condition that it has changed


def test_what_a_tile_holds_around_the_window_is_left_out_and_counted():
    faces = gpd.GeoDataFrame(
        {"face_id": ["a", "b", "c"]}, geometry=gpd.points_from_xy([5, 50, 9], [5, 5, 90]), crs=28992
    )
    made = steps._within(Product("roof_face", faces, Tally(4, 3, {"no area": 1})), (0, 0, 10, 10))
    assert made.content["face_id"].tolist() == ["a"]
    assert (made.tally.rows_in, made.tally.kept) == (4, 1)
    assert made.tally.left_out == {"no area": 1, "outside the window": 2}


def _spoil(site, name):
    if name == "html":
        (site / "bag-light.gpkg").write_bytes(b"<html>busy</html>")
    if name == "bomb":
        (site / "9-444-728.city.json.gz").write_bytes(gzip.compress(bytes(30 << 20)))
    if name == "other tile":
        (site / "9-444-728.city.json.gz").write_bytes(gzip.compress(b"{}", mtime=0))
    if name == "index without addresses":
        gpd.GeoDataFrame(
            {"tile_id": ["9/444/728"]}, geometry=[shapely.box(0, 300_000, 280_000, 620_000)], crs=28992
        ).to_file(site / "tile_index.fgb", driver="FlatGeobuf")
    if name == "no tile here":
        _index(site, [shapely.box(0, 400_000, 1000, 401_000)] * 2, ["", ""])
    if name == "a tile that leaves the folder":
        box = shapely.box(0, 300_000, 280_000, 620_000)
        _index(site, [box, box], ["", ""], tile_id=["../../etc", "9/1/1"])
    if name == "no tile file":
        (site / "9-444-728.city.json.gz").unlink()


WORDS = {
    "html": (FormatError, "SQLite"),
    "bomb": (FormatError, "times the size"),
    "other tile": (FormatError, "sha256"),
    "index without addresses": (FormatError, "cj_download"),
    "no tile here": (FormatError, "tiles in the window"),
    "a tile that leaves the folder": (FormatError, "etc"),
    "no tile file": (FetchError, "404"),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_spoilt_file_of_the_country_is_refused_in_words(country, name):
    server, root = country
    _spoil(server.folder, name)
    error, words = WORDS[name]
    with pytest.raises(error, match=words):
        pipeline.run_acquire(_opened(root))
    assert not (root / "data" / "processed" / "proefveld" / "1_clean").exists()


def test_a_role_without_such_a_file_is_refused(country):
    _, root = country
    study = root / "studies" / "proefveld.toml"
    study.write_text(_bulk(study.read_text("utf-8"), "statistics", "cbs-odata"), encoding="utf-8")
    with pytest.raises(ConfigError, match="for a bulk source"):
        pipeline.run_acquire(_opened(root))
