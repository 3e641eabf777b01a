"""The parts of the Prefect side that need no server: what is told, chosen, retried and listed."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer
from types import SimpleNamespace

import pytest
from distributed import KilledWorker
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Failed

from flows import SETTINGS, serve, standing
from flows.country import _SETTINGS, Outcome, _outcome, country, division, partition, runner, together
from flows.kansenkaart import kansenkaart
from flows.limits import limit_of, may_pass
from flows.places import discreet, opened
from flows.publish import publish, publish_study
from flows.refresh import acquire
from flows.serve import CREDENTIAL, PORT_VARIABLE, credential, deployments, local_server, main
from flows.standing import broken_off, recovered_study, write_status
from flows.tell import hearing, listener, stock, told, whole
from kansenkaart.errors import ConfigError, FetchError, FormatError, KansenkaartError, LockedError, SchemaError
from kansenkaart.publish import release
from kansenkaart.runs import study as pipeline
from kansenkaart.sources.publishers import sources_table
from kansenkaart.tables.step import Report
from kansenkaart.wording.messages import status_lines
from tests.flows import at_once
from tests.hostile.watch import listening

ROOT = Path(__file__).parents[2]


def test_nothing_is_told_to_anybody():
    assert SETTINGS["DO_NOT_TRACK"] == "1"
    assert SETTINGS["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_a_report_becomes_a_row_and_a_line_in_the_log(caplog):
    report = Report("home", "done", {"home": 3, "x": 4}, 1.25, "inputs buurt")
    row = {"stap": "home", "status": "gemaakt", "rijen": 7, "seconden": 1.2, "waarom": "andere invoer: buurt"}
    assert told([report]) == [{**row, "uitvoer": ["home", "x"]}]
    with caplog.at_level("INFO", logger="kansenkaart"):
        listener("ophalen")(report)
        listener("ophalen")(Report("home", "unchanged", {"home": 3}, 0.01))
        listener("publiceren")(Report("kaart", "done", {}, 2.5))
    assert caplog.messages == [
        "ophalen, home: gemaakt (andere invoer: buurt), 7 rijen, 1.2 s",
        "ophalen, home: ongewijzigd (niets veranderd), 3 rijen, 0.0 s",
        "publiceren, kaart: gemaakt, 2.5 s",
    ]


def test_one_table_of_a_run_joins_steps_and_stored_tables():
    pages = [Report("kaart", "unchanged", {}), Report("open data", "done", {"home": 3})]
    steps = told([Report("home", "done", {"home": 3}, 1.0, "first"), *pages])
    rows, summary = whole(steps, stock([_table("home", 3, "2022", "bag x")], before=[], today=date(2022, 1, 11)))
    assert [(one["tabel"], one["stap"], one["status"]) for one in rows] == [
        ("home", "home", "gemaakt"),
        ("", "kaart", "ongewijzigd"),
        ("", "open data", "gemaakt"),  # layers are called as the tables that they show
    ]
    expected = "2 stappen gemaakt, 1 overgeslagen; oudste gegevens 10 dagen, 1 tabellen met gegevens zonder datum"
    assert summary == expected


def _table(name, rows, as_of, *undated):
    head = {"name": name, "rows": rows, "tally": {"left_out": {"dubbel": 2}}, "editions": ["bag"]}
    return {**head, "as_of": as_of, "undated": list(undated)}


def test_stock_counts_rows_difference_and_age():
    before, now = [_table("pand", 10, "2025-12-01")], [_table("pand", 13, "2026-01-01")]
    row = stock(now, before=before, today=date(2026, 1, 11))[0]
    # 13 - 10 rows; the oldest delivery is of 1 January, ten days before the 11th.
    assert (row["verschil"], row["ouderdom_dagen"], row["weggelaten"]) == (3, 10, 2)


def test_a_year_counts_from_its_first_day_and_what_has_no_date_is_named():
    row = stock([_table("home", 4, "2022", "bag extract")], before=[], today=date(2026, 1, 1))[0]
    # 365 + 365 + 366 + 365 days from 1 January 2022 to 1 January 2026.
    assert (row["oudste"], row["ouderdom_dagen"], row["zonder_datum"]) == ("2022", 1461, "bag extract")
    assert row["verschil"] is None
    assert (
        stock([_table("home", 4, None, "bag extract")], before=[], today=date(2026, 1, 1))[0]["ouderdom_dagen"] is None
    )


@pytest.mark.parametrize(
    ("why", "again"),
    [
        (FetchError("an answer", found="none"), True),
        (LockedError("one writer", found="two"), True),
        (OSError(28), True),
        (SchemaError("a column", found="none"), False),
        (TypeError("a fault in code"), False),
    ],
    ids=lambda one: type(one).__name__,
)
def test_only_what_can_recover_is_tried_again(why, again):
    assert may_pass(None, None, Failed(data=why)) is again


def test_a_source_that_does_not_answer_is_never_waited_for_within_a_run():
    assert acquire.retries == 0  # 30 s, 2 and 10 minutes in the task held the only place of a machine


class _Client:
    """The planner, of which only the planning of a run is asked."""

    def __init__(self):
        self.planned = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def create_flow_run_from_deployment(self, deployment, **how):
        self.planned.append((deployment, how))


def _run(**more):
    known = {"id": "r1", "name": "een", "deployment_id": "d1", "tags": ["dag"], "parameters": {"study": "een"}}
    return SimpleNamespace(**{**known, **more})


def test_a_run_that_may_pass_is_planned_again_later_each_time_and_three_times_at_most(monkeypatch):
    client = _Client()
    monkeypatch.setattr(standing, "get_client", at_once(client))
    tags = ["dag"]
    for seconds in (600, 3600, 4 * 3600):
        when = standing.plan_again(_run(tags=tags))
        deployment, how = client.planned[-1]
        assert abs(when - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=60)
        assert (deployment, how["parameters"], how["state"].type.name) == ("d1", {"study": "een"}, "SCHEDULED")
        assert how["state"].state_details.scheduled_time == when
        tags = how["tags"]
        assert tags[0] == "dag"
        assert len(tags) == 2
    assert standing.plan_again(_run(tags=tags)) is None
    assert standing.plan_again(_run(deployment_id=None)) is None  # started by hand
    assert len(client.planned) == 3


async def _within_a_loop(call):
    call()


@pytest.mark.parametrize(("why", "again"), [(FetchError("an answer", found="none"), True), (ValueError(), False)])
def test_the_status_of_a_failed_run_says_when_it_is_tried_again(tmp_path, monkeypatch, caplog, why, again):
    monkeypatch.setattr(standing, "get_client", at_once(_Client()))
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "een.toml").write_text("", "utf-8")
    asked = {"study": "een", "root": str(tmp_path)}
    # Within a loop Prefect would answer with a coroutine, and every failure would read as no error of ours. The
    # loop runs in a thread of its own: on that of the tests a browser of another test may keep one running.
    with ThreadPoolExecutor(1) as apart:
        within = _within_a_loop(lambda: standing.failed(None, _run(parameters=asked), Failed(data=why)))
        apart.submit(asyncio.run, within).result()
    content = json.loads((tmp_path / "data/processed/een/status.json").read_text("utf-8"))
    assert (content["again"] is not None) is again
    (said,) = caplog.messages
    assert ("opnieuw: niet vanzelf" in said) is not again
    assert ("verwacht: een antwoord" in said) is again


def test_a_study_of_the_package_has_a_status_too_and_what_stands_says_since_when(tmp_path):
    release.record(tmp_path / "maps" / "voorbeeld", "f1", [])
    mark = tmp_path / "maps" / "voorbeeld" / release.MARK
    os.utime(mark, (86400, 86400))
    path = write_status("voorbeeld", str(tmp_path), None, why=FetchError("an answer", found="none"), run="proef")
    content = json.loads(path.read_text("utf-8"))
    assert content["published"]["since"] == "1970-01-02T00:00:00+00:00"
    words = "\n".join(status_lines(content))
    assert "gepubliceerd blijft: maps/voorbeeld/index.html, zoals gemaakt op 1970-01-02" in words


class _Postbox(StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 loopback\r\n")
        reading = False
        for line in self.rfile:
            self.server.got.append(line.decode().rstrip())
            word = line[:4].upper()
            if reading:
                reading = line != b".\r\n"
            elif word == b"DATA":
                reading = True
                self.wfile.write(b"354 go on\r\n")
                continue
            if not reading:
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


def test_a_failure_is_mailed_in_dutch_and_a_server_that_is_not_there_is_no_fault(tmp_path, monkeypatch):
    monkeypatch.setenv(standing.MAIL_VARIABLE, "beheer@example.nl")
    why = FetchError("an answer", found="none", where="https://example.nl", remedy="try again later")
    with TCPServer(("127.0.0.1", 0), _Postbox) as server:
        server.got = []
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setenv(standing.SMTP_VARIABLE, f"127.0.0.1:{server.server_address[1]}")
        write_status("voorbeeld", str(tmp_path), None, why=why, run="proef")
        thread.join()
    assert {
        "Subject: kansenkaart: voorbeeld is mislukt",
        "To: beheer@example.nl",
        "  waar: https://example.nl",
    } <= set(server.got)
    assert write_status("voorbeeld", str(tmp_path), None, why=why, run="proef")  # nobody listens any more
    monkeypatch.setenv(standing.SMTP_VARIABLE, "no port")
    assert write_status("voorbeeld", str(tmp_path), None, why=why, run="proef")


@contextmanager
def _hook(status):
    got = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            return

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", got
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 500])
def test_a_failure_goes_to_the_webhook_and_one_that_refuses_is_no_fault(tmp_path, monkeypatch, caplog, status):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "een.toml").write_text("", "utf-8")
    with _hook(status) as (address, got):
        monkeypatch.setenv(standing.WEBHOOK_VARIABLE, address)
        path = write_status("een", str(tmp_path), None, why=ValueError("kapot"), run="proef")
    assert got == [json.loads(path.read_text("utf-8"))]
    caplog.clear()
    monkeypatch.setenv(
        standing.WEBHOOK_VARIABLE, "http://elsewhere.example/hook"
    )  # no TLS: not sent, and not in silence
    assert write_status("een", str(tmp_path), None, why=ValueError("kapot"), run="proef")
    assert [one.split(":")[:2] for one in caplog.messages] == [[standing.WEBHOOK_VARIABLE, " niets verstuurd"]]


def test_a_study_is_called_by_the_name_of_its_folder_wherever_a_code_made_it(tmp_path):
    (tmp_path / "studies").mkdir()
    by_name = pipeline.open_study("gemeente-gm0193", root=tmp_path)
    assert by_name.study == pipeline.open_study("gemeente", root=tmp_path, gemeentecode="GM0193").study
    assert by_name.study.place.gemeentecode == "GM0193"
    paths = [
        write_status(name, str(tmp_path), code, why=ValueError(), run="x")
        for name, code in (("gemeente", "GM0193"), ("gemeente-gm0193", None))
    ]
    assert set(paths) == {tmp_path / "data/processed/gemeente-gm0193/status.json"}
    own = tmp_path / "studies" / "gemeente-gm0193.toml"  # a file of that name is that study
    own.write_text('name = "gemeente-gm0193"\ntitle = "Eigen"\nsource = []\n', "utf-8")
    assert pipeline.open_study("gemeente-gm0193", root=tmp_path).study.title == "Eigen"


class _Left(_Client):
    """A server on which a planner that was killed left two runs, and a place that nobody gives back."""

    def __init__(self):
        super().__init__()
        self.ended, self.freed = [], []

    def read_flow_runs(self, *, flow_run_filter, limit):
        assert {one.name for one in flow_run_filter.state.type.any_} == {"PENDING", "RUNNING", "CANCELLING"}
        return [_run(), _run(id="r2", deployment_id=None, parameters={"studies": ["een"]})]

    def set_flow_run_state(self, run, state, *, force):
        self.ended.append((run, state.type.name, force))

    def read_global_concurrency_limits(self, *, limit):
        return [SimpleNamespace(name="kansenkaart-bag", active_slots=2), SimpleNamespace(name="vrij", active_slots=0)]

    def update_global_concurrency_limit(self, name, new):
        self.freed.append((name, new.active_slots))


def test_what_a_killed_planner_left_is_broken_off_told_and_planned_again_and_its_places_are_free(tmp_path, monkeypatch):
    """Else the deployment waits for ever for a place that a run of before holds, and says that it runs (tried with kill -9)."""
    client = _Left()
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "een.toml").write_text("", "utf-8")
    monkeypatch.chdir(tmp_path)
    for module in (serve, standing):
        monkeypatch.setattr(module, "get_client", at_once(client))
    serve.clear_left()
    assert client.ended == [("r1", "CRASHED", True), ("r2", "CRASHED", True)]
    assert client.freed == [("kansenkaart-bag", 0)]
    assert [deployment for deployment, _ in client.planned] == ["d1"]
    content = json.loads((tmp_path / "data/processed/een/status.json").read_text("utf-8"))
    said = "\n".join(status_lines(content))
    assert "gevonden: hij is afgebroken: de planner of de machine is gestopt" in said
    assert content["again"]
    broken_off(_run(parameters={"studies": ["een"]}))  # a run of many studies has no status of its own


def test_a_server_that_ends_takes_its_planner_along(tmp_path):
    """Else it plans nothing for ever, and systemd sees no reason to start it again (tried with kill -9)."""
    code = """
import subprocess, sys, threading, time
from flows import serve
process = subprocess.Popen([sys.executable, "-c", "import sys; sys.exit(3)"])
threading.Thread(target=serve._end_with, args=(process, threading.Event()), daemon=True).start()
time.sleep(60)
"""
    env = {**os.environ, "PREFECT_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == ConfigError.exit_code
    assert "De server van de planner is gestopt (3); de planner stopt ook." in done.stderr


def test_stop_waits_until_the_planner_has_ended(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    code = """
import signal, sys, time
from flows import serve
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with serve._alone():
    try:
        print("here", flush=True)
        time.sleep(60)
    finally:
        time.sleep(1.5)
        open(sys.argv[1], "w").close()
"""
    gone = tmp_path / "gone"
    command = [sys.executable, "-c", code, str(gone)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as planner:
        assert planner.stdout.readline() == "here\n"
        main(["stop"])
        assert gone.exists()
    assert capsys.readouterr().out.startswith("De planner is gestopt;")


def test_what_publishers_send_is_in_the_log_and_pages_now_and_then(caplog):
    hear = hearing()
    with caplog.at_level("INFO", logger="kansenkaart"):
        for words in ("1 pagina's, 3 objecten", "2 pagina's, 6 objecten", "geen bruikbaar antwoord"):
            hear("bag pand", words)
    assert caplog.messages == ["bag pand: 1 pagina's, 3 objecten", "bag pand: geen bruikbaar antwoord"]


def test_the_roles_of_a_run_bring_the_buurten_along():
    chosen = {one.role for one in opened("gemeente", str(ROOT), "GM0193", ["pand"]).study.source}
    assert chosen == {"pand", "buurt", "statistics"}


def test_a_role_without_a_source_is_refused():
    with pytest.raises(ConfigError, match="own_sewer"):
        opened("gemeente", str(ROOT), roles=["own_sewer"])


def test_a_flow_makes_the_public_edition_unless_the_internal_one_is_asked_for():
    asked = [opened("gemeente", str(ROOT), "GM0193", public=one) for one in (None, True, False)]
    assert [one.public for one in asked] == [True, True, False]
    assert [one.target.name for one in asked] == ["gemeente-gm0193", "gemeente-gm0193", "gemeente-gm0193-intern"]
    for one in (kansenkaart, publish, publish_study, country, partition):
        assert inspect.signature(one.fn).parameters["public"].default is None


def test_a_status_is_written_and_taken_away(tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "een.toml").write_text("", "utf-8")
    path = write_status("een", str(tmp_path), "GM0193", why=ValueError("kapot"), run="proef")
    assert path == tmp_path / "data/processed/een-gm0193/status.json"
    content = json.loads(path.read_text("utf-8"))
    assert (content["error"]["error"], content["published"]) == ("ValueError", None)
    recovered_study("een", str(tmp_path), "GM0193")
    assert not path.exists()


@pytest.mark.parametrize("name", ["onbekend", "../een", ""])
def test_no_status_for_a_study_that_does_not_exist(tmp_path, name):
    assert write_status(name, str(tmp_path), None, why=ValueError(), run="proef") is None
    assert not list(tmp_path.iterdir())


def test_a_part_is_called_after_its_municipality():
    keys = {
        part: Outcome(part, 1, {}).key
        for part in [("g", None), ("g", "GM0363"), ("g", "GM0363-2-van-6"), ("g", "2-van-6")]
    }
    assert list(keys.values()) == ["g", "GM0363", "GM0363-2-van-6", "g-2-van-6"]


def test_a_place_that_could_not_be_divided_anew_stays_joined_by_the_parts_of_before(tmp_path, monkeypatch):
    (tmp_path / "data" / "processed" / "proefveld").mkdir(parents=True)
    rows = {f"{n}-van-2": {"title": "A", "wijken": [f"WK99990{n}"], "homes": 1} for n in (1, 2)}
    (tmp_path / "data" / "processed" / "proefveld" / "parts.json").write_text(json.dumps(rows), "utf-8")
    joined = []
    monkeypatch.setattr(
        "flows.country.many.join_studies", lambda found, *_, **__: joined.append(found) or {"tables": {}}
    )
    together.fn([Outcome(("proefveld", None), 2, FetchError("an answer", found="none"))], str(tmp_path))
    assert sorted(joined[0]) == ["proefveld-1-van-2", "proefveld-2-van-2"]
    together.fn([Outcome(("proefveld", "1-van-2"), 1, {})], str(tmp_path))
    assert joined[1] == {"proefveld-1-van-2": tmp_path / "maps" / "proefveld-1-van-2"}


def test_a_folder_without_the_list_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        deployments(tmp_path)


def test_every_deployment_of_the_list_opens_and_runs_one_at_a_time():
    found = {one.name: one for one in deployments(ROOT)}
    assert {"voorbeeld", "gemeente-statistiek", "gemeente-registraties", "gemeente-kaart", "land"} == set(found)
    assert {one.concurrency_limit for one in found.values()} == {1}
    for one in found.values():
        asked = one.parameters
        for study in [asked["study"]] if "study" in asked else asked["studies"]:
            opened(study, str(ROOT), asked.get("code"), asked.get("roles"))


def test_a_credential_is_made_once_for_its_owner_only(tmp_path):
    word = credential(tmp_path / "prefect")
    path = tmp_path / "prefect" / CREDENTIAL
    assert len(word) > 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert credential(tmp_path / "prefect") == word
    assert credential(tmp_path / "other") != word


@pytest.mark.parametrize("spoil", ["open", "link", "empty"])
def test_a_credential_that_others_may_read_or_set_is_refused(tmp_path, spoil):
    credential(tmp_path)
    path = tmp_path / CREDENTIAL
    if spoil == "open":
        path.chmod(0o640)
    elif spoil == "empty":
        path.write_text("", "utf-8")
    else:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="for its owner only"):
        credential(tmp_path)


def test_a_port_that_somebody_holds_is_not_given_the_credential(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv(PORT_VARIABLE, str(other.getsockname()[1]))
        with pytest.raises(ConfigError, match="in use"), local_server():
            pass


def test_a_run_without_a_server_has_a_credential_too():
    code = "import flows, os; print(os.environ['PREFECT_SERVER_API_AUTH_STRING'], flows.AUTH[1] in os.environ)"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    )
    assert first != second
    assert len(first) > 40


@pytest.mark.parametrize("spared", [{}, {"NO_PROXY": ".gemeente.nl"}, {"no_proxy": ".gemeente.nl"}])
def test_a_proxy_of_the_network_is_not_given_the_credential(spared):
    """Many an office names one for all of http; its own exceptions stay."""
    code = (
        "import flows, httpx, sys\nfrom urllib.request import proxy_bypass\n"
        "try: httpx.get(sys.argv[1] + '/api', auth=('kansenkaart', 'secret'), timeout=5)\nexcept httpx.ConnectError: pass\n"
        "print(*map(bool, map(proxy_bypass, ('127.0.0.1', 'localhost', 'x.gemeente.nl', 'elders.nl'))))"
    )
    env = {name: one for name, one in os.environ.items() if not name.lower().endswith("_proxy")}
    with listening() as (port, calls), socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        env |= spared | dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{port}")
        done = subprocess.run(
            [sys.executable, "-c", code, f"http://127.0.0.1:{nobody.getsockname()[1]}"],
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert calls == []
    assert done.stdout.split() == ["True", "True", str(bool(spared)), "False"]


def test_who_is_stopped_before_it_serves_takes_its_server_along(tmp_path, monkeypatch):
    """Python ends at the signal without another word, and the server would go on with nobody to end it."""
    ended = []

    @contextmanager
    def server():
        try:
            yield "http://127.0.0.1:1/api"
        finally:
            ended.append(True)

    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(serve, "local_server", server)
    monkeypatch.setattr(serve, "make_limits", lambda: os.kill(os.getpid(), signal.SIGTERM))
    monkeypatch.setattr(serve, "serve", lambda *_, **__: None)
    before = signal.signal(signal.SIGTERM, lambda *_: ended.append(False))
    try:
        with pytest.raises(SystemExit):
            serve.start()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended == [True]


def test_a_failure_of_a_study_with_own_data_repeats_no_cell():
    """It goes into logs, states, events and to the webhook, from where nobody can take it back."""
    study = opened("voorbeeld", str(ROOT)).study
    assert study.sources("own_pand")
    for why in (FormatError("a", found="J. Jansen", where="J. Jansen.csv"), ValueError("J. Jansen")):
        with pytest.raises(KansenkaartError) as told, discreet(study):
            raise why
        assert "Jansen" not in "".join(traceback.format_exception(told.value))
        assert isinstance(told.value, FormatError) == isinstance(why, FormatError)
    with pytest.raises(FetchError, match="no answer"), discreet(study):  # of what no cell is in, all is told
        raise FetchError("a", found="no answer")
    with pytest.raises(FormatError, match="column x"), discreet(opened("gemeente", str(ROOT)).study):
        raise FormatError("a", found="column x")


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "10.0.0.1:8786", "ws://10.0.0.1:8786"])
def test_a_cluster_without_tls_is_refused(address):
    with pytest.raises(ConfigError, match="with TLS"):
        runner(1, "1GiB", address)


def test_workers_are_told_the_whole_path_of_the_project_and_refuse_one_that_they_do_not_see(tmp_path, monkeypatch):
    asked = []

    def on_dask(parts, root, public, most):
        asked.append((root, most))
        return []

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flows.country.spread", SimpleNamespace(with_options=lambda **_: on_dask))
    for name in ("together", "show", "_known_server"):
        monkeypatch.setattr(f"flows.country.{name}", lambda *_: contextlib.nullcontext())
    country.fn(["gemeente"], root=".")
    assert asked == [(str(tmp_path.resolve()), 100_000)]  # 25,000 homes for each of 4 GiB
    with pytest.raises(ConfigError, match="mount it on each worker"):
        partition.fn("gemeente", str(tmp_path / "elsewhere"), "GM0193")
    with pytest.raises(ConfigError, match="mount it on each worker"):
        division.fn("gemeente", str(tmp_path / "elsewhere"), "GM0193", 1)
    assert not list(tmp_path.iterdir())


def test_a_cluster_on_this_machine_has_certificates_of_its_own():
    how = runner(1, "1GiB").cluster_kwargs
    assert how["protocol"] == "tls://"
    assert how["security"].require_encryption


def test_one_planner_runs_at_a_time_and_stop_says_when_none_does(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "planner"))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv(PORT_VARIABLE, str(nobody.getsockname()[1]))
        for word in ("stop", "toon"):
            with pytest.raises(SystemExit) as ended:
                main([word])
            assert ended.value.code == ConfigError.exit_code
            said = capsys.readouterr().err.splitlines()
            assert said[:2] == ["Fout: verwacht: een planner die loopt", "  gevonden: geen"]
            assert said[-1] == "  wat te doen: start hem: kansenkaart-plan"
    with serve._alone():
        assert (tmp_path / "planner" / "kansenkaart-plan.pid").read_text() == str(os.getpid())
        with pytest.raises(SystemExit):
            main(["start"])
        assert "  wat te doen: stop hem: kansenkaart-plan stop" in capsys.readouterr().err.splitlines()
    assert not (tmp_path / "planner" / "kansenkaart-plan.pid").exists()


def test_a_worker_near_its_limit_works_on_until_it_is_stopped():
    import dask

    with dask.config.set(_SETTINGS):
        memory = dask.config.get("distributed.worker.memory")
        assert (memory["pause"], memory["spill"], memory["target"], memory["terminate"]) == (False, False, False, 0.95)
        assert dask.config.get("distributed.scheduler.allowed-failures") == 0
        assert dask.config.get("distributed.scheduler.worker-saturation") == 1.0  # of them none waits at a worker


def test_a_partition_whose_worker_was_stopped_says_how_to_run_it_apart(monkeypatch):
    client, ended = _Client(), []

    def end(*asked, **_):
        ended.append(asked)  # nobody knows one that waited at the worker and had not begun
        raise PrefectHTTPStatusError("not found", request=None, response=None)

    client.set_task_run_state = end
    monkeypatch.setattr("flows.country.get_client", at_once(client))

    def result(**_):
        raise KilledWorker("deel", SimpleNamespace(address="tls://127.0.0.1:1"), 0)

    future = SimpleNamespace(task_run_id="t1", result=result)
    for part, asked in (
        (("gemeente", "GM0363"), "(['gemeente'], ['GM0363'], "),
        (("amsterdam", None), "(['amsterdam'], None, "),
    ):
        one = _outcome(part, future, attempts=2)
        assert one.found.remedy == f"run this one apart with more memory: country{asked}workers=1, memory='16GiB')"
        assert one.row()["reden"].startswith("KansenkaartError: ")
    part = _outcome(("gemeente", "GM0363-2-van-6"), future, attempts=2)
    assert part.found.remedy.endswith("where there is more memory: kansenkaart run gemeente --code GM0363-2-van-6")
    assert [(run, state.type.name) for run, state in ended] == [("t1", "CRASHED")] * 3


def test_a_limit_is_of_one_publisher():
    names = {limit_of(one.name) for one in sources_table().values() if one.address}
    assert {"kansenkaart-bag", "kansenkaart-bgt", "kansenkaart-gwsw", "kansenkaart-cbs-odata"} <= names
