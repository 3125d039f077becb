/**
 * What a world is made of, drawn from its seed: valid pipelines, deployment groups with their strategies and alarms, how
 * many processes share the disk, how slow things are and how often they go wrong. Some worlds are calm and some are not:
 * a fault that needs another one beside it is found in the second kind, a false alarm of the checker in the first.
 */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/common/index.ts';
import type { AlarmRule } from '../../src/core/alarm/index.ts';
import { type JudgeSettings, readJudgeTag } from '../../src/core/judge/index.ts';
import type { RollbackPolicy } from '../../src/core/lambda-deployment/index.ts';
import type { ActionPlan, ExecutionMode, Plan, StagePlan } from '../../src/core/pipeline-execution/index.ts';
import { type Routing, shiftSteps, type Step } from '../../src/core/traffic-shift/index.ts';
import type { Random } from '../random.ts';

export type GroupPlan = Readonly<{
  name: string;
  strategy: Routing['type'];
  steps: readonly Step[];
  alarms: readonly AlarmPlan[];
  rollbackPolicy: RollbackPolicy;
  ignorePollFailure: boolean;
  hooks: Readonly<{ before: boolean; after: boolean }>;
  /** Absent: nobody judges. */
  judge?: JudgeSettings;
  /** Of users to its alias while two versions share the traffic: how long from batch to batch, and the most of one. */
  requests: Readonly<{ gapMs: number; most: number }>;
}>;

export type AlarmPlan = Readonly<{ name: string; rule: AlarmRule }>;

export type PipelinePlan = Readonly<{ name: string; plan: Plan }>;

/** Rates are probabilities per occasion, gaps mean milliseconds of virtual time; 0: never. */
export type Circumstances = Readonly<{
  /** Share of trips to the database that take time, and how long at most. */
  databaseShare: number;
  databaseMs: number;
  statementFails: number;
  commitLost: number;
  diskFull: number;
  callSlow: number;
  callLost: number;
  answerLost: number;
  callTwice: number;
  runtimeDies: number;
  runtimeSilent: number;
  hookSilent: number;
  /** What a deployment's judge has read comes again, later. */
  evidenceAgain: number;
  /** Share of versions that are bad. */
  badVersions: number;
  crashGapMs: number;
  pauseGapMs: number;
  outageGapMs: number;
  diskFullGapMs: number;
  clockJumpGapMs: number;
  flapGapMs: number;
  overwriteGapMs: number;
  actGapMs: number;
}>;

export type Scenario = Readonly<{
  processes: number;
  pipelines: readonly PipelinePlan[];
  groups: readonly GroupPlan[];
  circumstances: Circumstances;
  /** Objects keep their versions; without, whoever writes last is read. */
  versionedBucket: boolean;
  /** Now and then half of all requests fail, whatever version they are for. */
  weather: boolean;
}>;

/** `judges`: a generator of their own, so that worlds without them are what they were before there were any. */
export function drawScenario(random: Random, judges: Random): Scenario {
  const unjudged = Array.from({ length: random.between(1, 2) }, (_, index) => drawGroup(random, `group-${index + 1}`));
  const judged = judges.chance(0.3);
  const groups = unjudged.map((group) => ({ ...group, ...(judged && drawJudge(judges)) }));
  const pipelines = Array.from({ length: random.between(1, 2) }, (_, index) => ({
    name: `pipeline-${index + 1}`,
    plan: drawPlan(random, 1, groups),
  }));
  return {
    processes: random.chance(0.5) ? 1 : random.between(2, 3),
    pipelines,
    groups,
    circumstances: { ...drawCircumstances(random), ...(judged && drawOfJudges(judges)) },
    versionedBucket: random.chance(0.7),
    weather: judges.chance(0.3),
  };
}

/** A valid definition: sources first, and nothing asks for an artifact that no earlier action makes. */
export function drawPlan(random: Random, version: number, groups: readonly GroupPlan[]): Plan {
  const mode = random.weighted<ExecutionMode>({ SUPERSEDED: 4, QUEUED: 3, PARALLEL: 2 });
  const source = action('source', 1, 'Source', 'S3', { outputs: ['source'], timeoutMs: 10 * MINUTE_MS });
  const stages: StagePlan[] = [{ name: 'Source', actions: [source] }];
  const built = random.chance(0.85);
  if (built) {
    const actions = [
      action('build', random.between(1, 2), 'Build', 'CodeBuild', {
        inputs: ['source'],
        outputs: ['built'],
        timeoutMs: 2 * HOUR_MS,
      }),
    ];
    if (random.chance(0.4)) {
      actions.push(
        action('test', random.between(1, 3), 'Test', 'CodeBuild', { inputs: ['source'], timeoutMs: 2 * HOUR_MS }),
      );
    }
    stages.push({ name: 'Build', actions });
  }
  for (let index = 1, last = random.between(1, 2); index <= last; index++) {
    const group = random.pick(groups);
    const actions: ActionPlan[] = [];
    let order = 1;
    if (random.chance(0.35)) {
      actions.push(action(`approve-${index}`, order, 'Approval', 'Manual', { timeoutMs: 7 * 24 * HOUR_MS }));
      if (random.chance(0.8)) order += 1;
    }
    if (random.chance(0.9)) {
      actions.push(
        action(`deploy-${index}-${group.name}`, order, 'Deploy', 'CodeDeploy', {
          inputs: [built ? 'built' : 'source'],
          timeoutMs: 3 * HOUR_MS,
        }),
      );
    }
    if (actions.length === 0) actions.push(action(`invoke-${index}`, 1, 'Invoke', 'Lambda', { timeoutMs: HOUR_MS }));
    stages.push({ name: `Deploy-${index}`, actions });
  }
  return { version, mode, stages };
}

function action(
  name: string,
  runOrder: number,
  category: string,
  provider: string,
  more: Partial<ActionPlan>,
): ActionPlan {
  return {
    name,
    runOrder,
    type: { category, owner: 'AWS', provider, version: '1' },
    inputs: [],
    outputs: [],
    timeoutMs: HOUR_MS,
    ...more,
  };
}

function drawGroup(random: Random, name: string): GroupPlan {
  const routing: Routing = random.pick([
    { type: 'AllAtOnce' },
    { type: 'TimeBasedCanary', percent: random.pick([1, 10, 50]), intervalMinutes: random.pick([1, 2, 5]) },
    { type: 'TimeBasedLinear', percent: random.pick([10, 25, 34]), intervalMinutes: random.pick([1, 2]) },
  ] satisfies Routing[]);
  const policy = random.pick([
    { onFailure: true, onAlarm: true, onRequest: true },
    { onFailure: true, onAlarm: true, onRequest: false },
    { onFailure: false, onAlarm: true, onRequest: false },
    { onFailure: false, onAlarm: false, onRequest: false },
  ]);
  return {
    name,
    strategy: routing.type,
    steps: shiftSteps(routing),
    alarms: Array.from({ length: random.pick([0, 1, 1, 2]) }, (_, index) =>
      drawAlarm(random, `${name}-alarm-${index}`),
    ),
    rollbackPolicy: policy,
    ignorePollFailure: random.chance(0.3),
    hooks: { before: random.chance(0.2), after: random.chance(0.2) },
    requests: { gapMs: 0, most: 0 },
  };
}

function drawOfJudges(random: Random): Partial<Circumstances> {
  return { badVersions: random.pick([0, 0.4, 0.8]), evidenceAgain: random.pick([0, 0.05, 0.5]) };
}

function drawJudge(random: Random): Partial<GroupPlan> {
  const words = [
    random.pick(['errors=0.5/2', 'errors=0/1', 'errors=5/20', 'errors=10/50']),
    random.pick(['slow=off', 'slow=off', 'slow=2/8', 'slow=10/50']),
    `alpha=${random.pick([0.01, 1, 10])}`,
    `extend=${random.pick(['PT0S', 'PT25S', 'PT2M', 'PT10M'])}`,
    `undecided=${random.pick(['go', 'stop'])}`,
  ];
  const read = readJudgeTag(words.join(' '));
  const settings = 'problem' in read ? undefined : read.settings;
  const requests = { gapMs: random.pick([4, 8, 15]) * SECOND_MS, most: random.pick([2, 20, 60]) };
  return {
    ...(settings !== undefined && random.chance(0.8) && { judge: settings }),
    requests,
    // An alarm is often sooner.
    ...(random.chance(0.5) && { alarms: [] }),
  };
}

function drawAlarm(random: Random, name: string): AlarmPlan {
  const evaluationPeriods = random.between(1, 3);
  return {
    name,
    rule: {
      period: random.pick([10, 60, 60, 60]),
      evaluationPeriods,
      datapointsToAlarm: random.between(1, evaluationPeriods),
      threshold: random.pick([1, 5, 20]),
      comparison: 'GreaterThanThreshold',
      treatMissingData: random.pick(['missing', 'notBreaching', 'ignore'] as const),
    },
  };
}

function drawCircumstances(random: Random): Circumstances {
  const calm = random.chance(0.15);
  /** Each kind of fault is present in some of the worlds only, so that they are met one by one and together. */
  const sometimes = (share: number, value: () => number): number => {
    const present = random.chance(share);
    const drawn = value();
    return present && !calm ? drawn : 0;
  };
  const rate = (most: number): number => most * random.uniform() ** 2;
  const gap = (leastMs: number, mostMs: number): number => leastMs + random.uniform() * (mostMs - leastMs);
  return {
    databaseShare: random.pick([0.3, 1, 1]),
    databaseMs: random.pick([1, 3, 3, 50]),
    statementFails: sometimes(0.3, () => rate(0.02)),
    commitLost: sometimes(0.5, () => rate(0.05)),
    diskFull: sometimes(0.2, () => rate(0.01)),
    callSlow: sometimes(0.4, () => rate(0.2)),
    callLost: sometimes(0.4, () => rate(0.15)),
    answerLost: sometimes(0.5, () => rate(0.15)),
    callTwice: sometimes(0.4, () => rate(0.1)),
    runtimeDies: sometimes(0.4, () => rate(0.2)),
    runtimeSilent: sometimes(0.3, () => rate(0.2)),
    hookSilent: sometimes(0.2, () => rate(0.3)),
    evidenceAgain: 0,
    badVersions: random.pick([0, 0.2, 0.5]),
    crashGapMs: sometimes(0.6, () => gap(10 * SECOND_MS, 4 * MINUTE_MS)),
    pauseGapMs: sometimes(0.3, () => gap(30 * SECOND_MS, 5 * MINUTE_MS)),
    outageGapMs: sometimes(0.3, () => gap(MINUTE_MS, 10 * MINUTE_MS)),
    diskFullGapMs: sometimes(0.2, () => gap(2 * MINUTE_MS, 10 * MINUTE_MS)),
    clockJumpGapMs: sometimes(0.3, () => gap(30 * SECOND_MS, 10 * MINUTE_MS)),
    flapGapMs: sometimes(0.4, () => gap(30 * SECOND_MS, 5 * MINUTE_MS)),
    overwriteGapMs: sometimes(0.2, () => gap(MINUTE_MS, 5 * MINUTE_MS)),
    actGapMs: random.pick([10, 30, 60]) * SECOND_MS,
  };
}
