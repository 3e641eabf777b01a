"""Shapes of tables, rows of the dictionary and all figures as they are read, and every refusal of them, whole."""

from __future__ import annotations

import csv
import hashlib
from io import StringIO

import pandas as pd
import pytest

from kansenkaart.errors import KansenkaartError
from kansenkaart.tables import assumptions, fields, schemas
from tests.pinned import same_as_pinned
from tests.tables import test_assumptions, test_fields, test_schemas
from tests.tables.test_store import _buurten


def _figure(one):
    return f"{one.value:.8g} ({one.low:.8g} to {one.high:.8g}) {one.unit} {one.year} {one.quality} | {one.note}"


def test_shapes_and_figures_are_as_was_read():
    made = {
        name: f"{one.stage} {one.geometry} {one.key} {one.apart} {one.references}\n"
        + " ".join(f"{column}{'?' * (column in one.nullable)}" for column in one.columns)
        for name, one in schemas.tables().items()
    }
    figures = assumptions.default()
    made["assumptions"] = "\n".join(f"{name}: {_figure(figures[name])}" for name in figures)
    for one in assumptions.default_services():
        head = f"{one.payer} {one.driver} {one.track} {one.idle_units}"
        made[one.name] = "\n".join([head, *(f"{item}: {_figure(row)}" for item, row in one.figures.items())])
    same_as_pinned("pins/tables.txt", made)


def test_rows_of_the_dictionary_and_what_is_derived_of_them_are_as_was_read():
    rows, columns = fields.dictionary(), {name for one in schemas.tables().values() for name in one.columns}
    every = {"rows": list(rows), "derived": sorted(columns - set(rows))}
    made = {
        kind: "\n".join(f"{name} {hashlib.sha256(str(fields.get(name)).encode()).hexdigest()[:12]}" for name in names)
        for kind, names in every.items()
    }
    same_as_pinned("pins/fields.txt", made)


def _services(spoil):
    """Write the services of the package as they are, but for what `spoil` does to the rows of the first."""
    text = assumptions._packaged("services.csv")
    rows = list(csv.DictReader(StringIO(text)))
    first = [row for row in rows if row["service"] == rows[0]["service"]]
    out = StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows([*spoil(first), *rows[len(first) :]])
    return out.getvalue()


def _with(rows, at, **more):
    return [*rows[:at], {**rows[at], **more}, *rows[at + 1 :]]


SERVICES = {
    "a payer of nobody": lambda rows: [{**row, "payer": "king"} for row in rows],
    "no such track": lambda rows: [{**row, "track": "middle"} for row in rows],
    "two drivers": lambda rows: _with(rows, 3, driver="homes_of_others"),
    "an item short": lambda rows: rows[1:],
    "an item twice": lambda rows: [*rows, {**rows[0], "name": "a_twin"}],
    "no item": lambda rows: _with(rows, 1, item="weather"),
    "one row": lambda rows: rows[:1],
}


def _said(call, *how, **more):
    with pytest.raises(KansenkaartError) as told:
        call(*how, **more)
    return f"{type(told.value).__name__}: {told.value}"


def test_every_refusal_is_as_was_read():
    made = {
        name: _said(schemas.conform, spoil(_buurten()), "buurt", where="proef.gpkg")
        for name, (spoil, _) in test_schemas.BAD.items()
    }
    made |= {
        f"figure: {name}": _said(assumptions.parse, test_assumptions.HEAD + rows + "\n", where="proef.csv")
        for name, (rows, _) in test_assumptions.BAD.items()
    }
    made["figure: header"] = _said(assumptions.parse, "name,value\na,1\n", where="proef.csv")
    made |= {
        f"service: {name}": _said(assumptions.parse_services, _services(spoil), where="proef.csv")
        for name, spoil in SERVICES.items()
    }
    made["service: header"] = _said(assumptions.parse_services, "service,item\na,b\n", where="proef.csv")
    wrong = ({"map": "zon"}, {"sheet": "somewhere:1"}, {"decimals": "one"}, {"type": "decimal"}, {"label_en": ""})
    made |= {f"field: {one}": _said(fields._parse, test_fields.row(**one), "area.csv row 3") for one in wrong}
    made["no table"] = _said(schemas.get, "stad")
    made["ten faults"] = _said(schemas.conform, pd.concat([_buurten().assign(households=-1.0)] * 6), "buurt")
    same_as_pinned("pins/refused_tables.txt", made)


def test_bounds_of_a_figure_may_be_the_figure_itself():
    text = test_assumptions.HEAD + "a,5,5,7,m,2020,norm,x,\nb,5,3,5,m,2020,norm,x,\n"
    table = assumptions.parse(text, where="proef.csv")
    assert [(table[name].low, table[name].value, table[name].high) for name in table] == [(5, 5, 7), (3, 5, 5)]
