"""How sure an area is: how often it is among the best of all draws, what a block more or less costs, who comes second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from kansenkaart.core.area.best import best_around
from kansenkaart.core.area.graph import AreaGraph
from kansenkaart.core.area.question import Area, AreaQuestion, Effort
from kansenkaart.errors import InfeasibleError
from kansenkaart.kernel import Floats


def best_share(values: Floats, *, most: int, least_candidates: int) -> Floats:
    """Return in what share of the draws each candidate is among the best [1]; NaN with too few candidates.

    Parameters
    ----------
    values : Floats
        What each candidate brings in each draw, shape (candidates, draws); all in the same draws [EUR/year].
    most : int
        How many are best [1].
    least_candidates : int
        With fewer it says nothing to be among the best [1].
    """
    if len(values) < max(least_candidates, most + 1):
        return np.full(len(values), np.nan)
    bound = np.partition(values, -most, axis=0)[-most]
    return np.asarray((values >= bound).mean(axis=1))


def forcing_prices(
    graph: AreaGraph, area: Area, *, question: AreaQuestion, blocks: Iterable[int], effort: Effort | None = None
) -> pd.DataFrame:
    """Price what it costs to have a block out that is in, or in that is out, with the centre kept.

    Parameters
    ----------
    graph, area, question :
        As asked before.
    blocks : Iterable[int]
        Blocks to price.
    effort : Effort, optional
        How hard to look.

    Returns
    -------
    pd.DataFrame
        `block`, `inside`, `price_eur_per_year` [EUR/year] (missing where no area is left) and `gap` [1] of its proof.
    """
    rows = []
    for block in blocks:
        inside = block in area.blocks
        if inside:
            asked = replace(question, pins_out=(*question.pins_out, int(block)))
        else:
            asked = replace(question, pins_in=(*question.pins_in, int(block)))
        price, gap = np.nan, np.nan
        if block != area.centre:
            try:
                other = best_around(graph, centre=area.centre, question=asked, effort=effort)
                price, gap = area.worth - other.worth, other.gap
            except InfeasibleError:
                pass
        rows.append({"block": int(block), "inside": inside, "price_eur_per_year": price, "gap": gap})
    return pd.DataFrame(rows, columns=["block", "inside", "price_eur_per_year", "gap"])


def runners_up(
    graph: AreaGraph,
    area: Area,
    *,
    question: AreaQuestion,
    within: float = 0.03,
    most: int = 5,
    effort: Effort | None = None,
) -> list[Area]:
    """Other areas around the same centre worth within a few per cent, each without a block that all before it share.

    Parameters
    ----------
    graph, area, question :
        As asked before.
    within : float
        How much less they may be worth, as a share of the area's worth [1].
    most : int
        How many at most [1].
    effort : Effort, optional
        How hard to look.
    """
    others: list[Area] = []
    barred: tuple[int, ...] = ()
    latest = area
    while len(others) < most:
        shared = [u for u in latest.blocks.tolist() if u != area.centre and u not in question.pins_in]
        if not shared:
            break
        far = np.hypot(*(graph.xy[shared] - graph.xy[area.centre]).T)
        barred = (*barred, int(shared[int(np.argmax(far))]))
        asked = replace(question, pins_out=(*question.pins_out, *barred))
        try:
            latest = best_around(graph, centre=area.centre, question=asked, effort=effort)
        except InfeasibleError:
            break
        if latest.worth < area.worth - within * abs(area.worth):
            break
        others.append(latest)
    return others


def sizes(
    graph: AreaGraph,
    *,
    centre: int,
    question: AreaQuestion,
    homes: Sequence[int] = (250, 330, 450),
    effort: Effort | None = None,
) -> pd.DataFrame:
    """Find the best area around a centre at several sizes, the band and the reach scaled along.

    The radius grows with the root of the size, so that each is as compact as the one asked for.

    Parameters
    ----------
    graph : AreaGraph
        The blocks.
    centre : int
        The centre block.
    question : AreaQuestion
        Bounds and prices.
    homes : Sequence[int]
        Sizes to ask for [home].
    effort : Effort, optional
        How hard to look.

    Returns
    -------
    pd.DataFrame
        `target_homes`, `homes` [home], `worth_eur_per_year`, `value_eur_per_year`, `border_m`, `worth_eur_per_home`
        [EUR/home/year], `gap` [1], `blocks`; missing where nothing fits.
    """
    middle = (question.low_homes + question.high_homes) / 2
    rows = []
    for target in homes:
        scale = target / middle
        low, high = round(question.low_homes * scale), round(question.high_homes * scale)
        asked = replace(question, low_homes=low, high_homes=high, radius_m=question.radius_m * np.sqrt(scale))
        row: dict[str, object] = {"target_homes": target}
        try:
            area = best_around(graph, centre=centre, question=asked, effort=effort)
        except InfeasibleError:
            rows.append(row)
            continue
        row |= {"homes": area.homes, "worth_eur_per_year": area.worth, "value_eur_per_year": area.value}
        row |= {"border_m": area.border_m, "worth_eur_per_home": area.worth / area.homes, "gap": area.gap}
        rows.append(row | {"blocks": area.blocks})
    columns = ["target_homes", "homes", "worth_eur_per_year", "value_eur_per_year", "border_m", "worth_eur_per_home"]
    return pd.DataFrame(rows, columns=[*columns, "gap", "blocks"])
