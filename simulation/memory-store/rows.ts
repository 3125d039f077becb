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
  effects: string | null;
  effects_fingerprint: number | null;
}>;

/** The first columns of a key, as one text. No column of a key holds a line feed but an id, which comes last. */
export function keyText(kind: string, account: string, region: string, id: string): string {
  return `${kind}\n${account}\n${region}\n${id}`;
}

export type ObjectRow = Readonly<{
  bucket: string;
  key: string;
  version_id: string;
  sequence: number;
  is_latest: boolean;
  delete_marker: boolean;
  bytes: number;
  etag: string;
  modified_at: number;
  facts: string;
  segments: string;
}>;

export type AuditRow = Readonly<{
  id: number;
  at: number;
  account: string;
  region: string;
  request_id: string;
  service: string;
  operation: string;
  principal: string;
  error_code: string | null;
  record: string;
  management: boolean;
  recipient: string | null;
}>;

export type MetricSeriesRow = Readonly<{
  id: number;
  identity: string;
  account: string;
  region: string;
  namespace: string;
  name: string;
  dimensions: string;
  last_at: number;
}>;

export type MetricPointRow = Readonly<{
  series_id: number;
  at: number;
  unit: string;
  resolution: number;
  chunk: number;
  samples: number;
  sum: number;
  minimum: number;
  maximum: number;
  values: readonly number[];
  counts: readonly number[];
}>;

export type LogEventRow = Readonly<{
  id: number;
  log_group: string;
  stream: string;
  at: number;
  ingested_at: number;
  message: string;
}>;

export type QueueMessageRow = Readonly<{
  id: number;
  queue: string;
  message_id: string;
  body: string;
  attributes: string;
  system: string;
  sender: string;
  sent_at: number;
  visible_at: number;
  first_received_at: number | null;
  receive_count: number;
  receipt: string | null;
}>;
