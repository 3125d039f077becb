/** Templates as they come: JSON, or YAML with the short forms of intrinsic functions; in the call or in a bucket. */
import { isAlias, isMap, isNode, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import type { Readable } from 'node:stream';
import { isAwsError, type Json } from '../../common/index.ts';
import type { Call } from '../service.ts';
import { invalid } from './records.ts';

/** Source: CloudFormation User Guide, "CloudFormation quotas". */
const MOST_BODY_BYTES = 51_200;
const MOST_OBJECT_BYTES = 1_048_576;

const SHORT_FORMS: ReadonlySet<string> = new Set([
  'Ref',
  'Condition',
  'GetAtt',
  'Sub',
  'Join',
  'Select',
  'Split',
  'If',
  'Equals',
  'And',
  'Or',
  'Not',
  'Base64',
  'FindInMap',
  'ImportValue',
  'GetAZs',
  'Cidr',
  'Transform',
]);

/** Throws ValidationError. */
export function parseTemplate(body: string): Json {
  const text = body.trimStart();
  if (text.startsWith('{')) {
    try {
      return JSON.parse(body) as Json;
    } catch {
      throw invalid('Template format error: JSON not well-formed.');
    }
  }
  const document = parseDocument(body, { version: '1.1', schema: 'core', merge: false });
  const problems = [...document.errors, ...document.warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')];
  if (problems[0] !== undefined)
    throw invalid(`Template format error: YAML not well-formed. (${problems[0].message.split('\n')[0]})`);
  return written(document.contents);
}

/** A node with its short form written out: `!Sub x` as `{ 'Fn::Sub': 'x' }`. */
function written(node: unknown): Json {
  if (isAlias(node)) throw invalid('Template error: YAML aliases are not allowed in CloudFormation templates');
  if (!isNode(node)) return null;
  const { tag } = node;
  const value = untagged(node);
  if (tag === undefined || !tag.startsWith('!')) return value;
  const name = tag.slice(1);
  if (!SHORT_FORMS.has(name)) throw invalid(`Template format error: unrecognized tag ${tag}`);
  const key = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`;
  const dot = name === 'GetAtt' && typeof value === 'string' ? value.indexOf('.') : -1;
  return { [key]: dot > 0 ? [String(value).slice(0, dot), String(value).slice(dot + 1)] : value };
}

function untagged(node: Node): Json {
  if (isSeq(node)) return node.items.map(written);
  if (isMap(node)) {
    return Object.fromEntries(
      node.items.map(({ key, value }) => [isScalar(key) ? (key.source ?? String(key.value)) : '', written(value)]),
    );
  }
  if (!isScalar(node)) return null;
  // An account id such as 012345678901 is digits, not a number.
  if (typeof node.value === 'number' && /^0\d/.test(node.source ?? '')) return node.source ?? '';
  return node.value as Json;
}

/** The text of the template that a call gives. */
export async function templateBody(
  call: Call,
  { TemplateBody, TemplateURL }: Readonly<{ TemplateBody?: string | undefined; TemplateURL?: string | undefined }>,
): Promise<string> {
  if ((TemplateBody === undefined) === (TemplateURL === undefined))
    throw invalid('Either Template URL or Template Body must be specified.');
  if (TemplateBody !== undefined) {
    if (Buffer.byteLength(TemplateBody) > MOST_BODY_BYTES) {
      throw invalid(
        `1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${MOST_BODY_BYTES}`,
      );
    }
    return TemplateBody;
  }
  const { bucket, key, versionId } = objectAt(call, TemplateURL ?? '');
  try {
    const { Body } = await call.forward('cloudformation.amazonaws.com').call<{ Body: Readable }>('s3', 'GetObject', {
      Bucket: bucket,
      Key: key,
      ...(versionId === undefined ? {} : { VersionId: versionId }),
    });
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of Body as AsyncIterable<Uint8Array>) {
      bytes += piece.length;
      if (bytes > MOST_OBJECT_BYTES) throw invalid(`Template may not exceed ${MOST_OBJECT_BYTES} bytes in size.`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString('utf8');
  } catch (error) {
    if (!isAwsError(error) || error.code === 'ValidationError') throw error;
    throw invalid(`S3 error: ${error.message}`);
  }
}

/** The object that an address names, on AWS's hosts or Sluice's own. */
function objectAt(call: Call, text: string): Readonly<{ bucket: string; key: string; versionId?: string }> {
  const wrong = () => invalid('TemplateURL must be a supported URL.');
  if (!URL.canParse(text)) throw wrong();
  const url = new URL(text);
  const path = decodeURIComponent(url.pathname.slice(1));
  const versionId = url.searchParams.get('versionId') ?? undefined;
  const version = versionId === undefined ? {} : { versionId };
  const hosted = /^(.+)\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com$/.exec(url.hostname)?.[1];
  if (hosted !== undefined) return { bucket: hosted, key: path, ...version };
  const own = url.host === new URL(call.house.config.endpoint()).host;
  if (!own && !/^s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com$/.test(url.hostname)) throw wrong();
  const slash = path.indexOf('/');
  if (slash < 1) throw wrong();
  return { bucket: path.slice(0, slash), key: path.slice(slash + 1), ...version };
}
