/**
 * The whole house under the seeded scheduler: a short share of its seeds, that a seed is a run and always the same, and the
 * histories that broke something once.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { bytesOf } from '../../simulation/house/answer.ts';
import { Developers } from '../../simulation/house/developers.ts';
import { WORK_TYPE } from '../../simulation/house/layout.ts';
import { Ledger } from '../../simulation/house/ledger.ts';
import { storedZip } from '../../simulation/house/stored-zip.ts';
import { World } from '../../simulation/house/world.ts';

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

  async function begun(): Promise<World> {
    world = new World({ seed: 7 });
    await world.begin();
    // What came with the accounts is done.
    await run(world.scheduler.wait({ label: 'a while', afterMs: 5_000 }));
    return world;
  }

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
