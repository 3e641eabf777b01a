"""What one run asks of each publisher for each role, with answers of our own."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import geopandas as gpd
import pytest
import shapely

from kansenkaart.acquire import live
from kansenkaart.acquire.live import Errand
from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import ConfigError, FetchError
from kansenkaart.sources.tools.http import Http
from kansenkaart.sources.tools.ogc import CLOSING, OPENING, Choice

WINDOW = (100_000.0, 450_000.0, 102_000.0, 451_000.0)


def _source(role, publisher="bag", origin="live", form="x", **more):
    return Source(role=role, publisher=publisher, origin=origin, form=form, path="a", **more)


def _errand(root, *sources, **place):
    study = Study(name="x", title="x", place=place, source=sources or (_source("pand"),))
    folders = Folders(published=root, raw=root / "raw", processed=root / "data" / "processed", maps=root / "maps")
    return Errand(study, folders, Http(), date(2026, 7, 1))


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Answer every question with a file; what was asked is kept as (name, parameters)."""
    rows = []
    path = tmp_path / "answer.geojson"
    path.write_bytes(OPENING + b"1" + CLOSING)

    def answering(name, several=False):
        def answer(*what, **how):
            rows.append((name, what[1:], {key: value for key, value in how.items() if key != "http"}))
            return ([path] if several else path), name

        return answer

    monkeypatch.setattr(live.pdok, "fetch_collection", answering("collection"))
    monkeypatch.setattr(live.cbs, "fetch_kwb", answering("kwb"))
    monkeypatch.setattr(live.bag3d_api, "fetch_roofs", answering("roofs"))
    monkeypatch.setattr(live.bag3d_api, "fetch_tiles", answering("tiles", several=True))
    monkeypatch.setattr(live.bag, "fetch_window", answering("bulk"))
    monkeypatch.setattr(live.bag, "pand_names", lambda path: Choice(name=f"by {path.name}"))
    monkeypatch.setattr(live.ahn, "fetch_sheets", answering("sheets", several=True))
    for name in ("fetch_days", "fetch_hours"):
        monkeypatch.setattr(live.knmi, name, answering(name))
    monkeypatch.setattr(live.publishers, "base_url", lambda name: f"https://{name}/{{year}}")
    monkeypatch.setattr(live.publishers, "second_url", lambda name: f"second {name}")
    monkeypatch.setattr(live.publishers, "base_urls", lambda name: [f"bases {name}"])
    monkeypatch.setattr(live.publishers, "bulk_urls", lambda name: [f"bulk {name}", "other"])
    monkeypatch.setattr(live.publishers, "publisher", lambda name: SimpleNamespace(known_editions=["known"]))
    monkeypatch.setattr(live.cbs, "tables_until", lambda known, year: [*known, year])
    monkeypatch.setattr(live.pdok, "needs_of", lambda role: (f"needs {role}",))
    monkeypatch.setattr(live.pdok, "queryables", lambda base, name, http: {"gm_code", "gemeentecode", "x"})
    monkeypatch.setattr(live, "gives_history", lambda publisher, name: publisher == "bgt")
    monkeypatch.setattr(live, "boxes", lambda window, homes, publisher, name: [(publisher, name, window == WINDOW)])
    return rows


def test_each_role_is_asked_of_its_publisher_for_the_window(asked, tmp_path):
    errand = _errand(tmp_path, bbox_m=WINDOW, gemeentecode="GM0193")

    def question(*what, **more):
        asked.clear()
        (path,), told = errand.fetch(_source(*what, **more))
        assert (path.name, told) == ("answer.geojson", asked[-1][0])
        return asked[-1]

    name, _, how = question("terrain", "bgt", layer="wegdeel", year=2025, edition="2025-01")
    layer = how.pop("layer")
    assert (name, how.pop("choice")) == ("collection", Choice(boxes=[("bgt", "wegdeel", True)]))
    assert how == {"bbox_m": WINDOW, "open_pages": errand._pages}
    assert (layer.publisher, layer.collection, layer.base_url) == ("bgt", "wegdeel", "https://bgt/2025")
    assert layer == live.pdok.Layer("bgt", "wegdeel", "https://bgt/2025", "terrain", (), "2025-01", 2025, True)
    layer = question("sewer_node", "gwsw")[2]["layer"]
    assert layer == live.pdok.Layer("gwsw", "beheerput", "https://gwsw/", "sewer_node", (), None, None, False)
    assert question("pand")[2]["layer"].needs == ("needs pand",)
    home = question("home")
    assert (home[2]["layer"].needs, home[2]["choice"].name) == (("needs home",), "by answer.geojson")
    assert home[2]["choice"].boxes == [("bag", "verblijfsobject", True)]
    assert question("statistics", "cbs-odata", year=2024)[2] == {
        "base_url": "https://cbs-odata/{year}",
        "second_url": "second cbs-odata",
        "codes": ["GM0193"],
        "tables": ["known", 2024],
    }
    assert question("statistics", "cbs-odata", layer="85000NED")[2]["tables"] == ["85000NED"]
    assert question("roof_face", "3dbag", edition="v1") == (
        *("tiles", ()),
        {"url": "bulk 3dbag", "edition": "v1", "bbox_m": WINDOW},
    )
    assert question("dsm", "ahn", edition="AHN5") == (
        *("sheets", ()),
        {"base_urls": ["bases ahn"], "role": "dsm", "bbox_m": WINDOW, "edition": "AHN5"},
    )
    assert question("dtm", "ahn")[2]["role"] == "dtm"
    assert question("home", origin="bulk", edition="2024") == (
        *("bulk", ()),
        {
            "urls": ["bulk bag", "other"],
            "role": "home",
            "edition": "2024",
            "bbox_m": WINDOW,
            "needs": ("needs home",),
        },
    )
    small = _errand(tmp_path, bbox_m=(100_000.0, 450_000.0, 100_500.0, 451_000.0))
    small.fetch(_source("roof_face", "3dbag"))
    assert asked[-1][0] == "roofs"
    assert asked[-1][2]["base_url"] == "https://3dbag/{year}"
    for role, origin in (("own_pand", "live"), ("terrain", "bulk"), ("dsm", "bulk")):
        with pytest.raises(ConfigError, match=f"a {origin} source"):
            errand.fetch(_source(role, origin=origin))
    with pytest.raises(ConfigError, match="a layer for terrain"):
        errand.fetch(_source("terrain", "bgt"))
    with pytest.raises(ConfigError, match="a gemeentecode for statistics"):
        small.fetch(_source("statistics", "cbs-odata"))
    with pytest.raises(ConfigError, match="a gemeentecode or bbox_m"):
        _errand(tmp_path, gemeentecode="GM0193").window()


def test_weather_is_of_a_station_and_of_whole_years_unless_days_are_named(asked, tmp_path, monkeypatch):
    errand = _errand(tmp_path, bbox_m=WINDOW)
    monkeypatch.setattr(live.knmi, "nearest_station", lambda x, y: {(101_000.0, 450_500.0): 270}[x, y])
    errand.fetch(_source("weather_daily", "knmi", layer="278"))
    years = {"first_day": f"{2026 - live.knmi.YEARS}0101", "last_day": "20251231"}
    assert asked[-1] == ("fetch_days", (), {"base_url": "https://knmi/{year}", "station": 278, **years})
    errand.fetch(_source("weather_hourly", "knmi", layer="dichtstbij", edition="20200102-20210304"))
    days = {"first_day": "20200102", "last_day": "20210304"}
    assert asked[-1] == ("fetch_hours", (), {"base_url": "https://knmi/{year}", "station": 270, **days})
    for more in ({"layer": "27"}, {}, {"layer": "278", "edition": "2020"}):
        with pytest.raises(ConfigError, match="the station as layer and the days as edition"):
            errand.fetch(_source("weather_daily", "knmi", **more))


def test_buurten_are_asked_by_the_filter_that_the_collection_has(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "raw_names", lambda table, form: {"gemeentecode": "none|gemeentecode|gm_code?"})
    buurten = _source("buurt", "cbs-gebieden")
    errand = _errand(tmp_path, buurten, gemeentecode="GM0193")
    errand.fetch(buurten)
    _, _, how = asked[-1]
    assert (how["choice"].filters, how["choice"].name) == ([("gemeentecode", "GM0193")], "GM0193")
    rows = [
        {"properties": {"gm_code": "GM0193"}},
        {"properties": {"none": "GM0193"}},
        {"properties": {"x": "GM0193"}},
        {},
    ]
    assert [how["choice"].keep(one) for one in rows] == [True, True, False, False]
    assert how["open_pages"] is errand._pages
    monkeypatch.setattr(live.pdok, "queryables", lambda base, name, http: {"x"})
    part = _errand(tmp_path, buurten, gemeentecode="GM0193", wijken=["WK019301"])
    part.fetch(buurten)
    assert (asked[-1][2]["choice"].filters, asked[-1][2]["open_pages"]) == ((), None)
    errand.fetch(buurten)
    assert len(asked) == 2  # once a run
    _errand(tmp_path, buurten, bbox_m=WINDOW).fetch(buurten)
    assert asked[-1][2]["bbox_m"] == WINDOW


def test_the_window_is_that_of_the_buurten_and_of_wijken_with_what_lies_around(asked, tmp_path, monkeypatch):
    boxes = [shapely.box(100_000 + x, 450_000, 100_100 + x, 450_100) for x in (0, 100, 200)]
    frame = gpd.GeoDataFrame(
        {"wk": ["WK019301", "WK019302", None], "old": [None, None, "WK019301"]}, geometry=boxes, crs=28992
    )
    monkeypatch.setattr(live, "read_vector", lambda path: frame)
    monkeypatch.setattr(live, "raw_names", lambda *_: {"wijkcode": "none|wk|old?", "gemeentecode": "g"})
    buurten = _source("buurt", "cbs-gebieden")

    def window(*sources, **place):
        return _errand(tmp_path, *sources, gemeentecode="GM0193", **place).window()

    assert window(buurten) == (100_000, 450_000, 100_300, 450_100)
    assert window(buurten, wijken=["WK019302"]) == (99_900, 449_800, 100_400, 450_300)
    assert window(buurten, wijken=["WK019301"]) == (99_800, 449_800, 100_500, 450_300)
    assert window(buurten, bbox_m=WINDOW) == WINDOW
    with pytest.raises(ConfigError, match="none in GM0193"):
        window(buurten, wijken=["WK019309"])
    for sources in ((_source("pand"),), (_source("buurt", origin="file"),)):
        with pytest.raises(ConfigError, match="a gemeentecode or bbox_m"):
            window(*sources)
    errand = _errand(tmp_path, buurten, _source("pand"), gemeentecode="GM0193")
    assert [one.source for one in errand.expected()] == ["cbs-gebieden buurt", "bag pand"]
    assert _errand(tmp_path, _source("pand", origin="file")).expected() == []


def test_panden_come_first_for_homes_as_the_service_gives_them(asked, tmp_path):
    bulk = _source("pand", origin="bulk", layer="p")
    named = _errand(tmp_path, _source("pand", origin="file"), bulk, bbox_m=WINDOW)
    named.fetch(_source("home"))
    assert [(one[2]["layer"].role, one[2]["layer"].collection) for one in asked] == [
        ("pand", "p"),
        ("home", "verblijfsobject"),
    ]
    asked.clear()
    _errand(tmp_path, _source("home"), bbox_m=WINDOW).fetch(_source("home", layer="vbo"))
    assert [one[2]["layer"].collection for one in asked] == ["pand", "vbo"]


def test_an_empty_bag_where_people_live_is_refused(asked, tmp_path):
    path = tmp_path / "empty"
    path.write_bytes(OPENING + CLOSING)
    (tmp_path / "one").write_bytes(OPENING + b"1" + CLOSING)

    def required(count, role="pand", name="empty", homes=True):
        errand = _errand(tmp_path)
        errand._homes = SimpleNamespace(within=lambda window: (count, 0.0, True)) if homes else None
        errand._require_homes(_source(role), tmp_path / name, WINDOW)

    for fine in (
        {"count": 49.9},
        {"count": 50.0, "name": "one"},
        {"count": 50.0, "role": "terrain"},
        {"count": 50.0, "homes": False},
    ):
        required(**fine)
    for role in ("pand", "home"):
        with pytest.raises(FetchError, match="objects where CBS counts 50 homes"):
            required(50.0, role)


def test_a_country_that_cannot_be_had_is_asked_by_pages(asked, tmp_path, monkeypatch):
    def gone(*_, **__):
        raise FetchError("x", found="g" * 121)

    monkeypatch.setattr(live.bag, "fetch_window", gone)
    errand = _errand(tmp_path, bbox_m=WINDOW)
    told = []
    errand.http.meter.listen = lambda *words: told.append(words)
    errand.fetch(_source("pand", origin="bulk", edition="2024"))
    assert asked[-1][2]["layer"].edition is None
    words = f"landelijk bestand niet te krijgen, per bladzijde gevraagd ({'g' * 120})"
    assert (errand.said, told) == ({"pand (bag)": words}, [("pand (bag)", words)])


def test_pages_are_closed_at_the_end_and_a_file_is_hashed_once(tmp_path, monkeypatch):
    errand, closed, hashed = _errand(tmp_path), [], []
    monkeypatch.setattr(live.pdok, "close_pages", closed.append)
    monkeypatch.setattr(live, "sha256_of", lambda *paths: (hashed.append(paths), str(len(hashed)))[1])
    errand.close()
    assert closed == [errand._pages]
    assert [errand.hash_of("a", "b"), errand.hash_of("a", "b"), errand.hash_of("a")] == ["1", "1", "2"]
