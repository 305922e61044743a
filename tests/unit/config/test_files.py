"""Files that cannot be read or written are said so at their place; nothing is ever half-written."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcci.__main__ import run
from mcci.clients import files, repository
from mcci.config.load import load
from mcci.errors import ExitCode, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = "version: 1\napplication: shop\nservices:\n  web: {path: services/web}\n"


def refusal(path: Path) -> str:
    """Return what mcci says, on stderr, about a configuration file."""
    with pytest.raises(InvalidInput) as refused:
        repository.load_config(path)
    assert refused.value.exit_code == ExitCode.USAGE
    return str(refused.value)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Be a user whom file permissions hold back, for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_missing(tmp_path: Path) -> None:
    """A missing configuration is an error that names the command which writes one."""
    path = tmp_path / "mcci.yml"
    expected = f"{path}:1:1: there is no such file. 'mcci init' writes one for this repository. [file-missing]"
    assert refusal(path) == expected


def test_folder_in_place_of_the_file(tmp_path: Path) -> None:
    """A folder called mcci.yml is said to be one."""
    assert refusal(tmp_path) == f"{tmp_path}:1:1: this is a folder, not a file. [file-unreadable]"


def test_unreadable(open_folder: Path) -> None:
    """A file without read permission is said to be unreadable, and why."""
    path = open_folder / "mcci.yml"
    path.write_text(CONFIG)
    path.chmod(0)
    with ordinary_user():
        said = refusal(path)
    assert said == f"{path}:1:1: the file cannot be read: permission denied. [file-unreadable]"


def test_odd_names() -> None:
    """A name that no file can have is refused like a file that is not there."""
    assert refusal(Path("a\0b")).endswith("the file cannot be read: embedded null byte. [file-unreadable]")
    assert refusal(Path("x" * 5000)).endswith("the file cannot be read: file name too long. [file-unreadable]")


def test_endless(tmp_path: Path) -> None:
    """A device, which has no size and no end, is read no further than the limit."""
    assert (
        refusal(Path("/dev/zero"))
        == "/dev/zero:1:1: the file is larger than the 4 MiB that mcci reads. [file-too-large]"
    )


def test_unwritable_folder(open_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An output folder that may not be written to ends with exit code 2, and no file in it."""
    (open_folder / "mcci.yml").write_text(CONFIG)
    output = open_folder / "out"
    output.mkdir(mode=0o555)
    command = ["generate", "--all", "--config", str(open_folder / "mcci.yml"), "--output", str(output)]
    assert run([*command[:-1], str(open_folder / "warm-up")]) == ExitCode.DONE  # so that all is imported
    capsys.readouterr()
    with ordinary_user():
        assert run(command) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"error: {output}/")
    assert said.endswith(":1:1: the file cannot be written: permission denied. [file-unwritable]\n")
    assert list(output.iterdir()) == []


def test_file_in_place_of_the_output_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An output folder that is a file is refused."""
    (tmp_path / "mcci.yml").write_text(CONFIG)
    (tmp_path / "out").write_text("")
    output = str(tmp_path / "out")
    assert run(["generate", "--all", "--config", str(tmp_path / "mcci.yml"), "--output", output]) == ExitCode.USAGE
    assert "the file cannot be written: not a directory. [file-unwritable]" in capsys.readouterr().err


def test_all_are_replaced(tmp_path: Path) -> None:
    """All files get their texts, folders are made, modes are kept; those that had their text are not touched."""
    (tmp_path / "old").write_text("old")
    (tmp_path / "old").chmod(0o755)
    (tmp_path / "same").write_text("same")
    before = (tmp_path / "same").stat().st_mtime_ns
    wanted = {tmp_path / "old": "new ä\r\n", tmp_path / "a" / "b" / "new": "new", tmp_path / "same": "same"}
    assert files.replace_all(wanted) == (tmp_path / "old", tmp_path / "a" / "b" / "new")
    assert {path: path.read_bytes().decode() for path in wanted} == wanted
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o755
    assert (tmp_path / "same").stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "old", "same"]


def test_new_files_have_the_usual_mode(tmp_path: Path) -> None:
    """A new file is as readable as any that the user makes."""
    files.replace_all({tmp_path / "new": ""})
    (tmp_path / "usual").touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("last", ["folder", "file/below"])
def test_none_are_replaced(tmp_path: Path, last: str) -> None:
    """When one file cannot be written, the others keep their texts, and nothing is left behind."""
    (tmp_path / "old").write_text("old")
    (tmp_path / "file").write_text("file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidInput) as refused:
        files.replace_all({tmp_path / "old": "new", tmp_path / "made" / "new": "new", tmp_path / last: "new"})
    assert str(refused.value).startswith(f"{tmp_path / last}:1:1: the file cannot be written: ")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "old"]
    assert ((tmp_path / "old").read_text(), (tmp_path / "file").read_text()) == ("old", "file")


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_the_last_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool) -> None:
    """When the operating system refuses in the middle of the replacing, what was replaced is brought back."""
    (tmp_path / "first").write_text("first")
    (tmp_path / "second").write_text("second")
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if target == tmp_path / "second" and source.read_text() == "new":
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    def no_links(*_arguments: object, **_options: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "replace", refuse)
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(InvalidInput):
        files.replace_all({tmp_path / name: "new" for name in ("first", "made", "second")})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"first": "first", "second": "second"}


def test_symbolic_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """A generated file that is a link to somewhere else does not lead mcci to write there."""
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    files.replace_all({tmp_path / "link": "new"})
    assert (tmp_path / "elsewhere").read_text() == "precious"
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "link").read_text()) == (False, "new")


def test_service_behind_a_symbolic_link(tmp_path: Path) -> None:
    """A service whose folder is a link out of the repository is refused at its place in mcci.yml."""
    top = tmp_path / "repository"
    (top / "services").mkdir(parents=True)
    (tmp_path / "elsewhere" / "web").mkdir(parents=True)
    path = top / "mcci.yml"
    path.write_text(CONFIG)
    (top / "services" / "web").symlink_to(tmp_path / "elsewhere" / "web")
    expected = (
        f"{path}:4:9: 'services/web' leads out of the repository: a part of it is a symbolic link. "
        "Put the files themselves there. [config-outside]"
    )
    assert refusal(path) == expected


def test_symbolic_links_within_the_repository(tmp_path: Path) -> None:
    """Links that stay in the repository, to it and beside it are fine; so are paths that are not there yet."""
    top = tmp_path / "repository"
    (top / "shared" / "web").mkdir(parents=True)
    (top / "services").symlink_to("shared")
    (tmp_path / "way-in").symlink_to(top)
    config = load(CONFIG.encode())
    assert repository.check_paths(config, tmp_path / "way-in") == []
    assert repository.check_paths(config, tmp_path) == []


def test_link_to_itself(tmp_path: Path) -> None:
    """A link that leads nowhere but to itself is refused, not followed for ever."""
    (tmp_path / "services").symlink_to("services")
    rules = {finding.rule for finding in repository.check_paths(load(CONFIG.encode()), tmp_path)}
    assert rules == {"config-outside"}
