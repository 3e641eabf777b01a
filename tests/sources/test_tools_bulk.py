"""Large files of publishers, with answers of our own: their edition, which address answers, and parts of them by ranges."""

from __future__ import annotations

import hashlib
import io
from types import SimpleNamespace

import pytest

from kansenkaart.errors import FetchError
from kansenkaart.sources.tools import bulk
from kansenkaart.sources.tools.bulk import Feed, RangeFile, keep_bulk, reachable, stated_edition
from kansenkaart.sources.tools.http import Answer, Http

URL = "https://x.nl/atom/downloads/dsm/a.tif"
FEED = b"""<feed><title>AHN3 en AHN 4</title><subtitle type="x">AHN-5x</subtitle><summary>AHN2 hoogte</summary>
<updated>2024-03-01T00:00:00Z</updated><entry><updated> 2025-11-30</updated><updated>2024-12-31</updated></entry>"""


@pytest.fixture
def feed(monkeypatch):
    """Answer with the feed; keeps what was asked."""
    asked = []

    def get(url, *, http, kinds):
        asked.append((url, http.max_bytes, http.attempts, kinds))
        return Answer(url, 200, {}, FEED + b"\xff")

    monkeypatch.setattr(bulk, "get", get)
    return asked


def _gone(*_, **__):
    raise FetchError("an answer", found="none")


def test_a_feed_names_the_last_day_and_the_newest_edition(feed, monkeypatch):
    told = Feed.beside(URL, http=Http(attempts=5))
    assert feed == [("https://x.nl/atom/index.xml", 1 << 24, 1, ("xml",))]
    assert (told.day, told.titles) == ("2025-11-30", "AHN3 en AHN 4 AHN-5x AHN2 hoogte")
    assert told.edition() == "AHN4-2025-11-30"
    assert Feed("<title>AHN5</title>").edition() == "AHN5"
    assert Feed("<updated>2024-03-01").edition() == "2024-03-01"
    assert (Feed().edition(), Feed().day, Feed().titles) == ("", "", "")
    monkeypatch.setattr(bulk, "get", _gone)
    assert Feed.beside(URL, http=Http()).day == ""


def test_an_edition_is_the_day_of_the_header_else_of_the_feed_else_the_tag(feed, monkeypatch):
    stated = {"last-modified": "Mon, 03 Nov 2025 23:30:00 GMT", "etag": '"t"'}
    assert stated_edition(URL, stated, http=Http()) == "2025-11-03"
    assert feed == []
    for odd in ({}, {"last-modified": "yesterday"}):
        assert stated_edition(URL, odd, http=Http()) == "2025-11-30"
    monkeypatch.setattr(bulk, "get", _gone)
    digest = hashlib.sha256(b'"t"').hexdigest()[:16]
    assert stated_edition(URL, {"etag": '"t"'}, http=Http()) == f"etag-{digest}"
    assert stated_edition(URL, {}, http=Http()) == ""


def test_the_first_address_that_gives_a_file_is_taken_else_the_first_refusal(monkeypatch):
    kinds = {"a": None, "b": "text/html; charset=x", "c": "application/zip", "d": ""}

    def head(url, *, http):
        if kinds[url] is None:
            raise FetchError("an answer", found=f"nothing of {url}")
        return {"content-type": kinds[url]} if kinds[url] else {}

    monkeypatch.setattr(bulk, "head", head)
    assert [reachable(one, http=Http()) for one in ("abcd", "cd", "d")] == ["c", "c", "d"]
    for addresses, found in (("ab", "nothing of a"), ("ba", "a page (HTML), as of maintenance"), ("", "none")):
        with pytest.raises(FetchError) as why:
            reachable(addresses, http=Http())
        assert why.value.found == found


@pytest.fixture
def ranges(monkeypatch):
    """Serve twenty bytes by blocks of four; keeps the ranges asked, and may change the next answer."""
    seen = SimpleNamespace(asked=[], content=bytes(range(20)), change=lambda answer: answer)

    def get(url, *, http, kinds, headers):
        assert (http.max_bytes, kinds, headers["Accept-Encoding"]) == (4, (), "identity")
        start, _, end = headers["Range"].removeprefix("bytes=").partition("-")
        seen.asked.append((int(start), int(end)))
        part = seen.content[int(start) : int(end) + 1]
        about = {"content-range": f"bytes {start}-{int(start) + len(part) - 1}/{len(seen.content)}", "etag": "t"}
        return seen.change(Answer(url, 206, about, part))

    monkeypatch.setattr(bulk, "get", get)
    monkeypatch.setattr(RangeFile, "BLOCK", 4)
    monkeypatch.setattr(RangeFile, "KEPT_BLOCKS", 2)
    return seen


def test_a_file_on_a_server_is_read_in_blocks_of_which_the_last_used_are_kept(ranges):
    one = RangeFile(URL, Http())
    assert ranges.asked == [(0, 3)]
    assert (one.readable(), one.seekable(), one.tell()) == (True, True, 0)
    assert one.read(3) == ranges.content[:3]
    assert (one.read(4), one.tell(), ranges.asked[1:]) == (ranges.content[3:7], 7, [(4, 7)])
    assert (one.seek(1), one.read(2), len(ranges.asked)) == (1, ranges.content[1:3], 2)  # both are kept
    assert (one.seek(-2, io.SEEK_END), one.read(), ranges.asked[2:]) == (18, ranges.content[18:], [(16, 19)])
    assert (one.seek(0), one.read(4), len(ranges.asked)) == (0, ranges.content[:4], 3)  # used last but one
    assert (one.seek(1, io.SEEK_CUR), one.read(1), ranges.asked[3:]) == (5, ranges.content[5:6], [(4, 7)])
    assert (one.read(0), one.seek(0), one.read(None), one.read(5), one.read(-1)) == (b"", 0, ranges.content, b"", b"")
    assert (one.seek(19), one.read(9), one.seek(25), one.read(1)) == (19, ranges.content[19:], 25, b"")
    assert (RangeFile.BLOCK, RangeFile.KEPT_BLOCKS) == (4, 2)


def test_a_file_that_changes_meanwhile_or_comes_whole_is_refused(ranges):
    one = RangeFile(URL, Http())
    changes = (
        lambda answer: Answer(answer.url, 200, answer.headers, answer.content),
        lambda answer: Answer(answer.url, 206, answer.headers | {"etag": "u"}, answer.content),
        lambda answer: Answer(answer.url, 206, answer.headers | {"content-range": "bytes 8-11/20"}, answer.content),
        lambda answer: Answer(answer.url, 206, {"etag": "t"}, answer.content),
    )
    for ranges.change in changes:
        one.seek(4)
        with pytest.raises(FetchError, match="the whole file, or another one"):
            one.read(1)
    ranges.change = lambda answer: Answer(answer.url, 206, answer.headers, b"")
    assert one.read(9) == b""  # a block without bytes ends the file
    dated = {"last-modified": "d", "etag": ""}
    ranges.change = lambda answer: Answer(answer.url, 206, answer.headers | dated, answer.content)
    other = RangeFile(URL, Http())
    dated["last-modified"] = "e"
    with pytest.raises(FetchError):
        other.read()
    dated["last-modified"] = ""
    free = RangeFile(URL, Http())
    assert free.read() == ranges.content


def test_a_file_of_the_country_is_kept_under_its_edition_with_wider_bounds(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(bulk, "download", lambda url, path, *, http, magic: asked.append((url, path, http, magic)))
    monkeypatch.setattr(bulk, "head", lambda url, *, http: {"last-modified": "Mon, 03 Nov 2025 23:30:00 GMT"})
    how = {"publisher": "b ag", "url": "https://x.nl/f/bag light.gpkg?x=y", "magic": (b"S",)}
    for edition, named in (("latest", "2025-11-03"), ("2024 1", "2024 1")):
        path, kept = keep_bulk(tmp_path, edition=edition, http=Http(), **how)
        assert (path, kept) == (tmp_path / "b-ag" / named.replace(" ", "-") / "bag-light.gpkg", named)
        url, target, http, magic = asked.pop()
        assert (url, target, magic) == (how["url"], path, (b"S",))
        assert (http.max_bytes, http.answer_timeout_s) == (64 << 30, 6 * 3600)
    keep_bulk(tmp_path, edition="x", http=Http(max_bytes=1 << 40, answer_timeout_s=1e6), **how)
    assert (asked[0][2].max_bytes, asked[0][2].answer_timeout_s) == (1 << 40, 1e6)
    monkeypatch.setattr(bulk, "head", lambda url, *, http: {})
    monkeypatch.setattr(bulk, "get", _gone)
    with pytest.raises(FetchError, match="none stated"):
        keep_bulk(tmp_path, edition="latest", http=Http(), **how)
