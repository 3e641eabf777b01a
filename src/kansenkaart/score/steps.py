"""From 1_clean to 2_scored: sun per roof face and pand, grey water per street, counts per buurt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.config import Study
from kansenkaart.core import scoring
from kansenkaart.score import areas, best_areas, enterprise, facts, panden, roofs, sensitivity
from kansenkaart.score import streets as water
from kansenkaart.tables.assumptions import OWN, Assumptions
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
    *roofs.YIELD_MONTHS,
)


def steps(store: Store, known: Assumptions, study: Study, folder: Path | None = None) -> Iterator[Step]:
    """Give the steps that the tables present allow; what is missing lowers the basis and is left out.

    Parameters
    ----------
    store : Store
        Tables of the study; what is there decides what can be scored.
    known : Assumptions
        The assumptions.
    study : Study
        For the size of area that it asks for, its opt-out list (every score and every sum holds the estimate from the
        footprint of such a pand, so that nothing that is made or kept can be subtracted to get its roof) and the priors of
        footprints that it brings.
    folder : Path, optional
        Where the study file lies, and the files that it names; without it the lists in the study alone count.

    Yields
    ------
    Step
        In the order in which they are done; whether the next one can be is looked at when it is asked for.
    """
    wanted, beside = study.areas, Path() if folder is None else folder
    hidden = study.weglaten.ids(beside)
    priors = panden.roof_priors(beside / study.roof_priors if study.roof_priors else None)

    def step(name: str, room: Any, score: Callable[[Store], Sequence[Product]], **more: Any) -> Step:
        return Step(name, room.OUTPUTS, score, room.INPUTS, parameters={**_used(known, room.USED), **more})

    own_roofs = {"opt_out": mark_of(hidden)} if hidden else {}
    own_priors = {"roof_priors": digest(priors)} if study.roof_priors else {}
    sizes = wanted.model_dump()
    rows = [
        (roofs.ready, step("zon", roofs, lambda one: roofs.score_roofs(one, known, hidden=hidden), **own_roofs)),
        (
            _has("pand"),
            step("panden", panden, lambda one: panden.score_panden(one, known, priors=priors), **own_priors),
        ),
        (_has("home"), step("woningen", _HOMES, lambda one: facts.score_homes(one, known))),
        (water.ready, step("water", water, lambda one: water.score_streets(one, known))),
        (_has("buurt"), step("buurten", _BUURTEN, lambda one: _buurten(one, known))),
        (sensitivity.ready, step("gevoeligheid", sensitivity, lambda one: sensitivity.score_inputs(one, known))),
        (areas.ready, step("gebieden", areas, lambda one: areas.divide(one, wanted, known), **sizes)),
        (enterprise.blocks_ready, step("feiten van blokken", _BLOCKS, lambda one: enterprise.score_blocks(one, known))),
        (
            best_areas.ready,
            step("beste gebieden", best_areas, lambda one: best_areas.find(one, wanted, known), **sizes),
        ),
        (enterprise.ready, step("wijkbedrijf", enterprise, lambda one: enterprise.score_cases(one, known))),
    ]
    yield from (one for ready, one in rows if ready(store))


@dataclass(frozen=True)
class _Room:
    """What a step reads, makes and is fingerprinted by, where its module makes more than one."""

    INPUTS: tuple[str, ...]
    OUTPUTS: tuple[str, ...]
    USED: tuple[str, ...] = ()


_HOMES = _Room(facts.HOME_INPUTS, facts.HOME_OUTPUTS, facts.HOME_USED)
_BUURTEN = _Room(("buurt", "pand", "home", "pand_score", "home_score"), ("buurt_score",), roofs.LOSSES)
_BLOCKS = _Room(enterprise.BLOCK_INPUTS, enterprise.BLOCK_OUTPUTS, enterprise.USED)


def _has(table: str) -> Callable[[Store], bool]:
    return lambda store: store.has(table)


def mark_of(hidden: frozenset[str]) -> str:
    """Return by what an opt-out list is told from another; nothing for an empty one."""
    return hashlib.sha256("\n".join(sorted(hidden)).encode()).hexdigest()[:16] if hidden else ""


def digest(table: pd.DataFrame) -> str:
    """Return by what a table is told from another."""
    return hashlib.sha256(table.to_json().encode()).hexdigest()[:16]


def _read(store: Store, name: str) -> gpd.GeoDataFrame | None:
    return store.read(name) if store.has(name) else None


def _used(known: Assumptions, names: Sequence[str]) -> dict[str, Any]:
    """Return the figures by which a step is known again: of one that a study brings value, low and high, as draws rest on."""
    ranged = {name for name in names if known[name].quality == OWN and known[name].low < known[name].high}
    plain = {name: known[name].value for name in names}
    return plain | {name: [known[name].value, known[name].low, known[name].high] for name in ranged}


def _buurten(store: Store, known: Assumptions) -> Sequence[Product]:
    buurt, pand, home = store.read("buurt"), _read(store, "pand"), _read(store, "home")
    out = buurt.merge(scoring.totals(buurt, pand=pand, home=home), on="buurtcode", how="left")
    people, roofed = _read(store, "home_score"), _read(store, "pand_score")
    scored = None if roofed is None else panden.without_installed(roofed)
    for name in facts.AMOUNTS:
        out[name] = float("nan") if people is None else out["buurtcode"].map(people.groupby("buurtcode")[name].sum())
    for name in _ROOFS:
        sums = None if scored is None else scored.groupby("buurtcode")[name].sum(min_count=1)
        out[name] = float("nan") if sums is None else out["buurtcode"].map(sums)
    if scored is not None:
        bounds = roofs.sum_bounds(scored, scored["buurtcode"], known)
        out[list(bounds)] = bounds.reindex(out["buurtcode"]).to_numpy()
    out["modules_pay"] = out["modules_pay"].round()
    basis = None if scored is None else scoring.one_basis(scored.groupby("buurtcode")["score_basis"])
    out["score_basis"] = None if basis is None else out["buurtcode"].map(basis)
    out = _beside_installed(out, roofed)
    names = [name for name in _columns() if name in out.columns]
    return [Product("buurt_score", out[names], Tally(len(buurt), len(out)))]


def _beside_installed(out: gpd.GeoDataFrame, pand: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Set what fits and what pays beside the panels that homes have already; unknown where CBS says nothing."""
    unknown = pd.Series(np.nan, index=out.index)
    kwp, systems = (out[one].astype(float) if one in out else unknown for one in ("pv_installed_kwp", "pv_systems"))
    mean = unknown
    if pand is not None:
        pays = pand[pand["kwp_pay"].gt(0) & pand["homes"].eq(1)]
        mean = out["buurtcode"].map(pays.groupby("buurtcode")["kwp_pay"].mean()).astype(float)
    return out.assign(
        kwp_room=(out["kwp_fit"] - kwp).clip(lower=0.0),
        pv_installed_kwp_per_system=kwp / systems.where(systems > 0),
        kwp_pay_per_roof=mean,
    )


def _columns() -> Sequence[str]:
    from kansenkaart.tables import schemas

    return schemas.get("buurt_score").columns
