/** Messages of queues: sent, received under a visibility time-out, deleted by receipt. */
import type { EpochMs, Json } from '../common/index.ts';
import type { Queryable } from './store.ts';

/** System attributes by AWS's names: what the sender gave, and where a dead letter came from. */
export type SystemAttributes = Readonly<Record<string, string>>;

export type QueueMessage = Readonly<{
  id: string;
  messageId: string;
  body: string;
  attributes: Json;
  system: SystemAttributes;
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
  system: SystemAttributes;
  sender: string;
  sentAt: EpochMs;
  visibleAt: EpochMs;
}>;

export async function sendMessages(q: Queryable, queue: string, messages: readonly NewMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await q.query(
    `INSERT INTO queue_messages (queue, message_id, body, attributes, sender, sent_at, visible_at, system)
     SELECT $1, m.message_id, m.body, m.attributes::jsonb, m.sender, m.sent_at, m.visible_at, m.system::jsonb
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[])
       AS m(message_id, body, attributes, sender, sent_at, visible_at, system)`,
    [
      queue,
      messages.map((m) => m.messageId),
      messages.map((m) => m.body),
      messages.map((m) => JSON.stringify(m.attributes)),
      messages.map((m) => m.sender),
      messages.map((m) => m.sentAt),
      messages.map((m) => m.visibleAt),
      messages.map((m) => JSON.stringify(m.system)),
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
    system: unknown;
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
     RETURNING m.id::text AS id, m.message_id, m.body, m.attributes, m.system, m.sender, m.sent_at, m.first_received_at, m.receive_count, m.receipt`,
    [queue, options.now, options.hiddenUntil, options.receipts.length, options.oldestAt, [...options.receipts]],
  );
  return rows
    .map((row) => ({
      id: row.id,
      messageId: row.message_id,
      body: row.body,
      attributes: row.attributes as Json,
      system: row.system as SystemAttributes,
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
  options: Readonly<{ now: EpochMs; maxReceiveCount: number; sourceArn: string }>,
): Promise<number> {
  const rows = await q.query(
    `UPDATE queue_messages SET queue = $2, receipt = NULL, visible_at = $3,
       system = system || jsonb_build_object('DeadLetterQueueSourceArn', $5::text)
     WHERE queue = $1 AND visible_at <= $3 AND receive_count >= $4 RETURNING 1 AS done`,
    [queue, to, options.now, options.maxReceiveCount, options.sourceArn],
  );
  return rows.length;
}

export async function deleteMessages(q: Queryable, queue: string): Promise<void> {
  await q.query('DELETE FROM queue_messages WHERE queue = $1', [queue]);
}

/** Deletes visible messages that were sent before `oldestAt`; one in flight goes when it is visible again. */
export async function deleteExpiredMessages(
  q: Queryable,
  queue: string,
  options: Readonly<{ now: EpochMs; oldestAt: EpochMs }>,
): Promise<void> {
  await q.query('DELETE FROM queue_messages WHERE queue = $1 AND visible_at <= $2 AND sent_at < $3', [
    queue,
    options.now,
    options.oldestAt,
  ]);
}

export async function countMessages(
  q: Queryable,
  queue: string,
  options: Readonly<{ now: EpochMs; oldestAt: EpochMs }>,
): Promise<Readonly<{ visible: number; inFlight: number; delayed: number }>> {
  const rows = await q.query<{ visible: string; in_flight: string; delayed: string }>(
    `SELECT count(*) FILTER (WHERE visible_at <= $2)::text AS visible,
       count(*) FILTER (WHERE visible_at > $2 AND receive_count > 0)::text AS in_flight,
       count(*) FILTER (WHERE visible_at > $2 AND receive_count = 0)::text AS delayed
     FROM queue_messages WHERE queue = $1 AND sent_at >= $3`,
    [queue, options.now, options.oldestAt],
  );
  return {
    visible: Number(rows[0]?.visible ?? 0),
    inFlight: Number(rows[0]?.in_flight ?? 0),
    delayed: Number(rows[0]?.delayed ?? 0),
  };
}
