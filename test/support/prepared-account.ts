/**
 * An account with one of each resource, all called `demo`, an input for every operation that is about them, and their ARNs
 * by resource type: for the tests that hold every operation's permissions to AWS's reference (`models/authorization/`).
 */
import type { TestSluice } from '../../src/app/testing.ts';
import type { ServiceModel } from '../../src/protocol/index.ts';
import { bases, type Input, SEEDS } from './bad-input-seeds.ts';
import { plausible } from './bad-input.ts';

export type PreparedAccount = Readonly<{
  /** Small and valid, about what is there. */
  inputOf(service: string, operation: string): Input;
  /** The ARNs of the resources of a type, or of others of that type where `suffix` is not empty. */
  arnsOf(prefix: string, type: string, suffix: string): readonly string[];
  /** Further inputs of some operations, that give condition keys. */
  more: Readonly<Record<string, readonly Input[]>>;
  /** Calls as the root of the account. */
  call(service: string, operation: string, input: Input): Promise<any>;
}>;

const delegating = (account: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: account }, Action: ['sts:AssumeRole', 'sts:TagSession'] }],
  });

export async function prepareAccount(sluice: TestSluice): Promise<PreparedAccount> {
  const { account, region, open } = sluice;
  const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
  const call: PreparedAccount['call'] = (service, operation, input) =>
    open.door.execute({
      service,
      operation,
      input,
      principal: root,
      scope: { account, region },
      requestId: 'prepared',
    });
  const given = await bases();
  const plain = (service: string, operation: string): Input => {
    const model = open.models.service(service) as ServiceModel;
    const reference = model.operations[operation]?.input;
    const made = reference === undefined ? {} : (plausible(model, reference) as Input);
    return { ...made, ...structuredClone(given[`${service}.${operation}`]) };
  };
  let key: any;
  for (const name of SEEDS) {
    const [service = '', operation = ''] = name.split('.');
    const input = plain(service, operation);
    if (name === 'kms.CreateAlias') input['TargetKeyId'] = key.KeyId;
    const output = await call(service, operation, input).catch((cause: unknown) => {
      throw new Error(name, { cause });
    });
    if (name === 'kms.CreateKey') key = output.KeyMetadata;
  }
  const ids = await prepareRest(sluice, call, key.KeyId);
  const at = (service: string, resource: string): string => `arn:aws:${service}:${region}:${account}:${resource}`;
  const iam = (resource: string): string => `arn:aws:iam::${account}:${resource}`;
  const org = (kind: string, id: string): string =>
    `arn:aws:organizations::${account}:${kind}/${ids.organization}/${id}`;

  /** By `prefix:type`; `x` is put behind every name. */
  const arns = (x: string): Readonly<Record<string, readonly string[]>> => ({
    'iam:role': [
      iam(`role/demo${x}`),
      iam(`role/delegating${x}`),
      iam(`role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS${x}`),
    ],
    'iam:user': [iam(`user/demo${x}`)],
    'iam:group': [iam(`group/demo${x}`)],
    'iam:policy': [iam(`policy/demo${x}`)],
    'iam:instance-profile': [iam(`instance-profile/demo${x}`)],
    'iam:oidc-provider': [iam(`oidc-provider/oidc.example.com${x}`)],
    'sts:role': [iam(`role/delegating${x}`)],
    'sts:federated-user': [`arn:aws:sts::${account}:federated-user/demo${x}`],
    'organizations:root': [org('root', `${ids.root}${x}`)],
    'organizations:organizationalunit': [org('ou', `${ids.unit}${x}`)],
    'organizations:account': (x === '' ? [ids.member, account] : ['210987654321']).map((id) => org('account', id)),
    'organizations:policy': [org('policy', `service_control_policy${x}/${x === '' ? '*' : ids.policy}`)],
    'kms:key': [at('kms', `key/${key.KeyId}${x}`), ...ids.keys.map((id) => at('kms', `key/${id}${x}`))],
    'kms:alias': [at('kms', `alias/demo${x}`)],
    's3:bucket': [`arn:aws:s3:::demo${x}`],
    's3:object': [`arn:aws:s3:::demo${x}/demo${x}`],
    'logs:log-group': [at('logs', `log-group:demo${x}:*`), at('logs', `log-group:demo${x}`)],
    'logs:log-stream': [at('logs', `log-group:demo${x}:log-stream:demo${x}`)],
    'cloudwatch:alarm': [at('cloudwatch', `alarm:demo${x}`)],
    'events:event-bus': [at('events', `event-bus/default${x}`), at('events', `event-bus/demo${x}`)],
    'events:rule-on-default-event-bus': [at('events', `rule/demo${x}`)],
    'sns:topic': [at('sns', `demo${x}`)],
    'sqs:queue': [at('sqs', `demo${x}`)],
    'secretsmanager:Secret': [x === '' ? ids.secret : ids.secret.replace(/demo-\w+$/, `demo${x}-??????`)],
    'ssm:parameter': [at('ssm', `parameter/demo${x}`)],
    'lambda:function': [at('lambda', `function:demo${x}`)],
    'lambda:function alias': [at('lambda', `function:demo${x}:demo`)],
    'lambda:function version': [at('lambda', `function:demo${x}:1`)],
    'cloudformation:stack': [at('cloudformation', `stack/demo${x}/*`)],
    'cloudformation:changeset': [at('cloudformation', `changeSet/demo${x}/*`)],
    'codecommit:repository': [at('codecommit', `demo${x}`)],
    'codebuild:project': [at('codebuild', `project/demo${x}`)],
    'codedeploy:application': [at('codedeploy', `application:demo${x}`)],
    'codedeploy:deploymentgroup': [at('codedeploy', `deploymentgroup:demo${x}/demo`)],
    'codedeploy:deploymentconfig': [
      at('codedeploy', `deploymentconfig:demo${x}`),
      at('codedeploy', `deploymentconfig:CodeDeployDefault.LambdaAllAtOnce${x}`),
    ],
    'codepipeline:pipeline': [at('codepipeline', `demo${x}`)],
    'codepipeline:stage': [at('codepipeline', `demo${x}/Approve`), at('codepipeline', `demo${x}/demo`)],
    'codepipeline:action': [at('codepipeline', `demo${x}/Approve/Approve`), at('codepipeline', `demo${x}/demo/demo`)],
    'codepipeline:actiontype': [at('codepipeline', `actiontype:Custom${x}/Build/demo/1`)],
  });

  const overrides = inputsAbout(account, at, iam, ids);
  return {
    call,
    more: {
      ...moreOf('organizations', 'TagResource UntagResource ListTagsForResource', { ResourceId: ids.policy }),
      ...moreOf(
        's3',
        'GetObject HeadObject GetObjectAcl GetObjectAttributes GetObjectTagging PutObjectTagging DeleteObjectTagging',
        { VersionId: ids.version },
      ),
    },
    inputOf: (service, operation) => ({
      ...plain(service, operation),
      ...overrides[`${service}.*`],
      ...overrides[`${service}.${operation}`],
    }),
    arnsOf: (prefix, type, suffix) => arns(suffix)[`${prefix}:${type}`] ?? [],
  };
}

function moreOf(service: string, operations: string, input: Input): Record<string, readonly Input[]> {
  return Object.fromEntries(operations.split(' ').map((operation) => [`${service}.${operation}`, [input]]));
}

type Ids = Awaited<ReturnType<typeof prepareRest>>;

/** What is not among the seeds of the tests with bad input. */
async function prepareRest(sluice: TestSluice, call: PreparedAccount['call'], keyId: string) {
  const { account } = sluice;
  const delegatingTrust = { RoleName: 'delegating', AssumeRolePolicyDocument: delegating(account) };
  await call('iam', 'CreateRole', delegatingTrust);
  await call('iam', 'CreateGroup', { GroupName: 'demo' });
  await call('iam', 'CreateInstanceProfile', { InstanceProfileName: 'demo' });
  await call('iam', 'CreateOpenIDConnectProvider', { Url: 'https://oidc.example.com', ClientIDList: ['demo'] });
  await call('iam', 'CreateServiceLinkedRole', { AWSServiceName: 'ecs.amazonaws.com' });
  const { AccessKey } = await call('iam', 'CreateAccessKey', { UserName: 'demo' });
  const { ServiceSpecificCredential } = await call('iam', 'CreateServiceSpecificCredential', {
    UserName: 'demo',
    ServiceName: 'codecommit.amazonaws.com',
  });
  await call('lambda', 'AddPermission', {
    FunctionName: 'demo',
    StatementId: 'demo',
    Action: 'lambda:InvokeFunction',
    Principal: 'events.amazonaws.com',
  });
  const organization = (await call('organizations', 'DescribeOrganization', {})).Organization.Id as string;
  const root = (await call('organizations', 'ListRoots', {})).Roots[0].Id as string;
  await call('organizations', 'EnablePolicyType', { RootId: root, PolicyType: 'SERVICE_CONTROL_POLICY' });
  const { OrganizationalUnit } = await call('organizations', 'CreateOrganizationalUnit', {
    ParentId: root,
    Name: 'demo',
  });
  const content = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 'ec2:*', Resource: '*' }],
  });
  const { Policy } = await call('organizations', 'CreatePolicy', {
    Name: 'demo',
    Description: 'demo',
    Content: content,
    Type: 'SERVICE_CONTROL_POLICY',
  });
  const created = await call('organizations', 'CreateAccount', { Email: 'demo@example.com', AccountName: 'demo' });
  await sluice.settled();
  const creation = await call('organizations', 'DescribeCreateAccountStatus', {
    CreateAccountRequestId: created.CreateAccountStatus.Id,
  });
  const encrypted = await call('kms', 'Encrypt', { KeyId: keyId, Plaintext: Buffer.from('demo') });
  const grant = await call('kms', 'CreateGrant', {
    KeyId: keyId,
    GranteePrincipal: `arn:aws:iam::${account}:role/delegating`,
    Operations: ['Decrypt'],
    Constraints: { EncryptionContextSubset: { team: 'red' } },
  });
  const keys: Record<string, string> = {};
  for (const [name, spec] of [
    ['SIGN_VERIFY', 'ECC_NIST_P256'],
    ['GENERATE_VERIFY_MAC', 'HMAC_256'],
    ['KEY_AGREEMENT', 'ECC_NIST_P256'],
  ] as const) {
    const made = await call('kms', 'CreateKey', { KeyUsage: name, KeySpec: spec }).catch(() => undefined);
    if (made !== undefined) keys[name] = made.KeyMetadata.KeyId;
  }
  const { SubscriptionArn } = await call('sns', 'Subscribe', {
    TopicArn: `arn:aws:sns:us-east-1:${account}:demo`,
    Protocol: 'sqs',
    Endpoint: `arn:aws:sqs:us-east-1:${account}:demo`,
    ReturnSubscriptionArn: true,
  });
  await call('events', 'CreateEventBus', { Name: 'demo' });
  const secret = (await call('secretsmanager', 'DescribeSecret', { SecretId: 'demo' })).ARN as string;
  const { deploymentId } = await call('codedeploy', 'CreateDeployment', {
    applicationName: 'demo',
    deploymentGroupName: 'demo',
    revision: {
      revisionType: 'AppSpecContent',
      appSpecContent: {
        content: JSON.stringify({
          version: 0.0,
          Resources: [
            {
              demo: {
                Type: 'AWS::Lambda::Function',
                Properties: { Name: 'demo', Alias: 'demo', CurrentVersion: '1', TargetVersion: '1' },
              },
            },
          ],
        }),
      },
    },
  });
  const { build } = await call('codebuild', 'StartBuild', { projectName: 'demo' });
  const { VersionId: version } = await call('s3', 'HeadObject', { Bucket: 'demo', Key: 'demo' });
  const { UploadId } = await call('s3', 'CreateMultipartUpload', { Bucket: 'demo', Key: 'demo' });
  await call('codecommit', 'CreateBranch', {
    repositoryName: 'demo',
    branchName: 'other',
    commitId: (await call('codecommit', 'GetBranch', { repositoryName: 'demo', branchName: 'demo' })).branch.commitId,
  });
  return {
    accessKey: AccessKey.AccessKeyId as string,
    credential: ServiceSpecificCredential.ServiceSpecificCredentialId as string,
    organization,
    root,
    unit: OrganizationalUnit.Id as string,
    policy: Policy.PolicySummary.Id as string,
    member: creation.CreateAccountStatus.AccountId as string,
    ciphertext: encrypted.CiphertextBlob as Uint8Array,
    grant: grant.GrantId as string,
    keyArn: `arn:aws:kms:us-east-1:${account}:key/${keyId}`,
    keyOf: keys,
    keys: Object.values(keys),
    subscription: SubscriptionArn as string,
    secret,
    deployment: deploymentId as string,
    build: build.id as string,
    upload: UploadId as string,
    version: version as string,
  };
}

function inputsAbout(
  account: string,
  at: (service: string, resource: string) => string,
  iam: (resource: string) => string,
  ids: Ids,
): Readonly<Record<string, Input>> {
  const ROLE_TASK = 'task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/00000000-0000-4000-8000-000000000001';
  const each = (service: string, operations: string, input: Input): Record<string, Input> =>
    Object.fromEntries(operations.split(' ').map((operation) => [`${service}.${operation}`, input]));
  const policy = { PolicyArn: iam('policy/demo') };
  const user = { UserName: 'demo' };
  const rule = { ResourceARN: at('events', 'rule/demo') };
  const alarm = { ResourceARN: at('cloudwatch', 'alarm:demo') };
  const topic = { ResourceArn: at('sns', 'demo') };
  const subscription = { SubscriptionArn: ids.subscription };
  const repository = { resourceArn: at('codecommit', 'demo') };
  const deployment = { deploymentId: ids.deployment };
  const deployed = { ResourceArn: at('codedeploy', 'application:demo') };
  const upload = { UploadId: ids.upload };
  const copy = { CopySource: 'demo/demo' };
  const unit = { OrganizationalUnitId: ids.unit };
  const actionType = { category: 'Build', provider: 'demo', version: '1' };
  return {
    ...each(
      'iam',
      'DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion ListEntitiesForPolicy ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion TagPolicy UntagPolicy',
      policy,
    ),
    ...each(
      'iam',
      'CreateAccessKey DeleteAccessKey UpdateAccessKey ListAccessKeys GetUser CreateServiceSpecificCredential ListServiceSpecificCredentials',
      user,
    ),
    ...each(
      'iam',
      'AddClientIDToOpenIDConnectProvider DeleteOpenIDConnectProvider GetOpenIDConnectProvider ListOpenIDConnectProviderTags RemoveClientIDFromOpenIDConnectProvider TagOpenIDConnectProvider UntagOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint',
      { OpenIDConnectProviderArn: iam('oidc-provider/oidc.example.com') },
    ),
    ...each('iam', 'DeleteServiceSpecificCredential ResetServiceSpecificCredential UpdateServiceSpecificCredential', {
      UserName: 'demo',
      ServiceSpecificCredentialId: ids.credential,
    }),
    'lambda.RemovePermission': { StatementId: 'demo' },
    'iam.CreateOpenIDConnectProvider': { Url: 'https://oidc.example.com' },
    'iam.CreateServiceLinkedRole': { AWSServiceName: 'ecs.amazonaws.com' },
    'iam.DeleteServiceLinkedRole': { RoleName: 'AWSServiceRoleForECS' },
    'iam.GetServiceLinkedRoleDeletionStatus': { DeletionTaskId: ROLE_TASK },
    'iam.GetAccessKeyLastUsed': { AccessKeyId: ids.accessKey },
    'iam.SimulatePrincipalPolicy': { PolicySourceArn: iam('user/demo'), ActionNames: ['s3:GetObject'] },
    'iam.GetContextKeysForPrincipalPolicy': { PolicySourceArn: iam('user/demo') },
    'sts.GetFederationToken': { Name: 'demo' },
    'sts.AssumeRole': { RoleArn: iam('role/delegating') },
    'organizations.AttachPolicy': { PolicyId: ids.policy, TargetId: ids.unit },
    'organizations.DetachPolicy': { PolicyId: ids.policy, TargetId: ids.unit },
    ...each('organizations', 'DeletePolicy DescribePolicy ListTargetsForPolicy UpdatePolicy', { PolicyId: ids.policy }),
    'organizations.CreatePolicy': { Type: 'SERVICE_CONTROL_POLICY' },
    'organizations.ListPolicies': { Filter: 'SERVICE_CONTROL_POLICY' },
    'organizations.ListPoliciesForTarget': { TargetId: ids.unit, Filter: 'SERVICE_CONTROL_POLICY' },
    ...each('organizations', 'EnablePolicyType DisablePolicyType', {
      RootId: ids.root,
      PolicyType: 'SERVICE_CONTROL_POLICY',
    }),
    ...each('organizations', 'DeleteOrganizationalUnit DescribeOrganizationalUnit UpdateOrganizationalUnit', unit),
    ...each(
      'organizations',
      'CreateOrganizationalUnit ListAccountsForParent ListChildren ListOrganizationalUnitsForParent',
      { ParentId: ids.unit },
    ),
    'organizations.ListParents': { ChildId: ids.member },
    ...each('organizations', 'TagResource UntagResource ListTagsForResource', { ResourceId: ids.unit }),
    'organizations.DescribeAccount': { AccountId: ids.member },
    'organizations.MoveAccount': { AccountId: ids.member, SourceParentId: ids.root, DestinationParentId: ids.unit },
    ...each('kms', 'Decrypt ReEncrypt', { CiphertextBlob: ids.ciphertext }),
    'kms.ReEncrypt': { CiphertextBlob: ids.ciphertext, DestinationKeyId: 'alias/demo' },
    ...each('kms', 'CreateAlias DeleteAlias UpdateAlias', { AliasName: 'alias/demo' }),
    ...each('kms', 'TagResource UntagResource ListResourceTags', { KeyId: ids.keyArn }),
    ...each('kms', 'RetireGrant RevokeGrant', { KeyId: ids.keyArn, GrantId: ids.grant }),
    ...each('kms', 'Sign Verify GetPublicKey', { KeyId: ids.keyOf['SIGN_VERIFY'] }),
    ...each('kms', 'GenerateMac VerifyMac', { KeyId: ids.keyOf['GENERATE_VERIFY_MAC'] }),
    'kms.DeriveSharedSecret': { KeyId: ids.keyOf['KEY_AGREEMENT'] },
    ...each('logs', 'DescribeLogStreams FilterLogEvents GetLogEvents', { logGroupName: 'demo' }),
    ...each('logs', 'TagResource UntagResource ListTagsForResource', { resourceArn: at('logs', 'log-group:demo') }),
    'cloudwatch.DescribeAlarms': { AlarmNames: ['demo'] },
    'cloudwatch.DescribeAlarmHistory': { AlarmName: 'demo' },
    ...each('cloudwatch', 'TagResource UntagResource ListTagsForResource', alarm),
    ...each('events', 'TagResource UntagResource ListTagsForResource', rule),
    ...each('sns', 'TagResource UntagResource ListTagsForResource', topic),
    ...each('sns', 'GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe', subscription),
    ...each(
      'cloudformation',
      'DescribeStackResources DescribeStacks GetTemplate DescribeChangeSet ExecuteChangeSet DeleteChangeSet',
      { StackName: 'demo' },
    ),
    ...each('codecommit', 'TagResource UntagResource ListTagsForResource', repository),
    ...each('codecommit', 'GetBranch DeleteBranch', { repositoryName: 'demo' }),
    'codecommit.UploadArchive': { repositoryName: 'demo', branchName: 'demo', uploadBucket: 'demo', uploadKey: 'demo' },
    ...each('codebuild', 'BatchDeleteBuilds BatchGetBuilds', { ids: [ids.build] }),
    ...each('codebuild', 'RetryBuild StopBuild', { id: ids.build }),
    ...each('codedeploy', 'TagResource UntagResource ListTagsForResource', deployed),
    ...each(
      'codedeploy',
      'BatchGetDeploymentTargets ContinueDeployment GetDeployment GetDeploymentTarget ListDeploymentTargets StopDeployment PutLifecycleEventHookExecutionStatus',
      deployment,
    ),
    'codedeploy.BatchGetDeployments': { deploymentIds: [ids.deployment] },
    'codedeploy.ListDeployments': { applicationName: 'demo', deploymentGroupName: 'demo' },
    ...each('codepipeline', 'CreateCustomActionType DeleteCustomActionType', actionType),
    'codepipeline.PollForJobs': { actionTypeId: { ...actionType, owner: 'Custom' } },
    ...each('s3', 'AbortMultipartUpload CompleteMultipartUpload ListParts UploadPart', upload),
    's3.UploadPartCopy': { ...upload, ...copy },
    's3.CopyObject': copy,
    's3.DeleteObjects': { Delete: { Objects: [{ Key: 'demo' }] } },
    'lambda.GetProvisionedConcurrencyConfig': { Qualifier: 'demo' },
    ...each('lambda', 'TagResource UntagResource ListTags', { Resource: at('lambda', 'function:demo') }),
    ...each('ssm', 'PutResourcePolicy GetResourcePolicies DeleteResourcePolicy', {
      ResourceArn: at('ssm', 'parameter/demo'),
    }),
    'ssm.ListTagsForResource': { ResourceType: 'Parameter', ResourceId: 'demo' },
    'ssm.RemoveTagsFromResource': { ResourceType: 'Parameter', ResourceId: 'demo' },
    'organizations.ListDelegatedAdministrators': { ServicePrincipal: `${account}.example.com` },
  };
}
