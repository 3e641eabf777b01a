"""The invented neighbourhood through the whole water score: its designer knows every street, pipe, load and diameter."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.water.design import DesignRules, design_diameters
from kansenkaart.core.water.engine import score_water
from kansenkaart.core.water.hydraulics import Friction
from kansenkaart.core.water.inputs import WaterFrames
from kansenkaart.sources.example import sewer, world
from tests.core.water.water_world import peopled, settings
from tests.pinned import require_as_pinned

RD = "EPSG:28992"
SYSTEM = {
    "Drukleiding": ("drukriool", "pressure"),
    "Persleiding": ("persleiding", "pressure"),
    "Drain": ("drain", "other"),
    "LozeLeiding": ("overig", "other"),
}
# The designer's own rules (sources/example/sewer.py): Manning, 12 l/person/h, combined and rain pipes at least 300 mm.
AS_DESIGNED = DesignRules(
    dwa_peak_l_per_person_h=sewer.PEAK_L_PER_PERSON_H,
    rain_l_per_s_ha=sewer.RAIN_L_PER_S_HA,
    min_rain_mm=float(sewer.MIN_MM["gemengd"]),
    slope_min=1e-4,
    friction=Friction("manning", manning_n=sewer.MANNING_N),
    diameters_mm=tuple(float(size) for size in sewer.STANDARD_MM),
)


def placed(shapes: list[shapely.Geometry]) -> np.ndarray:
    return np.array([shapely.transform(one, lambda xy: xy + np.array(world().origin_rd_m)) for one in shapes])


@pytest.fixture(scope="module")
def model():
    return world().models[0]


@pytest.fixture(scope="module")
def scored(model):
    homes = [one for one in model.homes if one.in_use]
    home = gpd.GeoDataFrame(
        {
            "home_id": [one.number for one in homes],
            "pand_id": [str(one.panden[0]) for one in homes],
            "street_name": [one.street for one in homes],
            "buurtcode": [one.quarter for one in homes],
            "floor_area_m2": 90,
        },
        geometry=placed([shapely.Point(one.point) for one in homes]),
        crs=RD,
    )
    pipes = model.network.pipes
    pipe = gpd.GeoDataFrame(
        [
            {
                "pipe_id": f"{one.number:04d}",
                "from_node": one.start,
                "to_node": one.end,
                "system": SYSTEM.get(one.kind, (one.kind, ""))[0],
                "kind": SYSTEM.get(one.kind, ("", "gravity"))[1],
                "diameter_mm": float(one.diameter_mm),
                "laid_year": one.year,
                "bob_from_m_nap": one.bob_start_m,
                "bob_to_m_nap": one.bob_end_m,
                "street_name": None,
                "status": None,
            }
            for one in pipes
        ],
        geometry=placed([shapely.LineString(one.line) for one in pipes]),
        crs=RD,
    )
    kinds = {"Rioolgemaal": "gemaal", "Pompunit": "gemaal", "Uitlaatconstructie": "uitlaat"}
    nodes = list(model.network.nodes.values())
    node = gpd.GeoDataFrame(
        {"node_id": [one.key for one in nodes], "kind": [kinds.get(one.kind, "put") for one in nodes]},
        geometry=placed([shapely.Point(one.point) for one in nodes]),
        crs=RD,
    )
    streets = json.loads(gzip.decompress((files("kansenkaart") / "data" / "proefveld.json.gz").read_bytes()))["streets"]
    line = gpd.GeoDataFrame(
        {"street_line_id": list(streets), "street_name": list(streets)},
        geometry=placed([shapely.LineString(line) for _, _, line in streets.values()]),
        crs=RD,
    )
    size = pd.DataFrame(
        [{"buurtcode": q.key, "household_size_persons": q.household_size_persons} for q in model.buurten]
    )
    pand = pd.DataFrame([{"pand_id": str(one.number), "bouwjaar": one.bouwjaar} for one in model.panden])
    shape = placed([shapely.Point(one.centre).buffer(4) for one in model.panden])
    frames = WaterFrames(
        home=peopled(home, size),
        pand=gpd.GeoDataFrame(pand, geometry=shape, crs=RD),
        garden_mm=np.full(12, 10.0),
        street_line=line,
        sewer_pipe=pipe,
        sewer_node=node,
    )
    return score_water(frames, settings=settings())


def test_every_home_is_on_its_street_and_pipe(model, scored):
    home = scored.home.set_index("home_id")
    name = home["street_id"].map(scored.street.set_index("street_id")["street_name"])
    truth = pd.DataFrame(
        {one.number: (one.street, f"{model.network.home_pipe[one.number]:04d}") for one in model.homes}
    ).T
    truth = truth.loc[home.index]
    assert (name == truth[0]).all()
    assert (home["pipe_id"] == truth[1]).all()


def designed(model, scored) -> pd.DataFrame:
    """Scored gravity pipes beside what their designer counted and chose."""
    rows = [
        (
            f"{one.number:04d}",
            one.kind,
            one.diameter_mm,
            one.homes_upstream,
            one.people_upstream,
            sewer.SLOPES[one.role],
        )
        for one in model.network.pipes
        if one.kind in sewer.MIN_MM
    ]
    names = ["pipe_id", "medium", "chosen_mm", "homes_true", "people_true", "slope_true"]
    return pd.DataFrame(rows, columns=names).merge(scored.pipe, on="pipe_id", validate="one_to_one")


def test_every_pipe_carries_the_homes_upstream_of_it(model, scored):
    pipe = designed(model, scored)
    foul = pipe[pipe["medium"] != "hemelwater"]
    assert len(foul) > 130
    assert foul["homes"].to_numpy() == pytest.approx(foul["homes_true"].to_numpy())
    assert foul["people"].to_numpy() == pytest.approx(foul["people_true"].to_numpy())
    assert (foul["oriented_by"] == "levels").all()


def test_diameters_before_and_after_are_as_designed(model, scored):
    pipe = designed(model, scored)
    foul = pipe["medium"] != "hemelwater"
    load = pd.DataFrame({"system": pipe["medium"], "people": pipe["people"].where(foul, 0.0)})
    load["paved_m2"] = pipe["homes_true"] * sewer.PAVED_M2_PER_HOME
    found = design_diameters(load, slope=pipe["slope_true"], rules=AS_DESIGNED)
    assert (found["diameter_as_is_mm"] == pipe["chosen_mm"]).all()
    left = 1 - AS_DESIGNED.grey_frac
    after = [
        sewer.designed_diameter_mm(row.medium, row.homes_true, row.people_true * left, row.slope_true)
        for row in pipe.itertuples()
    ]
    assert (found["diameter_grey_off_100_mm"] == after).all()
    # Known from the design: some foul pipes shrink without grey water, no combined or rain pipe does.
    shrinks = found["diameter_grey_off_100_mm"] < found["diameter_as_is_mm"]
    assert shrinks[pipe["medium"] == "vuilwater"].any()
    assert not shrinks[pipe["medium"] != "vuilwater"].any()


def test_the_slope_of_the_levels_is_the_designed_slope(model, scored):
    pipe = designed(model, scored)
    assert pipe["slope"].to_numpy() == pytest.approx(pipe["slope_true"].to_numpy(), abs=3e-4)  # levels to the mm


def test_every_column_of_every_table_is_as_it_was(scored):
    parts = ("street", "pipe", "home", "unassigned", "issues", "month")
    require_as_pinned("water_of_the_field", {part: getattr(scored, part) for part in parts})
