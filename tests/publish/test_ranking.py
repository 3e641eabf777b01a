"""What the first minute says of a place's money, where no case of an enterprise is made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kansenkaart.publish.map.ranking import _gain
from kansenkaart.tables.store import Store


@pytest.mark.parametrize(
    ("sun", "water", "words"),
    [
        (1000.0, 200.0, "zon en grijswater samen"),
        (1000.0, 0.0, "alleen zon"),
        (1000.0, np.nan, "alleen zon"),
        (np.nan, 200.0, "alleen grijswater"),
    ],
)
def test_a_sum_names_only_what_is_part_of_it(tmp_path, sun, water, words):
    row = pd.Series({"best_id": 1, "homes": 10, "sun_eur_per_year": sun, "water_eur_per_year": water})
    row["value_eur_per_year"] = np.nansum([sun, water])
    answer = _gain(Store(tmp_path / "empty"), "best", row)
    assert answer.origin.endswith(f"euro per woning; {words}")
