-- Made by scripts/schema-dump.ts from the migrations; not edited, and not run.

CREATE SCHEMA sluice;

CREATE TABLE sluice.audit (
    id bigint NOT NULL,
    at bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    service text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL COLLATE pg_catalog."C",
    principal text NOT NULL COLLATE pg_catalog."C",
    error_code text COLLATE pg_catalog."C",
    record jsonb NOT NULL,
    management boolean DEFAULT false NOT NULL,
    recipient text COLLATE pg_catalog."C"
);

ALTER TABLE sluice.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sluice.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE sluice.counters (
    name text NOT NULL COLLATE pg_catalog."C",
    value bigint NOT NULL
)
WITH (fillfactor='25');

CREATE TABLE sluice.documents (
    kind text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    parent text NOT NULL COLLATE pg_catalog."C",
    sort text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    document jsonb NOT NULL
)
WITH (fillfactor='85', toast_tuple_target='4080', autovacuum_vacuum_scale_factor='0.05', autovacuum_analyze_scale_factor='0.05');

CREATE TABLE sluice.history (
    kind text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    document_id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    at bigint NOT NULL,
    event jsonb NOT NULL,
    state jsonb,
    fingerprint bigint,
    effects text,
    effects_fingerprint bigint
);

CREATE TABLE sluice.log_events (
    id bigint NOT NULL,
    log_group text NOT NULL COLLATE pg_catalog."C",
    stream text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    ingested_at bigint NOT NULL,
    message text NOT NULL
);

ALTER TABLE sluice.log_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sluice.log_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE sluice.metric_points (
    series_id bigint NOT NULL,
    at bigint NOT NULL,
    unit text NOT NULL COLLATE pg_catalog."C",
    resolution smallint NOT NULL,
    chunk smallint NOT NULL,
    samples double precision NOT NULL,
    sum double precision NOT NULL,
    minimum double precision NOT NULL,
    maximum double precision NOT NULL,
    "values" double precision[] NOT NULL,
    counts double precision[] NOT NULL
);

CREATE TABLE sluice.metric_series (
    id bigint NOT NULL,
    identity text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    namespace text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    dimensions jsonb NOT NULL,
    last_at bigint NOT NULL
);

ALTER TABLE sluice.metric_series ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sluice.metric_series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE sluice.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at bigint NOT NULL
);

CREATE TABLE sluice.objects (
    bucket text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    version_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    is_latest boolean NOT NULL,
    delete_marker boolean NOT NULL,
    bytes bigint NOT NULL,
    etag text NOT NULL COLLATE pg_catalog."C",
    modified_at bigint NOT NULL,
    facts jsonb NOT NULL,
    segments jsonb NOT NULL
);

ALTER TABLE sluice.objects ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sluice.objects_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE sluice.outbox (
    id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    document_id text NOT NULL COLLATE pg_catalog."C",
    effect jsonb NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at bigint NOT NULL,
    owner text COLLATE pg_catalog."C",
    lease_until bigint
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='10000');

ALTER TABLE sluice.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sluice.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE sluice.queue_messages (
    id bigint NOT NULL,
    queue text NOT NULL COLLATE pg_catalog."C",
    message_id text NOT NULL COLLATE pg_catalog."C",
    body text NOT NULL,
    attributes jsonb NOT NULL,
    sender text NOT NULL,
    sent_at bigint NOT NULL,
    visible_at bigint NOT NULL,
    first_received_at bigint,
    receive_count integer DEFAULT 0 NOT NULL,
    receipt text COLLATE pg_catalog."C",
    system jsonb DEFAULT '{}'::jsonb NOT NULL
)
WITH (fillfactor='70');

ALTER TABLE sluice.queue_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sluice.queue_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE sluice.timers (
    kind text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    region text NOT NULL COLLATE pg_catalog."C",
    document_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    due_at bigint NOT NULL,
    wake_key text COLLATE pg_catalog."C"
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='10000');

ALTER TABLE ONLY sluice.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sluice.counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (name);

ALTER TABLE ONLY sluice.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (kind, account, region, id);

ALTER TABLE ONLY sluice.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (kind, account, region, document_id, version);

ALTER TABLE ONLY sluice.log_events
    ADD CONSTRAINT log_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sluice.metric_points
    ADD CONSTRAINT metric_points_pkey PRIMARY KEY (series_id, at, unit, resolution, chunk);

ALTER TABLE ONLY sluice.metric_series
    ADD CONSTRAINT metric_series_identity_key UNIQUE (identity);

ALTER TABLE ONLY sluice.metric_series
    ADD CONSTRAINT metric_series_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sluice.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY sluice.objects
    ADD CONSTRAINT objects_pkey PRIMARY KEY (bucket, key, version_id);

ALTER TABLE ONLY sluice.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sluice.queue_messages
    ADD CONSTRAINT queue_messages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sluice.timers
    ADD CONSTRAINT timers_pkey PRIMARY KEY (kind, account, region, document_id, name);

CREATE INDEX audit_management ON sluice.audit USING btree (account, region, at DESC, id DESC) WHERE management;

CREATE INDEX audit_recipient ON sluice.audit USING btree (recipient, region, at DESC, id DESC) WHERE (recipient IS NOT NULL);

CREATE INDEX audit_request ON sluice.audit USING btree (request_id);

CREATE INDEX audit_time ON sluice.audit USING btree (account, region, at);

CREATE INDEX documents_listing ON sluice.documents USING btree (kind, account, region, parent, sort, id);

CREATE INDEX log_events_by_group ON sluice.log_events USING btree (log_group, at, id);

CREATE INDEX log_events_by_stream ON sluice.log_events USING btree (log_group, stream, at, id);

CREATE INDEX metric_series_listing ON sluice.metric_series USING btree (account, region, namespace, name, id);

CREATE UNIQUE INDEX objects_latest ON sluice.objects USING btree (bucket, key) WHERE is_latest;

CREATE INDEX objects_versions ON sluice.objects USING btree (bucket, key, sequence DESC);

CREATE INDEX outbox_due ON sluice.outbox USING btree (due_at, id);

CREATE INDEX queue_messages_receipt ON sluice.queue_messages USING btree (queue, receipt);

CREATE INDEX queue_messages_visible ON sluice.queue_messages USING btree (queue, visible_at, id);

CREATE INDEX timers_due ON sluice.timers USING btree (due_at);

CREATE INDEX timers_wake ON sluice.timers USING btree (wake_key) WHERE (wake_key IS NOT NULL);
