"""The site of the documentation builds without a warning and asks nothing of the network; its tutorial runs."""

from __future__ import annotations

import doctest
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.present.pages import axe_faults

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_the_site_builds_strictly_and_fetches_nothing(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text("utf-8")
        assert re.findall(r"<(?:script|img|iframe)[^>]+src=\"(?:https?:)?//", text) == [], page.name
        assert re.findall(r"<link[^>]+rel=\"(?:stylesheet|preconnect)\"[^>]+href=\"(?:https?:)?//", text) == [], (
            page.name
        )
    assert "score_streets" in (site / "reference" / "api.html").read_text("utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index", "tutorial", "reference/api", "methods/overview", "privacy"])
def test_a_page_of_the_site_breaks_no_rule_of_access(site, browser, name):
    page = browser.new_page()
    page.goto((site / f"{name}.html").as_uri())
    assert axe_faults(page) == []
    page.close()


def test_the_tutorial_runs(finished):
    folder = finished / "maps" / "proefveld"
    page = str(ROOT / "docs" / "tutorial.md")
    failed, tried = doctest.testfile(page, module_relative=False, globs={"folder": str(folder)}, encoding="utf-8")
    assert tried > 10
    assert failed == 0


@pytest.mark.parametrize("name", ["figure", "roofs"])
def test_a_notebook_runs_and_shows_what_it_says(finished, name):
    """A cell that shows nothing stored nothing: what stands in a notebook came out of it."""
    pytest.importorskip("matplotlib")
    made = runpy.run_path(str(ROOT / "docs" / "make_notebooks.py"))
    path = ROOT / "docs" / "notebooks" / f"{name}.ipynb"
    book, stored = made["executed"](path, finished / "maps" / "proefveld"), json.loads(path.read_text("utf-8"))
    for cell, was in zip(book["cells"], stored["cells"], strict=True):
        shown, then = ([one["output_type"] for one in some.get("outputs", [])] for some in (cell, was))
        assert shown == then or "Rscript" in "".join(cell["source"]), cell["source"]
    assert path.stat().st_size < 100_000
