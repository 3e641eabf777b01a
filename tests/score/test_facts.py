"""Facts of a made place of two streets and two areas, every figure by hand."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.score import facts
from kansenkaart.score.facts import FACTS, facts_of, facts_of_areas, with_owner
from kansenkaart.tables.assumptions import default
from kansenkaart.tables.store import Store

#: Six homes: three in block 0, two in block 1, one in block 2; the last has a street id but no street name.
HOMES = pd.DataFrame(
    {
        "home_id": list("abcdef"),
        "buurtcode": ["B1", "B1", "B1", "B1", "B2", "B2"],
        "street_name": ["Laan", "Laan", "Pad", "Pad", "Pad", None],
    }
)
BLOCK_OF = {"a": 0, "b": 0, "c": 0, "d": 1, "e": 1, "f": 2}
STREET_OF = {"a": "laan", "b": "laan", "c": "pad", "d": "pad", "e": "pad", "f": "pad"}


@pytest.fixture
def made(monkeypatch):
    boxes = [shapely.box(100 * n, 0, 100 * n + 90, 90) for n in range(3)]
    spots = [shapely.Point(100 * BLOCK_OF[one] + 10 + n, 10) for n, one in enumerate(HOMES["home_id"])]
    panden = pd.DataFrame(
        {
            "pand_id": ["p", "q", "r"],
            "buurtcode": ["B1", "B1", "B2"],
            "homes": [3, 2, 1],
            "footprint_area_m2": [100.0, 80.0, 60.0],
            "roof_area_m2": [110.0, 90.0, 70.0],
            "kwp_pay": [6.0, 4.0, 2.0],
            "yield_pay_kwh_per_year": [5250.0, 3500.0, 1750.0],
            "own_use_pay_frac": [0.5, 0.4, 0.3],
            "yield_fit_kwh_per_year": [10_000.0, 8_000.0, 4_000.0],
            "yield_fit_kwh_per_year_low": [9_000.0, 6_000.0, 3_000.0],
            "yield_fit_kwh_per_year_high": [11_000.0, 10_000.0, 5_000.0],
        }
    )
    roofs = [shapely.box(100 * n + 20, 20, 100 * n + 40, 40) for n in range(3)]
    tables = {
        "home": gpd.GeoDataFrame(HOMES, geometry=spots, crs=28992),
        "home_area": pd.DataFrame({"home_id": list(BLOCK_OF), "block_id": list(BLOCK_OF.values())}),
        "home_water": pd.DataFrame({"home_id": list(STREET_OF), "street_id": list(STREET_OF.values())}),
        "street_water": pd.DataFrame(
            {
                "street_id": ["laan", "pad"],
                "reused_m3_per_year": [40.0, 100.0],
                "saving_grey_off_eur": [600.0, 1000.0],
                "saving_both_eur": [900.0, 1400.0],
                "replacement_year": [2036.0, np.nan],
            }
        ),
        "buurt": pd.DataFrame(
            {
                "buurtcode": ["B1", "B2"],
                "households": [3.8, 2.2],
                "inhabitants": [8.0, 5.0],
                "age_65_plus_pct": [25.0, 40.0],
                "corporation_pct": [50.0, np.nan],
                "owner_occupied_pct": [40.0, 90.0],
                "homes_stock": [9.0, 9.0],
            }
        ),
        "pand_score": gpd.GeoDataFrame(panden, geometry=roofs, crs=28992),
    }
    monkeypatch.setattr(Store, "has", lambda self, name: name in tables)
    monkeypatch.setattr(Store, "read", lambda self, name: tables[name].copy())
    return gpd.GeoDataFrame({"block_id": [0, 1, 2], "homes": [3, 2, 1]}, geometry=boxes, crs=28992), tables


def test_people_and_water_of_blocks_by_hand(made, tmp_path):
    blocks, tables = made
    facts = facts_of(Store(tmp_path), blocks, default())
    # B1 has four homes with 8 inhabitants, B2 two with 5: 2 and 2.5 a home
    assert facts["inhabitants"].tolist() == pytest.approx([6.0, 4.5, 2.5])
    assert facts["households"].tolist() == pytest.approx([3 * 0.95, 0.95 + 1.1, 1.1])
    assert facts["people_65_plus"].tolist() == pytest.approx([3 * 0.5, 0.5 + 1.0, 1.0])
    assert facts["owned_homes"].tolist() == pytest.approx([1.2, 0.4 + 0.9, 0.9])
    # of B2 CBS does not say: its homes count for nothing that is known
    assert facts["corporation_homes"].tolist() == pytest.approx([1.5, 0.5, np.nan], nan_ok=True)
    # Laan: 40 m3 over two homes is 20 each; Pad: 100 over four is 25, the home without a street name among them
    assert facts["reused_m3_per_year"].tolist() == pytest.approx([65.0, 50.0, 25.0])
    # Laan is due in ten years, within the twenty: 600, 300 a home; of Pad the year is unknown: 0.9 % a year over twenty years is
    # renewed, 18 % of 1,000 is 180, 45 a home; rain adds 300 (150 a home) and 18 % of 400 (18 a home)
    assert facts["sewer_saving_eur"].tolist() == pytest.approx([645.0, 90.0, 45.0])
    assert facts["sewer_saving_rain_eur"].tolist() == pytest.approx([318.0, 36.0, 18.0])
    assert facts["sewer_saving_year"].tolist() == pytest.approx([10.0, np.nan, np.nan], nan_ok=True)
    street = tables["street_water"]
    assert facts["reused_m3_per_year"].sum() == pytest.approx(street["reused_m3_per_year"].sum())
    assert facts["green_m2"].isna().all()  # no map of the terrain: unknown, not nothing


def test_rain_that_brings_no_more_than_grey_water_does_saves_nothing(made, tmp_path):
    blocks, tables = made
    tables["street_water"]["saving_both_eur"] = [600.0, 700.0]  # as much as without rain, and less
    facts = facts_of(Store(tmp_path), blocks, default())
    assert facts["sewer_saving_rain_eur"].tolist() == [0.0, 0.0, 0.0]
    assert facts["sewer_saving_eur"].tolist() == pytest.approx([645.0, 90.0, 45.0])


def test_panels_of_blocks_by_hand(made, tmp_path):
    facts = facts_of(Store(tmp_path), made[0], default())
    # half of B1's roofs is the corporation's, of buildings with several homes; the rest an association's; of B2 CBS says nothing
    assert facts["pv_corporation_house_kwp"].tolist() == pytest.approx([0.0, 0.0, np.nan], nan_ok=True)
    assert facts["pv_corporation_kwp"].tolist() == pytest.approx([3.0, 2.0, np.nan], nan_ok=True)
    assert facts["pv_association_kwp"].tolist() == pytest.approx([3.0, 2.0, np.nan], nan_ok=True)
    assert facts["pv_own_kwp"].tolist() == pytest.approx([0.0, 0.0, np.nan], nan_ok=True)
    assert facts["pv_association_systems"].tolist() == pytest.approx([0.5, 0.5, np.nan], nan_ok=True)
    # the yield that pays is the mean over 25 years at 0.5 % loss a year, 0.9375 of that when new
    assert facts["pv_association_kwh_per_year"].tolist() == pytest.approx([2800.0, 5600 / 3, np.nan], nan_ok=True)
    assert facts["pv_association_used_kwh_per_year"].tolist() == pytest.approx([1400.0, 2240 / 3, np.nan], nan_ok=True)
    assert facts["roof_range_frac"].tolist() == pytest.approx([0.1, 0.25, 0.25])


def test_of_a_corporation_houses_and_buildings_with_several_homes_are_apart(made, tmp_path):
    """Half of the roofs of B1 is a corporation's: of the building with three homes 3 kWp, of a house of 4 kWp 2."""
    blocks, tables = made
    tables["pand_score"]["homes"] = [3, 1, 1]
    facts = facts_of(Store(tmp_path), blocks, default())
    assert facts["pv_corporation_kwp"].tolist() == pytest.approx([3.0, 0.0, np.nan], nan_ok=True)
    assert facts["pv_corporation_house_kwp"].tolist() == pytest.approx([0.0, 2.0, np.nan], nan_ok=True)
    assert facts["pv_corporation_house_systems"].tolist() == pytest.approx([0.0, 0.5, np.nan], nan_ok=True)


def test_a_roof_that_has_panels_gets_none_of_the_enterprise(made, tmp_path):
    blocks, tables = made
    before = facts_of(Store(tmp_path), blocks, default())
    tables["pand_score"]["pv_installed_frac"] = [1.0, 0.25, np.nan]  # the owner's word, the buurt's share, nobody's
    tables["pand_score"]["pv_installed_frac_basis"] = ["own", "land", None]
    after = facts_of(Store(tmp_path), blocks, default())
    for name in ("systems", "kwp", "kwh_per_year", "used_kwh_per_year"):
        column = f"pv_association_{name}"
        assert (after[column] / before[column]).tolist()[:2] == pytest.approx([0.0, 0.75]), name
    assert after["pv_open_own_kwp"].tolist()[2] == before["pv_open_own_kwp"].tolist()[2] == 2.0
    # where only the country's share is known (35 %, 20 to 45) the part that is left is 12.5 of 65 off either way
    assert after["roof_range_frac"].tolist()[1:] == pytest.approx([np.hypot(0.25, 12.5 / 65), 0.25])


def test_roofs_of_unknown_owner_count_nowhere_until_a_track_names_one(made, tmp_path):
    """The pand in B2 has one home, 2 kWp, 1,750 kWh over its life and 0.3 of it used: 1,866.67 when new, 560 used."""
    facts = facts_of(Store(tmp_path), made[0], default())
    assert facts["pv_open_own_kwp"].tolist() == pytest.approx([0.0, 0.0, 2.0])
    assert facts["pv_open_association_kwp"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    assert facts_of_areas(facts, [[0, 1], [2]])["pv_open_kwp"].tolist() == [0.0, 2.0]
    residents, corporation = with_owner(facts, "long"), with_owner(facts, "short")
    assert residents["pv_own_used_kwh_per_year"].tolist() == pytest.approx([0.0, 0.0, 560.0])
    assert residents["pv_corporation_kwp"].tolist() == pytest.approx([3.0, 2.0, np.nan], nan_ok=True)
    assert corporation["pv_corporation_kwh_per_year"].tolist() == pytest.approx([2800.0, 5600 / 3, 0.0])
    assert corporation["pv_corporation_house_kwh_per_year"].tolist() == pytest.approx([0.0, 0.0, 5600 / 3])
    assert corporation["pv_own_kwp"].tolist() == pytest.approx([0.0, 0.0, np.nan], nan_ok=True)


def test_homes_in_large_buildings_and_the_ground_of_blocks_by_hand(made, tmp_path):
    """Of three panden (3, 2 and 1 homes) none has eight homes; with eight, eight are counted. Green, paving: what lies inside."""
    blocks, tables = made
    assert facts_of(Store(tmp_path), blocks, default())["gallery_flats"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    tables["pand_score"].loc[0, "homes"] = 8
    tables["terrain"] = gpd.GeoDataFrame(
        {
            "kind": ["begroeidterreindeel", "wegdeel", "wegdeel", *["begroeidterreindeel"] * 4],
            "surface": [
                *(None, "gesloten verharding", "groenvoorziening"),
                *("grasland agrarisch", "bouwland", "fruitteelt", "boomteelt"),
            ],
        },
        # 10 by 10 in block 0; 20 by 10 of which half in block 0 and half in the gap between blocks; 5 by 10 in block 2;
        # and in block 0 land of farmers, which nobody pays a municipality for
        geometry=[
            *(shapely.box(0, 0, 10, 10), shapely.box(80, 0, 100, 10), shapely.box(200, 0, 205, 10)),
            *[shapely.box(20, 0, 60, 10)] * 4,
        ],
        crs=28992,
    )
    facts = facts_of(Store(tmp_path), blocks, default())
    assert facts["gallery_flats"].tolist() == pytest.approx([8.0, 0.0, 0.0])
    assert facts["green_m2"].tolist() == pytest.approx([100.0, 0.0, 50.0])
    # what drains: the paved street in the block and the footprints of 100, 80 and 60 m2
    assert facts["paved_connected_m2"].tolist() == pytest.approx([200.0, 80.0, 60.0])
    assert facts["roof_area_m2"].tolist() == pytest.approx([110.0, 90.0, 70.0])


def test_an_area_is_the_sum_of_its_blocks(made, tmp_path):
    facts = facts_of(Store(tmp_path), made[0], default())
    areas = facts_of_areas(facts, [[0, 1], [2]])
    for name in FACTS:
        if name != "sewer_saving_year":
            whole = areas[name].sum(min_count=1)
            assert whole == pytest.approx(facts[name].sum(min_count=1), nan_ok=True), name
    assert areas["inhabitants"].tolist() == pytest.approx([10.5, 2.5])
    # 5,600 kWh at 0.1 and 3,733 at 0.25
    assert areas["roof_range_frac"].iloc[0] == pytest.approx((5600 * 0.1 + 11200 / 3 * 0.25) / (5600 + 11200 / 3))


def test_homes_that_a_corporation_lists_are_not_owner_occupied_as_well(made, tmp_path):
    blocks, tables = made
    tables["own_pand"] = pd.DataFrame(
        {
            "pand_id": ["p", "q"],
            "owner": ["corporatie", "particulier"],
            "maintenance_year": pd.array([None, None], "Int64"),
        }
    )
    facts = facts_of(Store(tmp_path), blocks, default())
    assert facts["corporation_homes"].tolist() == pytest.approx([3.0, 0.0, np.nan], nan_ok=True)
    # by the shares of the buurt 1.2 of the first three would be owner-occupied
    assert facts["owned_homes"].tolist() == pytest.approx([0.0, 1.3, 0.9])


def test_no_block_of_the_example_has_more_homes_in_large_buildings_than_homes(finished):
    facts = Store(finished / "data" / "processed" / "proefveld").read("block_facts")
    assert (facts["gallery_flats"].fillna(0) <= facts["homes"]).all()
    assert facts["gallery_flats"].sum() > 0


def test_what_owners_state_counts_where_they_state_it_and_only_a_corporation_has_its_homes():
    """Of 8 homes each: a corporation's, mended in two years; a person's, last year; one without a year; one not stated."""
    own = pd.DataFrame(
        {
            "pand_id": list("abc"),
            "owner": ["Woningcorporatie Elkien", "particulier", "corporatie"],
            "maintenance_year": pd.array([2028, 2025, None], dtype="Int64"),
        }
    )
    stored = SimpleNamespace(has=lambda name: name == "own_pand", read=lambda name: own)
    pand = pd.DataFrame({"pand_id": list("abcd"), "homes": pd.array([8] * 4, dtype="Int64")})
    assert facts._own(stored, pand, 2026.0).fillna(-1).to_dict("list") == {
        "corporation_own": [8, 0, 8, -1],
        "planned": [16, -1, -1, -1],  # homes by years ahead
        "planned_homes": [8, -1, -1, -1],
        "own_panden": [1, 1, 1, -1],
    }
    nothing = SimpleNamespace(has=lambda name: False)
    assert facts._own(nothing, pand, 2026.0).isna().all(axis=None)


def test_a_roof_is_an_associations_where_its_owner_says_so_or_several_homes_share_it():
    """Two owners stated; of the others CBS has a quarter of the homes with a corporation, or says nothing."""
    own = pd.DataFrame({"pand_id": ["a", "b"], "owner": ["VvE De Brug", "corporatie"]})
    buurt = pd.DataFrame({"buurtcode": ["BU1"], "corporation_pct": [25.0]})
    stored = SimpleNamespace(has=lambda name: name in ("own_pand", "buurt"), read={"own_pand": own, "buurt": buurt}.get)
    code = ["BU1", "BU1", "BU1", "BU1", "BU2"]
    pand = pd.DataFrame({"pand_id": list("abcde"), "buurtcode": code, "homes": pd.array([1, 8, 8, 1, 1], "Int64")})
    corporation, association = facts._roof_owners(stored, pand)
    assert corporation.tolist() == pytest.approx([0.0, 1.0, 0.25, 0.25, np.nan], nan_ok=True)
    assert association.tolist() == pytest.approx([1.0, 0.0, 0.75, 0.0, np.nan], nan_ok=True)
