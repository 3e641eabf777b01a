"""The surface and ground models of a study, cut to its place."""

from __future__ import annotations

from collections.abc import Sequence

from kansenkaart.config import Study
from kansenkaart.provenance import Provenance
from kansenkaart.sources import ahn
from kansenkaart.stages.deliver import Delivery
from kansenkaart.stages.steps import Product, Step
from kansenkaart.store import Store


def raster_step(role: str, deliveries: Sequence[Delivery], study: Study) -> Step:
    """Return the step that joins the sheets of one role into one GeoTIFF, within the study's window where it has one."""
    provenance: tuple[Provenance, ...] = tuple(one for delivery in deliveries for one in delivery.provenance)
    window = study.place.bbox_m

    def join(store: Store) -> Sequence[Product]:
        target = store.path(role).with_name(f".{role}.joined.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        ahn.write_clip([delivery.path for delivery in deliveries], target, bounds=window)
        return [Product(role, target)]

    return Step(role, (role,), join, (), provenance, {"bbox_m": list(window or ())})
