"""The best area around a place: the question of the first wijkbedrijf, addresses, pins, and what is said when it cannot be."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kansenkaart.cli import cli
from kansenkaart.config import Folders, Source, Study
from kansenkaart.errors import ConfigError, InfeasibleError, StoreError
from kansenkaart.runs import query
from kansenkaart.runs.query import Asked, ask, plain, write_geojson
from kansenkaart.runs.studies import Release
from kansenkaart.runs.study import Workplace, open_study
from kansenkaart.tables.store import Store
from tests.score.area_store import scored, town_store
from tests.truth import truth


def place_of(store: Store) -> Workplace:
    none = Source(role="home", publisher="test", origin="live", form="test")
    root = store.root.parent
    return Workplace(
        Study(name="proef", title="Proef", source=(none,)),
        Folders(published=root, raw=root, processed=root, maps=root),
        store,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return place_of(scored(town_store(tmp_path_factory.mktemp("ask"), rows=20)))


MIDDLE = (120_120.0, 480_290.0)


def test_the_area_of_the_first_wijkbedrijf_comes_out_when_one_owner_is_asked(finished):
    # 194 gallery flats, 95 rented and 41 owned houses: 330 together, 88 % of one owner, as designed in the example.
    known = truth()
    answer = ask(open_study("proefveld", root=finished), Asked(point=known.cluster_centre, owner_low=0.8))
    area = answer.area.iloc[0]
    assert (area["homes"], area["stacked_homes"], area["ground_homes"]) == (330, 194, 136)
    assert area["corporation_frac"] == pytest.approx(known.cluster_owner_share, abs=0.005)
    assert area["bound_gap_frac"] == 0
    # The same homes, one by one: each lies in the area that was drawn.
    home = Store(finished / "data" / "processed" / "proefveld").read("home").set_index("home_id")
    inside = shapely.contains(area.geometry, home.geometry.to_numpy())
    assert set(home.index[inside]) == set(known.cluster)
    # Its border is the main road, the canal and open land: all of it lines that people know.
    assert set(answer.border["border_class"]) == {"main", "water", "outer"}
    assert area["known_border_frac"] == 1


def test_asked_for_mixed_ownership_it_is_another_area(finished):
    answer = ask(
        open_study("proefveld", root=finished), Asked(point=truth().cluster_centre, owner_high=0.6, radius_m=400.0)
    )
    assert answer.area["corporation_frac"].iloc[0] <= 0.6 + 1e-9


def test_bounds_and_pins_hold(place):
    free = ask(place, Asked(point=MIDDLE)).area.iloc[0]
    blocks = [int(one) for one in free["block_ids"].split(",")]
    out = next(one for one in blocks if one != free["centre_block_id"])
    asked = Asked(point=MIDDLE, low_homes=200, high_homes=240, radius_m=200.0, pins_out=(out,))
    area = ask(place, asked).area.iloc[0]
    assert 200 <= area["homes"] <= 240
    assert area["reach_m"] <= 200
    assert out not in [int(one) for one in area["block_ids"].split(",")]
    other = ask(place, Asked(point=MIDDLE, pins_in=(out,))).area.iloc[0]
    assert out in [int(one) for one in other["block_ids"].split(",")]


def test_a_block_in_or_out_has_a_price_and_none_is_a_gain(place):
    prices = ask(place, Asked(point=MIDDLE, prices=True)).prices
    assert prices is not None
    assert len(prices) > 3
    assert (prices["price_eur_per_year"].dropna() >= -1e-6).all()


def test_an_address_is_found_and_a_wrong_one_gets_a_hint(place):
    home = place.store.read("home")
    spot = home[home["street_name"] == "Straat 10"].geometry
    home["house_number"] = range(len(home))
    with pytest.raises(ConfigError, match="no home at Straat 10 9999"):
        ask(place, Asked(address="Straat 10 9999"))
    with pytest.raises(ConfigError, match="street or postcode and a house number"):
        ask(place, Asked(address="ergens"))
    assert len(spot) == 40


def test_an_address_of_the_example_by_street_and_by_postcode(finished):
    work = open_study("proefveld", root=finished)
    homes = work.store.read("home")
    home = homes[~homes.duplicated(["postcode", "house_number"], keep=False)].iloc[0]
    by_street = ask(work, Asked(address=f"{home['street_name'].lower()} {home['house_number']}"))
    by_code = ask(work, Asked(address=f"{home['postcode'][:4]} {home['postcode'][4:].lower()} {home['house_number']}"))
    assert by_street.area["block_ids"].iloc[0] == by_code.area["block_ids"].iloc[0]
    twice = homes[homes.duplicated(["postcode", "house_number"], keep=False)].iloc[0]
    with pytest.raises(ConfigError, match="in several places"):
        ask(work, Asked(address=f"{twice['postcode']} {twice['house_number']}"))
    with pytest.raises(ConfigError, match="streets like it: Passerlaan"):
        ask(work, Asked(address="Passerlan 12"))


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        (Asked(), ConfigError, "either a point or an address"),
        (Asked(point=MIDDLE, address="x 1"), ConfigError, "either a point or an address"),
        (Asked(point=(52.1, 4.3)), ConfigError, "degrees are not taken"),
        (Asked(point=(200_000.0, 500_000.0)), ConfigError, "the nearest are"),
        (Asked(point=MIDDLE, criterion="eur"), ConfigError, "eur"),
        (Asked(point=MIDDLE, low_homes=400, high_homes=300), ConfigError, "400"),
        (Asked(point=MIDDLE, pins_in=(99_999,)), ConfigError, "pins among"),
        (Asked(point=MIDDLE, owner_low=0.9), InfeasibleError, "in reach"),
        (Asked(point=MIDDLE, low_homes=5_000, high_homes=6_000), InfeasibleError, "homes"),
        (Asked(point=MIDDLE, radius_m=25.0), InfeasibleError, "25 m"),
    ],
)
def test_what_cannot_be_is_said(place, asked, error, words):
    with pytest.raises(error, match=words):
        ask(place, asked)


def test_without_blocks_or_ownership_it_is_said(tmp_path):
    empty = place_of(Store(tmp_path / "proef"))
    with pytest.raises(StoreError, match="kansenkaart run proef"):
        ask(empty, Asked(point=MIDDLE))
    store = scored(town_store(tmp_path / "unknown", rows=20, corporation=None))
    with pytest.raises(InfeasibleError, match="ownership"):
        ask(place_of(store), Asked(point=MIDDLE, owner_low=0.5))


def test_geojson_is_in_degrees_and_holds_area_and_border(place, tmp_path):
    answer = ask(place, Asked(point=MIDDLE))
    write_geojson(answer, tmp_path / "area.geojson")
    frame = gpd.read_file(tmp_path / "area.geojson")
    assert sorted(frame["kind"].unique()) == ["area", "border"]
    assert 3 < frame.total_bounds[0] < 8
    assert frame.to_crs(28992).geometry.iloc[0].area == pytest.approx(answer.area.geometry.iloc[0].area, rel=1e-3)
    assert json.dumps(plain(answer))


def test_the_command_answers_in_words_and_for_machines(finished, tmp_path):
    from click.testing import CliRunner

    x, y = truth().cluster_centre
    line = ["--map", str(finished), "gebied", "proefveld", "--point", f"{x},{y}", "--out", str(tmp_path / "a.geojson")]
    told = CliRunner().invoke(cli, [*line, "--owner-at-least", "0.8"], catch_exceptions=False)
    assert "330 woningen" in told.output
    assert "88%  van corporaties" in told.output
    assert "bewezen het beste" in told.output
    data = json.loads(CliRunner().invoke(cli, [*line, "--json"], catch_exceptions=False).stdout)
    assert data["area"]["homes"] >= 300
    wrong = CliRunner().invoke(cli, [*line, "--radius", "30"])
    assert isinstance(wrong.exception, InfeasibleError)
    assert wrong.exception.exit_code == 8


def test_a_row_is_cited_by_the_first_part_of_its_key_or_an_id_and_by_no_other_column(tmp_path, monkeypatch):
    frame = pd.DataFrame({"service": ["sun", "long"], "track": ["long", "short"], "value": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "terms.parquet")
    schema = {"fields": [{"name": name, "unit": "-"} for name in frame], "primaryKey": ["service", "track"]}
    (tmp_path / "metadata.json").write_text(json.dumps({"tables": {"terms": {"schema": schema}}}), "utf-8")
    monkeypatch.setattr("kansenkaart.runs.studies.cited", lambda name, row, column, *_: f"{name}: {row[column]}")
    layers = Release(tmp_path)
    assert (
        layers.cite("terms", "long", "value") == "terms long: 2.0"
    )  # of two rows in which it stands, that of which it is key
    with pytest.raises(KeyError, match="0 rows with short in service"):
        layers.cite("terms", "short", "value")


def test_who_names_no_criterion_is_answered_by_what_stays_where_that_is_known(monkeypatch):
    monkeypatch.setattr(query.best_areas, "criteria_of", lambda blocks: blocks)
    for known, by in ((["stays", "kwh"], "stays"), (["kwh"], "kwh"), (["border"], "border")):
        assert query._criterion(known, Asked()) == by
    assert query._criterion(["stays", "kwh"], Asked(criterion="kwh")) == "kwh"
    with pytest.raises(ConfigError, match="--by"):
        query._criterion(["kwh"], Asked(criterion="stays"))
