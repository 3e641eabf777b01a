"""What tests of pages share: hostile text, and what axe says of a page."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "EN-301-549", "best-practice"]
HOSTILE = (
    '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">\'"`${1}\u2028\u2029\u202e\u0000=1+1 🏠'
    + "x" * 10_000
)


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
