/**
 * The effects that this process performs, each in its lane: one lane's one after the other, different lanes side by side.
 *
 *   put ─▶ performed ─▶ the next
 *              └─ put off ─▶ the lane sleeps ── its time comes, or something is put behind it ─▶ performed
 *
 * Behind an effect that is put off its lane waits, so that the order holds (docs/adr/0003).
 */
import type { Clock, EpochMs } from '../common/index.ts';
import { laneName } from './turns.ts';
import type { Waiting } from './waiting.ts';

type Lane = {
  /** The next one first. */
  readonly waiting: Waiting[];
  /** Something has come behind an effect that was put off: that one is tried once more now. */
  prompted: boolean;
  /** Set while the lane sleeps behind an effect that was put off. */
  wake: (() => void) | undefined;
};

export type LanesOptions = Readonly<{
  clock: Clock;
  /** Resolves to what is to be tried again, if it is. Never rejects. */
  perform: (first: Waiting) => Promise<Waiting | undefined>;
  /** It was performed, or given up. */
  done: (effect: Waiting) => void;
  /** A lane runs, and rests: asleep, or empty. */
  runs: () => void;
  rests: () => void;
  /** An effect has come to a lane that has others. */
  joined: () => void;
}>;

export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that sleep, each with the instant at which it goes on. */
  readonly #sleeping = new Map<string, EpochMs>();
  #stopped = false;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Those that sleep go on no more. */
  stop(): void {
    this.#stopped = true;
  }

  /** When the first of those that sleep goes on. */
  nextDueAt(): EpochMs | undefined {
    return this.#sleeping.size === 0 ? undefined : Math.min(...this.#sleeping.values());
  }

  put(effect: Waiting): void {
    const { kind, key, effect: what } = effect.saved;
    const name = laneName(kind, key, what);
    const lane = this.#lanes.get(name);
    if (lane === undefined) {
      const fresh: Lane = { waiting: [effect], prompted: false, wake: undefined };
      this.#lanes.set(name, fresh);
      void this.#run(name, fresh);
      return;
    }
    this.#options.joined();
    const { waiting } = lane;
    // What a commit saved whose answer was lost comes late: behind the first, which may be at work, they stand as saved.
    let at = waiting.length;
    while (at > 1 && Number(waiting[at - 1]?.saved.id) > Number(effect.saved.id)) at -= 1;
    waiting.splice(at, 0, effect);
    // Without the one that was put off, this one would be performed now: so that one is tried instead.
    if ((waiting[0]?.saved.attempts ?? 0) > 0) {
      lane.prompted = true;
      lane.wake?.();
    }
  }

  async #run(name: string, lane: Lane): Promise<void> {
    const { clock, perform, done, runs, rests } = this.#options;
    const { waiting } = lane;
    runs();
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      if (first.dueAt > clock.now() && !lane.prompted) {
        this.#sleep(name, lane, first.dueAt);
        break;
      }
      lane.prompted = false;
      const again = await perform(first);
      if (again !== undefined) {
        waiting[0] = again;
        continue;
      }
      done(first);
      waiting.shift();
    }
    if (waiting.length === 0) this.#lanes.delete(name);
    rests();
  }

  #sleep(name: string, lane: Lane, until: EpochMs): void {
    const wake = (): void => {
      if (lane.wake !== wake || this.#stopped) return;
      lane.wake = undefined;
      this.#sleeping.delete(name);
      cancel();
      void this.#run(name, lane);
    };
    lane.wake = wake;
    this.#sleeping.set(name, until);
    const cancel = this.#options.clock.onReach(until, wake);
  }
}
