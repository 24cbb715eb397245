"""Looking at upstreams side by side with other watchers, on a real registry: ``make bench-check``."""
