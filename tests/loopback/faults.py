"""Faults for the loopback server: each gets the number of the request, its path and the reply, and gives a reply."""

import json
from dataclasses import replace

from tests.loopback.server import Reply


def on(numbers, change):
    """Apply a fault to some requests only: a set of numbers, or None for all."""

    def fault(number, path, reply):
        return change(number, path, reply) if numbers is None or number in numbers else reply

    return fault


def sleep(seconds):
    return lambda _n, _p, reply: replace(reply, sleep_s=seconds)


def reset(_n, _p, reply):
    return replace(reply, cut_after=0)


def reset_mid_body(_n, _p, reply):
    return replace(reply, cut_after=max(len(reply.content) // 2, 1))


def status(code, **headers):
    return lambda _n, _p, _r: Reply(code, content=b"{}", headers=headers)


def truncated(_n, _p, reply):
    return replace(reply, content=reply.content[: len(reply.content) // 2])


def html(_n, _p, _r):
    return Reply(200, "text/html", b"<html>onderhoud</html>")


def huge(_n, _p, reply):
    return replace(reply, endless=True)


def announced_2gb(_n, _p, reply):
    return replace(reply, endless=True, headers={**reply.headers, "Content-Length": str(2 << 30)})


def body(edit):
    """Edit the JSON of a reply in place."""

    def change(_n, _p, reply):
        content = json.loads(reply.content)
        edit(content)
        return replace(reply, content=json.dumps(content).encode())

    return change


def text(old, new):
    return lambda _n, _p, reply: replace(reply, content=reply.content.replace(old, new))


def header(name, value):
    return lambda _n, _p, reply: replace(reply, headers={**reply.headers, name: value})
