import { expect, it } from 'vitest';
import { isDataEvent, isReadOnly, trailRegion } from './index.ts';

it('isDataEvent() tells the calls on data from those on resources', () => {
  expect(isDataEvent('s3', 'GetObject')).toBe(true);
  expect(isDataEvent('lambda', 'Invoke')).toBe(true);
  expect(isDataEvent('sqs', 'SendMessage')).toBe(true);
  expect(isDataEvent('s3', 'CreateBucket')).toBe(false);
  expect(isDataEvent('kms', 'Decrypt')).toBe(false);
  expect(isDataEvent('sqs', 'PurgeQueue')).toBe(false);
  expect(isDataEvent('toString', 'constructor')).toBe(false);
});

it('isReadOnly() goes by the verb, and by what CloudTrail writes where that says otherwise', () => {
  expect(isReadOnly('codepipeline', 'GetPipeline')).toBe(true);
  expect(isReadOnly('codebuild', 'BatchGetBuilds')).toBe(true);
  expect(isReadOnly('kms', 'GenerateDataKey')).toBe(true);
  expect(isReadOnly('sts', 'AssumeRole')).toBe(true);
  expect(isReadOnly('codepipeline', 'PollForJobs')).toBe(false);
  expect(isReadOnly('codebuild', 'StartBuild')).toBe(false);
  expect(isReadOnly('kms', 'CreateKey')).toBe(false);
});

it('trailRegion() puts the services of no Region into us-east-1', () => {
  expect(trailRegion('iam', 'eu-west-1')).toBe('us-east-1');
  expect(trailRegion('sts', 'eu-west-1')).toBe('eu-west-1');
});
