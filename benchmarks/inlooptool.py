"""Where the rain of each surface goes, by us and by the rules of the open BGT-inlooptool, and why the two differ.

``python benchmarks/inlooptool.py FOLDER`` takes the tables of a finished study (``data/processed/proefveld``);
``python benchmarks/inlooptool.py delft`` takes the block of Delft, whose sewers nobody gave: a combined one is drawn along
every street and a rain sewer 1.5 m beside it along every other one. The rules of the tool are written anew here from its
decision tree (nens/bgt-inlooptool, core/inlooptool.py and defaults.py, as of 2024), without gullies. Last line is JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.water_pictures import block
from kansenkaart.core.water.assign import nearest
from kansenkaart.core.water.engine import score_water
from kansenkaart.core.water.inputs import WaterFrames
from kansenkaart.core.water.sewer import rain_preference
from kansenkaart.score import streets
from kansenkaart.tables import assumptions
from kansenkaart.tables.store import Store

PIPE_M, WATER_M, OURS_PAND_WATER_M, BESIDE_M, SEPARATE_FROM = 40.0, 2.0, 6.0, 3.0, 1992
TO = ("combined", "rain", "open_water", "soil")
PAVED = ("gesloten verharding", "open verharding")


def of_tool(shapes: pd.DataFrame, pipe: gpd.GeoDataFrame, water: np.ndarray) -> pd.DataFrame:
    """Say which share of each surface the tool sends where; ``roof``, ``year`` and ``hard`` as its tables hold them."""
    away = {
        name: np.where(
            (found := nearest(shapes["geometry"].to_numpy(), targets=targets, reach_m=PIPE_M))[0] >= 0, found[1], np.inf
        )
        for name, targets in (
            ("combined", pipe.geometry[pipe["system"] == "gemengd"].to_numpy()),
            ("rain", pipe.geometry[pipe["system"].isin(("hemelwater", "verbeterd_gescheiden"))].to_numpy()),
        )
    }
    wet = nearest(shapes["geometry"].to_numpy(), targets=water, reach_m=WATER_M)[0] >= 0
    near = {name: np.isfinite(one) for name, one in away.items()}
    gap = np.where(near["combined"] & near["rain"], away["combined"], np.inf) - np.where(
        near["rain"], away["rain"], 0.0
    )
    both, far = np.abs(gap) <= BESIDE_M, ~(near["combined"] | near["rain"])
    dry = ~shapes["hard"].to_numpy() | far
    nearer = away["combined"] < away["rain"]
    new = shapes["roof"].to_numpy() & (shapes["year"].to_numpy(float) > SEPARATE_FROM)
    rain = np.where(both, np.where(new, 0.5, 1.0), np.where(nearer, 0.0, 1.0))
    out = pd.DataFrame({"combined": 1 - rain, "rain": rain, "open_water": 0.0, "soil": 0.0}, index=shapes.index)
    out.loc[wet, list(TO)] = (0.0, 0.0, 1.0, 0.0)
    out.loc[dry, list(TO)] = (0.0, 0.0, 0.0, 1.0)
    return out.assign(both=both, far=far)


def of_ours(result: object, pand: pd.DataFrame, home: pd.DataFrame) -> pd.DataFrame:
    """Say how many paved m2 of each surface we send where."""
    part = result.surface.reset_index(drop=True)  # type: ignore[attr-defined]
    pipe, area = result.pipe, part["paved_m2"].astype(float)  # type: ignore[attr-defined]
    systems = pipe[pipe["layer"] != "pressure"].groupby("street_id")["system"].agg(set)
    has = {
        name: part["street_id"].map(lambda one, kinds=kinds: bool(systems.get(one, set()) & kinds)).astype(bool)
        for name, kinds in (("combined", {"gemengd"}), ("rain", {"hemelwater", "verbeterd_gescheiden"}))
    }
    frac = rain_preference(part, pand, home)
    frac = frac.where(has["combined"] & has["rain"], has["rain"].astype(float))
    sewered = part["drains_to"].eq("sewer") & (has["combined"] | has["rain"])
    out = pd.DataFrame({"surface_id": part["surface_id"], "kind": part["kind"]})
    out["combined"] = np.where(sewered, area * (1 - frac), 0.0)
    out["rain"] = np.where(sewered, area * frac, 0.0)
    out["open_water"] = np.where(part["drains_to"].eq("open_water"), area, 0.0)
    out["soil"] = np.where(part["drains_to"].eq("soil"), area, 0.0)
    out["none"] = np.where(part["drains_to"].eq("sewer") & ~sewered, area, 0.0)
    return out.groupby(["surface_id", "kind"], sort=False).sum().reset_index()


def compare(frames: WaterFrames) -> pd.DataFrame:
    """Set both beside each other, surface by surface, with the rule in which they differ."""
    known = assumptions.default()
    result = score_water(frames, settings=streets._settings(known, bounds=()))
    ours = of_ours(result, frames.pand, result.home).set_index("surface_id")
    terrain = frames.terrain
    land = terrain[~terrain["kind"].isin(("pand", "waterdeel"))]
    given = pd.DataFrame(
        {
            "geometry": land.geometry.to_numpy(),
            "hard": land["surface"].isin(PAVED).to_numpy(),
            "roof": False,
            "year": np.nan,
        },
        index=land["terrain_id"],
    )
    roofs = pd.DataFrame(
        {
            "geometry": frames.pand.geometry.to_numpy(),
            "hard": True,
            "roof": True,
            "year": frames.pand["bouwjaar"].astype("Float64").to_numpy(float, na_value=np.nan),
        },
        index=frames.pand["pand_id"],
    )
    shapes = pd.concat([roofs, given]).loc[lambda one: one.index.isin(ours.index)]
    water = terrain.geometry[terrain["kind"].eq("waterdeel")].to_numpy()
    pipe = result.pipe[result.pipe["layer"] != "pressure"]
    tool = of_tool(shapes, pipe, water)
    ours = ours.reindex(shapes.index)
    paved = ours[[*TO, "none"]].sum(axis=1)
    area = np.where(shapes["hard"], shapely.area(shapes["geometry"].to_numpy()), paved)
    theirs = tool[list(TO)].mul(area, axis=0)
    wet6 = nearest(shapes["geometry"].to_numpy(), targets=water, reach_m=OURS_PAND_WATER_M)[0] >= 0
    moved = (ours[list(TO)] - theirs).abs().sum(axis=1) / 2 + ours["none"] / 2
    rule = np.select(
        [
            moved < 0.01 * np.maximum(area, 1.0),
            ~shapes["hard"] & paved.gt(0),
            shapes["roof"] & wet6 & (theirs["open_water"] == 0),
            tool["far"],
            shapes["roof"] & tool["both"] & (shapes["year"] > SEPARATE_FROM),
            shapes["roof"] & tool["both"],
            tool["both"],
            theirs["open_water"].ne(ours["open_water"]),
        ],
        [
            "same",
            "yard",
            "pand 2-6 m from water",
            "over 40 m from a sewer",
            "new roof beside both",
            "old roof beside both",
            "ground beside both",
            "water",
        ],
        default="nearest sewer or that of the street",
    )
    return pd.concat([ours, theirs.add_prefix("tool_")], axis=1).assign(rule=rule, moved_m2=moved)


def frames_of(place: str) -> WaterFrames:
    """Return what the sources hold of a study, or of the block of Delft with sewers drawn along its streets."""
    if place != "delft":
        return streets._frames(Store(Path(place)), assumptions.default())
    terrain, pand, street, _ = block()
    axis = [_axis(one) for one in street.geometry]
    rows = [("gemengd", one) for one in axis] + [
        ("hemelwater", shapely.transform(one, lambda xy: xy + 1.5)) for one in axis[::2]
    ]
    pipe = gpd.GeoDataFrame({"system": [one for one, _ in rows]}, geometry=[one for _, one in rows], crs=28992)
    pipe = pipe.assign(
        pipe_id=[f"p{n}" for n in range(len(pipe))], kind=pipe["system"], length_m=pipe.length, street_name=None
    )
    for name in ("from_node", "to_node", "shape", "material", "status"):
        pipe[name] = None
    for name in ("diameter_mm", "width_mm", "laid_year", "bob_from_m_nap", "bob_to_m_nap"):
        pipe[name] = np.nan
    home = gpd.GeoDataFrame(
        {
            "home_id": pand["pand_id"],
            "pand_id": pand["pand_id"],
            "street_name": None,
            "people": 2.2,
            "grey_water_m3_per_year": 48.0,
        },
        geometry=pand.representative_point(),
        crs=28992,
    )
    return WaterFrames(
        home=home, pand=pand.assign(bouwjaar=np.nan), garden_mm=np.zeros(12), terrain=terrain, sewer_pipe=pipe
    )


def _axis(shape: shapely.Geometry) -> shapely.LineString:
    """Line through the middle of the rectangle around a street, along its longer side."""
    ring = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shape))[:4]
    if np.hypot(*(ring[1] - ring[0])) > np.hypot(*(ring[2] - ring[1])):
        ring = np.roll(ring, -1, axis=0)
    return shapely.LineString([(ring[0] + ring[1]) / 2, (ring[2] + ring[3]) / 2])


def main() -> None:
    """Print the sums, and what lies behind the difference."""
    table = compare(frames_of(sys.argv[1] if len(sys.argv) > 1 else "delft"))
    sums = pd.DataFrame(
        {"ours_m2": table[[*TO, "none"]].sum(), "tool_m2": table[[f"tool_{one}" for one in TO]].sum().set_axis(TO)}
    )
    print(sums.round(0).to_string())
    why = table.groupby("rule")["moved_m2"].agg(["size", "sum"]).round(0).sort_values("sum", ascending=False)
    print(why.to_string())
    print(json.dumps({"sums": sums.round(0).fillna(0).to_dict(), "rules": why.to_dict("index")}))


if __name__ == "__main__":
    main()
