"""The heights of some sheets in a window, as `ahn.join_sheets` writes them."""

import tempfile
from pathlib import Path

import numpy as np
import rasterio

from kansenkaart.sources import ahn


def open_window(paths, bounds):
    with tempfile.TemporaryDirectory() as here:
        tally = ahn.join_sheets(paths, bounds, path=Path(here) / "window.tif")
        with rasterio.open(Path(here) / "window.tif") as sheet:
            read = sheet.read(1)
            return np.where(read == np.float32(ahn.NODATA), np.nan, read).astype(np.float32), sheet.transform, tally
