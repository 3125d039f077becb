/**
 * No input ends in a fault of ours: every constraint of every implemented operation, broken one at a time, made from
 * the models. `SLUICE_BAD_INPUT_CASES=all` tries them all (some minutes); a number: so many of each operation.
 * `SLUICE_BAD_INPUT_SEED` chooses others; `SLUICE_BAD_INPUT_SERVICE` tries one service.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { isAwsError, seededIds } from '../../src/common/index.ts';
import type { ServiceModel } from '../../src/protocol/index.ts';
import { bases, SEEDS } from '../support/bad-input-seeds.ts';
import { badCases, type BadCase, plausible, sample } from '../support/bad-input.ts';
import {
  closeConnections,
  encodeRequest,
  type RawAnswer,
  send,
  signed,
  signingName,
  spokenProtocol,
} from '../support/raw-requests.ts';

const SEED = Number(process.env['SLUICE_BAD_INPUT_SEED'] ?? 20261124);
const PER_OPERATION =
  process.env['SLUICE_BAD_INPUT_CASES'] === 'all' ? Infinity : Number(process.env['SLUICE_BAD_INPUT_CASES'] ?? 10);
const ONLY = process.env['SLUICE_BAD_INPUT_SERVICE'];
/** Of the machine, for one call; a loaded machine takes its time. */
const DEADLINE_MS = 20_000;
const SLOW_MS = 8_000;

let sluice: TestSluice;
let given: Awaited<ReturnType<typeof bases>>;
let operations: readonly Readonly<{ service: string; operation: string; model: ServiceModel }>[];

beforeAll(async () => {
  sluice = await startSluice();
  const rank = (name: string): number =>
    /^(Create|Register|Put|Start|Publish)/.test(name)
      ? 0
      : /^(Delete|Deregister|Remove|Leave|Close|Schedule)/.test(name)
        ? 2
        : 1;
  operations = Object.entries(sluice.open.door.implemented())
    .filter(([service]) => ONLY === undefined || ONLY === service)
    .flatMap(([service, names]) =>
      names.map((operation) => ({ service, operation, model: sluice.open.models.service(service) as ServiceModel })),
    )
    .sort((a, b) => rank(a.operation) - rank(b.operation));
  given = await bases();
  let keyId: unknown;
  for (const name of SEEDS) {
    const [service = '', operation = ''] = name.split('.');
    const model = sluice.open.models.service(service) as ServiceModel;
    const reference = model.operations[operation]?.input;
    const input = reference === undefined ? {} : (plausible(model, reference) as Record<string, unknown>);
    if (name === 'kms.CreateAlias') input['TargetKeyId'] = keyId;
    const output = await call(service, operation, { ...input, ...given[name] }).catch((cause: unknown) => {
      throw new Error(name, { cause });
    });
    if (name === 'kms.CreateKey') keyId = (output as { KeyMetadata: { KeyId: string } }).KeyMetadata.KeyId;
  }
});
afterAll(async () => {
  closeConnections();
  await sluice.close();
});

describe(`in process (seed ${SEED})`, () => {
  it('refuses what the models forbid, and never fails itself', { timeout: 900_000 }, async () => {
    const ids = seededIds(SEED);
    const problems: string[] = [];
    let tried = 0;
    for (const { service, operation, model } of operations) {
      for (const bad of sample(
        badCases(service, model, operation, given[`${service}.${operation}`]),
        PER_OPERATION,
        ids,
      )) {
        tried++;
        const problem = await attempt(bad);
        if (problem !== undefined) problems.push(problem);
      }
    }
    expect(problems).toEqual([]);
    expect(tried).toBeGreaterThan(operations.length * 4);
    await expect(call('sts', 'GetCallerIdentity', {})).resolves.toMatchObject({ Account: sluice.account });
  });
});

it('a policy that denies all to all does not keep services from telling what happened', async () => {
  const deny = { Sid: 'demo', Effect: 'Deny', Principal: '*', Action: 'events:*', Resource: '*' };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [deny] });
  await call('events', 'PutPermission', { EventBusName: 'default', Policy });
  const told = { source: 'aws.codebuild', detailType: 'demo', detail: {}, resources: [] };
  await sluice.open.door.publish({ account: sluice.account, region: sluice.region }, told);
});

describe(`over HTTP (seed ${SEED})`, () => {
  it('answers every operation with a well-formed error of its protocol', { timeout: 300_000 }, async () => {
    const ids = seededIds(SEED + 1);
    const problems: string[] = [];
    for (const { service, operation, model } of operations) {
      const cases = badCases(service, model, operation, given[`${service}.${operation}`]);
      for (const bad of [
        ...sample(
          cases.filter(({ forbidden }) => forbidden),
          1,
          ids,
        ),
        ...sample(cases, 2, ids),
      ]) {
        const problem = await attemptOverHttp(model, bad);
        if (problem !== undefined) problems.push(`${service}.${operation} ${bad.title} -> ${problem}`);
      }
    }
    expect(problems).toEqual([]);
  });
});

async function attemptOverHttp(model: ServiceModel, bad: BadCase): Promise<string | undefined> {
  const request = encodeRequest(model, bad.operation, bad.input);
  let answer: RawAnswer;
  try {
    answer = await send(sluice.port, signed(sluice, signingName(model), request), DEADLINE_MS);
  } catch (error) {
    // No client can put such text into a header or a request line.
    if (/ERR_INVALID_CHAR|ERR_UNESCAPED_CHARACTERS/.test(String((error as NodeJS.ErrnoException).code)))
      return undefined;
    return String(error);
  }
  if (answer.status < 400) return undefined;
  const shown = `${answer.status} ${answer.text.slice(0, 200)}`;
  if (/SignatureDoesNotMatch|InvalidSignature|UnknownOperation/.test(answer.text)) return `not understood: ${shown}`;
  if (answer.status >= 500 && answer.status !== 501) return shown;
  if (request.method === 'HEAD' || (answer.status === 404 && request.url.startsWith('/_sluice/'))) return undefined;
  if (answer.status === 431 || answer.status === 414) return undefined;
  return isErrorOf(spokenProtocol(model), answer) ? undefined : `not an error of ${spokenProtocol(model)}: ${shown}`;
}

function isErrorOf(protocol: string, { headers, text }: RawAnswer): boolean {
  switch (protocol) {
    case 'json':
      return /^[\w.#]+$/.test(String((JSON.parse(text) as { __type?: string }).__type));
    case 'rest-json':
      JSON.parse(text);
      return headers['x-amzn-errortype'] !== undefined;
    case 'rest-xml':
      return /<Error>.*<Code>\w+<\/Code>.*<\/Error>/s.test(text);
    default:
      return /<ErrorResponse[^>]*>.*<Error>.*<Code>[\w.]+<\/Code>.*<\/ErrorResponse>/s.test(text);
  }
}

/** What is wrong with the answer; undefined: nothing. */
async function attempt(bad: BadCase): Promise<string | undefined> {
  const title = `${bad.service}.${bad.operation} ${bad.title}`;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('no answer in time'), DEADLINE_MS);
  });
  try {
    const begun = performance.now();
    const outcome = await Promise.race([call(bad.service, bad.operation, bad.input), late]);
    const ms = performance.now() - begun;
    if (ms > SLOW_MS) return `${title} -> took ${Math.round(ms)} ms`;
    if (outcome === 'no answer in time') return `${title} -> no answer within ${DEADLINE_MS} ms`;
    return bad.forbidden ? `${title} -> accepted` : undefined;
  } catch (error) {
    if (!isAwsError(error)) return `${title} -> ${error instanceof Error ? error.stack : String(error)}`.slice(0, 600);
    if ((error.statusCode ?? 400) >= 500 && error.statusCode !== 501)
      return `${title} -> ${error.statusCode} ${error.code}: ${error.message}`;
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function call(service: string, operation: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  return sluice.open.door.execute({
    service,
    operation,
    input,
    principal: { type: 'Root', account: sluice.account, arn: `arn:aws:iam::${sluice.account}:root` },
    scope: { account: sluice.account, region: sluice.region },
    requestId: '00000000-0000-4000-8000-000000000000',
  });
}
