/**
 * Amazon S3: buckets and versioned objects, encrypted at rest, with policies, multipart uploads and notifications.
 *
 * Start with `records.ts` (what is kept), `access.ts` (who may), `body.ts` and `segments.ts` (how bytes are kept) and
 * `versions.ts` (how an object comes to be).
 */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import {
  deleteBucketCors,
  deleteBucketLifecycle,
  deleteBucketReplication,
  deleteBucketWebsite,
  getBucketAccelerateConfiguration,
  getBucketCors,
  getBucketLifecycleConfiguration,
  getBucketLogging,
  getBucketReplication,
  getBucketRequestPayment,
  getBucketWebsite,
  getObjectLockConfiguration,
} from './absent-configurations.ts';
import { deleteBucketPolicy, getBucketPolicy, getBucketPolicyStatus, putBucketPolicy } from './bucket-policies.ts';
import {
  deleteBucketEncryption,
  deleteBucketOwnershipControls,
  deleteBucketTagging,
  deletePublicAccessBlock,
  getBucketAcl,
  getBucketEncryption,
  getBucketOwnershipControls,
  getBucketTagging,
  getBucketVersioning,
  getPublicAccessBlock,
  putBucketAcl,
  putBucketEncryption,
  putBucketOwnershipControls,
  putBucketTagging,
  putBucketVersioning,
  putPublicAccessBlock,
} from './bucket-settings.ts';
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './buckets.ts';
import { copyObject } from './copy-object.ts';
import { deleteObject, deleteObjects } from './delete-objects.ts';
import { foresee } from './foresee.ts';
import { getObject, headObject } from './get-object.ts';
import { listObjects, listObjectsV2, listObjectVersions } from './listings.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
} from './multipart-uploads.ts';
import {
  getBucketNotificationConfiguration,
  notificationLoop,
  putBucketNotificationConfiguration,
} from './notifications.ts';
import {
  deleteObjectTagging,
  getObjectAcl,
  getObjectAttributes,
  getObjectTagging,
  putObjectTagging,
} from './object-details.ts';
import { listParts, uploadPart, uploadPartCopy } from './parts.ts';
import { putObject } from './put-object.ts';
import { resourceAccess } from './resource-access.ts';

export const s3: ServiceDefinition = {
  name: 's3',
  iamPrefix: 's3',
  resourceAccess,
  foresee,
  operations: operationsOf({
    abortMultipartUpload,
    completeMultipartUpload,
    copyObject,
    createBucket,
    createMultipartUpload,
    deleteBucket,
    deleteBucketCors,
    deleteBucketEncryption,
    deleteBucketLifecycle,
    deleteBucketOwnershipControls,
    deleteBucketPolicy,
    deleteBucketReplication,
    deleteBucketTagging,
    deleteBucketWebsite,
    deleteObject,
    deleteObjects,
    deleteObjectTagging,
    deletePublicAccessBlock,
    getBucketAccelerateConfiguration,
    getBucketAcl,
    getBucketCors,
    getBucketEncryption,
    getBucketLifecycleConfiguration,
    getBucketLocation,
    getBucketLogging,
    getBucketNotificationConfiguration,
    getBucketOwnershipControls,
    getBucketPolicy,
    getBucketPolicyStatus,
    getBucketReplication,
    getBucketRequestPayment,
    getBucketTagging,
    getBucketVersioning,
    getBucketWebsite,
    getObject,
    getObjectAcl,
    getObjectAttributes,
    getObjectLockConfiguration,
    getObjectTagging,
    getPublicAccessBlock,
    headBucket,
    headObject,
    listBuckets,
    listMultipartUploads,
    listObjects,
    listObjectsV2,
    listObjectVersions,
    listParts,
    putBucketAcl,
    putBucketEncryption,
    putBucketNotificationConfiguration,
    putBucketOwnershipControls,
    putBucketPolicy,
    putBucketTagging,
    putBucketVersioning,
    putObject,
    putObjectTagging,
    putPublicAccessBlock,
    uploadPart,
    uploadPartCopy,
  }),
  loops: (house) => [notificationLoop(house)],
};
