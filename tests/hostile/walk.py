"""What is wrong with a written file of any form, seen by a reader of that form: text of others in it must be text and no more."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pyarrow.parquet as pq
import yaml
from markdown_it import MarkdownIt
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from tests.hostile.texts import FLAG, MARK

_ADDRESS = re.compile(r"(https?://[^\s<>\"{}|\\^`]+|mailto:[^\s<>\"]+@[^\s<>\"]+|(urn|spdx):[\w:-]+|[\w./#&;=+%-]*)\Z")
#: Our own addresses are many; those of hostile texts are of this machine.
_ELSEWHERE = ("127.0.0.1", "etc/passwd", "etc/x", "hacked")
_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
#: What a PDF does by itself, or leads to.
_ACTS = {
    "/JavaScript",
    "/JS",
    "/Launch",
    "/SubmitForm",
    "/ImportData",
    "/GoToR",
    "/GoToE",
    "/RichMedia",
    "/EmbeddedFile",
    "/AA",
    "/OpenAction",
}
#: Signs that steer a terminal or turn a line around: C0 but tab and line ends, C1, and marks of direction.
STEERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")


class _Page(HTMLParser):
    """Collect what runs or leads somewhere: scripts, attributes of events, addresses, elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.events: list[str] = []
        self.policy = ""
        self.scripts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read one opening tag."""
        about = dict(attrs)
        self.tags.add(tag)
        self.events += [name for name in about if name.startswith("on")]
        self.addresses += [
            about[name] or "" for name in ("href", "src", "action", "data", "xlink:href", "srcset") if name in about
        ]
        if tag == "meta" and (about.get("http-equiv") or "").lower() == "content-security-policy":
            self.policy = about["content"] or ""
        self._inside = tag == "script" and about.get("type", "module") in ("module", "text/javascript", "")
        if self._inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        """Read one closing tag."""
        self._inside = self._inside and tag != "script"

    def handle_data(self, data: str) -> None:
        """Keep the text of scripts."""
        if self._inside:
            self.scripts[-1] += data


def _html(path: Path) -> Iterator[str]:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    yield from (f"an attribute {one}" for one in page.events)
    yield from (
        f"an element {one}" for one in page.tags & {"img", "iframe", "object", "embed", "base", "frame", "applet"}
    )
    yield from (f"an address {one[:80]!r}" for one in page.addresses if not _fine(one))
    if "'unsafe-inline'" in re.sub(
        "style-src[^;]*", "", page.policy
    ) or "script-src" not in page.policy + "script-src" * (not page.scripts):
        yield f"a policy {page.policy[:80]!r}"
    for one in page.scripts:
        if base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() not in page.policy:
            yield f"a script without its hash {one[:60]!r}"


def _fine(address: str) -> bool:
    return _ADDRESS.match(address) is not None and not any(one in address for one in _ELSEWHERE)


def _pdf(path: Path) -> Iterator[str]:
    reader = PdfReader(path)
    seen: set[tuple[int, int]] = set()
    todo: list[Any] = [reader.trailer]
    while todo:
        one = todo.pop()
        if isinstance(one, IndirectObject):
            if (one.idnum, one.generation) not in seen:
                seen.add((one.idnum, one.generation))
                todo.append(one.get_object())
        elif isinstance(one, DictionaryObject):
            acts = _ACTS & ({*map(str, one)} | {str(one.get("/S")), str(one.get("/Type"))})
            yield from (f"an object {name}" for name in acts)
            if "/URI" in one and not _fine(str(one["/URI"])):
                yield f"a link {one['/URI']}"
            todo += [one.raw_get(name) for name in one]
        elif isinstance(one, ArrayObject):
            todo += list(one)
    if any("root:" in page.extract_text() for page in reader.pages):
        yield "the text of another file"


def _xlsx(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as opened:
        for name in opened.namelist():
            if re.search("external|vba|embed|activeX|connections|query", name, re.IGNORECASE):
                yield f"a part {name}"
            elif name.endswith((".xml", ".rels")):
                root = ET.fromstring(opened.read(name))  # noqa: S314 - written by ourselves
                yield from (f"a target {one}" for tag in root.iter() if (one := tag.get("Target")) and not _fine(one))
    for sheet in openpyxl.load_workbook(path):
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            if cell.hyperlink is not None and not _fine(str(cell.hyperlink.target or "")):
                yield f"a link in {cell.coordinate}"
            if cell.data_type == "f" and (MARK in str(cell.value) or "HYPERLINK" in str(cell.value)):
                yield f"a formula in {cell.coordinate}: {str(cell.value)[:60]}"


def _csv(path: Path) -> Iterator[str]:
    text = path.read_bytes().decode("utf-8-sig")
    for separator in ";,\t|":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE):
            for cell in row:
                bare = cell.strip('"').lstrip(
                    "".join(map(chr, range(33))) + "\x85\xa0\u180e\u200b\u2028\u2029\u3000\ufeff"
                )
                if bare.startswith(tuple(_SIGNS)) and not re.fullmatch(r"[+-]?[\d.,]+(e[+-]?\d+)?", bare):
                    yield f"a cell {cell[:60]!r}"


def _gpkg(path: Path) -> Iterator[str]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as opened:
        for kind, name, sql in opened.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master"):
            if kind == "view" or MARK in name + sql or FLAG in sql:
                yield f"{kind} {name}"
            if kind == "trigger" and not re.match("rtree_|trigger_(insert|delete)_feature_count_|gpkg_", name):
                yield f"trigger {name}"
        for (one,) in opened.execute("SELECT styleQML FROM layer_styles"):
            yield from _style(one)
        for media, one in opened.execute("SELECT mime_type, metadata FROM gpkg_metadata"):
            if media == "text/xml":
                ET.fromstring(one)  # noqa: S314 - written by ourselves
            elif media == "application/json":
                json.loads(one)


def _qml(path: Path) -> Iterator[str]:
    yield from _style(path.read_text("utf-8"))


def _style(text: str) -> Iterator[str]:
    """Read a style for QGIS, which can hold Python, actions, widgets and expressions: none that a text of others went into."""
    if "<!ENTITY" in text:
        yield "an entity"
    for one in ET.fromstring(text).iter():  # noqa: S314 - written by ourselves
        if re.search("editform|attributeactions|python|expression", one.tag, re.IGNORECASE):
            yield f"an element {one.tag}"
        yield from (f"text of others in {one.tag}" for word in [one.text or "", *one.attrib.values()] if MARK in word)


def _json(path: Path) -> Iterator[str]:
    content = json.loads(path.read_text("utf-8"))
    if path.suffix == ".jsonld":
        yield from (f"an address {one[:80]!r}" for one in _values(content, "@id") if not _fine(one))
    if path.name == ".zenodo.json":  # shown as HTML by its reader
        page = _Page()
        page.feed(content["description"] + content.get("notes", ""))
        yield from (f"an element {one}" for one in page.tags - {"p"})
    yield from (
        f"an address {one[:80]!r}" for name in ("href", "path") for one in _values(content, name) if not _fine(one)
    )


def _values(content: Any, name: str) -> Iterator[str]:
    if isinstance(content, dict):
        yield from (one for key, one in content.items() if key == name and isinstance(one, str))
    for one in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _values(one, name)


def _markdown(path: Path) -> Iterator[str]:
    page = _Page()
    page.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(path.read_text("utf-8")))
    own = {
        "h1",
        "h2",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "pre",
        "ul",
        "li",
        "blockquote",
        "strong",
    }
    yield from (f"an element {one}" for one in page.tags - own)


def _cff(path: Path) -> Iterator[str]:
    content = yaml.safe_load(path.read_text("utf-8"))
    keys = {"cff-version", "message", "type", "title", "version", "date-released", "license", "authors", "identifiers"}
    yield from (f"a key {one}" for one in set(content) - keys)


def _parquet(path: Path) -> Iterator[str]:
    for name, one in (pq.read_schema(path).metadata or {}).items():
        if name in (b"kansenkaart", b"geo", b"pandas"):
            json.loads(one)
    yield from ()


def _sums(path: Path) -> Iterator[str]:
    lines = path.read_text("utf-8").splitlines()
    yield from (one for one in lines if not re.fullmatch(r"[0-9a-f]{64}  [\w./-]+", one))


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    ".html": _html,
    ".pdf": _pdf,
    ".xlsx": _xlsx,
    ".csv": _csv,
    ".gpkg": _gpkg,
    ".qml": _qml,
    ".json": _json,
    ".jsonld": _json,
    ".md": _markdown,
    ".cff": _cff,
    ".parquet": _parquet,
    "SHA256SUMS": _sums,
}


def faults(path: Path) -> list[str]:
    """Return what is wrong with a file; a form that nobody reads here is a fault too, so that a new one gets its reader."""
    name = path.suffix if path.suffix and not path.name.startswith(".") else path.name
    form = ".json" if path.name in (".zenodo.json", ".publish.json") else name
    if not re.fullmatch(
        r"\.?[a-z0-9][a-z0-9_.-]*|README\.md|CITATION\.cff|SHA256SUMS|[a-z]+-(BU\d{8}|\d+)(-gesprek)?\.\w+", path.name
    ):
        return [f"a name {path.name!r}"]
    return sorted(set(READERS[form](path))) if form in READERS else [f"a form {form}"]
