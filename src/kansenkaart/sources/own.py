"""A municipality's or corporation's own tables (CSV, Excel or GeoPackage) as people type them, with a report of every row.

One row that is wrong never disappears: it stands in the report with its row number, what was found and what was done.
Identifications are read in every usual spelling. Of numbers the whole column decides what a point and a comma mean; a
number that may be read in two ways (12.500) is asked about, never guessed: that would be a factor of a thousand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from kansenkaart.errors import FormatError
from kansenkaart.sources.tools.cleaning import bag_id, typed_numbers, unmistakable
from kansenkaart.sources.tools.geofiles import read_vector
from kansenkaart.sources.tools.layers import Rows, Table, body_of, column_at, read_table
from kansenkaart.sources.tools.rawnames import reading, squeezed

#: How else people head a column, without case, blanks, hyphens and underscores.
ALIASES: dict[str, tuple[str, ...]] = {
    "pand_id": ("pand", "bagid", "bagpandid", "pandidentificatie", "identificatie"),
    "owner": ("eigenaar",),
    "maintenance_year": ("onderhoudsjaar", "jaaronderhoud"),
    "pv_installed_kwp": ("kwp", "zonnepanelenkwp", "vermogenzonnepanelen"),
    "pipe_id": ("leiding", "leidingid", "streng", "strengid"),
    "laying_year": ("aanlegjaar", "jaaraanleg", "jaarvanaanleg"),
    "diameter_mm": ("diameter", "diametermm"),
    "service": ("dienst",),
    "payer": ("betaler",),
    "budget_eur_per_year": ("budget", "budgeteuroperjaar", "europerjaar"),
    "place_id": ("plaats", "plaatsid"),
    "actual_year": ("jaar",),
    "actual_item": ("post",),
    "actual_value": ("waarde", "bedrag"),
}
#: No pipe is thinner than this [mm]: what is below is written in metres.
_THINNEST_MM = 5.0
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
#: What Excel shows where a formula has no answer, in Dutch and English.
_NO_ANSWER = re.compile(r"#(?:N/?[AB]|REF!|VERW!|VALUE!|WAARDE!|NAME\?|NAAM\?|DIV/0!|DEEL/0!|NUM!|GETAL!|NULL!|LEEG!)")
#: Panels of 1,000 kWp are a hall; a column of which half is more is written in Wp, and 1.250 in another may be 1.25 [kWp].
_MOST_KWP = 1000.0
_YEAR_IN_DATE = re.compile(r"(?:\d{1,2}[-/.]\d{1,2}[-/.])?(\d{4})(?:[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ].*)?|[.,]0+)?")


@dataclass(frozen=True)
class OwnTable:
    """The shape of one own table: its key, required text, whole years and positive numbers; a file may lack ``optional`` ones.

    A key may be made of several ``parts``, columns of the file that are joined with colons.
    """

    key: str
    texts: tuple[str, ...] = ()
    years: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    signed: bool = False
    optional: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the file, the key first."""
        return (*(self.parts or (self.key,)), *self.texts, *self.years, *self.numbers)


PANDEN = OwnTable(
    "pand_id",
    texts=("owner",),
    years=("maintenance_year",),
    numbers=("pv_installed_kwp",),
    optional=("pv_installed_kwp",),
)
SEWERS = OwnTable("pipe_id", years=("laying_year",), numbers=("diameter_mm",))
BUDGETS = OwnTable("service", texts=("payer",), numbers=("budget_eur_per_year",))
ACTUALS = OwnTable(
    "actual_id", numbers=("actual_value",), parts=("place_id", "actual_year", "actual_item"), signed=True
)
ACTUAL_ITEMS = ("households", "paid_hours", "volunteer_hours", "investment_eur", "enterprise_eur", "household_eur")


#: One row of each table as an example to start from.
_EXAMPLES = {
    "own_pand": (PANDEN, ("0193100000000001", "Woningstichting Voorbeeld", "2031", "")),
    "own_sewer": (SEWERS, ("leiding-1", "1968", "300")),
    "own_budget": (BUDGETS, ("green_maintenance", "municipality", "12500")),
    "own_actual": (ACTUALS, ("buurt:BU01931000", "2027", "households", "120")),
}


def example_csv(role: str) -> bytes:
    """Return an own table to start from: the head and one row, with semicolons, as Excel opens and saves it.

    Parameters
    ----------
    role : str
        ``own_pand``, ``own_sewer``, ``own_budget`` or ``own_actual``.
    """
    shape, row = _EXAMPLES[role]
    text = "\r\n".join([";".join(shape.columns), ";".join(row), ""])
    return text.encode("utf-8-sig")


@dataclass(frozen=True)
class OwnData:
    """What may be used, and what became of each row.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per key, all of them known; a cell that could not be read is missing.
    report : pandas.DataFrame
        row (as numbered in the file), key, column, found, result: ``matched``, ``unknown_id``, ``duplicate``,
        ``conflict``, ``no_id`` or ``unreadable``; cell (of a row that may be used all the same), and hint: ``excel`` for an
        id that Excel has rounded, ``two_readings`` for a number such as 12.500, ``metres`` for a size of less than 5 mm,
        ``watts`` for power of 1,000 kWp and more, ``hidden`` for a row that a workbook does not show.
    """

    table: pd.DataFrame
    report: pd.DataFrame


def read_own(
    path: Path,
    *,
    shape: OwnTable,
    first_year: int,
    last_year: int,
    known: Collection[str] = (),
    layer: str | None = None,
    spelled: Mapping[str, str] | None = None,
) -> OwnData:
    """Read one own table and join it on the ids that are known.

    Equal rows count once; rows that contradict each other are all left out, because nothing says which is right.

    Parameters
    ----------
    path : Path
        A ``.csv`` (comma, semicolon or tab), ``.xlsx`` or ``.gpkg`` file; a title above the head does not matter.
    shape : OwnTable
        ``PANDEN``, ``SEWERS``, ``BUDGETS`` or ``ACTUALS``.
    first_year, last_year : int
        Bounds of a credible year [year].
    known : collection of str
        Ids of BAG, GWSW or the services. What became of a plan needs none: its place is checked where the report is made.
    layer : str or None
        Sheet of a workbook or layer of a GeoPackage; None takes the first.
    spelled : mapping of str to str, optional
        Other words for an id, such as the Dutch name of a service.

    Raises
    ------
    FormatError
        If the file is of another kind or lacks a column.
    """
    raw = _own_columns(_read(path, shape, layer), shape, path)
    if shape.parts:
        place, year, item = (raw[name].str.casefold() for name in shape.parts)
        fine = place.ne("") & year.isin(map(str, range(first_year, last_year + 1))) & item.isin(ACTUAL_ITEMS)
        known = (raw["place_id"] + ":" + year + ":" + item)[fine]
    return _told(raw, shape, frozenset(known), (first_year, last_year), spelled or {})


def _names_in(head: Sequence[str]) -> str:
    """Return the names of the columns for a message; cells of a file without a head may be of people, and are not repeated."""
    cells = [one for one in head if one]
    if any(re.fullmatch(r"[\d.,eE+]+", one) for one in cells):
        return "no names of columns"
    return ", ".join(cells) or "an empty file"


def _own_columns(table: Table, shape: OwnTable, path: Path) -> pd.DataFrame:
    """Return the columns of the table by our names, with the row of the file as index."""
    rows, head = table.rows, table.head
    hits = {name: column_at(head, _spellings(name)) for name in shape.columns}
    missing = [name for name, hit in hits.items() if hit is None and name not in shape.optional]
    if missing:
        raise FormatError(
            f"the columns {', '.join(name for name in shape.columns if name not in shape.optional)}",
            found=f"{_names_in(head)}; missing {', '.join(missing)}",
            where=f"{path.name}, row {rows[table.at][0] if rows else 1}",
            remedy="add or rename the columns, or begin with an example: kansenkaart eigen-data --voorbeeld",
        )
    body = body_of(table, path)
    _require_one_meaning(head, body, hits, path)
    columns = {
        name: [cells[hit] if hit is not None and hit < len(cells) else "" for _, cells in body]
        for name, hit in hits.items()
    }
    own = pd.DataFrame(columns, index=pd.Index([number for number, _ in body], name="row", dtype="int64"), dtype="str")
    if shape.parts:
        own = own.assign(**{shape.key: own[list(shape.parts)].pipe(_joined, ":")})
    own.attrs["hidden"] = sorted(table.hidden)
    return own


def _require_one_meaning(head: Sequence[str], body: Rows, hits: dict[str, int | None], path: Path) -> None:
    """Refuse a second column for the same thing that says something else."""
    for name, hit in hits.items():
        again = [at for at, cell in enumerate(head) if at != hit and squeezed(cell) in _spellings(name)]
        torn = (
            number for number, cells in body for at in again if cells[at : at + 1] != cells[hit or 0 : (hit or 0) + 1]
        )
        if hit is not None and (row := next(torn, None)) is not None:
            raise FormatError(
                f"one column {name}",
                found=f"{head[hit]} and {head[again[0]]} with different values",
                where=f"{path.name}, row {row}",
                remedy="remove the column that is not meant",
            )


def _spellings(name: str) -> tuple[str, ...]:
    return (squeezed(name), *ALIASES.get(name, ()))


def _joined(cells: pd.DataFrame, separator: str) -> pd.Series:
    """Return the cells of each row as one text; no text at all for a table without rows."""
    texts = [separator.join(row) for row in cells.itertuples(index=False, name=None)]
    return pd.Series(texts, index=cells.index, dtype="str")


def _told(
    raw: pd.DataFrame, shape: OwnTable, known: frozenset[str], years: tuple[int, int], spelled: Mapping[str, str]
) -> OwnData:
    typed = raw
    raw = raw.assign(**{shape.key: _register_ids(raw[shape.key], shape, known, spelled)})
    clean, notes = _clean(raw, shape, years)
    result = _results(raw, shape, known)
    keep = result.eq("matched")
    found = raw[shape.key].where(
        keep, _joined(typed[[name for name in shape.columns if name not in shape.texts]], " | ")
    )
    hint = pd.Series("", index=raw.index).mask(keep & raw.index.isin(typed.attrs["hidden"]), "hidden")
    rows = pd.DataFrame(
        {"row": raw.index, "key": raw[shape.key], "column": shape.key, "found": found, "result": result}
    ).assign(cell=False, hint=hint.mask(result.eq("unreadable"), "excel").to_numpy())
    report = pd.concat([rows, notes], ignore_index=True) if len(notes) else rows.reset_index(drop=True)
    table = clean[keep].set_index(shape.key)
    return OwnData(table, report.sort_values("row", kind="stable", ignore_index=True))


def _register_ids(ids: pd.Series, shape: OwnTable, known: frozenset[str], spelled: Mapping[str, str]) -> pd.Series:
    """Return identifications as the register writes them, where a usual spelling of one is meant; others as typed."""
    if shape.key == PANDEN.key:
        tidy = ids.map(lambda one: re.sub(r"^=?\"|\"$|[\s'\u00a0]|[.,]0+$", "", one))
        return tidy.map(bag_id).fillna(ids).astype("str")
    plain = {word.casefold(): one for word, one in spelled.items()} | {one.casefold(): one for one in known}
    last: dict[str, list[str]] = {}
    for one in known:
        last.setdefault(re.split(r"[/#]", one)[-1].casefold(), []).append(one)
    names = plain | {end: several[0] for end, several in last.items() if len(several) == 1 and end not in plain}
    return ids.map(lambda one: names.get(one.strip("'").casefold(), one)).astype("str")


def _read(path: Path, shape: OwnTable, layer: str | None) -> Table:
    """Return the rows of a table as text, each with its number in the file."""
    if path.suffix.lower() != ".gpkg":
        return read_table(path, [_spellings(name) for name in shape.columns], sheet=layer)
    with reading(path, "a GeoPackage with a table"):
        frame = read_vector(path, layer=layer, geometry=False)
        cells = pd.DataFrame({name: _text(frame[name]) for name in frame.columns})
    body = [[str(one).strip() for one in row] for row in cells.itertuples(index=False, name=None)]
    return Table(list(enumerate([list(map(str, frame.columns)), *body], start=1)))


def _text(column: pd.Series) -> pd.Series:
    text = column.astype("string").fillna("").str.removesuffix(".0").astype(str)
    return text.map(unmistakable) if pd.api.types.is_float_dtype(column) else text


def _results(raw: pd.DataFrame, shape: OwnTable, known: frozenset[str]) -> pd.Series:
    key = raw[shape.key]
    result = pd.Series("matched", index=raw.index)
    result[raw.duplicated(keep="first")] = "duplicate"
    different = raw.drop_duplicates()[shape.key].value_counts()
    result[key.isin(different[different > 1].index)] = "conflict"
    result[~key.isin(known)] = "unknown_id"
    result[key.map(lambda one: bool(_SCIENTIFIC.fullmatch(one))).astype(bool) & ~key.isin(known)] = "unreadable"
    result[key.eq("")] = "no_id"
    return result


def _clean(raw: pd.DataFrame, shape: OwnTable, years: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    clean, hints = raw.copy(), dict[str, dict[str, pd.Series]]()
    for name in shape.texts:
        clean[name] = raw[name].mask(raw[name].str.fullmatch(_NO_ANSWER.pattern), None)
    for name in shape.years:
        number = raw[name].map(_year).astype("float64")
        clean[name] = number.where(number.between(*years))
    for name in shape.numbers:
        kwp = name == "pv_installed_kwp"
        number, ambiguous = typed_numbers(raw[name], most=_MOST_KWP if kwp else np.inf)
        lowest = -sys.float_info.max if shape.signed else 0.0
        clean[name] = number.where(number.between(lowest, sys.float_info.max))
        metres = (clean[name] < _THINNEST_MM) & (name == "diameter_mm")
        watts = (clean[name] >= _MOST_KWP) & kwp & (clean[name].median() >= _MOST_KWP)
        clean[name] = clean[name].mask(metres | watts)
        hints[name] = {"two_readings": ambiguous, "metres": metres, "watts": watts}
    read = (*shape.texts, *shape.years, *shape.numbers)
    notes = [note for name in read for note in _unreadable(raw, clean, shape.key, name, hints.get(name, {}))]
    return clean, pd.DataFrame(notes)


def _year(text: str) -> float:
    hit = _YEAR_IN_DATE.fullmatch(text.strip("'"))
    return float(hit[1]) if hit else float("nan")


def _unreadable(
    raw: pd.DataFrame, clean: pd.DataFrame, key: str, name: str, hints: dict[str, pd.Series]
) -> Iterator[dict[str, object]]:
    wrong = clean[name].isna() & raw[name].ne("")
    for row in raw.index[wrong]:
        cell = raw.loc[row]
        yield {
            "row": row,
            "key": cell[key],
            "column": name,
            "found": cell[name],
            "result": "unreadable",
            "cell": True,
            "hint": next((hint for hint, where in hints.items() if where[row]), ""),
        }
