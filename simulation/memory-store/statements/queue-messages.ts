/** The statements of src/store/queue-messages.ts. */
import { jsonText, jsonValue } from '../jsonb.ts';
import type { QueueMessageRow } from '../rows.ts';
import type { Session } from '../session.ts';
import { DONE, list, type Statement, type StatementTable, text, whole } from '../statement.ts';

const send: Statement = (session, p) => {
  const { queueMessages } = session.disk;
  const at = (column: number, n: number): unknown => list(p[column])[n];
  const queue = text(p[0]);
  for (const [n, messageId] of list(p[1]).entries()) {
    const row: QueueMessageRow = {
      id: queueMessages.next(),
      queue,
      message_id: text(messageId),
      body: text(at(2, n)),
      attributes: jsonText(at(3, n)),
      sender: text(at(4, n)),
      sent_at: whole(at(5, n)),
      visible_at: whole(at(6, n)),
      system: jsonText(at(7, n)),
      first_received_at: null,
      receive_count: 0,
      receipt: null,
    };
    session.write(queueMessages, String(row.id), row);
  }
  return [];
};

/** In order of their sending. */
function ofQueue(session: Session, queue: unknown, where: (row: QueueMessageRow) => boolean): QueueMessageRow[] {
  const { queueMessages, queueMessagesByQueue } = session.disk;
  const name = text(queue);
  return session
    .select(queueMessages, queueMessagesByQueue.cells(name), (row) => row.queue === name && where(row))
    .sort((a, b) => a.id - b.id);
}

const receive: Statement = (session, p) => {
  const { queueMessages } = session.disk;
  const [now, hiddenUntil, most, oldestAt, receipts] = [whole(p[1]), whole(p[2]), whole(p[3]), whole(p[4]), list(p[5])];
  const taken: QueueMessageRow[] = [];
  for (const row of ofQueue(session, p[0], (message) => message.visible_at <= now && message.sent_at >= oldestAt)) {
    if (taken.length >= most) break;
    taken.push(...session.lockFree(queueMessages, [row]));
  }
  return session
    .update(queueMessages, taken, (row, n) => ({
      ...row,
      visible_at: hiddenUntil,
      receive_count: row.receive_count + 1,
      first_received_at: row.first_received_at ?? now,
      receipt: text(receipts[n]),
    }))
    .map(({ queue: _queue, visible_at: _visibleAt, ...row }) => ({
      ...row,
      id: String(row.id),
      attributes: jsonValue(row.attributes),
      system: jsonValue(row.system),
    }));
};

const remove =
  (matches: (row: QueueMessageRow, p: readonly unknown[]) => boolean): Statement =>
  (session, p) => {
    const rows = ofQueue(session, p[0], (row) => matches(row, p));
    session.remove(session.disk.queueMessages, rows);
    return rows.map(() => DONE);
  };

const nothing =
  (statement: Statement): Statement =>
  (session, p) => {
    statement(session, p);
    return [];
  };

const changeVisibility: Statement = (session, p) => {
  const [visible_at, now] = [whole(p[2]), whole(p[3])];
  const rows = ofQueue(session, p[0], (row) => row.receipt === p[1] && row.visible_at > now);
  return session.update(session.disk.queueMessages, rows, (row) => ({ ...row, visible_at })).map(() => DONE);
};

const moveDeadLetters: Statement = (session, p) => {
  const [queue, now, most, source] = [text(p[1]), whole(p[2]), whole(p[3]), text(p[4])];
  const rows = ofQueue(session, p[0], (row) => row.visible_at <= now && row.receive_count >= most);
  return session
    .update(session.disk.queueMessages, rows, (row) => ({
      ...row,
      queue,
      receipt: null,
      visible_at: now,
      system: JSON.stringify({ ...(jsonValue(row.system) as object), DeadLetterQueueSourceArn: source }),
    }))
    .map(() => DONE);
};

const count: Statement = (session, p) => {
  const [now, oldestAt] = [whole(p[1]), whole(p[2])];
  const rows = ofQueue(session, p[0], (row) => row.sent_at >= oldestAt);
  const hidden = rows.filter((row) => row.visible_at > now);
  const inFlight = hidden.filter((row) => row.receive_count > 0).length;
  return [
    {
      visible: String(rows.length - hidden.length),
      in_flight: String(inFlight),
      delayed: String(hidden.length - inFlight),
    },
  ];
};

export const queueMessages: StatementTable = {
  texts: {
    [`INSERT INTO queue_messages (queue, message_id, body, attributes, sender, sent_at, visible_at, system)
      SELECT $1, m.message_id, m.body, m.attributes::jsonb, m.sender, m.sent_at, m.visible_at, m.system::jsonb
      FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[])
      AS m(message_id, body, attributes, sender, sent_at, visible_at, system)`]: send,
    [`WITH taken AS (
        SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
          SELECT id FROM queue_messages WHERE queue = $1 AND visible_at <= $2 AND sent_at >= $5 ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED) AS found
      )
      UPDATE queue_messages m SET visible_at = $3, receive_count = receive_count + 1,
      first_received_at = coalesce(first_received_at, $2), receipt = ($6::text[])[taken.n]
      FROM taken WHERE m.id = taken.id
      RETURNING m.id::text AS id, m.message_id, m.body, m.attributes, m.system, m.sender, m.sent_at, m.first_received_at, m.receive_count, m.receipt`]:
      receive,
    'DELETE FROM queue_messages WHERE queue = $1 AND receipt = $2 RETURNING 1 AS done': remove(
      (row, p) => row.receipt !== null && row.receipt === p[1],
    ),
    'UPDATE queue_messages SET visible_at = $3 WHERE queue = $1 AND receipt = $2 AND visible_at > $4 RETURNING 1 AS done':
      changeVisibility,
    [`UPDATE queue_messages SET queue = $2, receipt = NULL, visible_at = $3,
      system = system || jsonb_build_object('DeadLetterQueueSourceArn', $5::text)
      WHERE queue = $1 AND visible_at <= $3 AND receive_count >= $4 RETURNING 1 AS done`]: moveDeadLetters,
    'DELETE FROM queue_messages WHERE queue = $1': nothing(remove(() => true)),
    'DELETE FROM queue_messages WHERE queue = $1 AND visible_at <= $2 AND sent_at < $3': nothing(
      remove((row, p) => row.visible_at <= whole(p[1]) && row.sent_at < whole(p[2])),
    ),
    [`SELECT count(*) FILTER (WHERE visible_at <= $2)::text AS visible,
      count(*) FILTER (WHERE visible_at > $2 AND receive_count > 0)::text AS in_flight,
      count(*) FILTER (WHERE visible_at > $2 AND receive_count = 0)::text AS delayed
      FROM queue_messages WHERE queue = $1 AND sent_at >= $3`]: count,
  },
};
