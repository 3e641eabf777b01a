"""The columns and legends of the map, from the dictionary and the data.

One colour grammar: amounts on one ramp, where more is darker, with a figure as second code (1 is least); euros on both sides
of 0; classes with letters, A always best and darkest; kinds in colours of their own, with a letter of their name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from kansenkaart.present.mapspec import Column, View
from kansenkaart.present.style import (
    AMOUNT,
    KINDS,
    QUALITY,
    STROKES,
    THREE,
    LegendClass,
    diverging_classes,
    ramp_classes,
)
from kansenkaart.tables import fields
from kansenkaart.tables.provenance import Provenance
from kansenkaart.wording import nl
from kansenkaart.wording.themes import views

CALCULATED = "berekend"
_QUANTILES = (0.2, 0.4, 0.6, 0.8)
#: What bounds begin with: round figures, each at most a third more than the one before.
_HANDY = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
#: Which deliveries a figure of a publisher comes from.
_ROLES = {"CBS": ("statistics", "buurt"), "BAG": ("pand", "home"), "3DBAG": ("roof_face",), "GWSW": ("sewer_pipe",)}


def delivered(one: Provenance) -> str:
    """Say of which edition a delivery is, and up to when its figures go, for a reader.

    Parameters
    ----------
    one : Provenance
        The delivery.
    """
    return f"editie {one.edition}, {aged(one)}"


def aged(one: Provenance) -> str:
    """Say up to when the figures of a delivery go; one that does not say so is not taken for new.

    Parameters
    ----------
    one : Provenance
        The delivery.
    """
    if one.year:
        return f"cijfers over {one.year}"
    return f"gegevens tot en met {nl.day(one.up_to)}" if one.up_to else "leeftijd niet genoemd"


def editions_of(sources: Sequence[Provenance]) -> str:
    """Name the deliveries behind some figures with their editions, as a reader would.

    Parameters
    ----------
    sources : sequence of Provenance
        The deliveries.
    """
    return ", ".join(sorted({f"{one.credit.removeprefix('(c) ')} {one.edition}" for one in sources}))


def columns_of(frame: pd.DataFrame, names: Sequence[str], sources: Sequence[Provenance]) -> tuple[Column, ...]:
    """Say of each column its label, unit, source, year and basis; years and bases that differ per row come along.

    Parameters
    ----------
    frame : DataFrame
        The layer.
    names : sequence of str
        Columns of the dictionary that it has.
    sources : sequence of Provenance
        The deliveries behind it.
    """
    out = [_column(frame, fields.get(name), sources) for name in names]
    extra = [name for column in out for name in (column.year_column, column.basis_column) if name]
    present = {column.name for column in out}
    plain = [
        Column(
            name,
            fields.get(name).label_nl,
            CALCULATED,
            unit=nl.unit_words("year") if name.endswith("_year") else "",
            kind="number" if name.endswith("_year") else "text",
        )
        for name in dict.fromkeys(extra)
        if name not in present
    ]
    return (*out, *plain)


def _column(frame: pd.DataFrame, one: fields.Field, sources: Sequence[Provenance]) -> Column:
    (source, of), year = _origin(one.origin, sources), f"{one.name}_year" if f"{one.name}_year" in frame.columns else ""
    grounds = (f"{one.name}_basis", "score_basis") if one.origin == "calculated" else ()
    basis = next((word for word in grounds if word in frame.columns), "")
    return Column(
        one.name,
        one.label_nl,
        source,
        unit_of(one),
        of,
        definition=one.definition_nl,
        kind="number" if one.type in ("int", "float") else "text",
        decimals=one.decimals,
        year_column=year,
        basis_column=basis if basis != one.name else "",
    )


def unit_of(one: fields.Field) -> str:
    """Return the unit of a column as readers see it; a share is written as a percentage.

    Parameters
    ----------
    one : Field
        Of the dictionary.
    """
    return nl.SHARE if one.name.endswith("_frac") else nl.unit_words(one.unit)


def words_of(columns: Sequence[Column]) -> dict[str, dict[str, str]]:
    """Return per column the words of its codes, for the columns that hold codes.

    Parameters
    ----------
    columns : sequence of Column
        Of all layers.
    """
    known = fields.dictionary()
    told = [one.name for one in columns if one.name in known or one.name.removesuffix("_basis") in known]
    return {name: nl.codes(words) for name in sorted({*told}) if (words := fields.get(name).codes)}


def roles_of(origin: str) -> tuple[str, ...]:
    """Return for which roles a figure of a publisher is delivered; none for what is calculated.

    Parameters
    ----------
    origin : str
        As the dictionary has it.
    """
    return _ROLES.get(origin, ())


def _origin(origin: str, sources: Sequence[Provenance]) -> tuple[str, str]:
    """Say of which delivery a figure is, and of which year or edition; a calculated one names the editions it was made from."""
    one = next((one for role in roles_of(origin) for one in sources if one.role == role), None)
    if one:
        return f"{one.publisher}-{one.role}", str(one.year or f"editie {one.edition}")
    behind = editions_of([one for one in sources if not one.role.startswith("weather_daily")])
    return CALCULATED, f"berekend uit {behind}"


def view_of(frame: pd.DataFrame, name: str, *, theme: str = "") -> View | None:
    """Make the legend of one way to colour; None where all is unknown.

    Parameters
    ----------
    frame : DataFrame
        The layer.
    name : str
        Column of the dictionary.
    theme : str, optional
        Key of the theme, for what ``data/views.csv`` says of it there.

    Returns
    -------
    View or None
        Kinds and classes by their codes, ranks by their number, amounts in at most five classes with round bounds.
    """
    one, row = fields.get(name), views().get((theme, name))
    if frame[name].isna().all():
        return None
    if one.codes:
        classes = _coded(frame, one)
    elif row is not None and row.bounds:
        classes = ramp_classes(row.bounds, row.labels_nl)
    elif name == "rank":
        classes = _ranks(frame)
    else:
        classes = _amounts(frame, one)
    label, note = (row.label_nl or one.label_nl, row.note_nl) if row else (one.label_nl, "")
    ordered = not one.codes or all(len(code) == 1 for code in nl.codes(one.codes))
    return View(label, name, classes, note, signs=name == "rank" or not ordered)


def _width(frame: pd.DataFrame, name: str) -> float:
    """Return how wide the interval of a figure is, in the middle of the features; 0 where it has none."""
    if not {f"{name}_low", f"{name}_high"} <= set(frame.columns):
        return 0.0
    width = (frame[f"{name}_high"].astype(float) - frame[f"{name}_low"].astype(float)).median()
    return 0.0 if pd.isna(width) else float(width)


def _apart(bounds: Iterable[float], frame: pd.DataFrame, name: str) -> list[float]:
    """Keep the bounds, those nearest 0 first, between which the figures can be told apart.

    A class is no narrower than the interval of the figures in it, in the middle of them.
    """
    kept: list[float] = []
    for one in sorted(bounds, key=abs):
        between = [frame[name].between(min(one, other), max(one, other)) for other in kept]
        if all(abs(one - other) >= _width(frame[rows], name) for other, rows in zip(kept, between, strict=True)):
            kept.append(one)
    return sorted(kept)


def _coded(frame: pd.DataFrame, one: fields.Field) -> tuple[LegendClass, ...]:
    codes = nl.codes(one.codes)
    if all(len(code) == 1 for code in codes):
        colors = QUALITY if "D" in codes else THREE
        return tuple(
            LegendClass(code, label, colors.get(code, colors["?"]), values=(code,)) for code, label in codes.items()
        )
    present = set(frame[one.name].dropna())
    by_label: dict[str, list[str]] = {}
    for code, label in codes.items():
        if code in present or one.name != "border_class":
            by_label.setdefault(label, []).append(code)
    signs = _signs(by_label)
    return tuple(
        LegendClass(
            signs[label],
            label,
            KINDS.get((one.codes, members[0]), KINDS["", ""]),
            values=tuple(members),
            stroke=STROKES.get((one.codes, members[0]), ()),
        )
        for label, members in by_label.items()
    )


def _signs(labels: Mapping[str, object]) -> dict[str, str]:
    """Give each label a letter of its own: the first of its letters that no other has; a question mark for what is unknown."""
    out: dict[str, str] = {}
    for label in labels:
        free = [sign for sign in label.upper() if sign.isalpha() and sign not in out.values()]
        out[label] = "?" if label == nl.UNKNOWN else free[0]
    return out


def _ranks(frame: pd.DataFrame) -> tuple[LegendClass, ...]:
    """Give each rank its number and the name of its place: a colour would say how much better one is."""
    ranks = sorted(int(one) for one in frame["rank"].unique())
    names = frame.set_index("rank")["best_name"].astype(str).to_dict() if "best_name" in frame.columns else {}
    edges = [None, *(float(one) for one in ranks[1:]), None]
    return tuple(
        LegendClass(str(one), names.get(one, f"plaats {one}"), AMOUNT[1], edges[k], edges[k + 1])
        for k, one in enumerate(ranks)
    )


def _amounts(frame: pd.DataFrame, one: fields.Field) -> tuple[LegendClass, ...]:
    """Make classes of equal numbers of features; where euros go below 0, some on each side of it."""
    values = frame[one.name].astype(float).dropna()
    say = nl.year if one.unit == "year" else _percent if one.name.endswith("_frac") else nl.bound
    rounded = np.round if one.unit == "year" else _round
    if one.unit.startswith("EUR") and values.min() < 0:
        bounds = _apart(_around_0(values, _width(frame, one.name)), frame, one.name)
        return diverging_classes(bounds, _labels(bounds, say))
    bounds = _apart({float(rounded(v)) for v in values.quantile(list(_QUANTILES)) if v > values.min()}, frame, one.name)
    return ramp_classes(bounds, _labels(bounds, say))


def _around_0(values: pd.Series[float], width: float) -> list[float]:
    """Divide five classes over both sides of 0 as the features are, at most three on a side; bounds are whole steps.

    A side on which all differ less than their intervals are wide is one class.
    """
    step = nl.step_of(width) if width else 0
    below, above = values[values < 0], values[values >= 0]
    many = int(np.clip(round(5 * len(below) / len(values)), 1, 3))
    parts = ((below, many), (above, min(5 - many, 3)))
    inner = {
        float(round(v / step) * step if step else _round(v))
        for side, count in parts
        if len(side) and side.max() - side.min() >= width
        for v in side.quantile([k / count for k in range(1, count)])
    }
    bounds = sorted(inner | {0.0})
    ends = [*bounds[1:], np.inf]
    return [
        low for low, high in zip(bounds, ends, strict=True) if low == 0 or ((values >= low) & (values < high)).any()
    ]


def _labels(bounds: Sequence[float], say: Callable[[float], str]) -> list[str]:
    if not bounds:
        return ["alle"]
    words = [say(one) for one in bounds]
    more = "" if say is _percent and bounds[-1] >= 1 else " en later" if say is nl.year else " en meer"
    return [f"tot {words[0]}", *(f"{low} tot {high}" for low, high in pairwise(words)), words[-1] + more]


def _percent(value: float) -> str:
    """Write a share that bounds a class: 0,4% is not 0%, or no feature could lie below it."""
    return f"{nl.bound(100 * value)}%"


def _round(value: float) -> float:
    """Round a bound to a figure that people can hold: so many tenths, hundreds or thousands, in steps of about a fifth."""
    if value == 0:
        return 0.0
    size = 10.0 ** np.floor(np.log10(abs(value)))
    nearest = min(_HANDY, key=lambda one: abs(np.log(abs(value) / size / one)))
    return float(np.sign(value) * round(nearest * size, 6))
