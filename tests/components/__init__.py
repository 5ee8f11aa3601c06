"""The real components that the tests run against: how they are built, started and stopped.

Nothing in here knows steerer: a component is what a user of steerer would have anyway (a Kubernetes control plane,
Prometheus, Istio's data plane), started on 127.0.0.1 only.
"""
