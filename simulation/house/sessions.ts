/**
 * The server's side of src/store/membership.ts: sessions apart from the pool, the advisory locks that they hold, who listens, and
 * the two statements that ask for them. The server lets go of a session when its process dies, and when it breaks; not when
 * its process is slow. A message is for who listens at that moment.
 */
import type { Row, SessionClient, Store, Tx } from '../../src/store/index.ts';
import type { Queryable } from '../../src/store/store.ts';
import { failure } from '../memory-store/index.ts';
import type { Scheduler } from '../scheduler.ts';
import { withStatements } from '../statements.ts';
import type { HouseFaults } from './faults.ts';

const LOCK = /^SELECT pg_try_advisory_lock\(\d+, (\d+)\) AS held$/;
const LOCKS = /^SELECT objid::bigint AS number FROM pg_locks/;
const NOTIFY = /^SELECT pg_notify\(/;

/** So soon the server notices that a process has died. */
const NOTICED_MS = 200;

type Break = () => void;

export class Sessions {
  readonly #scheduler: Scheduler;
  readonly #faults: HouseFaults;
  /** By the number that is locked. */
  readonly #held = new Map<number, Session>();
  readonly #open = new Set<Session>();
  /** By number, when its lock was taken last. */
  readonly #heldSince = new Map<number, number>();

  constructor(scheduler: Scheduler, faults: HouseFaults) {
    this.#scheduler = scheduler;
    this.#faults = faults;
  }

  client(process: string): SessionClient {
    return new Session(this, process);
  }

  /** The store as processes see it: it answers who holds a lock, and passes messages on. */
  seen(store: Store): Store {
    const query =
      (q: Queryable | Tx) =>
      async <R extends Row>(sql: string, parameters?: readonly unknown[]): Promise<R[]> => {
        if (LOCKS.test(sql)) {
          await q.query('SELECT 1');
          return [...this.#held.keys()].map((number) => ({ number })) as unknown as R[];
        }
        if (!NOTIFY.test(sql)) return q.query<R>(sql, parameters);
        await q.query('SELECT 1');
        const send = (): void => this.#notify(String(parameters?.[0]));
        if ('afterCommit' in q) q.afterCommit(send);
        else send();
        return [];
      };
    return { ...withStatements(store, query), kind: 'url' };
  }

  /** Since when the process of that number has stood without a break; undefined: it does not. */
  standsSince(number: number): number | undefined {
    return this.#held.has(number) ? this.#heldSince.get(number) : undefined;
  }

  /** The process is dead. */
  drop(process: string): void {
    for (const session of this.#open) {
      if (session.process !== process) continue;
      this.#scheduler.offer({
        label: 'a session is missed',
        afterMs: (u) => u * NOTICED_MS,
        run: () => this.close(session),
      });
    }
  }

  /** The connection breaks, and its process lives. */
  break(process: string): void {
    for (const session of this.#open) {
      if (session.process !== process) continue;
      this.close(session);
      this.#scheduler.offer({ process, label: 'a session is broken', run: () => session.tellEnd() });
    }
  }

  // What a session asks

  travel(process: string): Promise<void> {
    return this.#faults.onDatabase(process, { of: 'Statement', way: 'Going' }) ?? Promise.resolve();
  }

  open(session: Session): void {
    this.#open.add(session);
  }

  isOpen(session: Session): boolean {
    return this.#open.has(session);
  }

  close(session: Session): void {
    this.#open.delete(session);
    for (const [number, holder] of this.#held) if (holder === session) this.#held.delete(number);
  }

  lock(session: Session, number: number): boolean {
    if (this.#held.has(number)) return false;
    this.#held.set(number, session);
    this.#heldSince.set(number, this.#scheduler.now());
    return true;
  }

  #notify(payload: string): void {
    for (const session of this.#open) {
      const { process } = session;
      if (session.listens) this.#scheduler.offer({ process, label: 'told', run: () => session.tell(payload) });
    }
  }
}

class Session implements SessionClient {
  readonly process: string;
  readonly #sessions: Sessions;
  readonly #onEnd: Break[] = [];
  readonly #onNotification: ((message: Readonly<{ payload?: string }>) => void)[] = [];
  listens = false;

  constructor(sessions: Sessions, process: string) {
    this.#sessions = sessions;
    this.process = process;
  }

  async connect(): Promise<void> {
    await this.#sessions.travel(this.process);
    this.#sessions.open(this);
  }

  async query<R extends Row>(text: string): Promise<{ rows: R[] }> {
    await this.#sessions.travel(this.process);
    if (!this.#sessions.isOpen(this)) throw failure('08006', 'the session is broken (simulated)');
    const [, number] = LOCK.exec(text) ?? [];
    if (number !== undefined) return { rows: [{ held: this.#sessions.lock(this, Number(number)) }] as unknown as R[] };
    if (text.startsWith('LISTEN ')) this.listens = true;
    else if (!text.startsWith('SET ')) throw new Error(`a simulated session does not know the statement: ${text}`);
    return { rows: [] };
  }

  on(event: 'error' | 'end' | 'notification', listener: (message: Readonly<{ payload?: string }>) => void): void {
    if (event === 'end') this.#onEnd.push(() => listener({}));
    else if (event === 'notification') this.#onNotification.push(listener);
  }

  end(): Promise<void> {
    this.#sessions.close(this);
    return Promise.resolve();
  }

  tell(payload: string): void {
    if (this.#sessions.isOpen(this)) for (const listener of this.#onNotification) listener({ payload });
  }

  tellEnd(): void {
    for (const listener of this.#onEnd) listener();
  }
}
