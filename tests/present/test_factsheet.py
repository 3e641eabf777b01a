"""A factsheet: scale and letters by hand, equal bytes, one page, hostile text."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

import pytest
import shapely
from pypdf import PdfReader
from pypdf.generic import ContentStream

from kansenkaart.errors import SchemaError, StoreError
from kansenkaart.present import pdf
from kansenkaart.present.factsheet import Frame, _path, backdrop, bar_m, frame_of, letter_at, sheet_html
from kansenkaart.present.pdf import sheet_pdf, talk_pdf
from tests.present.kinds import PLACE, sheet, talk
from tests.present.pages import HOSTILE


def test_scale_is_the_largest_at_which_the_place_fits():
    # 300 m over 112 mm less 8 % margin: 300 / 103.04 mm = 1 : 2,911.5, so 1:5,000 (1:2,500 is too large a scale).
    frame = frame_of(PLACE, width_mm=112, height_mm=96)
    assert frame.scale == 5000
    west, south, east, north = frame.bounds
    assert ((west + east) / 2, (south + north) / 2) == (190_150, 560_100)  # its middle is the middle of the paper
    assert (east - west, north - south) == (560, 480)  # 112 by 96 mm, 5 m each
    assert bar_m(frame) == 100  # a third of 560 m is 186.7: 1 x 100


def test_every_ring_is_drawn_by_its_own_corners_to_a_tenth_of_a_millimetre():
    # At 1:1,000 a millimetre is a metre, and y runs down from 50; a corner within the same tenth is drawn once.
    around = shapely.Polygon([(5, 0), (15, 0), (15, 10), (5, 10)], [[(7, 2), (9, 2), (9, 4)]])
    beside = shapely.Polygon([(25, 20), (35, 20), (35.02, 20), (25, 30)])
    assert _path([around, beside], Frame(1000, 100.0, 50.0, 5.0, 0.0)) == (
        "M0.0 50.0L10.0 50.0L10.0 40.0L0.0 40.0ZM2.0 48.0L4.0 48.0L4.0 46.0ZM20.0 30.0L30.0 30.0L20.0 20.0Z"
    )
    assert _path([], Frame(1000, 100.0, 50.0, 5.0, 0.0)) == ""


def test_letter_only_where_it_fits():
    frame = frame_of(PLACE, width_mm=112, height_mm=96)
    assert letter_at([shapely.box(0, 0, 19, 19)], frame) is None  # 19 m is 3.8 mm at 1:5,000
    assert letter_at([shapely.box(0, 0, 21, 21)], frame) is not None


def test_buildings_lie_on_the_map_as_far_as_paper_can_show_them():
    # At 1:5,000 a millimetre is 5 m: a side of 20 m is 4 mm, one of 1.5 m is 0.3 mm, under the least of 0.4.
    frame = frame_of(PLACE, width_mm=112, height_mm=96)
    seen, small = shapely.box(190_100, 560_100, 190_120, 560_120), shapely.box(190_200, 560_100, 190_201.5, 560_101.5)
    away = shapely.box(195_000, 560_000, 195_100, 560_100)
    assert [one.area for one in backdrop((seen, small, away), frame)] == [400.0]
    assert backdrop((seen,), replace(frame, scale=20_000)) == []
    assert 'fill-opacity="0.3"' in sheet_html(sheet())


def test_a_sheet_without_six_sourced_figures_cannot_be_made():
    made = sheet()
    with pytest.raises(SchemaError, match="5 figures"):
        replace(made, figures=made.figures[:5])
    with pytest.raises(SchemaError, match="1 without source"):
        replace(made, figures=(*made.figures[:5], replace(made.figures[5], origin="")))
    with pytest.raises(SchemaError, match="no sources"):
        replace(made, sources=())


def test_pdf_has_one_page_of_a4_and_equal_bytes():
    made = sheet_pdf(sheet())
    assert made == sheet_pdf(sheet())
    (page,) = _read(made).pages
    assert tuple(int(one) for one in page.mediabox[2:]) == (595, 841)
    fonts = page["/Resources"]["/Font"].values()
    assert all("/FontFile2" in _descriptor(one) for one in fonts)  # embedded: a print shop needs no fonts


def _read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def _descriptor(font):
    return font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()


def _structure(content: bytes) -> Counter[str]:
    """Count the elements of the structure tree of a PDF by kind."""
    found: Counter[str] = Counter()
    left = [_read(content).trailer["/Root"]["/StructTreeRoot"].get_object()]
    while left:
        one = left.pop()
        if "/S" in one:
            found[one["/S"]] += 1
        kids = one.get("/K", [])
        kids = [kid.get_object() for kid in (kids if isinstance(kids, list) else [kids])]
        left += [kid for kid in kids if isinstance(kid, dict)]
    return found


@pytest.mark.parametrize("made", [sheet_pdf(sheet()), talk_pdf(talk())], ids=["factsheet", "gesprek"])
def test_pdf_is_tagged_for_who_cannot_see_it(made):
    root = _read(made).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "nl-NL"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()


def test_a_screen_reader_finds_headings_tables_lists_and_a_map_with_words():
    found = _structure(sheet_pdf(sheet()))
    assert (found["/H1"], found["/H2"]) == (1, 4)  # title; compared, moved, what it does not say, sources
    assert (found["/Table"], found["/TH"]) == (2, 3 + 5)  # here and around; outcome, low, middle, high, by
    assert found["/Figure"] == 1
    assert _structure(talk_pdf(talk()))["/Figure"] == 4  # the map, on the sheet of each partner
    assert "Kaart van Gebied Zuid" in str(_marks(sheet_pdf(sheet())))


def _marks(content: bytes) -> list[str]:
    page = _read(content).pages[0]
    found = ContentStream(page.get_contents(), page.pdf).operations
    return [str(operands[1]) for operands, operator in found if operator == b"BDC"]


def test_each_partner_has_a_page_of_its_own():
    pages = _read(talk_pdf(talk("Zuid"))).pages
    assert len(pages) == 4
    for number, page in enumerate(pages, 1):
        text = page.extract_text()
        assert "voor wie Zuid" in text
        assert f"blad {number} van 4" in text


def test_pdf_takes_the_size_of_type_that_fits_as_the_template_would_measure_it(monkeypatch):
    long = replace(sheet(), not_said=sheet().not_said * 45)
    found = [sheet_pdf(one) for one in (sheet(), long)]
    monkeypatch.setattr(pdf, "_SIZES", (0,))
    assert found == [sheet_pdf(one) for one in (sheet(), long)]
    monkeypatch.setattr(pdf, "_SIZES", (1.0,))
    with pytest.raises(StoreError, match="een tweede blad"):
        sheet_pdf(long)


def test_html_has_the_figures_sources_and_scale():
    text = sheet_html(sheet())
    assert text == sheet_html(sheet())
    assert text.count("<dd>") == 6
    assert "schaal 1:2.500" in text  # 160 mm wide: 300 / 147.2 mm = 1:2,038
    assert "verzonnen" in text
    assert "<script" not in text


def test_hostile_text_on_paper_stays_text_and_on_the_page():
    made = sheet(HOSTILE)
    assert len(_read(sheet_pdf(made)).pages) == 1
    assert len(_read(talk_pdf(talk(HOSTILE))).pages) == 4
    text = sheet_html(made)
    assert "<script" not in text
    assert "<img" not in text
