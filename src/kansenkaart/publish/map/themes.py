"""The themes of the map, made from rows: which table, which columns in which order, which ways to colour it.

A row of ``data/themes.csv`` says what a theme draws and what it tells; the columns' own rows in the dictionary say where they
stand in it. Here is only what must be made of a table before it can be drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.present.mapspec import AreaTool, BorderKind, Column, Fixed, Layer, Story, Theme, View
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.figures import fixed_of, headline_cases, verdict_of, with_case, with_parts
from kansenkaart.publish.map.legend import CALCULATED, columns_of, view_of
from kansenkaart.tables import fields
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from kansenkaart.wording import nl
from kansenkaart.wording.names import (
    block_names,
    commonest,
    face_names,
    pand_names,
    pipe_names,
    sensitivity_sentence,
    short_id,
)
from kansenkaart.wording.themes import ThemeRow, best_nl, headline, of_known, sun_finding, themes
from kansenkaart.wording.water import grey_finding, rain_finding

#: Makes a stored table ready to be drawn.
_Make = Callable[[Store, gpd.GeoDataFrame], gpd.GeoDataFrame | None]
#: Names that a reader gets for things that no register names: column and label.
_NAMED = {"pand_name": "adres", "face_name": "dakvlak", "pipe_name": "riool", "block_name": "blok"}
_KEY_LABELS = {
    "face_id": "nummer van het dakvlak",
    "block_id": "nummer van het blok",
    "street_key": "sleutel",
}
#: What a study shows as a whole, where the first words of a theme are a finding.
_FINDINGS = {"grijswater": grey_finding, "hemelwater": rain_finding, "panden": sun_finding}
#: Who wins and who pays, in the order in which the panel shows them.
PARTIES = ("household_eur_per_year", "enterprise_eur_per_year", "roof_owner_eur_per_year", "municipality_eur_per_year")
#: What an area is chosen by, and the year of a roof, and its months as shares of it [1]: what a panel draws.
_STAYS = "stays_eur_per_year"
_YEAR, _MONTHS = "yield_fit_kwh_per_year", tuple(f"yield_fit_kwh_month_{one:02}" for one in range(1, 13))
#: Themes of whose score the table ``sensitivity`` says what carries the doubt.
_DOUBTED = {"panden": "sun", "grijswater": "grey", "hemelwater": "rain"}
#: Figures that are said first of a place [1]; the others are folded.
_LEAD = 4
#: Borders between blocks: code, words, and how strongly people feel it as a border [1], a guess.
_BORDERS = (
    ("garden", "Hier loopt geen straat: niemand noemt dit een rand.", 2.0),
    ("local", "Een gewone straat scheidt weinig.", 1.0),
    ("collector", "Een drukkere straat is voor bewoners vaak de rand.", 0.5),
    ("main", "Een hoofdweg is een rand die iedereen kent.", 0.2),
    ("rail", "Het spoor is alleen bij een overgang over te steken.", 0.05),
    ("water", "Water is alleen bij een brug over te steken.", 0.05),
)


def drawn(store: Store, sources: Sequence[Provenance], *, target_homes: int) -> Iterator[tuple[Layer, Theme]]:
    """Give each theme that a study has data for, with the layer that it draws, in the order of the rows.

    Parameters
    ----------
    store : Store
        Scored tables.
    sources : sequence of Provenance
        The deliveries behind them.
    target_homes : int
        Homes of the areas looked for [1].

    Yields
    ------
    tuple of Layer and Theme
        One per theme with at least one way to colour it.
    """
    ready = [(row, frame) for row in themes() if (frame := _frame(store, row)) is not None and len(frame)]
    stories = (_story(frame, row, _doubt(store, row), target_homes) for row, frame in ready)
    pairs = zip(ready, stories, strict=True)
    made = [one for (row, frame), story in pairs if (one := _theme(frame, row, sources, story)) is not None]
    there = {layer.name for layer, _ in made}
    for layer, theme in made:  # a study without roofs in 3D has panden, but no layer in which their parts lie
        yield layer, theme if theme.parts[0] in there else replace(theme, parts=("", ""))


#: What a theme on places says of their roofs, where roofs themselves are not shown.
_SUN = {"blokken": "yield_fit_kwh_per_year"}


def with_sun(made: list[tuple[Layer, Theme]]) -> list[tuple[Layer, Theme]]:
    """Answer the question on sun by blocks, where the edition or the study shows no roofs: no question is left out for that.

    Parameters
    ----------
    made : list of tuple of Layer and Theme
        Of a study, in order.
    """
    if any(theme.question == "sun" for _, theme in made):
        return made
    for at, (layer, theme) in enumerate(made):
        views = tuple(one for one in theme.views if one.column == _SUN.get(theme.key))
        if views and len(views[0].classes) > 1:
            return [*made[: at + 1], (layer, _sun_of(layer, theme, views)), *made[at + 1 :]]
    return made


def _sun_of(layer: Layer, theme: Theme, views: tuple[View, ...]) -> Theme:
    """Make of a theme on places one on the sun on their roofs."""
    column = views[0].column
    whole = nl.energy(nl.two_digits(float(layer.frame[column].sum())))
    some = of_known(layer.frame[column], "blok", "blokken")
    roofs, rest = (f"De daken van {some}", "; van de andere is het onbekend") if some else ("De daken", _paying(layer))
    story = replace(
        theme.story,
        shows="Hoeveel stroom de daken van elk blok per jaar kunnen geven, als alles wat past vol ligt.",
        limits=f"Wat past is niet wat loont. Van één dak zegt deze kaart niets. {theme.story.limits}",
        finding=f"{roofs} kunnen samen ongeveer {whole} per jaar geven{rest}",
    )
    lead = (column, *(one for one in theme.lead if one != column))
    out = replace(theme, key=f"zon_{theme.key}", title="Zon op daken", question="sun")
    return replace(out, views=views, story=story, lead=lead)


def _paying(layer: Layer) -> str:
    """Say how much of that pays for the homes under the roofs, where the blocks know it."""
    name = "yield_pay_kwh_per_year"
    if name not in layer.frame or layer.frame[name].isna().all():
        return ""
    return f"; {nl.energy(nl.two_digits(float(layer.frame[name].sum())))} daarvan loont"


def views_by_table(made: Iterable[Theme]) -> dict[str, dict[str, tuple[View, ...]]]:
    """Give the ways to colour each table as the map has them, by theme; a rank without its place: a style holds no names.

    Parameters
    ----------
    made : iterable of Theme
        Of the map of a study.
    """
    rows, out = themes(), dict[str, dict[str, tuple[View, ...]]]()
    tables, keys = {row.layer: row.table for row in rows}, {row.theme for row in rows}
    for one in made:
        if one.key in keys:  # not one that is made of another theme, as the sun on blocks
            out.setdefault(tables[one.layer], {})[one.key] = tuple(map(_nameless, one.views))
    return out


def _nameless(view: View) -> View:
    if view.column != "rank":
        return view
    return replace(view, classes=tuple(replace(one, label=f"plaats {one.letter}") for one in view.classes))


def _doubt(store: Store, row: ThemeRow) -> str:
    """Say which inputs carry most of the doubt about what a theme shows, and how many rows readers do not get to see."""
    kind = _DOUBTED.get(row.theme)
    doubt = sensitivity_sentence(store.read("sensitivity"), kind) if kind and store.has("sensitivity") else ""
    return f"{doubt} {_not_shown(store, row)}".strip()


def _not_shown(store: Store, row: ThemeRow) -> str:
    if not (isinstance(store, ReaderStore) and store.public and store.has(row.table)):
        return ""  # sewers are drawn from the register where none were scored
    whole = int(store.describe(row.table)["rows"])
    less = whole - len(store.read(row.table))
    if not less:
        return ""
    if row.table == "block":
        joined = "Blokken met minder dan tien woningen zijn met een buurblok samengevoegd"
        return f"{joined}: van {nl.number(whole)} naar {nl.number(whole - less)}."
    verb = "staat" if less == 1 else "staan"
    return (
        f"Van de {nl.number(whole)} {verb} er {nl.number(less)} niet in deze openbare uitgave: van minder dan tien woningen "
        "geven we geen cijfers, ook niet waar die uit andere cijfers af te leiden zijn."
    )


def _frame(store: Store, row: ThemeRow) -> gpd.GeoDataFrame | None:
    """Read the table of a theme and make it ready; None where the study has none."""
    frame = store.read(row.table) if store.has(row.table) else None
    if row.theme == "riool":
        return _sewers(store, frame)
    make = _READY.get(row.theme)
    return frame if frame is None or make is None else make(store, frame)


def _theme(
    frame: gpd.GeoDataFrame, row: ThemeRow, sources: Sequence[Provenance], story: Story
) -> tuple[Layer, Theme] | None:
    names = [
        one.name for one in fields.on_map(row.columns) if one.name in frame.columns and frame[one.name].notna().any()
    ]
    views = [
        view
        for name in fields.colored(row.columns)
        if name in names and (view := view_of(frame, name, theme=row.theme)) is not None
    ]
    views = [one for one in views if len(one.classes) > 1] or views[:1]  # one colour for all tells nothing
    if not views:
        return None
    layer = Layer(
        row.layer,
        row.layer_nl,
        row.geometry,  # type: ignore[arg-type]
        frame,
        _layer_columns(frame, names, row, sources),
        row.key,
        row.title_column,
        arrows=row.theme == "riool" and "diameter_as_is_mm" in frame.columns,
    )
    figures = [one for one in names if one != row.title_column and not one.endswith("_nl")]
    key = "grijswater" if row.theme == "straten" else row.theme
    words = (key, row.title_nl, row.layer)
    theme = Theme(*words, tuple(views), story, tuple(names), (row.title_column, *figures))
    more = _months(frame) if row.theme == "panden" else ()
    return replace(layer, columns=(*layer.columns, *more)), replace(
        theme,
        question=row.question,
        lead=_lead(names),
        headline=_STAYS if PARTIES[0] in names and _STAYS in names else "",
        parties=tuple(one for one in PARTIES if one in names),
        months=tuple(one.name for one in more),
        parts=("dakvlakken", "pand_id") if row.theme == "panden" else ("", ""),
    )


def _months(frame: gpd.GeoDataFrame) -> tuple[Column, ...]:
    """Give the months of the panden as shares of their year, to a tenth of a percent: a drawing needs no more."""
    if not {*_MONTHS, _YEAR} <= set(frame.columns):
        return ()
    return tuple(
        Column(f"month_{k:02}", "deel van het jaar", CALCULATED, unit=nl.SHARE, decimals=3) for k in range(1, 13)
    )


def _story(frame: gpd.GeoDataFrame, row: ThemeRow, doubt: str, target_homes: int) -> Story:
    level = nl.year(frame["price_year"].max()) if "price_year" in frame.columns else ""
    finding = _FINDINGS[row.theme](frame) if row.theme in _FINDINGS else ""
    best = best_nl(len(frame), target_homes)
    shows = row.shows_nl.format(best=best, finding=finding, target=nl.number(target_homes))
    limits = f"{row.limits_nl} {doubt}".strip()
    whole = frame[frame["gebied_id"] != _SCATTERED] if row.theme == "gebieden" else frame
    head = _best_words(frame) if row.theme == "beste" else headline(row.theme, whole)
    return Story(shows, row.reading_nl, limits, row.method_nl.format(price_year=level), head)


_MANY = {2: "Twee", 3: "Drie", 4: "Vier", 5: "Vijf"}


def _best_words(frame: gpd.GeoDataFrame) -> str:
    """Say of the best areas whether one can be told from the others, and whether it earns its keep."""
    if _STAYS not in frame or frame[[_STAYS, f"{_STAYS}_low", f"{_STAYS}_high", "earns_keep_frac"]].isna().any(
        axis=None
    ):
        return ""
    verdict = verdict_of(frame, "best_name")
    many = _MANY.get(len(verdict.equal))
    if not verdict.earns:
        return (
            f"Van de {nl.number(len(frame))} beste gebieden ligt er geen aantoonbaar voor"
            if many
            else "Nog geen gebied komt uit"
        )
    return f"{many} gebieden zijn even kansrijk" if many else f"Het beste gebied: {verdict.equal[0]}"


def _lead(names: Sequence[str]) -> tuple[str, ...]:
    """Return the figures to say first of a place: those of the factsheet by preference, else the first of the panel."""
    figures = [one for one in fields.on_sheet("figure") if one in names]
    plain = [
        one
        for one in names
        if one not in PARTIES
        and fields.get(one).type in ("int", "float")
        and not one.endswith(("_id", "_low", "_median", "_high"))
        and "_month_" not in one
    ]
    return tuple(dict.fromkeys([*figures, *plain]))[:_LEAD]


def _layer_columns(
    frame: gpd.GeoDataFrame, names: Sequence[str], row: ThemeRow, sources: Sequence[Provenance]
) -> tuple[Column, ...]:
    """Give the columns of the dictionary, the name of things first and the key last."""
    label = _NAMED.get(row.title_column)
    named = [Column(row.title_column, label, CALCULATED, kind="text")] if label else []
    titled = [] if label or row.title_column in names else columns_of(frame, [row.title_column], sources)
    columns = [*named, *titled, *columns_of(frame, names, sources)]
    if row.key not in {one.name for one in columns}:
        label = _KEY_LABELS.get(row.key)
        key = Column(row.key, label, CALCULATED, kind="text") if label else columns_of(frame, [row.key], sources)[0]
        columns.append(key)
    if row.columns == "wijkbedrijf":
        labels = {"place_name": row.theme.rpartition("_")[2], "track": "spoor van deze cijfers"}
        columns = [replace(one, label=labels.get(one.name, one.label)) for one in columns]
    return tuple(columns)


#: What stands for blocks that lie in no area.
_SCATTERED = -1


def _areas(store: Store, areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Read the areas, and draw the blocks that lie scattered as one pale piece without figures but its homes."""
    frame = with_case(store, areas, "gebied", "gebied_id")
    block = store.read("block") if store.has("block") else gpd.GeoDataFrame({"gebied_id": [], "homes": []})
    loose = block[block["gebied_id"].isna() & (block["homes"] > 0)]
    if frame.empty or loose.empty:
        return frame
    rows = {"gebied_id": _SCATTERED, "gebied_name": "Verspreid liggend", "homes": int(loose["homes"].sum())}
    note = "Boerderijen en losse huizen, te ver van een kern of wijk om bij een gebied te horen. Ze tellen in geen gebied mee."
    scattered = gpd.GeoDataFrame(
        {name: [value] for name, value in {**rows, "blocks": len(loose), "band_reason_nl": note}.items()},
        geometry=[loose.geometry.union_all()],
        crs=frame.crs,
    ).reindex(columns=frame.columns)
    kinds = {name: kind for name, kind in frame.dtypes.items() if name != "geometry" and scattered[name].notna().all()}
    return gpd.GeoDataFrame(pd.concat([frame, scattered.astype(kinds)], ignore_index=True), crs=frame.crs)


def _best(store: Store, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Read the areas that are best in money where they were sought so, else those best in power or in borders."""
    if frame.empty:
        return None
    first = frame["criterion"].iloc[0] if "stays" not in set(frame["criterion"]) else "stays"
    frame = frame[frame["criterion"] == first].reset_index(drop=True)
    return with_case(store, frame, "best", "best_id")


def _best_borders(store: Store, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    names = store.read("best_area").set_index("best_id")["best_name"]
    return frame.assign(best_name=frame["best_id"].map(names))


def _cases(kind: str) -> _Make:
    return lambda _, frame: gpd.GeoDataFrame(headline_cases(frame[frame["place_kind"] == kind]).reset_index(drop=True))


def _panden(store: Store, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Read the panden, called by the addresses in them, with their months as shares of the year."""
    homes = store.read("home") if store.has("home") else None
    frame = frame.assign(pand_name=pand_names(frame["pand_id"], homes))
    if {*_MONTHS, _YEAR} <= set(frame.columns):
        year = frame[_YEAR].where(frame[_YEAR] > 0)
        frame = frame.assign(**{f"month_{k:02}": frame[name] / year for k, name in enumerate(_MONTHS, start=1)})
    return frame


def _street_points(store: Store, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Read the streets as points, where no more than their homes is known."""
    if store.has("street_water"):
        return None
    return gpd.GeoDataFrame(frame.assign(geometry=frame.geometry.centroid), geometry="geometry", crs=frame.crs)


def _sewers(store: Store, frame: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    """Read the scored sewers with what the register says of them, or the register alone."""
    given = store.read("sewer_pipe") if store.has("sewer_pipe") else None
    if frame is None:
        frame = given
    elif given is not None:
        more = given[["pipe_id", "material", "length_m", "street_name"]].drop_duplicates("pipe_id")
        frame = frame.merge(more, on="pipe_id", how="left")
    if frame is None:
        return None
    streets: dict[str, str] = {}
    if store.has("street_water"):
        named = store.read("street_water").dropna(subset=["street_name"])
        streets = dict(zip(named["street_id"], named["street_name"], strict=True))
    frame["pipe_name"] = pipe_names(frame, streets)
    if "material" in frame:
        frame["material"] = frame["material"].map(short_id, na_action="ignore")
    return frame


def _blocks(store: Store, blocks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame = with_parts(store, blocks)
    return frame.assign(block_id=frame["block_id"].astype("str"), block_name=block_names(frame, _postcodes(store)))


def _postcodes(store: Store) -> pd.Series[Any]:
    """Give the commonest postcode in each block: a place on the map, and no figure of anybody."""
    whole = store.behind if isinstance(store, ReaderStore) else store
    if not (whole.has("home") and whole.has("home_area")):
        return pd.Series(dtype="string")
    home = whole.read("home_area")[["home_id", "block_id"]].merge(
        whole.read("home")[["home_id", "postcode"]], on="home_id"
    )
    block = home["block_id"].astype("string")
    shown = block.map(store.member) if isinstance(store, ReaderStore) else block
    return commonest(shown, home["postcode"])


_READY: dict[str, _Make] = {
    "beste": _best,
    "gebieden": _areas,
    "beste_grenzen": _best_borders,
    "wijkbedrijf_gebied": _cases("gebied"),
    "wijkbedrijf_buurt": _cases("buurt"),
    "zon": lambda _, frame: frame.assign(face_name=face_names(frame)),
    "panden": _panden,
    "straten": _street_points,
    "blokken": _blocks,
}


#: From where to where a reader can move the number of homes looked for, as parts of it [1]: 150 to 600 of 330.
_SLIDER = (0.45, 1.82)


def tool_of(store: Store, layer: Layer, target_homes: int) -> AreaTool:
    """Return the tool over the blocks: what adds up and what borders mean.

    Parameters
    ----------
    store : Store
        With the borders between the blocks.
    layer : Layer
        The blocks.
    target_homes : int
        Homes of the area looked for [1].
    """
    border = store.read("block_border")
    edges = pd.DataFrame(
        {
            "a": border["block_a"].astype("str"),
            "b": border["block_b"].astype("str"),
            "kind": border["border_class"],
            "length_m": border["length_m"],
            "passable": border["passable"].astype(bool),
        }
    )
    sums = {one.name for one in fields.on_map("blokken") if one.per_home}
    totals = tuple(column.name for column in layer.columns if column.name in sums)
    kinds = tuple(BorderKind(code, nl.say("border_class", code), words, weight) for code, words, weight in _BORDERS)
    low, high = (10 * round(part * target_homes / 10) for part in _SLIDER)
    known = _fixed(store, layer)
    return AreaTool(
        layer.name, "homes", totals, edges, kinds, target=target_homes, target_low=low, target_high=high, **known
    )


def _fixed(store: Store, layer: Layer) -> dict[str, Any]:
    """Say what comes off the sum of the blocks of any area, in words and as a number."""
    name = "stays_part_eur_per_year"
    if not store.has("block_facts") or name not in {one.name for one in layer.columns}:
        return {}
    fixed = fixed_of(store)
    cost = nl.number(nl.two_digits(-fixed))
    note = f"Van wat blijft gaan per gebied nog de vaste kosten af: ongeveer {cost} euro per jaar."
    return {"note": note, "fixed": Fixed(fields.get("stays_eur_per_year").label_nl, name, fixed, *_bounds(store))}


#: Places with an interval that a rule for others is made of, at least [1].
_LEAST_PLACES = 8
#: How far the rule may be off in any of them, of the middle width of their intervals [1].
_MOST_OFF = 0.1


def _bounds(store: Store) -> tuple[tuple[float, ...], ...]:
    """Fit the bounds of what stays in any area to those of the areas of the division, by least squares.

    Returns nothing where there are few of them, or where one lies off the rule by more than a tenth of an interval.
    """
    if not (store.has("gebied") and store.has("enterprise_case")):
        return ()
    frame = with_case(store, store.read("gebied"), "gebied", "gebied_id")
    ends, given = [f"stays_eur_per_year{end}" for end in ("_low", "_high")], ["stays_part_eur_per_year", "homes"]
    known = frame[[*given, *ends]].astype(float).dropna()
    if len(known) < _LEAST_PLACES:
        return ()
    rule = np.column_stack([np.ones(len(known)), known[given]])
    bounds = known[ends].to_numpy()
    found = np.linalg.lstsq(rule, bounds, rcond=None)[0]
    width = float(np.median(bounds[:, 1] - bounds[:, 0]))
    if np.abs(rule @ found - bounds).max() > _MOST_OFF * width:
        return ()
    return tuple(tuple(float(one) for one in column) for column in found.T)
