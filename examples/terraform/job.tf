# Who the job is. It needs no key: the metadata server gives out its tokens.
resource "google_service_account" "job" {
  account_id   = "list-migs"
  display_name = "Job list-migs"
}

resource "google_project_iam_member" "job" {
  for_each = toset(["roles/compute.viewer", "roles/logging.logWriter"])
  project  = var.project
  role     = each.value
  member   = google_service_account.job.member
}

# Its value is added by hand (gcloud secrets versions add), so that it stands in no state.
resource "google_secret_manager_secret" "nexus_password" {
  secret_id = "nexus-password"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "job" {
  secret_id = google_secret_manager_secret.nexus_password.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.job.member
}

locals {
  proxy = "http://${var.proxy.name}:${var.proxy.port}"

  environment = {
    # No NO_PROXY: runup puts the metadata server and RUNUP_DIRECT there, in the way that every client understands.
    HTTP_PROXY             = local.proxy
    HTTPS_PROXY            = local.proxy
    RUNUP_DIRECT           = ".${var.internal_domain}"
    RUNUP_REQUIRE          = "https://github.${var.internal_domain}/status tcp://nexus.${var.internal_domain}:8081"
    RUNUP_SERVICE_ACCOUNT  = google_service_account.job.email
    RUNUP_REQUIRE_VARIABLE = "NEXUS_PASSWORD"
  }
}

resource "google_cloud_run_v2_job" "list_migs" {
  name                = "list-migs"
  location            = var.region
  deletion_protection = false

  template {
    task_count  = 1
    parallelism = 1

    template {
      service_account = google_service_account.job.email
      max_retries     = 3
      timeout         = "1800s"

      containers {
        image   = var.image
        command = ["runup"]
        args    = ["./list-migs.sh", "-e", "env", "-c", "component"]

        dynamic "env" {
          for_each = local.environment
          content {
            name  = env.key
            value = env.value
          }
        }

        env {
          name = "NEXUS_PASSWORD"
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.nexus_password.secret_id
              version = "latest"
            }
          }
        }

        resources {
          limits = { cpu = "1", memory = "512Mi" }
        }
      }

      vpc_access {
        # With PRIVATE_RANGES_ONLY, only private addresses go into the VPC; the metadata server's, a link-local one, is none of
        # them (inferred, not measured on Cloud Run).
        egress    = var.egress
        connector = one(google_vpc_access_connector.jobs[*].id)

        dynamic "network_interfaces" {
          for_each = var.egress_by == "direct" ? [1] : []
          content {
            network    = google_compute_network.corp.name
            subnetwork = google_compute_subnetwork.jobs.name
            tags       = local.tags
          }
        }
      }
    }
  }

  # A job that is run before it may read the secret fails.
  depends_on = [google_secret_manager_secret_iam_member.job]
}
