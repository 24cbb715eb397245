"""The product, to be served by the twin's host with its clock wound up."""

from __future__ import annotations

import os

from function_app import app
from tests.chaos.pace import PACE, wind_up

wind_up(float(os.environ[PACE]))

__all__ = ["app"]
