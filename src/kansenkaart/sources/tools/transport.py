"""One question to one host: redirects followed by hand and no further than that host, and a time limit that holds.

A redirect can lead anywhere: to plain http, to an address inside somebody's network. And a time-out between two bytes
holds nothing against a byte every second. So no library follows a redirect here, and a timer cuts the connection when
the whole answer, its headers included, takes too long.
"""

from __future__ import annotations

import contextlib
import ctypes
import platform
import socket
import struct
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from kansenkaart.errors import FormatError

MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_here = threading.local()


class TooSlowError(requests.RequestException):
    """An answer took longer than it may in all."""


@dataclass
class Life:
    """What is known of one host: when it was asked or last gave a byte, whether it answered, and with a status at least."""

    host: str
    asked_s: float = 0.0
    good: bool = True
    answers: bool = True

    @property
    def silent_s(self) -> float:
        """Return how long it has given no byte [s]."""
        return time.monotonic() - self.asked_s


@dataclass
class Meter:
    """What one run has asked and got so far, and who wants to hear of it.

    Attributes
    ----------
    requests : int
        Requests made, tries included [1].
    received : int
        Bytes that came, unpacked [byte].
    listen : callable, optional
        Gets a source and what came of it so far in words of its own, such as ``("bag pand", "12 pages, 11,204 rows")``.
    """

    requests: int = 0
    received: int = 0
    listen: Callable[[str, str], None] | None = None
    _last_s: float = field(default=0.0, repr=False)
    _lives: dict[str, Life] = field(default_factory=dict, repr=False)

    def life_of(self, url: str) -> Life:
        """Return what this run knows of the host of an address."""
        host = urlsplit(url).netloc
        return self._lives.setdefault(host, Life(host))

    def tell(self, source: str, progress: str) -> None:
        """Pass on how far a source is."""
        if self.listen is not None:
            self.listen(source, progress)

    def take_turn(self, pause_s: float) -> None:
        """Wait until the pause since the last request is over, and count one more."""
        rest = self._last_s + pause_s - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        self._last_s = time.monotonic()
        self.requests += 1


class _Deadline:
    """Cuts all connections of one question when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.over = seconds, False
        self._sockets: list[weakref.ref[socket.socket]] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, one: socket.socket) -> None:
        self._sockets.append(weakref.ref(one))
        if self.over:
            self._cut()

    def _cut(self) -> None:
        self.over = True
        for reference in self._sockets:
            one = reference()
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self._timer.cancel()

    def require(self) -> None:
        if self.over:
            # however the cut connection broke, it is the time that was over
            raise TooSlowError(f"an answer that took longer than {self.seconds:g} s") from None


class _Watched:
    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        deadline = getattr(_here, "deadline", None)
        if deadline is not None:
            deadline.watch(self.sock)  # type: ignore[attr-defined]


class _PlainPool(urllib3.HTTPConnectionPool):
    class ConnectionCls(_Watched, urllib3.connection.HTTPConnection): ...


class _SecurePool(urllib3.HTTPSConnectionPool):
    class ConnectionCls(_Watched, urllib3.connection.HTTPSConnection): ...


_POOLS = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        manager = super().proxy_manager_for(*args, **more)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Session(requests.Session):
    def resolve_redirects(self, *_: Any, **__: Any) -> Any:
        """Follow nothing, and read no body of a redirect to do so."""
        yield from ()


class TimedResponse(requests.Response):
    """A response whose body is watched until it is closed."""

    deadline: _Deadline

    def iter_content(self, *args: Any, **more: Any) -> Any:
        """Give the body in pieces; an answer that is cut for its slowness is no whole answer."""
        try:
            yield from super().iter_content(*args, **more)
        except requests.RequestException:
            self.deadline.require()
            raise
        self.deadline.require()

    def close(self) -> None:
        """Close the connection and end the watch."""
        self.deadline.end()
        super().close()


def ask(
    url: str,
    *,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    timeout: tuple[float, float],
    answer_timeout_s: float,
) -> requests.Response:
    """Ask once and return the response, its body still to be read; redirects are followed within the host.

    Parameters
    ----------
    url : str
        Address.
    params, headers : mapping of str to str
        Of the question; headers go along with every redirect, which stays with the same host.
    timeout : tuple of float
        For the connection, and for silence in between [s].
    answer_timeout_s : float
        For the whole answer: redirects, headers and body [s].

    Raises
    ------
    FormatError
        If a redirect leads to another host, to plain http, or has a user name in it.
    requests.RequestException
        If no answer comes, it is too slow, or it redirects more than `MOST_REDIRECTS` times.
    """
    deadline = _Deadline(answer_timeout_s)
    _here.deadline = deadline
    try:
        with _Session() as session:
            for scheme in _PORTS:
                session.mount(f"{scheme}://", _Adapter())
            response = _ask_on(session, url, params, headers, timeout)
        if deadline.over:
            response.close()
        deadline.require()
    except requests.RequestException as why:
        deadline.end()
        deadline.require()
        raise why
    except BaseException:
        deadline.end()
        raise
    finally:
        _here.deadline = None
    response.__class__ = TimedResponse
    response.deadline = deadline  # type: ignore[attr-defined]
    return response


def _ask_on(
    session: requests.Session, url: str, params: Mapping[str, str], headers: Mapping[str, str], timeout: Any
) -> requests.Response:
    for _ in range(MOST_REDIRECTS + 1):
        how: dict[str, Any] = {"stream": True, "allow_redirects": False, "timeout": timeout}
        response = session.get(url, params=params, headers=dict(headers), **how)
        onward = response.headers.get("Location")
        if response.status_code not in _REDIRECTS or not onward:
            return response
        response.close()
        url, params = same_host(onward, str(response.url)), {}
    raise requests.TooManyRedirects(f"more than {MOST_REDIRECTS} redirects")


def same_host(link: str, base: str) -> str:
    """Return a link made absolute, if it stays with the host and port of its base and does not give up TLS.

    Parameters
    ----------
    link : str
        As a page or a redirect gave it; plain http to the same host of a base with https is asked with https.
    base : str
        The address that gave it.

    Raises
    ------
    FormatError
        If it leads to another host or port, has another scheme, or a user name in it.
    """
    try:
        ours, theirs = urlsplit(base), urlsplit(urljoin(base, link))
        if (ours.scheme, theirs.scheme, theirs.port) in (("https", "http", None), ("https", "http", 80)):
            theirs = theirs._replace(scheme="https", netloc=theirs.netloc.removesuffix(":80"))
        here, there = ((one.scheme, one.hostname, one.port or _PORTS.get(one.scheme)) for one in (ours, theirs))
        fine = here == there and "@" not in theirs.netloc and "\\" not in link
    except ValueError:
        fine = False
    if not fine:
        raise FormatError(
            f"a link to {urlsplit(base).hostname}",
            found=link[:200],
            where=base,
            remedy="check the address in data/sources.csv",
        )
    return theirs.geturl()


#: Of the machines that we know: their number for the kernel's filter, and that of the call ``socket`` [linux/audit.h].
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # the call goes on; it gives EPERM
_CALL, _MACHINE, _FAMILY = 0, 4, 16  # places in what the filter sees [byte]
_INTERNET = (2, 10)  # AF_INET and AF_INET6


def shut_the_network() -> None:
    """Let the kernel refuse this process every socket of the internet, on machines whose numbers we have.

    Elsewhere only the proxy that leads nowhere, of the door for files, keeps GDAL from calling addresses that a file names.
    """
    if platform.machine() not in _MACHINES or sys.platform != "linux":
        return
    machine, call = _MACHINES[platform.machine()]
    steps = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 0, 5, machine),
        (_LOAD, 0, 0, _CALL),
        (_EQUAL, 0, 3, call),
        (_LOAD, 0, 0, _FAMILY),
        (_EQUAL, 2, 0, _INTERNET[0]),
        (_EQUAL, 1, 0, _INTERNET[1]),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    kernel = ctypes.CDLL(None)
    kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    kernel.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)
