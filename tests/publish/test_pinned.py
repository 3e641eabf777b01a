"""What the pages of the small example say, whole: every sentence and figure as a person read them."""

from __future__ import annotations

import hashlib
import html
import json
import re
from typing import Any

import openpyxl

from tests.pinned import same_as_pinned

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


def _brief(content: Any, at: str = "") -> str:
    """Return a hash of some content, numbers in six digits and without the hashes that change with the code."""
    lines = re.sub(r"\b[0-9a-f]{40,64}\b", "#", "\n".join(_texts(content, at)))
    return f"{at} {hashlib.sha256(lines.encode()).hexdigest()[:12]}"


def test_the_map_of_the_small_example_holds_what_was_read(finished):
    page = (finished / "maps" / "proefveld" / "index.html").read_text("utf-8")
    content = json.JSONDecoder().raw_decode(page, page.index("const spec=") + len("const spec="))[0]
    made = {"page": _words(page[: page.index('<script type="text/plain" id="laag0">')])}
    layers = ((layer["name"], column) for layer in content.pop("layers") for column in layer["columns"])
    made["columns"] = "\n".join(_brief(column, f"{name}.{column['name']}") for name, column in layers)
    for theme in content.pop("themes"):
        made[f"theme {theme['title']}"] = "\n".join(_brief(one, name) for name, one in theme.items())
    same_as_pinned("pins/field_map.txt", made | {k: "\n".join(_texts(v, k)) for k, v in content.items()})


def test_the_sums_and_open_layers_of_the_small_example_are_described_as_was_read(finished):
    folder = finished / "maps" / "proefveld"
    made = {}
    for sheet in openpyxl.load_workbook(folder / "haalbaarheid" / "best-0.xlsx"):
        rows = ([one.value for one in row] for row in sheet)
        made[f"workbook: {sheet.title}"] = "\n".join(_brief(row[1:], f"{row[0]}") for row in rows)
    about = json.loads((folder / "data" / "metadata.json").read_text("utf-8"))
    about = {name: one for name, one in about.items() if name != "moment"}  # the day of the run
    made["tables"] = "\n".join(_brief(one, name) for name, one in about.pop("tables").items())
    made["metadata"] = "\n".join(_brief(one, name) for name, one in about.items())
    styles = sorted((folder / "data").glob("*.qml"))
    made["styles"] = "\n".join(_brief(one.read_text("utf-8"), one.name) for one in styles)
    same_as_pinned("pins/field_files.txt", made)
