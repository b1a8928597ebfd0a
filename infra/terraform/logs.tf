# Where logs go, and for how long. Whoever writes first would make a group that keeps them for ever.

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_338:logs of a school are kept as short as is useful; log_days says how long
  for_each          = local.function_names
  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}

resource "aws_cloudwatch_log_group" "api_access" {
  #checkov:skip=CKV_AWS_338:as above
  name              = "/rollcall/${var.stage}/api-access"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}

resource "aws_cloudwatch_log_group" "waf" {
  #checkov:skip=CKV_AWS_338:as above
  name              = "aws-waf-logs-${local.name}" # WAF wants this beginning
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}

resource "aws_cloudwatch_log_group" "flows" {
  #checkov:skip=CKV_AWS_338:as above
  name              = "/rollcall/${var.stage}/refused-connections"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}

resource "aws_cloudwatch_log_group" "postgres" {
  #checkov:skip=CKV_AWS_338:as above
  for_each          = toset(["postgresql", "upgrade"])
  name              = "/aws/rds/instance/${local.name}/${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}

resource "aws_cloudwatch_log_group" "redis" {
  #checkov:skip=CKV_AWS_338:as above
  count             = local.node ? 1 : 0
  name              = "/rollcall/${var.stage}/redis"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}
