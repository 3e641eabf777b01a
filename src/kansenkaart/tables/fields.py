"""The dictionary: every published column once, with all that map, factsheet and release must know of it.

The rows live in ``data/fields/*.csv``. Beside type, unit, limits, labels and definitions (Dutch and English), a row says:

- its ``origin``: a publisher, or ``calculated``, with the roles whose deliveries it comes of where those are not all that its
  table comes of (``calculated from pand home``);
- ``decimals``, and the list of ``codes`` of which it holds one (``data/codes.csv``);
- whether it is a sum ``per_home`` when places are compared, and whether it tells something ``of_roof`` (``whole``, or
  ``part`` where it is a sum with more);
- its ``rank`` among the grounds on which areas are ranked (negative: less is better);
- its places on the ``map``: ``theme:order``, then ``/n`` where it is the n-th way to colour the theme and ``~`` where its
  interval stands beside it;
- its places on the factsheet (``sheet``): ``figure``, ``always``, ``compare`` and ``color``, each with an order;
- the ``tables`` that hold it, where its own row says so (``?`` where it may be unknown).

Five endings are derived from the column that they belong to (``data/derived_fields.csv``): ``x_year`` (the year of x),
``x_low`` and ``x_high`` (its interval), ``x_median`` (the 50th percentile of the same draws), ``x_basis`` (what x was made
from).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from kansenkaart.config import packaged_rows
from kansenkaart.errors import SchemaError

#: A ``list`` is kept as a text, its parts set apart by ``;`` or a comma, and published as a list; a ``time`` is in UTC.
TYPES = ("str", "int", "float", "bool", "time", "list", "geometry")
_COLUMNS = [
    "name",
    "type",
    "unit",
    "min",
    "max",
    "label_nl",
    "definition_nl",
    "label_en",
    "definition_en",
    "origin",
    "decimals",
    "codes",
    "per_home",
    "of_roof",
    "rank",
    "map",
    "sheet",
    "tables",
]
_SHEET = ("figure", "always", "compare", "color")
_ON_MAP = re.compile(r"(?P<theme>[a-z_]+):(?P<order>\d+)(?:/(?P<view>\d+))?(?P<interval>~?)")
_ON_SHEET = re.compile(r"([a-z]+):(\d+)")


@dataclass(frozen=True)
class OnMap:
    """The place of a column in a theme of the map: its order in the panel, and as which way to colour it (0: none)."""

    order: int
    view: int = 0
    interval: bool = False


@dataclass(frozen=True)
class Field:
    """One column: its name, what it holds, how to say it to a reader, and where readers meet it.

    `maps` holds its place by theme, `sheet` its order by part of the factsheet, `tables` per table whether it may be unknown;
    `behind` the roles whose deliveries it comes of, none where that is all that its table comes of.
    """

    name: str
    type: str
    unit: str
    minimum: float | None
    maximum: float | None
    label_nl: str
    definition_nl: str
    label_en: str
    definition_en: str
    origin: str
    decimals: int = 0
    codes: str = ""
    per_home: bool = False
    of_roof: Literal["", "part", "whole"] = ""
    rank: int = 0
    maps: tuple[tuple[str, OnMap], ...] = ()
    sheet: tuple[tuple[str, int], ...] = ()
    tables: tuple[tuple[str, bool], ...] = ()
    behind: tuple[str, ...] = ()

    def on(self, theme: str) -> OnMap | None:
        """Return the place of the column in a theme of the map, or None.

        Parameters
        ----------
        theme : str
            Key of the theme.
        """
        return dict(self.maps).get(theme)


@lru_cache(maxsize=1)
def dictionary() -> dict[str, Field]:
    """Return all fields by name.

    Returns
    -------
    dict of str to Field
        In the order of the files and their rows.

    Raises
    ------
    SchemaError
        If a row is double, has an unknown type, lacks a label or has an attribute that cannot be read.
    """
    out: dict[str, Field] = {}
    folder = files("kansenkaart") / "data" / "fields"
    for source in sorted(folder.iterdir(), key=lambda item: item.name):
        if not source.name.endswith(".csv"):
            continue
        for number, row in enumerate(packaged_rows(f"fields/{source.name}"), start=2):
            one = _parse(row, where := f"{source.name} row {number}")
            if one.name in out:
                found = f"the field {one.name}, more than once"
                raise SchemaError("every field once", found=found, where=where, remedy="remove one of the two rows")
            out[one.name] = one
    return out


def _parse(row: dict[str, str], where: str) -> Field:
    if list(row) != _COLUMNS or None in row.values():
        raise SchemaError(
            f"the columns {_COLUMNS}", found=str(row), where=where, remedy="quote text that holds a comma"
        )
    labels = [row[name] for name in ("label_nl", "label_en", "definition_en")]
    if row["type"] not in TYPES or not all(labels):
        raise SchemaError(
            f"a type of {TYPES}, a Dutch and an English label and an English definition",
            found=f"{row['type']!r}, {labels}",
            where=where,
            remedy="complete the row",
        )
    low, high = (float(row[end]) if row[end] else None for end in ("min", "max"))
    texts = {name: row[name] for name in ("name", "type", "unit", "label_nl", "definition_nl", "label_en")}
    origin, _, behind = row["origin"].partition(" from ")
    try:
        return Field(
            **texts,
            minimum=low,
            maximum=high,
            definition_en=row["definition_en"],
            origin=origin,
            decimals=int(row["decimals"] or 0),
            codes=row["codes"],
            per_home=bool(_one_of(row["per_home"], "yes")),
            of_roof=_one_of(row["of_roof"], "part", "whole"),
            rank=int(row["rank"] or 0),
            maps=tuple(map(_on_map, row["map"].split())),
            sheet=tuple(map(_on_sheet, row["sheet"].split())),
            tables=tuple((word.removesuffix("?"), word.endswith("?")) for word in row["tables"].split()),
            behind=tuple(behind.split()),
        )
    except ValueError as why:
        raise SchemaError(
            "attributes as the docstring of tables/fields.py says",
            found=str(why),
            where=where,
            remedy="correct the row",
        ) from why


def _one_of(text: str, *choices: str) -> Any:
    if text not in ("", *choices):
        raise ValueError(f"{text!r} where only {', '.join(choices)} or nothing may stand")
    return text


def _on_map(word: str) -> tuple[str, OnMap]:
    parts = _ON_MAP.fullmatch(word)
    if parts is None:
        raise ValueError(f"{word!r} where theme:order, theme:order/n or theme:order~ may stand")
    return parts["theme"], OnMap(int(parts["order"]), int(parts["view"] or 0), bool(parts["interval"]))


def _on_sheet(word: str) -> tuple[str, int]:
    parts = _ON_SHEET.fullmatch(word)
    if parts is None or parts[1] not in _SHEET:
        raise ValueError(f"{word!r} where one of {_SHEET} with an order may stand")
    return parts[1], int(parts[2])


def get(name: str) -> Field:
    """Return one field, deriving ``_year``, ``_low``, ``_high``, ``_median`` and ``_basis`` columns from their parent.

    Parameters
    ----------
    name : str
        Of a column.

    Raises
    ------
    SchemaError
        If the column is not in the dictionary.
    """
    rows = dictionary()
    if name in rows:
        return rows[name]
    for derived in _endings():
        parent = rows.get(name.removesuffix(derived["ending"])) if name.endswith(derived["ending"]) else None
        if parent is not None:
            return _derived(parent, name, derived)
    raise SchemaError(
        "a column that the dictionary knows",
        found=name,
        where="data/fields/*.csv",
        remedy="add a row with its type, unit, labels and definitions in Dutch and English, and origin",
    )


@lru_cache(maxsize=1)
def _endings() -> list[dict[str, str]]:
    return packaged_rows("derived_fields.csv")


def _derived(parent: Field, name: str, row: dict[str, str]) -> Field:
    return replace(
        parent,
        name=name,
        type=row["type"],
        unit=row["unit"] or parent.unit,
        minimum=float(row["min"]) if row["min"] else None,
        maximum=float(row["max"]) if row["max"] else None,
        label_nl=row["label_nl"].format(parent.label_nl),
        label_en=row["label_en"].format(parent.label_en),
        definition_nl=row["definition_nl"].format(parent.definition_nl or parent.label_nl),
        definition_en=row["definition_en"].format(parent.definition_en),
        codes="people_basis" if row["ending"] == "_basis" else "",
        per_home=False,
        rank=0,
        maps=(),
        sheet=(),
        tables=(),
    )


def parts(text: str) -> list[str]:
    """Return the parts of a list that is kept as a text.

    Parameters
    ----------
    text : str
        Set apart by ``;``, or numbers by a comma.
    """
    return [one.strip() for one in re.split(r";|,(?=\d)", text) if one.strip()]


def on_map(theme: str) -> list[Field]:
    """Return the columns of a theme of the map in the order of its panel, intervals and middle draws after what they belong to.

    Parameters
    ----------
    theme : str
        Key of the theme.
    """
    rows = [(place, one) for one in dictionary().values() if (place := one.on(theme))]
    out = []
    for place, one in sorted(rows, key=lambda pair: pair[0].order):
        out += [one, *(get(one.name + end) for end in ("_low", "_median", "_high") if place.interval)]
    return out


def colored(theme: str) -> list[str]:
    """Return the names of the columns by which a theme of the map can be coloured, in order.

    Parameters
    ----------
    theme : str
        Key of the theme.
    """
    views = [(place.view, one.name) for one in dictionary().values() if (place := one.on(theme)) and place.view]
    return [name for _, name in sorted(views)]


def on_sheet(part: str) -> list[str]:
    """Return the names of the columns of a part of the factsheet, in order.

    Parameters
    ----------
    part : {"figure", "always", "compare", "color"}
        Key figures by preference; those that stand there as unknown too; rows of the comparison; what colours the map.
    """
    rows = [(order, one.name) for one in dictionary().values() for word, order in one.sheet if word == part]
    return [name for _, name in sorted(rows)]


def grounds() -> list[Field]:
    """Return the columns on which areas are ranked, the most telling first."""
    return sorted((one for one in dictionary().values() if one.rank), key=lambda one: abs(one.rank))
