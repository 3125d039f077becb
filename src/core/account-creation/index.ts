export {
  type AccountCreation,
  type AccountCreationEffect,
  type AccountCreationEvent,
  begin,
  decide,
} from './decide.ts';
