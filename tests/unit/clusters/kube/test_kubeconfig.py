"""Kubeconfig files as kubectl reads them, and their faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.clusters.kube.find_access import find_access
from reconcile.clusters.kube.login import authorization
from reconcile.model.errors import UsageError
from tests.unit.clusters.kube.kubeconfigs import SECRET, write_kubeconfig

if TYPE_CHECKING:
    from pathlib import Path


CONTEXT_AND_USER = "contexts: [{name: a, context: {cluster: c, user: u}}]"


def test_of_two_files_with_the_same_names_the_first_counts(tmp_path: Path) -> None:
    first, second = write_kubeconfig(tmp_path / "a"), write_kubeconfig(tmp_path / "b", user={"token": SECRET})
    second.write_text(second.read_text().replace("one.example", "other.example"))

    access = find_access(None, None, {"KUBECONFIG": f"{first}:{second}"})

    assert access.server == "https://one.example"
    assert access.user == {}


def test_a_context_without_a_namespace_is_of_the_default_one(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config")
    path.write_text(path.read_text().replace("    namespace: ns-one\n", ""))

    assert find_access(str(path), None, {}).namespace == "default"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"users: [{{name: a, user: {{token: {SECRET}}}", "not YAML"),
        ("[" * 1000, "not YAML"),
        ("- a", "no mapping"),
        ("", "no mapping"),
        ("{contexts: 1}", "contexts is not a list"),
        ("{contexts: [{context: {}}]}", "contexts is not a list"),
        ("{contexts: [a]}", "contexts is not a list"),
        ("{contexts: []}", "no current-context; give --context .the file has none"),
        ("{contexts: [{name: a, context: {}}, {name: b}]}", "no current-context; give --context .the file has: a, b"),
        ("{current-context: x, contexts: [{name: a}]}", "no context 'x' .the file has: a"),
        ("{current-context: a, contexts: [{name: a, context: {cluster: c}}]}", "cluster 'c' that is not there"),
        (
            f"{{current-context: a, {CONTEXT_AND_USER}, clusters: [{{name: c, cluster: {{server: 'https://c'}}}}]}}",
            "user 'u' that is not there",
        ),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: c}}], clusters: [{name: c, cluster: {}}]}",
            "no http or https URL",
        ),
    ],
)
def test_a_broken_kubeconfig_is_said_in_words_that_quote_nothing_of_it(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(UsageError, match=words) as caught:
        find_access(str(path), None, {})

    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"client-key": "key.pem"}, "needs both"),
        ({"auth-provider": {"name": "gcp"}}, "use a credential plug-in"),
        ({"auth-provider": "gcp"}, "use a credential plug-in"),
        ({"as": "me", "as-groups": ["a", "b"]}, "several groups"),
        ({"as": "me", "as-user-extra": {"a": ["b"]}}, "several groups or extras"),
    ],
)
def test_a_user_that_would_silently_be_nobody_or_somebody_else_is_refused(
    tmp_path: Path, user: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        find_access(str(write_kubeconfig(tmp_path / "config", user=user)), None, {})


def test_an_old_auth_provider_still_has_its_token(tmp_path: Path) -> None:
    provider = {"name": "oidc", "config": {"id-token": SECRET}}

    access = find_access(str(write_kubeconfig(tmp_path / "config", user={"auth-provider": provider})), None, {})

    assert authorization(access.user) == f"Bearer {SECRET}"
    assert SECRET not in repr(access)
