"""What the first minute says of a place's money: the amount of the case, its interval, and where it holds nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from kansenkaart.publish.map.ranking import _gain


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
    )
    answer = _gain(case, None)
    assert words in answer.answer
    assert between in answer.origin
    assert "verwacht bedrag, na alle kosten" in answer.origin
