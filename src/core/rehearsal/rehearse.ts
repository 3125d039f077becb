/** A deployment alone in virtual time, against made-up requests. */
import { assert, type EpochMs, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import { DeploymentRun, type Plan } from './deployment.ts';
import type { Fault } from './faults.ts';
import { type AskedAt, deploymentNeeds, lackAt } from './grants.ts';
import type { Moment, Rehearsal } from './outcome.ts';
import { chance } from './random.ts';
import { Site } from './site.ts';
import type { Workload } from './workload.ts';

/** Any instant will do, but for its place in the minute, which is drawn. */
export const EPOCH = Date.UTC(2026, 0, 1);
export const HOOK_MS = 10 * SECOND_MS;
const MOST_MS = 60 * 24 * 60 * MINUTE_MS;

export function rehearse(
  plan: Plan,
  workload: Workload & { readonly hookMs?: number },
  fault: Fault,
  seed: number,
): Rehearsal {
  const random = chance(seed);
  const startAt = EPOCH + Math.floor(random.uniform() * 60) * SECOND_MS;
  const timeline: Moment[] = [];
  let now: EpochMs = startAt;
  const say = (what: string): void => void timeline.push({ atMs: now - startAt, what });
  const site = new Site(plan.alarms, workload, random, plan.judge !== undefined);
  const needs = deploymentNeeds(plan);
  const lacks = (when: AskedAt): string | undefined => lackAt(fault.denies, { at: '', by: 'deployment' }, when, needs);
  const run = new DeploymentRun({ plan, site, fault, release: 1, hookMs: workload.hookMs ?? HOOK_MS, say, lacks }, now);
  say('the deployment begins');
  run.begin(now);
  while (!run.isOver) {
    now = Math.min(run.nextAt, site.nextAt);
    assert(now - startAt < MOST_MS, 'a rehearsal ends');
    // Alarms first, as they tell the deployment.
    if (site.nextAt <= now)
      for (const { name, value } of site.evaluate(now)) {
        say(`${name}: ${value}`);
        run.alarmChanged(name, now);
      }
    run.fire(now);
  }
  const { phase } = run.state;
  assert(phase.name === 'Ended', 'the deployment has ended');
  site.close(1, now);
  const { status, error } = phase;
  say(`${status}${error === undefined ? '' : `: ${error.message}`}`);
  return {
    fault: fault.name,
    seed,
    status,
    stopped: status !== 'Succeeded',
    ...(run.rollback === undefined ? {} : { rollback: run.rollback }),
    ...(error === undefined ? {} : error),
    alarms: error?.code === 'ALARM_ACTIVE' ? site.raised() : [],
    endedAfterMs: (run.endedAt ?? now) - (site.movedAt.get(1) ?? startAt),
    hurt: site.hurt,
    requests: site.requests,
    goesOnPerMinute: site.failingPerMinute(now),
    timeline,
  };
}
