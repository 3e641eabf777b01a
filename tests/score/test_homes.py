"""One table of homes: every sum over streets, buurten, blocks and areas is the sum of its rows, to the last digit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kansenkaart.runs import study
from kansenkaart.score import enterprise
from kansenkaart.score.facts import AMOUNTS
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import basis_nl


@pytest.fixture(scope="module")
def store(finished):
    return study.open_study("proefveld", root=finished).store


def _sums(store, table: str, key: str, name: str) -> tuple[pd.Series, pd.Series]:
    """Return what the table of places says, and what its homes add up to."""
    home = store.read("home_score")
    if key == "street_id":
        home = home.merge(store.read("home_water")[["home_id", "street_id"]], on="home_id")
    elif key in ("block_id", "gebied_id"):
        home = home.merge(store.read("home_area"), on="home_id")
    told = store.read(table).set_index(key)[name]
    return told, home.groupby(key)[name].sum().reindex(told.index)


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("street_score", "street_key"),
        ("street_water", "street_id"),
        ("buurt_score", "buurtcode"),
        ("block", "block_id"),
    ],
)
def test_a_place_has_what_its_homes_have(store, table, key, name):
    told, of_homes = _sums(store, table, key, name)
    assert of_homes.notna().any()
    assert (told.fillna(0.0) == of_homes.fillna(0.0)).all()


@pytest.mark.parametrize("name", AMOUNTS)
def test_an_area_has_what_its_homes_have(store, name):
    # Areas are summed from blocks, so that the search may recombine them: equal to rounding.
    told, of_homes = _sums(store, "gebied", "gebied_id", name)
    np.testing.assert_allclose(told, of_homes, rtol=1e-13)


def test_no_home_is_lost_between_the_sums(store):
    home = store.read("home_score")
    assert set(home["home_id"]) == set(store.read("home")["home_id"])
    placed = home[home["buurtcode"].notna()]
    for name in AMOUNTS:
        assert store.read("buurt_score")[name].sum() == pytest.approx(placed[name].sum(), rel=1e-12)
        assert store.read("block")[name].sum() == pytest.approx(home[name].sum(), rel=1e-12)


def test_one_word_says_that_the_norm_stood_in(store):
    assert set(store.read("home_score")["people_basis"]) <= {"count", "cbs", "norm"}


def test_a_buurt_in_which_no_home_was_counted_has_no_case_by_its_stock(finished, monkeypatch):
    store = Store(finished / "data" / "processed" / "proefveld")
    counted = store.read("buurt_score")
    counted.loc[counted.index[0], "homes"] = 0
    read = store.read
    monkeypatch.setattr(store, "read", lambda name: counted if name == "buurt_score" else read(name))
    kept = enterprise.places(store)
    empty = str(counted["buurtcode"].iloc[0])
    assert not (kept["place_kind"].eq("buurt") & kept["place_id"].eq(empty)).any()  # a counted 0 is no unknown
    assert kept["place_kind"].eq("buurt").sum() == len(counted) - 1


def test_homes_that_no_register_counts_are_those_of_cbs_and_it_is_said(finished, monkeypatch):
    store = Store(finished / "data" / "processed" / "proefveld")
    counted = store.read("buurt_score")
    counted["homes"] = counted["homes"].astype("Float64")
    counted.loc[counted.index[0], "homes"] = None
    read = store.read
    monkeypatch.setattr(store, "read", lambda name: counted if name == "buurt_score" else read(name))
    kept = enterprise.places(store).set_index(["place_kind", "place_id"])
    code = str(counted["buurtcode"].iloc[0])
    stock = read("buurt").set_index("buurtcode")["homes_stock"]
    assert kept.loc[("buurt", code), "homes"] == stock[code]
    assert kept.index[kept["by_stock"]].tolist() == [("buurt", code)]
    assert "voorraad van CBS" in basis_nl(12, 26, float("nan"), by_stock=True)
    assert "CBS" not in basis_nl(12, 26, float("nan"))
