"""A plugin of mypy: the changes of `msgspec.structs.replace` have the types of the fields, as with a dataclass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.plugin import Plugin
from mypy.plugins.dataclasses import replace_function_sig_callback

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy.plugin import FunctionSigContext
    from mypy.types import FunctionLike


class _Structs(Plugin):
    def get_function_signature_hook(self, fullname: str) -> Callable[[FunctionSigContext], FunctionLike] | None:
        return replace_function_sig_callback if fullname == "msgspec.structs.replace" else None


def plugin(version: str) -> type[Plugin]:  # noqa: ARG001 - as mypy calls it
    """Returns the plugin."""
    return _Structs
