/** Stacks, their resources and events, as they are shown. Source: CloudFormation API Reference, DescribeStacks and its like. */
import type {
  DescribeStackEventsInput,
  DescribeStackEventsOutput,
  DescribeStackResourceInput,
  DescribeStackResourceOutput,
  DescribeStackResourcesInput,
  DescribeStackResourcesOutput,
  DescribeStacksInput,
  DescribeStacksOutput,
  GetTemplateInput,
  GetTemplateOutput,
  ListStackResourcesInput,
  ListStackResourcesOutput,
  ListStacksInput,
  ListStacksOutput,
  Stack as StackShape,
} from '@aws-sdk/client-cloudformation';
import type { Json } from '../../common/index.ts';
import type { StackResource } from '../../core/cloudformation-stack/index.ts';
import { NO_ECHO } from '../../core/cloudformation-template/index.ts';
import { decodePage, decodeToken, encodePage, encodeToken } from '../pages.ts';
import { operation } from '../service.ts';
import { stackAccess } from './access.ts';
import { requireChangeSet } from './change-set-records.ts';
import { invalid, pick, requireStack, type Stack, type StackConfiguration, stacks } from './records.ts';

const PAGE = 100;

export const describeStacks = operation<DescribeStacksInput, DescribeStacksOutput>({
  authorize: (input, call) => stackAccess(call, 'DescribeStacks', input),
  async handle({ StackName, NextToken }, call) {
    const { store } = call.house;
    if (StackName !== undefined) return { Stacks: [shape(await requireStack(store, call, StackName))] };
    const after = decodePage(NextToken, invalidToken);
    const stored = await stacks.list(store, {
      ...pick(call),
      limit: PAGE + 1,
      ...(after === undefined ? {} : { after }),
    });
    const page = stored.slice(0, PAGE);
    return {
      Stacks: page.flatMap(({ document }) => (document.status === 'DELETE_COMPLETE' ? [] : [shape(document)])),
      ...(stored.length > PAGE ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const listStacks = operation<ListStacksInput, ListStacksOutput>({
  async handle({ StackStatusFilter = [], NextToken }, call) {
    const after = decodePage(NextToken, invalidToken);
    const stored = await stacks.list(call.house.store, {
      ...pick(call),
      limit: PAGE + 1,
      ...(after === undefined ? {} : { after }),
    });
    const page = stored.slice(0, PAGE);
    const wanted = page.filter(
      ({ document: { status } }) => StackStatusFilter.length === 0 || StackStatusFilter.includes(status),
    );
    return {
      StackSummaries: wanted.map(({ document }) => {
        const {
          StackId,
          StackName,
          CreationTime,
          LastUpdatedTime,
          DeletionTime,
          StackStatus,
          StackStatusReason,
          Description,
        } = shape(document);
        return {
          StackId,
          StackName,
          CreationTime,
          StackStatus,
          ...(LastUpdatedTime === undefined ? {} : { LastUpdatedTime }),
          ...(DeletionTime === undefined ? {} : { DeletionTime }),
          ...(StackStatusReason === undefined ? {} : { StackStatusReason }),
          ...(Description === undefined ? {} : { TemplateDescription: Description }),
        };
      }),
      ...(stored.length > PAGE ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

/** What stands, or what is being made of it. */
export function shownConfiguration({ operation: underway, current, latest }: Stack): StackConfiguration | undefined {
  return underway?.target ?? current ?? latest;
}

function shape(stack: Stack): StackShape {
  const shown = shownConfiguration(stack);
  const outputs = stack.current?.plan.outputs ?? {};
  return {
    StackId: stack.stackId,
    StackName: stack.stackName,
    CreationTime: new Date(stack.createdAt),
    StackStatus: stack.status,
    ...(stack.statusReason === undefined ? {} : { StackStatusReason: stack.statusReason }),
    ...(stack.updatedAt === undefined ? {} : { LastUpdatedTime: new Date(stack.updatedAt) }),
    ...(stack.deletedAt === undefined ? {} : { DeletionTime: new Date(stack.deletedAt) }),
    ...(shown?.description === undefined ? {} : { Description: shown.description }),
    ...(shown?.roleArn === undefined ? {} : { RoleARN: shown.roleArn }),
    Parameters: parametersOf(shown),
    Capabilities: [...(shown?.capabilities ?? [])] as NonNullable<StackShape['Capabilities']>,
    Tags: tagsOf(shown),
    Outputs: Object.entries(stack.outputs).map(([OutputKey, OutputValue]) => ({
      OutputKey,
      OutputValue,
      ...(outputs[OutputKey]?.description === undefined ? {} : { Description: outputs[OutputKey].description }),
    })),
    DisableRollback: shown?.disableRollback ?? false,
    NotificationARNs: [],
    RollbackConfiguration: {},
    EnableTerminationProtection: false,
    DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
  };
}

export function parametersOf(
  configuration: StackConfiguration | undefined,
): { ParameterKey: string; ParameterValue: string }[] {
  return (configuration?.parameters ?? []).map(({ key, value }) => ({
    ParameterKey: key,
    ParameterValue: value ?? '****',
  }));
}

export function tagsOf(configuration: StackConfiguration | undefined): { Key: string; Value: string }[] {
  return Object.entries(configuration?.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
}

export const describeStackEvents = operation<DescribeStackEventsInput, DescribeStackEventsOutput>({
  authorize: (input, call) => stackAccess(call, 'DescribeStackEvents', input),
  async handle({ StackName = '', NextToken }, call) {
    const stack = await requireStack(call.house.store, call, StackName);
    const { before } = NextToken === undefined ? {} : decodeToken(NextToken, invalidToken);
    if (NextToken !== undefined && typeof before !== 'number') throw invalidToken();
    const newest = stack.events.filter(({ number }) => typeof before !== 'number' || number < before).toReversed();
    const page = newest.slice(0, PAGE);
    return {
      StackEvents: page.map(
        ({ number, at, logicalId, physicalId, type, status, reason, properties, clientRequestToken }) => ({
          StackId: stack.stackId,
          StackName: stack.stackName,
          EventId: `${logicalId}-${status}-${String(number).padStart(6, '0')}`,
          LogicalResourceId: logicalId,
          PhysicalResourceId: physicalId,
          ResourceType: type,
          Timestamp: new Date(at),
          ResourceStatus: status as 'CREATE_COMPLETE',
          ...(reason === undefined ? {} : { ResourceStatusReason: reason }),
          ...(properties === undefined ? {} : { ResourceProperties: JSON.stringify(masked(properties)) }),
          ...(clientRequestToken === undefined ? {} : { ClientRequestToken: clientRequestToken }),
        }),
      ),
      ...(newest.length > PAGE ? { NextToken: encodeToken({ before: page.at(-1)?.number }) } : {}),
    };
  },
});

/** Properties with NoEcho parameters as `****`. */
function masked(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(masked);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Readonly<Record<string, Json>>);
  return entries.some(([key]) => key === NO_ECHO)
    ? '****'
    : Object.fromEntries(entries.map(([key, each]) => [key, masked(each)]));
}

export const describeStackResource = operation<DescribeStackResourceInput, DescribeStackResourceOutput>({
  authorize: (input, call) => stackAccess(call, 'DescribeStackResource', input),
  async handle({ StackName = '', LogicalResourceId = '' }, call) {
    const stack = await requireStack(call.house.store, call, StackName);
    const resource = Object.hasOwn(stack.resources, LogicalResourceId) ? stack.resources[LogicalResourceId] : undefined;
    if (resource === undefined) throw noResource(LogicalResourceId, StackName);
    const { Timestamp, ...shown } = resourceShape(stack, resource);
    return { StackResourceDetail: { ...shown, LastUpdatedTimestamp: Timestamp } };
  },
});

export const describeStackResources = operation<DescribeStackResourcesInput, DescribeStackResourcesOutput>({
  authorize: (input, call) => stackAccess(call, 'DescribeStackResources', input),
  async handle({ StackName, LogicalResourceId, PhysicalResourceId }, call) {
    const { store } = call.house;
    if ((StackName === undefined) === (PhysicalResourceId === undefined))
      throw invalid('Exactly one of StackName or PhysicalResourceId must be specified.');
    const has = ({ physicalId, status }: StackResource): boolean =>
      physicalId === PhysicalResourceId && status !== 'DELETE_COMPLETE';
    const stack =
      StackName === undefined
        ? (await stacks.list(store, pick(call))).find(({ document }) => Object.values(document.resources).some(has))
            ?.document
        : await requireStack(store, call, StackName);
    if (stack === undefined) throw invalid(`Stack for ${PhysicalResourceId} does not exist`);
    const wanted = Object.values(stack.resources).filter(
      ({ logicalId }) => LogicalResourceId === undefined || logicalId === LogicalResourceId,
    );
    if (LogicalResourceId !== undefined && wanted.length === 0) throw noResource(LogicalResourceId, stack.stackName);
    return { StackResources: wanted.slice(0, PAGE).map((each) => resourceShape(stack, each)) };
  },
});

export const listStackResources = operation<ListStackResourcesInput, ListStackResourcesOutput>({
  authorize: (input, call) => stackAccess(call, 'ListStackResources', input),
  async handle({ StackName = '', NextToken }, call) {
    const stack = await requireStack(call.house.store, call, StackName);
    const { after } = NextToken === undefined ? {} : decodeToken(NextToken, invalidToken);
    if (NextToken !== undefined && typeof after !== 'string') throw invalidToken();
    const all = Object.values(stack.resources)
      .filter(({ logicalId }) => typeof after !== 'string' || logicalId > after)
      .toSorted((a, b) => (a.logicalId < b.logicalId ? -1 : 1));
    const page = all.slice(0, PAGE);
    return {
      StackResourceSummaries: page.map((each) => {
        const { Timestamp, StackId: _id, StackName: _name, ...shown } = resourceShape(stack, each);
        return { ...shown, LastUpdatedTimestamp: Timestamp };
      }),
      ...(all.length > PAGE ? { NextToken: encodeToken({ after: page.at(-1)?.logicalId }) } : {}),
    };
  },
});

function resourceShape(stack: Stack, { logicalId, physicalId, type, status, reason, updatedAt }: StackResource) {
  return {
    StackId: stack.stackId,
    StackName: stack.stackName,
    LogicalResourceId: logicalId,
    ResourceType: type,
    ResourceStatus: status as 'CREATE_COMPLETE',
    Timestamp: new Date(updatedAt),
    ...(physicalId === undefined ? {} : { PhysicalResourceId: physicalId }),
    ...(reason === undefined ? {} : { ResourceStatusReason: reason }),
    DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' as const },
  };
}

export const getTemplate = operation<GetTemplateInput, GetTemplateOutput>({
  authorize: (input, call) => stackAccess(call, 'GetTemplate', input),
  async handle({ StackName, ChangeSetName }, call) {
    const { store } = call.house;
    const found =
      ChangeSetName === undefined
        ? shownConfiguration(await requireStack(store, call, StackName ?? ''))
        : (await requireChangeSet(store, call, ChangeSetName, StackName)).target;
    if (found === undefined) throw invalid(`Stack ${StackName} has no template`);
    return { TemplateBody: found.templateBody, StagesAvailable: ['Original', 'Processed'] };
  },
});

function noResource(logicalId: string, stackName: string) {
  return invalid(`Resource ${logicalId} does not exist for stack ${stackName}`);
}

function invalidToken() {
  return invalid('NextToken is not one of a page before.');
}
