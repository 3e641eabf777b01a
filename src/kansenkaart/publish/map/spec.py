"""The map of a study as a frozen spec: its themes, what lies beside it, sources, credits and what can be searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import pandas as pd

from kansenkaart.config import Study
from kansenkaart.errors import StoreError
from kansenkaart.present.mapspec import AreaTool, Column, Credit, Layer, LinkColumn, MapSpec, Page, Source, Theme
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.map.legend import CALCULATED, aged, editions_of, words_of
from kansenkaart.publish.map.ranking import first_minute, ranked
from kansenkaart.publish.map.themes import drawn, tool_of, with_sun
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from kansenkaart.wording.names import addresses
from kansenkaart.wording.nl import say
from kansenkaart.wording.themes import QUESTIONS

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
    "best_area",
    "best_border",
    "best_variant",
    "enterprise_case",
)


#: Columns that say from what a figure was made; the first that differs from feature to feature becomes the theme's filter.
_FILTERS = ("score_basis", "sewer_basis", "pipe_basis", "street_basis", "block_basis", "area_basis")
#: Which places have a factsheet or a report, by layer: the kind of place and what its links are called.
_PLACES = {
    "buurten": "buurt",
    "gebieden": "gebied",
    "beste": "best",
    "beste_gebieden": "best",
    "wijkbedrijf_buurt": "buurt",
    "wijkbedrijf_gebied": "gebied",
}


@dataclass(frozen=True)
class Companions:
    """What lies beside the map: pages, the factsheet, report and talk of each place by ``kind-id``, and the house style."""

    pages: tuple[Page, ...] = ()
    factsheets: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, str] = field(default_factory=dict)
    talks: Mapping[str, str] = field(default_factory=dict)
    style: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    public: bool = False
    contact: str = ""


def picture(store: Store, study: Study, companions: Companions | None = None) -> MapSpec:
    """Build the map of a study from what is stored; a theme without data is left out.

    Parameters
    ----------
    store : Store
        Scored tables.
    study : Study
        For its title and the size of area looked for.
    companions : Companions, optional
        Files beside the map to link to.

    Raises
    ------
    StoreError
        If there is nothing at all to show.
    """
    tables = [name for name in SHOWN if store.has(name)]
    sources = store.sources_of(tables)
    made = with_sun(list(drawn(store, sources, target_homes=study.areas.target_homes)))
    layers, themes = list({layer.name: layer for layer, _ in made}.values()), [theme for _, theme in made]
    if not themes:
        raise _nothing_to_draw(store, study.name)
    outlines = ("buurten",) if any(layer.name == "buurten" for layer in layers) else ()
    companions = companions or Companions()
    tool = _tool(store, layers, study, companions)
    ground = [*_ground(store), *([] if any(one.name == "panden" for one in layers) else _buildings(store))]
    behind = store.sources_of([*tables, *(["terrain"] if any(one.name == "ondergrond" for one in ground) else [])])
    return MapSpec(
        title=study.title,
        study=study.name,
        edition=editions_of(sources),
        example=study.invented,
        intro="Kansenkaart voor een wijkbedrijf",
        layers=(*(_linked(layer, companions) for layer in layers), *ground),
        themes=tuple(_finished(theme, layers, outlines) for theme in themes),
        sources=_notes(behind),
        credits=_credits(behind),
        search=_search(store),
        tool=tool,
        start=first_minute(store, tool, sources),
        pages=companions.pages,
        style=companions.style[0],
        dark=companions.style[1],
        questions={key: QUESTIONS[key] for key in QUESTIONS if key in {one.question for one in themes}},
        context=tuple(one.name for one in (*ground, *layers) if one.name in _CONTEXT),
        words=words_of([column for layer in layers for column in layer.columns]),
        public=companions.public,
        contact=companions.contact,
    )


def _nothing_to_draw(store: Store, name: str) -> StoreError:
    """Return the error of a study without a single figure: what to do next depends on the edition."""
    whole = f"add homes to the study, or make the whole edition for internal use: kansenkaart run {name} --intern"
    status = f"add a source; what became of those that are there: kansenkaart status {name}"
    remedy = whole if isinstance(store, ReaderStore) and store.public else status
    return StoreError("at least one theme with figures", found="none", where=f"study {name}", remedy=remedy)


def _tool(store: Store, layers: Sequence[Layer], study: Study, companions: Companions) -> AreaTool | None:
    """Give the tool over the blocks with the proposed places, where the study has blocks."""
    units = next((one for one in layers if one.name == "blokken"), None)
    if units is None:
        return None
    return ranked(tool_of(store, units, study.areas.target_homes), store, companions.factsheets)


def _finished(theme: Theme, layers: Sequence[Layer], outlines: tuple[str, ...]) -> Theme:
    """Add the outlines of buurten, and the filter by what the figures were made from where that differs."""
    layer = next(one for one in layers if one.name == theme.layer)
    texts = [column.name for column in layer.columns if column.kind == "text"]
    differs = [name for name in _FILTERS if name in texts and len(layer.frame[name].unique()) > 1]
    return replace(theme, outlines=outlines, filter_column=theme.filter_column or next(iter(differs), ""))


def _linked(layer: Layer, companions: Companions) -> Layer:
    """Add the links to the factsheet and the report of each place of this layer."""
    kind = _PLACES.get(layer.name)
    keys = [f"{kind}-{key}" for key in layer.frame[layer.key]] if kind else []
    for name, label, paths in (
        ("factsheet", "Factsheet", companions.factsheets),
        ("report", "Haalbaarheid", companions.reports),
        ("talk", "Gesprekskaarten", companions.talks),
    ):
        found = [paths.get(key) for key in keys]
        if any(found):
            column = Column(name, label.lower(), CALCULATED, kind="text")
            layer = replace(
                layer,
                frame=layer.frame.assign(**{name: pd.Series(found, index=layer.frame.index, dtype="string")}),
                columns=(*layer.columns, column),
                links=(*layer.links, LinkColumn(name, label)),
            )
    return layer


def _notes(sources: Sequence[Provenance]) -> tuple[Source, ...]:
    first: dict[str, Source] = {}
    for one in sources:
        key, title = f"{one.publisher}-{one.role}", f"{one.credit} ({say('role', one.role)})"
        first.setdefault(
            key, Source(key, title, one.publisher, one.edition, say("licence", one.licence), note=aged(one))
        )
    note = "uit de bronnen hierboven"
    return (*first.values(), Source(CALCULATED, "berekend", "kansenkaart", editions_of(sources), "EUPL-1.2", note=note))


def _credits(sources: Sequence[Provenance]) -> tuple[Credit, ...]:
    links = {"3dbag": "https://docs.3dbag.nl/en/copyright"}
    return tuple(
        Credit(credit, url) for credit, url in sorted({(one.credit, links.get(one.publisher, "")) for one in sources})
    )


#: Layers by which a reader knows the place: drawn under and over every theme.
_CONTEXT = ("ondergrond", "panden", "gebouwen")
#: What the ground is for a reader, by kind of BGT object.
_GROUND = {
    "waterdeel": "water",
    "begroeidterreindeel": "green",
    "wegdeel": "street",
    "ondersteunendwegdeel": "street",
}
#: Beyond so many pieces of ground [1], streets are left out: the gaps between the blocks show them.
_MOST_GROUND = 20_000
_FINEST_M = 0.5


def _ground(store: Store) -> list[Layer]:
    """Give water, green and streets at ground level as one layer of the context, where the study has them."""
    if not store.has("terrain"):
        return []
    frame = store.read("terrain")
    frame = frame.assign(ground=frame["kind"].map(_GROUND))
    frame = frame[frame["ground"].notna() & (frame["relative_level"].fillna(0) == 0)]
    if len(frame) > _MOST_GROUND:
        frame = frame[frame["ground"] != "street"]
    frame = frame[["terrain_id", "ground", "geometry"]].drop_duplicates("terrain_id").reset_index(drop=True)
    frame["geometry"] = frame.geometry.simplify(_FINEST_M)
    frame = frame[~frame.geometry.is_empty].reset_index(drop=True)
    if frame.empty:
        return []
    columns = tuple(
        Column(name, label, CALCULATED, kind="text")
        for name, label in (("terrain_id", "vlak"), ("ground", "ondergrond"))
    )
    return [Layer("ondergrond", "Ondergrond", "polygon", frame, columns, "terrain_id", "terrain_id")]


def _buildings(store: Store) -> list[Layer]:
    """Give the outlines of buildings as the register has them, without a figure or a name: what a place is known by.

    Where panden are a layer of their own they are the context; the public edition has none, and draws these.
    """
    whole = store.behind if isinstance(store, ReaderStore) else store
    if not whole.has("pand"):
        return []
    shapes = whole.read("pand").geometry
    shapes = shapes[~shapes.is_empty].simplify(_FINEST_M)
    frame = gpd.GeoDataFrame({"building": range(1, len(shapes) + 1)}, geometry=shapes.to_numpy(), crs=shapes.crs)
    column = Column("building", "gebouw", CALCULATED, kind="text")
    return [
        Layer("gebouwen", "Gebouwen", "polygon", frame.astype({"building": str}), (column,), "building", "building")
    ]


def _search(store: Store) -> gpd.GeoDataFrame | None:
    """Give what a reader can look for: buurten, streets, and addresses where BAG gives a house number."""
    parts = []
    if store.has("buurt_score"):
        frame = store.read("buurt_score")
        parts.append(_places(frame["buurtnaam"], "buurt", frame.representative_point()))
    if store.has("street_score"):
        frame = store.read("street_score")
        frame = frame[~frame["street"].str.isdigit()]  # a reference of the register is no name to search for
        parts.append(_places(frame["street"], "straat", frame.centroid))
    if store.has("home"):
        frame = store.read("home")
        text = addresses(frame)
        each = frame.assign(text=text)[text.notna()].sort_values("text").drop_duplicates("text")
        parts.append(_places(each["text"], "adres", each.geometry))
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True)) if parts else None


def _places(text: pd.Series[str], kind: str, points: gpd.GeoSeries) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"text": text.astype("str").to_numpy(), "kind": kind}, geometry=points.to_numpy(), crs=points.crs
    )
