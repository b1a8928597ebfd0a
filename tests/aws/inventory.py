"""What stands in an account of AWS, asked service by service: what an apply has made, and what a destroy has left."""

from __future__ import annotations

from typing import Any

from tests.aws.emulator import ACCOUNT, REGION, EmulatedAws

_Found = dict[str, list[dict[str, Any]]]

_LISTS = {
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms"),
    "buckets": ("s3", "list_buckets", "Buckets"),
    "caches": ("elasticache", "describe_replication_groups", "ReplicationGroups"),
    "cache parameters": ("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups"),
    "cache subnets": ("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups"),
    "cache user groups": ("elasticache", "describe_user_groups", "UserGroups"),
    "cache users": ("elasticache", "describe_users", "Users"),
    "dashboards": ("cloudwatch", "list_dashboards", "DashboardEntries"),
    "databases": ("rds", "describe_db_instances", "DBInstances"),
    "database parameters": ("rds", "describe_db_parameter_groups", "DBParameterGroups"),
    "database snapshots": ("rds", "describe_db_snapshots", "DBSnapshots"),
    "database subnets": ("rds", "describe_db_subnet_groups", "DBSubnetGroups"),
    "endpoints": ("ec2", "describe_vpc_endpoints", "VpcEndpoints"),
    "flow logs": ("ec2", "describe_flow_logs", "FlowLogs"),
    "functions": ("lambda", "list_functions", "Functions"),
    "log groups": ("logs", "describe_log_groups", "logGroups"),
    "networks": ("ec2", "describe_vpcs", "Vpcs"),
    "REST APIs": ("apigateway", "get_rest_apis", "items"),
    "roles": ("iam", "list_roles", "Roles"),
    "rules": ("events", "list_rules", "Rules"),
    "security groups": ("ec2", "describe_security_groups", "SecurityGroups"),
    "subnets": ("ec2", "describe_subnets", "Subnets"),
    "topics": ("sns", "list_topics", "Topics"),
    "WebSocket APIs": ("apigatewayv2", "get_apis", "Items"),
}
"""By what they are called in the tests: a service, a call of it, and where its answer has them."""

_ASKED: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "budgets": ("budgets", "describe_budgets", "Budgets", {"AccountId": ACCOUNT}),
    "firewalls": ("wafv2", "list_web_acls", "WebACLs", {"Scope": "REGIONAL"}),
    "secrets": ("secretsmanager", "list_secrets", "SecretList", {"IncludePlannedDeletion": True}),
    "user pools": ("cognito-idp", "list_user_pools", "UserPools", {"MaxResults": 60}),
}


def look(aws: EmulatedAws) -> _Found:
    """All that there is by kind, as AWS tells it; what a new account has of its own is not told."""
    found: _Found = {}
    calls: dict[str, tuple[str, str, str, dict[str, Any]]] = {
        kind: (*call, {}) for kind, call in _LISTS.items()
    } | _ASKED
    for kind, (service, call, place, asked) in calls.items():
        found[kind] = list(_all(aws.client(service), call, place, asked))
    kms = aws.client("kms")
    keys = [kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in kms.list_keys()["Keys"]]
    found["keys"] = [key for key in keys if key["KeyManager"] == "CUSTOMER"]
    found = {kind: [one for one in those if not _own(kind, one)] for kind, those in found.items()}
    return {**found, **_within(aws, found)}


def _within(aws: EmulatedAws, found: _Found) -> _Found:
    """What is asked of each thing by itself."""
    rds, redis, rest, live, events, waf = (
        aws.client(service) for service in ("rds", "elasticache", "apigateway", "apigatewayv2", "events", "wafv2")
    )
    stages = [
        {"api": api["id"], **stage}
        for api in found["REST APIs"]
        for stage in rest.get_stages(restApiId=api["id"])["item"]
    ]
    return {
        "parameters of databases": [
            one
            for group in found["database parameters"]
            for one in rds.describe_db_parameters(DBParameterGroupName=group["DBParameterGroupName"])["Parameters"]
        ],
        "parameters of caches": [
            one
            for group in found["cache parameters"]
            for one in redis.describe_cache_parameters(CacheParameterGroupName=group["CacheParameterGroupName"])[
                "Parameters"
            ]
        ],
        "REST stages": stages,
        "roles of API Gateway": [{"arn": arn} for arn in [rest.get_account().get("cloudwatchRoleArn")] if arn],
        "WebSocket stages": [
            stage for api in found["WebSocket APIs"] for stage in live.get_stages(ApiId=api["ApiId"])["Items"]
        ],
        "targets": [
            {"rule": rule["Name"], **target}
            for rule in found["rules"]
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        ],
        "firewalled": [
            {
                "api": stage["api"],
                "firewall": waf.get_web_acl_for_resource(ResourceArn=_stage_arn(stage))["WebACL"]["Name"],
            }
            for stage in stages
        ],
    }


def _stage_arn(stage: dict[str, Any]) -> str:
    return f"arn:aws:apigateway:{REGION}::/restapis/{stage['api']}/stages/{stage['stageName']}"


def _all(client: Any, call: str, place: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
    if not client.can_paginate(call):
        told: list[dict[str, Any]] = getattr(client, call)(**asked).get(place, [])
        return told
    return [one for page in client.get_paginator(call).paginate(**asked) for one in page.get(place, [])]


def _own(kind: str, one: dict[str, Any]) -> bool:
    """Whether every account has it, such as the default network and Redis' default user, or it is gone already."""
    return (
        bool(one.get("IsDefault"))
        or one.get("State") == "deleted"  # an endpoint is told of for a while
        or bool(one.get("DefaultForAz"))
        or (kind == "cache users" and one.get("UserId") == "default")
        or one.get("Description") == "default VPC security group"
        or str(one.get("DBParameterGroupName", "")).startswith("default.")
    )
