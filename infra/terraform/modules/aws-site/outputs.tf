output "public_address" {
  description = "The instance's Elastic IP."
  value       = aws_eip.vpn.public_ip
}

output "network_id" {
  description = "The VPC, for a cluster to be made in."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "The private subnets, by range."
  value       = { for range, subnet in aws_subnet.private : range => subnet.id }
}
