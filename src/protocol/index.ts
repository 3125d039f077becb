/** The AWS wire: route, authenticate, decode, validate, encode. It knows services by their models only. */
export type { KnownKey } from './authenticate.ts';
export {
  type ActionFacts,
  actionFacts,
  type AuthorizationData,
  type AuthorizationReference,
  isOfResourceType,
  openAuthorizationReference,
  type OperationActions,
  type ResourceTypeUse,
} from './authorization-data.ts';
export { type CallAnswer, type CallRequest, decodeAnswer, encodeCall, streamsOutput } from './client.ts';
export { type ChecksumName, createChecksum, type Checksum } from './checksum.ts';
export { type Exchange, type ExchangeOptions, openExchange } from './exchange.ts';
export { keysByPath } from './input-paths.ts';
export {
  type Metadata,
  type Models,
  openModels,
  type OperationModel,
  type ProtocolName,
  protocolsOf,
  type Reference,
  type ServiceModel,
  type Shape,
  shapeOf,
  signingNameOf,
} from './model.ts';
export { presignUrl, type RequestToSign, signRequest, type SigningCredentials, type SigningOptions } from './sign.ts';
export { checkTypes } from './types.ts';
export { validateInput } from './validate.ts';
export type { WireRequest, WireResponse } from './wire.ts';
