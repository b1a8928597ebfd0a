# What AWS would answer, where an invented text would not pass for it: ARNs, zones, addresses, secrets.

mock_data "aws_availability_zones" {
  defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_secretsmanager_secret_version" {
  defaults = { secret_string = "{\"username\":\"rollcall_app\",\"password\":\"0123456789abcdef0123456789abcdef\"}" }
}

mock_resource "aws_db_instance" {
  defaults = {
    address            = "postgres.internal"
    resource_id        = "db-MOCK"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-owner" }]
  }
}

mock_resource "aws_db_proxy" {
  defaults = { endpoint = "proxy.internal" }
}

mock_resource "aws_elasticache_serverless_cache" {
  defaults = { endpoint = [{ address = "serverless.internal", port = 6379 }] }
}

mock_resource "aws_memorydb_cluster" {
  defaults = { cluster_endpoint = [{ address = "memorydb.internal", port = 6379 }] }
}

mock_resource "aws_cognito_user_pool" {
  defaults = {
    arn      = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_mock"
    endpoint = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_mock"
  }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mock" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:mock" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:mock" }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = { arn = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/mock/00000000-0000-0000-0000-000000000000" }
}

mock_resource "aws_serverlessapplicationrepository_cloudformation_stack" {
  defaults = { outputs = { RotationLambdaARN = "arn:aws:lambda:eu-west-1:123456789012:function:mock-rotation" } }
}

mock_resource "aws_db_proxy_default_target_group" {
  defaults = { name = "default" }
}
