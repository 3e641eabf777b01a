"""Partitions: every block once, areas whole and in band, or saying why not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.area.graph import AreaGraph, WalkGraph, components, walk_graph
from kansenkaart.core.area.grouping import _spread, agglomerated, areas_in, divided, make_contiguous, with_giants
from kansenkaart.core.area.partition import Partition, PartitionEffort, divisible, partition
from kansenkaart.core.area.recombine import Cooling, _flip_relief, anneal_partition, stays_whole
from kansenkaart.errors import ConfigError, InfeasibleError
from tests.core.area.area_towns import grid_town
from tests.pinned import require_as_pinned

QUICK = PartitionEffort(steps=300, rounds=0.5, local_steps=5_000)
BAND = {"target_homes": 60, "low_homes": 51, "high_homes": 69}


def require_lawful(town: AreaGraph, made: Partition) -> None:
    assert len(made.label) == len(town)
    assert made.label.min() == 0
    for area in range(made.label.max() + 1):
        inside = made.label == area
        assert inside.any()
        assert components(town, inside).max() == 0
        homes = town.homes[inside].sum()
        assert homes == made.homes[area]
        assert made.low[area] <= homes <= made.high[area]
        assert bool(made.why[area].kind) == (not 51 <= homes <= 69)
    assert made.cut_m == pytest.approx(town.cut_weight(made.label))


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000), columns=st.integers(3, 12), rows=st.integers(3, 12), canal=st.sampled_from([None, 2])
)
def test_laws_of_a_partition(seed: int, columns: int, rows: int, canal: int | None) -> None:
    town = grid_town(columns, rows, seed=seed, canal=canal)
    require_lawful(town, partition(town, **BAND, effort=QUICK))


def test_in_band_where_it_can_be() -> None:
    town = grid_town(15, 15, seed=1)
    made = partition(town, **BAND, effort=QUICK)
    require_lawful(town, made)
    assert not any(one.kind for one in made.why)


def test_same_seed_same_partition_and_more_work_is_not_worse() -> None:
    town = grid_town(12, 12, seed=1)
    first, second = (partition(town, **BAND, effort=QUICK) for _ in range(2))
    assert first.label.tolist() == second.label.tolist()
    more = partition(town, **BAND, effort=PartitionEffort(steps=300, rounds=4, local_steps=5_000))
    assert more.cut_m <= first.cut_m
    require_lawful(town, more)


def test_a_four_by_four_is_cut_along_the_middle() -> None:
    # By hand: 16 equal blocks in two halves: the shortest border is four streets of 50 m.
    town = grid_town(4, 4, homes=(10, 11))
    made = partition(town, target_homes=80, low_homes=75, high_homes=85, effort=QUICK)
    assert made.cut_m == pytest.approx(200.0)


def test_an_island_is_an_area_of_its_own_and_says_so() -> None:
    town = grid_town(6, 6, seed=1, canal=1)
    town.passable[:] = town.cls != "water"
    made = partition(town, **BAND, effort=QUICK)
    require_lawful(town, made)
    west = np.arange(len(town)) % 6 == 0
    assert set(made.label[west]).isdisjoint(made.label[~west])
    if town.homes[west].sum() < 51:
        assert made.why[int(made.label[0])].kind == "island"


def test_a_building_of_700_is_widened_for_and_named() -> None:
    town = grid_town(10, 10, seed=1)
    town.homes[55] = 700
    made = partition(town, **BAND, effort=QUICK)
    require_lawful(town, made)
    assert made.why[int(made.label[55])][:2] == ("giant", 700)
    assert sum(bool(one.kind) for one in made.why) <= 2


def test_too_few_homes_and_a_wrong_band() -> None:
    with pytest.raises(InfeasibleError, match="homes in all"):
        partition(grid_town(2, 2), **BAND)
    with pytest.raises(ConfigError, match="band"):
        partition(grid_town(9, 9), target_homes=60, low_homes=70, high_homes=80)


@pytest.mark.parametrize(
    ("homes", "expected"),
    [([330] * 10, 10), ([100] * 9, 3), ([10] * 5, 1), ([380], 1), ([61] * 10, 2), ([62] * 10, 2)],
)
def test_how_many_areas(homes: list[int], expected: int) -> None:
    assert areas_in(np.array(homes), target=330, low=300, high=360) == expected


def test_what_has_no_label_takes_that_of_a_neighbour_and_what_has_one_keeps_it() -> None:
    walk = walk_graph(grid_town(4, 1, homes=(5, 6)))  # a row of four; the first label is 0, which is one as well
    assert _spread(walk, np.array([0, 1, -1, -1])).tolist() == [0, 1, 1, 1]


def test_loose_bits_go_to_a_neighbour() -> None:
    # A row of six: the parts 0 0 1 0 1 1 hold one loose bit each; two whole parts remain.
    town = grid_town(6, 1, homes=(5, 6))
    label = make_contiguous(walk_graph(town), np.array([0, 0, 1, 0, 1, 1]))
    assert (np.diff(label) != 0).sum() == label.max()


def test_a_bit_that_borders_on_nothing_is_a_part_by_itself() -> None:
    # Two rows of three with a gap between them, as when a large building is taken out: 0 0 1 | 0 1 1, and no border over the gap.
    town = grid_town(6, 1, homes=(5, 6))
    walk = walk_graph(town)
    cut = {2, 3}
    keep = np.array([{int(a), int(b)} != cut for a, b in zip(walk.tails(), walk.nbr, strict=True)])
    counts = np.bincount(walk.tails()[keep], minlength=6)
    walk = WalkGraph(np.r_[0, counts.cumsum()], walk.nbr[keep], walk.weight[keep], walk.homes)
    assert make_contiguous(walk, np.array([0, 0, 1, 1, 1, 1])).tolist() == [0, 0, 0, 1, 1, 1]
    assert make_contiguous(walk, np.array([0, 0, 0, 0, 0, 0])).tolist() in ([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0])


@pytest.mark.parametrize(
    ("homes", "fits"),
    # By hand for 297 to 363: one area up to 363, two from 594, three from 891; from 1,485 on (5 x 297 <= 4 x 363 + 33) all.
    [(296, False), (297, True), (363, True), (364, False), (593, False), (594, True), (727, False), (891, True)],
)
def test_whether_homes_can_be_divided_at_all(homes: int, fits: bool) -> None:
    assert divisible(homes, (297, 363)) is fits
    assert fits == any(k * 297 <= homes <= k * 363 for k in range(1, 9))


def test_what_is_called_impossible_is_impossible() -> None:
    # 16 blocks of 5 homes: 80 homes are neither one area of 51 to 69 nor two.
    made = partition(grid_town(4, 4, homes=(5, 6)), **BAND, effort=QUICK)
    assert [one.kind for one in made.why] == ["indivisible"] * len(made.why)
    assert all(one.proven for one in made.why)


def test_a_division_that_was_not_met_says_so_and_how_often_it_was_tried() -> None:
    # Three blocks of 40 in a row: 120 homes could be two areas of 60, but blocks are not cut.
    made = partition(grid_town(3, 1, homes=(40, 41)), **BAND, effort=replace(QUICK, most_starts=5))
    odd = [one for one in made.why if one.kind]
    assert odd
    assert {(one.kind, one.tries, one.proven) for one in odd} == {("not_met", 5, False)}


def test_more_starts_are_tried_until_the_band_is_met_and_the_shortest_border_stays() -> None:
    town = grid_town(6, 6, seed=4, homes=(9, 30))  # few blocks an area: hard to divide
    poor = replace(QUICK, steps=2, rounds=0.0, most_starts=1)
    one = partition(town, **BAND, effort=poor)
    more = partition(town, **BAND, effort=replace(poor, most_starts=40))
    assert sum(bool(why.kind) for why in more.why) < sum(bool(why.kind) for why in one.why)
    easy = grid_town(12, 12, seed=1)
    cuts = [partition(easy, **BAND, effort=replace(QUICK, starts=n, rounds=0.0)).cut_m for n in (1, 4, 8)]
    assert cuts == sorted(cuts, reverse=True)
    assert cuts[2] < cuts[0]


def test_of_many_areas_those_out_of_band_are_mended_without_other_starts() -> None:
    town = grid_town(16, 16, homes=(9, 30), seed=3)  # some 80 areas of few blocks: hard to divide
    poor = replace(QUICK, steps=20, rounds=0.0, most_starts=1)
    loose, mended = (partition(town, **BAND, effort=replace(poor, mends=one)) for one in (0.0, 5.0))

    def misses(made: Partition) -> int:
        return int((np.maximum(0, 51 - made.homes) + np.maximum(0, made.homes - 69)).sum())

    assert misses(loose) == 30
    assert misses(mended) < misses(loose) / 2
    assert all(one.tries > 1 for one in mended.why if one.kind == "not_met")


def test_a_few_houses_apart_are_in_no_area() -> None:
    town = grid_town(8, 6, seed=1, canal=1, homes=(3, 4))
    town.passable[:] = town.cls != "water"
    made = partition(town, **BAND, least_homes=25, effort=QUICK)
    west = np.arange(len(town)) % 8 == 0  # 6 blocks of 3 homes
    assert (made.label[west] == -1).all()
    assert (made.label[~west] >= 0).all()
    assert made.homes.sum() == town.homes[~west].sum()
    with pytest.raises(InfeasibleError, match="connected part"):
        partition(town, **BAND, least_homes=1_000, effort=QUICK)


def test_a_set_stays_whole_without_a_block_if_what_is_left_of_it_is_one_piece() -> None:
    town, draw = grid_town(5, 5, seed=1), np.random.default_rng(3)
    walk, mark, queue, stamp, parts = walk_graph(town), np.zeros(25, np.int64), np.zeros(25, np.int64), 0, set()
    for _ in range(40):
        inside = np.zeros(25, bool)
        inside[draw.integers(25)] = True
        for _ in range(draw.integers(14)):  # grown block by block, so one piece
            beside = walk.nbr[inside[walk.tails()] & ~inside[walk.nbr]]
            inside[draw.choice(beside)] = True
        for block in np.flatnonzero(inside).tolist():
            rest, stamp = inside.copy(), stamp + 1
            rest[block] = False
            whole = bool(rest.any()) and components(town, rest).max() == 0
            assert stays_whole(walk.indptr, walk.nbr, inside, block, mark, queue, stamp) == whole
            parts.add(whole)
    assert parts == {True, False}


@pytest.mark.parametrize(
    ("total", "homes", "relief"),
    [
        ([74, 60], 3, 3),  # five too many: three fewer
        ([74, 60], 8, 5),  # no better than within
        ([60, 48], 5, 3),  # the other lacked three
        ([60, 60], 8, 0),  # both were and are within
        ([60, 60], 12, -6),  # the own one lacks three then, the other has three too many
        ([74, 69], 4, 0),  # what one gains the other loses
    ],
)
def test_relief_is_how_many_homes_two_areas_come_nearer_to_their_bands(total, homes, relief) -> None:
    low, high = np.array([51, 51]), np.array([69, 69])
    assert _flip_relief(np.array(total), low, high, 0, 1, homes) == relief


def test_homes_that_may_not_be_written_to_are_copied_so_that_no_loop_is_compiled_twice() -> None:
    town = grid_town(4, 1, homes=(5, 6))
    town.homes.setflags(write=False)  # as pandas gives a column
    for walk in (whole := walk_graph(town), whole.part(np.arange(3)), whole.part(np.arange(4))):
        assert walk.homes.flags.writeable
        assert walk.homes.tolist() == town.homes[: len(walk.homes)].tolist()


def test_a_division_does_not_depend_on_the_unit_of_length() -> None:
    walk, made = walk_graph(grid_town(12, 12, seed=2)), []
    bands = (np.full(12, 51), np.full(12, 69))
    for unit in (1.0, 1e-3):  # borders and temperatures in metres, and in kilometres
        label = np.repeat(np.arange(12), 12)
        cooling = Cooling(20.0 * unit, 0.5 * unit, 20_000, 100)
        cut = anneal_partition(walk._replace(weight=walk.weight * unit), label, bands, cooling, 5)
        made.append((label.tolist(), cut / unit))
    assert made[0][0] == made[1][0]
    assert made[0][1] == pytest.approx(made[1][1])


def test_the_divisions_of_a_seed_are_as_they_were() -> None:
    """Whole towns, one with a flat of 700, one hard to divide, one of many areas that are mended, one behind a canal."""
    towns = {
        "easy": (grid_town(12, 12, seed=2), {"effort": replace(QUICK, rounds=2.0)}),
        "giant": (grid_town(10, 10, seed=1), {"effort": QUICK}),
        "hard": (grid_town(6, 6, seed=4, homes=(9, 30)), {"effort": replace(QUICK, most_starts=6)}),
        "mended": (grid_town(16, 16, seed=3, homes=(9, 30)), {"effort": replace(QUICK, steps=40, rounds=0.05)}),
        "canal": (grid_town(9, 7, seed=6, canal=2, homes=(3, 9)), {"effort": QUICK, "least_homes": 50}),
    }
    towns["giant"][0].homes[55] = 700
    towns["canal"][0].passable[:] = towns["canal"][0].cls != "water"
    tables = {}
    for name, (town, how) in towns.items():
        made = partition(town, **BAND, **how)
        tables[f"{name}.label"] = pd.DataFrame({"area": made.label, "place": town.homes})
        area = pd.DataFrame({"homes": made.homes, "low": made.low, "high": made.high, "cut_m": made.cut_m})
        tables[f"{name}.area"] = area.join(pd.DataFrame(made.why).add_prefix("why_"))
    require_as_pinned("partition", tables)


def slowly_joined(
    homes: np.ndarray, ties: dict[tuple[int, int], float], foes: set[frozenset[int]], aim: int, alone: int
) -> np.ndarray:
    """Join the two groups with the strongest tie that may be one, until none may: every pair looked at each time."""
    groups = [{one} for one in range(len(homes))]

    def tie(a: set[int], b: set[int]) -> float:
        total = [homes[list(one)].sum() for one in (a, b)]
        fits = 0 in total or (max(total) < alone and sum(total) <= aim)
        met = not any(frozenset((i, j)) in foes for i in a for j in b)
        return sum(ties.get((i, j), 0.0) + ties.get((j, i), 0.0) for i in a for j in b) if fits and met else 0.0

    while True:
        best, a, b = max((tie(a, b), i, j) for i, a in enumerate(groups) for j, b in enumerate(groups) if i < j)
        if not best:
            return np.array([next(k for k, one in enumerate(groups) if i in one) for i in range(len(homes))])
        groups[a] |= groups.pop(b)


@pytest.mark.parametrize("seed", range(6))
def test_neighbours_are_merged_as_a_slow_judge_merges_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    homes = random.choice([0, 1, 2, 5, 9, 14, 30], 24)
    i, j = random.integers(0, 24, (2, 70))
    i, j = np.minimum(i, j)[i != j], np.maximum(i, j)[i != j]
    i, j = np.unique(np.column_stack([i, j]), axis=0).T
    strength, foe = random.random(len(i)), random.integers(0, 24, (2, 12))
    made = agglomerated(homes, (i, j, strength), (foe[0], foe[1]), aim=20, alone=25)
    ties = dict(zip(zip(i.tolist(), j.tolist(), strict=True), strength.tolist(), strict=True))
    foes = {frozenset(pair) for pair in foe.T.tolist() if pair[0] != pair[1]}
    slow = slowly_joined(homes, ties, foes, 20, 25)
    assert (made[:, None] == made[None]).tolist() == (slow[:, None] == slow[None]).tolist()
    assert sorted(set(made.tolist())) == list(range(made.max() + 1))


def test_groups_giants_and_loose_bits_are_where_they_were() -> None:
    town = grid_town(9, 8, seed=5, homes=(0, 12))
    town.homes[[12, 40, 41]] = 75, 90, 130
    walk, random = walk_graph(town), np.random.default_rng(1)
    made = {f"loose.{n}": make_contiguous(walk, random.integers(0, n, len(town))) for n in (2, 4, 9)}
    made |= {f"giants.{n}": with_giants(walk, bounds=(60, 51, 69), count=n, seed=3) for n in (1, 5)}
    pairs = (town.a, town.b, random.uniform(5, 50, len(town.a)))
    made |= {
        f"divided.{most}": divided(np.arange(len(town)) // 24, town.homes, pairs, most=most) for most in (20, 60, 400)
    }
    made["areas"] = np.array([areas_in(np.full(n, 3), target=60, low=51, high=69) for n in range(1, 60)])
    require_as_pinned("grouping", made)
