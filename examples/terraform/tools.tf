# The tools account: key, artifact bucket, repository, build project, pipeline, and the rule that starts it.

resource "aws_kms_key" "artifacts" {
  description             = "artifacts of greeter"
  deletion_window_in_days = 7
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${local.tools_account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "Users"
        Effect    = "Allow"
        Principal = { AWS = [aws_iam_role.action.arn, aws_iam_role.codedeploy.arn] }
        Action    = ["kms:Decrypt", "kms:DescribeKey"]
        Resource  = "*"
      },
    ]
  })
}

resource "aws_kms_alias" "artifacts" {
  name          = "alias/greeter"
  target_key_id = aws_kms_key.artifacts.key_id
}

resource "aws_s3_bucket" "artifacts" {
  bucket        = local.bucket
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.artifacts.arn
    }
  }
}

resource "aws_s3_bucket_policy" "artifacts" {
  bucket     = aws_s3_bucket.artifacts.id
  depends_on = [aws_s3_bucket_public_access_block.artifacts]
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = [aws_iam_role.action.arn, aws_iam_role.codedeploy.arn] }
      Action    = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource  = "arn:aws:s3:::${local.bucket}/*"
    }]
  })
}

resource "aws_codecommit_repository" "greeter" {
  repository_name = "greeter"
  description     = "the greeter service"
}

resource "aws_iam_role" "pipeline" {
  name               = "greeter-pipeline"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "codepipeline.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "pipeline" {
  name = "permissions"
  role = aws_iam_role.pipeline.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], Resource = "${aws_s3_bucket.artifacts.arn}/*" },
      { Effect = "Allow", Action = ["s3:GetBucketVersioning", "s3:GetBucketLocation"], Resource = aws_s3_bucket.artifacts.arn },
      { Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = aws_kms_key.artifacts.arn },
      { Effect = "Allow", Action = ["codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive", "codecommit:GetUploadArchiveStatus", "codecommit:CancelUploadArchive", "codecommit:GetFolder", "codecommit:GetFile", "codecommit:GetBlob", "codecommit:GitPull"], Resource = aws_codecommit_repository.greeter.arn },
      { Effect = "Allow", Action = ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], Resource = aws_codebuild_project.greeter.arn },
      { Effect = "Allow", Action = "sts:AssumeRole", Resource = aws_iam_role.action.arn },
    ]
  })
}

resource "aws_iam_role" "build" {
  name               = "greeter-build"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "codebuild.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "build" {
  name = "permissions"
  role = aws_iam_role.build.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], Resource = "${aws_s3_bucket.artifacts.arn}/*" },
      { Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = aws_kms_key.artifacts.arn },
      { Effect = "Allow", Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], Resource = "arn:aws:logs:${var.region}:${local.tools_account}:log-group:/aws/codebuild/*" },
      { Effect = "Allow", Action = "sts:AssumeRole", Resource = "arn:aws:iam::${var.production_account}:role/greeter-publisher" },
    ]
  })
}

resource "aws_codebuild_project" "greeter" {
  name           = "greeter-build"
  service_role   = aws_iam_role.build.arn
  encryption_key = aws_kms_key.artifacts.arn

  source {
    type = "CODEPIPELINE"
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type         = "LINUX_CONTAINER"
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/standard:7.0"

    environment_variable {
      name  = "PUBLISHER_ROLE_ARN"
      value = "arn:aws:iam::${var.production_account}:role/greeter-publisher"
    }
  }

  tags = { project = "greeter" }
}

resource "aws_codepipeline" "greeter" {
  name           = "greeter"
  role_arn       = aws_iam_role.pipeline.arn
  pipeline_type  = "V2"
  execution_mode = "SUPERSEDED"
  depends_on     = [aws_iam_role_policy.pipeline]

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts.bucket
    encryption_key {
      id   = aws_kms_key.artifacts.arn
      type = "KMS"
    }
  }

  stage {
    name = "Source"
    action {
      name             = "Commit"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeCommit"
      version          = "1"
      namespace        = "SourceVariables"
      output_artifacts = ["source"]
      configuration = {
        RepositoryName       = aws_codecommit_repository.greeter.repository_name
        BranchName           = "main"
        PollForSourceChanges = "false"
      }
    }
  }

  stage {
    name = "Build"
    action {
      name             = "TestAndPublish"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["source"]
      output_artifacts = ["appspec"]
      configuration    = { ProjectName = aws_codebuild_project.greeter.name }
    }
  }

  stage {
    name = "Approve"
    action {
      name          = "Release"
      category      = "Approval"
      owner         = "AWS"
      provider      = "Manual"
      version       = "1"
      configuration = { CustomData = "Release commit #{SourceVariables.CommitId}?" }
    }
  }

  stage {
    name = "Deploy"
    action {
      name            = "Canary"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "CodeDeploy"
      version         = "1"
      role_arn        = aws_iam_role.action.arn
      input_artifacts = ["appspec"]
      configuration = {
        ApplicationName     = aws_codedeploy_app.greeter.name
        DeploymentGroupName = aws_codedeploy_deployment_group.greeter.deployment_group_name
      }
    }
  }
}

resource "aws_iam_role" "start" {
  name               = "greeter-start"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "start" {
  name   = "permissions"
  role   = aws_iam_role.start.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "codepipeline:StartPipelineExecution", Resource = aws_codepipeline.greeter.arn }] })
}

resource "aws_cloudwatch_event_rule" "push" {
  name = "greeter-push"
  event_pattern = jsonencode({
    source        = ["aws.codecommit"]
    "detail-type" = ["CodeCommit Repository State Change"]
    resources     = [aws_codecommit_repository.greeter.arn]
    detail        = { event = ["referenceCreated", "referenceUpdated"], referenceType = ["branch"], referenceName = ["main"] }
  })
}

resource "aws_cloudwatch_event_target" "pipeline" {
  rule      = aws_cloudwatch_event_rule.push.name
  target_id = "pipeline"
  arn       = aws_codepipeline.greeter.arn
  role_arn  = aws_iam_role.start.arn
}

output "clone_url" {
  value = aws_codecommit_repository.greeter.clone_url_http
}
