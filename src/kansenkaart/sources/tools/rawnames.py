"""What publishers call our columns: one table, our name x format to raw name, empty where the format lacks it.

``data/raw_names.csv`` has the columns ``table, form, name, raw``. ``a|b`` in ``raw`` means: the first that is there.
A trailing ``?`` marks a column that a file of this format may lack; all others must be there.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import shapely

from kansenkaart.errors import FormatError, KansenkaartError

if TYPE_CHECKING:
    from pathlib import Path

Frame = TypeVar("Frame", bound=pd.DataFrame)

#: Spellings of "unknown" in Dutch open data: WFS 2021, OGC API 2022 and later, OData untyped, Klimaatmonitor.
MISSING = frozenset({"", ".", "?", "-", "nan", "none", "null", "-99999999", "-99999999.0", "-99995", "-99997"})
#: The largest file that is read into memory as a whole; a tile of 3DBAG has some 10 MB, ten years of hours 10 MB [byte].
MOST_BYTES = 1 << 30
#: What libraries raise when a file is not what it seems: RuntimeError holds GDAL's errors and too deep nesting.
_UNREADABLE = (
    RuntimeError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    shapely.errors.ShapelyError,
)
_MISSING_NUMBERS = (-99999999.0, -99995.0, -99996.0, -99997.0)


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    with (files("kansenkaart") / "data" / "raw_names.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            found.setdefault((row["table"], row["form"]), {})[row["name"]] = row["raw"]
    return found


def raw_names(table: str, form: str) -> dict[str, str]:
    """Return our names with the raw spelling of one format.

    Raises
    ------
    FormatError
        If no such format is known for the table.
    """
    if (table, form) not in _table():
        known = sorted(one for name, one in _table() if name == table)
        raise FormatError(
            f"one of the formats {known} for table {table}",
            found=form,
            where="data/raw_names.csv",
            remedy="correct the format in the study file",
        )
    return _table()[table, form]


def to_our_names(frame: Frame, table: str, *, form: str, where: str) -> Frame:
    """Return the columns of a format under our names; columns that the format lacks become unknown.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        As published; a geometry column is kept as it is.
    table, form : str
        Which rows of the raw-name table.
    where : str
        File name, for the message.

    Raises
    ------
    FormatError
        If a column that this format must have is not there.
    """
    kept: dict[str, Any] = {}
    missing = []
    for ours, raw in raw_names(table, form).items():
        choices = raw.removesuffix("?").split("|")
        hit = next((one for one in choices if one in frame.columns), None)
        if hit is not None:
            kept[ours] = frame[hit]
        elif raw and not raw.endswith("?"):
            missing.append(raw)
        else:
            kept[ours] = pd.Series(None, index=frame.index, dtype="object")
    if missing:
        raise FormatError(
            f"the columns {missing} of format {form}",
            found=f"{list(frame.columns)[:12]} and {max(len(frame.columns) - 12, 0)} more",
            where=where,
            remedy="choose another format, or add the new spelling to data/raw_names.csv",
        )
    spatial = {"geometry": frame.geometry} if hasattr(frame, "crs") else {}
    return type(frame)({**kept, **spatial}, index=frame.index)


def to_number(column: pd.Series[Any], *, where: str, lenient: bool = False) -> pd.Series[float]:
    """Return a column as float64 with every spelling of unknown as NaN; with ``lenient`` what is no number too.

    Raises
    ------
    FormatError
        If a value is neither a number nor a known spelling of unknown.
    """
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.astype("float64")
    else:
        text = _as_text(column)
        blank = text.str.lower().isin(MISSING)
        numbers = pd.to_numeric(text.str.replace(",", ".").where(~blank), errors="coerce").astype("float64")
        odd = numbers.isna() & ~blank
        if odd.any() and not lenient:
            raise FormatError(
                "numbers, or a known spelling of unknown",
                found=repr(text[odd].iloc[0]),
                where=f"{where}, row {odd.idxmax()}",
                remedy="correct the file, or add the spelling of unknown to rawnames.MISSING",
            )
    return numbers.where(~numbers.isin(_MISSING_NUMBERS), np.nan)


def to_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as text without surrounding blanks; empty text is unknown."""
    text = _as_text(column)
    return text.where(text != "", None).astype("str")


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    known = column.astype("object").where(column.notna(), "")
    try:
        return known.astype(str).str.strip()
    except UnicodeEncodeError:  # halves of characters, which JSON can hold and text cannot
        return known.map(lambda one: str(one).encode("utf-8", "replace").decode("utf-8")).astype(str).str.strip()


def bounded(path: Path, *, most_bytes: int = MOST_BYTES) -> Path:
    """Return the path of a file that is read whole, if it is not too large for that [byte].

    Raises
    ------
    FormatError
        If it is larger.
    """
    size = path.stat().st_size
    if size > most_bytes:
        raise FormatError(
            f"at most {most_bytes} bytes in a file that is read whole",
            found=str(size),
            where=path.name,
            remedy="give a smaller area, or the publisher's tiles",
        )
    return path


#: What a document of JSON may take as values [byte]; a tile of 3DBAG of 10 MB takes some 150 MB.
MOST_JSON_BYTES = 600 << 20
#: What each sign of JSON may cost as a value of Python, at most [byte]: an object, a list, an element, half a text.
_JSON_COSTS = ((b"{", 240), (b"[", 88), (b",", 32), (b'"', 30))


def json_that_fits(content: bytes, *, where: str) -> bytes:
    """Return JSON as it is, if its values fit the memory that one document may take.

    Raises
    ------
    FormatError
        If it is so nested or so finely cut that its values would take more than `MOST_JSON_BYTES`.
    """
    cost = len(content) + sum(content.count(sign) * each for sign, each in _JSON_COSTS)
    if cost > MOST_JSON_BYTES:
        raise FormatError(
            f"JSON whose values take at most {MOST_JSON_BYTES >> 20} MiB",
            found=f"some {cost >> 20} MiB",
            where=where,
            remedy="give a smaller area or the publisher's tiles; do not trust a small file that does this",
        )
    return content


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Turn a failure to open or parse a file into an error that says what was expected.

    Raises
    ------
    FormatError
        If the file is missing, unreadable or of another kind.
    """
    try:
        yield
    except KansenkaartError:
        raise
    except _UNREADABLE as why:
        raise FormatError(
            expected,
            found=f"{type(why).__name__}: {why}"[:300],
            where=path.name,
            remedy="check the file name and format in the study file, and fetch the file again",
        ) from why
