"""The steps of docs/how-to/new-source.md, walked on a copy of the package: new publisher, kind of table and form."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READER = '''"""Reads the trees of a municipality's register."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd

from kansenkaart.sources.tools.cleaning import Sieve
from kansenkaart.sources.tools.rawnames import reading, to_our_names, to_text
from kansenkaart.tables import schemas

if TYPE_CHECKING:
    from pathlib import Path

    from kansenkaart.tables.provenance import Tally


def read_tree(path: Path, *, form: str, layer: str | None = None) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return trees as table ``tree``."""
    with reading(path, "a GeoJSON file of trees"):
        raw = gpd.read_file(path, layer=layer)
    sieve = Sieve(to_our_names(raw, "tree", form=form, where=path.name))
    sieve.frame["tree_id"] = to_text(sieve.frame["tree_id"])
    sieve.drop(sieve.frame["tree_id"].isna(), "no number")
    sieve.points(path.name)
    columns = list(schemas.get("tree").columns)
    return schemas.conform(sieve.frame[columns], "tree", where=path.name), sieve.tally()
'''
STUDY = """
name = "proef"
title = "Proef"
invented = true

[[source]]
role = "tree"
publisher = "bomen"
origin = "file"
form = "bomen-geojson"
path = "bomen.geojson"
edition = "2026-01"
"""


def _row(path: Path, **values: str) -> None:
    """Add one row to a table of the package; columns that are not given stay empty."""
    with path.open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle))
    with path.open("a", encoding="utf-8", newline="") as handle:
        csv.DictWriter(handle, header, extrasaction="ignore", lineterminator="\n").writerow(values)


def _line(path: Path, before: str, line: str) -> None:
    """Add a line before the first one that starts with some text."""
    text = path.read_text("utf-8")
    assert f"\n{before}" in text
    path.write_text(text.replace(f"\n{before}", f"\n{line}\n{before}", 1), "utf-8")


def _point(number: str | None, x: float, y: float) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {"boomnummer": number, "kroon": 6.0},
        "geometry": {"type": "Point", "coordinates": [x, y]},
    }


@pytest.fixture
def package(tmp_path):
    """Walk the six steps on a copy of the package."""
    top = tmp_path / "src" / "kansenkaart"
    shutil.copytree(ROOT / "src" / "kansenkaart", top, ignore=shutil.ignore_patterns("assets"))
    data = top / "data"
    _row(
        data / "sources.csv",
        publisher="bomen",
        title="Bomen",
        licence="CC0",
        credit="Gemeente",
        known_editions="2026-01",
    )
    _row(
        data / "tables.csv",
        table="tree",
        stage="1_clean",
        geometry="Point",
        key="tree_id",
        columns="tree_id crown_m? geometry",
    )
    words = {"unit": "-", "label_nl": "boom", "definition_nl": "Nummer van de boom.", "label_en": "tree"}
    english = {"definition_en": "Number of the tree.", "origin": "municipality"}
    _row(data / "fields" / "clean.csv", name="tree_id", type="str", **words, **english)
    words |= {"unit": "m", "label_nl": "kroon", "definition_nl": "Breedte van de kroon.", "label_en": "crown"}
    english["definition_en"] = "Width of the crown."
    _row(data / "fields" / "clean.csv", name="crown_m", type="float", min="0", max="60", **words, **english)
    _line(data / "codes.csv", "role,street_line,", "role,tree,bomen,trees")
    for name, raw in (("tree_id", "boomnummer"), ("crown_m", "kroon?")):
        _row(data / "raw_names.csv", table="tree", form="bomen-geojson", name=name, raw=raw)
    (top / "sources" / "bomen.py").write_text(READER, "utf-8")
    _line(top / "acquire" / "readers.py", "from kansenkaart.tables", "from kansenkaart.sources import bomen")
    _line(top / "acquire" / "readers.py", '    ("street_line", "*")', '    ("tree", "*"): _form(bomen.read_tree),')
    return tmp_path


def _run(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(package / "src"), "KANSENKAART_DATA": str(package / "published")}
    command = [sys.executable, "-c", "from kansenkaart.cli import main; main()", "--map", str(package), *words]
    return subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=False)


def test_a_source_is_read_after_six_steps(package):
    (package / "studies").mkdir()
    (package / "studies" / "proef.toml").write_text(STUDY, "utf-8")
    (package / "published").mkdir()
    trees = [_point("B1", 190000.0, 560000.0), _point("B2", 190010.0, 560005.0), _point(None, 190020.0, 560000.0)]
    rd = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    content = {"type": "FeatureCollection", "crs": rd, "features": trees}
    (package / "published" / "bomen.geojson").write_text(json.dumps(content), "utf-8")
    run = _run(package, "run", "proef")  # a study of trees alone has nothing to publish; its tables stay
    told = _run(package, "status", "proef", "--json")
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() != "[]", run.stderr
    (table,) = [one for one in json.loads(told.stdout) if one["name"] == "tree"]
    assert (table["rows"], table["tally"]["left_out"]) == (2, {"no number": 1})
    assert table["editions"] == ["bomen 2026-01"]


def test_the_how_to_names_these_places_and_no_more_than_six(package):
    page = (ROOT / "docs" / "how-to" / "new-source.md").read_text("utf-8")
    steps = re.findall(r"^\d\. (.*?)(?=^\d\. |\n\n)", page, re.M | re.S)
    assert len(steps) == 6
    mine, theirs = package / "src" / "kansenkaart", ROOT / "src" / "kansenkaart"
    changed = [
        path.relative_to(mine).as_posix()
        for path in mine.rglob("*")
        if path.suffix in (".py", ".csv")
        and (not (old := theirs / path.relative_to(mine)).exists() or old.read_bytes() != path.read_bytes())
    ]
    named = {one for one in changed if any(one in step or one.rpartition("/")[0] + "/`" in step for step in steps)}
    assert sorted(set(changed) - named) == []
