"""Whether an image is signed by whom a policy wants: bytes in, a verdict out; nothing is asked of anyone."""
