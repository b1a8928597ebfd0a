# What cannot be is refused before anything is made.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "each_alone_is_wrong" {
  command = plan

  variables {
    stage                  = "production"
    region                 = "Ireland"
    size                   = "school"
    vpc_cidr               = "10.0.0.0/24"
    zones                  = ["eu-west-1a"]
    websocket_route        = "internet"
    postgres_class         = "large"
    postgres_rotation_days = 0.5
    backup_days            = 0
    redis_kind             = "cluster"
    redis_password_version = 0
    queue_shards           = 65
    queue_shards_also      = 1.5
    oidc_issuer            = "http://id.school.example"
    claims_function_arn    = "claims"
    web_origins            = ["https://attendance.school.example", "*"]
    rest_api_id            = "https://abcde12345.execute-api.eu-west-1.amazonaws.com"
    websocket_api_id       = "wss://x"
    alarm_emails           = ["office"]
    log_days               = 31
    monthly_budget_usd     = 0
  }

  expect_failures = [
    var.stage, var.region, var.vpc_cidr, var.zones, var.websocket_route, var.postgres_class, var.postgres_rotation_days,
    var.backup_days, var.redis_kind, var.redis_password_version, var.queue_shards, var.queue_shards_also, var.oidc_issuer,
    var.claims_function_arn, var.web_origins, var.rest_api_id, var.websocket_api_id, var.alarm_emails, var.log_days,
    var.monthly_budget_usd,
  ]
}

run "a_size_that_is_not_in_the_table" {
  command = plan

  variables {
    stage = "dev"
    size  = "town"
  }

  expect_failures = [var.size]
}

run "what_does_not_go_together" {
  command = plan

  variables {
    stage           = "dev"
    oidc_issuer     = "https://id.school.example"
    redis_node_type = "db.r7g.large"
    iam_tokens      = true
    postgres_proxy  = true
  }

  expect_failures = [var.oidc_jwks_url, var.redis_node_type, var.iam_tokens]
}

run "no_group_of_nodes_at_all" {
  command = plan

  variables {
    stage             = "dev"
    redis_node_groups = 0
  }

  expect_failures = [var.redis_node_groups]
}

run "groups_of_nodes_without_nodes" {
  command = plan

  variables {
    stage             = "dev"
    redis_kind        = "serverless"
    redis_node_groups = 2
  }

  expect_failures = [var.redis_node_groups, check.redis_kind]
}
