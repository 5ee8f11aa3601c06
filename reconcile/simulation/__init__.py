"""The simulation. Start at `world`."""
