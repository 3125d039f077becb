/**
 * AWS KMS: symmetric keys with aliases, key policies and grants, and real AES-256-GCM under them.
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
import { createKey, describeKey, disableKey, enableKey, listKeys, updateKeyDescription } from './keys.ts';
import { resourceAccess } from './resource-access.ts';
import { disableKeyRotation, enableKeyRotation, getKeyRotationStatus } from './rotation.ts';
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
    describeKey,
    disableKey,
    disableKeyRotation,
    enableKey,
    enableKeyRotation,
    encrypt,
    generateDataKey,
    generateDataKeyWithoutPlaintext,
    generateRandom,
    getKeyPolicy,
    getKeyRotationStatus,
    listAliases,
    listGrants,
    listKeyPolicies,
    listKeys,
    listResourceTags,
    listRetirableGrants,
    putKeyPolicy,
    reEncrypt,
    retireGrant,
    revokeGrant,
    scheduleKeyDeletion,
    tagResource,
    untagResource,
    updateAlias,
    updateKeyDescription,
  }),
  loops: (house) => [keyDeletionLoop(house)],
};
