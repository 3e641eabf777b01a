"""Cases, reports and own data in a run of the example: every place, four pages, equal bytes, words that do not mislead."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

import kansenkaart
from kansenkaart.acquire import own_data
from kansenkaart.acquire.own_data import join
from kansenkaart.config import read_study
from kansenkaart.core.enterprise.case import ROOFS, AreaFacts
from kansenkaart.errors import ConfigError
from kansenkaart.present.report import Words
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.feasibility import report, steps
from kansenkaart.publish.feasibility.report import verdict
from kansenkaart.publish.feasibility.sums import survey_of
from kansenkaart.publish.figures import case_of, headline_cases, verdict_of
from kansenkaart.publish.release import MARK, REPORTS
from kansenkaart.runs import study
from kansenkaart.score import enterprise, facts
from kansenkaart.tables.assumptions import default
from kansenkaart.tables.store import Store
from kansenkaart.wording.nl import MINUS, codes, stepped

PARTIES = ("household", "enterprise", "roof_owner", "municipality")


@pytest.fixture(scope="module")
def store(finished):
    return Store(finished / "data" / "processed" / "proefveld")


def test_reports_are_of_the_best_areas_by_what_stays_then_of_the_largest_buurten():
    buurten = [("buurt", "BU3", 50), ("buurt", "BU1", 50), ("buurt", "BU2", 90)]
    rows = [(*one, track) for one in [*buurten, ("gebied", "7", 330)] for track in ("short", "long")]
    cases = pd.DataFrame(rows, columns=["place_kind", "place_id", "homes", "track"])
    largest = [("buurt", "BU2"), ("buurt", "BU1"), ("buurt", "BU3")]  # of equal ones the first by its code
    assert steps.chosen_places(cases, None) == steps.chosen_places(cases, pd.DataFrame()) == largest
    best = pd.DataFrame({"criterion": ["kwh", "stays", "stays"], "rank": [1, 2, 1], "best_id": [4, 5, 6]})
    assert steps.chosen_places(cases, best) == [("best", "6"), ("best", "5"), *largest]
    assert steps.chosen_places(cases, best.iloc[:1]) == [("best", "4"), *largest]
    many = pd.DataFrame({"criterion": "stays", "rank": range(1, 9), "best_id": range(8)})
    assert steps.chosen_places(cases, many) == [*(("best", str(one)) for one in range(5)), largest[0]]


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
        assert (cases[f"{name}_low"] <= cases[f"{name}_high"]).all()
    both = cases["household_eur_per_year"] + cases["enterprise_eur_per_year"]
    assert cases["stays_eur_per_year"].to_numpy() == pytest.approx(both.to_numpy())


def test_one_track_is_shown_of_all_places_and_everywhere_the_same(store):
    cases = store.read("enterprise_case")
    shown, survey = headline_cases(cases), survey_of(store, default())
    assert len(shown) == len(cases[["place_kind", "place_id"]].drop_duplicates())
    assert set(shown["track"]) == {"long"}  # it takes no large owner for granted
    for _, one in shown.iterrows():
        assert survey.sums_of((one["place_kind"], one["place_id"])).track == "long"
        assert case_of(store, one["place_kind"], one["place_id"])["track"] == "long"


def test_the_sum_by_hand_in_the_document_is_that_of_the_example(store):
    """The table of the method page: facts and what one unit brings; products and sum by calculator, facts as stored."""
    page = Path(__file__).parents[2] / "docs" / "methods" / "enterprise.md"
    rows = re.findall(r"^\| (\S+) \| `(\w+)` \| (\S+) \| (\S+) \| (\S+) \|$", page.read_text("utf-8"), re.MULTILINE)
    facts, cases = store.read("enterprise_facts"), headline_cases(store.read("enterprise_case"))
    place = facts[(facts["place_kind"] == "best") & (facts["place_id"] == "0")].iloc[0]
    total = -8997.99  # the fixed costs
    assert len(rows) == 12
    for _, fact, amount, unit, product in rows:
        assert float(amount) == pytest.approx(place[fact], rel=1e-3, abs=0.005), fact
        assert float(amount) * float(unit) == pytest.approx(float(product), abs=0.5), fact
        total += float(place[fact]) * float(unit)
    headline = cases[(cases["place_kind"] == "best") & (cases["place_id"] == "0")].iloc[0]["stays_eur_per_year"]
    assert total == pytest.approx(headline, abs=1.0)


def test_no_place_is_crowned_that_does_not_earn_its_keep_or_is_no_better_than_others():
    rows = pd.DataFrame(
        {
            "name": ["a", "b", "c"],
            "stays_eur_per_year": [900.0, 800.0, 100.0],
            "stays_eur_per_year_low": [500.0, 400.0, -900.0],
            "stays_eur_per_year_high": [1300.0, 1200.0, 450.0],
            "earns_keep_frac": [0.6, 0.55, 0.2],
        }
    )
    found = verdict_of(rows, "name")
    assert (found.earns, found.gains, found.around_zero, found.equal) == (True, True, False, ("a", "b"))
    apart = verdict_of(rows.assign(earns_keep_frac=[0.73, 0.45, 0.2]), "name")
    assert apart.equal == ("a",)  # the intervals overlap, but 7 of 10 and 5 of 10 are no equal chances
    rare = verdict_of(rows.assign(earns_keep_frac=0.49), "name")
    assert (rare.earns, rare.gains) == (False, True)
    short = verdict_of(rows.assign(stays_eur_per_year=[-1.0, -2.0, -3.0]), "name")
    assert (short.earns, short.gains) == (False, False)
    assert verdict_of(rows.iloc[[2]], "name").around_zero


def test_reports_are_four_pages_of_equal_bytes_without_requests(finished, store, tmp_path):
    chosen, place = read_study(finished / "studies" / "proefveld.toml"), [("buurt", "BU99990001")]
    first = steps.write_reports(store, chosen, tmp_path / "a", default(), place)
    second = steps.write_reports(store, chosen, tmp_path / "b", default(), place)
    assert [one.suffix for one in first] == [".html", ".pdf", ".xlsx"]
    assert [one.read_bytes() for one in first] == [one.read_bytes() for one in second]
    html = first[0].read_text("utf-8").replace("\N{WORD JOINER}", "")
    assert '<html lang="nl">' in html
    assert "default-src &#39;none&#39;" in html
    assert not re.findall(r"https?://|<script|<img|url\(", html)
    assert html.count("<section") == 4
    cases = headline_cases(store.read("enterprise_case")).set_index("place_id")
    low, half, high = (float(cases.loc["BU99990001", f"stays_eur_per_year_{end}"]) for end in ("low", "median", "high"))
    assert f"in de helft onder {stepped((half,), low, high)[0]} euro" in html
    assert html.count("<th scope=") > 20
    assert "verzonnen" in html
    drawn = store.read("sensitivity")
    for kind, words in (("sun", "Zon"), ("grey", "Grijswater"), ("rain", "Hemelwater")):
        mine = drawn[drawn["score_kind"].eq(kind)].sort_values("total_frac")
        most, part = mine.iloc[-1], mine["total_frac"].iloc[-1] / max(mine["total_frac"].sum(), 1)
        assert f"{words}: {codes('sensitivity_input')[most['input_name']]} ({int(100 * part + 1e-9)}%)" in html
    assert len(PdfReader(first[1]).pages) == 4


def _tables(html):
    """Return the cells of every table of a page by its caption."""
    found = {}
    for caption, body in re.findall(r"<caption>(.*?)</caption>.*?<tbody>(.*?)</tbody>", html, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        found[caption] = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return found


def _euros(cells):
    return [float(re.sub(r"[^0-9-]", "", one.replace(MINUS, "-"))) for one in cells]


def test_rows_and_columns_of_the_money_add_up(finished, store, tmp_path):
    chosen = read_study(finished / "studies" / "proefveld.toml")
    html = (
        steps.write_reports(store, chosen, tmp_path, default(), [("buurt", "BU99990001")])[0]
        .read_text("utf-8")
        .replace("\N{WORD JOINER}", "")
    )
    tables = _tables(html)
    *services, whole = [(row[0], _euros(row[1:])) for row in tables["Zo telt het op"]]
    assert whole[0] == "samen"
    assert len(services) > 2
    for _, row in (*services, whole):
        assert abs(sum(row)) <= 5  # each cell is rounded to euros
    for column in range(5):
        assert sum(row[column] for _, row in services) == pytest.approx(whole[1][column], abs=len(services) + 1)
    parties = {row[0]: _euros(row[1:2])[0] for row in tables["Wie wint en wie betaalt"]}
    assert [parties[name] for name in ("Wijkbedrijf", "Bewoners samen", "Gemeente")] == [
        whole[1][at] for at in (0, 1, 3)
    ]


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
    corporation, association = facts._roof_owners(store, pand)
    assert corporation.tolist() == pytest.approx([0.4, 0.4, float("nan"), 1.0, 0.0], nan_ok=True)
    assert association.tolist() == pytest.approx([0.0, 0.6, float("nan"), 0.0, 1.0], nan_ok=True)


def test_a_run_writes_them_and_a_wrong_place_is_named(finished, store, tmp_path):
    folder = finished / "maps" / "proefveld" / REPORTS
    assert len(list(folder.glob("*.html"))) == len(list(folder.glob("*.pdf"))) == len(list(folder.glob("*.xlsx"))) > 0
    chosen = read_study(finished / "studies" / "proefveld.toml")
    with pytest.raises(ConfigError, match="buurt:nergens"):
        steps.write_reports(store, chosen, tmp_path, default(), [("buurt", "nergens")])


def test_the_first_words_do_not_promise():
    row = {
        "stays_eur_per_year": 5600.0,
        "stays_eur_per_year_low": -9000.0,
        "stays_eur_per_year_high": 900.0,
        "enterprise_eur_per_year": -830.0,
        "enterprise_eur_per_year_low": -1400.0,
        "enterprise_eur_per_year_high": -300.0,
        "earns_keep_frac": 0.2,
        "services_nl": "groen",
    }
    words = verdict(row)
    # As roundly as the intervals are wide: 9,900 EUR by thousands, 1,100 EUR by hundreds.
    assert "Naar verwachting blijft er ongeveer 6.000 euro per jaar" in words
    assert "tussen \u22129.000 en 1.000 euro, in 8 van de 10 berekeningen" in words
    assert "komt ongeveer 800 euro tekort" in words
    assert "gokken" in words
    assert "20 procent" in words
    assert "moet er ongeveer 6.000 euro per jaar bij" in verdict({**row, "stays_eur_per_year": -5600.0})
    assert "draagt zichzelf" in verdict({**row, "services_nl": None})


def test_plan_stands_beside_actual(finished, tmp_path):
    from kansenkaart.tables.store import Lineage

    root = tmp_path / "store"
    shutil.copytree(finished / "data" / "processed" / "proefveld", root)
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
    chosen = read_study(finished / "studies" / "proefveld.toml")
    html = (
        steps.write_reports(store, chosen, tmp_path, default(), [("buurt", "BU99990001")])[0]
        .read_text("utf-8")
        .replace("\N{WORD JOINER}", "")
    )
    assert "Plan en werkelijkheid" in html
    # long track: 330 homes, a mean participation of 17.3 % (2 to 40, most likely 10) over a ramp of 3 to 10 years
    assert re.search(r"woningen die meedoen, 2027</th><td>\d+</td><td>40</td><td>−?\d+</td>", html)


def test_budgets_set_the_price_of_today(store, monkeypatch):
    known = pd.DataFrame({"green_m2": [1000.0, 3000.0]}).reindex(columns=list(AreaFacts().__dict__))
    told = pd.DataFrame({"service": ["green_maintenance"], "payer": ["gemeente"], "budget_eur_per_year": [8000.0]})
    monkeypatch.setattr(Store, "has", lambda self, name: name == "own_budget")
    monkeypatch.setattr(Store, "read", lambda self, name: told)
    green = next(one for one in enterprise.services_of(store, known) if one.name == "green_maintenance")
    assert green.figures["present_price"].value == pytest.approx(2.0)  # 8,000 EUR over 4,000 m2
    assert green.figures["enterprise_price"].value == pytest.approx(
        2.0 * 1.15 / (0.9 * 137.6 / 98.4)
    )  # the ratio at one price level
    assert green.figures["present_price"].quality == "measured"


def test_a_budget_over_units_that_are_unknown_in_one_block_says_so_of_every_place(store, monkeypatch):
    has, read = Store.has, Store.read
    told = pd.DataFrame({"service": ["small_maintenance"], "budget_eur_per_year": [8000.0]})
    blocks = store.read("block_facts")
    blocks.loc[0, "corporation_homes"] = np.nan
    given = {"own_budget": told, "block_facts": blocks}
    monkeypatch.setattr(Store, "has", lambda self, name: name in given or has(self, name))
    monkeypatch.setattr(Store, "read", lambda self, name: given[name] if name in given else read(self, name))
    cases = enterprise.score_cases(store, default())[0]
    said = "klein onderhoud aan woningen (niet overal bekend: corporatiewoningen)"
    words = f"eigen begroting zonder prijs per eenheid, dus gerekend met een aanname: {said}"
    assert cases.content["missing_nl"].str.endswith(words).all()
    assert cases.tally.noted[words] == 1
    (warning,) = report._incomplete({"missing_nl": words})
    assert warning.text == f"Let op: {words}."
    assert report._incomplete({"missing_nl": f"niet meegerekend: afval (onbekend: woningen); {words}"})[1] == warning
    given["own_budget"] = told.iloc[:0]
    assert not enterprise.score_cases(store, default())[0].content["missing_nl"].str.contains("begroting").any()


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
    out, tally = own_data.with_sewers(frame, Tally(2, 2), [(tmp_path / "riolen.csv", None)])
    assert out["laid_year"].tolist()[0] == 1999
    assert out["diameter_mm"].tolist() == [300.0, 400.0]
    assert tally.noted == {"laid_year uit eigen gegevens": 1, "diameter_mm uit eigen gegevens": 1}


def test_a_run_with_own_data_reports_every_row(finished, tmp_path):
    from kansenkaart.acquire.deliveries import Delivery
    from kansenkaart.config import Source

    store = Store(finished / "data" / "processed" / "proefveld")
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
store = Store(root / "data" / "processed" / "proefveld")
for product in score_cases(store, default()):
    store.write(product.name, product.content, Lineage("test"))
chosen = read_study(root / "studies" / "proefveld.toml")
write_reports(store, chosen, root / "maps" / "proefveld", default(), [("buurt", "BU99990001")])
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
    cases = Store(copied / "data" / "processed" / "proefveld").read("enterprise_case")
    said = cases["services_nl"].fillna("") + cases["costly_nl"].fillna("")
    assert said.str.contains("fietsen maken").all()
    html = (
        (copied / "maps" / "proefveld" / REPORTS / "buurt-BU99990001.html")
        .read_text("utf-8")
        .replace("\N{WORD JOINER}", "")
    )
    assert "fietsen maken" in html


def test_a_damaged_report_is_named_and_made_again_and_a_half_written_mark_too(copied):
    place = study.open_study("proefveld", root=copied)
    folder = copied / "maps" / "proefveld" / REPORTS
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    (folder / "buurt-BU99990001.html").write_bytes(b"half")
    assert [one.where for one in study.check(place)] == [f"maps/proefveld/{REPORTS}/buurt-BU99990001.html"]
    (folder / MARK).write_text('{"files": {', "utf-8")
    assert [one.where for one in study.check(place)] == [f"maps/proefveld/{REPORTS}/{MARK}"]
    study.run_publish(place)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert study.check(place) == []


def test_a_report_that_was_asked_for_is_checked_and_kept_up_to_date(copied):
    place = study.open_study("proefveld", root=copied)
    folder = copied / "maps" / "proefveld" / REPORTS
    study.run_reports(place, ("gebied", "1"))
    asked = folder / "gebied-1.html"
    good = asked.read_bytes()
    asked.write_bytes(b"half")
    assert [one.where for one in study.check(place)] == [f"maps/proefveld/{REPORTS}/gebied-1.html"]
    study.run_publish(place)
    assert asked.read_bytes() == good


def _with_roofs(store, monkeypatch, counts):
    """Let the first places of the public edition have so many roofs of each kind of owner; nothing else changes."""
    shown = ReaderStore(store, public=True)
    read, table = ReaderStore.read, ReaderStore(store, public=True).read("enterprise_facts")
    kinds = [f"pv_{roofs}_systems" for roofs in ROOFS]  # none on houses of a corporation
    table.loc[table.index[: len(counts)], kinds] = [(*three, 0.0) for three in counts]
    monkeypatch.setattr(
        ReaderStore, "read", lambda self, name: table if name == "enterprise_facts" else read(self, name)
    )
    return shown, [(str(kind), str(key)) for kind, key in zip(table["place_kind"], table["place_id"], strict=True)]


def test_the_public_edition_tells_of_no_single_roof(store, monkeypatch):
    counts = [(1.0, 0.0, 0.0), (50.0, 9.0, np.nan), (10.0, 0.0, 10.0), (0.0, 0.0, 0.0)]
    shown, places = _with_roofs(store, monkeypatch, counts)
    few, of_a_kind = steps.of_few_roofs(shown)
    assert few & set(places[:4]) == {places[0]}
    assert of_a_kind & set(places[:4]) == set(places[:2])
    assert steps.of_few_roofs(store) == (set(), set())  # the whole edition is for internal use


def test_a_report_with_few_roofs_of_a_kind_tells_of_all_roofs_together(store, finished, monkeypatch, tmp_path):
    shown, places = _with_roofs(store, monkeypatch, [(53.0, 9.0, np.nan), (1.0, 1.0, 0.0)])
    sample = read_study(finished / "studies" / "proefveld.toml")
    files = steps.write_reports(shown, sample, tmp_path, default(), [places[0]])
    assert sorted(one.suffix for one in files) == [".html", ".pdf"]  # the workbook names every fact by itself
    page = files[0].read_text("utf-8")
    facts = dict(re.findall(r'<th scope="row">([^<]*)</th><td[^>]*>([^<]*)</td>', page))
    assert facts["daken met panelen (alle bekende daken samen)"] == "62"
    assert "zonnepanelen (alle daken samen)" in page
    rows = re.findall(r'<th scope="row">([^<]*)</th><td', page)
    assert [row for row in rows if "eigen daken" in row or "VvE" in row] == []
    assert ".xlsx" not in page
    with pytest.raises(ConfigError, match="at least ten"):
        steps.write_reports(shown, sample, tmp_path, default(), [places[1]])


def _words(section):
    return " ".join(one.text for one in section.parts if isinstance(one, Words))


def test_a_report_tells_the_spread_of_what_was_summed_from_the_owner_who_is_not_known_and_where_roofs_are_known(store):
    place = survey_of(store, default()).sums_of(("best", "0"))
    flow = place.sums[place.track].flow()
    owned = {track: {**one, "stays_if_owned_eur_per_year": 9_999.0} for track, one in place.rows.items()}
    given = {track: {**one, "stays_if_owned_eur_per_year": np.nan} for track, one in place.rows.items()}
    for rows, said in ((owned, True), (given, False)):
        one = replace(place, rows=rows)
        assert ("hoeveel dat verandert, staat onder" in _words(report.how_sure(one))) is said
        assert (
            "van wie zij ook zijn, is wel geschat" in _words(report.grounds(one, default(), [], None, flow))
        ) is said


def test_where_more_that_take_part_do_not_help_a_report_says_what_more_homes_do(store):
    row = next(iter(survey_of(store, default()).sums_of(("best", "0")).rows.values()))
    short = {**row, "participation_needed_frac": np.nan, "enterprise_eur_per_year": -9_394.0}
    each = {f"contribution_eur_per_participant{end}": one for end, one in (("", 20.0), ("_low", 10.0), ("_high", 30.0))}
    larger = pd.Series({**each, "place_name": "Oost", "homes": 5_304})
    lines = report._needs({"short": short, "long": short}, short, larger).lines
    assert lines[1].startswith("Meer deelnemende woningen alleen lost het niet op")
    assert lines[2].startswith("Met meer woningen in één wijkbedrijf wordt de bijdrage kleiner")
    assert "in Oost (5.304 woningen) is zij ongeveer 20 euro" in lines[2]
    assert not any(
        "in één wijkbedrijf" in one for one in report._needs({"short": short, "long": short}, short, None).lines
    )
    for needed, said in ((0.0, "dragen het wijkbedrijf"), (0.25, "een deelname van ongeveer 25 procent")):
        even = {**short, "participation_needed_frac": needed}
        assert said in report._needs({"short": even, "long": even}, even, None).lines[1]
