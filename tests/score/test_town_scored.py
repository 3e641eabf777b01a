"""What the table of features says of the scored town, asked of a whole run (KANSENKAART_NIGHTLY=1).

The small field does not do here: all its areas lose, and no data of its own change a verdict.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from kansenkaart.config import DEMO
from kansenkaart.runs import study

ROOT = Path(__file__).resolve().parents[2]


def stays(store):
    """Return what stays in the places by that criterion [EUR/year], the first one first."""
    frame = store.read("best_area")
    return frame[frame["criterion"] == "stays"].sort_values("rank").set_index("best_name")


def _euros(said, of):
    """Read what a service of a list leaves the enterprise [EUR/year]."""
    whole = re.search(rf"{of}[^)]*\) \((\u2212?)\u20ac\s([\d.]+)\)", said)
    return int(whole[2].replace(".", "")) * (-1 if whole[1] else 1)


def holds(store) -> list[str]:
    """Name the rows of the table that are not so."""
    places, streets, cases = stays(store), store.read("street_water"), store.read("enterprise_case")
    first, like_the_first = places.iloc[0], cases["place_name"] == "Steekbeitelbuurt, rond Lijmklemstraat"
    rented = cases[like_the_first & (cases["place_kind"] == "best")].groupby("track").first()
    said = {
        "places that earn": first["stays_eur_per_year"] > 0 > store.read("best_area")["stays_eur_per_year"].min(),
        "all less sure than three in ten": places["earns_keep_frac"].between(0.0, 0.3, inclusive="neither").all(),
        "about 900": 800 < first["stays_eur_per_year"] < 1_000,
        "earns its keep, nine times in ten": rented.loc["short", "earns_keep_frac"] >= 0.9,
        "about 14,900": 14_700 < rented.loc["short", "stays_eur_per_year"] < 15_100,
        "those on its houses would lose": _euros(rented.loc["long", "costly_nl"], "huizen van corporaties") < 0,
        "3,120 euro": 3_100 < _euros(rented.loc["long", "services_nl"], "woongebouwen") < 3_140,
        "more than twice as much on the short track": 2 * _euros(rented.loc["long", "services_nl"], "woongebouwen")
        < _euros(rented.loc["short", "services_nl"], "woongebouwen"),
        "the first place": places.index[0].startswith("Schakelbuurt"),
        "equal to several others": first["stays_eur_per_year_low"] < places["stays_eur_per_year"].iloc[1],
        "streets where taking off rain": set(streets["class_rain"]) == {"A", "B", "C", "-", "?"},
        "unknown sewers": (streets["sewer_basis"] == "none").sum() > 5,
        "no street where grey water pays": "A" not in set(streets["class_grey"]),
        "and why": streets.loc[streets["class_grey"] == "C", "sentence_grey_nl"].str.startswith("Geen besparing").all(),
    }
    return [name for name, so in said.items() if not so]


@pytest.mark.nightly  # a whole run of the town, twice
def test_what_the_table_of_features_says_of_scores(tmp_path) -> None:
    shutil.copytree(ROOT / "studies", tmp_path / "studies")
    place = study.open_study(DEMO, root=tmp_path)
    study.run_acquire(place)
    study.run_score(place)
    assert holds(place.store) == []
    budget = tmp_path / "data" / "raw" / DEMO / "1" / "eigen" / "begroting.csv"
    whole = budget.read_bytes()
    budget.write_bytes(whole.replace(b"zwerfvuil en containerplekken;municipality;201860\r\n", b""))
    study.run_acquire(place)
    study.run_score(place)
    first = stays(place.store).iloc[0]
    assert -1_300 < first["stays_eur_per_year"] < -1_000
    assert first["earns_keep_frac"] < 0.1
