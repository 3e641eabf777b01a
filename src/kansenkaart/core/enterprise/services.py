"""The services of an enterprise as payments between parties: who paid, who pays now, who works.

Every payment has one payer and one payee, so what one party gains another gives: no euro is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kansenkaart.core.enterprise.case import Service
from kansenkaart.core.enterprise.expr import (
    Expr,
    IfAtLeast,
    IfKnown,
    Input,
    Number,
    Row,
    Year,
    floor,
    high,
    low,
    nearest,
)

PARTIES = ("household", "enterprise", "roof_owner", "municipality", "others")
YEAR = Year()
ONE: Expr = Number(1.0)
INDEX = Row("price_index")


@dataclass(frozen=True)
class Line:
    """A named row of the sums that is no payment: an index, a share, hours."""

    name: str
    unit: str
    value: Expr


@dataclass(frozen=True)
class Payment:
    """What one party pays another each year, in euros of that year [EUR/year].

    Parameters
    ----------
    service : str
        Service it belongs to.
    kind : str
        saving, price, material, labour, wage, wage_tax, fee, coordination, investment, rent, export, sewer, loan, repayment,
        capital, overhead, accounts.
    payer, payee : str
        Two of ``PARTIES``.
    value : Expr
        The amount.
    needs : tuple of str
        Facts without which the payment is unknown.
    """

    service: str
    kind: str
    payer: str
    payee: str
    value: Expr
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the row."""
        return f"{self.service}:{self.kind}:{self.payer}>{self.payee}"

    def guarded(self) -> Expr:
        """Return the amount, 0 while a fact that it needs is unknown."""
        result = self.value
        for path in self.needs:
            result = IfKnown(path, result)
        return result


def term(name: str) -> Input:
    """Return a field of the terms as a node."""
    return Input(f"terms.{name}")


def fact(name: str) -> Input:
    """Return a field of the facts as a node."""
    return Input(f"facts.{name}")


def common_lines() -> list[Line]:
    """Return the rows that every service leans on.

    ``price_index = (1 + inflation) ** year`` and participation in a straight line from 0 in year 0.
    """
    ramp = high(nearest(term("ramp_years")), 1)
    return [
        Line("price_index", "1", (ONE + term("inflation_frac")) ** YEAR),
        Line("participation", "1", term("participation_frac") * low(YEAR / ramp, 1)),
    ]


def joined(payer: str) -> Expr:
    """Return the full share of those who pay: homes decide one by one, a municipality or owner by contract.

    Without any home that takes part there is no enterprise to contract.
    """
    if payer == "household":
        return term("participation_frac")
    return IfAtLeast(Number(0.0), term("participation_frac"), Number(0.0), term("contracts_frac"))


def share_lines(name: str, *, full: Expr, start: Expr, life: Expr) -> list[Line]:
    """Return the rows of one service's share: served, newly served and due for replacement, of all units [1].

    With ramp n, start s and life L, cohorts 1 … n each hold 1/n of the full share; in year t the cohorts c < t - s
    with (t - s - c) a multiple of L are replaced, and there are
    ``floor((t-s-1)/L) - floor((max(t-s-n, 1)-1)/L)`` of them.
    """
    ramp, life = high(nearest(term("ramp_years")), 1), high(nearest(life), 1)
    since = YEAR - nearest(start)
    served, before = f"{name}:share", Row(f"{name}:share", Number(1.0))
    cohorts = floor((since - 1) / life) - floor((high(since - ramp, 1) - 1) / life)
    return [
        Line(served, "1", full * low(high(since, 0) / ramp, 1)),
        Line(f"{name}:new", "1", Row(served) - before),
        Line(f"{name}:replaced", "1", IfAtLeast(since, Number(1.0), full / ramp * cohorts, Number(0.0))),
    ]


def service_lines(service: Service) -> list[Line]:
    """Return the rows of share and hours of a service."""
    own = _own(service)
    full = joined(service.payer) * own("uptake_frac") * own("chosen")
    lines = share_lines(service.name, full=full, start=own("start_year"), life=own("life_years"))
    units = fact(service.driver) * Row(f"{service.name}:share")
    hours = units * own("hours_per_unit") * term("hours_factor")
    resident = hours * own("resident_frac")
    parts = {
        "hours_paid": resident * (ONE - own("volunteer_frac")),
        "hours_volunteer": resident * own("volunteer_frac"),
        "hours_outside": hours * (ONE - own("resident_frac")),
    }
    path = f"facts.{service.driver}"
    return lines + [Line(f"{service.name}:{key}", "h/year", IfKnown(path, value)) for key, value in parts.items()]


def service_payments(service: Service) -> list[Payment]:
    """Return the payments of a service that is not panels.

    The payer stops paying others, pays the enterprise instead; the enterprise pays suppliers, residents (a wage or a
    volunteer's fee) and hired hands, and invests for each newly served unit and again at the end of its life.
    """
    own = _own(service)
    units = fact(service.driver) * Row(f"{service.name}:share") * INDEX
    bought = Row(f"{service.name}:new") + Row(f"{service.name}:replaced")
    invested = fact(service.driver) * bought * own("investment_per_unit") * INDEX
    needs = (f"facts.{service.driver}",)

    def pay(kind: str, payer: str, payee: str, value: Expr) -> Payment:
        return Payment(service.name, kind, payer, payee, value, needs)

    return [
        pay("saving", "others", service.payer, units * own("present_price")),
        pay("price", service.payer, "enterprise", units * own("enterprise_price")),
        pay("material", "enterprise", "others", units * own("material_price")),
        pay("investment", "enterprise", "others", invested),
        *labour_payments(service.name, needs),
    ]


def labour_payments(name: str, needs: tuple[str, ...]) -> list[Payment]:
    """Return what the hours of a service cost, their coordination too; a volunteer's fee stops at the yearly maximum.

    Of the cost of a paid resident the household keeps a part; tax and premiums leave the place.

    Parameters
    ----------
    name : str
        The service.
    needs : tuple of str
        Facts without which its hours are unknown.
    """
    cap = term("volunteer_fee_max_eur_per_year") / term("volunteer_hours_per_year")
    fee = low(term("volunteer_fee_eur_per_hour"), cap)
    rates: tuple[tuple[str, str, str, Expr], ...] = (
        ("wage", "hours_paid", "household", term("wage_eur_per_hour") * term("wage_kept_frac")),
        ("wage_tax", "hours_paid", "others", term("wage_eur_per_hour") * (ONE - term("wage_kept_frac"))),
        ("fee", "hours_volunteer", "household", fee),
        ("labour", "hours_outside", "others", term("outside_rate_eur_per_hour")),
    )
    worked = Row(f"{name}:hours_paid") + Row(f"{name}:hours_volunteer") + Row(f"{name}:hours_outside")
    led = worked * term("coordination_frac") * term("outside_rate_eur_per_hour") * INDEX
    return [
        *(
            Payment(name, kind, "enterprise", payee, Row(f"{name}:{hours}") * rate * INDEX, needs)
            for kind, hours, payee, rate in rates
        ),
        Payment(name, "coordination", "enterprise", "others", led, needs),
    ]


def sewer_payments(service: str, saving: str, *, period_years: int) -> list[Payment]:
    """Return the sewer saving, spread evenly over the period: to the municipality, a part passed on to the enterprise.

    Only those who take part by then count; a saving after the period is not counted.

    Parameters
    ----------
    service : str
        Service whose share of the homes or paving brings the saving about.
    saving : str
        Fact with the saving within the period if all take part [EUR].
    period_years : int
        Over how many years it is spread [year].
    """
    each = fact(saving) / period_years * Row(f"{service}:share") * INDEX
    saved = IfAtLeast(YEAR, ONE, each, Number(0.0))
    needs, name = (f"facts.{saving}",), f"sewer_{service}"
    return [
        Payment(name, "sewer", "others", "municipality", saved, needs),
        Payment(name, "sewer", "municipality", "enterprise", saved * term("sewer_pass_on_frac"), needs),
    ]


def _own(service: Service) -> Callable[[str], Input]:
    return lambda name: Input(f"{service.name}.{name}")
