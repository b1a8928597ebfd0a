"""Ids that an import finds again."""

from __future__ import annotations

from uuid import UUID

from chalicelib.db.ids import roster_id, tenant_id


def test_the_same_source_gives_the_same_ids() -> None:
    """Today, next year and on another machine: the values themselves are pinned, for data lies under them."""
    assert tenant_id("demo") == "db05fb52-6899-5210-bf78-89818678c82b"
    assert roster_id(tenant_id("demo"), "student", "17") == "d4624c3b-6a4a-5c6a-8bed-34782edc915b"


def test_ids_differ_by_tenant_kind_and_source() -> None:
    """A student and a section may have the same id in the source, and so may students of two tenants."""
    demo, other = tenant_id("demo"), tenant_id("other")
    ids = {roster_id(tenant, kind, "17") for tenant in (demo, other) for kind in ("student", "section")}
    assert len(ids | {roster_id(demo, "student", "18"), demo, other}) == 7


def test_ids_are_uuids_of_version_5() -> None:
    """In the form that the API tells."""
    made = UUID(tenant_id("grand-bend"))
    assert (made.version, str(made)) == (5, tenant_id("grand-bend"))
