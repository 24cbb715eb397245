"""What is watched upstream, which tags of it are wanted, and what a look at them says."""
