import { describe, expect, it } from 'vitest';
import { seededIds } from '../../common/index.ts';
import type { PipelineDeclaration } from '../../core/pipeline-definition/index.ts';
import type { Client, House } from '../service.ts';
import { ArtifactDesk } from './artifacts.ts';

describe('ArtifactDesk', () => {
  it('writes nothing over what an earlier try of the same action execution wrote', async () => {
    const written = new Map<string, string>();
    const client = {
      call: async (
        _service: string,
        _operation: string,
        { Key, Body }: { Key: string; Body: AsyncIterable<Buffer> },
      ) => {
        let text = '';
        for await (const piece of Body) text += piece.toString();
        written.set(Key, text);
        return {};
      },
    } as unknown as Client;
    const desk = new ArtifactDesk({
      house: { ids: seededIds(1) } as unknown as House,
      declaration: {
        name: 'release',
        artifactStore: { type: 'S3', location: 'artifacts' },
      } as unknown as PipelineDeclaration,
      region: 'eu-central-1',
      actionExecutionId: 'once',
      inputs: [],
      outputNames: ['source'],
      inputNames: [],
      client: () => Promise.resolve(client),
      ownClient: () => Promise.resolve(client),
    });
    const first = await desk.put('source', Buffer.from('as it was'));
    const late = await desk.put('source', Buffer.from('as it is now'));
    expect([written.get(first.key), written.get(late.key)]).toEqual(['as it was', 'as it is now']);
    expect(first.key).toMatch(/^release\/source\/[A-Za-z0-9]{7}$/);
  });
});
