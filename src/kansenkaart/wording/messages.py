"""What went wrong and what became of a row, in Dutch for people: errors of the command line, reports on own data."""

from __future__ import annotations

_ROWS = {
    "matched": "gebruikt",
    "duplicate": "staat er dubbel; een keer geteld",
    "conflict": "dezelfde identificatie met andere gegevens; geen van beide is gebruikt: laat er een staan",
    "unknown_id": "deze identificatie staat niet in het register van dit gebied; niet gebruikt",
    "no_id": "geen identificatie; niet gebruikt: vul haar in",
    "unreadable": "niet te lezen als getal of jaar; deze cel telt als onbekend",
}
_HINTS = {
    "excel": "Excel heeft de identificatie afgerond (zoals 9,991E+14); niet gebruikt: maak de kolom tekst en vul haar opnieuw",
    "two_readings": "kan op twee manieren gelezen worden (12.500 is 12500 of 12,5); niet gebruikt: schrijf 12500 of 12,5",
}


def own_result_nl(result: str, hint: str = "") -> str:
    """Return in Dutch what became of a row or cell of own data.

    Parameters
    ----------
    result, hint : str
        As in the report of `kansenkaart.sources.own.OwnData`.
    """
    return _HINTS.get(hint) or _ROWS.get(result, result)
