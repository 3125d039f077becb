/**
 * `npm run simulate -- --seed N --seeds K --steps M [--world W] [--workers W] [--json] [--omit a,b] [--story]`: runs a world
 * (`worlds.ts`) under so many seeds. Exit code 1 if an invariant broke: the first failure is shrunk and told, with the command that
 * replays it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { campaign, NOTHING, type Summary, summed } from './campaign.ts';
import { shrink } from './loops/shrink.ts';
import { type RunOfWorld, WORLDS } from './worlds.ts';

const USAGE = `npm run simulate -- [options]

  --world W     loops (the deciders and the engine; default) house (the whole house behind its door),
                or houses (the same in two or three processes that share the database)
  --seed N      the first seed (default 1)
  --seeds K     how many seeds (default 100)
  --steps M     steps of each in which things go wrong (default 2000); as many as it needs follow
  --workers W   processes to share them among (default 1; 0: one for each core)
  --omit A,B    kinds of faults and acts, or single ones, to leave out: crash, act:3
  --only A,B    the only ones, one by one
  --story       tells what happened, seed by seed
  --keep-going  goes on after a failure
  --json        prints one object
`;

type Options = Readonly<{
  world: string;
  seed: number;
  seeds: number;
  steps: number;
  workers: number;
  omit: readonly string[];
  only: readonly string[] | undefined;
  story: boolean;
  keepGoing: boolean;
  json: boolean;
}>;

const children = new Set<ChildProcess>();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 2;
  }
  const startedAt = performance.now();
  const sum = options.workers > 1 ? await byWorkers(options) : timed(await alone(options));
  const seconds = (performance.now() - startedAt) / 1000;
  if (options.json) {
    const rates = {
      stepsPerSecond: Math.round(sum.steps / seconds),
      stepsPerProcessorSecond: Math.round(sum.steps / sum.processorSeconds),
    };
    process.stdout.write(`${JSON.stringify({ ...sum, seconds, ...rates })}\n`);
  } else {
    process.stdout.write(`${summaryText(sum, seconds)}\n`);
    const [first] = sum.failures;
    if (first !== undefined) process.stdout.write(await failureText(first.seed, options));
  }
  return sum.failures.length > 0 ? 1 : 0;
}

/** With what it took of the processor: on a machine that others use, that is the figure to compare. */
function timed(sum: Summary): Summary {
  const { user, system } = process.cpuUsage();
  return { ...sum, processorSeconds: (user + system) / 1e6 };
}

function readOptions(args: readonly string[]): Options | undefined {
  const texts = { type: 'string' } as const;
  const flags = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({
      args: [...args].filter((each) => each !== '--'),
      options: {
        world: { ...texts, default: 'loops' },
        seed: { ...texts, default: '1' },
        seeds: { ...texts, default: '100' },
        steps: { ...texts, default: '2000' },
        workers: { ...texts, default: '1' },
        omit: { ...texts, default: '' },
        only: texts,
        story: flags,
        'keep-going': flags,
        json: flags,
        help: flags,
      },
    });
    const [seed, seeds, steps, workers] = [values.seed, values.seeds, values.steps, values.workers].map(Number);
    const whole = [seed, seeds, steps, workers].every((number) => Number.isSafeInteger(number) && (number ?? -1) >= 0);
    if (
      values.help ||
      WORLDS[values.world] === undefined ||
      !whole ||
      seed === undefined ||
      seeds === undefined ||
      steps === undefined
    )
      return undefined;
    return {
      world: values.world,
      seed,
      seeds,
      steps,
      workers: workers === 0 ? availableParallelism() : (workers ?? 1),
      omit: listed(values.omit),
      only: values.only === undefined ? undefined : listed(values.only),
      story: values.story,
      keepGoing: values['keep-going'],
      json: values.json,
    };
  } catch {
    return undefined;
  }
}

function listed(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

async function alone(options: Options): Promise<Summary> {
  const { seed, seeds, steps, omit, only, story, keepGoing, json } = options;
  const runWorld = await loaded(options.world);
  let shownAt = performance.now();
  return campaign(
    async (world) => {
      const outcome = await runWorld({ ...world, tell: story });
      if (story) process.stdout.write(`seed ${world.seed}\n${outcome.story.join('\n')}\n`);
      return outcome;
    },
    { from: seed, count: seeds, steps, mostFailures: keepGoing ? Infinity : 1, omit, only },
    (sum) => {
      if (json || !process.stderr.isTTY || performance.now() - shownAt < 1_000) return;
      shownAt = performance.now();
      process.stderr.write(`\r${sum.seeds} of ${seeds} seeds, ${sum.steps} steps, ${sum.failures.length} failures `);
    },
  );
}

async function loaded(name: string): Promise<RunOfWorld> {
  const load = WORLDS[name];
  if (load === undefined) throw new Error(`there is no world named ${name}`);
  return load();
}

/** Each takes a slice of the seeds, in a process of its own. */
async function byWorkers(options: Options): Promise<Summary> {
  const { seed, seeds, steps, workers, omit, only, keepGoing } = options;
  const size = Math.ceil(seeds / workers);
  const slices = Array.from({ length: workers }, (_, index) => ({
    from: seed + index * size,
    count: Math.max(0, Math.min(size, seeds - index * size)),
  }));
  const sums = await Promise.all(
    slices
      .filter(({ count }) => count > 0)
      .map(({ from, count }) => {
        const numbers = [
          '--world',
          options.world,
          '--seed',
          String(from),
          '--seeds',
          String(count),
          '--steps',
          String(steps),
        ];
        const more = [
          ...(omit.length > 0 ? ['--omit', omit.join(',')] : []),
          ...(only === undefined ? [] : ['--only', only.join(',')]),
          ...(keepGoing ? ['--keep-going'] : []),
        ];
        return inChild([...numbers, ...more, '--json']);
      }),
  );
  return sums.reduce(summed, NOTHING);
}

function inChild(args: readonly string[]): Promise<Summary> {
  return new Promise((resolve, reject) => {
    const script = process.argv[1] ?? '';
    const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('exit', () => {
      children.delete(child);
      try {
        resolve(JSON.parse(text) as Summary);
      } catch (cause) {
        reject(new Error(`a worker ended without an answer: ${text.slice(0, 500)}`, { cause }));
      }
    });
  });
}

function summaryText(sum: Summary, seconds: number): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en');
  const hours = number(sum.virtualMs / 3_600_000);
  const block = (title: string, counts: Readonly<Record<string, number>>): string => {
    const width = Math.max(...Object.keys(counts).map((name) => name.length), 0);
    const rows = Object.entries(counts).map(
      ([name, count]) => `  ${name.padEnd(width)}  ${number(count).padStart(11)}`,
    );
    return [title, ...rows].join('\n');
  };
  return [
    `${number(sum.seeds)} seeds, ${number(sum.steps)} steps (${number(sum.calmSteps)} of them after the last fault), ${hours} hours of virtual time`,
    `in ${seconds.toFixed(1)} s: ${number(sum.steps / seconds)} steps a second, ${number(sum.steps / sum.processorSeconds)} a second of a processor`,
    '',
    block('Went wrong, and was done by users', sum.mischief),
    '',
    block('Was reached', sum.reached),
    '',
    sum.failures.length === 0 ? 'No invariant was broken.' : `${sum.failures.length} seeds broke an invariant:`,
    ...sum.failures
      .slice(0, 20)
      .map(({ seed, violation }) => `  seed ${seed}: ${violation.invariant}: ${violation.message}`),
  ].join('\n');
}

async function failureText(seed: number, options: Options): Promise<string> {
  const { omit, only } = options;
  const world = { seed, steps: options.steps, omit, only };
  const runWorld = await loaded(options.world);
  const { outcome, runs } = await shrink(world, await runWorld(world), runWorld);
  const command = `npm run simulate -- --world ${options.world} --seed ${seed} --seeds 1 --steps ${options.steps} --story`;
  const { violation } = outcome;
  return [
    '',
    `Seed ${seed}, made small in ${runs} runs: ${outcome.done.length} faults and acts are left: ${outcome.done.join(', ')}`,
    '',
    ...outcome.story.slice(-200),
    '',
    `Broken: ${violation?.invariant}: ${violation?.message} (step ${violation?.step})`,
    `Again:  ${command} --only '${outcome.done.join(',')}'`,
    '',
  ].join('\n');
}

process.on('exit', () => {
  for (const child of children) child.kill();
});
process.exitCode = await main();
