/** Whole pipelines: what each fault comes to, and what holds of every rehearsal. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import type { ActionPlan, ExecutionMode } from '../pipeline-execution/index.ts';
import { shiftSteps } from '../traffic-shift/index.ts';
import {
  DEFAULT_PACE,
  type Fault,
  grantFaults,
  type PipelinePlan,
  pipelinePalette,
  type PipelineWorkload,
  type RehearsedAlarm,
  rehearsePipeline,
  rehearsePipelineAll,
} from './index.ts';

const errors: RehearsedAlarm = {
  name: 'errors',
  metric: 'Errors',
  statistic: 'Sum',
  scope: 'Version',
  definition: {
    rule: {
      period: 60,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      threshold: 3,
      comparison: 'GreaterThanThreshold',
      treatMissingData: 'notBreaching',
    },
    statisticName: 'Sum',
    actionsEnabled: true,
    actions: { OK: [], ALARM: [], INSUFFICIENT_DATA: [] },
  },
};

const workload: PipelineWorkload = {
  requestsPerMinute: 600,
  errorShare: 0,
  latency: { medianMs: 40, p99Ms: 200 },
  publishDelayMs: 1000,
  pace: DEFAULT_PACE,
  groups: {},
};

function action(name: string, type: string, timeoutMs: number, more: Partial<ActionPlan> = {}): ActionPlan {
  const [category = '', provider = ''] = type.split('/');
  return {
    name,
    runOrder: 1,
    type: { category, owner: 'AWS', provider, version: '1' },
    inputs: [],
    outputs: [],
    timeoutMs,
    ...more,
  };
}

type Shape = Readonly<{
  mode?: ExecutionMode;
  bakeMinutes?: number;
  approval?: boolean;
  alarms?: readonly RehearsedAlarm[];
}>;

function plan({ mode = 'SUPERSEDED', bakeMinutes = 5, approval = true, alarms = [errors] }: Shape = {}): PipelinePlan {
  return {
    name: 'shop',
    line: {
      version: 1,
      mode,
      stages: [
        { name: 'Source', actions: [action('Code', 'Source/S3', HOUR_MS, { outputs: ['code'] })] },
        {
          name: 'Build',
          actions: [action('Package', 'Build/CodeBuild', 36 * HOUR_MS, { inputs: ['code'], outputs: ['zip'] })],
        },
        ...(approval ? [{ name: 'Approve', actions: [action('Manual', 'Approval/Manual', 7 * DAY_MS)] }] : []),
        { name: 'Deploy', actions: [action('Live', 'Deploy/CodeDeploy', 5 * DAY_MS, { inputs: ['zip'] })] },
      ],
    },
    work: {
      'Source/Code': { kind: 'Source', type: 'Source/S3' },
      'Build/Package': { kind: 'Build', type: 'Build/CodeBuild' },
      ...(approval ? { 'Approve/Manual': { kind: 'Approval', type: 'Approval/Manual', notifies: true } } : {}),
      'Deploy/Live': { kind: 'Deployment', type: 'Deploy/CodeDeploy', group: 'shop/live' },
    },
    groups: {
      'shop/live': {
        steps: shiftSteps({ type: 'TimeBasedCanary', percent: 10, intervalMinutes: bakeMinutes }),
        alarms,
        rollback: { onAlarm: true, onFailure: true },
        hooks: ['AfterAllowTraffic'],
      },
    },
    shut: [],
  };
}

function play(fault: Partial<Fault>, shape: Shape = {}, over: Partial<PipelineWorkload> = {}, seed = 1) {
  return rehearsePipeline(plan(shape), { ...workload, ...over }, { name: 'it', ...fault }, seed);
}

const told = (run: ReturnType<typeof play>): readonly string[] => run.timeline.map(({ what }) => what);

describe('rehearsePipeline()', () => {
  it('lets a healthy release through every stage, and tells its way', () => {
    const run = play({});
    expect(run).toMatchObject({ status: 'Succeeded', stopped: false, hurt: 0, serves: { 'shop/live': 2 } });
    expect(told(run)).toEqual([
      'the pipeline starts',
      'Source/Code',
      'Source/Code: Succeeded',
      'Build/Package',
      'Build/Package: Succeeded',
      'Approve/Manual',
      'Approve/Manual: Succeeded',
      'Deploy/Live',
      '10 % on the new version',
      '100 % on the new version',
      'the hook AfterAllowTraffic runs',
      'Deploy/Live: Succeeded',
      'the pipeline: Succeeded',
    ]);
    const { sourceMs, build, approver, hookMs } = DEFAULT_PACE;
    const endsAt = sourceMs + build.takesMs + approver.answersAfterMs + 5 * MINUTE_MS + hookMs;
    expect(run.executions).toMatchObject([
      { status: 'Succeeded', version: 2, startedAtMs: 0, endedAtMs: endsAt, waits: [] },
    ]);
  });

  it('stops a bad release by its alarm: the deployment is rolled back, the execution fails', () => {
    const run = play({ errorShare: () => 0.3 });
    expect(run).toMatchObject({
      status: 'Failed',
      stopped: true,
      rollback: 'Succeeded',
      alarms: ['errors'],
      code: 'ALARM_ACTIVE',
      at: 'Deploy/Live',
      serves: { 'shop/live': 1 },
      goesOnPerMinute: 0,
    });
    expect(run.endedAfterMs).toBeLessThanOrEqual(62 * SECOND_MS);
    expect(run.hurt).toBeGreaterThan(0);
  });

  it('says what goes on failing after a release that nobody stopped', () => {
    const run = play({ errorShare: () => 0.3 }, { alarms: [] });
    expect(run).toMatchObject({ status: 'Succeeded', serves: { 'shop/live': 2 } });
    expect(run.goesOnPerMinute).toBeCloseTo(180);
  });

  // Source: CodePipeline User Guide, "Quotas" (time-outs), "CodeBuild" (an hour for a build, unless the project says else).
  it.each([
    ['an approver who sleeps', { approver: 'Asleep' }, 'Timeout', 'Approve/Manual', 7 * DAY_MS],
    ['an approver who says no', { approver: 'Rejects' }, 'JobFailed', 'Approve/Manual', 30 * MINUTE_MS],
    ['a build that fails', { build: 'Fails' }, 'FAILED', 'Build/Package', 4 * MINUTE_MS],
    ['a build that hangs', { build: 'Hangs' }, 'TIMED_OUT', 'Build/Package', HOUR_MS],
    ['a runtime that dies', { build: 'Dies' }, 'FAULT', 'Build/Package', 2 * MINUTE_MS],
    ['a hook that hangs', { hook: 'Hangs' }, 'TIMEOUT', 'Deploy/Live', 5 * MINUTE_MS + HOUR_MS],
    ['a hook that fails', { hook: 'Fails' }, 'HOOK_EXECUTION_FAILURE', 'Deploy/Live', 5 * MINUTE_MS + 10 * SECOND_MS],
  ] as const)('ends the execution for %s', (_what, fault, code, at, afterMs) => {
    expect(play(fault)).toMatchObject({
      status: 'Failed',
      code,
      at,
      endedAfterMs: afterMs,
      serves: { 'shop/live': 1 },
    });
  });

  describe('an approver who sleeps while others push', () => {
    const outcome = (mode: ExecutionMode) =>
      play({ approver: 'Asleep' }, { mode }).executions?.map(({ status, waits }) => [status, waits[0]?.forMs ?? 0]);

    it('blocks the stage in SUPERSEDED mode, where the newest takes the place of the one that waits', () => {
      expect(outcome('SUPERSEDED')).toEqual([
        ['Failed', 0],
        ['Superseded', HOUR_MS],
        ['Failed', 7 * DAY_MS - 2 * HOUR_MS - 250 * SECOND_MS],
      ]);
    });

    it('blocks it in QUEUED mode, one week after the other', () => {
      expect(outcome('QUEUED')).toEqual([
        ['Failed', 0],
        ['Failed', 7 * DAY_MS - HOUR_MS - 250 * SECOND_MS],
        ['Failed', 14 * DAY_MS - 2 * HOUR_MS - 250 * SECOND_MS],
      ]);
    });

    it('blocks nobody in PARALLEL mode', () => {
      expect(outcome('PARALLEL')).toEqual([
        ['Failed', 0],
        ['Failed', 0],
        ['Failed', 0],
      ]);
    });
  });

  describe('a second push during the bake', () => {
    const pushed = (mode: ExecutionMode, fault: Partial<Fault> = {}, bakeMinutes = 20) =>
      play({ pushes: ['MidBake'], ...fault }, { mode, bakeMinutes, approval: false });

    it.each(['SUPERSEDED', 'QUEUED'] as const)('waits for the deployment in %s mode, and serves after it', (mode) => {
      const run = pushed(mode);
      expect(run.executions).toMatchObject([
        { status: 'Succeeded', waits: [] },
        { status: 'Succeeded', waits: [{ stage: 'Deploy', forMs: 6 * MINUTE_MS }] },
      ]);
      expect(run.serves).toEqual({ 'shop/live': 3 });
    });

    it('is superseded by a third one that comes while it waits', () => {
      const run = pushed('SUPERSEDED', { pushes: [2 * MINUTE_MS, 4 * MINUTE_MS] });
      expect(run.executions?.map(({ status }) => status)).toEqual(['Succeeded', 'Superseded', 'Succeeded']);
      expect(run.serves).toEqual({ 'shop/live': 4 });
    });

    it('keeps its turn in QUEUED mode', () => {
      const run = pushed('QUEUED', { pushes: [2 * MINUTE_MS, 4 * MINUTE_MS] });
      expect(run.executions?.map(({ status }) => status)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
      expect(run.serves).toEqual({ 'shop/live': 4 });
    });

    it('meets an active deployment in PARALLEL mode: tried again for four minutes, and given up', () => {
      const run = pushed('PARALLEL');
      expect(run.executions?.map(({ status }) => status)).toEqual(['Succeeded', 'Failed']);
      expect(told(run)).toContain('push 2: shop/live: another deployment is under way; tried again for a while');
      expect(run.serves).toEqual({ 'shop/live': 2 });
    });

    it('gets through in PARALLEL mode if the deployment ends meanwhile', () => {
      const run = pushed('PARALLEL', {}, 10);
      expect(run.executions?.map(({ status }) => status)).toEqual(['Succeeded', 'Succeeded']);
      expect(run.serves).toEqual({ 'shop/live': 3 });
    });

    it('mends what the first one broke', () => {
      const run = pushed('SUPERSEDED', { errorShare: () => 0.3 });
      expect(run.executions?.map(({ status }) => status)).toEqual(['Failed', 'Succeeded']);
      expect(run).toMatchObject({ serves: { 'shop/live': 3 }, goesOnPerMinute: 0 });
    });
  });

  describe('a role without a grant', () => {
    const without = (grant: string, by?: 'pipeline' | 'build' | 'deployment') =>
      play({ denies: { grant, ...(by && { by }) } });

    it.each([
      ['codedeploy:CreateDeployment', undefined, 'PermissionError', 'Deploy/Live', 0, 1],
      ['codebuild:StartBuild', undefined, 'PermissionError', 'Build/Package', 0, 1],
      ['codebuild:BatchGetBuilds', undefined, 'PermissionError', 'Build/Package', 10 * SECOND_MS, 1],
      ['sns:Publish', undefined, 'PermissionError', 'Approve/Manual', 0, 1],
      ['s3:GetObject', 'build', 'FAILED', 'Build/Package', 0, 1],
      ['s3:PutObject', 'build', 'FAILED', 'Build/Package', 4 * MINUTE_MS, 1],
      ['s3:GetObject', 'deployment', 'IAM_ROLE_PERMISSIONS', 'Deploy/Live', 0, 1],
      ['lambda:GetAlias', undefined, 'IAM_ROLE_PERMISSIONS', 'Deploy/Live', 0, 1],
      ['lambda:UpdateAlias', undefined, 'IAM_ROLE_PERMISSIONS', 'Deploy/Live', 0, 1],
      ['cloudwatch:DescribeAlarms', undefined, 'IAM_ROLE_PERMISSIONS', 'Deploy/Live', 0, 1],
      ['lambda:InvokeFunction', undefined, 'IAM_ROLE_PERMISSIONS', 'Deploy/Live', 5 * MINUTE_MS, 1],
    ] as const)('fails for %s (%s)', (grant, by, code, at, afterMs, version) => {
      const run = without(grant, by);
      expect(run).toMatchObject({ status: 'Failed', code, at, endedAfterMs: afterMs });
      expect(run.serves).toEqual({ 'shop/live': version });
    });

    it('fails for want of a look, while the deployment goes on and serves', () => {
      const run = without('codedeploy:GetDeployment');
      expect(run).toMatchObject({ status: 'Failed', at: 'Deploy/Live', endedAfterMs: 15 * SECOND_MS });
      expect(told(run)).toContain('the deployment goes on; nobody follows it');
      expect(run.serves).toEqual({ 'shop/live': 2 });
    });

    it('is rehearsed for each grant that can be missing, and each ends the execution', () => {
      const results = rehearsePipelineAll(plan(), workload, grantFaults(plan()), 1);
      expect(results.length).toBeGreaterThan(15);
      for (const result of results)
        expect([result.fault, result.ends]).toEqual([result.fault, expect.stringMatching(/^Failed/)]);
    });
  });

  it('waits for ever before a stage whose transition is disabled', () => {
    const run = rehearsePipeline({ ...plan(), shut: ['Deploy'] }, workload, { name: 'healthy' }, 1);
    expect(run).toMatchObject({ status: 'Waiting', serves: { 'shop/live': 1 } });
    expect(told(run).at(-1)).toBe('waits before Deploy');
  });

  it('returns in steps where both versions fail, and stays where there is nothing to return to', () => {
    expect(play({ errorShare: () => 0.3, oldErrorShare: 0.3 })).toMatchObject({
      status: 'Failed',
      rollback: 'Succeeded',
    });
    const gone = play({ errorShare: () => 0.3, oldGone: true });
    expect(gone).toMatchObject({ status: 'Failed', rollback: 'Failed' });
    expect(gone.goesOnPerMinute).toBeCloseTo(18);
  });

  it('counts apart what fails by mere chance', () => {
    const unlucky = { pace: { ...DEFAULT_PACE, build: { ...DEFAULT_PACE.build, failShare: 0.5 } } };
    const [healthy] = rehearsePipelineAll(plan(), { ...workload, ...unlucky }, [{ name: 'healthy' }], 40);
    expect(healthy).toMatchObject({ caught: 0, stopped: 0, ends: 'Succeeded' });
    expect((healthy?.runs ?? 0) + (healthy?.lost ?? 0)).toBe(40);
    expect(healthy?.lost).toBeGreaterThan(8);
  });

  it('is no slower than a 24-hour rollout in a second', () => {
    const long = plan({ bakeMinutes: 24 * 60, approval: false });
    const begunAt = performance.now();
    const run = rehearsePipeline(long, workload, { name: 'healthy' }, 1);
    expect(run.executions?.[0]?.endedAtMs).toBeGreaterThan(DAY_MS);
    expect(performance.now() - begunAt).toBeLessThan(1_000);
  });
});

// --- properties ---

const shapes = fc.record({
  mode: fc.constantFrom<ExecutionMode>('SUPERSEDED', 'QUEUED', 'PARALLEL'),
  bakeMinutes: fc.integer({ min: 1, max: 90 }),
  approval: fc.boolean(),
});
const faults = fc.nat(100).map((pick) => {
  const all = [...pipelinePalette(plan()), ...grantFaults(plan())];
  return all[pick % all.length] ?? { name: 'healthy' };
});
const pushes = fc.array(fc.integer({ min: 0, max: 2 * HOUR_MS }), { maxLength: 3 });

describe('whatever is rehearsed', () => {
  it('every execution ends, one that serves is the newest that succeeded, and a seed gives the same again', () => {
    fc.assert(
      fc.property(shapes, faults, pushes, fc.integer({ min: 1, max: 1e6 }), (shape, fault, times, seed) => {
        const struck = fault.approver === undefined ? { ...fault, pushes: times } : fault;
        const run = rehearsePipeline(plan(shape), workload, struck, seed);
        expect(rehearsePipeline(plan(shape), workload, struck, seed)).toEqual(run);
        const executions = run.executions ?? [];
        for (const { status } of executions) expect(['Succeeded', 'Failed', 'Superseded']).toContain(status);
        const deployed = executions.filter(({ status }) => status === 'Succeeded').map(({ version }) => version);
        // A deployment that nobody follows may serve as well.
        if (deployed.length > 0 && fault.denies === undefined && shape.mode !== 'PARALLEL')
          expect(run.serves?.['shop/live']).toBe(Math.max(...deployed));
        if (shape.mode === 'QUEUED') {
          const ends = executions.map(({ endedAtMs }) => endedAtMs);
          expect(ends).toEqual(ends.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('a healthy release without alarms always succeeds', () => {
    fc.assert(
      fc.property(
        shapes,
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (shape, seed, errorShare) => {
          const run = rehearsePipeline(
            plan({ ...shape, alarms: [] }),
            { ...workload, errorShare },
            { name: 'healthy' },
            seed,
          );
          expect(run).toMatchObject({ status: 'Succeeded', stopped: false, hurt: 0, serves: { 'shop/live': 2 } });
        },
      ),
      { numRuns: 40 },
    );
  });
});
