"""What a candidate must pass, and what its gate's run says of it."""
