"""The documentation, and what writes the parts of it that are taken from the code."""
