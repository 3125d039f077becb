/** Buckets: made, found, listed, deleted. */
import type {
  CreateBucketOutput,
  CreateBucketRequest,
  DeleteBucketRequest,
  GetBucketLocationOutput,
  GetBucketLocationRequest,
  HeadBucketOutput,
  HeadBucketRequest,
  ListBucketsOutput,
  ListBucketsRequest,
} from '@aws-sdk/client-s3';
import type { Tx } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { onBucket, requireBucket, writeContext } from './access.ts';
import { isBucketName } from './bucket-names.ts';
import { discard } from './body.ts';
import { invalidArgument, noSuchBucket, notImplemented, s3Error } from './errors.ts';
import { checkAcl, ownerOf } from './owners.ts';
import { readToken, writeToken } from './pages.ts';
import {
  type Bucket,
  bucketArn,
  bucketKey,
  buckets,
  GLOBAL,
  objects,
  type Ownership,
  parts,
  type Segment,
  uploads,
} from './records.ts';
import { checkedTags } from './tags.ts';

export const createBucket = operation<CreateBucketRequest, CreateBucketOutput>({
  authorize: async (input, call) => {
    const location = input.CreateBucketConfiguration?.LocationConstraint ?? call.region;
    const tags = (input.CreateBucketConfiguration?.Tags ?? []).filter((tag) => typeof tag?.Key === 'string');
    const context = {
      's3:LocationConstraint': location,
      ...writeContext(input),
      ...(typeof input.ObjectOwnership === 'string' && { 's3:x-amz-object-ownership': input.ObjectOwnership }),
      ...(tags.length > 0 && { 'aws:TagKeys': tags.map(({ Key }) => Key ?? '') }),
      ...Object.fromEntries(tags.map(({ Key, Value }) => [`aws:RequestTag/${Key}`, Value ?? ''])),
    };
    // Whoever owns a bucket of that name already, the new one would be the caller's.
    const base = { resource: bucketArn(input.Bucket ?? ''), resourceAccount: call.account, context };
    const actions = ['s3:CreateBucket'];
    if (input.ObjectOwnership !== undefined) actions.push('s3:PutBucketOwnershipControls');
    if ((input.CreateBucketConfiguration?.Tags?.length ?? 0) > 0) actions.push('s3:TagResource');
    return actions.map((action) => ({ ...base, action }));
  },
  async handle(input, call) {
    const name = input.Bucket ?? '';
    if (!isBucketName(name)) {
      throw s3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.', { fields: { BucketName: name } });
    }
    const configuration = input.CreateBucketConfiguration ?? {};
    if (input.ObjectLockEnabledForBucket === true) throw notImplemented('Object Lock');
    if (configuration.Bucket !== undefined || configuration.Location !== undefined) {
      throw notImplemented('A directory bucket');
    }
    if ((input.BucketNamespace ?? 'global') !== 'global') throw notImplemented('A bucket namespace of an account');
    const region = chosenRegion(configuration.LocationConstraint, call);
    const ownership: Ownership = input.ObjectOwnership ?? 'BucketOwnerEnforced';
    const publicAccessBlock = {
      blockPublicAcls: true,
      ignorePublicAcls: true,
      blockPublicPolicy: true,
      restrictPublicBuckets: true,
    };
    // `private` is what a bucket is without any list, so it is no list that ownership could forbid.
    if (input.ACL !== 'private') checkAcl({ ownership, publicAccessBlock }, input);
    const tags = configuration.Tags === undefined ? undefined : checkedTags(configuration.Tags, 50);
    const bucket: Bucket = {
      name,
      account: call.account,
      region,
      createdAt: call.now,
      encryption: { algorithm: 'AES256', bucketKeyEnabled: false },
      publicAccessBlock,
      ownership,
      ...(tags && Object.keys(tags).length > 0 && { tags }),
      notifications: { eventBridge: false, destinations: [] },
    };
    const placement = { parent: call.account, sort: name };
    const made = await buckets.insert(call.house.store, bucketKey(name), bucket, placement);
    if (!made) await answerTaken(name, call);
    return { Location: region === 'us-east-1' ? `/${name}` : locationUrl(name, call), BucketArn: bucketArn(name) };
  },
});

function locationUrl(name: string, call: Call): string {
  return call.http === undefined ? `/${name}` : `http://${call.http.host}/${name}`;
}

/** us-east-1 answers the owner's second creation as the first; other Regions refuse it. */
async function answerTaken(name: string, call: Call): Promise<void> {
  const other = (await buckets.get(call.house.store, bucketKey(name)))?.document;
  const fields = { BucketName: name };
  if (other?.account !== call.account) {
    throw s3Error(
      409,
      'BucketAlreadyExists',
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
      { fields },
    );
  }
  if (call.region === 'us-east-1' && other.region === 'us-east-1') return;
  throw s3Error(
    409,
    'BucketAlreadyOwnedByYou',
    'Your previous request to create the named bucket succeeded and you already own it.',
    { fields },
  );
}

/** The endpoint of us-east-1 makes buckets anywhere, the others only at home and only if told so. */
function chosenRegion(constraint: string | undefined, call: Call): string {
  const region = constraint === 'EU' ? 'eu-west-1' : constraint;
  if (call.region === 'us-east-1') {
    if (region === 'us-east-1') {
      throw s3Error(400, 'InvalidLocationConstraint', 'The specified location-constraint is not valid', {
        fields: { LocationConstraint: constraint },
      });
    }
    return region ?? 'us-east-1';
  }
  if (region !== call.region) {
    throw s3Error(
      400,
      'IllegalLocationConstraintException',
      `The ${constraint ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    );
  }
  return region;
}

export const headBucket = operation<HeadBucketRequest, HeadBucketOutput>({
  authorize: onBucket('ListBucket'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    return { BucketRegion: bucket.region, BucketArn: bucketArn(bucket.name), AccessPointAlias: false };
  },
});

export const getBucketLocation = operation<GetBucketLocationRequest, GetBucketLocationOutput>({
  authorize: onBucket('GetBucketLocation'),
  async handle(input, call) {
    const { region } = await requireBucket(call, input);
    return region === 'us-east-1'
      ? {}
      : { LocationConstraint: region as NonNullable<GetBucketLocationOutput['LocationConstraint']> };
  },
});

export const listBuckets = operation<ListBucketsRequest, ListBucketsOutput>({
  authorize: () => [{ action: 's3:ListAllMyBuckets', resource: '*' }],
  async handle(input, call) {
    const limit = input.MaxBuckets ?? 10_000;
    if (limit < 1 || limit > 10_000) {
      throw invalidArgument('Argument max-buckets must be an integer between 1 and 10000', 'max-buckets', limit);
    }
    const after = readToken(input.ContinuationToken)?.['name'];
    const rows = await buckets.list(call.house.store, {
      ...GLOBAL,
      parent: call.account,
      ...(input.Prefix !== undefined && { idPrefix: input.Prefix }),
      ...(after !== undefined && { after: { sort: after, id: after } }),
    });
    const wanted = rows
      .map(({ document }) => document)
      .filter(({ region }) => input.BucketRegion === undefined || region === input.BucketRegion);
    const shown = wanted.slice(0, limit);
    const last = shown.at(-1);
    return {
      Buckets: shown.map((bucket) => ({
        Name: bucket.name,
        CreationDate: new Date(bucket.createdAt),
        BucketArn: bucketArn(bucket.name),
        // Only a request that pages or filters learns the Region.
        ...((input.MaxBuckets ?? input.BucketRegion ?? input.Prefix) !== undefined && { BucketRegion: bucket.region }),
      })),
      Owner: ownerOf(call.account),
      ...(input.Prefix !== undefined && { Prefix: input.Prefix }),
      ...(wanted.length > limit && last !== undefined && { ContinuationToken: writeToken({ name: last.name }) }),
    };
  },
});

export const deleteBucket = operation<DeleteBucketRequest, void>({
  authorize: onBucket('DeleteBucket'),
  async handle(input, call) {
    const { name, versioning } = await requireBucket(call, input);
    const { store } = call.house;
    const orphans: Segment[] = [];
    await store.transaction(async (tx) => {
      orphans.length = 0;
      await objects.lockBucket(tx, name, 'Exclusive');
      if (!(await objects.isEmpty(tx, name))) {
        const hint = versioning === undefined ? '' : '. You must delete all versions in the bucket.';
        throw s3Error(409, 'BucketNotEmpty', `The bucket you tried to delete is not empty${hint}`, {
          fields: { BucketName: name },
        });
      }
      orphans.push(...(await deleteUploads(tx, name)));
      if (!(await buckets.delete(tx, bucketKey(name)))) throw noSuchBucket(name);
    });
    await discard(call.house, orphans);
  },
});

/** Unfinished uploads do not keep a bucket alive; they go with it. Returns their parts' segments. */
async function deleteUploads(tx: Tx, bucket: string): Promise<Segment[]> {
  const found: Segment[] = [];
  for (const { document } of await uploads.list(tx, { ...GLOBAL, parent: bucket })) {
    for (const part of await parts.list(tx, { ...GLOBAL, parent: document.uploadId })) {
      found.push(part.document.segment);
    }
    await parts.deleteUnder(tx, GLOBAL, document.uploadId);
  }
  await uploads.deleteUnder(tx, GLOBAL, bucket);
  return found;
}
