"""Shuts the network for all tests but to this machine, and makes once what many of them look at; one browser for all."""

import gc
import ipaddress
import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import Phase, settings

# The same examples each time, and the first that fails is shown as it is: to look for a smaller one may take minutes a test,
# of which a mutant or a run without anybody has no use. `--hypothesis-profile shrink` looks for it.
settings.register_profile("shrink", deadline=None, derandomize=True)
settings.register_profile("as it fails", settings.get_profile("shrink"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("as it fails")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


NIGHTLY = os.environ.get("KANSENKAART_NIGHTLY") == "1"


def pytest_collection_finish():
    """Leave what was imported out of the collector's rounds: it lives as long as the run, and is most of what there is."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def pytest_collection_modifyitems(items):
    if not NIGHTLY:
        for one in items:
            if one.get_closest_marker("nightly"):
                one.add_marker(pytest.mark.skip(reason="at night: KANSENKAART_NIGHTLY=1"))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def _require_loopback(own, address):
        if own.family in (socket.AF_INET, socket.AF_INET6):
            host = address[0]
            local = host == "localhost" or ipaddress.ip_address(host).is_loopback
            assert local, f"a test reached for the network: {address}"

    def guarded(own, address):
        _require_loopback(own, address)
        return connect(own, address)

    def guarded_ex(own, address):
        _require_loopback(own, address)
        return connect_ex(own, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)


def chromium() -> str | None:
    """Find Chromium on the search path."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser():
    if chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium on the search path, and this run must test the page")
        pytest.skip("no chromium on the search path")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def contexts(browser):
    """Give one context, without network, for each set of options that tests ask for: making one takes as long as a page."""
    made = {}

    def of(**options):
        key = tuple(sorted(options.items()))
        if key not in made:
            made[key] = browser.new_context(offline=True, **options)
        return made[key]

    yield of
    for one in made.values():
        one.close()


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Make a folder once for all processes of one session of tests: the first makes it, the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make) -> Path:
        folder, done = shared / f"once-{name}", shared / f"once-{name}.done"
        with FileLock(shared / f"once-{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def finished(once):
    """Run the example from files; tests must not change it."""
    from kansenkaart.runs import study
    from tests.runs.places import project

    def run(folder):
        reports = study.run_all(study.open_study("proefveld", root=project(folder, "proefveld")))
        assert {one.status for one in reports} == {"done"}

    return once("finished", run)


@pytest.fixture(scope="session")
def opted(finished, once):
    """Run the example anew with six panden on the opt-out list, of the first of which the footprint says little."""
    from kansenkaart.runs import study as pipeline

    def run(folder):
        shutil.copytree(finished, folder, dirs_exist_ok=True)
        place = pipeline.open_study("proefveld", root=folder)
        scored = place.store.read("pand_score").set_index("pand_id")
        seen = scored[(scored["score_basis"] != "footprint") & scored["homes"].gt(0)]
        others = sorted(seen.drop(pand := str(seen["yield_fit_kwh_per_year"].idxmax())).sample(5, random_state=3).index)
        listed = json.dumps([pand, *map(str, others)])
        path = folder / "studies" / "proefveld.toml"
        path.write_text(f"{path.read_text('utf-8')}\n[weglaten]\npanden = {listed}\n", "utf-8")
        again = pipeline.open_study("proefveld", root=folder)
        pipeline.run_all(again)
        pipeline.run_publish(pipeline.open_study("proefveld", root=folder, public=True))

    return once("opted", run)


@pytest.fixture
def copied(finished, tmp_path):
    """Copy the finished project, for a test that spoils it."""
    return shutil.copytree(finished, tmp_path / "project")


@pytest.fixture(scope="session")
def published_site(once):
    """Write the example as publishers would serve it."""
    from tests.runs.places import site

    return once("site", site)
