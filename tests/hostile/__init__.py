"""Hostile and mistaken input: each piece ends with a message for people, and changes nothing.

`tally` counts the pieces, for tests in all folders. The tests in this folder run the whole program.
"""
