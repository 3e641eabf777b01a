"""Opens files as people have them: the layer that is meant of a vector file (packed, in parts, empty), and tables.

A table is text or a workbook, under a title and remarks, with any separator.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import shapely

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.archives import MOST_RATIO, gunzip
from kansenkaart.sources.tools.cleaning import unmistakable
from kansenkaart.sources.tools.geofiles import about_layer, aside, endings, layer_names, read_vector
from kansenkaart.sources.tools.rawnames import NOTES, bounded, plain, reading, squeezed, text_of

_SHOWN = 12
#: What publishers write behind the name of a layer: its year, with or without a version.
_EDITION = re.compile(r"(?<=[a-z])(?:19|20)\d{2}(?:v\d+)?$")
_SIDES = (".shx", ".dbf", ".prj", ".cpg", ".xsd", ".gfs")
_PACKED = (".zip", ".gz")
#: What Notepad puts at the start of text; GDAL does not know a BAG extract behind it.
_MARK = b"\xef\xbb\xbf"
_CHUNK_BYTES, _HEAD_BYTES = 1 << 20, 4 << 10
#: A municipality's BAG extract unpacks to some 2 GB; a whole country is cut to size elsewhere.
_MOST_UNPACKED = 8 << 30


def layers_of(path: Path, expected: str) -> list[str]:
    """Return the names of all layers of a file, packed or not.

    Parameters
    ----------
    path : Path
        The file.
    expected : str
        What it should be, for the message.

    Raises
    ------
    FormatError
        If the file is missing, unreadable or of another kind.
    """
    with _plain(path, expected) as parts:
        return [*_layers(parts, expected)]


def open_layer(
    path: Path, expected: str, *, layer: str | None = None, likely: Sequence[str] = (), geometry: bool = True
) -> Any:
    """Read one layer of a vector file, out of the zip or gzip in which it may be packed.

    Parameters
    ----------
    path : Path
        File with layers; several XML files of the BAG extract in one zip are read as one.
    expected : str
        What the file should be, for the message.
    layer : str or None
        As the study names it; case, hyphens and underscores do not matter.
    likely : sequence of str
        Names that the register uses for what is asked, the most likely first.
    geometry : bool
        Whether shapes are read too.

    Returns
    -------
    GeoDataFrame, or DataFrame without geometry
        Columns as published; ``attrs`` has the layer's name, and what was seen of the file as a whole.

    Raises
    ------
    FormatError
        If the file is missing, unreadable or of another kind, has no such layer, or several of which none is likely.
    """
    with _plain(path, expected) as parts:
        there = _layers(parts, expected)
        name = _choose(path, there, layer, likely)
        holders = there[name]
        if len(holders) > 1 and {one.suffix.lower() for one in holders} != {".xml"}:
            raise FormatError(
                f"one file with layer {name} in the zip",
                found=", ".join(one.name for one in holders[:_SHOWN]),
                where=path.name,
                remedy="unpack it and name the file that is meant in path",
            )
        frames = []
        for part in holders:
            with reading(part, expected):
                frames.append(read_vector(part, layer=name, geometry=geometry, dates=False))
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if geometry and not isinstance(frame, gpd.GeoDataFrame):
        if len(frame):
            raise FormatError(
                "a layer with geometry",
                found="a table without geometry",
                where=f"{path.name}, {name}",
                remedy="export the layer with its geometry, in RD New",
            )
        frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=None))
    frame.attrs = {LAYER: name, NOTES: {} if len(frame) else {f"layer without rows: {path.name}, {name}": 1}}
    return frame


#: Key in the attributes of a frame under which the name of its layer stands.
LAYER = "layer"


def about_of(path: Path, expected: str, *, layer: str | None = None, likely: Sequence[str] = ()) -> gpd.GeoDataFrame:
    """Return one layer without reading its rows: a frame with its columns, its reference system and, where stated, its extent.

    Parameters
    ----------
    path, expected, layer, likely
        As `open_layer`.

    Returns
    -------
    GeoDataFrame
        One row whose shape is the extent of the layer; none where the file does not state it.

    Raises
    ------
    FormatError
        As `open_layer`.
    """
    with _plain(path, expected) as parts:
        there = _layers(parts, expected)
        name = _choose(path, there, layer, likely)
        with reading(path, expected):
            names, crs, bounds = about_layer(there[name][0], layer=name)
    shapes = [] if bounds is None or not np.isfinite(bounds).all() else [shapely.box(*bounds)]
    return gpd.GeoDataFrame({one: [None] * len(shapes) for one in names}, geometry=shapes, crs=crs)


def _layers(parts: Sequence[Path], expected: str) -> dict[str, list[Path]]:
    """Return the layers of some files, and which files hold each."""
    there: dict[str, list[Path]] = {}
    for part in parts:
        with reading(part, expected):
            for name in layer_names(part):
                there.setdefault(name, []).append(part)
    return there


def _choose(path: Path, there: Mapping[str, list[Path]], layer: str | None, likely: Sequence[str]) -> str:
    names = [*there]
    wanted = [squeezed(one) for one in ([layer] if layer else likely)]
    by_name = {squeezed(name): name for name in reversed(names)}
    plain = {_EDITION.sub("", squeezed(name)): name for name in reversed(names)}  # buurt_2022_v1 is buurt
    files = {
        squeezed(parts[0].stem).removeprefix("bgt"): name for name, parts in there.items()
    }  # a zip of a file per class
    hit = next((known[one] for known in (by_name, plain, files) for one in wanted if one in known), None)
    if hit is None and layer is None and len(names) == 1:
        hit = names[0]
    if hit is None:
        raise FormatError(
            f"layer {layer}" if layer else "one layer, or one of a name of the register",
            found=f"layers: {', '.join(names[:_SHOWN]) or 'none'}",
            where=path.name,
            remedy=f'write layer = "{names[0]}" (or another of these) in the study'
            if names
            else "the file holds no layer: export it again",
        )
    return hit


@contextlib.contextmanager
def _plain(path: Path, expected: str) -> Iterator[list[Path]]:
    """Give the file itself, or what was packed in it or stands behind a mark, in a folder for as long as it is read."""
    marked = plain(path).suffix.lower() == ".xml" and _head(path).startswith(_MARK)
    if path.suffix.lower() not in _PACKED and not marked:
        yield [path]
        return
    with tempfile.TemporaryDirectory(prefix="kansenkaart-") as folder, reading(path, expected):
        if marked:
            bare = Path(folder) / path.name
            with path.open("rb") as source, bare.open("xb") as sink:
                source.seek(len(_MARK))
                shutil.copyfileobj(source, sink)
            yield [bare]
        elif path.suffix.lower() == ".gz":
            yield [gunzip(path, Path(folder) / path.stem, most_bytes=_MOST_UNPACKED)]
        else:
            yield _unzipped(path, Path(folder))


def _unzipped(path: Path, folder: Path) -> list[Path]:
    """Unpack the vector files of a zip, each zip in a folder of its own and up to a bound, and return them.

    Zips in the zip are unpacked too, however deep: the BAG extract of a municipality is a zip of a zip of zips. Papers are
    passed by.
    """
    room = [min(_MOST_UNPACKED, path.stat().st_size * MOST_RATIO)]
    packed: list[Path] = []
    zips = [path]
    for number, one in enumerate(zips):  # grows as zips are found in zips
        made = _unpack(one, folder / str(number), (*endings(), *_SIDES, ".zip"), room)
        packed += made
        zips += [inner for inner in made if inner.suffix.lower() == ".zip"]
    parts = sorted(one for one in packed if one.suffix.lower() in endings() and not _is_paper(one))
    if not parts:
        raise FormatError(
            "a vector file in the zip, or the XML files of the BAG extract",
            found=", ".join(one.name for one in packed[:_SHOWN]) or "none",
            where=path.name,
            remedy="unpack it and name the file that is meant in path",
        )
    return parts


def _unpack(path: Path, folder: Path, wanted: Collection[str], room: list[int]) -> list[Path]:
    made: dict[str, Path] = {}
    folders: dict[str, Path] = {}
    with zipfile.ZipFile(path) as opened:
        for one in opened.infolist():
            whole = one.filename.replace("\\", "/")
            above, _, name = whole.rpartition("/")
            if Path(name).suffix.lower() not in wanted or name.startswith(".") or whole in made:
                continue
            place = folders.setdefault(above, folder / str(len(folders)))  # a name may stand in several folders
            place.mkdir(parents=True, exist_ok=True)
            made[whole] = place / name
            with opened.open(one) as source, made[whole].open("xb") as sink:
                while chunk := source.read(_CHUNK_BYTES).removeprefix(_MARK if name.endswith(".xml") else b""):
                    room[0] -= len(chunk)
                    if room[0] < 0:
                        raise ValueError(
                            f"a zip of more than {_MOST_UNPACKED >> 30} GiB, or {MOST_RATIO} times its size, unpacked"
                        )
                    sink.write(chunk)
    return list(made.values())


def _is_paper(part: Path) -> bool:
    """Say whether an XML file is no objects of the BAG but the paper that comes with them, such as Leveringsdocument."""
    return part.suffix.lower() == ".xml" and b"bagStand" not in _head(part).replace(b"\0", b"")  # UTF-16 too


def _head(path: Path) -> bytes:
    with path.open("rb") as handle:
        return handle.read(_HEAD_BYTES)


Rows = list[tuple[int, list[str]]]
#: Spellings, squeezed, of each column that a table is known by.
Wanted = Sequence[Collection[str]]
#: A head stands within the first rows, below a title and remarks [1].
_HEAD_WITHIN = 20
#: What CBS and others write behind the name of a column: its number.
_NUMBERED = re.compile(r"_\d+$")
#: A workbook that is larger is read row by row, without looking for merged cells, hidden rows and formulas [byte].
_LIGHT_ABOVE, _MOST_UNPACKED_BYTES = 2 << 20, 512 << 20
#: Larger whole numbers than the first are not exact in a cell; Excel keeps fifteen digits of a number.
_WHOLE_BELOW, _EXCEL_ROUNDS = 2.0**53, 10**15


@dataclass(frozen=True)
class Table:
    """Rows of text, each with its number in the file; which one is the head; and numbers of rows that are hidden."""

    rows: Rows
    at: int = 0
    hidden: frozenset[int] = frozenset()

    @property
    def head(self) -> list[str]:
        """Cells of the head; none of an empty table."""
        return self.rows[self.at][1] if self.rows else []


def body_of(table: Table, path: Path) -> Rows:
    """Return the rows below the head that hold something.

    Parameters
    ----------
    table : Table
        As `read_table` gives it.
    path : Path
        The file, for the message.

    Raises
    ------
    FormatError
        If one is longer than the head: a separator in a text has moved its cells.
    """
    body = [(number, cells) for number, cells in table.rows[table.at + 1 :] if any(cells)]
    long = next(((number, cells) for number, cells in body if any(cells[len(table.head) :])), None)
    if long is not None:
        raise FormatError(
            f"at most {len(table.head)} cells in each row, as in the head",
            found=f"{len(long[1])} cells",
            where=f"{path.name}, row {long[0]}",
            remedy="put quotes around a text that holds the separator; see docs/how-to/own-data.md",
        )
    return body


def column_at(head: Sequence[str], spellings: Collection[str]) -> int | None:
    """Return which cell of a head has one of these spellings, the first spelling first.

    Parameters
    ----------
    head : sequence of str
        Cells.
    spellings : collection of str
        As `squeezed` gives them.
    """
    there = {squeezed(_NUMBERED.sub("", cell)): at for at, cell in reversed(list(enumerate(head)))}
    there |= {squeezed(cell): at for at, cell in reversed(list(enumerate(head)))}
    return next((there[one] for one in spellings if one in there), None)


def read_table(path: Path, wanted: Wanted, *, sheet: str | None = None) -> Table:
    """Read a table of text or a workbook; of several separators, rows and sheets those that name most columns are meant.

    Parameters
    ----------
    path : Path
        A ``.csv``, ``.txt`` or ``.tsv`` (semicolon, tab, comma or bar), or an ``.xlsx`` or ``.xlsm``.
    wanted : sequence of collections of str
        Spellings, squeezed, of each column that it is known by.
    sheet : str or None
        Of a workbook; None takes the sheet that fits best, those that are shown first.

    Raises
    ------
    FormatError
        If it is another kind of file, cannot be read, or has no such sheet.
    """
    kind = path.suffix.lower()
    if kind in (".xlsx", ".xlsm"):
        return aside(_of_workbook, path, wanted, sheet)
    if kind not in (".csv", ".txt", ".tsv"):
        raise FormatError(
            "a .csv, .xlsx or .gpkg file",
            found=path.suffix or "no ending",
            where=path.name,
            remedy="save it as CSV or .xlsx",
        )
    if sheet is not None:
        raise FormatError(
            "no layer for a .csv file", found=sheet, where=path.name, remedy="leave layer out of the study"
        )
    return aside(_of_text, path, wanted)


def _hits(cells: Sequence[str], wanted: Wanted) -> int:
    return sum(column_at(cells, one) is not None for one in wanted)


def _found(rows: Rows, wanted: Wanted, hidden: frozenset[int] = frozenset()) -> Table:
    """Return rows with their head: the first of those within the first rows that name most columns."""
    counts = [_hits(cells, wanted) for _, cells in rows[:_HEAD_WITHIN]]
    return Table(rows, counts.index(max(counts)) if counts else 0, hidden)


def _of_text(path: Path, wanted: Wanted) -> Table:
    try:
        text, _ = text_of(bounded(path).read_bytes())
        begin = [line for line in text.splitlines()[:_HEAD_WITHIN] if line.strip()]
        found = {one: _found(list(enumerate(csv.reader(begin, delimiter=one))), wanted) for one in ";\t,|"}
        signs = {one: max((line.count(one) for line in begin), default=0) for one in found}
        separator = max(found, key=lambda one: (_hits(found[one].head, wanted), signs[one]))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=False)
        rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(reader, start=1)]
    except (csv.Error, OSError, ValueError) as why:
        raise FormatError(
            "a table with a head and as many cells in each row",
            found=str(why)[:300],
            where=path.name,
            remedy="save it as CSV UTF-8 or as .xlsx; see docs/how-to/own-data.md",
        ) from why
    return _found(rows, wanted)


def cells_of(text: str, separator: str, **how: Any) -> pd.DataFrame:
    """Return text as cells; a first row that is longer than the head is refused as any other: pandas would cut it off."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            how |= {"sep": separator, "dtype": str, "skipinitialspace": True, "index_col": False}
            cells: pd.DataFrame = pd.read_csv(io.StringIO(text), **how)
        except pd.errors.ParserWarning as why:
            raise ValueError("more cells in the first row than in the head") from why
    return cells


def _of_workbook(path: Path, wanted: Wanted, sheet: str | None) -> Table:
    with reading(path, "a workbook (.xlsx) with a table"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(bounded(path)) as opened:
            if sum(one.file_size for one in opened.infolist()) > _MOST_UNPACKED_BYTES:
                raise ValueError(f"more than {_MOST_UNPACKED_BYTES} bytes, unpacked")
        light = path.stat().st_size > _LIGHT_ABOVE
        book = openpyxl.load_workbook(path, data_only=True, read_only=light)
        formulas = book if light else openpyxl.load_workbook(path)
        if sheet is not None and sheet not in book.sheetnames:
            raise FormatError(
                f"sheet {sheet}",
                found=", ".join(book.sheetnames),
                where=path.name,
                remedy=f'write layer = "{book.sheetnames[0]}" in the study, or leave it out',
            )
        shown = [one for one in book.worksheets if one.sheet_state == "visible"] or book.worksheets
        sheets = [book[sheet]] if sheet is not None else shown
        tables = [_cells(one, formulas[one.title], light=light) for one in sheets]
        found = [_found(rows, wanted, hidden) for rows, hidden in tables]
        return max(found, key=lambda one: (_hits(one.head, wanted), bool(one.rows)))


def _cells(sheet: Any, formulas: Any, *, light: bool) -> tuple[Rows, frozenset[int]]:
    """Return the cells of a sheet as text, and which rows are hidden; every cell of a merged block holds what the block holds.

    A formula of which the outcome was not saved is that formula, which is no number, and not a blank.
    """
    if light:
        sheet.reset_dimensions()
        values = enumerate(sheet.iter_rows(values_only=True), start=1)
        return [(number, [_cell(one) for one in row]) for number, row in values], frozenset()
    filled = {}
    for block in list((getattr(sheet, "merged_cells", None) and sheet.merged_cells.ranges) or ()):
        for row, column in block.cells:
            filled[row, column] = sheet.cell(block.min_row, block.min_col).value
    rows = []
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [filled.get((number, at), value) for at, value in enumerate(row, start=1)]
        blank = [at for at, value in enumerate(cells, start=1) if value is None]
        for at in blank:
            formula = formulas.cell(number, at).value
            cells[at - 1] = formula if isinstance(formula, str) and formula.startswith("=") else None
        rows.append((number, [_cell(value) for value in cells]))
    return rows, frozenset(number for number, how in sheet.row_dimensions.items() if how.hidden)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()[:10]
    if isinstance(value, (int, float)) and abs(value) >= _EXCEL_ROUNDS:
        return f"{value:.4E}"  # as Excel shows it: an id of 16 digits has lost its last one
    if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE_BELOW:
        return str(int(value))
    return unmistakable(str(value)) if isinstance(value, float) else str(value).strip()
