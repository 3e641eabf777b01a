"""A municipality that is too large for a worker goes as parts of whole wijken: the parts are the whole, to the home."""

from __future__ import annotations

import json
import tomllib
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from benchmarks.country import write_study
from kansenkaart.config import DATA_VARIABLE, Study
from kansenkaart.core.area.grouping import fewest
from kansenkaart.errors import ConfigError
from kansenkaart.runs import studies
from kansenkaart.runs import study as pipeline
from kansenkaart.sources.example import write_example
from tests.runs.places import STUDIES

_ROLES = ("buurt", "statistics", "home", "pand", "terrain", "sewer_pipe", "sewer_node", "weather_daily", "dtm")


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    """Run three fields beside each other in one piece and in two parts: the first and third of 1,034 homes, and the second."""
    root = tmp_path_factory.mktemp("parts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_VARIABLE, str(root / "published"))
        write_example(root / "published" / "x3", scale=3)
        # A home on the very border of two wijken: both parts see it there, and one counts it.
        path = root / "published" / "x3" / "ogc" / "verblijfsobject.geojson"
        homes = json.loads(path.read_text("utf-8"))
        buurt = gpd.read_file(root / "published" / "x3" / "ogc" / "buurten.geojson").dissolve("wijkcode").geometry
        line = shapely.intersection(buurt["WK999900"], buurt["WK999901"])
        x, y = shapely.get_coordinates(shapely.line_interpolate_point(line, 100.0))[0]
        homes["features"][0]["geometry"]["coordinates"] = [float(x), float(y)]
        path.write_text(json.dumps(homes), "utf-8")
        study = tomllib.loads((STUDIES / "proefveld.toml").read_text("utf-8"))
        study["source"] = [one for one in study["source"] if one["role"] in _ROLES]
        (root / "studies").mkdir()
        write_study(root, "stad", study, "x3")
        parts = studies.divide_study(pipeline.open_study("stad", root=root), 2100)
        places = [pipeline.open_study("stad", root=root, gemeentecode=one or None) for one in ("", *parts)]
        for place in places:
            pipeline.run_acquire(place)
            pipeline.run_score(place)
        yield places


def _both(divided, table):
    whole, *parts = (place.store.read(table) for place in divided)
    return whole, pd.concat(parts, ignore_index=True)


def test_a_place_with_more_homes_than_a_worker_carries_goes_as_whole_wijken_that_border_on_each_other(divided):
    whole, one, two = (place.study for place in divided)
    assert [one.name, two.name] == ["stad-1-van-2", "stad-2-van-2"]
    assert one.title.startswith(f"{whole.title}, deel 1 van 2: Galerijbuurt (voorbeeld)")
    wijken = [*one.place.wijken, *two.place.wijken]
    assert sorted(wijken) == ["WK999900", "WK999901", "WK999902"]
    said = json.loads((divided[0].store.root / pipeline.PARTS).read_text("utf-8"))
    assert sum(row["homes"] for row in said.values()) == 3102  # as CBS counts them: three times 1,034
    before = (divided[0].store.root / pipeline.PARTS).read_bytes()
    assert studies.divide_study(divided[0], 2100) == studies.parts_of(divided[0]) == ["1-van-2", "2-van-2"]
    assert (divided[0].store.root / pipeline.PARTS).read_bytes() == before


@pytest.mark.parametrize("table", ["buurt", "home", "pand", "home_score", "home_water", "block", "home_area"])
def test_the_parts_have_every_row_of_the_whole_once(divided, table):
    whole, parts = _both(divided, table)
    assert len(whole) == len(parts) > 0
    if table not in ("block", "home_area"):
        key = {"buurt": "buurtcode", "pand": "pand_id"}.get(table, "home_id")
        assert sorted(whole[key]) == sorted(parts[key])


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("home", "floor_area_m2"),
        ("home_score", "people"),
        ("home_score", "grey_water_m3_per_year"),
        ("buurt_score", "homes"),
        ("buurt_score", "people"),
        ("block", "homes"),
        ("gebied", "homes"),
        ("street_score", "homes"),
        ("street_water", "homes"),
    ],
)
def test_sums_over_the_parts_are_those_of_the_whole(divided, table, column):
    whole, parts = _both(divided, table)
    assert float(whole[column].sum()) == pytest.approx(float(parts[column].sum()), rel=1e-9)
    assert whole[column].sum() > 0


def test_a_home_on_the_border_of_two_parts_is_in_the_wijk_of_the_first_code(divided):
    moved = "9999010000000001"
    homes = [place.store.read("home").set_index("home_id")["buurtcode"] for place in divided]
    assert homes[0][moved].startswith("BU999900")
    assert [moved in one.index for one in homes[1:]] == ["WK999900" in one.study.place.wijken for one in divided[1:]]


def test_sewers_go_on_beyond_the_wijken_of_a_part_and_those_far_away_are_left_out(divided):
    whole, *parts = (place.store.read("sewer_pipe") for place in divided)
    for place, pipes in zip(divided[1:], parts, strict=True):
        land = place.store.read("buurt").union_all()
        assert not pipes.within(land.buffer(1.0)).all()
        assert pipes.intersects(land.buffer(200.0)).all()
        mine = whole[whole.intersects(land)]
        assert set(mine["pipe_id"]) <= set(pipes["pipe_id"])
        assert len(pipes) < len(whole)
    assert all(
        place.store.path("dtm").stat().st_size < divided[0].store.path("dtm").stat().st_size for place in divided[1:]
    )


def test_a_place_that_fits_or_of_which_nobody_counts_the_homes_goes_in_one_piece(divided):
    whole = divided[0]
    assert studies.divide_study(whole, 3102) == []
    assert studies.parts_of(whole) == []
    buurt = whole.store.read("buurt")
    assert studies._grouped(buurt.assign(homes_stock=np.nan, households=np.nan), 2100) == {}
    # CBS says nothing of the homes: its households count; and without wijkcodes the digits of the buurten do
    bare = buurt.assign(homes_stock=np.nan, households=1000.0, wijkcode=pd.Series(pd.NA, buurt.index, dtype="str"))
    parts = studies._grouped(bare, 8000)
    assert sorted(code for row in parts.values() for code in row["wijken"]) == ["WK999900", "WK999901", "WK999902"]
    assert max(row["homes"] for row in parts.values()) == 8000
    assert studies.divide_study(whole, 2100) == ["1-van-2", "2-van-2"]


def test_only_the_buurten_of_a_place_are_asked_to_divide_it(tmp_path, monkeypatch):
    asked = []

    def steps(study, folders, *, http, turn):
        asked.append((study.source, folders, http, turn))
        return ["step"]

    monkeypatch.setattr(studies.acquire, "steps", steps)
    monkeypatch.setattr(studies, "run", lambda store, step: asked.append(step))
    sources = [SimpleNamespace(role=one) for one in ("buurt", "home", "statistics", "own_pand")]
    whole = SimpleNamespace(source=tuple(sources), model_copy=lambda update: SimpleNamespace(**update))
    store = SimpleNamespace(root=tmp_path, has=lambda name: False)
    (tmp_path / pipeline.PARTS).write_text("{}", "utf-8")
    place = SimpleNamespace(study=whole, store=store, folders="f", http="h", turn="t")
    assert studies.divide_study(place, 10) == []
    assert asked == [((sources[0], sources[2]), "f", "h", "t"), "step"]
    assert not (tmp_path / pipeline.PARTS).exists()
    assert studies.divide_study(place, 10) == []  # though there is nothing to end


def test_own_data_keep_a_place_whole_and_a_budget_is_of_no_part(divided):
    whole = divided[0]
    source = whole.study.source[0].model_copy(update={"role": "own_pand"})
    owned = pipeline.replace(whole, study=whole.study.model_copy(update={"source": (*whole.study.source, source)}))
    path = whole.store.root / pipeline.PARTS
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="no own data where a municipality of more than 2100 homes is divided"):
        studies.divide_study(owned, 2100)
    assert path.read_bytes() == before
    row = {"publisher": "x", "origin": "file", "form": "own", "path": "b.csv", "role": "own_budget"}
    with pytest.raises(ValueError, match="a budget is of the whole municipality"):
        Study.model_validate({"name": "a", "title": "A", "place": {"wijken": ["WK999900"]}, "source": [row]})


def test_a_part_that_is_not_there_is_refused_and_so_is_a_wijk_without_buurten(divided):
    root = divided[0].folders.maps.parent
    with pytest.raises(ConfigError, match="a part of a divided municipality"):
        pipeline.open_study("stad", root=root, gemeentecode="3-van-2")
    study = divided[1].study
    place = study.place.model_copy(update={"wijken": ("WK9999ZZ",)})
    with pytest.raises(ConfigError, match="wijken with buurten"):
        pipeline.run_acquire(pipeline.replace(divided[1], study=study.model_copy(update={"place": place})))


def test_an_edition_of_other_wijken_is_not_joined(divided):
    part = divided[1]
    folder = part.target / "data"
    folder.mkdir(parents=True)
    assert studies.is_of(part)
    part.store.read("buurt").to_parquet(folder / "buurt_score.parquet")
    assert studies.is_of(part)
    assert studies.is_of(divided[0])
    divided[2].store.read("buurt").to_parquet(folder / "buurt_score.parquet")
    assert not studies.is_of(part)


def _chain(n):
    return np.arange(n - 1), np.arange(1, n), np.full(n - 1, 10.0)


def test_neighbours_come_in_as_few_groups_as_hold_no_more_than_asked():
    # a row of six wijken of 40: three groups of two, each of neighbours, numbered from the first
    assert fewest(np.full(6, 40), _chain(6), most=80).tolist() == [0, 0, 1, 1, 2, 2]
    assert fewest(np.full(6, 40), _chain(6), most=240).tolist() == [0] * 6
    # one of more than the most is alone
    label = fewest(np.array([30, 500, 30]), _chain(3), most=60)
    assert len(set(label.tolist())) == 3


def test_a_wijk_that_lies_apart_borders_on_the_nearest():
    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(5, 0, 6, 1)])
    i, j, length = studies._borders_of(shapes)
    assert sorted(zip(i.tolist(), j.tolist(), length.tolist(), strict=True)) == [(0, 1, 1.0), (1, 2, 0.0)]
