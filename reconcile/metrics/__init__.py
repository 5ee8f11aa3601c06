"""What answers the questions of a pass: Prometheus, or the scenario of a simulation. They do not know each other."""
