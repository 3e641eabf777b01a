"""Pictures of real places for docs/methods/water.md: `python benchmarks/water_pictures.py [bodegraven] [delft]`.

Bodegraven-Reeuwijk: homes that pass each pipe, one home counted per started 10 m of pipe (the extract holds none).
Delft: each surface of the block in the colour of the street that it is put on. Needs matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.water import municipality, run
from kansenkaart.core.water.assign import Reach, assign_homes, assign_panden, nearest, sample_points
from kansenkaart.core.water.network import accumulate
from kansenkaart.core.water.streets import build_streets

DOCS = Path(__file__).parents[1] / "docs" / "methods"
BLOCK = Path(__file__).parents[1].parent / "shared" / "data" / "delft" / "bgt"
MATERIAL = {
    "wegdeel": "surfacematerial",
    "begroeidterreindeel": "class",
    "onbegroeidterreindeel": "bgt_fysiekvoorkomen",
    "waterdeel": "class",
}
LAYERS = (("vuil en gemengd", "#21526b"), ("regen", "#2a9d4f"), ("onder druk", "#c2410c"))
DOTS_PER_INCH = 100
COLORS = 48


def bgt(name: str, folder: Path = BLOCK) -> gpd.GeoDataFrame:
    """Read one kind of terrain of the block in Delft as a table `terrain`."""
    raw = gpd.read_file(folder / f"bgt_{name}.sqlite")
    table = {"terrain_id": raw["gml_id"], "kind": name, "function": raw.get("function"), "surface": raw[MATERIAL[name]]}
    return gpd.GeoDataFrame(table, geometry=raw.geometry, crs=28992)


def block(folder: Path = BLOCK) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Terrain, panden, streets and the street of each pand; a home without a name stands in each pand."""
    terrain = gpd.GeoDataFrame(pd.concat([bgt(name, folder) for name in MATERIAL], ignore_index=True), crs=28992)
    raw = gpd.read_file(folder / "bgt_pand.sqlite")
    pand = gpd.GeoDataFrame({"pand_id": raw["gml_id"]}, geometry=raw.geometry, crs=28992)
    table = {"home_id": pand["pand_id"], "pand_id": pand["pand_id"], "street_name": None}
    home = gpd.GeoDataFrame(table, geometry=pand.representative_point(), crs=28992)
    street = build_streets(home=home, terrain=terrain)
    put = assign_homes(home, street=street, reach=Reach())
    return terrain, pand, street, assign_panden(pand, home=home, home_street=put, street=street, reach=Reach())


def draw_bodegraven(path: Path) -> None:
    """Draw accumulated flow: the wider the line, the more homes pass the pipe; pumps as dots."""
    from matplotlib import pyplot as plt
    from matplotlib.collections import LineCollection

    pipe, node = municipality()
    graph, forest, load, _ = run(pipe, node)
    homes = accumulate(forest, load=load)[0][:, 0]
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 5.2), width_ratios=(1.05, 1))
    ends = np.stack([graph.xy[forest.tail], graph.xy[forest.head]], axis=1)
    middle = graph.xy[forest.head[np.argmax(np.where(graph.layer == 0, homes, 0.0))]]
    for axis in axes:
        for layer, (label, color) in enumerate(LAYERS):
            own = np.flatnonzero(graph.layer == layer)
            own = own[np.argsort(homes[own])]
            width = 0.25 + 3.5 * np.sqrt(homes[own] / homes.max())
            axis.add_collection(LineCollection(ends[own], linewidths=width, colors=color, label=label))
        axis.set_aspect("equal")
        axis.autoscale()
        axis.set_axis_off()
    foul = graph.layer == 0
    foul_node = np.unique(np.concatenate([graph.start[foul], graph.end[foul]]))
    pump = foul_node[graph.kind[foul_node] == "gemaal"]
    axes[1].scatter(*graph.xy[pump].T, s=16, color="black", zorder=3, label="gemaal")
    axes[1].set(xlim=middle[0] + np.array([-900, 900]), ylim=middle[1] + np.array([-900, 900]))
    axes[0].legend(loc="lower left", fontsize=7, frameon=False)
    axes[0].set_title("hele gemeente", fontsize=8)
    axes[1].set_title(f"rond de drukste buis ({homes[foul].max():.0f} woningen)", fontsize=8)
    _save(figure, path)


def draw_delft(path: Path) -> None:
    """Draw the block: roofs, yards and public ground in the colour of their street, streets outlined; grey: none."""
    from matplotlib import pyplot as plt

    terrain, pand, street, put = block()
    color = dict(zip(street["street_id"], plt.get_cmap("Set2").colors + plt.get_cmap("Dark2").colors, strict=False))
    land = terrain[terrain["kind"] != "waterdeel"].reset_index(drop=True)
    yard = (land["surface"] == "erf").to_numpy()
    figure, axis = plt.subplots(figsize=(6.4, 5.0))
    terrain[terrain["kind"] == "waterdeel"].plot(ax=axis, color="#c6dbef")
    reach = Reach()
    for own, target, owner, far in (
        (land[yard], pand, put["street_id"], reach.yard_m),
        (land[~yard], street, street["street_id"], reach.surface_m),
    ):
        points, _ = sample_points(own.geometry.to_numpy(), step_m=reach.sample_m)
        position, _ = nearest(shapely.points(points), targets=target.geometry.to_numpy(), reach_m=far)
        owners = [*owner, None]  # the last for what is out of reach
        shade = [color.get(owners[one], (0.8, 0.8, 0.8)) for one in position]
        axis.scatter(*points.T, s=11, marker="s", c=shade, linewidths=0, alpha=0.55)
    pand.plot(
        ax=axis, color=[color.get(one, (0.8, 0.8, 0.8)) for one in put["street_id"]], edgecolor="white", linewidth=0.3
    )
    street.boundary.plot(ax=axis, color="#222222", linewidth=0.6)
    west, south, east, north = pand.total_bounds
    axis.set(xlim=(west - 25, east + 40), ylim=(south - 25, north + 10))
    axis.set_axis_off()
    _save(figure, path)


def _save(figure, path: Path) -> None:
    from PIL import Image

    figure.tight_layout(pad=0.2)
    figure.savefig(path, dpi=DOTS_PER_INCH)
    Image.open(path).convert("RGB").quantize(COLORS).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["bodegraven", "delft"]
    if "bodegraven" in wanted:
        draw_bodegraven(DOCS / "water_bodegraven.png")
    if "delft" in wanted:
        draw_delft(DOCS / "water_delft.png")
