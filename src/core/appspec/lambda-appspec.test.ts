import { expect, test } from 'vitest';
import { readLambdaAppSpec } from './lambda-appspec.ts';

const properties = { Name: 'fn', Alias: 'live', CurrentVersion: '1', TargetVersion: '2' };
const resource = { Type: 'AWS::Lambda::Function', Properties: properties };
const good = { version: 0, Resources: [{ fn: resource }], Hooks: [{ BeforeAllowTraffic: 'check' }] };

test('readLambdaAppSpec() reads function, alias, versions and hooks', () => {
  expect(readLambdaAppSpec(good)).toEqual({
    appSpec: {
      functionName: 'fn',
      alias: 'live',
      currentVersion: '1',
      targetVersion: '2',
      hooks: { BeforeAllowTraffic: 'check' },
    },
  });
});

test('readLambdaAppSpec() reads keys in lower case, and versions written as numbers', () => {
  const lower = {
    version: '0.0',
    resources: [
      {
        fn: {
          type: 'AWS::Lambda::Function',
          properties: { name: 'fn', alias: 'live', currentversion: 1, targetversion: 2 },
        },
      },
    ],
    hooks: [{ afterAllowTraffic: 'a' }],
  };
  expect(readLambdaAppSpec(lower)).toMatchObject({
    appSpec: { targetVersion: '2', hooks: { AfterAllowTraffic: 'a' } },
  });
});

test.each([
  [undefined, 'not a map'],
  ['text', 'not a map'],
  [{ ...good, version: 1 }, 'unsupported version: 1'],
  [{ ...good, Resources: [] }, 'must name one AWS Lambda function'],
  [{ ...good, Resources: [{ a: resource }, { b: resource }] }, 'more than one resource'],
  [{ ...good, Resources: [{ fn: { ...resource, Type: 'AWS::ECS::Service' } }] }, 'of type "AWS::ECS::Service"'],
  [{ ...good, Resources: [{ fn: { Type: resource.Type } }] }, 'no Properties'],
  [withProperties({ ...properties, Name: undefined }), 'property Name'],
  [withProperties({ ...properties, Alias: '' }), 'property Alias'],
  [withProperties({ ...properties, CurrentVersion: '$LATEST' }), 'version $LATEST'],
  [withProperties({ ...properties, TargetVersion: '1' }), 'are the same'],
  [{ ...good, Hooks: { BeforeAllowTraffic: 'x' } }, 'must be a list'],
  [{ ...good, Hooks: [{ ApplicationStop: 'x' }] }, 'unknown lifecycle event ApplicationStop'],
  [{ ...good, Hooks: [{ BeforeAllowTraffic: '' }] }, 'names no function'],
  [{ ...good, Hooks: [{ BeforeAllowTraffic: 'a' }, { BeforeAllowTraffic: 'b' }] }, 'more than one hook'],
])('readLambdaAppSpec() says what is wrong with %j', (value, problem) => {
  expect(readLambdaAppSpec(value)).toMatchObject({ problem: expect.stringContaining(problem) });
});

function withProperties(given: object): object {
  return { ...good, Resources: [{ fn: { ...resource, Properties: given } }] };
}
