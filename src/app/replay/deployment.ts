/** A deployment decided again; played once more with something changed; and why it was not stopped earlier. */
import { AwsError, type EpochMs, isoMillis, isoSeconds, MINUTE_MS, parseArn } from '../../common/index.ts';
import type { AlarmRule } from '../../core/alarm/index.ts';
import { type Evidence, SPAN_MS } from '../../core/judge/index.ts';
import { deploymentStatus, type DeploymentState, newJudgeWatch } from '../../core/lambda-deployment/index.ts';
import {
  changedRule,
  type DeploymentChange,
  deploymentChange,
  type Heard,
  isProblem,
  phaseWords,
  playAlarm,
  playDeployment,
  type PlayedTurn,
  type Replay,
  type Setting,
  stateAt,
  type SuspectAlarm,
  takenBackAt,
  told,
  weightsOf,
  whyNotEarlier,
  type WorldAlarm,
} from '../../core/replay/index.ts';
import type { Routing } from '../../core/traffic-shift/index.ts';
import { readEvidence, type Work } from '../../services/index.ts';
import { collection, timeSort } from '../../store/index.ts';
import { metricOf, type PastAlarm, pastAlarm, warmUpMs } from './alarms.ts';
import type { ChangedAnswer, InstantAnswer, NotEarlierAnswer, ReplayAnswer } from './answer.ts';
import { type Decided, rowsFrom } from './changed.ts';
import { checkOf, recordOf, type ReplayTools, turnLine, withoutSecrets } from './record.ts';
import { costWords, durationWords, ruleWords } from './words.ts';

const KIND = 'codedeploy.deployment';

export type Asked = Readonly<{ at?: (startedAt: EpochMs) => EpochMs; settings: readonly Setting[] }>;

type OfDeployment = Omit<ReplayAnswer, 'differs' | 'parts' | keyof Pick<Work, 'id' | 'name' | 'account' | 'region'>>;

export async function deploymentAnswer(
  tools: ReplayTools,
  work: Work,
  asked: Asked,
): Promise<OfDeployment | undefined> {
  const { account, region, id } = work;
  const record = await recordOf<DeploymentState>(tools, KIND, { account, region, id });
  if (record === undefined) return undefined;
  const { history, replay } = record;
  const notes: string[] = [];
  const watched = await Promise.all(
    replay.state.alarms.names.map((name) => pastAlarm(tools, work, name, replay.state.createdAt)),
  );
  const alarms = watched.filter((alarm) => alarm !== undefined);
  for (const [index, alarm] of watched.entries()) {
    const name = replay.state.alarms.names[index] ?? '';
    if (alarm === undefined) notes.push(`The alarm ${name} does not exist any more, nor does its history.`);
    else if (alarm.definitionThen === undefined)
      notes.push(
        `The history of the alarm ${name} does not reach back to the deployment; its rule of now is taken for that of then.`,
      );
  }
  const instantAt = asked.at?.(replay.state.createdAt);
  const state = instantAt === undefined ? undefined : stateAt(history, replay, instantAt);
  const known = { tools, work, replay, alarms };
  const notEarlier = history.beginning.created ? await notEarlierAnswer(known) : undefined;
  return {
    kind: 'deployment',
    status: deploymentStatus(replay.state),
    from: isoMillis(history.beginning.at),
    whole: history.beginning.created,
    turns: replay.turns.map((turn) => turnLine('deployment', turn)),
    ...checkOf('deployment', record),
    notes,
    ...(state !== undefined && instantAt !== undefined && { instant: instant(instantAt, state) }),
    ...(asked.settings.length > 0 && {
      changed: await changedAnswer(known, history.beginning.state, history.beginning.effects, asked.settings),
    }),
    ...(notEarlier !== undefined && { notEarlier }),
  };
}

type Known = Readonly<{
  tools: ReplayTools;
  work: Work;
  replay: Replay<DeploymentState>;
  alarms: readonly PastAlarm[];
}>;

function instant(at: EpochMs, state: DeploymentState): InstantAnswer {
  const { weightPercent, target, lifecycleEvents } = state;
  const { targetVersion, currentVersion } = target ?? {};
  return {
    at: isoMillis(at),
    is: [
      `${deploymentStatus(state)}: ${phaseWords(state)}`,
      ...(target === undefined
        ? []
        : [
            `${weightPercent} % of the traffic on version ${targetVersion}, ${100 - weightPercent} % on ${currentVersion}`,
          ]),
      ...lifecycleEvents.map(({ name, status }) => `${name} ${status}`),
    ],
    state: withoutSecrets(state),
  };
}

// --- with something changed ---

async function changedAnswer(
  known: Known,
  beginning: DeploymentState,
  effects: Parameters<typeof playDeployment>[2],
  settings: readonly Setting[],
): Promise<ChangedAnswer> {
  const { tools, work, replay } = known;
  const change = deploymentChange(settings, beginning.steps, beginning.alarms.names, await configs(tools, work));
  if (isProblem(change)) throw new AwsError('ValidationException', `--set ${change.problem}.`);
  const names = change.alarms ?? beginning.alarms.names;
  const assumed: string[] = [];
  const world: WorldAlarm[] = [];
  for (const name of names) world.push(await worldAlarm(known, name, change, assumed));
  const heard = change.judge?.settings === undefined ? undefined : await heardOf(known, assumed);
  const { judge: judgeThen, ...unjudged } = beginning;
  const judge =
    change.judge === undefined
      ? judgeThen
      : change.judge.settings && newJudgeWatch(change.judge.settings, beginning.createdAt);
  const first: DeploymentState = {
    ...unjudged,
    ...(judge !== undefined && { judge }),
    steps: change.steps ?? beginning.steps,
    rollbackPolicy: change.rollback ?? beginning.rollbackPolicy,
    alarms: { ...beginning.alarms, names, arns: world.map(({ arn }) => arn) },
  };
  const played = playDeployment(replay, first, effects, world, heard);
  const rows = rowsFrom(decidedIn(replay.turns), decidedIn(played.turns));
  return {
    settings: settings.map(({ key, value }) => `${key}=${value}`),
    same: rows.length === 0,
    rows,
    outcome: {
      was: outcomeOf(replay.state, replay.turns, tools.house.clock.now()),
      would: outcomeOf(played.state, played.turns, tools.house.clock.now()),
    },
    assumed: [...assumed, ...played.assumed],
  };
}

/** What the judge would have heard: the requests of the alias while it sent traffic to both versions. */
async function heardOf({ tools, work, replay }: Known, assumed: string[]): Promise<Heard> {
  const { target, createdAt, completedAt } = replay.state;
  const now = tools.house.clock.now();
  const evidence: Evidence[] = [];
  let until = createdAt;
  if (target !== undefined) {
    const { functionName, alias, currentVersion: old, targetVersion: fresh } = target;
    const name = parseArn(functionName)?.resource.split(':')[1] ?? functionName;
    const endAt = Math.min(now, completedAt ?? now);
    for (;;) {
      const read = await readEvidence(tools.house.store, work, { functionName: name, alias, old, fresh }, until, now);
      evidence.push(...read.evidence);
      if (read.until <= until || read.until >= endAt) break;
      until = read.until;
    }
  }
  const last = evidence.at(-1);
  if (last === undefined)
    assumed.push('No requests of both versions at the same time are kept of that time: the judge hears none.');
  return { evidence, until: last === undefined ? now : last.at + SPAN_MS };
}

/** When the alarm changed its state: as recorded, or by its datapoints where its rule is another. */
async function worldAlarm(
  { tools, work, replay, alarms }: Known,
  name: string,
  change: DeploymentChange,
  assumed: string[],
): Promise<WorldAlarm> {
  const { createdAt } = replay.state;
  const alarm = alarms.find((each) => each.name === name) ?? (await pastAlarm(tools, work, name, createdAt));
  const arn = alarm?.arn ?? `arn:aws:cloudwatch:${work.region}:${work.account}:alarm:${name}`;
  const settings = change.rules.get(name);
  if (alarm === undefined) {
    if (settings !== undefined)
      throw new AwsError('ValidationException', `The alarm ${name} does not exist any more: it cannot be judged anew.`);
    // All that is left of it is what the deployment saw.
    const seen = replay.turns.filter(({ event }) => event.type === 'AlarmsRead' && raisedIn(event).includes(name));
    return { name, arn, value: 'OK', moves: seen.map(({ at }) => ({ at, value: 'ALARM', reason: '' })) };
  }
  if (settings === undefined) return { name, arn, value: alarm.value, moves: alarm.moves };
  const definition = alarm.definitionThen ?? alarm.definition;
  const rule = changedRule(definition.rule, settings);
  if (isProblem(rule)) throw new AwsError('ValidationException', `--set ${rule.problem}.`);
  const until = tools.house.clock.now();
  const metric = await metricOf(tools, work, definition, rule, createdAt, until);
  if (metric.slots.size === 0)
    assumed.push(`The metric of the alarm ${name} holds no datapoints of that time (any more): it is judged by none.`);
  const moves = playAlarm({ ...definition, rule }, metric, alarm.value, createdAt - warmUpMs(rule), until);
  const before = moves.findLast(({ at }) => at <= createdAt)?.value ?? alarm.value;
  return { name, arn, value: before, moves: moves.filter(({ at }) => at > createdAt) };
}

function raisedIn(event: Readonly<{ [member: string]: unknown }>): readonly string[] {
  return (event['raised'] as readonly string[] | undefined) ?? [];
}

function decidedIn(turns: readonly PlayedTurn<DeploymentState>[]): readonly Decided[] {
  return turns.map((turn) => {
    const { event, changes, effects } = told('deployment', turn);
    return {
      at: turn.at,
      lines: [event, ...changes.map((text) => `→ ${text}`), ...effects.map((text) => `· ${text}`)],
    };
  });
}

function outcomeOf(state: DeploymentState, turns: readonly PlayedTurn<DeploymentState>[], now: EpochMs): string {
  const { phase, completedAt, rollbackInfo } = state;
  const weights = weightsOf(turns).filter(({ percent }) => percent > 0);
  const endAt = completedAt ?? now;
  const shares = weights.flatMap(({ at, percent }, index) => {
    const next = weights[index + 1];
    if (next === undefined && phase.name === 'Ended' && phase.status === 'Succeeded') return [];
    return [`${percent} % for ${durationWords((next?.at ?? endAt) - at)}`];
  });
  const exposed = shares.length === 0 ? '' : `; before, the new version had ${shares.join(', then ')}`;
  if (phase.name !== 'Ended') return `${deploymentStatus(state)}, ${phaseWords(state)}`;
  const back = rollbackInfo?.rollbackDeploymentId === undefined ? '' : ', rolled back';
  return `${phaseWords(state)}${back} at ${isoSeconds(endAt)}${exposed}`;
}

type KeptConfig = Readonly<{
  computePlatform: string;
  trafficRoutingConfig?: Readonly<{
    type?: string;
    timeBasedCanary?: Readonly<{ canaryPercentage?: number; canaryInterval?: number }>;
    timeBasedLinear?: Readonly<{ linearPercentage?: number; linearInterval?: number }>;
  }>;
}>;

async function configs(tools: ReplayTools, { account, region }: Work): Promise<ReadonlyMap<string, Routing>> {
  const { PREDEFINED } = await import('../../services/codedeploy/index.ts');
  const custom = await collection<KeptConfig>('codedeploy.deploymentConfig').list(tools.house.store, {
    account,
    region,
  });
  const all: (readonly [string, KeptConfig])[] = [
    ...PREDEFINED,
    ...custom.map(({ key, document }) => [key.id, document] as const),
  ];
  return new Map(
    all
      .filter(([, { computePlatform }]) => computePlatform === 'Lambda')
      .map(
        ([name, { trafficRoutingConfig: { timeBasedCanary: canary, timeBasedLinear: linear } = {} }]): [
          string,
          Routing,
        ] => {
          if (canary !== undefined)
            return [
              name,
              {
                type: 'TimeBasedCanary',
                percent: canary.canaryPercentage ?? 0,
                intervalMinutes: canary.canaryInterval ?? 0,
              },
            ];
          if (linear !== undefined)
            return [
              name,
              {
                type: 'TimeBasedLinear',
                percent: linear.linearPercentage ?? 0,
                intervalMinutes: linear.linearInterval ?? 0,
              },
            ];
          return [name, { type: 'AllAtOnce' }];
        },
      ),
  );
}

// --- why not earlier ---

/** How long after the end of a deployment a fault of its version may still be told from others. */
const AFTERMATH_MS = 30 * MINUTE_MS;

async function notEarlierAnswer({ tools, work, replay, alarms }: Known): Promise<NotEarlierAnswer | undefined> {
  const { state, turns } = replay;
  const movedAt = weightsOf(turns).find(({ percent }) => percent > 0)?.at;
  if (movedAt === undefined || state.rollbackOf !== undefined || state.phase.name !== 'Ended') return undefined;
  const now = tools.house.clock.now();
  const acted = state.phase.error?.code === 'ALARM_ACTIVE';
  // Stopped by hand, by a hook or by the judge: no alarm was asked.
  if (!acted && state.phase.status !== 'Succeeded') return undefined;
  const endAt = (acted ? takenBackAt(replay) : undefined) ?? state.completedAt ?? now;
  const until = acted ? endAt : Math.min(now, endAt + AFTERMATH_MS, await nextDeploymentAt(tools, work, state));
  const suspects: SuspectAlarm[] = [];
  for (const alarm of alarms) {
    const { definitionThen: earlier, definition } = alarm;
    const ruleThen = earlier === undefined || sameRule(earlier.rule, definition.rule) ? undefined : earlier.rule;
    const metric = await metricOf(tools, work, definition, definition.rule, movedAt, until);
    suspects.push({ ...alarm, metric, ...(ruleThen !== undefined && { ruleThen }) });
  }
  const found = whyNotEarlier(suspects, movedAt, { at: endAt, acted }, until);
  if (found === undefined) return undefined;
  const { rule, firstBreach, costs, raisedAt, wasRaisedAt, earliestAt } = found;
  return {
    alarm: found.alarm,
    rule: ruleWords(rule),
    ...(found.ruleThen !== undefined && { ruleThen: ruleWords(found.ruleThen) }),
    movedAt: isoMillis(movedAt),
    firstBreach: {
      at: isoMillis(firstBreach.at),
      seconds: firstBreach.periodMs / 1000,
      value: firstBreach.value,
      comparison: rule.comparison,
      threshold: rule.threshold,
    },
    earliestAt: isoMillis(earliestAt),
    ...(raisedAt !== undefined && { raisedAt: isoMillis(raisedAt) }),
    ...(wasRaisedAt !== undefined && { wasRaisedAt: isoMillis(wasRaisedAt) }),
    endedAt: isoMillis(endAt),
    acted,
    costs: costs.map((cost) => ({ ...cost, words: costWords(cost, rule) })),
    lostMs: Math.max(0, endAt - earliestAt),
  };
}

/** What goes wrong after the next release began may be its doing. */
async function nextDeploymentAt(tools: ReplayTools, work: Work, state: DeploymentState): Promise<EpochMs> {
  const { deploymentGroupId } = state.info as Readonly<{ deploymentGroupId: string }>;
  const [next] = await collection<DeploymentState>(KIND).list(tools.house.store, {
    account: work.account,
    region: work.region,
    parent: deploymentGroupId,
    after: { sort: timeSort(state.createdAt), id: work.id },
    limit: 1,
  });
  return next?.document.createdAt ?? Number.POSITIVE_INFINITY;
}

function sameRule(one: AlarmRule, other: AlarmRule): boolean {
  return JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
}
