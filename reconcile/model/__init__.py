"""The values that all other packages share: pure. Start at `plan`."""
