import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openModels } from '../../protocol/index.ts';
import { shownParameters, shownResponse } from './parameters.ts';

const models = openModels(join(import.meta.dirname, '../../../models'));
const HIDDEN = 'HIDDEN_DUE_TO_SECURITY_REASONS';
const shown = (service: string, operation: string, input: Record<string, unknown>): unknown =>
  shownParameters(models, service, operation, input);

describe('shownParameters()', () => {
  it('writes names with a small letter, and times as text', () => {
    expect(shown('cloudtrail', 'LookupEvents', { MaxResults: 3, StartTime: new Date(0) })).toEqual({
      maxResults: 3,
      startTime: '1970-01-01T00:00:00.000Z',
    });
  });

  it.each<[string, string, Record<string, unknown>, unknown]>([
    ['ssm', 'PutParameter', { Name: '/a', Value: 'v' }, { name: '/a', value: HIDDEN }],
    ['kms', 'Encrypt', { KeyId: 'k', Plaintext: new Uint8Array(1) }, { keyId: 'k', plaintext: HIDDEN }],
    [
      'kms',
      'Decrypt',
      { CiphertextBlob: new Uint8Array(1), GrantTokens: ['t'] },
      { ciphertextBlob: HIDDEN, grantTokens: HIDDEN },
    ],
    ['secretsmanager', 'PutSecretValue', { SecretId: 's', SecretString: 'x' }, { secretId: 's', secretString: HIDDEN }],
    [
      'sts',
      'AssumeRole',
      { RoleArn: 'r', ExternalId: 'e', TokenCode: '1' },
      { roleArn: 'r', externalId: HIDDEN, tokenCode: HIDDEN },
    ],
    [
      'sts',
      'AssumeRoleWithWebIdentity',
      { RoleArn: 'r', WebIdentityToken: 'j' },
      { roleArn: 'r', webIdentityToken: HIDDEN },
    ],
    ['codepipeline', 'PutApprovalResult', { pipelineName: 'p', token: 't' }, { pipelineName: 'p', token: HIDDEN }],
    [
      'codepipeline',
      'StartPipelineExecution',
      { name: 'p', clientRequestToken: 'c', variables: [{ name: 'n', value: 'v' }] },
      { name: 'p', clientRequestToken: 'c', variables: [{ name: 'n', value: HIDDEN }] },
    ],
    [
      'lambda',
      'UpdateFunctionConfiguration',
      { FunctionName: 'f', Environment: { Variables: { A: 'b' } } },
      { functionName: 'f', environment: { variables: HIDDEN } },
    ],
    [
      'lambda',
      'UpdateFunctionCode',
      { FunctionName: 'f', ZipFile: new Uint8Array(1) },
      { functionName: 'f', zipFile: HIDDEN },
    ],
    ['codecommit', 'ListRepositories', { nextToken: 'n' }, { nextToken: 'n' }],
    ['codecommit', 'PutFile', { filePath: 'a', fileContent: new Uint8Array(1) }, { filePath: 'a' }],
    ['iam', 'CreateLoginProfile', { UserName: 'u', Password: 'p' }, { userName: 'u', password: HIDDEN }],
  ])('%s:%s shows %o as it may', (service, operation, input, expected) => {
    expect(shown(service, operation, input)).toEqual(expected);
  });

  it('hides the configuration of an action that is a secret, and shows the rest', () => {
    const action = { name: 'a', configuration: { Owner: 'o', OAuthToken: 't', EnvironmentVariables: '[]' } };
    expect(
      shown('codepipeline', 'UpdatePipeline', { pipeline: { stages: [{ name: 's', actions: [action] }] } }),
    ).toEqual({
      pipeline: {
        stages: [
          {
            name: 's',
            actions: [{ name: 'a', configuration: { Owner: 'o', OAuthToken: HIDDEN, EnvironmentVariables: HIDDEN } }],
          },
        ],
      },
    });
  });

  it('leaves out what has not the shape of the model, and what is too long', () => {
    expect(shown('kms', 'CreateKey', { Description: { a: 1 }, Tags: 'x', Colour: 'red' })).toBeUndefined();
    expect(shown('kms', 'CreateKey', { Description: 'x'.repeat(40_000) })).toMatchObject({ omitted: true });
    expect(shown('kms', 'constructor', {})).toBeUndefined();
    expect(shown('nothing', 'CreateKey', {})).toBeUndefined();
  });
});

it('shownResponse() keeps what identifies, and no credentials', () => {
  const Expiration = new Date(0);
  expect(
    shownResponse({
      Credentials: { AccessKeyId: 'ASIA', SecretAccessKey: 'x', SessionToken: 'y', Expiration },
      AssumedRoleUser: { Arn: 'arn', AssumedRoleId: 'id' },
      PackedPolicySize: 1,
      CiphertextBlob: new Uint8Array(2),
    }),
  ).toEqual({
    credentials: { accessKeyId: 'ASIA', expiration: '1970-01-01T00:00:00.000Z' },
    assumedRoleUser: { arn: 'arn', assumedRoleId: 'id' },
  });
  expect(shownResponse({})).toBeUndefined();
});
