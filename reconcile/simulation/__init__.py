"""The world of `steerer simulate`: Deployments that roll out, metrics that follow a scenario, and passes over them.

Open `play` first: it makes one pass of the engine after the other. `scenario` and `scenario_file` are the file that a
user writes, `scripted_meter` answers from it, `deployment_controller` plays the one of Kubernetes.

A pass itself is in `engine`: a simulation makes the same passes as a real run. The result is printed by
`report.simulation`.
"""
