"""The workbook, recalculated by a real spreadsheet, equals the model to the cent."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from kansenkaart.core.enterprise.case import AreaFacts, Case
from kansenkaart.core.enterprise.cashflow import evaluate_case
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.core.enterprise.setting import setting_of
from kansenkaart.present.workbook import (
    INPUTS,
    OUTCOME,
    WorkbookModel,
    input_cell,
    write_workbook,
)
from kansenkaart.publish.feasibility.sums import TrackSums, workbook_of
from kansenkaart.tables.assumptions import default, default_services
from kansenkaart.wording.enterprise import label

FACTS = AreaFacts(
    homes=330,
    households=330,
    gallery_flats=194,
    corporation_homes=289,
    people_65_plus=120,
    pv_own_systems=40,
    pv_own_kwp=86,
    pv_own_kwh_per_year=75075,
    pv_own_used_kwh_per_year=33784,
    pv_association_systems=3,
    pv_association_kwp=86,
    pv_association_kwh_per_year=75075,
    pv_association_used_kwh_per_year=33784,
    pv_corporation_systems=60,
    pv_corporation_kwp=686,
    pv_corporation_kwh_per_year=600600,
    pv_corporation_used_kwh_per_year=270270,
    reused_m3_per_year=16650,
    sewer_saving_eur=40000,
    sewer_saving_year=12,
)  # green and paving unknown
CHANGES = {"terms.participation_frac": 0.6, "terms.loan_rate_frac": 0.0, "facts.green_m2": 12345.0}


ROW = {
    "track": "long",
    "earns_keep_frac": 0.25,
    **{
        f"{name}_eur_per_year{end}": 100.0
        for name in ("stays", *PARTIES[:-1])
        for end in ("", "_low", "_median", "_high")
    },
}


def made() -> tuple[Case, WorkbookModel]:
    setting = setting_of("long", figures=default(), services=default_services())
    case = replace(setting.case, facts=FACTS)
    sums = TrackSums(case, setting, (), np.zeros(1))
    told = {"title": "Bilgaard", "source_note": "proef", "assumptions": default(), "services": default_services()}
    return case, workbook_of(sums, ROW, **told)


def test_every_input_stands_in_its_cell_and_unknown_is_a_word(tmp_path: Path) -> None:
    case, model = made()
    write_workbook(model, tmp_path / "wijkbedrijf.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "wijkbedrijf.xlsx")[INPUTS]
    found = {path: sheet[input_cell(model, path)].value for path in case.inputs()}
    assert found["facts.green_m2"] == "onbekend"
    assert {path for path, value in found.items() if value == "onbekend"} == {
        path for path, value in case.inputs().items() if value != value
    }
    assert found["terms.wage_eur_per_hour"] == case.terms.wage_eur_per_hour


def test_every_token_became_a_cell(tmp_path: Path) -> None:
    _, model = made()
    write_workbook(model, tmp_path / "wijkbedrijf.xlsx")
    book = openpyxl.load_workbook(tmp_path / "wijkbedrijf.xlsx")
    formulas = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert len(formulas) > len(model.rows) * 21
    assert not [one for one in formulas if "{" in one]


def test_it_holds_its_results_before_anything_recalculates(tmp_path: Path) -> None:
    case, model = made()
    write_workbook(model, tmp_path / "wijkbedrijf.xlsx")
    book = openpyxl.load_workbook(tmp_path / "wijkbedrijf.xlsx", data_only=True)
    flow = evaluate_case(case)
    sheet = book[OUTCOME]
    last = {cell.value: cell.row for cell in sheet["A"] if isinstance(cell.value, str)}
    for party, words, _ in model.parties:
        years = [sheet.cell(last[words], 3 + year).value for year in range(21)]
        assert years == pytest.approx(flow.party(party)[:, 0], abs=0.005)
    sums = {row[0].value: row for row in book["Berekening"].iter_rows(min_row=4)}
    wage = sums["zwerfvuil en containerplekken: loon dat blijft (wijkbedrijf aan bewoners)"]
    assert wage[2 + 20].value == pytest.approx(flow.by_row["waste:wage:enterprise>household"][20, 0])


def test_a_value_now_is_also_an_amount_per_year_at_the_discount_rate(tmp_path: Path) -> None:
    case, model = made()
    write_workbook(model, tmp_path / "wijkbedrijf.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "wijkbedrijf.xlsx", data_only=True)[OUTCOME]
    top = next(cell.row for cell in sheet["C"] if cell.value == "per jaar [euro van nu]")
    rate = case.terms.discount_real_frac
    for number, (party, _, _) in enumerate(model.parties, start=1):
        now, yearly = sheet.cell(top + number, 2).value, sheet.cell(top + number, 3).value
        assert yearly == pytest.approx(now / sum((1 + rate) ** -year for year in range(1, 21))), party


def test_of_a_party_of_which_something_is_unknown_no_nil_is_printed(tmp_path: Path) -> None:
    # The municipality pays for green, of which the area is unknown: what is left is no outcome of the whole.
    setting = setting_of("long", figures=default(), services=default_services())
    sums = TrackSums(replace(setting.case, facts=FACTS), setting, (), np.zeros(1))
    told = {"title": "Bilgaard", "source_note": "proef", "assumptions": default(), "services": default_services()}
    unknown = {f"municipality_eur_per_year{end}": float("nan") for end in ("", "_low", "_median", "_high")}
    write_workbook(workbook_of(sums, {**ROW, **unknown}, **told), tmp_path / "wijkbedrijf.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "wijkbedrijf.xlsx")[OUTCOME]
    formats = {
        row[0].value: {cell.number_format for cell in row[1:] if cell.data_type == "f"} for row in sheet.iter_rows()
    }
    part = formats["gemeente: alleen wat te berekenen is, het geheel is onbekend"]
    assert {one.split(";")[2] for one in part} == {'"onbekend"'}
    others = formats["anderen (leveranciers, bank): alleen wat te berekenen is, het geheel is onbekend"]
    assert others == part  # what they miss is the sum of what all win
    assert formats["wijkbedrijf"] == {"#,##0.00"}


def test_title_and_where_its_figures_come_from_stand_above_the_outcome(tmp_path: Path) -> None:
    _, model = made()
    write_workbook(model, tmp_path / "wijkbedrijf.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "wijkbedrijf.xlsx")[OUTCOME]
    assert (sheet["A1"].value, sheet["A2"].value) == ("Bilgaard", "proef")


def test_it_speaks_dutch(tmp_path: Path) -> None:
    _, model = made()
    words = [one.words for one in (*model.inputs, *model.rows)]
    assert not [one for one in words if "_" in one or "frac" in one or "eur per" in one]
    assert {one.quality for one in model.inputs} <= {"gok", "schatting", "gemeten", "norm", "keuze", "van de kaart"}
    units = {word for one in (*model.inputs, *model.rows) for word in re.split(r" (?:per|vanaf) ", one.unit)}
    assert units <= {"", *["deel", "euro", "jaar", "uur", "dak", "woning", "persoon", "kWp", "kWh", "m²", "m³", "nu"]}
    named = [one.path.split(".")[1] for one in model.inputs if one.path.startswith(("terms.", "facts."))]
    assert not [one for one in named if not one.endswith("chosen") and label("term", one) == label("fact", one)]


def test_a_chance_is_said_no_more_exactly_than_elsewhere_and_a_chart_names_its_axes(tmp_path: Path) -> None:
    _, model = made()
    write_workbook(model, tmp_path / "wijkbedrijf.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "wijkbedrijf.xlsx")[OUTCOME]
    (chance,) = (row[1] for row in sheet.iter_rows() if str(row[0].value).startswith("kans dat"))
    assert chance.number_format.startswith('[<0.01]"minder dan 1%"')
    with zipfile.ZipFile(tmp_path / "wijkbedrijf.xlsx") as packed:
        chart = packed.read("xl/charts/chart1.xml").decode()
    assert [
        word for word in ("jaar", "euro", "Netto per jaar, in euro's van dat jaar") if f">{word}<" not in chart
    ] == []
    assert f"{OUTCOME}!$C$" in chart


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, CHANGES], ids=["as written", "three changed"])
def test_recalculated_equals_the_model_to_the_cent(tmp_path: Path, changes: dict[str, float]) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("soffice is not on the path (Debian: libreoffice-calc)")
    case, model = made()
    source = tmp_path / "wijkbedrijf.xlsx"
    write_workbook(model, source)
    book = openpyxl.load_workbook(source)
    for path, value in changes.items():
        book[INPUTS][input_cell(model, path)] = value
    book.save(source)
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = [office, profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    sheet = openpyxl.load_workbook(tmp_path / "out" / "wijkbedrijf.xlsx", data_only=True)[OUTCOME]
    flow = evaluate_case(case.with_inputs(changes))
    rows = {cell.value: cell.row for cell in sheet["A"] if isinstance(cell.value, str)}  # the last: the yearly rows
    middle = [cell for cell in sheet["A"] if isinstance(cell.value, str) and cell.row < rows["bewoners"] - 3]
    second = {cell.value: cell.row for cell in middle}  # below what is published: the values now
    for party in PARTIES:
        words = {name: words for name, words, _ in model.parties}[party]
        assert sheet.cell(second[words], 2).value == pytest.approx(flow.present_value(party)[0], abs=0.005)
        years = [sheet.cell(rows[words], 3 + year).value for year in range(21)]
        assert years == pytest.approx(flow.party(party)[:, 0], abs=0.005)
