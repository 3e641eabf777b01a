"""Redirects stay with the host that was asked, and no answer may take longer than it may."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import requests

from kansenkaart.errors import ConfigError, FetchError, FormatError
from kansenkaart.sources.publishers import base_url
from kansenkaart.sources.tools import transport
from kansenkaart.sources.tools.bulk import reachable
from kansenkaart.sources.tools.http import Http, download, get
from kansenkaart.sources.tools.transport import ask, same_host
from tests.hostile.watch import listening

HTTP = Http(connect_timeout_s=2, read_timeout_s=5, answer_timeout_s=1.0, attempts=1, wait_first_s=0.001)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def _saying(say):
    """Serve one raw answer, as ``say`` sends it, to every caller; gives the port and the paths asked."""
    asked, done = [], threading.Event()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)

        def serve():
            while not done.is_set():
                with contextlib.suppress(OSError):
                    caller, _ = server.accept()
                    with caller:
                        asked.append(caller.recv(4096).split(b" ")[1].decode())
                        say(caller, asked[-1], done)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], asked
        finally:
            done.set()
            thread.join()


def _redirect(to):
    def say(caller, path, done):
        if path == "/end":
            caller.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        else:
            caller.sendall(f"HTTP/1.1 302 x\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())

    return say


def _drip(before):
    def say(caller, path, done):
        caller.sendall(before)
        while not done.is_set():
            caller.sendall(b"1")
            done.wait(0.2)

    return say


def test_a_redirect_within_the_host_is_followed():
    with _saying(_redirect("/end")) as (port, asked):
        assert get(f"http://127.0.0.1:{port}/start", http=HTTP).content == b"{}"
    assert asked == ["/start", "/end"]


@pytest.mark.parametrize(
    "to", ["http://localhost:{port}/x", "http://u:p@127.0.0.1:{own}/x", "ftp://127.0.0.1:{own}/x", "//127.1:{port}/x"]
)
def test_a_redirect_elsewhere_is_not_followed(to):
    with listening() as (port, calls), _saying(lambda *about: say[0](*about)) as (own, asked):
        say = [_redirect(to.format(port=port, own=own))]
        with pytest.raises(FetchError, match="a link to"):  # no answer here: what has a second way asks there
            get(f"http://127.0.0.1:{own}/start", http=HTTP)
    assert asked == ["/start"]
    assert not calls


def test_a_round_of_redirects_ends():
    with _saying(_redirect("/again")) as (port, asked), pytest.raises(FetchError, match="redirects"):
        get(f"http://127.0.0.1:{port}/start", http=HTTP)
    assert len(asked) == 6


@pytest.mark.parametrize(
    "before",
    [HEAD + b"Content-Length: 900\r\n\r\n", HEAD + b"\r\n", b"HTTP/1.1 200 OK\r\nX: "],
    ids=["body", "body without an end", "headers"],
)
def test_a_byte_now_and_then_does_not_stretch_an_answer(before, tmp_path):
    with _saying(_drip(before)) as (port, _):
        started = time.monotonic()
        with pytest.raises(FetchError, match="longer than 1 s"):
            get(f"http://127.0.0.1:{port}/slow", http=HTTP)
        with pytest.raises(FetchError, match="longer than 1 s"):
            download(f"http://127.0.0.1:{port}/slow", tmp_path / "a.bin", http=HTTP)
        assert time.monotonic() - started < 6
    assert not (tmp_path / "a.bin").exists()


def test_a_connection_that_was_cut_is_told_as_too_slow_however_it_broke(monkeypatch):
    def reset(*_):
        while not transport._here.deadline.over:
            time.sleep(0.01)
        raise requests.ConnectionError("broken") from ConnectionResetError(104, "reset")

    monkeypatch.setattr(transport, "_ask_on", reset)
    with pytest.raises(FetchError, match=r"TooSlowError\): an answer that took longer than 0\.1 s"):
        get("http://127.0.0.1:9/slow", http=replace(HTTP, answer_timeout_s=0.1))


def test_an_answer_in_time_leaves_no_timer():
    before = set(threading.enumerate())
    with _saying(_redirect("/end")) as (port, _):
        how = {"params": {}, "headers": {}, "timeout": (2, 2), "answer_timeout_s": 600}
        with ask(f"http://127.0.0.1:{port}/end", **how) as answer:
            assert b"".join(answer.iter_content(10)) == b"{}"
        with pytest.raises(requests.RequestException):
            ask("http://127.0.0.1:9/nobody", **how)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("/b", "https://x.nl/b"),
        ("http://x.nl/b", "https://x.nl/b"),
        ("http://x.nl:80/b", "https://x.nl/b"),
        ("https://x.nl:443/b", "https://x.nl:443/b"),
        ("https://y.nl/b", None),
        ("http://x.nl:8080/b", None),
        ("https://x.nl@y.nl/b", None),
        ("https://u:p@x.nl/b", None),
        ("https://x.nl\\@y.nl/", None),
        ("file:///etc/passwd", None),
        ("https://[::1/b", None),
    ],
)
def test_a_link_stays_with_its_host_and_with_tls(link, found):
    if found is None:
        with pytest.raises(FormatError, match="a link to"):
            same_host(link, "https://x.nl/a")
    else:
        assert same_host(link, "https://x.nl/a") == found


@pytest.mark.parametrize("address", ["http://api.pdok.nl/", "http://10.0.0.1/", "http://127.0.0.1.evil.example/"])
def test_an_address_of_the_environment_over_plain_http_is_for_this_machine_only(monkeypatch, address):
    monkeypatch.setenv("KANSENKAART_URL_BAG", address)
    with pytest.raises(ConfigError, match="http to this machine only"):
        base_url("bag")
    for fine in ("http://127.0.0.1:8000/", "http://localhost/", "http://[::1]:8000/", "https://mirror.example/bag/"):
        monkeypatch.setenv("KANSENKAART_URL_BAG", fine)
        assert base_url("bag") == fine


def test_a_file_that_moved_to_another_host_is_asked_at_its_second_address():
    with _saying(_redirect("http://localhost:9/elsewhere")) as (old, _), _saying(_redirect("/end")) as (new, _):
        addresses = [f"http://127.0.0.1:{port}/file" for port in (old, new)]
        assert reachable(addresses, http=HTTP) == addresses[1]


def test_a_length_in_signs_that_are_no_digits_is_no_length():
    def say(caller, path, done):
        caller.sendall(HEAD + "Content-Length: \xb2\r\n\r\n{}".encode("latin-1"))

    with _saying(say) as (port, _):
        assert get(f"http://127.0.0.1:{port}/odd", http=HTTP).content == b"{}"


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in transport._MACHINES,
    reason="the kernel's filter is known for Linux on x86_64 and aarch64",
)
def test_a_process_whose_network_is_shut_opens_no_socket_of_the_internet():
    ask = (
        "import socket\n"
        "from kansenkaart.sources.tools.transport import shut_the_network\n"
        "shut_the_network()\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
        "    try:\n"
        "        socket.socket(family, socket.SOCK_STREAM).close()\n"
        "        print('open')\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["refused", "refused", "open"], done.stderr[-2000:]


def test_the_kernel_lets_a_machine_that_is_known_refuse_the_internet_and_nothing_else(monkeypatch):
    calls = []

    def prctl(*args):
        if args[0] == 22:
            count, where = struct.unpack("HxxxxxxP", ctypes.string_at(args[2], 16))
            calls.append([struct.unpack_from("HBBI", ctypes.string_at(where, 8 * count), 8 * n) for n in range(count)])
        calls.append((*args[:2], args[2] if args[0] == 38 else 0, *args[3:]))

    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(prctl=prctl))
    monkeypatch.setattr(ctypes, "byref", ctypes.addressof)
    monkeypatch.setattr(sys, "platform", "linux")
    for machine, number, call in (("x86_64", 0xC000003E, 41), ("aarch64", 0xC00000B7, 198)):
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        calls.clear()
        transport.shut_the_network()
        privileges, steps, mode = calls
        assert (privileges, mode) == ((38, 1, 0, 0, 0), (22, 2, 0, 0, 0))
        seen = {
            about: _filtered(steps, *about)
            for about in (
                *((number, call, family) for family in (2, 10, 1)),  # of the internet, both kinds, and of this machine
                *((number, call + 1, 2), (number + 1, call, 2), (number, call - 1, 10)),
            )
        }
        assert list(seen.values()) == [0x50001, 0x50001, *[0x7FFF0000] * 4]
    calls.clear()
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    transport.shut_the_network()
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "darwin")
    transport.shut_the_network()
    assert calls == []


def _filtered(steps, machine, call, family):
    """Run a filter of the kernel on one call, and return its verdict [linux/seccomp.h, linux/filter.h]."""
    seen, at, held = {0: call, 4: machine, 16: family}, 0, None
    while True:
        code, yes, no, value = steps[at]
        if code == 0x06:
            return value
        if code == 0x20:
            held = seen[value]
        else:
            assert code == 0x15
            at += yes if held == value else no
        at += 1


def test_only_what_is_a_redirect_is_followed_and_the_question_is_in_its_address_then():
    asked, rows = [], []

    def answer(status, onward):
        closed = []
        headers = {"Location": onward} if onward else {}
        row = SimpleNamespace(status_code=status, headers=headers, url=asked[-1][0], close=lambda: closed.append(1))
        rows.append((row, closed))
        return row

    def last(first, onward="/b"):
        asked.clear()
        rows.clear()
        statuses = [first, 200]
        session = SimpleNamespace(
            get=lambda url, **how: (asked.append((url, how)), answer(statuses.pop(0), onward if statuses else ""))[1]
        )
        return transport._ask_on(session, "https://x.nl/a", {"p": "1"}, {"H": "h"}, (1, 2)).status_code

    for status in (301, 302, 303, 307, 308):
        assert last(status) == 200
        how = {"headers": {"H": "h"}, "stream": True, "allow_redirects": False, "timeout": (1, 2)}
        assert asked == [("https://x.nl/a", {"params": {"p": "1"}, **how}), ("https://x.nl/b", {"params": {}, **how})]
        assert [closed for _, closed in rows] == [[1], []]
    for status in (200, 300, 304, 305, 306, 309):
        assert last(status) == status
        assert rows[0][1] == []
    assert last(302, onward="") == 302


def test_what_is_watched_is_cut_when_the_time_is_over_and_not_before():
    class Socket:
        def __init__(self, broken=False):
            self.broken, self.cut = broken, []

        def shutdown(self, how):
            self.cut.append(how)
            if self.broken:
                raise OSError("gone")

    deadline = transport._Deadline(3600.0)
    timer = deadline._timer
    assert (timer.daemon, timer.is_alive(), timer.interval) == (True, True, 3600.0)
    sockets, gone = [Socket(broken=True), Socket()], Socket()
    for one in (*sockets, gone):
        deadline.watch(one)
    del gone, one
    deadline.require()
    assert [each.cut for each in sockets] == [[], []]
    deadline._cut()
    assert [each.cut for each in sockets] == [[socket.SHUT_RDWR]] * 2
    late = Socket()
    deadline.watch(late)
    assert late.cut == [socket.SHUT_RDWR]
    with pytest.raises(transport.TooSlowError, match="longer than 3600 s"):
        deadline.require()
    deadline.end()
    timer.join(5)
    assert not timer.is_alive()


def test_connections_are_watched_by_way_of_a_proxy_too():
    adapter = transport._Adapter()
    assert adapter.poolmanager.pool_classes_by_scheme is transport._POOLS
    assert adapter.proxy_manager_for("http://127.0.0.1:9").pool_classes_by_scheme is transport._POOLS


def test_a_body_that_was_cut_is_no_whole_answer_however_it_ended(monkeypatch):
    def response(broken, over):
        one, ended = transport.TimedResponse(), []
        one.deadline = SimpleNamespace(over=over, seconds=1.0, end=lambda: ended.append(1))
        one.deadline.require = lambda: transport._Deadline.require(one.deadline)

        def pieces(self, *args):
            yield b"a"
            if broken:
                raise requests.ConnectionError("cut")

        monkeypatch.setattr(requests.Response, "iter_content", pieces)
        monkeypatch.setattr(requests.Response, "close", lambda self: ended.append(2))
        return one, ended

    assert list(response(False, False)[0].iter_content(1)) == [b"a"]
    for broken, over, error in (
        (True, False, requests.ConnectionError),
        (True, True, transport.TooSlowError),
        (False, True, transport.TooSlowError),
    ):
        with pytest.raises(error):
            list(response(broken, over)[0].iter_content(1))
    one, ended = response(False, False)
    one.close()
    assert ended == [1, 2]
