# One site on Azure: a virtual network whose private subnets reach the other sites through the VPN instance.

resource "azurerm_resource_group" "this" {
  name     = var.name
  location = var.location
}

resource "azurerm_virtual_network" "this" {
  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  address_space       = var.ranges
}

resource "azurerm_subnet" "private" {
  for_each             = toset(var.private_subnets)
  name                 = "private-${replace(each.value, "/", "-")}"
  resource_group_name  = azurerm_resource_group.this.name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [each.value]
}

resource "azurerm_subnet" "edge" {
  name                 = "edge"
  resource_group_name  = azurerm_resource_group.this.name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [var.edge_subnet]
}

resource "azurerm_route_table" "private" {
  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
}

resource "azurerm_route" "remote" {
  for_each               = toset(var.remote_ranges)
  name                   = "vpn-${replace(each.value, "/", "-")}"
  resource_group_name    = azurerm_resource_group.this.name
  route_table_name       = azurerm_route_table.private.name
  address_prefix         = each.value
  next_hop_type          = "VirtualAppliance"
  next_hop_in_ip_address = azurerm_network_interface.vpn.private_ip_address
}

resource "azurerm_subnet_route_table_association" "private" {
  for_each       = azurerm_subnet.private
  subnet_id      = each.value.id
  route_table_id = azurerm_route_table.private.id
}
