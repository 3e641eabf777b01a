"""The files that are spoilt: the example's own, a few rows of each, and hand-made ones of the other formats."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import openpyxl

ROWS = 4


class Files(dict[str, bytes]):
    """Files by name; a failing test says how many, not what stands in them."""

    def __repr__(self) -> str:
        return f"<{len(self)} files>"


def small(folder: Path) -> Files:
    """Return the example's files by name, with a few rows each."""
    found = {path.stem: _few_features(path) for path in (folder / "ogc").glob("*.geojson")}
    lines = (folder / "3dbag" / "proefveld.city.jsonl").read_bytes().splitlines()
    found["cityjsonseq"] = b"\n".join(lines[:3])
    found["cityjson"] = _one_document([json.loads(line) for line in lines[:3]])
    odata = folder / "odata" / "86165NED"
    found |= {path.stem: path.read_bytes() for path in odata.glob("*.json")}
    found["epw"] = b"\n".join((folder / "epw" / "proefveld.epw").read_bytes().splitlines()[:32])
    found["etmgeg"] = b"\n".join((folder / "knmi" / "etmgeg_999.txt").read_bytes().splitlines()[:60]) + b"\n"
    return Files(found | _by_hand())


def _few_features(path: Path) -> bytes:
    content = json.loads(path.read_text("utf-8"))
    content["features"] = content["features"][:ROWS]
    return json.dumps(content).encode()


def _one_document(documents: list[dict[str, Any]]) -> bytes:
    head, *parts = documents
    objects: dict[str, Any] = {}
    for one in parts[:1]:  # indices of the first feature are those of its own vertices
        objects |= one["CityObjects"]
    return json.dumps({**head, "CityObjects": objects, "vertices": parts[0]["vertices"]}).encode()


def _by_hand() -> dict[str, bytes]:
    line = {"type": "LineString", "coordinates": [[200000, 500000], [200100, 500000]]}
    road = {
        "WVK_ID": 1,
        "wvk_id": 1,
        "STT_NAAM": "Dorpsstraat",
        "stt_naam": "Dorpsstraat",
        "WEGNUMMER": "",
        "wegnummer": "",
        "WEGBEHSRT": "G",
        "wegbehsrt": "G",
    }
    ring = [[200000, 500000], [200100, 500000], [200100, 500100], [200000, 500000]]
    return {
        "uurgeg": (
            b"# STN LON(east) LAT(north) ALT(m) NAME\n# 278:         6.259       52.435       3.60  HEINO\n"
            b"# STN,YYYYMMDD,   HH,   DD,   FH,    T,    Q\n\n"
            b"  278,20240101,    1,  200,   50,   81,    0\n  278,20240101,   12,  200,   50,   81,   42\n"
        ),
        "nwb": _collection([{"properties": road, "geometry": line}]),
        "zwolle": _collection(
            [
                {
                    "properties": {"BRTNR": "110", "OMSCHR": "Hogenkamp"},
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                }
            ]
        ),
        "knooppunt": b"UNI_IDE;KNP_XCO;KNP_YCO;KNP_TYP;MVD_NIV\nA;200000;500000;INS;1.2\nB;200050;500000;INS;1.1\n",
        "verbinding": (
            b"UNI_IDE;KN1_IDE;KN2_IDE;INZ_TYP;VRB_TYP;PRO_IDE;BOB_KN1;BOB_KN2;STA_OBJ\nP;A;B;VWA;GSL;R200;0.2;0.1;REA\n"
        ),
        "profiel": b"PRO_IDE;PRO_BRE;PRO_HGT;PRO_VRM;PRO_MAT\nR200;200;200;RND;PVC\n",
        "own_panden": b"pand_id;owner;maintenance_year\n0193100000000001;Corporatie;2031\n0193100000000002;;\n",
        "own_sewers": b"pipe_id,laying_year,diameter_mm\nP,1968,300\n",
        "own_actuals": b"place_id;actual_year;actual_item;actual_value\nbuurt:BU01931000;2027;members;12,5\n",
        "workbook": _workbook(),
    }


def _collection(features: list[dict[str, Any]]) -> bytes:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    rows = [{"type": "Feature", **one} for one in features]
    return json.dumps({"type": "FeatureCollection", "crs": crs, "features": rows}).encode()


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Thema's - 2024 - Buurten"])
    sheet.append(["", "Aantal woningen", "Aantal inwoners", "Totaal huishoudens"])
    sheet.append(["Hogenkamp", 2050, 3445, 1800])
    sheet.append(["Holtenbroek I", "?", "-", None])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
