/** Policy simulation by the official SDK: what would be allowed, by which statement, and which keys are wanting. */
import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  type ContextEntry,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  GetContextKeysForCustomPolicyCommand,
  GetContextKeysForPrincipalPolicyCommand,
  IAMClient,
  PutGroupPolicyCommand,
  PutRolePolicyCommand,
  PutUserPermissionsBoundaryCommand,
  SimulateCustomPolicyCommand,
  type SimulateCustomPolicyCommandInput,
  SimulatePrincipalPolicyCommand,
  type SimulatePrincipalPolicyCommandInput,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, type Person, person } from '../support/people.ts';

let sluice: TestSluice;
let iam: IAMClient;
let ann: Person;

const policy = (...Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const allow = (Action: string, rest: object = {}): string =>
  policy({ Effect: 'Allow', Action, Resource: '*', ...rest });

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts', 'organizations'] });
  iam = new IAMClient({ ...sluice.clientConfig(), maxAttempts: 1 });
  ann = await person(sluice, 'ann', [{ Action: 's3:GetObject', Resource: 'arn:aws:s3:::demo/*' }]);
});
afterAll(async () => {
  iam?.destroy();
  await sluice?.close();
});

const custom = async (input: Partial<SimulateCustomPolicyCommandInput>) =>
  iam.send(new SimulateCustomPolicyCommand({ PolicyInputList: [], ActionNames: ['s3:GetObject'], ...input }));

const principal = async (input: Partial<SimulatePrincipalPolicyCommandInput>) =>
  iam.send(new SimulatePrincipalPolicyCommand({ PolicySourceArn: ann.arn, ActionNames: ['s3:GetObject'], ...input }));

const first = async (answer: ReturnType<typeof custom>) => (await answer).EvaluationResults?.[0];

const outcome = async (answer: ReturnType<typeof custom>) => (await first(answer))?.EvalDecision;

describe('SimulateCustomPolicy', () => {
  it('says what AWS says of its own example', async () => {
    const PolicyInputList = [
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}',
    ];
    const ActionNames = ['dynamodb:CreateBackup'];
    expect(await first(custom({ PolicyInputList, ActionNames }))).toEqual({
      EvalActionName: 'dynamodb:CreateBackup',
      EvalResourceName: '*',
      EvalDecision: 'allowed',
      MatchedStatements: [
        {
          SourcePolicyId: 'PolicyInputList.1',
          SourcePolicyType: 'none',
          StartPosition: { Line: 1, Column: 38 },
          EndPosition: { Line: 1, Column: 167 },
        },
      ],
      MissingContextValues: [],
    });
    const ContextEntries: ContextEntry[] = [
      { ContextKeyName: 'aws:CurrentTime', ContextKeyValues: ['2018-04-25T11:00:00Z'], ContextKeyType: 'date' },
    ];
    expect(await outcome(custom({ PolicyInputList, ActionNames, ContextEntries }))).toBe('implicitDeny');
  });

  it('names every statement that allows, but of a denial only those that deny', async () => {
    const documents = [allow('s3:*'), allow('s3:Get*'), allow('sqs:*')];
    const allowed = await first(custom({ PolicyInputList: documents }));
    expect(allowed?.MatchedStatements?.map(({ SourcePolicyId }) => SourcePolicyId)).toEqual([
      'PolicyInputList.1',
      'PolicyInputList.2',
    ]);
    const deny = policy({ Effect: 'Deny', Action: 's3:GetObject', Resource: 'arn:aws:s3:::demo/secret/*' });
    const ResourceArns = ['arn:aws:s3:::demo/open/a', 'arn:aws:s3:::demo/secret/a'];
    const { EvaluationResults } = await custom({ PolicyInputList: [...documents, deny], ResourceArns });
    expect(EvaluationResults?.map(({ EvalDecision }) => EvalDecision)).toEqual(['allowed', 'explicitDeny']);
    const [result] = EvaluationResults?.[1]?.ResourceSpecificResults ?? [];
    expect(result).toMatchObject({ EvalResourceName: ResourceArns[1], EvalResourceDecision: 'explicitDeny' });
    expect(result?.MatchedStatements?.map(({ SourcePolicyId }) => SourcePolicyId)).toEqual(['PolicyInputList.4']);
  });

  it('tells the keys that are wanting, of the statements about the action alone', async () => {
    const PolicyInputList = [
      policy(
        {
          Effect: 'Allow',
          Action: 's3:GetObject',
          Resource: 'arn:aws:s3:::demo/${aws:PrincipalTag/team}/*',
          Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
        },
        { Effect: 'Allow', Action: 'sqs:*', Resource: '*', Condition: { Bool: { 'aws:SecureTransport': 'true' } } },
      ),
    ];
    expect(await first(custom({ PolicyInputList }))).toMatchObject({
      EvalDecision: 'implicitDeny',
      MissingContextValues: ['aws:SourceIp', 'aws:PrincipalTag/team'],
    });
    const ContextEntries: ContextEntry[] = [
      { ContextKeyName: 'aws:SourceIp', ContextKeyValues: ['10.1.2.3'], ContextKeyType: 'ip' },
      { ContextKeyName: 'aws:principaltag/team', ContextKeyValues: ['red'], ContextKeyType: 'string' },
    ];
    const ResourceArns = ['arn:aws:s3:::demo/red/a'];
    expect(await first(custom({ PolicyInputList, ContextEntries, ResourceArns }))).toMatchObject({
      EvalDecision: 'allowed',
      ResourceSpecificResults: [{ MissingContextValues: [] }],
    });
  });

  it('weighs a boundary, a resource policy and another account as a call would', async () => {
    const boundary = { PermissionsBoundaryPolicyInputList: [allow('sqs:*')] };
    expect(await first(custom({ PolicyInputList: [allow('s3:*')], ...boundary }))).toMatchObject({
      EvalDecision: 'implicitDeny',
      PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
    });
    const CallerArn = 'arn:aws:iam::111122223333:user/bob';
    const ResourcePolicy = policy({
      Effect: 'Allow',
      Principal: { AWS: CallerArn },
      Action: 's3:*',
      Resource: 'arn:aws:s3:::demo/*',
    });
    const on = { CallerArn, ResourcePolicy, ResourceArns: ['arn:aws:s3:::demo/a'] };
    const own = await first(custom({ PolicyInputList: [allow('sqs:*')], ...on }));
    expect(own).toMatchObject({
      EvalDecision: 'allowed',
      MatchedStatements: [{ SourcePolicyId: 'ResourcePolicy', SourcePolicyType: 'resource' }],
      EvalDecisionDetails: {},
    });
    const ResourceOwner = 'arn:aws:iam::444455556666:root';
    expect(await first(custom({ PolicyInputList: [allow('sqs:*')], ...on, ResourceOwner }))).toMatchObject({
      EvalDecision: 'implicitDeny',
      EvalDecisionDetails: { 'IAM Policy': 'implicitDeny', 'Resource Policy': 'allowed' },
    });
    expect(await outcome(custom({ PolicyInputList: [allow('s3:*')], ...on, ResourceOwner }))).toBe('allowed');
  });

  it('comes in pages, and refuses what makes no sense', async () => {
    const ActionNames = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'];
    const PolicyInputList = [allow('s3:*')];
    const one = await custom({ PolicyInputList, ActionNames, MaxItems: 2 });
    expect(one).toMatchObject({ IsTruncated: true });
    const two = await custom({ PolicyInputList, ActionNames, MaxItems: 2, Marker: one.Marker });
    expect(two.EvaluationResults?.map(({ EvalActionName }) => EvalActionName)).toEqual(['s3:DeleteObject']);
    const refused: Partial<SimulateCustomPolicyCommandInput>[] = [
      { PolicyInputList: ['{}'] },
      { PolicyInputList, ActionNames: ['s3:*'] },
      { PolicyInputList, ResourcePolicy: allow('s3:*') },
      { PolicyInputList, CallerArn: 'arn:aws:iam::111122223333:role/x' },
      { PolicyInputList, ResourceOwner: 'somebody' },
      { PolicyInputList, ActionNames: ['ec2:RunInstances'], ResourceHandlingOption: 'EC2-VPC-InstanceStore' },
      { PolicyInputList, PermissionsBoundaryPolicyInputList: [allow('a:*'), allow('b:*')] },
      {
        PolicyInputList,
        ContextEntries: [{ ContextKeyName: 'aws:x', ContextKeyValues: ['1', '2'], ContextKeyType: 'string' }],
      },
    ];
    for (const input of refused) expect(await failure(custom(input))).toBe('InvalidInputException');
  });
});

describe('SimulatePrincipalPolicy', () => {
  it('takes what the user has: inline, of groups, managed, and a boundary', async () => {
    await iam.send(new CreateGroupCommand({ GroupName: 'readers' }));
    await iam.send(
      new PutGroupPolicyCommand({
        GroupName: 'readers',
        PolicyName: 'queues',
        PolicyDocument: allow('sqs:ReceiveMessage'),
      }),
    );
    await iam.send(new AddUserToGroupCommand({ GroupName: 'readers', UserName: 'ann' }));
    const { Policy } = await iam.send(
      new CreatePolicyCommand({ PolicyName: 'topics', PolicyDocument: allow('sns:Publish') }),
    );
    await iam.send(new AttachUserPolicyCommand({ UserName: 'ann', PolicyArn: Policy?.Arn }));
    await iam.send(
      new AttachUserPolicyCommand({ UserName: 'ann', PolicyArn: 'arn:aws:iam::aws:policy/AWSCodePipeline_FullAccess' }),
    );
    const matched = async (action: string, resource?: string) => {
      const ResourceArns = resource === undefined ? undefined : [resource];
      const result = await first(principal({ ActionNames: [action], ResourceArns }));
      return [
        result?.EvalDecision,
        ...(result?.MatchedStatements?.map((each) => `${each.SourcePolicyType} ${each.SourcePolicyId}`) ?? []),
      ];
    };
    expect(await matched('s3:GetObject', 'arn:aws:s3:::demo/a')).toEqual(['allowed', 'user user_ann_test']);
    expect(await matched('s3:GetObject', 'arn:aws:s3:::other/a')).toEqual(['implicitDeny']);
    expect(await matched('sqs:ReceiveMessage')).toEqual(['allowed', 'group group_readers_queues']);
    expect(await matched('sns:Publish')).toEqual(['allowed', 'user-managed topics']);
    expect(await matched('codepipeline:StartPipelineExecution')).toEqual([
      'allowed',
      'aws-managed AWSCodePipeline_FullAccess',
    ]);
    const boundary = { UserName: 'ann', PermissionsBoundary: Policy?.Arn };
    await iam.send(new PutUserPermissionsBoundaryCommand(boundary));
    expect(await first(principal({ ActionNames: ['sqs:ReceiveMessage'] }))).toMatchObject({
      EvalDecision: 'implicitDeny',
      PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false },
    });
    expect(await outcome(principal({ ActionNames: ['sns:Publish'] }))).toBe('allowed');
    expect(
      await outcome(
        principal({ ActionNames: ['sqs:ReceiveMessage'], PermissionsBoundaryPolicyInputList: [allow('sqs:*')] }),
      ),
    ).toBe('allowed');
  });

  it('takes a role or a group, with a caller where a resource policy must name one', async () => {
    const trust = policy({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' });
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'Deploy', AssumeRolePolicyDocument: trust }));
    await iam.send(
      new PutRolePolicyCommand({ RoleName: 'Deploy', PolicyName: 'put', PolicyDocument: allow('s3:PutObject') }),
    );
    const of = { PolicySourceArn: Role?.Arn, ActionNames: ['s3:PutObject'] };
    expect(await first(principal(of))).toMatchObject({
      EvalDecision: 'allowed',
      MatchedStatements: [{ SourcePolicyId: 'role_Deploy_put', SourcePolicyType: 'role' }],
    });
    const ResourcePolicy = policy({ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*' });
    expect(await failure(principal({ ...of, ResourcePolicy }))).toBe('InvalidInputException');
    expect(
      await outcome(principal({ ...of, ResourcePolicy, CallerArn: ann.arn, ResourceArns: ['arn:aws:s3:::demo/a'] })),
    ).toBe('explicitDeny');
    const group = `arn:aws:iam::${sluice.account}:group/readers`;
    expect(await outcome(principal({ PolicySourceArn: group, ActionNames: ['sqs:ReceiveMessage'] }))).toBe('allowed');
    const nobody = `arn:aws:iam::${sluice.account}:user/nobody`;
    expect(await failure(principal({ PolicySourceArn: nobody }))).toBe('NoSuchEntityException');
    expect(await failure(principal({ PolicySourceArn: 'arn:aws:iam::111122223333:user/ann' }))).toBe(
      'InvalidInputException',
    );
  });

  it('tells what the organization lays on the account', async () => {
    const root = { type: 'Root', account: sluice.account, arn: `arn:aws:iam::${sluice.account}:root` } as const;
    const door = sluice.house.door.as(root, { account: sluice.account, region: 'us-east-1' });
    await door.call('organizations', 'CreateOrganization', { FeatureSet: 'ALL' }).catch(() => {});
    const made = await door.call<{ CreateAccountStatus: { Id: string } }>('organizations', 'CreateAccount', {
      AccountName: 'dev',
      Email: 'dev@example.com',
    });
    await sluice.settled();
    const { Roots } = await door.call<{ Roots: { Id: string }[] }>('organizations', 'ListRoots', {});
    const { CreateAccountStatus } = await door.call<{ CreateAccountStatus: { AccountId: string } }>(
      'organizations',
      'DescribeCreateAccountStatus',
      { CreateAccountRequestId: made.CreateAccountStatus.Id },
    );
    const account = CreateAccountStatus.AccountId;
    await door
      .call('organizations', 'EnablePolicyType', { RootId: Roots[0]?.Id, PolicyType: 'SERVICE_CONTROL_POLICY' })
      .catch(() => {});
    const { Policy } = await door.call<{ Policy: { PolicySummary: { Id: string } } }>('organizations', 'CreatePolicy', {
      Name: 'no-queues',
      Description: '',
      Type: 'SERVICE_CONTROL_POLICY',
      Content: policy({ Effect: 'Deny', Action: 'sqs:*', Resource: '*' }),
    });
    await door.call('organizations', 'AttachPolicy', { PolicyId: Policy.PolicySummary.Id, TargetId: account });
    await person(sluice, 'dev', [{ Action: '*', Resource: '*' }], account);
    const there = sluice.house.door.as(
      { type: 'Root', account, arn: `arn:aws:iam::${account}:root` },
      { account, region: 'us-east-1' },
    );
    const { EvaluationResults } = await there.call<{ EvaluationResults: object[] }>('iam', 'SimulatePrincipalPolicy', {
      PolicySourceArn: `arn:aws:iam::${account}:user/dev`,
      ActionNames: ['sqs:SendMessage', 's3:GetObject'],
    });
    expect(EvaluationResults).toMatchObject([
      { EvalDecision: 'explicitDeny', OrganizationsDecisionDetail: { AllowedByOrganizations: false } },
      { EvalDecision: 'allowed', OrganizationsDecisionDetail: { AllowedByOrganizations: true } },
    ]);
  });

  it('is a permission of its own', async () => {
    const eve = await person(sluice, 'eve', []);
    const client = new IAMClient({ ...sluice.clientConfig({ credentials: eve.credentials }), maxAttempts: 1 });
    const input = { PolicySourceArn: ann.arn, ActionNames: ['s3:GetObject'] };
    expect(await failure(client.send(new SimulatePrincipalPolicyCommand(input)))).toBe('AccessDenied');
    expect(await failure(client.send(new GetContextKeysForPrincipalPolicyCommand({ PolicySourceArn: ann.arn })))).toBe(
      'AccessDenied',
    );
    client.destroy();
  });
});

describe('GetContextKeys', () => {
  it('lists what policies ask for', async () => {
    const PolicyInputList = [
      policy({
        Effect: 'Allow',
        Action: 's3:*',
        Resource: ['arn:aws:s3:::${aws:username}/*', 'arn:aws:s3:::${*}'],
        Condition: { StringEquals: { 's3:prefix': "${aws:PrincipalTag/team, 'none'}", 'AWS:USERNAME': 'x' } },
      }),
    ];
    const { ContextKeyNames } = await iam.send(new GetContextKeysForCustomPolicyCommand({ PolicyInputList }));
    expect([...(ContextKeyNames ?? [])].sort()).toEqual(['AWS:USERNAME', 'aws:PrincipalTag/team', 's3:prefix']);
    const keys = await iam.send(
      new GetContextKeysForPrincipalPolicyCommand({ PolicySourceArn: ann.arn, PolicyInputList }),
    );
    expect(keys.ContextKeyNames).toContain('s3:prefix');
    expect(await failure(iam.send(new GetContextKeysForCustomPolicyCommand({ PolicyInputList: ['{'] })))).toBe(
      'InvalidInputException',
    );
  });
});
