"""The services as processes: how they start, refuse to start, stop and crash; and what hostile bytes do to them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from localrun.fleet import Fleet
from localrun.services import CALLS, ROOT, LocalService, base_environment, free_ports, from_source

pytestmark = pytest.mark.service
PATIENCE = 20.0


def only(name: str, **environment: str) -> LocalService:
    """One service by itself."""
    found = next(service for service in from_source(environment={}) if service.name == name)
    return replace(found, environment={**found.environment, **environment})


def refused(service: LocalService) -> subprocess.CompletedProcess[str]:
    """What a service that cannot start leaves behind."""
    environment = dict(service.environment)
    return subprocess.run(service.command, env=environment, capture_output=True, text=True, timeout=20, check=False)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail when it does not in good time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("name", CALLS)
def test_unusable_configuration_ends_the_start(name: str, tmp_path: Path) -> None:
    """A wrong profile, value or path ends the start with exit code 2 and one line that says where."""
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("prot: 1\n")
    cases = {
        "PROFILE": (str(wrong), f"{name}: {wrong}:1: unknown key 'prot'; did you mean 'port'?\n"),
        "PORT": ("99999", f"{name}: environment variable PORT must be at most 65535, not 99999\n"),
    }
    for variable, (value, message) in cases.items():
        ended = refused(only(name, **{variable: value}))
        assert (ended.returncode, ended.stderr) == (2, message)
    ended = refused(only(name, PROFILE="nowhere"))
    expected = f"{name}: PROFILE: no profile 'nowhere'; there are local, production, stage (or give a path)\n"
    assert (ended.returncode, ended.stderr) == (2, expected)


def test_a_taken_port_is_said() -> None:
    """A port in use ends the start with exit code 1 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = refused(only("staff-service", PORT=str(port)))
    assert (ended.returncode, ended.stderr) == (
        1,
        f"staff-service: cannot listen on 127.0.0.1:{port}: Address already in use\n",
    )


def test_every_service_stops_when_asked() -> None:
    """SIGTERM ends each service with exit code 0, soon, even with a stream open through webapp and gateway."""
    with Fleet(from_source(environment={})) as fleet:
        fleet.start_all()
        with urllib.request.urlopen(fleet.url("webapp") + "api/stream") as stream:
            assert stream.readline() == b"retry: 1000\n"
            begin = time.monotonic()
            codes = fleet.stop("webapp")
            assert time.monotonic() - begin < 4
        codes |= fleet.stop()
    assert codes == dict.fromkeys(CALLS, 0)


def test_a_request_in_flight_is_answered_after_sigterm() -> None:
    """While draining a service is not ready, still answers, finishes what it began, and exits with 0."""
    slow = only(
        "staff-service",
        SERVICE_VERSION="v3",
        FAULT_SLOW_SHARE="1",
        FAULT_SLOW_SECONDS="1.5",
        FAULT_ERROR_SHARE="0",
        DRAIN_SECONDS="0.7",
    )
    with Fleet([slow]) as fleet:
        fleet.start_all()
        answers: list[int] = []

        def ask() -> None:
            with urllib.request.urlopen(fleet.url("staff-service") + "drivers/v-0001") as answer:
                answers.append(answer.status)

        asking = threading.Thread(target=ask)
        asking.start()
        wait_until(lambda: in_flight(fleet) == 2)  # the slow one, and the one that reads the metrics
        process = fleet.processes["staff-service"]
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not fleet.is_ready("staff-service"))
        assert status(fleet, "/version") == 200
        asking.join(PATIENCE)
        assert process.wait(PATIENCE) == 0
    assert answers == [200]


def in_flight(fleet: Fleet) -> float:
    """How many requests staff-service is answering."""
    with urllib.request.urlopen(fleet.url("staff-service") + "metrics") as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("http_requests_in_flight ")).split()[1])


def status(fleet: Fleet, path: str) -> int:
    """The status of a GET to staff-service."""
    connection = http.client.HTTPConnection("127.0.0.1", fleet.services["staff-service"].port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_v3_crashes_after_a_while() -> None:
    """The faulty version ends by itself, with a code that is no success."""
    faulty = only("staff-service", SERVICE_VERSION="v3", FAULT_CRASH_AFTER_SECONDS="0.5")
    with Fleet([faulty]) as fleet:
        fleet.start_all()
        assert fleet.processes["staff-service"].wait(PATIENCE) == 139


def test_hostile_bytes_do_no_harm() -> None:
    """Garbage, endless bodies and lies about their length are refused; the tracker goes on, no traceback."""
    with Fleet([only("position-tracker")]) as fleet:
        fleet.start_all()
        port = fleet.services["position-tracker"].port
        process = fleet.processes["position-tracker"].pid
        before = resident_kilobytes(process)
        start = b"POST /positions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        assert b" 400 " in exchange(port, b"\x00\xff\x16\x03 nonsense\r\n\r\n")
        assert b" 400 " in exchange(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000)
        assert b" 413 " in exchange(port, start + b"Content-Length: 999999999999\r\n\r\n")
        assert b" 400 " in exchange(port, start + b"Content-Length: -1\r\n\r\n")
        assert b" 400 " in exchange(port, start + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        assert b" 413 " in exchange(port, start + b"Transfer-Encoding: chunked\r\n\r\n", chunk, 3000)
        assert exchange(port, start + b"Content-Length: 50\r\n\r\n{", shut=True) == b""
        assert fleet.is_ready("position-tracker")
        wait_until(lambda: '"status": 499' in fleet.last_lines("position-tracker"))
        assert resident_kilobytes(process) - before < 20_000
        assert "Traceback" not in fleet.last_lines("position-tracker")


def exchange(port: int, opening: bytes, again: bytes = b"", times: int = 0, *, shut: bool = False) -> bytes:
    """Send bytes, some of them many times, until the other side answers or hangs up; what it answered."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(opening)
            for _ in range(times):
                connection.sendall(again)
            if shut:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while piece := connection.recv(65536):
                answer += piece
                if not shut and b"\r\n\r\n" in answer:
                    break
        except ConnectionResetError:
            pass
    return answer


def resident_kilobytes(process: int) -> int:
    """A process' memory."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def test_a_thousand_vehicles_pass_through() -> None:
    """A fleet of a thousand reaches the gateway's stream whole: names and positions match."""
    environment = {"position-simulator": {"VEHICLES": "1000", "UPDATES_PER_SECOND": "20"}}
    with Fleet(from_source(environment=environment)) as fleet:
        fleet.start_all()
        gateway = fleet.url("api-gateway")
        with urllib.request.urlopen(gateway + "api/stream") as stream:
            frame = next(json.loads(line[6:]) for line in stream if line.startswith(b'data: {"fleet"'))
        with urllib.request.urlopen(gateway + "api/vehicles") as answer:
            names = json.load(answer)
    assert (names["fleet"], len(names["vehicles"]), len(frame["positions"])) == (frame["fleet"], 1000, 2000)


def run_py(*arguments: str, port: int) -> subprocess.Popen[str]:
    """`run.py`, started as a person would."""
    environment = {key: value for key, value in base_environment().items() if key != "PYTHONPATH"}
    command = [sys.executable, str(ROOT / "run.py"), "--port", str(port), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_until_open(process: subprocess.Popen[str]) -> str:
    """The output up to the line with the address."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("open "):
            break
    return "".join(lines)


def children(process: int) -> list[int]:
    """The processes that a process started."""
    return [int(text) for text in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_starts_everything_and_leaves_nothing(number: signal.Signals) -> None:
    """One command prints one address that works; asked to stop, it ends with 0 and no process is left."""
    port = free_ports(1)[0]
    with run_py("--vehicles", "5", "--staff", "v1", port=port) as process:
        output = read_until_open(process)
        started = children(process.pid)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
            assert b"<title>Fleet" in page.read()
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert f"open http://127.0.0.1:{port}/ " in output
    assert len(started) == 6
    assert [child for child in started if Path(f"/proc/{child}").exists()] == []


def test_run_says_which_service_died() -> None:
    """When a service dies, the rest are stopped, its name and code are said, and the exit code is 1."""
    with run_py(port=free_ports(1)[0]) as process:
        read_until_open(process)
        started = children(process.pid)
        os.kill(started[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert errors.startswith("position-tracker ended with exit code -9")
    assert [child for child in started if Path(f"/proc/{child}").exists()] == []


def test_run_refuses_a_taken_port() -> None:
    """A page port in use is an error that names it, not a hang."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with run_py(port=port) as process:
            _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in errors
