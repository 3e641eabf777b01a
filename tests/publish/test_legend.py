"""What the map says of its columns and classes, at the limits: bounds by hand, and whole legends as they were read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from kansenkaart.present.mapspec import View
from kansenkaart.publish.map import legend
from kansenkaart.tables import fields
from kansenkaart.tables.provenance import Provenance
from tests.pinned import same_as_pinned

HANDY = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e5])
def test_a_bound_is_the_handy_figure_that_is_nearest_by_ratio(size):
    for low, high in pairwise(HANDY):
        middle = (low * high) ** 0.5  # as far from either, by ratio
        assert [legend._round(by * size) for by in (low, middle * 0.999, middle * 1.001)] == pytest.approx(
            [low * size, low * size, high * size], rel=1e-9
        )
        assert legend._round(-middle * 1.001 * size) == -legend._round(middle * 1.001 * size)
    assert legend._round(0.0) == 0.0
    assert [legend._round(one) for one in (1.21e-6, 1.21e-5)] == [1e-6, 1.2e-5]  # to six decimals


@pytest.mark.parametrize(
    ("values", "width", "bounds"),
    [
        # Five and five: two classes below nothing, at its middle; three above, at 233 and 367.
        ([-500, -400, -300, -200, -100, 100, 200, 300, 400, 500], 0.0, [-300.0, 0.0, 250.0, 400.0]),
        # Nine of ten below: three classes there, and the two that are left above.
        ([*range(-900, 0, 100), 100, 200], 0.0, [-600.0, -400.0, 0.0, 150.0]),
        # One of twenty below has one class, and three lie above: a third and two thirds of 50 to 950 are 350 and 650.
        ([-10, *range(50, 1_000, 50)], 0.0, [0.0, 400.0, 600.0]),
        # What lies at nothing is above: of 0 to 600 a third and two thirds.
        ([-100, -100, -100, -100, 0, 200, 400, 600], 0.0, [-100.0, 0.0, 200.0, 400.0]),
        # A side that is as wide as its intervals are is divided, one that is narrower is not.
        ([-400, -200, 0, 100, 150, 390], 400.0, [0.0]),
        ([-600, -500, -200, 0, 200, 300, 400], 400.0, [-500.0, 0.0, 200.0, 300.0]),
        ([-600, -500, -200, 0, 200, 300, 400], 400.1, [0.0]),
    ],
)
def test_five_classes_lie_on_both_sides_of_nothing_as_the_places_do(values, width, bounds):
    assert legend._around_0(pd.Series(values, dtype=float), width) == bounds


def _amounts(low, high):
    names = ("homes", "homes_low", "homes_high")
    return pd.DataFrame(dict(zip(names, ([10.0, 20.0, 30.0, 40.0], low, high), strict=True)))


def test_bounds_stay_apart_by_as_much_as_the_figures_between_them_are_sure():
    exact, none = [10.0, 20.0, 30.0, 40.0], [None] * 4
    frame = _amounts([5.0, 15.0, 25.0, 35.0], [15.0, 25.0, 35.0, 45.0])  # all ten wide
    assert legend._apart([10.0, 20.0, 30.0], frame, "homes") == [10.0, 20.0, 30.0]
    assert legend._apart([10.0, 19.9, 30.0], frame, "homes") == [10.0, 30.0]
    assert legend._apart([-9.9, 0.0, 9.9], frame, "homes") == [-9.9, 0.0, 9.9]  # no figures between them
    assert legend._apart([-25.0, 20.0], _amounts([0.0] * 4, [50.0] * 4), "homes") == [20.0]  # nearest 0 first
    assert legend._apart([10.0, 10.1], _amounts(none, none), "homes") == [10.0, 10.1]
    widths = [legend._width(_amounts(exact, high), "homes") for high in ([20.0] * 4, [11.0, 22.0, 33.0, None], none)]
    assert widths == [-5.0, 2.0, 0.0]  # the middle of 10, 0, -10 and -20; of 1, 2 and 3; none
    assert legend._width(_amounts(exact, exact).drop(columns="homes_low"), "homes") == 0.0


def _source(role, publisher="bag", edition="2026-01-08", year=None, credit="(c) Kadaster", address="x.zip"):
    return Provenance(role, publisher, "CC0", credit, edition, address, "0" * 64, year)


def _said(view: View | None) -> str:
    if view is None:
        return "none"
    head = f"{view.label} [{view.column}] signs {view.signs} {view.note}".rstrip()
    lines = (
        f"{one.letter}: {one.label} {one.low} {one.high} {one.color} {','.join(one.values)} {one.stroke}"
        for one in view.classes
    )
    return "\n".join([head, *lines])


LEGENDS = {
    "few": ("homes", {"homes": [1, 10, 100, 1000, 10_000, 20_000]}),
    "one figure": ("homes", {"homes": [7, 7, 7]}),
    "unknown": ("homes", {"homes": [None, None]}),
    "least is no bound": ("homes", {"homes": [3, 3, 3, 3, 3, 8, 9, 20]}),
    "negative heights": ("ridge_height_m_nap", {"ridge_height_m_nap": [-5.0, -3.0, -1.0, 0.5, 2.0, 8.0]}),
    "euros above": ("stays_eur_per_year", {"stays_eur_per_year": [0.0, 100.0, 900.0, 4_000.0, 25_000.0]}),
    "euros about nothing": (
        "stays_eur_per_year",
        {"stays_eur_per_year": [-2_000.0, -900.0, 0.0, 50.0, 900.0, 7_000.0]},
    ),
    "years": ("laid_year", {"laid_year": [1905, 1950, 1968, 1987, 2001, 2020, 2020]}),
    "shares to one": ("earns_keep_frac", {"earns_keep_frac": [0.0, 0.2, 0.4, 0.7, 1.0, 1.0, 1.0]}),
    "shares below one": ("earns_keep_frac", {"earns_keep_frac": [0.0, 0.004, 0.2, 0.4, 0.7, 0.9]}),
    "letters with D": ("sun_class", {"sun_class": ["A"]}),
    "letters": ("class_grey", {"class_grey": ["A", None]}),
    "kinds": ("system", {"system": ["gemengd"]}),
    "borders that are there": ("border_class", {"border_class": ["water", "local", None]}),
    "ranks": ("rank", {"rank": [3, 1, 2, 1], "best_name": ["West", "Kade", "Oost", "Kade"]}),
    "ranks without names": ("rank", {"rank": [2, 1]}),
}


def test_legends_are_as_they_were_read():
    made = {title: _said(legend.view_of(pd.DataFrame(data), name)) for title, (name, data) in LEGENDS.items()}
    years = pd.DataFrame({"bouwjaar": [1900, 2020], "homes": [1, 2]})
    made["bounds of a theme"] = _said(legend.view_of(years, "bouwjaar", theme="panden"))
    made["homes of a theme"] = _said(legend.view_of(years, "homes", theme="panden"))
    made["no theme"] = _said(legend.view_of(years, "bouwjaar"))
    same_as_pinned("pins/legends.txt", made)


def test_labels_of_classes_say_where_they_end():
    per, labels = legend._percent, legend._labels
    assert labels([], legend.nl.bound) == ["alle"]
    assert labels([0.2, 0.999], per) == ["tot 20%", "20% tot 100%", "100% en meer"]
    assert labels([0.2, 1.0], per) == ["tot 20%", "20% tot 100%", "100%"]
    assert labels([1.0, 1.5], legend.nl.bound)[-1] == "1,5 en meer"
    assert labels([1990.0], legend.nl.year) == ["tot 1990", "1990 en later"]
    signs = legend._signs({"Oost": 1, "Onder": 2, "onbekend": 4, "2 Nu": 5})
    assert signs == {"Oost": "O", "Onder": "N", "onbekend": "?", "2 Nu": "U"}


def test_a_column_says_of_which_delivery_it_is_and_what_lies_beside_it():
    home, cbs = _source("home"), _source("statistics", "cbs", "2025", 2024, "CBS")
    day = _source("weather_daily", "knmi", "2026", credit="KNMI")
    sources = (home, cbs, day)
    names = ["homes", "gas_use_m3_per_home", "yield_fit_kwh_per_year", "bouwjaar", "score_basis"]
    frame = pd.DataFrame(columns=[*names, "gas_use_m3_per_home_year", "yield_fit_kwh_per_year_basis"])
    made = {one.name: one for one in legend.columns_of(frame, names, sources)}
    assert list(made) == [*names, "gas_use_m3_per_home_year", "yield_fit_kwh_per_year_basis"]
    assert {one.name: (one.source, one.year, one.year_column, one.basis_column) for one in made.values()} == {
        "homes": ("berekend", "berekend uit CBS 2025, Kadaster 2026-01-08", "", "score_basis"),
        "gas_use_m3_per_home": ("cbs-statistics", "2024", "gas_use_m3_per_home_year", ""),
        "yield_fit_kwh_per_year": (
            "berekend",
            "berekend uit CBS 2025, Kadaster 2026-01-08",
            "",
            "yield_fit_kwh_per_year_basis",
        ),
        "bouwjaar": ("bag-home", "editie 2026-01-08", "", ""),
        "score_basis": ("berekend", "berekend uit CBS 2025, Kadaster 2026-01-08", "", ""),
        "gas_use_m3_per_home_year": ("berekend", "", "", ""),
        "yield_fit_kwh_per_year_basis": ("berekend", "", "", ""),
    }
    kinds = [(one.kind, one.unit, one.decimals) for one in made.values()]
    assert kinds == [
        ("number", "", 0),
        ("number", "m³ per woning per jaar", 0),
        ("number", "kWh per jaar", 0),
        ("number", "jaartal", 0),
        ("text", "", 0),
        ("number", "jaartal", 0),
        ("text", "", 0),
    ]
    (alone,) = legend.columns_of(pd.DataFrame(columns=["bouwjaar"]), ["bouwjaar"], [_source("pand"), home])
    assert (alone.source, alone.year) == ("bag-pand", "editie 2026-01-08")


def test_a_delivery_says_of_when_it_is():
    assert legend.delivered(_source("statistics", edition="1", year=2024)) == "editie 1, cijfers over 2024"
    assert legend.aged(_source("home", edition="2026-01-08")) == "gegevens tot en met 8 jan 2026"
    assert legend.aged(_source("home", edition="1")) == "leeftijd niet genoemd"
    assert legend.unit_of(fields.get("earns_keep_frac")) == "aandeel"


def test_words_are_of_columns_with_codes_and_of_what_they_were_made_from():
    names = ("homes", "sun_class", "own_use_pay_frac_basis", "place_name", "face_name")
    words = legend.words_of([legend.Column(name, "", "") for name in names])
    assert set(words) == {"sun_class", "own_use_pay_frac_basis"}
    assert np.all([len(one) for one in words.values()])
