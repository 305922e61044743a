"""Candidates on the host's network are not in each other's way."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from mcci.clients.engines import host_ports


def test_an_address_of_its_own() -> None:
    """An image that says by a variable where it listens is told another loopback address, each time a new one."""
    image = ["PATH=/bin", "BIND=0.0.0.0", "PORT=8080", "URL=http://0.0.0.0:8080/", "VERSION=10.0.0.0"]
    places = {host_ports.place(image) for _ in range(50)}
    assert len(places) > 45
    assert all(ip_address(each) in ip_network("127.0.0.0/8") for each in places)
    assert not any(ip_address(each) in ip_network("127.0.0.0/16") for each in places)
    assert not any(ip_address(each) in ip_network("127.64.0.0/16") for each in places)  # the lab's pods
    assert host_ports.moved(image, "127.9.8.7") == {"BIND": "127.9.8.7", "URL": "http://127.9.8.7:8080/"}


def test_an_image_that_cannot_be_told() -> None:
    """An image without such a variable is at 127.0.0.1, and alone with its port there."""
    assert host_ports.place(["PATH=/bin", "PORT=8080"]) == "127.0.0.1"
