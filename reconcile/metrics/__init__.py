"""The metrics of a pass: metric files and their templates, and the queries to Prometheus.

Open `prometheus` first: it turns questions into queries and responses into answers. `batching`, `pool`, `backoff` and
`query` send them. `address` and `credentials` are the URL and its secrets, `transport` is HTTP, `responses` JSON.
`templates` is the way to the metric files.

Whether a value is good enough is not decided here but in `core.analysis`.
"""

MAX_QUERY = 16 * 1024
"""The most characters of a query, as a template and rendered."""
