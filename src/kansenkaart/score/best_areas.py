"""The best areas of a study: five by the expected amount that stays, five by power; proven gap, sureness, variants, border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.config import Areas
from kansenkaart.core.area.best import best_areas
from kansenkaart.core.area.graph import AreaGraph, build_graph
from kansenkaart.core.area.question import Area, AreaQuestion, Effort
from kansenkaart.core.area.sureness import best_share, runners_up, sizes
from kansenkaart.core.area.values import area_borders, area_shapes, area_sums, most_of_homes
from kansenkaart.core.enterprise.linear import OUTCOMES
from kansenkaart.core.enterprise.setting import CRITERIA as CRITERIA_OF
from kansenkaart.core.enterprise.setting import as_inputs
from kansenkaart.errors import InfeasibleError
from kansenkaart.kernel import Flags, Floats, Ints
from kansenkaart.score import enterprise
from kansenkaart.score.areas import SUMS, border_factors, published, sides_of
from kansenkaart.score.facts import block_facts, facts_of_areas
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store
from kansenkaart.wording.names import around_nl, distinct_names

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


class Draws(NamedTuple):
    """What an area brings in the joint draws, by the columns of the table; NaN for the best five with too few candidates."""

    stays_eur_per_year: float
    stays_eur_per_year_low: float
    stays_eur_per_year_median: float
    stays_eur_per_year_high: float
    earns_keep_frac: float
    sure_frac: float
    sure_draws: int
    candidates: int


@dataclass(frozen=True, eq=False)
class Found:
    """One best area by its criterion (``stays``, ``kwh`` or ``border``): how it was asked for, what it brings in the draws.

    ``most`` is what no area whatever its border exceeds, by the same criterion.
    """

    best_id: int
    criterion: str
    rank: int
    area: Area
    graph: AreaGraph
    question: AreaQuestion
    draws: Draws | None = None
    most: float = float("nan")

    @property
    def inside(self) -> Flags:
        """Flag the blocks of the area."""
        flags = np.zeros(len(self.graph), bool)
        flags[self.area.blocks] = True
        return flags

    @property
    def gap(self) -> float:
        """Proven gap as a share of the area's value, or of its border where no value is known [1]."""
        gap = (self.area.bound - self.area.worth) / _size_of(self, self.area.value)
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
    lines: Sequence[gpd.GeoDataFrame],
    buurt: gpd.GeoDataFrame,
    variant: pd.DataFrame,
) -> gpd.GeoDataFrame:
    """Make the table `best_area`.

    Parameters
    ----------
    found : sequence of Found
        The best areas.
    block : GeoDataFrame
        Blocks in the order of their number.
    lines : sequence of GeoDataFrame
        The border of each, as of `border_lines`.
    buurt : GeoDataFrame
        For the names of buurten, and the side on which an area lies.
    variant : DataFrame
        The variants: how many runners-up each area has.
    """
    near = variant.loc[variant["variant_kind"] == "runner_up", "best_id"].value_counts()
    rows = [
        _whole(one, block, border, buurt).assign(
            runners_up=int(near.get(one.best_id, 0)), **(one.draws._asdict() if one.draws else {"candidates": 0})
        )
        for one, border in zip(found, lines, strict=True)
    ]
    return _table(rows, "best_area", block)


def _table(rows: Sequence[pd.DataFrame], table: str, block: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame({"geometry": []})
    if table == "best_area" and rows:
        frame["best_name"] = distinct_names(frame["best_name"].tolist())
    return published(gpd.GeoDataFrame(frame, geometry="geometry", crs=block.crs), table)


def _whole(one: Found, block: gpd.GeoDataFrame, lines: gpd.GeoDataFrame, buurt: gpd.GeoDataFrame) -> pd.DataFrame:
    label = np.where(one.inside, 0, -1).tolist()
    power = power_column(block)
    sums = area_sums(block, label, sums=SUMS, value=power if one.criterion == "kwh" else "stays_part_eur_per_year")
    street = most_of_homes(block, label).get(0, "")
    shape = area_shapes(block, label)
    name = str(buurt.set_index("buurtcode")["buurtnaam"].get(sums["buurtcode"].iloc[0], "buiten de buurten"))
    side = sides_of(shape, sums["buurtcode"], buurt)[0]
    where = around_nl(street, side) or f"plek {one.best_id + 1}"
    reach = np.hypot(*(one.graph.xy[one.area.blocks] - one.graph.xy[one.area.centre]).T).max()
    length = max(float(lines["length_m"].sum()), 1.0)
    stays = _stays(block[one.inside])
    return sums.assign(
        best_id=one.best_id,
        criterion=one.criterion,
        rank=one.rank,
        best_name=f"{name}, {where}",
        value_kwh_per_year=sums[power],
        stays_eur_per_year=stays,
        stays_eur_per_home=stays / sums["homes"],
        border_m=one.area.border_m,
        border_length_m=length,
        bound_gap_frac=one.gap,
        border_cost_eur_per_year=max(one.most - one.area.value, 0.0) if one.criterion == "stays" else np.nan,
        known_border_frac=float(lines.loc[lines["known_line"], "length_m"].sum()) / length,
        centre_block_id=int(block["block_id"].iloc[one.area.centre]),
        reach_m=float(reach),
        block_ids=_ids(one.area.blocks, block),
        block_basis=block["block_basis"].iloc[0],
        geometry=shape.to_numpy(),
    )


def _stays(part: pd.DataFrame) -> float:
    """Return what is expected to stay a year: the sum over the blocks, and the constant [EUR/year]."""
    known = part["stays_part_eur_per_year"].notna().any()
    fixed = part["stays_fixed_eur_per_year"].iloc[0]
    return float(part["stays_part_eur_per_year"].sum() + fixed) if known else float("nan")


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
    """Return what differences are a share of; a euro where both amounts are less."""
    return max(abs(value), abs(one.area.worth), 1.0)


def _variant(one: Found, block: gpd.GeoDataFrame, blocks: Ints, *, kind: str) -> dict[str, object]:
    mine = block.iloc[blocks]
    homes = int(mine["homes"].sum())
    money, power = _stays(mine), mine[column := power_column(block)].sum(min_count=1)
    shared = int(block["homes"].iloc[np.intersect1d(blocks, one.area.blocks)].sum())
    return {
        "best_id": one.best_id,
        "variant_kind": kind,
        "homes": homes,
        "stays_eur_per_year": money,
        "value_kwh_per_year": power,
        "stays_eur_per_home": money / max(homes, 1),
        "value_kwh_per_home": power / max(homes, 1) if column == "yield_pay_kwh_per_year" else np.nan,
        "shared_frac": shared / max(homes, 1),
        "block_ids": _ids(blocks, block),
        "geometry": mine.union_all(),
    }


INPUTS = ("block", "block_border", "buurt", "block_facts", "own_budget")
OUTPUTS = ("best_area", "best_border", "best_variant")
USED = (
    "area_border_price",
    "area_split_price",
    "area_radius",
    "area_runner_up",
    *enterprise.USED,
)
COUNT = 5
CRITERIA = ("stays", "kwh")
BORDER_ONLY = "border"
LEAST_CANDIDATES = 10
FIRM = OUTCOMES.index("enterprise")
# Bounds on the work, in counts: a time limit would make the answer depend on the machine.
THOROUGH = Effort(restarts=2, steps=60_000, windows=400, nodes=20_000)
BY_BORDER = Effort(restarts=2, steps=60_000, windows=4, nodes=1_000)
NEAR = Effort(restarts=1, steps=40_000, windows=20, nodes=2_000)


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
    facts = block_facts(store)
    for name in ("stays_part_eur_per_year", "stays_fixed_eur_per_year"):
        frame[name] = np.nan if facts is None else facts[name].to_numpy(float)
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
    known = [name for name in CRITERIA if blocks.frame[value_column(blocks, name)].fillna(0).ne(0).any()]
    return known or [BORDER_ONLY]


def value_column(blocks: Blocks, criterion: str) -> str:
    """Column of the blocks that a criterion sums."""
    return "stays_part_eur_per_year" if criterion == "stays" else power_column(blocks.frame)


def value_and_scale(blocks: Blocks, criterion: str) -> tuple[Floats, float]:
    """Return the value per block, and its average size per home of the homes whose value is known.

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
    return value, float(np.nansum(np.abs(value)) / max(int(homes), 1))


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
    price = known.value("area_border_price", "home/m")
    split = known.value("area_split_price", "1") * mean if mean > 0 else 0.0
    return AreaQuestion(
        low_homes=areas.low_homes,
        high_homes=areas.high_homes,
        radius_m=areas.radius_m,
        border_price=price * mean if mean > 0 else 1.0,
        split_price=split,
    )


def without_border(question: AreaQuestion) -> AreaQuestion:
    """Ask the same of areas whatever their border: what an area that people recognise gives up is measured against it.

    Parameters
    ----------
    question : AreaQuestion
        With prices of the border and of homes outside the main buurt.
    """
    return replace(question, border_price=0.0, split_price=0.0)


def find(store: Store, areas: Areas, known: Assumptions) -> Sequence[Product]:
    """Find the best areas by each criterion, and say how sure they are.

    Parameters
    ----------
    store : Store
        With blocks, their borders and their facts.
    areas : Areas
        Band and radius of the study.
    known : Assumptions
        All figures.
    """
    blocks, buurt = read_blocks(store), store.read("buurt")
    found: list[Found] = []
    left: dict[str, int] = {}
    for criterion in criteria_of(blocks):
        try:
            found += _by(criterion, blocks, areas, known, first=len(found))
        except InfeasibleError as why:
            left[f"geen gebied ({criterion}): gevraagd {why.expected}; gevonden {why.found}"] = COUNT
    found, never = _with_draws(store, found, known)
    if never:
        left["nooit bij de beste vijf in de berekeningen"] = never
    kept = len(found)
    noted = {"beste gebied, waar een maatstaf er minder dan vijf heeft": kept} if kept and kept % COUNT else {}
    tally = Tally(kept + sum(left.values()), kept, left, noted)
    variant = variant_frame(found, blocks.frame, effort=NEAR, within=known.value("area_runner_up", "1"))
    lines = [border_lines(one, blocks.frame, blocks.edges).assign(best_id=one.best_id) for one in found]
    border = _table(lines, "best_border", blocks.frame)  # why the border of each area runs where it runs
    return [
        Product("best_area", whole_frame(found, blocks.frame, lines, buurt, variant), tally),
        Product("best_border", border.assign(best_border_id=range(len(border)))),
        Product("best_variant", variant),
    ]


def _by(criterion: str, blocks: Blocks, areas: Areas, known: Assumptions, *, first: int) -> list[Found]:
    value, mean = value_and_scale(blocks, criterion)
    graph, question = blocks.graph(value), question_of(areas, known, mean)
    best = best_areas(graph, count=COUNT, question=question, effort=THOROUGH if mean > 0 else BY_BORDER)
    free = without_border(question)
    most = best_areas(graph, count=1, question=free, effort=THOROUGH)[0].bound if criterion == "stays" else np.nan
    found = []
    for k, area in enumerate(best):
        found.append(Found(first + k, criterion, k + 1, area, graph, question, most=most))
        question = question.without(area.blocks)  # variants leave the better areas alone, as the area itself does
    return found


def _with_draws(store: Store, found: Sequence[Found], known: Assumptions) -> tuple[list[Found], int]:
    """Add what each area brings in the draws, beside all areas of the division; rank by the mean, drop what is never best."""
    facts = block_facts(store)
    if facts is None or not found:
        return list(found), 0
    others = list(enterprise.members_of(store, "gebied", "gebied_id").values()) if store.has("gebied") else []
    members = [one.area.blocks.tolist() for one in found]
    setting = enterprise.study_setting(store, facts, known)
    rows = facts_of_areas(facts, [*members, *others])
    drawn = setting.drawn(as_inputs(rows), rows["roof_range_frac"].to_numpy(float))
    stays, firm = drawn[[OUTCOMES.index(one) for one in CRITERIA_OF["stays"]]].sum(axis=0), drawn[FIRM]
    share = best_share(stays, most=COUNT, least_candidates=LEAST_CANDIDATES)
    low, middle, high = np.quantile(stays, [0.1, 0.5, 0.9], axis=1)
    out = []
    for k, one in enumerate(found):
        chance = float((firm[k] >= 0).mean())
        if np.isnan(one.graph.value).all() or not facts["stays_part_eur_per_year"].notna().any():
            out.append(one)
            continue
        mean, *at = (float(one) for one in (stays[k].mean(), low[k], middle[k], high[k]))
        brings = Draws(mean, at[0], at[1], at[2], chance, float(share[k]), stays.shape[1], len(stays))
        out.append(replace(one, draws=brings))
    return _ranked(out)


def _ranked(found: Sequence[Found]) -> tuple[list[Found], int]:
    """Order the areas chosen by what stays by that same amount, and leave out those that are never among the best."""
    money = sorted(
        (one for one in found if one.criterion == "stays" and one.draws is not None),
        key=lambda one: -(one.draws.stays_eur_per_year if one.draws else 0.0),
    )
    ever = [one for k, one in enumerate(money) if k == 0 or one.draws is None or one.draws.sure_frac != 0.0]
    kept = [*ever, *(one for one in found if one.criterion != "stays")]
    if ever:  # the first by its amount may have been sought among what another left: its bound is that of all
        bound = max(one.area.bound for one in money)
        kept[0] = ever[0] = replace(ever[0], area=replace(ever[0].area, bound=bound))
    ranks = {id(one): number + 1 for number, one in enumerate(ever)}
    out = [replace(one, best_id=number, rank=ranks.get(id(one), one.rank)) for number, one in enumerate(kept)]
    return out, len(money) - len(ever)
