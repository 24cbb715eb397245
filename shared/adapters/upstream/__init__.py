"""The registries that the world publishes in: how each is asked, by which right, and within which limits."""
