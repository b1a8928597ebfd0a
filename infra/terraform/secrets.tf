# The key of the stage, and what only the functions may know.

resource "aws_kms_key" "main" {
  description             = "Everything that ${local.name} stores"
  enable_key_rotation     = true
  deletion_window_in_days = local.key_days

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # AWS's own default. Without it nobody could ever administer the key, and IAM policies would not count.
        Sid       = "TheAccountAdministers"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*" # in a key's policy: this key
      },
      {
        Sid       = "LogsAreEncrypted"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*" # this key
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:*" }
        }
      },
      {
        Sid       = "AlarmsReachTheTopic"
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*" # this key
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
  })
}

resource "aws_kms_alias" "main" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.main.key_id
}

# The app's role in Postgres. The migrations make the role with this password; whoever changes it later changes both.
# With iam_tokens nobody reads it: the role is granted rds_iam, and RDS takes no password of it then.

resource "aws_secretsmanager_secret" "postgres" {
  name                    = "rollcall/${var.stage}/postgres"
  description             = "How the functions sign in to Postgres"
  kms_key_id              = aws_kms_key.main.arn
  recovery_window_in_days = local.secret_days
}

resource "aws_secretsmanager_secret_version" "postgres" {
  secret_id = aws_secretsmanager_secret.postgres.id

  # Written once and never stored in the state. The names are those that AWS's rotation function reads.
  secret_string_wo = jsonencode({
    engine   = "postgres"
    host     = aws_db_instance.main.address
    port     = aws_db_instance.main.port
    dbname   = aws_db_instance.main.db_name
    username = "rollcall_app"
    password = sha256("${uuid()}${uuid()}")
  })
  secret_string_wo_version = 1
}

# AWS's own function for changing a password of Postgres, from its public repository of applications.
resource "aws_serverlessapplicationrepository_cloudformation_stack" "rotation" {
  count          = var.postgres_rotation_days > 0 ? 1 : 0
  name           = "${local.name}-rotation"
  application_id = "arn:aws:serverlessrepo:us-east-1:297356227924:applications/SecretsManagerRDSPostgreSQLRotationSingleUser"
  capabilities   = ["CAPABILITY_IAM", "CAPABILITY_RESOURCE_POLICY"]

  parameters = {
    functionName        = "${local.name}-rotation"
    endpoint            = "https://secretsmanager.${var.region}.amazonaws.com"
    kmsKeyArn           = aws_kms_key.main.arn
    vpcSubnetIds        = join(",", aws_subnet.private[*].id)
    vpcSecurityGroupIds = aws_security_group.functions.id
    excludeCharacters   = ":/@\"'\\%?#[]&+ " # what a URL would have to escape
  }
}

resource "aws_secretsmanager_secret_rotation" "postgres" {
  count               = var.postgres_rotation_days > 0 ? 1 : 0
  secret_id           = aws_secretsmanager_secret.postgres.id
  rotation_lambda_arn = aws_serverlessapplicationrepository_cloudformation_stack.rotation[0].outputs["RotationLambdaARN"]
  rotate_immediately  = false

  rotation_rules {
    automatically_after_days = var.postgres_rotation_days
  }
}

# The app's user in Redis. ElastiCache takes a password only as a stored argument, so this one is in the state.

resource "aws_secretsmanager_secret" "redis" {
  #checkov:skip=CKV2_AWS_57:no rotation function of AWS knows Valkey; redis_password_version changes it without a gap
  count                   = var.iam_tokens ? 0 : 1
  name                    = "rollcall/${var.stage}/redis"
  description             = "How the functions sign in to Redis"
  kms_key_id              = aws_kms_key.main.arn
  recovery_window_in_days = local.secret_days
}

resource "aws_secretsmanager_secret_version" "redis" {
  count     = var.iam_tokens ? 0 : 1
  secret_id = aws_secretsmanager_secret.redis[0].id

  secret_string_wo = jsonencode({
    username = local.redis_user
    password = sha256("${uuid()}${uuid()}")
  })
  secret_string_wo_version = var.redis_password_version
}

data "aws_secretsmanager_secret_version" "redis" {
  count      = var.iam_tokens ? 0 : 1
  secret_id  = aws_secretsmanager_secret_version.redis[0].secret_id
  version_id = aws_secretsmanager_secret_version.redis[0].version_id
}

# Functions that run use the password they have read for minutes more, so the one before stays valid.
data "aws_secretsmanager_secret_version" "redis_before" {
  count         = var.redis_password_version > 1 && !var.iam_tokens ? 1 : 0
  secret_id     = aws_secretsmanager_secret_version.redis[0].secret_id
  version_stage = "AWSPREVIOUS"
  depends_on    = [aws_secretsmanager_secret_version.redis]
}

locals {
  # MemoryDB's users are those of the account; and with tokens ElastiCache wants the name to be the user's id.
  redis_user = local.memorydb || var.iam_tokens ? "${local.name}-app" : "rollcall_app"
  redis_passwords = [
    for secret in concat(data.aws_secretsmanager_secret_version.redis, data.aws_secretsmanager_secret_version.redis_before) :
    jsondecode(secret.secret_string).password
  ]
}
