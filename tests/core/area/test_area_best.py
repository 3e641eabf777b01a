"""The best area: the optimum by brute force, the laws, the bounds, and words where nothing fits."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.area import best
from kansenkaart.core.area.best import best_areas, best_around, block_at, worth_of_area
from kansenkaart.core.area.bound import leave_unreachable, shared_bound, worth_of
from kansenkaart.core.area.graph import AreaGraph, components
from kansenkaart.core.area.question import AreaQuestion, Effort, prepare
from kansenkaart.core.area.windows import within_reach
from kansenkaart.errors import ConfigError, InfeasibleError
from tests.core.area.area_towns import best_area, grid_town, moved, relabelled
from tests.pinned import require_as_pinned

QUICK = Effort(steps=4_000, workers=1)
ASK = AreaQuestion(low_homes=30, high_homes=45, radius_m=120.0, border_price=5.0)


def brute_force(graph: AreaGraph, question: AreaQuestion) -> float:
    """Worth of the best area by trying every set of blocks; minus infinity where none fits."""
    n = len(graph)
    sets = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
    homes, owned = sets @ graph.homes, sets @ graph.owned
    fits = (homes >= question.low_homes) & (homes <= question.high_homes)
    fits &= sets[:, list(question.pins_in)].all(axis=1) & ~sets[:, list(question.pins_out)].any(axis=1)
    fits &= (owned >= question.owner_low * homes - 1e-9) & (owned <= question.owner_high * homes + 1e-9)
    far = np.hypot(*(graph.xy[:, None] - graph.xy[None]).T) > question.radius_m
    fits &= (sets & ~(sets.astype(int) @ far.astype(int) > 0)).any(axis=1)  # a member with no member too far away
    sets, homes = sets[fits], homes[fits]
    walk = np.eye(n, dtype=int)
    walk[graph.a[graph.passable], graph.b[graph.passable]] = walk[graph.b[graph.passable], graph.a[graph.passable]] = 1
    reached = np.zeros_like(sets)
    reached[np.arange(len(sets)), sets.argmax(axis=1)] = True
    for _ in range(n):
        reached = (reached.astype(int) @ walk > 0) & sets
    whole = (reached == sets).all(axis=1)
    sets, homes = sets[whole], homes[whole]
    cut = (sets[:, graph.a] != sets[:, graph.b]) @ graph.weight + sets @ graph.ext
    main = np.max([sets @ np.where(graph.buurt == k, graph.homes, 0) for k in np.unique(graph.buurt)], axis=0)
    worth = sets @ graph.value - question.reference * homes - question.border_price * cut
    return float(np.max(worth - question.split_price * (homes - main), initial=-np.inf))


def require_valid(graph: AreaGraph, question: AreaQuestion, blocks: np.ndarray) -> None:
    inside = np.zeros(len(graph), bool)
    inside[blocks] = True
    assert question.low_homes <= graph.homes[blocks].sum() <= question.high_homes
    assert components(graph, inside).max() == 0
    reach = np.hypot(*(graph.xy[blocks][:, None] - graph.xy[blocks][None]).T).max(axis=1).min()
    assert reach <= question.radius_m * (1 + 1e-9)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    canal=st.sampled_from([None, 2]),
    price=st.sampled_from([0.0, 5.0, 40.0]),
    radius=st.sampled_from([80.0, 120.0]),
    rule=st.sampled_from([{}, {"owner_low": 0.5}, {"owner_high": 0.4}, {"split_price": 100.0}, {"reference": 400.0}]),
)
def test_agrees_with_brute_force(
    seed: int, canal: int | None, price: float, radius: float, rule: dict[str, float]
) -> None:
    town = grid_town(4, 3, seed=seed, canal=canal)
    ask = replace(ASK, border_price=price, radius_m=radius, **rule)
    expected = brute_force(town, ask)
    if not np.isfinite(expected):
        with pytest.raises(InfeasibleError):
            best_area(town, question=ask, effort=QUICK)
        return
    area = best_area(town, question=ask, effort=QUICK)
    require_valid(town, ask, area.blocks)
    assert area.worth == pytest.approx(worth_of_area(town, ask, area.blocks))
    assert area.worth == pytest.approx(expected, abs=0.02)
    assert area.gap == 0.0


def test_the_set_that_a_bound_gives_back_is_the_one_that_attains_it() -> None:
    """A search begins there. At its prices the set is worth the bound; a later trial is not."""
    priced = 0
    for seed, low in ((7, 0.5), (8, 0.5), (9, 0.5), (10, 0.9), (11, 0.9)):
        ask = replace(ASK, owner_low=low)
        for centre in (7, 14):
            window = prepare(grid_town(6, 5, seed=seed), ask)[0].window(centre)
            inside = np.empty(len(window.members), bool)
            bound, per_home, extra = shared_bound(window, ask.band, -np.inf, 0.0, inside)
            worth = worth_of(window, window.profit + extra - per_home * window.homes, inside)
            side = ask.high_homes if per_home >= 0 else ask.low_homes
            assert worth + per_home * side == pytest.approx(bound, abs=1e-4)
            priced += extra.any()
    assert priced > 4  # else the rule of ownership was never asked a price


def test_what_the_centre_no_longer_reaches_is_forced_out_but_what_is_pinned_stays() -> None:
    row = replace(ASK, low_homes=4, high_homes=90, radius_m=500.0)  # seven blocks in a row, the third given away
    window = prepare(grid_town(7, 1), row)[0].window(0)
    assert window.members.tolist() == list(range(7))
    window.forced[:] = [1, 0, -1, 0, 1, -1, 0]
    leave_unreachable(window)
    assert window.forced.tolist() == [1, 0, -1, -1, 1, -1, -1]


def test_pins_agree_with_brute_force() -> None:
    town = grid_town(4, 3, seed=3)
    ask = replace(ASK, pins_in=(0, 6), pins_out=(1,))
    area = best_area(town, question=ask, effort=QUICK)
    assert {0, 6} <= set(area.blocks.tolist())
    assert 1 not in area.blocks
    assert area.worth == pytest.approx(brute_force(town, ask), abs=0.02)


@settings(max_examples=4)
@given(seed=st.integers(0, 1000), turn=st.floats(0, 6), east=st.floats(-1e4, 1e4))
def test_relabelling_moving_and_turning_change_nothing(seed: int, turn: float, east: float) -> None:
    town = grid_town(7, 6, seed=seed, canal=3)
    ask = replace(ASK, low_homes=60, high_homes=75)
    worth = best_area(town, question=ask, effort=QUICK).worth
    order = np.random.default_rng(seed).permutation(len(town))
    assert best_area(relabelled(town, order), question=ask, effort=QUICK).worth == pytest.approx(worth, abs=0.02)
    elsewhere = moved(town, east_m=east, north_m=-east, turn_rad=turn)
    # Distances of exactly the radius may round to either side after a turn, so the radius is not one of the grid's.
    assert best_area(elsewhere, question=ask, effort=QUICK).worth == pytest.approx(worth, abs=0.02)


@settings(max_examples=4)
@given(seed=st.integers(0, 1000))
def test_a_wider_band_or_radius_is_never_worse(seed: int) -> None:
    town = grid_town(6, 5, seed=seed, canal=3)
    narrow = replace(ASK, low_homes=60, high_homes=70)
    worth = best_area(town, question=narrow, effort=QUICK).worth
    assert best_area(town, question=replace(narrow, high_homes=80), effort=QUICK).worth >= worth - 0.02
    assert best_area(town, question=replace(narrow, radius_m=160.0), effort=QUICK).worth >= worth - 0.02
    assert best_area(town, question=replace(narrow, border_price=2.0), effort=QUICK).worth >= worth - 0.02


def test_the_same_question_gets_the_same_area() -> None:
    town = grid_town(8, 8, seed=1)
    ask = replace(ASK, low_homes=80, high_homes=100, radius_m=180.0)
    first, second = (best_area(town, question=ask, effort=replace(QUICK, workers=w)) for w in (1, 2))
    assert first.blocks.tolist() == second.blocks.tolist()


def test_the_best_few_do_not_overlap_and_fall_in_worth() -> None:
    town = grid_town(8, 8, seed=2)
    areas = best_areas(town, count=4, question=ASK, effort=QUICK)
    taken = np.concatenate([a.blocks for a in areas])
    assert len(areas) == 4
    assert len(np.unique(taken)) == len(taken)
    worths = [a.worth for a in areas]
    assert worths == sorted(worths, reverse=True)
    assert all(a.gap == 0.0 for a in areas)
    # The second is the best of a town without the first.
    rest = replace(ASK, pins_out=tuple(areas[0].blocks.tolist()))
    assert best_area(town, question=rest, effort=QUICK).worth == pytest.approx(areas[1].worth, abs=0.02)


def test_fewer_areas_than_asked_for_where_no_more_fit() -> None:
    assert len(best_areas(grid_town(4, 3, seed=3), count=10, question=ASK, effort=QUICK)) < 4


def test_without_time_there_is_an_answer_and_an_honest_gap() -> None:
    town = grid_town(9, 9, seed=4, canal=4)
    ask = replace(ASK, low_homes=150, high_homes=180, radius_m=210.0)
    quick = best_around(town, centre=40, question=ask, effort=Effort(restarts=1, steps=300, remaining=lambda: 0.0))
    proven = best_around(town, centre=40, question=ask, effort=QUICK)
    require_valid(town, ask, quick.blocks)
    assert quick.worth <= proven.worth + 0.02 <= quick.bound + 0.04
    assert quick.gap >= 0.0
    assert proven.gap == 0.0


def test_block_at_takes_the_nearest_with_homes() -> None:
    town = grid_town(3, 1, homes=(5, 6))
    town.homes[1] = 0
    assert block_at(town, (45.0, 0.0), within_m=1e3) == 0
    assert block_at(town, (90.0, 0.0), within_m=1e3) == 2
    for place in ((float("nan"), 0.0), (town.xy[0, 0] - 31.0, town.xy[0, 1])):
        with pytest.raises(ConfigError, match="within 30 m of homes"):
            block_at(town, place, within_m=30.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low_homes": 4000, "high_homes": 5000}, "homes in all"),
        ({"radius_m": 10.0}, "in reach"),
        ({"pins_in": tuple(range(12))}, "must be in"),
        ({"owner_low": 1.0, "radius_m": 55.0}, "owner's share"),
    ],
)
def test_what_cannot_be_says_so(change: dict[str, object], words: str) -> None:
    with pytest.raises(InfeasibleError, match=words):
        best_area(grid_town(4, 3, seed=3), question=replace(ASK, **change), effort=QUICK)


def test_pins_on_both_sides_of_water_without_a_bridge() -> None:
    town = grid_town(4, 1, seed=0, canal=2)
    town.passable[:] = town.cls != "water"
    with pytest.raises(InfeasibleError, match="without a crossing"):
        best_area(town, question=replace(ASK, low_homes=5, pins_in=(0, 3)), effort=QUICK)


@pytest.mark.parametrize(
    "bounds",
    [
        {"low_homes": 50, "high_homes": 40},
        {"radius_m": 0.0},
        {"owner_low": 0.9, "owner_high": 0.1},
        {"border_price": -1.0},
        {"pins_in": (1,), "pins_out": (1,)},
    ],
)
def test_bounds_that_contradict_are_refused(bounds: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        AreaQuestion(**bounds)


def test_pins_outside_the_town_are_refused() -> None:
    with pytest.raises(ConfigError, match="pins"):
        best_area(grid_town(4, 3), question=replace(ASK, pins_out=(99,)), effort=QUICK)


def test_the_centre_is_the_block_from_which_the_farthest_is_nearest() -> None:
    town = grid_town(8, 6, seed=3)
    for area in best_areas(town, count=3, question=ASK, effort=QUICK):
        far = np.hypot(*(town.xy[area.blocks][:, None] - town.xy[area.blocks][None]).T).max(axis=1)
        assert area.centre == area.blocks[int(np.argmin(far))]


def test_nothing_is_annealed_in_a_window_whose_proof_was_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    town, looked = grid_town(8, 6, seed=3), []
    look = best._Chase.look
    monkeypatch.setattr(best._Chase, "look", lambda self, place: looked.append(place) or look(self, place))
    effort = replace(QUICK, first=2)
    whole = best_areas(town, count=3, question=ASK, effort=effort)
    assert len(looked) == 6  # the two of highest bound, for each area
    looked.clear()
    cut = best_areas(town, count=1, question=ASK, effort=replace(effort, nodes=1))[0]
    assert len(looked) > 2
    assert cut.worth <= whole[0].worth <= cut.bound + 1e-6


def test_the_best_areas_of_a_town_are_as_they_were_proven_or_not() -> None:
    town = grid_town(9, 9, seed=11, canal=4)
    ask = replace(ASK, low_homes=90, high_homes=110, radius_m=170.0, split_price=60.0, reference=200.0)
    asked = {
        "proven": (ask, QUICK),
        "owner": (replace(ask, owner_low=0.55, pins_in=(30,), pins_out=(31, 41)), QUICK),
        "cut": (replace(ask, owner_high=0.45), replace(QUICK, nodes=3, windows=2, steps=400, restarts=2, first=3)),
        "hasty": (ask, Effort(restarts=1, steps=250, first=2, remaining=lambda: 0.0)),
    }
    tables = {}
    for name, (question, effort) in asked.items():
        areas = best_areas(town, count=3, question=question, effort=effort)
        tables[name] = pd.DataFrame([vars(one) | {"blocks": str(one.blocks.tolist())} for one in areas])
    require_as_pinned("best_areas", tables)


def test_a_block_at_exactly_the_radius_is_within_reach_and_one_that_is_not_allowed_is_not() -> None:
    town, allowed = grid_town(4, 2), np.array([True] * 7 + [False])  # 50 m apart: the diagonal is 70.7 m
    first, near = within_reach(town, radius_m=50.0, allowed=allowed)
    lists = [near[a:b].tolist() for a, b in itertools.pairwise(first)]
    assert lists == [[0, 1, 4], [0, 1, 2, 5], [1, 2, 3, 6], [2, 3], [0, 4, 5], [1, 4, 5, 6], [2, 5, 6], [3, 6]]
    elsewhere = moved(town, east_m=123_456.7, north_m=-0.1, turn_rad=0.0)
    assert within_reach(elsewhere, radius_m=50.0, allowed=allowed)[1].tolist() == near.tolist()
    assert within_reach(town, radius_m=49.9, allowed=allowed)[1].tolist() == [*range(7)]
