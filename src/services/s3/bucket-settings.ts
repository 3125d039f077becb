/** Settings of a bucket: versioning, default encryption, public access block, ownership, tags, access control list. */
import type {
  DeleteBucketEncryptionRequest,
  DeleteBucketOwnershipControlsRequest,
  DeleteBucketTaggingRequest,
  DeletePublicAccessBlockRequest,
  GetBucketAclOutput,
  GetBucketAclRequest,
  GetBucketEncryptionOutput,
  GetBucketEncryptionRequest,
  GetBucketOwnershipControlsOutput,
  GetBucketOwnershipControlsRequest,
  GetBucketTaggingOutput,
  GetBucketTaggingRequest,
  GetBucketVersioningOutput,
  GetBucketVersioningRequest,
  GetPublicAccessBlockOutput,
  GetPublicAccessBlockRequest,
  PutBucketAclRequest,
  PutBucketEncryptionRequest,
  PutBucketOwnershipControlsRequest,
  PutBucketTaggingRequest,
  PutBucketVersioningRequest,
  PutPublicAccessBlockRequest,
} from '@aws-sdk/client-s3';
import { operation } from '../service.ts';
import { onBucket, requireBucket, writeContext } from './access.ts';
import { changeBucket } from './change-bucket.ts';
import { invalidArgument, invalidRequest, malformedXml, notImplemented, s3Error } from './errors.ts';
import { canonicalId, checkAcl, ownerGrants, ownerOf } from './owners.ts';
import type { BucketEncryption, Ownership } from './records.ts';
import { checkedTags, tagSet } from './tags.ts';

// Versioning

export const putBucketVersioning = operation<PutBucketVersioningRequest, void>({
  authorize: onBucket('PutBucketVersioning'),
  async handle(input, call) {
    const { Status: status, MFADelete: mfaDelete } = input.VersioningConfiguration ?? {};
    if (mfaDelete === 'Enabled' || input.MFA !== undefined) throw notImplemented('MFA delete');
    if (status !== 'Enabled' && status !== 'Suspended') throw illegalVersioning();
    await changeBucket(call, input, (bucket) => ({ ...bucket, versioning: status }));
  },
});

function illegalVersioning(): Error {
  return s3Error(
    400,
    'IllegalVersioningConfigurationException',
    'The Versioning element must be specified with the Status Enabled or Suspended',
  );
}

export const getBucketVersioning = operation<GetBucketVersioningRequest, GetBucketVersioningOutput>({
  authorize: onBucket('GetBucketVersioning'),
  async handle(input, call) {
    const { versioning } = await requireBucket(call, input);
    return versioning === undefined ? {} : { Status: versioning };
  },
});

// Default encryption

export const putBucketEncryption = operation<PutBucketEncryptionRequest, void>({
  authorize: onBucket('PutEncryptionConfiguration'),
  async handle(input, call) {
    const rules = input.ServerSideEncryptionConfiguration?.Rules ?? [];
    const [rule] = rules;
    if (rules.length !== 1 || rule === undefined) throw malformedXml();
    const { SSEAlgorithm: algorithm, KMSMasterKeyID: kmsKeyId } = rule.ApplyServerSideEncryptionByDefault ?? {};
    if (algorithm === undefined) throw malformedXml();
    if (algorithm !== 'AES256' && algorithm !== 'aws:kms') throw notImplemented(`Server-side encryption ${algorithm}`);
    if ((rule.BlockedEncryptionTypes?.EncryptionType ?? []).some((type) => type !== 'NONE' && type !== 'SSE-C')) {
      throw notImplemented('Blocking an encryption type');
    }
    if (algorithm === 'AES256' && kmsKeyId !== undefined) {
      throw invalidArgument(
        'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms',
        'ApplyServerSideEncryptionByDefault',
        algorithm,
      );
    }
    const encryption: BucketEncryption = {
      algorithm,
      ...(kmsKeyId !== undefined && { kmsKeyId }),
      bucketKeyEnabled: rule.BucketKeyEnabled ?? false,
    };
    await changeBucket(call, input, (bucket) => ({ ...bucket, encryption }));
  },
});

export const getBucketEncryption = operation<GetBucketEncryptionRequest, GetBucketEncryptionOutput>({
  authorize: onBucket('GetEncryptionConfiguration'),
  async handle(input, call) {
    const { encryption } = await requireBucket(call, input);
    const byDefault = {
      SSEAlgorithm: encryption.algorithm,
      ...(encryption.kmsKeyId !== undefined && { KMSMasterKeyID: encryption.kmsKeyId }),
    };
    return {
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: encryption.bucketKeyEnabled }],
      },
    };
  },
});

export const deleteBucketEncryption = operation<DeleteBucketEncryptionRequest, void>({
  authorize: onBucket('PutEncryptionConfiguration'),
  handle: (input, call) =>
    changeBucket(call, input, (bucket) => ({
      ...bucket,
      encryption: { algorithm: 'AES256', bucketKeyEnabled: false },
    })),
});

// Public access block

export const putPublicAccessBlock = operation<PutPublicAccessBlockRequest, void>({
  authorize: onBucket('PutBucketPublicAccessBlock'),
  async handle(input, call) {
    const block = input.PublicAccessBlockConfiguration ?? {};
    await changeBucket(call, input, (bucket) => ({
      ...bucket,
      publicAccessBlock: {
        blockPublicAcls: block.BlockPublicAcls ?? false,
        ignorePublicAcls: block.IgnorePublicAcls ?? false,
        blockPublicPolicy: block.BlockPublicPolicy ?? false,
        restrictPublicBuckets: block.RestrictPublicBuckets ?? false,
      },
    }));
  },
});

export const getPublicAccessBlock = operation<GetPublicAccessBlockRequest, GetPublicAccessBlockOutput>({
  authorize: onBucket('GetBucketPublicAccessBlock'),
  async handle(input, call) {
    const { name, publicAccessBlock: block } = await requireBucket(call, input);
    if (block === undefined) {
      throw s3Error(
        404,
        'NoSuchPublicAccessBlockConfiguration',
        'The public access block configuration was not found',
        { fields: { BucketName: name } },
      );
    }
    return {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: block.blockPublicAcls,
        IgnorePublicAcls: block.ignorePublicAcls,
        BlockPublicPolicy: block.blockPublicPolicy,
        RestrictPublicBuckets: block.restrictPublicBuckets,
      },
    };
  },
});

export const deletePublicAccessBlock = operation<DeletePublicAccessBlockRequest, void>({
  authorize: onBucket('PutBucketPublicAccessBlock'),
  handle: (input, call) => changeBucket(call, input, ({ publicAccessBlock: _gone, ...rest }) => rest),
});

// Ownership

export const putBucketOwnershipControls = operation<PutBucketOwnershipControlsRequest, void>({
  authorize: onBucket('PutBucketOwnershipControls'),
  async handle(input, call) {
    const rules = input.OwnershipControls?.Rules ?? [];
    const ownership = rules[0]?.ObjectOwnership as Ownership | undefined;
    if (rules.length !== 1 || ownership === undefined) throw malformedXml();
    await changeBucket(call, input, (bucket) => ({ ...bucket, ownership }));
  },
});

export const getBucketOwnershipControls = operation<
  GetBucketOwnershipControlsRequest,
  GetBucketOwnershipControlsOutput
>({
  authorize: onBucket('GetBucketOwnershipControls'),
  async handle(input, call) {
    const { name, ownership } = await requireBucket(call, input);
    if (ownership === undefined) {
      throw s3Error(404, 'OwnershipControlsNotFoundError', 'The bucket ownership controls were not found', {
        fields: { BucketName: name },
      });
    }
    return { OwnershipControls: { Rules: [{ ObjectOwnership: ownership }] } };
  },
});

export const deleteBucketOwnershipControls = operation<DeleteBucketOwnershipControlsRequest, void>({
  authorize: onBucket('PutBucketOwnershipControls'),
  handle: (input, call) => changeBucket(call, input, ({ ownership: _gone, ...rest }) => rest),
});

// Tags

export const putBucketTagging = operation<PutBucketTaggingRequest, void>({
  authorize: onBucket('PutBucketTagging'),
  async handle(input, call) {
    const tags = checkedTags(input.Tagging?.TagSet, 50);
    await changeBucket(call, input, (bucket) => ({ ...bucket, tags }));
  },
});

export const getBucketTagging = operation<GetBucketTaggingRequest, GetBucketTaggingOutput>({
  authorize: onBucket('GetBucketTagging'),
  async handle(input, call) {
    const { name, tags } = await requireBucket(call, input);
    if (tags === undefined || Object.keys(tags).length === 0) {
      throw s3Error(404, 'NoSuchTagSet', 'The TagSet does not exist', { fields: { BucketName: name } });
    }
    return { TagSet: tagSet(tags) };
  },
});

export const deleteBucketTagging = operation<DeleteBucketTaggingRequest, void>({
  authorize: onBucket('PutBucketTagging'),
  handle: (input, call) => changeBucket(call, input, ({ tags: _gone, ...rest }) => rest),
});

// Access control list

export const getBucketAcl = operation<GetBucketAclRequest, GetBucketAclOutput>({
  authorize: onBucket('GetBucketAcl'),
  async handle(input, call) {
    const { account } = await requireBucket(call, input);
    return { Owner: ownerOf(account), Grants: ownerGrants(account) };
  },
});

/** The list of a bucket is always the same: its owner has full control. Setting it to just that is all that can be done. */
export const putBucketAcl = operation<PutBucketAclRequest, void>({
  authorize: onBucket('PutBucketAcl', (input: PutBucketAclRequest) => writeContext(input)),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const policy = input.AccessControlPolicy;
    const isGranted = [
      input.GrantFullControl,
      input.GrantRead,
      input.GrantReadACP,
      input.GrantWrite,
      input.GrantWriteACP,
    ];
    if (policy === undefined && input.ACL === undefined && isGranted.every((grant) => grant === undefined)) {
      throw s3Error(400, 'MissingSecurityHeader', 'Your request was missing a required header', {
        fields: { MissingHeaderName: 'x-amz-acl' },
      });
    }
    checkAcl(bucket, input);
    if (policy === undefined) return;
    const id = canonicalId(bucket.account);
    const onlyOwner =
      policy.Owner?.ID === id &&
      (policy.Grants ?? []).every((grant) => grant.Grantee?.ID === id && grant.Permission === 'FULL_CONTROL');
    if (bucket.ownership === 'BucketOwnerEnforced' && !onlyOwner) {
      throw s3Error(400, 'AccessControlListNotSupported', 'The bucket does not allow ACLs');
    }
    if (policy.Owner?.ID !== id) throw invalidRequest('The owner of a bucket cannot be changed');
    if (!onlyOwner || policy.Grants?.length !== 1) throw notImplemented('A grant to another than the owner');
  },
});
