export { granteeMatches, type Grant, grantAllows, type GrantConstraints, type GrantUse } from './grant.ts';
