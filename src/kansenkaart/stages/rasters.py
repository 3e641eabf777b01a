"""The surface and ground models of a study, cut to its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import rasterio

from kansenkaart.provenance import Provenance
from kansenkaart.rawnames import reading
from kansenkaart.sources import ahn
from kansenkaart.stages.deliver import Delivery
from kansenkaart.stages.steps import Product, Step
from kansenkaart.store import Store

Box = tuple[float, float, float, float]


def raster_step(role: str, deliveries: Sequence[Delivery], window: Box | None) -> Step:
    """Return the step that joins the sheets of one role into one GeoTIFF, within the window [m] where there is one."""
    provenance: tuple[Provenance, ...] = tuple(one for delivery in deliveries for one in delivery.provenance)

    def join(store: Store) -> Sequence[Product]:
        target = store.path(role).with_name(f".{role}.joined.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        paths = [path for delivery in deliveries for path in delivery.paths]
        heights, transform, tally = ahn.open_window(paths, window or _extent(paths))
        ahn.write_clip(heights, transform, path=target)
        return [Product(role, target, tally)]

    return Step(role, (role,), join, (), provenance, {"bbox_m": list(window or ())})


def _extent(paths: Sequence[Path]) -> Box:
    boxes = []
    for path in paths:
        with reading(path, "an AHN GeoTIFF"), rasterio.open(path) as sheet:
            boxes.append(tuple(sheet.bounds))
    west, south, east, north = zip(*boxes, strict=True)
    return float(min(west)), float(min(south)), float(max(east)), float(max(north))
