/**
 * What must hold of a return of traffic: however it moves an alias, not more requests fail than if nothing had been done
 * (docs/adr/0014). Versions fail as they are made, so what was seen stays true. What was not seen promises nothing: the
 * deployment says so, or has seen too few requests of one of both.
 */
import type { Minute, Original } from '../../src/core/lambda-deployment/index.ts';
import type { Alias, Routed } from './outside.ts';
import type { Deployment } from './records.ts';
import type { World } from './world.ts';

const ENOUGH_REQUESTS = 300;
/** So many requests tell three in a hundred from none, but not surely by more than the one in a hundred that is let pass. */
const TOLERATED_PERCENT = 3.5;

/** What the first look of a return found: the alias, and the fewer of both versions' requests. */
export type FirstLook = Readonly<{ alias: Alias; requests: number }>;

export function firstLook(alias: Alias, { minutes }: Original): FirstLook {
  const both = minutes.filter(({ original, replacement }) => original.requests > 0 && replacement.requests > 0);
  const sum = (of: (minute: Minute) => number): number => both.reduce((total, minute) => total + of(minute), 0);
  return {
    alias,
    requests: Math.min(
      sum((each) => each.original.requests),
      sum((each) => each.replacement.requests),
    ),
  };
}

/** What is wrong with a move of an alias by a return; undefined: nothing. */
export function problemOfReturn(world: World, deployment: Deployment | undefined, routed: Routed): string | undefined {
  if (deployment?.phase.name !== 'Returning' && deployment?.phase.name !== 'Restoring') return undefined;
  const { deploymentId, statusMessages = [] } = deployment;
  const first = world.ledger.firstLooks.get(deploymentId);
  if (first === undefined || first.requests < ENOUGH_REQUESTS) return undefined;
  if (statusMessages.some((message) => message.includes('without knowing all of it'))) return undefined;
  const [fails, failed] = [world.outside.failingPercent(routed.alias), world.outside.failingPercent(first.alias)];
  if (fails <= failed + TOLERATED_PERCENT) return undefined;
  return `${deploymentId} returns traffic: ${fails} % of its requests fail, of doing nothing ${failed} %`;
}
