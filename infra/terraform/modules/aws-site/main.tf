# One site on AWS: a virtual network whose private subnets reach the other sites through the VPN instance.

resource "aws_vpc" "this" {
  cidr_block           = var.ranges[0]
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

resource "aws_vpc_ipv4_cidr_block_association" "more" {
  for_each   = toset(slice(var.ranges, 1, length(var.ranges)))
  vpc_id     = aws_vpc.this.id
  cidr_block = each.value
}

resource "aws_subnet" "private" {
  for_each   = toset(var.private_subnets)
  vpc_id     = aws_vpc.this.id
  cidr_block = each.value
  tags       = { Name = "${var.name}-private" }
  depends_on = [aws_vpc_ipv4_cidr_block_association.more]
}

resource "aws_subnet" "edge" {
  vpc_id     = aws_vpc.this.id
  cidr_block = var.edge_subnet
  tags       = { Name = "${var.name}-edge" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = var.name }
}

resource "aws_route_table" "edge" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.name}-edge" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.edge.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "edge" {
  subnet_id      = aws_subnet.edge.id
  route_table_id = aws_route_table.edge.id
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.name}-private" }
}

resource "aws_route" "remote" {
  for_each               = toset(var.remote_ranges)
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = each.value
  network_interface_id   = aws_network_interface.vpn.id
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}
