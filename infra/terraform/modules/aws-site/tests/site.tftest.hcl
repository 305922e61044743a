# What one site on AWS is made of. The provider is mocked: nothing is made, and no account is needed.

mock_provider "aws" {
  mock_resource "aws_eip" {
    defaults = { public_ip = "198.51.100.1" }
  }
}

variables {
  name              = "vpn-aws"
  ranges            = ["10.1.0.0/16", "10.4.0.0/20"]
  private_subnets   = ["10.1.0.0/17", "10.4.0.0/21"]
  edge_subnet       = "10.1.255.240/28"
  advertised_ranges = ["10.1.0.0/16", "10.4.0.0/20", "10.11.0.0/16"]
  remote_ranges     = ["10.255.0.0/16", "10.2.0.0/16"]
  peers             = ["198.51.100.2/32", "198.51.100.3/32"]
  first_port        = 1195
  last_port         = 1196
  admin_ranges      = ["203.0.113.0/24"]
  public_key        = "ssh-ed25519 AAAA"
}

run "site" {
  assert {
    condition     = aws_network_interface.vpn.source_dest_check == false
    error_message = "AWS would drop what the instance passes on."
  }

  assert {
    condition     = aws_vpc.this.cidr_block == "10.1.0.0/16" && keys(aws_vpc_ipv4_cidr_block_association.more) == ["10.4.0.0/20"]
    error_message = "The first range is the VPC's own, the others are added."
  }

  assert {
    condition     = [for each in aws_route.remote : each.destination_cidr_block] == ["10.2.0.0/16", "10.255.0.0/16"]
    error_message = "The private subnets have a route to every other site, and to the tunnels."
  }

  assert {
    condition     = alltrue([for each in aws_route.remote : each.network_interface_id == aws_network_interface.vpn.id])
    error_message = "These routes go to the VPN's instance."
  }

  assert {
    condition     = [for each in aws_route_table_association.private : each.route_table_id] == [aws_route_table.private.id, aws_route_table.private.id]
    error_message = "Every private subnet has these routes."
  }

  assert {
    condition     = aws_route.internet.route_table_id == aws_route_table.edge.id && aws_route.internet.gateway_id == aws_internet_gateway.this.id
    error_message = "The instance's own subnet has a way to the internet, and the private ones have not."
  }

  assert {
    condition = [for each in aws_vpc_security_group_ingress_rule.vpn : "${each.ip_protocol} ${each.from_port}-${each.to_port} ${each.cidr_ipv4}"] == [
      "udp 1195-1196 198.51.100.2/32", "udp 1195-1196 198.51.100.3/32",
    ]
    error_message = "The VPN's ports are open to the peers alone."
  }

  assert {
    condition     = [for each in aws_vpc_security_group_ingress_rule.ssh : "${each.from_port} ${each.cidr_ipv4}"] == ["22 203.0.113.0/24"]
    error_message = "ssh is open to the administrators alone."
  }

  assert {
    condition     = aws_instance.vpn.metadata_options[0].http_tokens == "required" && aws_instance.vpn.root_block_device[0].encrypted
    error_message = "The instance's metadata takes a token, and its disk is encrypted."
  }

  assert {
    condition     = output.public_address == "198.51.100.1" && aws_eip_association.vpn.network_interface_id == aws_network_interface.vpn.id
    error_message = "The Elastic IP is the instance's, and the address that the other sites are told."
  }
}
