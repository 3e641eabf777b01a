"""Sun through the stage: clocks, bases, modules, sizes; on small places that are made here."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from rasterio.transform import from_origin

from kansenkaart.cli import cli
from kansenkaart.core.solar.weather import long_term_months
from kansenkaart.errors import ConfigError, CrsError, FormatError
from kansenkaart.score import calibration, roofs
from kansenkaart.score import panden as sun_panden
from kansenkaart.score import panden as sun_use
from kansenkaart.score import weather as sun_cache
from kansenkaart.score import weather as sun_station
from kansenkaart.score.surfaces import Faces, find_faces, height_model, raised, shaded, sweep
from kansenkaart.sources import knmi
from kansenkaart.tables import assumptions
from tests.core.solar.test_solar_shade import table
from tests.pinned import require_as_pinned

EAST, NORTH, CELL = 85000.0, 447000.0, 0.5


SHARED = Path(
    tempfile.mkdtemp(prefix="sun-of-places-")
)  # where tables of stations are kept: each weather is worked out once


@pytest.fixture(scope="module", autouse=True)
def _tidy():
    yield
    shutil.rmtree(SHARED)


class Tables:
    """A store that holds frames and rasters in memory."""

    def __init__(self, tmp_path, **tables):
        self.tables, self.folder, self.root = tables, tmp_path, SHARED

    def has(self, name):
        """Tell whether a table is there."""
        return name in self.tables

    def read(self, name):
        """Return a copy of a table."""
        return self.tables[name].copy()

    def path(self, name):
        """Write a raster and say where."""
        target = self.folder / f"{name}.tif"
        heights = self.tables[name].astype("float32")
        with rasterio.open(
            target,
            "w",
            driver="GTiff",
            width=heights.shape[1],
            height=heights.shape[0],
            count=1,
            dtype="float32",
            crs="EPSG:28992",
            nodata=3.4028235e38,
            transform=from_origin(EAST, NORTH, CELL, CELL),
        ) as out:
            out.write(heights, 1)
        return target


@cache
def weather(shift_minutes=30):
    """Make a clear year at 52 N whose hours lie `shift_minutes` after their timestamps."""
    from pvlib.solarposition import get_solarposition

    stamps = pd.date_range("2021-01-01", periods=8760, freq="h", tz="UTC")
    height = get_solarposition(stamps + pd.Timedelta(minutes=shift_minutes), 52.0, 5.0)["apparent_elevation"]
    up = np.maximum(np.sin(np.radians(height.to_numpy())), 0)
    dni, dhi = np.where(up > 0.03, 600.0, 0.0), np.where(up > 0, 60.0, 0.0)
    return pd.DataFrame(
        {
            "timestamp": stamps,
            "ghi_w_per_m2": dhi + dni * up,
            "dni_w_per_m2": dni,
            "dhi_w_per_m2": dhi,
            "latitude_deg": 52.0,
            "longitude_deg": 5.0,
        }
    )


def face(name, pand, box, tilt, azimuth, eave):
    plan = shapely.box(*box)
    return {
        "face_id": name,
        "pand_id": pand,
        "tilt_deg": tilt,
        "azimuth_deg": azimuth,
        "roof_area_m2": plan.area / np.cos(np.radians(tilt)),
        "eave_height_m_nap": eave,
        "geometry": plan,
    }


def faces(*rows):
    return gpd.GeoDataFrame(list(rows), crs="EPSG:28992")


def panden(*boxes, homes=1):
    rows = [
        {
            "pand_id": f"p{i}",
            "buurtcode": "BU1",
            "bouwjaar": 1970,
            "homes": homes,
            "footprint_area_m2": shapely.box(*box).area,
            "geometry": shapely.box(*box),
        }
        for i, box in enumerate(boxes)
    ]
    return gpd.GeoDataFrame(rows, crs="EPSG:28992").astype({"homes": "Int64", "bouwjaar": "Int64"})


def spot(x, y, width, depth):
    return EAST + x, NORTH - y - depth, EAST + x + width, NORTH - y


def scored(store):
    return roofs.score_roofs(store, assumptions.default())[0]


@pytest.mark.parametrize("shift", [-30, 30, 85])
def test_a_wrong_clock_does_not_favour_the_morning(tmp_path, shift):
    # Two slopes back to back under a year that is the same before and after noon: east = west, whatever the stamps say.
    rows = faces(
        face("e", "p0", spot(10, 10, 5, 10), 35.0, 90.0, 6.0), face("w", "p1", spot(40, 10, 5, 10), 35.0, 270.0, 6.0)
    )
    made = scored(Tables(tmp_path, roof_face=rows, weather_hourly=weather(shift)))
    east, west = made.content.set_index("face_id").loc[["e", "w"], "open_sky_kwh_per_m2_year"]
    assert east == pytest.approx(west, rel=0.015)
    clocks = re.compile(r"uur waarvan het midden (-?\d+) minuten na zijn tijdstip ligt")
    noted = [
        (found, hours) for reason, hours in made.tally.to_dict()["noted"].items() if (found := clocks.match(reason))
    ]
    ((minutes, hours),) = noted  # what is counted are hours, and the minutes stand in the words
    assert int(minutes[1]) == pytest.approx(shift, abs=5)
    assert hours == 8760


def test_a_neighbour_shades_where_only_the_model_is_known(tmp_path):
    low = face("low", "p0", spot(10, 10, 8, 8), 0.0, np.nan, 3.0)
    tall = face("tall", "p1", spot(8, 19, 12, 8), 0.0, np.nan, 18.0)  # south of it
    store = Tables(tmp_path, roof_face=faces(low, tall), weather_hourly=weather())
    found = scored(store).content.set_index("face_id")
    assert (found["score_basis"] == "lod22").all()
    assert found.loc["tall", "shade_frac"] < 0.002
    assert found.loc["low", "shade_frac"] > 0.2
    assert (found["yield_fit_kwh_per_year_low"] <= found["yield_fit_kwh_per_year"]).all()


def test_a_roof_without_a_model_is_found_in_the_heights(tmp_path):
    rows, cols = np.mgrid[0:120, 0:120]
    heights = np.zeros((120, 120))
    x, y = (cols + 0.5) * CELL, (rows + 0.5) * CELL
    on = (x > 20) & (x < 32) & (y > 20) & (y < 36)
    heights[on] = (5 + (20 + 16 - y) * np.tan(np.radians(30)))[on]  # falls to the south
    store = Tables(tmp_path, pand=panden(spot(20, 20, 12, 16)), dsm=heights, weather_hourly=weather())
    made = scored(store).content
    assert made["score_basis"].tolist() == ["dsm"]
    assert made["pand_id"].tolist() == ["p0"]
    assert made["tilt_deg"].iloc[0] == pytest.approx(30, abs=0.3)
    assert made["azimuth_deg"].iloc[0] == pytest.approx(180, abs=0.5)
    assert made["roof_area_m2"].iloc[0] == pytest.approx(192 / np.cos(np.radians(30)), rel=0.03)
    assert made["modules_fit"].iloc[0] > 60
    # Three rows of ten or so more where each edge lies 20 cm further out, and what a chimney takes; no more than its rim holds.
    assert 0 < made["modules_in_doubt"].iloc[0] < 25
    known, module = assumptions.default(), roofs.module_of(assumptions.default()).power_wp / 1000
    heights[56:60, 52:56] += 2.0
    held = scored(store).content
    assert held["modules_fit"].sum() < made["modules_fit"].sum()
    assert held["modules_in_doubt"].sum() > made["modules_in_doubt"].sum()
    # A second run has nothing but the table of faces: its column bounds the pand.
    whole = panden_of(tmp_path, roof_face_score=made, **store.tables).iloc[0]
    doubt = roofs.doubt_of(whole["kwp_fit"], float(made["modules_in_doubt"].sum()), module)
    rule = roofs.interval_rules().loc["dsm"]
    assert whole["kwp_fit_low"] == pytest.approx(whole["kwp_fit"] + rule["low_doubts"] * doubt)
    assert whole["kwp_fit_high"] == pytest.approx(whole["kwp_fit"] + rule["high_doubts"] * doubt)
    with_model = scored(
        Tables(
            tmp_path, roof_face=faces(face("f", "p0", spot(20, 20, 12, 16), 30.0, 180.0, 5.0)), weather_hourly=weather()
        )
    )
    assert with_model.content["modules_in_doubt"].isna().all()  # its edges are the model's
    assert roofs.power_bounds(np.ones(1), pd.Series(["lod22"]), np.full(1, np.nan), known)[0] == pytest.approx([0.8])


def test_faces_split_over_tiles_are_found_once(tmp_path, monkeypatch):
    heights = np.zeros((200, 200))
    boxes = [spot(4, 4, 10, 10), spot(27, 27, 10, 10), spot(80, 80, 10, 10)]
    for box in boxes:
        left, top = int((box[0] - EAST) / CELL), int((NORTH - box[3]) / CELL)
        heights[top : top + 20, left : left + 20] = 7.0
    store = Tables(tmp_path, dsm=heights)
    whole = find_faces(panden(*boxes), height_model(store.path("dsm")))
    monkeypatch.setattr("kansenkaart.score.surfaces._TILE", 64)
    tiled = find_faces(panden(*boxes), height_model(store.path("dsm")))
    assert len(whole) == 3
    columns = ["pand_id", "tilt_deg", "roof_area_m2", "eave_height_m_nap"]
    pd.testing.assert_frame_equal(
        whole[columns].sort_values("pand_id", ignore_index=True),
        tiled[columns].sort_values("pand_id", ignore_index=True),
    )


def test_a_tree_over_a_roof_leaves_no_modules_under_it(tmp_path):
    heights = np.zeros((120, 120))
    heights[40:72, 40:64] = 6.0  # a flat roof of 12 m x 16 m
    bare = Tables(
        tmp_path / "a",
        roof_face=faces(face("f", "p0", spot(20, 20, 12, 16), 0.0, np.nan, 6.0)),
        dsm=heights,
        weather_hourly=weather(),
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    wooded = heights.copy()
    wooded[40:56, 40:64] = 14.0  # a crown over its northern half
    with_tree = Tables(tmp_path / "b", **{**bare.tables, "dsm": wooded})
    open_roof, under = (scored(one).content.iloc[0] for one in (bare, with_tree))
    assert open_roof["score_basis"] == under["score_basis"] == "lod22+dsm"
    assert under["free_area_m2"] == pytest.approx(open_roof["free_area_m2"] / 2, rel=0.02)
    assert under["modules_fit"] <= open_roof["modules_fit"] / 2


def test_a_sunny_face_that_takes_no_module_has_no_letter(tmp_path):
    # Large enough for a letter (9.6 m2), and too narrow for a module between the edges that stay free.
    small = face("small", "p0", spot(20, 20, 3.2, 3.0), 0.0, np.nan, 3.0)
    large = face("large", "p1", spot(60, 60, 12, 16), 0.0, np.nan, 6.0)
    made = scored(Tables(tmp_path, roof_face=faces(small, large), weather_hourly=weather())).content.set_index(
        "face_id"
    )
    assert made.loc["small", ["modules_fit", "sun_class", "sun_class_span"]].tolist() == [0, "-", "-"]
    assert made.loc["large", "modules_fit"] > 10
    assert made.loc["large", "sun_class"] in list("ABC")


def test_strange_faces_are_kept_and_counted(tmp_path):
    bow = shapely.Polygon([(EAST, NORTH), (EAST + 5, NORTH - 5), (EAST + 5, NORTH), (EAST, NORTH - 5)])
    odd = faces(
        face("no direction", "p0", spot(10, 10, 5, 5), 30.0, np.nan, 5.0),
        face("no pand", "gone", spot(30, 10, 5, 5), 30.0, 180.0, 5.0),
        {**face("crossing", "p0", spot(0, 0, 5, 5), 30.0, 180.0, 5.0), "geometry": bow},
        {**face("no area", "p0", spot(50, 50, 5, 5), 30.0, 180.0, 5.0), "roof_area_m2": 0.0},
    )
    made = scored(
        Tables(tmp_path, roof_face=odd, pand=panden(spot(10, 10, 5, 5), spot(90, 90, 5, 5)), weather_hourly=weather())
    )
    noted = made.tally.to_dict()["noted"]
    assert len(made.content) == 4
    assert noted["richting of helling onbekend"] == 1
    assert noted["dakvlak zonder pand in de BAG"] == 1
    assert noted["dakvlak zonder oppervlakte"] == 1
    assert noted["dakvlak dat zichzelf kruist"] == 1
    assert noted["pand zonder dakvlak"] == 1
    unknown = made.content.set_index("face_id").loc["no direction"]
    assert unknown["sun_class"] == "?"
    assert pd.isna(unknown["kwp_fit"])


def test_a_height_model_in_another_system_is_refused(tmp_path):
    path = Tables(tmp_path, dsm=np.zeros((4, 4))).path("dsm")
    with rasterio.open(path, "r+") as sheet:
        sheet.crs = "EPSG:32631"
    with pytest.raises(CrsError, match=r"dsm\.tif.*32631|32631.*dsm\.tif"):
        height_model(path)
    with rasterio.open(path, "r+") as sheet:
        sheet.crs, sheet.transform = "EPSG:28992", from_origin(EAST, NORTH, 0.5, 1.0)
    with pytest.raises(CrsError, match="square cells"):
        height_model(path)


def test_holes_in_the_heights_are_counted_and_never_a_tower(tmp_path):
    heights = np.zeros((120, 120))
    heights[40:72, 40:64] = 6.0
    holed = heights.copy()
    holed[44:48, 44:48] = holed[90:100, 40:64] = np.nan  # on the roof, and south of it
    row = faces(face("f", "p0", spot(20, 20, 12, 16), 0.0, np.nan, 6.0))
    for name in "ab":
        (tmp_path / name).mkdir()
    whole, gone = (
        scored(Tables(tmp_path / name, roof_face=row, dsm=one, weather_hourly=weather()))
        for name, one in (("a", heights), ("b", holed))
    )
    assert "dakvlak met cellen zonder hoogte" not in whole.tally.to_dict()["noted"]
    assert gone.tally.to_dict()["noted"]["dakvlak met cellen zonder hoogte"] == 1
    assert gone.content["sun_kwh_per_m2_year"].iloc[0] == pytest.approx(
        whole.content["sun_kwh_per_m2_year"].iloc[0], rel=2e-3
    )
    assert gone.content["modules_fit"].iloc[0] <= whole.content["modules_fit"].iloc[0]


def test_months_sum_to_the_year_on_every_basis(tmp_path):
    rows = faces(
        face("s", "p0", spot(10, 10, 6, 8), 40.0, 180.0, 6.0), face("f", "p0", spot(20, 10, 12, 12), 0.0, np.nan, 6.0)
    )
    tables = {"roof_face": rows, "pand": panden(spot(10, 10, 22, 12), spot(80, 10, 9, 9)), "weather_hourly": weather()}
    made = scored(Tables(tmp_path, **tables)).content
    whole = panden_of(tmp_path, roof_face_score=made, **tables)
    for found in (made, whole):
        months = found[list(roofs.YIELD_MONTHS)].to_numpy(float)
        np.testing.assert_allclose(months.sum(axis=1), found["yield_fit_kwh_per_year"].to_numpy(float), rtol=1e-6)
        assert (months[:, 5] > 1.2 * months[:, 11]).all()  # June and December at 52 N
    slope, level = (made.set_index("face_id").loc[one, list(roofs.YIELD_MONTHS)].to_numpy(float) for one in "sf")
    assert slope[11] / slope.sum() > 1.2 * level[11] / level.sum()  # a slope to the south holds up in winter
    assert whole["score_basis"].tolist() == ["lod22", "footprint"]


def test_the_best_face_is_filled_first(tmp_path):
    rows = faces(
        face("n", "p0", spot(10, 10, 9, 6), 40.0, 0.0, 6.0), face("s", "p0", spot(10, 16, 9, 6), 40.0, 180.0, 6.0)
    )
    tables = {"roof_face": rows, "pand": panden(spot(10, 10, 9, 12)), "weather_hourly": weather()}
    made = scored(Tables(tmp_path, **tables)).content.set_index("face_id")
    found = panden_of(tmp_path, roof_face_score=made.reset_index(), **tables).iloc[0]
    assert 0 < found["modules_pay"] <= made.loc["s", "modules_fit"]
    best = made.loc["s", "yield_fit_kwh_per_year"] / made.loc["s", "kwp_fit"]
    life = (
        assumptions.default().value("pv_life", "year") * assumptions.default().value("pv_degradation", "%/year") / 200
    )
    assert found["yield_pay_kwh_per_year"] / found["kwp_pay"] == pytest.approx(best * (1 - life), rel=1e-6)


def test_the_table_of_a_station_is_kept(tmp_path, monkeypatch):
    tables = {"roof_face": faces(face("f", "p0", spot(10, 10, 5, 10), 35.0, 90.0, 6.0)), "weather_hourly": weather()}
    first = scored(Tables(tmp_path, **tables)).content
    for name in ("cumulative_irradiance", "closing_minutes"):
        monkeypatch.setattr(sun_station, name, lambda *_, **__: pytest.fail("worked out again"))
    pd.testing.assert_frame_equal(scored(Tables(tmp_path, **tables)).content, first)
    brighter = weather().assign(dhi_w_per_m2=weather()["dhi_w_per_m2"] * 1.1)
    with pytest.raises(pytest.fail.Exception, match="again"):  # other weather, another table
        scored(Tables(tmp_path, **{**tables, "weather_hourly": brighter}))


def test_a_plane_of_unknown_height_has_no_sun_of_its_own():
    plane = faces(face("f", "p0", spot(10, 10, 5, 10), 35.0, 90.0, np.nan))
    lit = shaded(plane, np.array([True]), None, table=table(), figures=assumptions.default())
    assert lit[["sun_kwh_per_m2_year", "shade_frac"]].isna().to_numpy().tolist() == [[True, True]]


class _Code:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_a_damaged_table_is_noticed_and_made_again(tmp_path):
    station = sun_station.station_of(Tables(tmp_path, weather_hourly=weather()), assumptions.default())
    made = []

    def make():
        made.append(1)
        return 30.0, station.table

    def kept():
        (minutes, table), damaged = sun_cache.remembered(tmp_path, "k" * 32, make)
        np.testing.assert_array_equal(table.vector, station.table.vector)
        return minutes, damaged, len(made)

    assert [kept(), kept()] == [(30.0, False, 1), (30.0, False, 1)]
    (path,) = tmp_path.iterdir()
    sound = path.read_bytes()
    middle = len(sound) // 2
    for number, bad in enumerate((sound[:-1000], sound[:middle] + b"bad" + sound[middle + 3 :], b"", b"no archive"), 2):
        path.write_bytes(bad)
        assert kept() == (30.0, True, number)
        assert path.read_bytes() == sound
    arrays = dict(np.load(io.BytesIO(sound)))
    with path.open("wb") as file:
        np.savez(file, **(arrays | {"more": np.array([_Code(tmp_path / "ran")], dtype=object)}))
    assert kept() == (30.0, True, 6)  # what is kept is numbers: no code of it runs
    assert not (tmp_path / "ran").exists()
    assert "opnieuw gemaakt" in str(dataclasses.replace(station, mended=True).notes())
    assert "opnieuw gemaakt" not in str(station.notes())


def panden_of(tmp_path, **tables):
    store = Tables(tmp_path, **tables)
    return sun_panden.score_panden(store, assumptions.default())[0].content


def test_a_roof_on_which_no_whole_module_fits_is_in_a_class_of_its_own(tmp_path):
    # A shed of 1.5 by 1.5 m has a share of a module in the mean of its kind, and no place for one.
    tables = {"pand": panden(spot(0, 0, 1.5, 1.5), spot(20, 0, 8, 10)), "weather_hourly": weather()}
    shed, house = panden_of(tmp_path, **tables).itertuples()
    assert (shed.modules_fit, shed.sun_class) == (0, "-")
    assert house.modules_fit > 1
    assert house.sun_class in list("ABCD")


def test_a_footprint_alone_gives_an_estimate_with_a_wide_interval(tmp_path):
    found = panden_of(tmp_path, pand=panden(spot(0, 0, 8, 10), spot(20, 0, 30, 20)), weather_hourly=weather())
    assert (found["score_basis"] == "footprint").all()
    assert found["roof_area_m2"].isna().all()
    width = (found["yield_fit_kwh_per_year_high"] - found["yield_fit_kwh_per_year_low"]) / found[
        "yield_fit_kwh_per_year"
    ]
    assert (width > 0.6).all()


def test_without_weather_all_sun_is_unknown(tmp_path):
    found = panden_of(tmp_path, pand=panden(spot(0, 0, 8, 10)))
    assert found[["kwp_fit", "yield_fit_kwh_per_year", "sun_eur_per_year"]].isna().all(axis=None)
    assert found["sun_class"].tolist() == ["?"]


def test_what_pays_never_exceeds_what_fits_nor_loses_money(tmp_path):
    boxes = [spot(0, 30 * i, 10 + 6 * i, 12) for i in range(6)]
    found = panden_of(tmp_path, pand=panden(*boxes, homes=4), weather_hourly=weather())
    assert (found["modules_pay"] <= found["modules_fit"]).all()
    assert (found["sun_eur_per_year"] >= 0).all()
    many = panden_of(tmp_path, pand=panden(*boxes, homes=40), weather_hourly=weather())
    assert (many["modules_pay"] >= found["modules_pay"]).all()
    none = panden_of(tmp_path, pand=panden(*boxes, homes=0), weather_hourly=weather())
    assert none["modules_pay"].isna().all()  # who uses it is not known: unknown, not zero


def test_own_use_is_that_of_as_many_homes_up_to_four_and_of_nearly_as_many_beyond(monkeypatch):
    monkeypatch.setattr(sun_use, "load_of", lambda *_: (None, None, None))
    monkeypatch.setattr(sun_use, "own_use", lambda *_, homes, spread: homes)
    monkeypatch.setattr(sun_use, "economic_size", lambda roofs, *, own, **_: roofs.assign(served=own))
    served = sun_use._sized(pd.DataFrame({"homes": range(1, 257), "kwh_per_kwp": 900.0}), None, assumptions.default())
    ratio = np.maximum(served["served"] / served["homes"], served["homes"] / served["served"]).sort_index()
    assert ratio[:4].tolist() == [1, 1, 1, 1]
    assert ratio[:150].max() <= np.sqrt(1.5)  # steps of a third and a half in turn
    assert ratio.max() <= np.sqrt(2)
    assert served["homes"].is_unique
    assert len(served) == 256


@pytest.mark.parametrize("shift", [-30, 30, 85])
def test_the_load_keeps_the_time_of_the_sun(tmp_path, shift):
    tables = {"pand": panden(spot(0, 0, 14, 20), homes=8), "weather_hourly": weather(shift)}
    own = panden_of(tmp_path, **tables)["own_use_pay_frac"].iloc[0]
    usual = panden_of(tmp_path, **{**tables, "weather_hourly": weather(30)})["own_use_pay_frac"].iloc[0]
    # One module more or less on 50 moves it by 0.015; a load that lagged by an hour would move it by more.
    assert own == pytest.approx(usual, abs=0.02)


def test_a_flat_roof_is_dearer_to_fill(tmp_path):
    table = assumptions.default()
    prices = sun_use._prices(table)
    assert prices.flat_eur_per_kwp - prices.pitched_eur_per_kwp == pytest.approx(
        1000 * (1.14 - 0.98) * 137.6 / 134.5
    )  # assumptions.csv, EUR/Wp of 2025, by the consumer prices of 2026
    system, rate = table["pv_system_price_pitched"].value, table["discount_rate_real"].value / 100
    once = table["pv_inverter_price"].value / (1 + rate) ** table["pv_inverter_life"].value  # bought again, worth less
    assert prices.pitched_eur_per_kwp == pytest.approx(1000 * system + once)


def test_the_use_of_the_buurt_comes_before_that_of_the_country(tmp_path):
    buurt = pd.DataFrame({"buurtcode": ["BU1"], "electricity_use_kwh_per_home": [5100.0]})
    tables = {"pand": panden(spot(0, 0, 14, 20), homes=8), "weather_hourly": weather()}
    land, own = panden_of(tmp_path, **tables).iloc[0], panden_of(tmp_path, buurt=buurt, **tables).iloc[0]
    assert (land["own_use_pay_frac_basis"], own["own_use_pay_frac_basis"]) == ("land", "buurt")
    assert own["kwp_pay"] > land["kwp_pay"]


def raised_boxes(*boxes, shape=(200, 200)):
    heights = np.zeros(shape)
    for box, level in boxes:
        left, top = int((box[0] - EAST) / CELL), int((NORTH - box[3]) / CELL)
        wide, high = int((box[2] - box[0]) / CELL), int((box[3] - box[1]) / CELL)
        heights[top : top + high, left : left + wide] = level
    return heights


def test_a_roof_of_which_less_than_half_was_found_is_estimated_by_its_footprint(tmp_path):
    boxes = [spot(4, 4, 10, 10), spot(30, 4, 10, 10)]
    heights = raised_boxes((boxes[0], 7.0), (boxes[1], 7.0))
    crown = slice(None), slice(int(34 / CELL), int(44 / CELL))  # over 60 % of the second
    heights[crown] += np.random.default_rng(1).uniform(1, 6, heights.shape)[crown] * (heights[crown] > 0)
    store = Tables(tmp_path, dsm=heights, pand=panden(*boxes), weather_hourly=weather())
    product = roofs.score_roofs(store, assumptions.default())[0]
    assert product.content["pand_id"].unique().tolist() == ["p0"]
    assert product.tally.noted["pand waarvan minder dan de helft van het dak gevonden is: geschat naar de omtrek"] == 1


def test_ground_within_a_footprint_is_no_roof(tmp_path):
    boxes = [spot(4, 4, 20, 20), spot(40, 4, 10, 10), spot(70, 4, 10, 10)]
    part = spot(4, 4, 20, 5)  # of the first, the rest lies under a square; the second is newer than the flight
    heights = raised_boxes((part, 7.0), (boxes[2], 2.0)) + np.random.default_rng(1).normal(0, 0.03, (200, 200))
    store = Tables(tmp_path, dsm=heights)
    found = find_faces(panden(*boxes), height_model(store.path("dsm"))).sort_values("pand_id")
    assert found["pand_id"].tolist() == ["p0", "p2"]  # a shed of two metres is a roof
    assert found.geometry.area.to_numpy() == pytest.approx([110, 100], rel=0.03)  # a cell further at the step
    assert found["found_frac"].to_numpy() == pytest.approx([1.1, 1], abs=0.03)


def test_roofs_together_are_as_unsure_as_what_they_share(tmp_path):
    table = assumptions.default()
    ends = pd.Series([1000.0, 300.0, 2400.0], index=roofs.YIELDS)
    many = pd.DataFrame([ends] * 100).assign(score_basis="footprint")
    group = pd.Series(["one", *["many"] * 98, None], index=many.index)
    low, high = (roofs.sum_bounds(many, group, table)[name] for name in roofs.YIELDS[1:])
    assert (low["one"], high["one"]) == pytest.approx((300, 2400))
    # By hand: shared are 0.79 to 1.25 (roof_intervals.csv) and the performance ratio; the rest adds as squares.
    ratio, *bounds = roofs.performance(table)
    for end, place, own, sign, one in ((low, 0.21, 700, -1, bounds[0]), (high, 0.25, 1400, 1, bounds[1])):
        joint = 1000 * np.hypot(place, one / ratio - 1)
        assert end["many"] == pytest.approx(98_000 + sign * np.hypot(98 * joint, np.sqrt(98 * (own**2 - joint**2))))
    assert 98_000 * 0.75 < low["many"] < 98_000 * 0.79
    unknown = many.assign(**dict.fromkeys(roofs.YIELDS, np.nan))
    assert roofs.sum_bounds(unknown, group, table)[roofs.YIELDS[1]].isna().all()


def test_a_study_brings_priors_of_its_own(tmp_path):
    table = sun_panden.roof_priors()
    doubled = table.assign(flat_kwp_per_m2=2 * table["flat_kwp_per_m2"], slope_kwp_per_m2=2 * table["slope_kwp_per_m2"])
    path = tmp_path / "eigen.csv"
    path.write_text("# fitted on a tile\n" + doubled.to_csv(index=False), encoding="utf-8")
    tables = Tables(tmp_path, pand=panden(spot(0, 0, 8, 10)), weather_hourly=weather())
    ours, theirs = (
        sun_panden.score_panden(tables, assumptions.default(), priors=sun_panden.roof_priors(one))[0].content[
            "kwp_fit"
        ][0]
        for one in (None, path)
    )
    assert theirs == pytest.approx(2 * ours)


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda one: one.drop(columns="low"), "missing"),
        (lambda one: one.assign(width_to_m=one["width_to_m"] + 1), "other kinds"),
        (lambda one: one.iloc[1:], "other kinds"),
        (lambda one: one.assign(tilt_deg="veel"), "no number"),
        (lambda one: one.assign(high=-1.0), "below 0"),
    ],
)
def test_priors_that_are_none_are_refused_in_words(tmp_path, spoil, found):
    path = tmp_path / "eigen.csv"
    spoil(sun_panden.roof_priors()).to_csv(path, index=False)
    with pytest.raises(FormatError, match=found):
        sun_panden.roof_priors(path)
    with pytest.raises(FormatError, match="FileNotFoundError"):
        sun_panden.roof_priors(tmp_path / "elders.csv")


def tile_of(path, tilt_deg, first, count=12):
    """Write a tile of houses of 8 x 10 m with one slope to the south."""
    corners, things = [], {}
    for n in range(count):
        x, rise = 20.0 * n, 10 * np.tan(np.radians(tilt_deg))
        ring = [(x, 0, 5), (x + 8, 0, 5), (x + 8, 10, 5 + rise), (x, 10, 5 + rise)]
        at = list(range(len(corners), len(corners) + 8))
        corners += [*ring, *((one, two, 0) for one, two, _ in ring)]
        name = f"NL.IMBAG.Pand.{first + n:016d}"
        roof = {"surfaces": [{"type": "RoofSurface"}], "values": [[0]]}
        flat = {"type": "MultiSurface", "lod": "0", "boundaries": [[at[4:]]]}
        solid = {"type": "Solid", "lod": "2.2", "boundaries": [[[at[:4]]]], "semantics": roof}
        about = {"identificatie": name, "oorspronkelijkbouwjaar": 1970}
        things[name] = {"type": "Building", "attributes": about, "geometry": [flat], "children": [f"{name}-0"]}
        things[f"{name}-0"] = {"type": "BuildingPart", "parents": [name], "geometry": [solid]}
    model = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        "transform": {"scale": [0.001] * 3, "translate": [EAST, NORTH, 0.0]},
        "CityObjects": things,
        "vertices": [[round(1000 * one) for one in point] for point in corners],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(model), encoding="utf-8")


def test_priors_are_fitted_by_a_command_on_tiles_of_three_places(tmp_path):
    for place, first, tilt in (("stad", 0, 0.0), ("dorp", 100, 35.0), ("buiten", 200, 35.0)):
        tile_of(tmp_path / place / "1.json", tilt, first)
    target = tmp_path / "daken.csv"
    two, three = ([str(tmp_path / one) for one in places] for places in (("stad", "dorp"), ("stad", "dorp", "buiten")))
    made = CliRunner().invoke(cli, ["daken", *three, "--uit", str(target), "--json"], catch_exceptions=False)
    assert json.loads(made.output) == {"file": str(target), "tiles": 3, "places": 3, "panden": 36}
    table = sun_panden.roof_priors(target)  # as a study reads it
    own = table[table["panden"].gt(0)].iloc[0]
    assert (own["width_from_m"], own["in_row"], own["panden"], own["places"]) == (7.5, False, 36, 3)
    assert own["flat_frac"] == pytest.approx(1 / 3, abs=1e-4)
    assert own["tilt_deg"] == pytest.approx(35, abs=0.01)
    tile = calibration.read_tile(tmp_path / "dorp" / "1.json", place="dorp")
    require_as_pinned("tiles", {"priors": table})
    # Twelve houses of 8 by 10 m, 20 m apart, in a margin all round; the ground lies three metres under the eaves at 5 m.
    calibration.raise_surface(tile.faces, tmp_path / "raised.tif")
    with rasterio.open(tmp_path / "raised.tif") as sheet:
        heights, margin = sheet.read(1), round(calibration.MARGIN_M / CELL)
    assert heights.shape == (20 + 2 * margin, 456 + 2 * margin)
    assert np.median(heights) == pytest.approx(5 - calibration.GROUND_BELOW_EAVE_M, abs=0.05)
    roof = heights[margin + 1 : margin + 19, margin + 1 : margin + 15]
    rows = 5 + (18.5 - np.arange(18)) * CELL * np.tan(np.radians(35))  # falls to the south
    assert roof.mean(axis=1) == pytest.approx(rows, abs=0.1)
    assert roof.std(axis=1).mean() == pytest.approx(calibration.NOISE_M, rel=0.3)
    with pytest.raises(ConfigError, match="three places"):
        CliRunner().invoke(cli, ["daken", *two, "--uit", str(target)], catch_exceptions=False)


def test_panels_in_place_come_from_the_owner_then_the_buurt_then_the_country(tmp_path):
    pand = panden(*[spot(0, 40 * n, 14, 20) for n in range(4)], homes=8)
    pand["homes"] = pd.array([8, 8, 8, 0], dtype="Int64")
    pand["buurtcode"] = ["BU1", "BU1", "BU2", "BU1"]
    buurt = pd.DataFrame({"buurtcode": ["BU1", "BU2"], "electricity_use_kwh_per_home": [2500.0, 2500.0]})
    buurt = buurt.assign(homes_stock=[200, 100], pv_systems=[50, None], pv_installed_kwp=[175.0, None])
    own = pd.DataFrame({"pand_id": pand["pand_id"].iloc[:1], "pv_installed_kwp": [0.0]})
    tables = {"pand": pand, "weather_hourly": weather(), "buurt": buurt}
    made = panden_of(tmp_path, own_pand=own, **tables)
    assert made["pv_installed_frac"].tolist()[:3] == pytest.approx(
        [0.0, 0.25, 0.35]
    )  # assumptions.csv, homes_with_panels
    assert made["pv_installed_frac_basis"].tolist()[:3] == ["own", "buurt", "land"]
    assert made[["pv_installed_frac", "pv_installed_frac_basis"]].iloc[3].isna().all()  # no home that can have them
    assert made["pv_installed_kwp_per_system"].iloc[:2].tolist() == [3.5, 3.5]
    assert np.isnan(made["pv_installed_kwp_per_system"].iloc[2])
    counted = panden_of(tmp_path, **{**tables, "buurt": buurt.assign(homes_stock=None, pv_systems=[6, None])})
    assert counted["pv_installed_frac"].iloc[:2].tolist() == pytest.approx(
        [6 / 16] * 2
    )  # no stock: two panden of 8 homes
    summed = sun_use.without_installed(made)
    assert (summed["kwp_pay"] / made["kwp_pay"]).tolist()[:3] == pytest.approx([1.0, 0.75, 0.65])
    assert summed["kwp_fit"].equals(made["kwp_fit"])


def test_a_raised_surface_is_the_plane_itself(tmp_path):
    rows = faces(face("f", "p0", spot(10, 10, 5, 10), 30.0, 180.0, 5.0))
    sheet = raised(Faces(rows))
    heights = sheet.read(SimpleNamespace(row_off=0, col_off=0, height=sheet.shape[0], width=sheet.shape[1]))
    assert np.nanmin(heights) == pytest.approx(5 + 0.25 * np.tan(np.radians(30)), abs=0.01)
    assert np.nanmax(heights) == pytest.approx(5 + 9.75 * np.tan(np.radians(30)), abs=0.01)


def test_a_cell_that_rises_above_its_face_is_blocked_at_its_middle_and_one_without_height_is_a_hole():
    rows = faces(
        face("f", "p0", spot(10, 10, 5, 10), 0.0, np.nan, 5.0), face("g", "p0", spot(30, 10, 5, 10), 0.0, np.nan, 5.0)
    )
    flat = raised(Faces(rows))

    def read(piece):
        heights = flat.read(piece).copy()
        for (row, col), height in {(3, 4): 6.0, (3, 5): 5.1, (7, 2): np.nan, (3, 44): 6.0}.items():
            if 0 <= row - piece.row_off < piece.height and 0 <= col - piece.col_off < piece.width:
                heights[row - piece.row_off, col - piece.col_off] = height
        return heights

    asked = {"table": table(), "clearance_m": 0.5, "observer_raise_m": 0.1}
    swept = sweep(rows, dataclasses.replace(flat, read=read), wanted=np.array([True, False]), **asked)
    west, _, _, north = shapely.total_bounds(rows.geometry)
    # Cells of half a metre: the middle of column 4 lies at 4.5 of them, that of row 3 at 3.5 from the north.
    assert swept.blocked.tolist() == [[0, west + 2.25, north - 1.75]]
    assert (swept.holes.tolist(), swept.seen.tolist()) == ([1, 0], [10 * 20 - 1, 0])
    assert swept.free.tolist() == [10 * 20 - 2, 0]


@pytest.mark.parametrize(("number", "scaled"), [("278", False), ("260", True), ("Heino", True)])
def test_the_sun_is_not_scaled_to_days_of_a_station_far_from_that_of_the_hours(tmp_path, number, scaled):
    # The hours are of De Bilt (260); Heino (278) lies 82 km away. A station that is named by a word has no known place.
    days = pd.DataFrame({"day": pd.date_range("2015-01-01", "2024-12-31", tz="UTC"), "station": number})
    days["global_radiation_kwh_per_m2"] = 3.0
    hours, _, _ = knmi.typical_year()
    station = sun_station.station_of(Tables(tmp_path, weather_hourly=hours, weather_daily=days), assumptions.default())
    assert station.period == ("2015-2024" if scaled else "")
    assert (float(station.table.ghi.sum()) == pytest.approx(3.0 * 365, rel=0.01)) == scaled
    far = "dag van weerstation 278, ver van dat van de uren: de zon is er niet naar geschaald"
    assert station.notes().get(far) == (None if scaled else len(days))


def test_a_long_term_wants_half_of_its_years_complete():
    days = pd.Series(pd.date_range("2015-01-01", "2024-12-31"))
    sun_kwh = np.ones(len(days))
    found = long_term_months(days, sun_kwh, years=10)
    assert (found.first_year, found.last_year) == (2015, 2024)
    assert found.kwh_per_m2.sum() == pytest.approx(365.25)
    sun_kwh[days.dt.year.isin([2016, 2018]).to_numpy()] = np.nan
    assert long_term_months(days, sun_kwh, years=10).first_year == 2015
    sun_kwh[days.dt.year.to_numpy() > 2019] = np.nan
    assert long_term_months(days, sun_kwh, years=10) is None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("utrecht_9-512-588.city.json", "utrecht"),
        ("twente/2092.json", "twente"),
        ("delft-2.json", "delft"),
        ("rijswijk/3dbag_1.json", "rijswijk"),
    ],
)
def test_the_place_of_a_tile_is_the_first_word_of_its_name_or_else_its_folder(tmp_path, path, place):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).touch()
    assert [calibration.place_of(one) for one in calibration.tiles_in([tmp_path, tmp_path / path])] == [place] * 2


def test_every_column_of_faces_and_panden_on_every_basis_is_as_it_was(tmp_path):
    """A saddle roof with its model under a tree, two found in the heights of which one is rough, three with a footprint alone.

    With an owner's table, the buurt's use of power, and homes from none to forty.
    """
    boxes = [
        spot(10, 10, 9, 12),
        spot(40, 10, 10, 10),
        spot(10, 50, 16, 9),
        spot(150, 10, 8, 10),
        spot(150, 50, 30, 22),
        spot(190, 10, 3, 2),
    ]
    rows = faces(
        face("e", "p0", spot(14.5, 10, 4.5, 12), 35.0, 90.0, 5.0),
        face("w", "p0", spot(10, 10, 4.5, 12), 35.0, 270.0, 5.0),
    )
    heights = raised_boxes((boxes[1], 7.0), (boxes[2], 4.0), shape=(160, 240))
    y, x = (np.mgrid[0:160, 0:240] + 0.5) * CELL
    saddle = 5 + np.minimum(x - 10, 19 - x) * np.tan(np.radians(35))
    heights = np.where((x > 10) & (x < 19) & (y > 10) & (y < 22), saddle, heights)
    heights = np.where((x > 10) & (x < 26) & (y > 50) & (y < 59), 4 + np.minimum(y - 50, 59 - y) * 0.9, heights)
    heights += np.random.default_rng(5).normal(0, 0.04, heights.shape)
    heights[(np.hypot(x - 12, y - 12) < 3) | (np.hypot(x - 45, y - 25) < 3)] = 12.0
    heights[90:96, 30:36] = np.nan
    pand = panden(*boxes)
    pand["homes"] = pd.array([1, 4, 2, 1, 40, 0], dtype="Int64")
    pand["bouwjaar"] = pd.array([1935, 1972, 2004, None, 1968, 1990], dtype="Int64")
    pand["buurtcode"] = ["BU1", "BU1", "BU2", "BU2", "BU1", None]
    buurt = pd.DataFrame({"buurtcode": ["BU1", "BU2"], "electricity_use_kwh_per_home": [2500.0, None]})
    buurt = buurt.assign(homes_stock=[200, 100], pv_systems=[50, None], pv_installed_kwp=[175.0, None])
    own = pd.DataFrame({"pand_id": ["p1"], "pv_installed_kwp": [2.0]})
    tables = {"pand": pand, "dsm": heights, "buurt": buurt, "own_pand": own, "weather_hourly": weather()}
    made = roofs.score_roofs(Tables(tmp_path, roof_face=rows, **tables), assumptions.default())[0]
    whole = sun_panden.score_panden(
        Tables(tmp_path, roof_face=rows, roof_face_score=made.content, **tables), assumptions.default()
    )[0]
    assert set(whole.content["score_basis"]) == {"lod22+dsm", "dsm", "footprint"}
    said = pd.DataFrame({"said": [str(one.tally.to_dict()) for one in (made, whole)]})
    require_as_pinned("bases", {"face": made.content, "pand": whole.content, "said": said})
