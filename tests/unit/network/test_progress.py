"""What `ansible-playbook` prints, read."""

from __future__ import annotations

import pytest

from mcci.network.progress import Progress, reason

OUTPUT = """\
PLAY [Certificates] ************************************************************

TASK [pki : Sign the request] **************************************************
changed: [azure -> aws(198.51.100.1)]
ok: [aws]

TASK [firewall : The rules] ****************************************************
changed: [aws] => (item=one)
changed: [aws] => (item=two)
fatal: [gcp]: FAILED! => {"changed": false, "msg": "non-zero return code", "stderr": "no such table"}

PLAY RECAP *********************************************************************
aws                        : ok=31   changed=16   unreachable=0    failed=0    skipped=4    rescued=0    ignored=0
gcp                        : ok=25   changed=0    unreachable=0    failed=1    skipped=4    rescued=0    ignored=0
"""


def test_a_run_is_followed() -> None:
    """Each site's changed task is said once, a failure with its reason, and the recap is counted."""
    progress = Progress()
    said = [text for line in OUTPUT.splitlines() if (text := progress.line(line))]
    assert said == [
        "Certificates", "  azure: pki : Sign the request", "  aws: firewall : The rules",
        "  gcp: firewall : The rules: failed",
    ]  # fmt: skip
    assert progress.changed == {"aws": 16, "gcp": 0}
    assert progress.failures == {"gcp": "firewall : The rules: no such table"}


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("Host key verification failed.", "somebody may be in between"),
        ("admin@192.0.2.1: Permission denied (publickey).", "login was refused"),
        ("ssh: connect to host 192.0.2.1 port 22: Connection timed out", "does not answer"),
        ("ssh: connect to host 192.0.2.1 port 22: Connection refused", "nothing listens"),
    ],
)
def test_ssh_troubles_have_advice(said: str, advice: str) -> None:
    """The usual reasons why a site cannot be reached say what to do."""
    assert advice in reason(f': UNREACHABLE! => {{"msg": "Failed to connect: {said}", "unreachable": true}}')


def test_what_is_no_json_is_said_as_it_is() -> None:
    """A failure in another form is not lost."""
    assert reason(": FAILED! => boom") == "boom"
