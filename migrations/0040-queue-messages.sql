-- SQS messages. `queue` is `account/region/name`.
CREATE TABLE queue_messages (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue         text COLLATE "C" NOT NULL,
  message_id    text COLLATE "C" NOT NULL,
  body          text NOT NULL,
  attributes    jsonb NOT NULL,
  sender        text NOT NULL,
  sent_at       bigint NOT NULL,
  visible_at    bigint NOT NULL,
  first_received_at bigint,
  receive_count integer NOT NULL DEFAULT 0,
  receipt       text COLLATE "C"
) WITH (fillfactor = 70);
CREATE INDEX queue_messages_visible ON queue_messages (queue, visible_at, id);
CREATE INDEX queue_messages_receipt ON queue_messages (queue, receipt);
