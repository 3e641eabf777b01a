"""PDOK's client against a server on this machine: every fault is recovered with the same bytes, or refused."""

import json
from dataclasses import replace

import pytest

from kansenkaart.errors import CrsError, FetchError, FormatError, IncompleteError
from kansenkaart.sources import pdok
from kansenkaart.sources.pdok import Layer, fetch_collection
from kansenkaart.sources.tools.http import Http
from kansenkaart.sources.tools.ogc import Choice, canonical_feature
from tests.loopback import faults
from tests.loopback.server import serve

ROWS = 23
BOX = (190_000.0, 560_000.0, 190_300.0, 560_300.0)
HTTP = Http(
    connect_timeout_s=2,
    read_timeout_s=0.3,
    attempts=3,
    wait_first_s=0.001,
    wait_most_s=2,
    page_size=10,
    pause_s=0,
    max_bytes=1 << 22,
)


@pytest.fixture
def folder(tmp_path):
    rows = [
        {
            "type": "Feature",
            "id": f"p{n:02d}",
            "properties": {"identificatie": f"{n:016d}", "bouwjaar": 1950 + n, "status": "Pand in gebruik"},
            "geometry": {"type": "Point", "coordinates": [190_005.0 + 12 * n, 560_005.0 + 12 * n]},
        }
        for n in range(ROWS)
    ]
    (tmp_path / "ogc").mkdir()
    (tmp_path / "ogc" / "pand.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    return tmp_path


@pytest.fixture
def server(folder):
    with serve(folder) as running:
        yield running


def ask(server, raw, **settings):
    layer = Layer("bag", "pand", f"{server.url}/ogc", "pand", needs=("identificatie", "bouwjaar", "status"))
    return fetch_collection(raw, layer=layer, http=HTTP, **{"bbox_m": BOX, **settings})


def kept(raw):
    return {path.relative_to(raw): path.read_bytes() for path in raw.rglob("*.geojson")}


def test_all_pages_come_in_one_sorted_file(server, tmp_path):
    path, provenance = ask(server, tmp_path / "raw")
    ids = [one["id"] for one in json.loads(path.read_bytes())["features"]]
    assert ids == [f"p{n:02d}" for n in range(ROWS)]
    assert len(server.asked) == 3  # 23 rows in pages of ten
    assert provenance.publisher == "bag"
    assert provenance.credit == "Kadaster (BAG)"
    assert path.parent.name == provenance.edition
    assert not list((tmp_path / "raw").rglob(".pages*"))


def twice(content):
    content["features"] = content["features"] + content["features"][:1]


def lost(content):
    content["features"] = content["features"][1:]


def half(content):
    content["features"] = content["features"][::2]


def no_next(content):
    content["links"] = []


def empty_with_next(content):
    content["features"] = []


def moved(content):
    content["features"][0]["id"] = "p00"


RECOVERED = {
    "time-out": faults.on({2}, faults.sleep(0.6)),
    "reset": faults.on({1, 2}, faults.reset),
    "reset mid-body": faults.on({2}, faults.reset_mid_body),
    "429 with Retry-After": faults.on({2}, faults.status(429, **{"Retry-After": "1"})),
    "500": faults.on({1, 3}, faults.status(500)),
    "truncated JSON": faults.on({2}, faults.truncated),
    "HTML instead of JSON": faults.on({3}, faults.html),
    "a page twice": faults.on({2}, faults.body(twice)),
    "a feature moved between pages": faults.on({2}, faults.body(moved)),
    "a feature lost": faults.on({2}, faults.body(lost)),
    "half the rows": faults.on({1, 2, 3}, faults.body(half)),
    "no next in the middle": faults.on({1, 2}, faults.body(no_next)),
    "an empty page with next": faults.on({2}, faults.body(empty_with_next)),
    "NaN coordinate once": faults.on({2}, faults.text(b"190125.0", b"NaN")),
}


@pytest.mark.parametrize("name", RECOVERED)
def test_a_passing_fault_is_recovered_with_the_same_bytes(server, tmp_path, name):
    expected = ask(server, tmp_path / "undisturbed")[0].read_bytes()
    server.asked.clear()
    server.fault = RECOVERED[name]
    assert ask(server, tmp_path / "raw")[0].read_bytes() == expected
    assert len(server.asked) > 3  # the fault did strike: more was asked than the three pages


def test_a_page_as_full_as_the_service_makes_them_is_no_end_however_many_are_asked(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pdok, "MOST_PER_PAGE", 10)
    layer = Layer("bag", "pand", "", "pand")
    with serve(folder, matched=False) as server:
        server.fault = faults.on(None, faults.body(no_next))
        here = replace(layer, base_url=f"{server.url}/ogc")
        path, _ = fetch_collection(tmp_path / "raw", layer=here, http=replace(HTTP, page_size=50), bbox_m=BOX)
    assert len(json.loads(path.read_bytes())["features"]) == ROWS


def test_a_service_that_always_forgets_next_is_asked_by_smaller_boxes(server, tmp_path):
    expected = ask(server, tmp_path / "undisturbed")[0].read_bytes()
    server.fault = faults.on(None, faults.body(no_next))
    assert ask(server, tmp_path / "raw")[0].read_bytes() == expected


REFUSED = {
    "time-out": (faults.sleep(0.6), FetchError),
    "reset": (faults.reset, FetchError),
    "reset mid-body": (faults.reset_mid_body, FetchError),
    "429 that asks too long": (faults.status(429, **{"Retry-After": "3600"}), FetchError),
    "500": (faults.status(500), FetchError),
    "404": (faults.status(404), FetchError),
    "truncated JSON": (faults.truncated, FetchError),
    "HTML instead of JSON": (faults.html, FetchError),
    "an endless answer": (faults.huge, FetchError),
    "2 GB announced": (faults.announced_2gb, FetchError),
    "a page twice": (faults.body(twice), IncompleteError),
    "half the rows": (faults.body(half), IncompleteError),
    "an empty page with next": (faults.body(empty_with_next), IncompleteError),
    "wrong CRS in the header": (
        faults.header("Content-Crs", "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"),
        CrsError,
    ),
    "degrees": (faults.text(b"[190", b"[5.1, 52.1, 190"), CrsError),
    "infinite coordinate": (faults.text(b"190005.0", b"1e999"), CrsError),
    "NaN coordinate": (faults.text(b"190005.0", b"NaN"), FetchError),
    "a column gone": (faults.text(b'"bouwjaar"', b'"jaar"'), FormatError),
    "another shape": (faults.text(b'"features"', b'"items"'), FormatError),
    "next leads elsewhere": (faults.text(b"http://127.0.0.1", b"http://example.org"), FormatError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_lasting_fault_is_refused_and_the_last_good_data_stay(server, tmp_path, name):
    ask(server, tmp_path / "raw")
    before = kept(tmp_path / "raw")
    change, error = REFUSED[name]
    server.fault = faults.on(None, change)
    with pytest.raises(error) as caught:
        ask(server, tmp_path / "raw")
    assert caught.value.remedy
    assert kept(tmp_path / "raw") == before


def test_a_broken_run_goes_on_with_the_pages_it_has(server, tmp_path):
    expected = ask(server, tmp_path / "undisturbed")[0].read_bytes()
    server.asked.clear()
    server.fault = lambda number, path, reply: faults.reset(number, path, reply) if "offset=20" in path else reply
    with pytest.raises(FetchError):
        ask(server, tmp_path / "raw")
    server.fault = None
    server.asked.clear()
    assert ask(server, tmp_path / "raw")[0].read_bytes() == expected
    assert len(server.asked) == 1  # only the third page


def test_pages_that_have_not_changed_are_not_sent_again(folder, tmp_path):
    with serve(folder, tagged=True) as server:
        answers = []
        server.fault = lambda number, path, reply: answers.append(reply.status) or reply
        first, _ = ask(server, tmp_path / "raw")
        content, pages = first.read_bytes(), len(answers)
        assert ask(server, tmp_path / "raw")[0].read_bytes() == content
        assert answers == [200] * pages + [304] * pages
        source = folder / "ogc" / "pand.geojson"
        source.write_text(source.read_text().replace("1950", "1951"))  # a row of the first page
        second, _ = ask(server, tmp_path / "raw")
        assert answers[2 * pages :] == [200] + [304] * (pages - 1)
        assert b"1951" in second.read_bytes()
        answers.clear()
        for number, page in enumerate((tmp_path / "raw" / "bag").glob(".known-*/*.json")):
            page.write_bytes(b"{" if number % 2 else b"[]")  # damaged on disk: asked for whole
        assert ask(server, tmp_path / "raw")[0].read_bytes() == second.read_bytes()
        assert answers == [200] * pages


def test_other_bytes_become_another_edition(server, tmp_path):
    layer = Layer("bag", "pand", f"{server.url}/ogc", "pand", edition="v2")
    first, _ = fetch_collection(tmp_path / "raw", layer=layer, http=HTTP, bbox_m=BOX)
    content = first.read_bytes()
    server.fault = faults.on(None, faults.text(b"1950", b"1951"))
    second, provenance = fetch_collection(tmp_path / "raw", layer=layer, http=HTTP, bbox_m=BOX)
    assert first.read_bytes() == content
    assert second != first
    assert provenance.edition.startswith("v2-")


def test_nobody_at_the_address_is_said_in_one_clause(tmp_path):
    layer = Layer("bag", "pand", "http://127.0.0.1:9/ogc", "pand", needs=("identificatie",))
    with pytest.raises(FetchError) as why:
        fetch_collection(tmp_path, layer=layer, http=HTTP, bbox_m=BOX)
    assert why.value.found.startswith("no answer (ConnectionError): [Errno ")
    assert len(why.value.found) < 80  # and no names of pools


def test_two_runs_that_ask_the_same_at_the_same_time_do_not_write_through_each_other(server, tmp_path):
    """Each box is one page here; the other run, which takes the boxes in another order, goes by between two of the first."""
    source, middle = server.folder / "ogc" / "pand.geojson", (BOX[0] + BOX[2]) / 2
    source.write_text(source.read_text().replace('"status"', f'"long": "{"x" * 2000}", "status"'))  # more than a buffer
    halves = [(BOX[0], BOX[1], middle, BOX[3]), (middle, BOX[1], BOX[2], BOX[3])]
    other = iter([lambda: ask(server, tmp_path / "raw", choice=Choice(boxes=halves[::-1]))])

    def between(number, path, reply):
        if number == 3:
            next(other)()
        return reply

    server.fault = between
    path, _ = ask(server, tmp_path / "raw", choice=Choice(boxes=halves))
    ids = [one["id"] for one in json.loads(path.read_bytes())["features"]]
    assert ids == [f"p{n:02d}" for n in range(ROWS)]


def test_an_id_that_is_a_number_is_kept_as_text():
    feature = {"type": "Feature", "id": 7, "properties": {}, "geometry": None}
    assert canonical_feature(feature) == b'{"geometry":null,"id":"7","properties":{},"type":"Feature"}'
    assert canonical_feature(feature | {"id": 1.5}) == canonical_feature(feature | {"id": "1.5"})
    assert b'"id":null' in canonical_feature(feature | {"id": None})
