"""What flows ask, say and keep, whole: Dask, the planner, the network and the stages are stood in for."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings

import flows
from flows import analyse, country, kansenkaart, limits, places, publish, refresh, serve, standing, tell
from flows.country import Outcome
from kansenkaart.errors import ConfigError, DiskError, FetchError, FormatError, KansenkaartError
from kansenkaart.publish import release
from kansenkaart.tables.step import Report
from kansenkaart.wording.messages import status_lines
from tests.flows import at_once

ROOT = Path(__file__).parents[2]


class _Logger:
    def __init__(self):
        self.said = []

    def info(self, words, *more):
        self.said.append(words % more if more else words)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"study": "een"}, "een 2026-11-29 06:05"),
        ({"study": "gemeente", "code": "GM0193"}, "gemeente GM0193 2026-11-29 06:05"),
        ({"studies": ["een", "twee"]}, "een twee 2026-11-29 06:05"),
        ({"studies": None, "codes": ["GM0193"]}, "land GM0193 2026-11-29 06:05"),
        ({"studies": ["gemeente"], "codes": ["GM0193", "GM0363"]}, "gemeente 2 gemeenten 2026-11-29 06:05"),
    ],
)
def test_a_run_is_named_after_study_place_and_moment(monkeypatch, asked, name):
    run = SimpleNamespace(parameters=asked, scheduled_start_time=datetime(2026, 11, 29, 6, 5, tzinfo=UTC))
    monkeypatch.setattr(tell, "flow_run", run)
    assert tell.run_name() == name


def test_what_publishers_send_is_said_again_after_a_minute(monkeypatch, caplog):
    clock = iter([5.0, 65.0, 65.1, 66.0])  # of a machine that was just started
    monkeypatch.setattr(tell, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    hear = tell.hearing()
    with caplog.at_level("INFO", logger="kansenkaart"):
        for words in ("1 pagina's", "2 pagina's", "3 pagina's", "4 pagina's"):
            hear("bag pand", words)
    assert caplog.messages == ["bag pand: 1 pagina's", "bag pand: 3 pagina's"]


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("first", "nog niet gemaakt"),
        ("parameters", "andere instellingen"),
        ("other", "andere code of levering"),
        ("inputs a, b", "andere invoer: a, b"),
        ("", ""),
    ],
)
def test_why_a_step_was_made_is_said_in_dutch(why, words):
    assert tell.why_of(Report("home", "done", {}, 1.0, why)) == words


def _stored(name, **more):
    table = {"name": name, "rows": 3, "tally": {}, "editions": ["bag 1", "cbs 2"], "as_of": None, "undated": []}
    return {**table, **more}


def test_the_table_of_a_run_and_its_summary_are_whole():
    before = [_stored("pand", rows=5)]
    now = [
        _stored("pand", tally={"left_out": {"a": 1, "b": 2}}, as_of="2025-06"),
        _stored("home", undated=["bag 1", "x"]),
    ]
    tables = tell.stock(now, before=before, today=date(2025, 6, 11))
    pand = {
        "tabel": "pand",
        "rijen": 3,
        "verschil": -2,
        "weggelaten": 3,
        "edities": "bag 1, cbs 2",
        "oudste": "2025-06",
    }
    home = {"tabel": "home", "rijen": 3, "verschil": None, "weggelaten": 0, "edities": "bag 1, cbs 2", "oudste": None}
    assert tables == [
        {**pand, "ouderdom_dagen": 10, "zonder_datum": ""},
        {**home, "ouderdom_dagen": None, "zonder_datum": "bag 1, x"},
    ]
    steps = tell.told([Report("pand", "done", {"pand": 3}, None, "first"), Report("kaart", "unchanged", {}, 0.04)])
    rows, summary = tell.whole(steps, tables)
    made = {"stap": "pand", "status": "gemaakt", "seconden": None, "waarom": "nog niet gemaakt"}
    kept = {"stap": "kaart", "status": "ongewijzigd", "seconden": 0.0, "waarom": "niets veranderd"}
    nobody = dict.fromkeys(made, "")
    assert rows == [{**tables[0], **made}, {**tables[1], **nobody}, {"tabel": "", "rijen": 0, **kept}]
    words = "1 stappen gemaakt, 1 overgeslagen; oudste gegevens 10 dagen, 1 tabellen met gegevens zonder datum"
    assert summary == words
    assert tell.whole([], [])[1] == "0 stappen gemaakt, 0 overgeslagen; geen gegevens met een datum"


def test_an_artifact_is_called_after_its_kind_and_name(monkeypatch):
    made = []
    monkeypatch.setattr(tell, "create_table_artifact", lambda **how: made.append(how))
    tell.show("Kansenkaart", "een_gm0193", [{"a": 1}], "Studie een")
    assert made == [{"key": "kansenkaart-een-gm0193", "table": [{"a": 1}], "description": "Studie een"}]


class _Work:
    """A task of which each call gives the next answer for its part."""

    def __init__(self, answers):
        self.answers, self.asked = {part: list(several) for part, several in answers.items()}, []

    def submit(self, study, root, code, more):
        self.asked.append((study, root, code, more))
        found = self.answers[study, code].pop(0)
        return SimpleNamespace(result=lambda timeout, raise_on_failure: found)


def test_places_are_divided_then_all_parts_run_and_those_that_failed_once_more(monkeypatch):
    lost, made = FetchError("an answer", found="none"), {"stappen": []}
    divide = _Work({("g", "GM1"): [["GM1-1-van-2", "GM1-2-van-2"]], ("een", ""): [[""]], ("g", "GM2"): [lost, lost]})
    work = _Work({("g", "GM1-1-van-2"): [made], ("g", "GM1-2-van-2"): [lost, made], ("een", ""): [lost, lost]})
    monkeypatch.setattr(country, "division", divide)
    monkeypatch.setattr(country, "partition", work)
    found = country.spread.fn([("g", "GM1"), ("een", None), ("g", "GM2")], "/p", False, 25_000)
    assert found == [
        Outcome(("g", "GM2"), 2, lost),
        Outcome(("g", "GM1-1-van-2"), 1, made),
        Outcome(("g", "GM1-2-van-2"), 2, made),
        Outcome(("een", None), 2, lost),
    ]
    assert divide.asked == [("g", "/p", "GM1", 25_000), ("een", "/p", "", 25_000), *[("g", "/p", "GM2", 25_000)] * 2]
    parts = ["GM1-1-van-2", "GM1-2-van-2"]
    first = [*(("g", "/p", part, False) for part in parts), ("een", "/p", "", False)]
    assert work.asked == [*first, ("g", "/p", parts[1], False), ("een", "/p", "", False)]


def test_a_part_that_went_says_what_it_took_and_one_that_did_not_says_why():
    steps = [{"status": "gemaakt"}, {"status": "ongewijzigd"}, {"status": "gemaakt"}]
    took = {"seconden": 2.5, "werker": "7", "geheugen_mib": 900}
    row = Outcome(("g", "GM1"), 1, {"stappen": steps, **took}).row()
    assert row == {"deel": "g GM1", "status": "klaar", "pogingen": 1, "gemaakt": 2, **took, "reden": ""}
    row = Outcome(("een", None), 2, ValueError("kapot")).row()
    nothing = {"seconden": None, "werker": "", "geheugen_mib": None}
    reason = {"reden": "ValueError: kapot"}
    assert row == {"deel": "een", "status": "mislukt", "pogingen": 2, "gemaakt": 0, **nothing, **reason}


def test_the_country_tells_every_part_keeps_word_of_each_and_ends_with_those_that_failed(tmp_path, monkeypatch):
    lost = Outcome(("gemeente", "GM0363"), 2, FetchError("an answer", found="none"))
    outcomes, asked, told, logger = [Outcome(("gemeente", "GM0193"), 1, {}), lost], [], [], _Logger()
    monkeypatch.setattr(country, "_known_server", contextlib.nullcontext)
    monkeypatch.setattr(country, "runner", lambda *how: how)
    monkeypatch.setattr(
        country,
        "spread",
        SimpleNamespace(with_options=lambda task_runner: lambda *how: asked.append((task_runner, how)) or outcomes),
    )
    for name in ("show", "together", "write_status", "recovered_study"):
        monkeypatch.setattr(country, name, lambda *how, _as=name, **more: told.append((_as, how, more)))
    monkeypatch.setattr(country, "get_run_logger", lambda: logger)
    root = str(tmp_path.resolve())
    with pytest.raises(KansenkaartError) as ended:
        country.country.fn(None, ["Amsterdam", "GM0193"], str(tmp_path), 3, "2GiB", "tls://10.0.0.1:8786", False)
    assert ended.value.expected == "2 partitions done"
    assert ended.value.found.startswith("1 failed twice: gemeente GM0363: ")
    assert (ended.value.where, ended.value.remedy[:9]) == ("land", "mend what")
    parts = [("gemeente", "GM0363"), ("gemeente", "GM0193")]
    assert asked == [((3, "2GiB", "tls://10.0.0.1:8786"), (parts, root, False, 50_000))]
    rows = [one.row() for one in outcomes]
    assert told == [
        ("recovered_study", ("gemeente", root, "GM0193"), {}),
        ("write_status", ("gemeente", root, "GM0363"), {"why": lost.found, "run": "land"}),
        ("show", ("land", "delen", rows, "2 delen, waarvan 1 mislukt"), {}),
        ("together", (outcomes, root, False), {}),
    ]
    assert logger.said[0] == "deel gemeente GM0193, status klaar, pogingen 1, gemaakt 0"
    outcomes.pop()
    assert country.country.fn(["een"], root=str(tmp_path)) == rows[:1]
    assert asked[1] == ((2, "4GiB", None), ([("een", None)], root, None, 100_000))


def test_a_cluster_on_this_machine_is_asked_as_was_read():
    how = country.runner(3, "2GiB").cluster_kwargs
    assert {name: one for name, one in how.items() if name != "security"} == {
        "n_workers": 3,
        "threads_per_worker": 1,
        "processes": True,
        "memory_limit": "2GiB",
        "host": "127.0.0.1",
        "protocol": "tls://",
        "dashboard_address": None,
    }


def test_a_part_that_never_ends_is_given_up_and_said_to_have_crashed(monkeypatch):
    ended = []

    @contextlib.contextmanager
    def client():
        yield SimpleNamespace(
            api_url="http://127.0.0.1:1/api", set_task_run_state=lambda *how, **more: ended.append((how, more))
        )

    monkeypatch.setattr(country, "get_client", lambda **how: at_once(client())(**how))

    def result(timeout, raise_on_failure):
        raise TimeoutError(f"{timeout:.0f} s")

    one = country._outcome(("een", None), SimpleNamespace(task_run_id="t1", result=result), attempts=1)
    assert (one.part, one.attempts, str(one.found)) == (("een", None), 1, "43200 s")
    ((run, state), more) = ended[0]
    assert (run, state.type, state.message, more) == ("t1", StateType.CRASHED, "TimeoutError: 43200 s", {"force": True})
    with country._known_server():
        assert PREFECT_API_URL.value() == "http://127.0.0.1:1/api"


@pytest.fixture
def stages(monkeypatch):
    """Stand in for the stages, which note what they are asked."""
    asked = []

    def stage(name):
        def run(place, *, listen, **more):
            asked.append((name, place.study.name, place.turn is limits.turn, place.public, more))
            return [Report(name, "done", {name: 2}, 1.0, "first")]

        return run

    for name in ("run_acquire", "run_score", "run_publish"):
        monkeypatch.setattr(f"kansenkaart.runs.study.{name}", stage(name))
    return asked


def test_a_partition_goes_through_all_stages_and_says_what_it_took(stages):
    found = country.partition.fn("gemeente", str(ROOT), "GM0193", True)
    assert stages == [(f"run_{one}", "gemeente-gm0193", True, True, {}) for one in ("acquire", "score", "publish")]
    assert [one["stap"] for one in found["stappen"]] == ["run_acquire", "run_score", "run_publish"]
    assert found["werker"] == str(os.getpid())
    assert 50 < found["geheugen_mib"] < 100_000
    assert 0 <= found["seconden"] < 60


def test_each_flow_of_a_study_goes_through_its_stage(stages, monkeypatch):
    asked = {"study": "gemeente", "root": str(ROOT), "code": "GM0193"}
    refresh.acquire.fn(**asked)
    analyse.score.fn(**asked)
    rows = publish.publish_study.fn(**asked, accept="ik: omdat", public=False)
    row = {"stap": "run_publish", "status": "gemaakt", "rijen": 2, "seconden": 1.0, "waarom": "nog niet gemaakt"}
    assert rows == [{**row, "uitvoer": ["run_publish"]}]
    name = "gemeente-gm0193"
    assert stages == [
        ("run_acquire", name, True, True, {}),
        ("run_score", name, False, True, {}),
        ("run_publish", name, False, False, {"accept": "ik: omdat"}),
    ]
    for module, task, flow, how in (
        (refresh, "acquire", refresh.refresh, ("gemeente", ".", "GM0193", ["pand"])),
        (analyse, "score", analyse.analyse, ("gemeente", ".", "GM0193")),
        (publish, "publish_study", publish.publish, ("gemeente", ".", "GM0193", "ik: omdat", True)),
    ):
        monkeypatch.setattr(module, task, lambda *how: how)
        assert flow.fn(*how) == how


def test_a_run_of_all_stages_keeps_one_table(monkeypatch):
    asked, shown = [], []
    for name in ("acquire", "score", "publish_study"):
        monkeypatch.setattr(
            kansenkaart,
            name,
            lambda *how, _as=name, **more: asked.append((_as, how, more)) or tell.told([Report(_as, "done", {_as: 1})]),
        )
    monkeypatch.setattr(kansenkaart, "show", lambda *how: shown.append(how))
    rows = kansenkaart.kansenkaart.fn("gemeente", str(ROOT), "GM0999", ["pand"], public=False)
    own = ("gemeente", str(ROOT), "GM0999")
    assert asked == [("acquire", (*own, ["pand"]), {}), ("score", own, {}), ("publish_study", own, {"public": False})]
    assert [one["stap"] for one in rows] == ["acquire", "score", "publish_study"]
    kind, name, both, summary = shown[0]
    assert (kind, name, len(both)) == ("kansenkaart", "gemeente-gm0999", 3)
    assert summary == "Studie gemeente-gm0999: 3 stappen gemaakt, 0 overgeslagen; geen gegevens met een datum"
    monkeypatch.setattr("kansenkaart.runs.study.status", lambda place: _broken_store())
    assert kansenkaart._stored(places.opened("gemeente", str(ROOT), "GM0999")) == []


def _broken_store():
    raise kansenkaart.StoreError("a whole file", found="half of one")


def test_how_often_and_how_long_each_task_is_tried_is_as_was_read():
    minutes = {
        "analyse.score": (analyse.score, 1, 60, 0.5, 360),
        "publish.publish_study": (publish.publish_study, 1, 60, 0.5, 60),
        "refresh.acquire": (refresh.acquire, 0, 0, None, 360),
        "country.partition": (country.partition, 2, [30, 120], 0.5, None),
        "country.division": (country.division, 2, [30, 120], 0.5, None),
    }
    for name, (task, retries, delay, jitter, most) in minutes.items():
        assert (task.retries, task.retry_delay_seconds, task.retry_jitter_factor) == (retries, delay, jitter), name
        assert task.timeout_seconds == (most and most * 60.0), name
    assert country.LONGEST_S == 12 * 3600
    assert limits.AT_A_TIME == 2
    assert limits.passes(DiskError("room", found="none"))


def test_the_server_gets_the_limits_that_it_does_not_have(monkeypatch):
    made, there = [], {"kansenkaart-bag"}

    class Client:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read_global_concurrency_limit_by_name(self, name):
            if name not in there:
                raise ObjectNotFound(ValueError(name))

        def create_global_concurrency_limit(self, limit):
            made.append((limit.name, limit.limit))
            if limit.name == "kansenkaart-bgt":
                raise ObjectAlreadyExists(ValueError(limit.name))  # another run was first

    held = []

    @contextlib.contextmanager
    def hold(name, **how):
        held.append((name, how))
        yield

    monkeypatch.setattr(limits, "get_client", at_once(Client()))
    monkeypatch.setattr(limits, "concurrency", hold)
    monkeypatch.setattr(limits, "_MADE", set())
    with limits.turn("bgt"), limits.turn("ahn"):
        names = [name for name, _ in made]  # once for the server of this process
    assert "kansenkaart-bag" not in names
    assert {"kansenkaart-bgt", "kansenkaart-ahn", "kansenkaart-gwsw"} <= set(names)
    assert len(names) == len(set(names))
    assert {many for _, many in made} == {2}
    how = {"strict": True, "raise_on_lease_renewal_failure": False}
    assert held == [("kansenkaart-bgt", how), ("kansenkaart-ahn", how)]


def test_a_role_that_no_source_has_and_a_fault_in_own_data_are_told_whole():
    with pytest.raises(ConfigError) as told:
        places.opened("gemeente", str(ROOT), "GM0193", ["pand", "own_sewer"])
    assert (told.value.found, told.value.where) == ("['own_sewer']", "study gemeente-gm0193")
    assert told.value.remedy == "correct the roles in prefect.yaml"
    with pytest.raises(FormatError) as said, places.discreet(places.opened("voorbeeld", str(ROOT)).study):
        raise FormatError("a", found="J. Jansen")
    assert said.value.expected == "data as the readers know them"
    assert said.value.found == "a fault (FormatError) that is not repeated here: the study has own data"
    assert (said.value.where, said.value.remedy) == ("study voorbeeld", "see it by hand: kansenkaart run voorbeeld")


def _words(content):
    first, *lines = status_lines(content)
    assert re.fullmatch(r"De geplande run van voorbeeld-gm0193 is mislukt, 20\d\d-\d\d-\d\d \d\d:\d\d\.", first)
    return "\n".join(lines)


def test_what_stands_and_what_is_tried_again_is_said_whole(tmp_path):
    why = FetchError("an answer", found="none", where="https://example.nl", remedy="run again later")
    path = standing.write_status("voorbeeld", str(tmp_path), "GM0193", why=why, run="proef")
    assert path == tmp_path / "data/processed/voorbeeld-gm0193/status.json"
    content = standing.json.loads(path.read_text("utf-8"))
    error = {"error": "FetchError", "expected": "an answer", "found": "none", "where": why.where, "remedy": why.remedy}
    assert content | {"at": ""} == {
        "study": "voorbeeld-gm0193",
        "state": "failed",
        "at": "",
        "run": "proef",
        "error": error,
        "published": None,
        "again": None,
    }
    assert _words(content) == (
        "Fout: verwacht: een antwoord\n  gevonden: geen\n  waar: https://example.nl\n  wat te doen: draai later opnieuw\n"
        "  gepubliceerd blijft: niets, want er was nog niets\n  opnieuw: niet vanzelf"
    )
    mark = tmp_path / "maps" / "voorbeeld" / release.MARK
    mark.parent.mkdir(parents=True)
    mark.write_text("{", "utf-8")
    damaged = standing._published("voorbeeld", str(tmp_path))
    assert (damaged["page"], sorted(damaged)) == ("maps/voorbeeld/index.html", ["damaged", "page"])
    again = datetime(2026, 11, 29, 5, 5, tzinfo=UTC).isoformat()
    content |= {"published": damaged, "again": again, "error": standing._told(ValueError("kapot"))}
    assert _words(content) == (
        "Fout: verwacht: een run zonder fout\n  gevonden: ValueError: kapot\n  wat te doen: kijk in het log van deze run\n"
        "  gepubliceerd blijft: maps/voorbeeld/index.html\n  opnieuw: 2026-11-29 06:05"
    )


def test_a_failure_is_mailed_to_the_server_of_this_machine_and_posted_there_only_without_tls(monkeypatch):
    asked, sent, posted = [], [], []

    class Smtp:
        def __init__(self, host, port, timeout):
            asked.append((host, port, timeout))

        def __enter__(self):
            return SimpleNamespace(send_message=sent.append)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(standing.smtplib, "SMTP", Smtp)
    monkeypatch.setattr(standing, "status_lines", lambda content: ["woorden", "meer"])
    monkeypatch.delenv(standing.SMTP_VARIABLE, raising=False)
    standing._mail({"study": "een"}, "beheer@example.nl")
    assert asked == [("127.0.0.1", 25, 10.0)]
    head = ("Subject", "From", "To")
    assert [sent[0][name] for name in head] == ["kansenkaart: een is mislukt", *["beheer@example.nl"] * 2]
    assert sent[0].get_content() == "woorden\nmeer\n"

    def opened(request, timeout):
        posted.append((request.full_url, request.method, request.headers, request.data, timeout))
        return contextlib.nullcontext()

    monkeypatch.setattr(standing.urllib.request, "urlopen", opened)
    for address in ("https://a.nl/h", "http://127.0.0.1:9/h"):
        standing._post({"a": 1}, address)
    for address in ("http://a.nl/h", "ftp://127.0.0.1/h", "https"):
        with pytest.raises(ValueError, match="niets verstuurd"):
            standing._post({"a": 1}, address)
    head = {"Content-type": "application/json"}
    assert posted == [(one, "POST", head, b'{"a": 1}', 10.0) for one in ("https://a.nl/h", "http://127.0.0.1:9/h")]


def test_a_failed_run_is_told_in_its_own_log_and_a_good_one_takes_the_word_away(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(standing, "flow_run_logger", lambda run, flow: logging.getLogger(f"{flow}-{run.name}"))
    asked = SimpleNamespace(parameters={"study": "voorbeeld", "root": str(tmp_path)}, name="proef")
    state = SimpleNamespace(result=lambda raise_on_failure, _sync: ValueError("kapot"))
    standing.failed("stroom", asked, state)
    assert [(one.name, one.levelname) for one in caplog.records] == [("stroom-proef", "ERROR")]
    assert (tmp_path / "data/processed/voorbeeld/status.json").is_file()
    standing.recovered("stroom", asked, None)
    standing.recovered("stroom", asked, None)  # nothing to take away is no fault
    standing.recovered("stroom", SimpleNamespace(parameters={"study": "nergens", "root": str(tmp_path)}), None)
    assert not (tmp_path / "data/processed/voorbeeld/status.json").exists()


def test_every_deployment_is_planned_as_the_list_says():
    found = {}
    for one in serve.deployments(ROOT):
        plans = [getattr(each.schedule, "cron", None) or each.schedule.interval for each in one.schedules]
        zones = {each.schedule.timezone for each in one.schedules}
        found[one.name] = (one.entrypoint, plans, zones, one.concurrency_limit, bool(one.description), one.parameters)
    listed = serve.yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    assert list(found) == [one["name"] for one in listed]
    for one in listed:
        plans = [each["cron"] for each in one.get("schedules", ())]
        zones = {"Europe/Amsterdam"} if plans else set()
        known = (one["entrypoint"], plans, zones, 1, "description" in one, one.get("parameters", {}))
        assert found[one["name"]] == known
    every = serve._schedule({"interval": 90, "timezone": "Europe/Amsterdam"})
    assert (every.interval.total_seconds(), every.timezone) == (90.0, "Europe/Amsterdam")
    for lacking in ({"name": "a"}, {"entrypoint": "b"}):
        with pytest.raises(ConfigError, match="a deployment with name and entrypoint"):
            serve._deployment(lacking)


@pytest.mark.parametrize(
    ("word", "good"),
    [("kansenkaart:" + 32 * "a", True), ("kansenkaart:" + 31 * "a", False), ("somebody:" + 40 * "a", False)],
)
def test_a_credential_has_a_name_and_at_least_32_signs(tmp_path, word, good):
    path = tmp_path / serve.CREDENTIAL
    path.write_text(f"{word}\n", "utf-8")
    path.chmod(0o600)
    with contextlib.nullcontext() if good else pytest.raises(ConfigError, match="something else"):
        assert serve.credential(tmp_path) == word


class _Process:
    returncode = 3

    def __init__(self, *states, stubborn=False):
        self.states, self.stubborn, self.done = list(states), stubborn, []

    def poll(self):
        return self.states.pop(0) if self.states else None

    def terminate(self):
        self.done.append("terminate")

    def kill(self):
        self.done.append("kill")

    def wait(self, seconds=None):
        self.done.append(f"wait {seconds}")
        if self.stubborn and seconds:
            raise subprocess.TimeoutExpired("prefect", seconds)


@pytest.mark.parametrize("stubborn", [False, True])
def test_the_server_is_started_as_was_read_and_ends_with_its_block(tmp_path, monkeypatch, stubborn):
    started, process, waited = [], _Process(stubborn=stubborn), []
    names = (*flows.AUTH, "PREFECT_API_URL")
    for name in names:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv(serve.PORT_VARIABLE, raising=False)
    if not stubborn:
        monkeypatch.setenv(serve.PORT_VARIABLE, "4321")
    port = 4200 if stubborn else 4321
    monkeypatch.setattr(serve, "_require_free", waited.append)
    monkeypatch.setattr(serve, "_wait_for", lambda *how: waited.append(how))
    monkeypatch.setattr(serve, "_end_with", lambda *_: None)
    monkeypatch.setattr(serve, "clear_left", lambda: waited.append("cleared"))
    monkeypatch.setattr(serve.subprocess, "Popen", lambda command, **how: started.append((command, how)) or process)
    api = f"http://127.0.0.1:{port}/api"
    with serve.local_server() as found:
        assert (found, PREFECT_API_URL.value()) == (api, api)
        assert {os.environ[name] for name in flows.AUTH} == {serve.credential(tmp_path)}
    command, how = started[0]
    assert command[1:] == ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    assert (how["umask"], how["stdout"], how["start_new_session"]) == (0o077, subprocess.DEVNULL, True)
    own = {"PREFECT_SERVER_CORS_ALLOWED_ORIGINS": api[:-4], "PREFECT_UI_API_URL": api}
    assert how["env"] | own | {"PREFECT_UI_STATIC_DIRECTORY": str(tmp_path / "ui")} == how["env"]
    assert waited == [port, (f"{api}/health", process, port), "cleared"]
    assert process.done == ["terminate", "wait 30", *(["kill", "wait None"] if stubborn else [])]


def test_a_server_of_the_settings_is_used_as_it_is():
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), serve.local_server() as api:
        assert api == "http://127.0.0.1:9/api"


def test_a_server_that_ends_or_does_not_answer_is_named_with_its_port(monkeypatch):
    def nobody(address, timeout):
        raise OSError("nobody")

    monkeypatch.setattr(serve.urllib.request, "urlopen", nobody)
    clock = iter([0.0, 0.0, 179.0, 180.0])
    slept = []
    monkeypatch.setattr(serve, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=slept.append))
    with pytest.raises(ConfigError, match="no answer in 180 s") as told:
        serve._wait_for("http://127.0.0.1:9/api/health", _Process(), 4321)
    assert slept == [0.5, 0.5]
    assert (told.value.expected, told.value.where) == ("a server on 127.0.0.1, port 4321", "PREFECT_SERVER_API_PORT")
    clock = iter([0.0, 0.0])
    with pytest.raises(ConfigError, match="a server that ended with 3"):
        serve._wait_for("http://127.0.0.1:9/api/health", _Process(3), 4321)
    clock = iter([0.0, 0.0])
    monkeypatch.setattr(serve.urllib.request, "urlopen", lambda address, timeout: contextlib.nullcontext())
    serve._wait_for("http://127.0.0.1:9/api/health", _Process(), 4321)


def test_the_planner_says_where_its_page_is_and_ends_well_when_it_is_stopped(tmp_path, monkeypatch, capsys):
    handlers, served = {}, []
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(serve.signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(serve, "local_server", lambda: contextlib.nullcontext("http://127.0.0.1:4321/api"))
    monkeypatch.setattr(serve, "make_limits", lambda: served.append("limits"))
    monkeypatch.setattr(serve, "serve", lambda *many, limit: served.append((len(many), limit)))
    monkeypatch.chdir(ROOT)
    serve.main(["start"])
    words = (
        f"Pagina van de planner: http://127.0.0.1:4321  (wachtwoord: de regel in {tmp_path / 'kansenkaart-credential'})"
    )
    assert capsys.readouterr().out == f"{words}\n"
    assert served == ["limits", (len(serve.deployments(ROOT)), 1)]
    with pytest.raises(SystemExit) as ended:
        handlers[signal.SIGTERM]()
    assert ended.value.code == 0


def test_the_plan_says_of_each_deployment_how_it_went_and_when_it_goes(monkeypatch, capsys):
    names = {"d1": ("b", False), "d2": ("a", True), "d3": ("c", False)}
    at = {hour: datetime(2026, 11, 29, hour, 5, tzinfo=UTC) for hour in (4, 5, 6, 7)}

    def run(deployment, kind, end=None, start=None, expected=None):
        times = {"end_time": end, "start_time": start, "expected_start_time": expected}
        return SimpleNamespace(deployment_id=deployment, state_type=kind, **times)

    ended = [run("d1", StateType.FAILED, end=at[5]), run("d1", StateType.COMPLETED, end=at[4])]
    waiting = [
        run("d1", StateType.RUNNING, start=at[6], expected=at[5]),
        run("d1", StateType.SCHEDULED, expected=at[7]),
        run("d2", StateType.SCHEDULED, expected=at[7]),
        run("d2", StateType.PENDING),
    ]
    asked = []

    def read_flow_runs(flow_run_filter, sort, limit):
        kinds = [one.value for one in flow_run_filter.state.type.any_]
        asked.append((kinds, sort.value, limit))
        return ended if "COMPLETED" in kinds else waiting

    many = [SimpleNamespace(id=key, name=name, paused=paused) for key, (name, paused) in names.items()]
    client = SimpleNamespace(read_deployments=lambda: many, read_flow_runs=read_flow_runs)
    monkeypatch.setattr(serve, "get_client", at_once(contextlib.nullcontext(client)))
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        serve.main(["toon"])
    assert capsys.readouterr().out.splitlines() == [
        "a: laatst nog nooit; gepland 2026-11-29 08:05 (gepauzeerd)",
        "b: laatst mislukt 2026-11-29 06:05; loopt 2026-11-29 07:05",
        "c: laatst nog nooit; niets gepland",
    ]
    assert asked == [
        (["COMPLETED", "FAILED", "CRASHED"], "END_TIME_DESC", 200),
        (["SCHEDULED", "PENDING", "RUNNING", "CANCELLING"], "EXPECTED_START_TIME_ASC", 200),
    ]
    assert serve._said(waiting[3], serve._WAITING, None) == "begint"


def test_a_server_may_be_named_in_the_environment_or_in_the_profiles(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    assert not flows._names_a_server()
    (tmp_path / "profiles.toml").write_text('PREFECT_API_URL = "http://10.0.0.1"\n', "utf-8")
    assert flows._names_a_server()
    monkeypatch.setenv("PREFECT_HOME", "")
    assert flows.home() == Path.home() / ".prefect"
    (tmp_path / "profiles.toml").unlink()
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert flows._names_a_server()


def test_without_the_extra_the_flows_say_what_to_install():
    code = "import importlib.util as u; u.find_spec = lambda name: None\nimport flows"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith("de planner vraagt de extra flows: pip install 'kansenkaart[flows]'")
