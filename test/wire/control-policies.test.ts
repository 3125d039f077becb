/** Service and resource control policies by the official SDK: they bind member accounts, whoever the caller is. */
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  AttachPolicyCommand,
  CloseAccountCommand,
  CreateAccountCommand,
  CreateOrganizationalUnitCommand,
  CreateOrganizationCommand,
  CreatePolicyCommand,
  DeletePolicyCommand,
  DescribeAccountCommand,
  DescribeCreateAccountStatusCommand,
  DescribeEffectivePolicyCommand,
  DescribeOrganizationCommand,
  DescribePolicyCommand,
  DetachPolicyCommand,
  DisablePolicyTypeCommand,
  EnablePolicyTypeCommand,
  ListPoliciesCommand,
  ListPoliciesForTargetCommand,
  ListRootsCommand,
  ListTagsForResourceCommand,
  ListTargetsForPolicyCommand,
  MoveAccountCommand,
  OrganizationsClient,
  type PolicyType,
  TagResourceCommand,
  UntagResourceCommand,
  UpdatePolicyCommand,
} from '@aws-sdk/client-organizations';
import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person } from '../support/people.ts';

const SCP = 'SERVICE_CONTROL_POLICY';
const RCP = 'RESOURCE_CONTROL_POLICY';

let sluice: TestSluice;
let organizations: OrganizationsClient;
let rootId: string;
let unitId: string;
let member: string;
/** The administrator of the member account. */
let memberS3: S3Client;
let outsiderS3: S3Client;

const document = (...Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const clients: { destroy(): void }[] = [];

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts', 'organizations', 's3', 'kms'] });
  organizations = new OrganizationsClient({ ...sluice.clientConfig(), maxAttempts: 1 });
  await organizations.send(new CreateOrganizationCommand({}));
  rootId = (await organizations.send(new ListRootsCommand({}))).Roots?.[0]?.Id ?? '';
  const unit = await organizations.send(new CreateOrganizationalUnitCommand({ ParentId: rootId, Name: 'workloads' }));
  unitId = unit.OrganizationalUnit?.Id ?? '';
  const begun = await organizations.send(new CreateAccountCommand({ AccountName: 'member', Email: 'm@example.com' }));
  await sluice.settled();
  const made = await organizations.send(
    new DescribeCreateAccountStatusCommand({ CreateAccountRequestId: begun.CreateAccountStatus?.Id }),
  );
  member = made.CreateAccountStatus?.AccountId ?? '';
  await organizations.send(
    new MoveAccountCommand({ AccountId: member, SourceParentId: rootId, DestinationParentId: unitId }),
  );
  const admin = await person(sluice, 'admin', [{ Action: '*', Resource: '*' }]);
  const sts = new STSClient({ ...sluice.clientConfig({ credentials: admin.credentials }), maxAttempts: 1 });
  const { Credentials } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${member}:role/OrganizationAccountAccessRole`,
      RoleSessionName: 'test',
    }),
  );
  const credentials = {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  };
  memberS3 = new S3Client({ ...sluice.clientConfig({ credentials }), forcePathStyle: true, maxAttempts: 1 });
  outsiderS3 = new S3Client({
    ...sluice.clientConfig({ credentials: admin.credentials }),
    forcePathStyle: true,
    maxAttempts: 1,
  });
  clients.push(organizations, sts, memberS3, outsiderS3);
  await memberS3.send(new CreateBucketCommand({ Bucket: 'of-member' }));
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await sluice?.close();
});

async function newPolicy(Name: string, Type: PolicyType, ...statements: object[]): Promise<string> {
  const { Policy } = await organizations.send(
    new CreatePolicyCommand({ Name, Type, Description: '', Content: document(...statements) }),
  );
  return Policy?.PolicySummary?.Id ?? '';
}
const attach = (PolicyId: string, TargetId: string) =>
  organizations.send(new AttachPolicyCommand({ PolicyId, TargetId }));
const detach = (PolicyId: string, TargetId: string) =>
  organizations.send(new DetachPolicyCommand({ PolicyId, TargetId }));
const put = (s3: S3Client) => s3.send(new PutObjectCommand({ Bucket: 'of-member', Key: 'k', Body: 'v' }));
/** `allowed`, or what the denial says from the reason on. */
async function answer(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'allowed';
  } catch (error) {
    return (error as Error).message.replace(/^.*?(because|with an explicit)/, '$1');
  }
}

describe('a policy type', () => {
  it('is enabled on the root, and then everything has its full-access policy', async () => {
    expect(await failure(attach('p-FullAWSAccess', unitId))).toBe('PolicyTypeNotEnabledException');
    const { Root } = await organizations.send(new EnablePolicyTypeCommand({ RootId: rootId, PolicyType: SCP }));
    expect(Root?.PolicyTypes).toEqual([{ Type: SCP, Status: 'ENABLED' }]);
    expect(await failure(organizations.send(new EnablePolicyTypeCommand({ RootId: rootId, PolicyType: SCP })))).toBe(
      'PolicyTypeAlreadyEnabledException',
    );
    for (const TargetId of [rootId, unitId, member]) {
      const { Policies } = await organizations.send(new ListPoliciesForTargetCommand({ TargetId, Filter: SCP }));
      expect(Policies?.map(({ Name, AwsManaged }) => [Name, AwsManaged])).toEqual([['FullAWSAccess', true]]);
    }
    const { Organization } = await organizations.send(new DescribeOrganizationCommand({}));
    expect(Organization?.AvailablePolicyTypes?.map(({ Type }) => Type)).toEqual([SCP, RCP]);
    expect(
      await failure(organizations.send(new EnablePolicyTypeCommand({ RootId: rootId, PolicyType: 'TAG_POLICY' }))),
    ).toBe('PolicyTypeNotAvailableForOrganizationException');
  });
});

describe('a service control policy', () => {
  it('that denies, denies the administrator of a member account, and names itself', async () => {
    const id = await newPolicy('NoPut', SCP, { Effect: 'Deny', Action: 's3:PutObject', Resource: '*' });
    expect(await answer(put(memberS3))).toBe('allowed');
    await attach(id, unitId);
    expect(await answer(put(memberS3))).toMatch(/^with an explicit deny in a service control policy/);
    await detach(id, unitId);
    expect(await answer(put(memberS3))).toBe('allowed');
  });

  it('that allows, is needed at every level', async () => {
    const id = await newPolicy('OnlyS3', SCP, { Effect: 'Allow', Action: 's3:*', Resource: '*' });
    const other = await newPolicy('OnlySqs', SCP, { Effect: 'Allow', Action: 'sqs:*', Resource: '*' });
    await attach(id, member);
    await detach('p-FullAWSAccess', member);
    expect(await answer(put(memberS3))).toBe('allowed');
    await attach(other, unitId);
    await detach('p-FullAWSAccess', unitId);
    expect(await answer(put(memberS3))).toBe('because no service control policy allows the s3:PutObject action');
    await attach('p-FullAWSAccess', unitId);
    expect(await answer(put(memberS3))).toBe('allowed');
  });

  it('knows the organization of the caller by aws:PrincipalOrgID and its path', async () => {
    const { Organization } = await organizations.send(new DescribeOrganizationCommand({}));
    const id = await newPolicy('InUnit', SCP, {
      Effect: 'Deny',
      Action: 's3:PutObject',
      Resource: '*',
      Condition: {
        StringEquals: { 'aws:PrincipalOrgID': Organization?.Id },
        'ForAnyValue:StringLike': { 'aws:PrincipalOrgPaths': `${Organization?.Id}/${rootId}/${unitId}/*` },
      },
    });
    await attach(id, rootId);
    expect(await answer(put(memberS3))).toMatch(/^with an explicit deny/);
    await detach(id, rootId);
  });

  it('does not bind the management account', async () => {
    const id = await newPolicy('NoIam', SCP, { Effect: 'Deny', Action: 'iam:*', Resource: '*' });
    await attach(id, rootId);
    const iam = new IAMClient({ ...sluice.clientConfig(), maxAttempts: 1 });
    await iam.send(
      new CreateRoleCommand({
        RoleName: 'free',
        AssumeRolePolicyDocument: document({
          Effect: 'Allow',
          Principal: { AWS: sluice.account },
          Action: 'sts:AssumeRole',
        }),
      }),
    );
    expect(
      await failure(
        iam.send(
          new PutRolePolicyCommand({
            RoleName: 'free',
            PolicyName: 'p',
            PolicyDocument: document({ Effect: 'Allow', Action: '*', Resource: '*' }),
          }),
        ),
      ),
    ).toBe('no error');
    iam.destroy();
    await detach(id, rootId);
  });
});

describe('a resource control policy', () => {
  it('keeps outsiders from the resources of a member account, whatever the bucket policy says', async () => {
    await organizations.send(new EnablePolicyTypeCommand({ RootId: rootId, PolicyType: RCP }));
    await memberS3.send(
      new PutBucketPolicyCommand({
        Bucket: 'of-member',
        Policy: document({
          Effect: 'Allow',
          Principal: { AWS: sluice.account },
          Action: 's3:*',
          Resource: 'arn:aws:s3:::of-member/*',
        }),
      }),
    );
    expect(await answer(put(outsiderS3))).toBe('allowed');
    const id = await newPolicy('OwnAccountOnly', RCP, {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: '*',
      Condition: { StringNotEquals: { 'aws:PrincipalAccount': member } },
    });
    await attach(id, unitId);
    expect(await answer(put(outsiderS3))).toMatch(/^with an explicit deny in a resource control policy/);
    expect(await answer(put(memberS3))).toBe('allowed');
    await detach(id, unitId);
    expect(await failure(detach('p-RCPFullAWSAccess', unitId))).toBe('ConstraintViolationException');
  });

  it('only denies, and everybody', async () => {
    const make = (statement: object) => failure(newPolicy('bad', RCP, statement));
    expect(await make({ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: '*' })).toBe(
      'MalformedPolicyDocumentException',
    );
    expect(await make({ Effect: 'Deny', Principal: { AWS: member }, Action: 's3:*', Resource: '*' })).toBe(
      'MalformedPolicyDocumentException',
    );
    expect(await make({ Effect: 'Deny', Principal: '*', NotAction: 's3:*', Resource: '*' })).toBe(
      'MalformedPolicyDocumentException',
    );
  });
});

describe('policies', () => {
  it('are listed with AWS’s own, changed, and deleted once nothing has them', async () => {
    const id = await newPolicy('Listed', SCP, { Effect: 'Deny', Action: 'iam:*', Resource: '*' });
    expect(await failure(newPolicy('Listed', SCP, { Effect: 'Deny', Action: '*', Resource: '*' }))).toBe(
      'DuplicatePolicyException',
    );
    const { Policies } = await organizations.send(new ListPoliciesCommand({ Filter: SCP }));
    expect(Policies?.map(({ Name }) => Name)).toEqual(expect.arrayContaining(['FullAWSAccess', 'Listed']));
    await organizations.send(new UpdatePolicyCommand({ PolicyId: id, Name: 'Renamed' }));
    const { Policy } = await organizations.send(new DescribePolicyCommand({ PolicyId: id }));
    expect(Policy?.PolicySummary).toMatchObject({ Name: 'Renamed', Type: SCP, AwsManaged: false });
    expect(Policy?.PolicySummary?.Arn).toMatch(
      new RegExp(`^arn:aws:organizations::${sluice.account}:policy/o-.*/service_control_policy/${id}$`),
    );
    await attach(id, member);
    expect(await failure(attach(id, member))).toBe('DuplicatePolicyAttachmentException');
    const { Targets } = await organizations.send(new ListTargetsForPolicyCommand({ PolicyId: id }));
    expect(Targets).toMatchObject([{ TargetId: member, Type: 'ACCOUNT', Name: 'member' }]);
    expect(await failure(organizations.send(new DeletePolicyCommand({ PolicyId: id })))).toBe('PolicyInUseException');
    await detach(id, member);
    expect(await failure(detach(id, member))).toBe('PolicyNotAttachedException');
    await organizations.send(new DeletePolicyCommand({ PolicyId: id }));
    expect(await failure(organizations.send(new DescribePolicyCommand({ PolicyId: id })))).toBe(
      'PolicyNotFoundException',
    );
    expect(await failure(organizations.send(new UpdatePolicyCommand({ PolicyId: 'p-FullAWSAccess', Name: 'x' })))).toBe(
      'InvalidInputException',
    );
    expect(await failure(attach('p-FullAWSAccess', 'ou-none-12345678'))).toBe('TargetNotFoundException');
    expect(await failure(newPolicy('Bad', SCP, { Effect: 'Maybe', Action: '*', Resource: '*' }))).toBe(
      'MalformedPolicyDocumentException',
    );
  });

  it('have tags', async () => {
    const { Policy } = await organizations.send(
      new CreatePolicyCommand({
        Name: 'Tagged',
        Type: SCP,
        Description: '',
        Content: document({ Effect: 'Deny', Action: 'iam:*', Resource: '*' }),
        Tags: [{ Key: 'team', Value: 'a' }],
      }),
    );
    const ResourceId = Policy?.PolicySummary?.Id ?? '';
    const tags = async () => (await organizations.send(new ListTagsForResourceCommand({ ResourceId }))).Tags;
    expect(await tags()).toEqual([{ Key: 'team', Value: 'a' }]);
    await organizations.send(new TagResourceCommand({ ResourceId, Tags: [{ Key: 'team', Value: 'b' }] }));
    expect(await tags()).toEqual([{ Key: 'team', Value: 'b' }]);
    await organizations.send(new UntagResourceCommand({ ResourceId, TagKeys: ['team'] }));
    expect(await tags()).toEqual([]);
  });

  it('keep one of a type on everything, and are gone from all when the type is disabled', async () => {
    expect(await failure(detach('p-FullAWSAccess', rootId))).toBe('ConstraintViolationException');
    const id = await newPolicy('NoS3', SCP, { Effect: 'Deny', Action: 's3:*', Resource: '*' });
    await attach(id, rootId);
    expect(await answer(put(memberS3))).toMatch(/^with an explicit deny/);
    await organizations.send(new DisablePolicyTypeCommand({ RootId: rootId, PolicyType: SCP }));
    expect(await answer(put(memberS3))).toBe('allowed');
    await organizations.send(new EnablePolicyTypeCommand({ RootId: rootId, PolicyType: SCP }));
    expect(await answer(put(memberS3))).toBe('allowed');
  });
});

it('an effective policy is of management policies alone', async () => {
  const describeIt = (PolicyType: string) =>
    failure(
      organizations.send(
        new DescribeEffectivePolicyCommand({ PolicyType: PolicyType as 'TAG_POLICY', TargetId: member }),
      ),
    );
  expect(await describeIt(SCP)).toBe('InvalidInputException');
  expect(await describeIt('TAG_POLICY')).toBe('EffectivePolicyNotFoundException');
});

it('nobody of an account that is closed can call', async () => {
  const close = (AccountId: string) => failure(organizations.send(new CloseAccountCommand({ AccountId })));
  expect(await close(sluice.account)).toBe('ConstraintViolationException');
  expect(await close('999999999999')).toBe('AccountNotFoundException');
  expect(await answer(put(memberS3))).toBe('allowed');
  expect(await close(member)).toBe('no error');
  expect(await answer(put(memberS3))).toContain('suspended');
  const { Account } = await organizations.send(new DescribeAccountCommand({ AccountId: member }));
  expect(Account?.Status).toBe('SUSPENDED');
  expect(await close(member)).toBe('AccountAlreadyClosedException');
});
