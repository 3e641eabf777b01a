"""The command line: in Dutch for people, ``--json`` for machines.

Exit codes: 0 done; 1 unforeseen; 2 a wrong study, setting or argument; 3 data in another shape; 4 a publisher did not answer;
5 a stored file is missing or damaged; 6 another run is busy; 7 a quality gate failed; 8 nothing fits the bounds asked for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kansenkaart.stages.pipeline import Workplace
    from kansenkaart.stages.steps import Report

_WORDS = {"done": "gemaakt", "unchanged": "ongewijzigd"}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kansenkaart", prog_name="kansenkaart")
@click.option("--map", "root", type=click.Path(file_okay=False, path_type=Path), default=Path(),
              help="Projectmap met studies/, data/ en maps/ (standaard: de huidige map).")  # fmt: skip
@click.pass_context
def cli(context: click.Context, root: Path) -> None:
    """Laat zien wat een buurt samen kan verdienen en besparen."""
    context.obj = root


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def demo(root: Path, as_json: bool) -> None:
    """Maak de kaart van de ingebouwde voorbeeldwijk."""
    _run("voorbeeld", root, None, as_json)


@cli.command(name="run")
@click.argument("study")
@click.option("--code", "gemeentecode", help="Gemeentecode voor een studie die live gegevens haalt, zoals GM0193.")
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def run_study(root: Path, study: str, gemeentecode: str | None, as_json: bool) -> None:
    """Werk een studie bij: gegevens, scores en kaart. Wat niet veranderd is, blijft staan."""
    _run(study, root, gemeentecode, as_json)


@cli.command()
@click.argument("study")
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def status(root: Path, study: str, as_json: bool) -> None:
    """Toon wat er van een studie is: tabellen, aantallen en edities."""
    from kansenkaart.stages import pipeline

    rows = pipeline.status(pipeline.open_study(study, root=root))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif not rows:
        click.echo(f"Van studie {study} is nog niets gemaakt. Begin met: kansenkaart run {study}")
    else:
        _table(["tabel", "rijen", "weggelaten", "edities"],
               [[row["name"], _count(row["rows"]), _left(row["tally"]), ", ".join(row["editions"])] for row in rows])  # fmt: skip


@cli.command()
@click.argument("study")
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def check(root: Path, study: str, as_json: bool) -> None:
    """Lees alle bewaarde bestanden na en zeg wat er mis is, waar, en wat te doen."""
    from kansenkaart.stages import pipeline

    wrong = pipeline.check(pipeline.open_study(study, root=root))
    if as_json:
        click.echo(json.dumps([_plain(one) for one in wrong], ensure_ascii=False))
    elif not wrong:
        click.echo("Alle bewaarde bestanden zijn in orde.")
    else:
        for one in wrong:
            _complain(one)
    if wrong:
        sys.exit(wrong[0].exit_code)


def _run(name: str, root: Path, gemeentecode: str | None, as_json: bool) -> None:
    from kansenkaart.stages import pipeline

    place = pipeline.open_study(name, root=root, gemeentecode=gemeentecode)
    reports = pipeline.run_all(place) if as_json else _with_progress(place)
    target = place.folders.maps / place.study.name / "index.html"
    if as_json:
        rows = [{"step": one.step, "status": one.status, "rows": dict(one.rows)} for one in reports]
        click.echo(json.dumps({"study": place.study.name, "map": str(target), "steps": rows}, ensure_ascii=False))
        return
    _table(
        ["stap", "", "rijen"],
        [[one.step, _WORDS[one.status], ", ".join(map(_count, one.rows.values()))] for one in reports],
    )
    if all(one.status == "unchanged" for one in reports):
        click.echo("Er is niets veranderd: alles staat er al.")
    click.echo(f"Kaart: {target.resolve()}")


def _with_progress(place: Workplace) -> list[Report]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from kansenkaart.stages import pipeline

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Studie {place.study.name}: gegevens lezen")

        def listen(report: Report) -> None:
            bar.update(task, description=f"Studie {place.study.name}: {report.step} {_WORDS[report.status]}")

        return pipeline.run_all(place, listen=listen)


def _count(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def _left(tally: dict[str, Any]) -> str:
    return "; ".join(f"{_count(count)}× {reason}" for reason, count in tally.get("left_out", {}).items()) or "-"


def _table(head: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    for line in [head, *rows]:
        click.echo("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def _plain(one: Any) -> dict[str, str]:
    return {
        "error": type(one).__name__,
        "expected": one.expected,
        "found": one.found,
        "where": one.where,
        "remedy": one.remedy,
    }


def _complain(one: Any) -> None:
    click.echo(f"Fout: verwacht: {one.expected}\n  gevonden: {one.found}", err=True)
    if one.where:
        click.echo(f"  waar: {one.where}", err=True)
    if one.remedy:
        click.echo(f"  wat te doen: {one.remedy}", err=True)


def main() -> None:
    """Run the command line; what a user can mend is said in words, with its own exit code."""
    from kansenkaart.errors import KansenkaartError

    try:
        cli(prog_name="kansenkaart")
    except KansenkaartError as why:
        if "--json" in sys.argv:
            click.echo(json.dumps(_plain(why), ensure_ascii=False))
        _complain(why)
        sys.exit(why.exit_code)
