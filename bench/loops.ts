/** The engine alone, durable, on the embedded database: transitions a second, before and after 100 000 finished executions. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineLoop, LoopEngine } from '../src/engine/index.ts';
import { openStateFolder, openStore, type Store } from '../src/store/index.ts';
import { compileOptions } from '../src/app/config.ts';
import { RunningClock } from '../src/app/clocks.ts';
import { wallNow, wallTimer } from '../src/app/system.ts';
import { quantile, type Row } from './measure.ts';

type State = Readonly<{ left: number }>;
type Event = Readonly<{ type: 'Done' } | { type: 'TimerFired'; timer: string }>;
type Effect = Readonly<{ type: 'Step' }>;

const LOOPS = 500;
const STEPS = 40;
const FINISHED = 100_000;

export async function benchLoops(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const state = await openStateFolder(join(folder, 'state'));
  const { packageDir } = compileOptions({ port: 0 }, {});
  const store = await openStore({
    kind: 'auto',
    stateDir: state.path,
    migrationsDir: join(packageDir, 'migrations'),
    wallNow,
  });
  try {
    await run(store, 'bench.warm');
    const empty = await median(store, 'bench.empty');
    await fill(store);
    const full = await median(store, 'bench.full');
    return [
      { name: 'durable loop transitions', unit: '1/s', value: empty, target: '≥ 5000', note: store.kind },
      {
        name: `the same with ${FINISHED} finished executions stored`,
        unit: '1/s',
        value: full,
        target: 'within 20 %',
        note: `${((100 * full) / empty).toFixed(0)} % of the empty store's`,
      },
    ];
  } finally {
    await store.close();
    await state.release();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The median of three runs. */
async function median(store: Store, kind: string): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round < 3; round++) rates.push(await run(store, `${kind}-${round}`));
  return quantile(rates, 0.5);
}

/** Each loop performs an effect a step and saves its result: transitions a second over all of them. */
async function run(store: Store, kind: string): Promise<number> {
  const clock = new RunningClock({ wallNow });
  const engine = new LoopEngine({
    store,
    clock,
    wallNow,
    wallTimer,
    owner: kind,
    alone: true,
    onError: (message, error) => process.stderr.write(`${message}: ${String(error)}\n`),
  });
  engine.register(
    defineLoop<State, Event, Effect>({
      kind,
      decide: (current, event) => {
        if (current.left === 0 || event.type !== 'Done') return { state: current, effects: [] };
        const left = current.left - 1;
        return { state: { left }, effects: left === 0 ? [] : [{ type: 'Step' }] };
      },
      isFinal: ({ left }) => left === 0,
      perform: async () => ({ type: 'Done' }),
    }),
  );
  await engine.start();
  await store.transaction(async (tx) => {
    for (let i = 0; i < LOOPS; i++) {
      await engine.create<State>(tx, kind, { account: 'bench', region: 'r', id: String(i) }, { left: STEPS }, [
        { type: 'Step' },
      ]);
    }
  });
  const createdAt = performance.now();
  await engine.settled();
  const seconds = (performance.now() - createdAt) / 1000;
  await engine.stop();
  clock.close();
  return (LOOPS * STEPS) / seconds;
}

/** Finished executions with twenty lines of history each, as a pipeline of five stages leaves them. */
async function fill(store: Store): Promise<void> {
  await store.query(
    `INSERT INTO documents (kind, account, region, id, parent, sort, version, document)
     SELECT 'bench.full-' || (n % 3), 'old', 'r', n::text, 'pipeline', lpad(n::text, 15, '0'), 40, '{"left":0}' FROM generate_series(1, $1::int) AS n`,
    [FINISHED],
  );
  await store.query(
    `INSERT INTO history (kind, account, region, document_id, version, at, event)
     SELECT 'bench.full-' || (n % 3), 'old', 'r', n::text, v, 0, '{"type":"Done"}' FROM generate_series(1, $1::int) AS n, generate_series(1, 20) AS v`,
    [FINISHED],
  );
  await store.query('ANALYZE documents');
  await store.query('ANALYZE history');
  // What filling left to be written is not the loops' doing.
  await store.query('CHECKPOINT');
}
