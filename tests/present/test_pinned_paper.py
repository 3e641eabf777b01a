"""The workbook cell by cell, and what is handed to the typesetter, whole, as a person read them; sizes and scales by hand."""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import replace
from importlib.resources import files

import openpyxl
import pytest
import shapely

from kansenkaart.errors import SchemaError, StoreError
from kansenkaart.present import pdf
from kansenkaart.present.factsheet import Amount, Axis, Compared, Frame, backdrop, bar_m, drawing, frame_of, letter_at
from kansenkaart.present.report import Grid, Section
from kansenkaart.present.workbook import InputCell, PaymentRow, SumRow, WorkbookModel, input_cell, write_workbook
from tests.pinned import same_as_pinned
from tests.present.kinds import PLACE, report, sheet, talk

MODEL = WorkbookModel(
    title="Proef",
    source_note="Bronnen: proef",
    published=(("wijkbedrijf", 10.0, 1.0, 9.0, 20.0), ("bewoners", 5.0, -1.0, 4.0, 11.0)),
    chance_frac=0.75,
    inputs=(
        InputCell("terms.rate_frac", "rente", 0.02, 0.01, 0.03, "deel", "gok", "proef, p. 1"),
        InputCell("facts.green_m2", "groen", math.nan, math.nan, 9.0, "m²", "gemeten", "kaart"),
    ),
    rows=(
        SumRow("index", "index", "deel", "1+0*{year}", (1.0, 1.0, 1.0)),
        SumRow("fee", "bijdrage", "euro", "{input:terms.rate_frac}*{row:index}", (0.02, 0.02, 0.02)),
        SumRow("all", "alles", "euro", "SUM({range:fee})", (0.06, 0.06, 0.06)),
    ),
    payments=(PaymentRow("fee", "zon", "household", "enterprise"), PaymentRow("all", "zon", "enterprise", "other")),
    parties=(("enterprise", "wijkbedrijf", True), ("household", "bewoners", True), ("other", "anderen", False)),
    results={
        "enterprise": (1.0, 2.0, (3.0, 4.0, 5.0)),
        "household": (6.0, 7.0, (8.0, 9.0, 10.0)),
        "other": (11.0, 12.0, (13.0, 14.0, 15.0)),
    },
    period_years=2,
    discount_path="terms.rate_frac",
    index_row="index",
)


def _cell(cell, value) -> str:
    look = [
        cell.number_format,
        f"{cell.font.sz:g}",
        "b" * cell.font.b,
        cell.fill.fgColor.rgb if cell.fill.fill_type else "",
        f"{cell.border.top.style} {cell.border.bottom.style}",
        f"{'wrap' * bool(cell.alignment.wrap_text)} {cell.alignment.vertical or ''}",
    ]
    was = "" if value == cell.value else f" = {value}"
    return f"{cell.coordinate} {cell.data_type} {cell.value}{was} | {' | '.join(look)}"


def test_every_cell_of_a_small_workbook_is_as_it_was_read(tmp_path):
    write_workbook(MODEL, tmp_path / "a.xlsx")
    book, held = (openpyxl.load_workbook(tmp_path / "a.xlsx", data_only=one) for one in (False, True))
    made = {"book": f"{book.properties.title} {book.properties.creator} {book.properties.created}"}
    for page in book:
        cells = [
            _cell(one, held[page.title][one.coordinate].value) for row in page for one in row if one.value is not None
        ]
        wide = [f"{name}: {one.width:.4g} {one.min} {one.max}" for name, one in page.column_dimensions.items()]
        made[page.title] = "\n".join([f"frozen {page.freeze_panes}", *wide, *cells])
    with zipfile.ZipFile(tmp_path / "a.xlsx") as packed:
        for name in ("xl/charts/chart1.xml", "xl/drawings/drawing1.xml"):
            made[name] = packed.read(name).decode().replace("><", ">\n<")
    same_as_pinned("pins/kinds_workbook.txt", made)
    assert input_cell(MODEL, "facts.green_m2") == "B5"


@pytest.fixture
def handed(monkeypatch):
    """Keep what is handed to the typesetter, and set nothing."""
    kept: list[dict[str, str]] = []
    monkeypatch.setattr(pdf._Press, "set", lambda self, parts: kept.append(parts) or b"%PDF")
    return kept


def test_what_goes_to_the_typesetter_is_as_it_was_read(handed, tmp_path):
    grid = Grid("Breed", ("wie", "wat", "dan"), (("a", "1", "x"),), (1.0, 2.0, 3.0))
    long = replace(report(), sections=(*report().sections, Section("Twee", (grid, report().sections[0].parts[3]))))
    assert (pdf.sheet_pdf(sheet()), pdf.talk_pdf(talk(), brand="#123456")) == (b"%PDF", b"%PDF")
    pdf.write_pdf(long, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == b"%PDF"
    made = {}
    for name, parts in zip(("factsheet", "gesprek", "rapport"), handed, strict=True):
        for file, text in parts.items():
            if not file.endswith(".typ"):
                plain = json.dumps(json.loads(text), indent=0, ensure_ascii=False) if file == "gegevens.json" else text
                made[f"{name}: {file}"] = plain.replace("><", ">\n<")
        for file, template in (("main.typ", name), ("blad.typ", "blad")):
            assert parts[file] == (files("kansenkaart") / "present" / "templates" / f"{template}.typ").read_text(
                "utf-8"
            )
    same_as_pinned("pins/kinds_typeset.txt", made)


def test_texts_for_paper_are_cut_and_broken_at_their_limits():
    assert pdf._plain("x" * 40) == "x" * 40
    assert pdf._plain("x" * 41) == "x" * 40 + " x"
    words = " ".join(["abcdefghi"] * 90)  # ten signs a word, with the space: 899
    assert pdf._plain(words + "j") == words + "j"  # 900 are kept
    assert pdf._plain(words + "jk") == words + "…"  # of 901 the last two make way for dots
    assert pdf._plain({"a": ("漢x", "a\u202eb", "é € ≥"), "b": 1.5}) == {"a": ["x", "ab", "é € ≥"], "b": 1.5}


def test_one_process_sets_sixteen_pages_and_the_next_takes_its_place(monkeypatch):
    begun = []

    class Fake:
        """Answers one PDF of three bytes for each line, as a process of Typst would."""

        def __init__(self, command, **_):
            begun.append(self)
            self.stdin = self.stdout = self
            self.asked, self.ended = [], False

        def write(self, line):
            self.asked.append(json.loads(line))

        def flush(self):
            pass

        def readline(self):
            return self.asked[-1]["outcome"].encode()

        def read(self, size):
            return b"x" * size

        def communicate(self):
            self.ended = True

    monkeypatch.setattr(pdf.subprocess, "Popen", Fake)
    press = pdf._Press()
    for _ in range(33):
        assert press.set({"outcome": "pdf 3\n"}) == b"xxx"
    assert [(len(one.asked), one.ended) for one in begun] == [(16, True), (16, True), (1, False)]
    for outcome, said in (("fault 2\n", "xx"), ("\n", "a process that ended")):
        with pytest.raises(StoreError, match=said):
            press.set({"outcome": outcome})
    assert begun[2].ended  # it answered nothing
    assert press.set({"outcome": "pdf 1\n"}) == b"x"
    assert len(begun) == 4
    press._end()
    assert begun[3].ended


@pytest.mark.parametrize(
    ("width_mm", "scale", "bar"),
    [
        (30, 1000, 10),
        (60, 1000, 20),
        (149, 1000, 20),
        (150, 1000, 50),
        (299, 1000, 50),
        (300, 1000, 100),
        (90, 250_000, 5000),
    ],
)
def test_a_scale_bar_is_at_most_a_third_of_the_width(width_mm, scale, bar):
    assert bar_m(Frame(scale, width_mm, 10.0, 0.0, 0.0)) == bar


@pytest.mark.parametrize("scale", [500, 1000, 2000, 2500, 5000, 10_000, 20_000, 25_000, 50_000, 100_000, 250_000])
def test_a_place_that_just_fits_a_scale_gets_it_and_one_a_hair_wider_the_next(scale):
    # 100 mm less twice 4 % of it are 92 mm: 46 m at 1:500.
    side = 0.092 * scale
    for wide, high in ((side, 1.0), (1.0, side)):
        fits = shapely.box(0, 0, wide * 0.999999, high * 0.999999)
        assert frame_of(fits, width_mm=100.0, height_mm=100.0).scale == scale
        bigger = shapely.box(0, 0, wide * 1.00001, high * 1.00001)
        if scale < 250_000:
            assert frame_of(bigger, width_mm=100.0, height_mm=100.0).scale > scale
        else:
            with pytest.raises(SchemaError, match=r"fits at 1:250000.*1:250003 needed"):
                frame_of(bigger, width_mm=100.0, height_mm=100.0)


def test_a_window_in_metres_and_a_letter_in_millimetres():
    frame = Frame(2000, 100.0, 50.0, 1000.0, 2000.0)
    assert frame.bounds == (1000.0, 2000.0, 1200.0, 2100.0)
    # The letter stands in the largest part, which needs 8 m a side (4 mm); its place is in millimetres of the paper.
    small, large = shapely.box(1000, 2000, 1001, 2001), shapely.box(1096, 2046, 1104, 2054)
    assert letter_at([small, large], frame) == (50.0, 25.0)
    assert letter_at([shapely.box(0, 0, 7.99, 8)], frame) is None


def test_a_backdrop_is_what_has_a_part_in_the_window_of_a_size_that_paper_shows():
    frame = Frame(10_000, 10.0, 10.0, 0.0, 0.0)  # 100 by 100 m; the least side is 4 m
    seen = [
        shapely.box(0, 0, 4, 4),
        shapely.box(-50, 10, 5, 20),
        shapely.box(10, 95, 20, 130),
        shapely.box(95, 50, 900, 60),
    ]
    beside = [
        shapely.box(100, 0, 200, 9),
        shapely.box(-9, 0, 0, 9),
        shapely.box(0, 100, 9, 110),
        shapely.box(0, -9, 9, 0),
    ]
    small = [shapely.box(30, 30, 33.9, 34)]
    assert sorted(one.area for one in backdrop([*seen, *beside, *small], frame)) == [16.0, 50.0, 50.0, 50.0]
    assert backdrop(seen, replace(frame, scale=10_001)) == []
    assert backdrop((), frame) == []


def test_a_drawing_by_itself_has_the_size_and_the_letters_that_are_asked():
    svg, frame = drawing(sheet(), width_mm=112.0, height_mm=92.0)
    plain, _ = drawing(sheet(), width_mm=112.0, height_mm=92.0, lettered=False)
    assert frame == frame_of(PLACE, width_mm=112.0, height_mm=92.0)
    assert 'viewBox="0 0 112.0 92.0" width="112.0mm" height="92.0mm"' in svg
    assert (svg.count(">A</text>"), plain.count(">A</text>")) == (1, 0)


def test_an_axis_holds_nought_and_what_is_known():
    one, other = Amount("a", 100.0, -50.0, 150.0, ""), Amount("b", math.nan, math.nan, math.inf, "")
    axis = Axis.of([one, other])
    assert (axis.least, axis.most) == (-50.0, 150.0)
    assert [axis.at(value) for value in (-50.0, 0.0, 150.0, 33.3)] == [0.0, 25.0, 100.0, 41.6]
    assert (Axis.of([other]), Axis.of([other]).at(0.0)) == (Axis(0.0, 0.0), 0.0)
    assert Axis.of([replace(one, low=50.0)]).least == 0.0
    assert Axis.of([Amount("c", -3.0, -4.0, -2.0, "")]).most == 0.0


def test_a_sheet_says_at_once_all_that_it_lacks():
    made = sheet()
    compared = (*made.compared, Compared("x", ("1",)))
    with pytest.raises(SchemaError) as caught:
        replace(made, compared=compared, not_said=(), place=shapely.Polygon(), figures=(*made.figures, made.figures[0]))
    for said in (
        "7 figures, of which 0 without",
        "another number of columns",
        "nothing that it does not say",
        "without shape",
    ):
        assert said in str(caught.value)
