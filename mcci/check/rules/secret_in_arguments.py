"""A secret among a command's arguments: other processes of the machine can read it, and tools repeat it in errors."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.scripts import scripts
from mcci.check.secret_names import is_secret
from mcci.check.shell import Command, Word, commands
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="secret-in-arguments",
    summary="A command gets a secret as an argument, where other processes can read it.",
    severity=Severity.WARNING,
    source="https://docs.docker.com/reference/cli/docker/login/#password-stdin",
)
_OPTION = re.compile(r"^--?(?:[\w-]*-)?(?:password|passwd|pass|passphrase|token|secret|api-?key)(?:=|$)", re.IGNORECASE)
_CANDIDATE = re.compile(r"\$\{?\w*(?:PAS|PWD|SECRET|TOKEN|KEY|CRED|PAT|JWT|AUTH)", re.IGNORECASE)
_CREDENTIAL = re.compile(r"(?:token|authorization|api-?key|secret)\s*:", re.IGNORECASE)
_SHORT_PASSWORD = frozenset(
    {"az", "buildah", "crane", "docker", "helm", "mysql", "mysqldump", "oc", "oras", "podman", "skopeo", "sshpass"}
)
_ADVICE = {
    "curl": "Give curl its headers by file: --header @FILE, or --config -.",
    "sshpass": "Use sshpass -e, or a key.",
}
_STDIN = frozenset({"buildah", "crane", "docker", "helm", "oras", "podman", "skopeo"})
_BUILT_IN = frozenset({"echo", "printf", "export", "test", "[", "[[", "read", "local", "declare", "eval"})


def check(subject: Subject) -> Iterator[Finding]:
    """Look for passwords, tokens and headers given as arguments."""
    for file in subject.files:
        for script in scripts(file):
            if not (
                "curl" in script.text
                or _CANDIDATE.search(script.text)
                or any(name in script.text for name in subject.context.secrets)
            ):
                continue
            for command in commands(script.text):
                name = _exposed(command, subject.context.secrets)
                if name:
                    message = f"'{command.name}' gets the secret in ${name} as an argument"
                    advice = _ADVICE.get(command.name, "Pass it by standard input, a file or the environment.")
                    if command.name in _STDIN:
                        advice = f'Use: printf %s "${name}" | {command.name} … --password-stdin'
                    yield RULE.finding(script.position(command.row), message, advice)


def _exposed(command: Command, marked: frozenset[str]) -> str:
    if command.name in _BUILT_IN:
        return ""
    previous = ""
    for word in command.words:
        secrets = [name for name in word.variables if is_secret(name, marked)]
        if command.name == "curl" and previous in ("-H", "--header") and _CREDENTIAL.search(word.text):
            secrets = list(word.variables)
        if secrets and (_takes_secret(command.name, previous) or _carries_secret(command.name, word)):
            return secrets[0]
        previous = word.text
    return ""


def _takes_secret(command: str, option: str) -> bool:
    """Say whether the word after `option` is a secret's place."""
    if command == "curl" and option in ("-H", "--header", "-u", "--user"):
        return True
    return (command in _SHORT_PASSWORD and option == "-p") or (_OPTION.match(option) is not None and "=" not in option)


def _carries_secret(command: str, word: Word) -> bool:
    """Say whether `word` is an option and its secret in one."""
    if command == "curl" and word.text.startswith(("--header=", "--user=")):
        return True
    short = command in _SHORT_PASSWORD and re.match(r"-p[\"']?\$", word.text) is not None
    return short or (_OPTION.match(word.text) is not None and "=" in word.text)
