export {
  decide,
  openSourcePoll,
  POLL_EVERY_MS,
  type SourcePoll,
  type SourcePollEffect,
  type SourcePollEvent,
} from './decide.ts';
