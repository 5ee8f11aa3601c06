"""A cluster that is read live and written as manifests of a Git checkout. Start at `cluster`."""
