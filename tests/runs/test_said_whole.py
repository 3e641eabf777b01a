"""What a run says on its way, what it foresees, how an address is found, and what many studies make together, whole."""

from __future__ import annotations

import contextlib
import dataclasses
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
from kansenkaart.core.area.question import AreaQuestion
from kansenkaart.errors import ConfigError, FormatError, InfeasibleError, StoreError
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
    far.loc[1, "postcode"] = None
    no_home = ("an address of the study", "--address")
    asked = {
        "Kerkweg 8": (near, (*no_home, "streets like it: Kerkweg; Kerkweg has numbers 7 to 12")),
        "Kerkwech 8": (near, (*no_home, "streets like it: Kerkweg; Kerkweg has numbers 7 to 12")),
        "Elders 8": (near, (*no_home, "use --point, or look the street up on the map of the study")),
        "9999ZZ 8": (near, (*no_home, "use --point, or look the street up on the map of the study")),
        "9999AA 8": (bare, (*no_home, "this study knows no street names: use a postcode and number, or --point")),
        "Dorpsstraat 1": (
            far,
            ("one address", "--address", "give the number with one of ['9999AA'], or use --point"),
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


def test_a_study_is_begun_for_a_municipality_by_its_name_or_code_and_under_a_name_of_its_own(tmp_path):
    made = [
        studies.new_study(name, root=tmp_path, template="gemeente")
        for name in ("'s-hertogenbosch", "GM0796", "zwolle", "mijnwijk")
    ]
    assert [one.name for one in made] == [
        "s-hertogenbosch.toml",
        "s-hertogenbosch-gm0796.toml",
        "zwolle.toml",
        "mijnwijk.toml",
    ]
    told = [config.read_study(one) for one in made]
    assert [(one.name, one.title, one.place.gemeentecode) for one in told] == [
        ("s-hertogenbosch", "'s-Hertogenbosch", "GM0796"),
        ("s-hertogenbosch-gm0796", "'s-Hertogenbosch", "GM0796"),
        ("zwolle", "Zwolle", "GM0193"),
        ("mijnwijk", "Een gemeente, live van de publicerende diensten", "GM0193"),
    ]
    assert [studies.asked(one) for one in made[:3]] == ["'s-Hertogenbosch (GM0796)"] * 2 + ["Zwolle (GM0193)"]
    example = studies.new_study("proef", root=tmp_path, template="proefveld")
    assert studies.asked(example) == ""
    shipped = config.shipped_studies()["proefveld"].read_text("utf-8")
    assert example.read_text("utf-8") == shipped.replace('name = "proefveld"', 'name = "proef"')
    wrong = {
        ("zwole", "gemeente"): ("'zwole'", 'kansenkaart nieuw "Zwolle"'),
        ("GM9998", "gemeente"): ("'GM9998'", "choose another name, such as mijnwijk"),
        ("Mijn Wijk" + "!" * 60, "gemeente"): (repr("Mijn Wijk" + "!" * 51), "choose another name, such as mijnwijk"),
        ("anders", "nergens"): ("nergens", "choose one of them"),
        ("mijnwijk", "gemeente"): ("a study of that name", "choose another name"),
    }
    for (name, template), words in wrong.items():
        with pytest.raises(ConfigError) as why:
            studies.new_study(name, root=tmp_path, template=template)
        assert (why.value.found, why.value.remedy) == words


def test_studies_are_listed_by_name_with_where_they_come_from_and_a_faulty_one_with_its_fault(tmp_path):
    root = project(tmp_path / "p", "voorburg")
    (root / "studies" / "aa.toml").write_text("name = " + "a" * 200, "utf-8")
    (root / "maps" / "voorburg").mkdir(parents=True)
    (root / "maps" / "voorburg" / "index.html").touch()
    rows = studies.list_studies(root)
    assert [one["name"] for one in rows] == sorted({"aa", "voorburg", *config.shipped_studies()})
    of = {one["name"]: one for one in rows}
    code = config.read_study(root / "studies" / "voorburg.toml").place.gemeentecode
    assert {name: (one["origin"], one["published"], one["place"]) for name, one in of.items()} == {
        "aa": ("project", False, "-"),
        "gemeente": ("kansenkaart", False, "GM0193"),
        "proefveld": ("kansenkaart", False, "-"),
        "voorbeeld": ("kansenkaart", False, "-"),
        "voorburg": ("project", True, code or "-"),
    }
    assert of["aa"]["title"].startswith("fout: ")
    assert len(of["aa"]["title"]) <= len("fout: ") + 80
    assert of["voorburg"]["title"] == config.read_study(root / "studies" / "voorburg.toml").title


def test_a_question_keeps_what_the_study_says_where_nothing_is_asked():
    base = AreaQuestion(low_homes=310, high_homes=350, radius_m=250.0, border_price=4.0, split_price=2.0)
    assert query._question(base, query.Asked()) == base
    assert query.Asked() == query.Asked(None, None, None, None, None, 0.0, 1.0, (), (), None, 10.0, False)
    asked = query.Asked(None, None, 100, 200, 90.0, 0.2, 0.7, (1, 2), (3,), None, 5.0, True)
    assert query._question(base, asked) == AreaQuestion(100, 200, 90.0, 4.0, 0.0, 2.0, 0.2, 0.7, (1, 2), (3,))


def test_an_answer_is_written_whole_with_words_as_they_are(tmp_path):
    """A square of 10 m at the place of Amersfoort where degrees are 5.387 and 52.155."""
    area = gpd.GeoDataFrame(
        {"best_name": ["Café"], "homes": [3]}, geometry=[shapely.Point(155_000, 463_000)], crs=28992
    )
    border = gpd.GeoDataFrame(
        {"length_m": [1.0, 5.0, np.nan]}, geometry=[shapely.Point(155_000, 463_000)] * 3, crs=28992
    )
    answer = query.Answer(area, border, None)
    query.write_geojson(answer, tmp_path / "a.geojson")
    text = (tmp_path / "a.geojson").read_text("utf-8")
    assert text.endswith("]}\n")
    assert "Café" in text
    parts = json.loads(text)["features"]
    assert [one["properties"] for one in parts] == [
        {"kind": "area", "best_name": "Café", "homes": 3},
        *({"kind": "border", "length_m": length} for length in (1.0, 5.0, None)),
    ]
    assert all(set(one) == {"type", "properties", "geometry"} for one in parts)
    assert parts[0]["geometry"]["coordinates"] == pytest.approx([5.387, 52.155], abs=1e-3)
    told = {
        "area": {"best_name": "Café", "homes": 3},
        "border": [{"length_m": length} for length in (5.0, 1.0, None)],
    }
    assert query.plain(answer) == told
    priced = dataclasses.replace(answer, prices=pd.DataFrame({"block_id": [4], "price": [np.nan]}))
    assert query.plain(priced) == {**told, "prices": [{"block_id": 4, "price": None}]}


def test_a_proof_has_the_time_that_was_asked_for_and_ownership_is_asked_after_only_where_it_is_bounded(
    place, tmp_path, monkeypatch
):
    """Everything around the search stands still: what reaches it is looked at."""
    graph = SimpleNamespace(owned=np.array([np.nan, np.nan]))
    blocks, seen = SimpleNamespace(graph=lambda value: graph, frame=None, edges=None), {}
    said = {"ready": lambda store: True, "read_blocks": lambda store: blocks, "question_of": lambda *_: AreaQuestion()}
    said |= {"criteria_of": lambda blocks: ["kwh"], "value_and_scale": lambda blocks, by: (np.zeros(2), 1.0)}
    for name, do in said.items():
        monkeypatch.setattr(query.best_areas, name, do)
    monkeypatch.setattr(query, "time", SimpleNamespace(monotonic=lambda: place.clock[0]))
    monkeypatch.setattr(query, "block_at", lambda graph, point, *, within_m: (point, within_m))

    def searched(graph, *, centre, question, effort):
        seen.update(centre=centre, left=[effort.remaining()])
        place.clock[0] += 3.0
        seen["left"].append(effort.remaining())
        raise InfeasibleError("an area", found="none", where="here")

    monkeypatch.setattr(query, "best_around", searched)
    work = SimpleNamespace(store=None, known=None, study=SimpleNamespace(name="proef", areas=None))
    point = (120_000.0, 480_000.0)
    with pytest.raises(InfeasibleError, match="an area"):
        query.ask(work, query.Asked(point=point, seconds=7.0, radius_m=90.0))
    assert seen == {"centre": (point, 90.0), "left": [7.0, 4.0]}
    for low, high in ((0.01, 1.0), (0.0, 0.99)):
        with pytest.raises(InfeasibleError, match="ownership of the homes"):
            query.ask(work, query.Asked(point=point, owner_low=low, owner_high=high))
    graph.owned[0] = 3.0  # known of one block: the others may be out of reach
    with pytest.raises(InfeasibleError, match="an area"):
        query.ask(work, query.Asked(point=point, owner_low=0.01))


def test_a_layer_tells_its_units_and_a_row_is_found_by_any_id_that_one_row_has(tmp_path, monkeypatch):
    frame = gpd.GeoDataFrame(
        {
            "gebied_id": [7, 8],
            "area_uid": ["a", "b"],
            "buurtcode": ["BU1", "BU1"],
            "street_key": ["x", "y"],
            "homes": [3, 8],
        },
        geometry=[shapely.Point(0, 0), shapely.Point(0, 1)],
        crs=28992,
    )
    frame.to_parquet(tmp_path / "gebied.parquet")
    fields = [{"name": name, "unit": "home" if name == "homes" else "-"} for name in frame]
    about = {"rows": 2, "schema": {"fields": fields, "primaryKey": ["gebied_id"]}}
    told = {"tables": {"gebied": about, "gone": about}}
    (tmp_path / "metadata.json").write_text(json.dumps(told), "utf-8")
    layers = studies.Release(tmp_path)
    assert (list(layers), len(layers), layers.metadata) == (["gebied"], 1, told)
    layer = layers["gebied"]
    assert isinstance(layer, gpd.GeoDataFrame)
    units = {"gebied_id": "-", "area_uid": "-", "buurtcode": "-", "street_key": "-", "homes": "home"}
    assert layer.attrs == {**about, "units": units}
    monkeypatch.setattr(
        studies, "cited", lambda name, row, column, schema, meta: (name, int(row["homes"]), column, meta)
    )
    for key, homes in ((7, 3), ("b", 8), ("y", 8)):
        assert layers.cite("gebied", key, "homes") == (f"gebied {key}", homes, "homes", told)
    with pytest.raises(
        KeyError, match="gebied has 2 rows with BU1 in gebied_id or area_uid or buurtcode or street_key: give"
    ):
        layers.cite("gebied", "BU1", "homes")


def test_a_release_is_of_the_last_edition_and_is_put_beside_the_maps(tmp_path, monkeypatch):
    root = project(tmp_path / "p", "proefveld")
    work = study.open_study("proefveld", root=root)
    kept = [SimpleNamespace(number=3), SimpleNamespace(number=5)]
    monkeypatch.setattr(
        studies, "editions", lambda folder: kept if folder == root / "data" / "editions" / "proefveld" else []
    )
    monkeypatch.setattr(studies.publish, "readable_of", lambda store, of, *, studies, public: (studies, public))
    monkeypatch.setattr(studies.publish, "release_folder", lambda *how, **more: [how, more])
    how, more = studies.run_release(work, ("Wij", ""))
    assert how == ((root / "studies", False), work.study, root / "maps" / "proefveld", root / "uitgaven")
    assert more == {"number": 5, "who": ("Wij", "")}
    kept.clear()
    with pytest.raises(StoreError) as why:
        studies.run_release(work, ("Wij", "https://wij.nl/vragen"))
    assert (why.value.found, why.value.where, why.value.remedy) == ("none", "proefveld", "kansenkaart run proefveld")
