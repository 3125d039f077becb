/**
 * Calls greeter:live so many times, and says which versions answered and which failed.
 *
 *   node examples/rehearse/server/call.mjs 600
 */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { client } from './client.mjs';

const lambda = client(LambdaClient);
const times = Number(process.argv[2] ?? 100);
const seen = {};
for (let sent = 0; sent < times; sent += 1) {
  const { ExecutedVersion: version, FunctionError: error } = await lambda.send(
    new InvokeCommand({ FunctionName: 'greeter', Qualifier: 'live' }),
  );
  seen[version] ??= { answered: 0, failed: 0 };
  seen[version][error === undefined ? 'answered' : 'failed'] += 1;
}
for (const [version, { answered, failed }] of Object.entries(seen))
  process.stdout.write(`version ${version}: ${answered} answered, ${failed} failed\n`);
