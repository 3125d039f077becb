export { type ControlPolicyKind, LARGEST_CONTROL_POLICY, validateControlPolicy } from './control-policy.ts';
export { decide } from './decide.ts';
export { denialMessage } from './denial-message.ts';
export { compileGlob, type Glob } from './glob.ts';
export { type Mend, type MendStep, smallestMend, type StatementJson, withSteps } from './mend.ts';
export type { NearMiss, UnmetCondition } from './near-miss.ts';
export {
  parsePolicy,
  type PolicyCheck,
  type PolicyDocument,
  type PolicyKind,
  policySize,
  type PolicyStatement,
  validatePolicyDocument,
} from './policy-document.ts';
export { readsResourceTags } from './resource-tags.ts';
export type { Supply } from './supply.ts';
export type {
  Allowance,
  Caller,
  DecisionInput,
  Denial,
  Gate,
  GateName,
  NamedPolicy,
  PolicyDecision,
  PolicySet,
  PolicyType,
  StatementRef,
} from './types.ts';
export { knowsResourceControl } from './survey.ts';
