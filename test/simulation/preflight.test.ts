/**
 * Preflight agrees with what then happens. A pipeline over two accounts loses random grants, or gets random denies; what
 * preflight says is compared with the run: it says that something is denied exactly when the run fails, and the first
 * thing that it names is what the run is first denied, in the action that fails.
 *
 * `SLUICE_PREFLIGHT_ROUNDS` makes it longer, and takes each grant away alone before it throws dice; `SLUICE_PREFLIGHT_SEED`
 * makes it another. A failure prints the round.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preflight, type PreflightReport } from '../../src/app/preflight/preflight.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { type Grant, makeTwoAccounts, TWO_ACCOUNTS_SERVICES, type TwoAccounts } from '../support/two-accounts.ts';

const ROUNDS = Number(process.env['SLUICE_PREFLIGHT_ROUNDS'] ?? 4);
const LONG = process.env['SLUICE_PREFLIGHT_ROUNDS'] !== undefined;
const SEED = Number(process.env['SLUICE_PREFLIGHT_SEED'] ?? 20261124);
const DEADLINE_MS = 60_000;

let sluice: TestSluice;
let world: TwoAccounts;

type Run = Readonly<{ succeeded: boolean; failedAction?: string; error?: string; denials: readonly Denial[] }>;
type Denial = Readonly<{ principal: string; action: string; resource: string }>;

function foreseen(): Promise<PreflightReport> {
  const { account, region } = sluice;
  return preflight(sluice.open, { account, region }, world.pipeline);
}

/** Every denial that preflight says would stop the pipeline, in the order of the pipeline. */
function stopping(report: PreflightReport) {
  return report.actions.flatMap(({ stage, action, denied }) =>
    denied.map((denial) => ({ at: `${stage}/${action}`, ...denial })),
  );
}

type Details = Readonly<{
  stageName: string;
  actionName: string;
  status: string;
  output?: { executionResult?: { errorDetails?: { message?: string } } };
}>;

async function run(): Promise<Run> {
  const { tools, pipeline: pipelineName } = world;
  await sluice.open.audit.flush();
  const [newest] = await sluice.house.store.query<{ last: string | number }>(
    'SELECT coalesce(max(id), 0) AS last FROM audit',
  );
  const { pipelineExecutionId } = await tools.call<{ pipelineExecutionId: string }>(
    'codepipeline',
    'StartPipelineExecution',
    { name: pipelineName },
  );
  const status = await finalStatus(pipelineExecutionId);
  const { actionExecutionDetails: details } = await tools.call<{ actionExecutionDetails: readonly Details[] }>(
    'codepipeline',
    'ListActionExecutions',
    { pipelineName, filter: { pipelineExecutionId } },
  );
  const failed = details.find((each) => each.status === 'Failed');
  await sluice.open.audit.flush();
  const rows = await sluice.house.store.query<{
    record: { decision?: { request: Omit<Denial, 'principal'>; principal: { arn?: string; service?: string } } };
  }>(
    `SELECT record FROM audit WHERE id > $1 AND record -> 'decision' IS NOT NULL AND record ->> 'decision' IS NOT NULL ORDER BY id`,
    [newest?.last ?? 0],
  );
  const denials = rows.flatMap(({ record: { decision } }) =>
    decision === undefined
      ? []
      : { ...decision.request, principal: decision.principal.arn ?? decision.principal.service ?? '' },
  );
  return {
    succeeded: status === 'Succeeded',
    denials,
    ...(failed && {
      failedAction: `${failed.stageName}/${failed.actionName}`,
      error: failed.output?.executionResult?.errorDetails?.message ?? '',
    }),
  };
}

async function finalStatus(pipelineExecutionId: string): Promise<string> {
  const giveUpAt = performance.now() + DEADLINE_MS;
  for (;;) {
    await sluice.settled();
    const { pipelineExecution } = await world.tools.call<{ pipelineExecution: { status: string } }>(
      'codepipeline',
      'GetPipelineExecution',
      { pipelineName: world.pipeline, pipelineExecutionId },
    );
    if (pipelineExecution.status !== 'InProgress') return pipelineExecution.status;
    if (performance.now() > giveUpAt) throw new Error(`the execution ${pipelineExecutionId} did not end`);
    await delay(20);
  }
}

/** Sessions are kept for a minute of the clock; the alias is where the AppSpec says. */
async function anew(): Promise<void> {
  await sluice.clock.advance('PT10M');
  await world.restoreAlias();
}

/** mulberry32 */
function dice(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % most;
  };
}

/** A deny of what a grant allows, in the same policy. */
function denyOf(grant: Grant): Grant {
  return { ...grant, name: `deny ${grant.name}`, statement: { ...grant.statement, Effect: 'Deny' } };
}

/** `a/*` fits `a/xyz`. */
function fits(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(String.raw`\*`, '[^/]*');
  return new RegExp(`^${escaped}$`).test(text);
}

describe.each([{ region: 'us-east-1' }, { region: 'eu-west-1' }])('with the deployment in $region', ({ region }) => {
  beforeAll(async () => {
    sluice = await startSluice({ services: TWO_ACCOUNTS_SERVICES, seed: 5 });
    world = await makeTwoAccounts(sluice, region);
  });

  afterAll(() => sluice?.close());

  it('is clean for a pipeline that has all it needs, which then succeeds', async () => {
    const before = await foreseen();
    expect(stopping(before)).toEqual([]);
    await anew();
    const first = await run();
    expect(first).toMatchObject({ succeeded: true, denials: [] });
    const after = await foreseen();
    expect(after).toMatchObject({ clean: true });
  });

  it(
    `says what the run is then denied, in ${ROUNDS} rounds of seed ${SEED}`,
    { timeout: ROUNDS * 30_000 },
    async () => {
      const roll = dice(SEED);
      for (let round = 1; round <= ROUNDS; round++) {
        const removed = new Set<string>();
        const added: Grant[] = [];
        const alone = LONG ? world.grants[round - 1] : undefined;
        if (alone !== undefined) removed.add(alone.name);
        for (let count = alone === undefined ? roll(3) : -1; count >= 0; count--) {
          const grant = world.grants[roll(world.grants.length)];
          if (grant === undefined) continue;
          if (roll(4) === 0) added.push(denyOf(grant));
          else removed.add(grant.name);
        }
        const what = `round ${round} of seed ${SEED}: without ${[...removed].join(', ') || 'nothing'}; with ${added.map(({ name }) => name).join(', ') || 'nothing'}`;
        await anew();
        await world.set(removed, added);
        const said = await foreseen();
        const done = await run();
        compare(said, done, what);
      }
      await world.set(new Set());
    },
  );
});

function compare(said: PreflightReport, done: Run, what: string): void {
  const [first, ...others] = stopping(said);
  const story = `${what}\nsaid: ${JSON.stringify([first, ...others].map((each) => each && [each.at, each.message]))}\ndone: ${JSON.stringify(done)}`;
  expect(done.succeeded, story).toBe(first === undefined);
  const passed = said.actions.flatMap(({ passedOver }) => passedOver);
  const stops = done.denials.filter(
    ({ action, resource }) => !passed.some((each) => each.action === action && fits(each.resource, resource)),
  );
  if (first === undefined) {
    expect(stops, story).toEqual([]);
    return;
  }
  expect(done.failedAction, story).toBe(first.at);
  expect(stops[0]?.action, story).toBe(first.action);
  expect(fits(first.resource, stops[0]?.resource ?? ''), story).toBe(true);
  expect(fits(first.principal, stops[0]?.principal ?? ''), story).toBe(true);
  for (const denial of [first, ...others]) expect(denial.mend, story).toMatchObject({ proven: true });
}
