"""The decision: pure. Reads no clock, file or server, and logs nothing. Start at `decide`."""
