"""Building blocks with what they are worth, and the place divided into contiguous areas of about 330 homes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.config import Areas, packaged_rows
from kansenkaart.core.area.blocks import Blocks, build_blocks
from kansenkaart.core.area.borders import BlockRules
from kansenkaart.core.area.graph import BorderFactors, build_graph
from kansenkaart.core.area.partition import Partition, PartitionEffort, partition
from kansenkaart.core.area.values import (
    area_shapes,
    area_sums,
    block_sums,
    bounding_lines,
    corporation_chance,
    covered_share,
    share_streets,
    within_land,
)
from kansenkaart.core.scoring import is_corporation
from kansenkaart.errors import InfeasibleError
from kansenkaart.score import roofs
from kansenkaart.score.facts import AMOUNTS
from kansenkaart.score.panden import without_installed
from kansenkaart.tables import schemas
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store
from kansenkaart.wording.names import area_names, band_reason, side_nl

INPUTS = (
    "pand_score",
    "home",
    "home_score",
    "buurt",
    "terrain",
    "street_line",
    "street_water",
    "home_water",
    "own_pand",
)
_NEEDED = ("pand_score", "home", "buurt")
OUTPUTS = ("block", "block_border", "gebied", "home_area")
USED = ("area_street_cover", "street_reach", *roofs.LOSSES)
_OF_PAND = (
    "people",
    "grey_water_m3_per_year",
    "sun_kwh_per_year",
    "yield_fit_kwh_per_year",
    "yield_pay_kwh_per_year",
    "kwp_pay",
    "sun_eur_per_year",
)
_WATER = ("water_eur_per_year", "water_eur_per_year_low", "water_eur_per_year_high")
_RANGES = ("yield_fit_kwh_per_year_low", "yield_fit_kwh_per_year_high", *_WATER[1:])
# Eight partitions of which the shortest border stays; more only while an area is out of band that is not proven to be.
EFFORT = PartitionEffort(starts=8, most_starts=40)
SCATTERED = "verspreid liggend: meer dan {metres} m van een kern of wijk"
SUMS = (*_OF_PAND, "water_eur_per_year", *_RANGES, "ground_homes", "stacked_homes")


def ready(store: Store) -> bool:
    """Tell whether there are panden, homes and buurten to make blocks of."""
    return all(store.has(name) for name in _NEEDED) and len(store.read("home")) > 0


def border_factors() -> BorderFactors:
    """Return the table of what borders weigh."""
    return BorderFactors.from_table(pd.DataFrame(packaged_rows("border_factors.csv")))


def divide(store: Store, areas: Areas, known: Assumptions) -> Sequence[Product]:
    """Make blocks and divide them into areas in the band; every home is in one, or counted by reason."""
    buurt, factors = store.read("buurt"), border_factors()
    wijk = buurt.set_index("buurtcode")["wijkcode"]
    score = store.read("home_score")[["home_id", *AMOUNTS]]
    home, pand = store.read("home").merge(score, on="home_id"), without_installed(store.read("pand_score"))
    home, pand = (gpd.GeoDataFrame(one).assign(place_name=one["buurtcode"].map(wijk)) for one in (home, pand))
    barriers, crossings = _lines(store, home, known)
    # Where the roads are known people walk along them, however wide the gap between the buildings.
    rules = BlockRules(walk_gap_m=math.inf) if store.has("terrain") else BlockRules()
    made = build_blocks(pand, home, factors=factors, barriers=barriers, crossings=crossings, rules=rules)
    blocks = _blocks(made, pand, home, buurt, store, known)
    blocks["geometry"] = within_land(blocks.geometry, buurt)
    lost, count = sum(made.dropped.values()), len(home)
    try:
        whole = partition(
            build_graph(made.frame, made.edges, factors=factors),
            target_homes=areas.target_homes,
            low_homes=areas.low_homes,
            high_homes=areas.high_homes,
            least_homes=rules.kern_homes,
            effort=EFFORT,
        )
    except InfeasibleError as why:
        blocks["gebied_id"] = pd.NA
        tally = Tally(count, 0, {f"te weinig woningen voor een gebied van {areas.low_homes} ({why.found})": count})
        empty = gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=28992)
        gebied = Product("gebied", published(empty, "gebied"), tally)
    else:
        inside = whole.label >= 0
        blocks["gebied_id"] = pd.Series(whole.label, dtype="Int64").where(inside)
        scattered = int(blocks["homes"][~inside].sum())
        left = {**made.dropped, **({SCATTERED.format(metres=f"{rules.link_m:g}"): scattered} if scattered else {})}
        band = (areas.low_homes, areas.high_homes)
        table = _areas(blocks, whole, home.assign(block=made.block_of_home.to_numpy()), buurt, band)
        gebied = Product("gebied", table, Tally(count, count - lost - scattered, left))
    noted = {**made.noted, "blokken": len(blocks)}
    return [
        Product("block", published(blocks, "block"), Tally(count, count - lost, made.dropped, noted)),
        Product("block_border", _borders(made)),
        gebied,
        Product("home_area", _places_of_homes(made, blocks["gebied_id"]), Tally(count, count)),
    ]


def _lines(
    store: Store, home: gpd.GeoDataFrame, known: Assumptions
) -> tuple[gpd.GeoDataFrame | None, gpd.GeoDataFrame | None]:
    """Return the lines that bound blocks and the crossings; none where the streets of too many homes are unknown."""
    terrain, line = (store.read(name) if store.has(name) else None for name in ("terrain", "street_line"))
    barriers, crossings = bounding_lines(terrain, line, classes=pd.DataFrame(packaged_rows("barrier_classes.csv")))
    if covered_share(home, barriers, reach_m=known.value("street_reach", "m")) < known.value("area_street_cover", "1"):
        return None, None
    return barriers, crossings


def _blocks(
    made: Blocks,
    pand: gpd.GeoDataFrame,
    home: gpd.GeoDataFrame,
    buurt: gpd.GeoDataFrame,
    store: Store,
    known: Assumptions,
) -> gpd.GeoDataFrame:
    """Add to the blocks what they hold: people, water, sun, money, ownership and home types."""
    count, of_home = len(made.frame), made.block_of_home.reset_index(drop=True)
    home = home.assign(**_water_of_homes(store, home))
    alone = home["pand_id"].map(home["pand_id"].value_counts()).fillna(1) == 1
    home = home.assign(ground_homes=alone.astype(float), stacked_homes=(~alone).astype(float))
    names = ("people", "grey_water_m3_per_year", *_WATER, "ground_homes", "stacked_homes")
    sums = block_sums(of_home, home, columns=names, count=count)
    sums[["ground_homes", "stacked_homes"]] = sums[["ground_homes", "stacked_homes"]].fillna(0)
    sums[["people", "grey_water_m3_per_year"]] = sums[["people", "grey_water_m3_per_year"]].fillna(0)  # no homes: known
    sun = [name for name in (*_OF_PAND, *_RANGES) if name in pand.columns]
    number = made.block_of_pand.reset_index(drop=True)
    sums = sums.join(block_sums(number, pand, columns=sun, count=count))
    if set(roofs.YIELDS) <= set(sun):
        sums.update(roofs.sum_bounds(pand, number.where(number >= 0), known))
    for name in SUMS:
        sums[name] = sums.get(name, np.nan)
    out = made.frame.rename(columns={"basis": "block_basis"}).join(sums)
    out["corporation_frac"] = _corporation(store, of_home, home, buurt, out)
    # The wijk made the borders; people know the name of the buurt.
    out["place_name"] = out["buurtcode"].map(buurt.set_index("buurtcode")["buurtnaam"]).astype("object")
    return out.rename(columns={"x": "point_x_m", "y": "point_y_m", "ext_m": "outer_border_m"})


def _water_of_homes(store: Store, home: gpd.GeoDataFrame) -> dict[str, pd.Series]:
    """Return what grey water nets each home, with low and high, else an even share of its street [EUR/year]."""
    if store.has("home_water"):
        known = store.read("home_water").set_index("home_id")
        return {name: home["home_id"].map(known[name]).astype("float64") for name in _WATER}
    if store.has("street_water"):
        street = store.read("street_water")
        return {name: share_streets(home, street, column=name) for name in _WATER}
    return {name: pd.Series(np.nan, index=home.index) for name in _WATER}


def _corporation(
    store: Store, of_home: pd.Series, home: gpd.GeoDataFrame, buurt: gpd.GeoDataFrame, block: pd.DataFrame
) -> pd.Series:
    """Share of each block's homes that corporations own: of their own tables, else of the buurt [1]."""
    share = buurt.set_index("buurtcode")["corporation_pct"].astype(float) / 100
    owned = pd.Series(np.nan, index=home.index)
    if store.has("own_pand"):
        owner = store.read("own_pand").set_index("pand_id")["owner"].dropna()
        owned = home["pand_id"].map(is_corporation(owner).astype(float)).astype(float)
    chance = corporation_chance(home, owned=owned, share=share)
    number = of_home.to_numpy(np.int64)
    mean = chance[number >= 0].groupby(number[number >= 0]).agg(lambda one: one.mean(skipna=False))
    return mean.reindex(range(len(block))).where(block["homes"] > 0, block["buurtcode"].map(share)).astype(float)


def _places_of_homes(made: Blocks, gebied_id: pd.Series) -> pd.DataFrame:
    """Block and area of each home; unknown where it has none."""
    number = made.block_of_home.to_numpy()
    rows = pd.DataFrame({"block_id": made.frame["block_id"].to_numpy(), "gebied_id": gebied_id.to_numpy()})
    out = rows.reindex(np.where(number >= 0, number, -1)).astype("Int64").reset_index(drop=True)
    out["gebied_id"] = out["gebied_id"].where(out["gebied_id"] >= 0)
    return out.assign(home_id=made.block_of_home.index.to_numpy())


def published(frame: gpd.GeoDataFrame, table: str) -> gpd.GeoDataFrame:
    """Return the columns of a table in their order; what a frame does not have is unknown."""
    names = list(schemas.get(table).columns)
    out = frame.reindex(columns=names)
    return gpd.GeoDataFrame(out, geometry="geometry", crs=frame.crs)


def _borders(made: Blocks) -> gpd.GeoDataFrame:
    edges = made.edges.rename(columns={"a": "block_a", "b": "block_b", "cls": "border_class"})
    edges["border_id"] = range(len(edges))
    edges["on_place_border"] = edges.get("on_place_border", False)
    return published(edges, "block_border")


def sides_of(shapes: gpd.GeoSeries, codes: pd.Series[str], buurt: gpd.GeoDataFrame) -> list[str]:
    """Say of each area on which side of its buurt it lies.

    Parameters
    ----------
    shapes : GeoSeries
        The areas.
    codes : Series of str
        Per area, in the same order, the buurt with most of its homes.
    buurt : GeoDataFrame
        All buurten, with buurtcode.
    """
    around = buurt.set_index("buurtcode").geometry
    around = around[~around.index.duplicated()].reindex(codes.to_numpy())
    here, whole = shapes.centroid, around.centroid
    reach = np.sqrt(around.area.to_numpy() / np.pi)
    moved = zip(here.x.to_numpy() - whole.x.to_numpy(), here.y.to_numpy() - whole.y.to_numpy(), reach, strict=True)
    return [side_nl(*map(float, one)) for one in moved]


def _areas(
    blocks: gpd.GeoDataFrame, whole: Partition, home: pd.DataFrame, buurt: gpd.GeoDataFrame, band: tuple[int, int]
) -> gpd.GeoDataFrame:
    """Make one row per area; `home` has the block of each home, `band` is the least and most homes asked for [home]."""
    sums = area_sums(blocks, whole.label.tolist(), sums=SUMS, value="sun_eur_per_year")
    names = buurt.set_index("buurtcode")["buurtnaam"]
    main = sums["buurtcode"].map(names).fillna("buiten de buurten")
    streets = streets_inside(home, blocks["gebied_id"], count=len(sums))
    reasons = [
        band_reason(why.kind, why.homes, area_homes=homes, band=band, tries=why.tries)
        for why, homes in zip(whole.why, whole.homes.tolist(), strict=True)
    ]
    shapes = area_shapes(blocks, whole.label.tolist())
    sides = sides_of(shapes, sums["buurtcode"], buurt)
    out = sums.drop(columns="buurtcode").assign(
        gebied_id=sums.index,
        gebied_name=area_names(streets, main.tolist(), taken=names.tolist(), sides=sides),
        main_buurt_frac=sums["main_buurt_frac"].fillna(0),
        band_low_homes=whole.low,
        band_high_homes=whole.high,
        band_reason_nl=pd.Series(reasons, index=sums.index, dtype="str"),
        block_basis=blocks["block_basis"].iloc[0],
    )
    return published(gpd.GeoDataFrame(out, geometry=shapes.to_numpy(), crs=blocks.crs), "gebied")


def streets_inside(home: pd.DataFrame, area_of_block: pd.Series, *, count: int) -> list[list[str]]:
    """List the streets of each area, the one with most homes first.

    Parameters
    ----------
    home : DataFrame
        `block` (-1 = none) and, where given, `street_name` per home.
    area_of_block : Series
        Area per block, by the number of the block; missing where a block is in none.
    count : int
        Number of areas [1].

    Returns
    -------
    list of list of str
        Empty where no street has a name.
    """
    lists: list[list[str]] = [[] for _ in range(count)]
    if "street_name" not in home:
        return lists
    named = home[home["street_name"].notna() & (home["block"] >= 0)]
    area = area_of_block.to_numpy(float, na_value=-1)[named["block"].to_numpy(np.int64)]
    table = pd.DataFrame({"area": area, "street": named["street_name"].to_numpy()})
    tally = table[table["area"] >= 0].value_counts(["area", "street"]).reset_index()
    tally = tally.sort_values(["area", "count", "street"], ascending=[True, False, True])
    for number, street in zip(tally["area"], tally["street"], strict=True):
        lists[int(number)].append(str(street))
    return lists
