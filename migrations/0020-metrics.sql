-- CloudWatch metrics. A series is a metric: namespace, name and one set of dimensions. `identity` is the SHA-256 of
-- those with account and Region, because thirty dimensions do not fit an index.
CREATE TABLE metric_series (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identity   text COLLATE "C" NOT NULL UNIQUE,
  account    text COLLATE "C" NOT NULL,
  region     text COLLATE "C" NOT NULL,
  namespace  text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  -- {"Name": "Value", ...}
  dimensions jsonb NOT NULL,
  -- The newest data, to ten minutes: enough for "data in the last three hours" and "in the last two weeks".
  last_at    bigint NOT NULL
);
CREATE INDEX metric_series_listing ON metric_series (account, region, namespace, name, id);

-- One row holds the data of one bucket (a minute, or a second where resolution is 1) that came in during one second,
-- so that adding to it rewrites at most a second's worth of values. `chunk` is that second; -1 holds a compacted bucket.
CREATE TABLE metric_points (
  series_id  bigint NOT NULL,
  at         bigint NOT NULL,
  unit       text COLLATE "C" NOT NULL,
  resolution smallint NOT NULL,
  chunk      smallint NOT NULL,
  samples    double precision NOT NULL,
  sum        double precision NOT NULL,
  minimum    double precision NOT NULL,
  maximum    double precision NOT NULL,
  -- The distribution, for percentiles: each value with its count, a value possibly several times. Data that came as a
  -- statistic set has none: then the counts add up to less than `samples`.
  "values"   double precision[] NOT NULL,
  counts     double precision[] NOT NULL,
  PRIMARY KEY (series_id, at, unit, resolution, chunk)
);
