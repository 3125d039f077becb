/**
 * Every implemented operation, held to AWS's service authorization reference (`models/authorization/`): the actions that it
 * asks exist, and are those of our table of operations; each is asked on a resource of a type that AWS names for it, and of
 * the very thing that the call is about. Then enforced: a principal with nothing is denied; with exactly those actions on
 * those resources it is not; with one of them on another resource, or every action but that one, it is denied.
 *
 * Nothing is skipped silently: what differs is listed below by name with its reason, and an entry that is not needed fails.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { denialOf } from '../../src/app/authorizer.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { AccessRequest, Principal } from '../../src/common/index.ts';
import {
  actionFacts,
  isOfResourceType,
  openAuthorizationReference,
  type ServiceModel,
} from '../../src/protocol/index.ts';
import { closeConnections, encodeRequest, type RawAnswer, send, signed, signingName } from '../support/raw-requests.ts';
import { ABSENT, absenceOf, conditionKeysPage, observedKeys, tagEverything } from '../support/condition-keys.ts';
import { type PreparedAccount, prepareAccount } from '../support/prepared-account.ts';
import { person } from '../support/people.ts';

const reference = openAuthorizationReference(fileURLToPath(new URL('../../models', import.meta.url)));

const CODEDEPLOY = 'CodeDeploy User Guide, "CodeDeploy permissions reference", names this resource';
const DENIALS = 'denials of AWS name all of the account and Region, where the reference names nothing';
const DATASETS = 'metrics have no ARN, and Sluice has no datasets';

/** Actions that AWS's reference does not know, by name. */
const NO_SUCH_ACTION: Readonly<Record<string, string>> = {};

/**
 * Asked on another resource than the reference names. `as` gives what is asked, of the same name as the resource; a policy
 * with `*`, which is what the reference asks for, matches it as well.
 */
const OTHER_RESOURCE: Readonly<Record<string, Readonly<{ as: string; because: string }>>> = {
  ...Object.fromEntries(
    [
      'BatchGetDeploymentTargets',
      'ContinueDeployment',
      'GetDeploymentTarget',
      'ListDeploymentTargets',
      'StopDeployment',
    ]
      .concat('PutLifecycleEventHookExecutionStatus')
      .map((name) => [`codedeploy:${name}`, { as: 'codedeploy|deploymentgroup:demo/demo', because: CODEDEPLOY }]),
  ),
  'codedeploy:ListApplications': { as: 'codedeploy|application:*', because: CODEDEPLOY },
  'codedeploy:ListDeploymentConfigs': { as: 'codedeploy|deploymentconfig:*', because: CODEDEPLOY },
  'codedeploy:ListDeploymentGroups': { as: 'codedeploy|deploymentgroup:demo/*', because: CODEDEPLOY },
  'events:ListRules': { as: 'events|rule/*', because: DENIALS },
  'events:ListRuleNamesByTarget': { as: 'events|rule/*', because: DENIALS },
  'logs:DescribeLogGroups': { as: 'logs|log-group:*', because: DENIALS },
  'sqs:ListQueues': { as: 'sqs|*', because: DENIALS },
  'cloudwatch:GetMetricData': { as: '*', because: DATASETS },
  'cloudwatch:ListMetrics': { as: '*', because: DATASETS },
  'cloudwatch:PutMetricData': { as: '*', because: DATASETS },
};

/** Not decided by `authorize`, or by no policy. */
const NOT_BY_POLICY: Readonly<Record<string, string>> = {
  'sts.GetCallerIdentity': 'STS API Reference: no permission is needed, and even a Deny does not stop it',
  'sts.GetSessionToken': 'STS API Reference: no permission is needed',
  'sts.AssumeRoleWithWebIdentity': 'unsigned: decided by the trust policy alone (test/wire/sts-web-identity.test.ts)',
  's3.DeleteObjects': 'decided for each key, in the answer: its own test below',
};

let sluice: TestSluice;
let prepared: PreparedAccount;
let operations: readonly Readonly<{ service: string; operation: string; name: string; iamPrefix: string }>[];
let nobody: Principal;
let somebody: Principal;
let credentials: Awaited<ReturnType<typeof person>>['credentials'];

beforeAll(async () => {
  sluice = await startSluice();
  prepared = await prepareAccount(sluice);
  operations = [...sluice.open.services.values()].flatMap((service) =>
    Object.keys(service.operations).map((operation) => ({
      service: service.name,
      operation,
      name: `${service.name}.${operation}`,
      iamPrefix: service.iamPrefix,
    })),
  );
  const made = async (name: string) => {
    const { arn, credentials } = await person(sluice, name, []);
    const found = await sluice.open.identity.credentials(credentials.accessKeyId);
    return { principal: found?.principal as Principal, credentials, arn };
  };
  nobody = (await made('nobody')).principal;
  const other = await made('somebody');
  somebody = other.principal;
  credentials = other.credentials;
}, 120_000);
afterAll(async () => {
  closeConnections();
  await sluice?.close();
});

const scope = () => ({ account: sluice.account, region: sluice.region });

async function asked(name: string, principal: Principal): Promise<readonly AccessRequest[]> {
  const [service = '', operation = ''] = name.split('.');
  const input = prepared.inputOf(service, operation);
  const { explained } = await sluice.open.door.explain({ service, operation, input, principal, scope: scope() });
  return explained.map((each) => each.input.request);
}

/** What is wrong with a request of `name`; undefined: nothing. */
function problemOf(name: string, request: AccessRequest): string | undefined {
  const found = actionFacts(reference, request.action);
  if (found === undefined) {
    used.add(request.action);
    return NO_SUCH_ACTION[request.action] === undefined ? `${name}: AWS knows no action ${request.action}` : undefined;
  }
  const types = Object.keys(found.facts.resources ?? {});
  const fits =
    types.length === 0
      ? request.resource === '*'
      : types.some((type) => isOfResourceType(found.data.resources[type]?.arn ?? '', request.resource));
  if (fits) return undefined;
  used.add(request.action);
  if (OTHER_RESOURCE[request.action] !== undefined) return undefined;
  return `${name}: ${request.action} is asked on ${request.resource}, which is none of: ${types.join(', ') || '*'}`;
}

const used = new Set<string>();

/** The resources that a policy names to allow this action as the reference says; those of other names with a suffix. */
function documentedResources(request: AccessRequest, suffix: string): readonly string[] {
  const exception = OTHER_RESOURCE[request.action];
  if (exception !== undefined && exception.as !== '*') {
    const [service, resource] = exception.as.split('|');
    return [`arn:aws:${service}:${sluice.region}:${sluice.account}:${resource}${suffix}`];
  }
  const found = actionFacts(reference, request.action);
  const types = Object.keys(found?.facts.resources ?? {});
  if (found === undefined || types.length === 0 || exception !== undefined)
    return [suffix === '' ? '*' : `arn:aws:sqs:${sluice.region}:${sluice.account}:elsewhere`];
  return types.flatMap((type) => prepared.arnsOf(found.data.prefix, type, suffix));
}

type Statement = Readonly<Record<string, unknown>>;

async function mayOnly(statements: readonly Statement[]): Promise<void> {
  await prepared.call('iam', 'PutUserPolicy', {
    UserName: 'somebody',
    PolicyName: 'exact',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
    }),
  });
}

/** The action that was denied; undefined: none was. */
async function deniedTo(principal: Principal, name: string): Promise<string | undefined> {
  const [service = '', operation = ''] = name.split('.');
  try {
    await sluice.open.door.execute({
      service,
      operation,
      input: prepared.inputOf(service, operation),
      principal,
      scope: scope(),
      requestId: 'probe',
    });
  } catch (error) {
    return denialOf(error)?.input.request.action;
  }
  return undefined;
}

describe('the permissions of every operation', () => {
  it('are those of the reference: actions and types of resource', async () => {
    const problems: string[] = [];
    for (const { service, operation, name, iamPrefix } of operations) {
      if (NOT_BY_POLICY[name] !== undefined) continue;
      const { always, may = [], withTags } = reference.actionsOf(service, iamPrefix, operation);
      let requests: readonly AccessRequest[];
      try {
        requests = await asked(name, somebody);
      } catch (error) {
        problems.push(`${name}: ${String(error)}`);
        continue;
      }
      const actions = new Set(requests.map(({ action }) => action));
      for (const action of always) if (!actions.has(action)) problems.push(`${name}: ${action} is not asked`);
      for (const action of actions)
        if (![...always, ...may, withTags].includes(action)) problems.push(`${name}: asks ${action} too`);
      for (const request of requests) {
        const problem = problemOf(name, request);
        if (problem !== undefined) problems.push(problem);
      }
    }
    for (const action of [...Object.keys(NO_SUCH_ACTION), ...Object.keys(OTHER_RESOURCE)])
      if (!used.has(action)) problems.push(`${action} is listed as an exception and is none`);
    expect(problems).toEqual([]);
  });

  it('are asked: with nothing, or all but one of them, it is denied; with exactly these on the documented resources it is not', async () => {
    const problems: string[] = [];
    for (const { name } of operations) {
      if (NOT_BY_POLICY[name] !== undefined) continue;
      const requests = await asked(name, somebody);
      const byAction = new Map<string, AccessRequest>(requests.map((request) => [request.action, request]));
      const statements = [...byAction.values()].map((request) => ({
        Action: request.action,
        Resource: documentedResources(request, ''),
      }));
      const unknown = statements.filter(({ Resource }) => Resource.length === 0);
      if (unknown.length > 0) {
        problems.push(
          `${name}: the prepared account has no resource for ${unknown.map(({ Action }) => Action).join()}`,
        );
        continue;
      }
      if ((await deniedTo(nobody, name)) === undefined) problems.push(`${name}: with nothing it is not denied`);
      for (const [action, request] of byAction) {
        const elsewhere = documentedResources(request, '-other');
        await mayOnly([
          { NotAction: action, Resource: '*' },
          { Action: action, Resource: elsewhere },
        ]);
        if ((await deniedTo(somebody, name)) !== action) problems.push(`${name}: without ${action}, it is not denied`);
      }
      await mayOnly(statements);
      const [service = '', operation = ''] = name.split('.');
      const input = prepared.inputOf(service, operation);
      const decided = await sluice.open.door.explain({
        service,
        operation,
        input,
        principal: somebody,
        scope: scope(),
      });
      for (const { decision, input: asked } of decided.explained)
        if (!decision.allowed) problems.push(`${name}: ${asked.request.action} on ${asked.request.resource} is denied`);
    }
    expect(problems).toEqual([]);
  }, 300_000);

  it('are asked for each key by DeleteObjects', async () => {
    const Delete = { Objects: [{ Key: 'demo' }, { Key: 'other' }] };
    const remove = (principal: Principal) =>
      sluice.open.door.as(principal, scope()).call<any>('s3', 'DeleteObjects', { Bucket: 'demo', Delete });
    const denied = (answer: { Errors?: { Key: string; Code: string }[] }) =>
      (answer.Errors ?? []).filter(({ Code }) => Code === 'AccessDenied').map(({ Key }) => Key);
    expect(denied(await remove(nobody))).toEqual(['demo', 'other']);
    await mayOnly([{ Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::demo/other' }]);
    expect(denied(await remove(somebody))).toEqual(['demo']);
  });

  it('are asked over HTTP as in the process', async () => {
    const problems: string[] = [];
    const share = operations.filter(({ name }, i) => i % 9 === 0 && NOT_BY_POLICY[name] === undefined);
    for (const { service, operation, name } of share) {
      const model = sluice.open.models.service(service) as ServiceModel;
      if (model.operations[operation] === undefined) continue;
      const answer = async () => {
        const request = encodeRequest(model, operation, prepared.inputOf(service, operation));
        return send(sluice.port, signed(sluice, signingName(model), request, { credentials }));
      };
      const isDenial = ({ status, headers, text }: RawAnswer): boolean =>
        (status === 403 || status === 400) &&
        (text === '' || /AccessDenied|AuthorizationError/.test(text + String(headers['x-amzn-errortype'])));
      await mayOnly([{ Action: 'none:None', Resource: '*' }]);
      const without = await answer();
      if (!isDenial(without)) problems.push(`${name} with nothing: ${without.status} ${without.text.slice(0, 200)}`);
      const actions = new Map((await asked(name, somebody)).map((request) => [request.action, request]));
      await mayOnly(
        [...actions.values()].map((each) => ({ Action: each.action, Resource: documentedResources(each, '') })),
      );
      const given = await answer();
      if (given.status >= 500 || isDenial(given))
        problems.push(`${name} with ${[...actions.keys()].join()}: ${given.status} ${given.text.slice(0, 200)}`);
    }
    expect(share.length).toBeGreaterThan(40);
    expect(problems).toEqual([]);
  }, 120_000);
});

describe('the condition keys of every action', () => {
  it('are there, or absent for a reason; docs/reference/condition-keys.md says which (npm run condition-keys)', async () => {
    await tagEverything(sluice, prepared);
    await mayOnly([{ Action: '*', Resource: '*', Condition: { StringLike: { 'aws:ResourceTag/none': '*' } } }]);
    const observed = await observedKeys(
      sluice,
      prepared,
      reference,
      somebody,
      (name) => NOT_BY_POLICY[name] !== undefined,
    );
    const needed = new Set<string>();
    const problems: string[] = [];
    for (const { action, has, listed } of observed)
      for (const key of listed) {
        if (has.has(key.toLowerCase())) continue;
        const reason = absenceOf(key, action);
        if (reason === undefined) problems.push(`${action}: ${key}`);
        else needed.add(reason);
      }
    for (const pattern of Object.keys(ABSENT))
      if (!needed.has(pattern)) problems.push(`${pattern} is listed as absent and is not`);
    expect(problems).toEqual([]);
    await expect(conditionKeysPage(observed)).toMatchFileSnapshot('../../docs/reference/condition-keys.md');
  }, 120_000);
});

describe('tags of the resource', () => {
  it.each([
    'sqs.GetQueueAttributes',
    'sns.GetTopicAttributes',
    'lambda.GetFunction',
    'kms.DescribeKey',
    'secretsmanager.DescribeSecret',
    'ssm.GetParameter',
    'codepipeline.GetPipelineState',
    'codecommit.GetRepository',
    'codedeploy.GetApplication',
    'events.DescribeRule',
    'cloudwatch.DescribeAlarms',
    'logs.DescribeLogStreams',
    'iam.GetRole',
    'organizations.DescribeOrganizationalUnit',
  ])('decide on %s', async (name) => {
    await tagEverything(sluice, prepared);
    const allowed = async (team: string): Promise<boolean> => {
      await mayOnly([{ Action: '*', Resource: '*', Condition: { StringEquals: { 'aws:resourceTag/team': team } } }]);
      return (await deniedTo(somebody, name)) === undefined;
    };
    expect(await allowed('red')).toBe(true);
    expect(await allowed('blue')).toBe(false);
  });
});
