"""Writes docs/reference/tables.md and fields.md from the table shapes and the dictionary of fields.

Run ``python docs/make_reference.py`` after a change of ``data/tables.csv`` or ``data/fields/*.csv``; with ``--check`` it
writes nothing and fails when a page is behind.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from kansenkaart.tables import fields, schemas
from kansenkaart.tables.fields import Field
from kansenkaart.tables.store import RASTERS

FOLDER = Path(__file__).parent / "reference"
_MADE = "<!-- Made by docs/make_reference.py: do not edit by hand. -->\n\n"
_TABLES_HEAD = """# Tables

Every stored table: `data/processed/<study>/<stage>/<table>.parquet` (GeoParquet 1.1, RD New EPSG:28992, zstd, a bbox
covering), with its lineage beside it as `<table>.json`. A table is checked against this shape when it is written and
again when it is read; a column that is not listed is an error. **May be unknown**: the cell can be empty. Unknown is
never 0. Words that stay Dutch are in [begrippen.md](../begrippen.md); what each column means is in [fields.md](fields.md).
"""
_FIELDS_HEAD = """# Fields

The dictionary: every published column once, in the order of its Dutch label, as maps and tables show it. Four endings
are derived: `x_year` (the year of x), `x_low` and `x_high` (its interval), `x_basis` (what x was made from).
"""


def tables_page() -> str:
    """Return the page of table shapes."""
    known = schemas.tables().values()
    index = _rows(
        ["table", "stage", "what", "one row is", "geometry"],
        (
            [f"[`{one.name}`](#{one.name})", f"`{one.stage}`", one.title_en, one.row_en, _kinds(one.geometry)]
            for one in known
        ),
    )
    rasters = _rows(["raster", "stage"], ([f"`{name}.tif`", f"`{stage}`"] for name, stage in sorted(RASTERS.items())))
    parts = [_MADE + _TABLES_HEAD, index, "Rasters are GeoTIFF, heights in m NAP:\n", rasters, *map(_table, known)]
    return "\n".join(parts)


def fields_page() -> str:
    """Return the page of fields in the order of their Dutch labels."""
    known = sorted(fields.dictionary().values(), key=lambda one: (one.label_nl.lower(), one.name))
    head = ["in het Nederlands", "in English", "column", "unit", "betekenis", "meaning", "origin"]
    rows = (
        [one.label_nl, one.label_en, f"`{one.name}`", _unit(one), one.definition_nl, one.definition_en, one.origin]
        for one in known
    )
    return "\n".join([_MADE + _FIELDS_HEAD, _rows(head, rows)])


def _table(shape: schemas.Table) -> str:
    head = ["column", "type", "unit", "limits", "may be unknown", "in het Nederlands"]
    rows = []
    for name in shape.columns:
        one = fields.get(name)
        unknown = "yes" if name in shape.nullable else ""
        rows.append([f"`{name}`", one.type, _unit(one), _limits(one), unknown, one.label_nl])
    what = f"{shape.title_en}; a row is {shape.row_en}. `{shape.stage}`, key {_code(shape.key)}."
    return f"## {shape.name}\n\n{what[0].upper()}{what[1:]}\n\n{_rows(head, rows)}"


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _kinds(geometry: tuple[str, ...]) -> str:
    return " or ".join(geometry) or "none"


def _unit(one: Field) -> str:
    return f"[{one.unit}]"


def _limits(one: Field) -> str:
    if one.minimum is None and one.maximum is None:
        return ""
    low, high = ("" if end is None else f"{end:g}" for end in (one.minimum, one.maximum))
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"to {high}"


def _rows(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def pages() -> dict[Path, str]:
    """Return each page of the reference with the text that it should hold."""
    return {FOLDER / "tables.md": tables_page(), FOLDER / "fields.md": fields_page()}


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` return 1 when one is behind."""
    behind = [path for path, text in pages().items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        return 1 if behind else 0
    for path in behind:
        path.write_text(pages()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
