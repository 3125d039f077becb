/**
 * Job workers: they poll, acknowledge, read the input with the credentials they are given, ask in the target account which
 * version is live, write an AppSpec as output, and report. In bad times they forget, are late, fail, or report twice.
 */
import type { Job, PollForJobsOutput } from '@aws-sdk/client-codepipeline';
import type { Readable } from 'node:stream';
import { AwsError } from '../../src/common/index.ts';
import type { Client } from '../../src/services/index.ts';
import type { Random } from '../random.ts';
import { bytesOf, sha256, UNKNOWN_OUTCOME } from './answer.ts';
import { FUNCTION, type GroupPlan, REGION, TARGET, TOOLS, VERSIONS, WORK_TYPE } from './layout.ts';
import type { Ledger } from './ledger.ts';
import type { HouseProcess } from './process.ts';
import { appSpec } from './releasers.ts';
import { readStored, storedZip } from './stored-zip.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

export const BAD_VERSIONS: readonly string[] = ['3', '6'];

export class Workers {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #random: Random;
  /** Acknowledged, perhaps, and without a result, perhaps. */
  readonly #open = new Map<string, Job>();
  /** Jobs of which a result was accepted. */
  readonly #done = new Set<string>();

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
    this.#random = world.scheduler.random('workers');
  }

  async work(): Promise<void> {
    const answer = await this.#ask<PollForJobsOutput>('PollForJobs', {
      actionTypeId: WORK_TYPE,
      maxBatchSize: this.#random.between(1, 3),
    });
    if ('output' in answer) for (const job of answer.output.jobs ?? []) await this.#take(job);
    // In the end they look through what lies on their desks.
    if (this.#world.calm) for (const job of this.#open.values()) await this.#finish(job);
  }

  async #take(job: Job): Promise<void> {
    const { artifactCredentials } = job.data ?? {};
    for (const secret of [artifactCredentials?.secretAccessKey, artifactCredentials?.sessionToken])
      if (secret !== undefined) this.#world.learnSecret(secret);
    const drawn = this.#random.weighted({
      well: 60,
      twice: 8,
      late: 8,
      fail: 8,
      forget: 6,
      leave: 6,
      unacknowledged: 4,
    });
    const how = this.#world.calm || !this.#world.mischief.admit(`job ${drawn}`) ? 'well' : drawn;
    if (how === 'leave') return;
    const id = job.id ?? '';
    if (how === 'unacknowledged') {
      const early = await this.#ask('PutJobSuccessResult', { jobId: id });
      if ('output' in early)
        this.#world.fail(new Violation('Once', `the result of the job ${id} was accepted before it was acknowledged`));
      return;
    }
    const taken = await this.#ask('AcknowledgeJob', { jobId: id, nonce: job.nonce });
    if (!('output' in taken) && !UNKNOWN_OUTCOME.test(taken.code)) return;
    this.#open.set(id, job);
    if (how === 'forget') return;
    if (how === 'fail')
      return this.#report(id, 'PutJobFailureResult', { failureDetails: { type: 'JobFailed', message: 'no' } });
    if (how === 'late') {
      this.#world.scheduler.offer({
        label: 'late worker',
        afterMs: (u) => u * 3_600_000,
        run: () => void this.#finish(job),
      });
      return;
    }
    await this.#finish(job);
    if (how === 'twice') await this.#finish(job);
  }

  async #finish(job: Job): Promise<void> {
    const { process } = this.#world;
    const id = job.id ?? '';
    if (process === undefined) return;
    const built = await this.#world.answer(process, () => this.#build(process, job));
    if ('output' in built) await this.#report(id, 'PutJobSuccessResult', { outputVariables: { made: 'yes' } });
    else if (!UNKNOWN_OUTCOME.test(built.code))
      await this.#report(id, 'PutJobFailureResult', { failureDetails: { type: 'JobFailed', message: built.code } });
  }

  async #report(jobId: string, operation: string, result: object): Promise<void> {
    const answer = await this.#ask(operation, { jobId, ...result });
    if ('output' in answer) {
      if (this.#done.has(jobId))
        this.#world.fail(new Violation('Once', `two results of the job ${jobId} were accepted`));
      this.#done.add(jobId);
    }
    if ('output' in answer || !UNKNOWN_OUTCOME.test(answer.code)) this.#open.delete(jobId);
  }

  async #build(process: HouseProcess, job: Job): Promise<void> {
    const { open } = process;
    const {
      inputArtifacts = [],
      outputArtifacts = [],
      artifactCredentials,
      pipelineContext,
      encryptionKey,
    } = job.data ?? {};
    const credentials = await open.identity.credentials(artifactCredentials?.accessKeyId ?? '');
    if (credentials === undefined) throw new AwsError('InvalidClientTokenId', 'The session is over.');
    const client = open.door.as(credentials.principal, { account: TOOLS, region: REGION });
    const { bucketName = '', objectKey = '' } = inputArtifacts[0]?.location?.s3Location ?? {};
    const { Body } = await client.call<{ Body: Readable }>('s3', 'GetObject', { Bucket: bucketName, Key: objectKey });
    const source = await bytesOf(Body);
    this.#sameAsProduced(pipelineContext?.pipelineName ?? '', objectKey, source);
    const { good } = JSON.parse(readStored(source, 'request.json') ?? '{}') as { good?: boolean };
    const group = this.#groupOf(pipelineContext?.pipelineName ?? '');
    const current = await liveVersion(
      process,
      this.#world.layout.people.worker.accessKeyId,
      this.#world.layout.roles.R,
      group.alias,
    );
    const versions = Array.from({ length: VERSIONS }, (_, n) => String(n + 1)).filter(
      (version) => version !== current && BAD_VERSIONS.includes(version) === (good === false),
    );
    const target = this.#random.pick(versions.length > 0 ? versions : ['1']);
    for (const { location } of outputArtifacts) {
      const Key = location?.s3Location?.objectKey ?? '';
      const Body = storedZip({ 'appspec.yml': appSpec(group, current, target) });
      const { VersionId = '' } = await client.call<{ VersionId?: string }>('s3', 'PutObject', {
        Bucket: location?.s3Location?.bucketName,
        Key,
        Body,
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: encryptionKey?.id,
      });
      this.#ledger.objectKept('artifacts', Key, VersionId, Body);
    }
  }

  /** The bytes are those whose digest the line recorded when the source was fetched. */
  #sameAsProduced(pipeline: string, key: string, content: Uint8Array): void {
    const recorded = this.#ledger
      .line(pipeline)
      ?.executions.flatMap(({ actions }) => actions.flatMap(({ outputs }) => outputs))
      .find((output) => output.key === key);
    if (recorded !== undefined && recorded.sha256 !== sha256(content))
      throw new Violation('ArtifactHandOver', `a worker of ${pipeline} got other bytes than were produced: ${key}`);
  }

  #groupOf(pipeline: string): GroupPlan {
    const { pipelines, groups } = this.#world.layout;
    const wanted = pipelines.find(({ name }) => name === pipeline)?.group;
    const group = groups.find(({ name }) => name === wanted);
    if (group === undefined) throw new Violation('Checker', `a job of the unknown pipeline ${pipeline}`);
    return group;
  }

  #ask<T>(operation: string, input: object) {
    return this.#world.ask<T>(this.#world.layout.people.worker, 'codepipeline', operation, input);
  }
}

/** By way of a role in the target account. */
async function liveVersion(
  process: HouseProcess,
  accessKeyId: string,
  RoleArn: string,
  alias: string,
): Promise<string> {
  const { identity, door } = process.open;
  const own = await identity.credentials(accessKeyId);
  if (own === undefined) throw new Violation('Durable', 'the key of the worker is unknown');
  const client: Client = door.as(own.principal, { account: TOOLS, region: REGION });
  const { Credentials } = await client.call<{ Credentials: { AccessKeyId: string } }>('sts', 'AssumeRole', {
    RoleArn,
    RoleSessionName: 'worker',
  });
  const there = await identity.credentials(Credentials.AccessKeyId);
  if (there === undefined) throw new AwsError('InvalidClientTokenId', 'The session is over.');
  const found = await door
    .as(there.principal, { account: TARGET, region: REGION })
    .call<{ FunctionVersion?: string }>('lambda', 'GetAlias', { FunctionName: FUNCTION, Name: alias });
  return found.FunctionVersion ?? '1';
}
