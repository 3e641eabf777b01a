"""Fetches Kerncijfers wijken en buurten of CBS through ``cbsodata``, and keeps the answers as published.

The library asks each metadata table anew, has no retry and no bound, and its ``get_data`` overwrites region codes by
their titles; so only its ``get_meta`` is used (which gives typed rows with their codes), with a session of ours inside
that brings the time-outs, retries and bounds of `kansenkaart.sources.fetch`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from cbsodata import cbsodata3

from kansenkaart.errors import ConfigError, FormatError, IncompleteError
from kansenkaart.provenance import Provenance
from kansenkaart.publishers import delivery, year_stated
from kansenkaart.rawfolder import digest_of, keep_files, plain_name, write_atomic
from kansenkaart.sources.fetch import Http, get_json, parse_json

PUBLISHER = "cbs-odata"
_CODE = re.compile(r"GM\d{4}")
_METADATA = ("DataProperties", "WijkenEnBuurten")
_LOCK = threading.Lock()


def fetch_kwb(
    folder: Path, *, base_url: str, codes: Sequence[str], tables: Sequence[str], http: Http
) -> tuple[Path, Provenance]:
    """Fetch the buurten of municipalities from one or more yearly tables.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    base_url : str
        Address that ends with ``/ODataFeed/odata/``; from `kansenkaart.publishers.base_url`.
    codes : sequence of str
        Municipalities, such as ``GM0193``.
    tables : sequence of str
        Table numbers, such as ``85984NED``.
    http : Http
        How to ask.

    Returns
    -------
    path : Path
        Folder with a folder per table, in it the answers of CBS.
    provenance : Provenance
        Its edition is the newest ``Modified`` of the tables.

    Raises
    ------
    ConfigError
        If a code is not that of a municipality.
    FetchError, IncompleteError
        If no usable or complete answer came.
    FormatError
        If the answers have another shape.
    """
    wrong = [one for one in codes if not _CODE.fullmatch(one)]
    if wrong or not codes or not tables:
        raise ConfigError("codes such as GM0193, and tables", found=f"{wrong or codes}, {tables}", where="study")
    infos = [_info(table, base_url, http) for table in tables]
    edition = plain_name(max(str(one["Modified"]) for one in infos).replace(":", ""))
    name = "_".join(["kwb", *sorted(codes)]) if len(codes) <= len(_METADATA) else f"kwb_{digest_of(_named(codes))[:12]}"
    parts = _kept(folder / PUBLISHER / edition / name, tables)
    if parts is None:
        parts = {}
        for table, info in zip(tables, infos, strict=True):
            parts |= _fetch_table(folder, table, base_url, codes, info, http)
    path, kept = keep_files(folder, PUBLISHER, edition, name, parts)
    year = max(year_stated(one, where=base_url) for one in infos)
    return path, delivery(
        PUBLISHER, role="statistics", edition=kept, address=base_url, sha256=digest_of(parts), year=year
    )


def _named(codes: Sequence[str]) -> dict[str, bytes]:
    return {code: code.encode() for code in codes}


def _info(table: str, base_url: str, http: Http) -> dict[str, Any]:
    with _library(base_url, http) as host:
        info = _ask(table, "TableInfos", host)
    if not info or "Modified" not in info[0]:
        raise FormatError(
            "one TableInfos row with Modified", found=str(info)[:80], where=table, remedy="check the table number"
        )
    return info[0]


def _kept(path: Path, tables: Sequence[str]) -> dict[str, bytes] | None:
    """Return a delivery of the same ``Modified`` that is there already: CBS says by it that nothing has changed."""
    names = [f"{table}/{name}.json" for table in tables for name in ("TableInfos", *_METADATA, "TypedDataSet")]
    if not all((path / name).is_file() for name in names):
        return None
    return {name: (path / name).read_bytes() for name in names}


def _fetch_table(
    folder: Path, table: str, base_url: str, codes: Sequence[str], info: dict[str, Any], http: Http
) -> dict[str, bytes]:
    with _library(base_url, http) as host:
        found = {"TableInfos": [info]}
        cache = folder / PUBLISHER / ".metadata" / plain_name(table) / plain_name(str(info["Modified"]))
        for name in _METADATA:
            found[name] = _cached(cache / f"{name}.json", table, name, host)
        rows: list[dict[str, Any]] = []
        for code in sorted(codes):
            rows += _ask(table, "TypedDataSet", host, filters=f"startswith(WijkenEnBuurten,'BU{code[2:]}')")
    _require_whole(rows, found["WijkenEnBuurten"], codes, table)
    found["TypedDataSet"] = sorted(rows, key=lambda row: str(row["WijkenEnBuurten"]))
    return {f"{table}/{name}.json": _plain(content) for name, content in found.items()}


def _plain(rows: list[dict[str, Any]]) -> bytes:
    return (json.dumps({"value": rows}, ensure_ascii=False, allow_nan=False, indent=0) + "\n").encode()


def _cached(path: Path, table: str, name: str, host: str) -> list[dict[str, Any]]:
    if path.exists():
        kept: list[dict[str, Any]] = parse_json(path.read_bytes(), where=path.name)["value"]
        return kept
    rows = _ask(table, name, host)
    write_atomic(path, _plain(rows))
    return rows


def _require_whole(rows: list[dict[str, Any]], regions: list[dict[str, Any]], codes: Sequence[str], table: str) -> None:
    if any("WijkenEnBuurten" not in row for row in rows):
        raise FormatError(
            "rows with WijkenEnBuurten", found=str(rows[0])[:80], where=table, remedy="this is no table of buurten"
        )
    starts = tuple(f"BU{code[2:]}" for code in codes)
    asked = sorted(key for one in regions if (key := str(one.get("Key", "")).strip()).startswith(starts))
    got = sorted(str(row["WijkenEnBuurten"]).strip() for row in rows)
    if asked != got or not got:
        missing, extra = sorted(set(asked) - set(got)), len(got) - len(set(got))
        raise IncompleteError(
            f"the {len(asked)} buurten of {list(codes)} once each",
            found=f"{len(got)} rows; missing {missing[:5]}; {extra} twice",
            where=table,
            remedy="try again later, or check the municipality code for this year; what was kept stays in use",
        )


def _ask(table: str, name: str, host: str, **query: str) -> list[dict[str, Any]]:
    try:
        rows = cbsodata3.get_meta(table, name, catalog_url=host, **query)
    except (KeyError, TypeError) as why:
        raise FormatError(
            "an OData answer with a list 'value'",
            found=f"{type(why).__name__}: {why}",
            where=f"{table}/{name}",
            remedy="the service changed its shape: adapt the client",
        ) from why
    if not all(isinstance(row, dict) for row in rows):
        raise FormatError("rows", found=str(rows)[:80], where=f"{table}/{name}", remedy="adapt the client")
    return list(rows)


@contextmanager
def _library(base_url: str, http: Http) -> Iterator[str]:
    """Lend the library our session and address, one user at a time, and restore both whatever happens."""
    parts = urlsplit(base_url)
    ending = f"/{cbsodata3.BULK}"
    if not parts.path.rstrip("/").endswith(ending):
        raise ConfigError(f"an address that ends with {ending}", found=base_url, where=PUBLISHER)
    with _LOCK:
        before = cbsodata3.Session, cbsodata3.options.use_https
        cbsodata3.Session = lambda: _OurSession(http)
        cbsodata3.options.use_https = parts.scheme == "https"
        try:
            yield parts.netloc + parts.path.rstrip("/").removesuffix(ending)
        finally:
            cbsodata3.Session, cbsodata3.options.use_https = before


class _OurSession(requests.Session):
    """Answers the library's request through `get_json`, which retries, bounds and checks."""

    def __init__(self, http: Http) -> None:
        super().__init__()
        self._http = http

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Send one prepared request and return a whole, checked answer."""
        url = str(request.url)
        _, answer = get_json(url, http=self._http)
        response = requests.Response()
        response.status_code, response.url = answer.status, url
        response._content = answer.content
        return response
