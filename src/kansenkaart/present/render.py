"""The only door to folium: a `MapSpec` becomes one HTML page that needs no network and asks nobody for anything.

folium builds the map and its script; the page around it, the layers and all assets are ours and inlined. Every text reaches
HTML through jinja's escaping and JavaScript through :func:`script_json`; nothing else writes data into the page.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from typing import Any

import folium
import geopandas as gpd
import jinja2
from branca.element import Figure
from markupsafe import Markup

from kansenkaart.crs import WGS84
from kansenkaart.errors import StoreError
from kansenkaart.present.layercodec import encode_layer
from kansenkaart.present.mapspec import AreaTool, Column, Layer, MapSpec
from kansenkaart.present.style import ON_DARK, PDOK_BACKGROUNDS, UNKNOWN_COLOR, content_policy, css_variables

SEARCH_LAYER = "__zoek"
_MAP_NAME = "kaart"
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_TILE_HOSTS = "https://service.pdok.nl"


class OfflineMap(folium.Map):
    """A folium map that names no asset of anybody else and always has the same name."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - folium reads these two from the class
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        super().__init__(tiles=None, zoom_control=True, fade_animation=False, **options)
        self._id = _MAP_NAME

    def get_name(self) -> str:
        """Return the one name, so that equal maps have equal bytes."""
        return _MAP_NAME


class OfflineFigure(Figure):
    """A figure of which only the parts are used: body and script of the map, without folium's page."""

    def parts(self, of: OfflineMap) -> tuple[str, str]:
        """Return the map's element and its script.

        Parameters
        ----------
        of : OfflineMap
            The map.
        """
        self.add_child(of)
        of.render()  # type: ignore[no-untyped-call]
        html = "".join(str(child.render()) for child in self.html._children.values())
        script = "".join(str(child.render()) for child in self.script._children.values())
        return html, script


def script_json(value: Any) -> str:
    """Write a value as JavaScript that can stand inside a script element, whatever its texts hold.

    Parameters
    ----------
    value : object
        Texts, numbers, lists and dicts; no infinite number.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


@lru_cache(maxsize=1)
def vendored() -> dict[str, bytes]:
    """Return the assets of others by file name, checked against their hash.

    Raises
    ------
    StoreError
        If a file is not the one that ``assets/assets.csv`` names.
    """
    folder = files("kansenkaart") / "present" / "assets"
    out = {}
    with (folder / "assets.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            content = (folder / "vendor" / row["file"]).read_bytes()
            if hashlib.sha256(content).hexdigest() != row["sha256"]:
                raise StoreError(
                    f"{row['file']} of {row['package']} {row['version']}",
                    found="other bytes",
                    where="present/assets/vendor",
                    remedy="take the file from the published package again",
                )
            out[row["file"]] = content
    return out


@lru_cache(maxsize=1)
def _own_script() -> str:
    """Join our scripts, without the lines that are only a remark and without indentation."""
    folder = files("kansenkaart") / "present" / "assets" / "js"
    text = "\n".join(one.read_text("utf-8") for one in sorted(folder.iterdir(), key=lambda one: one.name))
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not re.fullmatch(r"//.*|/\*\*.*\*/", line))


def render_page(spec: MapSpec) -> str:
    """Draw a map page.

    Parameters
    ----------
    spec : MapSpec
        The frozen picture.

    Returns
    -------
    str
        One HTML page: no request, no network, the same bytes for the same picture.
    """
    html, script = OfflineFigure().parts(OfflineMap(location=_middle(spec), zoom_start=14))
    assets = vendored()
    headers, payloads = _packed(spec)
    own = f'"use strict";(()=>{{const spec={script_json(_content(spec, headers))};\n{_own_script()}\n}})();'
    scripts = [_narrow(one, _in_script) for one in (assets["leaflet.js"].decode(), script, own)]
    spare = _narrow(assets["fflate.js"].decode(), _in_script)  # runs only where the browser cannot unpack by itself
    style = _inline_css(assets["leaflet.css"].decode()) + css_variables(spec.style, spec.dark) + _own_css()
    style = _narrow(style, _in_style)
    policy = content_policy([*scripts, spare], [style], images=f"data: {_TILE_HOSTS}")
    page = (
        _environment()
        .get_template("page.html.jinja")
        .render(
            title=_title(spec),
            heading=spec.title,
            intro=spec.intro,
            example=spec.example,
            public=spec.public,
            contact=spec.contact,
            edition=spec.edition,
            policy=policy,
            payloads=payloads,
            style=Markup(style),  # noqa: S704 - own parts
            map_html=Markup(html),  # noqa: S704
            spare=Markup(spare),  # noqa: S704 - own parts
            scripts=[Markup(one) for one in scripts],  # noqa: S704 - own parts; data went through script_json
        )
    )
    return _narrow(str(page), lambda sign: f"&#{ord(sign)};")


def _narrow(text: str, written: Callable[[str], str]) -> str:
    """Write every sign beyond Latin-1 in another way: a browser keeps, and reads, such a page in half the bytes."""
    return re.sub("[^\\x00-\\xff]", lambda found: written(found[0]), text)


def _in_script(sign: str) -> str:
    return json.dumps(sign)[1:-1]


def _in_style(sign: str) -> str:
    return f"\\{ord(sign):06x}"


def _title(spec: MapSpec) -> str:
    return f"{'VOORBEELD: ' if spec.example else ''}Kansenkaart {spec.title}"


def _own_css() -> str:
    return (files("kansenkaart") / "present" / "assets" / "page.css").read_text("utf-8")


def _inline_css(text: str) -> str:
    """Leave out pictures that leaflet would ask for; its controls that use them are not on the page."""
    return "\n".join(line for line in text.splitlines() if "url(" not in line)


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("kansenkaart.present", "templates")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


def _middle(spec: MapSpec) -> list[float]:
    bounds = spec.layers[0].frame.total_bounds
    point = gpd.GeoSeries.from_xy(
        [(bounds[0] + bounds[2]) / 2], [(bounds[1] + bounds[3]) / 2], crs=spec.layers[0].frame.crs
    )
    place = point.to_crs(WGS84).iloc[0]
    return [round(place.y, 6), round(place.x, 6)]


def _packed(spec: MapSpec) -> tuple[list[dict[str, Any]], list[str]]:
    """Give the layers' headers, for the script, and their bytes as text, for blocks of data that no script parser reads."""
    layers = [*spec.layers, *([] if spec.search is None else [_search_layer(spec, spec.search)])]
    packed = [encode_layer(layer) for layer in layers]
    return [one.header for one in packed], [base64.b64encode(one.payload).decode() for one in packed]


def _content(spec: MapSpec, headers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "map": _MAP_NAME,
        "title": spec.title,
        "study": spec.study,
        "edition": spec.edition,
        "example": spec.example,
        "unknownColor": UNKNOWN_COLOR,
        "darkColors": ON_DARK,
        "layers": headers,
        "themes": [asdict(one) for one in spec.themes],
        "sources": [asdict(one) for one in spec.sources],
        "credits": [asdict(one) for one in spec.credits],
        "backgrounds": [{**asdict(one), "maxZoom": one.max_zoom} for one in PDOK_BACKGROUNDS],
        "tool": None if spec.tool is None else _tool(spec.tool),
        "words": {name: dict(codes) for name, codes in spec.words.items()},
        "start": None if spec.start is None else asdict(spec.start),
        "pages": [asdict(one) for one in spec.pages],
        "questions": dict(spec.questions),
        "context": list(spec.context),
    }


def _search_layer(spec: MapSpec, search: gpd.GeoDataFrame) -> Layer:
    source = spec.sources[0].key
    columns = (Column("text", "plaats", source, kind="text"), Column("kind", "soort", source, kind="text"))
    frame = search.assign(text=search["text"].astype("str"))
    return Layer(SEARCH_LAYER, "zoeken", "point", frame, columns, "text", "text")


def _tool(tool: AreaTool) -> dict[str, Any]:
    kinds = {one.key: place for place, one in enumerate(tool.borders)}
    return {
        "layer": tool.layer,
        "homes": tool.homes,
        "totals": list(tool.totals),
        "note": tool.note,
        "fixed": None if tool.fixed is None else asdict(tool.fixed),
        "top": tool.top,
        "target": tool.target,
        "targetLow": tool.target_low,
        "targetHigh": tool.target_high,
        "bandFrac": tool.band_frac,
        "edges": {
            "a": tool.edges["a"].astype(str).tolist(),
            "b": tool.edges["b"].astype(str).tolist(),
            "kind": [kinds[str(one)] for one in tool.edges["kind"]],
            "length": [round(float(one), 1) for one in tool.edges["length_m"]],
            "passable": tool.edges["passable"].astype(int).tolist(),
        },
        "borders": [asdict(one) for one in tool.borders],
        "areas": [
            {
                "key": one.key,
                "name": one.name,
                "units": list(one.units),
                "values": _known(one.values),
                "note": one.note,
                "sure": one.sure_frac,
                "link": one.link,
                "homes": one.homes,
            }
            for one in tool.areas
        ],
        "criteria": [{**asdict(one), "up": one.higher_is_better} for one in tool.criteria],
    }


def _known(values: Iterable[float]) -> list[float | None]:
    return [float(one) if math.isfinite(one) else None for one in values]
