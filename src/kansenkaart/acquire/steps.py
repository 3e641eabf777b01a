"""From publishers to 1_clean: each delivery is found or fetched, read, put in its buurt, and stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from kansenkaart.acquire import own_data
from kansenkaart.acquire.deliveries import Delivery, Part, deliver, has_example, join, raster_step
from kansenkaart.acquire.live import AROUND_M, Box, Errand
from kansenkaart.acquire.readers import ROLES_READ, Reading, empty, read, require_readable
from kansenkaart.config import ROLES, Folders, Source, Study
from kansenkaart.core import scoring
from kansenkaart.errors import ConfigError, CrsError, FetchError, FormatError, SchemaError
from kansenkaart.sources import cbs_areas, knmi
from kansenkaart.sources.tools.http import Http
from kansenkaart.tables import schemas
from kansenkaart.tables.provenance import Provenance, Tally
from kansenkaart.tables.step import Product, Step
from kansenkaart.tables.store import Store
from kansenkaart.wording.messages import NOT_HAD, NOT_READ
from kansenkaart.wording.nl import number

__all__ = ["Turn", "has_example", "steps"]
#: Gives, for a publisher, the place to hold while it is asked.
Turn = Callable[[str], AbstractContextManager[Any]]
_IN_BUURT = ("pand", "home")
_NOT_IN_WINDOW, _NOT_IN_PLACE = "outside the window", "outside the place of the study"
_OF_GEMEENTE = len("BU0193")
#: Clean tables in the order of the roles of a study: each after those that it needs; buurten come first, by themselves.
_ORDER = tuple(role for role in ROLES if role in ROLES_READ - {"buurt", "statistics"})


#: What has no buurt, but lies within reach of the wijken of a study or streams on from them.
_AROUND = ("terrain", "street_line", "sewer_pipe", "sewer_node")


@dataclass(frozen=True)
class _Part:
    source: Source
    delivery: Delivery


@dataclass(frozen=True)
class _Place:
    """Which of what is read belongs to a study: what lies in its buurten, and what shades or drains them from around.

    ``buurt`` are those of the whole municipality, for a home on the border of two wijken belongs to the first of both, whichever
    part looks.
    """

    buurt: gpd.GeoDataFrame
    codes: frozenset[str]
    around: BaseGeometry

    @classmethod
    def of(cls, study: Study, parts: Sequence[_Part]) -> _Place | None:
        """Return the place of a study of some wijken; nothing for one of a whole place.

        Raises
        ------
        ConfigError
            If a wijk has no buurten.
        """
        if not study.place.wijken:
            return None
        buurt = gpd.GeoDataFrame(join("buurt", [one for part in _parts_of("buurt", parts) for one in _read(part)])[0])
        wijk = cbs_areas.wijk_of(buurt)
        if strange := sorted(set(study.place.wijken) - set(wijk)):
            raise ConfigError(
                "wijken with buurten",
                found=", ".join(strange),
                where=f"study {study.name}",
                remedy="take the codes of the same year as the buurten; the flow of the country divides anew",
            )
        mine = buurt[wijk.isin(study.place.wijken)]
        return cls(buurt, frozenset(mine["buurtcode"]), mine.union_all().buffer(AROUND_M))

    def keep(self, table: str, made: Product, store: Store) -> Product:
        """Leave out what is of other wijken."""
        frame = _frame(made)
        if table == "buurt":
            return _kept(made, frame["buurtcode"].isin(self.codes).to_numpy(), _NOT_IN_PLACE)
        if table in _AROUND:
            return _kept(made, gpd.GeoDataFrame(frame).intersects(self.around).to_numpy(), _NOT_IN_PLACE)
        if table == "roof_face" and store.has("pand"):
            return _kept(made, frame["pand_id"].isin(store.read("pand")["pand_id"]).to_numpy(), _NOT_IN_PLACE)
        return made


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
    place = _Place.of(study, parts)
    todo = [_table_step("buurt", parts, study, place)] if study.sources("buurt") else []
    tiles = any(errand.tiled(one) for one in study.sources("roof_face"))
    todo += [
        _table_step(table, parts, study, place, errand.window() if tiles and table == "roof_face" else None)
        for table in _ORDER
        if _parts_of(table, parts)
    ]
    if not _parts_of("weather_hourly", parts) and any(_parts_of(role, parts) for role in ("pand", "roof_face")):
        # So no study lacks sun for want of hourly weather.
        made_of = (knmi.typical_year()[2],)
        todo.append(Step("weather_hourly", ("weather_hourly",), lambda _: [_typical({})], (), made_of))
    todo += own_data.steps([(part.source, part.delivery) for part in parts])
    window = place.around.bounds if place else study.place.bbox_m
    for role in ("dsm", "dtm"):
        if sheets := _parts_of(role, parts):
            fetched = any(part.source.origin in ("live", "bulk") for part in sheets)
            cut = errand.window() if fetched else window
            todo.append(raster_step(role, [part.delivery for part in sheets], cut))
    return [_saying(todo[0], errand.said), *todo[1:]] if todo else []


def _part(source: Source, errand: Errand, turn: Turn) -> _Part | None:
    """Find or fetch one delivery; one that the study can do without is left out in words when it cannot be had or read."""
    asked, trouble = source.origin in ("live", "bulk"), NOT_HAD
    try:
        with turn(source.publisher) if asked else nullcontext():
            part = _Part(source, deliver(source, errand))
        trouble = NOT_READ  # what was fetched was looked at on the way, and a second run need not open it
        for path in part.delivery.paths if source.optional and not asked else ():
            require_readable(path, source)
    except (FetchError, FormatError, CrsError) as why:
        if not source.optional:
            raise
        errand.note(source, f"{trouble}: {why.found[:160]}")
        return None
    return part


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


def _typical(noted: Mapping[str, int]) -> Product:
    """Return the built-in typical year, in the place of hourly weather that the study lacks."""
    hours, tally, _ = knmi.typical_year()
    said = {**noted, **tally.noted, "geen weer per uur in de studie: ingebouwd typisch jaar van De Bilt": len(hours)}
    return Product("weather_hourly", hours, replace(tally, noted=said))


def _parts_of(table: str, parts: Sequence[_Part]) -> list[_Part]:
    return [part for part in parts if part.source.role == table]


def _table_step(table: str, parts: Sequence[_Part], study: Study, place: _Place | None, cut: Box | None = None) -> Step:
    mine = _parts_of(table, parts)
    extra = _parts_of({"buurt": "statistics", "sewer_pipe": "own_sewer"}.get(table, ""), parts)
    needs = {"pand": ("buurt", "home"), "home": ("buurt",)}
    needs |= {"roof_face": ("pand",), **dict.fromkeys(_AROUND, ("buurt",))} if place else {}
    deliveries: tuple[Provenance, ...] = tuple(one for part in [*mine, *extra] for one in part.delivery.provenance)
    parameters: dict[str, Any] = {"bbox_m": list(study.place.bbox_m or cut or ())}
    parameters["reading"] = [part.source.reading() for part in [*mine, *extra]]
    if place:
        parameters["wijken"] = list(study.place.wijken)
    if study.place.gemeentecode and table in _IN_BUURT:
        parameters["within"] = study.place.gemeentecode
    within = bool(place or study.place.gemeentecode)

    def action(store: Store) -> list[Product]:
        made = _make(table, store, mine, extra)
        if table == "weather_hourly" and isinstance(made.content, pd.DataFrame) and made.content.empty:
            return [_typical(made.tally.noted if made.tally else {})]
        made = made if cut is None else _within(made, cut)
        if table in _IN_BUURT and store.has("buurt"):
            made = _in_buurt(made, store.read("buurt"), place, within=within)
        made = place.keep(table, made, store) if place else made
        return [_with_homes(made, store) if table == "pand" else made]

    return Step(table, (table,), action, needs.get(table, ()), deliveries, parameters)


def _within(made: Product, cut: Box) -> Product:
    """Leave out what lies outside the window: tiles of the whole country hold what lies around as well."""
    return _kept(made, gpd.GeoDataFrame(made.content).intersects(shapely.box(*cut)).to_numpy(), _NOT_IN_WINDOW)


def _frame(made: Product) -> pd.DataFrame:
    frame = made.content
    assert isinstance(frame, pd.DataFrame)  # noqa: S101 - only a raster is a path
    return frame


def _kept(made: Product, keep: Any, reason: str) -> Product:
    """Leave out the rows that are not kept, counted by one reason."""
    frame, count = _frame(made), len(keep)
    tally, stay = made.tally or Tally(count, count), int(np.count_nonzero(keep))
    left = {**tally.left_out, reason: count - stay}
    return Product(made.name, frame[keep].reset_index(drop=True), Tally(tally.rows_in, stay, left, tally.noted))


def _make(table: str, store: Store, parts: Sequence[_Part], extra: Sequence[_Part]) -> Product:
    frame, tally = join(table, [one for part in parts for one in _read(part)])
    if table == "sewer_pipe":
        frame, tally = own_data.with_sewers(
            frame, tally, [(part.delivery.paths[0], part.source.layer) for part in extra]
        )
        extra = []
    for part in extra:
        figures, told = _reading(part.delivery.paths[0], part.source)
        if figures.empty:
            tally = _with_notes(tally, dict(told.noted))
            continue
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
        nothing = empty(source.role) if source.role in schemas.tables() else pd.DataFrame()
        return nothing, Tally(0, 0, {}, {f"{source.publisher} {NOT_READ}: {why.found[:160]}": 1})


def _in_buurt(made: Product, buurt: gpd.GeoDataFrame, place: _Place | None, *, within: bool) -> Product:
    """Give each row its buurt; of a municipality or its wijken what lies in no buurt of it is of a neighbour, which counts it."""
    placed = scoring.add_buurtcode(gpd.GeoDataFrame(made.content), buurt=place.buurt if place else buurt)
    made = replace(made, content=placed)
    if within:
        return _kept(made, placed["buurtcode"].isin(set(buurt["buurtcode"])).to_numpy(), _NOT_IN_PLACE)
    noted = {"buiten alle buurten": int(placed["buurtcode"].isna().sum())}
    return replace(made, tally=_with_notes(made.tally or Tally(len(placed), len(placed)), noted))


def _with_homes(made: Product, store: Store) -> Product:
    """Count the homes of each pand, and those whose pand is not there; of homes that could not be read none is counted."""
    frame, tally = made.content, made.tally
    if not isinstance(frame, gpd.GeoDataFrame) or not store.has("home"):
        return made
    if any(NOT_READ in one for one in store.describe("home")["tally"]["noted"]):
        return made
    homes = store.read("home")
    lost = homes["pand_id"].notna() & ~homes["pand_id"].isin(frame["pand_id"])
    if lost.any() and tally is not None:
        tally = _with_notes(tally, {"home whose pand is left out or not in the file": int(lost.sum())})
    return Product("pand", scoring.add_home_counts(frame, home=homes), tally)


def _with_notes(tally: Tally, notes: dict[str, int]) -> Tally:
    return Tally(tally.rows_in, tally.kept, tally.left_out, {**tally.noted, **notes})
