/** What the house asks of a store, made at random: each act is a call of a repository or of the engine. */
import * as fc from 'fast-check';
import { ManualClock } from '../../src/common/index.ts';
import { defineLoop, LoopEngine } from '../../src/engine/index.ts';
import { runTurns, type Turn } from '../../src/engine/turns.ts';
import {
  claimAllEffects,
  dropStaleTimers,
  dueTimers,
  effectHolders,
  forgetEffects,
  heldEffects,
  nextTimerAt,
  putOff,
  renewLeases,
  takeOverEffects,
} from '../../src/engine/waiting.ts';
import {
  addMetricPoints,
  appendAudit,
  appendLogEvents,
  auditOfParent,
  auditOfRequest,
  type AuditRecord,
  bumpIdentityGeneration,
  changeVisibility,
  type Collection,
  collection,
  compactMetricPoints,
  countMessages,
  deleteExpiredMessages,
  deleteLogEvents,
  deleteMessage,
  deleteMessages,
  deniedBetween,
  dropOldMetricPoints,
  identityGeneration,
  lastInSequence,
  listMetricSeries,
  logStreamSpans,
  managementHistory,
  metricIdentity,
  moveDeadLetters,
  nextInSequence,
  Objects,
  readLogEvents,
  readLoopHistory,
  readMetric,
  receiveMessages,
  recentAudit,
  sendMessages,
  touchMetricSeries,
  type Tx,
} from '../../src/store/index.ts';

export type World = Readonly<{
  /** Makes the names of a run its own. */
  run: number;
  /** Ids of effects that were seen. */
  effects: Set<string>;
}>;

export type Act = readonly [name: string, ask: (tx: Tx, world: World) => Promise<unknown>];

const ids = fc.constantFrom('a', 'b', 'B', 'ab', 'a%', 'ä', '\u{1f4a7}', '￮', '');
const parents = fc.constantFrom('', 'p', 'q');
const sorts = fc.constantFrom('1', '2', '10', 'Z');
const accounts = fc.constantFrom('1', '2');
const regions = fc.constantFrom('', 'r');
const instants = fc.integer({ min: 0, max: 6 });
const key = fc.record({ account: accounts, region: regions, id: ids });
const scope = fc.record({ account: accounts, region: regions });
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const json = fc.oneof(
  fc.record({ n: fc.integer(), name: fc.string({ maxLength: 4 }) }),
  fc.dictionary(
    fc.constantFrom('a', 'B', 'longer', 'é', 'zz', '1'),
    fc.oneof(fc.integer(), fc.boolean(), fc.constant(null)),
    {
      maxKeys: 5,
    },
  ),
  fc.record({
    nested: fc.array(fc.record({ z: fc.integer(), a: fc.boolean() }), { maxLength: 2 }),
    odd: fc.constant('\u0000'),
  }),
  fc.constant({ text: 'half a pair \ud83d' }),
);

/** With the order of the members: `jsonb` keeps one of its own. */
const inOrder = (value: unknown): string => JSON.stringify(value);
const unordered = <T>(rows: readonly T[]): string[] => rows.map(inOrder).sort();

// Documents

const kind = fc.constantFrom('one', 'two');
const of = (world: World, name: string): Collection<unknown> => collection<unknown>(`acts.${name}-${world.run}`);

export const documentActs: fc.Arbitrary<Act> = fc.oneof(
  fc
    .tuple(kind, key)
    .map(([k, at]): Act => [`get ${k} ${inOrder(at)}`, async (tx, w) => inOrder(await of(w, k).get(tx, at))]),
  fc.tuple(kind, key).map(([k, at]): Act => ['getForUpdate', (tx, w) => of(w, k).getForUpdate(tx, at)]),
  fc
    .tuple(kind, scope, fc.array(ids, { maxLength: 4 }))
    .map(([k, where, some]): Act => ['getMany', async (tx, w) => unordered(await of(w, k).getMany(tx, where, some))]),
  fc
    .tuple(kind, key, json, maybe(parents), maybe(sorts))
    .map(([k, at, value, parent, sort]): Act => [
      `insert ${k} ${inOrder(at)} ${parent} ${sort}`,
      (tx, w) => of(w, k).insert(tx, at, value, { parent, sort }),
    ]),
  fc
    .tuple(kind, key, json, maybe(parents), maybe(sorts), maybe(fc.integer({ min: 1, max: 3 })))
    .map(([k, at, value, parent, sort, expectedVersion]): Act => [
      'update',
      (tx, w) => of(w, k).update(tx, at, value, { parent, sort, expectedVersion }),
    ]),
  fc
    .tuple(kind, key, json, maybe(parents), maybe(sorts))
    .map(([k, at, value, parent, sort]): Act => [
      `put ${k} ${inOrder(at)} ${parent} ${sort}`,
      (tx, w) => of(w, k).put(tx, at, value, { parent, sort }),
    ]),
  fc
    .tuple(
      kind,
      fc.array(
        fc.record({ key, document: json, placement: maybe(fc.record({ parent: maybe(parents), sort: maybe(sorts) })) }),
        { maxLength: 4 },
      ),
    )
    .map(([k, entries]): Act => ['putMany', (tx, w) => of(w, k).putMany(tx, entries)]),
  fc.tuple(kind, key).map(([k, at]): Act => ['delete', (tx, w) => of(w, k).delete(tx, at)]),
  fc
    .tuple(kind, scope, parents)
    .map(([k, where, parent]): Act => ['deleteUnder', (tx, w) => of(w, k).deleteUnder(tx, where, parent)]),
  fc
    .tuple(
      kind,
      fc.record({
        account: maybe(accounts),
        region: maybe(regions),
        parent: maybe(parents),
        idPrefix: maybe(fc.constantFrom('', 'a', 'a%')),
        after: maybe(fc.record({ sort: sorts, id: ids })),
        descending: fc.boolean(),
        limit: maybe(fc.integer({ min: 0, max: 3 })),
      }),
    )
    .map(([k, options]): Act => [
      `list ${inOrder(options)}`,
      async (tx, w) => {
        const found = await of(w, k).list(tx, options);
        // Equal places come in any order: only a whole list, or one of a single account and Region, tells them apart.
        if (options.account !== undefined && options.region !== undefined) return found.map(inOrder);
        return options.limit === undefined ? unordered(found) : found.map(({ sort, key: { id } }) => `${sort} ${id}`);
      },
    ]),
  fc
    .tuple(kind, fc.record({ account: maybe(accounts), region: maybe(regions), parent: maybe(parents) }))
    .map(([k, options]): Act => ['count', (tx, w) => of(w, k).count(tx, options)]),
  fc.constant<Act>(['nextInSequence', (tx, w) => nextInSequence(tx, `acts-${w.run}`)]),
  fc.constant<Act>(['lastInSequence', (tx, w) => lastInSequence(tx, `acts-${w.run}`)]),
  fc.constant<Act>(['bumpIdentityGeneration', (tx) => bumpIdentityGeneration(tx)]),
  fc.constant<Act>(['identityGeneration', (tx) => identityGeneration(tx)]),
);

// The engine

/** Becomes what the event says, with the effects that it says. */
type Dictated = Readonly<{ type: 'Dictate'; state: unknown; effects: readonly Readonly<{ type: string }>[] }>;

const loopOf = (world: World, name: string, history?: 'None'): ReturnType<typeof defineLoop<any, any, any>> =>
  defineLoop<any, any, any>({
    kind: `acts.${name}-${world.run}`,
    ...(history !== undefined && { history }),
    decide: (state, event: Dictated) =>
      event.type === 'Dictate' ? { state: event.state, effects: event.effects } : { state, effects: [] },
    isFinal: (state) => state?.n === 0,
    perform: () => Promise.resolve(),
    place: (state) => (typeof state?.name === 'string' ? { parent: 'placed', sort: 's' } : {}),
  });

const loops = (world: World): ReadonlyMap<string, any> =>
  new Map([loopOf(world, 'loop'), loopOf(world, 'light', 'None')].map((loop) => [loop.kind, loop]));

function engineOf(world: World): LoopEngine {
  const engine = new LoopEngine({
    store: undefined as never,
    clock: new ManualClock(3),
    wallNow: () => 1_000,
    wallTimer: () => () => {},
    owner: 'us',
    alone: false,
    historyTurns: 2,
    onError: () => {},
  });
  for (const loop of loops(world).values()) engine.register(loop);
  return engine;
}

const loop = fc.constantFrom('loop', 'light');
/** Few, so that turns meet. */
const at = fc.record({ account: fc.constant('1'), region: regions, id: fc.constantFrom('a', 'b') });
const timer = fc.constantFrom('t', 'u');
const wakeKey = fc.constantFrom('w', 'x');
const owner = fc.constantFrom('us', 'them');
const effects = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('Do'), lane: maybe(fc.constantFrom('l', 'm')), n: fc.integer() }),
    fc.record({ type: fc.constant('WakeAt'), timer, at: instants, wakeKey: maybe(wakeKey) }),
    fc.record({ type: fc.constant('CancelTimer'), timer }),
    fc.record({ type: fc.constant('Wake'), wakeKey }),
  ),
  { maxLength: 4 },
);
const state = fc.record({ n: fc.integer({ min: 0, max: 4 }), name: fc.option(fc.constant('x')) });
const dictate = fc.record({ type: fc.constant('Dictate' as const), state, effects });
const chosen = fc.array(fc.nat(5), { maxLength: 4 });

/** Of the effects that were seen, some. */
const some = (world: World, numbers: readonly number[]): string[] => {
  const seen = [...world.effects];
  return numbers.flatMap((n) => seen[n % Math.max(1, seen.length)] ?? []);
};
const see = (world: World, rows: readonly Readonly<{ saved: Readonly<{ id: string }> }>[]): void => {
  for (const { saved } of rows) world.effects.add(saved.id);
};

export const engineActs: fc.Arbitrary<Act> = fc.oneof(
  fc
    .tuple(loop, at, state, effects)
    .map(([name, at, value, first]): Act => [
      'create',
      (tx, w) => engineOf(w).create(tx, `acts.${name}-${w.run}`, at, value, first),
    ]),
  fc
    .tuple(
      fc.array(
        fc.record({ name: loop, key: at, event: dictate, cause: fc.oneof(fc.constant(undefined), timer, fc.nat(5)) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      instants,
      owner,
      fc.boolean(),
    )
    .map(([wanted, now, by, shared]): Act => [
      'runTurns',
      async (tx, w) => {
        const turns = wanted.map(({ name, key, event, cause }): Turn => {
          const effectId = typeof cause === 'number' ? some(w, [cause])[0] : undefined;
          const timer = typeof cause === 'string' ? cause : undefined;
          return { kind: `acts.${name}-${w.run}`, key, event, effectId, timer };
        });
        const outcome = await runTurns(tx, loops(w), turns, now, { owner: by, until: 9, shared }, 2);
        for (const { id } of outcome.effects) w.effects.add(id);
        return [outcome.states, outcome.effects, [...outcome.handed], outcome.nextTimerAt];
      },
    ]),
  fc
    .tuple(loop, at, dictate)
    .map(([name, at, event]): Act => [
      'submitIn',
      (tx, w) => engineOf(w).submitIn(tx, `acts.${name}-${w.run}`, at, event),
    ]),
  // Enough turns of one state that its history is cut short.
  fc.tuple(at, dictate).map(([at, event]): Act => [
    'many turns',
    async (tx, w) => {
      await engineOf(w).create(tx, `acts.loop-${w.run}`, at, { n: 1 }, []);
      const turns = Array.from({ length: 520 }, (_, n): Turn => ({
        kind: `acts.loop-${w.run}`,
        key: at,
        event: { ...event, state: { ...event.state, n: 1, turn: n }, effects: [] } as Dictated,
      }));
      const lease = { owner: 'us', until: 9 };
      await runTurns(tx, loops(w), turns, 1, lease, 2);
      const kept = await readLoopHistory(tx, `acts.loop-${w.run}`, at);
      const last = { ...event, state: { n: 0 } };
      await runTurns(tx, loops(w), [{ kind: `acts.loop-${w.run}`, key: at, event: last }], 1, lease);
      return [kept.length, kept.at(0), kept.at(-1)];
    },
  ]),
  ids.map((id): Act => ['history', (tx, w) => historyOf(tx, w, id)]),
  fc
    .tuple(loop, at, fc.record({ reaching: maybe(instants), until: maybe(instants) }))
    .map(([name, at, options]): Act => [
      'readLoopHistory',
      (tx, w) => readLoopHistory(tx, `acts.${name}-${w.run}`, at, options),
    ]),
  wakeKey.map((name): Act => ['wake', (tx, w) => engineOf(w).wake(tx, name)]),
  fc
    .tuple(loop, at)
    .map(([name, at]): Act => ['remove', (tx, w) => engineOf(w).remove(tx, `acts.${name}-${w.run}`, at)]),
  instants.map((now): Act => ['dueTimers', async (tx) => unordered(await dueTimers(tx, now))]),
  fc.constant<Act>(['nextTimerAt', (tx) => nextTimerAt(tx)]),
  instants.map((now): Act => ['dropStaleTimers', async (tx) => dropStaleTimers(tx, await dueTimers(tx, now), now)]),
  fc
    .tuple(loop, at)
    .map(([name, at]): Act => ['orphan', (tx, w) => collection(`acts.${name}-${w.run}`).delete(tx, at)]),
  owner.map((by): Act => [
    'claimAllEffects',
    async (tx, w) => {
      const rows = await claimAllEffects(tx, { owner: by, until: 5 });
      see(w, rows);
      return rows.map(inOrder);
    },
  ]),
  fc.constant<Act>(['effectHolders', async (tx) => unordered(await effectHolders(tx))]),
  fc.tuple(owner, fc.nat(9)).map(([by, until]): Act => [
    'takeOverEffects',
    async (tx, w) => {
      const { taken, handed } = await takeOverEffects(
        tx,
        { owner: by, until: 7 },
        (_owner, leaseUntil) => leaseUntil < until,
      );
      see(w, taken);
      return [taken.map(inOrder), [...handed]];
    },
  ]),
  fc.tuple(owner, fc.nat(9)).map(([by, until]): Act => ['renewLeases', (tx) => renewLeases(tx, { owner: by, until })]),
  fc.tuple(owner, chosen).map(([by, n]): Act => ['heldEffects', (tx, w) => heldEffects(tx, by, some(w, n))]),
  fc.tuple(chosen, instants).map(([n, at]): Act => [
    'putOff',
    async (tx, w) => {
      for (const id of some(w, n)) await putOff(tx, id, 2, at);
    },
  ]),
  chosen.map((n): Act => ['forgetEffects', (tx, w) => forgetEffects(tx, some(w, n))]),
);

/** Of whichever account and Region: rows of one version are in no order. */
async function historyOf(tx: Tx, world: World, id: string): Promise<unknown> {
  const rows = await tx.query(
    'SELECT version::int AS version, at, event, state, fingerprint FROM history WHERE kind = $1 AND document_id = $2 ORDER BY version',
    [`acts.loop-${world.run}`, id],
  );
  return unordered(rows);
}

// Objects

const objects = new Objects<unknown, string>();
const objectKey = fc
  .array(fc.constantFrom('a', 'b', '/', '\u{1f4a7}', '￮'), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(''));
/** Few, so that versions of one key meet. */
const oftenKey = fc.oneof({ weight: 2, arbitrary: fc.constant('a') }, objectKey);
const versionId = fc.constantFrom('null', 'null', 'v1', 'v2');
const bucketOf = (world: World): string => `bucket-${world.run}`;
/** Sequences are drawn by who comes first, and are the same in both. */
const listing = fc.record({
  prefix: fc.constantFrom('', 'a', '\u{1f4a7}'),
  delimiter: maybe(fc.constant('/')),
  after: maybe(fc.record({ key: objectKey, versionSequence: maybe(fc.nat(200).map(String)) })),
  limit: fc.integer({ min: 1, max: 3 }),
});

export const objectActs: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(oftenKey, versionId, fc.boolean(), json).map(([name, version, deleteMarker, facts]): Act => [
      'put',
      async (tx, w) => {
        await objects.lockBucket(tx, bucketOf(w), 'Shared');
        await objects.lockKey(tx, bucketOf(w), name);
        return objects.put(tx, bucketOf(w), {
          key: name,
          versionId: version,
          deleteMarker,
          bytes: 1,
          etag: 'e',
          modifiedAt: 2,
          facts,
          segments: [version],
        });
      },
    ]),
  },
  fc.constant<Act>(['lockBucket', (tx, w) => objects.lockBucket(tx, bucketOf(w), 'Exclusive')]),
  oftenKey.map((name): Act => ['latest', (tx, w) => objects.latest(tx, bucketOf(w), name)]),
  fc
    .tuple(oftenKey, versionId)
    .map(([name, id]): Act => ['version', (tx, w) => objects.version(tx, bucketOf(w), name, id)]),
  fc
    .tuple(oftenKey, versionId, json)
    .map(([name, id, facts]): Act => ['setFacts', (tx, w) => objects.setFacts(tx, bucketOf(w), name, id, facts)]),
  fc
    .tuple(oftenKey, versionId)
    .map(([name, id]): Act => ['remove', (tx, w) => objects.remove(tx, bucketOf(w), name, id)]),
  fc.constant<Act>(['isEmpty', (tx, w) => objects.isEmpty(tx, bucketOf(w))]),
  listing.map((query): Act => ['listLatest', (tx, w) => objects.listLatest(tx, { bucket: bucketOf(w), ...query })]),
  listing.map((query): Act => ['listVersions', (tx, w) => objects.listVersions(tx, { bucket: bucketOf(w), ...query })]),
);

// The trail

const request = fc.constantFrom('q1', 'q2', 'q3');
const word = fc.constantFrom('s3', 'iam');
const accountOf = (world: World, account: string): string => `${account}-${world.run}`;

export const auditActs: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .array(
        fc.record({
          at: instants,
          account: accounts,
          requestId: request,
          service: word,
          errorCode: maybe(fc.constant('AccessDenied')),
          management: maybe(fc.boolean()),
          recipient: maybe(accounts),
          record: fc.record(
            {
              decision: fc.constantFrom('Deny', null),
              parentRequestId: request,
              readOnly: fc.boolean(),
              userName: word,
              accessKeyId: word,
              resources: fc.array(fc.record({ arn: word, b: fc.integer() }), { maxLength: 2 }),
            },
            { requiredKeys: [] },
          ),
        }),
        { maxLength: 4 },
      )
      .map((records): Act => [
        'append',
        (tx, w) =>
          appendAudit(
            tx,
            records.map((record): AuditRecord => ({
              ...record,
              account: accountOf(w, record.account),
              recipient: record.recipient && accountOf(w, record.recipient),
              requestId: `${record.requestId}-${w.run}`,
              region: 'r',
              operation: `op-${record.service}`,
              principal: 'p',
            })),
          ),
      ]),
  },
  request.map((id): Act => ['ofRequest', (tx, w) => auditOfRequest(tx, `${id}-${w.run}`)]),
  fc
    .tuple(accounts, fc.integer({ min: 0, max: 3 }))
    .map(([account, n]): Act => ['recent', (tx, w) => recentAudit(tx, accountOf(w, account), n)]),
  fc
    .tuple(fc.array(accounts, { maxLength: 2 }), instants, instants, fc.integer({ min: 1, max: 4 }))
    .map(([some, from, until, n]): Act => [
      'denied',
      (tx, w) =>
        deniedBetween(
          tx,
          some.map((account) => accountOf(w, account)),
          from,
          until,
          n,
        ),
    ]),
  fc
    .tuple(accounts, request, instants)
    .map(([account, id, at]): Act => [
      'ofParent',
      (tx, w) => auditOfParent(tx, { account: accountOf(w, account), requestId: id, at } as AuditRecord, 6),
    ]),
  fc
    .record({
      account: accounts,
      from: instants,
      until: instants,
      after: maybe(fc.record({ at: instants, id: fc.nat(300) })),
      limit: fc.integer({ min: 1, max: 4 }),
      requestIds: maybe(fc.array(request, { maxLength: 2 })),
      operation: maybe(word.map((service) => `op-${service}`)),
      service: maybe(word),
      readOnly: maybe(fc.boolean()),
      resourceText: maybe(fc.constantFrom('"arn": "s3"', 'iam')),
      userName: maybe(word),
      accessKeyId: maybe(word),
    })
    .map((query): Act => [
      'managementHistory',
      (tx, w) =>
        managementHistory(tx, {
          ...query,
          account: accountOf(w, query.account),
          requestIds: query.requestIds?.map((id) => `${id}-${w.run}`),
          region: 'r',
        }),
    ]),
);

// Metrics

const unit = fc.constantFrom('Count', 'count', 'Seconds');
const dimension = fc.record({ name: fc.constantFrom('d', 'e'), value: fc.constantFrom('1', '2') });
const metric = fc.record({
  account: fc.constantFrom('1', '1', '2'),
  name: fc.constantFrom('m', 'n'),
  dimensions: fc.uniqueArray(dimension, { maxLength: 2, selector: ({ name }) => name }),
});
const metricOf = (
  world: World,
  wanted: { account: string; name: string; dimensions: { name: string; value: string }[] },
) => ({
  ...wanted,
  account: accountOf(world, wanted.account),
  region: 'r',
  namespace: 'ns',
});
const minute = fc.integer({ min: 0, max: 2 }).map((n) => n * 60_000);
const point = fc.record({
  at: minute,
  unit,
  resolution: fc.constantFrom(1 as const, 60 as const),
  chunk: fc.integer({ min: 0, max: 2 }),
  values: fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 1, max: 3 })), { maxLength: 3 }),
});

export const metricActs: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        metric,
        fc.uniqueArray(point, {
          minLength: 1,
          maxLength: 4,
          selector: (p) => `${p.at} ${p.unit} ${p.resolution} ${p.chunk}`,
        }),
      )
      .map(([wanted, points]): Act => [
        'add',
        async (tx, w) => {
          const identified = metricOf(w, wanted);
          const identity = metricIdentity(identified);
          const series = await touchMetricSeries(tx, [{ identity, metric: identified, at: points[0]?.at ?? 0 }]);
          await addMetricPoints(
            tx,
            points.map(({ values, ...place }) => {
              const counts = new Map(values);
              const all = [...counts].flatMap(([value, n]) => Array.from({ length: n }, () => value));
              const sum = all.reduce((a, b) => a + b, 0);
              return {
                ...place,
                identity,
                samples: all.length,
                sum,
                minimum: Math.min(0, ...all),
                maximum: Math.max(0, ...all),
                values: counts,
              };
            }),
            series,
          );
          const read = { identity, startAt: 0, endAt: 240_000, periodMs: 60_000, distribution: true };
          return [[...series], await readMetric(tx, read)];
        },
      ]),
  },
  fc
    .record({
      wanted: metric,
      from: minute,
      to: minute,
      period: fc.constantFrom(60_000, 120_000),
      unit: maybe(unit),
      distribution: fc.boolean(),
    })
    .map(({ wanted, from, to, period, unit, distribution }): Act => [
      'read',
      (tx, w) =>
        readMetric(tx, {
          identity: metricIdentity(metricOf(w, wanted)),
          startAt: from,
          endAt: to,
          periodMs: period,
          ...(unit !== undefined && { unit }),
          distribution,
        }),
    ]),
  fc
    .record({
      account: accounts,
      name: maybe(fc.constantFrom('m', 'n')),
      namespace: maybe(fc.constantFrom('ns', 'other')),
      dimensions: maybe(
        fc.array(fc.record({ name: fc.constantFrom('d', 'e'), value: maybe(fc.constantFrom('1', '2')) }), {
          maxLength: 2,
        }),
      ),
      activeSince: minute,
      afterId: maybe(fc.nat(50).map(String)),
      limit: fc.integer({ min: 1, max: 3 }),
    })
    .map((options): Act => [
      'list',
      (tx, w) => listMetricSeries(tx, { ...options, account: accountOf(w, options.account), region: 'r' } as never),
    ]),
  fc
    .tuple(minute, minute)
    .map(([highResolution, standard]): Act => [
      'dropOld',
      (tx) => dropOldMetricPoints(tx, { highResolution, standard }),
    ]),
  fc
    .tuple(minute, minute, fc.boolean())
    .map(([from, to, secondsToMinutes]): Act => [
      'compact',
      (tx) => compactMetricPoints(tx, { from, to, secondsToMinutes }),
    ]),
);

// Log events

const stream = fc.constantFrom('s', 'st', 'other');
const groupOf = (world: World): string => `group-${world.run}`;
const cursor = fc.record({ at: instants, id: fc.nat(300).map(String) });

export const logActs: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        stream,
        fc.array(fc.record({ at: instants, message: fc.constantFrom('', 'short', 'äöü', 'nul \u0000') }), {
          maxLength: 5,
        }),
      )
      .map(([name, events]): Act => ['append', (tx, w) => appendLogEvents(tx, groupOf(w), name, events, 9)]),
  },
  fc
    .record(
      {
        streams: fc.array(stream, { maxLength: 2 }),
        streamPrefix: fc.constantFrom('s', 'st', ''),
        startAt: instants,
        endAt: instants,
        after: cursor,
        before: cursor,
        descending: fc.boolean(),
        mostBytes: fc.integer({ min: 0, max: 12 }),
        limit: fc.integer({ min: 1, max: 6 }),
      },
      { requiredKeys: ['limit'] },
    )
    .map((read): Act => ['read', (tx, w) => readLogEvents(tx, { logGroup: groupOf(w), ...read })]),
  fc
    .array(stream, { maxLength: 3 })
    .map((some): Act => ['spans', async (tx, w) => unordered([...(await logStreamSpans(tx, groupOf(w), some))])]),
  fc
    .record({ stream, before: instants }, { requiredKeys: [] })
    .map((options): Act => ['delete', (tx, w) => deleteLogEvents(tx, groupOf(w), options)]),
);

// Queue messages

const receipt = fc.constantFrom('r1', 'r2', 'r3');
const queueOf = (world: World, name: string): string => `${name}-${world.run}`;
const queue = fc.constantFrom('main', 'dead');

export const queueActs: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        queue,
        fc.array(fc.record({ body: fc.constantFrom('b', 'c'), sentAt: instants, visibleAt: instants }), {
          maxLength: 3,
        }),
      )
      .map(([name, messages]): Act => [
        'send',
        (tx, w) =>
          sendMessages(
            tx,
            queueOf(w, name),
            messages.map((message, n) => ({
              ...message,
              messageId: `m${n}`,
              attributes: { z: 1, a: 2 },
              system: { T: 't' },
              sender: 's',
            })),
          ),
      ]),
  },
  fc
    .tuple(
      queue,
      fc.record({
        now: instants,
        hiddenUntil: instants,
        oldestAt: fc.integer({ min: 0, max: 2 }),
        receipts: fc.uniqueArray(receipt, { minLength: 1 }),
      }),
    )
    .map(([name, options]): Act => ['receive', (tx, w) => receiveMessages(tx, queueOf(w, name), options)]),
  fc.tuple(queue, receipt).map(([name, r]): Act => ['delete', (tx, w) => deleteMessage(tx, queueOf(w, name), r)]),
  fc
    .tuple(queue, receipt, instants, instants)
    .map(([name, r, now, at]): Act => [
      'changeVisibility',
      (tx, w) => changeVisibility(tx, queueOf(w, name), r, now, at),
    ]),
  fc
    .tuple(instants, fc.integer({ min: 0, max: 2 }))
    .map(([now, maxReceiveCount]): Act => [
      'moveDeadLetters',
      (tx, w) =>
        moveDeadLetters(tx, queueOf(w, 'main'), queueOf(w, 'dead'), { now, maxReceiveCount, sourceArn: 'arn' }),
    ]),
  queue.map((name): Act => ['deleteAll', (tx, w) => deleteMessages(tx, queueOf(w, name))]),
  fc
    .tuple(queue, instants, instants)
    .map(([name, now, oldestAt]): Act => [
      'deleteExpired',
      (tx, w) => deleteExpiredMessages(tx, queueOf(w, name), { now, oldestAt }),
    ]),
  fc
    .tuple(queue, instants, fc.integer({ min: 0, max: 2 }))
    .map(([name, now, oldestAt]): Act => ['count', (tx, w) => countMessages(tx, queueOf(w, name), { now, oldestAt })]),
);
