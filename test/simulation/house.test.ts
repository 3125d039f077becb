/**
 * The whole house under the seeded scheduler: a short share of its seeds, that a seed is a run and always the same, and the
 * histories that broke something once.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { OpenHouse } from '../../src/app/open-house.ts';
import { bytesOf } from '../../simulation/house/answer.ts';
import { Developers } from '../../simulation/house/developers.ts';
import { WORK_TYPE } from '../../simulation/house/layout.ts';
import { Ledger } from '../../simulation/house/ledger.ts';
import { type HouseOptions, runHouse, runHouses } from '../../simulation/house/run.ts';
import { storedZip } from '../../simulation/house/stored-zip.ts';
import { World } from '../../simulation/house/world.ts';

describe('the whole house', () => {
  it('breaks no invariant, and a seed is one run', async () => {
    const [first, again] = [await runHouse({ seed: 11, steps: 600 }), await runHouse({ seed: 11, steps: 600 })];
    expect(first.violation).toBeUndefined();
    expect(again.digest).toBe(first.digest);
    const other = await runHouse({ seed: 12, steps: 600 });
    expect(other.violation).toBeUndefined();
    expect(other.digest).not.toBe(first.digest);
  });

  it('breaks none in several processes either', async () => {
    const [first, again] = [await runHouses({ seed: 25, steps: 1_500 }), await runHouses({ seed: 25, steps: 1_500 })];
    expect(first.violation).toBeUndefined();
    expect(again.digest).toBe(first.digest);
    expect(first.mischief['crash']).toBeGreaterThan(0);
  });

  /** A checker that never fails is no checker. The first seed is one that shows it today; where the house has changed, one soon after does. */
  async function caught(
    breakHouse: (open: OpenHouse) => void,
    omit: readonly string[] = [],
    { seed: from = 1, ...more }: Partial<HouseOptions> = {},
  ): Promise<string | undefined> {
    for (let seed = from; seed < from + 40; seed++) {
      const { violation } = await runHouse({ seed, steps: 2_500, kind: 'Faultless', omit, breakHouse, ...more });
      if (violation !== undefined) return violation.invariant;
    }
    return undefined;
  }

  it('notices a door that lets everybody in', async () => {
    const breakHouse = ({ authorizer }: OpenHouse): void => {
      authorizer.authorize = () => Promise.resolve();
    };
    expect(await caught(breakHouse)).toBe('PoliciesDecide');
  });

  it('notices a write that was acknowledged and not kept', async () => {
    const breakHouse = ({ house }: OpenHouse): void => {
      const put = house.blobs.put.bind(house.blobs);
      house.blobs.put = async (source) => {
        const info = await put(source);
        await house.blobs.delete(info.digest);
        return info;
      };
    };
    expect(await caught(breakHouse)).toMatch(/^(Durable|NoInternalFailure)$/);
  });

  it('notices a grant that goes on after it was taken away', async () => {
    const breakHouse = ({ identity }: OpenHouse): void => {
      const kept = new Map<string, ReturnType<typeof identity.policiesOf>>();
      const ask = identity.policiesOf.bind(identity);
      (identity as { policiesOf: typeof ask }).policiesOf = (principal) => {
        const name = principal.type === 'AssumedRole' ? principal.roleArn : 'arn' in principal ? principal.arn : '';
        const known = kept.get(name) ?? ask(principal);
        kept.set(name, known);
        return known;
      };
    };
    // Nothing but what shows it: pushes, and grants that come and go.
    const omit = ['gate', 'edit', 'stop', 'drill', 'stopDeployment', 'deploy', 'readBack', 'intrude'];
    expect(await caught(breakHouse, omit)).toBe('PoliciesDecide');
  });

  it('notices one that takes from the living', async () => {
    const breakHouse = ({ house: { members } }: OpenHouse): void => {
      members.standing = () => Promise.resolve(new Set([members.self]));
    };
    expect(await caught(breakHouse, [], { seed: 9, processes: 2 })).toBe('TakesFromTheGone');
  });

  it('notices a failure of a function that is taken for a success', async () => {
    const breakHouse = ({ house: { engine } }: OpenHouse): void => {
      const submit = engine.submit.bind(engine);
      engine.submit = (kind, key, event) =>
        submit(kind, key, event.type === 'RunFailed' ? { ...event, type: 'RunSucceeded' } : event);
    };
    expect(await caught(breakHouse)).toBe('EventNotLost');
  });

  it('notices a hook whose no is taken for a yes', async () => {
    const breakHouse = ({ door }: OpenHouse): void => {
      const execute = door.execute.bind(door);
      door.execute = (call) =>
        execute(
          call.operation === 'PutLifecycleEventHookExecutionStatus'
            ? { ...call, input: { ...(call.input as object), status: 'Succeeded' } }
            : call,
        );
    };
    // Nothing but deployments, of which one in a few has a hook that says no.
    const omit = ['gate', 'edit', 'stop', 'drill', 'stopDeployment', 'grant', 'readBack', 'intrude', 'retry', 'start'];
    const more = { seed: 10, steps: 10_000 };
    expect(await caught(breakHouse, [...omit, 'startTwice', 'burst', 'push'], more)).toBe('HookDecides');
  });
});

describe('a history told', () => {
  let world: World;
  afterEach(() => world.end());

  /** Runs the world until the promise is settled. */
  async function run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    void promise.then(() => (settled = true));
    await world.run(() => settled);
    return promise;
  }

  async function begun(processes = 1): Promise<World> {
    world = new World({ seed: 7, processes });
    await world.begin();
    // What came with the accounts is done.
    await run(world.scheduler.wait({ label: 'a while', afterMs: 5_000 }));
    return world;
  }

  it('a spell that was about to begin when faults stopped does not begin', async () => {
    await begun();
    world.faults.stop();
    world.faults.spell('DatabaseDown');
    const { dev } = world.layout.people;
    const name = world.layout.pipelines[0]?.name;
    expect(await run(world.ask(dev, 'codepipeline', 'GetPipeline', { name }))).toHaveProperty('output');
  });

  it('what a killed process was to do is done by another within five seconds', async () => {
    await begun(2);
    expect(world.isUp).toBe(true);
    const ledger = new Ledger(world);
    const developers = new Developers(world, ledger);
    const plan = world.layout.pipelines[0]!;
    await run(developers.push({ ...plan, starts: 'ByHand' }));
    const { id } = ledger.executions[0]!;
    const [effect] = [...world.disk.outbox.cells.values()].filter(({ row }) => row.document_id === plan.name);
    world.seats.find(({ process }) => process?.open.house.members.self === effect?.row.owner)?.crash();
    expect(world.isUp).toBe(false);
    await run(world.scheduler.wait({ label: 'a while', afterMs: 5_000 }));
    expect(ledger.execution(plan.name, id)?.actions[0]).toMatchObject({ action: 'Fetch', status: 'Succeeded' });
    expect(world.counts['effects taken over']).toBeGreaterThan(0);
    expect(world.violation).toBeUndefined();
  });

  it('an object whose commit was not heard of is whole, if it is there', async () => {
    await begun();
    const { dev } = world.layout.people;
    const Body = storedZip({ 'a.txt': 'hello' });
    world.faults.failNext = { trip: 'Commit Coming' };
    const put = await run(world.ask(dev, 's3', 'PutObject', { Bucket: 'source', Key: 'p0.zip', Body }));
    expect(put).toMatchObject({ code: 'CommitUnknownError' });
    const read = world.answer(world.process!, async () => {
      const { identity, door } = world.process!.open;
      const credentials = await identity.credentials(dev.accessKeyId);
      const client = door.as(credentials!.principal, { account: dev.account, region: 'us-east-1' });
      const { Body: body } = await client.call<{ Body: never }>('s3', 'GetObject', { Bucket: 'source', Key: 'p0.zip' });
      return Buffer.from(await bytesOf(body)).equals(Body);
    });
    expect(await run(read)).toEqual({ output: true });
  });

  it('a job whose data cannot be read for a moment is handed out later, and fails nothing', async () => {
    await begun();
    const { pipelines, people } = world.layout;
    const ledger = new Ledger(world);
    const developers = new Developers(world, ledger);
    const name = pipelines[0]?.name ?? '';
    await run(developers.push({ ...pipelines[0]!, starts: 'ByHand' }));
    await run(world.scheduler.wait({ label: 'a while', afterMs: 5_000 }));
    const poll = (): Promise<unknown> =>
      run(world.ask(people.worker, 'codepipeline', 'PollForJobs', { actionTypeId: WORK_TYPE }));
    for (let after = 0, failed = true; failed; after++) {
      world.faults.failNext = { trip: 'Statement Going', after };
      const polled = (await poll()) as object;
      failed = world.faults.failNext === undefined && !('output' in polled);
      world.faults.failNext = undefined;
      const builds = ledger
        .line(name)!
        .executions.flatMap(({ actions }) => actions)
        .filter(({ stage }) => stage === 'Build');
      expect(builds.map(({ status }) => status)).not.toContain('Failed');
      expect(builds.length).toBeGreaterThan(0);
    }
  });
});
