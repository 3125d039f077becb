-- S3's object versions. "C" collation: keys list byte by byte, which is UTF-8's code point order.

CREATE TABLE objects (
  bucket        text COLLATE "C" NOT NULL,
  key           text COLLATE "C" NOT NULL,
  version_id    text COLLATE "C" NOT NULL,
  -- The order in which versions of a key came; drawn under the key's lock.
  sequence      bigint GENERATED ALWAYS AS IDENTITY,
  is_latest     boolean NOT NULL,
  delete_marker boolean NOT NULL,
  bytes         bigint NOT NULL,
  etag          text COLLATE "C" NOT NULL,
  modified_at   bigint NOT NULL,
  facts         jsonb NOT NULL,
  -- Where the bytes lie; apart from the facts, so that a listing does not carry it.
  segments      jsonb NOT NULL,
  PRIMARY KEY (bucket, key, version_id)
);
CREATE UNIQUE INDEX objects_latest ON objects (bucket, key) WHERE is_latest;
CREATE INDEX objects_versions ON objects (bucket, key, sequence DESC);
