export {
  granteeMatches,
  type Grant,
  grantAllows,
  type GrantConstraints,
  type GrantUse,
  type HandedOn,
} from './grant.ts';
