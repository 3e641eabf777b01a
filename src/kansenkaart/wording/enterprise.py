"""What readers are told of an enterprise: its services, facts, parties, terms and tracks in Dutch, from rows of data."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from kansenkaart.config import packaged_rows
from kansenkaart.wording.nl import (
    about,
    capital,
    chance,
    code_lists,
    counted,
    euros,
    homes_nl,
    roughly,
    say,
    step_of,
    stepped,
    to_step,
)


class Word(NamedTuple):
    """How readers know one name: its label, its unit, and what must be known for it (of facts, and of panels)."""

    label: str
    unit: str
    needs: str


@lru_cache(maxsize=1)
def _words() -> dict[tuple[str, str], Word]:
    rows = packaged_rows("enterprise_words.csv")
    return {(row["kind"], row["name"]): Word(row["label_nl"], row["unit_nl"], row["needs_nl"]) for row in rows}


def label(kind: str, name: str) -> str:
    """Return what readers call something; a name without a row of its own is written with spaces.

    Parameters
    ----------
    kind : str
        ``fact``, ``service``, ``party``, ``term``, ``item``, ``condition``, ``begun`` or ``actual``; or a list of
        ``data/codes.csv``, such as ``track`` or ``role``.
    name : str
        Its name in the tables.
    """
    if (kind, name) in _words() and (own := _words()[kind, name].label):
        return own
    return say(kind, name) if kind in code_lists() else name.replace("_", " ")


def unit_of_fact(name: str) -> str:
    """Return the unit of a fact as readers see it; empty where it is a count.

    Parameters
    ----------
    name : str
        Of the fact.
    """
    return _words()["fact", name].unit if ("fact", name) in _words() else ""


def _needs_of(name: str, driver: str) -> str:
    """Say what must be known to sum a service: its own words where it has them, else those of the fact that drives it."""
    none = Word("", "", "")
    own, fact = _words().get(("service", name), none), _words().get(("fact", driver), none)
    return own.needs or fact.needs or "gegevens"


def path_words(path: str) -> str:
    """Say an input of a case in words.

    Parameters
    ----------
    path : str
        Such as ``terms.wage_eur_per_hour``, ``facts.green_m2``, ``waste.uptake_frac`` or ``group.wages``.
    """
    under, item = path.split(".")
    if under == "group":
        return label("group", item)
    if item.endswith("chosen"):
        return f"{label('service', item.removesuffix('_chosen') if under == 'terms' else under)}: doet mee"
    if under in ("terms", "facts"):
        return label("term" if ("term", item) in _words() else "fact", item)
    return f"{label('service', under)}: {label('item', item)}"


def row_words(name: str) -> str:
    """Say a row of the sums in words.

    Parameters
    ----------
    name : str
        Such as ``price_index``, ``waste:share`` or ``waste:wage:enterprise>household``.
    """
    under, _, rest = name.partition(":")
    if not rest:
        return label("row", under)
    item, _, between = rest.partition(":")
    words = f"{label('service', under)}: {label('row', item)}"
    if not between:
        return words
    payer, payee = between.split(">")
    return f"{words} ({label('party', payer)} aan {label('party', payee)})"


def amounts_nl(services: Iterable[tuple[str, float]], before: str = "") -> str | None:
    """List services with euros a year; None where there are none.

    Parameters
    ----------
    services : iterable of (str, float)
        Name and amount of each [EUR/year].
    before : str
        Words before each amount.
    """
    return "; ".join(f"{label('service', name)} ({before}{euros(amount)})" for name, amount in services) or None


#: How the words on budgets without a price begin.
IDLE_BUDGET = "eigen begroting zonder prijs per eenheid, dus gerekend met een aanname: "


def missing_nl(missed: Sequence[str], unknown: Sequence[str], left_out: Sequence[tuple[str, str]]) -> str | None:
    """Say which conditions of a track are missed or unknown, and which services could not be summed.

    Parameters
    ----------
    missed, unknown : sequence of str
        Conditions of the track.
    left_out : sequence of (str, str)
        Services, each with the fact that drives it.
    """
    words = [f"ontbreekt: {label('condition', name)}" for name in missed]
    words += [f"onbekend: {label('condition', name)}" for name in unknown]
    words += [
        f"niet meegerekend: {label('service', name)} (onbekend: {_needs_of(name, driver)})" for name, driver in left_out
    ]
    return "; ".join(words) or None


def idle_budgets_nl(services: Sequence[tuple[str, str, float | None]]) -> str:
    """Say which budgets of one's own set no price, so that a price of ours is used; nothing where each does.

    Parameters
    ----------
    services : sequence of (str, str, float or None)
        Each with the fact that drives it, and the units [1] over which its budget has no price: none, or NaN where they are
        unknown; None where it has no budget, or one that sets its price.
    """
    idle = [
        f"{label('service', name)} ({'nul' if units == 0 else 'niet overal bekend'}: {_needs_of(name, driver)})"
        for name, driver, units in services
        if units is not None
    ]
    return f"{IDLE_BUDGET}{', '.join(idle)}" if idle else ""


def basis_nl(known: int, facts: int, own_panden: float, *, by_stock: bool = False) -> str:
    """Say what a case rests on: how many facts are known, and of how many panden the owner's own table tells.

    Parameters
    ----------
    known, facts : int
        Facts that are known, of all [1].
    own_panden : float
        Panden in the owner's own table; NaN where there is none [1].
    by_stock : bool
        Whether the homes are the stock that CBS counts, since no register of homes is given.
    """
    own = (
        "" if pd.isna(own_panden) else f"; eigenaar van {counted(own_panden, 'pand', 'panden')} volgens eigen gegevens"
    )
    homes = "; woningen naar de voorraad van CBS, niet uit de BAG" if by_stock else ""
    return f"{known} van {facts} feiten bekend{own}{homes}"


def contribution_nl(case: Mapping[Hashable, Any]) -> str:
    """Say what must be added a year, over all homes and, with its interval, over those that take part.

    Parameters
    ----------
    case : mapping
        Row of ``enterprise_case`` of an enterprise that lacks money.
    """
    gap, homes = -float(case["enterprise_eur_per_year"]), max(float(case["homes"]), 1.0)
    width = float(case["enterprise_eur_per_year_high"]) - float(case["enterprise_eur_per_year_low"])
    mean, low, high = (float(case[f"contribution_eur_per_participant{end}"]) for end in ("", "_low", "_high"))
    each, span = roughly(mean, low, high)
    return (
        f"{about(gap, step_of(width))} per jaar (over alle woningen {about(gap / homes, step_of(width / homes))}; "
        f"per woning die meedoet {each}, {span}{': onder 0 is er geen nodig' if low < 0 else ''})"
    )


def left_nl(value: float, low: float, high: float) -> tuple[str, str]:
    """Say what stays in a year or must be added, and between which amounts, seen from the same side.

    Parameters
    ----------
    value, low, high : float
        Expected value, and the 10th and 90th percentile of the same draws [EUR/year].

    Returns
    -------
    tuple of str and str
        Such as ``moet er ongeveer 5.000 euro per jaar bij`` and ``tussen 3.000 en 8.000 euro, in 8 van de 10 berekeningen``.
    """
    amount, span = roughly(value, low, high)
    if not to_step(round(value), step_of(high - low)):
        return "komt het ongeveer op nul uit", span
    if value > 0:
        return f"blijft er {amount} per jaar in de buurt", span
    added, within = roughly(-value, -high, -low)
    if high > 0:
        least, most = stepped((-low, high), low, high)
        within = f"tussen {least} euro erbij en {most} euro over, in 8 van de 10 berekeningen"
    return f"moet er {added} per jaar bij", within


class PartnerLine(NamedTuple):
    """One line of a talk with a partner: what it gains, what is asked of it, or what it can tell; `column` is an amount in it."""

    kind: str
    text: str
    column: str


@lru_cache(maxsize=1)
def partners() -> dict[str, tuple[PartnerLine, ...]]:
    """Return the lines of a talk by partner, its label first, from ``data/partners.csv``.

    Returns
    -------
    dict of str to tuple of PartnerLine
        In the order of the rows.
    """
    out: dict[str, list[PartnerLine]] = {}
    for row in packaged_rows("partners.csv"):
        out.setdefault(row["partner"], []).append(PartnerLine(row["kind"], row["text_nl"], row["column"]))
    return {name: tuple(lines) for name, lines in out.items()}


def contract_nl(service: str, payer: str, brings: float, left: float, step: int) -> str:
    """Say which contract carries an enterprise that pays for itself, and what it would lack without it.

    Parameters
    ----------
    service, payer : str
        The service, and the party that pays for it.
    brings, left : float
        What the service brings, and what the enterprise has left, both expected [EUR/year].
    step : int
        What amounts are rounded to [EUR/year].
    """
    amount, lack = (about(one, step) for one in (brings, brings - left))
    return (
        f"Een contract van de {label('party', payer)} voor {label('service', service)}: {amount} per jaar voor het "
        f"wijkbedrijf, een gok en geen toezegging. Zonder dat contract is er {lack} tekort."
    )


_STAYS = ("stays_eur_per_year", "stays_eur_per_year_low", "stays_eur_per_year_high")
#: With whom each track begins, as owner of roofs.
_OWNERS = {"long": "bewoners en hun VvE's", "short": "één corporatie"}


def owners_nl(cases: Mapping[str, Any]) -> str:
    """Say what either track would bring if the roofs of unknown owner had the owner it begins with.

    Each track is compared with itself, so that the sentence says what the owner changes and not what the track does.

    Parameters
    ----------
    cases : mapping of str to mapping
        Row of ``enterprise_case`` by track.

    Returns
    -------
    str
        Empty where all owners are given, or where those that are not change nothing.
    """
    amounts = {
        track: [float(case[name]) for name in (*_STAYS, "stays_if_owned_eur_per_year")] for track, case in cases.items()
    }
    if not amounts or any(pd.isna(owned) for *_, owned in amounts.values()):
        return ""
    if all(abs(owned - now) < 1 for now, _, _, owned in amounts.values()):
        return ""
    each = []
    for track, owner in _OWNERS.items():
        now, low, high, owned = amounts[track]
        is_now, then = left_nl(now, low, high)[0], left_nl(owned, low, high)[0]
        then = f"dan {then}" if then != is_now else "dan scheelt dat minder dan de marge"
        each.append(f"{capital(label('track', track))}: zoals het nu is {is_now}; zijn die daken van {owner}, {then}.")
    return f"Op daken waarvan de eigenaar onbekend is tellen panelen niet mee. {' '.join(each)}"


def turned_nl(best: Mapping[Hashable, Any] | pd.Series[Any], mine: Mapping[Hashable, Any] | pd.Series[Any]) -> str:
    """Say which place stands first if one corporation owns the roofs of unknown owner, and what would stay there and here.

    Parameters
    ----------
    best, mine : mapping
        Cases of that place and of the one that stands first as things are, on the short track.
    """
    there, here = (
        left_nl(float(one["stays_if_owned_eur_per_year"]), *(float(one[name]) for name in _STAYS[1:]))[0]
        for one in (best, mine)
    )
    return (
        f"Zijn de daken van één corporatie, dan ligt de beste plek ergens anders: {best['place_name']}. Daar {there} "
        f"(kort spoor), hier {here}. Vraag het de corporatie."
    )


def short_nl(short: Mapping[Hashable, Any] | pd.Series[Any]) -> str:
    """Say what is expected where one large owner and the municipality begin, and how sure that is.

    Parameters
    ----------
    short : mapping
        Case on the short track.
    """
    left, span = left_nl(*(float(short[name]) for name in _STAYS))
    return (
        f"Beginnen één grote eigenaar en de gemeente, dan {left}, {span}; "
        f"de kans dat het wijkbedrijf zichzelf betaalt is dan {chance(short['earns_keep_frac'])}."
    )


def track_nl(track: str) -> str:
    """Say a track after an article: the short one is *korte spoor*.

    Parameters
    ----------
    track : str
        ``long`` or ``short``.
    """
    return label("track", track).replace(" ", "e ")


def larger_nl(larger: Mapping[Hashable, Any] | pd.Series[Any]) -> str:
    """Say what each home that takes part would add in an enterprise of more homes.

    Parameters
    ----------
    larger : mapping
        Case of a larger place that lacks money as well.
    """
    names = (f"contribution_eur_per_participant{end}" for end in ("", "_low", "_high"))
    amount, span = roughly(*(float(larger[name]) for name in names))
    return (
        "Met meer woningen in één wijkbedrijf wordt de bijdrage kleiner, want de organisatie kost dan per woning minder: in "
        f"{larger['place_name']} ({homes_nl(larger['homes'])}) is zij {amount} per jaar per woning die meedoet, {span}."
    )


#: What the drawing of the spread shows, and what it leaves out.
SPREAD_NL = (
    "Achter elke naam staat welk deel van de spreiding die aanname draagt; wat minder dan 1% draagt, staat er niet bij. "
    "Oranje is minder dan verwacht, blauw is meer. Bij de + is de aanname het hoogst (het hoogste vijfde van de "
    "berekeningen), bij de \u2212 het laagst."
)
BEYOND_NL = (
    " Dit is de spreiding binnen wat is doorgerekend. Van wie de daken zijn, is niet doorgerekend maar onbekend: hoeveel "
    "dat verandert, staat onder Wat is er nodig?"
)
#: What a list of facts does not say of roofs.
ROOFS_NL = (
    "Panelen staan hier per soort eigenaar, want zo rekenen de diensten: is de eigenaar onbekend, dan staat er onbekend. Wat "
    "op alle daken samen past en loont, van wie zij ook zijn, is wel geschat en staat op de factsheet. "
)
