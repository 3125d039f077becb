/**
 * Artifacts: objects in the artifact bucket, encrypted under the store's key, each with the digest that its producer
 * recorded. Every read on behalf of a consumer is checked against that digest, so that a consumer gets byte for byte
 * what was produced or fails (DESIGN.md invariant 2).
 *
 * Keys are `<pipeline, 20 characters>/<artifact, 10 characters>/<7 characters>`, as AWS makes them. Where others write the
 * outputs (builds, job workers), the last part comes from the action execution's id, so that they have one place however often
 * they are told. What the pipeline itself writes has a place of its own each time: an action that is performed twice, by a
 * process and by the one that took it for gone, may find another source the second time, and the bytes that count, those of
 * the first result, must stay as they are for readers who know no version (the jobs' S3 locations have none).
 * Source: CodePipeline User Guide, "Input and output artifacts", "Data encryption".
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { GetObjectOutput, HeadObjectOutput, PutObjectOutput } from '@aws-sdk/client-s3';
import { ALPHANUMERIC, assert, type AwsError, isAwsError } from '../../common/index.ts';
import type { ArtifactStore, PipelineDeclaration } from '../../core/pipeline-definition/index.ts';
import type { Artifact, ArtifactPlace } from '../../core/pipeline-execution/index.ts';
import type { Client, House } from '../service.ts';
import { ActionFailure } from './actions/action.ts';
import { storeIn } from './definitions.ts';
import { hold, type Held, measure, type Source, spool, type Spool } from './spool.ts';

export type ArtifactDeskOptions = Readonly<{
  house: House;
  declaration: PipelineDeclaration;
  /** Where the action runs: its store is used. */
  region: string;
  actionExecutionId: string;
  inputs: readonly Artifact[];
  outputNames: readonly string[];
  inputNames: readonly string[];
  /** As the action's role, in the action's Region. */
  client(): Promise<Client>;
  /** As the pipeline's own role, in the given Region: it alone copies between Regions. */
  ownClient(region: string): Promise<Client>;
}>;

export class ArtifactDesk {
  readonly #options: ArtifactDeskOptions;
  #local: Promise<readonly Artifact[]> | undefined;

  constructor(options: ArtifactDeskOptions) {
    this.#options = options;
  }

  get store(): ArtifactStore {
    return storeIn(this.#options.declaration, this.#options.region);
  }

  /** Where the outputs belong, in the order of their declaration. */
  outputPlaces(): ArtifactPlace[] {
    const { declaration, outputNames, actionExecutionId } = this.#options;
    return outputNames.map((name) => ({
      name,
      bucket: this.store.location,
      key: artifactKey(declaration.name, name, actionExecutionId),
    }));
  }

  /** The inputs, in the action's Region. Fails the action when one was never produced. */
  async inputs(): Promise<readonly Artifact[]> {
    this.#local ??= this.#bringInputs();
    return this.#local;
  }

  async input(name?: string): Promise<Artifact> {
    const inputs = await this.inputs();
    const found = name === undefined ? inputs[0] : inputs.find((artifact) => artifact.name === name);
    assert(found !== undefined, `the action has the input artifact ${name ?? '(any)'}`);
    return found;
  }

  /** Reads an artifact as the action's role and checks it; dispose of it after use. */
  async fetch(artifact: Artifact): Promise<Spool> {
    const spooled = await spool(this.#options.house, await this.#open(await this.#options.client(), artifact));
    if (spooled.sha256 === artifact.sha256) return spooled;
    await spooled.dispose();
    throw changed(artifact, spooled.sha256);
  }

  /** As `fetch`, for a consumer that reads the artifact by itself. */
  async verify(artifact: Artifact): Promise<void> {
    const { sha256 } = await measure(await this.#open(await this.#options.client(), artifact));
    if (sha256 !== artifact.sha256) throw changed(artifact, sha256);
  }

  /** Writes an output artifact as the action's role, where nothing was written before. */
  async put(name: string, source: Source): Promise<Artifact> {
    const { house, declaration, actionExecutionId, outputNames } = this.#options;
    assert(outputNames.includes(name), `the action declares the output artifact ${name}`);
    const key = artifactKey(declaration.name, name, `${actionExecutionId}/${house.ids.uuid()}`);
    const place = { name, bucket: this.store.location, key };
    const spooled = await hold(house, source);
    try {
      return await putSpooled(await this.#options.client(), this.store, place, spooled);
    } finally {
      await spooled.dispose();
    }
  }

  /** Records what somebody else wrote to the places of the outputs; fails the action when one is missing. */
  async collectOutputs(): Promise<Artifact[]> {
    const client = await this.#options.client();
    const collected: Artifact[] = [];
    for (const place of this.outputPlaces()) {
      const { response, body } = await getObject(client, place);
      const { sha256, bytes } = await measure(body);
      collected.push({ ...place, sha256, bytes, ...versionOf(response) });
    }
    return collected;
  }

  async #open(client: Client, artifact: Artifact): Promise<Readable> {
    return (await getObject(client, artifact)).body;
  }

  async #bringInputs(): Promise<Artifact[]> {
    const { inputs, inputNames } = this.#options;
    const local: Artifact[] = [];
    for (const name of inputNames) {
      const artifact = inputs.find((candidate) => candidate.name === name);
      if (artifact === undefined)
        throw new ActionFailure('ConfigurationError', `The input artifact ${name} was never produced.`);
      local.push(artifact.bucket === this.store.location ? artifact : await this.#copyHere(artifact));
    }
    return local;
  }

  /** Brings an artifact over from the store of another Region. */
  async #copyHere(artifact: Artifact): Promise<Artifact> {
    const { declaration, region, house } = this.#options;
    const from = Object.entries(declaration.artifactStores ?? {}).find(
      ([, store]) => store.location === artifact.bucket,
    );
    const source = await this.#options.ownClient(from?.[0] ?? region);
    const spooled = await hold(house, await this.#open(source, artifact));
    try {
      if (spooled.sha256 !== artifact.sha256) throw changed(artifact, spooled.sha256);
      const place = { name: artifact.name, bucket: this.store.location, key: artifact.key };
      return await putSpooled(await this.#options.ownClient(region), this.store, place, spooled);
    } finally {
      await spooled.dispose();
    }
  }
}

/** The folder of a pipeline's artifacts, with its slash. */
export function artifactFolder(pipelineName: string): string {
  return `${pipelineName.slice(0, 20)}/`;
}

export function artifactKey(pipelineName: string, artifactName: string, actionExecutionId: string): string {
  const digest = createHash('sha256').update(`${actionExecutionId}/${artifactName}`).digest();
  const suffix = Array.from(digest.subarray(0, 7), (byte) => ALPHANUMERIC[byte % ALPHANUMERIC.length]).join('');
  return `${artifactFolder(pipelineName)}${artifactName.slice(0, 10)}/${suffix}`;
}

/** How an artifact is written, but for its bytes. */
export function writeInput(store: ArtifactStore, place: ArtifactPlace) {
  return {
    Bucket: place.bucket,
    Key: place.key,
    ServerSideEncryption: 'aws:kms',
    ...(store.encryptionKey === undefined ? {} : { SSEKMSKeyId: store.encryptionKey.id }),
  };
}

export function readInput(place: ArtifactPlace & Readonly<{ versionId?: string }>) {
  return {
    Bucket: place.bucket,
    Key: place.key,
    ...(place.versionId === undefined ? {} : { VersionId: place.versionId }),
  };
}

async function putSpooled(
  client: Client,
  store: ArtifactStore,
  place: ArtifactPlace,
  spooled: Held,
): Promise<Artifact> {
  const body = spooled.open();
  try {
    const response = await client.call<PutObjectOutput>('s3', 'PutObject', {
      ...writeInput(store, place),
      Body: body,
      ContentLength: spooled.bytes,
    });
    return { ...place, sha256: spooled.sha256, bytes: spooled.bytes, ...versionOf(response) };
  } catch (error) {
    if (!isDenial(error)) throw error;
    throw new ActionFailure(
      'PermissionError',
      `The provided role does not have permissions to perform this action. Underlying error: ${error.message}`,
    );
  } finally {
    body.destroy();
  }
}

async function getObject(
  client: Client,
  place: ArtifactPlace & Readonly<{ versionId?: string }>,
): Promise<Readonly<{ response: HeadObjectOutput; body: Readable }>> {
  try {
    const { Body, ...response } = await client.call<GetObjectOutput>('s3', 'GetObject', readInput(place));
    return { response: response as HeadObjectOutput, body: Body as unknown as Readable };
  } catch (error) {
    if (!isAwsError(error)) throw error;
    const { code } = error;
    const denied = isDenial(error);
    if (!denied && !code.startsWith('NoSuch')) throw error;
    throw new ActionFailure(
      denied ? 'PermissionError' : 'ConfigurationError',
      `Unable to access the artifact with Amazon S3 object key '${place.key}' located in the Amazon S3 artifact bucket '${place.bucket}'. The provided role does not have sufficient permissions. (${error.message})`,
    );
  }
}

export function isDenial(error: unknown): error is AwsError {
  return isAwsError(error) && /AccessDenied|Unauthorized|NotAuthorized|Forbidden/.test(error.code);
}

function versionOf(response: Readonly<{ VersionId?: string; ETag?: string }>): Pick<Artifact, 'versionId' | 'eTag'> {
  const { VersionId, ETag } = response;
  return {
    ...(VersionId === undefined || VersionId === 'null' ? {} : { versionId: VersionId }),
    ...(ETag === undefined ? {} : { eTag: ETag.replaceAll('"', '') }),
  };
}

function changed(artifact: Artifact, found: string): ActionFailure {
  return new ActionFailure(
    'RevisionUnavailable',
    `The artifact ${artifact.name} in ${artifact.bucket}/${artifact.key} is not what its producer made: expected SHA-256 ${artifact.sha256}, found ${found}.`,
  );
}
