"""Editions and what differs between them, of tables in memory and files of a few bytes: limits, order and damage."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kansenkaart.core.editions import Failure, Gate
from kansenkaart.errors import ConfigError, GateError, KansenkaartError, StoreError
from kansenkaart.publish.editions import editions as kept
from kansenkaart.publish.editions import steps as comparing
from kansenkaart.publish.editions.editions import Edition
from kansenkaart.tables.provenance import Provenance, sha256_of
from tests.publish.tables import Tables
from tests.publish.test_places import squares

ROW = {"gate": "rows", "table": "home", "column": "", "slack": "0.5", "unit": "1", "needs": "", "why": "x"}


def _edition(folder, number, **content):
    """Write an edition as it is kept."""
    content = {"key": f"k{number}", "as_of": "2025", "tables": {}, **content}
    path = folder / f"{number:04d}"
    (path / "tables").mkdir(parents=True)
    (path / kept.FILE).write_text(json.dumps({**content, "seal": kept._seal(content)}), "utf-8")
    return path


def test_editions_are_read_in_order_and_only_folders_of_four_digits(tmp_path):
    for number in (10, 2):
        _edition(tmp_path, number)
    for other in ("00003", "12", "x123"):
        (tmp_path / other).mkdir()
    (tmp_path / "0004").touch()
    found = kept.editions(tmp_path)
    assert [(one.number, one.key, one.label, one.tables) for one in found] == [
        (2, "k2", "2 (2025)", {}),
        (10, "k10", "10 (2025)", {}),
    ]
    assert "seal" not in found[0].content
    assert Edition(3, "k", {"as_of": None}, tmp_path).label == "3"
    assert kept._seal({"b": 1, "a": 2}) == kept._seal({"a": 2, "b": 1}) != kept._seal({"a": 1, "b": 2})
    assert kept.editions(tmp_path / "none") == []


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"key": "a", "seal": "b"}', "3"])
def test_a_damaged_summary_is_named(tmp_path, text):
    path = _edition(tmp_path / "plaats", 1)
    (path / kept.FILE).write_text(text, "utf-8")
    with pytest.raises(StoreError) as caught:
        kept.editions(tmp_path / "plaats")
    assert caught.value.where == "editions/plaats/0001/edition.json"


@pytest.mark.parametrize(
    ("said", "who", "why"),
    [
        ("J. Jansen: nieuw", "J. Jansen", "nieuw"),
        ("  ab :  x\n  y ", "ab", "x y"),
        (f"{'a' * 60}: nieuw", "a" * 60, "nieuw"),
        ("a: xyz", "a", "xyz"),
        ("a: b: c", "a", "b: c"),
        (f"a: {'x' * 500}", "a", "x" * 500),
    ],
)
def test_who_accepts_and_why(said, who, why):
    found = kept.accepted(said)
    assert (found.who, found.why) == (who, why)


@pytest.mark.parametrize("said", ["a: xy", f"a: {'x' * 501}", ":a: xyz", f"{'a' * 61}: xyz"])
def test_who_says_too_little_or_too_much_accepts_nothing(said):
    with pytest.raises(ConfigError, match="accepteer"):
        kept.accepted(said)
    assert kept.accepted(None) is None


def test_a_gate_has_limits_in_order_and_a_missing_one_lets_all_pass(monkeypatch):
    made = kept._gate({**ROW, "low": "1", "high": "1"}, 2)
    assert (made.low, made.high, made.slack) == (1.0, 1.0, 0.5)
    made = kept._gate({**ROW, "low": "", "high": ""}, 2)
    assert (made.low, made.high) == (-math.inf, math.inf)
    assert (kept._plain(made.low), kept._plain(made.high), kept._plain(-3.0)) == (None, None, -3.0)
    for wrong in ({"low": "2", "high": "1"}, {"low": "x", "high": ""}, {"low": "", "high": "", "gate": "row"}):
        with pytest.raises(ConfigError, match=r"gates\.csv, line 7"):
            kept._gate({**ROW, **wrong}, 7)
    wrong = {**ROW, "low": "2", "high": "1"}
    monkeypatch.setattr(kept, "packaged_rows", lambda _: [{**wrong, "low": "0"}, wrong])
    with pytest.raises(ConfigError, match=r"gates\.csv, line 3"):  # its head is the first
        kept.gates.__wrapped__()


def test_gates_are_of_kinds_that_exist():
    assert len(kept.gates()) > 20
    assert {one.gate for one in kept.gates()} <= kept.KINDS


def _failures(count):
    gate = Gate("rows", "home", "", 0.5, math.inf, 0.0, "1", "", "x")
    return [Failure(gate, f"home{k}", 0.25, 4.0, 1.0) for k in range(count)]


@pytest.mark.parametrize(("count", "more"), [(1, ""), (8, ""), (9, "; and 1 more"), (11, "; and 3 more")])
def test_a_refusal_names_eight_failures_and_counts_the_others(count, more, monkeypatch):
    monkeypatch.setattr(kept, "failures", lambda *_: _failures(count))
    with pytest.raises(GateError) as caught:
        kept.judge({}, {}, study="plaats", last=4, said=None)
    found = caught.value.found
    assert found.count("rows of home") == min(count, 8)
    assert found.endswith(f"may be 0.5 to inf{more}")
    assert caught.value.expected == "an edition like edition 4, which stays published"
    with pytest.raises(GateError, match="a first edition"):
        kept.judge({}, {}, study="plaats", last=None, said=None)
    accepted = kept.judge({}, {}, study="plaats", last=None, said=kept.Accepted("a", "b"))
    assert len(accepted) == count
    assert accepted[0] == {
        "gate": "rows",
        "where": "home0",
        "found": 0.25,
        "before": 4.0,
        "now": 1.0,
        "low": 0.5,
        "high": None,
    }
    monkeypatch.setattr(kept, "failures", lambda *_: [])
    assert kept.judge({}, {}, study="plaats", last=4, said=None) == []


class Files(Tables):
    """Tables whose files lie in a folder."""

    def __init__(self, folder, tables, sources=()):
        super().__init__(tables, sources)
        self.root = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in tables:
            self.path(name).write_text(name, "utf-8")
            self.sidecar(name).write_text(f"of {name}", "utf-8")

    def path(self, name):
        """Return the file of a table."""
        return self.root / f"{name}.parquet"

    def sidecar(self, name):
        """Return the file beside it."""
        return self.root / f"{name}.json"

    def describe(self, name):
        """Say what it holds."""
        return {"sha256": sha256_of(self.path(name)), "rows": len(self.tables[name])}


def test_an_edition_is_kept_whole_with_links_or_copies_and_without_names_of_people(tmp_path, monkeypatch):
    private, raster = sorted(kept.PRIVATE)[0], sorted(kept.RASTERS)[0]
    store = Files(tmp_path / "store", {"home": pd.DataFrame(), private: pd.DataFrame(), raster: pd.DataFrame()})
    folder = kept.keep(
        store, tmp_path / "e" / "plaats", 7, {"key": "k", "as_of": None, "tables": {}}, {"verschil.csv": "a"}
    )
    assert folder.name == "0007"
    assert sorted(one.name for one in folder.rglob("*") if one.is_file()) == sorted(
        [kept.FILE, "verschil.csv", "home.parquet", "home.json", f"{raster}.json"]
    )
    assert (folder / "tables" / "home.parquet").samefile(store.path("home"))
    (one,) = kept.editions(folder.parent)
    assert (one.number, one.key) == (7, "k")
    assert [path.name for path in folder.parent.iterdir()] == ["0007"]
    monkeypatch.setattr(kept.os, "link", lambda *_: (_ for _ in ()).throw(OSError))
    copied = (
        kept.keep(store, folder.parent, 8, {"key": "k", "as_of": None, "tables": {}}, {}) / "tables" / "home.parquet"
    )
    assert (copied.read_text("utf-8"), copied.samefile(store.path("home"))) == ("home", False)


def test_only_the_last_edition_keeps_its_tables_and_they_are_mended(tmp_path):
    store = Files(tmp_path / "store", {"home": pd.DataFrame(), "pand": pd.DataFrame()})
    folder = tmp_path / "plaats"
    for number, key in ((1, "old"), (2, kept.key_of(store))):
        kept.keep(store, folder, number, {"key": key, "as_of": None, "tables": {}}, {})
    (folder / ".x.part").mkdir()
    mine = folder / "0002" / "tables"
    (mine / "home.parquet").unlink()
    (mine / "home.parquet").write_text("damaged", "utf-8")
    (mine / "pand.parquet").unlink()
    (mine / "pand.parquet").write_text("pand", "utf-8")  # the same bytes need no mending
    (mine / "home.json").unlink()
    kept.tidy(store, folder, kept.editions(folder))
    assert sorted(one.name for one in folder.iterdir()) == ["0001", "0002"]
    assert not (folder / "0001" / "tables").exists()
    assert (mine / "home.parquet").samefile(store.path("home"))
    assert not (mine / "pand.parquet").samefile(store.path("pand"))
    assert (mine / "home.json").read_text("utf-8") == "of home"
    (mine / "home.json").unlink()
    store.path("home").write_text("another", "utf-8")  # no longer that edition: what it keeps stays as it is
    kept.tidy(store, folder, kept.editions(folder))
    assert not (mine / "home.json").exists()
    kept.tidy(store, folder, [])


def test_what_is_proposed_is_nothing_where_nothing_differs(tmp_path, monkeypatch):
    source = Provenance("home", "x", "CC0", "X", "2026-01-08", "a", "0" * 64)
    store = Files(tmp_path / "plaats", {"home": pd.DataFrame({"home_id": ["a", "b"]})}, (source,))
    asked = []
    monkeypatch.setattr(kept, "judge", lambda now, before, **more: asked.append((now, before, more)) or ["f"])
    made = kept.proposed(store, [], None, {"b": 2.0, "a": 1.0})
    assert (made["key"], made["as_of"], list(made["assumptions"]), made["accepted"]) == (
        kept.key_of(store),
        "2026-01-08",
        ["a", "b"],
        None,
    )
    assert (made["tables"]["home"]["rows"], made["sources"]) == (2, [source.to_dict()])
    assert asked[0][1:] == ({}, {"study": "plaats", "last": None, "said": None})
    last = Edition(4, "other", {"tables": {"home": {"rows": 1}}, "as_of": None}, tmp_path)
    said = kept.Accepted("wie", "waarom")
    assert kept.proposed(store, [last], said, {})["accepted"] == {"who": "wie", "why": "waarom", "failures": ["f"]}
    assert asked[1][1:] == ({"home": {"rows": 1}}, {"study": "plaats", "last": 4, "said": said})
    monkeypatch.setattr(kept, "judge", lambda *_args, **_more: [])
    assert kept.proposed(store, [last], said, {})["accepted"] is None
    same = Edition(5, kept.key_of(store), {}, tmp_path)
    assert kept.proposed(store, [last, same], None, {}) is None
    assert kept.proposed(store, [same, last], None, {}) is not None


def test_a_table_that_does_not_fit_its_shape_is_a_gate_and_a_damaged_one_is_not(tmp_path):
    store = Files(tmp_path, {"home": pd.DataFrame()})
    for raised, expected in ((StoreError, StoreError), (KansenkaartError, GateError)):
        store.read = lambda _, raised=raised: (_ for _ in ()).throw(raised("a", found="b", where="", remedy="d"))
        with pytest.raises(expected) as caught:
            kept._summary(store, "home")
        assert type(caught.value) is expected


def test_the_height_model_is_held_against_the_middle_of_the_roofs(monkeypatch):
    faces = squares(
        4, face_id=list("abcd"), ridge_height_m_nap=[9.0, 9.0, 7.0, 9.0], eave_height_m_nap=[5.0, 5.0, 3.0, 5.0]
    )
    heights = {5.0: 8.0, 15.0: 10.0, 25.0: 8.0}  # the last lies outside

    class Sheet:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def sample(self, places, masked):
            assert masked
            return [np.ma.array([heights.get(round(x), 0.0)], mask=[round(x) not in heights]) for x, _ in places]

    monkeypatch.setattr(kept, "open_raster", lambda _: Sheet())
    store = Tables({"dsm": None, "roof_face": faces.sample(frac=1.0, random_state=1)})
    store.path = lambda name: name
    found = kept.height_model(store)["height_model"]
    assert (found["rows"], found["columns"]["height_m_nap"]["known"]) == (4, 3)
    assert found["columns"]["median_above_roof_m"]["mean"] == 3.0  # of 1, 3 and 3
    assert found["columns"]["median_above_roof_m"]["known"] == 3
    for most, rows in ((4, 4), (3, 4), (2, 2), (1, 1)):
        monkeypatch.setattr(kept, "MOST_ROOFS", most)
        assert kept.height_model(store)["height_model"]["rows"] == rows
    heights.clear()
    assert kept.height_model(store) == {}
    for gone in ("dsm", "roof_face"):
        assert kept.height_model(Tables({name: 1 for name in ("dsm", "roof_face") if name != gone})) == {}


@pytest.mark.parametrize(
    ("role", "address", "lost", "rows"),
    [
        ("buurt", "https://x", 3, 5),
        ("buurt", "x.gpkg", 3, None),
        ("home", "https://x", 3, None),
        ("buurt", "http://x", 0, 2),
    ],
)
def test_statistics_without_a_buurt_are_counted_where_buurten_were_asked_of_their_service(role, address, lost, rows):
    store = Tables({"buurt": pd.DataFrame({"buurtcode": ["a", "b", "c"], "inhabitants": [1, None, 0]})})
    noted = {"noted": {kept.HOMELESS: lost}} if lost else {}
    store.describe = lambda _: {"sources": [{"role": role, "address": address}], "tally": noted}
    found = kept.statistics(store)
    if rows is None:
        assert found == {}
    else:
        assert (found["statistics"]["rows"], found["statistics"]["columns"]["buurtcode"]["known"]) == (rows, 2)
    assert kept.statistics(Tables({})) == {}


# What differs from the edition before.


def _lineages(old, new, *, code=False):
    told = object.__new__(comparing._Lineages)
    told._old, told._new, told.code_changed = old, new, code
    return told


def _made(*sources, inputs=(), **parameters):
    named = [dict(zip(("role", "publisher", "edition", "sha256"), one, strict=True)) for one in sources]
    return {"sources": named, "parameters": parameters, "inputs": list(inputs)}


def test_causes_deliveries_and_assumptions_of_a_difference():
    home = ("home", "bag", "1", "a" * 20)
    old = {"home": _made(home, reading=1, litres=3, gone=1), "street": _made(inputs=["home", "weg"], price=[2, 1])}
    new = {
        "home": _made((*home[:3], "b" * 20), reading=1, litres=4, came=1),
        "street": _made(inputs=["home", "weg"], price=[2, 1]),
    }
    told = _lineages(old, new, code=True)
    assert told.causes("street") == ["data", "assumption", "code"]
    assert told.assumptions() == [{"name": "litres", "before": 3, "now": 4}]
    assert told.deliveries() == [
        {"role": "home", "publisher": "bag", "before": f"1 ({'a' * 12})", "now": f"1 ({'b' * 12})"}
    ]
    same = _lineages(old, {**old, "street": _made(inputs=["home"], price=[1, 2])})
    assert (same.causes("home"), same.causes("street"), same.deliveries()) == (["unknown"], ["assumption"], [])
    renamed = _lineages(old, {**old, "home": _made(("home", "bag", "2", "a" * 20), reading=1, litres=3)})
    assert (renamed.causes("home"), renamed.deliveries()) == (["unknown"], [])
    read = _lineages(old, {**old, "home": _made(home, reading=2, litres=3)})
    assert (read.causes("home"), read.assumptions()) == (["data"], [])
    came = _lineages({}, {"home": _made(home, ("home", "bag", "0", "c" * 20))})
    assert came.deliveries() == [
        {"role": "home", "publisher": "bag", "before": None, "now": f"0 ({'c' * 12}), 1 ({'a' * 12})"}
    ]
    assert _lineages({"home": _made(home)}, {}).deliveries()[0]["now"] is None
    assert list(told._chain(old, "street")) == ["street", "home"]


def test_parameters_are_the_same_in_any_order_of_their_keys():
    one, two = ({"t": _made(ranges={"a": 1, "b": 2})}, {"t": _made(ranges={"b": 2, "a": 1})})
    assert comparing._parameters(one) == comparing._parameters(two)
    assert comparing._moved(comparing._parameters(one), comparing._parameters({"t": _made(ranges=1)})) == {
        ("t", "ranges")
    }


def test_a_damaged_lineage_says_nothing_and_the_others_what_they_say(tmp_path):
    (tmp_path / "b.json").write_text("{", "utf-8")
    (tmp_path / "a.json").write_text('{"x": 1}', "utf-8")
    assert list(comparing._sidecars(tmp_path)) == [("a", {"x": 1})]


def test_tables_that_differ_are_compared_where_both_are_there_whole(tmp_path, monkeypatch):
    frame = pd.DataFrame({"home_id": ["a", "b"], "block_id": [1, 2], "gebied_id": [0, 0]})
    store = Files(
        tmp_path / "store", {"home_area": frame.assign(block_id=[1, 3]), "pand": squares(1), "terrain": squares(1)}
    )
    (tmp_path / "tables").mkdir()
    path = tmp_path / "tables" / "home_area.parquet"
    frame.to_parquet(path)
    summaries = {"home_area": {"sha256": sha256_of(path), "rows": 2}, "buurt": {"sha256": "x", "rows": 5}}
    summaries["terrain"] = {"sha256": store.describe("terrain")["sha256"], "rows": 1}
    last = Edition(1, "k", {"tables": summaries, "as_of": None, "code": "c"}, tmp_path)
    assert comparing._names(store, last) == [
        "pand",
        *[one for one in comparing.schemas.tables() if one in ("buurt", "home_area")],
    ]
    found = comparing._compared(store, last, "home_area")
    assert [found.count(kind) for kind in ("added", "gone", "changed")] == [0, 0, 1]
    assert comparing._compared(store, last, "pand") is None
    assert comparing._compared(store, last, "buurt") is None
    told = {"sources": [], "parameters": {}, "inputs": []}
    describe = store.describe
    store.describe = lambda name: {**describe(name), **told}
    monkeypatch.setattr(comparing, "scoring_version", lambda: "c")
    made = comparing.difference(store, last, 2)
    tables = {one["table"]: one for one in made.content["tables"]}
    assert (made.content["edition"], made.content["before"], made.content["code"]) == (2, 1, False)
    assert {name: (one["before"], one["now"], one["compared"]) for name, one in tables.items()} == {
        "pand": (None, 1, False),
        "buurt": (5, None, False),
        "home_area": (2, 2, True),
    }
    assert (tables["home_area"]["changed"], tables["home_area"]["added"]) == (1, 0)
    assert made.rows.to_numpy().tolist() == [["home_area", "b", "changed", "block_id"]]
    frame.drop(columns="home_id").to_parquet(path)
    assert comparing._compared(store, last, "home_area") is None  # damaged: other bytes than were kept
    summaries["home_area"]["sha256"] = sha256_of(path)
    assert comparing._compared(store, last, "home_area") is None  # another key
    none = comparing.difference(Files(tmp_path / "x", {}), Edition(1, "k", {"tables": {}, "code": "d"}, tmp_path), 2)
    assert (list(none.rows.columns), len(none.rows), none.content["code"]) == (
        ["table", "key", "change", "columns"],
        0,
        True,
    )


def test_figures_over_editions_are_unknown_where_an_edition_lacks_them(tmp_path):
    def edition(**tables):
        return Edition(1, "k", {"tables": tables, "as_of": None}, tmp_path)

    home = {"rows": 7, "columns": {}}
    buurt = {"rows": 2, "columns": {"inhabitants": {"sum": 5, "mean": 2.5}}}
    found = {
        one.label_nl: vars(one)["values"]
        for one in comparing.series([edition(home=home), edition(buurt=buurt), edition()])
    }
    assert found["Woningen"] == (7.0, None, None)
    assert all(any(value is not None for value in values) for values in found.values())
    assert [
        comparing._value(buurt, *asked)
        for asked in (("inhabitants", "sum"), ("inhabitants", "known"), ("x", "sum"), ("", "rows"))
    ] == [5.0, None, None, 2.0]
    assert comparing._value(None, "", "rows") is None
    assert comparing.series([edition()]) == []


def test_an_edition_with_another_list_of_roofs_takes_those_before_away(tmp_path, monkeypatch):
    study = SimpleNamespace(title="T", assumptions={})
    given = []
    monkeypatch.setattr(
        comparing, "proposed", lambda _store, known, _said, figures: given.append((len(known), figures)) or {"a": 1}
    )

    def judged(opt_out):
        one = comparing.Editions(Tables({}), study, tmp_path, opt_out=opt_out)
        one.judge(None)
        return one.relisted, one._content, len(kept.editions(tmp_path)), one.before()

    assert judged("") == (False, {"a": 1}, 0, None)
    assert judged("list") == (True, {"a": 1, "opt_out": "list"}, 0, None)
    _edition(tmp_path, 1)
    _edition(tmp_path, 2, opt_out="list")
    assert judged("list") == (False, {"a": 1, "opt_out": "list"}, 2, tmp_path / "0002" / "tables")
    assert judged("") == (True, {"a": 1}, 0, None)
    assert [count for count, _ in given] == [0, 0, 2, 0]
    assert given[0][1]["enterprise_overhead"] > 0
    _edition(tmp_path, 1)
    monkeypatch.setattr(comparing, "proposed", lambda *_: None)
    assert judged("")[1:] == (None, 1, None)
