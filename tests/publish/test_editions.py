"""Gates before publishing, editions after it: nothing bad is published, and what differs is told with its cause."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner

from kansenkaart.cli import cli
from kansenkaart.config import OwnFigure
from kansenkaart.errors import ConfigError, GateError, StoreError
from kansenkaart.publish.editions import editions as kept
from kansenkaart.publish.editions import steps as comparing
from kansenkaart.publish.editions.editions import editions
from kansenkaart.publish.editions.steps import series
from kansenkaart.publish.feasibility.sums import QUALITY_NL
from kansenkaart.publish.steps import own_figures
from kansenkaart.runs import study
from kansenkaart.tables.store import Lineage
from tests.runs.places import all_bytes


@pytest.fixture(autouse=True)
def _no_page(finished, monkeypatch):
    """Leave out the making of the page itself, which other tests look at: what comes before and after it counts here."""
    monkeypatch.setattr(study.publish, "publish", lambda *_args, **_kw: [])
    monkeypatch.setattr(study.feasibility_reports, "publish_reports", lambda *_args, **_kw: [])


def _place(root):
    return study.open_study("proefveld", root=root)


def _folder(root):
    return root / "data" / "editions" / "proefveld"


def _rewrite(place, name, change, same=False, **parameters):
    """Store another table under its name, as a later run with other data or parameters would; ``same`` are equal bytes."""
    told = place.store.describe(name)
    sources = place.store.sources_of([name])
    if not parameters:
        other = {"edition": "2027-01-08"} | ({} if same else {"sha256": "f" * 64})
        sources = tuple(type(one)(**{**one.to_dict(), **other}) for one in sources)
    frame = change(place.store.read(name))
    lineage = Lineage("later", sources, told["inputs"], {**told["parameters"], **parameters}, told["tally"])
    place.store.write(name, frame, lineage)


def test_a_first_run_keeps_its_edition_and_a_second_adds_none(finished):
    (only,) = editions(_folder(finished))
    assert only.tables["home"]["rows"] == len(_place(finished).store.read("home"))
    assert only.content["accepted"] is None
    report = study.run_publish(_place(finished))[-1]
    assert (report.step, report.status, dict(report.rows)) == ("editie", "unchanged", {"edities": 1})


def test_half_a_delivery_publishes_nothing_until_somebody_accepts_it(copied, monkeypatch):
    place, before = _place(copied), all_bytes(copied, "maps", "data/editions")
    _rewrite(place, "home", lambda frame: frame.iloc[::2])
    published = []
    monkeypatch.setattr(study.publish, "publish", lambda *_args, **_kw: published.append(1) or [])
    with pytest.raises(GateError) as caught:
        study.run_publish(place)
    assert not published
    assert caught.value.exit_code == 7
    assert "rows of home" in caught.value.found
    assert "same of buurt_score.homes to home.buurtcode" in caught.value.found
    assert "edition 1, which stays published" in caught.value.expected
    assert '--accepteer "who: why"' in caught.value.remedy
    assert all_bytes(copied, "maps", "data/editions") == before
    study.run_publish(place, accept="J. Jansen:  half the homes\n were pulled down")
    known = editions(_folder(copied))
    said = known[-1].content["accepted"]
    assert (said["who"], said["why"]) == ("J. Jansen", "half the homes were pulled down")
    assert {one["gate"] for one in said["failures"]} >= {"rows", "same"}
    assert "J. Jansen" in (_folder(copied) / "cijfers.html").read_text("utf-8")
    assert study.run_publish(place)[-1].status == "unchanged"  # accepted once is enough
    assert len(editions(_folder(copied))) == 2


def test_the_difference_names_homes_scores_and_the_cause(copied):
    place = _place(copied)
    first = place.store.read("home")
    gone, changed = first["home_id"].iloc[0], first["home_id"].iloc[5]

    def later(frame):
        kept = frame[frame["home_id"] != gone].copy()
        kept.loc[kept["home_id"] == changed, "floor_area_m2"] = 321.0
        return kept

    _rewrite(place, "home", later)
    _rewrite(place, "street_score", lambda frame: frame.assign(people=frame["people"] * 1.1), water_use_shower=48.0)
    study.run_publish(place)
    folder = _folder(copied) / "0002"
    told = json.loads((folder / "verschil.json").read_text("utf-8"))
    tables = {one["table"]: one for one in told["tables"]}
    assert set(tables) == {"home", "street_score"}
    home = tables["home"]
    assert (home["added"], home["gone"], home["changed"], home["causes"]) == (0, 1, 1, ["data"])
    (move,) = home["moves"]
    assert (move["column"], move["largest"][0]["key"], move["largest"][0]["now"]) == ("floor_area_m2", changed, 321.0)
    # Homes are an input of streets, so their new delivery is a cause as well.
    assert tables["street_score"]["causes"] == ["data", "assumption"]
    assert "water_use_shower" in {one["name"] for one in told["assumptions"]}
    assert told["code"] is False
    assert [one["now"][-13:] for one in told["deliveries"]] == ["ffffffffffff)"] * len(told["deliveries"])
    assert "home" in {one["role"] for one in told["deliveries"]} <= {"home", "buurt", "statistics", "pand"}
    rows = (folder / "verschil.csv").read_text("utf-8").splitlines()
    assert rows[0] == '\ufeff"table";"key";"change";"columns"'
    assert f'"home";"{gone}";"gone";""' in rows
    assert f'"home";"{changed}";"changed";"floor_area_m2"' in rows
    page = (folder / "verschil.html").read_text("utf-8")
    assert "De rekenregels zijn dezelfde." in page
    assert "<script" not in page


def test_another_name_for_the_same_bytes_is_no_other_data(copied):
    place = _place(copied)
    _rewrite(place, "home", lambda frame: frame.iloc[1:], same=True)
    study.run_publish(place)
    told = json.loads((_folder(copied) / "0002" / "verschil.json").read_text("utf-8"))
    assert told["deliveries"] == []
    assert [(one["table"], one["causes"]) for one in told["tables"]] == [("home", ["unknown"])]
    assert "De geleverde gegevens zijn dezelfde." in (_folder(copied) / "0002" / "verschil.html").read_text("utf-8")


def test_figures_over_editions_are_plotted_and_told_in_a_table(copied):
    place = _place(copied)
    _rewrite(place, "home", lambda frame: frame.iloc[1:])
    study.run_publish(place)
    known = editions(_folder(copied))
    homes = next(one for one in series(known) if one.label_nl == "Woningen")
    assert homes.values[1] == homes.values[0] - 1
    assert known[-1].label == "2 (2025)"  # the statistics speak of 2025; another delivery came on 2027-01-08
    page = (_folder(copied) / "cijfers.html").read_text("utf-8")
    figures = len(series(known))
    assert page.count('<svg role="img"') == page.count("<desc") == page.count("<table>") == figures
    assert len(re.findall(r"<polyline points=\"[\d.,]+ [\d.,]+\"/>", page)) == figures
    assert page.count('text-anchor="middle">2</text>') == figures
    assert not (_folder(copied) / "0001" / "tables").exists()
    assert (_folder(copied) / "0002" / "tables" / "home.parquet").stat().st_ino == place.store.path(
        "home"
    ).stat().st_ino


@pytest.mark.parametrize(("code", "causes"), [(None, ["assumption"]), ("other", ["assumption", "code"])])
def test_an_assumption_and_the_code_are_told_apart_from_data(copied, monkeypatch, code, causes):
    place = _place(copied)
    if code:
        monkeypatch.setattr("kansenkaart.publish.editions.steps.scoring_version", lambda: code)
    _rewrite(place, "street_score", lambda frame: frame.assign(people=frame["people"] * 1.01), water_use_shower=48.0)
    study.run_publish(place)
    told = json.loads((_folder(copied) / "0002" / "verschil.json").read_text("utf-8"))
    (one,) = told["tables"]
    assert one["causes"] == causes
    assert told["deliveries"] == []


def test_a_range_of_the_study_itself_moves_what_is_drawn_and_says_so(copied):
    """The value stays 8,000: only what it may be differs, on which every interval rests; the scores of before stood."""
    place = _place(copied)
    for high, low in ((9000.0, 7000.0), (12_000.0, 7000.0)):
        own = OwnFigure(value=8000.0, low=low, high=high, source="raming van de initiatiefgroep (verzonnen)")
        place = replace(place, study=place.study.model_copy(update={"assumptions": {"enterprise_overhead": own}}))
        made = {one.step: one.status for one in study.run_score(place)}
        assert (made["wijkbedrijf"], made["panden"]) == ("done", "unchanged")
        study.run_publish(place)
    page = (_folder(copied) / "0003" / "verschil.html").read_text("utf-8")
    assert "8.000 (7.000 tot 9.000) werd 8.000 (7.000 tot 12.000)." in page


def test_another_reading_of_the_same_file_is_other_data_and_no_assumption(copied):
    place = _place(copied)
    read = place.store.describe("home")["parameters"]["reading"]
    _rewrite(place, "home", lambda frame: frame.iloc[1:], reading=[one | {"layer": "oud"} for one in read])
    study.run_publish(place)
    told = json.loads((_folder(copied) / "0002" / "verschil.json").read_text("utf-8"))
    causes = {one["table"]: one["causes"] for one in told["tables"]}
    assert (causes["home"], told["assumptions"]) == (["data"], [])


def test_a_figure_of_the_study_itself_moves_the_cases_and_says_so(copied):
    """The overhead of the enterprise from 8,000 to 6,500 euro a year: the page of differences and the overview name it."""
    place = _place(copied)
    own = OwnFigure(value=6500.0, source="raming van de initiatiefgroep (verzonnen)")
    place = replace(place, study=place.study.model_copy(update={"assumptions": {"enterprise_overhead": own}}))
    study.run_score(place)
    study.run_publish(place)
    told = json.loads((_folder(copied) / "0002" / "verschil.json").read_text("utf-8"))
    assert {"name": "enterprise_overhead", "before": 8000.0, "now": 6500.0} in told["assumptions"]
    tables = {one["table"]: one["causes"] for one in told["tables"]}
    assert "assumption" in tables["enterprise_case"]
    assert "pand_score" not in tables
    page = (_folder(copied) / "0002" / "verschil.html").read_text("utf-8")
    assert "Aanname vaste kosten van de organisatie (lang spoor): 8.000 werd 6.500." in page
    assert "<h2>Cijfers die bewogen in: uitkomsten voor een wijkbedrijf</h2>" in page
    assert not re.search(r"enterprise_\w+|EUR/", page)  # names of ours and units of the dictionary are no Dutch
    (said,) = own_figures(place.study)
    assert said.means == (
        "vaste kosten van de organisatie (lang spoor): 6.500 euro per jaar (bron: raming van de initiatiefgroep (verzonnen))"
    )
    assert QUALITY_NL["own"] == "eigen aanname"


def test_a_damaged_edition_is_refused_and_a_damaged_kept_table_is_not_compared(copied):
    summary = _folder(copied) / "0001" / "edition.json"
    whole = summary.read_text("utf-8")
    place = _place(copied)
    for damage in ("{", "[]", whole.replace('"rows": ', '"rows": 1', 1)):
        summary.write_text(damage, "utf-8")
        with pytest.raises(StoreError, match="edition"):
            study.run_publish(place)
    summary.write_text(whole, "utf-8")
    (_folder(copied) / "0001" / "tables" / "home.parquet").write_bytes(b"?")
    study.run_publish(place)  # the same edition: mended from the store
    assert (_folder(copied) / "0001" / "tables" / "home.parquet").read_bytes() == place.store.path("home").read_bytes()


def test_what_a_killed_run_left_is_cleared(copied):
    left = _folder(copied) / ".0002.part"
    shutil.copytree(_folder(copied) / "0001", left)
    study.run_publish(_place(copied))
    assert not left.exists()


def test_the_command_line_ends_with_7_and_takes_who_and_why(copied, monkeypatch):
    monkeypatch.setattr(study, "run_acquire", lambda *_args, **_kw: [])
    monkeypatch.setattr(study, "run_score", lambda *_args, **_kw: [])
    _rewrite(_place(copied), "pand", lambda frame: frame.iloc[: len(frame) // 2])
    shown = CliRunner().invoke(cli, ["--map", str(copied), "run", "proefveld", "--json"])
    assert isinstance(shown.exception, GateError)
    words = ["--map", str(copied), "run", "proefveld", "--json", "--accept"]
    assert isinstance(CliRunner().invoke(cli, [*words, "ja"]).exception, ConfigError)
    assert CliRunner().invoke(cli, [*words, "A. B.: proef"]).exit_code == 0


@pytest.mark.parametrize("said", ["", "ja", ": waarom", "wie:", "wie: x", "a" * 61 + ": omdat het zo is"])
def test_accepting_without_who_or_why_is_refused(said):
    with pytest.raises(ConfigError):
        kept.accepted(said)


def test_every_rule_speaks_of_tables_that_exist():
    from fnmatch import filter as match

    from kansenkaart.tables import schemas

    for one in kept.gates():
        if one.gate != "same":
            # What the height model says beside the roofs, and the tally of the statistics, are summed up as tables.
            assert match([*schemas.tables(), "height_model", "statistics"], one.table), one
            continue
        for path in (one.table, one.column):
            table, column = path.split(".")
            assert column in schemas.get(table).columns, one


def test_a_table_that_came_is_held_against_all_that_the_other_edition_was_made_from():
    def made(digest, litres, *inputs):
        source = {"role": "home", "publisher": "bag", "edition": "2026", "sha256": digest}
        return {"sources": [source] if digest else [], "parameters": {"litres": litres}, "inputs": inputs}

    told = object.__new__(comparing._Lineages)
    told.code_changed = False
    told._old = {"home": made("a", 1), "street": made("", 107, "home")}
    told._new = {"home": made("a", 1), "street": made("", 109, "home"), "buurt": made("", 5, "home")}
    assert told.causes("buurt") == ["assumption"]  # the same file; only a figure moved
    assert told.causes("street") == ["assumption"]
    assert told.causes("home") == ["unknown"]
    told._new["home"] = made("b", 1)
    assert told.causes("buurt") == ["data", "assumption"]
    assert told.causes("home") == ["data"]
