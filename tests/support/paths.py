"""Where the files are that tests read: the checkout and what is in it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts"
MANIFESTS = ROOT / "manifests"
CRD = MANIFESTS / "crd.yaml"
DOCS = ROOT / "docs"
