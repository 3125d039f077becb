/** Who changes pipelines and what runs through them: pushes, starts, stops, retries, gates, edits, and grants. */
import type { GetPipelineStateOutput, ListPipelineExecutionsOutput } from '@aws-sdk/client-codepipeline';
import type { Random } from '../random.ts';
import { accountOf, declarationOf, grantsOf, type PipelinePlan, type RoleName, rolePolicy } from './layout.ts';
import type { Ledger } from './ledger.ts';
import { storedZip } from './stored-zip.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

export class Developers {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #edits = new Map<string, number>();
  readonly #missing = new Map<RoleName, Set<string>>();
  #pushes = 0;

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
    this.#random = world.scheduler.random('developers');
  }

  async act(): Promise<void> {
    const plan = this.#random.pick(this.#world.layout.pipelines);
    const what = this.#random.weighted({
      push: 30,
      burst: 4,
      start: 14,
      startTwice: 4,
      stop: 8,
      retry: 14,
      gate: 6,
      edit: 4,
      grant: 8,
      intrude: 3,
      readBack: 6,
    });
    if (this.#world.mischief.admit(what)) await this[what](plan);
  }

  async push(plan: PipelinePlan): Promise<void> {
    const n = ++this.#pushes;
    const Body = storedZip({
      'request.json': JSON.stringify({ n, good: this.#world.mischief.random('push').chance(0.7) }),
    });
    const Key = `${plan.name}.zip`;
    const { dev } = this.#world.layout.people;
    const answer = await this.#world.ask<{ VersionId?: string }>(dev, 's3', 'PutObject', {
      Bucket: 'source',
      Key,
      Body,
    });
    if (!('output' in answer)) return;
    this.#ledger.objectKept('source', Key, answer.output.VersionId ?? '', Body);
    if (plan.starts === 'ByHand') await this.start(plan);
  }

  async burst(plan: PipelinePlan): Promise<void> {
    await Promise.all(
      Array.from({ length: this.#world.mischief.random('burst').between(2, 4) }, () => this.push(plan)),
    );
  }

  async start(plan: PipelinePlan, clientRequestToken?: string): Promise<string | undefined> {
    const answer = await this.#world.ask<{ pipelineExecutionId: string }>(
      this.#world.layout.people.dev,
      'codepipeline',
      'StartPipelineExecution',
      { name: plan.name, clientRequestToken },
    );
    if (!('output' in answer)) return undefined;
    const { pipelineExecutionId: id } = answer.output;
    this.#ledger.executionStarted(plan.name, id);
    return id;
  }

  /** As a client does that did not hear the first answer. */
  async startTwice(plan: PipelinePlan): Promise<void> {
    const token = `token-${this.#world.mischief.random('startTwice').bits()}`;
    const ids = await Promise.all([this.start(plan, token), this.start(plan, token)]);
    const [first, second] = ids;
    if (first !== undefined && second !== undefined && first !== second)
      this.#world.fail(new Violation('Once', `one request token started ${first} and ${second} of ${plan.name}`));
  }

  async stop(plan: PipelinePlan): Promise<void> {
    const id = await this.#anExecution(this.#world.mischief.random('stop'), plan, ['InProgress', 'Stopping']);
    if (id === undefined) return;
    await this.#asDev('StopPipelineExecution', {
      pipelineName: plan.name,
      pipelineExecutionId: id,
      abandon: this.#world.mischief.random('stop').chance(0.5),
      reason: 'as planned',
    });
  }

  async retry(plan: PipelinePlan): Promise<void> {
    const id = await this.#anExecution(this.#world.mischief.random('retry'), plan, ['Failed', 'Stopped']);
    const state = await this.#world.ask<GetPipelineStateOutput>(
      this.#world.layout.people.dev,
      'codepipeline',
      'GetPipelineState',
      { name: plan.name },
    );
    if (!('output' in state)) return;
    const failed = (state.output.stageStates ?? []).filter((stage) =>
      ['Failed', 'Stopped'].includes(stage.latestExecution?.status ?? ''),
    );
    if (failed.length === 0) return;
    const stage = this.#world.mischief.random('retry').pick(failed);
    await this.#asDev('RetryStageExecution', {
      pipelineName: plan.name,
      stageName: stage.stageName,
      pipelineExecutionId: stage.latestExecution?.pipelineExecutionId ?? id,
      retryMode: this.#world.mischief.random('retry').pick(['FAILED_ACTIONS', 'ALL_ACTIONS']),
    });
  }

  async gate(plan: PipelinePlan): Promise<void> {
    const gate = {
      pipelineName: plan.name,
      stageName: this.#world.mischief.random('gate').pick(['Build', 'Deploy']),
      transitionType: 'Inbound',
    };
    await this.#asDev('DisableStageTransition', { ...gate, reason: 'not now' });
    this.#world.scheduler.offer({
      label: 'gate opens',
      afterMs: (u) => u * 1_800_000,
      run: () => void this.#asDev('EnableStageTransition', gate),
    });
  }

  async edit(plan: PipelinePlan): Promise<void> {
    const { admin } = this.#world.layout.people;
    const edits = (this.#edits.get(plan.name) ?? 0) + 1;
    this.#edits.set(plan.name, edits);
    const { key, secret } = this.#world.layout;
    const pipeline = declarationOf(plan, key, secret, edits);
    await this.#world.ask(admin, 'codepipeline', 'UpdatePipeline', { pipeline });
  }

  /** Takes a grant away, and gives it back after a while. */
  async grant(): Promise<void> {
    const role = this.#world.mischief.random('grant').pick(['P', 'X', 'D', 'R'] as const);
    const { name } = this.#world.mischief.random('grant').pick(grantsOf(this.#world.layout.key)[role]);
    const missing = this.#missing.get(role) ?? new Set();
    this.#missing.set(role, missing.add(name));
    await this.#putPolicy(role);
    this.#world.scheduler.offer({
      label: 'grant back',
      afterMs: (u) => u * 900_000,
      run: () => {
        missing.delete(name);
        void this.#putPolicy(role);
      },
    });
  }

  /** A stranger is let in nowhere. */
  async intrude(plan: PipelinePlan): Promise<void> {
    const { nobody } = this.#world.layout.people;
    const [service, operation, input] = this.#world.mischief.random('intrude').pick([
      ['codepipeline', 'StartPipelineExecution', { name: plan.name }],
      ['s3', 'GetObject', { Bucket: 'source', Key: `${plan.name}.zip` }],
      ['kms', 'DescribeKey', { KeyId: this.#world.layout.key }],
      ['iam', 'GetRole', { RoleName: 'P' }],
      ['sts', 'AssumeRole', { RoleArn: this.#world.layout.roles.X, RoleSessionName: 'me' }],
      ['codepipeline', 'GetPipeline', { name: plan.name }],
    ] as const);
    const answer = await this.#world.ask(nobody, service, operation, input);
    if ('output' in answer)
      this.#world.fail(
        new Violation('PoliciesDecide', `somebody without a policy was allowed ${service}:${operation}`),
      );
  }

  /** What was acknowledged some time ago can be read. */
  async readBack(): Promise<void> {
    const { objects } = this.#ledger;
    if (objects.length > 0) await this.#world.readObject(this.#world.mischief.random('readBack').pick(objects));
  }

  /** Everything as it was meant: all grants, all gates open. */
  async mend(): Promise<void> {
    this.#missing.clear();
    for (const role of ['P', 'X', 'D', 'R'] as const) await this.#putPolicy(role);
    for (const { name: pipelineName } of this.#world.layout.pipelines)
      for (const stageName of ['Build', 'Deploy'])
        await this.#asDev('EnableStageTransition', { pipelineName, stageName, transitionType: 'Inbound' });
  }

  async #putPolicy(role: RoleName): Promise<void> {
    const { people, key } = this.#world.layout;
    const PolicyDocument = rolePolicy(grantsOf(key)[role], this.#missing.get(role) ?? new Set());
    const account = accountOf(role);
    const admin = account === people.admin.account ? people.admin : people.targetAdmin;
    // Until it is done: an administrator tries again.
    for (;;) {
      const answer = await this.#world.ask(admin, 'iam', 'PutRolePolicy', {
        RoleName: role,
        PolicyName: 'may',
        PolicyDocument,
      });
      if ('output' in answer) return this.#ledger.rolePolicyPut(account, role, PolicyDocument);
      await this.#world.scheduler.wait({ label: 'tries again', afterMs: 10_000 });
    }
  }

  #asDev(operation: string, input: object): Promise<unknown> {
    return this.#world.ask(this.#world.layout.people.dev, 'codepipeline', operation, input);
  }

  async #anExecution(random: Random, plan: PipelinePlan, statuses: readonly string[]): Promise<string | undefined> {
    const answer = await this.#world.ask<ListPipelineExecutionsOutput>(
      this.#world.layout.people.dev,
      'codepipeline',
      'ListPipelineExecutions',
      { pipelineName: plan.name, maxResults: 10 },
    );
    if (!('output' in answer)) return undefined;
    const found = (answer.output.pipelineExecutionSummaries ?? []).filter(({ status = '' }) =>
      statuses.includes(status),
    );
    return found.length === 0 ? undefined : random.pick(found).pipelineExecutionId;
  }
}
