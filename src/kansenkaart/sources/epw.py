"""Reads typical and real years of hourly weather from EnergyPlus weather files (EPW).

References
----------
.. [2] EnergyPlus, Auxiliary Programs: EnergyPlus Weather File (EPW) data dictionary.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.cleaning import Sieve
from kansenkaart.sources.tools.rawnames import bounded, reading, text_of, to_our_names

#: Year that is written on the hours of a typical year: any without a leap day will do.
TYPICAL_YEAR = 2019
_HOURS, _EPW_HEAD, _HEAD_BYTES = 24, 8, 200
#: A row of data begins with year, month, day, hour and minute; the head is eight lines, or fewer where some were lost.
_DATA = re.compile(r"\s*\d{4}\s*,\s*\d{1,2}\s*,\s*\d{1,2}\s*,\s*\d{1,2}\s*,")
#: Columns of an EPW by their place [2]_.
_EPW = {1: "month", 2: "day", 3: "hour", 6: "temp_air", 13: "ghi", 14: "dni", 15: "dhi", 21: "wind_speed"}
_EPW_MISSING = dict.fromkeys(("ghi_w_per_m2", "dni_w_per_m2", "dhi_w_per_m2"), 9999.0)
_EPW_MISSING |= {"air_temperature_degc": 99.9, "wind_speed_m_per_s": 999.0}


def form_of(path: Path) -> str:
    """Return whether a file of hours is an ``epw`` (its first word is LOCATION) or of ``knmi``.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    with reading(path, "a file of weather"):
        begin, _ = text_of(bounded(path).read_bytes()[:_HEAD_BYTES])
    return "epw" if begin.lstrip().upper().startswith("LOCATION") else "knmi"


def hours_of(path: Path) -> Sieve:
    """Read an EPW; 29 February of a real leap year is left out, so that a typical year has 8,760 hours.

    Parameters
    ----------
    path : Path
        The ``.epw`` file.

    Returns
    -------
    Sieve
        Hours with radiation [W/m2], temperature [degC], wind [m/s] and the place of the station [deg].

    Raises
    ------
    FormatError
        If the file cannot be read, or most of its rows have no date.
    """
    with reading(path, "an EPW file"):
        lines = text_of(bounded(path).read_bytes())[0].splitlines()
        place = lines[0].split(",")
        try:
            latitude, longitude, zone_h = (float(one) for one in place[6:9])
        except ValueError as why:
            raise FormatError(
                "a first line LOCATION with latitude, longitude and time zone, with commas between",
                found=lines[0][:80],
                where=f"{path.name}, row 1",
                remedy="save it as EPW again: commas between, decimal points",
            ) from why
        first = next((at for at, line in enumerate(lines) if _DATA.match(line)), _EPW_HEAD)
        body = "\n".join(lines[first:])
        raw = pd.read_csv(io.StringIO(body), header=None, usecols=list(_EPW), index_col=False).rename(columns=_EPW)
    counted, note = hours_from_one(pd.to_numeric(raw["hour"], errors="coerce"))
    raw["hour"] = counted
    sieve = Sieve(to_our_names(raw, "weather_hourly", form="epw", where=path.name).assign(clock=_clock(raw)))
    sieve.note(note, len(raw) if note else 0)
    leap = (pd.to_numeric(raw["month"], errors="coerce") == 2) & (pd.to_numeric(raw["day"], errors="coerce") == 29)
    sieve.drop(leap, "29 February of a leap year")
    drop_undated(sieve, path, sieve.frame["clock"].isna())
    begin = sieve.frame["clock"] - pd.to_timedelta(zone_h, unit="h")
    sieve.frame = sieve.frame.drop(columns="clock").assign(
        timestamp=begin.dt.tz_localize("UTC"),
        station=place[1].strip(),
        latitude_deg=latitude,
        longitude_deg=longitude,
    )
    _blank_fillers(sieve)
    return sieve


def hours_from_one(hour: pd.Series[float]) -> tuple[pd.Series[float], str]:
    """Return hours as 1 to 24, each the one that ends then; a file that counts them 0 to 23 names the one that begins.

    Parameters
    ----------
    hour : Series of float
        As the file counts them [h].

    Returns
    -------
    hours : Series of float
        1 to 24 [h].
    note : str
        What was seen, empty for a file that counts 1 to 24.
    """
    if (hour == 0).any() and not (hour == _HOURS).any():
        return hour + 1, "hours counted 0 to 23: taken as the hour that begins then"
    return hour, ""


def _clock(raw: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """Return the local time at which each hour of an EPW begins, in one year; 29 February and what is no time have none."""
    month, day, hour = (pd.to_numeric(raw[name], errors="coerce") for name in ("month", "day", "hour"))
    dates = pd.DataFrame({"year": float(TYPICAL_YEAR), "month": month, "day": day})
    whole = hour.between(1, _HOURS) & month.between(1, 12) & day.between(1, 31)
    return pd.to_datetime(dates.where(whole), errors="coerce") + pd.to_timedelta(hour.where(whole) - 1, unit="h")


def _blank_fillers(sieve: Sieve) -> None:
    """Make the codes of EPW for "missing" unknown: 9999 for radiation, 99.9 for temperature, 999 for wind [2]_."""
    for name, code in _EPW_MISSING.items():
        values = sieve.numbers(name, name)
        sieve.note(f"{name} is {code:g}, unknown", (values >= code).sum())
        sieve.frame[name] = values.where(values < code)


def drop_undated(sieve: Sieve, path: Path, bad: pd.Series[bool]) -> None:
    """Leave out rows without a time, and refuse a file of which most have none.

    Parameters
    ----------
    sieve : Sieve
        The rows.
    path : Path
        For the message.
    bad : Series of bool
        Rows without a time.

    Raises
    ------
    FormatError
        If those are most of the rows.
    """
    if len(bad) and 2 * bad.sum() > len(bad):
        raise FormatError(
            "a day as YYYYMMDD (and an hour as HH, 1 to 24) in each row",
            found=f"none in {bad.sum()} of {len(bad)} rows",
            where=f"{path.name}, row {int(bad.to_numpy().argmax()) + 1}",
            remedy="take the station file as KNMI gives it, as text",
        )
    sieve.drop(bad, "no day or hour that can be read")
