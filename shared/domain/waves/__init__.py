"""Who is built on what, and how rebuilds go out in waves."""
