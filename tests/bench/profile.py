"""Where the time of a pass goes, by module: the profile that shows why a bound is or is not met.

The profiler follows the main thread, and makes small functions look dearer than they are: what counts is the order.
"""

from __future__ import annotations

import pstats
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.apiserver.steering import Steerer

MOST = 12
_WAITS = ("_ssl", "acquire", "SimpleQueue", "poll", "select", "socket")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Seconds by module, the dearest first, of a pass over n Rollouts in a state."""

    n: int
    state: str
    seconds: dict[str, float]


def profile(steerer: Steerer, scratch: Path, n: int, state: str) -> Profile:
    """Make a pass under cProfile."""
    file = scratch / "profile"
    options = ["-A", "--control-loop-interval=0s", "--pass-timeout=10m"]
    command = [sys.executable, "-m", "cProfile", "-o", str(file), "-m", "reconcile", "run", *options]
    subprocess.run(command, cwd=ROOT, env=steerer.environment(), check=True, capture_output=True)
    stats: Any = pstats.Stats(str(file))
    spent: Counter[str] = Counter()
    for (path, _, function), (_, _, own, _, _) in stats.stats.items():
        spent[module(path, function)] += own
    return Profile(n=n, state=state, seconds={name: round(own, 3) for name, own in spent.most_common(MOST)})


def module(path: str, function: str) -> str:
    """Name whose time it is: a module of the program, a package, or waiting."""
    if any(word in function for word in _WAITS):
        return "waiting for the servers, TLS included"
    parts = PurePath(path).parts
    if "reconcile" in parts:
        return "/".join(parts[parts.index("reconcile") :]).removesuffix(".py").removesuffix("/__init__")
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    if path.startswith("<frozen importlib") or "marshal" in function:
        return "importing"
    if path == "~":
        return "built-in functions"
    name = parts[-2] if len(parts) > 1 and not parts[-2].startswith("python") else parts[-1]
    name = name.strip("<>").split()[-1]  # "<frozen os>"
    return f"{name.removesuffix('.py')} of the standard library"
