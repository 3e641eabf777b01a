"""Names by which a reader can call a thing: a pipe by its street and size, a roof face by its slope, a block by its street."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from kansenkaart.wording.nl import codes, number

_POINTS = ("noorden", "noordoosten", "oosten", "zuidoosten", "zuiden", "zuidwesten", "westen", "noordwesten")
_FLAT_DEG = 5.0
_FULL_DEG = 360.0


def short_id(uri: str) -> str:
    """Give the part of a register's address that tells things apart: what follows the last # or /.

    Parameters
    ----------
    uri : str
        An address as in GWSW, or any other text.

    Returns
    -------
    str
        Its last part.
    """
    return uri.replace("#", "/").rstrip("/").rsplit("/", 1)[-1]


def pipe_names(frame: pd.DataFrame, streets: Mapping[str, str]) -> pd.Series[str]:
    """Name pipes by their street, system and size.

    Parameters
    ----------
    frame : DataFrame
        Pipes with pipe_id and system; street_id, street_name and diameter_mm [mm] where they are known.
    streets : mapping
        Names of streets by their street_id.

    Returns
    -------
    Series of str
        One name per pipe.
    """
    return pd.Series([_pipe(row, streets) for row in frame.to_dict("records")], index=frame.index, dtype="str")


def _pipe(row: Mapping[Hashable, Any], streets: Mapping[str, str]) -> str:
    street = row.get("street_name")
    if not isinstance(street, str):
        street = streets.get(str(row.get("street_id")), "")
    kind = codes("system_name").get(str(row["system"]), "riool")
    size = row.get("diameter_mm")
    own = kind if size is None or pd.isna(size) else f"{kind} {number(size)} mm"
    return f"{street}: {own}" if street else f"{own}, streng {short_id(str(row['pipe_id']))}"


def face_names(frame: pd.DataFrame) -> pd.Series[str]:
    """Name roof faces by their slope: flat, or the direction that they look at.

    Parameters
    ----------
    frame : DataFrame
        Roof faces with tilt_deg [deg] and azimuth_deg [deg] (0 is north, clockwise).

    Returns
    -------
    Series of str
        One name per face.
    """
    return pd.Series(
        [_face(tilt, turn) for tilt, turn in zip(frame["tilt_deg"], frame["azimuth_deg"], strict=True)],
        index=frame.index,
        dtype="str",
    )


def _face(tilt: float, turn: float) -> str:
    if pd.isna(tilt):
        return "dakvlak"
    if tilt < _FLAT_DEG or pd.isna(turn):
        return "plat dakvlak"
    point = _POINTS[round(turn / _FULL_DEG * len(_POINTS)) % len(_POINTS)]
    return f"schuin dakvlak op het {point}"


def block_names(frame: pd.DataFrame) -> pd.Series[str]:
    """Name blocks by their number and the first street on which their homes stand.

    Parameters
    ----------
    frame : DataFrame
        Blocks with block_id and streets.

    Returns
    -------
    Series of str
        One name per block.
    """
    first = frame["streets"].astype("string").fillna("").str.split(";").str[0].str.strip()
    number = "blok " + frame["block_id"].astype("string")
    named: pd.Series[str] = number.where(first == "", number + ", " + first).astype("str")
    return named
