"""Errors, reasons and notes reach people in Dutch: every sentence that the code can say is in the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

import flows
import kansenkaart
from kansenkaart import errors
from kansenkaart.cli import cli
from kansenkaart.wording.messages import catalogue, error_lines, in_dutch, status_lines
from tests.wording.sentences import Package, words

PACKAGE, FLOWS = Path(kansenkaart.__file__).parent, Path(flows.__file__).parent
ERRORS = {
    name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.KansenkaartError)
}


def _is_name(text: str) -> bool:
    """Say whether a text is the name of a thing, without a blank: a column, a table, a file, an option of a study."""
    return " " not in text.strip()


@pytest.fixture(scope="module")
def sentences() -> dict[str, str]:
    """Collect what the package and its flows can say."""
    return {
        text: where for folder in (PACKAGE, FLOWS) for text, where in dict(Package.of(folder).sentences(ERRORS)).items()
    }


def test_every_sentence_has_its_dutch(sentences):
    missing = {text: where for text, where in sentences.items() if not _is_name(text) and _untranslated(text)}
    assert missing == {}


def _untranslated(text: str) -> bool:
    return in_dutch(text) == text and catalogue().get(text) != text


def _vocabulary(texts: Iterable[str]) -> set[str]:
    return set().union(*(set(re.findall(r"[a-z]{2,}", text.lower())) for text in texts))


def test_no_sentence_is_translated_by_half(sentences):
    """No word that only the English half of the catalogue has is left in what people read."""
    english = _vocabulary(catalogue()) - _vocabulary(catalogue().values())
    said = {text: in_dutch(text) for text in sentences if not _is_name(text)}
    assert {text: dutch for text, dutch in said.items() if english & _vocabulary([dutch])} == {}


@pytest.mark.parametrize(
    ("said", "dutch"),
    [
        ("blocks with a street of their own inside", "blokken met een eigen straat erin"),
        ("no column fysiek_voorkomen: surface unknown", "geen kolom fysiek_voorkomen: fysiek voorkomen onbekend"),
        ("no column toevoeging: addition unknown", "geen kolom toevoeging: toevoeging onbekend"),
        ("inhabitants below 0, unknown", "inwoners onder 0, onbekend"),
        ("statistics: inhabitants unknown", "statistiek: inwoners onbekend"),
        ("index 999 is out of bounds for axis 0", "index 999 is out of bounds for axis 0"),  # a library's own words
        ("one file in the zip that ends in .json, .jsonl", "een bestand in de zip dat eindigt op .json, .jsonl"),
        ("3 of 40 homes", "3 van 40 homes"),
        (
            "choose one of ['gemeente', 'land'], or make it: kansenkaart nieuw wijk",
            "kies een van gemeente, land, of maak er een: kansenkaart nieuw wijk",
        ),
        (
            "Invalid value for '--straal': 9 is not in the range 1<=x<=5.",
            "'--straal' kan niet: 9 ligt niet tussen 1 en 5",
        ),
        (
            "No such command 'starten'. Did you mean 'status'?",
            "een opdracht starten is er niet. Bedoelde u 'status'?",
        ),
    ],
)
def test_notes_that_stood_half_in_english(said, dutch):
    assert in_dutch(said) == dutch


def test_the_walk_sees_errors_reasons_and_notes_however_they_are_said(sentences):
    assert len(sentences) > 800
    for text in (
        "one row a day",  # said at once
        "no usable geometry",  # a constant
        "left out, {}: {}",  # a parameter of a method
        "status: {}",  # the beginning of a reason
    ):
        assert text in sentences


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            'def f(x):\n    raise FormatError("two words", found="other words" if x else "more words")',
            {"two words", "other words", "more words"},
        ),
        (
            'def f(x):\n    where = f"row {x}"\n    return FormatError("two words", found=where)',
            {"two words", "row {}"},
        ),
        (
            'def _g(words):\n    raise FormatError(words, found="other words")\n\ndef f():\n    _g("two words")',
            {"two words", "other words"},
        ),
        ('WORDS = "two words"\n\ndef f(sieve, bad):\n    sieve.drop(bad, WORDS)', {"two words"}),
        ('def f(sieve, n):\n    sieve.note(f"{n} of us" + " and more", 1)', {"{} of us and more"}),
        ('def f(noted, n):\n    noted[f"rows of {n}"] = 1', {"rows of {}"}),
        ('def f(n):\n    return Tally(1, 1, {"two words": n}, {"other words": 1})', {"two words", "other words"}),
    ],
)
def test_a_sentence_is_found_wherever_it_is_said(source, said, tmp_path):
    (tmp_path / "room.py").write_text(source, "utf-8")
    assert {text for text, _ in Package.of(tmp_path).sentences(ERRORS)} == said


def test_holes_are_filled_in_their_order_and_the_longest_sentence_wins():
    assert in_dutch("form auto in the study, read as lvbag-gpkg") == "form auto in de studie, gelezen als lvbag-gpkg"
    assert in_dutch("bouwjaar unknown (placeholder 1005)") == "bouwjaar onbekend (plaatsvervangend jaar 1005)"
    assert in_dutch("left out, no usable geometry: k2") == "weggelaten, geen bruikbare vorm: k2"
    assert in_dutch("iets dat niemand kent") == "iets dat niemand kent"
    assert all(english.count("{}") >= dutch.count("{}") for english, dutch in catalogue().items())


def test_several_sentences_in_one_and_columns_by_their_name():
    assert in_dutch("source 2, form: Field required; source 2, vorm: Extra inputs are not permitted") == (
        "bron 2, form: ontbreekt; bron 2, vorm: deze sleutel bestaat niet (een schrijffout?)"
    )
    assert in_dutch("gas_use_m3_per_home unknown") == "aardgas per woning onbekend"
    assert in_dutch("map and more.gpkg") == "map and more.gpkg"  # the name of a file stays as it is


def test_no_sentence_of_the_catalogue_is_half_translated():
    left = [
        dutch for dutch in catalogue().values() if words(dutch) and set(dutch.lower().split()) & {"the", "with", "than"}
    ]
    assert left == []


def test_an_error_in_lines():
    lines = error_lines("rows of one station", found="stations 260, 278 in one file", where="etmgeg.txt", remedy="")
    assert lines == [
        "Fout: verwacht: regels van één station",
        "  gevonden: stations 260, 278 in één bestand",
        "  waar: etmgeg.txt",
    ]


STUDY = (
    'name = "proef"\ntitle = "Proef"\n[[source]]\nrole = "pand"\npublisher = "bag"\norigin = "file"\nform = "auto"\n'
)


@pytest.mark.parametrize(
    ("text", "found", "remedy"),
    [
        (STUDY + 'path = "map\\gegevens.gpkg"\n', "in een tekst (regel 8", "schrijf / in paden"),
        (STUDY + 'path = "map\\bag.gpkg"\n', "bron 1, path: een pad schrijft u met /", "verbeter de genoemde sleutels"),
        (STUDY + 'path = "C:/bag.gpkg"\n', "zonder schijfletter", "verbeter de genoemde sleutels"),
        (
            STUDY.replace('"Proef"', "\u201cProef\u201d"),
            "een waarde die geen TOML is (regel 2",
            "rechte aanhalingstekens",
        ),
        (STUDY + 'pad = "x.gpkg"\n', "bron 1, pad: deze sleutel bestaat niet (een schrijffout?)", "verbeter de"),
        (STUDY.replace('"pand"', '"panden"'), "bron 1, role: moet een van de rollen zijn: buurt", "verbeter de"),
        (STUDY.replace('role = "pand"\n', ""), "bron 1, role: ontbreekt", "verbeter de"),
    ],
)
def test_a_study_that_cannot_be_read_says_in_dutch_what_is_wrong_and_where(text, found, remedy, tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "proef.toml").write_text(text, "utf-8")
    with pytest.raises(errors.ConfigError) as caught:
        CliRunner().invoke(cli, ["--map", str(tmp_path), "status", "proef"], catch_exceptions=False)
    why = caught.value
    lines = error_lines(why.expected, found=why.found, where=why.where, remedy=why.remedy)
    assert found in lines[1]
    assert remedy in lines[-1]


def test_a_status_of_before_that_lacks_what_was_expected_is_read_too():
    error = {"error": "ValueError", "found": "iets", "remedy": "look at the log of this run"}
    at = "2026-11-29T21:00:00+00:00"
    lines = status_lines({"study": "plek", "at": at, "error": error, "published": None, "again": None})
    assert lines[0] == "De geplande run van plek is mislukt, 2026-11-29 22:00."
    assert any("iets" in line for line in lines)
    assert lines[-1] == "  opnieuw: niet vanzelf"
