"""From 1_clean to 2_scored: sun per roof face and pand, grey water per street, counts per buurt."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import geopandas as gpd

from kansenkaart.config import Areas
from kansenkaart.core import scoring
from kansenkaart.score import areas, best_areas, enterprise, homes, panden, roofs
from kansenkaart.score import streets as water
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product, Step
from kansenkaart.tables.store import Store

_ROOFS = (
    "roof_area_m2",
    "open_sky_kwh_per_year",
    "sun_kwh_per_year",
    "modules_fit",
    "kwp_fit",
    "yield_fit_kwh_per_year",
    "yield_fit_kwh_per_year_low",
    "yield_fit_kwh_per_year_high",
    "modules_pay",
    "kwp_pay",
    "yield_pay_kwh_per_year",
    "sun_eur_per_year",
    *roofs.MONTHS,
)


def steps(store: Store, known: Assumptions, wanted: Areas, hidden: frozenset[str] = frozenset()) -> list[Step]:
    """Return the steps that the tables present allow; what is missing lowers the basis and is left out.

    Parameters
    ----------
    store : Store
        Tables of the study; what is there decides what can be scored.
    known : Assumptions
        The assumptions.
    wanted : Areas
        Size of area that the study asks for.
    hidden : frozenset of str
        Panden on the opt-out list: every score and every sum holds the estimate from their footprint, so that nothing
        that is made or kept can be subtracted to get their roof.

    Returns
    -------
    list of Step
        In the order in which they are done.
    """
    todo = []
    if roofs.ready(store):
        todo.append(
            Step(
                "zon",
                ("roof_face_score",),
                lambda one: roofs.score_roofs(one, known, hidden=hidden),
                roofs.INPUTS,
                parameters={**_used(known, roofs.USED), **({"opt_out": mark_of(hidden)} if hidden else {})},
            )
        )
    if store.has("pand"):
        todo.append(
            Step(
                "panden",
                ("pand_score",),
                lambda one: panden.score_panden(one, known),
                panden.INPUTS,
                parameters=_used(known, panden.USED),
            )
        )
    if store.has("home"):
        todo.append(
            Step(
                "woningen",
                homes.OUTPUTS,
                lambda one: homes.score_homes(one, known),
                homes.INPUTS,
                parameters=_used(known, homes.USED),
            )
        )
    if water.ready(store):
        todo.append(
            Step(
                "water",
                water.OUTPUTS,
                lambda one: water.score_streets(one, known),
                water.INPUTS,
                parameters=_used(known, water.USED),
            )
        )
    if store.has("buurt"):
        todo.append(
            Step(
                "buurten",
                ("buurt_score",),
                _buurten,
                ("buurt", "pand", "home", "pand_score", "home_score"),
            )
        )
    if areas.ready(store):
        figures = {**_used(known, areas.USED), **wanted.model_dump()}
        todo.append(
            Step(
                "gebieden",
                areas.OUTPUTS,
                lambda one: areas.divide(one, wanted, known),
                areas.INPUTS,
                parameters=figures,
            )
        )
    todo += _block_facts(store, known)
    if best_areas.ready(store):
        todo.append(
            Step(
                "beste gebieden",
                best_areas.OUTPUTS,
                lambda one: best_areas.find(one, wanted, known),
                best_areas.INPUTS,
                parameters={**_used(known, best_areas.USED), **wanted.model_dump()},
            )
        )
    todo += _cases(store, known)
    return todo


def mark_of(hidden: frozenset[str]) -> str:
    """Return by what an opt-out list is told from another; nothing for an empty one."""
    return hashlib.sha256("\n".join(sorted(hidden)).encode()).hexdigest()[:16] if hidden else ""


def _block_facts(store: Store, known: Assumptions) -> list[Step]:
    """Return the step that says what is known of each block, where there are blocks."""
    if not enterprise.blocks_ready(store):
        return []
    figures = _used(known, enterprise.USED)
    facts = Step(
        "feiten van blokken",
        enterprise.BLOCK_OUTPUTS,
        lambda one: enterprise.score_blocks(one, known),
        enterprise.BLOCK_INPUTS,
        parameters=figures,
    )
    return [facts]


def _cases(store: Store, known: Assumptions) -> list[Step]:
    """Return the step that sums the enterprise of every place, where there is any."""
    if not enterprise.ready(store):
        return []
    cases = Step(
        "wijkbedrijf",
        enterprise.OUTPUTS,
        lambda one: enterprise.score_cases(one, known),
        enterprise.INPUTS,
        parameters=_used(known, enterprise.USED),
    )
    return [cases]


def _read(store: Store, name: str) -> gpd.GeoDataFrame | None:
    return store.read(name) if store.has(name) else None


def _used(known: Assumptions, names: Sequence[str]) -> dict[str, float]:
    return {name: known[name].value for name in names}


def _buurten(store: Store) -> Sequence[Product]:
    buurt, pand, home = store.read("buurt"), _read(store, "pand"), _read(store, "home")
    out = buurt.merge(scoring.totals(buurt, pand=pand, home=home), on="buurtcode", how="left")
    people, scored = _read(store, "home_score"), _read(store, "pand_score")
    for name in homes.AMOUNTS:
        out[name] = float("nan") if people is None else out["buurtcode"].map(people.groupby("buurtcode")[name].sum())
    for name in _ROOFS:
        sums = None if scored is None else scored.groupby("buurtcode")[name].sum(min_count=1)
        out[name] = float("nan") if sums is None else out["buurtcode"].map(sums)
    basis = (
        None
        if scored is None
        else scored.groupby("buurtcode")["score_basis"].agg(lambda one: "+".join(sorted(set(one))))
    )
    out["score_basis"] = None if basis is None else out["buurtcode"].map(basis)
    names = [name for name in _columns() if name in out.columns]
    return [Product("buurt_score", out[names], Tally(len(buurt), len(out)))]


def _columns() -> Sequence[str]:
    from kansenkaart.tables import schemas

    return schemas.get("buurt_score").columns
