"""Doubles of the ports: in memory, deterministic, and recording what was asked of them."""
