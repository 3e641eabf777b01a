"""Renting out panels behind the meter: the enterprise owns them, the household pays part of the bill they save.

Three kinds of roofs, because other people sign for them: residents for their own, an owners' association and a
corporation for the whole building; these two let their roof.

The SCE subsidy asks for full export, so it is not part of this model. Salderen ended on 1 January 2027: an exported
kWh earns its net export value only.
"""

from __future__ import annotations

from kansenkaart.core.enterprise.expr import Expr, IfKnown, Number, Row
from kansenkaart.core.enterprise.services import INDEX, ONE, YEAR, Line, Payment, fact, joined, share_lines, term

SMALLEST_RATE = 1e-7  # [1/year]: below it 1 - (1 + r) ** -n loses its digits, and the loan is as good as free
NEEDS = ("pv_kwp_economic", "pv_kwh_per_year", "own_use_frac", "pv_association_frac")


def solar_name(roofs: str) -> str:
    """Return the name of the service that rents out panels on one kind of roofs, of ``ROOFS``."""
    return f"solar_rent_{roofs}"


def needs_of(roofs: str) -> tuple[str, ...]:
    """Return the facts without which the panels on one kind of roofs cannot be summed.

    Where the corporations' share is unknown their roofs count with those of residents and associations: nothing is lost.
    """
    return (*NEEDS, "pv_corporation_frac") if roofs == "corporation" else NEEDS


def decides(roofs: str) -> str:
    """Return who signs for the panels: residents one by one for their own roof, else the owner of the building."""
    return "household" if roofs == "own" else "roof_owner"


def solar_lines(roofs: str) -> list[Line]:
    """Return the rows of panels: share of the roofs in use, that share after loss of yield, and power [kWh/year].

    The aged share follows ``aged(t) = aged(t - 1) (1 - degradation) + new(t)``, exact for cohorts of any size.

    Parameters
    ----------
    roofs : str
        One of ``ROOFS``.
    """
    name = solar_name(roofs)
    shares = share_lines(
        name,
        full=joined(decides(roofs)) * term(f"solar_{roofs}_chosen"),
        start=Number(0.0),
        life=term("inverter_life_years"),
    )
    aged = f"{name}:aged"
    kept = Row(aged, Number(1.0)) * (ONE - term("pv_degradation_frac"))
    price = term("electricity_price_eur_per_kwh") * (ONE + term("electricity_growth_frac")) ** YEAR
    return [*shares, Line(aged, "1", kept + Row(f"{name}:new")), Line(f"{name}:price", "EUR/kWh", price * INDEX)]


def solar_payments(roofs: str) -> list[Payment]:
    """Return the payments of rented panels; upkeep and roof rent follow the panels in place, power their age.

    Nobody pays residents rent for their own roof: the saving on their bill is what they get for it.

    Parameters
    ----------
    roofs : str
        One of ``ROOFS``.
    """
    name, part = solar_name(roofs), _part(roofs)
    kwh = fact("pv_kwh_per_year") * part * Row(f"{name}:aged")
    saved = kwh * fact("own_use_frac") * Row(f"{name}:price")
    exported = kwh * (ONE - fact("own_use_frac")) * term("export_value_eur_per_kwh") * INDEX
    kwp = fact("pv_kwp_economic") * part
    placed = kwp * Row(f"{name}:share") * INDEX
    panels = kwp * Row(f"{name}:new") * term("pv_price_eur_per_kwp") * INDEX
    inverters = kwp * Row(f"{name}:replaced") * term("inverter_price_eur_per_kwp") * INDEX
    upkeep = placed * term("pv_price_eur_per_kwp") * term("pv_upkeep_frac")
    needs = tuple(f"facts.{one}" for one in needs_of(roofs))

    def pay(kind: str, payer: str, payee: str, value: Expr) -> Payment:
        return Payment(name, kind, payer, payee, value, needs)

    found = [
        pay("saving", "others", "household", saved),
        pay("rent", "household", "enterprise", saved * term("rent_share_frac")),
        pay("export", "others", "enterprise", exported),
        pay("material", "enterprise", "others", upkeep),
        pay("investment", "enterprise", "others", panels + inverters),
    ]
    rent = pay("roof_rent", "enterprise", "roof_owner", placed * term("roof_rent_eur_per_kwp"))
    return found if roofs == "own" else [*found, rent]


def _part(roofs: str) -> Expr:
    """Return the share of the panels that lies on one kind of roofs [1]."""
    if roofs == "own":
        corporation = "pv_corporation_frac"
        return ONE - fact("pv_association_frac") - IfKnown(f"facts.{corporation}", fact(corporation))
    return fact(f"pv_{roofs}_frac")
