/** Invoke. Source: Lambda API Reference, Invoke; Lambda Developer Guide, "Lambda quotas" for the limits. */
import type { InvocationRequest, InvocationResponse } from '@aws-sdk/client-lambda';
import { AwsError } from '../../common/index.ts';
import { operation } from '../service.ts';
import { refuse } from './errors.ts';
import { accessTo, knownFunction } from './access.ts';
import { acceptEvent } from './async-invocations.ts';
import { chooseTarget, execute } from './execution.ts';
import { parseName } from './names.ts';
import { functionNotFound } from './records.ts';

const MAX_SYNC_BYTES = 6_291_456;
const MAX_ASYNC_BYTES = 1_048_576;
const MAX_CLIENT_CONTEXT_BYTES = 3_583;
const EMPTY_EVENT = Buffer.from('{}');

export const invoke = operation<InvocationRequest, InvocationResponse>({
  async authorize(input, call) {
    const named = parseName(call, input.FunctionName, input.Qualifier);
    return [accessTo('InvokeFunction', named, await knownFunction(call, named))];
  },
  async handle(input, call) {
    if (input.DurableExecutionName !== undefined) throw refuse('DurableExecutionName');
    if (input.TenantId !== undefined) throw refuse('TenantId');
    const named = parseName(call, input.FunctionName, input.Qualifier);
    const { place, qualifier } = named;
    const record = await knownFunction(call, named);
    if (record === undefined) throw functionNotFound(place, qualifier);
    const type = input.InvocationType ?? 'RequestResponse';
    const payload = checkedPayload(input.Payload, type === 'Event' ? MAX_ASYNC_BYTES : MAX_SYNC_BYTES);
    const clientContext = checkedClientContext(input.ClientContext);
    const target = await chooseTarget(call.house, place, record, qualifier);
    if (type === 'DryRun') return { StatusCode: 204, ExecutedVersion: target.configuration.version };
    if (type === 'Event') {
      await acceptEvent(call, named, record, payload);
      return { StatusCode: 202 };
    }
    const traceId = call.http?.headers['x-amzn-trace-id'];
    const tail = input.LogType === 'Tail';
    const { outcome, logTail } = await execute(call.house, target, {
      requestId: call.requestId,
      payload,
      tail,
      ...(clientContext === undefined ? {} : { clientContext }),
      ...(traceId === undefined ? {} : { traceId }),
    });
    return {
      StatusCode: 200,
      ExecutedVersion: target.configuration.version,
      Payload: outcome.payload as NonNullable<InvocationResponse['Payload']>,
      ...(outcome.failed ? { FunctionError: 'Unhandled' } : {}),
      ...(tail ? { LogResult: Buffer.from(logTail).toString('base64') } : {}),
    };
  },
});

function checkedPayload(payload: Uint8Array | undefined, limit: number): Uint8Array {
  if (payload === undefined || payload.byteLength === 0) return EMPTY_EVENT;
  if (payload.byteLength > limit) {
    throw new AwsError(
      'RequestTooLargeException',
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
    );
  }
  try {
    JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch (error) {
    throw new AwsError(
      'InvalidRequestContentException',
      `Could not parse request body into json: Could not parse payload into json: ${(error as Error).message}`,
    );
  }
  return payload;
}

/** The JSON in it; the function gets it in a header, so it must be one line. */
function checkedClientContext(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (text.length > MAX_CLIENT_CONTEXT_BYTES) {
    throw new AwsError(
      'InvalidRequestContentException',
      `Client context must be at most ${MAX_CLIENT_CONTEXT_BYTES} bytes.`,
    );
  }
  try {
    // Escaped to ASCII: header values carry nothing else.
    return JSON.stringify(JSON.parse(Buffer.from(text, 'base64').toString('utf8'))).replace(
      /[^\x20-\x7e]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  } catch {
    throw new AwsError('InvalidRequestContentException', 'Client context must be a valid Base64-encoded JSON object.');
  }
}
