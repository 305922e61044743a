# The VPN instance. Source/destination check is off: it passes on packets that are neither from nor for itself.

data "aws_ami" "debian" {
  most_recent = true
  owners      = ["136693071363"] # Debian's own account: https://wiki.debian.org/Cloud/AmazonEC2Image

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

resource "aws_key_pair" "this" {
  key_name   = var.name
  public_key = var.public_key
}

resource "aws_security_group" "vpn" {
  name        = var.name
  description = "The VPN from the other sites, ssh from the administrators, and what the private subnets send"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = var.name }
}

resource "aws_vpc_security_group_ingress_rule" "vpn" {
  count             = length(var.peers) # known before the addresses are
  security_group_id = aws_security_group.vpn.id
  description       = "OpenVPN"
  ip_protocol       = "udp"
  from_port         = var.first_port
  to_port           = var.last_port
  cidr_ipv4         = var.peers[count.index]
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  for_each          = toset(var.admin_ranges)
  security_group_id = aws_security_group.vpn.id
  description       = "ssh"
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = each.value
}

resource "aws_vpc_security_group_ingress_rule" "private" {
  for_each          = toset(var.advertised_ranges)
  security_group_id = aws_security_group.vpn.id
  description       = "From the site, to be passed on"
  ip_protocol       = "-1"
  cidr_ipv4         = each.value
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.vpn.id
  description       = "To everywhere"
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_network_interface" "vpn" {
  subnet_id         = aws_subnet.edge.id
  security_groups   = [aws_security_group.vpn.id]
  source_dest_check = false
  tags              = { Name = var.name }
}

resource "aws_instance" "vpn" {
  ami           = data.aws_ami.debian.id
  instance_type = var.instance_type
  key_name      = aws_key_pair.this.key_name
  tags          = { Name = var.name }

  network_interface {
    network_interface_id = aws_network_interface.vpn.id
    device_index         = 0
  }

  metadata_options {
    http_tokens = "required"
  }

  root_block_device {
    encrypted = true
  }

  lifecycle {
    # a newer image is no reason to make the instance anew, and to lose its private key
    ignore_changes = [ami]
  }
}

resource "aws_eip" "vpn" {
  domain = "vpc"
  tags   = { Name = var.name }
}

resource "aws_eip_association" "vpn" {
  allocation_id        = aws_eip.vpn.id
  network_interface_id = aws_network_interface.vpn.id
  depends_on           = [aws_internet_gateway.this, aws_instance.vpn]
}
