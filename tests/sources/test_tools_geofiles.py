"""The door for vector files and rasters, without its second process: what it refuses, asks, allows and hands on, by hand."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyogrio
import pytest
import rasterio

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools import geofiles
from kansenkaart.sources.tools.geofiles import about_layer, aside, layer_names, open_raster, read_vector

SQLITE = b"SQLite format 3\x00"
ENDLESS = resource.RLIM_INFINITY


def _found(call):
    with pytest.raises(FormatError) as why:
        call()
    return why.value.expected, why.value.found


def _file(path, content=b"{"):
    path.write_bytes(content)
    return path


@pytest.fixture
def asked(monkeypatch):
    """Answer every question with its number, and keep the questions."""
    rows = []
    monkeypatch.setattr(geofiles, "_ASIDE", SimpleNamespace(ask=lambda *what: (rows.append(what), rows)[1]))
    return rows


def test_a_file_is_of_the_kind_that_both_its_ending_and_its_first_bytes_say(tmp_path):
    mark, package = b"\xef\xbb\xbf", SQLITE + bytes(52)
    fine = {
        ("a.GeoJSON", mark + b" \n{"),
        ("a.json", b"{"),
        ("b.gpkg", package + b"GPKG"),
        ("b.gpkg", package + b"GP10"),
        ("b.sqlite", SQLITE),
        ("c.shp", b"\x00\x00\x27\x0a"),
        ("d.gml", mark + b'<?xml version="1"?>\n<!-- a\n<b> --> <gml:FeatureCollection '),
        ("d.gml", b"<CityModel>"),
        ("e.xml", b"<?xml ?><sl-bag-extract:bagStand>"),
        ("f.fgb", b"fgb\x03fgb"),
    }
    for name, head in fine:
        path = _file(tmp_path / name, head)
        assert geofiles._plain_file(path) == str(path)
        assert _found(lambda name=name: geofiles._plain_file(_file(tmp_path / name, b"<VRTDataset>")))[0].endswith(
            "as its ending says"
        )
    for name, head in (("b.gpkg", package + b"XXXX"), ("b.gpkg", SQLITE + b"GPKG"), ("d.gml", b"<a><CityModel>")):
        assert "of kind" in _found(lambda name=name, head=head: geofiles._plain_file(_file(tmp_path / name, head)))[0]
    ends = ".fgb, .geojson, .gml, .gpkg, .json, .shp, .sqlite, .xml"
    for name, found in (("a.vrt", ".vrt"), ("a", "no ending")):
        assert _found(lambda name=name: geofiles._plain_file(_file(tmp_path / name))) == (
            f"one of the endings {ends}",
            found,
        )
    assert geofiles.endings() == set(ends.split(", "))
    assert _found(lambda: geofiles._plain_file(tmp_path / "none.json")) == ("a file", "no such file")
    os.mkfifo(tmp_path / "pipe.json")
    assert _found(lambda: geofiles._plain_file(tmp_path / "pipe.json")) == ("a file", "no plain file")


def test_what_lies_beside_a_file_under_its_name_lies_there_itself(tmp_path):
    (tmp_path / "here").mkdir()
    path, away = _file(tmp_path / "here" / "a[1].shp", b"\x00\x00\x27\x0a"), _file(tmp_path / "away.dbf")
    (tmp_path / "here" / "a[1].idx").mkdir()
    (tmp_path / "here" / "a[1].cpg").symlink_to(_file(tmp_path / "here" / "other.cpg"))
    (tmp_path / "here" / "b.dbf").symlink_to(away)
    assert geofiles._plain_file(path) == str(path)
    (tmp_path / "here" / "a[1].dbf").symlink_to(away)
    assert _found(lambda: geofiles._plain_file(path)) == (
        "a file that lies beside it itself",
        "a link elsewhere: a[1].dbf",
    )
    (tmp_path / "here" / "a[1].dbf").unlink()
    os.mkfifo(tmp_path / "here" / "a[1].prj")
    assert _found(lambda: geofiles._plain_file(path))[1] == "a link elsewhere: a[1].prj"
    (tmp_path / "link.shp").symlink_to(_file(tmp_path / "here" / "c.shp", b"\x00\x00\x27\x0a"))
    assert geofiles._plain_file(tmp_path / "link.shp") == str(tmp_path / "link.shp")


def test_a_question_goes_on_with_all_that_was_asked_and_once_for_as_long_as_nothing_changes(
    tmp_path, asked, monkeypatch
):
    path = _file(tmp_path / "a.json")
    box = (1.0, 2.0, 3.0, 4.0)
    read_vector(path)
    read_vector(path, layer="l", bbox_m=box, geometry=False, dates=False)
    assert asked == [("read", str(path), None, None, True, True), ("read", str(path), "l", box, False, False)]
    asked.clear()
    monkeypatch.chdir(tmp_path)
    aside(len, path.relative_to(tmp_path), 5)
    assert asked == [("call", str(path), len, 5)]
    asked.clear()
    for _ in range(2):
        assert layer_names(path) == ["('layers', '" + str(path) + "')"]
    assert len(asked) == 1
    _file(tmp_path / "a.prj")
    layer_names(path)
    assert len(asked) == 2
    monkeypatch.setattr(geofiles, "_glance", lambda *what: ([1, "b"], "EPSG:28992", box) if what[2] == "l" else None)
    assert about_layer(path, layer="l") == (["1", "b"], "EPSG:28992", box)


def test_a_raster_is_a_tiff_whose_blocks_are_small_enough(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    how = {"driver": "GTiff", "width": 32, "height": 32, "count": 2, "dtype": "float32", "crs": 28992}
    how["transform"] = rasterio.transform.from_origin(100_000, 450_000, 1, 1)
    with rasterio.open(path, "w", **how, tiled=True, blockxsize=16, blockysize=16) as out:
        out.write(np.ones((2, 32, 32), np.float32))
    monkeypatch.setattr(geofiles, "MOST_BLOCK_BYTES", 16 * 16 * 2 * 4)
    with open_raster(path) as sheet:
        assert (sheet.count, sheet.driver, rasterio.env.getenv()["GDAL_PAM_ENABLED"]) == (2, "GTiff", "NO")
    monkeypatch.setattr(geofiles, "MOST_BLOCK_BYTES", 2047)
    assert _found(lambda: open_raster(path).__enter__()) == (
        "blocks of at most 2047 bytes",
        "blocks of 2048 bytes",
    )
    assert _found(lambda: open_raster(_file(tmp_path / "b.tif", b"<html>")).__enter__()) == (
        "a GeoTIFF",
        "a web page",
    )
    assert [geofiles._bytes_of(one) for one in ("uint8", "float64", "complex_int16", "complex64")] == [1, 8, 8, 8]
    geofiles.require_alone(SimpleNamespace(tags=lambda ns: {}), path)
    with pytest.raises(FormatError, match="overviews in another file"):
        geofiles.require_alone(SimpleNamespace(tags=lambda ns: {"x": ns == "OVERVIEWS"}), path)


def test_a_large_file_may_take_more_memory_and_time_in_proportion(tmp_path):
    mib, path = 1 << 20, tmp_path / "a"
    assert geofiles._most(str(path)) == geofiles._most(str(tmp_path)) == (45, 1024 * mib)
    for size, expected in {
        0: (45, 1024 * mib),
        32 * mib: (45, 1024 * mib),
        33 * mib: (46, 1056 * mib),
        64 * mib: (90, 2048 * mib),
        256 * mib: (360, 8192 * mib),
        257 * mib: (360, 8192 * mib),
    }.items():
        path.touch()
        os.truncate(path, size)
        assert geofiles._most(str(path)) == expected, size
    assert (600, 64 * mib) == (geofiles.LONGEST_S, geofiles.MOST_BLOCK_BYTES)
    assert (1024, mib, 16) == (geofiles._HEAD_BYTES, geofiles._CHUNK_BYTES, geofiles._LARGEST_FEATURE_MB)


def test_memory_and_time_are_bounded_no_higher_than_they_were(monkeypatch):
    hard = {resource.RLIMIT_CPU: ENDLESS, resource.RLIMIT_DATA: 500, resource.RLIMIT_CORE: 7}
    made = {}
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_utime=2.5, ru_stime=1.75))
    monkeypatch.setattr(resource, "getrlimit", lambda one: (0, hard[one]))
    monkeypatch.setattr(resource, "setrlimit", lambda one, most: made.update({one: most}))
    geofiles._bound(45, 1000)
    assert made == {
        resource.RLIMIT_CPU: (49, ENDLESS),
        resource.RLIMIT_DATA: (500, 500),
        resource.RLIMIT_CORE: (0, 7),
    }
    hard[resource.RLIMIT_DATA] = 2000
    geofiles._bound(45, 1000)
    assert made[resource.RLIMIT_DATA] == (1000, 2000)


class Line:
    """Gives these answers, and remembers what was sent."""

    def __init__(self, *answers, waits=True):
        self.answers, self.waits, self.sent, self.closed, self.patience = list(answers), waits, [], 0, []

    def send(self, what):
        """Keep what is sent."""
        self.sent.append(what)

    def poll(self, seconds):
        """Say whether an answer comes in time."""
        self.patience.append(seconds)
        return self.waits

    def recv(self):
        """Give the next answer, or fail as it says."""
        answer = self.answers.pop(0) if self.answers else EOFError("gone")
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def close(self):
        """Count."""
        self.closed += 1


def _aside(monkeypatch, line):
    one = geofiles._Aside()
    closed = []
    monkeypatch.setattr(one, "_open", lambda: line)
    monkeypatch.setattr(one, "close", lambda: closed.append(1))
    return one, closed


def test_an_answer_is_returned_an_error_raised_and_a_silence_is_the_fault_of_the_file(monkeypatch, tmp_path):
    small, large = _file(tmp_path / "a"), tmp_path / "b"
    line = Line((True, "fine"), (False, KeyError("k")))
    one, closed = _aside(monkeypatch, line)
    assert one.ask("read", str(small), 1, 2) == "fine"
    with pytest.raises(KeyError, match="k"):
        one.ask("layers", str(small))
    most = (45, 1 << 30)
    assert line.sent == [("read", str(small), most, 1, 2), ("layers", str(small), most)]
    assert (line.patience, closed) == ([600.0, 600.0], [])
    large.touch()
    os.truncate(large, 33 << 20)
    for line, error in (
        (Line((True, "late"), waits=False), FormatError),
        (Line(), FormatError),
        (Line(OSError("broken")), FormatError),
        (Line(ValueError("no pickle")), ValueError),
        (Line(KeyboardInterrupt()), KeyboardInterrupt),
    ):
        one, closed = _aside(monkeypatch, line)
        with pytest.raises(error) as why:
            one.ask("read", str(large))
        assert closed == [1]
        if error is FormatError:
            assert why.value.expected == "a file that is read within 46 s and 1056 MiB"
    one, closed = _aside(monkeypatch, Line((True, "fine")))
    assert (one.ask("read", str(large)), closed) == ("fine", [1])  # what it keeps would count against the next


def test_the_second_process_is_started_once_and_anew_when_it_is_gone_or_of_another(monkeypatch):
    started, inherited = [], []

    def process(command, **how):
        started.append((command, how))
        calls = []
        dead = SimpleNamespace(calls=calls, gone=None, kill=lambda: calls.append("kill"))
        dead.wait, dead.poll = lambda: calls.append("wait"), lambda: dead.gone
        return dead

    ours, theirs = Line(), Line()
    theirs.fileno = lambda: 77
    monkeypatch.setattr(subprocess, "Popen", process)
    monkeypatch.setattr(geofiles, "Pipe", lambda: (ours, theirs))
    monkeypatch.setattr(os, "set_handle_inheritable", lambda *what: inherited.append(what), raising=False)
    monkeypatch.setattr(sys, "path", ["", "/somewhere", "sub"])
    one = geofiles._Aside()
    assert one._open() is ours
    assert one._open() is ours
    ((command, how),) = started
    assert command[1:] == ["-W", "ignore", "-m", "kansenkaart.sources.tools.geofiles", "77"]
    assert (how["pass_fds"], how["close_fds"], inherited, theirs.closed) == ([77], True, [(77, True)], 1)
    assert how["env"]["PYTHONPATH"] == os.pathsep.join([str(Path.cwd()), "/somewhere", str(Path.cwd() / "sub")])
    first = one._process
    first.gone = 1
    one._open()
    assert (len(started), first.calls, ours.closed) == (2, ["kill", "wait"], 1)
    second, one._owner = one._process, -1  # as in a fork, which leaves it alone
    one._open()
    assert (len(started), second.calls, ours.closed, one._owner) == (3, [], 2, os.getpid())
    third = one._process
    one.close()
    one.close()
    assert (third.calls, ours.closed, one._process, one._line) == (["kill", "wait"], 3, None, None)


def test_questions_are_answered_one_by_one_until_the_asker_is_gone_or_memory_is(monkeypatch):
    from pyogrio import _ogr

    options, bounds = {}, []
    monkeypatch.setattr(pyogrio, "list_drivers", lambda: {"GPKG": "rw", "VRT": "r"})
    monkeypatch.setattr(pyogrio, "set_gdal_config_options", options.update)
    monkeypatch.setattr(_ogr, "_register_drivers", lambda: None)
    monkeypatch.setattr(geofiles, "shut_the_network", lambda: options.update(shut=True))
    monkeypatch.setattr(geofiles, "_bound", lambda *most: bounds.append(most))

    def answer(path, what):
        if isinstance(what, BaseException):
            raise what
        return path.name + what

    why = ValueError("odd")
    line = Line(*(("call", "a/b", (45, 9), answer, what) for what in ("!", why, "?")))
    geofiles._serve(line)
    assert line.sent == [(True, "b!"), (False, why), (True, "b?")]
    assert bounds == [(45, 9)] * 3
    assert options == {
        "OGR_GEOJSON_MAX_OBJ_SIZE": "16",
        "GML_SKIP_RESOLVE_ELEMS": "ALL",
        "OGR_SQLITE_LOAD_EXTENSIONS": None,
        "GDAL_HTTP_PROXY": "127.0.0.1:9",
        "GDAL_SKIP": "VRT",
        "shut": True,
    }
    line = Line(*(("call", "a/b", (45, 9), answer, what) for what in ("!", MemoryError(), "?")))
    geofiles._serve(line)
    assert line.sent == [(True, "b!")]


def _base(path, *statements):
    path.unlink(missing_ok=True)
    base = sqlite3.connect(path)
    base.execute("create table Pand (a)")
    base.execute("create table gpkg_contents (table_name)")
    base.execute("insert into gpkg_contents values ('Pand')")
    for one in statements:
        base.execute(one)
    base.commit()
    base.close()
    return path


def test_a_database_holds_plain_tables_and_no_view_that_is_a_layer(tmp_path):
    path = tmp_path / "a.gpkg"
    master = "insert into sqlite_master values ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING {}(x)')"
    fine = {
        (): None,
        ("create virtual table r using rtree(id, a, b)",): None,
        ("create index i on Pand(a)",): None,
        ("create view w as select 1",): ["Pand"],
        ("create view w as select 1", "create table geometry_columns (f_table_name)"): ["Pand"],
    }
    for statements, found in fine.items():
        assert geofiles._vetted_layers(_base(path, *statements)) == found, statements
    for statements, found in fine.items():
        options = geofiles._open_options(_base(path, *statements))
        assert options == ({"LIST_ALL_TABLES": "NO"} if found else {})
        assert geofiles._open_options(path.rename(tmp_path / "b.sqlite")) == options
        (tmp_path / "b.sqlite").rename(path)
    refused = {
        ("create view V as select 1", "insert into gpkg_contents values ('v')"): "the view 'v'",
        ("create view gpkg_more as select 1",): "the view 'gpkg_more'",
        (
            "create table geometry_columns (f_table_name)",
            "insert into geometry_columns values ('w')",
            "create view w as select 1",
        ): "the view 'w'",
        ("pragma writable_schema=on", master.format("csv")): "'v' by a module",
    }
    for statements, found in refused.items():
        assert _found(lambda statements=statements: geofiles._vetted_layers(_base(path, *statements)))[1] == found
    assert geofiles._vetted_layers(_base(path, "pragma writable_schema=on", master.format("FTS5"))) is None
    for end in ("-journal", "-wal"):
        beside = _file(tmp_path / f"a.gpkg{end}")
        assert _found(lambda: geofiles._vetted_layers(path)) == ("a database at rest", "a journal next to it")
        beside.unlink()
    assert _found(lambda: geofiles._vetted_layers(_file(path, SQLITE + bytes(99))))[0] == "a sound database"


def _gml(path, stated="", more=b""):
    return _file(path, f'<a xsi:schemaLocation = "{stated}">'.encode() + more)


def test_xml_has_no_document_type_and_its_schemas_are_addresses_or_lie_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "a.gml"
    for fine in ("", "ns http://x.nl/a.xsd", "n1 HTTPS://x.nl/a n2 b.xsd", "n b-1.xsd", "/etc/ns http://x.nl/a"):
        geofiles._vet_gml(_gml(path, fine))
    for bad, named in (
        ("ns ../b.xsd", b"../b.xsd"),
        ("n1 /etc/passwd n2 http://x.nl/a", b"/etc/passwd"),
        ("n1 http://x.nl/a n2 c.xml", b"c.xml"),
        ("n " + "d" * 90, b"d" * 80),
        ("file:///e.xsd", b"file:///e.xsd"),
    ):
        assert _found(lambda bad=bad: geofiles._vet_gml(_gml(path, bad))) == (
            "schemas by address, or beside the file",
            f"the file {named!r}",
        )
    for sign in (b"<!DOCTYPE", b"<!ENTITY"):
        assert _found(lambda sign=sign: geofiles._vet_gml(_gml(path, "", sign)))[0] == "XML without a document type"
    beside = _gml(tmp_path / "b.xsd", "n http://x.nl/a")
    _gml(path, "n b.xsd")
    geofiles._vet_gml(path)
    monkeypatch.setattr(geofiles, "_CHUNK_BYTES", beside.stat().st_size)
    geofiles._vet_gml(path)
    monkeypatch.setattr(geofiles, "_CHUNK_BYTES", beside.stat().st_size - 1)
    size = beside.stat().st_size
    assert _found(lambda: geofiles._vet_gml(path)) == (f"a schema of at most {size - 1} bytes", str(size))
    monkeypatch.setattr(geofiles, "_CHUNK_BYTES", 1 << 20)
    _gml(beside, "n c.xsd")
    assert _found(lambda: geofiles._vet_gml(path))[1] == "the file b'c.xsd'"  # a schema names no other beside it
    beside.unlink()
    beside.mkdir()
    assert _found(lambda: geofiles._vet_gml(path)) == (
        "a schema that lies beside the file itself",
        "a link elsewhere",
    )
    beside.rmdir()
    beside.symlink_to(_gml(tmp_path / "c.xsd"))
    assert _found(lambda: geofiles._vet_gml(path))[1] == "a link elsewhere"
    monkeypatch.setattr(geofiles, "_CHUNK_BYTES", 7)
    for stated, more in (
        ("n ../b.xsd", b""),
        ("", b" " * 20 + b"<!DOCTYPE x>"),
        ("n http://x.nl/" + "a" * 4000, b"<!ENTITY"),
    ):
        with pytest.raises(FormatError):
            geofiles._vet_gml(_gml(path, stated, more))
    monkeypatch.setattr(geofiles, "_CHUNK_BYTES", 1 << 20)
    for name, options in (("a.gml", "DOWNLOAD_SCHEMA"), ("a.xml", None)):
        with pytest.raises(FormatError):
            geofiles._open_options(_gml(tmp_path / name, "", b"<!DOCTYPE"))
        made = geofiles._open_options(_gml(tmp_path / name))
        assert made.get("DOWNLOAD_SCHEMA") == ("NO" if options else None)


def test_what_is_asked_of_a_file_is_answered(tmp_path):
    point = '{"type": "Feature", "properties": {"d": "0000-01-01", "n": 1}, "geometry": '
    point += '{"type": "Point", "coordinates": [%d, 5]}}'
    rows = ",".join(point % x for x in (1, 9))
    path = _file(tmp_path / "a.JSON", f'{{"type": "FeatureCollection", "name": "l", "features": [{rows}]}}'.encode())
    made = geofiles._answer_read(path, "l", (0.0, 0.0, 3.0, 9.0), True, False)
    assert (made["d"].tolist(), made.geometry.x.tolist()) == (["0000-01-01"], [1.0])
    assert list(geofiles._answer_read(path, None, None, False, False).columns) == ["d", "n"]
    day = _file(tmp_path / "c.json", path.read_bytes().replace(b"0000", b"2020"))
    kinds = [geofiles._answer_read(day, None, None, False, dates)["d"].map(type).iloc[0] for dates in (True, False)]
    assert [one is str for one in kinds] == [False, True]
    assert geofiles._answer_layers(path) == ["l"]
    names, crs, bounds = geofiles._answer_about(path, "l")
    assert (names, crs, tuple(bounds)) == (["d", "n"], "EPSG:4326", (1, 5, 9, 5))
    made.to_crs(28992).to_file(tmp_path / "b.gpkg", layer="Pand", driver="GPKG")
    assert geofiles._answer_layers(tmp_path / "b.gpkg") == ["Pand"]
    base = sqlite3.connect(tmp_path / "b.gpkg")
    base.execute("create view w as select 1")
    base.commit()
    base.close()
    assert geofiles._answer_layers(tmp_path / "b.gpkg") == ["Pand"]
    assert geofiles._answer_read(tmp_path / "b.gpkg", "Pand", None, True, True)["n"].tolist() == [1]
