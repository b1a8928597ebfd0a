# RDS Proxy, by choice: it lends few connections to many Lambdas.

resource "aws_security_group" "proxy" {
  #checkov:skip=CKV2_AWS_5:the proxy below carries it; checkov does not follow the index
  count       = var.postgres_proxy ? 1 : 0
  name        = "${local.name}-proxy"
  description = "RDS Proxy"
  vpc_id      = aws_vpc.main.id
}

resource "aws_db_proxy" "main" {
  count                  = var.postgres_proxy ? 1 : 0
  name                   = local.name
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.proxy[0].arn
  vpc_subnet_ids         = aws_subnet.private[*].id
  vpc_security_group_ids = [aws_security_group.proxy[0].id]
  require_tls            = true
  idle_client_timeout    = 1800

  auth {
    auth_scheme = "SECRETS"
    iam_auth    = "DISABLED"
    secret_arn  = aws_secretsmanager_secret.postgres.arn
  }
}

resource "aws_db_proxy_default_target_group" "main" {
  count         = var.postgres_proxy ? 1 : 0
  db_proxy_name = aws_db_proxy.main[0].name

  connection_pool_config {
    max_connections_percent      = 80 # the rest is for migrations and for those who look
    max_idle_connections_percent = 20
    connection_borrow_timeout    = 5
  }
}

resource "aws_db_proxy_target" "main" {
  count                  = var.postgres_proxy ? 1 : 0
  db_proxy_name          = aws_db_proxy.main[0].name
  target_group_name      = aws_db_proxy_default_target_group.main[0].name
  db_instance_identifier = aws_db_instance.main.identifier
}
