# The demo's infrastructure, by Terraform: a pipeline in a tools account that deploys a Lambda function in a production
# account by canary, with an alarm that rolls it back.
#
#   sluice start &
#   export AWS_ENDPOINT_URL=http://127.0.0.1:4566
#   ... an administrator's access key, and a production account: see README.md beside this file
#   terraform init && terraform apply -var production_account=<id>

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "production_account" {
  description = "Twelve digits: the account that the function runs in."
  type        = string
}

variable "region" {
  type    = string
  default = "us-east-1"
}

# Credentials, and the endpoint (AWS_ENDPOINT_URL), come from the environment.
provider "aws" {
  region                      = var.region
  s3_use_path_style           = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_credentials_validation = true
}

provider "aws" {
  alias                       = "production"
  region                      = var.region
  s3_use_path_style           = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_credentials_validation = true

  assume_role {
    role_arn = "arn:aws:iam::${var.production_account}:role/OrganizationAccountAccessRole"
  }
}

data "aws_caller_identity" "tools" {}

locals {
  tools_account = data.aws_caller_identity.tools.account_id
  bucket        = "greeter-artifacts-${local.tools_account}"
}
