"""An exhaustive explorer of the real pass over a small world. `python -m tests.explorer`, or `make explore`.

The world is a value (`state`), and what may happen to it is a list of labelled steps: what people, tools and time do
(`environment`), and what the passes do (`passes`), which run the real `observe`, `decide` and `apply` over manifests
that are made of the value (`manifests`) and are told at each write how it ended (`program`). `search` visits every
state, `laws` look at each step, `calm` shows that the right end is reached from each state, `story` tells the shortest
way to a violation, and `mutants` break the program on purpose, to show that the laws notice.
"""
