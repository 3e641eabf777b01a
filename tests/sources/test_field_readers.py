"""Small made files for the traps of CBS, BGT, GWSW, KNMI and AHN: unknown codes, zeros, ended rows, missing sheets."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from shapely.geometry import LineString, box

from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources import ahn, bgt, cbs_areas, gwsw, knmi
from tests.sources.sheets import open_window

RD = "EPSG:28992"


def write_sheet(heights, transform, *, path):
    """Write heights [m NAP], NaN where unknown, as a sheet with AHN's own nodata value."""
    grid = {"height": heights.shape[0], "width": heights.shape[1], "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", crs=RD, transform=transform, nodata=ahn.NODATA, **grid) as sheet:
        sheet.write(np.where(np.isnan(heights), ahn.NODATA, heights).astype(np.float32), 1)


@pytest.mark.parametrize("unknown", [-99999999, -99995, -99997, ".", "?", ""])
def test_no_spelling_of_unknown_becomes_a_number(tmp_path: Path, unknown: object) -> None:
    row = {
        "buurtcode": "BU01931000",
        "buurtnaam": "Noord",
        "gemeentecode": "GM0193",
        "jaar": 2023,
        "aantal_inwoners": 1200,
        "aantal_huishoudens": unknown,
        "gemiddelde_huishoudsgrootte": 2.1,
        "gemiddelde_woningwaarde": 312,
    }
    path = tmp_path / "buurten.geojson"
    gpd.GeoDataFrame([row], geometry=[box(2e5, 5e5, 2.01e5, 5.01e5)], crs=RD).to_file(path)
    buurten, _ = cbs_areas.read_buurt(path)
    one = buurten.iloc[0]
    assert np.isnan(one["households"])
    assert buurten["households_year"].isna().all()
    assert (one["inhabitants"], one["inhabitants_year"]) == (1200, 2023)
    assert one["home_value_eur"] == 312_000
    with pytest.raises(FormatError, match="2021"):
        cbs_areas.read_buurt(path, form="wfs-2021-shp")


def test_ended_surfaces_are_left_out(tmp_path: Path) -> None:
    rows = [
        {"lokaal_id": name, "functie": "voetpad", "fysiek_voorkomen": "waardeOnbekend", "eind_registratie": end}
        for name, end in (("a", None), ("b", "2020-01-01"))
    ]
    path = tmp_path / "wegdeel.geojson"
    gpd.GeoDataFrame(rows, geometry=[box(1e5, 4.5e5, 1e5 + 10, 4.5e5 + 10)] * 2, crs=RD).to_file(path)
    surfaces, tally = bgt.read_terrain(path, kind="wegdeel")
    assert surfaces["terrain_id"].tolist() == ["a"]
    assert surfaces["surface"].isna().all()
    assert tally.left_out["registration ended"] == 1


def test_pipes_whose_values_are_all_text(tmp_path: Path) -> None:
    base = "http://data.gwsw.nl/1.{}/totaal/{}"
    names = [
        (4, "GemengdRiool", ""),
        (6, "Hemelwaterriool", "VerbeterdGescheidenStelsel"),
        (5, "Drukleiding", ""),
        (5, "Nieuwigheid", ""),
    ]
    rows = [
        {
            "uri": f"pipe-{n}",
            "type": base.format(version, kind),
            "stelseltype": system,
            "Begindatum": "2008-01-01" if n == 0 else "",
            "HoogteLeiding": ["300", "0", "", "100"][n],
            "BobBeginpuntLeiding": ["-1.25", "0", "", "0.5"][n],
        }
        for n, (version, kind, system) in enumerate(names)
    ]
    path = tmp_path / "leiding.geojson"
    gpd.GeoDataFrame(rows, geometry=[LineString([(1e5, 4.5e5), (1e5 + 30, 4.5e5 + 40)])] * 4, crs=RD).to_file(path)
    pipes, tally = gwsw.read_sewer_pipe(path)
    assert pipes["system"].tolist() == ["gemengd", "verbeterd_gescheiden", "drukriool", "overig"]
    assert pipes["kind"].tolist() == ["gravity", "gravity", "pressure", "other"]
    assert pipes["diameter_mm"].isna().tolist() == [False, True, True, False]
    assert pipes["laid_year"].isna().tolist() == [False, True, True, True]
    assert pipes["bob_from_m_nap"].iloc[0] == pytest.approx(-1.25)
    assert pipes["length_m"].iloc[0] == pytest.approx(50.0)  # 30-40-50 triangle
    assert tally.noted["type not known: Nieuwigheid"] == 1


def test_hours_of_a_station_in_world_time(tmp_path: Path) -> None:
    path = tmp_path / "uurgeg_278.txt"
    path.write_text(
        "# STN  LON(east)  LAT(north)  ALT(m)  NAME\n# 278  6.259  52.435  3.6  Heino\n\n"
        "# STN,YYYYMMDD,   HH,   FH,    T,    Q\n  278,20230601,   12,   30,  185,  288\n  278,20230601,   13,   ,  ,\n",
        encoding="utf-8",
    )
    hours, _ = knmi.read_weather_hourly(path)
    first = hours.iloc[0]
    assert first["timestamp"] == pd.Timestamp("2023-06-01T11:00Z")
    # 288 J/cm2 in an hour = 2.88e6 J/m2 / 3600 s = 800 W/m2.
    assert first["ghi_w_per_m2"] == pytest.approx(800.0)
    assert first["air_temperature_degc"] == pytest.approx(18.5)
    assert hours["ghi_w_per_m2"].isna().tolist() == [False, True]
    path.write_text("geen weer\n", encoding="utf-8")
    with pytest.raises(FormatError, match="STN"):
        knmi.read_weather_daily(path)


def test_heights_of_two_sheets_and_a_missing_one(tmp_path: Path) -> None:
    west, east = tmp_path / "w.tif", tmp_path / "e.tif"
    flat = np.ones((4, 4), dtype=np.float32)
    flat[0, 0] = np.nan
    write_sheet(flat, Affine(0.5, 0, 1e5, 0, -0.5, 4.5e5), path=west)
    write_sheet(flat * 2, Affine(0.5, 0, 1e5 + 2, 0, -0.5, 4.5e5), path=east)
    bounds = (1e5, 4.5e5 - 2, 1e5 + 5, 4.5e5)
    heights, transform, tally = open_window([west, east, tmp_path / "gone.tif"], bounds)
    assert heights.shape == (4, 10)
    assert (transform.c, transform.f) == (1e5, 4.5e5)
    assert heights[1].tolist()[:8] == [1.0] * 4 + [2.0] * 4
    # Two cells without height in the sheets, two columns of four cells without a sheet.
    assert np.isnan(heights).sum() == 2 + 8 == tally.noted["cells without height"]
    assert tally.left_out["sheet missing"] == 1
    with pytest.raises(FormatError, match="none"):
        open_window([tmp_path / "gone.tif"], bounds)
    shifted = tmp_path / "s.tif"
    write_sheet(flat, Affine(0.5, 0, 1e5 + 0.2, 0, -0.5, 4.5e5), path=shifted)
    with pytest.raises(FormatError, match="grid"):
        open_window([west, shifted], bounds)
    with rasterio.open(west, "r+") as sheet:
        sheet.crs = "EPSG:4326"
    with pytest.raises(CrsError, match="4326"):
        open_window([west], bounds)


def test_a_window_of_half_metre_cells_lies_where_its_heights_are(tmp_path: Path) -> None:
    heights = np.arange(60 * 80, dtype=np.float64).reshape(60, 80) / 100
    write_sheet(heights, ahn.Affine(0.5, 0, 190_000, 0, -0.5, 560_030), path=tmp_path / "sheet.tif")
    window, place, _ = open_window([tmp_path / "sheet.tif"], (190_010.0, 560_005.0, 190_030.0, 560_020.0))
    assert place == ahn.Affine(0.5, 0, 190_010, 0, -0.5, 560_020)
    np.testing.assert_array_equal(window, heights[20:50, 20:60].astype(np.float32))
