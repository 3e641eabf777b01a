"""The best areas of a study: five by money, five by power, each with its proven gap, sureness, variants and border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from kansenkaart.assumptions import Assumptions
from kansenkaart.config import Areas
from kansenkaart.core.area.answer import Area, Effort
from kansenkaart.core.area.best import best_areas
from kansenkaart.core.area.graph import AreaGraph, build_graph
from kansenkaart.core.area.kernel import Floats
from kansenkaart.core.area.question import AreaQuestion
from kansenkaart.core.area.recurs import Recurrence, recurrence
from kansenkaart.core.area.sureness import Scenario, scenarios
from kansenkaart.errors import InfeasibleError
from kansenkaart.provenance import Tally
from kansenkaart.stages.areas import border_factors
from kansenkaart.stages.best_frames import Found, border_frame, power_column, sureness_frame, variant_frame, whole_frame
from kansenkaart.stages.steps import Product
from kansenkaart.store import Store

INPUTS = ("block", "block_border", "buurt")
OUTPUTS = ("best_area", "block_sureness", "best_border", "best_variant")
USED = ("area_border_price", "area_reference", "area_split_price", "area_radius", "area_core_share", "area_same_share",
        "area_runner_up")  # fmt: skip
COUNT = 5
CRITERIA = ("eur", "kwh")
BORDER_ONLY = "border"
# Bounds on the work, in counts: a time limit would make the answer depend on the machine.
THOROUGH = Effort(restarts=2, steps=60_000, windows=40, rounds=12, nodes=400)
QUICK = Effort(restarts=1, steps=20_000, first=4, windows=0)
BY_BORDER = Effort(restarts=2, steps=60_000, windows=2, rounds=4, nodes=60)
NEAR = Effort(restarts=1, steps=40_000, windows=1, rounds=4, nodes=60)


def ready(store: Store) -> bool:
    """Tell whether there are blocks to choose from."""
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
    """Read the blocks and their borders back, ready for the graph."""
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
    """Criteria for which any value is known; where none is, the borders alone decide."""
    known = [name for name in CRITERIA if blocks.frame[value_column(blocks, name)].fillna(0).gt(0).any()]
    return known or [BORDER_ONLY]


def value_column(blocks: Blocks, criterion: str) -> str:
    """Column of the blocks that a criterion sums."""
    return "value_eur_per_year" if criterion == "eur" else power_column(blocks.frame)


def value_and_scale(blocks: Blocks, criterion: str) -> tuple[Floats, float]:
    """Value per block and the average per home of the homes whose value is known."""
    if criterion == BORDER_ONLY:
        return np.zeros(len(blocks.frame)), 0.0
    value = blocks.frame[value_column(blocks, criterion)].to_numpy(float)
    homes = blocks.frame["homes"].to_numpy()[~np.isnan(value)].sum()
    return value, float(np.nansum(value) / max(int(homes), 1))


def question_of(areas: Areas, known: Assumptions, mean: float) -> AreaQuestion:
    """Return the question of a study: its band and radius, with prices in proportion to the average value of a home."""
    price, reference = known.value("area_border_price", "home/m"), known.value("area_reference", "1")
    split = known.value("area_split_price", "1") * mean if mean > 0 else 0.0
    return AreaQuestion(
        low_homes=areas.low_homes, high_homes=areas.high_homes, radius_m=areas.radius_m,
        border_price=price * mean if mean > 0 else 1.0, reference=reference * mean, split_price=split,
    )  # fmt: skip


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
