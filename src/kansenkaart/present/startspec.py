"""What a page says in the first minute, and which files lie beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One question that a reader has in the first minute, its answer, and where the answer comes from."""

    question: str
    answer: str
    origin: str = ""


@dataclass(frozen=True)
class Start:
    """The first minute: where to start, how many homes, what it brings, how sure, from what; and the units to show.

    `layer` and `feature` (its key) name the place on the map that is marked as the one to begin with.
    """

    title: str
    answers: tuple[Answer, ...]
    units: tuple[str, ...] = ()
    link: str = ""
    layer: str = ""
    feature: str = ""


@dataclass(frozen=True)
class Page:
    """A page or file beside the map, by its relative path."""

    label: str
    path: str
