"""Faces grown from a raster, and priors of roofs."""

from __future__ import annotations

import numpy as np
import pytest

from kansenkaart.core.solar import segment
from kansenkaart.core.solar.segment import above_ground, refine, segment_faces
from tests.pinned import require_as_pinned


def saddle(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Two slopes of 40 deg to north and south, 10 x 20 m, and a flat annex, at half-metre cells."""
    z, building = np.zeros((40, 60), np.float32), np.full((40, 60), -1, np.int32)
    building[10:30, 10:50] = 3
    building[10:30, 50:56] = 3
    rows = np.arange(20) + 0.5
    z[10:30, 10:50] = (5 + np.minimum(rows, 20 - rows) * 0.5 * np.tan(np.radians(40)))[:, None]
    z[10:30, 50:56] = 3.0
    return z + np.random.default_rng(0).normal(0, noise, z.shape).astype(np.float32), building


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_faces_grow_back_from_a_raster(noise: float) -> None:
    z, building = saddle(noise)
    label, faces = segment_faces(z, building, cell_size_m=0.5)
    assert len(faces) == 3
    assert set(faces["building"]) == {3}
    faces = faces.sort_values("roof_area_m2")
    assert faces["tilt_deg"].to_numpy() == pytest.approx([0, 40, 40], abs=1.0)
    assert sorted(np.cos(np.radians(faces["azimuth_deg"].to_numpy()[1:]))) == pytest.approx([-1, 1], abs=1e-3)
    # 10 m x 5 m / cos 40 = 130.5 m2 for 20 m of ridge, and 30 m2 of annex; a row of edge cells may stay without
    assert faces["roof_area_m2"].to_numpy() == pytest.approx([30, 130.5, 130.5], rel=0.06)
    again, _ = segment_faces(z, building, cell_size_m=0.5)
    np.testing.assert_array_equal(label, again)


@pytest.mark.parametrize(("tilt", "faces_a_side"), [(2.5, False), (3.5, True)])
def test_a_roof_of_less_than_three_degrees_faces_no_side(tilt: float, faces_a_side: bool) -> None:
    z, building = np.zeros((40, 60), np.float32), np.full((40, 60), -1, np.int32)
    building[10:30, 10:50] = 0
    z[10:30, 10:50] = (5 + np.arange(20) * 0.5 * np.tan(np.radians(tilt)))[:, None]
    _, faces = segment_faces(z, building, cell_size_m=0.5)
    assert faces["tilt_deg"].tolist() == pytest.approx([tilt], abs=0.1)
    assert faces["azimuth_deg"].notna().tolist() == [faces_a_side]  # it rises to the south, so it faces north
    assert faces["azimuth_deg"].dropna().map(lambda one: np.cos(np.radians(one))).tolist() == pytest.approx(
        [1.0] * faces_a_side
    )


def test_a_roof_that_fills_its_sheet_is_one_face_to_the_very_edges() -> None:
    row, col = np.mgrid[0:12, 0:14]
    z = (5 + 0.2 * row + 0.1 * col).astype(np.float32)
    label, faces = segment_faces(z, np.zeros(z.shape, np.int32), cell_size_m=0.5)
    assert (label == 0).all()
    assert faces["plan_area_m2"].tolist() == [12 * 14 / 4]


def test_a_dormer_and_a_chimney_are_no_part_of_the_slope() -> None:
    z, building = saddle(0.0)
    z[14:16, 20:22] += 1.5
    label, _ = segment_faces(z, building, cell_size_m=0.5)
    assert (label[14:16, 20:22] == -1).all()
    assert label[18, 30] >= 0


@pytest.mark.parametrize("side", range(4))
def test_the_lowest_ground_lies_on_any_side_within_six_cells_and_not_behind_a_neighbour(side: int) -> None:
    heights, building = np.full((24, 24), 5.0), np.full((24, 24), -1, np.int32)
    building[10:14, 10:14], building[10:14, 20:22] = 0, 1
    heights[11, 4], heights[11, 3], heights[11, 22] = 2.0, 1.0, 0.0  # six cells away, seven, and behind a neighbour
    turned = [np.ascontiguousarray(np.rot90(one, side)) for one in (heights, building)]
    assert segment._ground_beside(*turned, 2).tolist() == [2.0, 0.0]
    heights, building = np.full((4, 4), 5.0), np.full((4, 4), -1, np.int32)
    building[1:3, 1:3], heights[0, 1] = 0, 1.0  # at the very edge of the sheet
    turned = [np.ascontiguousarray(np.rot90(one, side)) for one in (heights, building)]
    assert segment._ground_beside(*turned, 1).tolist() == [1.0]
    alone = segment._ground_beside(np.zeros((2, 2)), np.zeros((2, 2), np.int32), 1)
    assert alone.tolist() == [-1e9]


@pytest.mark.parametrize(
    ("left", "right", "meet"),
    [
        ((1.0, 0.0, 0.0), (-1.0, 0.0, 3.0), 1),  # both rise to 1.5, half way between the second cell and the third
        ((-1.0, 0.0, 0.0), (1.0, 0.0, -3.0), -1),  # both fall to it
        ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0), 0),  # one stands three metres over the other
    ],
)
def test_faces_meet_at_a_ridge_or_in_a_valley_or_not_and_never_with_themselves_or_nothing(left, right, meet) -> None:
    planes = np.array([left, right])
    label = np.array([[0, 0, 1, 1], [-1, -1, -1, -1], [0, -1, 1, -1]], np.int32)
    assert segment._meetings(label, planes, 0.5).tolist() == [[0, meet], [meet, 0]]
    assert not segment._meetings(label[1:], planes, 0.5).any()  # these do not touch


def test_as_many_places_for_a_ridge_as_for_a_valley_make_a_valley() -> None:
    planes, label = np.array([(1.0, 0.0, 0.0), (-1.0, 0.0, 1.0)]), np.array([[0, 1], [-1, -1], [1, 0]], np.int32)
    assert segment._meetings(label, planes, 0.5).tolist() == [[0, -1], [-1, 0]]
    assert segment._meetings(label[:1], planes, 0.5).tolist() == [[0, 1], [1, 0]]


def test_a_cell_left_over_joins_a_face_of_its_own_building_that_passes_near_enough() -> None:
    z, building, label = np.zeros((3, 3)), np.zeros((3, 3), np.int32), np.full((3, 3), -1, np.int32)
    building[1, 0], label[1, 0], label[1, 2], label[0, 0] = 1, 0, 1, 2
    # The first is a neighbour's, and passes nearest; the last is of no cell here.
    planes = np.array([(0.0, 0.0, 0.0), (0.0, 0.0, 0.1), (0.0, 0.0, -0.2), (0.0, 0.0, 0.0)])
    assert segment._nearest_face(z, building, label, planes, (1, 1, 0.5)) == 1
    assert segment._nearest_face(z, building, label, planes, (1, 1, 0.05)) == -1


def test_the_nearest_cells_weigh_most_wherever_the_place_is() -> None:
    label = np.full((60, 60), -1, np.int32)
    label[:, :30], label[:, 30:40] = 0, 1  # the border lies half way between the middles of columns 29 and 30
    faces = [segment._heaviest(label, 40.3, column) for column in (10.0, 29.4, 29.6, 38.0, 55.0)]
    assert faces == [0, 0, 1, 1, -1]


def test_faces_grown_from_rough_heights_are_as_they_were() -> None:
    """A saddle roof with a dormer, a chimney, a hip, a hole and an annex half sunk in the ground, and a house beside it."""
    z, building = saddle(0.04)
    z[14:18, 20:25] += 1.2
    z[24, 40] += 3.0
    z[12:18, 44:50] -= np.linspace(0, 1.5, 6, dtype=np.float32)
    z[20:22, 30:33] = np.float32(-20_000)
    z[20:30, 50:56] = 0.4
    building[34:39, 5:25], z[34:39, 5:25] = 1, 4.0
    z[36:39, 5:25] += np.arange(3, dtype=np.float32)[:, None] * 0.4
    left, share = above_ground(z, building, 4)
    label, faces = segment_faces(z, left, cell_size_m=0.5)
    planes = np.column_stack([faces["a"] * 0.5, -faces["b"] * 0.5, faces["c"]])
    fine = refine(label, planes, fold=3)
    cells = {name: one.ravel() for name, one in {"left": left, "label": label, "fine": fine}.items()}
    require_as_pinned("faces", {**cells, "share": share, "face": faces})


def _rough(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a block of gables, hips and flats against each other, with dormers, trees over them, holes and sunken sheds."""
    chance = np.random.default_rng(seed)
    z, building = np.zeros((70, 90), np.float32), np.full((70, 90), -1, np.int32)
    row, col = np.mgrid[0:70, 0:90]
    for number in range(9):
        top, left, deep, wide = 4 + 22 * (number // 3), 3 + 28 * (number % 3), *chance.integers(10, 24, 2)
        here = (row >= top) & (row < top + deep) & (col >= left) & (col < left + wide)
        across, along = (row - top + 0.5) / deep, (col - left + 0.5) / wide
        steep, kind = chance.uniform(0.1, 1.2), chance.integers(0, 5)
        shape = [
            0 * across,
            np.minimum(across, 1 - across) * deep,
            np.minimum(np.minimum(across, 1 - across) * deep, np.minimum(along, 1 - along) * wide),
            along * wide,
            np.where(along < 0.5, across * deep, np.minimum(along, 1 - along) * wide),
        ][kind]
        z[here] = (chance.uniform(2, 7) + shape * steep * 0.5)[here]
        building[here] = number
        for _ in range(3):
            i, j = top + chance.integers(0, deep), left + chance.integers(0, wide)
            z[i : i + 3, j : j + chance.integers(1, 5)] += chance.choice([-20_000.0, -1.0, 0.8, 4.0])
    z[40:52, 30:36] = 0.3
    return z + chance.normal(0, 0.03 * (seed % 3), z.shape).astype(np.float32), building


def test_faces_grown_from_blocks_drawn_by_chance_are_as_they_were() -> None:
    made = {}
    for seed in range(8):
        z, building = _rough(seed)
        cell = (0.5, 0.5, 0.25, 1.0)[seed % 4]
        left, share = above_ground(z, building, 9)
        label, faces = segment_faces(z, left, cell_size_m=cell)
        planes = np.column_stack([faces["a"] * cell, -faces["b"] * cell, faces["c"]])
        cells = {"left": left, "label": label, "fine": refine(label, planes, fold=2 + seed % 4)}
        cells["meet"] = segment._meetings(label, planes, 0.4)
        made |= {f"{seed}.{name}": one.ravel() for name, one in cells.items()}
        made |= {f"{seed}.share": share, f"{seed}.face": faces}
    require_as_pinned("rough_roofs", made)
