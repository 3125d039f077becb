/**
 * AWS KMS: symmetric, RSA, elliptic-curve and HMAC keys with aliases, key policies and grants, and real cryptography under them.
 *
 * Start with `records.ts` (what is kept), `access.ts` (who may) and `ciphertext.ts` (what a blob is).
 */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { createAlias, deleteAlias, listAliases, updateAlias } from './aliases.ts';
import {
  decrypt,
  encrypt,
  generateDataKey,
  generateDataKeyWithoutPlaintext,
  generateRandom,
  reEncrypt,
} from './cryptographic-operations.ts';
import { cancelKeyDeletion, keyDeletionLoop, scheduleKeyDeletion } from './deletion.ts';
import { foresee } from './foresee.ts';
import { createGrant, listGrants, listRetirableGrants, retireGrant, revokeGrant } from './grants.ts';
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from './key-policies.ts';
import {
  deriveSharedSecret,
  generateDataKeyPair,
  generateDataKeyPairWithoutPlaintext,
  getPublicKey,
} from './key-pairs.ts';
import { createKey, describeKey, disableKey, enableKey, listKeys, updateKeyDescription } from './keys.ts';
import { generateMac, verifyMac } from './macs.ts';
import { replicateKey, updatePrimaryRegion } from './multi-region.ts';
import { resourceAccess } from './resource-access.ts';
import {
  disableKeyRotation,
  enableKeyRotation,
  getKeyRotationStatus,
  listKeyRotations,
  rotateKeyOnDemand,
} from './rotation.ts';
import { keyRotationLoop } from './rotation-loop.ts';
import { sign, verify } from './signing.ts';
import { listResourceTags, tagResource, untagResource } from './tags.ts';

export const kms: ServiceDefinition = {
  name: 'kms',
  iamPrefix: 'kms',
  resourceAccess,
  foresee,
  operations: operationsOf({
    cancelKeyDeletion,
    createAlias,
    createGrant,
    createKey,
    decrypt,
    deleteAlias,
    deriveSharedSecret,
    describeKey,
    disableKey,
    disableKeyRotation,
    enableKey,
    enableKeyRotation,
    encrypt,
    generateDataKey,
    generateDataKeyPair,
    generateDataKeyPairWithoutPlaintext,
    generateDataKeyWithoutPlaintext,
    generateMac,
    generateRandom,
    getKeyPolicy,
    getKeyRotationStatus,
    getPublicKey,
    listAliases,
    listGrants,
    listKeyPolicies,
    listKeyRotations,
    listKeys,
    listResourceTags,
    listRetirableGrants,
    putKeyPolicy,
    reEncrypt,
    replicateKey,
    retireGrant,
    revokeGrant,
    rotateKeyOnDemand,
    scheduleKeyDeletion,
    sign,
    tagResource,
    untagResource,
    updateAlias,
    updateKeyDescription,
    updatePrimaryRegion,
    verify,
    verifyMac,
  }),
  loops: (house) => [keyDeletionLoop(house), keyRotationLoop(house)],
};
