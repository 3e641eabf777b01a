"""The command line: in Dutch for people, ``--json`` for machines; standard output is ours, whatever a library prints.

Exit codes: 0 done; 1 unforeseen; 2 a wrong study, setting or argument; 3 data in another shape; 4 a publisher did not answer;
5 a stored file is missing or damaged; 6 another run is busy; 7 a quality gate failed; 8 nothing fits the bounds asked for.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from kansenkaart import __version__
from kansenkaart.runs.voice import WORDS, Voice, counted, listening
from kansenkaart.wording.nl import number

#: The exit code of a trial counts sources that would not work, up to this [1].
_MOST_FAILED = 100
_PLANS = {
    "read": "wordt gelezen",
    "fetch": "wordt opgehaald of gemaakt",
    "missing": "ONTBREEKT",
    "wrong": "KAN ZO NIET",
    "make": "wordt gemaakt",
    "skip": "blijft staan",
}
_CRITERIA, _SHARE = ["bedrag", "kwh", "grens", "stays", "border"], click.FloatRange(0, 1)
#: Tables of own data by the word that asks for an example of one.
_ROLES = {"pand": "own_pand", "riool": "own_sewer", "budget": "own_budget", "uitkomst": "own_actual"}


class Command(click.Command):
    """A command whose options have Dutch names and go on answering to the English ones of before."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put Dutch names in the place of English ones, and say so on standard error."""
        from kansenkaart.wording.messages import RENAMED

        there = {name for one in self.params for name in one.opts}
        renamed = []
        for word in args:
            name, sign, value = word.partition("=")
            new = RENAMED.get(name)
            if new in there and name not in there:
                click.echo(f"Let op: {name} heet nu {new}; {name} blijft voorlopig werken.", err=True)
                word = f"{new}{sign}{value}"
            renamed.append(word)
        return super().parse_args(ctx, renamed)


class Group(click.Group):
    """The group of commands, each of the class above."""

    command_class = Command


class Place(click.Path):
    """A path; a character that no path can hold is a wrong argument, not a fault of the program."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or end with exit code 2."""
        if "\0" in str(value):
            self.fail("in een pad kan geen nulteken staan", param, ctx)
        return super().convert(value, param, ctx)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
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


def _json_option(function: Callable[..., None]) -> Callable[..., None]:
    return click.option("--json", "as_json", is_flag=True, help="Uitvoer voor machines.")(function)


@cli.command()
@_json_option
@click.pass_obj
def demo(root: Path, as_json: bool) -> None:
    """Maak de kaart van de ingebouwde, verzonnen voorbeeldstad."""
    from kansenkaart.config import DEMO

    _run(DEMO, root, None, Voice(as_json))


@cli.command(name="run")
@click.argument("study")
@click.option("--code", "gemeentecode", help="Gemeentecode voor een studie die live gegevens haalt, zoals GM0193.")
@click.option("--openbaar/--intern", "public", default=None, help="Openbaar (standaard), of intern: elk pand apart.")
@click.option(
    "--accepteer",
    "accept",
    metavar='"WIE: WAAROM"',
    help="Publiceer ook als een poort faalt; wie en waarom worden bewaard.",
)
@click.option("--droog", "dry", is_flag=True, help="Zeg alleen wat er gelezen, gemaakt en overgeslagen zou worden.")
@click.option(
    "--verbose", "--uitgebreid", "verbose", is_flag=True, help="Noem per stap ook wat er weggelaten en opgemerkt is."
)
@click.option("--stil", "quiet", is_flag=True, help="Zeg niets, behalve fouten.")
@click.option(
    "--log-bestand", "log", type=Place(dir_okay=False, path_type=Path), help="Schrijf elke stap ook hierin bij."
)
@_json_option
@click.pass_obj
def run_study(
    root: Path, /, study: str, gemeentecode: str | None, public: bool | None, accept: str | None, **said: Any
) -> None:
    """Werk een studie bij: gegevens, scores en kaart. Wat niet veranderd is, blijft staan."""
    if said.pop("dry"):
        _foresee(study, root, gemeentecode, said["as_json"])
    else:
        _run(study, root, gemeentecode, Voice(**said), public=public, accept=accept)


def _foresee(study: str, root: Path, gemeentecode: str | None, as_json: bool) -> None:
    from kansenkaart.runs import study as pipeline
    from kansenkaart.wording.messages import in_dutch

    with _libraries_elsewhere():
        rows = pipeline.foresee(pipeline.open_study(study, root=root, gemeentecode=gemeentecode))
    if as_json:
        _say_json(rows)
    else:
        _table(
            ["bron of stap", "", "wat"], [[row["name"], _PLANS[row["plan"]], in_dutch(row["detail"])] for row in rows]
        )
        if not any(row["kind"] == "step" for row in rows):
            click.echo("Welke stappen volgen, hangt af van wat er opgehaald wordt of nog ontbreekt.")
    sys.exit(next((int(row["exit_code"]) for row in rows if "exit_code" in row), 0))


@cli.command()
@click.argument("study")
@click.option("--van", "template", default="gemeente", help="Sjabloon: gemeente (standaard), voorbeeld of proefveld.")
@click.pass_obj
def nieuw(root: Path, study: str, template: str) -> None:
    """Maak een studiebestand in studies/ naar een sjabloon: STUDY is een naam, of een gemeente (Zwolle, GM0193)."""
    from kansenkaart.runs import studies

    path = studies.new_study(study, root=root, template=template)
    click.echo(f"Studie: {path.resolve()}, gemeente: {studies.asked(path) or 'geen'}")
    click.echo(f"Maak de kaart met: kansenkaart run {path.stem}")


@cli.command()
@click.option("--code", "gemeentecode", required=True, help="Gemeentecode, zoals GM0193.")
@click.option("--study", default="gemeente", help="Studie waarvan de bronnen geprobeerd worden (standaard: gemeente).")
@click.option(
    "--uit", "out", type=Place(file_okay=False, path_type=Path), help="Bewaar de antwoorden, opgeschoond, in deze map."
)
@_json_option
@click.pass_obj
def proef(root: Path, /, gemeentecode: str, study: str, out: Path | None, as_json: bool) -> None:
    """Vraag elke dienst een beetje en zeg wat er niet zou werken; de afsluitcode is het aantal bronnen dat niet werkt."""
    from kansenkaart.runs import studies
    from kansenkaart.runs import study as pipeline

    with _libraries_elsewhere():
        rows = studies.run_trial(pipeline.open_study(study, root=root, gemeentecode=gemeentecode), out)
    if as_json:
        _say_json(rows)
    else:
        columns = ["source", "verdict", "seconds", "requests", "minutes"]
        head = ["bron", "oordeel", "seconden per antwoord", "verzoeken van een run", "minuten"]
        _table(head, [[one[name] for name in columns] for one in rows])
        for one in rows:
            click.echo(f"{one['source']}: {'; '.join(one['words'])}")
    sys.exit(min(sum(not one["works"] for one in rows), _MOST_FAILED))


@cli.command()
@_json_option
@click.pass_obj
def lijst(root: Path, as_json: bool) -> None:
    """Toon de studies die er zijn: van dit project, en die met het programma meekomen."""
    from kansenkaart.runs import studies

    rows = studies.list_studies(root)
    if as_json:
        _say_json(rows)
        return
    kept = {True: "kaart gemaakt", False: "-"}
    _table(
        ["studie", "wat", "plaats", "van", "kaart"],
        [[one["name"], one["title"], one["place"], one["origin"], kept[one["published"]]] for one in rows],
    )


@cli.command()
@click.argument("study")
@_json_option
@click.pass_obj
def status(root: Path, study: str, as_json: bool) -> None:
    """Toon wat er van een studie is: tabellen, aantallen, wat weggelaten en opgemerkt is, edities, een run die mislukte."""
    from kansenkaart.config import STATUS
    from kansenkaart.runs import study as pipeline
    from kansenkaart.wording.messages import status_lines

    with _libraries_elsewhere():
        place = pipeline.open_study(study, root=root)
        rows = pipeline.status(place)
    if as_json:
        _say_json(rows)
        return
    if (failed := place.store.root / STATUS).is_file():
        click.echo("\n".join(status_lines(json.loads(failed.read_text("utf-8")))))
    if not rows:
        click.echo(f"Van studie {study} is nog niets gemaakt. Begin met: kansenkaart run {study}")
    else:
        lines = []
        for row in rows:
            gone, of = counted(row["tally"].get("left_out", {})) or "niets", row["as_of"] or "onbekend"
            lines.append([row["name"], number(row["rows"]), gone, of, ", ".join(row["editions"])])
        _table(["tabel", "rijen", "weggelaten", "oudste", "edities"], lines)
        notes = [f"  {row['name']}: {counted(row['tally']['noted'])}" for row in rows if row["tally"].get("noted")]
        click.echo("\n".join(["Opgemerkt bij wat wel gebruikt is:", *notes]) if notes else "Verder is niets opgemerkt.")


@cli.command()
@click.argument("study")
@_json_option
@click.pass_obj
def check(root: Path, study: str, as_json: bool) -> None:
    """Lees alle bewaarde bestanden na en zeg wat er mis is, waar, en wat te doen."""
    from kansenkaart.runs import study as pipeline

    with _libraries_elsewhere():
        wrong = pipeline.check(pipeline.open_study(study, root=root))
    if as_json:
        _say_json([one.plain() for one in wrong])
    elif not wrong:
        click.echo("Alle bewaarde bestanden zijn in orde.")
    else:
        for one in wrong:
            _complain(one)
    if wrong:
        sys.exit(wrong[0].exit_code)


@cli.command(name="eigen-data")
@click.argument("study", required=False)
@click.option("--voorbeeld", "example", type=click.Choice([*_ROLES]), help="Schrijf een tabel om mee te beginnen.")
@click.option("--uit", "out", type=Place(dir_okay=False, path_type=Path), help="Waar de voorbeeldtabel komt.")
@_json_option
@click.pass_obj
def own_data(root: Path, study: str | None, example: str | None, out: Path | None, as_json: bool) -> None:
    """Zeg van elke regel eigen gegevens wat ermee gedaan is, of schrijf een voorbeeld om mee te beginnen."""
    from kansenkaart.runs import study as pipeline

    if (study is None) == (example is None):
        raise click.UsageError("Noem een studie, of vraag een voorbeeld: kansenkaart eigen-data --voorbeeld pand")
    if example is not None:
        target = pipeline.write_own_example(_ROLES[example], out or Path(f"eigen_{example}.csv"))
        _say_json({"file": str(target)}) if as_json else click.echo(f"Voorbeeld: {target.resolve()}")
        return
    with _libraries_elsewhere():
        rows = pipeline.own_report(pipeline.open_study(str(study), root=root))
    if as_json:
        _say_json(rows)
        return
    head = ["bestand", "regel", "kolom", "gevonden", "uitleg"]
    names = ("own_file", "own_row", "own_column", "own_found", "own_words")
    _table(head, [[str(row[name]) for name in names] for row in rows])


@cli.command()
@click.argument("study")
@click.option("--punt", "point", help="Plaats in RD (meters): x,y, zoals 84500,454000.")
@click.option("--adres", "address", help="Adres: straat en huisnummer, of postcode en huisnummer.")
@click.option("--minst", "low", type=click.IntRange(1), help="Minste woningen (standaard: van de studie).")
@click.option("--meest", "high", type=click.IntRange(1), help="Meeste woningen (standaard: van de studie).")
@click.option("--straal", "radius", type=click.FloatRange(1, 5000), help="Loopafstand vanaf het midden, in meters.")
@click.option(
    "--corporaties-minstens", "owner_at_least", type=_SHARE, default=0.0, help="Minste deel van corporaties, 0 tot 1."
)
@click.option(
    "--corporaties-hoogstens", "owner_at_most", type=_SHARE, default=1.0, help="Meeste deel van corporaties, 0 tot 1."
)
@click.option("--met", "pins_in", default="", help="Nummers van blokken die erin moeten: 12,13.")
@click.option("--zonder", "pins_out", default="", help="Nummers van blokken die erbuiten moeten: 7.")
@click.option("--naar", "criterion", type=click.Choice(_CRITERIA), help="Waar het beste in is.")
@click.option("--prijzen", "prices", is_flag=True, help="Noem ook de prijs van elk blok langs de rand, erin of eruit.")
@click.option(
    "--seconden", "seconds", type=click.FloatRange(0), default=10.0, help="Tijd voor bewijs, niet voor antwoord."
)
@click.option("--uit", "out", type=Place(dir_okay=False, path_type=Path), help="GeoJSON (standaard: in maps/STUDIE).")
@_json_option
@click.pass_obj
def gebied(root: Path, /, study: str, point: str | None, out: Path | None, as_json: bool, **bounds: Any) -> None:
    """Vraag het beste gebied om een punt of adres, met bewijs en met de reden van elke grens."""
    from kansenkaart.runs import query
    from kansenkaart.runs import study as pipeline

    with _libraries_elsewhere():
        place = pipeline.open_study(study, root=root)
        answer = query.ask(place, query.asked(point, bounds))
        told = query.plain(answer)
        target = out or place.folders.maps / place.study.name / f"gebied_{told['area']['centre_block_id']}.geojson"
        query.write_geojson(answer, target)
    if as_json:
        _say_json({**told, "geojson": str(target)})
    else:
        from kansenkaart.wording.messages import area_lines

        click.echo("\n".join(area_lines(told)))
        click.echo(f"GeoJSON: {target.resolve()}")


@cli.command()
@click.argument("study")
@click.argument("role")
@_json_option
@click.pass_obj
def vergeet(root: Path, study: str, role: str, as_json: bool) -> None:
    """Wis eigen gegevens (ROLE, zoals own_pand) en alles wat ermee is gemaakt, ook in bewaarde edities."""
    from kansenkaart.acquire.own_data import forget
    from kansenkaart.runs import study as pipeline

    place = pipeline.open_study(study, root=root)
    gone = forget(place.study, place.folders, role)
    words = [f"gewist: {one}" for one in gone] or [f"Van {role} was niets bewaard."]
    _say_json(gone) if as_json else click.echo("\n".join(words))


@cli.command()
@click.argument("study")
@click.argument("place", required=False)
@click.option("--alle", "every", is_flag=True, help="Maak het rapport van elke buurt en elk gebied.")
@_json_option
@click.pass_obj
def haalbaarheid(root: Path, study: str, place: str | None, every: bool, as_json: bool) -> None:
    """Maak het rapport over een wijkbedrijf: PLACE is soort en code, zoals buurt:BU01930001, gebied:3 of best:0."""
    from kansenkaart.errors import ConfigError
    from kansenkaart.runs import study as pipeline

    kind, _, name = (place or "").partition(":")
    if every == bool(place) or (place and not name):
        raise ConfigError(
            "one place such as buurt:BU01930001 or gebied:3, or --alle",
            found=place or "none",
            where="kansenkaart haalbaarheid",
            remedy=f"kansenkaart haalbaarheid {study} --alle",
        )
    with _libraries_elsewhere():
        files = pipeline.run_reports(pipeline.open_study(study, root=root), None if every else (kind, name))
    _say_json([str(one) for one in files]) if as_json else click.echo("\n".join(str(one.resolve()) for one in files))


@cli.command()
@click.argument("study")
@click.option("--openbaar/--intern", "public", default=None, help="Openbaar (standaard), of intern: elk pand apart.")
@click.option("--uitgever", "publisher", default="Kansenkaart", help="Wie de uitgave publiceert.")
@click.option("--contact", "contact", default="", help="Mailadres of pagina voor vragen over de uitgave.")
@_json_option
@click.pass_obj
def uitgave(root: Path, /, study: str, public: bool | None, publisher: str, contact: str, as_json: bool) -> None:
    """Maak een map met de open lagen, hun betekenis en een verwijzing: klaar om neer te zetten, zoals op Zenodo."""
    from kansenkaart.runs.studies import open_study, run_release

    with _libraries_elsewhere():
        files = run_release(open_study(study, root=root, public=public), (publisher, contact))
    _say_json([str(one) for one in files]) if as_json else click.echo(f"Uitgave: {files[-1].parent.resolve()}")


@cli.command()
@click.argument("tiles", type=Place(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--uit", "out", type=Place(dir_okay=False, path_type=Path), default="daken.csv", help="De tabel.")
@_json_option
def daken(tiles: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Leid uit tegels van 3DBAG, van drie plaatsen of meer, af wat daken naar hun omtrek dragen."""
    from kansenkaart.score.calibration import write_priors

    with _libraries_elsewhere():
        row = write_priors(tiles, out)
    _say_json(row) if as_json else click.echo(f"Tabel: {out.resolve()} ({number(row['panden'])} gebouwen)")


def _run(
    name: str, root: Path, code: str | None, voice: Voice, *, public: bool | None = None, accept: str | None = None
) -> None:
    from kansenkaart.runs import study as pipeline

    with _libraries_elsewhere():
        place = pipeline.open_study(name, root=root, gemeentecode=code, public=public)
        with listening(place, voice) as listen:
            reports = pipeline.run_all(place, listen=listen, accept=accept)
    target = place.target / "index.html"
    if voice.as_json:
        rows = [{"step": one.step, "status": one.status, "rows": dict(one.rows)} for one in reports]
        _say_json({"study": place.study.name, "map": str(target), "steps": rows})
    elif not voice.quiet:
        _table(
            ["stap", "", "rijen"],
            [[one.step, WORDS[one.status], ", ".join(map(number, one.rows.values()))] for one in reports],
        )
        if all(one.status == "unchanged" for one in reports):
            click.echo("Er is niets veranderd: alles staat er al.")
        click.echo(f"Kaart: {target.resolve()}")


@contextlib.contextmanager
def _libraries_elsewhere() -> Iterator[None]:
    """Send what libraries print, in Python or below it, to standard error: standard output holds our answer only."""
    sys.stdout.flush()
    try:
        ours = sys.stdout.fileno() == 1
    except (OSError, ValueError):  # a test's own stream
        ours = False
    kept = os.dup(1) if ours else None
    try:
        if kept is not None:
            os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)


def _say_json(content: Any) -> None:
    click.echo(json.dumps(content, ensure_ascii=False, default=str))


def _table(head: list[str], rows: list[list[str]]) -> None:
    from kansenkaart.wording.messages import table_lines

    click.echo("\n".join(table_lines(head, rows)))


def _complain(one: Any) -> None:
    from kansenkaart.wording.messages import error_lines

    click.echo("\n".join(error_lines(one.expected, found=one.found, where=one.where, remedy=one.remedy)), err=True)


def _misused(why: click.UsageError) -> None:
    """Say in Dutch what was wrong with the words of the command."""
    from kansenkaart.wording.messages import in_dutch

    if "--json" in sys.argv:
        words = {
            "expected": "a command as its help says",
            "found": why.format_message(),
            "where": "",
            "remedy": "--help",
        }
        _say_json({"error": "UsageError", "code": "usage", **words})
    path = why.ctx.command_path if why.ctx else "kansenkaart"
    click.echo(f"Fout: {in_dutch(why.format_message())}\n  wat te doen: {path} --help", err=True)


def main() -> None:
    """Run the command line; what a user can mend is said in words, with its own exit code."""
    from kansenkaart.errors import KansenkaartError

    try:
        sys.exit(cli.main(prog_name="kansenkaart", standalone_mode=False) or 0)
    except click.UsageError as why:
        _misused(why)
        sys.exit(why.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except KansenkaartError as why:
        if "--json" in sys.argv:
            _say_json(why.plain())
        _complain(why)
        sys.exit(why.exit_code)
