/** IAM users for wire tests: made by the root of their account, with one policy, as credentials for an SDK client. */
import type { TestSluice } from '../../src/app/testing.ts';

export type Person = Readonly<{ arn: string; credentials: { accessKeyId: string; secretAccessKey: string } }>;

export type Statement = Readonly<{
  Effect?: 'Allow' | 'Deny';
  Action: string | readonly string[];
  Resource: string | readonly string[];
  Condition?: object;
}>;

/** A user `name` of any account, who may what the statements say. */
export async function person(
  sluice: TestSluice,
  name: string,
  statements: readonly Statement[],
  account: string = sluice.account,
): Promise<Person> {
  const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
  const iam = sluice.house.door.as(root, { account, region: 'us-east-1' });
  await iam.call('iam', 'CreateUser', { UserName: name });
  if (statements.length > 0) {
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement })),
    });
    await iam.call('iam', 'PutUserPolicy', { UserName: name, PolicyName: 'test', PolicyDocument });
  }
  const { AccessKey } = await iam.call<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
    'iam',
    'CreateAccessKey',
    { UserName: name },
  );
  return {
    arn: `arn:aws:iam::${account}:user/${name}`,
    credentials: { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey },
  };
}

/** The name of the error that a promise rejects with, for `expect(await failure(...)).toBe('NoSuchKey')`. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).name;
  }
  return 'no error';
}
