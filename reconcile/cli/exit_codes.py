"""The exit codes: the contract with pipelines. `result_codes` says which one the records of a pass ask for."""

from __future__ import annotations

NOTHING, FAILED, USAGE = 0, 1, 2
CHANGED, WAITING, HALTED = 2, 3, 4
INTERRUPTED = 130
