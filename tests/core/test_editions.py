"""Summaries, drift and rows of editions: by hand on small tables, and laws over drawn ones."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.editions import Failure, Gate, bridge, compare, failures, summarise
from kansenkaart.publish.editions.editions import gates

BOW_TIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])


def _squares(count, *, side=10.0, west=100_000.0, **columns):
    shapes = [shapely.box(west + 20 * i, 400_000, west + 20 * i + side, 400_000 + side) for i in range(count)]
    values = {"pand_id": [f"{i:04d}" for i in range(count)], "buurtcode": "BU1", **columns}
    return gpd.GeoDataFrame(values, geometry=shapes, crs=28992)


def _found(now, before=None, name="pand"):
    told = failures({name: summarise(now)}, {} if before is None else {name: summarise(before)}, gates())
    return [(one.gate.gate, one.where) for one in told]


def test_a_summary_counts_what_is_known_and_sums_it():
    frame = _squares(4, homes=pd.array([1, 2, None, 5], dtype="Int64"))
    told = summarise(frame)
    assert told["rows"] == 4
    assert told["columns"]["homes"] == {
        "known": 3,
        "sum": 8.0,
        "mean": 8 / 3,
        "spread": pytest.approx(np.std([1, 2, 5])),
    }
    assert told["columns"]["buurtcode"] == {"known": 4}
    assert told["geometry"] == {
        "invalid": 0,
        "outside": 0,
        "area_m2": 400.0,
        "length_m": 160.0,
        "x_m": 100_035.0,
        "y_m": 400_005.0,
    }
    assert summarise(frame.iloc[:0])["rows"] == 0


def test_shapes_that_cross_themselves_or_lie_elsewhere_fail_by_themselves():
    frame = _squares(50)
    assert _found(frame) == []
    crossed = frame.set_geometry([shapely.affinity.translate(BOW_TIE, 100_000, 400_000), *frame.geometry[1:]])
    assert _found(crossed) == [("invalid", "pand")]
    assert _found(frame.set_geometry(frame.translate(-2e6))) == [("outside", "pand")]
    nowhere = frame.set_geometry([shapely.Point(np.nan, np.nan), *frame.geometry[1:]])
    assert ("outside", "pand") in _found(nowhere)


def test_half_the_rows_a_column_emptied_and_figures_that_jump_are_named():
    before = _squares(400, footprint_area_m2=np.linspace(50, 150, 400))
    assert _found(before, before) == []
    assert ("rows", "pand") in _found(before.iloc[:200], before)
    assert ("rows", "pand") in _found(pd.concat([before, before], ignore_index=True), before)
    emptied = before.assign(footprint_area_m2=np.where(np.arange(400) < 100, np.nan, before["footprint_area_m2"]))
    assert _found(emptied, before) == [("known", "pand.footprint_area_m2")]
    assert _found(before.assign(footprint_area_m2=before["footprint_area_m2"] * 1.5), before) == [
        ("drift", "pand.footprint_area_m2")
    ]
    infinite = before.assign(footprint_area_m2=np.where(np.arange(400) < 1, np.inf, before["footprint_area_m2"]))
    assert _found(infinite, before) == [("infinite", "pand.footprint_area_m2")]
    assert ("size", "pand") in _found(before.set_geometry(before.buffer(5)), before)
    assert _found(before.set_geometry(before.translate(2000)), before) == [("moved", "pand")]
    apart = {"pand": summarise(before.assign(buurtcode=None))}
    assert failures(apart, {}, gates()) == []  # a place without buurten: no pand lies in one
    told = failures(apart | {"buurt": summarise(_squares(3))}, {}, gates())
    assert ("covered", "pand.buurtcode") in [(one.gate.gate, one.where) for one in told]


def test_a_table_that_has_shapes_in_one_of_two_editions_is_compared_by_its_columns():
    shaped = _squares(400, footprint_area_m2=100.0)
    plain = pd.DataFrame(shaped.drop(columns="geometry"))
    assert _found(plain, shaped) == _found(shaped, plain) == []
    assert _found(plain.assign(footprint_area_m2=150.0), shaped) == [("drift", "pand.footprint_area_m2")]


def test_a_table_that_is_gone_and_totals_that_part_are_named():
    pand, score = summarise(_squares(40, footprint_area_m2=100.0)), summarise(_squares(39, footprint_area_m2=100.0))
    told = failures({"pand_score": score}, {"pand_score": score, "pand": pand}, gates())
    assert [str(one) for one in told] == ["gone of pand is 1, may be 0 to 0"]
    told = failures({"pand": pand, "pand_score": score}, {}, gates())
    assert [str(one) for one in told] == [
        "same of pand_score.footprint_area_m2 to pand.footprint_area_m2 is 0.975 (4000 before, 3900 now), may be 0.999 to 1.001"
    ]


@settings(max_examples=40)
@given(st.integers(100, 5000), st.floats(0.0, 3.0))
def test_rows_pass_exactly_within_their_limits(rows, factor):
    gate = Gate("rows", "*", "", 0.8, 1.5, 0.0, "1", "", "")
    now = round(rows * factor)
    summary = {"columns": {}, "geometry": None}
    told = failures({"t": {"rows": now, **summary}}, {"t": {"rows": rows, **summary}}, [gate])
    assert (told == []) is (0.8 <= now / rows <= 1.5)


def test_a_failure_says_what_was_found_and_against_what():
    column = "footprint_area_m2"
    before = _summary(1000, {column: {"known": 800, "mean": 10.0, "spread": 2.0}}, x_m=100.0, y_m=100.0)
    now = _summary(500, {column: {"known": 100, "mean": 30.0, "spread": 9.0}}, area_m2=2e8, x_m=3100.0, y_m=4100.0)
    told = failures({"pand": now}, {"pand": before}, gates())
    assert {one.gate.gate: (pytest.approx(one.found), one.before, one.now) for one in told} == {
        "rows": (0.5, 1000, 500),
        "size": (2.0, 1e8, 2e8),
        "moved": (5000.0, None, None),  # 3 and 4 km
        "known": (-0.6, 0.8, 0.2),  # 100 of 500 less 800 of 1000
        "drift": (10.0, 10.0, 30.0),  # 20 over the spread of before
    }


def test_rows_added_gone_and_changed_are_told_apart():
    before = _squares(5, homes=[1, 2, 3, 4, 5], kwp=[1.0, 2.0, np.nan, 4.0, 5.0])
    now = before.iloc[1:].assign(homes=[2, 3, 9, 5], kwp=[2.0, 7.0, 4.0, np.nan])
    new = _squares(1, west=200_000.0, homes=[1], kwp=[1.0]).assign(pand_id="9999")
    told = compare(before, gpd.GeoDataFrame(pd.concat([new, now], ignore_index=True), crs=28992), key=["pand_id"])
    assert (told.before, told.now) == (5, 5)
    assert told.changes.to_dict("list") == {
        "key": ["9999", "0000", "0002", "0003", "0004"],
        "change": ["added", "gone", "changed", "changed", "changed"],
        "columns": ["", "", "kwp", "homes", "kwp"],
    }
    homes, kwp = told.moves
    assert (homes.column, homes.moved, homes.total_before, homes.total_now) == ("homes", 1, 4.0, 9.0)
    assert (kwp.moved, kwp.largest) == (2, (("0002", None, 7.0), ("0004", 5.0, None)))


@pytest.mark.parametrize(
    ("kind", "before", "now"),
    [
        ("boolean", [True, None, False, None], [True, True, None, None]),
        ("string", ["a", None, "b", None], ["a", "c", None, None]),
        ("object", ["a", None, "b", None], ["a", "c", None, None]),
        ("Int64", [1, None, 2, None], [1, 3, None, None]),
    ],
)
def test_what_was_unknown_and_is_not_or_the_other_way_round_has_changed_and_what_stays_so_has_not(kind, before, now):
    old, new = (pd.DataFrame({"key": list("wxyz"), "said": pd.array(one, dtype=kind)}) for one in (before, now))
    assert compare(old, new, key=["key"]).changes["key"].tolist() == ["x", "y"]


def test_a_moved_shape_is_a_change_and_another_order_is_none():
    before = _squares(6)
    assert compare(before, before.iloc[::-1].reset_index(drop=True), key=["pand_id"]).changes.empty
    moved = before.set_geometry([*before.geometry[:5], before.geometry[5].buffer(1)])
    assert compare(before, moved, key=["pand_id"]).changes["columns"].tolist() == ["geometry"]
    assert compare(before.iloc[:0], before, key=["pand_id"]).count("added") == 6
    assert compare(before, before.iloc[:0], key=["pand_id"]).count("gone") == 6


@settings(max_examples=40)
@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_rows_are_conserved(old, new):
    frames = [pd.DataFrame({"id": sorted(one), "value": [1.0] * len(one)}) for one in (old, new)]
    told = compare(*frames, key=["id"])
    assert told.now == told.before + told.count("added") - told.count("gone")
    assert (told.count("added"), told.count("gone"), told.count("changed")) == (len(new - old), len(old - new), 0)


#: A table for which the rule of a pattern is the last that speaks.
_SPEAKS_OF = {"*": "terrain", "block*": "block", "best_*": "best_area"}
_MANY = 100_000


def _summary(rows=_MANY, columns=None, **geometry):
    still = {"invalid": 0, "outside": 0, "area_m2": 1e8, "length_m": 1e6, "x_m": 0.0, "y_m": 0.0}
    return {"rows": rows, "columns": columns or {}, "geometry": {**still, **geometry}}


def _told(known=_MANY, **more):
    return {"known": known, "sum": float(known), "mean": 0.0, "spread": 1.0, **more}


def _case(gate, limit, beyond):
    """Return tables of now and before that lie at a limit of a rule, or a little beyond it."""
    table = _SPEAKS_OF.get(gate.table, gate.table)
    column = {"*": "value", "*_year": "some_year", "": "value"}.get(gate.column, gate.column)
    at, far = limit + beyond, round(_MANY * (limit + beyond))
    if gate.gate == "same":
        (left, total), (right, parts) = gate.table.split("."), gate.column.split(".")
        now = {left: _summary(columns={total: _told(far)})}
        now.setdefault(right, _summary())["columns"][parts] = _told()
        return now, {}
    before = {table: _summary(columns={column: _told()})}
    now = {
        "rows": lambda: _summary(rows=far),
        "known": lambda: _summary(columns={column: _told(_MANY + far if limit < 0 else far)}),
        "drift": lambda: _summary(columns={column: _told(mean=at)}),
        "size": lambda: _summary(area_m2=1e8 * at),
        "moved": lambda: _summary(x_m=at),
        "invalid": lambda: _summary(invalid=far),
        "outside": lambda: _summary(outside=far),
        "infinite": lambda: _summary(columns={column: {"known": _MANY, "infinite": far}}),
        "covered": lambda: _summary(columns={column: {"known": far}}),
        "mean": lambda: _summary(columns={column: {"known": _MANY, "mean": at}}),
    }[gate.gate]()
    return {table: now}, {} if gate.gate in ("covered", "mean", "infinite", "invalid", "outside") else before


_STEP = {"moved": 1.0, "drift": 0.01, "mean": 0.01}
#: Limits that nothing can pass: more than all values known, a share or a count below nothing, a distance below nothing.
_NEVER = {
    ("known", 1.0),
    ("covered", 1.0),
    *((one, 0.0) for one in ("invalid", "outside", "infinite", "gone", "moved")),
}


@pytest.mark.parametrize("gate", gates(), ids=lambda one: f"{one.gate}-{one.table}-{one.column}")
def test_each_limit_of_each_rule_stops_what_lies_beyond_it_and_nothing_at_it(gate):
    plain = [replace(one, needs="") for one in gates()]
    for sign, limit in ((-1, gate.low), (1, gate.high)):
        beyond = sign * _STEP.get(gate.gate, 1e-3)
        if not np.isfinite(limit) or ((gate.gate, limit) in _NEVER and (sign < 0 or limit)):
            continue
        if gate.gate == "known" and limit == -1:
            continue  # years: any share may go, so there is nothing beyond
        if gate.gate == "gone":
            assert any(one.gate.gate == "gone" for one in failures({}, {"pand": _summary()}, plain))
            continue
        wrong, right = ({one.gate for one in failures(*_case(gate, limit, far), plain)} for far in (beyond, 0.0))
        assert replace(gate, needs="") in wrong, (limit, beyond)
        assert replace(gate, needs="") not in right, limit


def test_a_bridge_by_hand():
    """A keeps its three homes and gets one of B; B's others go to C and nowhere; D is all that it was; E is gone, F is new."""
    was, now = {"A": "123", "B": "456", "D": "78", "E": "9"}, {"A": "1234", "C": "5", "D": "78", "F": "0"}
    old, new = (
        pd.DataFrame([(home, uid) for uid, homes in one.items() for home in homes], columns=["home_id", "gebied"])
        for one in (was, now)
    )
    old.loc[len(old)] = ["x", None]  # scattered then: of no area
    told = bridge(old, new, "gebied").astype(object).where(lambda one: one.notna(), None)
    assert told.to_numpy().tolist() == [
        ["gebied", "A", "A", 1.0, "changed"],
        ["gebied", "B", "A", 0.33, "moved"],
        ["gebied", "B", "C", 0.33, "moved"],
        ["gebied", "D", "D", 1.0, "same"],
        ["gebied", "E", None, 0.0, "gone"],
        ["gebied", None, "F", None, "new"],
    ]
    part = bridge(old[old["gebied"] == "A"], new[new["home_id"].isin(["1", "2"])], "gebied")
    assert part[["shared_frac", "bridge_change"]].to_numpy().tolist() == [[0.67, "changed"]]


def test_figures_of_moves_and_of_what_is_no_figure_by_hand():
    """Twelve rows rise by their number; a flag and a word are no figures; a billionth is the same figure, an unknown is none."""
    keys = {"a": [f"{n:02d}" for n in range(12)], "b": "x"}
    before = pd.DataFrame({**keys, "eur": 100.0, "flag": True, "word": "old", "only_old": 1, "same": 5e9})
    now = pd.DataFrame(
        {**keys, "eur": 100.0 + np.arange(12), "flag": False, "word": "old", "only_new": 1, "same": 5e9 + 1}
    )
    now.loc[3, ["eur", "word"]] = [np.inf, None]
    told = compare(before, now, key=["a", "b"])
    assert [one.column for one in told.moves] == ["eur"]
    (move,) = told.moves
    assert (move.moved, move.total_before, move.total_now) == (11, 1100.0, np.inf)
    keys_of = [key for key, _, _ in move.largest]
    assert keys_of == ["03 x", *(f"{n:02d} x" for n in range(11, 3, -1)), "02 x"]
    assert move.largest[0] == ("03 x", 100.0, None)
    assert move.largest[1] == ("11 x", 100.0, 111.0)
    assert told.changes["columns"].tolist() == ["flag", "eur flag", "eur flag", "eur flag word", *["eur flag"] * 8]


def test_the_middle_of_shapes_and_what_is_infinite_are_summed_apart():
    frame = _squares(3, kwp=[1.0, np.inf, 3.0])
    frame = frame.set_geometry([*frame.geometry[:2], shapely.box(2e6, 0, 2e6 + 10, 10)])
    told = summarise(frame)
    assert told["columns"]["kwp"] == {"known": 3, "infinite": 1, "sum": 4.0, "mean": 2.0, "spread": 1.0}
    # 5 m and 25 m east of 100,000: the middle of the two that lie in the country
    assert {name: told["geometry"][name] for name in ("outside", "x_m", "y_m")} == {
        "outside": 1,
        "x_m": 100_015.0,
        "y_m": 400_005.0,
    }
    assert summarise(pd.DataFrame({"a": [None]})) == {"rows": 1, "columns": {"a": {"known": 0}}, "geometry": None}


def _gate(name, low, high, slack=0.0, column="value"):
    return Gate(name, "t", column, low, high, slack, "1", "", "")


@pytest.mark.parametrize(
    ("gate", "before", "now", "found"),
    [
        # ten rows more of 100, and of these eleven are within a slack of eleven, not of nine
        (_gate("rows", 0.9, 1.05, 11), (100, {}), (110, {}), []),
        (_gate("rows", 0.9, 1.05, 9), (100, {}), (110, {}), [1.1]),
        (_gate("rows", 0.9, 1.05), (0, {}), (1, {}), [np.inf]),
        # of 200 rows 10 % became known: 20 values, as many as the slack, or more
        (_gate("known", -0.05, 0.05, 20), (100, {"known": 50}), (200, {"known": 120}), []),
        (_gate("known", -0.05, 0.05, 19), (100, {"known": 50}), (200, {"known": 120}), [0.1]),
        # an eighth of 200 rows, without rounding: as many as the slack
        (_gate("known", -0.05, 0.05, 25), (100, {"known": 50}), (200, {"known": 125}), []),
        (_gate("known", -0.05, 0.05), (0, {"known": 0}), (200, {"known": 120}), []),
        # a spread of a tenth of what moved; of a constant, a twentieth of its mean; of nothing, none at all
        (
            _gate("drift", -2, 2),
            (50, {"known": 50, "mean": 10.0, "spread": 1.0}),
            (50, {"known": 50, "mean": 20.0, "spread": 9}),
            [10.0],
        ),
        (
            _gate("drift", -2, 2),
            (50, {"known": 50, "mean": -20.0, "spread": 0.0}),
            (50, {"known": 50, "mean": -25.0, "spread": 9}),
            [-5.0],
        ),
        (
            _gate("drift", -2, 2),
            (50, {"known": 50, "mean": 0.0, "spread": 0.0}),
            (50, {"known": 50, "mean": 0.1, "spread": 9}),
            [np.inf],
        ),
        (
            _gate("drift", -2, 2),
            (50, {"known": 50, "mean": 0.0, "spread": 0.0}),
            (50, {"known": 50, "mean": 0.0, "spread": 9}),
            [],
        ),
        (
            _gate("drift", -2, 2, 51),
            (50, {"known": 50, "mean": 0.0, "spread": 1.0}),
            (60, {"known": 50, "mean": 9.0, "spread": 9}),
            [],
        ),
        (
            _gate("drift", -2, 2, 50),
            (50, {"known": 50, "mean": 0.0, "spread": 1.0}),
            (60, {"known": 50, "mean": 9.0, "spread": 9}),
            [9.0],
        ),
        # half of three rows is known: said of tables of more rows than the slack
        (_gate("covered", 0.9, 1.0, 4), None, (4, {"known": 2}), []),
        (_gate("covered", 0.9, 1.0, 3), None, (4, {"known": 2}), [0.5]),
    ],
)
def test_slack_is_counted_in_rows_and_a_change_against_what_there_was(gate, before, now, found):
    summaries = [
        {"t": {"rows": one[0], "columns": {"value": one[1]} if one[1] else {}, "geometry": None}} if one else {}
        for one in (now, before)
    ]
    assert [one.found for one in failures(*summaries, [gate])] == pytest.approx(found)


def test_the_size_of_lines_is_their_length():
    before, now = (
        summarise(gpd.GeoDataFrame(geometry=[shapely.LineString([(1e5, 4e5), (1e5 + end, 4e5)])], crs=28992))
        for end in (80, 20)
    )
    told = failures({"t": now}, {"t": before}, [_gate("size", 0.5, 2.0)])
    assert [(one.found, one.before, one.now) for one in told] == [(0.25, 80.0, 20.0)]


def test_a_failure_of_a_first_edition_names_no_values_before():
    assert str(Failure(_gate("mean", 1, 2.5), "t.value", 3.14159)) == "mean of t.value is 3.142, may be 1 to 2.5"


def test_a_whole_summary_by_hand_of_shapes_that_are_none_and_that_reach_out_of_the_country():
    """Two squares inside, one shape that is missing, and four of which one corner lies beyond an edge each."""
    south, north, west, east = 289_000.0, 629_000.0, -7_000.0, 300_000.0
    over = [
        shapely.box(1e5, south - 10, 1e5 + 10, south + 10),
        shapely.box(1e5, north - 10, 1e5 + 10, north + 10),
        shapely.box(west - 10, 4e5, west + 10, 4e5 + 10),
        shapely.box(east - 10, 4e5, east + 10, 4e5 + 10),
    ]
    inside = [shapely.box(1e5, 4e5, 1e5 + 10, 4e5 + 10), shapely.box(2e5, 5e5, 2e5 + 30, 5e5 + 10)]
    frame = gpd.GeoDataFrame({"name": list("abcdefg")}, geometry=[*inside, None, *over], crs=28992)
    assert summarise(frame) == {
        "rows": 7,
        "columns": {"name": {"known": 7}},
        "geometry": {
            "invalid": 1,
            "outside": 5,
            "area_m2": 100.0 + 300.0 + 4 * 200.0,
            "length_m": 40.0 + 80.0 + 4 * 60.0,
            "x_m": (100_005.0 + 200_015.0) / 2,
            "y_m": (400_005.0 + 500_005.0) / 2,
        },
    }
    assert set(summarise(frame.iloc[2:])["geometry"]) == {"invalid", "outside", "area_m2", "length_m"}
    assert summarise(pd.DataFrame({"a": [np.inf, -np.inf]}))["columns"] == {"a": {"known": 2, "infinite": 2}}


def test_rows_of_two_editions_are_one_table_that_is_numbered_through():
    """Unknown values count as nothing where rows are put in order of what they moved; a sum over them leaves them out."""
    before = pd.DataFrame({"id": [1, 2, 3, 4, 5], "kwp": [np.nan, 5.0, 2.0, 1.0, 0.0], "flag": [True] * 5})
    now = pd.DataFrame({"id": [6, 2, 3, 1, 5], "kwp": [1.0, np.nan, 4.0, 9.0, 0.5], "flag": [True] * 5})
    told = compare(before, now, key=["id"])
    expected = {
        "key": ["6", "4", "1", "2", "3", "5"],
        "change": ["added", "gone", *["changed"] * 4],
        "columns": ["", "", *["kwp"] * 4],
    }
    pd.testing.assert_frame_equal(told.changes.astype(object), pd.DataFrame(expected, dtype=object))
    (move,) = told.moves
    assert (move.moved, move.total_before, move.total_now) == (4, 7.0, 13.5)
    assert move.largest == (("1", None, 9.0), ("2", 5.0, None), ("3", 2.0, 4.0), ("5", 0.0, 0.5))
    shaped = gpd.GeoDataFrame(
        {"id": [1]}, geometry=[shapely.Point(0, 0)], columns=["geometry", "id"], crs=28992
    ).assign(kwp=1.0)
    other = shaped.assign(kwp=2.0).set_geometry([shapely.Point(0, 1)])
    assert compare(shaped, other, key=["id"]).changes["columns"].tolist() == ["kwp geometry"]
    flat = pd.DataFrame({"id": [1], "geometry": ["here"]})
    assert compare(flat, flat.assign(geometry="there"), key=["id"]).changes.empty


def test_a_rule_speaks_of_tables_with_known_values_in_the_column_that_it_needs():
    gate = replace(_gate("rows", 0.9, 1.1), needs="pand.bouwjaar")
    table = {"rows": 100, "columns": {}, "geometry": None}
    before = {"t": {**table, "rows": 50}}
    for columns, stops in (({}, 0), ({"bouwjaar": {"known": 0}}, 0), ({"bouwjaar": {"known": 1}}, 1)):
        now = {"t": table, "pand": {**table, "columns": columns}}
        assert len(failures(now, before, [gate])) == stops
    assert len(failures({"t": table}, before, [gate])) == 0
    for needs, stops in (("t", 1), ("pand", 0)):
        assert len(failures({"t": table}, before, [replace(gate, needs=needs)])) == stops
    # of two rules that speak of a table and column the last one counts
    rules = [_gate("rows", 0.9, 1.1), _gate("rows", 0.0, 9.0)]
    assert [len(failures({"t": table}, before, one)) for one in (rules, rules[::-1])] == [0, 1]


def test_shares_of_a_table_of_one_row_and_of_none_and_shapes_that_one_edition_has_not():
    shapes = {"invalid": 1, "outside": 0, "area_m2": 0.5, "length_m": 4.0}
    one = {"rows": 1, "columns": {"value": {"known": 1}}, "geometry": shapes}
    assert [told.found for told in failures({"t": one}, {}, [_gate("invalid", 0.0, 0.9)])] == [1.0]
    none = {"rows": 0, "columns": {"value": {"known": 0}}, "geometry": None}
    assert [told.found for told in failures({"t": none}, {}, [_gate("covered", 0.5, 1.0)])] == [0.0]
    # where nothing lies in the country there is no middle to have moved; half a square metre is a size all the same
    rules = [_gate("moved", 0.0, 10.0), _gate("size", 0.5, 1.5)]
    placed = {**one, "geometry": {**shapes, "area_m2": 1.0, "x_m": 0.0, "y_m": 0.0}}
    for now, before, found in ((placed, one, 2.0), (one, placed, 0.5)):
        told = failures({"t": now}, {"t": before}, [*rules, _gate("size", 0.6, 1.5)])
        assert [(row.gate.gate, row.found) for row in told] == [("size", found)]


def test_a_bridge_is_numbered_through_and_of_no_homes_it_has_its_columns():
    columns = ["place_kind", "old_uid", "new_uid", "shared_frac", "bridge_change"]
    old = pd.DataFrame({"home_id": ["1", "2"], "block": ["A", "B"]})
    told = bridge(old, old.assign(block=["A", "C"]), "block")
    assert told.index.tolist() == [0, 1]
    assert told.columns.tolist() == columns
    assert told["place_kind"].tolist() == ["block"] * 2
    gone = bridge(old, old.assign(home_id=["8", "9"], block=["D", "E"]), "block")
    assert gone["bridge_change"].tolist() == ["gone", "gone", "new", "new"]
    assert gone.index.tolist() == [0, 1, 2, 3]
    empty = bridge(old.iloc[:0], old.iloc[:0], "block")
    assert (len(empty), empty.columns.tolist()) == (0, columns)
