"""The decision: what one pass does for one Rollout, and why. The same input always gives the same plan.

Here belong gates, moves, the state machine, and the texts of what they say. Reading, measuring, writing and printing do
not: this package knows no clock, file, server or log.
Open `decide` first. `state_machine` says when which move is due, `gates` what has to be true before, `moves` what is
written then, `messages` the texts of the Events.
"""
