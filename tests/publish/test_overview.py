"""The overview, what lies beside the map, and the folder of a release: of tables in memory, without a page being drawn."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from kansenkaart.config import OwnFigure
from kansenkaart.errors import GateError, StoreError
from kansenkaart.present.mapspec import Answer
from kansenkaart.publish import steps
from kansenkaart.tables.provenance import sha256_of
from tests.publish.tables import Tables
from tests.publish.test_places import case, squares

STUDY = SimpleNamespace(title="Plaats", name="plaats", invented=False, contact="a@b.nl", assumptions={}, stijl="")


def _sheet(key, *, talked=False):
    figure = SimpleNamespace(text=f"homes of {key}")
    return SimpleNamespace(key=key, title=f"Over {key}", talked=talked, figures=[figure])


@pytest.fixture(params=[True, False])
def paper(request, monkeypatch):
    """Tell whether PDFs can be made."""
    monkeypatch.setattr(steps, "has_extra", lambda _: request.param)
    return request.param


def test_a_place_has_its_sheet_its_paper_and_its_talk(paper):
    bare, talked = steps._place_row(_sheet("buurt-1")), steps._place_row(_sheet("best-0", talked=True))
    assert (bare.name, bare.homes) == ("Over buurt-1", "homes of buurt-1")
    pdf = [("PDF A4", "factsheets/buurt-1.pdf")] if paper else []
    assert list(bare.files) == [("lezen", "factsheets/buurt-1.html"), *pdf]
    wanted = [("lezen", "factsheets/best-0.html"), ("gesprek", "factsheets/best-0-gesprek.html")]
    if paper:
        wanted.insert(1, ("PDF A4", "factsheets/best-0.pdf"))
        wanted.append(("gesprek PDF", "factsheets/best-0-gesprek.pdf"))
    assert list(talked.files) == wanted


def test_sheets_are_written_and_printed_each_under_its_own_name(paper, tmp_path, monkeypatch):
    from kansenkaart.present import pdf

    monkeypatch.setattr(steps, "sheet_html", lambda one, style, pdfs: f"{one.key} {style} {pdfs}")
    monkeypatch.setattr(steps, "talk_html", lambda one, style, pdf: f"talk {one.sheet.key} {style} {pdf}")
    monkeypatch.setattr(pdf, "sheet_pdf", lambda one, **color: f"{one.key} {color}".encode())
    monkeypatch.setattr(pdf, "talk_pdf", lambda one, **color: f"talk {one.sheet.key} {color}".encode())
    sheets = [_sheet("a"), _sheet("b", talked=True)]
    over = [SimpleNamespace(sheet=sheets[1])]
    written = steps._write_sheets(tmp_path, sheets, over, "S")
    assert [one.name for one in written] == ["a.html", "b.html", "b-gesprek.html"]
    links = [*([("PDF A4", "b.pdf")] if paper else []), ("Gesprekskaarten", "b-gesprek.html")]
    assert written[1].read_text("utf-8") == f"b S {links}"
    assert written[2].read_text("utf-8") == f"talk b S {'b-gesprek.pdf' if paper else ''}"
    with ThreadPoolExecutor(1) as press:
        for brand, color in (("#0b4a61", {"brand": "#0b4a61"}), ("#0b4", {}), ("0b4a61x", {}), ("", {})):
            made = steps._print_sheets(press, tmp_path, sheets, over, ({"--merk": brand} if brand else {}, {}))
            printed = {one.result().name: one.result().read_text("utf-8") for one in made}
            wanted = {"a.pdf": f"a {color}", "b.pdf": f"b {color}", "b-gesprek.pdf": f"talk b {color}"}
            assert printed == (wanted if paper else {})


def test_what_an_earlier_run_left_is_taken_away(tmp_path):
    for name in (
        "factsheets/old.html",
        "factsheets/new.html",
        "data/old.parquet",
        "data/part/x",
        "haalbaarheid/r.html",
        "x.html",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    steps._clear(tmp_path, [tmp_path / "factsheets" / "new.html"])
    assert sorted(one.relative_to(tmp_path).as_posix() for one in tmp_path.rglob("*") if one.is_file()) == [
        "data/part/x",
        "factsheets/new.html",
        "haalbaarheid/r.html",
        "x.html",
    ]


def test_reports_are_found_by_kind_and_id_or_by_id():
    sheets = [_sheet("buurt-BU1"), _sheet("best-0", talked=True), _sheet("gebied-a-b")]
    reports = ["best-0.html", "best-0.pdf", "BU1.html", "a-b.html", "gebied-9.html"]
    made = steps._companions(sheets, [SimpleNamespace(sheet=sheets[1])], reports, ("s", "d"), True)
    assert made.factsheets == {one.key: f"factsheets/{one.key}.html" for one in sheets}
    assert made.reports == {
        "buurt-BU1": "haalbaarheid/BU1.html",
        "best-0": "haalbaarheid/best-0.html",
        "gebied-a-b": "haalbaarheid/a-b.html",
    }
    assert made.talks == {"best-0": "factsheets/best-0-gesprek.html"}
    assert (made.style, made.public, [one.path for one in made.pages]) == (("s", "d"), True, ["overzicht.html"])
    assert steps._companions(sheets, [], ["best-0.pdf"], ({}, {}), False).reports == {}


def test_reports_are_named_after_their_place_with_their_forms():
    rows = [case("best", "0", homes=1_234), case("buurt", "BU1"), case("buurt", "BU1", "short", homes=9)]
    store = Tables({"enterprise_case": pd.DataFrame(rows)})
    made = steps._report_rows(store, ["best-0.xlsx", "best-0.html", "buurt-BU1.pdf", "gebied-3.html"])
    assert [(one.name, one.homes, one.files) for one in made] == [
        ("Gebied Plek 0", "1.234", (("lezen", "haalbaarheid/best-0.html"), ("rekenblad", "haalbaarheid/best-0.xlsx"))),
        ("Buurt Plek BU1", "300", (("PDF", "haalbaarheid/buurt-BU1.pdf"),)),
    ]
    assert steps._report_rows(store, []) == steps._report_rows(Tables({}), ["best-0.html"]) == ()


def test_the_first_screen_is_said_in_one_line_each():
    lines = [
        steps._answered(Answer(*one))
        for one in (("Waar?", "Kade", "omdat"), ("Waar?", "Kade", ""), ("Hoe?", "Zo", "omdat"))
    ]
    assert lines == [("Waar?", "Kade: omdat"), ("Waar?", "Kade"), ("Hoe?", "Zo")]


ROW = {"table": "roof_face", "what_nl": "Daken", "yes_nl": "ja", "no_nl": "nee", "serves": "", "nothing_nl": "niets"}


@pytest.fixture
def whole(monkeypatch):
    """Let the whole store hold some tables, with what was noted of them."""

    def held(tables, noted=None):
        store = Tables(tables)
        store.root, told = "root", noted or {}
        store.path = lambda name: Path(f"{name}.{'tif' if name == 'dsm' else 'parquet'}")
        describe = store.describe
        store.describe = lambda name: {**describe(name), "tally": {"noted": told[name]} if name in told else {}}
        monkeypatch.setattr(steps, "Store", lambda root: store)
        return store

    return held


def _said(store, **row):
    one = steps._known(store, {**ROW, **row})
    return one.known, one.means


def test_each_kind_of_data_is_said_to_be_there_or_why_it_is_not(whole):
    one, none = pd.DataFrame({"x": [1]}), pd.DataFrame({"x": []})
    assert _said(whole({"roof_face": one})) == (True, "ja")
    assert _said(whole({"roof_face": none})) == (False, "nee")
    assert _said(whole({})) == (False, "nee")
    assert _said(whole({"dsm": none}), table="dsm") == (True, "ja")  # a raster has no rows
    noted = {
        "pand": ["bron roof_face kwam niet", "bron dsm kwam niet"],
        "roof_face": [f"a {steps.EMPTY}", f"b {steps.NOT_READ}", "c"],
    }
    why = f". Waarom: bron roof_face kwam niet; a {steps.EMPTY}; b {steps.NOT_READ}"
    assert _said(whole({"roof_face": none, "pand": one}, noted)) == (False, f"nee{why}")
    assert _said(whole({"roof_face": one, "pand": one}, noted)) == (True, "ja")
    assert _said(whole({"roof_face": none, "pand": one}, noted), serves="pand_score") == (False, f"niets{why}")
    assert _said(whole({"roof_face": one}), serves="pand_score") == (True, "niets")
    assert _said(whole({"roof_face": one, "pand_score": none}), serves="pand_score") == (True, "niets")
    served = {"roof_face": one, "zon": one}
    assert _said(whole(served), serves="pand_score zon") == (True, "ja")
    both = {"roof_face": one, "pand_score": pd.DataFrame({"score_basis": ["lod22", "lod22+dsm", "dsm"]})}
    assert _said(whole(both), serves="pand_score") == (
        True,
        "zon is per dakvlak berekend voor 2 van de 3 gebouwen; andere nee",
    )
    both["pand_score"] = both["pand_score"].iloc[:2]
    assert _said(whole(both), serves="pand_score") == (True, "ja")
    assert _said(whole({**both, "pand": one}), table="pand", serves="pand_score") == (True, "ja")


def test_weather_is_said_to_come_from_so_far(whole, monkeypatch):
    land = squares(2).assign(geometry=squares(2).translate(155_000, 463_000))  # Amersfoort: 52.155 N, 5.387 E

    def said(latitude, **tables):
        sun = pd.DataFrame({"latitude_deg": [latitude], "longitude_deg": [5.387]})
        return [
            (one.what, one.known, one.means)
            for one in steps._weather(whole({"pand": land, "weather_hourly": sun, **tables}))
        ]

    ((what, near, words),) = said(52.335)  # 0.18 degree is 20.0 km
    assert (what, near, words) == ("Zon van een weerstation", True, "gemeten op ongeveer 20 km van hier")
    assert said(52.60)[0][1]  # 49.5 km
    far = said(52.61)[0]  # 50.6 km
    assert not far[1]
    assert far[2].startswith("gemeten op ongeveer 51 km van hier; een station van het KNMI dichterbij geeft")
    monkeypatch.setattr(steps, "stations", lambda: {260: (52.155, 5.387)})
    daily = {"weather_daily": pd.DataFrame({"station": ["260"]})}
    assert said(52.155, **daily)[1] == (
        "Regen en verdamping van een weerstation",
        True,
        "gemeten op ongeveer 0 km van hier",
    )
    for other in ("261", "x"):
        assert len(said(52.155, weather_daily=pd.DataFrame({"station": [other]}))) == 1
    assert len(said(52.155, weather_daily=pd.DataFrame({"station": []}))) == 1
    assert said(52.155, pand=land.iloc[:0]) == []
    assert len(said(52.335, buurt=land.assign(geometry=land.translate(0, 80_000)))) == 1
    assert said(52.335, buurt=land.assign(geometry=land.translate(0, 80_000)))[0][2] != words  # buurten before panden


def test_figures_of_the_study_itself_are_named_with_their_source():
    own = {"enterprise_overhead": OwnFigure(value=6_500.0, source="raming")}
    (made,) = steps.own_figures(SimpleNamespace(assumptions=own))
    assert made.known
    assert made.means == "vaste kosten van de organisatie (lang spoor): 6.500 euro per jaar (bron: raming)"
    assert steps.own_figures(SimpleNamespace(assumptions={})) == []


class Readable(Tables):
    """What readers may see, with the store behind it."""

    def __init__(self, tables, *, public=False, findings=()):
        super().__init__(tables)
        self.public, self.findings, self.opt_out, self.root = public, list(findings), frozenset(), "root"
        self.behind = self

    def path(self, name):
        """Return where a table would lie."""
        return Path("2_scored" if name.endswith("_score") else "1_clean") / name


def test_what_is_not_safe_is_not_written():
    steps.require_safe(Readable({}), STUDY)
    with pytest.raises(GateError) as caught:
        steps.require_safe(Readable({}, findings="abcdefg"), STUDY)
    assert caught.value.found == "7: a; b; c; d; e"


@pytest.fixture
def bare(monkeypatch):
    """Leave out what draws and writes, and note what it is asked."""
    asked = []
    spec = SimpleNamespace(themes=("t",), start=None)
    layers = [SimpleNamespace(name="block", frame=squares(3), title_nl="Blokken")]

    def released(_readable, _study, target, names, *, themes, before=None):
        asked.append((target, names, themes, before))
        target.mkdir(parents=True, exist_ok=True)
        files = [target / "block.parquet", target / steps.METADATA]
        files[0].write_text("block", "utf-8")
        files[1].write_text('{"as_of": "2025"}', "utf-8")
        return files, layers

    monkeypatch.setattr(steps, "publish_release", released)
    monkeypatch.setattr(steps, "picture", lambda *_: spec)
    monkeypatch.setattr(steps, "factsheets_of", lambda *_args, **_more: [_sheet("best-0")])
    monkeypatch.setattr(steps, "talks", lambda *_: [])
    monkeypatch.setattr(steps, "render_page", lambda _: "map")
    monkeypatch.setattr(steps, "sheet_html", lambda *_args, **_more: "sheet")
    monkeypatch.setattr(steps, "has_extra", lambda _: False)
    monkeypatch.setattr(steps, "made_from", lambda _store, read, more: json.dumps([read, more[0], more[5 - 1]]))
    monkeypatch.setattr(steps, "index_html", lambda about, _style: f"{about.title} {[one.path for one in about.data]}")
    monkeypatch.setattr(steps, "_weather", lambda _: [])
    monkeypatch.setattr(steps, "_known", lambda *_: None)
    return asked


def test_map_layers_sheets_and_overview_are_written_once_and_stand(bare, tmp_path):
    study = SimpleNamespace(**vars(STUDY), model_dump=lambda **_: {"title": "Plaats"})
    readable, target = (
        Readable({"block": squares(3), "pand_score": squares(1), "home": squares(1)}),
        tmp_path / "plaats",
    )
    (target / "haalbaarheid").mkdir(parents=True)
    (target / "haalbaarheid" / "best-0.html").touch()
    (target / "haalbaarheid" / ".publish.json").touch()

    def run():
        return [
            (one.step, one.status, one.rows)
            for one in steps.publish(readable, study, target, studies=tmp_path, before=tmp_path)
        ]

    assert run() == [
        ("kaart", "done", {}),
        ("open data", "done", {"block": 3}),
        ("factsheets", "done", {"factsheet": 1}),
    ]
    assert bare == [(target / "data", ["pand_score", "block"], ("t",), tmp_path)]
    names = ["data/block.parquet", "data/metadata.json", "factsheets/best-0.html", "index.html", "overzicht.html"]
    mark = json.loads((target / ".publish.json").read_text("utf-8"))
    assert sorted(mark["files"]) == names
    assert json.loads(mark["fingerprint"]) == [["pand_score"], {"title": "Plaats"}, ["best-0.html"]]
    said = (target / "overzicht.html").read_text("utf-8")
    assert said == "Plaats ['data/block.parquet', 'data/plaats.gpkg', 'data/metadata.json']"
    assert [status for _, status, _ in run()] == ["unchanged"] * 3
    assert len(bare) == 1
    (target / "index.html").write_text("b", "utf-8")
    assert [status for _, status, _ in run()] == ["done"] * 3


@pytest.mark.parametrize(("public", "rows", "refused"), [(True, 0, True), (True, 1, False), (False, 0, False)])
def test_a_public_edition_of_nothing_is_refused(bare, tmp_path, public, rows, refused):
    study = SimpleNamespace(**vars(STUDY), model_dump=lambda **_: {})
    readable = Readable({"block": squares(3).iloc[:rows]}, public=public)
    if refused:
        with pytest.raises(StoreError, match="at least ten homes"):
            list(steps.publish(readable, study, tmp_path / "x", studies=tmp_path))
    else:
        assert len(list(steps.publish(readable, study, tmp_path / "x", studies=tmp_path))) == 3
    assert len(bare) == (not refused)


@pytest.mark.parametrize(
    ("public", "invented", "name"),
    [(False, False, "plaats-intern-2025-4"), (True, False, "plaats-2025-4"), (False, True, "plaats-2025-4")],
)
def test_the_folder_of_a_release_is_whole_and_lists_its_hashes(bare, tmp_path, monkeypatch, public, invented, name):
    monkeypatch.setattr(steps, "commit", lambda: "abc")
    monkeypatch.setattr(
        steps, "documents", lambda made: {"README.md": f"{made.name} {[one.path for one in made.files]}"}
    )
    study = SimpleNamespace(**{**vars(STUDY), "invented": invented})
    published, target = tmp_path / "maps", tmp_path / "uitgaven"
    (published / "data").mkdir(parents=True)
    (published / "data" / "id_bridge.parquet").write_text("bridge", "utf-8")
    (target / name).mkdir(parents=True)
    (target / name / "old").touch()
    files = steps.release_folder(
        Readable({"block": squares(1)}, public=public), study, published, target, number=4, who=("w", "a")
    )
    every = ["README.md", "data/block.parquet", "data/id_bridge.parquet", "data/metadata.json"]
    assert [one.relative_to(target / name).as_posix() for one in files] == [*every, "SHA256SUMS"]
    assert [one.name for one in target.iterdir()] == [name]
    assert not (target / name / "old").exists()
    assert json.loads(files[3].read_text("utf-8")) == {"as_of": "2025", "version": "2025-4", "commit": "abc"}
    assert files[0].read_text("utf-8") == f"{name} ['data/block.parquet', 'data/metadata.json']"
    assert files[-1].read_text("utf-8") == "".join(f"{sha256_of(target / name / one)}  {one}\n" for one in every)
    assert hashlib.sha256(b"block").hexdigest() in files[-1].read_text("utf-8")
    (published / "data" / "id_bridge.parquet").unlink()
    with pytest.raises(GateError):
        steps.release_folder(Readable({}, findings="a"), study, published, tmp_path / "y", number=4, who=("w", "a"))
    assert not (tmp_path / "y").exists()
