/** What IAM tells of a whole account, by the official SDK; groups that are renamed; trust in shared identity providers. */
import {
  AddUserToGroupCommand,
  AttachRolePolicyCommand,
  CreateGroupCommand,
  CreateInstanceProfileCommand,
  CreateOpenIDConnectProviderCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  AddRoleToInstanceProfileCommand,
  CreateUserCommand,
  GenerateCredentialReportCommand,
  GetAccountAuthorizationDetailsCommand,
  type GetAccountAuthorizationDetailsCommandOutput,
  GetAccountSummaryCommand,
  GetCredentialReportCommand,
  GetGroupCommand,
  IAMClient,
  ListGroupsForUserCommand,
  PutGroupPolicyCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateGroupCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person } from '../support/people.ts';

let sluice: TestSluice;
let iam: IAMClient;

const policy = (statement: object): string => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts'] });
  iam = new IAMClient({ ...sluice.clientConfig(), maxAttempts: 1 });
  await person(sluice, 'ann', [{ Action: 's3:*', Resource: '*' }]);
  await iam.send(new CreateUserCommand({ UserName: 'bob', Path: '/dev/' }));
  await iam.send(new CreateGroupCommand({ GroupName: 'crew' }));
  await iam.send(new AddUserToGroupCommand({ GroupName: 'crew', UserName: 'ann' }));
  const PolicyDocument = policy({ Effect: 'Allow', Action: 'sqs:*', Resource: '*' });
  await iam.send(new PutGroupPolicyCommand({ GroupName: 'crew', PolicyName: 'queues', PolicyDocument }));
  await iam.send(new CreatePolicyCommand({ PolicyName: 'topics', PolicyDocument }));
  const AssumeRolePolicyDocument = policy({
    Effect: 'Allow',
    Principal: { Service: 'ec2.amazonaws.com' },
    Action: 'sts:AssumeRole',
  });
  await iam.send(new CreateRoleCommand({ RoleName: 'Host', AssumeRolePolicyDocument }));
  await iam.send(
    new AttachRolePolicyCommand({ RoleName: 'Host', PolicyArn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' }),
  );
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'hosts' }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: 'hosts', RoleName: 'Host' }));
});
afterAll(async () => {
  iam?.destroy();
  await sluice?.close();
});

describe('GetAccountAuthorizationDetails', () => {
  it('shows all that there is, with every policy', async () => {
    const details = await iam.send(new GetAccountAuthorizationDetailsCommand({}));
    expect(details.UserDetailList?.map(({ UserName }) => UserName)).toEqual(['ann', 'bob']);
    expect(details.UserDetailList?.[0]).toMatchObject({
      GroupList: ['crew'],
      UserPolicyList: [{ PolicyName: 'test' }],
    });
    expect(decodeURIComponent(details.UserDetailList?.[0]?.UserPolicyList?.[0]?.PolicyDocument ?? '')).toContain(
      's3:*',
    );
    expect(details.GroupDetailList).toMatchObject([{ GroupName: 'crew', GroupPolicyList: [{ PolicyName: 'queues' }] }]);
    expect(details.RoleDetailList).toMatchObject([
      {
        RoleName: 'Host',
        AttachedManagedPolicies: [{ PolicyName: 'AmazonS3ReadOnlyAccess' }],
        InstanceProfileList: [{ InstanceProfileName: 'hosts' }],
      },
    ]);
    expect(details.Policies?.map(({ PolicyName, AttachmentCount }) => [PolicyName, AttachmentCount])).toEqual([
      ['topics', 0],
      ['AmazonS3ReadOnlyAccess', 1],
    ]);
    expect(details.Policies?.[0]?.PolicyVersionList).toMatchObject([{ VersionId: 'v1', IsDefaultVersion: true }]);
  });

  it('filters, and comes in pages', async () => {
    const some = await iam.send(new GetAccountAuthorizationDetailsCommand({ Filter: ['Role', 'LocalManagedPolicy'] }));
    expect([some.UserDetailList, some.RoleDetailList?.length, some.Policies?.length]).toEqual([[], 1, 1]);
    const names: unknown[] = [];
    let Marker: string | undefined;
    do {
      const page: GetAccountAuthorizationDetailsCommandOutput = await iam.send(
        new GetAccountAuthorizationDetailsCommand({ MaxItems: 2, Marker }),
      );
      const {
        UserDetailList: users = [],
        GroupDetailList: groups = [],
        RoleDetailList: roles = [],
        Policies = [],
      } = page;
      expect(users.length + groups.length + roles.length + Policies.length).toBeLessThanOrEqual(2);
      names.push(...[...users, ...groups, ...roles, ...Policies].map(({ Arn }) => Arn));
      Marker = page.Marker;
    } while (Marker !== undefined);
    expect(names).toHaveLength(6);
    expect(await failure(iam.send(new GetAccountAuthorizationDetailsCommand({ Marker: 'x' })))).toBe('ValidationError');
  });
});

describe('the credential report', () => {
  it('is made on demand, and is good for four hours', async () => {
    expect(await failure(iam.send(new GetCredentialReportCommand({})))).toBe('CredentialReportNotPresentException');
    expect((await iam.send(new GenerateCredentialReportCommand({}))).State).toBe('STARTED');
    expect((await iam.send(new GenerateCredentialReportCommand({}))).State).toBe('COMPLETE');
    const { Content } = await iam.send(new GetCredentialReportCommand({}));
    const [header = '', root = '', ann = '', bob = ''] = Buffer.from(Content ?? [])
      .toString()
      .split('\n');
    expect([header, root, ann, bob].map((line) => line.split(',').length)).toEqual([22, 22, 22, 22]);
    expect(root).toContain('<root_account>,arn:aws:iam::');
    expect(ann.split(',')[8]).toBe('true');
    expect(bob.split(',')[8]).toBe('false');
    await sluice.clock.advance('PT4H');
    expect(await failure(iam.send(new GetCredentialReportCommand({})))).toBe('CredentialReportExpiredException');
  });
});

describe('UpdateGroup', () => {
  it('keeps members and policies under a new name', async () => {
    await iam.send(new UpdateGroupCommand({ GroupName: 'crew', NewGroupName: 'Team', NewPath: '/x/' }));
    const { Group, Users } = await iam.send(new GetGroupCommand({ GroupName: 'team' }));
    expect(Group?.Arn).toBe(`arn:aws:iam::${sluice.account}:group/x/Team`);
    expect(Users?.map(({ UserName }) => UserName)).toEqual(['ann']);
    const { Groups } = await iam.send(new ListGroupsForUserCommand({ UserName: 'ann' }));
    expect(Groups?.map(({ GroupName }) => GroupName)).toEqual(['Team']);
    expect(await failure(iam.send(new GetGroupCommand({ GroupName: 'crew' })))).toBe('NoSuchEntityException');
    await iam.send(new CreateGroupCommand({ GroupName: 'crew' }));
    const taken = new UpdateGroupCommand({ GroupName: 'crew', NewGroupName: 'Team' });
    expect(await failure(iam.send(taken))).toBe('EntityAlreadyExistsException');
  });
});

describe('trust in a provider that many share', () => {
  it('must say in whose tokens', async () => {
    const Url = 'https://token.actions.githubusercontent.com';
    const { OpenIDConnectProviderArn: provider } = await iam.send(new CreateOpenIDConnectProviderCommand({ Url }));
    expect((await iam.send(new GetAccountSummaryCommand({}))).SummaryMap?.['Providers']).toBe(1);
    const trust = (Condition?: object): string =>
      policy({
        Effect: 'Allow',
        Principal: { Federated: provider },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition,
      });
    const host = 'token.actions.githubusercontent.com';
    const update = async (PolicyDocument: string) =>
      failure(iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'Host', PolicyDocument })));
    const aud = { [`${host}:aud`]: 'sts.amazonaws.com' };
    for (const careless of [
      undefined,
      { StringEquals: aud },
      { StringEquals: aud, StringLike: { [`${host}:sub`]: '*' } },
      { StringNotLike: { [`${host}:sub`]: 'repo:evil/*' } },
      { StringLikeIfExists: { [`${host}:sub`]: 'repo:octo-org/*' } },
    ]) {
      expect(await update(trust(careless))).toBe('MalformedPolicyDocumentException');
    }
    const careful = { StringEquals: aud, StringLike: { [`${host}:sub`]: 'repo:octo-org/*' } };
    expect(await update(trust(careful))).toBe('no error');
  });
});
