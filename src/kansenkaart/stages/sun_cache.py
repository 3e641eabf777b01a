"""What a station costs seconds to work out, kept between runs: its clock and its table of irradiance.

The file's name is a hash of all that goes in, so another weather file, year, albedo or version makes another file. A file
that is damaged is made again, and said to have been.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvlib

from kansenkaart.core.solar.irradiance import IrradianceTable
from kansenkaart.errors import SchemaError
from kansenkaart.store import atomic

Made = tuple[float, IrradianceTable]
_FORM = "2"  # of the table and of how it is made: raise it when either changes
_CLOCK = "minutes"
_DAMAGE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, SchemaError)


def key_of(hours: pd.DataFrame, *plain: object) -> str:
    """Return the hash of hours, plain values, and the versions of what works on them."""
    told = hashlib.sha256(repr((_FORM, pvlib.__version__, list(hours.columns), plain)).encode())
    told.update(pd.DatetimeIndex(hours.index).as_unit("ns").asi8.tobytes())
    told.update(np.ascontiguousarray(hours.to_numpy(np.float64)).tobytes())
    return told.hexdigest()


def remembered(folder: Path, key: str, make: Callable[[], Made]) -> tuple[Made, bool]:
    """Take a station's clock [min] and table from a folder, or make and keep them.

    Parameters
    ----------
    folder : Path
        Where they are kept; made when needed.
    key : str
        From ``key_of``.
    make : callable
        Works them out.

    Returns
    -------
    tuple
        The clock and the table, and whether a file was there but damaged.
    """
    path = folder / f"irradiance-{key[:32]}.npz"
    damaged = path.exists()
    if damaged:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                arrays = {name: kept[name] for name in kept.files}
            return (float(arrays[_CLOCK]), IrradianceTable.from_arrays(arrays)), False
        except _DAMAGE:
            pass
    minutes, table = make()
    with atomic(path) as part, part.open("wb") as out:
        named: dict[str, Any] = {_CLOCK: np.array(minutes), **table.to_arrays()}
        np.savez(out, **named)
    return (minutes, table), damaged
