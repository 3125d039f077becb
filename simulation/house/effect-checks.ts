/**
 * Where several processes share the database, what is checked of who performs what (docs/adr/0013):
 *
 *   OnePerformer         an effect is begun by the process that holds it in the database in that moment, and by no other
 *   TakesFromTheGone     what is taken over belonged to nobody, or to one whose session was missed or whose lease had run out
 */
import type { House, ServiceDefinition } from '../../src/services/index.ts';
import type { MemoryDisk } from '../memory-store/index.ts';
import type { OutboxRow } from '../memory-store/rows.ts';
import type { Sessions } from './sessions.ts';
import { Violation } from './violation.ts';

/** Whoever has stood for so long had renewed what it held since its session was missed last. */
const SETTLED_MS = 30_000;

export type EffectChecksOptions = Readonly<{
  disk: MemoryDisk;
  sessions: Sessions;
  /** As the processes' clocks say. */
  wallNow: () => number;
  now: () => number;
  count: (what: string) => void;
  fail: (violation: Violation) => void;
}>;

export class EffectChecks {
  readonly #options: EffectChecksOptions;

  constructor(options: EffectChecksOptions) {
    this.#options = options;
    options.disk.watch((changes) => {
      for (const { table, before, after } of changes)
        if (table === 'outbox') this.#change(before as OutboxRow | undefined, after as OutboxRow | undefined);
    });
  }

  /** The services, with loops whose performers are watched. */
  watched(services: ReadonlyMap<string, ServiceDefinition>): ReadonlyMap<string, ServiceDefinition> {
    return new Map(
      [...services].map(([name, service]) => [
        name,
        service.loops === undefined
          ? service
          : {
              ...service,
              loops: (house: House) =>
                (service.loops?.(house) ?? []).map((loop) => ({
                  ...loop,
                  perform: (effect: never, context: { effectId: string }) => {
                    this.#begins(house, loop.kind, context.effectId);
                    return loop.perform(effect, context as never);
                  },
                })),
            },
      ]),
    );
  }

  #begins(house: House, kind: string, effectId: string): void {
    const row = this.#options.disk.outbox.cells.get(effectId)?.row;
    // Gone: its document was removed meanwhile.
    if (row === undefined || row.owner === house.members.self) return;
    this.#options.fail(
      new Violation(
        'OnePerformer',
        `${house.members.self} begins ${row.effect.slice(0, 120)} of ${kind} ${row.document_id} (${effectId}), which ${row.owner} holds`,
      ),
    );
  }

  #change(before: OutboxRow | undefined, after: OutboxRow | undefined): void {
    if (before === undefined || after === undefined || before.owner === after.owner) return;
    this.#options.count('effects taken over');
    if (before.owner === null) return;
    const number = Number(before.owner.slice(before.owner.lastIndexOf('-') + 1));
    const since = this.#options.sessions.standsSince(number);
    const leased = (before.lease_until ?? 0) >= this.#options.wallNow();
    if (!leased || since === undefined || this.#options.now() - since < SETTLED_MS) return;
    this.#options.fail(
      new Violation(
        'TakesFromTheGone',
        `${after.owner} took ${before.effect.slice(0, 120)} of ${before.kind} ${before.document_id} from ${before.owner}, which stands and has it leased`,
      ),
    );
  }
}
