"""The commands for people: the same code as the app, read from files and told on the terminal."""
