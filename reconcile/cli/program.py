"""The program: its commands, and the exit code and the message for each error."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from reconcile import __version__
from reconcile.cli.error_output import print_error
from reconcile.cli.exit_codes import FAILED, INTERRUPTED, NOTHING, USAGE
from reconcile.cli.signals import Stop, Stopped
from reconcile.model.errors import SteererError, UsageError

# The module of each command. Only the one that is asked for is loaded: a pass starts every minute.
COMMANDS = {
    "run": "run",
    "plan": "run",
    "apply": "apply",
    "status": "status",
    "abort": "actions",
    "pause": "actions",
    "resume": "actions",
    "promote": "actions",
    "approve": "actions",
    "retry": "actions",
    "revision": "actions",
    "lint": "lint",
    "check": "check",
    "metrics": "metrics",
    "backtest": "backtest",
    "report": "report",
    "simulate": "simulate",
}
LOADED = 100_000
"""More objects than a start makes: the garbage collector need not look through what stays anyway."""


class _Commands(click.Group):
    def list_commands(self, _: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        found: click.Command = getattr(import_module(f"reconcile.cli.{COMMANDS[name]}"), name)
        return found


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="steerer")
def steerer() -> None:
    """Release new versions step by step: one pass looks, decides, writes (or prints) and ends.

    Every option can be given as an environment variable too; the help of each names it.
    """


def main() -> NoReturn:
    """Runs the program: listens to signals, and exits with its code."""
    program = Path(sys.argv[0]).name
    name = "kubectl steerer" if program.startswith("kubectl-") else "steerer"
    gc.set_threshold(LOADED)
    atexit.register(gc.freeze)  # Python would look through all objects once more at the end
    stop = Stop()
    stop.listen()
    try:
        code = run(name, sys.argv[1:], stop)
    except Stopped as stopped:
        _exit_at_once(f"{name}: {stopped}{stop.summary}\n", stopped.code)
    sys.exit(code)


def run(name: str, arguments: list[str], stop: Stop) -> int:
    """Runs a command line, and returns the exit code. Each error of ours is a message on stderr, not a traceback."""
    try:
        code = steerer.main(arguments, prog_name=name, standalone_mode=False, obj=stop)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SteererError as error:
        print_error(f"{name}: {error}")
        return USAGE if isinstance(error, UsageError) else FAILED
    except click.Abort:
        print_error(f"{name}: interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has gone, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else NOTHING


def _exit_at_once(message: str, code: int) -> NoReturn:
    """Exits without waiting for the requests of other threads, as `sys.exit` would."""
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.write(message)
        sys.stderr.flush()
    os._exit(code)
