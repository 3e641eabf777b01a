"""Panden and homes: statuses, spellings of identifications, placeholder years, several panden, unnamed systems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Point, Polygon, box

from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources import bag
from kansenkaart.sources.bag import read_home, read_pand
from kansenkaart.sources.tools.cleaning import bag_id, bag_ids, shape_ids
from kansenkaart.sources.tools.http import Http

SQUARE = box(100_000, 450_000, 100_010, 450_010)  # 10 m x 10 m = 100 m2
BOW_TIE = Polygon([(100_000, 450_000), (100_010, 450_010), (100_010, 450_000), (100_000, 450_010)])


def _pand(number: int, **over: Any) -> dict[str, Any]:
    row = {"identificatie": f"{number:016d}", "bouwjaar": 1965, "status": "Pand in gebruik", "geometry": SQUARE}
    return {**row, **over}


def _write(rows: list[dict[str, Any]], path: Path, *, named: bool = False) -> Path:
    frame = gpd.GeoDataFrame(rows, crs="EPSG:28992")
    document = json.loads(frame.to_json(drop_id=True))
    if named:
        document["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    else:
        document.pop("crs", None)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_every_pand_is_kept_or_left_out_with_a_reason(tmp_path: Path) -> None:
    base = 503100000000000
    rows = [
        _pand(base + 1),
        _pand(base + 2, bouwjaar=1005),
        _pand(base + 3, bouwjaar=9999, status="Verbouwing pand"),
        _pand(base + 4, status="Bouw gestart"),
        _pand(base + 5, geometry=BOW_TIE),
        _pand(base + 1),
        _pand(base + 6, identificatie="geen"),
    ]
    panden, tally = read_pand(_write(rows, tmp_path / "pand.geojson"))
    assert list(panden["pand_id"]) == [f"{base + n:016d}" for n in (2, 3, 5, 1)]
    assert panden["bouwjaar"].isna().tolist() == [True, True, False, False]
    # The bow tie is two triangles of 10 m x 5 m / 2 each: 50 m2.
    assert panden["footprint_area_m2"].round(6).tolist() == [100.0, 100.0, 50.0, 100.0]
    assert {key: n for key, n in tally.left_out.items() if n} == {
        "status: Bouw gestart": 1,
        "identification is not 16 digits": 1,
        "same identification twice": 1,
    }
    assert tally.noted["bouwjaar unknown (placeholder 1005)"] == 1
    assert tally.noted["self-crossing geometry mended"] == 1
    assert panden["homes"].isna().all()


def test_degrees_and_foreign_files_are_refused(tmp_path: Path) -> None:
    degrees = [_pand(503100000000001, geometry=box(5.0, 52.0, 5.001, 52.001))]
    with pytest.raises(CrsError, match="RD New"):
        read_pand(_write(degrees, tmp_path / "degrees.geojson"))
    wrong = tmp_path / "wrong.geojson"
    wrong.write_text("<html>busy</html>", encoding="utf-8")
    with pytest.raises(FormatError, match=r"wrong\.geojson"):
        read_pand(wrong)
    with pytest.raises(FormatError, match="bouwjaar"):
        read_pand(_write([{"identificatie": "1", "geometry": SQUARE}], tmp_path / "bare.geojson"))
    with pytest.raises(FormatError, match="one of the formats"):
        read_pand(wrong, form="made-up")


def test_homes_are_dwellings_in_use(tmp_path: Path) -> None:
    base: dict[str, Any] = {
        "status": "Verblijfsobject in gebruik",
        "gebruiksdoel": "woonfunctie",
        "oppervlakte": 80,
        "pandidentificatie": "0503100000000001",
        "openbare_ruimte_naam": "Dorpsstraat",
        "postcode": "2611AA",
        "huisnummer": 1,
        "huisletter": None,
        "toevoeging": None,
        "geometry": Point(100_005, 450_005),
    }
    rows = [
        base | {"identificatie": "0503010000000001", "huisletter": "A", "toevoeging": "2"},
        base
        | {
            "identificatie": "0503010000000002",
            "gebruiksdoel": "winkelfunctie,woonfunctie",
            "pandidentificatie": "0503100000000009,0503100000000002",
            "oppervlakte": 999999,
        },
        base | {"identificatie": "0503010000000003", "gebruiksdoel": "kantoorfunctie"},
        base | {"identificatie": "0503010000000004", "status": "Verblijfsobject gevormd"},
        base | {"identificatie": "0503010000000005", "pandidentificatie": "https://x/items/6bd0a1f2-0f44-5f3e"},
    ]
    homes, tally = read_home(_write(rows, tmp_path / "vbo.geojson", named=True))
    assert homes["home_id"].str[-1].tolist() == ["1", "2", "5"]
    assert homes["house_letter"].fillna("").tolist() == ["A-2", "", ""]
    assert homes["pand_id"].fillna("?").tolist() == ["0503100000000001", "0503100000000002", "?"]
    assert homes["pand_ids"].iloc[1] == "0503100000000002,0503100000000009"
    assert homes["pand_count"].iloc[1] == 2
    assert homes["floor_area_m2"].isna().tolist() == [False, True, False]
    assert tally.left_out["gebruiksdoel: kantoorfunctie"] == 1
    assert tally.left_out["status: Verblijfsobject gevormd"] == 1
    assert tally.noted["home in more than one pand"] == 1
    assert tally.noted["home without a pand that can be identified"] == 1


@pytest.mark.parametrize(
    "spelling",
    ["0503100000018603", "503100000018603", 503100000018603, 503100000018603.0, "NL.IMBAG.Pand.0503100000018603"],
)
def test_spellings_of_one_identification(spelling: object) -> None:
    assert bag_id(spelling) == "0503100000018603"


def test_lists_of_identifications() -> None:
    assert bag_ids("{NL.IMBAG.Pand.0503100000000002,NL.IMBAG.Pand.0503100000000001}") == [
        "0503100000000001",
        "0503100000000002",
    ]
    assert bag_ids(None) == []
    assert bag_ids(float("nan")) == []
    assert bag_ids(float("inf")) == []


def test_made_up_identifications_do_not_depend_on_order() -> None:
    shapes = gpd.GeoSeries([SQUARE, BOW_TIE.buffer(1)]).to_numpy()
    assert shape_ids(shapes, prefix="x") == shape_ids(shapes[::-1], prefix="x")[::-1]


def test_days_in_the_file_of_the_country_are_cut_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"identificatie": "0503100000000001", "bouwjaar": 1965, "status": "Pand in gebruik"}
    days = {
        "documentdatum": pd.to_datetime(["2020-01-31", None]),
        "eind_geldigheid": pd.to_datetime([None, "2021-02-01"]),
    }
    rows = pd.DataFrame([told, told | {"identificatie": "0503100000000002"}]).assign(**days)
    path = tmp_path / "bag-light.gpkg"
    gpd.GeoDataFrame(rows, geometry=[box(1e5, 4.5e5, 1e5 + 9, 4.5e5 + 9)] * 2, crs=28992).to_file(path, layer="pand")
    monkeypatch.setattr(bag, "reachable", lambda urls, **_: urls[0])
    monkeypatch.setattr(bag, "keep_bulk", lambda *_, **__: (path, "2026-11-01"))
    asked: Any = {
        "urls": ["https://x"],
        "role": "pand",
        "edition": "latest",
        "bbox_m": (1e5, 4.5e5, 1e5 + 9, 4.5e5 + 9),
    }
    cut, _ = bag.fetch_window(tmp_path / "raw", **asked, needs=(), http=Http())
    panden, tally = read_pand(cut)
    assert panden["pand_id"].tolist() == ["0503100000000001"]
    assert tally.left_out["voorkomen ended or withdrawn"] == 1
