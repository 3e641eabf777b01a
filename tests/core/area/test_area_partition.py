"""Partitions: every block once, areas whole and in band, or saying why not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.area.graph import AreaGraph, components, walk_graph
from kansenkaart.core.area.partition import Partition, PartitionEffort, Pool, partition
from kansenkaart.core.area.recombine import cut_of
from kansenkaart.core.area.starts import areas_in, make_contiguous
from kansenkaart.errors import ConfigError, InfeasibleError
from tests.core.area.area_towns import grid_town

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
        assert bool(made.reason[area]) == (not 51 <= homes <= 69)
    assert made.cut_m == pytest.approx(town.cut_weight(made.label))


@settings(derandomize=True, deadline=None, max_examples=12)
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
    assert not any(made.reason)


def test_same_seed_same_partition_and_more_work_is_not_worse() -> None:
    town = grid_town(12, 12, seed=1)
    first, second = (partition(town, **BAND, effort=QUICK) for _ in range(2))
    assert first.label.tolist() == second.label.tolist()
    more = partition(town, **BAND, effort=PartitionEffort(steps=300, rounds=4, local_steps=5_000, polish_s=5.0))
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
        assert "eiland" in made.reason[int(made.label[0])]


def test_a_building_of_700_is_widened_for_and_named() -> None:
    town = grid_town(10, 10, seed=1)
    town.homes[55] = 700
    made = partition(town, **BAND, effort=QUICK)
    require_lawful(town, made)
    assert "700 woningen" in made.reason[int(made.label[55])]
    assert sum(bool(reason) for reason in made.reason) <= 2


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


def test_loose_bits_go_to_a_neighbour() -> None:
    # A row of six: the parts 0 0 1 0 1 1 hold one loose bit each; two whole parts remain.
    town = grid_town(6, 1, homes=(5, 6))
    label = make_contiguous(walk_graph(town), np.array([0, 0, 1, 0, 1, 1]))
    assert (np.diff(label) != 0).sum() == label.max()


def test_the_pool_joins_the_best_of_two_partitions() -> None:
    # Two partitions of a row of eight, each good at one end; the pool makes the one that is good at both.
    town = grid_town(8, 1, homes=(10, 11))
    walk = walk_graph(town)
    walk.weight[:] = np.where(np.isin(np.minimum(walk.tails(), walk.nbr), (1, 5)), 1.0, 50.0)
    pool = Pool(walk, (10, 30))
    first, second = np.array([0, 0, 1, 1, 2, 2, 2, 3]), np.array([0, 1, 1, 1, 2, 2, 3, 3])
    pool.add(first)
    pool.add(second)
    best = pool.best(first, seconds=5.0)
    assert cut_of(walk, best) < min(cut_of(walk, first), cut_of(walk, second))
