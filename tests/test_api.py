"""The Python door: its examples run, and what it gives is what a run of the example stored."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString

from kansenkaart import api
from kansenkaart.errors import ConfigError, CrsError, InfeasibleError, SchemaError
from kansenkaart.tables.assumptions import default
from tests.pinned import require_as_pinned


def test_the_examples_run():
    failed, tried = doctest.testmod(api, optionflags=doctest.ELLIPSIS, extraglobs=_terrace())
    assert tried > 20
    assert failed == 0


def test_the_lines_of_the_readme_run():
    failed, tried = doctest.testfile(
        str(Path(__file__).parent.parent / "README.md"), module_relative=False, encoding="utf-8"
    )
    assert tried == 9
    assert failed == 0


def _terrace():
    """Return the names that the module's own example makes, for the examples of its functions."""
    names: dict[str, object] = {}
    for one in doctest.DocTestParser().get_examples(api.__doc__ or ""):
        exec(one.source, names)  # noqa: S102 - our own text
    return {name: names[name] for name in ("panden", "homes")}


def test_every_name_of_the_door_is_described():
    assert [name for name in api.__all__ if not getattr(api, name).__doc__] == []


def test_a_release_has_units_and_is_what_was_stored(finished):
    release = api.open_release(finished / "maps" / "proefveld")
    place = api.open_study("proefveld", root=finished)
    assert {"buurt_score", "block"} <= set(release)
    frame, stored = release["buurt_score"], place.store.read("buurt_score")
    assert frame["homes"].tolist() == stored["homes"].tolist()
    assert frame.attrs["units"]["grey_water_m3_per_year"] == "m3/year"
    with pytest.raises(KeyError):
        release["nothing"]


def test_a_table_without_tilts_is_refused():
    with pytest.raises(SchemaError, match="tilt_deg"):
        api.score_roofs(gpd.GeoDataFrame({"azimuth_deg": [0.0]}), weather=pd.DataFrame(), site=api.Site(52.0, 5.0))


def test_roofs_without_weather_take_the_year_that_is_built_in():
    """A level roof gets what falls on the ground: 1,052.6 kWh/m2, the sum of Q in the file of KNMI's hours."""
    level = gpd.GeoDataFrame({"tilt_deg": [0.0], "azimuth_deg": [0.0]})
    assert api.score_roofs(level)["open_sky_kwh_per_m2_year"][0] == pytest.approx(1052.6, rel=0.005)
    with pytest.raises(ConfigError, match="its site"):
        api.score_roofs(level, site=api.Site(52.0, 5.0))


def test_the_map_is_a_whole_page(finished):
    page = api.render_map(api.open_study("proefveld", root=finished))
    assert page.startswith("<!DOCTYPE html>")
    assert "Proefveld" in page


def test_another_track_is_refused():
    with pytest.raises(ConfigError, match="short or long"):
        api.enterprise_case(api.AreaFacts(), track="middle")


WRONG = {
    "degrees for a place": (
        lambda own: api.best_area(own.blocks, around=(5.1, 52.1)),
        ConfigError,
        "a point in RD New",
    ),
    "an address for a place": (
        lambda own: api.best_area(own.blocks, around="Dorp 1"),
        ConfigError,
        "a point in RD New",
    ),
    "a place far from all homes": (
        lambda own: api.best_area(own.blocks, around=(200_000, 400_000)),
        ConfigError,
        "within 300 m of homes of the study; found the nearest are 76490 m away",
    ),
    "a frame for blocks": (lambda own: api.divide(own.panden), SchemaError, "found GeoDataFrame; where: blocks"),
    "an unknown value": (
        lambda own: api.best_area(own.blocks, around=(155_120, 462_200), value="worth"),
        SchemaError,
        "worth",
    ),
    "words for a value": (
        lambda own: api.best_area(
            replace(own.blocks, frame=own.blocks.frame.assign(worth="much")), around=(155_120, 462_200), value="worth"
        ),
        SchemaError,
        "expected numbers; found much; where: blocks.worth",
    ),
    "an area smaller than a block": (
        lambda own: api.best_area(own.blocks, around=(155_120, 462_200), target=3),
        InfeasibleError,
        "found blocks of 20 homes or more; where: around the point; what to do: ask for an area of more homes",
    ),
    "a roof of less than nothing": (
        lambda own: api.score_roofs(own.panden.assign(tilt_deg=30.0, azimuth_deg=180.0, roof_area_m2=-1.0)),
        SchemaError,
        "numbers from 0 to inf m2; found -1; where: roofs.roof_area_m2",
    ),
    "more than a full turn": (
        lambda own: api.score_roofs(own.panden.assign(tilt_deg=30.0, azimuth_deg=3000.0)),
        SchemaError,
        "numbers from 0 to 360 deg; found 3000; where: roofs.azimuth_deg",
    ),
    "KNMI's -1 for a trace of rain": (
        lambda own: api.score_streets(own.named, own.panden, weather=own.days.assign(rain_mm=-1.0)),
        SchemaError,
        "numbers from 0 to 400 mm/day; found -1; where: weather.rain_mm",
    ),
    "homes twice": (
        lambda own: api.make_blocks(own.panden, pd.concat([own.homes, own.homes])),
        SchemaError,
        "each home_id once; found p0 more than once",
    ),
    "points for panden": (lambda own: api.make_blocks(own.homes, own.homes), SchemaError, "a Polygon in each row"),
    "outlines for homes": (lambda own: api.make_blocks(own.panden, own.outlined), SchemaError, "a Point in each row"),
    "a pand without a shape": (
        lambda own: api.make_blocks(own.panden.assign(geometry=[None, *own.panden.geometry[1:]]), own.homes),
        SchemaError,
        "found 1 rows without; where: panden",
    ),
    "a table without shapes": (
        lambda own: api.make_blocks(pd.DataFrame(own.panden.drop(columns="geometry")), own.homes),
        SchemaError,
        "a table without geometry; where: panden",
    ),
    "streets in degrees": (
        lambda own: api.score_streets(own.named.to_crs(4326), own.panden, weather=own.days),
        CrsError,
        "found EPSG:4326; where: homes",
    ),
    "a table that is none of ours": (
        lambda own: api.score_streets(own.named, own.panden, weather=own.days, sewers=own.panden),
        SchemaError,
        "one of terrain, street_line, sewer_pipe, sewer_node; found sewers",
    ),
    "streets without their columns": (
        lambda own: api.score_streets(own.named, own.panden, weather=own.days, street_line=own.panden),
        SchemaError,
        "street_line_id",
    ),
    "words for rain": (
        lambda own: api.score_streets(own.named, own.panden, weather=own.days.assign(rain_mm="veel")),
        SchemaError,
        "numbers; found veel; where: weather.rain_mm",
    ),
    "no days": (
        lambda own: api.score_streets(own.named, own.panden, weather=own.days.assign(day="x")),
        SchemaError,
        "days such as 2025-04-01; found x",
    ),
    "words for a tilt": (
        lambda own: api.score_roofs(own.panden.assign(tilt_deg="steil", azimuth_deg=0.0)),
        SchemaError,
        "numbers; found steil; where: roofs.tilt_deg",
    ),
    "points for roofs": (
        lambda own: api.score_roofs(
            own.homes.assign(tilt_deg=0.0, azimuth_deg=0.0, eave_height_m_nap=3.0), surface="roofs"
        ),
        SchemaError,
        "a Polygon in each row",
    ),
    "roofs in degrees": (
        lambda own: api.score_roofs(own.panden.assign(tilt_deg=0.0, azimuth_deg=0.0).to_crs(4326)),
        CrsError,
        "found EPSG:4326; where: roofs",
    ),
    "roofs of no reference system": (
        lambda own: api.score_roofs(
            own.panden.assign(tilt_deg=0.0, azimuth_deg=0.0).set_crs(None, allow_override=True)
        ),
        CrsError,
        "found no reference system; where: roofs",
    ),
    "a dict for weather": (
        lambda own: api.score_roofs(
            own.panden.assign(tilt_deg=0.0, azimuth_deg=0.0), weather={"ghi": 1}, site=api.Site(52.0, 5.0)
        ),
        SchemaError,
        "a table with columns; found dict; where: weather",
    ),
    "points for streets": (
        lambda own: api.make_blocks(own.panden, own.homes, streets=own.homes.assign(cls="local")),
        SchemaError,
        "a LineString in each row; found 400 rows without; where: streets",
    ),
    "borders in degrees": (
        lambda own: api.make_blocks(own.panden, own.homes, streets=own.panden.assign(cls="local").to_crs(4326)),
        CrsError,
        "found EPSG:4326; where: streets",
    ),
    "homes without end": (
        lambda own: api.enterprise_case(api.AreaFacts(homes=float("inf"))),
        ConfigError,
        "0 or more; found inf",
    ),
    "a service that is none": (
        lambda own: api.enterprise_case(api.AreaFacts(homes=330.0), package=("gren",)),
        ConfigError,
        "found gren",
    ),
    "a dict for facts": (lambda own: api.enterprise_case({"homes": 330}), ConfigError, "AreaFacts; found dict"),
    "homes below 0": (lambda own: api.enterprise_case(api.AreaFacts(homes=-5.0)), ConfigError, "0 or more; found -5.0"),
}


@pytest.fixture(scope="module")
def own():
    """Give frames as somebody who never saw a study has them."""
    panden, homes = (_terrace()[name] for name in ("panden", "homes"))
    days = pd.DataFrame({"day": pd.date_range("2025-01-01", "2025-12-31").astype(str)})
    return SimpleNamespace(
        panden=panden,
        homes=homes,
        outlined=panden.assign(home_id=panden["pand_id"]),
        named=homes.assign(street_name="Dorpsstraat"),
        days=days.assign(rain_mm=1.0, evaporation_mm=2.0),
        blocks=api.make_blocks(panden, homes),
    )


@pytest.mark.parametrize("use", WRONG)
def test_a_wrong_use_is_answered_in_words(own, use):
    """Not by a traceback of a library, and never by an answer about another place or with homes counted twice."""
    wrong, kind, words = WRONG[use]
    with pytest.raises(kind, match=re.escape(words)):
        wrong(own)


def test_a_slope_of_unknown_azimuth_is_unknown():
    """It got the sun of a north slope before; a flat face needs no azimuth."""
    faces = gpd.GeoDataFrame({"tilt_deg": [0.0, 40.0, 40.0], "azimuth_deg": [np.nan, np.nan, 0.0]})
    sun = api.score_roofs(faces)["open_sky_kwh_per_m2_year"]
    assert sun.isna().tolist() == [False, True, False]


def test_faces_of_which_no_shape_is_there_get_their_sun(own):
    faces = own.panden.head(2).assign(tilt_deg=0.0, azimuth_deg=0.0, geometry=None)
    assert api.score_roofs(faces)["open_sky_kwh_per_m2_year"].notna().all()


def test_faces_of_unknown_height_or_none_at_all_have_no_shade(own):
    faces = own.panden.head(2).assign(tilt_deg=0.0, azimuth_deg=0.0, eave_height_m_nap=[3.0, np.nan])
    sun = api.score_roofs(faces.rename_geometry("vlak"), surface="roofs")
    assert sun["sun_kwh_per_m2_year"].isna().tolist() == [False, True]
    assert api.score_roofs(faces.head(0), surface="roofs")["shade_frac"].tolist() == []


def test_columns_that_may_be_empty_may_be_left_out(own):
    lines = gpd.GeoDataFrame(
        {"street_line_id": ["1"], "street_name": ["Dorpsstraat"], "length_m": [270.0]},
        geometry=[LineString([(155_000, 462_015), (155_270, 462_015)])],
        crs=28992,
    )
    streets = api.score_streets(own.named, own.panden, weather=own.days, street_line=lines)
    assert streets["street_basis"].tolist() == ["nwb"]


def test_people_that_are_whole_numbers_with_holes_have_the_average_household_there(own):
    known = own.named.assign(people=pd.array([3, None] * (len(own.named) // 2), "Int64"))
    water = api.score_streets(known, own.panden, weather=own.days)["grey_water_m3_per_year"].sum()
    whole = api.score_streets(own.named, own.panden, weather=own.days)["grey_water_m3_per_year"].sum()
    average = default().value("household_size_design", "person/home")
    assert water / whole == pytest.approx((3 + average) / 2 / average)


def test_a_case_takes_the_package_of_a_study_and_services_add_up():
    # Two services that share nothing: what each adds to the bare organisation adds up to what both do.
    facts = api.AreaFacts(homes=330.0, households=330.0, inhabitants=700.0, people_65_plus=120.0)
    one, other = "collective_purchase", "health_insurance"
    made = {
        package: api.enterprise_case(facts, package=package)["eur_per_year"]
        for package in ((), (one,), (other,), (one, other))
    }
    both = made[one,] + made[other,] - made[()]
    assert made[one, other].to_numpy() == pytest.approx(both.to_numpy(), abs=0.01)
    assert abs(made[one,]["household"] - made[()]["household"]) > 100


def test_every_column_of_every_answer_to_ones_own_frames_is_as_it_was(own):
    roofs = own.panden.assign(tilt_deg=[float(n % 60) for n in range(len(own.panden))], azimuth_deg=200.0)
    low = api.AreaFacts(homes=330.0, households=330.0, inhabitants=700.0, people_65_plus=120.0)
    tables = {
        "roofs": api.score_roofs(roofs),
        "shaded": api.score_roofs(roofs.head(40).assign(eave_height_m_nap=[3.0, 9.0] * 20), surface="roofs"),
        "streets": api.score_streets(own.named, own.panden, weather=own.days),
        "blocks": own.blocks.frame,
        "divided": api.divide(own.blocks, target=100),
        "area": api.best_area(own.blocks, around=(155_120, 462_200)),
        "small area": api.best_area(own.blocks, around=(155_120, 462_200), target=100, radius_m=150.0),
        "case": api.enterprise_case(low),
        "short case": api.enterprise_case(low, track="short"),
    }
    require_as_pinned("api", tables)
