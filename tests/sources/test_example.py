"""The embedded example: its files read back, its truth holds in them."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from pvlib.iotools import read_epw

from kansenkaart.errors import ConfigError
from kansenkaart.sources.example import write_example
from kansenkaart.sources.example.sewer import designed_diameter_mm, full_capacity_l_per_s
from kansenkaart.tables.provenance import sha256_of
from tests.truth import truth


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(tmp_path_factory.mktemp("proefveld"))


def layer(folder: Path, name: str) -> gpd.GeoDataFrame:
    return gpd.read_file(folder / "ogc" / f"{name}.geojson")


def test_same_bytes_twice(folder: Path, tmp_path: Path) -> None:
    again = write_example(tmp_path)
    names = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert len(names) == 26  # 8 OData, 13 collections, 1 CityJSON, 2 grids, 2 weather
    assert [sha256_of(folder / n) for n in names] == [sha256_of(again / n) for n in names]


def test_homes_match_the_truth_and_lie_in_their_pand(folder: Path) -> None:
    homes, panden = layer(folder, "verblijfsobject"), layer(folder, "pand")
    living = homes[(homes["gebruiksdoel"] == "woonfunctie") & (homes["status"] == "Verblijfsobject in gebruik")]
    assert sorted(living["identificatie"]) == sorted(truth().homes["home_id"])
    inside = gpd.sjoin(homes, panden[["geometry"]], predicate="within")
    assert inside["identificatie"].nunique() == len(homes)


def test_the_area_with_one_large_owner() -> None:
    # 194 gallery flats + 95 rented + 41 owned = 330, of which (194 + 95) / 330 = 87.6 % has one owner.
    t = truth()
    assert len(t.cluster) == 330
    assert t.cluster_owner_share == pytest.approx(289 / 330)


def test_odd_records_are_there(folder: Path) -> None:
    panden, homes = layer(folder, "pand"), layer(folder, "verblijfsobject")
    assert (panden["bouwjaar"] == 1005).sum() == 1
    assert set(panden["status"]) == {"Pand in gebruik", "Bouw gestart", "Pand gesloopt"}
    assert (homes["status"] == "Verblijfsobject ingetrokken").sum() == 1
    assert sorted(homes["pand.href"].map(len).unique()) == [1, 2]


def test_ground_is_covered_once(folder: Path) -> None:
    names = ("wegdeel", "ondersteunendwegdeel", "onbegroeidterreindeel", "begroeidterreindeel", "waterdeel")
    low = [f[f["relatieve_hoogteligging"] == 0].geometry for f in (layer(folder, n) for n in names)]
    shapes = [*low, layer(folder, "pand").geometry]
    total = sum(s.area.sum() for s in shapes)
    union = shapely.union_all([s.union_all() for s in shapes]).area
    # 640 m x 580 m; slivers below 1 m2 are left out
    assert union == pytest.approx(640.0 * 580.0, abs=10.0)
    assert total == pytest.approx(union, abs=5.0)


def test_roof_planes_agree_with_their_attributes(folder: Path) -> None:
    lines = (folder / "3dbag" / "proefveld.city.jsonl").read_text(encoding="utf-8").splitlines()
    scale = json.loads(lines[0])["transform"]["scale"][0]
    faces = 0
    for line in lines[1:]:
        item = json.loads(line)
        points = np.array(item["vertices"]) * scale
        solid = item["CityObjects"][f"{item['id']}-0"]["geometry"][0]
        for (ring,), value in zip(solid["boundaries"][0], solid["semantics"]["values"][0], strict=True):
            said = solid["semantics"]["surfaces"][value]
            if said["type"] != "RoofSurface":
                continue
            faces += 1
            p = points[ring]
            normal = np.cross(p, np.roll(p, -1, axis=0)).sum(axis=0)  # Newell
            tilt = np.degrees(np.arctan2(np.hypot(*normal[:2]), normal[2]))
            assert tilt == pytest.approx(said["b3_hellingshoek"], abs=0.05)
            if said["b3_azimut"] is not None:
                azimuth = np.degrees(np.arctan2(normal[0], normal[1]))
                assert abs((azimuth - said["b3_azimut"] + 180.0) % 360.0 - 180.0) < 0.05
    assert faces == len(truth().faces)


def test_many_roof_directions_and_tilts() -> None:
    faces = truth().faces
    assert set(faces["tilt_deg"]) == {0.0, 15.0, 30.0, 35.0, 45.0, 50.0}
    assert faces["azimuth_deg"].dropna().round().nunique() > 20
    assert faces.loc[faces["tilt_deg"] == 0.0, "azimuth_deg"].isna().all()
    assert faces["under_tree"].any()


def test_surface_lies_on_open_roofs(folder: Path) -> None:
    with rasterio.open(folder / "ahn" / "dsm.tif") as source:
        assert source.crs.to_epsg() == 28992
        assert source.nodata == pytest.approx(3.4028235e38)
        dsm = source.read(1, masked=True)
    assert 0.01 < np.ma.getmaskarray(dsm).mean() < 0.05
    assert dsm.max() == pytest.approx(46.3, abs=0.1)  # the tower: 45 m on ground of about 1.3 m


def test_water_reaches_the_pumping_station_or_an_outfall() -> None:
    t = truth()
    onward = t.pipes[t.pipes["kind"] != "LozeLeiding"].set_index("from_node")["to_node"].to_dict()
    start = t.pipes.set_index("pipe_id")["to_node"]
    ends = set()
    for pipe in t.homes["pipe_id"]:
        at, steps = start[pipe], 0
        while at in onward:
            at, steps = onward[at], steps + 1
            assert steps < len(t.pipes)
        ends.add(at)
    assert len(ends) == 1
    assert t.pipes["homes_upstream"].max() == len(t.homes)


def test_levels_fall_with_the_flow() -> None:
    pipes = truth().pipes
    trunk = pipes[(pipes["kind"] == "vuilwater") & (pipes["diameter_mm"] > 200)]
    assert len(trunk) > 0
    assert (pipes.loc[pipes["kind"] == "vuilwater", "diameter_mm"] == 200).mean() > 0.9
    # with less than half of the flow the trunk would be at the minimum of 200 mm
    assert all(
        designed_diameter_mm("vuilwater", 0, p.people_upstream * 0.4, p.slope) == 200 for p in trunk.itertuples()
    )


def test_capacity_by_hand() -> None:
    # A = 0.0314159 m2, R = 0.05 m, R^(2/3) = 0.135721, S^(1/2) = 0.1: Q = 0.0314159 * 0.135721 * 0.1 / 0.013 = 32.80 l/s
    assert full_capacity_l_per_s(200.0, 0.01) == pytest.approx(32.80, abs=0.01)


def test_newest_statistics_lack_energy_and_the_older_have_it(folder: Path) -> None:
    tables = {}
    for table in ("85984NED", "86165NED"):
        tables[table] = json.loads((folder / "odata" / table / "TypedDataSet.json").read_text(encoding="utf-8"))[
            "value"
        ]
    power = "GemiddeldeElektriciteitsleveringTotaal_53"
    assert all(r[power] is None for r in tables["86165NED"])
    older = {r["Codering_3"]: r for r in tables["85984NED"]}
    assert older["BU99990001"][power] == 2010
    assert all(len(code) == 10 for code in older)
    assert older["BU99990003"]["GemiddeldAardgasverbruikTotaal_55"] is None


def test_pipes_are_strings(folder: Path) -> None:
    items = json.loads((folder / "ogc" / "beheerleiding.geojson").read_text(encoding="utf-8"))["features"]
    assert all(isinstance(v, str) for f in items for v in f["properties"].values())
    assert any(f["properties"]["begindatum"] == "" for f in items)


def test_weather_sums(folder: Path) -> None:
    frame, place = read_epw(folder / "epw" / "proefveld.epw")
    assert frame["ghi"].sum() / 1000.0 == pytest.approx(1030.0, abs=2.0)
    assert place["latitude"] == pytest.approx(53.03, abs=0.01)
    lines = (folder / "knmi" / "etmgeg_999.txt").read_text(encoding="utf-8").splitlines()
    rows = np.array([[int(c) for c in line.split(",")] for line in lines if line.startswith("  999")])
    assert rows.shape[0] == 3653  # ten years, three of them leap years
    # sums that were set: 1,030 kWh/m2 (360 J/cm2 each), 769 mm and 586 mm a year
    assert rows[:, 3].sum() / 3600.0 == pytest.approx(1030.0, rel=0.002)
    assert np.maximum(rows[:, 4], 0).sum() / 100.0 == pytest.approx(769.0, rel=0.01)
    assert rows[:, 5].sum() / 100.0 == pytest.approx(586.0, rel=0.01)


def test_four_copies_have_four_times_everything(tmp_path: Path) -> None:
    write_example(tmp_path, scale=4)
    homes = layer(tmp_path, "verblijfsobject")
    assert homes["identificatie"].is_unique
    assert len(truth(4).homes) == 4 * len(truth().homes)
    assert len(truth(4).buurten) == 16
    with rasterio.open(tmp_path / "ahn" / "dtm.tif") as source:
        assert (source.width, source.height) == (2560, 2320)


def test_scale_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found 0"):
        write_example(tmp_path, scale=0)
