"""Files as people have them: other names, capitals, packed, another level of detail, odd cells, a title above the table.

The inputs are made here; each test pins the right value, and stands for a kind of trouble, not for one file.
"""

from __future__ import annotations

import copy
import errno
import gzip
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
from shapely.geometry import LineString, Point, Polygon, box

from kansenkaart.crs import rd_point, require_rd, within_rd
from kansenkaart.errors import ConfigError, CrsError, FormatError, StoreError
from kansenkaart.sources import bag, bag3d, bgt, cbs, cbs_areas, gwsw, knmi, nwb, zwolle
from kansenkaart.sources.epw import form_of as form_of_weather
from kansenkaart.sources.own import BUDGETS, PANDEN, SEWERS, read_own
from kansenkaart.sources.tools.cleaning import Sieve, in_rd, polygons_of, typed_numbers
from kansenkaart.sources.tools.ogc import features_of
from kansenkaart.sources.tools.rawnames import column_named, form_of, has_ended, reading, text_of, to_number, to_text
from tests.sources.test_bag3d_reader import FLAT_WITH_HOLE, PAND, SOUTH_45, _model

RD = "EPSG:28992"
SQUARE = box(100_000, 450_000, 100_010, 450_010)


def save(rows: list[dict[str, Any]], path: Path, **how: Any) -> Path:
    frame = gpd.GeoDataFrame(rows, crs=RD)
    pyogrio.write_dataframe(frame, path, **how)
    return path


# --- spelling never decides silently ---------------------------------------------------------------------------------


def test_a_column_is_known_in_every_spelling_and_the_first_choice_counts():
    assert column_named(["gml_id", "lokaalID"], "lokaal_id|gml_id") == "lokaalID"
    assert column_named(["EINDREGISTRATIE"], "eind_registratie?") == "EINDREGISTRATIE"
    assert column_named(["bgt-status"], "bgt_status|status?") == "bgt-status"
    assert column_named(["a"], "b?") is None


@pytest.mark.parametrize("form", ["ogc-geojson", "bgt-gml", "bgt-2016-sqlite"])
def test_the_bgt_download_drops_what_ended_was_terminated_or_is_planned(form, tmp_path):
    rows = [
        {
            "lokaalID": "G0.a",
            "bgt-status": "bestaand",
            "eindRegistratie": "2019-05-01T10:00:00",
            "terminationDate": None,
        },
        {"lokaalID": "G0.a", "bgt-status": "Bestaand", "eindRegistratie": None, "terminationDate": None},
        {"lokaalID": "G0.b", "bgt-status": "bestaand", "eindRegistratie": None, "terminationDate": "2020-01-01"},
        {"lokaalID": "G0.c", "bgt-status": "plan", "eindRegistratie": None, "terminationDate": None},
    ]
    same = {
        "relatieveHoogteligging": 0,
        "function": "voetpad",
        "surfaceMaterial": "open verharding",
        "geometry": SQUARE,
    }
    path = save([{**one, **same} for one in rows], tmp_path / "weg.gpkg", layer="TrafficArea")
    surfaces, tally = bgt.read_terrain(path, form=form)
    assert surfaces[["terrain_id", "kind", "function", "surface"]].to_numpy().tolist() == [
        ["G0.a", "wegdeel", "voetpad", "open verharding"]
    ]
    assert surfaces["area_m2"].tolist() == [100.0]  # 10 m x 10 m
    assert {key: n for key, n in tally.left_out.items() if n} == {"registration ended": 2, "status: plan": 1}


def test_a_file_without_any_column_of_its_form_is_named(tmp_path):
    path = save([{"gml_id": "x", "naam": "y", "geometry": SQUARE}], tmp_path / "wegdeel.gpkg")
    with pytest.raises(FormatError, match=r"functie.*found other columns: gml_id, naam"):
        bgt.read_terrain(path)
    pipes = save(
        [{"naam": "a", "type": "b", "geometry": LineString([(1e5, 4.5e5), (1e5, 4.6e5)])}], tmp_path / "p.gpkg"
    )
    with pytest.raises(FormatError, match="stelseltype"):
        gwsw.read_sewer_pipe(pipes)


def test_a_class_that_nobody_names_is_asked_for(tmp_path):
    row = {"lokaal_id": "a", "functie": "voetpad", "geometry": SQUARE}
    with pytest.raises(FormatError, match='layer = "wegdeel"'):
        bgt.read_terrain(save([row], tmp_path / "mijn_export.gpkg"))
    assert bgt.read_terrain(save([row], tmp_path / "bgt_waterdeel2.gpkg"))[0]["kind"].tolist() == ["waterdeel"]


LVBAG = {
    "oorspronkelijkBouwjaar": 1965,
    "identificatie": "NL.IMBAG.Pand.0503100000000001",
    "status": "Pand in gebruik",
    "voorkomenIdentificatie": 1,
    "eindGeldigheid": None,
    "geometry": SQUARE,
}


def test_the_bag_extract_as_gdal_names_it(tmp_path):
    ended = ("eindGeldigheid", "tijdstipInactief", "tijdstipInactiefLV", "tijdstipNietBagLV", "eindRegistratie")
    rows = [LVBAG | dict.fromkeys(ended), *(LVBAG | dict.fromkeys(ended) | {one: "2020-01-01"} for one in ended)]
    path = save(rows, tmp_path / "bag.gpkg", layer="Pand")
    panden, tally = bag.read_pand(path, form="lvbag-gpkg")
    assert panden[["pand_id", "bouwjaar"]].to_numpy().tolist() == [["0503100000000001", 1965]]
    assert tally.left_out["voorkomen ended or withdrawn"] == len(ended)


def test_a_form_is_known_by_its_columns():
    assert form_of(
        ["oorspronkelijkbouwjaar", "Identificatie", "status", "voorkomenidentificatie", "eindGeldigheid"], "pand"
    ) == ("lvbag-gpkg")
    assert form_of(["identificatie", "bouwjaar", "status"], "pand") == "pdok-geojson"
    assert form_of(["naam"], "pand") is None


def test_statuses_in_capitals_and_fillers_of_never(tmp_path):
    rows = [LVBAG | {"status": "PAND IN GEBRUIK", "eindGeldigheid": "9999-12-31"}, LVBAG | {"status": "Bouw gestart"}]
    panden, tally = bag.read_pand(save(rows, tmp_path / "b.gpkg"), form="lvbag-gpkg")
    assert panden["status"].tolist() == ["Pand in gebruik"]
    assert tally.left_out["status: Bouw gestart"] == 1
    assert (
        has_ended(pd.Series(["2020-01-01", "", None, "9999-12-31", "31-12-9999", "NaT", "0", "0000-00-00"])).tolist()
        == [True] + [False] * 7
    )


def test_a_layer_is_honoured_for_every_role(tmp_path):
    path = save(
        [{"identificatie": "0503100000000009", "bouwjaar": 1900, "status": "Pand in gebruik", "geometry": SQUARE}],
        tmp_path / "l.gpkg",
        layer="oud",
    )
    save(
        [{"identificatie": "0503100000000001", "bouwjaar": 1965, "status": "Pand in gebruik", "geometry": SQUARE}],
        path,
        layer="Pand",
        append=True,
    )
    assert bag.read_pand(path)[0]["bouwjaar"].tolist() == [1965]
    assert bag.read_pand(path, layer="OUD")[0]["bouwjaar"].tolist() == [1900]
    with pytest.raises(FormatError, match=r"layers: oud, Pand"):
        bag.read_pand(path, layer="woning")
    roads = {"WVK_ID": 7, "STT_NAAM": "Dorpsstraat", "WEGBEHSRT": "r", "WEGNUMMER": None}
    line = LineString([(1e5, 4.5e5), (1e5 + 30, 4.5e5 + 40)])
    streets = save([roads | {"geometry": line}], tmp_path / "nwb.gpkg", layer="wegvakken")
    save([{"x": 1, "geometry": line}], streets, layer="hectopunten", append=True)
    read = nwb.read_street_line(streets)[0]
    assert read[["street_line_id", "street_name", "road_class"]].to_numpy().tolist() == [["7", "Dorpsstraat", "main"]]


# --- packed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", ["gz", "zip"])
def test_a_tile_and_a_layer_are_read_packed(packed, tmp_path):
    plain = json.dumps(_model([SOUTH_45])).encode()
    path = tmp_path / f"tile.city.json.{packed}"
    if packed == "gz":
        path.write_bytes(gzip.compress(plain))
    else:
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("tile.city.json", plain)
    assert bag3d.read_roof_face(path)[0]["tilt_deg"].tolist() == pytest.approx([45.0])
    bare = save([LVBAG], tmp_path / "pand.geojson")
    inside = tmp_path / f"pand.geojson.{packed}"
    if packed == "gz":
        inside.write_bytes(gzip.compress(bare.read_bytes()))
    else:
        with zipfile.ZipFile(inside, "w") as made:
            made.write(bare, "pand.geojson")
    assert bag.read_pand(inside, form="lvbag-gpkg")[0]["bouwjaar"].tolist() == [1965]


def test_text_as_windows_saves_it():
    assert text_of(b"\xef\xbb\xbfnaam") == ("naam", None)
    assert text_of("Schröder".encode("cp1252")) == ("Schröder", "Windows-1252")
    assert text_of("naam".encode("utf-16")) == ("naam", "UTF-16")


# --- CityJSON of others ----------------------------------------------------------------------------------------------


def tile(path: Path, model: Any) -> Path:
    path.write_text(json.dumps(model), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["identificatie", "identificatieBAGPND", "bag_id"])
def test_the_bag_id_is_an_attribute_of_buildings_with_a_number(name, tmp_path):
    model = _model([SOUTH_45])
    text = json.dumps(model).replace(f'"{PAND}', '"1')
    numbered = json.loads(text)
    numbered["CityObjects"]["1"]["attributes"][name] = PAND
    faces, _ = bag3d.read_roof_face(tile(tmp_path / "n.city.json", numbered))
    assert faces[["face_id", "pand_id"]].to_numpy().tolist() == [["0503100000000310-0-0", "0503100000000310"]]
    with pytest.raises(FormatError, match=r"found 1; attributes b3_h_maaiveld"):
        bag3d.read_roof_face(tile(tmp_path / "m.city.json", json.loads(text)))


def test_the_finest_level_of_detail_is_taken_and_a_file_without_roofs_is_named(tmp_path):
    faces, tally = bag3d.read_roof_face(tile(tmp_path / "2.city.json", _model([SOUTH_45], lod="2")))
    assert faces["lod"].tolist() == ["2"]
    assert tally.noted["LoD 2.2 not in the file, read as LoD 2"] == 1
    with pytest.raises(FormatError, match=r"found LoD 1\.3"):
        bag3d.read_roof_face(tile(tmp_path / "1.city.json", _model([SOUTH_45], lod="1.3")))


def test_trees_and_roads_beside_buildings_are_passed_by(tmp_path):
    model = _model([SOUTH_45])
    solid = copy.deepcopy(model["CityObjects"][f"{PAND}-0"]["geometry"])
    model["CityObjects"] |= {
        "boom-1": {"type": "SolitaryVegetationObject", "geometry": solid},
        "weg-1": {"type": "Road"},
    }
    faces, tally = bag3d.read_roof_face(tile(tmp_path / "b.city.json", model))
    assert len(faces) == 1
    assert tally.noted["object that is no building, passed by"] == 2
    assert tally.noted["pand"] == 1


@pytest.mark.parametrize("transform", [None, {"scale": [1.0, 1.0, 1.0], "translate": [0.0, 0.0, 0.0]}])
def test_plain_metres_are_not_rounded_to_a_metre(transform, tmp_path):
    # A roof of 10 m x 4 m that rises 0.7 m is no flat roof, and one of 0.8 m2 is a face: atan(0.7 / 4) = 9.93 degrees.
    low = [[(0.0, 0.0, 3.0), (10.0, 0.0, 3.0), (10.0, 4.0, 3.7), (0.0, 4.0, 3.7)]]
    small = [[(20.0, 0.0, 3.0), (21.0, 0.0, 3.0), (21.0, 0.8, 3.0), (20.0, 0.8, 3.0)]]
    model = _model([low, small])
    model["vertices"] = [[x / 1000 + 1e5, y / 1000 + 4.5e5, z / 1000] for x, y, z in model["vertices"]]
    del model["transform"]
    if transform:
        model["transform"] = transform
    faces, _ = bag3d.read_roof_face(tile(tmp_path / "m.city.json", model))
    assert faces["tilt_deg"].round(2).tolist() == [9.93, 0.0]
    assert faces["roof_area_m2"].round(3).tolist() == [round(10 * np.hypot(4, 0.7), 3), 0.8]


@pytest.mark.parametrize(("published", "kept"), [(-180.0, 180.0), (400.0, None), ("zuid", None), (90, 90.0)])
def test_an_odd_published_angle_that_nothing_uses_refuses_no_tile(published, kept, tmp_path):
    model = _model([SOUTH_45])
    model["CityObjects"][f"{PAND}-0"]["geometry"][0]["semantics"]["surfaces"][0]["b3_azimut"] = published
    faces, _ = bag3d.read_roof_face(tile(tmp_path / "a.city.json", model))
    assert faces["azimuth_deg"].tolist() == pytest.approx([180.0])
    assert faces["published_azimuth_deg"].astype(object).where(
        faces["published_azimuth_deg"].notna(), None
    ).tolist() == [kept]


def test_heights_in_another_unit_are_seen(tmp_path):
    high = [[(x, y, z * 1000) for x, y, z in SOUTH_45[0]]]
    faces, tally = bag3d.read_roof_face(tile(tmp_path / "mm.city.json", _model([SOUTH_45, high, FLAT_WITH_HOLE])))
    assert len(faces) == 2
    reason = "face outside the heights of the Netherlands: another unit?"
    assert [key for key, n in tally.left_out.items() if n] == [reason]
    assert tally.noted[f"left out, {reason}: {PAND[-16:]}-0-1"] == 1


# --- one bad thing is one bad thing ----------------------------------------------------------------------------------


def test_a_corner_that_is_no_number_costs_one_row(tmp_path):
    with np.errstate(invalid="ignore"):
        nameless = box(100_000, 450_000, 100_010, float("nan"))
    rows = [
        {"identificatie": f"050310000000000{n}", "bouwjaar": 1965, "status": "Pand in gebruik", "geometry": shape}
        for n, shape in enumerate([SQUARE, nameless, None, box(5, 52, 6, 53), SQUARE, SQUARE, SQUARE])
    ]
    panden, tally = bag.read_pand(save(rows, tmp_path / "p.gpkg"))
    assert panden["pand_id"].str[-1].tolist() == ["0", "4", "5", "6"]
    assert tally.left_out["no usable geometry"] == 2
    assert tally.left_out["outside RD New: coordinates of another system"] == 1
    assert tally.noted["left out, no usable geometry: 0503100000000001, 0503100000000002"] == 2


def test_an_odd_cell_costs_one_cell_and_a_column_of_them_is_refused(tmp_path):
    years = ["1965", "onbekend", "1970", "2001"]
    rows = [
        {"identificatie": f"050310000000000{n}", "bouwjaar": year, "status": "Pand in gebruik", "geometry": SQUARE}
        for n, year in enumerate(years)
    ]
    panden, tally = bag.read_pand(save(rows, tmp_path / "p.gpkg"))
    assert panden["bouwjaar"].isna().tolist() == [False, True, False, False]
    assert tally.noted["bouwjaar is no number, unknown (such as 'onbekend')"] == 1
    for row in rows[:3]:
        row["bouwjaar"] = "Dorpsstraat"
    with pytest.raises(FormatError, match=r"numbers in column bouwjaar.*row 0: 0503100000000000"):
        bag.read_pand(save(rows, tmp_path / "q.gpkg"))


def buurten(owned: list[tuple[float, float]], path: Path) -> Path:
    rows = [
        {
            "buurtcode": f"BU0193100{n}" if n else "bu0193AA01",
            "buurtnaam": f"Buurt {n}",
            "gemeentecode": "GM0193",
            "jaar": 2023,
            "aantal_inwoners": 100,
            "aantal_huishoudens": 50,
            "gemiddelde_huishoudsgrootte": 2.0,
            "percentage_koopwoningen": owned[n][0],
            "percentage_huurwoningen": owned[n][1],
            "geometry": box(2e5 + n, 5e5, 2e5 + n + 1, 5e5 + 1),
        }
        for n in range(len(owned))
    ]
    return save(rows, path)


def test_one_buurt_that_does_not_add_up_is_unknown_and_most_are_refused(tmp_path):
    read, tally = cbs_areas.read_buurt(buurten([(60, 40), (5, 20), (30, 69)], tmp_path / "b.gpkg"))
    assert read["buurtcode"].tolist() == ["BU0193AA01", "BU01931001", "BU01931002"]  # letters, since 2025
    assert read["owner_occupied_pct"].isna().tolist() == [False, True, False]
    assert read["rented_pct_year"].isna().tolist() == [False, True, False]
    assert tally.noted["owner-occupied and rented do not add up to 50-102 %, unknown: BU01931001"] == 1
    with pytest.raises(FormatError, match="in most buurten"):
        cbs_areas.read_buurt(buurten([(60, 40), (5, 20), (3, 6)], tmp_path / "c.gpkg"))


# --- where a row may lie, and how many odd ones are a few ------------------------------------------------------------

#: Dutch land and territorial waters (EPSG area 1275), rounded outwards [m].
WEST, SOUTH, EAST, NORTH = -7_000, 289_000, 300_000, 629_000
#: The corners of the area of use and, for each side, a metre beyond it.
IN = [(WEST, SOUTH), (EAST, NORTH), (WEST, NORTH), (EAST, SOUTH)]
OUT = [(WEST - 1, SOUTH), (EAST + 1, NORTH), (WEST, SOUTH - 1), (EAST, NORTH + 1), (NORTH, EAST)]


def _answered(*coordinates: Any) -> list[Any]:
    shapes = [{"type": "Feature", "id": "1", "properties": {}, "geometry": {"coordinates": one}} for one in coordinates]
    return features_of({"features": shapes}, where="page")


@pytest.mark.parametrize("place", IN)
def test_the_border_of_rd_is_within_it_at_every_door(place: tuple[float, float]) -> None:
    assert within_rd(*place)
    assert rd_point(place, where="") == place
    assert in_rd(np.array([Point(place), LineString([IN[0], place])])).all()
    assert len(require_rd(gpd.GeoDataFrame(geometry=[Point(place)], crs=RD))) == 1
    assert (
        len(_answered(list(place), [list(place), [155_000, 463_000]], [[list(place)]], [str(place[0]), place[1]])) == 4
    )


@pytest.mark.parametrize("place", [*OUT, (np.nan, SOUTH), (EAST, np.nan)])
def test_a_metre_beyond_the_border_of_rd_is_without_at_every_door(place: tuple[float, float]) -> None:
    assert not within_rd(*place)
    assert not in_rd(np.array([Point(place)])).any()
    with pytest.raises(ConfigError):
        rd_point(place, where="")
    if np.isnan(place).any():
        return  # no page and no file gives one: those are refused, or left out, before
    assert not in_rd(np.array([LineString([IN[0], place])])).any()
    with pytest.raises(CrsError):
        require_rd(gpd.GeoDataFrame(geometry=[Point(place), Point(IN[0])], crs=RD))
    for coordinates in (list(place), [[155_000.0, 463_000.0], list(place)], [str(place[0]), place[1]]):
        with pytest.raises(CrsError):
            _answered(coordinates)


def _points(good: int, bad: int) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[Point(155_000, 463_000)] * good + [Point(5, 52)] * bad, crs=RD)


def test_exactly_half_of_the_rows_is_not_most_of_them(tmp_path):
    read, _ = cbs_areas.read_buurt(buurten([(60, 40), (5, 20), (3, 6), (30, 69)], tmp_path / "half.gpkg"))
    assert read["owner_occupied_pct"].isna().tolist() == [False, True, True, False]
    words = Sieve(pd.DataFrame({"homes": ["1", "x", "y", "2", None]}))
    assert words.numbers("homes", "f").astype(object).where(lambda one: one.notna(), None).tolist() == [
        1,
        None,
        None,
        2,
        None,
    ]
    with pytest.raises(FormatError, match=r"found 'x'.*row 1"):
        Sieve(pd.DataFrame({"homes": ["1", "x", "y"]})).numbers("homes", "f")
    few = Sieve(_points(2, 1))
    few.points("f")
    assert (len(few.frame), few.tally().left_out) == (2, {"outside RD New: coordinates of another system": 1})
    with pytest.raises(CrsError):
        Sieve(_points(2, 2)).points("f")
    path = tmp_path / "etmgeg.txt"
    rows = ["278,20240101,1,1,1", "278,20240102,1,1,1", "278,2024013x,1,1,1", "278,2024014x,1,1,1"]
    path.write_text("\n".join(["# STN,YYYYMMDD,    Q,   RH, EV24", *rows]))
    assert len(knmi.read_weather_daily(path)[0]) == 2
    path.write_text("\n".join(["# STN,YYYYMMDD,    Q,   RH, EV24", *rows[1:]]))
    with pytest.raises(FormatError, match="none in 2 of 3 rows"):
        knmi.read_weather_daily(path)


@pytest.mark.parametrize(("beyond", "read"), [(2, True), (3, False)])
def test_a_set_of_sewers_lies_elsewhere_when_most_of_its_nodes_do(beyond, read, tmp_path):
    lines = [f"k{n};{5 if n < beyond else 200_000 + 9 * n};470000;INS;2,50;" for n in range(4)]
    text = "\n".join(["UNI_IDE;KNP_XCO;KNP_YCO;KNP_TYP;MVD_NIV;ALG_TOE", *lines])
    for name, content in (("Knooppunt", text.replace("5;470000", "5;5")), ("Verbinding", PIPES), ("Profiel", PROFILES)):
        (tmp_path / f"{name}.csv").write_text(content)
    if not read:
        with pytest.raises(CrsError, match="KNP_XCO and KNP_YCO"):
            gwsw.read_sewer_node(tmp_path, form="hydx-csv")
        return
    with pytest.raises(CrsError, match="RD New coordinates within"):  # half: no grid of its own, and not a few strays
        gwsw.read_sewer_node(tmp_path, form="hydx-csv")


# --- sewers ----------------------------------------------------------------------------------------------------------

NODES = (
    "UNI_IDE;KNP_XCO;KNP_YCO;KNP_TYP;MVD_NIV;ALG_TOE\nk1;200000;470000;INS;2,50;\n"
    "k2;200030;470040;INS;0.00;Schröder\nk3;;;INS;2.5;\nk4;200100;470000;UIT;;\n"
)
PIPES = (
    "UNI_IDE;KN1_IDE;KN2_IDE;INZ_TYP;VRB_TYP;PRO_IDE;BOB_KN1;BOB_KN2;STA_OBJ\n"
    "v1;k1;k2;GMD;GSL;P1;0.50;0.00;\nv2;k2;k3;GMD;GSL;P1;0.4;0.3;\nv3;k2;k4;HWA;PMP;P9;;0.1;\nv4;k1;k4;DWA;GSL;P1;1;1;VVL\n"
)
PROFILES = "PRO_IDE;PRO_BRE;PRO_HGT;PRO_VRM;PRO_MAT\nP1;300;;RND;BET\n"


@pytest.mark.parametrize("names", ["{}.csv", "{}1.csv", "{}.CSV", "Dorp_{}.csv"])
def test_hydx_of_any_file_name_in_windows_1252_with_a_node_without_a_place(names, tmp_path):
    for name, text in (("Knooppunt", NODES), ("verbinding", PIPES), ("Profiel", PROFILES)):
        (tmp_path / names.format(name)).write_bytes(text.encode("cp1252"))
    nodes, told = gwsw.read_sewer_node(tmp_path, form="hydx-csv")
    assert nodes["node_id"].tolist() == ["k1", "k2", "k4"]
    assert nodes["ground_level_m_nap"].astype(object).where(nodes["ground_level_m_nap"].notna(), None).tolist() == [
        2.5,
        0.0,
        None,
    ]
    assert told.left_out["no usable geometry"] == 1
    assert any("Windows-1252" in one for one in told.noted)
    pipes, tally = gwsw.read_sewer_pipe(tmp_path, form="hydx-csv")
    assert pipes["pipe_id"].tolist() == ["v1", "v3"]
    # A blank level is unknown; 0.00 is NAP.
    levels = (
        pipes[["bob_from_m_nap", "bob_to_m_nap"]]
        .astype(object)
        .where(pipes[["bob_from_m_nap", "bob_to_m_nap"]].notna(), None)
    )
    assert levels.to_numpy().tolist() == [[0.5, 0.0], [None, 0.1]]
    assert pipes["diameter_mm"].tolist()[0] == 300
    assert pipes["length_m"].tolist()[0] == 50.0  # 30-40-50 triangle
    assert {key: n for key, n in tally.left_out.items() if n} == {"status: VVL": 1, "no usable geometry": 1}
    assert tally.noted["pipe whose profile is not in the set: size unknown"] == 1


@pytest.mark.parametrize(
    ("profile", "diameter"),
    [("300;;RND", 300), ("300;0;RND", 300), ("300;0.00;", 300), ("400;600;EIV", 600), ("400;0;EIV", None)],
)
def test_a_round_profile_has_one_size_and_a_height_of_0_is_unknown(profile, diameter, tmp_path):
    texts = {"Knooppunt": NODES, "Verbinding": PIPES, "Profiel": f"PRO_IDE;PRO_BRE;PRO_HGT;PRO_VRM\nP1;{profile}\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    pipes, _ = gwsw.read_sewer_pipe(tmp_path, form="hydx-csv")
    assert pipes["diameter_mm"].astype(object).where(pipes["diameter_mm"].notna(), None).tolist() == [diameter, None]


def test_a_hydx_pipe_that_lets_water_through_backwards_has_its_ends_turned(tmp_path):
    head = "UNI_IDE;KN1_IDE;KN2_IDE;INZ_TYP;VRB_TYP;STR_RCH;PRO_IDE;BOB_KN1;BOB_KN2;STA_OBJ\n"
    rows = (
        "v1;k1;k2;GMD;GSL;1_2;P1;0.50;0.20;\nv2;k1;k2;GMD;GSL;2_1;P1;0.50;0.20;\nv3;k1;k2;GMD;GSL;OPE;P1;0.50;0.20;\n"
    )
    for name, text in (("Knooppunt", NODES), ("Verbinding", head + rows), ("Profiel", PROFILES)):
        (tmp_path / f"{name}.csv").write_text(text)
    pipes, _ = gwsw.read_sewer_pipe(tmp_path, form="hydx-csv")
    assert pipes[["pipe_id", "from_node", "to_node", "bob_from_m_nap", "bob_to_m_nap"]].to_numpy().tolist() == [
        ["v1", "k1", "k2", 0.5, 0.2],
        ["v2", "k2", "k1", 0.2, 0.5],
        ["v3", "k1", "k2", 0.5, 0.2],
    ]
    assert [shape.coords[0] for shape in pipes.geometry] == [(200000, 470000), (200030, 470040), (200000, 470000)]


def test_hydx_in_a_zip_and_a_folder_without_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as made:
        for name, text in (("Knooppunt", NODES), ("Verbinding", PIPES), ("Profiel", PROFILES)):
            made.writestr(f"set/{name}1.csv", text)
    assert len(gwsw.read_sewer_pipe(tmp_path / "set.zip", form="hydx-csv")[0]) == 2
    (tmp_path / "leeg").mkdir()
    (tmp_path / "leeg" / "Putten.csv").write_text("a;b\n")
    with pytest.raises(FormatError, match=r"Verbinding1\.csv.*found Putten\.csv"):
        gwsw.read_sewer_pipe(tmp_path / "leeg", form="hydx-csv")


@pytest.mark.parametrize(
    ("begin", "year"),
    [("2008-01-31", 2008), ("20080131", 2008), ("31-01-2008", 2008), ("2008", 2008), ("ca. 2008", None)],
)
def test_the_year_of_a_pipe_in_every_usual_date(begin, year, tmp_path):
    row = {
        "uri": "p",
        "type": "x/GemengdRiool",
        "Begindatum": begin,
        "geometry": LineString([(1e5, 4.5e5), (1e5 + 3, 4.5e5 + 4)]),
    }
    pipes, _ = gwsw.read_sewer_pipe(save([row], tmp_path / "p.gpkg"))
    assert pipes["laid_year"].astype(object).where(pipes["laid_year"].notna(), None).tolist() == [year]


# --- weather ---------------------------------------------------------------------------------------------------------

DAYS = (
    "# STN,YYYYMMDD,    Q,   RH, EV24\n  260,20240101,  100,   12,    3\n  278,20240101,  200,   -1,    4\n"
    "  278,2024010x,  200,    5,    4\n  278,20240103,  300,    0,    5\n"
)


def test_of_several_stations_one_is_named_and_a_row_without_a_day_is_left_out(tmp_path):
    path = tmp_path / "etmgeg.txt"
    path.write_bytes(b"\xef\xbb\xbf" + DAYS.encode())
    with pytest.raises(FormatError, match=r'stations 260, 278 in one file.*layer = "260"'):
        knmi.read_weather_daily(path)
    days, tally = knmi.read_weather_daily(path, station="278")
    assert days["day"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-01", "2024-01-03"]
    # 200 J/cm2 = 2e6 J/m2 = 0.5556 kWh/m2.
    assert days["global_radiation_kwh_per_m2"].tolist() == pytest.approx([0.5556, 0.8333], abs=1e-4)
    assert {key: n for key, n in tally.left_out.items() if n} == {
        "another station": 1,
        "no day or hour that can be read": 1,
    }
    with pytest.raises(FormatError, match="stations 260, 278"):
        knmi.read_weather_daily(path, station="344")


def test_hours_of_two_stations_and_a_file_of_days_for_hours(tmp_path):
    head = "# 260:  5.180  52.100  1.90  DE BILT\n# 278:  6.259  52.435  3.60  HEINO\n# STN,YYYYMMDD,   HH,   FH,    T,    Q\n"
    path = tmp_path / "uurgeg.txt"
    path.write_text(
        head
        + "  260,20240601,   12,   30,  185,  144\n  278,20240601,   12,   30,  185,  288\n"
        + "  278,20240601,   25,   30,  185,  288\n"
    )
    with pytest.raises(FormatError, match="stations 260, 278"):
        knmi.read_weather_hourly(path)
    hours, tally = knmi.read_weather_hourly(path, station="278")
    # 288 J/cm2 in an hour is 800 W/m2; hour 12 begins at 11 UT.
    assert hours[
        ["timestamp", "ghi_w_per_m2", "air_temperature_degc", "wind_speed_m_per_s", "latitude_deg"]
    ].to_numpy().tolist() == [[pd.Timestamp("2024-06-01T11:00Z"), 800.0, 18.5, 3.0, 52.435]]
    assert tally.left_out["no day or hour that can be read"] == 1
    days = tmp_path / "etmgeg.txt"
    days.write_text(DAYS.replace("Q,   RH, EV24", "Q,   FH,    T"))
    with pytest.raises(FormatError, match="weather_daily"):
        knmi.read_weather_hourly(days)


def epw(path: Path, days: list[tuple[int, int]]) -> Path:
    head = ["LOCATION,Proefdorp,-,NLD,x,62780,52.43,6.26,1.0,4.0", *["x"] * 7]
    rows = [
        f"2020,{month},{day},{hour},60,x,10.5,"
        + "0," * 6
        + f"{hour * 10},{hour},{hour * 5},"
        + "0," * 5
        + "3.5"
        + ",0" * 13
        for month, day in days
        for hour in range(1, 25)
    ]
    path.write_text("\n".join(head + rows) + "\n")
    return path


def test_an_epw_of_a_leap_year_loses_one_day_and_says_so(tmp_path):
    hours, tally = knmi.read_weather_hourly(epw(tmp_path / "a.epw", [(2, 28), (2, 29), (3, 1)]), form="epw")
    assert len(hours) == 48
    assert tally.left_out["29 February of a leap year"] == 24
    first = hours.sort_values("timestamp").iloc[0]
    assert first["timestamp"] == pd.Timestamp(
        "2019-02-27T23:00Z"
    )  # the first hour of 28 February, one hour east of world time
    assert first[
        ["ghi_w_per_m2", "dni_w_per_m2", "dhi_w_per_m2", "air_temperature_degc", "wind_speed_m_per_s"]
    ].tolist() == [10.0, 1.0, 5.0, 10.5, 3.5]
    assert form_of_weather(tmp_path / "a.epw") == "epw"


def test_the_codes_of_an_epw_for_missing_are_unknown_and_counted(tmp_path):
    """Radiation 9999, temperature 99.9 and wind 999, each as it is written; a value just below is one."""
    path = epw(tmp_path / "a.epw", [(2, 28)])
    text = path.read_text().replace(",10.5,", ",99.9,", 3).replace(",10.5,", ",45.0,", 1)
    path.write_text(text.replace(",240,24,120,", ",9999,24,120,").replace(",3.5,", ",999,", 2))
    hours, tally = knmi.read_weather_hourly(path, form="epw")
    known = hours[["ghi_w_per_m2", "air_temperature_degc", "wind_speed_m_per_s"]].notna().sum()
    assert known.tolist() == [23, 21, 22]
    assert hours["air_temperature_degc"].max() == 45.0
    assert {name: count for name, count in tally.noted.items() if count and name.endswith(", unknown")} == {
        "ghi_w_per_m2 is 9999, unknown": 1,
        "air_temperature_degc is 99.9, unknown": 3,
        "wind_speed_m_per_s is 999, unknown": 2,
    }


# --- own data as a person types them ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["12.500"], [None]),
        (["12,500"], [None]),
        (["12.500", "0,5"], [12500.0, 0.5]),
        (["12.500", "7.25"], [12.5, 7.25]),
        (["1.250.000", "12.500"], [1_250_000.0, 12_500.0]),
        (["1.250,50", "12.500"], [1250.5, 12_500.0]),
        (["€ 12.500,-", "3,75"], [12_500.0, 3.75]),
        (["€ 12.500,-", "7.250", "-", ",-"], [12_500.0, 7_250.0, None, None]),  # what stands for cents shows the comma
        (["0.300", "12.5"], [0.3, 12.5]),
        (["1 250", "300"], [1250.0, 300.0]),
        (["0,5", "0.5"], [0.5, 0.5]),
        (["12.500", "0,5", "0.5"], [None, 0.5, 0.5]),
        (["veel", ""], [None, None]),
        (["12500"], [12500.0]),
    ],
)
def test_a_column_decides_what_a_point_means_and_an_ambiguous_number_is_asked(cells, numbers):
    read, _ = typed_numbers(pd.Series(cells))
    assert read.astype(object).where(read.notna(), None).tolist() == numbers


def test_an_ambiguous_budget_is_never_a_factor_of_a_thousand(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("service;payer;budget_eur_per_year\ngreen;gemeente;12.500\n", encoding="utf-8")
    own = read_own(path, shape=BUDGETS, known=["green"], first_year=1850, last_year=2100)
    assert own.table["budget_eur_per_year"].isna().all()
    assert own.report[own.report["cell"]][["row", "found", "result", "hint"]].to_numpy().tolist() == [
        [2, "12.500", "unreadable", "two_readings"]
    ]


IDS = ["0503100000000001", "0503100000000002", "0503100000000003"]


@pytest.mark.parametrize(
    "spelling",
    [
        "503100000000001",
        "NL.IMBAG.Pand.0503100000000001",
        "0503 1000 0000 0001",
        "'0503100000000001",
        "503100000000001.0",
    ],
)
def test_a_pand_in_every_usual_spelling(spelling, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(f"pand_id;owner;maintenance_year\n{spelling};Ons Dorp;2031\n", encoding="utf-8")
    own = read_own(path, shape=PANDEN, known=IDS, first_year=1850, last_year=2100)
    assert own.table.index.tolist() == ["0503100000000001"]


def test_an_id_that_excel_rounded_is_unreadable_not_unknown(tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes(
        "pand_id;owner;maintenance_year\n5,031E+14;Ons Dörp;2031\n503100000000002;Ons Dörp;31-12-2031\n".encode(
            "cp1252"
        )
    )
    own = read_own(path, shape=PANDEN, known=IDS, first_year=1850, last_year=2100)
    assert own.report[["result", "hint"]].to_numpy().tolist() == [["unreadable", "excel"], ["matched", ""]]
    assert own.table[["owner", "maintenance_year"]].to_numpy().tolist() == [["Ons Dörp", 2031.0]]


def test_a_workbook_with_a_title_and_merged_cells(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "bezit"
    for row in (["Overzicht bezit 2026"], [], ["BAG-id", "Eigenaar", "Onderhoudsjaar", "opmerking"]):
        sheet.append(row)
    for n, one in enumerate(IDS):
        sheet.append([int(one), "Woningstichting" if n == 0 else None, 2031 + n, "-"])
    sheet.merge_cells("B4:B6")
    book.create_sheet("uitleg").append(["niets"])
    book.save(tmp_path / "p.xlsx")
    own = read_own(tmp_path / "p.xlsx", shape=PANDEN, known=IDS, first_year=1850, last_year=2100)
    assert own.report[["row", "result"]].to_numpy().tolist() == [[4, "matched"], [5, "matched"], [6, "matched"]]
    assert own.table["pv_installed_kwp"].isna().all()  # a column that a file may lack
    assert own.table.drop(columns="pv_installed_kwp").reset_index().to_numpy().tolist() == [
        [one, "Woningstichting", 2031.0 + n] for n, one in enumerate(IDS)
    ]
    with pytest.raises(FormatError, match="sheet blad1"):
        read_own(tmp_path / "p.xlsx", shape=PANDEN, known=IDS, first_year=1850, last_year=2100, layer="blad1")


def test_a_title_row_in_a_csv_and_pipes_by_the_end_of_their_address(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("Riolen 2026;;\n\nleiding;aanlegjaar;diameter\nABC;1968;300\nzzz;1969;250\n", encoding="utf-8")
    own = read_own(path, shape=SEWERS, known=["http://x/gwsw/abc"], first_year=1850, last_year=2100)
    assert own.table.index.tolist() == ["http://x/gwsw/abc"]
    assert own.report[["row", "result"]].to_numpy().tolist() == [[4, "matched"], [5, "unknown_id"]]


def test_dutch_thousands_in_a_register_are_one_number():
    assert to_number(pd.Series(["1.234,5", "0,5", "12"]), where="x").tolist() == [1234.5, 0.5, 12.0]


def test_points_in_a_multi_point(tmp_path):
    from shapely.geometry import MultiPoint

    rows = [{"uri": "a", "type": "x/Inspectieput", "geometry": MultiPoint([Point(1e5, 4.5e5)])}]
    assert len(gwsw.read_sewer_node(save(rows, tmp_path / "n.gpkg"))[0]) == 1


def test_a_buurt_number_of_other_than_three_digits_costs_its_row(tmp_path):
    square = [[[200_000, 500_000], [200_100, 500_000], [200_100, 500_100], [200_000, 500_000]]]
    shape = {"type": "Polygon", "coordinates": square}
    numbers = (110, 1.5, None, 1234, 120)
    features = [
        {"type": "Feature", "properties": {"BRTNR": one, "OMSCHR": f"Buurt {one}"}, "geometry": shape}
        for one in numbers
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    path = tmp_path / "buurten.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), "utf-8")
    buurten, tally = zwolle.read_buurt(path)
    assert list(zip(buurten["buurtcode"], buurten["buurtnaam"], strict=True)) == [
        ("BU01931100", "Buurt 110"),
        ("BU01931200", "Buurt 120"),  # and not that of the row in whose place it came
    ]
    assert tally.left_out["buurt number of other than three digits"] == 3


def test_a_total_that_rounding_leaves_nothing_of_and_a_buurt_without_homes_give_no_use_per_home():
    figures = {"homes_stock": pd.Series([100.0, 100.0, 1.0, 0.0]), "gas_million_m3": pd.Series([1.0, 0.49, 0.5, 1.0])}
    years = {"gas_million_m3": 2022}
    zwolle._derive(figures, years)  # half of the last digit is at most a tenth of the figure: 0.5 and more
    assert figures["gas_use_m3_per_home"].fillna(-1).tolist() == [10_000.0, -1, 500_000.0, -1]
    assert years["gas_use_m3_per_home"] == 2022


def test_of_one_inhabitant_the_share_is_known_and_of_none_it_is_not():
    figures = {"age_65_plus": pd.Series([1.0, 0.0, 0.0, 30.0]), "inhabitants": pd.Series([1.0, 1.0, 0.0, 120.0])}
    years = {"age_65_plus": 2024}
    zwolle._derive(figures, years)
    assert figures["age_65_plus_pct"].fillna(-1).tolist() == [100.0, 0.0, -1, 25.0]
    assert years["age_65_plus_pct"] == 2024


def test_a_shape_of_less_than_a_square_metre_stays_and_one_without_area_goes():
    kept, _ = polygons_of([box(0, 0, 0.5, 0.5), Polygon([(0, 0), (1, 0), (2, 0)]), None])
    assert [one is not None for one in kept] == [True, False, False]


def test_signs_without_a_shape_become_blanks_and_nothing_else_changes():
    column = pd.Series(["a\u2028b\x07c", "\x1b Ens\u00e9 ", "", None, "\ud800\x00x"], dtype="object")
    assert to_text(column).fillna("unknown").tolist() == ["a b c", "Ens\u00e9", "unknown", "unknown", "? x"]
    assert to_text(column[1:2].str[1:].astype("object")).tolist() == ["Ens\u00e9"]  # of a column without such signs


def test_a_full_disk_while_a_file_is_unpacked_is_no_fault_of_the_file(tmp_path):
    with pytest.raises(StoreError, match="free disk space"), reading(tmp_path / "bag.zip", "panden"):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("first", "households"), [("1.234", "510"), ("1234", "1,020")])
def test_a_table_of_cbs_with_a_sign_for_thousands_is_never_a_thousandth(first, households, tmp_path):
    path, head = tmp_path / "kwb.csv", "Codering;Aantal inwoners;Huishoudens totaal;Gemiddelde huishoudensgrootte"
    path.write_text(f"{head}\nBU01930101;{first};{households};2,125\nBU01930102;875;410;2,1\n", "utf-8")
    with pytest.raises(FormatError, match=r"read in one way only; found 1[.,]"):
        cbs.read_kwb(path, year=2023)
    path.write_text(f"{head}\nBU01930101;1234;510;2,125\nBU01930102;875;410;2,1\n", "utf-8")
    frame, _ = cbs.read_kwb(path, year=2023)
    assert frame[["inhabitants", "households", "household_size_persons"]].to_numpy().tolist() == [
        [1234, 510, 2.125],
        [875, 410, 2.1],
    ]


@pytest.mark.parametrize("cells", [("1.234", "1.254,5"), ("1,234", "1,254.5")])
def test_a_table_of_cbs_whose_column_shows_its_signs_is_read_by_them(cells, tmp_path):
    head = "Codering\tAantal inwoners\tHuishoudens totaal\tGemiddelde WOZ-waarde van woningen"
    rows = [f"BU0193010{n}\t9\t4\t{cell}" for n, cell in enumerate(cells, start=1)]
    (tmp_path / "kwb.csv").write_text("\n".join([head, *rows, ""]), "utf-8")
    assert cbs.read_kwb(tmp_path / "kwb.csv", year=2023)[0]["home_value_eur"].tolist() == [1_234_000, 1_254_500]


def test_a_row_of_cbs_with_a_separator_too_many_moves_no_cell(tmp_path):
    path = tmp_path / "kwb.csv"
    path.write_text("Codering;Naam;Aantal inwoners;Huishoudens totaal\nBU01930101;Dorp; noord;900;400\n", "utf-8")
    with pytest.raises(FormatError, match="at most 4 cells in each row"):
        cbs.read_kwb(path, year=2023)


@pytest.mark.parametrize("ending", [".xlsx", ".gpkg"])
def test_a_number_that_nobody_typed_has_one_reading(ending, tmp_path):
    path, head = tmp_path / f"p{ending}", ("pand_id", "owner", "maintenance_year", "pv_installed_kwp")
    rows = [(one, "Ons Dorp", 2031, kwp) for one, kwp in zip(IDS, (3.245, 12.125, 4.0), strict=True)]
    if ending == ".gpkg":
        pyogrio.write_dataframe(pd.DataFrame(rows, columns=head), path)
    else:
        book = openpyxl.Workbook()
        for row in (head, *rows):
            book.active.append(row)
        book.save(path)
    own = read_own(path, shape=PANDEN, known=IDS, first_year=1850, last_year=2100)
    assert own.table["pv_installed_kwp"].tolist() == [3.245, 12.125, 4.0]
    assert own.report["result"].tolist() == ["matched"] * 3
