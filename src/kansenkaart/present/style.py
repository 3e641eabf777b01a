"""Colours and the house style: CSS variables that a municipality may replace, and ramps that survive colour blindness."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kansenkaart.config import packaged_rows
from kansenkaart.errors import ConfigError
from kansenkaart.wording import nl

#: One hue for amounts, least to most: each step has at least 1.39 : 1 contrast with the next, and the ramp stays ordered in
#: grey, so that it survives colour blindness and a printer without colour.
AMOUNT = ("#dcecf1", "#a6ceda", "#62a5bb", "#2a7892", "#0b4a61")
#: Euros on both sides of 0: what costs, most to least, and what brings, least to most.
COSTS = ("#9a3b08", "#d8742e", "#f3c9a6")
GAINS = ("#a6ceda", "#2a7892", "#0b4a61")
#: Classes by letter, A best and darkest; what is no class is grey.
QUALITY = {
    "A": "#0b4a61",
    "B": "#2a7892",
    "C": "#62a5bb",
    "D": "#a6ceda",
    "E": "#dcecf1",
    "-": "#cdd2d3",
    "?": "#d9d9d9",
}
#: Where a list has three classes: the last, which does not pay, stands as far from the first as it can.
THREE = {**QUALITY, "C": "#a6ceda"}
_KINDS = {(row["list"], row["code"]): row for row in packaged_rows("kinds.csv")}
#: Kinds have no order: a colour of their own for each, by list of codes and code.
KINDS = {key: row["color"] for key, row in _KINDS.items()}
#: How a kind is drawn as a line, its second code: how wide, in widths of a line, then its dashes and gaps, in that width.
STROKES = {key: tuple(map(float, row["stroke"].split())) for key, row in _KINDS.items() if row["stroke"]}
#: The same on a dark screen, where more is lighter: each has the contrast with a dark page that its twin has with paper.
ON_DARK = {
    **dict(zip(AMOUNT, ("#1d3b48", "#27596c", "#3a839b", "#74b7ce", "#c9ecf7"), strict=True)),
    **dict(zip(COSTS, ("#f6b384", "#d9813f", "#7a4520"), strict=True)),
    "#7a4a93": "#c79adf",
    "#85572a": "#d3a26b",
    "#1f78b4": "#6fb7ea",
    "#2f7f5f": "#7fd0ae",
    "#5b6670": "#a7b2bb",
    "#c9ced6": "#3b4751",
    "#cdd2d3": "#3a4854",
    "#d9d9d9": "#2e3a44",
    "#be185d": "#f58fb8",
    "#1d4ed8": "#93b4ff",
    "#111827": "#e5e7eb",
    "#0e7490": "#67d2e8",
    "#3f6212": "#a9cf6a",
}
#: Apart from any ramp: a feature whose value is not known.
UNKNOWN_COLOR = "#c9ced6"
_STYLE = packaged_rows("house_style.csv")
#: The variables that a house style may set. Fonts are named, never fetched.
VARIABLES = {row["variable"]: row["light"] for row in _STYLE}
#: What differs on a dark screen; paper is always light.
DARK = {row["variable"]: row["dark"] for row in _STYLE if row["dark"]}
#: CSS variables that a municipality sets: for light and for dark screens.
HouseStyle = tuple[dict[str, str], dict[str, str]]
_VALUE = re.compile(r"""[-\w#%.,() "]{1,200}""")


@dataclass(frozen=True)
class LegendClass:
    """One class of a legend: a sign beside the colour, and either bounds (low <= value < high) or values.

    The sign is a letter for classes (A is best) and kinds, a figure for amounts (1 is least) and ranks (1 is first).
    `stroke` is how lines of it are drawn, as `STROKES` has it; a plain line where it is empty.
    """

    letter: str
    label: str
    color: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    stroke: tuple[float, ...] = ()


@dataclass(frozen=True)
class Background:
    """A background that loads only when the reader asks for it."""

    key: str
    label: str
    url: str
    credit: str
    max_zoom: int = 19


#: The open background map and aerial photograph of PDOK; nothing is asked of PDOK before the reader presses the button.
PDOK_BACKGROUNDS = (
    Background(
        "grijs",
        "Kaart (PDOK, grijs)",
        "https://service.pdok.nl/brt/achtergrondkaart/wmts/v2_0/grijs/EPSG:3857/{z}/{x}/{y}.png",
        "Achtergrond: Kadaster, BRT Achtergrondkaart (CC BY 4.0)",
    ),
    Background(
        "luchtfoto",
        "Luchtfoto (PDOK)",
        "https://service.pdok.nl/hwh/luchtfotorgb/wmts/v1_0/Actueel_orthoHR/EPSG:3857/{z}/{x}/{y}.jpeg",
        "Luchtfoto: Beeldmateriaal Nederland, via PDOK (CC BY 4.0)",
        max_zoom=20,
    ),
)


def _sampled(count: int) -> tuple[str, ...]:
    """Take so many colours [1] from the ramp of amounts, its ends first; beyond its length, colours come back."""
    return tuple(AMOUNT[round(i * (len(AMOUNT) - 1) / max(count - 1, 1))] for i in range(count))


def ramp_classes(bounds: Sequence[float], labels: Sequence[str]) -> tuple[LegendClass, ...]:
    """Make numbered classes that tile the whole line of numbers.

    Parameters
    ----------
    bounds : sequence of float
        Inner bounds, rising, in the column's own unit; n bounds make n + 1 classes.
    labels : sequence of str
        One label per class, low to high.

    Returns
    -------
    tuple of LegendClass
        Numbered from 1 (lowest, lightest) upwards; each holds low <= value < high.

    Raises
    ------
    ConfigError
        When bounds do not rise or do not match the labels or the ramp.
    """
    return _classes(bounds, labels, _sampled(len(labels)))


def diverging_classes(bounds: Sequence[float], labels: Sequence[str]) -> tuple[LegendClass, ...]:
    """Make numbered classes on both sides of 0, in two hues.

    Parameters
    ----------
    bounds : sequence of float
        Inner bounds, rising, with 0 among them [EUR].
    labels : sequence of str
        One label per class, low to high.

    Returns
    -------
    tuple of LegendClass
        What lies below 0 in the hue of costs, the rest in that of gains; 0 itself is a gain of nothing.

    Raises
    ------
    ConfigError
        When 0 is no bound, or bounds do not rise or match the labels or the ramps.
    """
    below = list(bounds).index(0.0) + 1 if 0.0 in bounds else 0
    above = len(labels) - below
    if not below or below > len(COSTS) or above > len(GAINS):
        raise ConfigError(
            f"0 among the bounds, at most {len(COSTS)} classes below and {len(GAINS)} above",
            found=f"bounds {list(bounds)}",
            where="classes around 0",
        )
    return _classes(bounds, labels, (*COSTS[len(COSTS) - below :], *GAINS[:above]))


def _classes(bounds: Sequence[float], labels: Sequence[str], colors: Sequence[str]) -> tuple[LegendClass, ...]:
    if list(bounds) != sorted(set(bounds)) or len(labels) != len(bounds) + 1 or len(labels) > len(AMOUNT):
        raise ConfigError(
            f"rising bounds and one label more, at most {len(AMOUNT)}",
            found=f"bounds {list(bounds)}, {len(labels)} labels",
            where="classes of a legend",
        )
    edges: list[float | None] = [None, *bounds, None]
    return tuple(LegendClass(str(i + 1), label, colors[i], edges[i], edges[i + 1]) for i, label in enumerate(labels))


#: A house style is a page; a larger file is something else [byte].
MOST_BYTES = 1 << 16
_SHORT = len("#rgba")
_COLOR = re.compile(r"#(?:[0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")


def style_faults(style: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a house style: unknown variables, or values that could be more than a value.

    Parameters
    ----------
    style : mapping
        CSS variable name to value.

    Yields
    ------
    str
        One fault.
    """
    for name, value in style.items():
        if name not in VARIABLES:
            yield f"house style sets unknown variable {name!r} (known: {', '.join(VARIABLES)})"
        elif not _VALUE.fullmatch(value) or "url" in value.lower():
            yield f"house style variable {name!r} has a value that is not a plain CSS value: {value[:60]!r}"
        elif value.startswith("#") and not _COLOR.fullmatch(value):
            yield f"house style variable {name!r} is no colour of 3, 4, 6 or 8 hexadecimal digits: {value[:60]!r}"


#: What must be read on what, by variable: ink, ground, and the least contrast [1] (WCAG 2.2, 1.4.3 and 1.4.11).
_READ_ON = (
    ("--tekst", "--vlak", 4.5),
    ("--tekst-2", "--vlak", 4.5),
    ("--tekst-2", "--vlak-2", 4.5),
    ("--tekst", "--kaart", 4.5),
    ("--merk", "--vlak", 4.5),
    ("--merk-tekst", "--merk", 4.5),
    ("--accent", "--vlak", 3.0),
    ("--tekst", "--gekozen", 4.5),
)


def contrast(ink: str, ground: str) -> float:
    """Return the contrast of two colours [1], from 1 (none) to 21 (WCAG 2.2, relative luminance).

    Parameters
    ----------
    ink, ground : str
        As #rgb or #rrggbb.
    """
    light, dark = sorted((_luminance(one) for one in (ink, ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    digits = color[1:] if len(color) > _SHORT else "".join(2 * one for one in color[1:4])
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _unreadable(style: Mapping[str, str], usual: Mapping[str, str]) -> Iterator[str]:
    """Yield the pairs of a house style that cannot be read, with their contrast; a colour that is no hex is not judged."""
    whole = {**VARIABLES, **usual, **style}
    for ink, ground, least in _READ_ON:
        if {ink, ground} & set(style) and all(_COLOR.fullmatch(whole[one]) for one in (ink, ground)):
            ratio = contrast(whole[ink], whole[ground])
            if ratio < least:
                said, asked = (nl.number(one, 1) for one in (ratio, least))
                yield f"{ink} op {ground}: contrast {said} : 1, gevraagd {asked} : 1"


def read_house_style(path: Path) -> HouseStyle:
    """Read a municipality's own house style: a TOML file with tables [variabelen] and, for dark screens, [donker].

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    tuple of dict and dict
        CSS variable name to value, checked: for light and for dark screens.

    Raises
    ------
    ConfigError
        When the file is not such a table.
    """
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise ValueError(f"a link, or more than {MOST_BYTES} bytes")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError("a readable TOML file", found=str(error)[:200], where=path.name) from error
    tables = {name: content.pop(name, {}) for name in ("variabelen", "donker")}
    found = [f"unknown table or key {name!r}" for name in content]
    found += [f"[{name}] is no table" for name, one in tables.items() if not isinstance(one, dict)]
    if not found:
        plain = [
            {k: v if isinstance(v, str | int | float) else "{}" for k, v in one.items()} for one in tables.values()
        ]
        found = [fault for one in plain for fault in style_faults({k: str(v) for k, v in one.items()})]
    if found:
        raise ConfigError(
            "known CSS variables with plain values",
            found="; ".join(found)[:600],
            where=path.name,
            remedy=f"known variables: {', '.join(VARIABLES)}",
        )
    light, dark = ({str(k): str(v) for k, v in one.items()} for one in tables.values())
    if dim := [*_unreadable(light, {}), *_unreadable(dark, DARK)]:
        raise ConfigError(
            "colours that can be read on each other (WCAG 2.2 AA)",
            found="; ".join(dim)[:600],
            where=path.name,
            remedy="take a darker or a lighter colour for one of the two",
        )
    return light, dark


def css_variables(style: Mapping[str, str], dark: Mapping[str, str] | None = None) -> str:
    """Write the rules of the house style, defaults filled in: light, dark as the screen or the reader asks, paper light.

    Parameters
    ----------
    style : mapping
        CSS variable name to value, as checked by `style_faults`.
    dark : mapping, optional
        The same for dark screens.

    Returns
    -------
    str
        CSS rules.
    """
    light = _declarations({**VARIABLES, **style}) + "color-scheme:light;"
    night = _declarations({**DARK, **(dark or {})}) + "color-scheme:dark;"
    return (
        f":root{{{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-licht=licht]){{{night}}}}}"
        f":root[data-licht=donker]{{{night}}}"
        f"@media print{{:root:root:root{{{light}}}}}:root:root.drukt{{{light}}}"
    )


def _declarations(values: Mapping[str, str]) -> str:
    return "".join(f"{name}:{value};" for name, value in values.items())


def ink_on(color: str) -> str:
    """Choose the ink that reads on a colour.

    Parameters
    ----------
    color : str
        As #rrggbb.
    """
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 130 else "#1a2230"


def content_policy(scripts: Sequence[str], styles: Sequence[str], *, images: str = "'none'") -> str:
    """Allow exactly these scripts and styles, and images from the places named.

    Parameters
    ----------
    scripts, styles : sequence of str
        What stands between the tags.
    images : str, optional
        Where images may come from.

    Returns
    -------
    str
        The policy.
    """
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; img-src {images}; "
        "form-action 'none'; base-uri 'none'"
    )


def _hashes(texts: Sequence[str]) -> str:
    found = (f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in texts)
    return " ".join(found) or "'none'"
