"""A workbook in which every assumption can be changed and the outcome follows: living formulas, no macros."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.utility import xl_rowcol_to_cell as _xl_cell
from xlsxwriter.worksheet import Worksheet

INPUTS, SUMS, OUTCOME = "Aannamen", "Berekening", "Uitkomst"
_NO_CLOCK = datetime(2000, 1, 1, tzinfo=UTC)  # a workbook wants a date; the same one always, so that bytes stay equal
_FIRST_ROW, _VALUE_COLUMN, _FIRST_YEAR_COLUMN = 3, 1, 2
#: The letter of the column of a year, until it is known.
_OWN = "\0"
_TOKEN = re.compile(r"\{(input|row|range):([^}]+)\}|\{(year)\}")


@dataclass(frozen=True)
class InputCell:
    """One figure that the reader may change; NaN is written as ``onbekend``."""

    path: str
    words: str
    value: float
    low: float
    high: float
    unit: str
    quality: str
    source: str


@dataclass(frozen=True)
class SumRow:
    """One row of the sums: its formula holds tokens for inputs, rows and the year; `values` is its outcome per year."""

    name: str
    words: str
    unit: str
    formula: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class PaymentRow:
    """Which row is a payment, and between whom."""

    name: str
    service: str
    payer: str
    payee: str


@dataclass(frozen=True)
class WorkbookModel:
    """All that the workbook holds.

    Parameters
    ----------
    title, source_note : str
        Heading and the line on sources and edition.
    published : tuple of tuple
        What is printed everywhere: words, then mean over the draws, 10th, 50th and 90th percentile [EUR/year].
    chance_frac : float
        Share of the draws in which the enterprise earns its keep [1].
    inputs : tuple of InputCell
        Facts, terms and figures of services.
    rows : tuple of SumRow
        The sums in order.
    payments : tuple of PaymentRow
        Which of them are payments.
    parties : tuple of (str, str, bool)
        Party, its Dutch name, and whether all that it wins or pays is known; of others a nil reads as ``onbekend``.
    results : mapping of str to (float, float, tuple of float)
        Per party the outcome of the formulas: value now [EUR], the same as equal yearly amounts in euros of now [EUR/year],
        and net per year in euros of that year.
    period_years : int
        Last year; the first is 0 [year].
    discount_path : str
        Input that holds the real discount rate.
    index_row : str
        Row that turns money of now into euros of a year.
    """

    title: str
    source_note: str
    published: tuple[tuple[Any, ...], ...]
    chance_frac: float
    inputs: tuple[InputCell, ...]
    rows: tuple[SumRow, ...]
    payments: tuple[PaymentRow, ...]
    parties: tuple[tuple[str, str, bool], ...]
    results: Mapping[str, tuple[float, float, tuple[float, ...]]]
    period_years: int
    discount_path: str
    index_row: str


class _Plain(Worksheet):  # type: ignore[misc]
    """A sheet whose formulas hold no function of newer Excel: looking for them takes a third of the time of a report."""

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        return formula.removeprefix("=")


def write_workbook(model: WorkbookModel, path: Path) -> None:
    """Write the workbook: sheets for assumptions, sums and outcome.

    Parameters
    ----------
    model : WorkbookModel
        What it holds.
    path : Path
        Where to write; an older file is replaced.
    """
    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
        book.set_properties({"title": model.title, "author": "kansenkaart", "created": _NO_CLOCK})
        outcome, inputs, sums = (book.add_worksheet(name, _Plain) for name in (OUTCOME, INPUTS, SUMS))
        styles = _styles(book)
        _write_inputs(inputs, model, styles)
        _write_sums(sums, model, styles)
        _write_outcome(outcome, model, styles)
        outcome.insert_chart(_yearly_row(model) + len(model.parties) + 3, 0, _chart(book, model))


def _chart(book: Any, model: WorkbookModel) -> Any:
    """Draw what the enterprise is left with in each year, beside what residents are."""
    chart, top = book.add_chart({"type": "column"}), _yearly_row(model)
    last = _FIRST_YEAR_COLUMN + model.period_years
    for number, (party, label, _) in enumerate(model.parties):
        if party in ("enterprise", "household"):
            row = top + 1 + number
            chart.add_series(
                {
                    "name": label,
                    "categories": [OUTCOME, top, _FIRST_YEAR_COLUMN, top, last],
                    "values": [OUTCOME, row, _FIRST_YEAR_COLUMN, row, last],
                    "fill": {"color": "#1B6E8A" if party == "enterprise" else "#B3541E"},
                }
            )
    chart.set_title({"name": "Netto per jaar, in euro's van dat jaar", "name_font": {"size": 12}})
    chart.set_x_axis({"name": "jaar", "label_position": "low"})
    chart.set_y_axis({"name": "euro", "num_format": "#,##0"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 960, "height": 320})
    return chart


def input_cell(model: WorkbookModel, path: str) -> str:
    """Return the cell on the sheet of assumptions where a figure stands, such as ``B12``.

    Parameters
    ----------
    model : WorkbookModel
        What the workbook holds.
    path : str
        The figure, such as ``terms.wage_eur_per_hour``.
    """
    return _at(_input_rows(model)[path], _VALUE_COLUMN)


def _at(row: int, column: int, *, fixed_row: bool = False, fixed_column: bool = False) -> str:
    return str(_xl_cell(row, column, row_abs=fixed_row, col_abs=fixed_column))


def _styles(book: Any) -> dict[str, Any]:
    return {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
        "edit": book.add_format({"bg_color": "#FFF2CC", "border": 1}),
        "euro": book.add_format({"num_format": "#,##0.00"}),
        "part": book.add_format({"num_format": '#,##0.00;-#,##0.00;"onbekend"'}),
        "share": book.add_format({"num_format": '[<0.01]"minder dan 1%";[>0.99]"meer dan 99%";0%'}),
        "bold": book.add_format({"num_format": "#,##0.00", "bold": True, "top": 1}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
    }


def _input_rows(model: WorkbookModel) -> dict[str, int]:
    return {one.path: _FIRST_ROW + number for number, one in enumerate(model.inputs)}


def _sum_rows(model: WorkbookModel) -> dict[str, int]:
    return {one.name: _FIRST_ROW + number for number, one in enumerate(model.rows)}


def _outcome_row(model: WorkbookModel) -> int:
    """Return the row on the sheet of outcomes with the first party: below what is published."""
    return _FIRST_ROW + len(model.published) + 4


def _yearly_row(model: WorkbookModel) -> int:
    return _outcome_row(model) + len(model.parties) + 3


def _write_inputs(sheet: Any, model: WorkbookModel, styles: dict[str, Any]) -> None:
    sheet.write(0, 0, model.title, styles["title"])
    sheet.write(
        1,
        0,
        "Verander een geel vak; de uitkomst volgt. 'gok' betekent: een gok, geen meting. Een deel van 0,4 is 40 procent. "
        "Bronnen staan er zoals zij zijn vastgelegd, vaak in het Engels.",
    )
    heads = ("naam", "waarde", "laag", "hoog", "eenheid", "kwaliteit", "bron", "code")
    for column, head in enumerate(heads):
        sheet.write(_FIRST_ROW - 1, column, head, styles["head"])
    for row, one in enumerate(model.inputs, start=_FIRST_ROW):
        sheet.write_string(row, 0, one.words)
        _number(sheet, row, _VALUE_COLUMN, one.value, styles["edit"])
        _number(sheet, row, _VALUE_COLUMN + 1, one.low)
        _number(sheet, row, _VALUE_COLUMN + 2, one.high)
        for column, text in enumerate((one.unit, one.quality, one.source, one.path), start=_VALUE_COLUMN + 3):
            sheet.write_string(row, column, text)
    sheet.set_column(0, 0, 44)
    sheet.freeze_panes(_FIRST_ROW, 1)


def _number(sheet: Any, row: int, column: int, value: float, style: Any = None) -> None:
    if math.isnan(value):
        sheet.write_string(row, column, "onbekend", style)
    else:
        sheet.write_number(row, column, value, style)


def _years(sheet: Any, row: int, model: WorkbookModel, styles: dict[str, Any]) -> None:
    for year in range(model.period_years + 1):
        sheet.write_number(row, _FIRST_YEAR_COLUMN + year, year, styles["head"])


def _write_sums(sheet: Any, model: WorkbookModel, styles: dict[str, Any]) -> None:
    sheet.write(0, 0, "Alle tussenstappen per jaar; euro's van het jaar zelf", styles["title"])
    _years(sheet, _FIRST_ROW - 1, model, styles)
    inputs, rows = _input_rows(model), _sum_rows(model)
    for one in model.rows:
        row = rows[one.name]
        sheet.write_string(row, 0, one.words)
        sheet.write_string(row, 1, one.unit)
        sheet.write_string(row, _FIRST_YEAR_COLUMN + model.period_years + 1, one.name)
        formula = "=" + _cells(one.formula, inputs, rows, model.period_years)
        for year in range(model.period_years + 1):
            column = _FIRST_YEAR_COLUMN + year
            sheet.write_formula(row, column, _in_column(formula, column), None, one.values[year])
    sheet.set_column(0, 0, 44)
    sheet.freeze_panes(_FIRST_ROW, _FIRST_YEAR_COLUMN)


def _cells(formula: str, inputs: dict[str, int], rows: dict[str, int], period_years: int) -> str:
    """Put cells in the place of tokens; those in the column of the year have `_OWN` for its letter."""
    last = xl_col_to_name(_FIRST_YEAR_COLUMN + period_years)
    first = xl_col_to_name(_FIRST_YEAR_COLUMN)

    def cell(token: re.Match[str]) -> str:
        kind, name = token[1], token[2]
        if token[3]:
            return f"{_OWN}${_FIRST_ROW}"
        if kind == "input":
            return f"{INPUTS}!" + _at(inputs[name], _VALUE_COLUMN, fixed_row=True, fixed_column=True)
        if kind == "row":
            return f"{_OWN}{rows[name] + 1}"
        return f"${first}{rows[name] + 1}:${last}{rows[name] + 1}"

    return _TOKEN.sub(cell, formula)


def _in_column(formula: str, column: int) -> str:
    return formula.replace(_OWN, str(xl_col_to_name(column)))


def _write_outcome(sheet: Any, model: WorkbookModel, styles: dict[str, Any]) -> None:
    sheet.write(0, 0, model.title, styles["title"])
    sheet.write(1, 0, model.source_note)
    for column, head in enumerate(
        ("Verwacht, per jaar [euro]", "gemiddelde", "laag (P10)", "midden (P50)", "hoog (P90)")
    ):
        sheet.write(_FIRST_ROW - 1, column, head, styles["head"])
    for row, (words, *amounts) in enumerate(model.published, start=_FIRST_ROW):
        sheet.write_string(row, 0, words)
        for column, amount in enumerate(amounts, start=1):
            sheet.write_number(row, column, amount, styles["euro"])
    row = _FIRST_ROW + len(model.published)
    sheet.write(row, 0, "kans dat het wijkbedrijf zichzelf betaalt")
    sheet.write_number(row, 1, model.chance_frac, styles["share"])
    sheet.write(
        row + 1, 0, "De cijfers van kaart, factsheet en rapport. Hieronder: één som, met de waarden in dit blad."
    )
    first, top = _outcome_row(model), _yearly_row(model)
    sheet.write(first - 1, 1, "waarde nu [euro]", styles["head"])
    sheet.write(first - 1, 2, "per jaar [euro van nu]", styles["head"])
    sheet.write(top - 1, 0, "Netto per jaar, in euro's van dat jaar", styles["head"])
    _years(sheet, top, model, styles)
    for number, (party, label, whole) in enumerate(model.parties):
        row, style = top + 1 + number, styles["euro" if whole else "part"]
        words = label if whole else f"{label}: alleen wat te berekenen is, het geheel is onbekend"
        sheet.write(row, 0, words)
        _write_party(sheet, row, party, model, style)
        sheet.write(first + number, 0, words)
        sheet.write_formula(first + number, 1, _present_value(row, model), style, model.results[party][0])
        sheet.write_formula(first + number, 2, _yearly(first + number, model), style, model.results[party][1])
    _write_totals(sheet, first, top, model, styles)
    sheet.set_column(0, 1, 24)


def _write_party(sheet: Any, row: int, party: str, model: WorkbookModel, style: Any) -> None:
    rows = _sum_rows(model)
    parts = [
        f"{'+' if one.payee == party else '-'}{SUMS}!{_OWN}{rows[one.name] + 1}"
        for one in model.payments
        if party in (one.payer, one.payee)
    ]
    formula = "=0" + "".join(parts)
    for year, net in enumerate(model.results[party][2]):
        column = _FIRST_YEAR_COLUMN + year
        sheet.write_formula(row, column, _in_column(formula, column), style, net)


def _present_value(row: int, model: WorkbookModel) -> str:
    first, last = _FIRST_YEAR_COLUMN, _FIRST_YEAR_COLUMN + model.period_years
    net = f"{_at(row, first)}:{_at(row, last)}"
    index_row = _sum_rows(model)[model.index_row]
    index = f"{SUMS}!{_at(index_row, first)}:{_at(index_row, last)}"
    top = _yearly_row(model)
    years = f"{_at(top, first)}:{_at(top, last)}"
    rate = f"{INPUTS}!{input_cell(model, model.discount_path)}"
    return f"=SUMPRODUCT({net}/{index}/(1+{rate})^{years})"


def _yearly(row: int, model: WorkbookModel) -> str:
    """Return the equal yearly amounts that a value now comes to: times the annuity factor at the real discount rate."""
    rate, years = f"{INPUTS}!{input_cell(model, model.discount_path)}", model.period_years
    return f"={_at(row, 1)}*IF({rate}>0,{rate}/(1-(1+{rate})^-{years}),1/{years})"


def _write_totals(sheet: Any, first: int, top: int, model: WorkbookModel, styles: dict[str, Any]) -> None:
    size = len(model.parties)
    sheet.write(top + 1 + size, 0, "samen (altijd 0)")
    for year in range(model.period_years + 1):
        column = _FIRST_YEAR_COLUMN + year
        span = f"{_at(top + 1, column)}:{_at(top + size, column)}"
        sheet.write_formula(top + 1 + size, column, f"=SUM({span})", styles["bold"], 0)
    sheet.write(first + size, 0, "samen (altijd 0)")
    span = f"{_at(first, 1)}:{_at(first + size - 1, 1)}"
    sheet.write_formula(first + size, 1, f"=SUM({span})", styles["bold"], 0)
