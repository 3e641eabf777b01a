"""The live trial with answers of our own: what is asked of each kind of source, what is said, and when a source does not work."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kansenkaart.acquire import trial
from kansenkaart.acquire.forecast import Expected
from kansenkaart.acquire.trial import Cleaner, Trial, Verdict, write_bodies
from kansenkaart.config import Source, Study
from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.http import Answer, Http
from kansenkaart.tables.provenance import Tally

BOX, WINDOW = (100_000.0, 450_000.0, 100_300.0, 450_300.0), (99_000.0, 449_000.0, 102_000.0, 452_000.0)


def _source(role, publisher="gwsw", origin="live", layer=None, **more):
    return Source(role=role, publisher=publisher, origin=origin, form="x", layer=layer, path=None, **more)


@pytest.fixture
def tried(tmp_path, monkeypatch):
    """Give a trial in a folder of its own, whose addresses are invented."""
    for name in ("base_url", "second_url"):
        monkeypatch.setattr(trial.publishers, name, lambda publisher, name=name: f"https://{publisher}.nl/{name}/")
    monkeypatch.setattr(trial.publishers, "base_urls", lambda publisher: ["https://a.nl", "https://b.nl"])
    monkeypatch.setattr(trial.publishers, "bulk_urls", lambda publisher: ["https://a.nl/x"])
    monkeypatch.setattr(trial, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    monkeypatch.setattr(trial.bulk, "reachable", lambda addresses, http: addresses[-1])
    study = Study(name="x", title="x", place={"gemeentecode": "GM0193"}, source=(_source("buurt"),))
    return Trial(study, Http(), tmp_path, BOX, WINDOW)


def _row(number, **properties):
    shape = {"type": "Point", "coordinates": [100_000.0 + number, 450_000.0]}
    return {"type": "Feature", "id": str(number), "geometry": shape, "properties": properties}


def _page(*numbers, onward=None):
    links = [{"rel": "next", "href": onward}] if onward else []
    return {"features": [_row(one) for one in numbers], "links": links}


@pytest.fixture
def pages(monkeypatch):
    """Answer by kind of question; what is asked is kept in ``asked``, what goes to a reader in ``read``."""
    seen = SimpleNamespace(asked=[], read=[], first=_page(1, 2), next=_page(3), sea=_page(), whole=_page(*range(7)))
    seen.listed = {"collections": [{"id": "beheerput"}, {"id": "wegdeel"}, "odd"]}

    def get_json(url, *, http, params=None):
        seen.asked.append(url)
        if url.endswith("/collections"):
            assert params == {"f": "json"}
            kind = "listed"
        elif "cursor" in url:
            kind = "next"
        else:
            kind = "sea" if "20000" in url else "whole" if "99000" in url else "first"
        return getattr(seen, kind), Answer(url, 200, {"etag": kind, "x": "y"}, b"")

    monkeypatch.setattr(trial, "get_json", get_json)
    monkeypatch.setattr(trial, "_through_reader", lambda *what: seen.read.append(what[3]))
    return seen


def _probed(tried, source):
    verdict = Verdict("x")
    trial._collection(tried, source, verdict)
    return verdict


def test_a_collection_is_asked_for_a_few_the_next_few_nothing_at_sea_and_a_whole_page(tried, pages):
    base = "https://gwsw.nl/base_url/collections"
    pages.first = _page(1, 2, onward=f"{base}/beheerput/items?cursor=a")
    verdict = _probed(tried, _source("sewer_node"))
    assert verdict.works
    assert verdict.words == ["eerste bladzijde van de gemeente: 7 objecten in 0,0 s"]
    assert pages.asked[0] == base
    assert [one.split("?")[0] for one in pages.asked[1:]] == [f"{base}/beheerput/items"] * 4
    assert ["limit=3" in one for one in pages.asked[1:]] == [True, False, True, False]
    assert f"limit={trial.pdok.MOST_PER_PAGE}" in pages.asked[-1]
    assert not any("datetime" in one for one in pages.asked)
    assert [one for one, _ in verdict.bodies] == pages.asked[:-1]  # a thousand objects are not kept
    assert pages.read == [pages.first["features"]]
    assert (verdict.seconds, verdict.headers) == ([0.0] * 5, {"etag": "whole"})
    pages.asked.clear()
    pages.first = _page(1, 2)
    _probed(tried, _source("terrain", "bgt", layer="wegdeel"))
    assert len(pages.asked) == 4  # its own list, no next page
    now = f"{datetime.now(UTC):%Y-%m-%dT}"
    assert all(now in one for one in pages.asked[1:])
    pages.asked.clear()
    _probed(tried, _source("terrain", "bgt", layer="wegdeel"))
    assert len(pages.asked) == 3  # listed once


def test_what_is_wrong_with_a_collection_is_said(tried, pages):
    pages.listed = {"collections": [{"id": f"c{number}"} for number in range(9)]}
    verdict = _probed(tried, _source("sewer_node"))
    names = ", ".join(f"c{number}" for number in range(8))
    assert verdict.words == [f"verzameling beheerput bestaat niet meer; er zijn {names}"]
    assert (verdict.works, len(pages.asked)) == (False, 1)
    for pages.listed in ([], {}, {"collections": None}):
        tried.listed.clear()
        assert _probed(tried, _source("sewer_node")).works
    onward = "https://gwsw.nl/base_url/collections/beheerput/items?cursor=a"
    pages.first, pages.next, pages.sea = _page(1, 2, onward=onward), _page(2, 3), _page(4)
    verdict = _probed(tried, _source("sewer_node"))
    assert not verdict.works
    assert verdict.words[:2] == [
        "een venster op zee geeft objecten: bbox wordt niet begrepen",
        "de volgende bladzijde begint niet waar de vorige ophield",
    ]
    for content in ([], {"features": None}, {"a" * 90: 1}):
        with pytest.raises(FormatError) as why:
            trial._page(content, "x")
        assert why.value.found == str(content)[:80]


RAW = {"a": "p|q", "b": "R_r?", "c": "gone?", "d": "", "e": "lost|x", "f": "typed", "g": "empty"}


def _compared(monkeypatch, rows, frame):
    monkeypatch.setattr(trial, "raw_names", lambda role, form: RAW)
    verdict = Verdict("x")
    trial._compare(verdict, _source("pand"), [{"properties": one} for one in rows], frame)
    return verdict


def test_names_and_values_are_held_against_what_the_reader_made_of_them(monkeypatch):
    rows = [
        {"empty": "", "lost": -99997, "typed": -99995, "Q": ""},
        {"Q": "t", "rr": 1, "lost": "5 m", "typed": "7", "empty": None, "ID": 1, "new2": 1, "new1": 1},
        {},
    ]
    frame = pd.DataFrame({"a": ["t"], "b": [1], "e": [None], "f": [7.0], "g": [None]})
    verdict = _compared(monkeypatch, rows, frame)
    assert verdict.words == [
        "lost komt binnen als '5 m' (str) en gaat verloren: ander type",
        "getallen als tekst, zo gelezen: typed ('7')",
        "niet gegeven, mag ontbreken: gone",
        "nieuw of ongebruikt: new1, new2",
    ]
    assert not verdict.works
    fine = _compared(
        monkeypatch, [{"p": "t", "q": 1, "rr": 1, "gone": 1, "lost": 5, "typed": 7, "empty": 1}], frame.head(0)
    )
    assert (fine.works, fine.words) == (True, [])
    many = {f"n{number:02d}": 1 for number in range(13)}
    words = _compared(monkeypatch, [many], frame).words
    assert words[-1] == f"nieuw of ongebruikt: {', '.join(list(many)[:12])} ..."
    many.pop("n12")
    assert _compared(monkeypatch, [many], frame).words[-1] == f"nieuw of ongebruikt: {', '.join(many)}"


def test_no_more_than_six_numbers_that_are_text_are_named(monkeypatch):
    names = [f"n{number}" for number in range(7)]
    monkeypatch.setattr(trial, "raw_names", lambda role, form: {one: one for one in names})
    verdict = Verdict("x")
    frame = pd.DataFrame({one: [1 if one < "n4" else 1.5] for one in names})
    trial._compare(verdict, _source("pand"), [{"properties": dict.fromkeys(names, "1")}], frame)
    shown = ", ".join(f"{one} ('1')" for one in names[:6])
    assert verdict.words == [f"getallen als tekst, zo gelezen: {shown}"]


def _through(tried, monkeypatch, source, frame, tally, features=({"properties": {}},), said=()):
    monkeypatch.setattr(trial, "read", lambda path, asked: {"live": (frame, tally)}[asked.origin])
    monkeypatch.setattr(trial, "_compare", lambda verdict, *_: verdict.words.extend(said))
    verdict = Verdict("x")
    trial._through_reader(tried, source, verdict, list(features))
    return verdict.works, verdict.words


def test_what_a_reader_makes_of_a_few_is_judged(tried, monkeypatch):
    years, none = pd.DataFrame({"bouwjaar": [1990.0]}), pd.DataFrame({"bouwjaar": [None]})
    pand, gone = _source("pand", origin="bulk"), Tally(1, 0, {"no area": 1, "no year": 0})
    assert _through(tried, monkeypatch, pand, years, gone, features=()) == (
        True,
        ["hier niets: een lege verzameling is een antwoord"],
    )
    assert _through(tried, monkeypatch, pand, years, Tally(1, 1)) == (True, ["1 gelezen, 1 gebruikt"])
    assert _through(tried, monkeypatch, pand, none, gone) == (
        False,
        ["niets bruikbaar van 1: 1x no area", "1 gelezen, 0 gebruikt"],
    )
    unknown = "bouwjaar is nergens bekend: de kolom heet of schrijft anders"
    assert _through(tried, monkeypatch, pand, none, Tally(1, 1)) == (False, [unknown, "1 gelezen, 1 gebruikt"])
    for said in ("bouwjaar lacks", "is lost: ander type"):
        assert _through(tried, monkeypatch, pand, none, Tally(1, 1), said=[said])[0]
    ended = "het antwoord heeft beeindigde objecten: de vraag naar het heden wordt niet begrepen"
    assert _through(tried, monkeypatch, pand, years, Tally(2, 1, {"ended": 1}))[1][0] == ended
    assert _through(tried, monkeypatch, pand, years, Tally(1, 1, {"ended": 0}))[0]
    assert _through(tried, monkeypatch, _source("terrain"), pd.DataFrame({"surface": [None]}), Tally(1, 1))[1][
        0
    ].startswith("surface is nergens bekend")
    written = json.loads((tried.folder / "pand.geojson").read_bytes())
    assert written["features"] == [{"properties": {}}]


def test_homes_without_a_pand_are_seen(tried, monkeypatch):
    asked = []

    def get_json(url, *, http):
        asked.append(url)
        return {"features": [{"id": "p"}]}, None

    monkeypatch.setattr(trial, "get_json", get_json)
    monkeypatch.setattr(
        trial.bag, "pand_names", lambda path: SimpleNamespace(of=lambda rows: [json.loads(path.read_bytes())])
    )
    homes = pd.DataFrame({"pand_id": [None], "floor_area_m2": [1.0], "street_name": ["a"]})
    works, words = _through(tried, monkeypatch, _source("home", "bag"), homes, Tally(1, 1))
    assert (works, words[0]) == (
        False,
        "geen enkele woning heeft een pand: de dienst noemt panden op een andere manier",
    )
    assert asked[0].startswith("https://bag.nl/base_url/collections/pand/items?")
    assert "limit=200" in asked[0]
    (named,) = json.loads((tried.folder / "home.geojson").read_bytes())["features"]
    assert named["features"] == [{"id": "p"}]
    homes["pand_id"] = "x"
    assert _through(tried, monkeypatch, _source("home", "bag"), homes, Tally(1, 1))[0]


@pytest.fixture
def files(monkeypatch):
    """Give a file of the country these headers, first bytes and edition."""
    told = SimpleNamespace(
        stated={"content-length": "2400000", "etag": "t", "x": "y"},
        begin=b"fgb\x03fgb",
        status=206,
        edition="2025",
        asked=[],
    )

    def get(url, *, http, kinds, headers):
        told.asked.append((url, kinds, headers))
        return Answer(url, told.status, {}, told.begin + b"x" * 20)

    monkeypatch.setattr(trial, "head", lambda url, http: told.stated)
    monkeypatch.setattr(trial, "get", get)
    monkeypatch.setattr(trial.bulk, "stated_edition", lambda url, stated, http: told.edition)
    monkeypatch.setattr(trial.bulk.Feed, "beside", lambda url, http: SimpleNamespace(edition=lambda: told.edition))
    return told


def test_a_file_of_the_country_is_seen_by_its_head_and_first_bytes(tried, files):
    verdict = Verdict("x")
    trial._bulk(tried, _source("roof_face", "3dbag", "bulk"), verdict)
    assert (verdict.works, verdict.words) == (True, ["editie 2025, 2 MB, adres https://a.nl/x"])
    assert files.asked == [("https://a.nl/x", (), {"Range": "bytes=0-1023", "Accept-Encoding": "identity"})]
    assert verdict.headers == {"content-length": "2400000", "etag": "t"}
    assert verdict.seconds == [0.0, 0.0]
    files.edition, files.status, files.stated, files.begin = "", 200, {}, b"<html>"
    verdict = Verdict("x")
    trial._bulk(tried, _source("pand", "bag", "bulk"), verdict)
    assert (verdict.works, verdict.words) == (
        False,
        [
            "geen dag, geen feed en geen ETag: de editie heeft geen naam",
            f"het bestand begint met {b'<html>' + b'x' * 10!r}: een ander soort bestand",
            "geen deel van het bestand te krijgen (range): alleen het geheel",
            "editie onbekend, 0 MB, adres https://a.nl/x",
        ],
    )
    files.begin = trial.bag.SQLITE_MAGIC[0]
    verdict = Verdict("x")
    trial._bulk(tried, _source("pand", "bag", "bulk"), verdict)
    assert len(verdict.words) == 3


def test_sheets_of_heights_are_those_of_the_window(tried, files, monkeypatch):
    monkeypatch.setattr(trial.ahn, "index_address", lambda base, role: f"{base}/{role}.json")
    monkeypatch.setattr(trial, "get_json", lambda url, http, params: ({"url": url}, Answer(url, 200, {}, b"")))
    links = {BOX: ["https://b.nl/1.tif"], WINDOW: ["1", "2", "3"]}
    monkeypatch.setattr(
        trial.ahn, "sheets_in", lambda content, box, index: links[box] if content["url"] == index else None
    )
    verdict, files.begin = Verdict("x"), b"II*\x00"
    trial._heights(tried, _source("dsm", "ahn"), verdict)
    assert (verdict.works, verdict.words, verdict.bodies) == (True, ["editie 2025, 3 bladen"], [])
    assert files.asked[0][0] == "https://b.nl/1.tif"
    files.edition = ""
    trial._heights(tried, _source("dsm", "ahn"), verdict)
    assert verdict.words[-1] == "editie niet genoemd in de feed, 3 bladen"
    links[BOX] = []
    trial._heights(tried, _source("dsm", "ahn"), verdict)
    assert (verdict.works, verdict.words[0]) == (False, "geen blad in het venster")
    assert len(files.asked) == 2


def test_both_ways_to_statistics_are_tried_and_compared(tried, monkeypatch):
    asked, tables = [], {"v3": pd.DataFrame({"a": [1]}), "v4": pd.DataFrame({"a": [1]})}

    def fetch(way):
        def fetched(folder, base, codes, names, http):
            asked.append((way, folder, base, codes, names))
            if tables[way] is None:
                raise FormatError("a table", found=f"none by {way}")
            return way, None

        return fetched

    monkeypatch.setattr(trial.cbs, "fetch_v3", fetch("v3"))
    monkeypatch.setattr(trial.cbs, "fetch_v4", fetch("v4"))
    monkeypatch.setattr(trial.cbs, "read_kwb", lambda path: (tables[path], Tally(4, 4)))
    monkeypatch.setattr(trial.cbs, "tables_until", lambda known, year: ["new", "old"])

    def said(**more):
        verdict = Verdict("x")
        trial._statistics(tried, _source("statistics", "cbs-odata", **more), verdict)
        return verdict.works, verdict.words, verdict.seconds

    fine = ["OData v3: 4 buurten in 0,0 s", "OData v4: 4 buurten in 0,0 s"]
    assert said() == (True, fine, [0.0])
    base = "https://cbs-odata.nl"
    assert asked == [
        ("v3", tried.folder / "v3", f"{base}/base_url/", ["GM0193"], ["old"]),
        ("v4", tried.folder / "v4", f"{base}/second_url/", ["GM0193"], ["old"]),
    ]
    said(layer="85000NED")
    assert asked[-1][4] == ["85000NED"]
    tables["v4"] = pd.DataFrame({"a": [2]})
    assert said()[:2] == (False, ["OData v3 en v4 geven niet dezelfde tabel", *fine])
    tables["v4"] = None
    assert said()[0]
    assert "none by v4" in said()[1][1]
    tables["v3"] = None
    assert said()[:2][0] is False
    assert said()[1][0] == "geen van beide wegen naar CBS werkt"
    asked.clear()
    monkeypatch.setattr(trial.publishers, "second_url", lambda publisher: "")
    said()
    assert [one[0] for one in asked] == ["v3"]


def test_two_days_of_weather_of_two_months_ago_must_have_sun(tried, monkeypatch):
    asked = []
    for name in ("fetch_days", "fetch_hours"):
        monkeypatch.setattr(
            trial.knmi, name, lambda folder, *, name=name, **how: (asked.append((name, how)), ("path", None))[1]
        )
    monkeypatch.setattr(trial.knmi, "nearest_station", lambda x, y: (x, y))
    frame = pd.DataFrame({"global_radiation_kwh_per_m2": [None, 1.0], "ghi_w_per_m2": [None, None]})
    monkeypatch.setattr(trial, "read", lambda path, source: {"live": (frame, Tally(2, 2))}[source.origin])
    for role, name, works in (("weather_daily", "fetch_days", True), ("weather_hourly", "fetch_hours", False)):
        verdict = Verdict("x")
        trial._weather(tried, _source(role, "knmi", "bulk"), verdict)
        assert (verdict.works, verdict.seconds) == (works, [0.0])
        middle = (100_500.0, 450_500.0)
        assert verdict.words[not works :] == [f"station {middle}: 2 rijen van twee dagen"]
        called, how = asked[-1]
        day = datetime.now(UTC) - timedelta(days=60)
        days = [f"{day - timedelta(days=back):%Y%m%d}" for back in (1, 0)]
        assert (called, how["station"], [how["first_day"], how["last_day"]]) == (name, middle, days)


def test_each_source_gets_the_probes_of_its_role_and_what_was_foreseen(tried, monkeypatch):
    tried.expected = {
        name: Expected(name, 1, 1.0, 1.0) for name in ("bag", "bag pand", "3dbag roof_face", "bgt wegdeel")
    }

    def wrong(*_):
        raise FormatError("a b", found="c  d")

    monkeypatch.setattr(trial, "_bulk", lambda *_: None)
    monkeypatch.setitem(trial._PROBES, "pand", wrong)
    monkeypatch.setitem(trial._PROBES, "terrain", lambda *_: None)
    made = {}
    for source in (
        _source("pand", "bag", "bulk"),
        _source("roof_face", "3dbag"),
        _source("terrain", "bgt", layer="wegdeel"),
        _source("own_pand", "x"),
    ):
        for one in trial._of(tried, source):
            made[one.source] = (one.works, one.expected and one.expected.source)
    assert made == {
        "bag landelijk bestand voor pand": (True, "bag"),
        "bag pand": (False, "bag pand"),
        "3dbag landelijk bestand voor roof_face": (True, "3dbag roof_face"),
        "bgt wegdeel": (True, "bgt wegdeel"),
    }


def test_buurten_say_where_the_trial_is_and_whether_any_can_be_used(tried, monkeypatch):
    shapes = [shapely.box(x, 450_000, x + 100, 450_100) for x in (100_000, 200_000)]
    frame = gpd.GeoDataFrame({"inhabitants": [None, 5]}, geometry=shapes, crs=28992)
    path = tried.folder / "b.geojson"
    path.write_text(json.dumps({"features": [_row(number) for number in range(5)]}))
    source = _source("buurt", "cbs-gebieden")
    tried.study = SimpleNamespace(sources=lambda role: [source])
    foreseen = Expected("cbs-gebieden buurt", 2, 2e6, 0.1)
    monkeypatch.setattr(
        trial,
        "Errand",
        lambda *_: SimpleNamespace(window=lambda: WINDOW, fetch=lambda _: ((path,), None), expected=lambda: [foreseen]),
    )
    monkeypatch.setattr(trial, "read", lambda *_: (frame, Tally(3, 2, {"no code": 1})))
    monkeypatch.setattr(trial, "_compare", lambda *_: None)
    verdict = trial._areas(tried)
    assert (verdict.source, verdict.works, verdict.words) == ("cbs-gebieden buurten", True, ["2 buurten"])
    assert tried.box == (199_900.0, 449_900.0, 200_200.0, 450_200.0)  # around the middle of the fullest
    assert (tried.window, verdict.expected, verdict.seconds) == (WINDOW, foreseen, [0.0])
    ((address, body),) = verdict.bodies
    assert (address, len(body["features"])) == ("https://cbs-gebieden.nl/base_url/", 3)
    monkeypatch.setattr(trial, "read", lambda *_: (frame.head(0), Tally(1, 0, {"no code": 1})))
    verdict = trial._areas(tried)
    assert (verdict.works, verdict.words) == (False, ["geen enkele buurt bruikbaar: 1x no code"])


def test_a_trial_asks_no_more_than_twice_and_every_source_but_the_buurten(monkeypatch):
    seen = []
    monkeypatch.setattr(trial, "_areas", lambda one: seen.append(one.http.attempts) or Verdict("first"))
    monkeypatch.setattr(trial, "_of", lambda one, source: [Verdict(source.role), Verdict("more")])
    study = Study(name="x", title="x", source=(_source("buurt"), _source("dsm", "ahn")))
    for attempts in (5, 1):
        verdicts, box = trial.try_services(study, Http(attempts=attempts))
        assert [one.source for one in verdicts] == ["first", "dsm", "more"]
        assert box == trial.AT_SEA
    assert seen == [2, 1]


def test_an_answer_is_noted_with_its_time_and_the_headers_that_say_something():
    verdict = Verdict("x")
    verdict.note(Answer("u", 200, {"etag": "t", "date": "d"}, b""), time.monotonic() - 5.0)
    assert verdict.headers == {"etag": "t"}
    assert 5.0 <= verdict.seconds[0] < 9.0


def test_what_could_lead_to_a_person_is_replaced_alike_everywhere():
    cleaner = Cleaner(BOX)
    uuid = "0123abcd-0000-1111-2222-0123456789ab"
    one = cleaner.clean(
        {
            "id": "0193010000000001",
            "link": f"https://x.nl/{uuid}?pand=0193100000000002",
            "openbare_ruimte_naam": "Kerkstraat",
            "huisnummer": 12,
            "huisletter": "",
            "toevoeging": None,
            "postcode": "1234AB",
            "geometry": {"coordinates": [[100_150.0, 450_150.4], [100_151, 450_150, 3.5]], "type": "LineString"},
            "list": ["0193010000000001", 5, None],
            "bouwjaar": 1990,
        }
    )
    assert one == {
        "id": "9999010000000001",
        "link": "https://x.nl/00000000-0000-5000-8000-000000000003?pand=9999100000000002",
        "openbare_ruimte_naam": "Voorbeeldstraat 1",
        "huisnummer": 1,
        "huisletter": "",
        "toevoeging": None,
        "postcode": "9999ZZ",
        "geometry": {"coordinates": [[190_320.0, 560_290.4], [190_321, 560_290, 3.5]], "type": "LineString"},
        "list": ["9999010000000001", 5, None],
        "bouwjaar": 1990,
    }
    again = cleaner.clean(
        {"straatnaam": "Kerkstraat", "stt_naam": "Dam", "a": f"{uuid} 0193010000000001", "huisletter": "b"}
    )
    assert again == {
        "straatnaam": "Voorbeeldstraat 1",
        "stt_naam": "Voorbeeldstraat 2",
        "a": "00000000-0000-5000-8000-000000000003 9999010000000001",
        "huisletter": "A",
    }
    assert cleaner.clean({"straatnaam": ""}) == {"straatnaam": ""}
    assert cleaner.clean({"coordinates": []}) == {"coordinates": []}
    assert cleaner.clean({"coordinates": None}) == {"coordinates": None}


def test_answers_are_written_by_source_with_address_and_day(tmp_path):
    verdicts = [Verdict("BAG pand (a)"), Verdict("none")]
    verdicts[0].bodies = [("https://x.nl/a?b=c", {"straatnaam": "é", "a": "é"}), ("https://x.nl/d", [])]
    (path,) = write_bodies(verdicts, BOX, tmp_path / "sub" / "deep")
    assert path == tmp_path / "sub" / "deep" / "bag-pand-a.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told == {
        "source": "BAG pand (a)",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "answers": [
            {"address": "https://x.nl/a", "body": {"straatnaam": "Voorbeeldstraat 1", "a": "é"}},
            {"address": "https://x.nl/d", "body": []},
        ],
    }
    assert path.read_text(encoding="utf-8").endswith("\n")
    assert '"é"' in path.read_text(encoding="utf-8")
    assert write_bodies(verdicts, BOX, tmp_path / "sub" / "deep") == [path]
