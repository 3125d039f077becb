/** Rules, their targets and tags. Source: EventBridge API Reference; User Guide, "Quotas". */
import type {
  DeleteRuleRequest,
  DescribeRuleRequest,
  DescribeRuleResponse,
  DisableRuleRequest,
  EnableRuleRequest,
  ListRuleNamesByTargetRequest,
  ListRuleNamesByTargetResponse,
  ListRulesRequest,
  ListRulesResponse,
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  ListTargetsByRuleRequest,
  ListTargetsByRuleResponse,
  PutRuleRequest,
  PutRuleResponse,
  PutTargetsRequest,
  PutTargetsResponse,
  RemoveTargetsRequest,
  RemoveTargetsResponse,
  TagResourceRequest,
  TestEventPatternRequest,
  TestEventPatternResponse,
  UntagResourceRequest,
} from '@aws-sdk/client-eventbridge';
import { type AccessRequest, AwsError, type Json, parseArn, type RequestContext } from '../../common/index.ts';
import { compilePattern } from '../../core/event-pattern/index.ts';
import { parseSchedule } from '../../core/schedule/index.ts';
import type { Tx } from '../../store/index.ts';
import { passRole } from '../pass-role.ts';
import { type Call, operation } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import {
  buses,
  ownBus,
  parseRuleArn,
  requireBus,
  requireRule,
  type Rule,
  ruleArn,
  ruleKey,
  rules,
  type Tags,
} from './records.ts';
import { stopSchedule, syncSchedule } from './schedules.ts';
import { checkTarget } from './targets.ts';

const MOST_TARGETS = 5;
const MOST_TAGS = 50;

const onRule = (
  action: string,
  input: { EventBusName?: string | undefined },
  name: string | undefined,
  call: Call,
): AccessRequest[] => [
  {
    action: `events:${action}`,
    resource: ruleArn(call, ownBus(input.EventBusName, call), name ?? ''),
    context: { 'events:creatorAccount': call.account },
  },
];

const passToRule = (
  roleArn: string | undefined,
  input: { EventBusName?: string | undefined },
  name: string | undefined,
  call: Call,
): readonly AccessRequest[] =>
  passRole(roleArn, 'events.amazonaws.com', ruleArn(call, ownBus(input.EventBusName, call), name ?? ''));

/** The request with more condition keys. Source: Service Authorization Reference, "Condition keys for Amazon EventBridge". */
const withKeys = (requests: readonly AccessRequest[], keys: RequestContext): AccessRequest[] =>
  requests.map((request) => ({ ...request, context: { ...request.context, ...keys } }));

/** The fields of a pattern that are condition keys: its literal values, where it has nothing but such. */
const PATTERN_KEYS = [
  'source',
  'detail-type',
  'detail.service',
  'detail.eventTypeCode',
  'detail.userIdentity.principalId',
];

function patternKeys(pattern: string | undefined): RequestContext {
  let fields: unknown;
  try {
    fields = JSON.parse(pattern ?? '{}');
  } catch {
    return {};
  }
  const keys: Record<string, readonly string[]> = {};
  for (const field of PATTERN_KEYS) {
    let values = fields;
    for (const step of field.split('.')) values = (values as Record<string, unknown> | null | undefined)?.[step];
    if (Array.isArray(values) && values.every((value) => typeof value === 'string')) keys[`events:${field}`] = values;
  }
  return keys;
}

export const putRule = operation<PutRuleRequest, PutRuleResponse>({
  authorize: (input, call) => [
    ...withKeys(onRule('PutRule', input, input.Name, call), patternKeys(input.EventPattern)),
    ...passToRule(input.RoleArn, input, input.Name, call),
  ],
  handle: async (input, call) => {
    const bus = ownBus(input.EventBusName, call);
    const name = input.Name ?? '';
    checkExpressions(input, bus);
    if (input.State === 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS') {
      throw new AwsError(
        'ValidationException',
        'State ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS is not implemented by Sluice.',
      );
    }
    await call.house.store.transaction(async (tx) => {
      await requireBus(tx, call, bus);
      const key = ruleKey(call, bus, name);
      const before = await rules.getForUpdate(tx, key);
      const same = before?.document.schedule === input.ScheduleExpression;
      const rule: Rule = {
        name,
        bus,
        pattern: input.EventPattern,
        schedule: input.ScheduleExpression,
        enabled: input.State !== 'DISABLED',
        description: input.Description,
        roleArn: input.RoleArn,
        scheduledAt: same && before !== undefined ? before.document.scheduledAt : call.now,
        targets: before?.document.targets ?? [],
        tags: before?.document.tags ?? tagsOf(input.Tags),
      };
      await rules.put(tx, key, rule, { parent: bus, sort: name });
      await syncSchedule(tx, call.house, key, rule);
    });
    return { RuleArn: ruleArn(call, bus, name) };
  },
});

function checkExpressions(input: PutRuleRequest, bus: string): void {
  if (input.EventPattern === undefined && input.ScheduleExpression === undefined) {
    throw new AwsError('ValidationException', 'Parameter(s) EventPattern or ScheduleExpression must be specified.');
  }
  if (input.EventPattern !== undefined) {
    const compiled = compilePattern(input.EventPattern);
    if ('invalid' in compiled)
      throw new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${compiled.invalid}`);
  }
  if (input.ScheduleExpression === undefined) return;
  if (parseSchedule(input.ScheduleExpression) === undefined)
    throw new AwsError('ValidationException', 'Parameter ScheduleExpression is not valid.');
  if (bus !== 'default')
    throw new AwsError('ValidationException', 'ScheduleExpression is supported only on the default event bus.');
}

/** Deleting a rule that is not there succeeds. */
export const deleteRule = operation<DeleteRuleRequest, object>({
  authorize: (input, call) => onRule('DeleteRule', input, input.Name, call),
  handle: async (input, call) => {
    const key = ruleKey(call, ownBus(input.EventBusName, call), input.Name ?? '');
    await call.house.store.transaction(async (tx) => {
      const rule = await rules.getForUpdate(tx, key);
      if ((rule?.document.targets.length ?? 0) > 0)
        throw new AwsError('ValidationException', "Rule can't be deleted since it has targets.");
      await rules.delete(tx, key);
      await stopSchedule(tx, call.house, key);
    });
    return {};
  },
});

export const describeRule = operation<DescribeRuleRequest, DescribeRuleResponse>({
  authorize: (input, call) => onRule('DescribeRule', input, input.Name, call),
  handle: async (input, call) => {
    const rule = await requireRule(call.house.store, call, ownBus(input.EventBusName, call), input.Name ?? '');
    return { ...shown(rule.document, call), CreatedBy: call.account };
  },
});

export const listRules = operation<ListRulesRequest, ListRulesResponse>({
  authorize: (input, call) => onRule('ListRules', input, '*', call),
  handle: async (input, call) => {
    const bus = ownBus(input.EventBusName, call);
    await requireBus(call.house.store, call, bus);
    const limit = input.Limit ?? 100;
    const after = decodePage(input.NextToken);
    const stored = await rules.list(call.house.store, {
      account: call.account,
      region: call.region,
      parent: bus,
      idPrefix: `${bus}\n${input.NamePrefix ?? ''}`,
      ...(after === undefined ? {} : { after }),
      limit: limit + 1,
    });
    const page = stored.slice(0, limit);
    return {
      Rules: page.map(({ document }) => shown(document, call)),
      ...(stored.length > limit ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const listRuleNamesByTarget = operation<ListRuleNamesByTargetRequest, ListRuleNamesByTargetResponse>({
  authorize: (input, call) => onRule('ListRuleNamesByTarget', input, '*', call),
  handle: async (input, call) => {
    const bus = ownBus(input.EventBusName, call);
    await requireBus(call.house.store, call, bus);
    const limit = input.Limit ?? 100;
    const after = decodePage(input.NextToken);
    const all = await rules.list(call.house.store, {
      account: call.account,
      region: call.region,
      parent: bus,
      ...(after === undefined ? {} : { after }),
    });
    const found = all.filter(({ document }) => document.targets.some((target) => target.Arn === input.TargetArn));
    const page = found.slice(0, limit);
    return {
      RuleNames: page.map(({ document }) => document.name),
      ...(found.length > limit ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const enableRule = operation<EnableRuleRequest, object>({
  authorize: (input, call) => onRule('EnableRule', input, input.Name, call),
  handle: (input, call) => changeRule(call, input, (rule) => ({ ...rule, enabled: true })),
});

export const disableRule = operation<DisableRuleRequest, object>({
  authorize: (input, call) => onRule('DisableRule', input, input.Name, call),
  handle: (input, call) => changeRule(call, input, (rule) => ({ ...rule, enabled: false })),
});

export const putTargets = operation<PutTargetsRequest, PutTargetsResponse>({
  authorize: (input, call) => [
    ...withKeys(onRule('PutTargets', input, input.Rule, call), {
      'events:TargetArn': (input.Targets ?? []).map((target) => target.Arn ?? ''),
    }),
    ...(input.Targets ?? []).flatMap((target) => passToRule(target.RoleArn, input, input.Rule, call)),
  ],
  handle: async (input, call) => {
    const wanted = input.Targets ?? [];
    for (const target of wanted) checkTarget(target);
    await changeRule(call, { Name: input.Rule, EventBusName: input.EventBusName }, (rule) => {
      const others = rule.targets.filter((target) => !wanted.some((other) => other.Id === target.Id));
      const targets = [...others, ...wanted];
      if (targets.length > MOST_TARGETS)
        throw new AwsError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
      return { ...rule, targets };
    });
    return { FailedEntryCount: 0, FailedEntries: [] };
  },
});

export const removeTargets = operation<RemoveTargetsRequest, RemoveTargetsResponse>({
  authorize: (input, call) => onRule('RemoveTargets', input, input.Rule, call),
  handle: async (input, call) => {
    await changeRule(call, { Name: input.Rule, EventBusName: input.EventBusName }, (rule) => ({
      ...rule,
      targets: rule.targets.filter((target) => !(input.Ids ?? []).includes(target.Id ?? '')),
    }));
    return { FailedEntryCount: 0, FailedEntries: [] };
  },
});

export const listTargetsByRule = operation<ListTargetsByRuleRequest, ListTargetsByRuleResponse>({
  authorize: (input, call) => onRule('ListTargetsByRule', input, input.Rule, call),
  handle: async (input, call) => {
    const rule = await requireRule(call.house.store, call, ownBus(input.EventBusName, call), input.Rule ?? '');
    const limit = input.Limit ?? 100;
    const from = Number(decodePage(input.NextToken)?.sort ?? 0);
    const targets = rule.document.targets.slice(from, from + limit);
    const more = from + limit < rule.document.targets.length;
    return {
      Targets: [...targets],
      ...(more ? { NextToken: encodePage({ ...rule, sort: String(from + limit) }) } : {}),
    };
  },
});

export const testEventPattern = operation<TestEventPatternRequest, TestEventPatternResponse>({
  handle: async (input) => {
    const compiled = compilePattern(input.EventPattern ?? '');
    if ('invalid' in compiled)
      throw new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${compiled.invalid}`);
    let event: Record<string, Json>;
    try {
      event = JSON.parse(input.Event ?? '') as Record<string, Json>;
    } catch {
      throw new AwsError('ValidationException', 'Parameter Event is not valid.');
    }
    const missing = ['id', 'account', 'source', 'time', 'region', 'resources', 'detail-type'].filter(
      (name) => event?.[name] === undefined,
    );
    if (missing.length > 0) throw new AwsError('ValidationException', 'Parameter Event is not valid.');
    return { Result: compiled.matches(event) };
  },
});

/** A bus or rule by its ARN; a rule is its account's own. */
function onTagged(action: string, arn: string | undefined): readonly AccessRequest[] {
  const account = parseArn(arn ?? '')?.account;
  return [
    {
      action: `events:${action}`,
      resource: arn ?? '*',
      ...(account === undefined || !/:rule\//.test(arn ?? '') ? {} : { context: { 'events:creatorAccount': account } }),
    },
  ];
}

export const tagResource = operation<TagResourceRequest, object>({
  authorize: (input) => onTagged('TagResource', input.ResourceARN),
  handle: (input, call) => retag(call, input.ResourceARN ?? '', (tags) => ({ ...tags, ...tagsOf(input.Tags) })),
});

export const untagResource = operation<UntagResourceRequest, object>({
  authorize: (input) => onTagged('UntagResource', input.ResourceARN),
  handle: (input, call) =>
    retag(call, input.ResourceARN ?? '', (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !(input.TagKeys ?? []).includes(key))),
    ),
});

export const listTagsForResource = operation<ListTagsForResourceRequest, ListTagsForResourceResponse>({
  authorize: (input) => onTagged('ListTagsForResource', input.ResourceARN),
  handle: async (input, call) => {
    const arn = input.ResourceARN ?? '';
    const name = ruleOf(arn, call);
    const tags =
      name === undefined
        ? await tagsOfBus(call, arn)
        : (await requireRule(call.house.store, call, name.bus, name.name)).document.tags;
    return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
  },
});

/** The rule that an ARN of this account and Region names; undefined for a bus. */
function ruleOf(arn: string, call: Call): ReturnType<typeof parseRuleArn> {
  const parsed = parseArn(arn);
  if (parsed === undefined || parsed.service !== 'events')
    throw new AwsError(
      'ValidationException',
      `Parameter ${arn} is not valid. Reason: Provided Arn is not in correct format.`,
    );
  if (parsed.account !== call.account || parsed.region !== call.region)
    throw new AwsError('ResourceNotFoundException', `${arn} does not exist.`);
  return parseRuleArn(arn);
}

async function tagsOfBus(call: Call, arn: string): Promise<Tags> {
  return (await requireBus(call.house.store, call, ownBus(arn, call))).tags;
}

async function retag(call: Call, arn: string, change: (tags: Tags) => Tags): Promise<object> {
  const checked = (tags: Tags): Tags => {
    const next = change(tags);
    if (Object.keys(next).length > MOST_TAGS)
      throw new AwsError('LimitExceededException', `A resource can have at most ${MOST_TAGS} tags.`);
    return next;
  };
  const name = ruleOf(arn, call);
  if (name !== undefined)
    return changeRule(call, { Name: name.name, EventBusName: name.bus }, (rule) => ({
      ...rule,
      tags: checked(rule.tags),
    }));
  await call.house.store.transaction(async (tx) => {
    const bus = await requireBus(tx, call, ownBus(arn, call));
    await buses.put(
      tx,
      { account: call.account, region: call.region, id: bus.name },
      { ...bus, tags: checked(bus.tags) },
    );
  });
  return {};
}

async function changeRule(
  call: Call,
  input: Readonly<{ Name?: string | undefined; EventBusName?: string | undefined }>,
  change: (rule: Rule) => Rule,
): Promise<object> {
  await call.house.store.transaction(async (tx: Tx) => {
    const stored = await requireRule(tx, call, ownBus(input.EventBusName, call), input.Name ?? '');
    const rule = change(stored.document);
    await rules.update(tx, stored.key, rule);
    await syncSchedule(tx, call.house, stored.key, rule);
  });
  return {};
}

function shown(rule: Rule, call: Call): DescribeRuleResponse {
  return {
    Name: rule.name,
    Arn: ruleArn(call, rule.bus, rule.name),
    ...(rule.pattern === undefined ? {} : { EventPattern: rule.pattern }),
    ...(rule.schedule === undefined ? {} : { ScheduleExpression: rule.schedule }),
    State: rule.enabled ? 'ENABLED' : 'DISABLED',
    ...(rule.description === undefined ? {} : { Description: rule.description }),
    ...(rule.roleArn === undefined ? {} : { RoleArn: rule.roleArn }),
    EventBusName: rule.bus,
  };
}

function tagsOf(tags: readonly Readonly<{ Key: string | undefined; Value: string | undefined }>[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
}
