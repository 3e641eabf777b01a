"""The invented town, read back through the readers: its truth holds in what it publishes.

The small field does not do here: it has neither hipped roofs, annexes, cycles of streets, an outside, two sheets of heights,
nor anything built after its heights were measured.
"""

import re
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from kansenkaart.config import DEMO, read_study
from kansenkaart.errors import ConfigError
from kansenkaart.sources import bag, bag3d, bgt, cbs, cbs_areas, gwsw, own
from kansenkaart.sources.example import buildings, lots, registers, statistics, terrain, town, world, write_example
from kansenkaart.sources.example.model import ground_level
from kansenkaart.sources.example.registers import SURVEY_YEAR
from kansenkaart.sources.example.sewer import RELINED_YEAR, designed_diameter_mm
from kansenkaart.sources.example.terrain import FLOWN_YEAR
from kansenkaart.tables import assumptions
from tests.truth import truth

ROOT = Path(__file__).resolve().parents[2]
GROUND = ("wegdeel", "ondersteunendwegdeel", "onbegroeidterreindeel", "begroeidterreindeel", "waterdeel")


@pytest.fixture(scope="module")
def folder(once):
    return once("town", lambda target: write_example(target, name=DEMO))


@pytest.fixture(scope="module")
def known():
    return truth(name=DEMO)


@pytest.fixture(scope="module")
def model():
    return world(DEMO).models[0]


def test_about_four_thousand_homes_in_eight_buurten_and_three_wijken(folder, known) -> None:
    homes, _ = bag.read_home(folder / "ogc" / "verblijfsobject.geojson")
    areas, _ = cbs_areas.read_buurt(folder / "ogc" / "buurten.geojson", year=2025)
    assert sorted(homes["home_id"]) == sorted(known.homes["home_id"])
    assert 3500 <= len(homes) <= 4500
    assert len(areas) == 8
    assert areas["buurtcode"].str[2:8].nunique() == 3
    inside = gpd.sjoin(
        homes, areas[["buurtcode", "geometry"]].rename(columns={"buurtcode": "area"}), predicate="within"
    )
    counted = inside.groupby("area").size()
    pd.testing.assert_series_equal(counted, known.buurten, check_names=False)


def test_streets_have_odd_and_even_sides_and_names_of_their_own(folder, model) -> None:
    homes = gpd.read_file(folder / "ogc" / "verblijfsobject.geojson")
    assert homes["identificatie"].is_unique
    assert not homes.duplicated(["openbare_ruimte_naam", "huisnummer"]).any()
    names = [name for _, name in model.streets.values()]
    assert len(set(names)) == len(names)
    assert homes["postcode"].str.fullmatch(r"99\d{2}[A-Z]{2}").all()


def test_every_home_lies_in_a_pand_and_panden_do_not_overlap(folder) -> None:
    homes, panden = (gpd.read_file(folder / "ogc" / f"{name}.geojson") for name in ("verblijfsobject", "pand"))
    inside = gpd.sjoin(homes, panden[["geometry"]], predicate="within")
    assert inside["identificatie"].nunique() == len(homes)
    over = panden.area.sum() - shapely.union_all(panden.geometry).area
    assert over < 0.003 * panden.area.sum()


def test_ground_is_covered_once(folder) -> None:
    frames = [bgt.read_terrain(folder / "ogc" / f"{name}.geojson")[0] for name in GROUND]
    low = pd.concat([one[one["relative_level"] == 0] for one in frames])
    shapes = [*low.geometry, *gpd.read_file(folder / "ogc" / "pand.geojson").geometry]
    total, union = sum(one.area for one in shapes), shapely.union_all(shapes).area
    assert union == pytest.approx(1400.0 * 1120.0, rel=1e-3)
    assert total == pytest.approx(union, rel=1e-3)


def test_each_roof_is_read_as_it_was_built(folder, known, model) -> None:
    """Tilt, azimuth and area of every face, hipped ends and annexes included, out of 3DBAG's own form."""
    faces, _ = bag3d.read_roof_face(folder / "3dbag" / f"{DEMO}.city.jsonl")
    late = {pand.number for pand in model.panden if pand.bouwjaar > SURVEY_YEAR}
    built = known.faces[~known.faces["pand_id"].str[-6:].astype(int).isin(late)]
    assert len(late) > 0
    assert len(faces) == len(built)
    mine = faces.assign(face=faces.groupby("pand_id").cumcount()).set_index(["pand_id", "face"])
    theirs = built.set_index(["pand_id", "face"]).loc[mine.index]
    assert np.abs(mine["tilt_deg"] - theirs["tilt_deg"]).max() < 0.1
    assert np.abs(mine["roof_area_m2"] - theirs["area_m2"]).max() < 0.1
    assert (mine["azimuth_deg"].isna() == theirs["azimuth_deg"].isna()).all()
    turn = np.abs(mine["azimuth_deg"] - theirs["azimuth_deg"]) % 360.0
    assert np.minimum(turn, 360.0 - turn).max() < 0.2
    assert theirs["azimuth_deg"].dropna().round().nunique() > 180  # streets look everywhere


def test_each_pipe_has_the_diameter_that_its_load_asks_for(folder, known) -> None:
    pipes, _ = gwsw.read_sewer_pipe(folder / "ogc" / "beheerleiding.geojson")
    designed = known.pipes.set_index("pipe_id")
    mine = pipes.set_index(pipes["pipe_id"].str.split("#").str[1])
    for kind in ("vuilwater", "gemengd", "hemelwater"):
        rows = designed[(designed["kind"] == kind) & designed.index.isin(mine.index)]
        need = [designed_diameter_mm(kind, p.homes_upstream, p.people_upstream, p.slope) for p in rows.itertuples()]
        assert (mine.loc[rows.index, "diameter_mm"] == need).all()
        assert len(set(need)) > 2


def test_all_water_comes_to_the_pumping_station(known, model) -> None:
    """Every home's pipe leads to one place, without a ring; that place takes all homes and all people."""
    flow = known.pipes[~known.pipes["kind"].isin(["Overstortleiding", "Persleiding", "hemelwater"])]
    onward = flow.set_index("from_node")["to_node"]
    assert onward.index.is_unique
    at, ends = known.homes["pipe_id"].map(known.pipes.set_index("pipe_id")["to_node"]), set()
    for _ in range(len(onward)):
        follows = at.map(onward)
        ends |= set(at[follows.isna()])
        at = follows.dropna()
        if at.empty:
            break
    station = {node.key for node in model.network.nodes.values() if node.kind == "Rioolgemaal"}
    assert at.empty
    assert {end.split("-")[1] for end in ends} == station
    people = {one.key: one.household_size_persons for one in model.buurten}
    last = [pipe for pipe in model.network.pipes if pipe.end in station and pipe.kind != "Persleiding"]
    assert sum(pipe.homes_upstream for pipe in last) == len(known.homes)
    assert sum(pipe.people_upstream for pipe in last) == pytest.approx(
        sum(people[home.quarter] for home in model.homes if home.in_use)
    )


def test_statistics_count_what_the_register_holds(model) -> None:
    rows = {row["Codering_3"].strip(): row for row in statistics.data_set(world(DEMO), 2024)}
    homes = sum(home.in_use for home in model.homes)
    assert rows["GM9999"]["Woningvoorraad_35"] == homes
    assert sum(rows[f"WK9999{n:02d}"]["Woningvoorraad_35"] for n in range(3)) == homes


def test_heights_come_in_two_sheets_that_meet_and_lack_what_is_new(folder, model) -> None:
    sheets = []
    for n in (1, 2):
        with rasterio.open(folder / "ahn" / f"dsm_{n}.tif") as source:
            sheets.append((source.bounds, source.read(1, masked=True), source.transform))
    assert sheets[0][0].right == sheets[1][0].left
    new = next(pand for pand in model.panden if pand.bouwjaar > FLOWN_YEAR and pand.floors == 1)
    flat = next(pand for pand in model.panden if "gallery" in pand.marks)
    origin = world(DEMO).origin(0)

    def height(pand) -> float:
        x, y = origin + np.array(pand.centre)
        _, cells, transform = sheets[int(x > sheets[0][0].right)]
        column, row = ~transform * (x, y)
        return float(cells[int(row), int(column)])

    assert height(flat) == pytest.approx(flat.ground_m + flat.eave_m, abs=0.3)
    assert height(new) < new.ground_m + 0.2


def test_ground_lies_lower_at_kerbs_and_banks_higher_in_gardens_and_swells(folder, model) -> None:
    """Against the even slope of the place: 13 cm from a road up to a path, 12 on to a garden, 30 on each metre of a bank."""
    origin = world(DEMO).origin(0)
    with rasterio.open(folder / "ahn" / "dtm_1.tif") as source:
        grid, place = source.read(1, masked=True), ~source.transform

    def levels(points) -> np.ndarray:
        x, y = shapely.get_coordinates(points).T
        columns, rows = place * (x + origin[0], y + origin[1])
        inside = (columns >= 0) & (columns < grid.shape[1]) & (rows >= 0) & (rows < grid.shape[0])
        read = grid[rows[inside].astype(int), columns[inside].astype(int)] - [ground_level(one) for one in x[inside]]
        return read.compressed()

    def on(*whats) -> np.ndarray:
        lanes = [one.shape for one in model.parts if one.function in whats and one.shape.area > 30.0]
        return levels(shapely.point_on_surface(lanes))

    path = on("voetpad")
    assert np.mean(on("rijbaan lokale weg")) - np.mean(path) == pytest.approx(-0.13, abs=0.03)
    assert np.mean(on("erf")) - np.mean(path) == pytest.approx(0.12, abs=0.03)
    assert np.std(path) == pytest.approx(0.06, abs=0.02)
    ditch = town.plan(0).ditches
    banks = [np.mean(levels(ditch.buffer(reach).segmentize(4.0))) for reach in (0.6, 1.6, 2.6, 6.0)]
    assert np.diff(banks) == pytest.approx(0.3, abs=0.1)


def test_cars_stand_along_the_place_where_they_are_parked(folder, model) -> None:
    """Half of the room is taken, 1.5 m high, by cars of 4.3 by 1.8 m that lie with their strip."""
    origin = world(DEMO).origin(0)
    strip = max((one.shape for one in model.parts if one.function == "parkeervlak"), key=lambda one: one.area)
    with rasterio.open(folder / "ahn" / f"dsm_{1 if strip.centroid.x < 700 else 2}.tif") as source:
        spots = [
            shapely.Point(x, y)
            for x, y in np.random.default_rng(1).uniform(*np.array(strip.bounds).reshape(2, 2), (4000, 2))
        ]
        inside = [one for one in spots if strip.contains(one)]
        heights = np.array([value[0] for value in source.sample([origin + one.coords[0] for one in inside])])
    above = heights - np.array([ground_level(one.x) for one in inside])
    taken = np.mean((above > 1.0) & (above < 2.0))  # cars of 7.7 m2, half of the places of 2.6 by 7.5 m: 0.2
    assert taken == pytest.approx(0.2, abs=0.07)


def test_the_area_with_one_large_owner(known) -> None:
    # 194 gallery flats + 95 rented + 41 owned = 330, of which (194 + 95) / 330 = 87.6 % has one owner.
    assert len(known.cluster) == 330
    assert known.cluster_owner_share == pytest.approx(289 / 330)


@pytest.mark.nightly
def test_the_same_town_each_time_and_another_one_beside_it() -> None:
    plans = [town.plan(0), town.plan(0), town.plan(1)]
    panden = [lots.build(plan, copy).panden for plan, copy in zip(plans, (0, 0, 1), strict=True)]
    assert panden[0] == panden[1]
    assert len(panden[2]) != len(panden[0])
    lengths = [sum(way.line.length for way in plan.ways) for plan in plans]
    assert lengths[0] == lengths[1] != lengths[2]


@pytest.mark.nightly
def test_a_footpath_that_crosses_itself_where_it_is_cut_stops_no_town() -> None:
    plan = town.plan(10)  # fifteen towns beside each other hold this one
    parts = terrain.parts(plan, lots.build(plan, 10))
    assert all(part.shape.is_valid for part in parts)
    ground = shapely.STRtree(shapes := [part.shape for part in parts if part.level == 0])
    ones, others = ground.query(shapes, predicate="overlaps")
    twice = [shapes[a].intersection(shapes[b]).area for a, b in zip(ones, others, strict=True) if a < b]
    assert sum(twice) < 1e-3 * sum(one.area for one in shapes)


def test_the_address_of_the_readme_stands_in_the_area_with_one_large_owner(model) -> None:
    said = re.search(r'gebied voorbeeld --adres "(.+?) (\d+)"', (ROOT / "README.md").read_text("utf-8"))
    named = {(model.streets[home.street][1], home.house_number) for home in model.homes if home.number in model.cluster}
    assert (said[1], int(said[2])) in named


def test_no_party_wall_takes_the_water_of_a_hipped_roof(model) -> None:
    """A hip has an eave all around, so its house stands alone; only the church's tower leans on its nave."""
    walls = {pand.number: shapely.Polygon(pand.footprint) for pand in model.panden if pand.homes_per_floor}
    hips = [pand for pand in model.panden if pand.roof == "hip" and "brink" not in pand.marks]
    assert len(hips) > 20
    tree, numbers = shapely.STRtree(list(walls.values())), list(walls)
    near = {hip.number: tree.query(walls[hip.number].buffer(0.05), predicate="intersects") for hip in hips}
    assert {number: [numbers[i] for i in touched] for number, touched in near.items()} == {n: [n] for n in near}


def test_streets_end_at_a_street_have_widths_of_their_own_and_round_kerbs(model) -> None:
    plan = town.plan(0)
    lanes = [way for way in plan.ways if way.role == "lane" and way.buurt != "05"]  # a woonerf has ends of its own
    for way in lanes:
        others = shapely.union_all([one.line for one in plan.ways if one is not way])
        meets = [way.line.project(shapely.Point(at)) for at in shapely.get_coordinates(way.line.intersection(others))]
        for end in (min(meets), way.line.length - max(meets)):
            assert end < 1.5 or end >= town.DEAD_END_M
    assert min(len({way.half_m for way in lanes if way.buurt == one}) for one in ("01", "02", "03", "04", "06")) > 3
    whole = shapely.union_all([one.shape for one in terrain._carriages(plan)])  # with the strips where people park
    corners = whole.buffer(3.0).buffer(-3.0).difference(whole).area
    assert corners < 0.002 * whole.area  # 0.7 % with square corners


def test_gardens_meet_at_paths_and_less_is_green_than_garden(model) -> None:
    """Behind rows runs a path from street to street; what nobody fenced is no longer most of a quarter."""
    areas = {"erf": 0.0, "groenvoorziening": 0.0}
    for part in (one for one in model.parts if one.surface in areas):
        areas[part.surface] += part.shape.area
    assert areas["erf"] > 1.15 * areas["groenvoorziening"]  # 0.4 where all that is left over is green
    paths = shapely.STRtree([one.shape for one in model.parts if one.function == "voetpad"])
    gardens = [one.shape for one in model.parts if one.surface == "erf" and one.shape.area > 20.0]
    reached = np.unique(paths.query([one.buffer(0.1) for one in gardens], predicate="intersects")[0])
    assert len(reached) > 0.98 * len(gardens)


def test_cars_have_strips_along_one_side_of_the_carriageway(model) -> None:
    strips = [one for one in model.parts if one.function == "parkeervlak" and one.street]
    assert sum(one.shape.area for one in strips) > 10_000.0  # none where they park on a field beside the street
    deep = [2.0 * one.shape.area / one.shape.length for one in strips if one.shape.area > 20.0]
    assert np.median(deep) == pytest.approx(1.9, abs=0.25)


def test_rows_end_in_hips_whose_planes_cover_them_and_no_wall_stands_at_the_hipped_end(model) -> None:
    ends = [pand for pand in model.panden if pand.roof == "half hip"]
    assert len(ends) > 150
    walls = shapely.STRtree([shapely.Polygon(one.footprint) for one in model.panden if one.homes_per_floor])
    for pand in ends:
        faces = buildings.roof_faces(pand)
        assert len(faces) == 3
        flat = sum(one.area_m2 * np.cos(np.radians(one.tilt_deg)) for one in faces)
        assert flat == pytest.approx(pand.length_m * pand.width_m, abs=1e-6)
        top, eave = pand.ridge_height_m, pand.ground_m + pand.eave_m
        along = np.array([pand.length_m / 2, -pand.length_m / 2])
        assert terrain._roof_height(pand, along, np.zeros(2)) == pytest.approx([eave, top])
        gable, hipped = (shapely.Point(pand.place(np.array([[u, 0.0]]))[0]).buffer(0.2) for u in along[::-1])
        assert len(walls.query(gable, predicate="intersects")) > len(walls.query(hipped, predicate="intersects")) == 1


def test_sheds_are_of_all_sizes_some_under_a_ridge(model) -> None:
    sheds = [one for one in model.panden if not one.use and one.length_m < 9.0 and one.quarter in ("02", "05", "06")]
    assert len({(one.length_m, one.width_m) for one in sheds}) > 0.3 * len(sheds) > 60
    assert {one.roof for one in sheds} == {"flat", "gable"}


def test_flats_have_stairs_places_to_park_and_addresses_one_above_the_other(model) -> None:
    flats = [pand for pand in model.panden if pand.floors > 1 and pand.homes_per_floor > 1]
    assert min(len(pand.annexes) for pand in flats) >= 1
    parking = shapely.union_all([one.shape for one in model.parts if one.function == "parkeervlak"])
    assert max(pand.outline.distance(parking) for pand in flats) < 25.0
    for pand in flats:
        doors = [home.point for home in model.homes if home.panden[0] == pand.number]
        assert len(set(doors)) == len(doors) == pand.floors * pand.homes_per_floor


def test_registers_lack_what_real_ones_lack(folder, model, known) -> None:
    """A quarter without sewer data, gaps, levels that somebody typed wrong, secret figures and a code that was another."""
    pipes, _ = gwsw.read_sewer_pipe(folder / "ogc" / "beheerleiding.geojson")
    assert len(pipes) == len(known.pipes) - len(model.unpublished)
    assert sum(model.network.pipes[n].street.startswith("08-") for n in model.unpublished) > 20
    assert sum(not model.network.pipes[n].street.startswith("08-") for n in model.unpublished) > 5
    high = pipes[(pipes["kind"] == "gravity") & (pipes[["bob_from_m_nap", "bob_to_m_nap"]].max(axis=1) > 5.0)]
    assert len(high) == len(model.misread) > 5
    areas, _ = cbs_areas.read_buurt(folder / "ogc" / "buurten.geojson", year=2025)
    figures, _ = cbs.read_kwb(folder / "odata")
    secret = figures.set_index("buurtcode").loc["BU99990208"]
    assert secret["inhabitants"] > 0
    assert pd.isna(secret["household_size_persons"])
    assert "BU99990209" not in set(areas["buurtcode"])
    assert pd.isna(figures.set_index("buurtcode")["electricity_use_kwh_per_home"].get("BU99990207"))


def test_a_corporation_sends_its_list_as_people_type_it(folder, model) -> None:
    ids = {f"999910{0:04d}{pand.number:06d}" for pand in model.panden}
    read = own.read_own(
        folder / "eigen" / "corporatie.csv", shape=own.PANDEN, known=ids, first_year=2000, last_year=2100
    )
    west = {one.key for one in model.buurten if one.wijk == 1}
    theirs = {pand.number for pand in model.panden if pand.owner == lots.CORPORATION and pand.quarter in west}
    assert len(read.table) == len(theirs)
    assert set(read.report["result"]) == {"matched", "duplicate", "unknown_id", "unreadable"}
    due = read.table["maintenance_year"]
    flats = [f"999910{0:04d}{pand.number:06d}" for pand in model.panden if "gallery" in pand.marks]
    assert (due.loc[flats] == 2027).all()


def test_a_year_later_homes_have_come_and_gone_and_a_name_is_right(folder, model, tmp_path) -> None:
    later = lots.a_year_later(model)
    before, after = ({home.number for home in one.homes if home.in_use} for one in (model, later))
    assert len(after - before) > 3
    assert len(before - after) > 3
    assert [one.number for one in model.homes] == [one.number for one in later.homes]
    names = [{name for _, name in one.streets.values()} for one in (model, later)]
    assert (names[0] - names[1], names[1] - names[0]) == ({"Accolademstraat"}, {"Accoladestraat"})
    path = tmp_path / "verblijfsobject.geojson"
    items = registers.bag(replace(world(DEMO), models=(later,)), 0)
    with registers.collection(path) as add:
        for name, item in items:
            if name == "verblijfsobject":
                add(item)
    read = [set(bag.read_home(one)[0]["home_id"]) for one in (folder / "ogc" / path.name, path)]
    assert (len(read[1] - read[0]), len(read[0] - read[1])) == (34, 15)  # as the page of differences says


def test_the_border_bends_and_holds_all_that_is_built(model) -> None:
    whole = shapely.union_all([one.outline for one in model.buurten])
    assert all(whole.contains(pand.outline) for pand in model.panden)
    assert whole.geom_type == "Polygon"
    straight = shapely.box(*whole.bounds).exterior.buffer(0.01)
    assert whole.exterior.intersection(straight).length < 0.1 * whole.exterior.length


def test_what_was_and_what_is_planned_is_left_out_and_lined_pipes_have_the_year_of_their_lining(folder) -> None:
    tally = bgt.read_terrain(folder / "ogc" / "wegdeel.geojson")[1].left_out
    assert min(tally["registration ended"], tally["status: plan"]) > 10
    pipes, _ = gwsw.read_sewer_pipe(folder / "ogc" / "beheerleiding.geojson")
    lined = pipes[pipes["material"].str.contains("Polyester", na=False)]
    assert len(lined) > 5
    assert set(lined["laid_year"].dropna()) == {RELINED_YEAR}


def test_there_is_no_third_edition(tmp_path) -> None:
    with pytest.raises(ConfigError, match="edition 1 or 2 of voorbeeld"):
        write_example(tmp_path, name=DEMO, edition="3")


def of(model, buurt):
    return [pand for pand in model.panden if pand.quarter == buurt]


def kinds_of(model, *buurten):
    """Kinds of pipes in the streets of some buurten, by the key that their streets begin with."""
    return {pipe.kind for pipe in model.network.pipes if pipe.street.startswith(tuple(f"{one}-" for one in buurten))}


def owned(model):
    mine = [home for home in model.homes if home.number in model.cluster]
    stacked = {pand.number for pand in model.panden if pand.floors > 1}
    flats = [home for home in mine if home.panden[0] in stacked]
    houses = [home.owner == lots.CORPORATION for home in mine if home.panden[0] not in stacked]
    return len(flats), sum(houses), len(houses) - sum(houses)


def roofs(model, buurt):
    return {pand.roof for pand in of(model, buurt)}


def every(model, what, which):
    return any(which(one) for one in getattr(model, what))


#: What the table of ``docs/example.md`` says, by the beginning of its row, asked of the design.
FEATURES = {
    "rows of the thirties": lambda m: {0.7} < {b.width_m for p in of(m, "02") for b in p.annexes},
    "hipped and gabled roofs": lambda m: (
        {"gable", "hip", "half hip"} <= roofs(m, "01") & roofs(m, "02")
        and every(m, "panden", lambda p: p.bouwjaar == 1538)
    ),
    "gardens that meet": lambda m: all(
        any(p.function == "parkeervlak" and p.street.startswith(f"{one}-") for p in m.parts)
        and len({p.length_m for p in of(m, one) if not p.homes_per_floor}) > 10
        for one in ("02", "03", "05", "06", "07")
    ),
    "an area like the first": lambda m: owned(m) == (194, 95, 41),
    "porch flats of the sixties": lambda m: (
        {"onderwijsfunctie", "winkelfunctie"} <= {p.use for p in of(m, "04")}
        and any(p.floors == 4 for p in of(m, "04"))
    ),
    "meandering lanes": lambda m: every(m, "parts", lambda p: p.function == "woonerf" and p.street.startswith("05-")),
    "flat, mono-pitched": lambda m: (
        {"flat", "shed", "gable"} <= roofs(m, "06") and any("tower" in p.marks for p in of(m, "06"))
    ),
    "panden newer": lambda m: (
        any(p.bouwjaar > SURVEY_YEAR for p in of(m, "07")) and any(p.status == "Bouw gestart" for p in of(m, "07"))
    ),
    "scattered homes": lambda m: (
        0 < sum(h.in_use and h.quarter == "08" for h in m.homes) < statistics.SECRET_BELOW_HOMES
        and any(p.use == "industriefunctie" for p in of(m, "08"))
    ),
    "a border that one crosses": lambda m: {"overbruggingsdeel", "waterdeel"} <= {p.collection for p in m.parts},
    "combined sewer": lambda m: (
        "gemengd" in kinds_of(m, "01", "02") and any(n.kind == "ExterneOverstortput" for n in m.network.nodes.values())
    ),
    "foul and rain pipes": lambda m: all(
        {"vuilwater", "hemelwater"} <= kinds_of(m, one) for one in ("03", "05", "06", "07")
    ),
    "improved separate": lambda m: (
        {p.system for p in m.network.pipes if p.street.startswith(("04-", "08-"))} == {"VerbeterdGescheidenStelsel"}
    ),
    "pressure sewer": lambda m: {"Drukleiding", "Persleiding"} <= {p.kind for p in m.network.pipes},
    "combined pipes lined": lambda m: every(
        m.network, "pipes", lambda p: p.year == RELINED_YEAR and p.kind == "gemengd"
    ),
    "BGT objects that were": lambda m: len(m.parts) > 10 * registers.HISTORY_EVERY,
    "a border that bends": lambda m: shapely.get_num_coordinates([b.outline for b in m.buurten]).min() > 20,
    "pipes without year": lambda m: len(m.network.pipes) > 100 * registers.YEAR_UNKNOWN_EVERY,
    "houseboats": lambda m: len(m.boats) == 8,
    "withdrawn addresses": lambda m: (
        every(m, "panden", lambda p: p.bouwjaar == 1005 and p.quarter == "01")
        and every(m, "homes", lambda h: h.status == "Verblijfsobject ingetrokken")
    ),
    "energy and income": lambda m: set(statistics.LATE_GROUPS) == {"Energie", "Inkomen"},
    "a border of height sheets": lambda m: world(DEMO).sheets == 2,
    "a quarter without sewer": lambda m: (
        len(m.misread) > 5 < sum(not m.network.pipes[n].street.startswith("08-") for n in m.unpublished)
    ),
    "a buurt that had": lambda m: m.recoded == {"07": "09"},
    "ownership from": lambda m: every(m, "panden", lambda p: p.owner == lots.CORPORATION and p.quarter in ("03", "04")),
    "homes added": lambda m: lots.a_year_later(m).streets != m.streets,
    "a roof that": lambda m: any(
        registers.identifier("pand", 0, p.number) in read_study(ROOT / "studies" / "voorbeeld.toml").weglaten.panden
        and p.homes_per_floor == 1
        for p in of(m, "02")
    ),
    "a figure of ours": lambda m: "enterprise_overhead" in assumptions.default(),
}
#: Rows on what is scored: `tests/score/test_town_scored.py` asks them of a whole run.
SCORED = (
    "solar panels on a corporation's flats",
    "own data that change",
    "an area that earns",
    "on the long track",
    "streets where taking",
    "no street where grey",
)


def test_every_row_of_the_table_of_features_is_asked_of_the_town(model) -> None:
    page = (ROOT / "docs" / "example.md").read_text("utf-8")
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")][1:]
    assert [row for row in rows if sum(row.startswith(one) for one in (*FEATURES, *SCORED)) != 1] == []
    assert len(rows) == len(FEATURES) + len(SCORED)
    assert [name for name, holds in FEATURES.items() if not holds(model)] == []
    assert [buurt.name for buurt in model.buurten if buurt.name not in page] == []
    assert {"Lijmklemstraat", "Verstekbakstraat", "Buitenlusweg"} <= {name for _, name in model.streets.values()}


def test_houseboats_are_counted_and_are_no_homes(folder, model) -> None:
    """A ligplaats is no verblijfsobject: eight lie in the canal, off its bridges, and none is one of the homes."""
    homes, tally = bag.read_home(folder / "ogc" / "ligplaats.geojson", form=bag.BERTHS)
    assert (len(homes), tally.left_out) == (0, {"ligplaats: Plaats aangewezen": 8})
    boats, water, bridges = (
        gpd.read_file(folder / "ogc" / f"{name}.geojson") for name in ("ligplaats", "waterdeel", "overbruggingsdeel")
    )
    assert boats.within(water.union_all()).all()
    assert not boats.intersects(bridges.union_all()).any()
    with rasterio.open(folder / "ahn" / "dsm_2.tif") as source:
        x, y = boats.geometry.iloc[0].centroid.coords[0]
        assert next(source.sample([(x, y)]))[0] == pytest.approx(model.boats[0].ground_m + 2.6, abs=0.01)
