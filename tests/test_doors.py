"""The doors of the package by themselves: what a command or call passes on and says, with nothing behind it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner

from kansenkaart import api, errors
from kansenkaart import cli as door
from kansenkaart.acquire import own_data
from kansenkaart.errors import ConfigError
from kansenkaart.runs import query, studies, study
from kansenkaart.score import calibration
from kansenkaart.tables.step import Report


@pytest.fixture
def behind(monkeypatch, tmp_path):
    """Keep what is asked behind the command line, and answer with small things."""
    asked = []

    def stand(module, name, answer):
        def answering(*given, **named):
            asked.append((name, given, named))
            return answer(*given, **named) if callable(answer) else answer

        monkeypatch.setattr(module, name, answering)

    place = SimpleNamespace(
        study=SimpleNamespace(name="proef"),
        folders=SimpleNamespace(maps=tmp_path / "maps"),
        target=tmp_path / "maps" / "proef",
        store=SimpleNamespace(root=tmp_path / "store"),
        http=SimpleNamespace(meter=SimpleNamespace()),
    )
    for module in (study, studies):
        stand(module, "open_study", place)
    reports = [Report("pand", "done", {"pand": 1234, "home": 2}), Report("kaart", "unchanged", {})]
    stand(study, "run_all", reports)
    stand(study, "check", [])
    stand(study, "foresee", [{"name": "pand", "kind": "source", "plan": "read", "detail": "a.gpkg"}])
    stand(study, "run_reports", [tmp_path / "a.pdf", tmp_path / "b.pdf"])
    row = dict.fromkeys(("own_file", "own_row", "own_column", "own_found", "own_words"), "x") | {"own_row": 3}
    stand(study, "own_report", [row])
    stand(study, "write_own_example", lambda _role, out: Path(out))
    stand(studies, "run_release", [tmp_path / "uit" / "a", tmp_path / "uit" / "b"])
    trial = {"source": "bag", "verdict": "goed", "seconds": "1", "requests": "2", "minutes": "3"}
    trial |= {"words": ["een", "twee"]}
    stand(studies, "run_trial", [trial | {"works": True}])
    stand(studies, "list_studies", [])
    stand(own_data, "forget", [])
    stand(calibration, "write_priors", {"panden": 1234})
    stand(query, "ask", "answer")
    stand(query, "write_geojson", None)
    stand(query, "plain", {"area": {"centre_block_id": 7}})
    stand(query, "asked", "bounds")
    return SimpleNamespace(asked=asked, stand=stand, place=place, root=tmp_path)


def _run(behind, *words):
    done = CliRunner().invoke(door.cli, ["--map", str(behind.root), *words])
    return done.exit_code, done.stdout.replace(str(behind.root), "ROOT").splitlines()


def _asked(behind, name):
    return [(given, named) for one, given, named in behind.asked if one == name]


def test_a_run_passes_on_what_was_asked_and_says_what_was_done(behind):
    words = ("run", "proef", "--code", "GM0193", "--intern", "--accepteer", "ik: daarom")
    assert _run(behind, *words)[0] == 0
    (given, named), *_ = _asked(behind, "open_study")
    assert (given, named) == (("proef",), {"root": behind.root, "gemeentecode": "GM0193", "public": False})
    assert _asked(behind, "run_all")[0][1]["accept"] == "ik: daarom"
    lines = _run(behind, *words)[1]
    assert lines[0].split() == ["stap", "rijen"]
    assert lines[1].split()[-2:] == ["1.234,", "2"]
    assert lines[-1] == "Kaart: ROOT/maps/proef/index.html"
    assert "Er is niets veranderd: alles staat er al." not in lines
    told = json.loads("".join(_run(behind, "run", "proef", "--json")[1]))
    assert told == {
        "study": "proef",
        "map": "ROOT/maps/proef/index.html",
        "steps": [
            {"step": "pand", "status": "done", "rows": {"pand": 1234, "home": 2}},
            {"step": "kaart", "status": "unchanged", "rows": {}},
        ],
    }
    assert _run(behind, "run", "proef", "--stil") == (0, [])
    _run(behind, "run", "proef", "--openbaar")
    _run(behind, "demo")
    assert [named.get("public") for _, named in _asked(behind, "open_study")[-2:]] == [True, None]
    assert _asked(behind, "open_study")[-1][0] == ("voorbeeld",)


def test_a_dry_run_says_of_each_source_what_becomes_of_it_and_ends_as_the_run_would(behind):
    later = "Welke stappen volgen, hangt af van wat er opgehaald wordt of nog ontbreekt."
    assert _run(behind, "run", "proef", "--droog") == (
        0,
        ["bron of stap                 wat", "pand          wordt gelezen  a.gpkg", later],
    )
    rows = [
        {"name": "pand", "kind": "source", "plan": "wrong", "detail": "x", "exit_code": 3},
        {"name": "home", "kind": "source", "plan": "missing", "detail": "y", "exit_code": 2},
        {"name": "kaart", "kind": "step", "plan": "make", "detail": ""},
    ]
    behind.stand(study, "foresee", rows)
    code, lines = _run(behind, "run", "proef", "--droog", "--code", "GM0193")
    assert (code, later in lines) == (3, False)
    assert [line.split()[1] for line in lines[1:]] == ["KAN", "ONTBREEKT", "wordt"]
    assert _asked(behind, "open_study")[-1][1] == {"root": behind.root, "gemeentecode": "GM0193"}
    assert (code, json.loads(_run(behind, "run", "proef", "--droog", "--json")[1][0])) == (3, rows)


def test_a_check_complains_of_each_file_and_ends_with_the_code_of_the_first(behind):
    assert _run(behind, "check", "proef") == (0, ["Alle bewaarde bestanden zijn in orde."])
    assert _run(behind, "check", "proef", "--json") == (0, ["[]"])
    wrong = [errors.StoreError("a", found="b", where="c", remedy="d"), errors.SchemaError("e", found="f")]
    behind.stand(study, "check", wrong)
    done = CliRunner().invoke(door.cli, ["check", "proef"])
    assert (done.exit_code, done.stdout) == (5, "")
    assert (
        done.stderr
        == "Fout: verwacht: a\n  gevonden: b\n  waar: c\n  wat te doen: d\nFout: verwacht: e\n  gevonden: f\n"
    )
    behind.stand(study, "check", wrong[1:])
    code, lines = _run(behind, "check", "proef", "--json")
    assert (code, json.loads(lines[0])) == (3, [wrong[1].plain()])


def test_a_trial_says_what_each_source_answered_and_how_many_would_not_work(behind):
    code, lines = _run(behind, "proef", "--code", "GM0193", "--uit", str(behind.root / "uit"))
    assert (code, lines[1].split(), lines[2]) == (0, ["bag", "goed", "1", "2", "3"], "bag: een; twee")
    assert _asked(behind, "run_trial")[0][0] == (behind.place, behind.root / "uit")
    assert _asked(behind, "open_study")[0] == (("gemeente",), {"root": behind.root, "gemeentecode": "GM0193"})


def test_own_data_are_reported_row_by_row_and_an_example_has_a_name_of_its_own(behind):
    code, lines = _run(behind, "eigen-data", "proef")
    assert (code, lines) == (
        0,
        ["bestand  regel  kolom  gevonden  uitleg", "x        3      x      x         x"],
    )
    assert json.loads(_run(behind, "eigen-data", "proef", "--json")[1][0])[0]["own_row"] == 3
    assert _run(behind, "eigen-data", "--voorbeeld", "riool", "--json") == (0, ['{"file": "eigen_riool.csv"}'])
    assert _asked(behind, "write_own_example") == [(("own_sewer", Path("eigen_riool.csv")), {})]
    assert _run(behind, "eigen-data", "--voorbeeld", "pand", "--uit", str(behind.root / "a.csv")) == (
        0,
        ["Voorbeeld: ROOT/a.csv"],
    )
    assert _run(behind, "eigen-data", "proef", "--voorbeeld", "pand")[0] == 2


def test_what_is_forgotten_is_named(behind):
    assert _run(behind, "vergeet", "proef", "own_pand") == (0, ["Van own_pand was niets bewaard."])
    behind.stand(own_data, "forget", ["a", "b"])
    assert _run(behind, "vergeet", "proef", "own_pand") == (0, ["gewist: a", "gewist: b"])
    assert _run(behind, "vergeet", "proef", "own_pand", "--json") == (0, ['["a", "b"]'])


def test_reports_are_of_one_place_or_of_all(behind):
    assert _run(behind, "haalbaarheid", "proef", "buurt:BU1") == (0, ["ROOT/a.pdf", "ROOT/b.pdf"])
    assert _run(behind, "haalbaarheid", "proef", "--alle", "--json") == (0, ['["ROOT/a.pdf", "ROOT/b.pdf"]'])
    assert [given[1] for given, _ in _asked(behind, "run_reports")] == [("buurt", "BU1"), None]
    for words in ((), ("buurt:BU1", "--alle"), ("buurt",), ("buurt:",), (":x", "--alle")):
        done = CliRunner().invoke(door.cli, ["haalbaarheid", "proef", *words])
        assert isinstance(done.exception, ConfigError), words


def test_a_release_table_of_roofs_and_list_say_where_they_are(behind):
    assert _run(behind, "uitgave", "proef", "--openbaar", "--uitgever", "Wij", "--contact", "a@b.nl") == (
        0,
        ["Uitgave: ROOT/uit"],
    )
    assert _asked(behind, "run_release") == [((behind.place, ("Wij", "a@b.nl")), {})]
    assert _run(behind, "uitgave", "proef", "--json") == (0, ['["ROOT/uit/a", "ROOT/uit/b"]'])
    assert _asked(behind, "run_release")[1][0][1] == ("Kansenkaart", "")
    assert [named["public"] for _, named in _asked(behind, "open_study")] == [True, None]
    (behind.root / "tile").touch()
    words = ("daken", str(behind.root / "tile"), "--uit", str(behind.root / "d.csv"))
    assert _run(behind, *words) == (0, ["Tabel: ROOT/d.csv (1.234 gebouwen)"])
    assert _run(behind, *words, "--json") == (0, ['{"panden": 1234}'])
    assert _asked(behind, "write_priors")[0] == (((behind.root / "tile",), behind.root / "d.csv"), {})
    _run(behind, "daken", str(behind.root / "tile"))
    assert _asked(behind, "write_priors")[-1][0][1] == Path("daken.csv")
    assert _run(behind, "lijst", "--json") == (0, ["[]"])
    listed = {"name": "a", "title": "b", "place": "c", "origin": "d"}
    behind.stand(studies, "list_studies", [{**listed, "published": True}, {**listed, "published": False}])
    assert [line.split()[4:] for line in _run(behind, "lijst")[1][1:]] == [["kaart", "gemaakt"], ["-"]]


def test_an_area_is_asked_with_its_bounds_and_written_beside_the_map(behind):
    code, lines = _run(behind, "gebied", "proef", "--punt", "1,2", "--json")
    path = "ROOT/maps/proef/gebied_7.geojson"
    assert (code, json.loads(lines[0])) == (0, {"area": {"centre_block_id": 7}, "geojson": path})
    usual = {
        "address": None,
        "low": None,
        "high": None,
        "radius": None,
        "owner_at_least": 0.0,
        "owner_at_most": 1.0,
        "pins_in": "",
        "pins_out": "",
        "criterion": None,
        "prices": False,
        "seconds": 10.0,
    }
    assert _asked(behind, "asked") == [(("1,2", usual), {})]
    given = ("--adres", "A 1", "--minst", "1", "--meest", "1", "--straal", "5000", "--prijzen", "--seconden", "0")
    more = (
        "--corporaties-minstens",
        "1",
        "--corporaties-hoogstens",
        "0",
        "--met",
        "1",
        "--zonder",
        "2",
        "--naar",
        "kwh",
    )
    out = str(behind.root / "x.geojson")
    assert _run(behind, "gebied", "proef", *given, *more, "--json", "--uit", out)[0] == 0
    assert _asked(behind, "asked")[1][0] == (
        None,
        {
            "address": "A 1",
            "low": 1,
            "high": 1,
            "radius": 5000.0,
            "owner_at_least": 1.0,
            "owner_at_most": 0.0,
            "pins_in": "1",
            "pins_out": "2",
            "criterion": "kwh",
            "prices": True,
            "seconds": 0.0,
        },
    )
    assert [given for given, _ in _asked(behind, "write_geojson")] == [
        ("answer", behind.root / "maps" / "proef" / "gebied_7.geojson"),
        ("answer", Path(out)),
    ]
    for wrong in (
        ("--minst", "0"),
        ("--meest", "0"),
        ("--straal", "5000.5"),
        ("--straal", "0.9"),
        ("--seconden", "-0.1"),
    ):
        assert _run(behind, "gebied", "proef", *wrong)[0] == 2, wrong
    for wrong in (("--corporaties-minstens", "1.01"), ("--corporaties-hoogstens", "-0.01"), ("--naar", "goud")):
        assert _run(behind, "gebied", "proef", *wrong)[0] == 2, wrong
    assert _run(behind, "gebied", "proef", "--straal", "1", "--json")[0] == 0


def test_a_sign_that_no_path_holds_and_an_end_on_request_are_told_by_their_codes(monkeypatch, capsys):
    done = CliRunner().invoke(door.cli, ["--map", "a\0b", "lijst"])
    assert (done.exit_code, "in een pad kan geen nulteken staan" in done.output) == (2, True)

    def ended(**_):
        raise door.click.exceptions.Abort

    for how, code in ((ended, 130), (lambda **_: None, 0), (lambda **_: 4, 4)):
        monkeypatch.setattr(door.cli, "main", how)
        with pytest.raises(SystemExit) as caught:
            door.main()
        assert caught.value.code == code
    assert capsys.readouterr().out == ""


def test_what_is_asked_for_is_sent_elsewhere_only_while_it_is_asked(capfd):
    with door._libraries_elsewhere():
        print("library")  # noqa: T201 - as a library does
    print("ours")  # noqa: T201
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("ours\n", "library\n")


@pytest.mark.parametrize(
    ("name", "value", "fine"),
    [
        ("homes", 0, True),
        ("homes", -0.1, False),
        ("homes", np.float64(1.0), True),
        ("homes", float("nan"), True),
        ("homes", float("inf"), False),
        ("homes", "3", False),
        ("sewer_saving_eur", -5.0, True),
        ("sewer_saving_eur", -np.inf, False),
    ],
)
def test_a_fact_is_a_number_of_nought_or_more_but_for_what_sewers_save(name, value, fine):
    assert api._is_fact(name, value) is fine


def test_an_area_of_ones_own_is_asked_with_a_band_of_a_tenth_within_300_m(monkeypatch):
    asked = {}
    frame = gpd.GeoDataFrame(
        {"block_id": [4, 5, 6]}, geometry=[shapely.box(k, 0, k + 1, 1) for k in range(3)], crs=28992
    )
    graph = SimpleNamespace(value=np.array([50.0, np.nan, 70.0]), homes=np.array([10, 20, 10]))
    monkeypatch.setattr(api, "_graph", lambda blocks, value: asked.update(value=value) or graph)
    monkeypatch.setattr(api, "block_at", lambda graph, point, within_m: asked.update(point=point, within=within_m) or 1)
    answer = SimpleNamespace(homes=30, border_m=12.5, gap=0.25, blocks=[0, 1])
    monkeypatch.setattr(
        api, "best_around", lambda graph, centre, question: asked.update(c=centre, q=question) or answer
    )
    price = api.assumptions.default().value("area_border_price", "home/m")
    made = api.best_area(SimpleNamespace(frame=frame), around=(155_000, 463_000), target=335, value="worth")
    # 120 euro over 40 homes is 3 a home; 301.5 and 368.5 homes to the nearest even or above.
    wanted = api.AreaQuestion(302, 369, 300.0, border_price=3 * price, reference=3.0)
    assert asked == {"value": "worth", "point": (155_000.0, 463_000.0), "within": 300.0, "c": 1, "q": wanted}
    row = made.iloc[0]
    assert (row["homes"], row["border_m"], row["bound_gap_frac"], row["block_ids"]) == (30, 12.5, 0.25, [4, 5])
    assert (row.geometry.area, made.crs.to_epsg()) == (2.0, 28992)
    for value, reference in ((np.array([-5.0, 0.0, 0.0]), 0.0), (np.full(3, np.nan), 0.0)):
        graph.value = value
        api.best_area(SimpleNamespace(frame=frame), around=shapely.Point(155_000, 463_000), radius_m=50.0)
        assert asked["q"] == api.AreaQuestion(297, 363, 50.0, border_price=1.0, reference=reference)
    graph.value, graph.homes = np.array([6.0, 0.0, 0.0]), np.zeros(3)
    api.best_area(SimpleNamespace(frame=frame), around=(155_000, 463_000))
    assert asked["q"].reference == 6.0


def test_a_release_is_opened_in_its_folder_or_in_data_below(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "Release", lambda folder: folder)
    assert api.open_release(str(tmp_path)) == tmp_path / "data"
    (tmp_path / "metadata.json").touch()
    assert api.open_release(tmp_path) == tmp_path
    monkeypatch.setattr(api.runs, "open_study", lambda name, root: (name, root))
    assert api.open_study("a") == ("a", Path())
    assert api.open_study("a", root="x") == ("a", Path("x"))


def test_columns_that_the_dictionary_knows_have_their_unit_beside_what_was_noted():
    frame = gpd.GeoDataFrame({"homes": [1], "strange": [2]}, geometry=[shapely.Point(0, 0)], crs=28992)
    frame.attrs = {"kept": 1}
    assert api._with_units(frame).attrs == {"kept": 1, "units": {"homes": "1"}}
