"""Live progress: WebSocket connections, what they follow, and the telling. Loads neither boto3 nor SQLAlchemy."""

from __future__ import annotations

from chalicelib.realtime.building import live_events, make_sessions
from chalicelib.realtime.sessions import Sessions

__all__ = ["Sessions", "live_events", "make_sessions"]
