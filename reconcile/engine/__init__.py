"""One pass over all Rollouts. Start at `one_pass`."""
