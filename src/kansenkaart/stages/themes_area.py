"""The areas on the map: proposed areas of about 330 homes, and the tool to choose blocks oneself."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kansenkaart.config import Areas
from kansenkaart.present.mapspec import AreaTool, BorderKind, Criterion, Layer, ProposedArea, Story
from kansenkaart.provenance import Provenance
from kansenkaart.stages.legend import columns_of, view_of
from kansenkaart.stages.themes import Made, theme_of
from kansenkaart.store import Store

_KINDS = (
    ("local", "gewone straat of pad", "Een gewone straat scheidt weinig.", 1.0),
    ("collector", "wijkstraat", "Een drukkere straat is voor bewoners vaak de rand.", 0.5),
    ("main", "hoofdweg", "Een hoofdweg is een rand die iedereen kent.", 0.2),
    ("rail", "spoor", "Het spoor is alleen bij een overgang over te steken.", 0.05),
    ("water", "water", "Water is alleen bij een brug over te steken.", 0.05),
)
_TOTALS = ("people", "grey_water_m3_per_year", "sun_kwh_per_year")


def areas(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the proposed areas."""
    if not store.has("gebied"):
        return None
    frame = store.read("gebied")
    names = ["gebied_name", "gebied_id", "homes", "people", "grey_water_m3_per_year", "sun_kwh_per_year", "blocks",
             "main_buurt_frac", "band_reason_nl", "block_basis"]  # fmt: skip
    names = [name for name in names if frame[name].notna().any()]
    columns = columns_of(frame, names, sources, {"main_buurt_frac": 2})
    layer = Layer("gebieden", "Gebieden", "polygon", frame, columns, "gebied_id", "gebied_name")
    views = [
        view_of(frame, name)
        for name in ("homes", "sun_kwh_per_year", "grey_water_m3_per_year", "main_buurt_frac")
        if name in names
    ]
    story = Story(
        "De hele plaats verdeeld in aaneengesloten gebieden van ongeveer 330 woningen: zo groot als het eerste wijkbedrijf.",
        "Elk gebied is een voorstel om over te praten. Klik op een gebied voor de cijfers, of stel zelf een gebied samen.",
        "De grenzen zijn berekend, niet met bewoners besproken. "
        "Waar geen stratenkaart was, komen ze uit de ligging van de gebouwen.",
        "Bouwblokken uit gebouwen en woningen; een verdeling die wegen, water en buurtgrenzen als rand verkiest.",
    )
    return layer, theme_of("gebieden", "Gebieden", layer, views, story, names)


def blocks(store: Store, sources: Sequence[Provenance]) -> Layer | None:
    """Return the layer of blocks from which a reader chooses."""
    if not store.has("block"):
        return None
    frame = store.read("block")
    names = ["block_id", "homes", *(name for name in _TOTALS if frame[name].notna().any()), "streets"]
    frame["block_id"] = frame["block_id"].astype("str")
    columns = tuple(
        column if column.name != "block_id" else type(column)("block_id", "blok", column.source, kind="text")
        for column in columns_of(frame, names, sources, {})
    )
    return Layer("blokken", "Bouwblokken", "polygon", frame, columns, "block_id", "block_id")


def tool(store: Store, layer: Layer, wanted: Areas) -> AreaTool:
    """Return the tool over the blocks: what adds up, what borders mean, and the proposed areas to start from."""
    border = store.read("block_border")
    edges = pd.DataFrame({"a": border["block_a"].astype("str"), "b": border["block_b"].astype("str"),
                          "kind": border["border_class"], "length_m": border["length_m"]})  # fmt: skip
    totals = tuple(column.name for column in layer.columns if column.name in _TOTALS)
    rated = (
        ("sun_kwh_per_year", "zon op vrije daken", "kWh/jaar"),
        ("grey_water_m3_per_year", "grijswater", "m3/jaar"),
    )
    criteria = tuple(
        Criterion(
            f"{name}_per_home", f"{label} per woning", unit, f"{label}, gedeeld door de woningen", 50.0, decimals=1
        )
        for name, label, unit in rated
        if name in totals
    )
    found, units = store.read("gebied"), store.read("block")
    members = units.groupby("gebied_id")["block_id"].apply(lambda one: tuple(map(str, one)))
    proposed = []
    for row in found.itertuples():
        values = tuple(
            float(getattr(row, one.key.removesuffix("_per_home"))) / max(int(row.homes), 1) for one in criteria
        )
        if not any(value != value for value in values):
            note = row.band_reason_nl if isinstance(row.band_reason_nl, str) else ""
            proposed.append(
                ProposedArea(
                    str(row.gebied_id),
                    f"{row.gebied_name} ({row.homes} woningen)",
                    members[row.gebied_id],
                    values,
                    note,
                )
            )
    kinds = tuple(BorderKind(key, label, words, weight) for key, label, words, weight in _KINDS)
    return AreaTool(
        "blokken", "homes", totals, edges, kinds, tuple(proposed), criteria, None, target=wanted.target_homes
    )
