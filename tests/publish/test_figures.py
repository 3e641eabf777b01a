"""What every form says is what is stored; a figure that is altered in any one form is noticed."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from benchmarks import figures
from kansenkaart.present.factsheet import KeyFigure
from kansenkaart.present.pdf import sheet_pdf, talk_pdf, write_pdf
from kansenkaart.present.report import Grid
from kansenkaart.publish import factsheets
from kansenkaart.publish.factsheets import sheets, talks
from kansenkaart.publish.feasibility.report import report_of
from kansenkaart.publish.feasibility.sums import survey_of
from kansenkaart.publish.figures import case_of
from kansenkaart.runs import study as pipeline
from kansenkaart.tables.assumptions import default

COUNTS = ("contradictions", "unknown_scored", "letters_against_sentence", "stretched_intervals")
PLACE = "best-0"


def _open(root):
    (study,) = (root / "studies").glob("*.toml")
    return pipeline.open_study(study.stem, root=root)


@pytest.fixture(scope="module")
def example(finished):
    return _open(finished)


@pytest.fixture
def spoilt(example, tmp_path):
    """Copy what is published, for a test that alters one figure of it."""
    return shutil.copytree(example.target, tmp_path / example.study.name)


@pytest.mark.parametrize(
    ("made", "edition"),
    [
        ("finished", "whole"),
        pytest.param("opted", "whole", marks=pytest.mark.nightly),  # both parts of it are beside it
        ("opted", "public"),
    ],
)
def test_no_form_of_either_edition_contradicts_what_is_stored(request, made, edition):
    """The example as it is, and both its editions with roofs on the opt-out list."""
    example = replace(_open(request.getfixturevalue(made)), public=edition == "public")
    said = figures.main(example.target, example.store.root)
    assert {name: said[name] for name in COUNTS} == dict.fromkeys(COUNTS, 0)
    assert said["places"] >= 9
    assert said["figures"] > 1000


def _replace(path, old, new):
    text = path.read_text("utf-8")
    assert re.search(old, text, re.DOTALL), old
    path.write_text(re.sub(old, new, text, count=1, flags=re.DOTALL), "utf-8")


def _factsheet(maps, example):
    _replace(maps / "factsheets" / f"{PLACE}.html", r"(\d+) personen", "1\\1 personen")


def _factsheet_pdf(maps, example):
    for one in sheets(example.store, example.study, default()):
        if one.key == PLACE:
            first, *others = one.figures
            spoilt = KeyFigure(first.label, "1.234", first.origin)
            (maps / "factsheets" / f"{PLACE}.pdf").write_bytes(sheet_pdf(replace(one, figures=(spoilt, *others))))


def _report(maps, example):
    _replace(maps / "haalbaarheid" / f"{PLACE}.html", r"(Wijkbedrijf</th><td[^>]*>\D*)(\d)", "\\g<1>9\\2")


def _report_pdf(maps, example):
    sums = survey_of(example.store, default()).sums_of(("best", "0"))
    row = {**sums.rows["long"], "municipality_eur_per_year": 4321.0}
    sources = example.store.sources_of(["enterprise_case"])
    spoilt = replace(sums, rows={**sums.rows, "long": row})
    spec = report_of(spoilt, study=example.study, known=default(), sources=sources, actual=None, name=PLACE)
    write_pdf(spec, maps / "haalbaarheid" / f"{PLACE}.pdf")


def _workbook(maps, example):
    path = maps / "haalbaarheid" / f"{PLACE}.xlsx"
    book = openpyxl.load_workbook(path, data_only=True)
    book["Uitkomst"]["B4"] = 99.0
    book.save(path)


def _geoparquet(maps, example):
    path = maps / "data" / "gebied.parquet"
    frame = gpd.read_parquet(path)
    frame.loc[0, "homes"] += 1
    frame.to_parquet(path)


def _geopackage(maps, example):
    path = maps / "data" / f"{maps.name}.gpkg"
    frame = gpd.read_file(path, layer="buurt_score")
    frame.loc[0, "people"] = pd.NA
    frame.to_file(path, layer="buurt_score", driver="GPKG")


def _metadata(maps, example):
    path = maps / "data" / "metadata.json"
    content = json.loads(path.read_text("utf-8"))
    content["tables"]["gebied"]["rows"] += 1
    path.write_text(json.dumps(content), "utf-8")


def _talk(maps, example):
    _replace(maps / "factsheets" / f"{PLACE}-gesprek.html", r"(ongeveer .?)(\d[\d.]* euro)", "\\g<1>9\\2")


def _overview(maps, example):
    _replace(maps / "overzicht.html", r"(<t[dh][^>]*>)(\d{3})(</t[dh]>)", "\\g<1>1.\\2\\3")


def _panel(maps, example):
    _replace(maps / "index.html", r'("middle":)-?', "\\g<1>9")


def _compose_homes(maps, example):
    """Leave the page to add up the blocks of an area of which one is drawn no more, as it did."""
    _replace(maps / "index.html", r'("units":\[)"\d+",(.*?"homes":)\d+', "\\g<1>\\g<2>0")


def _compose_order(maps, example):
    _replace(maps / "index.html", r'("areas":\[\{"key":"best-\d+".*?"values":\[)[^,\]]+', "\\g<1>-1e9")


def _map(maps, example):
    """Move the number of homes of every best area by one, where the page unpacks it."""
    path = maps / "index.html"
    page = figures.Page(path)
    about = page.spec["layers"][0]
    homes = next(one for one in about["columns"] if one["name"] == "homes")
    _replace(path, rf'("name":"homes".*?"least":){homes["least"]}', f"\\g<1>{homes['least'] + 1}")


def _talk_pdf(maps, example):
    every = list(sheets(example.store, example.study, default()))
    (one,) = (one for one in talks(example.store, every) if one.sheet.key == PLACE)
    spoilt = replace(one, stays=replace(one.stays, text="ongeveer 98.765 euro"))
    (maps / "factsheets" / f"{PLACE}-gesprek.pdf").write_bytes(talk_pdf(spoilt))


ALTERED = {
    "factsheets": (_factsheet, _factsheet_pdf),
    "reports": (_report, _report_pdf),
    "workbooks": (_workbook,),
    "layers": (_geoparquet, _geopackage, _metadata),
    "talks": (_talk,),
    "talks pdf": (_talk_pdf,),
    "overview": (_overview,),
    "panel": (_panel,),
    "compose": (_compose_homes, _compose_order),
    "map": (_map,),
}


@pytest.mark.parametrize(("reader", "alter"), [(form, one) for form, some in ALTERED.items() for one in some])
def test_a_figure_that_one_form_alters_is_a_contradiction(example, spoilt, reader, alter):
    alter(spoilt, example)
    assert set(ALTERED) == set(figures.READERS)
    assert [one for one in figures.READERS[reader](figures.Truth(spoilt, example.store.root)) if one.contradicts]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("−€ 7.034", [-7034.0]),
        ("39,5 m³ per jaar", [39.5]),
        ("62 procent", [0.62]),
        ("12% tot 1.234.567", [0.12, 1234567.0]),
        ("geen", []),
    ],
)
def test_numbers_are_read_as_they_are_written(text, said):
    assert [one.value for one in figures.amounts(text)] == said


def test_words_that_run_over_lines_are_one_label():
    cells = ["opbrengst daarvan", "als ze nieuw zijn", "1.200 kWh", "x"]
    assert figures.after(cells, "opbrengst daarvan als ze nieuw zijn")[0].value == 1200


def test_a_number_for_what_is_unknown_is_a_contradiction():
    assert figures.Reading("", "", "", 0.0, float("nan")).contradicts
    assert figures.Reading("", "", "", float("nan"), 0.0).contradicts
    assert not figures.Reading("", "", "", float("nan"), float("nan")).contradicts
    assert not figures.Reading("", "", "", 10.4, 10.0, 0.5).contradicts


@pytest.mark.parametrize(
    ("letter", "text", "wrong"),
    [
        ("A", "Loont: 10 euro", 0),
        ("C", "Geen besparing: kost 10 euro", 0),
        ("A", "Geen kans voor grijswater", 1),
        ("B", "Geen besparing: kost 10 euro", 1),
        ("?", "Riool onbekend: geen buis bekend", 0),
    ],
)
def test_a_sentence_of_another_class_is_counted(letter, text, wrong):
    assert figures._disagree([letter], [text]) == wrong


def test_where_no_area_earns_its_keep_that_is_said_of_areas(example):
    start = figures.Page(example.target / "index.html").spec["start"]
    assert start["title"] == "Nog geen gebied komt uit"  # a whole buurt may


def test_a_sheet_of_an_area_has_margins_or_says_that_there_are_none(example):
    (sheet,) = [one for one in sheets(example.store, example.study, default()) if one.key == PLACE]
    assert {"Stroom van alles wat past", "Grijswater (aanbod)"} <= {one.label for one in sheet.moved}
    assert [one for one in sheet.not_said if one.startswith("Zonder marge: ")] == [
        "Zonder marge: stroom van wat loont en zon als alle daken meedoen. Hoe ver dat ernaast kan zitten, is niet uitgerekend."
    ]


def test_of_many_areas_the_first_have_a_factsheet(example, monkeypatch):
    def kinds():
        return [one.key.partition("-")[0] for one in sheets(example.store, example.study, default())]

    assert min(kinds().count(one) for one in ("best", "gebied")) > 1
    monkeypatch.setattr(factsheets, "MOST_AREAS", 1)
    assert [kinds().count(one) for one in ("best", "gebied")] == [1, 1]


def test_partners_read_the_same_figures_as_the_map(example):
    made = list(sheets(example.store, example.study, default()))
    (over,) = [one for one in talks(example.store, made) if one.sheet.key == PLACE]
    case = case_of(example.store, "best", "0")
    assert over.stays.middle == case["stays_eur_per_year"]
    assert [one.middle for one in over.parties] == [
        case[f"{name}_eur_per_year"] for name in ("household", "enterprise", "roof_owner", "municipality")
    ]
    assert [one.key for one in over.partners] == ["corporation", "association", "water", "municipality"]
    said = " ".join(text for one in over.partners for text in (*one.gains, *one.asks))
    assert "{" not in said
    assert "ongeveer" in said


def test_columns_of_a_report_on_paper_are_as_wide_as_their_words_ask(example):
    sums = survey_of(example.store, default()).sums_of(("best", "0"))
    sources = example.store.sources_of(["enterprise_case"])
    spec = report_of(sums, study=example.study, known=default(), sources=sources, actual=None, name=PLACE)
    grids = [one for section in spec.sections for one in section.parts if isinstance(one, Grid)]
    assert {one.caption: one.widths for one in grids} == {
        "Twee manieren om te beginnen": (),
        "Wie wint en wie betaalt": (),
        "Zo telt het op": (2.6, 1, 1, 1, 1, 1),
        "Niet in het pakket: wat deze diensten apart zouden doen": (2.6, 1, 1, 1, 1, 1),
        "Past het korte of het lange spoor?": (2.6, 1, 1),
        "Wat we van deze plek weten": (2, 1),
        "De aannamen die het meest tellen": (2.2, 0.7, 1.1, 0.9, 0.8),
        "Bronnen": (1, 1.8, 1.2, 1.2),
    }
