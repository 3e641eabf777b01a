"""What a report says at the limits of its sums, of places in memory; and which places have one."""

from __future__ import annotations

import math
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from kansenkaart.core.enterprise.case import AreaFacts
from kansenkaart.core.enterprise.package import ServiceResult
from kansenkaart.publish.feasibility import report, steps, sums
from kansenkaart.tables.assumptions import default
from kansenkaart.tables.provenance import Provenance
from tests.pinned import same_as_pinned
from tests.publish.tables import Tables
from tests.publish.test_drawn import Shown
from tests.publish.test_places import case, squares

ROW = pd.Series(case("best", "0", stays=-4_000.0)).to_dict()
ROW |= {"participation_needed_frac": 0.256, "overhead_carried_eur_per_year": -5.0, "overhead_eur_per_year": 8_120.0}
ROW |= {"local_eur_per_year": 2_340.0, "social_nl": None, "missing_nl": None, "paid_jobs": 1.0, "volunteers": 2.0}
ROW |= {"investment_eur": 52_300.0, "better_track": "equal", "case_basis": "9 van 12 feiten bekend"}


def _lines(**more):
    row = {**ROW, **more}
    return report._needs({"long": row, "short": row}, row, None).lines


def test_what_is_needed_is_said_in_sentences_that_fit():
    said = {
        "as it is": _lines(),
        "no share helps": _lines(participation_needed_frac=None, overhead_carried_eur_per_year=6_060.0),
        "contracts carry it": _lines(participation_needed_frac=0.0, local_eur_per_year=-50.0),
        "even": _lines(local_eur_per_year=0.0, participation_needed_frac=0.004),
        "not known of all": _lines(
            local_eur_per_year=math.nan, municipality_eur_per_year=math.nan, roof_owner_eur_per_year=math.nan
        ),
        "earns": _lines(enterprise_eur_per_year=0.0, social_nl="afval (100 euro)"),
    }
    said |= {
        f"work {jobs} {helpers}": [report._work_nl({**ROW, "paid_jobs": jobs, "volunteers": helpers})]
        for jobs, helpers in ((0.04, 0.04), (0.05, 0.0), (0.0, 0.05), (1.04, 1.04), (1.06, 1.06))
    }
    left = "niet meegerekend: afval (onbekend: woningen); iets anders; niet meegerekend: afval (VvE)"
    idle = f"{left}; {report.phrases.IDLE_BUDGET}groen"
    for name, text in (("none", None), ("one", left), ("two", f"{left}; niet meegerekend: groen"), ("idle", idle)):
        said[f"left out, {name}"] = [f"{one.strong} {one.text}" for one in report._incomplete({"missing_nl": text})]
    said["verdict"] = [
        report.verdict({**ROW, **more})
        for more in ({}, {"enterprise_eur_per_year": 0.0}, {"services_nl": None}, {"earns_keep_frac": 0.999})
    ]
    said["facts"] = [
        report._fact(name, value)
        for name, value in (("homes", 1_234.0), ("green_m2", 5.4), ("main_frac", 0.256), ("homes", math.nan))
    ]
    same_as_pinned("pins/report_words.txt", {name: "\n".join(lines) for name, lines in said.items()})


def _flow(net, years=20):
    cash = np.array(net, float)[:, None]
    plan = SimpleNamespace(
        payments=[SimpleNamespace(name="loan", kind="investment"), SimpleNamespace(name="rent", kind="income")]
    )
    by_row = {
        "loan": np.full((years + 1, 2), 70.0),
        "rent": np.full((years + 1, 2), 9e9),
        "participation": np.full((years + 1, 2), 0.1),
    }
    return SimpleNamespace(
        real=lambda values: values,
        party=lambda name: cash if name == "enterprise" else cash + 5.0,
        plan=plan,
        by_row=by_row,
        discount=np.ones((years + 1, 2)),
        hours=lambda kind: np.full((years + 1, 2), {"paid": 30.0, "volunteer": 40.0}[kind]),
    )


def _place(results=(), *, roofs_apart=True, facts=None, row=None, **more):
    rows = dict.fromkeys(("short", "long"), row or ROW)
    known = facts or AreaFacts(homes=50.0, pv_own_systems=3.0, pv_association_systems=4.0, pv_own_kwp=2.5)
    one = SimpleNamespace(results=results, case=SimpleNamespace(facts=known, period_years=20, services=[]))
    shapes = squares(2).geometry
    return sums.PlaceSums(
        ("buurt", "BU1"), rows, {"long": one, "short": one}, None, shapes.iloc[:1], shapes, roofs_apart, **more
    )


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ([0.0, -5.0, -9.0, -18.0], False),  # twice the least of the years before is no end of loans
        ([0.0, -5.0, -9.0, -18.1], True),
        ([-99.0, -5.0, -9.0, -18.1], True),  # the first year is that of the investments
        ([0.0, 5.0, 9.0, -0.1], True),
        ([0.0, 5.0, 9.0, 10.0], False),
        ([0.0, 5.0, 9.0, 9.9], True),
        ([0.0, -5.0, 0.0, -0.1], False),
    ],
)
def test_the_last_year_is_explained_where_loans_end_in_it(net, said):
    parts = report._money(_place(), _flow(net)).parts
    assert any("In het laatste jaar lost" in one.text for one in parts if isinstance(one, report.Words)) is said


def test_services_that_were_not_summed_stand_before_the_drawing():
    parts = report._money(_place(row={**ROW, "missing_nl": "niet meegerekend: afval"}), _flow([1.0] * 4)).parts
    assert parts[5].text == "Niet meegerekend, want gegevens ontbreken: afval. Dat is iets anders dan nul."
    assert len(parts) == len(report._money(_place(), _flow([1.0] * 4)).parts) + 1
    grid = parts[1]
    assert [row[0] for row in grid.rows] == ["Bewoners samen", "Wijkbedrijf", "Eigenaar van de gebouwen", "Gemeente"]
    assert grid.rows[0][1:] == ("−€\xa04.000", "−€\xa07.000", "−€\xa03.990", "−€\xa01.000")


def _result(name, parties, *, chosen=True, known=True):
    return ServiceResult(name, chosen, np.array([known]), np.array(parties, float)[:, None], ())


def test_services_stand_in_the_order_of_what_they_leave_and_add_up_to_the_outcome():
    results = [
        _result("waste", [10.0, 20.0, 0.0, -25.0]),
        _result("green_maintenance", [1.0, 90.0, 0.0, -80.0]),
        _result("cleaning", [1.0, 20.0, 0.0, 0.0]),
        _result(sums.PANELS[0], [0.0, 0.0, 0.0, 0.0]),
        _result("thermal", [5.0, -3.0, 0.0, 0.0], chosen=False),
        _result("sharing", [5.0, 9.0, 0.0, 0.0], chosen=False, known=False),
    ]
    grid, _, other = report._adds_up(
        results,
        {**ROW, **{f"{one}_eur_per_year": 200.0 for one in ("household", "enterprise", "roof_owner", "municipality")}},
    )
    assert [row[1:] for row in grid.rows] == [
        ("€\xa090", "€\xa01", "€\xa00", "−€\xa080", "−€\xa011"),
        ("€\xa020", "€\xa01", "€\xa00", "€\xa00", "−€\xa021"),
        ("€\xa020", "€\xa010", "€\xa00", "−€\xa025", "−€\xa05"),
        ("€\xa070", "€\xa0188", "€\xa0200", "€\xa0305", "−€\xa0763"),
        ("€\xa0200", "€\xa0200", "€\xa0200", "€\xa0200", "−€\xa0800"),
    ]
    assert [row[1:] for row in other.rows] == [("−€\xa03", "€\xa05", "€\xa00", "€\xa00", "−€\xa02")]
    assert len(report._adds_up(results[:3], ROW)) == 2


def test_plan_stands_beside_what_became_of_it_in_years_that_were_summed():
    start = int(default().value("reference_year", "year"))
    rows = [
        ("households", 1, 9.0),
        ("enterprise_eur", 0, -5.0),
        ("paid_hours", 0, 20.0),
        ("volunteer_hours", 20, 50.0),
        ("investment_eur", 20, 60.0),
        ("household_eur", 0, 0.0),
        ("households", 21, 1.0),
        ("households", -1, 1.0),
        ("households", 2, None),
    ]
    actual = pd.DataFrame(
        [(item, start + year, value) for item, year, value in rows],
        columns=["actual_item", "actual_year", "actual_value"],
    )
    made = report._monitor(_place(), default(), actual, _flow([100.0 + k for k in range(21)]))
    label = report.label
    assert made.rows == (
        (f"{label('actual', 'enterprise_eur')}, {start}", "100", "−5", "−105"),
        (f"{label('actual', 'household_eur')}, {start}", "105", "0", "−105"),
        (f"{label('actual', 'paid_hours')}, {start}", "30", "20", "−10"),
        (f"{label('actual', 'households')}, {start + 1}", "5", "9", "4"),
        (f"{label('actual', 'investment_eur')}, {start + 20}", "70", "60", "−10"),
        (f"{label('actual', 'volunteer_hours')}, {start + 20}", "40", "50", "10"),
    )


def test_conditions_of_both_tracks_are_met_missed_or_unknown():
    one = SimpleNamespace(name="short", conditions=[SimpleNamespace(name="x", met=met) for met in (True, False, None)])
    two = SimpleNamespace(name="long", conditions=[SimpleNamespace(name="y", met=True)])
    assert report._conditions(SimpleNamespace(short=one, long=two)) == (
        ("x", "kort", "ja"),
        ("x", "kort", "nee"),
        ("x", "kort", "onbekend"),
        ("y", "lang", "ja"),
    )


def test_grounds_name_each_delivery_once_and_what_the_workbook_holds():
    def source(role, publisher, edition):
        return Provenance(role, publisher, "CC0", publisher, edition, "a", "0" * 64)

    given = [
        source("home", "bag", "1"),
        source("home", "bag", "2"),
        source("home", "cbs", "3"),
        source("pand", "bag", "1"),
    ]
    assert [one.edition for one in report._each(given)] == ["1", "3", "1"]
    actual = pd.DataFrame({"actual_item": ["households"], "actual_year": [1900], "actual_value": [1.0]})
    apart = report.grounds(_place(), default(), given, None, _flow([1.0] * 21)).parts
    joined = report.grounds(_place(roofs_apart=False), default(), given, actual, _flow([1.0] * 21)).parts
    assert len(joined) == len(apart) + 1
    assert len(report.grounds(_place(), default(), given, actual.iloc[:0], _flow([1.0] * 21)).parts) == len(apart)
    assert "staan met hun bron in het rekenblad" in apart[3].text
    assert "er is geen rekenblad" in joined[4].text
    assert [row[1:] for row in apart[4].rows] == [
        ("bag", "1", "leeftijd niet genoemd"),
        ("cbs", "3", "leeftijd niet genoemd"),
        ("bag", "1", "leeftijd niet genoemd"),
    ]
    assert [row[0] for row in apart[2].rows][:2] == [
        report.label("term", one) for one in ("participation_frac", "contracts_frac")
    ]
    assert len(apart[2].rows) == 8


# The sums of one place.


def test_roofs_are_told_of_together_where_one_kind_is_too_few():
    results = [
        _result("waste", [1.0, 2.0, 3.0, 4.0]),
        _result(sums.PANELS[0], [1.0, 1.0, 1.0, 1.0]),
        _result(sums.PANELS[1], [2.0, 3.0, 4.0, 5.0]),
        _result(sums.PANELS[2], [9.0, 9.0, 9.0, 9.0], known=False),
    ]
    place = _place(results)
    assert place.results() is results
    found = _place(results, roofs_apart=False).results()
    assert [(one.name, one.parties[:, 0].tolist()) for one in found] == [
        ("waste", [1.0, 2.0, 3.0, 4.0]),
        ("solar", [3.0, 4.0, 5.0, 6.0]),
    ]
    assert [one.name for one in _place(results[:1], roofs_apart=False).results()] == ["waste"]
    unchosen = [_result(sums.PANELS[0], [1.0] * 4, chosen=False), results[0]]
    assert [one.name for one in _place(unchosen, roofs_apart=False).results()] == ["waste"]


def test_facts_are_all_named_and_those_of_roofs_summed_where_they_may_not_be_told_of_apart():
    apart = {name: value for name, _, value in _place().facts()}
    assert list(apart) == list(AreaFacts().__dict__)
    assert (apart["pv_own_systems"], apart["pv_association_systems"]) == (3.0, 4.0)
    joined = {name: (words, value) for name, words, value in _place(roofs_apart=False).facts()}
    assert [name for name in joined if name.startswith("pv_")] == [
        "pv_own_systems",
        "pv_own_kwp",
        "pv_own_kwh_per_year",
        "pv_own_used_kwh_per_year",
    ]
    assert (joined["pv_own_systems"][1], joined["pv_own_kwp"][1], joined["homes"][1]) == (7.0, 2.5, 50.0)
    assert joined["pv_own_systems"][0].endswith(" (alle bekende daken samen)")
    assert joined["pv_own_systems"][0].count("(") == 1


def test_units_and_cells_of_a_workbook():
    assert [sums.unit_nl(one) for one in ("EUR/m2/year", "1/year", "x")] == [
        "euro per m² per jaar",
        "deel per jaar",
        "x",
    ]
    figure = SimpleNamespace(unit="EUR/m2/year", quality="guess", source="guess", low=1.0, high=3.0)

    def cell(path, by=1.0, **more):
        one = sums._cell(path, 2.0, {path: (SimpleNamespace(**{**vars(figure), **more}), by)})
        return one.low, one.high, one.unit, one.quality, one.source

    assert cell("waste.present_price_eur_per_home") == (1.0, 3.0, "euro per m² per jaar", "gok", "gok")
    assert cell("waste.price_eur_per_home", 2.0) == (2.0, 6.0, "euro per woning", "gok", "gok")
    assert cell("waste.other_frac", 2.0, unit="1", quality="x", source="boek") == (2.0, 6.0, "deel", "x", "boek")
    fact = sums._cell("facts.homes", 9.0, {})
    assert (fact.low, fact.value, fact.high, fact.quality, fact.source) == (
        9.0,
        9.0,
        9.0,
        "van de kaart",
        "feiten van het gebied",
    )
    chosen = sums._cell("waste.chosen", 1.0, {})
    assert (chosen.unit, chosen.quality, chosen.source) == ("", "keuze", "1 = doet mee, 0 = doet niet mee")


def test_the_workbook_knows_the_figures_of_terms_and_services():
    services = sums.default_services()
    found = sums._figures(default(), services, "short")
    assert {path for path in found if path.startswith("terms.")} == {
        f"terms.{name}" for name in sums.term_rows("short")
    }
    first = services[0]
    item, row = next(iter(first.figures.items()))
    assert found[f"{first.name}.{item}"] == (row, 1.0)


# Which places have a report.


def test_places_with_few_roofs_are_those_with_one_to_nine(monkeypatch):
    counts = [[0.0, 0.0], [1.0, 0.0], [9.0, 0.0], [10.0, 0.0], [5.0, 5.0], [np.nan, 9.0], [50.0, 9.0], [5.0, 4.0]]
    facts = pd.DataFrame(counts, columns=["pv_own_systems", "pv_association_systems"]).assign(
        place_kind="buurt", place_id=range(8), homes=1
    )
    shown = Shown({"enterprise_facts": facts}, {})
    few, joined = steps.of_few_roofs(shown)
    assert few == {("buurt", str(k)) for k in (1, 2, 5, 7)}
    assert joined == {("buurt", str(k)) for k in (1, 2, 4, 5, 6, 7)}
    none = (set(), set())
    assert steps.of_few_roofs(Shown({"enterprise_facts": facts}, {}, public=False)) == none
    assert steps.of_few_roofs(Shown({}, {})) == steps.of_few_roofs(Tables({"enterprise_facts": facts})) == none


def test_reports_are_made_of_chosen_places_and_of_those_asked_for_before(tmp_path, monkeypatch):
    cases = pd.DataFrame(
        [case("buurt", "BU1"), case("buurt", "BU2", homes=900), case("gebied", "7"), case("gebied", "8")]
    )
    store, study, made = Tables({"enterprise_case": cases}), SimpleNamespace(title="T", name="plaats"), []

    def written(_store, _study, folder, _known, places):
        folder.mkdir(parents=True, exist_ok=True)
        made.append(places)
        files = [folder / f"{'-'.join(one)}.html" for one in places]
        for one in files:
            one.write_text(one.name, "utf-8")
        return files

    monkeypatch.setattr(steps, "_write_all", written)
    monkeypatch.setattr(steps, "made_from", lambda *_: "mark")
    folder = tmp_path / steps.REPORTS
    first = steps.publish_reports(store, study, tmp_path, default())
    assert made == [[("buurt", "BU2"), ("buurt", "BU1")]]
    assert [(one.step, one.status, one.rows) for one in first] == [("haalbaarheid", "done", {"rapporten": 2})]
    assert steps.stand(store, study, tmp_path)
    assert steps.publish_reports(store, study, tmp_path, default())[0].status == "unchanged"
    files = steps.write_reports(store, study, tmp_path, default(), [("gebied", "7")])
    assert [one.name for one in files] == ["gebied-7.html"]
    assert sorted(steps._published(folder)) == ["buurt-BU1.html", "buurt-BU2.html", "gebied-7.html"]
    monkeypatch.setattr(steps, "made_from", lambda *_: "other")
    monkeypatch.setattr(steps, "of_few_roofs", lambda _: ({("buurt", "BU1")}, set()))
    assert not steps.stand(store, study, tmp_path)
    steps.publish_reports(store, study, tmp_path, default())
    assert made[-1] == [("buurt", "BU2"), ("gebied", "7")]
    assert sorted(one.name for one in folder.glob("*.html")) == ["buurt-BU2.html", "gebied-7.html"]
    (folder / steps.release.MARK).write_text("{", "utf-8")
    assert steps._published(folder) == set()
    steps.write_reports(store, study, tmp_path, default(), [("gebied", "8")])
    assert steps._published(folder) == {"gebied-8.html"}
    assert steps.publish_reports(Tables({}), study, tmp_path, default()) == []
    assert steps.stand(Tables({}), study, tmp_path)
    with pytest.raises(steps.ConfigError, match="buurt:BU1"):
        steps.write_reports(store, study, tmp_path, default(), [("gebied", "7"), ("buurt", "BU1")])


def test_without_places_nothing_is_written_and_a_place_without_a_case_is_named(tmp_path, monkeypatch):
    study = SimpleNamespace(title="T", name="plaats", invented=True)
    assert steps._write_all(Tables({}), study, tmp_path, default(), []) == []
    cases = gpd.GeoDataFrame(
        pd.DataFrame([case("buurt", f"BU{k:02}") for k in range(12)]), geometry=squares(12).geometry
    )
    survey = SimpleNamespace(cases=cases, sums_of=lambda _: None)
    monkeypatch.setattr(steps, "survey_of", lambda *_: survey)
    with pytest.raises(steps.ConfigError) as caught:
        steps._write_all(Tables({}), study, tmp_path, default(), [("buurt", "weg")])
    assert caught.value.found == "buurt:weg"
    assert caught.value.remedy.endswith("buurt:BU08, buurt:BU09")
