/**
 * The house's clock at start. Simulated time never goes back, not even over a `kill -9`: what is written down of a scaled
 * clock is always a little ahead of it. Processes that share a database share a scaled clock too: the first one's anchor
 * (this instant of the machine is that instant of the house) is everybody's. A clock that is stepped, by hand or by
 * itself, moves in one process alone, so such a process has its database to itself (docs/adr/0006, 0013).
 */
import { type Clock, type EpochMs, ManualClock } from '../common/index.ts';
import { collection, type ProcessRecord, type Queryable, type Store } from '../store/index.ts';
import { type ClockMode, formatClockMode, RunningClock } from './clocks.ts';
import { OptionError } from './config.ts';

type Anchor = Readonly<{ wallAt: number; at: EpochMs }>;
type ClockRecord = Readonly<{ now: EpochMs; anchor?: Anchor }>;
const clockRecords = collection<ClockRecord>('house.clock');
const CLOCK_KEY = { account: '', region: '', id: 'clock' };

const SAVE_EVERY_MS = 500;
/** How far ahead of a scaled clock its record is, in the machine's time. */
const AHEAD_MS = 2_000;

export type OpenClock = Readonly<{ clock: Clock; anchor: Anchor | undefined }>;

export type ClockSetting = Readonly<{ mode: ClockMode; startAt: EpochMs | undefined; wallNow: () => number }>;

/** Throws `OptionError` where a process of `others` runs by a clock that this one cannot share. */
export async function openClock(
  { mode, startAt, wallNow }: ClockSetting,
  q: Queryable,
  others: readonly ProcessRecord[],
): Promise<OpenClock> {
  checkShared(mode, others);
  if (mode.kind === 'real') return { clock: new RunningClock({ wallNow }), anchor: undefined };
  const saved = (await clockRecords.get(q, CLOCK_KEY))?.document;
  const at = Math.max(saved?.now ?? 0, startAt ?? (saved === undefined ? wallNow() : 0));
  if (mode.kind !== 'scaled') {
    await writeClock(q, at);
    return { clock: new ManualClock(at), anchor: undefined };
  }
  const theirs = others.length > 0 ? saved?.anchor : undefined;
  const anchor = theirs ?? { wallAt: wallNow(), at };
  const clock = new RunningClock({ wallNow, factor: mode.factor, startAt: anchor.at, wallOrigin: anchor.wallAt });
  if (theirs === undefined) await clockRecords.put(q, CLOCK_KEY, { now: at + AHEAD_MS * mode.factor, anchor });
  return { clock, anchor };
}

export async function writeClock(q: Queryable, now: EpochMs): Promise<void> {
  await clockRecords.put(q, CLOCK_KEY, { now });
}

/** Writes a scaled clock down as it runs; returns what ends that. `isLast`: nobody else goes on with it. */
export function keepScaledClock(
  store: Store,
  { clock, anchor }: OpenClock,
  factor: number,
  wallTimer: (callback: () => void, delayMs: number) => () => void,
  isLast: () => Promise<boolean>,
): () => Promise<void> {
  let cancel = (): void => {};
  let saving: Promise<void> = Promise.resolve();
  let live = true;
  const save = (aheadMs: number): Promise<void> =>
    clockRecords.put(store, CLOCK_KEY, { now: clock.now() + aheadMs * factor, ...(anchor && { anchor }) });
  const later = (): void => {
    cancel = wallTimer(() => {
      saving = save(AHEAD_MS)
        .catch(() => {}) // The database is away; the next time will do.
        .finally(() => {
          if (live) later();
        });
    }, SAVE_EVERY_MS);
  };
  later();
  return async () => {
    live = false;
    cancel();
    await saving;
    if (await isLast().catch(() => false)) await save(0).catch(() => {});
  };
}

function checkShared(mode: ClockMode, others: readonly ProcessRecord[]): void {
  const [other] = others;
  if (other === undefined) return;
  const mine = formatClockMode(mode);
  const them = `another Sluice (process ${other.pid} on ${other.host})`;
  if (other.clock !== mine)
    throw new OptionError(
      `--clock ${mine}: ${them} uses this database with the clock ${other.clock}; all of them need the same.`,
    );
  if (mode.kind === 'manual' || mode.kind === 'auto')
    throw new OptionError(
      `--clock ${mine}: ${them} uses this database. A clock that is stepped serves one process alone; several share a real or a scaled one (--clock real, --clock x60).`,
    );
}
