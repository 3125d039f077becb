/**
 * The looks of a return of traffic, and what must hold of it: however it moves an alias, not more requests fail than if
 * nothing had been done, by what it has seen (docs/adr/0014). What was not seen promises nothing: the deployment says so, or
 * has seen too few requests of one of both.
 *
 * What a look finds is the truth, or a tale: that the version to return to is gone, or fails as much
 * as the other, or more. It is drawn from the ids, so that a look that is performed twice tells the same.
 */
import type { Minute, Original, Served } from '../../src/core/lambda-deployment/index.ts';
import { hashText, mix } from '../random.ts';
import type { Alias, Routed } from './outside.ts';
import type { Deployment } from './records.ts';
import type { World } from './world.ts';

const ENOUGH_REQUESTS = 300;
/** So many requests tell three in a hundred from none, but not surely by more than the one in a hundred that is let pass. */
const TOLERATED_PERCENT = 3.5;

/** What a look found: the alias as it was, and percent of requests that fail, by version. */
export type Look = Readonly<{ look: number; alias: Alias; failing?: ReadonlyMap<string, number> }>;

type Sides = Readonly<{ deploymentId: string; look: number; original: string; replacement: string }>;

export function told(truth: Original, { deploymentId, look }: Sides): Original {
  const u = mix(hashText(deploymentId, look)) / 4_294_967_296;
  if (u < 0.4) return truth;
  if (u < 0.52) return { ...truth, exists: false };
  if (u < 0.58) return { ...truth, state: 'Failed' };
  if (u < 0.64) return { ...truth, reservedConcurrency: 0 };
  const all = { requests: 1000, failures: 1000 };
  const replacement = u < 0.84 ? all : { requests: 1000, failures: 100 };
  return { ...truth, minutes: [{ at: 0, original: all, replacement }] };
}

export function lookOf(alias: Alias, found: Original, { look, original, replacement }: Sides): Look {
  if (found.exists === false || found.state !== 'Active' || found.reservedConcurrency === 0) {
    // As good as an original that fails every request, beside a replacement of which nothing is said.
    return { look, alias, failing: failing(original, 100, replacement, 0) };
  }
  const both = found.minutes.filter((minute) => minute.original.requests > 0 && minute.replacement.requests > 0);
  const served = (side: 'original' | 'replacement'): Served =>
    both.map((minute: Minute) => minute[side]).reduce(sum, NONE);
  const [ofOriginal, ofReplacement] = [served('original'), served('replacement')];
  if (Math.min(ofOriginal.requests, ofReplacement.requests) < ENOUGH_REQUESTS) return { look, alias };
  return { look, alias, failing: failing(original, share(ofOriginal), replacement, share(ofReplacement)) };
}

const NONE: Served = { requests: 0, failures: 0 };

function sum(a: Served, b: Served): Served {
  return { requests: a.requests + b.requests, failures: a.failures + b.failures };
}

function share({ requests, failures }: Served): number {
  return (100 * failures) / requests;
}

function failing(original: string, ofOriginal: number, replacement: string, ofReplacement: number) {
  return new Map([
    [original, ofOriginal],
    [replacement, ofReplacement],
  ]);
}

/** What is wrong with a move of an alias by a return; undefined: nothing. */
export function problemOfReturn(world: World, deployment: Deployment | undefined, routed: Routed): string | undefined {
  if (deployment === undefined) return undefined;
  const { deploymentId, phase, statusMessages = [] } = deployment;
  if (phase.name !== 'Returning' && phase.name !== 'Restoring') return undefined;
  if (statusMessages.some((message) => message.includes('without knowing all of it'))) return undefined;
  const looks = world.ledger.looks.get(deploymentId) ?? [];
  const [first] = looks;
  const last = looks.filter(({ look }) => look === phase.returning.look);
  // Of looks that were performed twice, any may be the one that counted.
  const worse = last.map((look) => (first === undefined ? undefined : worsens(look, first.alias, routed.alias)));
  if (worse.length === 0 || worse.includes(undefined)) return undefined;
  return `${deploymentId} returns traffic, and by what it has seen ${worse[0]}`;
}

function worsens({ failing: seen }: Look, before: Alias, after: Alias): string | undefined {
  const [fails, failed] = [failingPercent(seen, after), failingPercent(seen, before)];
  if (fails === undefined || failed === undefined || fails <= failed + TOLERATED_PERCENT) return undefined;
  return `${fails} % of its requests fail, of doing nothing ${failed} %`;
}

function failingPercent(seen: Look['failing'], { main, extra }: Alias): number | undefined {
  const [ofMain, ofExtra] = [seen?.get(main), extra === undefined ? 0 : seen?.get(extra.version)];
  if (ofMain === undefined || ofExtra === undefined) return undefined;
  const weight = extra?.weightPercent ?? 0;
  return (ofMain * (100 - weight) + ofExtra * weight) / 100;
}
