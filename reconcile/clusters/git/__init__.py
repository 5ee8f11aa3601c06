"""A cluster that is read live and written as manifests of a Git checkout. Start at `cluster`, then `plan`.

Here: what a patch to a live object is as a patch to its manifest (`plan`, `strip_defaults`), and whether the cluster
shows what the checkout has (`manifest_diff`). All modules but `cluster` are pure.

Not here: how files are read and written (the checkout is passed in), and Git itself: others commit, push and apply.
"""
