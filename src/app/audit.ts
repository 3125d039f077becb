/**
 * The audit trail's writer: records gather for a few milliseconds and are written together, off the caller's path.
 * At shutdown the rest is written. A SIGKILL may lose the records of the last moments, never an acknowledged change:
 * those are committed before the answer.
 */
import { type Json, storableJson } from '../common/index.ts';
import { type AuditRecord, appendAudit, type Store } from '../store/index.ts';

const GATHER_MS = 50;

/** Calls back after real milliseconds; returns a cancel function. */
type WallTimer = (callback: () => void, delayMs: number) => () => void;

/** As JSON writes U+0000 and surrogates without their pair: rare, and looking for them in the text is cheap. */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/;

export class AuditTrail {
  readonly #store: Store;
  readonly #wallTimer: WallTimer;
  readonly #onError: (error: unknown) => void;
  #waiting: (AuditRecord | (() => AuditRecord))[] = [];
  #writing: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;

  constructor(store: Store, wallTimer: WallTimer, onError: (error: unknown) => void) {
    this.#store = store;
    this.#wallTimer = wallTimer;
    this.#onError = onError;
  }

  /** A function is asked when the record is written. */
  add(record: AuditRecord | (() => AuditRecord)): void {
    this.#waiting.push(record);
    this.#cancelTimer ??= this.#wallTimer(() => void this.flush(), GATHER_MS);
  }

  flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const records = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#writing
      .then(() =>
        appendAudit(
          this.#store,
          records.flatMap((record) => this.#storable(record)),
        ),
      )
      .catch(this.#onError);
    return this.#writing;
  }

  /** A call is recorded whatever its caller put into a name; one record that cannot be made would take its batch along. */
  #storable(record: AuditRecord | (() => AuditRecord)): readonly AuditRecord[] {
    try {
      const made = typeof record === 'function' ? record() : record;
      return [UNSTORABLE.test(JSON.stringify(made)) ? (storableJson(made as Json) as unknown as AuditRecord) : made];
    } catch (error) {
      this.#onError(error);
      return [];
    }
  }
}
