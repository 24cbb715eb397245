"""What may go from registries, and what keeps everything else there; pure."""
