"""What would halt a release, found before it starts: `steerer lint` (a folder) and `steerer check` (a cluster).

A check goes from what was read of one Rollout to findings. It reports all problems, where a pass stops at the first;
where a gate would halt, it uses the reason of the gate. Reading, measuring and printing are not done here.
Open `checks` first: it lists all checks of a Rollout. `installed` is about what all Rollouts share.
"""
