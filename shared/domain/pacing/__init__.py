"""Pacing: how many requests Azure Resource Manager takes, and whose turn it is."""
