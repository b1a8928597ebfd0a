# What each function is told: what .chalice/config.json says, what the ground says, and where live progress is.

locals {
  environment = {
    for key, own in local.chalice_environment :
    key => merge(own, local.settings, lookup(local.function_settings, key, {}), local.websocket_settings)
  }

  # By the API and not by its stage, which comes after the functions.
  websocket_address = "${aws_apigatewayv2_api.websocket_api.id}.execute-api.${var.region}.${data.aws_partition.current.dns_suffix}/${var.stage}"
  websocket_settings = {
    WEBSOCKET_ENDPOINT = "https://${local.websocket_address}"
    WEBSOCKET_URL      = "wss://${local.websocket_address}"
  }
}
