/** Whatever happened to a loop, its history decided again comes to the same states and effects, and a changed rule is found where it acts. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Recording, stored } from '../../../test/support/recording.ts';
import * as alarm from '../alarm/index.ts';
import * as build from '../build/index.ts';
import * as deployment from '../lambda-deployment/index.ts';
import * as pipeline from '../pipeline-execution/index.ts';
import { shiftSteps } from '../traffic-shift/index.ts';
import { type Decider, historyFrom, replay, stateAt, type Tagged, told, type Subject } from './index.ts';

const T0 = Date.UTC(2026, 10, 24, 6);
const uuid = (n: number): string => `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`;

type Case = Readonly<{
  subject: Subject;
  decider: Decider<any>;
  first: unknown;
  effects: readonly Tagged[];
  events: fc.Arbitrary<Tagged>;
}>;

const timer = (...names: string[]) =>
  fc.constantFrom(...names).map((name): Tagged => ({ type: 'TimerFired', timer: name }));
const names = (prefix: string, most: number) => fc.integer({ min: 1, max: most }).map((n) => `${prefix}${n}`);

const ALARM: alarm.AlarmDefinition = {
  rule: {
    period: 60,
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
    threshold: 5,
    comparison: 'GreaterThanThreshold',
    treatMissingData: 'missing',
  },
  statisticName: 'Sum',
  actionsEnabled: true,
  actions: { OK: [], ALARM: ['arn:aws:sns:us-east-1:000000000000:pager'], INSUFFICIENT_DATA: [] },
};

const DEPLOYMENT: deployment.DeploymentState = {
  deploymentId: 'd-1',
  deploymentArn: 'arn',
  info: {},
  createdAt: T0,
  phase: { name: 'Preparing' },
  lifecycleEvents: [],
  steps: shiftSteps({ type: 'TimeBasedLinear', percent: 40, intervalMinutes: 1 }),
  stepIndex: 0,
  weightPercent: 0,
  touchedTraffic: false,
  checks: 0,
  alarms: { names: ['errors'], arns: ['arn:alarm'], ignorePollFailure: false },
  rollbackPolicy: { onFailure: true, onAlarm: true, onRequest: false },
  previousDeploymentId: 'd-0',
  reservedRollbackId: 'd-2',
  hookExecutionIds: { BeforeAllowTraffic: 'before', AfterAllowTraffic: 'after' },
};

const PLAN: pipeline.Plan = {
  version: 1,
  mode: 'QUEUED',
  stages: ['Source', 'Build', 'Deploy'].map((name) => ({
    name,
    actions: [
      {
        name: 'act',
        runOrder: 1,
        type: { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' },
        inputs: [],
        outputs: [],
        timeoutMs: 600_000,
      },
    ],
  })),
};

const built = build.submitBuild({ id: 'p:1', arn: 'arn:build', definition: {}, queuedTimeoutMs: 60_000 }, T0);
const alarmed = alarm.startAlarm('arn:alarm', ALARM, {}, T0);

const actions = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
  .map(([execution, number]) => pipeline.actionExecutionId(uuid(execution), number));

const CASES: readonly Case[] = [
  {
    subject: 'deployment',
    decider: deployment as unknown as Decider,
    first: DEPLOYMENT,
    effects: deployment.firstEffects as readonly Tagged[],
    events: fc.oneof<fc.Arbitrary<Tagged>[]>(
      timer('shift', 'alarms', 'alarm:0', 'hook', 'deadline', 'original'),
      fc.constant({
        type: 'RevisionRead',
        target: {
          functionName: 'f',
          alias: 'live',
          currentVersion: '1',
          targetVersion: '2',
          hooks: { AfterAllowTraffic: 'h' },
        },
      }),
      fc.integer({ min: 1, max: 6 }).map((check) => ({ type: 'AlarmsRead', check, raised: [] })),
      fc.constantFrom([], ['errors']).map((raised) => ({ type: 'AlarmsRead', raised })),
      fc.constantFrom(0, 40, 80, 100).map((weightPercent) => ({ type: 'TrafficSet', weightPercent })),
      fc.boolean().map((succeeded) => ({ type: 'HookAnswered', executionId: 'after', succeeded })),
      fc.constant({ type: 'StopRequested' }),
    ),
  },
  {
    subject: 'pipeline execution',
    decider: { decide: pipeline.decide, isFinal: () => false } as unknown as Decider,
    first: pipeline.openLine('p', PLAN),
    effects: [],
    events: fc.oneof<fc.Arbitrary<Tagged>[]>(
      timer('deadline'),
      fc.integer({ min: 1, max: 4 }).map((n) => ({
        type: 'ExecutionStarted',
        executionId: uuid(n),
        trigger: { type: 'StartPipelineExecution' },
        variables: {},
        sourceRevisions: [],
      })),
      actions.map((actionExecutionId) => ({
        type: 'ActionSucceeded',
        actionExecutionId,
        outputs: [],
        report: {},
        variables: {},
      })),
      actions.map((actionExecutionId) => ({
        type: 'ActionFailed',
        actionExecutionId,
        error: { code: 'X', message: 'no' },
      })),
      actions.map((actionExecutionId) => ({
        type: 'ActionProgressed',
        actionExecutionId,
        report: { externalExecutionId: 'd-1' },
        pollAt: T0 + 5_000,
      })),
      names('', 4).map((n) => ({ type: 'StopRequested', executionId: uuid(Number(n)), abandon: false })),
      names('', 4).map((n) => ({
        type: 'StageRetryRequested',
        executionId: uuid(Number(n)),
        stage: 'Build',
        mode: 'FAILED_ACTIONS',
      })),
      fc.boolean().map((enabled) => ({
        type: 'TransitionChanged',
        stage: 'Deploy',
        direction: 'Inbound',
        enabled,
        changedBy: 'me',
      })),
      names('', 4).map((n) => ({ type: 'ExecutionsArchived', executionIds: [uuid(Number(n))] })),
    ),
  },
  {
    subject: 'build',
    decider: build as unknown as Decider,
    first: built.state,
    effects: built.effects as readonly Tagged[],
    events: fc.oneof<fc.Arbitrary<Tagged>[]>(
      timer('QueueTimeout'),
      fc.constantFrom('Admitted', 'StopRequested', 'Interrupted').map((type) => ({ type })),
      fc
        .tuple(
          fc.constantFrom(
            'PROVISIONING',
            'DOWNLOAD_SOURCE',
            'INSTALL',
            'PRE_BUILD',
            'BUILD',
            'POST_BUILD',
            'FINALIZING',
          ),
          fc.boolean(),
        )
        .map(([phase, failed]) => ({
          type: 'PhaseEnded',
          run: 1,
          phase,
          failed,
          contexts: [],
          facts: { a: undefined },
        })),
      fc.constant({ type: 'Stopped', run: 1 }),
    ),
  },
  {
    subject: 'alarm',
    decider: { decide: alarm.decide, isFinal: () => false } as unknown as Decider,
    first: alarmed.state,
    effects: alarmed.effects as readonly Tagged[],
    events: fc.oneof<fc.Arbitrary<Tagged>[]>(
      timer('evaluate'),
      fc
        .array(fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }), { minLength: 5, maxLength: 5 })
        .map((values) => ({
          type: 'DatapointsRead',
          revision: 1,
          points: values.map((value, index) => ({ at: T0 + index * 60_000, value, samples: 1 })),
        })),
      fc.constantFrom('OK', 'ALARM').map((value) => ({ type: 'StateSet', value, reason: 'by hand' })),
      fc.constant({ type: 'Configured', definition: { ...ALARM, rule: { ...ALARM.rule, threshold: 3 } } }),
      fc.constant({ type: 'Tagged', tags: { a: 'b' } }),
    ),
  },
];

function recorded(subject: Case, events: readonly (readonly [Tagged, number])[]): Recording<unknown> {
  const recording = new Recording(subject.decider, subject.first, subject.effects, T0);
  let at = T0;
  for (const [event, laterMs] of events) {
    at += laterMs;
    recording.submit(event, at);
  }
  return recording;
}

describe.each(CASES)('a $subject', (subject) => {
  const histories = fc.array(fc.tuple(subject.events, fc.nat(90_000)), { maxLength: 60 });

  it('comes to the same states when its history is decided again, from any beginning', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const recording = recorded(subject, events);
        for (const [index, row] of recording.rows.entries()) {
          if (row.state === undefined) continue;
          const history = historyFrom(recording.rows.slice(index));
          const again = replay(subject.decider, history!, stored(recording.state));
          expect(again.difference).toBeUndefined();
          expect(again.checked).toBe(recording.rows.length - index - 1);
          expect(again.effectsChecked).toBe(again.checked);
          expect(stored(again.state)).toEqual(stored(recording.state));
        }
      }),
    );
  });

  it('has words for every turn', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const recording = recorded(subject, events);
        for (const turn of replay(subject.decider, historyFrom(recording.rows)!).turns) {
          const { event, changes, effects } = told(subject.subject, turn, uuid(1));
          for (const text of [event, ...changes, ...effects]) expect(text).not.toMatch(/undefined|\[object|NaN/);
          expect(event).not.toBe('');
        }
      }),
      { numRuns: 50 },
    );
  });
});

test('replay() names the first turn at which a changed rule decides otherwise', () => {
  const [subject] = CASES;
  const target = { functionName: 'f', alias: 'live', currentVersion: '1', targetVersion: '2', hooks: {} };
  const recording = recorded(subject!, [
    [{ type: 'RevisionRead', target }, 1],
    [{ type: 'AlarmsRead', check: 1, raised: [] }, 1],
    [{ type: 'AlarmsRead', check: 2, raised: [] }, 1],
    [{ type: 'TrafficSet', weightPercent: 40 }, 1],
    [{ type: 'AlarmsRead', raised: ['errors'] }, 1],
  ]);
  const changed: Decider<any> = {
    isFinal: deployment.isFinal,
    decide: (state, event, now) => {
      const decision = deployment.decide(state, event as never, now);
      if (event.type !== 'TrafficSet') return decision as never;
      return { state: { ...decision.state, weightPercent: 41 }, effects: decision.effects } as never;
    },
  };
  const history = historyFrom(recording.rows)!;
  const again = replay(changed, history, recording.state);
  expect(again.difference).toMatchObject({
    version: 5,
    event: { type: 'TrafficSet' },
    how: 'it led to another state then',
  });
  expect(again.turns.map(({ check }) => check)).toEqual(['Same', 'Same', 'Same', 'Different', 'After']);

  const deaf: Decider<any> = {
    isFinal: deployment.isFinal,
    decide: (state, event, now) =>
      event.type === 'AlarmsRead' && (event['raised'] as string[]).length > 0
        ? { state, effects: [] }
        : (deployment.decide(state, event as never, now) as never),
  };
  expect(replay(deaf, history).difference).toMatchObject({
    version: 6,
    how: expect.stringContaining('changes nothing now'),
  });

  const broken: Decider<any> = {
    isFinal: deployment.isFinal,
    decide: () => {
      throw new Error('no such event');
    },
  };
  expect(replay(broken, history).difference).toMatchObject({
    version: 2,
    how: 'the rules of now cannot take it: no such event',
  });
});

describe('replay() of a rule that comes to the same states and has something else done', () => {
  const subject = CASES[0]!;
  const target = { functionName: 'f', alias: 'live', currentVersion: '1', targetVersion: '2', hooks: {} };
  const recording = recorded(subject, [
    [{ type: 'RevisionRead', target }, 1],
    [{ type: 'AlarmsRead', check: 1, raised: [] }, 1],
    [{ type: 'AlarmsRead', check: 2, raised: [] }, 1],
    [{ type: 'TrafficSet', weightPercent: 40 }, 1],
    [{ type: 'AlarmsRead', raised: ['errors'] }, 1],
  ]);
  const doing = (change: (effect: Tagged) => readonly Tagged[]): Decider<any> => ({
    isFinal: deployment.isFinal,
    decide: (state, event, now) => {
      const decision = deployment.decide(state, event as never, now);
      return { state: decision.state, effects: (decision.effects as Tagged[]).flatMap(change) } as never;
    },
  });
  const history = historyFrom(recording.rows)!;
  const differenceOf = (decider: Decider<any>, of = history) => replay(decider, of, recording.state).difference;
  const takesBack = (effect: Tagged): boolean => effect.type === 'SetTraffic';

  it('says what was to be done then, and what now', () => {
    const again = replay(
      doing((effect) => (takesBack(effect) ? [] : [effect])),
      history,
      recording.state,
    );
    expect(again.difference?.how).toMatch(
      /^the state is the same, but what was to be done then was .*SetTraffic.*, and now is /,
    );
    expect(again.difference?.version).toBeGreaterThan(2);
    expect(again.turns.at(-1)?.check).toBe('After');
    expect(again.effectsChecked).toBe(again.checked);
  });

  it('finds one more, one in another order, and one with another member', () => {
    expect(differenceOf(doing((effect) => (takesBack(effect) ? [effect, effect] : [effect])))).toBeDefined();
    expect(differenceOf(doing((effect) => [effect]))).toBeUndefined();
    const other = doing((effect) => [effect.type === 'WakeAt' ? { ...effect, at: Number(effect['at']) + 1 } : effect]);
    expect(differenceOf(other)).toMatchObject({ how: expect.stringContaining('differs in its members') as string });
    const reversed: Decider<any> = {
      ...doing((effect) => [effect]),
      decide: (state, event, now) => {
        const { state: next, effects } = deployment.decide(state, event as never, now);
        return { state: next, effects: effects.toReversed() } as never;
      },
    };
    expect(differenceOf(reversed)).toBeDefined();
  });

  it('cannot tell where they were not kept, and counts that', () => {
    const older = historyFrom(recording.rows.map(({ effects: _kept, ...row }) => row))!;
    const again = replay(
      doing(() => []),
      older,
      recording.state,
    );
    expect(again).toMatchObject({ checked: 5, effectsChecked: 0 });
    expect(again.difference).toBeUndefined();
  });
});

test('replay() compares with what is stored, where no fingerprints were kept', () => {
  const [subject] = CASES;
  const recording = recorded(subject!, [[{ type: 'StopRequested' }, 5]]);
  const rows = recording.rows.map(({ fingerprint: _kept, ...row }) => row);
  const history = historyFrom(rows)!;
  expect(replay(subject!.decider, history, recording.state)).toMatchObject({
    checked: 0,
    turns: [{ check: 'Unchecked' }],
  });
  const stored = { ...(recording.state as deployment.DeploymentState), weightPercent: 7 };
  expect(replay(subject!.decider, history, stored).difference).toMatchObject({
    version: 2,
    differences: [{ path: 'weightPercent', was: 7, is: 0 }],
  });
});

test('historyFrom() knows no beginning where no state was kept', () => {
  expect(historyFrom([{ version: 7, at: T0, event: { type: 'StopRequested' } }])).toBeUndefined();
});

test('stateAt() is the state after the last turn by then', () => {
  const [subject] = CASES;
  const recording = recorded(subject!, [[{ type: 'StopRequested' }, 5_000]]);
  const history = historyFrom(recording.rows)!;
  const again = replay<any>(subject!.decider as never, history as never);
  expect(stateAt(history as never, again, T0 - 1)).toBeUndefined();
  expect(stateAt<any>(history as never, again, T0 + 4_999)?.phase.name).toBe('Preparing');
  expect(stateAt<any>(history as never, again, T0 + 5_000)?.phase.name).toBe('Ended');
});
