"""Which variables hold a secret, judged by their names: a job's text is all that is known offline."""

from __future__ import annotations

import re

_WORDS = r"PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|SECRET|SECRETS|TOKEN|APIKEY|CREDENTIALS?|PAT|JWT"
_KEYS = r"(?:API|PRIVATE|ACCESS|SECRET|SIGNING|ENCRYPTION|DEPLOY|MASTER|SSH|GPG|PGP)_KEY"
_SECRET = re.compile(rf"(?:^|_)(?:{_WORDS}|{_KEYS}|DOCKER_AUTH_CONFIG)(?:_(?:B64|BASE64|[0-9]+|[A-Z]+))?$")
# What a secret's companion is called: where it lies, what it is named, how long it lasts.
_COMPANION = re.compile(
    r"_(?:FILE|PATH|DIR|NAME|ID|URL|URI|HOST|ENDPOINT|USER|USERNAME|TYPE|TTL|EXPIRY|EXPIRATION|EXPIRES|LENGTH|LEN|COUNT"
    r"|VERSION|STORE|ENGINE|MOUNT|NAMESPACE|KEYS?|HEADER|AUD|AUDIENCE|ISSUER|SCOPE|SCOPES|LIST|STATUS|RESULT|RESULTS"
    r"|ENABLED|REQUIRED|DISABLED|CHECK|SCANNER|DETECTION|PREFIX|SUFFIX|ARN|REGION|PROVIDER)$"
)
_OWN_NAMES = frozenset({"PWD", "OLDPWD"})
_FILE_NAMES = frozenset({"KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS"})


def is_secret(name: str, marked: frozenset[str] = frozenset()) -> bool:
    """Say whether a variable's value is a secret: its name says so, or it is one of `marked`."""
    if name in marked:
        return True
    upper = name.upper()
    if upper in _OWN_NAMES or _SECRET.search(upper) is None:
        return False
    return bool(re.search(rf"(?:^|_)(?:{_KEYS})$", upper)) or _COMPANION.search(upper) is None


def is_secret_file(name: str, marked: frozenset[str] = frozenset()) -> bool:
    """Say whether a variable names a file that holds a secret (GitLab's variables of type file)."""
    upper = name.upper()
    bare = re.sub(r"_(?:FILE|PATH)$", "", upper)
    return upper in _FILE_NAMES or (bare != upper and is_secret(bare)) or is_secret(name, marked)
