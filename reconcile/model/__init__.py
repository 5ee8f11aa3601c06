"""The values and names that all other packages share: frozen, checked when they are made, without a decision in them.

Here belongs what more than one package has to know: objects as typed values, the plan of a pass, errors, the two
protocols. What a value means for a release belongs to `core`; nothing here reads a file, a server or the clock.
Open `rollout` first for what a user wants and what was stored, and `plan` for what a pass decides.
"""
