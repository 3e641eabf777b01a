"""What goes wrong without a word is stopped by a gate: homes without panden, codes of another year, other heights."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.acquire.readers import empty
from kansenkaart.acquire.steps import _merged
from kansenkaart.config import packaged_rows
from kansenkaart.core.editions import failures, summarise
from kansenkaart.errors import ConfigError
from kansenkaart.publish import factsheets
from kansenkaart.publish.editions.editions import HOMELESS, gates, height_model, statistics
from kansenkaart.publish.map.legend import delivered
from kansenkaart.publish.steps import _known, _weather
from kansenkaart.sources import ahn, cbs_areas
from kansenkaart.sources.knmi import typical_year
from kansenkaart.sources.publishers import delivery
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product, Step, run
from kansenkaart.tables.store import Store
from tests.sources.test_field_readers import write_sheet


def _failed(**tables):
    found = failures({name: summarise(frame) for name, frame in tables.items()}, {}, gates())
    return {(one.gate.gate, one.where) for one in found}


def _homes(known):
    return pd.DataFrame({"home_id": [str(n) for n in range(100)], "pand_id": ["p"] * known + [None] * (100 - known)})


def test_homes_without_a_pand_are_not_published_where_panden_are_of_the_bag():
    panden = pd.DataFrame({"pand_id": ["p"], "bouwjaar": [1970.0]})
    assert ("covered", "home.pand_id") in _failed(home=_homes(89), pand=panden)
    assert ("covered", "home.pand_id") not in _failed(home=_homes(90), pand=panden)
    footprints = panden.assign(bouwjaar=np.nan)  # a town that publishes shapes only has no ids to join by
    assert ("covered", "home.pand_id") not in _failed(home=_homes(0), pand=footprints)


def test_buurten_of_which_the_statistics_do_not_speak_are_not_published():
    codes = pd.DataFrame({"buurtcode": list("abcd"), "inhabitants": [10.0, None, None, None]})
    assert ("covered", "buurt.inhabitants") in _failed(buurt=codes)
    assert ("covered", "buurt.inhabitants") not in _failed(buurt=codes.assign(inhabitants=[10.0, 20.0, None, None]))


def test_codes_of_a_municipality_that_is_no_more_are_noted_with_where_they_went():
    # Brielle (GM0501) went into Voorne aan Zee (GM1992) in 2023 [CBS, Gemeentelijke indeling].
    assert _merged(["BU05010001", "BU05010002", "BU19920001"]) == {
        "GM0501 went into Voorne aan Zee (GM1992) in 2023": 2
    }
    assert _merged(["BU01930001"]) == {}
    assert len(cbs_areas._municipalities()) == 342  # of 2023 to 2026 [CBS, Gemeentelijke indeling]
    for row in packaged_rows("gemeente_changes.csv"):
        assert row["from_code"] not in cbs_areas._municipalities()
        assert cbs_areas.municipality(row["to_code"])[0] == row["to_code"]


def test_a_run_over_the_country_takes_names_codes_or_all_of_today_and_refuses_the_rest_before_it_begins():
    assert cbs_areas.municipality_codes(["zwolle", "GM0268", "GM0193"]) == ["GM0193", "GM0268"]
    every = cbs_areas.municipality_codes([cbs_areas.ALL])
    assert (len(every), every[0], every == sorted(set(every))) == (342, "GM0014", True)
    with pytest.raises(ConfigError, match="Zwole"):
        cbs_areas.municipality_codes(["GM0193", "Zwole"])
    with pytest.raises(ConfigError, match="Voorne aan Zee"):
        cbs_areas.municipality_codes(["Brielle"])


HEIGHTS = {
    "right": (lambda z: z, False),
    "in centimetres": (lambda z: z * 100, True),
    "flat under the roofs": (lambda z: z * 0, True),
    "mostly without height": (lambda z: np.where(np.arange(z.size).reshape(z.shape) % 100 < 30, z, np.nan), True),
}


@pytest.mark.parametrize("name", HEIGHTS)
def test_heights_are_held_against_the_roofs(name, tmp_path, monkeypatch):
    change, wrong = HEIGHTS[name]
    faces = gpd.GeoDataFrame(
        {"face_id": [f"f{n:02d}" for n in range(100)], "ridge_height_m_nap": 7.0, "eave_height_m_nap": 5.0},
        geometry=[shapely.box(190_000 + n, 560_000, 190_001 + n, 560_010) for n in range(100)],
        crs=28992,
    )
    path = tmp_path / "dsm.tif"
    write_sheet(
        change(np.full((10, 100), 6.0)).astype(np.float32), ahn.Affine(1, 0, 190_000, 0, -1, 560_010), path=path
    )
    store = Store(tmp_path)
    monkeypatch.setattr(Store, "has", lambda self, name: name in ("dsm", "roof_face"))
    monkeypatch.setattr(Store, "read", lambda self, name: faces)
    monkeypatch.setattr(Store, "path", lambda self, name: path)
    told = height_model(store)
    found = failures(told, {}, gates())
    assert bool(found) == wrong, [str(one) for one in found]


def _stored(store, table, frame, noted=None):
    run(store, Step(table, (table,), lambda _: [Product(table, frame, Tally(len(frame), len(frame), {}, noted or {}))]))


def test_the_overview_says_of_an_empty_source_what_is_left_out_and_why(tmp_path, finished):
    store, whole = Store(tmp_path), Store(finished / "data" / "processed" / "proefveld")
    noted = {"bron dsm (ahn): niet te krijgen: status 404": 1}
    _stored(store, "buurt", whole.read("buurt"), noted)
    _stored(store, "roof_face", empty("roof_face"), {"3dbag niet te lezen: een blad dat afbreekt": 1})
    _stored(store, "sewer_pipe", empty("sewer_pipe"), {"gwsw heeft hier niets (lege verzameling)": 1})
    kept = whole.read("weather_daily")  # a table without a tally says nothing, and stops nothing
    run(store, Step("weather_daily", ("weather_daily",), lambda _: [Product("weather_daily", kept)]))
    said = {one.what: (one.known, one.means) for one in (_known(store, row) for row in packaged_rows("overview.csv"))}
    assert said["Buurten en hun cijfers (CBS)"][0]
    assert said["Dakvlakken in 3D (3DBAG)"] == (
        False,
        "er zijn geen daken berekend. Waarom: 3dbag niet te lezen: een blad dat afbreekt",
    )
    assert said["Hoogtemodel (AHN)"][1].endswith("Waarom: bron dsm (ahn): niet te krijgen: status 404")
    assert said["Riolen (GWSW)"][1].endswith("Waarom: gwsw heeft hier niets (lege verzameling)")
    assert "Waarom" not in said["Woningen (BAG)"][1]  # not in the study: nothing was left out


@pytest.mark.parametrize(("station", "km", "near"), [((52.1, 5.18), "34", True), ((52.435, 6.262), "120", False)])
def test_the_overview_says_how_far_away_the_sun_was_measured(tmp_path, monkeypatch, station, km, near):
    # Gouda, RD 108,000 / 447,000, is 52.009 N 4.703 E. De Bilt lies 10 km north and 33 km east, Heino 47 and 106 km.
    land = gpd.GeoDataFrame(geometry=[shapely.box(107_500, 446_500, 108_500, 447_500)], crs=28992)
    hours = pd.DataFrame({"latitude_deg": [station[0]], "longitude_deg": [station[1]]})
    monkeypatch.setattr(Store, "has", lambda self, name: name in ("buurt", "weather_hourly"))
    monkeypatch.setattr(Store, "describe", lambda self, name: {"rows": 1})
    monkeypatch.setattr(Store, "read", lambda self, name: land if name == "buurt" else hours)
    (said,) = _weather(Store(tmp_path))
    assert (said.known, said.means.startswith(f"gemeten op ongeveer {km} km van hier")) == (near, True)
    assert ("dichterbij" in said.means) != near
    monkeypatch.setattr(Store, "has", lambda self, name: name in ("buurt", "weather_daily"))
    for station, rain in (("278", ["Regen en verdamping van een weerstation"]), ("Heino", [])):  # a name has no place
        days = pd.DataFrame({"day": ["2025-04-01"], "station": [station]})
        monkeypatch.setattr(Store, "read", lambda self, name, days=days: land if name == "buurt" else days)
        assert [one.what for one in _weather(Store(tmp_path)) if "120 km" in one.means] == rain


@pytest.mark.parametrize("by_face", [0, 3, None])
def test_the_overview_says_for_how_many_buildings_the_roofs_served(tmp_path, finished, by_face):
    # Roofs may lie beside the buildings: then none is scored by a face, and the overview may not say that all are.
    store, whole = Store(tmp_path), Store(finished / "data" / "processed" / "proefveld")
    _stored(store, "roof_face", whole.read("roof_face"))
    scored = whole.read("pand_score")
    count = len(scored) if by_face is None else by_face
    scored["score_basis"] = ["lod22"] * count + ["footprint"] * (len(scored) - count)
    _stored(store, "pand_score", scored)
    said = {one.what: one.means for one in (_known(store, row) for row in packaged_rows("overview.csv"))}
    some = (
        f"zon is per dakvlak berekend voor {count} van de {len(scored)} gebouwen; andere daken zijn geschat of gezocht"
    )
    expected = "zon is per dakvlak berekend" if by_face is None else f"{some} in het hoogtemodel"
    assert said["Dakvlakken in 3D (3DBAG)"] == expected
    assert said["Straten, groen en water (BGT)"] == "er zijn geen straten gemaakt"


def test_the_overview_of_a_tile_alone_says_that_its_faces_have_their_sun_and_where_that_was_measured(
    tmp_path, finished
):
    store, whole = Store(tmp_path), Store(finished / "data" / "processed" / "proefveld")
    for name in ("roof_face", "roof_face_score"):
        _stored(store, name, whole.read(name))
    hours, tally, told = typical_year()
    run(store, Step("weather", ("weather_hourly",), lambda _: [Product("weather_hourly", hours, tally)], (), (told,)))
    said = {one.what: one.means for one in (_known(store, row) for row in packaged_rows("overview.csv"))}
    assert said["Dakvlakken in 3D (3DBAG)"] == "zon is per dakvlak berekend"
    assert said["Hoogtemodel (AHN)"].startswith("schaduw van bomen is niet gemeten")
    assert [one.what for one in _weather(store)] == ["Zon van een weerstation"]
    assert delivered(told) == "editie De Bilt 2011-2024, gegevens tot en met 2024"


@pytest.mark.parametrize(("lost", "stopped"), [(4, False), (5, True)])
def test_statistics_whose_buurt_is_no_more_are_stopped_where_they_are_most(tmp_path, finished, lost, stopped):
    store, whole = Store(tmp_path), Store(finished / "data" / "processed" / "proefveld")
    buurten = whole.read("buurt")  # four, all with statistics
    made = Product("buurt", buurten, Tally(4, 4, {}, {HOMELESS: lost}))
    asked = delivery(
        "cbs-gebieden", role="buurt", edition="2025", address="https://api.example.nl/buurten", sha256="0" * 64
    )
    for source, found in (((asked,), stopped), ((replace(asked, address="buurten.gpkg"),), False)):
        run(store, Step("buurt", ("buurt",), lambda _: [made], (), source))
        assert bool(failures(statistics(store), {}, [replace(one, slack=0) for one in gates()])) == found
    assert statistics(Store(tmp_path / "none")) == {}


def test_a_rule_can_need_a_column_that_says_something():
    rule = next(one for one in gates() if one.column == "pand_id" and one.gate == "covered")
    assert rule.needs == "pand.bouwjaar"
    assert failures({"home": summarise(_homes(0))}, {}, [replace(rule, needs="pand")]) == []


@pytest.mark.parametrize("homes", [{}, {"homes": None}, {"homes": float("nan")}, {"homes": 0}])
def test_a_place_of_no_or_unknown_homes_has_no_factsheet(homes):
    assert list(factsheets._sheet(None, "buurt", "BU1", "Buurt", pd.Series(homes, dtype=object))) == []
