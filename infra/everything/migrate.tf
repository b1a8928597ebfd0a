# The database is brought to the schema of the code before any function has that code, and before the first schedule.

variable "migrate" {
  description = "Invoke the migrate function whenever its code has changed. False for going back to an older package."
  type        = bool
  default     = true
}

resource "aws_lambda_invocation" "migrate" {
  count         = var.migrate ? 1 : 0
  function_name = aws_lambda_function.migrate.function_name
  input         = jsonencode({})
  triggers      = { code = aws_lambda_function.migrate.source_code_hash }

  # Its way to Postgres and to the secrets must stand.
  depends_on = [
    aws_secretsmanager_secret_version.postgres, aws_vpc_endpoint.service, aws_vpc_security_group_egress_rule.flow,
    aws_vpc_security_group_ingress_rule.flow,
  ]
}
