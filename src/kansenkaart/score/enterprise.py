"""The sums of a wijkbedrijf for every buurt, proposed area and best area, on both tracks, with their uncertainty.

All amounts are means over the same joint draws, all intervals their 10th, 50th and 90th percentile, and the chance the share of
them. The package is one for the whole study and track, so what an area brings is the sum over its blocks and a constant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.enterprise.case import Case, facts_of_row, term_rows
from kansenkaart.core.enterprise.linear import OUTCOMES, Array
from kansenkaart.core.enterprise.package import (
    ServiceResult,
    drivers_of,
    fixed_outcomes,
    package_outcomes,
    service_results,
)
from kansenkaart.core.enterprise.setting import CRITERIA, RANGES, Setting, as_inputs, setting_of
from kansenkaart.core.enterprise.tracks import HEADLINE, compare_tracks
from kansenkaart.score import facts as known_facts
from kansenkaart.score.facts import OPEN, OPEN_KWP, OWNED, block_facts, facts_of, facts_of_areas, with_owner
from kansenkaart.tables import schemas
from kansenkaart.tables.assumptions import Assumptions, ServiceRows, default_services, with_budgets
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import amounts_nl, basis_nl, idle_budgets_nl, missing_nl

TRACKS = ("short", "long")
INPUTS = ("gebied", "best_area", "block", "block_facts", *known_facts.TABLES, "own_budget")
OUTPUTS = ("enterprise_case", "enterprise_facts")
BLOCK_INPUTS = ("block", *known_facts.TABLES, "own_budget")
BLOCK_OUTPUTS = ("block_facts",)
USED = (
    *known_facts.USED,
    *RANGES.values(),
    *sorted({row for track in TRACKS for row, _, _ in term_rows(track).values()}),
)
_PERCENTILES = {"low": 0.1, "median": 0.5, "high": 0.9}
PARTIES = ("household", "enterprise", "roof_owner", "municipality")
_STAYS = [OUTCOMES.index(one) for one in CRITERIA["stays"]]
_KINDS = {"gebied": ("gebied", "gebied_id", "gebied_name"), "best": ("best_area", "best_id", "name")}


def places(store: Store) -> gpd.GeoDataFrame:
    """Return every buurt with homes, every proposed area and every best area: kind, id, name, homes, geometry.

    ``by_stock`` flags buurten whose homes no register counts: there it is the stock of CBS.
    """
    parts = []
    if store.has("buurt_score"):
        frame, known = store.read("buurt_score"), store.read("buurt").set_index("buurtcode")
        homes = frame["homes"].astype(float)
        stock = frame["buurtcode"].map(known["homes_stock"]).astype(float)
        buurten = _places(frame, "buurt", ("buurtcode", "buurtnaam"), homes.where(homes.notna(), stock))
        parts.append(buurten.assign(by_stock=homes.isna().to_numpy()))
    for kind, (table, key, name) in _KINDS.items():
        if table in schemas.tables() and store.has(table):
            frame = store.read(table)
            parts.append(_places(frame, kind, (key, _name_of(frame, name)), frame["homes"].astype(float)))
    if not parts:
        return gpd.GeoDataFrame(
            {"place_kind": [], "place_id": [], "place_name": [], "homes": []}, geometry=[], crs=28992
        )
    found = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True))
    found["by_stock"] = found.reindex(columns=["by_stock"])["by_stock"].eq(True)
    return found[found["homes"] > 0].reset_index(drop=True)


def _name_of(frame: pd.DataFrame, name: str) -> str:
    return next(one for one in (name, "best_name", frame.columns[0]) if one in frame.columns)


def _places(frame: gpd.GeoDataFrame, kind: str, names: tuple[str, str], homes: pd.Series) -> gpd.GeoDataFrame:
    texts = {"place_kind": kind, "place_id": frame[names[0]].astype(str), "place_name": frame[names[1]].astype(str)}
    return gpd.GeoDataFrame({**texts, "homes": homes}, geometry=frame.geometry, crs=frame.crs)


def ready(store: Store) -> bool:
    """Tell whether there is any place with homes to sum for."""
    return any(name in schemas.tables() and store.has(name) for name in ("buurt_score", "gebied", "best_area"))


def blocks_ready(store: Store) -> bool:
    """Tell whether there are blocks whose facts can be told."""
    return store.has("block") and store.has("home")


def services_of(store: Store, facts: pd.DataFrame) -> tuple[ServiceRows, ...]:
    """Return the services of a study; present budgets of the municipality take the place of estimates.

    Parameters
    ----------
    store : Store
        For the budgets that it may hold.
    facts : DataFrame
        Facts of all buurten or blocks: a budget is for all of them together.
    """
    return with_budgets(default_services(), store.read("own_budget") if store.has("own_budget") else None, facts)


def score_blocks(store: Store, figures: Assumptions) -> Sequence[Product]:
    """Make the table ``block_facts``: what is known of every block, and its part in what an area brings.

    Parameters
    ----------
    store : Store
        With ``block`` and ``home``.
    figures : Assumptions
        All figures.
    """
    block = store.read("block").sort_values("block_id", ignore_index=True)
    facts = facts_of(store, block, figures)
    setting = study_setting(store, facts, figures)
    mean = setting.units.mean()
    fixed = fixed_outcomes(mean)
    parts = package_outcomes(mean, as_inputs(facts), setting.package)[:, :, 0] - fixed
    facts.insert(0, "block_id", block["block_id"].to_numpy())
    known = pd.concat(
        [facts[list(drivers_of(setting.case, name))].notna().all(axis=1) for name in setting.package]
        or [pd.Series(False, index=facts.index)],
        axis=1,
    ).any(axis=1)
    for name, outcomes in CRITERIA.items():
        rows = [OUTCOMES.index(one) for one in outcomes]
        facts[f"{name}_part_eur_per_year"] = pd.Series(parts[rows].sum(axis=0), index=facts.index).where(known)
        facts[f"{name}_fixed_eur_per_year"] = float(fixed[rows].sum())
    facts = facts.join(_parts_if_owned(facts, services_of(store, facts), figures))
    frame = facts[list(schemas.get("block_facts").columns)]
    return [
        Product(
            "block_facts", frame, Tally(len(block), len(frame), noted={"diensten in het pakket": len(setting.package)})
        )
    ]


def _parts_if_owned(facts: pd.DataFrame, services: tuple[ServiceRows, ...], figures: Assumptions) -> pd.DataFrame:
    """Return per track what blocks would add if roofs of unknown owner had the owner that it begins with [EUR/year].

    Unknown throughout where the owner of every roof is given: then the amount itself is that of the track.
    """
    parts = pd.DataFrame(np.nan, index=facts.index, columns=list(OWNED))
    if not facts[list(OPEN)].sum().any():
        return parts
    for track, column in zip(TRACKS, OWNED, strict=True):
        owned = as_inputs(with_owner(facts, track))
        setting = setting_of(track, figures=figures, services=services, totals=owned)
        mean = setting.units.mean()
        brings = package_outcomes(mean, owned, setting.package)[:, :, 0] - fixed_outcomes(mean)
        parts[column] = brings[_STAYS].sum(axis=0)
    return parts


def study_setting(store: Store, blocks: pd.DataFrame, figures: Assumptions) -> Setting:
    """Return what holds for all places of a study on the track on which they are compared.

    Parameters
    ----------
    store : Store
        For the budgets that it may hold.
    blocks : DataFrame
        Facts of all blocks.
    figures : Assumptions
        All figures.
    """
    return setting_of(HEADLINE, figures=figures, services=services_of(store, blocks), totals=as_inputs(blocks))


def score_cases(store: Store, figures: Assumptions) -> Sequence[Product]:
    """Make the tables ``enterprise_case``, a row per place and track, and ``enterprise_facts``, a row per place.

    Parameters
    ----------
    store : Store
        With buurten, and areas and blocks where they were made.
    figures : Assumptions
        All figures.
    """
    found = places(store)
    facts = pd.DataFrame(found[["place_kind", "place_id"]]).join(_facts_of_places(store, found, figures))
    blocks = block_facts(store)
    whole = facts[facts["place_kind"].eq("buurt")] if blocks is None else blocks
    services = services_of(store, whole)
    rows = []
    for track in TRACKS:
        setting = setting_of(track, figures=figures, services=services, totals=as_inputs(whole))
        rows += _track_rows(setting, track, facts, found)
    noted = {f"{kind} met een zaak": int(n) for kind, n in found["place_kind"].value_counts(sort=False).items()}
    columns = [name for name in schemas.get("enterprise_case").columns if name != "geometry"]
    frame = pd.DataFrame(rows, columns=columns)
    if idle := idle_budgets_nl([(one.name, one.driver, one.idle_units) for one in services]):
        frame["missing_nl"] = [f"{words}; {idle}" if words else idle for words in frame["missing_nl"]]
        noted |= {idle: 1}
    geometry = gpd.GeoSeries(pd.concat([found.geometry] * len(TRACKS), ignore_index=True), crs=found.crs)
    return [
        Product(
            "enterprise_case", gpd.GeoDataFrame(frame, geometry=geometry), Tally(len(found), len(found), noted=noted)
        ),
        Product("enterprise_facts", facts.drop(columns=[*OWNED, OPEN_KWP])),
    ]


def _facts_of_places(store: Store, found: gpd.GeoDataFrame, figures: Assumptions) -> pd.DataFrame:
    """Return the facts of buurten from the tables, and those of areas as sums over their blocks."""
    parts = []
    buurten = found[found["place_kind"].eq("buurt")]
    if len(buurten):
        parts.append(facts_of(store, buurten.rename(columns={"place_id": "buurtcode"}), figures))
    blocks = block_facts(store)
    for kind, (table, key, _) in _KINDS.items():
        areas = found[found["place_kind"].eq(kind)]
        if len(areas) and blocks is not None:
            members = members_of(store, table, key)
            rows = facts_of_areas(blocks, [members[str(one)] for one in areas["place_id"]])
            parts.append(rows.drop(columns="block_id", errors="ignore").set_axis(areas.index))
    names = [*schemas.get("enterprise_facts").columns[2:], *OWNED, OPEN_KWP]
    return (pd.concat(parts) if parts else pd.DataFrame()).reindex(index=found.index, columns=names)


def members_of(store: Store, table: str, key: str) -> dict[str, list[int]]:
    """Return the rows of the blocks of each area, blocks in the order of their numbers.

    Parameters
    ----------
    store : Store
        With ``block`` and the table of areas.
    table, key : str
        ``gebied`` or ``best_area``, and its key.
    """
    block = store.read("block").sort_values("block_id", ignore_index=True)
    if table == "gebied":
        inside = block[block["gebied_id"].notna()]
        return {str(one): part.index.tolist() for one, part in inside.groupby(inside["gebied_id"].astype(int))}
    row = {str(one): number for number, one in enumerate(block["block_id"])}
    frame = store.read(table)
    return {
        str(one): [row[name] for name in str(ids).split(",")]
        for one, ids in zip(frame[key], frame["block_ids"], strict=True)
    }


def _track_rows(setting: Setting, track: str, facts: pd.DataFrame, found: gpd.GeoDataFrame) -> list[dict[str, object]]:
    drawn = setting.drawn(as_inputs(facts), facts["roof_range_frac"].to_numpy(float))
    columns = _money(drawn) | _work(setting.case, drawn.mean(axis=2))
    each = setting.contribution(drawn, found["homes"].to_numpy(float))
    columns |= _spread("contribution_eur_per_participant", each)
    columns["participation_needed_frac"] = setting.participation_needed(as_inputs(facts))
    results = service_results(setting.units, as_inputs(facts), setting.package)
    columns |= _unknown(setting, results, columns)
    owned = facts[f"owned_{track}_part_eur_per_year"].where(facts[OPEN_KWP] > 0).to_numpy(float)
    columns["stays_if_owned_eur_per_year"] = owned + fixed_outcomes(setting.units.mean())[_STAYS].sum()
    paid = {one.name for one in setting.case.services if one.payer != "household"}
    rows = []
    for number, place in enumerate(found.itertuples()):
        rows.append(
            {
                "case_id": f"{place.place_kind}:{place.place_id}:{track}",
                "place_kind": place.place_kind,
                "place_id": place.place_id,
                "place_name": place.place_name,
                "track": track,
                "homes": round(place.homes),
                "package": ";".join(setting.package),
            }
            | {name: float(values[number]) for name, values in columns.items()}
            | _contract(results, number, paid)
            | _words(results, number, track, facts.iloc[number], by_stock=bool(place.by_stock))
        )
    return rows


def _money(drawn: Array) -> dict[str, Array]:
    """Return mean and 10th, 50th and 90th percentile of what each party gains, and the chance that the enterprise pays."""
    out: dict[str, Array] = {}
    for name, outcomes in {**{one: (one,) for one in PARTIES}, **CRITERIA}.items():
        out |= _spread(f"{name}_eur_per_year", drawn[[OUTCOMES.index(one) for one in outcomes]].sum(axis=0))
    return out | {"earns_keep_frac": (drawn[OUTCOMES.index("enterprise")] >= 0).mean(axis=1)}


def _spread(name: str, values: Array) -> dict[str, Array]:
    """Return the mean and the percentiles over the draws of one quantity, values of shape (places, draws)."""
    at = np.quantile(values, list(_PERCENTILES.values()), axis=1)
    return {name: values.mean(axis=1)} | {f"{name}_{end}": one for end, one in zip(_PERCENTILES, at, strict=True)}


def _unknown(setting: Setting, results: Sequence[ServiceResult], columns: dict[str, Array]) -> dict[str, Array]:
    """Return the amounts of parties of whom no service of the package could be summed, while others are unknown: no 0 but NaN."""
    mean, lost = setting.units.mean(), np.zeros(len(columns["earns_keep_frac"]), bool)
    out: dict[str, Array] = {}
    for party in ("roof_owner", "municipality"):
        row = OUTCOMES.index(party)
        moved = {key.split(":")[0] for key, values in mean.by_name.items() if values[row].any()}
        mine = [one for one in results if one.name in moved]
        summed = np.any([one.known & one.chosen for one in mine], axis=0)
        open_ = ~summed & ~np.all([one.known for one in mine], axis=0)
        lost |= open_
        out |= {name: np.where(open_, np.nan, one) for name, one in columns.items() if name.startswith(f"{party}_eur")}
    return out | {name: np.where(lost, np.nan, one) for name, one in columns.items() if name.startswith("local_eur")}


def _work(case: Case, mean: Array) -> dict[str, Array]:
    at = {name: mean[OUTCOMES.index(name)] for name in OUTCOMES}
    return {
        "paid_jobs": at["paid"] / case.terms.hours_per_job,
        "volunteers": at["volunteer"] / case.terms.volunteer_hours_per_year,
        "investment_eur": at["investment"],
        "overhead_eur_per_year": at["overhead"],
        "overhead_carried_eur_per_year": at["enterprise"] + at["overhead"],
    }


def _words(
    results: Sequence[ServiceResult], number: int, track: str, facts: pd.Series, *, by_stock: bool
) -> dict[str, str | None]:
    given = facts_of_row(facts.to_dict())
    tracks = compare_tracks(given, renovation_year=float(facts["renovation_year"]), members=np.nan)
    mine = tracks.short if track == "short" else tracks.long
    known = [name for name, value in given.__dict__.items() if not np.isnan(value)]
    left_out = [(one.name, one.drivers[0]) for one in results if not one.known[number]]
    return {
        "better_track": tracks.better,
        "missing_nl": missing_nl(mine.missing, mine.unknown, left_out),
        "case_basis": basis_nl(len(known), len(given.__dict__), float(facts["own_panden"]), by_stock=by_stock),
        **_services(results, number),
    }


def _contract(results: Sequence[ServiceResult], number: int, paid: Collection[str]) -> dict[str, str | float | None]:
    """Return which service of the package brings most of those that municipality or owner of the building pays for."""
    mine = [one for one in results if one.name in paid and one.chosen and one.known[number]]
    most = max(mine, key=lambda one: float(one.enterprise[number]), default=None)
    if most is None:
        return {"contract_service": None, "contract_eur_per_year": None}
    return {"contract_service": most.name, "contract_eur_per_year": float(most.enterprise[number])}


def _services(results: Sequence[ServiceResult], number: int) -> dict[str, str | None]:
    """Return which services are in the package, which are not, and on which only others gain, with euros a year."""
    known = [one for one in results if one.known[number]]
    earn = sorted((one for one in known if one.chosen), key=lambda one: (-one.enterprise[number], one.name))
    cost = sorted(
        (one for one in known if not one.chosen),
        key=lambda one: (one.enterprise[number], one.name),
    )
    return {
        "services_nl": amounts_nl((one.name, one.enterprise[number]) for one in earn),
        "costly_nl": amounts_nl((one.name, one.enterprise[number]) for one in cost),
        "social_nl": amounts_nl(((one.name, one.local[number]) for one in cost if one.social[number]), "buurt "),
    }
