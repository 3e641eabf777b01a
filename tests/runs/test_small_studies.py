"""Studies as small as the first try of a newcomer: a few homes, a buurt, no roofs. They end in a map, or in words."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from click.testing import CliRunner
from shapely.geometry import Point, box

from kansenkaart.cli import cli
from kansenkaart.config import DATA_VARIABLE
from kansenkaart.errors import StoreError
from kansenkaart.runs import study

RD = "EPSG:28992"
PAND = ["0999100000000001", "0999100000000002"]


def delivered(folder: Path, homes: int) -> str:
    """Write two panden, their homes and a buurt as their registers publish them, and return the text of the study."""
    folder.mkdir(parents=True)
    shapes = [box(200_000 + 20 * one, 500_000, 200_010 + 20 * one, 500_010) for one in range(2)]
    register = {"status": "Pand in gebruik", "bouwjaar": 1970, "identificatie": PAND}
    pyogrio.write_dataframe(gpd.GeoDataFrame(register, geometry=shapes, crs=RD), folder / "pand.gpkg", layer="pand")
    rows = {
        "identificatie": [f"09990100000000{one:02d}" for one in range(homes)],
        "status": "Verblijfsobject in gebruik",
        "gebruiksdoel": "woonfunctie",
        "pandidentificatie": [PAND[one % 2] for one in range(homes)],
        "oppervlakte": 80,
        "openbare_ruimte_naam": "Dorpsstraat",
        "huisnummer": range(1, homes + 1),
        "postcode": "9999AA",
    }
    points = [Point(200_005 + 20 * (one % 2), 500_005) for one in range(homes)]
    pyogrio.write_dataframe(gpd.GeoDataFrame(rows, geometry=points, crs=RD), folder / "home.gpkg", layer="home")
    buurt = {
        "buurtcode": ["BU09990000"],
        "buurtnaam": "Proef",
        "wijkcode": "WK099900",
        "gemeentecode": "GM0999",
        "gemeentenaam": "Proef",
        "aantal_inwoners": 20,
        "aantal_huishoudens": 8,
        "gemiddelde_huishoudsgrootte": 2.5,
        "jrstatcode": "2023BU09990000",
        "water": "NEE",
    }
    land = gpd.GeoDataFrame(buurt, geometry=[box(199_900, 499_900, 200_100, 500_100)], crs=RD)
    pyogrio.write_dataframe(land, folder / "buurt.gpkg", layer="buurten")
    source = '[[source]]\nrole = "{0}"\npublisher = "{1}"\norigin = "file"\nform = "auto"\npath = "{0}.gpkg"\nedition = "1"\n'
    named = (("pand", "bag"), ("home", "bag"), ("buurt", "cbs-gebieden"))
    return 'name = "klein"\ntitle = "Klein"\n' + "".join(source.format(*one) for one in named)


@pytest.mark.slow
def test_a_study_of_eight_homes_has_a_map_for_internal_use_and_says_why_there_is_no_public_one(tmp_path, monkeypatch):
    text = delivered(tmp_path / "gegevens", 8)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "gegevens"))
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "klein.toml").write_text(text, encoding="utf-8")
    run = ["--map", str(tmp_path), "run", "klein", "--stil"]
    assert CliRunner().invoke(cli, [*run, "--intern"], catch_exceptions=False).exit_code == 0
    assert (tmp_path / "maps" / "klein-intern" / "index.html").is_file()
    place = study.open_study("klein", root=tmp_path)
    assert place.store.read("buurt_score")["homes"].tolist() == [8]
    with pytest.raises(StoreError, match=r"at least ten homes together.*--intern") as caught:
        study.run_all(place)
    assert caught.value.exit_code == 5
    with pytest.raises(StoreError, match="the cases of the study"):
        study.run_reports(place, ("buurt", "BU09990000"))
