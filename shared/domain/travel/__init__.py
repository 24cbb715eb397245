"""What travels with an image: its unique tags, what refers to it, and the record of the decision."""
