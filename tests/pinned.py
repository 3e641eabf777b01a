"""Holds what is written for readers against a file of whole outputs, that was read by a person before it was kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_HEAD = "## "


def same_as_pinned(file: str, made: Mapping[str, str]) -> None:
    """Compare every output with its block in a file beside the tests; ``KANSENKAART_PIN=1`` writes the file anew, to be read.

    Parameters
    ----------
    file : str
        Below ``tests``: blocks of a line ``## name`` and the output below it.
    made : mapping of str to str
        Output by name.
    """
    path = Path(__file__).parent / file
    if os.environ.get("KANSENKAART_PIN") == "1":
        path.write_text("".join(f"{_HEAD}{name}\n{text}\n" for name, text in made.items()), "utf-8")
    blocks = path.read_text("utf-8").removeprefix(_HEAD).removesuffix("\n").split(f"\n{_HEAD}")
    kept = {name: text for name, _, text in (block.partition("\n") for block in blocks)}
    assert dict(made) == kept
