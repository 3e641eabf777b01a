"""Keeps a publisher's file of the whole country: one dated edition, fetched once by whoever comes first.

Beside `fetch` the second module of `sources` that its siblings may import: it knows no publisher.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from kansenkaart.errors import FetchError
from kansenkaart.rawfolder import plain_name
from kansenkaart.sources.fetch import Http, download, stated_date

#: A file of the whole country may be so large [byte] (the BAG of 2026 is about 7.8 GB) and take so long [s].
MOST_BYTES = 64 << 30
LONGEST_S = 6 * 3600.0

Box = tuple[float, float, float, float]


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
        Its name, or ``latest``: then the day that the publisher states for the file.
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
        edition = stated_date(url, http=http)
    if not edition:
        raise FetchError("the day of this file (Last-Modified)", found="none stated", where=url,
                         remedy="name the edition in the study, such as edition = '2026-11'")  # fmt: skip
    path = folder / plain_name(publisher) / plain_name(edition) / plain_name(Path(urlsplit(url).path).name)
    wide = replace(
        http, max_bytes=max(http.max_bytes, MOST_BYTES), answer_timeout_s=max(http.answer_timeout_s, LONGEST_S)
    )
    with one_at_a_time(path):
        download(url, path, http=wide, magic=magic)
    return path, edition


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process at a time make a file; the others wait. The lock of a process that died counts for nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
