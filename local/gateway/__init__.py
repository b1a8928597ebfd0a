"""An API Gateway on this machine: HTTP in, Lambda proxy events to a Chalice app, HTTP out.

with serve(app) as url:
    httpx.get(url + "/health")
"""

from __future__ import annotations

from .door import MAX_BODY, create_gateway
from .serving import serve

__all__ = ["MAX_BODY", "create_gateway", "serve"]
