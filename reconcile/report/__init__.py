"""What a pass found and did, told: as data (`record`), as kustomize patches, as text for people.

Duty: values in, words out. Nothing here decides, asks a server or reads a clock, and importing the package loads
neither rich nor PyYAML: each module that needs one is imported by whoever prints in that form.
"""
