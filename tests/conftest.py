"""Shuts the network for all tests but to this machine."""

import ipaddress
import socket

import pytest


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def _require_loopback(own, address):
        if own.family in (socket.AF_INET, socket.AF_INET6):
            host = address[0]
            local = host == "localhost" or ipaddress.ip_address(host).is_loopback
            assert local, f"a test reached for the network: {address}"

    def guarded(own, address):
        _require_loopback(own, address)
        return connect(own, address)

    def guarded_ex(own, address):
        _require_loopback(own, address)
        return connect_ex(own, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)
