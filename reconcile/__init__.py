"""steerer: canary releases by a stateless, single-pass reconciler."""

__version__ = "0.1.0"
