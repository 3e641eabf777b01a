"""What the water score left out, mended or could not place, counted by reason in words for readers."""

from __future__ import annotations

import pandas as pd

from kansenkaart.core.water.inputs import WaterResult
from kansenkaart.provenance import Tally

_WORDS = {
    # faults of pipes
    "no geometry": "leiding zonder plaats",
    "not one line": "leiding is niet één lijn",
    "outside RD New": "leiding ligt buiten RD New",
    "drawn twice": "leiding dubbel getekend",
    "zero length": "leiding zonder lengte",
    "drain": "drain",
    "lost pipe": "loze leiding of buiten gebruik",
    "no sewer: system overig or unknown": "geen riool: stelsel overig of onbekend",
    "both ends on one node": "begin en eind op één put",
    "diameter in metres": "diameter in meters",
    "diameter unbelievable": "diameter ongeloofwaardig",
    "laying year unbelievable": "jaar van aanleg ongeloofwaardig",
    "level unbelievable": "hoogte ongeloofwaardig",
    "levels give an unbelievable slope": "hoogten geven een ongeloofwaardig verhang",
    "ring of pressure mains": "kring van persleidingen",
    # what was done
    "blanked": "onbekend gemaakt",
    "mended": "hersteld",
    "cut here": "hier doorgeknipt",
    # what has no place
    "home: street": "woning zonder straat",
    "surface: street": "vlak zonder straat",
    "home": "woning zonder riool",
    "paved_m2": "straat waarvan de regen geen riool vindt",
    # why, and by what rule
    "name": "eigen naam",
    "nearest": "dichtste straat",
    "none: no geometry": "geen plaats bekend",
    "none: no street within reach": "geen straat binnen bereik",
    "none: water": "water hoort bij geen straat",
    "none: no sewer within reach": "geen riool binnen bereik",
    "none: no sewer for rain within reach": "geen riool voor regen binnen bereik",
}


def _told(column: pd.Series) -> pd.Series:
    return column.map(lambda word: _WORDS.get(word, word)).astype(object)


def _counted(rows: pd.DataFrame, *columns: str) -> dict[str, int]:
    words = pd.Series(
        [": ".join(row) for row in zip(*(_told(rows[name]) for name in columns), strict=True)], dtype=object
    )
    return {str(word): int(count) for word, count in words.value_counts().items()}


def pipes_told(result: WaterResult, *, given: pd.DataFrame | None) -> Tally:
    """Count the pipes that no graph can hold by their fault [1]; values that were mended or blanked are noted.

    Parameters
    ----------
    result : WaterResult
        The answer.
    given : DataFrame, optional
        Table `sewer_pipe` as it came in.
    """
    out = result.issues["action"] == "left out"
    left, noted = _counted(result.issues[out], "reason"), _counted(result.issues[~out], "reason", "action")
    if given is None or (result.pipe["basis"] == "era").any():
        # No pipe of a register is of use: those on the map are drawn along the streets.
        useless = {f"in het register: {word}": count for word, count in left.items()}
        return Tally(len(result.pipe), len(result.pipe), noted=noted | useless)
    return Tally(len(given), len(result.pipe), left, noted)


def homes_told(result: WaterResult) -> Tally:
    """Count homes by the rule that put them on a street [1]; all are kept, also those without a street."""
    noted = {f"straat door {word}": count for word, count in _counted(result.home, "assigned_by").items()}
    return Tally(len(result.home), len(result.home), noted=noted)


def unplaced(result: WaterResult) -> dict[str, int]:
    """Count homes, surfaces and streets that found no street or sewer, by reason [1]."""
    return _counted(result.unassigned, "what", "reason")
