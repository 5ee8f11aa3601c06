"""What Envoy and Prometheus are told, so that two workloads have the routes and the metrics that Istio gives them.

Files and values only, and nothing but the standard library: the same code runs beside Envoy in a pod.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Address = tuple[str, int]
"""Host and port."""

STRAIGHT = "x-straight-to"  # a request with this header goes to the workload that it names, whatever the weights
ROUTES = "mesh"  # the name of the route configuration

# Milliseconds. None is a second, which is what podinfo delays answers by: the proxy counts roughly, and an answer that
# took just over a second would now and then count as one within it.
_BUCKETS = (5, 10, 25, 50, 100, 250, 500, 750, 1200, 1600, 2500, 5500)
_TYPES = "type.googleapis.com/envoy"


def bootstrap(*, listen: Address, admin: Address, workloads: Mapping[str, Address], routes: Path) -> dict[str, Any]:
    """Give the configuration that Envoy starts with: a listener whose routes are in a file, a cluster per workload."""
    source = {"path_config_source": {"path": str(routes)}, "resource_api_version": "V3"}
    connections = {
        "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress",
        "rds": {"route_config_name": ROUTES, "config_source": source},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"},
            },
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connections}]
    return {
        "node": {"id": "mesh", "cluster": "mesh"},
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [{"name": "ingress", "address": _address(listen), "filter_chains": [{"filters": filters}]}],
            "clusters": [_cluster(workload, address) for workload, address in workloads.items()],
        },
        # Histograms change with a flush only. Several of them to a scrape, so that no two scrapes see the same.
        "stats_flush_interval": "0.25s",
        "stats_config": {"histogram_bucket_settings": [{"match": {"prefix": "cluster."}, "buckets": _BUCKETS}]},
    }


def _address(address: Address) -> dict[str, Any]:
    host, port = address
    return {"socket_address": {"address": host, "port_value": port}}


def _cluster(workload: str, address: Address) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(address)}}
    return {
        "name": workload,
        "type": "STRICT_DNS",  # an address will do as well as a name
        "dns_lookup_family": "V4_ONLY",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": workload, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def write_routes(file: Path, weights: Mapping[str, int]) -> str:
    """Write the file that Envoy takes its routes from, as it runs, and give the version by which Envoy calls them."""
    version = uuid.uuid4().hex
    straight = [
        {
            "match": {"prefix": "/", "headers": [{"name": STRAIGHT, "string_match": {"exact": workload}}]},
            "route": {"cluster": workload},
        }
        for workload in weights
    ]
    clusters = [{"name": workload, "weight": weight} for workload, weight in weights.items()]
    weighted = {"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": clusters}}}
    resource = {
        "@type": f"{_TYPES}.config.route.v3.RouteConfiguration",
        "name": ROUTES,
        # The proxy takes no notice of a file that says nothing new; the name makes each new.
        "virtual_hosts": [{"name": version, "domains": ["*"], "routes": [*straight, weighted]}],
    }
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(json.dumps({"version_info": version, "resources": [resource]}))
    fresh.rename(file)  # the proxy looks out for a file moved into place
    return version


def weights_of(virtual_service: Mapping[str, Any]) -> dict[str, int]:
    """Give the weight of each host of a VirtualService with one route, as Istio reads it: no weight is 0."""
    [http] = virtual_service["spec"]["http"]
    return {entry["destination"]["host"]: entry.get("weight", 0) for entry in http["route"]}


def scrape_config(admin: Address, *, namespace: str) -> dict[str, Any]:
    """Let Prometheus scrape the proxy each second, and give its metrics the names that Istio gives them."""
    host, port = admin
    names = {"envoy_cluster_upstream_rq": "istio_requests_total"} | {
        f"envoy_cluster_upstream_rq_time_{part}": f"istio_request_duration_milliseconds_{part}"
        for part in ("bucket", "sum", "count")
    }
    rules: list[dict[str, Any]] = [
        {"source_labels": ["__name__"], "regex": "|".join(names), "action": "keep"},
        {"target_label": "reporter", "replacement": "destination"},
        {"target_label": "destination_workload_namespace", "replacement": namespace},
        {"source_labels": ["envoy_cluster_name"], "target_label": "destination_workload"},
        {"source_labels": ["envoy_response_code"], "target_label": "response_code"},
        *(
            {"source_labels": ["__name__"], "regex": ours, "target_label": "__name__", "replacement": istios}
            for ours, istios in names.items()
        ),
        {"regex": "envoy_.*", "action": "labeldrop"},
    ]
    job = {
        "job_name": "mesh",
        "metrics_path": "/stats/prometheus",
        "static_configs": [{"targets": [f"{host}:{port}"]}],
        "metric_relabel_configs": rules,
    }
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}
