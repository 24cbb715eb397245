"""Those who build elsewhere: one outside system a file."""
