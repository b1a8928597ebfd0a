# Before the REST API: a firewall, limits, and a log of who asked. Chalice makes the API, so its id comes from outside.

locals {
  # infra/everything says these anew: there the APIs are made by the same apply.
  api_made         = var.rest_api_id != null
  rest_api_id      = var.rest_api_id
  websocket_api_id = var.websocket_api_id

  # Rule groups of AWS's, and the rules of them that would refuse the app's own requests.
  managed_rules = {
    AWSManagedRulesAmazonIpReputationList = []
    AWSManagedRulesKnownBadInputsRuleSet  = []
    # A list of 5,000 marks is far larger than the 8 KB that this rule allows. The app has a limit of its own.
    AWSManagedRulesCommonRuleSet = ["SizeRestrictions_BODY"]
  }
}

resource "aws_wafv2_web_acl" "api" {
  #checkov:skip=CKV_AWS_192:AWSManagedRulesKnownBadInputsRuleSet holds it; checkov does not unroll the rules
  name        = local.name
  description = "Before the REST API of ${local.name}"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 0

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit                 = local.size.address_requests
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"
      }
    }

    visibility_config {
      metric_name                = "${local.name}-rate"
      cloudwatch_metrics_enabled = true
      sampled_requests_enabled   = false # samples would show tokens
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules

    content {
      name     = rule.key
      priority = 1 + index(keys(local.managed_rules), rule.key)

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key

          dynamic "rule_action_override" {
            for_each = rule.value

            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        metric_name                = "${local.name}-${rule.key}"
        cloudwatch_metrics_enabled = true
        sampled_requests_enabled   = false
      }
    }
  }

  visibility_config {
    metric_name                = local.name
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_logging_configuration" "api" {
  resource_arn            = aws_wafv2_web_acl.api.arn
  log_destination_configs = [aws_cloudwatch_log_group.waf.arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  # What was let through is in the access log already.
  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition {
          action = "BLOCK"
        }
      }

      condition {
        action_condition {
          action = "COUNT"
        }
      }
    }
  }
}

resource "aws_wafv2_web_acl_association" "api" {
  count        = local.api_made ? 1 : 0
  resource_arn = "arn:${local.partition}:apigateway:${var.region}::/restapis/${local.rest_api_id}/stages/${var.stage}"
  web_acl_arn  = aws_wafv2_web_acl.api.arn
}

resource "aws_api_gateway_method_settings" "all" {
  count       = local.api_made ? 1 : 0
  rest_api_id = local.rest_api_id
  stage_name  = var.stage
  method_path = "*/*"

  settings {
    #checkov:skip=CKV_AWS_225:answers differ by who asks and are never cached
    #checkov:skip=CKV_AWS_308:nothing is cached, so nothing is to be encrypted
    metrics_enabled        = true
    logging_level          = "ERROR"
    data_trace_enabled     = false # it would write bodies, so names and remarks, into the log
    throttling_rate_limit  = local.size.requests_a_second
    throttling_burst_limit = local.size.burst
  }

  depends_on = [aws_api_gateway_account.main]
}

# One role for the account and region, by which API Gateway writes logs.

resource "aws_api_gateway_account" "main" {
  count               = var.api_gateway_account ? 1 : 0
  cloudwatch_role_arn = aws_iam_role.api_gateway[0].arn
  reset_on_delete     = true # else the account would go on naming a role that is gone
}
