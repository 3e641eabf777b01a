"""Parts of the sun on roofs, each on a few faces whose answer a person works out."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.solar.classes import ClassRule
from kansenkaart.score import panden, roofs, surfaces
from kansenkaart.score.surfaces import Swept
from kansenkaart.tables.assumptions import default
from tests.score.area_store import stored

NAN = np.nan


def _frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=28992)


# Faces, and what was seen of them


def _swept(free, seen, *, energy=None, holes=0):
    count = len(free)
    sums = np.outer(free, np.arange(1.0, 13.0)) if energy is None else energy
    return Swept(sums, np.array(free), np.array(seen), np.full(count, holes), np.empty((0, 3)))


def test_sums_of_cells_become_sun_per_square_metre_on_the_free_part_of_a_face():
    """Four faces of 10 m2: half free, none free, brighter than open, and one that is not asked for."""
    part = pd.DataFrame({"roof_area_m2": 10.0, "open_sky_kwh_per_m2_year": [156.0, 156.0, 39.0, 156.0]})
    names = ("free_area_m2", "sun_kwh_per_m2_year", "shade_frac", "sun_kwh_per_year", roofs._HOLES, *roofs.SUN_MONTHS)
    part = part.assign(**dict.fromkeys(names, -1.0))
    swept = _swept([2, 0, 1, 3], [4, 4, 0, 3], holes=5)
    told = roofs._put(part, swept, np.array([True, True, True, False]))
    months = np.arange(1.0, 13.0)  # 78 a year on each free cell
    assert told["free_area_m2"].tolist() == [5.0, 0.0, 10.0, -1.0]
    assert told["sun_kwh_per_m2_year"].tolist() == pytest.approx([78.0, NAN, 78.0, -1.0], nan_ok=True)
    assert told["shade_frac"].tolist() == pytest.approx([0.5, NAN, 0.0, -1.0], nan_ok=True)
    assert told["sun_kwh_per_year"].tolist() == [390.0, 0.0, 780.0, -1.0]  # of no free cell it is nought, and known
    assert told[roofs._HOLES].tolist() == [5.0, 5.0, 5.0, -1.0]
    rows = told[list(roofs.SUN_MONTHS)].to_numpy()
    assert rows[0].tolist() == months.tolist() == rows[2].tolist()
    assert np.isnan(rows[1]).all()
    assert (rows[3] == -1).all()


def test_a_face_is_covered_from_just_the_share_of_its_cells_and_never_by_none():
    """Cells of half a metre: 2 m2 are eight of them; a face smaller than a cell counts as one."""
    part = _frame([shapely.box(0, 0, 2, 1)] * 3 + [shapely.box(0, 0, 0.1, 0.1)] * 2)
    sheet = SimpleNamespace(cell_m=0.5)
    for least, told in ((0.5, [True, False, False, True, False]), (0.0, [True, True, False, True, False])):
        assert roofs._covered(part, _swept([0] * 5, [4, 3, 0, 1, 0]), sheet, least).tolist() == told


def test_roofs_and_footprints_that_do_not_belong_together_are_counted():
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    faces = _frame(
        [shapely.box(0, 0, 1, 1), bow, shapely.Polygon(), shapely.box(0, 0, 1, 1)],
        pand_id=["a", "b", "x", "x"],
        roof_area_m2=[1.0, 1.0, 1.0, 0.0],
    )
    codes = pd.Series("B1", index=["a", "b", "c", "d", "e"])
    assert list(roofs._strange(faces, codes).values()) == [2, 3, 2, 1]
    assert list(roofs._strange(faces, None).values())[:2] == [0, 0]


def test_roofs_are_scored_with_weather_and_either_a_model_or_heights_and_footprints():
    asked = {
        ("weather_hourly", "roof_face"): True,
        ("weather_hourly", "dsm", "pand"): True,
        ("weather_hourly", "dsm"): False,
        ("weather_hourly", "pand"): False,
        ("roof_face", "dsm", "pand"): False,
        ("weather_hourly",): False,
    }
    for tables, ready in asked.items():
        assert roofs.ready(SimpleNamespace(has=lambda name, tables=tables: name in tables)) == ready


def test_faces_are_those_of_the_model_and_those_found_of_panden_without_one(monkeypatch):
    columns = {"tilt_deg": 10.0, "azimuth_deg": 90.0, "roof_area_m2": 4.0, "eave_height_m_nap": 3.0}
    square = [shapely.box(0, 0, 2, 2)]
    model = _frame(square * 2, face_id=["f", "g"], pand_id=["p", "q"], **columns)
    pand = _frame(square * 3, pand_id=["p", "q", "r"])
    looked = []

    def find(bare, sheet):
        looked.append((bare["pand_id"].tolist(), sheet))
        one = _frame(square * len(bare), face_id=bare["pand_id"].tolist(), pand_id=bare["pand_id"].tolist(), **columns)
        return one.assign(basis="dsm", found_frac=0.5)[surfaces.KEPT]

    monkeypatch.setattr(roofs, "find_faces", find)
    monkeypatch.setattr(roofs, "height_model", lambda path: f"sheet of {path}")

    def of(hidden=(), **tables):
        store = stored(**tables)
        store.path = lambda name: name
        told = roofs.faces_of(store, hidden)
        assert told.columns.tolist() == surfaces.KEPT
        assert told.index.tolist() == list(range(len(told)))
        return list(zip(told["face_id"], told["basis"], told["found_frac"], strict=True))

    both, found = [("f", "lod22", 1.0), ("g", "lod22", 1.0)], ("r", "dsm", 0.5)
    assert of(roof_face=model) == of(roof_face=model, dsm=pand) == of(roof_face=model, pand=pand) == both
    assert of() == of(dsm=pand) == of(pand=pand) == []
    assert looked == []
    assert of(roof_face=model, pand=pand, dsm=pand) == [*both, found]
    assert of(("p", "r"), roof_face=model, pand=pand, dsm=pand) == both[1:]
    assert of(pand=pand.iloc[2:], dsm=pand) == [found]
    assert of(("p", "q"), roof_face=model) == []
    assert of(("r",), pand=pand.iloc[2:], dsm=pand) == []
    assert looked == [(ids, "sheet of dsm") for ids in (["r"], [], ["r"], [])]


def test_modules_lie_on_the_largest_part_of_a_face():
    small, large = shapely.box(0, 0, 1, 1), shapely.box(2, 0, 4, 2)
    given = np.array(
        [shapely.MultiPolygon([small, large]), None, large, shapely.MultiPolygon([large, small])], dtype=object
    )
    assert roofs._largest(given) == [large, None, large, large]


def test_power_and_yield_are_bounded_by_what_a_roof_was_made_from():
    """By hand from ``roof_intervals.csv``: shares where a basis has them, else what is in doubt."""
    known, rules = default(), roofs.interval_rules()
    module = known["pv_module_power"].value / 1000
    kwp, doubt = np.array([10.0, 4.0, 0.0]), np.array([NAN, 3.0, 1.0])
    low, high = roofs.power_bounds(kwp, pd.Series(["lod22", "dsm", "dsm"]), doubt, known)
    open_ = [module * (n + 0.5 * np.sqrt(max(one / module, 1.0))) for n, one in ((3, 4.0), (1, 0.0))]
    dsm = rules.loc["dsm"]
    assert low.tolist() == pytest.approx(
        [10 * rules.loc["lod22", "low_frac"], 4 + dsm["low_doubts"] * open_[0], max(dsm["low_doubts"] * open_[1], 0.0)]
    )
    assert high.tolist() == pytest.approx(
        [10 * rules.loc["lod22", "high_frac"], 4 + dsm["high_doubts"] * open_[0], dsm["high_doubts"] * open_[1]]
    )
    assert np.isnan(roofs.power_bounds(kwp[:1], pd.Series(["nothing"]), doubt[:1], known)[0]).all()
    # a yield of 900 for 1 kWp that may be 0.8 to 1.1, and a performance ratio with its own ends: the root of the squares
    middle, worst, best = roofs.performance(known)
    down, up = roofs.yield_bounds(
        np.array([900.0, 0.0]), np.array([1.0, 0.0]), np.array([0.8, 0.0]), np.array([1.1, 0.0]), known
    )
    assert down.tolist() == pytest.approx([900 * (1 - np.hypot(0.2, 1 - worst / middle)), 0.0])
    assert up.tolist() == pytest.approx([900 * (1 + np.hypot(0.1, best / middle - 1)), 0.0])
    places = roofs.shared_range(pd.Series(["dsm", "mixed", "footprint"]))
    for end, told in zip(("low", "high"), places, strict=True):
        assert told.tolist() == [rules.loc[one, f"place_{end}_frac"] for one in ("dsm", "lod22", "footprint")]


# Panden


def test_roofs_of_panden_are_their_faces_of_known_sun_else_one_of_the_mean():
    """P has two faces, one of unknown sun; q one without power; r none; s none and nothing is known of it."""
    pand = pd.DataFrame(
        {
            "pand_id": list("pqrs"),
            "flat_frac": [NAN, NAN, 0.5, 0.51],
            "modules_fit": [9.0, 9.0, 4.0, NAN],
            "kwp_fit": [9.0, 9.0, 2.0, NAN],
            "yield_fit_kwh_per_year": [9.0, 9.0, 1600.0, NAN],
        }
    )
    faces = pd.DataFrame(
        {
            "pand_id": ["q", "p", "p", "x"],
            "tilt_deg": [roofs.FLAT_BELOW_DEG, roofs.FLAT_BELOW_DEG - 0.01, 40.0, 0.0],
            "modules_fit": pd.array([0, 3, None, 7], dtype="Int64"),
            "kwp_fit": [0.0, 1.5, NAN, 3.0],
            "yield_fit_kwh_per_year": [0.0, 1200.0, NAN, 9.0],
        }
    )
    told = panden._roofs(pand, faces)
    assert told.to_dict("list") == {
        "roof": [1, 0, 2],
        "flat": [False, True, False],  # half of it is not flat
        "modules": [0.0, 3.0, 4.0],
        "kwh_per_kwp": [0.0, 800.0, 800.0],
    }
    bare = panden._roofs(pand.iloc[2:].assign(flat_frac=0.51), None)
    assert bare.to_dict("list") == {"roof": [0], "flat": [True], "modules": [4.0], "kwh_per_kwp": [800.0]}


def test_faces_of_a_pand_are_summed_and_one_without_is_a_footprint():
    pand = _frame([shapely.box(0, 0, 1, 1)] * 3, pand_id=list("pqr"))
    faces = pd.DataFrame(
        {
            "pand_id": ["p", "p", "p", "q"],
            "score_basis": ["dsm", "dsm", "dsm", "lod22"],
            "tilt_deg": [0.0, roofs.FLAT_BELOW_DEG, roofs.FLAT_BELOW_DEG - 0.01, 0.0],
            "kwp_fit": [1.0, 2.0, 1.0, 0.0],
            "modules_fit": pd.array([2, 4, 2, 0], dtype="Int64"),
            "roof_area_m2": [10.0, 20.0, 5.0, 4.0],
        }
    )
    told = panden._with_faces(pand, faces).set_index("pand_id")
    assert told["flat_frac"].tolist() == pytest.approx([0.5, NAN, NAN], nan_ok=True)
    assert told["roof_area_m2"].tolist() == pytest.approx([35.0, 4.0, NAN], nan_ok=True)
    assert told["score_basis"].tolist() == ["dsm", "lod22", "footprint"]
    assert (told["faces"].dtype, told["modules_fit"].dtype) == ("Int64", "Float64")
    assert told["faces"].fillna(-1).tolist() == [3, 1, -1]
    assert told["modules_fit"].fillna(-1).tolist() == [8.0, 0.0, -1.0]
    assert told[["kwp_fit_low", "kwp_fit_high"]].isna().all(axis=None)


def test_the_class_of_a_pand_is_by_the_mean_sun_on_its_modules_and_none_where_no_whole_one_fits(monkeypatch):
    seen = {}
    rule = ClassRule(very_good_frac=0.9, good_frac=0.8, least_area_m2=10.0)
    monkeypatch.setattr(panden.sun_fit, "class_rule", lambda known: rule)
    monkeypatch.setattr(panden.sun_fit, "best_of_region", lambda station: 1250.0)
    monkeypatch.setattr(panden.sun_fit, "performance", lambda known: (0.8, 0.7, 0.9))
    monkeypatch.setattr(
        panden, "class_span", lambda sun, *, basis, rules, **more: (basis.tolist(), more["area_m2"].tolist())
    )
    monkeypatch.setattr(panden, "classify", lambda sun, **more: seen.update(more) or sun)
    pand = pd.DataFrame(
        {
            "kwp_fit": [2.0, 0.0, 4.0, NAN, 1.0],
            "modules_fit": pd.array([1, 0, 1, 3, None], dtype="Int64"),
            "yield_fit_kwh_per_year": [1600.0, 0.0, 2400.0, NAN, 800.0],
            "score_basis": ["dsm", "lod22+dsm", "mixed", "footprint", "lod22"],
        }
    )
    sun, (basis, area) = panden._classes(pand, "station", "known")
    assert sun.tolist() == pytest.approx([1000.0, NAN, 750.0, NAN, 1000.0], nan_ok=True)
    assert area == pytest.approx([10.0, 0.0, 10.0, NAN, NAN], nan_ok=True)
    assert basis == ["dsm", "lod22+dsm", "lod22", "footprint", "lod22"]
    assert (seen["best_kwh_per_m2"], seen["rule"]) == (1250.0, rule)


def test_a_roof_is_bounded_by_its_basis_and_a_footprint_by_its_own_ends_and_by_shade_that_nobody_saw():
    known = default()
    pand = pd.DataFrame(
        {
            "kwp_fit": [4.0, 4.0, 4.0, 0.0],
            "kwp_fit_low": [NAN, NAN, 3.0, 0.0],
            "kwp_fit_high": [NAN, NAN, 6.0, 0.0],
            "yield_fit_kwh_per_year": [3600.0, 3600.0, 3600.0, 0.0],
            "modules_in_doubt": pd.array([2, None, None, None], dtype="Int64"),
            "score_basis": ["dsm", "mixed", "footprint", "footprint"],
        }
    )
    told = panden._bounded(pand, known)
    low, high = roofs.power_bounds(np.full(2, 4.0), pd.Series(["dsm", "lod22"]), np.array([2.0, NAN]), known)
    assert told["kwp_fit_low"].tolist() == pytest.approx([*low, 3.0, 0.0])
    assert told["kwp_fit_high"].tolist() == pytest.approx([*high, 6.0, 0.0])
    middle, worst, best = roofs.performance(known)
    ends = [np.hypot(1 - low / 4, 1 - worst / middle), np.hypot(high / 4 - 1, best / middle - 1)]
    wide = (np.hypot(np.hypot(0.25, 1 - worst / middle), 0.15), np.hypot(np.hypot(0.5, best / middle - 1), 0.02))
    assert told["yield_fit_kwh_per_year_low"].tolist() == pytest.approx(
        [*(3600 * (1 - ends[0])), 3600 * (1 - wide[0]), 0.0]
    )
    assert told["yield_fit_kwh_per_year_high"].tolist() == pytest.approx(
        [*(3600 * (1 + ends[1])), 3600 * (1 + wide[1]), 0.0]
    )


def test_use_is_that_of_the_buurt_where_it_is_known_and_panels_are_shared_over_its_homes():
    known = default()
    pand = gpd.GeoDataFrame(
        {
            "pand_id": list("abcde"),
            "buurtcode": ["B1", "B2", None, "B1", "B3"],
            "homes": pd.array([2, 3, 1, None, 1], "Int64"),
        }
    )
    buurt = pd.DataFrame({"buurtcode": ["B1", "B2", "B3"], "electricity_use_kwh_per_home": [3000.0, NAN, 1.0]})
    land = known["electricity_use_home"].value
    use, basis = panden._use_per_home(pand, buurt, known)
    assert use.tolist() == [3000.0, land, land, 3000.0, 1.0]
    assert basis.tolist() == ["buurt", "land", "land", "buurt", "buurt"]
    assert basis.dtype == object
    use, basis = panden._use_per_home(pand, None, known)
    assert (use.tolist(), set(basis)) == ([land] * 5, {"land"})
    # B1: 8 systems on 4 homes is no more than all; B2: a stock of nought, so its three homes count; B3 says it in per cent
    buurt = buurt.assign(pv_systems=pd.array([8, 3, 0], "Int64"), pv_installed_kwp=[16.0, 6.0, 5.0])
    buurt = buurt.assign(homes_stock=[4.0, 0.0, 9.0], homes_with_solar_pct=[NAN, NAN, 20.0])
    own = pd.DataFrame({"pand_id": ["b", "d", "x"], "pv_installed_kwp": [2.0, 0.0, 9.0]})
    guess = known["homes_with_panels"].value / 100
    told = panden.add_installed(pand, buurt=buurt, own=own, known=known)
    assert told["pv_installed_frac"].tolist() == pytest.approx([1.0, 1.0, guess, 0.0, 0.2])
    assert told["pv_installed_frac_basis"].tolist() == ["buurt", "own", "land", "own", "buurt"]
    assert told["pv_installed_kwp_per_system"].astype(float).tolist() == pytest.approx(
        [2.0, 2.0, NAN, 2.0, NAN], nan_ok=True
    )
    bare = own.drop(columns="pv_installed_kwp")
    shared = panden.add_installed(pand, buurt=buurt.drop(columns="homes_stock"), own=bare, known=known)
    assert shared["pv_installed_frac"].tolist() == pytest.approx([1.0, 1.0, guess, NAN, 0.2], nan_ok=True)
    nobody = panden.add_installed(pand, buurt=None, own=None, known=known)
    assert nobody["pv_installed_frac"].tolist() == pytest.approx([guess, guess, guess, NAN, guess], nan_ok=True)
    assert [None if pd.isna(one) else one for one in nobody["pv_installed_frac_basis"]] == [
        "land",
        "land",
        "land",
        None,
        "land",
    ]
    assert nobody["pv_installed_kwp_per_system"].isna().all()
    counts = pd.DataFrame({"modules_pay": pd.array([4], "Int64"), "kwp_pay": [2.0], "kwp_fit": [8.0]})
    told = panden.without_installed(counts.assign(pv_installed_frac=0.25))
    assert told.to_numpy().tolist() == [[3.0, 1.5, 8.0, 0.25]]
    counts["pv_installed_frac"] = 0.25
    assert panden.without_installed(counts.drop(columns="pv_installed_frac")).equals(
        counts.drop(columns="pv_installed_frac")
    )
