"""The dictionary: every published column once, with type, unit, Dutch label, definition and origin.

The rows live in ``data/fields/*.csv``. Four endings are derived from the column that they belong to:
``x_year`` (the year of x), ``x_low`` and ``x_high`` (its interval), ``x_basis`` (what x was made from).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from kansenkaart.errors import SchemaError

TYPES = ("str", "int", "float", "bool", "geometry")
_COLUMNS = ["name", "type", "unit", "min", "max", "label_nl", "definition_nl", "origin"]
_DERIVED = {
    "_year": ("int", "year", "jaar van: {}", 1900.0, 2100.0),
    "_low": ("float", None, "{}, ondergrens", None, None),
    "_high": ("float", None, "{}, bovengrens", None, None),
    "_basis": ("str", "-", "grondslag van: {}", None, None),
}


@dataclass(frozen=True)
class Field:
    """One column: its name, what it holds and how to say it to a reader."""

    name: str
    type: str
    unit: str
    minimum: float | None
    maximum: float | None
    label_nl: str
    definition_nl: str
    origin: str


@lru_cache(maxsize=1)
def dictionary() -> dict[str, Field]:
    """Return all fields by name.

    Raises
    ------
    SchemaError
        If a row is double, has an unknown type or lacks a label.
    """
    found: dict[str, Field] = {}
    folder = files("kansenkaart") / "data" / "fields"
    for source in sorted(folder.iterdir(), key=lambda item: item.name):
        if not source.name.endswith(".csv"):
            continue
        with source.open(encoding="utf-8") as handle:
            for number, row in enumerate(csv.DictReader(handle), start=2):
                one = _parse(row, f"{source.name} row {number}")
                if one.name in found:
                    raise SchemaError(
                        "every field once",
                        found=f"{one.name} twice",
                        where=f"{source.name} row {number}",
                        remedy="remove one of the two rows",
                    )
                found[one.name] = one
    return found


def _parse(row: dict[str, str], where: str) -> Field:
    if list(row) != _COLUMNS or None in row.values():
        raise SchemaError(
            f"the columns {_COLUMNS}", found=str(row), where=where, remedy="quote text that holds a comma"
        )
    if row["type"] not in TYPES or not row["label_nl"]:
        raise SchemaError(
            f"a type of {TYPES} and a Dutch label",
            found=f"{row['type']!r}, {row['label_nl']!r}",
            where=where,
            remedy="complete the row",
        )
    low, high = (float(row[end]) if row[end] else None for end in ("min", "max"))
    return Field(row["name"], row["type"], row["unit"], low, high, row["label_nl"], row["definition_nl"], row["origin"])


def get(name: str) -> Field:
    """Return one field, deriving ``_year``, ``_low``, ``_high`` and ``_basis`` columns from their parent.

    Parameters
    ----------
    name : str
        Of a column.

    Raises
    ------
    SchemaError
        If the column is not in the dictionary.
    """
    known = dictionary()
    if name in known:
        return known[name]
    for ending, (kind, unit, label, low, high) in _DERIVED.items():
        parent = known.get(name.removesuffix(ending)) if name.endswith(ending) else None
        if parent is not None:
            return replace(
                parent,
                name=name,
                type=kind,
                unit=unit or parent.unit,
                minimum=low,
                maximum=high,
                label_nl=label.format(parent.label_nl),
            )
    raise SchemaError(
        "a column that the dictionary knows",
        found=name,
        where="data/fields/*.csv",
        remedy="add a row with its type, unit, Dutch label, definition and origin",
    )
