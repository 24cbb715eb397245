"""The way of a candidate into the base registry, and of what is built on it."""
