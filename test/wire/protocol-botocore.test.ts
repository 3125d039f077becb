/**
 * Every operation of every model against botocore, which we did not write: what it sends for a full input we must
 * decode to that input, and what we answer for a full output it must parse to that output. Skipped without botocore.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openExchange, type Reference, type ServiceModel } from '../../src/protocol/index.ts';
import { models } from '../support/wire-server.ts';

const script = fileURLToPath(new URL('../support/botocore_wire.py', import.meta.url));
const hasBotocore = spawnSync('python3', ['-c', 'import botocore']).status === 0;
const MAX_OUTPUT = 256 * 1024 * 1024;

type Case = Readonly<{
  service: string;
  protocol: string;
  operation: string;
  input: Record<string, unknown>;
  method: string;
  url: string;
  headers: Record<string, string>;
  signingName: string;
  body: string;
}>;

/** Twins at one address, which a request cannot tell apart (models/corrections/s3.json). */
const SHADOWED = new Set([
  'GetBucketLifecycle',
  'PutBucketLifecycle',
  'GetBucketNotification',
  'PutBucketNotification',
  'ListDirectoryBuckets',
  'WriteGetObjectResponse',
]);

const isSkipped = ({ service, operation }: Case): boolean =>
  (service === 's3' && SHADOWED.has(operation)) || models.service(service)?.operations[operation] === undefined;

const TEXT = 'a&<é +%/\'"';

/** As `sample` in botocore_wire.py. */
function sample(model: ServiceModel, reference: Reference, place: string, stack: readonly string[] = []): unknown {
  const shape = model.shapes[reference.shape];
  if (shape === undefined || stack.includes(reference.shape) || stack.length > 12) return undefined;
  const inner = [...stack, reference.shape];
  switch (shape.type) {
    case 'structure': {
      if (shape.eventstream === true) return undefined;
      if (shape.document === true) return { doc: [1, 'a'] };
      const out: Record<string, unknown> = {};
      for (const [name, member] of Object.entries(shape.members ?? {})) {
        if (member.location === 'statusCode') {
          out[name] = 202;
          continue;
        }
        const at = member.location === undefined ? place : member.location.startsWith('header') ? 'header' : 'uri';
        const value = sample(model, member, at, inner);
        if (value !== undefined) out[name] = value;
        if (shape.union === true && Object.keys(out).length > 0) break;
      }
      return out;
    }
    case 'list': {
      const value = shape.member && sample(model, shape.member, place, inner);
      return value === undefined ? undefined : [value, value];
    }
    case 'map': {
      const value = shape.value && sample(model, shape.value, place, inner);
      const key = shape.key && model.shapes[shape.key.shape]?.enum?.[0];
      return value === undefined ? undefined : { [key ?? 'k-1']: value };
    }
    case 'integer':
    case 'long':
      return 7;
    case 'float':
    case 'double':
      return 1.5;
    case 'boolean':
      return true;
    case 'timestamp':
      return new Date(1_700_000_000_000);
    case 'blob':
      return Buffer.from('AP9ieXRlcw==', 'base64');
    default:
      return shape.enum?.[0] ?? (place === 'header' ? 'plain' : TEXT);
  }
}

function isEventStream(model: ServiceModel, operation: string): boolean {
  const output = model.operations[operation]?.output;
  const members = output === undefined ? {} : (model.shapes[output.shape]?.members ?? {});
  return Object.values(members).some((member) => model.shapes[member.shape]?.eventstream === true);
}

async function plain(value: unknown): Promise<unknown> {
  if (value instanceof Date) return { $t: value.getTime() / 1000 };
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString('base64') };
  if (value instanceof Readable) {
    const chunks: Buffer[] = [];
    for await (const chunk of value) chunks.push(chunk as Buffer);
    return { $b: Buffer.concat(chunks).toString('base64') };
  }
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (typeof value === 'object' && value !== null) {
    const out: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(value)) out[name] = await plain(item);
    return out;
  }
  return value;
}

describe.skipIf(!hasBotocore)('botocore', () => {
  it('speaks every operation of every model with us', { timeout: 120_000 }, async () => {
    const printed = execFileSync('python3', [script, 'requests', models.names().join(',')], { maxBuffer: MAX_OUTPUT });
    const cases = printed
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Case);
    expect(cases.length).toBeGreaterThan(1_500);
    const wrong: unknown[] = [];
    const answers: string[] = [];
    for (const each of cases) {
      if (isSkipped(each)) continue;
      const headers = {
        ...each.headers,
        host: `${each.signingName}.us-east-1.amazonaws.com`,
        authorization: `AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/${each.signingName}/aws4_request, SignedHeaders=host, Signature=00`,
      };
      const body = Buffer.from(each.body, 'base64');
      if (body.byteLength > 0) Object.assign(headers, { 'content-length': String(body.byteLength) });
      const exchange = await openExchange(
        models,
        { method: each.method, url: each.url, headers, body: Readable.from(body.byteLength === 0 ? [] : [body]) },
        { requestId: 'r' },
      );
      if (exchange.service !== each.service || exchange.operation !== each.operation) {
        wrong.push([
          each.service,
          each.protocol,
          each.operation,
          each.url,
          'went to',
          exchange.service,
          exchange.operation,
        ]);
        continue;
      }
      try {
        const { ContentLength: _, ...input } = (await plain(await exchange.decode())) as Record<string, unknown>;
        if (!isDeepStrictEqual(input, each.input)) throw new Error(`read as ${JSON.stringify(input)}`);
      } catch (error) {
        wrong.push([each.service, each.protocol, each.operation, (error as Error).message, body.toString()]);
        continue;
      }
      const model = models.service(each.service) as ServiceModel;
      // botocore reads these two kinds by hooks of its client, not by its parser.
      if (each.operation === 'GetBucketLocation' || isEventStream(model, each.operation)) continue;
      const output = model.operations[each.operation]?.output;
      const wire = exchange.encode(
        output === undefined ? {} : (sample(model, output, 'body') as Record<string, unknown>),
      );
      const bytes = wire.body instanceof Readable ? Buffer.alloc(0) : Buffer.from(wire.body as Uint8Array);
      answers.push(
        JSON.stringify({ ...each, statusCode: wire.statusCode, headers: wire.headers, body: bytes.toString('base64') }),
      );
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    const misread = execFileSync('python3', [script, 'responses', ''], {
      input: answers.join('\n'),
      maxBuffer: MAX_OUTPUT,
    });
    expect(misread.toString().trim().split('\n').filter(Boolean).slice(0, 5)).toEqual([]);
  });
});
