/**
 * What `--set key=value` changes. Keys are AWS's own words where AWS has one.
 *
 *   deployment   config, strategy (canary | linear | all-at-once), percent, interval (or bake), rollback (its events, or none),
 *                judge (as the tag `sluice:judge` says it), alarms (names, or none), and the keys of an alarm, of all its alarms or as `alarm-name.key` of one
 *   alarm        threshold, period, evaluationPeriods, datapointsToAlarm, treatMissingData, comparisonOperator
 *   pipeline     mode (SUPERSEDED | QUEUED | PARALLEL), timeout or `Stage/Action.timeout`
 */
import { MINUTE_MS, parseDurationMs } from '../../common/index.ts';
import type { AlarmRule, Comparison, MissingData } from '../alarm/index.ts';
import { type JudgeSettings, readJudgeTag } from '../judge/index.ts';
import type { RollbackPolicy } from '../lambda-deployment/index.ts';
import type { ExecutionMode } from '../pipeline-execution/index.ts';
import { type Routing, shiftSteps, type Step } from '../traffic-shift/index.ts';
import type { LineChange } from './line-world.ts';

export type Setting = Readonly<{ key: string; value: string }>;

/** Why a setting cannot be used, in words for who wrote it. */
export type Problem = Readonly<{ problem: string }>;

export function isProblem<Value extends object>(found: Value | Problem): found is Problem {
  return 'problem' in found;
}

export function parseSetting(text: string): Setting | Problem {
  const at = text.indexOf('=');
  if (at <= 0) return { problem: `${text} is not written as key=value` };
  return { key: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

// --- alarms ---

const COMPARISONS: readonly Comparison[] = [
  'GreaterThanThreshold',
  'GreaterThanOrEqualToThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
];
const MISSING: readonly MissingData[] = ['missing', 'ignore', 'breaching', 'notBreaching'];

export const ALARM_KEYS = [
  'threshold',
  'period',
  'evaluationPeriods',
  'datapointsToAlarm',
  'treatMissingData',
  'comparisonOperator',
] as const;

export type AlarmKey = (typeof ALARM_KEYS)[number];

export function isAlarmKey(key: string): key is AlarmKey {
  return (ALARM_KEYS as readonly string[]).includes(key);
}

/** The rule with the settings laid over it, checked as a whole: M may not be more than N. */
export function changedRule(rule: AlarmRule, settings: readonly Setting[]): AlarmRule | Problem {
  let changed = rule;
  let namesDatapoints = false;
  for (const { key, value } of settings) {
    switch (key as AlarmKey) {
      case 'threshold': {
        const threshold = Number(value);
        if (value === '' || !Number.isFinite(threshold)) return { problem: `threshold=${value}: expected a number` };
        changed = { ...changed, threshold };
        break;
      }
      case 'period': {
        const period = (parseDurationMs(value) ?? Number.NaN) / 1000;
        if (![10, 20, 30].includes(period) && !(period >= 60 && period <= 86_400 && period % 60 === 0))
          return { problem: `period=${value}: expected 10, 20, 30 or a multiple of 60 seconds` };
        changed = { ...changed, period };
        break;
      }
      case 'evaluationPeriods':
      case 'datapointsToAlarm': {
        const count = Number(value);
        if (!Number.isInteger(count) || count < 1)
          return { problem: `${key}=${value}: expected a whole number from 1` };
        namesDatapoints ||= key === 'datapointsToAlarm';
        changed = { ...changed, [key]: count };
        break;
      }
      case 'treatMissingData':
        if (!(MISSING as readonly string[]).includes(value))
          return { problem: `treatMissingData=${value}: expected ${MISSING.join(', ')}` };
        changed = { ...changed, treatMissingData: value as MissingData };
        break;
      default:
        if (!(COMPARISONS as readonly string[]).includes(value))
          return { problem: `comparisonOperator=${value}: expected ${COMPARISONS.join(', ')}` };
        changed = { ...changed, comparison: value as Comparison };
    }
  }
  // All of N were meant, and all of the new N are.
  if (
    !namesDatapoints &&
    (rule.datapointsToAlarm === rule.evaluationPeriods || changed.datapointsToAlarm > changed.evaluationPeriods)
  )
    changed = { ...changed, datapointsToAlarm: changed.evaluationPeriods };
  if (changed.datapointsToAlarm > changed.evaluationPeriods)
    return {
      problem: `datapointsToAlarm=${changed.datapointsToAlarm} is more than evaluationPeriods=${changed.evaluationPeriods}`,
    };
  return changed;
}

// --- deployments ---

export type DeploymentChange = Readonly<{
  steps?: readonly Step[];
  rollback?: RollbackPolicy;
  /** `settings` absent: none. */
  judge?: Readonly<{ settings?: JudgeSettings }>;
  /** Names. */
  alarms?: readonly string[];
  /** By alarm name. */
  rules: ReadonlyMap<string, readonly Setting[]>;
}>;

const ROLLBACK_EVENTS: Readonly<Record<string, keyof RollbackPolicy>> = {
  DEPLOYMENT_FAILURE: 'onFailure',
  DEPLOYMENT_STOP_ON_ALARM: 'onAlarm',
  DEPLOYMENT_STOP_ON_REQUEST: 'onRequest',
};
const DEPLOYMENT_KEYS = ['config', 'strategy', 'percent', 'interval', 'bake', 'rollback', 'judge', 'alarms'];
const MOST_MINUTES = 2_880;

/** `configs`: the deployment configurations that there are, by name. */
export function deploymentChange(
  settings: readonly Setting[],
  steps: readonly Step[],
  watched: readonly string[],
  configs: ReadonlyMap<string, Routing>,
): DeploymentChange | Problem {
  let routing = routingOf(steps);
  let moved = false;
  let rollback: RollbackPolicy | undefined;
  let judge: DeploymentChange['judge'];
  let alarms: readonly string[] | undefined;
  const rules = new Map<string, Setting[]>();
  for (const setting of settings) {
    const { key, value } = setting;
    if (key === 'config') {
      const found = configs.get(value) ?? configs.get(`CodeDeployDefault.${value}`);
      if (found === undefined)
        return { problem: `config=${value}: there is no such deployment configuration for Lambda` };
      [routing, moved] = [found, true];
    } else if (key === 'strategy' || key === 'percent' || key === 'interval' || key === 'bake') {
      const changed = changedRouting(routing, key, value);
      if (isProblem(changed)) return changed;
      [routing, moved] = [changed, true];
    } else if (key === 'rollback') {
      const policy = rollbackOf(value);
      if (isProblem(policy)) return policy;
      rollback = policy;
    } else if (key === 'judge') {
      const read = readJudgeTag(value);
      if (isProblem(read)) return { problem: `judge=${value}: ${read.problem}` };
      judge = read;
    } else if (key === 'alarms') {
      alarms = listOf(value);
    } else {
      const dot = key.lastIndexOf('.');
      const rule = key.slice(dot + 1);
      if (!isAlarmKey(rule))
        return { problem: `${key}: a deployment knows ${[...DEPLOYMENT_KEYS, ...ALARM_KEYS].join(', ')}` };
      const names = dot < 0 ? (alarms ?? watched) : [key.slice(0, dot)];
      if (names.length === 0) return { problem: `${key}: the deployment watches no alarm` };
      for (const name of names) {
        if (!(alarms ?? watched).includes(name)) return { problem: `${key}: the deployment does not watch ${name}` };
        rules.set(name, [...(rules.get(name) ?? []), { key: rule, value }]);
      }
    }
  }
  return {
    ...(moved && { steps: shiftSteps(routing) }),
    ...(rollback !== undefined && { rollback }),
    ...(judge !== undefined && { judge }),
    ...(alarms !== undefined && { alarms }),
    rules,
  };
}

/** The configuration that has such steps. */
function routingOf(steps: readonly Step[]): Routing {
  const [first, second] = steps;
  if (first === undefined || second === undefined) return { type: 'AllAtOnce' };
  const intervalMinutes = second.afterMs / MINUTE_MS;
  const type = steps.length === 2 && first.weightPercent < 50 ? 'TimeBasedCanary' : 'TimeBasedLinear';
  return { type, percent: first.weightPercent, intervalMinutes };
}

const DEFAULT_ROUTING = { percent: 10, intervalMinutes: 5 };

function changedRouting(
  routing: Routing,
  key: 'strategy' | 'percent' | 'interval' | 'bake',
  value: string,
): Routing | Problem {
  const known = routing.type === 'AllAtOnce' ? DEFAULT_ROUTING : routing;
  if (key === 'strategy') {
    if (value === 'all-at-once') return { type: 'AllAtOnce' };
    if (value === 'canary') return { ...known, type: 'TimeBasedCanary' };
    if (value === 'linear') return { ...known, type: 'TimeBasedLinear' };
    return { problem: `strategy=${value}: expected canary, linear or all-at-once` };
  }
  const type = routing.type === 'AllAtOnce' ? 'TimeBasedCanary' : routing.type;
  if (key === 'percent') {
    const percent = Number(value.replace(/ ?%$/, ''));
    if (!Number.isInteger(percent) || percent < 1 || percent > 99)
      return { problem: `percent=${value}: expected a whole number from 1 to 99` };
    return { ...known, type, percent };
  }
  const intervalMinutes = (parseDurationMs(value) ?? Number.NaN) / MINUTE_MS;
  if (!Number.isInteger(intervalMinutes) || intervalMinutes < 1 || intervalMinutes > MOST_MINUTES)
    return { problem: `${key}=${value}: expected whole minutes, as PT10M, up to ${MOST_MINUTES}` };
  return { ...known, type, intervalMinutes };
}

function rollbackOf(value: string): RollbackPolicy | Problem {
  const policy = { onFailure: false, onAlarm: false, onRequest: false };
  for (const name of listOf(value)) {
    const event = ROLLBACK_EVENTS[name];
    if (event === undefined)
      return { problem: `rollback=${value}: expected none, or some of ${Object.keys(ROLLBACK_EVENTS).join(', ')}` };
    policy[event] = true;
  }
  return policy;
}

function listOf(value: string): readonly string[] {
  return value === 'none'
    ? []
    : value
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '');
}

// --- pipelines ---

const MODES: readonly ExecutionMode[] = ['SUPERSEDED', 'QUEUED', 'PARALLEL'];

/** `actions`: those that the pipeline has, as `Stage/Action`. */
export function lineChange(settings: readonly Setting[], actions: readonly string[]): LineChange | Problem {
  let mode: ExecutionMode | undefined;
  const timeouts: { action?: string; timeoutMs: number }[] = [];
  for (const { key, value } of settings) {
    if (key === 'mode') {
      if (!(MODES as readonly string[]).includes(value))
        return { problem: `mode=${value}: expected ${MODES.join(', ')}` };
      mode = value as ExecutionMode;
      continue;
    }
    const action = /^(.+)\.timeout$/.exec(key)?.[1];
    if (key !== 'timeout' && action === undefined)
      return { problem: `${key}: a pipeline knows mode, timeout and Stage/Action.timeout` };
    if (action !== undefined && !actions.includes(action))
      return { problem: `${key}: the pipeline has no action ${action}; it has ${actions.join(', ')}` };
    const timeoutMs = parseDurationMs(value);
    if (timeoutMs === undefined || timeoutMs < MINUTE_MS)
      return { problem: `${key}=${value}: expected a minute or more, as PT10M` };
    timeouts.push({ ...(action !== undefined && { action }), timeoutMs });
  }
  return { ...(mode !== undefined && { mode }), timeouts };
}
