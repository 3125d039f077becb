/** What comes in and what goes out: one HTTP request and its answer, as the protocols see them. */
import type { Readable } from 'node:stream';
import type { OperationModel, ProtocolName, ServiceModel } from './model.ts';

/** `url` is the raw path with its query string; header names are lower case. */
export type WireRequest = Readonly<{
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Readable;
}>;

/** Always with `content-type` where there is a body; never with `content-length`, which the listener knows better. */
export type WireResponse = Readonly<{
  statusCode: number;
  headers: Record<string, string>;
  body: Uint8Array | string | Readable;
}>;

/** The request line, taken apart. Nothing is decoded: signatures are over the raw text. */
export type Target = Readonly<{
  path: string;
  /** The query string without `?`. */
  search: string;
  /** Decoded parameters in order; a parameter without `=` has an empty value. */
  query: readonly (readonly [string, string])[];
  /** Host without port, lower case. */
  host: string;
}>;

/** Which operation a request is for. `operation` undefined: the service is known, the operation is not. */
export type Route = Readonly<{
  model: ServiceModel;
  protocol: ProtocolName;
  operationName: string;
  operation: OperationModel | undefined;
  /** Decoded URI labels of the REST protocols. */
  labels: Readonly<Record<string, string>>;
  /** Parsed form of the query protocols. */
  form?: readonly (readonly [string, string])[];
  /** The JSON version or the like that the request named, and the answer repeats. */
  contentType?: string;
}>;

/** One protocol: how an input is read and how an output is written. */
export interface Protocol {
  decode(route: Route, input: DecodeInput): Record<string, unknown>;
  encode(route: Route, output: Record<string, unknown>, requestId: string): WireResponse;
  encodeError(error: EncodedError): WireResponse;
}

/** `body` is a stream only when the operation's payload streams. */
export type DecodeInput = Readonly<{ request: WireRequest; target: Target; body: Uint8Array | Readable }>;

/** An error whose code and status are already in the service's spelling. */
export type EncodedError = Readonly<{
  code: string;
  /** The code of the query protocol, for services that answer several. */
  queryCode: string;
  message: string;
  statusCode: number;
  /** True when the fault is the caller's. */
  sender: boolean;
  fields: Readonly<Record<string, unknown>>;
  model: ServiceModel | undefined;
  shapeName: string | undefined;
  requestId: string;
  method: string;
  contentType: string | undefined;
}>;
