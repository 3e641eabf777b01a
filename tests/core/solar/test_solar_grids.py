"""The loops over fine cells and heights, each by itself against numpy, shapely or a slow judge; heights and limits by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.solar import panels, segment
from kansenkaart.core.solar.balance import OwnUse, Prices, economic_size, own_use_kwh
from kansenkaart.core.solar.classes import Planes, free_cells, plane_heights, specific_yield
from kansenkaart.errors import ConfigError

FINE = panels.FINE_M


def rings(shape: shapely.Polygon) -> tuple[np.ndarray, np.ndarray]:
    """Give the corners of all rings of a polygon, and which of them ends a ring."""
    points, ring = shapely.get_coordinates(shapely.get_rings([shape]), return_index=True)
    return points, np.append(ring[1:] != ring[:-1], True)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Point(0.6, 0.5).buffer(0.43),
        shapely.box(0.1, 0.1, 1.3, 0.9) - shapely.Point(0.6, 0.5).buffer(0.17),
        shapely.Polygon([(0.03, 0.02), (1.27, 0.31), (0.4, 0.88)]),
        shapely.box(0.31, -0.2, 0.52, 1.9),  # beyond the cells on two sides
    ],
)
def test_a_fine_cell_is_inside_where_its_middle_is(shape: shapely.Polygon) -> None:
    low, size = np.array([0.013, -0.021]), (27, 23)
    inside = panels._inside(*rings(shape), low, size)
    u, v = np.meshgrid(
        *((np.arange(n) + 0.5) * FINE + start for n, start in zip(size, low, strict=True)), indexing="ij"
    )
    np.testing.assert_array_equal(inside.astype(bool), shapely.contains_xy(shape, u, v))


def test_sums_over_boxes_are_those_of_numpy() -> None:
    cells = np.random.default_rng(4).integers(0, 2, (9, 7)).astype(np.uint8)
    table = np.zeros((10, 8), np.int32)
    panels._sum_table(cells, table)
    for i, j, wide, deep in ((0, 0, 9, 7), (2, 3, 4, 2), (8, 6, 1, 1), (0, 6, 9, 1), (3, 0, 0, 7)):
        assert panels._box(table, i, j, wide, deep) == cells[i : i + wide, j : j + deep].sum()


def test_what_is_free_lies_the_set_back_inside_and_off_every_obstacle() -> None:
    """A box of 2 by 1.5 m; two obstacles of 0.2 m with 0.1 m around them, one of them over its edge; stretched down the slope."""
    ring, last = rings(shapely.box(0.0, 0.0, 2.0, 1.5))
    marks = np.array([[1.0, 0.7], [1.95, 1.4]])
    stretch, back, shape = 1.3, 0.2, (42, 32)
    how = (np.array([0.0, 0.0]), shape, np.array([0.0, stretch, back]), 0.2, 0.1)
    bad = np.diff(np.diff(panels._free(ring, last, marks, how), axis=0), axis=1)
    expected = np.ones(shape)
    expected[4:36, 4:26] = 0  # 0.2 m inside on all sides, in cells of 0.05 m
    for x, y in marks:
        half = (0.2, 0.2 * stretch)
        first = [max(int((at - one) / FINE), 0) for at, one in zip((x, y), half, strict=True)]
        end = [int((at + one) / FINE) + 1 for at, one in zip((x, y), half, strict=True)]
        expected[first[0] : end[0], first[1] : end[1]] = 1
    np.testing.assert_array_equal(bad, expected)


@pytest.mark.parametrize(
    ("middle", "half", "end", "cells"), [(1.0, 0.21, 99, (15, 25)), (0.1, 0.3, 99, (0, 9)), (1.0, 0.3, 22, (13, 22))]
)
def test_a_mark_covers_the_cells_that_it_touches(middle: float, half: float, end: int, cells: tuple[int, int]) -> None:
    assert panels._reach(middle, half, end) == cells


def packed_slowly(bad: np.ndarray, way: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    """Lay rows from every phase, each unit as early as it may; the first fullest."""
    wide, deep = (int(np.ceil(one / FINE - 1e-9)) for one in way[:2])
    along, down = max(way[2] / FINE, wide), max(way[3] / FINE, deep)
    best: list[tuple[float, float]] = []
    for phase in range(min(int(np.ceil(down)), bad.shape[1] - deep + 1)):
        made, v = [], float(phase)
        while int(v) + deep <= bad.shape[1]:
            u = 0.0
            while (i := int(np.ceil(u))) + wide <= bad.shape[0]:
                free = not bad[i : i + wide, int(v) : int(v) + deep].any()
                made += [(i * FINE, int(v) * FINE)] * free
                u = i + (along if free else 1.0)
            v += down
        best = made if len(made) > len(best) else best
    return best


@pytest.mark.parametrize(
    "way",
    [
        (0.2, 0.15, 0.2, 0.15),
        (0.2, 0.15, 0.23, 0.31),
        (0.15, 0.22, 0.01, 0.01),
        (1.5, 0.1, 1.5, 0.1),
        (0.1, 2.0, 0.1, 2.0),
    ],
)
def test_modules_are_packed_as_a_slow_judge_packs_them(way: tuple[float, float, float, float]) -> None:
    random, filled = np.random.default_rng(8), 0
    for share in (0.0, 0.02, 0.1):
        bad = (random.random((28, 24)) < share).astype(np.uint8)
        table = np.zeros((29, 25), np.int32)
        panels._sum_table(bad, table)
        slow, trial, best = packed_slowly(bad, way), np.full((99, 2), -1.0), np.full((99, 2), -1.0)
        assert panels._pack(table, np.array(way), trial, best, 0) == len(slow)
        np.testing.assert_allclose(best[: len(slow)], np.reshape(slow, (-1, 2)), atol=1e-12)
        assert panels._pack(table, np.array(way), trial, best, len(slow)) == 0  # as many is no better
        if len(slow) > 2:  # where there is room for fewer, so many are laid
            assert panels._pack(table, np.array(way), np.empty((2, 2)), np.empty((2, 2)), 1) == 2
        filled += len(slow)
    assert filled > 0 or max(way[:2]) >= 1.5


def test_a_plane_through_points_is_that_of_least_squares() -> None:
    random = np.random.default_rng(2)
    x, y = random.uniform(-3, 9, (2, 12))
    z = 0.4 * x - 1.1 * y + 7 + random.normal(0, 0.1, 12)
    moments = np.zeros(10)
    for point in zip(x, y, z, strict=True):
        segment._add(moments, *point)
    a, b, c, rms = segment._solve(moments)
    fit, rest, _, _ = np.linalg.lstsq(np.column_stack([x, y, np.ones(12)]), z, rcond=None)
    assert (a, b, c) == pytest.approx(tuple(fit))
    assert rms == pytest.approx(np.sqrt(rest[0] / 12))
    assert segment._height(np.array([[0, 0, 0], [0.5, -0.25, 3.0]]), 1, 4.0, 2.0) == pytest.approx(3.0 + 1.0 - 1.0)
    in_a_row = np.zeros(10)
    for k in range(5):
        segment._add(in_a_row, float(k), 2.0 * k, 3.0 + k)
    assert tuple(segment._solve(in_a_row)) == (0.0, 0.0, 5.0, 1e9)


def test_the_height_of_a_plane_and_what_lies_free_on_it_by_hand() -> None:
    # A slope of 45 degrees that faces south with its eave at y = 10 m, one that faces east from x = 50 m, and a level one.
    planes = Planes(
        tilt_deg=np.array([45.0, 45.0, 0.0]),
        azimuth_deg=np.array([180.0, 90.0, np.nan]),
        eave_m=np.array([3.0, 4.0, 6.0]),
        low_x_m=np.array([0.0, 50.0, 0.0]),
        low_y_m=np.array([10.0, 0.0, 0.0]),
    )
    face = np.array([[0, 0, 1], [2, -1, 1]])
    x, y = np.array([[5.0, 9.0, 48.0], [1.0, 1.0, 50.0]]), np.array([[10.0, 12.5, 7.0], [2.0, 3.0, 9.0]])
    height = plane_heights(planes, face, x_m=x, y_m=y)
    assert height.ravel().tolist() == pytest.approx([3.0, 5.5, 6.0, 6.0, np.nan, 4.0], nan_ok=True)
    surface = height + np.array([[0.25, 0.26, -3.0], [np.nan, 0.0, 0.0]])
    free = free_cells(face, plane_m=height, surface_m=surface, clearance_m=0.25)
    assert free.tolist() == [[True, False, True], [False, False, True]]
    assert specific_yield(np.array([1000.0]), performance_ratio=1.0).tolist() == [1000.0]
    with pytest.raises(ConfigError, match="above 0"):
        specific_yield(np.array([1000.0]), performance_ratio=0.0)


def test_what_is_used_under_a_roof_and_how_many_modules_pay_by_hand() -> None:
    own = OwnUse(np.array([0.5, 1.0, 2.0]), np.array([0.8, 0.6, 0.4]))
    sun, use = np.array([500.0, 1000.0, 4000.0, 100.0, 0.0, 50.0, np.nan]), np.array([1000.0] * 5 + [0.0, 9.0])
    # On the table; at its end; beyond, where no more is used; below it as at its begin; no sun; no use; unknown.
    assert own.of(sun, use_kwh=use).tolist() == pytest.approx([400, 600, 800, 80, 0, 0, np.nan], nan_ok=True)
    assert own_use_kwh(np.array([0.0, 1.0]), np.array([1.0, 0.0]), homes=1, spread=0.8) == pytest.approx(0.0, abs=1e-6)
    prices = Prices(0.30, 0.05, 800.0, 1000.0, 0.1)
    face = pd.DataFrame(
        {
            "roof": ["a", "a", "b", "c", "d", "e"],
            "modules": [4.0, 3.0, 2.0, np.nan, 0.0, 5.0],
            "kwh_per_kwp": [600.0, 900.0, 200.0, 900.0, np.nan, 900.0],
            "flat": [False, True, True, False, False, False],
            "use_kwh": [1000.0, 1000.0, 1000.0, 1000.0, 1000.0, np.nan],
        }
    )
    made = economic_size(face, own=own, prices=prices, module_kwp=0.5)
    # The flat face first: each brings 450 kWh for 50 EUR. One: 0.8 x 450 x 0.30 + 0.2 x 450 x 0.05 - 50 = 62.50 EUR;
    # two, with 900 kWh of sun: more; three: 1,350 kWh. Then 300 kWh for 40 EUR a module.
    sums = np.array([0.0, 450, 900, 1350, 1650, 1950, 2250, 2550])
    used = own.of(sums, use_kwh=np.full(8, 1000.0))
    net = used * 0.30 + (sums - used) * 0.05 - np.array([0, 50, 100, 150, 190, 230, 270, 310.0])
    best = int(net.argmax())
    assert 0 < best < 7
    row = [best, best * 0.5, sums[best], used[best], sums[best] - used[best], net[best]]
    assert made.loc["a"].tolist() == pytest.approx(row)
    assert made.loc["b"].tolist() == [0.0] * 6  # 100 kWh for 50 EUR does not pay
    assert made.loc["d"].tolist() == [0.0] * 6
    assert made.loc[["c", "e"]].isna().all(axis=None)
    few = economic_size(face, own=own, prices=prices, module_kwp=0.5, steps=7)
    assert few.loc["a"].tolist() == pytest.approx(row)
    coarse = economic_size(face, own=own, prices=prices, module_kwp=0.5, steps=2)  # 0, 4 (3.5 is even) or 7
    tried = int(np.array([0, 4, 7])[net[[0, 4, 7]].argmax()])
    assert coarse.loc["a", ["modules", "net_eur"]].tolist() == pytest.approx([tried, net[tried]])
