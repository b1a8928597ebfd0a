# Postgres 18 on RDS.

resource "aws_db_subnet_group" "main" {
  name       = local.name
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_db_parameter_group" "main" {
  name_prefix = "${local.name}-postgres18-"
  family      = "postgres18"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000" # ms
  }

  # Parameters of slow statements hold names and remarks, which belong into no log.
  parameter {
    name  = "log_parameter_max_length"
    value = "0"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "main" {
  identifier     = local.name
  engine         = "postgres"
  engine_version = "18"
  instance_class = local.postgres_class
  db_name        = "rollcall"
  port           = 5432

  # RDS makes the owner's password, keeps it in a secret and changes it every seven days.
  username                      = "rollcall_owner"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = aws_kms_key.main.key_id

  storage_type          = "gp3"
  allocated_storage     = local.size.postgres_gb
  max_allocated_storage = local.size.postgres_max_gb
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.main.arn

  #checkov:skip=CKV_AWS_157:a standby doubles the price; it is on in prod and by postgres_multi_az
  multi_az               = local.postgres_multi_az
  db_subnet_group_name   = aws_db_subnet_group.main.name
  vpc_security_group_ids = [aws_security_group.postgres.id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.main.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1" # the app verifies the server against this authority

  iam_database_authentication_enabled = true # takes effect only for roles that are granted rds_iam

  #checkov:skip=CKV_AWS_133:7 or 35 days, from a local that checkov does not work out; tests/prod.tftest.hcl does
  backup_retention_period   = local.backup_days
  backup_window             = "01:00-02:00"
  maintenance_window        = "sun:02:30-sun:03:30"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !local.prod
  skip_final_snapshot       = !local.prod
  final_snapshot_identifier = "${local.name}-final"

  #checkov:skip=CKV_AWS_293:dev and staging are made and unmade; it is on in prod and by deletion_protection
  deletion_protection         = local.deletion_protection
  auto_minor_version_upgrade  = true
  allow_major_version_upgrade = false

  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.main.arn
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.postgres_monitoring.arn

  depends_on = [aws_cloudwatch_log_group.postgres] # RDS would make them without an end of retention
}
