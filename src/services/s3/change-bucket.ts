/** The one way that an operation changes a bucket: read, change and write as one. */
import type { Call } from '../service.ts';
import { requireBucket } from './access.ts';
import { noSuchBucket } from './errors.ts';
import { type Bucket, bucketKey, buckets } from './records.ts';

export async function changeBucket(
  call: Call,
  input: Readonly<{ Bucket?: string | undefined; ExpectedBucketOwner?: string | undefined }>,
  change: (bucket: Bucket) => Bucket,
): Promise<void> {
  const { name } = await requireBucket(call, input);
  await call.house.store.transaction(async (tx) => {
    const found = await buckets.getForUpdate(tx, bucketKey(name));
    if (found === undefined) throw noSuchBucket(name);
    await buckets.update(tx, bucketKey(name), change(found.document));
  });
}
