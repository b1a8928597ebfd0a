"""Each alarm has a page that says what to do, and each page an alarm, by the text of Terraform."""

from __future__ import annotations

import re

import pytest

from chalicelib.services.witness import COUNTED
from local.folder import ROOT
from tests.aws.ground import MODULE

pytestmark = pytest.mark.aws

PAGES = ROOT / "docs" / "how-to" / "operate"
_ALARMS = (MODULE / "alarms.tf").read_text()


def _named() -> set[str]:
    """The pages that alarms name: those of the table, and of the alarm that stands alone."""
    return {*re.findall(r'^ +page += "(.+)"$', _ALARMS, re.MULTILINE), *re.findall(r"runbooks}/([a-z-]+)\.md", _ALARMS)}


def test_every_alarm_names_a_page() -> None:
    """As many pages as descriptions; and no alarm is made in another way."""
    assert len(re.findall(r"^ +page += ", _ALARMS, re.MULTILINE)) == len(
        re.findall(r"^ +says += ", _ALARMS, re.MULTILINE)
    )
    assert _ALARMS.count("${local.runbooks}/") == _ALARMS.count('resource "aws_cloudwatch_metric_alarm"') == 2
    others = [file.name for file in MODULE.glob("*.tf") if "aws_cloudwatch_metric_alarm" in file.read_text()]
    assert others == ["alarms.tf"]


def test_the_pages_are_those_that_are_named_and_the_index_knows_them() -> None:
    """None is missing, none is left over."""
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == _named()
    assert set(re.findall(r"\(([a-z0-9-]+)\.md\)", (PAGES / "README.md").read_text())) == _named()
    assert f'runbooks = "{PAGES.relative_to(ROOT).as_posix()}"' in _ALARMS


@pytest.mark.parametrize("page", sorted(_named()))
def test_a_page_says_what_users_see_where_to_look_what_to_do_and_when_it_is_over(page: str) -> None:
    """In this order, with commands, on one screen; and its links lead somewhere."""
    text = (PAGES / f"{page}.md").read_text()
    places = [text.index(f"**{part}") for part in ("Users see", "Look", "Do", "Over")]
    assert places == sorted(places)
    assert f"`{page}" in text.partition("**Users see")[0], "it names its alarm"
    assert "```sh" in text
    assert len(text.splitlines()) <= 50
    links = re.findall(r"\]\((?!https:)([^)#]+)", text)
    assert [link for link in links if not (PAGES / link).exists()] == []


def test_the_alarms_and_the_dashboard_ask_for_metrics_that_are_told_and_described() -> None:
    """A misspelt metric would be silent for ever."""
    dashboard = (MODULE / "dashboard.tf").read_text()
    asked = {
        *re.findall(r'"Rollcall", metric = "(\w+)"', _ALARMS),
        *re.findall(r'\["Rollcall", "(\w+)"', dashboard),
        *(f"Marks{what}" for what in _listed(dashboard, "what")),
        *_listed(dashboard, "metric"),
    }
    assert {"OldestWaitingAge", "DeadJobs", "Depth", "MarksAccepted", "MarksRejected", "Refused"} <= asked
    sources = "".join(path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))
    described = (ROOT / "docs" / "how-to" / "watch.md").read_text()
    assert [name for name in asked if f'"{name}"' not in sources] == []
    assert [name for name in asked | set(COUNTED.values()) if f"`{name}`" not in described] == []


def _listed(dashboard: str, name: str) -> list[str]:
    found = re.findall(rf'for {name} in \[(.*?)\] : \["Rollcall"', dashboard)
    assert found
    return [word for names in found for word in re.findall(r'"(\w+)"', names)]
