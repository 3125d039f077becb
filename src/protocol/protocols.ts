/** The six protocols, each as reading an input and writing an output or an error. */
import { encodeEventStream, EVENT_STREAM_TYPE, eventStreamMember } from './event-stream.ts';
import { isAwsError } from '../common/index.ts';
import { parseForm, readForm } from './form.ts';
import { readCbor, serializeCbor, writeCbor } from './cbor.ts';
import { parseJsonBody, readJson, writeJson } from './json.ts';
import { type ProtocolName, type Reference, type ServiceModel, shapeOf } from './model.ts';
import { decodeRest, encodeRest, malformed } from './rest.ts';
import type { DecodeInput, EncodedError, Protocol, Route, WireResponse } from './wire.ts';
import { namespaceAttribute, readXml, writeMembers, writeXml, type XmlStyle } from './xml.ts';
import { escapeXml, parseXml, XmlError } from './xml-text.ts';

function bytes(input: DecodeInput): Uint8Array {
  return input.body instanceof Uint8Array ? input.body : new Uint8Array();
}

/** The error shape's members that a handler gave; `$headers` is for the answer's headers, not for its body. */
function modelledFields(error: EncodedError): Readonly<Record<string, unknown>> {
  if (!Object.hasOwn(error.fields, '$headers')) return error.fields;
  const { $headers: _, ...rest } = error.fields;
  return rest;
}

/** Extra headers of an error: `new AwsError(code, message, { fields: { $headers: { 'x-amz-bucket-region': region } } })`. */
function errorHeaders(error: EncodedError): Record<string, string> {
  return { ...(error.fields.$headers as Record<string, string> | undefined) };
}

function jsonErrorBody(error: EncodedError): Record<string, unknown> {
  const fields = modelledFields(error);
  const shape = error.shapeName === undefined ? undefined : error.model?.shapes[error.shapeName];
  if (error.model === undefined || error.shapeName === undefined || shape === undefined) {
    return { message: error.message, ...fields };
  }
  const body = writeJson(error.model, { shape: error.shapeName }, fields) as Record<string, unknown>;
  return { [messageMember(shape.members)]: error.message, ...body };
}

/** `message` or `Message`, as the shape has it. */
function messageMember(members: Readonly<Record<string, Reference>> | undefined): string {
  return Object.keys(members ?? {}).find((name) => name.toLowerCase() === 'message') ?? 'message';
}

function queryErrorHeader(error: EncodedError): Record<string, string> {
  if (error.model?.metadata.awsQueryCompatible === undefined) return {};
  return { 'x-amzn-query-error': `${error.queryCode};${error.sender ? 'Sender' : 'Receiver'}` };
}

const json: Protocol = {
  decode: (route, input) => {
    const body = parseJsonBody(bytes(input));
    return readJson(route.model, inputOf(route), body) as Record<string, unknown>;
  },
  encode: (route, output, requestId) => {
    const { model, operation } = route;
    const contentType = route.contentType ?? 'application/x-amz-json-1.1';
    const headers = { 'content-type': contentType, 'x-amzn-requestid': requestId };
    if (operation?.output === undefined) return { statusCode: 200, headers, body: '' };
    const stream = eventStreamMember(model, operation.output);
    if (stream === undefined) {
      return { statusCode: 200, headers, body: JSON.stringify(writeJson(model, operation.output, output)) };
    }
    const { [stream.name]: events, ...initial } = output;
    headers['content-type'] = EVENT_STREAM_TYPE;
    const body = encodeEventStream(model, stream.shape, events ?? [], {
      document: (reference, value) => JSON.stringify(writeJson(model, reference, value)),
      documentType: 'application/json',
      initial: JSON.stringify(writeJson(model, operation.output, initial)),
    });
    return { statusCode: 200, headers, body };
  },
  encodeError: (error) => ({
    statusCode: error.statusCode,
    headers: {
      'content-type': error.contentType ?? 'application/x-amz-json-1.1',
      'x-amzn-requestid': error.requestId,
      ...queryErrorHeader(error),
      ...errorHeaders(error),
    },
    body: JSON.stringify({ __type: error.code, ...jsonErrorBody(error) }),
  }),
};

/** An input shape even for an operation without one: an object is expected all the same. */
function inputOf(route: Route): Reference {
  if (route.operation?.input !== undefined) return route.operation.input;
  const memo = route.model.memo<Reference>('empty-input');
  let empty = memo.get('');
  if (empty === undefined) {
    empty = { shape: '$Empty' };
    (route.model.shapes as Record<string, unknown>).$Empty = { type: 'structure', members: {} };
    memo.set('', empty);
  }
  return empty;
}

const cborProtocol: Protocol = {
  decode: (route, input) => readCbor(route.model, inputOf(route), bytes(input)) as Record<string, unknown>,
  encode: (route, output, requestId) => ({
    statusCode: 200,
    headers: { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor', 'x-amzn-requestid': requestId },
    body:
      route.operation?.output === undefined
        ? serializeCbor({})
        : writeCbor(route.model, route.operation.output, output),
  }),
  encodeError: (error) => ({
    statusCode: error.statusCode,
    headers: {
      'content-type': 'application/cbor',
      'smithy-protocol': 'rpc-v2-cbor',
      'x-amzn-requestid': error.requestId,
      ...queryErrorHeader(error),
      ...errorHeaders(error),
    },
    body: serializeCbor({ __type: error.code, ...jsonErrorBody(error) }),
  }),
};

const restJson: Protocol = {
  decode: (route, input) =>
    decodeRest(route, input, {
      read: (model, reference, body) => readJson(model, reference, parseJsonBody(body)),
    }),
  encode: (route, output, requestId) => {
    const { statusCode, headers, raw, document } = encodeRest(route, output);
    headers['x-amzn-requestid'] = requestId;
    if (raw !== undefined) {
      headers['content-type'] ??= raw.isText ? 'text/plain' : 'application/octet-stream';
      return { statusCode, headers, body: raw.body };
    }
    if (document === undefined) return { statusCode, headers, body: '' };
    const stream = eventStreamMember(route.model, route.operation?.output);
    if (stream !== undefined) {
      headers['content-type'] = EVENT_STREAM_TYPE;
      const body = encodeEventStream(route.model, stream.shape, document.value, {
        document: (reference, value) => JSON.stringify(writeJson(route.model, reference, value)),
        documentType: 'application/json',
      });
      return { statusCode, headers, body };
    }
    headers['content-type'] ??= 'application/json';
    return { statusCode, headers, body: JSON.stringify(writeJson(route.model, document.reference, document.value)) };
  },
  encodeError: (error) => ({
    statusCode: error.statusCode,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': error.requestId,
      'x-amzn-errortype': error.code,
      ...errorHeaders(error),
    },
    body: JSON.stringify(jsonErrorBody(error)),
  }),
};

const MALFORMED_XML = 'The XML you provided was not well-formed or did not validate against our published schema';

/** Document text of a request; throws `malformed` for text that is not XML. */
function readXmlDocument(model: ServiceModel, reference: Reference, body: Uint8Array): unknown {
  if (body.byteLength === 0) return {};
  try {
    return readXml(model, reference, parseXml(new TextDecoder().decode(body)));
  } catch (cause) {
    if (cause instanceof XmlError || isAwsError(cause, 'SerializationException')) throw malformed(MALFORMED_XML, cause);
    throw cause;
  }
}

const S3_STYLE: XmlStyle = { millis: true, queryNames: false };
const XML_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n';

const restXml: Protocol = {
  decode: (route, input) => decodeRest(route, input, { read: readXmlDocument }),
  encode: (route, output, requestId) => {
    const { statusCode, headers, raw, document } = encodeRest(route, output);
    Object.assign(headers, s3RequestIds(requestId));
    if (raw !== undefined) {
      headers['content-type'] ??= raw.isText ? 'application/json' : 'binary/octet-stream';
      return { statusCode, headers, body: raw.body };
    }
    if (document === undefined) return { statusCode, headers, body: '' };
    const stream = eventStreamMember(route.model, route.operation?.output);
    if (stream !== undefined) {
      headers['content-type'] = EVENT_STREAM_TYPE;
      const body = encodeEventStream(route.model, stream.shape, document.value, {
        document: (reference, value) => XML_HEADER + writeXml(route.model, reference.shape, reference, value, S3_STYLE),
        documentType: 'text/xml',
      });
      return { statusCode, headers, body };
    }
    headers['content-type'] ??= 'application/xml';
    return { statusCode, headers, body: XML_HEADER + restXmlDocument(route, document) };
  },
  encodeError: (error) => {
    const headers: Record<string, string> = { ...s3RequestIds(error.requestId), ...errorHeaders(error) };
    // A HEAD answer and 304 have no body: S3 says nothing more (RFC 9110 9.3.2, 15.4.5).
    if (error.method === 'HEAD' || error.statusCode === 304) return { statusCode: error.statusCode, headers, body: '' };
    let extra = '';
    for (const [name, value] of Object.entries(modelledFields(error))) {
      if (value !== undefined && value !== null) extra += `<${name}>${escapeXml(String(value))}</${name}>`;
    }
    const id2 = headers['x-amz-id-2'] ?? '';
    const body = `${XML_HEADER}<Error><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>${extra}<RequestId>${escapeXml(error.requestId)}</RequestId><HostId>${id2}</HostId></Error>`;
    return { statusCode: error.statusCode, headers: { 'content-type': 'application/xml', ...headers }, body };
  },
};

function s3RequestIds(requestId: string): Record<string, string> {
  return { 'x-amz-request-id': requestId, 'x-amz-id-2': Buffer.from(requestId).toString('base64') };
}

const S3_NAMESPACE = { uri: 'http://s3.amazonaws.com/doc/2006-03-01/' };

function restXmlDocument(
  { model, operation }: Route,
  document: Readonly<{ name: string; reference: Reference; value: Record<string, unknown>; isPayload: boolean }>,
): string {
  const output = operation?.output;
  if (output?.bareMember !== undefined) {
    const name = output.bareMember;
    const value = document.value[name];
    const open = `<${name}${namespaceAttribute(S3_NAMESPACE)}`;
    return value === undefined || value === null ? `${open}/>` : `${open}>${escapeXml(String(value))}</${name}>`;
  }
  const name = document.isPayload ? document.name : (output?.locationName ?? document.name);
  const namespace = model.name === 's3' ? S3_NAMESPACE : undefined;
  return writeXml(model, name, document.reference, document.value, S3_STYLE, namespace);
}

const QUERY_STYLE: XmlStyle = { millis: false, queryNames: true };
const EC2_STYLE: XmlStyle = { millis: true, queryNames: false };

const query: Protocol = {
  decode: (route, input) => readForm(route.model, inputOf(route), formOf(route, input), 'query'),
  encode: (route, output, requestId) => {
    const { model, operation, operationName } = route;
    let result = '';
    if (operation?.output !== undefined) {
      const wrapper = operation.output.resultWrapper ?? `${operationName}Result`;
      result = `<${wrapper}>${writeMembers(model, shapeOf(model, operation.output), output, QUERY_STYLE)}</${wrapper}>`;
    }
    const namespace = namespaceAttribute(xmlNamespaceOf(model));
    return {
      statusCode: 200,
      headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
      body: `<${operationName}Response${namespace}>${result}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operationName}Response>`,
    };
  },
  encodeError: (error) => {
    const namespace = error.model === undefined ? '' : namespaceAttribute(xmlNamespaceOf(error.model));
    const type = error.sender ? 'Sender' : 'Receiver';
    return {
      statusCode: error.statusCode,
      headers: { 'content-type': 'text/xml', 'x-amzn-requestid': error.requestId, ...errorHeaders(error) },
      body: `<ErrorResponse${namespace}><Error><Type>${type}</Type><Code>${escapeXml(error.queryCode)}</Code><Message>${escapeXml(error.message)}</Message>${queryErrorFields(error)}</Error><RequestId>${error.requestId}</RequestId></ErrorResponse>`,
    };
  },
};

function queryErrorFields(error: EncodedError): string {
  const { model, shapeName } = error;
  if (model === undefined || shapeName === undefined) return '';
  const shape = model.shapes[shapeName];
  if (shape === undefined) return '';
  return writeMembers(model, shape, modelledFields(error), QUERY_STYLE);
}

function xmlNamespaceOf(model: ServiceModel): { uri: string } | undefined {
  return model.metadata.xmlNamespace === undefined ? undefined : { uri: model.metadata.xmlNamespace };
}

function formOf(route: Route, input: DecodeInput): readonly (readonly [string, string])[] {
  return route.form ?? parseForm(new TextDecoder().decode(bytes(input)));
}

const ec2: Protocol = {
  decode: (route, input) => readForm(route.model, inputOf(route), formOf(route, input), 'ec2'),
  encode: (route, output, requestId): WireResponse => {
    const { model, operation, operationName } = route;
    const members =
      operation?.output === undefined
        ? '<return>true</return>'
        : writeMembers(model, shapeOf(model, operation.output), output, EC2_STYLE);
    return {
      statusCode: 200,
      headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
      body: `${XML_HEADER}<${operationName}Response${namespaceAttribute(xmlNamespaceOf(model))}><requestId>${requestId}</requestId>${members}</${operationName}Response>`,
    };
  },
  encodeError: (error) => ({
    statusCode: error.statusCode,
    headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': error.requestId, ...errorHeaders(error) },
    body: `${XML_HEADER}<Response><Errors><Error><Code>${escapeXml(error.queryCode)}</Code><Message>${escapeXml(error.message)}</Message></Error></Errors><RequestID>${error.requestId}</RequestID></Response>`,
  }),
};

export const PROTOCOLS: Readonly<Record<ProtocolName, Protocol>> = {
  json,
  'rest-json': restJson,
  'rest-xml': restXml,
  query,
  ec2,
  'smithy-rpc-v2-cbor': cborProtocol,
};
