"""The columns, classes and words of the map, from the dictionary and the data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from kansenkaart.present.mapspec import Column, View
from kansenkaart.present.style import ramp_classes
from kansenkaart.tables import fields
from kansenkaart.tables.provenance import Provenance

CALCULATED = "berekend"
_QUANTILES = (0.2, 0.4, 0.6, 0.8)


def editions_of(sources: Sequence[Provenance]) -> str:
    """Name the deliveries behind some figures with their editions, as a reader would."""
    return ", ".join(sorted({f"{one.credit.removeprefix('(c) ')} {one.edition}" for one in sources}))


_UNITS_NL = {"-": "", "1": "", "%": "%", "deg": "°", "person": "personen", "year": "jaartal", "EUR": "euro"}
_WORDS_NL = {"person": "persoon", "home": "woning", "year": "jaar", "EUR": "euro"}


def unit_nl(unit: str) -> str:
    """Say a unit as a Dutch reader would; counts, codes and years need none."""
    if unit in _UNITS_NL:
        return _UNITS_NL[unit]
    return "/".join(_WORDS_NL.get(word, word) for word in unit.split("/"))


def columns_of(
    frame: pd.DataFrame, names: Sequence[str], sources: Sequence[Provenance], decimals: dict[str, int]
) -> tuple[Column, ...]:
    """Say of each column its label, unit, source, year and basis; years and bases that differ per row come along."""
    out = []
    for name in names:
        one = fields.get(name)
        year = f"{name}_year" if f"{name}_year" in frame.columns else ""
        basis = next(
            (word for word in (f"{name}_basis", "score_basis") if word in frame.columns and one.origin == "calculated"),
            "",
        )
        out.append(
            Column(
                name,
                one.label_nl,
                _origin(one.origin, sources),
                unit_nl(one.unit),
                _year(one.origin, sources),
                definition=one.definition_nl,
                kind="number" if one.type in ("int", "float") else "text",
                decimals=decimals.get(name, 0),
                year_column=year,
                basis_column=basis if basis != name else "",
            )
        )
    extra = [name for column in out for name in (column.year_column, column.basis_column) if name]
    known = {column.name for column in out}
    plain = [
        Column(name, fields.get(name).label_nl, CALCULATED, kind="number" if name.endswith("_year") else "text")
        for name in dict.fromkeys(extra)
        if name not in known
    ]
    return (*out, *plain)


_ROLES = {"CBS": ("statistics", "buurt"), "BAG": ("pand", "home"), "3DBAG": ("roof_face",), "GWSW": ("sewer_pipe",)}


def _origin(origin: str, sources: Sequence[Provenance]) -> str:
    found = next((one for role in _ROLES.get(origin, ()) for one in sources if one.role == role), None)
    return f"{found.publisher}-{found.role}" if found else CALCULATED


def _year(origin: str, sources: Sequence[Provenance]) -> str:
    """Say of which year or edition a figure is; a calculated one names the editions it was made from."""
    found = next((one for role in _ROLES.get(origin, ()) for one in sources if one.role == role), None)
    if found:
        return str(found.year or f"editie {found.edition}")
    return "berekend uit " + editions_of([one for one in sources if not one.role.startswith("weather_daily")])


def view_of(frame: pd.DataFrame, name: str, *, ramp: str = "viridis", note: str = "") -> View | None:
    """Make five classes of equal numbers of features, with round bounds; none where all is unknown."""
    values = frame[name].astype(float).dropna()
    if values.empty:
        return None
    bounds = sorted({_round(float(one)) for one in values.quantile(list(_QUANTILES)) if one > values.min()})
    edges = ["", *(_say(one) for one in bounds)]
    labels = [f"tot {edges[1]}" if len(bounds) else "alle"]
    labels += [f"{low} tot {high}" for low, high in pairwise(edges[1:])]
    labels += [f"{edges[-1]} en meer"] if bounds else []
    return View(fields.get(name).label_nl, name, ramp_classes(bounds, labels, ramp=ramp), note)


def _round(value: float) -> float:
    """Round to two digits that count."""
    if value == 0:
        return 0.0
    size = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(round(value / size) * size)


def _say(value: float) -> str:
    return (
        f"{value:,.0f}".replace(",", ".")
        if abs(value) >= 10 or value == int(value)
        else f"{value:.2g}".replace(".", ",")
    )
