"""Building blocks, and the place divided into contiguous areas of about 330 homes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.assumptions import Assumptions
from kansenkaart.config import Areas
from kansenkaart.core.area.blocks import BlockRules, Blocks, build_blocks
from kansenkaart.core.area.graph import BorderFactors, build_graph
from kansenkaart.core.area.partition import Partition, partition
from kansenkaart.core.scoring import DAYS_A_YEAR, L_PER_M3, add_people
from kansenkaart.provenance import Tally
from kansenkaart.stages.steps import Product
from kansenkaart.store import Store

INPUTS = ("pand_score", "home", "buurt", "terrain")
_NEEDED = ("pand_score", "home", "buurt")
OUTPUTS = ("block", "block_border", "gebied")
USED = ("household_size_design", "water_use_shower", "water_use_bath", "water_use_wash_basin")
_SUMS = ("people", "grey_water_m3_per_year", "sun_kwh_per_year")


def ready(store: Store, areas: Areas) -> bool:
    """Tell whether there are panden and homes enough for at least one area."""
    return all(store.has(name) for name in _NEEDED) and len(store.read("home")) >= areas.low_homes


def divide(store: Store, areas: Areas, known: Assumptions) -> Sequence[Product]:
    """Make blocks and divide them into areas in the band; every home is in one, or counted by reason."""
    home, buurt = store.read("home"), store.read("buurt")
    pand = _with_sums(store.read("pand_score"), home, buurt, known)
    with (files("kansenkaart") / "data" / "border_factors.csv").open(encoding="utf-8") as handle:
        factors = BorderFactors.from_table(pd.read_csv(handle))
    # Where the roads are known people walk along them, however wide the gap between the buildings.
    rules = BlockRules(walk_gap_m=math.inf) if store.has("terrain") else BlockRules()
    made = build_blocks(pand, home, factors=factors, sums=list(_SUMS), rules=rules)
    graph = build_graph(made.frame, made.edges, factors=factors)
    found = partition(graph, target_homes=areas.target_homes, low_homes=areas.low_homes, high_homes=areas.high_homes)
    blocks = made.frame.rename(columns={"basis": "block_basis"}).assign(gebied_id=found.label)
    blocks["streets"] = _words(blocks["streets"])
    lost = sum(made.dropped.values())
    tally = Tally(len(home), len(home) - lost, made.dropped)
    columns = ["block_id", "gebied_id", "homes", "panden", *_SUMS, "buurtcode", "large_building", "largest_homes", "streets",
               "block_basis", "geometry"]  # fmt: skip
    return [Product("block", blocks[columns], tally), Product("block_border", _borders(made)),
            Product("gebied", _areas(blocks, found, buurt))]  # fmt: skip


def _with_sums(
    pand: gpd.GeoDataFrame, home: gpd.GeoDataFrame, buurt: gpd.GeoDataFrame, known: Assumptions
) -> gpd.GeoDataFrame:
    size = known.value("household_size_design", "person/home")
    litres = sum(known.value(f"water_use_{use}", "l/person/day") for use in ("shower", "bath", "wash_basin"))
    people = add_people(home, buurt=buurt, household_size_design=size).groupby("pand_id")["people"].sum()
    each = pand["pand_id"].map(people).fillna(0.0)  # a pand without a home has no inhabitants: known, not unknown
    return pand.assign(people=each, grey_water_m3_per_year=each * litres * DAYS_A_YEAR / L_PER_M3)


def _words(streets: pd.Series) -> pd.Series:
    return streets.map(lambda one: one if isinstance(one, str) else ", ".join(map(str, one)))


def _borders(made: Blocks) -> pd.DataFrame:
    edges = pd.DataFrame(made.edges.drop(columns="geometry")).rename(
        columns={"a": "block_a", "b": "block_b", "cls": "border_class"}
    )
    edges["border_id"] = range(len(edges))
    return edges[
        ["border_id", "block_a", "block_b", "border_class", "passable", "on_buurt_border", "length_m", "weight_m"]
    ]


def _areas(blocks: gpd.GeoDataFrame, found: Partition, buurt: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    sums = blocks.groupby("gebied_id")[list(_SUMS)].sum(min_count=1)
    shapes = blocks[["gebied_id", "geometry"]].dissolve(by="gebied_id", sort=True)
    share = blocks.groupby(["gebied_id", "buurtcode"])["homes"].sum().reset_index()
    main = (
        share.sort_values(["gebied_id", "homes", "buurtcode"], ascending=[True, False, True])
        .groupby("gebied_id")
        .first()
    )
    names = (
        main["buurtcode"]
        .map(buurt.set_index("buurtcode")["buurtnaam"])
        .reindex(shapes.index)
        .fillna("buiten de buurten")
    )
    order = names.groupby(names).cumcount() + 1
    return gpd.GeoDataFrame(
        {
            "gebied_id": shapes.index.to_numpy(), "gebied_name": (names + " " + order.astype(str)).to_numpy(),
            "homes": found.homes, "blocks": blocks.groupby("gebied_id").size().to_numpy(),
            **{name: sums[name].to_numpy() for name in _SUMS},
            "main_buurt_frac": (main["homes"].reindex(shapes.index) / np.maximum(found.homes, 1)).to_numpy(),
            "band_low_homes": found.low, "band_high_homes": found.high,
            "band_reason_nl": [reason or None for reason in found.reason], "block_basis": blocks["block_basis"].iloc[0],
        },
        geometry=shapes.geometry.to_numpy(), crs=blocks.crs,
    )  # fmt: skip
