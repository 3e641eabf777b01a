"""How much a run says, where it says it, and how far it is: on a terminal, in plain lines, and in a log file."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from kansenkaart.wording.nl import number

if TYPE_CHECKING:
    from kansenkaart.runs.study import Workplace
    from kansenkaart.tables.step import Report

WORDS = {"done": "gemaakt", "unchanged": "ongewijzigd"}
#: Without a terminal a source that is being fetched is named at most so often [s].
_BETWEEN_LINES_S = 10.0


@dataclass(frozen=True)
class Voice:
    """How much a run says, and where it writes it down."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    log: Path | None = None


@dataclass
class _Hearing:
    """What comes of the publishers: passed on at once on a terminal, in lines now and then elsewhere."""

    place: Workplace
    to: list[TextIO]
    moving: Callable[[str], None] | None = None
    source: str = ""
    said_s: float = 0.0

    def __call__(self, source: str, progress: str) -> None:
        """Say how far a source is; what is not a count of pages is always said."""
        counting = "pagina" in progress
        if self.moving is not None and counting:
            self.moving(f"{source}: {progress}")
        due = source != self.source or time.monotonic() - self.said_s > _BETWEEN_LINES_S
        if not counting or due:
            self.source, self.said_s = source, time.monotonic()
            meter = self.place.http.meter
            sums = (
                f" ({number(meter.requests)} verzoeken, {number(round(meter.received / 1e6))} MB)" if counting else ""
            )
            for one in self.to:
                click.echo(f"{_stamp()} {self.place.study.name}: {source}: {progress}{sums}", file=one)


@contextlib.contextmanager
def listening(place: Workplace, voice: Voice) -> Iterator[Callable[[Report], None]]:
    """Give what hears each report: a moving line on a terminal, plain lines elsewhere, and the log file.

    Parameters
    ----------
    place : Workplace
        The study; what its publishers send is said as well.
    voice : Voice
        How much is said, and where.
    """
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(voice.log.open("a", encoding="utf-8")) if voice.log else None
        speaks = not (voice.as_json or voice.quiet)
        bar = speaks and sys.stderr.isatty() and not voice.verbose
        move = stack.enter_context(_moving(place)) if bar else None
        place.http.meter.listen = _Hearing(
            place, [*([sys.stderr] if speaks and not bar else []), *([log] if log else [])], move
        )

        def listen(report: Report) -> None:
            if move is not None:
                move(f"{report.step} {WORDS[report.status]}")
            elif speaks:
                _lines(place, report, voice, sys.stderr)
            if log is not None:
                _lines(place, report, Voice(verbose=True), log)

        yield listen
        from kansenkaart.config import has_extra

        if speaks and not has_extra("rapporten"):
            click.echo("Zonder de extra rapporten zijn er geen PDF's: pip install 'kansenkaart[rapporten]'", err=True)


def _stamp() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _lines(place: Workplace, report: Report, voice: Voice, to: TextIO) -> None:
    rows = ", ".join(f"{number(rows)} {name}" for name, rows in report.rows.items())
    click.echo(
        f"{_stamp()} {place.study.name}: {report.step} {WORDS[report.status]}{f' ({rows})' if rows else ''}", file=to
    )
    stored = place.store.names() if voice.verbose else []
    for name in (one for one in report.rows if one in stored):  # reports and factsheets are counted, not stored
        tally = place.store.describe(name)["tally"]
        for words, counts in (("weggelaten", tally.get("left_out")), ("opgemerkt", tally.get("noted"))):
            if counts:
                click.echo(f"  {name}, {words}: {counted(counts)}", file=to)


@contextlib.contextmanager
def _moving(place: Workplace) -> Iterator[Callable[[str], None]]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Studie {place.study.name}: gegevens lezen")
        yield lambda words: bar.update(task, description=f"Studie {place.study.name}: {words}")


def counted(counts: dict[str, int]) -> str:
    """Return reasons with their counts, in one line.

    Parameters
    ----------
    counts : dict of str to int
        Reason to number [1].
    """
    from kansenkaart.wording.messages import in_dutch

    return "; ".join(f"{number(count)}× {in_dutch(reason)}" for reason, count in counts.items())
