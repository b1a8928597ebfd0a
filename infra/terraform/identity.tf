# Who may sign in: a Cognito user pool, unless there is an issuer already.

resource "aws_cognito_user_pool" "main" {
  count               = var.oidc_issuer == null ? 1 : 0
  name                = local.name
  user_pool_tier      = "ESSENTIALS" # the least in which claims may be lists, as `roles` is
  deletion_protection = local.deletion_protection ? "ACTIVE" : "INACTIVE"

  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  mfa_configuration        = "OPTIONAL"

  username_configuration {
    case_sensitive = false
  }

  software_token_mfa_configuration {
    enabled = true
  }

  password_policy {
    minimum_length                   = 12
    require_lowercase                = true
    require_uppercase                = true
    require_numbers                  = true
    require_symbols                  = false
    temporary_password_validity_days = 7
  }

  # A school enters its people; nobody signs up.
  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  # Tokens tell these as custom:tenant_id and custom:roles. The app reads tenant_id and roles: see claims_function_arn.
  schema {
    name                = "tenant_id"
    attribute_data_type = "String"
    mutable             = true

    string_attribute_constraints {
      min_length = 36
      max_length = 36
    }
  }

  schema {
    name                = "roles"
    attribute_data_type = "String"
    mutable             = true

    string_attribute_constraints {
      min_length = 1
      max_length = 100
    }
  }

  dynamic "lambda_config" {
    for_each = var.claims_function_arn[*]

    content {
      pre_token_generation_config {
        lambda_arn     = lambda_config.value
        lambda_version = "V2_0"
      }
    }
  }
}

resource "aws_lambda_permission" "claims" {
  count         = var.oidc_issuer == null && var.claims_function_arn != null ? 1 : 0
  statement_id  = local.name
  action        = "lambda:InvokeFunction"
  function_name = var.claims_function_arn
  principal     = "cognito-idp.amazonaws.com"
  source_arn    = aws_cognito_user_pool.main[0].arn
}

resource "aws_cognito_user_pool_client" "app" {
  count        = var.oidc_issuer == null ? 1 : 0
  name         = "rollcall"
  user_pool_id = aws_cognito_user_pool.main[0].id

  explicit_auth_flows           = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
  prevent_user_existence_errors = "ENABLED"
  enable_token_revocation       = true
  generate_secret               = false # a page in a browser keeps none

  # Whoever could write tenant_id or roles could be anybody in any school.
  read_attributes  = ["email", "name", "custom:tenant_id", "custom:roles"]
  write_attributes = ["email", "name"]

  access_token_validity  = 60
  id_token_validity      = 60
  refresh_token_validity = 12

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "hours" # a school day
  }
}

locals {
  # The id token is the one to send: Cognito's access token has no `aud`, which the app requires.
  issuer = var.oidc_issuer != null ? {
    url      = var.oidc_issuer
    jwks_url = var.oidc_jwks_url
    audience = var.oidc_audience
    } : {
    url      = "https://${aws_cognito_user_pool.main[0].endpoint}"
    jwks_url = "https://${aws_cognito_user_pool.main[0].endpoint}/.well-known/jwks.json"
    audience = aws_cognito_user_pool_client.app[0].id
  }
}
