"""The commands, one small module each, as the table names them."""
