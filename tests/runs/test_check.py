"""Damaged, changed and missing files are named with their place and the command that mends them; a run mends them."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest
from click.testing import CliRunner

from kansenkaart.cli import cli
from kansenkaart.config import Source
from kansenkaart.errors import ConfigError, StoreError
from kansenkaart.runs import study
from kansenkaart.runs.studies import join_studies
from kansenkaart.sources.own import example_csv
from kansenkaart.tables.step import Report, Step
from tests.runs.places import all_bytes, project


def _flip(path, at):
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 1
    path.write_bytes(bytes(content))


def _cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def _recount(path):
    told = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**told, "rows": told["rows"] + 1}), "utf-8")


def _both_gone(path):
    path.unlink()
    path.with_suffix(".json").unlink()


DAMAGE = {
    "a bit in the first bytes": ("1_clean/pand.parquet", lambda path: _flip(path, 0.0)),
    "a bit in the middle": ("1_clean/pand.parquet", lambda path: _flip(path, 0.5)),
    "a bit in the last bytes": ("1_clean/home.parquet", lambda path: _flip(path, 1.0)),
    "a table cut off": ("2_scored/pand_score.parquet", _cut),
    "an empty table": ("1_clean/buurt.parquet", lambda path: path.write_bytes(b"")),
    "a table gone": ("1_clean/terrain.parquet", lambda path: path.unlink()),
    "a raster changed": ("1_clean/dsm.tif", lambda path: _flip(path, 0.5)),
    "a lineage gone": ("1_clean/pand.json", lambda path: path.unlink()),
    "a lineage cut off": ("1_clean/pand.json", _cut),
    "a lineage that is no text": ("1_clean/pand.json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    "a lineage that is a number": ("1_clean/pand.json", lambda path: path.write_text("5")),
    "a lineage with another count": ("2_scored/buurt_score.json", _recount),
    "table and lineage gone": ("1_clean/roof_face.parquet", _both_gone),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_with_its_place_and_its_mending(copied, name):
    where, spoil = DAMAGE[name]
    spoil(copied / "data" / "processed" / "proefveld" / where)
    shown = CliRunner().invoke(cli, ["--map", str(copied), "check", "proefveld"])
    assert shown.exit_code == 5
    table = where.split("/")[-1].split(".")[0]
    assert f"/{table}." in shown.output
    assert "waar: proefveld/" in shown.output
    assert "wat te doen: maak het opnieuw: kansenkaart run proefveld" in shown.output
    plain = CliRunner().invoke(cli, ["--map", str(copied), "check", "proefveld", "--json"])
    assert plain.exit_code == 5
    (one,) = json.loads(plain.stdout)
    assert one["error"] == "StoreError"
    assert one["remedy"].endswith("kansenkaart run proefveld")


# Damage in what sun rests on is left to the slower test below: making all of it anew takes long.
@pytest.mark.parametrize("name", ["a table gone", "a lineage with another count", "a table cut off"])
def test_a_run_mends_it_with_the_same_bytes(copied, name):
    before = all_bytes(copied, "data", "maps")
    where, spoil = DAMAGE[name]
    spoil(copied / "data" / "processed" / "proefveld" / where)
    study.run_all(study.open_study("proefveld", root=copied))
    assert all_bytes(copied, "data", "maps") == before


@pytest.mark.slow
def test_a_run_mends_all_damage_at_once(copied):
    before = all_bytes(copied, "data", "maps")
    place = study.open_study("proefveld", root=copied)
    for number, name in enumerate(place.store.names()):
        spoiled = place.store.sidecar(name) if number % 2 else place.store.path(name)
        _flip(spoiled, 0.5) if number % 3 else spoiled.unlink()
    assert len(study.check(place)) >= len(place.store.names()) // 2
    study.run_all(place)
    assert study.check(place) == []
    assert all_bytes(copied, "data", "maps") == before


MAPS = {
    "a mark that is no JSON": (".publish.json", lambda path: path.write_text("{", "utf-8")),
    "a mark that is a list": (".publish.json", lambda path: path.write_text("[]", "utf-8")),
    "a mark without files": (".publish.json", lambda path: path.write_text('{"fingerprint": "x"}', "utf-8")),
    "a mark that is no text": (".publish.json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    "a mark gone": (".publish.json", lambda path: path.unlink()),
    "a page gone": ("index.html", lambda path: path.unlink()),
    "a bit in the page": ("index.html", lambda path: _flip(path, 0.5)),
    "a layer cut off": ("data/pand_score.parquet", _cut),
}


@pytest.mark.parametrize("name", MAPS)
def test_damage_to_what_is_published_is_named_and_mended(copied, name):
    before = all_bytes(copied, "maps")
    where, spoil = MAPS[name]
    spoil(copied / "maps" / "proefveld" / where)
    place = study.open_study("proefveld", root=copied)
    (wrong,) = study.check(place)
    assert wrong.where == f"maps/proefveld/{where}"
    assert wrong.remedy.endswith("kansenkaart run proefveld")
    if name in ("a mark that is a list", "a layer cut off"):  # all others are mended the same way
        study.run_publish(place)
        assert study.check(place) == []
        assert all_bytes(copied, "maps") == before


def test_what_is_published_is_said_as_soon_as_it_is_there_and_how_long_it_took(copied):
    maps, heard = copied / "maps" / "proefveld", []
    shutil.rmtree(maps)

    def listen(report):
        assert report.seconds > 0
        places = ("haalbaarheid", "index.html", "data/metadata.json", "overzicht.html")
        heard.append((report.step, *((maps / one).exists() for one in places)))

    study.run_publish(study.open_study("proefveld", root=copied), listen=listen)
    assert heard == [
        ("haalbaarheid", True, False, False, False),
        ("kaart", True, True, False, False),
        ("open data", True, True, True, False),
        ("factsheets", True, True, True, True),
        ("editie", True, True, True, True),
    ]


def test_a_mark_that_points_outside_its_folder_is_named(copied):
    mark = copied / "maps" / "proefveld" / ".publish.json"
    told = json.loads(mark.read_text("utf-8"))
    mark.write_text(json.dumps({**told, "files": {**told["files"], "../../studies/proefveld.toml": "0"}}), "utf-8")
    (wrong,) = study.check(study.open_study("proefveld", root=copied))
    assert "outside the folder" in wrong.found


def test_an_undamaged_study_is_in_order(finished):
    shown = CliRunner().invoke(cli, ["--map", str(finished), "check", "proefveld"])
    assert (shown.exit_code, shown.output) == (0, "Alle bewaarde bestanden zijn in orde.\n")


def test_several_faults_are_all_named(copied):
    folder = copied / "data" / "processed" / "proefveld" / "1_clean"
    for name in ("pand", "home", "terrain"):
        (folder / f"{name}.parquet").write_bytes(b"no table")
    place = study.open_study("proefveld", root=copied)
    assert sorted(one.where for one in study.check(place)) == [
        f"proefveld/1_clean/{name}.parquet" for name in ("home", "pand", "terrain")
    ]


def test_a_table_that_does_not_belong_is_named(copied):
    (copied / "data" / "processed" / "proefveld" / "1_clean" / "stray.parquet").write_bytes(b"?")
    (one,) = study.check(study.open_study("proefveld", root=copied))
    assert one.found == "stray"


def _published(folder, homes, roles, **more):
    """Write what one municipality published: a layer of buurten and one of areas, and their metadata."""
    (folder / "data").mkdir(parents=True)
    tables = {}
    for name, frame in {
        "buurt_score": pd.DataFrame({"buurtcode": [f"BU{n}" for n in range(len(homes))], "homes": homes}),
        "gebied": pd.DataFrame({"gebied_id": [0], "stays_eur_per_year": [sum(homes) * 1.25]}),
    }.items():
        frame.to_parquet(folder / "data" / f"{name}.parquet")
        tables[name] = {"rows": len(frame), "title_nl": name, "title_en": name, "schema": {"fields": []}}
    sources = [{"role": role, "credit": "wie", "edition": "1", "licence": "CC0"} for role in roles]
    about = {"title": folder.name, "as_of": "2025", "software": "kansenkaart", "tables": tables, "sources": sources}
    (folder / "data" / "metadata.json").write_text(json.dumps({**about, **more}), "utf-8")
    return folder


def test_a_country_is_the_sum_of_its_parts_to_the_home_and_the_euro(tmp_path):
    maps = tmp_path / "maps"
    folders = {
        "GM0001": _published(maps / "een", [10, 20], ["home", "sewer_pipe"]),
        "GM0002": _published(maps / "twee & meer", [300], ["home"], edition="intern"),
        "GM0003": maps / "drie",
    }
    failed = {"GM0002": "KilledWorker", "GM0003": "ConfigError"}
    for _ in range(2):  # the second time over what stands
        about = join_studies(folders, maps / "landelijk", title="Alle", failed=failed)
    data = maps / "landelijk" / "data"
    buurten, areas = pd.read_parquet(data / "buurt_score"), pd.read_parquet(data / "gebied")
    assert buurten.groupby("gemeente", observed=True)["homes"].sum().to_dict() == {"GM0001": 30, "GM0002": 300}
    assert areas["stays_eur_per_year"].sum() == 330 * 1.25
    assert about["tables"]["buurt_score"]["rows"] == len(buurten) == 3
    assert json.loads((data / "metadata.json").read_text("utf-8")) == about
    page = (maps / "landelijk" / "index.html").read_text("utf-8")
    assert "samen 330 woningen en 2 gebieden" in page
    assert "vorige uitgave; nu mislukt: KilledWorker" in page
    assert "niet gemaakt: ConfigError" in page
    assert "GM0002 en GM0003" in page  # where no sewers are known
    assert "Intern: met gegevens van afzonderlijke panden" in page
    assert "twee &amp; meer" in page
    assert not list(maps.rglob("*.part"))


def test_an_edition_is_called_after_its_study_and_the_one_not_asked_for_apart(tmp_path):
    root = project(tmp_path / "p", "proefveld", "voorburg")
    named = {
        (name, public): study.open_study(name, root=root, public=public).target.relative_to(root).as_posix()
        for name in ("proefveld", "voorburg")
        for public in (None, True, False)
    }
    assert named == {
        ("proefveld", None): "maps/proefveld",  # invented: nobody lives there
        ("proefveld", True): "maps/proefveld-openbaar",
        ("proefveld", False): "maps/proefveld",
        ("voorburg", None): "maps/voorburg",
        ("voorburg", True): "maps/voorburg",
        ("voorburg", False): "maps/voorburg-intern",
    }
    place = study.open_study("gemeente", root=root, gemeentecode="GM0344")
    assert (place.study.name, place.study.place.gemeentecode) == ("gemeente-gm0344", "GM0344")
    assert study.open_study("gemeente-gm0344", root=root).store.root == root / "data" / "processed" / "gemeente-gm0344"
    (root / "studies" / "voorburg.toml").rename(root / "studies" / "anders.toml")
    with pytest.raises(ConfigError) as why:
        study.open_study("anders", root=root)
    assert (why.value.found, why.value.where) == ("voorburg", "anders.toml")


def test_a_part_is_of_the_wijken_that_the_division_says_and_no_other_text_is_a_part(tmp_path):
    root = project(tmp_path / "p")
    folder = root / "data" / "processed" / "gemeente-gm0363"
    folder.mkdir(parents=True)
    row = {"title": "Dam en Rokin", "wijken": ["WK036300", "WK036301"], "homes": 9}
    (folder / study.PARTS).write_text(json.dumps({"2-van-6": row, "3-van-6": {"title": "x"}, "4-van-6": 5}), "utf-8")
    part = study.open_study("gemeente", root=root, gemeentecode="GM0363-2-van-6").study
    assert (part.name, part.place.wijken) == ("gemeente-gm0363-2-van-6", ("WK036300", "WK036301"))
    assert part.title == "Een gemeente, live van de publicerende diensten, deel 2 van 6: Dam en Rokin"
    for code in ("GM0363-3-van-6", "GM0363-4-van-6", "GM0363-5-van-6", "GM0344-2-van-6"):
        with pytest.raises(ConfigError, match="no such part"):
            study.open_study("gemeente", root=root, gemeentecode=code)
    assert study._code_and_part("GM0363") == ("GM0363", "")
    assert study._code_and_part("2-van-6") == ("", "2-van-6")
    assert study._code_and_part("x2-van-6") == ("x2-van-6", "")


def test_each_report_is_heard_as_it_comes_with_the_time_since_the_one_before(monkeypatch):
    clock, heard = [5.0], []
    monkeypatch.setattr(study, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def reports():
        for took in (2.0, 0.5):
            clock[0] += took
            yield Report("zon", "done", {})

    def listen(report):
        heard.append(report.seconds)
        clock[0] += 100.0  # of who listens

    assert [one.seconds for one in study._heard(reports(), listen)] == heard == [2.0, 0.5]


def test_memory_is_given_back_after_what_was_made_and_not_after_what_stood(monkeypatch):
    given, done = [], iter(("done", "unchanged", "done"))
    monkeypatch.setattr(study, "end_maker", lambda: given.append("maker"))
    monkeypatch.setattr(study, "ctypes", SimpleNamespace(pythonapi=SimpleNamespace(malloc_trim=given.append)))
    monkeypatch.setattr(study, "run", lambda store, step: Report(step, next(done), {}))
    assert [one.step for one in study._run(None, ["a", "b", "c"])] == ["a", "b", "c"]
    assert given == ["maker", 0, "maker", 0]
    monkeypatch.setattr(study, "ctypes", SimpleNamespace(pythonapi=None))
    study._give_back()  # a C library that cannot
    assert given[4:] == ["maker"]


def test_a_wrong_word_of_acceptance_is_told_before_the_work_and_the_stages_come_in_their_order(monkeypatch):
    said = []
    for name in ("acquire", "score", "publish"):
        monkeypatch.setattr(study, f"run_{name}", lambda place, name=name, **more: said.append((name, more)) or [name])
    assert study.run_all("here", listen=len, accept="J. Jansen: new buurten") == ["acquire", "score", "publish"]
    heard = {"listen": len}
    assert said == [("acquire", heard), ("score", heard), ("publish", {**heard, "accept": "J. Jansen: new buurten"})]
    with pytest.raises(ConfigError, match="who accepts"):
        study.run_all("here", accept="yes")
    assert len(said) == 3


def test_a_file_of_own_data_to_start_from_is_written_once_and_a_report_comes_in_the_order_of_the_files(tmp_path):
    target = study.write_own_example("own_budget", tmp_path / "b.csv")
    assert target.read_bytes() == example_csv("own_budget")
    for path, found in ((target, "a file of that name"), (tmp_path / "no" / "b.csv", "No such file or directory")):
        with pytest.raises(ConfigError) as why:
            study.write_own_example("own_pand", path)
        assert (why.value.found, why.value.where) == (found, "b.csv")
    assert target.read_bytes() == example_csv("own_budget")
    rows = [("b.csv", 1, "x", "one"), ("a.csv", 2, "y", "two"), ("a.csv", 2, "x", "three"), ("a.csv", 1, "z", "four")]
    frame = pd.DataFrame(rows, columns=["own_file", "own_row", "own_column", "told"])
    store = SimpleNamespace(has=lambda name: name == "own_report", read={"own_report": frame}.get)
    named = SimpleNamespace(name="proef")
    told = study.own_report(SimpleNamespace(store=store, study=named))
    assert told == [dict(zip(frame.columns, rows[n], strict=True)) for n in (3, 2, 1, 0)]
    with pytest.raises(StoreError) as missing:
        study.own_report(SimpleNamespace(store=SimpleNamespace(has=lambda name: False), study=named))
    assert missing.value.remedy.endswith("then: kansenkaart run proef")


def test_what_a_run_would_skip_is_what_is_current_and_rests_on_nothing_that_is_made(tmp_path, monkeypatch):
    steps = [Step("a", ("A",), None), Step("b", ("B",), None, ("A",)), Step("c", ("C",), None, ("X",))]
    last = Step("d", ("D",), None, ("C", "B"))
    current = {"a", "b", "c", "d"}
    monkeypatch.setattr(study.acquire, "steps", lambda *_, **__: steps)
    monkeypatch.setattr(study.score, "steps", lambda *_: [last])
    monkeypatch.setattr(study, "is_current", lambda store, step: step.name in current)
    monkeypatch.setattr(study, "_foreseen_source", lambda place, one: {"kind": "source", "plan": one})

    def plans(*sources):
        asked = SimpleNamespace(source=sources, assumptions={}, name="p", invented=True)
        return [row["plan"] for row in study.foresee(study.Workplace(asked, study.folders(tmp_path), None))]

    assert plans("read") == ["read", "skip", "skip", "skip", "skip"]
    assert plans("read", "missing") == ["read", "missing"]
    current.remove("a")
    assert plans("read") == ["read", "make", "make", "skip", "make"]
    current |= {"a"}
    current.remove("c")
    assert plans() == ["skip", "skip", "make", "make"]


def test_a_source_of_a_file_is_read_missing_or_wrong_and_says_so(tmp_path):
    here = SimpleNamespace(folders=SimpleNamespace(published=tmp_path))
    own = Source(role="own_budget", publisher="x", origin="file", form="own", path="b.csv")
    row = {"kind": "source", "name": "own_budget", "plan": "read", "detail": "b.csv (own)"}
    missing = {**row, "plan": "missing", "exit_code": str(ConfigError.exit_code)}
    assert study._foreseen_source(here, own) == missing
    (tmp_path / "b.csv").write_bytes(b"?")
    assert study._foreseen_source(here, own) == row
    (tmp_path / "p.geojson").write_bytes(b"no JSON")
    pand = Source(role="pand", publisher="x", origin="file", form="unheard", path="p.geojson")
    told = study._foreseen_source(here, pand)
    assert (told["plan"], told["exit_code"]) == ("wrong", str(ConfigError.exit_code))
    assert told["detail"].startswith("p.geojson; unheard; correct the form in the study")


@pytest.mark.parametrize(("stands", "relisted"), [(True, False), (False, True)])
def test_pages_are_judged_unless_their_reports_stand_and_a_new_opt_out_list_ends_the_other_edition(
    tmp_path, monkeypatch, stands, relisted
):
    done, target = [], tmp_path / "maps" / "p"
    for folder in (target, tmp_path / "maps" / "p-openbaar"):
        folder.mkdir(parents=True)
    here = SimpleNamespace(study="s", target=target, known="k", studies="t", folders="f")
    monkeypatch.setattr(study.feasibility_reports, "stand", lambda *how: done.append(how) or stands)
    monkeypatch.setattr(study.feasibility_reports, "publish_reports", lambda *how: iter([how]))
    monkeypatch.setattr(study.publish, "require_safe", lambda *how: done.append(how))
    monkeypatch.setattr(study.publish, "publish", lambda *how, **more: iter([(how, more)]))
    monkeypatch.setattr(study, "_give_back", lambda: done.append("back"))
    monkeypatch.setattr(study, "published_of", lambda *how: list((tmp_path / "maps").iterdir()))
    kept = SimpleNamespace(before=lambda: "before", keep=lambda: iter(["kept"]), relisted=relisted)
    told = list(study._published(here, "shown", kept))
    assert told == [
        ("shown", "s", target, "k"),
        (("shown", "s", target), {"studies": "t", "before": "before"}),
        "kept",
    ]
    assert done == [("shown", "s", target), *([] if stands else [("shown", "s")]), "back"]
    left = [one.name for one in sorted((tmp_path / "maps").iterdir())]
    assert left == (["p"] if relisted else ["p", "p-openbaar"])
