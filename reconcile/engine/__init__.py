"""One pass over all Rollouts: what is read, when it is decided, in which order it is measured and written.

Open `one_pass` first. `listing` and `observe` read, `decision` decides, `apply` writes, `shared_routes` lets several
Rollouts write one route object; `ordering` and `shards` say whose turn it is. `saved_plan` is the document of
`steerer plan --out`, and `saved_plan_check` compares it with a later pass. `action_request` is no
part of a pass: it makes the patch of what a person asks for.

What a pass decides is in `core`. How a cluster is read and written is in `clusters`, how metrics are queried in
`metrics`: this package sees only the two ports. It reads no clock: the time is an argument.
"""
