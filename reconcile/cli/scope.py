"""The Rollouts in scope: namespaces, names, labels and the shard of this process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.engine.label_selector import matches
from reconcile.engine.selection import Selection
from reconcile.engine.shards import UNSHARDED, Shard
from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from reconcile.cli.options import ScopeOptions, ShardOptions

# Kubernetes numbers the pods of any Indexed Job by it: alone it says nothing about shards.
COMPLETION_INDEX = "JOB_COMPLETION_INDEX"


def selection_for(
    options: ScopeOptions, default_namespace: str | None, sharding: ShardOptions | None = None
) -> Selection:
    """Returns what is in scope. Raises UsageError for an invalid label selector or shard, and for -n beside -A."""
    matches(options.selector, {})  # an invalid selector is reported before anything is read
    if options.all_namespaces and options.namespace:
        raise UsageError("-n and -A exclude each other")
    namespaces = namespaces_for(options, default_namespace)
    shard = UNSHARDED if sharding is None else _shard(sharding.shards, sharding.shard)
    return Selection(
        namespaces=namespaces,
        names=options.names,
        labels=options.selector,
        # Few namespaces that are named may have very many Rollouts each.
        shard=replace(shard, of_namespaces=not namespaces),
    )


def _shard(count: int | None, index: int | None) -> Shard:
    """Returns the shard of this process. Raises UsageError where none is named, or one out of range."""
    if count is None and index is not None:
        raise UsageError("--shard needs --shards: it says how many there are")
    if count is None or (count == 1 and index is None):
        return UNSHARDED
    name, text = (COMPLETION_INDEX, os.environ.get(COMPLETION_INDEX, "")) if index is None else ("--shard", str(index))
    if not text:
        raise UsageError(f"--shards needs --shard, which of the {count} this is; in an Indexed Job {name} says it")
    if not text.isdecimal() or int(text) >= count:
        raise UsageError(f"{name} is {text}: with {count} shards it must be a number from 0 to {count - 1}")
    return Shard(index=int(text), count=count)


def namespaces_for(options: ScopeOptions, default: str | None) -> tuple[str, ...]:
    """Returns the namespaces in scope; none = all."""
    if options.all_namespaces:
        return ()
    return options.namespace or ((default,) if default else ())
