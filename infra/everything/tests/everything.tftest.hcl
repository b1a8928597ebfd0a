# A stage that one apply makes, on a mocked provider: nothing waits for itself, and what is made knows each other at once.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "everything" {
  variables {
    stage               = "dev"
    api_gateway_account = true
    tracing             = true
  }

  assert {
    condition     = length(aws_wafv2_web_acl_association.api) == 1 && length(aws_api_gateway_method_settings.all) == 1
    error_message = "The firewall and the limits stand before the API from the first apply on."
  }

}
