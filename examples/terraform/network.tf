resource "google_compute_network" "corp" {
  name                    = "corp"
  auto_create_subnetworks = false
}

# Direct VPC egress takes addresses of it for every task: Google asks for a /26 at least.
resource "google_compute_subnetwork" "jobs" {
  name                     = "jobs"
  network                  = google_compute_network.corp.id
  ip_cidr_range            = "10.8.0.0/24"
  private_ip_google_access = true
}

# The other way into the VPC: a connector, with a /28 that it shares with nobody.
resource "google_compute_subnetwork" "connector" {
  count         = var.egress_by == "connector" ? 1 : 0
  name          = "connector"
  network       = google_compute_network.corp.id
  ip_cidr_range = "10.8.1.0/28"
}

resource "google_vpc_access_connector" "jobs" {
  count         = var.egress_by == "connector" ? 1 : 0
  name          = "jobs"
  min_instances = 2
  max_instances = 3

  subnet {
    name = google_compute_subnetwork.connector[0].name
  }
}

# With ALL_TRAFFIC what does not go through Squid has no other way out. With PRIVATE_RANGES_ONLY it does not come here, and
# Google advises against Cloud NAT, for its price.
resource "google_compute_router" "nat" {
  count   = var.egress == "ALL_TRAFFIC" ? 1 : 0
  name    = "nat"
  network = google_compute_network.corp.id
}

resource "google_compute_router_nat" "nat" {
  count                              = var.egress == "ALL_TRAFFIC" ? 1 : 0
  name                               = "nat"
  router                             = google_compute_router.nat[0].name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

# Internal names: Cloud DNS asks the corporate name servers, by the VPN or the interconnect. That Cloud Run's jobs ask
# Cloud DNS as the network's own machines do is inferred.
resource "google_dns_managed_zone" "internal" {
  name       = replace(var.internal_domain, ".", "-")
  dns_name   = "${var.internal_domain}."
  visibility = "private"

  private_visibility_config {
    networks {
      network_url = google_compute_network.corp.id
    }
  }

  forwarding_config {
    dynamic "target_name_servers" {
      for_each = var.internal_name_servers
      content {
        ipv4_address    = target_name_servers.value
        forwarding_path = "private"
      }
    }
  }
}

# What jobs may open of the VPC: Squid and the internal hosts, and nothing else. The metadata server and Cloud DNS are not
# behind the VPC's firewall (documented for VMs; for Cloud Run inferred).
resource "google_compute_firewall" "jobs_to_proxy" {
  name               = "jobs-to-proxy"
  network            = google_compute_network.corp.id
  direction          = "EGRESS"
  destination_ranges = ["${var.proxy.address}/32"]
  target_tags        = local.tags

  allow {
    protocol = "tcp"
    ports    = [var.proxy.port]
  }
}

resource "google_compute_firewall" "jobs_to_internal" {
  name               = "jobs-to-internal"
  network            = google_compute_network.corp.id
  direction          = "EGRESS"
  destination_ranges = var.internal_ranges
  target_tags        = local.tags

  allow {
    protocol = "tcp"
    ports    = ["443", "8081"]
  }
}

resource "google_compute_firewall" "jobs_to_nothing_else" {
  name               = "jobs-to-nothing-else"
  network            = google_compute_network.corp.id
  direction          = "EGRESS"
  priority           = 65000
  destination_ranges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
  target_tags        = local.tags

  deny {
    protocol = "all"
  }
}

locals {
  # Direct VPC egress has the tags that the job names; a connector's instances are all tagged `vpc-connector`.
  tags = var.egress_by == "direct" ? ["jobs"] : ["vpc-connector"]
}
