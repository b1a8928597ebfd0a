# What the app is told, as chalicelib/config.py reads it. URLs without a password, and the ARNs of the logins: no secret.

locals {
  # RDS signs for its instances itself; RDS Proxy has a certificate of Amazon's public authorities.
  postgres_address = var.postgres_proxy ? aws_db_proxy.main[0].endpoint : aws_db_instance.main.address
  postgres_roots   = var.postgres_proxy ? "system" : "rds"
  database         = aws_db_instance.main.db_name

  # Who signs in by a token says so in the URL; a secret names its user itself.
  database_user = var.iam_tokens ? "rollcall_app@" : ""
  redis_login   = var.iam_tokens ? "${local.redis_user}@" : ""
  logins = var.iam_tokens ? {
    DATABASE_IAM = "1"
    REDIS_IAM    = "${var.redis_kind}:${local.name}"
    } : {
    DATABASE_SECRET_ARN = local.secret_arns.postgres
    REDIS_SECRET_ARN    = local.secret_arns.redis
  }

  shards_also = var.queue_shards_also == null ? {} : { QUEUE_SHARDS_ALSO = tostring(var.queue_shards_also) }

  settings = merge(local.logins, local.shards_also, {
    ROLLCALL_STAGE     = var.stage
    DATABASE_URL       = "postgresql://${local.database_user}${local.postgres_address}:5432/${local.database}?sslmode=verify-full&sslrootcert=${local.postgres_roots}"
    REDIS_URL          = "rediss://${local.redis_login}${local.redis_address}:6379/0"
    REDIS_CLUSTER      = local.redis_cluster ? "1" : "0"
    QUEUE_SHARDS       = tostring(var.queue_shards)
    REDIS_MIN_REPLICAS = local.node ? "1" : "0"
    JWT_ISSUER         = local.issuer.url
    JWT_JWKS_URL       = local.issuer.jwks_url
    JWT_AUDIENCE       = local.issuer.audience
    DRAIN_FUNCTION     = local.function_names.drain
    CORS_ORIGINS       = join(",", var.web_origins)
  })

  # Beside those: the owner is known to the function that migrates, and to no other.
  function_settings = {
    migrate = {
      MIGRATION_DATABASE_URL        = "postgresql://${aws_db_instance.main.address}:5432/${local.database}?sslmode=verify-full&sslrootcert=rds"
      MIGRATION_DATABASE_SECRET_ARN = local.secret_arns.owner
    }
  }
}
