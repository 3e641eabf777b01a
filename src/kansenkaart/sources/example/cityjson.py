"""Buildings of the invented neighbourhood as 3DBAG gives them: CityJSONSeq 2.0 with LoD0 and LoD2.2."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from kansenkaart.sources.example import layout
from kansenkaart.sources.example.buildings import Face, Floats, Pand, roof_faces
from kansenkaart.sources.example.geojson import dump
from kansenkaart.sources.example.model import Model

SCALE_M = 0.001
SURVEY_YEAR = 2023
SEMANTICS = [{"type": "GroundSurface"}, {"on_footprint_edge": True, "type": "WallSurface"}]
ROOF_TYPES = {"gable": "slanted", "shed": "slanted", "flat": "horizontal"}


def _header(scale: int) -> dict[str, Any]:
    x, y = layout.origin(0, scale)
    return {
        "type": "CityJSON",
        "version": "2.0",
        "CityObjects": {},
        "vertices": [],
        "transform": {"scale": [SCALE_M] * 3, "translate": [float(x), float(y), 0.0]},
        "metadata": {
            "referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415",
            "title": "3DBAG (voorbeeld)",
            "version": "v2025.09.03",
        },
    }


def shell(pand: Pand) -> tuple[Floats, list[list[int]], int]:
    """Return corners, faces that look outwards, and how many of the last faces are roof.

    The order is ground, walls, roof.

    Parameters
    ----------
    pand : Pand
        The building.
    """
    ring = pand.footprint
    faces = roof_faces(pand)
    ground = np.column_stack([ring, np.full(4, pand.ground_m)])
    if pand.roof == "gable":
        south, north = faces[0].corners, faces[1].corners
        corners = np.vstack([ground, south[:2], north[:2], south[3], south[2]])
        walls = [[0, 1, 5, 4], [1, 2, 6, 9, 5], [2, 3, 7, 6], [3, 0, 4, 8, 7]]
        return corners, [[3, 2, 1, 0], *walls, [4, 5, 9, 8], [6, 7, 8, 9]], 2
    corners = np.vstack([ground, faces[0].corners])
    walls = [[0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
    return corners, [[3, 2, 1, 0], *walls, [4, 5, 6, 7]], 1


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
        "identificatie": key,
        "status": pand.status,
        "oorspronkelijkbouwjaar": pand.bouwjaar,
        "b3_h_maaiveld": pand.ground_m,
        "b3_h_nok": round(pand.ridge_height_m, 3),
        "b3_dak_type": ROOF_TYPES[pand.roof],
        "b3_opp_grond": round(pand.length_m * pand.width_m, 2),
        "b3_opp_dak_plat": round(flat, 2),
        "b3_opp_dak_schuin": round(sum(f.area_m2 for f in faces) - flat, 2),
        "b3_n_vlakken": len(faces),
        "b3_pw_bron": "ahn5",
        "b3_pw_datum": SURVEY_YEAR,
        "b3_kwaliteitsindicator": True,
        "b3_bouwlagen": max(pand.floors, 2),
        "eindgeldigheid": None,
    }


def building(pand: Pand, copy: int, move: Floats) -> dict[str, Any]:
    """Build one CityJSONFeature; ``move`` [m] is from the header's origin to the copy's.

    Parameters
    ----------
    pand : Pand
        The building.
    copy : int
        Number of the copy of the neighbourhood, from 0 [1].
    move : array of float
        From the header's origin to the copy's [m].
    """
    key = f"NL.IMBAG.Pand.{layout.pand_id(copy, pand.number)}"
    corners, boundaries, roofs = shell(pand)
    faces = roof_faces(pand)
    vertices = np.rint((corners + np.append(move, 0.0)) / SCALE_M).astype(int)
    solid = {
        "type": "Solid",
        "lod": "2.2",
        "boundaries": [[[face] for face in boundaries]],
        "semantics": {
            "surfaces": [*SEMANTICS, *(_roof(f) for f in faces)],
            "values": [[0] + [1] * (len(boundaries) - roofs - 1) + [2 + i for i in range(roofs)]],
        },
    }
    plan = {"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3]]]}
    objects = {
        key: {
            "type": "Building",
            "attributes": _attributes(pand, key, faces),
            "children": [f"{key}-0"],
            "geometry": [plan],
        },
        f"{key}-0": {"type": "BuildingPart", "parents": [key], "geometry": [solid]},
    }
    return {"type": "CityJSONFeature", "id": key, "CityObjects": objects, "vertices": vertices.tolist()}


def write(path: Path, model: Model, scale: int) -> None:
    """Write all buildings that stand, one to a line below the header.

    Parameters
    ----------
    path : Path
        The file.
    model : Model
        All of one neighbourhood.
    scale : int
        How many copies of the neighbourhood [1].
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    standing = [p for p in model.panden if p.status == "Pand in gebruik"]
    lines = [dump(_header(scale))]
    for copy in range(scale):
        move = layout.origin(copy, scale) - layout.origin(0, scale)
        lines += [dump(building(p, copy, move)) for p in standing]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def face_ring(face: Face) -> shapely.Polygon:
    """Outline of a face seen from above.

    Parameters
    ----------
    face : Face
        One plane of a roof.
    """
    return shapely.Polygon(face.corners[:, :2])
