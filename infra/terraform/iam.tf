# What each function may do: a role of its own, with its own actions on its own things. tests/aws/test_policies.py reads
# them and knows each `*`.

locals {
  # Named as Chalice names them: the REST handler like the app and stage, the others after it.
  functions = {
    api                  = { name = "", secrets = ["postgres", "redis"], rings = true, posts = true, imports = false }
    drain                = { name = "-drain", secrets = ["postgres", "redis"], rings = false, posts = true, imports = false }
    drain_schedule       = { name = "-drain_schedule", secrets = ["postgres", "redis"], rings = false, posts = true, imports = false }
    maintain             = { name = "-maintain", secrets = ["postgres", "redis"], rings = false, posts = false, imports = false }
    migrate              = { name = "-migrate", secrets = ["owner", "postgres"], rings = false, posts = false, imports = false }
    import               = { name = "-import", secrets = ["postgres", "redis"], rings = false, posts = false, imports = true }
    websocket_connect    = { name = "-websocket_connect", secrets = ["redis"], rings = false, posts = false, imports = false }
    websocket_message    = { name = "-websocket_message", secrets = ["postgres", "redis"], rings = false, posts = true, imports = false }
    websocket_disconnect = { name = "-websocket_disconnect", secrets = ["redis"], rings = false, posts = false, imports = false }
  }

  function_names = { for key, function in local.functions : key => "${local.name}${function.name}" }
  function_arns  = { for key, name in local.function_names : key => "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${name}" }
  drain_arn      = local.function_arns.drain

  # Before the first deploy the API has no id: then any API of this account with a stage of this name.
  connections_arn = format(
    "arn:%s:execute-api:%s:%s:%s/%s/POST/@connections/*", # connections come and go, each with a new id
    local.partition, var.region, local.account, coalesce(local.websocket_api_id, "*"), var.stage,
  )

  secret_arns = {
    owner    = aws_db_instance.main.master_user_secret[0].secret_arn
    postgres = aws_secretsmanager_secret.postgres.arn
    redis    = one(aws_secretsmanager_secret.redis[*].arn)
  }

  # With tokens of IAM there is but one password to read: the owner's, by whom migrates.
  function_secrets = {
    for key, function in local.functions : key => [
      for name in function.secrets : local.secret_arns[name] if !var.iam_tokens || name == "owner"
    ]
  }
  function_decrypts_by = {
    for key, function in local.functions : key => concat(
      length(local.function_secrets[key]) > 0 ? ["secretsmanager.${var.region}.amazonaws.com"] : [],
      function.imports ? ["s3.${var.region}.amazonaws.com"] : [],
    )
  }

  network_actions = [
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces", "ec2:UnassignPrivateIpAddresses",
  ]

  function_statements = {
    for key, function in local.functions : key => concat(
      [
        {
          Sid      = "WriteItsLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${aws_cloudwatch_log_group.function[key].arn}:*" # streams are named by the minute
        },
        {
          # Lambda itself asks for these by the role. DescribeNetworkInterfaces knows no resource, and Lambda checks
          # the others before the interface exists.
          Sid      = "StandInTheNetwork"
          Effect   = "Allow"
          Action   = local.network_actions
          Resource = "*"
        },
        {
          # Requests of the code carry the function's ARN, those of Lambda do not: so the code cannot use the above.
          Sid       = "ButNotTheCode"
          Effect    = "Deny"
          Action    = local.network_actions
          Resource  = "*"
          Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.function_arns[key] } }
        },
      ],
      length(local.function_secrets[key]) > 0 ? [{
        Sid      = "ReadItsSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = local.function_secrets[key]
      }] : [],
      length(local.function_decrypts_by[key]) > 0 ? [{
        Sid       = "DecryptThem"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = aws_kms_key.main.arn
        Condition = { StringEquals = { "kms:ViaService" = local.function_decrypts_by[key] } }
      }] : [],
      var.iam_tokens && key != "migrate" && contains(function.secrets, "postgres") ? [{
        Sid      = "SignInToPostgres"
        Effect   = "Allow"
        Action   = ["rds-db:connect"]
        Resource = "arn:${local.partition}:rds-db:${var.region}:${local.account}:dbuser:${aws_db_instance.main.resource_id}/rollcall_app"
      }] : [],
      var.iam_tokens && contains(function.secrets, "redis") ? [{
        Sid      = "SignInToRedis"
        Effect   = "Allow"
        Action   = [local.memorydb ? "memorydb:Connect" : "elasticache:Connect"]
        Resource = [local.redis_cache, local.redis_user_arn]
      }] : [],
      function.rings ? [{
        Sid      = "RingTheDrain"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = local.drain_arn
      }] : [],
      function.posts ? [{
        Sid      = "PostToOpenWebSockets"
        Effect   = "Allow"
        Action   = ["execute-api:ManageConnections"]
        Resource = local.connections_arn
      }] : [],
      function.imports ? [{
        Sid      = "ReadUploads"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "${local.bucket_arn}/uploads/*"
      }] : [],
      var.tracing ? [{
        Sid      = "SendTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*" # a trace is no resource
      }] : [],
    )
  }

  # Who may take which role on.
  trust = {
    for service in ["apigateway", "lambda", "monitoring.rds", "rds", "vpc-flow-logs"] : service => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Service = "${service}.amazonaws.com" }
        Action    = "sts:AssumeRole"
      }]
    })
  }
}

resource "aws_iam_role" "function" {
  for_each           = local.functions
  name               = "${local.name}-${replace(each.key, "_", "-")}"
  description        = "The function ${local.function_names[each.key]}"
  assume_role_policy = local.trust["lambda"]
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions
  name     = "app"
  role     = aws_iam_role.function[each.key].id
  policy   = jsonencode({ Version = "2012-10-17", Statement = local.function_statements[each.key] })
}

# RDS Proxy reads the password that it hands on.

resource "aws_iam_role" "proxy" {
  count              = var.postgres_proxy ? 1 : 0
  name               = "${local.name}-postgres-proxy"
  assume_role_policy = local.trust["rds"]
}

resource "aws_iam_role_policy" "proxy" {
  count = var.postgres_proxy ? 1 : 0
  name  = "secret"
  role  = aws_iam_role.proxy[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadItsSecret"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = aws_secretsmanager_secret.postgres.arn
      },
      {
        Sid       = "DecryptIt"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = aws_kms_key.main.arn
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
      },
    ]
  })
}

# RDS writes the figures of the machine.

resource "aws_iam_role" "postgres_monitoring" {
  name               = "${local.name}-postgres-monitoring"
  assume_role_policy = local.trust["monitoring.rds"]
}

resource "aws_iam_role_policy_attachment" "postgres_monitoring" {
  role       = aws_iam_role.postgres_monitoring.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

# The network writes refused connections.

resource "aws_iam_role" "flow_log" {
  name               = "${local.name}-flow-log"
  assume_role_policy = local.trust["vpc-flow-logs"]
}

resource "aws_iam_role_policy" "flow_log" {
  name = "log"
  role = aws_iam_role.flow_log.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteItsLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.flows.arn}:*" # streams are named by the network interface
    }]
  })
}

# API Gateway writes logs, for all APIs of the account: AWS offers its own policy for that and nothing narrower.

resource "aws_iam_role" "api_gateway" {
  count              = var.api_gateway_account ? 1 : 0
  name               = "${local.name}-api-gateway"
  assume_role_policy = local.trust["apigateway"]
}

resource "aws_iam_role_policy_attachment" "api_gateway" {
  count      = var.api_gateway_account ? 1 : 0
  role       = aws_iam_role.api_gateway[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
