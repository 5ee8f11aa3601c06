"""A folder of manifests as a cluster. Start at `cluster`."""
