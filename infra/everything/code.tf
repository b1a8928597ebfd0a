# The package, uploaded once for all functions.

resource "aws_s3_object" "code" {
  bucket      = aws_s3_bucket.files.id
  key         = "code/deployment.zip"
  source      = local.package
  source_hash = filesha256(local.package)
  kms_key_id  = aws_kms_key.main.arn

  depends_on = [aws_s3_bucket_versioning.files] # a function names the version that it has

  lifecycle {
    precondition {
      condition     = local.packaged_stage == var.stage
      error_message = "This is the package of ${local.packaged_stage}: make package STAGE=${var.stage} TERRAFORM=1."
    }
  }
}

locals {
  package = "${path.module}/deployment.zip"
}
