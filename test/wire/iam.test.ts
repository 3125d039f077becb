/** IAM by the official SDK: roles, users, groups, policies, keys, credentials. */
import {
  AddRoleToInstanceProfileCommand,
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreateAccountAliasCommand,
  CreateGroupCommand,
  CreateInstanceProfileCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateServiceLinkedRoleCommand,
  CreateServiceSpecificCredentialCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteGroupCommand,
  DeleteInstanceProfileCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DeleteServiceLinkedRoleCommand,
  DeleteServiceSpecificCredentialCommand,
  DeleteUserCommand,
  DetachRolePolicyCommand,
  GetAccessKeyLastUsedCommand,
  GetAccountSummaryCommand,
  GetGroupCommand,
  GetInstanceProfileCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetServiceLinkedRoleDeletionStatusCommand,
  GetUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListAccountAliasesCommand,
  ListAttachedRolePoliciesCommand,
  ListEntitiesForPolicyCommand,
  ListGroupsForUserCommand,
  ListInstanceProfilesForRoleCommand,
  ListPoliciesCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  ListServiceSpecificCredentialsCommand,
  ListUsersCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  RemoveUserFromGroupCommand,
  ResetServiceSpecificCredentialCommand,
  SetDefaultPolicyVersionCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAccessKeyCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
  UpdateRoleDescriptionCommand,
  UpdateServiceSpecificCredentialCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person } from '../support/people.ts';

let sluice: TestSluice;
let iam: IAMClient;

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts'] });
  iam = new IAMClient({ ...sluice.clientConfig(), maxAttempts: 1 });
});
afterAll(async () => {
  iam?.destroy();
  await sluice?.close();
});

const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});
const trusting = (principal: unknown): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
  });
const reading = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }],
});
const newRole = (RoleName: string, rest: object = {}) =>
  iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust, ...rest }));
const message = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'no error';
};

describe('roles', () => {
  it('are made, read, changed and deleted', async () => {
    const { Role } = await newRole('Builder', {
      Path: '/ci/',
      Description: 'builds',
      MaxSessionDuration: 7200,
      Tags: [{ Key: 'team', Value: 'red' }],
    });
    expect(Role).toMatchObject({
      Arn: `arn:aws:iam::${sluice.account}:role/ci/Builder`,
      Path: '/ci/',
      MaxSessionDuration: 7200,
      Tags: [{ Key: 'team', Value: 'red' }],
    });
    expect(Role?.RoleId).toMatch(/^AROA[A-Z0-9]{17}$/);
    expect(Role?.CreateDate?.getTime()).toBe(sluice.clock.now());

    const got = (await iam.send(new GetRoleCommand({ RoleName: 'Builder' }))).Role;
    expect(got?.AssumeRolePolicyDocument).toMatch(/^%7B%22Version/);
    expect(decodeURIComponent(got?.AssumeRolePolicyDocument ?? '')).toBe(trust);
    expect(got?.RoleLastUsed).toEqual({});

    await iam.send(new UpdateRoleCommand({ RoleName: 'Builder', Description: 'new', MaxSessionDuration: 3600 }));
    const described = await iam.send(new UpdateRoleDescriptionCommand({ RoleName: 'Builder', Description: 'newer' }));
    expect(described.Role).toMatchObject({ Description: 'newer', MaxSessionDuration: 3600 });

    await iam.send(new DeleteRoleCommand({ RoleName: 'Builder' }));
    expect(await message(iam.send(new GetRoleCommand({ RoleName: 'Builder' })))).toBe(
      'NoSuchEntityException: The role with name Builder cannot be found.',
    );
  });

  it('have names that are unique without regard to case', async () => {
    await newRole('Twice');
    expect(await message(newRole('tWICE'))).toBe('EntityAlreadyExistsException: Role with name tWICE already exists.');
  });

  it.each<[string, string]>([
    ['{', 'This policy contains invalid Json'],
    [
      JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole' }] }),
      'Missing required field Principal',
    ],
    [trust.replace('"Action"', '"Resource":"*","Action"'), 'Has prohibited field Resource'],
    [trust.replace('sts:AssumeRole', 's3:GetObject'), 'AssumeRole policy may only specify STS AssumeRole actions.'],
    [trusting({ AWS: 'nobody' }), 'Invalid principal in policy: "AWS":"nobody"'],
  ])('refuse the trust policy %s', async (document, expected) => {
    expect(await message(newRole('Bad', { AssumeRolePolicyDocument: document }))).toBe(
      `MalformedPolicyDocumentException: ${expected}`,
    );
  });

  it('refuse to trust a user who does not exist', async () => {
    const arn = `arn:aws:iam::${sluice.account}:user/nobody`;
    expect(await message(newRole('Bad', { AssumeRolePolicyDocument: trusting({ AWS: arn }) }))).toBe(
      `MalformedPolicyDocumentException: Invalid principal in policy: "AWS":"${arn}"`,
    );
  });

  it('trust the very role that was named, not its namesake', async () => {
    const first = await newRole('Namesake');
    const document = trusting({ AWS: first.Role?.Arn });
    await newRole('Trusting', { AssumeRolePolicyDocument: document });
    const shown = async () =>
      decodeURIComponent(
        (await iam.send(new GetRoleCommand({ RoleName: 'Trusting' }))).Role?.AssumeRolePolicyDocument ?? '',
      );
    expect(await shown()).toBe(document);
    await iam.send(new DeleteRoleCommand({ RoleName: 'Namesake' }));
    await newRole('Namesake');
    expect(await shown()).toContain(first.Role?.RoleId);
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'Trusting', PolicyDocument: document }));
    expect(await shown()).toBe(document);
  });

  it('carry inline and attached policies, which must go before the role', async () => {
    await newRole('Carrier');
    const RoleName = 'Carrier';
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'read', PolicyDocument: reading }));
    const got = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: 'read' }));
    expect(decodeURIComponent(got.PolicyDocument ?? '')).toBe(reading);
    expect(got.PolicyDocument).toContain('s3%3AGet%2A');
    expect((await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual(['read']);
    const PolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
    await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    expect((await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }))).AttachedPolicies).toEqual([
      { PolicyName: 'AWSLambdaBasicExecutionRole', PolicyArn },
    ]);
    expect(await message(iam.send(new DeleteRoleCommand({ RoleName })))).toBe(
      'DeleteConflictException: Cannot delete entity, must detach all policies first.',
    );
    await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
    expect(await message(iam.send(new DeleteRoleCommand({ RoleName })))).toBe(
      'DeleteConflictException: Cannot delete entity, must delete policies first.',
    );
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'read' }));
    expect(await failure(iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: 'read' })))).toBe(
      'NoSuchEntityException',
    );
    expect(await failure(iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn })))).toBe('NoSuchEntityException');
    await iam.send(new DeleteRoleCommand({ RoleName }));
  });

  it.each<[string, string]>([
    ['{"Version":"2012-10-17"', 'Syntax errors in policy.'],
    [
      reading.replace('s3:Get*', 'GetObject'),
      'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
    ],
    [reading.replace('"Resource":"*"', '"Resource":"b"'), 'Resource b must be in ARN format or "*".'],
    [reading.replace('"Action"', '"Principal":"*","Action"'), 'Policy document should not specify a principal.'],
  ])('refuse the inline policy %s', async (PolicyDocument, expected) => {
    await newRole('Inline').catch(() => {});
    expect(
      await message(iam.send(new PutRolePolicyCommand({ RoleName: 'Inline', PolicyName: 'p', PolicyDocument }))),
    ).toBe(`MalformedPolicyDocumentException: ${expected}`);
  });

  it('have a boundary that is shown, and keeps its policy from going', async () => {
    const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: 'limit', PolicyDocument: reading }));
    const PermissionsBoundary = Policy?.Arn ?? '';
    await newRole('Bounded');
    await iam.send(new PutRolePermissionsBoundaryCommand({ RoleName: 'Bounded', PermissionsBoundary }));
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: 'Bounded' }));
    expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(PermissionsBoundary);
    expect(await failure(iam.send(new DeletePolicyCommand({ PolicyArn: PermissionsBoundary })))).toBe(
      'DeleteConflictException',
    );
    await iam.send(new DeleteRolePermissionsBoundaryCommand({ RoleName: 'Bounded' }));
    await iam.send(new DeletePolicyCommand({ PolicyArn: PermissionsBoundary }));
  });

  it('carry tags', async () => {
    await newRole('Tagged', { Tags: [{ Key: 'a', Value: '1' }] });
    await iam.send(
      new TagRoleCommand({
        RoleName: 'Tagged',
        Tags: [
          { Key: 'A', Value: '2' },
          { Key: 'b', Value: '3' },
        ],
      }),
    );
    expect((await iam.send(new ListRoleTagsCommand({ RoleName: 'Tagged' }))).Tags).toEqual([
      { Key: 'A', Value: '2' },
      { Key: 'b', Value: '3' },
    ]);
    await iam.send(new UntagRoleCommand({ RoleName: 'Tagged', TagKeys: ['a'] }));
    expect((await iam.send(new ListRoleTagsCommand({ RoleName: 'Tagged' }))).Tags).toEqual([{ Key: 'b', Value: '3' }]);
    const twice = [
      { Key: 'x', Value: '' },
      { Key: 'X', Value: '' },
    ];
    expect(await failure(iam.send(new TagRoleCommand({ RoleName: 'Tagged', Tags: twice })))).toBe(
      'InvalidInputException',
    );
  });

  it('are listed by path, page by page', async () => {
    for (const n of [1, 2, 3, 4, 5]) await newRole(`Paged${n}`, { Path: '/paged/' });
    const seen: string[] = [];
    let Marker: string | undefined;
    let pages = 0;
    do {
      const page = await iam.send(new ListRolesCommand({ PathPrefix: '/paged/', MaxItems: 2, Marker }));
      seen.push(...(page.Roles ?? []).map(({ RoleName = '' }) => RoleName));
      Marker = page.Marker;
      pages++;
      expect(page.IsTruncated).toBe(Marker !== undefined);
    } while (Marker !== undefined);
    expect(seen).toEqual(['Paged1', 'Paged2', 'Paged3', 'Paged4', 'Paged5']);
    expect(pages).toBe(3);
    expect(await failure(iam.send(new ListRolesCommand({ Marker: 'nonsense' })))).toBe('ValidationError');
  });

  it('of services are made and removed by name of the service', async () => {
    const AWSServiceName = 'autoscaling.amazonaws.com';
    const { Role } = await iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName }));
    expect(Role?.Path).toBe(`/aws-service-role/${AWSServiceName}/`);
    const RoleName = Role?.RoleName ?? '';
    expect(await failure(iam.send(new DeleteRoleCommand({ RoleName })))).toBe('UnmodifiableEntityException');
    const { DeletionTaskId } = await iam.send(new DeleteServiceLinkedRoleCommand({ RoleName }));
    expect((await iam.send(new GetServiceLinkedRoleDeletionStatusCommand({ DeletionTaskId }))).Status).toBe(
      'SUCCEEDED',
    );
  });
});

describe('managed policies', () => {
  it('have up to five versions, one of which is in force', async () => {
    const { Policy } = await iam.send(
      new CreatePolicyCommand({ PolicyName: 'versions', PolicyDocument: reading, Tags: [{ Key: 'a', Value: 'b' }] }),
    );
    const PolicyArn = Policy?.Arn ?? '';
    expect(Policy).toMatchObject({ DefaultVersionId: 'v1', AttachmentCount: 0, IsAttachable: true });
    const next = () =>
      iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: reading, SetAsDefault: true }));
    for (const n of [2, 3, 4, 5]) expect((await next()).PolicyVersion?.VersionId).toBe(`v${n}`);
    expect(await failure(next())).toBe('LimitExceededException');
    expect(await message(iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: 'v5' })))).toBe(
      'DeleteConflictException: Cannot delete the default version of a policy.',
    );
    await iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: 'v4' }));
    expect((await next()).PolicyVersion?.VersionId).toBe('v6');
    await iam.send(new SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: 'v2' }));
    const versions = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
    expect(versions.Versions?.map((v) => `${v.VersionId} ${v.IsDefaultVersion}`)).toEqual([
      'v6 false',
      'v5 false',
      'v3 false',
      'v2 true',
      'v1 false',
    ]);
    const got = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: 'v2' }));
    expect(decodeURIComponent(got.PolicyVersion?.Document ?? '')).toBe(reading);
    expect(await failure(iam.send(new DeletePolicyCommand({ PolicyArn })))).toBe('DeleteConflictException');
  });

  it('say who they are attached to', async () => {
    const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: 'used', PolicyDocument: reading }));
    const PolicyArn = Policy?.Arn ?? '';
    await newRole('User');
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'User', PolicyArn }));
    expect((await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy?.AttachmentCount).toBe(1);
    const entities = await iam.send(new ListEntitiesForPolicyCommand({ PolicyArn }));
    expect(entities.PolicyRoles?.map(({ RoleName }) => RoleName)).toEqual(['User']);
    expect(await message(iam.send(new DeletePolicyCommand({ PolicyArn })))).toBe(
      'DeleteConflictException: Cannot delete a policy attached to entities.',
    );
    const attached = await iam.send(new ListPoliciesCommand({ Scope: 'Local', OnlyAttached: true }));
    expect(attached.Policies?.map(({ PolicyName }) => PolicyName)).toContain('used');
  });

  it('of AWS are there for everybody, and for nobody to change', async () => {
    const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
    expect((await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy?.PolicyName).toBe('AdministratorAccess');
    expect(await failure(iam.send(new DeletePolicyCommand({ PolicyArn })))).toMatch(/^AccessDenied/);
    const unknown = { PolicyArn: 'arn:aws:iam::aws:policy/NoSuchPolicy' };
    expect(await failure(iam.send(new GetPolicyCommand(unknown)))).toBe('NoSuchEntityException');
    await newRole('Unknown');
    expect(await failure(iam.send(new AttachRolePolicyCommand({ RoleName: 'Unknown', ...unknown })))).toBe(
      'NoSuchEntityException',
    );
    let Marker: string | undefined;
    let count = 0;
    do {
      const page = await iam.send(new ListPoliciesCommand({ Scope: 'AWS', MaxItems: 40, Marker }));
      count += page.Policies?.length ?? 0;
      Marker = page.Marker;
    } while (Marker !== undefined);
    expect(count).toBeGreaterThanOrEqual(60);
  });

  it('are at most 6144 characters long', async () => {
    const long = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 's3:*',
          Resource: Array.from({ length: 200 }, (_, i) => `arn:aws:s3:::bucket-number-${i}/*`),
        },
      ],
    });
    expect(await message(iam.send(new CreatePolicyCommand({ PolicyName: 'long', PolicyDocument: long })))).toBe(
      'LimitExceededException: Cannot exceed quota for PolicySize: 6144',
    );
  });

  it('are at most ten to a role', async () => {
    await newRole('Greedy');
    for (let i = 0; i <= 10; i++) {
      const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: `greedy${i}`, PolicyDocument: reading }));
      const attach = iam.send(new AttachRolePolicyCommand({ RoleName: 'Greedy', PolicyArn: Policy?.Arn }));
      if (i < 10) await attach;
      else expect(await message(attach)).toBe('LimitExceededException: Cannot exceed quota for PoliciesPerRole: 10');
    }
  });
});

describe('users and groups', () => {
  it('are made, renamed and deleted', async () => {
    const { User } = await iam.send(new CreateUserCommand({ UserName: 'ann', Path: '/people/' }));
    expect(User?.UserId).toMatch(/^AIDA[A-Z0-9]{17}$/);
    await iam.send(new UpdateUserCommand({ UserName: 'ann', NewUserName: 'anna' }));
    const renamed = (await iam.send(new GetUserCommand({ UserName: 'anna' }))).User;
    expect(renamed).toMatchObject({ UserId: User?.UserId, Arn: `arn:aws:iam::${sluice.account}:user/people/anna` });
    expect(await failure(iam.send(new GetUserCommand({ UserName: 'ann' })))).toBe('NoSuchEntityException');
    expect((await iam.send(new ListUsersCommand({ PathPrefix: '/people/' }))).Users).toHaveLength(1);
    await iam.send(new DeleteUserCommand({ UserName: 'anna' }));
  });

  it('are the caller where no name is given', async () => {
    expect((await iam.send(new GetUserCommand({}))).User?.Arn).toBe(`arn:aws:iam::${sluice.account}:root`);
    const { arn, credentials } = await person(sluice, 'self', [{ Action: 'iam:GetUser', Resource: '*' }]);
    const own = new IAMClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
    expect((await own.send(new GetUserCommand({}))).User?.Arn).toBe(arn);
    own.destroy();
  });

  it('belong to groups, which carry policies', async () => {
    await iam.send(new CreateGroupCommand({ GroupName: 'readers' }));
    await iam.send(new CreateUserCommand({ UserName: 'gus' }));
    await iam.send(new AddUserToGroupCommand({ GroupName: 'readers', UserName: 'gus' }));
    await iam.send(
      new AttachGroupPolicyCommand({ GroupName: 'readers', PolicyArn: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess' }),
    );
    expect((await iam.send(new GetGroupCommand({ GroupName: 'readers' }))).Users?.[0]?.UserName).toBe('gus');
    expect((await iam.send(new ListGroupsForUserCommand({ UserName: 'gus' }))).Groups?.[0]?.GroupName).toBe('readers');
    const key = (await iam.send(new CreateAccessKeyCommand({ UserName: 'gus' }))).AccessKey;
    const credentials = { accessKeyId: key?.AccessKeyId ?? '', secretAccessKey: key?.SecretAccessKey ?? '' };
    const gus = new IAMClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
    await gus.send(new ListRolesCommand({}));
    expect(await failure(iam.send(new DeleteUserCommand({ UserName: 'gus' })))).toBe('DeleteConflictException');
    expect(await failure(iam.send(new DeleteGroupCommand({ GroupName: 'readers' })))).toBe('DeleteConflictException');
    await iam.send(new RemoveUserFromGroupCommand({ GroupName: 'readers', UserName: 'gus' }));
    expect(await failure(gus.send(new ListRolesCommand({})))).toBe('AccessDenied');
    gus.destroy();
  });
});

describe('access keys', () => {
  it('are two to a user, work while they are active, and say when they were used', async () => {
    await iam.send(new CreateUserCommand({ UserName: 'keyed' }));
    const first = (await iam.send(new CreateAccessKeyCommand({ UserName: 'keyed' }))).AccessKey;
    expect(first?.AccessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
    await iam.send(new CreateAccessKeyCommand({ UserName: 'keyed' }));
    expect(await message(iam.send(new CreateAccessKeyCommand({ UserName: 'keyed' })))).toBe(
      'LimitExceededException: Cannot exceed quota for AccessKeysPerUser: 2',
    );
    expect((await iam.send(new ListAccessKeysCommand({ UserName: 'keyed' }))).AccessKeyMetadata).toHaveLength(2);

    const AccessKeyId = first?.AccessKeyId ?? '';
    const lastUsed = () => iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId }));
    expect(await lastUsed()).toMatchObject({
      UserName: 'keyed',
      AccessKeyLastUsed: { ServiceName: 'N/A', Region: 'N/A' },
    });
    const credentials = { accessKeyId: AccessKeyId, secretAccessKey: first?.SecretAccessKey ?? '' };
    const sts = new STSClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
    await sts.send(new GetCallerIdentityCommand({}));
    await sluice.settled();
    expect((await lastUsed()).AccessKeyLastUsed).toMatchObject({ ServiceName: 'sts', Region: sluice.region });

    await iam.send(new UpdateAccessKeyCommand({ UserName: 'keyed', AccessKeyId, Status: 'Inactive' }));
    expect(await failure(sts.send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
    await iam.send(new UpdateAccessKeyCommand({ UserName: 'keyed', AccessKeyId, Status: 'Active' }));
    await sts.send(new GetCallerIdentityCommand({}));
    await iam.send(new DeleteAccessKeyCommand({ UserName: 'keyed', AccessKeyId }));
    expect(await failure(sts.send(new GetCallerIdentityCommand({})))).toBe('InvalidClientTokenId');
    sts.destroy();
  });
});

describe('service-specific credentials', () => {
  it('are checked by a hash, can be switched off and reset', async () => {
    await iam.send(new CreateUserCommand({ UserName: 'git' }));
    const ServiceName = 'codecommit.amazonaws.com';
    const made = await iam.send(new CreateServiceSpecificCredentialCommand({ UserName: 'git', ServiceName }));
    const {
      ServiceUserName = '',
      ServicePassword = '',
      ServiceSpecificCredentialId = '',
    } = made.ServiceSpecificCredential ?? {};
    expect(ServiceUserName).toBe(`git-at-${sluice.account}`);
    const check = (password: string) =>
      sluice.open.identity.serviceCredentials?.(ServiceName, ServiceUserName, password);
    expect(await check(ServicePassword)).toMatchObject({ type: 'User', userName: 'git' });
    expect(await check('wrong')).toBeUndefined();
    const id = { UserName: 'git', ServiceSpecificCredentialId };
    await iam.send(new UpdateServiceSpecificCredentialCommand({ ...id, Status: 'Inactive' }));
    expect(await check(ServicePassword)).toBeUndefined();
    await iam.send(new UpdateServiceSpecificCredentialCommand({ ...id, Status: 'Active' }));
    const reset = await iam.send(new ResetServiceSpecificCredentialCommand(id));
    expect(await check(ServicePassword)).toBeUndefined();
    expect(await check(reset.ServiceSpecificCredential?.ServicePassword ?? '')).toMatchObject({ userName: 'git' });
    const listed = await iam.send(new ListServiceSpecificCredentialsCommand({ UserName: 'git' }));
    expect(listed.ServiceSpecificCredentials).toHaveLength(1);
    expect(JSON.stringify(listed)).not.toContain('Password');
    const second = await iam.send(new CreateServiceSpecificCredentialCommand({ UserName: 'git', ServiceName }));
    expect(second.ServiceSpecificCredential?.ServiceUserName).toBe(`git+1-at-${sluice.account}`);
    await iam.send(new DeleteServiceSpecificCredentialCommand(id));
    expect(await failure(iam.send(new DeleteServiceSpecificCredentialCommand(id)))).toBe('NoSuchEntityException');
  });
});

describe('instance profiles', () => {
  it('hold one role', async () => {
    const InstanceProfileName = 'hosts';
    await newRole('Host');
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: 'Host' }));
    const got = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
    expect(got.InstanceProfile?.Roles?.[0]?.RoleName).toBe('Host');
    const listed = await iam.send(new ListInstanceProfilesForRoleCommand({ RoleName: 'Host' }));
    expect(listed.InstanceProfiles).toHaveLength(1);
    expect(await failure(iam.send(new DeleteRoleCommand({ RoleName: 'Host' })))).toBe('DeleteConflictException');
    expect(await failure(iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName })))).toBe(
      'DeleteConflictException',
    );
    await iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName: 'Host' }));
    await iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
    await iam.send(new DeleteRoleCommand({ RoleName: 'Host' }));
  });
});

describe('the account', () => {
  it('has an alias and a summary', async () => {
    await iam.send(new CreateAccountAliasCommand({ AccountAlias: 'sluice-tools' }));
    expect((await iam.send(new ListAccountAliasesCommand({}))).AccountAliases).toEqual(['sluice-tools']);
    const { SummaryMap } = await iam.send(new GetAccountSummaryCommand({}));
    expect(SummaryMap).toMatchObject({ UsersQuota: 5000, AccessKeysPerUserQuota: 2 });
    expect(SummaryMap?.['Roles']).toBeGreaterThan(0);
  });
});
