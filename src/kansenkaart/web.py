"""What asking over the web is made of, without asking: settings, answers, JSON without NaN, links that stay at home."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from kansenkaart.errors import FormatError


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
    max_bytes : int
        Largest answer that is taken, after decompression [byte].
    page_size : int
        Rows asked per page [1].
    agent : str
        How we present ourselves.
    """

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    answer_timeout_s: float = 1800.0
    attempts: int = 5
    wait_first_s: float = 1.0
    wait_most_s: float = 120.0
    max_bytes: int = 1 << 30
    page_size: int = 1000
    agent: str = "kansenkaart"


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


def parse_json(content: bytes, *, where: str) -> Any:
    """Return JSON as values.

    Raises
    ------
    FormatError
        If it is truncated, no JSON, or holds NaN or infinity.
    """

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not a JSON number")

    try:
        return json.loads(content, parse_constant=refuse)
    except (ValueError, RecursionError) as why:
        raise FormatError("sound JSON", found=str(why), where=where, remedy="fetch it again") from why


def same_host(url: str, base: str) -> str:
    """Return a link that a page gave, made absolute, if it stays with the publisher.

    Raises
    ------
    FormatError
        If it leads to another host.
    """
    link = urljoin(base, url)
    ours, theirs = urlsplit(base), urlsplit(link)
    if (ours.hostname, ours.port) != (theirs.hostname, theirs.port) or theirs.scheme not in ("http", "https"):
        raise FormatError(
            f"a link to {ours.hostname}", found=link, where=base, remedy="check the address in data/sources.csv"
        )
    return link


def retry_after_s(text: str | None) -> float:
    """Return the pause that a Retry-After header asks for [s], 0 where it says nothing usable."""
    if not text:
        return 0.0
    if text.strip().isdigit():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return 0.0
