/**
 * The world of the whole house: the door, the authorizer, the services, the engine and the loops, as users have them, in
 * one process or in several that share the database, on simulated disks and time. People push, start, stop, approve and
 * edit; workers build; requests hit the function; the machine fails and processes are killed. Checks watch every commit and
 * every call (`disk-checks.ts`, `call-checks.ts`), and who performs what (`effect-checks.ts`); at the end faults stop, and
 * everything must come to rest (`run.ts`).
 */
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { compileOptions } from '../../src/app/config.ts';
import { loadServices } from '../../src/app/registry.ts';
import { Concealed } from '../../src/app/secrets/master-secret.ts';
import { AwsError, isAwsError } from '../../src/common/index.ts';
import type { OpenHouse } from '../../src/app/open-house.ts';
import { openModels } from '../../src/protocol/index.ts';
import type { Client, Log, Scope } from '../../src/services/index.ts';
import { BlobDisk } from '../memory-blobs.ts';
import { MemoryDisk } from '../memory-store/index.ts';
import { type Chosen, Mischief } from '../loops/mischief.ts';
import { Random } from '../random.ts';
import { Scheduler, type Step } from '../scheduler.ts';
import { type Answer, bytesOf, sha256, UNKNOWN_OUTCOME } from './answer.ts';
import { CallChecks } from './call-checks.ts';
import { DiskChecks } from './disk-checks.ts';
import { EffectChecks } from './effect-checks.ts';
import { HouseFaults } from './faults.ts';
import { FunctionChecks } from './function-checks.ts';
import { runtimeOfFunctions } from './function-runner.ts';
import { Functions } from './functions.ts';
import { type Layout, layOut, type Person, REGION } from './layout.ts';
import type { KeptObject } from './ledger.ts';
import type { HouseProcess, Machine } from './process.ts';
import { Seat } from './seat.ts';
import { Sessions } from './sessions.ts';
import { Violation } from './violation.ts';

const START_AT = Date.UTC(2026, 0, 5);

const MOST_SECRETS = 60;

const SERVICES = [
  'sts',
  'iam',
  'kms',
  's3',
  'cloudwatch',
  'events',
  'sqs',
  'lambda',
  'codedeploy',
  'codepipeline',
  'logs',
  'organizations',
];

const config = compileOptions(
  {
    port: 0,
    ephemeral: true,
    account: '111111111111',
    remotes: [],
    log: 'silent',
    services: SERVICES,
    clock: 'real',
    masterSecret: { kind: 'environment', secret: new Concealed('the master secret of the simulation') },
  },
  {},
);
const models = openModels(join(config.packageDir, 'models'));
let loaded: ReturnType<typeof loadServices> | undefined;

export type WorldOfHouseOptions = Chosen &
  Readonly<{
    seed: number;
    record?: boolean;
    /** So many that share the database; 1 unless said. */
    processes?: number;
  }>;

export class World {
  readonly scheduler: Scheduler;
  readonly disk = new MemoryDisk();
  readonly blobs = new BlobDisk();
  readonly faults: HouseFaults;
  readonly checks: DiskChecks;
  readonly calls: CallChecks;
  readonly functions: Functions;
  readonly functionChecks: FunctionChecks;
  readonly counts: Record<string, number> = {};
  readonly mischief: Mischief;
  readonly secrets = new Set<string>();
  readonly seats: readonly Seat[];
  /** Where several processes share the database. */
  readonly sessions: Sessions | undefined;
  layout!: Layout;
  violation: (Violation & { step?: number; at?: number }) | undefined;
  /** Faults and mischief have stopped: from here on everybody does what they should. */
  calm = false;
  readonly #effects: EffectChecks | undefined;
  readonly #surroundings: Omit<Machine, 'services' | 'stateDir'>;
  #machine!: Omit<Machine, 'stateDir'>;
  #processes = 0;
  /** Processes that unpack the code of a function. */
  readonly #writing = new Set<string>();
  readonly #doors: Random;

  constructor(options: WorldOfHouseOptions) {
    this.scheduler = new Scheduler({
      seed: options.seed,
      startAt: START_AT,
      record: options.record ?? false,
      afterStep: () => this.#afterStep(),
    });
    this.mischief = new Mischief(this.scheduler, options);
    this.faults = new HouseFaults(this.scheduler, this.blobs);
    const surroundings = {
      step: () => this.scheduler.steps,
      secrets: this.secrets,
      count: (what: string) => this.count(what),
      fail: (violation: Violation) => this.fail(violation),
    };
    this.checks = new DiskChecks({ ...surroundings, disk: this.disk, now: () => this.scheduler.now() });
    this.calls = new CallChecks({ ...surroundings, disk: this.checks });
    this.functions = new Functions(this);
    this.functionChecks = new FunctionChecks({ ...surroundings, disk: this.disk });
    const { processes = 1 } = options;
    if (processes > 1) {
      this.sessions = new Sessions(this.scheduler, this.faults);
      this.#effects = new EffectChecks({
        ...surroundings,
        disk: this.disk,
        sessions: this.sessions,
        now: () => this.scheduler.now(),
        wallNow: () => this.scheduler.now() + this.faults.clockOffMs,
      });
    }
    this.seats = Array.from({ length: processes }, () => this.#seat());
    this.#doors = this.scheduler.random('doors');
    this.#surroundings = {
      scheduler: this.scheduler,
      disk: this.disk,
      blobs: this.blobs,
      faults: this.faults,
      config,
      models,
      ids: new Random(options.seed, 'ids'),
      log: this.#log(),
      observer: (process) => this.calls.of(process),
      sessions: this.sessions,
      runtime: (process) =>
        runtimeOfFunctions({
          process,
          scheduler: this.scheduler,
          functions: () => this.functions,
          filesMove: () => {
            this.#writing.add(process);
            return () => void this.#writing.delete(process);
          },
        }),
    };
  }

  /** Makes the accounts; nothing fails yet, and nothing waits. */
  async begin(): Promise<void> {
    loaded ??= loadServices(SERVICES);
    const services = await loaded;
    this.#machine = { ...this.#surroundings, services: this.#effects?.watched(services) ?? services };
    const [first, ...others] = this.seats;
    const { door, engine } = (await (first as Seat).begin()).open;
    // One thing after the other: code is unpacked to real files, and whatever went on meanwhile would race with them.
    const root = (scope: Scope): Client => {
      const client = door.as(
        { type: 'Root', account: scope.account, arn: `arn:aws:iam::${scope.account}:root` },
        scope,
      );
      const call = async <T>(service: string, operation: string, input: object): Promise<T> => {
        const output = await client.call<T>(service, operation, input);
        await engine.settled();
        return output;
      };
      return { ...client, call };
    };
    this.layout = await layOut(root, this.scheduler.random('layout'), this.scheduler.random('layout of functions'));
    for (const secret of this.layout.secrets) this.secrets.add(secret);
    this.faults.begin();
    for (const seat of others) this.scheduler.offer({ label: 'restart', run: () => seat.restart() });
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  fail(violation: Violation): void {
    this.violation ??= Object.assign(violation, { step: this.scheduler.steps, at: this.scheduler.now() });
  }

  get isUp(): boolean {
    return this.seats.every(({ process }) => process !== undefined);
  }

  /** Whoever answers behind the address that users have; undefined: nobody does. */
  get process(): HouseProcess | undefined {
    const [only, ...others] = this.seats;
    if (others.length === 0) return only?.process;
    const up = this.seats.filter(({ process }) => process !== undefined);
    return up.length === 0 ? undefined : this.#doors.pick(up).process;
  }

  /** A call as a person, with that person's key. */
  async ask<T>(person: Person, service: string, operation: string, input: object): Promise<Answer<T>> {
    const { process } = this;
    if (process === undefined) return { code: 'ConnectionLost', message: 'refused' };
    return this.answer<T>(process, async () => {
      const { identity, door } = process.open;
      const credentials = await identity.credentials(person.accessKeyId, { service, region: REGION });
      if (credentials === undefined) {
        if (person.accessKeyId.startsWith('ASIA')) throw new AwsError('InvalidClientTokenId', 'The session is over.');
        throw new Violation('Durable', `the key of ${person.name} is unknown`);
      }
      return door
        .as(credentials.principal, { account: person.account, region: REGION })
        .call<T>(service, operation, input);
    });
  }

  /** As AWS's own service, for what the platform itself reports. */
  async askAsService<T>(
    name: string,
    scope: Scope,
    service: string,
    operation: string,
    input: object,
  ): Promise<Answer<T>> {
    const { process } = this;
    if (process === undefined) return { code: 'ConnectionLost', message: 'refused' };
    return this.answer<T>(process, () => process.open.door.asService(name, scope).call<T>(service, operation, input));
  }

  async answer<T>(process: HouseProcess, work: () => Promise<T>): Promise<Answer<T>> {
    try {
      return { output: await process.answerOf(work()) };
    } catch (error) {
      if (error instanceof Violation) this.fail(error);
      const code = isAwsError(error) ? error.code : error instanceof Error ? error.name : 'Error';
      return { code, message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Reads an acknowledged object by its version: it is there, and the same. */
  async readObject({ bucket, key, versionId, sha256: expected }: KeptObject): Promise<void> {
    const { process } = this;
    if (process === undefined) return;
    const { accessKeyId } = this.layout.people.admin;
    const answer = await this.answer(process, async () => {
      const credentials = await process.open.identity.credentials(accessKeyId);
      if (credentials === undefined) throw new Violation('Durable', 'the key of the administrator is unknown');
      const { Body } = await process.open.door
        .as(credentials.principal, { account: this.layout.people.admin.account, region: REGION })
        .call<{ Body: Readable }>('s3', 'GetObject', { Bucket: bucket, Key: key, VersionId: versionId });
      return bytesOf(Body);
    });
    const where = `${bucket}/${key} (${versionId})`;
    if ('output' in answer) {
      if (sha256(answer.output) !== expected)
        this.fail(new Violation('Durable', `${where} was acknowledged and holds other bytes now`));
    } else if (!UNKNOWN_OUTCOME.test(answer.code))
      this.fail(new Violation('Durable', `${where} was acknowledged: ${answer.code}: ${answer.message}`));
  }

  /** The newest are looked for; there are too many to look for all. */
  learnSecret(secret: string): void {
    this.secrets.delete(secret);
    this.secrets.add(secret);
    if (this.secrets.size <= MOST_SECRETS) return;
    const [oldest] = [...this.secrets].filter((each) => !this.layout.secrets.includes(each));
    if (oldest !== undefined) this.secrets.delete(oldest);
  }

  // The processes

  /** The machine's clock leaps; every process has the same clock, and one that starts later too. */
  jumpClock(byMs: number): void {
    this.faults.clockOffMs += byMs;
    for (const seat of this.seats) seat.jumpClock(byMs);
  }

  restart(): void {
    for (const seat of this.seats) seat.restart();
  }

  #seat(): Seat {
    return new Seat({
      machine: () => this.#machine,
      nextName: () => `house ${this.#processes++}`,
      count: (what) => this.count(what),
      onStart: ({ open }) => this.onStart?.(open),
      onCrash: (name) => {
        this.calls.forget(name);
        this.#writing.delete(name);
      },
      onFailedStart: (name, error) =>
        this.calls.failed(
          {
            service: 'house',
            operation: 'start',
            input: {},
            principal: { type: 'Anonymous' },
            scope: { account: '', region: '' },
            requestId: name,
          },
          error,
        ),
    });
  }

  // Running

  async run(enough: () => boolean): Promise<void> {
    const real = globalThis.setImmediate;
    // A library that waits a macrotask counts as instantaneous: nothing else happens until it went on.
    globalThis.setImmediate = ((callback: (...given: unknown[]) => void, ...given: unknown[]) => {
      const release = this.scheduler.hold();
      return real(() => {
        try {
          callback(...given);
        } finally {
          release();
        }
      });
    }) as typeof setImmediate;
    try {
      await this.scheduler.run(() => this.violation !== undefined || enough());
    } finally {
      globalThis.setImmediate = real;
    }
  }

  end(): void {
    for (const seat of this.seats) seat.end();
  }

  history(): readonly Step[] {
    return this.scheduler.history();
  }

  /** A process that starts clears its folders, and a new environment of a function gets its own: real files, which count as instantaneous. */
  #afterStep(): void {
    if ((this.#writing.size > 0 || this.seats.some(({ isStarting }) => isStarting)) && filesMove()) {
      const release = this.scheduler.hold();
      const look = (): void => {
        if (filesMove()) setImmediateOfTheMachine(look);
        else release();
      };
      setImmediateOfTheMachine(look);
    }
  }

  #log(): Log {
    const line =
      (level: 'info' | 'warn' | 'error') =>
      (message: string, fields?: Record<string, unknown>): void => {
        const text = fields === undefined ? message : `${message} ${JSON.stringify(fields)}`;
        this.count(`log ${level}`);
        this.onLog?.(level, text);
        for (const secret of this.secrets)
          if (text.includes(secret)) this.fail(new Violation('NoSecret', `the log says: ${text}`));
      };
    return { info: line('info'), warn: line('warn'), error: line('error') };
  }

  onStart: ((open: OpenHouse) => void) | undefined;
  onLog: ((level: string, text: string) => void) | undefined;
}

const setImmediateOfTheMachine = globalThis.setImmediate;

function filesMove(): boolean {
  return process.getActiveResourcesInfo().some((resource) => resource.startsWith('FS'));
}
