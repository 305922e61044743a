"""The VPN between the clouds: what to make is decided here, Terraform and Ansible make it."""
