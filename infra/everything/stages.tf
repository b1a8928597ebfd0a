# Where the two APIs are reached, with what Chalice cannot give them: a log of who asked, limits, traces.

locals {
  # Of whom and what nothing is said: neither addresses nor paths, which hold ids of students.
  access_log = {
    requestId = "$context.requestId"
    at        = "$context.requestTimeEpoch"
    method    = "$context.httpMethod"
    resource  = "$context.resourcePath"
    status    = "$context.status"
    ms        = "$context.responseLatency"
    bytes     = "$context.responseLength"
    error     = "$context.error.responseType"
  }
  websocket_access_log = {
    requestId  = "$context.requestId"
    at         = "$context.requestTimeEpoch"
    connection = "$context.connectionId"
    route      = "$context.routeKey"
    status     = "$context.status"
    error      = "$context.error.responseType"
  }
}

resource "aws_api_gateway_stage" "rest" {
  #checkov:skip=CKV_AWS_120:answers differ by who asks and are never cached
  #checkov:skip=CKV2_AWS_51:who asks is known by a bearer token, not by a client's certificate
  rest_api_id          = aws_api_gateway_rest_api.rest_api.id
  deployment_id        = aws_api_gateway_deployment.rest_api.id
  stage_name           = var.stage
  xray_tracing_enabled = var.tracing

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api_access.arn
    format          = jsonencode(local.access_log)
  }

  depends_on = [aws_api_gateway_account.main]
}

resource "aws_apigatewayv2_stage" "websocket" {
  api_id        = aws_apigatewayv2_api.websocket_api.id
  deployment_id = aws_apigatewayv2_deployment.websocket_api_deployment.id
  name          = var.stage

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api_access.arn
    format          = jsonencode(local.websocket_access_log)
  }

  default_route_settings {
    throttling_rate_limit  = local.size.requests_a_second
    throttling_burst_limit = local.size.burst
  }

  depends_on = [aws_api_gateway_account.main]
}
