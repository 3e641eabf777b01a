"""Roof faces against closed forms: a known slope, a hole, a flat face, a zero face, a self-crossing face."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources import bag3d
from kansenkaart.sources.bag3d import read_roof_face
from kansenkaart.sources.tools import archives
from kansenkaart.sources.tools.cleaning import ring_normals

PAND = "NL.IMBAG.Pand.0503100000000310"


def _model(faces: list[list[list[tuple[float, float, float]]]], *, version: str = "2.0", lod: Any = "2.2") -> Any:
    corners: list[list[int]] = []
    boundaries = []
    for rings in faces:
        numbered = []
        for ring in rings:
            numbered.append(list(range(len(corners), len(corners) + len(ring))))
            corners += [[round(x * 1000), round(y * 1000), round(z * 1000)] for x, y, z in ring]
        boundaries.append(numbered)
    surfaces = [{"type": "RoofSurface", "b3_hellingshoek": 45.0, "b3_azimut": 180.0}, {"type": "WallSurface"}]
    solid = {
        "type": "Solid",
        "lod": lod,
        "boundaries": [boundaries],
        "semantics": {"surfaces": surfaces, "values": [[0] * len(faces)]},
    }
    return {
        "type": "CityJSON",
        "version": version,
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        "transform": {"scale": [0.001] * 3, "translate": [100_000.0, 450_000.0, 0.0]},
        "CityObjects": {
            PAND: {"type": "Building", "attributes": {"b3_h_maaiveld": -0.4}, "children": [f"{PAND}-0"]},
            f"{PAND}-0": {"type": "BuildingPart", "parents": [PAND], "geometry": [solid]},
        },
        "vertices": corners,
    }


def _write(model: Any, path: Path) -> Path:
    path.write_text(json.dumps(model), encoding="utf-8")
    return path


SOUTH_45 = [[(0.0, 0.0, 3.0), (10.0, 0.0, 3.0), (10.0, 4.0, 7.0), (0.0, 4.0, 7.0)]]
FLAT_WITH_HOLE = [
    [(20.0, 0.0, 5.0), (30.0, 0.0, 5.0), (30.0, 10.0, 5.0), (20.0, 10.0, 5.0)],
    [(22.0, 2.0, 5.0), (22.0, 4.0, 5.0), (24.0, 4.0, 5.0), (24.0, 2.0, 5.0)],
]
LINE = [[(0.0, 20.0, 5.0), (5.0, 20.0, 5.0), (10.0, 20.0, 5.0)]]
WALL = [[(0.0, 30.0, 0.0), (5.0, 30.0, 0.0), (5.0, 30.0, 3.0), (0.0, 30.0, 3.0)]]
BOW_TIE = [[(40.0, 0.0, 5.0), (50.0, 10.0, 5.0), (50.0, 0.0, 5.0), (40.0, 10.0, 5.0), (40.0, 6.0, 5.0)]]


def test_faces_against_closed_forms(tmp_path: Path) -> None:
    faces, tally = read_roof_face(_write(_model([SOUTH_45, FLAT_WITH_HOLE, LINE, WALL]), tmp_path / "a.city.json"))
    assert faces["face_id"].tolist() == ["0503100000000310-0-0", "0503100000000310-0-1"]
    # Rises 4 m over 4 m to the north, so it looks south at 45 degrees: area 10 m x 4 m x sqrt(2).
    assert faces["tilt_deg"].tolist() == pytest.approx([45.0, 0.0])
    assert faces["azimuth_deg"].iloc[0] == pytest.approx(180.0)
    assert np.isnan(faces["azimuth_deg"].iloc[1])
    assert faces["roof_area_m2"].tolist() == pytest.approx([40 * 2**0.5, 100.0 - 4.0])
    assert faces["eave_height_m_nap"].tolist() == pytest.approx([3.0, 5.0])
    assert faces["ridge_height_m_nap"].tolist() == pytest.approx([7.0, 5.0])
    assert faces["ground_level_m_nap"].tolist() == pytest.approx([-0.4, -0.4])
    assert faces.geometry.area.tolist() == pytest.approx([40.0, 96.0])
    assert {key: n for key, n in tally.left_out.items() if n} == {
        "face with zero area": 1,
        "vertical face, no projection": 1,
    }
    assert tally.noted["left out, face with zero area: 0503100000000310-0-2"] == 1


def test_self_crossing_face_is_mended_and_named(tmp_path: Path) -> None:
    faces, tally = read_roof_face(_write(_model([BOW_TIE]), tmp_path / "a.city.json"))
    assert len(faces) == 1
    assert faces.geometry.is_valid.all()
    assert "self-crossing face mended (0503100000000310-0-0)" in tally.noted


def test_sequence_numbered_lod_and_other_systems(tmp_path: Path) -> None:
    model = _model([SOUTH_45], version="1.0", lod=2.2)
    head = {**model, "CityObjects": {}, "vertices": []}
    feature = {"type": "CityJSONFeature", "CityObjects": model["CityObjects"], "vertices": model["vertices"]}
    path = tmp_path / "a.city.jsonl"
    path.write_text("\n".join(map(json.dumps, (head, feature))) + "\n", encoding="utf-8")
    assert read_roof_face(path)[0]["tilt_deg"].tolist() == pytest.approx([45.0])
    empty, tally = read_roof_face(path, lod="1.2")
    assert len(empty) == 0
    assert tally.noted["pand without LoD 1.2"] == 1
    other = {**model, "metadata": {"referenceSystem": "urn:ogc:def:crs:EPSG::4979"}}
    with pytest.raises(CrsError, match="4979"):
        read_roof_face(_write(other, tmp_path / "b.city.json"))
    with pytest.raises(FormatError, match="CityJSON"):
        read_roof_face(_write({"type": "FeatureCollection"}, tmp_path / "c.city.json"))


@settings(max_examples=50)
@given(st.floats(0, 80), st.floats(0, 359.9), st.floats(0.5, 40), st.floats(0.5, 40))
def test_normal_of_a_turned_rectangle(tilt: float, azimuth: float, wide: float, deep: float) -> None:
    # A rectangle wide x deep turned to tilt and azimuth keeps its area and looks where it was turned to.
    t, a = np.radians([tilt, azimuth])
    along = np.array([np.cos(a), -np.sin(a), 0.0])
    down = np.array([np.sin(a) * np.cos(t), np.cos(a) * np.cos(t), -np.sin(t)])
    corners = np.array([along * 0, down * deep, down * deep + along * wide, along * wide]) + np.array([1e5, 4.5e5, 3.0])
    normal = ring_normals(corners, np.array([0]))[0]
    normal = normal if normal[2] > 0 else -normal
    assert np.linalg.norm(normal) == pytest.approx(wide * deep, rel=1e-6)
    assert normal[2] == pytest.approx(wide * deep * np.cos(t), rel=1e-6)
    assert normal[0] == pytest.approx(wide * deep * np.sin(t) * np.sin(a), abs=1e-5 * wide * deep)


# --- a sequence is read line by line ---------------------------------------------------------------------------------


def _sequence(count: int, *, lod: Any = "2.2") -> list[str]:
    """Return the lines of a sequence: a head, and so many buildings of one face that looks south at 45 degrees."""
    model = _model([SOUTH_45], lod=lod)
    lines = [json.dumps({**model, "CityObjects": {}, "vertices": []})]
    for n in range(count):
        objects = json.loads(json.dumps(model["CityObjects"]).replace(PAND, f"{PAND[:-4]}{n:04d}"))
        vertices = [[x + 20_000 * n, y, z] for x, y, z in model["vertices"]]
        lines.append(json.dumps({"type": "CityJSONFeature", "CityObjects": objects, "vertices": vertices}))
    return lines


def _packed(path: Path, content: bytes) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr(path.stem, content)
    else:
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("packed", ["", ".gz", ".zip"])
def test_a_sequence_is_bounded_by_its_lines_and_not_by_the_whole(
    packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = _sequence(300)
    content = ("\n".join([*lines[:9], "", *lines[9:]]) + "\n").encode()
    path = _packed(tmp_path / f"stad.city.jsonl{packed}", content)
    # A line takes some 8 kB as values; the whole is 180 kB of text, and 2 MB as values.
    monkeypatch.setattr(archives, "MOST_JSON_BYTES", 20_000)
    faces, tally = read_roof_face(path)
    assert (len(faces), faces["pand_id"].nunique(), tally.noted["pand"]) == (300, 300, 300)
    assert faces["tilt_deg"].to_numpy() == pytest.approx(45.0)
    assert faces.geometry.iloc[-1].bounds[0] == pytest.approx(100_000 + 299 * 20)


def _spoil(lines: list[str], how: str) -> list[str]:
    if how == "cut":
        return [*lines[:2], lines[2][:-40]]
    if how == "long":
        return [*lines[:2], lines[2].replace("[100", "[" + " " * 30_000 + "100", 1) + " " * 30_000]
    return lines + [" " * 1_000] * 10_000 if how == "bomb" else lines


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            "cut",
            r"a whole JSON object on each line.*ends with .*stad\.city\.jsonl.*, line 3.*fetch the file again, whole",
        ),
        ("long", r"JSON whose values take at most.*line 3.*give a smaller area"),
        ("bomb", r"at most 200 times the size of the file.*stad\.city\.jsonl.*do not trust this file"),
        ("much", r"at most 1000 bytes, unpacked.*stad\.city\.jsonl.*give a smaller area"),
        ("faces", r"at most 2 roof faces in a file.*stad\.city\.jsonl.*the publisher's tiles"),
    ],
)
@pytest.mark.parametrize("packed", [".gz", ".zip"])
def test_a_sequence_that_is_broken_or_swollen_says_where_and_what_to_do(
    how: str, words: str, packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = ("\n".join(_spoil(_sequence(3), how)) + "\n").encode()
    path = _packed(tmp_path / f"stad.city.jsonl{packed}", content)
    monkeypatch.setattr(archives, "MOST_JSON_BYTES", 20_000 if how == "long" else archives.MOST_JSON_BYTES)
    monkeypatch.setattr(archives, "MOST_SEQUENCE_BYTES", 1_000 if how == "much" else archives.MOST_SEQUENCE_BYTES)
    monkeypatch.setattr(bag3d, "MOST_FACES", 2 if how == "faces" else bag3d.MOST_FACES)
    with pytest.raises(FormatError, match=words):
        read_roof_face(path)


def test_the_finest_level_of_detail_may_come_last_and_text_may_be_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "a.city.jsonl"
    path.write_text("\r\n".join([*_sequence(2, lod="3"), _sequence(3, lod="2")[3]]), encoding="utf-16")
    faces, tally = read_roof_face(path)
    assert (faces["lod"].tolist(), faces["pand_id"].str[-4:].tolist()) == (["2"], ["0002"])
    assert (tally.noted["LoD 2.2 not in the file, read as LoD 2"], tally.noted["pand without LoD 2"]) == (1, 2)


def test_a_name_that_would_be_written_in_every_face_costs_its_own_building(tmp_path: Path) -> None:
    lines = _sequence(2)
    path = tmp_path / "a.city.jsonl"
    path.write_text("\n".join([*lines[:2], lines[2].replace("0001-0", "0001-0" + "x" * 1_000)]), encoding="utf-8")
    faces, tally = read_roof_face(path)
    assert faces["pand_id"].str[-4:].tolist() == ["0000"]
    assert sum(n for reason, n in tally.noted.items() if "do not match" in reason) == 1


def test_an_infinite_identification_costs_its_own_building_and_not_the_tile(tmp_path: Path) -> None:
    model = _model([SOUTH_45])
    shape = model["CityObjects"][f"{PAND}-0"]["geometry"]
    model["CityObjects"]["los"] = {"type": "Building", "attributes": {"identificatie": float("inf")}, "geometry": shape}
    (tmp_path / "a.city.json").write_text(json.dumps(model))
    faces, tally = read_roof_face(tmp_path / "a.city.json")
    assert faces["pand_id"].tolist() == [PAND[-16:]]
    assert tally.left_out["pand identification is not 16 digits"] == 1
