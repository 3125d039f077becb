export {
  APPROVAL_TIMEOUT_MS,
  AWS_ACTION_TYPES,
  CUSTOM_TIMEOUT_MS,
  isSameType,
  LAMBDA_SILENCE_MS,
  LAMBDA_TIMEOUT_MS,
  typeName,
} from './action-types.ts';
export { type EnvironmentVariable, environmentVariables } from './configuration.ts';
export { planOf } from './line-plan.ts';
export {
  actionPath,
  actionTimeoutMs,
  joinSecrets,
  MASK,
  normalisePipeline,
  type Secrets,
  splitSecrets,
} from './normalise.ts';
export type {
  ActionDeclaration,
  ActionProperty,
  ActionTypeDefinition,
  ActionTypeId,
  ArtifactCount,
  ArtifactStore,
  EncryptionKey,
  PipelineDeclaration,
  Problem,
  ProblemCode,
  StageDeclaration,
  VariableDeclaration,
} from './types.ts';
export { findActionType, type Surroundings, validatePipeline } from './validate.ts';
export { type Reference, referencesIn, resolveConfiguration, type Resolved, type Variables } from './variables.ts';
