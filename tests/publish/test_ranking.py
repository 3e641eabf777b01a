"""What the first minute says of a place's money: the amount of the case, its interval, and where it holds nothing."""

from __future__ import annotations

import math

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from kansenkaart.publish.figures import Verdict, alike, with_more_homes
from kansenkaart.publish.map.ranking import (
    _gain,
    _level,
    _mark,
    _needs,
    _note,
    _proof,
    _title,
    _where,
    first_minute,
    ranked,
)
from kansenkaart.wording.enterprise import owners_nl, short_nl
from kansenkaart.wording.nl import roughly
from tests.publish.tables import tool_of


@pytest.mark.parametrize(
    ("stays", "low", "high", "words", "between"),
    [
        (
            14_300.0,
            6_100.0,
            16_200.0,
            "Ongeveer 14.000 euro per jaar blijft in de buurt",
            "tussen 6.000 en 16.000 euro",
        ),
        (-6_825.0, -10_608.0, -3_316.0, "per jaar (er moet geld bij)", "11.000"),
    ],
)
def test_an_amount_is_said_with_its_interval_and_never_as_a_gain_where_it_costs(stays, low, high, words, between):
    case = pd.Series(
        {"stays_eur_per_year": stays, "stays_eur_per_year_low": low, "stays_eur_per_year_high": high, "track": "long"}
        | {"stays_eur_per_year_median": stays + 1_000.0}
    )
    answer = _gain(case, None)
    assert words in answer.answer
    assert between in answer.origin
    assert "verwacht bedrag, na alle kosten" in answer.origin
    assert f"; de middelste berekening: {roughly(stays + 1_000.0, low, high)[0]}" in answer.origin


def test_where_the_lead_is_less_than_is_known_no_place_is_said_to_lead():
    level = "alle 79 gebieden op de kaart zijn binnen de marge gelijk"
    answer = _where("Plein", "best", Verdict(False, True, False, ("Plein", "Laan", "Pad")), level)
    assert answer.answer == "Geen gebied ligt aantoonbaar voor"
    assert answer.origin == f"{level}; als voorbeeld Plein"
    few = _where("Plein", "best", Verdict(False, True, False, ("Plein", "Laan", "Pad")), "")
    assert few.origin == "drie gebieden zijn binnen de marge gelijk; als voorbeeld Plein"


def test_a_place_that_leads_is_said_to_do_so_by_the_amount_that_it_is_ranked_by():
    alone = _where("Plein", "best", Verdict(False, True, False, ("Plein",)), "")
    assert (alone.answer, "uitkomen" in alone.origin) == ("Plein", False)
    assert alone.origin == "van alle gebieden van deze grootte blijft hier naar verwachting het meeste over"
    short = _where("Plein", "best", Verdict(False, False, False, ("Plein",)), "")
    assert short.origin == "van alle gebieden van deze grootte moet hier naar verwachting het minste bij"
    equal = _where("Plein", "best", Verdict(True, True, False, ("Plein", "Laan")), "")
    assert (equal.answer, equal.origin.partition(":")[0]) == ("Plein", "een van de twee")
    assert _title(Verdict(True, True, False, ("Plein", "Laan"))) == "Twee gebieden zijn even kansrijk"
    assert _title(Verdict(False, True, False, ("Plein", "Laan"))) == "Nog geen gebied komt uit"


@pytest.mark.parametrize(
    ("verdict", "mark"),
    [
        (None, "Begin hier"),
        (Verdict(True, True, False, ("Plein",)), "Begin hier"),
        (Verdict(True, True, True, ("Plein", "Laan")), "Even kansrijk"),
        (Verdict(False, True, True, ("Plein", "Laan")), "Als voorbeeld"),
        (Verdict(False, True, True, ("Plein",)), "Meeste over"),  # +2,000 in expectation, and 3 chances in 10
        (Verdict(False, False, True, ("Plein",)), "Minste geld bij"),
    ],
)
def test_the_mark_on_the_map_never_asks_for_money_where_the_amount_beside_it_is_above_nothing(verdict, mark):
    assert _mark(verdict) == mark


def test_a_proof_is_one_of_the_model_and_says_what_the_border_costs():
    assert _proof(0.0, 28.36) == (
        "binnen het rekenmodel bewezen: geen ander gebied van deze grootte met een even herkenbare rand brengt meer op; "
        "zonder op de rand te letten hoogstens €\u00a028 meer"
    )
    assert _proof(0.0, 0.2).endswith("; zonder op de rand te letten niets meer")
    assert "hoogstens 1,5%" in _proof(0.015, None)
    assert "bewezen" not in _proof(0.015, None)


@pytest.mark.parametrize(
    ("gap", "each", "words"),
    [
        (-500.0, (-4.0, -90.0, 60.0), "Niets extra: het wijkbedrijf betaalt naar verwachting zichzelf."),
        (0.0, (0.0, -90.0, 60.0), "Niets extra: het wijkbedrijf betaalt naar verwachting zichzelf."),
        (  # An interval over nought is no reason to call a shortage of 3,434 next to nothing.
            3_434.0,
            (68.0, -40.0, 194.0),
            "Elke woning die meedoet legt ongeveer 70 euro per jaar bij; misschien is er niets nodig "
            "(gerekend met 50 van de 304 woningen).",
        ),
        (
            62.0,
            (-10.0, -160.0, 130.0),
            "Bijna niets: het wijkbedrijf komt naar verwachting minder dan 1.000 euro per jaar tekort.",
        ),
        (
            9_394.0,
            (233.0, 98.0, 410.0),
            "Elke woning die meedoet legt ongeveer 230 euro per jaar bij, tussen 100 en 410 euro "
            "(gerekend met 40 van de 304 woningen).",
        ),
    ],
)
def test_what_it_takes_is_one_sentence_that_never_asks_a_negative_amount(gap, each, words):
    names = [f"contribution_eur_per_participant{end}" for end in ("", "_low", "_high")]
    case = pd.Series({"enterprise_eur_per_year": -gap, "homes": 304, **dict(zip(names, each, strict=True))})
    assert _needs(pd.concat([case, pd.Series(_CARRIED | _NONE)])) == words


_CARRIED = {"enterprise_eur_per_year_low": -3_774.0, "enterprise_eur_per_year_high": 14_588.0}
_GREEN = {"contract_service": "green_maintenance", "contract_eur_per_year": 14_530.0}
_NONE = {"contract_service": None, "contract_eur_per_year": math.nan}  # no service that a large party pays for
_PLENTY = "Niets extra: het wijkbedrijf betaalt naar verwachting zichzelf."


def test_a_contract_that_carries_the_enterprise_is_what_it_takes():
    case = pd.Series({"enterprise_eur_per_year": 5_078.0, **_GREEN, **_CARRIED})
    words = _needs(case)
    assert words.startswith("Een contract van de gemeente voor groen onderhouden: ongeveer 15.000 euro per jaar")
    assert words.endswith("een gok en geen toezegging. Zonder dat contract is er ongeveer 9.000 euro tekort.")
    for left in (14_530.0, 20_000.0):  # it pays without that too
        assert _needs(pd.Series({**case, "enterprise_eur_per_year": left})) == _PLENTY
    assert _needs(pd.Series({**case, **_NONE})) == _PLENTY


def test_owners_are_compared_on_one_track_at_a_time():
    def both(long, short):
        return {"long": _case("0", "best", "long", *long), "short": _case("0", "best", "short", *short)}

    words = owners_nl(both((-9_004.0, -8_220.0), (-5_334.0, 6_435.0)))
    assert "Lang spoor: zoals het nu is moet er ongeveer 9.000 euro per jaar bij; zijn die daken van bewoners" in words
    assert (
        "Kort spoor: zoals het nu is moet er ongeveer 5.000 euro per jaar bij; zijn die daken van één corporatie"
        in words
    )
    assert words.endswith("dan blijft er ongeveer 6.000 euro per jaar in de buurt.")
    # the step between the tracks is not the owner's
    assert owners_nl(both((8_173.0, 8_173.0), (30_998.0, 30_998.0))) == ""


def _case(place, kind, track, stays, owned, *, chance=0.0):
    width = {"stays_eur_per_year_low": stays - 3_000.0, "stays_eur_per_year_high": stays + 3_000.0}
    firm = {f"enterprise_eur_per_year{end}": stays - 400.0 for end in ("", "_low", "_median", "_high")}
    each = {f"contribution_eur_per_participant{end}": 230.0 for end in ("", "_low", "_high")}
    amounts = {"stays_eur_per_year": stays, "stays_eur_per_year_median": stays, "stays_if_owned_eur_per_year": owned}
    names = {"place_id": place, "place_kind": kind, "place_name": f"Plek {place}", "track": track, "homes": 304}
    others = {
        f"{one}_eur_per_year{end}": 0.0
        for one in ("household", "roof_owner", "municipality")
        for end in ("", "_low", "_median", "_high")
    }
    return {**names, **amounts, **width, **firm, **each, **others, "earns_keep_frac": chance, "services_nl": None}


class Cases:
    """A store of which only the best areas and the cases can be read."""

    def __init__(self, owned):
        gebieden = [_case(str(k), "gebied", "long", -9_000.0 - k, owned[0]) for k in range(3)]
        short = [_case(str(k), "gebied", "short", -5_000.0, owned[k]) for k in range(3)]
        best = [_case("0", "best", "long", -9_000.0, owned[0]), _case("0", "best", "short", -5_300.0, owned[0])]
        best += [_case("1", "best", "long", -9_001.0, owned[0]), _case("1", "best", "short", -5_300.0, owned[0])]
        self.tables = {
            "enterprise_case": pd.DataFrame([*gebieden, *short, *best]),
            "best_area": gpd.GeoDataFrame(
                {
                    "best_id": [0, 1],
                    "criterion": "stays",
                    "rank": [1, 2],
                    "best_name": ["Plek 0", "Plek 1"],
                    "homes": 304,
                },
                geometry=[Point(0, 0).buffer(1)] * 2,
                crs=28992,
            ),
        }

    def has(self, name):
        """Tell whether a table can be read."""
        return name in self.tables

    def read(self, name):
        """Read a table."""
        return self.tables[name].copy()


def test_the_first_screen_says_which_fact_would_turn_the_order_round_and_which_place_is_best_then():
    start = first_minute(Cases(owned=[6_435.0, 7_000.0, 22_130.0]), None, ())
    answers = {one.question: one for one in start.answers}
    assert start.title == "Eerst: van wie zijn de daken?"
    turned = answers["Wat kan dit omdraaien?"]
    assert (
        "Plek 2. Daar blijft er ongeveer 22.000 euro per jaar in de buurt (kort spoor), hier blijft er ongeveer 6.000"
        in turned.answer
    )
    assert not turned.folded
    where = answers["Waar?"]
    assert where.answer == "Geen gebied ligt aantoonbaar voor"
    assert where.origin.startswith("alle 3 gebieden op de kaart zijn binnen de marge gelijk")
    assert start.mark == "Als voorbeeld"


@pytest.mark.parametrize(
    "owned",
    [
        [6_435.0, 7_000.0, 8_000.0],
        [6_435.0, 7_000.0, 12_435.0],  # ahead by the 6,000 of the interval, not by more
        [math.nan] * 3,
        [-9_000.0, -9_500.0, -200.0],
        [-9_000.0, -9_500.0, 0.0],
    ],
)
def test_an_owner_who_changes_less_than_is_known_or_is_given_turns_nothing(owned):
    start = first_minute(Cases(owned=owned), None, ())
    assert start.title == "Nog geen gebied komt uit"
    assert "Wat kan dit omdraaien?" not in {one.question for one in start.answers}


def test_where_no_sums_were_made_the_first_screen_asks_and_marks_where_to_begin():
    store = Cases(owned=[math.nan] * 3)
    del store.tables["enterprise_case"]
    start = first_minute(store, None, ())
    assert (start.title, start.mark) == ("Waar beginnen?", "Begin hier")


def test_every_amount_of_the_first_screen_names_its_track():
    start = first_minute(Cases(owned=[math.nan] * 3), None, ())
    answers = {one.question: one.answer for one in start.answers}
    assert answers["Wat levert het op?"].endswith("op het lange spoor")
    assert all("lang spoor: begonnen door een coöperatie van bewoners" in one.span for one in start.places)
    assert answers["En op het korte spoor?"].startswith("Beginnen één grote eigenaar en de gemeente, dan moet er")
    short = pd.Series(_case("0", "best", "short", 31_000.0, math.nan, chance=0.998))
    assert "dan blijft er ongeveer 31.000 euro per jaar in de buurt" in short_nl(short)


def test_what_more_homes_in_one_enterprise_do_is_said_where_it_halves_the_contribution():
    store = Cases(owned=[math.nan] * 3)
    buurten = [
        _case(f"BU{k}", "buurt", "long", -9_700.0, math.nan) | {"homes": homes} for k, homes in enumerate((505, 5_304))
    ]
    for k, each in enumerate((150.0, 20.0)):
        buurten[k] |= {f"contribution_eur_per_participant{end}": each for end in ("", "_low", "_high")}
    store.tables["enterprise_case"] = pd.concat([store.read("enterprise_case"), pd.DataFrame(buurten)])
    answers = {one.question: one for one in first_minute(store, None, ()).answers}
    assert "in Plek BU1 (5.304 woningen) is zij ongeveer 20 euro per jaar" in answers["En met meer woningen?"].answer
    cases = store.read("enterprise_case")
    for other in ({"track": "short"}, {"place_kind": "gebied"}):  # for less, but begun by others, or no buurt
        more = pd.DataFrame(
            [buurten[1] | other | {f"contribution_eur_per_participant{end}": 5.0 for end in ("", "_low")}]
        )
        assert with_more_homes(pd.concat([cases, more]), cases.iloc[0])["contribution_eur_per_participant"] == 20.0
    assert with_more_homes(cases[cases["place_id"] != "BU1"], cases.iloc[0]) is None  # 150 is more than half of 230
    paying = {**cases.iloc[0], "enterprise_eur_per_year": 10.0}
    assert with_more_homes(cases, paying) is None


def test_areas_are_counted_as_equal_by_one_rule():
    store = Cases(owned=[math.nan] * 3)
    cases = store.read("enterprise_case").query("place_kind == 'gebied' and track == 'long'")
    assert _level(store, cases.iloc[0]) == "alle 3 gebieden op de kaart zijn binnen de marge gelijk"
    other = cases.assign(earns_keep_frac=[0.0, 0.3, 0.0])
    assert alike(other, other.iloc[0]).tolist() == [True, False, True]
    store.tables["enterprise_case"] = other
    assert _level(store, other.iloc[0]) == "2 van de 3 gebieden op de kaart zijn binnen de marge gelijk"


def test_proposed_areas_keep_the_homes_and_the_order_of_the_first_screen_and_say_what_is_drawn():
    store = Cases(owned=[math.nan] * 3)
    store.tables["best_area"] = store.read("best_area").assign(border_m=[900.0, 100.0], block_ids=["1,2", "3"])
    store.tables["block"] = pd.DataFrame({"block_id": [1, 2, 3], "homes": [200, 86, 304]})
    store.tables["buurt_score"] = pd.DataFrame({"homes": [500.0, 120.0]})
    tool = ranked(tool_of(), store, {})
    assert [(one.homes, one.note) for one in tool.areas] == [
        (304.0, "in blokken op de kaart: 286 woningen"),
        (304.0, ""),
    ]
    assert tool.note.endswith("de blokken op de kaart tellen 590 van de 620 woningen.")
    weights = {one.key: one.weight for one in tool.criteria}
    assert weights == {"stays_eur_per_year": 100.0, "border_m": 0.0}  # a shorter border would put the second first


@pytest.mark.parametrize(
    ("why", "drawn", "said"),
    [
        ("kleiner dan gevraagd", 8, "kleiner dan gevraagd; in blokken op de kaart: 8 woningen"),
        ("kleiner dan gevraagd", 10, "kleiner dan gevraagd"),
        ("", 8, "in blokken op de kaart: 8 woningen"),
        (math.nan, 8, "in blokken op de kaart: 8 woningen"),
        (None, 10, ""),
    ],
)
def test_an_area_says_why_it_has_its_size_and_how_many_homes_are_drawn(why, drawn, said):
    assert _note(pd.Series({"band_reason_nl": why, "homes": 10.0}), drawn) == said
