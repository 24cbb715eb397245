"""Senders of notices, one a service; what each needs is loaded when the first message is sent."""
