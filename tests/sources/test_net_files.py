"""Downloads, the 3DBAG API, height sheets, weather and archives against a server on this machine."""

import gzip
import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from kansenkaart.errors import FetchError, FormatError, IncompleteError, StoreError
from kansenkaart.sources import knmi
from kansenkaart.sources.ahn import fetch_sheets
from kansenkaart.sources.bag3d_api import fetch_roofs
from kansenkaart.sources.knmi import fetch_days, fetch_hours
from kansenkaart.sources.tools import http
from kansenkaart.sources.tools.archives import gunzip
from kansenkaart.sources.tools.http import Http, Meter, download
from kansenkaart.tables.provenance import sha256_of
from tests.loopback import faults
from tests.loopback.server import serve
from tests.sources.sheets import open_window

HTTP = Http(
    connect_timeout_s=2,
    read_timeout_s=0.3,
    attempts=3,
    wait_first_s=0.001,
    wait_most_s=2,
    max_bytes=1 << 22,
    page_size=2,
    pause_s=0,
)
SHEET = b"II*\x00" + bytes(range(256)) * 800
BOX = (190_000.0, 560_000.0, 190_300.0, 560_300.0)


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "published"
    (folder / "dsm_05m").mkdir(parents=True)
    (folder / "dsm_05m" / "R_01CZ1.tif").write_bytes(SHEET)
    ring = [[189_000, 559_000], [195_000, 559_000], [195_000, 565_000], [189_000, 559_000]]
    away = [[x - 50_000, y] for x, y in ring]
    sheets = [("01CZ1", ring), ("02CZ1", away)]
    index = [
        {
            "properties": {"kaartbladNr": name, "url": f"R_{name}.tif"},
            "geometry": {"type": "Polygon", "coordinates": [where]},
        }
        for name, where in sheets
    ]
    (folder / "dsm_05m" / "kaartbladindex.json").write_text(json.dumps({"features": index}))
    (folder / "dag.txt").write_text("# STN,YYYYMMDD,   RH\n  278,20200101,   12\n")
    (folder / "3dbag").mkdir()
    head = {
        "type": "CityJSON",
        "version": "2.0",
        "CityObjects": {},
        "vertices": [],
        "transform": {"scale": [0.001] * 3, "translate": [190_000.0, 560_000.0, 0.0]},
        "metadata": {"version": "v2025.09.03", "referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
    }
    rows = [{"type": "CityJSONFeature", "id": f"p{n}", "CityObjects": {}, "vertices": [[n, n, n]]} for n in range(5)]
    (folder / "3dbag" / "x.city.jsonl").write_text("\n".join(json.dumps(one) for one in [head, *rows]) + "\n")
    with serve(folder) as running:
        yield running


def test_a_download_cut_in_the_middle_goes_on_where_it_stopped(server, tmp_path):
    server.fault = faults.on({1}, faults.reset_mid_body)
    starts = []
    plain = server.reply
    server.reply = lambda path, headers: starts.append(headers.get("Range")) or plain(path, headers)
    download(f"{server.url}/dsm_05m/R_01CZ1.tif", tmp_path / "a.tif", http=HTTP)
    assert (tmp_path / "a.tif").read_bytes() == SHEET
    assert starts[0] is None
    assert starts[1].startswith("bytes=")
    assert 0 < int(starts[1][6:-1]) < len(SHEET)
    assert not list(tmp_path.glob(".*part*"))


def test_an_unchanged_file_is_not_sent_again_and_a_changed_one_is_refused(server, tmp_path):
    url, path = f"{server.url}/dsm_05m/R_01CZ1.tif", tmp_path / "a.tif"
    statuses = []
    server.fault = lambda _n, _p, reply: statuses.append(reply.status) or reply
    assert download(url, path, http=HTTP) == download(url, path, http=HTTP)
    assert statuses == [200, 304]
    (server.folder / "dsm_05m" / "R_01CZ1.tif").write_bytes(SHEET + b"new")
    with pytest.raises(StoreError):
        download(url, path, http=HTTP)
    assert path.read_bytes() == SHEET


def test_a_kept_file_is_hashed_again_only_when_somebody_wrote_to_it(server, tmp_path, monkeypatch):
    url, path, hashed, statuses = f"{server.url}/dsm_05m/R_01CZ1.tif", tmp_path / "a.tif", [], []
    whole = download(url, path, http=HTTP)
    monkeypatch.setattr(http, "sha256_of", lambda *paths: hashed.append(paths) or sha256_of(*paths))
    server.fault = lambda _n, _p, reply: statuses.append(reply.status) or reply
    assert [download(url, path, http=HTTP) for _ in range(2)] == [whole, whole]
    assert (statuses, hashed) == ([304, 304], [])
    path.write_bytes(SHEET[:-1] + b"?")  # as long as it was
    os.utime(path, ns=(0, 0))
    with pytest.raises(StoreError):  # asked for whole, and not what was kept
        download(url, path, http=HTTP)
    assert statuses[-1] == 200
    path.write_bytes(SHEET)  # put back, say from a copy
    assert download(url, path, http=HTTP) == whole
    assert statuses[-1] == 304


def test_only_the_sheets_of_the_window_come(server, tmp_path):
    paths, provenance = fetch_sheets(
        tmp_path / "raw", base_urls=[server.url], role="dsm", edition="AHN5", bbox_m=BOX, http=HTTP
    )
    assert [one.name for one in paths] == ["R_01CZ1.tif"]
    assert provenance.edition == "AHN5"


def test_a_sheet_that_is_no_tiff_is_refused(server, tmp_path):
    (server.folder / "dsm_05m" / "R_01CZ1.tif").write_bytes(b"<html>")
    with pytest.raises(FormatError):
        fetch_sheets(tmp_path / "raw", base_urls=[server.url], role="dsm", edition="AHN5", bbox_m=BOX, http=HTTP)


def test_roofs_come_as_a_sequence_and_survive_a_page_twice(server, tmp_path):
    path, provenance = fetch_roofs(tmp_path / "raw", base_url=f"{server.url}/3dbag", bbox_m=BOX, http=HTTP)
    lines = [json.loads(one) for one in path.read_text("utf-8").splitlines()]
    assert [one.get("id") for one in lines] == [None, "p0", "p1", "p2", "p3", "p4"]
    assert provenance.edition == "v2025.09.03"

    def twice(content):
        content["features"] = content["features"] + content["features"][:1]

    server.asked.clear()
    server.fault = faults.on({2}, faults.body(twice))
    again, _ = fetch_roofs(tmp_path / "other", base_url=f"{server.url}/3dbag", bbox_m=BOX, http=HTTP)
    assert again.read_bytes() == path.read_bytes()
    server.fault = faults.on(None, faults.body(twice))
    with pytest.raises(IncompleteError):
        fetch_roofs(tmp_path / "other", base_url=f"{server.url}/3dbag", bbox_m=BOX, http=HTTP)


def test_a_last_page_of_one_building_that_never_comes_is_asked_by_other_pages(server, tmp_path):
    """So the service was seen to answer: five buildings by pages of two give four, whoever asks again."""

    def lost(content):
        content["links"] = [
            one for one in content["links"] if "offset=4" not in one["href"] or "limit=2" not in one["href"]
        ]

    server.fault = faults.on(None, faults.body(lost))
    path, _ = fetch_roofs(tmp_path / "raw", base_url=f"{server.url}/3dbag", bbox_m=BOX, http=HTTP)
    assert [json.loads(one).get("id") for one in path.read_text("utf-8").splitlines()][1:] == [
        f"p{n}" for n in range(5)
    ]


def test_weather_must_be_a_whole_table_with_the_station(server, tmp_path):
    asked = {"base_url": f"{server.url}/dag.txt", "first_day": "20200101", "last_day": "20200102", "http": HTTP}
    path, _ = fetch_days(tmp_path / "raw", station=278, **asked)
    assert path.read_bytes().startswith(b"# STN")
    with pytest.raises(FormatError):
        fetch_days(tmp_path / "raw", station=260, **asked)
    server.fault = faults.on(None, faults.html)
    with pytest.raises(FetchError):
        fetch_days(tmp_path / "raw", station=278, **asked)


def test_hours_of_several_years_become_one_table_of_which_the_columns_are_the_same(tmp_path, monkeypatch):
    """Three years, asked one by one from the first hour to the last; a year whose columns stand otherwise is refused."""
    asked, columns = [], {2021: b"HH,    T", 2022: b"HH,    T"}

    def get(url, *, params, **_):
        year = int(params["start"][:4])
        asked.append((params["start"], params["end"]))
        head = b"# 278: HEINO\n# STN,YYYYMMDD,   " + columns.get(year, b"HH,    T") + b"\n\n"
        return http.Answer(f"{url}?{year}", 200, {}, head + b"  278,%d0701,    1,   %d\n" % (year, year - 2000))

    monkeypatch.setattr(knmi, "get", get)
    how = {"base_url": "http://127.0.0.1/uur", "station": 278, "last_day": "20220802", "http": HTTP}
    path, provenance = fetch_hours(tmp_path / "raw", first_day="20200615", **how)
    assert asked == [("2020061501", "2020123124"), ("2021010101", "2021123124"), ("2022010101", "2022080224")]
    lines = [one for one in path.read_text().splitlines() if one]
    assert lines[:2] == ["# 278: HEINO", "# STN,YYYYMMDD,   HH,    T"]
    assert [one.split(",")[-1].strip() for one in lines[2:]] == ["20", "21", "22"]
    assert provenance.address == "http://127.0.0.1/uur?2020"
    columns[2021] = b" T,   HH"
    with pytest.raises(FormatError, match="the same columns each year"):
        fetch_hours(tmp_path / "raw", first_day="20200615", **how)


def test_a_packed_file_is_unpacked_whole_or_not_at_all(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x" * 300, mtime=0))
    assert gunzip(tmp_path / "a.gz", tmp_path / "a", most_bytes=300).read_bytes() == b"x" * 300
    whole = (tmp_path / "a.gz").read_bytes()
    for name, content in (("half", whole[:-9]), ("other", b"PK"), ("spoilt", whole[:12] + b"\xff" * 4 + whole[16:])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match="a sound gzip file"):
            gunzip(tmp_path / name, tmp_path / "out", most_bytes=300)
    assert {one.name for one in tmp_path.iterdir() if one.is_file()} == {"a.gz", "a", "half", "other", "spoilt"}


def test_a_bomb_is_refused(tmp_path):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(8 << 20), mtime=0))  # expands a thousand times
    (tmp_path / "large.gz").write_bytes(gzip.compress(bytes(range(256)) * 32, mtime=0))  # 22 times
    said = {"bomb": (1 << 30, "at most 200 times the size"), "large": ((8 << 10) - 1, "at most 8191 bytes, unpacked")}
    for name, (most, words) in said.items():
        with pytest.raises(FormatError, match=words):
            gunzip(tmp_path / f"{name}.gz", tmp_path / "out", most_bytes=most)
    assert not (tmp_path / "out").exists()


def test_a_part_that_ends_too_soon_or_begins_elsewhere_is_no_whole_file(server, tmp_path):
    """A service may send less of a range than was asked for, or another part of it."""
    url, plain, asked = f"{server.url}/dsm_05m/R_01CZ1.tif", server.reply, []

    def spoiled(path, headers):
        reply = plain(path, headers)
        asked.append(headers.get("Range"))
        if reply.status == 206 and len(asked) == 2:
            start = int(asked[-1][6:-1])
            reply.content = reply.content[:1000]
            reply.headers["Content-Range"] = f"bytes {start}-{start + 999}/{len(SHEET)}"
        if reply.status == 206 and len(asked) == 3:
            reply.headers["Content-Range"] = f"bytes 7-{len(SHEET) - 1}/{len(SHEET)}"
        return reply

    server.reply = spoiled
    server.fault = faults.on({1}, faults.reset_mid_body)
    download(url, tmp_path / "a.tif", http=replace(HTTP, attempts=5))
    assert (tmp_path / "a.tif").read_bytes() == SHEET
    assert [one is None for one in asked] == [True, False, False, True]  # begun, gone on, gone on, begun anew


def test_two_runs_that_fetch_one_file_wait_for_each_other(server, tmp_path, monkeypatch):
    plain = http._pump
    monkeypatch.setattr(
        http,
        "_pump",
        lambda answer, how, url, sink, size: plain(answer, how, url, lambda one: (sink(one), time.sleep(0.1)), size),
    )
    url, statuses = f"{server.url}/dsm_05m/R_01CZ1.tif", []
    server.fault = lambda _n, _p, reply: statuses.append(reply.status) or reply
    with ThreadPoolExecutor(2) as runs:
        first = runs.submit(download, url, tmp_path / "a.tif", http=replace(HTTP, meter=Meter()))
        time.sleep(0.15)
        second = runs.submit(download, url, tmp_path / "a.tif", http=replace(HTTP, meter=Meter()))
        assert first.result() == second.result() == hashlib.sha256(SHEET).hexdigest()
    assert statuses == [200, 304]
    assert (tmp_path / "a.tif").read_bytes() == SHEET


def test_a_part_of_a_sheet_keeps_the_unit_that_the_sheet_states(server, tmp_path):
    server.ranges = True
    heights = np.full((512, 512), 1234.0, dtype=np.float32)
    profile = {"driver": "GTiff", "height": 512, "width": 512, "count": 1, "dtype": "float32", "crs": "EPSG:28992"}
    profile |= {"transform": from_origin(190_000, 560_512, 1, 1), "tiled": True, "blockxsize": 256, "blockysize": 256}
    path = server.folder / "dsm_05m" / "R_01CZ1.tif"
    path.unlink()
    with rasterio.open(path, "w", **profile) as sheet:
        sheet.write(heights, 1)
        sheet.units = ("cm",)
    asked = {"base_urls": [server.url], "role": "dsm", "edition": "AHN5", "http": HTTP}
    wide = (190_010.0, 560_100.0, 190_030.4, 560_120.0)
    fetch_sheets(tmp_path / "raw", **asked, bbox_m=(*wide[:2], 190_029.6, wide[3]))
    read, *_ = open_window(fetch_sheets(tmp_path / "raw", **asked, bbox_m=wide)[0], wide)
    assert not np.isnan(read).any()  # a window of nearly the same name, of which a part was kept, lacks no cells
    box = (190_010.0, 560_100.0, 190_030.0, 560_120.0)
    paths, _ = fetch_sheets(tmp_path / "raw", **asked, bbox_m=box)
    assert [one.name for one in paths] == ["R_01CZ1_190010_560100_190030_560120.tif"]
    read, _, tally = open_window(paths, box)
    assert read.min() == read.max() == np.float32(12.34)
    assert tally.noted[
        "heights of R_01CZ1_190010_560100_190030_560120.tif turned into metres, by the scale and unit that it states"
    ]
