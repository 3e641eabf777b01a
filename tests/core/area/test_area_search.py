"""The parts of the search for the best area, each by itself: later parts mend what an earlier one does badly, and hide it.

Of small towns with two buurten, water with one bridge, blocks without homes, pins and owners: what every part returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kansenkaart.core.area import exact, window_search
from kansenkaart.core.area.best import _nothing_fits, best_around, worth_of_area
from kansenkaart.core.area.bound import band_bound, best_closure, fix_members, shared_bound, window_bounds, worth_of
from kansenkaart.core.area.graph import AreaGraph
from kansenkaart.core.area.question import AreaQuestion, Effort, Search, prepare, split_homes
from kansenkaart.core.area.window_search import anneal_area, quick_area, seed_set
from kansenkaart.core.area.windows import Window
from kansenkaart.errors import ConfigError, InfeasibleError
from tests.core.area.area_towns import grid_town
from tests.pinned import require_as_pinned

ASK = AreaQuestion(low_homes=45, high_homes=60, radius_m=115.0, border_price=8.0, reference=150.0)


def town() -> AreaGraph:
    """Lay out 8 by 6 blocks: water with a bridge, four blocks without homes, owners of which two are not known."""
    made = grid_town(8, 6, seed=21, canal=5)
    made.homes[[3, 18, 29, 30]] = 0
    made.owned[:] = np.minimum(made.owned, made.homes)
    made.owned[[10, 27]] = np.nan
    return made


def asked() -> dict[str, Search]:
    """Ask of it plainly, with a price of splitting a buurt, and with bounds on the owner and pins."""
    place = town()
    owner = replace(ASK, owner_low=0.4, pins_in=(20,), pins_out=(12, 35))
    return {
        "plain": prepare(place, ASK)[0],
        "split": prepare(place, replace(ASK, split_price=90.0))[1],
        "owner": prepare(place, owner)[0],
        "mixed": prepare(place, replace(ASK, owner_low=0.2, owner_high=0.45, border_price=25.0))[0],
    }


def windows() -> dict[str, Window]:
    """Cut out the windows around four blocks of each question, where there is one."""
    made = {f"{name}.{c}": one.window(c) for name, one in asked().items() for c in (11, 19, 20, 38)}
    return {name: window for name, window in made.items() if window is not None}


def in_parts(name: str, parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name arrays for a pin, each by itself: beside euros a flag would not be seen."""
    return {f"{name}.{part}": np.asarray(one, float).ravel() for part, one in parts.items()}


def test_the_arrays_of_a_question_and_of_its_windows_are_as_they_were() -> None:
    tables: dict[str, np.ndarray] = {}
    for name, one in asked().items():
        tables |= in_parts(name, one.ground._asdict() | {"allowed": one.allowed, "centres": one.centres})
    for name, window in windows().items():
        tables |= in_parts(name, window._asdict())
    require_as_pinned("area_grounds", tables)


def test_the_bounds_of_a_window_are_as_they_were() -> None:
    tables: dict[str, np.ndarray] = {}
    for name, window in windows().items():
        inside, rows = np.empty(len(window.members), bool), {}
        for guess in (0.0, 40.0, -90.0):
            bound, price = band_bound(window, window.profit, ASK.band, -np.inf, guess, inside)
            rows[f"band {guess:g}"] = np.r_[bound, price, inside]
            bound, price, extra = shared_bound(window, ASK.band, -np.inf, guess, inside)
            rows[f"shared {guess:g}"] = np.r_[bound, price, inside]
            rows[f"priced {guess:g}"] = extra
        for part in (0.7, 0.97):  # of what it can be worth at most: much is fixed, or little
            tried = window._replace(forced=window.forced.copy())
            *told, profit = fix_members(tried, ASK.band, part * bound, 0.0, inside)
            rows[f"fixed {part}"] = np.r_[told[2], tried.forced, inside]
            rows[f"for {part}"] = np.r_[told[:2], profit]
        tried.forced[3] = -1
        rows["cut"] = np.r_[best_closure(tried, tried.profit - 200.0, inside), inside]
        rows["worth"] = np.r_[worth_of(window, window.profit, inside), 0.0]
        tables |= in_parts(name, rows)
    for name, one in asked().items():
        centres = np.flatnonzero(one.centres)
        for enough in (-np.inf, 12_000.0):
            tops = window_bounds(centres, one.ground, band=ASK.band, enough=enough, workers=1)
            tables[f"{name}.above {enough:g}"] = np.where(np.isfinite(tops), tops, np.nan)
    require_as_pinned("area_bounds", tables)


def test_the_tree_of_a_proof_grows_as_it_did() -> None:
    tables: dict[str, np.ndarray] = {}
    for name, window in windows().items():
        n, rows = len(window.members), {}
        tree = exact.Tree(
            np.zeros((n + 2, n), np.int64),
            np.empty(n + 2),
            np.zeros(n + 2),
            np.zeros(n, bool),
            np.array([-np.inf, -np.inf]),
        )
        tree.forced[0], tree.top[0], count = window.forced, 30_000.0, 1
        for turn in range(9):
            if count:
                count = exact._search(window, ASK.band, tree, count, 1)
            rows[f"nodes {turn}"] = np.r_[count, tree.forced[:count].ravel(), tree.best]
            rows[f"bounds {turn}"] = np.r_[tree.top[:count], tree.price[:count], np.nan_to_num(tree.worth, neginf=-1.0)]
        tables |= in_parts(name, rows)
    require_as_pinned("area_trees", tables)


@pytest.mark.parametrize("nodes", [1, 4, 10_000])
def test_a_proof_that_is_cut_short_bounds_what_a_whole_one_finds(nodes: int) -> None:
    for name, one in asked().items():
        whole, cut = (one.window(20) for _ in range(2))
        if whole is None:
            continue
        best = exact.solve_window(whole, band=ASK.band, beat=-np.inf, bound=1e9, effort=Effort())
        part = exact.solve_window(cut, band=ASK.band, beat=-np.inf, bound=1e9, effort=Effort(nodes=nodes))
        assert part.worth <= best.worth <= part.bound, name
        assert best.bound == best.worth
        assert best.worth == pytest.approx(worth_of(whole, whole.profit, best.inside))
        again = exact.solve_window(one.window(20), band=ASK.band, beat=best.worth, bound=1e9, effort=Effort())
        assert (again.worth, again.bound) == (-np.inf, best.worth)  # nothing is worth more than the best


def test_what_is_annealed_in_a_window_is_as_it_was() -> None:
    tables: dict[str, np.ndarray] = {}
    for name, window in windows().items():
        wanted = window.profit > np.median(window.profit)
        window.forced[-1], window.forced[2] = 1, -1
        seeded, rows = seed_set(window, wanted), {}
        rows["seed"] = seeded
        for steps in (40, 400):
            inside = seeded.copy()
            worth = anneal_area(window, ASK.band, inside, steps, steps)
            rows[f"annealed {steps}"] = np.r_[np.nan_to_num(worth, neginf=-1.0), inside]
        area, worth = quick_area(window, band=ASK.band, wanted=wanted, effort=(3, 90), seed=5)
        rows["quick"] = np.r_[np.nan_to_num(worth, neginf=-1.0), area]
        gains = [window_search._gain(window, seeded, u) for u in range(len(seeded))]
        rows["gain"], rows["tied"] = np.array(gains, float).T
        tables |= in_parts(name, rows)
    require_as_pinned("area_annealed", tables)


@pytest.mark.parametrize(
    ("sums", "misses"),
    [
        ((45.0, 0.0, 0.0), 0.0),
        ((60.0, 0.0, 0.0), 0.0),
        ((44.0, 0.0, 0.0), 1.0),
        ((63.0, 0.0, 0.0), 3.0),
        ((50.0, -2.0, 1.0), 2.0),
        ((50.0, 1.0, -2.5), 2.5),
        ((41.0, -2.0, -0.5), 6.5),
        ((50.0, -1e-9, -1e-9), 0.0),  # a sum's rounding is no miss
    ],
)
def test_how_far_an_area_is_from_what_is_asked(sums: tuple[float, float, float], misses: float) -> None:
    assert window_search._misses(*sums, *ASK.band) == pytest.approx(misses)


def test_what_an_area_is_worth_by_hand() -> None:
    # Four blocks in a row of 10, 20, 0 and 5 homes, 50 m of street between them, the second in the buurt of the fourth.
    row = grid_town(4, 1)
    row.homes[:], row.value[:], row.ext[:] = [10, 20, 0, 5], [1000.0, 3000.0, 0.0, 700.0], [5.0, 2.0, 2.0, 5.0]
    row.buurt[:] = [0, 1, -1, 1]
    assert split_homes(row, np.array([0, 1])) == 10
    assert split_homes(row, np.array([0, 1, 2, 3])) == 10
    assert split_homes(row, np.array([0, 2])) == 0
    # 4000 - 100 x 30 homes - 8 x (50 + 5 + 2) m - 9 x 10 homes outside the main buurt
    ask = AreaQuestion(border_price=8.0, reference=100.0, split_price=9.0)
    assert worth_of_area(row, ask, np.array([0, 1])) == pytest.approx(4000 - 3000 - 456 - 90)


@pytest.mark.parametrize(
    ("bounds", "refused"),
    [
        ({"low_homes": 1, "high_homes": 1}, None),
        ({"low_homes": 0}, "homes from 0 to 360"),
        ({"low_homes": 361}, "homes from 361 to 360"),
        ({"owner_low": 0.0, "owner_high": 0.0}, None),
        ({"owner_low": 1.0, "owner_high": 1.0}, None),
        ({"owner_low": -0.1}, "an owner's share from -0.1 to 1.0"),
        ({"owner_high": 1.1}, "an owner's share from 0.0 to 1.1"),
        ({"radius_m": 0.5}, None),
        ({"radius_m": 0.0}, "a radius of 0.0 m"),
        ({"radius_m": float("inf")}, "a radius of inf m"),
        ({"radius_m": float("nan")}, "a radius of nan m"),
        ({"border_price": 0.0, "split_price": 0.0, "reference": -5.0}, None),
        ({"border_price": -0.1}, "a negative price or an unknown reference"),
        ({"split_price": -0.1}, "a negative price or an unknown reference"),
        ({"reference": float("nan")}, "a negative price or an unknown reference"),
        ({"pins_in": (3, 1), "pins_out": (1, 2, 3)}, r"blocks \[1, 3\] both in and out"),
    ],
)
def test_a_question_holds_up_to_its_bounds(bounds: dict[str, object], refused: str | None) -> None:
    if refused is None:
        AreaQuestion(**bounds)
        return
    with pytest.raises(ConfigError, match=f"found {refused}|{refused}"):
        AreaQuestion(**bounds)


@pytest.mark.parametrize(("pin", "allowed"), [(-1, False), (0, True), (11, True), (12, False)])
def test_a_pin_is_one_of_the_blocks(pin: int, allowed: bool) -> None:
    place, ask = grid_town(4, 3, seed=3), replace(ASK, low_homes=10)
    for one in ({"pins_out": (pin,)}, {"pins_in": (pin,)}):
        if allowed:
            assert len(prepare(place, replace(ask, **one))) == 1
        else:
            with pytest.raises(ConfigError, match=f"pins among the 12 blocks.*{pin}"):
                prepare(place, replace(ask, **one))


@pytest.mark.parametrize(
    ("low", "high", "pins_in", "words"),
    [
        (40, 40, (0, 1, 2, 3), None),
        (41, 50, (), "40 homes in all"),
        (21, 50, (), "the largest has 20"),
        (20, 20, (0, 1), None),
        (10, 19, (0, 1), "20 homes in the blocks that must be in"),
        (10, 50, (0, 2), "without a crossing"),
    ],
)
def test_what_a_town_cannot_give_at_all(low: int, high: int, pins_in: tuple[int, ...], words: str | None) -> None:
    # Four blocks of ten homes in a row; where a question is refused for its walk, water lies in the middle.
    place = grid_town(4, 1, homes=(10, 11), canal=2)
    if words != "40 homes in all" and low != 40:
        place.passable[:] = place.cls != "water"
    ask = AreaQuestion(low_homes=low, high_homes=high, pins_in=pins_in)
    if words is None:
        assert prepare(place, ask)[0].ground.pinned.sum() == len(pins_in)
        return
    with pytest.raises(InfeasibleError, match=words):
        prepare(place, ask)


def test_where_nothing_fits_it_says_what_is_in_reach() -> None:
    place = grid_town(4, 1, homes=(10, 11))
    place.homes[:] = [10, 20, 30, 40]
    search = prepare(place, replace(ASK, low_homes=45, high_homes=60, radius_m=60.0))[0]
    free = np.array([True, True, True, False])
    told = [
        str(_nothing_fits(search, np.array(c), free, proven=proven)) for c, proven in (([0], True), ([0, 2], False))
    ]
    assert "a connected area of 45 to 60 homes within 60 m of a block" in told[0]
    assert "at most 30 homes in reach that may be used" in told[0]
    assert "in the time given" not in told[0]
    assert "around the point" in told[0]
    assert "at most 50 homes in reach that may be used, and none was met in the time given" in told[1]
    assert "every block" in told[1]
    large = replace(search, question=replace(ASK, low_homes=5, high_homes=9))
    assert "blocks of 10 homes or more" in str(_nothing_fits(large, np.array([0]), free, proven=True))
    even = replace(search, question=replace(ASK, low_homes=5, high_homes=10))  # a block of ten does fit
    assert "at most 30 homes" in str(_nothing_fits(even, np.array([0]), free, proven=True))


def test_an_area_of_a_point_that_was_not_proven_gives_the_gap_to_its_bound() -> None:
    hasty = Effort(restarts=2, steps=60, workers=1, remaining=lambda: 0.0)
    area = best_around(town(), centre=19, question=ASK, effort=hasty)
    assert area.gap == pytest.approx((area.bound - area.worth) / area.worth)
    assert area.gap > 0
    ask = replace(ASK, split_price=90.0)
    rows = [best_around(town(), centre=19, question=one, effort=hasty) for one in (ASK, ask)]
    table = pd.DataFrame([vars(one) | {"blocks": str(one.blocks.tolist())} for one in rows])
    require_as_pinned("area_hasty", {"area": table})
