"""Large files of publishers: kept once per edition, dated by their feed, or read in part by range requests."""

from __future__ import annotations

import hashlib
import io
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from kansenkaart.errors import FetchError
from kansenkaart.sources.tools.http import Http, download, get, head
from kansenkaart.sources.tools.rawfolder import plain_name

#: A file of the whole country may be so large [byte] (the BAG of 2026 is about 7.8 GB) and take so long [s].
MOST_BYTES = 64 << 30
LONGEST_S = 6 * 3600.0

Box = tuple[float, float, float, float]


def stated_edition(url: str, stated: Mapping[str, str], *, http: Http) -> str:
    """Return the day that a publisher states for a file by header or feed, else a name after its ETag, or nothing.

    Parameters
    ----------
    url : str
        Address.
    stated : mapping of str to str
        What `kansenkaart.sources.tools.http.head` gives.
    http : Http
        How to ask.
    """
    try:
        day = f"{parsedate_to_datetime(stated.get('last-modified', '')):%Y-%m-%d}"
    except ValueError:
        day = Feed.beside(url, http=http).day
    tag = stated.get("etag", "")
    return day or (f"etag-{hashlib.sha256(tag.encode()).hexdigest()[:16]}" if tag else "")


def reachable(addresses: Sequence[str], *, http: Http) -> str:
    """Return the first address that gives an answer: publishers move their files, and old and new stand side by side.

    Parameters
    ----------
    addresses : sequence of str
        The newest first.
    http : Http
        How to ask.

    Raises
    ------
    FetchError
        If none does; the refusal of the first one.
    """
    refused: FetchError | None = None
    for url in addresses:
        try:
            kind = head(url, http=http).get("content-type", "")
        except FetchError as why:
            refused = refused or why
        else:
            if "text/html" not in kind:
                return url
            wrong = FetchError("a file", found="a page (HTML), as of maintenance", where=url, remedy="run again later")
            refused = refused or wrong
    raise refused or FetchError("an address", found="none", where="data/sources.csv", remedy="add one")


_PARTIAL = 206
_XML_KINDS = ("xml",)
_UPDATED = re.compile(r"<updated>\s*(\d{4}-\d{2}-\d{2})")
_AHN = re.compile(r"AHN\s?-?(\d)\b")
_TITLES = re.compile(r"<(?:title|subtitle|summary)[^>]*>([^<]{0,2000})<")


class Feed:
    """What an ATOM feed says of the files beside it: the day of its last update and the names that it gives.

    The feed is searched as text for the three things wanted; it is never parsed as XML, so it cannot expand.
    """

    def __init__(self, text: str = "") -> None:
        self.day = max(_UPDATED.findall(text), default="")
        self.titles = " ".join(_TITLES.findall(text))

    @classmethod
    def beside(cls, url: str, *, http: Http) -> Feed:
        """Read the feed above a folder of downloads (``.../atom/downloads/x`` has ``.../atom/index.xml``), if there is one."""
        top = url.split("/downloads/")[0].rstrip("/")
        try:
            answer = get(f"{top}/index.xml", http=replace(http, max_bytes=1 << 24, attempts=1), kinds=_XML_KINDS)
        except FetchError:
            return cls()
        return cls(answer.content.decode("utf-8", "replace"))

    def edition(self) -> str:
        """Return the edition that it names, such as ``AHN4``, with its day; nothing where it names none."""
        named = sorted(set(_AHN.findall(self.titles)))
        return "-".join(filter(None, [f"AHN{named[-1]}" if named else "", self.day]))


class RangeFile(io.RawIOBase):
    """A file on a server, read in blocks by range requests: for cloud-optimised files of which a part is wanted.

    Parameters
    ----------
    url : str
        Address.
    http : Http
        How to ask; its meter counts the bytes.

    Raises
    ------
    FetchError
        If the server does not answer, or gives no ranges: then the whole file is the fall-back.
    """

    BLOCK = 1 << 20
    KEPT_BLOCKS = 32

    def __init__(self, url: str, http: Http) -> None:
        super().__init__()
        self._url, self._http, self._at = url, http, 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._size, self._tag = 0, ""
        self._block(0)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the place of reading [byte]."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the place of reading [byte]."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes."""
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        parts = []
        while self._at < end:
            number, within = divmod(self._at, self.BLOCK)
            part = self._block(number)[within : within + end - self._at]
            if not part:
                break
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        start = number * self.BLOCK
        asked = {"Range": f"bytes={start}-{start + self.BLOCK - 1}", "Accept-Encoding": "identity"}
        answer = get(self._url, http=replace(self._http, max_bytes=self.BLOCK), kinds=(), headers=asked)
        span = re.fullmatch(rf"bytes {start}-\d+/(\d+)", answer.headers.get("content-range", ""))
        tag = answer.headers.get("etag") or answer.headers.get("last-modified") or ""
        if answer.status != _PARTIAL or span is None or (self._tag and tag != self._tag):
            raise FetchError(
                "a part of a file that stays the same",
                found="the whole file, or another one",
                where=self._url,
                remedy="the whole sheet is fetched instead",
            )
        self._size, self._tag = int(span[1]), tag
        self._blocks[number] = answer.content
        while len(self._blocks) > self.KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return answer.content


def keep_bulk(
    folder: Path, *, publisher: str, url: str, edition: str, http: Http, magic: tuple[bytes, ...]
) -> tuple[Path, str]:
    """Return a kept file of the whole country and its edition, fetching it when it is not there yet.

    Partitions that run side by side wait for the one that fetches; a broken download goes on where it stopped.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    publisher, url : str
        Whose file, and its address.
    edition : str
        Its name, or ``latest``: then the day that the publisher states by header or feed, else its ETag.
    http : Http
        How to ask; its bounds of size and time are widened.
    magic : tuple of bytes
        First bytes of which the file must have one.

    Raises
    ------
    FetchError
        If it cannot be had, or ``latest`` is asked of a file without a date.
    FormatError
        If it is another kind of file.
    StoreError
        If the publisher changed the file within an edition, or the disk is full.
    """
    if edition == "latest":
        edition = stated_edition(url, head(url, http=http), http=http)
    if not edition:
        raise FetchError(
            "the day of this file (Last-Modified, or updated in its feed), or an ETag",
            found="none stated",
            where=url,
            remedy="name the edition in the study, such as edition = '2026-11'",
        )
    path = folder / plain_name(publisher) / plain_name(edition) / plain_name(Path(urlsplit(url).path).name)
    wide = replace(
        http, max_bytes=max(http.max_bytes, MOST_BYTES), answer_timeout_s=max(http.answer_timeout_s, LONGEST_S)
    )
    download(url, path, http=wide, magic=magic)
    return path, edition
