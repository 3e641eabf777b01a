"""What the commands answer about the small example, whole, for people and for machines, as a person read it."""

from __future__ import annotations

import re
import shutil

import pytest
from click.testing import CliRunner

from kansenkaart.cli import cli
from kansenkaart.errors import KansenkaartError
from kansenkaart.wording.messages import error_lines
from tests.pinned import same_as_pinned

_ADDRESS = ("gebied", "proefveld", "--adres", "Galerijpad 1")
COMMANDS = (
    ("lijst",),
    ("lijst", "--json"),
    ("status", "proefveld"),
    ("status", "proefveld", "--json"),
    ("check", "proefveld"),
    ("check", "proefveld", "--json"),
    ("run", "proefveld", "--droog"),
    ("run", "proefveld", "--droog", "--json"),
    ("eigen-data", "proefveld"),
    ("eigen-data", "proefveld", "--json"),
    ("vergeet", "proefveld", "own_pand"),
    ("nieuw", "mijnwijk", "--van", "proefveld"),
    ("nieuw", "mijnwijk"),
    (*_ADDRESS, "--prijzen"),
    (*_ADDRESS, "--json", "--prijzen"),
    ("gebied", "proefveld", "--punt", "190100,560100", "--minst", "200", "--meest", "260", "--straal", "400"),
    ("gebied", "proefveld", "--punt", "190100"),
    ("gebied", "proefveld", "--punt", "290100,460100"),
    ("gebied", "proefveld", "--adres", "Galerypad 1"),
    ("gebied", "proefveld"),
    ("gebied", "proefveld", "--punt", "190100,560100", "--met", "1", "--zonder", "1"),
    ("haalbaarheid", "proefveld", "gebied:99"),
    ("status", "nergens"),
)


def _answer(root, words):
    done = CliRunner().invoke(cli, ["--map", str(root), *words])
    said, why = f"[{done.exit_code}]\n{done.stdout}{done.stderr}", done.exception
    if isinstance(why, KansenkaartError):
        lines = error_lines(why.expected, found=why.found, where=why.where, remedy=why.remedy)
        said = f"[{why.exit_code}]\n" + "\n".join(lines)
    said = re.sub(r"\b[0-9a-f]{12,64}\b", "#", said.replace(str(root), "PROJECT"))
    said = re.sub(r"-?\d+\.\d{4,}", lambda one: f"{float(one[0]):.6g}", said)
    return "\n".join(line.rstrip() for line in said.splitlines())


@pytest.fixture
def alone(finished, tmp_path):
    """Copy what commands read and write, without the pages."""
    for part in ("studies", "data"):
        shutil.copytree(finished / part, tmp_path / "project" / part)
    return tmp_path / "project"


def test_every_command_answers_as_was_read(alone):
    made = {" ".join(words): _answer(alone, words) for words in COMMANDS}
    made |= {f"{name} --help": _answer(alone, (name, "--help")) for name in sorted(cli.commands)}
    same_as_pinned("pins/commands.txt", made)
