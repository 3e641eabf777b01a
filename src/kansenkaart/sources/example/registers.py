"""The registers of an invented place: areas, BAG, BGT and sewer as OGC API Features gives them, buildings as 3DBAG does."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import shapely.affinity
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from kansenkaart.sources.example import statistics
from kansenkaart.sources.example.buildings import HIPS, Face, roof_faces
from kansenkaart.sources.example.model import STATUS_IN_USE, Body, Floats, Pand, Pipe, World, identifier, numbered

Feature = dict[str, Any]
CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
BAG_HREF = "https://api.pdok.nl/kadaster/bag/ogc/v2/collections/pand/items/"
GWSW, URI = "http://data.gwsw.nl/1.6/totaal/", "http://sparql.gwsw.nl/voorbeeld#"
TYPES = {"vuilwater": "Vuilwaterriool", "hemelwater": "Hemelwaterriool", "gemengd": "GemengdRiool"}
#: One pipe in so many lacks its year, its material, or is drawn against its flow; a level typed wrong is so much too high [m].
YEAR_UNKNOWN_EVERY, MATERIAL_UNKNOWN_EVERY, DRAWN_UPSTREAM_EVERY, MISREAD_M = 13, 17, 5, 10.0
#: One BGT object of the town in so many is also there as it was, and as it is planned.
HISTORY_EVERY = 53
BGT_HISTORY = {"v": {"eind_registratie": "2021-03-04T10:12:00"}, "p": {"status": "plan"}}
GRID_M, SCALE_M, SURVEY_YEAR = 0.001, 0.001, 2023
SIDES = [[3, 2, 1, 0], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]  # ground and walls
SEMANTICS = [{"type": "GroundSurface"}, {"on_footprint_edge": True, "type": "WallSurface"}]
ROOF_TYPES = {"flat": "horizontal"}


def _dump(value: object) -> str:
    """Write JSON with sorted keys and no spaces, the same bytes each time."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _feature(key: str, shape: BaseGeometry, properties: dict[str, Any], move: Any) -> Feature:
    """Build one feature, moved to its place [m] and rounded to the millimetre."""
    moved = shapely.transform(shape, lambda xy: np.round(xy + move, 3))
    return {"type": "Feature", "id": key, "properties": properties, "geometry": json.loads(shapely.to_geojson(moved))}


@contextmanager
def collection(path: Path) -> Iterator[Callable[[Feature], None]]:
    """Give what adds a feature to a FeatureCollection in RD New, one to a line; none is kept in memory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as target:
        target.write(f'{{"type":"FeatureCollection","name":"{path.stem}","crs":{_dump(CRS)},"features":[')
        between = iter(("\n",))

        def add(feature: Feature) -> None:
            target.write(next(between, ",\n") + _dump(feature))

        yield add
        target.write(next(between, "") + "\n]}\n")


def _areas(world: World, copy: int) -> Iterator[tuple[str, Feature]]:
    """Give buurten and wijken of one place, with the figures that the map service carries."""
    model, move = world.models[copy], world.origin(copy)
    head = statistics.constants()["area"]
    for one in model.buurten:
        code = world.buurtcode(copy, one.key)
        properties = {
            "buurtcode": code,
            "buurtnaam": numbered(one.name, copy),
            "wijkcode": world.wijkcode(copy, one.wijk),
            **head,
            **statistics.map_figures(model, one),
        }
        yield "buurten", _feature(code, one.outline, properties, move)
    for number, name in enumerate(model.wijken):
        whole = shapely.union_all([one.outline for one in model.buurten if one.wijk == number], grid_size=GRID_M)
        properties = {"wijkcode": world.wijkcode(copy, number), "wijknaam": numbered(name, copy), **head}
        yield "wijken", _feature(world.wijkcode(copy, number), whole, properties, move)


def _municipality(world: World) -> Feature:
    """Outline of the invented municipality: all places together."""
    every = [(world.origin(copy), one) for copy, model in enumerate(world.models) for one in model.buurten]
    pieces = [shapely.affinity.translate(one.outline, *origin) for origin, one in every]
    head, whole = statistics.constants()["area"], shapely.union_all(pieces, grid_size=GRID_M).simplify(0.0)
    return _feature(head["gemeentecode"], whole, head, np.zeros(2))


def bag(world: World, copy: int) -> Iterator[tuple[str, Feature]]:
    """Give panden, verblijfsobjecten and ligplaatsen of one place."""
    model, move, name = world.models[copy], world.origin(copy), statistics.constants()["area"]["gemeentenaam"]
    inside: dict[int, list[int]] = {p.number: [] for p in model.panden}
    for home in model.homes:
        for number in home.panden:
            inside[number].append(home.floor_area_m2)
    for pand in model.panden:
        key, sizes = identifier("pand", copy, pand.number), inside[pand.number]
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
        yield "pand", _feature(key, pand.outline, properties, move)
    for home in model.homes:
        key = identifier("home", copy, home.number)
        properties = {
            "identificatie": key,
            "oppervlakte": home.floor_area_m2,
            "status": home.status,
            "gebruiksdoel": home.use,
            "openbare_ruimte_naam": world.street_name(copy, home.street),
            "openbare_ruimte_identificatie": world.street_id(copy, home.street),
            "huisnummer": home.house_number,
            "huisletter": "",
            "toevoeging": "",
            "postcode": f"99{home.quarter}{home.letters}",
            "woonplaats_naam": name,
            "pand.href": [BAG_HREF + identifier("pand", copy, n) for n in home.panden],
        }
        yield "verblijfsobject", _feature(key, Point(home.point), properties, move)
    for n, boat in enumerate(model.boats):
        key = identifier("boat", copy, n)
        properties = {"identificatie": key, "status": "Plaats aangewezen", "woonplaats_naam": name}
        yield "ligplaats", _feature(key, Polygon(boat.footprint), properties, move)


def _bgt(world: World, copy: int) -> Iterator[tuple[str, Feature]]:
    """Give BGT objects of one place; the register has no street names."""
    model, move = world.models[copy], world.origin(copy)
    for n, part in enumerate(model.parts):
        key = f"G9999.{copy:04d}{n:028d}"
        properties = {**statistics.constants()["bgt"], "lokaal_id": key, "relatieve_hoogteligging": part.level}
        if part.collection == "waterdeel":
            properties["type"] = part.function
        elif part.collection == "overbruggingsdeel":
            properties["type_overbruggingsdeel"] = "dek"
            properties["hoort_bij_type_overbrugging"] = part.function
        else:
            properties["fysiek_voorkomen"] = part.surface
            if part.collection.endswith("wegdeel"):
                properties["functie"] = part.function
        yield part.collection, _feature(key, part.shape, properties, move)
        if world.rough and n % HISTORY_EVERY == 0:
            for old, change in BGT_HISTORY.items():
                yield part.collection, _feature(key[:-1] + old, part.shape, properties | change, move)


def _sewer(world: World, copy: int) -> Iterator[tuple[str, Feature]]:
    """Give pipes and nodes of one place: every value a string, unknown is empty; some are drawn against their flow."""
    model, move = world.models[copy], world.origin(copy)
    for pipe in (one for one in model.network.pipes if one.number not in model.unpublished):
        key = identifier("pipe", copy, pipe.number)
        turned = pipe.number % DRAWN_UPSTREAM_EVERY == 0
        line = LineString(pipe.line[::-1] if turned else pipe.line)
        typed = replace(pipe, bob_end_m=pipe.bob_end_m + MISREAD_M) if pipe.number in model.misread else pipe
        yield "beheerleiding", _feature(key, line, _pipe(typed, copy, turned), move)
    for node in model.network.nodes.values():
        properties = {
            **statistics.constants()["node"],
            "stelsel": f"voorbeeld {copy}",
            "naam": identifier("node", copy, node.key),
            "uri": URI + identifier("node", copy, node.key),
            "type": GWSW + node.kind,
            "maaiveldhoogte": f"{node.ground_m:.2f}",
        }
        yield "beheerput", _feature(properties["naam"], Point(node.point), properties, move)


def _pipe(pipe: Pipe, copy: int, turned: bool) -> dict[str, str]:
    ends = (pipe.end, pipe.start) if turned else (pipe.start, pipe.end)
    levels = (pipe.bob_end_m, pipe.bob_start_m) if turned else (pipe.bob_start_m, pipe.bob_end_m)
    bob = ["" if np.isnan(level) else f"{level:.3f}" for level in levels]
    names = [identifier("pipe", copy, pipe.number), *(identifier("node", copy, end) for end in ends)]
    size = str(pipe.diameter_mm)
    return {
        **statistics.constants()["pipe"],
        **dict(zip(("naam", "beginpunt", "eindpunt"), names, strict=True)),
        **{key: URI + name for key, name in zip(("uri", "uri_b", "uri_e"), names, strict=True)},
        "stelsel": f"voorbeeld {copy}",
        "stelseltype": GWSW + pipe.system if pipe.system else "",
        "type": GWSW + TYPES.get(pipe.kind, pipe.kind),
        "begindatum": "" if pipe.number % YEAR_UNKNOWN_EVERY == 0 else f"{pipe.year}-01-01",
        "materiaal_leiding": "" if pipe.number % MATERIAL_UNKNOWN_EVERY == 0 else GWSW + pipe.material,
        "breedte_leiding": size,
        "hoogte_leiding": size,
        "lengte_leiding": f"{pipe.length_m:.2f}",
        "bob_beginpunt_leiding": bob[0],
        "bob_eindpunt_leiding": bob[1],
    }


def write_layers(folder: Path, world: World) -> None:
    """Write every collection of all places below a folder, all files at once, so that memory does not grow with them."""
    places = (source(world, copy) for copy in range(len(world.models)) for source in (_areas, bag, _bgt, _sewer))
    with ExitStack() as files:
        layers: dict[str, Callable[[Feature], None]] = {}
        for name, item in chain([("gemeenten", _municipality(world))], chain.from_iterable(places)):
            if name not in layers:
                layers[name] = files.enter_context(collection(folder / f"{name}.geojson"))
            layers[name](item)


def _shell(body: Body) -> tuple[Floats, list[list[int]], int]:
    """Return corners, faces that look outwards (ground, walls, roof), and how many of the last faces are roof."""
    faces = roof_faces(body)
    ground = np.column_stack([body.footprint, np.full(4, body.ground_m)])
    if body.roof in HIPS:
        south, north, hips = faces[0].corners, faces[1].corners, HIPS[body.roof]
        corners = np.vstack([ground, south[:2], north[:2], south[3], south[2]])
        walls = [SIDES[2] if hips else [1, 2, 6, 9, 5], SIDES[3], SIDES[4] if hips > 1 else [3, 0, 4, 8, 7]]
        ends = [[5, 6, 9], [7, 4, 8]]
        return corners, [*SIDES[:2], *walls, [4, 5, 9, 8], [6, 7, 8, 9], *ends[:hips]], len(faces)
    corners = np.vstack([ground, faces[0].corners])
    return corners, [*SIDES, [4, 5, 6, 7]], 1


def _roof(face: Face) -> dict[str, Any]:
    z = face.corners[:, 2]
    return {
        "type": "RoofSurface",
        "b3_hellingshoek": round(face.tilt_deg, 4),
        "b3_azimut": None if math.isnan(face.azimuth_deg) else round(face.azimuth_deg, 4),
        "b3_h_dak_min": float(z.min()),
        "b3_h_dak_max": float(z.max()),
        "b3_h_dak_50p": round(float(z.mean()), 3),
        "b3_h_dak_70p": round(float(z.min() + 0.7 * np.ptp(z)), 3),
    }


def _attributes(pand: Pand, key: str, faces: list[Face]) -> dict[str, Any]:
    flat = sum(f.area_m2 for f in faces if f.tilt_deg == 0.0)
    return {
        **statistics.constants()["building"],
        "identificatie": key,
        "status": pand.status,
        "oorspronkelijkbouwjaar": pand.bouwjaar,
        "b3_h_maaiveld": pand.ground_m,
        "b3_h_nok": round(pand.ridge_height_m, 3),
        "b3_dak_type": ROOF_TYPES.get(pand.roof, "slanted"),
        "b3_opp_grond": round(sum(one.length_m * one.width_m for one in pand.bodies), 2),
        "b3_opp_dak_plat": round(flat, 2),
        "b3_opp_dak_schuin": round(sum(f.area_m2 for f in faces) - flat, 2),
        "b3_n_vlakken": len(faces),
        "b3_pw_datum": SURVEY_YEAR,
        "b3_bouwlagen": max(pand.floors, 2),
    }


def _solid(body: Body, first: int) -> tuple[Floats, dict[str, Any]]:
    """Return the corners of a body, and its solid on corners numbered from ``first``."""
    corners, boundaries, roofs = _shell(body)
    solid = {
        "type": "Solid",
        "lod": "2.2",
        "boundaries": [[[[first + corner for corner in face]] for face in boundaries]],
        "semantics": {
            "surfaces": [*SEMANTICS, *(_roof(f) for f in roof_faces(body))],
            "values": [[0] + [1] * (len(boundaries) - roofs - 1) + [2 + i for i in range(roofs)]],
        },
    }
    return corners, solid


def _building(pand: Pand, copy: int, move: Floats) -> dict[str, Any]:
    """Build one CityJSONFeature, a part for each body, moved from the origin of the header [m]."""
    key = f"NL.IMBAG.Pand.{identifier('pand', copy, pand.number)}"
    faces = [face for body in pand.bodies for face in roof_faces(body)]
    corners: list[Floats] = []
    plan: list[list[list[int]]] = []
    parts: dict[str, dict[str, Any]] = {}
    for n, body in enumerate(pand.bodies):
        first = sum(map(len, corners))
        points, solid = _solid(body, first)
        corners.append(points)
        plan.append([[first + i for i in range(4)]])
        parts[f"{key}-{n}"] = {"type": "BuildingPart", "parents": [key], "geometry": [solid]}
    vertices = np.rint((np.vstack(corners) + np.append(move, 0.0)) / SCALE_M).astype(int)
    whole = {
        "type": "Building",
        "attributes": _attributes(pand, key, faces),
        "children": list(parts),
        "geometry": [{"type": "MultiSurface", "lod": "0", "boundaries": plan}],
    }
    return {"type": "CityJSONFeature", "id": key, "CityObjects": {key: whole, **parts}, "vertices": vertices.tolist()}


def write_buildings(path: Path, world: World) -> None:
    """Write all buildings of all places that stood when the heights were measured, one to a line below the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = {"scale": [SCALE_M] * 3, "translate": [*map(float, world.origin(0)), 0.0]}
    with path.open("w", encoding="utf-8", newline="\n") as target:
        target.write(_dump({**statistics.constants()["header"], "transform": transform}) + "\n")
        for copy, model in enumerate(world.models):
            move = world.origin(copy) - world.origin(0)
            standing = [p for p in model.panden if p.status == STATUS_IN_USE and p.bouwjaar <= SURVEY_YEAR]
            target.writelines(_dump(_building(p, copy, move)) + "\n" for p in standing)
