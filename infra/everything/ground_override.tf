# Terraform merges a file of this name over the others: here the APIs are made by the same apply, so that the ground knows
# them at once and not by variables at a second one.

locals {
  api_made         = true
  rest_api_id      = aws_api_gateway_stage.rest.rest_api_id # only once there is a stage to put the firewall before
  websocket_api_id = aws_apigatewayv2_api.websocket_api.id
}
