# What the variables come to. docs/how-to/costs.md has the price of each size.

locals {
  sizes = {
    school = {
      zones             = 2
      postgres_class    = "db.t4g.small"
      postgres_gb       = 20
      postgres_max_gb   = 100
      postgres_sessions = 150 # db.t4g.small allows about 180
      cache_node        = "cache.t4g.small"
      memorydb_node     = "db.t4g.small"
      redis_replicas    = 1
      serverless_gb     = 2
      requests_a_second = 50
      burst             = 200
      address_requests  = 5000 # a whole school comes from one address
      budget_usd        = 300
    }
    state = {
      zones             = 3
      postgres_class    = "db.r7g.2xlarge"
      postgres_gb       = 500 # from 400 GB on, gp3 gives 12,000 operations a second
      postgres_max_gb   = 4000
      postgres_sessions = 2000
      cache_node        = "cache.r7g.large"
      memorydb_node     = "db.r7g.large"
      redis_replicas    = 2
      serverless_gb     = 20
      requests_a_second = 2000
      burst             = 4000
      address_requests  = 50000 # a district may come from one address
      budget_usd        = 4500
    }
  }

  size      = local.sizes[var.size]
  prod      = var.stage == "prod"
  name      = "rollcall-${var.stage}"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  postgres_class      = coalesce(var.postgres_class, local.size.postgres_class)
  postgres_multi_az   = coalesce(var.postgres_multi_az, local.prod)
  backup_days         = coalesce(var.backup_days, local.prod ? 35 : 7)
  deletion_protection = coalesce(var.deletion_protection, local.prod)

  # A secret or key that was deleted blocks its name for these days: short where stages are made and unmade.
  secret_days = local.prod ? 30 : 0
  key_days    = local.prod ? 30 : 7

  # Cognito is reached by an endpoint; an issuer elsewhere publishes its keys on the Internet.
  nat_zones = var.oidc_issuer == null && var.websocket_route != "nat" ? 0 : local.prod ? local.size.zones : 1
}
