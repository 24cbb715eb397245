"""What people are told: kinds of notices, where they go and when, and what a message of several of them says. Pure."""
