/** A past deployment or pipeline with something changed, in the world that was recorded. */
import { describe, expect, it } from 'vitest';
import { Recording } from '../../../test/support/recording.ts';
import { MINUTE_MS } from '../../common/index.ts';
import * as alarm from '../alarm/index.ts';
import { defaultJudge } from '../judge/index.ts';
import * as deployment from '../lambda-deployment/index.ts';
import * as pipeline from '../pipeline-execution/index.ts';
import { shiftSteps } from '../traffic-shift/index.ts';
import {
  changedRule,
  type Decider,
  deploymentChange,
  executionsSeen,
  historyFrom,
  isProblem,
  lineChange,
  type MetricRecord,
  playAlarm,
  playDeployment,
  playLine,
  replay,
  type Replay,
  type Setting,
  type Tagged,
  type WorldAlarm,
  whyNotEarlier,
} from './index.ts';

const T0 = Date.UTC(2026, 10, 24, 6);
const CONFIGS = new Map([
  [
    'CodeDeployDefault.LambdaCanary10Percent15Minutes',
    { type: 'TimeBasedCanary' as const, percent: 10, intervalMinutes: 15 },
  ],
]);

function settings(...texts: string[]): Setting[] {
  return texts.map((text) => ({ key: text.split('=')[0] ?? '', value: text.split('=')[1] ?? '' }));
}

const FIRST: deployment.DeploymentState = {
  deploymentId: 'd-1',
  deploymentArn: 'arn',
  info: {},
  createdAt: T0,
  phase: { name: 'Preparing' },
  lifecycleEvents: [],
  steps: shiftSteps({ type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 }),
  stepIndex: 0,
  weightPercent: 0,
  touchedTraffic: false,
  checks: 0,
  alarms: { names: ['errors'], arns: ['arn:errors'], ignorePollFailure: false },
  rollbackPolicy: { onFailure: true, onAlarm: true, onRequest: false },
  previousDeploymentId: 'd-0',
  reservedRollbackId: 'd-2',
  hookExecutionIds: { BeforeAllowTraffic: 'before', AfterAllowTraffic: 'after' },
};

const TARGET = { functionName: 'f', alias: 'live', currentVersion: '1', targetVersion: '2', hooks: {} };
const DEPLOYMENTS = deployment as unknown as Decider<deployment.DeploymentState>;

/** A canary of five minutes; `raisedAt`: when its alarm was raised, and it acted. */
function recordedDeployment(raisedAfterMs?: number): Replay<deployment.DeploymentState> {
  const recording = new Recording(DEPLOYMENTS, FIRST, deployment.firstEffects as readonly Tagged[], T0);
  const tell = (event: Tagged, afterMs: number): void => void recording.submit(event, T0 + afterMs);
  tell({ type: 'RevisionRead', target: TARGET }, 20);
  tell({ type: 'AlarmsRead', check: 1, raised: [] }, 25);
  tell({ type: 'AlarmsRead', check: 2, raised: [] }, 30);
  tell({ type: 'TrafficSet', weightPercent: 10 }, 50);
  if (raisedAfterMs === undefined) {
    tell({ type: 'TimerFired', timer: 'shift' }, 300_025);
    tell({ type: 'AlarmsRead', check: 3, raised: [] }, 300_035);
    tell({ type: 'TrafficSet', weightPercent: 100 }, 300_055);
    tell({ type: 'AlarmsRead', check: 4, raised: [] }, 300_065);
  } else tell({ type: 'AlarmsRead', raised: ['errors'] }, raisedAfterMs + 10);
  expect(deployment.isFinal(recording.state)).toBe(true);
  return replay(DEPLOYMENTS, historyFrom(recording.rows) as never, recording.state);
}

function errorsAlarm(...raisedAfterMs: number[]): WorldAlarm {
  const moves = raisedAfterMs.map((afterMs) => ({ at: T0 + afterMs, value: 'ALARM' as const, reason: 'bad' }));
  return { name: 'errors', arn: 'arn:errors', value: 'OK', moves };
}

/** Minutes of a sum, from `T0 - 10 min` on. */
function minutes(values: Readonly<Record<number, number>>): MetricRecord {
  const slots = new Map(
    Object.entries(values).map(([minute, sum]) => [
      Number(minute) + 10,
      { samples: 10, sum, minimum: 0, maximum: sum, distribution: [[sum, 1]] as const },
    ]),
  );
  return { startAt: T0 - 10 * MINUTE_MS, slotMs: MINUTE_MS, slots };
}

const RULE: alarm.AlarmRule = {
  period: 60,
  evaluationPeriods: 3,
  datapointsToAlarm: 3,
  threshold: 5,
  comparison: 'GreaterThanThreshold',
  treatMissingData: 'notBreaching',
};

function definition(rule: alarm.AlarmRule): alarm.AlarmDefinition {
  return { rule, statisticName: 'Sum', actionsEnabled: true, actions: { OK: [], ALARM: [], INSUFFICIENT_DATA: [] } };
}

describe('playDeployment()', () => {
  it('comes to what was recorded when nothing is changed', () => {
    for (const raised of [undefined, 61_000]) {
      const recorded = recordedDeployment(raised);
      const alarms = [errorsAlarm(...(raised === undefined ? [] : [raised]))];
      const played = playDeployment(recorded, FIRST, deployment.firstEffects as readonly Tagged[], alarms);
      expect(played.turns.map(({ event }) => event.type)).toEqual(recorded.turns.map(({ event }) => event.type));
      expect(played.turns.map(({ effects }) => effects)).toEqual(recorded.turns.map(({ effects }) => effects));
      expect(Math.abs((played.state.completedAt ?? 0) - (recorded.state.completedAt ?? 0))).toBeLessThan(50);
      expect(played.assumed).toEqual([]);
    }
  });

  it('with a longer bake is still under way when the alarm is raised, and rolls back', () => {
    const recorded = recordedDeployment();
    const change = deploymentChange(settings('bake=PT10M'), FIRST.steps, ['errors'], CONFIGS);
    expect(change).toMatchObject({
      steps: [
        { afterMs: 0, weightPercent: 10 },
        { afterMs: 600_000, weightPercent: 100 },
      ],
    });
    if (isProblem(change)) return;
    const first = { ...FIRST, steps: change.steps ?? [] };
    const played = playDeployment(recorded, first, deployment.firstEffects as readonly Tagged[], [
      errorsAlarm(421_000),
    ]);
    expect(played.state).toMatchObject({
      phase: { name: 'Ended', status: 'Stopped', error: { code: 'ALARM_ACTIVE' } },
    });
    expect(played.state.completedAt).toBe(T0 + 421_000);
    expect(played.assumed).toEqual([expect.stringMatching(/From 2026-11-24T06:05:00Z on 10 % .* recorded at 100 %/)]);
  });

  it('with an alarm that does not fire goes on, and says that nothing is known of the new version then', () => {
    const played = playDeployment(recordedDeployment(61_000), FIRST, deployment.firstEffects as readonly Tagged[], [
      errorsAlarm(),
    ]);
    expect(played.state).toMatchObject({ phase: { name: 'Ended', status: 'Succeeded' }, weightPercent: 100 });
    expect(played.assumed).toEqual([
      expect.stringMatching(/At 2026-11-24T06:01:01Z the traffic was taken back.*no alarm changes/),
      expect.stringContaining('100 % of the traffic was never asked for'),
    ]);
  });

  it('says at which share of the traffic the datapoints were recorded', () => {
    const steps = shiftSteps({ type: 'TimeBasedCanary', percent: 50, intervalMinutes: 5 });
    const played = playDeployment(
      recordedDeployment(61_000),
      { ...FIRST, steps },
      deployment.firstEffects as readonly Tagged[],
      [errorsAlarm(61_000)],
    );
    expect(played.state).toMatchObject({ phase: { status: 'Stopped' } });
    expect(played.assumed.join()).toContain('50 % of the requests would have gone to the new version');
  });
});

describe('playDeployment() with a judge that there was not', () => {
  /** Ten requests a second to the new version, ninety to the old; `failing` of the new ones fail. */
  function heard(failing: number, seconds: number) {
    const evidence = Array.from({ length: seconds }, (_, second) => ({
      at: T0 + 1_000 + second * 1_000,
      share: 0.1,
      fresh: { requests: 10, failed: failing, durations: [] },
      old: { requests: 90, failed: 0, durations: [] },
    }));
    return { evidence, until: T0 + 1_000 + seconds * 1_000 };
  }
  const change = deploymentChange(settings('judge=on'), FIRST.steps, [], CONFIGS);
  const first = { ...FIRST, judge: deployment.newJudgeWatch(defaultJudge, T0) };
  const play = (failing: number) =>
    playDeployment(
      recordedDeployment(),
      first,
      deployment.firstEffects as readonly Tagged[],
      [errorsAlarm()],
      heard(failing, 299),
    );

  it('stops a version that fails more than the old one, long before its time', () => {
    expect(change).toMatchObject({ judge: { settings: defaultJudge } });
    const { state } = play(5);
    expect(state).toMatchObject({ phase: { status: 'Stopped', error: { code: 'CUSTOMER_APPLICATION_UNHEALTHY' } } });
    expect((state.completedAt ?? 0) - T0).toBeLessThan(60_000);
  });

  it('lets a good one go on', () => {
    expect(play(0).state).toMatchObject({ phase: { status: 'Succeeded' } });
  });
});

describe('playAlarm()', () => {
  it('raises at the look that sees M of N, by whichever rule', () => {
    const metric = minutes({ 0: 9, 1: 9, 2: 9, 3: 0 });
    const at = (rule: alarm.AlarmRule) =>
      playAlarm(definition(rule), metric, 'OK', T0 - MINUTE_MS, T0 + 10 * MINUTE_MS)
        .filter(({ value }) => value === 'ALARM')
        .map((move) => (move.at - T0) / 1000);
    expect(at(RULE)).toEqual([181]);
    expect(at({ ...RULE, datapointsToAlarm: 1 })).toEqual([61]);
    expect(at({ ...RULE, threshold: 10 })).toEqual([]);
    expect(at({ ...RULE, period: 180, evaluationPeriods: 1, datapointsToAlarm: 1 })[0]).toBe(61);
  });
});

describe('whyNotEarlier()', () => {
  const suspect = (rule: alarm.AlarmRule, metric: MetricRecord, ...raisedAfterMs: number[]) => ({
    name: 'errors',
    definition: definition(rule),
    value: 'OK' as const,
    metric,
    moves: errorsAlarm(...raisedAfterMs).moves,
  });
  const until = T0 + 30 * MINUTE_MS;

  it('tells what each rule cost', () => {
    const found = whyNotEarlier(
      [suspect(RULE, minutes({ 0: 9, 1: 9, 2: 9 }), 181_000)],
      T0,
      { at: T0 + 181_010, acted: true },
      until,
    );
    expect(found).toMatchObject({
      alarm: 'errors',
      firstBreach: { at: T0, periodMs: 60_000, value: 9 },
      earliestAt: T0 + 61_000,
      raisedAt: T0 + 181_000,
      wasRaisedAt: T0 + 181_000,
      costs: [
        { rule: 'Period', costMs: 60_000 },
        { rule: 'Publishing', costMs: 1_000 },
        { rule: 'DatapointsToAlarm', costMs: 120_000 },
        { rule: 'Poll', costMs: 10 },
      ],
    });
  });

  it('tells what a long period cost', () => {
    const rule = { ...RULE, period: 300, evaluationPeriods: 1, datapointsToAlarm: 1, threshold: 20 };
    const found = whyNotEarlier(
      [suspect(rule, minutes({ 0: 30, 1: 0 }))],
      T0,
      { at: T0 + 5 * MINUTE_MS, acted: false },
      until,
    );
    expect(found).toMatchObject({ earliestAt: T0 + 61_000, acted: false });
  });

  it('has nothing to say where no datapoint was over the threshold', () => {
    expect(
      whyNotEarlier([suspect(RULE, minutes({ 0: 1 }))], T0, { at: T0 + MINUTE_MS, acted: false }, until),
    ).toBeUndefined();
  });
});

// --- pipelines ---

const plan = (mode: pipeline.ExecutionMode): pipeline.Plan => ({
  version: 1,
  mode,
  stages: ['Source', 'Deploy'].map((name) => ({
    name,
    actions: [
      {
        name: 'act',
        runOrder: 1,
        type: { category: 'Deploy', owner: 'AWS', provider: 'CodeDeploy', version: '1' },
        inputs: [],
        outputs: [],
        timeoutMs: 20 * MINUTE_MS,
      },
    ],
  })),
});

const ONE = '00000001-0000-4000-8000-000000000000';
const TWO = '00000002-0000-4000-8000-000000000000';
const THREE = '00000003-0000-4000-8000-000000000000';

const LINES = { decide: pipeline.decide, isFinal: () => false } as unknown as Decider<pipeline.PipelineLine>;

/** One deploys for ten minutes; Two and Three come meanwhile, and Three supersedes Two. */
function recordedLine(mode: pipeline.ExecutionMode): Replay<pipeline.PipelineLine> {
  const recording = new Recording(LINES, pipeline.openLine('p', plan(mode)), [], T0);
  const tell = (event: Tagged, minute: number): void => void recording.submit(event, T0 + minute * MINUTE_MS);
  const start = (executionId: string, minute: number): void =>
    tell(
      { type: 'ExecutionStarted', executionId, trigger: { type: 'Webhook' }, variables: {}, sourceRevisions: [] },
      minute,
    );
  const done = (executionId: string, number: number, minute: number): void =>
    tell(
      {
        type: 'ActionSucceeded',
        actionExecutionId: pipeline.actionExecutionId(executionId, number),
        outputs: [],
        report: {},
        variables: {},
      },
      minute,
    );
  start(ONE, 0);
  done(ONE, 1, 1);
  start(TWO, 2);
  done(TWO, 1, 3);
  start(THREE, 4);
  done(THREE, 1, 5);
  done(ONE, 2, 11);
  done(THREE, 2, 21);
  const again = replay(LINES, historyFrom(recording.rows) as never, recording.state);
  expect(again.difference).toBeUndefined();
  return again;
}

function outcomes(played: { executions: ReadonlyMap<string, pipeline.Execution> }): Record<string, string> {
  return Object.fromEntries(
    [...played.executions.values()].map(({ id, status, updatedAt }) => [
      id.slice(7, 8),
      `${status} ${(updatedAt - T0) / MINUTE_MS}`,
    ]),
  );
}

describe('playLine()', () => {
  const first = pipeline.openLine('p', plan('SUPERSEDED'));

  it('comes to what was recorded when nothing is changed', () => {
    const recorded = recordedLine('SUPERSEDED');
    const played = playLine(recorded, first, { timeouts: [] });
    expect(outcomes(played)).toEqual({ 1: 'Succeeded 11', 2: 'Superseded 5', 3: 'Succeeded 21' });
    expect(outcomes(played)).toEqual(outcomes({ executions: executionsSeen(first, recorded.turns) }));
    expect(played.assumed).toEqual([]);
  });

  it('in another mode lets the superseded one deploy, for as long as the others took', () => {
    const change = lineChange(settings('mode=QUEUED'), ['Source/act', 'Deploy/act']);
    expect(change).toEqual({ mode: 'QUEUED', timeouts: [] });
    const played = playLine(recordedLine('SUPERSEDED'), first, change as never);
    expect(outcomes(played)).toEqual({ 1: 'Succeeded 11', 2: 'Succeeded 21', 3: 'Succeeded 31' });
    expect(played.assumed).toEqual([expect.stringMatching(/Deploy\/act of 00000002.* never ran then/)]);
  });

  it('with a shorter time-out fails what took longer', () => {
    const change = lineChange(settings('Deploy/act.timeout=PT8M'), ['Source/act', 'Deploy/act']);
    const played = playLine(recordedLine('SUPERSEDED'), first, change as never);
    expect(outcomes(played)).toEqual({ 1: 'Failed 9', 2: 'Superseded 5', 3: 'Failed 17' });
  });
});

describe('settings', () => {
  it.each([
    ['percent=0', 'whole number from 1 to 99'],
    ['strategy=ring', 'canary, linear or all-at-once'],
    ['config=Nothing', 'no such deployment configuration'],
    ['interval=PT30S', 'whole minutes'],
    ['rollback=ALWAYS', 'DEPLOYMENT_FAILURE'],
    ['other.threshold=1', 'does not watch other'],
    ['colour=red', 'a deployment knows config'],
  ])('deploymentChange() says what is wrong with %s', (text, problem) => {
    expect(deploymentChange(settings(text), FIRST.steps, ['errors'], CONFIGS)).toEqual({
      problem: expect.stringContaining(problem) as string,
    });
  });

  it('deploymentChange() reads configurations, strategies and the rules of alarms', () => {
    const change = (...texts: string[]) =>
      deploymentChange(settings(...texts), FIRST.steps, ['errors', 'slow'], CONFIGS);
    expect(change('config=LambdaCanary10Percent15Minutes')).toMatchObject({ steps: [{}, { afterMs: 900_000 }] });
    expect(change('strategy=linear', 'percent=25', 'interval=PT2M')).toMatchObject({
      steps: [
        { weightPercent: 25 },
        { weightPercent: 50 },
        { weightPercent: 75 },
        { afterMs: 360_000, weightPercent: 100 },
      ],
    });
    expect(change('strategy=all-at-once')).toMatchObject({ steps: [{ weightPercent: 100 }] });
    expect(change('rollback=none')).toMatchObject({ rollback: { onAlarm: false } });
    const { rules } = change('threshold=3', 'slow.period=PT5M') as { rules: Map<string, Setting[]> };
    expect([...rules]).toEqual([
      ['errors', [{ key: 'threshold', value: '3' }]],
      [
        'slow',
        [
          { key: 'threshold', value: '3' },
          { key: 'period', value: 'PT5M' },
        ],
      ],
    ]);
  });

  it('changedRule() keeps M within N', () => {
    const rule = { ...RULE, evaluationPeriods: 3, datapointsToAlarm: 2 };
    expect(changedRule(rule, settings('evaluationPeriods=1'))).toMatchObject({
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
    });
    expect(changedRule(RULE, settings('evaluationPeriods=5'))).toMatchObject({ datapointsToAlarm: 5 });
    expect(changedRule(rule, settings('datapointsToAlarm=4'))).toMatchObject({ problem: expect.any(String) });
    expect(changedRule(rule, settings('period=61'))).toMatchObject({ problem: expect.any(String) });
  });
});
