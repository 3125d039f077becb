/**
 * What this process holds of the effects that wait in the database, and how several processes share them (docs/adr/0013).
 *
 * - A lane has one performer: an effect saved by one process into a lane that another performs is handed to that one.
 * - Where a membership says who stands (a store by URL), what a process held that is gone is taken over within seconds.
 *   Leases by time stand behind it, for a process that stands and does nothing.
 * - Before each effect a process makes sure that it still holds it: one that was taken for gone, or that did not come to
 *   renew its leases in time, asks first, and leaves alone what others took. What became ours while we renewed may have
 *   been taken before we knew that it was ours: it is asked for once more.
 */
import type { Clock } from '../common/index.ts';
import type { Membership, Store, Tx } from '../store/index.ts';
import type { Handed, Lease } from './turns.ts';
import {
  claimAllEffects,
  effectHolders,
  heldEffects,
  type IsFree,
  nextTimerAt,
  renewLeases,
  takeOverEffects,
  type Waiting,
} from './waiting.ts';

export type SharingOptions = Readonly<{
  store: Store;
  clock: Clock;
  wallNow: () => number;
  wallTimer: (callback: () => void, delayMs: number) => () => void;
  owner: string;
  alone: boolean;
  members?: Membership;
  onError: (message: string, error: unknown) => void;
  /** An effect is ours now. `resumed`: somebody may have performed it before. */
  adopt: (waiting: Waiting, resumed: boolean) => void;
  /** Timers are due that nobody fired. */
  scan: () => void;
}>;

export const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
const BEAT_MS = 500;
/** Ids in one message: it must stay far below PostgreSQL's 8,000 bytes. */
const IDS_PER_MESSAGE = 200;
const MESSAGE = /^effects (\S+) ([\d,]+)$/;

export class Sharing {
  readonly #options: SharingOptions;
  readonly #held = new Set<string>();
  /** Held by us in memory, and by another in the database. */
  readonly #lost = new Set<string>();
  /** Ours in the database and not known here at the last look: at the second look they are taken in. */
  #strangers = new Set<string>();
  /** Held, and not looked for by the last renewal: it became ours before that began, and we learned of it afterwards. */
  readonly #unsure = new Set<string>();
  /** How many renewals have begun. */
  #renewals = 0;
  #leaseUntil = 0;
  /** The session in which the leases were renewed last. */
  #renewedIn: number | undefined;
  /** Something may have committed of which nobody here was told: the database broke off during a commit. */
  #mayHaveMissed = false;
  #overdueSince = Number.NEGATIVE_INFINITY;
  #cancelTimers: (() => void)[] = [];
  #regaining: Promise<void> | undefined;
  #stopped = false;

  constructor(options: SharingOptions) {
    this.#options = options;
    const { members } = options;
    members?.onMessage((message) => {
      const [, owner, ids = ''] = MESSAGE.exec(message) ?? [];
      if (owner === options.owner && !this.#stopped)
        void this.#try('effects handed over could not be read', this.#takeIn(ids.split(',')));
    });
  }

  lease(): Lease {
    const { owner, alone, wallNow } = this.#options;
    return { owner, until: wallNow() + LEASE_MS, shared: !alone, renewal: this.#renewals };
  }

  /** Resumes what is ours to resume. */
  async start(): Promise<void> {
    const { store, alone, adopt } = this.#options;
    if (alone) {
      for (const waiting of await claimAllEffects(store, this.lease())) adopt(waiting, true);
    } else {
      // Saved by the start of services, when nothing was performed yet.
      for (const waiting of await this.#renew()) adopt(waiting, false);
      await this.#takeOver();
    }
    this.#repeat(RENEW_MS, 'leases could not be renewed', () => this.#onRenewal());
    if (this.#options.members !== undefined)
      this.#repeat(BEAT_MS, 'what others left could not be looked for', () => this.#beat());
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancelTimers.splice(0)) cancel();
  }

  /** False when it is held already. `renewal`: of the lease under which it became ours. */
  hold(id: string, renewal = 0): boolean {
    if (this.#held.has(id)) return false;
    this.#held.add(id);
    if (renewal < this.#renewals) this.#unsure.add(id);
    return true;
  }

  release(id: string): void {
    this.#held.delete(id);
    this.#lost.delete(id);
    this.#unsure.delete(id);
  }

  /** Whether an effect that is held may be performed now; a promise where the database must be asked. */
  mayPerform(id: string): boolean | Promise<boolean> {
    const { alone, members, wallNow } = this.#options;
    if (alone) return true;
    const leased = wallNow() < this.#leaseUntil && members?.session() === this.#renewedIn;
    return leased && !this.#unsure.has(id) ? !this.#lost.has(id) : this.#mayAfterRenewal(id);
  }

  /** A renewal that is under way may have begun too early to look for it. */
  async #mayAfterRenewal(id: string): Promise<boolean> {
    do await this.#regain();
    while (this.#unsure.has(id));
    return !this.#lost.has(id);
  }

  /** A transaction ended and it is not known that it committed: what it may have saved is looked for. */
  endedUnknown(): void {
    this.#mayHaveMissed = true;
  }

  /** Within the transaction that saves them. */
  async tell(tx: Tx, handed: Handed): Promise<void> {
    const { members } = this.#options;
    if (members === undefined) return;
    for (const [owner, ids] of handed) {
      for (let at = 0; at < ids.length; at += IDS_PER_MESSAGE)
        await members.tell(tx, `effects ${owner} ${ids.slice(at, at + IDS_PER_MESSAGE).join(',')}`);
    }
  }

  /** Until we stand again and know what of ours is still ours. */
  #regain(): Promise<void> {
    this.#regaining ??= (async () => {
      for (;;) {
        const { members } = this.#options;
        await members?.standingAgain();
        await this.#renew();
        if (members?.session() === this.#renewedIn) return;
      }
    })().finally(() => (this.#regaining = undefined));
    return this.#regaining;
  }

  /** Returns what is ours in the database and not held here. */
  async #renew(): Promise<Waiting[]> {
    this.#renewals += 1;
    const before = new Set(this.#held);
    const lease = this.lease();
    const session = this.#options.members?.session();
    const ours = await renewLeases(this.#options.store, lease);
    this.#leaseUntil = lease.until;
    this.#renewedIn = session;
    const owned = new Set(ours.map(({ saved }) => saved.id));
    for (const id of before) {
      this.#unsure.delete(id);
      if (!owned.has(id) && this.#held.has(id)) this.#lost.add(id);
    }
    return ours
      .filter(({ saved }) => !before.has(saved.id) && !this.#held.has(saved.id))
      .map((waiting) => underLease(waiting, lease));
  }

  async #onRenewal(): Promise<void> {
    const { alone, adopt, scan } = this.#options;
    if (alone && !this.#mayHaveMissed) return;
    this.#mayHaveMissed = false;
    const strange = await this.#renew().catch((error: unknown) => {
      this.#mayHaveMissed = true;
      throw error;
    });
    // What a commit saved whose answer has not come yet looks strange too, but not twice.
    for (const waiting of strange) if (this.#strangers.has(waiting.saved.id)) adopt(waiting, true);
    this.#strangers = new Set(strange.map(({ saved }) => saved.id));
    if (strange.length > 0) this.#mayHaveMissed = true;
    if (!alone) await this.#takeOver();
    scan();
  }

  async #beat(): Promise<void> {
    const { members, store, clock, scan } = this.#options;
    if (members?.session() !== this.#renewedIn) await this.#regain();
    await this.#takeOver();
    // Whoever sets a timer fires it; what was due at the last look already, its process cannot fire any more.
    const dueAt = await nextTimerAt(store);
    if (dueAt !== undefined && dueAt <= this.#overdueSince) scan();
    this.#overdueSince = clock.now();
  }

  /** The effects of processes that are gone, and those whose lease ran out. */
  async #takeOver(): Promise<void> {
    const { store, members, owner, wallNow, adopt } = this.#options;
    const holders = await effectHolders(store);
    if (holders.every((holder) => holder.owner === owner)) return;
    // Asked after the holders were read: one that stands and holds effects is among them.
    const standing = await members?.standing();
    const known = new Set(holders.map((holder) => holder.owner));
    const now = wallNow();
    const isFree: IsFree = (holder, leaseUntil) =>
      holder === null || leaseUntil < now || (standing !== undefined && known.has(holder) && !standing.has(holder));
    if (!holders.some((holder) => holder.owner !== owner && isFree(holder.owner, holder.leaseUntil))) return;
    const lease = this.lease();
    const { taken } = await store.transaction(async (tx) => {
      const outcome = await takeOverEffects(tx, lease, isFree);
      await this.tell(tx, outcome.handed);
      return outcome;
    });
    for (const waiting of taken) adopt(underLease(waiting, lease), true);
  }

  async #takeIn(ids: readonly string[]): Promise<void> {
    const lease = this.lease();
    for (const waiting of await heldEffects(this.#options.store, lease.owner, ids))
      this.#options.adopt(underLease(waiting, lease), false);
  }

  #repeat(everyMs: number, failure: string, work: () => Promise<void>): void {
    if (this.#stopped) return;
    const cancel = this.#options.wallTimer(() => {
      this.#cancelTimers = this.#cancelTimers.filter((other) => other !== cancel);
      void this.#try(failure, work()).finally(() => this.#repeat(everyMs, failure, work));
    }, everyMs);
    this.#cancelTimers.push(cancel);
  }

  #try(failure: string, work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => {
      if (!this.#stopped) this.#options.onError(failure, error);
    });
  }
}

function underLease({ saved, dueAt }: Waiting, { renewal = 0 }: Lease): Waiting {
  return { saved: { ...saved, renewal }, dueAt };
}
