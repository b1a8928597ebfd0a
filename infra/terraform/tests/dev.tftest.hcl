# The least that is built: dev, for a school. No AWS, no emulator; tests/mocks says what AWS would answer.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "dev" {
  variables {
    stage = "dev"
  }

  assert {
    condition     = aws_db_instance.main.storage_encrypted && !aws_db_instance.main.publicly_accessible
    error_message = "Postgres is encrypted and private."
  }

  assert {
    condition     = startswith(aws_db_instance.main.engine_version, "18")
    error_message = "The app is tested on Postgres 18."
  }

  assert {
    condition     = one([for parameter in aws_db_parameter_group.main.parameter : parameter.value if parameter.name == "rds.force_ssl"]) == "1"
    error_message = "Postgres refuses connections without TLS."
  }

  assert {
    condition     = one([for parameter in aws_db_parameter_group.main.parameter : parameter.value if parameter.name == "log_parameter_max_length"]) == "0"
    error_message = "Names and remarks of slow statements reach no log."
  }

  assert {
    condition     = aws_db_instance.main.manage_master_user_password && aws_db_instance.main.password == null
    error_message = "RDS keeps and rotates the owner's password."
  }

  assert {
    condition     = aws_secretsmanager_secret_version.postgres.secret_string == null && aws_secretsmanager_secret_version.redis.secret_string == null
    error_message = "What Terraform writes into secrets is not in its state."
  }

  assert {
    condition     = !aws_db_instance.main.multi_az && !aws_db_instance.main.deletion_protection && aws_db_instance.main.skip_final_snapshot
    error_message = "A dev stage is cheap and can be unmade."
  }

  assert {
    condition     = length(aws_nat_gateway.out) == 0 && length(aws_internet_gateway.out) == 0 && length(aws_vpc_security_group_egress_rule.out) == 0
    error_message = "With Cognito there is no way to the Internet."
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.service)) == toset(["execute-api", "lambda", "secretsmanager"]) && length(aws_vpc_endpoint.cognito) == 1
    error_message = "Endpoints for what the app calls, and no other."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.service : endpoint.private_dns_enabled && length(endpoint.subnet_ids) == 1])
    error_message = "Endpoints answer to the services' own names, in one zone outside prod."
  }

  assert {
    condition     = length(aws_vpc_endpoint.s3.route_table_ids) == 2
    error_message = "S3 is reached from every zone."
  }

  assert {
    condition     = toset(aws_cognito_user_pool_client.app[0].write_attributes) == toset(["email", "name"])
    error_message = "Who could write tenant_id or roles could be anybody."
  }

  assert {
    condition     = output.jwt_jwks_url == "${output.jwt_issuer}/.well-known/jwks.json" && output.jwt_audience == aws_cognito_user_pool_client.app[0].id
    error_message = "The app is told the pool's issuer, keys and audience."
  }

  assert {
    condition     = output.environment.DATABASE_SECRET_ARN == output.postgres_secret_arn && output.environment.REDIS_SECRET_ARN == output.redis_secret_arn
    error_message = "The app is told where its logins are."
  }

  assert {
    condition     = alltrue([for url in [output.environment.DATABASE_URL, output.environment.REDIS_URL, output.function_environment.migrate.MIGRATION_DATABASE_URL] : !strcontains(url, "@")])
    error_message = "No URL has a login in it."
  }

  assert {
    condition     = endswith(output.environment.DATABASE_URL, "/rollcall?sslmode=verify-full&sslrootcert=rds") && startswith(output.environment.REDIS_URL, "rediss://")
    error_message = "The app checks whom it speaks to."
  }

  assert {
    condition     = keys(output.function_environment) == ["migrate"] && output.function_environment.migrate.MIGRATION_DATABASE_SECRET_ARN == output.postgres_owner_secret_arn
    error_message = "Only the function that migrates is told of the owner."
  }

  assert {
    condition     = length(aws_wafv2_web_acl_association.api) == 0 && length(aws_api_gateway_method_settings.all) == 0
    error_message = "Before the first deploy there is no API to put anything before."
  }

  assert {
    condition     = one(aws_elasticache_parameter_group.main[0].parameter).name == "maxmemory-policy" && one(aws_elasticache_parameter_group.main[0].parameter).value == "noeviction"
    error_message = "A full Redis refuses jobs and drops none."
  }

  assert {
    condition     = aws_elasticache_replication_group.main[0].parameter_group_name == aws_elasticache_parameter_group.main[0].name
    error_message = "The parameters are used."
  }

  assert {
    condition = (
      aws_elasticache_replication_group.main[0].transit_encryption_enabled
      && aws_elasticache_replication_group.main[0].transit_encryption_mode == "required"
      && tobool(aws_elasticache_replication_group.main[0].at_rest_encryption_enabled)
    )
    error_message = "Redis speaks TLS only, and is encrypted."
  }

  assert {
    condition     = aws_elasticache_replication_group.main[0].num_cache_clusters == 2 && aws_elasticache_replication_group.main[0].automatic_failover_enabled && output.redis_min_replicas == 1
    error_message = "A replica takes over, and a mark is answered only when it is there."
  }

  assert {
    condition     = aws_elasticache_user_group.main[0].user_ids == toset([aws_elasticache_user.app[0].user_id])
    error_message = "Nobody but the app's user signs in: no default user."
  }

  assert {
    condition     = one(aws_elasticache_user.app[0].authentication_mode).passwords == toset(["0123456789abcdef0123456789abcdef"])
    error_message = "The user's password is the one of the secret."
  }

  # Two stages in one account must not meet.
  assert {
    condition = alltrue([
      for name in concat(
        [
          aws_db_instance.main.identifier, aws_db_subnet_group.main.name, aws_db_parameter_group.main.name_prefix,
          aws_elasticache_replication_group.main[0].replication_group_id, aws_elasticache_subnet_group.main[0].name,
          aws_elasticache_parameter_group.main[0].name, aws_elasticache_user.app[0].user_id,
          aws_elasticache_user_group.main[0].user_group_id, aws_kms_alias.main.name, aws_secretsmanager_secret.postgres.name,
          aws_secretsmanager_secret.redis.name, aws_cognito_user_pool.main[0].name, aws_s3_bucket.files.bucket,
          aws_wafv2_web_acl.api.name, aws_sns_topic.alarms.name, aws_cloudwatch_dashboard.main.dashboard_name,
          aws_budgets_budget.monthly.name, aws_cloudwatch_log_group.api_access.name, aws_cloudwatch_log_group.waf.name,
          aws_cloudwatch_log_group.flows.name, aws_cloudwatch_log_group.redis[0].name, aws_iam_role.flow_log.name,
          aws_iam_role.postgres_monitoring.name, aws_security_group.functions.name, aws_security_group.postgres.name,
          aws_security_group.redis.name, aws_security_group.endpoints.name,
        ],
        [for role in aws_iam_role.function : role.name],
        [for group in aws_cloudwatch_log_group.function : group.name],
        [for group in aws_cloudwatch_log_group.postgres : group.name],
        [for alarm in aws_cloudwatch_metric_alarm.main : alarm.alarm_name],
      ) : strcontains(name, "dev")
    ])
    error_message = "Every name carries the stage."
  }
}
