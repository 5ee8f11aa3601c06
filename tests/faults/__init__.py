"""Releases on the real API server, with a fault at each request. `python -m tests.faults`, or `make faults`.

A story is a release and what its users do (`stories`). It is told once undisturbed, which says where a pass writes and
reads, and then again with a fault at each of these points (`telling`), with another pass or somebody's edit in between
(`meetings`). `matrix` says which of them are told and how each ended; `replay` makes of the server's audit log what
each write found and left behind, and `laws` look at that. `numbers` are what is recorded.
"""
