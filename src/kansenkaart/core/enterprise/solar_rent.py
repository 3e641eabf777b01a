"""Renting out panels: the enterprise owns them, and who uses the power pays part of what it saves.

Six ways, because other people sign for the roof and other kWh are saved. Residents sign one by one for their own roof, and a
corporation for its buildings with several homes, and for its houses: the panels lie behind each home's meter. An owners'
association can lead a cable to each meter, serve the common meter (lifts, lights), or share the energy over the grid. Sharing
saves the bare supply price only: energy tax stays due. Each has its own share of the roofs, since few associations get so far.

The SCE subsidy asks for full export, so it is not part of this model. Salderen ended on 1 January 2027: an exported
kWh earns its net export value only.
"""

from __future__ import annotations

from dataclasses import dataclass

from kansenkaart.core.enterprise.expr import Expr, IfAtLeast, Number, Row
from kansenkaart.core.enterprise.services import INDEX, ONE, YEAR, Line, Payment, fact, joined, share_lines, term

SMALLEST_RATE = 1e-7  # [1/year]: below it 1 - (1 + r) ** -n loses its digits, and the loan is as good as free
_ITEMS = ("systems", "kwp", "kwh_per_year", "used_kwh_per_year")


@dataclass(frozen=True)
class PanelModel:
    """One way to rent out panels.

    Parameters
    ----------
    name : str
        Of ``PANELS``.
    roofs : str
        Whose roofs, of ``ROOFS``.
    user : str
        Who saves and pays the rent: ``household``, or ``roof_owner`` for the common meter.
    price : str
        Term with what a kWh used is worth now [EUR/kWh].
    share : str, optional
        Term with the share of the roofs that joins; else residents decide one by one, or the owner by contract.
    """

    name: str
    roofs: str
    user: str = "household"
    price: str = "electricity_price_eur_per_kwh"
    share: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The facts without which the panels cannot be summed."""
        return tuple(f"pv_{self.roofs}_{item}" for item in _ITEMS)

    def part(self, item: str) -> Expr:
        """Return one of the facts of these roofs as a node."""
        return fact(f"pv_{self.roofs}_{item}")


MODELS = {
    one.name: one
    for one in (
        PanelModel("solar_rent_own", "own"),
        PanelModel("solar_rent_association", "association", share="association_meters_frac"),
        PanelModel("solar_common", "association", user="roof_owner", share="association_common_frac"),
        PanelModel("solar_sharing", "association", price="shared_price_eur_per_kwh", share="association_sharing_frac"),
        PanelModel("solar_rent_corporation", "corporation"),
        PanelModel("solar_rent_corporation_house", "corporation_house"),
    )
}


def _full(model: PanelModel) -> Expr:
    """Return the share of the roofs that joins in the end; without any home that takes part there is no enterprise."""
    if model.share:
        return IfAtLeast(Number(0.0), term("participation_frac"), Number(0.0), term(model.share))
    return joined("household" if model.roofs == "own" else "roof_owner")


def solar_lines(name: str) -> list[Line]:
    """Return the rows of panels: share of the roofs in use, that share after loss of yield, and price of a kWh.

    The aged share follows ``aged(t) = aged(t - 1) (1 - degradation) + new(t)``, exact for cohorts of any size.

    Parameters
    ----------
    name : str
        One of ``PANELS``.
    """
    model = MODELS[name]
    shares = share_lines(
        name, full=_full(model) * term(f"{name}_chosen"), start=Number(0.0), life=term("inverter_life_years")
    )
    aged = f"{name}:aged"
    kept = Row(aged, Number(1.0)) * (ONE - term("pv_degradation_frac"))
    price = term(model.price) * (ONE + term("electricity_growth_frac")) ** YEAR
    return [*shares, Line(aged, "1", kept + Row(f"{name}:new")), Line(f"{name}:price", "EUR/kWh", price * INDEX)]


def solar_payments(name: str) -> list[Payment]:
    """Return the payments of rented panels; upkeep and roof rent follow the panels in place, power their age.

    Nobody pays residents rent for their own roof: the saving on their bill is what they get for it.

    Parameters
    ----------
    name : str
        One of ``PANELS``.
    """
    model = MODELS[name]
    kwh = model.part("kwh_per_year") * term("yield_factor") * Row(f"{name}:aged")
    if model.user == "household":
        used = model.part("used_kwh_per_year") * term("yield_factor") * term("own_use_factor") * Row(f"{name}:aged")
    else:
        used = kwh * term("common_use_frac")
    saved = used * Row(f"{name}:price")
    exported = (kwh - used) * term("export_value_eur_per_kwh") * INDEX
    price = model.part("systems") * term("pv_price_eur_per_system") + model.part("kwp") * term("pv_price_eur_per_kwp")
    placed = Row(f"{name}:share") * INDEX
    inverters = model.part("kwp") * Row(f"{name}:replaced") * term("inverter_price_eur_per_kwp") * INDEX
    needs = tuple(f"facts.{one}" for one in model.needs)

    def pay(kind: str, payer: str, payee: str, value: Expr) -> Payment:
        return Payment(name, kind, payer, payee, value, needs)

    found = [
        pay("saving", "others", model.user, saved),
        pay("rent", model.user, "enterprise", saved * term("rent_share_frac")),
        pay("export", "others", "enterprise", exported),
        pay("material", "enterprise", "others", price * placed * term("pv_upkeep_frac")),
        pay("investment", "enterprise", "others", price * Row(f"{name}:new") * INDEX + inverters),
    ]
    rent = pay("roof_rent", "enterprise", "roof_owner", model.part("kwp") * placed * term("roof_rent_eur_per_kwp"))
    return found if model.roofs == "own" else [*found, rent]
