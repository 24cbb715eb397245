"""Writes a watch list from a registry that is there already, to be edited by hand: ``python -m infra.adopt``."""
