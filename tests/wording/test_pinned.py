"""What every function of the formatter writes of numbers and dates of all sizes, and names of odd homes and areas, whole."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from kansenkaart.wording import enterprise, messages, names, nl
from tests.pinned import same_as_pinned

NUMBERS = (None, math.nan, 0.0, 0.004, 0.05, 0.25, 0.5, 0.949, 0.95, 0.995, 1.0, 4.0, 4.99, 5.0, 9.99, 10.0, 44.0, 99.5)
LARGE = (100.0, 149.0, 150.0, 999.5, 1000.0, 1234.5, 9_999.0, 10_000.0, 99_500.0, 123_456.0, 1e6, 1.5e6, 9.995e6, 1e9)
EVERY = (*NUMBERS, *LARGE, *(-one for one in NUMBERS[3:]), *(-one for one in LARGE))
UNITS = ("m2", "m3/year", "EUR", "EUR/year", "kWh/year", "kWh/m2/year", "year", "1", "%", "mm", "person")


def _row(write, values):
    return "\n".join(f"{value}: {write(value)}" for value in values)


def test_numbers_of_every_size_are_written_as_was_read():
    known = [one for one in EVERY if one is not None and not math.isnan(one)]
    made = {
        f"{write.__name__}": _row(write, EVERY)
        for write in (nl.number, nl.share, nl.chance, nl.euros, nl.energy, nl.year)
    }
    made |= {write.__name__: _row(write, known) for write in (nl.bound, nl.exact, nl.english, nl.two_digits)}
    made["step_of"] = _row(nl.step_of, [abs(one) for one in known])
    made |= {f"decimals {many}": _row(lambda one, many=many: nl.number(one, many), EVERY) for many in (1, 2)}
    made |= {f"share {many}": _row(lambda one, many=many: nl.share(one, many), EVERY) for many in (1, 2)}
    made["amounts"] = "\n".join(
        f"{one} {unit}: {nl.amount(one, unit)}" for unit in UNITS for one in (None, 0.26, 9.5, 1234.5)
    )
    spans = [
        (one, one - wide, one + wide) for one in (0.0, 12.0, -140.0, 13_972.0, -2.5e6) for wide in (0.0, 3.0, 90.0, 8e3)
    ]
    made["roughly"] = "\n".join(f"{span}: {nl.roughly(*span)}" for span in spans)
    made["stepped"] = "\n".join(f"{span}: {nl.stepped(span, span[1], span[2])}" for span in spans)
    dates = ("2025", "2025-1", "2025-06", "2025-12", "2025-06-05", "2025-01-31")
    made["day"] = "\n".join(f"{one}: {nl.day(one)}" for one in dates)
    made["homes"] = _row(nl.homes_nl, (0, 1, 1.0, 2, 1234))
    made["listed"] = "\n".join(map(str, (nl.listed(some) for some in ([], ["a"], ["b", "a"], ["a", "b", "c", "b"]))))
    made["capital"] = "\n".join(nl.capital(one) for one in ("", "a", "ijs", "één gebied", "−5"))
    cells = (None, math.nan, 1.5, -2.0, 7, "tekst", 'met "teken"', "=1+1", "-a", "+a", "@a", "a;b", True)
    made["cells"] = _row(nl.csv_cell, cells)
    made["table"] = repr(nl.csv_text(["a", "b"], [[1.5, "x"], [None, "=y"]]))
    same_as_pinned("pins/numbers.txt", made)


def test_names_of_things_are_as_was_read():
    homes = pd.DataFrame(
        {
            "pand_id": ["p1", "p1", "p1", "p2", "p3", "p4", "p4"],
            "street_name": ["Laan", "Laan", "Laan", "Weg", None, "Hof", "Plein"],
            "house_number": [9, 3, 3, 4, 1, 10, 2],
            "house_letter": [None, "A", None, None, None, None, None],
            "addition": [None, None, "2", None, None, None, None],
            "postcode": ["1234AB"] * 7,
        }
    )
    panden = pd.Series(["p1", "p2", "p3", "p4", "0193100000123456"])
    made = {
        "panden": "\n".join(names.pand_names(panden, homes)),
        "panden without numbers": "\n".join(names.pand_names(panden, homes.drop(columns="house_number"))),
        "panden without homes": "\n".join(names.pand_names(panden, None)),
    }
    rows = [
        (0.0, np.nan),
        (5.0, 10.0),
        (35.0, 0.0),
        (35.0, 22.4),
        (35.0, 22.6),
        (35.0, 180.0),
        (35.0, 337.6),
        (90.0, 270.0),
    ]
    made["faces"] = "\n".join(f"{row}: {names._face(*row)}" for row in rows)
    spots = [(0, 0), (10, 0), (0, 100), (100, 100), (-100, 20), (20, -100), (-100, -100), (30, 29), (49, 10), (51, 10)]
    made["sides"] = "\n".join(f"{one}: {names.side_nl(*map(float, one), 100.0)}" for one in spots)
    made["distinct"] = "\n".join(names.distinct_names(["a", "b", "a", "c", "a", "b"]))
    made["ids"] = "\n".join(names.short_id(one) for one in ("http://x.nl/id/a-1", "a#b", "abc", "x" * 60))
    made["around"] = "\n".join(
        names.around_nl(*one) for one in (("Laan", ""), ("Laan", "noord"), ("", "noord"), ("", ""))
    )
    amounts = [[], [("a", 12.0)], [("a", -5.0), ("b", 0.0), ("c", 1234.0)]]
    made["services"] = "\n".join(str(enterprise.amounts_nl(some)) for some in amounts)
    made["missing"] = "\n".join(
        str(enterprise.missing_nl(*one))
        for one in (
            ([], [], []),
            (["green"], [], []),
            ([], ["a", "b"], []),
            ([], [], [("a", "b")]),
            (["a"], ["b"], [("c", "d")]),
        )
    )
    made["basis"] = "\n".join(
        enterprise.basis_nl(known, facts, own, by_stock=stock)
        for known, facts in ((0, 9), (5, 9), (9, 9))
        for own in (0.0, 0.5, 1.0)
        for stock in (True, False)
    )
    made["bands"] = "\n".join(
        f"{kind}: {names.band_reason(kind, 1010, area_homes=299, band=(300, 360), tries=tries)}"
        for kind, tries in (("island", 1), ("giant", 1), ("indivisible", 1), ("not_met", 1), ("not_met", 3), ("", 1))
    )
    made["lines"] = "\n".join(messages.table_lines(["a", "bb"], [["x", "1"], ["yyy", ""]]))
    same_as_pinned("pins/names.txt", made)
