/** Several engines on one database by URL: one performer for a lane, takeover of what the dead held, nobody takes from the living. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/common/index.ts';
import { defineLoop, LoopEngine } from '../../src/engine/index.ts';
import { clientOf, collection, type Membership, openMembership, openStore, type Store } from '../../src/store/index.ts';
import { freshDatabase, kinds, migrationsDir, wallNow } from './store-kinds.ts';

/** A list of steps to do, one after the other in their lane. */
type List = Readonly<{ asked: number; done: readonly string[]; performer?: string }>;
type ListEvent = Readonly<
  { type: 'Ask'; lane?: string } | { type: 'Done'; step: number; by: string } | { type: 'TimerFired'; timer: string }
>;
type ListEffect = Readonly<
  { type: 'Step'; step: number; lane?: string } | { type: 'WakeAt'; timer: string; at: number }
>;

const KIND = 'test.list';
const lists = collection<List>(KIND);
/** The machine's time in these tests runs so many times as fast. */
const FASTER = 10;

const url = kinds.find((kind) => kind.name === 'url');
let database: Awaited<ReturnType<typeof freshDatabase>>;

class Process {
  readonly store: Store;
  readonly members: Membership;
  readonly engine: LoopEngine;
  readonly clock: ManualClock;
  readonly performed: string[] = [];
  readonly resumed: string[] = [];
  readonly errors: string[] = [];
  /** Effects wait here until they are let go. */
  hold: Promise<void> | undefined;
  readonly #client: pg.ClientConfig;
  #dead = false;

  private constructor(store: Store, members: Membership, client: pg.ClientConfig, clock: ManualClock) {
    this.store = store;
    this.members = members;
    this.clock = clock;
    this.#client = client;
    this.engine = new LoopEngine({
      store,
      clock,
      wallNow: fastNow,
      wallTimer: (callback, delayMs) => this.#timer(callback, delayMs),
      owner: members.self,
      alone: false,
      members,
      onError: (message) => this.errors.push(message),
    });
    this.engine.register(
      defineLoop<List, ListEvent, ListEffect>({
        kind: KIND,
        decide: (state, event, now) => {
          switch (event.type) {
            case 'Ask':
              return {
                state: { ...state, asked: state.asked + 1 },
                effects: [{ type: 'Step', step: state.asked, ...(event.lane !== undefined && { lane: event.lane }) }],
              };
            case 'Done':
              return {
                state: { ...state, done: [...state.done, `${event.step} by ${event.by}`] },
                effects: [{ type: 'WakeAt', timer: 'later', at: now + 60_000 }],
              };
            case 'TimerFired':
              return { state: { ...state, done: [...state.done, 'timer'] }, effects: [] };
          }
        },
        isFinal: () => false,
        performedBy: ({ performer }) => performer,
        perform: async (effect, { resumed }) => {
          if (effect.type !== 'Step') return;
          await this.hold;
          if (this.#dead) await new Promise(() => {});
          this.performed.push(String(effect.step));
          if (resumed === true) this.resumed.push(String(effect.step));
          return { type: 'Done', step: effect.step, by: members.self };
        },
      }),
    );
  }

  static async start(): Promise<Process> {
    const store = await openStore({ kind: 'url', url: database.url, migrationsDir, wallNow, maxConnections: 4 });
    const client = { ...clientOf(database.url) };
    const late: { process?: Process } = {};
    const members = await openMembership({
      store,
      client,
      about: { host: 'here', pid: 1, clock: 'real' },
      wallNow: fastNow,
      wallTimer: (callback, delayMs) =>
        late.process === undefined ? timer(callback, delayMs) : late.process.#timer(callback, delayMs),
    });
    const process = new Process(store, members, client, new ManualClock(1_000_000));
    late.process = process;
    await process.engine.start();
    members.watch();
    return process;
  }

  /** What SIGKILL leaves of it: nothing, and a session that the server sees end. */
  async die(): Promise<void> {
    this.#dead = true;
    this.#client.connectionString = 'postgres://127.0.0.1:1/nowhere';
    await this.#breakSession();
  }

  /** The session breaks, as when the server is started anew. */
  async breakSession(awayMs: number): Promise<void> {
    const { connectionString } = this.#client;
    this.#client.connectionString = 'postgres://127.0.0.1:1/nowhere';
    await this.#breakSession();
    timer(() => (this.#client.connectionString = connectionString), awayMs);
  }

  async stop(): Promise<void> {
    if (!this.#dead) await this.engine.stop();
    this.#dead = true;
    await this.members.close();
    await this.store.close();
  }

  async #breakSession(): Promise<void> {
    const number = Number(this.members.self.replace('process-', ''));
    await this.store.query(
      `SELECT pg_terminate_backend(pid) AS done FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND objid::bigint = $1`,
      [number],
    );
  }

  #timer(callback: () => void, delayMs: number): () => void {
    return timer(() => {
      if (!this.#dead) callback();
    }, delayMs);
  }
}

const processes: Process[] = [];

let behind = 0;
let heldAt: number | undefined;

function fastNow(): number {
  return heldAt ?? Math.floor(performance.now() * FASTER) - behind;
}

/** Time stands until `goOn`, while timers fire: a busy machine takes none of it. */
function holdTime(): Readonly<{ goOn(): void }> {
  const at = (heldAt = fastNow());
  return {
    goOn: () => {
      behind = Math.floor(performance.now() * FASTER) - at;
      heldAt = undefined;
    },
  };
}

function timer(callback: () => void, delayMs: number): () => void {
  const handle = setTimeout(callback, delayMs / FASTER);
  return () => clearTimeout(handle);
}

async function start(): Promise<Process> {
  const process = await Process.start();
  processes.push(process);
  return process;
}

let serial = 0;

async function makeList(
  at: Process,
  state: Partial<List> = {},
): Promise<{ account: string; region: string; id: string }> {
  const key = { account: 'a', region: 'r', id: `list-${serial++}` };
  await at.store.transaction((tx) => at.engine.create<List>(tx, KIND, key, { asked: 0, done: [], ...state }, []));
  return key;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function gate(): { shut: Promise<void>; open(): void } {
  let open = (): void => {};
  const shut = new Promise<void>((resolve) => (open = resolve));
  return { shut, open };
}

describe.skipIf(url?.skip !== undefined)(`processes that share a database${url?.skip ? ` (${url.skip})` : ''}`, () => {
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterEach(async () => {
    for (const process of processes.splice(0)) await process.stop();
  });
  afterAll(() => database.close());

  it('perform the effects of a lane in one of them, in order, whoever decided them', async () => {
    const [first, second] = [await start(), await start()];
    const key = await makeList(first);
    const { shut, open } = gate();
    first.hold = shut;
    await first.engine.submit(KIND, key, { type: 'Ask' });
    await second.engine.submit(KIND, key, { type: 'Ask' });
    await second.engine.submit(KIND, key, { type: 'Ask', lane: 'other' });
    await until('the other lane is done', () => second.performed.length === 1);
    expect(second.performed).toEqual(['2']);
    open();
    await until('both are done', () => first.performed.length === 2);
    expect(first.performed).toEqual(['0', '1']);
  });

  it('hand an effect to the one that its loop names', async () => {
    const [first, second] = [await start(), await start()];
    const key = await makeList(first, { performer: first.members.self });
    await second.engine.submit(KIND, key, { type: 'Ask' });
    await until('it is done', () => first.performed.length === 1);
    expect(second.performed).toEqual([]);
  });

  it('take over the effects of one that died, in order, and say that they may have been performed', async () => {
    const [first, second, third] = [await start(), await start(), await start()];
    const key = await makeList(first);
    first.hold = new Promise(() => {});
    for (let i = 0; i < 5; i++) await first.engine.submit(KIND, key, { type: 'Ask' });
    // Decided by one that lives, into the lane of the one that dies.
    await first.die();
    await second.engine.submit(KIND, key, { type: 'Ask' });
    await until('all are done', () => second.performed.length + third.performed.length === 6);
    const heir = second.performed.length > 0 ? second : third;
    expect(heir.performed).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(heir.resumed).toEqual(expect.arrayContaining(['0', '1', '2', '3', '4']));
  });

  it('fire the timers of one that died', async () => {
    const [first, second] = [await start(), await start()];
    const key = await makeList(first);
    await first.engine.submit(KIND, key, { type: 'Ask' });
    await until('it is done', async () => (await lists.get(second.store, key))?.document.done.length === 1);
    await first.die();
    second.clock.set(second.clock.now() + 60_000);
    await until('the timer fired', async () => (await lists.get(second.store, key))?.document.done.at(-1) === 'timer');
  });

  it('tell once, in one of them, who is gone', async () => {
    const [first, second, third] = [await start(), await start(), await start()];
    const told: string[] = [];
    for (const process of [second, third]) process.members.onGone(async (names) => void told.push(...names));
    await first.die();
    await until('somebody is told', () => told.length > 0);
    await until('both see it', async () => (await third.members.standing()).size === 2);
    expect(told).toEqual([first.members.self]);
  });

  it('take nothing from one that is slow, nor from one whose session was away for a moment', async () => {
    const [first, second] = [await start(), await start()];
    const key = await makeList(first);
    const { shut, open } = gate();
    first.hold = shut;
    await first.engine.submit(KIND, key, { type: 'Ask' });
    await first.engine.submit(KIND, key, { type: 'Ask' });
    const time = holdTime();
    await first.breakSession(300);
    await until('it is back', () => first.members.session() !== undefined);
    time.goOn();
    await new Promise((resolve) => setTimeout(resolve, 3_000 / FASTER)); // longer than it takes to be gone
    open();
    await until('it goes on', () => first.performed.length === 2);
    expect(second.performed).toEqual([]);
  });

  it('leave alone, after they were taken for gone, what others took', async () => {
    const [first, second] = [await start(), await start()];
    const key = await makeList(first);
    const { shut, open } = gate();
    first.hold = shut;
    for (let i = 0; i < 3; i++) await first.engine.submit(KIND, key, { type: 'Ask' });
    await first.breakSession(6_000);
    await until('the other has done all', () => second.performed.length === 3);
    await until('it is back', () => first.members.session() !== undefined);
    open();
    await first.engine.settled();
    // The one that it was performing could not be called back: it happens twice, and counts once.
    expect(first.performed).toEqual(['0']);
    const done = (await lists.get(second.store, key))?.document.done;
    expect(done).toEqual([0, 1, 2].map((step) => `${step} by ${second.members.self}`));
    expect((await first.members.standing()).size).toBe(2);
  });

  it('adopt what a commit saved whose answer never came', async () => {
    const first = await start();
    const key = await makeList(first);
    // As such a commit leaves it: ours in the database, unknown here.
    await first.store.query(
      `INSERT INTO outbox (kind, account, region, document_id, effect, due_at, owner, lease_until)
       VALUES ($1, $2, $3, $4, '{"type":"Step","step":7}', 0, $5, $6)`,
      [KIND, key.account, key.region, key.id, first.members.self, fastNow() + 30_000],
    );
    await until('it is done', () => first.performed.includes('7'));
  });
});
