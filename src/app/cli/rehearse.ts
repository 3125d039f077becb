/**
 * `sluice rehearse APPLICATION/GROUP` or `sluice rehearse PIPELINE`: in virtual time, against releases that go wrong in every
 * way, from a running server or from files. Exit code: 0, 1 something asserted does not hold, 2 it could not be rehearsed.
 */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  actionPaths,
  DEFAULT_PACE,
  type Fault,
  type FaultResult,
  grantFaults,
  paletteFor,
  type PipelineWorkload,
  type Plan,
  pipelinePalette,
  rehearseAll,
  rehearsePipelineAll,
} from '../../core/rehearsal/index.ts';
import { readJudgeTag } from '../../core/judge/index.ts';
import { OptionError } from '../config.ts';
import { type Assertion, brokenBy, parseAssertion } from '../rehearsal/assertion.ts';
import { readScenario, type Scenario } from '../rehearsal/scenario.ts';
import { SettingError } from '../yaml-reader.ts';
import { awsClient } from './aws.ts';
import { withEndpoint } from './endpoint.ts';
import { drawnRehearsal } from './rehearsal-drawing.ts';
import { type Said, toTerminal } from './said.ts';
import { parametersFrom, type Subject, subjectFromFiles, subjectFromServer } from './rehearsal-subject.ts';

type Options = Readonly<{
  endpoint: string;
  from?: readonly string[];
  parameters?: readonly string[];
  scenario?: string;
  seeds?: string;
  hook?: boolean;
  judge?: true | readonly string[];
  grants?: boolean;
  assert?: true | readonly string[];
  timeline?: string;
  json?: boolean;
}>;

/** As `--json` prints it. */
export type Report = Readonly<{
  kind: Subject['kind'];
  name: string;
  workload: PipelineWorkload;
  seeds: number;
  results: readonly FaultResult[];
  /** What took no part, or is amiss. */
  remarks: readonly string[];
  /** What was asserted, and does not hold. */
  broken: readonly string[];
}>;

const SEEDS = 20;

export function addRehearseCommand(program: Command, said: Said = toTerminal): void {
  withEndpoint(
    program
      .command('rehearse [name]')
      .description('play a pipeline, or a deployment of APPLICATION/GROUP, in virtual time against what may go wrong')
      .option('--from <files...>', 'definitions from files and folders, without a server')
      .option('--parameters <pairs...>', 'of a CloudFormation template among the files: Name=Value')
      .option('--scenario <file>', 'the workload, the faults, and what must hold (YAML)')
      .option('--seeds <n>', `how many runs of each fault (default ${SEEDS})`)
      .option('--hook', 'a hook runs after the traffic has moved')
      .option(
        '--judge [settings...]',
        'with a judge, or without by "off", whatever the tag sluice:judge of the group says',
      )
      .option('--grants', 'of a pipeline: each grant that its actions need, taken away')
      .option(
        '--assert [sentences...]',
        'what must hold: "errors 30 %: caught within PT3M, hurt at most 200"; alone: the scenario must assert something',
      )
      .option('--timeline <fault>', 'tell one run of a fault, moment by moment')
      .option('--json', 'for machines'),
  ).action(async (name: string | undefined, options: Options) => {
    let made: Report;
    try {
      made = await report(name, options, said);
    } catch (error) {
      said.amiss(`sluice: ${error instanceof Error ? error.message : String(error)}\n`);
      said.exit(2);
      return;
    }
    said.out(options.json === true ? `${JSON.stringify(made, null, 2)}\n` : drawnRehearsal(made, options.timeline));
    said.exit(made.broken.length === 0 ? 0 : 1);
  });
}

async function report(name: string | undefined, options: Options, said: Said): Promise<Report> {
  const { subject, scenarioFile } = await subjectOf(name, options, said);
  const faults = paletteOf(subject, options);
  const grants = subject.kind === 'Pipeline' ? grantFaults(subject.plan) : [];
  const scenario = scenarioFrom(scenarioFile, named([...faults, ...grants]), subject);
  const played = scenario.faults ?? (options.grants === true ? named([...faults, ...grants]) : faults);
  const assertions = assertionsOf(options, scenario, played);
  if (options.timeline !== undefined && !played.some((fault) => fault.name === options.timeline))
    throw new OptionError(
      `--timeline ${options.timeline}: no such fault; known are ${played.map((fault) => fault.name).join(', ')}`,
    );
  const seeds = seedsOf(options, scenario);
  const workload = workloadOf(subject, scenario);
  const results = play(subject, workload, played, seeds);
  return {
    kind: subject.kind,
    name: subject.name,
    workload,
    seeds,
    results,
    remarks: subject.remarks,
    broken: assertions.flatMap((assertion) => brokenBy(assertion, results)),
  };
}

async function subjectOf(
  name: string | undefined,
  { from, parameters = [], scenario, hook, judge, endpoint }: Options,
  said: Said,
): Promise<Readonly<{ subject: Subject; scenarioFile?: string }>> {
  if (from === undefined) {
    if (parameters.length > 0) throw new OptionError('--parameters belong to --from');
    if (name === undefined) throw new OptionError('say what to rehearse: a pipeline, or APPLICATION/GROUP');
    const found = await subjectFromServer(awsClient(endpoint, process.env), endpoint, name);
    return { subject: judged(hooked(found, hook), judge), scenarioFile: scenario };
  }
  const found = subjectFromFiles(from, parametersFrom(parameters), name);
  for (const file of found.passedOver)
    said.amiss(`sluice: ${file} is passed over: it is no definition that is known here\n`);
  return { subject: judged(hooked(found.subject, hook), judge), scenarioFile: scenario ?? found.scenario };
}

/** A group does not say whether its deployments have hooks: their AppSpec files do. */
function hooked(subject: Subject, hook: boolean | undefined): Subject {
  if (hook !== true) return subject;
  return withPlans(subject, (plan) => ({ ...plan, hooks: ['AfterAllowTraffic'] }));
}

/** What the judge would do, before a group is tagged; without, what it spares. */
function judged(subject: Subject, judge: Options['judge']): Subject {
  if (judge === undefined) return subject;
  const read = readJudgeTag(judge === true ? 'on' : judge.join(' '));
  if ('problem' in read) throw new OptionError(`--judge: ${read.problem}`);
  return withPlans(subject, ({ judge: _before, ...plan }) =>
    read.settings === undefined ? plan : { ...plan, judge: read.settings },
  );
}

/** Of each group that is deployed to. */
function withPlans(subject: Subject, change: (plan: Plan) => Plan): Subject {
  if (subject.kind === 'Deployment') return { ...subject, plan: change(subject.plan) };
  const groups = Object.entries(subject.plan.groups).map(([name, plan]) => [name, change(plan)]);
  return { ...subject, plan: { ...subject.plan, groups: Object.fromEntries(groups) } };
}

function paletteOf(subject: Subject, { hook }: Options): readonly Fault[] {
  const all = subject.kind === 'Pipeline' ? pipelinePalette(subject.plan) : paletteFor(subject.plan);
  return hook === false ? all.filter((fault) => fault.hook === undefined) : all;
}

/** Of those of one name, the first. */
function named(faults: readonly Fault[]): readonly Fault[] {
  return [...new Map(faults.toReversed().map((fault) => [fault.name, fault])).values()].toReversed();
}

function scenarioFrom(file: string | undefined, faults: readonly Fault[], subject: Subject): Scenario {
  if (file === undefined) return { workload: {}, assertions: [] };
  const actions = subject.kind === 'Pipeline' ? actionPaths(subject.plan) : [];
  try {
    return readScenario(readFileSync(file, 'utf8'), faults, actions);
  } catch (error) {
    if (error instanceof SettingError) throw new OptionError(`${file}, ${error.message}`);
    throw error;
  }
}

function assertionsOf({ assert }: Options, scenario: Scenario, faults: readonly Fault[]): readonly Assertion[] {
  if (assert === true && scenario.assertions.length === 0)
    throw new OptionError(
      '--assert: the scenario asserts nothing; write "assert:" into it, or a sentence after --assert',
    );
  const sentences = assert === true || assert === undefined ? [] : assert;
  const names = faults.map((fault) => fault.name);
  return [
    ...scenario.assertions,
    ...sentences.map((sentence) => {
      const parsed = parseAssertion(sentence, names);
      if ('problem' in parsed) throw new OptionError(`--assert ${parsed.problem}`);
      return parsed.assertion;
    }),
  ];
}

function seedsOf(options: Options, scenario: Scenario): number {
  const seeds = options.seeds === undefined ? (scenario.seeds ?? SEEDS) : Number(options.seeds);
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > 10_000)
    throw new OptionError(`--seeds ${options.seeds}: expected a whole number from 1 to 10000`);
  return seeds;
}

/** What the scenario says, else what the metrics say, else a quiet service. */
function workloadOf({ measured, name }: Subject, { workload }: Scenario): PipelineWorkload {
  const { pace = DEFAULT_PACE, groups = {}, ...given } = workload;
  const rates = workload.requestsPerMinute === undefined ? measured : {};
  const all = new Set([...Object.keys(rates), ...Object.keys(groups)]);
  return {
    requestsPerMinute: rates[name] ?? 60,
    errorShare: 0,
    latency: { medianMs: 50, p99Ms: 250 },
    publishDelayMs: 1_000,
    ...given,
    pace,
    groups: Object.fromEntries(
      [...all].map((group) => {
        const rate = rates[group];
        return [group, { ...(rate === undefined ? {} : { requestsPerMinute: rate }), ...groups[group] }];
      }),
    ),
  };
}

function play(
  subject: Subject,
  workload: PipelineWorkload,
  faults: readonly Fault[],
  seeds: number,
): readonly FaultResult[] {
  if (subject.kind === 'Pipeline') return rehearsePipelineAll(subject.plan, workload, faults, seeds);
  const own = { ...workload, ...workload.groups[subject.name], hookMs: workload.pace.hookMs };
  return rehearseAll(subject.plan, own, faults, seeds);
}
