/**
 * Writes metric data in groups: what arrives while one group is being written makes up the next, summed up by bucket, so
 * that thousands of data points a second are a few statements. A call is answered when its data is durable.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import {
  addMetricPoints,
  compactMetricPoints,
  dropOldMetricPoints,
  type MetricIdentity,
  metricIdentity,
  type MetricPoint,
  touchMetricSeries,
} from '../../store/index.ts';
import type { House } from '../service.ts';

/** One datum, as PutMetricData's checks leave it. */
export type Datum = Readonly<{
  metric: MetricIdentity;
  at: number;
  unit: string;
  highResolution: boolean;
  samples: number;
  sum: number;
  minimum: number;
  maximum: number;
  /** [value, count] pairs; empty for a statistic set. */
  values: readonly (readonly [number, number])[];
}>;

type Bucket = {
  identity: string;
  at: number;
  unit: string;
  resolution: 1 | 60;
  chunk: number;
  samples: number;
  sum: number;
  minimum: number;
  maximum: number;
  values: Map<number, number>;
};

type Group = {
  buckets: Map<string, Bucket>;
  metrics: Map<string, MetricIdentity>;
  waiting: { resolve: () => void; reject: (error: unknown) => void }[];
};

/** `last_at` of a series is written this seldom. */
const TOUCH_EVERY_MS = 10 * MINUTE_MS;

class MetricWriter {
  readonly #house: House;
  readonly #series = new Map<string, { id: string; touchedAt: number }>();
  #group = emptyGroup();
  #writing = false;
  #tidiedAt = 0;

  constructor(house: House) {
    this.#house = house;
  }

  /** Resolves when the data is durable. */
  add(data: readonly Datum[]): Promise<void> {
    const chunk = Math.floor(this.#house.clock.now() / SECOND_MS) % 60;
    for (const datum of data) this.#gather(datum, chunk);
    return new Promise((resolve, reject) => {
      this.#group.waiting.push({ resolve, reject });
      if (!this.#writing) {
        this.#writing = true;
        void this.#writeAll();
      }
    });
  }

  #gather(datum: Datum, second: number): void {
    const { metrics, buckets } = this.#group;
    const identity = metricIdentity(datum.metric);
    metrics.set(identity, datum.metric);
    const resolution = datum.highResolution ? 1 : 60;
    const at = datum.at - (datum.at % (resolution * SECOND_MS));
    const chunk = datum.highResolution ? 0 : second;
    const name = `${identity} ${at} ${datum.unit} ${resolution} ${chunk}`;
    let bucket = buckets.get(name);
    if (bucket === undefined) {
      bucket = {
        identity,
        at,
        unit: datum.unit,
        resolution,
        chunk,
        samples: 0,
        sum: 0,
        minimum: Infinity,
        maximum: -Infinity,
        values: new Map(),
      };
      buckets.set(name, bucket);
    }
    bucket.samples += datum.samples;
    bucket.sum += datum.sum;
    bucket.minimum = Math.min(bucket.minimum, datum.minimum);
    bucket.maximum = Math.max(bucket.maximum, datum.maximum);
    for (const [value, count] of datum.values) bucket.values.set(value, (bucket.values.get(value) ?? 0) + count);
  }

  async #writeAll(): Promise<void> {
    const ended = this.#house.engine.beginActivity('Plumbing');
    // Calls that came in together share the first group.
    await Promise.resolve();
    while (this.#group.waiting.length > 0) {
      const group = this.#group;
      this.#group = emptyGroup();
      try {
        await this.#write(group);
        for (const { resolve } of group.waiting) resolve();
      } catch (error) {
        for (const { reject } of group.waiting) reject(error);
      }
    }
    this.#writing = false;
    await this.#tidy().catch((error: unknown) =>
      this.#house.log.warn('metric data could not be tidied', { error: String(error) }),
    );
    ended();
  }

  async #write(group: Group): Promise<void> {
    const now = this.#house.clock.now();
    const touch = [...group.metrics]
      .filter(([identity]) => now - (this.#series.get(identity)?.touchedAt ?? 0) >= TOUCH_EVERY_MS)
      .map(([identity, metric]) => ({ identity, metric, at: now }));
    await this.#house.store.transaction(async (tx) => {
      const fresh = await touchMetricSeries(tx, touch);
      const ids = new Map(
        [...group.metrics.keys()].map((key) => [key, fresh.get(key) ?? this.#series.get(key)?.id ?? '']),
      );
      const points: MetricPoint[] = [...group.buckets.values()];
      await addMetricPoints(tx, points, ids);
      tx.afterCommit(() => {
        for (const [identity, id] of fresh) this.#series.set(identity, { id, touchedAt: now });
      });
    });
  }

  /**
   * Once an hour of writing: join the chunks of past minutes, roll seconds up into minutes after three hours, drop what is
   * past its retention. Not a timer of the engine: an automatic clock would jump from one to the next for ever.
   * Differs from AWS: minutes are kept for 63 days and not rolled up further.
   */
  async #tidy(): Promise<void> {
    const now = this.#house.clock.now();
    if (now - this.#tidiedAt < HOUR_MS) return;
    this.#tidiedAt = now;
    const { store } = this.#house;
    await compactMetricPoints(store, { from: now - 3 * HOUR_MS, to: now - 10 * MINUTE_MS, secondsToMinutes: false });
    await compactMetricPoints(store, { from: 0, to: now - 3 * HOUR_MS, secondsToMinutes: true });
    await dropOldMetricPoints(store, { highResolution: now - 63 * DAY_MS, standard: now - 63 * DAY_MS });
  }
}

const writers = new WeakMap<House, MetricWriter>();

export function metricWriter(house: House): MetricWriter {
  let writer = writers.get(house);
  if (writer === undefined) {
    writer = new MetricWriter(house);
    writers.set(house, writer);
  }
  return writer;
}

function emptyGroup(): Group {
  return { buckets: new Map(), metrics: new Map(), waiting: [] };
}
