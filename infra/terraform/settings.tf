# What the app is told, as chalicelib/config.py reads it. URLs without a login, and the ARNs of the logins: no secret.

locals {
  # RDS signs for its instances itself; RDS Proxy has a certificate of Amazon's public authorities.
  postgres_address = var.postgres_proxy ? aws_db_proxy.main[0].endpoint : aws_db_instance.main.address
  postgres_roots   = var.postgres_proxy ? "system" : "rds"
  database         = aws_db_instance.main.db_name

  settings = {
    DATABASE_URL        = "postgresql://${local.postgres_address}:5432/${local.database}?sslmode=verify-full&sslrootcert=${local.postgres_roots}"
    DATABASE_SECRET_ARN = local.secret_arns.postgres
    REDIS_URL           = "rediss://${local.redis_address}:6379/0"
    REDIS_SECRET_ARN    = local.secret_arns.redis
    REDIS_CLUSTER       = local.node ? "0" : "1"
    REDIS_MIN_REPLICAS  = local.node ? "1" : "0"
    JWT_ISSUER          = local.issuer.url
    JWT_JWKS_URL        = local.issuer.jwks_url
    JWT_AUDIENCE        = local.issuer.audience
    DRAIN_FUNCTION      = local.function_names.drain
  }

  # Beside those: the owner is known to the function that migrates, and to no other.
  function_settings = {
    migrate = {
      MIGRATION_DATABASE_URL        = "postgresql://${aws_db_instance.main.address}:5432/${local.database}?sslmode=verify-full&sslrootcert=rds"
      MIGRATION_DATABASE_SECRET_ARN = local.secret_arns.owner
    }
  }
}
