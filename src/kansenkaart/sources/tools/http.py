"""HTTP for the clients of publishers: time-outs, retries with jitter, Retry-After, size bound, resume, conditions.

The one module of `sources` that its siblings may import: `cbs`, `pdok`, `bag3d_api`, `ahn` and `knmi` know
one publisher each and share only this door to the network.
"""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import requests
from urllib3.exceptions import HTTPError

from kansenkaart.errors import ConfigError, FetchError, FormatError, StoreError, TooMuchError
from kansenkaart.sources.tools.archives import parse_json
from kansenkaart.sources.tools.rawfolder import one_at_a_time, write_atomic
from kansenkaart.sources.tools.transport import Meter, ask, same_host
from kansenkaart.tables.provenance import sha256_of

#: Settings of the environment: who asks, and how long to pause between requests [s].
CONTACT_VARIABLE = "KANSENKAART_CONTACT"
PAUSE_VARIABLE = "KANSENKAART_PAUSE_S"
MOST_PAUSE_S = 60.0
_PAUSE = re.compile(r"\d{1,4}(?:\.\d{1,4})?")
_CONTACT = re.compile(r"[A-Za-z0-9@._+:/ -]{0,120}")


@dataclass(frozen=True)
class Http:
    """How to ask.

    Attributes
    ----------
    connect_timeout_s, read_timeout_s, answer_timeout_s : float
        For the connection, for silence in between, and for one whole answer [s].
    attempts : int
        Tries per request [1].
    wait_first_s, wait_most_s : float
        First and longest pause between tries [s]; the pause doubles, with full jitter, and is never shorter than
        the publisher's Retry-After. A Retry-After above ``wait_most_s`` ends the run with an error.
    patience_s : float
        A question to a host that gives no sign of life for so long is given up [s]; the next questions to it are asked
        once only, and briefly, until it answers.
    max_bytes : int
        Largest answer that is taken, after decompression [byte].
    page_size : int
        Rows asked per page [1].
    pause_s : float
        Least time between the starts of two requests [s]; publishers state no limit, so this is a courtesy (guess).
    contact : str
        Address of whoever runs this, sent in the User-Agent so that a publisher can write instead of refuse.
    meter : Meter
        Counts what was asked and what came.
    """

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    answer_timeout_s: float = 1800.0
    attempts: int = 5
    wait_first_s: float = 1.0
    wait_most_s: float = 90.0
    patience_s: float = 100.0
    max_bytes: int = 1 << 30
    page_size: int = 1000
    pause_s: float = 0.25
    contact: str = ""
    meter: Meter = field(default_factory=Meter, compare=False, repr=False)

    @property
    def agent(self) -> str:
        """Return how we present ourselves, with the address of whoever runs this, where it is set."""
        return f"kansenkaart ({self.contact})" if self.contact else "kansenkaart"

    @classmethod
    def of_environment(cls) -> Http:
        """Return the defaults with pause and contact from the environment.

        Raises
        ------
        ConfigError
            If the pause is no number from 0 to 60 s, or the contact holds more than plain signs.
        """
        contact, pause = os.environ.get(CONTACT_VARIABLE, ""), os.environ.get(PAUSE_VARIABLE, str(cls.pause_s))
        if not _PAUSE.fullmatch(pause) or not 0 <= float(pause) <= MOST_PAUSE_S or not _CONTACT.fullmatch(contact):
            raise ConfigError(
                f"a pause of 0 to {MOST_PAUSE_S:g} s and a contact such as gis@gemeente.nl",
                found=f"{pause!r}, {contact[:60]!r}",
                where=f"{PAUSE_VARIABLE}, {CONTACT_VARIABLE}",
                remedy="correct the environment",
            )
        return cls(pause_s=float(pause), contact=contact)


@dataclass(frozen=True)
class Answer:
    """What came back: the address, status and headers (names in lower case), and the content."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes


def conditions(known: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that ask for an answer only if it is no longer the known one."""
    headers = {"If-None-Match": known["etag"]} if known.get("etag") else {}
    return headers | ({"If-Modified-Since": known["last-modified"]} if known.get("last-modified") else {})


def validators(headers: Mapping[str, str]) -> dict[str, str]:
    """Return by what a publisher knows an answer again, from its headers (names in lower case)."""
    found = {name: headers.get(name, "") for name in ("etag", "last-modified")}
    return {name: value for name, value in found.items() if value}


def retry_after_s(text: str | None) -> float:
    """Return the pause that a Retry-After header asks for [s], 0 where it says nothing usable."""
    if not text:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
        return max(when.replace(tzinfo=when.tzinfo or UTC).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return 0.0


__all__ = ["Answer", "Http", "Meter", "download", "get", "get_json", "head", "same_host", "validators"]

Got = TypeVar("Got")
JSON_KINDS = ("json",)
_CHUNK_BYTES = 1 << 16
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOTHING, _PARTIAL, UNCHANGED, _REFUSED_RANGE, _FAILED = 204, 206, 304, 416, 400
#: By these a service says that it could not answer this question; a smaller one it often can.
_TOO_MUCH = frozenset({413, 500, 502, 503, 504})
_REFUSAL_BYTES = 1 << 14
#: So long is waited for the answer of a host that gave none before [s].
_BRIEFLY_S = 10.0
#: Tries where the last question to a host ended in a refusal: it may be of this question only [1].
_WHERE_SOMETHING_CAME = 2


class _Again(Exception):  # noqa: N818 - not an error for users: it only asks for another try
    """A try failed in a way that another one may mend."""

    def __init__(self, reason: str, retry_after_s: float = 0.0, status: int = 0) -> None:
        super().__init__(reason)
        self.retry_after_s, self.status = retry_after_s, status


def get(
    url: str,
    *,
    http: Http,
    params: Mapping[str, str] | None = None,
    kinds: tuple[str, ...] = JSON_KINDS,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return one answer, whole, of one of the content kinds expected.

    Parameters
    ----------
    url : str
        What to ask.
    http : Http
        How to ask.
    params : mapping of str to str, optional
        Of the query.
    kinds : tuple of str, optional
        Content types that are expected.
    headers : mapping of str to str, optional
        More headers.

    Raises
    ------
    FetchError
        If no usable answer came after all tries, the publisher refuses, or it is larger than the bound.
    """
    return _persist(url, http, lambda how: _once(url, how, params or {}, kinds, headers or {}))


def get_json(
    url: str, *, http: Http, params: Mapping[str, str] | None = None, known: Mapping[str, str] | None = None
) -> tuple[Any, Answer]:
    """Return one answer parsed as JSON, with the answer itself; broken JSON is asked for again.

    With the ``etag`` or ``last-modified`` of an answer that is ``known``, the publisher may say that it is unchanged:
    then there is no content and the status is 304.

    Parameters
    ----------
    url, http, params
        As of `get`.
    known : mapping of str to str, optional
        An answer that was kept, to be used where it has not changed.

    Raises
    ------
    FetchError
        As `get`; also if the content stays broken, or holds NaN or infinity, which JSON does not know.
    """

    def attempt(how: Http) -> tuple[Any, Answer]:
        answer = _once(url, how, params or {}, JSON_KINDS, conditions(known or {}))
        if answer.status == UNCHANGED:
            return None, answer
        try:
            return parse_json(answer.content, where=url), answer
        except FormatError as why:
            raise _Again(why.found) from why

    return _persist(url, http, attempt)


def download(url: str, path: Path, *, http: Http, magic: tuple[bytes, ...] = ()) -> str:
    """Fetch one large file to disk, going on where a broken download stopped, and return its sha256.

    A file that is there already is asked for with its ETag or date, and kept when the publisher says "unchanged"; one
    that changed is left alone and refused, since it belongs to another edition. Of two runs one waits for the other.

    Parameters
    ----------
    url : str
        Address.
    path : Path
        Where it goes; next to it ``<name>.http.json`` keeps ETag, date and sha256.
    http : Http
        How to ask.
    magic : tuple of bytes
        First bytes of which the file must have one.

    Raises
    ------
    FetchError
        As `get`.
    FormatError
        If the first bytes are those of another kind of file.
    StoreError
        If another version is kept under this name, or the disk is full.
    """
    with one_at_a_time(path):
        part, known = _part_of(path), remembered(path)
        notes = _persist(url, http, lambda how: _resume(url, how, part, known))
        if notes is None:
            return str(known["sha256"])
        with part.open("rb") as handle:
            head = handle.read(max((len(one) for one in magic), default=0))
        if magic and not head.startswith(magic):
            part.unlink()
            raise FormatError(
                f"a file that starts with one of {magic}", found=repr(head), where=url, remedy="check the address"
            )
        return _place(part, path, notes, url)


def _place(part: Path, path: Path, notes: dict[str, str], url: str) -> str:
    digest = sha256_of(part)
    if path.exists() and sha256_of(path) != digest:
        part.unlink()
        raise StoreError(
            "the same bytes for the same edition",
            found="the publisher changed the file",
            where=f"{path.name}, {url}",
            remedy="name the new edition in the study; the kept file stays as it is",
        )
    part.replace(path)
    remember(path, {**notes, "sha256": digest})
    return digest


def _part_of(path: Path) -> Path:
    """Return where a download is gathered: what an earlier one left there and is ours, else a name nobody can foresee."""
    for left in sorted(path.parent.glob(f".{path.name}.*.part")):
        about, me = left.lstat(), getattr(os, "getuid", int)()  # Windows tells of no owner: of all files it is 0
        if stat.S_ISREG(about.st_mode) and about.st_uid == me and about.st_nlink == 1:
            return left
        left.unlink()
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")


def remember(path: Path, notes: Mapping[str, str]) -> None:
    """Write beside a kept answer by what its publisher knows it, with its sha256 and when it was last written."""
    told = json.dumps({**notes, "written": _written(path)}, sort_keys=True)
    write_atomic(path.with_name(f"{path.name}.http.json"), told.encode())


def _written(path: Path) -> str:
    about = path.stat()
    return f"{about.st_size} {about.st_mtime_ns}"


def remembered(path: Path) -> dict[str, str]:
    """Return what `remember` wrote beside an answer; nothing if that is not there, or is of another answer.

    One that nobody wrote to since is not read for it: the BAG of the whole country would be, for each role of each place.
    """
    try:
        content = json.loads(path.with_name(f"{path.name}.http.json").read_bytes())
        same = content.get("written") == _written(path) or content.get("sha256") == sha256_of(path)
        return content if same else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _resume(url: str, http: Http, part: Path, known: Mapping[str, str]) -> dict[str, str] | None:
    headers = {"Accept-Encoding": "identity"}
    tag = part.with_name(f"{part.name}.tag")
    begun = part.stat().st_size if part.exists() and tag.exists() else 0
    if begun:
        headers |= {"Range": f"bytes={begun}-", "If-Range": tag.read_text("utf-8")}
    else:
        headers |= conditions(known)
    with _open(url, http, {}, headers) as response:
        if response.status_code == UNCHANGED:
            return None
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        on = response.status_code == _PARTIAL
        if response.status_code == _REFUSED_RANGE or (on and (span is None or int(span[1]) != begun)):
            part.unlink(missing_ok=True)
            raise _Again("the range asked for is not there any more")
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if not on:
            tag.unlink(missing_ok=True)
            if validator:
                write_atomic(tag, validator.encode())
        how = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | (os.O_APPEND if begun and on else os.O_TRUNC)
        with os.fdopen(os.open(part, how, 0o666), "wb") as sink:
            _pump(response, http, url, sink.write, begun if on else 0)
    if on and span and (size := part.stat().st_size) != int(span[2]):
        raise _Again(f"{size} of {span[2]} bytes")
    tag.unlink(missing_ok=True)
    return validators({name.lower(): value for name, value in response.headers.items()})


def head(url: str, *, http: Http) -> Mapping[str, str]:
    """Return what a publisher states about a file (header names in lower case); the file itself is not fetched.

    Parameters
    ----------
    url : str
        Address.
    http : Http
        How to ask.

    Raises
    ------
    FetchError
        As `get`.
    """

    def attempt(how: Http) -> Mapping[str, str]:
        with _open(url, how, {}, {"Accept-Encoding": "identity"}) as response:
            return {name.lower(): value for name, value in response.headers.items()}

    return _persist(url, http, attempt)


def _once(
    url: str, http: Http, params: Mapping[str, str], kinds: tuple[str, ...], headers: Mapping[str, str]
) -> Answer:
    content = bytearray()
    with _open(url, http, params, headers) as response:
        kind = response.headers.get("Content-Type", "").lower()
        if response.status_code == UNCHANGED:
            return Answer(str(response.url), UNCHANGED, {}, b"")
        if response.status_code == _NOTHING:
            raise _Again("status 204: an answer without content")
        if kinds and not any(one in kind for one in kinds):
            raise _Again(f"content of type {kind or 'unknown'} instead of {' or '.join(kinds)}")
        _pump(response, http, url, content.extend, 0)
    found = {name.lower(): value for name, value in response.headers.items()}
    return Answer(str(response.url), response.status_code, found, bytes(content))


def _first(why: BaseException) -> BaseException:
    """Return what an error began with: a name that does not resolve, say, without the pools that passed it on."""
    before = why.__cause__ or (None if why.__suppress_context__ else why.__context__)
    return why if before is None else _first(before)


def _open(url: str, http: Http, params: Mapping[str, str], headers: Mapping[str, str]) -> requests.Response:
    http.meter.take_turn(http.pause_s)
    try:
        response = ask(
            url,
            params=params,
            headers={"User-Agent": http.agent, **headers},
            timeout=(http.connect_timeout_s, http.read_timeout_s),
            answer_timeout_s=http.answer_timeout_s,
        )
    except requests.RequestException as why:
        raise _Again(f"no answer ({type(why).__name__}): {_first(why)}") from why
    except FormatError as why:  # it leads elsewhere: here is no answer, and a second way may have one
        raise FetchError(why.expected, found=why.found, where=why.where, remedy=why.remedy) from why
    status = response.status_code
    if status in _TRANSIENT:
        rest_s = retry_after_s(response.headers.get("Retry-After"))
        if rest_s > http.wait_most_s:
            response.close()
            found = f"the publisher asks to wait {rest_s:.0f} s"
            raise FetchError(
                f"to wait {http.wait_most_s:g} s at most", found=found, where=url, remedy="run again later"
            )
        raise _Again(_refusal(response), rest_s, status)
    if status >= _FAILED and status != _REFUSED_RANGE:
        http.meter.life_of(url).good = True  # it says what it will not give: it is in order
        found = _refusal(response)
        raise FetchError("an answer", found=found, where=str(response.url), remedy="check address, edition and area")
    return response


def _refusal(response: requests.Response) -> str:
    """Return the status with what the service says about it (``detail`` of RFC 9457, or plain text), and close."""
    try:
        body = response.raw.read(_REFUSAL_BYTES, decode_content=True).decode("utf-8", "replace").strip()
    except (requests.RequestException, HTTPError, OSError):
        body = ""
    finally:
        response.close()
    try:
        told = json.loads(body)
        said = next((str(told[name]) for name in ("detail", "description", "title") if told.get(name)), "")
    except (ValueError, TypeError, AttributeError):
        said = "" if body.startswith(("<", "{")) else body
    said = "".join(sign if sign.isprintable() else " " for sign in said)[:300]
    return f"status {response.status_code}" + (f": {said}" if said else "")


def _pump(response: requests.Response, http: Http, url: str, sink: Callable[[bytes], Any], size: int) -> None:
    started = time.monotonic()
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and size + float(announced) > http.max_bytes:
        raise _too_large(http, url, f"{size + float(announced):.0f} announced")
    try:
        for chunk in response.iter_content(_CHUNK_BYTES):
            size += len(chunk)
            if size > http.max_bytes:
                raise _too_large(http, url, "more")
            if time.monotonic() - started > http.answer_timeout_s:
                raise _Again(f"an answer that took longer than {http.answer_timeout_s:g} s")
            sink(chunk)
            http.meter.received += len(chunk)
            http.meter.life_of(url).asked_s = time.monotonic()
    except requests.RequestException as why:
        raise _Again(f"an answer that broke off ({type(why).__name__}): {why}") from why
    except OSError as why:
        raise StoreError("room to write", found=str(why), where=url, remedy="free disk space, then run again") from why


def _too_large(http: Http, url: str, found: str) -> FetchError:
    return FetchError(
        f"at most {http.max_bytes} bytes", found=found, where=url, remedy="ask for a smaller area or raise max_bytes"
    )


def _persist(url: str, http: Http, attempt: Callable[[Http], Got]) -> Got:
    """Ask until an answer comes, all tries are done, or the host has given no sign of life for too long."""
    life, number = http.meter.life_of(url), 0
    life.asked_s, tries = time.monotonic(), http.attempts if life.good else _WHERE_SOMETHING_CAME if life.answers else 1
    while True:
        number += 1
        left_s = max(http.patience_s - life.silent_s, _BRIEFLY_S) if life.good or life.answers else _BRIEFLY_S
        try:
            got = attempt(replace(http, read_timeout_s=min(http.read_timeout_s, left_s)))
        except _Again as why:
            longest_s = min(http.wait_first_s * 2.0 ** (number - 1), http.wait_most_s)
            pause_s = max(why.retry_after_s, random.uniform(0, longest_s))  # noqa: S311 - jitter, no secret
            if number >= tries or pause_s >= (http.patience_s - life.silent_s if life.good else _BRIEFLY_S):
                life.good, life.answers = False, why.status > 0
                kind = TooMuchError if why.status in _TOO_MUCH else FetchError
                raise kind(
                    f"a usable answer within {number} tries",
                    found=str(why),
                    where=url,
                    remedy="try again later; what was kept before stays in use",
                ) from why
            if number == 1:
                words = f"geen bruikbaar antwoord; nog hoogstens {http.patience_s:.0f} s opnieuw gevraagd"
                http.meter.tell(life.host, words)
            time.sleep(pause_s)
        else:
            life.good = True
            return got
