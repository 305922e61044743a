"""What `ansible-playbook` prints, read: which task changed which site, and why one failed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

_TASK = re.compile(r"^TASK \[(.*)\] \**$")
_PLAY = re.compile(r"^PLAY \[(.*)\] \**$")
_RESULT = re.compile(r"^(ok|changed|fatal|failed): \[([^\] ]+)[^\]]*\](.*)$")
_RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) ")
_WRONG_KEY = (
    "the host key is not the one in known_hosts. If the instance was made anew, take its old key out: "
    "ssh-keygen -R ADDRESS -f ansible/known_hosts. If not, somebody may be in between."
)
_SILENT = "it does not answer: is the instance up, and this machine within 'admins'?"
_ADVICE = {
    "Host key verification failed": _WRONG_KEY,
    "REMOTE HOST IDENTIFICATION HAS CHANGED": _WRONG_KEY,
    "Permission denied (": "the login was refused: is the key in the ssh agent, and 'user' right?",
    "timed out": _SILENT,
    "No route to host": _SILENT,
    "Connection refused": "nothing listens there: is the instance up, with ssh?",
}
LONG = 800  # characters of a reason


@dataclass(slots=True)
class Progress:
    """Follows a run line by line; `line` returns what is worth saying, or ""."""

    task: str = ""
    changed: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    _said: set[tuple[str, str]] = field(default_factory=set)

    def line(self, text: str) -> str:
        """Take in a line of the output."""
        if match := _PLAY.match(text):
            return match[1]
        if match := _TASK.match(text):
            self.task = match[1]
        elif match := _RESULT.match(text):
            return self._result(match[1], match[2], match[3])
        elif match := _RECAP.match(text):
            self.changed[match[1]] = int(match[2])
        return ""

    def _result(self, outcome: str, site: str, rest: str) -> str:
        if outcome in ("fatal", "failed"):
            self.failures[site] = f"{self.task}: {reason(rest)}" if self.task else reason(rest)
            return f"  {site}: {self.task}: failed"
        if outcome == "changed" and (self.task, site) not in self._said:
            self._said.add((self.task, site))
            return f"  {site}: {self.task}"
        return ""


def reason(text: str) -> str:
    """Return why a task failed, from what follows the site in its line, with what to do where that is known."""
    _, arrow, body = text.partition("=> ")
    try:
        found = json.loads(body) if arrow else {}
    except ValueError:
        found = {"msg": body}
    said = str(found.get("msg", "")) if isinstance(found, dict) else str(found)
    more = str(found.get("stderr") or found.get("stdout") or "") if isinstance(found, dict) else ""
    if more and more not in said:
        said = f"{said}: {more}" if said != "non-zero return code" else more
    for words, advice in _ADVICE.items() if "UNREACHABLE!" in text else ():
        if words in said:
            return advice
    return " ".join(said.split())[-LONG:] or "it does not say why"
