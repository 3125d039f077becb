#!/usr/bin/env python3
"""Derives src/core/managed-policies/managed-policies.gen.ts: the AWS-managed policies that this field attaches.

Origin: the list that moto carries (Apache-2.0), itself read from IAM's ListPolicies and GetPolicyVersion.
Three documents are very long for services that Sluice does not have (ReadOnlyAccess and the two audit policies);
of those only the actions of the services named here are kept.

Usage: python3 scripts/managed-policies.py   (needs `pip install moto`)
"""

import json
import pathlib
import subprocess

import moto
from moto.iam import aws_managed_policies

NAMES = """
AdministratorAccess PowerUserAccess ReadOnlyAccess SecurityAudit ViewOnlyAccess IAMFullAccess IAMReadOnlyAccess
AWSCloudFormationFullAccess AWSCloudFormationReadOnlyAccess AWSCloudTrail_FullAccess AWSCloudTrail_ReadOnlyAccess
AWSCodeArtifactAdminAccess AWSCodeArtifactReadOnlyAccess
AWSCodeBuildAdminAccess AWSCodeBuildDeveloperAccess AWSCodeBuildReadOnlyAccess
AWSCodeCommitFullAccess AWSCodeCommitPowerUser AWSCodeCommitReadOnly
AWSCodeDeployDeployerAccess AWSCodeDeployFullAccess AWSCodeDeployReadOnlyAccess AWSCodeDeployRole
AWSCodeDeployRoleForCloudFormation AWSCodeDeployRoleForECS AWSCodeDeployRoleForECSLimited AWSCodeDeployRoleForLambda
AWSCodeDeployRoleForLambdaLimited
AWSCodePipelineApproverAccess AWSCodePipelineCustomActionAccess AWSCodePipeline_FullAccess AWSCodePipeline_ReadOnlyAccess
AWSCodeStarFullAccess AWSCodeStarServiceRole AWSKeyManagementServicePowerUser
AWSLambdaBasicExecutionRole AWSLambdaDynamoDBExecutionRole AWSLambdaENIManagementAccess AWSLambdaExecute
AWSLambdaKinesisExecutionRole AWSLambdaMSKExecutionRole AWSLambdaRole AWSLambdaSQSQueueExecutionRole
AWSLambdaVPCAccessExecutionRole AWSLambda_FullAccess AWSLambda_ReadOnlyAccess
AWSOrganizationsFullAccess AWSOrganizationsReadOnlyAccess AWSSecretsManagerClientReadOnlyAccess AWSXRayDaemonWriteAccess
AWSXrayFullAccess AWSXrayReadOnlyAccess
AmazonAPIGatewayPushToCloudWatchLogs
AmazonEC2ContainerRegistryFullAccess AmazonEC2ContainerRegistryPowerUser AmazonEC2ContainerRegistryPullOnly
AmazonEC2ContainerRegistryReadOnly AmazonEC2FullAccess AmazonEC2ReadOnlyAccess AmazonEC2RoleforAWSCodeDeploy
AmazonEC2RoleforAWSCodeDeployLimited AmazonEC2ContainerServiceforEC2Role AmazonECSTaskExecutionRolePolicy
AmazonECS_FullAccess AmazonDynamoDBFullAccess AmazonDynamoDBReadOnlyAccess
AmazonEventBridgeFullAccess AmazonEventBridgeReadOnlyAccess AmazonEventBridgePipesFullAccess
AmazonEventBridgeSchedulerFullAccess AmazonEventBridgeSchedulerReadOnlyAccess
AmazonS3FullAccess AmazonS3ReadOnlyAccess AmazonSNSFullAccess AmazonSNSReadOnlyAccess AmazonSNSRole
AmazonSQSFullAccess AmazonSQSReadOnlyAccess
AmazonSSMAutomationRole AmazonSSMFullAccess AmazonSSMManagedEC2InstanceDefaultPolicy AmazonSSMManagedInstanceCore
AmazonSSMPatchAssociation AmazonSSMReadOnlyAccess
AutoScalingFullAccess AutoScalingReadOnlyAccess AutoScalingNotificationAccessRole
CloudWatchAgentAdminPolicy CloudWatchAgentServerPolicy CloudWatchEventsBuiltInTargetExecutionAccess
CloudWatchEventsFullAccess CloudWatchEventsInvocationAccess CloudWatchEventsReadOnlyAccess CloudWatchFullAccess
CloudWatchFullAccessV2 CloudWatchLogsFullAccess CloudWatchLogsReadOnlyAccess CloudWatchReadOnlyAccess
ElasticLoadBalancingFullAccess ElasticLoadBalancingReadOnly SecretsManagerReadWrite AWSStepFunctionsFullAccess
""".split()

TRIMMED = {"ReadOnlyAccess", "SecurityAudit", "ViewOnlyAccess"}
KEPT = set(
    """s3 kms iam sts organizations logs cloudwatch events sns sqs secretsmanager ssm lambda codecommit codebuild
    codedeploy codepipeline codeartifact codeconnections codestar-connections codestar-notifications appconfig ecr ecs
    ec2 elasticloadbalancing autoscaling application-autoscaling cloudformation cloudtrail config tag xray states
    scheduler pipes schemas access-analyzer""".split()
)


def trimmed(document):
    for statement in document["Statement"]:
        actions = statement["Action"]
        actions = actions if isinstance(actions, list) else [actions]
        statement["Action"] = [a for a in actions if a.split(":")[0] in KEPT]
    document["Statement"] = [s for s in document["Statement"] if s["Action"]]
    return document


def main():
    data = json.loads(aws_managed_policies.aws_managed_policies_data)
    rows, absent = [], []
    for name in sorted(set(NAMES)):
        policy = data.get(name)
        if policy is None:
            absent.append(name)
            continue
        document = trimmed(policy["Document"]) if name in TRIMMED else policy["Document"]
        row = {
            "name": name,
            "path": policy["Path"],
            "version": policy["DefaultVersionId"],
            "created": policy["CreateDate"][:19] + "Z",
            "updated": policy["UpdateDate"][:19] + "Z",
            "document": json.dumps(document, separators=(",", ":")),
        }
        rows.append("  " + json.dumps(row) + ",")
    out = pathlib.Path(__file__).parent.parent / "src/core/managed-policies/managed-policies.gen.ts"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        f"// Made by scripts/managed-policies.py from moto {moto.__version__}; do not edit.\n"
        "export const AWS_MANAGED: readonly Readonly<{\n"
        "  name: string;\n  path: string;\n  version: string;\n  created: string;\n  updated: string;\n  document: string;\n}>[] = [\n"
        + "\n".join(rows)
        + "\n];\n"
    )
    subprocess.run(["npx", "oxfmt", str(out)], check=True)
    print(f"{len(rows)} policies", f"absent: {absent}" if absent else "")


main()
