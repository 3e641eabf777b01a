"""From publishers to 1_clean: each delivery is found or fetched, read, put in its buurt, and stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from kansenkaart.config import Folders, Source, Study
from kansenkaart.core import buurten
from kansenkaart.provenance import Provenance, Tally
from kansenkaart.stages.deliver import Delivery, deliver
from kansenkaart.stages.rasters import raster_step
from kansenkaart.stages.readers import read
from kansenkaart.stages.steps import Product, Step
from kansenkaart.store import Store

_IN_BUURT = ("pand", "home")
_ORDER = ("home", "pand", "roof_face", "terrain", "street_line", "sewer_pipe", "sewer_node", "gully", "weather_hourly",
          "weather_daily")  # fmt: skip


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
    return [part for part in parts if part.source.role == table]


def _table_step(table: str, parts: Sequence[_Part], study: Study) -> Step:
    mine = _parts_of(table, parts)
    extra = [part for part in parts if part.source.role == "statistics"] if table == "buurt" else []
    inputs = ("buurt",) if table in _IN_BUURT else ()
    deliveries: tuple[Provenance, ...] = tuple(one for part in [*mine, *extra] for one in part.delivery.provenance)
    if table == "pand":
        return Step("pand", ("pand",), lambda store: [_panden(store, mine)], ("buurt", "home"), deliveries)
    parameters = {"bbox_m": list(study.place.bbox_m or ())}
    return Step(table, (table,), lambda store: [_make(table, store, mine, extra)], inputs, deliveries, parameters)


def _make(table: str, store: Store, parts: Sequence[_Part], extra: Sequence[_Part]) -> Product:
    frame, tally = _join([read(part.delivery.path, part.source) for part in parts])
    for part in extra:
        frame = buurten.with_statistics(gpd.GeoDataFrame(frame), statistics=read(part.delivery.path, part.source)[0])
    if table in _IN_BUURT and store.has("buurt"):
        frame, tally = _in_buurt(gpd.GeoDataFrame(frame), tally, store)
    return Product(table, frame, tally)


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
    product = _make("pand", store, parts, [])
    frame = product.content
    if isinstance(frame, gpd.GeoDataFrame) and store.has("home"):
        frame = buurten.add_home_counts(frame, home=store.read("home"))
    return Product("pand", frame, product.tally)
