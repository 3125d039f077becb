/**
 * One run: a store, so many processes, a seed. A round kills twice: once at a named place (the server kills itself there,
 * `SLUICE_CRASH_AT`), once at a random moment; and after each it starts again, waits, and checks.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { CRASH_POINTS } from '../../src/app/crash-points.ts';
import { Random } from '../random.ts';
import { checkAll, checkEnd, drainEvents } from './checks.ts';
import { Clients } from './clients.ts';
import { Fleet, pause, type Server, type StoreName } from './fleet.ts';
import { Model } from './model.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { Workload } from './workload.ts';
import { makeWorld, type World } from './world.ts';

export type RunOptions = Readonly<{
  store: StoreName;
  processes: number;
  seed: number;
  rounds: number;
  /** Times the machine's speed. */
  factor: number;
  /** Longer than this from a death until work goes on is a failure. */
  recoveryMs: number;
  /** Ways to production, each with deliveries of its own. */
  lines: number;
  /** Which kills a round makes: at a named place, at a random moment. */
  kills: readonly ('Place' | 'Moment')[];
  /** The very first start is killed as well, while it makes the database. */
  killFirstStart: boolean;
  /** How long a named place may take to be passed before the server is killed anyway. */
  patienceMs: number;
  onRound?: (text: string) => void;
}>;

export type Recovery = Readonly<{
  /** From the start of the process that was killed to its first signed call answered. */
  answeredMs: number;
  /** From the death (of several: the others go on; of one: from its start) until all that was accepted is delivered. */
  resumedMs: number;
}>;

export type RunReport = {
  store: StoreName;
  processes: number;
  seed: number;
  rounds: number;
  calls: number;
  executions: number;
  deployments: number;
  kills: Record<string, number>;
  recoveries: Recovery[];
  tookMs: number;
  failure?: Readonly<{ round: number; after: string; broken: readonly string[]; logs: string }>;
};

/** A machine that is busy with other things starts slowly; that is no hole in what is promised. */
const START_DEADLINE_MS = 120_000;
const DELIVERY_DEADLINE_MS = 60_000;

class BrokenError extends Error {
  override readonly name = 'BrokenError';
  readonly broken: readonly string[];

  constructor(broken: readonly string[]) {
    super(broken.join('\n'));
    this.broken = broken;
  }
}

export async function torture(options: RunOptions): Promise<RunReport> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-torture-'));
  const report: RunReport = {
    store: options.store,
    processes: options.processes,
    seed: options.seed,
    rounds: 0,
    calls: 0,
    executions: 0,
    deployments: 0,
    kills: {},
    recoveries: [],
    tookMs: 0,
  };
  const startedAt = performance.now();
  const session = new Session(options, folder, report);
  try {
    await session.run();
  } catch (error) {
    const broken = error instanceof BrokenError ? error.broken : [String((error as Error).stack ?? error)];
    report.failure = { round: session.round, after: session.after, broken, logs: folder };
  } finally {
    await session.close();
  }
  report.tookMs = performance.now() - startedAt;
  if (report.failure === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  return report;
}

class Session {
  readonly #options: RunOptions;
  readonly #folder: string;
  readonly #report: RunReport;
  readonly #model = new Model();
  readonly #seenEvents = new Set<string>();
  readonly #broken: string[] = [];
  readonly #clients = new Map<number, Clients>();
  #postgres: Postgres | undefined;
  #fleet: Fleet | undefined;
  #answering = new Set<Server>();
  round = 0;
  after = 'the start';

  constructor(options: RunOptions, folder: string, report: RunReport) {
    this.#options = options;
    this.#folder = folder;
    this.#report = report;
  }

  async run(): Promise<void> {
    const { store, processes, factor, rounds } = this.#options;
    mkdirSync(join(this.#folder, 'shared'), { mode: 0o700 });
    if (store === 'url') this.#postgres = await startPostgres(this.#folder);
    this.#fleet = await Fleet.make({
      store,
      processes,
      factor,
      folder: this.#folder,
      databaseUrl: this.#postgres?.url,
    });
    await this.#firstStart();
    const [first] = this.#living();
    if (first === undefined) throw new Error('no server lives');
    const world = await makeWorld(first, this.#model, this.#options.lines);
    const workload = new Workload({
      world,
      model: this.#model,
      random: (purpose) => this.#random(purpose),
      living: () => this.#living(),
      broken: (what) => this.#broken.push(what),
    });
    for (this.round = 1; this.round <= rounds; this.round++) {
      if (this.#options.kills.includes('Place')) await this.#roundAtPlace(world, workload);
      if (this.#options.kills.includes('Moment')) await this.#roundAtRandom(world, workload);
      this.#report.rounds = this.round;
      this.#report.calls = workload.calls;
      this.#report.executions = this.#model.executions.size;
      const { answeredMs, resumedMs } = this.#report.recoveries.at(-1) ?? { answeredMs: 0, resumedMs: 0 };
      this.#options.onRound?.(
        `round ${this.round}: ${workload.calls} calls, ${this.#model.executions.size} executions, ` +
          `last recovery ${Math.round(answeredMs)} ms to an answer, ${Math.round(resumedMs)} ms to work`,
      );
    }
    this.after = 'the end';
    const open = await workload.finish(60_000);
    const [living] = this.#living();
    if (living === undefined) throw new Error('no server lives');
    // Over new connections: one that lay idle for a minute may be closed by the server just as it is used again.
    const at = new Clients(living.url);
    const broken = open.map((what) => `never ended: ${what}`);
    broken.push(
      ...(await checkAll(at, world, this.#model)),
      ...(await checkEnd(at, world, this.#model, this.#seenEvents)),
    );
    this.#report.deployments = [...this.#model.finals.keys()].filter((id) => id.startsWith('d-')).length;
    if (broken.length > 0) throw new BrokenError(broken);
  }

  async close(): Promise<void> {
    await this.#fleet?.close();
    await this.#postgres?.stop().catch(() => {});
  }

  /** The very first start is killed too, in the middle of making the database. */
  async #firstStart(): Promise<void> {
    const random = this.#random('first start');
    const [first] = this.#servers();
    if (first !== undefined && this.#options.killFirstStart) {
      this.after = `AfterMigration:${random.between(1, 6)}`;
      first.spawn(this.after);
      // PGlite may begin with a copy that has all migrations.
      const hit = !(await first.answers(START_DEADLINE_MS));
      await first.kill();
      this.#count(hit ? 'AfterMigration' : 'place not reached');
    }
    for (const server of this.#servers()) server.spawn();
    await Promise.all(this.#servers().map((server) => this.#firstAnswer(server)));
  }

  /** A server that is told where to kill itself works until it does. */
  async #roundAtPlace(world: World, workload: Workload): Promise<void> {
    const random = this.#random(`place ${this.round}`);
    const victim = random.pick(this.#servers());
    const place = this.#placeOf(random);
    // Each of several servers gets its share of the calls.
    const latest = Math.ceil((PASSES[place] ?? 1) / this.#servers().length);
    const pass = random.between(1, latest);
    this.after = `${place}:${pass} in server ${victim.index}`;
    workload.start();
    await this.#leave(victim);
    await victim.kill();
    victim.spawn(`${place}:${pass}`);
    let hit = true;
    if (await victim.answers(START_DEADLINE_MS)) {
      this.#answering.add(victim);
      hit = await Promise.race([victim.gone().then(() => true), pause(this.#options.patienceMs).then(() => false)]);
    }
    this.#count(hit ? place : 'place not reached');
    this.#answering.delete(victim);
    await victim.kill();
    await this.#recover([victim], performance.now(), world, workload);
  }

  /** SIGKILL at any moment, of one server or of all of them at once. */
  async #roundAtRandom(world: World, workload: Workload): Promise<void> {
    const random = this.#random(`moment ${this.round}`);
    const all = this.#servers().length > 1 && random.chance(0.25);
    const victim = random.pick(this.#servers());
    const victims = all ? [...this.#servers()] : [victim];
    const afterMs = random.between(50, 1_500);
    this.after = `SIGKILL of ${all ? 'all servers' : `server ${victim.index}`} after ${afterMs} ms`;
    workload.start();
    await pause(afterMs);
    await Promise.all(
      victims.map(async (server) => {
        this.#answering.delete(server);
        await server.kill();
      }),
    );
    this.#count('at random', victims.length);
    await this.#recover(victims, performance.now(), world, workload);
  }

  /** Starts the dead again, measures, stops the users and checks everything on every server. */
  async #recover(dead: readonly Server[], diedAt: number, world: World, workload: Workload): Promise<void> {
    // Nothing new is accepted until what was accepted has been delivered.
    const stopped = workload.stop();
    for (const server of dead) server.spawn();
    const fromAt = this.#servers().length > dead.length ? diedAt : (dead[0]?.startedAt ?? diedAt);
    const answered = Promise.all(dead.map((server) => this.#firstAnswer(server)));
    answered.catch(() => {}); // Looked at below.
    await stopped;
    const missing = await drainEvents(
      () => this.#living()[0],
      world,
      this.#model,
      this.#seenEvents,
      DELIVERY_DEADLINE_MS,
    );
    const resumedMs = performance.now() - fromAt;
    const answeredMs = Math.max(...(await answered));
    this.#report.recoveries.push({ answeredMs, resumedMs });
    const broken = this.#broken.splice(0);
    if (missing.length > 0) broken.push(`events were accepted and never delivered: ${missing.slice(0, 5).join(', ')}`);
    for (const [what, ms] of [
      ['the first answer', answeredMs],
      ['work went on', resumedMs],
    ] as const)
      if (ms > this.#options.recoveryMs) broken.push(`${Math.round(ms)} ms until ${what}`);
    for (const at of this.#living()) broken.push(...(await checkAll(at, world, this.#model)));
    if (broken.length > 0) throw new BrokenError([...new Set(broken)]);
  }

  async #firstAnswer(server: Server): Promise<number> {
    if (!(await server.answers(START_DEADLINE_MS))) throw new Error(`server ${server.index} ended while it started`);
    await this.#clientsOf(server).sts.send(new GetCallerIdentityCommand({}));
    this.#answering.add(server);
    return performance.now() - server.startedAt;
  }

  /** It takes no more calls: those under way are cut off when it is killed. */
  async #leave(server: Server): Promise<void> {
    await pause(this.#random(`leave ${this.round}`).between(20, 300));
    this.#answering.delete(server);
  }

  #placeOf(random: Random): (typeof CRASH_POINTS)[number] {
    // Every place in turn, from a seeded beginning, so that a run of as many rounds passes all of them.
    const places = CRASH_POINTS.filter((place) => place !== 'AfterMigration');
    const at = (this.#options.seed + this.round) % places.length;
    return places[at] ?? random.pick(places);
  }

  #servers(): readonly Server[] {
    return this.#fleet?.servers ?? [];
  }

  #living(): Clients[] {
    return this.#servers().flatMap((server) =>
      this.#answering.has(server) && server.lives ? [this.#clientsOf(server)] : [],
    );
  }

  #clientsOf(server: Server): Clients {
    let clients = this.#clients.get(server.index);
    if (clients === undefined) this.#clients.set(server.index, (clients = new Clients(server.url)));
    return clients;
  }

  #random(purpose: string): Random {
    return new Random(this.#options.seed, `${purpose} ${this.round}`);
  }

  #count(place: string, times = 1): void {
    this.#report.kills[place] = (this.#report.kills[place] ?? 0) + times;
  }
}

/** The latest pass at which a place is told to crash: what a second or two of this workload passes. */
const PASSES: Readonly<Record<string, number>> = {
  BeforeCommit: 60,
  AfterCommit: 60,
  BeforeEffect: 60,
  AfterEffect: 60,
  BeforeWrite: 120,
  AfterWrite: 120,
  AfterHandler: 200,
  AfterBlob: 20,
  AfterMigration: 1,
  AfterJoin: 1,
  AfterResume: 1,
};
