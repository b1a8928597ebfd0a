"""The AWS that the tests deploy to: what it must do that moto by itself does not."""

from __future__ import annotations

import json

import pytest

from tests.aws.emulator import ACCOUNT, REGION, EmulatedAws

pytestmark = [pytest.mark.aws, pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore.*")]

_LAMBDA = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/x/invocations"


def test_it_is_a_rest_api_out_of_swagger(emulated: EmulatedAws) -> None:
    """As Chalice writes it, with an answer to a browser's question that calls nothing."""
    calls = {"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": _LAMBDA}}
    mocks = {"x-amazon-apigateway-integration": {"type": "mock", "responses": {}}}
    paths = {"/marks/{id}": {"get": {"responses": {}, **calls}, "options": {"responses": {}, **mocks}}}
    document = {"swagger": "2.0", "info": {"title": "rollcall", "version": "1.0"}, "paths": paths}
    gateway = emulated.client("apigateway")
    made = gateway.import_rest_api(body=json.dumps(document))["id"]
    for _ in range(2):
        resources = gateway.get_resources(restApiId=made)["items"]
        assert {one["path"]: set(one.get("resourceMethods", {})) for one in resources} == {
            "/": set(), "/marks": set(), "/marks/{id}": {"GET", "OPTIONS"},
        }  # fmt: skip
        gateway.put_rest_api(restApiId=made, mode="overwrite", body=json.dumps(document))


def test_a_websocket_api_is_deployed(emulated: EmulatedAws) -> None:
    """And the deployment is gone when it is deleted."""
    gateway = emulated.client("apigatewayv2")
    api = gateway.create_api(Name="live", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    made = gateway.create_deployment(ApiId=api["ApiId"])
    one = {"ApiId": api["ApiId"], "DeploymentId": made["DeploymentId"]}
    assert gateway.get_deployment(**one)["DeploymentStatus"] == "DEPLOYED"
    assert len(gateway.get_deployments(ApiId=api["ApiId"])["Items"]) == 1
    gateway.delete_deployment(**one)
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.get_deployment(**one)


def test_a_group_of_redis_nodes_comes_and_goes_with_its_nodes(emulated: EmulatedAws) -> None:
    """Terraform reads the nodes, and waits until they are gone."""
    redis = emulated.client("elasticache")
    redis.create_replication_group(
        ReplicationGroupId="rollcall", ReplicationGroupDescription="x", NumCacheClusters=2, EngineVersion="7.1",
        CacheNodeType="cache.t4g.micro", Engine="redis",
    )  # fmt: skip
    names = [one["CacheClusterId"] for one in redis.describe_cache_clusters()["CacheClusters"]]
    assert len(names) == 2
    redis.delete_replication_group(ReplicationGroupId="rollcall")
    assert redis.describe_cache_clusters()["CacheClusters"] == []


def test_each_postgres_has_its_own_id(emulated: EmulatedAws) -> None:
    """Terraform looks an instance up by it."""
    postgres = emulated.client("rds")
    for name in ("one", "two"):
        postgres.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.t4g.micro", Engine="postgres", AllocatedStorage=20,
            MasterUsername="owner", MasterUserPassword="nothing-secret",
        )  # fmt: skip
    assert len({one["DbiResourceId"] for one in postgres.describe_db_instances()["DBInstances"]}) == 2


def test_it_forgets_all_when_told(emulated: EmulatedAws) -> None:
    """So tests of one module need not start it anew."""
    topic = emulated.client("sns").create_topic(Name="alarms")["TopicArn"]
    assert topic == f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
    emulated.reset()
    assert emulated.client("sns").list_topics()["Topics"] == []
