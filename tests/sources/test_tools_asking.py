"""How a publisher is asked, with a clock and answers of our own: how often, how long in between, and what comes of it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
import requests
from requests.structures import CaseInsensitiveDict

from kansenkaart.errors import ConfigError, FetchError, FormatError, StoreError, TooMuchError
from kansenkaart.sources.tools import bulk, http, transport
from kansenkaart.sources.tools.http import Answer, Http, Meter, conditions, download, get, get_json, head, validators

URL = "https://x.nl/a"
PLAIN = Http(pause_s=0.0, attempts=2, wait_first_s=1.0)


class Clock:
    """Time that goes on only when somebody sleeps; remembers for how long."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def monotonic(self):
        """Return the time [s]."""
        return self.now

    def time(self):
        """Return the time [s]."""
        return self.now

    def sleep(self, seconds):
        """Let time go on."""
        self.slept.append(seconds)
        self.now += seconds


class Response:
    """An answer as the transport gives it."""

    def __init__(self, content=b"{}", status=200, headers=None, url=URL, breaks=None):
        self.status_code, self.url, self.content, self.breaks, self.closed = status, url, content, breaks, 0
        self.headers = CaseInsensitiveDict({"Content-Type": "application/json"} | (headers or {}))
        self.raw = SimpleNamespace(read=self._read)

    def _read(self, size, *, decode_content):
        assert (size, decode_content) == (1 << 14, True)
        if self.breaks:
            raise self.breaks
        return self.content

    def iter_content(self, size):
        """Give the content in two pieces, and break off between them where that is asked."""
        assert size == 1 << 16
        yield self.content[:3]
        if self.breaks:
            raise self.breaks
        yield self.content[3:]

    def close(self):
        """Count."""
        self.closed += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.fixture
def clock(monkeypatch):
    """Give both modules a clock, and the longest pause that jitter allows."""
    one = Clock()
    monkeypatch.setattr(http, "time", one)
    monkeypatch.setattr(transport, "time", one)
    monkeypatch.setattr(http, "random", SimpleNamespace(uniform=lambda low, high: (low == 0) * high))
    return one


@pytest.fixture
def answers(monkeypatch):
    """Give these, one after the other, and what was asked for each."""
    rows, asked = [], []

    def ask(url, **how):
        asked.append({"url": url, **how})
        answer = rows.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(http, "ask", ask)
    return SimpleNamespace(rows=rows, asked=asked)


def _failing(times=99, **how):
    seen = []

    def attempt(asked):
        seen.append(asked.read_timeout_s)
        if len(seen) <= times:
            raise http._Again("no", **how)
        return "fine"

    return attempt, seen


def _refused(call, kind=FetchError):
    with pytest.raises(kind) as why:
        call()
    return type(why.value), why.value.expected, why.value.found


def test_how_a_publisher_is_asked_by_default():
    how = Http()
    assert (how.connect_timeout_s, how.read_timeout_s, how.answer_timeout_s) == (10, 60, 1800)
    assert (how.attempts, how.wait_first_s, how.wait_most_s, how.patience_s) == (5, 1, 90, 100)
    assert (how.max_bytes, how.page_size, how.pause_s, how.agent) == (2**30, 1000, 0.25, "kansenkaart")
    assert replace(how, contact="a@b.nl").agent == "kansenkaart (a@b.nl)"
    assert (bulk.MOST_BYTES, bulk.LONGEST_S, transport.MOST_REDIRECTS) == (64 * 2**30, 6 * 3600, 5)


def test_pause_and_contact_of_the_environment_are_plain(monkeypatch):
    monkeypatch.delenv("KANSENKAART_PAUSE_S", raising=False)
    monkeypatch.setenv("KANSENKAART_CONTACT", "a" * 120)
    assert (Http.of_environment().pause_s, Http.of_environment().contact) == (0.25, "a" * 120)
    for name, value in (
        ("CONTACT", "a" * 121),
        ("CONTACT", "a\nb"),
        ("PAUSE_S", "60.0001"),
        ("PAUSE_S", "-1"),
        ("PAUSE_S", "1e1"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(f"KANSENKAART_{name}", value)
            found = (f"{value!r}, {'a' * 60!r}") if name == "PAUSE_S" else f"'0.25', {value[:60]!r}"
            assert _refused(Http.of_environment, ConfigError) == (
                ConfigError,
                "a pause of 0 to 60 s and a contact such as gis@gemeente.nl",
                found,
            )
    for value in ("0", "60", "0.5"):
        monkeypatch.setenv("KANSENKAART_PAUSE_S", value)
        assert Http.of_environment().pause_s == float(value)


def test_the_pause_doubles_up_to_the_longest_and_after_the_last_try_it_is_said(clock):
    said = []
    how = Http(attempts=4, wait_most_s=3.0, read_timeout_s=200.0, meter=Meter(listen=lambda *words: said.append(words)))
    attempt, seen = _failing()
    assert _refused(lambda: http._persist(URL, how, attempt)) == (FetchError, "a usable answer within 4 tries", "no")
    assert clock.slept == [1.0, 2.0, 3.0]
    assert seen == [100.0, 99.0, 97.0, 94.0]  # what is left of the patience
    assert said == [("x.nl", "geen bruikbaar antwoord; nog hoogstens 100 s opnieuw gevraagd")]
    life = how.meter.life_of(URL)
    assert (life.good, life.answers) == (False, False)
    attempt, seen = _failing()
    assert _refused(lambda: http._persist(URL, how, attempt))[1] == "a usable answer within 1 tries"
    assert (seen, clock.slept[3:], len(said)) == ([10.0], [], 1)  # once, and briefly
    attempt, seen = _failing(times=0)
    assert http._persist(URL, how, attempt) == "fine"
    assert (life.good, seen) == (True, [10.0])
    attempt, seen = _failing(times=1)
    assert http._persist(URL, how, attempt) == "fine"
    assert (seen, clock.slept[3:], len(said)) == ([100.0, 99.0], [1.0], 2)


@pytest.mark.parametrize(
    ("status", "kind"),
    [*((one, TooMuchError) for one in (413, 500, 502, 503, 504)), *((one, FetchError) for one in (429, 408, 0))],
)
def test_a_host_that_refused_one_question_is_asked_the_next_one_twice(clock, status, kind):
    how = Http(attempts=1, read_timeout_s=200.0)
    attempt, _ = _failing(status=status)
    assert _refused(lambda: http._persist(URL, how, attempt))[0] is kind
    assert how.meter.life_of(URL).answers is (status > 0)
    attempt, seen = _failing(status=status)
    assert _refused(lambda: http._persist(URL, how, attempt))[0] is kind
    assert seen == ([100.0, 99.0] if status else [10.0])


@pytest.mark.parametrize(("good", "most"), [(True, 100.0), (False, 10.0)])
def test_a_pause_as_long_as_the_patience_is_not_waited(clock, good, most):
    for pause, tries in ((most, 1), (most - 0.5, 2)):
        how = Http(attempts=2)
        how.meter.life_of(URL).good = good
        attempt, seen = _failing(retry_after_s=pause)
        assert _refused(lambda how=how, attempt=attempt: http._persist(URL, how, attempt))[2] == "no"
        assert len(seen) == tries
    assert clock.slept == [most - 0.5]


def test_what_is_left_of_the_patience_is_never_less_than_a_brief_wait(clock):
    how = Http(attempts=2, patience_s=20.0)
    attempt, seen = _failing(times=1, retry_after_s=15.0)
    assert http._persist(URL, how, attempt) == "fine"
    assert seen == [20.0, 10.0]


def test_each_status_is_taken_for_what_it_is(clock, answers):
    for status in (408, 425, 429, 500, 502, 503, 504):
        answers.rows.append(Response(b"busy", status))
        with pytest.raises(http._Again, match=f"status {status}: busy") as why:
            http._open(URL, PLAIN, {}, {})
        assert (why.value.status, why.value.retry_after_s) == (status, 0.0)
    for status in (200, 206, 304, 399, 416):
        answers.rows.append(Response(status=status))
        assert http._open(URL, PLAIN, {}, {}).status_code == status
    PLAIN.meter.life_of(URL).good = False
    for status in (400, 404, 501):
        answers.rows.append(Response(b'{"title": "none", "detail": "gone"}', status, url=f"{URL}?b"))
        with pytest.raises(FetchError, match=f"status {status}: gone.*{URL}"):
            http._open(URL, PLAIN, {}, {})
    assert PLAIN.meter.life_of(URL).good
    for wait, kind in (("90", http._Again), ("91", FetchError)):
        busy = Response(b"", 503, {"Retry-After": wait})
        answers.rows.append(busy)
        with pytest.raises(kind) as why:
            http._open(URL, PLAIN, {}, {})
        assert busy.closed == 1
    assert (why.value.expected, why.value.found) == ("to wait 90 s at most", "the publisher asks to wait 91 s")


def test_a_question_says_who_asks_and_how_long_it_waits(clock, answers):
    answers.rows.append(Response())
    how = Http(contact="a@b.nl", meter=Meter())
    http._open(URL, how, {"p": "1"}, {"X": "y"})
    assert answers.asked == [
        {
            "url": URL,
            "params": {"p": "1"},
            "headers": {"User-Agent": "kansenkaart (a@b.nl)", "X": "y"},
            "timeout": (10.0, 60.0),
            "answer_timeout_s": 1800.0,
        }
    ]
    assert (how.meter.requests, clock.slept) == (1, [])
    answers.rows.append(Response())
    clock.now += 0.15
    http._open(URL, how, {}, {})
    assert (how.meter.requests, [round(one, 6) for one in clock.slept]) == (2, [0.1])
    inner = OSError("name or service unknown")
    why = requests.ConnectionError("pool")
    why.__cause__ = RuntimeError("between")
    why.__cause__.__context__ = inner
    answers.rows += [why, FormatError("a link to x.nl", found="y.nl", where=URL)]
    with pytest.raises(http._Again, match=r"no answer \(ConnectionError\): name or service unknown") as told:
        http._open(URL, how, {}, {})
    assert told.value.status == 0
    assert _refused(lambda: http._open(URL, how, {}, {})) == (FetchError, "a link to x.nl", "y.nl")
    hidden = ValueError("p")
    hidden.__context__, hidden.__suppress_context__ = inner, True
    assert http._first(hidden) is hidden


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"detail": "", "description": "d", "title": "t"}', ": d"),
        (b'{"title": "t"}', ": t"),
        (b'{"other": "t"}', ""),
        (b"[1]", ": [1]"),
        (b"5", ": 5"),
        (b"  plain\x00\ntext ", ": plain  text"),
        (b"<html>", ""),
        (b'{"detail": ', ""),
        (b"x" * 301, f": {'x' * 300}"),
        (b"", ""),
    ],
)
def test_what_a_refusal_says_is_said_in_three_hundred_signs(body, said):
    response = Response(body, 404)
    assert http._refusal(response) == f"status 404{said}"
    assert response.closed == 1
    broken = Response(body, 404, breaks=requests.ConnectionError())
    assert (http._refusal(broken), broken.closed) == ("status 404", 1)


def test_an_answer_is_taken_up_to_its_bound_and_its_time(clock):
    how, got = Http(max_bytes=6, meter=Meter()), []

    def pumped(response, size=0, how=how, sink=got.append):
        got.clear()
        http._pump(response, how, URL, sink, size)
        return got

    clock.now = 2000.0
    assert pumped(Response(b"123456", headers={"Content-Length": "6"})) == [b"123", b"456"]
    assert (how.meter.received, how.meter.life_of(URL).asked_s) == (6, 2000.0)
    assert pumped(Response(b"12345", headers={"Content-Length": "5"}), 1) == [b"123", b"45"]
    refused = (FetchError, "at most 6 bytes")
    assert _refused(lambda: pumped(Response(headers={"Content-Length": "7"}))) == (*refused, "7 announced")
    assert _refused(lambda: pumped(Response(headers={"Content-Length": "5"}), 2)) == (*refused, "7 announced")
    assert _refused(lambda: pumped(Response(b"1234567"))) == (*refused, "more")
    assert _refused(lambda: pumped(Response(b"123456"), 1)) == (*refused, "more")
    assert _refused(lambda: pumped(Response(), sink=lambda _: (_ for _ in ()).throw(OSError("full"))), StoreError) == (
        StoreError,
        "room to write",
        "full",
    )
    with pytest.raises(http._Again, match=r"broke off \(ChunkedEncodingError\): x"):
        pumped(Response(breaks=requests.exceptions.ChunkedEncodingError("x")))

    def slow(chunk):
        clock.now += 900.0

    pumped(Response(b"123456"), sink=slow)  # 1,800 s after the first piece is still in time
    with pytest.raises(http._Again, match="longer than 1800 s"):
        pumped(Response(b"123456"), sink=lambda _: slow(_) or slow(_) or slow(_))


def test_an_answer_has_one_of_the_kinds_expected_and_content(clock, answers):
    answers.rows.append(Response(b"x", headers={"ETag": "t", "Content-Type": "Application/GEO+JSON"}, url=f"{URL}?p=1"))
    found = {"etag": "t", "content-type": "Application/GEO+JSON"}
    assert get(URL, http=PLAIN, params={"p": "1"}) == Answer(f"{URL}?p=1", 200, found, b"x")
    answers.rows.append(Response(b"x", 304, {"Content-Type": "text/html"}))
    assert get(URL, http=PLAIN) == Answer(URL, 304, {}, b"")
    answers.rows.append(Response(b"x", headers={"Content-Type": "text/html"}))
    assert get(URL, http=PLAIN, kinds=(), headers={"A": "b"}).content == b"x"
    assert answers.asked[-1]["headers"]["A"] == "b"
    once = replace(PLAIN, attempts=1, meter=Meter())
    for response, found in (
        (Response(b"", 204), "status 204: an answer without content"),
        (Response(headers={"Content-Type": "text/html"}), "content of type text/html instead of json or xml"),
        (Response(headers={"Content-Type": ""}), "content of type unknown instead of json or xml"),
    ):
        answers.rows.append(response)
        assert _refused(lambda: get(URL, http=replace(once, meter=Meter()), kinds=("json", "xml")))[2] == found


def test_broken_json_is_asked_again_and_a_known_answer_only_if_it_changed(clock, answers):
    answers.rows += [Response(b"[1"), Response(b"[1]")]
    content, answer = get_json(URL, http=PLAIN, params={"p": "1"})
    assert (content, answer.content, clock.slept) == ([1], b"[1]", [1.0])
    answers.rows.append(Response(b"", 304))
    known = {"etag": "t", "last-modified": "d", "sha256": "s"}
    content, answer = get_json(URL, http=PLAIN, known=known)
    assert (content, answer.status) == (None, 304)
    sent = {"If-None-Match": "t", "If-Modified-Since": "d"}
    assert answers.asked[-1]["headers"] == {"User-Agent": "kansenkaart", **sent}
    assert conditions({"etag": "", "last-modified": "d"}) == {"If-Modified-Since": "d"}
    assert conditions({"etag": "t"}) == {"If-None-Match": "t"}
    assert validators({"etag": "", "last-modified": "d", "x": "y"}) == {"last-modified": "d"}
    answers.rows.append(Response(headers={"X-Y": "z"}))
    assert head(URL, http=PLAIN) == {"x-y": "z", "content-type": "application/json"}
    assert answers.asked[-1]["headers"] == {"User-Agent": "kansenkaart", "Accept-Encoding": "identity"}


def _ranges(response, begun):
    size = len(response.content)
    response.headers["Content-Range"] = f"bytes {begun}-{begun + size - 1}/{begun + size}"
    return response


def test_a_download_is_gathered_beside_its_place_and_goes_on(clock, answers, tmp_path):
    path = tmp_path / "a.bin"
    answers.rows += [
        Response(b"abcdef", headers={"ETag": "t"}, breaks=requests.ConnectionError("cut")),
        _ranges(Response(b"def", 206, {"ETag": "t"}), 3),
    ]
    digest = download(url=URL, path=path, http=PLAIN, magic=(b"abc", b"abcdefg"))
    assert path.read_bytes() == b"abcdef"
    assert [one["headers"].get("Range") for one in answers.asked] == [None, "bytes=3-"]
    assert answers.asked[1]["headers"]["If-Range"] == "t"
    assert {one["headers"]["Accept-Encoding"] for one in answers.asked} == {"identity"}
    notes = json.loads((tmp_path / "a.bin.http.json").read_text())
    about = path.stat()
    assert notes == {"etag": "t", "sha256": digest, "written": f"{about.st_size} {about.st_mtime_ns}"}
    assert sorted(one.name for one in tmp_path.iterdir() if not one.name.endswith(".lock")) == [
        "a.bin",
        "a.bin.http.json",
    ]
    answers.rows.append(Response(status=304))
    assert download(URL, path, http=PLAIN) == digest
    assert answers.asked[-1]["headers"]["If-None-Match"] == "t"
    answers.rows.append(Response(b"xyz"))
    with pytest.raises(FormatError) as why:
        download(URL, tmp_path / "b.bin", http=PLAIN, magic=(b"ab", b"c"))
    assert why.value.found == "b'xy'"
    assert not list(tmp_path.glob(".b.bin*.part*"))
    answers.rows.append(Response(b"changed"))
    with pytest.raises(StoreError, match="the publisher changed the file"):
        download(URL, path, http=PLAIN)
    assert path.read_bytes() == b"abcdef"
    assert not list(tmp_path.glob("*.part*"))


def test_a_range_that_is_not_what_was_asked_is_begun_anew(clock, answers, tmp_path):
    def left():
        part = tmp_path / ".a.part"
        part.write_bytes(b"abc")
        (tmp_path / ".a.part.tag").write_text("t")
        return part

    for response in (
        Response(status=416),
        Response(b"def", 206),
        _ranges(Response(b"def", 206), 2),
        Response(b"", 206, {"Content-Range": "bytes x-y/6"}),
    ):
        part = left()
        answers.rows.append(response)
        with pytest.raises(http._Again, match="not there any more"):
            http._resume(URL, PLAIN, part, {})
        assert not part.exists()
    part = left()
    short = _ranges(Response(b"de", 206), 3)
    short.headers["Content-Range"] = "bytes 3-4/6"
    answers.rows.append(short)
    with pytest.raises(http._Again, match="5 of 6 bytes"):
        http._resume(URL, PLAIN, part, {})
    assert (tmp_path / ".a.part.tag").read_text() == "t"
    answers.rows.append(Response(b"new", headers={"Last-Modified": "d"}))  # the whole, for it changed
    assert http._resume(URL, PLAIN, part, {"etag": "k"}) == {"last-modified": "d"}
    assert (part.read_bytes(), (tmp_path / ".a.part.tag").exists()) == (b"new", False)
    assert "If-None-Match" not in answers.asked[-1]["headers"]
    part = left()
    (tmp_path / ".a.part.tag").unlink()
    answers.rows.append(Response(b"x", breaks=requests.ConnectionError()))
    with pytest.raises(http._Again):
        http._resume(URL, PLAIN, part, {"etag": "k"})
    assert answers.asked[-1]["headers"]["If-None-Match"] == "k"
    assert "Range" not in answers.asked[-1]["headers"]
    assert (part.read_bytes(), (tmp_path / ".a.part.tag").exists()) == (b"x", False)
    left()
    answers.rows.append(Response(b"xyz", headers={"Last-Modified": "d"}, breaks=requests.ConnectionError()))
    with pytest.raises(http._Again):
        http._resume(URL, PLAIN, part, {})
    assert (tmp_path / ".a.part.tag").read_text() == "d"


def test_what_is_left_of_a_download_is_gone_on_with_if_it_is_ours(tmp_path):
    path = tmp_path / "a"
    fresh = http._part_of(path)
    assert fresh.parent == tmp_path
    assert fresh.name[:3] == ".a."
    assert len(bytes.fromhex(fresh.name[3:-5])) == 8
    link, twice, ours, later = (tmp_path / f".a.{sign}.part" for sign in "1234")
    link.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("")
    twice.write_text("")
    os.link(twice, tmp_path / "other")
    ours.write_text("")
    later.write_text("")
    assert http._part_of(path) == ours
    assert [one.is_symlink() or one.exists() for one in (link, twice, ours, later)] == [False, False, True, True]
    assert (tmp_path / "elsewhere").exists()


def test_what_was_written_of_an_answer_counts_for_that_answer_only(tmp_path):
    path, beside = tmp_path / "a", tmp_path / "a.http.json"
    path.write_bytes(b"x")
    assert http.remembered(path) == {}
    http.remember(path, {"etag": "t", "sha256": "wrong"})
    assert http.remembered(path)["etag"] == "t"
    os.utime(path, (1, 1))
    assert http.remembered(path) == {}
    http.remember(path, {"etag": "t", "sha256": http.sha256_of(path)})
    os.utime(path, (2, 2))
    assert http.remembered(path)["etag"] == "t"
    for damaged in (b"", b"[]", b"\xff"):
        beside.write_bytes(damaged)
        assert http.remembered(path) == {}
