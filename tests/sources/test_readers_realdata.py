"""The readers on real Dutch files: counts known from the files themselves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kansenkaart.errors import FormatError
from kansenkaart.sources import bag, bag3d, bgt, cbs, cbs_areas, gwsw, knmi, nwb, zwolle
from tests.sources.sheets import open_window

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.realdata


def _data(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"real data not there: {path}")
    return path


def test_voorburg_every_pand_and_home_is_accounted_for() -> None:
    path = _data("voorburg/bag_lvbag_cbs2022.gpkg")
    panden, tally = bag.read_pand(path, form="lvbag-gpkg")
    assert (tally.rows_in, len(panden)) == (15_380, 15_267 + 3 + 26)  # in use, not measured, being rebuilt
    assert tally.left_out["status: Pand ten onrechte opgevoerd"] == 74
    homes, tally = bag.read_home(path, form="lvbag-gpkg")
    assert tally.rows_in == 31_293 == len(homes) + sum(tally.left_out.values())
    assert tally.left_out["status: Verblijfsobject ingetrokken"] == 1_057
    assert homes["street_id"].notna().all()
    assert homes["street_name"].isna().all()


def test_amsterdam_placeholder_years_are_unknown() -> None:
    panden, tally = bag.read_pand(_data("amsterdam/bag_pand.gpkg"), form="nlextract-gpkg")
    assert tally.rows_in == 1_484
    assert tally.left_out["status: Pand buiten gebruik"] == 6
    assert panden["bouwjaar"].min() > 1_200


def test_zwolle_geometry_only_files_and_buurten() -> None:
    panden, _ = bag.read_pand(_data("zwolle/Sample_Buildings.shp"), form="footprint-shp")
    assert len(panden) == 2_579
    homes, _ = bag.read_home(_data("zwolle/Digitale_Tweelingstad_Zwolle_Adressen_2D.shp"), form="points-shp")
    assert len(homes) == 71_888
    buurten, _ = zwolle.read_buurt(
        _data("zwolle/demographics_buurt_2024_mapped.geojson"),
        klimaat=_data("zwolle/klimaatmonitor/Thema's - 2023 - Buurten (2023) van Gemeente Zwolle.xlsx"),
        cijfers=_data("zwolle/cijfersoverzwolle/Thema's - 2024 - Buurten.xlsx"),
    )
    assert len(buurten) == 78
    assert buurten["homes_with_solar_pct"].isna().all()  # empty in the workbook of 2023, not 0
    known = buurten["inhabitants"].notna()
    assert known.sum() == 78
    assert set(buurten["inhabitants_year"][known]) == {2024}


def test_delft_and_the_current_3dbag() -> None:
    faces, tally = bag3d.read_roof_face(_data("delft/3dbag_v210908_5912.city.json"))
    assert faces["pand_id"].nunique() == 375
    assert tally.noted["pand without LoD 2.2"] == 1
    faces, _ = bag3d.read_roof_face(_data("3dbag/9-444-728_sm.city.jsonl"))
    assert (faces["tilt_deg"] - faces["published_tilt_deg"]).abs().max() < 1
    turn = (faces["azimuth_deg"] - faces["published_azimuth_deg"] + 180) % 360 - 180
    assert turn.abs().max() < 1


def test_delft_surfaces_and_heights() -> None:
    roads, _ = bgt.read_terrain(_data("delft/bgt/bgt_wegdeel.sqlite"), form="bgt-2016-sqlite")
    assert (len(roads), set(roads["kind"])) == (151, {"wegdeel"})
    panden, _ = bgt.read_pand(_data("delft/bgt/bgt_pand.sqlite"))
    assert len(panden) == 160
    heights, _, tally = open_window([_data("delft/ahn3/delft_dsm_0m5.tif")], (84_900, 447_400, 85_000, 447_500))
    assert heights.shape == (200, 200)
    assert tally.kept == 1


def test_sewers_of_bodegraven_almere_and_the_test_system() -> None:
    pipes, tally = gwsw.read_sewer_pipe(_data("gwsw/gwsw_getGeoPackage_1134.gpkg"), form="gwsw-gpkg")
    assert (tally.rows_in, len(pipes)) == (8_986, 8_986)
    assert (pipes["system"] == "gemengd").sum() == 3_030
    assert pipes["diameter_mm"].isna().all()
    pipes, tally = gwsw.read_sewer_pipe(_data("almere/almere_dwa_inspectie.gpkg"), form="almere-gpkg")
    assert (tally.rows_in, tally.left_out["same pipe twice"], tally.left_out["no usable geometry"]) == (982, 12, 2)
    assert pipes["laid_year"].between(1985, 2008).all()
    nodes, _ = gwsw.read_sewer_node(_data("gwsw/hydx"), form="hydx-csv", origin_m=(1e5, 4.5e5))
    assert len(nodes) == 84


def test_akersloot_names_that_were_cut_off() -> None:
    buurten, _ = cbs_areas.read_buurt(_data("akersloot/statistiek_gebieden_buurten.shp"), form="wfs-2021-shp")
    west = buurten.set_index("buurtcode").loc["BU03830511"]
    assert west["gas_use_m3_per_home"] == 1_470
    assert west["electricity_use_kwh_per_home"] == 2_990
    assert (west["owner_occupied_pct"], west["rented_pct"], west["corporation_pct"]) == (79, 21, 15)
    assert west["home_value_eur"] == 329_000
    assert west["electricity_use_kwh_per_home_year"] == 2_021
    assert buurten["district_heat_pct"].isna().all()


def test_panels_per_buurt_from_a_whole_table() -> None:
    path = _data("cbs_tables/86044NED_zonnestroom_buurten_2022.csv")
    panels, tally = cbs.read_kwb(path, year=2022)
    assert (len(panels), tally.left_out["not a buurt"]) == (14_317, 3_686)
    oud_noord = panels.set_index("buurtcode").loc["BU19160102"]
    assert (oud_noord["pv_systems"], oud_noord["pv_installed_kwp"]) == (164, 781)
    assert panels["pv_systems"].isna().sum() == 975  # a point is unknown, not nil
    assert set(panels["pv_systems_year"].dropna()) == {2022}
    with pytest.raises(FormatError, match="year"):
        cbs.read_kwb(path)


def test_streets_and_weather() -> None:
    streets, _ = nwb.read_street_line(_data("nwb/Roads_2020-11-24.gml"))
    assert (len(streets), streets["street_name"].nunique()) == (247, 49)
    days, tally = knmi.read_weather_daily(_data("weather/etmgeg_278.txt"))
    assert days["rain_mm"].min() == 0
    assert tally.noted["rain below 0.05 mm"] == 697
    hours, _ = knmi.read_weather_hourly(_data("weather/NLD_OV_Heino.062780_TMYx.2007-2021.epw"), form="epw")
    assert len(hours) == 8_760
    assert hours["timestamp"].iloc[0] == pd.Timestamp(
        "2018-12-31T23:00Z"
    )  # midnight of winter time, one hour ahead of world time
