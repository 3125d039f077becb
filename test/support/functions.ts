/** Deployment packages and execution roles for tests of functions. */
import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';
import type { TestSluice } from '../../src/app/testing.ts';

/** A zip of these files; a file's mode is executable when its name is `bootstrap`. */
export async function zipOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, content] of Object.entries(files))
    zip.addBuffer(Buffer.from(content as string), name, { mode: name === 'bootstrap' ? 0o100755 : 0o100644 });
  zip.end();
  return buffer(zip.outputStream as unknown as AsyncIterable<Uint8Array>);
}

/** A role that Lambda may assume, with these statements as its policy; returns its ARN. */
export async function executionRole(
  sluice: TestSluice,
  name: string,
  statements: readonly object[] = [{ Effect: 'Allow', Action: 'logs:*', Resource: '*' }],
): Promise<string> {
  const { account } = sluice;
  const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
  const iam = sluice.house.door.as(root, { account, region: 'us-east-1' });
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
  });
  if (statements.length > 0) {
    await iam.call('iam', 'PutRolePolicy', {
      RoleName: name,
      PolicyName: 'test',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
    });
  }
  return Role.Arn;
}
