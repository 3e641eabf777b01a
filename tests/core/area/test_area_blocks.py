"""Blocks: every home once, no building cut, sizes, streets, crossings, and the tally of what was not placed."""

from __future__ import annotations

import itertools
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.area.blocks import _addresses, build_blocks
from kansenkaart.core.area.borders import BlockRules
from kansenkaart.core.area.graph import BorderFactors, border_weights, build_graph
from kansenkaart.core.area.grouping import agglomerated, divided
from kansenkaart.core.area.tessellate import _faces
from kansenkaart.core.area.values import area_borders, area_shapes, area_sums
from kansenkaart.errors import ConfigError, CrsError, InfeasibleError, SchemaError
from tests.core.area.area_towns import FACTORS, row_houses, untidy_town
from tests.pinned import require_as_pinned

VOORBURG = Path(__file__).parents[4] / "shared" / "data" / "voorburg" / "bag_lvbag_cbs2022.gpkg"


def lines(*rows: tuple[str, list[tuple[float, float]]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"cls": [c for c, _ in rows]}, geometry=[shapely.LineString(p) for _, p in rows], crs=28992)


def test_every_home_in_one_block_and_no_building_cut() -> None:
    pand, home = row_houses(6, 10)
    made = build_blocks(pand, home, factors=FACTORS)
    assert made.frame["homes"].sum() == len(home)
    assert made.frame["panden"].sum() == len(pand)
    assert set(made.block_of_pand.index) == set(pand["pand_id"])
    assert not any(made.dropped.values())
    assert (made.frame["basis"] == "footprint").all()
    # Each block's polygon holds its own panden, and the polygons do not overlap.
    own = made.frame.set_index("block_id").geometry.loc[made.block_of_pand.to_numpy()].to_numpy()
    assert shapely.contains(shapely.buffer(own, 0.05), pand.geometry.to_numpy()).all()
    assert made.frame.area.sum() == pytest.approx(made.frame.union_all().area, rel=1e-6)


def test_streets_bound_the_blocks() -> None:
    # Four rows, a street between the second and the third: two blocks of 20 homes, joined over one local border.
    pand, home = row_houses(4, 10, apart=10.0)
    made = build_blocks(pand, home, factors=FACTORS, barriers=lines(("local", [(-100, 33), (200, 33)])))
    assert made.frame["homes"].tolist() == [20, 20]
    assert len(made.edges) == 1
    edge = made.edges.iloc[0]
    assert (edge["cls"], bool(edge["passable"])) == ("local", True)
    # The rows are 60 m long; the border runs on beyond their ends until open land.
    assert 60 < edge["length_m"] < 250
    assert edge["weight_m"] == pytest.approx(edge["length_m"])
    assert edge.geometry.length == pytest.approx(edge["length_m"])


def test_water_is_crossed_at_bridges_only() -> None:
    pand, home = row_houses(2, 30, apart=20.0)
    canal = ("water", [(-200, 19), (400, 19)])
    closed = build_blocks(pand, home, factors=FACTORS, barriers=lines(canal))
    assert not closed.edges["passable"].any()
    bridge = ("local", [(30, -50), (30, 90)])
    opened = build_blocks(pand, home, factors=FACTORS, barriers=lines(canal, bridge))
    wet = opened.edges[opened.edges["cls"] == "water"]
    assert wet["passable"].any()
    assert not wet["passable"].all()
    # A crossing opens 40 m to either side, 80 m in all.
    rules = BlockRules()
    assert wet.loc[wet["passable"], "length_m"].sum() <= 2 * rules.crossing_m + 2 * rules.spacing_m


def test_an_area_of_water_counts_like_a_line() -> None:
    pand, home = row_houses(2, 5)
    pond = gpd.GeoDataFrame({"cls": ["water"]}, geometry=[shapely.box(-50, 12, 90, 26)], crs=28992)
    made = build_blocks(pand, home, factors=FACTORS, barriers=pond)
    assert set(made.edges["cls"]) == {"water"}


def test_a_large_block_is_divided_by_building_and_a_gallery_is_a_unit() -> None:
    pand, home = row_houses(1, 300)
    gallery = gpd.GeoDataFrame(
        {"pand_id": ["flat"], "buurtcode": ["BU1"]}, geometry=[shapely.box(0, 30, 90, 42)], crs=28992
    )
    spots = [shapely.Point(0.4 + 0.46 * k, 36) for k in range(194)]
    flats = gpd.GeoDataFrame({"home_id": [f"f{k}" for k in range(194)], "pand_id": "flat"}, geometry=spots, crs=28992)
    made = build_blocks(
        pd.concat([pand, gallery], ignore_index=True), pd.concat([home, flats], ignore_index=True), factors=FACTORS
    )
    flat = made.frame.loc[made.block_of_pand["flat"]]
    assert (flat["homes"], flat["panden"], flat["large_building"]) == (194, 1, True)
    rest = made.frame.drop(index=flat.name)
    assert rest["homes"].max() <= 120
    assert not rest["large_building"].any()
    assert made.frame["homes"].sum() == 494


def test_homes_without_a_building_are_placed_nearby_or_counted() -> None:
    pand, home = row_houses(2, 5)
    spots = [shapely.Point(3, 12), shapely.Point(5000, 5000), None]
    lost = gpd.GeoDataFrame({"home_id": ["a", "b", "c"], "pand_id": [None, "gone", None]}, geometry=spots, crs=28992)
    made = build_blocks(pand, pd.concat([home, lost], ignore_index=True), factors=FACTORS)
    assert made.frame["homes"].sum() == 12
    assert made.dropped == {"no pand and no coordinates": 1}
    assert made.noted == {"no pand within 30 m: at their own point": 1}
    # The home far away is a block of its own, and each home knows its block.
    far = made.frame.loc[made.block_of_home["b"]]
    assert (far["homes"], far["panden"]) == (1, 1)
    assert made.block_of_home["c"] == -1
    assert made.block_of_home["a"] == made.block_of_pand["p0-0-0-0"]


def test_buurten_stay_apart_and_their_border_weighs_less() -> None:
    pand, home = row_houses(2, 5)
    pand["buurtcode"] = np.where(pand["pand_id"].str.contains(r"-0-\d+$"), "BU1", "BU2")
    pand["roof_m2"] = 50.0
    pand.loc[0, "roof_m2"] = np.nan
    made = build_blocks(pand, home, factors=FACTORS, sums=["roof_m2"])
    assert set(made.frame["buurtcode"]) == {"BU1", "BU2"}
    assert made.edges["on_buurt_border"].all()
    assert made.edges["weight_m"].sum() == pytest.approx(0.6 * made.edges["length_m"].sum())
    # An unknown roof leaves its block unknown, never 0; the other block is 5 x 50 m2.
    block = made.block_of_pand
    assert np.isnan(made.frame.loc[block.iloc[0], "roof_m2"])
    assert made.frame.loc[block.iloc[-1], "roof_m2"] == pytest.approx(250.0)


def test_street_names_and_the_width_of_gaps() -> None:
    pand, home = row_houses(2, 5, apart=60.0)
    home["street_name"] = np.where(home["pand_id"].str.contains(r"-0-\d+$"), "Dorpsstraat", None)
    made = build_blocks(pand, home, factors=FACTORS)
    assert sorted(made.frame["streets"]) == ["", "Dorpsstraat"]
    # Between the rows the gap is 60 m: wider than 50 m counts as a main road.
    assert "main" in set(made.edges["cls"])
    table = area_borders(made.edges, label=np.array([0, 1]))
    assert len(table) == len(made.edges)
    assert table.loc[table["cls"] == "main", "known_line"].all()
    assert len(area_borders(made.edges, label=np.array([0, 0]))) == 0


def test_streets_are_named_by_their_homes_and_equal_ones_by_the_alphabet() -> None:
    pand, home = row_houses(1, 30)
    streets = [f"Straat {chr(65 + n)}" for n in range(23, -1, -1)]  # X to A, a home each, and Z with six
    home["street_name"] = [*streets, *["Straat Z"] * 6]
    made = build_blocks(pand, home, factors=FACTORS)
    assert made.frame["streets"].tolist() == ["; ".join(["Straat Z", *sorted(streets)])]


def test_address_points_alone() -> None:
    _, home = row_houses(8, 12)
    nothing = gpd.GeoDataFrame({"pand_id": [], "buurtcode": []}, geometry=[], crs=28992)
    made = build_blocks(nothing, home.assign(pand_id=None), factors=FACTORS)
    assert made.frame["homes"].sum() == 96
    assert (made.frame["basis"] == "address_points").all()
    graph = build_graph(made.frame, made.edges, factors=FACTORS)
    assert graph.pieces().max() == 0


def test_two_far_villages_are_two_pieces_and_a_lone_house_walks_to_its_neighbours() -> None:
    parts = [row_houses(4, 10), row_houses(4, 10, east=3000.0), row_houses(1, 1, east=180.0)]
    pand, home = (pd.concat([part[k] for part in parts], ignore_index=True) for k in (0, 1))
    made = build_blocks(pand, home, factors=FACTORS)
    graph = build_graph(made.frame, made.edges, factors=FACTORS)
    assert np.bincount(graph.pieces(), graph.homes).tolist() in ([41, 40], [40, 41])


def test_what_is_refused() -> None:
    pand, home = row_houses(2, 5)
    with pytest.raises(CrsError):
        build_blocks(pand.set_crs(4326, allow_override=True), home, factors=FACTORS)
    with pytest.raises(SchemaError, match="buurtcode"):
        build_blocks(pand.drop(columns="buurtcode"), home, factors=FACTORS)
    with pytest.raises(SchemaError, match="twice"):
        build_blocks(pd.concat([pand, pand], ignore_index=True), home, factors=FACTORS)
    with pytest.raises(InfeasibleError):
        build_blocks(pand, home.iloc[:0], factors=FACTORS)
    with pytest.raises(SchemaError, match="canal"):
        build_blocks(pand, home, factors=FACTORS, barriers=lines(("canal", [(0, 19), (60, 19)])))


def test_factors_come_from_the_table() -> None:
    path = Path(__file__).parents[3] / "src" / "kansenkaart" / "data" / "border_factors.csv"
    assert BorderFactors.from_table(pd.read_csv(path)) == FACTORS
    with pytest.raises(ConfigError, match="row"):
        BorderFactors.from_table(pd.DataFrame({"name": ["local"], "factor": [1.0]}))
    with pytest.raises(ConfigError, match="columns"):
        BorderFactors.from_table(pd.DataFrame({"name": ["local"]}))


def test_weights_by_hand() -> None:
    edges = pd.DataFrame(
        {
            "length_m": [100.0, 100.0],
            "cls": ["main", "local"],
            "on_buurt_border": [True, False],
            "on_place_border": [True, True],
        }
    )
    # 100 x 0.2 x 0.6 x 0.7 = 8.4 and 100 x 1 x 0.7 = 70.
    np.testing.assert_allclose(border_weights(edges, factors=FACTORS), [8.4, 70.0])
    with pytest.raises(SchemaError):
        border_weights(edges.assign(cls="canal"), factors=FACTORS)


def test_graph_refuses_unknown_values_and_blocks() -> None:
    pand, home = row_houses(2, 5)
    made = build_blocks(pand, home, factors=FACTORS, rules=BlockRules(aim_homes=5))
    with pytest.raises(SchemaError, match="unknown"):
        build_graph(made.frame.assign(value=np.nan), made.edges, factors=FACTORS, value="value")
    with pytest.raises(SchemaError, match="two known blocks"):
        build_graph(made.frame, made.edges.assign(a=99), factors=FACTORS)
    with pytest.raises(SchemaError, match="columns"):
        build_graph(made.frame.drop(columns="x"), made.edges, factors=FACTORS)


def test_dividing_and_merging_by_hand() -> None:
    # Six buildings of 50 in a row, at most 120: three parts of two neighbours.
    pairs = np.arange(5), np.arange(1, 6), np.ones(5)
    part = divided(np.zeros(6, np.int64), np.full(6, 50), pairs, most=120)
    assert np.bincount(part, np.full(6, 50)).max() <= 120
    # Strongest tie first, up to 20: (0,1) tied by 5 join; 2 with 12 homes does not fit; 3 without homes goes with 2.
    nothing = np.empty(0, np.int64), np.empty(0, np.int64)
    ties = np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([5.0, 4.0, 3.0])
    assert agglomerated(np.array([10, 10, 12, 0]), ties, nothing, aim=20, alone=50).tolist() == [0, 0, 1, 1]


@pytest.mark.realdata
@pytest.mark.slow
def test_voorburg() -> None:
    if not VOORBURG.exists():
        pytest.skip(f"no {VOORBURG}")
    pand = gpd.read_file(VOORBURG, layer="pand", columns=["identificatie"]).drop_duplicates("identificatie").iloc[:4000]
    home = gpd.read_file(VOORBURG, layer="verblijfsobject", columns=["identificatie", "pandref"])
    home = home.assign(home_id=home["identificatie"], pand_id=home["pandref"].str.strip("{}").str.split(",").str[0])
    home = home[home["pand_id"].isin(pand["identificatie"])]
    pand = pand.rename(columns={"identificatie": "pand_id"}).assign(buurtcode="BU")
    made = build_blocks(pand, home, factors=FACTORS)
    assert made.frame["homes"].sum() == len(home)
    assert not any(made.dropped.values())
    over = made.frame[made.frame["homes"] > 120]
    assert (over["panden"] == 1).all() | over["large_building"].all()


def test_faces_are_cut_where_lines_cross_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    corners = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]
    square = [shapely.LineString(pair) for pair in itertools.pairwise(corners)]
    across = np.array([*square, shapely.LineString([(-1, 5), (11, 5)])], dtype=object)
    assert shapely.area(_faces(across)).tolist() == [50.0, 50.0]
    monkeypatch.setattr(shapely, "union_all", None)  # ends that meet need no cutting: it takes three times as long
    assert shapely.area(_faces(np.array(square, dtype=object))).tolist() == [100.0]


def test_every_column_of_blocks_and_borders_is_as_it_was() -> None:
    town, tables = untidy_town(), {}
    lines = {name: town.pop(name) for name in ("barriers", "crossings")}
    small = BlockRules(most_homes=12, aim_homes=8, link_homes=20)
    for name, given in {"streets": lines, "bare": {}, "small": {"rules": small}}.items():
        made = build_blocks(**town, **given, factors=FACTORS, sums=["roof_m2"])
        label = made.frame["block_id"].to_numpy() % 3 - 1
        share = made.frame.assign(corporation_frac=np.where(made.frame["homes"] > 9, 0.4, 1.0))
        tables |= {
            f"{name}.block": made.frame,
            f"{name}.border": made.edges,
            f"{name}.of_pand": made.block_of_pand.to_frame(),
            f"{name}.of_home": made.block_of_home.to_frame(),
            f"{name}.said": pd.DataFrame({"why": [str(made.dropped), str(made.noted)]}),
            f"{name}.area": area_sums(share, label, sums=["roof_m2"], value="roof_m2"),
            f"{name}.outline": area_shapes(made.frame, label).to_frame(),
            f"{name}.cut": area_borders(made.edges, label=label),
        }
    require_as_pinned("blocks", tables)


def test_a_home_without_a_building_says_nothing_of_the_last_one() -> None:
    pand = pd.DataFrame({"buurtcode": ["BU1", "BU1"]})
    home = pd.DataFrame({"street_name": ["A", "A", "A", None], "house_number": [2, 4, 3, 5]})
    at = _addresses(pand, home, np.array([0, 1, -1, 0]))
    assert at.side.tolist() == [0, 0]  # even on both: 3 stands nowhere, and 5 in no street
    assert at.street.tolist() == [0, 0]
