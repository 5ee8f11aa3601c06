"""The API server as a cluster. Start at `cluster`."""
