# The private network. Nothing in it has a public address; docs/explanation/network.md walks each route.

locals {
  # The first of a sorted list: a zone that AWS adds comes last and moves nothing.
  zones = slice(length(var.zones) > 0 ? var.zones : data.aws_availability_zones.available.names, 0, local.size.zones)
}

resource "aws_vpc" "main" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true # private names of the endpoints need both

  tags = { Name = local.name }
}

# What nobody chose a group for can talk to nobody.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-closed" }
}

resource "aws_subnet" "private" {
  count             = length(local.zones)
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(var.vpc_cidr, 4, count.index)
  availability_zone = local.zones[count.index]

  tags = { Name = "${local.name}-private-${local.zones[count.index]}" }
}

resource "aws_route_table" "private" {
  count  = length(local.zones)
  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-private-${local.zones[count.index]}" }
}

resource "aws_route_table_association" "private" {
  count          = length(local.zones)
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[count.index].id
}

# The way out, only where one is needed: an issuer on the Internet, or live messages by NAT.

resource "aws_subnet" "public" {
  count                   = local.nat_zones
  vpc_id                  = aws_vpc.main.id
  cidr_block              = cidrsubnet(var.vpc_cidr, 8, 240 + count.index)
  availability_zone       = local.zones[count.index]
  map_public_ip_on_launch = false

  tags = { Name = "${local.name}-public-${local.zones[count.index]}" }
}

resource "aws_internet_gateway" "out" {
  count  = local.nat_zones > 0 ? 1 : 0
  vpc_id = aws_vpc.main.id

  tags = { Name = local.name }
}

resource "aws_route_table" "public" {
  count  = local.nat_zones > 0 ? 1 : 0
  vpc_id = aws_vpc.main.id

  tags = { Name = "${local.name}-public" }
}

resource "aws_route" "public" {
  count                  = local.nat_zones > 0 ? 1 : 0
  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.out[0].id
}

resource "aws_route_table_association" "public" {
  count          = local.nat_zones
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_eip" "nat" {
  count  = local.nat_zones
  domain = "vpc"

  tags = { Name = "${local.name}-nat-${local.zones[count.index]}" }
}

resource "aws_nat_gateway" "out" {
  count         = local.nat_zones
  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = aws_subnet.public[count.index].id
  depends_on    = [aws_internet_gateway.out]

  tags = { Name = "${local.name}-${local.zones[count.index]}" }
}

resource "aws_route" "out" {
  count                  = local.nat_zones > 0 ? length(local.zones) : 0
  route_table_id         = aws_route_table.private[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.out[min(count.index, local.nat_zones - 1)].id
}

# Who may talk to whom. A group without a rule for it refuses.

resource "aws_security_group" "functions" {
  #checkov:skip=CKV2_AWS_5:the functions that carry it are made by Chalice
  name        = "${local.name}-functions"
  description = "The Lambda functions"
  vpc_id      = aws_vpc.main.id
}

resource "aws_security_group" "postgres" {
  name        = "${local.name}-postgres"
  description = "Postgres"
  vpc_id      = aws_vpc.main.id
}

resource "aws_security_group" "redis" {
  name        = "${local.name}-redis"
  description = "Redis"
  vpc_id      = aws_vpc.main.id
}

resource "aws_security_group" "endpoints" {
  name        = "${local.name}-endpoints"
  description = "Endpoints of AWS services"
  vpc_id      = aws_vpc.main.id
}

locals {
  # from the functions (and the proxy) to what, on which port
  flows = merge(
    {
      postgres  = { from = aws_security_group.functions.id, to = aws_security_group.postgres.id, port = 5432 }
      redis     = { from = aws_security_group.functions.id, to = aws_security_group.redis.id, port = 6379 }
      endpoints = { from = aws_security_group.functions.id, to = aws_security_group.endpoints.id, port = 443 }
    },
    var.postgres_proxy ? {
      proxy          = { from = aws_security_group.functions.id, to = aws_security_group.proxy[0].id, port = 5432 }
      proxy_postgres = { from = aws_security_group.proxy[0].id, to = aws_security_group.postgres.id, port = 5432 }
    } : {},
  )
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each                     = local.flows
  description                  = "to ${each.key}"
  security_group_id            = each.value.from
  referenced_security_group_id = each.value.to
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each                     = local.flows
  description                  = "for ${each.key}"
  security_group_id            = each.value.to
  referenced_security_group_id = each.value.from
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  description       = "to S3, by its gateway endpoint"
  security_group_id = aws_security_group.functions.id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "out" {
  count             = local.nat_zones > 0 ? 1 : 0
  description       = "to the keys of the issuer, or to the WebSocket API; neither has fixed addresses"
  security_group_id = aws_security_group.functions.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# Refused connections tell of a missing rule, or of somebody who tries doors.
resource "aws_flow_log" "refused" {
  vpc_id          = aws_vpc.main.id
  traffic_type    = "REJECT"
  log_destination = aws_cloudwatch_log_group.flows.arn
  iam_role_arn    = aws_iam_role.flow_log.arn
}
