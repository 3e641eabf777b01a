"""What the clients of CBS, KNMI and AHN ask and keep, with the network played: addresses, files, refusals."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from kansenkaart.errors import ConfigError, FetchError, FormatError, IncompleteError
from kansenkaart.sources import ahn, bag, cbs, knmi
from kansenkaart.sources.tools.http import Answer, Http
from tests.sources.test_clients_whole import BOX, HTTP, play


def test_the_buurten_of_a_table_are_those_of_its_list_once_each(tmp_path):
    listed = tmp_path / "86NED" / "x" / "WijkenEnBuurten.json"
    listed.parent.mkdir(parents=True)
    regions = [{"Key": f"BU0193000{one} "} for one in range(3)] + [{"Identifier": "BU01940000"}, {"Key": "GM0193"}]
    rows = [{"W": f"BU0193000{one}  "} for one in range(3)]

    def check(rows: Any, codes: Any = ("GM0193",), by: Any = ("W",), regions: Any = regions) -> None:
        listed.touch()
        cbs._require_whole(rows, regions, codes, listed, by)

    check(rows)
    check([*rows, {"W": "BU01940000"}], ("GM0193", "GM0194"))
    assert listed.exists()
    for wrong, codes, said in (
        (rows[:2], ["GM0193"], r"the 3 buurten of .* found 2 rows; missing \['BU01930002'\]; 0 twice; where: 86NED"),
        ([*rows, rows[0]], ["GM0193"], "found 4 rows; missing .*; 1 twice"),
        ([*rows, {"W": "BU01930009"}], ["GM0193"], "found 4 rows"),
        ([], ["GM0999"], "the 0 buurten of .* found 0 rows"),
    ):
        with pytest.raises(IncompleteError, match=said):
            check(wrong, codes)
        assert not listed.exists()  # it may be what was not whole
    with pytest.raises(FormatError, match="rows with W and M"):
        check(rows, by=("W", "M"))
    check([{"W": one["W"], "M": m} for one in rows for m in "ab"], by=("W", "M"))


def test_a_delivery_of_cbs_that_is_there_serves_while_all_its_files_and_dates_are_the_same(tmp_path):
    infos = {"86NED": {"Modified": "a"}, "85NED": {"Modified": "b"}}
    for table, info in infos.items():
        for name in ("TableInfos", "DataProperties", "WijkenEnBuurten", "TypedDataSet"):
            (tmp_path / table).mkdir(exist_ok=True)
            (tmp_path / table / f"{name}.json").write_bytes(cbs._plain([info, {"n": 1}]))
    kept = cbs._kept(tmp_path, infos)
    assert kept is not None
    assert len(kept) == 8
    assert kept["85NED/TypedDataSet.json"] == b'{\n"value": [\n{\n"Modified": "b"\n},\n{\n"n": 1\n}\n]\n}\n'
    assert cbs._kept(tmp_path, {**infos, "85NED": {"Modified": "c"}}) is None
    (tmp_path / "85NED" / "DataProperties.json").unlink()
    assert cbs._kept(tmp_path, infos) is None
    assert cbs._edition([{"Modified": "2025-01-02T03:04:05"}, {"Modified": "2024-12-31"}]) == "2025-01-02T030405"


def test_what_cbs_is_asked_for_is_said_in_codes_and_v4_is_the_second_way_of_what_gives_no_answer(tmp_path, monkeypatch):
    asked: list[str] = []
    how: dict[str, Any] = {
        "base_url": "https://x.nl/ODataFeed/odata/",
        "codes": ["GM0193"],
        "tables": ["86NED"],
        "http": HTTP,
    }
    for wrong in ({"codes": ["GM193"]}, {"codes": []}, {"tables": []}, {"codes": ["GM0193", "x"]}):
        with pytest.raises(ConfigError, match="codes such as GM0193, and tables"):
            cbs.fetch_kwb(tmp_path, **{**how, **wrong})
    why: Exception = FetchError("x", found="nobody")

    def first(*_: Any) -> Any:
        raise why

    monkeypatch.setattr(cbs, "fetch_v3", first)
    monkeypatch.setattr(cbs, "fetch_v4", lambda folder, url, *_: asked.append(url))
    with pytest.raises(FetchError):
        cbs.fetch_kwb(tmp_path, **how)
    cbs.fetch_kwb(tmp_path, **how, second_url="https://y.nl")
    assert asked == ["https://y.nl"]
    why = IncompleteError("x", found="half")
    with pytest.raises(IncompleteError):
        cbs.fetch_kwb(tmp_path, **how, second_url="https://y.nl")
    for address in ("https://x.nl/odata/", "https://x.nl/xODataFeed/odata"):
        with (
            pytest.raises(ConfigError, match="an address that ends with /ODataFeed/odata"),
            cbs._library(address, HTTP),
        ):
            pass
    with cbs._library("https://x.nl/a/ODataFeed/odata/", HTTP) as host:
        assert (host, cbs.cbsodata3.options.use_https) == ("x.nl/a", True)
    with cbs._library("http://127.0.0.1:1/ODataFeed/odata", HTTP) as host:
        assert (host, cbs.cbsodata3.options.use_https) == ("127.0.0.1:1", False)


def test_days_of_a_station_are_kept_under_its_name(tmp_path, monkeypatch):
    content = b"# STN,YYYYMMDD,   RH\n  278,20200101,   12\n"
    asked: list[Any] = []

    def get(url: str, *, params: Any, kinds: Any, **_: Any) -> Answer:
        asked.append((url, dict(params), kinds))
        return Answer(f"{url}?x", 200, {}, content)

    monkeypatch.setattr(knmi, "get", get)
    how: dict[str, Any] = {"base_url": "https://x.nl", "station": 278, "http": HTTP}
    path, told = knmi.fetch_days(tmp_path, first_day="20200101", last_day="20200102", **how)
    assert asked[0][1] == {"stns": "278", "vars": "ALL", "start": "20200101", "end": "20200102", "fmt": "csv"}
    sha256 = hashlib.sha256(content).hexdigest()
    assert path == tmp_path / "knmi" / f"sha256-{sha256[:16]}" / "dag_278_20200101_20200102.txt"
    assert (told.role, told.sha256, told.address) == ("weather_daily", sha256, "https://x.nl?x")
    path, told = knmi.fetch_hours(tmp_path, first_day="20200101", last_day="20200102", **how)
    assert asked[1][1] == {"stns": "278", "vars": "FH:T:Q", "start": "2020010101", "end": "2020010224", "fmt": "csv"}
    assert path.read_bytes() == b"# STN,YYYYMMDD,   RH\n\n  278,20200101,   12\n"
    assert path.parent.parent.name == "knmi-uur"
    assert path.name == "uur_278_20200101_20200102.txt"
    assert (told.role, told.publisher, told.edition) == ("weather_hourly", "knmi-uur", path.parent.name)


def test_sheets_of_a_window_stand_under_the_edition_that_is_named_or_that_of_the_feed(tmp_path, monkeypatch):
    ring = [[190_000, 560_000], [191_000, 560_000], [191_000, 561_000], [190_000, 560_000]]
    entry = {"properties": {"kaartbladNr": "01CZ1", "url": "a.tif"}, "geometry": {"coordinates": [ring]}}
    play(monkeypatch, ahn, lambda url: {"features": [entry]})
    monkeypatch.setattr(ahn, "reachable", lambda urls, **_: urls[-1])
    asked: list[Any] = []

    def part(link: str, target: Path, box: Any, _: Http) -> Path:
        asked.append((link, box))
        target.mkdir(parents=True, exist_ok=True)
        (target / "a.tif").write_bytes(b"x")
        return target / "a.tif"

    monkeypatch.setattr(ahn, "_part_or_sheet", part)
    edition = ["2026-01-02"]
    monkeypatch.setattr(ahn.Feed, "beside", lambda *_, **__: type("F", (), {"edition": lambda _: edition[0]})())
    how: dict[str, Any] = {"base_urls": ["https://x.nl", "https://y.nl"], "bbox_m": BOX, "http": HTTP}
    paths, told = ahn.fetch_sheets(tmp_path, role="dtm", edition="AHN4", **how)
    assert paths == [tmp_path / "ahn" / "AHN4" / "dtm_05m" / "a.tif"]
    assert asked == [("https://y.nl/dtm_05m/a.tif", (190_000, 560_000, 190_401, 560_201))]
    assert (told.role, told.edition, told.address) == ("dtm", "AHN4", "https://y.nl/dtm_05m/kaartbladindex.json")
    assert ahn.fetch_sheets(tmp_path, role="dsm", edition="latest", **how)[1].edition == "2026-01-02"
    edition[0] = ""
    assert ahn.fetch_sheets(tmp_path, role="dsm", edition="latest", **how)[1].edition.startswith("sha256-")
    with pytest.raises(FormatError, match="one of"):
        ahn.fetch_sheets(tmp_path, role="x", edition="AHN4", **how)
    with pytest.raises(FormatError, match="sheets in the window; found none"):
        ahn.fetch_sheets(tmp_path, role="dsm", edition="AHN4", **{**how, "bbox_m": (0, 0, 1, 1)})
    with pytest.raises(FormatError, match="one of"):
        bag.fetch_window(tmp_path, urls=["x"], role="roof", edition="x", bbox_m=BOX, needs=(), http=HTTP)
