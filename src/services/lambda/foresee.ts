/** What follows from an invocation: Lambda assumes the execution role and writes the log as it (`role-sessions.ts`, `function-logs.ts`). */
import type { InvocationRequest } from '@aws-sdk/client-lambda';
import type { Foreseen } from '../foreseen.ts';
import type { Call } from '../service.ts';
import { knownFunction, LAMBDA_PRINCIPAL } from './access.ts';
import { parseName } from './names.ts';
import { functionArn } from './records.ts';

export const foresee = { Invoke: run };

async function run(input: InvocationRequest, call: Call): Promise<readonly Foreseen[]> {
  const named = parseName(call, input.FunctionName, input.Qualifier);
  const record = await knownFunction(call, named);
  if (record === undefined) return [{ fails: `there is no function ${functionArn(named.place, named.qualifier)}` }];
  const { place } = named;
  const { role, logGroup } = record.latest;
  const as = {
    roleArn: role,
    sessionName: place.name.padEnd(2, '_'),
    by: { service: LAMBDA_PRINCIPAL, sourceArn: functionArn(place), sourceAccount: place.account },
  };
  const scope = { account: place.account, region: place.region };
  return [
    {
      service: 'logs',
      operation: 'CreateLogStream',
      input: { logGroupName: logGroup, logStreamName: '*' },
      scope,
      as,
      purpose: `write the log of the function ${place.name}`,
      optional: true,
    },
    { unknown: `what the code of the function ${place.name} calls, as ${role}` },
  ];
}
