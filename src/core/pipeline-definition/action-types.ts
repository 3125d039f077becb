/**
 * AWS's own action types: artifact counts, configuration keys, timeouts. Those that Sluice cannot run are listed too, so
 * that a pipeline which names one is refused by its right name.
 * Source: CodePipeline User Guide, "Action structure reference" and "Quotas" (timeouts).
 */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../common/index.ts';
import type { ActionProperty, ActionTypeDefinition, ActionTypeId, ArtifactCount } from './types.ts';

/** A day for a custom action, counted from its start. */
export const CUSTOM_TIMEOUT_MS = DAY_MS;
/** How long a Lambda function may stay silent; each reply starts it anew. */
export const LAMBDA_SILENCE_MS = 20 * MINUTE_MS;
export const LAMBDA_TIMEOUT_MS = DAY_MS;
export const APPROVAL_TIMEOUT_MS = 7 * DAY_MS;

const CODEBUILD_KEYS = ['ProjectName!', 'PrimarySource', 'BatchEnabled', 'CombineArtifacts', 'EnvironmentVariables'];

export const AWS_ACTION_TYPES: readonly ActionTypeDefinition[] = [
  aws(
    'Source',
    'S3',
    [0, 0],
    [1, 1],
    ['S3Bucket!', 'S3ObjectKey!', 'PollForSourceChanges', 'AllowOverrideForS3ObjectKey'],
  ),
  aws(
    'Source',
    'CodeCommit',
    [0, 0],
    [1, 1],
    ['RepositoryName!', 'BranchName!', 'PollForSourceChanges', 'OutputArtifactFormat'],
  ),
  aws('Build', 'CodeBuild', [1, 5], [0, 5], CODEBUILD_KEYS, 36 * HOUR_MS),
  aws('Test', 'CodeBuild', [1, 5], [0, 5], CODEBUILD_KEYS, 8 * HOUR_MS),
  aws(
    'Approval',
    'Manual',
    [0, 0],
    [0, 0],
    ['NotificationArn', 'CustomData', 'ExternalEntityLink'],
    APPROVAL_TIMEOUT_MS,
  ),
  aws('Invoke', 'Lambda', [0, 5], [0, 5], ['FunctionName!', 'UserParameters'], LAMBDA_SILENCE_MS),
  aws('Deploy', 'CodeDeploy', [1, 1], [0, 0], ['ApplicationName!', 'DeploymentGroupName!'], 5 * DAY_MS),
  aws(
    'Deploy',
    'S3',
    [1, 1],
    [0, 0],
    ['BucketName!', 'Extract!', 'ObjectKey', 'KMSEncryptionKeyARN', 'CannedACL', 'CacheControl'],
    90 * MINUTE_MS,
  ),
  aws(
    'Deploy',
    'CloudFormation',
    [0, 10],
    [0, 1],
    [
      'ActionMode!',
      'StackName!',
      'ChangeSetName',
      'RoleArn',
      'TemplatePath',
      'TemplateConfiguration',
      'Capabilities',
      'ParameterOverrides',
      'OutputFileName',
    ],
    3 * DAY_MS,
  ),
  unknownHere('Source', 'ECR'),
  unknownHere('Source', 'CodeStarSourceConnection'),
  unknownHere('Build', 'ECRBuildAndPublish', { v2Only: true }),
  unknownHere('Compute', 'Commands', { v2Only: true }),
  unknownHere('Build', 'Commands', { v2Only: true }),
  unknownHere('Test', 'DeviceFarm'),
  unknownHere('Deploy', 'CodeDeployToECS'),
  unknownHere('Deploy', 'ECS'),
  unknownHere('Deploy', 'EKS', { v2Only: true }),
  unknownHere('Deploy', 'EC2', { v2Only: true }),
  unknownHere('Deploy', 'Lambda', { v2Only: true }),
  unknownHere('Deploy', 'CloudFormationStackSet'),
  unknownHere('Deploy', 'CloudFormationStackInstances'),
  unknownHere('Deploy', 'ElasticBeanstalk'),
  unknownHere('Deploy', 'AppConfig'),
  unknownHere('Deploy', 'ServiceCatalog'),
  unknownHere('Invoke', 'StepFunctions'),
  unknownHere('Invoke', 'CodePipeline', { v2Only: true }),
  unknownHere('Invoke', 'InspectorScan'),
  unknownHere('Source', 'GitHub', { owner: 'ThirdParty' }),
];

export function isSameType(a: ActionTypeId, b: ActionTypeId): boolean {
  return a.category === b.category && a.owner === b.owner && a.provider === b.provider && a.version === b.version;
}

/** `Category/Owner/Provider/Version`: the form in which an action type is named in ids and ARNs of Sluice's. */
export function typeName(id: ActionTypeId): string {
  return `${id.category}/${id.owner}/${id.provider}/${id.version}`;
}

/** `keys` end in `!` when required. */
function aws(
  category: string,
  provider: string,
  inputs: readonly [number, number],
  outputs: readonly [number, number],
  keys: readonly string[],
  timeoutMs: number = HOUR_MS,
): ActionTypeDefinition {
  return {
    id: { category, owner: 'AWS', provider, version: '1' },
    inputs: count(inputs),
    outputs: count(outputs),
    properties: keys.map(property),
    timeoutMs,
    implemented: true,
  };
}

function unknownHere(
  category: string,
  provider: string,
  more: Readonly<{ v2Only?: true; owner?: string }> = {},
): ActionTypeDefinition {
  const { owner = 'AWS', ...rest } = more;
  return {
    id: { category, owner, provider, version: '1' },
    inputs: count([0, 10]),
    outputs: count([0, 10]),
    properties: [],
    timeoutMs: HOUR_MS,
    ...rest,
  };
}

function count([minimumCount, maximumCount]: readonly [number, number]): ArtifactCount {
  return { minimumCount, maximumCount };
}

function property(key: string): ActionProperty {
  const required = key.endsWith('!');
  return { name: required ? key.slice(0, -1) : key, required, secret: false, key: required };
}
