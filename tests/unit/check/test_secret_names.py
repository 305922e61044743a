"""Which variables are taken to hold a secret."""

from __future__ import annotations

import pytest

from mcci.check.secret_names import is_secret, is_secret_file

SECRET = """
CI_JOB_TOKEN CI_REGISTRY_PASSWORD DB_PASSWORD db_password GITHUB_PAT API_KEY STRIPE_APIKEY
AWS_SECRET_ACCESS_KEY SSH_PRIVATE_KEY NPM_TOKEN TOKEN SECRET CLIENT_SECRET SONAR_TOKEN_2
DOCKER_AUTH_CONFIG AZURE_CREDENTIALS KUBE_TOKEN_B64 MYSQL_ROOT_PASSWORD VAULT_JWT TOKEN_PROD
"""
PLAIN = """
CI_COMMIT_SHA PWD OLDPWD CACHE_KEY SECRET_NAME TOKEN_URL VAULT_SECRET_PATH PASSENGER KEY
AWS_ACCESS_KEY_ID TOKEN_FILE PASSWORD_LENGTH SECRETS_ENABLED TOKENIZER COMPASS PATH
SECRET_DETECTION_DISABLED PATTERN BYPASS TOKEN_EXPIRES DEPLOY_USER CI_REGISTRY_USER PASSED
SSH_KEY_PATH SECRET_KEYS
"""


@pytest.mark.parametrize(
    "name",
    SECRET.split(),
)
def test_secret(name: str) -> None:
    """A password, token, key or credential is known by its name."""
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    PLAIN.split(),
)
def test_no_secret(name: str) -> None:
    """What only stands beside a secret, or sounds like one, is none."""
    assert not is_secret(name)


def test_marked_names_are_secrets() -> None:
    """A name the project marks is a secret, whatever it sounds like."""
    assert is_secret("PLAIN", frozenset({"PLAIN"}))


@pytest.mark.parametrize(
    "name", ["KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "DEPLOY_TOKEN_FILE", "SSH_PRIVATE_KEY"]
)
def test_secret_files(name: str) -> None:
    """A variable that names a file with a secret in it is known too: `cat` of it prints the secret."""
    assert is_secret_file(name)


@pytest.mark.parametrize("name", ["LOG_FILE", "CONFIG_PATH", "CI_PROJECT_DIR"])
def test_other_files(name: str) -> None:
    """Other files are not."""
    assert not is_secret_file(name)
