/** One run of the world of the whole house: a seed, so many steps of trouble, and then rest. */
import type { OpenHouse } from '../../src/app/open-house.ts';
import type { Outcome, WorldOptions } from '../loops/world.ts';
import { Random } from '../random.ts';
import type { Spread } from '../scheduler.ts';
import { Developers } from './developers.ts';
import { SPELLS } from './faults.ts';
import { APPLICATION, FUNCTION, REGION, TARGET } from './layout.ts';
import { Ledger } from './ledger.ts';
import { Releasers } from './releasers.ts';
import type { Sessions } from './sessions.ts';
import { Traffic } from './traffic.ts';
import { Violation } from './violation.ts';
import { Workers } from './workers.ts';
import { World } from './world.ts';

/** Everything must have come to rest within this much of the clock once faults have stopped: jobs time out after a day. */
const REST_WITHIN_MS = 30 * 3_600_000;

export type HouseOptions = Omit<WorldOptions, 'sabotage'> &
  Readonly<{
    /** `Faultless`: nothing of the machine fails and nothing crashes; people go on with their mischief. */
    kind?: 'Faulty' | 'Faultless';
    /** So many that share the database; 1 unless said. */
    processes?: number;
    onLog?: (level: string, text: string) => void;
    /** Of the simulator's own tests: breaks each process of the house on purpose. */
    breakHouse?: (open: OpenHouse) => void;
  }>;

/** The world `houses`: two or three processes, as the seed says. */
export function runHouses(options: HouseOptions): Promise<Outcome> {
  return runHouse({ processes: new Random(options.seed, 'processes').between(2, 3), ...options });
}

export async function runHouse(options: HouseOptions): Promise<Outcome> {
  const world = new World({ ...options, record: options.tell ?? false });
  world.onLog = options.onLog;
  world.onStart = options.breakHouse;
  const startedAt = world.scheduler.now();
  let troubled = 0;
  try {
    await world.begin();
    const people = peopleOf(world);
    begin(world, people);
    const trouble = options.kind === 'Faultless' ? undefined : new Trouble(world);
    await world.run(() => {
      trouble?.look();
      return world.scheduler.steps >= options.steps;
    });
    troubled = world.scheduler.steps;
    if (world.violation === undefined) await rest(world, people);
  } catch (error) {
    world.fail(new Violation('Checker', error instanceof Error ? (error.stack ?? error.message) : String(error)));
  } finally {
    world.end();
  }
  const { violation, scheduler } = world;
  return {
    seed: options.seed,
    steps: scheduler.steps,
    calmSteps: scheduler.steps - troubled,
    virtualMs: scheduler.now() - startedAt,
    digest: scheduler.digest(),
    ...(violation === undefined
      ? {}
      : {
          violation: {
            invariant: violation.invariant,
            message: violation.message,
            step: violation.step ?? 0,
            at: violation.at ?? 0,
          },
        }),
    mischief: { ...world.mischief.counts(), ...world.faults.counts },
    done: world.mischief.done(),
    reached: world.counts,
    story: options.tell === true ? storyOf(world) : [],
  };
}

/** What happened, but for the many answers of the machine. */
function storyOf(world: World): string[] {
  return world
    .history()
    .filter(({ label }) => !/^(statement|commit|commit answer|blob)$|timer$/.test(label))
    .map(({ step, at, process, label }) => `${step}  ${new Date(at).toISOString()}  ${process} ${label}`);
}

type People = Readonly<{
  developers: Developers;
  releasers: Releasers;
  workers: Workers;
  traffic: Traffic;
  ledger: Ledger;
}>;

function peopleOf(world: World): People {
  const ledger = new Ledger(world);
  return {
    ledger,
    developers: new Developers(world, ledger),
    releasers: new Releasers(world, ledger),
    workers: new Workers(world, ledger),
    traffic: new Traffic(world),
  };
}

const around =
  (ms: number): Spread =>
  (u) =>
    ms * (0.3 + 1.4 * u);

function begin(world: World, { developers, releasers, workers, traffic }: People): void {
  const ever = (label: string, afterMs: Spread, act: () => Promise<void>, whileCalm: boolean): void => {
    const again = (): void => {
      world.scheduler.offer({
        label,
        afterMs,
        run: () => {
          if (world.calm && !whileCalm) return;
          void act().then(again, (error: unknown) =>
            world.fail(new Violation('Checker', `${label}: ${(error as Error).stack ?? String(error)}`)),
          );
        },
      });
    };
    again();
  };
  ever('developer', around(50_000), () => developers.act(), false);
  ever('developer', around(90_000), () => developers.act(), false);
  ever('worker', around(30_000), () => workers.work(), true);
  ever('worker', around(70_000), () => workers.work(), true);
  ever('releaser', around(100_000), () => releasers.approve(), true);
  ever('operator', around(400_000), () => releasers.watch(), false);
  for (const group of world.layout.groups) {
    ever('traffic', around(50_000), () => traffic.flow(group), false);
    ever('caller', around(60_000), () => world.functions.call(group), false);
  }
}

/** By steps rather than by time, since most of the time nothing goes on that could go wrong. */
class Trouble {
  readonly #world: World;
  readonly #random: Random;
  #crashAt: number;
  #spellAt: number;
  #jumpAt: number;
  /** Of several processes alone. */
  readonly #apart: Random;
  #standAt: number;
  #breakAt: number;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.scheduler.random('trouble');
    this.#apart = world.scheduler.random('trouble of one among several');
    this.#standAt = this.#apart.between(500, 8_000);
    this.#breakAt = this.#apart.between(500, 8_000);
    this.#crashAt = this.#random.between(100, 3_000);
    this.#spellAt = this.#random.between(100, 2_000);
    this.#jumpAt = this.#random.between(500, 10_000);
  }

  look(): void {
    const { steps } = this.#world.scheduler;
    const random = this.#random;
    if (steps >= this.#crashAt) {
      // Now and then again at once, while it starts.
      this.#crashAt = steps + (random.chance(0.2) ? random.between(5, 60) : random.between(100, 3_000));
      const seat = this.#world.seats.length === 1 ? 0 : this.#apart.between(0, this.#world.seats.length - 1);
      this.#offer('crash', () => this.#world.seats[seat]?.crash());
    }
    if (steps >= this.#spellAt) {
      const spell = random.chance(0.4) ? 'None' : random.pick(SPELLS);
      this.#spellAt = steps + (spell === 'None' ? random.between(100, 1_500) : random.between(20, 600));
      if (spell === 'None')
        this.#world.scheduler.offer({ label: 'all is well', run: () => this.#world.faults.spell('None') });
      else this.#offer(spell, () => this.#world.faults.spell(spell));
    }
    if (steps >= this.#jumpAt) {
      this.#jumpAt = steps + random.between(2_000, 12_000);
      const byMs = random.between(1, 600_000);
      this.#offer('clockJump', () => this.#world.jumpClock(byMs));
    }
    if (this.#world.sessions !== undefined) this.#lookAtOne(this.#world.sessions, steps);
  }

  /** A process stands still, past its leases or not; or the session that stands for it breaks, or those of all. */
  #lookAtOne(sessions: Sessions, steps: number): void {
    const { seats, scheduler } = this.#world;
    const random = this.#apart;
    if (steps >= this.#standAt) {
      this.#standAt = steps + random.between(500, 8_000);
      const seat = random.pick(seats);
      const forMs = random.chance(0.5) ? random.between(1, 5_000) : random.between(5_000, 90_000);
      this.#offer('standstill', () => {
        if (seat.process !== undefined) scheduler.stall(seat.process.name, scheduler.now() + forMs);
      });
    }
    if (steps >= this.#breakAt) {
      this.#breakAt = steps + random.between(500, 8_000);
      const broken = random.chance(0.3) ? seats : [random.pick(seats)];
      this.#offer('sessionBreak', () => {
        for (const { process } of broken) if (process !== undefined) sessions.break(process.name);
      });
    }
  }

  /** What has not happened when trouble ends does not happen any more. */
  #offer(label: string, run: () => void): void {
    if (!this.#world.mischief.admit(label)) return;
    this.#world.scheduler.offer({ label, run: () => (this.#world.calm ? undefined : run()) });
  }
}

/** Faults stop, mischief stops, everybody does what they should: nothing may be left hanging. */
async function rest(world: World, { developers, ledger }: People): Promise<void> {
  const { scheduler } = world;
  const begunAt = scheduler.now();
  world.faults.stop();
  world.calm = true;
  scheduler.offer({ label: 'restart', run: () => world.restart() });
  let mended = false;
  const mend = async (): Promise<void> => {
    while (!world.isUp) await scheduler.wait({ label: 'wait for the house', afterMs: 1_000 });
    await developers.mend();
    mended = true;
  };
  scheduler.offer({ label: 'mend', afterMs: 1_000, run: () => void mend() });
  const overdue = (): boolean => scheduler.now() - begunAt > REST_WITHIN_MS;
  let looks = 0;
  let restsSince: number | undefined;
  await world.run(() => {
    if (looks++ % 16 !== 0) return false;
    const rests = mended && world.isUp && world.checks.unfinished.size === 0 && !somethingIsLeft(world);
    restsSince = rests ? (restsSince ?? scheduler.now()) : undefined;
    // Rest is more than a moment without work.
    return (restsSince !== undefined && scheduler.now() - restsSince > 120_000) || overdue();
  });
  if (world.violation !== undefined) return;
  if (overdue()) {
    const left = [...world.checks.unfinished, ...[...world.functionChecks.unfinished].map((id) => `event ${id}`)];
    const effects = [...world.disk.outbox.cells.values()].map(
      ({ row }) => `${row.kind} ${row.document_id} ${row.effect.slice(0, 200)}`,
    );
    world.fail(
      new Violation(
        'Liveness',
        `30 hours after the last fault: ${[...left, ...effects].slice(0, 12).join('; ')}; up: ${world.isUp}`,
      ),
    );
    return;
  }
  let asked = false;
  void settle(world, ledger).then(() => (asked = true));
  await world.run(() => asked);
}

/** Events that are not over, and effects that wait to be performed, but for those of what never ends: alarms and polls look again and again. */
function somethingIsLeft(world: World): boolean {
  if (world.functionChecks.unfinished.size > 0) return true;
  for (const { row } of world.disk.outbox.cells.values()) if (!ENDLESS.has(row.kind)) return true;
  return false;
}

const ENDLESS = new Set(['cloudwatch.alarm', 'codepipeline.source-poll']);

/** What was acknowledged is there, and the traffic is where the last deployment left it. */
async function settle(world: World, ledger: Ledger): Promise<void> {
  world.functionChecks.settle();
  for (const object of ledger.objects) await world.readObject(object);
  const { dev, operator } = world.layout.people;
  for (const { pipeline, id } of ledger.executions) {
    const answer = await world.ask(dev, 'codepipeline', 'GetPipelineExecution', {
      pipelineName: pipeline,
      pipelineExecutionId: id,
    });
    if (!('output' in answer))
      world.fail(new Violation('Durable', `the execution ${id} of ${pipeline} was acknowledged: ${answer.code}`));
  }
  for (const deploymentId of ledger.deployments) {
    const answer = await world.ask(operator, 'codedeploy', 'GetDeployment', { deploymentId });
    if (!('output' in answer))
      world.fail(new Violation('Durable', `the deployment ${deploymentId} was acknowledged: ${answer.code}`));
  }
  for (const group of world.layout.groups) {
    const list = await world.ask<{ deployments?: string[] }>(operator, 'codedeploy', 'ListDeployments', {
      applicationName: APPLICATION,
      deploymentGroupName: group.name,
    });
    const alias = world.checks.alias(TARGET, REGION, `${FUNCTION}:${group.alias}`);
    const [newest] = ('output' in list && list.output.deployments) || [];
    const stored = newest === undefined ? undefined : world.checks.deployment(newest);
    if (stored?.phase.name !== 'Ended' || stored.phase.status !== 'Succeeded' || stored.target === undefined) continue;
    const wanted = stored.rollbackOf?.moveTraffic === false ? undefined : stored.target.targetVersion;
    if (wanted !== undefined && (alias?.version !== wanted || Object.keys(alias.weights).length > 0))
      world.fail(
        new Violation('EndsWhereItSays', `${newest} left ${wanted} live; the alias is ${JSON.stringify(alias)}`),
      );
  }
}
