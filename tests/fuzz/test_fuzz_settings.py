"""Studies, tables of figures, stored marks and lineage, archives, the command line: answered in words."""

from __future__ import annotations

import gzip
import json
import zipfile
from importlib.resources import files

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from kansenkaart.cli import cli
from kansenkaart.config import read_study
from kansenkaart.errors import ConfigError, FormatError, KansenkaartError
from kansenkaart.publish import release
from kansenkaart.runs import study
from kansenkaart.sources.tools import http, rawnames
from kansenkaart.sources.tools.archives import gunzip, parse_json
from kansenkaart.tables import assumptions
from kansenkaart.tables import assumptions as service_table
from kansenkaart.tables.store import Lineage, Store
from tests.fuzz.conftest import FUZZ
from tests.fuzz.odd import DEEP, ODD, spoilt, spoilt_bytes, spoilt_table, survives
from tests.runs.places import STUDIES, project

STUDY = (STUDIES / "gemeente.toml").read_bytes()
DATA = files("kansenkaart") / "data"


@FUZZ
@given(data=st.data())
def test_study(desk, data):
    path = desk / "study.toml"
    path.write_bytes(data.draw(st.one_of(spoilt_bytes(STUDY), spoilt_table(STUDY, "\n"), spoilt_table(STUDY, "="))))
    survives(lambda: read_study(path))
    survives(lambda: read_study(path, gemeentecode=data.draw(st.sampled_from(["GM0193", "x", "GM01930", "\0"]))))


@pytest.mark.parametrize(
    "content",
    [
        b"a = " + b"[" * DEEP,
        b"a = " + b"9" * 5000,
        b"place = 5",
        b"source = [1]",
        b"name = 1e999",
        b"\xff",
        b"a=" * 1_500_000,
    ],
)
def test_study_with_depth_and_size(content, desk):
    path = desk / "study.toml"
    path.write_bytes(content)
    assert isinstance(survives(lambda: read_study(path, gemeentecode="GM0193")), ConfigError)


@FUZZ
@given(data=st.data())
def test_assumptions(data):
    text = "\n".join((DATA / "assumptions.csv").read_text("utf-8").split("\n")[:6]).encode()
    spoilt_text = data.draw(st.one_of(spoilt_table(text, ","), spoilt_bytes(text))).decode("utf-8", "replace")
    survives(lambda: assumptions.parse(spoilt_text, where="a.csv"))


@FUZZ
@given(data=st.data())
def test_services(data):
    text = "\n".join((DATA / "services.csv").read_text("utf-8").split("\n")[:12]).encode()
    spoilt_text = data.draw(st.one_of(spoilt_table(text, ","), spoilt_bytes(text))).decode("utf-8", "replace")
    survives(lambda: service_table.parse_services(spoilt_text, where="s.csv"))


@FUZZ
@given(columns=st.lists(st.text(max_size=6), max_size=6), values=st.lists(ODD, max_size=3))
def test_raw_names_and_numbers(columns, values):
    frame = pd.DataFrame({name: pd.Series(values, dtype="object") for name in columns})
    survives(lambda: rawnames.to_our_names(frame, "pand", form="pdok-geojson", where="x"))
    survives(lambda: rawnames.raw_names("pand", "".join(columns)))
    survives(lambda: rawnames.to_number(pd.Series(values, dtype="object"), where="x"))
    survives(lambda: rawnames.to_text(pd.Series(values, dtype="object")))


@FUZZ
@given(data=st.data())
def test_web(data):
    survives(lambda: parse_json(data.draw(spoilt(b'{"a": [1, {"b": null}]}')), where="x"))
    assert http.retry_after_s(data.draw(st.one_of(st.none(), st.text(max_size=30), st.integers().map(str)))) >= 0
    survives(lambda: http.same_host(data.draw(st.text(max_size=30)), "https://example.org/a"))


PACKED = gzip.compress(b"x" * 200 + b"y", mtime=0)


@FUZZ
@given(data=st.data())
def test_packed_file(tmp_path_factory, data):
    desk = tmp_path_factory.mktemp("packed")
    (desk / "a.gz").write_bytes(data.draw(spoilt_bytes(PACKED)))
    out = survives(lambda: gunzip(desk / "a.gz", desk / "out", most_bytes=10_000))
    assert {one.name for one in desk.iterdir()} <= {"a.gz", "out"}
    assert isinstance(out, KansenkaartError) != (desk / "out").exists()


def test_members_that_are_packed_wrongly_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.xml", b"<sheet/>" * 200)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[35:45] = (
        b"\xff" * 10
    )  # the packed bytes, behind a header of 30 and a name of 5: the archive itself is sound
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(FormatError), rawnames.reading(tmp_path / "a.zip", "a workbook"):
        zipfile.ZipFile(tmp_path / "a.zip").read("a.xml")
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]


MARK = json.dumps({"fingerprint": "f", "files": {"index.html": "0" * 64}}).encode()


@FUZZ
@given(data=st.data())
def test_mark_of_what_was_published(desk, data):
    (desk / ".publish.json").write_bytes(data.draw(spoilt(MARK)))
    assert release.stands(desk, "f") in (True, False)


@pytest.mark.parametrize("name", ["\0", "\ud800", "x" * 5000])
def test_a_mark_that_names_no_file_that_can_be_is_damaged(desk, name):
    (desk / ".publish.json").write_text(json.dumps({"fingerprint": "f", "files": {name: "0" * 64}}))
    assert release.stands(desk, "f") is False
    assert [one.found for one in release.faults(desk)] == [f"no name of a file: {name!r:.60}"]


@FUZZ
@given(data=st.data())
def test_lineage_and_table(tmp_path_factory, data):
    store = Store(tmp_path_factory.mktemp("store") / "s")
    day = {
        "day": "2024-01-01",
        "station": "278",
        "global_radiation_kwh_per_m2": 1.0,
        "rain_mm": 0.0,
        "evaporation_mm": 0.1,
    }
    store.write("weather_daily", pd.DataFrame([day]), Lineage("f"))
    path = data.draw(st.sampled_from([store.path("weather_daily"), store.sidecar("weather_daily")]))
    content = path.read_bytes()
    bad = data.draw(spoilt(content) if path.suffix == ".json" else spoilt_bytes(content))
    path.write_bytes(bad)
    for ask in (store.describe, store.verify, store.read):
        survives(lambda ask=ask: ask("weather_daily"))
    if path.suffix == ".parquet" and bad != content:
        assert isinstance(survives(lambda: store.read("weather_daily")), KansenkaartError)


WORDS = st.one_of(
    st.sampled_from(
        ["run", "demo", "status", "check", "--json", "--code", "GM0193", "--map", "-h", "proefveld", "..", "/"]
    ),
    st.sampled_from(["\0", "x" * 300]),
    st.text(max_size=10),
)


@FUZZ
@given(words=st.lists(WORDS, max_size=5))
@example(words=["--map", "\0"])
def test_command_line(tmp_path_factory, words):
    root = tmp_path_factory.mktemp("root")
    words = [one for one in words if one not in ("demo", "run")] if "proefveld" in words else words
    words = ["status" if one == "demo" else one for one in words]
    result = CliRunner().invoke(cli, ["--map", str(root), *words])
    fault = result.exception
    assert fault is None or isinstance(fault, (SystemExit, KansenkaartError)), repr(fault)


@pytest.mark.parametrize(
    "name", ["../proefveld", "/etc/passwd", "a\0b", "x" * 5000, "", ".", "a/b", "PROEFVELD", "a b"]
)
def test_a_study_is_a_name_not_a_path(name, tmp_path):
    root = project(tmp_path / "project", "proefveld")
    (root / "proefveld.toml").write_bytes((root / "studies" / "proefveld.toml").read_bytes())
    assert isinstance(survives(lambda: study.open_study(name, root=root)), ConfigError)
