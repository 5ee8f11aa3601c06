"""Markdown for a comment on a change at GitHub or GitLab: `passes` of a pass, `preflight` of `lint` and `check`.

`escaping` makes text of others harmless, `layout` has tables and folded parts and keeps the whole within what a comment
may have.
"""
