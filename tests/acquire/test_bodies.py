"""Bodies in the shape that the services really give (2025-2026, made by hand for this test) through client and reader."""

from __future__ import annotations

import json

import pytest

from kansenkaart.acquire.readers import read
from kansenkaart.config import Source
from kansenkaart.errors import FetchError, FormatError, TooMuchError
from kansenkaart.sources import ahn, bag, bag3d_api, pdok
from kansenkaart.sources.tools.http import get
from kansenkaart.sources.tools.ogc import Choice, require_box
from tests.loopback.server import Reply, serve
from tests.runs.places import HTTP

X, Y = 195_000.0, 565_000.0
BOX = (X - 10, Y - 10, X + 110, Y + 110)
BAG = "https://api.pdok.nl/kadaster/bag/ogc/v2/collections"
RULE = "http://data.gwsw.nl/1.6/totaal"


def _square(east, side=8.0):
    west, high = X + east, Y + side
    ring = [[west, Y], [west + side, Y], [west + side, high], [west, high], [west, Y]]
    return {"type": "Polygon", "coordinates": [ring]}


def _key(number):
    return f"7b0c{number:04d}-90ab-5cde-8f01-23456789abcd"


def _one(key, shape, **told):
    return {"type": "Feature", "id": key, "geometry": shape, "properties": told}


def _pand(number):
    told = {"aantal_verblijfsobjecten": 1, "documentnummer": "D1", "geconstateerd": "N", "gebruiksdoel": "woonfunctie"}
    links = [f"{BAG}/verblijfsobject/items/{_key(10 + number)}"]
    own = {"identificatie": f"007910000000000{number}", "bouwjaar": 1950 + number, "status": "Pand in gebruik"}
    return _one(_key(number), _square(20 * number), **told, **own, **{"verblijfsobject.href": links})


def _home(number, *panden):
    told = {"huisnummer": number, "huisletter": None, "toevoeging": None, "postcode": "9999AB", "oppervlakte": 81}
    told |= {"openbare_ruimte_naam": "Proefweg", "openbare_ruimte_naam_kort": None, "gebruiksdoel": "woonfunctie"}
    told |= {"openbare_ruimte_identificatie": "0079300000000007", "status": "Verblijfsobject in gebruik"}
    told |= {"identificatie": f"007901000000000{number}", "woonplaats_naam": "Proefdorp"}
    links = [f"{BAG}/pand/items/{_key(one)}" for one in panden]
    shape = {"type": "Point", "coordinates": [X + 20 * panden[0] + 4, Y + 4]}
    return _one(_key(10 + number), shape, **told, **{"pand.href": links})


def _road(version, ended):
    told = {"bronhouder": "G0079", "lokaal_id": "G0079.abc", "functie": "rijbaan lokale weg", "version": version}
    told |= {"fysiek_voorkomen": "gesloten verharding", "plus_fysiek_voorkomen": None, "status": "bestaand"}
    told |= {"relatieve_hoogteligging": 0, "eind_registratie": ended, "termination_date": None}
    return _one(_key(30 + int(version[1])), _square(0, 20.0), **told)


def _pipe():
    told = {"naam": "P7", "uri": "http://sparql.gwsw.nl/repositories/Proefdorp#7", "type": f"{RULE}/GemengdRiool"}
    told |= {"stelseltype": f"{RULE}/GemengdStelsel", "materiaal_leiding": f"{RULE}/Beton", "hoogte_leiding": 400}
    told |= {"breedte_leiding": 400, "bob_beginpunt_leiding": 1.2, "bob_eindpunt_leiding": 1.1, "einddatum": None}
    shape = {"type": "MultiLineString", "coordinates": [[[X, Y], [X + 60, Y]]]}
    return _one(7, shape, dataset="https://apps.gwsw.nl/item_config?dataset=P", begindatum="1969-05-01", **told)


def _area(**told):
    (ring,) = _square(0, 90.0)["coordinates"]
    return _one(_key(40), {"type": "MultiPolygon", "coordinates": [[ring]]}, **told)


AREAS = {
    "pdok-2026": _area(bu_code="BU00790004", bu_naam="Proefbuurt", wk_code="WK007900", gm_code="GM0079", jaar="2026"),
    "pdok-snake": _area(
        buurtcode="BU0079CD04",
        buurtnaam="Proefbuurt",
        wijkcode="WK0079CD",
        gemeentecode="GM0079",
        gemeentenaam="Proefdorp",
        water="NEE",
        jaar=2025,
        aantal_inwoners=820,
        aantal_huishoudens=400,
        gemiddelde_huishoudsgrootte=2.1,
    ),
}


def _fetched(tmp_path, collection, role, features, *, form, choice=None):
    folder = tmp_path / "site"
    (folder / "ogc").mkdir(parents=True, exist_ok=True)
    whole = {"type": "FeatureCollection", "features": features}
    (folder / "ogc" / f"{collection}.geojson").write_text(json.dumps(whole), encoding="utf-8")
    with serve(folder, matched=False) as server:
        layer = pdok.Layer("bag", collection, f"{server.url}/ogc", role)
        path, _ = pdok.fetch_collection(tmp_path / "raw", layer=layer, http=HTTP, bbox_m=BOX, choice=choice)
    source = Source(role=role, publisher="bag", origin="live", form=form, edition="latest", year=2025)
    return path, *read(path, source)


def test_homes_find_their_panden_by_the_key_of_the_feature(tmp_path):
    path, panden, _ = _fetched(tmp_path, "pand", "pand", [_pand(1), _pand(2)], form="pdok-geojson")
    assert dict(zip(panden["pand_id"], panden["bouwjaar"], strict=True)) == {
        "0079100000000001": 1951,
        "0079100000000002": 1952,
    }
    homes = [_home(1, 1), _home(2, 2), _home(3, 1, 2)]
    choice = bag.pand_names(path)
    _, frame, tally = _fetched(tmp_path, "verblijfsobject", "home", homes, form="pdok-geojson", choice=choice)
    assert frame["pand_id"].tolist() == ["0079100000000001", "0079100000000002", "0079100000000001"]
    assert tally.noted["home in more than one pand"] == 1
    assert set(frame["street_name"]) == {"Proefweg"}


def test_a_key_that_is_a_whole_number_is_told_by_its_text(tmp_path):
    panden = [{"type": "Feature", "geometry": None, "properties": {"id": 7, "identificatie": "0079100000000001"}}]
    (tmp_path / "pand.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": panden}), "utf-8")
    home = bag.pand_names(tmp_path / "pand.geojson").adapt({"properties": {"pand.href": f"{BAG}/pand/items/7"}})
    assert home["properties"]["pand_identificatie"] == "0079100000000001"


def test_what_the_bgt_has_ended_is_left_out(tmp_path):
    roads = [_road("v0", "2019-02-01T08:00:00Z"), _road("v1", "2022-02-01T08:00:00Z"), _road("v2", None)]
    _, frame, tally = _fetched(tmp_path, "wegdeel", "terrain", roads, form="ogc-geojson")
    assert frame["surface"].tolist() == ["gesloten verharding"]
    assert sum(tally.left_out.values()) == 2


def test_a_pipe_of_one_part_with_numbers_and_a_whole_number_as_id(tmp_path):
    _, frame, _ = _fetched(tmp_path, "beheerleiding", "sewer_pipe", [_pipe()], form="gwsw-wfs")
    row = frame.iloc[0]
    assert (row["diameter_mm"], row["bob_from_m_nap"], row["laid_year"]) == (400, 1.2, 1969)
    assert row.geometry.geom_type == "LineString"
    _, none, tally = _fetched(tmp_path, "beheerleiding", "sewer_pipe", [], form="gwsw-wfs")
    assert len(none) == 0
    assert any("lege verzameling" in one for one in tally.noted)


@pytest.mark.parametrize(("form", "code"), [("pdok-2026", "BU00790004"), ("pdok-snake", "BU0079CD04")])
def test_areas_of_2026_and_codes_with_letters(tmp_path, form, code):
    _, frame, _ = _fetched(tmp_path, "buurten", "buurt", [AREAS[form]], form=form)
    assert frame["buurtcode"].tolist() == [code]
    assert frame["inhabitants"].isna().all() == (form == "pdok-2026")


def test_a_shape_without_corners_lies_nowhere_and_stops_nothing():
    empty = [_one("a", {"type": "Polygon", "coordinates": [[]]}), _one("b", None), _one("c", {"type": "Point"})]
    require_box(empty, BOX, where="x")
    require_box([*empty, _one("d", _square(20.0))], BOX, where="x")
    with pytest.raises(FormatError, match="1 features elsewhere, such as at 195900, 565000"):
        require_box([*empty, _one("d", _square(900.0))], BOX, where="x")


REFUSALS = {
    "400": (400, "unknown query parameter(s) found: kleur", FetchError),
    "500": (500, "failed to retrieve feature collection pand: querying the features took too long", TooMuchError),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_the_words_of_the_server_are_passed_on(tmp_path, name):
    status, detail, error = REFUSALS[name]
    body = {"detail": detail, "status": status, "timeStamp": "2026-01-01T00:00:00Z", "title": "Nope"}
    with serve(tmp_path) as server:
        server.fault = lambda *_: Reply(status, "application/problem+json", json.dumps(body).encode())
        with pytest.raises(error) as caught:
            pdok.fetch_collection(
                tmp_path / "raw",
                layer=pdok.Layer("bag", "pand", f"{server.url}/ogc", "pand"),
                http=HTTP,
                choice=Choice(),
            )
    assert detail in caught.value.found


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\n kleur is onbekend \n\n", "status 400: kleur is onbekend"),
        (b"\n <html>Bad Request</html>", "status 400"),
        (b"", "status 400"),
    ],
)
def test_a_refusal_in_plain_words_is_passed_on_and_a_page_is_not(tmp_path, body, said):
    with serve(tmp_path) as server:
        server.fault = lambda *_: Reply(400, "text/plain", body)
        with pytest.raises(FetchError) as caught:
            get(f"{server.url}/ogc", http=HTTP)
    assert caught.value.found == said


@pytest.mark.parametrize(("told", "version"), [({"version": "2.1"}, "2.1"), ({"version": ""}, "2.0"), ({}, "2.0")])
def test_a_page_of_3dbag_without_a_version_is_cityjson_2(told, version):
    page = {"metadata": {**told, "transform": {"scale": [1.0, 1.0, 1.0], "translate": [0.0, 0.0, 0.0]}}}
    assert bag3d_api._header(page, "x")["version"] == version


def test_the_index_of_sheets_names_whole_addresses_and_lengths_as_text():
    base = "https://service.pdok.nl/rws/actueel-hoogtebestand-nederland/atom/downloads/dsm_05m"
    told = {"kaartbladNr": "R_99AA1", "name": "R_99AA1.tif", "url": f"{base}/R_99AA1.tif", "length": "310000000"}
    index = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": _square(0, 90.0), "properties": told}],
    }
    assert ahn.sheets_in(index, BOX, f"{base}/kaartbladindex.json") == [told["url"]]
