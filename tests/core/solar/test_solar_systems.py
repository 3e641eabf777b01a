"""Modules on faces, own use by the hour, sizes that pay, classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.core.solar import panels
from kansenkaart.core.solar.balance import (
    OwnUse,
    Prices,
    annuity,
    balance,
    economic_size,
    follow_sun,
    household_profile,
    own_use,
    own_use_kwh,
    shifted,
)
from kansenkaart.core.solar.classes import ClassRule, class_span, classify, specific_yield
from kansenkaart.core.solar.panels import Layout, LayoutRule, Module, lay_out
from kansenkaart.errors import ConfigError, InfeasibleError
from tests.pinned import require_as_pinned

MODULE = Module(length_m=1.72, width_m=1.13, power_wp=435)
TIGHT = LayoutRule(setback_pitched_m=0.0, setback_flat_m=0.0, setback_obstacle_m=0.0, gap_m=0.0)


def rectangles(layout: Layout) -> np.ndarray:
    """Modules seen from above."""
    return np.asarray(shapely.polygons(layout.corners_m)) if len(layout.face) else np.empty(0, dtype=object)


def one(polygon: object, tilt: float, azimuth: float = np.nan, **more: object) -> Layout:
    faces = pd.DataFrame({"tilt_deg": [tilt], "azimuth_deg": [azimuth]})
    return lay_out(faces, polygons=[polygon], module=MODULE, **more)  # type: ignore[arg-type]


def test_a_slope_holds_rows_of_upright_modules() -> None:
    # Plan 6 m x 4 m to the south at 60 deg: 8 m of slope. Less 0.4 m all round: 5.2 x 7.2 m.
    # Upright: 4 a row (4 x 1.15 = 4.6), 4 rows (4 x 1.74 = 6.96) = 16; lying: 2 x 6 = 12.
    layout = one(shapely.box(0, 0, 6, 4), 60.0, 180.0)
    row = layout.faces.iloc[0]
    assert (row["modules"], row["orientation"]) == (16, "portrait")
    assert row["kwp"] == pytest.approx(16 * 0.435)


def test_lying_modules_win_on_a_low_strip() -> None:
    layout = one(shapely.box(0, 0, 9, 1.25), 10.0, 180.0, rule=TIGHT)  # 1.27 m of slope: none stands, 5 lie
    assert (layout.faces.loc[0, "modules"], layout.faces.loc[0, "orientation"]) == (5, "landscape")


def test_what_crosses_itself_or_is_nothing_holds_no_modules() -> None:
    bow = shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])
    for nothing in (bow, None, shapely.Polygon()):
        assert one(nothing, 30.0, 180.0).faces.loc[0, "modules"] == 0
    assert one(shapely.make_valid(bow).geoms[0], 30.0, 180.0).faces.loc[0, "modules"] > 0


def test_east_west_racks_come_in_pairs() -> None:
    layout = one(shapely.box(0, 0, 12, 8), 0.0)
    row = layout.faces.iloc[0]
    assert row["modules"] % 2 == 0
    assert row["modules"] == 2 * len(layout.face)
    assert row["orientation"] == "east-west"
    # 9.6 x 5.6 m left: racks 2.21 m deep with an aisle of 0.3 along 9.6 (3), modules of 1.74 along 5.6 (3): 9 pairs
    assert row["modules"] == 18
    assert (row["module_tilt_deg"], row["module_azimuth_deg"]) == (12.0, 90.0)


@pytest.mark.parametrize(
    ("rack", "deep", "pitch"), [("east-west", np.sqrt(3.0), np.sqrt(3.0) + 0.3), ("south", None, None)]
)
def test_the_size_and_the_pitch_of_a_module_in_every_way(rack, deep, pitch) -> None:
    """A module of 1.7 by 1 m with a gap of 0.1; on racks of 30 deg it is sqrt(3)/2 m deep, and casts 0.5 m over at 45 deg."""
    rule = LayoutRule(rack=rack, rack_tilt_deg=30.0, gap_m=0.1, aisle_m=0.3, shade_elevation_deg=45.0)
    deep, pitch = (deep, pitch) if deep else (np.sqrt(0.75), np.sqrt(0.75) + 0.5)
    ways = panels._ways(np.array([True, False]), Module(1.7, 1.0, 400.0), rule)
    assert ways[0] == pytest.approx(np.array([[1.7, deep, 1.8, pitch]] * 2))
    assert ways[1] == pytest.approx(np.array([[1.0, 1.7, 1.1, 1.8], [1.7, 1.0, 1.8, 1.1]]))


@pytest.mark.parametrize(("turn", "across"), [(0, 90), (20, 110), (44, 134), (46, 46), (70, 70), (110, 110)])
def test_racks_on_a_flat_roof_stand_square_to_the_building(turn: float, across: float) -> None:
    roof = shapely.affinity.rotate(shapely.box(0, 0, 12, 30), -turn)  # clockwise, as bearings go
    assert panels._across(roof) == pytest.approx(across)
    assert panels._across(None) == panels._across(shapely.Point(0, 0)) == 90


def test_south_racks_keep_out_of_each_others_shade() -> None:
    layout = one(shapely.box(0, 0, 30, 30), 0.0, rule=LayoutRule(rack="south"))
    top = np.unique(layout.corners_m[:, :, 1].max(axis=1).round(3))
    pitch = np.diff(top).min()
    deep, high = 1.13 * np.cos(np.radians(12)), 1.13 * np.sin(np.radians(12))
    assert pitch >= deep + high / np.tan(np.radians(15)) - 0.051  # one cell of 0.05 m
    assert len(rectangles(layout)) == layout.faces.loc[0, "modules"]


@settings(max_examples=40)
@given(
    turn=st.floats(0, 360),
    tilt=st.sampled_from([0.0, 25.0, 45.0, 60.0]),
    width=st.floats(1, 20),
    depth=st.floats(1, 12),
    seed=st.integers(0, 99),
)
def test_modules_lie_inside_apart_and_off_obstacles(
    turn: float, tilt: float, width: float, depth: float, seed: int
) -> None:
    shape = shapely.affinity.rotate(shapely.box(0, 0, width, depth), -turn, origin=(0, 0))
    shape = shapely.affinity.translate(shape, 85000, 447000)
    spot = np.random.default_rng(seed).uniform(0, 1, 2) * (width, depth)
    spot = shapely.affinity.translate(shapely.affinity.rotate(shapely.Point(spot), -turn, origin=(0, 0)), 85000, 447000)
    obstacles = np.array([[0, spot.x, spot.y]])
    layout = one(shape, tilt, turn, obstacles=obstacles)
    boxes = rectangles(layout)
    for box in boxes:
        assert shape.buffer(0.06).contains(box)
        assert box.distance(spot) > 0.25
    for i, box in enumerate(boxes):
        assert all(shapely.area(shapely.intersection(box, other)) < 1e-3 for other in boxes[i + 1 :])
    unit = MODULE.length_m * MODULE.width_m
    assert layout.faces.loc[0, "modules"] * unit * np.cos(np.radians(tilt)) <= shape.area * 1.03


def test_squares_cover_the_box_of_a_small_hole_and_no_more() -> None:
    large, small = shapely.box(1, 1, 4, 4).exterior, shapely.box(5, 5, 5.5, 5.6).exterior
    court = shapely.Polygon(shapely.box(0, 0, 9, 9).exterior, [large, small])
    closed, marks = panels._small_holes([None, court], 4.0, 0.25)
    assert closed[0] is None
    assert [ring.bounds for ring in closed[1].interiors] == [(1, 1, 4, 4)]
    assert {tuple(one) for one in marks.round(6).tolist()} == {
        (1.0, x, y) for x in (5.125, 5.375) for y in (5.125, 5.375, 5.625)
    }


def test_a_small_hole_is_an_obstacle_and_a_large_one_an_edge() -> None:
    whole = one(shapely.box(0, 0, 20, 20), 0.0).faces.loc[0, "modules"]

    def holed(side: float) -> Layout:
        return one(shapely.box(0, 0, 20, 20) - shapely.box(10, 10, 10 + side, 10 + side), 0.0)

    pinhole, court = holed(0.5), holed(3.0)
    assert whole - pinhole.faces.loc[0, "modules"] <= 8  # a pair of modules, and what shifts beside it
    for box in rectangles(pinhole):
        assert box.distance(shapely.box(10, 10, 10.5, 10.5)) > 0.15  # 0.2 m less one cell of 0.05 m
    for box in rectangles(court):
        assert box.distance(shapely.box(10, 10, 13, 13)) > 1.1


def test_faces_that_cannot_carry_anything_stay_in_the_table() -> None:
    bow = shapely.Polygon([(0, 0), (5, 5), (5, 0), (0, 5)])
    faces = pd.DataFrame({"tilt_deg": [30.0, 30.0, 30.0], "azimuth_deg": [0.0, 0.0, 0.0]})
    layout = lay_out(faces, polygons=[bow, None, shapely.Polygon()], module=MODULE)
    assert layout.faces["modules"].tolist() == [0, 0, 0]
    assert layout.faces["orientation"].tolist() == ["none"] * 3
    assert len(rectangles(layout)) == 0
    with pytest.raises(ConfigError, match="one polygon"):
        lay_out(faces, polygons=[bow], module=MODULE)
    with pytest.raises(ConfigError, match="size and power"):
        lay_out(faces, polygons=[bow] * 3, module=Module(0, 1, 1))
    with pytest.raises(ConfigError, match="rack"):
        LayoutRule(rack="west")


def hours() -> pd.DatetimeIndex:
    return pd.date_range("2021-01-01", periods=8760, freq="h", tz="Etc/GMT-1")


def sun_profile() -> np.ndarray:
    """Make a sun of sine days: enough to test the balance."""
    hour, day = hours().hour.to_numpy() + 0.5, hours().day_of_year.to_numpy()
    sun = np.maximum(np.sin((hour - 6.7) / 12 * np.pi), 0) * (1 - 0.8 * np.cos(2 * np.pi * (day + 10) / 365))
    return np.asarray(sun / sun.sum())


def test_without_spread_own_use_is_the_lesser_of_both() -> None:
    sun, load = np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 2.0])
    assert own_use_kwh(sun, load, homes=1, spread=0.01) == pytest.approx(0 + 1 + 2, rel=1e-3)


def test_exponential_load_has_its_closed_form() -> None:
    # spread 1, one home: load is exponential with mean m, so E[min(P, L)] = m (1 - exp(-P / m))
    assert own_use_kwh(np.array([2.0]), np.array([0.5]), homes=1, spread=1.0) == pytest.approx(0.5 * (1 - np.exp(-4)))


def test_the_calibration_point_comes_out() -> None:
    sun, load = sun_profile(), household_profile(hours())
    figures = {"sun_kwh": 3500.0, "use_kwh": 4000.0, "spread": 0.8}
    part = follow_sun(sun, load, share=0.50, **figures)
    sums = balance(sun * 3500, shifted(load, sun, part) * 4000, homes=1, spread=0.8)
    assert 0 < part < 0.5
    assert sums["own_use_frac"] == pytest.approx(0.50, abs=1e-4)
    assert sums["own_kwh"] + sums["export_kwh"] == pytest.approx(3500)
    assert sums["own_kwh"] + sums["import_kwh"] == pytest.approx(4000)
    assert follow_sun(sun, load, share=0.05, **figures) == 0.0  # the usual shape uses more than that
    with pytest.raises(InfeasibleError, match="own use"):
        follow_sun(sun, load, share=0.9, **figures)


def test_a_load_that_follows_the_sun_is_a_mixture() -> None:
    load, sun = np.array([0.5, 0.25, 0.25]), np.array([0.0, 0.0, 1.0])
    assert shifted(load, sun, 0.2).tolist() == pytest.approx([0.4, 0.2, 0.4])


def test_more_homes_use_more_of_the_same_sun() -> None:
    sun, load = sun_profile() * 3600, household_profile(hours()) * 2700
    used = [own_use_kwh(sun * n, load * n, homes=n, spread=0.8) / n for n in (1, 2, 10, 100)]
    assert used == sorted(used)
    assert used[-1] <= np.minimum(sun, load).sum() * 1.0001


def test_own_use_follows_its_table_and_knows_nothing_of_nothing() -> None:
    sun, load = sun_profile(), household_profile(hours())
    curve = own_use(sun, load, homes=1, spread=0.6)
    direct = own_use_kwh(sun * 3100, load * 2700, homes=1, spread=0.6)
    assert curve.of(np.array([3100.0]), use_kwh=np.array([2700.0]))[0] == pytest.approx(direct, rel=2e-3)
    got = curve.of(np.array([0.0, 10.0, np.nan]), use_kwh=np.array([5.0, 0.0, 5.0]))
    assert got[:2].tolist() == [0.0, 0.0]
    assert np.isnan(got[2])


def test_profile_is_a_share_of_the_year() -> None:
    profile = household_profile(hours())
    assert profile.sum() == pytest.approx(1.0)
    assert (profile > 0).all()
    with pytest.raises(ConfigError, match="time zone"):
        household_profile(hours().tz_localize(None))


def test_annuity() -> None:
    assert annuity(0.0, years=20) == pytest.approx(0.05)
    assert annuity(0.04, years=20) == pytest.approx(0.0735818, rel=1e-5)  # 0.04 / (1 - 1.04^-20)
    assert annuity(0.0, years=20, upkeep=0.01) == pytest.approx(0.06)


def test_the_size_that_pays_is_the_best_of_all_sizes() -> None:
    curve = OwnUse(np.array([0.01, 1.0, 100.0]), np.array([0.9, 0.4, 0.004]))
    prices = Prices(0.26, 0.01, 980.0, 1140.0, annuity(0.04, years=20))
    roofs = pd.DataFrame(
        {
            "roof": range(5),
            "modules": [12, 12, 0, 7, 900],
            "kwh_per_kwp": [900.0, 200.0, 900.0, np.nan, 850.0],
            "use_kwh": [2700.0] * 4 + [3e5],
            "flat": False,
        }
    )
    got = economic_size(roofs, own=curve, prices=prices, module_kwp=0.435)
    n = np.arange(13)
    sun = n * 0.435 * 900
    used = curve.of(sun, use_kwh=np.full(13, 2700.0))
    net = used * 0.26 + (sun - used) * 0.01 - n * 0.435 * 980 * prices.annuity
    assert got.loc[0, "modules"] == net.argmax()
    assert got.loc[0, "net_eur"] == pytest.approx(net.max())
    assert got.loc[1, "modules"] == 0  # a dark roof never pays
    assert got.loc[2, "modules"] == 0
    assert np.isnan(got.loc[3, "modules"])  # unknown yield: unknown size
    assert 100 < got.loc[4, "modules"] <= 900


def test_modules_go_on_the_best_face_first() -> None:
    curve = OwnUse(np.array([0.01, 1.0, 100.0]), np.array([0.9, 0.4, 0.004]))
    prices = Prices(0.26, 0.01, 980.0, 1140.0, annuity(0.04, years=20))
    faces = pd.DataFrame(
        {
            "roof": ["b", "b", "b", "a"],
            "modules": [4, 3, 9, 4],
            "kwh_per_kwp": [700.0, 950.0, 960.0, 700.0],
            "use_kwh": [9000.0, 9000.0, 9000.0, 9000.0],
            "flat": [False, False, True, False],  # a flat roof is dearer: 960 there leaves less than 950 on a slope
        }
    )
    got = economic_size(faces, own=curve, prices=prices, module_kwp=0.5)
    yields, price = np.repeat([950.0, 960.0, 700.0], [3, 9, 4]), np.repeat([980.0, 1140.0, 980.0], [3, 9, 4])
    sun, cost = (np.append(0, np.cumsum(one)) * 0.5 for one in (yields, price * prices.annuity))
    used = curve.of(sun, use_kwh=np.full(17, 9000.0))
    net = used * 0.26 + (sun - used) * 0.01 - cost
    assert 0 < net.argmax() < 16
    assert got.loc["b", "modules"] == net.argmax()
    assert got.loc["b", "sun_kwh"] == pytest.approx(sun[net.argmax()])
    assert got.loc["b", "net_eur"] == pytest.approx(net.max())
    assert got.loc["a", "net_eur"] < got.loc["b", "net_eur"]


def test_class_bounds_tile_the_range() -> None:
    share = np.array([0.0, 0.549, 0.55, 0.699, 0.70, 0.849, 0.85, 1.0, np.nan])
    letters = classify(share * 1200, best_kwh_per_m2=1200, area_m2=np.full(9, 20.0))
    assert letters.tolist() == ["D", "D", "C", "C", "B", "B", "A", "A", "?"]
    small = classify(np.array([1200.0, np.nan, 1200.0]), best_kwh_per_m2=1200, area_m2=np.array([7.9, 7.9, np.nan]))
    assert small.tolist() == ["-", "-", "?"]
    with pytest.raises(ConfigError, match="fall"):
        ClassRule(very_good_frac=0.6)
    with pytest.raises(ConfigError, match="above 0"):
        classify(share, best_kwh_per_m2=0, area_m2=share)


def test_specific_yield_is_irradiation_times_performance() -> None:
    assert specific_yield(np.array([1100.0]), performance_ratio=0.83)[0] == pytest.approx(913.0)
    with pytest.raises(ConfigError, match="performance"):
        specific_yield(np.array([1100.0]), performance_ratio=1.2)


def test_a_class_that_the_interval_cannot_tell_is_said_as_two() -> None:
    rules = pd.DataFrame({"sun_low_frac": [0.96, 0.8], "sun_high_frac": [1.03, 1.04]}, index=["dsm", "footprint"])
    share = np.array([0.86, 0.95, 0.84, 0.60, 0.86, np.nan])
    basis = np.array(["dsm", "dsm", "dsm", "dsm", "footprint", "dsm"], dtype=object)
    area = np.array([20.0, 20.0, 20.0, 5.0, 20.0, 20.0])
    made = class_span(share * 1200, basis=basis, rules=rules, best_kwh_per_m2=1200, area_m2=area)
    # 0.826-0.886; 0.912 and more; 0.806-0.865; too small; 0.688-0.894; unknown
    assert made.tolist() == ["A-B", "A", "A-B", "-", "A-C", "?"]


def test_modules_on_every_kind_of_face_are_where_they_were() -> None:
    """Slopes every way, level roofs, an L, a court, a chimney, a sliver, a roof that is turned; dormers on two of them."""
    corner = shapely.box(0, 0, 14, 12) - shapely.box(6, 5, 14, 12)
    shapes = [
        shapely.box(0, 0, 9, 6),
        shapely.box(20, 0, 26, 9),
        corner,
        shapely.box(0, 20, 18, 34) - shapely.box(5, 25, 8, 28) - shapely.box(12, 29, 12.6, 30),
        shapely.affinity.rotate(shapely.box(40, 0, 56, 9), 27),
        shapely.box(60, 0, 60.9, 8),
        shapely.affinity.rotate(corner, -40),
    ]
    faces = pd.DataFrame(
        {"tilt_deg": [35.0, 50.0, 30.0, 2.0, 0.0, 40.0, 22.0], "azimuth_deg": [180.0, 95, 270, np.nan, np.nan, 10, 230]}
    )
    cells = np.array([(0, 4.25, 3.25), (0, 4.75, 3.25), (3, 9.25, 30.25), (6, 3.25, 2.25)])
    made = {
        rack: lay_out(faces, polygons=shapes, module=MODULE, rule=LayoutRule(rack=rack), obstacles=cells)
        for rack in ("east-west", "south")
    }
    tables = {
        f"{rack}.{part}": one
        for rack, layout in made.items()
        for part, one in (("faces", layout.faces), ("face", layout.face))
    }
    corners = {f"{rack}.corners": layout.corners_m.reshape(-1, 8) for rack, layout in made.items()}
    require_as_pinned("modules", tables | corners)


def test_own_use_and_the_size_that_pays_are_as_they_were() -> None:
    sun, load = sun_profile(), household_profile(hours())
    curves = {homes: own_use(sun, shifted(load, sun, 0.1), homes=homes, spread=0.8) for homes in (1, 12)}
    prices = Prices(0.26, 0.01, 980.0, 1140.0, annuity(0.04, years=25, upkeep=0.01))
    number = np.arange(40)
    roofs = pd.DataFrame(
        {
            "roof": number // 3,
            "modules": (number * 7) % 23,
            "kwh_per_kwp": 500.0 + (number * 37) % 450,
            "use_kwh": 2000.0 + 900.0 * (number // 3),
            "flat": number % 4 == 0,
        }
    )
    sizes = {
        f"size.{homes}": economic_size(roofs, own=curve, prices=prices, module_kwp=0.435, steps=20)
        for homes, curve in curves.items()
    }
    own = {f"own.{homes}": curve.share for homes, curve in curves.items()}
    require_as_pinned("own_use", {"load": load[::5], **own, **sizes})
