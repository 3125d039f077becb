/** PutObject. */
import type { PutObjectOutput, PutObjectRequest } from '@aws-sdk/client-s3';
import { type AccessRequest, HEX } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { accessTo, requireBucket, tagContext, writeContext } from './access.ts';
import { type Body, discard, ingest } from './body.ts';
import {
  checksumOutput,
  DEFAULT_ALGORITHM,
  requestedAlgorithm,
  verifyChecksum,
  verifyContentMd5,
} from './checksums.ts';
import { encryptionOutput, newDataKey } from './data-keys.ts';
import { checkedMetadata, headersOf, refuseUnsupported } from './object-headers.ts';
import { checkAcl, checkObjectOwner } from './owners.ts';
import type { Encryption, ObjectChecksum } from './records.ts';
import { tagsOfHeader } from './tags.ts';
import { checkKey, checkWriteConditions, saveVersion } from './versions.ts';

type WriteInput = Omit<PutObjectRequest, 'Body' | 'Bucket' | 'Key'> & Readonly<{ Bucket?: string; Key?: string }>;

/** `s3:PutObject`, and what tags and a list beside it need. `creates`: an object is there when the call has succeeded. */
export async function writeAccess(input: WriteInput, call: Call, creates = false): Promise<readonly AccessRequest[]> {
  const tags = tagsOfHeader(input.Tagging);
  const context = { ...writeContext(input), ...tagContext(tags), 's3:ObjectCreationOperation': String(creates) };
  const grants = [input.ACL, input.GrantFullControl, input.GrantRead, input.GrantReadACP, input.GrantWriteACP];
  const actions = [
    'PutObject',
    ...(Object.keys(tags).length > 0 ? ['PutObjectTagging'] : []),
    ...(grants.some((grant) => grant !== undefined) ? ['PutObjectAcl'] : []),
  ];
  return Promise.all(actions.map((action) => accessTo(call, input.Bucket, action, { key: input.Key, context })));
}

export const putObject = operation<PutObjectRequest, PutObjectOutput>({
  authorize: (input, call) => writeAccess(input, call, true),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const key = input.Key ?? '';
    checkKey(key);
    checkAcl(bucket, input);
    checkObjectOwner(bucket, call.principal, input.ACL);
    checkWriteConditions(input);
    refuseUnsupported(input);
    const metadata = checkedMetadata(input.Metadata);
    const algorithm = requestedAlgorithm(input, call.http?.headers) ?? DEFAULT_ALGORITHM;
    const dataKey = await newDataKey(call, bucket, key, input);
    const body = await ingest(call.house, input.Body as Body, dataKey.key, algorithm);
    try {
      // A trailing checksum is a member of the input once the body has ended.
      verifyChecksum(input, algorithm, body.checksum);
      verifyContentMd5(input.ContentMD5, body.md5);
    } catch (error) {
      await discard(call.house, [body.segment]);
      throw error;
    }
    const checksum: ObjectChecksum = { algorithm, value: body.checksum, type: 'FULL_OBJECT' };
    const etag = etagOf(call, dataKey.encryption, body.md5);
    const facts = {
      headers: headersOf(input),
      metadata,
      tags: tagsOfHeader(input.Tagging),
      encryption: dataKey.encryption,
      checksum,
    };
    const saved = await saveVersion(
      call,
      bucket,
      { key, bytes: body.segment.bytes, etag, facts, segments: [body.segment] },
      { conditions: input, eventName: 'ObjectCreated:Put', reason: 'PutObject' },
    );
    return {
      ETag: `"${etag}"`,
      ...checksumOutput(checksum),
      ...encryptionOutput(dataKey.encryption),
      ...(saved.versionId !== undefined && { VersionId: saved.versionId }),
    };
  },
});

/** The MD5 of the bytes; under SSE-KMS something else, which tells nothing of them. */
export function etagOf(call: Call, encryption: Encryption, md5: string): string {
  return encryption.algorithm === 'AES256' ? md5 : call.house.ids.text(32, HEX);
}
