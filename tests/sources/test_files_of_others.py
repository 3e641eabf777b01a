"""Files of other programs and other years: cut names, zips in zips, other counts of hours, other units, copies that differ.

Each test is the brother of a kind in `test_files_of_people`, found by asking how else people come to such a file.
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely.geometry import GeometryCollection, LineString, Point, box

from kansenkaart.acquire.readers import read
from kansenkaart.config import Source
from kansenkaart.errors import CrsError, FormatError, KansenkaartError
from kansenkaart.sources import ahn, bag, bag3d, bgt, cbs_areas, gwsw, knmi
from kansenkaart.sources.own import BUDGETS, PANDEN, SEWERS, read_own
from kansenkaart.sources.tools.cleaning import bag_id, name_rd
from kansenkaart.sources.tools.layers import NOTES, open_layer
from tests.sources.sheets import open_window
from tests.sources.test_bag3d_reader import PAND, SOUTH_45, _model
from tests.sources.test_files_of_people import save, tile

RD = "EPSG:28992"
pytestmark = pytest.mark.filterwarnings("ignore:Normalized/laundered field name")
SQUARE = box(100_000, 450_000, 100_010, 450_010)
REGISTER = {"identificatie": "0503100000000001", "bouwjaar": 1965, "status": "Pand in gebruik", "geometry": SQUARE}


def auto(path: Path, role: str, **more: Any) -> Any:
    return read(path, Source(role=role, publisher="x", origin="file", form="auto", path=path.name, **more))


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_shapefile_that_cut_the_names_to_ten_characters(tmp_path):
    panden, tally = auto(save([REGISTER], tmp_path / "bag.shp"), "pand")
    assert pyogrio.read_info(tmp_path / "bag.shp")["fields"].tolist() == ["identifica", "bouwjaar", "status"]
    assert panden[["pand_id", "bouwjaar"]].to_numpy().tolist() == [["0503100000000001", 1965]]
    assert "column names cut to ten characters, read as identificatie" in tally.noted


def test_ended_rows_of_a_cut_shapefile_are_left_out(tmp_path):
    ends = {"voorkomenidentificatie": 1, "eindGeldigheid": None, "oorspronkelijkBouwjaar": 1965}
    rows = [REGISTER | ends, REGISTER | ends | {"identificatie": "0503100000000002", "eindGeldigheid": "2020-01-01"}]
    panden, tally = bag.read_pand(save(rows, tmp_path / "bag.shp"), form="lvbag-gpkg")
    assert panden["pand_id"].tolist() == ["0503100000000001"]
    assert tally.left_out["voorkomen ended or withdrawn"] == 1


def test_only_a_layer_without_rows_is_noted_as_such_and_it_lies_in_rd(tmp_path):
    full, empty = save([REGISTER], tmp_path / "full.gpkg"), tmp_path / "empty.gpkg"
    gpd.GeoDataFrame({"identificatie": pd.Series(dtype=str)}, geometry=[], crs=RD).to_file(empty, layer="pand")
    assert open_layer(full, "panden").attrs[NOTES] == {}
    assert open_layer(empty, "panden").attrs[NOTES] == {"layer without rows: empty.gpkg, pand": 1}
    unnamed = gpd.GeoDataFrame({"identificatie": []}, geometry=gpd.GeoSeries([], crs=None))
    frame, said = name_rd(unnamed)
    assert (frame.crs.to_epsg(), said) == (28992, False)  # nothing of it told where it lies


def test_every_address_point_is_a_home_also_where_two_lie_on_one_place(tmp_path):
    places = [Point(1e5, 4.5e5), Point(1e5, 4.5e5), Point(1e5 + 1, 4.5e5)]
    path = save([{"naam": "x", "geometry": one} for one in (*places, None)], tmp_path / "punten.gpkg")
    homes, tally = bag.read_home(path, form="points-shp")
    assert homes["home_id"].is_unique
    assert homes["home_id"].str[-2:].tolist() == ["-0", "-1", "-0"]
    assert tally.noted["address point on the same place as another"] == 1
    assert tally.noted["address point counted as a home: gebruiksdoel and status unknown"] == 3
    assert sum(tally.left_out.values()) == 1  # which lies nowhere


def test_a_cut_name_that_may_be_two_columns_is_no_column(tmp_path):
    row = REGISTER | {
        "postcode": "9999AA",
        "openbare_r": "Dorpsstraat",
        "gebruiksdoel": "woonfunctie",
        "oppervlakte": 80,
    }
    row |= {
        "pandidentificatie": "0503100000000001",
        "status": "Verblijfsobject in gebruik",
        "geometry": Point(1e5, 4.5e5),
    }
    homes, _ = bag.read_home(save([row], tmp_path / "vbo.gpkg"))  # openbare_ruimte_naam, or _identificatie
    assert homes["street_name"].isna().all()


CBS = {"BU_CODE": "BU05030000", "BU_NAAM": "A", "WK_CODE": "WK050300", "GM_CODE": "GM0503", "GM_NAAM": "Delft"}
CBS |= {"WATER": "NEE", "AANT_INW": 1000, "AANTAL_HH": 500, "GEM_HH_GR": 2.0, "P_KOOPWON": 60, "P_HUURWON": 40}
CBS |= {"P_WCORPW": 30, "P_MGEZW": 45, "WOZ": 300, "geometry": box(80_000, 440_000, 81_000, 441_000)}


def test_the_shapefile_of_cbs_itself_keeps_its_figures(tmp_path):
    buurten, _ = auto(save([CBS], tmp_path / "buurt_2020_v3.shp"), "buurt", year=2020)
    figures = [
        "inhabitants",
        "households",
        "owner_occupied_pct",
        "corporation_pct",
        "multi_family_pct",
        "home_value_eur",
    ]
    assert buurten[figures].to_numpy().tolist() == [[1000, 500, 60, 30, 45, 300_000]]
    bare = {name: CBS[name] for name in ("BU_CODE", "BU_NAAM", "GM_CODE", "WATER", "geometry")}
    _, tally = auto(save([bare], tmp_path / "b.gpkg", layer="buurten"), "buurt", year=2026)
    assert tally.noted["areas without figures: those come from the role statistics, by code"] == 1


@pytest.mark.parametrize("code", ["05030000", 5030000, "bu05030000", "BU05030000 "])
def test_a_buurt_in_every_usual_spelling(code, tmp_path):
    path = save([CBS | {"BU_CODE": code}], tmp_path / "b.gpkg", layer="buurten")
    assert cbs_areas.read_buurt(path, form="cbs-shp", year=2020)[0]["buurtcode"].tolist() == ["BU05030000"]


@pytest.mark.parametrize("layer", ["buurten_2023", "buurt_2022_v1", "Buurten"])
def test_a_layer_with_its_year_in_the_name(layer, tmp_path):
    path = save([{"x": 1, "geometry": SQUARE}], tmp_path / "cbs.gpkg", layer="gemeenten")
    save([CBS], path, layer=layer, append=True)
    assert cbs_areas.read_buurt(path, form="cbs-shp", year=2020)[0]["buurtnaam"].tolist() == ["A"]


def test_a_file_of_no_form_says_which_is_nearest_and_what_it_lacks(tmp_path):
    path = save([{"identificatie": "1", "bouwjaar": 1, "geometry": SQUARE}], tmp_path / "p.gpkg")
    with pytest.raises(
        FormatError, match=r"nearest is pdok-geojson, without status; there are identificatie, bouwjaar"
    ):
        auto(path, "pand")


@pytest.mark.parametrize(
    "spelled", ["503100000000001.0", 503100000000001.0, "NL.IMBAG.PAND.0503100000000001", 503100000000001]
)
def test_a_pand_as_a_number_with_decimals(spelled):
    assert bag_id(spelled) == "0503100000000001"


def test_uses_between_semicolons_years_as_dates_and_shapes_in_collections(tmp_path):
    home = REGISTER | {
        "postcode": "9999AA",
        "gebruiksdoel": "Woonfunctie;kantoorfunctie",
        "oppervlakte": 80,
        "geometry": Point(1e5, 4.5e5),
    }
    home |= {"pandidentificatie": "0503100000000001", "status": "Verblijfsobject in gebruik"}
    assert len(bag.read_home(save([home], tmp_path / "h.gpkg"))[0]) == 1
    odd = REGISTER | {"bouwjaar": "1965-01-01", "geometry": GeometryCollection([SQUARE, Point(1e5, 4.5e5)])}
    panden, tally = bag.read_pand(save([odd], tmp_path / "p.gpkg"))
    assert panden[["bouwjaar", "footprint_area_m2"]].to_numpy().tolist() == [[1965, 100.0]]
    assert not any(tally.left_out.values())


def test_half_a_year_is_no_year(tmp_path):
    rows = [
        REGISTER | {"identificatie": f"050310000000000{n}", "bouwjaar": year} for n, year in enumerate((1965.5, 1966.0))
    ]
    panden, tally = bag.read_pand(save(rows, tmp_path / "p.gpkg"))
    assert panden["bouwjaar"].astype(object).where(panden["bouwjaar"].notna(), None).tolist() == [None, 1966]
    assert tally.noted["bouwjaar unknown"] == 1


# --- packed ----------------------------------------------------------------------------------------------------------


def test_the_zip_of_the_bgt_download_with_a_file_per_class(tmp_path):
    with zipfile.ZipFile(tmp_path / "extract.zip", "w") as made:
        for name, layer in (("wegdeel", "TrafficArea"), ("waterdeel", "Waterdeel")):
            row = {"lokaalID": f"G0.{name}", "bgt-status": "bestaand", "functie": "voetpad", "geometry": SQUARE}
            made.write(save([row], tmp_path / f"bgt_{name}.gpkg", layer=layer), f"bgt_{name}.gpkg")
    assert auto(tmp_path / "extract.zip", "terrain", layer="wegdeel")[0]["terrain_id"].tolist() == ["G0.wegdeel"]
    assert auto(tmp_path / "extract.zip", "terrain", layer="waterdeel")[0]["kind"].tolist() == ["waterdeel"]
    with pytest.raises(FormatError, match=r"layers: TrafficArea, Waterdeel|layers: Waterdeel, TrafficArea"):
        auto(tmp_path / "extract.zip", "terrain")


def test_two_files_with_the_layer_in_one_zip_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "bag.zip", "w") as made:
        for name in ("oud", "nieuw"):
            made.write(save([REGISTER], tmp_path / f"{name}.gpkg", layer="pand"), f"{name}.gpkg")
    with pytest.raises(FormatError, match=r"one file with layer pand.*nieuw.gpkg, oud.gpkg"):
        bag.read_pand(tmp_path / "bag.zip")


def test_a_name_that_stands_in_two_folders_of_a_zip_is_two_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "bag.zip", "w") as made:
        for name in ("GM0193", "GM0503"):
            made.write(save([REGISTER], tmp_path / f"{name}.gpkg", layer="pand"), f"{name}/pand.gpkg")
    with pytest.raises(FormatError, match=r"one file with layer pand.*pand.gpkg, pand.gpkg"):
        bag.read_pand(tmp_path / "bag.zip")  # and not the panden of the first alone


def test_a_zip_in_a_zip_as_kadaster_delivers_a_municipality(tmp_path):
    inner = tmp_path / "0503PND.zip"
    with zipfile.ZipFile(inner, "w") as made:
        made.write(save([REGISTER], tmp_path / "pand.gpkg", layer="Pand"), "pand.gpkg")
    with zipfile.ZipFile(tmp_path / "extract.zip", "w") as made:
        made.write(inner, inner.name)
        made.writestr("Leveringsdocument-BAG-Extract.xml", "<levering/>")
    assert bag.read_pand(tmp_path / "extract.zip")[0]["pand_id"].tolist() == ["0503100000000001"]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("p.parquet", b"PAR1", r"found \.parquet.*save the layer as GeoPackage"),
        ("p.gml", "<?xml version='1.0'?>".encode("utf-16"), r"found text in UTF-16.*export it anew, as UTF-8"),
        ("p.gpkg", b"<!DOCTYPE html><html>", r"found a web page"),
        ("p.geojson", b"PK\x03\x04", r"found a zip"),
        ("p.shp", b"", r"found an empty file"),
    ],
)
def test_what_a_file_is_instead_is_named_and_what_to_do(name, content, found, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError, match=found):
        bag.read_pand(tmp_path / name)


# --- copies that differ ----------------------------------------------------------------------------------------------


def test_two_copies_in_one_file_that_say_something_else_are_named(tmp_path):
    rows = [REGISTER, REGISTER | {"bouwjaar": 1970}, REGISTER | {"identificatie": "0503100000000002"}]
    panden, tally = bag.read_pand(save([*rows, rows[2]], tmp_path / "p.gpkg"))
    assert panden[["pand_id", "bouwjaar"]].to_numpy().tolist() == [
        ["0503100000000001", 1970],
        ["0503100000000002", 1965],
    ]
    assert tally.left_out["same identification twice"] == 2
    assert tally.noted["same identification twice, with other values, the last kept: 0503100000000001"] == 1


def test_the_last_voorkomen_is_no_contradiction(tmp_path):
    rows = [REGISTER | {"voorkomenidentificatie": 2, "bouwjaar": 1970}, REGISTER | {"voorkomenidentificatie": 1}]
    panden, tally = bag.read_pand(save(rows, tmp_path / "p.gpkg"))
    assert panden["bouwjaar"].tolist() == [1970]
    assert not [one for one in tally.noted if "with other values" in one]


# --- CityJSON --------------------------------------------------------------------------------------------------------


def _changed(change: Any) -> Any:
    model = copy.deepcopy(_model([SOUTH_45]))
    change(model)
    return model


def _surfaces(model: Any, **new: Any) -> None:
    for one in model["CityObjects"].values():
        for geometry in one.get("geometry", []):
            for surface in geometry["semantics"]["surfaces"]:
                surface.update(new)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.pop("metadata"),
        lambda model: model.update(metadata={"referenceSystem": "urn:ogc:def:crs,crs:EPSG::28992,crs:EPSG::5709"}),
        lambda model: _surfaces(model, type="roofSurface"),
        lambda model: [one.update(parents=[]) for one in model["CityObjects"].values()],
        lambda model: [one.update(parents=["weg"]) for one in model["CityObjects"].values() if "parents" in one],
        lambda model: [geometry.update(lod=2.2) for geometry in _geometries(model)],
    ],
    ids=["no system", "compound system", "other case", "no parents", "parent that is not there", "level as a number"],
)
def test_cityjson_of_other_makers(change, tmp_path):
    faces, _ = bag3d.read_roof_face(tile(tmp_path / "t.city.json", _changed(change)))
    assert faces["pand_id"].tolist() == [PAND.removeprefix("NL.IMBAG.Pand.")]
    assert faces["tilt_deg"].tolist() == pytest.approx([45.0])  # rises 10 m over 10 m


def _geometries(model: Any) -> list[Any]:
    return [geometry for one in model["CityObjects"].values() for geometry in one.get("geometry", [])]


def test_no_named_system_and_coordinates_elsewhere_are_refused(tmp_path):
    def degrees(model: Any) -> None:
        model.pop("metadata")
        model["transform"]["translate"] = [4.4, 52.0, 0.0]

    with pytest.raises(CrsError, match="found none stated"):
        bag3d.read_roof_face(tile(tmp_path / "t.city.json", _changed(degrees)))


def test_a_model_without_roof_faces_says_so(tmp_path):
    path = tile(tmp_path / "t.city.json", _changed(lambda model: _surfaces(model, type="WallSurface")))
    faces, tally = bag3d.read_roof_face(path)
    assert len(faces) == 0
    assert tally.noted["geometry without a roof face (RoofSurface)"] == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<?xml version='1.0'?><CityModel/>", "XML, such as CityGML"),
        (b"SQLite format 3\x00", "a GeoPackage"),
        (json.dumps({"type": "CityJSONFeature"}).encode(), "CityJSONFeature.*the first line holds the transform"),
    ],
)
def test_what_is_taken_for_cityjson_is_named(content, found, tmp_path):
    (tmp_path / "t.city.json").write_bytes(content)
    with pytest.raises(FormatError, match=found):
        bag3d.read_roof_face(tmp_path / "t.city.json")


# --- weather ---------------------------------------------------------------------------------------------------------

DAYS = ["20200101", "20200102", "20200103"]


@pytest.mark.parametrize(
    "text",
    [
        "STN;YYYYMMDD;Q;RH;EV24\n" + "\n".join(f"278;{day};360;10;5" for day in DAYS),
        "STN\tYYYYMMDD\tQ\tRH\tEV24\n" + "\n".join(f"278\t{day}\t360\t10\t5" for day in DAYS),
        "STN,DATE,Q,RH,EV24\n" + "\n".join(f"278,{day[:4]}-{day[4:6]}-{day[6:]},360,10,5" for day in DAYS),
        "STN;YYYYMMDD;Q;RH;EV24\n" + "\n".join(f"278;{int(day[6:])}-1-2020;360,0;10;5" for day in DAYS),
        "STN,YYYYMMDD,Q,RH,EV24\n" + "\n".join(f"278.0,{day}.0,360.0,10.0,5.0" for day in DAYS),
        "# STN,YYYYMMDD,Q,RH,EV24\n" + "\n".join(f"278,{day},360,10,5" for day in DAYS) + "\nEinde bestand\n",
    ],
    ids=["semicolons", "tabs", "iso days", "dutch days", "floats", "a last line"],
)
def test_days_of_knmi_as_spreadsheets_save_them(text, tmp_path):
    (tmp_path / "dag.csv").write_text(text, "utf-8")
    days, _ = knmi.read_weather_daily(tmp_path / "dag.csv")
    assert days["day"].dt.strftime("%Y-%m-%d").tolist() == ["2020-01-01", "2020-01-02", "2020-01-03"]
    assert days["global_radiation_kwh_per_m2"].tolist() == pytest.approx([1.0] * 3)  # 360 J/cm2 = 3.6 MJ/m2 = 1 kWh/m2
    assert days["rain_mm"].tolist() == [1.0] * 3


def test_hours_for_days_are_never_a_day_of_one_hour(tmp_path):
    rows = "\n".join(f"278,20200101,{hour},30,100,36,10,5" for hour in range(1, 25))
    (tmp_path / "uur.txt").write_text("# STN,YYYYMMDD,HH,FH,T,Q,RH,EV24\n" + rows, "utf-8")
    with pytest.raises(FormatError, match=r"one row a day.*etmgeg"):
        knmi.read_weather_daily(tmp_path / "uur.txt")


@pytest.mark.parametrize(("first", "noted"), [(1, 0), (0, 24)])
def test_hours_counted_from_0_or_1_begin_at_the_same_time(first, noted, tmp_path):
    rows = "\n".join(f"278,20200101,{hour},30,100,{hour - first}" for hour in range(first, first + 24))
    (tmp_path / "uur.txt").write_text("# STN,YYYYMMDD,HH,FH,T,Q\n" + rows, "utf-8")
    hours, tally = knmi.read_weather_hourly(tmp_path / "uur.txt")
    assert hours["timestamp"].iloc[[0, 23]].tolist() == [
        pd.Timestamp("2020-01-01T00:00Z"),
        pd.Timestamp("2020-01-01T23:00Z"),
    ]
    assert hours["ghi_w_per_m2"].tolist() == pytest.approx([one * 1e4 / 3600 for one in range(24)])  # J/cm2 in an hour
    assert tally.noted.get("hours counted 0 to 23: taken as the hour that begins then", 0) == noted


@pytest.mark.parametrize(("head", "first"), [(8, 1), (7, 1), (8, 0)])
def test_an_epw_with_a_shorter_head_or_hours_from_0_loses_no_hour(head, first, tmp_path):
    rows = []
    for day in range(1, 4):
        for hour in range(first, first + 24):
            cells = ["0"] * 35
            cells[:5] = ["2019", "6", str(day), str(hour), "60"]
            cells[13] = str(hour - first)
            rows.append(",".join(cells))
    lines = ["LOCATION,Proef,-,NLD,x,62780,52.43,6.26,1.0,4.0", *["x"] * (head - 1), *rows]
    (tmp_path / "y.epw").write_text("\n".join(lines), "utf-8")
    hours, tally = knmi.read_weather_hourly(tmp_path / "y.epw", form="epw")
    assert len(hours) == 72
    assert not any(tally.left_out.values())
    assert hours["ghi_w_per_m2"].tolist()[:24] == list(range(24))


# --- HydX ------------------------------------------------------------------------------------------------------------

NODES = "UNI_IDE;KNP_XCO;KNP_YCO;MVD_NIV;KNP_TYP;STA_OBJ\n" + "".join(
    f"k{one};{200_000 + 50 * one};470000;2.50;INS;BST\n" for one in range(4)
)
PIPES = "UNI_IDE;KN1_IDE;KN2_IDE;VRB_TYP;BOB_KN1;BOB_KN2;STR_RCH;INZ_TYP;PRO_IDE;STA_OBJ\n" + "".join(
    f"v{one};k{one};k{one + 1};GSL;{0.5 - one / 10:.2f};{0.4 - one / 10:.2f};OPN;GMD;P1;BST\n" for one in range(3)
)
PROFILES = "PRO_IDE;PRO_MAT;PRO_VRM;PRO_BRE;PRO_HGT\nP1;BET;RND;300;\n"


def hydx(folder: Path, nodes: str = NODES, pipes: str = PIPES, **names: str) -> Path:
    folder.mkdir()
    for table, text in (("Knooppunt", nodes), ("Verbinding", pipes), ("Profiel", PROFILES)):
        if names.get(table, "csv"):
            (folder / names.get(table, f"{table}.csv")).write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("names", [("knooppunt_2024.csv", "verbinding 1.csv", "PROFIEL.txt"), ("a_Knooppunt-2.csv",)])
def test_hydx_by_other_names(names, tmp_path):
    path = hydx(tmp_path / "set", **dict(zip(("Knooppunt", "Verbinding", "Profiel"), names, strict=False)))
    pipes, _ = gwsw.read_sewer_pipe(path, form="hydx-csv")
    assert pipes[["pipe_id", "diameter_mm", "bob_to_m_nap"]].to_numpy().tolist()[0] == ["v0", 300.0, 0.4]
    assert len(gwsw.read_sewer_node(path, form="hydx-csv")[0]) == 4


@pytest.mark.parametrize("row", [0, 2])
def test_a_row_of_hydx_with_a_separator_too_many_moves_no_cell(row, tmp_path):
    nodes = NODES.replace(f"k{row};", f"k{row};nieuw;", 1)
    with pytest.raises(FormatError, match="as many cells in each row as in its head"):
        gwsw.read_sewer_node(hydx(tmp_path / "set", nodes=nodes), form="hydx-csv")


def test_hydx_without_profiles_has_pipes_of_unknown_size(tmp_path):
    path = hydx(tmp_path / "set")
    (path / "Profiel.csv").unlink()
    pipes, tally = gwsw.read_sewer_pipe(path, form="hydx-csv")
    assert pipes["diameter_mm"].isna().tolist() == [True] * 3
    assert pipes["bob_from_m_nap"].tolist() == [0.5, 0.4, 0.3]
    assert tally.noted["no HydX table Profiel: sizes, shapes and materials unknown"] == 3


@pytest.mark.parametrize(("factor", "kept"), [(1, 0), (100, 3), (1000, 3)])
def test_levels_in_centimetres_or_millimetres_are_unknown_not_steep(factor, kept, tmp_path):
    frame = pd.read_csv(io.StringIO(PIPES), sep=";")
    frame[["BOB_KN1", "BOB_KN2"]] *= factor
    pipes, tally = gwsw.read_sewer_pipe(
        hydx(tmp_path / "set", pipes=frame.to_csv(sep=";", index=False)), form="hydx-csv"
    )
    assert pipes["bob_from_m_nap"].isna().sum() == kept  # 0.1 m over 50 m is 0.002; in cm it is 0.2 m per m
    assert bool([one for one in tally.noted if "another unit" in one]) == bool(kept)


def test_ground_levels_in_centimetres_are_unknown_outside_limburg(tmp_path):
    nodes, tally = gwsw.read_sewer_node(hydx(tmp_path / "set", nodes=NODES.replace("2.50", "250")), form="hydx-csv")
    assert nodes["ground_level_m_nap"].isna().all()
    assert tally.noted["ground level above 110 m NAP north of Limburg: another unit? unknown"] == 4
    south = NODES.replace("470000", "320000").replace("2.50", "250")
    assert (
        gwsw.read_sewer_node(hydx(tmp_path / "b", nodes=south), form="hydx-csv")[0]["ground_level_m_nap"].notna().all()
    )


def test_a_set_on_a_grid_of_its_own_says_how_to_move_it(tmp_path):
    path = hydx(tmp_path / "set", nodes=NODES.replace("470000", "10"))
    with pytest.raises(CrsError, match=r"y 10 to 10.*shift_m"):
        gwsw.read_sewer_pipe(path, form="hydx-csv")
    moved, _ = gwsw.read_sewer_pipe(path, form="hydx-csv", origin_m=(0.0, 469_990.0))
    assert moved.geometry.iloc[0].coords[0] == (200_000.0, 470_000.0)


def test_a_node_in_two_places_is_named(tmp_path):
    nodes, tally = gwsw.read_sewer_node(
        hydx(tmp_path / "set", nodes=NODES + "k0;200500;470000;2.50;INS;BST\nk1;200050;470000;2.50;INS;BST\n"),
        form="hydx-csv",
    )
    assert nodes.geometry.iloc[0].x == 200_000.0
    assert tally.left_out["same node twice"] == 2
    assert tally.noted["same node twice, with other values, the first kept: k0"] == 1


# --- heights ---------------------------------------------------------------------------------------------------------


def sheet(path: Path, height_m: float, *, crs: str | None = RD, size_m: float = 0.5) -> Path:
    how = {"driver": "GTiff", "height": 20, "width": 20, "count": 1, "dtype": "float32", "crs": crs}
    with rasterio.open(path, "w", transform=from_origin(100_000, 450_010, size_m, size_m), **how) as made:
        made.write(np.full((20, 20), height_m, dtype="float32"), 1)
    return path


WINDOW = (100_000.0, 450_000.0, 100_010.0, 450_010.0)


@pytest.mark.parametrize(("height", "unknown", "says"), [(5.0, 0, False), (400.0, 400, True), (800.0, 400, True)])
def test_heights_in_centimetres_are_unknown_and_say_so(height, unknown, says, tmp_path):
    heights, _, tally = open_window([sheet(tmp_path / "a.tif", height)], WINDOW)
    assert int(np.isnan(heights).sum()) == unknown
    assert bool([one for one in tally.noted if "another unit" in one]) == says


def test_two_sheets_that_contradict_each_other_are_counted(tmp_path):
    paths = [sheet(tmp_path / "a.tif", 5.0), sheet(tmp_path / "b.tif", 8.0)]
    tally = ahn.join_sheets(paths, WINDOW, path=tmp_path / "out.tif")
    assert tally.noted["cells with another height in b.tif than in an earlier sheet, which counts"] == 400
    with rasterio.open(tmp_path / "out.tif") as made:
        assert np.unique(made.read(1)).tolist() == [5.0]


def test_a_sheet_in_degrees_or_packed_is_named_as_that(tmp_path):
    with pytest.raises(CrsError, match="EPSG:4326"):
        open_window([sheet(tmp_path / "a.tif", 5.0, crs="EPSG:4326", size_m=1e-5)], WINDOW)
    with zipfile.ZipFile(tmp_path / "M_37EN1.zip", "w") as made:
        made.writestr("M_37EN1.TIF", b"II*\x00")
    with pytest.raises(FormatError, match=r"found a zip.*unpack the sheet"):
        open_window([tmp_path / "M_37EN1.zip"], WINDOW)


# --- own data --------------------------------------------------------------------------------------------------------


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_an_id_of_sixteen_digits_that_excel_keeps_as_a_number_is_never_another_pand(tmp_path):
    path = workbook(tmp_path / "p.xlsx", ["pand_id", "owner", "maintenance_year"], [1916100000012340, "A", 2031])
    own = read_own(path, shape=PANDEN, known=["1916100000012340", "1916100000012345"], first_year=2020, last_year=2060)
    assert len(own.table) == 0  # Excel keeps fifteen digits: this may be any of ten panden
    assert own.report[["result", "hint"]].to_numpy().tolist() == [["unreadable", "excel"]]


def test_a_formula_whose_outcome_was_not_saved_is_no_blank(tmp_path):
    path = workbook(tmp_path / "b.xlsx", ["dienst", "betaler", "budget"], ["green_maintenance", "gemeente", "=1000*12"])
    own = read_own(path, shape=BUDGETS, known=["green_maintenance"], first_year=2020, last_year=2060)
    assert own.report[["column", "found", "result"]].to_numpy().tolist()[1] == [
        "budget_eur_per_year",
        "=1000*12",
        "unreadable",
    ]


def test_a_diameter_in_metres_is_asked_never_a_hair(tmp_path):
    (tmp_path / "r.csv").write_text("leiding;aanlegjaar;diameter\nv1;1970;0,3\nv2;1970;300\n", "utf-8")
    own = read_own(tmp_path / "r.csv", shape=SEWERS, known=["v1", "v2"], first_year=1900, last_year=2060)
    assert own.table["diameter_mm"].isna().tolist() == [True, False]
    assert own.report["hint"].tolist().count("metres") == 1


def test_an_id_kept_as_text_by_a_formula(tmp_path):
    (tmp_path / "p.csv").write_text('pand_id;owner;maintenance_year\n"=""0503100000000001""";A;2031\n', "utf-8")
    own = read_own(tmp_path / "p.csv", shape=PANDEN, known=["0503100000000001"], first_year=2020, last_year=2060)
    assert own.report["result"].tolist() == ["matched"]


# --- others ----------------------------------------------------------------------------------------------------------


def test_an_object_that_ended_in_the_words_of_inspire(tmp_path):
    row = {"lokaalID": "a", "functie": "voetpad", "endLifespanVersion": "2019-01-01", "geometry": SQUARE}
    surfaces, tally = bgt.read_terrain(save([row], tmp_path / "wegdeel.gpkg"))
    assert len(surfaces) == 0
    assert tally.left_out["registration ended"] == 1


def test_every_refusal_says_where_and_what_to_do(tmp_path):
    (tmp_path / "x.gpkg").write_bytes(b"geen kaart")
    for role in (
        "pand",
        "home",
        "buurt",
        "street_line",
        "sewer_pipe",
        "sewer_node",
        "terrain",
        "roof_face",
        "weather_daily",
    ):
        with pytest.raises(KansenkaartError) as caught:
            auto(tmp_path / "x.gpkg", role)
        assert "x.gpkg" in caught.value.where
        assert caught.value.remedy
    line = save([{"a": 1, "geometry": LineString([(1e5, 4.5e5), (1e5, 4.6e5)])}], tmp_path / "l.gpkg")
    with pytest.raises(FormatError, match="nearest is nwb-gml"):
        auto(line, "street_line")
    assert gpd.read_file(line).crs == RD
