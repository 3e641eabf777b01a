"""Traps of the field and faults of the open tools, each as a test that fails when we fall into it."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kansenkaart.core.water.assign import Reach, assign_homes, assign_panden, assign_surfaces
from kansenkaart.core.water.decoupling import rain_reason
from kansenkaart.core.water.demand import Uses, indoor_demand
from kansenkaart.core.water.pipes import PipeLimits, clean_pipes
from kansenkaart.core.water.streets import build_streets
from tests.core.water.water_world import RD, homes, sewers, street_lines

REACH = Reach()


@pytest.fixture(scope="module")
def street():
    return build_streets(home=homes(), street_line=street_lines())


def shapes(*boxes: tuple[float, float, float, float]) -> list[shapely.Polygon]:
    return [shapely.box(120_000 + x0, 480_000 + y0, 120_000 + x1, 480_000 + y1) for x0, y0, x1, y1 in boxes]


def test_an_improved_separate_sewer_is_known_as_a_sewer_for_rain():
    pipe = sewers()[0]
    improved = pipe.assign(system=pipe["system"].replace("hemelwater", "verbeterd_gescheiden"))
    clean = clean_pipes(improved, limits=PipeLimits(year_max=2026)).pipes
    assert set(clean.loc[clean["system"] == "verbeterd_gescheiden", "layer"]) == {"rain"}
    street = pd.DataFrame(
        {
            "rain_system": ["verbeterd_gescheiden", "gemengd"],
            "paved_sewer_m2": 100.0,
            "saving_rain_off_eur": 0.0,
            "rain_at_minimum": True,
        }
    )
    assert rain_reason(street).tolist()[0] == "already_separate"
    assert rain_reason(street).tolist()[1] != "already_separate"


def test_a_pand_without_a_street_is_listed_with_its_area_and_reason(street):
    pand = gpd.GeoDataFrame({"pand_id": ["near", "lost"]}, geometry=shapes((5, 5, 9, 9), (5000, 0, 5010, 10)), crs=RD)
    put = assign_homes(homes().iloc[:0], street=street, reach=REACH)
    panden = assign_panden(pand, home=homes().iloc[:0], home_street=put, street=street, reach=REACH)
    ground = gpd.GeoDataFrame(
        {"terrain_id": ["t"], "kind": ["wegdeel"], "function": None, "surface": ["open verharding"]},
        geometry=shapes((0, 0, 3, 3)),
        crs=RD,
    )
    found = assign_surfaces(
        terrain=ground, pand=pand, pand_street=panden, street=street, reach=REACH, yard_paved_frac=0.5
    ).set_index("surface_id")
    assert found.loc["lost", "assigned_by"] == "none: no street within reach"
    assert found.loc["lost", "area_m2"] == 100
    assert found.loc["near", "street_id"] == "Hoofdstraat 1"


def test_ground_on_the_border_of_two_streets_counts_once(street):
    # A square on the corner of Hoofdstraat and Dwarsstraat, drawn in two that share a border.
    ground = gpd.GeoDataFrame(
        {
            "terrain_id": ["one", "two"],
            "kind": "begroeidterreindeel",
            "function": None,
            "surface": ["groenvoorziening", "erf"],
        },
        geometry=shapes((2, 180, 22, 190), (2, 190, 22, 198)),
        crs=RD,
    )
    pand = gpd.GeoDataFrame({"pand_id": ["p"]}, geometry=shapes((22, 180, 30, 198)), crs=RD)
    panden = pd.DataFrame({"street_id": ["Dwarsstraat 1"], "assigned_by": "homes", "distance_m": 1.0})
    found = assign_surfaces(
        terrain=ground, pand=pand, pand_street=panden, street=street, reach=REACH, yard_paved_frac=0.0
    )
    assert found.groupby("surface_id")["area_m2"].sum().to_dict() == pytest.approx({"one": 200, "two": 160, "p": 144})
    assert set(found.loc[found["surface_id"] == "one", "street_id"]) == {"Hoofdstraat 1", "Dwarsstraat 1"}
    # The paving of a yard is nobody's knowledge: it takes the share that is given, here none.
    assert found.loc[found["kind"] == "yard", "paved_m2"].sum() == 0


def test_a_home_between_two_streets_is_one_home(street):
    home = homes().iloc[:1].assign(street_name=None, geometry=[shapely.Point(120_020, 480_180)])
    put = assign_homes(home, street=street, reach=REACH)
    assert len(put) == 1
    assert put["street_id"].notna().all()


def test_fillers_and_years_of_relining_are_no_diameter_and_no_age():
    pipe = sewers()[0]
    pipe["diameter_mm"], pipe["laid_year"] = 999.0, 2030.0
    clean = clean_pipes(pipe, limits=PipeLimits(year_max=2026))
    assert clean.pipes["diameter_mm"].isna().all()
    assert clean.pipes["laid_year"].isna().all()
    assert clean.tally() == {"diameter unbelievable": len(pipe), "laying year unbelievable": len(pipe)}


def test_a_garden_asks_a_sixth_of_what_a_home_yields():
    # 50 m2 at 158 mm from April to September: 7.9 m3; 2.15 people at 60.1 l a day: 47 m3
    assert (
        pytest.approx(indoor_demand(2.15, l_per_person_day=Uses().grey_l_per_person_day).sum() / 6, rel=0.02)
        == 50 * 158 / 1000
    )
    assert indoor_demand(2.15, l_per_person_day=Uses().grey_l_per_person_day).sum() == pytest.approx(47, abs=0.5)
