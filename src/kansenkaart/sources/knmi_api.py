"""Fetches daily or hourly observations of KNMI stations, as the text that the service sends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.provenance import Provenance
from kansenkaart.publishers import delivery
from kansenkaart.rawfolder import digest_of, edition_of, keep_file
from kansenkaart.sources.fetch import Http, get

PUBLISHER = "knmi"
_DAY = re.compile(r"\d{8}")
_HEADER = re.compile(rb"^#?\s*STN,\s*YYYYMMDD", re.MULTILINE)
_ROW = re.compile(rb"^\s*\d{3},\s*\d{8},", re.MULTILINE)


def fetch_days(
    folder: Path, *, base_url: str, stations: Sequence[int], first_day: str, last_day: str, http: Http
) -> tuple[Path, Provenance]:
    """Fetch all variables of some stations over a period.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    base_url : str
        From `kansenkaart.publishers.base_url`.
    stations : sequence of int
        Numbers, such as 278 (Heino) and 260 (De Bilt).
    first_day, last_day : str
        As ``20200101``.
    http : Http
        How to ask.

    Returns
    -------
    path : Path
        ``<folder>/knmi/<edition>/dag_<stations>_<first>_<last>.txt``; the edition is named after the bytes.
    provenance : Provenance
        With the sha256 of the file.

    Raises
    ------
    ConfigError
        If a day or station is not written as it should.
    FetchError
        If no usable answer came.
    FormatError
        If the answer is no KNMI table, or misses a station.
    """
    if not stations or not all(_DAY.fullmatch(one) for one in (first_day, last_day)) or first_day > last_day:
        raise ConfigError("stations, and days such as 20200101 in order", found=f"{stations}, {first_day}, {last_day}")
    numbers = sorted({int(one) for one in stations})
    asked = {"stns": ":".join(map(str, numbers)), "vars": "ALL", "start": first_day, "end": last_day, "fmt": "csv"}
    answer = get(base_url, http=http, params=asked, kinds=("text/plain", "text/csv", "octet-stream"))
    _require_table(answer.content, numbers, base_url)
    name = f"dag_{'_'.join(map(str, numbers))}_{first_day}_{last_day}.txt"
    path, kept = keep_file(folder, PUBLISHER, edition_of(answer.content), name, answer.content)
    sha256 = digest_of({"": answer.content})
    return path, delivery(PUBLISHER, role="weather_daily", edition=kept, address=answer.url, sha256=sha256)


def _require_table(content: bytes, numbers: Sequence[int], where: str) -> None:
    there = {int(one.split(b",")[0]) for one in _ROW.findall(content)}
    missing = [one for one in numbers if one not in there]
    if not _HEADER.search(content) or missing or not content.endswith(b"\n"):
        raise FormatError(
            "a whole KNMI table with STN and YYYYMMDD",
            found=f"no rows of station {missing}" if missing else repr(content[:60]),
            where=where,
            remedy="check station numbers and period; what was kept before stays in use",
        )
