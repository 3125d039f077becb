/**
 * `sluice rehearse APPLICATION/GROUP` or `sluice rehearse PIPELINE`: the deployment in virtual time, against releases that go
 * wrong in every way. Exit code: 0, 1 something asserted does not hold, 2 it could not be rehearsed.
 */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  type FaultResult,
  isPlayed,
  palette,
  type Plan,
  rehearseAll,
  type RehearsedAlarm,
  type Workload,
} from '../../core/rehearsal/index.ts';
import { OptionError } from '../config.ts';
import { type Assertion, readScenario, type Scenario } from '../rehearsal/scenario.ts';
import { awsClient } from './aws.ts';
import {
  metricOf,
  readGroup,
  requestRate,
  ruleOf,
  scopeOf,
  targetsOf,
  type WatchedGroup,
  type WireAlarm,
} from './deployment-group.ts';
import { withEndpoint } from './endpoint.ts';
import { duration, percent } from './words.ts';

type Options = Readonly<{
  endpoint: string;
  scenario?: string;
  seeds?: string;
  hook?: boolean;
  timeline?: string;
  json?: boolean;
}>;

type Report = Readonly<{
  application: string;
  group: string;
  workload: Workload;
  seeds: number;
  results: readonly FaultResult[];
  /** Alarms of the group for which a rehearsal has no figures: they took no part. */
  notPlayed: readonly string[];
  broken: readonly string[];
}>;

const SEEDS = 20;

export function addRehearseCommand(program: Command): void {
  withEndpoint(
    program
      .command('rehearse <group>')
      .description(
        'play a deployment of APPLICATION/GROUP, or of every CodeDeploy action of a pipeline, against releases that go wrong',
      )
      .option('--scenario <file>', 'the workload, the faults, and what must hold (YAML)')
      .option('--seeds <n>', `how many runs of each fault (default ${SEEDS})`)
      .option('--hook', 'a hook runs after the traffic has moved')
      .option('--timeline <fault>', 'tell one run of a fault, moment by moment')
      .option('--json', 'for machines'),
  ).action(async (name: string, options: Options) => {
    const aws = awsClient(options.endpoint, process.env);
    const reports: Report[] = [];
    try {
      for (const target of await targetsOf(aws, name)) {
        const group = await readGroup(aws, target);
        reports.push(report(group, await requestRate(aws, options.endpoint, group.alarms), options));
      }
    } catch (error) {
      process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 2;
      return;
    }
    if (options.json === true) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
    else process.stdout.write(reports.map((each) => drawn(each, options.timeline)).join('\n'));
    process.exitCode = reports.every(({ broken }) => broken.length === 0) ? 0 : 1;
  });
}

function report(group: WatchedGroup, measured: number | undefined, options: Options): Report {
  const shiftMs = group.steps.at(-1)?.afterMs ?? 0;
  const all = palette(shiftMs).filter((fault) => fault.hook === undefined || options.hook === true);
  const scenario: Scenario =
    options.scenario === undefined
      ? { workload: {}, assertions: [] }
      : readScenario(readFileSync(options.scenario, 'utf8'), all);
  const workload: Workload = {
    requestsPerMinute: measured ?? 60,
    errorShare: 0,
    latency: { medianMs: 50, p99Ms: 250 },
    publishDelayMs: 1_000,
    ...scenario.workload,
  };
  const seeds = options.seeds === undefined ? (scenario.seeds ?? SEEDS) : Number(options.seeds);
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > 10_000)
    throw new OptionError(`--seeds ${options.seeds}: expected a whole number from 1 to 10000`);
  if (options.timeline !== undefined && !all.some(({ name }) => name === options.timeline))
    throw new OptionError(
      `--timeline ${options.timeline}: no such fault; known are ${all.map(({ name }) => name).join(', ')}`,
    );
  const alarms = group.alarms.map(rehearsed);
  const plan: Plan = {
    steps: group.steps,
    alarms: group.alarmsEnabled ? alarms.filter(isPlayed) : [],
    rollback: { onAlarm: group.rollsBackOnAlarm, onFailure: group.rollsBackOnFailure },
    hooks: options.hook === true ? ['AfterAllowTraffic'] : [],
  };
  const results = rehearseAll(plan, workload, scenario.faults ?? all, seeds);
  const broken = scenario.assertions.flatMap((assertion) => brokenBy(assertion, results));
  const notPlayed = alarms
    .filter((alarm) => !isPlayed(alarm))
    .map(({ name, metric, statistic }) => `${name} (${statistic} of ${metric})`);
  return { application: group.application, group: group.group, workload, seeds, results, notPlayed, broken };
}

function rehearsed(alarm: WireAlarm): RehearsedAlarm {
  const statistic = alarm.ExtendedStatistic ?? alarm.Statistic ?? '';
  return {
    name: alarm.AlarmName,
    metric: metricOf(alarm),
    statistic,
    scope: scopeOf(alarm),
    definition: {
      rule: ruleOf(alarm),
      statisticName: statistic,
      actionsEnabled: true,
      actions: { OK: [], ALARM: [], INSUFFICIENT_DATA: [] },
    },
  };
}

function brokenBy(assertion: Assertion, results: readonly FaultResult[]): readonly string[] {
  const { fault, caughtWithinMs, hurtAtMost, falseRollbacks } = assertion;
  const found = results.find((result) => result.fault === fault);
  if (found === undefined) return [`${fault}: it was not rehearsed`];
  const broken: string[] = [];
  if (caughtWithinMs !== undefined && (found.caught < found.runs || (found.caughtAfterMs ?? 0) > caughtWithinMs))
    broken.push(`${fault}: to be caught within ${duration(caughtWithinMs)}; ${caughtWords(found)}`);
  if (hurtAtMost !== undefined && found.hurt.most > hurtAtMost)
    broken.push(`${fault}: to hurt at most ${hurtAtMost} requests; it hurt ${found.hurt.most}`);
  if (falseRollbacks !== undefined && found.caught / found.runs > falseRollbacks)
    broken.push(
      `${fault}: at most ${percent(falseRollbacks)} to be stopped; ${percent(found.caught / found.runs)} were`,
    );
  return broken;
}

// --- in words ---

function drawn(
  { application, group, workload, seeds, results, notPlayed, broken }: Report,
  timeline: string | undefined,
): string {
  const rate = Math.round(workload.requestsPerMinute);
  const lines = [
    `${application}/${group}: ${seeds} ${seeds === 1 ? 'run' : 'runs'} of each fault, ${rate} requests a minute`,
    '',
    row(['fault', 'caught', 'after', 'hurt', 'most', 'ends', 'by']),
    ...results.map((result) =>
      row([
        result.fault,
        percent(result.caught / result.runs),
        result.caughtAfterMs === undefined ? '' : duration(result.caughtAfterMs),
        String(result.hurt.median),
        String(result.hurt.most),
        result.ends,
        result.by ?? '',
      ]),
    ),
  ];
  for (const alarm of notPlayed) lines.push('', `? the alarm ${alarm} took no part: a rehearsal has no figures for it`);
  const told = timeline === undefined ? undefined : results.find(({ fault }) => fault === timeline)?.example;
  if (told !== undefined) {
    lines.push('', `${told.fault}, seed ${told.seed}`);
    for (const { atMs, what } of told.timeline) lines.push(`  ${clockText(atMs)}  ${what}`);
  }
  if (broken.length > 0) lines.push('', ...broken.map((each) => `✗ ${each}`));
  return `${lines.join('\n')}\n`;
}

const WIDTHS = [16, 8, 12, 8, 8, 24, 0];

function row(cells: readonly string[]): string {
  return `  ${cells.map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0)).join('')}`.trimEnd();
}

function caughtWords({ caught, runs, caughtAfterMs }: FaultResult): string {
  if (caught === 0) return 'it never was';
  const after = caughtAfterMs === undefined ? '' : `, after ${duration(caughtAfterMs)} at the median`;
  return `${caught} of ${runs} runs were${after}`;
}

function clockText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(4)}:${String(seconds % 60).padStart(2, '0')}`;
}
