"""Where the mesh's root of trust is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcci.clients import mesh_root
from mcci.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nQQ==\n-----END PRIVATE KEY-----\n"


def test_kept_and_found(tmp_path: Path) -> None:
    """What is kept is found again, readable by its owner alone."""
    folder = tmp_path / "root"
    mesh_root.keep(folder, CERTIFICATE, KEY)
    kept = mesh_root.find(folder, tmp_path / "repository", {})
    assert kept is not None
    assert (kept.certificate, kept.key) == (CERTIFICATE, KEY)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert KEY not in repr(kept)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A new folder holds nothing: a root will be made."""
    kept = mesh_root.find(tmp_path / "new", tmp_path / "repository", {})
    assert kept is not None
    assert (kept.certificate, kept.key) == ("", "")
    assert mesh_root.find(None, tmp_path, {}) is None


@pytest.mark.parametrize("inside", [".", "keys", "a/../keys"])
def test_never_in_the_repository(tmp_path: Path, inside: str) -> None:
    """A folder in the repository is refused, however it is written."""
    with pytest.raises(UsageError, match="in the repository"):
        mesh_root.find(tmp_path / inside, tmp_path, {})


def test_a_link_into_the_repository(tmp_path: Path) -> None:
    """A link that leads into the repository is refused too."""
    repository = tmp_path / "repository"
    repository.mkdir()
    (tmp_path / "link").symlink_to(repository)
    with pytest.raises(UsageError, match="in the repository"):
        mesh_root.find(tmp_path / "link", repository, {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read(tmp_path: Path, mode: int) -> None:
    """A key that a group or others may read is not used."""
    mesh_root.keep(tmp_path / "root", CERTIFICATE, KEY)
    (tmp_path / "root" / mesh_root.KEY).chmod(mode)
    with pytest.raises(UsageError, match="chmod 600"):
        mesh_root.find(tmp_path / "root", tmp_path / "repository", {})


def test_variables(tmp_path: Path) -> None:
    """The variables hold the texts, or name files with them; a key alone, and what is neither, are refused."""
    file = tmp_path / "key"
    file.write_text(KEY)
    names = mesh_root.CERTIFICATE_VARIABLE, mesh_root.KEY_VARIABLE
    kept = mesh_root.find(None, tmp_path, dict(zip(names, (CERTIFICATE, str(file)), strict=True)))
    assert kept is not None
    assert (kept.certificate, kept.key) == (CERTIFICATE.strip(), KEY)
    with pytest.raises(UsageError, match="is set, and"):
        mesh_root.find(None, tmp_path, {names[1]: KEY})
    with pytest.raises(UsageError, match="neither a PEM text") as raised:
        mesh_root.find(None, tmp_path, {names[0]: "secret-text"})
    assert "secret-text" not in str(raised.value)
