"""Sewers in every shape they are published in, with everything that a row can have: the table and its counts whole."""

from __future__ import annotations

import zipfile
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point

from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources import gwsw
from kansenkaart.sources.tools.cleaning import Sieve
from tests.pinned import same_as_pinned
from tests.sources.whole import X, Y, layers, saved, whole

_TYPES = "http://data.gwsw.nl/1.6/totaal/"


def pipe(number: int, **more: Any) -> dict[str, Any]:
    row = {
        "uri": f"leiding-{number}",
        "type": f"{_TYPES}GemengdRiool",
        "uriB": f"put-{number}",
        "uriE": f"put-{number + 1}",
        "Begindatum": "1968",
        "MateriaalLeiding": "Beton",
        "VormLeiding": f"{_TYPES[:-1]}#Rond",
        "BreedteLeiding": "300",
        "HoogteLeiding": "300",
        "BobBeginpuntLeiding": "1.5",
        "BobEindpuntLeiding": "1.25",
        "straatnaam": "Dorpsstraat",
        "shape": LineString([(X + 100 * number, Y), (X + 100 * number + 30, Y + 40)]),
    }
    return {**row, **more}


PIPES = [
    pipe(1, type=f"{_TYPES[:-1]}#DwaRiool", uriB=" ", VormLeiding=" Ei "),
    pipe(2, type="Hemelwaterriool", stelseltype="Verbeterd gescheiden stelsel", Begindatum="2008-01-31"),
    pipe(3, type="GemengdRiool", stelseltype="verbeterd gemengd", Begindatum="20080131"),
    pipe(4, type="Nieuwigheid", Begindatum="31-01-2008"),
    pipe(5, type=None, Begindatum="2008/01/31"),
    pipe(6, type="Drukleiding", Begindatum="vroeger"),
    pipe(7, type="Drain", Begindatum="1849"),
    pipe(8, Begindatum="1850", HoogteLeiding="0", BreedteLeiding="250"),
    pipe(9, Begindatum="2100", HoogteLeiding="", BreedteLeiding="200", VormLeiding=""),
    pipe(10, Begindatum="2101", HoogteLeiding="0", BreedteLeiding="200", VormLeiding="RND"),
    pipe(11, Begindatum="onbekend", HoogteLeiding="0", BreedteLeiding="200", VormLeiding="Eivormig"),
    pipe(12, HoogteLeiding="0.3", BreedteLeiding="4.99"),
    pipe(13, HoogteLeiding="5", BreedteLeiding="9.9"),
    pipe(14, HoogteLeiding="10", BreedteLeiding="10000"),
    pipe(15, HoogteLeiding="5000", BreedteLeiding="10001"),
    pipe(16, HoogteLeiding="5000.1", BreedteLeiding="veel"),
    pipe(17, BobBeginpuntLeiding="0", BobEindpuntLeiding="-50"),
    pipe(18, BobBeginpuntLeiding="-50.01", BobEindpuntLeiding="400"),
    pipe(19, BobBeginpuntLeiding="400.01", BobEindpuntLeiding="999"),
    pipe(20, status="PLN"),
    pipe(21, status="vervallen"),
    pipe(22, status="ONT"),
    pipe(23, status="in gebruik", Einddatum="2001-01-01"),
    pipe(24, status="in gebruik", Einddatum=""),
    pipe(25, uri=None),
    pipe(26, shape=None),
    pipe(1, HoogteLeiding="900"),
]


def test_pipes_of_the_service_with_every_type_size_level_and_date(tmp_path):
    path = saved(tmp_path / "leiding.geojson", PIPES)
    made = {"service": whole(gwsw.read_sewer_pipe, path)}
    bare = [{"Naam": "a", "Type": "Hemelwaterriool", "Stelsel": "Verbeterd", "shape": PIPES[0]["shape"]}]
    other = [{"n": 1, "shape": Point(X, Y)}]
    extract = layers(tmp_path / "extract.gpkg", Default_Lijn=bare, overig=other)
    made["extract"] = whole(gwsw.read_sewer_pipe, extract, form="gwsw-gpkg")
    made["another layer"] = whole(gwsw.read_sewer_pipe, extract, form="gwsw-gpkg", layer="overig")
    made["no form"] = whole(gwsw.read_sewer_pipe, extract, form="x")
    same_as_pinned("pins/pipes.txt", made)


def test_nodes_of_the_service_and_those_at_the_ends_of_inspected_pipes(tmp_path):
    def node(number: int, kind: str | None, level: str | None, y: float = Y, **more: Any) -> dict[str, Any]:
        place = {"shape": Point(X + number, y)}
        return {"uri": f"put-{number}", "type": kind, "Maaiveldhoogte": level, **place, **more}

    rows = [
        node(1, f"{_TYPES}Inspectieput", "2.5"),
        node(2, f"{_TYPES}Rioolgemaal", "0"),
        node(3, "Put", "110"),
        node(4, "Put", "110.01"),
        node(5, "Put", "110.01", 420_000),
        node(6, "Put", "400.5", 320_000),
        node(7, "Iets", "hoog"),
        node(8, None, None),
        node(9, "Put", "-10", status="Gepland"),
        node(10, "Put", "-10", Einddatum="2001-01-01"),
        node(11, "Put", "-10.1"),
        node(12, "Put", "-10"),
        node(1, "Put", "3"),
        {**node(13, "Put", "3"), "shape": None},
        {**node(14, "Put", "3"), "uri": " "},
    ]
    made = {"service": whole(gwsw.read_sewer_node, saved(tmp_path / "put.geojson", rows))}
    inspected = [
        {
            "streng": f"s{number}",
            "kn1": one,
            "kn2": two,
            "xy1": xy,
            "xy2": "200300.5/470000.25",
            "jaar": 1980,
            "materiaal": "PVC",
            "vorm": "Rond",
            "breedte_mm": 300,
            "hoogte_mm": 0,
            "bob1": -1.5,
            "bob2": 0.0,
            "straat": "Dijk",
            "shape": LineString([(X, Y), (X + 40, Y + 30)]),
        }
        for number, (one, two, xy) in enumerate(
            [("a", "b", "200000/470000"), ("b", "c", None), (None, "d", "200000/x")]
        )
    ]
    path = layers(tmp_path / "almere.gpkg", beheerleiding=inspected, overig=[{"n": 1, "shape": Point(X, Y)}])
    made["inspected"] = whole(gwsw.read_sewer_node, path, form="almere-gpkg")
    made["inspected pipes"] = whole(gwsw.read_sewer_pipe, path, form="almere-gpkg")
    extract = layers(tmp_path / "extract.gpkg", put=[{"Naam": "a", "Type": "Gemaal", "shape": Point(X, Y)}])
    made["extract"] = whole(gwsw.read_sewer_node, extract, form="gwsw-gpkg")
    same_as_pinned("pins/nodes.txt", made)


NODES = (
    "Opmerking van de gemeente\nUNI_IDE;KNP_XCO;KNP_YCO;KNP_TYP;MVD_NIV;STA_OBJ\n"
    "k1;200000;470000;INS;2.5;\nk2;200030;470040;CMP;0;\nk3;200030;470040;UIT;110.5;\nk4;0;0;ITP;1;\n"
    "k5;0;470000;INS;1;\nk6;200000;;INS;1;\nk7;200100;470000;XXX;999;\nk8;200200;470000;;;PLN\nk9;200300;470000;INS;1;ont\n"
    "k1;200001;470000;INS;2.5;\n"
)
CONNECTIONS = (
    "UNI_IDE;KN1_IDE;KN2_IDE;VRB_TYP;INZ_TYP;PRO_IDE;BOB_KN1;BOB_KN2;STR_RCH;STA_OBJ\n"
    "v1;k1;k2;GSL;GMD;P1;0.5;0;OPE;\nv2;k1;k2;GSL;HWA;P2;0.5;0.2;2_1;\nv3;k2;k3;OVS;NVT;;;;1_2;\n"
    "v4;k2;k7;PMP;NVT;P9;1;1;1_2;\nv5;k7;k1;PMP;DWA;P3;1;1;2_1;\nv6;k1;k4;GSL;GMD;P1;1;1;;\nv7;k1;weg;GSL;GMD;P1;1;1;;\n"
    "v8;;k2;GSL;GMD;P1;1;1;2_1;\nv9;k9;k1;ZZZ;QQQ;P1;1;1;;VVL\nv10;k9;k1;ZZZ;QQQ;P4;1;1;;\nv11;k9;k7;;;P5;1;1;;\n"
)
PROFILES = (
    "PRO_IDE;PRO_BRE;PRO_HGT;PRO_VRM;PRO_MAT\nP1;300;;RND;BET\nP1;900;900;RND;PVC\nP2;400;600;EIV;GVK\nP3;0.2;;;\n"
    "P4;;;;\nP5;4;5;RHK;BET\n"
)
TABLES = {"Knooppunt": NODES, "Verbinding": CONNECTIONS, "Profiel": PROFILES}


def put(folder: Any, tables: dict[str, str], ending: str = ".csv") -> Any:
    folder.mkdir()
    for name, text in tables.items():
        (folder / f"{name}{ending}").write_text(text, "utf-8")
    return folder


def test_a_set_of_hydx_with_every_kind_of_connection_profile_and_place(tmp_path):
    path = put(tmp_path / "set", TABLES)
    made = {"pipes": whole(gwsw.read_sewer_pipe, path, form="hydx-csv")}
    made["nodes"] = whole(gwsw.read_sewer_node, path, form="hydx-csv")
    alone = put(tmp_path / "alone", {"Knooppunt": NODES.replace("k7;200100", "k7;200150")})
    made["nodes alone"] = whole(gwsw.read_sewer_node, alone, form="hydx-csv", origin_m=(1000.0, -2000.0))
    made["pipes of nodes alone"] = whole(gwsw.read_sewer_pipe, alone, form="hydx-csv")
    level = CONNECTIONS.replace(";0.5;0;", ";0;0;").replace(";0.5;0.2;", ";0;0;")
    bare = {"Knooppunt": NODES, "Verbinding": "\n".join(level.splitlines()[:4])}
    made["without profiles, levels all 0"] = whole(gwsw.read_sewer_pipe, put(tmp_path / "b", bare), form="hydx-csv")
    short = {**TABLES, "Verbinding": "UNI_IDE,KN1_IDE\nv1,k1\n"}
    made["a column less"] = whole(gwsw.read_sewer_pipe, put(tmp_path / "short", short), form="hydx-csv")
    same_as_pinned("pins/hydx.txt", made)


def test_tables_of_a_set_are_found_in_a_zip_in_parts_and_by_one_of_them_but_not_by_half_a_name(tmp_path, monkeypatch):
    parts = {"Knooppunt1": NODES, "Knooppunt_2": NODES.replace("\nk", "\nm"), "xKnooppunt": "a", "Knooppunten": "a"}
    folder = put(tmp_path / "set", {**parts, "Verbinding": CONNECTIONS})
    (folder / "Knooppunt3.xml").write_text("x")
    assert [name for name, _ in gwsw._hydx_files(folder, "Knooppunt")] == ["Knooppunt1.csv", "Knooppunt_2.csv"]
    assert gwsw._hydx_files(folder / "Verbinding.csv", "Knooppunt") == gwsw._hydx_files(folder, "Knooppunt")
    assert gwsw._hydx_files(folder, "Profiel", needed=False) == []
    with zipfile.ZipFile(tmp_path / "set.ZIP", "w") as made:
        for one in sorted(folder.iterdir(), reverse=True):
            made.writestr(f"map/{one.name}", one.read_bytes())
    assert gwsw._hydx_files(tmp_path / "set.ZIP", "Knooppunt") == gwsw._hydx_files(folder, "Knooppunt")
    size = len(NODES)
    monkeypatch.setattr(gwsw, "_MOST_HYDX_BYTES", size + 1)
    assert len(gwsw._hydx_files(tmp_path / "set.ZIP", "Knooppunt")) == 2
    monkeypatch.setattr(gwsw, "_MOST_HYDX_BYTES", size)
    with pytest.raises(FormatError, match=r"found map/xKnooppunt\.csv, map/Knooppunten\.csv;"):
        gwsw._hydx_files(tmp_path / "set.ZIP", "Knooppunt")
    with pytest.raises(FormatError, match="no table"):
        gwsw._hydx_files(put(tmp_path / "empty", {"Knooppunt": ""}, ".xml"), "Knooppunt")
    assert (
        len(gwsw.read_sewer_node(folder, form="hydx-csv")[0]) == 12
    )  # k and m: six each that are there and have a place
    gwsw.require_hydx(folder, "sewer_pipe")
    (folder / "Verbinding.csv").write_text("UNI_IDE;KN1_IDE\n")
    gwsw.require_hydx(folder, "sewer_node")
    with pytest.raises(FormatError, match="the columns KN2_IDE in HydX table Verbinding"):
        gwsw.require_hydx(folder, "sewer_pipe")


@pytest.mark.parametrize(("above", "read"), [(0, True), (19, True), (20, False)])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_head_of_a_table_of_hydx_stands_within_twenty_lines(above, read, separator, tmp_path):
    text = (
        "een opmerking\n" * above
        + separator.join(["UNI_IDE", "KNP_XCO", "KNP_YCO"])
        + f"\nk1{separator}1{separator}2\n"
    )
    if read:
        table = gwsw._hydx_table(text, "Knooppunt", tmp_path / "k.csv")
        assert table[["UNI_IDE", "KNP_XCO", "KNP_YCO"]].to_numpy().tolist() == [["k1", "1", "2"]]
        assert table["MVD_NIV"].isna().all()
    else:
        with pytest.raises(FormatError):
            gwsw._hydx_table(text, "Knooppunt", tmp_path / "k.csv")


def test_a_set_without_a_row_has_neither_nodes_nor_pipes(tmp_path):
    path = put(tmp_path / "set", {name: text.splitlines()[name == "Knooppunt"] for name, text in TABLES.items()})
    assert [len(read(path, form="hydx-csv")[0]) for read in (gwsw.read_sewer_node, gwsw.read_sewer_pipe)] == [0, 0]


def _levels(falls: list[float], length_m: float = 10.0) -> tuple[Sieve, Any]:
    frame = pd.DataFrame({"bob_from_m_nap": falls, "bob_to_m_nap": 0.0, "length_m": length_m})
    sieve = Sieve(frame)
    gwsw._drop_odd_levels(sieve, gwsw.Path("x.csv"))
    return sieve, sieve.frame["bob_from_m_nap"].isna().all()


def test_levels_are_odd_where_half_of_at_least_two_long_pipes_fall_more_than_a_tenth():
    assert not _levels([1.0, 1.0])[1]  # 0.1 m per m
    sieve, gone = _levels([1.01, -1.01])
    assert gone
    assert sieve.noted == {"levels that fall 0.1 m per m in most pipes: another unit? unknown": 2}
    assert not _levels([9.0])[1]  # one pipe says nothing
    assert not _levels([9.0, 9.0], 4.99)[1]  # nor do short ones
    assert _levels([9.0, 9.0], 5.0)[1]
    assert _levels([9.0, 9.0, 0.1])[1]
    assert not _levels([9.0, 0.1, 0.1])[1]
    assert not _levels([999.0, -51.0, 0.1, 0.1])[1]  # fillers are no cliffs
    assert _levels([998.9, -50.0])[1]


def test_a_set_lies_elsewhere_when_more_than_half_of_its_nodes_do(tmp_path):
    inside, outside = Point(X, Y), Point(5, 6)
    shapes = lambda *points: gpd.GeoSeries(points).to_numpy()  # noqa: E731
    gwsw._require_place(shapes(inside, outside, None), tmp_path)
    gwsw._require_place(shapes(None, Point(np.nan, 1)), tmp_path)
    with pytest.raises(CrsError, match="x 5 to 200000 and y 6 to 470000"):
        gwsw._require_place(shapes(inside, outside, outside), tmp_path)


def test_two_chambers_at_one_place_are_two_centimetres_apart():
    nodes = gpd.GeoDataFrame(index=["a", "b", "c", "d"], geometry=[Point(1, 2), Point(1, 2), Point(1, 5), None])
    starts, ends = pd.Series(["a", "a", "c", "a", "x", None]), pd.Series(["b", "c", "a", "d", "a", "a"])
    lines = gwsw._between(nodes, starts, ends)
    assert [None if one is None else list(one.coords) for one in lines] == [
        [(1, 2), (1.02, 2)],
        [(1, 2), (1, 5)],
        [(1, 5), (1, 2)],
        None,
        None,
        None,
    ]
    assert gwsw._between(nodes, starts[4:], ends[4:]).tolist() == [None, None]


def test_nodes_of_inspected_pipes_without_a_place_lie_nowhere():
    ends = {"kn1": ["a"], "kn2": ["b"], "xy1": [None], "xy2": ["1"]}
    nodes = gwsw._inspection_nodes(gpd.GeoDataFrame(ends, geometry=[None], crs=28992))
    assert nodes["node_id"].tolist() == ["a", "b"]
    assert nodes.geometry.isna().all()


def test_types_are_known_in_any_spelling():
    column = pd.Series(["PMP", "pmp", " GSL", "x", None])
    assert gwsw._typed(column, "hydx-pipe", 1, "other").tolist() == [
        "pressure",
        "pressure",
        "gravity",
        "other",
        "other",
    ]
    assert gwsw._typed(column, "hydx-pipe", 0, "?").tolist() == ["persleiding", "persleiding", "", "?", "?"]
