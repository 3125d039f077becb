/** What a failed authentication says, family by family. Wording as AWS's services send it. */
import { AwsError } from '../common/index.ts';
import type { Family } from './errors.ts';

export type AuthFault =
  | 'MissingToken'
  | 'Incomplete'
  | 'UnknownKey'
  | 'InvalidToken'
  | 'ExpiredToken'
  | 'Mismatch'
  /** The scope's day, or what is signed, cannot be right. */
  | 'BadScope'
  | 'Skewed'
  | 'PresignExpired'
  | 'Malformed';

type Wording = readonly [code: string, statusCode: number, message: string];

const TOKEN_INVALID = 'The security token included in the request is invalid.';
const TOKEN_EXPIRED = 'The security token included in the request is expired';
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const EC2_FAILED = 'AWS was not able to validate the provided access credentials';

/** Where the text is empty, the fault brings its own. */
const WORDS: Readonly<Record<Family, Readonly<Record<AuthFault, Wording>>>> = {
  json: jsonWords(400),
  'rest-json': jsonWords(403),
  query: {
    MissingToken: ['MissingAuthenticationToken', 403, 'Request is missing Authentication Token'],
    Incomplete: ['IncompleteSignature', 400, ''],
    UnknownKey: ['InvalidClientTokenId', 403, TOKEN_INVALID],
    InvalidToken: ['InvalidClientTokenId', 403, TOKEN_INVALID],
    ExpiredToken: ['ExpiredToken', 403, TOKEN_EXPIRED],
    Mismatch: ['SignatureDoesNotMatch', 403, MISMATCH],
    BadScope: ['SignatureDoesNotMatch', 403, ''],
    Skewed: ['SignatureDoesNotMatch', 403, ''],
    PresignExpired: ['SignatureDoesNotMatch', 403, ''],
    Malformed: ['IncompleteSignature', 400, ''],
  },
  ec2: {
    MissingToken: ['AuthFailure', 401, 'Request is missing Authentication Token'],
    Incomplete: ['AuthFailure', 401, EC2_FAILED],
    UnknownKey: ['AuthFailure', 401, EC2_FAILED],
    InvalidToken: ['AuthFailure', 401, EC2_FAILED],
    ExpiredToken: ['RequestExpired', 400, 'Request has expired.'],
    Mismatch: ['AuthFailure', 401, EC2_FAILED],
    BadScope: ['AuthFailure', 401, EC2_FAILED],
    Skewed: ['RequestExpired', 400, 'Request has expired.'],
    PresignExpired: ['RequestExpired', 400, 'Request has expired.'],
    Malformed: ['AuthFailure', 401, EC2_FAILED],
  },
  s3: {
    MissingToken: ['AccessDenied', 403, 'Access Denied'],
    Incomplete: ['AuthorizationHeaderMalformed', 400, ''],
    UnknownKey: ['InvalidAccessKeyId', 403, 'The AWS Access Key Id you provided does not exist in our records.'],
    InvalidToken: ['InvalidToken', 400, 'The provided token is malformed or otherwise invalid.'],
    ExpiredToken: ['ExpiredToken', 400, 'The provided token has expired.'],
    Mismatch: [
      'SignatureDoesNotMatch',
      403,
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    ],
    BadScope: ['AuthorizationHeaderMalformed', 400, ''],
    Skewed: ['RequestTimeTooSkewed', 403, 'The difference between the request time and the current time is too large.'],
    PresignExpired: ['AccessDenied', 403, 'Request has expired'],
    Malformed: ['AuthorizationQueryParametersError', 400, ''],
  },
};

function jsonWords(statusCode: number): Readonly<Record<AuthFault, Wording>> {
  return {
    MissingToken: ['MissingAuthenticationTokenException', statusCode, 'Missing Authentication Token'],
    Incomplete: ['IncompleteSignatureException', statusCode, ''],
    UnknownKey: ['UnrecognizedClientException', statusCode, TOKEN_INVALID],
    InvalidToken: ['UnrecognizedClientException', statusCode, TOKEN_INVALID],
    ExpiredToken: ['ExpiredTokenException', statusCode, TOKEN_EXPIRED],
    Mismatch: ['InvalidSignatureException', statusCode, MISMATCH],
    BadScope: ['InvalidSignatureException', statusCode, ''],
    Skewed: ['InvalidSignatureException', statusCode, ''],
    PresignExpired: ['InvalidSignatureException', statusCode, ''],
    Malformed: ['IncompleteSignatureException', statusCode, ''],
  };
}

/** `message` is used where the family has no fixed one; `fields` only S3 tells. */
export function authError(
  family: Family,
  fault: AuthFault,
  message = '',
  fields: Readonly<Record<string, unknown>> = {},
): AwsError {
  const [code, statusCode, fixed] = WORDS[family][fault];
  return new AwsError(code, fixed === '' ? message : fixed, { statusCode, fields: family === 's3' ? fields : {} });
}
