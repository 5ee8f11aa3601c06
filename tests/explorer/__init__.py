"""An exhaustive explorer of the real pass over a small world. `python -m tests.explorer`, or `make explore`.

The world is a value (`state`). What may happen to it is a list of labelled steps: those of people, tools and time
(`environment`), and those of passes (`passes`). A pass runs the real `observe`, `decide` and `apply` over manifests
made from the value (`manifests`); the explorer chooses the outcome of each write (`program`). `search` visits every
state, `laws` checks each step, `calm` shows that each state leads to the right end, `story` prints the shortest way to
a violation, and `mutants` breaks the program on purpose, to show that the laws notice.
"""
