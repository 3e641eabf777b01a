"""Irradiation of roof cells from their horizons: E = n . sum_a V_a(h_a) + band + ground.

Per cell and period (twelve months, or the year alone). The plane's own horizon takes part: behind a roof the sun
shines on its back. Normals are those of the roof's plane, given per face: gradients of the raster are 6 % wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from kansenkaart.core.solar.horizon import Floats, encode_slope
from kansenkaart.core.solar.horizon_kernel import VARIANT, add_four
from kansenkaart.core.solar.irradiance import BAND_DEG, IrradianceTable
from kansenkaart.errors import ConfigError
from kansenkaart.kernel import kernel

BINS = 512  # steps of the horizon code in the kernel's table
SHIFT = 7  # from a 16-bit code to its step
PARTS = 4  # of the energy in a step: east, north, up and band
BLOCK = 1024  # cells that one worker adds up at a time
STEEPEST_DEG = 89.0


@dataclass(frozen=True)
class KernelTable:
    """An irradiance table laid out for the kernel: (A, BINS, 4, P) float32, with east, north, up and band.

    Attributes
    ----------
    energy : numpy.ndarray
        Energy above each step of the horizon code [kWh/m2].
    ground : numpy.ndarray
        Ground reflection on a plane that sees nothing else, (P,) [kWh/m2].
    """

    energy: Floats
    ground: Floats

    @property
    def azimuths(self) -> int:
        """Number of azimuth sectors [1]."""
        return int(self.energy.shape[0])

    @property
    def periods(self) -> int:
        """Number of periods [1]: 12 months or 1 year."""
        return int(self.ground.size)


def kernel_table(table: IrradianceTable, *, azimuths: int = 36, monthly: bool = False) -> KernelTable:
    """Lay a table out for the kernel: any number of sectors, per month or for the year alone.

    Parameters
    ----------
    table : IrradianceTable
        The station.
    azimuths : int
        Number of sectors [1].
    monthly : bool
        Twelve months, or the year alone.

    Raises
    ------
    ConfigError
        If the number of sectors is not from 4 to 360.
    """
    fine = table.vector.shape[1]
    if not 4 <= azimuths <= fine:
        raise ConfigError(f"4 to {fine} azimuths", found=str(azimuths), where="azimuths")
    vector, band, ground = table.vector.astype(np.float64), table.band, table.ground
    if not monthly:
        vector, band, ground = vector.sum(axis=0)[None], band.sum(keepdims=True), ground.sum(keepdims=True)
    joined = np.tensordot(_join(azimuths, fine), vector, axes=(1, 1)).swapaxes(0, 1)
    u = (np.arange(BINS) + 0.5) / BINS
    u[0] = 0.0  # the lowest step is the open horizon
    height = np.degrees(np.arctan2(u, 1.0 - u))
    place = np.clip(height / (table.edges_deg[1] - table.edges_deg[0]), 0, table.edges_deg.size - 1.001)
    low = place.astype(int)
    share = (place - low)[:, None]
    at = joined[:, :, low] * (1 - share) + joined[:, :, low + 1] * share
    parts = np.empty((azimuths, BINS, PARTS, ground.size), dtype=np.float32)
    parts[:, :, :3] = at.transpose(1, 2, 3, 0)
    # A vertical plane facing the band sees half the round of sectors: int cos = 2, so each radian carries band / 2.
    parts[:, :, 3] = np.clip(1.0 - height / BAND_DEG, 0.0, 1.0)[:, None] * band * np.pi / azimuths
    return KernelTable(parts, ground.astype(np.float32))


def _join(azimuths: int, fine: int) -> NDArray[np.float64]:
    """Share of every fine sector that falls in each coarse one; one on a border is split."""
    place = np.arange(fine) * azimuths / fine
    share = np.zeros((azimuths, fine))
    for nudge in (-1e-9, 1e-9):
        share[np.round(place + nudge).astype(int) % azimuths, np.arange(fine)] += 0.5
    return share


@dataclass(frozen=True)
class RoofPlanes:
    """Planes of roof faces as the kernel wants them.

    Attributes
    ----------
    slopes : numpy.ndarray
        Horizontal over vertical part of the normal, (faces, 2) east and north [1].
    open_kwh_per_m2 : numpy.ndarray
        Irradiation under an open sky, (faces, periods) [kWh/m2].
    factor : numpy.ndarray
        Open irradiation hour by hour over that of the kernel's sectors [1]: it takes out what wide sectors cost on
        planes that cut through them.
    """

    slopes: Floats
    open_kwh_per_m2: Floats
    factor: Floats


def roof_planes(
    tilt_deg: NDArray[Any], azimuth_deg: NDArray[Any], *, table: IrradianceTable, kernel: KernelTable | None = None
) -> RoofPlanes:
    """Prepare planes for a station; their open irradiation is that of pvlib's Perez, hour by hour.

    Parameters
    ----------
    tilt_deg, azimuth_deg : numpy.ndarray
        Of each face [deg]; 0 is flat, and north, clockwise. The azimuth of a flat face may be NaN.
    table : IrradianceTable
        The station.
    kernel : KernelTable, optional
        The same station, from ``kernel_table``; if left out, that of 36 sectors and the year.

    Raises
    ------
    ConfigError
        If a plane is steeper than 89 deg or has no tilt: a wall is not a roof.
    """
    kernel = kernel_table(table) if kernel is None else kernel
    slopes = _plane_slopes(tilt_deg, azimuth_deg)
    count = len(slopes)
    months = np.zeros((count, len(table.ghi)), dtype=np.float32)
    _open(slopes, table.suns, table.suns_month, months)
    up = 1.0 / np.sqrt(1.0 + (slopes.astype(np.float64) ** 2).sum(axis=1))[:, None]
    diffuse = table.dome * (1 + up) / 2 + table.band * np.sqrt(1 - up**2) + table.ground * (1 - up) / 2
    exact = (months + diffuse).astype(np.float32)
    exact = exact if kernel.periods > 1 else exact.sum(axis=1, keepdims=True)
    bare = RoofPlanes(slopes, exact, np.ones((count, kernel.periods), np.float32))
    codes = np.zeros((kernel.azimuths, count), np.uint16)
    coarse = irradiate(codes, bare, np.arange(count, dtype=np.int32), table=kernel)
    return RoofPlanes(slopes, exact, exact / np.maximum(coarse, np.float32(1e-6)))


@kernel(parallel=True, fastmath=True)
def _open(slopes: Any, suns: Any, first: Any, out: Any) -> None:
    """Sum the sun's hours in front of every plane."""
    for f in prange(len(slopes)):
        p, q = slopes[f, 0], slopes[f, 1]
        up = np.float32(1.0) / np.sqrt(np.float32(1.0) + p * p + q * q)
        for m in range(out.shape[1]):
            total = np.float32(0.0)
            for s in range(first[m], first[m + 1]):
                total += max(p * suns[s, 0] + q * suns[s, 1] + suns[s, 2], np.float32(0.0))
            out[f, m] = up * total


def _plane_slopes(tilt_deg: NDArray[Any], azimuth_deg: NDArray[Any]) -> Floats:
    tilt, azimuth = np.asarray(tilt_deg, dtype=float), np.radians(np.asarray(azimuth_deg, dtype=float))
    bad = int((~((tilt >= 0) & (tilt <= STEEPEST_DEG))).sum())
    if bad:
        raise ConfigError("roof planes of 0 to 89 deg", found=f"{bad} planes outside", where="tilt_deg")
    steep = np.tan(np.radians(tilt))
    azimuth = np.where(tilt > 0, np.nan_to_num(azimuth), 0.0)
    return np.stack([steep * np.sin(azimuth), steep * np.cos(azimuth)], axis=1).astype(np.float32)


def irradiate(
    horizon_codes: NDArray[np.uint16], planes: RoofPlanes, face: NDArray[np.int32], *, table: KernelTable
) -> Floats:
    """Irradiation of cells from their horizons.

    Parameters
    ----------
    horizon_codes : numpy.ndarray
        (azimuths, cells) from ``horizons``.
    planes : RoofPlanes
        From ``roof_planes`` for the same number of azimuths and periods.
    face : numpy.ndarray
        Face of each cell, an index in ``planes``.
    table : KernelTable
        The station.

    Returns
    -------
    numpy.ndarray
        (cells, periods) [kWh/m2].

    Raises
    ------
    ConfigError
        If the horizons and the table have another number of azimuths, or a label has no face.
    """
    if horizon_codes.shape[0] != table.azimuths:
        raise ConfigError(f"horizons in {table.azimuths} azimuths", found=str(len(horizon_codes)), where="horizons")
    if planes.factor.shape[1] != table.periods:
        raise ConfigError(f"planes for {table.periods} periods", found=str(planes.factor.shape[1]), where="planes")
    slopes = planes.slopes
    if face.size and not (int(face.min()) >= 0 and int(face.max()) < len(slopes)):
        raise ConfigError(f"labels from 0 to {len(slopes) - 1}", found=str(int(face.max())), where="face")
    turn = np.arange(table.azimuths) * (2 * np.pi / table.azimuths)
    east, north = slopes.astype(np.float64).T
    facing = np.outer(np.sin(turn), east) + np.outer(np.cos(turn), north)
    out = np.zeros((face.size, table.periods), dtype=np.float32)
    planes_of = (slopes, encode_slope(-facing), np.maximum(facing, 0.0).astype(np.float32), planes.factor)
    _add_up(horizon_codes, planes_of, face, table.energy, table.ground, out)
    return out


@kernel(variant=VARIANT, parallel=True, fastmath={"contract"})
def _add_up(codes: Any, planes: Any, face: Any, energy: Any, ground: Any, out: Any) -> None:
    """Sum the sectors of every cell, a block of cells at a time; everything is divided by the normal's upward part."""
    slopes, own, front, factor = planes
    cells, periods = out.shape
    for block in prange((cells + BLOCK - 1) // BLOCK):
        begin, end = block * BLOCK, min((block + 1) * BLOCK, cells)
        ends, sums = _runs(face, begin, end), np.zeros((BLOCK if periods == 1 else 0, PARTS), np.float32)
        for a in range(energy.shape[0]):
            if periods == 1:
                _add_year(codes[a], (begin, ends), face, (front[a], own[a]), energy[a], sums)
            else:
                _add_months(codes[a], (begin, ends), face, (slopes, front[a], own[a]), energy[a], out)
        for c in range(begin, end):
            p, q = slopes[face[c], 0], slopes[face[c], 1]
            if periods == 1:
                i = c - begin
                out[c, 0] = p * sums[i, 0] + q * sums[i, 1] + sums[i, 2] + sums[i, 3]
            up = np.float32(1.0) / np.sqrt(np.float32(1.0) + p * p + q * q)
            for m in range(periods):
                ground_part = np.float32(0.5) * (np.float32(1.0) - up) * ground[m]
                out[c, m] = factor[face[c], m] * (up * out[c, m] + ground_part)


@kernel
def _runs(face: Any, begin: int, end: int) -> Any:
    """Find where runs of cells of one face end."""
    ends, count = np.empty(end - begin, np.int64), 0
    for c in range(begin + 1, end + 1):
        if c == end or face[c] != face[c - 1]:
            ends[count] = c
            count += 1
    return ends[:count]


@kernel(variant=VARIANT)
def _add_year(codes: Any, runs: Any, face: Any, planes: Any, energy: Any, sums: Any) -> None:
    """Add one sector to runs of cells of one face: east, north, up, and the band times how the face is turned to it."""
    first, ends = runs
    front, own = planes
    begin = first
    for end in ends:
        lit, least = front[face[begin]], own[face[begin]]
        for c in range(begin, end):
            step = np.int64(max(codes[c], least) >> SHIFT)
            add_four(sums, PARTS * (c - first), energy, PARTS * step, lit)
        begin = end


@kernel(fastmath={"contract"})
def _add_months(codes: Any, runs: Any, face: Any, planes: Any, energy: Any, out: Any) -> None:
    """Add one sector to runs of cells of one face, month by month."""
    begin, ends = runs
    slopes, front, own = planes
    for end in ends:
        f = face[begin]
        p, q, lit, least = slopes[f, 0], slopes[f, 1], front[f], own[f]
        for c in range(begin, end):
            b = np.uint64(max(codes[c], least) >> SHIFT)
            for m in range(out.shape[1]):
                out[c, m] += p * energy[b, 0, m] + q * energy[b, 1, m] + energy[b, 2, m] + lit * energy[b, 3, m]
        begin = end
