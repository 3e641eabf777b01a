"""From publishers to 1_clean: each delivery is found or fetched, read, put in its buurt, and stored."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from kansenkaart.config import Folders, Source, Study
from kansenkaart.core import buurten
from kansenkaart.errors import ConfigError
from kansenkaart.provenance import Provenance, Tally
from kansenkaart.stages.deliver import Delivery, deliver
from kansenkaart.stages.rasters import raster_step
from kansenkaart.stages.steps import Product, Step
from kansenkaart.store import Store

# The reader of each role: module of `sources` by publisher's form, and function.
_READERS: dict[str, tuple[dict[str, str], str]] = {
    "buurt": ({"zwolle-geojson": "zwolle"}, "read_buurt"),
    "statistics": ({}, "read_kwb"),
    "pand": ({"bgt-sqlite": "bgt"}, "read_pand"),
    "home": ({}, "read_home"),
    "roof_face": ({}, "read_roof_face"),
    "terrain": ({}, "read_terrain"),
    "street_line": ({}, "read_street_line"),
    "sewer_pipe": ({}, "read_sewer_pipe"),
    "sewer_node": ({}, "read_sewer_node"),
    "gully": ({}, "read_gully"),
    "weather_hourly": ({"epw": "knmi"}, "read_weather_hourly"),
    "weather_daily": ({}, "read_weather_daily"),
}
_MODULES = {
    "buurt": "cbs_areas", "statistics": "cbs", "pand": "bag", "home": "bag", "roof_face": "bag3d", "terrain": "bgt",
    "street_line": "nwb", "sewer_pipe": "gwsw", "sewer_node": "gwsw", "gully": "gwsw", "weather_hourly": "knmi",
    "weather_daily": "knmi",
}  # fmt: skip
_TABLES_OF_ROLE = {"sewer": ("sewer_pipe", "sewer_node"), "address": ("home",)}
_IN_BUURT = ("pand", "home")
_ORDER = ("home", "pand", "roof_face", "terrain", "street_line", "sewer_pipe", "sewer_node", "gully", "weather_hourly",
          "weather_daily")  # fmt: skip
Reader = Callable[..., tuple[pd.DataFrame, Tally]]


@dataclass(frozen=True)
class _Part:
    source: Source
    delivery: Delivery


def steps(study: Study, folders: Folders) -> list[Step]:
    """Return the steps that make the clean tables of a study; files are found and live sources fetched on the way.

    Raises
    ------
    ConfigError
        If a file that the study names is not there.
    FetchError
        If a publisher gives no usable answer and there is no earlier delivery.
    """
    parts = [_Part(source, deliver(source, study, folders)) for source in study.source]
    todo = [_table_step("buurt", parts, study)] if study.sources("buurt") else []
    todo += [_table_step(table, parts, study) for table in _ORDER if _parts_of(table, parts)]
    todo += [raster_step(role, [part.delivery for part in parts if part.source.role == role], study)
             for role in ("dsm", "dtm") if study.sources(role)]  # fmt: skip
    return todo


def _parts_of(table: str, parts: Sequence[_Part]) -> list[_Part]:
    return [part for part in parts if table in _TABLES_OF_ROLE.get(part.source.role, (part.source.role,))]


def _table_step(table: str, parts: Sequence[_Part], study: Study) -> Step:
    mine = _parts_of(table, parts)
    extra = [part for part in parts if part.source.role == "statistics"] if table == "buurt" else []
    inputs = ("buurt",) if table in _IN_BUURT else ()
    deliveries: tuple[Provenance, ...] = tuple(one for part in [*mine, *extra] for one in part.delivery.provenance)
    if table == "pand":
        return Step("pand", ("pand",), lambda store: [_panden(store, mine)], ("buurt", "home"), deliveries)
    parameters = {"bbox_m": list(study.place.bbox_m or ())}
    return Step(table, (table,), lambda store: [_read(table, store, mine, extra)], inputs, deliveries, parameters)


def _read(table: str, store: Store, parts: Sequence[_Part], extra: Sequence[_Part]) -> Product:
    frame, tally = _join([_one(table, part) for part in parts])
    for part in extra:
        frame = buurten.with_statistics(gpd.GeoDataFrame(frame), statistics=_one("statistics", part)[0])
    if table in _IN_BUURT and store.has("buurt"):
        frame, tally = _in_buurt(gpd.GeoDataFrame(frame), tally, store)
    return Product(table, frame, tally)


def _one(table: str, part: _Part) -> tuple[pd.DataFrame, Tally]:
    reader = _reader(table, part.source.form)
    arguments: dict[str, Any] = {"form": part.source.form}
    if table == "buurt":
        arguments["year"] = part.source.year
    return reader(part.delivery.path, **arguments)


def _reader(table: str, form: str) -> Reader:
    modules, function = _READERS[table]
    module = importlib.import_module(f"kansenkaart.sources.{modules.get(form, _MODULES[table])}")
    reader: Reader | None = getattr(module, function, None)
    if reader is None:
        raise ConfigError(
            f"a reader of {table}", found=f"form {form!r}", where="study file", remedy="choose another form"
        )
    return reader


def _join(read: Sequence[tuple[pd.DataFrame, Tally]]) -> tuple[pd.DataFrame, Tally]:
    if len(read) == 1:
        return read[0]
    frame = pd.concat([one for one, _ in read], ignore_index=True)
    left: dict[str, int] = {}
    noted: dict[str, int] = {}
    for _, tally in read:
        for total, counts in ((left, tally.left_out), (noted, tally.noted)):
            for reason, count in counts.items():
                total[reason] = total.get(reason, 0) + count
    return frame, Tally(sum(tally.rows_in for _, tally in read), len(frame), left, noted)


def _in_buurt(frame: gpd.GeoDataFrame, tally: Tally, store: Store) -> tuple[gpd.GeoDataFrame, Tally]:
    placed = buurten.add_buurtcode(frame, buurt=store.read("buurt"))
    outside = int(placed["buurtcode"].isna().sum())
    return placed, Tally(tally.rows_in, tally.kept, tally.left_out, {**tally.noted, "buiten alle buurten": outside})


def _panden(store: Store, parts: Sequence[_Part]) -> Product:
    product = _read("pand", store, parts, [])
    frame = product.content
    if isinstance(frame, gpd.GeoDataFrame) and store.has("home"):
        frame = buurten.add_home_counts(frame, home=store.read("home"))
    return Product("pand", frame, product.tally)
