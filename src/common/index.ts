export { accountOfAccessKeyId, newAccessKeyId } from './access-key.ts';
export { AwsError, isAwsError } from './aws-error.ts';
export { type Arn, formatArn, parseArn } from './arn.ts';
export { type Clock, ManualClock } from './clock.ts';
export { assert, assertNever, type Decision, InvariantError } from './decision.ts';
export { effectRecord, type EffectRecord } from './effect-record.ts';
export { fingerprint } from './fingerprint.ts';
export {
  ALPHANUMERIC,
  DIGITS,
  HEX,
  idsFrom,
  type Ids,
  LOWER_ALPHANUMERIC,
  seededIds,
  UPPER_ALPHANUMERIC,
} from './ids.ts';
export type { Json, JsonObject } from './json.ts';
export { own } from './own.ts';
export type { AccessRequest, Principal, RequestContext, ResourcePolicy, Session } from './policy-types.ts';
export { storableJson, storableText } from './storable-text.ts';
export { DAY_MS, type EpochMs, HOUR_MS, isoMillis, isoSeconds, MINUTE_MS, parseDurationMs, SECOND_MS } from './time.ts';
export { duration, percent } from './words.ts';
