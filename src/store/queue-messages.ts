/** Messages of queues: sent, received under a visibility time-out, deleted by receipt. */
import type { EpochMs, Json } from '../common/index.ts';
import type { Queryable } from './store.ts';

export type QueueMessage = Readonly<{
  id: string;
  messageId: string;
  body: string;
  attributes: Json;
  sender: string;
  sentAt: EpochMs;
  firstReceivedAt: EpochMs;
  receiveCount: number;
  receipt: string;
}>;

export type NewMessage = Readonly<{
  messageId: string;
  body: string;
  attributes: Json;
  sender: string;
  sentAt: EpochMs;
  visibleAt: EpochMs;
}>;

export async function sendMessages(q: Queryable, queue: string, messages: readonly NewMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await q.query(
    `INSERT INTO queue_messages (queue, message_id, body, attributes, sender, sent_at, visible_at)
     SELECT $1, m.message_id, m.body, m.attributes::jsonb, m.sender, m.sent_at, m.visible_at
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
       AS m(message_id, body, attributes, sender, sent_at, visible_at)`,
    [
      queue,
      messages.map((m) => m.messageId),
      messages.map((m) => m.body),
      messages.map((m) => JSON.stringify(m.attributes)),
      messages.map((m) => m.sender),
      messages.map((m) => m.sentAt),
      messages.map((m) => m.visibleAt),
    ],
  );
}

/** Takes up to `receipts.length` visible messages, oldest first, and hides them until `hiddenUntil`. Each gets a receipt. */
export async function receiveMessages(
  q: Queryable,
  queue: string,
  options: Readonly<{ now: EpochMs; hiddenUntil: EpochMs; oldestAt: EpochMs; receipts: readonly string[] }>,
): Promise<QueueMessage[]> {
  const rows = await q.query<{
    id: string;
    message_id: string;
    body: string;
    attributes: unknown;
    sender: string;
    sent_at: string | number;
    first_received_at: string | number;
    receive_count: number;
    receipt: string;
  }>(
    `WITH taken AS (
       SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
         SELECT id FROM queue_messages WHERE queue = $1 AND visible_at <= $2 AND sent_at >= $5 ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED) AS found
     )
     UPDATE queue_messages m SET visible_at = $3, receive_count = receive_count + 1,
       first_received_at = coalesce(first_received_at, $2), receipt = ($6::text[])[taken.n]
     FROM taken WHERE m.id = taken.id
     RETURNING m.id::text AS id, m.message_id, m.body, m.attributes, m.sender, m.sent_at, m.first_received_at, m.receive_count, m.receipt`,
    [queue, options.now, options.hiddenUntil, options.receipts.length, options.oldestAt, [...options.receipts]],
  );
  return rows
    .map((row) => ({
      id: row.id,
      messageId: row.message_id,
      body: row.body,
      attributes: row.attributes as Json,
      sender: row.sender,
      sentAt: Number(row.sent_at),
      firstReceivedAt: Number(row.first_received_at),
      receiveCount: Number(row.receive_count),
      receipt: row.receipt,
    }))
    .sort((a, b) => Number(a.id) - Number(b.id));
}

/** False when no message of the queue has this receipt any more. */
export async function deleteMessage(q: Queryable, queue: string, receipt: string): Promise<boolean> {
  return (
    (
      await q.query('DELETE FROM queue_messages WHERE queue = $1 AND receipt = $2 RETURNING 1 AS done', [
        queue,
        receipt,
      ])
    ).length > 0
  );
}

/** False when no message in flight has this receipt. */
export async function changeVisibility(
  q: Queryable,
  queue: string,
  receipt: string,
  now: EpochMs,
  visibleAt: EpochMs,
): Promise<boolean> {
  const rows = await q.query(
    'UPDATE queue_messages SET visible_at = $3 WHERE queue = $1 AND receipt = $2 AND visible_at > $4 RETURNING 1 AS done',
    [queue, receipt, visibleAt, now],
  );
  return rows.length > 0;
}

/** Moves messages received too often to another queue; returns how many. */
export async function moveDeadLetters(
  q: Queryable,
  queue: string,
  to: string,
  options: Readonly<{ now: EpochMs; maxReceiveCount: number }>,
): Promise<number> {
  const rows = await q.query(
    `UPDATE queue_messages SET queue = $2, receipt = NULL, visible_at = $3
     WHERE queue = $1 AND visible_at <= $3 AND receive_count >= $4 RETURNING 1 AS done`,
    [queue, to, options.now, options.maxReceiveCount],
  );
  return rows.length;
}

export async function deleteMessages(q: Queryable, queue: string, sentBefore?: EpochMs): Promise<void> {
  await q.query('DELETE FROM queue_messages WHERE queue = $1 AND ($2::bigint IS NULL OR sent_at < $2)', [
    queue,
    sentBefore ?? null,
  ]);
}

export async function countMessages(
  q: Queryable,
  queue: string,
  now: EpochMs,
): Promise<Readonly<{ visible: number; inFlight: number; delayed: number }>> {
  const rows = await q.query<{ visible: string; in_flight: string; delayed: string }>(
    `SELECT count(*) FILTER (WHERE visible_at <= $2)::text AS visible,
       count(*) FILTER (WHERE visible_at > $2 AND receive_count > 0)::text AS in_flight,
       count(*) FILTER (WHERE visible_at > $2 AND receive_count = 0)::text AS delayed
     FROM queue_messages WHERE queue = $1`,
    [queue, now],
  );
  return {
    visible: Number(rows[0]?.visible ?? 0),
    inFlight: Number(rows[0]?.in_flight ?? 0),
    delayed: Number(rows[0]?.delayed ?? 0),
  };
}
