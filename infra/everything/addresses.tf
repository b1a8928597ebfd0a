# Where the stage is reached.

output "api_url" {
  description = "What clients put before /api/v1/…"
  value       = aws_api_gateway_stage.rest.invoke_url
}

output "websocket_url" {
  description = "Where clients open WebSockets, with a ticket."
  value       = aws_apigatewayv2_stage.websocket.invoke_url
}

output "migrated" {
  description = "What the last migration said: revisions from and to, and whether the app's role was given its password."
  value       = one(aws_lambda_invocation.migrate[*].result)
}
