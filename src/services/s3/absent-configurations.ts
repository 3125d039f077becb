/**
 * Configurations that Sluice's S3 does not have. A bucket therefore never has one, and reading it (as Terraform does for
 * every bucket) says so in AWS's words. Setting one is not implemented, and answers that.
 */
import type {
  GetBucketAccelerateConfigurationOutput,
  GetBucketLoggingOutput,
  GetBucketRequestPaymentOutput,
} from '@aws-sdk/client-s3';
import { operation } from '../service.ts';
import { onBucket, requireBucket } from './access.ts';
import { s3Error } from './errors.ts';

type BucketInput = Readonly<{ Bucket?: string; ExpectedBucketOwner?: string }>;

function absent(action: string, code: string, message: string) {
  return operation<BucketInput, never>({
    authorize: onBucket(action),
    async handle(input, call) {
      const { name } = await requireBucket(call, input);
      throw s3Error(404, code, message, { fields: { BucketName: name } });
    },
  });
}

function unset<Output>(action: string, output: Output) {
  return operation<BucketInput, Output>({
    authorize: onBucket(action),
    async handle(input, call) {
      await requireBucket(call, input);
      return output;
    },
  });
}

export const getBucketCors = absent(
  'GetBucketCORS',
  'NoSuchCORSConfiguration',
  'The CORS configuration does not exist',
);

export const getBucketLifecycleConfiguration = absent(
  'GetLifecycleConfiguration',
  'NoSuchLifecycleConfiguration',
  'The lifecycle configuration does not exist',
);

export const getBucketReplication = absent(
  'GetReplicationConfiguration',
  'ReplicationConfigurationNotFoundError',
  'The replication configuration was not found',
);

export const getBucketWebsite = absent(
  'GetBucketWebsite',
  'NoSuchWebsiteConfiguration',
  'The specified bucket does not have a website configuration',
);

export const getObjectLockConfiguration = absent(
  'GetBucketObjectLockConfiguration',
  'ObjectLockConfigurationNotFoundError',
  'Object Lock configuration does not exist for this bucket',
);

export const getBucketAccelerateConfiguration = unset<GetBucketAccelerateConfigurationOutput>(
  'GetAccelerateConfiguration',
  {},
);

export const getBucketLogging = unset<GetBucketLoggingOutput>('GetBucketLogging', {});

export const getBucketRequestPayment = unset<GetBucketRequestPaymentOutput>('GetBucketRequestPayment', {
  Payer: 'BucketOwner',
});

// Deleting what is not there succeeds.
export const deleteBucketCors = unset<void>('PutBucketCORS', undefined);
export const deleteBucketLifecycle = unset<void>('PutLifecycleConfiguration', undefined);
export const deleteBucketReplication = unset<void>('PutReplicationConfiguration', undefined);
export const deleteBucketWebsite = unset<void>('DeleteBucketWebsite', undefined);
