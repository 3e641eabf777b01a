"""Shade on roofs: closed forms, laws, and a slow judge."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.solar_scene import SITE, Town, clear_year, town
from kansenkaart.core.solar import horizon
from kansenkaart.core.solar.cells import _join, irradiate, kernel_table, roof_planes
from kansenkaart.core.solar.horizon import clean_surface, encode_slope, horizons, roof_cells
from kansenkaart.core.solar.irradiance import IrradianceTable, cumulative_irradiance, open_plane_energy
from kansenkaart.core.solar.surface import Window, irradiate_sheet
from kansenkaart.core.solar.weather import (
    closing_minutes,
    diffuse_frac,
    long_term_months,
    scale_to_monthly,
    split_global,
    typical_year,
)
from kansenkaart.errors import ConfigError, SchemaError
from tests.core.solar.sun_oracle import decode_slope, oracle, sky_view
from tests.pinned import require_as_pinned


@cache
def weather() -> pd.DataFrame:
    return clear_year()


@cache
def table() -> IrradianceTable:
    return cumulative_irradiance(weather(), site=SITE)


def energy_of(scene: Town, *, azimuths: int = 36, surface: np.ndarray | None = None) -> np.ndarray:
    """Irradiation of every roof cell, row by row [kWh/m2]."""
    z = scene.surface_m if surface is None else surface
    kernel = kernel_table(table(), azimuths=azimuths)
    planes = roof_planes(scene.tilt_deg, scene.azimuth_deg, table=table(), kernel=kernel)
    cells = roof_cells(scene.face >= 0, z)
    codes = horizons(z, cells, cell_size_m=0.5, azimuths=azimuths)
    return irradiate(codes, planes, scene.face[cells.rows, cells.cols], table=kernel)[:, 0]


def per_building(scene: Town, energy: np.ndarray) -> np.ndarray:
    building = scene.building[scene.face[scene.face >= 0]]
    return np.bincount(building, energy) / np.bincount(building)


def test_flat_open_plane_receives_ghi_month_by_month() -> None:
    kernel = kernel_table(table(), monthly=True)
    planes = roof_planes(np.zeros(1), np.zeros(1), table=table(), kernel=kernel)
    ghi = weather()["ghi_w_per_m2"].groupby(weather().index.month).sum().to_numpy() / 1000  # closed form: n = up
    np.testing.assert_allclose(
        planes.open_kwh_per_m2[0], ghi, rtol=1e-3
    )  # the hours of sunrise and sunset move a little
    assert planes.open_kwh_per_m2.sum() == pytest.approx(ghi.sum(), rel=2e-4)
    bare = irradiate(np.zeros((36, 1), np.uint16), planes, np.zeros(1, np.int32), table=kernel)
    np.testing.assert_allclose(bare[0], ghi, rtol=1e-3)


@settings(max_examples=8)
@given(tilt=st.floats(0, 80), azimuth=st.floats(0, 360), monthly=st.booleans())
def test_open_planes_equal_pvlib_perez(tilt: float, azimuth: float, monthly: bool) -> None:
    kernel = kernel_table(table(), monthly=monthly)
    ours = roof_planes(np.array([tilt]), np.array([azimuth]), table=table(), kernel=kernel).open_kwh_per_m2
    frame = pd.DataFrame({"tilt_deg": [tilt], "azimuth_deg": [azimuth]})
    theirs = open_plane_energy(weather(), frame, site=SITE)
    assert ours.sum() == pytest.approx(theirs.sum(), rel=1e-3)


@pytest.mark.parametrize(
    ("distance", "tangent"), [(0.5, 20), (5, 2), (10, 1), (20, 0.5), (40, 0.25), (90, 0.12), (90, 0.06), (90, 0.02)]
)
def test_a_wall_stands_as_high_as_its_tangent(distance: float, tangent: float) -> None:
    z = np.zeros((200, 201), np.float32)
    z[10, :] = distance * tangent  # a wall to the north; tan(horizon) = height / distance
    mask = np.zeros_like(z, bool)
    mask[10 + round(distance / 0.5), 100] = True
    code = horizons(z, roof_cells(mask, z, observer_raise_m=0.0), cell_size_m=0.5)
    assert decode_slope(code)[0, 0] == pytest.approx(tangent, rel=1e-3)
    assert decode_slope(code)[18, 0] == 0  # nothing in the south


def test_heights_span_from_the_lowest_to_the_highest_of_surface_and_observers_holes_left_out() -> None:
    surface = np.array([[3.0, -2e4, 1.0], [-2e4, 9.0, 2.0]], np.float32)
    assert horizon._span(surface, np.array([4.0], np.float32)) == (1.0, 9.0)
    assert horizon._span(surface, np.array([-5.0, 12.0], np.float32)) == (-5.0, 12.0)


@pytest.mark.parametrize("rows", [1, 2, 41, 42])
def test_a_mountain_far_off_coarsens_the_steps_and_nothing_more(rows: int) -> None:
    z = np.zeros((rows, 300), np.float32)
    z[:, 40] = 10.0  # 10 m at 10 m to the west
    z[:, 290:] = 700.0  # 700 m at 115 m to the east
    mask = np.zeros_like(z, bool)
    mask[rows // 2, 60] = True
    code = decode_slope(horizons(z, roof_cells(mask, z, observer_raise_m=0.0), cell_size_m=0.5))
    assert code[27, 0] == pytest.approx(1.0, rel=0.01)
    assert code[9, 0] == pytest.approx(700 / 115, rel=0.01)
    assert code[0, 0] == code[18, 0] == 0


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), share=st.sampled_from([0.003, 0.1, 0.6]))
def test_a_cell_sees_the_same_whoever_is_read_beside_it(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    z = random.uniform(0, 12, (70, 61)).astype(np.float32)
    every = horizons(z, roof_cells(np.ones(z.shape, bool), z), cell_size_m=0.5, azimuths=16)
    some = random.random(z.shape) < share  # runs of any length, up to the edges of the sheet
    alone = horizons(z, roof_cells(some, z), cell_size_m=0.5, azimuths=16)
    np.testing.assert_array_equal(alone, every[:, some.ravel()])


def test_turning_the_town_turns_the_horizons() -> None:
    scene = town(160, seed=3)
    base = horizons(scene.surface_m, roof_cells(scene.face >= 0, scene.surface_m), cell_size_m=0.5)
    turned = np.ascontiguousarray(np.rot90(scene.surface_m, -1))  # clockwise: north becomes east
    mask = np.ascontiguousarray(np.rot90(scene.face >= 0, -1))
    again = horizons(turned, roof_cells(mask, turned), cell_size_m=0.5)
    # The same sectors, a quarter further; digital lines may round to the other side, so compare in the mean.
    first, second = decode_slope(base).mean(axis=1), np.roll(decode_slope(again).mean(axis=1), -9)
    np.testing.assert_allclose(second, first, rtol=0.01)
    assert sky_view(again).mean() == pytest.approx(sky_view(base).mean(), rel=5e-4)


def test_tiles_with_a_halo_equal_the_whole() -> None:
    scene = town(600, seed=4)
    kernel = kernel_table(table())
    planes = roof_planes(scene.tilt_deg, scene.azimuth_deg, table=table(), kernel=kernel)
    asked: list[tuple[int, int]] = []

    def read(row: int, col: int, rows: int, cols: int) -> Window:
        asked.append((rows, cols))
        spot = (slice(row, row + rows), slice(col, col + cols))
        return Window(scene.surface_m[spot], scene.face[spot])

    whole = np.zeros(scene.face.shape)
    whole[scene.face >= 0] = energy_of(scene)
    found = np.zeros_like(whole)
    for part in irradiate_sheet(read, planes, shape=scene.face.shape, cell_size_m=0.5, table=kernel, tile=150):
        assert (found[part.rows, part.cols] == 0).all()  # every cell once
        found[part.rows, part.cols] = part.energy[:, 0]
    assert max(max(a) for a in asked) <= 150 + 2 * 400
    np.testing.assert_allclose(found, whole, rtol=1e-2)  # what lies beyond 200 m
    assert found.sum() == pytest.approx(whole.sum(), rel=1e-5)


def test_nodata_is_no_tower() -> None:
    scene = town(160, seed=5)
    holed = scene.surface_m.copy()
    ground = np.argwhere(scene.face < 0)
    spots = ground[np.random.default_rng(0).choice(len(ground), 300, replace=False)]
    holed[spots[:, 0], spots[:, 1]] = np.where(np.arange(300) % 2, np.float32(3.4028235e38), np.float32(np.nan))
    surface, holes = clean_surface(holed)
    assert holes == 300
    before, after = energy_of(scene), energy_of(scene, surface=surface)
    # A hole takes an obstacle away or changes nothing; next to a hole a crossing takes the whole height of the other cell.
    assert after.sum() == pytest.approx(before.sum(), rel=1e-3)
    assert (after > 0.97 * before).all()


def test_nodata_value_of_the_raster_is_a_hole_too() -> None:
    surface, holes = clean_surface(np.array([[1.0, -9999.0], [np.inf, 2.0]]), nodata=-9999.0)
    assert holes == 2
    assert surface[0, 0] == 1.0
    assert surface[1, 1] == 2.0


def test_every_roof_agrees_with_the_slow_judge() -> None:
    scene = town(220, seed=7, roof_share=0.12)
    cells = roof_cells(scene.face >= 0, scene.surface_m)
    face = scene.face[cells.rows, cells.cols]
    tilt, azimuth = np.radians(scene.tilt_deg[face]), np.radians(scene.azimuth_deg[face])
    normals = np.stack([np.sin(tilt) * np.sin(azimuth), np.sin(tilt) * np.cos(azimuth), np.cos(tilt)], axis=1)
    slow = oracle(scene.surface_m, (cells.rows, cells.cols, cells.observer_m), normals, weather=weather(), site=SITE)
    error = per_building(scene, energy_of(scene)) / per_building(scene, slow) - 1
    assert np.sqrt((error**2).mean()) < 2e-3
    assert abs(error.mean()) < 2e-3


def test_more_azimuths_change_little() -> None:
    scene = town(300, seed=8)
    error = per_building(scene, energy_of(scene)) / per_building(scene, energy_of(scene, azimuths=360)) - 1
    assert np.sqrt((error**2).mean()) < 1.5e-3


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), height=st.floats(1, 40))
def test_a_higher_obstacle_never_brings_sun(seed: int, height: float) -> None:
    scene = town(100, seed=seed, roof_share=0.1)
    higher = scene.surface_m.copy()
    higher[scene.face < 0] += np.float32(height)
    mask = scene.face >= 0
    cells = roof_cells(mask, scene.surface_m)
    before = horizons(scene.surface_m, cells, cell_size_m=0.5, azimuths=12).astype(int)
    after = horizons(higher, cells, cell_size_m=0.5, azimuths=12).astype(int)
    assert after.mean() >= before.mean()
    # At an eave the crossing of a line blends roof and ground, so a few cells on the edge may see a little more.
    assert (after.sum(axis=0) >= 0.98 * before.sum(axis=0)).mean() > 0.95


def test_codes_hold_slopes() -> None:
    slopes = np.array([0.0, 0.01, 0.5, 1.0, 20.0])
    np.testing.assert_allclose(decode_slope(encode_slope(slopes)), slopes, rtol=2e-3, atol=1e-5)
    assert encode_slope(np.array([-3.0]))[0] == 0
    assert np.isinf(decode_slope(np.array([65535], np.uint16)))[0]


def test_table_survives_the_store_and_names_what_is_missing() -> None:
    arrays = table().to_arrays()
    again = IrradianceTable.from_arrays(arrays)
    np.testing.assert_array_equal(again.vector, table().vector)
    with pytest.raises(SchemaError, match="suns"):
        IrradianceTable.from_arrays({k: v for k, v in arrays.items() if k != "suns"})


def test_long_term_correction_gives_each_month_its_sun() -> None:
    target = np.arange(20.0, 140.0, 10.0)
    scaled = scale_to_monthly(weather(), monthly_ghi_kwh_per_m2=target)
    got = scaled["ghi_w_per_m2"].groupby(scaled.index.month).sum().to_numpy() / 1000
    np.testing.assert_allclose(got, target)
    with pytest.raises(SchemaError, match="twelve"):
        scale_to_monthly(weather(), monthly_ghi_kwh_per_m2=target[:11])


def test_a_file_with_a_wrong_clock_is_found_out() -> None:
    assert closing_minutes(weather(), site=SITE) == 30  # as made
    late = weather().set_axis(weather().index - pd.Timedelta(minutes=55))
    assert closing_minutes(late, site=SITE) == 85


def test_bad_input_is_named() -> None:
    with pytest.raises(SchemaError, match="dni_w_per_m2"):
        cumulative_irradiance(weather().drop(columns="dni_w_per_m2"), site=SITE)
    with pytest.raises(SchemaError, match="time zone"):
        cumulative_irradiance(weather().tz_localize(None), site=SITE)
    broken = weather().copy()
    broken.iloc[5, 0] = np.nan
    with pytest.raises(SchemaError, match="1 hours"):
        cumulative_irradiance(broken, site=SITE)
    with pytest.raises(ConfigError, match="89 deg"):
        roof_planes(np.array([90.0]), np.array([0.0]), table=table())
    with pytest.raises(ConfigError, match="rows and columns"):
        clean_surface(np.zeros(3))
    with pytest.raises(ConfigError, match="azimuths"):
        kernel_table(table(), azimuths=3)
    planes = roof_planes(np.zeros(1), np.zeros(1), table=table())
    with pytest.raises(ConfigError, match="labels"):
        irradiate(np.zeros((36, 1), np.uint16), planes, np.ones(1, np.int32), table=kernel_table(table()))
    with pytest.raises(ConfigError, match="36 azimuths"):
        irradiate(np.zeros((8, 1), np.uint16), planes, np.zeros(1, np.int32), table=kernel_table(table()))


def test_the_sun_of_every_cell_is_as_it_was() -> None:
    """From the hours of a station to months on cells, with its walls, trees and holes; a tile has its halo from the sheet."""
    tables = {
        name: array.reshape(-1, array.shape[-1])[::7] for name, array in table().to_arrays().items() if array.ndim > 1
    }
    tables |= {name: array for name, array in table().to_arrays().items() if array.ndim == 1}
    scene = town(120, seed=6)
    surface = np.where(
        np.random.default_rng(2).random(scene.surface_m.shape) < 0.01, np.float32(np.nan), scene.surface_m
    )
    observer = np.where(scene.face % 2 == 0, scene.surface_m + np.float32(0.3), scene.surface_m)
    for monthly in (False, True):
        kernel = kernel_table(table(), azimuths=24, monthly=monthly)
        planes = roof_planes(scene.tilt_deg, scene.azimuth_deg, table=table(), kernel=kernel)
        sheet = irradiate_sheet(
            lambda row, col, rows, cols: Window(
                *(one[row : row + rows, col : col + cols] for one in (surface, scene.face, observer))
            ),
            planes,
            shape=surface.shape,
            cell_size_m=0.5,
            table=kernel,
            tile=70,
            observer_raise_m=0.1,
        )
        parts = [
            np.column_stack([part.rows, part.cols, part.face, part.energy, np.full(len(part.face), part.holes)])
            for part in sheet
        ]
        tables |= {
            f"{monthly}.kernel": kernel.energy.reshape(-1, 4 * kernel.periods)[::5],
            f"{monthly}.cells": np.concatenate(parts),
        }
        tables |= {f"{monthly}.{name}": getattr(planes, name) for name in ("slopes", "open_kwh_per_m2", "factor")}
    require_as_pinned("sun", tables)


def test_the_weather_of_a_station_is_as_it_was() -> None:
    """Of four made years: the typical one, its light split in two, its clock, and the long term that it is scaled to."""
    index = pd.date_range("2015-01-01", "2018-12-31 23:00", freq="h", tz="UTC")
    random, hour, day = np.random.default_rng(4), index.hour.to_numpy(), index.dayofyear.to_numpy()
    cloud = np.repeat(random.uniform(0.2, 1.0, len(index) // 24), 24) * random.uniform(0.8, 1.0, len(index))
    height = np.maximum(np.sin((hour - 5.5) / 13 * np.pi), 0) * (0.55 - 0.4 * np.cos(2 * np.pi * (day + 10) / 365))
    air = {
        "air_temperature_degc": 10 + 8 * cloud,
        "wind_speed_m_per_s": np.repeat(random.gamma(2, 2, len(index) // 24), 24),
    }
    hours = pd.DataFrame({"ghi_w_per_m2": 1000 * height * cloud, **air}, index)
    hours.loc["2016-03-03 09:00":"2016-03-03 20:00", "ghi_w_per_m2"] = np.nan
    made = typical_year(hours)
    light = split_global(made.hours, site=SITE)
    by_day = hours["ghi_w_per_m2"].resample("D").sum(min_count=20) / 1000
    term = long_term_months(pd.Series(by_day.index), by_day.to_numpy(), years=3)
    assert term is not None
    scaled = scale_to_monthly(light, monthly_ghi_kwh_per_m2=term.kwh_per_m2)
    said = [diffuse_frac(light), closing_minutes(light, site=SITE), term.first_year, term.last_year, *made.years]
    tilted = pd.DataFrame({"tilt_deg": [0.0, 30.0, 90.0], "azimuth_deg": [0.0, 135.0, 350.0]})
    rows = {"light": light, "term": term.kwh_per_m2, "scaled": scaled, "said": np.array(said, float)}
    require_as_pinned("weather", {**rows, "open": open_plane_energy(light, tilted, site=SITE)})


def test_a_fine_sector_on_the_border_of_two_coarse_ones_is_split_between_them() -> None:
    """Of four sectors of a round in degrees each holds 90, and those at 45, 135, 225 and 315 belong to two."""
    share = _join(4, 360)
    assert share.sum(axis=0).tolist() == [1.0] * 360
    assert share.sum(axis=1).tolist() == [90.0] * 4
    assert [np.flatnonzero(share[:, at]).tolist() for at in (45, 135, 225, 315)] == [[0, 1], [1, 2], [2, 3], [0, 3]]
    assert share[0, 44] == share[1, 46] == 1.0
