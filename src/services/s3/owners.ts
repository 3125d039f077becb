/** Owners as S3 shows them, and access control lists: the owner has full control, and nobody else anything. */
import { createHash } from 'node:crypto';
import type { Grant, Owner } from '@aws-sdk/client-s3';
import type { Principal } from '../../common/index.ts';
import { accessDenied, notImplemented, s3Error } from './errors.ts';
import type { Bucket } from './records.ts';

/** The canonical user id of an account: 64 hex digits, the same for ever. */
export function canonicalId(account: string): string {
  return createHash('sha256').update(`sluice canonical user ${account}`).digest('hex');
}

export function ownerOf(account: string): Owner {
  return { ID: canonicalId(account) };
}

export function ownerGrants(account: string): Grant[] {
  return [{ Grantee: { ...ownerOf(account), Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }];
}

type AclInput = Readonly<{
  ACL?: string | undefined;
  GrantFullControl?: string | undefined;
  GrantRead?: string | undefined;
  GrantReadACP?: string | undefined;
  GrantWrite?: string | undefined;
  GrantWriteACP?: string | undefined;
}>;

/** Refuses an access control list that would let in anybody but the owner. */
export function checkAcl(bucket: Pick<Bucket, 'ownership' | 'publicAccessBlock'>, input: AclInput): void {
  const { ACL: acl } = input;
  const grants = [input.GrantFullControl, input.GrantRead, input.GrantReadACP, input.GrantWrite, input.GrantWriteACP];
  const granting = grants.some((grant) => grant !== undefined);
  if (acl !== undefined && granting) {
    throw s3Error(400, 'InvalidRequest', 'Specifying both Canned ACLs and Header Grants is not allowed');
  }
  if (acl === undefined && !granting) return;
  if (bucket.ownership === 'BucketOwnerEnforced') {
    if (acl === 'bucket-owner-full-control') return;
    throw s3Error(400, 'AccessControlListNotSupported', 'The bucket does not allow ACLs');
  }
  if (acl?.startsWith('public-') === true && bucket.publicAccessBlock?.blockPublicAcls === true) throw accessDenied();
  if (acl === 'private' || acl === 'bucket-owner-full-control' || acl === 'bucket-owner-read') return;
  throw notImplemented(acl === undefined ? 'A grant to another than the owner' : `The canned ACL ${acl}`);
}

/** Objects belong to the bucket's owner. Refuses a write by which AWS would make them another account's. */
export function checkObjectOwner(bucket: Bucket, principal: Principal, acl: string | undefined): void {
  if (bucket.ownership === 'BucketOwnerEnforced') return;
  const account = 'account' in principal ? principal.account : undefined;
  if (account === undefined || account === bucket.account) return;
  if (bucket.ownership === 'BucketOwnerPreferred' && acl === 'bucket-owner-full-control') return;
  throw notImplemented("An object that belongs to another account than its bucket's");
}
