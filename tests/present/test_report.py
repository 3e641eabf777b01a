"""Drawings of a report by hand: bars, a tornado, and the outline of a place; what a PDF says of itself."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from pypdf import PdfReader

from kansenkaart.present.pdf import sheet_pdf, write_pdf
from kansenkaart.present.report import (
    GAIN,
    LOSS,
    Grid,
    ReportSpec,
    Section,
    Words,
    render_report,
    sketch_drawing,
    tornado_drawing,
    years_drawing,
)
from kansenkaart.wording.nl import euros
from tests.present.kinds import difference, sheet


def _numbers(drawing, kind, color):
    return [one.points for one in drawing.shapes if (one.kind, one.fill) == (kind, color)]


def test_bars_of_years_stand_on_the_line_and_hang_below_it():
    drawing = years_drawing([100.0, -50.0, 0.0, 50.0], title="t", what="over")
    # 470 x 130; 98 points for 150 euros between a margin of 12 and a foot of 20, so the line lies at 12 + 100 x 98/150.
    euro, zero, step = 98 / 150, 12 + 100 * 98 / 150, 400 / 4
    gains = [(62, 12, step - 4, 100 * euro), (262, zero, step - 4, 0), (362, zero - 50 * euro, step - 4, 50 * euro)]
    assert _numbers(drawing, "rect", GAIN) == [pytest.approx(one) for one in gains]
    assert _numbers(drawing, "rect", LOSS) == [pytest.approx((162, zero, step - 4, 50 * euro))]
    assert _numbers(drawing, "line", drawing.shapes[0].fill)[0] == pytest.approx((60, zero, 460, zero))
    assert drawing.alt.startswith("over: laagste jaar 1 met ")
    assert "hoogste jaar 0 met " in drawing.alt


def test_a_tornado_runs_from_the_middle_to_either_end():
    drawing = tornado_drawing([("prijs", -100.0, 300.0), ("uren", 150.0, 50.0)], middle=100.0, title="t")
    # 235 points for 400 euros from 215 on; a row is 17 points, the first at 4. What is less is a loss, at whichever end.
    euro = 235 / 400
    less = [(215, 6, 200 * euro, 12), (215 + 150 * euro, 23, 50 * euro, 12)]
    more = [(215 + 200 * euro, 6, 200 * euro, 12), (215 + 200 * euro, 23, 50 * euro, 12)]
    assert _numbers(drawing, "rect", LOSS) == [pytest.approx(one) for one in less]
    assert _numbers(drawing, "rect", GAIN) == [pytest.approx(one) for one in more]
    signs = [(round(one.points[0]), one.text) for one in drawing.shapes if one.text in ("+", "\u2212")]
    assert signs == [(220, "\u2212"), (445, "+"), (357, "\u2212"), (308, "+")]  # of hours more is less
    assert drawing.height == 4 + 2 * 17 + 18
    # The middle is drawn from top to foot, both ends are written below it, and the words to the left of each row.
    middle, foot = 215 + 200 * euro, 4 + 2 * 17
    (line,) = (one.points for one in drawing.shapes if one.kind == "line")
    assert line == pytest.approx((middle, 2, middle, foot))
    texts = [
        (*one.points, one.text) for one in drawing.shapes if one.kind == "text" and one.text not in ("+", "\u2212")
    ]
    assert [one[:2] for one in texts] == [(207, 14), (207, 31), (215, foot + 12), (450, foot + 12)]
    assert [one[2] for one in texts] == ["prijs", "uren", euros(-100), euros(300)]


def test_every_fifth_year_is_written_in_the_middle_of_its_bar_and_the_ends_beside_theirs():
    drawing = years_drawing([60.0, *[0.0] * 5, -30.0, 0.0], title="t", what="over")
    zero, step = 12 + 60 * 98 / 90, 400 / 8
    texts = {one.text: one.points for one in drawing.shapes if one.kind == "text"}
    assert texts == {
        "jaar 0": pytest.approx((60 + step / 2, 126)),
        "jaar 5": pytest.approx((60 + 5.5 * step, 126)),
        euros(60): pytest.approx((56, 15)),
        euros(-30): pytest.approx((56, 12 + 98 + 3)),
    }
    assert _numbers(drawing, "line", drawing.shapes[0].fill)[0][1] == pytest.approx(zero)


def test_a_place_lies_in_the_middle_of_its_sketch_with_a_bar_of_100_m():
    place = gpd.GeoSeries([shapely.box(1000, 2000, 1100, 2100)], crs=28992)
    beside = gpd.GeoSeries([shapely.box(1100, 2050, 1110, 2100), shapely.box(9000, 2000, 9100, 2100)], crs=28992)
    drawing = sketch_drawing(place, beside, title="t", alt="a")
    # 100 m and 35 % around it on 200 points: 200/135 a metre; the middle of the place is the middle of 470 x 200.
    metre = 200 / 135
    west, east, north, south = 235 - 50 * metre, 235 + 50 * metre, 100 - 50 * metre, 100 + 50 * metre
    (outline,) = _numbers(drawing, "poly", GAIN)
    assert (min(outline[::2]), max(outline[::2])) == pytest.approx((west, east), abs=0.06)
    assert (min(outline[1::2]), max(outline[1::2])) == pytest.approx((north, south), abs=0.06)
    (near,) = _numbers(drawing, "poly", "#c4d2d8")  # what lies kilometres away is not drawn
    assert (min(near[::2]), max(near[::2])) == pytest.approx((east, east + 10 * metre), abs=0.06)
    assert (min(near[1::2]), max(near[1::2])) == pytest.approx((north, 100), abs=0.06)  # its northern half is above
    bar = next(one.points for one in drawing.shapes if one.kind == "line")
    assert bar == pytest.approx((12, 190, 12 + 100 * metre, 190))


def test_a_pdf_names_its_title_and_its_maker_and_no_moment(tmp_path):
    spec = ReportSpec("Rapport (proef)", "", "voet", (Section("Een", (Words("tekst"),)),))
    write_pdf(spec, tmp_path / "a.pdf")
    (tmp_path / "b.pdf").write_bytes(sheet_pdf(sheet()))
    for path, title in ((tmp_path / "a.pdf", "Rapport (proef)"), (tmp_path / "b.pdf", "Factsheet Gebied Zuid")):
        about = PdfReader(path).metadata
        assert (about.title, about.author, about.creation_date) == (title, "kansenkaart", None)


def test_a_minus_keeps_to_its_euros_and_a_chance_in_words_is_a_figure():
    grid = Grid(
        "g",
        ("Per jaar", "kort", "lang"),
        (("over", "−€ 40", "−€ 8.330"), ("kans", "2 procent", "minder dan 1 procent")),
    )
    page = render_report(ReportSpec("t", "", "voet", (Section("Een", (Words("het is −€ 10.785 per jaar"), grid)),)))
    assert page.count("−\N{WORD JOINER}€") == 3
    assert "−€" not in page
    assert page.count('class="word"') == 1  # of the names; numbers stand to the right, and on one line


def test_the_page_of_differences_writes_a_year_as_a_year_and_adds_none_up():
    page = difference()
    assert "1905 werd 1910" in page
    assert page.count('<td class="n">-</td><td class="n">-</td>') == 1  # years have no sum
    assert (
        '<td class="n">geen</td><td class="n">10</td>' in page
    )  # a table that was not there has no unknown number of rows
