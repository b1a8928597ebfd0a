# What a deploy of the app needs. Nothing here is a secret: secrets are told by their ARNs.

output "subnet_ids" {
  description = "Where the functions stand."
  value       = aws_subnet.private[*].id
}

output "security_group_ids" {
  description = "What the functions carry."
  value       = [aws_security_group.functions.id]
}

output "function_role_arns" {
  description = "The role of each function, by the name Chalice has for it; `api` is the REST handler's."
  value       = { for key, role in aws_iam_role.function : key => role.arn }
}

output "environment" {
  description = "The variables of every function."
  value       = local.settings
}

output "function_environment" {
  description = "Variables that one function has beside those."
  value       = local.function_settings
}

output "tracing" {
  description = "Whether the functions may send traces: Lambda refuses to trace those that may not."
  value       = var.tracing
}

output "drain_function" {
  description = "DRAIN_FUNCTION"
  value       = local.function_names.drain
}

output "postgres_host" {
  description = "The host that the functions connect to: the proxy's where there is one. Migrations use postgres_direct_host."
  value       = local.postgres_address
}

output "postgres_direct_host" {
  description = "Postgres itself."
  value       = aws_db_instance.main.address
}

output "postgres_secret_arn" {
  description = "JSON: engine, host, port, dbname, username, password of the app's role."
  value       = aws_secretsmanager_secret.postgres.arn
}

output "postgres_owner_secret_arn" {
  description = "JSON: username, password of the owner, who migrates. RDS changes it every seven days."
  value       = local.secret_arns.owner
}

output "redis_host" {
  description = "The host of Redis; its port is 6379, with TLS."
  value       = local.redis_address
}

output "redis_secret_arn" {
  description = "JSON: username, password. None with iam_tokens."
  value       = local.secret_arns.redis
}

output "redis_cluster" {
  description = "REDIS_CLUSTER: 1 if the address is that of a cluster."
  value       = local.redis_cluster ? 1 : 0
}

output "redis_min_replicas" {
  description = "REDIS_MIN_REPLICAS: replicas that must have a job before it is answered 202."
  value       = local.node ? 1 : 0
}

output "jwt_issuer" {
  description = "JWT_ISSUER"
  value       = local.issuer.url
}

output "jwt_jwks_url" {
  description = "JWT_JWKS_URL"
  value       = local.issuer.jwks_url
}

output "jwt_audience" {
  description = "JWT_AUDIENCE"
  value       = local.issuer.audience
}

output "files_bucket" {
  description = "Where rosters to import are put, under uploads/."
  value       = aws_s3_bucket.files.id
}

output "api_access_log_arn" {
  description = "The log group for the access logs of the API's stage."
  value       = aws_cloudwatch_log_group.api_access.arn
}

output "web_acl_arn" {
  description = "The firewall; it is put before the API when rest_api_id is set."
  value       = aws_wafv2_web_acl.api.arn
}

output "alarm_topic_arn" {
  description = "Where alarms are told."
  value       = aws_sns_topic.alarms.arn
}

output "kms_key_arn" {
  description = "The key of the stage. Whatever outlives the stage needs it: see docs/how-to/deploy.md."
  value       = aws_kms_key.main.arn
}
