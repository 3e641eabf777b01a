"""Hostile text in every field that a publisher, an own file or a study can bring stays text in every form that is written."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from xml.etree import ElementTree as ET

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from kansenkaart.acquire.deliveries import example_folder
from kansenkaart.cli import cli
from kansenkaart.config import DATA_VARIABLE, Folders, read_study
from kansenkaart.errors import ConfigError
from kansenkaart.runs import study as pipeline
from kansenkaart.runs.studies import run_release
from kansenkaart.sources.tools.rawnames import to_text
from tests.hostile import texts
from tests.hostile.test_withdrawal import inside
from tests.hostile.walk import READERS, STEERS, faults

#: Fields that must arrive in a form for its test to say anything.
ARRIVE = {
    ".html": {
        "title",
        "contact",
        "edition",
        "buurtnaam",
        "openbare_ruimte_naam",
        "id of pipes",
        "materiaal_leiding",
        "source of an assumption",
    },
    ".pdf": {"title", "contact", "edition", "buurtnaam", "openbare_ruimte_naam"},
    ".xlsx": {"edition", "buurtnaam", "source of an assumption"},
    ".csv": {"id of pipes"},
    ".gpkg": {"title", "edition", "buurtnaam", "openbare_ruimte_naam", "gemeentenaam", "id of pipes", "vorm_leiding"},
    ".parquet": {
        "title",
        "edition",
        "buurtnaam",
        "openbare_ruimte_naam",
        "gemeentenaam",
        "id of pipes",
        "vorm_leiding",
    },
    ".json": {"title", "edition", "uitgever", "beheerleiding type"},
    ".jsonld": {"title", "edition", "uitgever"},
    ".md": {"title", "edition", "uitgever"},
    ".cff": {"title", "uitgever"},
}


@pytest.fixture(scope="module")
def written(once):
    return once("texts", texts.make)


def _files(folder, *parts):
    return [
        path
        for part in parts or ("maps", "uitgaven", "data/editions")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file() and "tables" not in path.parts and path.name != ".lock"
    ]


def _words(path):
    if path.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in PdfReader(path).pages)
    return "\n".join(one.decode("utf-8", "replace") for one in inside(path.read_bytes()))


def _form(path):
    return path.suffix if not path.name.startswith(".") else ".json"


def test_in_every_written_file_it_is_text_and_no_more(written):
    found = {str(path.relative_to(written)): wrong for path in _files(written) if (wrong := faults(path))}
    assert found == {}
    assert {path.suffix or path.name for path in _files(written) if not path.name.startswith(".")} == set(READERS)


def test_it_arrives_in_every_form_and_names_of_owners_in_none(written):
    writer = texts.Writer()
    writer.fields = json.loads((written / "fields.json").read_text("utf-8"))
    there: dict[str, set[str]] = {}
    for path in _files(written):
        arrived = writer.arrived(_words(path))
        there.setdefault(_form(path), set()).update(arrived)
        assert not arrived & {"owner", "payer"}, path
        if not any("intern" in part for part in path.parts) and "data" not in path.relative_to(written).parts[:1]:
            assert not {one for one in arrived if one.startswith("file of")}, (
                path
            )  # the public edition names no own file
    assert {form: fields - there.get(form, set()) for form, fields in ARRIVE.items()} == {
        form: set() for form in ARRIVE
    }


EVENTS = """() => { const kinds = ['mouseover', 'focus', 'load', 'error', 'toggle'];
  for (const one of document.querySelectorAll('*')) for (const kind of kinds) one.dispatchEvent(new Event(kind)); }"""


@pytest.fixture
def visited(contexts):
    """Open a page without its policy, so that only escaping holds; nothing may run, ask for another file or pop up."""
    faults, pages = [], []

    def visit(path, fragment=""):
        page = contexts(bypass_csp=True).new_page()
        pages.append(page)
        page.on("dialog", lambda one: faults.append(one.message))
        page.on("pageerror", lambda one: faults.append(str(one)))
        page.on(
            "request",
            lambda one: (
                None if one.url.startswith(("file:", "blob:")) and "etc/" not in one.url else faults.append(one.url)
            ),
        )
        page.goto(path.as_uri() + fragment)
        return page

    yield visit
    for page in pages:
        page.close()
    assert faults == []


def _hacked(page):
    return [found for one in page.frames if (found := one.evaluate("window.hacked ?? null")) is not None]


@pytest.mark.browser
def test_no_script_runs_on_any_page_even_without_its_policy(written, visited):
    pages = [path for path in _files(written) if path.suffix == ".html" and path.name != "index.html"]
    assert len(pages) > 25
    for path in pages:
        page = visited(path)
        page.evaluate(EVENTS)
        assert _hacked(page) == [], path.name
        assert page.locator("img, script, iframe, object, embed").count() == 0, path.name
        page.close()


@pytest.mark.browser
@pytest.mark.parametrize("edition", ["proefveld", "proefveld-intern"])
def test_no_script_runs_on_the_map_whatever_is_opened_searched_and_saved(written, visited, edition, tmp_path):
    page = visited(written / "maps" / edition / "index.html")
    page.wait_for_selector("body[data-klaar=ja]", state="attached")
    signs = 0
    for theme in page.locator("#themas button").all():
        theme.click()
        if page.locator("#tabelvak").is_hidden():
            page.locator("#tabelknop").click()
        page.locator("#tabel tbody button").first.click()
        signs += texts.MARK in page.locator("#detail").inner_text()
        page.evaluate(EVENTS)
        with page.expect_download() as saved:
            page.locator("#bewaar-csv").press("Enter")
        kept = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"
        kept.write_bytes(Path(saved.value.path()).read_bytes())
        assert re.fullmatch(r"[\w. -]+\.csv", saved.value.suggested_filename)
        assert faults(kept) == []
    assert signs
    page.locator("#zoektekst").fill(texts.MARK)
    page.keyboard.press("Enter")
    assert re.search(r"onload=|onerror=|javascript:|<script>", page.locator("#gevonden").inner_text())
    page.locator("#gevonden button").first.click()
    page.locator("footer summary").click()
    page.locator("#deel").press("Enter")
    with page.expect_download() as saved:
        page.locator("#bewaar-svg").press("Enter")
    drawing = Path(saved.value.path()).read_text("utf-8")
    parts = list(ET.fromstring(drawing).iter())  # noqa: S314 - of our own page
    acts = {"script", "foreignObject", "image", "a", "use", "style", "set", "animate", "iframe"}
    assert not {one.tag.rpartition("}")[2] for one in parts} & acts
    assert not [name for one in parts for name in one.attrib if name.startswith("on") or name.endswith("href")]
    page.evaluate(EVENTS)
    assert _hacked(page) == []
    assert page.locator("img, iframe, object, embed").count() == 0


@pytest.mark.browser
def test_the_snippet_for_another_page_is_one_frame_and_no_more(written, visited, tmp_path):
    """Whatever the title, the name of the file and the link that somebody was sent: what is copied runs nothing."""
    path = tmp_path / "a\"><svg onload='window.hacked=9'>&b.html"
    path.write_bytes((written / "maps" / "proefveld" / "index.html").read_bytes())
    page = visited(path, '#thema="><img src=x onerror=\'window.hacked=8\'>&plek=1_"onload="window.hacked=7')
    page.wait_for_selector("body[data-klaar=ja]", state="attached")
    page.locator("#deel").press("Enter")
    snippet = page.locator("#frame").input_value()
    assert texts.MARK in snippet
    host = tmp_path / "host.html"
    host.write_text(f"<!DOCTYPE html><meta charset='utf-8'><div id='here'>{snippet}</div>", "utf-8")
    page = visited(host)
    (frame,) = page.locator("#here *").all()
    told = frame.evaluate("(one) => [one.tagName, ...[...one.attributes].map((each) => each.name)]")
    assert told == ["IFRAME", "src", "title", "width", "height", "loading"]
    frame.scroll_into_view_if_needed()
    inside = page.frames[1]
    inside.wait_for_selector("body[data-klaar=ja]", state="attached")
    assert texts.MARK in inside.locator("h1").inner_text()
    assert _hacked(page) == []


@pytest.mark.parametrize(
    "words",
    [["status"], ["eigen-data"], ["check"], ["run", "--droog"], ["lijst"], ["gebied", "--punt", "190160,560120"]],
)
def test_a_terminal_is_not_steered(written, monkeypatch, words):
    monkeypatch.setenv(DATA_VARIABLE, str(written / "published"))
    own = [] if words == ["lijst"] else ["proefveld"]
    answer = CliRunner().invoke(cli, ["--map", str(written), words[0], *own, *words[1:]])
    assert answer.exception is None, answer.exception
    assert answer.output.strip()
    assert not STEERS.search(answer.output)


def test_what_a_publisher_writes_is_of_one_line():
    found = to_text(pd.Series(["a\nb", "\x1b]0;c\x07", "d\u202ee\u2066", "f\x00", "\x85", None, "caf\xe9 \u2013 1"]))
    assert found.tolist()[:4] == ["a b", "]0;c", "d e", "f"]
    assert found.isna().tolist() == [False] * 4 + [True, True, False]
    assert found.iloc[-1] == "caf\xe9 \u2013 1"


@pytest.mark.parametrize("sign", ["\\n", "\\u001b[2J", "\\u202e", "\\u0085", "\\u0000"])
@pytest.mark.parametrize("line", ['title = "{}"', 'contact = "{}"', '[[source]]\nedition = "{}"'])
def test_a_study_whose_texts_would_steer_what_shows_them_is_refused(tmp_path, line, sign):
    path = tmp_path / "x.toml"
    rows = '[[source]]\nrole = "pand"\npublisher = "bag"\norigin = "file"\nform = "auto"\npath = "a"\n'
    text = line.format(f"a{sign}b")
    head = "" if line.startswith("title") else 'title = "a"\n'
    body = rows + text.removeprefix("[[source]]\n") if line.startswith("[[") else f"{text}\n{rows}"
    path.write_text(f'name = "x"\n{head}{body}\n', "utf-8")
    with pytest.raises(ConfigError, match="one line") as told:
        read_study(path)
    assert not STEERS.search(str(told.value))


@pytest.mark.parametrize(
    "contact",
    ["javascript:window.hacked=1", "a b@c", "https://a/<b>", 'a@b"c', "x", "mailto:a@b", "data:text/html,a@b"],
)
def test_a_release_leads_to_a_mailbox_or_a_page_only(written, contact):
    with pytest.raises(ConfigError, match="mail address"):
        run_release(pipeline.open_study("proefveld", root=written), ("wie", contact))
    with pytest.raises(ConfigError, match="one line"):
        run_release(pipeline.open_study("proefveld", root=written), ("wie\n# kop", "a@b.nl"))


@pytest.mark.parametrize("edition", ["../../victim", "a/../../../victim", "../victim/../../victim"])
def test_an_edition_of_a_study_file_leads_to_no_other_folder(tmp_path, edition):
    """The example is written anew in its folder, which is emptied first."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").write_text("x", "utf-8")
    raw = tmp_path / "raw"
    with pytest.raises(ConfigError):
        example_folder(Folders(published=tmp_path, raw=raw, processed=tmp_path, maps=tmp_path), "proefveld", edition)
    assert (victim / "kept").is_file()


def _pdf_with(path, kind):
    made = PdfWriter()
    made.add_blank_page(10, 10)
    of = NameObject if kind == "js" else TextStringObject
    names = {"/S": "/JavaScript"} if kind == "js" else {"/URI": "javascript:1"}
    made.root_object[NameObject("/Extra")] = DictionaryObject({NameObject(key): of(one) for key, one in names.items()})
    with path.open("wb") as out:
        made.write(out)


def _book_with(path, value):
    book = openpyxl.Workbook()
    book.active["A1"] = value
    book.save(path)


def _package_with(path, sql):
    with sqlite3.connect(path) as made:
        made.executescript(
            f"CREATE TABLE layer_styles (styleQML); CREATE TABLE gpkg_metadata (mime_type, metadata); {sql}"
        )


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.html", "<p onclick='1'>"),
        ("a.html", "<a href='javascript:1'>"),
        ("a.html", "<img src=x>"),
        ("a.html", "<script>window.hacked=1</script>"),
        ("a.pdf", lambda path: _pdf_with(path, "js")),
        ("a.pdf", lambda path: _pdf_with(path, "uri")),
        ("a.xlsx", lambda path: _book_with(path, '=HYPERLINK("http://127.0.0.1:9/x")')),
        ("a.csv", '"a";"\t=1+1"\n'),
        ("a.csv", '"a,\uff0d1"\n'),
        ("a.qml", "<qgis><editforminitcode>1</editforminitcode></qgis>"),
        ("a.qml", f"<qgis><category label='{texts.MARK}'/></qgis>"),
        ("a.gpkg", lambda path: _package_with(path, "CREATE VIEW a AS SELECT 1")),
        (
            "a.gpkg",
            lambda path: _package_with(path, "CREATE TRIGGER a AFTER INSERT ON layer_styles BEGIN SELECT 1; END"),
        ),
        ("a.json", '{"href": "javascript:1"}'),
        ("a.jsonld", '{"@id": "a b"}'),
        (".zenodo.json", '{"description": "<p>a<script>1</script>"}'),
        ("README.md", "# a\n\n[b](http://127.0.0.1:9/)\n"),
        ("README.md", "a\n\n- b ![c](d)\n"),
        ("CITATION.cff", "title: a\nurl: b\n"),
        ("SHA256SUMS", "0  ../a\n"),
        ("a.exe", "x"),
        ("buurt-<b>.html", "x"),
    ],
)
def test_the_readers_of_these_forms_see_what_is_hostile(tmp_path, name, make):
    path = tmp_path / name
    make(path) if callable(make) else path.write_text(make, "utf-8")
    assert faults(path)
