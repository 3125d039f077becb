/** The statements of src/store/queue-messages.ts, but for dead letters. */
import { jsonText, jsonValue } from '../jsonb.ts';
import type { QueueMessageRow } from '../rows.ts';
import type { Session } from '../session.ts';
import { DONE, list, type Statement, type StatementTable, text, whole } from '../statement.ts';

function messagesOf(session: Session, queue: unknown, where: (row: QueueMessageRow) => boolean): QueueMessageRow[] {
  const name = text(queue);
  const { queueMessages, messagesByQueue } = session.disk;
  return session
    .select(queueMessages, messagesByQueue.cells(name), (row) => row.queue === name && where(row))
    .sort((a, b) => a.id - b.id);
}

const send: Statement = (session, p) => {
  const { queueMessages } = session.disk;
  const queue = text(p[0]);
  const columns = p.slice(1).map(list);
  for (const index of columns[0]?.keys() ?? []) {
    const at = (column: number): unknown => columns[column]?.[index];
    const id = queueMessages.next();
    session.write(queueMessages, String(id), {
      id,
      queue,
      message_id: text(at(0)),
      body: text(at(1)),
      attributes: jsonText(at(2)),
      sender: text(at(3)),
      sent_at: whole(at(4)),
      visible_at: whole(at(5)),
      system: jsonText(at(6)),
      first_received_at: null,
      receive_count: 0,
      receipt: null,
    });
  }
  return [];
};

const receive: Statement = (session, p) => {
  const { queueMessages } = session.disk;
  const [now, hiddenUntil, limit, oldestAt] = [whole(p[1]), whole(p[2]), whole(p[3]), whole(p[4])];
  const receipts = list(p[5]);
  const visible = messagesOf(session, p[0], (row) => row.visible_at <= now && row.sent_at >= oldestAt);
  const free: QueueMessageRow[] = [];
  for (const row of visible) {
    if (free.length === limit) break;
    free.push(...session.lockFree(queueMessages, [row]));
  }
  return session
    .update(queueMessages, free, (row, index) => ({
      ...row,
      visible_at: hiddenUntil,
      receive_count: row.receive_count + 1,
      first_received_at: row.first_received_at ?? now,
      receipt: text(receipts[index]),
    }))
    .map((row) => ({
      ...row,
      id: String(row.id),
      attributes: jsonValue(row.attributes),
      system: jsonValue(row.system),
    }));
};

const remove: Statement = (session, p) => {
  const receipt = text(p[1]);
  const rows = messagesOf(session, p[0], (row) => row.receipt === receipt);
  session.remove(session.disk.queueMessages, rows);
  return rows.map(() => DONE);
};

const changeVisibility: Statement = (session, p) => {
  const [receipt, visibleAt, now] = [text(p[1]), whole(p[2]), whole(p[3])];
  const rows = messagesOf(session, p[0], (row) => row.receipt === receipt && row.visible_at > now);
  session.update(session.disk.queueMessages, rows, (row) => ({ ...row, visible_at: visibleAt }));
  return rows.map(() => DONE);
};

const removeAll: Statement = (session, p) => {
  session.remove(
    session.disk.queueMessages,
    messagesOf(session, p[0], () => true),
  );
  return [];
};

const removeExpired: Statement = (session, p) => {
  const [now, oldestAt] = [whole(p[1]), whole(p[2])];
  session.remove(
    session.disk.queueMessages,
    messagesOf(session, p[0], (row) => row.visible_at <= now && row.sent_at < oldestAt),
  );
  return [];
};

const count: Statement = (session, p) => {
  const [now, oldestAt] = [whole(p[1]), whole(p[2])];
  const rows = messagesOf(session, p[0], (row) => row.sent_at >= oldestAt);
  const visible = rows.filter((row) => row.visible_at <= now).length;
  const inFlight = rows.filter((row) => row.visible_at > now && row.receive_count > 0).length;
  return [{ visible: String(visible), in_flight: String(inFlight), delayed: String(rows.length - visible - inFlight) }];
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
    'DELETE FROM queue_messages WHERE queue = $1 AND receipt = $2 RETURNING 1 AS done': remove,
    'UPDATE queue_messages SET visible_at = $3 WHERE queue = $1 AND receipt = $2 AND visible_at > $4 RETURNING 1 AS done':
      changeVisibility,
    'DELETE FROM queue_messages WHERE queue = $1': removeAll,
    'DELETE FROM queue_messages WHERE queue = $1 AND visible_at <= $2 AND sent_at < $3': removeExpired,
    [`SELECT count(*) FILTER (WHERE visible_at <= $2)::text AS visible,
       count(*) FILTER (WHERE visible_at > $2 AND receive_count > 0)::text AS in_flight,
       count(*) FILTER (WHERE visible_at > $2 AND receive_count = 0)::text AS delayed
     FROM queue_messages WHERE queue = $1 AND sent_at >= $3`]: count,
  },
};
