"""Ports for brokers of our own."""

import socket

from listener.bench.ports import free_port


def test_a_free_port_can_be_had() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        assert free_port() != taken.getsockname()[1]
