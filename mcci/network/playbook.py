"""Runs a playbook of the rendered folder."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients import processes
from mcci.errors import ServiceFailed, UsageError
from mcci.network.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIMIT = 3600.0  # seconds


def play(
    folder: Path, name: str, variables: Mapping[str, object], say: Callable[[str], None], *options: str
) -> Progress:
    """Run playbook `name` of `folder`/ansible, saying what it does; return how it went.

    Raises `UsageError` where the folder or Ansible is missing, `ServiceFailed` when it took too long.
    """
    where = folder / "ansible"
    if not (where / name).is_file():
        raise UsageError(f"{where} has no {name}: run 'mcci network render --output {folder}' first.")
    progress, said_last = Progress(), deque[str](maxlen=12)

    def line(text: str) -> None:
        if text.strip():
            said_last.append(text)
        if said := progress.line(text):
            say(said)

    arguments = [_program(), name, *options]
    if variables:
        arguments += ["--extra-vars", json.dumps(variables)]
    try:
        code = processes.run(arguments, line, environment=_environment(), folder=where, timeout=LIMIT)
    except processes.OutOfTime as error:
        raise ServiceFailed(f"{name} took longer than {LIMIT / 60:.0f} minutes, and was ended.") from error
    if code and not progress.failures:
        raise ServiceFailed(f"ansible-playbook {name} failed ({code}):\n" + "\n".join(said_last))
    return progress


def _program() -> str:
    beside = Path(sys.executable).with_name("ansible-playbook")
    return str(beside) if beside.exists() else "ansible-playbook"


def _environment() -> dict[str, str]:
    fixed = {
        "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    # a locale other than UTF-8 is refused by Ansible
    return {**os.environ, "LC_ALL": "C.UTF-8"} | fixed
