/**
 * What follows from StartPipelineExecution: the calls of every action, in the order of the stages, each as the role that
 * makes it. Each provider of actions says its own (`foresee` in `actions/`); this file gives it what a run would, as far
 * as the definition alone tells.
 */
import type { StartPipelineExecutionInput } from '@aws-sdk/client-codepipeline';
import { parseArn } from '../../common/index.ts';
import { type ActionDeclaration, actionPath, referencesIn } from '../../core/pipeline-definition/index.ts';
import type { ActionExecution, Artifact, ArtifactPlace, Execution } from '../../core/pipeline-execution/index.ts';
import type { Foreseen, ForeseenCall, ForeseenCaller, Foresight } from '../foreseen.ts';
import type { Call, Scope } from '../service.ts';
import { type ActionRun, type ForeseenRun, providerOf } from './actions/index.ts';
import { ArtifactDesk, artifactKey, readInput, writeInput } from './artifacts.ts';
import { definitionOf, storeIn } from './definitions.ts';
import { pipelineKey, pipelines, type VersionRecord } from './records.ts';
import { codePipeline } from './roles.ts';

export const foresee = { StartPipelineExecution: startPipelineExecution };

type Journey = Readonly<{
  call: Call;
  scope: Scope;
  definition: VersionRecord;
  foresight: Foresight;
  asPipeline: ForeseenCaller;
  /** What the actions so far will have made, by name. */
  artifacts: Map<string, Artifact>;
}>;

async function* startPipelineExecution(
  { name = '' }: StartPipelineExecutionInput,
  call: Call,
  foresight: Foresight,
): AsyncGenerator<Foreseen> {
  const scope = { account: call.account, region: call.region };
  const pipeline = (await pipelines.get(call.house.store, pipelineKey(scope, name)))?.document;
  const definition =
    pipeline && (await definitionOf(call.house, scope, name, pipeline.pipelineId, pipeline.declaration.version ?? 1));
  if (definition === undefined) {
    yield { fails: `there is no pipeline ${name} in ${scope.account}, ${scope.region}` };
    return;
  }
  const { roleArn, stages } = definition.declaration;
  const { type: _type, ...by } = codePipeline(scope, name);
  const asPipeline: ForeseenCaller = { roleArn, sessionName: name.slice(0, 64), by, region: scope.region };
  const journey: Journey = { call, scope, definition, foresight, asPipeline, artifacts: new Map() };
  for (const stage of stages) {
    for (const action of inOrder(stage.actions)) {
      for await (const foreseen of ofAction(journey, stage.name, action)) {
        yield { ...foreseen, part: actionPath(stage.name, action.name) };
      }
    }
  }
}

function inOrder(actions: readonly ActionDeclaration[]): readonly ActionDeclaration[] {
  return actions.toSorted((a, b) => (a.runOrder ?? 1) - (b.runOrder ?? 1));
}

/** What says where an action's calls go: without it, nothing can be said of them. */
const TARGETS: ReadonlySet<string> = new Set([
  'ApplicationName',
  'BucketName',
  'DeploymentGroupName',
  'FunctionName',
  'NotificationArn',
  'ProjectName',
  'RepositoryName',
  'S3Bucket',
  'StackName',
]);

/** What else decides which resource is asked for. */
const NAMES: ReadonlySet<string> = new Set(['KMSEncryptionKeyARN', 'ObjectKey', 'S3ObjectKey']);

async function* ofAction(journey: Journey, stage: string, declared: ActionDeclaration): AsyncGenerator<Foreseen> {
  const { configuration: given = {} } = declared;
  let aimless = false;
  for (const [key, value] of Object.entries(given)) {
    for (const { text } of referencesIn(value)) {
      if (known(journey, text) !== undefined) continue;
      aimless ||= TARGETS.has(key);
      if (!TARGETS.has(key) && !NAMES.has(key)) continue;
      yield { unknown: `what ${text} is, in ${key}${TARGETS.has(key) ? ', and so what the action calls' : ''}` };
    }
  }
  const configuration = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key,
      value.replace(/#\{[^{}]*\}/g, (text) => known(journey, text) ?? '*'),
    ]),
  );
  const action = { ...declared, configuration };
  const provider = providerOf(action.actionTypeId);
  if (provider?.foresee === undefined) {
    yield { unknown: `what actions of type ${action.actionTypeId.provider} call` };
    return;
  }
  if (!aimless) yield* provider.foresee(foreseenRun(journey, stage, action));
  keepOutputs(journey, stage, action);
}

/** What a reference is, where the definition alone says it. */
function known({ definition }: Journey, text: string): string | undefined {
  const [reference] = referencesIn(text);
  if (reference?.namespace !== 'variables') return undefined;
  return definition.declaration.variables?.find(({ name }) => name === reference.key)?.defaultValue;
}

function foreseenRun(journey: Journey, stage: string, action: ActionDeclaration): ForeseenRun {
  const { scope, definition, asPipeline } = journey;
  const { name: pipelineName, roleArn } = definition.declaration;
  const region = action.region ?? scope.region;
  const own = action.roleArn === undefined || action.roleArn === roleArn;
  const as: ForeseenCaller = own
    ? asPipeline
    : {
        roleArn: action.roleArn ?? roleArn,
        sessionName: pipelineName.slice(0, 64),
        by: asPipeline,
        region: scope.region,
      };
  const where = { account: accountOf(action.roleArn ?? roleArn, scope), region };
  const store = storeIn(definition.declaration, region);
  const run = withoutClients(journey, stage, action, region);
  const call = (service: string, operation: string, input: object, purpose: string): ForeseenCall => ({
    service,
    operation,
    input,
    purpose,
    scope: where,
    as,
  });
  return {
    run,
    asPipeline,
    call,
    use: (iamAction, resource, purpose) => ({
      action: iamAction,
      resource: resource(where),
      purpose,
      scope: where,
      as,
    }),
    inputs: () => bringInputs(journey, action, region),
    read: (artifact) => call('s3', 'GetObject', readInput(artifact), `read the artifact ${artifact.name}`),
    write: (name) => {
      const place = run.artifacts.outputPlaces().find((candidate) => candidate.name === name);
      return call(
        's3',
        'PutObject',
        writeInput(store, place ?? { name, bucket: store.location, key: '*' }),
        `write the artifact ${name}`,
      );
    },
  };
}

/** Inputs that lie in another Region are copied by the pipeline's own role. */
async function* bringInputs(
  { definition, scope, asPipeline, artifacts, foresight }: Journey,
  action: ActionDeclaration,
  region: string,
): AsyncGenerator<Foreseen, readonly Artifact[]> {
  const { declaration } = definition;
  const store = storeIn(declaration, region);
  const account = accountOf(declaration.roleArn, scope);
  const brought: Artifact[] = [];
  for (const { name } of action.inputArtifacts ?? []) {
    const artifact = artifacts.get(name);
    if (artifact === undefined || artifact.bucket === store.location) {
      if (artifact !== undefined) brought.push(artifact);
      continue;
    }
    const from = Object.entries(declaration.artifactStores ?? {}).find(([, each]) => each.location === artifact.bucket);
    const place = { name, bucket: store.location, key: artifact.key };
    const common = { service: 's3', as: asPipeline };
    yield {
      ...common,
      operation: 'GetObject',
      input: readInput(artifact),
      scope: { account, region: from?.[0] ?? region },
      purpose: `copy the artifact ${name} from ${from?.[0] ?? region}`,
    };
    yield {
      ...common,
      operation: 'PutObject',
      input: writeInput(store, place),
      scope: { account, region },
      purpose: `copy the artifact ${name} to ${region}`,
    };
    brought.push(artifactAt(place, foresight));
  }
  return brought;
}

/** What the action will have written, for those after it. */
function keepOutputs(
  { definition, artifacts, foresight, scope }: Journey,
  stage: string,
  action: ActionDeclaration,
): void {
  for (const { name } of action.outputArtifacts ?? []) {
    const place = placeOf(definition, stage, action, name, action.region ?? scope.region);
    artifacts.set(name, artifactAt(place, foresight));
  }
}

function placeOf(
  { declaration }: VersionRecord,
  stage: string,
  action: ActionDeclaration,
  name: string,
  region: string,
): ArtifactPlace {
  const key = artifactKey(declaration.name, name, executionId(stage, action));
  return { name, bucket: storeIn(declaration, region).location, key };
}

/** S3 says with which version, if any, the object will lie there. */
function artifactAt(place: ArtifactPlace, { facts, placeholders }: Foresight): Artifact {
  const written = facts.get(`s3 ${place.bucket}/${place.key}`) as Readonly<{ versionId?: string }> | undefined;
  placeholders.set(place.key, `${place.key.slice(0, place.key.lastIndexOf('/'))}/*`);
  const { versionId } = written ?? {};
  return { ...place, sha256: '', bytes: 0, ...(versionId === undefined ? {} : { versionId }) };
}

/** Stands in for the id that the action execution will get. */
function executionId(stage: string, action: ActionDeclaration): string {
  return `foreseen ${actionPath(stage, action.name)}`;
}

function withoutClients(
  { call, scope, definition }: Journey,
  stage: string,
  action: ActionDeclaration,
  region: string,
): ActionRun {
  const { declaration } = definition;
  const noClient = (): never => {
    throw new Error(`${action.name} is foreseen, not run`);
  };
  const actionExecution: ActionExecution = {
    id: executionId(stage, action),
    stage,
    action: action.name,
    status: 'InProgress',
    startedAt: call.now,
    updatedAt: call.now,
    deadlineAt: call.now,
    inputs: [],
    outputs: [],
    variables: {},
  };
  const pipelineExecution: Execution = {
    id: '00000000-0000-4000-8000-000000000000',
    ordinal: 0,
    version: declaration.version ?? 1,
    trigger: { type: 'StartPipelineExecution' },
    variables: {},
    sourceRevisions: [],
    status: 'InProgress',
    attempt: 1,
    startedAt: call.now,
    updatedAt: call.now,
    stageIndex: 0,
    position: 'Inside',
    runs: {},
    actions: [],
    stages: {},
  };
  return {
    house: call.house,
    scope,
    pipelineName: declaration.name,
    pipelineExecution,
    actionExecution,
    definition,
    declaration: action,
    configuration: action.configuration ?? {},
    region,
    mayHaveStarted: false,
    client: noClient,
    artifacts: new ArtifactDesk({
      house: call.house,
      declaration,
      region,
      actionExecutionId: actionExecution.id,
      inputs: [],
      inputNames: [],
      outputNames: (action.outputArtifacts ?? []).map(({ name }) => name),
      client: noClient,
      ownClient: noClient,
    }),
  };
}

function accountOf(roleArn: string, scope: Scope): string {
  return parseArn(roleArn)?.account ?? scope.account;
}
