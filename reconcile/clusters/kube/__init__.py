"""The API server as a cluster. Start at `cluster`, then `reader` (how many objects are read in few requests).

Here: where the server is and who asks (`find_access`, `kubeconfig`, `login`, …), how requests are sent and tried again
(`connection`, `client`, `exchange`), and what responses mean (`responses`, `status_errors`). pykube is imported in
`client` and `transport_errors` only: all others see plain dicts.

Not here: what a Rollout is, or what a pass decides.
"""
