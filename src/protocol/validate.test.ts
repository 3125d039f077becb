import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isAwsError } from '../common/index.ts';
import { openModels, type Reference, type ServiceModel, shapeOf } from './model.ts';
import { validateInput } from './validate.ts';
import { VALIDATION_ERRORS } from './validation-errors.ts';

const models = openModels(fileURLToPath(new URL('../../models', import.meta.url)));

function refusal(service: string, operation: string, input: Record<string, unknown>): string | undefined {
  try {
    validateInput(models.service(service) as ServiceModel, operation, input);
    return undefined;
  } catch (error) {
    if (!isAwsError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

describe('validateInput()', () => {
  it.each<[string, string, string, Record<string, unknown>, string | undefined]>([
    ['nothing wrong', 'codepipeline', 'GetPipeline', { name: 'demo', version: 1 }, undefined],
    [
      'a missing member',
      'codepipeline',
      'GetPipeline',
      {},
      "ValidationException: 1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
    ],
    [
      'two at once',
      'codepipeline',
      'GetPipeline',
      { name: 'a b', version: 0 },
      "ValidationException: 2 validation errors detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9.@\\-_]+; Value '0' at 'version' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      'a length',
      'codepipeline',
      'GetPipeline',
      { name: '' },
      "ValidationException: 2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9.@\\-_]+",
    ],
    [
      'a member of a structure in a list',
      'codepipeline',
      'TagResource',
      {
        resourceArn: 'arn:aws:codepipeline:us-east-1:111122223333:demo',
        tags: [{ key: 'a', value: 'b' }, { key: 'c' }],
      },
      "ValidationException: 1 validation error detected: Value null at 'tags.2.member.value' failed to satisfy constraint: Member must not be null",
    ],
    [
      'a member of a structure in a structure',
      'codepipeline',
      'CreatePipeline',
      { pipeline: { name: 'demo', roleArn: 'arn:aws:iam::111122223333:role/demo' } },
      "ValidationException: 1 validation error detected: Value null at 'pipeline.stages' failed to satisfy constraint: Member must not be null",
    ],
    [
      'an element of a list',
      'logs',
      'DescribeQueryDefinitions',
      { maxResults: 0 },
      "InvalidParameterException: 1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      'an enum',
      'cloudwatch',
      'SetAlarmState',
      { AlarmName: 'a', StateValue: 'BAD', StateReason: 'r' },
      "ValidationError: 1 validation error detected: Value 'BAD' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [OK, ALARM, INSUFFICIENT_DATA]",
    ],
    [
      'a key of a map',
      'logs',
      'TagResource',
      { resourceArn: 'arn:aws:logs:x', tags: { 'a#': 'b' } },
      "InvalidParameterException: 1 validation error detected: Value '{a#=b}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$]",
    ],
    [
      'a secret, which is not shown',
      'secretsmanager',
      'PutSecretValue',
      { SecretId: 's', SecretString: '' },
      "ValidationException: 1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'a parameter of SQS',
      'sqs',
      'CreateQueue',
      {},
      'MissingParameter: The request must contain the parameter QueueName.',
    ],
    ['a parameter of SNS', 'sns', 'CreateTopic', {}, 'InvalidParameter: Invalid parameter: Name'],
    [
      'a part of an S3 document',
      's3',
      'PutBucketTagging',
      { Bucket: 'b', Tagging: { TagSet: [{ Key: 'a' }] } },
      'MalformedXML: The XML you provided was not well-formed or did not validate against our published schema',
    ],
    ['what CodeDeploy checks itself', 'codedeploy', 'CreateApplication', {}, undefined],
  ])('%s', (_, service, operation, input, expected) => {
    expect(refusal(service, operation, input)).toBe(expected);
  });

  it('counts characters, not UTF-16 units', () => {
    expect(
      refusal('kms', 'CreateAlias', { AliasName: 'alias/x', TargetKeyId: '\u{1f600}'.repeat(2_048) }),
    ).toBeUndefined();
  });

  it('cuts what it shows of a long value', () => {
    expect(refusal('codepipeline', 'GetPipeline', { name: 'x'.repeat(100_000) })?.length).toBeLessThan(1_400);
  });

  it('has an error for every service of the models', () => {
    expect(Object.keys(VALIDATION_ERRORS).sort()).toEqual(models.names());
  });

  it('finds every missing required member of every operation, alone', () => {
    const unfound: string[] = [];
    let tried = 0;
    for (const name of models.names()) {
      const model = models.service(name) as ServiceModel;
      if (model.constraintExceptions.has('*')) continue;
      for (const [operation, { input }] of Object.entries(model.operations)) {
        if (input === undefined) continue;
        for (const member of shapeOf(model, input).required ?? []) {
          if (shapeOf(model, input).members?.[member]?.hostLabel === true) continue;
          tried++;
          const given = Object.fromEntries(Object.entries(valid(model, input)).filter(([key]) => key !== member));
          const found = refusal(name, operation, given)?.toLowerCase();
          if (found === undefined || !found.includes(member.toLowerCase()))
            unfound.push(`${name} ${operation} ${member}`);
        }
      }
    }
    expect(tried).toBeGreaterThan(1_000);
    expect(unfound).toEqual([]);
  });
});

/** The required members, with values of no further merit: the missing one is told among whatever else is wrong. */
function valid(model: ServiceModel, input: Reference): Record<string, unknown> {
  const shape = shapeOf(model, input);
  return Object.fromEntries(
    (shape.required ?? []).map((name) => [name, dummy(shapeOf(model, shape.members![name]!).type)]),
  );
}

function dummy(type: string): unknown {
  if (type === 'list') return [];
  if (type === 'structure' || type === 'map') return {};
  return type === 'string' ? 'text' : 1;
}
