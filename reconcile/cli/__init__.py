"""The command line: options and environment in, a report and an exit code out.

Here adapters are built, the clock is read, logging is set up, signals are handled, and a plan is either written or
only printed. What a pass decides is not here, and neither is how a report looks. `program` is the program itself and
names the module of each command; `options` declares every option.
"""

from reconcile.cli.program import COMMANDS, main, steerer

__all__ = ["COMMANDS", "main", "steerer"]
