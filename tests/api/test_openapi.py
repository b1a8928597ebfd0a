"""The OpenAPI document: as it is committed, valid, and whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from chalicelib.api.doors import BASE
from chalicelib.api.routes import operations
from local.openapi import COMMITTED, main, render
from tests.api.client import Client


@pytest.fixture(scope="module")
def document() -> Any:
    """The document as it is made now."""
    return json.loads(render())


def test_the_committed_one_is_the_one_that_is_served(anyone: Client, document: Any) -> None:
    """docs/reference/openapi.json is up to date; else `make openapi` writes it anew."""
    assert COMMITTED.read_text(encoding="utf-8") == render()
    assert anyone.get("/openapi.json").json == document


def test_it_is_written_to_a_file_or_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By `python -m local.openapi [FILE]`."""
    main([str(tmp_path / "openapi.json")])
    main([])
    assert (tmp_path / "openapi.json").read_text(encoding="utf-8") == capsys.readouterr().out == render()


def test_every_operation_is_described(document: Any) -> None:
    """Once, with an id of its own, a summary, its roles and whether it needs a token."""
    told = {(method.upper(), path): it for path, item in document["paths"].items() for method, it in item.items()}
    offered = operations()
    assert set(told) == {(one.method, one.path) for one in offered}
    assert len({it["operationId"] for it in told.values()}) == len(offered)
    for one in offered:
        it = told[one.method, one.path]
        assert it["summary"]
        assert it["security"] == ([{"bearer": []}] if one.roles is not None else [])
        assert it.get("x-roles") == (sorted(one.roles) if one.roles is not None else None)


def test_what_may_go_wrong_is_described(document: Any) -> None:
    """401 and 403 where a token is needed; 400, 413 and 415 where there is a body; 503 where a server is."""
    for path, item in document["paths"].items():
        for method, it in item.items():
            expected = {"422"}
            if it["security"]:
                expected |= {"401", "403"}
            if "requestBody" in it:
                expected |= {"400", "413", "415"}
            if not path.endswith("/openapi.json"):
                expected |= {"503"}
            if "{" in path:
                expected |= {"404"}
            assert expected <= set(it["responses"]), (method, path)
    assert {"202", "404", "429"} <= set(document["paths"][f"{BASE}/mark"]["post"]["responses"])
    assert {"412"} <= set(document["paths"][f"{BASE}/settings"]["put"]["responses"])
    assert {"409"} <= set(document["paths"][BASE + "/jobs/{job_id}"]["delete"]["responses"])


def test_problems_are_described_as_problems(document: Any) -> None:
    """Every refusal has the one shape and its media type."""
    for item in document["paths"].values():
        for it in item.values():
            for status, response in it["responses"].items():
                if int(status) >= 400 and it["operationId"] != "health":
                    [media] = response["content"]
                    assert media == "application/problem+json"
                    assert response["content"][media]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_every_reference_leads_somewhere(document: Any) -> None:
    """And every schema is used."""
    text = json.dumps(document)
    named = set(document["components"]["schemas"])
    assert {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]} == named


def test_the_schemas_are_json_schema(document: Any) -> None:
    """Draft 2020-12, as OpenAPI 3.1 has it."""
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name


def test_the_examples_are_good(document: Any) -> None:
    """Each example of a body is valid by its own schema."""
    examples = 0
    for name, schema in document["components"]["schemas"].items():
        validator = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
        for example in schema.get("examples", []):
            examples += 1
            assert validator.is_valid(example), name
    assert examples >= 2
