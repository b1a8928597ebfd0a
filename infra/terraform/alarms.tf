# What somebody is told of. The metrics in the namespace Rollcall are the app's own, with the dimension Stage.

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = aws_kms_key.main.arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsAndBudget"
      Effect    = "Allow"
      Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_sns_topic_subscription" "mail" {
  for_each  = toset(var.alarm_emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

locals {
  # Each alarm has a page that says what to do.
  runbooks = "docs/how-to/operate"

  stage_dimension    = { Stage = var.stage }
  api_dimensions     = { ApiName = "rollcall", Stage = var.stage } # Chalice calls the API of every stage like the app
  postgres_dimension = { DBInstanceIdentifier = local.name }

  # Either node may be the primary after a failover, so each is watched.
  redis_nodes = {
    node = merge([
      for group in range(1, 1 + var.redis_node_groups) : {
        for number in range(1, 2 + local.size.redis_replicas) :
        local.redis_cluster ? "${group}-${number}" : tostring(number) => {
          CacheClusterId = local.redis_cluster ? format("%s-%04d-%03d", local.name, group, number) : format("%s-%03d", local.name, number)
        }
      }
    ]...)
    serverless = { all = { clusterId = local.name } }
    memorydb   = { all = { ClusterName = local.name } }
  }[var.redis_kind]
  redis_namespace = local.memorydb ? "AWS/MemoryDB" : "AWS/ElastiCache"

  alarms = merge(
    {
      oldest-waiting = {
        page      = "oldest-waiting"
        says      = "A mark has waited for a minute: the drain does not keep up, or does not run."
        namespace = "Rollcall", metric = "OldestWaitingAge", dimensions = local.stage_dimension
        statistic = "Maximum", above = 60, minutes = 2
      }
      dead-jobs = {
        page      = "dead-jobs"
        says      = "Jobs have failed for good and wait for somebody to look at them."
        namespace = "Rollcall", metric = "DeadJobs", dimensions = local.stage_dimension
        statistic = "Maximum", above = 0, minutes = 1
      }
      api-5xx = {
        page      = "api-5xx"
        says      = "The API answers with errors of its own."
        namespace = "AWS/ApiGateway", metric = "5XXError", dimensions = local.api_dimensions
        statistic = "Sum", above = 5, minutes = 2
      }
      postgres-cpu = {
        page      = "postgres-cpu"
        says      = "Postgres works at its limit."
        namespace = "AWS/RDS", metric = "CPUUtilization", dimensions = local.postgres_dimension
        statistic = "Average", above = 80, minutes = 10
      }
      postgres-storage = {
        page      = "postgres-storage"
        says      = "A tenth of Postgres' first storage is left. It grows by itself up to its limit."
        namespace = "AWS/RDS", metric = "FreeStorageSpace", dimensions = local.postgres_dimension
        statistic = "Minimum", below = local.size.postgres_gb * 1024 * 1024 * 1024 / 10, minutes = 5
      }
      postgres-connections = {
        page      = "postgres-connections"
        says      = "Most of Postgres' connections are taken: use postgres_proxy or a larger class."
        namespace = "AWS/RDS", metric = "DatabaseConnections", dimensions = local.postgres_dimension
        statistic = "Maximum", above = local.size.postgres_sessions * 0.8, minutes = 5
      }
    },
    {
      for key, name in local.function_names : "errors-${key}" => {
        page      = "errors"
        says      = "${name} ends in errors."
        namespace = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = name }
        statistic = "Sum", above = 0, minutes = 1
      }
    },
    {
      for key, name in local.function_names : "throttles-${key}" => {
        page      = "throttles"
        says      = "${name} is not let run: its reserved concurrency or the account's is used up."
        namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = name }
        # A bell that is rung while both drains work is refused, and needed by nobody.
        statistic = "Sum", above = key == "drain" ? 100 : 0, minutes = 5
      }
    },
    local.serverless ? {} : merge([
      for number, dimensions in local.redis_nodes : {
        "redis-memory-${number}" = {
          page      = "redis-memory"
          says      = "Redis is nearly full; when it is, it refuses new marks (503)."
          namespace = local.redis_namespace, metric = "DatabaseMemoryUsagePercentage", dimensions = dimensions
          statistic = "Maximum", above = 75, minutes = 5
        }
        "redis-cpu-${number}" = {
          page      = "redis-cpu"
          says      = "Redis, which works on one core, is busy with it."
          namespace = local.redis_namespace, metric = "EngineCPUUtilization", dimensions = dimensions
          statistic = "Average", above = 80, minutes = 5
        }
        "redis-replication-${number}" = {
          page      = "redis-replication"
          says      = "A replica lags: a failover now would lose marks, or they are refused for want of it."
          namespace = local.redis_namespace, metric = "ReplicationLag", dimensions = dimensions
          statistic = "Maximum", above = 1, minutes = 3
        }
      }
    ]...),
    {
      for number, dimensions in local.redis_nodes : "redis-evictions-${number}" => {
        page      = "redis-evictions"
        says      = "Redis drops keys, among them accepted marks. It must run with noeviction."
        namespace = local.redis_namespace, metric = "Evictions", dimensions = dimensions
        statistic = "Sum", above = 0, minutes = 1
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "main" {
  for_each            = local.alarms
  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.says} ${local.runbooks}/${each.value.page}.md"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = can(each.value.below) ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.below, each.value.above)
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# The app tells the age of its queue only while it runs; that it runs is told by this one.
resource "aws_cloudwatch_metric_alarm" "silent" {
  alarm_name          = "${local.name}-drain-silent"
  alarm_description   = "The drain of every minute has not run for five: retries do not fall due, and a lost bell is not made good. ${local.runbooks}/drain-silent.md"
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = local.function_names.drain_schedule }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
