import { expect, test } from 'vitest';
import { judge } from './original.ts';
import type { Minute, Original, Served } from './types.ts';

const place = { functionName: 'fn', alias: 'live', original: '1', replacement: '2' };
const sound: Original = {
  exists: true,
  state: 'Active',
  reservedConcurrency: null,
  percent: 90,
  minutes: [],
  unread: [],
};

function minute(original: readonly [number, number], replacement: readonly [number, number]): Minute {
  const served = ([failures, requests]: readonly [number, number]): Served => ({ requests, failures });
  return { at: 0, original: served(original), replacement: served(replacement) };
}

function kindOf(over: Partial<Original>, inSteps = false): string {
  return judge({ ...sound, ...over }, place, inSteps).kind;
}

test.each<[string, Partial<Original>, string]>([
  ['nothing is known', { exists: undefined, state: undefined } as never, 'AtOnce'],
  ['it is there and had no requests', {}, 'AtOnce'],
  ['it is sound, and the new version fails', { minutes: [minute([1, 900], [30, 100])] }, 'AtOnce'],
  ['neither fails', { minutes: [minute([1, 900], [0, 100])] }, 'AtOnce'],
  ['it fails, the new version surely more', { minutes: [minute([450, 900], [100, 100])] }, 'AtOnce'],
  [
    'it failed in minutes in which the new version had no requests',
    { minutes: [minute([900, 900], [0, 0])] },
    'AtOnce',
  ],
  ['one of its two requests failed', { minutes: [minute([1, 2], [1, 1])] }, 'AtOnce'],
  ['both fail every request', { minutes: [minute([900, 900], [100, 100])] }, 'InSteps'],
  ['both fail as much', { minutes: [minute([400, 900], [44, 100])] }, 'InSteps'],
  ['it surely fails more', { minutes: [minute([500, 900], [10, 100])] }, 'Stay'],
  ['it surely fails a little more', { minutes: [minute([1_000, 20_000], [200, 20_000])] }, 'Stay'],
  ['it fails more by less than one in a hundred', { minutes: [minute([300, 20_000], [200, 20_000])] }, 'AtOnce'],
  ['it is gone', { exists: false }, 'Stay'],
  ['it is not active', { state: 'Failed' }, 'Stay'],
  ['its function is throttled', { reservedConcurrency: 0 }, 'Stay'],
  ['its function has a reservation', { reservedConcurrency: 5 }, 'AtOnce'],
])('judge() when %s', (_what, over, kind) => {
  expect(kindOf(over)).toBe(kind);
});

test('judge() on the way takes the next step where it sees too little, and the rest where the original is sound', () => {
  expect(kindOf({}, true)).toBe('InSteps');
  expect(kindOf({ minutes: [minute([0, 900], [100, 100])] }, true)).toBe('AtOnce');
  expect(kindOf({ minutes: [minute([900, 900], [100, 100])] }, true)).toBe('InSteps');
});

test('judge() says what to do', () => {
  const message = (over: Partial<Original>): string => {
    const judgement = judge({ ...sound, ...over }, place, false);
    return judgement.kind === 'Stay' ? `${judgement.problem.code}: ${judgement.problem.message}` : judgement.kind;
  };
  expect(message({ exists: false })).toBe(
    'INVALID_LAMBDA_FUNCTION: Version 1 of fn does not exist any more, so the traffic of the alias live was not returned to ' +
      'version 1; its weights are as they were. Deploy a version that works, or point the alias at one: aws lambda ' +
      'update-alias --function-name fn --name live --function-version <version> --routing-config AdditionalVersionWeights={}',
  );
  expect(message({ reservedConcurrency: 0 })).toMatch(/^RESOURCE_LIMIT_EXCEEDED: .*delete-function-concurrency/);
  expect(message({ state: 'Pending' })).toMatch(/^INVALID_LAMBDA_CONFIGURATION: .*its state is Pending/);
  expect(message({ minutes: [minute([500, 900], [10, 100])] })).toMatch(
    /^CUSTOMER_APPLICATION_UNHEALTHY: .*500 of 900 requests failed, of version 2 10 of 100 requests/,
  );
});
