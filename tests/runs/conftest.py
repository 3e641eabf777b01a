"""The example, run once from files, for all tests of the pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kansenkaart.runs import study
from tests.runs.places import project, site

# What libraries say to each other about names that are going to change; the values are the same.
BETWEEN_LIBRARIES = ["ignore:DatetimeIndex.dayofyear is deprecated", "ignore:Use `@` matmul instead of"]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for one in BETWEEN_LIBRARIES:
                item.add_marker(pytest.mark.filterwarnings(one))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Run the example from files; tests must not change it."""
    root = project(tmp_path_factory.mktemp("finished") / "project", "voorbeeld")
    reports = study.run_all(study.open_study("voorbeeld", root=root))
    assert {one.status for one in reports} == {"done"}
    return root


@pytest.fixture
def copied(finished, tmp_path):
    """Copy the finished project, for a test that spoils it."""
    return shutil.copytree(finished, tmp_path / "project")


@pytest.fixture(scope="session")
def published_site(tmp_path_factory):
    """Write the example as publishers would serve it."""
    return site(tmp_path_factory.mktemp("site") / "site")
