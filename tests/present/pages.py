"""What tests of pages share: hostile text, and what axe says of a page."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kansenkaart.present.mapspec import Layer

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "EN-301-549", "best-practice"]
HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">\'"`${1}\u2028\u2029\u202e\u0000=1+1 🏠'
    + "x" * 10_000
)


#: The pixels of a tile, in the browser; a tile that shows a bitmap has none to read itself.
PIXELS = """const pixels = (tile) => { const copy = document.createElement('canvas');
  [copy.width, copy.height] = [tile.width, tile.height];
  const pen = copy.getContext('2d'); pen.drawImage(tile, 0, 0);
  return pen.getImageData(0, 0, copy.width, copy.height).data; };"""


def until(page: Any, expression: str) -> None:
    """Wait, at most five seconds, until something is true of a page; playwright's own way needs eval, which the page forbids."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


def centred(page: Any) -> None:
    """Put the study in the middle of the map again: it opens beside the legend."""
    page.evaluate("kaart.panBy([(document.getElementById('legendavak').offsetWidth + 12) / 2, 0], {animate: false})")
    page.wait_for_timeout(250)


def axe_script() -> str | None:
    """Find axe: the file that KANSENKAART_AXE names, or the one of the package axe-playwright-python."""
    named = os.environ.get("KANSENKAART_AXE")
    spec = importlib.util.find_spec("axe_playwright_python")
    path = Path(named) if named else Path(spec.origin).with_name("axe.min.js") if spec and spec.origin else None
    return path.read_text("utf-8") if path and path.is_file() else None


def axe_faults(page) -> list[tuple[str, list[str]]]:
    """Give the rules that a page breaks, with the places; skip where there is no axe."""
    script = axe_script()
    if script is None:
        pytest.skip("no axe: install axe-playwright-python, or name axe.min.js in KANSENKAART_AXE")
    page.add_script_tag(content=script)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]


#: Fields that name things for the program; every other text of a picture is for readers.
_NAMES = {
    "question",
    "lead",
    "name",
    "column",
    "key",
    "source",
    "layer",
    "kind",
    "url",
    "path",
    "link",
    "color",
    "popup",
    "table",
    "outlines",
    "homes",
    "filter_column",
    "year_column",
    "basis_column",
    "totals",
    "units",
    "values",
    "title_column",
    "language",
    "style",
    "dark",
    "feature",
    "letter",
    "parties",
    "months",
    "parts",
    "headline",
    "unit",
}


def everywhere(thing: Any, text: str) -> Any:
    """Return a picture with a text in every place that is for readers, and in every text column but the keys."""
    if isinstance(thing, tuple):
        return tuple(everywhere(one, text) for one in thing)
    if isinstance(thing, Layer):
        plain = [
            one.name
            for one in thing.columns
            if one.kind == "text" and one.name not in (thing.key, *(x.column for x in thing.links))
        ]
        two = [text + "!" * (k % 2) for k in range(len(thing.frame))]  # two values: a filter needs them
        thing = replace(thing, frame=thing.frame.assign(**dict.fromkeys(plain, two)))
    if not is_dataclass(thing):
        return thing
    changed = {}
    for field in fields(thing):
        value = getattr(thing, field.name)
        if isinstance(value, str) and field.name not in _NAMES:
            changed[field.name] = text
        elif isinstance(value, tuple) or (is_dataclass(value) and not isinstance(value, type)):
            changed[field.name] = value if field.name in _NAMES else everywhere(value, text)
        elif field.name == "words":
            changed[field.name] = {name: {**codes, text: text} for name, codes in value.items()}
    return replace(thing, **changed)
