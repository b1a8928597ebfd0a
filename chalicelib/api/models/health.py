"""What GET /health tells."""

from __future__ import annotations

from typing import Literal

from chalicelib.api.models.fields import Told


class Health(Told):
    """Whether everything that Rollcall needs answers."""

    status: Literal["ok", "degraded"]
    dependencies: dict[str, Literal["ok", "away"]]
