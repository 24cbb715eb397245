"""What a candidate must pass, as people write it: named policies, and which entry goes by which."""
