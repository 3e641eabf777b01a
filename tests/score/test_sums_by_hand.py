"""Sums of places, each part on a few rows whose answer a person works out: inputs, enterprise, facts and buurten."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.enterprise.linear import OUTCOMES
from kansenkaart.score import enterprise, facts, sensitivity, steps
from kansenkaart.tables.assumptions import default
from tests.score.area_store import stored

# What each input does to the sums of a place


def test_the_sun_of_a_place_rests_on_roofs_that_pay_and_are_used(monkeypatch):
    """Of five roofs one has no size, one no use: three stay, of 2, 3 and 5 kWp, of which 3 are guessed to be free."""
    pand = pd.DataFrame(
        {
            "kwp_pay": [2.0, 3.0, 5.0, 0.0, 4.0],
            "own_use_pay_frac": [0.5, 0.25, 0.1, 0.5, 0.0],
            "yield_pay_kwh_per_year": [1800.0, 2700.0, 4500.0, 9.0, 9.0],
            "homes": [1, 4, 6, 9, 9],
            "score_basis": ["lod22", "dsm", "footprint", "dsm", "dsm"],
            "pv_installed_frac_basis": ["own", "land", None, "land", "land"],
        }
    )
    seen = {}
    monkeypatch.setattr(sensitivity.weather, "station_of", lambda store, known: "station")
    monkeypatch.setattr(sensitivity.panden, "load_of", lambda station, known: ("sun", "load", 0.7))
    monkeypatch.setattr(sensitivity, "own_use", lambda *how, **more: seen.update(how=how, more=more) or "curve")
    known = default()
    model, ranges = sensitivity._sun(stored(pand_score=pand), known)
    assert seen == {"how": ("sun", "load"), "more": {"homes": 4.0, "spread": 0.7}}
    facts_of_place = {"kwp": 10.0, "kwh": 9000.0, "own": (900 + 675 + 450) / 9000, "land": 0.3}
    assert model.keywords["facts"] == pytest.approx(facts_of_place)
    rules = sensitivity.roofs.interval_rules()
    spread = [
        (
            2 * rules[f"place_{end}_frac"]["lod22"]
            + 3 * rules[f"place_{end}_frac"]["dsm"]
            + 5 * rules[f"place_{end}_frac"]["footprint"]
        )
        / 10
        for end in ("low", "high")
    ]
    assert ranges["roof_power"] == pytest.approx((spread[0], 1.0, spread[1]))
    middle, low, high = sensitivity.roofs.performance(known)
    assert ranges["performance_ratio"] == pytest.approx((low / middle, 1.0, high / middle))
    row = known["homes_with_panels"]
    assert ranges["homes_with_panels"] == (row.low, row.value, row.high)
    row = known["pv_life"]
    assert ranges["pv_life"] == (row.low, row.value, row.high)
    assert len(ranges) == len(sensitivity._SUN) + 3
    told = pand.assign(pv_installed_frac_basis="own")
    assert "homes_with_panels" not in sensitivity._sun(stored(pand_score=told), known)[1]
    model, ranges = sensitivity._sun(stored(pand_score=pand.iloc[3:]), known)
    assert (model({}).tolist(), ranges) == ([0.0], {})


def test_grey_water_of_a_place_is_the_sum_of_its_months_and_streets():
    known = default()
    homes, system = 10.0, known["grey_water_system_cost"].value
    street = pd.DataFrame(
        {
            "homes": [6, 4],
            "cost_grey_eur": [6 * system, 4 * system + 3 * known["mixed_drains_extra_cost"].value],
            "saving_grey_off_eur": [100.0, np.nan],
            "saving_grey_off_eur_low": [120.0, 7.0],
            "saving_grey_off_eur_high": [90.0, 7.0],
        }
    )
    month = pd.DataFrame(
        {f"{name}_m3": [n, 10.0 * n] for n, name in enumerate(("grey", "toilet", "washing", "garden", "green"), 1)}
    )
    store = {"street_water": street, "street_water_month": month}
    model, ranges = sensitivity._grey(stored(**store), known)
    assert model.keywords["facts"] == pytest.approx(
        {"grey": 11.0, "toilet": 22.0, "washing": 33.0, "garden": 44.0, "green": 55.0, "homes": homes, "mixed": 3.0}
    )
    assert model.keywords["area"] == "garden_area_default"
    assert ranges["sewer_saving"] == (100.0, 100.0, 100.0)  # the middle lies within, whichever end is which
    assert set(ranges) == {*sensitivity._GREY, "garden_area_default", "sewer_saving"}
    model, ranges = sensitivity._grey(stored(**store, terrain=street), known)
    assert "yard_paved_share" in ranges
    assert model.keywords["area"] == "yard_paved_share"
    model, ranges = sensitivity._grey(stored(**{**store, "street_water": street.assign(homes=0)}), known)
    assert (model({}).tolist(), ranges) == ([0.0], {})


def test_scores_whose_inputs_are_compared_are_those_that_are_there(monkeypatch):
    for tables, can in (
        ((), False),
        (("pand_score",), False),
        (("weather_hourly",), False),
        (("pand_score", "weather_hourly"), True),
        (("street_water_month",), True),
    ):
        assert sensitivity.ready(SimpleNamespace(has=lambda name, tables=tables: name in tables)) == can
    told = pd.DataFrame({"input_name": ["x"], "first_order_frac": [0.5], "total_frac": [0.6]})
    monkeypatch.setattr(sensitivity, "shares_of", lambda model, ranges: told)
    one = (None, {"x": (0.0, 1.0, 2.0)})
    for name, made in (("_sun", one), ("_grey", one), ("_rain", (lambda drawn: np.zeros(1), {}))):
        monkeypatch.setattr(sensitivity, name, lambda *_, made=made: made)
    all_of = ("pand_score", "weather_hourly", "street_water_month")
    kinds = {all_of: ["sun", "grey"], all_of[:2]: ["sun"], all_of[2:]: ["grey"], all_of[:1]: []}
    for tables, made in kinds.items():
        (product,) = sensitivity.score_inputs(SimpleNamespace(has=lambda name, tables=tables: name in tables), None)
        assert product.content["score_kind"].tolist() == made
        assert product.content.columns.tolist() == ["score_kind", "input_name", "first_order_frac", "total_frac"]
        assert product.content.index.tolist() == list(range(len(made)))
        assert (product.tally.rows_in, product.tally.kept) == (len(made), len(made))


def test_inputs_of_equal_share_come_by_name():
    ranges = dict.fromkeys("zya", (0.0, 1.0, 2.0))
    table = sensitivity.shares_of(lambda drawn: drawn["a"] + drawn["z"] + 0 * drawn["y"], ranges)
    assert table["input_name"].tolist()[2] == "y"
    constant = sensitivity.shares_of(lambda drawn: np.ones(1), ranges)
    assert constant["input_name"].tolist() == ["a", "y", "z"]
    assert constant.index.tolist() == [0, 1, 2]


def test_rain_of_streets_of_which_nothing_is_known_moves_nothing():
    street = pd.DataFrame({"net_rain_eur": [1.0, np.nan], "replacement_year": [np.nan, 2030.0]})
    model, ranges = sensitivity._rain(stored(street_water=street), default())
    assert (model({}).tolist(), ranges) == ([0.0], {})


# What the enterprise brings


def _drawn(**outcomes):
    """Return draws (outcomes, places, draws) of one place, nought where nothing is given."""
    out = np.zeros((len(OUTCOMES), 1, 11))
    for name, values in outcomes.items():
        out[OUTCOMES.index(name)] = values
    return out


def test_money_is_the_mean_and_the_percentiles_of_the_draws_and_breaking_even_is_paying():
    drawn = _drawn(enterprise=np.arange(-5.0, 6.0), household=10.0)
    told = enterprise._money(drawn)
    assert [told[f"enterprise_eur_per_year{end}"].tolist() for end in ("", "_low", "_median", "_high")] == [
        [0.0],
        [-4.0],
        [0.0],
        [4.0],
    ]
    assert told["earns_keep_frac"].tolist() == pytest.approx([6 / 11])  # nought among them
    assert told["stays_eur_per_year_low"].tolist() == [6.0]
    assert told["household_eur_per_year_high"].tolist() == [10.0]
    work = enterprise._work(
        SimpleNamespace(terms=SimpleNamespace(hours_per_job=1500.0, volunteer_hours_per_year=100.0)),
        _drawn(paid=3000.0, volunteer=250.0, investment=7.0, overhead=20.0, enterprise=-5.0).mean(axis=2),
    )
    assert {name: one.tolist() for name, one in work.items()} == {
        "paid_jobs": pytest.approx([2.0]),
        "volunteers": pytest.approx([2.5]),
        "investment_eur": pytest.approx([7.0]),
        "overhead_eur_per_year": pytest.approx([20.0]),
        "overhead_carried_eur_per_year": pytest.approx([15.0]),
    }


def _service(name, enterprise_eur, *, chosen=True, known=True, social=False, local=0.0):
    return SimpleNamespace(
        name=name,
        chosen=chosen,
        known=np.array([True, known]),
        enterprise=np.array([0.0, enterprise_eur]),
        local=np.array([0.0, local]),
        social=np.array([False, social]),
        drivers=("homes",),
    )


def test_services_are_told_by_what_they_earn_then_by_name_and_the_largest_contract_among_those_that_others_pay(
    monkeypatch,
):
    monkeypatch.setattr(
        enterprise, "amounts_nl", lambda pairs, of="": f"{of}{[(name, float(one)) for name, one in pairs]}"
    )
    results = [
        _service("b", 5.0),
        _service("a", 5.0),
        _service("c", 9.0),
        _service("unknown", 99.0, known=False),
        _service("e", -3.0, chosen=False, social=True, local=4.0),
        _service("d", -3.0, chosen=False),
        _service("f", -7.0, chosen=False, social=True, local=2.0),
    ]
    assert enterprise._services(results, 1) == {
        "services_nl": "[('c', 9.0), ('a', 5.0), ('b', 5.0)]",
        "costly_nl": "[('f', -7.0), ('d', -3.0), ('e', -3.0)]",
        "social_nl": "buurt [('f', 2.0), ('e', 4.0)]",
    }
    paid = {"a", "b", "unknown", "e"}
    assert enterprise._contract(results, 1, paid) == {"contract_service": "b", "contract_eur_per_year": 5.0}
    assert enterprise._contract(results, 1, {"c", "a"}) == {"contract_service": "c", "contract_eur_per_year": 9.0}
    nothing = {"contract_service": None, "contract_eur_per_year": None}
    assert enterprise._contract(results, 1, {"unknown", "e", "other"}) == nothing


def test_of_a_party_none_of_whose_services_could_be_summed_the_amounts_are_unknown():
    """Three places: all of the party's services known, one not, none. Only the owner of the roof moves in service s."""
    row = OUTCOMES.index("roof_owner")
    values = np.zeros((len(OUTCOMES), 1))
    mine = values.copy()
    mine[row] = 5.0
    setting = SimpleNamespace(
        units=SimpleNamespace(
            mean=lambda: SimpleNamespace(by_name={"s:kwp": mine, "t:kwp": mine, "other:homes": values})
        )
    )
    results = [
        SimpleNamespace(name="s", chosen=True, known=np.array([True, False, False, True])),
        SimpleNamespace(name="t", chosen=False, known=np.array([True, True, False, False])),
        SimpleNamespace(name="other", chosen=True, known=np.array([True] * 4)),
    ]
    amounts = np.arange(4.0)
    columns = dict.fromkeys(
        ("earns_keep_frac", "roof_owner_eur_per_year", "roof_owner_eur_per_year_low", "local_eur_per_year"), amounts
    )
    columns["municipality_eur_per_year"] = amounts
    told = enterprise._unknown(setting, results, columns)
    open_ = [0.0, np.nan, np.nan, 3.0]
    for name in ("roof_owner_eur_per_year", "roof_owner_eur_per_year_low", "local_eur_per_year"):
        assert told[name].tolist() == pytest.approx(open_, nan_ok=True)
    assert "earns_keep_frac" not in told


def test_the_blocks_of_an_area_are_their_rows_in_the_order_of_their_numbers():
    block = pd.DataFrame({"block_id": [7, 3, 5], "gebied_id": pd.array([1, 0, None], dtype="Int64")})
    best = pd.DataFrame({"best_id": [0, 1], "block_ids": ["7,3", "5"]})
    store = stored(block=block, best_area=best)
    assert enterprise.members_of(store, "gebied", "gebied_id") == {"0": [0], "1": [2]}
    assert enterprise.members_of(store, "best_area", "best_id") == {"0": [2, 0], "1": [1]}


def test_places_are_buurten_areas_and_best_areas_with_homes_each_by_its_name():
    def shaped(**columns):
        count = len(next(iter(columns.values())))
        return gpd.GeoDataFrame(columns, geometry=[shapely.Point(n, 0) for n in range(count)], crs=28992)

    buurt = pd.DataFrame({"buurtcode": ["B1", "B2", "B3"], "homes_stock": [90.0, 50.0, 0.0]})
    counted = pd.array([4, None, None], dtype="Int64")
    tables = {
        "buurt": buurt,
        "buurt_score": shaped(buurtcode=["B1", "B2", "B3"], buurtnaam=["Een", "Twee", "Drie"], homes=counted),
        "gebied": shaped(gebied_id=[0, 1], gebied_name=["Oost", "West"], homes=[300, 0]),
        "best_area": shaped(best_id=[0], best_name=["Noord"], homes=[1]),
    }
    found = enterprise.places(stored(**tables))
    assert found.drop(columns="geometry").to_dict("list") == {
        "place_kind": ["buurt", "buurt", "gebied", "best"],
        "place_id": ["B1", "B2", "0", "0"],
        "place_name": ["Een", "Twee", "Oost", "Noord"],
        "homes": [4.0, 50.0, 300.0, 1.0],
        "by_stock": [False, True, False, False],
    }
    assert found.index.tolist() == [0, 1, 2, 3]
    assert found.crs == 28992
    empty = enterprise.places(stored())
    assert (len(empty), empty.columns.tolist()) == (0, ["place_kind", "place_id", "place_name", "homes", "geometry"])
    assert [enterprise.ready(stored(**{name: buurt})) for name in ("buurt_score", "gebied", "best_area", "home")] == [
        True,
        True,
        True,
        False,
    ]
    ready = [
        enterprise.blocks_ready(stored(**dict.fromkeys(names, buurt)))
        for names in (("block", "home"), ("block",), ("home",))
    ]
    assert ready == [True, False, False]


# Facts, and what buurten add up to


def test_facts_of_another_owner_are_new_and_roofs_of_unknown_owner_stay_apart():
    items = ("systems", "kwp", "kwh_per_year", "used_kwh_per_year")
    owners = ("own", "association", "corporation", "corporation_house", "open_own", "open_association")
    row = {
        f"pv_{owner}_{item}": [float(10 * n + k)] for n, owner in enumerate(owners, 1) for k, item in enumerate(items)
    }
    frame = pd.DataFrame(row)
    before = frame.copy()
    for track, moved in (
        ("short", {"corporation_house": "open_own", "corporation": "open_association"}),
        ("long", {"own": "open_own", "association": "open_association"}),
    ):
        told = facts.with_owner(frame, track)
        expected = frame.copy()
        for mine, open_ in moved.items():
            for item in items:
                expected[f"pv_{mine}_{item}"] += frame[f"pv_{open_}_{item}"]
        pd.testing.assert_frame_equal(told, expected)
    pd.testing.assert_frame_equal(frame, before)
    unknown = facts.with_owner(frame.assign(**dict.fromkeys(frame, np.nan)), "long")
    assert unknown.isna().all(axis=None)


def test_a_point_is_counted_in_the_nearest_block_within_a_hundred_metres_and_a_buurt_by_its_code():
    blocks = gpd.GeoDataFrame(
        {"block_id": [5, 6]}, geometry=[shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)], crs=28992
    )
    spots = [(5, 5), (15, 5), (130, 5), (131, 5), (24, 50)]
    points = gpd.GeoDataFrame(
        {"buurtcode": ["B2", None, "B1", "B9", "B2"]},
        geometry=[shapely.Point(one) for one in spots],
        crs=28992,
        index=[9, 8, 7, 6, 5],
    )
    told = facts._place_of(points, blocks)
    assert told.index.tolist() == [9, 8, 7, 6, 5]
    assert told.tolist() == pytest.approx([0.0, 0.0, 1.0, np.nan, 1.0], nan_ok=True)  # as near to both: the first
    buurten = gpd.GeoDataFrame({"buurtcode": ["B1", "B2"]}, geometry=blocks.geometry, crs=28992)
    assert facts._place_of(points, buurten).tolist() == pytest.approx([1.0, np.nan, 0.0, np.nan, 1.0], nan_ok=True)
    coded = blocks.assign(buurtcode="B1")
    assert facts._place_of(points, coded).tolist() == pytest.approx(told.tolist(), nan_ok=True)


def test_a_pand_is_counted_with_its_homes_wherever_it_lies_and_without_homes_where_it_is():
    blocks = gpd.GeoDataFrame(
        {"block_id": [5, 6]}, geometry=[shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)], crs=28992
    )
    pand = gpd.GeoDataFrame(
        {"pand_id": ["p", "q", "r"]}, geometry=[shapely.box(n, 0, n + 1, 1) for n in (5, 25, 26)], crs=28992
    )
    home = gpd.GeoDataFrame(
        {"home_id": ["a", "b", "c"], "pand_id": ["p", "p", "r"]}, geometry=[shapely.Point(5, 5)] * 3, crs=28992
    )
    area = pd.DataFrame({"home_id": ["a", "b", "c"], "block_id": pd.array([6, 6, None], dtype="Int64")})
    told = facts._place_of_panden(stored(home=home, home_area=area), pand, blocks)
    assert told.tolist() == pytest.approx([1.0, 1.0, np.nan], nan_ok=True)
    alone = [1.0, 1.0, 1.0]
    for store in ({"home": home}, {"home_area": area}, {"home": home.drop(columns="pand_id"), "home_area": area}):
        assert facts._place_of_panden(stored(**store), pand, blocks).tolist() == [0.0, *alone[1:]]
    assert facts._place_of_homes(stored(home_area=area), home, blocks).tolist() == pytest.approx(
        [1.0, 1.0, np.nan], nan_ok=True
    )
    assert facts._place_of_homes(stored(), home, blocks).tolist() == [0.0] * 3


def test_sewers_are_due_within_the_period_or_renewed_at_their_rate_and_water_is_shared_over_all_homes_of_a_street():
    """Of five streets: due in the last year of the period, a year later, long ago, at an unknown year, and without homes."""
    known = default()
    period, now = known["analysis_period"].value, known["reference_year"].value
    street = pd.DataFrame(
        {
            "street_id": list("vwxyz"),
            "reused_m3_per_year": [10.0, 20.0, 30.0, 40.0, 50.0],
            "saving_grey_off_eur": 100.0,
            "saving_both_eur": [150.0, 150.0, 90.0, 150.0, 150.0],
            "replacement_year": [now + period, now + period + 1, now - 30, np.nan, now],
        }
    )
    home = gpd.GeoDataFrame({"home_id": list("abcdef")})
    water = pd.DataFrame({"home_id": list("abcde"), "street_id": ["v", "v", "w", "x", "y"]})
    told = facts._water(stored(street_water=street, home_water=water), home, known)
    part = min(known["sewer_renewal_rate"].value / 100 * period, 1.0)
    nan = np.nan
    expected = {
        "reused_m3_per_year": [5.0, 5.0, 20.0, 30.0, 40.0, nan],
        "sewer_saving_eur": [50.0, 50.0, 0.0, 100.0, 100 * part, nan],
        "sewer_saving_rain_eur": [25.0, 25.0, 0.0, 0.0, 50 * part, nan],
        "dated": [period, period, nan, 0.0, nan, nan],
        "dated_homes": [1.0, 1.0, nan, 1.0, nan, nan],
    }
    pd.testing.assert_frame_equal(told, pd.DataFrame(expected))
    for store in ({"street_water": street}, {"home_water": water}):
        assert facts._water(stored(**store), home, known).isna().all(axis=None)


def test_what_fits_in_a_buurt_is_set_beside_the_panels_that_homes_have():
    out = gpd.GeoDataFrame(
        {
            "buurtcode": ["B1", "B2", "B3"],
            "kwp_fit": [9.0, 2.0, 5.0],
            "pv_installed_kwp": [4.0, 6.0, None],
            "pv_systems": pd.array([2, 0, None], "Int64"),
        }
    )
    pand = pd.DataFrame(
        {
            "buurtcode": ["B1", "B1", "B1", "B2"],
            "kwp_pay": [3.0, 5.0, 0.0, 2.0],
            "homes": pd.array([1, 1, 1, 2], "Int64"),
        }
    )
    told = steps._beside_installed(out, pand)
    nan = np.nan
    for name, values in {
        "kwp_room": [5.0, 0.0, nan],
        "pv_installed_kwp_per_system": [2.0, nan, nan],
        "kwp_pay_per_roof": [4.0, nan, nan],
    }.items():
        assert told[name].astype(float).tolist() == pytest.approx(values, nan_ok=True), name
    bare = steps._beside_installed(out[["buurtcode", "kwp_fit"]], None)
    assert bare[["kwp_room", "pv_installed_kwp_per_system", "kwp_pay_per_roof"]].isna().all(axis=None)


def test_an_opt_out_list_and_a_table_are_known_again_whatever_their_order():
    assert steps.mark_of(frozenset("ab")) == steps.mark_of(frozenset("ba")) == "7e18f737311b2dc3"
    assert steps.mark_of(frozenset()) == ""
    assert steps.digest(pd.DataFrame({"a": [1]})) != steps.digest(pd.DataFrame({"a": [2]}))
    assert len(steps.digest(pd.DataFrame({"a": [1]}))) == 16


def test_a_roof_with_one_panel_is_a_system_and_one_with_none_is_not():
    pand = pd.DataFrame(
        {
            "pand_id": list("abcd"),
            "homes": [1, 1, 1, 1],
            "kwp_pay": [0.435, 0.0, np.nan, 9.0],
            "yield_pay_kwh_per_year": [380.0, 0.0, np.nan, 8000.0],
            "own_use_pay_frac": [0.9, np.nan, np.nan, 0.25],
        }
    )
    told = facts._roofs(stored(), pand, default())
    at = [f"pv_open_own_{name}" for name in ("systems", "kwp", "kwh_per_year", "used_kwh_per_year")]
    worn = 1 - default()["pv_degradation"].value / 100 * default()["pv_life"].value / 2
    assert told[at].to_numpy()[[0, 1, 3]] == pytest.approx(
        np.array([[1, 0.435, 380 / worn, 342 / worn], [0, 0, 0, 0], [1, 9, 8000 / worn, 2000 / worn]])
    )
    assert told.loc[2, at[:3]].isna().all()
