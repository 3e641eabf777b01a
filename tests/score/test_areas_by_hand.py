"""Blocks, areas and best areas, each part on a few rows whose answer a person works out."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.area.question import Area
from kansenkaart.score import areas, best_areas
from kansenkaart.tables.assumptions import default
from tests.score.area_store import stored


def test_streets_of_an_area_come_by_their_homes_then_by_name():
    home = pd.DataFrame(
        {
            "block": [0, 0, 1, 1, 1, 2, 2, -1, 3],
            "street_name": ["Pad", "Laan", "Laan", "Pad", "Dam", "Weg", None, "Weg", "Weg"],
        }
    )
    area = pd.Series([0, 0, 1, None], dtype="Int64")
    assert areas.streets_inside(home, area, count=3) == [["Laan", "Pad", "Dam"], ["Weg"], []]
    assert areas.streets_inside(home[["block"]], area, count=2) == [[], []]


def test_block_and_area_of_each_home_are_unknown_where_it_has_none():
    made = SimpleNamespace(
        frame=pd.DataFrame({"block_id": [10, 11, 12]}),
        block_of_home=pd.Series([1, -1, 0, 2], index=["a", "b", "c", "d"]),
    )
    told = areas._places_of_homes(made, pd.Series([0, 1, -1], dtype="Int64"))
    assert told.astype(object).where(told.notna(), None).to_dict("list") == {
        "block_id": [11, None, 10, 12],
        "gebied_id": [1, None, 0, None],
        "home_id": ["a", "b", "c", "d"],
    }
    assert told.dtypes.astype(str).tolist()[:2] == ["Int64", "Int64"]


def test_the_share_of_a_corporation_is_of_all_homes_of_a_block_and_of_the_buurt_where_it_has_none():
    """Block 0: one home of a corporation, one of nobody told; block 1: of no known buurt; block 2: without homes."""
    buurt = gpd.GeoDataFrame({"buurtcode": ["B1", "B2"], "corporation_pct": [50.0, 30.0]})
    home = gpd.GeoDataFrame({"buurtcode": ["B1", "B1", None, "B1"], "pand_id": ["p", "q", "q", "r"]})
    block = pd.DataFrame({"homes": [2, 1, 0], "buurtcode": ["B1", None, "B2"]})
    of_home = pd.Series([0, 0, 1, -1])
    own = pd.DataFrame({"pand_id": ["p", "r", "s"], "owner": ["woningcorporatie", "iemand", None]})
    told = areas._corporation(stored(own_pand=own), of_home, home, buurt, block)
    # of the three homes of B1 half are 1.5, of which one is told: half of the one that nobody told of
    assert told.tolist() == pytest.approx([0.75, np.nan, 0.3], nan_ok=True)
    assert areas._corporation(stored(), of_home, home, buurt, block).tolist() == pytest.approx(
        [0.5, np.nan, 0.3], nan_ok=True
    )


def test_money_of_water_is_that_of_the_home_else_its_part_of_the_street_else_unknown():
    home = gpd.GeoDataFrame({"home_id": ["a", "b"], "street_name": ["Laan", "Pad"], "street_id": [None, None]})
    names = ("water_eur_per_year", "water_eur_per_year_low", "water_eur_per_year_high")
    water = pd.DataFrame({"home_id": ["b"], **{name: [float(n)] for n, name in enumerate(names, 1)}})
    street = pd.DataFrame(
        {"street_name": ["Laan"], "homes": [4], **{name: [40.0 * n] for n, name in enumerate(names, 1)}}
    )
    for store, amounts in (
        ({"home_water": water, "street_water": street}, [[np.nan, 1.0], [np.nan, 2.0], [np.nan, 3.0]]),
        ({"street_water": street}, [[10.0, np.nan], [20.0, np.nan], [30.0, np.nan]]),
        ({}, [[np.nan, np.nan]] * 3),
    ):
        told = areas._water_of_homes(stored(**store), home)
        assert tuple(told) == names
        for name, values in zip(names, amounts, strict=True):
            assert told[name].tolist() == pytest.approx(values, nan_ok=True)


def test_streets_bound_blocks_from_just_the_share_of_homes_that_lie_at_one(monkeypatch):
    known = default()
    least, reach = known["area_street_cover"].value, known["street_reach"].value
    asked = []
    monkeypatch.setattr(areas, "bounding_lines", lambda terrain, line, *, classes: ((terrain, line), len(classes)))
    for share, bound in ((least, True), (least + 0.01, True), (least - 0.01, False)):
        monkeypatch.setattr(
            areas, "covered_share", lambda *how, share=share, **more: asked.append((how[1], more)) or share
        )
        told = areas._lines(stored(street_line=pd.DataFrame({"x": [1]})), None, known)
        lines, more = asked.pop()
        assert (lines[0], len(lines[1]), more) == (None, 1, {"reach_m": reach})
        assert (told == (None, None)) is not bound


def test_the_side_of_an_area_is_told_from_the_middle_of_its_buurt():
    buurt = gpd.GeoDataFrame(
        {"buurtcode": ["B1", "B2", "B1"]},
        geometry=[shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 1100, 100), shapely.box(9e3, 9e3, 1e4, 1e4)],
        crs=28992,
    )
    shapes = gpd.GeoSeries(
        [shapely.Point(500, 900).buffer(5), shapely.Point(1050, 90).buffer(5), shapely.Point(600, 500).buffer(5)]
    )
    assert areas.sides_of(shapes.set_crs(28992), pd.Series(["B1", "B2", "B1"]), buurt) == ["noord", "noord", "midden"]


# Best areas


def test_power_is_what_homes_can_use_where_any_of_it_is_known():
    block = pd.DataFrame({"yield_pay_kwh_per_year": [np.nan, 0.0, 0.5], "yield_fit_kwh_per_year": 1.0})
    assert best_areas.power_column(block) == "yield_pay_kwh_per_year"
    assert best_areas.power_column(block.iloc[:2]) == "yield_fit_kwh_per_year"


def test_a_value_is_averaged_over_the_homes_of_which_it_is_known_and_criteria_are_those_with_a_value():
    frame = pd.DataFrame(
        {
            "homes": [2, 3, 5],
            "stays_part_eur_per_year": [-30.0, np.nan, 70.0],
            "yield_pay_kwh_per_year": 0.0,
            "yield_fit_kwh_per_year": [0.0, np.nan, 0.0],
        }
    )
    blocks = best_areas.Blocks(frame, None)
    value, mean = best_areas.value_and_scale(blocks, "stays")
    assert value.tolist() == pytest.approx([-30.0, np.nan, 70.0], nan_ok=True)
    assert mean == pytest.approx(100 / 7)  # sizes over 2 and 5 homes
    assert best_areas.criteria_of(blocks) == ["stays"]
    nothing = best_areas.Blocks(frame.assign(stays_part_eur_per_year=np.nan), None)
    assert best_areas.criteria_of(nothing) == ["border"]
    value, mean = best_areas.value_and_scale(nothing, "border")
    assert (value.tolist(), mean) == ([0.0] * 3, 0.0)
    assert best_areas.value_and_scale(nothing, "stays")[1] == 0.0  # no home of which it is known, and no failure
    powered = best_areas.Blocks(frame.assign(yield_fit_kwh_per_year=[0.0, 9.0, 0.0]), None)
    assert best_areas.criteria_of(powered) == ["stays", "kwh"]
    assert best_areas.ready(stored(block=frame, block_border=frame))
    assert not best_areas.ready(stored(block=frame))
    assert not best_areas.ready(stored(block_border=frame))


def _block(count=4):
    frame = pd.DataFrame(
        {
            "block_id": np.arange(count) + 10,
            "homes": [3, 0, 5, 2],
            "stays_part_eur_per_year": [10.0, np.nan, -4.0, 1.0],
            "stays_fixed_eur_per_year": -2.0,
            "yield_pay_kwh_per_year": [100.0, 0.0, 50.0, np.nan],
            "yield_fit_kwh_per_year": 900.0,
        }
    )
    return gpd.GeoDataFrame(frame, geometry=[shapely.box(n, 0, n + 1, 1) for n in range(count)], crs=28992)


def _found(blocks=(0, 2), value=4.0, worth=2.0, bound=2.5, **more):
    area = Area(np.array(blocks), 0, 8, value, 7.0, 0, worth, bound, 0.0)
    return best_areas.Found(
        **{"best_id": 3, "criterion": "stays", "rank": 1, "area": area, "graph": None, "question": None} | more
    )


def test_a_variant_is_summed_over_its_blocks_and_compared_with_the_area_that_it_varies():
    told = best_areas._variant(_found(), _block(), np.array([2, 3]), kind="size")
    shape = told.pop("geometry")
    assert shape.equals(shapely.box(2, 0, 4, 1))
    assert told == {
        "best_id": 3,
        "variant_kind": "size",
        "homes": 7,
        "stays_eur_per_year": -4.0 + 1.0 - 2.0,
        "value_kwh_per_year": 50.0,
        "stays_eur_per_home": pytest.approx(-5 / 7),
        "value_kwh_per_home": pytest.approx(50 / 7),
        "shared_frac": pytest.approx(5 / 7),
        "block_ids": "12,13",
    }
    empty = best_areas._variant(_found(), _block().assign(yield_pay_kwh_per_year=0.0), np.array([1]), kind="size")
    assert (empty["homes"], empty["shared_frac"], empty["value_kwh_per_year"]) == (0, 0.0, 900.0)
    assert np.isnan([empty["stays_eur_per_year"], empty["value_kwh_per_home"]]).all()
    # gaps are shares of the larger of what the variant brings and what the area is worth; worth of that of the area
    compared = best_areas._compared(_found(), value=8.0, worth=-3.0, gap=0.5)
    assert compared == {"bound_gap_frac": 0.5 * 3.0 / 8.0, "worth_frac": (-3.0 - 2.0) / 4.0}


def test_other_sizes_and_other_borders_are_asked_around_the_same_centre(monkeypatch):
    rows = pd.DataFrame(
        {
            "target_homes": [250, 330],
            "homes": [7.0, np.nan],
            "blocks": [[2, 3], None],
            "value_eur_per_year": [8.0, np.nan],
            "worth_eur_per_year": [6.0, np.nan],
            "gap": [0.25, np.nan],
            "border_m": [5.0, np.nan],
        }
    )
    asked = {}
    monkeypatch.setattr(best_areas, "sizes", lambda graph, **more: asked.update(more) or rows)
    (size,) = best_areas._sizes(_found(question="question"), _block(), "effort")
    assert asked == {"centre": 0, "question": "question", "homes": (250, 330, 450), "effort": "effort"}
    assert (size["target_homes"], size["border_m"], size["block_ids"], size["variant_kind"]) == (
        250,
        5.0,
        "12,13",
        "size",
    )
    assert (size["bound_gap_frac"], size["worth_frac"]) == (0.25 * 6 / 8, (6 - 2) / 4)
    other = SimpleNamespace(blocks=np.array([3]), value=1.0, worth=1.5, gap=0.0, border_m=9.0)
    monkeypatch.setattr(best_areas, "runners_up", lambda graph, area, **more: asked.update(more) or [other])
    question = SimpleNamespace(low_homes=301, high_homes=360)
    (near,) = best_areas._runners_up(_found(question=question), _block(), "effort", 0.03)
    assert asked["within"] == pytest.approx(0.03 * 4 / 2)  # a share of 4, asked for as a share of 2
    assert asked["most"] == 3
    assert (near["target_homes"], near["border_m"], near["block_ids"], near["variant_kind"]) == (
        330,
        9.0,
        "13",
        "runner_up",
    )
    best_areas._runners_up(_found(question=question, value=0.1, worth=0.2), _block(), "effort", 0.03)
    assert asked["within"] == pytest.approx(0.03)  # of a euro where both are less


def test_areas_by_what_stays_come_by_its_mean_and_without_those_that_are_never_among_the_best():
    """Of four by what stays one is never best (not the first) and one of unknown sureness; one by power stays behind."""

    def drawn(stays, sure):
        return best_areas.Draws(stays, 0.0, 0.0, 0.0, 0.5, sure, 500, 12)

    found = [
        _found(draws=drawn(5.0, 0.2), bound=40.0, best_id=0, rank=1),
        _found(draws=drawn(9.0, 0.0), bound=30.0, best_id=1, rank=2),
        _found(draws=drawn(7.0, 0.0), bound=20.0, best_id=2, rank=3),
        _found(draws=drawn(-1.0, np.nan), bound=10.0, best_id=3, rank=4),
        _found(criterion="kwh", best_id=4, rank=1, bound=99.0),
    ]
    ranked, never = best_areas._ranked(found)
    assert never == 1
    assert [(one.best_id, one.rank, one.criterion) for one in ranked] == [
        (0, 1, "stays"),
        (1, 2, "stays"),
        (2, 3, "stays"),
        (3, 1, "kwh"),
    ]
    assert [one.draws.stays_eur_per_year for one in ranked[:3]] == [9.0, 5.0, -1.0]
    assert [one.area.bound for one in ranked] == [40.0, 40.0, 10.0, 99.0]
    only, never = best_areas._ranked(found[4:])
    assert (len(only), never, only[0].rank, only[0].best_id) == (1, 0, 1, 0)


def test_what_bounds_an_area_is_told_by_its_class_its_border_and_whether_its_line_is_known():
    """A square with a street on the east (half of it a border of buurten, half of wijken), gardens on the north, else nothing."""
    block = gpd.GeoDataFrame(
        {"block_basis": "gaps", "ext_m": [20.0, 99.0, 99.0]},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(0, 10, 10, 20)],
        crs=28992,
    )
    lines = [[(10, 0), (10, 4)], [(10, 4), (10, 6)], [(10, 6), (10, 10)], [(0, 10), (10, 10)]]
    edges = pd.DataFrame(
        {
            "a": [0, 0, 1, 2],
            "b": [1, 1, 0, 0],
            "cls": ["local", "local", "local", "garden"],
            "length_m": [4.0, 2.0, 4.0, 10.0],
            "on_buurt_border": [True, False, True, False],
            "on_place_border": [False, False, True, False],
        }
    )
    edges = gpd.GeoDataFrame(edges, geometry=[shapely.LineString(one) for one in lines], crs=28992)
    for basis, local in (("gaps", "gewone straat of tuinen"), ("streets", "gewone straat")):
        told = best_areas.border_lines(
            SimpleNamespace(inside=np.array([True, False, False])), block.assign(block_basis=basis), edges
        )
        rows = dict(zip(told["border_reason_nl"], told["length_m"], strict=True))
        assert rows == {
            "achterkanten of tuinen": 10.0,
            local: 2.0,
            f"{local}, op een buurtgrens": 4.0,
            f"{local}, op een wijkgrens": 4.0,
            "open land of de rand van de studie": 20.0,
        }
        outer = told[told["border_class"] == "outer"].iloc[0]
        assert outer.geometry.length == pytest.approx(20.0, abs=0.2)
        assert outer["known_line"]
    assert told.crs == 28992
