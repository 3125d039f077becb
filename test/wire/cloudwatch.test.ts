/** CloudWatch by the official SDK: metric data in and out, and alarms on a stepped clock. */
import {
  type AlarmHistoryItem,
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  DescribeAlarmsForMetricCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  ListTagsForResourceCommand,
  type MetricAlarm,
  PutCompositeAlarmCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
  type PutMetricDataCommandInput,
  SetAlarmStateCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person, type Person } from '../support/people.ts';

/** 06:04:30, in the middle of a minute. */
const T0 = Date.UTC(2026, 10, 24, 6, 4, 30);

let sluice: TestSluice;
let cloudwatch: CloudWatchClient;
let sqs: SQSClient;
let sns: SNSClient;
let events: EventBridgeClient;
const clients: { destroy(): void }[] = [];

function client(who?: Person): CloudWatchClient {
  const made = new CloudWatchClient({
    ...sluice.clientConfig({ ...(who && { credentials: who.credentials }) }),
    maxAttempts: 1,
  });
  clients.push(made);
  return made;
}

beforeAll(async () => {
  sluice = await startSluice({
    services: ['cloudwatch', 'sns', 'sqs', 'events', 'kms'],
    seed: 11,
    clockStartAt: T0,
  });
  cloudwatch = client();
  sqs = new SQSClient(sluice.clientConfig());
  sns = new SNSClient(sluice.clientConfig());
  events = new EventBridgeClient(sluice.clientConfig());
  clients.push(sqs, sns, events);
});

afterAll(async () => {
  for (const made of clients) made.destroy();
  await sluice.close();
});

type Data = NonNullable<PutMetricDataCommandInput['MetricData']>;

function put(Namespace: string, ...MetricData: Data) {
  return cloudwatch.send(new PutMetricDataCommand({ Namespace, MetricData }));
}

const now = () => new Date(sluice.clock.now());
const ago = (minutes: number) => new Date(sluice.clock.now() - minutes * 60_000);

function errorsAlarm(namespace: string, over: Partial<PutMetricAlarmCommandInput> = {}): PutMetricAlarmCommandInput {
  return {
    AlarmName: `${namespace}-errors`,
    Namespace: namespace,
    MetricName: 'Errors',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
    ...over,
  };
}

async function alarm(name: string): Promise<MetricAlarm> {
  const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
  return MetricAlarms?.[0] ?? {};
}

async function history(AlarmName: string): Promise<AlarmHistoryItem[]> {
  const { AlarmHistoryItems } = await cloudwatch.send(new DescribeAlarmHistoryCommand({ AlarmName }));
  return AlarmHistoryItems ?? [];
}

async function queue(name: string): Promise<{ url: string; arn: string }> {
  const { QueueUrl = '' } = await sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: {
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' }],
        }),
      },
    }),
  );
  return { url: QueueUrl, arn: `arn:aws:sqs:${sluice.region}:${sluice.account}:${name}` };
}

async function received(url: string): Promise<Record<string, unknown>[]> {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
  for (const { ReceiptHandle } of Messages) await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
  return Messages.map((message) => JSON.parse(message.Body ?? '{}') as Record<string, unknown>);
}

describe('metrics', () => {
  it('PutMetricData sums values, counts and statistic sets up by minute', async () => {
    await put(
      'sums',
      { MetricName: 'M', Value: 2, Unit: 'Count' },
      { MetricName: 'M', Values: [1, 5], Counts: [3, 1], Unit: 'Count' },
      { MetricName: 'M', StatisticValues: { SampleCount: 2, Sum: 30, Minimum: 10, Maximum: 20 }, Unit: 'Count' },
      { MetricName: 'M', Value: 7, Unit: 'Count', Timestamp: ago(1) },
    );
    const { Datapoints, Label } = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: 'sums',
        MetricName: 'M',
        StartTime: ago(5),
        EndTime: new Date(sluice.clock.now() + 60_000),
        Period: 60,
        Statistics: ['SampleCount', 'Sum', 'Average', 'Minimum', 'Maximum'],
      }),
    );
    expect(Label).toBe('M');
    expect(Datapoints?.sort((a, b) => Number(a.Timestamp) - Number(b.Timestamp))).toEqual([
      {
        Timestamp: new Date(T0 - 90_000),
        SampleCount: 1,
        Sum: 7,
        Average: 7,
        Minimum: 7,
        Maximum: 7,
        Unit: 'Count',
      },
      {
        Timestamp: new Date(T0 - 30_000),
        SampleCount: 7,
        Sum: 40,
        Average: 40 / 7,
        Minimum: 1,
        Maximum: 20,
        Unit: 'Count',
      },
    ]);
  });

  it('GetMetricStatistics gives exact percentiles, by unit and by dimensions', async () => {
    const Dimensions = [
      { Name: 'A', Value: '1' },
      { Name: 'B', Value: '2' },
    ];
    const latencies = Array.from({ length: 100 }, (_, index) => index + 1);
    await put('latency', { MetricName: 'L', Dimensions, Values: latencies, Unit: 'Milliseconds' });
    await put('latency', { MetricName: 'L', Dimensions, Value: 1, Unit: 'Seconds' });
    const read = (input: object) =>
      cloudwatch.send(
        new GetMetricStatisticsCommand({
          Namespace: 'latency',
          MetricName: 'L',
          StartTime: ago(2),
          EndTime: new Date(sluice.clock.now() + 60_000),
          Period: 60,
          ExtendedStatistics: ['p50', 'p99', 'tm90'],
          Unit: 'Milliseconds',
          ...input,
        }),
      );
    const { Datapoints } = await read({ Dimensions: [...Dimensions].reverse() });
    expect(Datapoints?.map((point) => point.ExtendedStatistics)).toEqual([{ p50: 50, p99: 99, tm90: 45.5 }]);
    expect((await read({ Dimensions, Unit: undefined })).Datapoints).toHaveLength(2);
    expect((await read({ Dimensions: [Dimensions[0]] })).Datapoints).toEqual([]);
    expect((await read({ Dimensions, Unit: 'Bytes' })).Datapoints).toEqual([]);
  });

  it('keeps high-resolution data by the second', async () => {
    const at = new Date(Math.floor(sluice.clock.now() / 60_000) * 60_000);
    await put(
      'high',
      { MetricName: 'H', Value: 1, StorageResolution: 1, Timestamp: at },
      { MetricName: 'H', Value: 2, StorageResolution: 1, Timestamp: new Date(Number(at) + 11_000) },
    );
    const { MetricDataResults } = await cloudwatch.send(
      new GetMetricDataCommand({
        StartTime: at,
        EndTime: new Date(Number(at) + 60_000),
        ScanBy: 'TimestampAscending',
        MetricDataQueries: [
          { Id: 'm1', MetricStat: { Metric: { Namespace: 'high', MetricName: 'H' }, Period: 10, Stat: 'Sum' } },
          { Id: 'm2', MetricStat: { Metric: { Namespace: 'high', MetricName: 'none' }, Period: 10, Stat: 'Sum' } },
          {
            Id: 'm3',
            ReturnData: false,
            MetricStat: { Metric: { Namespace: 'high', MetricName: 'H' }, Period: 10, Stat: 'Sum' },
          },
        ],
      }),
    );
    expect(MetricDataResults).toMatchObject([
      { Id: 'm1', Label: 'H', Values: [1, 2], Timestamps: [at, new Date(Number(at) + 10_000)], StatusCode: 'Complete' },
      { Id: 'm2', Values: [], StatusCode: 'Complete' },
    ]);
  });

  it('GetMetricData pages by MaxDatapoints', async () => {
    await put('pages', ...[1, 2, 3].map((minute) => ({ MetricName: 'P', Value: minute, Timestamp: ago(minute) })));
    const values: number[] = [];
    let NextToken: string | undefined;
    do {
      const page = await cloudwatch.send(
        new GetMetricDataCommand({
          StartTime: ago(10),
          EndTime: now(),
          MaxDatapoints: 2,
          NextToken,
          MetricDataQueries: [
            { Id: 'p', MetricStat: { Metric: { Namespace: 'pages', MetricName: 'P' }, Period: 60, Stat: 'Maximum' } },
          ],
        }),
      );
      values.push(...(page.MetricDataResults?.[0]?.Values ?? []));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(values).toEqual([1, 2, 3]);
  });

  it('ListMetrics filters by name and dimensions, and pages', async () => {
    const names = Array.from({ length: 510 }, (_, index) => `m${index}`);
    await put(
      'list',
      ...names.map((MetricName) => ({ MetricName, Value: 1, Dimensions: [{ Name: 'X', Value: 'y' }] })),
    );
    await put('list', { MetricName: 'other', Value: 1, Dimensions: [{ Name: 'y', Value: 'X' }] });
    const first = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'list' }));
    expect(first.Metrics).toHaveLength(500);
    const second = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'list', NextToken: first.NextToken }));
    expect(second.Metrics).toHaveLength(11);
    expect(second.NextToken).toBeUndefined();
    const by = async (Name: string, Value?: string) =>
      (await cloudwatch.send(new ListMetricsCommand({ Namespace: 'list', Dimensions: [{ Name, Value }] }))).Metrics;
    expect(await by('y')).toEqual([
      { Namespace: 'list', MetricName: 'other', Dimensions: [{ Name: 'y', Value: 'X' }] },
    ]);
    expect(await by('X', 'nothing')).toEqual([]);
    expect(await by('y', 'X')).toHaveLength(1);
  });

  it('holds many thousand data points written side by side', async () => {
    const calls = Array.from({ length: 40 }, (_, call) =>
      put(
        'many',
        ...Array.from({ length: 100 }, (_, index) => ({ MetricName: 'D', Values: [index % 10, call], Counts: [2, 1] })),
      ),
    );
    await Promise.all(calls);
    const { Datapoints } = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: 'many',
        MetricName: 'D',
        StartTime: ago(1),
        EndTime: new Date(sluice.clock.now() + 60_000),
        Period: 60,
        Statistics: ['SampleCount', 'Maximum'],
      }),
    );
    expect(Datapoints).toMatchObject([{ SampleCount: 40 * 100 * 3, Maximum: 39 }]);
  });

  it('joins and rolls up old data without changing what it says', async () => {
    const minute = Math.floor(sluice.clock.now() / 60_000) * 60_000 - 150 * 60_000;
    const at = (seconds: number) => new Date(minute + seconds * 1000);
    for (const value of [1, 2, 2, 9]) {
      await put('tidy', { MetricName: 'S', Value: value, Timestamp: at(value), StorageResolution: 1 });
      await put('tidy', { MetricName: 'M', Value: value, Timestamp: at(value) });
      await sluice.clock.advance(1);
    }
    const read = async (MetricName: string) => {
      const { Datapoints } = await cloudwatch.send(
        new GetMetricStatisticsCommand({
          Namespace: 'tidy',
          MetricName,
          StartTime: at(0),
          EndTime: at(60),
          Period: 60,
          ExtendedStatistics: ['p50', 'p99', 'TS(1:)'],
        }),
      );
      return Datapoints;
    };
    const rows = async () =>
      Number(
        (
          await sluice.house.store.query('SELECT count(*) AS n FROM metric_points WHERE at >= $1 AND at < $2', [
            minute,
            minute + 60_000,
          ])
        )[0]?.['n'],
      );
    const before = [await read('S'), await read('M')];
    expect(before[0]).toMatchObject([{ ExtendedStatistics: { p50: 2, p99: 9, 'TS(1:)': 13 } }]);
    expect(await rows()).toBe(7);
    await sluice.clock.advance('PT61M');
    await put('tidy', { MetricName: 'other', Value: 1 });
    await sluice.settled();
    expect(await rows()).toBe(2);
    expect([await read('S'), await read('M')]).toEqual(before);
  });

  it.each<[string, PutMetricDataCommandInput, string]>([
    ['no data', { Namespace: 'bad', MetricData: [] }, 'MissingRequiredParameterException'],
    [
      'a namespace of AWS',
      { Namespace: 'AWS/Mine', MetricData: [{ MetricName: 'M', Value: 1 }] },
      'InvalidParameterValueException',
    ],
    ['no value', { Namespace: 'bad', MetricData: [{ MetricName: 'M' }] }, 'MissingRequiredParameterException'],
    [
      'two kinds of value',
      { Namespace: 'bad', MetricData: [{ MetricName: 'M', Value: 1, Values: [1] }] },
      'InvalidParameterCombinationException',
    ],
    [
      'counts that do not match',
      { Namespace: 'bad', MetricData: [{ MetricName: 'M', Values: [1, 2], Counts: [1] }] },
      'InvalidParameterCombinationException',
    ],
    [
      'a value too large',
      { Namespace: 'bad', MetricData: [{ MetricName: 'M', Value: 2 ** 361 }] },
      'InvalidParameterValueException',
    ],
    [
      'not a number',
      { Namespace: 'bad', MetricData: [{ MetricName: 'M', Value: Number.NaN }] },
      'InvalidParameterValueException',
    ],
    [
      'an old timestamp',
      { Namespace: 'bad', MetricData: [{ MetricName: 'M', Value: 1, Timestamp: new Date(T0 - 15 * 86_400_000) }] },
      'InvalidParameterValueException',
    ],
    [
      'a future timestamp',
      { Namespace: 'bad', MetricData: [{ MetricName: 'M', Value: 1, Timestamp: new Date(T0 + 5 * 86_400_000) }] },
      'InvalidParameterValueException',
    ],
    [
      'a dimension twice',
      {
        Namespace: 'bad',
        MetricData: [
          {
            MetricName: 'M',
            Value: 1,
            Dimensions: [
              { Name: 'A', Value: '1' },
              { Name: 'A', Value: '2' },
            ],
          },
        ],
      },
      'InvalidParameterValueException',
    ],
    [
      'a resolution of 5',
      { Namespace: 'bad', MetricData: [{ MetricName: 'M', Value: 1, StorageResolution: 5 }] },
      'InvalidParameterValueException',
    ],
    [
      'one bad datum among good ones',
      { Namespace: 'bad', MetricData: [{ MetricName: 'M', Value: 1 }, { MetricName: 'M' }] },
      'MissingRequiredParameterException',
    ],
  ])('PutMetricData refuses %s', async (_what, input, code) => {
    expect(await failure(cloudwatch.send(new PutMetricDataCommand(input)))).toBe(code);
    const { Metrics } = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'bad' }));
    expect(Metrics).toEqual([]);
  });

  it('GetMetricStatistics refuses what AWS refuses', async () => {
    const base = { Namespace: 'sums', MetricName: 'M', StartTime: ago(5), EndTime: now(), Period: 60 };
    const read = (input: object) => failure(cloudwatch.send(new GetMetricStatisticsCommand({ ...base, ...input })));
    expect(await read({})).toBe('InvalidParameterCombinationException');
    expect(await read({ Statistics: ['Sum'], ExtendedStatistics: ['p90'] })).toBe(
      'InvalidParameterCombinationException',
    );
    expect(await read({ ExtendedStatistics: ['median'] })).toBe('InvalidParameterValueException');
    expect(await read({ Statistics: ['Sum'], Period: 45 })).toBe('InvalidParameterValueException');
    expect(await read({ Statistics: ['Sum'], StartTime: now(), EndTime: ago(1) })).toBe(
      'InvalidParameterValueException',
    );
    expect(await read({ Statistics: ['Sum'], StartTime: ago(1500) })).toBe('InvalidParameterCombinationException');
    expect(await read({ Statistics: ['Sum'], StartTime: ago(300), Period: 10 })).toBe('InvalidParameterValueException');
  });

  it('GetMetricData says plainly that it does not evaluate expressions', async () => {
    const query = {
      StartTime: ago(5),
      EndTime: now(),
      MetricDataQueries: [{ Id: 'e1', Expression: 'SUM(METRICS())' }],
    };
    await expect(cloudwatch.send(new GetMetricDataCommand(query))).rejects.toThrow(/not implemented by Sluice/);
    expect(await failure(cloudwatch.send(new PutCompositeAlarmCommand({ AlarmName: 'c', AlarmRule: 'TRUE' })))).toBe(
      'NotImplemented',
    );
  });
});

describe('alarms', () => {
  it('goes from INSUFFICIENT_DATA to ALARM and back to OK, on the minute', async () => {
    await cloudwatch.send(
      new PutMetricAlarmCommand(errorsAlarm('cycle', { AlarmDescription: 'errors', Tags: [{ Key: 'k', Value: 'v' }] })),
    );
    expect(await alarm('cycle-errors')).toMatchObject({
      AlarmArn: `arn:aws:cloudwatch:us-east-1:${sluice.account}:alarm:cycle-errors`,
      AlarmDescription: 'errors',
      StateValue: 'INSUFFICIENT_DATA',
      StateReason: 'Unchecked: Initial alarm creation',
      ActionsEnabled: true,
      OKActions: [],
      Dimensions: [],
      Period: 60,
      Threshold: 0,
    });
    const minute = Math.floor(sluice.clock.now() / 60_000) * 60_000;
    await put('cycle', { MetricName: 'Errors', Value: 5 });
    await sluice.clock.advance((minute + 61_000 - sluice.clock.now()) / 1000);
    const raised = await alarm('cycle-errors');
    const shown = new Date(minute).toISOString();
    const [year = '', month, day] = shown.slice(0, 10).split('-');
    expect(raised.StateReason).toBe(
      `Threshold Crossed: 1 out of the last 1 datapoints [5.0 (${day}/${month}/${year.slice(2)} ${shown.slice(11, 19)})] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition).`,
    );
    expect(raised.StateValue).toBe('ALARM');
    expect(Number(raised.StateTransitionedTimestamp)).toBe(minute + 61_000);
    expect(JSON.parse(raised.StateReasonData ?? '{}')).toMatchObject({
      version: '1.0',
      statistic: 'Sum',
      period: 60,
      recentDatapoints: [5],
      threshold: 0,
      evaluatedDatapoints: [{ sampleCount: 1, value: 5 }],
    });
    await put('cycle', { MetricName: 'Errors', Value: 0 });
    await sluice.clock.advance(60);
    expect((await alarm('cycle-errors')).StateValue).toBe('OK');
    // No data: the last datapoint is looked at for two runs more, then nothing is known.
    await sluice.clock.advance('PT2M');
    expect((await alarm('cycle-errors')).StateValue).toBe('OK');
    await sluice.clock.advance('PT1M');
    expect(await alarm('cycle-errors')).toMatchObject({
      StateValue: 'INSUFFICIENT_DATA',
      StateReason: 'Insufficient Data: 1 datapoint was unknown.',
    });
    expect((await history('cycle-errors')).map((item) => item.HistorySummary)).toEqual([
      'Alarm updated from OK to INSUFFICIENT_DATA',
      'Alarm updated from ALARM to OK',
      'Alarm updated from INSUFFICIENT_DATA to ALARM',
      'Alarm "cycle-errors" created',
    ]);
  });

  it('tells a topic, a function that is not there, and the event bus', async () => {
    const topicQueue = await queue('alarm-topic');
    const busQueue = await queue('alarm-bus');
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'alarms' }));
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: topicQueue.arn }));
    await events.send(
      new PutRuleCommand({
        Name: 'alarms',
        EventPattern: JSON.stringify({
          source: ['aws.cloudwatch'],
          'detail-type': ['CloudWatch Alarm State Change'],
          detail: { alarmName: ['told-errors'] },
        }),
      }),
    );
    await events.send(new PutTargetsCommand({ Rule: 'alarms', Targets: [{ Id: 'q', Arn: busQueue.arn }] }));
    const missing = `arn:aws:lambda:us-east-1:${sluice.account}:function:none`;
    await cloudwatch.send(new PutMetricAlarmCommand(errorsAlarm('told', { AlarmActions: [TopicArn, missing] })));
    await put('told', { MetricName: 'Errors', Value: 1 });
    await sluice.clock.advance('PT2M');
    const [envelope] = await received(topicQueue.url);
    expect(envelope?.['Subject']).toBe('ALARM: "told-errors" in US East (N. Virginia)');
    expect(JSON.parse(String(envelope?.['Message']))).toMatchObject({
      AlarmName: 'told-errors',
      NewStateValue: 'ALARM',
      OldStateValue: 'INSUFFICIENT_DATA',
      Region: 'US East (N. Virginia)',
      Trigger: { MetricName: 'Errors', Namespace: 'told', Statistic: 'SUM', Period: 60, Threshold: 0 },
    });
    const [event] = await received(busQueue.url);
    expect(event).toMatchObject({
      source: 'aws.cloudwatch',
      'detail-type': 'CloudWatch Alarm State Change',
      resources: [`arn:aws:cloudwatch:us-east-1:${sluice.account}:alarm:told-errors`],
      detail: {
        alarmName: 'told-errors',
        state: { value: 'ALARM' },
        previousState: { value: 'INSUFFICIENT_DATA' },
        configuration: {
          metrics: [{ metricStat: { metric: { namespace: 'told', name: 'Errors' }, period: 60, stat: 'Sum' } }],
        },
      },
    });
    const actions = (await history('told-errors')).filter((item) => item.HistoryItemType === 'Action');
    expect(actions.map((item) => item.HistorySummary)).toContain(`Successfully executed action ${TopicArn}`);
    expect(actions.some((item) => item.HistorySummary?.startsWith(`Failed to execute action ${missing}`))).toBe(true);
  });

  it('evaluates a ten-second period of high-resolution data every ten seconds', async () => {
    await cloudwatch.send(new PutMetricAlarmCommand(errorsAlarm('fast', { Period: 10 })));
    await put('fast', { MetricName: 'Errors', Value: 1, StorageResolution: 1 });
    await sluice.clock.advance(11);
    expect((await alarm('fast-errors')).StateValue).toBe('ALARM');
  });

  it('needs M of N datapoints, and a percentile where it is asked for', async () => {
    await cloudwatch.send(
      new PutMetricAlarmCommand(
        errorsAlarm('mn', { EvaluationPeriods: 3, DatapointsToAlarm: 2, TreatMissingData: 'notBreaching' }),
      ),
    );
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        ...errorsAlarm('mn', {
          AlarmName: 'mn-p90',
          Threshold: 90,
          ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        }),
        Statistic: undefined,
        ExtendedStatistic: 'p90',
      }),
    );
    await put('mn', { MetricName: 'Errors', Values: Array.from({ length: 100 }, (_, index) => index + 1) });
    await sluice.clock.advance('PT1M');
    expect((await alarm('mn-errors')).StateValue).toBe('OK');
    expect((await alarm('mn-p90')).StateValue).toBe('ALARM');
    await put('mn', { MetricName: 'Errors', Value: 1 });
    await sluice.clock.advance('PT1M');
    expect((await alarm('mn-errors')).StateValue).toBe('ALARM');
  });

  it('SetAlarmState holds until the next evaluation, and runs actions unless they are disabled', async () => {
    const topicQueue = await queue('set-topic');
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'set' }));
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: topicQueue.arn }));
    await cloudwatch.send(
      new PutMetricAlarmCommand(errorsAlarm('set', { AlarmActions: [TopicArn], TreatMissingData: 'notBreaching' })),
    );
    const set = (StateValue: 'ALARM' | 'OK', more: object = {}) =>
      cloudwatch.send(
        new SetAlarmStateCommand({ AlarmName: 'set-errors', StateValue, StateReason: 'by hand', ...more }),
      );
    await set('ALARM', { StateReasonData: '{"why":"test"}' });
    expect(await alarm('set-errors')).toMatchObject({
      StateValue: 'ALARM',
      StateReason: 'by hand',
      StateReasonData: '{"why":"test"}',
    });
    await sluice.settled();
    expect(await received(topicQueue.url)).toHaveLength(1);
    await sluice.clock.advance('PT1M');
    expect((await alarm('set-errors')).StateValue).toBe('OK');
    await cloudwatch.send(new DisableAlarmActionsCommand({ AlarmNames: ['set-errors'] }));
    expect((await alarm('set-errors')).ActionsEnabled).toBe(false);
    await set('ALARM');
    await sluice.settled();
    expect(await received(topicQueue.url)).toHaveLength(0);
    await cloudwatch.send(new EnableAlarmActionsCommand({ AlarmNames: ['set-errors'] }));
    expect((await alarm('set-errors')).ActionsEnabled).toBe(true);
    expect(await failure(set('OK', { StateReasonData: 'not json' }))).toMatch(/InvalidFormat/);
    expect(
      await failure(
        cloudwatch.send(new SetAlarmStateCommand({ AlarmName: 'none', StateValue: 'OK', StateReason: 'x' })),
      ),
    ).toBe('ResourceNotFound');
  });

  it('takes a single metric as a Metrics list, and refuses expressions', async () => {
    const metric = { Namespace: 'listed', MetricName: 'Errors' };
    const base = {
      AlarmName: 'listed',
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold' as const,
    };
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        ...base,
        Metrics: [{ Id: 'm1', ReturnData: true, MetricStat: { Metric: metric, Period: 60, Stat: 'Sum' } }],
      }),
    );
    expect((await alarm('listed')).Metrics).toEqual([
      { Id: 'm1', ReturnData: true, MetricStat: { Metric: metric, Period: 60, Stat: 'Sum' } },
    ]);
    await put('listed', { MetricName: 'Errors', Value: 1 });
    await sluice.clock.advance('PT1M');
    expect((await alarm('listed')).StateValue).toBe('ALARM');
    const maths = new PutMetricAlarmCommand({ ...base, Metrics: [{ Id: 'e1', Expression: 'm1 * 2' }] });
    await expect(cloudwatch.send(maths)).rejects.toThrow(/not implemented by Sluice/);
  });

  it.each<[string, Partial<PutMetricAlarmCommandInput>]>([
    ['no metric', { MetricName: undefined }],
    ['no statistic', { Statistic: undefined }],
    ['both statistics', { ExtendedStatistic: 'p90' }],
    ['an odd period', { Period: 45 }],
    ['more than a day', { Period: 300, EvaluationPeriods: 300 }],
    ['M above N', { EvaluationPeriods: 2, DatapointsToAlarm: 3 }],
    ['an unknown treatment', { TreatMissingData: 'whatever' }],
    ['no threshold', { Threshold: undefined }],
    ['a band operator', { ComparisonOperator: 'LessThanLowerOrGreaterThanUpperThreshold' }],
    ['an EC2 action', { AlarmActions: ['arn:aws:automate:us-east-1:ec2:stop'] }],
    ['no ARN', { AlarmActions: ['topic'] }],
    ['low samples of a sum', { EvaluateLowSampleCountPercentile: 'ignore' }],
  ])('PutMetricAlarm refuses %s', async (_what, over) => {
    expect(await failure(cloudwatch.send(new PutMetricAlarmCommand(errorsAlarm('refused', over))))).toMatch(
      /^Validation/,
    );
  });

  it('DescribeAlarms filters and pages', async () => {
    for (const n of [1, 2, 3]) {
      await cloudwatch.send(
        new PutMetricAlarmCommand(
          errorsAlarm('paged', { AlarmName: `paged-${n}`, Dimensions: [{ Name: 'N', Value: String(n) }] }),
        ),
      );
    }
    const first = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNamePrefix: 'paged-', MaxRecords: 2 }));
    const second = await cloudwatch.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: 'paged-', MaxRecords: 2, NextToken: first.NextToken }),
    );
    const names = [...(first.MetricAlarms ?? []), ...(second.MetricAlarms ?? [])].map((each) => each.AlarmName);
    expect([names, second.NextToken]).toEqual([['paged-1', 'paged-2', 'paged-3'], undefined]);
    const only = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmTypes: ['CompositeAlarm'] }));
    expect([only.MetricAlarms, only.CompositeAlarms]).toEqual([[], []]);
    const inState = await cloudwatch.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: 'paged-', StateValue: 'ALARM' }),
    );
    expect(inState.MetricAlarms).toEqual([]);
    const forMetric = await cloudwatch.send(
      new DescribeAlarmsForMetricCommand({
        Namespace: 'paged',
        MetricName: 'Errors',
        Dimensions: [{ Name: 'N', Value: '2' }],
      }),
    );
    expect(forMetric.MetricAlarms?.map((each) => each.AlarmName)).toEqual(['paged-2']);
    expect(await failure(cloudwatch.send(new DescribeAlarmsCommand({ NextToken: 'x' })))).toBe('InvalidNextToken');
  });

  it('tags, keeps its state when put anew, and keeps its history when deleted', async () => {
    await cloudwatch.send(new PutMetricAlarmCommand(errorsAlarm('kept', { Tags: [{ Key: 'a', Value: '1' }] })));
    const { AlarmArn = '' } = await alarm('kept-errors');
    await cloudwatch.send(new TagResourceCommand({ ResourceARN: AlarmArn, Tags: [{ Key: 'b', Value: '2' }] }));
    await cloudwatch.send(new UntagResourceCommand({ ResourceARN: AlarmArn, TagKeys: ['a'] }));
    const { Tags } = await cloudwatch.send(new ListTagsForResourceCommand({ ResourceARN: AlarmArn }));
    expect(Tags).toEqual([{ Key: 'b', Value: '2' }]);
    await cloudwatch.send(
      new SetAlarmStateCommand({ AlarmName: 'kept-errors', StateValue: 'ALARM', StateReason: 'x' }),
    );
    await cloudwatch.send(new PutMetricAlarmCommand(errorsAlarm('kept', { Threshold: 7 })));
    expect(await alarm('kept-errors')).toMatchObject({ StateValue: 'ALARM', Threshold: 7 });
    await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: ['kept-errors', 'never-was'] }));
    expect(await alarm('kept-errors')).toEqual({});
    await sluice.settled();
    expect((await history('kept-errors')).map((item) => item.HistorySummary)).toEqual([
      'Alarm "kept-errors" deleted',
      'Alarm "kept-errors" updated',
      'Alarm updated from INSUFFICIENT_DATA to ALARM',
      'Alarm "kept-errors" created',
    ]);
    expect(await failure(cloudwatch.send(new ListTagsForResourceCommand({ ResourceARN: AlarmArn })))).toBe(
      'ResourceNotFoundException',
    );
  });

  it('lets nobody do what their policies do not say', async () => {
    const one = await person(sluice, 'watcher', [
      { Action: 'cloudwatch:DescribeAlarms', Resource: `arn:aws:cloudwatch:*:*:alarm:cycle-errors` },
      {
        Action: 'cloudwatch:PutMetricData',
        Resource: '*',
        Condition: { StringEquals: { 'cloudwatch:namespace': 'mine' } },
      },
    ]);
    const theirs = client(one);
    await theirs.send(new DescribeAlarmsCommand({ AlarmNames: ['cycle-errors'] }));
    expect(await failure(theirs.send(new DescribeAlarmsCommand({})))).toMatch(/AccessDenied/);
    const datum = { MetricData: [{ MetricName: 'M', Value: 1 }] };
    await theirs.send(new PutMetricDataCommand({ Namespace: 'mine', ...datum }));
    expect(await failure(theirs.send(new PutMetricDataCommand({ Namespace: 'yours', ...datum })))).toMatch(
      /AccessDenied/,
    );
  });
});
