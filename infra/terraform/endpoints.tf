# Doors to AWS services, so that the functions need no way to the Internet. Each lets through what the app asks of it.

locals {
  # Outside prod in one zone: the others reach it all the same, and each costs by the hour.
  endpoint_subnets = slice(aws_subnet.private[*].id, 0, local.prod ? local.size.zones : 1)

  endpoints = merge(
    {
      secretsmanager = {
        # The function that changes passwords stands in the same network, so more than reading is let through.
        actions = [
          "secretsmanager:DescribeSecret", "secretsmanager:GetRandomPassword", "secretsmanager:GetSecretValue",
          "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage",
        ]
        # GetRandomPassword knows no resource; which secret is which role's is said in iam.tf.
        resources = ["*"]
      }
      lambda = {
        actions   = ["lambda:InvokeFunction"]
        resources = [local.drain_arn]
      }
    },
    var.websocket_route == "endpoint" ? {
      execute-api = {
        actions   = ["execute-api:ManageConnections"]
        resources = [local.connections_arn]
      }
    } : {},
    var.notices ? {
      email = {
        actions   = ["ses:SendEmail"]
        resources = ["arn:${local.partition}:ses:${var.region}:${local.account}:*"]
      }
      sns = {
        # A text message goes to a number, which is no resource.
        actions   = ["sns:Publish"]
        resources = ["*"]
      }
    } : {},
  )
}

resource "aws_vpc_endpoint" "service" {
  for_each            = local.endpoints
  vpc_id              = aws_vpc.main.id
  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  private_dns_enabled = true
  subnet_ids          = local.endpoint_subnets
  security_group_ids  = [aws_security_group.endpoints.id]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OwnAccount"
      Effect    = "Allow"
      Principal = { AWS = "*" } # narrowed by the condition: credentials of another account carry nothing out here
      Action    = each.value.actions
      Resource  = each.value.resources
      Condition = { StringEquals = { "aws:PrincipalAccount" = local.account } }
    }]
  })

  tags = { Name = "${local.name}-${each.key}" }
}

# The keys of the user pool are asked for without credentials, which no policy by principal can let through.
resource "aws_vpc_endpoint" "cognito" {
  count               = var.oidc_issuer == null ? 1 : 0
  vpc_id              = aws_vpc.main.id
  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${var.region}.cognito-idp"
  private_dns_enabled = true
  subnet_ids          = local.endpoint_subnets
  security_group_ids  = [aws_security_group.endpoints.id]

  tags = { Name = "${local.name}-cognito-idp" }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.main.id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${var.region}.s3"
  route_table_ids   = aws_route_table.private[*].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OwnBucket"
      Effect    = "Allow"
      Principal = { AWS = "*" } # narrowed by the condition and the bucket
      Action    = ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]
      Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
      Condition = { StringEquals = { "aws:PrincipalAccount" = local.account } }
    }]
  })

  tags = { Name = "${local.name}-s3" }
}
