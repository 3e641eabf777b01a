"""The dictionary: what its rows say of map, factsheet and release can be read, and hangs together."""

from __future__ import annotations

from collections import Counter

import pytest

from kansenkaart.config import ROLES
from kansenkaart.errors import SchemaError
from kansenkaart.tables import fields, schemas
from kansenkaart.tables.fields import _COLUMNS, _parse
from kansenkaart.wording import nl
from kansenkaart.wording.themes import themes, views


def row(**given: str) -> dict[str, str]:
    """Return a whole row of the dictionary, with some cells of its own."""
    plain = {"name": "x", "type": "float", "unit": "1", "label_nl": "x", "label_en": "x", "definition_en": "x"}
    return {name: {**plain, **given}.get(name, "") for name in _COLUMNS}


def test_a_row_says_where_readers_meet_the_column():
    one = _parse(row(map="zon:30/2~ panden:5", sheet="figure:10", decimals="2", tables="pand_score?"), "here")
    assert one.on("zon") == fields.OnMap(30, 2, interval=True)
    assert one.on("panden") == fields.OnMap(5)
    assert one.on("riool") is None
    assert (one.decimals, one.sheet, one.tables) == (2, (("figure", 10),), (("pand_score", True),))


def test_a_row_says_what_a_calculated_column_comes_of():
    one = _parse(row(origin="calculated from pand home"), "here")
    assert (one.origin, one.behind) == ("calculated", ("pand", "home"))
    assert fields.get("yield_fit_kwh_per_year_low").behind == fields.get("yield_fit_kwh_per_year").behind != ()
    assert {role for each in fields.dictionary().values() for role in each.behind} <= set(ROLES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"map": "zon"},
        {"map": "zon:a"},
        {"sheet": "somewhere:1"},
        {"per_home": "no"},
        {"of_roof": "yes"},
        {"rank": "first"},
        {"decimals": "one"},
        {"label_en": ""},
        {"definition_en": ""},
        {"type": "decimal"},
    ],
)
def test_a_row_that_cannot_be_read_is_named(wrong):
    with pytest.raises(SchemaError, match=r"area\.csv row 3"):
        _parse(row(**wrong), "area.csv row 3")


def test_what_rows_name_is_there():
    for one in fields.dictionary().values():
        assert not one.codes or one.codes in nl.code_lists(), one.name
        assert {theme for theme, _ in one.maps} <= {theme.columns for theme in themes()}, one.name
        assert {table for table, _ in one.tables} <= set(schemas.tables()), one.name
    for theme, column in views():
        rows = {one.theme: one.columns for one in themes()}
        place = fields.get(column).on(rows[theme])
        assert place is not None, (theme, column)
        assert place.view, (theme, column)


def test_no_two_columns_stand_at_one_place():
    places = Counter((theme, place.order) for one in fields.dictionary().values() for theme, place in one.maps)
    views_of = Counter(
        (theme, place.view) for one in fields.dictionary().values() for theme, place in one.maps if place.view
    )
    sheet = Counter(place for one in fields.dictionary().values() for place in one.sheet)
    ranks = Counter(abs(one.rank) for one in fields.dictionary().values() if one.rank)
    for counted in (places, views_of, sheet, ranks):
        assert not [place for place, times in counted.items() if times > 1]


def test_every_theme_has_a_column_to_colour_it_and_a_table():
    for one in themes():
        assert fields.colored(one.columns), one.theme
        assert one.table in schemas.tables()


def test_a_column_that_names_its_table_stands_before_the_grounds_and_the_shape():
    names = schemas.get("pand_score").columns
    at = names.index("sun_eur_per_year")
    assert names[at + 1 :][-2:] == ("score_basis", "geometry")
    assert names[at + 1] == "pv_installed_frac"
    assert "sun_eur_per_year" in schemas.get("pand_score").nullable


def test_a_field_that_stands_twice_is_named_with_the_row_of_its_file(monkeypatch):
    rows = fields.packaged_rows("fields/area.csv")
    monkeypatch.setattr(fields, "packaged_rows", lambda name: [*rows[:3], rows[1]] if "area" in name else [])
    with pytest.raises(SchemaError, match=f"the field {rows[1]['name']}, more than once; where: area.csv row 5"):
        fields.dictionary.__wrapped__()
