"""A source that gives no sign of life is told soon, whatever way it is dead, and does not take the time of the others."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from kansenkaart.errors import FetchError
from kansenkaart.runs import study
from kansenkaart.sources.tools.http import Http
from tests.loopback import faults
from tests.loopback.unkind import country, serve_unkind, unkind_addresses
from tests.runs.places import HTTP, project, site

#: A hundredth of the real patience: 1 s for a host that says nothing.
IMPATIENT = replace(HTTP, patience_s=1.0, connect_timeout_s=0.5, read_timeout_s=0.6, attempts=5, wait_first_s=0.05)
MOST_S = (
    60.0  # of the whole acquisition on a busy machine; without patience each of the fifteen sources took its own time
)


@pytest.fixture(scope="module")
def unkind_site(tmp_path_factory):
    return country(site(tmp_path_factory.mktemp("dead") / "site"))


@contextmanager
def _silent(*, answers: bool):
    """Give an address where nobody listens, or where somebody takes the question and says nothing."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{one.getsockname()[1]}"
        if answers:
            one.listen(50)
            yield address
    if not answers:
        yield address


@contextmanager
def _dead(kind: str, folder):
    if kind in ("hangs", "refuses"):
        with _silent(answers=kind == "hangs") as url:
            yield url
        return
    with serve_unkind(folder, "strict") as server:
        server.fault = faults.status(503, **({"Retry-After": "0.4"} if kind == "503 and wait" else {}))
        yield server.url


KINDS = ("hangs", "refuses", "503", "503 and wait")


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_whose_source_is_dead_fails_soon_and_says_so_at_the_first_try(kind, unkind_site, tmp_path, monkeypatch):
    said = []
    with _dead(kind, unkind_site) as url:
        for name, address in unkind_addresses(url).items():
            monkeypatch.setenv(name, address)
        place = study.open_study("gemeente", root=project(tmp_path / "p", "gemeente"), gemeentecode="GM9999")
        meter = type(HTTP.meter)(listen=lambda source, words: said.append(words))
        begun = time.monotonic()
        with pytest.raises(FetchError) as caught:
            study.run_acquire(replace(place, http=replace(IMPATIENT, meter=meter)))
        took = time.monotonic() - begun
    # Patience, one last try (0.5 s to connect, 0.6 s of silence), and what a busy machine needs.
    assert took < IMPATIENT.patience_s + 1.1 + 10
    assert "tries" in caught.value.expected
    assert said[0].startswith("geen bruikbaar antwoord; nog hoogstens 1 s")


@pytest.mark.parametrize("kind", ["hangs", "503 and wait"])
def test_what_is_optional_and_dead_costs_its_host_one_patience(kind, unkind_site, tmp_path, monkeypatch):
    alive = ("URL_CBS_GEBIEDEN", "URL_BAG", "BULK_BAG")
    with serve_unkind(unkind_site, "strict") as server, _dead(kind, unkind_site) as url:
        for name, address in unkind_addresses(url).items():
            monkeypatch.setenv(name, address)
        for name, address in unkind_addresses(server.url).items():
            if name.endswith(alive):
                monkeypatch.setenv(name, address)
        place = study.open_study("gemeente", root=project(tmp_path / "p", "gemeente"), gemeentecode="GM9999")
        http = replace(IMPATIENT, meter=type(HTTP.meter)())
        begun = time.monotonic()
        study.run_acquire(replace(place, http=http))
        took = time.monotonic() - begun
    assert took < MOST_S
    assert len(place.store.read("home")) == 1034
    noted = place.store.describe("buurt")["tally"]["noted"]
    optional = [one for one in place.study.source if one.optional]
    assert sum("niet te krijgen" in one for one in noted) == len(optional)
    life = http.meter.life_of(url)
    assert (life.good, life.answers) == (False, kind.startswith("503"))


def test_the_longest_that_silence_lasts_is_two_minutes():
    http = Http()
    # The last try begins before patience is over and may take its time to connect, and 10 s of silence at least.
    assert http.patience_s + http.connect_timeout_s + 10 <= 120
    assert http.wait_most_s < http.patience_s


def test_a_host_that_answers_again_is_asked_as_before(unkind_site):
    from kansenkaart.sources.tools.http import get_json

    with serve_unkind(unkind_site, "strict") as server:
        http = replace(IMPATIENT, meter=type(HTTP.meter)())
        url = f"{server.url}/ogc/collections"
        server.fault = faults.status(503)
        for tries in (5, 2):  # once given up, the next question is tried twice only
            server.asked.clear()
            with pytest.raises(FetchError, match=f"within {tries} tries"):
                get_json(url, http=http)
            assert len(server.asked) == tries
        server.fault = None
        assert get_json(url, http=http)[0]["collections"]
        server.asked.clear()
        server.fault = faults.on({1, 2, 3, 4}, faults.status(503))
        assert get_json(url, http=http)[0]["collections"]
        assert len(server.asked) == 5
