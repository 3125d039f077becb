/** Event buses and their policies. Source: EventBridge API Reference. */
import type {
  CreateEventBusRequest,
  CreateEventBusResponse,
  DeleteEventBusRequest,
  DescribeEventBusRequest,
  DescribeEventBusResponse,
  ListEventBusesRequest,
  ListEventBusesResponse,
  PutPermissionRequest,
  RemovePermissionRequest,
} from '@aws-sdk/client-eventbridge';
import { AwsError } from '../../common/index.ts';
import { resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import { bindPolicy, shownPolicy } from '../bound-policies.ts';
import { type Call, operation } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import { type Bus, busArn, buses, ownBus, requireBus, rules } from './records.ts';

type Statement = Readonly<{ Sid?: string }>;

export const createEventBus = operation<CreateEventBusRequest, CreateEventBusResponse>({
  authorize: ({ Name }, call) => [{ action: 'events:CreateEventBus', resource: busArn(call, Name ?? '') }],
  handle: async (input, call) => {
    const name = input.Name ?? '';
    for (const member of ['EventSourceName', 'KmsKeyIdentifier', 'DeadLetterConfig', 'LogConfig'] as const) {
      if (input[member] !== undefined)
        throw new AwsError('ValidationException', `${member} of CreateEventBus is not implemented by Sluice.`);
    }
    if (name === 'default' || name.includes('/'))
      throw new AwsError('ValidationException', 'Event bus name default and names with / are reserved.');
    const tags = Object.fromEntries((input.Tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
    const bus: Bus = { name, createdAt: call.now, changedAt: call.now, description: input.Description, tags };
    const made = await buses.insert(call.house.store, keyOf(call, name), bus);
    if (!made) throw new AwsError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
    return {
      EventBusArn: busArn(call, name),
      ...(input.Description === undefined ? {} : { Description: input.Description }),
    };
  },
});

/** Deleting a bus that is not there succeeds. */
export const deleteEventBus = operation<DeleteEventBusRequest, object>({
  authorize: ({ Name }, call) => [{ action: 'events:DeleteEventBus', resource: busArn(call, ownBus(Name, call)) }],
  handle: async (input, call) => {
    const name = ownBus(input.Name, call);
    if (name === 'default') throw new AwsError('ValidationException', 'Cannot delete event bus default.');
    await call.house.store.transaction(async (tx) => {
      if ((await rules.count(tx, { account: call.account, region: call.region, parent: name })) > 0) {
        throw new AwsError('ValidationException', `Event bus ${name} can't be deleted since it has rules.`);
      }
      await buses.delete(tx, keyOf(call, name));
    });
    return {};
  },
});

export const describeEventBus = operation<DescribeEventBusRequest, DescribeEventBusResponse>({
  authorize: ({ Name }, call) => [{ action: 'events:DescribeEventBus', resource: busArn(call, ownBus(Name, call)) }],
  handle: async (input, call) => {
    const bus = await requireBus(call.house.store, call, ownBus(input.Name, call));
    return shown(await withShownPolicy(call, bus), call);
  },
});

export const listEventBuses = operation<ListEventBusesRequest, ListEventBusesResponse>({
  handle: async (input, call) => {
    const limit = input.Limit ?? 100;
    const after = decodePage(input.NextToken);
    const stored = await buses.list(call.house.store, {
      account: call.account,
      region: call.region,
      ...(input.NamePrefix === undefined ? {} : { idPrefix: input.NamePrefix }),
      ...(after === undefined ? {} : { after }),
      limit: limit + 1,
    });
    const page = stored.slice(0, limit);
    const found = page.map(({ document }) => document);
    const first =
      after === undefined &&
      'default'.startsWith(input.NamePrefix ?? '') &&
      !found.some((bus) => bus.name === 'default');
    if (first) found.unshift({ name: 'default', createdAt: 0, changedAt: 0, tags: {} });
    return {
      EventBuses: await Promise.all(found.map(async (bus) => shown(await withShownPolicy(call, bus), call))),
      ...(stored.length > limit ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const putPermission = operation<PutPermissionRequest, object>({
  handle: async (input, call) => {
    const name = ownBus(input.EventBusName, call);
    if (input.Policy !== undefined) {
      const problem = resourcePolicyProblem(input.Policy);
      const refuse = (reason: string): Error =>
        new AwsError('ValidationException', `Parameter Policy is not valid: ${reason}`);
      if (problem !== undefined) throw refuse(problem);
      const bound = await bindPolicy(call.house.store, call.account, input.Policy, (principal) =>
        refuse(`Invalid principal in policy: "AWS":"${principal}"`),
      );
      return change(call, name, (bus) => ({ ...bus, ...bound }));
    }
    const { StatementId, Action, Principal } = input;
    if (StatementId === undefined || Action === undefined || Principal === undefined) {
      throw new AwsError(
        'ValidationException',
        'StatementId, Action and Principal are required when no Policy is given.',
      );
    }
    const statement = {
      Sid: StatementId,
      Effect: 'Allow',
      Principal: Principal === '*' ? '*' : { AWS: `arn:aws:iam::${Principal}:root` },
      Action,
      Resource: busArn(call, name),
      ...(input.Condition === undefined
        ? {}
        : { Condition: { [input.Condition.Type ?? '']: { [input.Condition.Key ?? '']: input.Condition.Value } } }),
    };
    return change(call, name, (bus) => {
      const others = statementsOf(bus).filter((other) => other.Sid !== StatementId);
      return { ...bus, policy: JSON.stringify({ Version: '2012-10-17', Statement: [...others, statement] }) };
    });
  },
});

export const removePermission = operation<RemovePermissionRequest, object>({
  handle: (input, call) =>
    change(call, ownBus(input.EventBusName, call), (bus) => {
      const statements = statementsOf(bus);
      const left =
        input.RemoveAllPermissions === true
          ? []
          : statements.filter((statement) => statement.Sid !== input.StatementId);
      if (input.RemoveAllPermissions !== true && left.length === statements.length) {
        throw new AwsError('ResourceNotFoundException', `Statement with the provided id does not exist.`);
      }
      return {
        ...bus,
        policy: left.length === 0 ? undefined : JSON.stringify({ Version: '2012-10-17', Statement: left }),
      };
    }),
});

async function change(call: Call, name: string, to: (bus: Bus) => Bus): Promise<object> {
  await call.house.store.transaction(async (tx) => {
    const bus = await requireBus(tx, call, name);
    await buses.put(tx, keyOf(call, name), { ...to(bus), changedAt: call.now });
  });
  return {};
}

function statementsOf(bus: Bus): readonly Statement[] {
  if (bus.policy === undefined) return [];
  const { Statement } = JSON.parse(bus.policy) as { Statement?: Statement | readonly Statement[] };
  return Array.isArray(Statement)
    ? (Statement as readonly Statement[])
    : Statement === undefined
      ? []
      : [Statement as Statement];
}

async function withShownPolicy(call: Call, bus: Bus): Promise<Bus> {
  const { policy, policyPrincipals } = bus;
  return policy === undefined ? bus : { ...bus, policy: await shownPolicy(call.house.store, policy, policyPrincipals) };
}

function shown(bus: Bus, call: Call): DescribeEventBusResponse {
  return {
    Name: bus.name,
    Arn: busArn(call, bus.name),
    ...(bus.policy === undefined ? {} : { Policy: bus.policy }),
    ...(bus.description === undefined ? {} : { Description: bus.description }),
    ...(bus.createdAt === 0
      ? {}
      : { CreationTime: new Date(bus.createdAt), LastModifiedTime: new Date(bus.changedAt) }),
  };
}

function keyOf(call: Call, name: string): { account: string; region: string; id: string } {
  return { account: call.account, region: call.region, id: name };
}
