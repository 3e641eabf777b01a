r"""From roof faces to cells: which cell belongs to which face, at what height, and which cells are free.

Drawn from the side, a face with its plane and what stands on it::

            ..tree..                   surface > plane + clearance: not free
      ridge /      \
           /  chimney\\  _
          / plane  |_|\\            cells in between are free
    eave /_____________\
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Planes:
    """Roof planes as heights over the ground plan; arrays of shape (n,).

    Attributes
    ----------
    tilt_deg, azimuth_deg : numpy.ndarray
        Tilt and direction of steepest descent [deg]; NaN azimuth where flat.
    eave_m, low_x_m, low_y_m : numpy.ndarray
        Lowest height [m NAP] and a point of the face at that height [m RD].
    """

    tilt_deg: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    eave_m: NDArray[np.float64]
    low_x_m: NDArray[np.float64]
    low_y_m: NDArray[np.float64]


def plane_heights(planes: Planes, face: NDArray[Any], *, x_m: NDArray[Any], y_m: NDArray[Any]) -> NDArray[np.float32]:
    """Return the height of the face's plane in each cell.

    Parameters
    ----------
    planes : Planes
        One per face.
    face : numpy.ndarray
        Face of each cell; below 0 where there is none.
    x_m, y_m : numpy.ndarray
        Middle of each cell [m RD], of the shape of ``face``.

    Returns
    -------
    numpy.ndarray
        Height [m NAP], NaN where there is no face.
    """
    which = np.maximum(face, 0)
    turn = np.radians(np.nan_to_num(planes.azimuth_deg))[which]
    run = (planes.low_x_m[which] - x_m) * np.sin(turn) + (planes.low_y_m[which] - y_m) * np.cos(turn)
    height = planes.eave_m[which] + run * np.tan(np.radians(planes.tilt_deg))[which]
    return np.where(face >= 0, height, np.nan).astype(np.float32)


def free_cells(
    face: NDArray[Any], *, plane_m: NDArray[Any], surface_m: NDArray[Any], clearance_m: float
) -> NDArray[np.bool_]:
    """Tell which cells of a face carry nothing: no dormer, chimney, installation or tree above the plane.

    A cell whose surface is unknown is not free: unknown is not empty.

    Parameters
    ----------
    face : numpy.ndarray
        Face of each cell; below 0 where there is none.
    plane_m, surface_m : numpy.ndarray
        Heights of plane and surface [m NAP].
    clearance_m : float
        How far the surface may lie above the plane [m].
    """
    return np.asarray((face >= 0) & (surface_m - plane_m <= clearance_m), dtype=np.bool_)
