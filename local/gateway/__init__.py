"""An API Gateway on this machine: HTTP and WebSockets in, Lambda proxy events to a Chalice app, and back.

with serve(app) as url:
    httpx.get(url + "/health")
"""

from __future__ import annotations

from .door import MAX_BODY, create_gateway
from .serving import lambda_environment, reserve, serve, websocket_settings

__all__ = ["MAX_BODY", "create_gateway", "lambda_environment", "reserve", "serve", "websocket_settings"]
