"""Which version this is: told by the app, by the commands, and by the package that they are installed from."""

from __future__ import annotations

VERSION = "0.1.0"
