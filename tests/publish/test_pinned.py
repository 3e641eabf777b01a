"""What the pages of the small example say, whole: every sentence and figure as a person read them."""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import re
import sqlite3
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow.parquet as pq

from tests.pinned import require_as_pinned, same_as_pinned

PAGES = (
    "overzicht.html",
    "factsheets/best-0.html",
    "factsheets/best-0-gesprek.html",
    "factsheets/buurt-BU99990004.html",
    "factsheets/gebied-1.html",
    "haalbaarheid/best-0.html",
    "haalbaarheid/buurt-BU99990004.html",
)


def _words(page: str) -> str:
    """Return what a page says, a part on a line, without what changes with the code."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    body = re.sub(r"</?(bdi|b|em|strong|a|span|small|abbr|mark)\b[^>]*>", "", body)
    lines = (html.unescape(one).strip() for one in re.sub(r"<[^>]*>", "\n", body).splitlines())
    return "\n".join(one for one in lines if one)


def test_every_page_of_the_small_example_says_what_was_read(finished):
    folder = finished / "maps" / "proefveld"
    same_as_pinned("pins/field_pages.txt", {name: _words((folder / name).read_text("utf-8")) for name in PAGES})


def _texts(content: Any, at: str) -> list[str]:
    """Return every leaf of some content by its place, numbers in six digits."""
    if isinstance(content, dict):
        return [line for name, one in content.items() for line in _texts(one, f"{at}.{name}")]
    if isinstance(content, list):
        return [line for number, one in enumerate(content) for line in _texts(one, f"{at}.{number}")]
    return [f"{at}: {content:.6g}" if isinstance(content, float) else f"{at}: {content}"]


def brief(content: Any, at: str = "") -> str:
    """Return a hash of some content, numbers in six digits and without the hashes that change with the code."""
    lines = re.sub(r"\b[0-9a-f]{40,64}\b", "#", "\n".join(_texts(content, at)))
    return f"{at} {hashlib.sha256(lines.encode()).hexdigest()[:12]}"


def test_the_map_of_the_small_example_holds_what_was_read(finished):
    page = (finished / "maps" / "proefveld" / "index.html").read_text("utf-8")
    content = json.JSONDecoder().raw_decode(page, page.index("const spec=") + len("const spec="))[0]
    made = {"page": _words(page[: page.index('<script type="text/plain" id="laag0">')])}
    layers = ((layer["name"], column) for layer in content.pop("layers") for column in layer["columns"])
    made["columns"] = "\n".join(brief(column, f"{name}.{column['name']}") for name, column in layers)
    for theme in content.pop("themes"):
        made[f"theme {theme['title']}"] = "\n".join(brief(one, name) for name, one in theme.items())
    same_as_pinned("pins/field_map.txt", made | {k: "\n".join(_texts(v, k)) for k, v in content.items()})


def test_the_sums_and_open_layers_of_the_small_example_are_described_as_was_read(finished):
    folder = finished / "maps" / "proefveld"
    made = {}
    for sheet in openpyxl.load_workbook(folder / "haalbaarheid" / "best-0.xlsx"):
        rows = ([one.value for one in row] for row in sheet)
        made[f"workbook: {sheet.title}"] = "\n".join(brief(row[1:], f"{row[0]}") for row in rows)
    about = json.loads((folder / "data" / "metadata.json").read_text("utf-8"))
    about = {name: one for name, one in about.items() if name != "moment"}  # the day of the run
    made["tables"] = "\n".join(brief(one, name) for name, one in about.pop("tables").items())
    made["metadata"] = "\n".join(brief(one, name) for name, one in about.items())
    styles = sorted((folder / "data").glob("*.qml"))
    made["styles"] = "\n".join(brief(one.read_text("utf-8"), one.name) for one in styles)
    same_as_pinned("pins/field_files.txt", made)


def test_layers_and_their_descriptions_in_the_geopackage_are_as_was_read(finished):
    folder = finished / "maps" / "proefveld" / "data"
    shapes = {}
    for path in sorted(folder.glob("*.parquet")):
        schema = pq.read_schema(path)
        shapes[path.stem] = (gpd.read_parquet if b"geo" in (schema.metadata or {}) else pd.read_parquet)(path)
    require_as_pinned("open_layers", shapes)
    made = {}
    for path in sorted(folder.glob("*.parquet")):
        fields = [f"{one.name} {one.type} {sorted((one.metadata or {}).items())}" for one in pq.read_schema(path)]
        made[path.stem] = "\n".join(brief(one, one.split(" ")[0]) for one in fields)
    with contextlib.closing(sqlite3.connect(folder / "proefveld.gpkg")) as file:
        names = [row[0] for row in file.execute("select name from sqlite_master where type = 'table' order by name")]
        for name in (one for one in names if one.startswith(("gpkg_", "layer_styles")) and "ogr" not in one):
            rows = sorted(_plain(row) for row in file.execute(f"select * from {name}"))  # noqa: S608 - names of the file
            made[name] = "\n".join(brief(row, str(number)) for number, row in enumerate(rows))
    same_as_pinned("pins/open_layers.txt", made)


def _plain(row):
    return without_days(" | ".join(f"{one:.6g}" if isinstance(one, float) else str(one) for one in row))


def without_days(text: str) -> str:
    """Return a text without days, hashes and versions."""
    text = re.sub(r"\b20\d\d-\d\d-\d\d(T[\d:.]+Z?)?", "DAY", re.sub(r" \(20\d\d\)\.", " (YEAR).", text))
    text = re.sub(r"\bcode [0-9a-f]{12}\b", "code #", text)  # a hash may have no letter
    text = re.sub(r"\burn:uuid:[0-9a-f-]+", "UUID", re.sub(r"\bcommit [^,]*,|-dirty\b", "", text))
    return re.sub(r"\b(?=[0-9]*[a-f])[0-9a-f]{7,64}\b|\b\d+\.\d+\.\d+[\w.+-]*", "#", text)


def steady(content: Any, at: str) -> str:
    """Return a hash of some content without what differs with the day and the code: also sizes of files [byte]."""
    lines = [
        line
        for line in _texts(content, at)
        if not re.search(r"(?i)(bytes?|size|checksum\S*|hash|commit)(\.@value)?: ", line)
    ]
    return f"{at} {hashlib.sha256(without_days(chr(10).join(lines)).encode()).hexdigest()[:12]}"


def test_an_edition_keeps_the_summary_that_was_read(finished):
    folder = finished / "data" / "editions" / "proefveld"
    content = json.loads((folder / "0001" / "edition.json").read_text("utf-8"))
    figures = (folder / "cijfers.csv").read_text("utf-8").rstrip()
    made = {"monitor": re.sub(r"-?\d+,\d+", lambda one: f"{float(one[0].replace(',', '.')):.6g}", figures)}
    made["page"] = without_days(_words((folder / "cijfers.html").read_text("utf-8")))
    for name, table in content["tables"].items():
        made[name] = "\n".join(brief(one, key) for key, one in table.items() if key != "sha256")
    made["assumptions"] = "\n".join(brief(one, key) for key, one in content["assumptions"].items())
    same_as_pinned("pins/edition.txt", made)
