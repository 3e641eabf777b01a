"""Outputs held whole against what they were: what readers are told, read by a person before it was kept, and tables.

Of a table every column is pinned by how many of its values are known, their sum and their order: a fault anywhere in a room
moves some column. A pin says that nothing has moved, not that it is right: that is for the tests beside it, which know values
by hand. After a change that is meant, look at what is named, and write it anew with ``KANSENKAART_PIN=1 pytest FILE``.
"""

from __future__ import annotations

import csv
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

_HEAD = "## "
FOLDER = Path(__file__).parent / "pins"
#: Of the sum of all sizes in a column [1]: single precision differs by up to 7e-7 between processors with and without AVX-512.
SAME = 1e-5


def same_as_pinned(file: str, made: Mapping[str, str]) -> None:
    """Compare every output with its block in a file beside the tests; ``KANSENKAART_PIN=1`` writes the file anew, to be read.

    Parameters
    ----------
    file : str
        Below ``tests``: blocks of a line ``## name`` and the output below it.
    made : mapping of str to str
        Output by name.
    """
    path = Path(__file__).parent / file
    if os.environ.get("KANSENKAART_PIN") == "1":
        path.write_text("".join(f"{_HEAD}{name}\n{text}\n" for name, text in made.items()), "utf-8")
    assert dict(made) == pinned(file)


def pinned(file: str) -> dict[str, str]:
    """Return every output that is kept in a file beside the tests, by its name."""
    blocks = (Path(__file__).parent / file).read_text("utf-8").removeprefix(_HEAD).removesuffix("\n")
    return {name: text for name, _, text in (block.partition("\n") for block in blocks.split(f"\n{_HEAD}"))}


def require_as_pinned(name: str, tables: Mapping[str, pd.DataFrame | np.ndarray]) -> None:
    """Compare every column of some tables with what is kept in ``pins/NAME.csv``: how many are known, their sum and order."""
    found = {f"{table}.{key}": row for table, content in tables.items() for key, row in _rows(content).items()}
    path = FOLDER / f"{name}.csv"
    if os.environ.get("KANSENKAART_PIN") == "1":
        FOLDER.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as out:
            lines = ([key, *(f"{number:.10g}" for number in row[:3])] for key, row in found.items())
            csv.writer(out, lineterminator="\n").writerows([["column", "known", "sum", "moment"], *lines])
    with path.open(encoding="utf-8", newline="") as kept:
        pins = {
            row["column"]: [float(row[part]) for part in ("known", "sum", "moment")] for row in csv.DictReader(kept)
        }
    assert list(found) == list(pins)
    moved = {key: (pins[key], row[:3]) for key, row in found.items() if not _same(row, pins[key])}
    assert not moved


def _same(row: list[float], pin: list[float]) -> bool:
    far = SAME * row[3]
    return row[0] == pin[0] and abs(row[1] - pin[1]) <= far and abs(row[2] - pin[2]) <= far


def _rows(content: pd.DataFrame | np.ndarray) -> dict[str, list[float]]:
    frame = pd.DataFrame(content)
    columns: dict[str, pd.Series] = {}
    for name in frame.columns:
        if isinstance(frame[name].dtype, gpd.array.GeometryDtype):
            shape = gpd.GeoSeries(frame[name])
            middle = shape.centroid
            west, south = np.floor(np.nan_to_num(shape.total_bounds[:2]))
            parts = {"area": shape.area, "length": shape.length, "x": middle.x - west, "y": middle.y - south}
            columns |= {f"{name}_{part}": values for part, values in parts.items()}
        else:
            columns[str(name)] = frame[name]
    return {name: _row(values) for name, values in columns.items()}


def _row(values: pd.Series) -> list[float]:
    """Return how many are known, their sum, their sum weighed by their place (0 to 1), and the sum of their sizes."""
    known = values.notna().to_numpy()
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.astype("Float64").to_numpy(float, na_value=np.nan)
    else:
        numbers = np.array([zlib.crc32(str(one).encode()) % 100_003 for one in values], float)
    numbers = np.where(known & np.isfinite(numbers), numbers, 0.0)
    place = (np.arange(len(numbers)) + 1) / max(len(numbers), 1)
    return [float(known.sum()), float(numbers.sum()), float(numbers @ place), float(np.abs(numbers).sum())]
