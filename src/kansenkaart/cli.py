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

from kansenkaart import __version__
from kansenkaart.wording.nl import number

if TYPE_CHECKING:
    from kansenkaart.runs.study import Workplace
    from kansenkaart.tables.step import Report

_WORDS = {"done": "gemaakt", "unchanged": "ongewijzigd"}


class Place(click.Path):
    """A path; a character that no path can hold is a wrong argument, not a fault of the program."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or end with exit code 2.

        Parameters
        ----------
        value : Any
            What stands on the command line.
        param : click.Parameter, optional
            The option.
        ctx : click.Context, optional
            Of click.
        """
        if "\0" in str(value):
            self.fail("in een pad kan geen nulteken staan", param, ctx)
        return super().convert(value, param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kansenkaart")
@click.option(
    "--map",
    "root",
    type=Place(file_okay=False, path_type=Path),
    default=Path(),
    help="Projectmap met studies/, data/ en maps/ (standaard: de huidige map).",
)
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
@click.option("--openbaar", "public", is_flag=True, help="Openbare uitgave: niets is fijner dan tien woningen.")
@click.option(
    "--accept", metavar='"WIE: WAAROM"', help="Publiceer ook als een poort faalt; wie en waarom worden bewaard."
)
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def run_study(
    root: Path, study: str, gemeentecode: str | None, public: bool, accept: str | None, as_json: bool
) -> None:
    """Werk een studie bij: gegevens, scores en kaart. Wat niet veranderd is, blijft staan."""
    _run(study, root, gemeentecode, as_json, public=public, accept=accept)


@cli.command()
@click.argument("study")
@click.option("--van", "template", default="gemeente", help="Sjabloon: gemeente (standaard), land of voorbeeld.")
@click.pass_obj
def nieuw(root: Path, study: str, template: str) -> None:
    """Maak een studiebestand in studies/ naar een sjabloon; vul daarna plaats en bronnen in."""
    from kansenkaart.runs import study as pipeline

    click.echo(f"Studie: {pipeline.new_study(study, root=root, template=template).resolve()}")


@cli.command()
@click.argument("study")
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def status(root: Path, study: str, as_json: bool) -> None:
    """Toon wat er van een studie is: tabellen, aantallen en edities."""
    from kansenkaart.runs import study as pipeline

    rows = pipeline.status(pipeline.open_study(study, root=root))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif not rows:
        click.echo(f"Van studie {study} is nog niets gemaakt. Begin met: kansenkaart run {study}")
    else:
        _table(
            ["tabel", "rijen", "weggelaten", "edities"],
            [[row["name"], number(row["rows"]), _left(row["tally"]), ", ".join(row["editions"])] for row in rows],
        )


@cli.command()
@click.argument("study")
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def check(root: Path, study: str, as_json: bool) -> None:
    """Lees alle bewaarde bestanden na en zeg wat er mis is, waar, en wat te doen."""
    from kansenkaart.runs import study as pipeline

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


@cli.command()
@click.argument("study")
@click.option("--point", help="Plaats in RD (meters): x,y, zoals 84500,454000.")
@click.option("--address", help="Adres: straat en huisnummer, of postcode en huisnummer.")
@click.option("--low", type=click.IntRange(1), help="Minste woningen (standaard: van de studie).")
@click.option("--high", type=click.IntRange(1), help="Meeste woningen (standaard: van de studie).")
@click.option("--radius", type=click.FloatRange(1, 5000), help="Loopafstand vanaf het midden, in meters.")
@click.option(
    "--owner-at-least", type=click.FloatRange(0, 1), default=0.0, help="Minste deel van corporaties, 0 tot 1."
)
@click.option("--owner-at-most", type=click.FloatRange(0, 1), default=1.0, help="Meeste deel van corporaties, 0 tot 1.")
@click.option("--with", "pins_in", default="", help="Nummers van blokken die erin moeten: 12,13.")
@click.option("--without", "pins_out", default="", help="Nummers van blokken die erbuiten moeten: 7.")
@click.option("--by", "criterion", type=click.Choice(["eur", "kwh", "border"]), help="Waar het beste in is.")
@click.option("--prices", is_flag=True, help="Noem ook de prijs van elk blok langs de rand, erin of eruit.")
@click.option(
    "--seconds", type=click.FloatRange(0), default=10.0, help="Tijd voor het bewijs; het antwoord komt altijd."
)
@click.option("--out", type=Place(dir_okay=False, path_type=Path), help="GeoJSON (standaard: in maps/STUDIE).")
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def gebied(root: Path, /, study: str, point: str | None, out: Path | None, as_json: bool, **bounds: Any) -> None:
    """Vraag het beste gebied om een punt of adres, met bewijs en met de reden van elke grens."""
    from kansenkaart.runs import query
    from kansenkaart.runs import study as pipeline

    place = pipeline.open_study(study, root=root)
    answer = query.ask(place, _asked(point, bounds))
    told = query.plain(answer)
    target = out or place.folders.maps / place.study.name / f"gebied_{told['area']['centre_block_id']}.geojson"
    query.write_geojson(answer, target)
    if as_json:
        click.echo(json.dumps({**told, "geojson": str(target)}, ensure_ascii=False))
    else:
        _show_area(told)
        click.echo(f"GeoJSON: {target.resolve()}")


def _asked(point: str | None, bounds: dict[str, Any]) -> Any:
    from kansenkaart.errors import ConfigError
    from kansenkaart.runs.query import Asked

    def numbers(text: str, kind: Any, where: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(part) for part in text.split(",") if part.strip())
        except ValueError as why:
            raise ConfigError(
                "numbers with commas between them", found=text, where=where, remedy="such as 12,13"
            ) from why

    spot = numbers(point, float, "--point") if point else None
    if spot is not None and len(spot) != 2:
        raise ConfigError("x and y", found=str(point), where="--point", remedy="such as 84500,454000")
    return Asked(
        point=spot,
        address=bounds["address"],
        low_homes=bounds["low"],
        high_homes=bounds["high"],
        radius_m=bounds["radius"],
        owner_low=bounds["owner_at_least"],
        owner_high=bounds["owner_at_most"],
        criterion=bounds["criterion"],
        pins_in=numbers(bounds["pins_in"], int, "--with"),
        pins_out=numbers(bounds["pins_out"], int, "--without"),
        seconds=bounds["seconds"],
        prices=bounds["prices"],
    )


def _show_area(told: dict[str, Any]) -> None:
    """Say the area in words: what is unknown is called so."""
    area = told["area"]
    proof = (
        "bewezen het beste" if area["bound_gap_frac"] == 0 else f"hoogstens {area['bound_gap_frac']:.1%} te verbeteren"
    )
    click.echo(f"{area['best_name']}: {number(area['homes'])} woningen in {area['blocks']} blokken; {proof}")
    figures = {
        "value_eur_per_year": "euro per jaar",
        "yield_fit_kwh_per_year": "kWh per jaar van volle daken",
        "people": "inwoners",
        "stacked_homes": "gestapelde woningen",
    }
    for name, words in figures.items():
        click.echo(f"  {number(area[name])}  {words}")
    owned = area["corporation_frac"]
    click.echo(f"  {'onbekend' if owned is None else f'{owned:.0%}'}  van corporaties")
    click.echo(f"Waarom deze grens ({area['known_border_frac']:.0%} op een lijn die mensen kennen):")
    for line in told["border"]:
        click.echo(f"  {line['length_m']:5.0f} m  {line['border_reason_nl']}")
    for one in told.get("prices", []):
        verb = "eruit" if one["inside"] else "erin"
        price = one["price_eur_per_year"]
        click.echo(
            f"  blok {one['block_id']} {verb}: {'kan niet' if price is None else f'{price:.0f} per jaar minder waard'}"
        )
    click.echo(f"Blokken: {area['block_ids']}")


@cli.command()
@click.argument("study")
@click.argument("place", required=False)
@click.option("--all", "every", is_flag=True, help="Maak het rapport van elke buurt en elk gebied.")
@click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")
@click.pass_obj
def haalbaarheid(root: Path, study: str, place: str | None, every: bool, as_json: bool) -> None:
    """Maak het rapport over een wijkbedrijf: PLACE is soort en code, zoals buurt:BU01930001, gebied:3 of best:0."""
    from kansenkaart.errors import ConfigError
    from kansenkaart.runs import study as pipeline

    kind, _, name = (place or "").partition(":")
    if every == bool(place) or (place and not name):
        raise ConfigError(
            "one place such as buurt:BU01930001 or gebied:3, or --all",
            found=place or "none",
            where="kansenkaart haalbaarheid",
            remedy=f"kansenkaart haalbaarheid {study} --all",
        )
    files = pipeline.run_reports(pipeline.open_study(study, root=root), None if every else (kind, name))
    if as_json:
        click.echo(json.dumps([str(one) for one in files], ensure_ascii=False))
    else:
        for one in files:
            click.echo(str(one.resolve()))


def _run(
    name: str, root: Path, gemeentecode: str | None, as_json: bool, *, public: bool = False, accept: str | None = None
) -> None:
    from kansenkaart.runs import study as pipeline

    place = pipeline.open_study(name, root=root, gemeentecode=gemeentecode, public=public)
    reports = pipeline.run_all(place, accept=accept) if as_json else _with_progress(place, accept)
    target = place.target / "index.html"
    if as_json:
        rows = [{"step": one.step, "status": one.status, "rows": dict(one.rows)} for one in reports]
        click.echo(json.dumps({"study": place.study.name, "map": str(target), "steps": rows}, ensure_ascii=False))
        return
    _table(
        ["stap", "", "rijen"],
        [[one.step, _WORDS[one.status], ", ".join(map(number, one.rows.values()))] for one in reports],
    )
    if all(one.status == "unchanged" for one in reports):
        click.echo("Er is niets veranderd: alles staat er al.")
    click.echo(f"Kaart: {target.resolve()}")


def _with_progress(place: Workplace, accept: str | None) -> list[Report]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from kansenkaart.runs import study as pipeline

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Studie {place.study.name}: gegevens lezen")

        def listen(report: Report) -> None:
            bar.update(task, description=f"Studie {place.study.name}: {report.step} {_WORDS[report.status]}")

        return pipeline.run_all(place, listen=listen, accept=accept)


def _left(tally: dict[str, Any]) -> str:
    return "; ".join(f"{number(count)}× {reason}" for reason, count in tally.get("left_out", {}).items()) or "-"


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
    click.echo(f"Error: expected: {one.expected}\n  found: {one.found}", err=True)
    if one.where:
        click.echo(f"  where: {one.where}", err=True)
    if one.remedy:
        click.echo(f"  what to do: {one.remedy}", err=True)


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
