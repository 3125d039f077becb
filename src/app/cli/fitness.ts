/**
 * `sluice fitness APPLICATION/GROUP` or `sluice fitness PIPELINE`: can the alarms of a deployment fire in time?
 * Exit code: 0 every deployment group is fit, 1 one is not, 2 it could not be told.
 */
import type { Command } from 'commander';
import {
  causeWords,
  findingWords,
  groupFitness,
  type GroupReport,
  mendWords,
  type Situation,
  type StepFitness,
  watchedAlarm,
} from '../../core/alarm-fitness/index.ts';
import { OptionError } from '../config.ts';
import { awsClient } from './aws.ts';
import { readGroup, requestRate, type Target, targetsOf, type WatchedGroup } from './deployment-group.ts';
import { withEndpoint } from './endpoint.ts';
import { groupsFromFiles, parametersFrom } from './rehearsal-subject.ts';
import { type Said, toTerminal } from './said.ts';
import { duration, percent } from './words.ts';

type Options = Readonly<{
  endpoint: string;
  from?: readonly string[];
  parameters?: readonly string[];
  json?: boolean;
  fault: string;
  baseline: string;
  rate?: string;
  publishDelay: string;
}>;

type TargetReport = GroupReport & Target & Readonly<{ situation: Situation; measuredRate: boolean }>;

export function addFitnessCommand(program: Command, said: Said = toTerminal): void {
  withEndpoint(
    program
      .command('fitness [group]')
      .description(
        'say whether the alarms of APPLICATION/GROUP, or of every CodeDeploy action of a pipeline, can fire in time',
      )
      .option('--from <files...>', 'definitions from files and folders, without a server')
      .option('--parameters <pairs...>', 'of a CloudFormation template among the files: Name=Value')
      .option('--fault <percent>', 'how many of a bad version’s requests fail', '30')
      .option('--baseline <percent>', 'how many of a good version’s requests fail', '0')
      .option('--rate <requests>', 'requests a minute (default: what the last hour’s metrics say, else 60)')
      .option('--publish-delay <seconds>', 'from a request to its datapoint', '1')
      .option('--json', 'for machines'),
  ).action(async (name: string | undefined, options: Options) => {
    let reports: readonly TargetReport[];
    try {
      reports = options.from === undefined ? await fromServer(name, options) : fromFiles(options.from, name, options);
    } catch (error) {
      said.amiss(`sluice: ${error instanceof Error ? error.message : String(error)}\n`);
      said.exit(2);
      return;
    }
    said.out(options.json === true ? `${JSON.stringify(reports, null, 2)}\n` : reports.map(drawn).join('\n'));
    said.exit(reports.every(({ fit }) => fit) ? 0 : 1);
  });
}

async function fromServer(name: string | undefined, options: Options): Promise<readonly TargetReport[]> {
  if (name === undefined) throw new OptionError('say of what: a pipeline, or APPLICATION/GROUP');
  const aws = awsClient(options.endpoint, process.env);
  const reports: TargetReport[] = [];
  for (const target of await targetsOf(aws, name)) {
    const group = await readGroup(aws, target);
    const measured = options.rate === undefined ? await requestRate(aws, options.endpoint, group.alarms) : undefined;
    reports.push(reportOn(group, measured, options));
  }
  return reports;
}

function fromFiles(files: readonly string[], name: string | undefined, options: Options): readonly TargetReport[] {
  const groups = groupsFromFiles(files, parametersFrom(options.parameters ?? []), name);
  return groups.map((group) => reportOn(group, undefined, options));
}

function reportOn(group: WatchedGroup, measured: number | undefined, options: Options): TargetReport {
  const situation: Situation = {
    steps: group.steps,
    finalBakeMs: 0,
    requestsPerMinute: options.rate === undefined ? (measured ?? 60) : numberOption('--rate', options.rate),
    fault: numberOption('--fault', options.fault) / 100,
    baseline: numberOption('--baseline', options.baseline) / 100,
    publishDelayMs: numberOption('--publish-delay', options.publishDelay) * 1000,
  };
  const { application, group: name } = group;
  const report = groupFitness(group, group.alarms.map(watchedAlarm), situation);
  return { application, group: name, ...report, situation, measuredRate: measured !== undefined };
}

function numberOption(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new OptionError(`${name} takes a number of 0 or more, not ${text}`);
  return value;
}

// --- in words ---

function drawn(report: TargetReport): string {
  const { situation, application, group } = report;
  const rate = Math.round(situation.requestsPerMinute * 10) / 10;
  const lines = [
    `${report.fit ? '✓' : '✗'} ${application}/${group}: ${report.fit ? 'an alarm is certain to stop a bad release in time' : 'no alarm is certain to stop a bad release in time'}`,
    `  a bad version fails ${percent(situation.fault)} of its requests; ${rate} requests a minute${report.measuredRate ? ' (measured)' : ''}`,
    ...report.findings.map((finding) => `  ✗ ${findingWords(finding)}`),
  ];
  for (const alarm of report.alarms) {
    lines.push('', `  alarm ${alarm.name}`);
    for (const step of alarm.steps) lines.push(`    ${stepWords(step)}`);
    if (alarm.mends.length > 0) lines.push('    any one of these makes it certain:');
    for (const mend of alarm.mends) lines.push(`      - ${mendWords(mend)}`);
  }
  return `${lines.join('\n')}\n`;
}

const VERDICTS = { Can: '✓ can fire', MayMiss: '~ may miss', Cannot: '✗ cannot fire', Unknown: '? unknown' } as const;

function stepWords({ weightPercent, lengthMs, verdict, cause, detectionMs, shows }: StepFitness): string {
  const step = `${String(weightPercent).padStart(3)} % for ${lengthMs === 0 ? 'no time' : duration(lengthMs)}`.padEnd(
    24,
  );
  const detail = [
    cause === undefined ? undefined : causeWords(cause),
    detectionMs === undefined ? undefined : `it takes up to ${duration(detectionMs)}`,
    shows === undefined || verdict === 'Can' ? undefined : `a period shows ${shown(shows)}`,
  ].filter((part) => part !== undefined);
  return `${step}${VERDICTS[verdict].padEnd(15)}${detail.join('; ')}`.trimEnd();
}

function shown({ least, most }: Readonly<{ least: number; most: number }>): string {
  const digits = (value: number): string => String(Number(value.toPrecision(2)));
  return digits(least) === digits(most) ? digits(least) : `${digits(least)} to ${digits(most)}`;
}
