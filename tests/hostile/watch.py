"""Witnesses: a file that notes when it is opened (inotify), and a server on this machine that counts who calls."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

_IN_OPEN, _IN_NONBLOCK = 0x20, 0o4000
_EVENT = struct.Struct("iIII")


@contextlib.contextmanager
def opened(*paths: Path) -> Iterator[list[int]]:
    """Give a list with, at the end, how often these files were opened by anybody."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(_IN_NONBLOCK)
    assert watch >= 0, os.strerror(ctypes.get_errno())
    for path in paths:
        assert libc.inotify_add_watch(watch, os.fsencode(path), _IN_OPEN) >= 0
    count: list[int] = []
    try:
        yield count
        with contextlib.suppress(BlockingIOError):
            while events := os.read(watch, 1 << 16):
                place = 0
                while place < len(events):
                    *_, more = _EVENT.unpack_from(events, place)
                    place += _EVENT.size + more
                    count.append(1)
    finally:
        os.close(watch)


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """Give a port of this machine, and what callers said to it."""
    calls: list[bytes] = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                with contextlib.suppress(TimeoutError, OSError):
                    caller, _ = server.accept()
                    with caller:
                        caller.settimeout(1)
                        calls.append(b"")
                        calls[-1] = caller.recv(200)
                        caller.sendall(b"HTTP/1.1 404 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], calls
        finally:
            done.set()
            thread.join()
