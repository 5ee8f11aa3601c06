"""The command line: the commands, and the program around them.

Duty: from options and environment to adapters, a pass, a report and an exit code. This package is the only place that
builds adapters, reads the clock, waits, sets up logging and picks apply or print. One module a command.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from reconcile import __version__
from reconcile.cli.exit_codes import FAILED, INTERRUPTED, NOTHING, USAGE, complain
from reconcile.cli.signals import Stop, Stopped
from reconcile.model.errors import SteererError, UsageError

# The module of each command, loaded when it is asked for: a pass starts every minute, and pays for nothing else.
COMMANDS = {
    "run": "run",
    "plan": "run",
    "apply": "apply",
    "status": "status",
    "lint": "lint",
    "check": "check",
    "simulate": "simulate",
}


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


def main() -> None:
    """Be the program: every error that is ours ends in words and an exit code, never in a traceback."""
    program = Path(sys.argv[0]).name
    name = "kubectl steerer" if program.startswith("kubectl-") else "steerer"
    end = partial(_end, name)
    stop = Stop()
    stop.listen()
    try:
        code = steerer.main(prog_name=name, standalone_mode=False, obj=stop)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        end("", error.exit_code)
    except UsageError as error:
        end(str(error), USAGE)
    except SteererError as error:
        end(str(error), FAILED)
    except click.Abort:
        end("interrupted", INTERRUPTED)
    except Stopped as stopped:
        _end_at_once(f"{name}: {stopped}{stop.stands}\n", stopped.code)
    except BrokenPipeError:  # the reader went away, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        end("", FAILED)
    else:
        sys.exit(code if isinstance(code, int) else NOTHING)


def _end_at_once(words: str, code: int) -> NoReturn:
    """End without waiting for the requests that other threads still have under way, as `sys.exit` would."""
    with suppress(OSError):
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.write(words)
        sys.stderr.flush()
    os._exit(code)


def _end(name: str, words: str, code: int) -> None:
    if words:
        complain(f"{name}: {words}")
    sys.exit(code)
