"""Services are built at once, within a bound, each after those it needs."""

from __future__ import annotations

import threading

import pytest

from mcci.delivery.builds.concurrently import Concurrently, NotBegun
from mcci.errors import McciError


class Failed(McciError):
    """Work that failed."""


def test_the_bound_is_kept_and_used() -> None:
    """So many are at work together as the bound says, and never more."""
    together = threading.Barrier(2)
    lock, now, most = threading.Lock(), 0, 0

    def work(name: str) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(10)  # breaks unless two are here
        with lock:
            now -= 1
        return name.upper()

    found = Concurrently(work, 2, lambda: None).run(dict.fromkeys("abcd", ()))
    assert found == {"a": "A", "b": "B", "c": "C", "d": "D"}
    assert most == 2


def test_needs_come_first() -> None:
    """A service begins only when those it depends on are done; one that is not in this call does not hold it up."""
    done: list[str] = []
    Concurrently(done.append, 4, lambda: None).run({"c": ("b", "elsewhere"), "b": ("a",), "a": ()})
    assert done == ["a", "b", "c"]


def test_what_needs_a_failed_one_is_not_begun() -> None:
    """After a failure what depends on it is told apart from it, and everything else goes on."""

    def work(name: str) -> str:
        if name == "a":
            raise Failed("no")
        return name

    found = Concurrently(work, 1, lambda: None).run({"a": (), "b": ("a",), "c": ("b",), "d": ()})
    assert isinstance(found["a"], Failed)
    assert isinstance(found["b"], NotBegun)
    assert "b was not begun: it depends on a" in str(found["b"])
    assert isinstance(found["c"], NotBegun)
    assert found["d"] == "d"


def test_a_bug_ends_everything() -> None:
    """An error that nobody foresaw stops the other work and is raised as it is."""
    stopped = threading.Event()

    def work(name: str) -> None:
        if name == "a":
            raise ZeroDivisionError
        stopped.wait(10)

    with pytest.raises(ZeroDivisionError):
        Concurrently(work, 2, stopped.set).run({"a": (), "b": ()})
    assert stopped.is_set()
