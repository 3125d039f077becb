/** Pipelines: created, read by version, replaced, deleted, listed. */
import type {
  CreatePipelineInput,
  CreatePipelineOutput,
  DeletePipelineInput,
  GetPipelineInput,
  GetPipelineOutput,
  ListPipelinesInput,
  ListPipelinesOutput,
  PipelineDeclaration as WirePipeline,
  PipelineSummary,
  UpdatePipelineInput,
  UpdatePipelineOutput,
} from '@aws-sdk/client-codepipeline';
import { AwsError, isAwsError } from '../../common/index.ts';
import {
  actionPath,
  type ActionTypeDefinition,
  findActionType,
  joinSecrets,
  normalisePipeline,
  type PipelineDeclaration,
  planOf,
  type Secrets,
  splitSecrets,
  validatePipeline,
} from '../../core/pipeline-definition/index.ts';
import { decide as decideLine, openLine } from '../../core/pipeline-execution/index.ts';
import { openSourcePoll } from '../../core/source-poll/index.ts';
import { decodePage, encodePage } from '../pages.ts';
import { type Call, operation } from '../service.ts';
import { actionRevisions } from './action-revisions.ts';
import { access, passRoles, tagContext } from './access.ts';
import { customTypesOf, definitionOf } from './definitions.ts';
import { startVariables } from './start-variables.ts';
import {
  executions,
  invalidNextToken,
  LINE,
  pipelineArn,
  pipelineKey,
  pipelineNotFound,
  pipelines,
  type PipelineRecord,
  requirePipeline,
  SOURCE_POLL,
  type VersionRecord,
  versionKey,
  versions,
} from './records.ts';
import { codePipeline } from './roles.ts';
import { openSecrets, sealSecrets } from './sealed-secrets.ts';
import { polledSources } from './source-poll-loop.ts';
import { tagList, tagsOf } from './tags.ts';
import { callerArn } from './callers.ts';

/** Source: CodePipeline User Guide, "Quotas". */
const PIPELINES_PER_REGION = 1_000;

export const createPipeline = operation<CreatePipelineInput, CreatePipelineOutput>({
  authorize: ({ pipeline, tags }, call) => [
    ...access('CreatePipeline', call, [pipeline?.name], tagContext(tags)),
    ...passRoles(pipeline, call),
  ],
  async handle(input, call) {
    const { store, engine, ids } = call.house;
    const given = input.pipeline as PipelineDeclaration;
    const tags = tagsOf(input.tags);
    const prepared = await prepare(call, given, {}, 1);
    const key = pipelineKey(call, given.name);
    if ((await pipelines.count(store, { account: call.account, region: call.region })) >= PIPELINES_PER_REGION) {
      throw new AwsError('LimitExceededException', `The account has ${PIPELINES_PER_REGION} pipelines in this region`);
    }
    const pipelineId = ids.uuid();
    const record: PipelineRecord = {
      pipelineId,
      declaration: prepared.version.declaration,
      createdAt: call.now,
      updatedAt: call.now,
      tags,
    };
    const opened = openLine(pipelineId, planOf(prepared.version.declaration, prepared.customTypes));
    const variables = startVariables(prepared.version.declaration, []);
    // A pipeline whose variables all have values runs at once.
    const line =
      'values' in variables
        ? decideLine(
            opened,
            {
              type: 'ExecutionStarted',
              executionId: ids.uuid(),
              trigger: { type: 'CreatePipeline', detail: callerArn(call) },
              variables: variables.values,
              sourceRevisions: [],
            },
            call.now,
          )
        : { state: opened, effects: [] };
    const poll = openSourcePoll(polledSources(prepared.version.declaration), call.now);
    await store.transaction(async (tx) => {
      if (!(await pipelines.insert(tx, key, record))) {
        throw new AwsError(
          'PipelineNameInUseException',
          `A pipeline with the name '${given.name}' already exists in account '${call.account}'`,
        );
      }
      await versions.put(
        tx,
        versionKey(call, given.name, 1),
        { pipelineId, ...prepared.version },
        { parent: given.name },
      );
      await engine.create(tx, LINE, key, line.state, line.effects);
      await engine.create(tx, SOURCE_POLL, key, poll.state, poll.effects);
    });
    return { pipeline: wire(record.declaration), ...(input.tags === undefined ? {} : { tags: tagList(tags) }) };
  },
});

export const updatePipeline = operation<UpdatePipelineInput, UpdatePipelineOutput>({
  authorize: ({ pipeline }, call) => [
    ...access('UpdatePipeline', call, [pipeline?.name]),
    ...passRoles(pipeline, call),
  ],
  async handle(input, call) {
    const { house } = call;
    const given = input.pipeline as PipelineDeclaration;
    const key = pipelineKey(call, given.name);
    const before = await requirePipeline(house.store, call, given.name);
    const stored = await definitionOf(house, call, given.name, before.pipelineId, before.declaration.version ?? 1);
    const secrets = stored === undefined ? {} : openSecrets(house, stored);
    const prepared = await prepare(call, given, secrets, 0);
    const declaration = await house.store.transaction(async (tx) => {
      const current = await pipelines.getForUpdate(tx, key);
      if (current === undefined) throw pipelineNotFound(call, given.name);
      const version = (current.document.declaration.version ?? 0) + 1;
      const next = { ...prepared.version, declaration: { ...prepared.version.declaration, version } };
      const { pipelineId } = current.document;
      await pipelines.update(tx, key, { ...current.document, declaration: next.declaration, updatedAt: call.now });
      await versions.put(tx, versionKey(call, given.name, version), { pipelineId, ...next }, { parent: given.name });
      const plan = planOf(next.declaration, prepared.customTypes);
      await house.engine.submitIn(tx, LINE, key, { type: 'DefinitionChanged', plan });
      await house.engine.submitIn(tx, SOURCE_POLL, key, {
        type: 'SourcesChanged',
        sources: polledSources(next.declaration),
      } as { type: string });
      return next.declaration;
    });
    return { pipeline: wire(declaration) };
  },
});

export const getPipeline = operation<GetPipelineInput, GetPipelineOutput>({
  authorize: ({ name }, call) => access('GetPipeline', call, [name]),
  async handle({ name = '', version }, call) {
    const record = await requirePipeline(call.house.store, call, name);
    let { declaration } = record;
    if (version !== undefined && version !== declaration.version) {
      const stored = await definitionOf(call.house, call, name, record.pipelineId, version);
      if (stored === undefined) {
        throw new AwsError(
          'PipelineVersionNotFoundException',
          `Account '${call.account}' does not have a pipeline with name '${name}' and version '${version}'`,
        );
      }
      declaration = stored.declaration;
    }
    return {
      pipeline: wire(declaration),
      metadata: {
        pipelineArn: pipelineArn(call, name),
        created: new Date(record.createdAt),
        updated: new Date(record.updatedAt),
      },
    };
  },
});

export const deletePipeline = operation<DeletePipelineInput, object>({
  authorize: ({ name }, call) => access('DeletePipeline', call, [name]),
  async handle({ name = '' }, call) {
    const { store, engine } = call.house;
    const key = pipelineKey(call, name);
    await store.transaction(async (tx) => {
      const stored = await pipelines.getForUpdate(tx, key);
      if (stored === undefined) return;
      await pipelines.delete(tx, key);
      await actionRevisions.deleteUnder(tx, call, stored.document.pipelineId);
      await versions.deleteUnder(tx, call, name);
      await executions.deleteUnder(tx, call, name);
      await engine.remove(tx, LINE, key);
      await engine.remove(tx, SOURCE_POLL, key);
    });
    return {};
  },
});

export const listPipelines = operation<ListPipelinesInput, ListPipelinesOutput>({
  async handle({ nextToken, maxResults = 1_000 }, call) {
    const found = await pipelines.list(call.house.store, {
      account: call.account,
      region: call.region,
      after: decodePage(nextToken, invalidNextToken),
      limit: maxResults + 1,
    });
    const page = found.slice(0, maxResults);
    return {
      pipelines: page.map(({ document: { declaration, createdAt, updatedAt } }) => ({
        name: declaration.name,
        version: declaration.version,
        pipelineType: declaration.pipelineType as PipelineSummary['pipelineType'],
        executionMode: declaration.executionMode as PipelineSummary['executionMode'],
        created: new Date(createdAt),
        updated: new Date(updatedAt),
      })),
      ...(found.length > maxResults ? { nextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

type Prepared = Readonly<{
  customTypes: readonly ActionTypeDefinition[];
  version: Omit<VersionRecord, 'pipelineId'>;
}>;

/** Checks a definition, its roles included, and makes it what is stored. Throws what AWS throws. */
async function prepare(
  call: Call,
  given: PipelineDeclaration,
  storedSecrets: Secrets,
  version: number,
): Promise<Prepared> {
  const customTypes = await customTypesOf(call.house, call);
  const whole = joinSecrets(given, storedSecrets, customTypes);
  const problem = validatePipeline(whole, { region: call.region, customActionTypes: customTypes });
  if (problem !== undefined) throw new AwsError(problem.code, problem.message);
  await checkRoles(call, whole);
  const { masked, secrets } = splitSecrets(normalisePipeline(whole, version), customTypes);
  return {
    customTypes,
    version: {
      declaration: masked,
      sealedSecrets: sealSecrets(call.house, given.name, secrets),
      queryables: queryablesOf(whole, customTypes),
      updatedAt: call.now,
    },
  };
}

/** The service must be able to assume the pipeline's role, and that role the roles of the actions. */
async function checkRoles(call: Call, pipeline: PipelineDeclaration): Promise<void> {
  const { door } = call.house;
  const sessionName = pipeline.name.slice(0, 64);
  const options = { sessionName, region: call.region };
  const by = codePipeline(call, pipeline.name);
  const service = await door.assumeRole({ ...options, roleArn: pipeline.roleArn, by }).catch((error: unknown) => {
    if (!isAwsError(error)) throw error;
    throw new AwsError(
      'InvalidStructureException',
      `CodePipeline is not authorized to perform AssumeRole on role ${pipeline.roleArn}`,
      { cause: error },
    );
  });
  const actions = pipeline.stages.flatMap((stage) => stage.actions);
  const roleArns = new Set(actions.flatMap((action) => action.roleArn ?? []));
  roleArns.delete(pipeline.roleArn);
  for (const roleArn of roleArns) {
    await door.assumeRole({ ...options, roleArn, by: service.principal }).catch((error: unknown) => {
      if (!isAwsError(error)) throw error;
      throw new AwsError(
        'InvalidStructureException',
        `${pipeline.roleArn} is not authorized to perform AssumeRole on role ${roleArn}`,
        { cause: error },
      );
    });
  }
}

function queryablesOf(
  pipeline: PipelineDeclaration,
  customTypes: readonly ActionTypeDefinition[],
): Record<string, string> {
  return Object.fromEntries(
    pipeline.stages.flatMap((stage) =>
      stage.actions.flatMap((action) => {
        const type = findActionType(action.actionTypeId, customTypes);
        const queryable = type?.properties.find((property) => property.queryable === true);
        return queryable === undefined ? [] : [[actionPath(stage.name, action.name), queryable.name]];
      }),
    ),
  );
}

/** The same shape, to the SDK's types: core knows no SDK. */
function wire(declaration: PipelineDeclaration): WirePipeline {
  return declaration as unknown as WirePipeline;
}
