"""Cases, reports and own data in a run of the example: every place, four pages, equal bytes, words that do not mislead."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import kansenkaart
from kansenkaart.acquire import own_data
from kansenkaart.acquire.own_data import join
from kansenkaart.config import read_study
from kansenkaart.core.enterprise.case import AreaFacts
from kansenkaart.core.enterprise.cashflow import evaluate_case
from kansenkaart.core.enterprise.linear import yearly_equivalent
from kansenkaart.errors import ConfigError
from kansenkaart.publish.feasibility import steps
from kansenkaart.publish.feasibility.report import verdict
from kansenkaart.publish.feasibility.sums import survey_of
from kansenkaart.publish.manifest import MARK, REPORTS
from kansenkaart.publish.map.ranking import case_of
from kansenkaart.runs import study
from kansenkaart.score import enterprise
from kansenkaart.tables.assumptions import default
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import leading_cases
from kansenkaart.wording.nl import MINUS

PARTIES = ("household", "enterprise", "roof_owner", "municipality")


@pytest.fixture(scope="module")
def store(finished):
    return Store(finished / "data" / "processed" / "voorbeeld")


def test_every_place_has_a_case_on_both_tracks(store):
    cases = store.read("enterprise_case")
    for kind, table, key in (
        ("buurt", "buurt_score", "buurtcode"),
        ("gebied", "gebied", "gebied_id"),
        ("best", "best_area", "best_id"),
    ):
        if store.has(table):
            wanted = set(store.read(table)[key].astype(str))
            for track in ("short", "long"):
                assert set(cases[(cases["place_kind"] == kind) & (cases["track"] == track)]["place_id"]) == wanted
    for name in (*(f"{one}_eur_per_year" for one in PARTIES), "stays_eur_per_year"):
        assert (cases[f"{name}_low"] <= cases[name]).all()
        assert (cases[name] <= cases[f"{name}_high"]).all()
    both = cases["household_eur_per_year"] + cases["enterprise_eur_per_year"]
    assert cases["stays_eur_per_year"].to_numpy() == pytest.approx(both.to_numpy())


def test_one_case_of_a_place_is_shown_and_everywhere_the_same(store):
    cases = store.read("enterprise_case")
    shown, survey = leading_cases(cases), survey_of(store, default())
    assert len(shown) == len(cases[["place_kind", "place_id"]].drop_duplicates())
    for _, one in shown.iterrows():
        mine = cases[(cases["place_kind"] == one["place_kind"]) & (cases["place_id"] == one["place_id"])]
        if one["better_track"] in ("short", "long"):
            assert one["track"] == one["better_track"]
        else:
            assert one["enterprise_eur_per_year"] == mine["enterprise_eur_per_year"].max()
        assert survey.sums_of((one["place_kind"], one["place_id"])).track == one["track"]
        assert case_of(store, one["place_kind"], one["place_id"])["track"] == one["track"]


def test_where_no_track_fits_better_the_one_that_leaves_more_is_shown():
    cases = pd.DataFrame(
        {
            "place_kind": "gebied",
            "place_id": ["a", "a", "b", "b", "c", "c"],
            "track": ["long", "short"] * 3,
            "better_track": ["equal", "equal", "long", "long", "unknown", "unknown"],
            "enterprise_eur_per_year": [-5.0, 2.0, -9.0, 1.0, 3.0, 3.0],
        }
    )
    assert leading_cases(cases)["track"].tolist() == ["short", "long", "short"]


def test_the_table_says_what_the_model_says(store):
    survey, cases = survey_of(store, default()), store.read("enterprise_case").set_index("case_id")
    for case_id in cases.index[:4]:
        kind, name, track = case_id.split(":")
        flow = evaluate_case(survey.sums_of((kind, name)).sums[track].case)
        for party in PARTIES:
            assert cases.loc[case_id, f"{party}_eur_per_year"] == pytest.approx(
                yearly_equivalent(flow, party)[0], abs=0.005
            )


def test_reports_are_four_pages_of_equal_bytes_without_requests(finished, store, tmp_path):
    chosen, place = read_study(finished / "studies" / "voorbeeld.toml"), [("buurt", "BU99990001")]
    first = steps.write_reports(store, chosen, tmp_path / "a", default(), place)
    second = steps.write_reports(store, chosen, tmp_path / "b", default(), place)
    assert [one.suffix for one in first] == [".html", ".pdf", ".xlsx"]
    assert [one.read_bytes() for one in first] == [one.read_bytes() for one in second]
    html = first[0].read_text("utf-8")
    assert '<html lang="nl">' in html
    assert "default-src 'none'" in html
    assert not re.findall(r"https?://|<script|<img|url\(", html)
    assert html.count("<section") == 4
    assert html.count("<th scope=") > 20
    assert "verzonnen" in html
    assert len(re.findall(rb"/Type /Page\b", first[1].read_bytes())) == 4


def _tables(html):
    """Return the cells of every table of a page by its caption."""
    found = {}
    for caption, body in re.findall(r"<caption>(.*?)</caption>.*?<tbody>(.*?)</tbody>", html, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        found[caption] = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return found


def _euros(cells):
    return [float(re.sub(r"[^0-9-]", "", one.replace(MINUS, "-"))) for one in cells]


def test_rows_and_columns_of_the_money_add_up_and_turning_points_are_told(finished, store, tmp_path):
    chosen = read_study(finished / "studies" / "voorbeeld.toml")
    html = steps.write_reports(store, chosen, tmp_path, default(), [("buurt", "BU99990001")])[0].read_text("utf-8")
    tables = _tables(html)
    *services, whole = [(row[0], _euros(row[1:])) for row in tables["Zo telt het op"]]
    assert whole[0] == "samen"
    assert len(services) > 2
    for _, row in (*services, whole):
        assert abs(sum(row)) <= 5 * 5  # each cell is rounded to ten euros
    for column in range(5):
        assert sum(row[column] for _, row in services) == pytest.approx(whole[1][column], abs=5 * (len(services) + 1))
    parties = {row[0]: _euros(row[1:2])[0] for row in tables["Wie wint en wie betaalt"]}
    assert [parties[name] for name in ("Wijkbedrijf", "Bewoners samen", "Gemeente")] == [
        whole[1][at] for at in (0, 1, 3)
    ]
    turns = {row[0]: row[2] for row in tables["Wanneer komt het precies uit?"]}
    assert set(turns) > {"eigen gebruik van zonnestroom", "stroomprijs", "deelname van woningen"}
    assert all(re.fullmatch(r"(vanaf|tot) .+|altijd|met deze aanname alleen niet", one) for one in turns.values())


def test_whose_roofs_the_panels_lie_on(store, monkeypatch):
    pand = pd.DataFrame(
        {"pand_id": list("abcde"), "buurtcode": ["B1", "B1", "B2", "B1", "B1"], "homes": [1, 8, 1, 8, 1]}
    )
    tables = {
        "buurt": pd.DataFrame({"buurtcode": ["B1", "B2"], "corporation_pct": [40.0, None]}),
        "own_pand": pd.DataFrame({"pand_id": ["d", "e"], "owner": ["Woningcorporatie Zuid", "VvE Parkzicht"]}),
    }
    monkeypatch.setattr(Store, "has", lambda self, name: name in tables)
    monkeypatch.setattr(Store, "read", lambda self, name: tables[name])
    corporation, association = enterprise._roof_owners(store, pand)
    assert corporation.tolist() == pytest.approx([0.4, 0.4, float("nan"), 1.0, 0.0], nan_ok=True)
    assert association.tolist() == pytest.approx([0.0, 0.6, 0.0, 0.0, 1.0])


def test_a_run_writes_them_and_a_wrong_place_is_named(finished, store, tmp_path):
    folder = finished / "maps" / "voorbeeld" / REPORTS
    assert len(list(folder.glob("*.html"))) == len(list(folder.glob("*.pdf"))) == len(list(folder.glob("*.xlsx"))) > 0
    chosen = read_study(finished / "studies" / "voorbeeld.toml")
    with pytest.raises(ConfigError, match="buurt:nergens"):
        steps.write_reports(store, chosen, tmp_path, default(), [("buurt", "nergens")])


def test_the_first_words_do_not_promise():
    row = {
        "enterprise_eur_per_year": 500.0,
        "enterprise_eur_per_year_low": -9000.0,
        "enterprise_eur_per_year_high": 900.0,
        "earns_keep_frac": 0.2,
        "services_nl": "groen",
    }
    words = verdict(row)
    assert "middelste aannamen" in words
    assert "gokken" in words
    assert "Tegenvallen is waarschijnlijker" in words
    assert "20 procent" in words
    assert "draagt zichzelf" in verdict({**row, "services_nl": None})


def test_plan_stands_beside_actual(finished, tmp_path):
    from kansenkaart.tables.store import Lineage

    root = tmp_path / "store"
    shutil.copytree(finished / "data" / "processed" / "voorbeeld", root)
    store = Store(root)
    told = pd.DataFrame(
        {
            "actual_id": ["a", "b"],
            "place_id": ["buurt:BU99990001"] * 2,
            "actual_year": [2027, 2028],
            "actual_item": ["households", "enterprise_eur"],
            "actual_value": [40.0, -1200.0],
        }
    )
    store.write("own_actual", told, Lineage("test"))
    chosen = read_study(finished / "studies" / "voorbeeld.toml")
    html = steps.write_reports(store, chosen, tmp_path, default(), [("buurt", "BU99990001")])[0].read_text("utf-8")
    assert "Plan en werkelijkheid" in html
    # short track: 35 % of 330 homes in two years, so 58 after one; 40 came: 18 short
    assert re.search(r"woningen die meedoen, 2027</th><td>58</td><td>40</td><td>−18</td>", html)


def test_budgets_set_the_price_of_today(store, monkeypatch):
    facts = pd.DataFrame({"place_kind": "buurt", "green_m2": [1000.0, 3000.0]}).reindex(
        columns=["place_kind", *AreaFacts().__dict__]
    )
    told = pd.DataFrame({"service": ["green_maintenance"], "payer": ["gemeente"], "budget_eur_per_year": [8000.0]})
    monkeypatch.setattr(Store, "has", lambda self, name: name == "own_budget")
    monkeypatch.setattr(Store, "read", lambda self, name: told)
    green = next(one for one in enterprise.services_of(store, facts) if one.name == "green_maintenance")
    assert green.figures["present_price"].value == pytest.approx(2.0)  # 8,000 EUR over 4,000 m2
    assert green.figures["enterprise_price"].value == pytest.approx(2.0 * 1.0 / 1.1)
    assert green.figures["present_price"].quality == "measured"


def test_two_files_that_differ_are_used_from_neither(tmp_path):
    from kansenkaart.sources.own import PANDEN, read_own

    head = "pand_id,owner,maintenance_year\n"
    (tmp_path / "a.csv").write_text(head + "1,corporatie,2030\n2,vve,2031\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(head + "1,vve,2030\n2,vve,2031\n", encoding="utf-8")
    read = [
        (name, read_own(Path(tmp_path / name), shape=PANDEN, known=["1", "2"], first_year=1850, last_year=2100))
        for name in ("a.csv", "b.csv")
    ]
    table, report = join(read)
    assert table.index.tolist() == ["2"]
    assert report[report["key"] == "1"]["result"].tolist() == ["conflict", "conflict"]


def test_real_sewers_take_the_place_of_the_register(tmp_path):
    from kansenkaart.tables.provenance import Tally

    frame = pd.DataFrame({"pipe_id": ["a", "b"], "laid_year": [1970, None], "diameter_mm": [300.0, 250.0]})
    (tmp_path / "riolen.csv").write_text("pipe_id;laying_year;diameter_mm\na;1999;\nb;onbekend;400\n", encoding="utf-8")
    out, tally = own_data.with_sewers(frame, Tally(2, 2), [tmp_path / "riolen.csv"])
    assert out["laid_year"].tolist()[0] == 1999
    assert out["diameter_mm"].tolist() == [300.0, 400.0]
    assert tally.noted == {"laid_year uit eigen gegevens": 1, "diameter_mm uit eigen gegevens": 1}


def test_a_run_with_own_data_reports_every_row(finished, tmp_path):
    from kansenkaart.acquire.deliveries import Delivery
    from kansenkaart.config import Source

    store = Store(finished / "data" / "processed" / "voorbeeld")
    some = store.read("pand")["pand_id"].iloc[:3].tolist()
    rows = [
        f"{some[0]},Woningcorporatie,2028",
        f"{some[1]},Woningcorporatie,volgend jaar",
        "9999,x,2030",
        f"{some[2]},a,2030",
        f"{some[2]},b,2030",
    ]
    (tmp_path / "panden.csv").write_text("pand_id,owner,maintenance_year\n" + "\n".join(rows), encoding="utf-8")
    source = Source(role="own_pand", publisher="corporatie", origin="file", form="own", path="panden.csv")
    step = own_data.steps([(source, Delivery((tmp_path / "panden.csv",), ()))])[0]
    table, report = step.action(store)
    assert step.outputs == ("own_pand", "own_report")
    assert report.content["own_result"].value_counts().to_dict() == {
        "matched": 2,
        "conflict": 2,
        "unknown_id": 1,
        "unreadable": 1,
    }
    assert report.tally is not None
    assert (report.tally.rows_in, report.tally.kept) == (5, 2)
    assert sorted(table.content["pand_id"]) == sorted(some[:2])


NEW_SERVICE = """
import sys
from pathlib import Path
from kansenkaart.config import read_study
from kansenkaart.publish.feasibility.steps import write_reports
from kansenkaart.score.enterprise import score_cases
from kansenkaart.tables.assumptions import default
from kansenkaart.tables.store import Lineage, Store
root = Path(sys.argv[1])
store = Store(root / "data" / "processed" / "voorbeeld")
for product in score_cases(store, default()):
    store.write(product.name, product.content, Lineage("test"))
chosen = read_study(root / "studies" / "voorbeeld.toml")
write_reports(store, chosen, root / "maps" / "voorbeeld", default(), [("buurt", "BU99990001")])
"""


def test_a_service_with_a_known_driver_is_rows_only(copied, tmp_path):
    package = tmp_path / "src" / "kansenkaart"
    shutil.copytree(Path(kansenkaart.__file__).parent, package)
    rows = (package / "data" / "services.csv").read_text("utf-8")
    for line in rows.splitlines():
        if line.startswith("waste_"):
            rows += line.replace("waste", "bicycle_repair") + "\n"
    (package / "data" / "services.csv").write_text(rows, "utf-8")
    words = package / "data" / "enterprise_words.csv"
    words.write_text(words.read_text("utf-8") + "service,bicycle_repair,fietsen maken,,\n", "utf-8")
    command = [sys.executable, "-c", NEW_SERVICE, str(copied)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(tmp_path / "src")}, timeout=300)
    cases = Store(copied / "data" / "processed" / "voorbeeld").read("enterprise_case")
    said = cases["services_nl"].fillna("") + cases["costly_nl"].fillna("")
    assert said.str.contains("fietsen maken").all()
    html = (copied / "maps" / "voorbeeld" / REPORTS / "buurt-BU99990001.html").read_text("utf-8")
    assert "fietsen maken" in html


def test_a_damaged_report_is_named_and_made_again_and_a_half_written_mark_too(copied):
    place = study.open_study("voorbeeld", root=copied)
    folder = copied / "maps" / "voorbeeld" / REPORTS
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    (folder / "buurt-BU99990001.html").write_bytes(b"half")
    assert [one.where for one in study.check(place)] == [f"maps/voorbeeld/{REPORTS}/buurt-BU99990001.html"]
    (folder / MARK).write_text('{"files": {', "utf-8")
    assert [one.where for one in study.check(place)] == [f"maps/voorbeeld/{REPORTS}/{MARK}"]
    study.run_publish(place)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert study.check(place) == []


def test_a_report_that_was_asked_for_is_checked_and_kept_up_to_date(copied):
    place = study.open_study("voorbeeld", root=copied)
    folder = copied / "maps" / "voorbeeld" / REPORTS
    study.run_reports(place, ("gebied", "1"))
    asked = folder / "gebied-1.html"
    good = asked.read_bytes()
    asked.write_bytes(b"half")
    assert [one.where for one in study.check(place)] == [f"maps/voorbeeld/{REPORTS}/gebied-1.html"]
    study.run_publish(place)
    assert asked.read_bytes() == good
