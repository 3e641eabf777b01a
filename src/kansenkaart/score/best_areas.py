"""The best areas of a study: five by money, five by power, each with its proven gap, sureness, variants and border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.config import Areas
from kansenkaart.core.area.best import best_areas
from kansenkaart.core.area.graph import AreaGraph, build_graph
from kansenkaart.core.area.question import Area, AreaQuestion, Effort
from kansenkaart.core.area.robustness import Recurrence, recurrence
from kansenkaart.core.area.sureness import Scenario, runners_up, scenarios, sizes
from kansenkaart.core.area.values import area_borders, area_shapes, area_sums, most_of_homes
from kansenkaart.errors import InfeasibleError
from kansenkaart.kernel import Flags, Floats, Ints
from kansenkaart.score.areas import SUMS, border_factors, published
from kansenkaart.tables import schemas
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store
from kansenkaart.wording.names import distinct_names

SIZES = (250, 330, 450)
_MOST_RUNNERS_UP = 3
_WORDS = {
    "garden": "achterkanten of tuinen",
    "local": "gewone straat",
    "collector": "wijkstraat",
    "main": "hoofdweg",
    "rail": "spoor",
    "water": "water",
}
# Without a map of streets only the width of the gap between buildings is known.
_GAPS = {"local": "gewone straat of tuinen", "collector": "brede straat of strook", "main": "brede open ruimte"}
_OUTSIDE = "open land of de rand van de studie"
_TINY_M = 0.05
_ROUNDING = 1e-6  # a gap below this is the rounding of sums


@dataclass(frozen=True, eq=False)
class Found:
    """One best area with how it was asked for and how often it came back."""

    best_id: int
    criterion: str
    rank: int
    area: Area
    graph: AreaGraph
    question: AreaQuestion
    sure: float
    stays: Floats
    runs: int

    @property
    def inside(self) -> Flags:
        """Flag the blocks of the area."""
        flags = np.zeros(len(self.graph), bool)
        flags[self.area.blocks] = True
        return flags

    @property
    def gap(self) -> float:
        """Proven gap as a share of the area's value, or of its border where no value is known [1]."""
        gap = (self.area.bound - self.area.worth) / max(abs(self.area.value), abs(self.area.worth), 1.0)
        return gap if gap > _ROUNDING else 0.0


def power_column(block: pd.DataFrame) -> str:
    """Return the power that areas are compared by: what the homes under the roofs can use, else what fits on the roofs.

    What fits counts the roofs of offices and halls as well: areas then reach for those, and residents would not draw them.
    """
    known = block["yield_pay_kwh_per_year"].fillna(0).gt(0).any()
    return "yield_pay_kwh_per_year" if known else "yield_fit_kwh_per_year"


def whole_frame(
    found: Sequence[Found],
    block: gpd.GeoDataFrame,
    edges: gpd.GeoDataFrame,
    buurt: pd.DataFrame,
    variant: pd.DataFrame,
    *,
    core: float,
) -> gpd.GeoDataFrame:
    """Make the table `best_area`; a block that stays in the share `core` [1] of the runs belongs to the core.

    Parameters
    ----------
    found : sequence of Found
        The areas, best first.
    block : GeoDataFrame
        Blocks as stored.
    edges : GeoDataFrame
        Borders between blocks.
    buurt : DataFrame
        Buurten, for the names.
    variant : DataFrame
        Other sizes and borders of the same areas.
    core : float
        Share of the runs from which a block belongs to the core [1].
    """
    names = buurt.set_index("buurtcode")["buurtnaam"]
    near = variant.loc[variant["variant_kind"] == "runner_up", "best_id"].value_counts()
    rows = []
    for one in found:
        row = _whole(one, block, edges, names)
        sure = one.inside & (one.stays >= core)
        rows.append(row.assign(core_homes=int(one.graph.homes[sure].sum()), runners_up=int(near.get(one.best_id, 0))))
    return _table(rows, "best_area", block)


def _table(rows: Sequence[pd.DataFrame], table: str, block: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame({"geometry": []})
    if table == "best_area" and rows:
        frame["best_name"] = distinct_names(frame["best_name"].tolist())
    return published(gpd.GeoDataFrame(frame, geometry="geometry", crs=block.crs), table)


def _whole(one: Found, block: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, names: pd.Series) -> pd.DataFrame:
    label = np.where(one.inside, 0, -1).tolist()
    power = power_column(block)
    column = power if one.criterion == "kwh" else "value_eur_per_year"
    sums = area_sums(block, label, sums=SUMS, value=column)
    street = most_of_homes(block, label).get(0, "")
    name = str(names.get(sums["buurtcode"].iloc[0], "buiten de buurten"))
    reach = np.hypot(*(one.graph.xy[one.area.blocks] - one.graph.xy[one.area.centre]).T).max()
    lines = border_lines(one, block, edges)
    length = max(float(lines["length_m"].sum()), 1.0)
    return sums.assign(
        best_id=one.best_id,
        criterion=one.criterion,
        rank=one.rank,
        best_name=f"{name}, rond {street}" if street else f"{name}, plek {one.best_id + 1}",
        value_kwh_per_year=sums[power],
        value_eur_per_home=sums["value_eur_per_year"] / sums["homes"],
        border_m=one.area.border_m,
        border_length_m=length,
        bound_gap_frac=one.gap,
        known_border_frac=float(lines.loc[lines["known_line"], "length_m"].sum()) / length,
        sure_frac=one.sure,
        sure_runs=one.runs,
        centre_block_id=int(block["block_id"].iloc[one.area.centre]),
        reach_m=float(reach),
        block_ids=_ids(one.area.blocks, block),
        block_basis=block["block_basis"].iloc[0],
        geometry=area_shapes(block, label).to_numpy(),
    )


def _ids(blocks: Ints, block: pd.DataFrame) -> str:
    return ",".join(str(number) for number in block["block_id"].iloc[blocks])


def border_lines(one: Found, block: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Border of one area by class and reason; what borders on nothing is the edge that everybody sees.

    Parameters
    ----------
    one : Found
        The area.
    block : GeoDataFrame
        Blocks as stored.
    edges : GeoDataFrame
        Borders between blocks.
    """
    cut = area_borders(edges, label=np.where(one.inside, 0, -1).astype(np.int64))
    words = _WORDS if "streets" in str(block["block_basis"].iloc[0]) else _WORDS | _GAPS
    reason = cut["cls"].map(words)
    reason = reason.where(~cut["on_buurt_border"], reason + ", op een buurtgrens")
    reason = reason.where(~cut["on_place_border"], cut["cls"].map(words) + ", op een wijkgrens")
    cut = cut.assign(border_class=cut["cls"], border_reason_nl=reason)
    names = ["border_class", "known_line", "border_reason_nl"]
    lines = cut[[*names, "length_m", "geometry"]].dissolve(by=names, aggfunc={"length_m": "sum"}).reset_index()
    outline = shapely.boundary(shapely.union_all(block.geometry.to_numpy()[one.inside]))
    rest = shapely.difference(outline, shapely.buffer(shapely.union_all(cut.geometry.to_numpy()), _TINY_M))
    rest = shapely.line_merge(shapely.MultiLineString([part for part in shapely.get_parts(rest) if part.length > 1]))
    outer = float(block["ext_m"].to_numpy()[one.inside].sum())
    if outer > 0 and not rest.is_empty:
        row = {"border_class": ["outer"], "known_line": [True], "border_reason_nl": [_OUTSIDE], "length_m": [outer]}
        lines = pd.concat([lines, gpd.GeoDataFrame(row, geometry=[rest], crs=block.crs)], ignore_index=True)
    return gpd.GeoDataFrame(lines, geometry="geometry", crs=block.crs)


def border_frame(found: Sequence[Found], block: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make the table `best_border`: why the border of each area runs where it runs."""
    out = _table([border_lines(one, block, edges).assign(best_id=one.best_id) for one in found], "best_border", block)
    return out.assign(best_border_id=range(len(out)))


def sureness_frame(found: Sequence[Found], core: float) -> pd.DataFrame:
    """Make the table `block_sureness`: the blocks of each area, and those that are in it in some runs."""
    rows = []
    for one in found:
        blocks = np.flatnonzero((one.stays > 0) | one.inside)
        role = np.where(one.stays[blocks] >= core, "core", "fringe")
        rows.append(
            pd.DataFrame({"best_id": one.best_id, "block_id": blocks, "stays_frac": one.stays[blocks], "role": role})
        )
    empty = pd.DataFrame({name: [] for name in schemas.get("block_sureness").columns})
    return pd.concat(rows, ignore_index=True) if rows else empty


def variant_frame(
    found: Sequence[Found], block: gpd.GeoDataFrame, *, effort: Effort, within: float
) -> gpd.GeoDataFrame:
    """Make the table `best_variant`: other sizes around the same centre, and other borders that are nearly as good."""
    rows = [row for one in found for row in (*_sizes(one, block, effort), *_runners_up(one, block, effort, within))]
    frame = pd.DataFrame(rows) if rows else pd.DataFrame({"geometry": []})
    frame["variant_id"] = range(len(frame))
    return published(gpd.GeoDataFrame(frame, geometry="geometry", crs=block.crs), "best_variant")


def _sizes(one: Found, block: gpd.GeoDataFrame, effort: Effort) -> list[dict[str, object]]:
    table = sizes(one.graph, centre=one.area.centre, question=one.question, homes=SIZES, effort=effort)
    return [
        _variant(one, block, np.asarray(row["blocks"], np.int64), kind="size")
        | _compared(one, row["value_eur_per_year"], row["worth_eur_per_year"], row["gap"])
        | {"target_homes": row["target_homes"], "border_m": row["border_m"]}
        for row in table.dropna(subset="homes").to_dict("records")
    ]


def _runners_up(one: Found, block: gpd.GeoDataFrame, effort: Effort, within: float) -> list[dict[str, object]]:
    question = one.question
    share = within * _size_of(one, one.area.value) / max(abs(one.area.worth), 1.0)
    others = runners_up(one.graph, one.area, question=question, within=share, most=_MOST_RUNNERS_UP, effort=effort)
    return [
        _variant(one, block, other.blocks, kind="runner_up")
        | _compared(one, other.value, other.worth, other.gap)
        | {"target_homes": (question.low_homes + question.high_homes) // 2, "border_m": other.border_m}
        for other in others
    ]


def _compared(one: Found, value: float, worth: float, gap: float) -> dict[str, object]:
    size = _size_of(one, one.area.value)
    return {"bound_gap_frac": gap * abs(worth) / _size_of(one, value), "worth_frac": (worth - one.area.worth) / size}


def _size_of(one: Found, value: float) -> float:
    return max(abs(value), abs(one.area.worth), 1.0)


def _variant(one: Found, block: gpd.GeoDataFrame, blocks: Ints, *, kind: str) -> dict[str, object]:
    mine = block.iloc[blocks]
    homes = int(mine["homes"].sum())
    money, power = (mine[name].sum(min_count=1) for name in ("value_eur_per_year", power_column(block)))
    shared = int(block["homes"].iloc[np.intersect1d(blocks, one.area.blocks)].sum())
    return {
        "best_id": one.best_id,
        "variant_kind": kind,
        "homes": homes,
        "value_eur_per_year": money,
        "value_kwh_per_year": power,
        "value_eur_per_home": money / max(homes, 1),
        "value_kwh_per_home": power / max(homes, 1),
        "shared_frac": shared / max(homes, 1),
        "block_ids": _ids(blocks, block),
        "geometry": mine.union_all(),
    }


INPUTS = ("block", "block_border", "buurt")
OUTPUTS = ("best_area", "block_sureness", "best_border", "best_variant")
USED = (
    "area_border_price",
    "area_reference",
    "area_split_price",
    "area_radius",
    "area_core_share",
    "area_same_share",
    "area_runner_up",
)
COUNT = 5
CRITERIA = ("eur", "kwh")
BORDER_ONLY = "border"
# Bounds on the work, in counts: a time limit would make the answer depend on the machine.
THOROUGH = Effort(restarts=2, steps=60_000, windows=40, rounds=12, nodes=400)
QUICK = Effort(restarts=1, steps=20_000, first=4, windows=0)
BY_BORDER = Effort(restarts=2, steps=60_000, windows=2, rounds=4, nodes=60)
NEAR = Effort(restarts=1, steps=40_000, windows=1, rounds=4, nodes=60)


def ready(store: Store) -> bool:
    """Tell whether there are blocks to choose from.

    Parameters
    ----------
    store : Store
        Tables of the study.
    """
    return store.has("block") and store.has("block_border")


@dataclass(frozen=True, eq=False)
class Blocks:
    """The stored blocks in the order of their number, and their borders."""

    frame: gpd.GeoDataFrame
    edges: gpd.GeoDataFrame

    def graph(self, value: Floats | None = None) -> AreaGraph:
        """Return the graph, with values per block; unknown values count as nothing that is known."""
        frame = self.frame.assign(owned=self.frame["corporation_frac"] * self.frame["homes"])
        graph = build_graph(frame, self.edges, factors=border_factors(), owned="owned")
        return graph if value is None else graph.with_value(np.nan_to_num(value))


def read_blocks(store: Store) -> Blocks:
    """Read the blocks and their borders back, ready for the graph.

    Parameters
    ----------
    store : Store
        Tables of the study.
    """
    frame = store.read("block").sort_values("block_id", ignore_index=True)
    frame = frame.rename(columns={"point_x_m": "x", "point_y_m": "y", "outer_border_m": "ext_m"})
    border = store.read("block_border").sort_values("border_id", ignore_index=True)
    names = {"block_a": "a", "block_b": "b", "border_class": "cls"}
    for name in ("homes", "block_id", "ground_homes", "stacked_homes"):
        frame[name] = frame[name].astype("int64")
    for name in ("passable", "on_buurt_border", "on_place_border"):
        border[name] = border[name].astype(bool)
    return Blocks(frame, border.rename(columns=names))


def criteria_of(blocks: Blocks) -> list[str]:
    """Criteria for which any value is known; where none is, the borders alone decide.

    Parameters
    ----------
    blocks : Blocks
        Blocks with their borders.
    """
    known = [name for name in CRITERIA if blocks.frame[value_column(blocks, name)].fillna(0).gt(0).any()]
    return known or [BORDER_ONLY]


def value_column(blocks: Blocks, criterion: str) -> str:
    """Column of the blocks that a criterion sums."""
    return "value_eur_per_year" if criterion == "eur" else power_column(blocks.frame)


def value_and_scale(blocks: Blocks, criterion: str) -> tuple[Floats, float]:
    """Value per block and the average per home of the homes whose value is known.

    Parameters
    ----------
    blocks : Blocks
        Blocks with their borders.
    criterion : str
        One of those of ``criteria_of``, or ``border``.
    """
    if criterion == BORDER_ONLY:
        return np.zeros(len(blocks.frame)), 0.0
    value = blocks.frame[value_column(blocks, criterion)].to_numpy(float)
    homes = blocks.frame["homes"].to_numpy()[~np.isnan(value)].sum()
    return value, float(np.nansum(value) / max(int(homes), 1))


def question_of(areas: Areas, known: Assumptions, mean: float) -> AreaQuestion:
    """Return the question of a study: its band and radius, with prices in proportion to the average value of a home.

    Parameters
    ----------
    areas : Areas
        Size and radius that the study asks for.
    known : Assumptions
        Prices of borders and of split homes.
    mean : float
        Average value of a home [EUR/year] or [kWh/year].
    """
    price, reference = known.value("area_border_price", "home/m"), known.value("area_reference", "1")
    split = known.value("area_split_price", "1") * mean if mean > 0 else 0.0
    return AreaQuestion(
        low_homes=areas.low_homes,
        high_homes=areas.high_homes,
        radius_m=areas.radius_m,
        border_price=price * mean if mean > 0 else 1.0,
        reference=reference * mean,
        split_price=split,
    )


def other_runs(
    blocks: Blocks, question: AreaQuestion, known: Assumptions, criterion: str, mean: float
) -> list[Scenario]:
    """List the runs of the sureness: each price, bound and value at its low and high end, alone."""
    price, radius, reference, split = (
        known[name] for name in ("area_border_price", "area_radius", "area_reference", "area_split_price")
    )
    scale = question.border_price / price.value
    return scenarios(
        question,
        border_prices=[price.low * scale, price.high * scale],
        radii_m=[question.radius_m * end / radius.value for end in (radius.low, radius.high)],
        references=[mean * reference.low, mean * reference.high] if mean > 0 else [],
        split_prices=[mean * split.low, mean * split.high] if mean > 0 else [],
        values=_other_values(blocks.frame, criterion),
    )


def _other_values(frame: gpd.GeoDataFrame, criterion: str) -> list[Floats]:
    """Values per block with what is assumed of roofs or water at its low and high, and of sun and water each alone."""
    if criterion == "kwh":
        # What is sure of the roofs' yield holds for any number of panels on them.
        fit, power = frame["yield_fit_kwh_per_year"], frame[power_column(frame)]
        ends = [power * (frame[f"yield_fit_kwh_per_year_{end}"] / fit.where(fit > 0)) for end in ("low", "high")]
        return [np.nan_to_num(end.to_numpy(float)) for end in ends if end.notna().any()]
    if criterion != "eur":
        return []
    sun, water = (frame[name].fillna(0.0).to_numpy(float) for name in ("sun_eur_per_year", "water_eur_per_year"))
    ends = [frame[f"water_eur_per_year_{end}"] for end in ("low", "high")]
    others = [sun + np.nan_to_num(end.to_numpy(float)) for end in ends if end.notna().any()]
    both = sun.sum() > 0 and water.sum() > 0  # each alone: which of the two the place rests on
    return others + ([sun, water] if both else [])


def find(store: Store, areas: Areas, known: Assumptions) -> Sequence[Product]:
    """Find the best areas by each criterion, and say how sure they are."""
    blocks, buurt = read_blocks(store), store.read("buurt")
    found: list[Found] = []
    left: dict[str, int] = {}
    for criterion in criteria_of(blocks):
        try:
            found += _by(criterion, blocks, areas, known, first=len(found))
        except InfeasibleError as why:
            left[f"geen gebied ({criterion}): gevraagd {why.expected}; gevonden {why.found}"] = COUNT
    kept = len(found)
    noted = {"gevonden waar er vijf zijn gevraagd": kept} if kept and kept % COUNT else {}
    tally = Tally(kept + sum(left.values()), kept, left, noted)
    core, within = known.value("area_core_share", "1"), known.value("area_runner_up", "1")
    variant = variant_frame(found, blocks.frame, effort=NEAR, within=within)
    return [
        Product("best_area", whole_frame(found, blocks.frame, blocks.edges, buurt, variant, core=core), tally),
        Product("block_sureness", sureness_frame(found, core)),
        Product("best_border", border_frame(found, blocks.frame, blocks.edges)),
        Product("best_variant", variant),
    ]


def _by(criterion: str, blocks: Blocks, areas: Areas, known: Assumptions, *, first: int) -> list[Found]:
    value, mean = value_and_scale(blocks, criterion)
    graph, question = blocks.graph(value), question_of(areas, known, mean)
    best: list[Area] = best_areas(graph, count=COUNT, question=question, effort=THOROUGH if mean > 0 else BY_BORDER)
    runs = other_runs(blocks, question, known, criterion, mean)
    again: Recurrence = recurrence(graph, best, runs=runs, same=known.value("area_same_share", "1"), effort=QUICK)
    found = []
    for k, area in enumerate(best):
        taken = np.concatenate([one.blocks for one in best[:k]]) if k else np.empty(0, np.int64)
        left = question.without(taken)  # variants leave the better areas alone, as the area itself does
        found.append(
            Found(first + k, criterion, k + 1, area, graph, left, float(again.area[k]), again.block[k], again.runs)
        )
    return found
