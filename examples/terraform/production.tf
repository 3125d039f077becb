# The production account: the function and its alias, the alarm, the deployment group, and the roles that reach them.

resource "aws_iam_role" "function" {
  provider           = aws.production
  name               = "greeter-function"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy_attachment" "function" {
  provider   = aws.production
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "greeter" {
  provider         = aws.production
  function_name    = "greeter"
  role             = aws_iam_role.function.arn
  runtime          = "nodejs20.x"
  handler          = "index.handler"
  filename         = "${path.module}/bootstrap.zip"
  source_code_hash = filebase64sha256("${path.module}/bootstrap.zip")
  publish          = true
  timeout          = 3

  lifecycle {
    # The pipeline publishes new versions.
    ignore_changes = [source_code_hash, filename]
  }
}

resource "aws_lambda_alias" "live" {
  provider         = aws.production
  name             = "live"
  function_name    = aws_lambda_function.greeter.function_name
  function_version = aws_lambda_function.greeter.version

  lifecycle {
    # CodeDeploy moves the alias.
    ignore_changes = [function_version, routing_config]
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  provider            = aws.production
  alarm_name          = "greeter-errors"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.greeter.function_name, Resource = "${aws_lambda_function.greeter.function_name}:live" }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
}

resource "aws_iam_role" "publisher" {
  provider           = aws.production
  name               = "greeter-publisher"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = aws_iam_role.build.arn }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "publisher" {
  provider = aws.production
  name     = "permissions"
  role     = aws_iam_role.publisher.id
  policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["lambda:UpdateFunctionCode", "lambda:GetAlias"], Resource = [aws_lambda_function.greeter.arn, "${aws_lambda_function.greeter.arn}:*"] }] })
}

resource "aws_iam_role" "action" {
  provider           = aws.production
  name               = "greeter-deploy-action"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = aws_iam_role.pipeline.arn }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "action" {
  provider = aws.production
  name     = "permissions"
  role     = aws_iam_role.action.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["codedeploy:CreateDeployment", "codedeploy:GetDeployment", "codedeploy:GetDeploymentConfig", "codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"], Resource = "*" },
      { Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion"], Resource = "arn:aws:s3:::${local.bucket}/*" },
      { Effect = "Allow", Action = ["kms:Decrypt"], Resource = "arn:aws:kms:${var.region}:${local.tools_account}:key/*" },
    ]
  })
}

resource "aws_iam_role" "codedeploy" {
  provider           = aws.production
  name               = "greeter-codedeploy"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "codedeploy.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

resource "aws_iam_role_policy" "codedeploy" {
  provider = aws.production
  name     = "permissions"
  role     = aws_iam_role.codedeploy.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetFunction", "lambda:GetFunctionConfiguration"], Resource = [aws_lambda_function.greeter.arn, "${aws_lambda_function.greeter.arn}:*"] },
      { Effect = "Allow", Action = "cloudwatch:DescribeAlarms", Resource = "*" },
      { Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion"], Resource = "arn:aws:s3:::${local.bucket}/*" },
      { Effect = "Allow", Action = "kms:Decrypt", Resource = "arn:aws:kms:${var.region}:${local.tools_account}:key/*" },
    ]
  })
}

resource "aws_codedeploy_app" "greeter" {
  provider         = aws.production
  name             = "greeter"
  compute_platform = "Lambda"
}

resource "aws_codedeploy_deployment_group" "greeter" {
  provider               = aws.production
  app_name               = aws_codedeploy_app.greeter.name
  deployment_group_name  = "greeter-live"
  deployment_config_name = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
  service_role_arn       = aws_iam_role.codedeploy.arn

  deployment_style {
    deployment_type   = "BLUE_GREEN"
    deployment_option = "WITH_TRAFFIC_CONTROL"
  }

  alarm_configuration {
    enabled = true
    alarms  = [aws_cloudwatch_metric_alarm.errors.alarm_name]
  }

  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
  }
}
