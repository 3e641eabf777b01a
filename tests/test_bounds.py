"""Errors, reference systems, settings and the process that compiles: every bound exactly, just below and just above it."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from pyproj.crs import CompoundCRS

from kansenkaart import config, crs, errors, kernel
from kansenkaart.errors import ConfigError, CrsError, KansenkaartError


@pytest.mark.parametrize("kind", [one for one in vars(errors).values() if isinstance(one, type)])
def test_an_error_says_its_parts_for_people_and_machines_and_survives_a_trip(kind):
    one = kind("a", found="b", where="c", remedy="d")
    assert str(one) == "expected a; found b; where: c; what to do: d"
    again = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own
    assert (type(again), again.plain()) == (kind, one.plain())
    assert one.plain()["code"] == kind.__name__.removesuffix("Error").lower()
    assert str(kind("a", found=" ")) == "expected a; found nothing"
    assert KansenkaartError.exit_code == 1


def test_places_at_the_edge_of_rd_new_are_in_it_and_others_are_not():
    west, south, east, north = -7_000.0, 289_000.0, 300_000.0, 629_000.0
    for x, y in ((west, south), (east, north), (155_000.0, 463_000.0)):
        assert crs.rd_point((x, y), where="here") == crs.rd_point(shapely.Point(x, y), where="here") == (x, y)
        assert len(crs.require_rd(gpd.GeoDataFrame(geometry=[shapely.Point(x, y)], crs=7415))) == 1
    for x, y in ((west - 1, south), (west, south - 1), (east + 1, north), (east, north + 1)):
        with pytest.raises(ConfigError, match="a point in RD New"):
            crs.rd_point((x, y), where="here")
        frame = gpd.GeoDataFrame(geometry=[shapely.Point(x, y)], crs=28992)
        with pytest.raises(CrsError, match=rf"found bounds {x:.1f}, {y:.1f}, {x:.1f}, {y:.1f}; where: a\.gpkg"):
            crs.require_rd(frame, where="a.gpkg")
    wide = gpd.GeoDataFrame(geometry=[shapely.Point(155_000, 463_000), shapely.Point(155_000, 999_000)], crs=28992)
    with pytest.raises(CrsError, match="found bounds"):
        crs.require_rd(wide)
    for odd in ((1,), "xy", None, (float("nan"), 463_000.0)):
        with pytest.raises(ConfigError) as caught:
            crs.rd_point(odd, where="here")
        assert (caught.value.found, caught.value.where) == (str(odd)[:80], "here")
    assert len(crs.require_rd(gpd.GeoDataFrame(geometry=[None, shapely.Point()], crs=28992))) == 2
    for plane, wrong in ((28992, False), (31370, True)):  # with heights, and without a code of the two together
        both = CompoundCRS("plane and height", components=[f"EPSG:{plane}", "EPSG:5710"])
        frame = gpd.GeoDataFrame(geometry=[shapely.Point(190000, 560000)], crs=both)
        with pytest.raises(CrsError, match="RD New") if wrong else contextlib.nullcontext():
            crs.require_rd(frame)
    together = gpd.GeoDataFrame(geometry=[shapely.Point(155_000, 463_000)], crs="EPSG:28992+5709")
    assert crs.require_rd(together) is together
    with pytest.raises(CrsError, match="found no reference system; where: a"):
        crs.require_rd(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)]), where="a")
    with pytest.raises(CrsError, match="found EPSG:4326"):
        crs.require_rd(gpd.GeoDataFrame(geometry=[shapely.Point(5, 52)], crs=4326))


def test_where_things_are_kept_and_which_studies_come_along(tmp_path, monkeypatch):
    monkeypatch.setenv(config.DATA_VARIABLE, str(tmp_path / "published"))
    made = config.folders(tmp_path)
    assert (made.published, made.raw) == (tmp_path / "published", tmp_path / "data" / "raw")
    assert (made.processed, made.maps) == (tmp_path / "data" / "processed", tmp_path / "maps")
    assert set(config.shipped_studies()) == {"voorbeeld", "proefveld", "gemeente"}
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "proefveld.toml").touch()
    assert config.study_path(tmp_path, "proefveld") == tmp_path / "studies" / "proefveld.toml"
    assert config.study_path(tmp_path, "gemeente") == config.shipped_studies()["gemeente"]
    assert config.study_path(tmp_path, "nergens") == tmp_path / "studies" / "nergens.toml"
    with pytest.raises(ConfigError) as caught:
        config.study_path(tmp_path, "../" + "x" * 70)
    assert caught.value.found == repr("../" + "x" * 57)
    assert caught.value.remedy == "choose one of ['gemeente', 'proefveld', 'voorbeeld']"
    monkeypatch.setattr(config, "__file__", str(tmp_path / "a" / "b" / "config.py"))
    assert config.shipped_studies() == {"proefveld": tmp_path / "studies" / "proefveld.toml"}
    (tmp_path / "a" / "b" / "studies").mkdir(parents=True)
    assert config.shipped_studies() == {}


def test_an_extra_that_is_not_there_is_named_with_how_to_get_it(monkeypatch):
    config.require_extra("rapporten")
    monkeypatch.setattr(config, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        config.require_extra("flows")
    assert (caught.value.where, caught.value.remedy) == ("library prefect", "pip install 'kansenkaart[flows]'")


SOURCE = {"role": "pand", "publisher": "bag", "origin": "file", "form": "x", "path": "a/b.gpkg"}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (config.Areas, {"target_homes": 50, "low_homes": 50, "high_homes": 50}, {"target_homes": 49, "low_homes": 1}),
        (config.Areas, {"target_homes": 2000, "high_homes": 5000}, {"target_homes": 2001, "high_homes": 5000}),
        (config.Areas, {"low_homes": 1}, {"low_homes": 0}),
        (config.Areas, {"low_homes": 330, "high_homes": 330}, {"high_homes": 329}),
        (config.Areas, {"radius_m": 2000}, {"radius_m": 2000.5}),
        (config.Areas, {"radius_m": 0.1}, {"radius_m": 0}),
        (config.Areas, {"high_homes": 5000}, {"high_homes": 5001}),
        (config.Place, {"bbox_m": (0, 0, 1, 1)}, {"bbox_m": (0, 0, 0, 1)}),
        (config.Place, {"bbox_m": (5, 0, 6, 1)}, {"bbox_m": (0, 1, 1, 1)}),
        (config.Place, {"bbox_m": (0, 5, 1, 6)}, {"bbox_m": (7, 0, 6, 8)}),
        (config.Place, {"wijken": ("WK01930A",)}, {"wijken": ("WK0193A",)}),
        (config.OptOut, {"panden": ("x" * 40,)}, {"panden": ("x" * 41,)}),
        (config.OptOut, {"bestand": "a.txt"}, {"bestand": "../a.txt"}),
        (config.OptOut, {"bestand": "b/a.txt"}, {"bestand": "/a.txt"}),
        (config.Source, {**SOURCE, "year": 1900}, {**SOURCE, "year": 1899}),
        (config.Source, {**SOURCE, "year": 2100}, {**SOURCE, "year": 2101}),
        (config.Source, {**SOURCE, "origin": "live", "path": None}, {**SOURCE, "path": None}),
        (config.Source, {**SOURCE, "origin": "bulk", "path": None}, {**SOURCE, "origin": "example", "path": ""}),
        (config.Source, {**SOURCE, "path": "a..b"}, {**SOURCE, "path": "a/../b"}),
        (config.Source, {**SOURCE, "path": "ab:c"}, {**SOURCE, "path": "a:c"}),
        (config.Source, {**SOURCE, "layer": "a"}, {**SOURCE, "layer": "a\nb"}),
        (
            config.OwnFigure,
            {"value": 1, "low": 1, "source": "xyz"},
            {"value": 1, "low": float("-inf"), "source": "xyz"},
        ),
        (
            config.OwnFigure,
            {"value": 1, "high": 1, "source": "xyz"},
            {"value": 1, "high": float("inf"), "source": "xyz"},
        ),
        (config.OwnFigure, {"value": -1, "source": "xyz"}, {"value": float("inf"), "source": "xyz"}),
        (config.OwnFigure, {"value": 1, "source": "xyz"}, {"value": 1, "source": "xy"}),
        (config.OwnFigure, {"value": 1, "source": "x" * 300}, {"value": 1, "source": "x" * 301}),
    ],
)
def test_every_bound_of_a_study_is_taken_and_what_is_beyond_is_not(kind, good, bad):
    kind(**good)
    with pytest.raises(ValueError, match=kind.__name__):
        kind(**bad)


def test_what_decides_how_a_delivery_is_read_and_where_a_fault_is():
    one = config.Source(**SOURCE, layer="l", shift_m=(1.0, 2.0), optional=True, year=2020)
    reading = {"role": "pand", "form": "x", "layer": "l", "shift_m": [1.0, 2.0], "optional": True}
    assert (one.reading(), config.Source(**SOURCE).reading()) == (reading, {"role": "pand", "form": "x"})
    assert config.Source(**SOURCE).shift_m == (0.0, 0.0)
    keys = {("source", 0, "role"): "source 1, role", ("source", 1): "source 2", ("a", "b", 2): "a.b.2", ("a",): "a"}
    assert {place: config._key(place) for place in keys} == keys
    assert (len(config._key(("source", 1, "x" * 99))), len(config._key(("x" * 99,)))) == (80, 80)
    whole = {"name": "proef", "title": "P", "place": {"wijken": ("WK019300",)}}
    budget = {**SOURCE, "role": "own_budget"}
    assert config.Study(**whole, source=(SOURCE,)).sources("pand")[0].path == "a/b.gpkg"
    with pytest.raises(ValueError, match="a budget is of the whole municipality"):
        config.Study(**whole, source=(budget,))
    config.Study(**{**whole, "place": {}}, source=(budget,))


def test_a_loop_is_compiled_by_one_process_at_a_time_and_here_where_that_fails(tmp_path, monkeypatch):
    """With nothing compiled: what is on disk is taken, else another process is asked, else None says that it is for here."""

    class Process:
        """Answers what it is told to, as the process that compiles would."""

        def __init__(self, answer):
            self.stdin, self.stdout, self.ended = io.BytesIO(), io.BytesIO(answer), 0

        def communicate(self):
            self.ended += 1

    key, lock = ("kansenkaart.core.x", "f", ""), tmp_path / "f.lock"
    begun = []

    def loads(*found):
        answers = iter(found)
        return lambda types, target: next(answers)

    def ask(load, answer=b"made\n", key=key, able=True):
        maker = kernel._Maker(able=able)
        monkeypatch.setattr(kernel, "_MAKER", maker)
        monkeypatch.setattr(kernel, "_started", lambda: begun.append(Process(answer)) or begun[-1])
        return kernel._load(load, key, lock, "types", "target"), maker

    assert ask(loads("kept"))[0] == "kept"
    assert ask(loads(None), able=False)[0] is None
    assert ask(loads(None), key=("elsewhere.x", "f", ""))[0] is None
    assert ask(loads(None, "by another"))[0] == "by another"
    assert begun == []
    made, maker = ask(loads(None, None, "made"))
    assert (made, maker.able(key), begun[0].ended) == ("made", True, 0)
    assert pickle.loads(begun[0].stdin.getvalue()) == (key, "types")  # noqa: S301 - our own
    maker.end()
    maker.end()
    assert begun[0].ended == 1
    made, maker = ask(loads(None, None), answer=b"")
    assert (made, maker.able(key), begun[1].ended) == (None, False, 1)
    other = kernel._Maker(able=True)
    other._owner = os.getpid() + 1  # as after a fork
    other._process = begun[0]
    other.end()
    assert (other.able(key), begun[0].ended) == (False, 1)


def test_the_process_that_compiles_gets_our_paths_and_its_answers_are_its_own(monkeypatch):
    asked = {}

    def popen(command, **how):
        asked.update(how, command=command)
        return "process"

    monkeypatch.setattr(kernel.subprocess, "Popen", popen)
    monkeypatch.setattr(sys, "path", ["", "relative", "/somewhere"])
    monkeypatch.setenv("KEPT", "yes")
    assert kernel._started() == "process"
    here = str(Path.cwd())
    assert asked["env"]["PYTHONPATH"] == os.pathsep.join([here, str(Path.cwd() / "relative"), "/somewhere"])
    assert asked["env"]["KEPT"] == "yes"
    assert asked["command"][:3] == [sys.executable, "-P", "-c"]
    assert asked["stdin"] == asked["stdout"] == kernel.subprocess.PIPE
    assert asked["stderr"] == kernel.subprocess.DEVNULL
