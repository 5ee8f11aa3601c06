"""The clusters of a pass: `kube` (an API server), `folder` (YAML files), `git` (reads a cluster, writes a checkout).

Each implements `model.ports.Cluster` and knows none of the others. What they share is in the modules beside them.
Start at the `cluster` module of each.

Not here: what a pass decides. A cluster reads and writes objects.
"""
