-- The audit trail: every call that reached authorisation, whoever made it, and how it ended.
CREATE TABLE audit (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         bigint NOT NULL,
  account    text COLLATE "C" NOT NULL,
  region     text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  service    text COLLATE "C" NOT NULL,
  operation  text COLLATE "C" NOT NULL,
  principal  text COLLATE "C" NOT NULL,
  error_code text COLLATE "C",
  record     jsonb NOT NULL
);
CREATE INDEX audit_time ON audit (account, region, at);
CREATE INDEX audit_request ON audit (request_id);
