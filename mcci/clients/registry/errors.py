"""What can go wrong with a registry, each with what to do about it and the exit code it ends with."""

from __future__ import annotations

from mcci.errors import McciError, ServiceFailed, UsageError


class RegistryFailed(ServiceFailed):
    """The registry, or the way to it, failed after the retries."""


class NotThere(McciError):
    """The registry has no such image, manifest or blob."""


class Denied(UsageError):
    """The registry wants credentials: there are none, or they are not enough."""


class Refused(McciError):
    """The registry said no, and would again."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Mismatch(McciError):
    """What came is not what its digest says: it was altered on the way, or in the registry."""


class Stopped(McciError):
    """The copy was told to stop: another part of it failed, or the process is ending."""
