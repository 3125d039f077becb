/** S3's errors: code, HTTP status, words and fields in one place. Source: S3 API Reference, "Error responses". */
import { AwsError } from '../../common/index.ts';

type Options = Readonly<{
  fields?: Readonly<Record<string, unknown>>;
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}>;

export function s3Error(statusCode: number, code: string, message: string, options: Options = {}): AwsError {
  return new AwsError(code, message, { statusCode, ...options });
}

export function noSuchBucket(bucket: string): AwsError {
  return s3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', { fields: { BucketName: bucket } });
}

export function noSuchKey(key: string, headers: Readonly<Record<string, string>> = {}): AwsError {
  return s3Error(404, 'NoSuchKey', 'The specified key does not exist.', { fields: { Key: key }, headers });
}

export function noSuchVersion(key: string, versionId: string): AwsError {
  return s3Error(404, 'NoSuchVersion', 'The specified version does not exist.', {
    fields: { Key: key, VersionId: versionId },
  });
}

export function noSuchUpload(uploadId: string): AwsError {
  return s3Error(
    404,
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { fields: { UploadId: uploadId } },
  );
}

export function accessDenied(message = 'Access Denied', cause?: unknown): AwsError {
  return s3Error(403, 'AccessDenied', message, { cause });
}

export function invalidArgument(message: string, name: string, value: unknown): AwsError {
  return s3Error(400, 'InvalidArgument', message, {
    fields: { ArgumentName: name, ArgumentValue: String(value) },
  });
}

export function invalidRequest(message: string): AwsError {
  return s3Error(400, 'InvalidRequest', message);
}

export function preconditionFailed(condition: string): AwsError {
  return s3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    fields: { Condition: condition },
  });
}

export function malformedXml(): AwsError {
  return s3Error(
    400,
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );
}

/** Something that AWS does and Sluice does not, said so where ignoring it would change what happens. */
export function notImplemented(what: string): AwsError {
  return s3Error(501, 'NotImplemented', `${what} is not implemented by Sluice`);
}
