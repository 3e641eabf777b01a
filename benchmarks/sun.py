"""Sun on roofs: speed, memory and accuracy of the shaded irradiation.

``python benchmarks/sun.py`` runs on a generated town of 1,000 x 1,000 half-metre cells with 19 % roof and compares 36
azimuths with 360, and open planes with pvlib; where GRASS is installed, r.horizon and r.sun run on the same raster.
``--scale 100`` irradiates 100 million cells (the town repeated) in bounded memory. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its idle threads spin for a while, and would be counted

import numpy as np
import pandas as pd
import rasterio
from rasterio.transform import from_origin

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.solar_scene import SITE, Town, clear_year, town
from kansenkaart.core.solar.cells import irradiate, kernel_table, roof_planes
from kansenkaart.core.solar.horizon import horizons, roof_cells
from kansenkaart.core.solar.irradiance import IrradianceTable, cumulative_irradiance, open_plane_energy
from kansenkaart.core.solar.surface import Window, irradiate_sheet

SIDE = 1000


def timed(
    scene: Town, table: IrradianceTable, *, azimuths: int, monthly: bool = False, repeats: int = 1
) -> tuple[float, Any]:
    """Least CPU seconds of a number of runs, and the energy of every cell; the table is per station and stays outside."""
    kernel = kernel_table(table, azimuths=azimuths, monthly=monthly)
    planes = roof_planes(scene.tilt_deg, scene.azimuth_deg, table=table, kernel=kernel)
    seconds, energy = np.inf, np.empty(0)
    for _ in range(repeats):
        start = time.process_time()
        cells = roof_cells(scene.face >= 0, scene.surface_m)
        codes = horizons(scene.surface_m, cells, cell_size_m=0.5, azimuths=azimuths)
        energy = irradiate(codes, planes, scene.face[cells.rows, cells.cols], table=kernel)
        seconds = min(seconds, time.process_time() - start)
    return seconds, energy.sum(axis=1)


def per_roof(scene: Town, energy: Any) -> Any:
    """Mean irradiation of every building [kWh/m2]."""
    building = scene.building[scene.face[scene.face >= 0]]
    return np.bincount(building, energy) / np.bincount(building)


def open_plane_error(table: IrradianceTable, weather: pd.DataFrame) -> float:
    """Largest error of the kernel on open planes against pvlib's Perez, hour by hour."""
    grid = [(t, a) for t in (0, 10, 20, 35, 45, 60, 75) for a in range(0, 360, 15)]
    planes = pd.DataFrame(grid, columns=["tilt_deg", "azimuth_deg"])
    kernel = kernel_table(table)
    ready = roof_planes(planes["tilt_deg"].to_numpy(), planes["azimuth_deg"].to_numpy(), table=table, kernel=kernel)
    ours = irradiate(np.zeros((36, len(grid)), np.uint16), ready, np.arange(len(grid), dtype=np.int32), table=kernel)
    theirs = open_plane_energy(weather, planes, site=SITE).sum(axis=1)
    return float(np.abs(ours[:, 0] / theirs - 1).max())


def scale(scene: Town, table: IrradianceTable, mcells: int) -> dict[str, float]:
    """Irradiate the town repeated to millions of cells, window by window, as from a sheet on disk."""
    side = int(np.sqrt(mcells)) * SIDE
    kernel = kernel_table(table)
    planes = roof_planes(scene.tilt_deg, scene.azimuth_deg, table=table, kernel=kernel)
    read_seconds = [0.0]

    def read(row: int, col: int, rows: int, cols: int) -> Window:
        start = time.process_time()
        pick = np.ix_(np.arange(row, row + rows) % SIDE, np.arange(col, col + cols) % SIDE)
        window = Window(scene.surface_m[pick], scene.face[pick])
        read_seconds[0] += time.process_time() - start
        return window

    start, wall, total, cells = time.process_time(), time.perf_counter(), 0.0, 0
    for tile in irradiate_sheet(read, planes, shape=(side, side), cell_size_m=0.5, table=kernel):
        total += float(tile.energy.sum(dtype=np.float64))
        cells += len(tile.rows)
    cpu = time.process_time() - start - read_seconds[0]
    return {
        "scale_mcells": side * side / 1e6,
        "scale_cpu_s_per_mcell": cpu / (side * side / 1e6),
        "scale_wall_s": time.perf_counter() - wall,
        "scale_mean_kwh_per_m2": total / max(cells, 1),
        "scale_peak_mib": peak_mib(),
    }


def peak_mib() -> float:
    """Peak resident memory of this process [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


GRASS = """
r.in.gdal -o input={dsm} output=dsm --q && g.region raster=dsm && r.slope.aspect elevation=dsm slope=slope aspect=aspect --q
r.horizon elevation=dsm step=10 maxdistance=200 output=hor --q
for h in $(g.list type=raster pattern='hor_*'); do r.mapcalc "$h = max($h, 0)" --overwrite --q; done
for d in 17 47 75 105 135 162 198 228 258 288 318 344; do
  r.sun elevation=dsm aspect=aspect slope=slope horizon_basename=hor horizon_step=10 day=$d step=0.5 glob_rad=glob_$d --q
done
"""


def grass(scene: Town) -> float | None:
    """CPU seconds of GRASS on the same raster: horizons clamped to 0, twelve days in half-hour steps; None without it."""
    program = shutil.which("grass")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        dsm = Path(folder) / "dsm.tif"
        place = from_origin(155000, 463000, 0.5, 0.5)
        profile = {
            "driver": "GTiff",
            "height": SIDE,
            "width": SIDE,
            "count": 1,
            "dtype": "float32",
            "crs": "EPSG:28992",
        }
        with rasterio.open(dsm, "w", transform=place, **profile) as sheet:
            sheet.write(scene.surface_m, 1)
        script = Path(folder) / "run.sh"
        script.write_text("set -e\n" + GRASS.format(dsm=dsm))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([program, "-c", str(dsm), "-e", f"{folder}/loc"], check=True, capture_output=True)
        subprocess.run(
            [program, f"{folder}/loc/PERMANENT", "--exec", "bash", str(script)], check=True, capture_output=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=0, help="million cells to irradiate tile by tile")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--no-grass", action="store_true")
    args = parser.parse_args()
    weather = clear_year()
    table = cumulative_irradiance(weather, site=SITE)
    scene = town(SIDE)
    timed(town(100), table, azimuths=36)  # compile
    cpu, energy = timed(scene, table, azimuths=36, repeats=args.repeats)
    result: dict[str, float] = {"cpu_s_per_mcell": cpu, "ns_per_cell_azimuth": cpu * 1e9 / SIDE**2 / 36}
    result["peak_mib"] = peak_mib()
    print(f"{(scene.face >= 0).mean():.1%} roof, 36 azimuths: {cpu:.3f} CPU s per Mcell, {result['peak_mib']:.0f} MiB")
    result["cpu_s_per_mcell_monthly"], months = timed(scene, table, azimuths=36, monthly=True, repeats=2)
    apart = np.abs(months / energy - 1).max()
    print(f"months: {result['cpu_s_per_mcell_monthly']:.3f} CPU s; they sum to the year within {apart:.1e}")
    truth = per_roof(scene, timed(scene, table, azimuths=360)[1])
    for azimuths in (8, 16, 36, 72):
        seconds, own = timed(scene, table, azimuths=azimuths)
        error = per_roof(scene, own) / truth - 1
        rms, bias = float(np.sqrt((error**2).mean())), float(error.mean())
        print(f"{azimuths:3} azimuths: {seconds:.3f} CPU s, per-roof rms {rms:.3%}, bias {bias:+.3%} against 360")
        if azimuths == 36:
            result["roof_rms_vs_360"] = rms
    result["open_plane_max_error"] = open_plane_error(table, weather)
    if args.scale:
        result |= scale(scene, table, args.scale)
    peer = None if args.no_grass else grass(scene)
    if peer is not None:
        result |= {"grass_cpu_s": peer, "grass_ratio": peer / cpu}
        print(f"GRASS r.horizon + r.sun: {peer:.0f} CPU s, {peer / cpu:.0f} times ours")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
