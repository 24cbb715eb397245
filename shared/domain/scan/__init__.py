"""Vulnerability scans: reports as scanners write them, and the verdict over them."""
