/**
 * The operations of policy simulation, and of the condition keys that policies ask for.
 * Source: IAM API Reference, "SimulatePrincipalPolicy", "SimulateCustomPolicy", "GetContextKeysForPrincipalPolicy",
 * "GetContextKeysForCustomPolicy".
 */
import type {
  GetContextKeysForCustomPolicyRequest,
  GetContextKeysForPolicyResponse,
  GetContextKeysForPrincipalPolicyRequest,
  SimulateCustomPolicyRequest,
  SimulatePolicyResponse,
  SimulatePrincipalPolicyRequest,
} from '@aws-sdk/client-iam';
import { type AccessRequest, HOUR_MS, isoSeconds, parseArn, type RequestContext } from '../../common/index.ts';
import { nameKey, type RoleRecord, type UserRecord, users } from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { onEntity } from './access.ts';
import { slicePage } from './listing.ts';
import {
  checkPolicy,
  givenPolicies,
  invalidInput,
  type PolicySource,
  policySource,
  requiredContextKeys,
  type SimulatedPolicy,
} from './simulated-policies.ts';
import { simulate, type Simulation } from './simulate.ts';

export const simulateCustomPolicy = operation<SimulateCustomPolicyRequest, SimulatePolicyResponse>({
  handle: async (input, call) => {
    if (input.ResourcePolicy !== undefined && input.CallerArn === undefined) {
      throw invalidInput('CallerArn is required when a ResourcePolicy is included.');
    }
    const identity = givenPolicies(input.PolicyInputList, 'PolicyInputList');
    const caller = await callerOf(call, input.CallerArn ?? `arn:aws:iam::${call.account}:user/simulated`);
    const context = input.CallerArn === undefined ? {} : contextOfCaller(caller, {});
    return results(input, call, { caller, identity, boundary: undefined, context });
  },
});

export const simulatePrincipalPolicy = operation<SimulatePrincipalPolicyRequest, SimulatePolicyResponse>({
  authorize: async ({ PolicySourceArn }, call) => onSource(call, 'iam:SimulatePrincipalPolicy', PolicySourceArn),
  handle: async (input, call) => {
    const source = await policySource(call.house.store, call.account, input.PolicySourceArn ?? '');
    if (input.ResourcePolicy !== undefined && input.CallerArn === undefined && source.kind !== 'user') {
      throw invalidInput(
        'CallerArn is required when a ResourcePolicy is included and the policy source is not a user.',
      );
    }
    const caller = input.CallerArn === undefined ? callerFrom(source, call) : await callerOf(call, input.CallerArn);
    const tags = input.CallerArn === undefined && 'tags' in source.entity ? source.entity.tags : {};
    return results(input, call, {
      caller,
      identity: [...source.policies, ...givenPolicies(input.PolicyInputList, 'PolicyInputList')],
      boundary: source.boundary,
      context: contextOfCaller(caller, tags),
    });
  },
});

export const getContextKeysForCustomPolicy = operation<
  GetContextKeysForCustomPolicyRequest,
  GetContextKeysForPolicyResponse
>({
  handle: async ({ PolicyInputList }) => {
    // Policies on resources too: they ask for keys as others do.
    for (const document of PolicyInputList ?? []) checkEither(document);
    return { ContextKeyNames: [...requiredContextKeys((PolicyInputList ?? []).map((document) => ({ document })))] };
  },
});

export const getContextKeysForPrincipalPolicy = operation<
  GetContextKeysForPrincipalPolicyRequest,
  GetContextKeysForPolicyResponse
>({
  authorize: async ({ PolicySourceArn }, call) =>
    onSource(call, 'iam:GetContextKeysForPrincipalPolicy', PolicySourceArn),
  handle: async ({ PolicySourceArn = '', PolicyInputList }, call) => {
    const source = await policySource(call.house.store, call.account, PolicySourceArn);
    for (const document of PolicyInputList ?? []) checkEither(document);
    const given = (PolicyInputList ?? []).map((document) => ({ document }));
    return { ContextKeyNames: [...requiredContextKeys([...source.policies, ...given])] };
  },
});

async function onSource(call: Call, action: string, arn: string | undefined): Promise<readonly AccessRequest[]> {
  const kind = (['user', 'group', 'role'] as const).find((each) => arn?.includes(`:${each}/`));
  if (arn === undefined || kind === undefined) return [{ action, resource: arn ?? '*' }];
  const [request] = await onEntity(call, action, kind, arn.slice(arn.lastIndexOf('/') + 1));
  return [{ ...request, action, resource: arn }];
}

type Asked = Omit<SimulateCustomPolicyRequest, 'PolicyInputList'>;

async function results(
  input: Asked,
  call: Call,
  known: Pick<Simulation, 'caller' | 'identity' | 'boundary' | 'context'>,
): Promise<SimulatePolicyResponse> {
  const actions = input.ActionNames ?? [];
  for (const action of actions) {
    if (!/^[A-Za-z0-9-]+:[A-Za-z0-9]+$/.test(action)) throw invalidInput(`Invalid action name: ${action}`);
  }
  if (input.ResourceHandlingOption !== undefined && actions.some((action) => /^ec2:RunInstances$/i.test(action))) {
    throw invalidInput('ResourceHandlingOption for ec2:RunInstances is not implemented by Sluice.');
  }
  const { caller } = known;
  const controls = await call.house.controlsOf?.(caller.account);
  const simulation: Simulation = {
    ...known,
    region: call.region,
    boundary: boundaryOf(input) ?? known.boundary,
    resourcePolicy: resourcePolicyOf(input),
    serviceControl: controls?.serviceControl,
    resourceOwner: ownerOf(input) ?? caller.account,
    context: {
      'aws:CurrentTime': isoSeconds(call.now),
      'aws:EpochTime': String(Math.floor(call.now / 1000)),
      ...known.context,
      ...contextEntries(input),
    },
  };
  const named = input.ResourceArns === undefined || input.ResourceArns.length === 0 ? [undefined] : input.ResourceArns;
  const pairs = actions.flatMap((action) => named.map((resource) => ({ action, resource })));
  const numbered = pairs.map((pair, i) => ({ ...pair, order: String(i).padStart(6, '0') }));
  // Only what the page shows is decided.
  const { items, end } = slicePage(numbered, ({ order }) => order, input);
  return { EvaluationResults: items.map(({ action, resource }) => simulate(simulation, action, resource)), ...end };
}

function boundaryOf({ PermissionsBoundaryPolicyInputList: list }: Asked): SimulatedPolicy | undefined {
  const [boundary, second] = givenPolicies(list, 'PermissionsBoundaryPolicyInputList');
  if (second !== undefined) throw invalidInput('Only one permissions boundary policy can be included.');
  return boundary;
}

function resourcePolicyOf({ ResourcePolicy }: Asked): SimulatedPolicy | undefined {
  if (ResourcePolicy === undefined) return undefined;
  checkPolicy(ResourcePolicy, /"sts:/i.test(ResourcePolicy) ? 'trust' : 'resource');
  return { id: 'ResourcePolicy', type: 'resource', document: ResourcePolicy };
}

function ownerOf({ ResourceOwner }: Asked): string | undefined {
  if (ResourceOwner === undefined) return undefined;
  const account = /^\d{12}$/.test(ResourceOwner) ? ResourceOwner : parseArn(ResourceOwner)?.account;
  if (account === undefined || !/^\d{12}$/.test(account)) throw invalidInput(`Invalid ResourceOwner: ${ResourceOwner}`);
  return account;
}

function contextEntries({ ContextEntries }: Asked): RequestContext {
  const entries = (ContextEntries ?? []).map(({ ContextKeyName, ContextKeyValues, ContextKeyType }) => {
    if (ContextKeyName === undefined || ContextKeyType === undefined) throw invalidInput('Invalid context entry.');
    const values = ContextKeyValues ?? [];
    if (!ContextKeyType.endsWith('List') && values.length > 1) {
      throw invalidInput(`The context key ${ContextKeyName} of type ${ContextKeyType} has more than one value.`);
    }
    return [ContextKeyName, ContextKeyType.endsWith('List') ? values : (values[0] ?? '')] as const;
  });
  return Object.fromEntries(entries);
}

/** AWS takes the ARN of a user, who need not exist. */
async function callerOf(call: Call, arn: string): Promise<Simulation['caller']> {
  const parsed = parseArn(arn);
  const userName = /^user\/(?:.*\/)?([^/]+)$/.exec(parsed?.resource ?? '')?.[1];
  if (parsed?.service !== 'iam' || !/^\d{12}$/.test(parsed.account) || userName === undefined) {
    throw invalidInput(`Invalid CallerArn: ${arn} is not the ARN of a user`);
  }
  const { account } = parsed;
  const user = (await users.get(call.house.store, nameKey(account, userName)))?.document;
  const userId = user?.arn === arn ? user.userId : 'AIDASIMULATED';
  return { type: 'User', account, arn, userName, userId };
}

/** A session of the role, the user, or anybody in the group. */
function callerFrom({ kind, account, entity }: PolicySource, call: Call): Simulation['caller'] {
  if (kind === 'user') {
    const { userName, userId, arn } = entity as UserRecord;
    return { type: 'User', account, arn, userName, userId };
  }
  if (kind === 'group') {
    const userName = 'simulated';
    return {
      type: 'User',
      account,
      arn: `arn:aws:iam::${account}:user/${userName}`,
      userName,
      userId: 'AIDASIMULATED',
    };
  }
  const { roleName, roleId, arn } = entity as RoleRecord;
  return {
    type: 'AssumedRole',
    account,
    arn: `arn:aws:sts::${account}:assumed-role/${roleName}/simulated`,
    roleArn: arn,
    roleName,
    roleId,
    sessionName: 'simulated',
    issuedAt: call.now,
    expiresAt: call.now + HOUR_MS,
  };
}

function contextOfCaller(caller: Simulation['caller'], tags: Readonly<Record<string, string>>): RequestContext {
  return {
    'aws:PrincipalArn': caller.type === 'AssumedRole' ? caller.roleArn : caller.arn,
    'aws:PrincipalAccount': caller.account,
    'aws:PrincipalType': caller.type,
    ...(caller.type === 'User' ? { 'aws:username': caller.userName, 'aws:userid': caller.userId } : {}),
    ...(caller.type === 'AssumedRole' ? { 'aws:userid': `${caller.roleId}:${caller.sessionName}` } : {}),
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value])),
  };
}

function checkEither(document: string): void {
  checkPolicy(document, /"(?:Not)?Principal"\s*:/.test(document) ? 'resource' : 'identity');
}
