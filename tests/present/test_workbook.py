"""The workbook, recalculated by a real spreadsheet, equals the model to the cent."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest

from kansenkaart.core.enterprise.case import AreaFacts, Case, case_from
from kansenkaart.core.enterprise.cashflow import evaluate_case
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.present.workbook import (
    INPUTS,
    OUTCOME,
    WorkbookModel,
    input_cell,
    write_workbook,
)
from kansenkaart.publish.feasibility.sums import workbook_of
from kansenkaart.tables.assumptions import default, default_services

FACTS = AreaFacts(
    homes=330,
    households=330,
    gallery_flats=194,
    corporation_homes=289,
    people_65_plus=120,
    pv_kwp_economic=858,
    pv_kwh_per_year=750750,
    own_use_frac=0.45,
    pv_association_frac=0.1,
    pv_corporation_frac=0.8,
    grey_water_m3_per_year=16650,
    sewer_saving_eur=40000,
    sewer_saving_year=12,
)  # green and paving unknown
CHANGES = {"terms.participation_frac": 0.6, "terms.loan_rate_frac": 0.0, "facts.green_m2": 12345.0}


def made() -> tuple[Case, WorkbookModel]:
    case = case_from(FACTS, assumptions=default(), services=default_services())
    told = {"title": "Bilgaard", "source_note": "proef", "assumptions": default(), "services": default_services()}
    return case, workbook_of(case, **told)


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
    first = {cell.value: cell.row for cell in reversed(sheet["A"]) if isinstance(cell.value, str)}
    for party in PARTIES:
        words = dict(model.parties)[party]
        assert sheet.cell(first[words], 2).value == pytest.approx(flow.present_value(party)[0], abs=0.005)
        years = [sheet.cell(rows[words], 3 + year).value for year in range(21)]
        assert years == pytest.approx(flow.party(party)[:, 0], abs=0.005)
