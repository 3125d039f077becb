-- CloudWatch Logs events. `log_group` is `account/region/name`.
CREATE TABLE log_events (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log_group   text COLLATE "C" NOT NULL,
  stream      text COLLATE "C" NOT NULL,
  at          bigint NOT NULL,
  ingested_at bigint NOT NULL,
  message     text NOT NULL
);
CREATE INDEX log_events_by_stream ON log_events (log_group, stream, at, id);
CREATE INDEX log_events_by_group ON log_events (log_group, at, id);
