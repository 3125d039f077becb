import { join } from 'node:path';
import { expect, it } from 'vitest';
import { knowsResourceControl } from '../../src/core/policy/index.ts';
import { openAuthorizationReference } from '../../src/protocol/index.ts';

it('the decision and the reference agree on the services that resource control policies bind', () => {
  const reference = openAuthorizationReference(join(import.meta.dirname, '..', '..', 'models'));
  const prefixes = reference.prefixes();
  const bound = prefixes.filter((prefix) => reference.service(prefix)?.underResourceControl === true);
  expect(prefixes.filter((prefix) => knowsResourceControl(`${prefix}:any`))).toEqual(bound);
  expect(bound).toContain('s3');
});
