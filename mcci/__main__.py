"""The process: the one place where an error becomes an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from mcci.cli import cli
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from types import FrameType


class Terminated(BaseException):
    """SIGTERM, raised so that `finally` blocks run before the process ends."""


def main() -> None:
    """Run mcci and exit with a code of `ExitCode`."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # so that a job's log has results and logs in their order
    code = run()
    _flush()
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run one command line (default: the process's) and return its exit code."""
    try:
        result = cli.main(arguments, prog_name="mcci", standalone_mode=False)
    except McciError as error:
        return _fail(str(error), error.exit_code)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", ExitCode.INTERRUPTED)
    except Terminated:
        return _fail("terminated", ExitCode.TERMINATED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:
        return _bug(error)
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _fail(message: str, code: ExitCode) -> ExitCode:
    from mcci import output

    for line in message.splitlines() or [""]:
        output.error(line)
    return code


def _bug(error: Exception) -> ExitCode:
    """Report a bug of mcci: one line for the user, the traceback in a file for the report."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="mcci-bug-", suffix=".txt", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    return _fail(f"this is a bug in mcci ({summary}); please report it with {file.name}", ExitCode.BUG)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
