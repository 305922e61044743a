output "public_address" {
  description = "The instance's public address."
  value       = azurerm_public_ip.vpn.ip_address
}

output "network_id" {
  description = "The virtual network, for a cluster to be made in."
  value       = azurerm_virtual_network.this.id
}

output "private_subnet_ids" {
  description = "The private subnets, by range."
  value       = { for range, subnet in azurerm_subnet.private : range => subnet.id }
}
