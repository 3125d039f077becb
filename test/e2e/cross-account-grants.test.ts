/**
 * The worked example of a delivery across accounts and Regions, grant by grant: with all of them it succeeds; without any one
 * of them it fails where AWS fails it, in AWS's words, nothing later runs, the audit trail has it, and with the grant given
 * back it succeeds. The numbers are those of the worked table of the identity reference (its section 9).
 */
import type { BatchGetBuildsOutput, ListBuildsForProjectOutput } from '@aws-sdk/client-codebuild';
import type { GetPipelineStateOutput } from '@aws-sdk/client-codepipeline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import {
  AWAY,
  type CrossAccountLayout,
  crossAccountLayout,
  type Ended,
  HOME,
  PIPELINE,
  pipelineOf,
  TARGET,
} from '../support/cross-account-layout.ts';

const ORDER = ['Fetch', 'Compile', 'Away', 'Home'] as const;
const STAGES = { Fetch: 'Source', Compile: 'Build', Away: 'Deploy', Home: 'Deploy' } as const;
const ALL_SUCCEEDED = { Fetch: 'Succeeded', Compile: 'Succeeded', Away: 'Succeeded', Home: 'Succeeded' };

let sluice: TestSluice;
let layout: CrossAccountLayout;
let A: string;
/** What a test left failed. */
let failed: Readonly<{ id: string; stage: string }> | undefined;

beforeAll(async () => {
  sluice = await startSluice({ clock: 'auto', seed: 9 });
  A = sluice.account;
  layout = await crossAccountLayout(sluice);
}, 60_000);
afterAll(() => sluice?.close());
/** With the grant given back, the stage is retried and all succeeds: what failed, failed for want of the grant. */
afterEach(async () => {
  await layout.without();
  if (failed === undefined) return;
  const { id, stage } = failed;
  failed = undefined;
  expect(statusesOf(await layout.retry(id, stage))).toEqual(ALL_SUCCEEDED);
});

function statusesOf({ actions }: Ended): Record<string, string> {
  return Object.fromEntries(Object.entries(actions).map(([name, { status = '' }]) => [name, status]));
}

type Failure = Readonly<{ code?: string; message?: string }>;

/** Runs until the action fails, and asserts that all before it succeeded and that nothing after it began. */
async function failureAt(action: (typeof ORDER)[number], run = layout.run()): Promise<Failure> {
  const ended = await run;
  expect(ended.status).toBe('Failed');
  const at = ORDER.indexOf(action);
  const expected = ORDER.slice(0, at + 1).map((name) => [name, name === action ? 'Failed' : 'Succeeded']);
  expect(statusesOf(ended)).toEqual(Object.fromEntries(expected));
  failed = { id: ended.pipelineExecutionId, stage: STAGES[action] };
  const { code, message } = ended.actions[action]?.output?.executionResult?.errorDetails ?? {};
  const error = { ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) };
  // The state of the pipeline says the same.
  const { stageStates = [] } = await layout.tools.call<GetPipelineStateOutput>('codepipeline', 'GetPipelineState', {
    name: PIPELINE,
  });
  const stage = stageStates.find(({ stageName }) => stageName === STAGES[action]);
  expect(stage?.latestExecution?.status).toBe('Failed');
  const state = stage?.actionStates?.find(({ actionName }) => actionName === action);
  expect(state?.latestExecution).toMatchObject({ status: 'Failed', errorDetails: error });
  return error;
}

type TrailRow = Readonly<{ denial: string | null; code: string; decision: unknown }>;

async function newestErrors(): Promise<readonly TrailRow[]> {
  await sluice.open.audit.flush();
  return sluice.house.store.query<TrailRow>(
    `SELECT record->>'denial' AS denial, error_code AS code, record->'decision' AS decision FROM audit WHERE error_code IS NOT NULL ORDER BY id DESC LIMIT 30`,
  );
}

/** The text is part of a denial in the audit trail. */
async function auditHas(text: string): Promise<void> {
  expect((await newestErrors()).map(({ denial }) => denial ?? '').join('\n')).toContain(text);
}

/** Why, as the trail keeps it: S3 does not tell everybody. */
async function decisionsInTrail(): Promise<readonly unknown[]> {
  return (await newestErrors()).map(({ decision }) => decision);
}

async function errorsInTrail(): Promise<readonly string[]> {
  return (await newestErrors()).map(({ code }) => code);
}

const session = (account: string, role: string): string =>
  `User: arn:aws:sts::${account}:assumed-role/${role}/delivery`;
const identityLacks = (account: string, role: string, action: string, resource: string): string =>
  `${session(account, role)} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
const resourceLacks = (account: string, role: string, action: string, resource: string): string =>
  identityLacks(account, role, action, resource).replace('no identity-based', 'no resource-based');

/** A resource whose last part is made anew at each run. */
const made = (arn: string): RegExp =>
  new RegExp(arn.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('NEW', '[A-Za-z0-9]{7}'));
const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}/`;
const inBucket = (bucket: string, artifact: string): string => `arn:aws:s3:::${bucket}/delivery/${artifact}/NEW`;

describe('a delivery across accounts and Regions', () => {
  it('4: P may not write to the artifact bucket: the source action fails', async () => {
    await layout.without('4');
    const { code, message } = await failureAt('Fetch');
    expect(code).toBe('PermissionError');
    expect(message).toMatch(
      made(
        `The provided role does not have permissions to perform this action. Underlying error: ${identityLacks(A, 'P', 's3:PutObject', inBucket('art-use1', 'source'))}`,
      ),
    );
    await auditHas(`${session(A, 'P')} is not authorized to perform: s3:PutObject`);
  });

  it.each([
    ['5 identity', 'identity'],
    ['5 key', 'resource'],
  ] as const)('%s: P may not use K1, by its own policy or by the key’s', async (grant, side) => {
    await layout.without(grant);
    const { code, message } = await failureAt('Fetch');
    expect(code).toBe('PermissionError');
    const denial = (side === 'identity' ? identityLacks : resourceLacks)(A, 'P', 'kms:GenerateDataKey', layout.arns.K1);
    expect(message).toBe(
      `The provided role does not have permissions to perform this action. Underlying error: ${denial}`,
    );
    await auditHas(denial);
  });

  it.each([
    ['repository', 'GetBranch'],
    ['5 key', 'GenerateDataKey'],
  ] as const)('%s, of a CodeCommit source: its own words', async (grant, action) => {
    await layout.without(grant);
    const error = await failedCheckout(grant.replace(' ', '-'));
    expect(error?.code).toBe('PermissionError');
    const [service, begins] =
      grant === 'repository'
        ? [
            'codecommit',
            'The service role or action role doesn’t have the permissions required to access the AWS CodeCommit repository named code-of-a. ',
          ]
        : ['kms', 'The process to upload the contents of the AWS CodeCommit repository failed. '];
    expect(error?.message?.startsWith(begins)).toBe(true);
    expect(error?.message).toContain(`is not authorized to perform: ${service}:${action} on resource: `);
    await auditHas(`is not authorized to perform: ${service}:${action} on resource: `);
  });

  /** How the source action of a new pipeline, from a repository, fails. */
  async function failedCheckout(name: string): Promise<Failure | undefined> {
    const { tools, arns } = layout;
    await tools.call('codecommit', 'CreateRepository', { repositoryName: 'code-of-a' }).catch(() => undefined);
    await tools
      .call('codecommit', 'CreateCommit', {
        repositoryName: 'code-of-a',
        branchName: 'main',
        putFiles: [{ filePath: 'a.txt', fileContent: Buffer.from('a') }],
      })
      .catch(() => undefined);
    const { stages, ...rest } = pipelineOf(arns, arns.K1, arns.K2);
    const [source, ...others] = stages;
    const fetch = {
      ...source?.actions[0],
      actionTypeId: { category: 'Source', owner: 'AWS', provider: 'CodeCommit', version: '1' },
      configuration: { RepositoryName: 'code-of-a', BranchName: 'main', PollForSourceChanges: 'false' },
    };
    await tools.call('codepipeline', 'CreatePipeline', {
      pipeline: { ...rest, name, stages: [{ ...source, actions: [fetch] }, ...others] },
    });
    const giveUpAt = performance.now() + 30_000;
    for (;;) {
      const { stageStates = [] } = await tools.call<GetPipelineStateOutput>('codepipeline', 'GetPipelineState', {
        name,
      });
      const { status, errorDetails } = stageStates[0]?.actionStates?.[0]?.latestExecution ?? {};
      if (status === 'Failed') return errorDetails;
      if (status === 'Succeeded' || performance.now() > giveUpAt) return undefined;
      await sluice.settled();
    }
  }

  it('6 bucket: P may not write to the other Region’s bucket: the copy fails, before the action starts', async () => {
    await layout.without('6 bucket');
    const { code, message } = await failureAt('Away');
    expect(code).toBe('PermissionError');
    expect(message).toMatch(made(identityLacks(A, 'P', 's3:PutObject', inBucket('art-euw1', 'built'))));
    await auditHas(
      `${session(A, 'P')} is not authorized to perform: s3:PutObject on resource: ${bucketArn('art-euw1')}`,
    );
  });

  it.each([
    ['6 key', 'identity'],
    ['6 key policy', 'resource'],
  ] as const)('%s: P may not use K2: the copy fails', async (grant, side) => {
    await layout.without(grant);
    const { code, message } = await failureAt('Away');
    expect(code).toBe('PermissionError');
    const denial = (side === 'identity' ? identityLacks : resourceLacks)(A, 'P', 'kms:GenerateDataKey', layout.arns.K2);
    expect(message).toContain(denial);
    await auditHas(denial);
  });

  it('7: P may not start the build', async () => {
    await layout.without('7');
    const project = `arn:aws:codebuild:${HOME}:${A}:project/compile`;
    expect(await failureAt('Compile')).toEqual({
      code: 'PermissionError',
      message: `Error calling startBuild: ${identityLacks(A, 'P', 'codebuild:StartBuild', project)} (Service: AWSCodeBuild; Status Code: 400; Error Code: AccessDeniedException)`,
    });
    await auditHas(identityLacks(A, 'P', 'codebuild:StartBuild', project));
  });

  async function failedPhase(): Promise<{ phaseType?: string | undefined; message?: string | undefined }> {
    const { ids = [] } = await layout.tools.call<ListBuildsForProjectOutput>('codebuild', 'ListBuildsForProject', {
      projectName: 'compile',
    });
    const { builds = [] } = await layout.tools.call<BatchGetBuildsOutput>('codebuild', 'BatchGetBuilds', {
      ids: ids.slice(0, 1),
    });
    const failed = builds[0]?.phases?.find(({ phaseStatus }) => phaseStatus === 'FAILED');
    return { phaseType: failed?.phaseType, message: failed?.contexts?.[0]?.message };
  }

  it.each([
    ['8', 's3:GetObjectVersion'],
    ['8 key', 'kms:Decrypt'],
  ] as const)('%s: C may not read the source: the build fails as it downloads it', async (grant, action) => {
    await layout.without(grant);
    expect(await failureAt('Compile')).toEqual({
      code: 'JobFailed',
      message: 'Build terminated with state: FAILED',
    });
    const { phaseType, message } = await failedPhase();
    expect(phaseType).toBe('DOWNLOAD_SOURCE');
    expect(message).toMatch(/AccessDenied/);
    expect(message).toMatch(
      new RegExp(
        `assumed-role/C/[^ ]+ is not authorized to perform: ${action} .*for primary source and source version`,
      ),
    );
    await auditHas(`is not authorized to perform: ${action} on resource: `);
  });

  it.each([
    ['9', 's3:PutObject'],
    ['9 key', 'kms:GenerateDataKey'],
  ] as const)('%s: C may not write its output: the build fails as it uploads it', async (grant, action) => {
    await layout.without(grant);
    await failureAt('Compile');
    const { phaseType, message } = await failedPhase();
    expect(phaseType).toBe('UPLOAD_ARTIFACTS');
    expect(message).toContain(`is not authorized to perform: ${action}`);
    await auditHas(`is not authorized to perform: ${action} on resource: `);
  });

  it('9: a project without K1 encrypts with aws/s3, and only the other account finds out', async () => {
    await layout.tools.call('codebuild', 'UpdateProject', {
      name: 'compile',
      encryptionKey: `arn:aws:kms:${HOME}:${A}:alias/aws/s3`,
    });
    try {
      // CodePipeline copies to the other Region under K2; the action in this Region reads what the build wrote.
      const { code, message } = await failureAt('Home');
      expect(code).toBe('PermissionError');
      expect(message).toMatch(
        /^Unable to access the artifact .* bucket 'art-use1'. The provided role does not have sufficient permissions/,
      );
      expect(message).toContain('kms:Decrypt');
      await auditHas(`${session(TARGET, 'X')} is not authorized to perform: kms:Decrypt`);
    } finally {
      await layout.tools.call('codebuild', 'UpdateProject', { name: 'compile', encryptionKey: layout.arns.K1 });
    }
    // What lies there under the wrong key stays unreadable: it is built anew.
    failed = undefined;
    expect(statusesOf(await layout.run())).toEqual(ALL_SUCCEEDED);
  });

  it.each([
    ['10', 'P’s policy'],
    ['11', 'X’s trust'],
  ] as const)('%s: %s lacks AssumeRole: one text for both, at the run and when saved', async (grant, _what) => {
    await layout.without(grant);
    await aMinuteLater();
    const text = `${layout.arns.P} is not authorized to perform AssumeRole on role ${layout.arns.X}`;
    expect(await failureAt('Away')).toEqual({ code: 'PermissionError', message: text });
    await auditHas(`${session(A, 'P')} is not authorized to perform: sts:AssumeRole on resource: ${layout.arns.X}`);
    await expect(
      layout.tools.call('codepipeline', 'UpdatePipeline', { pipeline: await layout.declaration() }),
    ).rejects.toMatchObject({ code: 'InvalidStructureException', message: text });
  });

  it('11: X trusts P by its ARN, and P is made anew: the same text, until X’s trust is saved again', async () => {
    const trustP = () =>
      layout.target.call('iam', 'UpdateAssumeRolePolicy', {
        RoleName: 'X',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: { Effect: 'Allow', Principal: { AWS: layout.arns.P }, Action: 'sts:AssumeRole' },
        }),
      });
    await trustP();
    await layout.remakeP();
    await aMinuteLater();
    const message = `${layout.arns.P} is not authorized to perform AssumeRole on role ${layout.arns.X}`;
    expect(await failureAt('Away')).toEqual({ code: 'PermissionError', message });
    await auditHas(`${session(A, 'P')} is not authorized to perform: sts:AssumeRole on resource: ${layout.arns.X}`);
    await trustP();
  });

  /** A session is used for up to a minute: a hop that is closed meanwhile is noticed by the next. The clock moves by itself. */
  async function aMinuteLater(): Promise<void> {
    const until = sluice.house.clock.now() + 61_000;
    await new Promise<void>((resolve) => void sluice.house.clock.onReach(until, resolve));
  }

  it.each([
    ['13', 'the bucket lets nobody of B in', 'resource'],
    ['14', 'X may not read the bucket', 'identity'],
  ] as const)('%s: %s: S3 does not tell a stranger why, the trail does', async (grant, _what, gate) => {
    await layout.without(grant);
    const { code, message } = await failureAt('Away');
    expect(code).toBe('PermissionError');
    expect(message).toMatch(
      /^Unable to access the artifact with Amazon S3 object key 'delivery\/built\/\w{7}' located in the Amazon S3 artifact bucket 'art-euw1'. The provided role does not have sufficient permissions\./,
    );
    expect(await decisionsInTrail()).toContainEqual(
      expect.objectContaining({
        principal: expect.objectContaining({ arn: `arn:aws:sts::${TARGET}:assumed-role/X/delivery` }),
        request: expect.objectContaining({
          action: 's3:GetObjectVersion',
          resource: expect.stringMatching(made(inBucket('art-euw1', 'built'))),
        }),
        gates: expect.arrayContaining([expect.objectContaining({ gate, state: 'closed' })]),
      }),
    );
  });

  it.each([
    ['15', 'resource'],
    ['16', 'identity'],
  ] as const)('%s: X may not use K2, by the key’s policy or by its own', async (grant, side) => {
    await layout.without(grant);
    const { code, message } = await failureAt('Away');
    expect(code).toBe('PermissionError');
    const denial = (side === 'identity' ? identityLacks : resourceLacks)(TARGET, 'X', 'kms:Decrypt', layout.arns.K2);
    expect(message).toMatch(/^Unable to access the artifact .* bucket 'art-euw1'/);
    expect(message).toContain(denial);
    await auditHas(denial);
  });

  it('24: X may not deploy', async () => {
    await layout.without('24');
    const group = `arn:aws:codedeploy:${AWAY}:${TARGET}:deploymentgroup:app/group`;
    const denial = identityLacks(TARGET, 'X', 'codedeploy:CreateDeployment', group);
    expect(await failureAt('Away')).toEqual({ code: 'PermissionError', message: denial });
    await auditHas(denial);
  });

  it('26: what is not encrypted by KMS is refused, and what the pipeline writes is', async () => {
    const put = (ServerSideEncryption?: string) =>
      layout.tools.call('s3', 'PutObject', { Bucket: 'art-use1', Key: 'plain', Body: 'x', ServerSideEncryption });
    await expect(put()).rejects.toMatchObject({
      message: expect.stringContaining('with an explicit deny in a resource-based policy'),
    });
    await expect(put('AES256')).rejects.toThrow('with an explicit deny');
    await auditHas('s3:PutObject on resource: arn:aws:s3:::art-use1/plain with an explicit deny');
  });

  it.each([
    ['K1', 'Fetch', HOME],
    ['K2', 'Away', AWAY],
  ] as const)('27: %s is disabled: %s fails', async (key, action, region) => {
    const kms = clientIn(region);
    await kms.call('kms', 'DisableKey', { KeyId: layout.arns[key] });
    try {
      const { message } = await failureAt(action);
      expect(message).toContain(`${layout.arns[key]} is disabled`);
      expect(await errorsInTrail()).toContain('KMS.DisabledException');
    } finally {
      await kms.call('kms', 'EnableKey', { KeyId: layout.arns[key] });
    }
  });

  function clientIn(region: string): Client {
    return sluice.house.door.as({ type: 'Root', account: A, arn: `arn:aws:iam::${A}:root` }, { account: A, region });
  }

  // --- what is refused as the pipeline is saved ---

  it('1: who saves a pipeline must be able to pass its role', async () => {
    await layout.tools.call('iam', 'CreateUser', { UserName: 'author' });
    const may = (Action: string, Resource: string) => ({ Effect: 'Allow', Action, Resource });
    const grant = (...Statement: object[]) =>
      layout.tools.call('iam', 'PutUserPolicy', {
        UserName: 'author',
        PolicyName: 'may',
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
      });
    const { User } = await layout.tools.call<{ User: { UserId: string; Arn: string } }>('iam', 'GetUser', {
      UserName: 'author',
    });
    const author = sluice.house.door.as(
      { type: 'User', account: A, arn: User.Arn, userName: 'author', userId: User.UserId },
      { account: A, region: HOME },
    );
    await grant(may('codepipeline:*', '*'));
    const update = async () => author.call('codepipeline', 'UpdatePipeline', { pipeline: await layout.declaration() });
    await expect(update()).rejects.toMatchObject({
      code: 'AccessDeniedException',
      message: `User: ${User.Arn} is not authorized to perform: iam:PassRole on resource: ${layout.arns.P} because no identity-based policy allows the iam:PassRole action`,
    });
    const Condition = { StringEquals: { 'iam:PassedToService': 'codepipeline.amazonaws.com' } };
    await grant(may('codepipeline:*', '*'), { ...may('iam:PassRole', layout.arns.P), Condition });
    await update();
  });

  it('2: P must trust CodePipeline, as it is saved and as it runs', async () => {
    await layout.without('2');
    await aMinuteLater();
    const text = `CodePipeline is not authorized to perform AssumeRole on role ${layout.arns.P}`;
    await expect(
      layout.tools.call('codepipeline', 'UpdatePipeline', { pipeline: await layout.declaration() }),
    ).rejects.toMatchObject({ code: 'InvalidStructureException', message: text });
    expect(await failureAt('Fetch')).toEqual({ code: 'PermissionError', message: text });
    await auditHas(`sts:AssumeRole on resource: ${layout.arns.P}`);
  });

  it('3: every Region of an action needs its artifact store', async () => {
    const whole = pipelineOf({ P: layout.arns.P, X: layout.arns.X }, layout.arns.K1, layout.arns.K2);
    const { [AWAY]: _, ...artifactStores } = whole.artifactStores;
    await expect(
      layout.tools.call('codepipeline', 'UpdatePipeline', { pipeline: { ...whole, artifactStores } }),
    ).rejects.toMatchObject({
      code: 'InvalidStructureException',
      message: expect.stringContaining(`missing in 'pipeline.artifactStores': ${AWAY}`),
    });
    await expect(
      layout.tools.call('codepipeline', 'UpdatePipeline', {
        pipeline: { ...whole, artifactStore: whole.artifactStores[HOME] },
      }),
    ).rejects.toMatchObject({ code: 'InvalidStructureException' });
  });

  it('17: an alias is looked up by whoever uses it: in another account it is another key', async () => {
    const whole = pipelineOf(
      { P: layout.arns.P, X: layout.arns.X },
      `arn:aws:kms:${HOME}:${A}:alias/aws/s3`,
      layout.arns.K2,
    );
    await layout.tools.call('codebuild', 'UpdateProject', {
      name: 'compile',
      encryptionKey: `arn:aws:kms:${HOME}:${A}:alias/aws/s3`,
    });
    await layout.tools.call('codepipeline', 'UpdatePipeline', { pipeline: whole });
    try {
      const { code, message } = await failureAt('Home');
      expect(code).toBe('PermissionError');
      expect(message).toMatch(/^Unable to access the artifact .* bucket 'art-use1'/);
    } finally {
      await layout.tools.call('codebuild', 'UpdateProject', { name: 'compile', encryptionKey: layout.arns.K1 });
      await layout.tools.call('codepipeline', 'UpdatePipeline', {
        pipeline: pipelineOf({ P: layout.arns.P, X: layout.arns.X }, layout.arns.K1, layout.arns.K2),
      });
    }
    failed = undefined;
    expect(statusesOf(await layout.run())).toEqual(ALL_SUCCEEDED);
  });

  // Rows 18 to 23 deploy by CloudFormation: cross-account-cloudformation.test.ts.
  it.todo('25: the instance role I reads the artifact: needs CodeDeploy on hosts, which Sluice has not yet');
});

describe('an organization', () => {
  it('12: a service control policy over B denies the hop, or the Region', async () => {
    const management = clientIn(HOME);
    await management.call('organizations', 'CreateOrganization', {});
    const { Roots } = await management.call<{ Roots: { Id: string }[] }>('organizations', 'ListRoots', {});
    const rootId = Roots[0]?.Id ?? '';
    await management.call('organizations', 'EnablePolicyType', {
      RootId: rootId,
      PolicyType: 'SERVICE_CONTROL_POLICY',
    });
    await joinOrganization(TARGET, rootId);
    const { Policy } = await management.call<{ Policy: { PolicySummary: { Id: string } } }>(
      'organizations',
      'CreatePolicy',
      {
        Name: 'OnlyAtHome',
        Description: '',
        Type: 'SERVICE_CONTROL_POLICY',
        Content: JSON.stringify({
          Version: '2012-10-17',
          Statement: {
            Effect: 'Deny',
            NotAction: ['iam:*', 'sts:*'],
            Resource: '*',
            Condition: { StringNotEquals: { 'aws:RequestedRegion': HOME } },
          },
        }),
      },
    );
    const target = { PolicyId: Policy.PolicySummary.Id, TargetId: TARGET };
    await management.call('organizations', 'AttachPolicy', target);
    const { code, message } = await failureAt('Away', layout.run({ keepAlias: true }));
    expect(code).toBe('PermissionError');
    expect(message).toMatch(/^Unable to access the artifact/);
    expect(await decisionsInTrail()).toContainEqual(
      expect.objectContaining({
        reason: expect.objectContaining({ kind: 'explicit', policyType: 'service control policy' }),
      }),
    );
    await management.call('organizations', 'DetachPolicy', target);
  });

  function clientIn(region: string): Client {
    return sluice.house.door.as({ type: 'Root', account: A, arn: `arn:aws:iam::${A}:root` }, { account: A, region });
  }

  /** The account B was never made by the organization: it is made a member as an invitation would make it. */
  async function joinOrganization(account: string, parentId: string): Promise<void> {
    const { accounts, globalKey } = await import('../../src/store/index.ts');
    const { Organization } = await clientIn(HOME).call<{ Organization: { Id: string } }>(
      'organizations',
      'DescribeOrganization',
      {},
    );
    await accounts.insert(
      sluice.house.store,
      globalKey(account),
      {
        id: account,
        name: 'target',
        email: 'b@example.com',
        joinedMethod: 'INVITED',
        joinedAt: 0,
        status: 'ACTIVE',
        organizationId: Organization.Id,
        parentId,
        tags: {},
      },
      { parent: Organization.Id },
    );
  }
});
