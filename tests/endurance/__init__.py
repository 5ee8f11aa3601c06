"""A long life: thousands of passes over many Rollouts, on a real API server, with faults everywhere and people at work.

`python -m tests.endurance`, or `make endure`. A `play` begins with Rollouts in namespaces of their own (`people`), lets
`steerer run --every` go on in processes that are watched from outside, killed, and started anew (`loops`), gives it bad
`weather`, and looks at the end whether every release ended (`ends`). What was counted is told by `numbers`.
"""
