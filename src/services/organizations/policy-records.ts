/** Control policies as they are kept, and where they are attached. */
import type { House } from '../index.ts';
import { type OrganizationRecord, organizationsArn } from './records.ts';
import {
  collection,
  globalKey,
  lastInSequence,
  nextInSequence,
  type Queryable,
  type Tags,
  type Tx,
} from '../../store/index.ts';

export const CONTROL_POLICY_TYPES = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY'] as const;
export type ControlPolicyType = (typeof CONTROL_POLICY_TYPES)[number];

export function isControlPolicyType(type: string | undefined): type is ControlPolicyType {
  return (CONTROL_POLICY_TYPES as readonly (string | undefined)[]).includes(type);
}

export type PolicyRecord = Readonly<{
  /** `p-` and eight characters. */
  id: string;
  /** Empty: AWS's own. */
  organizationId: string;
  name: string;
  description: string;
  type: ControlPolicyType;
  content: string;
  tags: Tags;
}>;

/** Ids of policies, in the order of their being attached. */
export type AttachmentRecord = Readonly<Record<ControlPolicyType, readonly string[]>>;

/** Listed under their organization. */
export const policies = collection<PolicyRecord>('organizations.policy');
/** By id of root, unit or account; listed under their organization. Absent: the full-access policies alone. */
export const attachments = collection<AttachmentRecord>('organizations.attachment');

export function fullAccessPolicy(type: ControlPolicyType): PolicyRecord {
  const isService = type === 'SERVICE_CONTROL_POLICY';
  const statement = { Effect: 'Allow', ...(isService ? {} : { Principal: '*' }), Action: '*', Resource: '*' };
  return {
    id: isService ? 'p-FullAWSAccess' : 'p-RCPFullAWSAccess',
    organizationId: '',
    name: isService ? 'FullAWSAccess' : 'RCPFullAWSAccess',
    description: isService ? 'Allows access to every operation' : 'Allows all access to every resource',
    type,
    content: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    tags: {},
  };
}

export function policyArn(organization: OrganizationRecord, policy: PolicyRecord): string {
  const kind = policy.type.toLowerCase();
  return policy.organizationId === ''
    ? `arn:aws:organizations::aws:policy/${kind}/${policy.id}`
    : organizationsArn(organization, 'policy', `${kind}/${policy.id}`);
}

export async function policiesIn(q: Queryable, organizationId: string): Promise<PolicyRecord[]> {
  return (await policies.list(q, { account: '', parent: organizationId })).map(({ document }) => document);
}

const DEFAULT_ATTACHMENT: AttachmentRecord = {
  SERVICE_CONTROL_POLICY: [fullAccessPolicy('SERVICE_CONTROL_POLICY').id],
  RESOURCE_CONTROL_POLICY: [fullAccessPolicy('RESOURCE_CONTROL_POLICY').id],
};

export async function attachedTo(q: Queryable, targetId: string): Promise<AttachmentRecord> {
  return (await attachments.get(q, globalKey(targetId)))?.document ?? DEFAULT_ATTACHMENT;
}

// --- what is remembered of it, and forgotten at any write ---

const GENERATION = 'organizations.generation';
const MOST_REMEMBERED = 10_000;

type Memory = { byAccount: Map<string, unknown>; generation: string };
const memories = new WeakMap<House, Memory>();

/** A write of the organization's: a transaction, after which nothing remembered is believed. */
export async function changeOrganization<T>(house: House, work: (tx: Tx) => Promise<T>): Promise<T> {
  return house.store.transaction(async (tx) => {
    const result = await work(tx);
    await forgetOrganization(house, tx);
    return result;
  });
}

/** The same, within a transaction of the caller's. */
export async function forgetOrganization(house: House, tx: Tx): Promise<void> {
  await nextInSequence(tx, GENERATION);
  // At its end, whatever that was: a commit whose answer was lost may have happened.
  tx.afterEnd(() => void (memoryOf(house).byAccount = new Map()));
}

/** Loads once per account; several processes on one database learn of each other's writes by the counter. */
export async function rememberedOf<T>(house: House, account: string, load: () => Promise<T>): Promise<T> {
  const memory = memoryOf(house);
  if (house.store.kind === 'url') {
    const generation = String(await lastInSequence(house.store, GENERATION));
    if (generation !== memory.generation) memory.byAccount = new Map();
    memory.generation = generation;
  }
  // Whoever names accounts that are not there must not fill the memory with them.
  if (memory.byAccount.size >= MOST_REMEMBERED) memory.byAccount = new Map();
  const { byAccount } = memory;
  if (byAccount.has(account)) return byAccount.get(account) as T;
  const loaded = await load();
  // Into the map that was asked: after a write there is a new one, and old answers stay out of it.
  byAccount.set(account, loaded);
  return loaded;
}

function memoryOf(house: House): Memory {
  let memory = memories.get(house);
  if (memory === undefined) memories.set(house, (memory = { byAccount: new Map(), generation: '' }));
  return memory;
}
