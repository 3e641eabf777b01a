"""What readers are told exactly at, just below and just above each limit, and every sentence of rare occasions, by value."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from kansenkaart.errors import SchemaError
from kansenkaart.wording import enterprise, messages, names, nl, themes
from kansenkaart.wording.messages import area_lines, error_lines, in_dutch, own_result_nl, status_lines, table_lines


@pytest.mark.parametrize(
    ("width", "below", "above"),
    [(400.0, 10, 100), (1500.0, 100, 500), (5000.0, 500, 1000), (1e5, 1000, 10_000), (1e6, 10_000, 100_000)],
)
def test_a_wider_interval_asks_for_rounder_amounts_from_its_limit_on(width, below, above):
    assert (nl.step_of(width - 0.5), nl.step_of(width), nl.step_of(width + 0.5)) == (below, below, above)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (nl.amount(99.96, "m2"), "100,0 m²"),
        (nl.amount(100.0, "m2"), "100 m²"),
        (nl.amount(100.4, "m2"), "100 m²"),
        (nl.amount(-99.5, "m2"), "−99,5 m²"),
        (nl.amount(-100.5, "m2"), "−100 m²"),
        (nl.amount(1.0, "person"), "1 persoon"),
        (nl.amount(1.0, "home"), "1 woning"),
        (nl.amount(2.0, "home"), "2 woningen"),
        (nl.amount(1.0, "m3"), "1 m³"),
        (nl.amount(12.0, "%"), "12%"),
        (nl.amount(12.0, "% of regional best"), "12 % van het beste in de streek"),
        (nl.amount(3.0, "1"), "3"),
        (nl.bound(9.94), "9,9"),
        (nl.bound(10.0), "10"),
        (nl.bound(10.4), "10"),
        (nl.bound(-0.25), "−0,25"),
        (nl.two_digits(99.9), 99.9),
        (nl.two_digits(100.0), 100.0),
        (nl.two_digits(105.0), 110.0),
        (nl.two_digits(-995.0), -990.0),
        (nl.two_digits(995.0), 1000.0),
        (nl.energy(9_999.0), "9.999 kWh"),
        (nl.energy(10_000.0), "10 MWh"),
        (nl.energy(-10_000.0), "−10 MWh"),
        (nl.energy(9_999_499.0), "9.999 MWh"),
        (nl.energy(1e7), "10 GWh"),
        (nl.chance(0.0099), "minder dan 1%"),
        (nl.chance(0.9901), "meer dan 99%"),
        (nl.euros(14.9), "€\u00a010"),
        (nl.euros(15.0), "€\u00a020"),
        (nl.euros(-15.0), "−€\u00a010"),
        (nl.euros(-15.1), "−€\u00a020"),
        (nl.euros(149.0, 100), "€\u00a0100"),
        (nl.about(49.9, 100), "minder dan 100 euro"),
        (nl.about(50.0, 100), "ongeveer 100 euro"),
        (nl.counted(0.6, "straat", "straten"), "1 straat"),
        (nl.counted(1.4, "straat", "straten"), "1 straat"),
        (nl.counted(1.6, "straat", "straten"), "2 straten"),
        (nl.exact(0.000001), "0,000001"),
        (nl.exact(1200.0), "1.200"),
        (nl.number(-0.04, 1), "0,0"),
        (nl.number(-0.06, 1), "−0,1"),
        (nl.number(-math.inf), "onbekend"),
        (nl.unit_words("kWh/m2/year"), "kWh per m² per jaar"),
        (nl.unit_words("1/home"), "per woning"),
        (nl.day("2026-12-31"), "31 dec 2026"),
        (nl.capital("éénpersoons"), "Eénpersoons"),
        (nl.codes("score_basis", "en")["footprint"] == nl.codes("score_basis")["footprint"], False),
        (nl.csv_cell(True), '"True"'),
        (nl.csv_cell(np.float64("nan")), ""),
        (nl.csv_cell(pd.NaT), ""),
        (names.short_id("http://x/y/"), "y"),
        (names.short_id("http://x/y#a/b#"), "b"),
        (names.side_nl(25.0, 0.0, 100.0), "oost"),
        (names.side_nl(24.9, 0.0, 100.0), "midden"),
        (names.side_nl(0.0, math.nan, 1.0), ""),
        (names._face(4.99, 90.0), "plat dakvlak"),
        (names._face(5.0, 90.0), "schuin dakvlak op het oosten"),
        (names._face(5.0, math.nan), "plat dakvlak"),
        (names.around_nl("", "midden"), "rond het midden"),
        (themes.best_nl(1, 330), "Het beste gebied van ongeveer 330 woningen."),
        (
            themes.best_nl(2, 330),
            "De 2 beste gebieden van ongeveer 330 woningen die elkaar niet overlappen, beste eerst.",
        ),
        (themes.of_known(pd.Series([1.0, math.nan]), "dak", "daken"), "1 van de 2 daken"),
        (themes.of_known(pd.Series([1.0]), "dak", "daken"), ""),
        (themes.headline("overzicht", pd.DataFrame()), ""),
        (
            themes.headline("zon", pd.DataFrame({"sun_class": ["A", "A", "D", None]})),
            "Zeer goed: 2 van de 4 dakvlakken",
        ),
        (themes.headline("zon", pd.DataFrame({"sun_class": ["?", None]})), ""),
        (themes.headline("riool", pd.DataFrame({"system": [None]})), ""),
        (
            themes.headline("riool", pd.DataFrame({"system": ["vuilwater"]})),
            "Geen enkele leiding voert vuil en regen samen af",
        ),
        (
            themes.headline("riool", pd.DataFrame({"system": ["gemengd", "gemengd"]})),
            "2 van de 2 leidingen voeren vuil en regen samen af",
        ),
        (themes.headline("blokken", pd.DataFrame({"homes": [1.0]})), "1 bouwblok met 1 woning"),
        (themes.headline("blokken", pd.DataFrame({"homes": [0.0]})), ""),
        (themes.headline("blokken", pd.DataFrame({"x": [0.0]})), ""),
        (themes.headline("panden", pd.DataFrame({"x": [0.0]})), ""),
        (
            themes.headline("panden", pd.DataFrame({"modules_fit": [2.0], "modules_pay": [2.0]})),
            "Er passen 2 panelen; 2 daarvan lonen",
        ),
        (
            themes.headline("wijkbedrijf_buurt", pd.DataFrame({"stays_eur_per_year": [1.0], "earns_keep_frac": [0.5]})),
            "In de enige buurt blijft geld over en betaalt een wijkbedrijf zichzelf",
        ),
        (themes.headline("wijkbedrijf_buurt", pd.DataFrame({"stays_eur_per_year": [math.nan]})), ""),
        (themes.sun_finding(pd.DataFrame({"x": [1]})), "Hoe de daken liggen is hier onbekend."),
        (
            themes.sun_finding(pd.DataFrame({"modules_fit": [2.0], "yield_fit_kwh_per_year": [680.0]})),
            "Op alle daken samen passen ongeveer 2 panelen: 680 kWh per jaar.",
        ),
        (own_result_nl("unreadable", "watts"), messages._HINTS["watts"]),
        (own_result_nl("matched"), "gebruikt"),
        (own_result_nl("no_id", "no such hint"), messages._ROWS["no_id"]),
        (own_result_nl("new", ""), "new"),
        (in_dutch("['a', 'b c']"), "a, b c"),
        (in_dutch("a\x1bb"), "a b"),
        (in_dutch("bouwjaar"), "bouwjaar"),
    ],
)
def test_at_the_limits_and_on_rare_occasions(said, wanted):
    assert said == wanted


def test_of_roofs_of_which_nine_in_ten_are_known_the_heading_says_no_more():
    for known, more in ((9, ""), (8, "; van andere daken is het onbekend")):
        frame = pd.DataFrame({"modules_fit": [90.0] * known + [math.nan] * (10 - known)})
        assert themes.headline("panden", frame) == f"Er passen {90 * known} panelen{more}"


def test_an_amount_that_changes_by_a_euro_is_spoken_of_and_by_less_is_not():
    stays = {"stays_eur_per_year": 0.0, "stays_eur_per_year_low": 0.0, "stays_eur_per_year_high": 0.0}
    for other, spoken in ((0.99, False), (1.0, True), (-1.0, True)):
        case = {**stays, "stays_if_owned_eur_per_year": other}
        assert bool(enterprise.owners_nl({"long": case, "short": case})) == spoken


def test_lines_of_a_table_are_as_wide_as_their_widest_cell_and_steer_no_screen():
    assert table_lines(["a", "naam"], [["lang", "x"], ["", "y\x1b"]]) == ["a     naam", "lang  x", "      y "]
    assert table_lines(["een"], []) == ["een"]


def test_an_error_in_lines_names_options_by_their_dutch_name():
    made = error_lines("x", found="y", where="--point", remedy="z")
    assert made == ["Fout: verwacht: x", "  gevonden: y", "  waar: --punt", "  wat te doen: z"]
    assert error_lines("x", found="y", where="", remedy="") == made[:2]


def test_a_status_says_what_failed_what_stands_and_when_it_is_tried_again():
    error = {"expected": "one row a day", "found": "iets", "where": "a.txt", "remedy": "look at the log of this run"}
    content = {
        "study": "plek",
        "at": "2026-07-29T21:00:00+00:00",
        "error": error,
        "published": {"page": "maps/plek/index.html", "since": "2026-07-01T10:00:00+00:00"},
        "again": "2026-07-30T00:30:00+00:00",
    }
    made = status_lines(content)
    assert made == [
        "De geplande run van plek is mislukt, 2026-07-29 23:00.",
        *error_lines(error["expected"], found="iets", where="a.txt", remedy=error["remedy"]),
        "  gepubliceerd blijft: maps/plek/index.html, zoals gemaakt op 2026-07-01",
        "  opnieuw: 2026-07-30 02:30",
    ]
    bare = status_lines({**content, "published": {"page": "p.html"}, "error": {"found": "iets", "remedy": ""}})
    assert bare[-2] == "  gepubliceerd blijft: p.html"
    assert len(bare) == 5
    none = status_lines({**content, "published": None, "again": None})
    assert none[-2:] == ["  gepubliceerd blijft: niets, want er was nog niets", "  opnieuw: niet vanzelf"]


def test_the_best_area_is_said_in_lines():
    area = {
        "best_name": "Kade",
        "homes": 330,
        "blocks": 1,
        "bound_gap_frac": 0.0,
        "stays_eur_per_year": 1234.0,
        "yield_fit_kwh_per_year": None,
        "people": 700.0,
        "stacked_homes": 12.0,
        "corporation_frac": 0.256,
        "known_border_frac": 0.804,
        "block_ids": "1;2",
    }
    border = [{"length_m": 12.4, "border_reason_nl": "water"}, {"length_m": 1234.6, "border_reason_nl": "spoor"}]
    prices = [
        {"inside": True, "price_eur_per_year": 1200.4, "block_id": 4},
        {"inside": False, "price_eur_per_year": None, "block_id": 5},
    ]
    made = area_lines({"area": area, "border": border, "prices": prices})
    assert made == [
        "Kade: 330 woningen in 1 blok; bewezen het beste",
        "  1.234  euro per jaar blijft in de buurt (verwacht)",
        "  onbekend  kWh per jaar van volle daken",
        "  700  inwoners",
        "  12  gestapelde woningen",
        "  26%  van corporaties",
        "Waarom deze grens (80% op een lijn die mensen kennen):",
        "     12 m  water",
        "   1235 m  spoor",
        "  blok 4 eruit: 1.200 per jaar minder waard",
        "  blok 5 erin: kan niet",
        "Blokken: 1;2",
    ]
    other = area_lines({"area": {**area, "bound_gap_frac": 0.012, "blocks": 2, "corporation_frac": None}, "border": []})
    assert other[0] == "Kade: 330 woningen in 2 blokken; hoogstens 1,2% te verbeteren"
    assert (other[5], other[-1], len(other)) == ("  onbekend  van corporaties", "Blokken: 1;2", 8)


def test_holes_take_names_only_where_a_sentence_has_hardly_any_words_of_its_own(monkeypatch):
    rows = {
        "{} of {}": "{} van {}",
        "{} letter {}": "{} teken {}",
        "{} signs {}": "{} tekens {}",
        "no {}": "geen {}",
        "column {}": "kolom {}",
        "x": "y",
    }
    monkeypatch.setattr(messages, "catalogue", lambda: rows)
    monkeypatch.setattr(messages, "_labels", lambda: {"homes": "woningen", "homes_x": "andere woningen"})
    messages._patterns.cache_clear()
    try:
        said = {
            "3 of 4": "3 van 4",
            "a b of 4": "a b of 4",  # two words of its own letters: names only
            "a b letter c d": "a b teken c d",  # six letters: anything
            "a signs c": "a tekens c",
            "a b signs c": "a b signs c",  # five: names only
            "no thing": "geen thing",
            "no such thing": "no such thing",
            "column homes": "kolom woningen",
            "homes": "homes",
            "homes_x": "andere woningen",
            "x; x": "y; y",
            "x; other": "y; other",
            "column 3 of 4": "kolom 3 van 4",  # a filling is a sentence itself, twice at most
            "column column column column z": "kolom kolom kolom column z",
        }
        assert {one: in_dutch(one) for one in said} == said
        assert next(pattern.pattern for pattern, _, _ in messages._patterns()).startswith("(.*?)")  # most words first
        assert [of_columns for _, _, of_columns in messages._patterns()] == [False, True, False, False, False]
    finally:
        messages._patterns.cache_clear()


def test_themes_views_and_codes_that_stand_twice_are_refused(monkeypatch):
    rows = themes.packaged_rows("themes.csv")
    for wrong in ([rows[0], rows[0]], [{**rows[0], "question": "none"}]):
        monkeypatch.setattr(themes, "packaged_rows", lambda _, wrong=wrong: wrong)
        with pytest.raises(SchemaError, match=rows[0]["theme"]):
            themes.themes.__wrapped__()
    code = {"list": "a", "code": "b", "label_nl": "x", "label_en": "y"}
    for wrong in ([code, code], [{**code, "label_nl": ""}], [{**code, "label_en": ""}]):
        monkeypatch.setattr(nl, "packaged_rows", lambda _, wrong=wrong: wrong)
        with pytest.raises(SchemaError, match="found a 'b'"):
            nl._lists.__wrapped__()
    monkeypatch.setattr(nl, "packaged_rows", lambda _: [code, {**code, "list": "c"}])
    assert nl._lists.__wrapped__() == {"a": {"b": ("x", "y")}, "c": {"b": ("x", "y")}}
    view = {"theme": "t", "column": "c", "label_nl": "l", "note_nl": "n", "bounds": "1 2.5", "labels_nl": "a|b|c"}
    monkeypatch.setattr(themes, "packaged_rows", lambda _: [dict(view), {**view, "column": "d", "bounds": ""}])
    made = themes.views.__wrapped__()
    assert made["t", "c"] == themes.ViewRow("t", "c", "l", "n", (1.0, 2.5), ("a", "b", "c"))
    assert (made["t", "d"].bounds, made["t", "d"].labels_nl) == ((), ())


def test_doubt_is_said_of_each_score_that_was_made():
    rows = [("sun", "a", 0.5), ("sun", "b", 0.01), ("sun", "c", 0.0099), ("rain", "z", 0.2), ("rain", "y", 0.2)]
    rows += [("rain", "x", 0.2), ("rain", "w", 0.1)]
    frame = pd.DataFrame(rows, columns=["score_kind", "input_name", "total_frac"])
    assert names.doubt_lines(frame) == ("Zon: a (50%) en b (1%).", "Hemelwater: x (20%), y (20%) en z (20%).")
