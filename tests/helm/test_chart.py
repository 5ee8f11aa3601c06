"""The chart as Helm renders it: what its values become, which of them it refuses, and what is made from it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import click
import pytest

from reconcile import __version__
from reconcile.cli import steerer
from reconcile.model import durations, rights
from tests.components.tools import tool
from tests.helm.rendering import CHART, REMAKE, HelmError, helm, made, rendered
from tests.support import fast_yaml
from tests.support.paths import MANIFESTS

if TYPE_CHECKING:
    from pathlib import Path

DAY = 24 * 3600
PAGE = MANIFESTS.parent / "docs" / "install.md"
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


def one(items: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [item for item in items if item["kind"] == kind]
    return found


def cron_job(*args: str) -> dict[str, Any]:
    spec: dict[str, Any] = one(rendered(*args), "CronJob")["spec"]
    return spec


def job(*args: str) -> dict[str, Any]:
    spec: dict[str, Any] = cron_job(*args)["jobTemplate"]["spec"]
    return spec


def container(*args: str) -> dict[str, Any]:
    [found] = job(*args)["template"]["spec"]["containers"]
    result: dict[str, Any] = found
    return result


def options(*args: str) -> dict[str, Any]:
    """Give the options of the Job's command, parsed as steerer parses them."""
    name, *given = container(*args)["args"]
    return parsed(name, given)


def parsed(name: str, given: list[str]) -> dict[str, Any]:
    """Parse the arguments of a command as steerer does."""
    command = steerer.get_command(click.Context(steerer), name)
    assert command is not None, name
    return dict(command.make_context(name, given).params)


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    return found


def values() -> dict[str, Any]:
    found: dict[str, Any] = fast_yaml.load((CHART / "values.yaml").read_text())
    return found


# --- What is made from it ---


def test_what_is_made_from_the_chart_is_as_the_chart_is_now() -> None:
    for path, text in made().items():
        assert path.read_text(encoding="utf-8") == text, f"make it anew: {REMAKE}"


def test_kustomize_gives_the_objects_that_helm_installs() -> None:
    done = subprocess.run(
        [tool("kubectl"), "kustomize", str(MANIFESTS)], capture_output=True, text=True, timeout=60, check=True
    )
    built = [item for item in fast_yaml.load_all(done.stdout) if item]
    installed = rendered("--no-hooks")

    def by_name(items: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
        return {(item["kind"], item["metadata"]["name"]): item for item in items}

    assert by_name(built) == by_name(installed)
    assert "helm.sh/" not in done.stdout.replace("helm.sh/resource-policy: keep", "")


def test_both_helms_render_the_same_objects() -> None:
    assert rendered(program="helm4") == rendered(program="helm")


def test_the_chart_passes_the_strict_linter(program: str) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), program=program)


def test_the_chart_is_of_the_version_of_the_program() -> None:
    chart = fast_yaml.load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


# --- Values ---


def leaves(node: dict[str, Any], path: str = "") -> set[str]:
    """Give the paths of the members, down to where they are free."""
    found = set()
    for key, member in node.items():
        inside = member.get("properties", {}) if "properties" in member else None
        found |= leaves(inside, f"{path}{key}.") if inside and key != "resources" else {f"{path}{key}"}
    return found


def given(node: dict[str, Any], known: set[str], path: str = "") -> set[str]:
    found = set()
    for key, member in node.items():
        where = f"{path}{key}"
        found |= {where} if where in known or not isinstance(member, dict) else given(member, known, f"{where}.")
    return found


def test_each_value_has_a_default_and_a_rule() -> None:
    ruled = leaves(schema()["properties"])
    assert given(values(), ruled) == ruled - {"global"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("controlLoopInterval=45s", "/controlLoopInterval': value must be one of '10s', '12s'"),
        ("controlLoopInterval=7m", "'5m', '6m', '10m'"),
        ("controlLoopInterval=60", "/controlLoopInterval': value must be one of"),
        ("contrlLoopInterval=1m", "additional properties 'contrlLoopInterval' not allowed"),
        ("metricsServer=prometheus:9090", "/metricsServer': 'prometheus:9090' does not match"),
        ("metricsServer=http://user:password@prometheus", "/metricsServer'"),
        ("metricsServer=http://prometheus#x", "/metricsServer'"),
        ("namespaces=test", "/namespaces': got string, want array"),
        ("namespaces={test,Test}", "/namespaces/1': 'Test' does not match"),
        ("namespaces={test,test}", "/namespaces': items at 0 and 1 are equal"),
        ("image.version=1", "/image': additional properties 'version' not allowed"),
        ("image.tag=5", "/image/tag': got number, want string"),
        ("image.digest=abc", "/image/digest': 'abc' does not match pattern '^(sha256:"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'"),
        ("logLevel=loud", "/logLevel': value must be one of 'debug', 'info', 'warning', 'error'"),
        ("suspend=yes", "/suspend': got string, want boolean"),
        ("passTimeout=50", "/passTimeout': got number, want string"),
        (
            "passTimeout=51s",
            "passTimeout: 51s is too long: with a controlLoopInterval of 1m a pass may take 50s at most",
        ),
        ("shards=0", "/shards'"),
        ("shards=101", "/shards'"),
        ("shards=two", "/shards': got string, want integer"),
        ("actionRole.aggregateTo={view}", "/actionRole/aggregateTo/0': value must be one of 'admin', 'edit'"),
        ("history.failed=-1", "/history/failed'"),
        ("metricsAuth.secretName=prometheus", "secretName is given and none of tokenKey, caKey, headersKey"),
        ("metricsAuth.tokenKey=token", "tokenKey, caKey or headersKey is given and no secretName"),
        ("notify.key=", "/notify/key'"),
        ("podLabels.a=5", "/podLabels/a': got number, want string"),
        ("env[0].value=a", "/env/0': missing property 'name'"),
    ],
)
def test_a_wrong_value_is_refused_by_name(program: str, value: str, said: str) -> None:
    with pytest.raises(HelmError) as refused:
        rendered("--set", value, program=program)
    assert said in str(refused.value)


# --- The interval ---


@pytest.mark.parametrize(
    ("interval", "schedule"),
    [
        ("10s", "* * * * *"),
        ("60s", "* * * * *"),
        ("1m", "* * * * *"),
        ("5m", "*/5 * * * *"),
        ("30m", "*/30 * * * *"),
        ("60m", "0 * * * *"),
        ("1h", "0 * * * *"),
        ("6h", "0 */6 * * *"),
        ("24h", "0 0 * * *"),
    ],
)
def test_an_interval_becomes_a_schedule(interval: str, schedule: str) -> None:
    assert cron_job("--set", f"controlLoopInterval={interval}")["schedule"] == schedule


def seconds_between(schedule: str) -> int:
    """Give the distance between two ticks of a schedule like those of the chart, which is always the same."""
    minute, hour, *rest = schedule.split()
    assert rest == ["*", "*", "*"]

    def times(text: str, size: int) -> list[int]:
        step = int(text.removeprefix("*/")) if text.startswith("*/") else 1
        return list(range(0, size, step)) if text.startswith("*") else [int(text)]

    ticks = [3600 * h + 60 * m for h in times(hour, 24) for m in times(minute, 60)]
    distances = {later - earlier for earlier, later in zip(ticks, [*ticks[1:], ticks[0] + DAY], strict=True)}
    [distance] = distances
    return distance


@pytest.mark.parametrize("interval", schema()["properties"]["controlLoopInterval"]["enum"])
def test_passes_are_an_interval_apart_and_a_job_is_over_before_the_next(interval: str) -> None:
    set_interval = ("--set", f"controlLoopInterval={interval}")
    spec, chosen = cron_job(*set_interval), options(*set_interval)
    seconds, period = durations.seconds(interval), seconds_between(spec["schedule"])
    assert seconds is not None

    assert (chosen["control_loop_interval"] or chosen["every"]) == seconds
    assert (chosen["every"] is None) == (seconds >= 60)
    assert period == max(seconds, 60)
    deadline = spec["jobTemplate"]["spec"]["activeDeadlineSeconds"]
    assert deadline < period
    assert 10 <= spec["startingDeadlineSeconds"] < period
    # The last pass has time to end, and the pod had some to start.
    last = 0 if chosen["every"] is None else max(range(0, int(chosen["duration"]) + 1, int(seconds)))
    assert chosen["every"] is None or last + seconds == period
    assert last + chosen["pass_timeout"] <= deadline


def test_a_time_for_a_pass_is_taken_as_given() -> None:
    assert options("--set", "passTimeout=30s")["pass_timeout"] == 30


# --- Shards ---


def test_one_pod_is_no_indexed_job() -> None:
    assert job("--set", "shards=1") == job()
    assert not {"completionMode", "completions", "parallelism", "backoffLimitPerIndex"} & job().keys()
    assert options()["shards"] is None


def test_shards_are_pods_of_one_job_that_stand_and_fall_by_themselves() -> None:
    spec, chosen = job("--set", "shards=4"), options("--set", "shards=4")
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 4, 4)
    assert spec["backoffLimitPerIndex"] == 0
    assert "backoffLimit" not in spec  # it would end the Job, with all its pods, when one fails
    assert chosen["shards"] == 4
    assert chosen["shard"] is None  # Kubernetes tells each pod
    assert spec["activeDeadlineSeconds"] == job()["activeDeadlineSeconds"]


def test_shards_are_refused_where_kubernetes_would_end_all_for_one(program: str) -> None:
    words = "shards: more than 1 needs Kubernetes 1.29 or later, this is v1.28.9"
    with pytest.raises(HelmError, match=words):
        rendered("--set", "shards=2", "--kube-version", "1.28.9", program=program)
    assert rendered("--set", "shards=1", "--kube-version", "1.28.9", program=program)
    assert rendered("--set", "shards=2", "--kube-version", "1.29.0", program=program)


# --- The Job ---


def test_the_cron_job_lets_no_pass_overtake_another_and_none_block_the_next() -> None:
    spec = cron_job()
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["timeZone"] == "Etc/UTC"
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert spec["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 3)


def test_istio_is_asked_for_no_sidecar_unless_somebody_wants_one() -> None:
    label = "sidecar.istio.io/inject"
    assert job()["template"]["metadata"]["labels"][label] == "false"
    wanted = job("--set-string", r"podLabels.sidecar\.istio\.io/inject=true")
    assert wanted["template"]["metadata"]["labels"][label] == "true"


def test_the_command_of_the_seed_is_what_its_values_say() -> None:
    chosen = options("--set", "metricsServer=http://prometheus.istio-system:9090", "--set", "controlLoopInterval=1m")
    assert chosen["metrics_server"] == "http://prometheus.istio-system:9090"
    assert (chosen["control_loop_interval"], chosen["all_namespaces"]) == (60, True)


def test_every_value_for_the_command_reaches_it() -> None:
    chosen = options(
        *("--set", "namespaces={shop,test}"),
        *("--set", "gitopsManagers={argocd-controller,our-tool}"),
        *("--set", "logFormat=json,logLevel=debug,commonCause=off,inlineQueries=false"),
        *("--set", "metricsAuth.secretName=prometheus,metricsAuth.tokenKey=token,metricsAuth.caKey=ca.crt"),
        *("--set", "metricTemplates.configMapName=metrics,notify.secretName=webhook"),
    )
    assert (chosen["namespace"], chosen["all_namespaces"]) == (("shop", "test"), False)
    assert chosen["gitops_managers"] == ("argocd-controller", "our-tool")
    assert (chosen["log_format"], chosen["log_level"], chosen["common_cause"]) == ("json", "debug", "off")
    assert chosen["no_inline_queries"] is True
    files = (chosen[name] for name in ("metrics_token_file", "metrics_ca_file", "templates", "notify_url_file"))
    assert list(map(str, files)) == [
        "/etc/steerer/metrics/token",
        "/etc/steerer/metrics/ca.crt",
        "/etc/steerer/templates",
        "/etc/steerer/notify/url",
    ]


def test_an_off_that_yaml_takes_for_false_is_an_off() -> None:
    assert options()["common_cause"] == "hold"
    assert options("--set-json", "commonCause=false")["common_cause"] == "off"


def test_without_a_metrics_server_none_is_named() -> None:
    assert options("--set", "metricsServer=")["metrics_server"] is None


def test_no_credential_is_in_the_chart_but_the_names_of_keys_in_a_secret() -> None:
    auth = "metricsAuth.secretName=prometheus,metricsAuth.tokenKey=bearer,metricsAuth.headersKey=headers"
    spec = job("--set", auth)["template"]["spec"]
    [volume] = spec["volumes"]
    [variable] = spec["containers"][0]["env"]
    assert volume["secret"]["items"] == [{"key": "bearer", "path": "token"}]
    assert variable == {
        "name": "STEERER_METRICS_HEADER",
        "valueFrom": {"secretKeyRef": {"name": "prometheus", "key": "headers"}},
    }


def test_the_address_of_notices_is_in_a_secret_that_may_be_missing() -> None:
    spec = job("--set", "notify.secretName=webhook,notify.key=address")["template"]["spec"]
    [volume], [mount] = spec["volumes"], spec["containers"][0]["volumeMounts"]
    assert volume["secret"]["items"] == [{"key": "address", "path": "url"}]
    assert (volume["secret"]["optional"], mount["mountPath"]) == (True, "/etc/steerer/notify")


def test_a_digest_decides_over_a_tag() -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    assert container()["image"] == f"steerer:{__version__}"
    assert container("--set", "image.repository=registry.example/team/steerer,image.tag=2.0")["image"] == (
        "registry.example/team/steerer:2.0"
    )
    assert container("--set", f"image.tag=x,image.digest={digest}")["image"] == f"steerer@{digest}"


def test_the_name_of_the_cron_job_leaves_room_for_those_of_its_jobs() -> None:
    names = {item["metadata"]["name"] for item in rendered(release="r" * 53) if item["kind"] == "CronJob"}
    assert max(map(len, names)) <= 51


# --- The page ---


def commands() -> list[list[str]]:
    """Give the command lines of Helm that the page and the README have for whoever installs, each as its words."""
    pages = [page.read_text(encoding="utf-8") for page in (PAGE, MANIFESTS.parent / "README.md")]
    lines = [line for page in pages for line in re.sub(r" \\\n +", " ", page).splitlines()]
    return [shlex.split(line) for line in lines if line.startswith(("helm upgrade ", "helm template "))]


def test_every_value_is_on_the_page_with_its_default() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("\n## Values\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", table, re.MULTILINE)
    ruled = leaves(schema()["properties"])
    assert [name for name, _ in rows] == [path for path in in_order(values()) if path in ruled]
    for name, default in rows:
        found: Any = values()
        for key in name.split("."):
            found = found[key]
        assert fast_yaml.load(default) == found, name


def in_order(node: dict[str, Any], path: str = "") -> list[str]:
    """Give every path of the values, those of groups too, as they stand in the file."""
    inner = [in_order(member, f"{path}{key}.") if isinstance(member, dict) else [] for key, member in node.items()]
    return [name for key, below in zip(node, inner, strict=True) for name in (f"{path}{key}", *below)]


def test_every_command_line_of_the_page_is_one_that_helm_takes() -> None:
    shown = commands()
    assert len(shown) > 6
    for words in shown:
        release = words.index("manifests/chart") - 1
        assert one(rendered(*words[release + 2 :], release=words[release]), "CronJob"), shlex.join(words)


def test_the_overlay_of_the_page_changes_what_it_says(tmp_path: Path) -> None:
    [overlay] = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "kustomization.yaml").write_text(overlay, encoding="utf-8")
    shutil.copytree(MANIFESTS, tmp_path / "steerer" / "manifests")
    built = subprocess.run([tool("kubectl"), "kustomize", str(tmp_path)], capture_output=True, timeout=60, check=True)
    spec = one([*fast_yaml.load_all(built.stdout)], "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [changed] = spec["containers"]
    assert changed["image"] == "registry.example.com/platform/steerer:0.1.0"
    assert changed["env"] == [{"name": "STEERER_LOG_LEVEL", "value": "debug"}]


# --- Rights ---


def test_the_rights_are_those_that_a_pass_uses() -> None:
    wide, narrow = rendered(), rendered("--set", "namespaces={shop,test}")

    assert one(wide, "ClusterRole")["rules"] == rights.rules(rights.PASS)
    roles = [item for item in narrow if item["kind"] == "Role"]
    assert [role["rules"] for role in roles] == [rights.rules(rights.PASS)] * 2
    assert [role["metadata"]["namespace"] for role in roles] == ["shop", "test"]
    kinds = {item["kind"] for item in narrow}
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds


def test_who_grants_the_rights_and_makes_the_account_can_be_somebody_else() -> None:
    items = rendered("--set", "rbac.create=false,serviceAccount.create=false,serviceAccount.name=theirs")
    assert {item["kind"] for item in items} == {"CustomResourceDefinition", "CronJob", "Pod"}
    assert one(items, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"] == "theirs"


def test_the_rights_of_the_actions_are_for_people_and_made_on_request() -> None:
    assert not any(item["metadata"]["name"].endswith("-actions") for item in rendered())
    items = rendered("--set", "actionRole.create=true,actionRole.aggregateTo={edit,admin},rbac.create=false")
    role = one(items, "ClusterRole")
    assert role["rules"] == rights.rules(rights.ACTION)
    assert role["metadata"]["name"] == "steerer-actions"
    assert {key: role["metadata"]["labels"].get(f"{AGGREGATE}{key}") for key in ("edit", "admin", "view")} == {
        "edit": "true",
        "admin": "true",
        "view": None,
    }
    assert not any(item["kind"] == "ClusterRoleBinding" for item in items)


# --- The test of a release ---


def test_the_test_of_a_release_runs_check_as_a_pass_would_run() -> None:
    pod, spec = one(rendered(), "Pod"), job()["template"]["spec"]
    [checking] = pod["spec"]["containers"]
    name, *arguments = checking["args"]

    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"] | {"containers": []} == spec | {"containers": []}
    assert checking | {"args": []} == container() | {"args": []}
    assert name == "check"
    assert set(arguments) <= set(container()["args"])


def test_check_knows_its_options() -> None:
    [checking] = one(rendered("--set", "metricTemplates.configMapName=metrics"), "Pod")["spec"]["containers"]
    name, *arguments = checking["args"]
    assert str(parsed(name, arguments)["templates"]) == "/etc/steerer/templates"
