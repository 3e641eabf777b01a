"""Files by hand: a small dictionary, a small package and a small store, every answer by value and every limit exactly."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest
from shapely import Point, box

from kansenkaart.errors import DiskError, LockedError, SchemaError, StoreError
from kansenkaart.tables import fields, provenance, schemas, step, store
from kansenkaart.tables.provenance import Provenance, first_day, oldest, sha256_of, undated
from kansenkaart.tables.step import Product, Step
from kansenkaart.tables.store import Lineage, Store, alone, atomic, locked
from tests.tables.test_fields import row
from tests.tables.test_store import AREAS, LINEAGE, SOURCE, _buurten


@pytest.fixture
def small(monkeypatch):
    """Put a dictionary of six columns in the place of ours."""
    rows = [
        row(
            name="a",
            map="zon:20/2~ riool:1",
            sheet="figure:20 always:1",
            label_nl="A",
            definition_en="Of A.",
            decimals="1",
        ),
        row(name="b", map="zon:10/1", sheet="figure:10", rank="-2", tables="t? u", per_home="yes", min="1", max="9"),
        row(name="c", map="zon:30", rank="1", codes="list", tables="t", definition_nl="Van C.", of_roof="part"),
        row(name="d_basis", type="str", tables="t"),
        row(name="geometry", type="geometry"),
        row(name="a_low"),
    ]
    made = {one.name: one for one in (fields._parse(one, "here") for one in rows)}
    monkeypatch.setattr(fields, "dictionary", lambda: made)
    return made


def test_what_stands_on_a_map_a_sheet_and_among_the_grounds_has_its_order(small):
    assert [one.name for one in fields.on_map("zon")] == ["b", "a", "a_low", "a_median", "a_high", "c"]
    assert [one.name for one in fields.on_map("riool")] == ["a"]
    assert (fields.colored("zon"), fields.colored("riool")) == (["b", "a"], [])
    assert (fields.on_sheet("figure"), fields.on_sheet("always"), fields.on_sheet("color")) == (["b", "a"], ["a"], [])
    assert [one.name for one in fields.grounds()] == ["c", "b"]
    assert fields.get("a_low") is small["a_low"]  # a row of its own goes before what is derived


def test_a_derived_column_keeps_the_unit_and_origin_of_its_parent_and_no_place(small):
    made = {end: fields.get(f"b{end}") for end in ("_year", "_low", "_high", "_median", "_basis")}
    for one in made.values():
        assert (one.per_home, one.rank, one.maps, one.sheet, one.tables) == (False, 0, (), (), ())
    assert made["_low"].unit == made["_median"].unit == "1"
    assert (made["_year"].unit, made["_basis"].type) == ("year", "str")
    assert [one.codes for one in made.values()] == ["", "", "", "", "people_basis"]
    assert fields.get("c_low").definition_nl.endswith("Van C.") or "Van C." in fields.get("c_low").definition_nl
    assert "x" in fields.get("b_low").definition_nl  # of a parent without a Dutch definition its label stands there
    assert fields.get("c_low").of_roof == "part"
    with pytest.raises(SchemaError, match="found z_low"):
        fields.get("z_low")
    with pytest.raises(SchemaError, match="found low"):
        fields.get("low")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a; b;c", ["a", "b", "c"]),
        ("1,2, 3", ["1", "2, 3"]),
        ("a, b", ["a, b"]),
        ("", []),
        (" ; ;", []),
        ("12,34;5", ["12", "34", "5"]),
    ],
)
def test_a_list_that_is_kept_as_a_text_has_its_parts(text, parts):
    assert fields.parts(text) == parts


def test_a_row_that_lacks_a_cell_or_has_one_too_many_is_refused():
    whole = row()
    assert fields._parse(whole, "here").decimals == 0
    for wrong in ({**whole, None: ["x"]}, {**whole, "unit": None}, dict(reversed(whole.items()))):
        with pytest.raises(SchemaError, match="quote text that holds a comma"):
            fields._parse(wrong, "here")
    one = fields._parse(row(min="-1.5", max="0", per_home="yes", of_roof="whole", rank="-3", tables="a b?"), "here")
    assert (one.minimum, one.maximum, one.per_home, one.of_roof, one.rank) == (-1.5, 0.0, True, "whole", -3)
    assert (one.tables, fields._parse(row(), "here").minimum) == ((("a", False), ("b", True)), None)


def test_columns_that_name_their_table_stand_before_grounds_and_geometry(small):
    assert schemas._with_own("t", ["key", "d_basis?", "geometry"]) == [
        "key",
        "b?",
        "c",
        "d_basis",
        "d_basis?",
        "geometry",
    ]
    assert schemas._with_own("u", ["key", "geometry"]) == ["key", "b", "geometry"]
    assert schemas._with_own("u", ["geometry"]) == ["b", "geometry"]
    assert schemas._with_own("none", ["key", "geometry"]) == ["key", "geometry"]


def test_a_table_that_stands_twice_is_refused_and_one_row_says_all(monkeypatch, small):
    words = dict.fromkeys(("stage", "title_nl", "title_en", "row_nl", "row_en"), "w")
    line = {"table": "x", **words, "geometry": "Point", "key": "a b", "apart": "a", "columns": "a b? geometry"}
    line["references"] = "a>home b>pand"
    monkeypatch.setattr(schemas, "packaged_rows", lambda _: [line])
    made = schemas.tables.__wrapped__()["x"]
    assert (made.columns, made.nullable, made.key) == (("a", "b", "geometry"), {"b"}, ("a", "b"))
    assert (made.geometry, made.apart, made.references) == (("Point",), ("a",), (("a", "home"), ("b", "pand")))
    monkeypatch.setattr(schemas, "packaged_rows", lambda _: [line, line])
    with pytest.raises(SchemaError, match="found x; where: data/tables"):
        schemas.tables.__wrapped__()


def test_values_that_were_checked_before_get_their_types_only():
    wrong = _buurten().assign(households=-1.0)
    assert schemas.conform(wrong, "buurt", checked=True)["households"].tolist() == [-1, -1]
    with pytest.raises(SchemaError, match=r"households: greater_than_or_equal_to\(0(\.0)?\)"):
        schemas.conform(wrong, "buurt")
    made = schemas.conform(_buurten().set_index(pd.Index([7, 8])), "buurt")
    assert (list(made.index), made.crs.to_epsg()) == ([0, 1], 28992)
    bad = _buurten(("BU01930001", "BU01930002", "BU01930003")).set_geometry(
        [box(2e5, 5e5, 200_001, 500_001), Point(2e5, 5e5), None], crs=28992
    )
    with pytest.raises(SchemaError) as caught:
        schemas.conform(bad, "buurt")
    assert caught.value.found.startswith("2 rows with ['Point'")
    assert caught.value.where == "buurt, first row 1"


def test_the_hash_of_the_package_is_of_its_files_without_caches_and_what_is_left_out(tmp_path, monkeypatch):
    for name, text in {
        "a.py": "1",
        "sub/b.csv": "2",
        "__pycache__/c.pyc": "3",
        "sub/__pycache__/d": "4",
        "left.py": "5",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(step, "files", lambda _: tmp_path)

    def digest(*pairs):
        return hashlib.sha256(b"".join(f"{name}\0{text}\0".encode() for name, text in pairs)).hexdigest()

    whole = [("a.py", "1"), ("left.py", "5"), ("b.csv", "2")]
    assert step._hash_of_package() == digest(*whole)
    assert step._hash_of_package("left.py") == digest(whole[0], whole[2])
    assert step._hash_of_package("sub") == digest(*whole[:2])
    assert step._hash_of_package(parts=("sub", "a.py")) == digest(whole[2], whole[0])
    assert step._hash_of_package("b.csv", parts=("sub",)) == digest()


def test_a_commit_that_git_does_not_give_is_none(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(step, "__file__", str(tmp_path / "a" / "b" / "c" / "step.py"))
    for fault in (OSError("no git"), step.subprocess.CalledProcessError(128, "git")):

        def fail(*_, fault=fault, **__):
            raise fault

        monkeypatch.setattr(step.subprocess, "run", fail)
        assert step.commit.__wrapped__() == ""
    asked, done = [], SimpleNamespace(stdout=" abc\n")
    monkeypatch.setattr(step.subprocess, "run", lambda *given, **how: asked.append((given, how)) or done)
    assert step.commit.__wrapped__() == "abc"
    command = ["git", "-C", str(tmp_path), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    assert asked == [((command,), {"capture_output": True, "text": True, "check": True})]


def test_why_a_step_is_done_is_said_by_what_differs(tmp_path):
    place = Store(tmp_path / "proef")
    made = [Product("home_area", AREAS), Product("buurt", _buurten())]
    both = Step("two", ("home_area", "buurt"), lambda _: made, parameters={"a": (1, 2)})
    assert step._why(place, both, {}) == "first"
    place.write("home_area", AREAS, LINEAGE)
    assert step._why(place, both, {}) == "first"  # one of the two is there
    place.path("home_area").unlink()
    report = step.run(place, both)
    assert (report.rows, report.why, report.seconds) == ({"home_area": 1, "buurt": 2}, "first", None)
    assert step._why(place, both, {}) == "other"
    assert step._why(place, both, {"x": "1", "b": "2"}) == "inputs b, x"
    assert step._why(place, Step("two", both.outputs, both.action), {}) == "parameters"
    assert step.is_current(place, both)
    assert not step.is_current(place, Step("other", both.outputs, both.action, parameters={"a": (1, 2)}))
    assert place.describe("home_area")["tally"] == {}
    place.sidecar("buurt").unlink()
    assert not step.is_current(place, both)


def test_what_pages_are_made_of_is_a_hash_of_all_that_counts(tmp_path, monkeypatch):
    place = Store(tmp_path / "proef")
    place.write("home_area", AREAS, LINEAGE)
    monkeypatch.setattr(step, "code_version", lambda: "code")
    content = {
        "code": "code",
        "tables": {"home_area": place.describe("home_area")["sha256"]},
        "sources": [SOURCE.to_dict()],
        "more": ["a", 1],
    }
    wanted = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    assert step.made_from(place, ["home_area"], ("a", 1)) == wanted
    made = Step("s", ("buurt",), lambda _: [], ("home_area", "pand"), (SOURCE,), {"p": 1})
    marked = {
        "step": "s",
        "inputs": content["tables"],
        "parameters": {"p": 1},
        "code": "code",
        "sources": [SOURCE.to_dict()],  # once, though it is behind the input too
    }
    mark = hashlib.sha256(json.dumps(marked, sort_keys=True).encode()).hexdigest()
    assert step._fingerprint(place, made, step._inputs(place, made)) == mark


def test_files_lie_by_stage_with_a_lineage_that_says_all_and_is_sealed(tmp_path):
    place = Store(tmp_path / "proef")
    assert place.path("dsm") == tmp_path / "proef" / "1_clean" / "dsm.tif"
    assert place.path("buurt") == tmp_path / "proef" / "1_clean" / "buurt.parquet"
    assert place.sidecar("buurt") == tmp_path / "proef" / "1_clean" / "buurt.json"
    digest = place.write("buurt", _buurten(), LINEAGE)
    assert digest == sha256_of(place.path("buurt")) == place.verify("buurt")
    text = place.sidecar("buurt").read_text("utf-8")
    content = json.loads(text)
    assert text == json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    seal = content.pop("seal")
    assert seal == hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    assert content == {
        "table": "buurt",
        "sha256": digest,
        "rows": 2,
        "columns": list(schemas.get("buurt").columns),
        "fingerprint": "mark",
        "sources": [SOURCE.to_dict()],
        "inputs": {"a": "1"},
        "parameters": {"bbox_m": [1.5, 2], "0": None},
        "tally": {"rows_in": 2},
    }
    file = pq.ParquetFile(place.path("buurt"))
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    geo = json.loads(file.schema_arrow.metadata[b"geo"])
    assert (geo["version"], "bbox" in file.schema_arrow.names) == ("1.1.0", True)
    assert "__index_level_0__" not in file.schema_arrow.names
    place.write("home_area", AREAS, Lineage("x"))
    assert place.names() == [name for name in schemas.tables() if name in ("buurt", "home_area")]


def test_rows_lie_by_key_and_shapes_near_each_other(tmp_path):
    place = Store(tmp_path / "proef")
    codes = [f"BU019300{n:02d}" for n in range(9)]
    place.write("buurt", _buurten(codes)[::-1], Lineage("x"))
    frame = place.read("buurt")
    order = gpd.GeoDataFrame(_buurten(codes)).hilbert_distance().to_numpy().argsort(kind="stable")
    assert frame["buurtcode"].tolist() == [codes[n] for n in order]
    rows = pd.DataFrame({"home_id": ["b", "a"], "block_id": pd.NA, "gebied_id": pd.NA})
    place.write("home_area", rows, Lineage("x"))
    assert place.read("home_area")["home_id"].tolist() == ["a", "b"]
    place.write("buurt", _buurten(codes).head(0), Lineage("x"))
    assert len(place.read("buurt")) == 0
    many = pd.DataFrame({"home_id": [f"{n:05d}" for n in range(5001)], "block_id": pd.NA, "gebied_id": pd.NA})
    place.write("home_area", many, Lineage("x"))
    assert pq.ParquetFile(place.path("home_area")).num_row_groups == 2


def test_what_is_wrong_with_a_stored_file_is_said_with_where_and_what_to_do(tmp_path):
    place = Store(tmp_path / "proef")

    def said(call):
        with pytest.raises(StoreError) as caught:
            call("buurt")
        assert (caught.value.where, caught.value.remedy) == (
            "proef/1_clean/buurt.parquet",
            "make it again: kansenkaart run proef",
        )
        return caught.value.found

    assert said(place.describe) == "nothing"
    first = place.write("buurt", _buurten(), LINEAGE)
    good = place.sidecar("buurt").read_text("utf-8")
    place.path("buurt").write_bytes(b"x")
    second = hashlib.sha256(b"x").hexdigest()
    assert said(place.verify) == f"bytes with sha256 {second[:12]}… where {first[:12]}… was written"
    for text in ("{", "[" * 100_000):
        place.sidecar("buurt").write_text(text, "utf-8")
        assert said(place.describe).startswith("lineage that is no JSON: ")
    for text in ("[1]", "{}", good.replace('"rows": 2', '"rows": 3'), good.replace('"seal": "', '"seal": "0')):
        place.sidecar("buurt").write_text(text, "utf-8")
        assert said(place.describe) == "another lineage in buurt.json than was written"
    place.path("buurt").unlink()
    assert not place.has("buurt")


def test_deliveries_behind_files_are_named_once_and_in_order(tmp_path):
    place = Store(tmp_path / "proef")
    other = Provenance("home", "bag", "CC0", "BAG", "2025", "x", "00", None)
    place.write("buurt", _buurten(), Lineage("x", (SOURCE, other)))
    place.write("home_area", AREAS, Lineage("x", (other,)))
    named = [json.dumps(one.to_dict(), sort_keys=True) for one in (SOURCE, other)]
    wanted = tuple(one for _, one in sorted(zip(named, (SOURCE, other), strict=True)))
    assert place.sources_of(["buurt", "home_area"]) == place.sources_of(["home_area", "buurt"]) == wanted
    assert place.sources_of([]) == ()


def test_a_file_of_names_of_people_is_for_its_owner_with_its_lineage(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_UMASK", 0o027)
    with atomic(tmp_path / "a" / "b.txt") as part:
        assert part.name.startswith(".b.txt.")
        assert part.name.endswith(".part")
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        part.write_text("x")
    assert stat.S_IMODE((tmp_path / "a" / "b.txt").stat().st_mode) == 0o640
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["b.txt"]
    was = os.umask(0o022)
    try:
        assert (store._umask(), os.umask(0o022)) == (0o022, 0o022)
    finally:
        os.umask(was)
    assert frozenset({"own_pand", "own_sewer", "own_budget", "own_actual", "own_report"}) == store.PRIVATE


def test_who_waits_for_a_lock_gets_it_and_who_does_not_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_POLL_S", 0.01)
    path, got = tmp_path / "proef" / ".lock", []
    path.parent.mkdir()

    def wait():
        with alone(path, wait=True):
            got.append(1)

    with alone(path, wait=False):
        other = threading.Thread(target=wait)
        other.start()
        with pytest.raises(LockedError) as caught, alone(path, wait=False):
            pass
        assert (caught.value.where, got) == ("proef", [])
    other.join(5)
    assert got == [1]
    assert path.exists()


def test_faults_of_the_disk_are_said_and_others_go_on_as_they_are(tmp_path):
    for number in (
        28,
        122,
        27,
        30,
        13,
        1,
        5,
        40,
    ):  # no space, quota, too large, read-only, no access, not allowed, i/o, loop
        with pytest.raises(DiskError) as caught, locked(tmp_path / "proef"):
            raise OSError(number, "")
        assert caught.value.where == "proef"
    with pytest.raises(OSError, match="other") as plain, locked(tmp_path / "proef"):
        raise OSError(2, "other")
    assert not isinstance(plain.value, DiskError)
    assert store.LEAST_FREE_BYTES == 134_217_728


@pytest.mark.parametrize(
    ("edition", "day"),
    [
        ("2020-01", "2020-01"),
        ("2020-13", "2020"),
        ("1949", None),
        ("1950", "1950"),
        ("2099", "2099"),
        ("2100", None),
        ("20200230", None),
        ("2019 2021 2020", "2021"),
        ("x2020", None),
        ("v2020", "2020"),
        ("SHA256-2020", None),
        ("2020T", "2020"),
        ("20201231", "2020-12-31"),
    ],
)
def test_the_day_that_an_edition_names(edition, day):
    assert Provenance("r", "p", "l", "c", edition, "a", "s").named_day == day


def test_a_delivery_without_a_date_is_not_counted_as_new():
    made = [
        Provenance("r", name, "l", "c", edition, "a", "s", year)
        for name, edition, year in (
            ("b", "x", None),
            ("a", "x", None),
            ("a", "x", None),
            ("c", "x", 1999),
            ("d", "2001-02-03", None),
        )
    ]
    assert (oldest(made), undated(made)) == ("1999", ["a x", "b x"])
    assert oldest([]) is None
    assert [str(first_day(one)) for one in ("2022", "2022-11", "2022-11-30")] == [
        "2022-01-01",
        "2022-11-01",
        "2022-11-30",
    ]
    assert made[3].to_dict() == {
        "role": "r",
        "publisher": "c",
        "licence": "l",
        "credit": "c",
        "edition": "x",
        "address": "a",
        "sha256": "s",
        "year": 1999,
    }


def test_files_are_hashed_as_one_in_the_order_given(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "CHUNK_BYTES", 3)
    for name, text in (("a", b"12345678"), ("b", b"9")):
        (tmp_path / name).write_bytes(text)
    assert sha256_of(tmp_path / "a", tmp_path / "b") == hashlib.sha256(b"123456789").hexdigest()
    assert sha256_of() == hashlib.sha256().hexdigest()
