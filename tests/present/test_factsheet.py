"""A factsheet: scale and letters by hand, equal bytes, one page, hostile text, and the pages in a real browser."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import shapely

from kansenkaart.errors import SchemaError
from kansenkaart.present.factsheet import (
    Compared,
    KeyFigure,
    MapPart,
    Moved,
    Sheet,
    bar_m,
    frame_of,
    letter_at,
    sheet_html,
)
from kansenkaart.present.factsheet_pdf import sheet_pdf
from kansenkaart.present.indexpage import DataRow, IndexPage, Known, PlaceRow, index_html
from kansenkaart.present.style import ramp_classes
from tests.present.pages import HOSTILE, axe_faults

PLACE = shapely.box(190_000, 560_000, 190_300, 560_200)


def sheet(text: str = "Zuid", **changes) -> Sheet:
    classes = ramp_classes([10.0], ["weinig", "veel"])
    parts = (MapPart(shapely.box(190_000, 560_000, 190_150, 560_200), "A", classes[0].color),
             MapPart(shapely.box(190_150, 560_000, 190_300, 560_200), "B", classes[1].color),
             MapPart(shapely.box(190_300, 560_000, 190_900, 560_200)))  # fmt: skip
    made = Sheet(
        "gebied-1", f"Gebied {text}", f"Proef {text}", "1", PLACE, parts, f"Zon {text}", classes,
        tuple(KeyFigure(f"cijfer {k} {text}", f"{k}.000 kWh {text}", f"2025; {text}") for k in range(6)),
        ("hier", f"buurt {text}"), (Compared(f"zon per woning {text}", ("12", "onbekend")),),
        (Moved("grijswater", "1", "2", "3", f"watergebruik {text}"),), (f"Geen belofte {text}",), (f"CBS {text}",), example=True,
    )  # fmt: skip
    return replace(made, **changes)


def test_scale_is_the_largest_at_which_the_place_fits():
    # 300 m over 112 mm less 8 % margin: 300 / 103.04 mm = 1 : 2,911.5, so 1:5,000 (1:2,500 is too large a scale).
    frame = frame_of(PLACE, width_mm=112, height_mm=96)
    assert frame.scale == 5000
    assert frame.paper([(190_150, 560_100)]) == [pytest.approx((56.0, 48.0))]  # its middle is the middle of the paper
    assert bar_m(frame) == 100  # a third of 560 m is 186.7: 1 x 100


def test_letter_only_where_it_fits():
    frame = frame_of(PLACE, width_mm=112, height_mm=96)
    assert letter_at([shapely.box(0, 0, 19, 19)], frame) is None  # 19 m is 3.8 mm at 1:5,000
    assert letter_at([shapely.box(0, 0, 21, 21)], frame) is not None


def test_a_sheet_without_six_sourced_figures_cannot_be_made():
    made = sheet()
    with pytest.raises(SchemaError, match="5 figures"):
        replace(made, figures=made.figures[:5])
    with pytest.raises(SchemaError, match="1 without source"):
        replace(made, figures=(*made.figures[:5], replace(made.figures[5], origin="")))
    with pytest.raises(SchemaError, match="no sources"):
        replace(made, sources=())


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 841)), ("A3", (841, 1190))])
def test_pdf_has_one_page_of_its_size_and_equal_bytes(paper, size):
    made = sheet_pdf(sheet(), paper)
    assert made == sheet_pdf(sheet(), paper)
    assert len(re.findall(rb"/Type /Page\b(?!s)", made)) == 1
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", made)
    assert tuple(int(float(one)) for one in box) == size
    assert b"/CreationDate (D:20000101" in made
    assert b"(nl-NL)" in made
    assert b"/FontFile2" in made  # embedded: a print shop needs no fonts


def test_html_has_the_figures_sources_and_scale():
    text = sheet_html(sheet())
    assert text == sheet_html(sheet())
    assert text.count("<dd>") == 6
    assert "schaal 1:2.500" in text  # 160 mm wide: 300 / 147.2 mm = 1:2,038
    assert "verzonnen" in text
    assert "<script" not in text


def test_hostile_text_on_paper_stays_text_and_on_the_page():
    made = sheet(HOSTILE)
    assert len(re.findall(rb"/Type /Page\b(?!s)", sheet_pdf(made))) == 1
    text = sheet_html(made)
    assert "<script" not in text
    assert "<img" not in text


def overview(text: str = "Zuid") -> IndexPage:
    return IndexPage(
        f"Proef {text}", "1", (("Waar?", text),), (PlaceRow(f"Gebied {text}", "330", (("lezen", "factsheets/gebied-1.html"),)),),
        (DataRow("data/block.parquet", f"blokken {text}", "9"),), ((f"Gebied {text} (pdf)", "haalbaarheid/gebied-1.pdf"),),
        (Known("Riolen", False, f"onbekend {text}"),), (f"CBS {text}",), example=True,
    )  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["sheet", "overview"])
@pytest.mark.parametrize(("text", "width"), [("Zuid", 1200), (HOSTILE, 320)], ids=["plain", "hostile"])
def test_pages_in_a_browser(opened, kind, text, width):
    html = sheet_html(sheet(text), pdfs=[("PDF A4", "gebied-1.pdf")]) if kind == "sheet" else index_html(overview(text))
    page = opened(html=html, width=width, bypass_csp=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.hacked ?? null") is None
    assert page.locator("img").count() == 0
    assert axe_faults(page) == []


@pytest.mark.browser
def test_dark_sheet_and_its_paper(opened):
    page = opened(html=sheet_html(sheet()), bypass_csp=True, color_scheme="dark")
    assert axe_faults(page) == []
    assert page.pdf(format="A4").count(b"/Type /Page\n") <= 2
