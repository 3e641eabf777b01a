"""Roofs by their footprint: shapes measured by hand, an estimate by hand, laws, and what a place left out does to it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import calibration
from kansenkaart.core.solar import priors
from kansenkaart.core.solar.classes import ClassRule
from kansenkaart.core.solar.priors import (
    OpenSun,
    combined,
    estimate,
    fit_priors,
    footprint_shapes,
    kind_of,
    kinds,
    open_grid,
)
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.score.calibration import panden_of
from kansenkaart.score.panden import roof_priors
from kansenkaart.score.roofs import doubt_of, interval_rules, power_bounds
from kansenkaart.tables import assumptions
from tests.pinned import require_as_pinned


def level_sun(fair: float = 0.55) -> OpenSun:
    """Give a sky of 1,200 kWh/m2 on every plane, but on those facing north (from 315 to 45 deg) half of it."""
    _, turn = open_grid()
    north = (turn < 45) | (turn > 315)
    year = np.where(north, 600.0, 1200.0).reshape(71, 72)
    months = np.repeat(year[..., None] / 12, 12, axis=2)
    return OpenSun(months, np.full(12, 1000.0 / 12), 1200.0, ClassRule(fair_frac=fair))


def test_the_grid_of_open_planes_begins_level_and_north() -> None:
    tilt, turn = (one.reshape(71, 72) for one in open_grid())
    assert (tilt[:, 0].tolist(), turn[0].tolist()) == (list(range(71)), list(range(0, 360, 5)))


def one_kind(**values: float) -> pd.DataFrame:
    """Return a table of priors in which every kind is the same."""
    row = {
        "flat_kwp_per_m2": 0.02,
        "slope_kwp_per_m2": 0.10,
        "flat_frac": 0.25,
        "facing_frac": 1.0,
        "sun_frac": 1.0,
        "tilt_low_deg": 40.0,
        "tilt_deg": 40.0,
        "tilt_high_deg": 40.0,
        "low": 0.5,
        "high": 2.0,
    }
    return kinds().assign(**(row | values))


def test_a_free_house_faces_across_its_longer_side() -> None:
    shapes = footprint_shapes([shapely.box(0, 0, 6, 10), shapely.box(100, 0, 110, 6), None])
    assert shapes["area_m2"].tolist()[:2] == [60.0, 60.0]
    assert shapes["width_m"].tolist()[:2] == pytest.approx([6.0, 6.0])
    assert shapes["facing_deg"].tolist()[:2] == pytest.approx([90.0, 0.0])
    assert shapes["corners"].tolist()[:2] == [4, 4]
    assert not shapes["in_row"].any()
    assert shapes.loc[2, ["area_m2", "width_m"]].isna().all()  # unknown, not zero


def test_a_house_in_a_row_faces_along_its_party_walls() -> None:
    # Three houses of 6 m wide and 5 m deep beside each other: the longer side lies along the street, as does the ridge;
    # of 5 m wide and 9 m deep the longer side is the party wall, and the ridge still lies along the street.
    for wide, deep in ((6.0, 5.0), (5.0, 9.0)):
        shapes = footprint_shapes([shapely.box(i * wide, 0, (i + 1) * wide, deep) for i in range(3)])
        assert shapes["in_row"].all()
        assert shapes["facing_deg"].tolist() == pytest.approx([0.0, 0.0, 0.0])  # north and south: the street runs east


def test_a_shed_against_a_wall_makes_no_row() -> None:
    shapes = footprint_shapes([shapely.box(0, 0, 8, 10), shapely.box(8, 0, 11, 4)])
    assert not shapes.loc[0, "in_row"]


def test_an_estimate_by_hand() -> None:
    # 60 m2 facing east and west: all slopes are worth their modules; 60 x (0.02 + 0.10) = 7.2 kWp. Sun on the modules:
    # 60 x (0.02 x 1,000 + 0.10 x 1,200) = 8,400. Sun on the roof: 60 x (0.25 x 600 + 0.75 x 1,200 / cos 40 deg),
    # where a level plane is read from the grid at tilt 0 facing north (600).
    shapes = footprint_shapes([shapely.box(0, 0, 6, 10)])
    roof = estimate(shapes, one_kind(), level_sun()).iloc[0]
    assert roof["kwp"] == pytest.approx(7.2, rel=1e-6)
    assert (roof["kwp_low"], roof["kwp_high"]) == pytest.approx((3.6, 14.4), rel=1e-6)
    assert sum(roof[f"month_{number:02d}"] for number in range(1, 13)) == pytest.approx(8400.0, rel=1e-6)
    assert roof["flat_kwp"] == pytest.approx(1.2)
    assert roof["open_kwh"] == pytest.approx(60 * (0.25 * 600 + 0.75 * 1200 / np.cos(np.radians(40))), rel=1e-6)


def test_a_slope_to_the_north_carries_nothing_where_it_is_not_worth_it() -> None:
    # Facing north and south: the north half gets 50 % of the best, below 55: 60 x (0.02 + 0.05) = 4.2 kWp and a rest
    # of normal(-0.05 / 0.035) = 7.7 % of the north half.
    shapes = footprint_shapes([shapely.box(0, 0, 10, 6)])
    assert estimate(shapes, one_kind(), level_sun()).loc[0, "kwp"] == pytest.approx(
        60 * (0.07 + 0.05 * 0.0766), rel=1e-3
    )
    assert estimate(shapes, one_kind(), level_sun(0.2)).loc[0, "kwp"] == pytest.approx(7.2, rel=1e-3)


@settings(max_examples=40)
@given(st.floats(2, 40), st.floats(2, 40), st.floats(0, 180), st.floats(-1e5, 1e5))
def test_an_estimate_moves_with_the_house_and_grows_with_it(wide: float, deep: float, turn: float, east: float) -> None:
    house = shapely.affinity.rotate(shapely.box(0, 0, wide, deep), turn)
    moved = shapely.affinity.translate(house, east, -east)
    sun = level_sun()
    here, there = (estimate(footprint_shapes([one]), roof_priors(), sun).iloc[0] for one in (house, moved))
    assert 0 <= here["kwp_low"] <= here["kwp_high"]
    assert here["kwp"] <= 0.25 * house.area  # a module of 435 Wp covers 1.94 m2: 0.22 kWp a m2, on slopes a little more
    bound = np.abs(np.array(priors.WIDTHS_M) - min(wide, deep)).min() < 0.01
    if (
        max(wide, deep) > 1.1 * min(wide, deep) and abs(round(turn / 5) * 5 - turn) < 2 and not bound
    ):  # nothing at stake
        assert there["kwp"] == pytest.approx(here["kwp"], rel=0.02)


def test_every_kind_has_a_prior_and_bounds_around_what_it_says() -> None:
    table = roof_priors()
    pd.testing.assert_frame_equal(
        table[list(kinds())], kinds(), check_dtype=False
    )  # the bounds that it was fitted with
    assert (table["low"] <= 1).all()
    assert (table["high"] >= 1).all()
    assert table["facing_frac"].between(0, 1).all()
    assert table[["tilt_low_deg", "tilt_deg", "tilt_high_deg"]].diff(axis=1).iloc[:, 1:].ge(0).all().all()


def test_kinds_count_town_width_row_age_and_corners() -> None:
    shapes = pd.DataFrame(
        {
            "width_m": [2.0, 5.5, 5.5, 100.0],
            "in_row": [False, True, True, False],
            "corners": [4, 4, 8, 20],
            "built_frac": [0.01, 0.2, 0.05, np.nan],  # what is unknown stands in a town, as most
            "bouwjaar": [1930.0, 1945.0, 2000.0, np.nan],
        }
    )
    rows = kinds().iloc[kind_of(shapes)]
    assert rows["in_town"].tolist() == [False, True, True, True]
    assert rows["year_from"].fillna(-1).tolist() == [0, 1945, 2000, -1]
    assert (kind_of(shapes) < len(kinds())).all()
    assert rows["width_from_m"].tolist() == [0.0, 5.2, 5.2, 18.0]
    assert rows["in_row"].tolist() == [False, True, True, False]
    assert rows["corners_from"].tolist() == [0, 0, 6, 11]


def test_how_much_is_built_counts_the_land_between_footprints_alone() -> None:
    # 21 x 21 houses of 100 m2, one on every 50 x 50 m: 4 % of the land, whether seen from the middle or from a corner;
    # of 200 m2: 8 %. A house a kilometre and a half off counts none of them.
    field = [shapely.box(x, y, x + 10, y + 10) for x in range(0, 1001, 50) for y in range(0, 1001, 50)]
    sparse = footprint_shapes(field)["built_frac"]
    assert sparse.iloc[[0, 220, 440]].tolist() == pytest.approx([0.04, 0.04, 0.04], rel=0.2)
    dense = footprint_shapes([shapely.box(*one.bounds[:2], one.bounds[2], one.bounds[3] + 10) for one in field])
    assert dense["built_frac"].iloc[220] == pytest.approx(0.08, rel=0.2)
    far = footprint_shapes([*field, shapely.box(2500, 2500, 2510, 2510), None])["built_frac"]
    assert far.iloc[441] < 0.01
    assert np.isnan(far.iloc[442])
    # Alone in a field, the corners of which are 700 m off: 100 m2 on a circle of 500 m, as a figure of 32 corners.
    corners = [shapely.box(x, y, x + 10, y + 10) for x in (0, 1000) for y in (0, 1000)]
    alone = footprint_shapes([shapely.box(480, 480, 490, 490), *corners])["built_frac"].iloc[0]
    assert alone == pytest.approx(100 / (16 * np.sin(2 * np.pi / 32) * 500**2), rel=1e-9)


def test_a_roof_in_a_town_is_told_from_one_in_open_country() -> None:
    panden, faces = made_places()
    town = panden.assign(built_frac=0.2, kwp=panden["kwp"] / 2).rename(index="t{}".format)
    both = pd.concat([panden, town])
    lower = faces.assign(pand_id="t" + faces["pand_id"], kwp=faces["kwp"] / 2, kwp_all=faces["kwp_all"] / 2)
    table = fit_priors(both, pd.concat([faces, lower], ignore_index=True), level_sun())
    assert estimate(panden, table, level_sun())["kwp"].iloc[0] == pytest.approx(6.0, rel=0.01)
    assert estimate(town, table, level_sun())["kwp"].iloc[0] == pytest.approx(3.0, rel=0.02)


def test_a_year_that_is_unknown_stands_for_all_ages() -> None:
    panden, faces = made_places()
    old = pd.Series(np.arange(len(panden)) % 2 == 0, index=panden.index)
    factor = old.map({True: 0.5, False: 1.5})
    faces = faces.assign(kwp=faces["kwp"] * faces["pand_id"].map(factor)).assign(kwp_all=lambda one: one["kwp"])
    dated = panden.assign(kwp=6.0 * factor, bouwjaar=np.where(old, 1930.0, 1970.0))
    table = fit_priors(dated, faces, level_sun())
    one = pd.concat([dated.iloc[:2], dated.iloc[:1].assign(bouwjaar=np.nan)])
    guess = estimate(one, table, level_sun())
    assert guess["kwp"].tolist() == pytest.approx([3.0, 9.0, 6.0], rel=0.06)
    assert (guess["kwp_low"].iloc[2] <= 3.0, guess["kwp_high"].iloc[2] >= 9.0) == (True, True)


def made_places() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four places of forty free houses, 6 m by 10 m, facing east and west; each carries 6 kWp on two slopes of 35 m2."""
    shapes, faces = [], []
    for place in range(4):
        own = footprint_shapes([shapely.box(i * 100, place * 1000, i * 100 + 6, place * 1000 + 10) for i in range(40)])
        own.index = pd.Index([f"{place}-{i}" for i in range(40)], name="pand_id")
        shapes.append(own.assign(place=str(place), kwp=6.0))
        faces += [
            pd.DataFrame(
                {
                    "pand_id": own.index,
                    "tilt_deg": 30.0,
                    "azimuth_deg": side,
                    "roof_area_m2": 35.0,
                    "kwp": 3.0,
                    "kwp_all": 3.0,
                    "sun_frac": 0.9,
                }
            )
            for side in (90.0, 270.0)
        ]
    return pd.concat(shapes), pd.concat(faces, ignore_index=True)


def test_a_fit_finds_what_was_put_in() -> None:
    panden, faces = made_places()
    table = fit_priors(panden, faces, level_sun())
    mine = table.iloc[kind_of(panden)[0]]
    assert mine["slope_kwp_per_m2"] == pytest.approx(0.1)
    assert mine[["flat_kwp_per_m2", "flat_frac"]].tolist() == [0.0, 0.0]
    assert mine[["facing_frac", "sun_frac", "tilt_deg"]].tolist() == pytest.approx([1.0, 0.9, 30.0])
    assert (mine["panden"], mine["places"]) == (160, 4)
    assert (table["places"].sum(), table["panden"].sum()) == (4, 160)  # a kind without panden is of no place
    assert mine[["low", "high"]].tolist() == pytest.approx([0.97, 1 / 0.97])  # no kind is surer


def test_what_places_differ_by_stands_in_the_interval() -> None:
    panden, faces = made_places()
    factor = panden["place"].map({"0": 0.5, "1": 1.0, "2": 1.0, "3": 1.5})
    faces["kwp"] *= faces["pand_id"].map(factor)
    table = fit_priors(panden.assign(kwp=6.0 * factor), faces.assign(kwp_all=faces["kwp"]), level_sun())
    mine = table.iloc[kind_of(panden)[0]]
    assert mine["low"] < 0.5  # the place of 0.5 was told from the others, whose mean is 1.17
    assert mine["high"] > 1.5
    with pytest.raises(ConfigError, match="at least three places"):
        fit_priors(panden[panden["place"] < "2"], faces, level_sun())


def test_the_interval_of_a_roof_that_was_found_is_as_wide_as_the_modules_in_doubt() -> None:
    # By hand: 16 modules of 0.435 kWp and 5 in doubt are doubts of (5 + 4 / 2) x 0.435 = 3.045 kWp.
    table, kwp = assumptions.default(), np.array([6.96])
    assert doubt_of(kwp, np.array([5.0]), 0.435) == pytest.approx([3.045])
    low, high = power_bounds(
        np.tile(kwp, 3), pd.Series(["dsm", "lod22+dsm", "guess"]), np.array([5.0, np.nan, 5.0]), table
    )
    rule = interval_rules().loc["dsm"]
    assert (rule["low_doubts"], rule["high_doubts"]) == (-0.39, 0.33)
    assert low == pytest.approx([6.96 - 0.39 * 3.045, 6.96 * 0.95, np.nan], nan_ok=True)
    assert high == pytest.approx([6.96 + 0.33 * 3.045, 6.96 * 1.03, np.nan], nan_ok=True)
    # A roof that holds none and may hold three: at least the root of one counts, and nothing lies below nothing.
    bare = power_bounds(np.zeros(1), pd.Series(["dsm"]), np.array([3.0]), table)
    assert np.concatenate(bare) == pytest.approx([0.0, 0.33 * 3.5 * 0.435])


def test_bounds_of_found_roofs_hold_eight_in_ten_of_a_place_that_was_left_out() -> None:
    """What the roofs carry lies off by a normal share of their doubt: 80 % lie within 1.28 of it, in every place."""
    chance, table = np.random.default_rng(3), assumptions.default()
    module = table.value("pv_module_power", "Wp") / 1000
    rows = pd.DataFrame(
        {"place": np.repeat(list("abc"), [2000, 3000, 5000]), "dsm:doubt": chance.integers(0, 9, 10_000)}
    )
    rows["dsm:kwp"] = module * chance.integers(30, 60, 10_000)
    off = 0.3 * doubt_of(rows["dsm:kwp"], rows["dsm:doubt"], module) * chance.normal(size=10_000)
    rows = rows.assign(**{"lod22+dsm:kwp": rows["dsm:kwp"] + off, "dsm:kwh": 800 * rows["dsm:kwp"]})
    rows[["dsm:kwp_low", "dsm:kwp_high"]] = np.nan
    assert calibration.dsm_bounds(rows) == pytest.approx((-0.3 * 1.2816, 0.3 * 1.2816), rel=0.06)
    judged = calibration.bounded_by_others(rows, table)
    held = judged["lod22+dsm:kwp"].between(judged["dsm:kwp_low"], judged["dsm:kwp_high"])
    assert held.groupby(rows["place"]).mean().to_numpy() == pytest.approx([0.8] * 3, abs=0.04)


def test_intervals_join_as_squares() -> None:
    low, high = combined(np.array([10.0]), (0.7, 1.3), (0.6, 1.4))
    assert (low[0], high[0]) == pytest.approx((5.0, 15.0))
    low, high = combined(np.array([1.0]), (0.0, 0.0), (0.5, 1.0))
    assert (low[0], high[0]) == (0.0, 1.0)


def test_a_calibration_names_what_it_cannot_read_and_bounds_nothing_that_no_place_has(tmp_path, capsys):
    """A folder of somebody else holds broken files; two places say nothing of a third."""
    (tmp_path / "zwolle_1.city.json").write_text('{"type": "CityJSON", "broken')
    assert calibration.read_tiles([tmp_path]) == []
    assert "left out" in capsys.readouterr().err
    assert np.isnan(calibration.place_bounds(pd.Series([0.9, 1.1]))).all()
    # Three places on which the logarithms are -0.1, 0 and 0.1: t (80 %, 2) = 1.8856, times 0.1 x root(4 / 3).
    low, high = calibration.place_bounds(np.exp(pd.Series([-0.1, 0.0, 0.1])))
    assert (low, high) == pytest.approx((np.exp(-0.21773), np.exp(0.21773)), rel=1e-4)
    scored = pd.DataFrame({"place": list("abc"), "dsm:doubt": [2.0] * 3, "dsm:kwp": 4.0, "lod22+dsm:kwp": 4.0})
    assert calibration.dsm_bounds(scored) == (0.0, 0.0)
    assert np.isnan(calibration.dsm_bounds(scored.assign(**{"dsm:doubt": np.nan}))).all()


@pytest.mark.parametrize("turned", [-80.0, -45.0, 0.0, 10.0, 60.0, 89.0])
def test_the_rectangle_around_a_footprint_that_is_turned_has_its_sides_and_a_direction_below_180(turned):
    """10 m to the north by 4 m, turned clockwise; whichever corner the rectangle begins at."""
    north = shapely.box(0, 0, 4, 10)
    shapes = np.array([shapely.affinity.rotate(one, -turned) for one in (north, shapely.reverse(north))])
    wide, turn = priors._rectangles(np.append(shapes, shapely.Point(0, 0)))
    assert wide[:2] == pytest.approx([4.0, 4.0])
    assert turn[:2] == pytest.approx([turned % 180] * 2, abs=1e-5)
    assert np.isnan([wide[2], turn[2]]).all()


def test_a_tile_of_another_hand_gives_panden_or_says_why_not(tmp_path):
    """A year in words or none at all is unknown, no crash; a sequence or an outline of two corners is refused in words."""
    square = [{"type": "MultiSurface", "lod": 0, "boundaries": [[[0, 1, 2, 3]]]}]
    things = {
        f"NL.IMBAG.Pand.000000000000000{number}": {"type": "Building", "geometry": square, **more}
        for number, more in enumerate(
            [
                {"attributes": {"oorspronkelijkbouwjaar": "onbekend"}},
                {},
                {"attributes": {"oorspronkelijkbouwjaar": 1972}},
            ]
        )
    }
    corners = [[x, y, 0.0] for x, y in ((155e3, 463e3), (155_010.0, 463e3), (155_010.0, 463_010.0), (155e3, 463_010.0))]
    model = {"type": "CityJSON", "vertices": corners, "CityObjects": things}
    tile, faces = tmp_path / "heerde_1.json", pd.DataFrame({"pand_id": [f"000000000000000{n}" for n in range(3)]})
    tile.write_text(json.dumps(model))
    panden = panden_of(tile, faces)
    assert panden["bouwjaar"].isna().tolist() == [True, True, False]
    assert panden["footprint_area_m2"].tolist() == [100.0] * 3
    for wrong in (json.dumps(model) + "\n{}", json.dumps(model).replace("[0, 1, 2, 3]", "[0, 1]")):
        tile.write_text(wrong)
        with pytest.raises(FormatError, match="one document of CityJSON"):
            panden_of(tile, faces)


def test_shapes_priors_and_estimates_are_as_they_were() -> None:
    """Rows, free houses, sheds, an L and a hall, of all ages; priors fitted on four places that differ, with flat roofs too."""
    random, houses = np.random.default_rng(8), []
    for at in range(60):
        wide, deep, east = *random.uniform(3, 22, 2), 40.0 * (at // 3) + (at % 3) * (5.0 if at % 2 else 12.0)
        house = shapely.box(east, 0, east + (5.0 if at % 2 else wide), deep)
        houses.append(shapely.affinity.rotate(house, 7.0 * at, origin=(0, 0)) if at % 4 == 0 else house)
    houses[5] = houses[5] - shapely.box(*houses[5].centroid.coords[0], 1e4, 1e4)
    years = [None if at % 9 == 4 else 1900 + 2 * at for at in range(60)]
    shapes = footprint_shapes([*houses, None], [*years, 1980])
    sun = level_sun()
    panden, faces = made_places()
    factor = panden["place"].map({"0": 0.6, "1": 1.0, "2": 1.1, "3": 1.4}) * random.uniform(0.8, 1.2, len(panden))
    steep = faces.assign(tilt_deg=np.where(np.arange(len(faces)) % 5 == 0, 2.0, random.uniform(20, 50, len(faces))))
    steep["kwp"] = steep["kwp_all"] = 3.0 * steep["pand_id"].map(factor)
    dated = panden.assign(kwp=6.0 * factor, bouwjaar=1920.0 + np.arange(len(panden)) % 100)
    table = fit_priors(dated, steep, sun)
    made = {"shapes": shapes, "priors": table, "own": estimate(shapes.iloc[:60], table, sun)}
    require_as_pinned("priors", made | {"ours": estimate(shapes.iloc[:60], roof_priors(), sun)})


def test_thirty_panden_have_the_tilts_of_their_own_kind_and_fewer_those_of_the_wider_one() -> None:
    panden = [f"a{k}" for k in range(30)] + [f"b{k}" for k in range(29)]
    kind = [0] * 30 + [1] * 29
    sloped = pd.DataFrame(
        {"tilt_deg": [20.0 + 30 * one for one in kind], "plan": 10.0, "pand_id": panden, "kind": kind}
    )
    tilts = priors._tilts(sloped, len(priors.kinds()))
    assert tilts[0].tolist() == [20.0] * 3
    assert (tilts[1].min(), tilts[1].max()) == (20.0, 50.0)
