# The most that is built: prod, for a state, with every choice that adds something. tests/aws/test_policies.py reads the
# policies of this run.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "prod" {
  variables {
    stage                  = "prod"
    size                   = "state"
    postgres_proxy         = true
    postgres_rotation_days = 30
    redis_password_version = 2
    notices                = true
    tracing                = true
    claims_function_arn    = "arn:aws:lambda:eu-west-1:123456789012:function:claims"
    alarm_emails           = ["office@school.example"]
    rest_api_id            = "abcde12345"
    websocket_api_id       = "fghij67890"
    api_gateway_account    = true
  }

  # Told apart, so that it can be read who may read which.
  override_resource {
    target = aws_secretsmanager_secret.postgres
    values = { arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rollcall/prod/postgres" }
  }

  override_resource {
    target = aws_secretsmanager_secret.redis
    values = { arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rollcall/prod/redis" }
  }

  override_data {
    target = data.aws_secretsmanager_secret_version.redis_before[0]
    values = { secret_string = "{\"username\":\"rollcall_app\",\"password\":\"fedcba9876543210fedcba9876543210\"}" }
  }

  assert {
    condition     = aws_db_instance.main.multi_az && aws_db_instance.main.deletion_protection && !aws_db_instance.main.skip_final_snapshot
    error_message = "Prod has a standby, and is not deleted without a snapshot."
  }

  assert {
    condition     = aws_db_instance.main.backup_retention_period == 35 && !aws_db_instance.main.delete_automated_backups
    error_message = "Backups of prod are kept as long as RDS can, and outlive it."
  }

  assert {
    condition     = !aws_s3_bucket.files.force_destroy && aws_cognito_user_pool.main[0].deletion_protection == "ACTIVE"
    error_message = "Files and people of prod are not deleted in passing."
  }

  assert {
    condition     = aws_secretsmanager_secret.postgres.recovery_window_in_days == 30 && aws_kms_key.main.deletion_window_in_days == 30
    error_message = "A deleted secret or key of prod can be had back for a month."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.service : length(endpoint.subnet_ids) == 3])
    error_message = "In prod an endpoint stands in every zone."
  }

  assert {
    condition     = aws_sns_topic_subscription.mail["office@school.example"].topic_arn == aws_sns_topic.alarms.arn
    error_message = "Somebody is told."
  }

  assert {
    condition     = length(aws_subnet.private) == 3 && aws_elasticache_replication_group.main[0].num_cache_clusters == 3
    error_message = "A state's stage stands in three zones."
  }

  assert {
    condition     = length(toset(concat(aws_subnet.private[*].cidr_block, [var.vpc_cidr]))) == 4
    error_message = "Subnets are parts of the network and differ."
  }

  assert {
    condition     = aws_db_proxy.main[0].require_tls && output.postgres_host == aws_db_proxy.main[0].endpoint && output.postgres_direct_host != output.postgres_host
    error_message = "The functions go through the proxy, migrations do not."
  }

  assert {
    condition     = contains(keys(aws_vpc_endpoint.service), "email") && contains(keys(aws_vpc_endpoint.service), "sns")
    error_message = "Notices have their doors."
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.main), [aws_cloudwatch_metric_alarm.silent]) : can(regex("[.:] docs/how-to/operate/[a-z0-9-]+[.]md$", alarm.alarm_description))])
    error_message = "Each alarm names the page that says what to do."
  }

  assert {
    condition     = length([for key in keys(aws_cloudwatch_metric_alarm.main) : key if startswith(key, "redis-replication-")]) == 3
    error_message = "Each node of Redis is watched."
  }

  assert {
    condition     = endswith(aws_wafv2_web_acl_association.api[0].resource_arn, "/restapis/abcde12345/stages/prod")
    error_message = "The firewall stands before the API's stage."
  }

  assert {
    condition     = !one(aws_api_gateway_method_settings.all[0].settings).data_trace_enabled && one(aws_api_gateway_method_settings.all[0].settings).throttling_rate_limit == 2000
    error_message = "Requests are limited, and their bodies reach no log."
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.function["drain"].policy, ":fghij67890/prod/POST/@connections/*")
    error_message = "Functions post to this API only."
  }

  assert {
    condition     = one(aws_secretsmanager_secret_rotation.postgres[0].rotation_rules).automatically_after_days == 30 && !aws_secretsmanager_secret_rotation.postgres[0].rotate_immediately
    error_message = "The password is changed in time, and not before the migrations have made the role."
  }

  assert {
    condition     = length(one(aws_elasticache_user.app[0].authentication_mode).passwords) == 2
    error_message = "Functions that run keep the password they have read."
  }
}
