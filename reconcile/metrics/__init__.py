"""What answers the questions of a pass: Prometheus, or the scenario of a simulation. They do not know each other."""

MAX_QUERY = 16 * 1024
"""The characters that a query has at most, as a template and rendered."""
