/** Types of the wire, in the shapes that handlers see. */
import type { Readable } from 'node:stream';
import type { FunctionCode as SdkFunctionCode } from '@aws-sdk/client-lambda';

export type FunctionCode = Pick<
  SdkFunctionCode,
  'ZipFile' | 'S3Bucket' | 'S3Key' | 'S3ObjectVersion' | 'ImageUri' | 'SourceKMSKeyArn'
>;
export type GetObjectResult = Readonly<{ Body: Readable | Uint8Array }>;
