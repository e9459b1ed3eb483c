variable "project" {
  description = "The project of the job."
  type        = string
}

variable "region" {
  description = "The region of the job, its subnet and its connector."
  type        = string
  default     = "europe-west1"
}

variable "image" {
  description = "The job's image, with runup in it."
  type        = string
}

variable "egress_by" {
  description = "How the job reaches the VPC: `direct` (Direct VPC egress) or `connector` (Serverless VPC Access)."
  type        = string
  default     = "direct"

  validation {
    condition     = contains(["direct", "connector"], var.egress_by)
    error_message = "egress_by is `direct` or `connector`."
  }
}

variable "egress" {
  description = "What goes into the VPC: `PRIVATE_RANGES_ONLY` or `ALL_TRAFFIC`, which needs Cloud NAT."
  type        = string
  default     = "PRIVATE_RANGES_ONLY"

  validation {
    condition     = contains(["PRIVATE_RANGES_ONLY", "ALL_TRAFFIC"], var.egress)
    error_message = "egress is `PRIVATE_RANGES_ONLY` or `ALL_TRAFFIC`."
  }
}

variable "proxy" {
  description = "Squid, for what is public."
  type        = object({ name = string, address = string, port = number })
  default     = { name = "proxy.corp.example", address = "10.9.9.9", port = 3128 }
}

variable "internal_domain" {
  description = "The domain of the internal hosts. It is resolved by internal_name_servers, and never goes through the proxy."
  type        = string
  default     = "corp.example"
}

variable "internal_name_servers" {
  description = "The corporate name servers, as reached from the VPC. They see questions from 35.199.192.0/19, and must answer there."
  type        = list(string)
  default     = ["10.1.0.53", "10.2.0.53"]
}

variable "internal_ranges" {
  description = "The addresses of the internal hosts."
  type        = list(string)
  default     = ["10.1.0.0/16"]
}
