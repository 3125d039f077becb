-- Documents (every resource and every loop's state), and what the engine keeps beside them.
-- "C" collation: listings compare byte by byte, as AWS does, and the same on every server.
-- Free space in the pages of tables whose rows are rewritten keeps an update on its page, with no work in the indexes;
-- tables that live by insert and delete are vacuumed after a fixed number of dead rows, however large they have grown.

CREATE TABLE documents (
  kind     text COLLATE "C" NOT NULL,
  account  text COLLATE "C" NOT NULL,
  region   text COLLATE "C" NOT NULL,
  id       text COLLATE "C" NOT NULL,
  parent   text COLLATE "C" NOT NULL,
  sort     text COLLATE "C" NOT NULL,
  version  bigint NOT NULL,
  document jsonb NOT NULL,
  PRIMARY KEY (kind, account, region, id)
) WITH (
  fillfactor = 85,
  -- Compressing costs more than the page it saves while a document is small.
  toast_tuple_target = 4080,
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05
);
CREATE INDEX documents_listing ON documents (kind, account, region, parent, sort, id);

CREATE TABLE counters (
  name  text COLLATE "C" PRIMARY KEY,
  value bigint NOT NULL
) WITH (fillfactor = 25);

-- Effects saved with the state that decided them, and deleted with the event that their result became.
CREATE TABLE outbox (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind        text COLLATE "C" NOT NULL,
  account     text COLLATE "C" NOT NULL,
  region      text COLLATE "C" NOT NULL,
  document_id text COLLATE "C" NOT NULL,
  effect      jsonb NOT NULL,
  attempts    integer NOT NULL DEFAULT 0,
  due_at      bigint NOT NULL,
  owner       text COLLATE "C",
  lease_until bigint
) WITH (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 10000
);
CREATE INDEX outbox_due ON outbox (due_at, id);

CREATE TABLE timers (
  kind        text COLLATE "C" NOT NULL,
  account     text COLLATE "C" NOT NULL,
  region      text COLLATE "C" NOT NULL,
  document_id text COLLATE "C" NOT NULL,
  name        text COLLATE "C" NOT NULL,
  due_at      bigint NOT NULL,
  wake_key    text COLLATE "C",
  PRIMARY KEY (kind, account, region, document_id, name)
) WITH (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 10000
);
CREATE INDEX timers_due ON timers (due_at);
CREATE INDEX timers_wake ON timers (wake_key) WHERE wake_key IS NOT NULL;

-- What happened to each loop, in order: enough to replay it through its decider.
CREATE TABLE history (
  kind        text COLLATE "C" NOT NULL,
  account     text COLLATE "C" NOT NULL,
  region      text COLLATE "C" NOT NULL,
  document_id text COLLATE "C" NOT NULL,
  version     bigint NOT NULL,
  at          bigint NOT NULL,
  event       jsonb NOT NULL,
  PRIMARY KEY (kind, account, region, document_id, version)
);
