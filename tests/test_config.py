"""Faulty studies are refused in words that name the key and what to do."""

from __future__ import annotations

import contextlib
import json

import pytest

from kansenkaart import config
from kansenkaart.config import DATA_VARIABLE, Study, folders, read_study
from kansenkaart.errors import ConfigError
from kansenkaart.runs import study as pipeline
from tests.pinned import same_as_pinned

GOOD = """
name = "proef"
title = "Proef"
[place]
gemeentecode = "GM0193"
[[source]]
role = "pand"
publisher = "bag"
origin = "file"
form = "pdok-geojson"
path = "bag/pand.geojson"
"""


def _study(folder, content):
    path = folder / "studies" / "proef.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_a_study_reads_with_its_defaults(tmp_path):
    study = read_study(_study(tmp_path, GOOD))
    assert (study.name, study.place.gemeentecode, study.invented) == ("proef", "GM0193", False)
    # Bilgaard: 330 homes; the band around it is the documented default.
    assert (study.areas.low_homes, study.areas.target_homes, study.areas.high_homes) == (300, 330, 360)
    assert study.sources("pand")[0].edition == "latest"
    assert study.sources("home") == ()


BAD = {
    "unknown key": (GOOD.replace("title =", 'colour = "red"\ntitle ='), "colour: Extra inputs"),
    "unknown key of a source": (GOOD + 'pad = "x"\n', "source 1, pad"),
    "unknown role": (GOOD.replace('"pand"', '"roof"'), "source 1, role"),
    "path that leaves": (GOOD.replace("bag/pand", "bag/../../pand"), "must stay inside the data folder"),
    "absolute path": (GOOD.replace("bag/pand", "/bag/pand"), "must stay inside the data folder"),
    "file without a path": (GOOD.replace('path = "bag/pand.geojson"\n', ""), "needs a path"),
    "wrong municipality": (GOOD.replace("GM0193", "0193"), "place.gemeentecode"),
    "window the wrong way round": (GOOD.replace("[place]", "[place]\nbbox_m = [2, 2, 1, 3]"), "x min, y min"),
    "name with a slash": (GOOD.replace('name = "proef"', 'name = "../proef"'), "a name has 1 to 40"),
    "title missing": (GOOD.replace('title = "Proef"\n', ""), "title: Field required"),
    "no sources": (GOOD.split("[[source]]")[0], "source: Field required"),
    "band without its target": (GOOD + "[areas]\nlow_homes = 340\n", "low_homes <= target_homes"),
    "no TOML": ("name = ", "a TOML file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_faulty_study_is_refused_in_words(tmp_path, name):
    content, word = BAD[name]
    with pytest.raises(ConfigError) as caught:
        read_study(_study(tmp_path, content))
    assert word in str(caught.value)
    assert caught.value.where == "proef.toml"
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_all_faults_are_told_at_once(tmp_path):
    spoiled = GOOD.replace('title = "Proef"\n', "").replace('"pand"', '"roof"')
    with pytest.raises(ConfigError, match=r"title: .*; source 1, role: "):
        read_study(_study(tmp_path, spoiled))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = _study(tmp_path, "")
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="a TOML file"):
        read_study(path)


def test_a_missing_study_names_those_that_exist(tmp_path):
    path = _study(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=r"choose one of \['gemeente', 'proef', 'proefveld', 'voorbeeld'\]"):
        read_study(path.with_name("elders.toml"))


def test_the_code_of_a_run_takes_the_place_of_the_template(tmp_path):
    assert read_study(_study(tmp_path, GOOD), gemeentecode="GM0518").place.gemeentecode == "GM0518"
    with pytest.raises(ConfigError, match="gemeentecode"):
        read_study(_study(tmp_path, GOOD), gemeentecode="Leeuwarden")


def test_published_files_lie_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "elsewhere"))
    assert folders(tmp_path).published == tmp_path / "elsewhere"
    monkeypatch.delenv(DATA_VARIABLE)
    assert folders(tmp_path).published == tmp_path / ".." / "shared" / "data"


def test_a_published_file_that_is_not_there_stops_the_run_with_its_name(tmp_path, monkeypatch):
    _study(tmp_path, GOOD)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "elsewhere"))
    place = pipeline.open_study("proef", root=tmp_path)
    with pytest.raises(ConfigError, match=r"no such file; where: bag/pand\.geojson; .*KANSENKAART_DATA"):
        pipeline.run_acquire(place)
    assert place.store.names() == []


def test_a_link_that_leaves_the_data_folder_is_refused(tmp_path, monkeypatch):
    _study(tmp_path, GOOD)
    (tmp_path / "data-as-published" / "bag").mkdir(parents=True)
    (tmp_path / "outside.geojson").write_text("{}")
    (tmp_path / "data-as-published" / "bag" / "pand.geojson").symlink_to(tmp_path / "outside.geojson")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data-as-published"))
    with pytest.raises(ConfigError, match="a path inside the data folder"):
        pipeline.run_acquire(pipeline.open_study("proef", root=tmp_path))


def test_an_unknown_form_names_the_known_ones(tmp_path, monkeypatch):
    _study(tmp_path, GOOD.replace('role = "pand"', 'role = "weather_daily"'))
    (tmp_path / "p" / "bag").mkdir(parents=True)
    (tmp_path / "p" / "bag" / "pand.geojson").write_text("{}")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "p"))
    with pytest.raises(ConfigError, match=r"a form of \['knmi'\] for weather_daily"):
        pipeline.run_acquire(pipeline.open_study("proef", root=tmp_path))


def test_every_key_of_a_study_has_the_default_and_the_bounds_that_were_read():
    schema = Study.model_json_schema()
    kinds = {"Study": schema, **schema["$defs"]}
    leave = ("title", "description")

    def line(name, about):
        return f"{name}: {json.dumps({key: one for key, one in about.items() if key not in leave}, sort_keys=True)}"

    made = {kind: "\n".join(line(*one) for one in about["properties"].items()) for kind, about in kinds.items()}
    made["patterns"] = f"{config.NAME.pattern} {config._PAND.pattern}"
    same_as_pinned("pins/study_keys.txt", made)


@pytest.mark.parametrize(
    ("window", "good"),
    [("[1, 2, 2, 3]", True), ("[2, 2, 2, 3]", False), ("[1, 3, 2, 3]", False), ("[1, 3, 2, 2]", False)],
)
def test_a_window_has_a_width_and_a_height(tmp_path, window, good):
    path = _study(tmp_path, GOOD.replace("[place]", f"[place]\nbbox_m = {window}"))
    with contextlib.nullcontext() if good else pytest.raises(ConfigError, match="x min, y min"):
        read_study(path)


@pytest.mark.parametrize(("count", "more"), [(19, ""), (20, ""), (21, "; and 1 more"), (23, "; and 3 more")])
def test_at_most_twenty_faults_are_named_and_the_others_counted(tmp_path, count, more):
    faulty = "".join(f'vreemd{number} = "a"\n' for number in range(count))
    with pytest.raises(ConfigError) as told:
        read_study(_study(tmp_path, faulty + GOOD))
    assert told.value.found.count("Extra inputs") == min(count, 20)
    assert told.value.found.endswith(more or "not permitted")


def test_the_largest_file_of_a_study_is_read_and_a_larger_one_refused(tmp_path):
    path = _study(tmp_path, GOOD + "#" * (config.MOST_BYTES - len(GOOD)))
    assert read_study(path).name == "proef"
    with path.open("a", encoding="utf-8") as more:
        more.write("#")
    with pytest.raises(ConfigError, match="more than 1048576 bytes"):
        read_study(path)
    (tmp_path / "weg.txt").write_text("# een\n0193100000000001  # twee\n", "utf-8")
    listed = config.OptOut(panden=("0193100000000002",), bestand="weg.txt")
    assert listed.ids(tmp_path) == {"0193100000000001", "0193100000000002"}
    (tmp_path / "weg.txt").write_text("#" * config.MOST_BYTES, "utf-8")
    assert listed.ids(tmp_path) == {"0193100000000002"}
    (tmp_path / "weg.txt").write_text("#" * (config.MOST_BYTES + 1), "utf-8")
    with pytest.raises(ConfigError, match="a readable list of pand ids"):
        listed.ids(tmp_path)
    (tmp_path / "weg.txt").write_text("0193100000000001\n\ngeen id\n", "utf-8")
    with pytest.raises(ConfigError) as told:
        listed.ids(tmp_path)
    assert told.value.where == "weg.txt, line 3"


@pytest.mark.parametrize(
    ("name", "file", "code"),
    [
        ("gemeente-gm0193", "gemeente", "GM0193"),
        ("gemeente-gm0363-2-van-6", "gemeente", "GM0363-2-van-6"),
        ("gemeente-2-van-6", "gemeente", "2-van-6"),
        ("gemeente", "gemeente", None),
        ("eigen-gm0193", "eigen-gm0193", None),  # a file of that name is there
    ],
)
def test_the_name_of_a_template_with_a_code_says_file_and_code(tmp_path, name, file, code):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "eigen-gm0193.toml").touch()
    assert config.template_and_code(tmp_path, name) == (file, code)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_study_saved_on_windows_is_the_same_study(tmp_path, encoding):
    shipped = config.shipped_studies()["proefveld"]
    text = shipped.read_text("utf-8")
    for lines in (text, text.replace("\n", "\r\n")):
        (tmp_path / "proefveld.toml").write_bytes(lines.encode(encoding))
        assert read_study(tmp_path / "proefveld.toml") == read_study(shipped)
