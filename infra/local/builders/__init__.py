"""Those who build elsewhere than ACR Tasks, on a laptop: small, and as odd as the real ones."""
