/**
 * Who holds what: rows and advisory keys, exclusively or shared, until the transaction ends. A request that must wait
 * stands in a queue; the lock is handed to the first in it. A wait that would close a circle is a deadlock and fails.
 */

/** One that holds locks and waits for at most one. */
export interface Holder {
  readonly held: string[];
  waitsFor: string | undefined;
}

export type LockMode = 'Exclusive' | 'Shared';

type Waiter = { holder: Holder; mode: LockMode; granted(): void };
type Lock = { mode: LockMode; holders: Holder[]; waiters: Waiter[] };

export class Locks {
  readonly #locks = new Map<string, Lock>();

  /** True when the lock is held (from now on, or already) by `holder`. */
  take(key: string, holder: Holder, mode: LockMode = 'Exclusive'): boolean {
    const lock = this.#locks.get(key);
    if (lock === undefined) {
      this.#locks.set(key, { mode, holders: [holder], waiters: [] });
      holder.held.push(key);
      return true;
    }
    if (lock.holders.includes(holder)) {
      if (mode === 'Shared' || lock.mode === 'Exclusive') return true;
      if (lock.holders.length > 1) return false;
      lock.mode = 'Exclusive';
      return true;
    }
    if (mode !== 'Shared' || lock.mode !== 'Shared') return false;
    lock.holders.push(holder);
    holder.held.push(key);
    return true;
  }

  isFree(key: string, holder: Holder): boolean {
    const lock = this.#locks.get(key);
    return lock === undefined || lock.holders.includes(holder);
  }

  /** After `take` said no. Resolves when the lock is `holder`'s; undefined: waiting would be a deadlock. */
  wait(key: string, holder: Holder, mode: LockMode = 'Exclusive'): Promise<void> | undefined {
    const lock = this.#locks.get(key);
    if (lock === undefined) throw new Error(`nobody holds ${key}`);
    if (this.#waitsOn(lock, holder, new Set())) return undefined;
    holder.waitsFor = key;
    return new Promise((granted) => {
      lock.waiters.push({ holder, mode, granted });
    });
  }

  /** The holder's transaction has ended: its locks go to who waits for them, and it waits for nothing any more. */
  release(holder: Holder): void {
    const waited = holder.waitsFor === undefined ? undefined : this.#locks.get(holder.waitsFor);
    if (waited !== undefined) {
      waited.waiters = waited.waiters.filter((waiter) => waiter.holder !== holder);
      holder.waitsFor = undefined;
    }
    const { held } = holder;
    for (let index = 0; index < held.length; index++) {
      const key = held[index] as string;
      const lock = this.#locks.get(key);
      if (lock === undefined) continue;
      if (lock.holders.length === 1 && lock.waiters.length === 0) {
        this.#locks.delete(key);
        continue;
      }
      lock.holders = lock.holders.filter((other) => other !== holder);
      this.#grant(key, lock);
    }
    held.length = 0;
  }

  /** Nobody holds or waits for anything: what a simulation asserts at its end. */
  get areFree(): boolean {
    return this.#locks.size === 0;
  }

  #grant(key: string, lock: Lock): void {
    for (let next = lock.waiters[0]; next !== undefined; next = lock.waiters[0]) {
      const alone = lock.holders.every((other) => other === next?.holder);
      if (!alone && (next.mode !== 'Shared' || lock.mode !== 'Shared')) return;
      lock.waiters.shift();
      if (alone) lock.mode = next.mode;
      if (!lock.holders.includes(next.holder)) {
        lock.holders.push(next.holder);
        next.holder.held.push(key);
      }
      next.holder.waitsFor = undefined;
      next.granted();
    }
    if (lock.holders.length === 0) this.#locks.delete(key);
  }

  /** Whether a holder of the lock waits, over any number of others, for one that `holder` has. */
  #waitsOn(lock: Lock, holder: Holder, seen: Set<Holder>): boolean {
    for (const other of lock.holders) {
      if (other === holder) {
        // One of several sharers that wants the lock alone waits for the others, not for itself.
        if (seen.size > 0) return true;
        continue;
      }
      if (seen.has(other)) continue;
      seen.add(other);
      const next = other.waitsFor === undefined ? undefined : this.#locks.get(other.waitsFor);
      if (next !== undefined && this.#waitsOn(next, holder, seen)) return true;
    }
    return false;
  }
}
