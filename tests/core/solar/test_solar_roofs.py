"""Planes of faces, raised surfaces, free cells, faces grown from a raster, priors."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.solar.priors import PRIORS, footprint_faces, interval, kind_of
from kansenkaart.core.solar.roofs import face_planes, newell, raise_surface, usable_mask
from kansenkaart.core.solar.segment import segment_faces
from kansenkaart.errors import ConfigError


def sloping(a: float, b: float, *, x: float = 85000.0, y: float = 447000.0, reverse: bool = False) -> shapely.Polygon:
    """Build a square of 4 m on the map, on the plane z = a x + b y, with a hole of 1 m."""

    def lift(ring: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
        corners = [(u, v, 10 + a * (u - x) + b * (v - y)) for u, v in ring]
        return corners[::-1] if reverse else corners

    outer = lift([(x, y), (x + 4, y), (x + 4, y + 4), (x, y + 4)])
    hole = lift([(x + 1, y + 1), (x + 2, y + 1), (x + 2, y + 2), (x + 1, y + 2)])
    return shapely.Polygon(outer, [hole])


def test_a_slope_of_45_deg_to_the_south() -> None:
    frame, tally = face_planes([sloping(0.0, 1.0)])  # rises to the north, so it faces south
    row = frame.iloc[0]
    assert row["tilt_deg"] == pytest.approx(45.0)
    assert row["azimuth_deg"] == pytest.approx(180.0)
    assert row["plan_area_m2"] == pytest.approx(15.0)  # 16 less a hole of 1
    assert row["roof_area_m2"] == pytest.approx(15.0 * np.sqrt(2))
    assert not tally


@settings(derandomize=True, deadline=None, max_examples=40)
@given(a=st.floats(-3, 3), b=st.floats(-3, 3), reverse=st.booleans())
def test_planes_follow_their_gradient_whatever_the_order(a: float, b: float, reverse: bool) -> None:
    row = face_planes([sloping(a, b, reverse=reverse)])[0].iloc[0]
    steep = np.hypot(a, b)
    assert row["tilt_deg"] == pytest.approx(np.degrees(np.arctan(steep)), abs=1e-4)
    assert row["roof_area_m2"] == pytest.approx(15 * np.sqrt(1 + steep**2), rel=1e-6)
    assert (row["a"], row["b"]) == pytest.approx((a, b), abs=1e-6)
    if row["tilt_deg"] > 3:
        assert np.cos(np.radians(row["azimuth_deg"] - np.degrees(np.arctan2(-a, -b)))) == pytest.approx(1, abs=1e-9)
    else:
        assert np.isnan(row["azimuth_deg"])


def test_newell_of_a_unit_square() -> None:
    assert newell(np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])) == pytest.approx([0, 0, 1])


def test_every_fault_is_named_and_counted() -> None:
    faults = [
        None,
        shapely.Polygon(),
        shapely.box(0, 0, 1, 1),  # no heights
        shapely.Polygon([(0, 0, 0), (1, 1, 1), (2, 2, 2)]),  # a line
        shapely.Polygon([(0, 0, 0), (3, 3, 0), (3, 0, 0), (0, 2, 0)]),  # a bow tie, lobes of unequal size
        shapely.Polygon([(0, 0, 0), (4, 0, 0), (4, 0, 4), (0, 0, 4)]),  # upright
        sloping(0.2, 0.1),
    ]
    frame, tally = face_planes(faults)
    assert dict(tally) == {"missing": 2, "no height": 1, "zero area": 1, "self-crossing": 1, "wall": 1}
    assert len(frame) == len(faults)  # nothing is dropped
    assert frame["tilt_deg"].isna().sum() == 6


def test_a_raised_surface_carries_the_plane_and_keeps_the_ground() -> None:
    face = np.full((4, 4), -1, np.int32)
    face[1:3, 1:3] = 0
    got = raise_surface(np.ones((4, 4)), face, np.array([[1.0, 0.0, 5.0]]), origin_m=(0.0, 2.0), cell_size_m=0.5)
    assert got[0, 0] == 1.0
    assert got[1, 1] == pytest.approx(5.75)  # x of the second cell's middle is 0.75
    assert got[2, 2] == pytest.approx(6.25)


def test_a_tree_over_a_roof_is_not_a_roof_nor_is_a_hole() -> None:
    face = np.zeros((7, 7), np.int32)
    face[:, 6] = -1
    plane = np.full((7, 7), 5.0)
    surface = plane.copy()
    surface[3, 3] = 9.0  # a branch
    free = usable_mask(face, plane_m=plane, surface_m=surface)
    assert not free[2:5, 3].any()
    assert not free[3, 2:5].any()
    assert free.sum() == 42 - 5  # the cell and its four neighbours
    surface[3, 3] = np.nan
    assert usable_mask(face, plane_m=plane, surface_m=surface, set_back_cells=0).sum() == 41


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


def test_a_dormer_and_a_chimney_are_no_part_of_the_slope() -> None:
    z, building = saddle(0.0)
    z[14:16, 20:22] += 1.5
    label, _ = segment_faces(z, building, cell_size_m=0.5)
    assert (label[14:16, 20:22] == -1).all()
    assert label[18, 30] >= 0


def test_priors_put_ridges_along_the_longer_side() -> None:
    faces = footprint_faces([shapely.box(0, 0, 6, 10), None], bouwjaar=np.array([1930.0, np.nan]))
    first = faces[faces["footprint"] == 0]
    assert first["plan_area_m2"].sum() == pytest.approx(60.0)
    assert sorted(first["azimuth_deg"].dropna()) == pytest.approx([90.0, 270.0])  # ridge north-south
    assert first["kind"].unique().tolist() == ["old house"]
    assert faces[faces["footprint"] == 1]["roof_area_m2"].isna().all()  # unknown, not zero
    with pytest.raises(ConfigError, match="one bouwjaar"):
        footprint_faces([None], bouwjaar=np.empty(0))


def test_the_bags_placeholder_is_no_old_house() -> None:
    assert kind_of(np.array([80.0, 80.0, 10.0, 500.0]), np.array([1005.0, 1930.0, 1930.0, 1930.0])).tolist() == [
        "newer house",
        "old house",
        "shed",
        "large",
    ]


def test_intervals_widen_as_the_basis_falls() -> None:
    low, high = interval(np.full(3, 100.0), basis=np.array(["lod22+dsm", "dsm", "lod22"]))
    width = (high - low).tolist() + [100 * (p.kwh_ratio[1] - 0.8 * p.kwh_ratio[0]) for p in PRIORS.values()]
    assert width[0] < width[1] < width[2] < min(width[3:])
    with pytest.raises(ConfigError, match="hearsay"):
        interval(np.ones(1), basis=np.array(["hearsay"]))
