/** Secrets Manager: secrets, versions and staging labels, policies, deletion with a waiting window. Rotation and replication are not implemented. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { foresee } from './foresee.ts';
import { resourceAccess } from './resource-access.ts';
import {
  createSecret,
  deleteResourcePolicy,
  deleteSecret,
  deletionLoop,
  describeSecret,
  getResourcePolicy,
  listSecrets,
  putResourcePolicy,
  restoreSecret,
  tagResource,
  untagResource,
  updateSecret,
} from './secrets.ts';
import {
  getRandomPassword,
  getSecretValue,
  listSecretVersionIds,
  putSecretValue,
  updateSecretVersionStage,
} from './values.ts';

export const secretsmanager: ServiceDefinition = {
  name: 'secretsmanager',
  iamPrefix: 'secretsmanager',
  resourceAccess,
  foresee,
  operations: operationsOf({
    createSecret,
    deleteResourcePolicy,
    deleteSecret,
    describeSecret,
    getRandomPassword,
    getResourcePolicy,
    getSecretValue,
    listSecretVersionIds,
    listSecrets,
    putResourcePolicy,
    putSecretValue,
    restoreSecret,
    tagResource,
    untagResource,
    updateSecret,
    updateSecretVersionStage,
  }),
  loops: (house) => [deletionLoop(house)],
};
