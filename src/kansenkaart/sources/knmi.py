"""Reads weather: KNMI station files by day (``etmgeg``) and hour (``uurgeg``), and typical years (EPW).

References
----------
.. [1] KNMI, Daggegevens en uurgegevens van het weer in Nederland: column descriptions in the head of each file.
.. [2] EnergyPlus, Auxiliary Programs: EnergyPlus Weather File (EPW) data dictionary.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from pyproj import Transformer

from kansenkaart.config import packaged_rows
from kansenkaart.crs import RD
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.sources.epw import drop_undated, hours_from_one, hours_of
from kansenkaart.sources.publishers import delivery
from kansenkaart.sources.tools.archives import content_of
from kansenkaart.sources.tools.cleaning import Sieve
from kansenkaart.sources.tools.http import Answer, Http, get
from kansenkaart.sources.tools.layers import cells_of
from kansenkaart.sources.tools.rawfolder import digest_of, edition_named, keep_file
from kansenkaart.sources.tools.rawnames import raw_names, reading, text_of, to_number, to_our_names, to_text
from kansenkaart.tables import fields, schemas
from kansenkaart.tables.provenance import Provenance, Tally

KWH_PER_M2_PER_J_PER_CM2 = 1e4 / 3.6e6
W_PER_M2_PER_HOURLY_J_PER_CM2 = 1e4 / 3600.0
PER_TENTH = 0.1
#: KNMI's code for "less than 0.05 mm" [0.1 mm] [1]_.
TRACE_CODE = -1
_STATION = re.compile(r"^#?\s*(\d{3})[:\s]\s*(\d+\.\d+)\s+(\d+\.\d+)\s", re.M)
_NO_STATION = "unknown"
_HOURS, _SHOWN = 24, 12
_HOUR_NAMES = ("HH", "H")
_CLOCK = re.compile(r"^\s*(\d{1,2}):00(?::00)?\s*$")
_HEAD = re.compile(r"#?\s*\"?STN\"?\s*([,;\t])\s*\"?(YYYYMMDD|DATE)\b", re.IGNORECASE)


def read_weather_daily(path: Path, *, station: str | None = None) -> tuple[pd.DataFrame, Tally]:
    """Return sun, rain and evaporation per day, as table ``weather_daily``; less than 0.05 mm of rain counts as none.

    Parameters
    ----------
    path : Path
        ``etmgeg_*.txt``; the head may name fewer or more columns.
    station : str or None
        Number of the station, such as ``278``, where the file holds several.

    Returns
    -------
    days : DataFrame
        Radiation [kWh/m2/day], rain and Makkink evaporation [mm/day]; NaN where not measured.
    tally : Tally
        Days in, kept and left out; unmeasured days are noted [1].

    Raises
    ------
    FormatError
        If the file has no head ``# STN,YYYYMMDD``, lacks a column, or holds several stations and none is named.
    """
    raw, _ = _read_station_file(path)
    if any(one in raw for one in _HOUR_NAMES):
        raise FormatError(
            "one row a day",
            found="a column of hours: this is an hourly file (uurgeg)",
            where=path.name,
            remedy="take the daily file (etmgeg) for weather_daily; uurgeg holds hours: role weather_hourly",
        )
    named = to_our_names(raw, "weather_daily", form="knmi", where=path.name)
    sieve = Sieve(named.assign(STN=raw["STN"], day=_days(raw)))
    drop_undated(sieve, path, sieve.frame["day"].isna())
    _one_station(sieve, path, station)
    frame = sieve.frame
    rain = _whole(sieve, "rain_mm", f"{path.name}, RH")
    trace = rain == TRACE_CODE
    sieve.note("rain below 0.05 mm", trace.sum())
    radiation = _whole(sieve, "global_radiation_kwh_per_m2", f"{path.name}, Q")
    evaporation = _whole(sieve, "evaporation_mm", f"{path.name}, EV24")
    sieve.frame = pd.DataFrame(
        {
            "day": frame["day"].dt.tz_localize("UTC"),
            "station": frame["STN"],
            "global_radiation_kwh_per_m2": radiation * KWH_PER_M2_PER_J_PER_CM2,
            "rain_mm": (rain * PER_TENTH).where(~trace, 0.0),
            "evaporation_mm": evaporation * PER_TENTH,
        }
    )
    return _finish(sieve, "weather_daily", path)


def read_weather_hourly(
    path: Path,
    *,
    form: str = "knmi",
    station: str | None = None,
) -> tuple[pd.DataFrame, Tally]:
    """Return hourly weather in world time, as table ``weather_hourly``; each row is the hour that begins then.

    Parameters
    ----------
    path : Path
        ``uurgeg_*.txt`` or an ``.epw`` file.
    form : str
        ``knmi`` or ``epw``.
    station : str or None
        Number of the station, such as ``278``, where a KNMI file holds several.

    Returns
    -------
    hours : DataFrame
        Radiation [W/m2], temperature [degC], wind [m/s]; direct and diffuse stay unknown for KNMI.
    tally : Tally
        Hours in, kept and left out [1].

    Raises
    ------
    FormatError
        If the file has another head, states no position, or holds several stations and none is named.
    """
    if form == "epw":
        return _finish(hours_of(path), "weather_hourly", path)
    raw, head = _read_station_file(path)
    clock = _once(_hour_column(raw, path), lambda one: one.str.replace(_CLOCK, r"\1", regex=True))
    named = to_our_names(raw, "weather_hourly", form="knmi", where=path.name)
    hour, note = hours_from_one(pd.to_numeric(clock, errors="coerce"))
    whole = hour.where(hour.between(1, _HOURS) & (hour.mod(1) == 0))
    begin = _days(raw).dt.tz_localize("UTC") + pd.to_timedelta(whole - 1, unit="h")
    sieve = Sieve(named.assign(STN=raw["STN"], begin=begin))
    sieve.note(note, len(raw) if note else 0)
    drop_undated(sieve, path, sieve.frame["begin"].isna())
    _one_station(sieve, path, station)
    place = _position(head, str(sieve.frame["STN"].iloc[0]), path)
    written = raw_names("weather_hourly", "knmi")
    numbers = {name: _whole(sieve, name, f"{path.name}, {written[name].split('|')[0]}") for name in named.columns}
    sieve.frame = _hours(numbers, sieve.frame["begin"], sieve.frame["STN"], place)
    return _finish(sieve, "weather_hourly", path)


def _hours(numbers: Any, begin: Any, station: Any, place: tuple[float, float]) -> pd.DataFrame:
    """Return hours in our units, from radiation [J/cm2], temperature [0.1 degC] and wind [0.1 m/s]."""
    return pd.DataFrame(
        {
            "timestamp": begin,
            "ghi_w_per_m2": numbers["ghi_w_per_m2"] * W_PER_M2_PER_HOURLY_J_PER_CM2,
            "dni_w_per_m2": None,
            "dhi_w_per_m2": None,
            "air_temperature_degc": numbers["air_temperature_degc"] * PER_TENTH,
            "wind_speed_m_per_s": numbers["wind_speed_m_per_s"] * PER_TENTH,
            "station": station,
            "latitude_deg": place[0],
            "longitude_deg": place[1],
        }
    )


def _once(column: pd.Series[Any], turn: Callable[[pd.Series[Any]], pd.Series[Any]]) -> pd.Series[Any]:
    """Turn each different text of a column once: of days and hours there are few beside the rows."""
    codes, different = pd.factorize(column, use_na_sentinel=False)
    return turn(pd.Series(different)).take(codes).set_axis(column.index)


def _days(raw: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """Return days, written as KNMI does (20200131) or as programs that save its files do (2020-01-31, 31-01-2020)."""
    return _once(raw["YYYYMMDD"], _as_days)


def _as_days(days: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    written = days.str.strip().str.removesuffix(".0")
    turned = written.str.replace(
        r"^(\d{1,2})[-/](\d{1,2})[-/](\d{4})\b.*", lambda hit: f"{hit[3]}{int(hit[2]):02d}{int(hit[1]):02d}", regex=True
    )
    plain = turned.str.replace(r"^(\d{4})[-/](\d{2})[-/](\d{2})\b.*", r"\1\2\3", regex=True)
    return pd.to_datetime(plain, format="%Y%m%d", errors="coerce")


def _hour_column(raw: pd.DataFrame, path: Path) -> pd.Series[str]:
    name = next((one for one in _HOUR_NAMES if one in raw), None)
    if name is None:
        raise FormatError(
            "an hour as HH in each row",
            found=", ".join(map(str, raw.columns[:_SHOWN])),
            where=path.name,
            remedy="take the hourly file (uurgeg) for weather_hourly; etmgeg holds days: role weather_daily",
        )
    return raw[name]


def _one_station(sieve: Sieve, path: Path, station: str | None) -> None:
    """Keep the station that is named; several of which none is named are refused, because their mean is of nowhere."""
    numbers = to_text(sieve.frame["STN"]).astype("object").fillna(_NO_STATION)
    sieve.frame["STN"] = numbers
    blank = numbers == _NO_STATION
    if 0 < 2 * blank.sum() < len(blank):
        sieve.drop(blank, "no station")
        numbers = sieve.frame["STN"]
    sieve.note("station unknown", (numbers == _NO_STATION).sum())
    there = sorted(set(numbers))
    if station is not None and station in there:
        sieve.drop(numbers != station, "another station")
    elif station is not None or len(there) > 1:
        raise FormatError(
            f"rows of station {station}" if station else "rows of one station",
            found=f"stations {', '.join(there[:_SHOWN])} in one file",
            where=path.name,
            remedy=f'write layer = "{there[0]}" (or another of these) in the study, or keep the rows of one station',
        )


def _read_station_file(path: Path) -> tuple[pd.DataFrame, str]:
    with reading(path, "a KNMI station file"):
        text = text_of(content_of(path, (".txt", ".csv")))[0]
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines) if _HEAD.match(line)), None)
    head = None if at is None else _HEAD.match(lines[at])
    if at is None or head is None:
        raise FormatError(
            "a head '# STN,YYYYMMDD,…'",
            found=(lines or ["an empty file"])[0][:60],
            where=path.name,
            remedy="take the station file of KNMI as text, or an EPW (PVGIS and others offer a typical year as EPW too)",
        )
    names = [name.strip(' "').upper() for name in lines[at].lstrip("# ").split(head[1])]
    names = ["YYYYMMDD" if name == "DATE" else name for name in names]
    rows = (line for line in lines[at + 1 :] if line.strip() and not line.startswith("#"))
    # Commas behind the last column are no cells, as a spreadsheet adds them to one row or other.
    body = "\n".join(line.rstrip(f"{head[1]} ") if line.count(head[1]) >= len(names) else line for line in rows)
    if not body:
        raise FormatError("rows after the head", found="none", where=path.name, remedy="fetch the station file again")
    with reading(path, f"{len(names)} columns a row"):
        raw = cells_of(body, head[1], names=names)
    raw["STN"] = raw["STN"].str.strip().str.removesuffix(".0")
    return raw, "\n".join(lines[:at])


def _whole(sieve: Sieve, name: str, where: str) -> pd.Series[float]:
    """Return a column of KNMI as numbers, unknown where decimals show that it is in another unit: its own are whole."""
    values = sieve.numbers(name, where)
    broken = values.notna() & (values.mod(1) != 0)
    if 10 * broken.sum() > values.notna().sum():
        sieve.note(f"{where} has decimals, which KNMI's own unit has not: another unit? unknown", values.notna().sum())
        return values.where(values.isna())
    return values


def _position(head: str, station: str, path: Path) -> tuple[float, float]:
    for number, longitude, latitude in _STATION.findall(head):
        if number == station:
            return float(latitude), float(longitude)
    if station.strip().isdecimal() and int(station) in stations():  # the yearly files state no position
        return stations()[int(station)]
    raise FormatError(
        f"the position of station {station} in the head",
        found="none",
        where=path.name,
        remedy="state the station's latitude and longitude in the study file",
    )


def _finish(sieve: Sieve, table: str, path: Path) -> tuple[pd.DataFrame, Tally]:
    shape = schemas.get(table)
    for name in shape.columns:
        if fields.get(name).type == "float" and name in shape.nullable:
            sieve.frame[name] = to_number(sieve.frame[name], where=f"{path.name}, {name}", lenient=True)
            sieve.blank_outside(name)
            sieve.note(f"{name} unknown", sieve.frame[name].isna().sum())
    sieve.drop(sieve.frame.duplicated(list(shape.key)), "same time twice")
    return sieve.table(table, path)


#: The typical year that is built in: De Bilt, from the hours of 2011 to 2024 (see `benchmarks/typical_year.py`).
TYPICAL_STATION, TYPICAL_FILE, TYPICAL_PUBLISHER = 260, "knmi_typical_year.csv.gz", "knmi-jaar"
TYPICAL_EDITION = "De Bilt 2011-2024"


def typical_year() -> tuple[pd.DataFrame, Tally, Provenance]:
    """Return the typical year that is built in, as table ``weather_hourly``, so that no study lacks sun for want of it.

    Returns
    -------
    hours : DataFrame
        8,760 hours of global radiation [W/m2], temperature [degC] and wind [m/s]; direct and diffuse are unknown.
    tally : Tally
        Hours in and kept [1].
    provenance : Provenance
        KNMI, with the sha256 of the file in the package.
    """
    packed = (files("kansenkaart") / "data" / TYPICAL_FILE).read_bytes()
    raw = pd.read_csv(io.BytesIO(gzip.decompress(packed)), comment="#")
    begin = pd.date_range("2019-01-01", periods=len(raw), freq="h", tz="UTC")
    names = {
        "q_j_per_cm2": "ghi_w_per_m2",
        "t_tenth_degc": "air_temperature_degc",
        "fh_tenth_m_per_s": "wind_speed_m_per_s",
    }
    sieve = Sieve(_hours(raw.rename(columns=names), begin, str(TYPICAL_STATION), stations()[TYPICAL_STATION]))
    frame, tally = _finish(sieve, "weather_hourly", Path(TYPICAL_FILE))
    sha256 = digest_of({"": packed})
    told = delivery(
        TYPICAL_PUBLISHER, role="weather_hourly", edition=TYPICAL_EDITION, address=TYPICAL_FILE, sha256=sha256
    )
    return frame, tally, told


PUBLISHER = "knmi"
#: "The last years" of a station are so many complete ones [year].
YEARS = 10
HOURS_PUBLISHER = "knmi-uur"
_HOUR_VARIABLES = "FH:T:Q"
_TEXT_KINDS = ("text/plain", "text/csv", "octet-stream")
_DAY = re.compile(r"\d{8}")
_HEADER = re.compile(rb"^#?\s*STN,\s*YYYYMMDD", re.MULTILINE)
_ROW = re.compile(rb"^\s*\d{3},\s*\d{8},", re.MULTILINE)


def fetch_days(
    folder: Path, *, base_url: str, station: int, first_day: str, last_day: str, http: Http
) -> tuple[Path, Provenance]:
    """Fetch all variables of a station over a period.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    base_url : str
        From `kansenkaart.sources.publishers.base_url`.
    station : int
        Its number, such as 278 (Heino).
    first_day, last_day : str
        As ``20200101``.
    http : Http
        How to ask.

    Returns
    -------
    path : Path
        ``<folder>/knmi/<edition>/dag_<station>_<first>_<last>.txt``; the edition is named after the bytes.
    provenance : Provenance
        With the sha256 of the file.

    Raises
    ------
    ConfigError
        If a day is not written as it should.
    FetchError
        If no usable answer came.
    FormatError
        If the answer is no KNMI table, or misses the station.
    """
    _require_days(first_day, last_day)
    asked = {"vars": "ALL", "start": first_day, "end": last_day}
    answer = _ask(base_url, station, asked, http)
    sha256, name = digest_of({"": answer.content}), f"dag_{station}_{first_day}_{last_day}.txt"
    path, kept = keep_file(folder, PUBLISHER, edition_named(sha256), name, answer.content)
    return path, delivery(PUBLISHER, role="weather_daily", edition=kept, address=answer.url, sha256=sha256)


def fetch_hours(
    folder: Path, *, base_url: str, station: int, first_day: str, last_day: str, http: Http
) -> tuple[Path, Provenance]:
    """Fetch global radiation, temperature and wind per hour of a station over a period, year by year.

    Parameters and errors are those of `fetch_days`.

    Returns
    -------
    path : Path
        ``<folder>/knmi-uur/<edition>/uur_<station>_<first>_<last>.txt``: one head, and the rows of all years.
    provenance : Provenance
        With the sha256 of the file.
    """
    _require_days(first_day, last_day)
    head, rows, address = b"", list[bytes](), base_url
    for year in range(int(first_day[:4]), int(last_day[:4]) + 1):
        start, end = max(first_day, f"{year}0101"), min(last_day, f"{year}1231")
        asked = {"vars": _HOUR_VARIABLES, "start": f"{start}01", "end": f"{end}24"}
        answer = _ask(base_url, station, asked, http)
        begin = next(hit.end() for hit in re.finditer(rb"(?m)^#?\s*STN,\s*YYYYMMDD.*$", answer.content))
        names, before = answer.content[:begin].splitlines()[-1], head.splitlines()[-1:]
        if head and [names] != before:
            raise FormatError("the same columns each year", found=repr(names), where=base_url, remedy="fetch it again")
        head, address = head or answer.content[:begin], address if rows else answer.url
        rows.append(answer.content[begin:].strip(b"\r\n"))
        http.meter.tell(f"knmi {station}", f"{year}")
    content = head + b"\n\n" + b"\n".join(rows) + b"\n"
    sha256, name = digest_of({"": content}), f"uur_{station}_{first_day}_{last_day}.txt"
    path, kept = keep_file(folder, HOURS_PUBLISHER, edition_named(sha256), name, content)
    return path, delivery(HOURS_PUBLISHER, role="weather_hourly", edition=kept, address=address, sha256=sha256)


def _require_days(first_day: str, last_day: str) -> None:
    if not all(_DAY.fullmatch(one) for one in (first_day, last_day)) or first_day > last_day:
        raise ConfigError("days such as 20200101, in order", found=f"{first_day}, {last_day}")


@lru_cache(maxsize=1)
def stations() -> dict[int, tuple[float, float]]:
    """Return latitude and longitude of KNMI's stations that measure radiation [deg], from ``data/knmi_stations.csv``."""
    rows = packaged_rows("knmi_stations.csv")
    return {int(row["station"]): (float(row["latitude_deg"]), float(row["longitude_deg"])) for row in rows}


def nearest_station(x_m: float, y_m: float) -> int:
    """Return the number of the station nearest to a place.

    Parameters
    ----------
    x_m, y_m : float
        RD New [m].
    """
    to_rd = Transformer.from_crs("EPSG:4326", RD, always_xy=True)
    away = {}
    for number, (latitude, longitude) in stations().items():
        x, y = to_rd.transform(longitude, latitude)
        away[number] = (x - x_m) ** 2 + (y - y_m) ** 2
    return min(away, key=lambda one: (away[one], one))


def _ask(base_url: str, station: int, asked: dict[str, str], http: Http) -> Answer:
    answer = get(base_url, http=http, params={"stns": str(station), **asked, "fmt": "csv"}, kinds=_TEXT_KINDS)
    _require_table(answer.content, station, base_url)
    return answer


def _require_table(content: bytes, station: int, where: str) -> None:
    there = station in {int(one.split(b",")[0]) for one in _ROW.findall(content)}
    if not _HEADER.search(content) or not there or not content.endswith(b"\n"):
        raise FormatError(
            "a whole KNMI table with STN and YYYYMMDD",
            found=repr(content[:60]) if there else f"no rows of station {station}",
            where=where,
            remedy="check station numbers and period; what was kept before stays in use",
        )
