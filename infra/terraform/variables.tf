# What may be chosen. Only `stage` has no default; `size` maps to instance classes in sizes.tf.

variable "stage" {
  description = "dev, staging or prod. It is part of every name, so that the three stand side by side in one account."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.stage)
    error_message = "stage must be dev, staging or prod: the stages of .chalice/config.json."
  }
}

variable "region" {
  description = "The AWS region. Pupils' data usually has to stay in their country."
  type        = string
  default     = "eu-west-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must look like eu-west-1."
  }
}

variable "size" {
  description = "school: about 1,000 students. state: about 1,000,000."
  type        = string
  default     = "school"

  validation {
    condition     = contains(["school", "state"], var.size)
    error_message = "size must be school or state."
  }
}

# Network

variable "vpc_cidr" {
  description = "The private network. It must not overlap with one that it will ever be joined to."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 8, 0)) && can(regex("/(16|17|18|19|20)$", var.vpc_cidr))
    error_message = "vpc_cidr must be an IPv4 block from /16 to /20."
  }
}

variable "zones" {
  description = "The availability zones to use. Unset: the first two or three. Lambda is not in every one (use1-az3, say)."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.zones) == 0 || length(distinct(var.zones)) >= local.size.zones
    error_message = "zones must be empty, or name two zones (school) or three (state)."
  }
}

variable "websocket_route" {
  description = <<-TEXT
    How live messages leave the network for the WebSocket API: endpoint (an interface endpoint for execute-api), nat, or
    none (clients then ask for progress instead). docs/explanation/network.md says what is known of each.
  TEXT
  type        = string
  default     = "endpoint"

  validation {
    condition     = contains(["endpoint", "nat", "none"], var.websocket_route)
    error_message = "websocket_route must be endpoint, nat or none."
  }
}

variable "notices" {
  description = "Endpoints for SES and SNS. The app sends no notices yet, and each endpoint costs by the hour."
  type        = bool
  default     = false
}

# Postgres

variable "postgres_class" {
  description = "Instance class of Postgres instead of the one of the size, such as db.r7g.xlarge."
  type        = string
  default     = null

  validation {
    condition     = var.postgres_class == null || can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.postgres_class))
    error_message = "postgres_class must look like db.r7g.xlarge."
  }
}

variable "postgres_multi_az" {
  description = "A standby of Postgres in another zone. Unset: in prod only."
  type        = bool
  default     = null
}

variable "postgres_proxy" {
  description = "RDS Proxy before Postgres: for more Lambdas at once than Postgres has connections."
  type        = bool
  default     = false
}

variable "iam_tokens" {
  description = "The functions sign in to Postgres and Redis by tokens of IAM, good for 15 minutes, instead of passwords."
  type        = bool
  default     = false

  validation {
    condition     = !(var.iam_tokens && var.postgres_proxy)
    error_message = "iam_tokens go without postgres_proxy: the proxy signs in by the password of its secret."
  }

  validation {
    condition     = !(var.iam_tokens && var.postgres_rotation_days > 0)
    error_message = "iam_tokens leave no password to rotate: postgres_rotation_days must be 0."
  }
}

variable "postgres_rotation_days" {
  description = "Days after which the app's password is changed; 0 for never. Turn it on after the first migration."
  type        = number
  default     = 0

  validation {
    condition     = var.postgres_rotation_days == floor(var.postgres_rotation_days) && var.postgres_rotation_days >= 0 && var.postgres_rotation_days <= 365
    error_message = "postgres_rotation_days must be a whole number from 0 to 365."
  }
}

variable "backup_days" {
  description = "Days that Postgres' backups are kept, to any second of which it can be restored. Unset: 35 in prod, else 7."
  type        = number
  default     = null

  validation {
    condition     = var.backup_days == null ? true : var.backup_days >= 1 && var.backup_days <= 35
    error_message = "backup_days must be from 1 to 35."
  }
}

variable "deletion_protection" {
  description = "Postgres and the user pool refuse to be deleted. Unset: in prod only."
  type        = bool
  default     = null
}

# Redis

variable "redis_kind" {
  description = "node (ElastiCache for Valkey, a primary with replicas), serverless, or memorydb."
  type        = string
  default     = "node"

  validation {
    condition     = contains(["node", "serverless", "memorydb"], var.redis_kind)
    error_message = "redis_kind must be node, serverless or memorydb."
  }
}

variable "redis_node_type" {
  description = "Node type of Redis instead of the one of the size: cache.… for node, db.… for memorydb."
  type        = string
  default     = null

  validation {
    condition     = var.redis_node_type == null || can(regex("^(cache|db)\\.[a-z0-9]+\\.[a-z0-9]+$", var.redis_node_type))
    error_message = "redis_node_type must look like cache.m7g.large."
  }

  validation {
    condition     = var.redis_node_type == null || startswith(coalesce(var.redis_node_type, "-"), var.redis_kind == "memorydb" ? "db." : "cache.")
    error_message = "redis_node_type must begin with db. for memorydb, else with cache."
  }
}

variable "redis_node_groups" {
  description = "Groups of a primary and its replicas, over which keys are spread: a cluster from 2 on. Not for serverless."
  type        = number
  default     = 1

  validation {
    condition     = var.redis_node_groups >= 1 && var.redis_node_groups <= 90 && var.redis_node_groups == floor(var.redis_node_groups)
    error_message = "redis_node_groups must be a whole number from 1 to 90."
  }

  validation {
    condition     = var.redis_node_groups == 1 || var.redis_kind != "serverless"
    error_message = "redis_node_groups is not for serverless, which spreads keys by itself."
  }
}

variable "queue_shards" {
  description = "QUEUE_SHARDS: over so many slots the queue is spread. Best a multiple of four and of redis_node_groups."
  type        = number
  default     = 1

  validation {
    condition     = var.queue_shards >= 1 && var.queue_shards <= 64 && var.queue_shards == floor(var.queue_shards)
    error_message = "queue_shards must be a whole number from 1 to 64."
  }
}

variable "queue_shards_also" {
  description = "QUEUE_SHARDS_ALSO: the other number while it changes (docs/how-to/operate-the-queue.md)."
  type        = number
  default     = null

  validation {
    condition     = var.queue_shards_also == null || try(var.queue_shards_also >= 1 && var.queue_shards_also <= 64 && var.queue_shards_also == floor(var.queue_shards_also), false)
    error_message = "queue_shards_also must be a whole number from 1 to 64."
  }
}

variable "redis_password_version" {
  description = "Add one to change Redis' password. The one before stays valid until the next change."
  type        = number
  default     = 1

  validation {
    condition     = var.redis_password_version >= 1 && var.redis_password_version == floor(var.redis_password_version)
    error_message = "redis_password_version must be a whole number from 1 on."
  }
}

# Identity

variable "oidc_issuer" {
  description = "The `iss` of an OpenID Connect provider of your own, https://…; unset: a Cognito user pool is made."
  type        = string
  default     = null

  validation {
    condition     = var.oidc_issuer == null || can(regex("^https://[^/?#]+", var.oidc_issuer))
    error_message = "oidc_issuer must begin with https://."
  }
}

variable "oidc_jwks_url" {
  description = "Where that provider publishes its keys: the `jwks_uri` of its discovery document."
  type        = string
  default     = null

  validation {
    condition     = (var.oidc_jwks_url == null) == (var.oidc_issuer == null)
    error_message = "oidc_issuer and oidc_jwks_url go together: set both, or neither."
  }

  validation {
    condition     = var.oidc_jwks_url == null || can(regex("^https://[^/?#]+", var.oidc_jwks_url))
    error_message = "oidc_jwks_url must begin with https://: who can change the keys can be anybody."
  }
}

variable "oidc_audience" {
  description = "The `aud` that tokens of that provider must carry. Cognito's is the id of its client."
  type        = string
  default     = "rollcall"
}

variable "claims_function_arn" {
  description = "A Lambda that Cognito calls before it issues a token, to put tenant_id and roles in. Not part of this module."
  type        = string
  default     = null

  validation {
    condition     = var.claims_function_arn == null || can(regex("^arn:[a-z-]+:lambda:", var.claims_function_arn))
    error_message = "claims_function_arn must be the ARN of a Lambda function."
  }
}

variable "web_origins" {
  description = "Web pages that may call the API from a browser, such as https://attendance.school.example. None by default."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.web_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "web_origins must be origins: https://, a host, a port if it is not 443, and nothing after it."
  }
}

# What Chalice makes, known only after its first deploy: apply again with these.

variable "rest_api_id" {
  description = "Id of the REST API. With it, WAF and throttling are put on its stage."
  type        = string
  default     = null

  validation {
    condition     = var.rest_api_id == null || can(regex("^[a-z0-9]{10}$", var.rest_api_id))
    error_message = "rest_api_id must be the ten letters and digits before .execute-api."
  }
}

variable "websocket_api_id" {
  description = "Id of the WebSocket API. With it, the functions may post to its connections only."
  type        = string
  default     = null

  validation {
    condition     = var.websocket_api_id == null || can(regex("^[a-z0-9]{10}$", var.websocket_api_id))
    error_message = "websocket_api_id must be the ten letters and digits before .execute-api."
  }
}

variable "api_gateway_account" {
  description = "Let API Gateway write logs. It is one setting for the account and region: true in one stage only."
  type        = bool
  default     = false
}

# Watching

variable "alarm_emails" {
  description = "Who is told of alarms and of the budget. Each has to confirm by a mail of AWS."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "alarm_emails must be e-mail addresses."
  }
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_days)
    error_message = "log_days must be one that CloudWatch knows: 7, 14, 30, 60, 90, 180 or 365."
  }
}

variable "tracing" {
  description = "Let the functions send traces to X-Ray; `make deploy` asks them to if they may."
  type        = bool
  default     = true
}

variable "monthly_budget_usd" {
  description = "Dollars a month from which on a mail is sent. Unset: that of the size."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null ? true : var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be more than 0."
  }
}
