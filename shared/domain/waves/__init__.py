"""Who is built on what, and how it is rebuilt when its base moved: canaries first, the others in waves."""
