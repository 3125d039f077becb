import { describe, expect, it } from 'vitest';
import type { ActionDeclaration, ActionTypeDefinition, PipelineDeclaration, Problem } from './types.ts';
import { validatePipeline } from './validate.ts';

const custom: ActionTypeDefinition = {
  id: { category: 'Build', owner: 'Custom', provider: 'Mine', version: '1' },
  inputs: { minimumCount: 0, maximumCount: 1 },
  outputs: { minimumCount: 0, maximumCount: 1 },
  properties: [
    { name: 'Needed', required: true, secret: false, key: true },
    { name: 'Token', required: false, secret: true, key: false },
  ],
  timeoutMs: 1,
  implemented: true,
};

const around = { region: 'us-east-1', customActionTypes: [custom] };

function source(more: Partial<ActionDeclaration> = {}): ActionDeclaration {
  return {
    name: 'Fetch',
    actionTypeId: { category: 'Source', owner: 'AWS', provider: 'S3', version: '1' },
    configuration: { S3Bucket: 'b', S3ObjectKey: 'k' },
    outputArtifacts: [{ name: 'Code' }],
    namespace: 'Src',
    ...more,
  };
}

function build(more: Partial<ActionDeclaration> = {}): ActionDeclaration {
  return {
    name: 'Compile',
    actionTypeId: { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' },
    configuration: { ProjectName: 'p' },
    inputArtifacts: [{ name: 'Code' }],
    ...more,
  };
}

function pipeline(more: Partial<PipelineDeclaration> = {}, actions = [build()]): PipelineDeclaration {
  return {
    name: 'demo',
    roleArn: 'arn:aws:iam::111122223333:role/pipeline',
    artifactStore: { type: 'S3', location: 'artifacts' },
    stages: [
      { name: 'Source', actions: [source()] },
      { name: 'Build', actions },
    ],
    ...more,
  };
}

function check(given: PipelineDeclaration): Problem | undefined {
  return validatePipeline(given, around);
}

function sourceStage(...actions: ActionDeclaration[]): PipelineDeclaration['stages'][number] {
  return { name: 'Source', actions };
}

const stage = (name: string, ...actions: ActionDeclaration[]) => ({ name, actions });

/** Name of the case, the definition, the exception (without `Exception`), and its message or the start of it. */
const CASES: readonly (readonly [string, PipelineDeclaration, string, string])[] = [
  [
    'one stage',
    pipeline({ stages: [sourceStage(source())] }),
    'InvalidStructure',
    'Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline',
  ],
  [
    'too many stages',
    pipeline({ stages: [sourceStage(source()), ...Array.from({ length: 50 }, (_, i) => stage(`S${i}`, build()))] }),
    'InvalidStructure',
    'Pipeline has too many stages. There can only be up to 50 stages in a pipeline',
  ],
  [
    'a first stage without sources',
    pipeline({ stages: [stage('Build', build()), stage('More', build())] }),
    'InvalidStructure',
    'Pipeline should start with a stage that only contains source actions',
  ],
  [
    'a source later on',
    pipeline({ stages: [sourceStage(source()), stage('Again', source({ outputArtifacts: [{ name: 'Two' }] }))] }),
    'InvalidStructure',
    'Source actions can only be included in the first stage of the pipeline',
  ],
  [
    'nothing but sources',
    pipeline({ stages: [sourceStage(source()), stage('Empty')] }),
    'InvalidStructure',
    'Pipeline should contain at least 1 action whose category is not Source',
  ],
  [
    'a stage name twice',
    pipeline({ stages: [sourceStage(source()), stage('Source', build())] }),
    'InvalidStageDeclaration',
    "Stage name 'Source' is used more than once",
  ],
  [
    'an action name twice',
    pipeline({}, [build(), build()]),
    'InvalidActionDeclaration',
    "Action name 'Compile' is used more than once",
  ],
  [
    'an unknown action type',
    pipeline({}, [build({ actionTypeId: { category: 'Build', owner: 'AWS', provider: 'Wishful', version: '1' } })]),
    'InvalidActionDeclaration',
    "ActionType (Category: 'Build', Provider: 'Wishful', Owner: 'AWS', Version: '1') in action 'Compile' is not available in region US_EAST_1",
  ],
  [
    'an action type that Sluice lacks',
    pipeline({}, [build({ actionTypeId: { category: 'Deploy', owner: 'AWS', provider: 'ECS', version: '1' } })]),
    'InvalidActionDeclaration',
    "The action type Deploy/ECS of action 'Compile' is not implemented by Sluice.",
  ],
  [
    'a V2 action type in a V1 pipeline',
    pipeline({}, [build({ actionTypeId: { category: 'Compute', owner: 'AWS', provider: 'Commands', version: '1' } })]),
    'InvalidActionDeclaration',
    'Commands Action can only be used with V2 pipelines.',
  ],
  [
    'a missing configuration key',
    pipeline({}, [build({ configuration: {} })]),
    'InvalidActionDeclaration',
    "Action configuration for action 'Compile' is missing required configuration 'ProjectName'",
  ],
  [
    'an unknown configuration key',
    pipeline({}, [build({ configuration: { ProjectName: 'p', Colour: 'red' } })]),
    'InvalidActionDeclaration',
    "Action configuration for action 'Compile' contains unknown configuration 'Colour'",
  ],
  [
    'a configuration that would have to be ignored',
    pipeline({}, [build({ configuration: { ProjectName: 'p', BatchEnabled: 'true' } })]),
    'InvalidActionDeclaration',
    "Action configuration for action 'Compile' has 'BatchEnabled' true, which is not implemented by Sluice",
  ],
  [
    'environment variables that are not JSON',
    pipeline({}, [build({ configuration: { ProjectName: 'p', EnvironmentVariables: 'A=1' } })]),
    'InvalidActionDeclaration',
    "Action configuration for action 'Compile' has 'EnvironmentVariables' that are not a JSON array",
  ],
  [
    'two inputs and no primary source',
    pipeline({
      stages: [
        sourceStage(source(), source({ name: 'Other', outputArtifacts: [{ name: 'Two' }], namespace: 'O' })),
        stage('Build', build({ inputArtifacts: [{ name: 'Code' }, { name: 'Two' }] })),
      ],
    }),
    'InvalidActionDeclaration',
    "Action configuration for action 'Compile' is missing required configuration 'PrimarySource'",
  ],
  [
    'QUEUED mode in a V1 pipeline',
    pipeline({ executionMode: 'QUEUED' }),
    'InvalidStructure',
    'QUEUED or PARALLEL mode can only be used with V2 pipelines',
  ],
  [
    'variables in a V1 pipeline',
    pipeline({ variables: [{ name: 'a' }] }),
    'InvalidStructure',
    'Pipeline variable can only be used with V2 pipelines',
  ],
  [
    'a variable twice',
    pipeline({ pipelineType: 'V2', variables: [{ name: 'a' }, { name: 'a' }] }),
    'InvalidStructure',
    'Variable names must be unique. The following variable name is already in use: a',
  ],
  [
    'triggers in a V1 pipeline',
    pipeline({ triggers: [{}] }),
    'InvalidStructure',
    'Triggers on tag can only be used with V2 pipelines',
  ],
  [
    'triggers',
    pipeline({ pipelineType: 'V2', triggers: [{}] }),
    'InvalidStructure',
    'Triggers with filters are not implemented by Sluice.',
  ],
  [
    'conditions in a V1 pipeline',
    pipeline({ stages: [sourceStage(source()), { name: 'Build', actions: [build()], beforeEntry: {} }] }),
    'InvalidStageDeclaration',
    'Stage level conditions can only be used with V2 pipelines.',
  ],
  [
    'a failure gate with a result and conditions',
    pipeline({
      pipelineType: 'V2',
      stages: [
        sourceStage(source()),
        { name: 'Build', actions: [build()], onFailure: { result: 'ROLLBACK', conditions: [{}] } },
      ],
    }),
    'InvalidStageDeclaration',
    "The following stage cannot have a failure exit gate configured with both top level result and conditions: 'Build'",
  ],
  [
    'conditions',
    pipeline({
      pipelineType: 'V2',
      stages: [sourceStage(source()), { name: 'Build', actions: [build()], onSuccess: {} }],
    }),
    'InvalidStageDeclaration',
    'Stage conditions, stage rollback and automatic stage retry are not implemented by Sluice.',
  ],
  [
    'blockers',
    pipeline({ stages: [sourceStage(source()), { name: 'Build', actions: [build()], blockers: [{}] }] }),
    'InvalidBlockerDeclaration',
    "Stage 'Build' has blockers",
  ],
  [
    'no artifact store',
    pipeline({ artifactStore: undefined }),
    'InvalidStructure',
    "You must include either 'pipeline.artifactStore' or 'pipeline.artifactStores'",
  ],
  [
    'one store for two regions',
    pipeline({}, [build({ region: 'eu-west-1' })]),
    'InvalidStructure',
    'Your pipeline contains actions in more than one region.',
  ],
  [
    'a region without a store',
    pipeline({ artifactStore: undefined, artifactStores: { 'us-east-1': { type: 'S3', location: 'a' } } }, [
      build({ region: 'eu-west-1' }),
    ]),
    'InvalidStructure',
    "Your pipeline must have an artifact store, such as an artifact bucket, for each region where you have an action. The following region is missing in 'pipeline.artifactStores': eu-west-1.",
  ],
  [
    'a source in another region',
    pipeline({
      artifactStore: undefined,
      artifactStores: { 'us-east-1': { type: 'S3', location: 'a' }, 'eu-west-1': { type: 'S3', location: 'b' } },
      stages: [sourceStage(source({ region: 'eu-west-1' })), stage('Build', build())],
    }),
    'InvalidActionDeclaration',
    "Action 'Fetch' in stage 'Source' cannot specify a region",
  ],
  [
    'an input that nobody produces',
    pipeline({}, [build({ inputArtifacts: [{ name: 'Ghost' }] })]),
    'InvalidActionDeclaration',
    'Input Artifact Bundle Ghost in action Compile is not declared as Output Artifact Bundle in any of the preceding actions',
  ],
  [
    'an input of an action that runs side by side',
    pipeline({}, [
      build({ outputArtifacts: [{ name: 'Out' }] }),
      build({ name: 'Pack', inputArtifacts: [{ name: 'Out' }] }),
    ]),
    'InvalidActionDeclaration',
    'Input Artifact Bundle Out in action Pack is not declared',
  ],
  [
    'an output declared twice',
    pipeline({}, [build({ outputArtifacts: [{ name: 'Code' }] })]),
    'InvalidActionDeclaration',
    'Output Artifact Bundle name must be unique within the pipeline.',
  ],
  [
    'too few inputs',
    pipeline({}, [build({ inputArtifacts: [] })]),
    'InvalidActionDeclaration',
    "Action 'Compile' has 0 input artifacts which is less than the minimum of 1",
  ],
  [
    'a reserved namespace',
    pipeline({}, [build({ namespace: 'codepipeline' })]),
    'InvalidActionDeclaration',
    "The namespace 'codepipeline' of action 'Compile' is reserved",
  ],
  [
    'a namespace twice',
    pipeline({}, [build({ namespace: 'Src' })]),
    'InvalidActionDeclaration',
    'Namespace must be unique within the pipeline.',
  ],
  [
    'a namespace with the name of an artifact',
    pipeline({}, [build({ namespace: 'Code' })]),
    'InvalidActionDeclaration',
    "The namespace 'Code' of action 'Compile' is the name of an artifact",
  ],
  [
    'a reference to a namespace that is not there',
    pipeline({}, [build({ configuration: { ProjectName: '#{Nope.Thing}' } })]),
    'InvalidActionDeclaration',
    'Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). The following pipeline execution variables are referencing a namespace that does not exist. StageName=[Build], ActionName=[Compile], ActionConfigurationKey=[ProjectName], VariableReferenceText=[#{Nope.Thing}]',
  ],
  [
    'a reference to an action of the same run order',
    pipeline({}, [
      build({ namespace: 'First' }),
      build({ name: 'Pack', configuration: { ProjectName: '#{First.Thing}' } }),
    ]),
    'InvalidActionDeclaration',
    'Valid format for a pipeline execution variable reference',
  ],
  [
    'timeoutInMinutes beyond approvals',
    pipeline({}, [build({ timeoutInMinutes: 10 })]),
    'InvalidActionDeclaration',
    "Action 'Compile' specifies timeoutInMinutes, which is available only to the manual approval action type",
  ],
];

describe('validatePipeline()', () => {
  for (const [name, given, code, message] of CASES) {
    it(`refuses ${name}`, () => {
      const found = check(given);
      expect(found?.code).toBe(`${code}Exception`);
      expect(found?.message.slice(0, message.length)).toBe(message);
    });
  }

  it('accepts an ordinary pipeline', () => {
    expect(check(pipeline())).toBeUndefined();
  });

  it('accepts an input and a variable of a lower run order in the same stage, and custom types', () => {
    const actions = [
      build({ outputArtifacts: [{ name: 'Out' }], namespace: 'First' }),
      build({
        name: 'Pack',
        runOrder: 2,
        inputArtifacts: [{ name: 'Out' }],
        actionTypeId: custom.id,
        configuration: { Needed: '#{First.X} #{Src.VersionId} #{codepipeline.PipelineExecutionId} #{variables.V}' },
      }),
    ];
    expect(check(pipeline({ pipelineType: 'V2', variables: [{ name: 'V' }] }, actions))).toBeUndefined();
  });
});
