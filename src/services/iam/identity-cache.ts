/**
 * What the authorisation of every call asks for, kept in memory: one cache per house, forgotten at any write of IAM's.
 *
 * Several processes on one database learn of each other's writes by a counter, which is read at each look-up; a process
 * that has the database to itself need not ask.
 */
import { bumpIdentityGeneration, identityGeneration, type Tx } from '../../store/index.ts';
import type { Call, Credentials, House, PrincipalPolicies } from '../index.ts';

export type Known = Readonly<{
  credentials: Map<string, Credentials | undefined>;
  policies: Map<string, PrincipalPolicies>;
}>;

const MOST_KNOWN = 20_000;

type Cache = { known: Known; generation: string };

const caches = new WeakMap<House, Cache>();

/** The maps to read and fill. Hold on to what this returned: after a write there are new ones, and old answers stay out of them. */
export async function known(house: House): Promise<Known> {
  const cache = cacheOf(house);
  if (house.store.kind === 'url') {
    const generation = await identityGeneration(house.store);
    if (generation !== cache.generation) forget(cache);
    cache.generation = generation;
  }
  if (cache.known.credentials.size + cache.known.policies.size > MOST_KNOWN) forget(cache);
  return cache.known;
}

/** One write of IAM's: a transaction, after which nothing remembered is believed. */
export async function change<T>(call: Pick<Call, 'house'>, work: (tx: Tx) => Promise<T>): Promise<T> {
  return call.house.store.transaction(async (tx) => {
    const result = await work(tx);
    await bumpIdentityGeneration(tx);
    // At its end, whatever that was: a commit whose answer was lost may have happened.
    tx.afterEnd(() => forget(cacheOf(call.house)));
    return result;
  });
}

function cacheOf(house: House): Cache {
  let cache = caches.get(house);
  if (cache === undefined) {
    cache = { known: empty(), generation: '' };
    caches.set(house, cache);
  }
  return cache;
}

function forget(cache: Cache): void {
  cache.known = empty();
}

function empty(): Known {
  return { credentials: new Map(), policies: new Map() };
}
