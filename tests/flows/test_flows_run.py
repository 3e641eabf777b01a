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

from kansenkaart.sources.example import write_example
from tests.conftest import NIGHTLY
from tests.flows.offline import OWNERS, write_study

ROOT = Path(__file__).parents[2]
PATIENCE_S = 900
FIVE_MINUTES_S, TWO_MINUTES_S = 300, 120
DOCUMENTED = "python -m flows.serve"
pytestmark = pytest.mark.slow


def _environment(home: Path, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "KANSENKAART_"))}
    paths = {"PREFECT_HOME": str(home), "PYTHONPATH": str(ROOT), "PREFECT_LOGGING_LEVEL": "ERROR"}
    return {**kept, **paths, **more}


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    (folder / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.offline", str(folder), "1,2" if NIGHTLY else "2"],
        cwd=ROOT,
        env=_environment(folder / "prefect", TMPDIR=str(folder / "tmp")),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    *said, last = done.stdout.splitlines()
    return {**json.loads(last), "folder": folder, "said": "\n".join([*said, done.stderr])}


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


def test_own_data_that_were_forgotten_are_in_no_folder_of_the_scheduler_nor_in_its_log(offline):
    """Of a run that went well and of one that failed on the very cells; temporary folders are searched too."""
    own, folder = offline["own"], offline["folder"]
    assert own["kept"] == sorted(OWNERS)
    assert "not repeated here" in own["failure"]
    assert "not repeated here" in own["told"]["error"]["found"]
    assert {"prefect.db", "pand.parquet", "home.parquet"} <= set(own["searched"])
    assert own["found"] == []
    later = [one for one in (folder / "prefect").rglob("*") if one.is_file()]  # what Prefect wrote when it ended
    assert later
    assert not [one for one in later for name in OWNERS if name.encode() in one.read_bytes()]
    assert not [name for name in OWNERS if name in offline["said"]]


def test_the_status_goes_away_with_the_next_good_run(offline):
    assert not offline["one"]["status_left"]


@pytest.mark.nightly
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


def test_what_the_partitions_published_is_joined_to_the_home_and_the_euro(offline):
    for run in offline["country"]:
        whole = run["together"]
        assert whole["parts"] == ["een", "twee"]
        assert whole["rows"]["buurt_score"] == 2 * whole["one"]["buurt_score"] > 0
        for name, sums in whole["sums"].items():
            assert sums["whole"] == pytest.approx(sums["parts"], rel=1e-12), name
            assert sums["parts"], name
        assert whole["page_bytes"] < 5e6
        assert "niet gemaakt: ConfigError" in whole["page"]


PROOF = """
  - name: proef
    entrypoint: flows.kansenkaart.kansenkaart
    parameters: { study: een }
    schedules:
      - { interval: 60, timezone: Europe/Amsterdam }
    concurrency_limit: *one_at_a_time
  - name: dood
    entrypoint: flows.kansenkaart.kansenkaart
    parameters: { study: dood }
    concurrency_limit: *one_at_a_time
"""
DEAD = """name = "dood"
title = "Een bron die niet antwoordt"
[place]
gemeentecode = "GM9999"
[[source]]
role = "buurt"
publisher = "cbs-gebieden"
origin = "live"
form = "pdok-snake"
edition = "2025"
year = 2025
"""


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _wait(ask, process, log, patience_s=PATIENCE_S):
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-4000:]
        try:
            if found := ask():
                return found
        except (requests.ConnectionError, requests.HTTPError, requests.Timeout):
            pass  # not there yet, or too busy
        time.sleep(1)
    pytest.fail(f"nothing in {patience_s} s: {log.read_text()[-4000:]}")


class _Api:
    """The served API, asked with the credential of the installation or without."""

    def __init__(self, port, home):
        self.page, self.home = f"http://127.0.0.1:{port}", home

    @property
    def word(self):
        return tuple((self.home / "kansenkaart-credential").read_text("utf-8").strip().split(":", 1))

    def __call__(self, path, **content):
        answer = requests.post(f"{self.page}/api/{path}", json=content, timeout=30, auth=self.word)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Run the documented command, and nothing else, in a folder as a clone has it, with one more deployment."""
    folder = tmp_path_factory.mktemp("served")
    for part in ("flows", "studies", "src"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc"))
    (folder / "prefect.yaml").write_text((ROOT / "prefect.yaml").read_text("utf-8") + PROOF, "utf-8")
    published = write_example(folder / "published")
    write_study(folder, "een")
    (folder / "studies" / "dood.toml").write_text(DEAD, encoding="utf-8")
    port, log, home = _free_port(), folder / "log.txt", folder / "prefect"
    env = _environment(
        home,
        PREFECT_SERVER_API_PORT=str(port),
        PYTHONPATH=str(folder / "src"),
        TMPDIR=str(folder),
        KANSENKAART_DATA=str(published),
        KANSENKAART_URL_CBS_GEBIEDEN=f"http://127.0.0.1:{_free_port()}/ogc",
    )
    command = [sys.executable, *DOCUMENTED.split()[1:]]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out)
    api = _Api(port, home)
    try:
        _wait(lambda: requests.get(f"{api.page}/api/health", timeout=5).ok, process, log)
        yield folder, api, process, log
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_documented_command_completes_a_planned_run_within_five_minutes(served):
    folder, ask, process, log = served
    assert f"\n.venv/bin/{DOCUMENTED}" in (ROOT / "docs/how-to/schedule.md").read_text("utf-8")
    proof = {"deployments": {"name": {"any_": ["proef"]}}}

    def runs(state):
        return ask("flow_runs/filter", **proof, flow_runs={"state": {"type": {"any_": [state]}}})

    planned = _wait(lambda: runs("SCHEDULED"), process, log, FIVE_MINUTES_S)
    assert planned[0]["auto_scheduled"]
    _wait(lambda: runs("COMPLETED") or runs("FAILED"), process, log, FIVE_MINUTES_S)
    assert not runs("FAILED"), log.read_text()[-4000:]
    assert list(folder.glob("maps/een*/index.html"))


def test_a_dead_source_is_told_within_two_minutes_and_tried_again_without_holding_the_place(served):
    folder, ask, process, log = served
    found = _wait(lambda: ask("deployments/filter", deployments={"name": {"any_": ["dood"]}}), process, log)[0]
    how = {"state": {"type": "SCHEDULED"}, "idempotency_key": "dood"}
    run = _wait(lambda: ask(f"deployments/{found['id']}/create_flow_run", **how), process, log)
    status = folder / "data/processed/dood/status.json"
    _wait(status.exists, process, log, FIVE_MINUTES_S)  # from the planning on; within two minutes of its first question
    content = json.loads(status.read_text("utf-8"))
    assert content["error"]["error"] == "FetchError"
    own = ask("flow_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})[0]
    assert own["total_run_time"] < TWO_MINUTES_S
    dead = {"deployments": {"name": {"any_": ["dood"]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    planned = ask("flow_runs/filter", **dead)
    assert [one["tags"] for one in planned] == [["kansenkaart-opnieuw-1"]]
    assert content["again"][:16] == planned[0]["expected_start_time"][:16]
    proof = {"deployments": {"name": {"any_": ["proef"]}}}
    done = {"state": {"type": {"any_": ["COMPLETED"]}}}
    known = {one["id"] for one in ask("flow_runs/filter", **proof, flow_runs=done)}
    _wait(lambda: {one["id"] for one in ask("flow_runs/filter", **proof, flow_runs=done)} - known, process, log)


def test_the_page_that_it_prints_opens(served):
    _, api, process, log = served
    _wait(lambda: api.page in log.read_text("utf-8"), process, log)
    answer = requests.get(api.page, headers={"Accept": "text/html"}, timeout=30)
    assert answer.ok
    assert "<html" in answer.text


def test_without_the_credential_nothing_can_be_read_or_changed(served):
    _, api, _, _ = served
    paths = requests.get(f"{api.page}/api/openapi.json", timeout=30, auth=api.word)
    routes = [
        (method, path)
        for path, methods in paths.json()["paths"].items()
        for method in methods
        if path not in ("/health", "/api/health", "/ready", "/api/ready")
    ]
    assert len([one for one in routes if one[0] != "get"]) > 100
    for method, path in routes:
        where = f"{api.page}/api/{path.removeprefix('/api').lstrip('/')}".replace("{", "").replace("}", "")
        for auth in (None, ("kansenkaart", "guess")):
            assert requests.request(method, where, json={}, auth=auth, timeout=30).status_code == 401, where


def test_another_origin_is_refused(served):
    _, api, _, _ = served
    for origin in ("http://elsewhere.example", "null", api.page.replace("127.0.0.1", "localhost")):
        ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = requests.options(f"{api.page}/api/deployments/", headers=ask, timeout=30)
        assert answer.status_code == 400
        assert "access-control-allow-origin" not in answer.headers


def test_it_listens_on_this_machine_only_and_keeps_the_credential_for_its_owner(served):
    _, api, _, _ = served
    assert (api.home / "kansenkaart-credential").stat().st_mode & 0o777 == 0o600
    assert (api.home / "prefect.db").stat().st_mode & 0o077 == 0
    port = int(api.page.rsplit(":", 1)[1])
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text("utf-8").splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rsplit(":", 1)[1], 16) == port
    ]
    assert listening == [f"0100007F:{port:04X}"]


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
    limits = {one["name"]: one["limit"] for one in ask("v2/concurrency_limits/filter", limit=50)}
    assert {limits[f"kansenkaart-{name}"] for name in ("bag", "bgt", "cbs-odata", "3dbag", "ahn", "gwsw")} == {2}
    found = _wait(lambda: ask("artifacts/filter", artifacts={"key": {"any_": ["kansenkaart-een"]}}), process, log)
    tables = {row["tabel"]: row for row in json.loads(found[0]["data"])}
    assert tables["home"]["stap"] == "home"
    assert tables["home"]["rijen"] > 0
    assert tables["home"]["edities"]
