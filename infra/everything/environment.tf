# What each function is told, beside what .chalice/config.json says. Secrets are told by their ARNs.

locals {
  environment = { for key, own in local.chalice_environment : key => merge(own, local.told) }

  told = {
    DRAIN_FUNCTION     = local.function_names.drain
    JWT_AUDIENCE       = local.issuer.audience
    JWT_ISSUER         = local.issuer.url
    JWT_JWKS_URL       = local.issuer.jwks_url
    REDIS_CLUSTER      = local.node ? 0 : 1
    REDIS_MIN_REPLICAS = local.node ? 1 : 0

    # Not from the stage, which comes after the functions.
    WEBSOCKET_URL      = "${aws_apigatewayv2_api.websocket_api.api_endpoint}/${var.stage}"
    WEBSOCKET_ENDPOINT = "${replace(aws_apigatewayv2_api.websocket_api.api_endpoint, "wss://", "https://")}/${var.stage}"
  }
}
