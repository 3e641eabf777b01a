"""What a run says on its way, what it foresees, how an address is found, and what many studies make together, whole."""

from __future__ import annotations

import contextlib
import html
import json
import re
import sys
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart import config
from kansenkaart.acquire.forecast import Expected
from kansenkaart.acquire.trial import Verdict
from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.runs import query, studies, study, voice
from kansenkaart.runs.voice import Voice
from kansenkaart.tables.step import Report
from tests.pinned import same_as_pinned
from tests.runs.places import project

TALLY = {"left_out": {"same identification twice": 1200}, "noted": {"street unknown": 2}}


@pytest.fixture
def place(monkeypatch):
    """Stand in for a study of which a home table is stored; the time is always the same, the clock is ours."""
    clock = [100.0]
    monkeypatch.setattr(voice, "time", SimpleNamespace(monotonic=lambda: clock[0], strftime=lambda how: f"<{how}>"))
    meter = SimpleNamespace(requests=1234, received=2_600_000, listen=None)
    tallies = {"home": {"tally": TALLY}, "kaart": {"tally": {}}}
    store = SimpleNamespace(names=lambda: list(tallies), describe=tallies.__getitem__)
    known = {"study": SimpleNamespace(name="proef"), "http": SimpleNamespace(meter=meter), "store": store}
    return SimpleNamespace(clock=clock, **known)


def test_what_publishers_send_is_said_now_and_then_and_always_on_a_terminal(place, capsys):
    moved = []
    hear = voice._Hearing(place, [sys.stdout], moved.append)
    at = ((100, "bag", "1 pagina"), (110, "bag", "2 pagina's"), (110.5, "bag", "3 pagina's"), (111, "bgt", "1 pagina"))
    for moment, source, progress in (*at, (111, "bgt", "geen antwoord"), (121, "bgt", "2 pagina's")):
        place.clock[0] = moment
        hear(source, progress)
    head, sums = "<%Y-%m-%d %H:%M:%S> proef:", "(1.234 verzoeken, 3 MB)"
    assert capsys.readouterr().out.splitlines() == [
        f"{head} bag: 1 pagina {sums}",
        f"{head} bag: 3 pagina's {sums}",
        f"{head} bgt: 1 pagina {sums}",
        f"{head} bgt: geen antwoord",
    ]
    assert moved == ["bag: 1 pagina", "bag: 2 pagina's", "bag: 3 pagina's", "bgt: 1 pagina", "bgt: 2 pagina's"]


HOME, LINE = "home gemaakt (1.034 home, 2 kaart)", "<%Y-%m-%d %H:%M:%S> proef: "
REASONS = ["  home, weggelaten: 1.200× identificatie dubbel", "  home, opgemerkt: 2× straat onbekend"]
WITHOUT = "Zonder de extra rapporten zijn er geen PDF's: pip install 'kansenkaart[rapporten]'"


@pytest.mark.parametrize(
    ("how", "terminal", "lines"),
    [
        ({}, False, [LINE + HOME, f"{LINE}kaart ongewijzigd", WITHOUT]),
        ({"verbose": True}, False, [LINE + HOME, *REASONS, f"{LINE}kaart ongewijzigd", WITHOUT]),
        ({"verbose": True}, True, [LINE + HOME, *REASONS, f"{LINE}kaart ongewijzigd", WITHOUT]),
        ({"quiet": True}, True, []),
        ({"as_json": True}, False, []),
        ({}, True, [WITHOUT]),
    ],
)
def test_each_step_is_said_as_was_asked_and_all_of_it_is_in_the_log(
    place, tmp_path, monkeypatch, capsys, how, terminal, lines
):
    moved = []
    monkeypatch.setattr(voice, "_moving", lambda place: contextlib.nullcontext(moved.append))
    monkeypatch.setattr(config, "has_extra", lambda name: False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with voice.listening(place, Voice(**how, log=tmp_path / "log")) as listen:
        listen(Report("home", "done", {"home": 1034, "kaart": 2}))
        listen(Report("kaart", "unchanged", {}))
        heard = place.http.meter.listen
    assert capsys.readouterr().err.splitlines() == lines
    assert (tmp_path / "log").read_text("utf-8").splitlines() == [LINE + HOME, *REASONS, f"{LINE}kaart ongewijzigd"]
    moving = terminal and not how
    assert moved == (["home gemaakt", "kaart ongewijzigd"] if moving else [])
    assert len(heard.to) == 1 + (not moving and "quiet" not in how and "as_json" not in how)
    assert (heard.moving is None) != moving


def _homes():
    rows = {
        "street_name": ["Dorpsstraat", "Dorpsstraat", "Kerkweg", "Kerkweg", None],
        "postcode": ["9999AA", "9999AB", "9999AC", "9999AC", "9999 AD"],
        "house_number": [1, 1, 7, 12, 3],
    }
    shapes = [shapely.Point(*one) for one in ((0, 0), (100, 0), (0, 50), (0, 150), (7, 9))]
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=28992).astype({"house_number": "Int64"})


ADDRESSES = {
    "Dorpsstraat 1": (50.0, 0.0),  # 100 m apart is one address
    "  dorpsstraat, 1 ": (50.0, 0.0),
    "9999ac 12": (0.0, 150.0),
    "9999 AB, 1": (100.0, 0.0),
    "9999AD 3": (7.0, 9.0),
    "Kerkweg 7a": (0.0, 50.0),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_the_middle_of_its_homes_however_it_is_written(address):
    assert query._of_address(SimpleNamespace(read=lambda name: _homes()), address) == ADDRESSES[address]


def test_an_address_that_is_not_there_or_in_two_places_is_answered_whole():
    near, far, bare = _homes(), _homes(), _homes().assign(street_name=None)
    far.geometry = far.geometry.affine_transform([1.001, 0, 0, 1, 0, 0])
    no_home = ("an address of the study", "--address")
    asked = {
        "Kerkweg 8": (near, (*no_home, "streets like it: Kerkweg; Kerkweg has numbers 7 to 12")),
        "Kerkwech 8": (near, (*no_home, "streets like it: Kerkweg; Kerkweg has numbers 7 to 12")),
        "Elders 8": (near, (*no_home, "use --point, or look the street up on the map of the study")),
        "9999ZZ 8": (near, (*no_home, "use --point, or look the street up on the map of the study")),
        "9999AA 8": (bare, (*no_home, "this study knows no street names: use a postcode and number, or --point")),
        "Dorpsstraat 1": (
            far,
            ("one address", "--address", "give the number with one of ['9999AA', '9999AB'], or use --point"),
        ),
        "Dorpsstraat": (
            near,
            ("a street or postcode and a house number", "--address", "such as 'Passerlaan 12' or '9901VB 12'"),
        ),
    }
    for address, (homes, words) in asked.items():
        with pytest.raises(ConfigError) as told:
            query._of_address(SimpleNamespace(read=lambda name, homes=homes: homes), address)
        assert (told.value.expected, told.value.where, told.value.remedy) == words


BOUNDS = {
    "address": None,
    "low": 200,
    "high": 260,
    "radius": 400.0,
    "owner_at_least": 0.1,
    "owner_at_most": 0.9,
    "criterion": "bedrag",
    "pins_in": "1, 2,",
    "pins_out": "",
    "seconds": 3.0,
    "prices": True,
}


def test_the_words_of_the_command_line_become_one_question():
    found = query.asked("84500,454000.5", BOUNDS)
    assert found == query.Asked((84500.0, 454000.5), None, 200, 260, 400.0, 0.1, 0.9, (1, 2), (), "stays", 3.0, True)
    words = ("grens", "kwh", None, "stays")
    asked = [query.asked(None, {**BOUNDS, "criterion": word}) for word in words]
    assert [(one.point, one.criterion) for one in asked] == [
        (None, "border"),
        (None, "kwh"),
        (None, None),
        (None, "stays"),
    ]
    for point, more, where, remedy in (
        ("1;2", {}, "--punt", "such as 84500,454000 (x and y in RD, in metres)"),
        ("1,2,3", {}, "--punt", "such as 84500,454000"),
        (None, {"pins_in": "1.5"}, "--met", "such as 12,13"),
        (None, {"pins_out": "a"}, "--zonder", "such as 12,13"),
    ):
        with pytest.raises(ConfigError) as told:
            query.asked(point, {**BOUNDS, **more})
        assert (told.value.where, told.value.remedy) == (where, remedy)


def test_what_a_run_would_read_and_fetch_is_foreseen_as_was_read(tmp_path):
    root = project(tmp_path / "p")
    places = {"voorbeeld": None, "gemeente": "GM0193"}
    made = {
        name: "\n".join(map(str, study.foresee(study.open_study(name, root=root, gemeentecode=code))))
        for name, code in places.items()
    }
    same_as_pinned("pins/foreseen.txt", made)


def test_a_trial_is_a_row_for_each_source_with_the_mean_of_its_seconds(tmp_path, monkeypatch):
    expected = Expected("bag", 1234, 1e6, 7.25)
    verdicts = [Verdict("bag pand", True, ["goed"], [1.0, 2.0], {"etag": "x"}, [], expected), Verdict("ahn", False)]
    kept = []
    monkeypatch.setattr(studies.trial, "try_services", lambda asked, http: (verdicts, (0.0, 0.0, 1.0, 1.0)))
    monkeypatch.setattr(studies.trial, "write_bodies", lambda *how: kept.append(how))
    place = study.open_study("proefveld", root=project(tmp_path / "p", "proefveld"))
    rows = studies.run_trial(place, tmp_path)
    good = {"source": "bag pand", "works": True, "verdict": "werkt", "words": ["goed"], "seconds": "1,5"}
    bad = {"source": "ahn", "works": False, "verdict": "WERKT NIET", "words": [], "seconds": "onbekend", "headers": {}}
    assert rows == [
        {**good, "headers": {"etag": "x"}, "requests": "1.234", "minutes": "7,2"},
        {**bad, "requests": "onbekend", "minutes": "onbekend"},
    ]
    assert kept == [(verdicts, (0.0, 0.0, 1.0, 1.0), tmp_path)]
    assert studies.run_trial(place) == rows
    assert len(kept) == 1


def test_what_many_studies_made_is_joined_and_shown_as_was_read(finished, tmp_path):
    folders = {"GM9999": finished / "maps" / "proefveld", "GM8888": tmp_path / "a", "GM7777": tmp_path / "b"}
    failed = {"GM8888": "ConfigError", "GM9999": "FetchError"}
    about = studies.join_studies(folders, tmp_path / "samen", title="Samen", failed=failed)
    again = studies.join_studies(folders, tmp_path / "samen", title="Samen", failed=failed)
    assert again == about == json.loads((tmp_path / "samen" / "data" / "metadata.json").read_text("utf-8"))
    assert sorted(one.name for one in (tmp_path / "samen").iterdir()) == [".lock", "data", "index.html"]
    made = {
        name: f"{one['parts']['GM9999']['rows']} of {one['rows']}, {one['title_nl']}, {one['title_en']}"
        for name, one in about.pop("tables").items()
    }
    about["software"] = [re.sub(r"\d.*", "#", one) for one in about["software"]]
    made |= {name: json.dumps(one, ensure_ascii=False, sort_keys=True) for name, one in about.items()}
    body = re.sub(
        r"<(style|script)[^>]*>.*?</\1>", "", (tmp_path / "samen" / "index.html").read_text("utf-8"), flags=re.S
    )
    lines = (html.unescape(one).strip() for one in re.sub(r"<[^>]*>", "\n", body).splitlines())
    made["page"] = "\n".join(one for one in lines if one)
    same_as_pinned("pins/joined.txt", {name: re.sub(r"\b[0-9a-f]{12,64}\b", "#", one) for name, one in made.items()})
    entry = json.loads((tmp_path / "samen" / "data" / "metadata.json").read_text("utf-8"))["tables"]["gebied"]
    part = tmp_path / "samen" / "data" / "gebied" / "gemeente=GM9999" / "gebied.parquet"
    whole = folders["GM9999"] / "data" / "gebied.parquet"
    assert part.read_bytes() == whole.read_bytes()
    assert entry["parts"]["GM9999"]["sha256"] == studies.sha256_of(whole)


def test_layers_of_a_release_are_named_counted_and_refused_whole(finished):
    layers = studies.Release(finished / "maps" / "proefveld" / "data")
    assert len(layers) == len(list(layers)) == len(list((layers.folder).glob("*.parquet")))
    asked = {
        ("nergens", 1, "homes"): "no layer nergens: ",
        ("gebied", "nergens", "homes"): "gebied has 0 rows with nergens in gebied_id or ",
        ("gebied", 1, "nergens"): "gebied has no column nergens: gebied_id, ",
    }
    for words, said in asked.items():
        with pytest.raises(KeyError) as told:
            layers.cite(*words)
        assert str(told.value).strip("\"'").startswith(said)
    with pytest.raises(FormatError, match="a folder with metadata"):
        studies.Release(finished)


def test_who_publishes_and_where_to_ask_are_one_line_and_an_address(finished):
    place = study.open_study("proefveld", root=finished)
    for who in (("a\nb", "a@b.nl"), ("a", "b"), ("a", "a@b.nl/c"), ("a", "ftp://b.nl")):
        with pytest.raises(ConfigError) as told:
            studies.run_release(place, who)
        assert told.value.found == ", ".join(map(repr, who))


@pytest.mark.parametrize(
    ("codes", "whole"), [(["BU99990001", "BU99990002"], True), (["BU99990001", "BU99990101"], False), ([], True)]
)
def test_what_a_part_has_published_is_of_its_wijken_or_not(tmp_path, codes, whole):
    wijken = SimpleNamespace(place=SimpleNamespace(wijken=("WK999900",)))
    part = SimpleNamespace(target=tmp_path, study=wijken)
    assert studies.is_of(part)
    (tmp_path / "data").mkdir()
    pd.DataFrame({"buurtcode": pd.Series(codes, dtype="str")}).to_parquet(tmp_path / "data" / "buurt_score.parquet")
    assert studies.is_of(part) == whole
    wijken.place.wijken = ()
    assert studies.is_of(part)


def test_wijken_go_in_as_few_parts_as_hold_the_homes_that_cbs_counts_there():
    """Four wijken in a row of 50, 60, 40 and 70 homes; of one buurt only its households are counted, of one nothing."""
    rows = [
        ("BU00010000", "Noord", 30.0, 99.0),
        ("BU00010001", "Nes", np.nan, 20.0),
        ("BU00010100", "West", 60.0, np.nan),
        ("BU00010200", "Oost", 40.0, 1.0),
        ("BU00010300", "Zuid", 10.0, 1.0),
        ("BU00010301", "Hof", 40.0, 1.0),
        ("BU00010302", "Dijk", 10.0, 1.0),
        ("BU00010303", "Kade", 10.0, 1.0),
        ("BU00010304", "Water", np.nan, np.nan),
    ]
    frame = pd.DataFrame(rows, columns=["buurtcode", "buurtnaam", "homes_stock", "households"])
    places = [int(code[6:8]) for code in frame["buurtcode"]]
    shapes = [shapely.box(100 * at, 0, 100 * (at + 1), 100) for at in places]
    buurt = gpd.GeoDataFrame(frame.assign(wijkcode=pd.NA), geometry=shapes, crs=28992)
    made = studies._grouped(buurt, 110)
    assert made == {
        "1-van-2": {"title": "Nes, Noord en West", "wijken": ["WK000100", "WK000101"], "homes": 110},
        "2-van-2": {"title": "Hof, Oost en Zuid", "wijken": ["WK000102", "WK000103"], "homes": 110},
    }
    assert studies._grouped(buurt, 220) == {}
    assert len(studies._grouped(buurt, 219)) == 2
    assert studies._grouped(buurt[buurt["buurtcode"].str.startswith("BU000103")], 10) == {}
