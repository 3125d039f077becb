/** Looks at the sources that are polled, as the roles of their actions, and starts executions. */
import { type ActionDeclaration, type PipelineDeclaration } from '../../core/pipeline-definition/index.ts';
import { decide, type SourcePoll, type SourcePollEffect, type SourcePollEvent } from '../../core/source-poll/index.ts';
import { defineLoop, type EffectContext, type LoopDefinition } from '../../engine/index.ts';
import type { Client, House } from '../service.ts';
import { codeCommitRevision, s3Revision } from './actions/index.ts';
import { isAwsError } from '../../common/index.ts';
import { uuidFrom } from './ids.ts';
import { LINE, pipelines, SOURCE_POLL } from './records.ts';
import { actionSession } from './roles.ts';

type Look = (client: Client, configuration: Readonly<Record<string, string>>) => Promise<string | null>;

const LOOKS: Readonly<Record<string, Look>> = { S3: s3Revision, CodeCommit: codeCommitRevision };

/** Names of the source actions that are polled: by API, absent means polling. Source: User Guide, "PollForSourceChanges". */
export function polledSources(declaration: PipelineDeclaration): string[] {
  return sourcesOf(declaration).flatMap((action) =>
    action.actionTypeId.owner === 'AWS' &&
    LOOKS[action.actionTypeId.provider] !== undefined &&
    action.configuration?.['PollForSourceChanges'] !== 'false'
      ? action.name
      : [],
  );
}

export function sourcePollLoop(house: House): LoopDefinition<SourcePoll, SourcePollEvent, SourcePollEffect> {
  return defineLoop<SourcePoll, SourcePollEvent, SourcePollEffect>({
    kind: SOURCE_POLL,
    decide,
    isFinal: () => false,
    perform: async (effect, context) => {
      switch (effect.type) {
        case 'LookAtSources':
          return look(house, context, effect.sources);
        case 'StartExecution':
          return start(house, context, effect.actionName);
        default:
          return;
      }
    },
  });
}

async function look(house: House, { key }: EffectContext, sources: readonly string[]): Promise<SourcePollEvent | void> {
  const pipeline = (await pipelines.get(house.store, key))?.document.declaration;
  if (pipeline === undefined) return;
  const scope = { account: key.account, region: key.region };
  const revisions: Record<string, string | null> = {};
  for (const action of sourcesOf(pipeline).filter((candidate) => sources.includes(candidate.name))) {
    try {
      const { session, scope: where } = await actionSession({
        house,
        scope,
        pipelineName: pipeline.name,
        serviceRoleArn: pipeline.roleArn,
        actionRoleArn: action.roleArn,
        region: key.region,
      });
      const client = house.door.as(session.principal, where);
      const revision = await LOOKS[action.actionTypeId.provider]?.(client, action.configuration ?? {});
      if (revision !== undefined) revisions[action.name] = revision;
    } catch (error) {
      // A source that cannot be read now is read at the next look; the first execution tells the user why it cannot.
      if (!isAwsError(error)) throw error;
    }
  }
  return { type: 'RevisionsSeen', revisions };
}

async function start(house: House, { key, effectId }: EffectContext, actionName: string): Promise<void> {
  const pipeline = (await pipelines.get(house.store, key))?.document;
  if (pipeline === undefined) return;
  const declared = pipeline.declaration.variables ?? [];
  await house.engine.submit(LINE, key, {
    type: 'ExecutionStarted',
    executionId: uuidFrom(`poll/${pipeline.pipelineId}/${effectId}`),
    trigger: { type: 'PollForSourceChanges', detail: actionName },
    variables: Object.fromEntries(
      declared.flatMap(({ name, defaultValue }) => (defaultValue === undefined ? [] : [[name, defaultValue]])),
    ),
    sourceRevisions: [],
  });
}

function sourcesOf(declaration: PipelineDeclaration): readonly ActionDeclaration[] {
  return declaration.stages[0]?.actions ?? [];
}
