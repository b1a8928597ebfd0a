# Choices that take the place of others.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "an_issuer_elsewhere_and_memorydb" {
  command = plan

  variables {
    stage         = "prod"
    oidc_issuer   = "https://id.school.example/"
    oidc_jwks_url = "https://id.school.example/keys"
    redis_kind    = "memorydb"
  }

  assert {
    condition     = output.redis_cluster == 1
    error_message = "The app is told that MemoryDB is a cluster."
  }

  assert {
    condition     = length(aws_cognito_user_pool.main) == 0 && length(aws_vpc_endpoint.cognito) == 0
    error_message = "No user pool is made beside an issuer of one's own."
  }

  assert {
    condition     = length(aws_nat_gateway.out) == 2 && length(aws_route.out) == 2
    error_message = "In prod, each zone has its own way to the issuer's keys."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.out[0].from_port == 443 && aws_vpc_security_group_egress_rule.out[0].to_port == 443
    error_message = "The way out is for HTTPS only."
  }

  assert {
    condition     = output.jwt_issuer == "https://id.school.example/" && output.jwt_audience == "rollcall"
    error_message = "The app is told that issuer."
  }

  assert {
    condition     = one(aws_memorydb_parameter_group.main[0].parameter).value == "noeviction" && aws_memorydb_cluster.main[0].tls_enabled
    error_message = "MemoryDB drops nothing, and speaks TLS."
  }

  assert {
    condition     = aws_memorydb_acl.main[0].user_names == toset([local.redis_user]) && length(aws_elasticache_replication_group.main) == 0
    error_message = "Only the app's user signs in, and no other Redis is made."
  }
}

run "live_messages_by_nat_and_serverless" {
  command = plan

  variables {
    stage           = "staging"
    websocket_route = "nat"
    redis_kind      = "serverless"
    zones           = ["eu-west-1b", "eu-west-1c"]
  }

  expect_failures = [check.redis_kind]

  assert {
    condition     = !contains(keys(aws_vpc_endpoint.service), "execute-api") && length(aws_nat_gateway.out) == 1
    error_message = "An execute-api endpoint would take the calls that are to go by NAT."
  }

  assert {
    condition     = length(aws_route.out) == 2
    error_message = "Outside prod, one NAT gateway serves every zone."
  }

  assert {
    condition     = aws_subnet.private[*].availability_zone == ["eu-west-1b", "eu-west-1c"]
    error_message = "The zones that were named are used."
  }

  assert {
    condition     = length(aws_elasticache_serverless_cache.main) == 1 && output.redis_min_replicas == 0
    error_message = "There is no replica that could be waited for."
  }
}

run "tokens_of_iam" {
  command = plan

  variables {
    stage      = "dev"
    iam_tokens = true
  }

  assert {
    condition     = length(data.aws_secretsmanager_secret_version.redis) == 0 && aws_elasticache_user.app[0].authentication_mode[0].type == "iam"
    error_message = "There is no password of Redis, and so none in the state."
  }

  assert {
    condition     = aws_elasticache_user.app[0].user_id == aws_elasticache_user.app[0].user_name
    error_message = "ElastiCache wants both to be the same for a user with tokens."
  }

  assert {
    condition = {
      for key, statements in local.function_statements : key => [
        for statement in statements : statement.Sid if contains(["ReadItsSecrets", "SignInToPostgres", "SignInToRedis"], statement.Sid)
      ]
      } == {
      api                  = ["SignInToPostgres", "SignInToRedis"]
      drain                = ["SignInToPostgres", "SignInToRedis"]
      drain_schedule       = ["SignInToPostgres", "SignInToRedis"]
      maintain             = ["SignInToPostgres", "SignInToRedis"]
      migrate              = ["ReadItsSecrets"]
      import               = ["SignInToPostgres", "SignInToRedis"]
      websocket_connect    = ["SignInToRedis"]
      websocket_message    = ["SignInToPostgres", "SignInToRedis"]
      websocket_disconnect = ["SignInToRedis"]
    }
    error_message = "Each function may sign in where it has work, and only migrations read a password: the owner's."
  }

  assert {
    condition = alltrue([
      for statement in local.function_statements.drain : statement.Resource == "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-MOCK/rollcall_app"
      if statement.Sid == "SignInToPostgres"
    ])
    error_message = "As the app's role of this Postgres only."
  }

  assert {
    condition     = output.environment.REDIS_IAM == "node:rollcall-dev" && output.environment.DATABASE_IAM == "1" && !contains(keys(output.environment), "REDIS_SECRET_ARN")
    error_message = "The functions are told."
  }
}

run "several_groups_of_nodes_for_a_queue_in_shards" {
  command = plan

  variables {
    stage             = "prod"
    redis_node_groups = 4
    queue_shards      = 4
    queue_shards_also = 1
  }

  assert {
    condition     = aws_elasticache_replication_group.main[0].num_node_groups == 4 && aws_elasticache_replication_group.main[0].replicas_per_node_group == local.size.redis_replicas
    error_message = "Each group has its own replicas."
  }

  assert {
    condition     = output.redis_cluster == 1 && output.redis_min_replicas == 1
    error_message = "The app is told that it is a cluster, and still waits for a replica."
  }

  assert {
    condition     = contains([for one in aws_elasticache_parameter_group.main[0].parameter : "${one.name} ${one.value}"], "cluster-enabled yes") && contains([for one in aws_elasticache_parameter_group.main[0].parameter : "${one.name} ${one.value}"], "maxmemory-policy noeviction")
    error_message = "It is a cluster, and drops nothing."
  }

  assert {
    condition     = local.settings.QUEUE_SHARDS == "4" && local.settings.QUEUE_SHARDS_ALSO == "1" && local.settings.REDIS_CLUSTER == "1"
    error_message = "The app is told how many shards there are, and how many there were."
  }

  assert {
    condition     = length([for key in keys(aws_cloudwatch_metric_alarm.main) : key if startswith(key, "redis-cpu-")]) == 4 * (1 + local.size.redis_replicas)
    error_message = "Each node of each group is watched."
  }
}
