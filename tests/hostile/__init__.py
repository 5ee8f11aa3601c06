"""Input that means harm, or was made by a slip: each piece ends in words, and nothing is changed by it.

`tally` counts it and is used by tests of all folders; the tests in this one give it to the whole program.
"""
