"""Which scored tables become which themes of the map, in words for readers."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from kansenkaart.config import Study
from kansenkaart.errors import StoreError
from kansenkaart.present.mapspec import Credit, MapSpec, Source, Theme
from kansenkaart.provenance import Provenance
from kansenkaart.stages import themes as themes_of
from kansenkaart.stages import themes_area as area_themes
from kansenkaart.stages import themes_water as waters
from kansenkaart.stages.legend import CALCULATED, editions_of
from kansenkaart.store import Store

SHOWN = (
    "buurt_score",
    "pand_score",
    "street_score",
    "roof_face_score",
    "street_water",
    "pipe_water",
    "sewer_pipe",
    "block",
    "gebied",
)


def picture(store: Store, study: Study) -> MapSpec:
    """Build the map of a study from what is stored; a theme without data is left out.

    Raises
    ------
    StoreError
        If there is nothing at all to show.
    """
    shown = [name for name in SHOWN if store.has(name)]
    if not shown:
        raise StoreError("at least one scored table", found="none", where=study.name,
                         remedy="add buurten, panden or homes to the study")  # fmt: skip
    sources = store.sources_of(shown)
    layers, themes = [], []
    for make in (
        area_themes.areas,
        themes_of.buurten,
        themes_of.roofs,
        themes_of.panden,
        waters.grey,
        waters.rain,
        themes_of.streets,
        waters.sewers,
    ):
        made = make(store, sources)
        if made is not None:
            layers.append(made[0])
            themes.append(made[1])
    if not themes:
        raise StoreError("at least one theme with figures", found="none", where=study.name, remedy="add a source")
    units = area_themes.blocks(store, sources)
    layers += [units] if units is not None else []
    outlines = ("buurten",) if any(layer.name == "buurten" for layer in layers) else ()
    return MapSpec(
        title=study.title, study=study.name, edition=editions_of(sources), example=study.invented,
        intro="Wat deze buurten samen kunnen verdienen en besparen: zon op daken en grijswater per straat.",
        layers=tuple(layers), themes=tuple(_outlined(theme, outlines) for theme in themes), sources=_notes(sources),
        credits=_credits(sources), search=_search(store),
        tool=None if units is None else area_themes.tool(store, units, study.areas),
    )  # fmt: skip


def _outlined(theme: Theme, outlines: tuple[str, ...]) -> Theme:
    return Theme(theme.key, theme.title, theme.layer, theme.views, theme.story, theme.popup, theme.table, outlines)


def _notes(sources: Sequence[Provenance]) -> tuple[Source, ...]:
    first: dict[str, Source] = {}
    for one in sources:
        year = f"cijfers over {one.year}" if one.year else ""
        first.setdefault(f"{one.publisher}-{one.role}", Source(f"{one.publisher}-{one.role}", f"{one.credit} ({one.role})",
                                                              one.publisher, one.edition, one.licence, note=year))  # fmt: skip
    own = Source(
        CALCULATED, "berekend", "kansenkaart", editions_of(sources), "EUPL-1.2", note="uit de bronnen hierboven"
    )
    return (*first.values(), own)


def _credits(sources: Sequence[Provenance]) -> tuple[Credit, ...]:
    links = {"3dbag": "https://docs.3dbag.nl/en/copyright"}
    return tuple(
        Credit(credit, url) for credit, url in sorted({(one.credit, links.get(one.publisher, "")) for one in sources})
    )


def _search(store: Store) -> gpd.GeoDataFrame | None:
    parts = []
    if store.has("buurt_score"):
        frame = store.read("buurt_score")
        parts.append(
            gpd.GeoDataFrame(
                {"text": frame["buurtnaam"], "kind": "buurt"}, geometry=frame.representative_point(), crs=frame.crs
            )
        )
    if store.has("street_score"):
        frame = store.read("street_score")
        frame = frame[~frame["street"].str.isdigit()]  # a reference of the register is no name to search for
        parts.append(
            gpd.GeoDataFrame({"text": frame["street"], "kind": "straat"}, geometry=frame.centroid, crs=frame.crs)
        )
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True)) if parts else None
