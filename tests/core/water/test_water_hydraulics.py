"""Pipe flow against published tables, closed forms, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.water.hydraulics import (
    STANDARD_DIAMETERS_MM,
    Friction,
    capacity_table,
    filling_at,
    flow,
    shear_stress,
    smallest_diameter,
    velocity,
    wetted_section,
)
from kansenkaart.errors import ConfigError

MANNING = Friction("manning")


@pytest.mark.parametrize(
    ("diameter_mm", "one_in", "k_mm", "v", "q"),
    [
        # Drainage Services Department (Hong Kong), Sewerage Manual, capacity table of Colebrook-White, full bore.
        (300, 200, 0.6, 1.11, 78.3),
        (450, 150, 0.6, 1.66, 263.6),
        (600, 250, 0.6, 1.54, 434.1),
        (900, 150, 0.6, 2.56, 1625.9),
        (400, 300, 3.0, 0.87, 109.1),
        (450, 300, 3.0, 0.94, 149.3),
    ],
)
def test_colebrook_agrees_with_the_published_table(diameter_mm, one_in, k_mm, v, q):
    friction = Friction(roughness_mm=k_mm, viscosity_m2_per_s=1.14e-6)
    found = velocity(diameter_mm / 4000, slope=1 / one_in, friction=friction)
    assert found == pytest.approx(v, abs=0.006)
    assert flow(1.0, diameter_mm=diameter_mm, slope=1 / one_in, friction=friction) == pytest.approx(q, rel=0.005)


def test_textbook_pipe_of_1200_mm():
    # Hamill, Understanding Hydraulics, ex. 6: 1.2 m, k 0.6 mm, 1:250, nu 1.005e-6: 2.363 m/s.
    friction = Friction(roughness_mm=0.6, viscosity_m2_per_s=1.005e-6)
    assert velocity(0.3, slope=0.004, friction=friction) == pytest.approx(2.363, rel=0.001)


def test_the_design_pipe_of_riool_practice():
    # DN200 at 1:250, half full: 10.4 l/s, about 3,100 people at 12 l/h; Manning 0.013 by hand 10.37.
    half = flow(0.5, diameter_mm=200, slope=1 / 250, friction=MANNING)
    assert half == pytest.approx(10.4, abs=0.05)
    assert half / 12 * 3600 == pytest.approx(3110, rel=0.01)
    assert flow(0.5, diameter_mm=200, slope=1 / 250, friction=Friction()) == pytest.approx(10.4, rel=0.015)


def test_manning_full_and_half_by_hand():
    # v = (D/4)^(2/3) sqrt(S) / n with D = 0.4, S = 0.0025, n = 0.013: 0.1^(2/3) = 0.215443; x 0.05 / 0.013 = 0.828629 m/s.
    assert velocity(0.1, slope=0.0025, friction=MANNING) == pytest.approx(0.828629, rel=1e-5)
    full = flow(1.0, diameter_mm=400, slope=0.0025, friction=MANNING)
    assert full == pytest.approx(0.828629 * np.pi * 0.04 * 1000, rel=1e-5)
    assert flow(0.5, diameter_mm=400, slope=0.0025, friction=MANNING) == pytest.approx(full / 2)


def test_sections_by_hand():
    area, radius = wetted_section([0, 0.5, 1.0], diameter_m=2.0)
    assert area == pytest.approx([0, np.pi / 2, np.pi])
    assert radius == pytest.approx([0, 0.5, 0.5])


def test_shear_of_a_half_full_pipe():
    # rho g R S = 1000 x 9.81 x 0.05 x 0.004 = 1.962 N/m2
    assert shear_stress(0.5, diameter_mm=200, slope=0.004) == pytest.approx(1.962)


def test_unknown_stays_unknown_and_flat_carries_nothing():
    assert np.isnan(velocity(0.1, slope=np.nan, friction=Friction()))
    assert velocity(0.1, slope=0.0, friction=Friction()) == 0
    assert velocity(0.1, slope=-0.01, friction=MANNING) == 0
    assert np.isnan(filling_at(np.nan, diameter_mm=200, slope=0.004, friction=MANNING))
    assert filling_at(0.0, diameter_mm=200, slope=0.004, friction=MANNING) == 0
    assert filling_at(1e6, diameter_mm=200, slope=0.004, friction=MANNING) == 1


def test_smallest_diameter_and_its_edges():
    table = capacity_table([0.004] * 4, filling=0.5, diameters_mm=STANDARD_DIAMETERS_MM, friction=MANNING)
    found = smallest_diameter(
        [10.3, 10.5, 1e9, np.nan], capacity_l_per_s=table, minimum_mm=200, diameters_mm=STANDARD_DIAMETERS_MM
    )
    assert found[:2].tolist() == [200, 250]
    assert np.isnan(found[2:]).all()
    least = smallest_diameter([0.0], capacity_l_per_s=table[:1], minimum_mm=250, diameters_mm=STANDARD_DIAMETERS_MM)
    assert least.tolist() == [250]


def test_wrong_coefficients_are_refused():
    with pytest.raises(ConfigError):
        Friction(roughness_mm=0)
    with pytest.raises(ConfigError):
        capacity_table([0.01], filling=1.0, diameters_mm=(300.0, 200.0), friction=MANNING)


@settings(max_examples=60)
@given(st.floats(0.01, 0.9), st.floats(100, 1500), st.floats(1e-4, 0.05), st.sampled_from([MANNING, Friction()]))
def test_filling_is_the_inverse_of_flow(filling, diameter, slope, friction):
    q = flow(filling, diameter_mm=diameter, slope=slope, friction=friction)
    if 0 < q < flow(1.0, diameter_mm=diameter, slope=slope, friction=friction):
        assert filling_at(q, diameter_mm=diameter, slope=slope, friction=friction) == pytest.approx(filling, abs=1e-6)


@settings(max_examples=40)
@given(st.floats(0, 500), st.floats(0, 500), st.floats(1e-4, 0.05))
def test_more_flow_never_needs_a_smaller_pipe(a, b, slope):
    table = capacity_table([slope] * 2, filling=0.5, diameters_mm=STANDARD_DIAMETERS_MM, friction=Friction())
    small, large = smallest_diameter(
        sorted([a, b]), capacity_l_per_s=table, minimum_mm=200, diameters_mm=STANDARD_DIAMETERS_MM
    )
    assert np.isnan(large) or small <= large
