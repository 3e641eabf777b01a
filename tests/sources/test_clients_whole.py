"""What the clients ask and keep, page by page, with the network played by a table of answers: addresses, files, refusals."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from kansenkaart.errors import CrsError, FetchError, FormatError, IncompleteError, TooMuchError
from kansenkaart.sources import bag3d_api, pdok
from kansenkaart.sources.tools.http import Answer, Http
from kansenkaart.sources.tools.ogc import Choice

HTTP = Http(pause_s=0, page_size=4)
BOX = (190_000.0, 560_000.0, 190_400.4, 560_200.6)
RD_IN_URL = "http%3A%2F%2Fwww.opengis.net%2Fdef%2Fcrs%2FEPSG%2F0%2F28992"


class Site:
    """Answers by address, as `get_json` gives them; what is asked is kept."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[str] = []
        self.answer = answer

    def get_json(self, url: str, **_: Any) -> tuple[Any, Answer]:
        """Play the one of the clients."""
        self.asked.append(url)
        content = self.answer(url)
        if isinstance(content, Exception):
            raise content
        return content, Answer(url, 200, {}, json.dumps(content).encode())


def play(monkeypatch: pytest.MonkeyPatch, module: Any, answer: Any) -> Site:
    site = Site(answer)
    monkeypatch.setattr(module, "get_json", site.get_json)
    return site


# --- OGC API Features -------------------------------------------------------------------------------------------------


def feature(number: int, x: float, y: float, **told: Any) -> dict[str, Any]:
    shape = {"type": "Point", "coordinates": [x, y]}
    return {"type": "Feature", "id": f"p{number:02d}", "properties": {"bouwjaar": number, **told}, "geometry": shape}


ALL = [feature(number, 190_020.0 + 40 * number, 560_010.0 + 20 * number) for number in range(9)]


def of_box(url: str) -> list[Any]:
    west, south, east, north = map(float, url.split("bbox=")[1].split("&")[0].split("%2C"))
    inside = lambda x, y: west <= x < east and south <= y < north  # noqa: E731
    return [one for one in ALL if inside(*one["geometry"]["coordinates"])]


LAYER = pdok.Layer("bag", "pand", "https://x.nl/ogc/", "pand", needs=("bouwjaar",), edition="v1", year=2020)


def fetched(raw: Path, layer: pdok.Layer = LAYER, http: Http = HTTP, **more: Any) -> tuple[Path, Any]:
    return pdok.fetch_collection(raw, layer=layer, http=http, **{"bbox_m": BOX, **more})


def ids(path: Path) -> list[str]:
    return [one["id"] for one in json.loads(path.read_bytes())["features"]]


def test_one_page_of_a_window_is_asked_and_kept_under_its_name(tmp_path, monkeypatch):
    site = play(monkeypatch, pdok, lambda url: {"features": ALL[::-1][:3]})
    path, told = fetched(tmp_path, choice=Choice(filters=[("gemeente", "GM0193")]))
    address = (
        f"https://x.nl/ogc/collections/pand/items?f=json&limit=4&crs={RD_IN_URL}&gemeente=GM0193"
        f"&bbox=190000.000%2C560000.000%2C190400.400%2C560200.600&bbox-crs={RD_IN_URL}"
    )
    assert site.asked == [address]
    assert (told.address, told.edition, told.year, told.role, told.publisher) == (address, "v1", 2020, "pand", "bag")
    assert path == tmp_path / "bag" / "v1" / "pand_GM0193_190000_560000_190400_560201.geojson"
    assert told.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert ids(path) == ["p06", "p07", "p08"]
    assert sorted(one.name for one in (tmp_path / "bag").iterdir()) == ["v1"]  # no page is left


def test_all_of_a_collection_is_asked_without_a_box_and_a_page_has_a_thousand_at_most(tmp_path, monkeypatch):
    site = play(monkeypatch, pdok, lambda url: {"features": []})
    path, told = fetched(
        tmp_path, pdok.Layer("bag", "pand", "https://x.nl/ogc", "pand"), Http(page_size=1001), bbox_m=None
    )
    assert site.asked == [f"https://x.nl/ogc/collections/pand/items?f=json&limit=1000&crs={RD_IN_URL}"]
    assert path.name == "pand_all.geojson"
    assert (ids(path), told.edition) == ([], f"sha256-{told.sha256[:16]}")
    named, _ = fetched(tmp_path, choice=Choice(name="deel"))
    assert named.name == "pand_deel.geojson"


def test_a_full_page_without_a_count_is_asked_by_quarters_and_four_times_at_most(tmp_path, monkeypatch):
    site = play(monkeypatch, pdok, lambda url: {"features": of_box(url)[:4]})
    path, _ = fetched(tmp_path)
    assert ids(path) == [f"p{number:02d}" for number in range(9)]
    assert len(site.asked) == 1 + 4 + 2 * 4  # the whole, its quarters, and those of the two with four and five
    heap = [feature(number, 190_001.0, 560_001.0) for number in range(4)]
    site = play(monkeypatch, pdok, lambda url: {"features": heap if "bbox=190000.000%2C560000.000" in url else []})
    assert ids(fetched(tmp_path / "again")[0]) == ["p00", "p01", "p02", "p03"]
    assert len(site.asked) == 1 + 4 * 4


def test_what_is_counted_needs_no_quarters_and_what_is_less_is_asked_again_and_then_by_quarters(tmp_path, monkeypatch):
    site = play(monkeypatch, pdok, lambda url: {"features": ALL[:4], "numberMatched": 4, "numberReturned": 4})
    assert len(ids(fetched(tmp_path)[0])) == 4
    assert len(site.asked) == 1

    def short(url: str) -> Any:
        there = of_box(url)
        return {"features": there[:4], "numberMatched": len(there)}

    site = play(monkeypatch, pdok, short)
    assert len(ids(fetched(tmp_path / "b")[0])) == 9
    assert len(site.asked) == 2 + 4 + 1 + 4
    for page, said in (
        ({"features": ALL[:3], "numberReturned": 4}, "3 features where numberReturned says 4"),
        ({"features": [*ALL[:3], ALL[0]]}, "1 features twice across pages"),
        ({"features": ALL[:3], "numberMatched": 4}, r"3 features where numberMatched says \[4\]"),
    ):
        play(monkeypatch, pdok, lambda url, page=page: page)
        with pytest.raises(IncompleteError, match=said):
            fetched(tmp_path / "c", bbox_m=None)


def test_quarters_that_hold_less_than_the_whole_has_counted_are_refused(tmp_path, monkeypatch):
    def one_gone(url: str) -> Any:
        there = of_box(url)
        if len(there) == 9:
            return {"features": there[:8], "numberMatched": 9}
        return {"features": [one for one in there if one["id"] != "p04"]}

    play(monkeypatch, pdok, one_gone)
    with pytest.raises(IncompleteError, match="8 features in smaller boxes where numberMatched says 9"):
        fetched(tmp_path)


def test_a_box_that_holds_too_much_is_quartered_at_once_and_one_that_cannot_be_is_refused(tmp_path, monkeypatch):
    much = TooMuchError("x", found="too much")
    site = play(monkeypatch, pdok, lambda url: much if len(of_box(url)) == 9 else {"features": of_box(url)})
    assert len(ids(fetched(tmp_path, http=Http(page_size=9))[0])) == 9
    assert len(site.asked) == 5
    play(monkeypatch, pdok, lambda url: much)
    with pytest.raises(TooMuchError):
        fetched(tmp_path / "b", bbox_m=None)


def test_pages_are_followed_and_the_last_may_be_full(tmp_path, monkeypatch):
    def page(url: str) -> Any:
        at = int(url.split("offset=")[1]) if "offset=" in url else 0
        link = (
            [{"rel": "next", "href": f"{url.split('&offset=')[0]}&offset={at + 3}"}]
            if len(of_box(url)) > at + 3
            else []
        )
        return {"features": of_box(url)[at : at + 3], "links": link}

    site = play(monkeypatch, pdok, page)
    notes: list[str] = []
    http = Http(page_size=4)
    http.meter.tell = lambda who, what: notes.append(f"{who}: {what}")  # type: ignore[method-assign]
    path, _ = fetched(tmp_path, http=http)
    assert len(ids(path)) == 9  # three pages as full as one another are no end
    assert len(site.asked) == 3 + (2 + 1 + 1 + 2)
    assert notes[:2] == ["bag pand: 1 pagina's, 0 objecten", "bag pand: 2 pagina's, 0 objecten"]
    site = play(
        monkeypatch, pdok, lambda url: page(url) | {"features": page(url)["features"][: 2 if "=6" in url else 3]}
    )
    assert len(ids(fetched(tmp_path / "b")[0])) == 8
    assert len(site.asked) == 3


def test_what_is_kept_of_what_comes_is_chosen_and_what_lacks_is_said(tmp_path, monkeypatch):
    def named(one: Any) -> Any:
        return {**one, "properties": {**one["properties"], "naam": "x"}}

    play(monkeypatch, pdok, lambda url: {"features": ALL[:3]})
    choice = Choice(keep=lambda one: one["id"] != "p01", adapt=named, boxes=[BOX, BOX])
    path, _ = fetched(
        tmp_path, pdok.Layer("bag", "pand", "https://x.nl", "pand", needs=("naam|x", "bouwjaar")), choice=choice
    )
    features = json.loads(path.read_bytes())["features"]
    assert [(one["id"], one["properties"]["naam"]) for one in features] == [("p00", "x"), ("p02", "x")]
    with pytest.raises(FormatError, match="straat"):
        fetched(tmp_path, pdok.Layer("bag", "pand", "https://y.nl", "pand", needs=("straat",)))
    assert not list((tmp_path / "bag").glob(".*"))  # a page that was refused does not come back
    play(monkeypatch, pdok, lambda url: {"features": []})
    assert ids(fetched(tmp_path / "b", pdok.Layer("bag", "pand", "https://y.nl", "pand", needs=("straat",)))[0]) == []


@pytest.mark.parametrize("page", [[], {"features": {}}, {"x": []}, "x"])
def test_what_is_no_page_is_refused(page, tmp_path, monkeypatch):
    play(monkeypatch, pdok, lambda url: page)
    with pytest.raises(FormatError, match="a page of OGC API Features"):
        fetched(tmp_path)


def test_a_page_of_a_broken_run_serves_for_six_hours(tmp_path, monkeypatch):
    site = play(monkeypatch, pdok, lambda url: {"features": ALL[:3]})
    left: list[Path] = []
    fetched(tmp_path, open_pages=left)
    fetched(tmp_path, open_pages=left)
    assert len(site.asked) == 1
    (page,) = left[0].glob("*.json")
    now = time.time()
    for age, asked in ((6 * 3600 - 60, 1), (6 * 3600 + 60, 2)):
        os.utime(page, (now - age, now - age))
        fetched(tmp_path, open_pages=left)
        assert len(site.asked) == asked
    pdok.close_pages(left)
    assert not left[0].exists()


def test_the_moment_that_is_asked_for_is_that_of_the_broken_run(tmp_path, monkeypatch):
    site = play(monkeypatch, pdok, lambda url: {"features": ALL[:3]})
    layer = pdok.Layer("bgt", "wegdeel", "https://x.nl", "terrain", current=True)
    left: list[Path] = []
    _, told = fetched(tmp_path, layer, open_pages=left)
    assert "datetime" not in told.address
    moment = site.asked[0].split("datetime=")[1].split("&")[0]
    assert len(moment) == len("2026-01-01T00%3A00%3A00Z")
    kept = left[0] / "instant"
    kept.write_text("2026-01-01T00:00:00Z")
    now = time.time()
    for age, same in ((6 * 3600 - 60, True), (6 * 3600 + 60, False)):
        os.utime(kept, (now - age, now - age))
        assert (pdok._instant(left[0]) == "2026-01-01T00:00:00Z") == same


def test_an_answer_in_another_system_is_refused_by_its_header(tmp_path, monkeypatch):
    def asked(system: str) -> Any:
        answer = Answer("x", 200, {"content-crs": system, "etag": '"1"'}, b"{}")
        monkeypatch.setattr(pdok, "get_json", lambda *_, **__: ({}, answer))
        return pdok._asked("https://x.nl", HTTP, tmp_path / ".pages-1" / "a.json", fresh=True)

    assert asked("<http://www.opengis.net/def/crs/EPSG/0/28992>") == asked("") == {}
    assert (tmp_path / ".pages-1" / "a.json").read_bytes() == b"{}"
    kept = json.loads((tmp_path / ".pages-1" / "a.json.http.json").read_text())
    assert (kept["etag"], kept["sha256"]) == ('"1"', hashlib.sha256(b"{}").hexdigest())
    with pytest.raises(CrsError, match="found CRS84"):
        asked("CRS84")
    assert pdok._known(tmp_path / ".pages-1").name == ".known-1"


def test_by_what_a_collection_can_be_filtered_is_asked_and_nothing_where_it_is_not_said(monkeypatch):
    site = play(monkeypatch, pdok, lambda url: {"properties": {"a": {}, "b": {}}})
    assert pdok.queryables("https://x.nl/", "pand", http=HTTP) == {"a", "b"}
    assert site.asked == ["https://x.nl/collections/pand/queryables"]
    for nothing in ([], {}, {"properties": []}):
        play(monkeypatch, pdok, lambda url, nothing=nothing: nothing)
        assert pdok.queryables("https://x.nl", "pand", http=HTTP) == frozenset()
    play(monkeypatch, pdok, lambda url: FetchError("x", found="404"))
    http = Http()
    life = http.meter.life_of("https://x.nl/collections/pand/queryables")
    for good in (True, False):
        life.good = good
        if good:
            assert pdok.queryables("https://x.nl", "pand", http=http) == frozenset()
        else:
            with pytest.raises(FetchError):
                pdok.queryables("https://x.nl", "pand", http=http)


def test_a_box_is_its_four_quarters_and_the_needs_of_a_table_are_those_it_cannot_miss():
    assert list(pdok.quarters((0, 0, 4, 2))) == [(0, 0, 2, 1), (0, 1, 2, 2), (2, 0, 4, 1), (2, 1, 4, 2)]
    assert pdok.needs_of("pand") == ("identificatie", "bouwjaar|oorspronkelijk_bouwjaar", "status|pandstatus")


# --- 3DBAG ------------------------------------------------------------------------------------------------------------


def head(**more: Any) -> dict[str, Any]:
    transform = {"scale": [0.001, 0.001, 0.01], "translate": [190_000.0, 560_000.0, 0.0]}
    told = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415", "version": "v2025"}
    return {"metadata": {"version": "2.0", "transform": transform, "metadata": told}, **more}


def building(name: str, *corners: list[int]) -> dict[str, Any]:
    return {"type": "CityJSONFeature", "id": name, "CityObjects": {}, "vertices": list(corners)}


def test_pages_of_roofs_are_one_sequence_in_the_transform_of_the_first(tmp_path, monkeypatch):
    second = head(features=[building("a", [10, 20, 30])])
    second["metadata"]["transform"] = {"scale": [0.01, 0.001, 0.001], "translate": [190_001.0, 559_999.0, 1.0]}

    def page(url: str) -> Any:
        if "offset" in url:
            return second
        link = [{"rel": "next", "href": f"{url}&offset=1"}]
        return head(features=[building("b", [1, 2, 3])], links=link, numberMatched=2)

    site = play(monkeypatch, bag3d_api, page)
    path, told = bag3d_api.fetch_roofs(tmp_path, base_url="https://x.nl/", bbox_m=BOX, http=Http(page_size=101))
    box = "190000.000,560000.000,190400.400,560200.600"
    assert site.asked[0] == told.address == f"https://x.nl/collections/pand/items?bbox={box}&limit=100"
    assert path == tmp_path / "3dbag" / "v2025" / "pand_190000_560000_190400_560201.city.jsonl"
    lines = [json.loads(one) for one in path.read_text().splitlines()]
    assert lines[0]["transform"] == head()["metadata"]["transform"]
    assert (lines[0]["vertices"], lines[0]["CityObjects"], lines[0]["type"]) == ([], {}, "CityJSON")
    # 10 x 0.01 m + 1 m east; 20 mm north of a metre less; 30 mm above 1 m, in steps of a centimetre.
    assert [(one["id"], one["vertices"]) for one in lines[1:]] == [("a", [[1100, -980, 103]]), ("b", [[1, 2, 3]])]
    assert (told.role, told.sha256) == ("roof_face", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("page", "error", "said"),
    [
        ([], FormatError, "a page with features"),
        (head(features={}), FormatError, "a page with features"),
        (head(features=["x"]), FormatError, "CityJSONFeatures"),
        (head(features=[{**building("a"), "id": ""}]), FormatError, "CityJSONFeatures"),
        (head(features=[{"id": "a", "vertices": []}]), FormatError, "CityJSONFeatures"),
        (head(features=[{"id": "a", "CityObjects": {}}]), FormatError, "CityJSONFeatures"),
        (head(features=[building("a"), building("a")]), IncompleteError, "1 features twice across pages"),
        (head(features=[building("a")], numberMatched=2), IncompleteError, "1 features where numberMatched says 2"),
        ({"features": [], "metadata": []}, FormatError, "an object"),
        ({"features": []}, FormatError, "a transform with scale and translate"),
        ({"features": [], "transform": {"scale": [1, 1, 1], "translate": [1, 1]}}, FormatError, "a transform"),
        ({"features": [], "transform": {"scale": [1, 1, True], "translate": [1, 1, 1]}}, FormatError, "a transform"),
    ],
)
def test_what_is_no_whole_answer_of_3dbag_is_refused(page, error, said, monkeypatch):
    play(monkeypatch, bag3d_api, lambda url: page)
    with pytest.raises(error, match=said):
        bag3d_api._walk("https://x.nl", HTTP)


def test_a_page_of_3dbag_is_in_rd_and_may_have_its_transform_beside_its_head():
    own = {"scale": [1, 1, 1], "translate": [0, 0.5, 0]}
    assert bag3d_api._header({"transform": own}, "x")["transform"] == own
    for system in ("", "EPSG:7415", "EPSG:28992"):
        assert bag3d_api._header({"transform": own, "metadata": {"metadata": {"referenceSystem": system}}}, "x")
    with pytest.raises(CrsError, match="found EPSG:4326"):
        bag3d_api._header({"transform": own, "metadata": {"metadata": {"referenceSystem": "EPSG:4326"}}}, "x")
    for corners in ([["x", 0, 0]], [[0, 0]], [[float("inf"), 0, 0]]):
        with pytest.raises(FormatError, match="finite vertices"):
            bag3d_api._move({"vertices": corners}, own, {**own, "scale": [2, 2, 2]}, "x")


def test_a_last_page_that_never_comes_is_asked_by_pages_of_one_less(tmp_path, monkeypatch):
    site = play(monkeypatch, bag3d_api, lambda url: head(features=[building("a")], numberMatched=2))
    for size, again in ((4, 3), (1, 1)):
        site.asked.clear()
        with pytest.raises(IncompleteError):
            bag3d_api.fetch_roofs(tmp_path, base_url="https://x.nl", bbox_m=BOX, http=Http(page_size=size))
        assert [one.split("limit=")[1] for one in site.asked] == [str(size), str(again)]


def test_a_tile_is_unpacked_once_and_refused_where_it_is_not_what_its_hash_says(tmp_path, monkeypatch):
    content = b'{"type": "CityJSON"}'
    packed = gzip.compress(content, mtime=0)
    unpacked: list[Path] = []
    gunzip = bag3d_api.gunzip
    monkeypatch.setattr(bag3d_api, "gunzip", lambda one, to, **how: (unpacked.append(one), gunzip(one, to, **how)))

    def download(url: str, path: Path, **_: Any) -> None:
        assert url == "https://x.nl/tiles/a.gz"
        if not path.exists():
            path.write_bytes(packed)

    monkeypatch.setattr(bag3d_api, "download", download)

    def tile(sha256: Any = None, name: str = "9/444/728", link: Any = "tiles/a.gz") -> Path:
        row = {"tile_id": name, "cj_download": link, "cj_sha256": sha256}
        return bag3d_api._tile(row, tmp_path, "https://x.nl/index.fgb", HTTP)

    assert tile() == tmp_path / "9-444-728.city.json"
    assert tile(hashlib.sha256(packed).hexdigest()).read_bytes() == content
    assert len(unpacked) == 1
    for stated in (hashlib.sha256(packed).hexdigest(), hashlib.sha256(content).hexdigest(), "onbekend", ""):
        tile().unlink()
        assert tile(stated).exists()
    tile().unlink()
    (tmp_path / "9-444-728.city.json.gz.http.json").touch()
    with pytest.raises(FormatError, match=f"sha256 {'0' * 64}; found {hashlib.sha256(packed).hexdigest()}"):
        tile("0" * 64)
    assert not list(tmp_path.glob("9*"))
    for wrong in ({"name": "../9"}, {"name": "9"}, {"link": None}):
        with pytest.raises(FormatError, match="a tile_id such as"):
            tile(**wrong)
