"""Attacks that have to fail. Each test case is one, or as many as it records as its property ``attacks``."""
