/** CloudWatch Logs by the official SDK: groups, streams, events in both directions, filters, retention, policies. */
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DeleteLogStreamCommand,
  DeleteResourcePolicyCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  DescribeResourcePoliciesCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  ListTagsForResourceCommand,
  ListTagsLogGroupCommand,
  PutLogEventsCommand,
  PutResourcePolicyCommand,
  PutRetentionPolicyCommand,
  TagLogGroupCommand,
  TagResourceCommand,
  UntagLogGroupCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person, type Person } from '../support/people.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let sluice: TestSluice;
let logs: CloudWatchLogsClient;
const clients: CloudWatchLogsClient[] = [];

function client(who?: Person): CloudWatchLogsClient {
  const made = new CloudWatchLogsClient({
    ...sluice.clientConfig(who && { credentials: who.credentials }),
    maxAttempts: 1,
  });
  clients.push(made);
  return made;
}

async function group(name: string, ...streams: string[]): Promise<string> {
  await logs.send(new CreateLogGroupCommand({ logGroupName: name }));
  for (const logStreamName of streams)
    await logs.send(new CreateLogStreamCommand({ logGroupName: name, logStreamName }));
  return `arn:aws:logs:${sluice.region}:${sluice.account}:log-group:${name}`;
}

/** Puts messages a millisecond apart, the first at `at`. */
function put(logGroupName: string, logStreamName: string, messages: readonly string[], at = sluice.clock.now()) {
  const logEvents = messages.map((message, n) => ({ timestamp: at + n, message }));
  return logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}

const texts = (events: readonly { message?: string }[] | undefined) => events?.map(({ message }) => message);

beforeAll(async () => {
  sluice = await startSluice({ services: ['logs'] });
  logs = client();
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

describe('log groups', () => {
  it('are made once, listed by page, prefix and pattern, and deleted with what they hold', async () => {
    const arn = await group('/g/one', 's');
    await group('/g/two');
    await group('/g/three');
    await put('/g/one', 's', ['gone']);
    await expect(logs.send(new CreateLogGroupCommand({ logGroupName: '/g/one' }))).rejects.toMatchObject({
      name: 'ResourceAlreadyExistsException',
      message: 'The specified log group already exists',
    });
    const first = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/g/', limit: 2 }));
    expect(first.logGroups?.map((each) => each.logGroupName)).toEqual(['/g/one', '/g/three']);
    expect(first.logGroups?.[0]).toMatchObject({
      arn: `${arn}:*`,
      logGroupArn: arn,
      creationTime: sluice.clock.now(),
      logGroupClass: 'STANDARD',
    });
    const rest = await logs.send(
      new DescribeLogGroupsCommand({ logGroupNamePrefix: '/g/', limit: 2, nextToken: first.nextToken }),
    );
    expect(rest.logGroups?.map((each) => each.logGroupName)).toEqual(['/g/two']);
    expect(rest.nextToken).toBeUndefined();
    const like = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePattern: 'TW' }));
    expect(like.logGroups?.map((each) => each.logGroupName)).toEqual(['/g/two']);
    expect(await failure(logs.send(new DescribeLogGroupsCommand({ nextToken: 'nonsense' })))).toBe(
      'InvalidParameterException',
    );
    await logs.send(new DeleteLogGroupCommand({ logGroupName: '/g/one' }));
    expect(await failure(logs.send(new DeleteLogGroupCommand({ logGroupName: '/g/one' })))).toBe(
      'ResourceNotFoundException',
    );
    await group('/g/one', 's');
    const { events } = await logs.send(new GetLogEventsCommand({ logGroupName: '/g/one', logStreamName: 's' }));
    expect(events).toEqual([]);
  });

  it('refuse what is not done, and names that are none', async () => {
    for (const input of [{ kmsKeyId: 'arn:aws:kms:us-east-1:1:key/x' }, { logGroupClass: 'DELIVERY' as const }]) {
      await expect(logs.send(new CreateLogGroupCommand({ logGroupName: 'refused', ...input }))).rejects.toMatchObject({
        name: 'InvalidParameterException',
        message: expect.stringContaining('not implemented by Sluice'),
      });
    }
    expect(await failure(logs.send(new CreateLogGroupCommand({ logGroupName: 'a b' })))).toBe(
      'InvalidParameterException',
    );
  });

  it('carry tags, by both generations of operations', async () => {
    const resourceArn = await group('/tags');
    await logs.send(new TagResourceCommand({ resourceArn, tags: { team: 'red', stage: 'test' } }));
    await logs.send(new TagLogGroupCommand({ logGroupName: '/tags', tags: { team: 'blue' } }));
    const { tags } = await logs.send(new ListTagsForResourceCommand({ resourceArn }));
    expect(tags).toEqual({ team: 'blue', stage: 'test' });
    await logs.send(new UntagResourceCommand({ resourceArn, tagKeys: ['team'] }));
    await logs.send(new UntagLogGroupCommand({ logGroupName: '/tags', tags: ['stage'] }));
    expect((await logs.send(new ListTagsLogGroupCommand({ logGroupName: '/tags' }))).tags).toEqual({});
    const foreign = resourceArn.replace(sluice.account, '999999999999');
    expect(await failure(logs.send(new ListTagsForResourceCommand({ resourceArn: foreign })))).toBe(
      'ResourceNotFoundException',
    );
  });
});

describe('log streams', () => {
  it('are listed by name or by their last event', async () => {
    await group('/streams', 'a', 'b', 'c', 'd');
    const now = sluice.clock.now();
    await put('/streams', 'b', ['old', 'old'], now - 5000);
    await put('/streams', 'a', ['new'], now);
    const order = async (input: object) =>
      (await logs.send(new DescribeLogStreamsCommand({ logGroupName: '/streams', ...input }))).logStreams?.map(
        (each) => each.logStreamName,
      );
    expect(await order({})).toEqual(['a', 'b', 'c', 'd']);
    expect(await order({ descending: true })).toEqual(['d', 'c', 'b', 'a']);
    expect(await order({ logStreamNamePrefix: 'c' })).toEqual(['c']);
    expect((await order({ orderBy: 'LastEventTime', descending: true }))?.slice(0, 2)).toEqual(['a', 'b']);
    expect((await order({ orderBy: 'LastEventTime' }))?.slice(-2)).toEqual(['b', 'a']);
    expect(await failure(order({ orderBy: 'LastEventTime', logStreamNamePrefix: 'a' }))).toBe(
      'InvalidParameterException',
    );
    const page = await logs.send(
      new DescribeLogStreamsCommand({
        logGroupName: '/streams',
        orderBy: 'LastEventTime',
        descending: true,
        limit: 1,
      }),
    );
    expect(page.logStreams?.[0]).toMatchObject({
      logStreamName: 'a',
      firstEventTimestamp: now,
      lastEventTimestamp: now,
      lastIngestionTime: now,
      arn: `arn:aws:logs:${sluice.region}:${sluice.account}:log-group:/streams:log-stream:a`,
    });
    expect(await order({ orderBy: 'LastEventTime', descending: true, limit: 1, nextToken: page.nextToken })).toEqual([
      'b',
    ]);
    await logs.send(new DeleteLogStreamCommand({ logGroupName: '/streams', logStreamName: 'a' }));
    expect(await order({})).toEqual(['b', 'c', 'd']);
    expect(await failure(logs.send(new DeleteLogStreamCommand({ logGroupName: '/streams', logStreamName: 'a' })))).toBe(
      'ResourceNotFoundException',
    );
    expect(await failure(logs.send(new CreateLogStreamCommand({ logGroupName: '/streams', logStreamName: 'b' })))).toBe(
      'ResourceAlreadyExistsException',
    );
    expect(await failure(logs.send(new CreateLogStreamCommand({ logGroupName: '/nowhere', logStreamName: 'b' })))).toBe(
      'ResourceNotFoundException',
    );
  });
});

describe('log events', () => {
  it('are read from both ends, page by page, until the token stays', async () => {
    await group('/read', 's');
    await put('/read', 's', ['1', '2', '3', '4', '5']);
    const get = (input: object) =>
      logs.send(new GetLogEventsCommand({ logGroupName: '/read', logStreamName: 's', limit: 2, ...input }));
    const newest = await get({});
    expect(texts(newest.events)).toEqual(['4', '5']);
    const older = await get({ nextToken: newest.nextBackwardToken });
    expect(texts(older.events)).toEqual(['2', '3']);
    const oldest = await get({ nextToken: older.nextBackwardToken });
    expect(texts(oldest.events)).toEqual(['1']);
    const beyond = await get({ nextToken: oldest.nextBackwardToken });
    expect(beyond).toMatchObject({ events: [], nextBackwardToken: oldest.nextBackwardToken });

    const head = await get({ startFromHead: true });
    expect(texts(head.events)).toEqual(['1', '2']);
    const next = await get({ startFromHead: true, nextToken: head.nextForwardToken });
    expect(texts(next.events)).toEqual(['3', '4']);
    const last = await get({ startFromHead: true, nextToken: next.nextForwardToken });
    expect(texts(last.events)).toEqual(['5']);
    const end = await get({ startFromHead: true, nextToken: last.nextForwardToken });
    expect(end).toMatchObject({ events: [], nextForwardToken: last.nextForwardToken });
    await put('/read', 's', ['6'], sluice.clock.now() + 100);
    const tail = await get({ startFromHead: true, nextToken: end.nextForwardToken });
    expect(texts(tail.events)).toEqual(['6']);

    const from = sluice.clock.now();
    expect(texts((await get({ startTime: from + 1, endTime: from + 3, limit: 10 })).events)).toEqual(['2', '3']);
    expect(await failure(get({ nextToken: 'x/1' }))).toBe('InvalidParameterException');
    expect(await failure(get({ logStreamName: 'none' }))).toBe('ResourceNotFoundException');
    const arn = `arn:aws:logs:${sluice.region}:${sluice.account}:log-group:/read`;
    expect(texts((await get({ logGroupName: undefined, logGroupIdentifier: arn, limit: 1 })).events)).toEqual(['6']);
  });

  it('are refused whole or in part by their time and size', async () => {
    await group('/limits', 's');
    const now = sluice.clock.now();
    const send = (logEvents: { timestamp: number; message: string }[]) =>
      logs.send(new PutLogEventsCommand({ logGroupName: '/limits', logStreamName: 's', logEvents }));
    await expect(
      send([
        { timestamp: now, message: 'b' },
        { timestamp: now - 1, message: 'a' },
      ]),
    ).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: 'Log events in a single PutLogEvents request must be in chronological order.',
    });
    expect(
      await failure(
        send([
          { timestamp: now - DAY_MS - 1, message: 'a' },
          { timestamp: now, message: 'b' },
        ]),
      ),
    ).toBe('InvalidParameterException');
    const large = { timestamp: now, message: 'x'.repeat(600_000) };
    expect(await failure(send([large, large]))).toBe('InvalidParameterException');
    const answer = await send([
      { timestamp: now, message: 'fine' },
      { timestamp: now + 2 * HOUR_MS + 1, message: 'too new' },
    ]);
    expect(answer.rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 });
    const old = await send([{ timestamp: now - 15 * DAY_MS, message: 'too old' }]);
    expect(old.rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 1 });
    const { events } = await logs.send(new GetLogEventsCommand({ logGroupName: '/limits', logStreamName: 's' }));
    expect(texts(events)).toEqual(['fine']);
    expect(await failure(put('/limits', 'none', ['x']))).toBe('ResourceNotFoundException');
    expect(await failure(put('/none', 's', ['x']))).toBe('ResourceNotFoundException');
  });

  it('come in pages of about a mebibyte', async () => {
    await group('/large', 's');
    for (let n = 0; n < 4; n++) await put('/large', 's', [`${n}${'x'.repeat(500_000)}`]);
    const seen: string[] = [];
    let pages = 0;
    for (let nextToken: string | undefined; ;) {
      const page = await logs.send(
        new GetLogEventsCommand({ logGroupName: '/large', logStreamName: 's', startFromHead: true, nextToken }),
      );
      if (page.nextForwardToken === nextToken) break;
      nextToken = page.nextForwardToken;
      pages += 1;
      seen.push(...(page.events ?? []).map(({ message = '' }) => message.slice(0, 1)));
    }
    expect(seen).toEqual(['0', '1', '2', '3']);
    expect(pages).toBe(2);
    const found: string[] = [];
    for (let nextToken: string | undefined; ;) {
      const page = await logs.send(new FilterLogEventsCommand({ logGroupName: '/large', nextToken }));
      found.push(...(page.events ?? []).map(({ message = '' }) => message.slice(0, 1)));
      nextToken = page.nextToken;
      if (nextToken === undefined) break;
    }
    expect(found).toEqual(['0', '1', '2', '3']);
  });

  it('hold any text that a program prints', async () => {
    await group('/odd', 's');
    await put('/odd', 's', ['nul \u0000 here', 'ünïcødé 🚀', 'a\nb\tc']);
    const { events } = await logs.send(new GetLogEventsCommand({ logGroupName: '/odd', logStreamName: 's' }));
    expect(texts(events)).toEqual(['nul \uFFFD here', 'ünïcødé 🚀', 'a\nb\tc']);
    const odd = ['a\u0000b'];
    for (const call of [
      () => logs.send(new FilterLogEventsCommand({ logGroupName: '/odd', logStreamNamePrefix: odd[0] })),
      () => logs.send(new FilterLogEventsCommand({ logGroupName: '/odd', logStreamNames: odd })),
      () => logs.send(new CreateLogStreamCommand({ logGroupName: '/odd', logStreamName: odd[0] })),
      () => logs.send(new GetLogEventsCommand({ logGroupName: '/odd', logStreamName: odd[0] })),
    ]) {
      await expect(call()).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
    }
  });

  it('are found by filter pattern across streams, in order of time', async () => {
    await group('/filter', 'a1', 'a2', 'b');
    const now = sluice.clock.now();
    await put('/filter', 'a1', ['ERROR one', 'INFO two'], now);
    await put('/filter', 'a2', ['{"level":"ERROR","ms":120}', 'ERROR three'], now + 10);
    await put('/filter', 'b', ['ERROR four'], now + 5);
    const filter = async (input: object) =>
      texts((await logs.send(new FilterLogEventsCommand({ logGroupName: '/filter', ...input }))).events);
    expect(await filter({ filterPattern: 'ERROR -four' })).toEqual([
      'ERROR one',
      '{"level":"ERROR","ms":120}',
      'ERROR three',
    ]);
    expect(await filter({ filterPattern: '{ $.ms > 100 && $.level = "ERR*" }' })).toEqual([
      '{"level":"ERROR","ms":120}',
    ]);
    expect(await filter({ filterPattern: 'ERROR', logStreamNames: ['b'] })).toEqual(['ERROR four']);
    expect(await filter({ logStreamNamePrefix: 'a1' })).toEqual(['ERROR one', 'INFO two']);
    expect(await filter({ startTime: now + 5, endTime: now + 5 })).toEqual(['ERROR four']);
    const first = await logs.send(
      new FilterLogEventsCommand({ logGroupName: '/filter', filterPattern: 'ERROR', limit: 1 }),
    );
    expect(first.events?.[0]).toMatchObject({ logStreamName: 'a1', timestamp: now, eventId: expect.any(String) });
    const seen = texts(first.events) ?? [];
    for (let { nextToken } = first; nextToken !== undefined;) {
      const page = await logs.send(
        new FilterLogEventsCommand({ logGroupName: '/filter', filterPattern: 'ERROR', limit: 1, nextToken }),
      );
      seen.push(...(texts(page.events) ?? []));
      nextToken = page.nextToken;
    }
    expect(seen).toEqual(['ERROR one', 'ERROR four', '{"level":"ERROR","ms":120}', 'ERROR three']);
    expect(await failure(filter({ filterPattern: '{ $.a' }))).toBe('InvalidParameterException');
    expect(await failure(filter({ logStreamNames: ['b'], logStreamNamePrefix: 'a' }))).toBe(
      'InvalidParameterException',
    );
  });

  it('expire by the clock', async () => {
    await group('/kept', 's');
    await group('/expiring', 's');
    expect(await failure(logs.send(new PutRetentionPolicyCommand({ logGroupName: '/kept', retentionInDays: 2 })))).toBe(
      'InvalidParameterException',
    );
    await logs.send(new PutRetentionPolicyCommand({ logGroupName: '/kept', retentionInDays: 1 }));
    await logs.send(new DeleteRetentionPolicyCommand({ logGroupName: '/kept' }));
    await logs.send(new PutRetentionPolicyCommand({ logGroupName: '/expiring', retentionInDays: 1 }));
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/expiring' }));
    expect(logGroups?.[0]?.retentionInDays).toBe(1);
    await put('/kept', 's', ['kept']);
    await put('/expiring', 's', ['first']);
    await sluice.clock.advance('P2D');
    await put('/expiring', 's', ['second']);
    const expired = await put('/expiring', 's', ['late'], sluice.clock.now() - DAY_MS - 1);
    expect(expired.rejectedLogEventsInfo).toEqual({ expiredLogEventEndIndex: 1 });
    const read = async (logGroupName: string) =>
      texts((await logs.send(new GetLogEventsCommand({ logGroupName, logStreamName: 's' }))).events);
    expect(await read('/expiring')).toEqual(['second']);
    expect(await read('/kept')).toEqual(['kept']);
  });
});

describe('permissions', () => {
  it('are needed for each group and stream', async () => {
    const arn = await group('/secret', 'mine', 'other');
    await group('/secret2', 'mine');
    const writer = await person(sluice, 'writer', [
      { Action: 'logs:PutLogEvents', Resource: `${arn}:log-stream:mine` },
      { Action: 'logs:FilterLogEvents', Resource: `${arn}:*` },
      { Action: 'logs:DescribeLogStreams', Resource: arn },
      { Action: ['logs:TagResource'], Resource: arn },
    ]);
    const theirs = client(writer);
    const write = (logGroupName: string, logStreamName: string) =>
      theirs.send(
        new PutLogEventsCommand({
          logGroupName,
          logStreamName,
          logEvents: [{ timestamp: sluice.clock.now(), message: 'x' }],
        }),
      );
    await write('/secret', 'mine');
    await expect(write('/secret', 'other')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`logs:PutLogEvents on resource: ${arn}:log-stream:other`),
    });
    expect(await failure(write('/secret2', 'mine'))).toBe('AccessDeniedException');
    expect((await theirs.send(new FilterLogEventsCommand({ logGroupName: '/secret' }))).events).toHaveLength(1);
    // An ARN without `:*` grants nothing but tagging: what Terraform users learn the hard way.
    await expect(theirs.send(new DescribeLogStreamsCommand({ logGroupName: '/secret' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`logs:DescribeLogStreams on resource: ${arn}:log-stream:`),
    });
    await theirs.send(new TagResourceCommand({ resourceArn: arn, tags: { by: 'writer' } }));
    expect(await failure(theirs.send(new DescribeLogGroupsCommand({})))).toBe('AccessDeniedException');
  });

  it('are given to services by resource policies of the account', async () => {
    const arn = await group('/aws/events/demo', 's');
    const { account, region } = sluice;
    const write = (service: string) =>
      sluice.house.door.asService(service, { account, region }).call('logs', 'PutLogEvents', {
        logGroupName: '/aws/events/demo',
        logStreamName: 's',
        logEvents: [{ timestamp: sluice.clock.now(), message: service }],
      });
    expect(await failure(write('events.amazonaws.com'))).toBe('AwsError');
    const policyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'logs:PutLogEvents',
          Resource: `${arn}:*`,
        },
      ],
    });
    await logs.send(new PutResourcePolicyCommand({ policyName: 'events', policyDocument }));
    await write('events.amazonaws.com');
    await expect(write('delivery.logs.amazonaws.com')).rejects.toMatchObject({ code: 'AccessDeniedException' });
    const { resourcePolicies } = await logs.send(new DescribeResourcePoliciesCommand({}));
    expect(resourcePolicies).toEqual([{ policyName: 'events', policyDocument, lastUpdatedTime: sluice.clock.now() }]);
    expect(
      await failure(logs.send(new PutResourcePolicyCommand({ policyName: 'x', policyDocument: 'not json' }))),
    ).toBe('InvalidParameterException');
    for (let n = 1; n < 10; n++) await logs.send(new PutResourcePolicyCommand({ policyName: `p${n}`, policyDocument }));
    expect(await failure(logs.send(new PutResourcePolicyCommand({ policyName: 'p10', policyDocument })))).toBe(
      'LimitExceededException',
    );
    const page = await logs.send(new DescribeResourcePoliciesCommand({ limit: 9 }));
    const rest = await logs.send(new DescribeResourcePoliciesCommand({ nextToken: page.nextToken }));
    expect([page.resourcePolicies?.length, rest.resourcePolicies?.length]).toEqual([9, 1]);
    for (const policyName of ['events', ...Array.from({ length: 9 }, (_, n) => `p${n + 1}`)])
      await logs.send(new DeleteResourcePolicyCommand({ policyName }));
    expect(await failure(logs.send(new DeleteResourcePolicyCommand({ policyName: 'events' })))).toBe(
      'ResourceNotFoundException',
    );
    await expect(write('events.amazonaws.com')).rejects.toMatchObject({ code: 'AccessDeniedException' });
  });
});
