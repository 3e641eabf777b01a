"""What publishers call our columns: one table, our name x format to raw name, empty where the format lacks it.

``data/raw_names.csv`` has the columns ``table, form, name, raw``. ``a|b`` in ``raw`` means: the first that is there.
A trailing ``?`` marks a column that a file of this format may lack; all others must be there.

Spelling decides nothing: names match without regard to case, hyphens and underscores, so that ``eindRegistratie``,
``eind_registratie`` and ``eindregistratie`` are one column. A column that is not there is noted, and a file in which
all optional columns of its format miss is refused, because it is of another format.
"""

from __future__ import annotations

import errno
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import shapely

from kansenkaart.config import STEERING, packaged_rows
from kansenkaart.errors import FormatError, KansenkaartError
from kansenkaart.sources.tools.rawfolder import unwritable

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
#: A format with at least this many optional columns has some of them in every file [1].
_OPTIONAL_ENOUGH = 4
_OF_HISTORY = ("ended", "occurrence")
_SHOWN_COLUMNS = 14
#: Key in the attributes of a frame under which a reader finds what to note of it.
NOTES = "notes"
_DUTCH_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+")
_BOM_UTF16, _HEAD_BYTES = (b"\xff\xfe", b"\xfe\xff"), 1 << 10


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in packaged_rows("raw_names.csv"):
        found.setdefault((row["table"], row["form"]), {})[row["name"]] = row["raw"]
    return found


def raw_names(table: str, form: str) -> dict[str, str]:
    """Return our names with the raw spelling of one format.

    Parameters
    ----------
    table : str
        Our name of the table.
    form : str
        How its columns are spelled.

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


def forms(table: str) -> list[str]:
    """Return the formats that the raw-name table has for one of our tables, in its order.

    Parameters
    ----------
    table : str
        Our name of the table.
    """
    return [form for name, form in _table() if name == table]


#: No name of a column is longer [characters]: what is kept of names stays small (guess).
_LONGEST_NAME = 1000


def squeezed(name: object) -> str:
    """Return a name without case, hyphens, underscores and blanks: what two spellings of one column have in common."""
    return _squeezed(str(name)[:_LONGEST_NAME])


@lru_cache(maxsize=4096)
def _squeezed(name: str) -> str:
    """Keep what came of the last names: a tile of roofs names the same few in every building."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def some(names: Iterable[object], *, most: int = 5) -> str:
    """Return the first few names with commas between, and a sign that there are more.

    Parameters
    ----------
    names : iterable of object
        Such as identifications.
    most : int
        How many are named [1].
    """
    there = [str(one) for one in names]
    return ", ".join(there[:most] + ["…"] * (len(there) > most))


def column_named(columns: Iterable[object], choices: str) -> str | None:
    """Return the column that is meant by ``a|b?``: the first choice that is there, in whatever spelling.

    Parameters
    ----------
    columns : iterable of str
        Names in the file.
    choices : str
        As in the raw-name table.
    """
    there = [str(one) for one in columns]
    for choice in choices.removesuffix("?").split("|"):
        for spelling in (str, str.casefold, squeezed):
            hit = next((one for one in there if choice and spelling(one) == spelling(choice)), None)
            if hit is not None:
                return hit
    return None


#: A shapefile keeps so many characters of a name [1].
_CUT = 10


def _hits(columns: Iterable[object], rows: Mapping[str, str]) -> dict[str, str | None]:
    """Return the column that each raw name of a format means, also where a shapefile has cut it to ten characters.

    A cut name counts where it can mean one column of the format only, or only such as say when a row has ended.
    """
    there = [str(one) for one in columns]
    hits = {raw: column_named(there, raw) for raw in rows.values() if raw}
    cut = {one: squeezed(one) for one in there if len(one) == _CUT and one not in hits.values()}
    for column, begin in cut.items():
        meant = [
            (ours, raw)
            for ours, raw in rows.items()
            if raw and any(squeezed(one).startswith(begin) for one in raw.removesuffix("?").split("|"))
        ]
        if meant and hits[meant[0][1]] is None and (len(meant) == 1 or all(o.startswith("ended") for o, _ in meant)):
            hits[meant[0][1]] = column
    return hits


def nearest_form(columns: Iterable[object], table: str) -> tuple[str, list[str]]:
    """Return the format of which most needed columns are there, and those that are not, as the publisher names them.

    Parameters
    ----------
    columns : iterable of object
        Of a file.
    table : str
        Our table.
    """
    there = list(columns)
    missing: dict[str, list[str]] = {}
    share: dict[str, float] = {}
    for form in forms(table):
        needed = {raw: hit for raw, hit in _hits(there, raw_names(table, form)).items() if not raw.endswith("?")}
        missing[form] = [raw.split("|")[0] for raw, hit in needed.items() if hit is None]
        share[form] = len(missing[form]) / max(len(needed), 1)
    best = min(missing, key=lambda one: share[one])
    return best, missing[best] or ["any of", *_optional(table, best)]


def form_of(columns: Iterable[object], table: str) -> str | None:
    """Return the format that these columns are of: all it must have are there, and most of what it may have.

    Parameters
    ----------
    columns : iterable of str
        Names in the file.
    table : str
        Our table.

    Returns
    -------
    str or None
        None where no format fits.
    """
    there = list(columns)

    def weight(form: str) -> tuple[int, int]:
        needed = [raw for raw in raw_names(table, form).values() if raw and not raw.endswith("?")]
        return sum(hit is not None for hit in _hits(there, raw_names(table, form)).values()), len(needed)

    return max((form for form in forms(table) if fits(there, table, form)), key=weight, default=None)


def fits(columns: Iterable[object], table: str, form: str) -> bool:
    """Return whether a file with these columns can be of a format: no needed one misses, nor do all optional ones.

    Parameters
    ----------
    columns : sequence of object
        Of a file.
    table : str
        Our name of the table.
    form : str
        How its columns are spelled.
    """
    there, rows = list(columns), raw_names(table, form)
    hits = _hits(there, rows)
    return all(hit or raw.endswith("?") for raw, hit in hits.items()) and not _all_optional_miss(rows, hits)


def _all_optional_miss(rows: Mapping[str, str], hits: Mapping[str, str | None]) -> bool:
    """Return whether all optional columns miss; those of history aside, which many services leave out."""
    optional = [hits[raw] for ours, raw in rows.items() if raw.endswith("?") and not ours.startswith(_OF_HISTORY)]
    return len(optional) >= _OPTIONAL_ENOUGH and not any(optional)


def to_our_names(frame: Frame, table: str, *, form: str, where: str) -> Frame:
    """Return the columns of a format under our names; columns that the format lacks become unknown, and are noted.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        As published; a geometry column is kept as it is.
    table, form : str
        Which rows of the raw-name table.
    where : str
        File name, for the message.

    Returns
    -------
    DataFrame or GeoDataFrame
        With ``attrs["notes"]``: what `kansenkaart.sources.tools.cleaning.Sieve` is to note of the whole file.

    Raises
    ------
    FormatError
        If a column that this format must have is not there, none that it may have is, or two columns that differ in
        spelling only hold different values.
    """
    rows = raw_names(table, form)
    columns = [one for one in frame.columns if one != "geometry"]
    hits = _hits(columns, rows)
    missing = [raw for raw, hit in hits.items() if hit is None and not raw.endswith("?")]
    if len(frame) and (missing or _all_optional_miss(rows, hits)):
        raise _of_another_form(columns, table, form, where, missing)
    kept: dict[str, Any] = {}
    notes = dict(frame.attrs.get(NOTES, {}))
    for ours, raw in rows.items():
        hit = hits.get(raw)
        if hit is None:
            kept[ours] = pd.Series(None, index=frame.index, dtype="object")
            if raw and len(frame) and not ours.startswith(_OF_HISTORY):
                notes[f"no column {raw.removesuffix('?').split('|')[0]}: {ours} unknown"] = len(frame)
        else:
            kept[ours] = _one_of(frame, hit, where)
            if len(frame) and not ours.startswith(_OF_HISTORY) and frame[hit].isna().all():
                notes[f"column {hit} is empty: {ours} unknown"] = len(frame)
    cut = [raw for raw, hit in hits.items() if hit is not None and column_named(columns, raw) is None]
    if cut and len(frame):
        notes[
            f"column names cut to ten characters, read as {', '.join(one.removesuffix('?').split('|')[0] for one in cut)}"
        ] = 1
    ends = [raw for ours, raw in rows.items() if ours.startswith("ended")]
    if ends and len(frame) and not any(hits.get(raw) for raw in ends):
        notes["no column that says what has ended: all taken as current"] = len(frame)
    spatial = {"geometry": frame.geometry} if hasattr(frame, "crs") else {}
    named = type(frame)({**kept, **spatial}, index=frame.index)
    named.attrs[NOTES] = notes
    return named


def _one_of(frame: pd.DataFrame, hit: str, where: str) -> pd.Series[Any]:
    """Return a column; a second one of the same name in another case must not hold something else."""
    for other in frame.columns:
        if other != hit and str(other).casefold() == hit.casefold() and not frame[other].equals(frame[hit]):
            raise FormatError(
                f"one column {hit}",
                found=f"{hit} and {other} with different values",
                where=where,
                remedy="remove the column that is not meant",
            )
    return frame[hit]


def _optional(table: str, form: str) -> list[str]:
    rows = raw_names(table, form).items()
    return [
        raw.rstrip("?").split("|")[0] for ours, raw in rows if raw.endswith("?") and not ours.startswith(_OF_HISTORY)
    ]


def _of_another_form(columns: list[Any], table: str, form: str, where: str, missing: list[str]) -> FormatError:
    other = form_of(columns, table)
    wanted = ", ".join(one.split("|")[0] for one in missing)
    optional = ", ".join(_optional(table, form)[:_SHOWN_COLUMNS])
    return FormatError(
        f"the columns of form {form}: {wanted}"
        if missing
        else f"at least one of the columns of form {form}: {optional}",
        found=f"other columns: {some(columns, most=_SHOWN_COLUMNS) or 'none'}",
        where=where,
        remedy=f'write form = "{other}" in the study'
        if other and other != form
        else f"choose the form that the file has, of {', '.join(forms(table))}; docs/how-to/new-study.md says which is which",
    )


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
        dutch = text.str.fullmatch(_DUTCH_THOUSANDS.pattern)
        plain = text.where(~dutch, text.str.replace(".", "", regex=False)).str.replace(",", ".", regex=False)
        numbers = pd.to_numeric(plain.where(~blank), errors="coerce").astype("float64")
        odd = numbers.isna() & ~blank
        if odd.any() and not lenient:
            raise FormatError(
                "numbers, or a known spelling of unknown",
                found=repr(text[odd].iloc[0]),
                where=f"{where}, row {odd.idxmax()}",
                remedy="correct that cell in the file, or leave it empty if it is unknown",
            )
    return numbers.where(~numbers.isin(_MISSING_NUMBERS), np.nan)


def to_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as text without surrounding blanks, and of one line; empty text is unknown."""
    text = _as_text(column)
    return text.where(text != "", None).astype("str")


#: From here on a number with a point no longer tells each whole number from the next.
_EXACT = 2**53


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_float_dtype(column):
        filled = column.dropna()
        if ((filled % 1 == 0) & (filled.abs() < _EXACT)).all():  # of whole numbers one was not filled in
            column = column.astype("Int64")
    known = column.astype("object").where(column.notna(), "")
    try:
        text = known.astype(str)
    except UnicodeEncodeError:  # halves of characters, which JSON can hold and text cannot
        text = known.map(lambda one: str(one).encode("utf-8", "replace").decode("utf-8"))
    return (
        text.str.replace(STEERING, " ", regex=True) if STEERING.search("".join(text.tolist())) else text
    ).str.strip()


def has_ended(column: pd.Series[Any]) -> pd.Series[bool]:
    """Return where a date says that something ended: any date but a blank and the fillers of "never" (9999, 0001, 0)."""
    text = _as_text(column).str.lower()
    blank = text.isin(MISSING | {"nat", "false", "nee", "n", "0", "0.0"})
    return ~blank & ~text.str.startswith(("9999", "0001", "0000")) & ~text.str.endswith("9999")


def text_of(content: bytes) -> tuple[str, str | None]:
    """Return the text of a file as people save it, and how it was read where that was not UTF-8.

    A mark at the start (of Windows Notepad) is skipped, and so is Excel's line ``sep=;``; UTF-16 is seen by that mark or by
    its zeros; what is not UTF-8 is taken as Windows-1252, in which every byte but five is a character.
    """
    text, encoding = _decoded(content)
    return _SEPARATOR.sub("", text, count=1), encoding


_SEPARATOR = re.compile(r"\A\ufeff?\"?sep=.\"?\r?\n", re.IGNORECASE)


def _decoded(content: bytes) -> tuple[str, str | None]:
    begin = content[:_HEAD_BYTES]
    if content.startswith(_BOM_UTF16):
        return content.decode("utf-16", "replace"), "UTF-16"
    if 3 * begin.count(0) > len(begin):  # Latin letters in UTF-16: every other byte is 0
        return content.decode(
            "utf-16-le" if begin[1::2].count(0) > begin[::2].count(0) else "utf-16-be", "replace"
        ), "UTF-16"
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace"), "Windows-1252"


def plain(path: Path) -> Path:
    """Return the path of what is to be read, if it is no device and no pipe, which would never end; else raise `FormatError`."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FormatError("a file", found="no plain file", where=path.name, remedy="name no device and no pipe in path")
    return path


def bounded(path: Path, *, most_bytes: int = MOST_BYTES) -> Path:
    """Return the path of a file that is read whole, if it is not too large for that [byte].

    Raises
    ------
    FormatError
        If it is larger, or no plain file.
    """
    size = plain(path).stat().st_size
    if size > most_bytes:
        raise FormatError(
            f"at most {most_bytes} bytes in a file that is read whole",
            found=str(size),
            where=path.name,
            remedy="give a smaller area, or the publisher's tiles",
        )
    return path


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Turn a failure to open or parse a file into an error that says what was expected.

    Parameters
    ----------
    path : Path
        The file that is read inside the block.
    expected : str
        What it should be, for the message.

    Raises
    ------
    FormatError
        If the file is missing, unreadable or of another kind.
    StoreError
        If there is no room for what is packed in it.
    """
    try:
        yield
    except KansenkaartError:
        raise
    except _UNREADABLE as why:
        if isinstance(why, OSError) and why.errno in (errno.ENOSPC, errno.EDQUOT):
            raise unwritable(path, why) from why  # of what was packed in it
        found, remedy = _cause(why)
        raise FormatError(expected, found=found, where=path.name, remedy=remedy) from why


#: What people can do about a failure that says what it is.
_CAUSES = {
    r"No such file": ("no such file", "correct path in the study, or put the file there"),
    r"SHAPE_RESTORE_SHX": (
        "no .shx beside the .shp",
        "keep the files of a shapefile together: .shp, .shx, .dbf and .prj",
    ),
    r"codec can't decode": ("text that is not UTF-8", "export it anew, as UTF-8"),
    r"not a zip file": ("no zip or workbook inside", "open it yourself and save it anew as what its ending says"),
}
_LOOK = "check that path and form in the study belong to this file; open it yourself to see whether it is whole"


def _cause(why: Exception) -> tuple[str, str]:
    """Return what went wrong in one line, without paths of the machine and a library's advice, and what to do."""
    line = str(why).split("You might want")[0]
    plain = next((told for sign, told in _CAUSES.items() if re.search(sign, line)), None)
    line = re.sub(r"(?:/[^\s'\"/:]+)+/([^\s'\"/:]+)", r"\1", line)
    return plain or (
        f"something that cannot be read as such ({type(why).__name__}: {' '.join(line.split())[:240]})",
        _LOOK,
    )
