"""The decision record: a signed statement that lies beside an image and says what let it in. Pure."""
