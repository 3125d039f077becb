/**
 * The client's side of the wire: an operation's input as an HTTP request, and the answer read back. By the same models and
 * the same readers and writers of shapes as the server's side; for calls that go to another endpoint.
 * Source: Smithy, "AWS JSON 1.0/1.1", "AWS restJson1", "AWS restXml", "AWS query".
 */
import type { Readable } from 'node:stream';
import { AwsError } from '../common/index.ts';
import { bytesOf, readJson, writeJson } from './json.ts';
import {
  type OperationModel,
  type ProtocolName,
  protocolsOf,
  type Reference,
  type ServiceModel,
  type Shape,
  shapeOf,
} from './model.ts';
import { hasStreamingPayload, payloadOf } from './rest.ts';
import { uriEncode } from './signature.ts';
import { isFlattened, readScalar, readXml, scalarText, writeXml } from './xml.ts';
import { parseXml, type XmlNode } from './xml-text.ts';

export type CallRequest = Readonly<{
  method: string;
  /** Path with query string. */
  url: string;
  /** Lower-case names, without `host`. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array | string | Readable;
}>;

export type CallAnswer = Readonly<{
  statusCode: number;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  /** A stream for an operation whose output streams; see `streamsOutput`. */
  body: Uint8Array | Readable;
}>;

const WRITTEN: readonly ProtocolName[] = ['json', 'rest-json', 'rest-xml', 'query'];

/** The protocol that calls of this service are written in. Throws for EC2's, which is not written. */
export function clientProtocolOf(model: ServiceModel): ProtocolName {
  const found = WRITTEN.find((protocol) => protocolsOf(model.metadata).includes(protocol));
  if (found === undefined)
    throw new AwsError('NotImplemented', `Calls of ${model.name} to another endpoint are not implemented by Sluice.`, {
      statusCode: 501,
    });
  return found;
}

export function streamsOutput(model: ServiceModel, operationName: string): boolean {
  return hasStreamingPayload(model, operationOf(model, operationName).output);
}

export function encodeCall(
  model: ServiceModel,
  operationName: string,
  input: Readonly<Record<string, unknown>>,
): CallRequest {
  const operation = operationOf(model, operationName);
  const { metadata } = model;
  switch (clientProtocolOf(model)) {
    case 'json':
      return {
        method: 'POST',
        url: '/',
        headers: {
          'content-type': `application/x-amz-json-${metadata.jsonVersion ?? '1.1'}`,
          'x-amz-target': `${metadata.targetPrefix}.${operationName}`,
        },
        body: JSON.stringify(operation.input === undefined ? {} : writeJson(model, operation.input, input)),
      };
    case 'query': {
      const form: [string, string][] = [
        ['Action', operationName],
        ['Version', metadata.apiVersion],
      ];
      if (operation.input !== undefined) formOf(model, shapeOf(model, operation.input), input, '', form);
      return {
        method: 'POST',
        url: '/',
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        body: form.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).join('&'),
      };
    }
    default:
      return encodeRestCall(model, operation, input);
  }
}

/** Throws the service's error as `AwsError`, code and message as they came. */
export function decodeAnswer(model: ServiceModel, operationName: string, answer: CallAnswer): Record<string, unknown> {
  if (answer.statusCode >= 300) throw errorOf(model, answer);
  const operation = operationOf(model, operationName);
  const { output } = operation;
  if (output === undefined) return {};
  switch (clientProtocolOf(model)) {
    case 'json':
      return readJson(model, output, jsonBody(answer)) as Record<string, unknown>;
    case 'query': {
      const root = xmlBody(answer);
      const result = root.children.find(({ name }) => name === (output.resultWrapper ?? `${operationName}Result`));
      return result === undefined ? {} : (readXml(model, output, result) as Record<string, unknown>);
    }
    default:
      return decodeRestAnswer(model, output, answer);
  }
}

function operationOf(model: ServiceModel, name: string): OperationModel {
  const operation = model.operations[name];
  if (operation === undefined)
    throw new AwsError('UnknownOperationException', `${model.name} has no operation ${name}.`);
  return operation;
}

// --- REST ---

function encodeRestCall(
  model: ServiceModel,
  operation: OperationModel,
  input: Readonly<Record<string, unknown>>,
): CallRequest {
  const { method, requestUri } = operation.http;
  const shape = operation.input === undefined ? undefined : shapeOf(model, operation.input);
  const labels = new Map<string, string>();
  const query: [string, string][] = [];
  const headers: Record<string, string> = {};
  let hasDocument = false;
  for (const [name, member] of Object.entries(shape?.members ?? {})) {
    const value = input[name];
    if (member.location === undefined) {
      hasDocument ||= value !== undefined && value !== null;
      continue;
    }
    if (value === undefined || value === null) continue;
    const target = shapeOf(model, member);
    const key = member.locationName ?? name;
    if (member.location === 'uri') labels.set(key, scalarText(target, member, value, 'iso8601'));
    else if (member.location === 'querystring') writeQuery(model, target, member, key, value, query);
    else writeHeader(model, target, member, key, value, headers);
  }
  const [path = '/', fixed] = requestUri.split('?');
  const search = [
    ...(fixed === undefined ? [] : [fixed]),
    ...query.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`),
  ].join('&');
  const url = path.replaceAll(/\{([^}+]+)(\+?)\}/g, (_, label: string, greedy: string) => {
    const text = labels.get(label) ?? '';
    return greedy === '' ? uriEncode(text) : text.split('/').map(uriEncode).join('/');
  });
  const { body, contentType } = restBody(model, operation.input, input, hasDocument);
  if (contentType !== undefined) headers['content-type'] ??= contentType;
  return { method, url: search === '' ? url : `${url}?${search}`, headers, body };
}

function restBody(
  model: ServiceModel,
  reference: Reference | undefined,
  input: Readonly<Record<string, unknown>>,
  hasDocument: boolean,
): Readonly<{ body: CallRequest['body']; contentType?: string }> {
  if (reference === undefined) return { body: '' };
  const isXml = clientProtocolOf(model) === 'rest-xml';
  const document = (of: Reference, name: string, value: unknown) =>
    isXml
      ? {
          body: writeXml(model, name, of, value, { millis: true, queryNames: false }, namespaceOf(model, of)),
          contentType: 'application/xml',
        }
      : { body: JSON.stringify(writeJson(model, of, value)), contentType: 'application/json' };
  const payload = payloadOf(model, reference);
  if (payload === undefined)
    return hasDocument ? document(reference, reference.locationName ?? reference.shape, input) : { body: '' };
  const value = input[payload.name];
  if (value === undefined || value === null) return { body: '' };
  if (payload.shape.type === 'blob' || payload.shape.type === 'string') {
    const isStream = typeof value === 'object' && 'pipe' in value;
    return { body: isStream ? (value as Readable) : bytesOf(value) };
  }
  return document(payload.member, payload.member.locationName ?? payload.shape.locationName ?? payload.name, value);
}

function namespaceOf(model: ServiceModel, reference: Reference): { uri: string } | undefined {
  return (
    reference.xmlNamespace ?? (model.name === 's3' ? { uri: 'http://s3.amazonaws.com/doc/2006-03-01/' } : undefined)
  );
}

function writeQuery(
  model: ServiceModel,
  shape: Shape,
  member: Reference,
  key: string,
  value: unknown,
  query: [string, string][],
): void {
  if (shape.type === 'list' && shape.member !== undefined) {
    const element = shape.member;
    for (const item of value as Iterable<unknown>)
      query.push([key, scalarText(shapeOf(model, element), element, item, 'iso8601')]);
  } else if (shape.type === 'map') {
    for (const [name, item] of Object.entries(value as object))
      for (const each of Array.isArray(item) ? item : [item]) query.push([name, String(each)]);
  } else query.push([key, scalarText(shape, member, value, 'iso8601')]);
}

function writeHeader(
  model: ServiceModel,
  shape: Shape,
  member: Reference,
  key: string,
  value: unknown,
  headers: Record<string, string>,
): void {
  const name = key.toLowerCase();
  if (member.location === 'headers') {
    for (const [suffix, text] of Object.entries(value as object)) headers[name + suffix.toLowerCase()] = String(text);
  } else if (shape.type === 'list' && shape.member !== undefined) {
    const element = shape.member;
    const items = Array.from(value as Iterable<unknown>, (item) =>
      scalarText(shapeOf(model, element), element, item, 'rfc822'),
    );
    if (items.length > 0) headers[name] = items.join(',');
  } else headers[name] = scalarText(shape, member, value, 'rfc822');
}

function decodeRestAnswer(model: ServiceModel, output: Reference, answer: CallAnswer): Record<string, unknown> {
  const shape = shapeOf(model, output);
  const found: Record<string, unknown> = {};
  let hasDocument = false;
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    if (member.location === undefined) hasDocument = true;
    else {
      const value = readHeader(model, name, member, answer);
      if (value !== undefined) found[name] = value;
    }
  }
  const payload = payloadOf(model, output);
  if (payload === undefined) return hasDocument ? { ...documentOf(model, output, answer), ...found } : found;
  const { type } = payload.shape;
  if (type === 'blob' || type === 'string') {
    if (!(answer.body instanceof Uint8Array)) found[payload.name] = answer.body;
    else found[payload.name] = type === 'string' ? new TextDecoder().decode(answer.body) : answer.body;
  } else if (bytes(answer).byteLength > 0) found[payload.name] = documentOf(model, payload.member, answer);
  return found;
}

function documentOf(model: ServiceModel, reference: Reference, answer: CallAnswer): Record<string, unknown> {
  if (bytes(answer).byteLength === 0) return {};
  if (clientProtocolOf(model) === 'rest-json')
    return readJson(model, reference, jsonBody(answer)) as Record<string, unknown>;
  const root = xmlBody(answer);
  if (reference.bareMember !== undefined) return root.text === '' ? {} : { [reference.bareMember]: root.text };
  return readXml(model, reference, root) as Record<string, unknown>;
}

function readHeader(
  model: ServiceModel,
  name: string,
  member: Reference,
  { statusCode, headers }: CallAnswer,
): unknown {
  if (member.location === 'statusCode') return statusCode;
  const key = (member.locationName ?? name).toLowerCase();
  if (member.location === 'headers') {
    const entries = Object.entries(headers).filter(([header]) => header.startsWith(key));
    return entries.length === 0
      ? undefined
      : Object.fromEntries(entries.map(([header, text]) => [header.slice(key.length), text]));
  }
  const text = headers[key];
  if (text === undefined) return undefined;
  const shape = shapeOf(model, member);
  if (shape.type === 'list' && shape.member !== undefined) {
    const element = shape.member;
    return text.split(',').map((item) => readScalar(shapeOf(model, element), element, item.trim()));
  }
  return readScalar(shape, member, text, 'rfc822');
}

// --- query ---

/** `Tags.member.1.Key=a`: the names are the model's. */
function formOf(
  model: ServiceModel,
  shape: Shape,
  value: Readonly<Record<string, unknown>>,
  prefix: string,
  form: [string, string][],
): void {
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const given = value[name];
    if (given === undefined || given === null) continue;
    formValue(model, member, given, `${prefix}${member.queryName ?? member.locationName ?? name}`, form);
  }
}

function formValue(
  model: ServiceModel,
  reference: Reference,
  value: unknown,
  name: string,
  form: [string, string][],
): void {
  const shape = shapeOf(model, reference);
  switch (shape.type) {
    case 'structure':
      return formOf(model, shape, value as Record<string, unknown>, `${name}.`, form);
    case 'list': {
      const element = shape.member;
      if (element === undefined) return;
      const items = Array.from(value as Iterable<unknown>);
      // An empty list is written as such, so that it is not taken for an absent one.
      if (items.length === 0) form.push([name, '']);
      const base = isFlattened(reference, shape) ? name : `${name}.${element.locationName ?? 'member'}`;
      for (const [index, item] of items.entries()) formValue(model, element, item, `${base}.${index + 1}`, form);
      return;
    }
    case 'map': {
      const base = isFlattened(reference, shape) ? name : `${name}.entry`;
      for (const [index, [key, item]] of Object.entries(value as object).entries()) {
        form.push([`${base}.${index + 1}.${shape.key?.locationName ?? 'key'}`, key]);
        if (shape.value !== undefined)
          formValue(model, shape.value, item, `${base}.${index + 1}.${shape.value.locationName ?? 'value'}`, form);
      }
      return;
    }
    default:
      form.push([name, scalarText(shape, reference, value, 'iso8601')]);
  }
}

// --- answers ---

function bytes({ body }: CallAnswer): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new Error('a stream where a document was expected');
}

function jsonBody(answer: CallAnswer): unknown {
  const text = new TextDecoder().decode(bytes(answer));
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AwsError('ServiceUnavailable', 'The other endpoint did not answer in JSON.', { statusCode: 503, cause });
  }
}

function xmlBody(answer: CallAnswer): XmlNode {
  try {
    return parseXml(new TextDecoder().decode(bytes(answer)));
  } catch (cause) {
    throw new AwsError('ServiceUnavailable', 'The other endpoint did not answer in XML.', { statusCode: 503, cause });
  }
}

function errorOf(model: ServiceModel, answer: CallAnswer): AwsError {
  const { statusCode } = answer;
  const isXml = ['query', 'rest-xml'].includes(clientProtocolOf(model));
  const { code, message } = bytes(answer).byteLength === 0 ? {} : isXml ? xmlError(answer) : jsonError(answer);
  const name = code ?? (statusCode === 404 ? 'NotFound' : `Status${statusCode}`);
  // The service's own name for a denial differs by protocol; within Sluice there is one.
  const common = name === 'AccessDenied' ? 'AccessDeniedException' : name;
  return new AwsError(model.name === 's3' ? name : common, message ?? '', { statusCode });
}

function xmlError(answer: CallAnswer): { code?: string; message?: string } {
  const root = xmlBody(answer);
  const error = root.name === 'Error' ? root : root.children.find(({ name }) => name === 'Error');
  const text = (name: string): { [key: string]: string } => {
    const found = error?.children.find((child) => child.name === name)?.text;
    return found === undefined ? {} : { [name.toLowerCase()]: found };
  };
  return { ...text('Code'), ...text('Message') };
}

function jsonError(answer: CallAnswer): { code?: string; message?: string } {
  const body = jsonBody(answer) as Record<string, unknown>;
  const code = answer.headers['x-amzn-errortype'] ?? body['__type'] ?? body['code'];
  const message = body['message'] ?? body['Message'];
  return {
    ...(typeof code === 'string' ? { code: (code.split(':')[0] ?? '').replace(/^.*#/, '') } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  };
}
