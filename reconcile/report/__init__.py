"""Reports: values in, text or documents out.

`record` is the decision record as data, `text` the report of a pass for people (one Rollout: `block`), `patches` the
list for kustomize, `describe` the output of `steerer status`, `preflight` that of `lint` and `check`. All text is laid
out by `layout`. Open `text` first.

Nothing here decides, asks a server or reads a clock. Importing the package loads neither rich nor PyYAML: the caller
imports the module of the form that it prints.
"""
