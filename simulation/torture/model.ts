/**
 * What the driver knows must hold: what was acknowledged, and what may have happened because a call was cut off before its
 * answer. Everything else that the servers show is a failure.
 */

/** A value that one writer at a time writes. */
export class Register {
  /** Undefined: nothing was ever acknowledged. */
  acknowledged: string | undefined;
  readonly #possible = new Set<string>();

  begin(value: string): void {
    this.#possible.add(value);
  }

  acknowledge(value: string): void {
    this.acknowledged = value;
    this.#possible.clear();
  }

  refuse(value: string): void {
    this.#possible.delete(value);
  }

  /** Sees what is there; a sentence when it must not be. From then on it must stay. */
  see(value: string | undefined): string | undefined {
    if (value === this.acknowledged) return undefined;
    if (value !== undefined && this.#possible.has(value)) {
      this.acknowledge(value);
      return undefined;
    }
    return `expected ${this.acknowledged ?? 'nothing'}${this.#possible.size > 0 ? ` or one of ${[...this.#possible].join(', ')}` : ''}, found ${value ?? 'nothing'}`;
  }
}

/** Things that must be there, each at least once, and nothing that was never sent. */
export class Bag {
  readonly acknowledged = new Set<string>();
  readonly possible = new Set<string>();

  begin(id: string): void {
    this.possible.add(id);
  }

  acknowledge(id: string): void {
    this.possible.delete(id);
    this.acknowledged.add(id);
  }

  refuse(id: string): void {
    this.possible.delete(id);
  }

  missingFrom(seen: ReadonlySet<string>): string[] {
    return [...this.acknowledged].filter((id) => !seen.has(id));
  }

  strangersIn(seen: ReadonlySet<string>): string[] {
    return [...seen].filter((id) => !this.acknowledged.has(id) && !this.possible.has(id));
  }
}

export class Count {
  acknowledged = 0;
  unknown = 0;

  says(found: number): string | undefined {
    const most = this.acknowledged + this.unknown;
    return found >= this.acknowledged && found <= most
      ? undefined
      : `expected ${this.acknowledged} to ${most}, found ${found}`;
  }
}

export class Model {
  readonly objects = new Map<string, Register>();
  readonly messages = new Bag();
  readonly events = new Bag();
  readonly metric = new Count();
  /** Executions whose start was acknowledged, with their pipeline. */
  readonly executions = new Map<string, string>();
  /** Starts per pipeline of which nobody knows. */
  readonly unknownStarts = new Map<string, number>();
  /** What was seen to have ended, and how. */
  readonly finals = new Map<string, string>();
  /** Approvals that were acknowledged: `execution/action`. */
  readonly approved = new Set<string>();
  /** Versions of functions, by function. */
  readonly versions = new Map<string, Set<string>>();

  register(key: string): Register {
    let register = this.objects.get(key);
    if (register === undefined) this.objects.set(key, (register = new Register()));
    return register;
  }

  /** A sentence when it was seen to end otherwise before. */
  seeFinal(id: string, status: string): string | undefined {
    const before = this.finals.get(id);
    this.finals.set(id, before ?? status);
    return before === undefined || before === status ? undefined : `${id} ended ${before} and is now ${status}`;
  }
}
