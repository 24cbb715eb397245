"""Builds that are not ACR's: what is asked of whoever makes them, and what their answers mean; pure."""
