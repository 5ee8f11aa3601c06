"""Where the files are that tests read: the checkout and what is in it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts"
MANIFESTS = ROOT / "manifests"
CRD = MANIFESTS / "crd.yaml"
DOCS = ROOT / "docs"

OFFLINE = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support' / 'offline'}"
"""A PYTHONPATH with which the program may speak to this machine only."""
