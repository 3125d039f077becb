/**
 * The memory store of simulations against PostgreSQL: random sequences of what the repositories and the engine ask for have
 * the same answers on both. And the list of its statements against the house's: none is missing, none is stale.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, MemoryDisk } from '../../simulation/memory-store/index.ts';
import { knownTexts } from '../../simulation/memory-store/statements/index.ts';
import { collapse } from '../../simulation/memory-store/statement.ts';
import { withStatements } from '../../simulation/statements.ts';
import { openStore, type Queryable, type Row, type Store, type Tx } from '../../src/store/index.ts';
import { auditActs, documentActs, engineActs, logActs, metricActs, objectActs, queueActs } from './store-acts.ts';
import type { Act, World } from './store-acts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const texts = new Set<string>();
let server: Store;
let memory: Store;
let runs = 0;
/** The same runs each time, so that every statement comes up each time. */
const seed = Number(process.env['SLUICE_TEST_SEED'] ?? 4);

beforeAll(async () => {
  server = await openStore({
    kind: 'auto',
    ephemeral: true,
    migrationsDir: join(root, 'migrations'),
    wallNow: () => performance.timeOrigin + performance.now(),
  });
  memory = recorded(connect(new MemoryDisk()));
});

afterAll(() => server.close());

/** Notes the text of each statement. */
function recorded(store: Store): Store {
  const query =
    (q: Queryable) =>
    <R extends Row>(sql: string, parameters?: readonly unknown[]): Promise<R[]> => {
      texts.add(collapse(sql));
      return q.query<R>(sql, parameters);
    };
  return withStatements(store, query);
}

/** Printed by its name. */
function named(act: Act): Act {
  return Object.assign(act, { [fc.toStringMethod]: () => act[0] });
}

type Step = Readonly<{ acts: readonly Act[]; ending: 'Alone' | 'Commit' | 'Rollback' }>;

const stepsOf = (acts: fc.Arbitrary<Act>): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      acts: fc.array(acts.map(named), { minLength: 1, maxLength: 6 }),
      ending: fc.constantFrom('Alone', 'Commit', 'Rollback'),
    }),
    { minLength: 1, maxLength: 12 },
  );

/** Every answer in order; a failure is its name and code. */
async function play(store: Store, steps: readonly Step[], run: number): Promise<unknown[]> {
  const answers: unknown[] = [];
  const world: World = { run, effects: new Set() };
  const ask = async (act: Act, q: Queryable | Tx): Promise<void> => {
    const [name, ask] = act;
    answers.push([name, await ask(q as Tx, world)]);
  };
  for (const { acts, ending } of steps) {
    try {
      if (ending === 'Alone') for (const act of acts) await store.transaction((tx) => ask(act, tx));
      else
        await store.transaction(async (tx) => {
          for (const act of acts) await ask(act, tx);
          if (ending === 'Rollback') throw new Error('on purpose');
        });
    } catch (error) {
      const { name, code, message } = error as { name?: string; code?: string; message?: string };
      answers.push(code === undefined ? `${name}: ${message}` : `${name} ${code}`);
    }
  }
  return answers;
}

describe('the memory store', () => {
  it.each([
    ['documents and counters', documentActs],
    ['the engine', engineActs],
    ['objects', objectActs],
    ['the trail', auditActs],
    ['metrics', metricActs],
    ['log events', logActs],
    ['queue messages', queueActs],
  ])('answers as PostgreSQL does: %s', async (_name, acts) => {
    await fc.assert(
      fc.asyncProperty(stepsOf(acts), async (steps) => {
        runs += 1;
        const [expected, found] = await Promise.all([play(server, steps, runs), play(memory, steps, runs)]);
        expect(found).toEqual(expected);
      }),
      // What a failing run leaves behind would mislead the smaller ones.
      { numRuns: 16, endOnFailure: true, seed },
    );
  });

  it('knows every statement of the store and the engine, and no other', () => {
    const sent = [...texts];
    const unasked = statementsOf('src/store', 'src/engine').filter(({ form }) => !sent.some((text) => form.test(text)));
    // Sent over a session of its own to a server that several processes share, or by the opening of a server.
    expect(unasked.filter(({ path }) => !/membership|migrate|native\/|pglite\//.test(path))).toEqual([]);
    expect(knownTexts.filter((text) => !texts.has(text) && text !== 'SELECT 1')).toEqual([]);
  });
});

/** The texts in the sources that begin as a statement does; what is put into them may be anything. */
function statementsOf(...folders: readonly string[]): { path: string; text: string; form: RegExp }[] {
  const found: { path: string; text: string; form: RegExp }[] = [];
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const source = readFileSync(join(root, folder, name), 'utf8');
      for (const match of source.matchAll(/['`](?=(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH) )/g)) {
        const text = literalAt(source, match.index);
        const parts = collapse(text).split(PUT_IN);
        const form = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('.*');
        found.push({ path: join(folder, name), text, form: new RegExp(form) });
      }
    }
  }
  return found;
}

const PUT_IN = '\u0001';

/** The text between the quotes that open at `start`, with a mark for each expression in it. */
function literalAt(source: string, start: number): string {
  const quote = source[start];
  let text = '';
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === quote) return text;
    if (quote === '`' && source.startsWith('${', at)) {
      let depth = 1;
      for (at += 2; depth > 0; at++) {
        if (source[at] === '{') depth += 1;
        if (source[at] === '}') depth -= 1;
      }
      at -= 1;
      text += PUT_IN;
    } else text += source[at];
  }
  return text;
}
