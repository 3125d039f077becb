/** Log groups, their streams, retention and tags. Source: CloudWatch Logs API Reference. */
import type {
  CreateLogGroupRequest,
  CreateLogStreamRequest,
  DeleteLogGroupRequest,
  DeleteLogStreamRequest,
  DeleteRetentionPolicyRequest,
  DescribeLogGroupsRequest,
  DescribeLogGroupsResponse,
  DescribeLogStreamsRequest,
  DescribeLogStreamsResponse,
  PutRetentionPolicyRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '../../common/index.ts';
import { deleteLogEvents, logStreamSpans } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import {
  eventsKey,
  groupAccess,
  groupArn,
  groupKey,
  groupMissing,
  groups,
  nameOf,
  requireGroup,
  streamAccess,
  streamParent,
  streams,
} from './records.ts';

const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

export const createLogGroup = operation<CreateLogGroupRequest, object>({
  authorize: ({ logGroupName }, call) => groupAccess('CreateLogGroup', logGroupName, call),
  handle: async (input, call) => {
    const name = nameOf(input.logGroupName, call);
    if (input.kmsKeyId !== undefined)
      throw new AwsError(
        'InvalidParameterException',
        'kmsKeyId is not implemented by Sluice: log groups are not encrypted under a key of yours.',
      );
    if (input.logGroupClass !== undefined && input.logGroupClass !== 'STANDARD') {
      throw new AwsError(
        'InvalidParameterException',
        `logGroupClass ${input.logGroupClass} is not implemented by Sluice: only STANDARD is.`,
      );
    }
    if (input.deletionProtectionEnabled === true)
      throw new AwsError('InvalidParameterException', 'deletionProtectionEnabled is not implemented by Sluice.');
    const made = await groups.insert(call.house.store, groupKey(call, name), {
      name,
      createdAt: call.now,
      tags: { ...input.tags },
    });
    if (!made) throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    return {};
  },
});

export const deleteLogGroup = operation<DeleteLogGroupRequest, object>({
  authorize: ({ logGroupName }, call) => groupAccess('DeleteLogGroup', logGroupName, call),
  handle: async (input, call) => {
    const name = nameOf(input.logGroupName, call);
    await call.house.store.transaction(async (tx) => {
      if (!(await groups.delete(tx, groupKey(call, name)))) throw groupMissing();
      await streams.deleteUnder(tx, call, streamParent(name));
      await deleteLogEvents(tx, eventsKey(call, name));
    });
    return {};
  },
});

export const describeLogGroups = operation<DescribeLogGroupsRequest, DescribeLogGroupsResponse>({
  authorize: (_input, call) => [{ action: 'logs:DescribeLogGroups', resource: call.arn('logs', 'log-group:*') }],
  handle: async (input, call) => {
    if (input.logGroupNamePattern !== undefined && input.logGroupNamePrefix !== undefined) {
      throw new AwsError(
        'InvalidParameterException',
        'LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.',
      );
    }
    if (input.includeLinkedAccounts === true)
      throw new AwsError('InvalidParameterException', 'includeLinkedAccounts is not implemented by Sluice.');
    const limit = input.limit ?? 50;
    const after = decodePage(input.nextToken);
    const wanted = input.logGroupNamePattern?.toLowerCase();
    const found = (
      await groups.list(call.house.store, {
        account: call.account,
        region: call.region,
        ...(input.logGroupNamePrefix === undefined ? {} : { idPrefix: input.logGroupNamePrefix }),
        ...(after === undefined ? {} : { after }),
        ...(wanted === undefined && input.logGroupIdentifiers === undefined ? { limit: limit + 1 } : {}),
      })
    ).filter(
      ({ document }) =>
        (wanted === undefined || document.name.toLowerCase().includes(wanted)) &&
        (input.logGroupIdentifiers === undefined ||
          input.logGroupIdentifiers.some((id) => nameOf(id, call) === document.name)),
    );
    const page = found.slice(0, limit);
    return {
      logGroups: page.map(({ document: group }) => ({
        logGroupName: group.name,
        creationTime: group.createdAt,
        ...(group.retentionDays === undefined ? {} : { retentionInDays: group.retentionDays }),
        metricFilterCount: 0,
        arn: `${groupArn(call, group.name)}:*`,
        logGroupArn: groupArn(call, group.name),
        storedBytes: 0,
        logGroupClass: 'STANDARD',
      })),
      ...(found.length > limit ? { nextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const createLogStream = operation<CreateLogStreamRequest, object>({
  authorize: ({ logGroupName, logStreamName }, call) =>
    streamAccess('CreateLogStream', logGroupName, logStreamName, call),
  handle: async (input, call) => {
    const group = nameOf(input.logGroupName, call);
    const stream = input.logStreamName ?? '';
    await call.house.store.transaction(async (tx) => {
      await requireGroup(tx, call, group);
      const made = await streams.insert(
        tx,
        { account: call.account, region: call.region, id: `${group}\n${stream}` },
        { name: stream, createdAt: call.now },
        { parent: streamParent(group), sort: stream },
      );
      if (!made) throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    });
    return {};
  },
});

export const deleteLogStream = operation<DeleteLogStreamRequest, object>({
  authorize: ({ logGroupName, logStreamName }, call) =>
    streamAccess('DeleteLogStream', logGroupName, logStreamName, call),
  handle: async (input, call) => {
    const group = nameOf(input.logGroupName, call);
    const stream = input.logStreamName ?? '';
    await call.house.store.transaction(async (tx) => {
      await requireGroup(tx, call, group);
      const deleted = await streams.delete(tx, {
        account: call.account,
        region: call.region,
        id: `${group}\n${stream}`,
      });
      if (!deleted) throw streamMissing();
      await deleteLogEvents(tx, eventsKey(call, group), { stream });
    });
    return {};
  },
});

export const describeLogStreams = operation<DescribeLogStreamsRequest, DescribeLogStreamsResponse>({
  authorize: ({ logGroupName, logGroupIdentifier }, call) =>
    groupAccess('DescribeLogStreams', logGroupIdentifier ?? logGroupName, call),
  handle: async (input, call) => {
    const { store } = call.house;
    const group = nameOf(input.logGroupIdentifier ?? input.logGroupName, call);
    await requireGroup(store, call, group);
    const byTime = input.orderBy === 'LastEventTime';
    if (byTime && input.logStreamNamePrefix !== undefined) {
      throw new AwsError('InvalidParameterException', 'Cannot order by LastEventTime with a logStreamNamePrefix.');
    }
    const limit = input.limit ?? 50;
    const after = decodePage(input.nextToken);
    const descending = input.descending === true;
    const all = await streams.list(store, {
      account: call.account,
      region: call.region,
      parent: streamParent(group),
      descending,
    });
    const named = all.filter(({ document }) => document.name.startsWith(input.logStreamNamePrefix ?? ''));
    const spans = await logStreamSpans(
      store,
      eventsKey(call, group),
      named.map(({ document }) => document.name),
    );
    if (byTime) {
      const sign = descending ? -1 : 1;
      named.sort(
        (a, b) => sign * ((spans.get(a.document.name)?.lastAt ?? 0) - (spans.get(b.document.name)?.lastAt ?? 0)),
      );
    }
    const from = after === undefined ? 0 : named.findIndex((stored) => stored.key.id === after.id) + 1;
    const page = named.slice(from, from + limit);
    return {
      logStreams: page.map(({ document: stream }) => {
        const span = spans.get(stream.name);
        return {
          logStreamName: stream.name,
          creationTime: stream.createdAt,
          ...(span === undefined
            ? {}
            : {
                firstEventTimestamp: span.firstAt,
                lastEventTimestamp: span.lastAt,
                lastIngestionTime: span.lastIngestedAt,
              }),
          uploadSequenceToken: '1',
          arn: `${groupArn(call, group)}:log-stream:${stream.name}`,
          storedBytes: 0,
        };
      }),
      ...(from + limit < named.length ? { nextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const putRetentionPolicy = operation<PutRetentionPolicyRequest, object>({
  authorize: ({ logGroupName }, call) => groupAccess('PutRetentionPolicy', logGroupName, call),
  handle: async (input, call) => {
    const days = input.retentionInDays ?? 0;
    if (!RETENTION_DAYS.includes(days)) {
      throw new AwsError(
        'InvalidParameterException',
        `Invalid retention value. Valid values are: [${RETENTION_DAYS.join(', ')}]`,
      );
    }
    await setRetention(nameOf(input.logGroupName, call), days, call);
    return {};
  },
});

export const deleteRetentionPolicy = operation<DeleteRetentionPolicyRequest, object>({
  authorize: ({ logGroupName }, call) => groupAccess('DeleteRetentionPolicy', logGroupName, call),
  handle: async (input, call) => {
    await setRetention(nameOf(input.logGroupName, call), undefined, call);
    return {};
  },
});

async function setRetention(name: string, retentionDays: number | undefined, call: Call): Promise<void> {
  await call.house.store.transaction(async (tx) => {
    const group = await requireGroup(tx, call, name);
    await groups.update(tx, group.key, { ...group.document, retentionDays });
  });
}

function streamMissing(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
}
