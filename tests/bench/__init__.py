"""What passes cost: on the real API server and the real Prometheus, beside their bounds and what naive ways cost.

`make bench` prints it all, `make bench-check` fails where a count is over its bound; no time ever fails anything.
Objects, load and figures are made here, nothing of the program is.
"""
