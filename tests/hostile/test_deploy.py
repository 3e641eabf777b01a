"""The files to install from hold what they say of themselves, as far as this machine can tell."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from flows.serve import PORT
from tests.hostile.watch import listening

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "kansenkaart.service"
MOST_EXPOSED = 3.0


def _exposure(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(unit)], capture_output=True, text=True, check=False
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    return float(found[1])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_the_unit_is_closed(tmp_path):
    assert _exposure(UNIT) <= MOST_EXPOSED
    old = tmp_path / "old.service"
    kept = ("[", "User=", "ExecStart=", "ProtectSystem=", "NoNewPrivileges=")
    old.write_text("\n".join(line for line in UNIT.read_text("utf-8").splitlines() if line.startswith(kept)), "utf-8")
    assert _exposure(old) > MOST_EXPOSED


def test_the_unit_writes_to_data_maps_and_prefect_only():
    lines = dict(line.split("=", 1) for line in UNIT.read_text("utf-8").splitlines() if re.match(r"\w+=", line))
    assert lines["ReadWritePaths"] == "/srv/kansenkaart/data /srv/kansenkaart/maps"
    assert (lines["StateDirectory"], lines["UMask"], lines["ProtectHome"]) == ("kansenkaart", "0077", "yes")
    assert lines["ExecStart"].endswith("-m flows.serve")
    # The planner needs its server to say that it stops; the settings of an installation are no part of the unit.
    assert (lines["KillMode"], lines["EnvironmentFile"]) == ("mixed", "-/etc/kansenkaart/environment")


CONTAINER = (ROOT / "deploy" / "Containerfile").read_text("utf-8")


def test_the_container_runs_as_another_user_with_the_lock_for_running():
    assert re.search(r"^USER 10001:10001$", CONTAINER, re.M)
    lines = [line.split()[0] for line in CONTAINER.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert "RUN" not in lines[lines.index("USER") :]  # nothing is made by who runs it, all else by root
    assert "--uid 10001" in CONTAINER
    assert "EXPOSE" not in CONTAINER
    locks = re.findall(r"-r (requirements/\S+?\.lock)", CONTAINER)
    assert locks == ["requirements/flows.lock", "requirements/build.lock"]
    assert "--no-deps --require-hashes" in CONTAINER
    copied = [one for line in re.findall(r"^COPY (.+)$", CONTAINER, re.M) for one in line.split()[:-1]]
    assert [one for one in copied if not (ROOT / one).exists()] == []
    told = dict(re.findall(r"(\w+)=(\S+)", re.search(r"^ENV (.+\\\n.+)$", CONTAINER, re.M)[1]))
    kept = json.loads(re.search(r"^VOLUME (.+)$", CONTAINER, re.M)[1])
    assert {told["PREFECT_HOME"], told["NUMBA_CACHE_DIR"]} < set(kept)  # all else is read-only


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (500, False), (None, False)])
def test_the_check_on_health_fails_when_the_server_does(monkeypatch, status, healthy):
    """It is run as it stands, at another port; a proxy that answers anything is not asked."""
    command = json.loads(re.search(r"HEALTHCHECK .*\\\n\s*CMD (\[.+\])", CONTAINER)[1])
    assert f":{PORT}/api/health" in command[-1]
    with listening() as (proxy, calls), _answering(status) as port:
        code = command[-1].replace(f":{PORT}/", f":{port}/")
        env = dict.fromkeys(("http_proxy", "HTTP_PROXY"), f"http://127.0.0.1:{proxy}")
        done = subprocess.run([sys.executable, *command[1:-1], code], env=env, capture_output=True, check=False)
    assert (done.returncode == 0) is healthy
    assert calls == []


@contextmanager
def _answering(status):
    """Give a port of this machine that answers so, or at which nobody listens."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        if status is None:
            server.server_close()
        else:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        if status is not None:
            server.shutdown()


def test_the_lock_for_running_holds_no_test_tool_and_nothing_that_is_not_tested():
    def pins(name):
        return set(re.findall(r"^(\S+==\S+)", (ROOT / f"requirements/{name}.lock").read_text("utf-8"), re.M))

    assert pins("flows") <= pins("dev")
    assert pins("run") <= pins("flows")
    assert not {one.split("==")[0] for one in pins("flows")} & {"pytest", "mypy", "ruff", "playwright", "hypothesis"}


@pytest.mark.parametrize("name", ["frame-ancestors 'none'", "nosniff", "max-age=31536000", "-intern", "autoindex off"])
def test_the_pages_are_hosted_with_headers_that_close_them(name):
    assert name in (ROOT / "deploy" / "nginx.conf").read_text("utf-8")


def _free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    """Serve some pages by nginx with the snippet, at other ports, with a certificate of the moment."""
    if not shutil.which("nginx") or not shutil.which("openssl"):
        pytest.skip("nginx and openssl are not on this machine")
    folder = tmp_path_factory.mktemp("nginx")
    folder.parent.chmod(0o755)  # its workers are another user
    for name in ("index.html", ".publish.json", "data/x.gpkg", "data/.x.part"):
        for place in ("stad", "stad-intern", "stad-intern-2025-3"):
            (folder / "www" / place / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "www" / place / name).write_text("x", "utf-8")
    (folder / "www" / "stad-intern.gpkg").write_text("x", "utf-8")
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    keys = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run([*made.split(), *keys], check=True, capture_output=True)
    text, ports = (ROOT / "deploy" / "nginx.conf").read_text("utf-8"), (_free(), _free())
    changed = {"listen 443": f"listen 127.0.0.1:{ports[0]}", "listen 80": f"listen 127.0.0.1:{ports[1]}"}
    changed |= {"/etc/ssl/kaart.example.nl": str(folder), "/srv/www/kansenkaart": str(folder / "www")}
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    temporary = "".join(f"{one}_temp_path {folder};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; user root; events {{}} http {{ access_log off; {temporary}\n{text}}}",
        "utf-8",
    )
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE)
    try:
        for _ in range(100):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", ports[0])) == 0:
                    break
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        yield ports, str(folder / "fullchain.pem")
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()


def test_hosted_pages_have_their_headers_and_nothing_else_is_given(hosted):
    (port, plain), trusted = hosted

    def ask(path, method="GET"):
        return requests.request(method, f"https://127.0.0.1:{port}/{path}", verify=trusted, timeout=10)

    page = ask("stad/")
    assert (page.status_code, page.text, page.headers["Content-Type"]) == (200, "x", "text/html; charset=utf-8")
    for answer in (page, ask("nergens"), ask("stad-intern/")):
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert re.fullmatch(r"nginx", answer.headers["Server"])
    assert ask("stad/data/x.gpkg").headers["Content-Type"] == "application/geopackage+sqlite3"
    closed = ["stad/.publish.json", "stad/data/.x.part", "stad/data/", "stad-intern/", "stad-intern/index.html"]
    closed += ["stad-intern/data/x.gpkg", "stad-intern-2025-3/data/x.gpkg", "stad-intern-2025-3/", "stad-intern.gpkg"]
    assert {one: ask(one).status_code for one in closed if ask(one).status_code not in (403, 404)} == {}
    assert {one: ask("stad/", one).status_code for one in ("POST", "PUT", "DELETE")} == dict.fromkeys(
        ("POST", "PUT", "DELETE"), 403
    )
    answer = requests.get(f"http://127.0.0.1:{plain}/stad/", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://127.0.0.1/stad/")
