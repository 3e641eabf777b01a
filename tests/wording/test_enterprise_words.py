"""What readers are told of an enterprise, word for word: names, inputs, sums, owners, contracts and what must be added."""

from __future__ import annotations

from math import nan

import pytest

from kansenkaart.wording import enterprise as words

ADDED = {
    f"contribution_eur_per_participant{end}": euro for end, euro in (("", 230.0), ("_low", 98.0), ("_high", 410.0))
} | {"enterprise_eur_per_year_low": -14_000.0, "enterprise_eur_per_year_high": -5_000.0}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (words.label("fact", "green_m2"), "openbaar groen"),
        (words.label("track", "short"), "kort spoor"),
        (words.label("fact", "no_such_fact"), "no such fact"),
        (words.unit_of_fact("green_m2"), "m²"),
        (words.unit_of_fact("homes"), ""),
        (words.unit_of_fact("no_such_fact"), ""),
        (words._needs_of("no_such_service", "green_m2"), "openbaar groen (BGT)"),
        (words._needs_of("no_such_service", "no_such_fact"), "gegevens"),
        (words._needs_of("solar", "green_m2"), "daken en stroomgebruik"),
        (words.path_words("terms.wage_eur_per_hour"), "loon per uur"),
        (words.path_words("facts.green_m2"), "openbaar groen"),
        (words.path_words("group.wages"), "loon en uurtarief"),
        (words.path_words("green_maintenance.uptake_frac"), "groen onderhouden: deel dat meedoet"),
        (words.path_words("green_maintenance.chosen"), "groen onderhouden: doet mee"),
        (words.path_words("terms.green_maintenance_chosen"), "groen onderhouden: doet mee"),
        (words.row_words("price_index"), "prijspeil"),
        (words.row_words("green_maintenance:share"), "groen onderhouden: deel dat meedoet"),
        (
            words.row_words("green_maintenance:wage:enterprise>household"),
            "groen onderhouden: loon dat blijft (wijkbedrijf aan bewoners)",
        ),
        (
            words.amounts_nl([("green_maintenance", 14_530.0), ("health_insurance", -50.0)], "+ "),
            "groen onderhouden (+ €\u00a014.530); samen verzekeren (zorg) (+ −€\u00a050)",
        ),
        (words.amounts_nl([]), None),
        (
            words.missing_nl(["one_owner"], ["vve"], [("green_maintenance", "green_m2")]),
            "ontbreekt: one owner; onbekend: vve; niet meegerekend: groen onderhouden (onbekend: openbaar groen (BGT))",
        ),
        (words.missing_nl([], [], []), None),
        (
            words.idle_budgets_nl(
                [
                    ("green_maintenance", "green_m2", 0.0),
                    ("health_insurance", "homes", nan),
                    ("solar", "homes", None),
                ]
            ),
            "eigen begroting zonder prijs per eenheid, dus gerekend met een aanname: "
            "groen onderhouden (nul: openbaar groen (BGT)), samen verzekeren (zorg) (niet overal bekend: gegevens)",
        ),
        (words.idle_budgets_nl([("solar", "homes", None)]), ""),
        (words.basis_nl(9, 14, nan), "9 van 14 feiten bekend"),
        (
            words.basis_nl(9, 14, 1.0, by_stock=True),
            "9 van 14 feiten bekend; eigenaar van 1 pand volgens eigen gegevens; "
            "woningen naar de voorraad van CBS, niet uit de BAG",
        ),
        (
            words.contribution_nl({"enterprise_eur_per_year": -9_394.0, "homes": 304, **ADDED}),
            "ongeveer 9.000 euro per jaar (over alle woningen ongeveer 30 euro; per woning die meedoet ongeveer 230 "
            "euro, tussen 100 en 410 euro, in 8 van de 10 berekeningen)",
        ),
        (
            words.contribution_nl(
                {"enterprise_eur_per_year": -62.0, "homes": 0, **ADDED} | {"contribution_eur_per_participant_low": -1.0}
            ),
            "minder dan 1.000 euro per jaar (over alle woningen minder dan 1.000 euro; per woning die meedoet "
            "ongeveer 200 euro, tussen 0 en 400 euro, "
            "in 8 van de 10 berekeningen: onder 0 is er geen nodig)",
        ),
        (
            words.larger_nl({"place_name": "Plein", "homes": 505, **ADDED}),
            "Met meer woningen in één wijkbedrijf wordt de bijdrage kleiner, want de organisatie kost dan per woning minder: "
            "in Plein (505 woningen) is zij ongeveer 230 euro per jaar per woning die meedoet, tussen 100 en 410 euro, "
            "in 8 van de 10 berekeningen.",
        ),
        (words.track_nl("short"), "korte spoor"),
    ],
)
def test_names_inputs_sums_and_amounts_are_said_word_for_word(said, wanted):
    assert said == wanted


def _short(middle, low, high):
    ends = zip(("", "_low", "_high"), (middle, low, high), strict=True)
    return {f"stays_eur_per_year{end}": euro for end, euro in ends} | {"earns_keep_frac": 0.62}


def test_what_stays_on_the_short_track_is_said_with_its_sign():
    assert words.short_nl(_short(31_000.0, 12_000.0, 52_000.0)) == (
        "Beginnen één grote eigenaar en de gemeente, dan blijft er ongeveer 31.000 euro per jaar in de buurt, "
        "tussen 12.000 en 52.000 euro, in 8 van de 10 berekeningen; de kans dat het wijkbedrijf zichzelf betaalt is dan 62%."
    )
    assert words.short_nl(_short(0.0, -12_000.0, 9_000.0)).startswith(
        "Beginnen één grote eigenaar en de gemeente, dan komt het ongeveer op nul uit, tussen −12.000 en 9.000 euro, in"
    )
    assert words.short_nl(_short(-5_334.0, -8_000.0, -3_000.0)).startswith(
        "Beginnen één grote eigenaar en de gemeente, dan moet er ongeveer 5.500 euro per jaar bij, tussen 3.000 en 8.000 euro, in"
    )


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        (
            (-2_400.0, -9_000.0, 3_100.0),
            ("moet er ongeveer 2.000 euro per jaar bij", "9.000 euro erbij en 3.000 euro over"),
        ),
        ((-2_400.0, -9_000.0, 0.0), ("moet er ongeveer 2.000 euro per jaar bij", "0 en 9.000 euro")),
        ((2_400.0, -3_100.0, 9_000.0), ("blijft er ongeveer 2.000 euro per jaar in de buurt", "−3.000 en 9.000 euro")),
        ((400.0, -3_100.0, 9_000.0), ("komt het ongeveer op nul uit", "−3.000 en 9.000 euro")),
        ((-400.0, -9_000.0, 3_100.0), ("komt het ongeveer op nul uit", "−9.000 en 3.000 euro")),
    ],
)
def test_what_must_be_added_has_its_interval_from_the_same_side(amounts, said):
    assert words.left_nl(*amounts) == (said[0], f"tussen {said[1]}, in 8 van de 10 berekeningen")


def test_the_contract_that_brings_most_is_named_with_its_payer():
    assert words.contract_nl("green_maintenance", "municipality", 14_530.0, 14_529.0, 100) == (
        "Een contract van de gemeente voor groen onderhouden: ongeveer 14.500 euro per jaar voor het wijkbedrijf, "
        "een gok en geen toezegging. Zonder dat contract is er minder dan 100 euro tekort."
    )


def _owned(now, owned, wide=3_000.0):
    return _short(now, now - wide, now + wide) | {"stays_if_owned_eur_per_year": owned}


@pytest.mark.parametrize(
    "stays", [{}, {"long": (1.0, nan), "short": (1.0, 50_000.0)}, {"long": (0.0, 0.9), "short": (5.0, 4.1)}]
)
def test_owners_that_are_given_or_change_nothing_are_not_spoken_of(stays):
    assert words.owners_nl({track: _owned(*one) for track, one in stays.items()}) == ""


def test_owners_are_said_word_for_word_as_roughly_as_the_same_amount_elsewhere():
    assert words.owners_nl({"long": _owned(-9_004.0, -9_003.0), "short": _owned(-5_334.0, 6_435.0)}) == (
        "Op daken waarvan de eigenaar onbekend is tellen panelen niet mee. Lang spoor: zoals het nu is moet er ongeveer 9.000 "
        "euro per jaar bij; zijn die daken van bewoners en hun VvE's, dan scheelt dat minder dan de marge. Kort spoor: "
        "zoals het nu is moet er ongeveer 5.000 euro per jaar bij; zijn die daken van één corporatie, dan blijft er ongeveer "
        "6.000 euro per jaar in de buurt."
    )


def test_the_place_that_would_stand_first_is_said_with_both_amounts():
    best, mine = (_owned(0.0, euro) | {"place_name": name} for name, euro in (("A", 22_130.0), ("B", -6_435.0)))
    assert words.turned_nl(best, mine) == (
        "Zijn de daken van één corporatie, dan ligt de beste plek ergens anders: A. Daar blijft er ongeveer 22.000 euro per "
        "jaar in de buurt (kort spoor), hier moet er ongeveer 6.000 euro per jaar bij. Vraag het de corporatie."
    )


def test_a_talk_with_a_partner_has_its_lines_in_order():
    lines = words.partners()
    assert [one[0].kind for one in lines.values()] == ["label"] * len(lines)
    assert lines["corporation"][1] == (
        "gain",
        "Voor de eigenaren van de gebouwen samen: {amount}.",
        "roof_owner_eur_per_year",
    )
