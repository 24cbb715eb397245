"""Who is built on what, and how rebuilds go out in waves."""
"""How what is built on a base that moved is rebuilt: canaries first, the others in waves, and the way back."""
