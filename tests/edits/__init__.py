"""Edits of one value in manifests of others: which lines of the file they touch."""
