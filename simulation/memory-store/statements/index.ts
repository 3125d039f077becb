/** Every statement that the memory store knows, found by its text. */
import { collapse, type Statement, type StatementTable } from '../statement.ts';
import { audit } from './audit.ts';
import { documents } from './documents.ts';
import { engine } from './engine.ts';
import { logEvents } from './log-events.ts';
import { metrics } from './metrics.ts';
import { objects } from './objects.ts';
import { queueMessages } from './queue-messages.ts';

const TABLES: readonly StatementTable[] = [documents, engine, objects, audit, metrics, logEvents, queueMessages];

/** What every kind of server answers, whatever the tables. */
const OF_THE_SERVER: Readonly<Record<string, Statement>> = {
  'SELECT 1': () => [{ '?column?': 1 }],
};

const byText = new Map<string, Statement>();
for (const texts of [OF_THE_SERVER, ...TABLES.map((table) => table.texts)]) {
  for (const [sql, statement] of Object.entries(texts)) {
    const known = byText.get(collapse(sql));
    if (known !== undefined && known !== statement) throw new Error(`two statements have the text: ${collapse(sql)}`);
    byText.set(collapse(sql), statement);
  }
}
const shapes = TABLES.flatMap((table) => table.shapes ?? []);

/** Every text that is known whole, white space collapsed. */
export const knownTexts: readonly string[] = [...byText.keys()];

/** By the text as it was sent, so that a statement is looked up once and not for each call. */
const bySent = new Map<string, Statement>();

/** Undefined: no such statement. */
export function findStatement(sent: string): Statement | undefined {
  const found = bySent.get(sent);
  if (found !== undefined) return found;
  const sql = collapse(sent);
  let statement = byText.get(sql);
  for (let n = 0; statement === undefined && n < shapes.length; n++) statement = shapes[n]?.(sql);
  if (statement !== undefined) bySent.set(sent, statement);
  return statement;
}
