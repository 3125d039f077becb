export {
  decide,
  followingRotation,
  type KeyRotationEffect,
  type KeyRotationEvent,
  type KeyRotationState,
  startKeyRotation,
} from './decide.ts';
