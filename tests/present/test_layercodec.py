"""The packed layer, read back by a second, plain decoder."""

from __future__ import annotations

import gzip
import json

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import MultiPolygon, Polygon, box

from kansenkaart.errors import SchemaError
from kansenkaart.present.layercodec import GRID_PER_M, encode_frame, encode_layer, zigzag_varints
from kansenkaart.present.mapspec import Column
from tests.present.pictures import picture


def read_varints(data: bytes, count: int) -> list[int]:
    """Decode one by one, as the format is described."""
    out, at = [], 0
    for _ in range(count):
        value = shift = 0
        while True:
            byte, at = data[at], at + 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        out.append(value >> 1 if value % 2 == 0 else -(value + 1) // 2)
    assert at == len(data)
    return out


def unpacked(header: dict, payload: bytes) -> tuple[list[list[int]], bytes]:
    """Give the five streams and the rest."""
    data, at, streams = gzip.decompress(payload), 0, []
    counts = [*header["counts"][:3], header["counts"][3], header["counts"][3]]
    for count, size in zip(counts, header["streams"], strict=True):
        streams.append(read_varints(data[at : at + size], count))
        at += size
    return streams, data[at:]


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=40))
@settings(max_examples=60)
def test_varints_come_back(values):
    assert read_varints(zigzag_varints(np.array(values, dtype=np.int64)), len(values)) == values


def test_varints_by_hand():
    # zig-zag: 0 -> 0, -1 -> 1, 1 -> 2, 64 -> 128 = 0x80 0x01 in groups of seven bits, lowest first.
    assert zigzag_varints(np.array([0, -1, 1, 64])) == bytes([0, 1, 2, 0x80, 0x01])


def test_polygons_come_back_within_half_a_grid_step():
    frame = gpd.GeoDataFrame(
        {"k": ["a", "b"]},
        geometry=[
            MultiPolygon([box(0, 0, 10, 10).difference(box(2, 2, 4, 4)), box(20, 0, 25, 5)]),
            Polygon([(30, 0), (40, 0), (35, 8)]),
        ],
        crs=28992,
    )
    frame.geometry = frame.translate(190_000, 560_000)
    header, payload = encode_frame(frame, "polygon", ())
    (parts, rings, points, dx, dy), _ = unpacked(header, payload)
    # The first feature has two parts, of two rings (one hole) and one ring; squares keep 4 points, the triangle 3.
    assert sorted(parts) == [1, 2]
    assert sorted(rings) == [1, 1, 2]
    assert sorted(points) == [3, 4, 4, 4]
    x = (np.cumsum(dx) + header["origin"][0]) / GRID_PER_M
    y = (np.cumsum(dy) + header["origin"][1]) / GRID_PER_M
    east, north = Transformer.from_crs(28992, 3857, always_xy=True).transform(
        *np.array([(190_000, 560_000), (190_030, 560_000), (190_035, 560_008)]).T
    )
    for e, n in zip(east, north, strict=True):
        assert np.hypot(x - e, y - n).min() <= 0.5 * np.sqrt(2) / GRID_PER_M


@pytest.mark.parametrize(
    ("values", "decimals", "width"),
    [
        ([1.0, np.nan, 3.0], 0, 1),
        ([-0.5, 0.25, np.nan], 2, 1),
        ([0, 70_000, 5], 0, 4),
        ([np.nan] * 3, 1, 1),
        ([0, 254, 0], 0, 1),
        ([0, 255, 0], 0, 2),
    ],
)
def test_numbers_come_back_and_unknown_stays_unknown(values, decimals, width):
    frame = gpd.GeoDataFrame({"v": values}, geometry=gpd.points_from_xy([0, 0, 0], [0, 0, 0]), crs=28992)
    header, payload = encode_frame(frame, "point", (Column("v", "v", "s", decimals=decimals),))
    about, (_, rest) = header["columns"][0], unpacked(header, payload)
    assert about["width"] == width
    planes = np.frombuffer(rest[: about["bytes"]], np.uint8).reshape(width, 3)
    codes = sum(planes[k].astype(np.int64) << (8 * k) for k in range(width))
    back = np.where(codes == 0, np.nan, (codes - 1 + about["least"]) / 10**decimals)
    np.testing.assert_allclose(back, np.array(values, float), atol=1e-12)


def test_texts_take_the_smallest_form():
    n = 12
    texts = {
        "id": [f"01996000000000{i:02d}" for i in range(n)],
        "few": ["a", None] * (n // 2),
        "many": [f"straat {i}" for i in range(n)],
    }
    frame = gpd.GeoDataFrame(texts, geometry=gpd.points_from_xy(range(n), [0] * n), crs=28992)
    columns = tuple(Column(name, name, "s", kind="text") for name in texts)
    header, payload = encode_frame(frame, "point", columns)
    assert [one["enc"] for one in header["columns"]] == ["digits", "dict", "text"]
    words = json.loads(gzip.decompress(payload)[-header["textBytes"] :])
    assert words["few"] == ["a"]
    assert sorted(words["many"]) == sorted(texts["many"])


def test_equal_layers_have_equal_bytes_and_order_is_by_place():
    layer = picture().layers[0]
    first = encode_layer(layer)
    assert first == encode_layer(layer)
    assert first.header["key"] == "block"


def test_empty_layer():
    header, payload = encode_frame(gpd.GeoDataFrame({"v": []}, geometry=[], crs=28992), "polygon", ())
    assert header["n"] == 0
    assert unpacked(header, payload)[0] == [[], [], [], [], []]


@pytest.mark.parametrize(("values", "word"), [(["x"], "numbers"), ([np.inf], "finite"), ([0, 1e10], "four bytes")])
def test_wrong_numbers_are_named(values, word):
    n = len(values)
    frame = gpd.GeoDataFrame({"v": values}, geometry=gpd.points_from_xy([0] * n, [0] * n), crs=28992)
    with pytest.raises(SchemaError, match=f"{word}.*'v'"):
        encode_frame(frame, "point", (Column("v", "v", "s"),))
