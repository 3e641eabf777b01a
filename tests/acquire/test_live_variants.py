"""Each surprise of the real services alone: what the clients make of it, through our own readers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kansenkaart.config import ROLES
from kansenkaart.errors import FetchError, FormatError, TooMuchError
from kansenkaart.runs import study
from kansenkaart.sources import pdok
from kansenkaart.sources.tools.ogc import Choice
from tests.loopback import faults
from tests.loopback.unkind import VARIANTS, country, serve_unkind, unkind_addresses
from tests.runs.places import HTTP, project, site, twin

SURPRISES = {
    "no count": ("buurt", "pand"),
    "strict": ("buurt", "pand"),
    "uuid": ("buurt", "pand", "home"),
    "history": ("buurt", "terrain"),
    "gwsw 1.6": ("buurt", "sewer_pipe", "sewer_node"),
    "took too long": ("buurt", "pand"),
    "exact pages": ("buurt", "pand"),
    "v3 down": ("buurt", "statistics"),
    "moved": ("buurt", "pand", "home"),
    "no date": ("buurt", "dsm"),
}
ROWS = {"pand": 738, "home": 1034, "terrain": 1574, "sewer_pipe": 249, "sewer_node": 255, "buurt": 4}


@pytest.fixture(scope="module")
def unkind_site(tmp_path_factory):
    return country(site(tmp_path_factory.mktemp("variants") / "site"))


def _acquired(unkind_site, root, *variants, roles, monkeypatch, bulk=False, study_text=None):
    with serve_unkind(unkind_site, *variants) as server:
        for name, address in unkind_addresses(server.url).items():
            monkeypatch.setenv(name, address)
        place = twin(root, *roles)
        path = root / "studies" / "proefveld.toml"
        text = study_text(path.read_text("utf-8")) if study_text else path.read_text("utf-8")
        for role in ("pand", "home") if bulk else ():
            text = text.replace(
                f'"{role}"\npublisher = "bag"\norigin = "live"', f'"{role}"\npublisher = "bag"\norigin = "bulk"'
            )
        path.write_text(text, encoding="utf-8")
        place = replace(study.open_study("proefveld", root=root), http=replace(HTTP, page_size=100))
        study.run_acquire(place)
        return place, list(server.asked)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_example_stays_whole_under_each_surprise(unkind_site, tmp_path, monkeypatch, name):
    roles, bulk = SURPRISES[name], name == "moved"
    place, asked = _acquired(unkind_site, tmp_path / "p", name, roles=roles, monkeypatch=monkeypatch, bulk=bulk)
    for role in set(roles) & set(ROWS):
        assert len(place.store.read(role)) == ROWS[role], role
    if "home" in roles:
        assert place.store.read("home")["pand_id"].notna().sum() == 1034
    if name == "history":
        assert not any("registration ended" in one for one in place.store.describe("terrain")["tally"]["left_out"])
        assert all("datetime=" in path for path in asked if "deel/items" in path)
    if name == "no date":
        assert place.store.describe("dsm")["sources"][0]["edition"] == "AHN4-2024-02-01"
    if name == "v3 down":
        assert place.store.read("buurt")["inhabitants"].notna().all()


def test_codes_with_letters_go_from_publisher_to_table(unkind_site, tmp_path, monkeypatch):
    place, _ = _acquired(unkind_site, tmp_path / "p", "letters", roles=("buurt", "home"), monkeypatch=monkeypatch)
    assert sorted(place.store.read("buurt")["buurtcode"]) == [f"BU9999AF0{n}" for n in (1, 2, 3, 4)]
    assert place.store.read("home")["buurtcode"].str.startswith("BU9999AF").all()


def test_areas_of_2026_have_other_names_and_get_their_figures_from_the_statistics(unkind_site, tmp_path, monkeypatch):
    place, asked = _acquired(
        unkind_site,
        tmp_path / "p",
        "names of 2026",
        "strict",
        roles=("buurt", "statistics"),
        monkeypatch=monkeypatch,
        study_text=lambda text: text.replace('"pdok-snake"', '"pdok-2026"'),
    )
    buurt = place.store.read("buurt")
    assert len(buurt) == 4
    assert buurt["inhabitants"].notna().all()
    assert not any("gemeentecode" in path for path in asked)


def test_a_municipality_without_sewers_gets_empty_tables_and_a_note(unkind_site, tmp_path, monkeypatch):
    roles = ("buurt", "home", "sewer_pipe", "sewer_node")
    place, _ = _acquired(unkind_site, tmp_path / "p", "no sewers", roles=roles, monkeypatch=monkeypatch)
    assert len(place.store.read("sewer_pipe")) == 0
    assert "gwsw heeft hier niets (lege verzameling)" in place.store.describe("sewer_pipe")["tally"]["noted"]


def test_a_server_without_ranges_gives_the_whole_sheet(unkind_site, tmp_path, monkeypatch):
    place, _ = _acquired(unkind_site, tmp_path / "p", "no ranges", roles=("buurt", "dsm"), monkeypatch=monkeypatch)
    kept = [one.name for one in place.folders.raw.rglob("*.tif") if "proefveld" not in one.parts]
    assert kept == ["R_99ZZ9.tif"]


def test_a_window_is_read_by_ranges_with_fewer_bytes_than_the_sheet(unkind_site, tmp_path, monkeypatch):
    place, asked = _acquired(unkind_site, tmp_path / "p", "no count", roles=("buurt", "dsm"), monkeypatch=monkeypatch)
    kept = [one.name for one in place.folders.raw.rglob("*.tif") if "proefveld" not in one.parts]
    assert kept == ["R_99ZZ9_190000_560000_190640_560580.tif"]
    assert sum(path.endswith("R_99ZZ9.tif") for path in asked) <= 3


def test_both_ways_to_cbs_give_the_same_table(unkind_site, tmp_path, monkeypatch):
    tables = []
    for variants in (("no count",), ("v3 down",)):
        root = tmp_path / variants[0]
        roles = ("buurt", "statistics")
        place, _ = _acquired(unkind_site, root, *variants, roles=roles, monkeypatch=monkeypatch)
        tables.append((place.store.root / "1_clean" / "buurt.parquet").read_bytes())
    assert tables[0] == tables[1]


def test_an_error_says_what_the_service_says(unkind_site):
    with serve_unkind(unkind_site, "strict") as server:
        layer = pdok.Layer("bgt", "wegdeel", f"{server.url}/ogc", "terrain")
        with pytest.raises(FetchError, match=r"unknown query parameter\(s\) found: kleur"):
            pdok.fetch_collection(unkind_site / "raw", layer=layer, http=HTTP, choice=Choice([("kleur", "rood")]))


def test_a_service_that_fails_on_every_box_is_not_asked_for_ever(unkind_site, tmp_path):
    box = (190_000.0, 560_000.0, 190_640.0, 560_580.0)
    with serve_unkind(unkind_site, "strict") as server:
        server.fault = faults.status(500)
        layer = pdok.Layer("bag", "pand", f"{server.url}/ogc", "pand")
        with pytest.raises(TooMuchError):
            pdok.fetch_collection(tmp_path, layer=layer, http=HTTP, bbox_m=box)
        assert len(server.asked) == HTTP.attempts + 2 * pdok.MOST_SPLITS  # after the first refusal every box twice only


def _elsewhere(page):
    for one in page["features"]:
        one["geometry"] = {"type": "Point", "coordinates": [120_000.0, 480_000.0]}


ODD_BOXES = {
    "the box ignored": (faults.body(_elsewhere), FormatError, "features in the box 190000,560000,"),
    "nothing where people live": (
        faults.body(lambda page: page.update(features=[], links=[], numberReturned=0)),
        FetchError,
        "where CBS counts 1034 homes",
    ),
}


@pytest.mark.parametrize("name", ODD_BOXES)
def test_a_service_that_understands_the_box_in_another_way_is_refused(unkind_site, tmp_path, monkeypatch, name):
    change, error, words = ODD_BOXES[name]
    with serve_unkind(unkind_site, "no count") as server:
        for one, address in unkind_addresses(server.url).items():
            monkeypatch.setenv(one, address)
        server.fault = lambda n, p, reply: change(n, p, reply) if "/pand/items" in p else reply
        with pytest.raises(error, match=words):
            study.run_acquire(twin(tmp_path / "p", "buurt", "pand"))


def test_a_killed_run_goes_on_and_asks_no_page_twice(unkind_site, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    with serve_unkind(unkind_site) as server:
        for name, address in unkind_addresses(server.url).items():
            monkeypatch.setenv(name, address)
        place = twin(tmp_path / "p", "buurt", "pand", "home", "terrain")

        def stop(source, progress):
            if source == "bgt begroeidterreindeel":
                raise Killed

        http = replace(place.http, page_size=100)
        with pytest.raises(Killed):
            study.run_acquire(replace(place, http=replace(http, meter=type(http.meter)(listen=stop))))
        before = [path for path in server.asked if "/items" in path]
        server.asked.clear()
        study.run_acquire(replace(place, http=http))
        again = [path for path in server.asked if "/items" in path and path in before]
        assert len(before) > 20
        assert again == []


def test_the_template_of_a_municipality_gets_every_layer_through_all_surprises(unkind_site, tmp_path, monkeypatch):
    with serve_unkind(unkind_site) as server:
        for name, address in unkind_addresses(server.url).items():
            monkeypatch.setenv(name, address)
        place = study.open_study("gemeente", root=project(tmp_path / "p", "gemeente"), gemeentecode="GM9999")
        said = []
        meter = type(HTTP.meter)(listen=lambda source, words: said.append(f"{source}: {words}"))
        study.run_acquire(replace(place, http=replace(HTTP, meter=meter)))
    assert {one.role for one in place.study.source} == set(ROLES) - {one for one in ROLES if one.startswith("own_")}
    home, roofs = place.store.read("home"), place.store.read("roof_face")
    assert (len(home), home["pand_id"].notna().sum()) == (1034, 1034)
    assert set(place.store.read("pand")["pand_id"]) <= set(roofs["pand_id"])
    assert len(place.store.read("weather_hourly")) == 87600
    panels = place.store.read("buurt").set_index("buurtcode")[["pv_systems", "pv_installed_kwp", "pv_systems_year"]]
    assert panels.loc["BU99990001"].tolist() == [110, 440, 2022]  # a third of 330 homes, 4 kWp each
    assert panels["pv_systems"].notna().sum() == 3
    assert sum(one.startswith("raming: ") for one in said) >= 15  # before anything but buurten is asked
    assert any("pagina's" in one for one in said)


def test_what_is_optional_and_cannot_be_had_is_left_out_and_said(unkind_site, tmp_path, monkeypatch):
    with serve_unkind(unkind_site) as server:
        for name, address in unkind_addresses(server.url).items():
            monkeypatch.setenv(name, address)
        gone, odd = ("beheerleiding", "beheerput", "daggegevens", "_05m"), faults.text(b",    Q\n", b",   QX\n")

        def fault(number, path, reply):
            reply = odd(number, path, reply) if "uurgegevens" in path else reply
            return faults.status(404)(number, path, reply) if any(one in path for one in gone) else reply

        server.fault = fault
        place = study.open_study("gemeente", root=project(tmp_path / "p", "gemeente"), gemeentecode="GM9999")
        study.run_acquire(replace(place, http=HTTP))
    noted = place.store.describe("buurt")["tally"]["noted"]
    assert sum("niet te krijgen: status 404" in one for one in noted) == 5
    assert not place.store.has("sewer_pipe")
    assert not place.store.has("dsm")
    assert (
        len(place.store.read("weather_hourly")) == 8760
    )  # hours that cannot be read: the typical year that is built in
    noted = place.store.describe("weather_hourly")["tally"]["noted"]
    assert any("niet te lezen" in one for one in noted)
    assert noted["geen weer per uur in de studie: ingebouwd typisch jaar van De Bilt"] == 8760
