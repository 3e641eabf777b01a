"""Two sizes of fuzzing: a small one for every change, a large one with ``KANSENKAART_FUZZ=large`` (or a number of examples)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from kansenkaart.sources.example import write_example
from tests.fuzz.seeds import small

SMALL, LARGE = 12, 1500
_asked = os.environ.get("KANSENKAART_FUZZ", "")
EXAMPLES = LARGE if _asked == "large" else int(_asked) if _asked.isdigit() else SMALL
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == SMALL,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def pytest_collection_modifyitems(items):
    """Warnings of libraries about odd input are no errors here: what matters is what comes out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.fixture(scope="session")
def published(once):
    """Return the example in the publishers' formats, cut to a few rows each, as bytes by name."""
    return small(once("published", write_example))


@pytest.fixture(scope="session")
def desk(tmp_path_factory):
    """Return a folder to write odd files in, one after the other."""
    return tmp_path_factory.mktemp("desk")
