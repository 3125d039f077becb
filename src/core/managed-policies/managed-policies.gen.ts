// Made by scripts/managed-policies.py from moto 5.2.1; do not edit.
export const AWS_MANAGED: readonly Readonly<{
  name: string;
  path: string;
  version: string;
  created: string;
  updated: string;
  document: string;
}>[] = [
  {
    name: 'AWSCloudFormationFullAccess',
    path: '/',
    version: 'v1',
    created: '2019-07-26T21:50:35Z',
    updated: '2019-07-26T21:50:35Z',
    document: '{"Statement":[{"Action":["cloudformation:*"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCloudFormationReadOnlyAccess',
    path: '/',
    version: 'v7',
    created: '2015-02-06T18:39:49Z',
    updated: '2026-02-12T18:02:00Z',
    document:
      '{"Statement":[{"Action":["cloudformation:Describe*","cloudformation:BatchDescribe*","cloudformation:EstimateTemplateCost","cloudformation:Get*","cloudformation:List*","cloudformation:ValidateTemplate","cloudformation:Detect*"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCloudTrail_FullAccess',
    path: '/',
    version: 'v3',
    created: '2020-10-08T23:41:15Z',
    updated: '2021-02-22T19:01:00Z',
    document:
      '{"Statement":[{"Action":["sns:AddPermission","sns:CreateTopic","sns:SetTopicAttributes","sns:GetTopicAttributes"],"Effect":"Allow","Resource":["arn:aws:sns:*:*:aws-cloudtrail-logs*"]},{"Action":["sns:ListTopics"],"Effect":"Allow","Resource":"*"},{"Action":["s3:CreateBucket","s3:PutBucketPolicy","s3:PutBucketPublicAccessBlock"],"Effect":"Allow","Resource":["arn:aws:s3:::aws-cloudtrail-logs*"]},{"Action":["s3:ListAllMyBuckets","s3:GetBucketLocation","s3:GetBucketPolicy"],"Effect":"Allow","Resource":"*"},{"Action":"cloudtrail:*","Effect":"Allow","Resource":"*"},{"Action":["logs:CreateLogGroup"],"Effect":"Allow","Resource":["arn:aws:logs:*:*:log-group:aws-cloudtrail-logs*"]},{"Action":["iam:ListRoles","iam:GetRolePolicy","iam:GetUser"],"Effect":"Allow","Resource":"*"},{"Action":["iam:PassRole"],"Condition":{"StringEquals":{"iam:PassedToService":"cloudtrail.amazonaws.com"}},"Effect":"Allow","Resource":"*"},{"Action":["kms:CreateKey","kms:CreateAlias","kms:ListKeys","kms:ListAliases"],"Effect":"Allow","Resource":"*"},{"Action":["lambda:ListFunctions"],"Effect":"Allow","Resource":"*"},{"Action":["dynamodb:ListGlobalTables","dynamodb:ListTables"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCloudTrail_ReadOnlyAccess',
    path: '/',
    version: 'v1',
    created: '2022-06-14T17:19:05Z',
    updated: '2022-06-14T17:19:05Z',
    document:
      '{"Statement":[{"Action":["cloudtrail:Get*","cloudtrail:Describe*","cloudtrail:List*","cloudtrail:LookupEvents"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeArtifactAdminAccess',
    path: '/',
    version: 'v1',
    created: '2020-06-16T23:53:23Z',
    updated: '2020-06-16T23:53:23Z',
    document:
      '{"Statement":[{"Action":["codeartifact:*"],"Effect":"Allow","Resource":"*"},{"Action":"sts:GetServiceBearerToken","Condition":{"StringEquals":{"sts:AWSServiceName":"codeartifact.amazonaws.com"}},"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeArtifactReadOnlyAccess',
    path: '/',
    version: 'v1',
    created: '2020-06-25T21:23:52Z',
    updated: '2020-06-25T21:23:52Z',
    document:
      '{"Statement":[{"Action":["codeartifact:Describe*","codeartifact:Get*","codeartifact:List*","codeartifact:ReadFromRepository"],"Effect":"Allow","Resource":"*"},{"Action":"sts:GetServiceBearerToken","Condition":{"StringEquals":{"sts:AWSServiceName":"codeartifact.amazonaws.com"}},"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeBuildAdminAccess',
    path: '/',
    version: 'v20',
    created: '2016-12-01T19:04:44Z',
    updated: '2026-02-12T18:01:51Z',
    document:
      '{"Statement":[{"Action":["codebuild:*","codecommit:GetBranch","codecommit:GetCommit","codecommit:GetRepository","codecommit:ListBranches","codecommit:ListRepositories","cloudwatch:GetMetricStatistics","ec2:DescribeVpcs","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ecr:DescribeRepositories","ecr:ListImages","elasticfilesystem:DescribeFileSystems","events:DeleteRule","events:DescribeRule","events:DisableRule","events:EnableRule","events:ListTargetsByRule","events:ListRuleNamesByTarget","events:PutRule","events:PutTargets","events:RemoveTargets","logs:GetLogEvents","s3:GetBucketLocation","s3:ListAllMyBuckets"],"Effect":"Allow","Resource":"*","Sid":"AWSServicesAccess"},{"Action":["logs:DeleteLogGroup"],"Effect":"Allow","Resource":"arn:aws:logs:*:*:log-group:/aws/codebuild/*:log-stream:*","Sid":"CWLDeleteLogGroupAccess"},{"Action":["ssm:PutParameter"],"Effect":"Allow","Resource":"arn:aws:ssm:*:*:parameter/CodeBuild/*","Sid":"SSMParameterWriteAccess"},{"Action":["ssm:StartSession"],"Effect":"Allow","Resource":"arn:aws:ecs:*:*:task/*/*","Sid":"SSMStartSessionAccess"},{"Action":["ssmmessages:OpenDataChannel"],"Effect":"Allow","Resource":"arn:aws:ssm:*:*:session/*","Sid":"SSMOpenDataChannelAccess"},{"Action":["codestar-connections:CreateConnection","codestar-connections:DeleteConnection","codestar-connections:UpdateConnectionInstallation","codestar-connections:TagResource","codestar-connections:UntagResource","codestar-connections:ListConnections","codestar-connections:ListInstallationTargets","codestar-connections:ListTagsForResource","codestar-connections:GetConnection","codestar-connections:GetIndividualAccessToken","codestar-connections:GetInstallationUrl","codestar-connections:PassConnection","codestar-connections:StartOAuthHandshake","codestar-connections:UseConnection"],"Effect":"Allow","Resource":["arn:aws:codestar-connections:*:*:connection/*","arn:aws:codeconnections:*:*:connection/*"],"Sid":"CodeStarConnectionsReadWriteAccess"},{"Action":["codestar-notifications:CreateNotificationRule","codestar-notifications:DescribeNotificationRule","codestar-notifications:UpdateNotificationRule","codestar-notifications:DeleteNotificationRule","codestar-notifications:Subscribe","codestar-notifications:Unsubscribe"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codebuild:*:*:project/*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadWriteAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListEventTypes","codestar-notifications:ListTargets","codestar-notifications:ListTagsforResource"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"},{"Action":["sns:CreateTopic","sns:SetTopicAttributes"],"Effect":"Allow","Resource":"arn:aws:sns:*:*:codestar-notifications*","Sid":"CodeStarNotificationsSNSTopicCreateAccess"},{"Action":["sns:ListTopics","sns:GetTopicAttributes"],"Effect":"Allow","Resource":"*","Sid":"SNSTopicListAccess"},{"Action":["chatbot:DescribeSlackChannelConfigurations","chatbot:ListMicrosoftTeamsChannelConfigurations"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsChatbotAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeBuildDeveloperAccess',
    path: '/',
    version: 'v21',
    created: '2016-12-01T19:02:32Z',
    updated: '2026-02-12T18:01:34Z',
    document:
      '{"Statement":[{"Action":["codebuild:StartBuild","codebuild:StopBuild","codebuild:StartBuildBatch","codebuild:StopBuildBatch","codebuild:RetryBuild","codebuild:RetryBuildBatch","codebuild:BatchGet*","codebuild:GetResourcePolicy","codebuild:DescribeTestCases","codebuild:DescribeCodeCoverages","codebuild:List*","codecommit:GetBranch","codecommit:GetCommit","codecommit:GetRepository","codecommit:ListBranches","cloudwatch:GetMetricStatistics","events:DescribeRule","events:ListTargetsByRule","events:ListRuleNamesByTarget","logs:GetLogEvents","s3:GetBucketLocation","s3:ListAllMyBuckets"],"Effect":"Allow","Resource":"*","Sid":"AWSServicesAccess"},{"Action":["ssm:PutParameter"],"Effect":"Allow","Resource":"arn:aws:ssm:*:*:parameter/CodeBuild/*","Sid":"SSMParameterWriteAccess"},{"Action":["ssm:StartSession"],"Effect":"Allow","Resource":"arn:aws:ecs:*:*:task/*/*","Sid":"SSMStartSessionAccess"},{"Action":["ssmmessages:OpenDataChannel"],"Effect":"Allow","Resource":"arn:aws:ssm:*:*:session/*","Sid":"SSMOpenDataChannelAccess"},{"Action":["codestar-connections:ListConnections","codestar-connections:GetConnection"],"Effect":"Allow","Resource":["arn:aws:codestar-connections:*:*:connection/*","arn:aws:codeconnections:*:*:connection/*"],"Sid":"CodeStarConnectionsUserAccess"},{"Action":["codestar-notifications:CreateNotificationRule","codestar-notifications:DescribeNotificationRule","codestar-notifications:UpdateNotificationRule","codestar-notifications:Subscribe","codestar-notifications:Unsubscribe"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codebuild:*:*:project/*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadWriteAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListEventTypes","codestar-notifications:ListTargets","codestar-notifications:ListTagsforResource"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"},{"Action":["sns:ListTopics","sns:GetTopicAttributes"],"Effect":"Allow","Resource":"*","Sid":"SNSTopicListAccess"},{"Action":["chatbot:DescribeSlackChannelConfigurations","chatbot:ListMicrosoftTeamsChannelConfigurations"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsChatbotAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeBuildReadOnlyAccess',
    path: '/',
    version: 'v15',
    created: '2016-12-01T19:03:41Z',
    updated: '2026-02-12T18:02:34Z',
    document:
      '{"Statement":[{"Action":["codebuild:BatchGet*","codebuild:GetResourcePolicy","codebuild:List*","codebuild:DescribeTestCases","codebuild:DescribeCodeCoverages","codecommit:GetBranch","codecommit:GetCommit","codecommit:GetRepository","cloudwatch:GetMetricStatistics","events:DescribeRule","events:ListTargetsByRule","events:ListRuleNamesByTarget","logs:GetLogEvents"],"Effect":"Allow","Resource":"*","Sid":"AWSServicesAccess"},{"Action":["codestar-connections:ListConnections","codestar-connections:GetConnection"],"Effect":"Allow","Resource":["arn:aws:codestar-connections:*:*:connection/*","arn:aws:codeconnections:*:*:connection/*"],"Sid":"CodeStarConnectionsUserAccess"},{"Action":["codestar-notifications:DescribeNotificationRule"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codebuild:*:*:project/*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsPowerUserAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListEventTypes","codestar-notifications:ListTargets"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeCommitFullAccess',
    path: '/',
    version: 'v13',
    created: '2015-07-09T17:02:19Z',
    updated: '2026-02-12T18:00:23Z',
    document:
      '{"Statement":[{"Action":["codecommit:*"],"Effect":"Allow","Resource":"*"},{"Action":["events:DeleteRule","events:DescribeRule","events:DisableRule","events:EnableRule","events:PutRule","events:PutTargets","events:RemoveTargets","events:ListTargetsByRule"],"Effect":"Allow","Resource":"arn:aws:events:*:*:rule/codecommit*","Sid":"CloudWatchEventsCodeCommitRulesAccess"},{"Action":["sns:CreateTopic","sns:DeleteTopic","sns:Subscribe","sns:Unsubscribe","sns:SetTopicAttributes"],"Effect":"Allow","Resource":"arn:aws:sns:*:*:codecommit*","Sid":"SNSTopicAndSubscriptionAccess"},{"Action":["sns:ListTopics","sns:ListSubscriptionsByTopic","sns:GetTopicAttributes"],"Effect":"Allow","Resource":"*","Sid":"SNSTopicAndSubscriptionReadAccess"},{"Action":["lambda:ListFunctions"],"Effect":"Allow","Resource":"*","Sid":"LambdaReadOnlyListAccess"},{"Action":["iam:ListUsers"],"Effect":"Allow","Resource":"*","Sid":"IAMReadOnlyListAccess"},{"Action":["iam:ListAccessKeys","iam:ListSSHPublicKeys","iam:ListServiceSpecificCredentials"],"Effect":"Allow","Resource":"arn:aws:iam::*:user/${aws:username}","Sid":"IAMReadOnlyConsoleAccess"},{"Action":["iam:DeleteSSHPublicKey","iam:GetSSHPublicKey","iam:ListSSHPublicKeys","iam:UpdateSSHPublicKey","iam:UploadSSHPublicKey"],"Effect":"Allow","Resource":"arn:aws:iam::*:user/${aws:username}","Sid":"IAMUserSSHKeys"},{"Action":["iam:CreateServiceSpecificCredential","iam:UpdateServiceSpecificCredential","iam:DeleteServiceSpecificCredential","iam:ResetServiceSpecificCredential"],"Effect":"Allow","Resource":"arn:aws:iam::*:user/${aws:username}","Sid":"IAMSelfManageServiceSpecificCredentials"},{"Action":["codestar-notifications:CreateNotificationRule","codestar-notifications:DescribeNotificationRule","codestar-notifications:UpdateNotificationRule","codestar-notifications:DeleteNotificationRule","codestar-notifications:Subscribe","codestar-notifications:Unsubscribe"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codecommit:*:*:*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadWriteAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListTargets","codestar-notifications:ListTagsforResource","codestar-notifications:ListEventTypes"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"},{"Action":["sns:CreateTopic","sns:SetTopicAttributes"],"Effect":"Allow","Resource":"arn:aws:sns:*:*:codestar-notifications*","Sid":"CodeStarNotificationsSNSTopicCreateAccess"},{"Action":["codeguru-reviewer:AssociateRepository","codeguru-reviewer:DescribeRepositoryAssociation","codeguru-reviewer:ListRepositoryAssociations","codeguru-reviewer:DisassociateRepository","codeguru-reviewer:DescribeCodeReview","codeguru-reviewer:ListCodeReviews"],"Effect":"Allow","Resource":"*","Sid":"AmazonCodeGuruReviewerFullAccess"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringLike":{"iam:AWSServiceName":"codeguru-reviewer.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/codeguru-reviewer.amazonaws.com/AWSServiceRoleForAmazonCodeGuruReviewer","Sid":"AmazonCodeGuruReviewerSLRCreation"},{"Action":["events:PutRule","events:PutTargets","events:DeleteRule","events:RemoveTargets"],"Condition":{"StringEquals":{"events:ManagedBy":"codeguru-reviewer.amazonaws.com"}},"Effect":"Allow","Resource":"*","Sid":"CloudWatchEventsManagedRules"},{"Action":["chatbot:DescribeSlackChannelConfigurations","chatbot:ListMicrosoftTeamsChannelConfigurations"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsChatbotAccess"},{"Action":["codestar-connections:ListConnections","codestar-connections:GetConnection"],"Effect":"Allow","Resource":"arn:aws:codestar-connections:*:*:connection/*","Sid":"CodeStarConnectionsReadOnlyAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeCommitPowerUser',
    path: '/',
    version: 'v18',
    created: '2015-07-09T17:06:49Z',
    updated: '2026-02-12T17:57:24Z',
    document:
      '{"Statement":[{"Action":["codecommit:AssociateApprovalRuleTemplateWithRepository","codecommit:BatchAssociateApprovalRuleTemplateWithRepositories","codecommit:BatchDisassociateApprovalRuleTemplateFromRepositories","codecommit:BatchGet*","codecommit:BatchDescribe*","codecommit:Create*","codecommit:DeleteBranch","codecommit:DeleteFile","codecommit:Describe*","codecommit:DisassociateApprovalRuleTemplateFromRepository","codecommit:EvaluatePullRequestApprovalRules","codecommit:Get*","codecommit:List*","codecommit:Merge*","codecommit:OverridePullRequestApprovalRules","codecommit:Put*","codecommit:Post*","codecommit:TagResource","codecommit:Test*","codecommit:UntagResource","codecommit:Update*","codecommit:GitPull","codecommit:GitPush"],"Effect":"Allow","Resource":"*"},{"Action":["events:DeleteRule","events:DescribeRule","events:DisableRule","events:EnableRule","events:PutRule","events:PutTargets","events:RemoveTargets","events:ListTargetsByRule"],"Effect":"Allow","Resource":"arn:aws:events:*:*:rule/codecommit*","Sid":"CloudWatchEventsCodeCommitRulesAccess"},{"Action":["sns:Subscribe","sns:Unsubscribe"],"Effect":"Allow","Resource":"arn:aws:sns:*:*:codecommit*","Sid":"SNSTopicAndSubscriptionAccess"},{"Action":["sns:ListTopics","sns:ListSubscriptionsByTopic","sns:GetTopicAttributes"],"Effect":"Allow","Resource":"*","Sid":"SNSTopicAndSubscriptionReadAccess"},{"Action":["lambda:ListFunctions"],"Effect":"Allow","Resource":"*","Sid":"LambdaReadOnlyListAccess"},{"Action":["iam:ListUsers"],"Effect":"Allow","Resource":"*","Sid":"IAMReadOnlyListAccess"},{"Action":["iam:ListAccessKeys","iam:ListSSHPublicKeys","iam:ListServiceSpecificCredentials"],"Effect":"Allow","Resource":"arn:aws:iam::*:user/${aws:username}","Sid":"IAMReadOnlyConsoleAccess"},{"Action":["iam:DeleteSSHPublicKey","iam:GetSSHPublicKey","iam:ListSSHPublicKeys","iam:UpdateSSHPublicKey","iam:UploadSSHPublicKey"],"Effect":"Allow","Resource":"arn:aws:iam::*:user/${aws:username}","Sid":"IAMUserSSHKeys"},{"Action":["iam:CreateServiceSpecificCredential","iam:UpdateServiceSpecificCredential","iam:DeleteServiceSpecificCredential","iam:ResetServiceSpecificCredential"],"Effect":"Allow","Resource":"arn:aws:iam::*:user/${aws:username}","Sid":"IAMSelfManageServiceSpecificCredentials"},{"Action":["codestar-notifications:CreateNotificationRule","codestar-notifications:DescribeNotificationRule","codestar-notifications:UpdateNotificationRule","codestar-notifications:Subscribe","codestar-notifications:Unsubscribe"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codecommit:*:*:*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadWriteAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListTargets","codestar-notifications:ListTagsforResource","codestar-notifications:ListEventTypes"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"},{"Action":["codeguru-reviewer:AssociateRepository","codeguru-reviewer:DescribeRepositoryAssociation","codeguru-reviewer:ListRepositoryAssociations","codeguru-reviewer:DisassociateRepository","codeguru-reviewer:DescribeCodeReview","codeguru-reviewer:ListCodeReviews"],"Effect":"Allow","Resource":"*","Sid":"AmazonCodeGuruReviewerFullAccess"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringLike":{"iam:AWSServiceName":"codeguru-reviewer.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/codeguru-reviewer.amazonaws.com/AWSServiceRoleForAmazonCodeGuruReviewer","Sid":"AmazonCodeGuruReviewerSLRCreation"},{"Action":["events:PutRule","events:PutTargets","events:DeleteRule","events:RemoveTargets"],"Condition":{"StringEquals":{"events:ManagedBy":"codeguru-reviewer.amazonaws.com"}},"Effect":"Allow","Resource":"*","Sid":"CloudWatchEventsManagedRules"},{"Action":["chatbot:DescribeSlackChannelConfigurations","chatbot:ListMicrosoftTeamsChannelConfigurations"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsChatbotAccess"},{"Action":["codestar-connections:ListConnections","codestar-connections:GetConnection"],"Effect":"Allow","Resource":"arn:aws:codestar-connections:*:*:connection/*","Sid":"CodeStarConnectionsReadOnlyAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeCommitReadOnly',
    path: '/',
    version: 'v14',
    created: '2015-07-09T17:05:06Z',
    updated: '2026-02-12T18:00:25Z',
    document:
      '{"Statement":[{"Action":["codecommit:BatchGet*","codecommit:BatchDescribe*","codecommit:Describe*","codecommit:EvaluatePullRequestApprovalRules","codecommit:Get*","codecommit:List*","codecommit:GitPull"],"Effect":"Allow","Resource":"*"},{"Action":["events:DescribeRule","events:ListTargetsByRule"],"Effect":"Allow","Resource":"arn:aws:events:*:*:rule/codecommit*","Sid":"CloudWatchEventsCodeCommitRulesReadOnlyAccess"},{"Action":["sns:ListTopics","sns:ListSubscriptionsByTopic","sns:GetTopicAttributes"],"Effect":"Allow","Resource":"*","Sid":"SNSSubscriptionAccess"},{"Action":["lambda:ListFunctions"],"Effect":"Allow","Resource":"*","Sid":"LambdaReadOnlyListAccess"},{"Action":["iam:ListUsers"],"Effect":"Allow","Resource":"*","Sid":"IAMReadOnlyListAccess"},{"Action":["iam:ListSSHPublicKeys","iam:ListServiceSpecificCredentials","iam:ListAccessKeys","iam:GetSSHPublicKey"],"Effect":"Allow","Resource":"arn:aws:iam::*:user/${aws:username}","Sid":"IAMReadOnlyConsoleAccess"},{"Action":["codestar-connections:ListConnections","codestar-connections:GetConnection"],"Effect":"Allow","Resource":"arn:aws:codestar-connections:*:*:connection/*","Sid":"CodeStarConnectionsReadOnlyAccess"},{"Action":["codestar-notifications:DescribeNotificationRule"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codecommit:*:*:*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadOnlyAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListEventTypes","codestar-notifications:ListTargets"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"},{"Action":["codeguru-reviewer:DescribeRepositoryAssociation","codeguru-reviewer:ListRepositoryAssociations","codeguru-reviewer:DescribeCodeReview","codeguru-reviewer:ListCodeReviews"],"Effect":"Allow","Resource":"*","Sid":"AmazonCodeGuruReviewerReadOnlyAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployDeployerAccess',
    path: '/',
    version: 'v6',
    created: '2015-05-19T18:18:43Z',
    updated: '2026-02-12T18:02:10Z',
    document:
      '{"Statement":[{"Action":["codedeploy:Batch*","codedeploy:CreateDeployment","codedeploy:Get*","codedeploy:List*","codedeploy:RegisterApplicationRevision"],"Effect":"Allow","Resource":"*"},{"Action":["codestar-notifications:CreateNotificationRule","codestar-notifications:DescribeNotificationRule","codestar-notifications:UpdateNotificationRule","codestar-notifications:Subscribe","codestar-notifications:Unsubscribe"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codedeploy:*:*:application:*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadWriteAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListTargets","codestar-notifications:ListTagsforResource","codestar-notifications:ListEventTypes"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"},{"Action":["chatbot:DescribeSlackChannelConfigurations"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsChatbotAccess"},{"Action":["sns:ListTopics"],"Effect":"Allow","Resource":"*","Sid":"SNSTopicListAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployFullAccess',
    path: '/',
    version: 'v6',
    created: '2015-05-19T18:13:23Z',
    updated: '2026-02-12T17:58:37Z',
    document:
      '{"Statement":[{"Action":"codedeploy:*","Effect":"Allow","Resource":"*"},{"Action":["codestar-notifications:CreateNotificationRule","codestar-notifications:DescribeNotificationRule","codestar-notifications:UpdateNotificationRule","codestar-notifications:DeleteNotificationRule","codestar-notifications:Subscribe","codestar-notifications:Unsubscribe"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codedeploy:*:*:application:*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadWriteAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListTargets","codestar-notifications:ListTagsforResource","codestar-notifications:ListEventTypes"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"},{"Action":["sns:CreateTopic","sns:SetTopicAttributes"],"Effect":"Allow","Resource":"arn:aws:sns:*:*:codestar-notifications*","Sid":"CodeStarNotificationsSNSTopicCreateAccess"},{"Action":["chatbot:DescribeSlackChannelConfigurations"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsChatbotAccess"},{"Action":["sns:ListTopics"],"Effect":"Allow","Resource":"*","Sid":"SNSTopicListAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployReadOnlyAccess',
    path: '/',
    version: 'v6',
    created: '2015-05-19T18:21:32Z',
    updated: '2026-02-12T17:57:13Z',
    document:
      '{"Statement":[{"Action":["codedeploy:Batch*","codedeploy:Get*","codedeploy:List*"],"Effect":"Allow","Resource":"*"},{"Action":["codestar-notifications:DescribeNotificationRule"],"Condition":{"ArnLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codedeploy:*:*:application:*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsPowerUserAccess"},{"Action":["codestar-notifications:ListNotificationRules","codestar-notifications:ListEventTypes","codestar-notifications:ListTargets"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsListAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployRole',
    path: '/service-role/',
    version: 'v11',
    created: '2015-05-04T18:05:37Z',
    updated: '2023-08-16T20:38:58Z',
    document:
      '{"Statement":[{"Action":["autoscaling:CompleteLifecycleAction","autoscaling:DeleteLifecycleHook","autoscaling:DescribeAutoScalingGroups","autoscaling:DescribeLifecycleHooks","autoscaling:PutLifecycleHook","autoscaling:RecordLifecycleActionHeartbeat","autoscaling:CreateAutoScalingGroup","autoscaling:CreateOrUpdateTags","autoscaling:UpdateAutoScalingGroup","autoscaling:EnableMetricsCollection","autoscaling:DescribePolicies","autoscaling:DescribeScheduledActions","autoscaling:DescribeNotificationConfigurations","autoscaling:SuspendProcesses","autoscaling:ResumeProcesses","autoscaling:AttachLoadBalancers","autoscaling:AttachLoadBalancerTargetGroups","autoscaling:PutScalingPolicy","autoscaling:PutScheduledUpdateGroupAction","autoscaling:PutNotificationConfiguration","autoscaling:PutWarmPool","autoscaling:DescribeScalingActivities","autoscaling:DeleteAutoScalingGroup","ec2:DescribeInstances","ec2:DescribeInstanceStatus","ec2:TerminateInstances","tag:GetResources","sns:Publish","cloudwatch:DescribeAlarms","cloudwatch:PutMetricAlarm","elasticloadbalancing:DescribeLoadBalancerAttributes","elasticloadbalancing:DescribeTargetGroupAttributes","elasticloadbalancing:DescribeLoadBalancers","elasticloadbalancing:DescribeInstanceHealth","elasticloadbalancing:RegisterInstancesWithLoadBalancer","elasticloadbalancing:DeregisterInstancesFromLoadBalancer","elasticloadbalancing:DescribeTargetGroups","elasticloadbalancing:DescribeTargetHealth","elasticloadbalancing:RegisterTargets","elasticloadbalancing:DeregisterTargets"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployRoleForCloudFormation',
    path: '/service-role/',
    version: 'v1',
    created: '2020-05-19T17:12:52Z',
    updated: '2020-05-19T17:12:52Z',
    document:
      '{"Statement":[{"Action":["lambda:InvokeFunction"],"Effect":"Allow","Resource":"arn:aws:lambda:*:*:function:CodeDeployHook_*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployRoleForECS',
    path: '/',
    version: 'v3',
    created: '2018-11-27T20:40:57Z',
    updated: '2019-09-23T22:37:46Z',
    document:
      '{"Statement":[{"Action":["ecs:DescribeServices","ecs:CreateTaskSet","ecs:UpdateServicePrimaryTaskSet","ecs:DeleteTaskSet","elasticloadbalancing:DescribeTargetGroups","elasticloadbalancing:DescribeListeners","elasticloadbalancing:ModifyListener","elasticloadbalancing:DescribeRules","elasticloadbalancing:ModifyRule","lambda:InvokeFunction","cloudwatch:DescribeAlarms","sns:Publish","s3:GetObject","s3:GetObjectVersion"],"Effect":"Allow","Resource":"*"},{"Action":["iam:PassRole"],"Condition":{"StringLike":{"iam:PassedToService":["ecs-tasks.amazonaws.com"]}},"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployRoleForECSLimited',
    path: '/',
    version: 'v3',
    created: '2018-11-27T20:42:42Z',
    updated: '2019-09-23T22:10:29Z',
    document:
      '{"Statement":[{"Action":["ecs:DescribeServices","ecs:CreateTaskSet","ecs:UpdateServicePrimaryTaskSet","ecs:DeleteTaskSet","cloudwatch:DescribeAlarms"],"Effect":"Allow","Resource":"*"},{"Action":["sns:Publish"],"Effect":"Allow","Resource":"arn:aws:sns:*:*:CodeDeployTopic_*"},{"Action":["elasticloadbalancing:DescribeTargetGroups","elasticloadbalancing:DescribeListeners","elasticloadbalancing:ModifyListener","elasticloadbalancing:DescribeRules","elasticloadbalancing:ModifyRule"],"Effect":"Allow","Resource":"*"},{"Action":["lambda:InvokeFunction"],"Effect":"Allow","Resource":"arn:aws:lambda:*:*:function:CodeDeployHook_*"},{"Action":["s3:GetObject","s3:GetObjectVersion"],"Condition":{"StringEquals":{"s3:ExistingObjectTag/UseWithCodeDeploy":"true"}},"Effect":"Allow","Resource":"*"},{"Action":["iam:PassRole"],"Condition":{"StringLike":{"iam:PassedToService":["ecs-tasks.amazonaws.com"]}},"Effect":"Allow","Resource":["arn:aws:iam::*:role/ecsTaskExecutionRole","arn:aws:iam::*:role/ECSTaskExecution*"]}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployRoleForLambda',
    path: '/service-role/',
    version: 'v3',
    created: '2017-11-28T14:05:44Z',
    updated: '2019-12-03T19:53:10Z',
    document:
      '{"Statement":[{"Action":["cloudwatch:DescribeAlarms","lambda:UpdateAlias","lambda:GetAlias","lambda:GetProvisionedConcurrencyConfig","sns:Publish"],"Effect":"Allow","Resource":"*"},{"Action":["s3:GetObject","s3:GetObjectVersion"],"Effect":"Allow","Resource":"arn:aws:s3:::*/CodeDeploy/*"},{"Action":["s3:GetObject","s3:GetObjectVersion"],"Condition":{"StringEquals":{"s3:ExistingObjectTag/UseWithCodeDeploy":"true"}},"Effect":"Allow","Resource":"*"},{"Action":["lambda:InvokeFunction"],"Effect":"Allow","Resource":"arn:aws:lambda:*:*:function:CodeDeployHook_*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeDeployRoleForLambdaLimited',
    path: '/service-role/',
    version: 'v1',
    created: '2020-08-17T17:14:14Z',
    updated: '2020-08-17T17:14:14Z',
    document:
      '{"Statement":[{"Action":["cloudwatch:DescribeAlarms","lambda:UpdateAlias","lambda:GetAlias","lambda:GetProvisionedConcurrencyConfig"],"Effect":"Allow","Resource":"*"},{"Action":["s3:GetObject","s3:GetObjectVersion"],"Effect":"Allow","Resource":"arn:aws:s3:::*/CodeDeploy/*"},{"Action":["s3:GetObject","s3:GetObjectVersion"],"Condition":{"StringEquals":{"s3:ExistingObjectTag/UseWithCodeDeploy":"true"}},"Effect":"Allow","Resource":"*"},{"Action":["lambda:InvokeFunction"],"Effect":"Allow","Resource":"arn:aws:lambda:*:*:function:CodeDeployHook_*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodePipelineApproverAccess',
    path: '/',
    version: 'v3',
    created: '2016-07-28T18:59:17Z',
    updated: '2017-08-02T17:24:58Z',
    document:
      '{"Statement":[{"Action":["codepipeline:GetPipeline","codepipeline:GetPipelineState","codepipeline:GetPipelineExecution","codepipeline:ListPipelineExecutions","codepipeline:ListPipelines","codepipeline:PutApprovalResult"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodePipelineCustomActionAccess',
    path: '/',
    version: 'v1',
    created: '2015-07-09T17:02:54Z',
    updated: '2015-07-09T17:02:54Z',
    document:
      '{"Statement":[{"Action":["codepipeline:AcknowledgeJob","codepipeline:GetJobDetails","codepipeline:PollForJobs","codepipeline:PutJobFailureResult","codepipeline:PutJobSuccessResult"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodePipeline_FullAccess',
    path: '/',
    version: 'v3',
    created: '2020-08-03T22:38:28Z',
    updated: '2024-03-14T17:06:23Z',
    document:
      '{"Statement":[{"Action":["codepipeline:*","cloudformation:DescribeStacks","cloudformation:ListStacks","cloudformation:ListChangeSets","cloudtrail:DescribeTrails","codebuild:BatchGetProjects","codebuild:CreateProject","codebuild:ListCuratedEnvironmentImages","codebuild:ListProjects","codecommit:ListBranches","codecommit:GetReferences","codecommit:ListRepositories","codedeploy:BatchGetDeploymentGroups","codedeploy:ListApplications","codedeploy:ListDeploymentGroups","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","ecr:DescribeRepositories","ecr:ListImages","ecs:ListClusters","ecs:ListServices","elasticbeanstalk:DescribeApplications","elasticbeanstalk:DescribeEnvironments","iam:ListRoles","iam:GetRole","lambda:ListFunctions","events:ListRules","events:ListTargetsByRule","events:DescribeRule","opsworks:DescribeApps","opsworks:DescribeLayers","opsworks:DescribeStacks","s3:ListAllMyBuckets","sns:ListTopics","codestar-notifications:ListNotificationRules","codestar-notifications:ListTargets","codestar-notifications:ListTagsforResource","codestar-notifications:ListEventTypes","states:ListStateMachines"],"Effect":"Allow","Resource":"*","Sid":"CodePipelineAuthoringAccess"},{"Action":["s3:GetObject","s3:ListBucket","s3:GetBucketPolicy","s3:GetBucketVersioning","s3:GetObjectVersion","s3:CreateBucket","s3:PutBucketPolicy"],"Effect":"Allow","Resource":"arn:aws:s3::*:codepipeline-*","Sid":"CodePipelineArtifactsReadWriteAccess"},{"Action":["cloudtrail:PutEventSelectors","cloudtrail:CreateTrail","cloudtrail:GetEventSelectors","cloudtrail:StartLogging"],"Effect":"Allow","Resource":"arn:aws:cloudtrail:*:*:trail/codepipeline-source-trail","Sid":"CodePipelineSourceTrailReadWriteAccess"},{"Action":["iam:PassRole"],"Condition":{"StringEquals":{"iam:PassedToService":["events.amazonaws.com"]}},"Effect":"Allow","Resource":["arn:aws:iam::*:role/service-role/cwe-role-*"],"Sid":"EventsIAMPassRole"},{"Action":["iam:PassRole"],"Condition":{"StringEquals":{"iam:PassedToService":["codepipeline.amazonaws.com"]}},"Effect":"Allow","Resource":"*","Sid":"CodePipelineIAMPassRole"},{"Action":["events:PutRule","events:PutTargets","events:DeleteRule","events:DisableRule","events:RemoveTargets"],"Effect":"Allow","Resource":["arn:aws:events:*:*:rule/codepipeline-*"],"Sid":"CodePipelineEventsReadWriteAccess"},{"Action":["codestar-notifications:CreateNotificationRule","codestar-notifications:DescribeNotificationRule","codestar-notifications:UpdateNotificationRule","codestar-notifications:DeleteNotificationRule","codestar-notifications:Subscribe","codestar-notifications:Unsubscribe"],"Condition":{"StringLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codepipeline:*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadWriteAccess"},{"Action":["sns:CreateTopic","sns:SetTopicAttributes"],"Effect":"Allow","Resource":"arn:aws:sns:*:*:codestar-notifications*","Sid":"CodeStarNotificationsSNSTopicCreateAccess"},{"Action":["chatbot:DescribeSlackChannelConfigurations","chatbot:ListMicrosoftTeamsChannelConfigurations"],"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsChatbotAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodePipeline_ReadOnlyAccess',
    path: '/',
    version: 'v1',
    created: '2020-08-03T22:25:17Z',
    updated: '2020-08-03T22:25:17Z',
    document:
      '{"Statement":[{"Action":["codepipeline:GetPipeline","codepipeline:GetPipelineState","codepipeline:GetPipelineExecution","codepipeline:ListPipelineExecutions","codepipeline:ListActionExecutions","codepipeline:ListActionTypes","codepipeline:ListPipelines","codepipeline:ListTagsForResource","s3:ListAllMyBuckets","codestar-notifications:ListNotificationRules","codestar-notifications:ListEventTypes","codestar-notifications:ListTargets"],"Effect":"Allow","Resource":"*"},{"Action":["s3:GetObject","s3:ListBucket","s3:GetBucketPolicy"],"Effect":"Allow","Resource":"arn:aws:s3::*:codepipeline-*"},{"Action":["codestar-notifications:DescribeNotificationRule"],"Condition":{"StringLike":{"codestar-notifications:NotificationsForResource":"arn:aws:codepipeline:*"}},"Effect":"Allow","Resource":"*","Sid":"CodeStarNotificationsReadOnlyAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeStarFullAccess',
    path: '/',
    version: 'v3',
    created: '2017-04-19T16:23:19Z',
    updated: '2023-03-28T00:06:28Z',
    document:
      '{"Statement":[{"Action":["codestar:*","ec2:DescribeKeyPairs","ec2:DescribeVpcs","ec2:DescribeSubnets","cloud9:DescribeEnvironment*","cloud9:ValidateEnvironmentName"],"Effect":"Allow","Resource":"*","Sid":"CodeStarEC2"},{"Action":["cloudformation:DescribeStack*","cloudformation:ListStacks*","cloudformation:GetTemplateSummary"],"Effect":"Allow","Resource":["arn:aws:cloudformation:*:*:stack/awscodestar-*"],"Sid":"CodeStarCF"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSCodeStarServiceRole',
    path: '/service-role/',
    version: 'v11',
    created: '2017-04-19T15:20:50Z',
    updated: '2021-09-20T19:11:03Z',
    document:
      '{"Statement":[{"Action":["events:PutTargets","events:RemoveTargets","events:PutRule","events:DeleteRule","events:DescribeRule"],"Effect":"Allow","Resource":["arn:aws:events:*:*:rule/awscodestar-*"],"Sid":"ProjectEventRules"},{"Action":["cloudformation:*Stack*","cloudformation:CreateChangeSet","cloudformation:ExecuteChangeSet","cloudformation:DeleteChangeSet","cloudformation:GetTemplate"],"Effect":"Allow","Resource":["arn:aws:cloudformation:*:*:stack/awscodestar-*","arn:aws:cloudformation:*:*:stack/awseb-*","arn:aws:cloudformation:*:*:stack/aws-cloud9-*","arn:aws:cloudformation:*:aws:transform/CodeStar*"],"Sid":"ProjectStack"},{"Action":["cloudformation:GetTemplateSummary","cloudformation:DescribeChangeSet"],"Effect":"Allow","Resource":"*","Sid":"ProjectStackTemplate"},{"Action":["s3:GetObject"],"Effect":"Allow","Resource":["arn:aws:s3:::awscodestar-*/*"],"Sid":"ProjectQuickstarts"},{"Action":["s3:*"],"Effect":"Allow","Resource":["arn:aws:s3:::aws-codestar-*","arn:aws:s3:::elasticbeanstalk-*"],"Sid":"ProjectS3Buckets"},{"Action":["codestar:*","codecommit:*","codepipeline:*","codedeploy:*","codebuild:*","autoscaling:*","cloudwatch:Put*","ec2:*","elasticbeanstalk:*","elasticloadbalancing:*","iam:ListRoles","logs:*","sns:*","cloud9:CreateEnvironmentEC2","cloud9:DeleteEnvironment","cloud9:DescribeEnvironment*","cloud9:ListEnvironments"],"Effect":"Allow","Resource":"*","Sid":"ProjectServices"},{"Action":["iam:AttachRolePolicy","iam:CreateRole","iam:DeleteRole","iam:DeleteRolePolicy","iam:DetachRolePolicy","iam:GetRole","iam:PassRole","iam:GetRolePolicy","iam:PutRolePolicy","iam:SetDefaultPolicyVersion","iam:CreatePolicy","iam:DeletePolicy","iam:AddRoleToInstanceProfile","iam:CreateInstanceProfile","iam:DeleteInstanceProfile","iam:RemoveRoleFromInstanceProfile"],"Effect":"Allow","Resource":["arn:aws:iam::*:role/CodeStarWorker*","arn:aws:iam::*:policy/CodeStarWorker*","arn:aws:iam::*:instance-profile/awscodestar-*"],"Sid":"ProjectWorkerRoles"},{"Action":["iam:AttachUserPolicy","iam:DetachUserPolicy"],"Condition":{"ArnEquals":{"iam:PolicyArn":["arn:aws:iam::*:policy/CodeStar_*"]}},"Effect":"Allow","Resource":"*","Sid":"ProjectTeamMembers"},{"Action":["iam:CreatePolicy","iam:DeletePolicy","iam:CreatePolicyVersion","iam:DeletePolicyVersion","iam:ListEntitiesForPolicy","iam:ListPolicyVersions","iam:GetPolicy","iam:GetPolicyVersion"],"Effect":"Allow","Resource":["arn:aws:iam::*:policy/CodeStar_*"],"Sid":"ProjectRoles"},{"Action":["iam:ListAttachedRolePolicies"],"Effect":"Allow","Resource":["arn:aws:iam::*:role/aws-codestar-service-role","arn:aws:iam::*:role/service-role/aws-codestar-service-role"],"Sid":"InspectServiceRole"},{"Action":["iam:CreateServiceLinkedRole"],"Condition":{"StringEquals":{"iam:AWSServiceName":"cloud9.amazonaws.com"}},"Effect":"Allow","Resource":"*","Sid":"IAMLinkRole"},{"Action":["config:DescribeConfigRules"],"Effect":"Allow","Resource":["*"],"Sid":"DescribeConfigRuleForARN"},{"Action":["codestar-connections:UseConnection","codestar-connections:GetConnection"],"Effect":"Allow","Resource":"*","Sid":"ProjectCodeStarConnections"},{"Action":"codestar-connections:PassConnection","Condition":{"StringEqualsIfExists":{"codestar-connections:PassedToService":"codepipeline.amazonaws.com"}},"Effect":"Allow","Resource":"*","Sid":"ProjectCodeStarConnectionsPassConnections"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSKeyManagementServicePowerUser',
    path: '/',
    version: 'v2',
    created: '2015-02-06T18:40:40Z',
    updated: '2017-03-07T00:55:11Z',
    document:
      '{"Statement":[{"Action":["kms:CreateAlias","kms:CreateKey","kms:DeleteAlias","kms:Describe*","kms:GenerateRandom","kms:Get*","kms:List*","kms:TagResource","kms:UntagResource","iam:ListGroups","iam:ListRoles","iam:ListUsers"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaBasicExecutionRole',
    path: '/service-role/',
    version: 'v1',
    created: '2015-04-09T15:03:43Z',
    updated: '2015-04-09T15:03:43Z',
    document:
      '{"Statement":[{"Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaDynamoDBExecutionRole',
    path: '/service-role/',
    version: 'v1',
    created: '2015-04-09T15:09:29Z',
    updated: '2015-04-09T15:09:29Z',
    document:
      '{"Statement":[{"Action":["dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaENIManagementAccess',
    path: '/service-role/',
    version: 'v2',
    created: '2016-12-06T00:37:27Z',
    updated: '2020-10-01T20:07:26Z',
    document:
      '{"Statement":[{"Action":["ec2:CreateNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DeleteNetworkInterface","ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaExecute',
    path: '/',
    version: 'v1',
    created: '2015-02-06T18:40:46Z',
    updated: '2015-02-06T18:40:46Z',
    document:
      '{"Statement":[{"Action":["logs:*"],"Effect":"Allow","Resource":"arn:aws:logs:*:*:*"},{"Action":["s3:GetObject","s3:PutObject"],"Effect":"Allow","Resource":"arn:aws:s3:::*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaKinesisExecutionRole',
    path: '/service-role/',
    version: 'v2',
    created: '2015-04-09T15:14:16Z',
    updated: '2018-11-19T20:09:24Z',
    document:
      '{"Statement":[{"Action":["kinesis:DescribeStream","kinesis:DescribeStreamSummary","kinesis:GetRecords","kinesis:GetShardIterator","kinesis:ListShards","kinesis:ListStreams","kinesis:SubscribeToShard","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaMSKExecutionRole',
    path: '/service-role/',
    version: 'v2',
    created: '2020-08-11T17:35:05Z',
    updated: '2022-08-02T20:08:02Z',
    document:
      '{"Statement":[{"Action":["kafka:DescribeCluster","kafka:DescribeClusterV2","kafka:GetBootstrapBrokers","ec2:CreateNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DescribeVpcs","ec2:DeleteNetworkInterface","ec2:DescribeSubnets","ec2:DescribeSecurityGroups","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaRole',
    path: '/service-role/',
    version: 'v1',
    created: '2015-02-06T18:41:28Z',
    updated: '2015-02-06T18:41:28Z',
    document:
      '{"Statement":[{"Action":["lambda:InvokeFunction"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaSQSQueueExecutionRole',
    path: '/service-role/',
    version: 'v1',
    created: '2018-06-14T21:50:45Z',
    updated: '2018-06-14T21:50:45Z',
    document:
      '{"Statement":[{"Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambdaVPCAccessExecutionRole',
    path: '/service-role/',
    version: 'v3',
    created: '2016-02-11T23:15:26Z',
    updated: '2024-01-05T22:38:26Z',
    document:
      '{"Statement":[{"Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents","ec2:CreateNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DeleteNetworkInterface","ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Effect":"Allow","Resource":"*","Sid":"AWSLambdaVPCAccessExecutionPermissions"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambda_FullAccess',
    path: '/',
    version: 'v7',
    created: '2020-11-17T21:14:08Z',
    updated: '2026-02-12T18:00:51Z',
    document:
      '{"Statement":[{"Action":["cloudformation:DescribeStacks","cloudformation:ListStackResources","cloudwatch:ListMetrics","cloudwatch:GetMetricData","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","kms:DescribeKey","kms:ListAliases","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","lambda:*","logs:DescribeLogGroups","states:DescribeStateMachine","states:ListStateMachines","tag:GetResources","xray:GetTraceSummaries","xray:BatchGetTraces"],"Effect":"Allow","Resource":"*"},{"Action":"iam:PassRole","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}},"Effect":"Allow","Resource":"*"},{"Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents","logs:StartLiveTail","logs:StopLiveTail"],"Effect":"Allow","Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":"lambda.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/lambda.amazonaws.com/AWSServiceRoleForLambda"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSLambda_ReadOnlyAccess',
    path: '/',
    version: 'v5',
    created: '2020-11-17T21:10:32Z',
    updated: '2026-02-12T18:02:55Z',
    document:
      '{"Statement":[{"Action":["cloudformation:DescribeStacks","cloudformation:ListStacks","cloudformation:ListStackResources","cloudwatch:GetMetricData","cloudwatch:ListMetrics","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","kms:ListAliases","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","logs:DescribeLogGroups","lambda:Get*","lambda:List*","states:DescribeStateMachine","states:ListStateMachines","tag:GetResources","xray:GetTraceSummaries","xray:BatchGetTraces"],"Effect":"Allow","Resource":"*"},{"Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents","logs:StartQuery","logs:StopQuery","logs:DescribeQueries","logs:GetLogGroupFields","logs:GetLogRecord","logs:GetQueryResults","logs:StartLiveTail","logs:StopLiveTail"],"Effect":"Allow","Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSOrganizationsFullAccess',
    path: '/',
    version: 'v9',
    created: '2018-11-06T20:31:57Z',
    updated: '2026-02-12T17:59:07Z',
    document:
      '{"Statement":[{"Action":"organizations:*","Effect":"Allow","Resource":"*","Sid":"AWSOrganizationsFullAccess"},{"Action":["account:PutAlternateContact","account:DeleteAlternateContact","account:GetAlternateContact","account:GetContactInformation","account:PutContactInformation","account:ListRegions","account:EnableRegion","account:DisableRegion","account:PutAccountName","account:GetAccountInformation"],"Effect":"Allow","Resource":"*","Sid":"AWSOrganizationsFullAccessAccount"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":"organizations.amazonaws.com"}},"Effect":"Allow","Resource":"*","Sid":"AWSOrganizationsFullAccessCreateSLR"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSOrganizationsReadOnlyAccess',
    path: '/',
    version: 'v6',
    created: '2018-11-06T20:32:38Z',
    updated: '2024-06-07T21:32:16Z',
    document:
      '{"Statement":[{"Action":["organizations:Describe*","organizations:List*"],"Effect":"Allow","Resource":"*","Sid":"AWSOrganizationsReadOnly"},{"Action":["account:GetAlternateContact","account:GetContactInformation","account:ListRegions","account:GetRegionOptStatus","account:GetPrimaryEmail"],"Effect":"Allow","Resource":"*","Sid":"AWSOrganizationsReadOnlyAccount"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSSecretsManagerClientReadOnlyAccess',
    path: '/',
    version: 'v3',
    created: '2025-11-05T20:04:08Z',
    updated: '2026-02-12T18:00:42Z',
    document:
      '{"Statement":[{"Action":["secretsmanager:GetSecretValue","secretsmanager:DescribeSecret"],"Effect":"Allow","Resource":"arn:aws:secretsmanager:*:*:secret:*","Sid":"SecretsManagerGetAndDescribeSecret"},{"Action":["kms:Decrypt"],"Condition":{"StringLike":{"kms:EncryptionContext:SecretARN":"arn:aws:secretsmanager:*:*:secret:*","kms:ViaService":"secretsmanager.*.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:kms:*:*:key/*","Sid":"KMSDecryptKey"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSStepFunctionsFullAccess',
    path: '/',
    version: 'v1',
    created: '2017-01-11T21:51:32Z',
    updated: '2017-01-11T21:51:32Z',
    document: '{"Statement":[{"Action":"states:*","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSXRayDaemonWriteAccess',
    path: '/',
    version: 'v2',
    created: '2018-08-28T23:00:33Z',
    updated: '2024-02-13T21:58:30Z',
    document:
      '{"Statement":[{"Action":["xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries"],"Effect":"Allow","Resource":["*"],"Sid":"AWSXRayDaemonWriteAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSXrayFullAccess',
    path: '/',
    version: 'v2',
    created: '2016-12-01T18:30:55Z',
    updated: '2024-04-11T17:07:36Z',
    document:
      '{"Statement":[{"Action":["xray:*"],"Effect":"Allow","Resource":["*"],"Sid":"AWSXrayFullAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AWSXrayReadOnlyAccess',
    path: '/',
    version: 'v8',
    created: '2016-12-01T18:27:02Z',
    updated: '2024-02-14T00:35:02Z',
    document:
      '{"Statement":[{"Action":["xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries","xray:BatchGetTraces","xray:BatchGetTraceSummaryById","xray:GetDistinctTraceGraphs","xray:GetServiceGraph","xray:GetTraceGraph","xray:GetTraceSummaries","xray:GetGroups","xray:GetGroup","xray:ListTagsForResource","xray:ListResourcePolicies","xray:GetTimeSeriesServiceStatistics","xray:GetInsightSummaries","xray:GetInsight","xray:GetInsightEvents","xray:GetInsightImpactGraph"],"Effect":"Allow","Resource":["*"],"Sid":"AWSXrayReadOnlyAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AdministratorAccess',
    path: '/',
    version: 'v1',
    created: '2015-02-06T18:39:46Z',
    updated: '2015-02-06T18:39:46Z',
    document: '{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonAPIGatewayPushToCloudWatchLogs',
    path: '/service-role/',
    version: 'v1',
    created: '2015-11-11T23:41:46Z',
    updated: '2015-11-11T23:41:46Z',
    document:
      '{"Statement":[{"Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:DescribeLogGroups","logs:DescribeLogStreams","logs:PutLogEvents","logs:GetLogEvents","logs:FilterLogEvents"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonDynamoDBFullAccess',
    path: '/',
    version: 'v15',
    created: '2015-02-06T18:40:11Z',
    updated: '2021-01-29T17:38:30Z',
    document:
      '{"Statement":[{"Action":["dynamodb:*","dax:*","application-autoscaling:DeleteScalingPolicy","application-autoscaling:DeregisterScalableTarget","application-autoscaling:DescribeScalableTargets","application-autoscaling:DescribeScalingActivities","application-autoscaling:DescribeScalingPolicies","application-autoscaling:PutScalingPolicy","application-autoscaling:RegisterScalableTarget","cloudwatch:DeleteAlarms","cloudwatch:DescribeAlarmHistory","cloudwatch:DescribeAlarms","cloudwatch:DescribeAlarmsForMetric","cloudwatch:GetMetricStatistics","cloudwatch:ListMetrics","cloudwatch:PutMetricAlarm","cloudwatch:GetMetricData","datapipeline:ActivatePipeline","datapipeline:CreatePipeline","datapipeline:DeletePipeline","datapipeline:DescribeObjects","datapipeline:DescribePipelines","datapipeline:GetPipelineDefinition","datapipeline:ListPipelines","datapipeline:PutPipelineDefinition","datapipeline:QueryObjects","ec2:DescribeVpcs","ec2:DescribeSubnets","ec2:DescribeSecurityGroups","iam:GetRole","iam:ListRoles","kms:DescribeKey","kms:ListAliases","sns:CreateTopic","sns:DeleteTopic","sns:ListSubscriptions","sns:ListSubscriptionsByTopic","sns:ListTopics","sns:Subscribe","sns:Unsubscribe","sns:SetTopicAttributes","lambda:CreateFunction","lambda:ListFunctions","lambda:ListEventSourceMappings","lambda:CreateEventSourceMapping","lambda:DeleteEventSourceMapping","lambda:GetFunctionConfiguration","lambda:DeleteFunction","resource-groups:ListGroups","resource-groups:ListGroupResources","resource-groups:GetGroup","resource-groups:GetGroupQuery","resource-groups:DeleteGroup","resource-groups:CreateGroup","tag:GetResources","kinesis:ListStreams","kinesis:DescribeStream","kinesis:DescribeStreamSummary"],"Effect":"Allow","Resource":"*"},{"Action":"cloudwatch:GetInsightRuleReport","Effect":"Allow","Resource":"arn:aws:cloudwatch:*:*:insight-rule/DynamoDBContributorInsights*"},{"Action":["iam:PassRole"],"Condition":{"StringLike":{"iam:PassedToService":["application-autoscaling.amazonaws.com","application-autoscaling.amazonaws.com.cn","dax.amazonaws.com"]}},"Effect":"Allow","Resource":"*"},{"Action":["iam:CreateServiceLinkedRole"],"Condition":{"StringEquals":{"iam:AWSServiceName":["replication.dynamodb.amazonaws.com","dax.amazonaws.com","dynamodb.application-autoscaling.amazonaws.com","contributorinsights.dynamodb.amazonaws.com","kinesisreplication.dynamodb.amazonaws.com"]}},"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonDynamoDBReadOnlyAccess',
    path: '/',
    version: 'v15',
    created: '2015-02-06T18:40:12Z',
    updated: '2024-11-18T17:38:15Z',
    document:
      '{"Statement":[{"Action":["application-autoscaling:DescribeScalableTargets","application-autoscaling:DescribeScalingActivities","application-autoscaling:DescribeScalingPolicies","cloudwatch:DescribeAlarmHistory","cloudwatch:DescribeAlarms","cloudwatch:DescribeAlarmsForMetric","cloudwatch:GetMetricStatistics","cloudwatch:ListMetrics","cloudwatch:GetMetricData","datapipeline:DescribeObjects","datapipeline:DescribePipelines","datapipeline:GetPipelineDefinition","datapipeline:ListPipelines","datapipeline:QueryObjects","dynamodb:BatchGetItem","dynamodb:Describe*","dynamodb:List*","dynamodb:GetAbacStatus","dynamodb:GetItem","dynamodb:GetResourcePolicy","dynamodb:Query","dynamodb:Scan","dynamodb:PartiQLSelect","dax:Describe*","dax:List*","dax:GetItem","dax:BatchGetItem","dax:Query","dax:Scan","ec2:DescribeVpcs","ec2:DescribeSubnets","ec2:DescribeSecurityGroups","iam:GetRole","iam:ListRoles","kms:DescribeKey","kms:ListAliases","sns:ListSubscriptionsByTopic","sns:ListTopics","lambda:ListFunctions","lambda:ListEventSourceMappings","lambda:GetFunctionConfiguration","resource-groups:ListGroups","resource-groups:ListGroupResources","resource-groups:GetGroup","resource-groups:GetGroupQuery","tag:GetResources","kinesis:ListStreams","kinesis:DescribeStream","kinesis:DescribeStreamSummary"],"Effect":"Allow","Resource":"*","Sid":"GeneralReadOnlyAccess"},{"Action":"cloudwatch:GetInsightRuleReport","Effect":"Allow","Resource":"arn:aws:cloudwatch:*:*:insight-rule/DynamoDBContributorInsights*","Sid":"CCIAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2ContainerRegistryFullAccess',
    path: '/',
    version: 'v3',
    created: '2015-12-21T17:06:48Z',
    updated: '2020-12-05T00:04:19Z',
    document:
      '{"Statement":[{"Action":["ecr:*","cloudtrail:LookupEvents"],"Effect":"Allow","Resource":"*"},{"Action":["iam:CreateServiceLinkedRole"],"Condition":{"StringEquals":{"iam:AWSServiceName":["replication.ecr.amazonaws.com"]}},"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2ContainerRegistryPowerUser',
    path: '/',
    version: 'v3',
    created: '2015-12-21T17:05:33Z',
    updated: '2019-12-10T20:48:08Z',
    document:
      '{"Statement":[{"Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:GetRepositoryPolicy","ecr:DescribeRepositories","ecr:ListImages","ecr:DescribeImages","ecr:BatchGetImage","ecr:GetLifecyclePolicy","ecr:GetLifecyclePolicyPreview","ecr:ListTagsForResource","ecr:DescribeImageScanFindings","ecr:InitiateLayerUpload","ecr:UploadLayerPart","ecr:CompleteLayerUpload","ecr:PutImage"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2ContainerRegistryPullOnly',
    path: '/',
    version: 'v1',
    created: '2024-10-04T16:58:49Z',
    updated: '2024-10-04T16:58:49Z',
    document:
      '{"Statement":[{"Action":["ecr:GetAuthorizationToken","ecr:BatchGetImage","ecr:GetDownloadUrlForLayer","ecr:BatchImportUpstreamImage"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2ContainerRegistryReadOnly',
    path: '/',
    version: 'v3',
    created: '2015-12-21T17:04:15Z',
    updated: '2019-12-10T20:56:32Z',
    document:
      '{"Statement":[{"Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:GetRepositoryPolicy","ecr:DescribeRepositories","ecr:ListImages","ecr:DescribeImages","ecr:BatchGetImage","ecr:GetLifecyclePolicy","ecr:GetLifecyclePolicyPreview","ecr:ListTagsForResource","ecr:DescribeImageScanFindings"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2ContainerServiceforEC2Role',
    path: '/service-role/',
    version: 'v10',
    created: '2015-03-19T18:45:18Z',
    updated: '2026-02-12T17:59:52Z',
    document:
      '{"Statement":[{"Action":["ec2:DescribeTags","ecs:CreateCluster","ecs:DeregisterContainerInstance","ecs:DiscoverPollEndpoint","ecs:Poll","ecs:RegisterContainerInstance","ecs:StartTelemetrySession","ecs:UpdateContainerInstancesState","ecs:Submit*","ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":"*"},{"Action":"ecs:TagResource","Condition":{"StringEquals":{"ecs:CreateAction":["CreateCluster","RegisterContainerInstance"]}},"Effect":"Allow","Resource":"*"},{"Action":["ecs:ListTagsForResource"],"Effect":"Allow","Resource":["arn:aws:ecs:*:*:task/*/*","arn:aws:ecs:*:*:container-instance/*/*"]}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2FullAccess',
    path: '/',
    version: 'v5',
    created: '2015-02-06T18:40:15Z',
    updated: '2018-11-27T02:16:56Z',
    document:
      '{"Statement":[{"Action":"ec2:*","Effect":"Allow","Resource":"*"},{"Action":"elasticloadbalancing:*","Effect":"Allow","Resource":"*"},{"Action":"cloudwatch:*","Effect":"Allow","Resource":"*"},{"Action":"autoscaling:*","Effect":"Allow","Resource":"*"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":["autoscaling.amazonaws.com","ec2scheduled.amazonaws.com","elasticloadbalancing.amazonaws.com","spot.amazonaws.com","spotfleet.amazonaws.com","transitgateway.amazonaws.com"]}},"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2ReadOnlyAccess',
    path: '/',
    version: 'v5',
    created: '2015-02-06T18:40:17Z',
    updated: '2026-02-12T18:03:17Z',
    document:
      '{"Statement":[{"Action":["ec2:Describe*","ec2:GetSecurityGroupsForVpc"],"Effect":"Allow","Resource":"*"},{"Action":"elasticloadbalancing:Describe*","Effect":"Allow","Resource":"*"},{"Action":["cloudwatch:ListMetrics","cloudwatch:GetMetricStatistics","cloudwatch:Describe*"],"Effect":"Allow","Resource":"*"},{"Action":"autoscaling:Describe*","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2RoleforAWSCodeDeploy',
    path: '/service-role/',
    version: 'v2',
    created: '2015-05-19T18:10:14Z',
    updated: '2017-03-20T17:14:10Z',
    document:
      '{"Statement":[{"Action":["s3:GetObject","s3:GetObjectVersion","s3:ListBucket"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEC2RoleforAWSCodeDeployLimited',
    path: '/service-role/',
    version: 'v2',
    created: '2020-08-24T17:55:18Z',
    updated: '2022-01-20T21:37:31Z',
    document:
      '{"Statement":[{"Action":["s3:GetObject","s3:GetObjectVersion","s3:ListBucket"],"Effect":"Allow","Resource":"arn:aws:s3:::*/CodeDeploy/*"},{"Action":["s3:GetObject","s3:GetObjectVersion"],"Condition":{"StringEquals":{"s3:ExistingObjectTag/UseWithCodeDeploy":"true"}},"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonECSTaskExecutionRolePolicy',
    path: '/service-role/',
    version: 'v1',
    created: '2017-11-16T18:48:22Z',
    updated: '2017-11-16T18:48:22Z',
    document:
      '{"Statement":[{"Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonECS_FullAccess',
    path: '/',
    version: 'v21',
    created: '2017-11-07T21:36:54Z',
    updated: '2024-08-13T19:39:37Z',
    document:
      '{"Statement":[{"Action":["application-autoscaling:DeleteScalingPolicy","application-autoscaling:DeregisterScalableTarget","application-autoscaling:DescribeScalableTargets","application-autoscaling:DescribeScalingActivities","application-autoscaling:DescribeScalingPolicies","application-autoscaling:PutScalingPolicy","application-autoscaling:RegisterScalableTarget","appmesh:DescribeVirtualGateway","appmesh:DescribeVirtualNode","appmesh:ListMeshes","appmesh:ListVirtualGateways","appmesh:ListVirtualNodes","autoscaling:CreateAutoScalingGroup","autoscaling:CreateLaunchConfiguration","autoscaling:DeleteAutoScalingGroup","autoscaling:DeleteLaunchConfiguration","autoscaling:Describe*","autoscaling:UpdateAutoScalingGroup","cloudformation:CreateStack","cloudformation:DeleteStack","cloudformation:DescribeStack*","cloudformation:UpdateStack","cloudwatch:DeleteAlarms","cloudwatch:DescribeAlarms","cloudwatch:GetMetricStatistics","cloudwatch:PutMetricAlarm","codedeploy:BatchGetApplicationRevisions","codedeploy:BatchGetApplications","codedeploy:BatchGetDeploymentGroups","codedeploy:BatchGetDeployments","codedeploy:ContinueDeployment","codedeploy:CreateApplication","codedeploy:CreateDeployment","codedeploy:CreateDeploymentGroup","codedeploy:GetApplication","codedeploy:GetApplicationRevision","codedeploy:GetDeployment","codedeploy:GetDeploymentConfig","codedeploy:GetDeploymentGroup","codedeploy:GetDeploymentTarget","codedeploy:ListApplicationRevisions","codedeploy:ListApplications","codedeploy:ListDeploymentConfigs","codedeploy:ListDeploymentGroups","codedeploy:ListDeployments","codedeploy:ListDeploymentTargets","codedeploy:RegisterApplicationRevision","codedeploy:StopDeployment","ec2:AssociateRouteTable","ec2:AttachInternetGateway","ec2:AuthorizeSecurityGroupIngress","ec2:CancelSpotFleetRequests","ec2:CreateInternetGateway","ec2:CreateLaunchTemplate","ec2:CreateRoute","ec2:CreateRouteTable","ec2:CreateSecurityGroup","ec2:CreateSubnet","ec2:CreateVpc","ec2:DeleteLaunchTemplate","ec2:DeleteSubnet","ec2:DeleteVpc","ec2:Describe*","ec2:DetachInternetGateway","ec2:DisassociateRouteTable","ec2:ModifySubnetAttribute","ec2:ModifyVpcAttribute","ec2:RequestSpotFleet","ec2:RunInstances","ecs:*","elasticfilesystem:DescribeAccessPoints","elasticfilesystem:DescribeFileSystems","elasticloadbalancing:CreateListener","elasticloadbalancing:CreateLoadBalancer","elasticloadbalancing:CreateRule","elasticloadbalancing:CreateTargetGroup","elasticloadbalancing:DeleteListener","elasticloadbalancing:DeleteLoadBalancer","elasticloadbalancing:DeleteRule","elasticloadbalancing:DeleteTargetGroup","elasticloadbalancing:DescribeListeners","elasticloadbalancing:DescribeLoadBalancers","elasticloadbalancing:DescribeRules","elasticloadbalancing:DescribeTargetGroups","events:DeleteRule","events:DescribeRule","events:ListRuleNamesByTarget","events:ListTargetsByRule","events:PutRule","events:PutTargets","events:RemoveTargets","fsx:DescribeFileSystems","iam:ListAttachedRolePolicies","iam:ListInstanceProfiles","iam:ListRoles","lambda:ListFunctions","logs:CreateLogGroup","logs:DescribeLogGroups","logs:FilterLogEvents","route53:CreateHostedZone","route53:DeleteHostedZone","route53:GetHealthCheck","route53:GetHostedZone","route53:ListHostedZonesByName","servicediscovery:CreatePrivateDnsNamespace","servicediscovery:CreateService","servicediscovery:DeleteService","servicediscovery:GetNamespace","servicediscovery:GetOperation","servicediscovery:GetService","servicediscovery:ListNamespaces","servicediscovery:ListServices","servicediscovery:UpdateService","sns:ListTopics"],"Effect":"Allow","Resource":["*"],"Sid":"ECSIntegrationsManagementPolicy"},{"Action":["ssm:GetParameter","ssm:GetParameters","ssm:GetParametersByPath"],"Effect":"Allow","Resource":"arn:aws:ssm:*:*:parameter/aws/service/ecs*","Sid":"SSMPolicy"},{"Action":["ec2:DeleteInternetGateway","ec2:DeleteRoute","ec2:DeleteRouteTable","ec2:DeleteSecurityGroup"],"Condition":{"StringLike":{"ec2:ResourceTag/aws:cloudformation:stack-name":"EC2ContainerService-*"}},"Effect":"Allow","Resource":["*"],"Sid":"ManagedCloudformationResourcesCleanupPolicy"},{"Action":"iam:PassRole","Condition":{"StringLike":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}},"Effect":"Allow","Resource":["*"],"Sid":"TasksPassRolePolicy"},{"Action":"iam:PassRole","Condition":{"StringEquals":{"iam:PassedToService":"ecs.amazonaws.com"}},"Effect":"Allow","Resource":["arn:aws:iam::*:role/ecsInfrastructureRole"],"Sid":"InfrastructurePassRolePolicy"},{"Action":"iam:PassRole","Condition":{"StringLike":{"iam:PassedToService":["ec2.amazonaws.com","ec2.amazonaws.com.cn"]}},"Effect":"Allow","Resource":["arn:aws:iam::*:role/ecsInstanceRole*"],"Sid":"InstancePassRolePolicy"},{"Action":"iam:PassRole","Condition":{"StringLike":{"iam:PassedToService":["application-autoscaling.amazonaws.com","application-autoscaling.amazonaws.com.cn"]}},"Effect":"Allow","Resource":["arn:aws:iam::*:role/ecsAutoscaleRole*"],"Sid":"AutoScalingPassRolePolicy"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringLike":{"iam:AWSServiceName":["ecs.amazonaws.com","autoscaling.amazonaws.com","ecs.application-autoscaling.amazonaws.com","spot.amazonaws.com","spotfleet.amazonaws.com"]}},"Effect":"Allow","Resource":"*","Sid":"ServiceLinkedRoleCreationPolicy"},{"Action":["elasticloadbalancing:AddTags"],"Condition":{"StringEquals":{"elasticloadbalancing:CreateAction":["CreateTargetGroup","CreateRule","CreateListener","CreateLoadBalancer"]}},"Effect":"Allow","Resource":"*","Sid":"ELBTaggingPolicy"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEventBridgeFullAccess',
    path: '/',
    version: 'v7',
    created: '2019-07-11T14:08:55Z',
    updated: '2026-02-12T17:58:25Z',
    document:
      '{"Statement":[{"Action":["events:*","schemas:*","scheduler:*","pipes:*"],"Effect":"Allow","Resource":"*","Sid":"EventBridgeActions"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":"apidestinations.events.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/apidestinations.events.amazonaws.com/AWSServiceRoleForAmazonEventBridgeApiDestinations","Sid":"IAMCreateServiceLinkedRoleForApiDestinations"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":"schemas.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/schemas.amazonaws.com/AWSServiceRoleForSchemas","Sid":"IAMCreateServiceLinkedRoleForAmazonEventBridgeSchemas"},{"Action":["secretsmanager:CreateSecret","secretsmanager:UpdateSecret","secretsmanager:DeleteSecret","secretsmanager:GetSecretValue","secretsmanager:PutSecretValue"],"Effect":"Allow","Resource":"arn:aws:secretsmanager:*:*:secret:events!*","Sid":"SecretsManagerAccessForApiDestinations"},{"Action":"iam:PassRole","Condition":{"StringLike":{"iam:PassedToService":"events.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/*","Sid":"IAMPassRoleAccessForEventBridge"},{"Action":"iam:PassRole","Condition":{"StringLike":{"iam:PassedToService":"scheduler.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/*","Sid":"IAMPassRoleAccessForScheduler"},{"Action":"iam:PassRole","Condition":{"StringLike":{"iam:PassedToService":"pipes.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/*","Sid":"IAMPassRoleAccessForPipes"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEventBridgePipesFullAccess',
    path: '/',
    version: 'v1',
    created: '2022-12-01T17:03:20Z',
    updated: '2022-12-01T17:03:20Z',
    document:
      '{"Statement":[{"Action":"pipes:*","Effect":"Allow","Resource":"*","Sid":"EventBridgePipesActions"},{"Action":"iam:PassRole","Condition":{"StringLike":{"iam:PassedToService":"pipes.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/*","Sid":"IAMPassRoleAccessForPipes"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEventBridgeReadOnlyAccess',
    path: '/',
    version: 'v6',
    created: '2019-07-11T13:59:07Z',
    updated: '2022-12-01T17:02:48Z',
    document:
      '{"Statement":[{"Action":["events:DescribeRule","events:DescribeEventBus","events:DescribeEventSource","events:ListEventBuses","events:ListEventSources","events:ListRuleNamesByTarget","events:ListRules","events:ListTargetsByRule","events:TestEventPattern","events:DescribeArchive","events:ListArchives","events:DescribeReplay","events:ListReplays","events:DescribeConnection","events:ListConnections","events:DescribeApiDestination","events:ListApiDestinations","events:DescribeEndpoint","events:ListEndpoints","schemas:DescribeCodeBinding","schemas:DescribeDiscoverer","schemas:DescribeRegistry","schemas:DescribeSchema","schemas:ExportSchema","schemas:GetCodeBindingSource","schemas:GetDiscoveredSchema","schemas:GetResourcePolicy","schemas:ListDiscoverers","schemas:ListRegistries","schemas:ListSchemas","schemas:ListSchemaVersions","schemas:ListTagsForResource","schemas:SearchSchemas","scheduler:GetSchedule","scheduler:GetScheduleGroup","scheduler:ListSchedules","scheduler:ListScheduleGroups","scheduler:ListTagsForResource","pipes:DescribePipe","pipes:ListPipes","pipes:ListTagsForResource"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEventBridgeSchedulerFullAccess',
    path: '/',
    version: 'v4',
    created: '2022-11-10T18:37:25Z',
    updated: '2026-02-12T18:03:15Z',
    document:
      '{"Statement":[{"Action":"scheduler:*","Effect":"Allow","Resource":"*"},{"Action":"iam:PassRole","Condition":{"StringLike":{"iam:PassedToService":"scheduler.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonEventBridgeSchedulerReadOnlyAccess',
    path: '/',
    version: 'v5',
    created: '2022-11-10T18:50:12Z',
    updated: '2026-04-02T17:57:20Z',
    document:
      '{"Statement":[{"Action":["scheduler:List*","scheduler:Get*"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonS3FullAccess',
    path: '/',
    version: 'v2',
    created: '2015-02-06T18:40:58Z',
    updated: '2021-09-27T20:16:37Z',
    document:
      '{"Statement":[{"Action":["s3:*","s3-object-lambda:*"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonS3ReadOnlyAccess',
    path: '/',
    version: 'v3',
    created: '2015-02-06T18:40:59Z',
    updated: '2023-08-10T21:31:39Z',
    document:
      '{"Statement":[{"Action":["s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSNSFullAccess',
    path: '/',
    version: 'v2',
    created: '2015-02-06T18:41:05Z',
    updated: '2024-09-24T22:32:05Z',
    document:
      '{"Statement":[{"Action":"sns:*","Effect":"Allow","Resource":"*","Sid":"SNSFullAccess"},{"Action":["sms-voice:DescribeVerifiedDestinationNumbers","sms-voice:CreateVerifiedDestinationNumber","sms-voice:SendDestinationNumberVerificationCode","sms-voice:SendTextMessage","sms-voice:DeleteVerifiedDestinationNumber","sms-voice:VerifyDestinationNumber","sms-voice:DescribeAccountAttributes","sms-voice:DescribeSpendLimits","sms-voice:DescribePhoneNumbers","sms-voice:SetTextMessageSpendLimitOverride","sms-voice:DescribeOptedOutNumbers","sms-voice:DeleteOptedOutNumber"],"Condition":{"StringEquals":{"aws:CalledViaLast":"sns.amazonaws.com"}},"Effect":"Allow","Resource":"*","Sid":"SMSAccessViaSNS"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSNSReadOnlyAccess',
    path: '/',
    version: 'v2',
    created: '2015-02-06T18:41:06Z',
    updated: '2024-09-24T22:13:12Z',
    document:
      '{"Statement":[{"Action":["sns:GetTopicAttributes","sns:List*","sns:CheckIfPhoneNumberIsOptedOut","sns:GetEndpointAttributes","sns:GetDataProtectionPolicy","sns:GetPlatformApplicationAttributes","sns:GetSMSAttributes","sns:GetSMSSandboxAccountStatus","sns:GetSubscriptionAttributes"],"Effect":"Allow","Resource":"*","Sid":"SNSReadOnlyAccess"},{"Action":["sms-voice:DescribeVerifiedDestinationNumbers","sms-voice:DescribeAccountAttributes","sms-voice:DescribeSpendLimits","sms-voice:DescribePhoneNumbers","sms-voice:DescribeOptedOutNumbers"],"Condition":{"StringEquals":{"aws:CalledViaLast":"sns.amazonaws.com"}},"Effect":"Allow","Resource":"*","Sid":"SMSAccessViaSNS"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSNSRole',
    path: '/service-role/',
    version: 'v1',
    created: '2015-02-06T18:41:30Z',
    updated: '2015-02-06T18:41:30Z',
    document:
      '{"Statement":[{"Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents","logs:PutMetricFilter","logs:PutRetentionPolicy"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSQSFullAccess',
    path: '/',
    version: 'v1',
    created: '2015-02-06T18:41:07Z',
    updated: '2015-02-06T18:41:07Z',
    document: '{"Statement":[{"Action":["sqs:*"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSQSReadOnlyAccess',
    path: '/',
    version: 'v4',
    created: '2015-02-06T18:41:08Z',
    updated: '2024-05-24T18:16:44Z',
    document:
      '{"Statement":[{"Action":["sqs:GetQueueAttributes","sqs:GetQueueUrl","sqs:ListDeadLetterSourceQueues","sqs:ListQueues","sqs:ListMessageMoveTasks","sqs:ListQueueTags"],"Effect":"Allow","Resource":"*","Sid":"AmazonSQSReadOnlyAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSSMAutomationRole',
    path: '/service-role/',
    version: 'v9',
    created: '2016-12-05T22:09:55Z',
    updated: '2026-03-20T17:42:14Z',
    document:
      '{"Statement":[{"Action":["lambda:InvokeFunction"],"Effect":"Allow","Resource":["arn:aws:lambda:*:*:function:Automation*"]},{"Action":["ec2:CreateImage","ec2:CopyImage","ec2:DeregisterImage","ec2:DescribeImages","ec2:DeleteSnapshot","ec2:StartInstances","ec2:RunInstances","ec2:StopInstances","ec2:TerminateInstances","ec2:DescribeInstanceStatus","ec2:CreateTags","ec2:DeleteTags","ec2:DescribeTags","cloudformation:CreateStack","cloudformation:DescribeStackEvents","cloudformation:DescribeStacks","cloudformation:UpdateStack","cloudformation:DeleteStack","cloudformation:TagResource","cloudformation:UntagResource"],"Effect":"Allow","Resource":["*"]},{"Action":["ssm:*"],"Effect":"Allow","Resource":["*"]},{"Action":["sns:Publish"],"Effect":"Allow","Resource":["arn:aws:sns:*:*:Automation*"]},{"Action":["ssmmessages:OpenDataChannel"],"Effect":"Allow","Resource":["arn:*:ssm:*:*:session/*"]}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSSMFullAccess',
    path: '/',
    version: 'v4',
    created: '2015-05-29T17:39:47Z',
    updated: '2019-11-20T20:08:56Z',
    document:
      '{"Statement":[{"Action":["cloudwatch:PutMetricData","ds:CreateComputer","ds:DescribeDirectories","ec2:DescribeInstanceStatus","logs:*","ssm:*","ec2messages:*"],"Effect":"Allow","Resource":"*"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringLike":{"iam:AWSServiceName":"ssm.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM*"},{"Action":["iam:DeleteServiceLinkedRole","iam:GetServiceLinkedRoleDeletionStatus"],"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM*"},{"Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel","ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSSMManagedEC2InstanceDefaultPolicy',
    path: '/',
    version: 'v2',
    created: '2022-08-30T20:54:27Z',
    updated: '2024-07-16T18:14:07Z',
    document:
      '{"Statement":[{"Action":["ssm:DescribeAssociation","ssm:GetDeployablePatchSnapshotForInstance","ssm:GetDocument","ssm:DescribeDocument","ssm:GetManifest","ssm:ListAssociations","ssm:ListInstanceAssociations","ssm:PutInventory","ssm:PutComplianceItems","ssm:PutConfigurePackageResult","ssm:UpdateAssociationStatus","ssm:UpdateInstanceAssociationStatus","ssm:UpdateInstanceInformation"],"Effect":"Allow","Resource":"*","Sid":"AllowSSMAgentPermissions"},{"Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel","ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"Effect":"Allow","Resource":"*","Sid":"AllowSSMChannelMessaging"},{"Action":["ec2messages:AcknowledgeMessage","ec2messages:DeleteMessage","ec2messages:FailMessage","ec2messages:GetEndpoint","ec2messages:GetMessages","ec2messages:SendReply"],"Effect":"Allow","Resource":"*","Sid":"AllowSSMLegacyMessaging"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSSMManagedInstanceCore',
    path: '/',
    version: 'v2',
    created: '2019-03-15T17:22:12Z',
    updated: '2019-05-23T16:54:21Z',
    document:
      '{"Statement":[{"Action":["ssm:DescribeAssociation","ssm:GetDeployablePatchSnapshotForInstance","ssm:GetDocument","ssm:DescribeDocument","ssm:GetManifest","ssm:GetParameter","ssm:GetParameters","ssm:ListAssociations","ssm:ListInstanceAssociations","ssm:PutInventory","ssm:PutComplianceItems","ssm:PutConfigurePackageResult","ssm:UpdateAssociationStatus","ssm:UpdateInstanceAssociationStatus","ssm:UpdateInstanceInformation"],"Effect":"Allow","Resource":"*"},{"Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel","ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"Effect":"Allow","Resource":"*"},{"Action":["ec2messages:AcknowledgeMessage","ec2messages:DeleteMessage","ec2messages:FailMessage","ec2messages:GetEndpoint","ec2messages:GetMessages","ec2messages:SendReply"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSSMPatchAssociation',
    path: '/',
    version: 'v1',
    created: '2020-05-13T16:00:42Z',
    updated: '2020-05-13T16:00:42Z',
    document:
      '{"Statement":[{"Action":"ssm:DescribeEffectivePatchesForPatchBaseline","Effect":"Allow","Resource":"arn:aws:ssm:*:*:patchbaseline/*"},{"Action":"ssm:GetPatchBaseline","Effect":"Allow","Resource":"arn:aws:ssm:*:*:patchbaseline/*"},{"Action":"tag:GetResources","Effect":"Allow","Resource":"*"},{"Action":"ssm:DescribePatchBaselines","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AmazonSSMReadOnlyAccess',
    path: '/',
    version: 'v1',
    created: '2015-05-29T17:44:19Z',
    updated: '2015-05-29T17:44:19Z',
    document:
      '{"Statement":[{"Action":["ssm:Describe*","ssm:Get*","ssm:List*"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AutoScalingFullAccess',
    path: '/',
    version: 'v2',
    created: '2017-01-12T19:31:58Z',
    updated: '2018-02-06T21:59:13Z',
    document:
      '{"Statement":[{"Action":"autoscaling:*","Effect":"Allow","Resource":"*"},{"Action":"cloudwatch:PutMetricAlarm","Effect":"Allow","Resource":"*"},{"Action":["ec2:DescribeAccountAttributes","ec2:DescribeAvailabilityZones","ec2:DescribeImages","ec2:DescribeInstanceAttribute","ec2:DescribeInstances","ec2:DescribeKeyPairs","ec2:DescribeLaunchTemplateVersions","ec2:DescribePlacementGroups","ec2:DescribeSecurityGroups","ec2:DescribeSpotInstanceRequests","ec2:DescribeSubnets","ec2:DescribeVpcClassicLink"],"Effect":"Allow","Resource":"*"},{"Action":["elasticloadbalancing:DescribeLoadBalancers","elasticloadbalancing:DescribeTargetGroups"],"Effect":"Allow","Resource":"*"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":"autoscaling.amazonaws.com"}},"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AutoScalingNotificationAccessRole',
    path: '/service-role/',
    version: 'v1',
    created: '2015-02-06T18:41:22Z',
    updated: '2015-02-06T18:41:22Z',
    document:
      '{"Statement":[{"Action":["sqs:SendMessage","sqs:GetQueueUrl","sns:Publish"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'AutoScalingReadOnlyAccess',
    path: '/',
    version: 'v1',
    created: '2017-01-12T19:39:35Z',
    updated: '2017-01-12T19:39:35Z',
    document:
      '{"Statement":[{"Action":"autoscaling:Describe*","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchAgentAdminPolicy',
    path: '/',
    version: 'v2',
    created: '2018-03-07T00:52:31Z',
    updated: '2024-02-05T20:59:57Z',
    document:
      '{"Statement":[{"Action":["cloudwatch:PutMetricData","ec2:DescribeTags","logs:PutLogEvents","logs:PutRetentionPolicy","logs:DescribeLogStreams","logs:DescribeLogGroups","logs:CreateLogStream","logs:CreateLogGroup","xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries"],"Effect":"Allow","Resource":"*","Sid":"CWACloudWatchPermissions"},{"Action":["ssm:GetParameter","ssm:PutParameter"],"Effect":"Allow","Resource":"arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*","Sid":"CWASSMPermissions"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchAgentServerPolicy',
    path: '/',
    version: 'v3',
    created: '2018-03-07T01:06:44Z',
    updated: '2024-02-06T16:37:37Z',
    document:
      '{"Statement":[{"Action":["cloudwatch:PutMetricData","ec2:DescribeVolumes","ec2:DescribeTags","logs:PutLogEvents","logs:PutRetentionPolicy","logs:DescribeLogStreams","logs:DescribeLogGroups","logs:CreateLogStream","logs:CreateLogGroup","xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries"],"Effect":"Allow","Resource":"*","Sid":"CWACloudWatchServerPermissions"},{"Action":["ssm:GetParameter"],"Effect":"Allow","Resource":"arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*","Sid":"CWASSMServerPermissions"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchEventsBuiltInTargetExecutionAccess',
    path: '/service-role/',
    version: 'v1',
    created: '2016-01-14T18:35:49Z',
    updated: '2016-01-14T18:35:49Z',
    document:
      '{"Statement":[{"Action":["ec2:Describe*","ec2:RebootInstances","ec2:StopInstances","ec2:TerminateInstances","ec2:CreateSnapshot"],"Effect":"Allow","Resource":"*","Sid":"CloudWatchEventsBuiltInTargetExecutionAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchEventsFullAccess',
    path: '/',
    version: 'v5',
    created: '2016-01-14T18:37:08Z',
    updated: '2026-02-12T18:00:32Z',
    document:
      '{"Statement":[{"Action":["events:*","schemas:*","scheduler:*","pipes:*"],"Effect":"Allow","Resource":"*","Sid":"EventBridgeActions"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":"apidestinations.events.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/apidestinations.events.amazonaws.com/AWSServiceRoleForAmazonEventBridgeApiDestinations","Sid":"IAMCreateServiceLinkedRoleForApiDestinations"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":"schemas.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/schemas.amazonaws.com/AWSServiceRoleForSchemas","Sid":"IAMCreateServiceLinkedRoleForAmazonEventBridgeSchemas"},{"Action":["secretsmanager:CreateSecret","secretsmanager:UpdateSecret","secretsmanager:DeleteSecret","secretsmanager:GetSecretValue","secretsmanager:PutSecretValue"],"Effect":"Allow","Resource":"arn:aws:secretsmanager:*:*:secret:events!*","Sid":"SecretsManagerAccessForApiDestinations"},{"Action":"iam:PassRole","Effect":"Allow","Resource":"arn:aws:iam::*:role/AWS_Events_Invoke_Targets","Sid":"IAMPassRoleForCloudWatchEvents"},{"Action":"iam:PassRole","Condition":{"StringEquals":{"iam:PassedToService":"scheduler.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/*","Sid":"IAMPassRoleAccessForScheduler"},{"Action":"iam:PassRole","Condition":{"StringEquals":{"iam:PassedToService":"pipes.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/*","Sid":"IAMPassRoleAccessForPipes"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchEventsInvocationAccess',
    path: '/service-role/',
    version: 'v1',
    created: '2016-01-14T18:36:33Z',
    updated: '2016-01-14T18:36:33Z',
    document:
      '{"Statement":[{"Action":["kinesis:PutRecord"],"Effect":"Allow","Resource":"*","Sid":"CloudWatchEventsInvocationAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchEventsReadOnlyAccess',
    path: '/',
    version: 'v3',
    created: '2016-01-14T18:27:18Z',
    updated: '2022-12-01T16:29:31Z',
    document:
      '{"Statement":[{"Action":["events:DescribeRule","events:DescribeEventBus","events:DescribeEventSource","events:ListEventBuses","events:ListEventSources","events:ListRuleNamesByTarget","events:ListRules","events:ListTargetsByRule","events:TestEventPattern","events:DescribeArchive","events:ListArchives","events:DescribeReplay","events:ListReplays","events:DescribeConnection","events:ListConnections","events:DescribeApiDestination","events:ListApiDestinations","events:DescribeEndpoint","events:ListEndpoints","schemas:DescribeCodeBinding","schemas:DescribeDiscoverer","schemas:DescribeRegistry","schemas:DescribeSchema","schemas:ExportSchema","schemas:GetCodeBindingSource","schemas:GetDiscoveredSchema","schemas:GetResourcePolicy","schemas:ListDiscoverers","schemas:ListRegistries","schemas:ListSchemas","schemas:ListSchemaVersions","schemas:ListTagsForResource","schemas:SearchSchemas","scheduler:GetSchedule","scheduler:GetScheduleGroup","scheduler:ListSchedules","scheduler:ListScheduleGroups","scheduler:ListTagsForResource","pipes:DescribePipe","pipes:ListPipes","pipes:ListTagsForResource"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchFullAccess',
    path: '/',
    version: 'v4',
    created: '2015-02-06T18:40:00Z',
    updated: '2022-11-27T13:23:49Z',
    document:
      '{"Statement":[{"Action":["autoscaling:Describe*","cloudwatch:*","logs:*","sns:*","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","oam:ListSinks"],"Effect":"Allow","Resource":"*"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringLike":{"iam:AWSServiceName":"events.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/events.amazonaws.com/AWSServiceRoleForCloudWatchEvents*"},{"Action":["oam:ListAttachedLinks"],"Effect":"Allow","Resource":"arn:aws:oam:*:*:sink/*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchFullAccessV2',
    path: '/',
    version: 'v15',
    created: '2023-08-01T11:32:57Z',
    updated: '2026-02-12T18:00:06Z',
    document:
      '{"Statement":[{"Action":["application-autoscaling:DescribeScalingPolicies","application-signals:*","autoscaling:DescribeAutoScalingGroups","autoscaling:DescribePolicies","cloudwatch:*","logs:*","sns:CreateTopic","sns:ListSubscriptions","sns:ListSubscriptionsByTopic","sns:ListTopics","sns:Subscribe","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","oam:ListSinks","observabilityadmin:GetCentralizationRuleForOrganization","observabilityadmin:ListCentralizationRulesForOrganization","observabilityadmin:CreateCentralizationRuleForOrganization","observabilityadmin:UpdateCentralizationRuleForOrganization","observabilityadmin:DeleteCentralizationRuleForOrganization","observabilityadmin:StartTelemetryEvaluation","observabilityadmin:GetTelemetryEvaluationStatus","observabilityadmin:ListResourceTelemetry","observabilityadmin:StopTelemetryEvaluation","observabilityadmin:StartTelemetryEvaluationForOrganization","observabilityadmin:GetTelemetryEvaluationStatusForOrganization","observabilityadmin:ListResourceTelemetryForOrganization","observabilityadmin:StopTelemetryEvaluationForOrganization","observabilityadmin:CreateTelemetryRule","observabilityadmin:GetTelemetryRule","observabilityadmin:ListTelemetryRules","observabilityadmin:UpdateTelemetryRule","observabilityadmin:DeleteTelemetryRule","observabilityadmin:CreateTelemetryRuleForOrganization","observabilityadmin:GetTelemetryRuleForOrganization","observabilityadmin:ListTelemetryRulesForOrganization","observabilityadmin:UpdateTelemetryRuleForOrganization","observabilityadmin:DeleteTelemetryRuleForOrganization","observabilityadmin:GetTelemetryEnrichmentStatus","observabilityadmin:StartTelemetryEnrichment","observabilityadmin:StopTelemetryEnrichment","observabilityadmin:TagResource","observabilityadmin:UntagResource","observabilityadmin:ListTagsForResource","observabilityadmin:CreateTelemetryPipeline","observabilityadmin:GetTelemetryPipeline","observabilityadmin:UpdateTelemetryPipeline","observabilityadmin:DeleteTelemetryPipeline","observabilityadmin:ListTelemetryPipelines","observabilityadmin:TestTelemetryPipeline","observabilityadmin:ValidateTelemetryPipelineConfiguration","observabilityadmin:CreateS3TableIntegration","observabilityadmin:GetS3TableIntegration","observabilityadmin:ListS3TableIntegrations","observabilityadmin:DeleteS3TableIntegration","rum:*","synthetics:*","xray:*"],"Effect":"Allow","Resource":"*","Sid":"CloudWatchFullAccessPermissions"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringLike":{"iam:AWSServiceName":"application-signals.cloudwatch.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/application-signals.cloudwatch.amazonaws.com/AWSServiceRoleForCloudWatchApplicationSignals","Sid":"CloudWatchApplicationSignalsServiceLinkedRolePermissions"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringLike":{"iam:AWSServiceName":"events.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/events.amazonaws.com/AWSServiceRoleForCloudWatchEvents*","Sid":"EventsServicePermissions"},{"Action":["oam:ListAttachedLinks"],"Effect":"Allow","Resource":"arn:aws:oam:*:*:sink/*","Sid":"OAMReadPermissions"},{"Action":["cloudtrail:CreateServiceLinkedChannel","cloudtrail:GetChannel"],"Effect":"Allow","Resource":"arn:aws:cloudtrail:*:*:channel/aws-service-channel/application-signals/*","Sid":"CloudWatchCloudTrailPermissions"},{"Action":["cloudtrail:ListChannels"],"Effect":"Allow","Resource":"*","Sid":"CloudWatchApplicationSignalsCloudTrailListPermissions"},{"Action":["servicequotas:GetServiceQuota"],"Effect":"Allow","Resource":["arn:aws:servicequotas:*:*:s3/*","arn:aws:servicequotas:*:*:dynamodb/*","arn:aws:servicequotas:*:*:kinesis/*","arn:aws:servicequotas:*:*:sns/*","arn:aws:servicequotas:*:*:bedrock/*","arn:aws:servicequotas:*:*:lambda/*","arn:aws:servicequotas:*:*:fargate/*","arn:aws:servicequotas:*:*:elasticloadbalancing/*","arn:aws:servicequotas:*:*:ec2/*"],"Sid":"CloudWatchServiceQuotaPermissions"},{"Action":["resource-explorer-2:ListIndexes","resource-explorer-2:Search"],"Effect":"Allow","Resource":["arn:aws:resource-explorer-2:*::view/AWSServiceViewForApplicationSignals/service-view","arn:aws:resource-explorer-2:*::view/AWSServiceViewForApplicationSignalsOrgScopeProd/service-view"],"Sid":"CloudWatchResourceExplorerPermissions"},{"Action":["iam:CreateServiceLinkedRole"],"Condition":{"StringEquals":{"iam:AWSServiceName":["resource-explorer-2.amazonaws.com"]}},"Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/resource-explorer-2.amazonaws.com/AWSServiceRoleForResourceExplorer","Sid":"CloudWatchResourceExplorerSLRPermissions"},{"Action":["resource-explorer-2:CreateIndex"],"Effect":"Allow","Resource":"arn:aws:resource-explorer-2:*:*:index/*","Sid":"CloudWatchResourceExplorerCreateIndexPermissions"},{"Action":"iam:PassRole","Condition":{"ArnLike":{"iam:AssociatedResourceArn":"arn:aws:observabilityadmin:*:*:s3tableintegration/*"},"StringEquals":{"iam:PassedToService":"logs.amazonaws.com"}},"Effect":"Allow","Resource":"*"},{"Action":"iam:PassRole","Condition":{"ArnLike":{"iam:AssociatedResourceArn":"arn:aws:observabilityadmin:*:*:telemetry-pipeline/*"},"StringEquals":{"iam:PassedToService":["logs.amazonaws.com","telemetry-pipelines.observabilityadmin.amazonaws.com"]}},"Effect":"Allow","Resource":"*"},{"Action":["s3tables:CreateTableBucket","s3tables:PutTableBucketEncryption"],"Condition":{"ForAnyValue:StringEquals":{"aws:CalledVia":"observabilityadmin.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:s3tables:*:*:bucket/aws-cloudwatch"},{"Action":["s3tables:PutTableBucketPolicy"],"Effect":"Allow","Resource":"arn:aws:s3tables:*:*:bucket/aws-cloudwatch"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchLogsFullAccess',
    path: '/',
    version: 'v8',
    created: '2015-02-06T18:40:02Z',
    updated: '2026-02-12T18:00:33Z',
    document:
      '{"Statement":[{"Action":["logs:*","cloudwatch:GenerateQuery","cloudwatch:GenerateQueryResultsSummary","observabilityadmin:GetS3TableIntegration","observabilityadmin:ListS3TableIntegrations","observabilityadmin:ListTelemetryPipelines"],"Effect":"Allow","Resource":"*","Sid":"CloudWatchLogsFullAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchLogsReadOnlyAccess',
    path: '/',
    version: 'v12',
    created: '2015-02-06T18:40:03Z',
    updated: '2026-02-12T17:59:13Z',
    document:
      '{"Statement":[{"Action":["logs:Describe*","logs:Get*","logs:List*","logs:StartQuery","logs:StopQuery","logs:TestMetricFilter","logs:FilterLogEvents","logs:StartLiveTail","logs:StopLiveTail","cloudwatch:GenerateQuery","cloudwatch:GenerateQueryResultsSummary","observabilityadmin:ListS3TableIntegrations","observabilityadmin:GetS3TableIntegration","observabilityadmin:ListTelemetryPipelines"],"Effect":"Allow","Resource":"*","Sid":"CloudWatchLogsReadOnlyAccess"}],"Version":"2012-10-17"}',
  },
  {
    name: 'CloudWatchReadOnlyAccess',
    path: '/',
    version: 'v24',
    created: '2015-02-06T18:40:01Z',
    updated: '2026-02-12T18:01:50Z',
    document:
      '{"Statement":[{"Action":["application-autoscaling:DescribeScalingPolicies","application-signals:BatchGet*","application-signals:Get*","application-signals:List*","autoscaling:Describe*","cloudtrail:ListChannels","cloudwatch:BatchGet*","cloudwatch:Describe*","cloudwatch:GenerateQuery","cloudwatch:Get*","cloudwatch:List*","logs:Get*","logs:List*","logs:StartQuery","logs:StopQuery","logs:Describe*","logs:TestMetricFilter","logs:FilterLogEvents","logs:StartLiveTail","logs:StopLiveTail","oam:ListSinks","observabilityadmin:GetCentralizationRuleForOrganization","observabilityadmin:ListCentralizationRulesForOrganization","observabilityadmin:GetTelemetryEvaluationStatus","observabilityadmin:GetTelemetryEvaluationStatusForOrganization","observabilityadmin:GetTelemetryRule","observabilityadmin:GetTelemetryRuleForOrganization","observabilityadmin:ListResourceTelemetry","observabilityadmin:ListResourceTelemetryForOrganization","observabilityadmin:ListTelemetryRules","observabilityadmin:ListTelemetryRulesForOrganization","observabilityadmin:GetTelemetryEnrichmentStatus","observabilityadmin:ListTagsForResource","observabilityadmin:GetTelemetryPipeline","observabilityadmin:ListTelemetryPipelines","observabilityadmin:TestTelemetryPipeline","observabilityadmin:ValidateTelemetryPipelineConfiguration","observabilityadmin:GetS3TableIntegration","observabilityadmin:ListS3TableIntegrations","sns:Get*","sns:List*","rum:BatchGet*","rum:Get*","rum:List*","synthetics:Describe*","synthetics:Get*","synthetics:List*","xray:BatchGet*","xray:Get*","xray:List*","xray:StartTraceRetrieval","xray:CancelTraceRetrieval"],"Effect":"Allow","Resource":"*","Sid":"CloudWatchReadOnlyAccessPermissions"},{"Action":["oam:ListAttachedLinks"],"Effect":"Allow","Resource":"arn:aws:oam:*:*:sink/*","Sid":"OAMReadPermissions"},{"Action":"iam:GetRole","Effect":"Allow","Resource":"arn:aws:iam::*:role/aws-service-role/application-signals.cloudwatch.amazonaws.com/AWSServiceRoleForCloudWatchApplicationSignals","Sid":"CloudWatchReadOnlyGetRolePermissions"},{"Action":["cloudtrail:GetChannel"],"Effect":"Allow","Resource":"arn:aws:cloudtrail:*:*:channel/aws-service-channel/application-signals/*","Sid":"CloudWatchCloudTrailPermissions"},{"Action":["servicequotas:GetServiceQuota"],"Effect":"Allow","Resource":["arn:aws:servicequotas:*:*:s3/*","arn:aws:servicequotas:*:*:dynamodb/*","arn:aws:servicequotas:*:*:kinesis/*","arn:aws:servicequotas:*:*:sns/*","arn:aws:servicequotas:*:*:bedrock/*","arn:aws:servicequotas:*:*:lambda/*","arn:aws:servicequotas:*:*:fargate/*","arn:aws:servicequotas:*:*:elasticloadbalancing/*","arn:aws:servicequotas:*:*:ec2/*"],"Sid":"CloudWatchServiceQuotaPermissions"},{"Action":["resource-explorer-2:ListIndexes","resource-explorer-2:Search"],"Effect":"Allow","Resource":["arn:aws:resource-explorer-2:*::view/AWSServiceViewForApplicationSignals/service-view","arn:aws:resource-explorer-2:*::view/AWSServiceViewForApplicationSignalsOrgScopeProd/service-view"],"Sid":"CloudWatchResourceExplorerPermissions"}],"Version":"2012-10-17"}',
  },
  {
    name: 'ElasticLoadBalancingFullAccess',
    path: '/',
    version: 'v9',
    created: '2018-09-20T20:42:07Z',
    updated: '2026-02-23T18:57:07Z',
    document:
      '{"Statement":[{"Action":"elasticloadbalancing:*","Effect":"Allow","Resource":"*"},{"Action":["ec2:DescribeAccountAttributes","ec2:DescribeAddresses","ec2:DescribeInternetGateways","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","ec2:DescribeVpcClassicLink","ec2:DescribeInstances","ec2:DescribeNetworkInterfaces","ec2:DescribeClassicLinkInstances","ec2:DescribeRouteTables","ec2:DescribeCoipPools","ec2:GetCoipPoolUsage","ec2:GetSecurityGroupsForVpc","ec2:DescribeVpcPeeringConnections","ec2:DescribeAvailabilityZones","cognito-idp:DescribeUserPoolClient"],"Effect":"Allow","Resource":"*"},{"Action":"iam:CreateServiceLinkedRole","Condition":{"StringEquals":{"iam:AWSServiceName":"elasticloadbalancing.amazonaws.com"}},"Effect":"Allow","Resource":"*"},{"Action":"arc-zonal-shift:*","Effect":"Allow","Resource":"arn:aws:elasticloadbalancing:*:*:loadbalancer/*"},{"Action":["arc-zonal-shift:ListManagedResources","arc-zonal-shift:ListZonalShifts"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'ElasticLoadBalancingReadOnly',
    path: '/',
    version: 'v3',
    created: '2018-09-20T20:17:09Z',
    updated: '2023-11-26T18:15:46Z',
    document:
      '{"Statement":[{"Action":["elasticloadbalancing:Describe*","elasticloadbalancing:Get*"],"Effect":"Allow","Resource":"*","Sid":"Statement1"},{"Action":["ec2:DescribeInstances","ec2:DescribeClassicLinkInstances","ec2:DescribeSecurityGroups"],"Effect":"Allow","Resource":"*","Sid":"Statement2"},{"Action":"arc-zonal-shift:GetManagedResource","Effect":"Allow","Resource":"arn:aws:elasticloadbalancing:*:*:loadbalancer/*","Sid":"Statement3"},{"Action":["arc-zonal-shift:ListManagedResources","arc-zonal-shift:ListZonalShifts"],"Effect":"Allow","Resource":"*","Sid":"Statement4"}],"Version":"2012-10-17"}',
  },
  {
    name: 'IAMFullAccess',
    path: '/',
    version: 'v2',
    created: '2015-02-06T18:40:38Z',
    updated: '2019-06-21T19:40:00Z',
    document:
      '{"Statement":[{"Action":["iam:*","organizations:DescribeAccount","organizations:DescribeOrganization","organizations:DescribeOrganizationalUnit","organizations:DescribePolicy","organizations:ListChildren","organizations:ListParents","organizations:ListPoliciesForTarget","organizations:ListRoots","organizations:ListPolicies","organizations:ListTargetsForPolicy"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'IAMReadOnlyAccess',
    path: '/',
    version: 'v4',
    created: '2015-02-06T18:40:39Z',
    updated: '2018-01-25T19:11:27Z',
    document:
      '{"Statement":[{"Action":["iam:GenerateCredentialReport","iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'PowerUserAccess',
    path: '/',
    version: 'v12',
    created: '2015-02-06T18:39:47Z',
    updated: '2026-02-12T17:59:14Z',
    document:
      '{"Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},{"Action":["account:GetAccountInformation","account:GetGovCloudAccountInformation","account:GetPrimaryEmail","account:ListRegions","iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles","organizations:DescribeEffectivePolicy","organizations:DescribeOrganization"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}',
  },
  {
    name: 'ReadOnlyAccess',
    path: '/',
    version: 'v182',
    created: '2015-02-06T18:39:48Z',
    updated: '2026-04-03T15:27:12Z',
    document:
      '{"Statement":[{"Action":["access-analyzer:GetAccessPreview","access-analyzer:GetAnalyzedResource","access-analyzer:GetAnalyzer","access-analyzer:GetArchiveRule","access-analyzer:GetFinding","access-analyzer:GetFindingsStatistics","access-analyzer:GetGeneratedPolicy","access-analyzer:ListAccessPreviewFindings","access-analyzer:ListAccessPreviews","access-analyzer:ListAnalyzedResources","access-analyzer:ListAnalyzers","access-analyzer:ListArchiveRules","access-analyzer:ListFindings","access-analyzer:ListPolicyGenerations","access-analyzer:ListTagsForResource","access-analyzer:ValidatePolicy","appconfig:GetApplication","appconfig:GetConfiguration","appconfig:GetConfigurationProfile","appconfig:GetDeployment","appconfig:GetDeploymentStrategy","appconfig:GetEnvironment","appconfig:GetExtension","appconfig:GetHostedConfigurationVersion","appconfig:ListApplications","appconfig:ListConfigurationProfiles","appconfig:ListDeployments","appconfig:ListDeploymentStrategies","appconfig:ListEnvironments","appconfig:ListExtensions","appconfig:ListHostedConfigurationVersions","appconfig:ListTagsForResource","application-autoscaling:Describe*","application-autoscaling:GetPredictiveScalingForecast","application-autoscaling:ListTagsForResource","autoscaling:Describe*","autoscaling:GetPredictiveScalingForecast","cloudformation:BatchDescribeTypeConfigurations","cloudformation:Describe*","cloudformation:Detect*","cloudformation:Estimate*","cloudformation:Get*","cloudformation:List*","cloudformation:ValidateTemplate","cloudtrail:Describe*","cloudtrail:Get*","cloudtrail:List*","cloudtrail:LookupEvents","cloudwatch:Describe*","cloudwatch:GenerateQuery","cloudwatch:GenerateQueryResultsSummary","cloudwatch:Get*","cloudwatch:List*","codeartifact:DescribeDomain","codeartifact:DescribePackage","codeartifact:DescribePackageVersion","codeartifact:DescribeRepository","codeartifact:GetAuthorizationToken","codeartifact:GetDomainPermissionsPolicy","codeartifact:GetPackageVersionAsset","codeartifact:GetPackageVersionReadme","codeartifact:GetRepositoryEndpoint","codeartifact:GetRepositoryPermissionsPolicy","codeartifact:ListDomains","codeartifact:ListPackages","codeartifact:ListPackageVersionAssets","codeartifact:ListPackageVersionDependencies","codeartifact:ListPackageVersions","codeartifact:ListRepositories","codeartifact:ListRepositoriesInDomain","codeartifact:ListTagsForResource","codeartifact:ReadFromRepository","codebuild:BatchGet*","codebuild:DescribeCodeCoverages","codebuild:DescribeTestCases","codebuild:List*","codecommit:BatchGet*","codecommit:Describe*","codecommit:Get*","codecommit:GitPull","codecommit:List*","codeconnections:GetConnection","codeconnections:GetHost","codeconnections:GetRepositoryLink","codeconnections:GetRepositorySyncStatus","codeconnections:GetResourceSyncStatus","codeconnections:GetSyncConfiguration","codeconnections:ListConnections","codeconnections:ListHosts","codeconnections:ListRepositoryLinks","codeconnections:ListRepositorySyncDefinitions","codeconnections:ListSyncConfigurations","codeconnections:ListTagsForResource","codedeploy:BatchGet*","codedeploy:Get*","codedeploy:List*","codepipeline:Get*","codepipeline:List*","codestar-connections:GetConnection","codestar-connections:GetHost","codestar-connections:GetRepositoryLink","codestar-connections:GetRepositorySyncStatus","codestar-connections:GetResourceSyncStatus","codestar-connections:GetSyncConfiguration","codestar-connections:ListConnections","codestar-connections:ListHosts","codestar-connections:ListRepositoryLinks","codestar-connections:ListRepositorySyncDefinitions","codestar-connections:ListSyncConfigurations","codestar-connections:ListTagsForResource","codestar-notifications:describeNotificationRule","codestar-notifications:listEventTypes","codestar-notifications:listNotificationRules","codestar-notifications:listTagsForResource","codestar-notifications:ListTargets","config:BatchGetAggregateResourceConfig","config:BatchGetResourceConfig","config:Deliver*","config:Describe*","config:Get*","config:List*","config:SelectAggregateResourceConfig","config:SelectResourceConfig","ec2:Describe*","ec2:DescribeInstanceImageMetadata","ec2:Get*","ec2:ListImagesInRecycleBin","ec2:ListSnapshotsInRecycleBin","ec2:SearchLocalGatewayRoutes","ec2:SearchTransitGatewayRoutes","ecr:BatchCheck*","ecr:BatchGet*","ecr:Describe*","ecr:Get*","ecr:List*","ecs:Describe*","ecs:List*","elasticloadbalancing:Describe*","events:Describe*","events:List*","events:Test*","iam:Generate*","iam:Get*","iam:List*","iam:Simulate*"],"Effect":"Allow","Resource":"*","Sid":"ReadOnlyActionsGroup1"},{"Action":["kms:Describe*","kms:Get*","kms:List*","lambda:Get*","lambda:List*","logs:Describe*","logs:FilterLogEvents","logs:Get*","logs:ListAggregateLogGroupSummaries","logs:ListAnomalies","logs:ListEntitiesForLogGroup","logs:ListIntegrations","logs:ListLogAnomalyDetectors","logs:ListLogDeliveries","logs:ListLogGroupsForEntity","logs:ListLogGroupsForQuery","logs:ListScheduledQueries","logs:ListSourcesForS3TableIntegration","logs:ListTagsForResource","logs:ListTagsLogGroup","logs:StartLiveTail","logs:StartQuery","logs:StopLiveTail","logs:StopQuery","logs:TestMetricFilter","organizations:Describe*","organizations:List*","pipes:DescribePipe","pipes:ListPipes","pipes:ListTagsForResource","s3:DescribeJob","s3:Get*","s3:List*","scheduler:GetSchedule","scheduler:GetScheduleGroup","scheduler:ListScheduleGroups","scheduler:ListSchedules","scheduler:ListTagsForResource","schemas:Describe*","schemas:Get*","schemas:List*","schemas:Search*","secretsmanager:Describe*","secretsmanager:GetResourcePolicy","secretsmanager:List*","sns:Check*","sns:Get*","sns:List*","sqs:Get*","sqs:List*","sqs:Receive*","ssm:Describe*","ssm:Get*","ssm:List*","states:Describe*","states:GetExecutionHistory","states:List*","states:ValidateStateMachineDefinition","sts:GetAccessKeyInfo","sts:GetCallerIdentity","sts:GetSessionToken","tag:DescribeReportCreation","tag:Get*","xray:BatchGet*","xray:CancelTraceRetrieval","xray:Get*","xray:ListResourcePolicies","xray:ListRetrievedTraces","xray:ListTagsForResource","xray:StartTraceRetrieval"],"Effect":"Allow","Resource":"*","Sid":"ReadOnlyActionsGroup2"}],"Version":"2012-10-17"}',
  },
  {
    name: 'SecretsManagerReadWrite',
    path: '/',
    version: 'v5',
    created: '2018-04-04T18:05:29Z',
    updated: '2024-02-22T18:12:06Z',
    document:
      '{"Statement":[{"Action":["secretsmanager:*","cloudformation:CreateChangeSet","cloudformation:DescribeChangeSet","cloudformation:DescribeStackResource","cloudformation:DescribeStacks","cloudformation:ExecuteChangeSet","docdb-elastic:GetCluster","docdb-elastic:ListClusters","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","kms:DescribeKey","kms:ListAliases","kms:ListKeys","lambda:ListFunctions","rds:DescribeDBClusters","rds:DescribeDBInstances","redshift:DescribeClusters","redshift-serverless:ListWorkgroups","redshift-serverless:GetNamespace","tag:GetResources"],"Effect":"Allow","Resource":"*","Sid":"BasePermissions"},{"Action":["lambda:AddPermission","lambda:CreateFunction","lambda:GetFunction","lambda:InvokeFunction","lambda:UpdateFunctionConfiguration"],"Effect":"Allow","Resource":"arn:aws:lambda:*:*:function:SecretsManager*","Sid":"LambdaPermissions"},{"Action":["serverlessrepo:CreateCloudFormationChangeSet","serverlessrepo:GetApplication"],"Effect":"Allow","Resource":"arn:aws:serverlessrepo:*:*:applications/SecretsManager*","Sid":"SARPermissions"},{"Action":["s3:GetObject"],"Effect":"Allow","Resource":["arn:aws:s3:::awsserverlessrepo-changesets*","arn:aws:s3:::secrets-manager-rotation-apps-*/*"],"Sid":"S3Permissions"}],"Version":"2012-10-17"}',
  },
  {
    name: 'SecurityAudit',
    path: '/',
    version: 'v86',
    created: '2015-02-06T18:41:01Z',
    updated: '2026-05-01T03:12:13Z',
    document:
      '{"Statement":[{"Action":["access-analyzer:GetAnalyzedResource","access-analyzer:GetAnalyzer","access-analyzer:GetArchiveRule","access-analyzer:GetFinding","access-analyzer:ListAnalyzedResources","access-analyzer:ListAnalyzers","access-analyzer:ListArchiveRules","access-analyzer:ListFindings","access-analyzer:ListTagsForResource","application-autoscaling:Describe*","autoscaling:Describe*","cloudformation:DescribeStack*","cloudformation:GetStackPolicy","cloudformation:GetTemplate","cloudformation:ListStack*","cloudtrail:DescribeTrails","cloudtrail:GetEventSelectors","cloudtrail:GetInsightSelectors","cloudtrail:GetTrail","cloudtrail:GetTrailStatus","cloudtrail:ListTags","cloudtrail:ListTrails","cloudtrail:LookupEvents","cloudwatch:Describe*","cloudwatch:GetDashboard","cloudwatch:ListDashboards","cloudwatch:ListTagsForResource","codeartifact:GetDomainPermissionsPolicy","codeartifact:GetRepositoryPermissionsPolicy","codeartifact:ListRepositories","codebuild:BatchGetProjects","codebuild:GetResourcePolicy","codebuild:ListProjects","codebuild:ListSourceCredentials","codecommit:BatchGetRepositories","codecommit:GetBranch","codecommit:GetObjectIdentifier","codecommit:GetRepository","codecommit:GetRepositoryTriggers","codecommit:List*","codedeploy:Batch*","codedeploy:Get*","codedeploy:List*","codepipeline:GetJobDetails","codepipeline:GetPipeline","codepipeline:GetPipelineExecution","codepipeline:GetPipelineState","codepipeline:ListPipelines","config:BatchGetAggregateResourceConfig","config:BatchGetResourceConfig","config:Deliver*","config:Describe*","config:Get*","config:List*","config:SelectAggregateResourceConfig","config:SelectResourceConfig","ec2:Describe*","ec2:GetAllowedImagesSettings","ec2:GetEbsDefaultKmsKeyId","ec2:GetEbsEncryptionByDefault","ec2:GetImageBlockPublicAccessState","ec2:GetInstanceMetadataDefaults","ec2:GetManagedPrefixListAssociations","ec2:GetManagedPrefixListEntries","ec2:GetNetworkInsightsAccessScopeAnalysisFindings","ec2:GetNetworkInsightsAccessScopeContent","ec2:GetSerialConsoleAccessStatus","ec2:GetSnapshotBlockPublicAccessState","ec2:GetTransitGatewayAttachmentPropagations","ec2:GetTransitGatewayMulticastDomainAssociations","ec2:GetTransitGatewayPrefixListReferences","ec2:GetTransitGatewayPrefixListReferences","ec2:GetTransitGatewayRouteTableAssociations","ec2:GetTransitGatewayRouteTablePropagations","ec2:SearchTransitGatewayRoutes","ec2:SearchTransitGatewayRoutes","ecr:BatchGetRepositoryScanningConfiguration","ecr:DescribeImages","ecr:DescribeImageScanFindings","ecr:DescribeRegistry","ecr:DescribeRepositories","ecr:GetLifecyclePolicy","ecr:GetRegistryPolicy","ecr:GetRegistryScanningConfiguration","ecr:GetRepositoryPolicy","ecr:ListImages","ecr:ListTagsForResource","ecs:Describe*","ecs:List*","elasticloadbalancing:Describe*","events:Describe*","events:List*","events:TestEventPattern","iam:GenerateCredentialReport","iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy","kms:Describe*","kms:Get*","kms:List*","lambda:GetAccountSettings","lambda:GetFunctionCodeSigningConfig","lambda:GetFunctionConcurrency","lambda:GetFunctionConfiguration","lambda:GetFunctionEventInvokeConfig","lambda:GetLayerVersionPolicy","lambda:GetPolicy","lambda:GetRuntimeManagementConfig","lambda:List*","logs:Describe*","logs:GetLogDelivery","logs:ListLogDeliveries","logs:ListTagsForResource","logs:ListTagsLogGroup","organizations:Describe*","organizations:List*","s3:DescribeJob","s3:GetAccelerateConfiguration","s3:GetAccessGrantsInstanceResourcePolicy","s3:GetAccessPoint","s3:GetAccessPointConfigurationForObjectLambda","s3:GetAccessPointForObjectLambda","s3:GetAccessPointPolicy","s3:GetAccessPointPolicyForObjectLambda","s3:GetAccessPointPolicyStatus","s3:GetAccessPointPolicyStatusForObjectLambda","s3:GetAccountPublicAccessBlock","s3:GetAnalyticsConfiguration","s3:GetBucket*","s3:GetEncryptionConfiguration","s3:GetInventoryConfiguration","s3:GetLifecycleConfiguration","s3:GetMetricsConfiguration","s3:GetMultiRegionAccessPoint","s3:GetMultiRegionAccessPointPolicy","s3:GetMultiRegionAccessPointPolicyStatus","s3:GetObjectAcl","s3:GetObjectTagging","s3:GetObjectVersionAcl","s3:GetReplicationConfiguration","s3:GetStorageLensConfiguration","s3:GetStorageLensGroup","s3:ListAccessGrants","s3:ListAccessGrantsInstances","s3:ListAccessPoints","s3:ListAccessPointsForObjectLambda","s3:ListAllMyBuckets","s3:ListBucket","s3:ListCallerAccessGrants","s3:ListJobs","s3:ListMultiRegionAccessPoints","s3:ListStorageLensConfigurations","s3:ListStorageLensGroups","schemas:DescribeCodeBinding","schemas:DescribeDiscoverer","schemas:DescribeRegistry","schemas:DescribeSchema","schemas:GetResourcePolicy","schemas:ListDiscoverers","schemas:ListRegistries","schemas:ListSchemas","schemas:ListSchemaVersions","schemas:ListTagsForResource","secretsmanager:DescribeSecret","secretsmanager:GetResourcePolicy","secretsmanager:ListSecrets","secretsmanager:ListSecretVersionIds","sns:GetPlatformApplicationAttributes","sns:GetTopicAttributes","sns:ListSubscriptions","sns:ListSubscriptionsByTopic","sns:ListTagsForResource","sns:ListTopics","sqs:GetQueueAttributes","sqs:ListDeadLetterSourceQueues","sqs:ListQueues","sqs:ListQueueTags","ssm:Describe*","ssm:GetAutomationExecution","ssm:GetServiceSetting","ssm:ListAssociations","ssm:ListAssociationVersions","ssm:ListCommands","ssm:ListComplianceItems","ssm:ListComplianceSummaries","ssm:ListDocumentMetadataHistory","ssm:ListDocuments","ssm:ListDocumentVersions","ssm:ListInventoryEntries","ssm:ListOpsMetadata","ssm:ListResourceComplianceSummaries","ssm:ListResourceDataSync","ssm:ListTagsForResource","states:DescribeStateMachine","states:ListStateMachines","sts:GetAccessKeyInfo","tag:GetResources","tag:GetTagKeys","xray:GetEncryptionConfig","xray:GetGroup","xray:GetGroups","xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetTraceSummaries","xray:ListTagsForResource"],"Effect":"Allow","Resource":"*","Sid":"BaseSecurityAuditStatement"}],"Version":"2012-10-17"}',
  },
  {
    name: 'ViewOnlyAccess',
    path: '/job-function/',
    version: 'v45',
    created: '2016-11-10T17:20:15Z',
    updated: '2026-04-22T18:12:21Z',
    document:
      '{"Statement":[{"Action":["autoscaling:Describe*","cloudformation:DescribeStacks","cloudformation:List*","cloudtrail:DescribeTrails","cloudtrail:ListTrails","cloudtrail:LookupEvents","cloudwatch:Get*","cloudwatch:List*","codebuild:ListBuilds*","codebuild:ListProjects","codecommit:List*","codedeploy:BatchGetApplicationRevisions","codedeploy:BatchGetApplications","codedeploy:BatchGetDeploymentGroups","codedeploy:BatchGetDeploymentInstances","codedeploy:BatchGetDeployments","codedeploy:BatchGetDeploymentTargets","codedeploy:BatchGetOnPremisesInstances","codedeploy:Get*","codedeploy:List*","codepipeline:ListPipelines","config:Describe*","config:List*","ec2:DescribeAccountAttributes","ec2:DescribeAddresses","ec2:DescribeAvailabilityZones","ec2:DescribeBundleTasks","ec2:DescribeCarrierGateways","ec2:DescribeClassicLinkInstances","ec2:DescribeConversionTasks","ec2:DescribeCustomerGateways","ec2:DescribeDhcpOptions","ec2:DescribeExportTasks","ec2:DescribeFlowLogs","ec2:DescribeHost*","ec2:DescribeIdentityIdFormat","ec2:DescribeIdFormat","ec2:DescribeImage*","ec2:DescribeImport*","ec2:DescribeInstance*","ec2:DescribeInternetGateways","ec2:DescribeKeyPairs","ec2:DescribeLocalGatewayRouteTables","ec2:DescribeLocalGatewayRouteTableVirtualInterfaceGroupAssociations","ec2:DescribeLocalGatewayRouteTableVpcAssociations","ec2:DescribeLocalGateways","ec2:DescribeLocalGatewayVirtualInterfaceGroups","ec2:DescribeLocalGatewayVirtualInterfaces","ec2:DescribeMovingAddresses","ec2:DescribeNatGateways","ec2:DescribeNetwork*","ec2:DescribePlacementGroups","ec2:DescribePrefixLists","ec2:DescribeRegions","ec2:DescribeReserved*","ec2:DescribeRouteTables","ec2:DescribeSecurityGroupRules","ec2:DescribeSecurityGroups","ec2:DescribeSnapshot*","ec2:DescribeSpot*","ec2:DescribeSubnets","ec2:DescribeTags","ec2:DescribeVolume*","ec2:DescribeVpc*","ec2:DescribeVpnGateways","ec2:SearchLocalGatewayRoutes","ecr:DescribeRegistry","ecr:DescribeRepositories","ecr:ListImages","ecs:Describe*","ecs:List*","elasticloadbalancing:DescribeInstanceHealth","elasticloadbalancing:DescribeListeners","elasticloadbalancing:DescribeLoadBalancerAttributes","elasticloadbalancing:DescribeLoadBalancers","elasticloadbalancing:DescribeTargetGroups","elasticloadbalancing:DescribeTargetHealth","events:ListRuleNamesByTarget","events:ListRules","events:ListTargetsByRule","iam:GetAccountSummary","iam:GetLoginProfile","iam:List*","kms:ListKeys","kms:ListResourceTags","lambda:List*","logs:Describe*","logs:GetTransformer","logs:ListEntitiesForLogGroup","logs:ListLogGroupsForEntity","logs:ListLogGroupsForQuery","logs:ListTagsForResource","organizations:List*","s3:ListAllMyBuckets","s3:ListBucket","s3:ListMultiRegionAccessPoints","sns:List*","sqs:GetQueueAttributes","sqs:GetQueueUrl","sqs:ListDeadLetterSourceQueues","sqs:ListMessageMoveTasks","sqs:ListQueues","sqs:ListQueueTags","ssm:ListAssociations","ssm:ListDocuments","states:ListActivities","states:ListExecutions","states:ListMapRuns","states:ListStateMachineAliases","states:ListStateMachines","states:ListStateMachineVersions","xray:GetEncryptionConfig","xray:GetGroups","xray:GetSamplingRules","xray:GetSamplingStatisticSummaries","xray:GetSamplingTargets","xray:GetTraceSegmentDestination","xray:ListResourcePolicies"],"Effect":"Allow","Resource":"*","Sid":"GeneralViewOnlyAccessStatement"}],"Version":"2012-10-17"}',
  },
];
