"""Reads weather: KNMI station files by day (``etmgeg``) and hour (``uurgeg``), and typical years (EPW).

References
----------
.. [1] KNMI, Daggegevens en uurgegevens van het weer in Nederland: column descriptions in the head of each file.
.. [2] EnergyPlus, Auxiliary Programs: EnergyPlus Weather File (EPW) data dictionary.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pandas as pd
import pvlib

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.cleaning import Sieve
from kansenkaart.sources.tools.rawnames import bounded, reading, to_number, to_our_names
from kansenkaart.tables import fields, schemas

if TYPE_CHECKING:
    from pathlib import Path

    from kansenkaart.tables.provenance import Tally
from collections.abc import Sequence
from pathlib import Path

from kansenkaart.errors import ConfigError
from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.http import Http, get
from kansenkaart.sources.tools.rawfolder import digest_of, edition_of, keep_file
from kansenkaart.tables.provenance import Provenance

KWH_PER_M2_PER_J_PER_CM2 = 1e4 / 3.6e6
W_PER_M2_PER_HOURLY_J_PER_CM2 = 1e4 / 3600.0
PER_TENTH = 0.1
#: KNMI's code for "less than 0.05 mm" [0.1 mm] [1]_.
TRACE_CODE = -1
_STATION = re.compile(r"^#?\s*(\d{3})[:\s]\s*(\d+\.\d+)\s+(\d+\.\d+)\s", re.M)
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


def read_weather_daily(path: Path, *, trace_mm: float = 0.0) -> tuple[pd.DataFrame, Tally]:
    """Return sun, rain and evaporation per day, as table ``weather_daily``.

    Parameters
    ----------
    path : Path
        ``etmgeg_*.txt``; the head may name fewer or more columns.
    trace_mm : float
        What a day of less than 0.05 mm rain counts for [mm].

    Returns
    -------
    days : DataFrame
        Radiation [kWh/m2/day], rain and Makkink evaporation [mm/day]; NaN where not measured.
    tally : Tally
        Days in, kept and left out; unmeasured days are noted [1].

    Raises
    ------
    FormatError
        If the file has no head ``# STN,YYYYMMDD`` or lacks a column.
    """
    raw, _ = _read_station_file(path)
    sieve = Sieve(to_our_names(raw, "weather_daily", form="knmi", where=path.name))
    frame = sieve.frame
    rain = to_number(frame["rain_mm"], where=f"{path.name}, RH")
    trace = rain == TRACE_CODE
    sieve.note("rain below 0.05 mm", trace.sum())
    with reading(path, "a day as YYYYMMDD in each row"):
        day = pd.to_datetime(raw["YYYYMMDD"].astype(str), format="%Y%m%d").dt.strftime("%Y-%m-%d")
    radiation = to_number(frame["global_radiation_kwh_per_m2"], where=f"{path.name}, Q")
    evaporation = to_number(frame["evaporation_mm"], where=f"{path.name}, EV24")
    sieve.frame = pd.DataFrame(
        {
            "day": day,
            "station": raw["STN"].astype(str),
            "global_radiation_kwh_per_m2": radiation * KWH_PER_M2_PER_J_PER_CM2,
            "rain_mm": (rain * PER_TENTH).where(~trace, trace_mm),
            "evaporation_mm": evaporation.where(evaporation != TRACE_CODE, 0.0) * PER_TENTH,
        }
    )
    return _finish(sieve, "weather_daily", path), sieve.tally()


def read_weather_hourly(
    path: Path, *, form: str = "knmi", position_deg: tuple[float, float] | None = None, year: int = 2019
) -> tuple[pd.DataFrame, Tally]:
    """Return hourly weather in world time, as table ``weather_hourly``; each row is the hour that begins then.

    Parameters
    ----------
    path : Path
        ``uurgeg_*.txt`` or an ``.epw`` file.
    form : str
        ``knmi`` or ``epw``.
    position_deg : tuple of float or None
        Latitude and longitude of the station [deg]; None takes them from the file.
    year : int
        Year written on the hours of a typical year; any without a leap day will do [year].

    Returns
    -------
    hours : DataFrame
        Radiation [W/m2], temperature [degC], wind [m/s]; direct and diffuse stay unknown for KNMI.
    tally : Tally
        Hours in, kept and left out [1].

    Raises
    ------
    FormatError
        If the file has another head or states no position while none is given.
    """
    if form == "epw":
        return _read_epw(path, year)
    raw, head = _read_station_file(path)
    place = position_deg or _position(head, str(raw["STN"].iloc[0]), path)
    sieve = Sieve(to_our_names(raw, "weather_hourly", form="knmi", where=path.name))
    with reading(path, "a day as YYYYMMDD and an hour as HH in each row"):
        day = pd.to_datetime(raw["YYYYMMDD"].astype(str), format="%Y%m%d", utc=True)
        begin = day + pd.to_timedelta(raw["HH" if "HH" in raw else "H"].astype(int) - 1, unit="h")
    numbers = {name: to_number(sieve.frame[name], where=path.name) for name in sieve.frame.columns}
    sieve.frame = pd.DataFrame(
        {
            "timestamp": begin.dt.strftime(_STAMP),
            "ghi_w_per_m2": numbers["ghi_w_per_m2"] * W_PER_M2_PER_HOURLY_J_PER_CM2,
            "dni_w_per_m2": None,
            "dhi_w_per_m2": None,
            "air_temperature_degc": numbers["air_temperature_degc"] * PER_TENTH,
            "wind_speed_m_per_s": numbers["wind_speed_m_per_s"] * PER_TENTH,
            "station": raw["STN"].astype(str),
            "latitude_deg": place[0],
            "longitude_deg": place[1],
        }
    )
    return _finish(sieve, "weather_hourly", path), sieve.tally()


def _read_epw(path: Path, year: int) -> tuple[pd.DataFrame, Tally]:
    with reading(path, "an EPW file"):
        raw, place = pvlib.iotools.read_epw(str(bounded(path)), coerce_year=year)
        sieve = Sieve(to_our_names(raw, "weather_hourly", form="epw", where=path.name))
        sieve.frame = sieve.frame.assign(
            timestamp=raw.index.tz_convert("UTC").strftime(_STAMP),
            station=str(place["city"]),
            latitude_deg=float(place["latitude"]),
            longitude_deg=float(place["longitude"]),
        )
    return _finish(sieve, "weather_hourly", path), sieve.tally()


def _read_station_file(path: Path) -> tuple[pd.DataFrame, str]:
    with reading(path, "a KNMI station file"):
        text = bounded(path).read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines) if re.match(r"#?\s*STN\s*,\s*YYYYMMDD", line)), None)
    if at is None:
        raise FormatError(
            "a head '# STN,YYYYMMDD,…'",
            found=(lines or ["an empty file"])[0][:60],
            where=path.name,
            remedy="fetch the station file again, as text",
        )
    names = [name.strip() for name in lines[at].lstrip("# ").split(",")]
    body = "\n".join(line for line in lines[at + 1 :] if line.strip() and not line.startswith("#"))
    if not body:
        raise FormatError("rows after the head", found="none", where=path.name, remedy="fetch the station file again")
    with reading(path, f"{len(names)} columns a row"):
        raw = pd.read_csv(io.StringIO(body), names=names, dtype=str, skipinitialspace=True, index_col=False)
    return raw, "\n".join(lines[:at])


def _position(head: str, station: str, path: Path) -> tuple[float, float]:
    for number, longitude, latitude in _STATION.findall(head):
        if number == station:
            return float(latitude), float(longitude)
    raise FormatError(
        f"the position of station {station} in the head",
        found="none",
        where=path.name,
        remedy="state the station's latitude and longitude in the study file",
    )


def _finish(sieve: Sieve, table: str, path: Path) -> pd.DataFrame:
    shape = schemas.get(table)
    for name in shape.columns:
        one = fields.get(name)
        if one.type == "float" and name in shape.nullable:
            sieve.frame[name] = to_number(sieve.frame[name], where=f"{path.name}, {name}")
            sieve.blank_outside(name, one.minimum, one.maximum)
            sieve.note(f"{name} unknown", sieve.frame[name].isna().sum())
    sieve.drop(sieve.frame.duplicated(list(shape.key)), "same time twice")
    return schemas.conform(sieve.frame[list(shape.columns)], table, where=path.name)


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
        From `kansenkaart.sources.publishers.base_url`.
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
