"""Profiles: what is read, what overrides what, and how wrong values are refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from servicekit import ProfileError, ServiceSettings, load_settings, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """Settings with one key of each kind."""

    target_url: str = setting("http://127.0.0.1:1", "where to call", url=True)
    share: float = setting(0.5, "a share", minimum=0, maximum=1)
    verbose: bool = setting(False, "say more")


def load(path: Path, text: str | bytes, **environment: str) -> Settings:
    """Settings from a profile with this text, and these environment variables."""
    profile = path / "profile.yml"
    profile.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_settings(Settings, "servicekit", {"PROFILE": str(profile), **environment})


def test_environment_overrides_profile_overrides_default(tmp_path: Path) -> None:
    """The environment wins over the profile, and the profile over the default."""
    loaded = load(tmp_path, "port: 9000\ncloud: aws\nshare: 1\n", CLOUD="azure", VERBOSE="yes")
    assert (loaded.port, loaded.cloud, loaded.share, loaded.verbose) == (9000, "azure", 1.0, True)
    assert loaded.bind == "127.0.0.1"


def test_empty_profile_is_all_defaults(tmp_path: Path) -> None:
    """A profile may be empty, and may begin with a byte-order mark."""
    assert load(tmp_path, b"\xef\xbb\xbf# nothing\n") == Settings()


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "unknown key": ("prot: 1", r"profile.yml:1: unknown key 'prot'; did you mean 'port'\?"),
    "wrong type": ("cloud: aws\nport: many", r"profile.yml:2: port must be a whole number, not 'many'"),
    "boolean for number": ("port: true", "port must be a whole number, not True"),
    "too large": ("port: 70000", "port must be at most 65535, not 70000"),
    "too small": ("share: -0.1", "share must be at least 0, not -0.1"),
    "not finite": ("share: .nan", "share must be a number, not nan"),
    "not a choice": ("log_level: loud", "log_level must be one of debug, info, warning, error, not 'loud'"),
    "not a URL": ("target_url: ftp://x", r"target_url must be an http\(s\) URL"),
    "password in URL": ("target_url: http://me:secret@x/", "without user"),
    "bad name": ("cloud: 'a b'", "cloud must match"),
    "twice": ("port: 1\nport: 2", "profile.yml:2: key 'port' stands twice"),
    "nested": ("port: [1]", "profile.yml:1: a profile is flat"),
    "a list": ("- 1", "profile.yml:1: a profile is a mapping"),
    "not YAML": ("a: 1\n\tb: 2", "profile.yml:2: not YAML"),
    "two documents": ("port: 1\n---\nport: 2", "not YAML"),
    "merge key": ("<<: {port: 1}", "a profile is flat"),
    "impossible date": ("port: 2026-99-99", "port must be a whole number, not .2026-99-99."),
    "not UTF-8": (b"\xff\xfe", r"not UTF-8 text \(byte 0\)"),
    "too long": (b"#" * (1 << 20) + b"#", "larger than 1048576 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused(case: str, tmp_path: Path) -> None:
    """A wrong profile is refused with file, line, key and reason."""
    text, message = REFUSED[case]
    with pytest.raises(ProfileError, match=message):
        load(tmp_path, text)


def test_wrong_environment_variable_is_named(tmp_path: Path) -> None:
    """A wrong override is refused by the variable's name."""
    with pytest.raises(ProfileError, match="environment variable PORT must be a whole number, not 'x'"):
        load(tmp_path, "", PORT="x")


def test_missing_file_is_named() -> None:
    """A profile given by path that cannot be read is refused with the reason."""
    with pytest.raises(ProfileError, match=r"cannot read '/nowhere/x.yml': No such file"):
        load_settings(Settings, "servicekit", {"PROFILE": "/nowhere/x.yml"})
