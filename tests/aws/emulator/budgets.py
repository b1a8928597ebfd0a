"""Budgets tells who is told of one, and its tags; moto keeps the subscribers and tells neither."""

from __future__ import annotations

import json

from moto.budgets.responses import BudgetsResponse


def mend() -> None:
    """Add the calls."""
    BudgetsResponse.list_tags_for_resource = list_tags_for_resource  # type: ignore[attr-defined]
    BudgetsResponse.describe_subscribers_for_notification = describe_subscribers_for_notification  # type: ignore[attr-defined]


def describe_subscribers_for_notification(self: BudgetsResponse) -> str:
    """Those of one notification of a budget."""
    budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
    wanted = self._get_param("Notification")
    found = [
        subscriber
        for one in budget.notifications
        if all(wanted.get(name) == value for name, value in one.details.items() if name in wanted)
        for subscriber in one.subscribers
    ]
    return json.dumps({"Subscribers": found})


def list_tags_for_resource(self: BudgetsResponse) -> str:
    """None."""
    return json.dumps({"ResourceTags": []})
