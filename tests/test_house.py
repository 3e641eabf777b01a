"""What the linters cannot say: module length, one dictionary, assumptions in use, a pure core."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kansenkaart.config import read_study
from kansenkaart.sources import publishers
from kansenkaart.tables import assumptions, fields, schemas

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "kansenkaart").rglob("*.py")) + sorted((ROOT / "flows").glob("*.py"))
LONGEST_MODULE = 500
IMPURE = {
    "pathlib",
    "os",
    "logging",
    "requests",
    "folium",
    "branca",
    "prefect",
    "time",
    "datetime",
    "io",
    "sys",
    "random",
}


def test_modules_are_of_readable_length() -> None:
    long = {path.name: n for path in SOURCES if (n := len(path.read_text("utf-8").splitlines())) > LONGEST_MODULE}
    assert not long


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", [one for one in SOURCES if "core" in one.parts], ids=lambda one: one.stem)
def test_core_is_pure(path: Path) -> None:
    assert not _imported(path) & IMPURE


def test_every_column_of_every_table_is_in_the_dictionary() -> None:
    assert schemas.tables()
    for table in schemas.tables().values():
        for name in table.columns:
            assert fields.get(name).label_nl, name
        assert set(table.key) <= set(table.columns)


def test_every_assumption_is_used_somewhere() -> None:
    code = "\n".join(path.read_text("utf-8") for path in SOURCES)
    tables = (path for path in (ROOT / "src/kansenkaart/data").glob("*.csv") if path.stem != "assumptions")
    code += "\n".join(path.read_text("utf-8") for path in tables)
    prefixes = ("water_use_",)
    unused = sorted(name for name in assumptions.default() if name not in code and not name.startswith(prefixes))
    assert unused == KNOWN_UNUSED


# Figures that are kept for reference beside the ones in use; a name here that comes into use must leave the list.
KNOWN_UNUSED: list[str] = [
    "cleaning_cost_300mm",
    "dwa_peak_hours",
    "energy_tax_electricity",
    "evaporation_heino_1994_2020",
    "garden_deficit_apr_aug_heino",
    "garden_demand_season_heino",
    "ghi_de_bilt",
    "ghi_heino_1994_2020",
    "ghi_heino_2016_2025",
    "gully_cost",
    "rain_design_flat",
    "rain_design_indoor",
    "rain_heino_1994_2020",
    "sewer_connection_cost",
    "sewer_filling_foul",
    "sewer_min_diameter_combined",
    "sewer_min_diameter_foul",
    "sewer_shear_min",
    "treatment_levy_unit",
]


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.toml")), ids=lambda one: one.stem)
def test_every_study_reads_and_names_known_publishers(path: Path) -> None:
    study = read_study(path)
    assert study.name == path.stem
    assert {one.publisher for one in study.source} <= set(publishers.sources_table())


def test_no_address_stands_in_code_outside_the_presented_pages() -> None:
    allowed = {"mapspec.py", "render.py", "picture.py"}
    code = [path for path in SOURCES if "example" not in path.parts]  # the example writes in the publishers' own words
    assert {path.name for path in code if "https://" in _strings(path)} <= allowed


def _strings(path: Path) -> str:
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n".join(text for text in texts if text not in docs)
