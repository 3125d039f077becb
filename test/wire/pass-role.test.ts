/**
 * Whoever hands a role to a service must be allowed to pass it: every implemented operation that takes the ARN of a role, found in
 * the models, asks `iam:PassRole` on it for the service that gets it. None is skipped without a reason.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Principal } from '../../src/common/index.ts';
import { failure, person } from '../support/people.ts';
import { CreateRoleCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { CodeBuildClient, CreateProjectCommand } from '@aws-sdk/client-codebuild';
import { EventBridgeClient, PutRuleCommand } from '@aws-sdk/client-eventbridge';

type Shape = Readonly<{
  type: string;
  members?: Readonly<Record<string, { shape: string }>>;
  member?: { shape: string };
  value?: { shape: string };
}>;
type Model = Readonly<{
  operations: Readonly<Record<string, { input?: { shape: string } }>>;
  shapes: Readonly<Record<string, Shape>>;
}>;

/** Names a role that is not handed to the service, or a part of the request that the operation refuses. */
const REASONS: Readonly<Record<string, string>> = {
  'codebuild.CreateProject buildBatchConfig.serviceRole': 'batch builds are refused',
  'codebuild.UpdateProject buildBatchConfig.serviceRole': 'batch builds are refused',
  'codepipeline.CreatePipeline pipeline.stages.0.onFailure.conditions.0.rules.0.roleArn': 'conditions are refused',
  'codepipeline.CreatePipeline pipeline.stages.0.onSuccess.conditions.0.rules.0.roleArn': 'conditions are refused',
  'codepipeline.CreatePipeline pipeline.stages.0.beforeEntry.conditions.0.rules.0.roleArn': 'conditions are refused',
  'codepipeline.UpdatePipeline pipeline.stages.0.onFailure.conditions.0.rules.0.roleArn': 'conditions are refused',
  'codepipeline.UpdatePipeline pipeline.stages.0.onSuccess.conditions.0.rules.0.roleArn': 'conditions are refused',
  'codepipeline.UpdatePipeline pipeline.stages.0.beforeEntry.conditions.0.rules.0.roleArn': 'conditions are refused',
};
/** IAM and STS are about roles; these name a role that is made, or assumed. */
const ABOUT_ROLES = new Set(['iam', 'sts', 'organizations', 'cloudtrail']);

let sluice: TestSluice;
beforeAll(async () => {
  sluice = await startSluice();
});
afterAll(async () => {
  await sluice?.close();
});

const models = new URL('../../models/', import.meta.url);

/** Dotted paths of members of the input that hold the ARN or the name of a role; lists by their first element. */
function rolePaths(model: Model, operation: string): string[] {
  const found: string[] = [];
  const walk = (name: string, path: string[], above: readonly string[]): void => {
    const shape = model.shapes[name];
    if (shape === undefined || above.includes(name)) return;
    const within = [...above, name];
    for (const [member, { shape: of }] of Object.entries(shape.members ?? {})) {
      const isText = model.shapes[of]?.type === 'string';
      if (isText && /(?:^|[a-z])role(?:arn|override)?$|^role/i.test(member)) found.push([...path, member].join('.'));
      walk(of, [...path, member], within);
    }
    if (shape.member !== undefined) walk(shape.member.shape, [...path, '0'], within);
  };
  const input = model.operations[operation]?.input;
  if (input !== undefined) walk(input.shape, [], []);
  return found;
}

function inputWith(path: string, value: string): Record<string, unknown> {
  const parts = path.split('.').reverse();
  return parts.reduce<unknown>((inner, part) => (part === '0' ? [inner] : { [part]: inner }), value) as Record<
    string,
    unknown
  >;
}

describe('iam:PassRole', () => {
  it('is asked by every operation that takes a role', async () => {
    const account = sluice.account;
    const principal: Principal = {
      type: 'User',
      account,
      arn: `arn:aws:iam::${account}:user/u`,
      userName: 'u',
      userId: 'AIDAU',
    };
    const scope = { account, region: 'us-east-1' };
    const asked: string[] = [];
    const missing: string[] = [];
    const implemented = sluice.house.door.implemented();
    for (const file of readdirSync(models).filter((name) => name.endsWith('.json'))) {
      const service = file.slice(0, -'.json'.length);
      if (ABOUT_ROLES.has(service) || implemented[service] === undefined) continue;
      const model = JSON.parse(readFileSync(new URL(file, models), 'utf8')) as Model;
      for (const operation of implemented[service]) {
        for (const path of rolePaths(model, operation)) {
          const name = `${service}.${operation} ${path}`;
          const role = `arn:aws:iam::${account}:role/${operation}`;
          const { explained } = await sluice.open.door.explain({
            service,
            operation,
            input: inputWith(path, role),
            principal,
            scope,
          });
          const passed = explained.find(({ input }) => input.request.action === 'iam:PassRole');
          if (passed === undefined) {
            if (REASONS[name] === undefined) missing.push(name);
            continue;
          }
          asked.push(name);
          expect(passed.input.request.resource, name).toBe(role);
          expect(passed.input.context['iam:PassedToService'], name).toMatch(/^[a-z]+\.amazonaws\.com$/);
          expect(passed.decision.allowed, name).toBe(false);
        }
      }
    }
    expect(missing).toEqual([]);
    expect(asked.length).toBeGreaterThanOrEqual(11);
  });

  it('can be bound to the service and to what the role is for, and never crosses accounts', async () => {
    const iam = new IAMClient({ ...sluice.clientConfig(), maxAttempts: 1 });
    const bob = await person(sluice, 'bob', []);
    const config = { ...sluice.clientConfig({ credentials: bob.credentials }), maxAttempts: 1 };
    const [codebuild, events] = [new CodeBuildClient(config), new EventBridgeClient(config)];
    const trust = {
      Effect: 'Allow',
      Principal: { Service: ['codebuild.amazonaws.com', 'events.amazonaws.com'] },
      Action: 'sts:AssumeRole',
    };
    const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'Passed', AssumeRolePolicyDocument }));
    const may = async (condition: object) => {
      const Statement = [
        { Effect: 'Allow', Action: ['codebuild:*', 'events:*'], Resource: '*' },
        { Effect: 'Allow', Action: 'iam:PassRole', Resource: '*', Condition: condition },
      ];
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
      await iam.send(new PutUserPolicyCommand({ UserName: 'bob', PolicyName: 'test', PolicyDocument }));
    };
    /** What else may be wrong with the input comes after. */
    const outcome = (name: string): string => (name === 'AccessDeniedException' ? 'denied' : 'passed');
    const project = async (name: string) =>
      outcome(
        await failure(
          codebuild.send(
            new CreateProjectCommand({
              name,
              serviceRole: Role?.Arn,
              source: { type: 'NO_SOURCE' },
              artifacts: { type: 'NO_ARTIFACTS' },
              environment: { type: 'LINUX_CONTAINER', image: 'x', computeType: 'BUILD_GENERAL1_SMALL' },
            }),
          ),
        ),
      );
    const rule = async () =>
      outcome(
        await failure(
          events.send(new PutRuleCommand({ Name: 'r', ScheduleExpression: 'rate(1 day)', RoleArn: Role?.Arn })),
        ),
      );
    await may({ StringEquals: { 'iam:PassedToService': 'codebuild.amazonaws.com' } });
    expect([await project('a'), await rule()]).toEqual(['passed', 'denied']);
    const projects = `arn:aws:codebuild:us-east-1:${sluice.account}:project/team-*`;
    await may({ ArnLike: { 'iam:AssociatedResourceArn': projects } });
    expect([await project('team-a'), await project('other')]).toEqual(['passed', 'denied']);
    await may({});
    const foreign = 'arn:aws:iam::111122223333:role/Passed';
    const across = new PutRuleCommand({ Name: 'r', ScheduleExpression: 'rate(1 day)', RoleArn: foreign });
    await expect(events.send(across)).rejects.toThrow('Cross-account pass role is not allowed.');
    for (const client of [iam, codebuild, events]) client.destroy();
  });
});
