# What one site on Azure is made of. The provider is mocked: nothing is made, and no account is needed.

mock_provider "azurerm" {
  mock_resource "azurerm_public_ip" {
    defaults = { ip_address = "198.51.100.2" }
  }
  mock_resource "azurerm_network_interface" {
    defaults = { private_ip_address = "10.2.255.244" }
  }
}

variables {
  name              = "vpn-azure"
  location          = "westeurope"
  ranges            = ["10.2.0.0/16"]
  private_subnets   = ["10.2.0.0/17"]
  edge_subnet       = "10.2.255.240/28"
  advertised_ranges = ["10.2.0.0/16", "10.12.0.0/16"]
  remote_ranges     = ["10.255.0.0/16", "10.1.0.0/16"]
  peers             = ["198.51.100.1/32"]
  first_port        = 1194
  last_port         = 1194
  admin_ranges      = ["203.0.113.0/24"]
  public_key        = "ssh-ed25519 AAAA"
}

run "site" {
  assert {
    condition     = azurerm_network_interface.vpn.ip_forwarding_enabled
    error_message = "Azure would drop what the instance passes on."
  }

  assert {
    condition     = [for each in azurerm_route.remote : each.address_prefix] == ["10.1.0.0/16", "10.255.0.0/16"]
    error_message = "The private subnets have a route to every other site, and to the tunnels."
  }

  assert {
    condition     = alltrue([for each in azurerm_route.remote : each.next_hop_type == "VirtualAppliance" && each.next_hop_in_ip_address == "10.2.255.244"])
    error_message = "These routes go to the VPN's instance."
  }

  assert {
    condition     = keys(azurerm_subnet_route_table_association.private) == ["10.2.0.0/17"]
    error_message = "Every private subnet has these routes, and the instance's own has not."
  }

  assert {
    condition     = [for each in azurerm_network_security_group.vpn.security_rule : "${each.name} ${each.destination_port_range}"] == ["vpn 1194-1194", "ssh 22", "site *"]
    error_message = "The VPN's ports, ssh, and what the site sends are let in, and nothing else."
  }

  assert {
    condition     = azurerm_network_security_group.vpn.security_rule[0].source_address_prefixes == tolist(["198.51.100.1/32"]) && azurerm_network_security_group.vpn.security_rule[1].source_address_prefixes == tolist(["203.0.113.0/24"])
    error_message = "The VPN is open to the peers alone, ssh to the administrators alone."
  }

  assert {
    condition     = azurerm_subnet_network_security_group_association.edge.subnet_id == azurerm_subnet.edge.id
    error_message = "The rules hold for the instance's subnet."
  }

  assert {
    condition     = output.public_address == "198.51.100.2"
    error_message = "The public address is what the other sites are told."
  }
}
