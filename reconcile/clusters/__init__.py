"""The clusters a pass can work on, one module each, and what they share: the shape of an Event.

Duty: implementations of `ports.Cluster`. They read and write objects; they decide nothing about a rollout.
"""
