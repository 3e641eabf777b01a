"""Colours and the house style: CSS variables that a municipality may replace, and ramps that survive colour blindness."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kansenkaart.errors import ConfigError

#: Five steps of matplotlib's viridis and cividis (van der Walt and Smith 2015; Nunez, Anderton and Renslow 2018,
#: doi:10.1371/journal.pone.0199239), light to dark: the darkest step is the highest value.
RAMPS: dict[str, tuple[str, ...]] = {
    "viridis": ("#fde725", "#5ec962", "#21918c", "#3b528b", "#440154"),
    "cividis": ("#fee838", "#bcae6c", "#7d7c78", "#414d6b", "#00224e"),
}
#: Apart from any ramp: a feature whose value is not known.
UNKNOWN_COLOR = "#c9ced6"
#: The variables that a house style may set. Fonts are named, never fetched.
VARIABLES: dict[str, str] = {
    "--merk": "#154273",
    "--merk-tekst": "#ffffff",
    "--accent": "#b3261e",
    "--vlak": "#ffffff",
    "--vlak-2": "#f3f5f8",
    "--lijn": "#c6ccd6",
    "--tekst": "#1a2230",
    "--tekst-2": "#4a5565",
    "--kaart": "#eef1f4",
    "--lettertype": '"Source Sans 3", "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
    "--rond": "8px",
    "--gekozen": "#fff3c4",
    "--rand": "rgba(26,34,48,.75)",
}
#: What differs on a dark screen; paper is always light.
DARK: dict[str, str] = {
    "--merk": "#9cc4f5",
    "--merk-tekst": "#0d1420",
    "--accent": "#ffb4a8",
    "--vlak": "#161c26",
    "--vlak-2": "#202938",
    "--lijn": "#44506280",
    "--tekst": "#eef2f8",
    "--tekst-2": "#b9c4d4",
    "--kaart": "#2b3442",
    "--gekozen": "#4a3f12",
    "--rand": "rgba(235,240,248,.85)",
}
_VALUE = re.compile(r"""[-\w#%.,() "]{1,200}""")


@dataclass(frozen=True)
class LegendClass:
    """One class of a legend: a letter beside the colour, and either bounds (low <= value < high) or values."""

    letter: str
    label: str
    color: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()


def ramp_classes(bounds: Sequence[float], labels: Sequence[str], *, ramp: str = "viridis") -> tuple[LegendClass, ...]:
    """Make lettered classes that tile the whole line of numbers.

    Parameters
    ----------
    bounds : sequence of float
        Inner bounds, rising, in the column's own unit; n bounds make n + 1 classes.
    labels : sequence of str
        One label per class, low to high.
    ramp : str, default "viridis"
        Name of the ramp in `RAMPS`.

    Returns
    -------
    tuple of LegendClass
        Lettered A (lowest) upwards; each holds low <= value < high.

    Raises
    ------
    ConfigError
        When bounds do not rise or do not match the labels or the ramp.
    """
    colors = RAMPS[ramp]
    if list(bounds) != sorted(set(bounds)) or len(labels) != len(bounds) + 1 or len(labels) > len(colors):
        raise ConfigError(
            f"rising bounds and one label more, at most {len(colors)}",
            found=f"bounds {list(bounds)}, {len(labels)} labels",
            where=f"classes on ramp {ramp!r}",
        )
    steps = [round(i * (len(colors) - 1) / max(len(labels) - 1, 1)) for i in range(len(labels))]
    edges: list[float | None] = [None, *bounds, None]
    return tuple(
        LegendClass(chr(ord("A") + i), label, colors[steps[i]], edges[i], edges[i + 1])
        for i, label in enumerate(labels)
    )


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
            yield f"house style variable {name!r} has a value that is not a plain CSS value: {value!r}"


def read_house_style(path: Path) -> tuple[dict[str, str], dict[str, str]]:
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
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("a readable TOML file", found=str(error), where=path.name) from error
    tables = {name: content.pop(name, {}) for name in ("variabelen", "donker")}
    found = [f"unknown table or key {name!r}" for name in content]
    found += [f"[{name}] is no table" for name, one in tables.items() if not isinstance(one, dict)]
    if not found:
        found = [fault for one in tables.values() for fault in style_faults({k: str(v) for k, v in one.items()})]
    if found:
        raise ConfigError(
            "known CSS variables with plain values",
            found="; ".join(found),
            where=path.name,
            remedy=f"known variables: {', '.join(VARIABLES)}",
        )
    light, dark = ({str(k): str(v) for k, v in one.items()} for one in tables.values())
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
