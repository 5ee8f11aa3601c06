"""Notices: one JSON POST for each transition of a release, after it is stored.

`flux_event` is what is sent, `receiver` where to and within which time. What a transition is, `core.transitions` says.
A notice is best effort: nothing that a receiver does is an error of a pass.
"""
