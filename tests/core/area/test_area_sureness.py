"""How sure: shares, prices of forcing, runners-up, sizes; and an area like that of the first wijkbedrijf."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kansenkaart.core.area.best import best_around
from kansenkaart.core.area.graph import AreaGraph, Borders, graph_from_arrays
from kansenkaart.core.area.question import AreaQuestion, Effort
from kansenkaart.core.area.sureness import best_share, forcing_prices, runners_up, sizes
from tests.core.area.area_towns import grid_town
from tests.pinned import require_as_pinned

QUICK = Effort(steps=4_000, workers=1)
ASK = AreaQuestion(low_homes=60, high_homes=75, radius_m=130.0, border_price=5.0)


def bilgaard() -> AreaGraph:
    """Build a gallery of 194 flats and 95 rented houses of one owner, 41 owned houses beside them, in a wijk of owned homes.

    289 of 330 homes are the corporation's: 88 %.
    """
    town = grid_town(11, 11, seed=7, homes=(10, 18))
    homes, owned = town.homes.copy(), np.zeros(len(town))
    at = {(5, 5): (194, 194), (4, 5): (32, 32), (5, 4): (32, 32), (6, 5): (31, 31), (5, 6): (21, 0), (4, 4): (20, 0)}
    for (x, y), (count, of_owner) in at.items():
        homes[y * 11 + x], owned[y * 11 + x] = count, of_owner
    return graph_from_arrays(
        homes=homes,
        value=homes * 400.0,
        owned=owned,
        xy=town.xy,
        buurt=town.buurt,
        ext=town.ext,
        borders=Borders(town.a, town.b, town.length, town.weight, town.cls, town.passable),
    )


def test_the_first_wijkbedrijf_comes_out_when_one_owner_is_asked() -> None:
    town, centre = bilgaard(), 5 * 11 + 5
    ask = AreaQuestion(radius_m=150.0, owner_low=0.85)
    area = best_around(town, centre=centre, question=ask, effort=QUICK)
    share = town.owned[area.blocks].sum() / area.homes
    assert 300 <= area.homes <= 360
    assert share >= 0.85
    # Everything of the corporation is in it: at 289 homes of one owner at most 340 fit under 85 %.
    assert town.owned[area.blocks].sum() == 289
    assert area.gap == 0.0
    mixed = best_around(town, centre=centre, question=replace(ask, owner_low=0.0, owner_high=0.7), effort=QUICK)
    assert town.owned[mixed.blocks].sum() / mixed.homes <= 0.7


def test_unknown_ownership_counts_against_either_bound() -> None:
    town = bilgaard()
    town.owned[4 * 11 + 5] = np.nan
    one = best_around(town, centre=60, question=AreaQuestion(radius_m=150.0, owner_low=0.7), effort=QUICK)
    assert np.nansum(town.owned[one.blocks]) / one.homes >= 0.7


def test_forcing_never_gains_and_runners_up_are_near() -> None:
    town = grid_town(8, 8, seed=5)
    area = best_around(town, centre=27, question=ASK, effort=QUICK)
    beside = [u for u in (10, 19, 26, 28, 35, 27) if u in area.blocks or np.hypot(*(town.xy[u] - town.xy[27])) <= 130]
    prices = forcing_prices(town, area, question=ASK, blocks=beside, effort=QUICK)
    known = prices["price_eur_per_year"].dropna()
    assert len(known) >= len(beside) - 2
    assert (known >= -0.02).all()
    assert prices.set_index("block").loc[27, "price_eur_per_year"] != 0.0
    others = runners_up(town, area, question=ASK, within=0.2, most=3, effort=QUICK)
    assert others
    assert all(0.8 * area.worth <= other.worth <= area.worth + 0.02 for other in others)
    assert all(other.blocks.tolist() != area.blocks.tolist() for other in others)
    rows = pd.DataFrame([vars(one) | {"blocks": str(one.blocks.tolist())} for one in (area, *others)])
    require_as_pinned("runners_up", {"price": prices, "area": rows})


def test_sizes_side_by_side() -> None:
    town = grid_town(8, 8, seed=5)
    table = sizes(town, centre=27, question=ASK, homes=(45, 68, 90, 5000), effort=QUICK)
    assert table["homes"].iloc[:3].is_monotonic_increasing
    assert np.isnan(table["homes"].iloc[3])
    row = table.iloc[1]
    assert row["worth_eur_per_home"] == pytest.approx(row["worth_eur_per_year"] / row["homes"])
    require_as_pinned("sizes", {"size": table})


def test_the_share_of_draws_among_the_best_is_counted_draw_by_draw() -> None:
    # Twelve candidates in four draws: the first is best in three of them, the last never.
    values = np.arange(12.0, 0.0, -1.0)[:, None] * np.ones(4)
    values[0, 3] = -1.0
    share = best_share(values, most=5, least_candidates=10)
    assert share.tolist() == [0.75, 1, 1, 1, 1, 0.25, 0, 0, 0, 0, 0, 0]
    assert np.isnan(best_share(values[:9], most=5, least_candidates=10)).all()  # of nine it says nothing
