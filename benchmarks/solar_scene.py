"""A generated town for the sun: houses with saddle and flat roofs, trees, rough ground. The same seed, the same town."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib.clearsky import simplified_solis
from pvlib.solarposition import get_solarposition

from kansenkaart.core.solar.weather import Site

EAVES_M = (3.0, 5.5, 6.0, 8.5, 14.0)
SITE = Site(latitude_deg=52.1, longitude_deg=5.2)


@dataclass(frozen=True)
class Town:
    """Surface [m], face of each cell (-1 = none), building of each face, and tilt and azimuth of each face [deg]."""

    surface_m: NDArray[np.float32]
    face: NDArray[np.int32]
    building: NDArray[np.int64]
    tilt_deg: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]


def clear_year() -> pd.DataFrame:
    """Make a year of clear sky (simplified Solis), hour by hour, that closes: GHI = DHI + DNI cos(zenith)."""
    times = pd.date_range("2021-01-01", periods=8760, freq="h", tz="Etc/GMT-1")
    sun = get_solarposition(times + pd.Timedelta(minutes=30), SITE.latitude_deg, SITE.longitude_deg)
    sky = simplified_solis(sun["apparent_elevation"].to_numpy(), aod700=0.15)
    up = np.maximum(np.sin(np.radians(sun["apparent_elevation"].to_numpy())), 0)
    dni, dhi = np.where(up > 0, sky["dni"], 0.0), np.where(up > 0, sky["dhi"], 0.0)
    return pd.DataFrame({"ghi_w_per_m2": dhi + dni * up, "dni_w_per_m2": dni, "dhi_w_per_m2": dhi}, index=times)


def town(side: int = 1000, *, cell_m: float = 0.5, roof_share: float = 0.19, seed: int = 1) -> Town:
    """Build a town of ``side`` x ``side`` cells with about this share of roof."""
    rng = np.random.default_rng(seed)
    surface = rng.normal(0, 0.03, (side, side)).astype(np.float32)
    face = np.full((side, side), -1, dtype=np.int32)
    planes: list[tuple[int, float, float]] = []
    done, building = 0.0, 0
    while done < roof_share * side * side:
        deep, wide = int(rng.integers(10, 24)), int(rng.integers(12, 80))
        rows, cols = (deep, wide) if rng.random() < 0.5 else (wide, deep)
        r, c = int(rng.integers(2, side - rows - 2)), int(rng.integers(2, side - cols - 2))
        if (face[r - 2 : r + rows + 2, c - 2 : c + cols + 2] >= 0).any():
            continue
        tilt = 0.0 if rng.random() < 0.3 else float(rng.uniform(25, 50))
        spot = (slice(r, r + rows), slice(c, c + cols))
        surface[spot], parts, angles = _roof(rows, cols, float(rng.choice(EAVES_M)), tilt, cell_m)
        face[spot] = parts + len(planes)
        planes += [(building, tilt, a) for a in angles]
        done, building = done + rows * cols, building + 1
    _plant(surface, face, rng)
    table = np.array(planes)
    return Town(surface, face, table[:, 0].astype(np.int64), table[:, 1], table[:, 2])


def _roof(
    rows: int, cols: int, eave_m: float, tilt_deg: float, cell_m: float
) -> tuple[NDArray[np.float32], NDArray[np.int32], list[float]]:
    """Heights, parts and azimuths of a flat or a saddle roof, its ridge along the longer side."""
    if tilt_deg == 0:
        return np.full((rows, cols), eave_m, np.float32), np.zeros((rows, cols), np.int32), [180.0]
    y, x = np.mgrid[0:rows, 0:cols] + 0.5
    across, length, angles = (y, rows, [0.0, 180.0]) if rows < cols else (x, cols, [270.0, 90.0])
    height = eave_m + np.minimum(across, length - across) * cell_m * np.tan(np.radians(tilt_deg))
    return height.astype(np.float32), (across > length / 2).astype(np.int32), angles


def _plant(surface: NDArray[np.float32], face: NDArray[np.int32], rng: np.random.Generator) -> None:
    """Set 150 trees per million cells, none on a roof."""
    side = surface.shape[0]
    y, x = np.mgrid[-8:8, -8:8]
    for _ in range(int(150 * (side / 1000) ** 2)):
        r, c = rng.integers(8, side - 8, 2)
        spot = (slice(r - 8, r + 8), slice(c - 8, c + 8))
        crown = (y * y + x * x < rng.integers(3, 8) ** 2) & (face[spot] < 0)
        surface[spot][crown] = rng.uniform(5, 18) + rng.normal(0, 0.8, int(crown.sum()))
