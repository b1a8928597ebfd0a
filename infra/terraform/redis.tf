# Redis: the queue, and what the request path knows without Postgres. Three kinds, of which the app can use `node` today.

locals {
  node       = var.redis_kind == "node"
  serverless = var.redis_kind == "serverless"
  memorydb   = var.redis_kind == "memorydb"

  # One group has an address for its primary; several are a cluster, and so are the other kinds.
  redis_cluster = !local.node || var.redis_node_groups > 1

  redis_node_type = coalesce(var.redis_node_type, local.memorydb ? local.size.memorydb_node : local.size.cache_node)

  # Everything the queue does, and INFO for its check of the eviction policy; nothing that empties or administers.
  redis_access = "on ~* &* +@all -@dangerous -@admin +info"
}

check "redis_kind" {
  assert {
    condition     = !local.serverless
    error_message = "Serverless may evict jobs that were accepted, and promises no durability: do not keep the queue there (docs/explanation/guarantees.md)."
  }
}

# node

resource "aws_elasticache_subnet_group" "main" {
  count      = local.node ? 1 : 0
  name       = local.name
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_elasticache_parameter_group" "main" {
  count       = local.node ? 1 : 0
  name        = "${local.name}-valkey8"
  description = "A full memory refuses new jobs and drops none"
  family      = "valkey8"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  dynamic "parameter" {
    for_each = local.redis_cluster ? ["yes"] : []
    content {
      name  = "cluster-enabled"
      value = parameter.value
    }
  }
}

resource "aws_elasticache_user" "app" {
  count         = local.memorydb ? 0 : 1
  user_id       = "${local.name}-app"
  user_name     = local.redis_user
  engine        = "valkey"
  access_string = local.redis_access

  authentication_mode {
    type      = var.iam_tokens ? "iam" : "password"
    passwords = var.iam_tokens ? null : local.redis_passwords
  }
}

# No `default` user among them: who does not sign in is refused.
resource "aws_elasticache_user_group" "main" {
  count         = local.memorydb ? 0 : 1
  user_group_id = local.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.app[0].user_id]
}

resource "aws_elasticache_replication_group" "main" {
  #checkov:skip=CKV_AWS_31:signing in is by user and group, which excludes the older auth_token
  count                = local.node ? 1 : 0
  replication_group_id = local.name
  description          = "The queue of ${local.name}"
  engine               = "valkey"
  engine_version       = "8.1"
  node_type            = local.redis_node_type
  port                 = 6379
  parameter_group_name = aws_elasticache_parameter_group.main[0].name
  user_group_ids       = [aws_elasticache_user_group.main[0].user_group_id]

  # A shard of the queue is one slot, for its scripts touch keys that must be on one server; a group has many slots.
  num_cache_clusters         = local.redis_cluster ? null : 1 + local.size.redis_replicas
  num_node_groups            = local.redis_cluster ? var.redis_node_groups : null
  replicas_per_node_group    = local.redis_cluster ? local.size.redis_replicas : null
  automatic_failover_enabled = true
  multi_az_enabled           = true
  subnet_group_name          = aws_elasticache_subnet_group.main[0].name
  security_group_ids         = [aws_security_group.redis.id]

  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.main.arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"

  snapshot_retention_limit   = local.prod ? 7 : 1
  snapshot_window            = "02:00-03:00"
  maintenance_window         = "sun:03:30-sun:04:30"
  auto_minor_version_upgrade = true
  apply_immediately          = !local.prod

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.redis[0].name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "engine-log"
  }
}

# serverless

resource "aws_elasticache_serverless_cache" "main" {
  count                = local.serverless ? 1 : 0
  name                 = local.name
  description          = "Redis of ${local.name}"
  engine               = "valkey"
  major_engine_version = "8"
  subnet_ids           = aws_subnet.private[*].id
  security_group_ids   = [aws_security_group.redis.id]
  kms_key_id           = aws_kms_key.main.arn
  user_group_id        = aws_elasticache_user_group.main[0].user_group_id

  snapshot_retention_limit = local.prod ? 7 : 1

  cache_usage_limits {
    data_storage {
      maximum = local.size.serverless_gb
      unit    = "GB"
    }
  }
}

# memorydb

resource "aws_memorydb_subnet_group" "main" {
  count      = local.memorydb ? 1 : 0
  name       = local.name
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_memorydb_parameter_group" "main" {
  count       = local.memorydb ? 1 : 0
  name        = "${local.name}-valkey7"
  description = "A full memory refuses new jobs and drops none"
  family      = "memorydb_valkey7"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_memorydb_user" "app" {
  count         = local.memorydb ? 1 : 0
  user_name     = local.redis_user
  access_string = local.redis_access

  authentication_mode {
    type      = var.iam_tokens ? "iam" : "password"
    passwords = var.iam_tokens ? null : local.redis_passwords
  }
}

resource "aws_memorydb_acl" "main" {
  count      = local.memorydb ? 1 : 0
  name       = local.name
  user_names = [aws_memorydb_user.app[0].user_name]
}

resource "aws_memorydb_cluster" "main" {
  count                    = local.memorydb ? 1 : 0
  name                     = local.name
  description              = "The queue of ${local.name}"
  engine                   = "valkey"
  engine_version           = "7.3"
  node_type                = local.redis_node_type
  port                     = 6379
  num_shards               = var.redis_node_groups
  num_replicas_per_shard   = local.size.redis_replicas
  parameter_group_name     = aws_memorydb_parameter_group.main[0].name
  subnet_group_name        = aws_memorydb_subnet_group.main[0].name
  security_group_ids       = [aws_security_group.redis.id]
  acl_name                 = aws_memorydb_acl.main[0].name
  tls_enabled              = true
  kms_key_arn              = aws_kms_key.main.arn
  snapshot_retention_limit = local.prod ? 7 : 1
  snapshot_window          = "02:00-03:00"
  maintenance_window       = "sun:03:30-sun:04:30"
}

locals {
  redis_cache = ( # by which IAM knows it
    local.node ? aws_elasticache_replication_group.main[0].arn
    : local.serverless ? aws_elasticache_serverless_cache.main[0].arn
    : aws_memorydb_cluster.main[0].arn
  )
  redis_user_arn = local.memorydb ? aws_memorydb_user.app[0].arn : aws_elasticache_user.app[0].arn

  redis_address = (
    local.node && local.redis_cluster ? aws_elasticache_replication_group.main[0].configuration_endpoint_address
    : local.node ? aws_elasticache_replication_group.main[0].primary_endpoint_address
    : local.serverless ? aws_elasticache_serverless_cache.main[0].endpoint[0].address
    : aws_memorydb_cluster.main[0].cluster_endpoint[0].address
  )
}
