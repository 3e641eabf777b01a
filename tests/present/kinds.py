"""Every kind of page that the project writes, small, with a text of choice in every place that holds text."""

from __future__ import annotations

import shapely

from kansenkaart.present.editionpages import (
    DataRow,
    IndexPage,
    Known,
    PlaceRow,
    Series,
    difference_page,
    index_html,
    monitor_page,
)
from kansenkaart.present.factsheet import (
    Amount,
    Compared,
    KeyFigure,
    MapPart,
    Moved,
    Partner,
    Sheet,
    Talk,
    sheet_html,
    talk_html,
)
from kansenkaart.present.report import Bullets, Drawing, Grid, ReportSpec, Section, Shape, Words, render_report
from kansenkaart.present.style import ramp_classes

PLACE = shapely.box(190_000, 560_000, 190_300, 560_200)


def sheet(text: str = "Zuid") -> Sheet:
    """Return a factsheet of a place of 300 by 200 m: two blocks and a neighbour."""
    classes = ramp_classes([10.0], ["weinig", "veel"])
    parts = (
        MapPart(shapely.box(190_000, 560_000, 190_150, 560_200), "A", classes[0].color),
        MapPart(shapely.box(190_150, 560_000, 190_300, 560_200), "B", classes[1].color),
        MapPart(shapely.box(190_300, 560_000, 190_900, 560_200)),
    )
    return Sheet(
        "gebied-1",
        f"Gebied {text}",
        f"Proef {text}",
        "1",
        PLACE,
        parts,
        f"Zon {text}",
        classes,
        tuple(KeyFigure(f"cijfer {k} {text}", f"{k}.000 kWh {text}", f"2025; {text}") for k in range(6)),
        ("hier", f"buurt {text}"),
        (Compared(f"zon per woning {text}", ("12", "onbekend")),),
        (Moved("grijswater", "1", "2", "3", f"watergebruik {text}"),),
        (f"Geen belofte {text}",),
        (f"CBS {text}",),
        example=True,
        contact=f"Klopt dit niet? Meld het aan {text}.",
        streets=(shapely.box(189_990, 560_200, 190_310, 560_210),),
        buildings=(shapely.box(190_020, 560_020, 190_060, 560_040),),
    )


def talk(text: str = "Zuid") -> Talk:
    """Return the sheets to talk with four partners over that place."""
    amounts = [
        Amount(text, value, value - 500.0, value + 500.0, f"ongeveer {value} euro {text}") for value in (-100.0, 200.0)
    ]
    partners = tuple(
        Partner(f"wie{k}", f"wie {text}", (text, "nog een"), (text,), (f"Gepland in {text}",)) for k in range(4)
    )
    return Talk(sheet(text), "330 woningen", amounts[0], text, text, text, tuple(amounts), partners)


def overview(text: str = "Zuid") -> IndexPage:
    """Return the overview of a study with one place."""
    return IndexPage(
        f"Proef {text}",
        "1",
        (("Waar?", text),),
        (PlaceRow(f"Gebied {text}", "330", (("lezen", "factsheets/gebied-1.html"),)),),
        (DataRow("data/block.parquet", f"blokken {text}", "9"),),
        (PlaceRow(f"Gebied {text}", "330", (("PDF", "haalbaarheid/gebied-1.pdf"),)),),
        (Known("Riolen", False, f"onbekend {text}"),),
        (f"CBS {text}",),
        example=True,
    )


def report(text: str = "Zuid") -> ReportSpec:
    """Return a report with every part that a report can have."""
    drawing = Drawing(
        f"Tekening {text}",
        f"Een balk {text}",
        200.0,
        60.0,
        (Shape("rect", (10.0, 10.0, 50.0, 20.0)), Shape("text", (10.0, 50.0), text=text)),
    )
    grid = Grid(f"Tabel {text}", ("wie", "wat"), ((text, "12 euro"), ("eigenaar", text)))
    parts = (Words(text, strong=True), Bullets((text, "nog een")), grid, drawing)
    return ReportSpec(
        f"Wijkbedrijf {text}",
        text,
        f"Bronnen: {text}",
        (Section(f"Deel {text}", parts),),
        text,
        ((text, "gebied-1.pdf"),),
    )


def difference(text: str = "Zuid") -> str:
    """Return the page about the difference between two editions: figures, years, and a table that one of them lacks."""
    row = {"key": text, "before": 1.0, "now": 2.0}
    move = {
        "column": "homes",
        "label_nl": text,
        "unit": "1",
        "moved": 1,
        "total_before": 9.0,
        "total_now": 10.0,
        "largest": [row],
    }
    table = {
        "table": "home",
        "title_nl": text,
        "before": 9,
        "now": 10,
        "compared": True,
        "added": 1,
        "gone": 0,
        "changed": 1,
        "causes": ["data"],
        "moves": [move, {**move, "unit": "year", "largest": [{"key": text, "before": 1905.0, "now": 1910.0}]}],
    }
    told = {
        "tables": [table, {**table, "before": None, "compared": False}],
        "deliveries": [{"role": "home", "publisher": text, "before": None, "now": text}],
        "assumptions": [{"name": text, "before": 1.0, "now": 2.0}],
        "code": True,
    }
    return difference_page(told, title=f"Proef {text}", labels=("1", f"2 {text}"))


def pages(text: str = "Zuid") -> dict[str, str]:
    """Return the HTML of every kind of page but the map, by name."""
    series = (Series(f"Woningen {text}", "1", (1.0, None, 3.0)), Series("Zon", "kWh/year", (None, 2.5, 1.5)))
    return {
        "factsheet": sheet_html(sheet(text), pdfs=[("PDF A4", "gebied-1.pdf")]),
        "gesprek": talk_html(talk(text), pdf="gebied-1-gesprek.pdf"),
        "overzicht": index_html(overview(text)),
        "rapport": render_report(report(text)),
        "verschil": difference(text),
        "cijfers": monitor_page(
            series, title=f"Proef {text}", labels=("1", f"2 {text}", "3"), accepted=(("2", text, text),)
        ),
    }
