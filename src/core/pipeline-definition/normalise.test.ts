import { describe, expect, it } from 'vitest';
import { joinSecrets, MASK, normalisePipeline, splitSecrets } from './normalise.ts';
import type { ActionTypeDefinition, PipelineDeclaration } from './types.ts';
import { referencesIn, resolveConfiguration } from './variables.ts';

const id = { category: 'Build', owner: 'Custom', provider: 'Mine', version: '1' };
const types: ActionTypeDefinition[] = [
  {
    id,
    inputs: { minimumCount: 0, maximumCount: 0 },
    outputs: { minimumCount: 0, maximumCount: 0 },
    properties: [{ name: 'Token', required: true, secret: true, key: false }],
    timeoutMs: 1,
  },
];

function pipeline(stageName: string, Token: string): PipelineDeclaration {
  const actions = [{ name: 'Go', actionTypeId: id, configuration: { Token } }];
  return { name: 'p', roleArn: 'r', stages: [{ name: stageName, actions }] };
}

describe('secrets of a definition', () => {
  const { masked, secrets } = splitSecrets(pipeline('Build', 'hush'), types);

  it('splitSecrets() leaves a mask where the secret was', () => {
    expect(masked.stages[0]?.actions[0]?.configuration).toEqual({ Token: MASK });
    expect(secrets).toEqual({ 'Build/Go': { Token: 'hush' } });
  });

  it('joinSecrets() finds the secret of an unchanged mask, and loses it when the stage was renamed', () => {
    expect(joinSecrets(masked, secrets, types).stages[0]?.actions[0]?.configuration).toEqual({ Token: 'hush' });
    const renamed = joinSecrets(pipeline('Other', MASK), secrets, types);
    expect(renamed.stages[0]?.actions[0]?.configuration).toEqual({});
    expect(joinSecrets(pipeline('Build', 'new'), secrets, types).stages[0]?.actions[0]?.configuration).toEqual({
      Token: 'new',
    });
  });
});

describe('normalisePipeline()', () => {
  it('fills in what AWS fills in, and is stable', () => {
    const once = normalisePipeline(pipeline('Build', 'x'), 3);
    expect(once).toMatchObject({ version: 3, pipelineType: 'V1', executionMode: 'SUPERSEDED' });
    expect(once.stages[0]?.actions[0]).toMatchObject({ runOrder: 1, inputArtifacts: [], outputArtifacts: [] });
    expect(normalisePipeline(once, 3)).toEqual(once);
  });
});

describe('variables', () => {
  it('referencesIn() finds every reference in a value', () => {
    expect(referencesIn('a #{N.K} #{Odd} b').map(({ namespace, key }) => [namespace, key])).toEqual([
      ['N', 'K'],
      ['Odd', ''],
    ]);
  });

  it('resolveConfiguration() replaces references once, and names those without a value', () => {
    const variables = { N: { K: '#{N.Other}', Other: 'x' } };
    expect(resolveConfiguration({ A: '<#{N.K}>' }, variables)).toEqual({ configuration: { A: '<#{N.Other}>' } });
    expect(resolveConfiguration({ A: '#{N.Missing}', B: '#{toString.length}' }, variables)).toEqual({
      unresolved: [
        { key: 'A', reference: '#{N.Missing}' },
        { key: 'B', reference: '#{toString.length}' },
      ],
    });
  });
});
