# What modules/aws-site takes, too, is declared there in the same words: Terraform cannot share declarations.

variable "name" {
  description = "The name that everything here carries."
  type        = string
}

variable "ranges" {
  description = "The ranges (CIDR) of the virtual network; the first is its primary one."
  type        = list(string)
}

variable "private_subnets" {
  description = "The private subnets, within the ranges."
  type        = list(string)
}

variable "edge_subnet" {
  description = "The VPN instance's own subnet, which has a way to the internet."
  type        = string
}

variable "advertised_ranges" {
  description = "What the other sites reach here: the ranges, and a cluster's pods and services."
  type        = list(string)
}

variable "remote_ranges" {
  description = "What is reached through the VPN: the tunnels' range and the other sites' networks."
  type        = list(string)
}

variable "peers" {
  description = "From where the other sites' instances come (CIDR)."
  type        = list(string)
}

variable "first_port" {
  description = "The first UDP port of the VPN."
  type        = number
}

variable "last_port" {
  description = "The last UDP port of the VPN."
  type        = number
}

variable "admin_ranges" {
  description = "From where ssh is let in (CIDR)."
  type        = list(string)
}

variable "public_key" {
  description = "The ssh public key that the instance lets in."
  type        = string
}

variable "location" {
  description = "The Azure region."
  type        = string
}

variable "instance_size" {
  description = "The size of the VPN instance."
  type        = string
  default     = "Standard_B2s"
}
