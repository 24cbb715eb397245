"""Trivy for the twin's runs: the program as an image, a small vulnerability database, and systems to find things in."""
