/** The rows of the tables (migrations/schema.sql), with `jsonb` columns as their text. */

export type DocumentRow = Readonly<{
  kind: string;
  account: string;
  region: string;
  id: string;
  parent: string;
  sort: string;
  version: number;
  document: string;
}>;

export type CounterRow = Readonly<{ name: string; value: number }>;

export type OutboxRow = Readonly<{
  id: number;
  kind: string;
  account: string;
  region: string;
  document_id: string;
  effect: string;
  attempts: number;
  due_at: number;
  owner: string | null;
  lease_until: number | null;
}>;

export type TimerRow = Readonly<{
  kind: string;
  account: string;
  region: string;
  document_id: string;
  name: string;
  due_at: number;
  wake_key: string | null;
}>;

export type HistoryRow = Readonly<{
  kind: string;
  account: string;
  region: string;
  document_id: string;
  version: number;
  at: number;
  event: string;
  state: string | null;
  fingerprint: number | null;
}>;

/** The first columns of a key, as one text. No column of a key holds a line feed but an id, which comes last. */
export function keyText(kind: string, account: string, region: string, id: string): string {
  return `${kind}\n${account}\n${region}\n${id}`;
}
