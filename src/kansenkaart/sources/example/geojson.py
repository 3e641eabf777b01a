"""Registers of the invented neighbourhood as OGC API Features gives them: areas, BAG, BGT, sewer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, Point, Polygon, box, mapping
from shapely.geometry.base import BaseGeometry

from kansenkaart.sources.example import layout, statistics
from kansenkaart.sources.example.model import Model
from kansenkaart.sources.example.sewer import Pipe

Feature = dict[str, Any]
CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
BAG_HREF = "https://api.pdok.nl/kadaster/bag/ogc/v2/collections/pand/items/"
GWSW = "http://data.gwsw.nl/1.6/totaal/"
TYPES = {"vuilwater": "Vuilwaterriool", "hemelwater": "Hemelwaterriool", "gemengd": "GemengdRiool"}
YEAR_UNKNOWN_EVERY = 13
MATERIAL_UNKNOWN_EVERY = 17
DRAWN_UPSTREAM_EVERY = 5


def dump(value: object) -> str:
    """Write JSON with sorted keys and no spaces, the same bytes each time.

    Parameters
    ----------
    value : object
        Plain values.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def feature(key: str, shape: BaseGeometry, properties: dict[str, Any], move: Any) -> Feature:
    """Build one feature, moved to its copy and rounded to the millimetre.

    Parameters
    ----------
    key : str
        Its id.
    shape : BaseGeometry
        In the frame of RD New [m].
    properties : dict of str to Any
        Its attributes.
    move : Any
        From the first copy to this one, west to east and south to north [m].
    """
    moved = shapely.transform(shape, lambda xy: np.round(xy + move, 3))
    return {"type": "Feature", "id": key, "properties": properties, "geometry": mapping(moved)}


def write(path: Path, features: list[Feature]) -> None:
    """Write a FeatureCollection in RD New, one feature to a line.

    Parameters
    ----------
    path : Path
        The file.
    features : list of Feature
        What stands in it.
    """
    head = f'{{"type":"FeatureCollection","name":"{path.stem}","crs":{dump(CRS)},"features":[\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + ",\n".join(dump(f) for f in features) + "\n]}\n", encoding="utf-8", newline="\n")


def _quarter_box(key: str) -> Polygon:
    west, south = key in ("01", "03"), key in ("01", "02")
    x = (0.0, layout.CANAL_X_M) if west else (layout.CANAL_X_M, layout.PITCH_X_M)
    y = (0.0, layout.MAIN_Y_M) if south else (layout.MAIN_Y_M, layout.PITCH_Y_M)
    return box(x[0], y[0], x[1], y[1])


def areas(model: Model, copy: int, move: Any) -> Iterator[tuple[str, Feature]]:
    """Give buurten and the wijk of one copy, with the figures that the map service carries.

    Parameters
    ----------
    model : Model
        All of one neighbourhood.
    copy : int
        Number of the copy of the neighbourhood, from 0 [1].
    move : Any
        From the first copy to this one, west to east and south to north [m].
    """
    for q in layout.QUARTERS:
        code = layout.buurtcode(copy, q.key)
        properties = {
            "buurtcode": code,
            "buurtnaam": statistics.buurtnaam(copy, q),
            "wijkcode": layout.wijkcode(copy),
            "gemeentecode": layout.MUNICIPALITY,
            "gemeentenaam": layout.MUNICIPALITY_NAME,
            "water": "NEE",
            "jaar": 2025,
            **statistics.map_figures(model, q),
        }
        yield "buurten", feature(code, _quarter_box(q.key), properties, move)
    whole = box(0.0, 0.0, layout.PITCH_X_M, layout.PITCH_Y_M)
    properties = {
        "wijkcode": layout.wijkcode(copy),
        "wijknaam": f"Voorbeeldwijk {copy + 1}",
        "gemeentecode": layout.MUNICIPALITY,
        "gemeentenaam": layout.MUNICIPALITY_NAME,
        "water": "NEE",
        "jaar": 2025,
    }
    yield "wijken", feature(layout.wijkcode(copy), whole, properties, move)


def municipality(scale: int) -> Feature:
    """Outline of the invented municipality: all copies together.

    Parameters
    ----------
    scale : int
        How many copies of the neighbourhood [1].
    """
    whole = (0.0, 0.0, layout.PITCH_X_M, layout.PITCH_Y_M)
    west, south, east, north = (np.tile([layout.origin(c, scale) for c in range(scale)], 2) + whole).T
    pieces = shapely.box(west, south, east, north)
    properties = {
        "gemeentecode": layout.MUNICIPALITY,
        "gemeentenaam": layout.MUNICIPALITY_NAME,
        "water": "NEE",
        "jaar": 2025,
    }
    return feature(layout.MUNICIPALITY, shapely.union_all(pieces), properties, np.zeros(2))


def bag(model: Model, copy: int, move: Any) -> Iterator[tuple[str, Feature]]:
    """Panden and verblijfsobjecten.

    Parameters
    ----------
    model : Model
        All of one neighbourhood.
    copy : int
        Number of the copy of the neighbourhood, from 0 [1].
    move : Any
        From the first copy to this one, west to east and south to north [m].
    """
    inside: dict[int, list[int]] = {p.number: [] for p in model.panden}
    for home in model.homes:
        for number in home.panden:
            inside[number].append(home.floor_area_m2)
    for pand in model.panden:
        key, sizes = layout.pand_id(copy, pand.number), inside[pand.number]
        properties = {
            "identificatie": key,
            "bouwjaar": pand.bouwjaar,
            "status": pand.status,
            "gebruiksdoel": pand.use,
            "oppervlakte_min": min(sizes, default=None),
            "oppervlakte_max": max(sizes, default=None),
            "aantal_verblijfsobjecten": len(sizes),
            "rdf_seealso": f"http://bag.basisregistraties.overheid.nl/bag/id/pand/{key}",
        }
        yield "pand", feature(key, Polygon(pand.footprint), properties, move)
    for home in model.homes:
        key = layout.home_id(copy, home.number)
        properties = {
            "identificatie": key,
            "oppervlakte": home.floor_area_m2,
            "status": home.status,
            "gebruiksdoel": home.use,
            "openbare_ruimte_naam": layout.street_name(copy, home.street),
            "openbare_ruimte_identificatie": layout.street_id(copy, home.street),
            "huisnummer": home.house_number,
            "huisletter": "",
            "toevoeging": home.suffix,
            "postcode": f"99{home.quarter}VB",
            "woonplaats_naam": layout.MUNICIPALITY_NAME,
            "pand.href": [BAG_HREF + layout.pand_id(copy, n) for n in home.panden],
        }
        yield "verblijfsobject", feature(key, Point(home.point), properties, move)


def bgt(model: Model, copy: int, move: Any) -> Iterator[tuple[str, Feature]]:
    """BGT objects; the register gives no street names.

    Parameters
    ----------
    model : Model
        All of one neighbourhood.
    copy : int
        Number of the copy of the neighbourhood, from 0 [1].
    move : Any
        From the first copy to this one, west to east and south to north [m].
    """
    for n, part in enumerate(model.parts):
        key = f"G9999.{copy:04d}{n:028d}"
        properties: dict[str, Any] = {
            "lokaal_id": key,
            "bronhouder": "G9999",
            "status": "bestaand",
            "relatieve_hoogteligging": part.level,
            "eind_registratie": None,
            "plus_fysiek_voorkomen": None,
            "in_onderzoek": False,
        }
        if part.collection == "waterdeel":
            properties["type"] = part.function
        elif part.collection == "overbruggingsdeel":
            properties["type_overbruggingsdeel"] = "dek"
            properties["hoort_bij_type_overbrugging"] = part.function
        else:
            properties["fysiek_voorkomen"] = part.surface
            if part.collection.endswith("wegdeel"):
                properties["functie"] = part.function
        yield part.collection, feature(key, part.shape, properties, move)


def sewer(model: Model, copy: int, move: Any) -> Iterator[tuple[str, Feature]]:
    """Pipes and nodes: every value a string, unknown is empty; some pipes are drawn against their flow.

    Parameters
    ----------
    model : Model
        All of one neighbourhood.
    copy : int
        Number of the copy of the neighbourhood, from 0 [1].
    move : Any
        From the first copy to this one, west to east and south to north [m].
    """
    for pipe in model.network.pipes:
        key = layout.pipe_id(copy, pipe.number)
        turned = pipe.number % DRAWN_UPSTREAM_EVERY == 0
        line = LineString(pipe.line[::-1] if turned else pipe.line)
        yield "beheerleiding", feature(key, line, _pipe(pipe, copy, turned), move)
    for node in model.network.nodes.values():
        properties = {
            "dataset": "Voorbeeldstad",
            "stelsel": f"voorbeeld {copy}",
            "naam": layout.node_id(copy, node.key),
            "uri": f"http://sparql.gwsw.nl/voorbeeld#{layout.node_id(copy, node.key)}",
            "type": GWSW + node.kind,
            "begindatum": "",
            "maaiveldhoogte": f"{node.ground_m:.2f}",
            "vorm_put": "",
            "breedte_put": "800",
            "aantal_woningen": "",
        }
        yield "beheerput", feature(properties["naam"], Point(node.point), properties, move)


def _pipe(pipe: Pipe, copy: int, turned: bool) -> dict[str, str]:
    ends = (pipe.end, pipe.start) if turned else (pipe.start, pipe.end)
    levels = (pipe.bob_end_m, pipe.bob_start_m) if turned else (pipe.bob_start_m, pipe.bob_end_m)
    bob = ["" if np.isnan(level) else f"{level:.3f}" for level in levels]
    base = "http://sparql.gwsw.nl/voorbeeld#"
    names = [layout.node_id(copy, end) for end in ends]
    size = str(pipe.diameter_mm)
    return {
        "dataset": "Voorbeeldstad",
        "stelsel": f"voorbeeld {copy}",
        "stelseltype": GWSW + pipe.system if pipe.system else "",
        "naam": layout.pipe_id(copy, pipe.number),
        "uri": base + layout.pipe_id(copy, pipe.number),
        "type": GWSW + TYPES.get(pipe.kind, pipe.kind),
        "beginpunt": names[0],
        "uri_b": base + names[0],
        "eindpunt": names[1],
        "uri_e": base + names[1],
        "begindatum": "" if pipe.number % YEAR_UNKNOWN_EVERY == 0 else f"{pipe.year}-01-01",
        "einddatum": "",
        "materiaal_leiding": "" if pipe.number % MATERIAL_UNKNOWN_EVERY == 0 else GWSW + pipe.material,
        "vorm_leiding": GWSW + "Rond",
        "breedte_leiding": size,
        "hoogte_leiding": size,
        "lengte_leiding": f"{pipe.length_m:.2f}",
        "bob_beginpunt_leiding": bob[0],
        "bob_eindpunt_leiding": bob[1],
        "aantal_woningen": "0",
        "afvoerend_oppervlak": "",
    }


def write_all(folder: Path, model: Model, scale: int) -> None:
    """Write every collection of all copies below a folder.

    Parameters
    ----------
    folder : Path
        Where to write; made where it is absent.
    model : Model
        All of one neighbourhood.
    scale : int
        How many copies of the neighbourhood [1].
    """
    found: dict[str, list[Feature]] = {"gemeenten": [municipality(scale)]}
    for copy in range(scale):
        move = layout.origin(copy, scale)
        for source in (areas, bag, bgt, sewer):
            for name, item in source(model, copy, move):
                found.setdefault(name, []).append(item)
    for name in sorted(found):
        write(folder / f"{name}.geojson", found[name])
