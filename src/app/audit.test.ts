import { expect, it } from 'vitest';
import type { AuditRecord, Store } from '../store/index.ts';
import { AuditTrail } from './audit.ts';
import { wallTimer } from './system.ts';

const RECORD: AuditRecord = {
  at: 1,
  account: '111111111111',
  region: 'us-east-1',
  requestId: 'r-1',
  service: 'logs',
  operation: 'CreateLogGroup',
  principal: 'someone',
  errorCode: undefined,
  record: {},
};

it('AuditTrail keeps a batch in which a name holds what no text can', async () => {
  const written: unknown[][] = [];
  const query = async (_sql: string, parameters: unknown[]): Promise<unknown[]> => {
    written.push(parameters);
    return [];
  };
  const errors: unknown[] = [];
  const trail = new AuditTrail({ query } as unknown as Store, wallTimer, (error) => errors.push(error));
  trail.add({
    ...RECORD,
    principal: 'some\u0000one',
    record: { resources: ['arn:a\u0000b', 'arn:\ud800'], by: undefined as never },
  });
  trail.add({ ...RECORD, requestId: 'r-2' });
  await trail.flush();
  expect(errors).toEqual([]);
  const text = JSON.stringify(written);
  expect(text).not.toMatch(/\\u0000|\\\\u0000|ud800/);
  expect(text).toContain('arn:a\uFFFDb');
  expect(written[0]?.[3]).toEqual(['r-1', 'r-2']);
});
