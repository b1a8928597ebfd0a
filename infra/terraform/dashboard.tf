# One page to look at when something is asked: the queue, the API, the functions, the servers.

locals {
  charts = [
    { title = "Oldest waiting mark, seconds", stat = "Maximum", series = [["Rollcall", "OldestWaitingAge", local.stage_dimension]] },
    { title = "Waiting jobs", stat = "Maximum", series = [["Rollcall", "Depth", local.stage_dimension]] },
    {
      title  = "Marks: accepted and drained", stat = "Sum"
      series = [for metric in ["MarksAccepted", "MarksDrained"] : ["Rollcall", metric, local.stage_dimension]]
    },
    {
      title  = "Marks: what became of them", stat = "Sum"
      series = [for what in ["Applied", "Unchanged", "Superseded", "Rejected"] : ["Rollcall", "Marks${what}", local.stage_dimension]]
    },
    {
      title  = "Requests refused, jobs tried again, stalled, dead", stat = "Sum"
      series = [for metric in ["Refused", "JobsRetried", "JobsStalled", "JobsDied"] : ["Rollcall", metric, local.stage_dimension]]
    },
    { title = "Dead jobs", stat = "Maximum", series = [["Rollcall", "DeadJobs", local.stage_dimension]] },
    {
      title  = "API: requests and errors", stat = "Sum"
      series = [for metric in ["Count", "4XXError", "5XXError"] : ["AWS/ApiGateway", metric, local.api_dimensions]]
    },
    { title = "API: time to answer, p99, ms", stat = "p99", series = [["AWS/ApiGateway", "Latency", local.api_dimensions]] },
    {
      title  = "Functions: errors", stat = "Sum"
      series = [for name in values(local.function_names) : ["AWS/Lambda", "Errors", { FunctionName = name }]]
    },
    {
      title  = "Functions: at once", stat = "Maximum"
      series = [for name in values(local.function_names) : ["AWS/Lambda", "ConcurrentExecutions", { FunctionName = name }]]
    },
    { title = "Postgres: CPU, %", stat = "Average", series = [["AWS/RDS", "CPUUtilization", local.postgres_dimension]] },
    { title = "Postgres: connections", stat = "Maximum", series = [["AWS/RDS", "DatabaseConnections", local.postgres_dimension]] },
    {
      title = "Redis: memory, % (serverless: bytes)", stat = "Maximum"
      series = [
        for dimensions in values(local.redis_nodes) :
        [local.redis_namespace, local.serverless ? "BytesUsedForCache" : "DatabaseMemoryUsagePercentage", dimensions]
      ]
    },
    { title = "Firewall: refused", stat = "Sum", series = [["AWS/WAFV2", "BlockedRequests", { WebACL = local.name, Region = var.region, Rule = "ALL" }]] },
  ]
}

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = local.name

  dashboard_body = jsonencode({
    widgets = [
      for position, chart in local.charts : {
        type   = "metric"
        x      = position % 2 * 12
        y      = floor(position / 2) * 6
        width  = 12
        height = 6
        properties = {
          title  = chart.title
          region = var.region
          stat   = chart.stat
          period = 60
          # CloudWatch wants [namespace, metric, name, value, …]
          metrics = [
            for series in chart.series :
            concat([series[0], series[1]], flatten([for name, value in series[2] : [name, value]]))
          ]
        }
      }
    ]
  })
}
