"""The embedded example: an invented neighbourhood in the publishers' own formats, with its truth.

Nothing of it exists: municipality 9999 is called Voorbeeldstad, and every table says so. It goes through the same
readers as real data.
"""

from __future__ import annotations

from pathlib import Path

from kansenkaart.errors import ConfigError
from kansenkaart.sources.example import cityjson, geojson, heights, statistics, weather
from kansenkaart.sources.example.model import build
from kansenkaart.sources.example.truth import Truth, truth

MAX_SCALE = 100

__all__ = ["Truth", "truth", "write_example"]


def write_example(folder: Path, *, scale: int = 1) -> Path:
    """Write the example in the publishers' formats; the same bytes each time.

    Parameters
    ----------
    folder : Path
        Where to write; made when absent. Below it: ``odata/<table>``, ``ogc``, ``3dbag``, ``ahn``, ``knmi``, ``epw``.
    scale : int
        How many copies of the neighbourhood side by side [1], from 1 to 100.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConfigError
        If the scale is out of range.
    """
    if not 1 <= scale <= MAX_SCALE:
        raise ConfigError(
            f"a scale from 1 to {MAX_SCALE}", found=str(scale), where="example", remedy="choose 1, 4 or 16"
        )
    model = build()
    statistics.write_all(folder / "odata", model, scale)
    geojson.write_all(folder / "ogc", model, scale)
    cityjson.write(folder / "3dbag" / "voorbeeld.city.jsonl", model, scale)
    heights.write(folder / "ahn", model, scale)
    weather.write_knmi(folder / "knmi")
    weather.write_epw(folder / "epw")
    return folder
