"""Real runs: without any server, on Dask, and on a schedule of a server on this machine (each set up once)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

ROOT = Path(__file__).parents[2]
PATIENCE_S = 900
pytestmark = pytest.mark.slow


def _environment(home: Path, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "KANSENKAART_"))}
    paths = {"PREFECT_HOME": str(home), "PYTHONPATH": str(ROOT), "PREFECT_LOGGING_LEVEL": "ERROR"}
    return {**kept, **paths, **more}


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.offline", str(folder)],
        cwd=ROOT,
        env=_environment(folder / "prefect"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_run_without_a_server_makes_everything_and_the_next_one_nothing(offline):
    assert {row["status"] for row in offline["one"]["rows"]} == {"gemaakt"}
    assert {row["status"] for row in offline["one"]["again"]} == {"ongewijzigd"}


def test_a_failed_run_says_why_and_keeps_the_last_edition(offline):
    told = offline["one"]["told"]
    assert told["state"] == "failed"
    assert told["error"]["error"] == "ConfigError"
    assert told["error"]["remedy"]
    assert told["published"]["page"] == "maps/een/index.html"
    assert offline["one"]["kept"]


def test_the_status_goes_away_with_the_next_good_run(offline):
    assert not offline["one"]["status_left"]


def test_one_and_two_workers_give_the_same_bytes(offline):
    one, two = offline["country"]
    assert one["hashes"] == two["hashes"]
    assert {name.split("/")[2] for name in one["hashes"] if name.startswith("data/processed")} >= {
        "een",
        "twee",
    }


def test_a_partition_that_fails_twice_is_reported_and_the_others_are_published(offline):
    for run in offline["country"]:
        assert "1 failed twice: stuk" in run["failure"]
        assert run["statuses"] == ["stuk"]
        assert {f"maps/{name}/index.html" for name in ("een", "twee")} <= set(run["hashes"])


PROOF = """
  - name: proef
    entrypoint: flows.kansenkaart.kansenkaart
    parameters: { study: voorbeeld }
    schedules:
      - { interval: 20, timezone: Europe/Amsterdam }
    concurrency_limit: *one_at_a_time
"""


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _wait(ask, process, log):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-4000:]
        try:
            if found := ask():
                return found
        except requests.ConnectionError:
            pass
        time.sleep(1)
    pytest.fail(f"nothing in {PATIENCE_S} s: {log.read_text()[-4000:]}")


def _asker(api):
    def ask(path, **content):
        answer = requests.post(f"{api}/{path}", json=content, timeout=30)
        answer.raise_for_status()
        return answer.json()

    return ask


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Start a server on this machine and ``flows.serve`` beside it, with the project's own list and one proof."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "flows").symlink_to(ROOT / "flows")
    shutil.copytree(ROOT / "studies", folder / "studies")
    (folder / "prefect.yaml").write_text((ROOT / "prefect.yaml").read_text("utf-8") + PROOF, "utf-8")
    port, log = _free_port(), folder / "log.txt"
    api = f"http://127.0.0.1:{port}/api"
    env = _environment(
        folder / "prefect",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        DO_NOT_TRACK="1",
        PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS="3",
        PREFECT_RUNNER_POLL_FREQUENCY="2",
        TMPDIR=str(folder),
    )  # the runner keeps its storage there; another user may own the shared one
    commands = [
        (["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"], env),
        (["-m", "flows.serve"], {**env, "PREFECT_API_URL": api}),
    ]
    running = []
    try:
        with log.open("wb") as out:
            for arguments, settings in commands:
                command = [sys.executable, *arguments]
                running.append(subprocess.Popen(command, cwd=folder, env=settings, stdout=out, stderr=out))
                _wait(lambda: requests.get(f"{api}/health", timeout=5).ok, running[-1], log)
            yield folder, _asker(api), running[-1], log
    finally:
        for process in reversed(running):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def test_a_schedule_yields_runs_and_one_of_them_completes(served):
    folder, ask, process, log = served
    proof = {"deployments": {"name": {"any_": ["proef"]}}}

    def runs(state):
        return ask("flow_runs/filter", **proof, flow_runs={"state": {"type": {"any_": [state]}}})

    planned = _wait(lambda: runs("SCHEDULED"), process, log)
    assert planned[0]["auto_scheduled"]
    _wait(lambda: runs("COMPLETED") or runs("FAILED"), process, log)
    assert not runs("FAILED"), log.read_text()[-4000:]
    assert (folder / "maps/voorbeeld/index.html").is_file()


def test_every_deployment_of_the_list_is_planned_in_the_time_of_amsterdam(served):
    _, ask, process, log = served
    known = {"gemeente-statistiek", "gemeente-registraties", "gemeente-kaart", "voorbeeld"}

    def planned():
        runs = ask("flow_runs/filter", flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}}, limit=200)
        names = {one["id"]: one["name"] for one in ask("deployments/filter")}
        found = {}
        for one in runs:
            found.setdefault(names[one["deployment_id"]], []).append(one["expected_start_time"])
        return found if known <= set(found) else None

    times = _wait(planned, process, log)
    hours = {"gemeente-statistiek": 3, "gemeente-registraties": 2, "gemeente-kaart": 5, "voorbeeld": 6}  # prefect.yaml
    for name, hour in hours.items():
        assert {_amsterdam(one).hour for one in times[name]} == {hour}, name
    assert {_amsterdam(one).day for one in times["gemeente-statistiek"]} == {3}
    assert {_amsterdam(one).weekday() for one in times["gemeente-registraties"]} == {6}


def _amsterdam(text):
    from datetime import datetime

    return datetime.fromisoformat(text).astimezone(ZoneInfo("Europe/Amsterdam"))


def test_limits_and_row_counts_are_on_the_server(served):
    _, ask, process, log = served
    assert {one["name"]: one["limit"] for one in ask("v2/concurrency_limits/filter", limit=50)}[
        "kansenkaart-ophalen"
    ] == 2
    found = _wait(lambda: ask("artifacts/filter", artifacts={"key": {"any_": ["voorraad-voorbeeld"]}}), process, log)
    tables = {row["tabel"]: row for row in json.loads(found[0]["data"])}
    assert tables["home"]["rijen"] > 0
    assert tables["home"]["edities"]
