"""Names by which a reader can call a pipe, a roof face and a block."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from kansenkaart.wording.names import (
    area_names,
    band_reason,
    block_names,
    commonest,
    distinct_names,
    face_names,
    pand_names,
    pipe_names,
    sensitivity_sentence,
    short_id,
    side_nl,
)
from kansenkaart.wording.themes import headline, sun_finding


@pytest.mark.parametrize(
    ("uri", "last"),
    [
        ("http://sparql.gwsw.nl/voorbeeld#vb00-L0157", "vb00-L0157"),
        ("http://data.gwsw.nl/1.6/totaal/PVC", "PVC"),
        ("gemengd 329 1", "gemengd 329 1"),
        ("", ""),
    ],
)
def test_short_id_is_the_last_part(uri, last):
    assert short_id(uri) == last


def test_a_pipe_is_called_by_its_street_or_else_by_its_number():
    pipes = pd.DataFrame(
        {
            "pipe_id": ["http://x/y#L1", "http://x/y#L2", "http://x/y#L3"],
            "system": ["gemengd", "hemelwater", "iets"],
            "diameter_mm": [300.0, np.nan, np.nan],
            "street_name": ["Kade", None, None],
        }
    )
    named = pipe_names(pipes, {}).tolist()
    assert named == ["Kade: gemengd riool 300 mm", "regenwaterriool, streng L2", "riool, streng L3"]


def test_roof_faces_look_where_they_slope():
    # Eight directions of 45 degrees, the first around north: 337.5 to 22.5.
    faces = pd.DataFrame(
        {
            "tilt_deg": [35.0, 5.0, 35.0, 4.99, 20.0, np.nan],
            "azimuth_deg": [350.0, 180.0, 225.0, 180.0, np.nan, np.nan],
        }
    )
    assert face_names(faces).tolist() == [
        "schuin dakvlak op het noorden",
        "schuin dakvlak op het zuiden",
        "schuin dakvlak op het zuidwesten",
        "plat dakvlak",
        "plat dakvlak",
        "dakvlak",
    ]


def test_blocks_are_called_by_streets_or_a_postcode_and_only_where_two_are_alike_by_a_number():
    streets = ["Kade; Laan; Plein", "Plein", "Plein", "", None, ""]
    blocks = pd.DataFrame({"block_id": range(1, 7), "streets": streets, "place_name": ["Oost"] * 5 + [None]})
    codes = commonest(pd.Series(["4", "4", "4", None]), pd.Series(["2592VA", "2592 VA", "2592VA", "1000AA"]))
    assert block_names(blocks, codes).tolist() == [
        "Kade en Laan",
        "Plein, blok 2",
        "Plein, blok 3",
        "bij 2592 VA",
        "Oost, blok 5",
        "blok zonder buurt, blok 6",
    ]


def test_shares_that_are_more_than_all_with_their_interplay_are_said_as_no_more_than_all():
    rows = [("rain", "sewer_life", 0.91), ("rain", "decoupling_rain_cost", 0.095), ("rain", "sewer_design", 0.0101)]
    words = sensitivity_sentence(pd.DataFrame(rows, columns=["score_kind", "input_name", "total_frac"]), "rain")
    # 0.91, 0.095 and 0.0101 of 1.0151, rounded down: 89, 9 and, left out, 0 %.
    assert re.findall(r"\d+%", words) == ["89%", "9%"]


def test_areas_are_named_by_their_streets_no_two_alike_and_none_like_a_buurt():
    streets = [
        ["Kerkstraat", "Dorpsplein", "Molenweg"],
        ["Kerkstraat", "Dorpsplein"],
        ["Oost"],
        [],
        [],
        ["Kerkstraat", "Dorpsplein"],
    ]
    names = area_names(streets, ["West", "West", "Oost", "Oost", "Oost", "West"], taken=["Oost", "West"])
    assert names == [
        "Kerkstraat en Dorpsplein",
        "Kerkstraat en Dorpsplein (West)",
        "Oost (Oost)",
        "Oost, deel 1",
        "Oost, deel 2",
        "Kerkstraat en Dorpsplein, deel 1",
    ]


def test_areas_without_a_street_are_named_by_their_side_of_the_buurt():
    assert [side_nl(*one, 100.0) for one in ((90, 0), (70, 70), (0, -90), (-60, 70), (10, 20))] == [
        "oost",
        "noordoost",
        "zuid",
        "noordwest",
        "midden",  # within a quarter of the reach
    ]
    assert (side_nl(0.0, -24.9, 100.0), side_nl(0.0, -25.0, 100.0)) == ("midden", "zuid")
    assert side_nl(float("nan"), 0.0, 100.0) == ""
    names = area_names([[], [], ["Kade"], []], ["Oost"] * 4, taken=["Oost"], sides=["zuid", "zuid", "noord", ""])
    assert names == ["Oost, zuid", "Oost, zuid, deel 2", "Kade", "Oost, deel 1"]


def test_a_theme_is_headed_by_what_it_found():
    cases = pd.DataFrame({"stays_eur_per_year": [900.0, 400.0, -50.0, None], "earns_keep_frac": [0.7, 0.4, 0.1, None]})
    said = (
        ("gebied", cases, "In 2 van de 3 gebieden blijft geld over; in 1 betaalt een wijkbedrijf zichzelf"),
        ("buurt", cases[1:], "In 1 van de 2 buurten blijft geld over; in geen betaalt een wijkbedrijf zichzelf"),
        ("gebied", cases[:1], "In het enige gebied blijft geld over en betaalt een wijkbedrijf zichzelf"),
        ("gebied", cases[1:2], "In het enige gebied blijft geld over maar betaalt een wijkbedrijf zichzelf niet"),
        ("buurt", cases[2:], "In de enige buurt blijft geen geld over"),
        (
            "buurt",
            cases[:2].assign(stays_eur_per_year=[0.0, -1.0]),  # nothing to add is enough
            "In 1 van de 2 buurten blijft geld over en betaalt een wijkbedrijf zichzelf",
        ),
        ("gebied", cases[2:].iloc[[0, 0]], "In geen van de 2 gebieden waarin de plaats is verdeeld blijft geld over"),
    )
    for place, frame, words in said:  # money stays in as many as the map colours so
        assert headline(f"wijkbedrijf_{place}", frame) == words
    assert headline("buurten", pd.DataFrame({"homes": [300, 1200]})) == "2 buurten met 1.500 woningen"
    assert headline("gebieden", pd.DataFrame({"homes": [300]})) == "1 gebied met 300 woningen"
    assert headline("riool", pd.DataFrame({"system": ["gemengd", "hemelwater", None]})) == (
        "1 van de 2 leidingen voert vuil en regen samen af"
    )
    streets = pd.DataFrame({"homes": [4, 9, 0], "class_grey": ["?", "?", "-"], "class_rain": ["?", "B", "-"]})
    assert headline("grijswater", streets) == "Welk riool hier ligt, weten we niet"
    assert headline("hemelwater", streets) == "Regen afkoppelen kan lonen in 1 straat; zeker is het nergens"
    some = streets.assign(class_grey=["?", "C", "-"], class_rain=["?", "C", "-"])  # nothing is said of the unknown one
    assert headline("grijswater", some) == "Grijswater loont hier in geen enkele straat, waar we het riool kennen"
    assert headline("hemelwater", some).endswith("nergens door het riool alleen, waar we het riool kennen")
    assert headline("hemelwater", some[1:]).endswith("nergens door het riool alleen")
    assert headline("panden", pd.DataFrame({"modules_fit": [0, None]})) == ""
    roofs = pd.DataFrame(
        {"modules_fit": [1.0, 0.0], "modules_pay": [1.0, None], "yield_fit_kwh_per_year": [340.0, 0.0]}
    )
    roofs["yield_pay_kwh_per_year"] = roofs["yield_fit_kwh_per_year"]
    assert headline("panden", roofs) == "Er past 1 paneel; 1 daarvan loont"
    assert sun_finding(roofs) == (
        "Op alle daken samen past 1 paneel: 340 kWh per jaar. Voor de woningen eronder loont er 1: 340 kWh per jaar."
    )
    some = pd.DataFrame({"modules_fit": [870.0, None, None], "yield_fit_kwh_per_year": [310_000.0, None, None]})
    assert headline("panden", some) == "Er passen 870 panelen; van andere daken is het onbekend"
    assert headline("panden", pd.DataFrame({"modules_fit": [*[90.0] * 9, None]})) == "Er passen 810 panelen"
    assert sun_finding(some) == (
        "Op de daken die bekend zijn (1 van de 3 gebouwen) passen ongeveer 870 panelen: 310 MWh per jaar."
    )
    assert sun_finding(some.assign(modules_fit=[0.0, 0.0, 0.0])) == "Op alle daken samen past geen paneel."


def test_a_reason_says_impossible_only_where_that_is_proven():
    said = {
        kind: band_reason(kind, 1500, area_homes=380, band=(297, 363), tries=40)
        for kind in ("island", "giant", "indivisible", "not_met", "")
    }
    assert said["not_met"] == "380 woningen: in 40 pogingen is geen verdeling in 297 tot 363 woningen gevonden"
    assert "niet te verdelen" in said["indivisible"]
    assert "1.500" in said["giant"]
    assert said[""] is None


def test_names_that_come_twice_are_numbered():
    assert distinct_names(["Oost, rond Dam", "West", "Oost, rond Dam", "oost, rond dam"]) == [
        "Oost, rond Dam",
        "West",
        "Oost, rond Dam, 2",
        "oost, rond dam, 3",
    ]


def test_buildings_are_called_by_their_addresses():
    homes = pd.DataFrame(
        {
            "pand_id": ["1", "1", "2", "3"],
            "street_name": ["Kade", "Kade", None, "Laan"],
            "postcode": ["1234AB"] * 4,
            "house_number": [10, 2, 5, None],
            "house_letter": [None, "a", None, None],
        }
    )
    names = pand_names(pd.Series(["1", "2", "3", "9999100000123456"]), homes)
    assert list(names) == [
        "Kade 2a en nog 1",
        "1234AB 5",
        "gebouw 3",  # its home has no number
        "gebouw zonder woning 123456",
    ]
    assert list(pand_names(pd.Series(["9999100000123456"]), None)) == ["gebouw 123456"]  # nobody counted


def test_the_three_inputs_that_carry_most_of_the_doubt_are_said():
    # Of the two that carry as much the first of the alphabet is named, whatever the order of the table.
    rows = [("sun", "pv_upkeep", 0.03), ("sun", "electricity_price_all_in", 0.27), ("sun", "pv_life", 0.03)]
    rows += [("sun", "self_consumption_reference", 0.62), ("grey", "drinking_water_price", 0.005)]
    frame = pd.DataFrame(rows, columns=["score_kind", "input_name", "total_frac"])
    assert sensitivity_sentence(frame, "sun") == (
        "De onzekerheid komt hier het meest van: hoeveel zonnestroom een woning zelf gebruikt (62%), de prijs van stroom (27%) "
        "en hoelang panelen meegaan (3%)."
    )
    assert sensitivity_sentence(frame, "grey") == ""  # under one per cent says nothing
    one = frame[frame["score_kind"].eq("sun")].sort_values("total_frac").tail(1)
    assert sensitivity_sentence(one, "sun").endswith(
        "komt hier het meest van: hoeveel zonnestroom een woning zelf gebruikt (62%)."
    )
    assert sensitivity_sentence(frame, "rain") == ""


def test_all_roofs_together_are_said_as_roundly_as_they_are_sure():
    panden = pd.DataFrame(
        {
            "modules_fit": [1200, 34, None],
            "yield_fit_kwh_per_year": [480_000.0, 13_600.0, None],
            "modules_pay": [300, 4, None],
            "yield_pay_kwh_per_year": [110_000.0, 1_600.0, None],
        }
    )
    said = sun_finding(panden)
    assert said == (
        "Op de daken die bekend zijn (2 van de 3 gebouwen) passen ongeveer 1.200 panelen: 490 MWh per jaar."
        " Voor de woningen eronder lonen er ongeveer 300: 110 MWh per jaar."
    )
    assert "onbekend" in sun_finding(panden.assign(modules_fit=None))


def test_of_values_that_come_as_often_the_first_of_the_alphabet_is_the_commonest():
    keys = pd.Series([f"k{i}" for i in range(200) for _ in range(3)])
    values = pd.Series([one for _ in range(200) for one in ("Zaan", "Amstel", "IJ")])
    assert set(commonest(keys, values)) == {"Amstel"}
    twice = commonest(pd.Series(["k"] * 3), pd.Series(["Zaan", "Amstel", "Zaan"]))
    assert twice.tolist() == ["Zaan"]
