export {
  appendAudit,
  auditOfParent,
  auditOfRequest,
  type AuditRecord,
  deniedBetween,
  type HistoryQuery,
  type HistoryRecord,
  managementHistory,
  recentAudit,
} from './audit.ts';
export { type BlobInfo, BlobMissingError, type Blobs } from './blobs.ts';
export {
  Collection,
  collection,
  type DocumentKey,
  type ListOptions,
  lastInSequence,
  nextInSequence,
  type Placement,
  type Stored,
  timeSort,
} from './documents.ts';
export {
  addMetricPoints,
  compactMetricPoints,
  dropOldMetricPoints,
  listMetricSeries,
  type MetricIdentity,
  metricIdentity,
  type MetricPoint,
  type MetricRead,
  type MetricSeries,
  type MetricSlot,
  readMetric,
  touchMetricSeries,
} from './metrics.ts';
export { CommitUnknownError, DatabaseFullError, DatabaseUnavailableError, UnstorableTextError } from './failures.ts';
export { openFolderBlobs } from './folder-blobs.ts';
export { type LoopHistoryRow, readLoopHistory } from './loop-history.ts';
export { MigrationError } from './migrate.ts';
export {
  type Membership,
  type MembershipOptions,
  onlyMember,
  openMembership,
  type ProcessRecord,
  type SessionClient,
} from './membership.ts';
export { openStore, type OpenStoreOptions, type StoreLog, StoreUnavailableError } from './open.ts';
export { clientOf } from './url.ts';
export { openStateFolder, type StateFolder, StateFolderError, type StateFolderReason } from './state-folder.ts';
export type { Queryable, Row, Store, StoreKind, Tx } from './store.ts';
export {
  appendLogEvents,
  deleteLogEvents,
  type LogCursor,
  type LogEvent,
  logStreamSpans,
  readLogEvents,
} from './log-events.ts';
export {
  type ListedObject,
  type Listing,
  type ListingEntry,
  type ListingOptions,
  type NewObject,
  Objects,
  type StoredObject,
} from './objects.ts';
export { openSecretFile, readSecretFile, SecretFileError } from './secret-file.ts';
export {
  accessKeys,
  type AccessKeyRecord,
  type AccountRecord,
  accounts,
  bumpIdentityGeneration,
  globalKey,
  type GroupRecord,
  groups,
  hostAndPathOf,
  identityGeneration,
  type InlinePolicies,
  managedPolicies,
  nameKey,
  oidcProviderKey,
  type OidcProviderRecord,
  oidcProviders,
  type PolicyRecord,
  type PolicyVersionRecord,
  type RoleRecord,
  roles,
  type ServiceCredentialRecord,
  serviceCredentials,
  sessionHour,
  type SessionRecord,
  sessions,
  sessionTokenOf,
  type Tags,
  userParent,
  type UseRecord,
  type UserRecord,
  users,
  uses,
} from './identities.ts';
export {
  changeVisibility,
  countMessages,
  deleteExpiredMessages,
  deleteMessage,
  deleteMessages,
  moveDeadLetters,
  type NewMessage,
  type QueueMessage,
  receiveMessages,
  sendMessages,
  type SystemAttributes,
} from './queue-messages.ts';
