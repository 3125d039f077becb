export {
  type Foreseen,
  type ForeseenCall,
  type ForeseenCaller,
  type ForeseenFailure,
  type ForeseenGap,
  type ForeseenUse,
  type Foresee,
  type Foresight,
} from './foreseen.ts';
export {
  type AccountControls,
  type Call,
  type Client,
  type ControlPolicy,
  type Credentials,
  type Door,
  type House,
  type HouseConfig,
  type HttpTools,
  type Identity,
  type Log,
  type Notification,
  operation,
  type Operation,
  operationsOf,
  type PrincipalPolicies,
  type ResourceFacts,
  type Scope,
  type Sealer,
  type ServiceDefinition,
} from './service.ts';
export { readEvidence, type Versions } from './request-tallies.ts';
export type { Work, WorkFailure } from './work.ts';
