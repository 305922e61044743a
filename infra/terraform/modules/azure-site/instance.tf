# The VPN instance. IP forwarding is on: it passes on packets that are neither from nor for itself.

resource "azurerm_network_security_group" "vpn" {
  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location

  security_rule {
    name                       = "vpn"
    description                = "OpenVPN from the other sites"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Udp"
    source_port_range          = "*"
    destination_port_range     = "${var.first_port}-${var.last_port}"
    source_address_prefixes    = var.peers
    destination_address_prefix = "*"
  }

  security_rule {
    name                       = "ssh"
    description                = "ssh from the administrators"
    priority                   = 110
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    destination_port_range     = "22"
    source_address_prefixes    = var.admin_ranges
    destination_address_prefix = "*"
  }

  security_rule {
    name                         = "site"
    description                  = "From the site, to be passed on"
    priority                     = 120
    direction                    = "Inbound"
    access                       = "Allow"
    protocol                     = "*"
    source_port_range            = "*"
    destination_port_range       = "*"
    source_address_prefixes      = var.advertised_ranges
    destination_address_prefixes = var.remote_ranges
  }
}

resource "azurerm_subnet_network_security_group_association" "edge" {
  subnet_id                 = azurerm_subnet.edge.id
  network_security_group_id = azurerm_network_security_group.vpn.id
}

resource "azurerm_public_ip" "vpn" {
  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  allocation_method   = "Static"
  sku                 = "Standard"
}

resource "azurerm_network_interface" "vpn" {
  name                  = var.name
  resource_group_name   = azurerm_resource_group.this.name
  location              = azurerm_resource_group.this.location
  ip_forwarding_enabled = true

  ip_configuration {
    name                          = "vpn"
    subnet_id                     = azurerm_subnet.edge.id
    private_ip_address_allocation = "Dynamic"
    public_ip_address_id          = azurerm_public_ip.vpn.id
  }
}

resource "azurerm_linux_virtual_machine" "vpn" {
  name                  = var.name
  resource_group_name   = azurerm_resource_group.this.name
  location              = azurerm_resource_group.this.location
  size                  = var.instance_size
  admin_username        = "mcci"
  network_interface_ids = [azurerm_network_interface.vpn.id]

  admin_ssh_key {
    username   = "mcci"
    public_key = var.public_key
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "StandardSSD_LRS"
  }

  source_image_reference {
    publisher = "Debian"
    offer     = "debian-12"
    sku       = "12-gen2"
    version   = "latest"
  }

  lifecycle {
    # a newer image is no reason to make the instance anew, and to lose its private key
    ignore_changes = [source_image_reference]
  }
}
