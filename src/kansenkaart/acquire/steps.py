"""From publishers to 1_clean: each delivery is found or fetched, read, put in its buurt, and stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from kansenkaart.acquire import own_data
from kansenkaart.acquire.deliveries import Delivery, Part, deliver, has_example, join, raster_step
from kansenkaart.acquire.live import Box, Errand
from kansenkaart.acquire.readers import ROLES_READ, Reading, empty, read
from kansenkaart.config import ROLES, Folders, Source, Study
from kansenkaart.core import scoring
from kansenkaart.errors import CrsError, FetchError, FormatError, SchemaError
from kansenkaart.sources import cbs_areas, knmi
from kansenkaart.sources.tools.http import Http
from kansenkaart.tables.provenance import Provenance, Tally
from kansenkaart.tables.step import Product, Step
from kansenkaart.tables.store import Store
from kansenkaart.wording.messages import NOT_HAD, NOT_READ
from kansenkaart.wording.nl import number

__all__ = ["Turn", "has_example", "steps"]
#: Gives, for a publisher, the place to hold while it is asked.
Turn = Callable[[str], AbstractContextManager[Any]]
_IN_BUURT = ("pand", "home")
_OF_GEMEENTE = len("BU0193")
#: Clean tables in the order of the roles of a study: each after those that it needs; buurten come first, by themselves.
_ORDER = tuple(role for role in ROLES if role in ROLES_READ - {"buurt", "statistics"})


@dataclass(frozen=True)
class _Part:
    source: Source
    delivery: Delivery


def steps(study: Study, folders: Folders, *, http: Http | None = None, turn: Turn = nullcontext) -> list[Step]:
    """Return the steps that make the clean tables of a study; files are found and live sources fetched first.

    Parameters
    ----------
    study : Study
        What to bring together.
    folders : Folders
        Where deliveries are.
    http : Http, optional
        How to ask live services.
    turn : callable
        Holds the place at a publisher while it is asked; by default there is always room.

    Raises
    ------
    ConfigError
        If a file that the study names is not there.
    FetchError, IncompleteError
        If a publisher gives no usable or no complete answer: before any step has run, so that tables and earlier
        deliveries stay as they were.
    """
    errand = Errand(study, folders, http or Http.of_environment())
    _foretell(errand)
    parts = [part for source in study.source if (part := _part(source, errand, turn)) is not None]
    errand.close()
    todo = [_table_step("buurt", parts, study)] if study.sources("buurt") else []
    tiles = any(errand.tiled(one) for one in study.sources("roof_face"))
    todo += [
        _table_step(table, parts, study, errand.window() if tiles and table == "roof_face" else None)
        for table in _ORDER
        if _parts_of(table, parts)
    ]
    if not _parts_of("weather_hourly", parts) and any(_parts_of(role, parts) for role in ("pand", "roof_face")):
        todo.append(_default_weather())
    todo += own_data.steps([(part.source, part.delivery) for part in parts])
    todo += [_raster_step(role, _parts_of(role, parts), errand) for role in ("dsm", "dtm") if _parts_of(role, parts)]
    return [_saying(todo[0], errand.said), *todo[1:]] if todo else []


def _part(source: Source, errand: Errand, turn: Turn) -> _Part | None:
    """Find or fetch one delivery; one that the study can do without is left out in words when it cannot be had."""
    asked = source.origin in ("live", "bulk")
    try:
        with turn(source.publisher) if asked else nullcontext():
            return _Part(source, deliver(source, errand))
    except (FetchError, FormatError, CrsError) as why:
        if not source.optional:
            raise
        errand.note(source, f"{NOT_HAD}: {why.found[:160]}")
        return None


def _foretell(errand: Errand) -> None:
    """Say beforehand what will be asked of whom."""
    if errand.http.meter.listen is None:
        return
    for one in errand.expected():
        size, minutes = number(math.ceil(one.received / 1e6)), number(one.minutes, 1)
        words = f"{number(one.requests)} verzoeken, {size} MB, {minutes} minuten"
        errand.http.meter.tell("raming", f"{one.source}: {words}")


def _saying(step: Step, said: Mapping[str, str]) -> Step:
    """Let the first table of a study carry what could not be had: its tally is kept, shown and published."""
    if not said:
        return step

    def action(store: Store) -> Sequence[Product]:
        first, *others = step.action(store)
        tally = first.tally or Tally(0, 0)
        noted = {**tally.noted, **{f"bron {name}: {words}": 1 for name, words in said.items()}}
        return [replace(first, tally=replace(tally, noted=noted)), *others]

    return replace(step, action=action, parameters={**step.parameters, "said": dict(said)})


def _default_weather() -> Step:
    """Return the step that puts the built-in typical year in the place of hourly weather that the study lacks."""
    return Step("weather_hourly", ("weather_hourly",), lambda _: [_typical({})], (), (knmi.typical_year()[2],))


def _typical(noted: Mapping[str, int]) -> Product:
    hours, tally, _ = knmi.typical_year()
    said = {**noted, **tally.noted, "geen weer per uur in de studie: ingebouwd typisch jaar van De Bilt": len(hours)}
    return Product("weather_hourly", hours, replace(tally, noted=said))


def _raster_step(role: str, parts: Sequence[_Part], errand: Errand) -> Step:
    fetched = any(part.source.origin in ("live", "bulk") for part in parts)
    window = errand.window() if fetched else errand.study.place.bbox_m
    return raster_step(role, [part.delivery for part in parts], window)


def _parts_of(table: str, parts: Sequence[_Part]) -> list[_Part]:
    return [part for part in parts if part.source.role == table]


def _table_step(table: str, parts: Sequence[_Part], study: Study, cut: Box | None = None) -> Step:
    mine = _parts_of(table, parts)
    extra = _parts_of({"buurt": "statistics", "sewer_pipe": "own_sewer"}.get(table, ""), parts)
    inputs = ("buurt",) if table in _IN_BUURT else ()
    deliveries: tuple[Provenance, ...] = tuple(one for part in [*mine, *extra] for one in part.delivery.provenance)
    if table == "pand":
        return Step("pand", ("pand",), lambda store: [_panden(store, mine)], ("buurt", "home"), deliveries)
    parameters = {"bbox_m": list(study.place.bbox_m or cut or ())}

    def action(store: Store) -> list[Product]:
        made = _make(table, store, mine, extra)
        if table == "weather_hourly" and isinstance(made.content, pd.DataFrame) and made.content.empty:
            return [_typical(made.tally.noted if made.tally else {})]
        return [made if cut is None else _within(made, cut)]

    return Step(table, (table,), action, inputs, deliveries, parameters)


def _within(made: Product, cut: Box) -> Product:
    """Leave out what lies outside the window: tiles of the whole country hold what lies around as well."""
    frame = gpd.GeoDataFrame(made.content)
    inside = frame.intersects(shapely.box(*cut)).to_numpy()
    tally = made.tally or Tally(len(frame), len(frame))
    left = {**tally.left_out, "outside the window": int((~inside).sum())}
    return Product(
        made.name, frame[inside].reset_index(drop=True), Tally(tally.rows_in, int(inside.sum()), left, tally.noted)
    )


def _make(table: str, store: Store, parts: Sequence[_Part], extra: Sequence[_Part]) -> Product:
    frame, tally = join(table, [one for part in parts for one in _read(part)])
    if table == "sewer_pipe":
        frame, tally = own_data.with_sewers(
            frame, tally, [(part.delivery.paths[0], part.source.layer) for part in extra]
        )
        extra = []
    for part in extra:
        figures, told = read(part.delivery.paths[0], part.source)
        frame = scoring.with_statistics(gpd.GeoDataFrame(frame), statistics=figures)
        tally = _with_notes(tally, {f"statistics: {key}": count for key, count in told.noted.items()})
        what = "statistics" if "inhabitants" in figures else "panels"
        strange = ~frame["buurtcode"].isin(figures["buurtcode"])
        reason = f"buurt without {what} of its code (codes of another year?)"
        tally = _with_notes(tally, {reason: int(strange.sum())} if strange.any() else {})
        tally = _with_notes(tally, _merged([*frame["buurtcode"], *figures["buurtcode"]]) if strange.any() else {})
        here = figures["buurtcode"].str[:_OF_GEMEENTE].isin(frame["buurtcode"].str[:_OF_GEMEENTE])
        homeless = int((here & ~figures["buurtcode"].isin(frame["buurtcode"])).sum())
        tally = _with_notes(tally, {f"{what} without a buurt of their code": homeless} if homeless else {})
    if table in _IN_BUURT and store.has("buurt"):
        frame, tally = _in_buurt(gpd.GeoDataFrame(frame), tally, store)
    return Product(table, frame, tally)


def _merged(buurten: Sequence[str]) -> dict[str, int]:
    """Say of codes of a municipality that is no more where they went, and how many there are."""
    codes = pd.Series(buurten, dtype="object").map(lambda one: f"GM{str(one)[2:6]}").value_counts()
    went = {code: cbs_areas.merged_into(str(code)) for code in codes.index}
    return {f"{code} went into {to[2]} ({to[1]}) in {to[0]}": int(codes[code]) for code, to in went.items() if to}


def _read(part: _Part) -> list[Part]:
    edition = part.delivery.provenance[0].edition if part.delivery.provenance else part.source.edition
    return [Part(path.name, edition, *_reading(path, part.source)) for path in part.delivery.paths]


def _reading(path: Path, source: Source) -> Reading:
    """Read one file; what the study can do without and cannot be read is an empty table with the reason."""
    try:
        return read(path, source)
    except (FormatError, CrsError, SchemaError) as why:
        if not source.optional:
            raise
        return empty(source.role), Tally(0, 0, {}, {f"{source.publisher} {NOT_READ}: {why.found[:160]}": 1})


def _in_buurt(frame: gpd.GeoDataFrame, tally: Tally, store: Store) -> tuple[gpd.GeoDataFrame, Tally]:
    placed = scoring.add_buurtcode(frame, buurt=store.read("buurt"))
    outside = int(placed["buurtcode"].isna().sum())
    return placed, _with_notes(tally, {"buiten alle buurten": outside})


def _panden(store: Store, parts: Sequence[_Part]) -> Product:
    product = _make("pand", store, parts, [])
    frame, tally = product.content, product.tally
    if isinstance(frame, gpd.GeoDataFrame) and store.has("home"):
        homes = store.read("home")
        lost = homes["pand_id"].notna() & ~homes["pand_id"].isin(frame["pand_id"])
        if lost.any() and tally is not None:
            tally = _with_notes(tally, {"home whose pand is left out or not in the file": int(lost.sum())})
        frame = scoring.add_home_counts(frame, home=homes)
    return Product("pand", frame, tally)


def _with_notes(tally: Tally, notes: dict[str, int]) -> Tally:
    return Tally(tally.rows_in, tally.kept, tally.left_out, {**tally.noted, **notes})
