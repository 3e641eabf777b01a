"""The example through the live clients gives the same tables, byte for byte, as from files; failures leave them be."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely

from kansenkaart.acquire.forecast import Homes
from kansenkaart.acquire.live import Errand
from kansenkaart.config import Source
from kansenkaart.errors import ConfigError, CrsError, FetchError, FormatError, IncompleteError
from kansenkaart.runs import study
from kansenkaart.score import steps as score
from kansenkaart.tables import assumptions, schemas
from kansenkaart.tables.step import run
from tests.loopback import faults
from tests.loopback.unkind import country, serve_unkind, unkind_addresses
from tests.runs.places import HTTP, all_bytes, project, site, tables, twin, twin_study


@pytest.fixture(scope="module")
def unkind_site(tmp_path_factory):
    return country(site(tmp_path_factory.mktemp("unkind") / "site"))


@pytest.fixture(scope="module")
def shared_server(unkind_site):
    with serve_unkind(unkind_site) as running:
        yield running


@pytest.fixture
def server(shared_server, monkeypatch):
    for name, address in unkind_addresses(shared_server.url).items():
        monkeypatch.setenv(name, address)
    shared_server.fault = None
    shared_server.asked.clear()
    return shared_server


def _acquired(shared_server, root, *roles):
    shared_server.fault = None  # of the test before, whichever that was
    with pytest.MonkeyPatch.context() as patch:
        for name, address in unkind_addresses(shared_server.url).items():
            patch.setenv(name, address)
        place = twin(root, *roles)
        study.run_acquire(place)
    return place


@pytest.fixture(scope="module")
def fetched_once(shared_server, tmp_path_factory):
    """Acquire the whole live twin once from an undisturbed server."""
    return _acquired(shared_server, tmp_path_factory.mktemp("live") / "project")


@pytest.fixture(scope="module")
def small(shared_server, tmp_path_factory):
    """Acquire buurten and panden only, for the tests of faults."""
    return _acquired(shared_server, tmp_path_factory.mktemp("small") / "project", "buurt", "pand")


def _different(one, other):
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def test_every_clean_table_has_the_bytes_that_files_give(fetched_once, finished):
    from_files = tables(study.open_study("proefveld", root=finished))
    assert len(from_files) == 11  # nine tables, dsm and dtm
    assert _different(tables(fetched_once), from_files) == []


def _scored(store, of_study):
    """Give the steps whose tables are scores, of those that are ready."""
    steps = score.steps(store, assumptions.default(), of_study)
    return (one for one in steps if {schemas.get(name).stage for name in one.outputs} == {"2_scored"})


@pytest.mark.slow
def test_scores_have_the_bytes_that_files_give(fetched_once, finished):
    for one in _scored(fetched_once.store, fetched_once.study):
        run(fetched_once.store, one)  # what is made of the scores later follows from their bytes
    place = study.open_study("proefveld", root=finished)
    assert tables(place, "2_scored")
    assert _different(tables(fetched_once, "2_scored"), tables(place, "2_scored")) == []


def test_lineage_names_the_services_and_never_a_path_of_the_machine(fetched_once, finished):
    told = fetched_once.store.describe("pand")["sources"]
    assert {one["publisher"] for one in told} == {"bag", "cbs-gebieden", "cbs-odata"}
    for name in fetched_once.store.names():
        assert str(finished.parent) not in json.dumps(fetched_once.store.describe(name))


def test_a_second_live_run_changes_nothing_and_asks_for_buurten_once(fetched_once, server):
    before = all_bytes(fetched_once.folders.raw.parent, "raw", "processed")
    reports = study.run_acquire(fetched_once)
    assert {one.status for one in reports} == {"unchanged"}
    assert all_bytes(fetched_once.folders.raw.parent, "raw", "processed") == before
    assert sum("/buurten/items" in path for path in server.asked) == 1


LASTING = {
    "500": (faults.status(500), FetchError),
    "reset": (faults.reset, FetchError),
    "truncated JSON": (faults.truncated, FetchError),
    "HTML instead of JSON": (faults.html, FetchError),
    "degrees": (faults.text(b"[190", b"[5.1, 52.1, 190"), CrsError),
    "a column gone": (faults.text(b'"bouwjaar"', b'"jaar"'), FormatError),
    "half the rows": (faults.body(lambda page: page.update(features=page["features"][::2])), IncompleteError),
}


def _for_panden(change):
    return lambda number, path, reply: change(number, path, reply) if "ogc/collections/pand/" in path else reply


@pytest.mark.parametrize("name", LASTING)
def test_a_failing_register_leaves_deliveries_and_tables_as_they_were(small, server, name):
    change, error = LASTING[name]
    before = all_bytes(small.folders.raw.parent, "raw", "processed")
    server.fault = _for_panden(change)
    with pytest.raises(error) as caught:
        study.run_acquire(small)
    assert caught.value.remedy
    kept = all_bytes(small.folders.raw.parent, "raw", "processed")
    assert {path: kept[path] for path in before} == before
    assert study.check(small) == []
    server.fault = None
    assert {one.status for one in study.run_acquire(small)} == {"unchanged"}


@pytest.mark.parametrize("wanted", ["odata4", "kaartbladindex"])
def test_any_publisher_that_fails_stops_the_run_before_a_table_changes(fetched_once, server, wanted):
    before = tables(fetched_once)
    server.fault = lambda number, path, reply: faults.reset(number, path, reply) if wanted in path else reply
    with pytest.raises(FetchError):
        study.run_acquire(fetched_once)
    assert tables(fetched_once) == before


def test_a_changed_register_is_kept_beside_the_old_one_and_only_its_tables_change(shared_server, server, tmp_path):
    place = _acquired(shared_server, tmp_path / "project", "buurt", "pand")
    before = all_bytes(place.folders.raw, "")
    server.fault = _for_panden(faults.text(b'"bouwjaar":', b'"bouwjaar" :'))
    assert {one.status for one in study.run_acquire(place)} == {"unchanged"}  # other spelling, same values
    server.fault = _for_panden(faults.text(b'"Pand in gebruik"', b'"Verbouwing pand"'))
    told = {one.step: one.status for one in study.run_acquire(place)}
    assert told == {"buurt": "unchanged", "pand": "done", "weather_hourly": "unchanged"}
    kept = all_bytes(place.folders.raw, "")
    assert {path: kept[path] for path in before} == before
    assert len([path for path in kept if path.startswith("bag/") and "pand_" in path]) == 2


BAD = {
    "no client": ("sewer_node", '"sewer_node"', '"own_sewer"', "a live source"),
    "no layer": ("terrain", 'layer = "wegdeel"\n', "", "a layer for terrain"),
    "no place": ("pand", 'gemeentecode = "GM9999"', "", "gemeentecode"),
    "no period": ("weather_daily", "20150101-20241231", "ooit", "the station as layer"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("server")
def test_a_live_source_that_cannot_be_asked_is_a_fault_of_the_study(tmp_path, name):
    role, old, new, word = BAD[name]
    content = twin_study("buurt", role)
    assert old in content
    project(tmp_path / "project")
    (tmp_path / "project" / "studies" / "proefveld.toml").write_text(content.replace(old, new, 1), encoding="utf-8")
    place = replace(study.open_study("proefveld", root=tmp_path / "project"), http=HTTP)
    with pytest.raises(ConfigError, match=word) as caught:
        study.run_acquire(place)
    assert caught.value.remedy
    assert study.status(place) == []


def test_homes_are_forecast_from_the_first_figure_that_is_stated_and_else_as_a_dense_town():
    """CBS writes -99997 for what it does not say; 210 inhabitants are 100 homes, and a tenth of a km2 of a town is 300."""
    columns = {
        "woningvoorraad": [7, -99997, None, -99997],
        "aantal_huishoudens": [5, 6, -99995, None],
        "aantal_inwoners": [9, 9, 210, -99997],
    }
    raw = gpd.GeoDataFrame(columns, geometry=[shapely.box(0, 0, 1000, 100)] * 4, crs=28992)
    assert Homes.of(raw).count.tolist() == pytest.approx([7, 6, 100, 300])
    assert Homes.of(raw[["geometry"]]).count.tolist() == [300] * 4


@pytest.mark.parametrize(("wide_m", "tiles"), [(999.0, False), (1000.0, False), (1001.0, True)])
def test_roofs_of_half_a_square_kilometre_are_asked_by_window_and_more_come_as_tiles(wide_m, tiles):
    errand = SimpleNamespace(window=lambda: (100_000.0, 450_000.0, 100_000.0 + wide_m, 450_500.0))
    roofs = Source(role="roof_face", publisher="3dbag", origin="live", form="cityjson", edition="latest", year=2025)
    assert Errand.tiled(errand, roofs) == tiles
    assert Errand.tiled(errand, roofs.model_copy(update={"origin": "bulk"}))
    assert not Errand.tiled(errand, roofs.model_copy(update={"role": "pand"}))


def test_what_a_source_says_stands_under_its_role_layer_and_publisher(tmp_path):
    place = study.open_study("proefveld", root=project(tmp_path / "project", "proefveld"))
    errand = Errand(place.study, place.folders)
    for layer, name in ((None, "terrain (pdok)"), ("wegdeel", "terrain wegdeel (pdok)")):
        errand.note(Source(role="terrain", publisher="pdok", origin="live", form="ogc", layer=layer), "later")
        assert errand.said.pop(name) == "later"


def test_the_template_for_a_municipality_asks_only_what_a_client_can_fetch(tmp_path):
    root = project(tmp_path / "project", "gemeente")
    place = study.open_study("gemeente", root=root, gemeentecode="GM9999")
    assert place.study.place.gemeentecode == "GM9999"
    assert place.store.root.name == "gemeente-gm9999"
    errand = Errand(place.study, place.folders)
    for source in place.study.source:
        assert callable(errand._fetcher(source)), source.role  # a ConfigError where nobody fetches it


def test_a_study_of_some_wijken_asks_for_their_window_and_what_lies_around_them(server, tmp_path):
    place = twin(tmp_path / "project", "buurt")
    whole = Errand(place.study, place.folders, place.http).window()

    def of(wijk):
        there = place.study.place.model_copy(update={"wijken": (wijk,)})
        return Errand(place.study.model_copy(update={"place": there}), place.folders, place.http)

    assert of("WK999900").window() == (whole[0] - 200, whole[1] - 200, whole[2] + 200, whole[3] + 200)
    with pytest.raises(ConfigError, match="buurten"):
        of("WK9999ZZ").window()


def test_a_box_holds_the_part_of_each_buurt_that_lies_in_it():
    shapes = np.array([shapely.box(0, 0, 1000, 1000), shapely.box(2000, 0, 3000, 1000)], dtype=object)
    homes = Homes(shapes, np.array([400.0, 100.0]))
    assert homes.within((500, 0, 2500, 500)) == (125.0, 0.5, True)  # a quarter of each; 0.25 km2 twice
    assert homes.within((1200, 0, 1500, 500)) == (0.0, 0.0, False)
    assert homes.within((1000, 0, 1500, 500)) == (0.0, 0.0, True)  # only touched
