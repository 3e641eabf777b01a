"""The command line: quick help, Dutch words for people, JSON for machines, and an exit code for each kind of trouble."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from affine import Affine
from click.testing import CliRunner

from kansenkaart import errors
from kansenkaart.cli import cli
from kansenkaart.runs import studies, study
from kansenkaart.tables.step import Report
from kansenkaart.wording.messages import error_lines

HEAVY = {
    "pandas",
    "geopandas",
    "numpy",
    "shapely",
    "folium",
    "numba",
    "pvlib",
    "rasterio",
    "pyogrio",
    "requests",
    "rich",
}
MAIN = "from kansenkaart.cli import main; main()"


def _start(*words, importtime=False):
    extra = ["-X", "importtime"] if importtime else []
    return subprocess.run([sys.executable, *extra, "-c", MAIN, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["check", "-h"], ["--version"]])
def test_help_loads_no_heavy_library(words):
    result = _start(*words, importtime=True)
    assert result.returncode == 0
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in result.stderr.splitlines() if "|" in line}
    assert "click" in loaded  # the list of imports was read well
    assert not loaded & HEAVY


def test_help_is_dutch_and_names_every_command():
    shown = CliRunner().invoke(cli, ["--help"]).output
    assert "Laat zien wat een buurt samen kan verdienen en besparen." in shown
    for name in ("demo", "run", "status", "check"):
        assert name in cli.commands
        assert f"  {name} " in shown
        assert cli.commands[name].help


def _fails_with(kind, monkeypatch):
    def fail(*_args, **_kwargs):
        raise kind("iets", found="niets", where="hier", remedy="doe dit")

    monkeypatch.setattr(study, "open_study", fail)


# The exit codes as the module documents them; each is part of the agreement with scripts.
CODES = {
    errors.ConfigError: 2,
    errors.AssumptionError: 2,
    errors.CrsError: 3,
    errors.FormatError: 3,
    errors.SchemaError: 3,
    errors.FetchError: 4,
    errors.IncompleteError: 4,
    errors.StoreError: 5,
    errors.DiskError: 5,
    errors.LockedError: 6,
    errors.GateError: 7,
    errors.InfeasibleError: 8,
}


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.__name__)
def test_every_kind_of_trouble_has_its_own_exit_code_and_dutch_words(kind, monkeypatch, capsys):
    from kansenkaart.cli import main

    _fails_with(kind, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["kansenkaart", "status", "proefveld"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == CODES[kind]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "Fout: verwacht: iets\n  gevonden: niets\n  waar: hier\n  wat te doen: doe dit\n"


def test_trouble_for_machines_is_one_json_object(monkeypatch, capsys):
    from kansenkaart.cli import main

    _fails_with(errors.FetchError, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["kansenkaart", "run", "proefveld", "--json"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 4
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "error": "FetchError",
        "code": "fetch",
        "expected": "iets",
        "found": "niets",
        "where": "hier",
        "remedy": "doe dit",
    }


def test_an_unknown_study_is_told_with_those_that_exist(tmp_path):
    result = _start("--map", str(tmp_path), "run", "nergens")
    assert result.returncode == 2
    assert "Fout: verwacht: een studiebestand" in result.stderr
    assert "nergens.toml" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("fail", "code"), [(0, 0), (3, 3), (100, 100), (101, 100), (256, 100)])
def test_the_exit_code_of_a_trial_counts_what_would_not_work_up_to_a_hundred(fail, code, monkeypatch):
    """256 would be 0 to a shell, and a code above 125 means something else to it."""
    rows = [{"source": "x", "works": one >= fail, "words": []} for one in range(300)]
    monkeypatch.setattr(study, "open_study", lambda name, *, root, gemeentecode: (name, gemeentecode))
    monkeypatch.setattr(studies, "run_trial", lambda place, out: {(("gemeente", "GM0193"), None): rows}[place, out])
    assert CliRunner().invoke(cli, ["proef", "--code", "GM0193", "--json"]).exit_code == code


@pytest.mark.parametrize("words", [["vlieg"], ["run"], ["run", "proefveld", "--snel"]])
def test_wrong_arguments_exit_with_2(words):
    assert CliRunner().invoke(cli, words).exit_code == 2


@pytest.fixture
def root(tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "proef.toml").write_text('name = "proef"\ntitle = "Proef"\nsource = []\n')
    return tmp_path


def test_status_of_a_study_of_which_nothing_was_made_says_how_to_begin(root):
    shown = CliRunner().invoke(cli, ["--map", str(root), "status", "proef"])
    assert shown.exit_code == 0
    assert shown.output == "Van studie proef is nog niets gemaakt. Begin met: kansenkaart run proef\n"
    assert json.loads(CliRunner().invoke(cli, ["--map", str(root), "status", "proef", "--json"]).output) == []


def test_status_says_first_why_the_last_planned_run_failed(root):
    told = {
        "expected": "a run without a fault",
        "found": "ValueError: kapot",
        "where": "",
        "remedy": "look at the log of this run",
    }
    content = {"study": "proef", "at": "2026-11-29T22:16:46+00:00", "error": told, "published": None, "again": None}
    (root / "data" / "processed" / "proef").mkdir(parents=True)
    (root / "data" / "processed" / "proef" / "status.json").write_text(json.dumps(content), "utf-8")
    assert CliRunner().invoke(cli, ["--map", str(root), "status", "proef"]).output.splitlines() == [
        "De geplande run van proef is mislukt, 2026-11-29 23:16.",  # in Amsterdam
        "Fout: verwacht: een run zonder fout",
        "  gevonden: ValueError: kapot",
        "  wat te doen: kijk in het log van deze run",
        "  gepubliceerd blijft: niets, want er was nog niets",
        "  opnieuw: niet vanzelf",
        "Van studie proef is nog niets gemaakt. Begin met: kansenkaart run proef",
    ]


def test_check_of_a_study_of_which_nothing_was_made_fails_with_what_to_do(root):
    result = _start("--map", str(root), "check", "proef")
    assert result.returncode == 5
    assert "kansenkaart run proef" in result.stderr


ROWS = [
    {
        "name": "pand",
        "rows": 15296,
        "tally": {"left_out": {"status: Pand gesloopt": 1084}},
        "editions": ["bag extract"],
    },
    {"name": "home", "rows": 7, "tally": {"left_out": {}}, "editions": ["bag 2022", "cbs 2022"]},
]
ROWS = [{**row, "as_of": day, "undated": []} for row, day in zip(ROWS, (None, "2022"), strict=True)]


def test_status_shows_counts_reasons_and_editions(root, monkeypatch):
    monkeypatch.setattr(study, "status", lambda _place: ROWS)
    lines = CliRunner().invoke(cli, ["--map", str(root), "status", "proef"]).output.splitlines()
    assert lines[0].split() == ["tabel", "rijen", "weggelaten", "oudste", "edities"]
    assert "15.296" in lines[1]
    assert "1.084× status: Pand gesloopt" in lines[1]
    assert "onbekend" in lines[1]
    assert lines[2].split() == ["home", "7", "niets", "2022", "bag", "2022,", "cbs", "2022"]
    assert json.loads(CliRunner().invoke(cli, ["--map", str(root), "status", "proef", "--json"]).output) == ROWS


@pytest.mark.parametrize(("status", "says"), [("unchanged", True), ("done", False)])
def test_a_run_says_whether_anything_changed(root, monkeypatch, status, says):
    monkeypatch.setattr(study, "run_all", lambda _place, **_: [Report("pand", status, {"pand": 1234})])
    shown = CliRunner().invoke(cli, ["--map", str(root), "run", "proef"])
    assert shown.exit_code == 0
    assert "1.234" in shown.output
    assert ("Er is niets veranderd: alles staat er al." in shown.output) is says
    told = json.loads(CliRunner().invoke(cli, ["--map", str(root), "run", "proef", "--json"]).output)
    assert told["steps"] == [{"step": "pand", "status": status, "rows": {"pand": 1234}}]
    assert told["map"].endswith("maps/proef/index.html")


def test_a_municipality_gets_its_own_study(root, monkeypatch):
    seen = []
    monkeypatch.setattr(study, "run_all", lambda place, **_: seen.append(place) or [])
    told = CliRunner().invoke(cli, ["--map", str(root), "run", "proef", "--code", "GM0193", "--json"])
    assert json.loads(told.output)["study"] == "proef-gm0193"
    assert seen[0].study.place.gemeentecode == "GM0193"


def test_a_study_of_a_municipality_is_made_by_its_name_or_code_and_listed(tmp_path):
    def run(*words):
        return CliRunner().invoke(cli, ["--map", str(tmp_path), *words])

    assert run("nieuw", "zwolle").exit_code == 0
    text = (tmp_path / "studies" / "zwolle.toml").read_text("utf-8")
    assert 'gemeentecode = "GM0193"' in text
    assert 'title = "Zwolle"' in text
    assert run("nieuw", "GM0193").exit_code == 0
    assert (tmp_path / "studies" / "zwolle-gm0193.toml").is_file()
    rows = json.loads(run("lijst", "--json").output)
    assert {"zwolle", "zwolle-gm0193", "proefveld"} <= {one["name"] for one in rows}
    assert {one["origin"] for one in rows} == {"project", "kansenkaart"}


def test_a_slip_of_the_pen_makes_no_study_and_a_name_says_which_municipality_it_asks(tmp_path):
    def run(name):
        return CliRunner().invoke(cli, ["--map", str(tmp_path), "nieuw", name])

    slips = {"zwole": "Zwolle", "groninge": "Groningen", "amersfort": "Amersfoort"}
    assert {name: run(name).exception.remedy for name in slips} == {
        name: f'kansenkaart nieuw "{said}"' for name, said in slips.items()
    }
    for name in ("GM9999", "Mijn wijk", "Atlantis"):
        assert "starting with a letter" in run(name).exception.expected
    assert not list(tmp_path.rglob("*.toml"))
    assert "gemeente: Zwolle (GM0193)" in run("mijnwijk").output
    assert "gemeente: 's-Gravenhage (GM0518)" in run("den haag").output


def test_a_study_has_the_name_of_its_file(tmp_path):
    CliRunner().invoke(cli, ["--map", str(tmp_path), "nieuw", "mijnwijk"])
    (tmp_path / "studies" / "mijnwijk.toml").rename(tmp_path / "studies" / "andere.toml")
    with pytest.raises(errors.ConfigError, match="as the file is called") as why:
        study.open_study("andere", root=tmp_path)
    assert why.value.where == "andere.toml"


def test_a_municipality_that_is_no_more_is_refused_by_name_of_the_one_that_took_it(tmp_path):
    for name in ("Brielle", "GM0501"):
        told = CliRunner().invoke(cli, ["--map", str(tmp_path), "nieuw", name])
        why = told.exception
        lines = "\n".join(error_lines(why.expected, found=why.found, where=why.where, remedy=why.remedy))
        assert f"{name}: deel van Voorne aan Zee (GM1992) sinds 2023" in lines
        assert 'kansenkaart nieuw "Voorne aan Zee"' in lines
    assert not list(tmp_path.rglob("*.toml"))


BANNER = """
import os, sys
from kansenkaart.runs import study

def noisy(_place):
    os.write(1, b"Running HiGHS 1.16: a banner of a library\\n")
    print("and a line of another")
    return []

study.status = noisy
sys.argv = ["kansenkaart", "--map", sys.argv[1], "status", "proef", "--json"]
from kansenkaart.cli import main
main()
"""


def test_what_a_library_prints_is_no_part_of_the_answer(root):
    result = subprocess.run([sys.executable, "-c", BANNER, str(root)], capture_output=True, text=True, check=False)
    assert json.loads(result.stdout) == []
    assert "HiGHS" in result.stderr
    assert "another" in result.stderr


@pytest.mark.parametrize(("old", "new"), [("--point", "--punt"), ("--by", "--naar"), ("--with", "--met")])
def test_an_english_option_of_before_works_with_a_notice(old, new, root):
    shown = CliRunner().invoke(cli, ["--map", str(root), "gebied", "proef", old, "eur" if old == "--by" else "1,2"])
    assert f"Let op: {old} heet nu {new}" in shown.stderr
    assert "No such option" not in shown.output
    assert new in {word for one in cli.commands["gebied"].params for word in one.opts}


def test_a_dry_run_says_what_is_read_and_what_is_missing_and_writes_nothing(root, monkeypatch):
    monkeypatch.setenv("KANSENKAART_DATA", str(root / "gegevens"))
    source = '[[source]]\nrole = "{}"\npublisher = "bag"\norigin = "file"\nform = "auto"\npath = "{}"\n'
    (root / "gegevens").mkdir()
    (root / "gegevens" / "leeg.gpkg").write_bytes(b"")
    square = [[[190_000, 560_000], [190_009, 560_000], [190_009, 560_009], [190_000, 560_000]]]
    pand = {"type": "Feature", "properties": {"identificatie": "1", "bouwjaar": 1965, "status": "x"}}
    pand["geometry"] = {"type": "Polygon", "coordinates": square}
    (root / "gegevens" / "pand.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [pand]}))
    named = [("pand", "pand.geojson"), ("pand", "leeg.gpkg"), ("home", "weg.gpkg")]
    text = 'name = "proef"\ntitle = "Proef"\n' + "".join(source.format(*one) for one in named)
    (root / "studies" / "proef.toml").write_text(text)
    told = CliRunner().invoke(cli, ["--map", str(root), "run", "proef", "--droog", "--json"])
    rows = json.loads(told.stdout)
    assert [(row["name"], row["plan"]) for row in rows] == [("pand", "read"), ("pand", "wrong"), ("home", "missing")]
    assert told.exit_code == 3  # the file that cannot be read so comes first, and a run would end with it
    assert rows[0]["detail"] == "pand.geojson (pdok-geojson)"  # the form that its columns show
    told = CliRunner().invoke(cli, ["--map", str(root), "run", "proef", "--droog"]).output
    assert "ONTBREEKT" in told
    assert "KAN ZO NIET    leeg.gpkg; een leeg bestand; noem het bedoelde bestand in path" in told
    assert not (root / "data").exists()


@pytest.mark.parametrize(
    ("lacks", "found"),
    [
        ("", "wordt gelezen"),
        ("Verbinding", "KAN ZO NIET riool; Knooppunt.csv;"),
        ("Knooppunt", "KAN ZO NIET riool; Verbinding.csv;"),
        ("KN2", "KAN ZO NIET riool; UNI_IDE,"),
    ],
)
def test_a_dry_run_sees_a_sewer_set_that_lacks_a_table_or_a_column(root, monkeypatch, lacks, found):
    from tests.sources.test_files_of_others import NODES, PIPES

    monkeypatch.setenv("KANSENKAART_DATA", str(root / "gegevens"))
    (root / "gegevens" / "riool").mkdir(parents=True)
    for name, text in (("Knooppunt", NODES), ("Verbinding", PIPES)):
        if name != lacks:
            (root / "gegevens" / "riool" / f"{name}.csv").write_text(text.replace(lacks or "?", "X"), "utf-8")
    source = '[[source]]\nrole = "sewer_pipe"\npublisher = "gwsw"\norigin = "file"\nform = "hydx-csv"\npath = "riool"\n'
    (root / "studies" / "proef.toml").write_text('name = "proef"\ntitle = "Proef"\n' + source)
    told = CliRunner().invoke(cli, ["--map", str(root), "run", "proef", "--droog"]).output
    assert found in " ".join(told.split())


@pytest.mark.parametrize(
    ("role", "content", "code", "found"),
    [
        ("roof_face", b"", 3, "een leeg bestand"),
        ("roof_face", b"rommel", 3, "JSONDecodeError"),
        (
            "roof_face",
            b'{"type": "CityJSON", "metadata": {"referenceSystem": "EPSG:4979"}, "CityObjects": {}}',
            3,
            "4979",
        ),
        ("roof_face", b'{"type": "CityJSON", "CityObjects": {}}', 0, "wordt gelezen"),
        ("dsm", b"II*\0rommel", 3, "KAN ZO NIET"),
        ("dsm", b"WGS84", 3, "EPSG:4326"),
        ("dsm", b"RD", 0, "wordt gelezen"),
        ("dsm", None, 2, "ONTBREEKT"),
    ],
)
def test_a_dry_run_opens_tiles_and_sheets_and_ends_as_the_run_would(root, monkeypatch, role, content, code, found):
    from tests.sources.test_field_readers import write_sheet

    monkeypatch.setenv("KANSENKAART_DATA", str(root / "gegevens"))
    (root / "gegevens").mkdir()
    path = root / "gegevens" / ("vel.tif" if role == "dsm" else "tegel.city.json")
    if content in (b"WGS84", b"RD"):
        write_sheet(np.ones((4, 4)), Affine(0.5, 0, 1e5, 0, -0.5, 4.5e5), path=path)
        if content == b"WGS84":
            with rasterio.open(path, "r+") as sheet:
                sheet.crs = "EPSG:4326"
    elif content is not None:
        path.write_bytes(content)
    form = "geotiff" if role == "dsm" else "auto"
    source = f'[[source]]\nrole = "{role}"\npublisher = "ahn"\norigin = "file"\nform = "{form}"\npath = "{path.name}"\n'
    (root / "studies" / "proef.toml").write_text('name = "proef"\ntitle = "Proef"\n' + source)
    told = CliRunner().invoke(cli, ["--map", str(root), "run", "proef", "--droog"])
    assert (told.exit_code, found in " ".join(told.output.split())) == (code, True), told.output


@pytest.mark.parametrize(
    ("ending", "crs", "size", "found"),
    [
        ("gpkg", "EPSG:28992", 9.0, "wordt gelezen"),
        ("gpkg", "EPSG:25831", 9.0, "KAN ZO NIET huis.gpkg; EPSG:25831; zet het bestand eerst om naar RD New"),
        ("gpkg", "EPSG:4326", 0.1, "KAN ZO NIET huis.gpkg; EPSG:4326;"),
        ("geojson", "EPSG:25831", 9.0, "KAN ZO NIET huis.geojson; EPSG:25831;"),
        ("shp", None, 9.0, "wordt gelezen"),
    ],
)
def test_a_dry_run_sees_a_reference_system_as_the_run_does(root, monkeypatch, ending, crs, size, found):
    import geopandas as gpd
    from shapely import box

    monkeypatch.setenv("KANSENKAART_DATA", str(root / "gegevens"))
    (root / "gegevens").mkdir()
    x, y = (4.0, 52.0) if crs == "EPSG:4326" else (190_000.0, 560_000.0)
    path = root / "gegevens" / f"huis.{ending}"
    gpd.GeoDataFrame({"a": [1]}, geometry=[box(x, y, x + size, y + size)], crs=crs or 28992).to_file(path)
    if crs is None:
        path.with_suffix(".prj").unlink()
    source = (
        f'[[source]]\nrole = "pand"\npublisher = "bag"\norigin = "file"\nform = "footprint-shp"\npath = "{path.name}"\n'
    )
    (root / "studies" / "proef.toml").write_text('name = "proef"\ntitle = "Proef"\n' + source)
    told = CliRunner().invoke(cli, ["--map", str(root), "run", "proef", "--droog"])
    assert (found in " ".join(told.output.split()), told.exit_code) == (True, 3 * ("NIET" in found)), told.output


def test_quiet_verbose_and_log_file(root, monkeypatch):
    def run_all(_place, *, listen, accept=None):
        reports = [Report("pand", "done", {"pand": 1234}), Report("haalbaarheid", "done", {"rapporten": 6})]
        reports.append(Report("kaart", "done", {}))
        for report in reports:
            listen(report)
        return reports

    monkeypatch.setattr(study, "run_all", run_all)
    log = root / "run.log"
    line = ["--map", str(root), "run", "proef"]
    quiet = CliRunner().invoke(cli, [*line, "--stil", "--log-bestand", str(log)])
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert "proef: pand gemaakt (1.234 pand)" in log.read_text("utf-8")
    assert "proef: haalbaarheid gemaakt (6 rapporten)" in log.read_text("utf-8")
    assert "proef: kaart gemaakt\n" in log.read_text("utf-8")
    assert "proef: pand gemaakt (1.234 pand)" in CliRunner().invoke(cli, [*line, "--verbose"]).stderr


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("pand", "0193100000000001"),
        ("riool", "leiding-1"),
        ("budget", "green_maintenance"),
        ("uitkomst", "buurt:BU01931000:2027:households"),
    ],
)
def test_own_data_example_of_every_role_is_written_once_and_read_back(word, known, root, tmp_path):
    from kansenkaart.cli import _ROLES
    from kansenkaart.sources import own

    shape = {"own_pand": own.PANDEN, "own_sewer": own.SEWERS, "own_budget": own.BUDGETS, "own_actual": own.ACTUALS}
    target = tmp_path / f"{word}.csv"
    words = ["--map", str(root), "eigen-data", "--voorbeeld", word, "--uit", str(target)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    read = own.read_own(target, shape=shape[_ROLES[word]], known=[known], first_year=1850, last_year=2100)
    assert read.report["result"].tolist() == ["matched"]
    assert read.table.index.tolist() == [known]
    assert isinstance(CliRunner().invoke(cli, words).exception, errors.ConfigError)
    assert CliRunner().invoke(cli, ["--map", str(root), "eigen-data"]).exit_code == 2


def test_wrong_words_are_told_in_dutch_and_in_json():
    result = _start("run", "--snel", "--json")
    assert result.returncode == 2
    assert "Fout: een optie --snel is er niet" in result.stderr
    assert json.loads(result.stdout)["code"] == "usage"
