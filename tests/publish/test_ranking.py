"""What the first minute says of a place's money: the amount of the case, its interval, and where it holds nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from kansenkaart.publish.figures import Verdict
from kansenkaart.publish.map.ranking import _gain, _needs, _proof, _title, _why
from kansenkaart.wording.nl import roughly


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


def test_places_within_the_margin_are_said_to_be_equal_whether_they_earn_their_keep_or_not():
    assert _why("best", Verdict(False, False, ("Plein", "Laan")), alike=True).endswith(
        "alle gebieden verschillen minder dan de marge"
    )
    assert "; drie gebieden verschillen minder dan de marge" in _why(
        "best", Verdict(False, False, ("Plein", "Laan", "Pad"))
    )
    assert "onderscheiden" not in _why("best", Verdict(False, False, ("Plein",)))
    assert (
        _why("best", Verdict(True, False, ("Plein", "Laan"))) == "een van de twee: ze verschillen minder dan de marge"
    )
    assert _title(Verdict(True, False, ("Plein", "Laan"))) == "Twee gebieden zijn even kansrijk"
    assert _title(Verdict(False, False, ("Plein", "Laan"))) == "Nog geen gebied komt uit"


def test_a_proof_is_one_of_the_model_and_says_what_the_border_costs():
    assert _proof(0.0, 28.36) == (
        "binnen het rekenmodel bewezen: geen ander gebied met een even herkenbare rand brengt meer op; "
        "zonder op de rand te letten hoogstens €\u00a028 meer"
    )
    assert _proof(0.0, 0.2).endswith("; zonder op de rand te letten niets meer")
    assert "hoogstens 1,5%" in _proof(0.015, None)
    assert "bewezen" not in _proof(0.015, None)


@pytest.mark.parametrize(
    ("gap", "each", "words"),
    [
        (-500.0, (-4.0, -90.0, 60.0), "Niets extra: het wijkbedrijf betaalt naar verwachting zichzelf."),
        (62.0, (-10.0, -160.0, 130.0), "Bijna niets: het wijkbedrijf komt naar verwachting €\u00a060 per jaar tekort."),
        (
            9_394.0,
            (233.0, 98.0, 410.0),
            "Elke woning die meedoet legt ongeveer 230 euro per jaar bij, tussen 100 en 410 euro.",
        ),
    ],
)
def test_what_it_takes_is_one_sentence_that_never_asks_a_negative_amount(gap, each, words):
    names = [f"contribution_eur_per_participant{end}" for end in ("", "_low", "_high")]
    case = pd.Series({"enterprise_eur_per_year": -gap, **dict(zip(names, each, strict=True))})
    assert _needs(case) == words
