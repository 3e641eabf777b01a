"""The live trial against the twins: all works, and it names what does not, be it the service or a mend that is taken out."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from kansenkaart.acquire import trial
from kansenkaart.errors import FormatError
from kansenkaart.runs import studies, study
from kansenkaart.sources import bag, cbs_areas, pdok
from kansenkaart.sources.tools.ogc import Choice
from tests.loopback import faults
from tests.loopback.unkind import OTHER_TRUTH, VARIANTS, country, recorded, serve_unkind, unkind_addresses
from tests.pinned import same_as_pinned
from tests.runs.places import HTTP, project, site


@pytest.fixture(scope="module")
def unkind_site(tmp_path_factory):
    return country(site(tmp_path_factory.mktemp("trial") / "site"))


def _tried(unkind_site, root, monkeypatch, *variants, fault=None, out=None):
    with serve_unkind(unkind_site, *variants) as server:
        for name, address in unkind_addresses(server.url).items():
            monkeypatch.setenv(name, address)
        server.fault = fault
        place = study.open_study("gemeente", root=project(root, "gemeente"), gemeentecode="GM9999")
        rows = studies.run_trial(replace(place, http=replace(HTTP, page_size=1000)), out)
        return {row["source"]: row for row in rows}, list(server.asked)


def _broken(rows):
    return {name: " ".join(row["words"]) for name, row in rows.items() if not row["works"]}


def test_every_source_works_through_all_surprises_and_the_bodies_lead_to_nobody(unkind_site, tmp_path, monkeypatch):
    rows, asked = _tried(unkind_site, tmp_path / "p", monkeypatch, out=tmp_path / "bodies")
    assert _broken(rows) == {}
    assert len(rows) == 20
    assert len(asked) < 90
    assert [name for name, row in rows.items() if not row["seconds"]] == []  # how long each answer took
    assert rows["bag pand"]["headers"]["content-crs"]
    assert rows["knmi-uur dichtstbij"]["words"] == ["station 270: 48 rijen van twee dagen"]
    kept = {path.stem: path.read_text("utf-8") for path in (tmp_path / "bodies").glob("*.json")}
    assert {"bag-pand", "bag-verblijfsobject", "bgt-wegdeel", "cbs-gebieden-buurten"} <= set(kept)
    home = json.loads(kept["bag-verblijfsobject"])
    assert set(home) == {"source", "date", "answers"}
    truth = (unkind_site / "ogc" / "verblijfsobject.geojson").read_text("utf-8")
    streets = set(re.findall(r'"openbare_ruimte_naam": ?"([^"]+)"', truth))
    assert streets
    assert not any(street in text for street in streets for text in kept.values())
    ids = set(re.findall(r"\b9999\d{12}\b", truth))
    features = [one for answer in home["answers"] for one in answer["body"].get("features", [])]
    assert features
    links = {link.rsplit("/", 1)[-1] for one in features for link in one["properties"]["pand.href"]}
    panden = json.loads(kept["bag-pand"])
    keys = {one["id"] for answer in panden["answers"] for one in answer["body"].get("features", [])}
    assert links & keys, len(ids)  # the same id became the same other one in both answers
    with serve_unkind(recorded(tmp_path / "bodies", tmp_path / "again"), "strict") as server:
        layer = pdok.Layer("bag", "verblijfsobject", f"{server.url}/ogc", "home")
        path, _ = pdok.fetch_collection(
            tmp_path / "raw", layer=layer, http=HTTP, bbox_m=(190_000, 560_000, 190_640, 560_580)
        )
    assert len(json.loads(path.read_bytes())["features"]) == len(features)


def _steady(text):
    """Return a text without what differs from run to run: times, days, ports and hashes."""
    text = re.sub(r"\b\d+,\d s\b", "# s", re.sub(r"127\.0\.0\.1:\d+", "HOST", text))
    return re.sub(r"\b20\d\d-?\d\d-?\d\d(T[\d:%A]+Z?)?", "DAY", re.sub(r"\b[0-9a-f]{12,64}\b", "#", text))


def test_what_is_said_of_a_failure_is_one_line_of_three_hundred_characters_at_most():
    told = trial._said(FormatError("a short answer", found="word " * 100, where="x", remedy="y"))
    assert len(told) == 300
    assert "\n" not in told
    assert "word word" in told


def test_what_is_wrong_stands_before_what_was_seen():
    verdict = trial.Verdict("pdok panden", words=["12 gelezen", "nieuw: kleur"])
    verdict.fail("geen enkele woning heeft een pand")
    assert (verdict.works, verdict.words) == (
        False,
        ["geen enkele woning heeft een pand", "12 gelezen", "nieuw: kleur"],
    )


def test_the_kind_twin_works_too_and_is_described_as_was_read(unkind_site, tmp_path, monkeypatch):
    rows, _ = _tried(unkind_site, tmp_path / "p", monkeypatch, "strict", out=tmp_path / "bodies")
    assert _broken(rows) == {}
    made = {}
    for name, row in rows.items():
        said = [f"{row['verdict']}, {row['requests']} vragen, {row['minutes']} min", *row["words"]]
        made[name] = _steady("\n".join([*said, f"headers: {', '.join(sorted(row['headers']))}"]))
    for path in sorted((tmp_path / "bodies").glob("*.json")):
        text = _steady(path.read_text("utf-8"))
        made[path.name] = f"{len(text)} {hashlib.sha256(text.encode()).hexdigest()[:12]}"
    same_as_pinned("pins/trial.txt", made)


def _in(collection, change):
    return lambda n, p, reply: change(n, p, reply) if f"/{collection}/items" in p else reply


def _with_unit(_n, _p, reply):
    return replace(reply, content=re.sub(rb'"oppervlakte": (\d+)', rb'"oppervlakte": "\1 m2"', reply.content))


NEW = {
    "a column with another name": (
        _in("wegdeel", faults.text(b'"fysiek_voorkomen"', b'"verharding"')),
        ("bgt wegdeel", "surface is nergens bekend"),
    ),
    "numbers with their unit": (_in("verblijfsobject", _with_unit), ("bag verblijfsobject", "oppervlakte|floor_area")),
}


@pytest.mark.parametrize("name", NEW)
def test_a_new_surprise_in_the_answers_is_named(unkind_site, tmp_path, monkeypatch, name):
    fault, (source, words) = NEW[name]
    broken = _broken(_tried(unkind_site, tmp_path / "p", monkeypatch, fault=fault)[0])
    assert set(broken) == {source}
    assert re.search(words, broken[source])


def _to_another_host(page):
    for link in page.get("links", []):
        link["href"] = link["href"].replace("127.0.0.1", "10.1.2.3")


def _swapped(page):
    for one in page["features"]:
        one["geometry"] = {"type": "Point", "coordinates": [560_010.0, 190_010.0]}


def _looping(_n, path, reply):
    return faults.body(lambda page: page.update(links=[{"rel": "next", "href": path}]))(0, path, reply)


def _packed_twice(_n, _p, reply):
    twice = gzip.compress(gzip.compress(reply.content))
    return replace(reply, content=twice, headers={**reply.headers, "Content-Encoding": "gzip"})


def _odd_but_legible(page):
    """Ids as whole numbers, and figures as people type them."""
    for one in page["features"]:
        one["id"] = int(one["properties"]["identificatie"])
        one["properties"]["oppervlakte"] = f"{one['properties']['oppervlakte']},5"


MUCH_LATER = format_datetime(datetime.now(UTC) + timedelta(days=100), usegmt=True)
TOGETHER = {
    "pand": (faults.body(_to_another_host), "een link naar 127.0.0.1 gevonden: http://10.1.2.3"),
    "wegdeel": (faults.html, "inhoud van soort text/html in plaats van json"),
    "ondersteunendwegdeel": (_packed_twice, "iets dat twee keer is ingepakt"),
    "begroeidterreindeel": (_looping, "de volgende bladzijde begint niet waar de vorige ophield"),
    "onbegroeidterreindeel": (faults.body(_swapped), "coördinaat 560010.0, 190010.0"),
    "waterdeel": (faults.status(204), "status 204: een antwoord zonder inhoud"),
    "beheerleiding": (faults.status(503, **{"Retry-After": MUCH_LATER}), "de uitgever vraagt 86"),
    "beheerput": (lambda n, p, reply: replace(reply, content=b""), "niets: een leeg antwoord"),
}


def test_many_surprises_at_once_are_each_named_in_dutch_and_what_is_legible_is_read(unkind_site, tmp_path, monkeypatch):
    def fault(number, path, reply):
        name = path.split("/collections/")[-1].split("/items")[0] if "/items" in path else ""
        if name == "verblijfsobject":
            return faults.body(_odd_but_legible)(number, path, reply)
        return TOGETHER[name][0](number, path, reply) if name in TOGETHER else reply

    rows, _ = _tried(unkind_site, tmp_path / "p", monkeypatch, "strict", fault=fault)
    broken = _broken(rows)
    named = {name.split(" ")[1]: said for name, said in broken.items()}
    assert set(named) == set(TOGETHER)
    for name, (_, words) in TOGETHER.items():
        assert words in named[name], name
    home = " ".join(rows["bag verblijfsobject"]["words"])
    assert re.search(r"getallen als tekst, zo gelezen: oppervlakte \('\d+,5'\)", home)
    assert "3 gelezen, 3 gebruikt" in home


def test_a_box_that_is_not_understood_and_a_page_that_comes_again_are_named(unkind_site, tmp_path, monkeypatch):
    first = {}

    def fault(number, path, reply):
        if "/beheerput/items" in path and "cursor" in path:
            return replace(reply, content=first["page"])
        if "/beheerput/items" in path and "limit=3" in path and "600000" not in path:
            first["page"] = reply.content
        if "/onbegroeidterreindeel/items" in path and "600000" in path:
            return first["yard"]
        if "/onbegroeidterreindeel/items" in path:
            first["yard"] = reply
        return reply

    broken = _broken(_tried(unkind_site, tmp_path / "p", monkeypatch, fault=fault)[0])
    assert set(broken) == {"gwsw beheerput", "bgt onbegroeidterreindeel"}
    assert "volgende bladzijde" in broken["gwsw beheerput"]
    assert "op zee" in broken["bgt onbegroeidterreindeel"]


UNMENDED = {
    "uuid": (
        lambda patch: patch.setattr(bag, "pand_names", lambda path: Choice()),
        "bag verblijfsobject",
        "geen enkele woning",
    ),
    "history": (
        lambda patch: patch.setattr(trial, "gives_history", lambda one, name: False),
        "bgt wegdeel",
        "beeindigde",
    ),
    "letters": (
        lambda patch: patch.setattr(cbs_areas, "_CODE", re.compile(r"BU\d{8}")),
        "cbs-gebieden buurten",
        "geen enkele buurt",
    ),
    "v3 down": (
        lambda patch: patch.setattr(trial.cbs, "fetch_v4", trial.cbs.fetch_v3),
        "cbs-odata statistics",
        "geen van beide",
    ),
}


@pytest.mark.parametrize("name", UNMENDED)
def test_a_reader_without_the_mend_is_caught(unkind_site, tmp_path, monkeypatch, name):
    assert name in {**VARIANTS, **OTHER_TRUTH}
    unmend, source, words = UNMENDED[name]
    unmend(monkeypatch)
    broken = _broken(_tried(unkind_site, tmp_path / "p", monkeypatch, name)[0])
    assert source in broken
    assert words in broken[source]
