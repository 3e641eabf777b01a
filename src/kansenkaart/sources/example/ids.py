"""Identifiers of the invented neighbourhood, shaped as the registers shape theirs; municipality 9999 does not exist."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from kansenkaart.sources.example import layout

MUNICIPALITY = "GM9999"
MUNICIPALITY_NAME = "Voorbeeldstad"
STREET_NUMBERS = {street.key: n for n, street in enumerate(layout.streets())}
STREET_NAMES = {street.key: street.name for street in layout.streets()}


def shape_of(scale: int) -> tuple[int, int]:
    """Columns and rows of the grid of copies [1]."""
    columns = math.ceil(math.sqrt(scale))
    return columns, math.ceil(scale / columns)


def origin(copy: int, scale: int) -> npt.NDArray[np.float64]:
    """South-west corner of a copy in RD New [m]."""
    columns, _ = shape_of(scale)
    x0, y0 = layout.ORIGIN_RD_M
    return np.array([x0 + layout.PITCH_X_M * (copy % columns), y0 + layout.PITCH_Y_M * (copy // columns)])


def pand_id(copy: int, number: int) -> str:
    """Sixteen digits of a pand (object type 10)."""
    return f"999910{copy:04d}{number:06d}"


def home_id(copy: int, number: int) -> str:
    """Sixteen digits of a verblijfsobject (object type 01)."""
    return f"999901{copy:04d}{number:06d}"


def street_id(copy: int, key: str) -> str:
    """Sixteen digits of an openbare ruimte (object type 30)."""
    return f"999930{copy:04d}{STREET_NUMBERS[key]:06d}"


def street_name(copy: int, key: str) -> str:
    """Name of a street; copies beyond the first carry their number."""
    return STREET_NAMES[key] + (f" {copy + 1}" if copy else "")


def buurtcode(copy: int, quarter: str) -> str:
    """Code of a buurt: the municipality, the copy as wijk, the quarter."""
    return f"BU9999{copy:02d}{quarter}"


def wijkcode(copy: int) -> str:
    """Code of a wijk: one copy of the neighbourhood."""
    return f"WK9999{copy:02d}"


def pipe_id(copy: int, number: int) -> str:
    """Name of a pipe in the sewer register."""
    return f"vb{copy:02d}-L{number:04d}"


def node_id(copy: int, key: str) -> str:
    """Name of a manhole in the sewer register."""
    return f"vb{copy:02d}-{key}"
