"""Unpacks gzipped and zipped files and JSON whole or not at all, and without filling disk or memory."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from kansenkaart.errors import FormatError, StoreError
from kansenkaart.sources.tools.rawnames import bounded, plain, text_of
from kansenkaart.tables.store import atomic

_CHUNK_BYTES, _NAMED = 1 << 20, 5
#: So much of a broken line is quoted, at either end [character].
_BEGIN = 30
#: What a document of JSON may take as values [byte]; a tile of 3DBAG of 10 MB takes some 150 MB.
MOST_JSON_BYTES = 600 << 20
#: What a sequence of documents may hold [byte]: 190,000 panden of 3DBAG, of 4,000 to 16,000 bytes each, take some 2 GB.
MOST_SEQUENCE_BYTES = 8 << 30
_FIRST_BYTES = {
    rb"$": "an empty file",
    rb"\xff\xfe|\xfe\xff": "text in UTF-16",
    rb"PK\x03\x04": "a zip",
    rb"\x1f\x8b": "a file packed with gzip",
    rb"SQLite": "a database of SQLite",
    rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html)": "a web page",
    rb"(\xef\xbb\xbf)?\s*<": "XML of another kind",
    rb"(\xef\xbb\xbf)?\s*[{\[]": "JSON",
}


#: How far a packed file may expand [1].
MOST_RATIO = 200


def gunzip(packed: Path, target: Path, *, most_bytes: int) -> Path:
    """Unpack one gzipped file, whole or not at all; the bytes are counted while unpacking.

    Parameters
    ----------
    packed : Path
        The gzipped file.
    target : Path
        Where to unpack it.
    most_bytes : int
        How much it may hold [byte].

    Returns
    -------
    Path
        The target.

    Raises
    ------
    FormatError
        If it is no sound gzip file or a limit is passed.
    StoreError
        If the target cannot be written.
    """
    swollen, read = packed.stat().st_size * MOST_RATIO, 0
    try:
        with atomic(target) as part, gzip.open(packed) as source, part.open("wb") as sink:
            while chunk := source.read(_CHUNK_BYTES):
                read += len(chunk)
                _require_bounds(read, swollen, most_bytes, packed)
                sink.write(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as why:
        raise _refused("a sound gzip file", f"{type(why).__name__}: {why}", packed.name) from why
    except OSError as why:
        raise StoreError(
            "room and permission to unpack",
            found=str(why.strerror or why),
            where=packed.name,
            remedy="free disk space, then run again",
        ) from why
    return target


def seen_in(head: bytes) -> str:
    """Return what a file is by its first bytes, for people."""
    there = (what for starts, what in _FIRST_BYTES.items() if re.match(starts, head, re.DOTALL))
    return next(there, f"one that starts with {head[:24]!r}")


def content_of(path: Path, endings: tuple[str, ...]) -> bytes:
    """Return the bytes of a file that is read whole, out of the gzip or the zip in which it may be packed.

    Parameters
    ----------
    path : Path
        The file.
    endings : tuple of str
        Of the one file that is meant in a zip, in lower case.

    Raises
    ------
    FormatError
        If it is too large, or a zip does not hold one such file.
    """
    with unpacked(bounded(path, most_bytes=MOST_JSON_BYTES), endings) as source:
        content = source.read(MOST_JSON_BYTES + 1)
    if len(content) > MOST_JSON_BYTES:
        raise _too_large(MOST_JSON_BYTES, path)
    return content


def json_documents(path: Path, endings: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield the objects of a sequence of JSON line by line, or the one that a file holds, whatever the file is called.

    Parameters
    ----------
    path : Path
        The file, bare or packed; of a sequence no more than one line is held in memory.
    endings : tuple of str
        Of the one file that is meant in a zip, in lower case.

    Raises
    ------
    FormatError
        If a line is no whole object or does not fit (`json_that_fits`), the lines are too many, or a zip does not hold
        one such file.
    ValueError
        If the file holds no JSON object.
    """
    lines = _lines(path, endings)
    head = _object(text_of(next(lines, b""))[0])
    texts: Iterator[str] = (text_of(line)[0] for line in lines)
    if head is None:  # one over several lines, or text in UTF-16
        whole = text_of(json_that_fits(content_of(path, endings), where=path.name))[0].lstrip()
        texts = iter(whole.splitlines())
        if (head := _object(next(texts, ""))) is None:
            head, texts = json.loads(whole or "{}"), iter(())
            if not isinstance(head, dict):
                raise ValueError("no JSON object")
    yield head
    for number, text in enumerate(texts, 2):
        if (one := _object(text)) is not None:
            yield one
        elif text.strip():
            raise FormatError(
                "a whole JSON object on each line",
                found=f"one that begins with {text[:_BEGIN]!r} and ends with {text.rstrip()[-_BEGIN:]!r}",
                where=f"{path.name}, line {number}",
                remedy="fetch the file again, whole: what comes after this line may be lost too",
            )


def _lines(path: Path, endings: tuple[str, ...]) -> Iterator[bytes]:
    """Yield the lines of a file that fit, one by one, and count what comes out of it."""
    swollen, read = path.stat().st_size * MOST_RATIO, 0
    with unpacked(path, endings) as source:
        most = min(MOST_JSON_BYTES // 2, swollen) + 1
        for number, line in enumerate(iter(lambda: source.readline(most), b""), 1):
            read += len(line)
            _require_bounds(read, swollen, MOST_SEQUENCE_BYTES, path)
            yield json_that_fits(line, where=f"{path.name}, line {number}")


def _object(text: str) -> dict[str, Any] | None:
    """Return the object that a text is, or None where it is no whole one."""
    try:
        one = json.loads(text)
    except ValueError:
        return None
    return one if isinstance(one, dict) else None


@contextmanager
def unpacked(path: Path, endings: tuple[str, ...]) -> Iterator[IO[bytes]]:
    """Open a file to read it, or the one that is packed in it.

    Parameters
    ----------
    path : Path
        The file, bare, gzipped or zipped.
    endings : tuple of str
        Of the one file that is meant in a zip, in lower case.

    Raises
    ------
    FormatError
        If it is a device or a pipe, or a zip does not hold one such file.
    """
    with plain(path).open("rb") as bare:
        begin = bare.read(2)
        bare.seek(0)
        if begin == b"\x1f\x8b":
            with gzip.open(bare) as opened:
                yield cast("IO[bytes]", opened)
        elif begin == b"PK":
            with zipfile.ZipFile(bare) as archive:
                names = [one for one in archive.namelist() if one.lower().endswith(endings)]
                if len(names) != 1:
                    raise FormatError(
                        f"one file in the zip that ends in {', '.join(endings)}",
                        found=", ".join(names[:_NAMED]) or "none",
                        where=path.name,
                        remedy="unpack it and name each file in a [[source]] of its own",
                    )
                with archive.open(names[0]) as opened:
                    yield opened
        else:
            yield bare


def _require_bounds(read: int, swollen: int, most_bytes: int, path: Path) -> None:
    if read > most_bytes:
        raise _too_large(most_bytes, path)
    if read > swollen:
        raise _refused(f"at most {MOST_RATIO} times the size of the file", "more", path.name)


def _too_large(most_bytes: int, path: Path) -> FormatError:
    return FormatError(
        f"at most {most_bytes} bytes, unpacked", found="more", where=path.name, remedy="give a smaller area"
    )


def _refused(expected: str, found: str, where: str) -> FormatError:
    return FormatError(
        expected, found=found, where=where, remedy="do not trust this file: fetch it again from its publisher"
    )


#: What each sign of JSON may cost as a value of Python, at most [byte]: an object, a list, an element, half a text; each
#: byte counts twice, since a line is put together from pieces and is text beside that.
_JSON_COSTS = ((b"{", 240), (b"[", 88), (b",", 32), (b'"', 30))


def json_that_fits(content: bytes, *, where: str) -> bytes:
    """Return JSON as it is, if its values fit the memory that one document may take.

    Raises
    ------
    FormatError
        If it is so nested or so finely cut that its values would take more than `MOST_JSON_BYTES`.
    """
    cost = 2 * len(content) + sum(content.count(sign) * each for sign, each in _JSON_COSTS)
    if cost > MOST_JSON_BYTES:
        raise FormatError(
            f"JSON whose values take at most {MOST_JSON_BYTES >> 20} MiB",
            found=f"some {cost >> 20} MiB",
            where=where,
            remedy="give a smaller area or the publisher's tiles; do not trust a small file that does this",
        )
    return content


def parse_json(content: bytes, *, where: str) -> Any:
    """Return JSON as values.

    Parameters
    ----------
    content : bytes
        As it came.
    where : str
        Address or file, for the message.

    Raises
    ------
    FormatError
        If it is truncated, no JSON, holds NaN or infinity, or is too large for `json_that_fits`.
    """

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not a JSON number")

    try:
        return json.loads(json_that_fits(content, where=where), parse_constant=refuse)
    except (ValueError, RecursionError) as why:
        kind = next((words for begin, words in _NO_JSON if content.lstrip().startswith(begin)), "")
        found = kind or (f"text that is no JSON: {why}" if content.strip() else "nothing: an empty answer")
        raise FormatError("sound JSON", found=found, where=where, remedy="fetch it again") from why


#: What comes in the place of JSON, by its first bytes.
_NO_JSON = ((b"\x1f\x8b", "something packed twice (gzip)"), (b"<", "a page (HTML or XML) instead of JSON"))
