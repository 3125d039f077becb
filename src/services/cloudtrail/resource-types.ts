/** The type and the name by which CloudTrail's event history lists a resource. Sources: AWS Config, "Supported resource types". */
import { parseArn } from '../../common/index.ts';

export type NamedResource = Readonly<{ type: string; name: string; arn: string }>;

/** By service, then by the first word of the ARN's resource; `''` where it has none. */
const TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cloudformation: { stack: 'AWS::CloudFormation::Stack' },
  cloudwatch: { alarm: 'AWS::CloudWatch::Alarm' },
  codebuild: { project: 'AWS::CodeBuild::Project', build: 'AWS::CodeBuild::Build' },
  codecommit: { '': 'AWS::CodeCommit::Repository' },
  codedeploy: {
    application: 'AWS::CodeDeploy::Application',
    deploymentgroup: 'AWS::CodeDeploy::DeploymentGroup',
    deploymentconfig: 'AWS::CodeDeploy::DeploymentConfig',
  },
  codepipeline: { '': 'AWS::CodePipeline::Pipeline' },
  events: { 'event-bus': 'AWS::Events::EventBus', rule: 'AWS::Events::Rule' },
  iam: {
    group: 'AWS::IAM::Group',
    'instance-profile': 'AWS::IAM::InstanceProfile',
    'oidc-provider': 'AWS::IAM::OIDCProvider',
    policy: 'AWS::IAM::Policy',
    role: 'AWS::IAM::Role',
    user: 'AWS::IAM::User',
  },
  kms: { alias: 'AWS::KMS::Alias', key: 'AWS::KMS::Key' },
  lambda: { function: 'AWS::Lambda::Function', layer: 'AWS::Lambda::LayerVersion' },
  logs: { 'log-group': 'AWS::Logs::LogGroup' },
  organizations: {
    account: 'AWS::Organizations::Account',
    ou: 'AWS::Organizations::OrganizationalUnit',
    policy: 'AWS::Organizations::Policy',
  },
  s3: { '': 'AWS::S3::Bucket' },
  secretsmanager: { secret: 'AWS::SecretsManager::Secret' },
  sns: { '': 'AWS::SNS::Topic' },
  sqs: { '': 'AWS::SQS::Queue' },
  ssm: { parameter: 'AWS::SSM::Parameter' },
};

/** Undefined for what is no resource with a type (`*`, an ARN of an action's scope). */
export function namedResource(arn: string): NamedResource | undefined {
  const { service, resource } = parseArn(arn) ?? {};
  if (service === undefined || resource === undefined || resource === '*') return undefined;
  const types = Object.hasOwn(TYPES, service) ? TYPES[service] : undefined;
  if (types === undefined) return undefined;
  const [, kind = '', rest = ''] = /^([a-z-]+)[:/](.+)$/.exec(resource) ?? [];
  if (Object.hasOwn(types, kind) && kind !== '')
    return { type: types[kind] ?? '', name: shortName(service, kind, arn, rest), arn };
  const only = types[''];
  return only === undefined
    ? undefined
    : { type: only, name: resource.split(service === 's3' ? '/' : ':')[0] ?? '', arn };
}

/** Keys and whatever CloudTrail names by its ARN keep it. */
function shortName(service: string, kind: string, arn: string, rest: string): string {
  if (service === 'kms' && kind === 'key') return arn;
  if (service === 'iam' && kind !== 'policy') return rest.slice(rest.lastIndexOf('/') + 1);
  if (service === 'iam' || service === 'organizations' || service === 'secretsmanager') return arn;
  if (service === 'lambda' || service === 'logs') return rest.split(':')[0] ?? rest;
  if (service === 'ssm') return rest.includes('/') ? `/${rest}` : rest;
  return rest;
}
