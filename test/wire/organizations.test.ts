/** Organizations by the official SDK: accounts that are really there, in a tree of units. */
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateAccountCommand,
  CreateOrganizationalUnitCommand,
  CreateOrganizationCommand,
  DeleteOrganizationalUnitCommand,
  DeleteOrganizationCommand,
  DescribeAccountCommand,
  DescribeCreateAccountStatusCommand,
  DescribeOrganizationalUnitCommand,
  DescribeOrganizationCommand,
  ListAccountsCommand,
  ListAccountsForParentCommand,
  ListChildrenCommand,
  ListCreateAccountStatusCommand,
  ListOrganizationalUnitsForParentCommand,
  ListParentsCommand,
  ListRootsCommand,
  ListTagsForResourceCommand,
  MoveAccountCommand,
  OrganizationsClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateOrganizationalUnitCommand,
} from '@aws-sdk/client-organizations';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person } from '../support/people.ts';

let sluice: TestSluice;
let organizations: OrganizationsClient;

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts', 'organizations'] });
  organizations = new OrganizationsClient({ ...sluice.clientConfig(), maxAttempts: 1 });
});
afterAll(async () => {
  organizations?.destroy();
  await sluice?.close();
});

async function newAccount(AccountName: string, Email = `${AccountName}@example.com`) {
  const begun = (await organizations.send(new CreateAccountCommand({ AccountName, Email }))).CreateAccountStatus;
  expect(begun?.State).toBe('IN_PROGRESS');
  await sluice.settled();
  const CreateAccountRequestId = begun?.Id;
  return (await organizations.send(new DescribeCreateAccountStatusCommand({ CreateAccountRequestId })))
    .CreateAccountStatus;
}

const rootId = async (): Promise<string> => (await organizations.send(new ListRootsCommand({}))).Roots?.[0]?.Id ?? '';

describe('an account without an organisation', () => {
  it('is told so', async () => {
    expect(await failure(organizations.send(new DescribeOrganizationCommand({})))).toBe(
      'AWSOrganizationsNotInUseException',
    );
  });
});

describe('an organisation', () => {
  it('is made once, with its management account and a root', async () => {
    const { Organization } = await organizations.send(new CreateOrganizationCommand({}));
    expect(Organization).toMatchObject({ MasterAccountId: sluice.account, FeatureSet: 'ALL' });
    expect(Organization?.Id).toMatch(/^o-[a-z0-9]{10}$/);
    expect(await failure(organizations.send(new CreateOrganizationCommand({})))).toBe('AlreadyInOrganizationException');
    expect((await organizations.send(new DescribeOrganizationCommand({}))).Organization).toEqual(Organization);
    expect(await rootId()).toMatch(/^r-[a-z0-9]{4}$/);
  });

  it('makes accounts that its people can enter by the role made for that', async () => {
    const status = await newAccount('production');
    expect(status).toMatchObject({ State: 'SUCCEEDED', AccountId: expect.stringMatching(/^\d{12}$/) });
    const AccountId = status?.AccountId ?? '';
    const { Account } = await organizations.send(new DescribeAccountCommand({ AccountId }));
    expect(Account).toMatchObject({ Id: AccountId, Name: 'production', Status: 'ACTIVE', JoinedMethod: 'CREATED' });

    const admin = await person(sluice, 'admin', [{ Action: 'sts:AssumeRole', Resource: '*' }]);
    const sts = new STSClient({ ...sluice.clientConfig({ credentials: admin.credentials }), maxAttempts: 1 });
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${AccountId}:role/OrganizationAccountAccessRole`,
        RoleSessionName: 'set-up',
      }),
    );
    const credentials = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
    const inside = new STSClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
    expect((await inside.send(new GetCallerIdentityCommand({}))).Account).toBe(AccountId);
    const iam = new IAMClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
    const { Role } = await iam.send(
      new CreateRoleCommand({
        RoleName: 'Deploy',
        AssumeRolePolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { AWS: sluice.account }, Action: 'sts:AssumeRole' }],
        }),
      }),
    );
    expect(Role?.Arn).toBe(`arn:aws:iam::${AccountId}:role/Deploy`);
    // A member sees the organisation, and manages nothing of it.
    const member = new OrganizationsClient({ ...sluice.clientConfig({ credentials }), maxAttempts: 1 });
    expect((await member.send(new DescribeOrganizationCommand({}))).Organization?.MasterAccountId).toBe(sluice.account);
    expect(await failure(member.send(new ListAccountsCommand({})))).toBe('AccessDeniedException');
    for (const client of [sts, inside, iam, member]) client.destroy();
  });

  it('fails an account whose address is taken', async () => {
    const status = await newAccount('second', 'production@example.com');
    expect(status).toMatchObject({ State: 'FAILED', FailureReason: 'EMAIL_ALREADY_EXISTS' });
    const failed = await organizations.send(new ListCreateAccountStatusCommand({ States: ['FAILED'] }));
    expect(failed.CreateAccountStatuses).toHaveLength(1);
    expect(
      await failure(
        organizations.send(
          new DescribeCreateAccountStatusCommand({ CreateAccountRequestId: 'car-00000000000000000000000000000000' }),
        ),
      ),
    ).toBe('CreateAccountStatusNotFoundException');
  });

  it('is a tree of units, in which accounts move', async () => {
    const ParentId = await rootId();
    const unit = (Name: string, parent: string) =>
      organizations.send(new CreateOrganizationalUnitCommand({ ParentId: parent, Name }));
    const OrganizationalUnitId = (await unit('workloads', ParentId)).OrganizationalUnit?.Id ?? '';
    expect(await failure(unit('workloads', ParentId))).toBe('DuplicateOrganizationalUnitException');
    await organizations.send(new UpdateOrganizationalUnitCommand({ OrganizationalUnitId, Name: 'apps' }));
    const described = await organizations.send(new DescribeOrganizationalUnitCommand({ OrganizationalUnitId }));
    expect(described.OrganizationalUnit?.Name).toBe('apps');

    const AccountId = (await newAccount('staging'))?.AccountId ?? '';
    const move = { AccountId, SourceParentId: ParentId, DestinationParentId: OrganizationalUnitId };
    await organizations.send(new MoveAccountCommand(move));
    expect(await failure(organizations.send(new MoveAccountCommand(move)))).toBe('SourceParentNotFoundException');
    expect((await organizations.send(new ListParentsCommand({ ChildId: AccountId }))).Parents).toEqual([
      { Id: OrganizationalUnitId, Type: 'ORGANIZATIONAL_UNIT' },
    ]);
    const inUnit = await organizations.send(new ListAccountsForParentCommand({ ParentId: OrganizationalUnitId }));
    expect(inUnit.Accounts?.map(({ Id }) => Id)).toEqual([AccountId]);
    const children = await organizations.send(new ListChildrenCommand({ ParentId, ChildType: 'ORGANIZATIONAL_UNIT' }));
    expect(children.Children).toEqual([{ Id: OrganizationalUnitId, Type: 'ORGANIZATIONAL_UNIT' }]);
    expect(
      (await organizations.send(new ListOrganizationalUnitsForParentCommand({ ParentId }))).OrganizationalUnits,
    ).toHaveLength(1);
    expect(await failure(organizations.send(new DeleteOrganizationalUnitCommand({ OrganizationalUnitId })))).toBe(
      'OrganizationalUnitNotEmptyException',
    );
    let parent = OrganizationalUnitId;
    for (const depth of [2, 3, 4, 5]) parent = (await unit(`level-${depth}`, parent)).OrganizationalUnit?.Id ?? '';
    expect(await failure(unit('level-6', parent))).toBe('ConstraintViolationException');
    expect(await failure(organizations.send(new DeleteOrganizationCommand({})))).toBe('OrganizationNotEmptyException');
  });

  it('lists its accounts page by page, and carries tags', async () => {
    const seen: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const page = await organizations.send(new ListAccountsCommand({ MaxResults: 1, NextToken }));
      expect(page.Accounts).toHaveLength(1);
      seen.push(page.Accounts?.[0]?.Name);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(seen.sort()).toEqual(['management', 'production', 'staging']);
    expect(await failure(organizations.send(new ListAccountsCommand({ NextToken: 'x' })))).toBe(
      'InvalidInputException',
    );
    const ResourceId = await rootId();
    await organizations.send(
      new TagResourceCommand({
        ResourceId,
        Tags: [
          { Key: 'a', Value: 'b' },
          { Key: 'c', Value: 'd' },
        ],
      }),
    );
    await organizations.send(new UntagResourceCommand({ ResourceId, TagKeys: ['a'] }));
    expect((await organizations.send(new ListTagsForResourceCommand({ ResourceId }))).Tags).toEqual([
      { Key: 'c', Value: 'd' },
    ]);
  });
});
