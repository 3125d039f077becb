/**
 * The small service that the demo delivers: its repository at each version. The versions differ in what they answer;
 * version 3 has a fault that its test does not see: it fails one request in three.
 */
export type ServiceVersion = 'v1' | 'v2' | 'v3';

/** Path to content. */
export function repositoryFiles(version: ServiceVersion): Readonly<Record<string, string>> {
  return {
    'src/index.mjs': handler(version),
    'test/index.test.mjs': TEST,
    'ci/publish.cjs': PUBLISH,
    'buildspec.yml': BUILDSPEC,
    'package.json': `${JSON.stringify({ name: 'greeter', private: true, type: 'module', version: `${version.slice(1)}.0.0` }, null, 2)}\n`,
  };
}

function handler(version: ServiceVersion): string {
  const fault =
    version === 'v3'
      ? `
let requests = 0;

function lookUp(name) {
  // A connection is lost every third time; the test asks only once.
  requests += 1;
  if (requests % 3 === 0) throw new Error('connection reset by the names service');
  return name;
}
`
      : `
function lookUp(name) {
  return name;
}
`;
  return `${fault.trimStart()}
export async function handler(event) {
  return { version: '${version}', message: \`Hello, \${lookUp(event.name ?? 'world')}!\` };
}
`;
}

const TEST = `import assert from 'node:assert';
import { test } from 'node:test';
import { handler } from '../src/index.mjs';

test('greets by name', async () => {
  const { message } = await handler({ name: 'Ada' });
  assert.strictEqual(message, 'Hello, Ada!');
});
`;

/** Runs in the build: publishes a new version of the function, and writes the AppSpec that moves the alias to it. */
const PUBLISH = `const { readFileSync, writeFileSync } = require('node:fs');
const { LambdaClient, GetAliasCommand, UpdateFunctionCodeCommand } = require('@aws-sdk/client-lambda');
const { AssumeRoleCommand, STSClient } = require('@aws-sdk/client-sts');
const { ZipFile } = require('yazl');

async function main() {
  const { FUNCTION_NAME, PUBLISHER_ROLE_ARN } = process.env;
  const { Credentials } = await new STSClient({}).send(
    new AssumeRoleCommand({ RoleArn: PUBLISHER_ROLE_ARN, RoleSessionName: 'publish' }),
  );
  const lambda = new LambdaClient({
    credentials: {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    },
  });
  const zip = new ZipFile();
  zip.addBuffer(readFileSync('src/index.mjs'), 'index.mjs');
  zip.end();
  const chunks = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk);
  const { FunctionVersion: current } = await lambda.send(new GetAliasCommand({ FunctionName: FUNCTION_NAME, Name: 'live' }));
  const { Version: target } = await lambda.send(
    new UpdateFunctionCodeCommand({ FunctionName: FUNCTION_NAME, ZipFile: Buffer.concat(chunks), Publish: true }),
  );
  console.log(\`published version \${target}; live is at \${current}\`);
  const appSpec = {
    version: 0.0,
    Resources: [
      {
        greeter: {
          Type: 'AWS::Lambda::Function',
          Properties: { Name: FUNCTION_NAME, Alias: 'live', CurrentVersion: current, TargetVersion: target },
        },
      },
    ],
  };
  writeFileSync('appspec.json', JSON.stringify(appSpec, null, 2));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
`;

const BUILDSPEC = `version: 0.2
env:
  exported-variables:
    - SERVICE_VERSION
phases:
  build:
    commands:
      - node --test
  post_build:
    commands:
      - node ci/publish.cjs
      - export SERVICE_VERSION=$(node -p "require('./package.json').version")
artifacts:
  files:
    - appspec.json
`;

/** What the function answers before the first delivery. */
export const BOOTSTRAP_HANDLER = `export async function handler() {
  return { version: 'v0', message: 'not delivered yet' };
}
`;
