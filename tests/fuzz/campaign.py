"""Every column, shape and delivery of every form, spoiled one at a time: what comes out is said, never silently other.

``python -m tests.fuzz.campaign`` prints the table that stands in docs/reliability.md. Outcomes: **used** (the same table,
or one that differs in the cell that was typed or left blank, and in nothing else), **left out** (another table, and the
tally says why), **refused** (words that name the file and a remedy). Anything else is a **silent** change, and a failure.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import rasterio
from rasterio.transform import from_origin
from shapely.geometry import shape

from kansenkaart.acquire.deliveries import Part, join
from kansenkaart.acquire.readers import read
from kansenkaart.config import Source
from kansenkaart.errors import KansenkaartError
from kansenkaart.sources import ahn
from kansenkaart.sources.cbs_areas import COLUMNS_2021, ORDER_2021
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Tally

Row = dict[str, Any]
RD = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
COLUMN_FAULTS = ("other case", "missing", "renamed", "wrong type", "all null", "one cell empty")
SHAPE_FAULTS = ("empty", "NaN", "self-crossing", "in degrees")
DELIVERY_FAULTS = ("twice", "overlapping", "without rows")
KEY = "geometry"
OUTCOMES = ("used", "left out", "refused")
TYPED = ("7", "geen getal")


@dataclass(frozen=True)
class Seed:
    """A small sound file of one form: its rows, how they are written, and three rows that must come out."""

    role: str
    form: str
    rows: tuple[Row, ...]
    named: tuple[str, ...]
    kept: int
    write: Callable[[Path, tuple[Row, ...]], Path]
    #: Faults that a file of this form cannot hold.
    without: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Role and form."""
        return f"{self.role} {self.form}"

    def read(self, folder: Path, rows: tuple[Row, ...] | None = None) -> tuple[pd.DataFrame, Tally]:
        """Write the rows and read them as a run does."""
        path = self.write(folder, self.rows if rows is None else rows)
        year = 2023 if self.role == "buurt" else None
        source = Source(role=self.role, publisher="x", origin="file", form=self.form, path=path.name, year=year)
        return read(path, source)


# --- writers ---------------------------------------------------------------------------------------------------------


def geojson(stem: str) -> Callable[[Path, tuple[Row, ...]], Path]:
    """Return a writer of GeoJSON in RD New, under a file name that says the layer."""

    def write(folder: Path, rows: tuple[Row, ...]) -> Path:
        path = folder / f"{stem}.geojson"
        features = [
            {"type": "Feature", "properties": {k: v for k, v in one.items() if k != KEY}, KEY: one.get(KEY)}
            for one in rows
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "crs": RD, "features": features}), "utf-8")
        return path

    return write


def _cells(rows: tuple[Row, ...], separator: str) -> list[str]:
    head = list(rows[0]) if rows else []
    body = [separator.join("" if one.get(k) is None else str(one[k]) for k in head) for one in rows]
    return [separator.join(head), *body]


def knmi(folder: Path, rows: tuple[Row, ...]) -> Path:
    """Write a station file as KNMI does, with the position in its head."""
    path = folder / "station.txt"
    lines = _cells(rows, ",")
    path.write_text("# 278:  6.259  52.435  3.60  HEINO\n# " + "\n".join(lines) + "\n", "utf-8")
    return path


def hydx(table: str) -> Callable[[Path, tuple[Row, ...]], Path]:
    """Return a writer of one table of a HydX set, with the other two as they should be."""

    def write(folder: Path, rows: tuple[Row, ...]) -> Path:
        target = folder / "hydx"
        target.mkdir(exist_ok=True)
        for name, content in {**HYDX, table: rows}.items():
            (target / f"{name}.csv").write_text("\n".join(_cells(content, ";")) + "\n", "utf-8")
        return target

    return write


def epw(folder: Path, rows: tuple[Row, ...]) -> Path:
    """Write an EPW of as many hours as there are rows; its columns have no names."""
    path = folder / "year.epw"
    head = ["LOCATION,Proefdorp,-,NLD,x,62780,52.43,6.26,1.0,4.0", *["x"] * 7]
    body = []
    for hour, one in enumerate(rows, start=1):
        cells = ["0"] * 35
        cells[:6] = ["2019", "6", "1", str(hour), "60", "x"]
        for at, name in ((6, "temp"), (13, "ghi"), (14, "dni"), (15, "dhi"), (21, "wind")):
            cells[at] = "" if one.get(name) is None else str(one[name])
        body.append(",".join(cells))
    path.write_text("\n".join([*head, *body]) + "\n", "utf-8")
    return path


def cityjson(folder: Path, rows: tuple[Row, ...]) -> Path:
    """Write a tile with one sloping face per row, whose attributes are the row."""
    objects: dict[str, Any] = {}
    corners: list[list[float]] = []
    for n, one in enumerate(rows):
        x = 100_000.0 + 20 * n
        first = len(corners)
        corners += [[x, 450_000.0, 3.0], [x + 10, 450_000.0, 3.0], [x + 10, 450_004.0, 7.0], [x, 450_004.0, 7.0]]
        surface = {"type": "RoofSurface"} | {k: one[k] for k in one if k.lower().startswith("b3_a")}
        solid = {
            "type": "MultiSurface",
            "lod": "2.2",
            "boundaries": [[[first, first + 1, first + 2, first + 3]]],
            "semantics": {"surfaces": [surface], "values": [0]},
        }
        objects[str(n)] = {
            "type": "Building",
            "attributes": {k: v for k, v in one.items() if not k.lower().startswith("b3_a")},
            "geometry": [solid],
        }
    head = {"type": "CityJSON", "version": "2.0", "metadata": {"referenceSystem": "urn:ogc:def:crs:EPSG::7415"}}
    path = folder / "tile.city.json"
    path.write_text(json.dumps({**head, "CityObjects": objects, "vertices": corners}), "utf-8")
    return path


def workbooks(which: str) -> Callable[[Path, tuple[Row, ...]], Path]:
    """Return a writer of the folder of Zwolle: polygons and two workbooks, of which one file holds the rows."""

    def write(folder: Path, rows: tuple[Row, ...]) -> Path:
        target = folder / "zwolle"
        content = {**ZWOLLE, which: rows}
        for inner in ("klimaatmonitor", "cijfersoverzwolle"):
            (target / inner).mkdir(parents=True, exist_ok=True)
        geojson("energy_buurt_2023_mapped")(target, content["polygons"])
        for inner, file, year in (
            ("klimaatmonitor", "Thema's - 2022 - Buurten (2023) van Gemeente Zwolle", 2022),
            ("cijfersoverzwolle", "Thema's - 2024 - Buurten", 2024),
        ):
            book = openpyxl.Workbook()
            book.active.append([f"Thema's - {year} - Buurten"])
            book.active.append(list(content[inner][0]) if content[inner] else ["buurt"])
            for one in content[inner]:
                book.active.append(list(one.values()))
            book.save(target / inner / f"{file}.xlsx")
        return target

    return write


def answers(folder: Path, rows: tuple[Row, ...]) -> Path:
    """Write the answers of CBS of one table, whose rows are these."""
    target = folder / "kwb" / "86165NED"
    target.mkdir(parents=True, exist_ok=True)
    told = {
        "TableInfos": [{"Title": "Kerncijfers wijken en buurten 2025", "Period": "2025", "Modified": "2025-11-01"}],
        "DataProperties": [{"Key": key, "Title": title, "Unit": unit} for key, title, unit in CBS_COLUMNS],
        "TypedDataSet": list(rows),
    }
    for name, content in told.items():
        (target / f"{name}.json").write_text(json.dumps({"value": content}), "utf-8")
    return folder / "kwb"


def shapefile(stem: str, columns: list[str] | None = None) -> Callable[[Path, tuple[Row, ...]], Path]:
    """Return a writer of a shapefile in RD New; with columns, all of those in their order, empty where no row has them."""

    def write(folder: Path, rows: tuple[Row, ...]) -> Path:
        gone = set(columns or ()) & set(_WFS) - {k for one in rows for k in one}
        extra = [k for k in (rows[0] if rows else {}) if k != KEY and k not in (columns or ())]
        names = [one for one in columns or () if one not in gone] + extra
        cells = {name: [one.get(name) for one in rows] for name in names}
        shapes = [None if one.get(KEY) is None else _shaped(one[KEY]) for one in rows]
        frame = gpd.GeoDataFrame(pd.DataFrame(cells, dtype="object"), geometry=shapes, crs="EPSG:28992")
        for old in folder.glob(f"{stem}.*"):
            old.unlink()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pyogrio.write_dataframe(frame, folder / f"{stem}.shp", geometry_type="Polygon")
        return folder / f"{stem}.shp"

    return write


def _shaped(told: Row) -> Any:
    made = shape(told) if told["coordinates"] else None
    return made if made is not None and not made.is_empty else None


# --- seeds -----------------------------------------------------------------------------------------------------------


def _square(n: int) -> Row:
    x, y = 100_000 + 20 * n, 450_000
    return {"type": "Polygon", "coordinates": [[[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10], [x, y]]]}


def _line(n: int) -> Row:
    x, y = 100_000 + 20 * n, 450_000
    return {"type": "LineString", "coordinates": [[x, y], [x + 3, y + 4]]}


def _point(n: int) -> Row:
    return {"type": "Point", "coordinates": [100_000 + 20 * n, 450_000]}


def _four(shape: Callable[[int], Row], **columns: list[Any]) -> tuple[Row, ...]:
    return tuple({**{name: cells[n] for name, cells in columns.items()}, KEY: shape(n)} for n in range(4))


PAND = [f"050310000000000{n}" for n in range(4)]
HOME = [f"050301000000000{n}" for n in range(4)]
_PAND_STATUS = ["Pand in gebruik"] * 3 + ["Pand gesloopt"]
_HOME_STATUS = ["Verblijfsobject in gebruik"] * 3 + ["Verblijfsobject gevormd"]
_HOME = {
    "identificatie": HOME,
    "status": _HOME_STATUS,
    "gebruiksdoel": ["woonfunctie"] * 4,
    "oppervlakte": [80, 90, 100, 110],
}
_BGT = {"lokaal_id": list("abcd"), "functie": ["voetpad"] * 4, "fysiek_voorkomen": ["open verharding"] * 4}
_BGT |= {"relatieve_hoogteligging": [0, 0, 1, 0], "status": ["bestaand"] * 3 + ["plan"], "eind_registratie": [None] * 4}
_BUURT = {
    "buurtcode": [f"BU0193100{n}" for n in range(4)],
    "buurtnaam": list("PQRS"),
    "gemeentecode": ["GM0193"] * 4,
    "aantal_inwoners": [100, 200, 300, 400],
    "aantal_huishoudens": [50, 100, 150, 200],
    "gemiddelde_huishoudsgrootte": [2.0, 2.1, 2.2, 2.3],
    "percentage_koopwoningen": [60, 50, 40, 30],
    "percentage_huurwoningen": [40, 50, 60, 70],
    "gemiddelde_woningwaarde": [300, 310, 320, 330],
}
_PIPE = {
    "uri": list("abcd"),
    "type": ["x/GemengdRiool"] * 4,
    "stelseltype": ["x"] * 4,
    "uri_b": list("klmn"),
    "uri_e": list("lmno"),
    "begindatum": ["1970-01-01"] * 4,
    "materiaal_leiding": ["Beton"] * 4,
    "vorm_leiding": ["Rond"] * 4,
    "breedte_leiding": [300, 300, 300, 400],
    "hoogte_leiding": [300, 300, 300, 400],
    "bob_beginpunt_leiding": [0.5, 0.4, 0.3, 0.2],
    "bob_eindpunt_leiding": [0.4, 0.3, 0.2, 0.1],
}
HYDX: dict[str, tuple[Row, ...]] = {
    "Knooppunt": tuple(
        {"UNI_IDE": f"k{n}", "KNP_XCO": 100_000 + 30 * n, "KNP_YCO": 450_000 + 40 * n, "KNP_TYP": "INS", "MVD_NIV": 2.5}
        for n in range(4)
    ),
    "Verbinding": tuple(
        {"UNI_IDE": f"v{n}", "KN1_IDE": f"k{n}", "KN2_IDE": f"k{n + 1}", "VRB_TYP": "GSL", "INZ_TYP": "GMD"}
        | {"PRO_IDE": "P1", "BOB_KN1": 0.5 - n / 10, "BOB_KN2": 0.4 - n / 10}
        for n in range(3)
    ),
    "Profiel": ({"PRO_IDE": "P1", "PRO_BRE": 300, "PRO_HGT": 300, "PRO_VRM": "RND", "PRO_MAT": "BET"},),
}
_DAYS = tuple({"STN": 278, "YYYYMMDD": 20240101 + n, "Q": 100 + n, "RH": 12 + n, "EV24": 3 + n} for n in range(4))
_HOURS = tuple({"STN": 278, "YYYYMMDD": 20240601, "HH": 11 + n, "FH": 30, "T": 185 + n, "Q": 200 + n} for n in range(4))
_EPW = tuple({"temp": 10.5 + n, "ghi": 100 + n, "dni": 50 + n, "dhi": 60 + n, "wind": 3.5} for n in range(4))
_TILE = tuple({"identificatie": one, "b3_h_maaiveld": 0.5, "b3_azimut": 180.0} for one in PAND)

_ZWOLLE_NAMES = ["Proef", "Tweede", "Derde", "Vierde"]
ZWOLLE: dict[str, tuple[Row, ...]] = {
    "polygons": _four(_square, BRTNR=[1, 2, 3, 4], OMSCHR=_ZWOLLE_NAMES),
    "klimaatmonitor": tuple(
        {
            "Buurten": name,
            "Aardgasverbruik woningen [miljoen m3]": 1.5 + n,
            "Elektriciteitsverbruik woningen [GWh (miljoen kWh)]": 3.5 + n,
            "Percentage woningen met geregistreerde zonnepanelen [%]": 0.25,
            "Huishoudens [aantal]": 900 + n,
            "Gemiddeld inkomen per inwoner [€]": 30_000 + n,
        }
        for n, name in enumerate(_ZWOLLE_NAMES)
    ),
    "cijfersoverzwolle": tuple(
        {
            "Buurten": name,
            "woningen [woonruimten]": 1_000 + n,
            "inwoners op 1 januari [personen]": 2_000 + n,
            "inwoners in de leeftijd van 65 jaar en ouder [personen]": 400 + n,
        }
        for n, name in enumerate(_ZWOLLE_NAMES)
    ),
}
_ZWOLLE_CODES = ("BU01930010", "BU01930020", "BU01930030")
CBS_COLUMNS = (
    ("Codering_3", "Codering", ""),
    ("AantalInwoners_5", "Aantal inwoners", "aantal"),
    ("HuishoudensTotaal_29", "Huishoudens totaal", "aantal"),
    ("GemiddeldeHuishoudensgrootte_33", "Gemiddelde huishoudensgrootte", "aantal"),
    ("Koopwoningen_47", "Koopwoningen", "%"),
)
_ANSWERS = tuple(
    {
        "Codering_3": f"BU0193100{n}",
        "AantalInwoners_5": 100 + n,
        "HuishoudensTotaal_29": 50 + n,
        "GemiddeldeHuishoudensgrootte_33": 2.5,
        "Koopwoningen_47": 60 + n,
    }
    for n in range(4)
)
_WFS = {
    "buurtcode": [f"BU0193100{n}" for n in range(4)],
    "buurtnaam": list("PQRS"),
    "wijkcode": ["WK019310"] * 4,
    "gemeenteco": ["GM0193"] * 4,
    "gemeentena": ["Zwolle"] * 4,
    "water": ["NEE"] * 4,
    "jrstatcode": ["2021"] * 4,
    "aantalInwo": [100, 200, 300, 400],
    "aantalHuis": [50, 100, 150, 200],
    "gemiddelde": [2.0, 2.1, 2.2, 2.3],
    "woningvoor": [60, 110, 160, 210],
    "percenta22": [60, 50, 40, 30],
    "percenta23": [40, 50, 60, 70],
    "percHuurwo": [30, 30, 30, 30],
    "percenta20": [30, 30, 30, 30],
    "percenta25": [80, 80, 80, 80],
    "gemiddelG": [1000, 1100, 1200, 1300],
    "gemiddel_9": [2500, 2600, 2700, 2800],
    "percenta28": [5, 5, 5, 5],
    "percenta_4": [20, 20, 20, 20],
    "gemiddel15": [30, 31, 32, 33],
    "gemiddel_1": [300, 310, 320, 330],
}
_WFS["gemiddeldG"] = _WFS.pop("gemiddelG")


def _columns_2021() -> list[str]:
    """Return the 207 columns of the service of 2021 in its order, those that we read under their own names."""
    names = [f"kolom{n}" for n in range(COLUMNS_2021)]
    for name, place in ORDER_2021.items():
        names[place] = name
    free = (n for n in range(COLUMNS_2021) if names[n] == f"kolom{n}")
    for name in [one for one in _WFS if one not in ORDER_2021]:
        names[next(free)] = name
    return names


_CBS_SHP = {
    "BU_CODE": [f"BU0193100{n}" for n in range(4)],
    "BU_NAAM": list("PQRS"),
    "GM_CODE": ["GM0193"] * 4,
    "AANT_INW": [100, 200, 300, 400],
    "AANTAL_HH": [50, 100, 150, 200],
    "GEM_HH_GR": [2.0, 2.1, 2.2, 2.3],
    "P_KOOPWON": [60, 50, 40, 30],
    "P_HUURWON": [40, 50, 60, 70],
    "WOZ": [300, 310, 320, 330],
}
_OLD_PAND = {"identifica": PAND, "bouwjaar": [1960, 1970, 1980, 1990], "status": _PAND_STATUS}

SEEDS = [
    Seed("pand", "pdok-geojson", _four(_square, **_OLD_PAND), PAND[:3], 3, shapefile("pand"), ("NaN",)),
    Seed(
        "buurt", "cbs-shp", _four(_square, **_CBS_SHP), tuple(_CBS_SHP["BU_CODE"][:3]), 4, shapefile("buurt"), ("NaN",)
    ),
    Seed(
        "buurt",
        "wfs-2021-shp",
        _four(_square, **_WFS),
        tuple(_WFS["buurtcode"][:3]),
        4,
        shapefile("buurt2021", _columns_2021()),
        ("NaN",),
    ),
    *(
        Seed("buurt", "zwolle-geojson", ZWOLLE[which], _ZWOLLE_CODES, 4, workbooks(which), ())
        for which in ("polygons", "klimaatmonitor", "cijfersoverzwolle")
    ),
    Seed("statistics", "odata-v3", _ANSWERS, tuple(one["Codering_3"] for one in _ANSWERS[:3]), 4, answers, ()),
    Seed(
        "pand",
        "pdok-geojson",
        _four(_square, identificatie=PAND, bouwjaar=[1960, 1970, 1980, 1990], status=_PAND_STATUS),
        PAND[:3],
        3,
        geojson("pand"),
    ),
    Seed(
        "pand",
        "lvbag-gpkg",
        _four(
            _square,
            identificatie=PAND,
            oorspronkelijkBouwjaar=[1960, 1970, 1980, 1990],
            status=_PAND_STATUS,
            eindGeldigheid=[None] * 4,
            voorkomenidentificatie=[1] * 4,
        ),
        PAND[:3],
        3,
        geojson("pand"),
    ),
    Seed(
        "pand",
        "nlextract-gpkg",
        _four(
            _square,
            identificatie=PAND,
            bouwjaar=[1960, 1970, 1980, 1990],
            pandstatus=_PAND_STATUS,
            einddatumtijdvakgeldigheid=[None] * 4,
        ),
        PAND[:3],
        3,
        geojson("pand"),
    ),
    Seed(
        "pand",
        "bgt-gml",
        _four(_square, identificatieBAGPND=PAND, bgt_status=["bestaand"] * 3 + ["plan"], eindRegistratie=[None] * 4),
        PAND[:3],
        3,
        geojson("pand"),
    ),
    Seed("pand", "footprint-shp", _four(_square, naam=list("abcd")), (), 4, geojson("pand")),
    Seed(
        "home",
        "pdok-geojson",
        _four(
            _point,
            **_HOME,
            pandidentificatie=PAND,
            openbare_ruimte_naam=["Dorpsstraat"] * 4,
            postcode=["8000AA"] * 4,
            huisnummer=[1, 2, 3, 4],
            huisletter=["A"] * 4,
            toevoeging=["x"] * 4,
            openbare_ruimte_identificatie=["0503300000000001"] * 4,
        ),
        HOME[:3],
        3,
        geojson("vbo"),
    ),
    Seed(
        "home",
        "lvbag-gpkg",
        _four(
            _point,
            **_HOME,
            pandref=PAND,
            hoofdadresnummeraanduidingref=HOME,
            eindgeldigheid=[None] * 4,
            voorkomenidentificatie=[1] * 4,
        ),
        HOME[:3],
        3,
        geojson("vbo"),
    ),
    Seed("home", "points-shp", _four(_point, naam=list("abcd")), (), 4, geojson("vbo")),
    Seed("terrain", "ogc-geojson", _four(_square, **_BGT), ("a", "b", "c"), 3, geojson("wegdeel")),
    Seed(
        "terrain",
        "bgt-gml",
        _four(
            _square,
            lokaalID=list("abcd"),
            function=["voetpad"] * 4,
            surfaceMaterial=["open verharding"] * 4,
            relatieveHoogteligging=[0] * 4,
            bgt_status=["bestaand"] * 3 + ["plan"],
            eindRegistratie=[None] * 4,
        ),
        ("a", "b", "c"),
        3,
        geojson("bgt_wegdeel"),
    ),
    Seed("buurt", "pdok-snake", _four(_square, **_BUURT), tuple(_BUURT["buurtcode"][:3]), 4, geojson("buurten")),
    Seed(
        "street_line",
        "nwb-gml",
        _four(_line, wvk_id=list("abcd"), stt_naam=["Dorpsstraat"] * 4, wegbehsrt=["G"] * 4, wegnummer=["N1"] * 4),
        ("a", "b", "c"),
        4,
        geojson("nwb"),
    ),
    Seed("sewer_pipe", "gwsw-wfs", _four(_line, **_PIPE), ("a", "b", "c"), 4, geojson("leiding")),
    Seed(
        "sewer_node",
        "gwsw-wfs",
        _four(_point, uri=list("abcd"), type=["x/Inspectieput"] * 4, maaiveldhoogte=[2.5] * 4),
        ("a", "b", "c"),
        4,
        geojson("put"),
    ),
    Seed("sewer_node", "hydx-csv", HYDX["Knooppunt"], ("k0", "k1", "k2"), 4, hydx("Knooppunt"), ()),
    Seed("sewer_pipe", "hydx-csv", HYDX["Verbinding"], ("v0", "v1", "v2"), 3, hydx("Verbinding"), ()),
    Seed("roof_face", "cityjson", _TILE, tuple(f"{one}-0" for one in PAND[:3]), 4, cityjson, ()),
    Seed("weather_daily", "knmi", _DAYS, tuple(f"2024-01-0{day}T00:00:00Z" for day in (1, 2, 3)), 4, knmi, ()),
    Seed(
        "weather_hourly",
        "knmi",
        _HOURS,
        ("2024-06-01T10:00:00Z", "2024-06-01T11:00:00Z", "2024-06-01T12:00:00Z"),
        4,
        knmi,
        (),
    ),
    Seed(
        "weather_hourly",
        "epw",
        _EPW,
        ("2019-05-31T23:00:00Z", "2019-06-01T00:00:00Z", "2019-06-01T01:00:00Z"),
        4,
        epw,
        (),
    ),
]


# --- faults ----------------------------------------------------------------------------------------------------------


def spoil_column(seed: Seed, name: str, fault: str) -> tuple[Row, ...]:
    """Return the rows with one column spoiled."""
    new = {"other case": name.upper() if name != name.upper() else name.lower(), "renamed": f"xx{name}"}.get(
        fault, name
    )
    number = isinstance(seed.rows[0][name], (int, float))
    rows = []
    for n, one in enumerate(seed.rows):
        value = one[name]
        if fault == "missing":
            rows.append({k: v for k, v in one.items() if k != name})
            continue
        if fault == "wrong type":
            value = TYPED[1] if number else int(TYPED[0])
        elif fault == "all null" or (fault == "one cell empty" and n == 1):
            value = None
        rows.append({(new if k == name else k): (value if k == name else v) for k, v in one.items()})
    return tuple(rows)


def spoil_shape(seed: Seed, fault: str) -> tuple[Row, ...]:
    """Return the rows with one shape spoiled, or all of them in degrees."""
    text = json.dumps(seed.rows[1][KEY])
    kind = seed.rows[1][KEY]["type"]
    x, y = 100_020, 450_000
    bow = [[[x, y], [x + 10, y + 10], [x + 10, y], [x, y + 10], [x, y]]]
    odd = {
        "empty": {"type": kind, "coordinates": []},
        "NaN": json.loads(text.replace("450000", "NaN")),
        "self-crossing": {"type": "Polygon", "coordinates": bow} if kind == "Polygon" else seed.rows[1][KEY],
    }
    if fault == "in degrees":
        return tuple(
            {**one, KEY: json.loads(json.dumps(one[KEY]).replace("100", "5.").replace("450", "52."))}
            for one in seed.rows
        )
    return tuple({**one, KEY: odd[fault]} if n == 1 else one for n, one in enumerate(seed.rows))


def spoil_delivery(seed: Seed, folder: Path, fault: str) -> tuple[pd.DataFrame, Tally]:
    """Return what two deliveries give together."""
    whole = Part("a", "x", *seed.read(folder))
    rows = {"twice": seed.rows, "overlapping": seed.rows[1:], "without rows": seed.rows[:0]}[fault]
    return join(seed.role, [whole, Part("b", "x", *seed.read(folder, rows))])


# --- outcomes --------------------------------------------------------------------------------------------------------


def _plain(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    shown = pd.DataFrame(frame).astype(object)
    shown = shown.where(shown.notna(), None)
    if KEY in shown:
        shown[KEY] = [None if one is None else one.wkt for one in shown[KEY]]
    return sorted((tuple(row) for row in shown.itertuples(index=False, name=None)), key=str)


def _said(tally: Tally) -> dict[str, int]:
    return {k: n for k, n in {**tally.left_out, **tally.noted}.items() if n}


def outcome(
    work: Callable[[], tuple[pd.DataFrame, Tally]], sound: tuple[pd.DataFrame, Tally]
) -> tuple[str, tuple[str, ...]]:
    """Return what became of one spoiled file (used, left out, refused or silent), and what differs, in lines."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame, tally = work()
    except KansenkaartError as why:
        words = tuple(one or "" for one in (why.expected, why.found, why.where, why.remedy))
        return "refused" if all(words) else "refused without words", words
    now, before = _said(tally), _said(sound[1])
    rows, whole = _plain(frame), _plain(sound[0])
    said = tuple(f"{count} {note}" for note, count in now.items() if before.get(note) != count)
    said += tuple(f"no more: {note}" for note in before if note not in now)
    said += tuple(str(one) for one in rows if one not in whole)
    said += (f"{len(frame)} rows",) * (len(frame) != len(sound[0]))
    if rows == whole:
        return "used", said
    if now != before:
        return "left out", said
    return "used" if _as_typed(frame, sound[0]) else "silent", said


def told_of(seed: Seed, folder: Path, *, half: bool = False) -> dict[str, str]:
    """Return the whole table of the sound file with its tally, and of every fault what is said besides and which rows differ.

    Parameters
    ----------
    seed : Seed
        The sound file.
    folder : Path
        Where it and the spoiled ones are written.
    half : bool
        Every second fault of a column alone, another one of the next column.
    """
    frame, tally = seed.read(folder)
    out = {"sound": "\n".join(map(str, [tuple(frame.columns), *_plain(frame), tally.to_dict()]))}
    faults_by_words: dict[str, list[str]] = {}
    for name, (_, what, said) in run(seed, folder, half=half).items():
        faults_by_words.setdefault("\n".join([what, *said]).replace(str(folder), ""), []).append(name)
    return out | {", ".join(names): words for words, names in faults_by_words.items()}


def _as_typed(frame: pd.DataFrame, sound: pd.DataFrame) -> bool:
    """Return whether the tables differ in nothing but cells that hold what was typed, or that are unknown where it was blank."""
    if len(frame) != len(sound):
        return False
    pairs = zip(_plain(frame), _plain(sound), strict=True)
    cells = [(a, b) for one, other in pairs for a, b in zip(one, other, strict=True) if a != b]
    return all(a is None or any(typed in str(a) for typed in TYPED) or str(a) in str(b) for a, b in cells)


def faults(
    seed: Seed, folder: Path, *, half: bool = False
) -> Iterator[tuple[str, str, Callable[[], tuple[pd.DataFrame, Tally]]]]:
    """Give each fault of a seed: its group, its name, and the reading of it."""
    positional = seed.form == "epw"
    for turn, name in enumerate(one for one in seed.rows[0] if one != KEY):
        for fault in COLUMN_FAULTS[turn % 2 :: 2] if half else COLUMN_FAULTS:
            if positional and fault in ("other case", "renamed", "missing"):
                continue
            rows = spoil_column(seed, name, fault)
            yield fault, f"{name}: {fault}", lambda rows=rows: seed.read(folder, rows)
    if KEY in seed.rows[0]:
        for fault in [one for one in SHAPE_FAULTS if one not in seed.without]:
            rows = spoil_shape(seed, fault)
            yield fault, f"shape: {fault}", lambda rows=rows: seed.read(folder, rows)
    for fault in DELIVERY_FAULTS if seed.role in schemas.tables() else ():
        if not (fault == "without rows" and KEY not in seed.rows[0]):
            yield fault, f"delivery: {fault}", lambda fault=fault: spoil_delivery(seed, folder, fault)


# --- height sheets ---------------------------------------------------------------------------------------------------

_WINDOW = (100_000.0, 450_000.0, 100_010.0, 450_010.0)
_HEIGHTS = np.arange(400, dtype="float32").reshape(20, 20) / 100 + 2


def sheet(
    path: Path, heights: Any = _HEIGHTS, *, west: float = 100_000.0, size: float = 0.5, crs: str = "EPSG:28992"
) -> Path:
    """Write a height sheet with its north at 450,010 m."""
    rows, columns = heights.shape
    how = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": str(heights.dtype), "crs": crs}
    north = 450_010.0 if size == 0.5 or size == 1.0 else 52.0
    with rasterio.open(path, "w", transform=from_origin(west, north, size, size), nodata=-9999, **how) as made:
        made.write(heights, 1)
    return path


def heights_of(folder: Path, *paths: Path) -> tuple[pd.DataFrame, Tally]:
    """Return the cells of the window that some sheets give together, as a run joins them."""
    tally = ahn.join_sheets(paths, _WINDOW, path=folder / "joined.tif")
    with rasterio.open(folder / "joined.tif") as made:
        cells = made.read(1, masked=True).filled(np.nan)
    return pd.DataFrame({"cell": range(cells.size), "height": cells.ravel()}), tally


def sheet_faults(folder: Path) -> Iterator[tuple[str, str, Callable[[], tuple[pd.DataFrame, Tally]]]]:
    """Give each fault of a height sheet: its group, its name, and the reading of it."""
    good = sheet(folder / "good.tif")
    hole = _HEIGHTS.copy()
    hole[3, 4] = np.nan
    bad = {
        "wrong type": sheet(folder / "cm.tif", (_HEIGHTS * 1000).astype("int16")),
        "all null": sheet(folder / "null.tif", np.full_like(_HEIGHTS, -9999)),
        "one cell empty": sheet(folder / "hole.tif", hole),
        "empty": folder / "empty.tif",
        "NaN": sheet(folder / "nan.tif", np.full_like(_HEIGHTS, np.nan)),
        "in degrees": sheet(folder / "degrees.tif", west=5.0, size=1e-5, crs="EPSG:4326"),
        "missing": folder / "gone.tif",
    }
    bad["empty"].write_bytes(b"")
    for fault, path in bad.items():
        yield fault, f"sheet: {fault}", lambda path=path: heights_of(folder, path)
    second = sheet(folder / "second.tif", _HEIGHTS[:, 10:] + 3, west=100_005.0)
    elsewhere = sheet(folder / "elsewhere.tif", west=120_000.0)
    for fault, path in (("twice", good), ("overlapping", second), ("without rows", elsewhere)):
        yield fault, f"sheets: {fault}", lambda path=path: heights_of(folder, good, path)


def run_sheets(folder: Path) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Return the group and outcome of every fault of a height sheet, by its name."""
    sound = heights_of(folder, sheet(folder / "sound.tif"))
    return {name: (group, *outcome(work, sound)) for group, name, work in sheet_faults(folder)}


def run(seed: Seed, folder: Path, *, half: bool = False) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Return the group and outcome of every fault of one seed, by its name."""
    sound = seed.read(folder)
    return {name: (group, *outcome(work, sound)) for group, name, work in faults(seed, folder, half=half)}


def table() -> list[str]:
    """Return the table of all forms, and below it each silent change."""
    groups = [*COLUMN_FAULTS, *SHAPE_FAULTS, *DELIVERY_FAULTS]
    counts: dict[str, Counter[str]] = {one: Counter() for one in [*groups, "all"]}
    silent = []
    with tempfile.TemporaryDirectory() as folder:
        done = {f"{seed.name}, {name}": told for seed in SEEDS for name, told in run(seed, Path(folder)).items()}
        done |= {f"dsm geotiff, {name}": told for name, told in run_sheets(Path(folder)).items()}
        for name, (group, what, _) in done.items():
            for one in (group, "all"):
                counts[one][what] += 1
            if what not in OUTCOMES:
                silent.append(f"{name}: {what}")
    head = "| fault | tried | used | left out or unknown, with its reason | refused in words | silent |"
    rows = [
        f"| {group} | {one.total()} | {' | '.join(str(one[what]) for what in OUTCOMES)} | {one['silent']} |"
        for group, one in counts.items()
    ]
    return [head, "|---|---|---|---|---|---|", *rows, *silent]


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
