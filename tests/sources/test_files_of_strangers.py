"""Files that nobody here had seen: other encodings, other units, other separators, zips in zips, one bad part among good ones.

Each test is a kind with its right value; its brothers are in `test_files_of_others` and `test_files_of_people`.
"""

from __future__ import annotations

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import rasterio
from rasterio.transform import Affine, from_origin
from shapely.geometry import LineString, Point, box

from kansenkaart.acquire.readers import read, settle
from kansenkaart.config import Source
from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources import bag3d, gwsw, knmi
from kansenkaart.sources.own import BUDGETS, PANDEN, SEWERS, read_own
from kansenkaart.sources.tools.rawnames import text_of
from kansenkaart.wording.messages import own_result_nl
from tests.sources.sheets import open_window
from tests.sources.test_bag3d_reader import PAND, SOUTH_45, _model
from tests.sources.test_files_of_others import NODES, PIPES, PROFILES, REGISTER
from tests.sources.test_files_of_people import save, tile

RD = "EPSG:28992"
pytestmark = pytest.mark.filterwarnings("ignore")


def auto(path: Path, role: str, **more: Any) -> Any:
    return read(path, Source(role=role, publisher="x", origin="file", form="auto", path=path.name, **more))


# --- the extract of the BAG as XML ------------------------------------------------------------------------------------

_SPACES = {
    "Objecten": "www.kadaster.nl/schemas/lvbag/imbag/objecten/v20200601",
    "gml": "http://www.opengis.net/gml/3.2",
    "Historie": "www.kadaster.nl/schemas/lvbag/imbag/historie/v20200601",
    "Objecten-ref": "www.kadaster.nl/schemas/lvbag/imbag/objecten-ref/v20200601",
    "sl-bag-extract": "http://www.kadaster.nl/schemas/lvbag/extract-deelbestand-lvc/v20200601",
    "sl": "http://www.kadaster.nl/schemas/standlevering-generiek/1.0",
}
_PAND = """<Objecten:Pand><Objecten:identificatie domein="NL.IMBAG.Pand">{id}</Objecten:identificatie><Objecten:geometrie>
<gml:Polygon srsName="urn:ogc:def:crs:EPSG::28992" srsDimension="3"><gml:exterior><gml:LinearRing><gml:posList count="5">
100000 450000 0 100010 450000 0 100010 450010 0 100000 450010 0 100000 450000 0</gml:posList></gml:LinearRing></gml:exterior>
</gml:Polygon></Objecten:geometrie><Objecten:oorspronkelijkBouwjaar>1965</Objecten:oorspronkelijkBouwjaar>
<Objecten:status>Pand in gebruik</Objecten:status>{history}</Objecten:Pand>"""
_HOME = """<Objecten:Verblijfsobject><Objecten:heeftAlsHoofdadres><Objecten-ref:NummeraanduidingRef>0503200000000001
</Objecten-ref:NummeraanduidingRef></Objecten:heeftAlsHoofdadres>{history}
<Objecten:identificatie>0503010000000001</Objecten:identificatie><Objecten:geometrie><Objecten:punt>
<gml:Point srsName="urn:ogc:def:crs:EPSG::28992" srsDimension="3"><gml:pos>100005 450005 0</gml:pos></gml:Point></Objecten:punt>
</Objecten:geometrie><Objecten:gebruiksdoel>woonfunctie</Objecten:gebruiksdoel><Objecten:oppervlakte>90</Objecten:oppervlakte>
<Objecten:status>Verblijfsobject in gebruik</Objecten:status><Objecten:maaktDeelUitVan>
<Objecten-ref:PandRef domein="NL.IMBAG.Pand">0503100000000001</Objecten-ref:PandRef></Objecten:maaktDeelUitVan>
</Objecten:Verblijfsobject>"""


def extract(kind: str, *objects: str, ended: str = "") -> str:
    spaces = " ".join(f'xmlns:{name}="{address}"' for name, address in _SPACES.items())
    history = (
        "<Objecten:voorkomen><Historie:Voorkomen><Historie:voorkomenidentificatie>1</Historie:voorkomenidentificatie>"
        f"<Historie:beginGeldigheid>2010-01-01</Historie:beginGeldigheid>{ended}</Historie:Voorkomen></Objecten:voorkomen>"
    )
    inside = "".join(
        f"<sl:stand><sl-bag-extract:bagObject>{one.replace('{history}', history)}</sl-bag-extract:bagObject></sl:stand>"
        for one in objects
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><sl-bag-extract:bagStand {spaces}><sl:standBestand><sl:dataset>LVBAG</sl:dataset>'
        f"<sl:inhoud><sl:objectTypen><sl:objectType>{kind}</sl:objectType></sl:objectTypen></sl:inhoud>{inside}"
        "</sl:standBestand></sl-bag-extract:bagStand>"
    )


def packed(path: Path, **members: bytes | str) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "."), content)
    return path


def test_the_extract_of_a_municipality_is_a_zip_of_a_zip_of_zips(tmp_path):
    panden = extract("PND", _PAND.replace("{id}", "0503100000000001"))
    gone = extract(
        "PND",
        _PAND.replace("{id}", "0503100000000009"),
        ended="<Historie:BeschikbaarLV><Historie:tijdstipInactief>2012-01-01T10:00:00.000</Historie:tijdstipInactief>"
        "</Historie:BeschikbaarLV>",
    )
    inner = {
        "p0503PND__zip": packed(tmp_path / "p.zip", p__xml=panden).read_bytes(),
        "p0503VBO__zip": packed(tmp_path / "v.zip", v__xml=extract("VBO", _HOME)).read_bytes(),
        "p0503Inactief__zip": packed(
            tmp_path / "i.zip", p__xml=gone
        ).read_bytes(),  # a file of the same name as another
    }
    whole = packed(tmp_path / "gem.zip", **inner).read_bytes()
    path = packed(tmp_path / "BAGGEM0503L.zip", gem__zip=whole, Leveringsdocument__xml="<l/>")
    frame, tally = auto(path, "pand")
    assert frame[["pand_id", "bouwjaar"]].to_numpy().tolist() == [["0503100000000001", 1965]]
    assert (frame["footprint_area_m2"].tolist(), tally.left_out["voorkomen ended or withdrawn"]) == ([100.0], 1)
    homes, _ = auto(path, "home")
    assert homes[["home_id", "pand_id", "floor_area_m2"]].to_numpy().tolist() == [
        ["0503010000000001", "0503100000000001", 90.0]
    ]


@pytest.mark.parametrize("ending", ["xml", "zip"])
def test_an_extract_behind_a_mark_is_read_and_one_in_utf_16_is_called_so(ending, tmp_path):
    text = extract("PND", _PAND.replace("{id}", "0503100000000001"))
    for name, content in (
        ("marked", text.encode("utf-8-sig")),
        ("wide", text.replace("UTF-8", "UTF-16").encode("utf-16")),
    ):
        path = tmp_path / f"{name}.{ending}"
        packed(path, p__xml=content, Leveringsdocument__xml="<l/>") if ending == "zip" else path.write_bytes(content)
    assert auto(tmp_path / f"marked.{ending}", "pand")[0]["pand_id"].tolist() == ["0503100000000001"]
    with pytest.raises(FormatError, match=r"text in UTF-16.*as UTF-8"):
        auto(tmp_path / f"wide.{ending}", "pand")


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda path: path.with_suffix(".shx").unlink(), r"no \.shx beside the \.shp.*keep the files of a shapefile"),
        (lambda path: path.with_suffix(".dbf").unlink(), r"there are none.*put the \.dbf of a shapefile beside it"),
    ],
)
def test_a_shapefile_without_one_of_its_files_says_which(spoil, found, tmp_path):
    path = save([REGISTER], tmp_path / "bag.shp")
    spoil(path)
    with pytest.raises(FormatError, match=found):
        auto(path, "pand")


@pytest.mark.parametrize("how", ["none", "4326"])
def test_a_geopackage_with_another_geometry_column_and_no_right_system_lies_in_rd_by_its_coordinates(how, tmp_path):
    import geopandas as gpd
    import pyogrio

    frame = gpd.GeoDataFrame([REGISTER], crs=None if how == "none" else "EPSG:4326")
    pyogrio.write_dataframe(frame, tmp_path / "p.gpkg", layer="pand", geometry_name="the_geom")
    panden, tally = auto(tmp_path / "p.gpkg", "pand")
    assert panden["footprint_area_m2"].tolist() == [100.0]
    assert tally.noted["reference system not named, RD New from its coordinates"] == 1


# --- height sheets ----------------------------------------------------------------------------------------------------

LEVELS = np.full((20, 20), 2.5, "float32")
LEVELS[0, :4] = [1, 2, 3, 4]


def sheet(path: Path, cells: Any = LEVELS, **more: Any) -> Path:
    cells = np.asarray(cells)
    bands = cells if cells.ndim == 3 else cells[None]
    scale, unit, mask = (more.pop(name, None) for name in ("scale", "unit", "mask"))
    how = {"crs": RD, "transform": from_origin(100_000, 450_000, 0.5, 0.5), "dtype": bands.dtype, **more}
    with rasterio.open(path, "w", driver="GTiff", count=len(bands), height=20, width=20, **how) as out:
        out.write(bands)
        if scale:
            out.scales = (scale,) * len(bands)
        if unit:
            out.units = (unit,) * len(bands)
    if mask is not None:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as out:
            out.write_mask(mask)
    return path


def heights(*paths: Path) -> Any:
    return open_window(paths, (100_000, 449_990, 100_010, 450_000))


@pytest.mark.parametrize(
    "how",
    [
        {"cells": (LEVELS * 100).astype("int16"), "scale": 0.01},
        {"cells": (LEVELS * 100).astype("int16"), "unit": "cm"},
        {"cells": (LEVELS * 1000).astype("int32"), "unit": "millimetre"},
        {"cells": LEVELS / np.float32(0.3048), "unit": "feet"},
        {"cells": LEVELS.astype("float64"), "nodata": -9999},
        {"cells": LEVELS, "crs": "EPSG:7415", "tiled": True, "blockxsize": 16, "blockysize": 16, "ENDIANNESS": "BIG"},
        {"cells": LEVELS, "crs": None},
    ],
    ids=["scale", "centimetres", "millimetres", "feet", "doubles", "big-endian tiles in RD and NAP", "no system"],
)
def test_a_sheet_says_its_own_scale_and_unit(how, tmp_path):
    cells, _, tally = heights(sheet(tmp_path / "s.tif", **how))
    assert cells[0, :4].tolist() == pytest.approx([1, 2, 3, 4])
    assert any("turned into metres" in note for note in tally.noted) == bool({"scale", "unit"} & set(how))


@pytest.mark.parametrize(
    ("how", "unknown"),
    [
        ({"cells": np.where(LEVELS == 2, np.nan, LEVELS), "nodata": np.nan}, 1),
        ({"cells": np.where(LEVELS == 2, np.float32(3.4028235e38), LEVELS)}, 1),
        ({"mask": np.where(LEVELS == 2, 0, 255).astype("uint8")}, 1),
        ({"cells": np.vstack([LEVELS[:5], np.zeros((15, 20), "float32")])}, 300),
        ({"cells": np.where(LEVELS == 2, 0, LEVELS)}, 0),  # a cell or two of 0.00 m NAP is ground
    ],
    ids=["NaN", "the filler of AHN, not named", "a mask", "zeros for nothing", "ground at 0"],
)
def test_what_has_no_height_is_unknown_in_every_way_to_say_so(how, unknown, tmp_path):
    cells, _, tally = heights(sheet(tmp_path / "s.tif", **how))
    assert int(np.isnan(cells).sum()) == tally.noted["cells without height"] == unknown


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"cells": np.stack([(LEVELS * 20).astype("uint8")] * 3)}, "cells of type uint8 without unit or scale"),
        ({"cells": (LEVELS * 20).astype("int16")}, "cells of type int16 without unit or scale"),
        ({"unit": "degree"}, "unit degree"),
        ({"transform": Affine(0.5, 0, 100_000, 0, 0.5, 449_990)}, "rows from south to north"),
        ({"transform": Affine(0.5, 0, 100_000, 0, -1, 450_000)}, "cells that are not square"),
        ({"transform": Affine(0.5, 0.1, 100_000, 0.1, -0.5, 450_000)}, "turned cells"),
    ],
)
def test_a_picture_or_a_crooked_grid_holds_no_heights(how, why, tmp_path):
    with pytest.raises(FormatError, match=why):
        heights(sheet(tmp_path / "s.tif", **how))


def test_a_second_band_is_said_and_another_system_says_how_to_turn_it(tmp_path):
    _, _, tally = heights(sheet(tmp_path / "two.tif", np.stack([LEVELS, LEVELS - 1])))
    assert tally.noted["two.tif has 2 bands: the first is read"] == 1
    with pytest.raises(CrsError, match=r"found EPSG:3857.*gdalwarp -t_srs EPSG:28992"):
        heights(sheet(tmp_path / "web.tif", crs="EPSG:3857"))


# --- CityJSON ---------------------------------------------------------------------------------------------------------


def changed(change: Any) -> Any:
    model = copy.deepcopy(_model([SOUTH_45]))
    change(model)
    return model


def geometries(model: Any) -> list[Any]:
    return [one for part in model["CityObjects"].values() for one in part.get("geometry", [])]


@pytest.mark.parametrize("lod", [2, 2.0, "2", "2.20", "LoD2.2"])
def test_a_level_of_detail_in_every_spelling(lod, tmp_path):
    model = changed(lambda model: [one.update(lod=lod) for one in geometries(model)])
    assert bag3d.read_roof_face(tile(tmp_path / "t.city.json", model))[0]["tilt_deg"].tolist() == [pytest.approx(45.0)]


@pytest.mark.parametrize("item", [False, True], ids=["page", "item"])
def test_an_answer_of_the_service_of_3dbag_saved_as_a_file(item, tmp_path):
    model = _model([SOUTH_45])
    feature = {
        "type": "CityJSONFeature",
        "id": PAND,
        "CityObjects": model["CityObjects"],
        "vertices": model["vertices"],
    }
    head = {"type": "CityJSON", "version": "2.0", "transform": model["transform"], "metadata": model["metadata"]}
    page = {
        "metadata": head,
        **({"feature": feature} if item else {"type": "FeatureCollection", "features": [feature]}),
    }
    path = tmp_path / "page.json"
    path.write_text(json.dumps(page), "utf-8")
    assert bag3d.read_roof_face(path)[0]["roof_area_m2"].tolist() == [pytest.approx(40 * 2**0.5)]


def test_one_building_whose_numbers_point_nowhere_costs_itself(tmp_path):
    def second(model: Any) -> None:
        bad = copy.deepcopy(geometries(model)[0])
        bad["boundaries"][0][0][0][0] = 999
        model["CityObjects"]["NL.IMBAG.Pand.0503100000000311"] = {"type": "Building", "geometry": [bad]}

    faces, tally = bag3d.read_roof_face(tile(tmp_path / "t.city.json", changed(second)))
    assert faces["pand_id"].tolist() == ["0503100000000310"]
    assert tally.noted["left out, faces, corners and semantics do not match: NL.IMBAG.Pand.0503100000000311"] == 1


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            lambda model: [one["semantics"].update(values=None) for one in geometries(model)],
            "geometry without semantics",
        ),
        (
            lambda model: [one["semantics"].update(values=[None]) for one in geometries(model)],
            "geometry without semantics",
        ),
        (lambda model: model.update(CityObjects={}), "no building in the file"),
    ],
)
def test_a_tile_without_a_roof_never_passes_without_a_word(change, note, tmp_path):
    faces, tally = bag3d.read_roof_face(tile(tmp_path / "t.city.json", changed(change)))
    assert (len(faces), tally.noted[note]) == (0, 1)


@pytest.mark.parametrize("lost", ["scale", "translate"])
def test_half_a_transform_is_named(lost, tmp_path):
    model = changed(lambda model: model["transform"].pop(lost))
    with pytest.raises(FormatError, match=f"found a transform without {lost}; where: t.city.json, transform"):
        bag3d.read_roof_face(tile(tmp_path / "t.city.json", model))


# --- weather ----------------------------------------------------------------------------------------------------------

HEAD = "# STN,YYYYMMDD,    Q,   RH, EV24\n"


def test_days_with_remarks_dashes_blanks_and_a_comma_too_many(tmp_path):
    path = tmp_path / "dag.txt"
    path.write_text(
        f"# bron\n{HEAD}278,20200101,360,-1,5\n# x\n\n278,20200102,,-,-1\n278,20200103,360,10,5,\n", "utf-8"
    )
    days, tally = knmi.read_weather_daily(path)
    assert days["global_radiation_kwh_per_m2"].tolist() == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)
    assert days["rain_mm"].tolist() == pytest.approx([0.0, np.nan, 1.0], nan_ok=True)
    assert tally.noted["rain below 0.05 mm"] == 1


def test_decimals_show_that_a_column_of_knmi_is_in_another_unit(tmp_path):
    rows = "".join(f"278,2020010{day},{3 + day / 10},{day}.2,5\n" for day in range(1, 8))
    (tmp_path / "dag.txt").write_text(HEAD + rows, "utf-8")
    days, tally = knmi.read_weather_daily(tmp_path / "dag.txt")
    assert days[["global_radiation_kwh_per_m2", "rain_mm"]].isna().all().all()
    assert days["evaporation_mm"].tolist() == pytest.approx([0.5] * 7)
    assert tally.noted["dag.txt, Q has decimals, which KNMI's own unit has not: another unit? unknown"] == 7


@pytest.mark.parametrize("clock", ["{}", "{}:00", "{:02d}:00:00"])
def test_an_hour_as_a_clock_says_it(clock, tmp_path):
    rows = "".join(f"278,20200101,{clock.format(hour)},50,81,{hour}\n" for hour in range(1, 25))
    (tmp_path / "uur.txt").write_text("# STN,YYYYMMDD,HH,FH,T,Q\n" + rows, "utf-8")
    hours, _ = knmi.read_weather_hourly(tmp_path / "uur.txt")
    assert hours["timestamp"].dt.hour.iloc[[0, 23]].tolist() == [0, 23]
    assert hours["ghi_w_per_m2"].iloc[11] == pytest.approx(12 * 1e4 / 3600)


def test_half_hours_are_no_hours(tmp_path):
    rows = "".join(f"278,20200101,{half / 2},50,81,1\n" for half in range(1, 48))
    (tmp_path / "uur.txt").write_text("# STN,YYYYMMDD,HH,FH,T,Q\n" + rows, "utf-8")
    with pytest.raises(FormatError, match="none in 24 of 47 rows"):
        knmi.read_weather_hourly(tmp_path / "uur.txt")


def test_an_epw_with_semicolons_says_what_its_first_line_should_be(tmp_path):
    (tmp_path / "jaar.epw").write_text(
        "LOCATION;Proef;-;NLD;x;1;52.4;6.2;1.0;4.0\n" + "x\n" * 7 + "2019;1;1;1;60\n", "utf-8"
    )
    with pytest.raises(FormatError, match=r"a first line LOCATION.*row 1"):
        auto(tmp_path / "jaar.epw", "weather_hourly")


# --- text in every encoding -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("first", ["", "sep=;\r\n"])
def test_text_is_text_in_every_encoding_and_behind_the_line_of_excel(encoding, first):
    assert text_of((first + "naam;jaar\r\nCafé;1968\r\n").encode(encoding))[0] == "naam;jaar\r\nCafé;1968\r\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("first", ["", "sep=;\n", "# export van 2026\n\n"])
def test_hydx_in_other_encodings_below_remarks(encoding, first, tmp_path):
    for table, text in (("Knooppunt", NODES), ("Verbinding", PIPES), ("Profiel", PROFILES)):
        (tmp_path / f"{table}.csv").write_bytes((first + text).encode(encoding))
    pipes, _ = gwsw.read_sewer_pipe(tmp_path, form="hydx-csv")
    assert pipes["pipe_id"].tolist() == ["v0", "v1", "v2"]
    assert pipes["bob_from_m_nap"].tolist() == pytest.approx([0.5, 0.4, 0.3])


# --- GWSW -------------------------------------------------------------------------------------------------------------

PIPE = {
    "uri": "a",
    "type": "GemengdRiool",
    "Begindatum": "1975-01-01",
    "HoogteLeiding": "300",
    "BobBeginpuntLeiding": "1,50",
    "BobEindpuntLeiding": "1,40",
    "geometry": LineString([(100_000, 450_000), (100_050, 450_000)]),
}


@pytest.mark.parametrize("kind", ["http://data.gwsw.nl/1.6/totaal#GemengdRiool", "Gemengd riool", "gemengd_riool"])
def test_a_kind_of_pipe_in_every_spelling(kind, tmp_path):
    pipes, _ = auto(save([PIPE | {"type": kind}], tmp_path / "g.gpkg", layer="BeheerLeiding"), "sewer_pipe")
    assert pipes["system"].tolist() == ["gemengd"]


@pytest.mark.parametrize("status", ["Vervallen", "buiten gebruik", "GEPLAND"])
def test_pipes_that_are_no_more_or_not_yet_are_left_out_of_every_form(status, tmp_path):
    rows = [PIPE | {"status": status}, PIPE | {"uri": "b", "status": "in gebruik"}]
    pipes, tally = auto(save(rows, tmp_path / "g.gpkg", layer="BeheerLeiding"), "sewer_pipe")
    assert (pipes["pipe_id"].tolist(), tally.left_out[f"status: {status}"]) == (["b"], 1)
    nodes = [
        {"uri": one, "type": "Inspectieput", "status": at, "geometry": Point(1e5, 4.5e5)}
        for one, at in (("a", status), ("b", None))
    ]
    kept, tally = auto(save(nodes, tmp_path / "n.gpkg", layer="BeheerPut"), "sewer_node")
    assert (kept["node_id"].tolist(), tally.left_out[f"status: {status}"]) == (["b"], 1)


def test_fillers_in_half_of_the_levels_make_no_cliff_of_the_others(tmp_path):
    levels = ["999", "-999", "9999.0", "1.5", "1.5"]
    rows = [PIPE | {"uri": str(n), "BobBeginpuntLeiding": one} for n, one in enumerate(levels)]
    pipes, _ = auto(save(rows, tmp_path / "g.gpkg", layer="BeheerLeiding"), "sewer_pipe")
    assert pipes["bob_from_m_nap"].tolist() == pytest.approx([np.nan] * 3 + [1.5] * 2, nan_ok=True)


# --- statistics -------------------------------------------------------------------------------------------------------

FIGURES = (
    "ID;WijkenEnBuurten;AantalInwoners_5;HuishoudensTotaal_28;GemiddeldeHuishoudensgrootte_32\r\n"
    "0;BU05030000;1000;500;2,1\r\n1;BU05030001;       .;.;       .\r\n2;GM0503    ;100000;50000;2,0\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_table_of_cbs_as_people_save_it(encoding, separator, tmp_path):
    text = FIGURES.replace(",", ".") if separator == "," else FIGURES
    path = tmp_path / "kwb.csv"
    path.write_bytes(text.replace(";", separator).encode(encoding))
    frame, tally = auto(path, "statistics", year=2023)
    assert frame["buurtcode"].tolist() == ["BU05030000", "BU05030001"]
    assert frame["household_size_persons"].tolist() == pytest.approx([2.1, np.nan], nan_ok=True)
    assert (tally.left_out["not a buurt"], tally.noted["inhabitants unknown"]) == (1, 1)


def test_the_yearly_workbook_of_cbs_says_its_year_in_its_title_and_a_table_in_its_rows(tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["Kerncijfers wijken en buurten 2023"],
        [],
        ["gwb_code_10", "gwb_code_8", "regio", "recs", "gwb_code", "a_inw", "a_hh", "g_gas", "p_bjo2k", "g_ink_pi"],
        ["BU05030000", "05030000", "A", "Buurt", "05030000", 1000, 500, 1200, 80, 30.5],
        ["WK050300", "050300", "A", "Wijk", "050300", 9000, 4000, ".", 80, 31],
    ):
        book.active.append(row)
    book.save(tmp_path / "kwb-2023.xlsx")
    frame, _ = auto(tmp_path / "kwb-2023.xlsx", "statistics")
    names = [
        "inhabitants",
        "gas_use_m3_per_home",
        "built_before_2000_pct",
        "income_per_inhabitant_eur",
        "inhabitants_year",
    ]
    assert frame[names].to_numpy().tolist() == [[1000, 1200, 80, 30_500, 2023]]
    rows = FIGURES.replace("ID;", "ID;Perioden;").replace("0;BU", "0;2022JJ00;BU").replace("1;BU", "1;2023JJ00;BU")
    (tmp_path / "t.csv").write_text(rows.replace("2;GM", "2;2023JJ00;GM"), "utf-8")
    frame, tally = auto(tmp_path / "t.csv", "statistics")
    assert (frame["buurtcode"].tolist(), tally.left_out["of another year"]) == (["BU05030001"], 1)


def test_a_table_of_municipalities_is_no_table_of_buurten(tmp_path):
    (tmp_path / "t.csv").write_text(FIGURES.replace("BU0503000", "GM0503000"), "utf-8")
    with pytest.raises(FormatError, match="codes of buurten, such as BU01930000, in column WijkenEnBuurten"):
        auto(tmp_path / "t.csv", "statistics", year=2023)


# --- own data ---------------------------------------------------------------------------------------------------------

FIRST, SECOND = "0193100000000001", "0193100000000002"


def own(path: Path, shape: Any = PANDEN, known: Any = (FIRST, SECOND), **more: Any) -> Any:
    return read_own(path, shape=shape, known=set(known), first_year=1850, last_year=2100, **more)


def words(read: Any, row: int, column: str = "pand_id") -> str:
    report = read.report[(read.report["row"] == row) & (read.report["column"] == column)].iloc[0]
    return own_result_nl(report["result"], report["hint"])


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_that_of_the_head_whatever_the_title_holds(separator, tmp_path):
    row = separator.join([FIRST, '"Stichting; ""Wonen"", Delft"', "2031"])
    text = f"Lijst; versie 1; 2; 3; 4\n{separator.join(['pand_id', 'owner', 'maintenance_year'])}\n{row}\n"
    (tmp_path / "p.csv").write_text(text, "utf-8")
    read = own(tmp_path / "p.csv")
    assert read.table[["owner", "maintenance_year"]].to_numpy().tolist() == [['Stichting; "Wonen", Delft', 2031]]


def workbook(path: Path, rows: list[Any], hidden: int | None = None, before: list[Any] | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if hidden:
        book.active.row_dimensions[hidden].hidden = True
    if before:
        other = book.create_sheet("oud", 0)
        for row in before:
            other.append(row)
        other.sheet_state = "hidden"
    book.save(path)
    return path


def test_a_hidden_row_is_said_and_a_hidden_sheet_is_not_read(tmp_path):
    head = ["pand_id", "owner", "maintenance_year"]
    rows = [head, [FIRST, "A", 2031], [SECOND, "B", 2040]]
    read = own(workbook(tmp_path / "p.xlsx", rows, hidden=3, before=[head, [FIRST, "OUD", 1999]]))
    assert read.table["owner"].tolist() == ["A", "B"]
    assert words(read, 3) == "gebruikt; deze rij is in de werkmap verborgen"
    assert words(read, 2) == "gebruikt"


def test_what_excel_could_not_work_out_is_no_owner(tmp_path):
    rows = [["pand_id", "owner", "maintenance_year"], [FIRST, "#N/B", "#DEEL/0!"], [SECOND, "B", 2040]]
    read = own(workbook(tmp_path / "p.xlsx", rows))
    assert read.table["owner"].isna().tolist() == [True, False]
    assert words(read, 2, "owner").startswith("niet te lezen")


def test_two_columns_for_one_thing_that_differ_are_asked_about(tmp_path):
    text = "pand_id;owner;eigenaar;maintenance_year\n{};A;{};2031\n"
    (tmp_path / "p.csv").write_text(text.format(FIRST, "A"), "utf-8")
    assert own(tmp_path / "p.csv").table["owner"].tolist() == ["A"]
    (tmp_path / "p.csv").write_text(text.format(FIRST, "B"), "utf-8")
    with pytest.raises(FormatError, match=r"one column owner; found owner and eigenaar.*row 2"):
        own(tmp_path / "p.csv")


def test_units_behind_numbers_and_power_in_watts(tmp_path):
    text = "leiding;aanlegjaar;diameter\nP1;1968;300 mm\nP2;1968;Ø400\nP3;1968;0,3\n"
    (tmp_path / "l.csv").write_text(text, "utf-8")
    pipes = own(tmp_path / "l.csv", SEWERS, ("P1", "P2", "P3"))
    assert pipes.table["diameter_mm"].tolist() == pytest.approx([300, 400, np.nan], nan_ok=True)
    head = "pand_id;owner;maintenance_year;kwp\n"
    (tmp_path / "p.csv").write_text(f"{head}{FIRST};A;2031;12,5 kWp\n{SECOND};A;2031;1500\n", "utf-8")
    assert own(tmp_path / "p.csv").table["pv_installed_kwp"].tolist() == [12.5, 1500]  # a hall among homes
    (tmp_path / "p.csv").write_text(f"{head}{FIRST};A;2031;3500\n{SECOND};A;2031;4200\n", "utf-8")
    read = own(tmp_path / "p.csv")
    assert read.table["pv_installed_kwp"].isna().all()
    assert "in Wp geschreven" in words(read, 2, "pv_installed_kwp")


def test_power_with_two_readings_beside_small_systems_is_asked_about(tmp_path):
    """12.500 is 12,5 kWp on a house or 12.500 kWp on a field: the commas of other rows do not say which (a thousand times)."""
    text = (
        f"pand_id;owner;maintenance_year;kwp\n{FIRST};A;2031;12.500\n{SECOND};A;2031;3,5\n0193100000000003;A;2031;4,2\n"
    )
    known = (FIRST, SECOND, "0193100000000003")
    (tmp_path / "p.csv").write_text(text, "utf-8")
    read = own(tmp_path / "p.csv", known=known)
    assert read.table["pv_installed_kwp"].tolist() == pytest.approx([np.nan, 3.5, 4.2], nan_ok=True)
    assert "schrijf 12500 of 12,5" in words(read, 2, "pv_installed_kwp")
    (tmp_path / "p.csv").write_text(text.replace(";12.500", ";2.500,00"), "utf-8")  # a hall, beyond doubt
    assert own(tmp_path / "p.csv", known=known).table["pv_installed_kwp"].tolist() == [2500, 3.5, 4.2]


def test_a_service_by_its_dutch_name(tmp_path):
    (tmp_path / "b.csv").write_text("dienst;betaler;budget\nGroen onderhouden;gemeente;12500\n", "utf-8")
    read = own(tmp_path / "b.csv", BUDGETS, ("green_maintenance",), spelled={"groen onderhouden": "green_maintenance"})
    assert read.table.index.tolist() == ["green_maintenance"]


# --- the form is judged before a run ----------------------------------------------------------------------------------


def test_columns_of_no_form_are_seen_without_reading_a_row(tmp_path):
    path = save([{"naam": "x", "geometry": box(1e5, 4.5e5, 1e5 + 9, 4.5e5 + 9)}], tmp_path / "p.gpkg")
    source = Source(role="pand", publisher="x", origin="file", form="lvbag-gpkg", path="p.gpkg")
    with pytest.raises(FormatError, match=r"there are naam"):
        settle(path, source, sure=True)
    assert settle(save([REGISTER], tmp_path / "q.gpkg"), source, sure=True).form == "pdok-geojson"
